//! The features of a corpus as a table.

use std::ops::Range;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use stimmung_audio::{ConditioningParams, Effect, SegmentParams, Waveform, augment};
use stimmung_corpus::{Dropped, Manifest, Recording};
use stimmung_features::FeatureSet;
use stimmung_models::Matrix;

use crate::error::RecordingError;
use crate::listen::{Ear, at_rate, condition, hear};
use crate::{Error, Progress};

/// Recordings that are heard before their rows are put into the table: enough to keep all threads busy, and few beside all
/// of them.
pub(crate) const CHUNK: usize = 128;

/// How recordings become rows of features.
#[derive(Debug, Clone, PartialEq)]
pub struct Hearing {
    /// Hertz to which every recording is resampled; `None` describes each at its own rate, as librosa does with `sr=None`.
    pub sample_rate: Option<u32>,
    /// What is done to the samples then.
    pub conditioning: ConditioningParams,
    /// The length of the pieces that are described one by one; `None` describes a recording as a whole.
    pub segments: Option<SegmentParams>,
    /// What is computed.
    pub features: FeatureSet,
    /// The effects behind each changed copy of a recording; none makes no copies.
    pub copies: Vec<Vec<Effect>>,
    /// Where the draws of the effects start.
    pub seed: u64,
}

impl Hearing {
    /// These features of whole recordings as they are.
    pub fn new(features: FeatureSet) -> Self {
        let conditioning = ConditioningParams::default();
        Self { sample_rate: None, conditioning, segments: None, features, copies: Vec::new(), seed: 0 }
    }

    /// The changed copies of a recording, as a model learns from them.
    ///
    /// # Errors
    /// [`RecordingError`] where the recording cannot be used or an effect cannot be applied.
    pub fn copies_of(&self, manifest: &Manifest, recording: &Recording) -> Result<Vec<Waveform>, RecordingError> {
        let original = self.condition(hear(manifest, recording)?)?;
        (1..=self.copies.len()).map(|number| self.copy(&original, &id(recording), number)).collect()
    }

    fn condition(&self, waveform: Waveform) -> Result<Waveform, RecordingError> {
        let waveform = match self.sample_rate {
            Some(rate) => at_rate(waveform, rate)?,
            None => waveform,
        };
        condition(&self.conditioning, waveform)
    }

    /// A changed copy. Its draws depend on the seed, the recording's name and the number of the copy alone.
    fn copy(&self, original: &Waveform, id: &str, number: usize) -> Result<Waveform, RecordingError> {
        let mut rng = seeded(self.seed, &(number as u64).to_le_bytes(), id);
        Ok(augment(&self.copies[number - 1], original, &mut rng)?)
    }
}

/// Draws that depend on a seed, on what they are for, and on a recording's name alone.
pub(crate) fn seeded(seed: u64, purpose: &[u8], id: &str) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(purpose);
    hash.update(id.as_bytes());
    ChaCha8Rng::from_seed(hash.finalize().into())
}

/// The features of usable recordings, and the recordings that were left out.
///
/// Each recording comes in versions: itself, then its changed copies. Each version has one row, or one for each of its
/// pieces.
#[derive(Debug, Clone)]
pub struct FeatureTable {
    /// The columns' names.
    pub columns: Vec<String>,
    /// Shape (rows, columns): recording by recording, version by version, piece by piece.
    pub features: Matrix,
    /// The recordings, each with the seconds that were heard of it.
    pub recordings: Vec<Recording>,
    /// SHA-256 of each recording's decoded samples, in hexadecimal: equal for byte-identical copies under different names.
    pub content: Vec<String>,
    /// What was left out and why, those of the manifest first.
    pub dropped: Vec<Dropped>,
    /// Versions of each recording.
    versions: usize,
    /// Where the rows of each version of each recording begin, and where the last end.
    starts: Vec<usize>,
}

impl FeatureTable {
    /// Computes features for every recording of a manifest, in parallel.
    ///
    /// Recordings that cannot be used are left out and listed, never fatal. The result does not depend on the number of
    /// threads.
    ///
    /// # Errors
    /// [`Error::NothingUsable`] if no recording is left, [`Error::Cancelled`], and errors of the set's parameters.
    pub fn extract(manifest: &Manifest, hearing: &Hearing, progress: &dyn Progress) -> Result<Self, Error> {
        let ear = Ear::new(hearing.segments, hearing.features.clone());
        progress.begin("extracting features", manifest.recordings.len() as u64);
        let listen = |recording: &Recording| {
            if progress.cancelled() {
                return None;
            }
            let heard = Heard::compute(manifest, recording, hearing, &ear);
            progress.advance(1);
            Some(heard)
        };
        let mut table = Collected { dropped: manifest.dropped.clone(), starts: vec![0], ..Collected::default() };
        for recordings in manifest.recordings.chunks(CHUNK) {
            let heard: Vec<Option<Result<Heard, RecordingError>>> = recordings.par_iter().map(listen).collect();
            for (recording, heard) in recordings.iter().zip(heard) {
                match heard {
                    Some(Ok(heard)) => table.push(recording, heard),
                    Some(Err(reason)) => table.drop(recording, &reason),
                    None => {
                        progress.end();
                        return Err(Error::Cancelled);
                    }
                }
            }
        }
        progress.end();
        table.finish(hearing)
    }

