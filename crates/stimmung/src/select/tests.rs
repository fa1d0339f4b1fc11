use std::fs;

use super::*;
use crate::save_selection;
use crate::testing::{StopAfter, corpus, on_threads, recipe, rows, try_recipe};

const GRID: &str = "select={ folds = 3, space = { \"model.c\" = [0.001, 0.1, 10.0], \"features.n\" = [4, 8] } }";

fn selection(corpus: &Path, changes: &[&str]) -> Selection {
    Selection::prepare(recipe(corpus, changes), &[], &Quiet).unwrap()
}

fn run(selection: &Selection, folder: &Path) -> Selected {
    selection.run(&folder.join("new.log"), &Quiet).unwrap()
}

/// Everything that a selection came to.
fn outcome(selected: &Selected) -> String {
    let Selected { evaluated, chosen, best, scores, unfit } = selected;
    format!("{chosen:?} {best} {scores:?} {unfit:?} {:?} {:?}", evaluated.predictions, evaluated.evaluation)
}

#[test]
fn every_setting_is_tried_and_the_best_is_chosen() {
    let folder = corpus(4, &[0.3, 0.4]);
    let selection = selection(folder.path(), &[GRID]);
    assert_eq!(selection.trials().len(), 6);
    assert_eq!(selection.trials()[1].describe(), "features.n = 4, model.c = 0.1");
    // 3 folds over all four speakers, and 3 within each training part of three; then one model an outer fold.
    assert_eq!(selection.fits(), 6 * (3 + 4 * 3) + 4);
    let selected = run(&selection, folder.path());
    assert_eq!((selected.scores.len(), selected.chosen.len()), (6, 4));
    let first_best = |score: &dyn Fn(&TrialScores) -> f64| {
        let best = selected.scores.iter().map(score).fold(f64::NEG_INFINITY, f64::max);
        selected.scores.iter().position(|it| score(it) == best).unwrap()
    };
    assert_eq!(selected.best, first_best(&|it| it.overall));
    for (fold, &chosen) in selected.chosen.iter().enumerate() {
        assert_eq!(chosen, first_best(&|it| it.folds[fold]), "fold {fold}");
    }
    assert_eq!(selected.evaluated.predictions.len(), 24);
    let protocol = &selected.evaluated.evaluation.protocol;
    assert!(protocol.contains("chosen inside each training part, of 6 by UAR in 3 folds"), "{protocol}");
    assert!(selected.evaluated.evaluation.leaks.is_empty());

    // Each fold is judged with the model that its choice makes of its training part.
    let fold = &selected.evaluated.folds[0];
    let experiment = selection.experiment(selected.chosen[0]);
    let classifier = experiment.fit(&fold.train, &Quiet).unwrap();
    let judged = experiment.judge(&classifier, fold, 0).unwrap();
    assert_eq!(judged, selected.evaluated.predictions[..judged.len()]);

    let saved = save_selection(&folder.path().join("out"), &selection, &selected).unwrap().run.unwrap();
    let trials = rows(&saved.join("trials.csv"));
    assert_eq!((trials.len(), trials[0].len()), (6, 1 + 1 + 4 + 2));
    for (number, (row, scores)) in trials.iter().zip(&selected.scores).enumerate() {
        assert_eq!((row[0].clone(), row[1].clone()), (number.to_string(), format!("{:.6}", scores.overall)));
        assert_eq!(row[5], format!("{:.6}", scores.folds[3]));
    }
    assert_eq!(trials[5][6..], ["8", "10.0"]);
    let header = fs::read_to_string(saved.join("trials.csv")).unwrap();
    let header = header.lines().next().unwrap();
    assert_eq!(header, "trial,overall,without S1,without S2,without S3,without S4,features.n,model.c");
    let best = Recipe::load(&saved.join("best.toml"), &[]).unwrap();
    assert_eq!(best, selection.trials()[selected.best].recipe);
    assert!(best.select.is_none());
    assert_eq!(Recipe::load(&saved.join("recipe.toml"), &[]).unwrap(), *selection.recipe());
}

#[test]
fn the_choice_never_sees_the_test_part() {
    let folder = corpus(4, &[0.3, 0.4]);
    let honest = run(&selection(folder.path(), &[GRID]), folder.path());
    // The labels of one speaker change places.
    let table = folder.path().join("manifest.csv");
    let text: String = fs::read_to_string(&table)
        .unwrap()
        .lines()
        .map(|line| match line.strip_prefix("S1-").map(|_| line.rsplit_once(',').unwrap()) {
            Some((rest, "anger")) => format!("{rest},fear\n"),
            Some((rest, "fear")) => format!("{rest},sadness\n"),
            Some((rest, _)) => format!("{rest},anger\n"),
            None => format!("{line}\n"),
        })
        .collect();
    fs::write(&table, text).unwrap();
    fs::remove_file(folder.path().join("new.log")).unwrap();
    let planted = run(&selection(folder.path(), &[GRID]), folder.path());
    let within = |selected: &Selected, fold: usize| -> Vec<f64> {
        selected.scores.iter().map(|scores| scores.folds[fold]).collect()
    };
    assert_eq!(within(&planted, 0), within(&honest, 0), "S1 is the test part of the first fold");
    assert_eq!(planted.chosen[0], honest.chosen[0]);
    assert!((1..4).all(|fold| within(&planted, fold) != within(&honest, fold)), "and trained on in the others");
    assert_ne!(planted.scores[0].overall, honest.scores[0].overall);
}

