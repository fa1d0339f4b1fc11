//! `features` and `check`: tables of features, and their agreement with those of other programs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;

use common::{Done, Wav, buzz, names, objects, stimmung, tones};

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A folder with `tones` in it.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    tones(&folder.path().join("tones"));
    folder
}

fn features(folder: &Path, arguments: &[&str]) -> Done {
    stimmung(folder, &[&["features", "tones"], arguments].concat())
}

#[test]
fn descriptors_have_a_row_a_frame() {
    let folder = folder();
    let here = folder.path();
    for (set, columns, frames, first) in
        [("egemaps-v02", 25, 25, "0,0.02,"), ("mfcc", 40, 10, "0,0.064,"), ("mel", 128, 5, "0,0.064,")]
    {
        let arguments = ["--set", set, "--level", "lld", "--out", "a.csv", "--json"];
        let done = features(here, &arguments).ok().object();
        assert_eq!((&done["recordings"], &done["columns"]), (&18.into(), &columns.into()), "{set}");
        assert_eq!((&done["rows"], &done["level"]), (&(18 * frames).into(), &"lld".into()), "{set}");
        let table = read(&here.join("a.csv"));
        let mut lines = table.lines();
        let header: Vec<&str> = lines.next().unwrap().split(',').collect();
        assert_eq!((&header[..3], header.len()), (&["file", "start", "end"][..], columns + 3), "{set}");
        assert!(lines.next().unwrap().starts_with(&format!("S1-anger-1.wav,{first}")), "{table}");
        assert_eq!(table.lines().count(), 1 + 18 * frames);
    }
    let rows = objects(&features(here, &["--set", "egemaps-v02", "--level", "lld", "--json"]).ok());
    assert_eq!(rows.len(), 18 * 25);
    assert_eq!((&rows[1]["start"], &rows[1]["end"]), (&0.01.into(), &0.03.into()));
    assert!(rows[1]["features"]["Loudness_sma3"].as_f64().unwrap() > 0.0);
    for set in ["issa-50-80-50", "waveform"] {
        features(here, &["--set", set, "--level", "lld"]).fails(2, &[set, "mfcc, mel, egemaps-v02"]);
    }
    features(here, &["--level", "frames"]).fails(2, &["lld", "functionals"]);
}

#[test]
fn the_name_of_the_file_says_the_format() {
    let folder = folder();
    let here = folder.path();
    let set = ["--set", "egemaps-v02"];
    for (name, mark) in [("a.csv", &b"file,"[..]), ("a.parquet", b"PAR1"), ("a.npy", b"\x93NUMPY"), ("a.ARFF", b"@rel")]
    {
        features(here, &[&set[..], &["--out", name]].concat()).ok();
        let bytes = fs::read(here.join(name)).unwrap();
        assert!(bytes.starts_with(mark), "{name}");
    }
    assert_eq!(names(here), ["a.ARFF", "a.columns.csv", "a.csv", "a.npy", "a.parquet", "a.rows.csv", "cache", "tones"]);
    // The array is the table.
    let array = fs::read(here.join("a.npy")).unwrap();
    let values: Vec<f32> = array[128..].as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let table = read(&here.join("a.csv"));
    let cells = table.lines().skip(1).flat_map(|line| line.split(',').skip(1));
    assert!(cells.map(|cell| cell.parse::<f32>().unwrap()).eq(values.iter().copied()));
    assert_eq!(values.len(), 18 * 88);
    assert_eq!(read(&here.join("a.columns.csv")).lines().count(), 89);
    assert_eq!(read(&here.join("a.rows.csv")).lines().nth(18), Some("S3-sadness-2.wav"));

    // A recording without labels has no class, one of a manifest has.
    assert!(!read(&here.join("a.ARFF")).contains("@attribute class"));
    let done = stimmung(here, &["features", "tones/manifest.csv", "--set", "mfcc", "--format", "arff"]).ok();
    assert!(done.stdout.contains("@attribute class {anger,fear,sadness}"), "{done:?}");
    let first = done.stdout.lines().skip_while(|line| *line != "@data").nth(1).unwrap();
    assert!(first.starts_with("'S1-anger-1.wav',") && first.ends_with(",anger"), "{first}");

    features(here, &["--out", "b.csv", "--format", "npy"]).ok();
    assert!(fs::read(here.join("b.csv")).unwrap().starts_with(b"\x93NUMPY"));
    features(here, &["--format", "parquet"]).fails(2, &["parquet", "--out"]);
    features(here, &["--out", "none/a.csv"]).fails(1, &["none/a.csv"]);
}

