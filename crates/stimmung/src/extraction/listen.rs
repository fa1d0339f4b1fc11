//! From a recording to its rows, a block of samples at a time.

use std::path::Path;

use stimmung_audio::{AudioError, DecodeLimits, Stream, StreamResampler};
use stimmung_corpus::{Manifest, Recording};
use stimmung_features::{Extractor, FeatureError, RowStream};

use super::cache::key;
use super::rows::{RowWriter, Rows};
use super::{Extraction, Heard};
use crate::listen::{Extractors, MIN_SECONDS, part};
use crate::{Error, Progress, RecordingError};

/// Why there are no rows.
enum Trouble {
    Recording(RecordingError),
    /// Rows could not wait in a temporary file.
    Waiting(std::io::Error),
    Cancelled,
}

impl<E: Into<RecordingError>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Recording(error.into())
    }
}

impl Extraction {
    /// The rows of one recording: those that were kept, or else new ones, which are kept then.
    pub(super) fn listen(
        &self,
        manifest: &Manifest,
        recording: &Recording,
        extractors: &Extractors,
        progress: &dyn Progress,
    ) -> Heard {
        if progress.cancelled() {
            return Heard::Cancelled;
        }
        let path = manifest.path(recording);
        let place = self.cache.as_ref().and_then(|cache| Some((cache, key(self, recording, &path)?)));
        if let Some(rows) = place.as_ref().and_then(|(cache, key)| cache.get(key)) {
            return Heard::Rows(rows, true);
        }
        match self.describe(&path, recording, extractors, progress) {
            Ok(mut rows) => {
                if let Some((cache, key)) = &place {
                    cache.put(key, &mut rows);
                }
                Heard::Rows(rows, false)
            }
            // Not the recording is at fault, and the next long one would fare no better.
            Err(Trouble::Recording(RecordingError::Features(error @ FeatureError::TemporaryFile { .. }))) => {
                Heard::Failed(error.into())
            }
            Err(Trouble::Recording(error)) => Heard::Unusable(error),
            Err(Trouble::Waiting(error)) => Heard::Failed(Error::io(&std::env::temp_dir())(error)),
            Err(Trouble::Cancelled) => Heard::Cancelled,
        }
    }

    fn describe(
        &self,
        path: &Path,
        recording: &Recording,
        extractors: &Extractors,
        progress: &dyn Progress,
    ) -> Result<Rows, Trouble> {
        let mut stream = Stream::open(path)?;
        // What is gathered before it is described has a limit.
        let limits =
            if self.features.streams() { DecodeLimits { max_seconds: f64::INFINITY } } else { DecodeLimits::default() };
        limits.admit(stream.declared_seconds().unwrap_or(0.0))?;
        let source_rate = stream.sample_rate();
        let rate = self.sample_rate.unwrap_or(source_rate);
        let columns = self.features.columns_of(self.level, rate)?.len();
        let mut resampler = Some(StreamResampler::new(source_rate, rate)?);
        let mut writer = RowWriter::new(columns);
        let described = extractors.with(rate, |extractor| -> Result<u64, Trouble> {
            let mut rows = Described::new(extractor, self, &mut writer)?;
            let mut piece = Piece::new(recording, source_rate);
            let mut resampled = Vec::new();
            while let Some(block) = stream.next_block()? {
                if progress.cancelled() {
                    return Err(Trouble::Cancelled);
                }
                let block = piece.take(block);
                limits.admit(piece.position as f64 / f64::from(source_rate))?;
                resampled.clear();
                if let Some(resampler) = &mut resampler {
                    resampler.push(block, &mut resampled)?;
                }
                rows.push(&resampled)?;
            }
            piece.check(recording)?;
            resampled.clear();
            if let Some(resampler) = resampler.take() {
                resampler.finish(&mut resampled);
            }
            rows.push(&resampled)?;
            rows.finish()
        });
        let samples = described??;
        writer.finish(rate, samples).map_err(Trouble::Waiting)
    }
}

/// Samples on their way to rows on their way to a file.
struct Described<'a, 'w> {
    stream: RowStream<'a>,
    writer: &'w mut RowWriter,
    rows: Vec<f32>,
    samples: u64,
}

impl<'a, 'w> Described<'a, 'w> {
    fn new(extractor: &'a mut Extractor, of: &Extraction, writer: &'w mut RowWriter) -> Result<Self, Trouble> {
        Ok(Self { stream: extractor.stream(of.level)?, writer, rows: Vec::new(), samples: 0 })
    }

    fn push(&mut self, samples: &[f32]) -> Result<(), Trouble> {
        self.samples += samples.len() as u64;
        self.rows.clear();
        self.stream.push(samples, &mut self.rows)?;
        self.writer.push(&self.rows).map_err(Trouble::Waiting)
    }

    /// Returns how many samples there were.
    fn finish(mut self) -> Result<u64, Trouble> {
        self.rows.clear();
        self.stream.finish(&mut self.rows)?;
        self.writer.push(&self.rows).map_err(Trouble::Waiting)?;
        Ok(self.samples)
    }
}

/// The part of a file that a recording is, and whether there is something to hear in it.
struct Piece {
    rate: u32,
    /// Samples of the file from which on and up to which the part goes.
    from: u64,
    to: u64,
    /// Samples of the file so far, and of the part.
    position: u64,
    samples: u64,
    first: f32,
    constant: bool,
}

impl Piece {
    fn new(recording: &Recording, rate: u32) -> Self {
        let index = |seconds: f64| (seconds * f64::from(rate)).round() as u64;
        let (from, to) = (recording.start.map_or(0, index), recording.end.map_or(u64::MAX, index));
        Self { rate, from, to, position: 0, samples: 0, first: 0.0, constant: true }
    }

    /// What of the next samples of the file belongs to the part.
    fn take<'a>(&mut self, block: &'a [f32]) -> &'a [f32] {
        let inside = |at: u64| at.saturating_sub(self.position).min(block.len() as u64) as usize;
        let (from, to) = (inside(self.from), inside(self.to));
        let taken = &block[from..to.max(from)];
        self.position += block.len() as u64;
        if let (0, Some(first)) = (self.samples, taken.first()) {
            self.first = *first;
        }
        self.samples += taken.len() as u64;
        self.constant = self.constant && taken.iter().all(|sample| *sample == self.first);
        taken
    }

    /// Once the file is over: whether the part lies in it, and holds a sound. As [`hear`](crate::hear) has it.
    fn check(&self, recording: &Recording) -> Result<(), RecordingError> {
        if self.position == 0 {
            return Err(AudioError::Empty { what: "the file ends before the first sample" }.into());
        }
        let rate = f64::from(self.rate);
        part(recording, self.position as f64 / rate)?;
        let (samples, seconds) = (self.samples as usize, self.samples as f64 / rate);
        if seconds < MIN_SECONDS {
            return Err(RecordingError::TooShort { samples, seconds, minimum: MIN_SECONDS });
        }
        if self.constant {
            return Err(RecordingError::Silent { samples });
        }
        Ok(())
    }
}
