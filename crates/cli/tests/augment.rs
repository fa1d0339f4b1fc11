//! `augment`: changed copies as files.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;

use common::{Done, names, objects, stimmung, tones};
use stimmung::audio::{Waveform, decode_path};

const COPIES: &str = "augmentation.copies=[[{ effect = \"gain\", db = 6 }], [{ effect = \"speed\", rate = 2 }]]";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    tones(&folder.path().join("tones"));
    folder
}

fn augment(folder: &Path, more: &[&str]) -> Done {
    stimmung(folder, &[&["augment", "--corpus", "tones", "--with", COPIES, "--out", "out"], more].concat())
}

fn wave(folder: &Path, file: &str) -> Waveform {
    decode_path(folder.join(file)).unwrap()
}

#[test]
fn copies_lie_in_folders_as_their_recordings_do() {
    let folder = folder();
    let here = folder.path();
    let done = augment(here, &[]).ok();
    assert!(done.stdout.contains("Wrote 2 copies of 18 recordings below out"), "{done:?}");
    let files = names(&here.join("out"));
    assert_eq!(
        (files.len(), files[0].as_str(), files[1].as_str()),
        (36, "S1-anger-1.wav.copy1.wav", "S1-anger-1.wav.copy2.wav")
    );
    let original = wave(here, "tones/S1-anger-1.wav");
    let louder = wave(here, "out/S1-anger-1.wav.copy1.wav");
    assert_eq!((louder.sample_rate(), louder.len()), (16_000, original.len()));
    let factor = 10_f32.powf(6.0 / 20.0);
    assert!(
        louder.samples().iter().zip(original.samples()).all(|(copy, sample)| (copy - factor * sample).abs() < 1e-6)
    );
    assert_eq!(wave(here, "out/S1-anger-1.wav.copy2.wav").len(), original.len() / 2);

    // What is learnt from is heard at the recipe's rate. Parts of files are named by their times.
    fs::create_dir(here.join("tones/deep")).unwrap();
    fs::rename(here.join("tones/S1-fear-1.wav"), here.join("tones/deep/S1-fear-1.wav")).unwrap();
    let table = "file,speaker,emotion,start,end\ndeep/S1-fear-1.wav,S1,fear,,\nS1-anger-1.wav,S1,anger,0.1,0.25\n";
    fs::write(here.join("tones/manifest.csv"), table).unwrap();
    let arguments = [
        "augment",
        "--corpus",
        "tones",
        "--with",
        COPIES,
        "--with",
        "audio.sample_rate=8000",
        "--out",
        "parts",
        "--json",
    ];
    let written = objects(&stimmung(here, &arguments).ok());
    assert_eq!(written.len(), 4);
    let part = written.iter().find(|it| it["file"] == "S1-anger-1.wav#0.1-0.25" && it["copy"] == 1).unwrap();
    let copy = wave(here, part["out"].as_str().unwrap());
    assert_eq!((copy.sample_rate(), copy.len()), (8_000, 1_200));
    assert!(here.join("parts/deep/S1-fear-1.wav.copy2.wav").exists());
}

#[test]
fn draws_are_those_of_the_seed() {
    let folder = folder();
    let here = folder.path();
    let make = |out: &str, seed: &str, threads: &str| {
        let noise = "augmentation.copies=[[{ effect = \"noise\", factor = [0.01, 0.1] }]]";
        let arguments =
            ["augment", "--corpus", "tones", "--with", noise, "--seed", seed, "--out", out, "--threads", threads];
        stimmung(here, &arguments).ok();
        fs::read(here.join(out).join("S2-fear-2.wav.copy1.wav")).unwrap()
    };
    let first = make("a", "1", "1");
    assert_eq!(make("b", "1", "2"), first);
    assert_ne!(make("c", "2", "1"), first);
}

#[test]
fn a_dry_run_names_the_files_and_writes_none() {
    let folder = folder();
    let here = folder.path();
    let done = augment(here, &["--dry-run"]).ok();
    assert_eq!(done.stdout.lines().count(), 36);
    assert!(done.stdout.starts_with("S1-anger-1.wav -> out/S1-anger-1.wav.copy1.wav\n"), "{done:?}");
    let object = objects(&augment(here, &["--dry-run", "--json"]).ok()).swap_remove(1);
    assert_eq!(
        object,
        serde_json::json!({ "file": "S1-anger-1.wav", "copy": 2, "out": "out/S1-anger-1.wav.copy2.wav" })
    );
    assert_eq!(names(here), ["tones"]);
}