#[test]
fn shards_one_after_the_other_are_the_whole() {
    let folder = folder();
    let here = folder.path();
    let table = |arguments: &[&str]| features(here, &[&["--set", "mfcc"], arguments].concat()).ok().stdout;
    let whole = table(&[]);
    for count in [2, 5, 18] {
        let mut rows = String::new();
        for number in 1..=count {
            let shard = table(&["--shard", &format!("{number}/{count}")]);
            let (header, part) = shard.split_once('\n').unwrap();
            assert!(whole.starts_with(header));
            rows.push_str(part);
        }
        assert_eq!(rows, whole.split_once('\n').unwrap().1, "{count}");
    }
    features(here, &["--shard", "19/19"]).ok();
    features(here, &["--shard", "1/19"]).fails(2, &["part 1 of 19", "18 recordings"]);
    features(here, &["--shard", "3/2"]).fails(2, &["I/N"]);
}

#[test]
fn a_second_time_costs_nothing() {
    let folder = folder();
    let here = folder.path();
    let cached = |arguments: &[&str]| {
        let fixed = ["--set", "egemaps-v02", "--out", "a.csv", "--json"];
        features(here, &[&fixed[..], arguments].concat()).ok().object()["cached"].as_u64().unwrap()
    };
    assert_eq!(cached(&[]), 0);
    let first = read(&here.join("a.csv"));
    assert!(names(&here.join("cache/stimmung/features")).iter().all(|name| name.len() == 2));
    assert_eq!(cached(&[]), 18);
    assert_eq!(read(&here.join("a.csv")), first);
    assert_eq!(cached(&["--no-cache"]), 0);
    assert_eq!(read(&here.join("a.csv")), first);
    assert_eq!(cached(&["--cache", "mine"]), 0);
    assert_eq!(cached(&["--cache", "mine"]), 18);
    assert_eq!(cached(&["--level", "lld"]), 0);

    // A broken recording among them costs nothing that was computed.
    fs::write(here.join("tones/S0.wav"), "RIFF").unwrap();
    let done = features(here, &["--set", "egemaps-v02", "--out", "a.csv"]).ok();
    assert!(done.stderr.contains("left out S0.wav") && done.stderr.contains("18 kept from before"), "{done:?}");
    assert_eq!(read(&here.join("a.csv")), first);

    let cleared = stimmung(here, &["features", "--clear-cache", "--cache", "mine", "--json"]).ok().object();
    assert_eq!(cleared["removed"]["recordings"], 18);
    assert_eq!(cached(&["--cache", "mine"]), 0);
    assert_eq!(cached(&["--clear-cache"]), 0);
    assert_eq!(cached(&[]), 18);
    stimmung(here, &["features"]).fails(2, &["CORPUS|DIR|FILE"]);
}

#[test]
fn a_dry_run_says_what_would_be_done() {
    let folder = folder();
    let here = folder.path();
    let done = features(here, &["--set", "mfcc", "--shard", "2/3", "--out", "a.npy", "--dry-run"]).ok();
    assert!(done.stdout.contains("6 recordings") && done.stdout.contains("npy to a.npy"), "{done:?}");
    let done = features(here, &["--set", "mfcc", "--with", "n=7", "--dry-run", "--json"]).ok().object();
    assert_eq!((&done["recordings"], &done["set"]["n"], &done["format"]), (&18.into(), &7.into(), &"csv".into()));
    assert_eq!(names(here), ["tones"]);
}

