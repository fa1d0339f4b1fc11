//! `timeline`: every format, where it goes, and what it refuses.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;

use common::{Wav, buzz, names, objects, stimmung, stimmung_with_input, voice, voices};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A voice, two seconds of silence, and the voice again.
fn talk(folder: &Path, name: &str) {
    let wave = stimmung::audio::decode_path(voice()).unwrap();
    let pause = vec![0.0; 2 * wave.sample_rate() as usize];
    let samples = [wave.samples(), &pause, wave.samples()].concat();
    fs::write(folder.join(name), Wav::float32(wave.sample_rate(), &samples).bytes()).unwrap();
}

#[test]
fn a_table_and_an_object() {
    let folder = tempfile::tempdir().unwrap();
    talk(folder.path(), "talk.wav");
    let done = stimmung(folder.path(), &["timeline", "talk.wav"]).ok();
    assert!(done.stdout.starts_with("talk.wav  0:0"), "{done:?}");
    assert!(done.stdout.contains("emotion") && done.stdout.contains('█') && !done.stdout.contains('\x1b'), "{done:?}");

    let object = stimmung(folder.path(), &["timeline", "talk.wav", "--json"]).ok().object();
    assert_eq!(object["file"], "talk.wav");
    assert_eq!((object["hop"].as_f64(), object["window"].as_f64()), (Some(0.5), Some(3.0)));
    assert_eq!(object["emotions"].as_array().unwrap().len(), 7);
    let frames = object["frames"].as_array().unwrap();
    assert!(frames.iter().any(|frame| frame["speech"] == false && frame.get("probabilities").is_none()));
    assert!(
        frames.iter().any(|frame| frame["speech"] == true && frame["probabilities"].as_array().unwrap().len() == 7)
    );
    let segments = object["segments"].as_array().unwrap();
    assert!(segments.len() >= 2, "{segments:?}");
    for segment in segments {
        assert_eq!(segment["probabilities"][segment["label"].as_str().unwrap()], segment["confidence"]);
    }

    // Standard input is heard like a file, and threads change nothing.
    let input = fs::read(folder.path().join("talk.wav")).unwrap();
    let piped = stimmung_with_input(folder.path(), &["timeline", "-", "--json", "--threads", "1"], input).ok().object();
    assert_eq!(piped["segments"], object["segments"]);
    // The flags of the parameters reach their places.
    let flags = ["--window", "1.5", "--hop", "0.25", "--speech", "0.5", "--smoothing", "0"];
    let object = stimmung(folder.path(), &[&["timeline", "talk.wav", "--json"], &flags[..]].concat()).ok().object();
    assert_eq!((object["hop"].as_f64(), object["window"].as_f64()), (Some(0.25), Some(1.5)));
}

#[test]
fn every_format_goes_to_its_file() {
    let folder = tempfile::tempdir().unwrap();
    talk(folder.path(), "talk.wav");
    for (format, file, start) in [
        ("json", "a.json", "{\"seconds\":"),
        ("csv", "a.csv", "start,end,label,confidence,anger,"),
        ("vtt", "a.vtt", "WEBVTT\n\n00:00:"),
        ("textgrid", "a.TextGrid", "File type = \"ooTextFile\"\n"),
        ("elan", "a.eaf", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ANNOTATION_DOCUMENT "),
        ("rttm", "a.rttm", "SPEAKER talk 1 0."),
        ("text", "a.txt", "talk.wav  0:0"),
    ] {
        // The name alone tells the format.
        stimmung(folder.path(), &["timeline", "talk.wav", "--out", file]).ok();
        let written = fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(written.starts_with(start), "{format}: {written}");
        assert!(!written.contains('\x1b'), "{written}");
        if format != "json" {
            let printed = stimmung(folder.path(), &["timeline", "talk.wav", "--format", format]).ok().stdout;
            assert_eq!(printed, written);
        }
        let again = stimmung(folder.path(), &["timeline", "talk.wav", "--out", file]);
        again.fails(1, &[file, "there already", "--force"]);
        stimmung(folder.path(), &["timeline", "talk.wav", "--out", file, "--force"]).ok();
    }
    let as_text = stimmung(folder.path(), &["timeline", "talk.wav", "--format", "vtt", "--json"]).ok().object();
    assert!(as_text["text"].as_str().unwrap().starts_with("WEBVTT"), "{as_text}");
}

#[test]
fn a_folder_of_recordings_becomes_a_folder_of_timelines() {
    let folder = tempfile::tempdir().unwrap();
    let some: Vec<String> = names(voices()).into_iter().filter(|name| name.starts_with("S01_")).take(3).collect();
    let inside = folder.path().join("in");
    fs::create_dir(&inside).unwrap();
    for name in &some {
        fs::copy(voices().join(name), inside.join(name)).unwrap();
    }
    fs::write(inside.join("broken.wav"), b"no audio").unwrap();
    let arguments = ["timeline", "in", "--out", "lines", "--format", "textgrid", "--json"];
    let done = stimmung(folder.path(), &arguments).fails(1, &["broken.wav"]);
    assert_eq!(objects(&done).len(), 3, "{done:?}");
    let written = names(&folder.path().join("lines"));
    let expected: Vec<String> = some.iter().map(|name| name.replace(".wav", ".TextGrid")).collect();
    assert_eq!(written, expected);
    stimmung(folder.path(), &arguments).fails(1, &["there already"]);
    // One object a line; a table each; but captions cannot follow each other.
    let done = stimmung(folder.path(), &["timeline", "in", "--json"]).fails(1, &["broken.wav"]);
    assert_eq!(objects(&done).len(), 3);
    stimmung(folder.path(), &["timeline", "in", "--format", "vtt"]).fails(2, &["--out DIR"]);
    stimmung(folder.path(), &["timeline", "in", "--out", "in/broken.wav"]).fails(2, &["is a file"]);
    // Two recordings of one name.
    fs::write(inside.join("broken.flac"), b"no audio").unwrap();
    stimmung(folder.path(), &["timeline", "in", "--out", "more"]).fails(1, &["would both be called", "broken.json"]);
    assert!(!folder.path().join("more").exists());
}

#[test]
fn no_recording_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    talk(folder.path(), "talk.wav");
    let before = fs::read(folder.path().join("talk.wav")).unwrap();
    stimmung(folder.path(), &["timeline", "talk.wav", "--out", "talk.wav", "--format", "csv", "--force"])
        .fails(1, &["is one of the recordings"]);
    assert_eq!(fs::read(folder.path().join("talk.wav")).unwrap(), before);
}

