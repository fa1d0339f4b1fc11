//! What is saved is what is read, and what is broken says where.

use std::fs;
use std::path::Path;

use serde_json::Value;
use stimmung_evaluation::{BootstrapParams, Metric, bootstrap_interval};

use super::*;
use crate::select::Selection;
use crate::testing::{corpus, experiment, recipe};
use crate::{Error, Quiet, Recipe};

const NETWORK: [&str; 2] = ["model={ kind = \"dense\", hidden = [8], epochs = 3, batch_size = 4 }", "watch=true"];
const COPIES: [&str; 3] = [
    "augmentation.copies=[[{ effect = \"gain\", db = 6 }]]",
    "augmentation.when=before-split",
    "protocol={ kind = \"random\", folds = 3 }",
];

/// Saves an evaluation of a changed recipe over a small corpus, in which a file lies in a folder of its own.
fn saved(folder: &Path, changes: &[&str]) -> (Experiment, Evaluated, Summary) {
    let experiment = experiment(folder, changes);
    let evaluated = experiment.evaluate(&Quiet).unwrap();
    let summary = save_run(&folder.join("runs").join("run"), &experiment, &evaluated, None).unwrap();
    (experiment, evaluated, summary)
}

/// What is done to the text of a file.
type Change<'a> = Box<dyn FnOnce(String) -> String + 'a>;

/// Changes a file of a run.
fn change(run: &Path, name: &str, change: impl FnOnce(String) -> String) {
    let text = fs::read_to_string(run.join(name)).unwrap();
    let changed = change(text.clone());
    assert_ne!(changed, text, "{name}");
    fs::write(run.join(name), changed).unwrap();
}

/// A table without some of its columns.
fn without(table: &str, column: &str) -> String {
    let number = table.lines().next().unwrap().split(',').position(|name| name == column).unwrap();
    let rows = table.lines().map(|row| {
        let cells: Vec<&str> = row.split(',').enumerate().filter(|(at, _)| *at != number).map(|it| it.1).collect();
        cells.join(",") + "\n"
    });
    rows.collect()
}

#[test]
fn what_is_saved_is_what_is_read() {
    let folder = corpus(3, &[0.3, 0.5]);
    let experiment = experiment(folder.path(), &NETWORK);
    let evaluated = experiment.evaluate(&Quiet).unwrap();
    let model = experiment.train(Some(&evaluated), &Quiet).unwrap();
    let summary = save_run(&folder.path().join("run"), &experiment, &evaluated, Some(&model)).unwrap();
    // The folder may be moved; the corpus is not needed.
    let moved = folder.path().join("elsewhere");
    fs::rename(summary.run.as_ref().unwrap(), &moved).unwrap();
    fs::remove_file(folder.path().join("S1-anger-1.wav")).unwrap();

    let run = SavedRun::open(&moved).unwrap();
    assert_eq!((&run.recipe, &run.summary, &run.classes), (&experiment.recipe, &summary, &experiment.classes));
    assert_eq!(run.folds, ["S1", "S2", "S3"]);
    assert_eq!(run.predictions.len(), 18);
    for (read, judged) in run.predictions.iter().zip(&evaluated.predictions) {
        let item = &experiment.items[judged.item];
        assert_eq!((&read.id, &read.speaker, read.copy), (&item.id, &item.speaker, None));
        assert_eq!((read.fold, read.truth, read.predicted), (judged.fold, item.class, judged.predicted));
        assert!(
            read.probabilities.iter().zip(&judged.probabilities).all(|(read, judged)| (read - judged).abs() < 1e-6)
        );
        assert_eq!(read.confidence(), read.probabilities.iter().copied().fold(0.0, f32::max));
        let recording = run.recording(read).unwrap();
        assert!(recording.file.ends_with(&item.id), "{recording:?}");
        let seconds = if item.id.ends_with("1.wav") { 0.3 } else { 0.5 };
        assert_eq!(recording.seconds, Some(seconds));
    }
    let interval =
        bootstrap_interval(&run.outcomes(), 3, Metric::Uar, &BootstrapParams::default(), run.recipe.seed).unwrap();
    assert_eq!(interval, run.summary.interval.uar, "the figures can be had from the answers");

    let history = run.history.as_ref().unwrap();
    assert_eq!(history.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 3]);
    for (read, step) in history.iter().flatten().zip(evaluated.history.iter().flatten()) {
        assert_eq!((read.step, read.validation_loss), (step.step, None));
        assert!((read.loss.unwrap() - step.loss.unwrap()).abs() < 1e-6);
        assert!((read.watched_accuracy.unwrap() - step.watched.unwrap()).abs() < 1e-6);
    }
    assert_eq!(run.model().unwrap().unwrap().to_bytes().unwrap(), model.to_bytes().unwrap());
    let timing = run.timing.unwrap();
    assert!(timing.preparing > 0.0 && timing.evaluating.is_some() && timing.training.is_some() && timing.threads > 0);
    assert_eq!(timing.before_interruption, 0.0);
}

