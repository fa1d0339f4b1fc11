//! The adaptive Wiener filter.

use crate::error::AudioError;
use crate::waveform::Waveform;

/// The longest window in samples.
const LONGEST: usize = 65_535;

pub(super) fn check(window: usize) -> Result<(), AudioError> {
    if (3..=LONGEST).contains(&window) && !window.is_multiple_of(2) {
        return Ok(());
    }
    Err(AudioError::parameter("wiener", format!("an odd number from 3 to {LONGEST}"), window))
}

impl Waveform {
    /// Smooths where there is little but noise: the pixel-wise adaptive Wiener filter (Lim 1990, *Two-Dimensional Signal and
    /// Image Processing*, p. 548) along time, with a `window` of an odd number of samples from 3 to 65,535.
    ///
    /// y = μ + (x − μ) · max(σ² − ν, 0) / σ², where μ and σ² are the mean and variance of the window around a sample, with
    /// zeros beyond the ends, and the noise ν is the mean of σ² over the whole recording. These are the rules of
    /// `scipy.signal.wiener`, with one exception: silence stays silence, where `SciPy` divides zero by zero.
    ///
    /// It knows nothing of speech. Frication is noise to it, and the published system that tried it did worse with it.
    ///
    /// ```
    /// use stimmung_audio::Waveform;
    ///
    /// let wave = Waveform::new(vec![0.0, 0.0, 0.03, 0.0, 0.0, 0.9, 0.9, 0.9, 0.9], 16_000)?;
    /// let smooth = wave.wiener(3)?;
    /// assert!((smooth.samples()[2] - 0.01).abs() < 1e-7);
    /// # Ok::<(), stimmung_audio::AudioError>(())
    /// ```
    ///
    /// # Errors
    /// [`AudioError::Parameter`] for an even window or one out of range.
    pub fn wiener(&self, window: usize) -> Result<Self, AudioError> {
        check(window)?;
        let moments = moments(self.samples(), window);
        let noise = moments.iter().map(|moment| moment.variance).sum::<f64>() / moments.len().max(1) as f64;
        let filtered = |(sample, moment): (&f32, &Moments)| {
            if moment.variance <= noise {
                return moment.mean as f32;
            }
            ((f64::from(*sample) - moment.mean) * (1.0 - noise / moment.variance) + moment.mean) as f32
        };
        // A value between the sample and the mean is no larger than the largest sample.
        Ok(Self::from_checked(self.samples().iter().zip(&moments).map(filtered).collect(), self.sample_rate()))
    }
}

/// Mean and variance of a window.
struct Moments {
    mean: f64,
    variance: f64,
}

/// The moments of the windows around all samples, from running sums: the time does not depend on the window.
fn moments(samples: &[f32], window: usize) -> Vec<Moments> {
    let half = window / 2;
    let (mut sum, mut squares) = (0.0, 0.0);
    let totals: Vec<(f64, f64)> = std::iter::once((0.0, 0.0))
        .chain(samples.iter().map(|sample| {
            let value = f64::from(*sample);
            sum += value;
            squares += value * value;
            (sum, squares)
        }))
        .collect();
    (0..samples.len())
        .map(|centre| {
            let (before, upto) = (totals[centre.saturating_sub(half)], totals[(centre + half + 1).min(samples.len())]);
            let mean = (upto.0 - before.0) / window as f64;
            Moments { mean, variance: (upto.1 - before.1) / window as f64 - mean * mean }
        })
        .collect()
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
        for len in [0, 1, 2, 100] {
            assert_eq!(wave(vec![0.0; len]).wiener(5).unwrap().samples(), vec![0.0; len]);
        }
    }

    #[test]
    fn one_sample_is_its_own_noise() {
        // The only variance is also the mean of all, so nothing but the mean of the window is left.
        assert!((wave(vec![0.6]).wiener(3).unwrap().samples()[0] - 0.2).abs() < 1e-7);
    }

    #[test]
    fn windows_out_of_range_are_refused() {
        for window in [0, 1, 2, 4, 65_536, 65_537, usize::MAX] {
            assert!(matches!(wave(vec![0.5]).wiener(window), Err(AudioError::Parameter { name: "wiener", .. })));
        }
        assert!(wave(vec![0.5; 10]).wiener(65_535).is_ok());
    }

    #[test]
    fn the_pause_is_smoothed_and_the_tone_is_not() {
        let noise = |n: usize| ((n * n * 31 + 7 * n) % 257) as f32 / 25_700.0;
        let tone = |n: usize| if n < 5_000 { 0.0 } else { 0.5 * (n as f32 * 1.3).sin() };
        let clean: Vec<f32> = (0..10_000).map(tone).collect();
        let noisy = wave(clean.iter().enumerate().map(|(n, sample)| sample + noise(n) - 0.005).collect());
        let filtered = noisy.wiener(15).unwrap();
        let error = |wave: &Waveform, range: std::ops::Range<usize>| {
            range.map(|n| (wave.samples()[n] - clean[n]).powi(2)).sum::<f32>()
        };
        assert!(error(&filtered, 100..4_900) < 0.1 * error(&noisy, 100..4_900));
        let energy: f32 = filtered.samples()[5_100..9_900].iter().map(|sample| sample.powi(2)).sum();
        assert!(energy > 0.2 * clean[5_100..9_900].iter().map(|sample| sample.powi(2)).sum::<f32>());
    }

    proptest! {
        #[test]
        fn running_sums_are_sums(samples in proptest::collection::vec(-1.0_f32..1.0, 1..300), half in 1_usize..200) {
            let fast = moments(&samples, 2 * half + 1);
            for (centre, moment) in fast.iter().enumerate() {
                let part = &samples[centre.saturating_sub(half)..(centre + half + 1).min(samples.len())];
                let count = (2 * half + 1) as f64;
                let mean = part.iter().map(|sample| f64::from(*sample)).sum::<f64>() / count;
                let square = part.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / count;
                prop_assert!((moment.mean - mean).abs() < 1e-12);
                prop_assert!((moment.variance - (square - mean * mean)).abs() < 1e-12);
            }
        }

        #[test]
        fn scale_scales(samples in proptest::collection::vec(-1.0_f32..1.0, 1..300)) {
            let one = wave(samples.clone()).wiener(5).unwrap();
            let two = wave(samples.iter().map(|sample| sample * 1_024.0).collect()).wiener(5).unwrap();
            for (one, two) in one.samples().iter().zip(two.samples()) {
                prop_assert!((one * 1_024.0 - two).abs() < 1e-2 * one.abs().max(1e-2));
            }
        }
    }
}
