//! `plot`: figures as files.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;

use common::{names, objects, stimmung, tones};

/// A folder with a corpus and a run on it.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    tones(&folder.path().join("tones"));
    stimmung(folder.path(), &["evaluate", "--corpus", "tones", "--out", "runs"]).ok();
    folder
}

#[test]
fn a_corpus_a_recording_and_runs_are_drawn() {
    let folder = folder();
    let here = folder.path();
    let run = format!("runs/{}", names(&here.join("runs"))[0]);
    let recording = "tones/S1-anger-1.wav";
    for (kind, subject) in [("classes", "tones"), ("spectrogram", recording), ("confusion", run.as_str())] {
        let done = stimmung(here, &["plot", kind, subject]).ok();
        assert!(done.stdout.contains(&format!("saved {kind}.svg")), "{done:?}");
        assert!(fs::read_to_string(here.join(format!("{kind}.svg"))).unwrap().starts_with("<svg"));
    }
    stimmung(here, &["plot", "speakers", "tones", "--png"]).ok();
    assert!(fs::read(here.join("speakers.png")).unwrap().starts_with(b"\x89PNG"));
    stimmung(here, &["plot", "speakers", "tones", "--png", "--out", "s.svg"]).fails(2, &["--png", "s.svg"]);
    stimmung(here, &["plot", "compare", &run, &run, "--out", "compare.png", "--scale", "1"]).ok();
    assert!(fs::read(here.join("compare.png")).unwrap().starts_with(b"\x89PNG"));

    // Nothing is overwritten unasked, and the file stays as it was.
    stimmung(here, &["plot", "classes", "tones"]).fails(1, &["classes.svg exists", "--force"]);
    stimmung(here, &["plot", "classes", "tones", "--force"]).ok();
}

#[test]
fn all_figures_of_a_subject_lie_in_a_folder() {
    let folder = folder();
    let here = folder.path();
    let run = format!("runs/{}", names(&here.join("runs"))[0]);
    let done = stimmung(here, &["plot", "all", &run, "--out", "of-run"]).ok();
    assert!(done.stderr.contains("left out by-sex"), "{done:?}");
    let files = names(&here.join("of-run"));
    assert!(files.contains(&"roc.svg".to_owned()) && !files.contains(&"by-sex.svg".to_owned()), "{files:?}");

    let done = stimmung(here, &["plot", "all", "tones", "--out", "of-corpus", "--png", "--json"]).ok();
    let drawn = objects(&done);
    assert_eq!(drawn.len(), names(&here.join("of-corpus")).len());
    assert!(drawn.iter().any(|it| it["kind"] == "durations" && it["out"] == "of-corpus/durations.png"), "{drawn:?}");
    stimmung(here, &["plot", "all", "tones/S1-anger-1.wav"]).ok();
    assert_eq!(names(&here.join("figures")).len(), 9);
}

#[test]
fn wrong_usage_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    tones(&here.join("tones"));
    stimmung(here, &["plot", "confusoin", "tones"]).fails(2, &["did you mean `confusion`?"]);
    stimmung(here, &["plot", "classes", "tones", "--out", "classes.pdf"]).fails(2, &[".svg or .png"]);
    stimmung(here, &["plot", "classes", "tones", "tones"]).fails(2, &["a corpus", "2 are given"]);
    stimmung(here, &["plot", "confusion", "tones"]).fails(1, &["not the folder of a finished run", "predictions.csv"]);
    stimmung(here, &["plot", "classes"]).fails(2, &["SUBJECT"]);
    stimmung(here, &["plot", "classes", "tones", "--out", "a.png", "--scale", "1e9"]).fails(1, &["64 million"]);
    fs::write(here.join("broken.wav"), b"RIFF").unwrap();
    stimmung(here, &["plot", "waveform", "broken.wav"]).fails(1, &["broken.wav"]);
    assert_eq!(names(here), ["broken.wav", "tones"]);
    let listed = stimmung(here, &["plot", "--list"]).ok();
    assert!(listed.stdout.contains("mel-spectrogram") && listed.stdout.contains("Of a run's folder"), "{listed:?}");
}
