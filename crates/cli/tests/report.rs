//! `report`: documents about runs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;

use common::{names, stimmung, tones};

/// A folder with a run, and the run's path in it.
fn folder() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    tones(&folder.path().join("tones"));
    stimmung(folder.path(), &["evaluate", "--corpus", "tones", "--out", "runs"]).ok();
    let run = format!("runs/{}", names(&folder.path().join("runs"))[0]);
    (folder, run)
}

#[test]
fn a_run_is_told_in_every_form() {
    let (folder, run) = folder();
    let here = folder.path();
    let done = stimmung(here, &["report", &run]).ok();
    assert!(done.stdout.contains("UAR (macro recall) is") && done.stdout.contains("report.html"), "{done:?}");
    let asked = ["--slides", "talk.pdf", "--notebook", "n.ipynb", "--card", "README.md", "--out", "r.md", "--json"];
    let told = stimmung(here, &[&["report", &run][..], &asked].concat()).ok().object();
    assert_eq!(told["written"].as_array().unwrap().len(), 4);
    assert!(fs::read(here.join("talk.pdf")).unwrap().starts_with(b"%PDF-"));
    let notebook = fs::read_to_string(here.join("n.ipynb")).unwrap();
    assert!(notebook.contains(&format!("RUN = Path(\\\"{run}\\\")")), "{notebook}");
    assert!(fs::read_to_string(here.join("README.md")).unwrap().starts_with("---\nlibrary_name: stimmung"));
    let (text, figures) = (fs::read_to_string(here.join("r.md")).unwrap(), names(&here.join("r-figures")));
    assert!(figures.len() > 10 && figures.iter().all(|name| text.contains(&format!("<r-figures/{name}>"))));
    stimmung(here, &["report", &run, "--out", "r.json"]).ok();
    let content: serde_json::Value = serde_json::from_slice(&fs::read(here.join("r.json")).unwrap()).unwrap();
    assert_eq!(content["sections"][0]["heading"], "Data");
}

#[test]
fn several_runs_are_compared() {
    let (folder, run) = folder();
    let here = folder.path();
    stimmung(here, &["evaluate", "--corpus", "tones", "--kind", "svm", "--out", "runs"]).ok();
    let other = names(&here.join("runs")).into_iter().map(|name| format!("runs/{name}")).find(|it| *it != run).unwrap();
    let done = stimmung(here, &["report", &run, &other]).ok();
    assert!(done.stdout.contains("has the highest UAR") && done.stdout.contains("comparison.html"), "{done:?}");
    stimmung(here, &["report", &run, &other, "--slides", "a.pdf"]).fails(2, &["--slides is of one run"]);
}

#[test]
fn nothing_is_lost_and_mistakes_are_told() {
    let (folder, run) = folder();
    let here = folder.path();
    fs::write(here.join("mine.html"), "mine").unwrap();
    stimmung(here, &["report", &run, "--out", "mine.html", "--slides", "a.pdf"])
        .fails(1, &["mine.html exists", "--force"]);
    assert_eq!(fs::read(here.join("mine.html")).unwrap(), b"mine");
    assert!(!here.join("a.pdf").exists(), "nothing is written when one file is in the way");
    stimmung(here, &["report", &run, "--out", "a.docx"]).fails(2, &[".html, .md or .json"]);
    stimmung(here, &["report", &run, "--out", "a.pdf"]).fails(2, &["--slides"]);
    stimmung(here, &["report", "tones"]).fails(1, &["not the folder of a finished run"]);
    fs::write(here.join(&run).join("predictions.csv"), "file,speaker\n").unwrap();
    stimmung(here, &["report", &run, "--out", "b.html"]).fails(1, &["predictions.csv"]);
    assert!(!here.join("b.html").exists());
}
