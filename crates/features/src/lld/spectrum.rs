//! The spectrum of one frame.

use std::f64::consts::TAU;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use crate::lanes::{vectorized, wide_sum};
use crate::lld::framing::Framing;

/// What a sample of full scale counts. The sets are defined on 16-bit samples divided by 32,767, decoders divide by 32,768.
pub(crate) const FULL_SCALE: f64 = 32_768.0 / 32_767.0;

/// A sample as the sets have it in single precision.
pub(crate) fn full_scale(sample: f32) -> f32 {
    sample * 32_768.0 / 32_767.0
}

/// How the samples of a frame are weighted; both windows are symmetric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taper {
    /// w(m) = 0.54 − 0.46 cos(2πm / (L − 1)).
    Hamming,
    /// w(m) = exp(−½ ((m − c) / 0.4c)²), c = (L − 1) / 2.
    Gauss,
}

impl Taper {
    pub(crate) fn weight(self, index: usize, length: usize) -> f64 {
        let last = (length - 1).max(1) as f64;
        match self {
            Self::Hamming => 0.54 - 0.46 * (TAU * index as f64 / last).cos(),
            Self::Gauss => (-0.5 * ((2.0 * index as f64 / last - 1.0) / 0.4).powi(2)).exp(),
        }
    }
}

/// The Fourier transform of a weighted frame, without any scaling, and its powers |X|².
///
/// The frame lies in the middle of a transform whose length is the next power of two.
pub(crate) struct FrameSpectrum {
    /// Hertz from bin to bin, by the nominal duration of a frame. Where the duration is no whole number of samples
    /// this is not quite sampling rate / transform length; the sets are defined with it.
    bin_width: f64,
    /// The window, times the scale of a sample.
    weights: Vec<f64>,
    /// Zeros before the frame.
    offset: usize,
    plan: Arc<dyn RealToComplex<f64>>,
    input: Vec<f64>,
    output: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    powers: Vec<f64>,
}

impl FrameSpectrum {
    pub(crate) fn new(framing: &Framing, taper: Taper) -> Self {
        let length = framing.length;
        let size = length.next_power_of_two().max(4);
        let plan = RealFftPlanner::new().plan_fft_forward(size);
        Self {
            bin_width: length as f64 / framing.duration / size as f64,
            weights: (0..length).map(|index| FULL_SCALE * taper.weight(index, length)).collect(),
            offset: (size - length) / 2,
            input: plan.make_input_vec(),
            output: plan.make_output_vec(),
            scratch: plan.make_scratch_vec(),
            powers: vec![0.0; size / 2 + 1],
            plan,
        }
    }

    /// Transforms a frame of as many samples as the framing says.
    pub(crate) fn compute(&mut self, frame: &[f32]) {
        // The transform uses its input as scratch.
        self.input.fill(0.0);
        let (input, output, powers, weights) = (&mut self.input, &mut self.output, &mut self.powers, &self.weights);
        let offset = self.offset;
        vectorized(
            #[inline(always)]
            || {
                for ((value, weight), sample) in input[offset..].iter_mut().zip(weights).zip(frame) {
                    *value = weight * f64::from(*sample);
                }
            },
        );
        // The buffers come from the plan, so their lengths are the ones it asks for.
        let done = self.plan.process_with_scratch(input, output, &mut self.scratch);
        debug_assert!(done.is_ok());
        vectorized(
            #[inline(always)]
            || {
                for (power, bin) in powers.iter_mut().zip(output) {
                    *power = bin.re * bin.re + bin.im * bin.im;
                }
            },
        );
    }

    /// Hertz from bin to bin.
    pub(crate) fn bin_width(&self) -> f64 {
        self.bin_width
    }

    /// Number of bins, from 0 Hz to half the sampling rate.
    pub(crate) fn bins(&self) -> usize {
        self.powers.len()
    }

    /// The root mean square of the last frame's weighted samples, by Parseval's theorem.
    pub(crate) fn level(&self) -> f64 {
        let (length, last) = (self.weights.len(), self.powers.len() - 1);
        let sum = 2.0 * wide_sum(&self.powers) - self.powers[0] - self.powers[last];
        (sum / (2 * last) as f64 / length as f64).sqrt()
    }

    /// Writes the magnitudes |X| of the last frame.
    pub(crate) fn write_magnitudes(&self, magnitudes: &mut [f64]) {
        vectorized(
            #[inline(always)]
            || {
                for (magnitude, power) in magnitudes.iter_mut().zip(&self.powers) {
                    *magnitude = power.sqrt();
                }
            },
        );
    }

    /// The powers |X|² of the last frame.
    pub(crate) fn powers(&self) -> &[f64] {
        &self.powers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lld::framing::SHORT;

    #[test]
    fn the_power_of_a_frame_is_that_of_its_weighted_samples() {
        for rate in [8000, 11_025, 16_000, 48_000] {
            let framing = Framing::new("a test", rate, SHORT).unwrap();
            let mut spectrum = FrameSpectrum::new(&framing, Taper::Hamming);
            let frame: Vec<f32> = (0..framing.length).map(|n| ((n * n % 101) as f32 - 50.0) / 60.0).collect();
            spectrum.compute(&frame);
            spectrum.compute(&frame);
            let sum: f64 = frame.iter().zip(&spectrum.weights).map(|(x, w)| (f64::from(*x) * w).powi(2)).sum();
            let (powers, size) = (spectrum.powers(), 2.0 * (spectrum.bins() - 1) as f64);
            let both_sides = 2.0 * powers.iter().sum::<f64>() - powers[0] - powers[powers.len() - 1];
            assert!((both_sides / size / sum - 1.0).abs() < 1e-12, "{rate}");
        }
    }

    #[test]
    fn bins_are_labelled_by_the_nominal_duration() {
        let width =
            |rate| FrameSpectrum::new(&Framing::new("a test", rate, SHORT).unwrap(), Taper::Hamming).bin_width();
        assert_eq!(width(16_000), 31.25);
        assert_eq!(width(11_025), 221.0 / 0.02 / 256.0);
    }
}
