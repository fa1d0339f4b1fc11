//! White noise.

use std::ops::RangeInclusive;

use rand_chacha::ChaCha8Rng;

use super::amount::unit;
use crate::error::{AudioError, check_range};
use crate::waveform::Waveform;

/// Standard deviations that noise may have, full scale being 1.
pub(super) const FACTORS: RangeInclusive<f64> = 0.0..=10.0;

/// Signal-to-noise ratios in decibels.
pub(super) const RATIOS: RangeInclusive<f64> = -100.0..=200.0;

impl Waveform {
    /// The sound with normally distributed white noise added: x + `factor` · N(0, 1), whatever the level of x.
    ///
    /// `factor` is 0 to 10 of full scale. The published recipes take 0.05, which is much beside a quiet recording. Samples
    /// may exceed ±1 and are kept. Draws from `rng` as many numbers as the samples need.
    ///
    /// ```
    /// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
    /// use stimmung_audio::Waveform;
    ///
    /// let silence = Waveform::new(vec![0.0; 16_000], 16_000)?;
    /// let noise = silence.add_noise(0.05, &mut ChaCha8Rng::seed_from_u64(1))?;
    /// assert!((noise.rms() - 0.05).abs() < 0.001);
    /// # Ok::<(), stimmung_audio::AudioError>(())
    /// ```
    ///
    /// # Errors
    /// [`AudioError::Parameter`] for a factor outside its range; [`AudioError::NonFinite`] where a sample near the largest
    /// float overflows.
    pub fn add_noise(&self, factor: f64, rng: &mut ChaCha8Rng) -> Result<Self, AudioError> {
        check_range("factor", factor, &FACTORS)?;
        self.with_noise(factor, rng)
    }

    /// The sound with white noise added at a signal-to-noise ratio of `decibels`, −100 to 200.
    ///
    /// The noise is normally distributed, with a standard deviation of the recording's root mean square times
    /// 10^(−`decibels`/20). Pauses count as signal; [`trim`](Self::trim) first where they should not. Samples may exceed ±1
    /// and are kept. Silence stays silence.
    ///
    /// # Errors
    /// [`AudioError::Parameter`] for a ratio outside its range; [`AudioError::NonFinite`] where a sample near the largest
    /// float overflows.
    pub fn add_noise_at(&self, decibels: f64, rng: &mut ChaCha8Rng) -> Result<Self, AudioError> {
        check_range("db", decibels, &RATIOS)?;
        self.with_noise(self.rms() * libm::exp10(-decibels / 20.0), rng)
    }

    fn with_noise(&self, deviation: f64, rng: &mut ChaCha8Rng) -> Result<Self, AudioError> {
        let mut samples = self.samples().to_vec();
        for pair in samples.chunks_mut(2) {
            for (sample, normal) in pair.iter_mut().zip(normals(rng)) {
                *sample = (f64::from(*sample) + deviation * normal) as f32;
            }
        }
        Self::new(samples, self.sample_rate())
    }
}

/// Two independent normal numbers, by the polar form of Box and Muller (Marsaglia & Bray 1964).
///
/// The logarithm is computed in software, so that the same seed gives the same noise on every platform.
fn normals(rng: &mut ChaCha8Rng) -> [f64; 2] {
    loop {
        let (x, y) = (2.0 * unit(rng) - 1.0, 2.0 * unit(rng) - 1.0);
        let square = x * x + y * y;
        if square > 0.0 && square < 1.0 {
            let scale = (-2.0 * libm::log(square) / square).sqrt();
            return [x * scale, y * scale];
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    fn rng() -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(7)
    }

    fn tone(gain: f32, len: usize) -> Waveform {
        Waveform::new((0..len).map(|n| gain * (n as f32 * 0.1).sin()).collect(), 16_000).unwrap()
    }

    fn difference(a: &Waveform, b: &Waveform) -> Vec<f64> {
        a.samples().iter().zip(b.samples()).map(|(a, b)| f64::from(*a) - f64::from(*b)).collect()
    }

    fn deviation(values: &[f64]) -> f64 {
        (values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64).sqrt()
    }

    #[test]
    fn noise_is_normal_and_white() {
        let clean = tone(0.3, 100_000);
        let noise = difference(&clean.add_noise(0.05, &mut rng()).unwrap(), &clean);
        let sigma = deviation(&noise);
        assert!((sigma - 0.05).abs() < 5e-4, "{sigma}");
        assert!((noise.iter().sum::<f64>() / 1e5).abs() < 5e-4);
        let beyond = |limit: f64| noise.iter().filter(|value| value.abs() > limit * 0.05).count() as f64 / 1e5;
        assert!((beyond(1.0) - 0.3173).abs() < 0.005 && (beyond(2.0) - 0.0455).abs() < 0.003);
        for lag in [1, 2, 3, 10] {
            let product: f64 = noise.iter().zip(&noise[lag..]).map(|(a, b)| a * b).sum();
            assert!((product / 1e5 / sigma.powi(2)).abs() < 0.02, "lag {lag}");
        }
    }

    #[test]
    fn the_ratio_is_the_one_asked_for_at_any_level() {
        for gain in [0.001, 0.3, 20.0] {
            for decibels in [-20.0, 0.0, 30.0, 60.0] {
                let clean = tone(gain, 50_000);
                let noise = difference(&clean.add_noise_at(decibels, &mut rng()).unwrap(), &clean);
                let measured = 20.0 * (clean.rms() / deviation(&noise)).log10();
                assert!((measured - decibels).abs() < 0.1, "{measured} {decibels}");
            }
        }
    }

    #[test]
    fn no_noise_changes_nothing_and_silence_has_no_ratio() {
        let clean = tone(0.3, 1_001);
        assert_eq!(clean.add_noise(0.0, &mut rng()).unwrap(), clean);
        for len in [0, 1, 100] {
            assert_eq!(tone(0.0, len).add_noise_at(0.0, &mut rng()).unwrap(), tone(0.0, len));
        }
    }

    #[test]
    fn the_seed_decides_and_lengths_do_not_matter() {
        let long = tone(0.1, 1_000).add_noise(0.1, &mut rng()).unwrap();
        for len in [0, 1, 2, 501] {
            let short = tone(0.1, len).add_noise(0.1, &mut rng()).unwrap();
            assert_eq!(short.samples(), &long.samples()[..len]);
        }
        assert_ne!(long, tone(0.1, 1_000).add_noise(0.1, &mut ChaCha8Rng::seed_from_u64(8)).unwrap());
    }

    #[test]
    fn amounts_out_of_range_and_overflow_are_errors() {
        let wave = tone(0.1, 10);
        for factor in [-0.1, 10.1, f64::NAN] {
            assert!(matches!(wave.add_noise(factor, &mut rng()), Err(AudioError::Parameter { name: "factor", .. })));
        }
        for decibels in [-100.1, 200.1, f64::NAN] {
            assert!(matches!(wave.add_noise_at(decibels, &mut rng()), Err(AudioError::Parameter { name: "db", .. })));
        }
        let huge = Waveform::new(vec![f32::MAX; 100], 16_000).unwrap();
        assert!(matches!(huge.add_noise_at(0.0, &mut rng()), Err(AudioError::NonFinite { .. })));
    }
}
