//! Tables of features of any size: rows that go out as they come, and are kept for the next time.

mod cache;
mod listen;
mod rows;

use rayon::prelude::*;
use stimmung_corpus::{Dropped, Manifest, Recording};
use stimmung_features::{FeatureSet, FrameTimes, Level};

use crate::listen::Extractors;
use crate::table::{CHUNK, id, nothing_usable};
use crate::{Error, Progress, RecordingError};

pub use cache::{Cleared, FeatureCache};
use rows::Rows;

/// What is computed of recordings, as they are: for tables, and for looking at features. What models learn from is a
/// [`FeatureTable`](crate::FeatureTable).
///
/// Rows are handed on recording by recording, and memory does not grow with their number: what a recording gives waits in a
/// temporary file where it is much. Sets that stream ([`FeatureSet::streams`]) take recordings of any length, others of at most ten minutes.
#[derive(Debug)]
pub struct Extraction {
    /// The set.
    pub features: FeatureSet,
    /// Its descriptors, a row a frame, or its functionals, a row a recording.
    pub level: Level,
    /// Hertz to which every recording is resampled; `None` describes each at its own rate.
    pub sample_rate: Option<u32>,
    /// Where rows are kept for the next time; `None` computes everything anew.
    pub cache: Option<FeatureCache>,
}

/// A row of features.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The recording.
    pub recording: &'a Recording,
    /// What it is called in tables, see [`recording_id`](crate::recording_id).
    pub id: &'a str,
    /// Where the frame begins and ends in the file, in seconds; of descriptors only.
    pub span: Option<(f64, f64)>,
    /// The values, in the order of the columns.
    pub values: &'a [f32],
}

/// Takes the rows of a table.
pub trait RowSink {
    /// Begins the table with the names of its columns. Called once, before the first row.
    ///
    /// # Errors
    /// Whatever stands in the way of writing; the extraction ends with it.
    fn begin(&mut self, columns: &[String]) -> Result<(), Error>;

    /// Takes a row. Those of a recording come one after the other, recordings in the order of the manifest.
    ///
    /// # Errors
    /// As [`RowSink::begin`].
    fn row(&mut self, row: &Row<'_>) -> Result<(), Error>;
}

/// What became of an extraction.
#[derive(Debug, Default)]
pub struct Extracted {
    /// Recordings that are in the table.
    pub recordings: usize,
    /// Rows.
    pub rows: u64,
    /// Columns.
    pub columns: usize,
    /// Recordings whose rows were kept from an earlier time.
    pub cached: usize,
    /// What was left out and why, those of the manifest first.
    pub dropped: Vec<Dropped>,
    /// Why rows could not be kept for the next time, the first time that happened.
    pub not_kept: Option<String>,
}

/// What came of one recording.
enum Heard {
    /// Its rows, and whether they were kept from an earlier time.
    Rows(Rows, bool),
    Unusable(RecordingError),
    /// Something is wrong with the machine.
    Failed(Error),
    Cancelled,
}

/// The first usable recording decides what all rows have in common.
struct Layout {
    columns: usize,
    sample_rate: u32,
}

impl Extraction {
    /// Hands the rows of all recordings to `sink`. They are computed in parallel; the result does not depend on the number of threads,
    /// nor on what was kept.
    ///
    /// Recordings that cannot be used are left out and listed, never fatal. What was computed before an error or a cancellation is kept.
    ///
    /// # Errors
    /// [`Error::NothingUsable`] if no recording is left, [`Error::Cancelled`], errors of the set's parameters, [`Error::Io`] where waiting rows
    /// cannot be written, and errors of the sink.
    pub fn run(
        &self,
        manifest: &Manifest,
        sink: &mut dyn RowSink,
        progress: &dyn Progress,
    ) -> Result<Extracted, Error> {
        self.features.check()?;
        if self.level == Level::Descriptors {
            self.features.descriptor_names()?;
        }
        progress.begin("extracting features", manifest.recordings.len() as u64);
        let result = self.run_all(manifest, sink, progress);
        progress.end();
        result
    }

    fn run_all(
        &self,
        manifest: &Manifest,
        sink: &mut dyn RowSink,
        progress: &dyn Progress,
    ) -> Result<Extracted, Error> {
        let extractors = Extractors::new(self.features.clone());
        let mut extracted = Extracted { dropped: manifest.dropped.clone(), ..Extracted::default() };
        let mut layout = None;
        for recordings in manifest.recordings.chunks(CHUNK) {
            let listen = |recording: &Recording| {
                let heard = self.listen(manifest, recording, &extractors, progress);
                progress.advance(1);
                heard
            };
            let heard: Vec<Heard> = recordings.par_iter().map(listen).collect();
            for (recording, heard) in recordings.iter().zip(heard) {
                match heard {
                    Heard::Rows(rows, cached) => {
                        extracted.cached += usize::from(cached);
                        self.hand_on(recording, rows, &mut layout, sink, &mut extracted)?;
                    }
                    Heard::Unusable(reason) => extracted.leave_out(recording, reason.to_string()),
                    Heard::Failed(error) => return Err(error),
                    Heard::Cancelled => return Err(Error::Cancelled),
                }
            }
        }
        extracted.not_kept = self.cache.as_ref().and_then(FeatureCache::trouble);
        if extracted.recordings == 0 {
            return Err(nothing_usable(&extracted.dropped));
        }
        Ok(extracted)
    }

    /// Hands the rows of one recording on.
    fn hand_on(
        &self,
        recording: &Recording,
        mut rows: Rows,
        layout: &mut Option<Layout>,
        sink: &mut dyn RowSink,
        extracted: &mut Extracted,
    ) -> Result<(), Error> {
        let rate = rows.sample_rate;
        let layout = match layout {
            Some(layout) => layout,
            none => {
                let columns = self.features.columns_of(self.level, rate)?;
                sink.begin(&columns)?;
                extracted.columns = columns.len();
                none.insert(Layout { columns: columns.len(), sample_rate: rate })
            }
        };
        if rows.columns != layout.columns {
            let (columns, first) = (layout.columns, layout.sample_rate);
            let reason = format!(
                "at its {rate} Hz it has {} values a row, and the first recording, of {first} Hz, has {columns}; \
                 describe all at one rate with `--sample-rate {first}`",
                rows.columns
            );
            extracted.leave_out(recording, reason);
            return Ok(());
        }
        let times = match self.level {
            Level::Descriptors => Some(self.features.frame_times(rate)?),
            Level::Functionals => None,
        };
        let name = id(recording);
        let samples = rows.samples;
        let start = recording.start.unwrap_or(0.0);
        let mut frame = 0;
        rows.for_each(|values| {
            let span = times.map(|times| span(times, frame, samples, start));
            frame += 1;
            sink.row(&Row { recording, id: &name, span, values })
        })?;
        extracted.recordings += 1;
        extracted.rows += frame;
        Ok(())
    }
}

/// Where a frame lies in the file of a recording that begins at `start` in it. Counted in samples, so that times are as short as they can be.
fn span(times: FrameTimes, frame: u64, samples: u64, start: f64) -> (f64, f64) {
    let (from, to) = times.span(frame, samples);
    let rate = f64::from(times.sample_rate);
    let shifted = |seconds: f64| ((seconds * rate).round() + (start * rate).round()) / rate;
    (shifted(from), shifted(to))
}

impl Extracted {
    fn leave_out(&mut self, recording: &Recording, reason: String) {
        self.dropped.push(Dropped { file: recording.file.clone(), reason });
    }
}

#[cfg(test)]
mod tests;
