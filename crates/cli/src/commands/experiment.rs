//! `run`, `train` and `evaluate`: a recipe at work.

use std::path::{Path, PathBuf};

use serde_json::json;
use stimmung::recipe::Override;
use stimmung::{Checkpoints, Error, Evaluated, Experiment, FixedModel, Recipe, open_corpus, report, save_run};

use crate::args::{Evaluate, RecipeSource, RunRecipe, Train};
use crate::commands::WrongUsage;
use crate::console::{Console, bold, green};
use crate::progress::Bar;

pub fn run(arguments: &RunRecipe, console: &Console) -> anyhow::Result<()> {
    if arguments.quick || !arguments.only.is_empty() || arguments.results.is_some() {
        let text = "--only, --quick and --results are for a folder of recipes; \
                    fewer epochs of one recipe are `--with model.epochs=5`";
        return Err(WrongUsage(text.into()).into());
    }
    let recipe = arguments.source.read(console)?;
    if arguments.dry_run {
        return dry_run(&recipe, &arguments.source, &arguments.out, console);
    }
    let bar = Bar::default();
    let folder = arguments.out.join(&recipe.name);
    let checkpoints = checkpoints(&folder, &recipe, console)?;
    let experiment =
        Experiment::prepare(recipe, &arguments.source.corpora.folders(), &bar)?.with_checkpoints(checkpoints.clone());
    let evaluated = finished(experiment.evaluate(&bar), &checkpoints, console)?;
    let model = if experiment.recipe.adaptation.answers_alone() {
        Some(finished(experiment.train(Some(&evaluated), &bar), &checkpoints, console)?)
    } else {
        console.note("No model is kept: transductive adaptation judges all recordings of a speaker together");
        None
    };
    let summary = save_run(&folder, &experiment, &evaluated, model.as_ref())?;
    checkpoints.discard();
    show(console, &experiment, &evaluated, &summary)
}

/// The checkpoints on the way to a result, with a word if there are any to go on from.
fn checkpoints(result: &Path, recipe: &Recipe, console: &Console) -> anyhow::Result<Checkpoints> {
    let checkpoints = Checkpoints::beside(result, recipe)?;
    if checkpoints.folder().exists() {
        let folder = checkpoints.folder().display();
        console.note(format!("Going on from the trainings in {folder}; remove it to begin anew"));
    }
    Ok(checkpoints)
}

/// What came of some work; where it was stopped, how to go on with it.
fn finished<T>(work: Result<T, Error>, checkpoints: &Checkpoints, console: &Console) -> anyhow::Result<T> {
    if matches!(work, Err(Error::Cancelled)) && checkpoints.folder().exists() {
        let folder = checkpoints.folder().display();
        console.note(format!("The trainings so far are kept in {folder}; the same command goes on from them"));
    }
    Ok(work?)
}

/// Prints a summary as JSON, or the report and where the run lies.
pub fn show(
    console: &Console,
    experiment: &Experiment,
    evaluated: &Evaluated,
    summary: &stimmung::Summary,
) -> anyhow::Result<()> {
    if console.json() {
        return console.object(summary);
    }
    console.print(format!(
        "{} on {}: {} recordings, {} values each ({}), {}\n\n{}",
        bold(&experiment.recipe.name),
        experiment.corpus,
        experiment.table.recordings.len(),
        experiment.table.columns.len(),
        experiment.recipe.features.name(),
        experiment.recipe.model.kind(),
        report(&experiment.table.dropped, evaluated),
    ))?;
    if let Some(folder) = &summary.run {
        console.print(format!("\nSaved {}\n", green(folder.display())))?;
    }
    Ok(())
}

fn dry_run(recipe: &Recipe, source: &RecipeSource, out: &Path, console: &Console) -> anyhow::Result<()> {
    let corpus = open_corpus(recipe, &source.corpora.folders())?;
    let folder = out.join(&recipe.name);
    if console.json() {
        return console.object(&json!({
            "dry_run": true,
            "recipe": recipe,
            "corpus": corpus.root,
            "recordings": corpus.recordings.len(),
            "protocol": recipe.protocol.describe(),
            "run": folder,
        }));
    }
    Ok(console.print(format!(
        "{}\nWould use {} recordings below {}, judge by {}, and write {}.\n",
        recipe.to_toml()?,
        corpus.recordings.len(),
        corpus.root.display(),
        recipe.protocol.describe(),
        folder.display()
    ))?)
}

