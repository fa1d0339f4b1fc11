//! The main job as a person would do it, on synthetic voices, and on the real corpora where they are at hand.
#![allow(clippy::unwrap_used, clippy::format_push_string, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Done, names, stimmung, stimmung_with_input, voice, voices};
use serde_json::Value;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Fields that every evaluation's object has, with values that make sense.
fn check_figures(object: &Value) {
    assert!(object["recordings"].as_u64().unwrap() > 0);
    assert!(object["dropped"].is_array());
    assert!(object["protocol"].as_str().unwrap().contains(':'));
    for name in ["uar", "war", "macro_f1"] {
        let value = object[name].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&value), "{name} {value}");
        let interval = &object["interval"][name];
        assert!(
            interval["low"].as_f64().unwrap() <= value && value <= interval["high"].as_f64().unwrap(),
            "{interval}"
        );
        for fold in object["folds"].as_array().unwrap() {
            assert!((0.0..=1.0).contains(&fold[name].as_f64().unwrap()));
        }
    }
}

#[test]
fn from_a_corpus_to_a_prediction() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let done = stimmung(here, &["run", "--corpus", text(voices()), "--json"]).ok();
    assert!(done.stderr.is_empty(), "silent in a pipe: {done:?}");
    let object = done.object();
    check_figures(&object);
    assert!(object["protocol"].as_str().unwrap().starts_with("speakers"));
    assert_eq!(object["folds"].as_array().unwrap().len(), 4);
    assert!(object["uar"].as_f64().unwrap() > 0.25, "six emotions, chance is 0.17: {}", object["uar"]);

    let run = here.join(object["run"].as_str().unwrap());
    let mut names: Vec<String> =
        fs::read_dir(&run).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(
        names,
        [
            "manifest.csv",
            "metrics.json",
            "model.stimmung",
            "predictions.csv",
            "projection.json",
            "receipt.json",
            "recipe.toml",
            "report.txt",
            "timing.json"
        ]
    );
    assert_eq!(fs::read_dir(here.join("runs")).unwrap().count(), 1, "nothing unfinished is left");
    let rows = fs::read_to_string(run.join("predictions.csv")).unwrap().lines().count();
    assert_eq!(rows as u64, object["recordings"].as_u64().unwrap() + 1);

    // The saved recipe and manifest lead to the same figures; the first run is not overwritten.
    let again = stimmung(here, &["run", text(&run.join("recipe.toml")), "--threads", "1", "--json"]).ok().object();
    assert_ne!(again["run"], object["run"]);
    assert_eq!(again["uar"], object["uar"]);
    let receipt =
        |folder: &Value| fs::read_to_string(here.join(folder.as_str().unwrap()).join("receipt.json")).unwrap();
    assert_eq!(receipt(&again["run"]), receipt(&object["run"]), "the same bits for one thread and for two");
    let relisted = stimmung(here, &["corpus", "describe", text(&run.join("manifest.csv")), "--json"]).ok().object();
    assert_eq!(relisted["recordings"], object["recordings"]);

    let model = run.join("model.stimmung");
    let done = stimmung(here, &["predict", text(&voice()), "--model", text(&model), "--json"]).ok();
    let answer = done.object();
    let probabilities = answer["probabilities"].as_object().unwrap();
    let sum: f64 = probabilities.values().map(|value| value.as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-4, "{sum}");
    let best = probabilities.iter().max_by(|a, b| a.1.as_f64().unwrap().total_cmp(&b.1.as_f64().unwrap())).unwrap().0;
    assert_eq!(answer["label"], **best);

    // What the model was trained on, it must not be praised for.
    let corpus = text(voices());
    let done = stimmung(here, &["evaluate", "--model", text(&model), "--corpus", corpus, "--json"]).ok();
    let object = done.object();
    check_figures(&object);
    let all = format!("{0} of {0} test recordings are in the training part", object["recordings"]);
    assert!(object["leaks"][0].as_str().unwrap().starts_with(&all), "{}", object["leaks"]);
    let done = stimmung(here, &["evaluate", "--model", text(&model), "--corpus", corpus]).ok();
    assert!(done.stdout.contains(object["leaks"][0].as_str().unwrap()), "{done:?}");

    // The run holds the model that was judged, and does not say that it had made it.
    let run = object["run"].as_str().unwrap();
    assert_eq!(fs::read(here.join(run).join("model.stimmung")).unwrap(), fs::read(&model).unwrap());
    stimmung(here, &["report", run, "--out", "ready.md"]).ok();
    let report = fs::read_to_string(here.join("ready.md")).unwrap();
    assert!(
        report.contains("trained beforehand; nothing was fitted") && report.contains("evaluate --model model.stimmung")
    );
    assert!(!report.contains("stimmung run recipe.toml"), "{report}");
    let judged = ["evaluate", "--model", text(&model), "--corpus", corpus, "--with", "model.c=3"];
    stimmung(here, &judged).fails(2, &["model.c", "ready"]);
}

