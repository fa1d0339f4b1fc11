//! From a file to features: what every command hears, and what it refuses to hear.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use stimmung_audio::{AudioError, ConditioningParams, SegmentParams, Waveform, decode_path};
use stimmung_corpus::{Manifest, Recording};
use stimmung_features::{Extractor, FeatureError, FeatureSet};

use crate::error::RecordingError;

/// Seconds that a recording must last. A shorter one fills not even one analysis window of the named sets at 16 kHz
/// (2048 samples, 128 ms), so its description would be that of the padding.
pub const MIN_SECONDS: f64 = 0.1;

/// Decodes a recording of a corpus, at the rate of its file: the part of it that the manifest names.
///
/// # Errors
/// [`RecordingError`] for a file that does not decode, for a part outside it, and for what is silent or shorter than
/// [`MIN_SECONDS`].
pub fn hear(manifest: &Manifest, recording: &Recording) -> Result<Waveform, RecordingError> {
    let whole = decode_path(manifest.path(recording))?;
    let (start, end) = (recording.start, recording.end);
    let part = if start.is_none() && end.is_none() { whole } else { cut(&whole, start, end)? };
    check_audible(&part)?;
    Ok(part)
}

/// Refuses recordings that are too short or silent.
///
/// # Errors
/// [`RecordingError::TooShort`] below [`MIN_SECONDS`], [`RecordingError::Silent`] where all samples are equal.
pub fn check_audible(waveform: &Waveform) -> Result<(), RecordingError> {
    let (samples, seconds) = (waveform.samples(), waveform.seconds());
    if seconds < MIN_SECONDS {
        return Err(RecordingError::TooShort { samples: samples.len(), seconds, minimum: MIN_SECONDS });
    }
    if is_silent(samples) {
        return Err(RecordingError::Silent { samples: samples.len() });
    }
    Ok(())
}

/// A constant offset is no sound either.
pub(crate) fn is_silent(samples: &[f32]) -> bool {
    samples.iter().all(|&sample| sample == samples[0])
}

/// Where a recording begins and ends in its file of so many seconds.
pub(crate) fn part(recording: &Recording, seconds: f64) -> Result<(f64, f64), RecordingError> {
    bounds(recording.start, recording.end, seconds)
}

fn bounds(start: Option<f64>, end: Option<f64>, seconds: f64) -> Result<(f64, f64), RecordingError> {
    if start.is_none() && end.is_none() {
        return Ok((0.0, seconds));
    }
    let (start, end) = (start.unwrap_or(0.0), end.unwrap_or(seconds));
    // Tables round times to milliseconds; a part that ends that much late ends with the file.
    if start >= 0.0 && start < end && end <= seconds + 1e-3 {
        Ok((start, end))
    } else {
        Err(RecordingError::OutOfRange { start, end, seconds })
    }
}

fn cut(whole: &Waveform, start: Option<f64>, end: Option<f64>) -> Result<Waveform, RecordingError> {
    let (start, end) = bounds(start, end, whole.seconds())?;
    let rate = f64::from(whole.sample_rate());
    let index = |time: f64| ((time * rate).round() as usize).min(whole.len());
    Ok(Waveform::new(whole.samples()[index(start)..index(end)].to_vec(), whole.sample_rate())?)
}

/// Resamples only where it changes something, without copying where it does not.
pub(crate) fn at_rate(waveform: Waveform, sample_rate: u32) -> Result<Waveform, AudioError> {
    if waveform.sample_rate() == sample_rate { Ok(waveform) } else { waveform.resample(sample_rate) }
}

/// What the features are computed from: the recording after conditioning.
pub(crate) fn condition(params: &ConditioningParams, waveform: Waveform) -> Result<Waveform, RecordingError> {
    if params.is_default() {
        return Ok(waveform);
    }
    let conditioned = params.apply(&waveform)?;
    check_audible(&conditioned)?;
    Ok(conditioned)
}

/// Describes recordings: the same for training and for answering. Shared between threads.
pub(crate) struct Ear {
    segments: Option<SegmentParams>,
    extractors: Extractors,
}

impl Ear {
    pub(crate) fn new(segments: Option<SegmentParams>, features: FeatureSet) -> Self {
        Self { segments, extractors: Extractors::new(features) }
    }

    /// A row of features for the conditioned recording, or for each of its pieces that holds a sound.
    pub(crate) fn describe(&self, conditioned: &Waveform) -> Result<Vec<Vec<f32>>, RecordingError> {
        let Some(segments) = self.segments else {
            return Ok(vec![self.extractors.extract(conditioned)?]);
        };
        let mut pieces = segments.segments(conditioned)?;
        if pieces.iter().any(|piece| !is_silent(piece.samples())) {
            pieces.retain(|piece| !is_silent(piece.samples()));
        }
        pieces.iter().map(|piece| Ok(self.extractors.extract(piece)?)).collect()
    }
}

/// Extractors that threads borrow: building one costs filter banks and FFT plans, so each is used again.
pub(crate) struct Extractors {
    set: FeatureSet,
    idle: Mutex<BTreeMap<u32, Vec<Extractor>>>,
}

impl Extractors {
    pub(crate) fn new(set: FeatureSet) -> Self {
        Self { set, idle: Mutex::default() }
    }

    fn extract(&self, waveform: &Waveform) -> Result<Vec<f32>, FeatureError> {
        self.with(waveform.sample_rate(), |extractor| extractor.extract(waveform))?
    }

    /// Lends an extractor for this rate.
    pub(crate) fn with<T>(&self, rate: u32, work: impl FnOnce(&mut Extractor) -> T) -> Result<T, FeatureError> {
        let idle = self.lock().get_mut(&rate).and_then(Vec::pop);
        let mut extractor = match idle {
            Some(extractor) => extractor,
            None => self.set.extractor(rate)?,
        };
        let done = work(&mut extractor);
        self.lock().entry(rate).or_default().push(extractor);
        Ok(done)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u32, Vec<Extractor>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> Waveform {
        Waveform::new((0..1000_u16).map(|n| f32::from(n) / 1000.0).collect(), 1000).unwrap()
    }

    #[test]
    fn a_part_is_cut_at_the_nearest_samples() {
        for (start, end, first, length) in [
            (Some(0.25), Some(0.5), 250, 250),
            (None, Some(0.1), 0, 100),
            (Some(0.9), None, 900, 100),
            (Some(0.1004), Some(0.2006), 100, 101),
            // A table's last digit may lie beyond the end.
            (Some(0.5), Some(1.0009), 500, 500),
        ] {
            let part = cut(&ramp(), start, end).unwrap();
            assert_eq!(part.samples(), &ramp().samples()[first..first + length], "{start:?} {end:?}");
            assert_eq!(part.sample_rate(), 1000);
        }
    }

    #[test]
    fn parts_outside_the_recording_are_refused() {
        for (start, end) in [
            (Some(-0.1), None),
            (Some(0.5), Some(0.5)),
            (Some(0.6), Some(0.5)),
            (None, Some(1.1)),
            (Some(1.5), None),
            (Some(f64::NAN), None),
            (None, Some(f64::INFINITY)),
        ] {
            let error = cut(&ramp(), start, end).unwrap_err();
            assert!(matches!(error, RecordingError::OutOfRange { seconds: 1.0, .. }), "{start:?} {end:?}: {error}");
        }
    }
}
