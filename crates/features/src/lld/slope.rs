//! Spectral slope of a band.

use crate::lld::band::Band;

/// Powers below 1e-14 count as this many decibels.
const FLOOR: (f64, f64) = (1e-14, -140.0);

/// The slope of the logarithmic power spectrum of one frame over a band, in dB/Hz (F. Eyben et al., IEEE Transactions on
/// Affective Computing 7(2), 2016, after L. Tamarit et al., "Spectral slope measurements in emotionally expressive speech",
/// ISCA Workshop on Speech Analysis and Processing for Knowledge Discovery, 2008).
///
/// With S(k) = 10 log₁₀ P(k) and weights ω(k), 1 inside the band and the covered part of a bin at its edges:
///
/// slope = (W Σ ωfS − Σ ωf Σ ωS) / (W Σ (ωf)² − (Σ ωf)²).
///
/// W is the number of bins *less one*: the published sets are made so, and this is therefore not quite the least-squares
/// slope. It depends on the level: digital silence has 0.112 over 0–500 Hz at 16 kHz. Speech mostly has −0.1 to 0.2.
pub(crate) struct SpectralSlope {
    first: usize,
    /// The slope is linear in the levels: Σ coefficient · S(k).
    coefficients: Vec<f64>,
}

impl SpectralSlope {
    /// Over `low` to `high` hertz.
    pub(crate) fn new(bins: usize, bin_width: f64, low: f64, high: f64) -> Self {
        let Band { first, weights } = Band::new(bins, bin_width, low, high);
        let width = (weights.len() - 1) as f64;
        let hertz = (first..).map(|bin| bin as f64 * bin_width);
        let moments = weights.iter().zip(hertz.clone()).map(|(weight, hertz)| weight * hertz);
        let (sum, squares) =
            moments.fold((0.0, 0.0), |(sum, squares), moment| (sum + moment, squares + moment * moment));
        let denominator = width * squares - sum * sum;
        let coefficients =
            weights.iter().zip(hertz).map(|(weight, hertz)| weight * (width * hertz - sum) / denominator);
        Self { first, coefficients: coefficients.collect() }
    }

    pub(crate) fn value(&self, powers: &[f64]) -> f64 {
        let level = |power: f64| if power <= FLOOR.0 { FLOOR.1 } else { 10.0 * power.log10() };
        self.coefficients.iter().zip(&powers[self.first..]).map(|(weight, power)| weight * level(*power)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_has_the_slope_of_the_floor() {
        let silence = vec![0.0; 257];
        for (low, high, expected) in [(0.0, 500.0, 0.112), (500.0, 1500.0, 0.076_363_6)] {
            let slope = SpectralSlope::new(257, 31.25, low, high).value(&silence);
            assert!((slope - expected).abs() < 1e-7, "{slope}");
        }
    }

    #[test]
    fn a_steeper_spectrum_has_a_lower_slope() {
        for (bins, width) in [(129, 31.25), (129, 43.066), (513, 46.875)] {
            for (low, high) in [(0.0, 500.0), (500.0, 1500.0)] {
                let slope = SpectralSlope::new(bins, width, low, high);
                let falling = |per_hertz: f64| {
                    let powers: Vec<f64> =
                        (0..bins).map(|bin| 10.0_f64.powf(-per_hertz * bin as f64 * width / 10.0)).collect();
                    slope.value(&powers)
                };
                let values = [0.0, 0.01, 0.02, 0.04].map(falling);
                assert_eq!(values[0], 0.0);
                assert!(values.windows(2).all(|pair| pair[1] < pair[0]), "{values:?}");
            }
        }
    }
}
