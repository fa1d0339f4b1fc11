//! Effects on the place and the level of samples alone.

use std::ops::RangeInclusive;

use crate::error::{AudioError, check_range};
use crate::waveform::Waveform;

/// Delays in seconds.
pub(super) const SECONDS: RangeInclusive<f64> = -60.0..=60.0;

/// Delays in samples.
pub(super) const SAMPLES: RangeInclusive<f64> = -1e7..=1e7;

/// Gains in decibels.
pub(super) const GAINS: RangeInclusive<f64> = -120.0..=120.0;

impl Waveform {
    /// The sound so many samples later: silence comes in front, the length is kept, and what is pushed over the end is
    /// lost. A negative number makes it earlier, with silence at the end.
    ///
    /// ```
    /// use stimmung_audio::Waveform;
    ///
    /// let wave = Waveform::new(vec![0.1, 0.2, 0.3], 16_000)?;
    /// assert_eq!(wave.delay(1).samples(), [0.0, 0.1, 0.2]);
    /// assert_eq!(wave.delay(-1).samples(), [0.2, 0.3, 0.0]);
    /// # Ok::<(), stimmung_audio::AudioError>(())
    /// ```
    #[must_use]
    pub fn delay(&self, samples: i64) -> Self {
        let by = usize::try_from(samples.unsigned_abs()).unwrap_or(usize::MAX).min(self.len());
        let mut moved = vec![0.0; self.len()];
        if samples < 0 {
            moved[..self.len() - by].copy_from_slice(&self.samples()[by..]);
        } else {
            moved[by..].copy_from_slice(&self.samples()[..self.len() - by]);
        }
        Self::from_checked(moved, self.sample_rate())
    }

    /// The sound `decibels` louder, −120 to 120: x · 10^(`decibels`/20). Samples may exceed ±1 and are kept.
    ///
    /// ```
    /// use stimmung_audio::Waveform;
    ///
    /// let wave = Waveform::new(vec![0.5, -1.0], 16_000)?;
    /// assert_eq!(wave.gain(20.0)?.samples(), [5.0, -10.0]);
    /// # Ok::<(), stimmung_audio::AudioError>(())
    /// ```
    ///
    /// # Errors
    /// [`AudioError::Parameter`] for a gain outside its range; [`AudioError::NonFinite`] where a sample becomes larger than
    /// the largest float.
    pub fn gain(&self, decibels: f64) -> Result<Self, AudioError> {
        check_range("db", decibels, &GAINS)?;
        let factor = libm::exp10(decibels / 20.0);
        Self::new(self.samples().iter().map(|s| (f64::from(*s) * factor) as f32).collect(), self.sample_rate())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wave(len: usize) -> Waveform {
        Waveform::new((1..=len).map(|n| n as f32).collect(), 16_000).unwrap()
    }

    #[test]
    fn delays_beyond_the_end_leave_silence() {
        for samples in [3, 4, i64::MAX, -3, -4, i64::MIN] {
            assert_eq!(wave(3).delay(samples).samples(), [0.0; 3]);
            assert!(wave(0).delay(samples).is_empty());
        }
        assert_eq!(wave(3).delay(0), wave(3));
    }

    #[test]
    fn gains_out_of_range_and_overflow_are_errors() {
        for decibels in [-120.1, 120.1, f64::NAN] {
            assert!(matches!(wave(1).gain(decibels), Err(AudioError::Parameter { name: "db", .. })));
        }
        let huge = Waveform::new(vec![f32::MAX], 16_000).unwrap();
        assert!(matches!(huge.gain(1.0), Err(AudioError::NonFinite { index: 0, .. })));
        assert_eq!(huge.gain(0.0).unwrap(), huge);
    }

    proptest! {
        #[test]
        fn later_and_earlier_again_loses_only_the_ends(len in 0_usize..100, by in 0_u16..120) {
            let back = wave(len).delay(by.into()).delay(-i64::from(by));
            let kept = len.saturating_sub(by.into());
            prop_assert_eq!(&back.samples()[..kept], &(1..=kept).map(|n| n as f32).collect::<Vec<f32>>());
            prop_assert!(back.samples()[kept..].iter().all(|sample| *sample == 0.0));
        }

        #[test]
        fn six_decibels_are_twice(decibels in -100.0..100.0_f64) {
            let once = wave(5).gain(decibels).unwrap();
            let twice = wave(5).gain(decibels + 20.0 * 2_f64.log10()).unwrap();
            for (once, twice) in once.samples().iter().zip(twice.samples()) {
                prop_assert!((2.0 * once / twice - 1.0).abs() < 1e-6);
            }
        }
    }
}
