//! What tests share.

use std::path::{Path, PathBuf};

use stimmung_audio::{WavEncoding, Waveform, write_wav};

/// A tone.
pub(crate) fn sine(sample_rate: u32, seconds: f64, hertz: f64) -> Waveform {
    let step = std::f64::consts::TAU * hertz / f64::from(sample_rate);
    let count = (seconds * f64::from(sample_rate)).round() as usize;
    let samples = (0..count).map(|at| (0.5 * (step * at as f64).sin()) as f32).collect();
    Waveform::new(samples, sample_rate).unwrap()
}

/// Writes a waveform, making its folders.
pub(crate) fn write(path: &Path, waveform: &Waveform) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    write_wav(path, waveform, WavEncoding::Pcm16).unwrap();
}

/// A folder with a short tone under each name.
pub(crate) fn folder(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let tone = sine(8000, 0.1, 200.0);
    for file in files {
        write(&folder.path().join(file), &tone);
    }
    folder
}

/// A corpus of real recordings, where `STIMMUNG_CORPORA` names a folder that has it.
pub(crate) fn real(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("STIMMUNG_CORPORA")?).join(name);
    path.is_dir().then_some(path)
}
