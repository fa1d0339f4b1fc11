//! Harmonics-to-noise ratio by the autocorrelation.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner};

/// The range of the ratio before it becomes decibels.
const RATIO: (f64, f64) = (1e-9, 1e11);

/// The harmonics-to-noise ratio of a voiced frame (P. Boersma, "Accurate short-term analysis of the fundamental frequency
/// and the harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17, 1993, without its compensation of the window).
///
/// With the autocorrelation a(τ) at the peak nearest to the period: 10 log₁₀(a(τ) / (a(0) − a(τ))) in dB, −90 to 110; voices
/// mostly have −5 to 15, because the window's own decay counts as noise.
pub(crate) struct Harmonicity {
    plan: Arc<dyn ComplexToReal<f64>>,
    input: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    autocorrelation: Vec<f64>,
    /// Twice the frequency of the last bin, in hertz.
    rate: f64,
}

impl Harmonicity {
    pub(crate) fn new(bins: usize, bin_width: f64) -> Self {
        let plan = RealFftPlanner::new().plan_fft_inverse(2 * (bins - 1));
        Self {
            input: plan.make_input_vec(),
            scratch: plan.make_scratch_vec(),
            autocorrelation: plan.make_output_vec(),
            plan,
            rate: 2.0 * (bins - 1) as f64 * bin_width,
        }
    }

    /// The ratio in dB of a frame with these magnitudes and this fundamental.
    pub(crate) fn decibel(&mut self, magnitudes: &[f64], hertz: f64) -> f64 {
        for (bin, magnitude) in self.input.iter_mut().zip(magnitudes) {
            *bin = Complex::new(magnitude * magnitude, 0.0);
        }
        // The buffers come from the plan, so their lengths are the ones it asks for.
        let done = self.plan.process_with_scratch(&mut self.input, &mut self.autocorrelation, &mut self.scratch);
        debug_assert!(done.is_ok());
        let values = &mut self.autocorrelation[..magnitudes.len()];
        for value in values.iter_mut() {
            *value = value.abs();
        }
        let lag = nearest_peak(values, (self.rate / hertz).floor() as usize);
        let noise = values[0] - values[lag];
        let ratio = if noise == 0.0 { RATIO.1 } else { (values[lag] / noise).clamp(RATIO.0, RATIO.1) };
        10.0 * ratio.log10()
    }
}

/// The strict peak nearest to `place`, the lower of two; `place` itself where there is none.
fn nearest_peak(values: &[f64], place: usize) -> usize {
    let last = values.len() - 1;
    let place = place.min(last);
    let peak = |index: &usize| {
        (1..last).contains(index) && values[*index - 1] < values[*index] && values[*index] > values[*index + 1]
    };
    let outward = (0..=last).flat_map(|far| [place.saturating_sub(far), place + far]);
    outward.into_iter().find(peak).unwrap_or(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lld::framing::{Framing, LONG};
    use crate::lld::spectrum::{FrameSpectrum, Taper};

    #[test]
    fn noise_lowers_the_ratio_of_a_tone() {
        let framing = Framing::new("a test", 16_000, LONG).unwrap();
        let mut spectrum = FrameSpectrum::new(&framing, Taper::Gauss);
        let mut harmonicity = Harmonicity::new(spectrum.bins(), spectrum.bin_width());
        let mut magnitudes = vec![0.0; spectrum.bins()];
        let mut last = f64::INFINITY;
        for noise in [0.0, 0.1, 0.3, 1.0] {
            let frame: Vec<f32> = (0..960_u32)
                .map(|n| {
                    let random = f64::from(n * n * n % 7919) / 7919.0 - 0.5;
                    ((f64::from(n) * 0.0785).sin() + noise * random) as f32
                })
                .collect();
            spectrum.compute(&frame);
            spectrum.write_magnitudes(&mut magnitudes);
            let found = harmonicity.decibel(&magnitudes, 200.0);
            assert!(found < last, "{noise}: {found}");
            last = found;
        }
        assert_eq!(harmonicity.decibel(&vec![0.0; 513], 200.0), 110.0);
    }

    #[test]
    fn peaks_are_sought_outward() {
        let values = [9.0, 1.0, 3.0, 2.0, 1.0, 2.0, 5.0, 2.0];
        assert_eq!([2, 3, 4, 5, 100].map(|place| nearest_peak(&values, place)), [2, 2, 2, 6, 6]);
        assert_eq!(nearest_peak(&[1.0, 1.0, 1.0], 1), 1);
    }
}
