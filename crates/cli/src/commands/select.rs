//! `select`: the settings of a recipe, chosen inside the training speakers.

use std::fmt::Write;

use serde_json::json;
use stimmung::select::{Selected, Selection};
use stimmung::{report, save_selection};

use crate::args::Select;
use crate::console::{Console, bold, green};
use crate::progress::Bar;

/// Trials that are listed in the end.
const LISTED: usize = 10;

pub fn run(arguments: &Select, console: &Console) -> anyhow::Result<()> {
    let recipe = arguments.source.read(console)?;
    if arguments.dry_run {
        for (number, trial) in Selection::trials_of(&recipe)?.iter().enumerate() {
            if console.json() {
                let settings: serde_json::Map<String, serde_json::Value> = trial
                    .settings
                    .iter()
                    .map(|(key, value)| Ok((key.clone(), serde_json::to_value(value)?)))
                    .collect::<Result<_, serde_json::Error>>()?;
                console.object(&json!({ "trial": number, "settings": settings }))?;
            } else {
                console.print(format!("{number:>5}  {}\n", trial.describe()))?;
            }
        }
        return Ok(());
    }
    let bar = Bar::default();
    let name = format!("{}-selection", recipe.name);
    let selection = Selection::prepare(recipe, &arguments.source.corpora.folders(), &bar)?;
    console.note(format!("{} settings, {} models to fit", selection.trials().len(), selection.fits()));
    let log = arguments.out.join(format!("{name}.log"));
    let selected = match selection.run(&log, &bar) {
        Err(stimmung::Error::Cancelled) => {
            console.note(format!("what is finished stands in {}; run again to go on", log.display()));
            return Err(stimmung::Error::Cancelled.into());
        }
        selected => selected?,
    };
    let summary = save_selection(&arguments.out.join(&name), &selection, &selected)?;
    // The folder holds all that the log does.
    let _ = std::fs::remove_file(&log);
    let unfit = selection.reasons(&selected);
    for reason in &unfit {
        console.warning(reason);
    }
    if console.json() {
        return console.object(&json!({
            "summary": summary,
            "unfit": unfit,
            "best": selection.trials()[selected.best].describe(),
            "chosen": selected.chosen.iter().map(|&trial| selection.trials()[trial].describe()).collect::<Vec<_>>(),
        }));
    }
    console.print(standings(&selection, &selected))?;
    console.print(format!("\n{}", report(&summary.dropped, &selected.evaluated)))?;
    if let Some(folder) = &summary.run {
        let folder = folder.display();
        console.print(format!(
            "\nSaved {}\nTrain the choice with `stimmung train {folder}/best.toml`\n",
            green(&folder)
        ))?;
    }
    Ok(())
}

/// The best trials over all recordings, and how often each was chosen inside a training part.
fn standings(selection: &Selection, selected: &Selected) -> String {
    let mut ranked: Vec<usize> = (0..selection.trials().len()).collect();
    let overall = |trial: usize| selected.scores[trial].overall;
    ranked.sort_by(|&a, &b| overall(b).total_cmp(&overall(a)).then(a.cmp(&b)));
    let mut text = format!("{}\n", bold("overall  chosen  settings"));
    for trial in ranked.into_iter().take(LISTED) {
        let chosen = selected.chosen.iter().filter(|&&it| it == trial).count();
        let settings = selection.trials()[trial].describe();
        let score = Some(overall(trial)).filter(|it| it.is_finite());
        let score = score.map_or_else(|| "none".to_owned(), |it| format!("{it:.3}"));
        let _ = writeln!(text, "{score:>7}  {chosen:>6}  {settings}");
    }
    text
}