    /// What each recording is called in tables: its file, with the part of it where it is one.
    pub fn ids(&self) -> Vec<String> {
        self.recordings.iter().map(id).collect()
    }

    /// Versions of each recording: itself and its changed copies.
    pub fn versions(&self) -> usize {
        self.versions
    }

    /// The rows of a version of a recording, 0 being the recording itself.
    ///
    /// # Panics
    /// If there is no such recording or version.
    pub fn rows(&self, recording: usize, version: usize) -> Range<usize> {
        assert!(version < self.versions, "version {version} of {}", self.versions);
        let index = recording * self.versions + version;
        self.starts[index]..self.starts[index + 1]
    }

    /// The rows of all versions of a recording.
    ///
    /// # Panics
    /// If there is no such recording.
    pub fn all_rows(&self, recording: usize) -> Range<usize> {
        self.starts[recording * self.versions]..self.starts[(recording + 1) * self.versions]
    }
}

/// A recording's name in tables: its file, and behind `#` the seconds where it begins and ends if it is a part.
pub fn id(recording: &Recording) -> String {
    let file = recording.file.to_string_lossy().replace('\\', "/");
    let seconds = |time: Option<f64>| time.map_or_else(String::new, |time| time.to_string());
    match (recording.start, recording.end) {
        (None, None) => file,
        (start, end) => format!("{file}#{}-{}", seconds(start), seconds(end)),
    }
}

/// What came of one recording.
struct Heard {
    /// The rows of each version.
    versions: Vec<Vec<Vec<f32>>>,
    content: String,
    sample_rate: u32,
    /// As it was recorded, before conditioning.
    seconds: f64,
}

impl Heard {
    fn compute(
        manifest: &Manifest,
        recording: &Recording,
        hearing: &Hearing,
        ear: &Ear,
    ) -> Result<Self, RecordingError> {
        let heard = hear(manifest, recording)?;
        let (content, seconds) = (content_hash(&heard), heard.seconds());
        let original = hearing.condition(heard)?;
        let mut versions = vec![ear.describe(&original)?];
        for number in 1..=hearing.copies.len() {
            versions.push(ear.describe(&hearing.copy(&original, &id(recording), number)?)?);
        }
        Ok(Self { versions, content, sample_rate: original.sample_rate(), seconds })
    }
}

/// SHA-256 of the rate and the samples.
fn content_hash(waveform: &Waveform) -> String {
    let mut hash = Sha256::new();
    hash.update(waveform.sample_rate().to_le_bytes());
    for block in waveform.samples().chunks(4096) {
        let bytes: Vec<u8> = block.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        hash.update(&bytes);
    }
    hex(&hash.finalize())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[derive(Default)]
struct Collected {
    values: Vec<f32>,
    starts: Vec<usize>,
    rows: usize,
    recordings: Vec<Recording>,
    content: Vec<String>,
    dropped: Vec<Dropped>,
    sample_rate: Option<u32>,
}

impl Collected {
    fn push(&mut self, recording: &Recording, heard: Heard) {
        self.sample_rate.get_or_insert(heard.sample_rate);
        self.recordings.push(Recording { seconds: Some(heard.seconds), ..recording.clone() });
        self.content.push(heard.content);
        for version in heard.versions {
            self.rows += version.len();
            self.starts.push(self.rows);
            self.values.extend(version.into_iter().flatten());
        }
    }

    fn drop(&mut self, recording: &Recording, reason: &RecordingError) {
        self.dropped.push(Dropped { file: recording.file.clone(), reason: reason.to_string() });
    }

    fn finish(self, hearing: &Hearing) -> Result<FeatureTable, Error> {
        let Some(sample_rate) = self.sample_rate else {
            return Err(nothing_usable(&self.dropped));
        };
        let columns = hearing.features.columns(sample_rate)?;
        Ok(FeatureTable {
            features: Matrix::new(self.rows, columns.len(), self.values)?,
            columns,
            recordings: self.recordings,
            content: self.content,
            dropped: self.dropped,
            versions: hearing.copies.len() + 1,
            starts: self.starts,
        })
    }
}

pub(crate) fn nothing_usable(dropped: &[Dropped]) -> Error {
    let first = dropped.first();
    Error::NothingUsable {
        count: dropped.len(),
        file: first.map_or_else(|| "(none)".to_owned(), |dropped| dropped.file.display().to_string()),
        reason: first.map_or_else(|| "there are none".to_owned(), |dropped| dropped.reason.clone()),
    }
}