#[test]
fn every_kind_of_model_can_be_trained_and_asked() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for (kind, with) in [
        ("logistic", "model.c=0.5"),
        ("svm", "model.c=2.0"),
        ("lda", "model.shrinkage=0.3"),
        ("dense", "model.epochs=3"),
        ("issa-model-a", "model.epochs=1"),
    ] {
        let out = format!("{kind}.stimmung");
        let arguments = ["train", "--corpus", text(voices()), "--kind", kind, "--with", with, "--out", &out, "--json"];
        let object = stimmung(here, &arguments).ok().object();
        assert_eq!(object["kind"], kind);
        let info = stimmung(here, &["model", "info", &out, "--json"]).ok().object();
        assert_eq!(info["model"]["kind"], kind);
        assert!(info["card"]["not_for"].as_str().unwrap().contains("decision about a person"));
        stimmung(here, &["predict", text(&voice()), "--model", &out]).ok();
    }
    let names: Vec<_> = fs::read_dir(here).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 5, "{names:?}");
}

#[test]
fn an_own_set_goes_from_a_recipe_into_a_model_and_its_documents() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes/own-features.toml");
    let run = ["run", text(&recipe), "--corpus", text(voices()), "--out", "runs", "--json"];
    let object = stimmung(here, &run).ok().object();
    check_figures(&object);
    assert!(object["uar"].as_f64().unwrap() > 0.25, "six emotions, chance is 0.17: {}", object["uar"]);
    let run = object["run"].as_str().unwrap();
    let model = format!("{run}/model.stimmung");
    let info = stimmung(here, &["model", "info", &model, "--json"]).ok().object();
    let groups = info["front_end"]["features"]["groups"].as_array().unwrap();
    assert_eq!((groups.len(), &groups[0]["frames"]), (3, &"voiced".into()));
    let answer = stimmung(here, &["predict", text(&voice()), "--model", &model, "--json"]).ok().object();
    assert!(answer["probabilities"].is_object(), "{answer}");
    // The same set by its file, without the recipe around it.
    let train = ["train", "--corpus", text(voices()), "--set", text(&recipe), "--kind", "lda", "--out", "b.stimmung"];
    stimmung(here, &train).ok();
    let other = stimmung(here, &["model", "info", "b.stimmung", "--json"]).ok().object();
    assert_eq!(other["front_end"]["features"], info["front_end"]["features"]);

    stimmung(here, &["report", run, "--out", "report.md", "--slides", "slides.pdf"]).ok();
    let report = fs::read_to_string(here.join("report.md")).unwrap();
    assert!(report.contains("5 descriptors of egemaps-v02, 4 functionals, over voiced frames"), "{report}");
}

#[test]
fn protocols_say_what_they_are_worth() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut all = vec!["evaluate", "--corpus", text(voices()), "--json"];
        all.extend(arguments);
        stimmung(folder.path(), &all).ok().object()
    };
    let honest = run(&["--with", "protocol.groups=2"]);
    assert_eq!(honest["folds"].as_array().unwrap().len(), 2);
    assert_eq!(honest["leaks"].as_array().unwrap().len(), 0, "{}", honest["leaks"]);
    let random = run(&["--protocol", "random", "--with", "protocol.folds=3"]);
    assert_eq!(random["folds"].as_array().unwrap().len(), 3);
    assert!(random["leaks"][0].as_str().unwrap().contains("speaker"), "{}", random["leaks"]);
    let holdout = run(&["--protocol", "random", "--with", "protocol.holdout=0.25"]);
    assert_eq!(holdout["folds"].as_array().unwrap().len(), 1);
    let object = run(&["--protocol", "fixed", "--with", "protocol.test_speakers=[\"S01\"]"]);
    assert!(object["protocol"].as_str().unwrap().starts_with("fixed"));
}

#[test]
fn quickstart_works_with_nothing_at_hand() {
    let folder = tempfile::tempdir().unwrap();
    let done = stimmung(folder.path(), &["quickstart"]).ok();
    assert!(done.stderr.contains("SYNTHETIC"), "{done:?}");
    for word in ["UAR", "speakers", "never heard speaker", "truth", "model.stimmung"] {
        assert!(done.stdout.contains(word), "`{word}`: {done:?}");
    }
    assert!(!done.stdout.contains('\x1b'), "no colour in a pipe");
    for file in ["model.stimmung", "report.html", "slides.pdf", "notebook.ipynb", "README.md"] {
        assert!(folder.path().join("runs/quickstart-synthetic").join(file).exists(), "{file}");
    }
    // Again, with the voices that are there now.
    let object = stimmung(folder.path(), &["quickstart", "--json"]).ok().object();
    check_figures(&object);
    assert_eq!(object["run"], "runs/quickstart-synthetic-2");
    assert_eq!(object["predictions"].as_array().unwrap().len(), 6);
}

