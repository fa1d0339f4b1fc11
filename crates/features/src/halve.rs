//! Halving the sampling rate.

use crate::lanes::LANES;

/// Pass band and stop band in parts of the new half sampling rate, and the attenuation in the stop band in decibel.
const PASS: f64 = 0.913;
const STOP: f64 = 1.0;
const ATTENUATION: f64 = 120.0;

/// A linear-phase low-pass filter that keeps every second sample: a sinc under a Kaiser window (Oppenheim & Schafer,
/// section 7.6), flat to 91.3 % of the new band and 120 dB down at its end.
pub(crate) struct Halver {
    /// The taps at even and at odd places.
    taps: [Vec<f32>; 2],
    half: usize,
    /// The samples at even and at odd places, with silence around.
    phases: [Vec<f32>; 2],
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
        let every_second = |first: usize| taps.iter().skip(first).step_by(2).map(|tap| *tap as f32).collect();
        Self { taps: [every_second(0), every_second(1)], half, phases: [Vec::new(), Vec::new()] }
    }

    /// Every second sample of the filtered signal, times `gain`; beyond its ends the signal is silent.
    pub(crate) fn halve(&mut self, samples: &[f32], gain: f32) -> Vec<f32> {
        let count = samples.len().div_ceil(2);
        let room = count.next_multiple_of(4 * LANES);
        for (place, phase) in self.phases.iter_mut().enumerate() {
            // Sample n of the signal is sample n + half of the padded one.
            let first = (place + self.half) % 2;
            phase.clear();
            phase.resize((self.half + first - place) / 2, 0.0);
            phase.extend(samples.iter().skip(first).step_by(2));
            phase.resize(phase.len().max(room + self.taps[place].len()), 0.0);
        }
        let mut output = vec![0.0; room];
        pulp::Arch::new().dispatch(Convolution { taps: &self.taps, phases: &self.phases, gain, output: &mut output });
        output.truncate(count);
        output
    }
}

/// The sum over both phases, four vectors of outputs at a time. Written with explicit vectors, because the compiler takes
/// the plain loops apart into single numbers.
struct Convolution<'a> {
    taps: &'a [Vec<f32>; 2],
    phases: &'a [Vec<f32>; 2],
    gain: f32,
    output: &'a mut [f32],
}

impl pulp::WithSimd for Convolution<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        let width = 4 * S::F32_LANES;
        for (index, block) in self.output.chunks_exact_mut(width).enumerate() {
            let mut sums = [simd.splat_f32s(0.0); 4];
            for (taps, phase) in self.taps.iter().zip(self.phases) {
                let phase = &phase[index * width..];
                for (tap, window) in taps.iter().zip(phase.windows(width)) {
                    let tap = simd.splat_f32s(*tap);
                    let (cells, _) = S::as_simd_f32s(window);
                    for (sum, cell) in sums.iter_mut().zip(cells) {
                        *sum = simd.add_f32s(*sum, simd.mul_f32s(tap, *cell));
                    }
                }
            }
            let gain = simd.splat_f32s(self.gain);
            let (cells, _) = S::as_mut_simd_f32s(block);
            for (cell, sum) in cells.iter_mut().zip(sums) {
                *cell = simd.mul_f32s(sum, gain);
            }
        }
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
    fn every_instruction_set_gives_the_same_bits() {
        let mut halver = Halver::new();
        let signal = tone(0.7, 500);
        let found = halver.halve(&signal, 1.5);
        let mut plain = vec![0.0; 256];
        let convolution = Convolution { taps: &halver.taps, phases: &halver.phases, gain: 1.5, output: &mut plain };
        pulp::WithSimd::with_simd(convolution, pulp::Scalar);
        assert_eq!(found, plain[..250]);
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
