//! The waveform: what every other part of the project works on.

use crate::error::AudioError;

/// The lowest sample rate in hertz. Below it there is no speech: the first formant alone needs more.
pub const MIN_SAMPLE_RATE: u32 = 1_000;

/// The highest sample rate in hertz, the fastest that converters record (768 kHz). Headers that claim more are broken.
pub const MAX_SAMPLE_RATE: u32 = 768_000;

/// Mono sound: samples at a fixed rate.
///
/// Full scale is ±1. Float files and resampling may exceed it a little; every sample is a finite number, and the rate
/// lies within [`MIN_SAMPLE_RATE`]`..=`[`MAX_SAMPLE_RATE`] hertz. A waveform may be empty (a trimmed silence is), though
/// decoding never gives an empty one.
///
/// ```
/// use stimmung_audio::Waveform;
///
/// let wave = Waveform::new(vec![0.0, 0.5, -0.5, 0.25], 16_000)?;
/// assert_eq!(wave.len(), 4);
/// assert_eq!(wave.seconds(), 0.00025);
/// # Ok::<(), stimmung_audio::AudioError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Waveform {
    samples: Vec<f32>,
    sample_rate: u32,
}

impl Waveform {
    /// Takes samples, nominally within ±1, recorded at `sample_rate` hertz.
    ///
    /// # Errors
    ///
    /// [`AudioError::SampleRate`] outside the allowed rates; [`AudioError::NonFinite`] with the position of the first
    /// sample that is NaN or infinite.
    pub fn new(samples: Vec<f32>, sample_rate: u32) -> Result<Self, AudioError> {
        check_sample_rate(sample_rate)?;
        check_finite(&samples, 0, sample_rate)?;
        Ok(Self { samples, sample_rate })
    }

    /// For samples that this crate has checked already.
    pub(crate) fn from_checked(samples: Vec<f32>, sample_rate: u32) -> Self {
        Self { samples, sample_rate }
    }

    /// The samples, nominally within ±1.
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// The samples, without copying them.
    pub fn into_samples(self) -> Vec<f32> {
        self.samples
    }

    /// Samples a second, in hertz.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// The length in seconds.
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.sample_rate)
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }
}

pub(crate) fn check_sample_rate(rate: u32) -> Result<(), AudioError> {
    if (MIN_SAMPLE_RATE..=MAX_SAMPLE_RATE).contains(&rate) { Ok(()) } else { Err(AudioError::SampleRate { rate }) }
}

/// Refuses NaN and infinity; `offset` is the position of the first of these samples in the whole recording.
pub(crate) fn check_finite(samples: &[f32], offset: u64, sample_rate: u32) -> Result<(), AudioError> {
    match samples.iter().position(|sample| !sample.is_finite()) {
        None => Ok(()),
        Some(position) => {
            let index = offset + position as u64;
            Err(AudioError::NonFinite { index, second: Some(index as f64 / f64::from(sample_rate)) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_waveform_is_allowed() {
        let wave = Waveform::new(Vec::new(), 16_000).unwrap();
        assert!(wave.is_empty());
        assert_eq!((wave.len(), wave.seconds()), (0, 0.0));
    }

    #[test]
    fn rates_are_limited_at_both_ends() {
        for rate in [0, MIN_SAMPLE_RATE - 1, MAX_SAMPLE_RATE + 1, 1_000_000_000, u32::MAX] {
            let error = Waveform::new(vec![0.0], rate).unwrap_err();
            assert!(matches!(error, AudioError::SampleRate { rate: r } if r == rate), "{error}");
            assert!(error.to_string().contains(&rate.to_string()), "{error}");
        }
        for rate in [MIN_SAMPLE_RATE, 11_025, MAX_SAMPLE_RATE] {
            assert!(Waveform::new(vec![0.0], rate).is_ok());
        }
    }

    #[test]
    fn the_first_sample_that_is_no_number_is_named() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut samples = vec![0.25; 40];
            samples[20] = bad;
            samples[30] = bad;
            let error = Waveform::new(samples, 10_000).unwrap_err();
            assert_eq!(error.to_string(), "sample 20 (at 0.002 s) is not a finite number");
        }
    }

    #[test]
    fn samples_beyond_full_scale_are_kept() {
        let samples = vec![-2.5, f32::MAX, f32::MIN_POSITIVE];
        assert_eq!(Waveform::new(samples.clone(), 8_000).unwrap().into_samples(), samples);
    }
}