#[test]
fn an_interrupted_selection_goes_on_to_the_same_result() {
    let folder = corpus(3, &[0.3, 0.4]);
    let selection = selection(folder.path(), &[GRID]);
    let whole = run(&selection, folder.path());
    let log = folder.path().join("stopped.log");
    let stopped = on_threads(2, || selection.run(&log, &StopAfter::new(7)));
    assert!(matches!(stopped, Err(Error::Cancelled)));
    let text = fs::read_to_string(&log).unwrap();
    let done = text.lines().count() - 1;
    assert!((7..24).contains(&done), "{done} of 24 units");

    // The program was killed while it wrote.
    fs::write(&log, &text[..text.len() - 3]).unwrap();
    let [one, two] = [1, 2].map(|threads| {
        let log = folder.path().join(format!("{threads}.log"));
        fs::copy(folder.path().join("stopped.log"), &log).unwrap();
        on_threads(threads, || selection.run(&log, &Quiet).unwrap())
    });
    assert_eq!(outcome(&one), outcome(&whole));
    assert_eq!(outcome(&two), outcome(&whole));

    // What the log has is believed, not computed again.
    let first = text.lines().next().unwrap();
    fs::write(&log, format!("{first}\n5 all 1.0\n0 all 0.0\n1 all 0.0\n2 all 0.0\n3 all 0.0\n4 all 0.0\n")).unwrap();
    let believed = selection.run(&log, &Quiet).unwrap();
    assert_eq!((believed.best, believed.scores[5].overall), (5, 1.0));
    assert_eq!(fs::read_to_string(&log).unwrap().lines().count(), 1 + 24);
}

#[test]
fn the_log_of_another_recipe_or_other_recordings_is_refused() {
    let folder = corpus(3, &[0.3, 0.4]);
    let log = folder.path().join("a.log");
    selection(folder.path(), &[GRID]).run(&log, &Quiet).unwrap();
    let refuses = |changes: &[&str]| {
        let before = fs::read(&log).unwrap();
        let error = selection(folder.path(), changes).run(&log, &Quiet).unwrap_err();
        assert!(matches!(error, Error::NotOurs { .. }), "{error}");
        assert_eq!(fs::read(&log).unwrap(), before);
    };
    refuses(&[GRID, "seed=2"]);
    refuses(&[GRID, "select.metric=war"]);
    refuses(&[GRID, "corpus.emotions=[\"anger\", \"fear\"]"]);
    // A text is no other recipe.
    let again = selection(folder.path(), &[GRID, "description=again"]).run(&log, &StopAfter::new(1));
    assert!(again.is_err() && fs::read_to_string(&log).unwrap().lines().count() == 1 + 24, "the log was taken up");
    fs::copy(folder.path().join("S1-anger-1.wav"), folder.path().join("S2-fear-1.wav")).unwrap();
    refuses(&[GRID]);
}

#[test]
fn random_settings_are_the_same_every_time() {
    let folder = corpus(3, &[0.3]);
    let space = "select={ trials = 4, folds = 2, space = { \"model.c\" = { low = 0.01, high = 10, log = true } } }";
    let settings = |seed: &str| -> Vec<String> {
        let recipe = recipe(folder.path(), &[space, seed]);
        Selection::trials_of(&recipe).unwrap().iter().map(Trial::describe).collect()
    };
    assert_eq!(settings("seed=1"), settings("seed=1"));
    assert_ne!(settings("seed=1"), settings("seed=2"));
    assert_eq!(settings("seed=1").len(), 4);
}

#[test]
fn whole_sections_can_be_chosen_and_unknown_speakers_are_dealt_at_random() {
    let folder = corpus(3, &[0.3; 4]);
    let table = folder.path().join("manifest.csv");
    let text = fs::read_to_string(&table).unwrap();
    fs::write(&table, text.replace(",S1,", ",,").replace(",S2,", ",,").replace(",S3,", ",,")).unwrap();
    let models = "select={ folds = 2, space = { model = [{ kind = \"lda\" }, { kind = \"logistic\", c = 0.1 }], \
                  \"augmentation.copies\" = [[], [[{ effect = \"gain\", db = 6 }]]] } }";
    let selection = selection(folder.path(), &[models, "protocol={ kind = \"random\", folds = 3 }"]);
    assert_eq!(selection.trials().len(), 4);
    assert_eq!(selection.trials()[0].recipe.model.kind(), "lda");
    assert_eq!(selection.trials()[2].recipe.augmentation.copies.len(), 1);
    assert_eq!(selection.fits(), 4 * (2 + 3 * 2) + 3);
    let selected = run(&selection, folder.path());
    assert_eq!(selected.evaluated.predictions.len(), 36);
}

