//! Halving the sampling rate.

use crate::lanes::vectorized;

/// Pass band and stop band in parts of the new half sampling rate, and the attenuation in the stop band in decibel.
const PASS: f64 = 0.913;
const STOP: f64 = 1.0;
const ATTENUATION: f64 = 120.0;

/// Partial sums of the convolution.
const LANES: usize = 16;

/// A linear-phase low-pass filter that keeps every second sample: a sinc under a Kaiser window (Oppenheim & Schafer,
/// section 7.6), flat to 91.3 % of the new band and 120 dB down at its end.
pub(crate) struct Halver {
    taps: Vec<f32>,
    half: usize,
    padded: Vec<f32>,
}

impl Halver {
    pub(crate) fn new() -> Self {
        // In cycles per sample of the input, whose new half rate is a quarter.
        let width = (STOP - PASS) / 4.0;
        let cutoff = PASS.midpoint(STOP) / 4.0;
        let beta = 0.1102 * (ATTENUATION - 8.7);
        let half = ((ATTENUATION - 7.95) / (14.36 * width) / 2.0).ceil() as usize;
        let mut taps: Vec<f64> = (0..=2 * half)
            .map(|index| {
                let time = index as f64 - half as f64;
                let ratio = time / (half as f64 + 1.0);
                let angle = std::f64::consts::TAU * cutoff * time;
                let sinc = if time == 0.0 { 1.0 } else { angle.sin() / angle };
                sinc * bessel(beta * (1.0 - ratio * ratio).sqrt())
            })
            .collect();
        let sum: f64 = taps.iter().sum();
        for tap in &mut taps {
            *tap /= sum;
        }
        let mut taps: Vec<f32> = taps.into_iter().map(|tap| tap as f32).collect();
        taps.resize(taps.len().next_multiple_of(LANES), 0.0);
        Self { taps, half, padded: Vec::new() }
    }

    /// Every second sample of the filtered signal, times `gain`; beyond its ends the signal is silent.
    pub(crate) fn halve(&mut self, samples: &[f32], gain: f32) -> Vec<f32> {
        self.padded.clear();
        self.padded.resize(self.half, 0.0);
        self.padded.extend_from_slice(samples);
        self.padded.resize(self.padded.len() + self.taps.len(), 0.0);
        let (padded, taps) = (&self.padded, &self.taps);
        let mut output = vec![0.0; samples.len().div_ceil(2)];
        vectorized(|| {
            let (taps, _) = taps.as_chunks::<LANES>();
            for (index, value) in output.iter_mut().enumerate() {
                let (cells, _) = padded[2 * index..].as_chunks::<LANES>();
                let mut sums = [0.0_f32; LANES];
                for (tap, cell) in taps.iter().zip(cells) {
                    for lane in 0..LANES {
                        sums[lane] += tap[lane] * cell[lane];
                    }
                }
                *value = crate::lanes::lane_sum(&sums) * gain;
            }
        });
        output
    }
}

/// The modified Bessel function of the first kind and order zero, by its power series.
fn bessel(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut term, mut sum) = (1.0, 1.0);
    let mut order = 1.0;
    while term > sum * 1e-17 {
        term *= quarter / (order * order);
        sum += term;
        order += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(turn: f64, count: usize) -> Vec<f32> {
        (0..count).map(|n| (turn * n as f64).sin() as f32).collect()
    }

    #[test]
    fn low_tones_pass_and_high_ones_vanish() {
        let mut halver = Halver::new();
        let low = halver.halve(&tone(0.9 * std::f64::consts::FRAC_PI_2, 4000), 1.0);
        let expected = tone(0.9 * std::f64::consts::PI, 2000);
        assert!((400..1600).all(|n| (low[n] - expected[n]).abs() < 1e-4));
        let high = halver.halve(&tone(1.01 * std::f64::consts::FRAC_PI_2, 4000), 1.0);
        assert!(high[400..1600].iter().all(|value| value.abs() < 1e-5));
    }

    #[test]
    fn odd_and_tiny_lengths_round_up() {
        let mut halver = Halver::new();
        for (count, expected) in [(1, 1), (2, 1), (3, 2), (999, 500)] {
            let output = halver.halve(&vec![1.0; count], 2.0);
            assert_eq!(output.len(), expected);
            assert!(output.iter().all(|value| value.is_finite()));
        }
        assert!((halver.halve(&[1.0; 2001], 2.0)[500] - 2.0).abs() < 1e-4);
    }
}