#[test]
fn folders_and_standard_input_are_predicted() {
    let folder = tempfile::tempdir().unwrap();
    let done = stimmung(folder.path(), &["predict", text(voices()), "--json"]).ok();
    let files: Vec<String> = done
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["file"].as_str().unwrap().to_owned())
        .collect();
    assert!(files.len() > 10 && files.is_sorted(), "{files:?}");
    let input = fs::read(voice()).unwrap();
    let piped = stimmung_with_input(folder.path(), &["predict", "-", "--json"], input).ok().object();
    let named = stimmung(folder.path(), &["predict", text(&voice()), "--json"]).ok().object();
    assert_eq!(piped["probabilities"], named["probabilities"]);
}

#[test]
fn a_speaker_introduces_themself_with_recordings() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let answer = |further: &[&str]| {
        let voice = voice();
        let arguments: Vec<&str> = ["predict", text(&voice), "--json"].iter().chain(further).copied().collect();
        stimmung(here, &arguments)
    };
    let stranger = answer(&[]).ok().object();
    let known = answer(&["--enrol", text(voices())]).ok();
    assert_ne!(known.object()["probabilities"], stranger["probabilities"]);

    fs::create_dir(here.join("neutral")).unwrap();
    fs::copy(voice(), here.join("neutral/a.wav")).unwrap();
    fs::write(here.join("neutral/b.wav"), common::Wav::pcm16(16_000, &vec![0; 16_000]).bytes()).unwrap();
    let known = answer(&["--enrol", "neutral"]).ok();
    assert_ne!(known.object()["probabilities"], stranger["probabilities"]);
    let told = stimmung(here, &["predict", text(&voice()), "--enrol", "neutral"]).ok();
    assert!(told.stderr.contains("b.wav does not introduce the speaker"), "{told:?}");
    answer(&["--enrol", "neutral/b.wav"]).fails(1, &["nothing in --enrol can be heard"]);
    answer(&["--enrol", "nobody"]).fails(1, &["nobody"]);
}

#[test]
fn long_recordings_are_heard_in_segments() {
    let folder = tempfile::tempdir().unwrap();
    let one: Vec<i16> = common::buzz();
    let long: Vec<i16> = one.iter().cycle().take(16_000 * 64).copied().collect();
    fs::write(folder.path().join("long.wav"), common::Wav::pcm16(16_000, &long).bytes()).unwrap();
    let answer = stimmung(folder.path(), &["predict", "long.wav", "--json"]).ok().object();
    // Five segments of 10 s leave 14 s, which are heard as one.
    assert_eq!(answer["segments"], 6);
    assert_eq!(answer["seconds"], 64.0);
}

#[test]
fn features_become_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for (set, columns) in [
        ("mfcc", 40),
        ("issa-40-12-128", 193),
        ("issa-60-60-60", 193),
        ("issa-50-80-50", 193),
        ("egemaps-v02", 88),
        ("compare-2016", 6373),
        ("mel", 47 * 128),
    ] {
        stimmung(here, &["features", text(&voice()), "--set", set, "--out", "one.csv"]).ok();
        let table = fs::read_to_string(here.join("one.csv")).unwrap();
        let mut lines = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let (header, row) = (lines.next().unwrap(), lines.next().unwrap());
        assert_eq!((header[0], header.len(), row.len()), ("file", columns + 1, columns + 1), "{set}");
        assert!(row[1..].iter().all(|value| value.parse::<f32>().is_ok_and(f32::is_finite)), "{set}");
    }
    let done =
        stimmung(here, &["features", text(&voice()), "--set", "mfcc", "--with", "n=5", "--with", "sd=true"]).ok();
    assert_eq!(done.stdout.lines().next().unwrap().split(',').count(), 11);
    // A folder and the manifest in it name the same rows alike.
    let rows = |input: &Path| {
        let done = stimmung(here, &["features", text(input), "--set", "mfcc"]).ok();
        let mut rows: Vec<String> = done.stdout.lines().skip(1).map(str::to_owned).collect();
        rows.sort();
        rows
    };
    assert_eq!(rows(voices()), rows(&voices().join("manifest.csv")));
}