#[test]
fn figures_keep_the_form_that_others_read() {
    let folder = corpus(3, &[0.3]);
    let run = saved(folder.path(), &[]).2.run.unwrap();
    let metrics: Value = serde_json::from_str(&fs::read_to_string(run.join("metrics.json")).unwrap()).unwrap();
    for pointer in
        ["/uar", "/interval/uar/low", "/over_folds/macro_f1/mean", "/folds/0/war", "/pooled/classes/2/recall"]
    {
        assert!(metrics.pointer(pointer).is_some_and(Value::is_number), "{pointer}");
    }
    assert_eq!(metrics["interval"]["war"]["method"], "bootstrap over speakers");
    assert_eq!(metrics["pooled"]["confusion"]["classes"][0], "anger");
    assert!(metrics["dropped"].is_array() && metrics["leaks"].is_array());
}

#[test]
fn time_reaches_no_result() {
    let folder = corpus(3, &[0.3]);
    let (experiment, evaluated, first) = saved(folder.path(), &[]);
    let first = first.run.unwrap();
    experiment.evaluate(&Quiet).unwrap();
    let again = save_run(&first, &experiment, &evaluated, None).unwrap().run.unwrap();
    for name in ["receipt.json", "predictions.csv", "manifest.csv", "recipe.toml", "report.txt"] {
        assert_eq!(fs::read(first.join(name)).unwrap(), fs::read(again.join(name)).unwrap(), "{name}");
    }
    // A model that was trained and not saved took no time of this run, and another recipe starts anew.
    experiment.train(None, &Quiet).unwrap();
    assert_eq!(experiment.timing(false).training, None);
    assert!(experiment.timing(true).training.is_some() && experiment.clone().timing(true).evaluating.is_some());
    let under = experiment.under(recipe(folder.path(), &["model.c=3.0"])).unwrap().timing(true);
    assert_eq!((under.evaluating, under.training), (None, None));
    assert_eq!(under.preparing, experiment.timing(true).preparing);
}

#[test]
fn folders_from_before_durations_and_timings_open() {
    let folder = corpus(3, &[0.3]);
    let run = saved(folder.path(), &[]).2.run.unwrap();
    // Not every model tells how it learnt.
    for name in ["timing.json", "history.csv"] {
        fs::remove_file(run.join(name)).unwrap();
    }
    change(&run, "manifest.csv", |table| without(&table, "seconds"));
    let run = SavedRun::open(&run).unwrap();
    assert_eq!((run.timing.clone(), run.history.clone()), (None, None));
    assert!(run.model().unwrap().is_none());
    assert!(run.predictions.iter().all(|it| run.recording(it).is_some_and(|recording| recording.seconds.is_none())));
}

#[test]
fn recordings_that_were_left_out_stand_with_their_reasons() {
    let folder = corpus(3, &[0.3, 0.4]);
    fs::write(folder.path().join("S1-anger-1.wav"), "no audio").unwrap();
    let (_, _, summary) = saved(folder.path(), &[]);
    let run = SavedRun::open(summary.run.as_ref().unwrap()).unwrap();
    assert_eq!(run.summary.dropped, summary.dropped);
    assert_eq!(run.summary.dropped[0].file, Path::new("S1-anger-1.wav"));
    assert!(!run.summary.dropped[0].reason.is_empty());
}