#[test]
fn settings_that_make_no_recipe_are_refused_with_their_key() {
    let folder = corpus(2, &[0.3]);
    for (space, words) in [
        ("\"model.cc\" = [1.0]", ["model.cc = 1.0", "unknown field `cc`"]),
        ("\"modle.c\" = [1.0]", ["modle.c = 1.0", "did you mean `model`"]),
        ("\"model.c\" = [1.0, \"much\"]", ["model.c = \"much\"", "invalid type"]),
        ("\"model.c\" = [1.0, -1.0]", ["model.c = -1.0", "[model]"]),
        ("\"watch.x\" = [true]", ["watch.x", "is a value, not a section"]),
        ("\"features.n\" = [8.5]", ["features.n = 8.5", "a whole number"]),
    ] {
        let recipe = recipe(folder.path(), &["watch=true", &format!("select={{ space = {{ {space} }} }}")]);
        let error = Selection::trials_of(&recipe).unwrap_err();
        assert!(matches!(error, Error::Recipe { .. }), "{error:?}");
        let message = error.to_string();
        assert!(words.iter().all(|word| message.contains(word)), "{space}: {message}");
    }
    let error = Selection::trials_of(&recipe(folder.path(), &[])).unwrap_err().to_string();
    assert!(error.contains("no section [select]") && error.contains("[select.space]"), "{error}");
    try_recipe(folder.path(), &["select={ space = { seed = [1, 2] } }"]).unwrap_err();
}

#[test]
fn what_cannot_be_fitted_loses_and_costs_the_others_nothing() {
    let folder = corpus(3, &[0.3, 0.4]);
    let models = |list: &str| format!("select={{ folds = 2, space = {{ model = [{list}], \"features.n\" = [4] }} }}");
    let needs_eight = "{ kind = \"issa-model-a\", epochs = 1 }";
    let with = selection(folder.path(), &[&models(&format!("{needs_eight}, {{ kind = \"logistic\" }}"))]);
    let selected = run(&with, folder.path());
    assert_eq!((selected.best, &selected.chosen[..]), (1, &[1, 1, 1][..]));
    assert_eq!(selected.unfit.keys().collect::<Vec<_>>(), [&0]);
    assert!(selected.unfit[&0].contains("at least 8 features"), "{:?}", selected.unfit);
    let log = fs::read_to_string(folder.path().join("new.log")).unwrap();
    assert_eq!(log.lines().count(), 1 + 4, "what failed is tried again");
    let trials = String::from_utf8(with.trials_csv(&selected)).unwrap();
    assert!(trials.lines().nth(1).unwrap().starts_with("0,,,,,"), "{trials}");

    let none = selection(folder.path(), &[&models(needs_eight)]);
    let error = none.run(&folder.path().join("none.log"), &Quiet).unwrap_err().to_string();
    assert!(error.contains("none of its settings") && error.contains("at least 8 features"), "{error}");
}

#[test]
fn what_cannot_be_divided_or_watched_is_refused_with_its_place() {
    let folder = corpus(3, &[0.3]);
    let refused =
        |changes: &[&str]| Selection::prepare(recipe(folder.path(), changes), &[], &Quiet).unwrap_err().to_string();
    let space = "select={ folds = 2, space = { \"model.c\" = [0.1, 1.0] } }";
    let error = refused(&[space, "watch=true"]);
    assert!(error.contains("watch = true") && error.contains("leave it out"), "{error}");
    // Two of three speakers show sadness, so that the training parts of two folds have it once.
    let table = folder.path().join("manifest.csv");
    let text = fs::read_to_string(&table).unwrap();
    fs::write(&table, text.replace("S3-sadness-1.wav,S3,sadness\n", "")).unwrap();
    let error = refused(&[space]);
    assert!(error.contains("fold `S1`") && error.contains("\"sadness\" has a single recording"), "{error}");
}

#[test]
fn settings_that_judge_different_items_are_not_compared() {
    let folder = corpus(2, &[0.3]);
    let copies = "augmentation.copies=[[{ effect = \"gain\", db = 6 }]]";
    for space in [
        "\"augmentation.when\" = [\"after-split\", \"before-split\"]",
        // Whichever comes first.
        "\"segments.seconds\" = [0.1], \"augmentation.when\" = [\"before-split\", \"after-split\"]",
    ] {
        let recipe = recipe(folder.path(), &[copies, &format!("select={{ folds = 2, space = {{ {space} }} }}")]);
        let error = Selection::prepare(recipe, &[], &Quiet).unwrap_err().to_string();
        assert!(error.contains("6 and 12") || error.contains("12 and 6"), "{error}");
        assert!(error.contains("cannot be compared"), "{error}");
    }
}
