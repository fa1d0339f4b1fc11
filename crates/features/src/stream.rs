//! Rows of features from samples that come a block at a time.

use crate::error::{FeatureError, check_range, check_samples};
use crate::extract::{Extractor, Work};
use crate::level::Level;

/// The rows of one recording whose samples come a block at a time: the same values, however they are cut into blocks.
///
/// Where [`FeatureSet::streams`](crate::FeatureSet::streams), descriptors take memory that does not grow, and leave with the block that completes
/// them: a row of `egemaps-v02` 460 ms after its frame has begun at the latest, one of `compare-2016` 380 ms. Functionals need all descriptors at
/// once. Those of `egemaps-v02` stay in memory, some 10 kB a second of sound; those of `compare-2016` wait in an unnamed temporary file after the
/// first 5½ minutes, 26 kB a second, and are read one by one in the end, which takes some 8 kB of memory a second of sound. Other
/// sets gather the samples.
///
/// ```
/// use stimmung_features::{FeatureSet, Level};
///
/// let tone: Vec<f32> = (0..16_000).map(|n| (n as f32 * 0.1).sin()).collect();
/// let mut extractor = FeatureSet::by_name("egemaps-v02")?.extractor(16_000)?;
/// let whole = extractor.extract_samples(&tone)?;
///
/// let mut stream = extractor.stream(Level::Functionals)?;
/// let mut rows = Vec::new();
/// for block in tone.chunks(1000) {
///     stream.push(block, &mut rows)?;
/// }
/// stream.finish(&mut rows)?;
/// assert_eq!(rows, whole);
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
#[derive(Debug)]
pub struct RowStream<'a> {
    extractor: &'a mut Extractor,
    level: Level,
    taken: usize,
    gathered: Vec<f32>,
}

impl Extractor {
    /// Begins a recording at [`Extractor::sample_rate`] that comes a block at a time.
    ///
    /// # Errors
    /// [`FeatureError::NoDescriptors`] where the set has none and they are asked for.
    pub fn stream(&mut self, level: Level) -> Result<RowStream<'_>, FeatureError> {
        if level == Level::Descriptors {
            self.set().descriptor_names()?;
        }
        match &mut self.work {
            Work::Egemaps(work) => work.begin(level),
            Work::Compare(work) => work.begin(level),
            _ => {}
        }
        Ok(RowStream { extractor: self, level, taken: 0, gathered: Vec::new() })
    }
}

