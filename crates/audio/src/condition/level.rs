//! Scaling to a level.

use std::ops::RangeInclusive;

use crate::error::{AudioError, check_range};
use crate::waveform::Waveform;

/// Levels that may be asked for, in decibels re full scale.
pub(super) const LEVELS: RangeInclusive<f64> = -100.0..=20.0;

impl Waveform {
    /// The sound scaled so that its largest sample is `level` decibels re full scale (0: exactly ±1), −100 to 20.
    ///
    /// Silence stays as it is.
    ///
    /// ```
    /// use stimmung_audio::Waveform;
    ///
    /// let wave = Waveform::new(vec![0.1, -0.25, 0.05], 16_000)?;
    /// assert_eq!(wave.normalise_peak(0.0)?.samples(), [0.4, -1.0, 0.2]);
    /// # Ok::<(), stimmung_audio::AudioError>(())
    /// ```
    ///
    /// # Errors
    /// [`AudioError::Parameter`] for a level outside its range.
    pub fn normalise_peak(&self, level: f64) -> Result<Self, AudioError> {
        check_range("level", level, &LEVELS)?;
        Ok(self.scaled_from(f64::from(self.peak()), level))
    }

    /// The sound scaled so that its root mean square is `level` decibels re full scale, −100 to 20; a sine at full scale
    /// has −3.
    ///
    /// Peaks may exceed ±1 and are kept: nothing is clipped before a file of integers is written. Silence stays as it is.
    ///
    /// ```
    /// use stimmung_audio::Waveform;
    ///
    /// let wave = Waveform::new(vec![0.5, -0.5, 0.5, -0.5], 16_000)?;
    /// assert!((wave.normalise_rms(-20.0)?.samples()[0] - 0.1).abs() < 1e-7);
    /// # Ok::<(), stimmung_audio::AudioError>(())
    /// ```
    ///
    /// # Errors
    /// [`AudioError::Parameter`] for a level outside its range.
    pub fn normalise_rms(&self, level: f64) -> Result<Self, AudioError> {
        check_range("level", level, &LEVELS)?;
        Ok(self.scaled_from(self.rms(), level))
    }

    /// The largest magnitude of a sample; 0 for an empty waveform.
    pub fn peak(&self) -> f32 {
        self.samples().iter().fold(0.0, |peak, sample| sample.abs().max(peak))
    }

    /// The root mean square of the samples; 0 for an empty waveform.
    pub fn rms(&self) -> f64 {
        let power: f64 = self.samples().iter().map(|sample| f64::from(*sample).powi(2)).sum();
        if power > 0.0 { (power / self.len() as f64).sqrt() } else { 0.0 }
    }

    /// Scales what is at `now` (full scale 1) to `level` decibels.
    fn scaled_from(&self, now: f64, level: f64) -> Self {
        if now == 0.0 {
            return self.clone();
        }
        let target = libm::exp10(level / 20.0);
        // Divided before it is multiplied: the quotient of the largest sample and itself is exactly one. The root mean
        // square of n samples is at least the largest over √n, so even a single click stays far from the largest float.
        let scale = |sample: &f32| (f64::from(*sample) / now * target) as f32;
        Self::from_checked(self.samples().iter().map(scale).collect(), self.sample_rate())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wave(samples: Vec<f32>) -> Waveform {
        Waveform::new(samples, 16_000).unwrap()
    }

    #[test]
    fn silence_and_nothing_stay() {
        for samples in [vec![], vec![0.0; 10], vec![-0.0]] {
            assert_eq!(wave(samples.clone()).normalise_peak(0.0).unwrap().samples(), samples);
            assert_eq!(wave(samples.clone()).normalise_rms(-20.0).unwrap().samples(), samples);
            assert_eq!((wave(samples.clone()).peak(), wave(samples).rms()), (0.0, 0.0));
        }
    }

    #[test]
    fn the_smallest_and_the_largest_floats_are_scaled_too() {
        for value in [f32::from_bits(1), 1e-30, 1.0, f32::MAX] {
            let samples = vec![0.0, value, -value];
            assert_eq!(wave(samples.clone()).normalise_peak(0.0).unwrap().samples(), [0.0, 1.0, -1.0]);
            assert!((wave(samples).normalise_rms(0.0).unwrap().rms() - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn levels_out_of_range_are_refused() {
        for level in [-100.1, 20.1, f64::NAN, f64::INFINITY] {
            assert!(matches!(wave(vec![0.5]).normalise_peak(level), Err(AudioError::Parameter { name: "level", .. })));
            assert!(matches!(wave(vec![0.5]).normalise_rms(level), Err(AudioError::Parameter { name: "level", .. })));
        }
    }

    proptest! {
        #[test]
        fn the_level_is_reached_whatever_the_gain(
            samples in proptest::collection::vec(-1.0_f32..1.0, 1..200), gain in 1e-6_f32..1e6, level in -60.0..10.0_f64,
        ) {
            prop_assume!(samples.iter().any(|sample| sample.abs() > 1e-3));
            let wave = wave(samples.iter().map(|sample| sample * gain).collect());
            let target = 10_f64.powf(level / 20.0);
            prop_assert!((f64::from(wave.normalise_peak(level).unwrap().peak()) / target - 1.0).abs() < 1e-6);
            prop_assert!((wave.normalise_rms(level).unwrap().rms() / target - 1.0).abs() < 1e-6);
        }
    }
}
