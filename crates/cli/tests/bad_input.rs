//! Input that nobody wants, one test each: a clear error, the right exit code, no panic.
#![allow(clippy::unwrap_used, clippy::format_push_string, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;

use common::{Wav, buzz, stimmung, stimmung_with_input, voice, voices};

/// Predicts one file of the given bytes; the good recording beside it must still be answered.
#[track_caller]
fn refuses(name: &str, bytes: &[u8], words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
    fs::write(folder.path().join("good.wav"), Wav::pcm16(16_000, &buzz()).bytes()).unwrap();
    let done = stimmung(folder.path(), &["predict", name, "good.wav", "--json"]).fails(1, words);
    assert!(done.error().len() > 10, "{done:?}");
    assert_eq!(done.object()["file"], "good.wav", "{done:?}");

    // As part of a folder it is left out of the table, with its reason, and costs the others nothing.
    let done = stimmung(folder.path(), &["features", ".", "--set", "mfcc", "--out", "f.csv", "--json"]).ok();
    let object = done.object();
    assert_eq!(
        (object["recordings"].as_u64(), object["dropped"][0]["file"].as_str()),
        (Some(1), Some(name)),
        "{done:?}"
    );
    assert_eq!(fs::read_to_string(folder.path().join("f.csv")).unwrap().lines().count(), 2);
}

#[test]
fn no_such_file() {
    let folder = tempfile::tempdir().unwrap();
    stimmung(folder.path(), &["predict", "nowhere.wav"]).fails(1, &["nowhere.wav", "No such file"]);
    stimmung(folder.path(), &["features", "nowhere.wav"]).fails(1, &["nowhere.wav", "No such file"]);
    stimmung(folder.path(), &["run", "nowhere.toml"]).fails(1, &["nowhere.toml", "No such file"]);
    stimmung(folder.path(), &["corpus", "describe", "./nowhere"]).fails(1, &["nowhere"]);
    stimmung(folder.path(), &["model", "info", "nowhere.stimmung"]).fails(1, &["nowhere.stimmung", "No such file"]);
}

#[test]
fn empty_file() {
    refuses("empty.wav", b"", &["empty.wav"]);
}

#[test]
fn wav_header_without_data() {
    let bytes = Wav::pcm16(16_000, &[]).bytes();
    refuses("header.wav", &bytes[..36], &["header.wav", "data"]);
}

#[test]
fn wav_that_promises_more_than_it_holds() {
    let mut wav = Wav::pcm16(16_000, &buzz());
    wav.promised *= 2;
    refuses("cut.wav", &wav.bytes(), &["cut.wav"]);
}

#[test]
fn zero_channels() {
    let mut wav = Wav::pcm16(16_000, &buzz());
    wav.channels = 0;
    refuses("channels.wav", &wav.bytes(), &["channel"]);
}

#[test]
fn sample_rate_of_zero_or_a_billion() {
    refuses("zero.wav", &Wav::pcm16(0, &buzz()).bytes(), &["rate"]);
    refuses("billion.wav", &Wav::pcm16(1_000_000_000, &buzz()).bytes(), &["rate", "1000000000"]);
}

#[test]
fn text_named_wav() {
    refuses("text.wav", b"This is a shopping list: bread, butter, a guitar.\n", &["text.wav"]);
}

#[test]
fn samples_that_are_no_numbers() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut samples = vec![0.1f32; 16_000];
        samples[8000] = value;
        refuses("numbers.wav", &Wav::float32(16_000, &samples).bytes(), &["8000"]);
    }
}

#[test]
fn pure_silence() {
    refuses("silence.wav", &Wav::pcm16(16_000, &vec![0; 16_000]).bytes(), &["silent"]);
    // Longer than what is heard in one piece.
    refuses("long.wav", &Wav::pcm16(16_000, &vec![0; 16_000 * 40]).bytes(), &["silent"]);
}

#[test]
fn one_sample() {
    refuses("one.wav", &Wav::pcm16(16_000, &[1234]).bytes(), &["too short", "0.1 s"]);
}