impl RowStream<'_> {
    /// Takes the next samples, and appends the rows that are complete to `rows`, one after the other.
    ///
    /// # Errors
    /// [`FeatureError::Sample`], with the place in the recording, where a sample is not finite or beyond [`crate::LARGEST_SAMPLE`];
    /// [`FeatureError::TemporaryFile`] where the descriptors of a long recording cannot wait.
    pub fn push(&mut self, samples: &[f32], rows: &mut Vec<f32>) -> Result<(), FeatureError> {
        check_range(samples).map_err(|error| match error {
            FeatureError::Sample { index, value, limit } => {
                FeatureError::Sample { index: self.taken + index, value, limit }
            }
            other => other,
        })?;
        self.taken += samples.len();
        match &mut self.extractor.work {
            Work::Egemaps(work) => {
                work.push(samples);
                if self.level == Level::Descriptors {
                    work.take_descriptors(rows);
                }
            }
            Work::Compare(work) => work.push(samples, rows)?,
            _ => self.gathered.extend_from_slice(samples),
        }
        Ok(())
    }

    /// Ends the recording, and appends the rows that are left.
    ///
    /// # Errors
    /// [`FeatureError::TooShort`] without samples; [`FeatureError::TemporaryFile`] where descriptors that waited cannot be read.
    pub fn finish(self, rows: &mut Vec<f32>) -> Result<(), FeatureError> {
        let Self { extractor, level, taken, gathered } = self;
        if taken == 0 {
            return check_samples(&[]);
        }
        match (&mut extractor.work, level) {
            (Work::Egemaps(work), level) => work.finish(level, rows),
            (Work::Compare(work), _) => work.finish(rows)?,
            (_, Level::Functionals) => rows.extend(extractor.extract_samples(&gathered)?),
            (_, Level::Descriptors) => rows.extend(extractor.descriptors(&gathered)?.into_values()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FeatureSet;

    fn voice(samples: usize) -> Vec<f32> {
        let mut state = 5_u32;
        (0..samples)
            .map(|n| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = state as f32 / u32::MAX as f32 - 0.5;
                let t = n as f32 / 16_000.0;
                let phase = std::f32::consts::TAU * (130.0 * t + 4.0 * (2.0 * t).sin());
                let voice: f32 = (1..20).map(|h| (h as f32 * phase).sin() / h as f32).sum();
                0.2 * voice * (4.0 * t).sin().max(0.0) + 0.01 * noise
            })
            .collect()
    }

    fn streamed(extractor: &mut Extractor, level: Level, samples: &[f32], block: usize) -> Vec<f32> {
        let mut rows = Vec::new();
        let mut stream = extractor.stream(level).unwrap();
        for block in samples.chunks(block) {
            stream.push(block, &mut rows).unwrap();
        }
        stream.finish(&mut rows).unwrap();
        rows
    }

    #[test]
    fn rows_do_not_depend_on_the_cutting() {
        // Long enough that samples and rows are let go of several times.
        let lengths = [1, 319, 320, 500, 959, 960, 961, 1279, 1280, 1440, 90_000];
        for (name, lengths) in [("egemaps-v02", &lengths[..]), ("compare-2016", &lengths), ("mfcc", &[1, 9000])] {
            let mut extractor = FeatureSet::by_name(name).unwrap().extractor(16_000).unwrap();
            for &length in lengths {
                let signal = voice(length);
                let functionals = extractor.extract_samples(&signal).unwrap();
                let descriptors = extractor.descriptors(&signal).unwrap().into_values();
                for block in [1, 333, 7001, 100_000].into_iter().filter(|block| length < 20_000 || *block > 1) {
                    let context = format!("{name} {length} {block}");
                    assert_eq!(streamed(&mut extractor, Level::Functionals, &signal, block), functionals, "{context}");
                    assert_eq!(streamed(&mut extractor, Level::Descriptors, &signal, block), descriptors, "{context}");
                }
            }
        }
    }

    #[test]
    fn functionals_of_long_recordings_do_not_depend_on_the_cutting() {
        // A block goes to the file, and some frames do not. At this rate they take the least time.
        let signal = voice(8000 * 330);
        let mut extractor = FeatureSet::Compare2016.extractor(8000).unwrap();
        let whole = extractor.extract_samples(&signal).unwrap();
        assert!(streamed(&mut extractor, Level::Functionals, &signal, 100_003) == whole);
        // What was in the file is gone.
        let short = extractor.extract_samples(&signal[..9000]).unwrap();
        assert!(FeatureSet::Compare2016.extractor(8000).unwrap().extract_samples(&signal[..9000]).unwrap() == short);
    }

    #[test]
    fn samples_and_rows_are_let_go_of() {
        // Rows that were taken early are those of a recording that is described at its end, 50 s later.
        let signal = voice(800_000);
        // 50 ms until the frame of 60 ms is over, one less than 40 or 30 frames until the fundamental is decided, and those that smooth the last one
        // and tell how it changes.
        for (set, latest) in [(FeatureSet::Egemaps, 5 + 39 + 1), (FeatureSet::Compare2016, 5 + 29 + 3)] {
            let mut extractor = set.extractor(16_000).unwrap();
            assert!(set.streams());
            let columns = set.descriptor_names().unwrap().len();
            let mut rows = Vec::new();
            let mut stream = extractor.stream(Level::Descriptors).unwrap();
            let mut late = 0;
            for (block, samples) in signal.chunks(160).enumerate() {
                stream.push(samples, &mut rows).unwrap();
                late = late.max(block + 1 - rows.len() / columns);
            }
            stream.finish(&mut rows).unwrap();
            assert!(late <= latest, "{}: {late}", set.name());
            assert_eq!(rows, extractor.descriptors(&signal).unwrap().into_values());
        }
    }

    #[test]
    fn what_cannot_be_described_is_refused() {
        let mut extractor = FeatureSet::Egemaps.extractor(16_000).unwrap();
        let mut rows = Vec::new();
        let mut stream = extractor.stream(Level::Descriptors).unwrap();
        stream.push(&[0.0; 100], &mut rows).unwrap();
        let error = stream.push(&[0.0, f32::NAN], &mut rows).unwrap_err();
        assert!(matches!(error, FeatureError::Sample { index: 101, .. }), "{error}");
        let stream = extractor.stream(Level::Functionals).unwrap();
        assert!(matches!(stream.finish(&mut rows), Err(FeatureError::TooShort { .. })));
        let mut issa = FeatureSet::by_name("issa-50-80-50").unwrap().extractor(16_000).unwrap();
        assert!(matches!(issa.stream(Level::Descriptors), Err(FeatureError::NoDescriptors { .. })));
    }
}
