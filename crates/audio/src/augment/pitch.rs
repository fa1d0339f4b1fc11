//! Effects that move the pitch.

use std::ops::RangeInclusive;

use crate::error::{AudioError, check_range};
use crate::segment::Anchor;
use crate::waveform::Waveform;

/// Shifts of pitch in semitones.
pub(super) const SEMITONES: RangeInclusive<f64> = -24.0..=24.0;

/// Factors of speed.
pub(super) const SPEEDS: RangeInclusive<f64> = 0.1..=10.0;

impl Waveform {
    /// The sound so many `semitones` higher (−24 to 24) at the same tempo and in the same number of samples.
    ///
    /// Stretched in time to 2^(`semitones`/12) of its length by [`time_stretch`](Self::time_stretch), then resampled to the
    /// length it had, as `librosa.effects.pitch_shift` does. Formants move with the pitch, so a voice gets a smaller or a
    /// larger head. What a shift downwards leaves empty, the top of the spectrum, stays empty.
    ///
    /// Up to nine tenths of the lower of the two Nyquist frequencies the values agree with librosa's as closely as those of
    /// stretching do (0.0002 of the peak). Above, librosa's resampler fades out already and ours does not, which makes some
    /// hundredths on sharp sibilants.
    ///
    /// No semitones give a copy.
    ///
    /// ```
    /// use stimmung_audio::Waveform;
    ///
    /// let wave = Waveform::new((0..16_000).map(|n| (n as f32 * 0.1).sin()).collect(), 16_000)?;
    /// assert_eq!(wave.pitch_shift(4.0)?.len(), 16_000);
    /// # Ok::<(), stimmung_audio::AudioError>(())
    /// ```
    ///
    /// # Errors
    /// [`AudioError::Parameter`] for a shift outside its range; [`AudioError::NonFinite`] where samples near the largest
    /// float overflow.
    pub fn pitch_shift(&self, semitones: f64) -> Result<Self, AudioError> {
        check_range("semitones", semitones, &SEMITONES)?;
        if semitones == 0.0 {
            return Ok(self.clone());
        }
        let rate = libm::exp2(-semitones / 12.0);
        let stretched = self.time_stretch(rate)?;
        let len = (stretched.len() as f64 * rate).ceil() as usize;
        Ok(stretched.resample_by(rate, len)?.fit_length(self.len(), Anchor::Start))
    }

    /// The sound played `rate` times as fast (0.1 to 10), like a tape: tempo and pitch change together.
    ///
    /// It has ⌈len / `rate`⌉ samples. The filter is that of [`resample`](Self::resample): played faster, what would come to
    /// lie above half the sample rate is removed. The rate is that of a fraction close to it: within
    /// 0.013 %, and mostly within 0.00001 %.
    ///
    /// A rate of one gives a copy.
    ///
    /// ```
    /// use stimmung_audio::Waveform;
    ///
    /// let wave = Waveform::new(vec![0.5; 16_000], 16_000)?;
    /// assert_eq!(wave.change_speed(1.25)?.seconds(), 0.8);
    /// # Ok::<(), stimmung_audio::AudioError>(())
    /// ```
    ///
    /// # Errors
    /// [`AudioError::Parameter`] for a rate outside its range; [`AudioError::NonFinite`] where samples near the largest
    /// float overflow.
    pub fn change_speed(&self, rate: f64) -> Result<Self, AudioError> {
        check_range("rate", rate, &SPEEDS)?;
        self.resample_by(1.0 / rate, (self.len() as f64 / rate).ceil() as usize)
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn sine(hertz: f64, len: u32) -> Waveform {
        Waveform::new((0..len).map(|n| (0.5 * (TAU * hertz * f64::from(n) / 16_000.0).sin()) as f32).collect(), 16_000)
            .unwrap()
    }

    /// The frequency in hertz, from the zero crossings of the middle half.
    fn hertz(wave: &Waveform) -> f64 {
        let middle = &wave.samples()[wave.len() / 4..3 * wave.len() / 4];
        let crossings = middle.windows(2).filter(|pair| (pair[0] < 0.0) != (pair[1] < 0.0)).count();
        crossings as f64 / 2.0 / middle.len() as f64 * 16_000.0
    }

    #[test]
    fn pitch_moves_and_length_stays() {
        for semitones in [-12.0, -4.0, -0.5, 3.0, 4.0, 12.0] {
            let shifted = sine(440.0, 16_000).pitch_shift(semitones).unwrap();
            assert_eq!(shifted.len(), 16_000);
            let expected = 440.0 * 2_f64.powf(semitones / 12.0);
            assert!((hertz(&shifted) / expected - 1.0).abs() < 0.005, "{semitones}: {}", hertz(&shifted));
        }
    }

    #[test]
    fn speed_moves_both() {
        for rate in [0.1, 0.5, 0.9, 1.1, 1.234_567, 2.0, 5.0] {
            let played = sine(440.0, 16_001).change_speed(rate).unwrap();
            assert_eq!(played.len(), (16_001.0 / rate).ceil() as usize);
            assert!((hertz(&played) / (440.0 * rate) - 1.0).abs() < 0.005, "{rate}: {}", hertz(&played));
            let expected = sine(440.0 * rate, played.len() as u32);
            let middle = played.len() / 4..3 * played.len() / 4;
            let worst = middle.map(|n| (played.samples()[n] - expected.samples()[n]).abs()).fold(0.0, f32::max);
            assert!(worst < 2e-3, "{rate}: {worst}");
        }
    }

    #[test]
    fn nothing_to_do_gives_a_copy() {
        let wave = sine(300.0, 5_000);
        assert_eq!(wave.pitch_shift(0.0).unwrap(), wave);
        assert_eq!(wave.change_speed(1.0).unwrap(), wave);
        // The fraction is 1 beside it, and the reciprocal of 0.11 is rounded.
        assert_eq!(sine(300.0, 960_000).change_speed(1.0001).unwrap().len(), 959_905);
        assert_eq!(sine(300.0, 11_000).change_speed(0.11).unwrap().len(), 100_000);
    }

    #[test]
    fn short_recordings_keep_their_rule_of_length() {
        for len in [0, 1, 2, 3, 10, 600] {
            assert_eq!(sine(300.0, len).pitch_shift(4.0).unwrap().len(), len as usize);
            assert_eq!(sine(300.0, len).change_speed(10.0).unwrap().len(), len.div_ceil(10) as usize);
        }
    }

    #[test]
    fn amounts_out_of_range_are_refused() {
        for value in [-25.0, 25.0, f64::NAN] {
            let error = sine(300.0, 10).pitch_shift(value).unwrap_err();
            assert!(matches!(error, AudioError::Parameter { name: "semitones", .. }));
        }
        for value in [0.0, 0.09, 10.1, -1.0, f64::NAN] {
            let error = sine(300.0, 10).change_speed(value).unwrap_err();
            assert!(matches!(error, AudioError::Parameter { name: "rate", .. }));
        }
    }
}