#[test]
fn copies_are_kept_with_their_source_where_it_can_be_told() {
    let folder = corpus(3, &[0.3]);
    let folder_of_run = saved(folder.path(), &COPIES).2.run.unwrap();
    let run = SavedRun::open(&folder_of_run).unwrap();
    assert_eq!(run.predictions.len(), 18);
    assert_eq!(run.predictions.iter().filter(|it| it.copy == Some(1)).count(), 9);
    for prediction in &run.predictions {
        let source = prediction.id.strip_suffix(" (copy 1)").unwrap_or(&prediction.id);
        assert!(run.recording(prediction).unwrap().file.ends_with(source), "{prediction:?}");
    }

    change(&folder_of_run, "predictions.csv", |table| table.replace("S1-anger-1.wav (copy 1)", "gone.wav (copy 1)"));
    let run = SavedRun::open(&folder_of_run).unwrap();
    let orphans: Vec<_> = run.predictions.iter().filter(|it| it.recording.is_none()).collect();
    assert_eq!(orphans.len(), 1);
    assert_eq!((orphans[0].copy, run.recording(orphans[0])), (Some(1), None));
}

#[test]
fn selections_open_too() {
    let folder = corpus(3, &[0.3, 0.4]);
    let select = "select={ folds = 2, space = { \"model.c\" = [0.1, 10.0] } }";
    let selection = Selection::prepare(recipe(folder.path(), &[select]), &[], &Quiet).unwrap();
    let selected = selection.run(&folder.path().join("log"), &Quiet).unwrap();
    let summary = save_selection(&folder.path().join("out"), &selection, &selected).unwrap();
    let run = SavedRun::open(summary.run.as_ref().unwrap()).unwrap();
    assert_eq!((&run.recipe, &run.summary), (selection.recipe(), &summary));
    assert_eq!(run.predictions.len(), 18);
    assert_eq!(run.timing.unwrap().evaluating, None);
}

#[test]
fn a_recipe_that_left_its_publication_behind_opens() {
    let folder = corpus(3, &[0.3]);
    let run = saved(folder.path(), &[]).2.run.unwrap();
    let reference = "\n[reference]\nrow = \"x\"\n[reference.original.model]\nhidden = 3\n";
    change(&run, "recipe.toml", |text| text + reference);
    // As a recipe to start from it is refused, since the original cannot be made of it.
    match Recipe::load(&run.join("recipe.toml"), &[]) {
        Err(Error::Recipe { message, .. }) => assert!(message.contains("hidden"), "{message}"),
        other => panic!("{other:?}"),
    }
    assert!(SavedRun::open(&run).unwrap().recipe.reference.is_some());
}

