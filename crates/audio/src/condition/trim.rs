//! Cutting silence off at both ends.

use std::ops::Range;

use crate::error::AudioError;
use crate::waveform::Waveform;

/// Samples from one frame to the next.
const HOP: usize = 512;

/// Hops in a frame, of which two lie before its centre.
const HOPS: usize = 4;

/// The least mean square that is told from silence: 100 dB below full scale.
const FLOOR: f64 = 1e-10;

pub(super) fn check(decibels: f64) -> Result<(), AudioError> {
    if decibels > 0.0 && decibels <= 200.0 {
        return Ok(());
    }
    Err(AudioError::parameter("trim_db", "a number above 0 and up to 200", decibels))
}

impl Waveform {
    /// The sound from its first to its last frame that is not silent; [`sounding`](Self::sounding) says which samples.
    ///
    /// ```
    /// use stimmung_audio::Waveform;
    ///
    /// let mut samples = vec![0.0; 16_000];
    /// samples[8_000..9_000].fill(0.5);
    /// let wave = Waveform::new(samples, 16_000)?;
    /// assert_eq!(wave.sounding(60.0)?, 7_168..10_240);
    /// assert_eq!(wave.trim(60.0)?.len(), 3_072);
    /// # Ok::<(), stimmung_audio::AudioError>(())
    /// ```
    ///
    /// # Errors
    /// [`AudioError::Parameter`] as [`sounding`](Self::sounding).
    pub fn trim(&self, decibels: f64) -> Result<Self, AudioError> {
        let range = self.sounding(decibels)?;
        Ok(Self::from_checked(self.samples()[range].to_vec(), self.sample_rate()))
    }

    /// The samples from the first frame to the last that is less than `decibels` (above 0 to 200) below the loudest.
    ///
    /// The rule of `librosa.effects.trim` 0.11, so that the same samples are kept: the root mean square of frames of 2048
    /// samples, centred on every 512th, with silence beyond the ends; nothing counts as quieter than −100 dB re full
    /// scale. The first kept sample is the centre of its frame, the last lies before the centre of the frame after. The
    /// rule counts samples and not seconds: the frames are longer at lower rates.
    ///
    /// Where every frame is as loud as the loudest, all is kept: so it is with silence, and with what stays below
    /// −100 dB.
    ///
    /// # Errors
    /// [`AudioError::Parameter`] for a threshold outside its range.
    pub fn sounding(&self, decibels: f64) -> Result<Range<usize>, AudioError> {
        check(decibels)?;
        let levels = frame_levels(self.samples());
        let loudest = levels.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sounds = |level: &f64| level - loudest > -decibels;
        let first = levels.iter().position(sounds).unwrap_or(0);
        let last = levels.iter().rposition(sounds).unwrap_or(0);
        Ok(first * HOP..((last + 1) * HOP).min(self.len()))
    }
}

/// The levels of all frames in decibels.
fn frame_levels(samples: &[f32]) -> Vec<f64> {
    let energy = |hop: &[f32]| hop.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
    // Hop h of this list is hop h − 2 of the signal, so that frame t is made of the hops from t on.
    let mut hops = vec![0.0; HOPS / 2];
    hops.extend(samples.chunks(HOP).map(energy));
    hops.resize(samples.len() / HOP + HOPS, 0.0);
    let power = |frame: &[f64]| frame.iter().sum::<f64>() / (HOPS * HOP) as f64;
    hops.windows(HOPS).map(|frame| 10.0 * power(frame).max(FLOOR).log10()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wave(samples: Vec<f32>) -> Waveform {
        Waveform::new(samples, 16_000).unwrap()
    }

    #[test]
    fn silence_is_kept_and_so_is_what_is_hardly_louder() {
        for (value, len) in [(0.0, 0), (0.0, 1), (0.0, 5_000), (9e-6, 5_000), (0.5, 1), (0.5, 100)] {
            assert_eq!(wave(vec![value; len]).sounding(20.0).unwrap(), 0..len, "{value} {len}");
        }
    }

    #[test]
    fn there_are_as_many_frames_as_librosa_has() {
        for len in [0, 1, 511, 512, 513, 1_023, 1_024, 2_047, 2_048, 5_000] {
            assert_eq!(frame_levels(&vec![0.1; len]).len(), len / 512 + 1, "{len}");
        }
    }

    #[test]
    fn thresholds_out_of_range_are_refused() {
        for decibels in [0.0, -1.0, 200.1, f64::NAN] {
            assert!(matches!(wave(vec![0.5]).trim(decibels), Err(AudioError::Parameter { name: "trim_db", .. })));
        }
    }

    proptest! {
        #[test]
        fn a_delay_by_hops_moves_the_range(hops in 0_usize..20, len in 1_usize..5_000, decibels in 1.0..50.0_f64) {
            // The noise lies in the middle of silence that is longer than a frame.
            let noise = (0..len).map(|n| ((n * n * 31 + 7 * n) % 257) as f32 / 257.0 - 0.5);
            let mut samples = vec![0.0; 2_048];
            samples.extend(noise);
            samples.extend([0.0; 3_000]);
            let early = wave(samples.clone()).sounding(decibels).unwrap();
            samples.splice(0..0, vec![0.0; hops * HOP]);
            let late = wave(samples).sounding(decibels).unwrap();
            prop_assert_eq!(early.start + hops * HOP..early.end + hops * HOP, late);
        }

        #[test]
        fn loudness_makes_no_difference(gain in 0.01_f32..100.0, start in 0_usize..9_000, len in 100_usize..2_000) {
            let samples = |gain: f32| {
                let mut samples = vec![0.0; 12_000];
                samples[start..start + len].fill(gain);
                wave(samples).sounding(30.0).unwrap()
            };
            prop_assert_eq!(samples(1.0), samples(gain));
        }
    }
}
