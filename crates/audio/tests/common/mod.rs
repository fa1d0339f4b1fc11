//! What the tests share: WAV files byte by byte, and the recordings in `fixtures`.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test, as it should")]
#![allow(dead_code, reason = "each test program uses its own part")]

use std::path::{Path, PathBuf};

/// A WAV file by its fields, which may be as wrong as one likes.
pub struct Wav {
    pub riff_size: Option<u32>,
    pub tag: u16,
    pub channels: u16,
    pub sample_rate: u32,
    pub bits: u16,
    pub block_align: Option<u16>,
    /// The subformat's tag of an extensible file.
    pub extensible: Option<u16>,
    pub data_size: Option<u32>,
    pub data: Vec<u8>,
}

impl Default for Wav {
    /// A tenth of a second of silence, 16 bits, 16 kHz, mono.
    fn default() -> Self {
        Self {
            riff_size: None,
            tag: 1,
            channels: 1,
            sample_rate: 16_000,
            bits: 16,
            block_align: None,
            extensible: None,
            data_size: None,
            data: vec![0; 3_200],
        }
    }
}

impl Wav {
    pub fn bytes(&self) -> Vec<u8> {
        let align = self.block_align.unwrap_or(self.channels.wrapping_mul(self.bits.div_ceil(8)));
        let mut format = Vec::new();
        format.extend(if self.extensible.is_some() { 0xFFFE } else { self.tag }.to_le_bytes());
        format.extend(self.channels.to_le_bytes());
        format.extend(self.sample_rate.to_le_bytes());
        format.extend(self.sample_rate.wrapping_mul(u32::from(align)).to_le_bytes());
        format.extend(align.to_le_bytes());
        format.extend(self.bits.to_le_bytes());
        if let Some(tag) = self.extensible {
            format.extend(22_u16.to_le_bytes());
            format.extend(self.bits.to_le_bytes());
            format.extend(0_u32.to_le_bytes());
            format.extend(tag.to_le_bytes());
            format.extend([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71]);
        }
        let riff_size = self.riff_size.unwrap_or(20 + format.len() as u32 + self.data.len() as u32);
        let data_size = self.data_size.unwrap_or(self.data.len() as u32);
        [
            b"RIFF",
            &riff_size.to_le_bytes()[..],
            b"WAVEfmt ",
            &(format.len() as u32).to_le_bytes(),
            &format,
            b"data",
            &data_size.to_le_bytes(),
            &self.data,
        ]
        .concat()
    }
}

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

pub fn fixture_bytes(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).expect("a fixture")
}

/// Every recording in `fixtures`.
pub fn fixtures() -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<(String, Vec<u8>)> = std::fs::read_dir(fixture("."))
        .expect("the fixtures")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension != "md" && extension != "sh"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect();
    found.sort();
    assert!(found.len() >= 13, "fixtures are missing");
    found
}

/// The sweep that all fixtures were made from, at any rate and at any second.
pub fn sweep(second: f64) -> f64 {
    let (low, high, length) = (200.0, 3_000.0, 0.5);
    let inside = (0.0..length).contains(&second);
    let phase = std::f64::consts::TAU * (low * second + (high - low) * second * second / (2.0 * length));
    if inside { 0.5 * phase.sin() } else { 0.0 }
}