#[test]
fn what_is_no_run_says_what_is_missing() {
    let folder = corpus(3, &[0.3]);
    let message = |path: &Path| match SavedRun::open(path) {
        Err(error @ Error::NotARun { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(message(&folder.path().join("nowhere")).contains("there is no such folder"));
    assert!(message(&folder.path().join("manifest.csv")).contains("there is no such folder"));
    let corpus = message(folder.path());
    assert!(corpus.contains("no recipe.toml, predictions.csv, metrics.json, receipt.json;"), "{corpus}");
    assert!(corpus.contains("`stimmung run`"), "{corpus}");
    let run = saved(folder.path(), &[]).2.run.unwrap();
    fs::remove_file(run.join("metrics.json")).unwrap();
    assert!(message(&run).contains("it has no metrics.json;"));
}

#[test]
fn runs_of_newer_versions_are_refused_before_anything_is_read() {
    let folder = corpus(3, &[0.3]);
    let run = saved(folder.path(), &[]).2.run.unwrap();
    let own = env!("CARGO_PKG_VERSION");
    fs::write(run.join("recipe.toml"), "new = true").unwrap();
    fs::write(run.join("receipt.json"), "{\"stimmung\": \"999.0.0\", \"proof\": 1}").unwrap();
    let error = SavedRun::open(&run).unwrap_err();
    assert!(matches!(error, Error::NewerRun { .. }), "{error}");
    assert!(error.to_string().contains("999.0.0") && error.to_string().contains(own), "{error}");
    fs::write(run.join("receipt.json"), "{\"stimmung\": \"tomorrow\"}").unwrap();
    assert!(matches!(SavedRun::open(&run), Err(Error::BrokenRun { .. })));
}

#[test]
fn broken_files_are_named_with_line_and_column() {
    let folder = corpus(3, &[0.3]);
    let whole = saved(folder.path(), &NETWORK).2.run.unwrap();
    let first = |table: &str, column: usize| -> String {
        table.lines().nth(1).unwrap().split(',').nth(column).unwrap().to_owned()
    };
    // What is done to the second line of a table.
    let in_line_2 = |column: usize, cell: &'static str| {
        move |table: String| table.replacen(&format!(",{},", first(&table, column)), &format!(",{cell},"), 1)
    };
    let changes: Vec<(&str, Change<'_>, &[&str])> = vec![
        ("predictions.csv", Box::new(in_line_2(5, "NaN")), &["line 2", "column `anger`", "`NaN` is no probability"]),
        ("predictions.csv", Box::new(in_line_2(6, "much")), &["line 2", "column `fear`", "from 0 to 1"]),
        ("predictions.csv", Box::new(in_line_2(5, "1.5")), &["line 2", "column `anger`"]),
        (
            "predictions.csv",
            Box::new(|table| table.replacen("S1-", "T1-", 1)),
            &["line 2", "column `file`", "manifest.csv"],
        ),
        (
            "predictions.csv",
            Box::new(|table| table.replacen(",S1,S1,", ",S1,S9,", 1)),
            &["line 2", "column `fold`", "S1, S2, S3"],
        ),
        (
            "predictions.csv",
            Box::new(|table| table.replacen(",anger,", ",rage,", 2).replacen(",rage,", ",anger,", 1)),
            &["column `truth`", "`rage`"],
        ),
        (
            "predictions.csv",
            Box::new(|table| table.replacen("fear,sadness", "sadness,fear", 1)),
            &["line 1", "anger, fear, sadness"],
        ),
        ("predictions.csv", Box::new(|table| without(&table, "sadness")), &["line 1", "expected file, speaker"]),
        (
            "predictions.csv",
            Box::new(|table| table.replacen(",sadness\n", ",sadness,joy\n", 1)),
            &["line 2", "8 cells"],
        ),
        (
            "predictions.csv",
            Box::new(|table| table.lines().take(4).collect::<Vec<_>>().join("\n")),
            &["3 answers", "expected 9"],
        ),
        ("manifest.csv", Box::new(|table| table.replacen('\n', "\nx\n", 1)), &["line 2"]),
        ("manifest.csv", Box::new(|table| table.replacen("0.3", "long", 1)), &["line 2", "`seconds` is `long`"]),
        (
            "metrics.json",
            Box::new(|text| text.replacen("\"uar\": ", "\"uar\": \"high\", \"x\": ", 1)),
            &["metrics.json, line ", "high"],
        ),
        ("metrics.json", Box::new(|text| text[..text.len() / 2].to_owned()), &["metrics.json, line "]),
        (
            "receipt.json",
            Box::new(|text| text.replace("\"split\"", "\"spilt\"")),
            &["receipt.json", "missing field `split`"],
        ),
        ("timing.json", Box::new(|_| "soon".to_owned()), &["timing.json, line 1"]),
        ("recipe.toml", Box::new(|text| text.replace("seed", "sede")), &["recipe.toml", "did you mean `seed`?"]),
        (
            "history.csv",
            Box::new(|text| text.replacen("S1,1,", "S1,first,", 1)),
            &["line 2", "column `step`", "`first`"],
        ),
        (
            "history.csv",
            Box::new(|text| text.replacen("S1,1,", "S1,1,x", 1)),
            &["line 2", "column `loss`", "is no number"],
        ),
        ("history.csv", Box::new(|text| text.replacen("S1,1,", "S7,1,", 1)), &["line 2", "column `fold`"]),
        ("history.csv", Box::new(|text| text.replacen("loss", "gain", 1)), &["line 1", "validation_loss"]),
    ];
    for (number, (name, how, words)) in changes.into_iter().enumerate() {
        let run = folder.path().join(format!("broken-{number}"));
        fs::create_dir(&run).unwrap();
        for entry in fs::read_dir(&whole).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), run.join(entry.file_name())).unwrap();
        }
        SavedRun::open(&run).unwrap();
        change(&run, name, how);
        let message = SavedRun::open(&run).unwrap_err().to_string();
        assert!(message.contains(name) && words.iter().all(|word| message.contains(word)), "{number}: {message}");
    }
}
