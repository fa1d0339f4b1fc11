//! The features of a corpus as a table.

use std::path::Path;

use rayon::prelude::*;
use sha2::{Digest, Sha256};
use stimmung_audio::Waveform;
use stimmung_corpus::{Dropped, Manifest, Recording};
use stimmung_features::FeatureSet;
use stimmung_models::Matrix;

use crate::error::RecordingError;
use crate::listen::{Extractors, at_rate, hear};
use crate::{Error, Progress};

/// One row of features per usable recording, and the recordings that were left out.
#[derive(Debug, Clone)]
pub struct FeatureTable {
    /// The columns' names.
    pub columns: Vec<String>,
    /// Shape (recordings, columns).
    pub features: Matrix,
    /// The recordings, one a row.
    pub recordings: Vec<Recording>,
    /// SHA-256 of each row's decoded samples, in hexadecimal: equal for byte-identical copies under different names.
    pub content: Vec<String>,
    /// What was left out and why, those of the manifest first.
    pub dropped: Vec<Dropped>,
}

impl FeatureTable {
    /// Computes a set of features for every recording of a manifest, in parallel.
    ///
    /// Each recording is resampled to `sample_rate` hertz; with `None` it is described at its own rate, as librosa does
    /// with `sr=None`. Recordings that cannot be used are left out and listed, never fatal. The result does not depend
    /// on the number of threads.
    ///
    /// # Errors
    /// [`Error::NothingUsable`] if no recording is left, [`Error::Cancelled`], and errors of the set's parameters.
    pub fn extract(
        manifest: &Manifest,
        set: &FeatureSet,
        sample_rate: Option<u32>,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let extractors = Extractors::new(*set);
        progress.begin("extracting features", manifest.recordings.len() as u64);
        let rows: Vec<Option<Result<Row, RecordingError>>> = manifest
            .recordings
            .par_iter()
            .map(|recording| {
                if progress.cancelled() {
                    return None;
                }
                let row = Row::compute(&manifest.root, recording, sample_rate, &extractors);
                progress.advance(1);
                Some(row)
            })
            .collect();
        progress.end();

        let mut table = Collected { dropped: manifest.dropped.clone(), ..Collected::default() };
        for (recording, row) in manifest.recordings.iter().zip(rows) {
            match row.ok_or(Error::Cancelled)? {
                Ok(row) => table.push(recording, row),
                Err(reason) => table.drop(recording, &reason),
            }
        }
        table.finish(set)
    }

    /// What each row is called in tables: its file, with the part of it where it is one.
    pub fn ids(&self) -> Vec<String> {
        self.recordings.iter().map(id).collect()
    }
}

/// A recording's name in tables: its file, and behind `#` the seconds where it begins and ends if it is a part.
pub(crate) fn id(recording: &Recording) -> String {
    let file = recording.file.to_string_lossy().replace('\\', "/");
    let seconds = |time: Option<f64>| time.map_or_else(String::new, |time| time.to_string());
    match (recording.start, recording.end) {
        (None, None) => file,
        (start, end) => format!("{file}#{}-{}", seconds(start), seconds(end)),
    }
}

struct Row {
    values: Vec<f32>,
    content: String,
    sample_rate: u32,
}

impl Row {
    fn compute(
        root: &Path,
        recording: &Recording,
        sample_rate: Option<u32>,
        extractors: &Extractors,
    ) -> Result<Self, RecordingError> {
        let heard = hear(&root.join(&recording.file), recording.start, recording.end)?;
        let content = content_hash(&heard);
        let waveform = match sample_rate {
            Some(rate) => at_rate(heard, rate)?,
            None => heard,
        };
        Ok(Self { values: extractors.extract(&waveform)?, content, sample_rate: waveform.sample_rate() })
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
    values: Vec<Vec<f32>>,
    recordings: Vec<Recording>,
    content: Vec<String>,
    dropped: Vec<Dropped>,
    sample_rate: Option<u32>,
}

impl Collected {
    fn push(&mut self, recording: &Recording, row: Row) {
        self.sample_rate.get_or_insert(row.sample_rate);
        self.recordings.push(recording.clone());
        self.content.push(row.content);
        self.values.push(row.values);
    }

    fn drop(&mut self, recording: &Recording, reason: &RecordingError) {
        self.dropped.push(Dropped { file: recording.file.clone(), reason: reason.to_string() });
    }

    fn finish(self, set: &FeatureSet) -> Result<FeatureTable, Error> {
        let Some(sample_rate) = self.sample_rate else {
            return Err(nothing_usable(&self.dropped));
        };
        Ok(FeatureTable {
            columns: set.columns(sample_rate)?,
            features: Matrix::from_rows(&self.values)?,
            recordings: self.recordings,
            content: self.content,
            dropped: self.dropped,
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
