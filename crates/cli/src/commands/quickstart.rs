//! `quickstart`: the main job in one go, for someone who has just arrived.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;
use stimmung::corpus::{Manifest, synth};
use stimmung::recipe::{DEFAULT_RECIPE, Override};
use stimmung::{Card, Evaluated, Experiment, Recipe, Recognizer, SavedRun, save_run};
use stimmung_report::Document;

use crate::args::Quickstart;
use crate::commands::corpus::make_voices;
use crate::commands::experiment::show;
use crate::console::{Console, bold, green};
use crate::progress::Bar;

/// Recordings that are predicted at the end.
const SHOWN: usize = 6;

pub fn run(arguments: &Quickstart, console: &Console) -> anyhow::Result<()> {
    let bar = Bar::default();
    let (manifest, recipe) = corpus(&arguments.corpora.folders(), console)?;
    let root = manifest.root.clone();
    let experiment = Experiment::from_manifest(recipe, manifest, &bar)?;
    let evaluated = experiment.evaluate(&bar)?;
    let model = experiment.train(Some(&evaluated), &bar)?;
    let summary = save_run(&arguments.out.join(&experiment.recipe.name), &experiment, &evaluated, Some(&model))?;
    let unseen = predict_unseen(&experiment, &evaluated, &root, &bar)?;
    let documents = match &summary.run {
        Some(folder) => Document::write_all(&SavedRun::open(folder)?)?,
        None => Vec::new(),
    };

    if console.json() {
        let mut object = serde_json::to_value(&summary)?;
        object["predictions"] = json!(unseen);
        object["documents"] = json!(documents);
        return console.object(&object);
    }
    show(console, &experiment, &evaluated, &summary)?;
    show_unseen(console, &unseen)?;
    let Some(folder) = summary.run else { return Ok(()) };
    console.print("\nTo hand on: the report, slides, a notebook and the model's card\n".to_owned())?;
    for document in documents {
        console.print(format!("  {}\n", green(document.display())))?;
    }
    Ok(console.print(format!(
        "\nNext: stimmung predict --model {} YOUR.wav\n      stimmung run --corpus YOUR_FOLDER\n",
        folder.join("model.stimmung").display()
    ))?)
}

/// Emo-DB where it is found, otherwise voices that the program makes itself, below `./data`.
fn corpus(folders: &[PathBuf], console: &Console) -> anyhow::Result<(Manifest, Recipe)> {
    let recipe = |overrides: &[Override]| Recipe::with_overrides(DEFAULT_RECIPE, "(quickstart)", overrides);
    let named = |name: &str| Override::new("name", name);
    if let Ok(path) = stimmung::find_corpus("emodb", folders) {
        console.note(format!("Using Emo-DB, found at {}\n", path.display()));
        return Ok((Manifest::open(&path, None)?, recipe(&[named("quickstart")])?));
    }
    let folder = Path::new("data").join("synthetic");
    let manifest = if folder.join("manifest.csv").exists() {
        Manifest::open(&folder.join("manifest.csv"), None)?
    } else {
        make_voices(&folder, &synth::SynthParams::default())?
    };
    console.note(format!(
        "Emo-DB was not found, so this run uses SYNTHETIC voices, made by this program and put into {}.\n\
         They show that everything works; their figures say nothing about people. To use Emo-DB, run\n\
         `stimmung corpus fetch emodb`, or put its folder into one of: {}\n",
        folder.display(),
        folders.iter().map(|folder| folder.join("emodb").display().to_string()).collect::<Vec<_>>().join(", ")
    ));
    let overrides = [
        named("quickstart-synthetic"),
        Override::new("description", "Quickstart on synthetic voices; its figures say nothing about people."),
        Override::section("corpus", "path", &folder.to_string_lossy()),
    ];
    Ok((manifest, recipe(&overrides)?))
}

#[derive(serde::Serialize)]
struct Unseen {
    file: String,
    truth: String,
    label: String,
    probabilities: BTreeMap<String, f32>,
    speaker: String,
}

/// Predicts recordings of the first fold from their files, with a model that was trained on the other speakers only.
fn predict_unseen(
    experiment: &Experiment,
    evaluated: &Evaluated,
    root: &Path,
    bar: &Bar,
) -> anyhow::Result<Vec<Unseen>> {
    let fold = &evaluated.folds[0];
    let model = experiment.train_on(&fold.train, Card::default(), bar)?;
    let recognizer = Recognizer::new(model);
    let step = (fold.test.len() / SHOWN).max(1);
    let rows = fold.test.iter().step_by(step).take(SHOWN);
    rows.map(|&row| {
        let recording = &experiment.table.recordings[row];
        let prediction = recognizer.recognize_path(&root.join(&recording.file))?;
        Ok(Unseen {
            file: recording.file.to_string_lossy().into_owned(),
            truth: experiment.classes[experiment.items[row].class].clone(),
            label: prediction.label,
            probabilities: prediction.probabilities,
            speaker: recording.speaker.clone().unwrap_or_default(),
        })
    })
    .collect()
}

fn show_unseen(console: &Console, unseen: &[Unseen]) -> anyhow::Result<()> {
    let Some(first) = unseen.first() else { return Ok(()) };
    console.print(format!("\nA model that never heard speaker {} answers for that speaker:\n", first.speaker))?;
    for answer in unseen {
        let probability = answer.probabilities.get(&answer.label).copied().unwrap_or_default();
        let mark = if answer.label == answer.truth { "right" } else { "wrong" };
        console.print(format!(
            "  {:24} {} {probability:.2}  truth {:10} {mark}\n",
            answer.file,
            bold(format!("{:10}", answer.label)),
            answer.truth
        ))?;
    }
    Ok(())
}