#[test]
fn a_corpus_is_found_by_its_name() {
    let folder = folder();
    let here = folder.path();
    let by_path = features(here, &["--set", "mfcc"]).ok().stdout;
    fs::create_dir(here.join("corpora")).unwrap();
    fs::rename(here.join("tones"), here.join("corpora").join("tones")).unwrap();
    assert_eq!(features(here, &["--set", "mfcc", "--corpora", "corpora"]).ok().stdout, by_path);
    features(here, &["--set", "mfcc"]).fails(1, &["tones", "--corpora"]);
}

/// Half an hour of a buzz in descriptors: more than a recording that is heard as a whole may last.
const OWN: &str = "set = \"own\"\n[[groups]]\nof = \"egemaps-v02\"\ndescriptors = [\"Loudness_sma3\", \"F0*\"]\n\
                   functionals = [\"amean\", \"range\"]\n[[groups]]\nof = \"compare-2016\"\ndescriptors = [\"mfcc_sma[*\"]\n\
                   functionals = [\"amean\"]\nframes = \"voiced\"\n";

#[test]
fn own_sets_are_read_from_a_file() {
    let folder = folder();
    let here = folder.path();
    let write = |name: &str, text: &str| fs::write(here.join(name), text).unwrap();
    write("own.toml", OWN);
    let described = |arguments: &[&str]| {
        let fixed = ["--set", "own.toml", "--out", "a.csv", "--json"];
        let object = features(here, &[&fixed[..], arguments].concat()).ok().object();
        (object["columns"].as_u64().unwrap(), object["cached"].as_u64().unwrap())
    };
    assert_eq!(described(&[]), (2 * 2 + 14, 0));
    let table = read(&here.join("a.csv"));
    assert!(table.starts_with("file,Loudness_sma3_amean,Loudness_sma3_range,F0semitoneFrom27.5Hz_sma3nz_amean,"));
    assert!(table.lines().next().unwrap().ends_with(",mfcc_sma[14]_voiced_amean"));
    assert_eq!(described(&[]), (18, 18));
    assert_eq!(described(&["--level", "lld"]), (16, 0));
    // All that a set is made of counts.
    write("own.toml", &OWN.replace("voiced", "all"));
    assert_eq!(described(&[]), (18, 0));
    assert_ne!(read(&here.join("a.csv")), table);

    write("own.toml", &OWN.replace("Loudness", "loudness"));
    features(here, &["--set", "own.toml"]).fails(2, &["own.toml", "group 1", "did you mean `Loudness_sma3`?"]);
    features(here, &["--set", "own"]).fails(2, &["`groups` is missing"]);
    features(here, &["--set", "none.toml"]).fails(1, &["none.toml"]);
}

#[test]
fn all_names_of_an_own_set_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let listed = stimmung(folder.path(), &["features", "--list", "--json"]).ok().object();
    let count = |names: &serde_json::Value| names.as_array().unwrap().len();
    assert_eq!(count(&listed["functionals"]), 60);
    let descriptors = &listed["descriptors"];
    assert_eq!((count(&descriptors["egemaps-v02"]), count(&descriptors["compare-2016"])), (25, 130));
    let text = stimmung(folder.path(), &["features", "--list"]).ok().stdout;
    assert_eq!(text.lines().count(), 4 + count(&listed["sets"]) + 60 + 25 + 130);
    assert!(text.contains("\n  own\n") && text.contains("\n  maxNonzeroSegLen\n"), "{text}");
    // The document tells of each of them.
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/features.md");
    let document = read(&document);
    for name in listed["functionals"].as_array().unwrap() {
        let name = name.as_str().unwrap();
        assert!(document.contains(&format!("`{name}`")) || name.starts_with("lpc"), "{name}");
    }
}

#[test]
fn long_recordings_are_described_as_they_come() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let long: Vec<i16> = buzz().iter().cycle().take(8000 * 1800).copied().collect();
    fs::write(here.join("long.wav"), Wav::pcm16(8000, &long).bytes()).unwrap();
    let arguments = ["features", "long.wav", "--set", "egemaps-v02", "--out", "a.npy", "--json"];
    let done = stimmung(here, &[&arguments[..], &["--level", "lld"]].concat()).ok().object();
    assert_eq!(done["rows"], 180_000 - 5);
    assert_eq!(stimmung(here, &arguments).ok().object()["rows"], 1);
    stimmung(here, &["features", "long.wav", "--set", "mfcc"]).fails(1, &["long.wav", "600"]);
}