pub fn train(arguments: &Train, console: &Console) -> anyhow::Result<()> {
    let recipe = arguments.source.read(console)?;
    recipe.check_makes_model()?;
    let out = arguments.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}.stimmung", recipe.name)));
    let bar = Bar::default();
    let checkpoints = checkpoints(&out, &recipe, console)?;
    let experiment =
        Experiment::prepare(recipe, &arguments.source.corpora.folders(), &bar)?.with_checkpoints(checkpoints.clone());
    let evaluated =
        if arguments.evaluate { Some(finished(experiment.evaluate(&bar), &checkpoints, console)?) } else { None };
    let evaluation = evaluated.as_ref().map(|evaluated| &evaluated.evaluation);
    let model = finished(experiment.train(evaluated.as_ref(), &bar), &checkpoints, console)?;
    model.save(&out)?;
    checkpoints.discard();
    if console.json() {
        return console.object(&json!({
            "model": out,
            "id": model.id(),
            "kind": model.classifier.kind(),
            "classes": experiment.classes,
            "recordings": experiment.table.recordings.len(),
            "dropped": experiment.table.dropped,
            "uar": evaluation.map(|evaluation| evaluation.pooled.uar),
            "protocol": evaluation.map(|evaluation| &evaluation.protocol),
        }));
    }
    if let Some(evaluated) = &evaluated {
        console.print(report(&experiment.table.dropped, evaluated))?;
    } else {
        for dropped in &experiment.table.dropped {
            console.warning(format!("left out {}: {}", dropped.file.display(), dropped.reason));
        }
        console.note("Not evaluated: `--evaluate` judges the recipe and writes the figures onto the card.");
    }
    Ok(console.print(format!(
        "Trained {} on {} recordings of {} emotions; saved {}\n",
        model.classifier.kind(),
        experiment.table.recordings.len(),
        experiment.classes.len(),
        green(out.display())
    ))?)
}

/// Whether a key of a recipe says something of how a ready model is judged.
fn counts_for_ready_models(key: &str) -> bool {
    matches!(key.split('.').next(), Some("name" | "description" | "corpus" | "seed" | "adaptation"))
}

pub fn evaluate(arguments: &Evaluate, console: &Console) -> anyhow::Result<()> {
    let bar = Bar::default();
    let folders = arguments.source.corpora.folders();
    let Some(model) = &arguments.model else {
        let recipe = arguments.source.read(console)?;
        let folder = arguments.out.join(format!("{}-evaluation", recipe.name));
        let checkpoints = checkpoints(&folder, &recipe, console)?;
        let experiment = Experiment::prepare(recipe, &folders, &bar)?.with_checkpoints(checkpoints.clone());
        let evaluated = finished(experiment.evaluate(&bar), &checkpoints, console)?;
        let summary = save_run(&folder, &experiment, &evaluated, None)?;
        checkpoints.discard();
        return show(console, &experiment, &evaluated, &summary);
    };
    if arguments.source.corpus.is_none() {
        let text =
            "`evaluate --model FILE` needs a corpus to judge the model on: add `--corpus DIR`, a manifest, or a name";
        return Err(WrongUsage(text.into()).into());
    }
    if let Some(key) = arguments.source.with.iter().map(Override::key).find(|key| !counts_for_ready_models(key)) {
        let text = format!(
            "`--with {key}=…` changes how a model is made, and this one is ready; `corpus`, `seed` and `adaptation` can be set"
        );
        return Err(WrongUsage(text).into());
    }
    let recipe = arguments.source.read(console)?;
    let fixed = FixedModel::load(model)?;
    let (experiment, evaluated) = fixed.evaluate(recipe, &folders, &bar)?;
    let folder = arguments.out.join(format!("{}-evaluation", experiment.recipe.name));
    let summary = save_run(&folder, &experiment, &evaluated, Some(fixed.model()))?;
    show(console, &experiment, &evaluated, &summary)
}
