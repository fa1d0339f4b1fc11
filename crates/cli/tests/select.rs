//! `select`: what the command adds to the library's selection.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;

use common::{names, objects, stimmung, tones};

const SPACE: &str = "[select.space]\n\"features.n\" = [4, 8]\n\"model.c\" = [0.01, 1.0]\n";

/// A folder with the tones and a recipe with these settings to choose.
fn folder(space: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    tones(&folder.path().join("tones"));
    write(folder.path(), space);
    folder
}

fn write(folder: &Path, space: &str) {
    let text = "name = \"t\"\n[corpus]\npath = \"tones\"\n[features]\nset = \"mfcc\"\n[model]\nkind = \"logistic\"\n";
    fs::write(folder.join("t.toml"), format!("{text}{space}")).unwrap();
}

#[test]
fn a_dry_run_lists_the_settings() {
    let folder = folder(SPACE);
    let here = folder.path();
    let done = stimmung(here, &["select", "t.toml", "--dry-run"]).ok();
    assert_eq!(done.stdout.lines().count(), 4);
    assert_eq!(done.stdout.lines().next().unwrap().trim(), "0  features.n = 4, model.c = 0.01");
    let listed = objects(&stimmung(here, &["select", "t.toml", "--dry-run", "--json"]).ok());
    assert_eq!((listed.len(), listed[3]["trial"].as_u64()), (4, Some(3)));
    assert_eq!(
        (listed[3]["settings"]["features.n"].as_u64(), listed[3]["settings"]["model.c"].as_f64()),
        (Some(8), Some(1.0))
    );
    assert_eq!(names(here), ["t.toml", "tones"], "a dry run touches nothing");
}

#[test]
fn the_choice_is_saved_and_can_be_trained() {
    let folder = folder(SPACE);
    let here = folder.path();
    let done = stimmung(here, &["select", "t.toml"]).ok();
    assert!(done.stderr.contains("4 settings, 39 models to fit"), "4 · (3 + 3 · 2) and 3: {done:?}");
    for word in ["overall  chosen  settings", "settings chosen inside each training part", "best.toml"] {
        assert!(done.stdout.contains(word), "`{word}`: {done:?}");
    }
    assert_eq!(names(&here.join("runs")), ["t-selection"], "the log is gone");
    let files = names(&here.join("runs/t-selection"));
    assert!(
        ["best.toml", "trials.csv", "predictions.csv", "receipt.json"]
            .iter()
            .all(|file| files.iter().any(|it| it == file))
    );
    stimmung(here, &["train", "runs/t-selection/best.toml", "--out", "t.stimmung"]).ok();

    let object = stimmung(here, &["select", "t.toml", "--threads", "1", "--json"]).ok().object();
    assert_eq!(object["summary"]["run"], "runs/t-selection-2");
    assert_eq!(object["chosen"].as_array().unwrap().len(), 3);
    assert!(done.stdout.contains(object["best"].as_str().unwrap()));
    let read = |run: &str, file: &str| fs::read_to_string(here.join("runs").join(run).join(file)).unwrap();
    for file in ["trials.csv", "predictions.csv", "receipt.json", "best.toml"] {
        assert_eq!(read("t-selection", file), read("t-selection-2", file), "{file}");
    }
}

#[test]
fn a_log_that_is_in_the_way_is_not_lost() {
    let folder = folder(SPACE);
    let here = folder.path();
    fs::create_dir(here.join("runs")).unwrap();
    let log = here.join("runs/t-selection.log");
    fs::write(&log, "0.0.0 of another recipe\n0 all 0.5\n").unwrap();
    stimmung(here, &["select", "t.toml"]).fails(1, &["runs/t-selection.log", "another recipe", "move it away"]);
    assert!(fs::read_to_string(&log).unwrap().ends_with("0 all 0.5\n"));
    fs::remove_file(&log).unwrap();
    stimmung(here, &["select", "t.toml"]).ok();
}

#[test]
fn spaces_that_cannot_be_tried_are_wrong_usage() {
    let folder = folder("");
    let here = folder.path();
    stimmung(here, &["select", "t.toml"]).fails(2, &["no section [select]", "model.c"]);
    for (space, words) in [
        ("\"model.cc\" = [1.0]", ["model.cc", "unknown field"]),
        ("\"model.c\" = []", ["[select.space] model.c", "empty"]),
        ("\"model.c\" = [\"much\"]", ["model.c", "invalid type"]),
        ("\"seed\" = [1, 2]", ["seed", "cannot be chosen"]),
    ] {
        write(here, &format!("[select.space]\n{space}\n"));
        stimmung(here, &["select", "t.toml", "--dry-run"]).fails(2, &words);
        stimmung(here, &["select", "t.toml"]).fails(2, &words);
    }
    assert!(!here.join("runs").exists());
}