#[test]
fn a_dry_run_touches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let done = stimmung(folder.path(), &["run", "--corpus", text(voices()), "--dry-run"]).ok();
    assert!(done.stdout.contains("kind = \"speakers\"") && done.stdout.contains("Would"), "{done:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn help_and_completions() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["", "quickstart", "run", "train", "evaluate", "predict", "timeline", "features", "corpus", "model"]
    {
        let arguments: Vec<&str> = [command, "--help"].into_iter().filter(|word| !word.is_empty()).collect();
        assert!(stimmung(folder.path(), &arguments).ok().stdout.contains("Usage"));
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(stimmung(folder.path(), &["completions", shell]).ok().stdout.contains("quickstart"));
    }
    stimmung(folder.path(), &["predcit"]).fails(2, &["predict"]);
}

fn corpora() -> Option<PathBuf> {
    std::env::var_os("STIMMUNG_CORPORA").map(PathBuf::from)
}

fn describe(name: &str) -> Option<Value> {
    let folder = tempfile::tempdir().unwrap();
    let path = corpora()?.join(name);
    path.exists().then(|| stimmung(folder.path(), &["corpus", "describe", text(&path), "--json"]).ok().object())
}

#[test]
fn the_real_corpora_are_understood() {
    if let Some(corpus) = describe("aesdd") {
        assert_eq!((&corpus["recordings"], corpus["dropped"].as_array().unwrap().len()), (&602.into(), 2));
        assert_eq!(corpus["speakers"].as_array().unwrap().len(), 6);
        let broken = corpus["dropped"].to_string();
        assert!(broken.contains("a20 (5).wav") && broken.contains("s05 (3).wav"), "{broken}");
    }
    if let Some(corpus) = describe("tess") {
        assert_eq!((&corpus["recordings"], corpus["dropped"].as_array().unwrap().len()), (&560.into(), 0));
        assert_eq!(corpus["speakers"].as_array().unwrap().len(), 2, "OA is OAF misspelt");
    }
    if let Some(corpus) = describe("emodb") {
        assert_eq!((&corpus["recordings"], corpus["emotions"].as_object().unwrap().len()), (&535.into(), 7));
    }
}

/// Ranked among a speaker's other recordings, one can be judged; no model that answers for single recordings comes of it.
#[test]
fn ways_to_know_speakers_are_kept_apart() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let simple = ["--corpus", text(voices()), "--set", "mfcc", "--kind", "lda"];
    let adapted = |command: &str, mode: &str, rest: &[&str]| {
        let mode = format!("adaptation.mode={mode}");
        stimmung(here, &[&[command], &simple[..], &["--with", &mode], rest].concat())
    };
    let told = adapted("run", "none", &["--out", "plain"]).ok();
    assert!(!told.stderr.contains("No model is kept"), "{told:?}");
    let plain = format!("plain/{}", names(&here.join("plain"))[0]);
    assert!(here.join(&plain).join("model.stimmung").exists());
    let told = adapted("run", "transductive", &["--out", "ranked"]).ok();
    assert!(told.stderr.contains("No model is kept") && told.stdout.contains("transductive adaptation"), "{told:?}");
    let ranked = format!("ranked/{}", names(&here.join("ranked"))[0]);
    assert!(here.join(&ranked).join("predictions.csv").exists());
    assert!(!here.join(&ranked).join("model.stimmung").exists());
    adapted("train", "transductive", &[]).fails(2, &["transductive", "no model", "evaluate the recipe"]);

    stimmung(here, &["report", &plain, &ranked]).fails(1, &["(\"none\")", "(\"transductive\")", "no common table"]);
    stimmung(here, &["report", &ranked, "--out", "ranked.md"]).ok();
    assert!(fs::read_to_string(here.join("ranked.md")).unwrap().contains("transductive adaptation"));
}

/// The figures that scikit-learn 1.x reaches with librosa 0.11's features: UAR 0.597 with each speaker left out once,
/// 0.79 over random folds.
#[test]
fn the_reference_figures_on_emo_db() {
    let Some(corpora) = corpora().filter(|corpora| corpora.join("emodb").exists()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let run = |recipe: &str| -> Done {
        let recipe = root.join("recipes").join(recipe);
        stimmung(folder.path(), &["run", text(&recipe), "--corpora", text(&corpora), "--json"]).ok()
    };
    let honest = run("emodb-issa-logistic.toml").object();
    assert_eq!(honest["recordings"], 535);
    assert!((honest["uar"].as_f64().unwrap() - 0.597).abs() <= 0.02, "{}", honest["uar"]);
    let random = run("emodb-issa-logistic-random.toml").object();
    assert!((random["uar"].as_f64().unwrap() - 0.79).abs() <= 0.03, "{}", random["uar"]);
    assert!(!random["leaks"].as_array().unwrap().is_empty());
}
