//! Harmonics-to-noise ratio by the average cycle of the voice.

use crate::lld::cycles::Cycles;

/// The least ratio in dB, which is that of unvoiced frames, too.
pub(crate) const LEAST_RATIO: f64 = -100.0;

/// Samples at the ends of a cycle that are not asked.
const MARGIN: usize = 2;

/// The harmonics-to-noise ratio of a voiced frame in the time domain: the level of the average cycle over that of what single
/// cycles differ from it by (E. Yumoto et al., "Harmonics-to-noise ratio as an index of the degree of hoarseness", JASA 71,
/// 1982).
///
/// With the cycles that begin at o(1) … o(n), the last being where reading ended, and the average w(i) = mean z(o(j) + i) over
/// them: 20 log₁₀ (√(Σ w(i)² / (T − 4)) / √(mean (z(o(j) + i) − w(i))²)), where i runs from a few samples after the beginning of
/// a cycle to a few before its end, at most one period T of the fundamental.
///
/// In dB, at least −100; voices mostly have 0 to 20. A frame whose cycles do not differ at all has 0: the published sets are
/// made so. Gain changes nothing.
#[derive(Debug, Default)]
pub(crate) struct CycleNoise {
    average: Vec<f64>,
}

impl CycleNoise {
    pub(crate) fn decibel(&mut self, cycles: &Cycles) -> f64 {
        let Cycles { segment, starts, period, last_step } = *cycles;
        let Some(&end) = starts.last() else { return LEAST_RATIO };
        let tail = segment.get(end..).unwrap_or_default();
        let average = &mut self.average;
        average.clear();
        average.resize(period, 0.0);
        for start in starts {
            for (sum, sample) in average.iter_mut().zip(segment.get(*start..).unwrap_or_default()) {
                *sum += sample;
            }
        }
        // What the last cycle has no samples for stays an undivided sum; the published sets are made so.
        for value in average.iter_mut().take(tail.len()) {
            *value /= starts.len() as f64;
        }
        let inside = MARGIN + 1..(period.saturating_sub(MARGIN)).min(tail.len());
        let voice: f64 = average.get(inside).unwrap_or_default().iter().map(|value| value * value).sum();
        let voice = (voice / period.saturating_sub(4).max(1) as f64).sqrt();

        let (mut noise, mut count) = (0.0, 0);
        let nexts = starts[1..].iter().copied().chain([end + last_step]);
        for (start, next) in starts.iter().zip(nexts) {
            let range = start + MARGIN..next.min(start + period).saturating_sub(MARGIN).min(segment.len());
            let samples = segment.get(range).unwrap_or_default();
            for (sample, mean) in samples.iter().zip(&average[MARGIN.min(period)..]) {
                noise += (sample - mean).powi(2);
                count += 1;
            }
        }
        if noise == 0.0 {
            return 0.0;
        }
        let noise = (noise / f64::from(count)).sqrt();
        (20.0 * (voice / noise).log10()).max(LEAST_RATIO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cycles of a hundred samples with noise of a uniform distribution.
    fn ratio(noise: f64, gain: f64) -> f64 {
        let mut state = 1_u32;
        let segment: Vec<f64> = (0..960)
            .map(|n| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let random = f64::from(state) / 4_294_967_296.0 - 0.5;
                gain * ((std::f64::consts::TAU * f64::from(n) / 100.0).sin() + noise * random)
            })
            .collect();
        let starts: Vec<usize> = (0..9).map(|cycle| 100 * cycle).collect();
        CycleNoise::default().decibel(&Cycles { segment: &segment, starts: &starts, period: 100, last_step: 100 })
    }

    #[test]
    fn the_ratio_is_that_of_voice_and_noise() {
        for noise in [0.01, 0.1, 1.0] {
            // A sine has a power of 1/2, the noise of 1/12 of its width; of nine cycles the average takes a ninth of it away.
            let expected = 10.0 * (0.5_f64 / (noise * noise / 12.0 * 8.0 / 9.0)).log10();
            let found = ratio(noise, 1.0);
            assert!((found - expected).abs() < 0.5, "{noise}: {found} {expected}");
            assert!((found - ratio(noise, 7.0)).abs() < 1e-9, "{noise}");
        }
    }

    #[test]
    fn frames_without_differences_or_samples_are_defined() {
        let mut noise = CycleNoise::default();
        let flat = [0.5; 300];
        assert_eq!(noise.decibel(&Cycles { segment: &flat, starts: &[0, 100], period: 100, last_step: 100 }), 0.0);
        assert_eq!(noise.decibel(&Cycles { segment: &[], starts: &[], period: 0, last_step: 0 }), LEAST_RATIO);
        for period in [0, 1, 4, 5, 400] {
            let found = noise.decibel(&Cycles { segment: &flat, starts: &[0, 250], period, last_step: 250 });
            assert!(found.is_finite(), "{period}: {found}");
        }
    }
}
