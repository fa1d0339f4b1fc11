//! Running the program as a person would.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::format_push_string,
    reason = "each test file uses its part, and one that cannot go on fails"
)]

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::OnceLock;

use serde_json::Value;

/// What the program did.
pub struct Done {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Done {
    /// The only object on standard output.
    pub fn object(&self) -> Value {
        serde_json::from_str(self.stdout.trim()).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The text of the error object on standard error.
    pub fn error(&self) -> String {
        let line = self.stderr.lines().last().unwrap_or_default();
        let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        object["error"].as_str().unwrap_or_else(|| panic!("no `error`: {self:?}")).to_owned()
    }

    /// Asserts success.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// Asserts a failure that names all of `words` and is no panic.
    #[track_caller]
    pub fn fails(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is missing: {self:?}");
        }
        self
    }
}

impl std::fmt::Debug for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "code {}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

/// Runs the program in `folder`, away from any corpus of the machine.
pub fn stimmung(folder: &Path, arguments: &[&str]) -> Done {
    stimmung_with_input(folder, arguments, Vec::new())
}

pub fn stimmung_with_input(folder: &Path, arguments: &[&str], input: Vec<u8>) -> Done {
    let output: Output = assert_cmd::cargo::cargo_bin_cmd!("stimmung")
        .args(arguments)
        .current_dir(folder)
        .env_remove("STIMMUNG_CORPORA")
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .write_stdin(input)
        .output()
        .unwrap();
    Done {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A small corpus of synthetic voices, made once for all tests of a file.
pub fn voices() -> &'static Path {
    static FOLDER: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, voices) = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        stimmung(folder.path(), &["corpus", "synth", "voices", "--speakers", "4", "--takes", "1"]).ok();
        let voices = folder.path().join("voices");
        (folder, voices)
    });
    voices
}

/// The first recording of the synthetic voices.
pub fn voice() -> PathBuf {
    let mut files: Vec<PathBuf> = std::fs::read_dir(voices()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "wav"));
    files.sort();
    files.swap_remove(0)
}

/// A WAV header of any content, with the samples that follow it.
pub struct Wav {
    pub tag: u16,
    pub channels: u16,
    pub rate: u32,
    pub bits: u16,
    /// What the header says of the data's length.
    pub promised: u32,
    pub data: Vec<u8>,
}

impl Wav {
    pub fn pcm16(rate: u32, samples: &[i16]) -> Self {
        let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        Self { tag: 1, channels: 1, rate, bits: 16, promised: data.len() as u32, data }
    }

    pub fn float32(rate: u32, samples: &[f32]) -> Self {
        let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        Self { tag: 3, channels: 1, rate, bits: 32, promised: data.len() as u32, data }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let align = self.channels * (self.bits / 8);
        let mut bytes = b"RIFF".to_vec();
        bytes.extend((self.promised.saturating_add(36)).to_le_bytes());
        bytes.extend(b"WAVEfmt ");
        bytes.extend(16u32.to_le_bytes());
        bytes.extend(self.tag.to_le_bytes());
        bytes.extend(self.channels.to_le_bytes());
        bytes.extend(self.rate.to_le_bytes());
        bytes.extend(self.rate.wrapping_mul(u32::from(align)).to_le_bytes());
        bytes.extend(align.to_le_bytes());
        bytes.extend(self.bits.to_le_bytes());
        bytes.extend(b"data");
        bytes.extend(self.promised.to_le_bytes());
        bytes.extend(&self.data);
        bytes
    }
}

/// One second of a buzz with a pitch of 125 Hz.
pub fn buzz() -> Vec<i16> {
    (0..16_000i16).map(|n| if n % 128 < 20 { 8000 } else { -1500 }).collect()
}

/// A folder of short tones in noise with `manifest.csv`: three speakers (`S1` …) in three emotions, twice each, in files
/// such as `S1-anger-1.wav`. It is made much faster than voices are.
pub fn tones(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let mut table = "file,speaker,emotion\n".to_owned();
    let mut state = 1_u32;
    for speaker in 1..=3 {
        for (emotion, name) in ["anger", "fear", "sadness"].into_iter().enumerate() {
            for take in 1..=2 {
                let period = 120 - 12 * emotion - 3 * speaker;
                let samples: Vec<f32> = (0..4800)
                    .map(|n| {
                        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        let noise = f64::from(state) / f64::from(u32::MAX) - 0.5;
                        (if n % period < 20 { 0.3 } else { -0.05 }) + 0.3 * noise as f32
                    })
                    .collect();
                let file = format!("S{speaker}-{name}-{take}.wav");
                std::fs::write(folder.join(&file), Wav::float32(16_000, &samples).bytes()).unwrap();
                table.push_str(&format!("{file},S{speaker},{name}\n"));
            }
        }
    }
    std::fs::write(folder.join("manifest.csv"), table).unwrap();
}

/// The names in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The objects on standard output, one a line.
pub fn objects(done: &Done) -> Vec<Value> {
    done.stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{done:?}"))).collect()
}