#[test]
fn our_own_values_agree_with_themselves() {
    let folder = folder();
    let here = folder.path();
    for (peer, set, level) in [
        ("opensmile", "egemaps-v02", "functionals"),
        ("opensmile", "egemaps-v02", "lld"),
        ("librosa", "issa-50-80-50", "functionals"),
    ] {
        features(here, &["--set", set, "--level", level, "--out", "oracle.csv"]).ok();
        let arguments = ["check", peer, "tones", "--oracle", "oracle.csv", "--level", level];
        let thresholds = ["--at-least", "0.999999", "--largest", "1e-5", "--median", "1e-6"];
        let done = stimmung(here, &[&arguments[..], &thresholds].concat()).ok();
        assert!(done.stdout.contains("18 recordings") && done.stdout.contains("largest difference"), "{done:?}");
        let object = stimmung(here, &[&arguments[..], &["--json"]].concat()).ok().object();
        assert!(object["correlation"].as_f64().unwrap() > 0.999_999, "{object}");
        assert_eq!(object["failures"], serde_json::json!([]));
    }
}

#[test]
fn what_does_not_agree_is_named() {
    let folder = folder();
    let here = folder.path();
    features(here, &["--set", "mfcc", "--with", "n=3", "--out", "oracle.csv"]).ok();
    let table = read(&here.join("oracle.csv"));
    let check = |text: &str, arguments: &[&str]| {
        fs::write(here.join("oracle.csv"), text).unwrap();
        let fixed = ["check", "librosa", "tones", "--oracle", "oracle.csv", "--set", "mfcc", "--with", "n=3"];
        stimmung(here, &[&fixed[..], arguments].concat())
    };
    // The second column is shifted in every other row.
    let mut lines: Vec<String> = table.lines().map(str::to_owned).collect();
    for line in lines.iter_mut().skip(1).step_by(2) {
        let cells: Vec<&str> = line.split(',').collect();
        let moved = cells[2].parse::<f32>().unwrap() + 40.0;
        *line = format!("{},{},{moved},{}", cells[0], cells[1], cells[3]);
    }
    let moved = lines.join("\n");
    let done = check(&moved, &["--at-least", "0.99", "--worst", "1"]).fails(1, &["1 columns", "mfcc_02_mean"]);
    assert!(done.stdout.contains("mfcc_02_mean") && !done.stdout.contains("mfcc_01_mean"), "{done:?}");
    check(&moved, &["--largest", "1e-3"]).fails(1, &["largest difference"]);
    check(&moved, &[]).ok();
    check(&moved, &["--median", "1e-5"]).ok();

    // A column, a recording, all recordings are missing.
    let cut: String = table.lines().map(|line| line.split(',').take(3).collect::<Vec<_>>().join(",") + "\n").collect();
    check(&cut, &[]).fails(1, &["1 of our 3 columns", "mfcc_03_mean", "--set"]);
    let shorter = table.lines().take(18).collect::<Vec<_>>().join("\n");
    let done = check(&shorter, &["--at-least", "0.999999"]).ok();
    assert!(done.stderr.contains("1 recordings are not in") && done.stderr.contains("S3-sadness-2.wav"), "{done:?}");
    check(&table.replace(".wav", ".ogg"), &[]).fails(1, &["none of the recordings"]);
    check(&format!("{table}other.wav,1,2,3\n"), &[]).fails(1, &["1 recordings are in", "other.wav"]);
    check("file,mfcc_01_mean\nS1-anger-1.wav,high\n", &[]).fails(1, &["line 2", "`high`"]);
    fs::write(here.join("tones/S1-anger-1.wav"), "RIFF").unwrap();
    check(&table, &[]).fails(1, &["cannot be used here", "S1-anger-1.wav"]);
}