#[test]
fn ten_hours_promised_over_one_kilobyte() {
    let mut wav = Wav::pcm16(16_000, &buzz()[..500]);
    wav.promised = 16_000 * 2 * 36_000;
    refuses("hours.wav", &wav.bytes(), &["hours.wav"]);
}

#[test]
fn standard_input_that_is_no_audio() {
    let folder = tempfile::tempdir().unwrap();
    stimmung_with_input(folder.path(), &["predict", "-"], b"no audio at all".to_vec()).fails(1, &["-: "]);
    let wav = Wav::pcm16(16_000, &buzz()).bytes();
    let done = stimmung_with_input(folder.path(), &["predict", "-", "--json"], wav).ok();
    assert_eq!(done.object()["file"], "-");
}

fn recipe(folder: &Path, text: &str) {
    fs::write(folder.join("recipe.toml"), text).unwrap();
}

const RECIPE: &str =
    "name = \"r\"\n[corpus]\npath = \"voices.csv\"\n[features]\nset = \"mfcc\"\n[model]\nkind = \"logistic\"\n";

#[test]
fn unknown_keys_of_a_recipe() {
    let folder = tempfile::tempdir().unwrap();
    for (line, unknown, nearest) in [
        ("sede = 3\n[corpus]", "sede", "did you mean `seed`"),
        ("[corpus]\nlayuot = \"emodb\"", "layuot", "did you mean `layout`"),
    ] {
        recipe(folder.path(), &RECIPE.replacen("[corpus]", line, 1));
        stimmung(folder.path(), &["run", "recipe.toml"]).fails(2, &["recipe.toml", unknown, nearest]);
    }
    recipe(folder.path(), &RECIPE.replace("\"logistic\"", "\"logistic\"\ncc = 1.0"));
    stimmung(folder.path(), &["run", "recipe.toml"]).fails(2, &["cc"]);
    recipe(folder.path(), &RECIPE.replace("\"mfcc\"", "\"mfcc\"\nnn = 1"));
    stimmung(folder.path(), &["run", "recipe.toml"]).fails(2, &["nn"]);
    recipe(folder.path(), &RECIPE.replace("logistic", "logistik"));
    stimmung(folder.path(), &["run", "recipe.toml"]).fails(2, &["logistik", "logistic"]);
    let done = stimmung(folder.path(), &["run", "recipe.toml", "--json"]).fails(2, &[]);
    assert!(done.error().contains("logistik"));
    assert!(!folder.path().join("runs").exists());
}

/// A manifest over the synthetic voices with some columns, keeping the rows that `keep` wants.
fn manifest(folder: &Path, columns: &str, keep: impl Fn(&str) -> bool) {
    let mut text = format!("{columns}\n");
    let mut files: Vec<_> = fs::read_dir(voices()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "wav")) {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let mut parts = name.split('_');
        let (speaker, emotion) = (parts.next().unwrap(), parts.next().unwrap());
        if keep(&name) {
            let row: Vec<String> = columns
                .split(',')
                .map(|column| match column {
                    "file" => file.display().to_string(),
                    "speaker" => speaker.to_owned(),
                    _ => emotion.to_owned(),
                })
                .collect();
            text.push_str(&format!("{}\n", row.join(",")));
        }
    }
    fs::write(folder.join("voices.csv"), text).unwrap();
    recipe(folder, RECIPE);
}

#[test]
fn a_manifest_without_speakers_under_the_speaker_protocol() {
    let folder = tempfile::tempdir().unwrap();
    manifest(folder.path(), "file,emotion", |_| true);
    stimmung(folder.path(), &["run", "recipe.toml"]).fails(1, &["speaker", "random"]);
    // What the error proposes works, and says what it is worth.
    let done = stimmung(folder.path(), &["run", "recipe.toml", "--protocol", "random", "--json"]).ok();
    assert!(done.object()["protocol"].as_str().unwrap().contains("random"));
}

#[test]
fn a_manifest_without_its_columns() {
    let folder = tempfile::tempdir().unwrap();
    manifest(folder.path(), "file,speaker", |_| true);
    stimmung(folder.path(), &["run", "recipe.toml"]).fails(1, &["emotion"]);
}