#[test]
fn nothing_is_written_over() {
    let folder = folder();
    let here = folder.path();
    fs::create_dir(here.join("out")).unwrap();
    fs::write(here.join("out/S3-fear-2.wav.copy1.wav"), "mine").unwrap();
    for more in [&[][..], &["--dry-run"]] {
        augment(here, more).fails(1, &["out/S3-fear-2.wav.copy1.wav is there already", "nothing was written"]);
    }
    assert_eq!(names(&here.join("out")), ["S3-fear-2.wav.copy1.wav"]);
    assert_eq!(fs::read_to_string(here.join("out/S3-fear-2.wav.copy1.wav")).unwrap(), "mine");

    // Within the corpus, copies would be taken for recordings.
    let within = ["augment", "--corpus", "tones", "--with", COPIES, "--out"];
    for out in ["tones", "tones/copies", "out/../tones/new/copies"] {
        stimmung(here, &[&within[..], &[out]].concat()).fails(2, &[out, "within the corpus", "another folder"]);
    }
    assert!(!here.join("tones/copies").exists());

    // Outside the corpus's folder lies a recording of the same name.
    fs::remove_dir_all(here.join("out")).unwrap();
    fs::copy(here.join("tones/S1-fear-1.wav"), here.join("S1-anger-1.wav")).unwrap();
    let table = "file,speaker,emotion\n../S1-anger-1.wav,S1,fear\nS1-anger-1.wav,S1,anger\n";
    fs::write(here.join("tones/manifest.csv"), table).unwrap();
    augment(here, &[]).fails(1, &["../S1-anger-1.wav", "would both be called out/S1-anger-1.wav.copy1.wav"]);
    assert!(!here.join("out").exists());
}

#[test]
fn broken_recordings_are_listed_and_the_others_written() {
    let folder = folder();
    let here = folder.path();
    fs::write(here.join("tones/S1-anger-1.wav"), "no audio").unwrap();
    let table = fs::read_to_string(here.join("tones/manifest.csv")).unwrap();
    fs::write(here.join("tones/manifest.csv"), table.replace("S1-fear-1.wav,S1,fear", "S1-fear-1.wav,S1,")).unwrap();
    let done = augment(here, &["--emotions", "anger,fear"])
        .fails(1, &["S1-anger-1.wav", "left out S1-fear-1.wav: no emotion"]);
    assert!(done.stdout.contains("Wrote 2 copies of 10 recordings"), "{done:?}");
    let files = names(&here.join("out"));
    assert_eq!(files.len(), 20, "twelve of two emotions, one broken and one without: {files:?}");
    assert!(files.iter().all(|file| !file.contains("sadness")), "what was not asked for: {files:?}");
    fs::remove_dir_all(here.join("out")).unwrap();
    let done = augment(here, &["--json"]).fails(1, &["\"file\":\"S1-anger-1.wav\""]);
    assert_eq!(objects(&done).len(), 32);
    augment(here, &["--emotions", "boredom"]).fails(1, &["no recording can be used"]);
}

#[test]
fn a_recipe_without_copies_is_wrong_usage() {
    let folder = folder();
    let arguments = ["augment", "--corpus", "tones", "--out", "out"];
    stimmung(folder.path(), &arguments).fails(2, &["[augmentation]", "augmentation.copies="]);
    let before =
        [&arguments[..], &["--with", COPIES, "--with", "augmentation.when=before-split", "--dry-run"]].concat();
    let done = stimmung(folder.path(), &before).ok();
    assert!(done.stderr.contains("warning:") && done.stderr.contains("both sides of the split"), "{done:?}");
    let none = [&arguments[..], &["--with", "augmentation.copies=[]"]].concat();
    stimmung(folder.path(), &none).fails(2, &["[augmentation]"]);
    assert_eq!(names(folder.path()), ["tones"]);
}
