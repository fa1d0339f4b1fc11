//! Real recordings, where they are: `STIMMUNG_CORPORA` names the folder that holds `emodb`, `tess` and `aesdd`.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test, as it should")]

use std::path::{Path, PathBuf};

use stimmung_audio::{AudioError, Format, decode_path, is_audio_file_name, probe_path};

fn corpus(name: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("STIMMUNG_CORPORA")?).join(name);
    folder.is_dir().then_some(folder)
}

fn recordings(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(recordings(&path));
        } else if is_audio_file_name(&path) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Decodes everything; WAV files are read by `hound` as well, which must see the same samples.
fn decode_all(folder: &Path) -> (usize, Vec<String>) {
    let (mut count, mut refused) = (0, Vec::new());
    for path in recordings(folder) {
        let wave = match decode_path(&path) {
            Ok(wave) => wave,
            Err(error) => {
                assert_eq!(probe_path(&path).unwrap_err().to_string(), error.to_string());
                refused.push(format!("{}: {error}", path.file_name().unwrap().to_string_lossy()));
                continue;
            }
        };
        let probe = probe_path(&path).unwrap();
        assert_eq!(probe.seconds, Some(wave.seconds()), "{}", path.display());
        if probe.format == Format::Wav {
            let mut other = hound::WavReader::open(&path).unwrap();
            let samples: Vec<f32> =
                other.samples::<i16>().map(|sample| f32::from(sample.unwrap()) / 32_768.0).collect();
            assert!(wave.samples() == samples, "{} differs from hound", path.display());
        }
        count += 1;
    }
    (count, refused)
}

#[test]
fn emodb_decodes() {
    let Some(folder) = corpus("emodb") else { return };
    assert_eq!(decode_all(&folder), (535, Vec::new()));
}

#[test]
fn tess_decodes() {
    let Some(folder) = corpus("tess") else { return };
    assert_eq!(decode_all(&folder), (560, Vec::new()));
}

#[test]
fn aesdd_decodes_but_for_its_two_broken_files() {
    let Some(folder) = corpus("aesdd") else { return };
    let (count, refused) = decode_all(&folder);
    assert_eq!(count, 602);
    assert_eq!(
        refused,
        [
            "a20 (5).wav: no audio at all: the file has 0 bytes",
            "s05 (3).wav: no audio at all: the WAV header is not followed by a data chunk",
        ]
    );
    let broken = decode_path(folder.join("anger/a20 (5).wav"));
    assert!(matches!(broken, Err(AudioError::Empty { .. })));
}