#[test]
fn a_class_with_one_recording() {
    let folder = tempfile::tempdir().unwrap();
    let seen = std::cell::Cell::new(false);
    manifest(folder.path(), "file,speaker,emotion", |name| !name.contains("anger") || !seen.replace(true));
    for protocol in ["speakers", "random"] {
        stimmung(folder.path(), &["run", "recipe.toml", "--protocol", protocol])
            .fails(1, &["anger", "single recording"]);
    }
}

#[test]
fn model_files_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let model = stimmung::EMBEDDED_MODEL;
    let whole = folder.path().join("whole.stimmung");
    fs::write(&whole, model).unwrap();
    stimmung(folder.path(), &["model", "info", "whole.stimmung"]).ok();
    let voice = voice();
    let voice = voice.to_str().unwrap();
    let refuses = |name: &str, bytes: &[u8], words: &[&str]| {
        fs::write(folder.path().join(name), bytes).unwrap();
        stimmung(folder.path(), &["model", "info", name]).fails(1, words);
        stimmung(folder.path(), &["predict", voice, "--model", name, "--json"]).fails(1, words);
    };
    refuses("half.stimmung", &model[..model.len() / 2], &["half.stimmung"]);
    refuses("empty.stimmung", b"", &["empty.stimmung"]);
    refuses("wav.stimmung", &Wav::pcm16(16_000, &buzz()).bytes(), &["wav.stimmung"]);
    let newer = String::from_utf8_lossy(model).contains(r#""format_version":"1""#);
    assert!(newer, "the version stands in the header");
    let mut bytes = model.to_vec();
    let place = bytes.windows(20).position(|window| window == br#""format_version":"1""#).unwrap();
    bytes[place + 18] = b'9';
    refuses("newer.stimmung", &bytes, &["newer.stimmung", "9"]);
}

#[test]
fn flags_that_do_not_go_together() {
    let folder = tempfile::tempdir().unwrap();
    stimmung(folder.path(), &["evaluate", "--model", "x.stimmung"]).fails(2, &["--corpus"]);
    stimmung(folder.path(), &["run", "--threads", "0"]).fails(2, &["thread"]);
    stimmung(folder.path(), &["features", "x.wav", "--set", "mfccs"]).fails(2, &["mfcc"]);
    stimmung(folder.path(), &["run", "--corpus", "emo-db-of-elsewhere"]).fails(1, &["STIMMUNG_CORPORA"]);
}

#[test]
fn kinds_of_models_are_listed_and_guessed() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["run", "train", "evaluate", "select"] {
        let help = stimmung(folder.path(), &[command, "--help"]).ok().stdout;
        let words: Vec<&str> = help.split([' ', '\n', ',']).collect();
        for kind in stimmung::models::ModelParams::KINDS {
            assert!(words.contains(kind), "{kind}: {help}");
        }
    }
    let run = |arguments: &[&str]| stimmung(folder.path(), &[&["run", "--corpus", "x.csv"], arguments].concat());
    run(&["--kind", "forest"]).fails(2, &["model", "`forest`", "did you mean `random-forest`?"]);
    run(&["--kind", "logistik"]).fails(2, &["did you mean `logistic`?"]);
    run(&["--kind", "network", "--with", "model.architecture=mel-cnn"])
        .fails(2, &["[model]", "did you mean `mel-cnn-"]);
    recipe(folder.path(), &RECIPE.replace("logistic", "forest"));
    stimmung(folder.path(), &["run", "recipe.toml"]).fails(2, &["recipe.toml", "did you mean `random-forest`?"]);
}

#[test]
fn effects_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let run = |copies: &str| {
        let copies = format!("augmentation.copies={copies}");
        stimmung(folder.path(), &["run", "--corpus", "x.csv", "--with", &copies])
    };
    run("[[{effect=\"strech\", rate=1}]]").fails(2, &["strech", "did you mean `stretch`?"]);
    run("[[{effect=\"speed\", rate=0}]]").fails(2, &["[augmentation] copy 1", "`rate` is 0"]);
    run("[[]]").fails(2, &["[augmentation] copy 1", "no effect"]);
}
