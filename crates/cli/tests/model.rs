//! What is inside a model: `model info` and `model draw`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use common::{stimmung, voices};
use serde_json::Value;

const NETWORK: &str = "kind = \"network\"\narchitecture = \"issa-baseline\"\ntraining = { epochs = 1 }";
const ENSEMBLE: &str =
    "kind = \"one-vs-rest\"\nmember = { kind = \"dense\", hidden = [6], epochs = 1 }\narbiter = { kind = \"lda\" }";

fn write_recipe(folder: &Path, name: &str, model: &str) {
    let corpus = voices().display();
    let text = format!(
        "name = \"{name}\"\n[corpus]\npath = \"{corpus}\"\n[features]\nset = \"mfcc\"\nn = 20\n[model]\n{model}\n"
    );
    fs::write(folder.join(format!("{name}.toml")), text).unwrap();
}

/// A folder with a trained model of each sort, made once; files that tests write go elsewhere.
fn models() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        for (name, model) in [
            ("network", NETWORK),
            ("ensemble", ENSEMBLE),
            ("plain", "kind = \"logistic\""),
            ("deep", "kind = \"dense\"\nepochs = 1"),
        ] {
            write_recipe(folder.path(), name, model);
            stimmung(folder.path(), &["train", &format!("{name}.toml")]).ok();
        }
        folder
    });
    folder.path()
}

fn model(name: &str) -> String {
    models().join(name).display().to_string()
}

/// The layers of all parts: name, shape, parameters.
fn layers(parts: &Value) -> Vec<(String, String, u64)> {
    let parts = parts.as_array().unwrap().iter();
    let layers = parts.filter_map(|part| part["network"]["layers"].as_array()).flatten();
    layers
        .map(|layer| {
            let sizes = layer["output_shape"].as_array().unwrap().iter();
            let shape: Vec<String> = sizes.map(ToString::to_string).collect();
            (layer["name"].as_str().unwrap().to_owned(), shape.join(" × "), layer["parameters"].as_u64().unwrap())
        })
        .collect()
}

#[test]
fn info_lists_the_layers_of_every_network() {
    for name in ["network", "deep", "ensemble"] {
        let file = model(&format!("{name}.stimmung"));
        let object = stimmung(models(), &["model", "info", &file, "--json"]).ok().object();
        let layers = layers(&object["model"]["parts"]);
        assert!(layers.len() >= 3, "{name}: {layers:?}");
        let text = stimmung(models(), &["model", "info", &file]).ok().stdout;
        for (name, shape, parameters) in layers {
            let listed = text
                .lines()
                .any(|line| line.contains(&name) && line.contains(&shape) && line.ends_with(&parameters.to_string()));
            assert!(listed, "{name}, {shape}, {parameters} in\n{text}");
        }
    }
    let text = stimmung(models(), &["model", "info", &model("ensemble.stimmung")]).ok().stdout;
    assert!(text.contains("members of kind dense") && text.contains("arbiter of kind lda"), "{text}");
}

#[test]
fn a_network_is_drawn_with_everything_that_info_tells() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for name in ["network", "ensemble"] {
        let file = model(&format!("{name}.stimmung"));
        let drawn = stimmung(here, &["model", "draw", &file, "--json"]).ok().object();
        assert_eq!(drawn["out"], format!("{name}.svg"));
        let info = stimmung(here, &["model", "info", &file, "--json"]).ok().object();
        assert_eq!(drawn["parts"], info["model"]["parts"]);
        let svg = fs::read_to_string(here.join(format!("{name}.svg"))).unwrap();
        for (name, shape, _) in layers(&drawn["parts"]) {
            assert!(svg.contains(&format!(">{name}<")) && svg.contains(&format!(">{shape}<")), "{name} {shape}\n{svg}");
        }
    }
    let svg = fs::read_to_string(here.join("ensemble.svg")).unwrap();
    assert!(svg.contains("members of kind dense") && svg.contains("arbiter of kind lda"), "{svg}");
}

#[test]
fn a_figure_is_not_overwritten_by_chance() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let draw =
        |more: &[&str]| stimmung(here, &[&["model", "draw", &model("deep.stimmung"), "--out", "a.svg"], more].concat());
    fs::write(here.join("a.svg"), "mine").unwrap();
    draw(&[]).fails(1, &["a.svg exists", "--force"]);
    assert_eq!(fs::read_to_string(here.join("a.svg")).unwrap(), "mine");
    let done = draw(&["--force"]).ok();
    assert!(done.stdout.contains("saved") && done.stdout.contains("a.svg"), "{done:?}");
    assert!(fs::read_to_string(here.join("a.svg")).unwrap().starts_with("<svg"));
}

#[test]
fn what_a_recipe_would_train_is_drawn_without_training() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write_recipe(here, "planned", NETWORK);
    let planned = stimmung(here, &["model", "draw", "--recipe", "planned.toml", "--json"]).ok().object();
    assert_eq!(planned["out"], "planned.svg");
    let trained = stimmung(here, &["model", "info", &model("network.stimmung"), "--json"]).ok().object();
    assert_eq!(planned["parts"], trained["model"]["parts"]);
    let other =
        ["model", "draw", "--recipe", "planned.toml", "--with", "model.architecture=issa-model-a", "--force", "--json"];
    let other = stimmung(here, &other).ok().object();
    assert_ne!(planned["parts"], other["parts"]);
    // A recipe that names emotions and rate needs no corpus.
    let text = fs::read_to_string(here.join("planned.toml")).unwrap();
    let away = PathBuf::from("nowhere");
    let text = text.replace(&voices().display().to_string(), &away.display().to_string());
    fs::write(here.join("away.toml"), &text).unwrap();
    stimmung(here, &["model", "draw", "--recipe", "away.toml"]).fails(1, &["nowhere"]);
    let text = text.replace("[features]", "emotions = [\"anger\", \"calm\"]\n[audio]\nsample_rate = 16000\n[features]");
    fs::write(here.join("away.toml"), text).unwrap();
    stimmung(here, &["model", "draw", "--recipe", "away.toml", "--out", "away.svg"]).ok();
}

#[test]
fn what_cannot_be_drawn_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let draw = |arguments: &[&str]| stimmung(here, &[&["model", "draw"], arguments].concat());
    draw(&[&model("plain.stimmung")]).fails(1, &["`logistic`", "no network", "model info"]);
    draw(&[&model("network.stimmung"), "--out", "a.png"]).fails(2, &["a.png", ".svg"]);
    draw(&[&model("network.stimmung"), "--out", "no/such/folder/a.svg"]).fails(1, &["no/such/folder"]);
    draw(&["nowhere.stimmung"]).fails(1, &["nowhere.stimmung"]);
    draw(&["a.stimmung", "--recipe", "a.toml"]).fails(2, &["--recipe"]);
    draw(&["--with", "seed=1"]).fails(2, &["--recipe"]);
    write_recipe(here, "wrong", "kind = \"network\"\narchitecture = \"mel-cnn-3\"");
    draw(&["--recipe", "wrong.toml"]).fails(1, &["need pictures"]);
    let error = draw(&["--recipe", "wrong.toml", "--json"]).error();
    assert!(error.contains("need pictures"), "{error}");
    assert_eq!(
        fs::read_dir(here)
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|it| it == "svg"))
            .count(),
        0
    );
}