#[test]
fn nothing_to_hear_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("silence.wav"), Wav::pcm16(16_000, &vec![0; 48_000]).bytes()).unwrap();
    fs::write(folder.path().join("blink.wav"), Wav::pcm16(16_000, &buzz()[..800]).bytes()).unwrap();
    for name in ["silence.wav", "blink.wav"] {
        let done = stimmung(folder.path(), &["timeline", name]).ok();
        assert!(done.stdout.contains("no speech was found"), "{done:?}");
        for format in ["json", "csv", "vtt", "textgrid", "elan", "rttm"] {
            stimmung(folder.path(), &["timeline", name, "--format", format]).ok();
        }
        let object = stimmung(folder.path(), &["timeline", name, "--json"]).ok().object();
        assert_eq!(object["segments"].as_array().unwrap().len(), 0);
    }
}

#[test]
fn what_is_wrong_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut cut = Wav::pcm16(16_000, &buzz());
    cut.promised *= 2;
    fs::write(folder.path().join("cut.wav"), cut.bytes()).unwrap();
    fs::write(folder.path().join("list.wav"), b"bread, butter, a guitar").unwrap();
    fs::write(folder.path().join("good.wav"), Wav::pcm16(16_000, &buzz()).bytes()).unwrap();
    // The good one beside them is answered.
    let done = stimmung(folder.path(), &["timeline", "cut.wav", "list.wav", "good.wav", "nowhere.wav", "--json"])
        .fails(1, &["cut.wav", "list.wav", "not an audio file", "nowhere.wav"]);
    assert_eq!(done.object()["file"], "good.wav");
    stimmung(folder.path(), &["timeline", "cut.wav", "--out", "cut.csv"]).fails(1, &["cut.wav"]);
    assert!(!folder.path().join("cut.csv").exists());

    stimmung(folder.path(), &["timeline", "good.wav", "--format", "wav"]).fails(2, &["textgrid", "rttm"]);
    stimmung(folder.path(), &["timeline", "good.wav", "--out", "a.doc"]).fails(2, &["a.doc", "--format"]);
    stimmung(folder.path(), &["timeline", "good.wav", "--hop", "9"]).fails(2, &["hop", "0.1 to the window, 3"]);
    stimmung(folder.path(), &["timeline", "good.wav", "--window", "1000"]).fails(2, &["window", "0.5 to 60"]);
    stimmung(folder.path(), &["timeline", "good.wav", "--smoothing", "long"]).fails(2, &["smoothing"]);
    stimmung(folder.path(), &["timeline", "good.wav", "--model", "cut.wav"]).fails(1, &["cut.wav"]);
    stimmung(folder.path(), &["timeline", "good.wav", "--out", "missing/a.csv"]).fails(1, &["missing/a.csv"]);
    stimmung_with_input(folder.path(), &["timeline", "-"], b"no audio".to_vec()).fails(1, &["-: "]);
    stimmung(folder.path(), &["timeline"]).fails(2, &["FILE"]);
}

#[test]
fn predictions_carry_warnings() {
    let folder = tempfile::tempdir().unwrap();
    let voice = voice();
    let arguments = ["predict", text(&voice), "--json"];
    // That it is no human voice may be noticed, and nothing else is wrong with it.
    let warnings = stimmung(folder.path(), &arguments).ok().object()["warnings"].clone();
    assert!(warnings.as_array().unwrap().iter().all(|one| one["code"] == "unlike-training"), "{warnings}");
    let hum: Vec<f32> = (0..16_000).map(|n| 3e-4 * (n as f32 * 0.3).sin()).collect();
    fs::write(folder.path().join("hum.wav"), Wav::float32(16_000, &hum).bytes()).unwrap();
    let warnings = stimmung(folder.path(), &["predict", "hum.wav", "--json"]).ok().object()["warnings"].clone();
    let codes: Vec<&str> = warnings.as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert!(codes.starts_with(&["little-speech", "quiet"]), "{warnings}");
    let done = stimmung(folder.path(), &["predict", "hum.wav"]).ok();
    assert_eq!(done.stdout.lines().count(), 2, "{done:?}");
    assert!(done.stdout.contains("sounds like speech; very quiet, "), "{done:?}");
}
