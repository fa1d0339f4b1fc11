//! Slope of the power spectrum.

use crate::lanes::{vectorized, wide_dot};

/// The slope of the line that fits the power of a frame over frequency best in least squares, times the number of bins less one:
///
/// (K − 1) · (K Σ fP − Σ f Σ P) / (K Σ f² − (Σ f)²) over the K bins above 0 Hz.
///
/// The factor has no meaning; the published sets are made so. Of the power itself, not of its logarithm: per hertz, mostly
/// negative in speech, 0 in silence, proportional to the square of the gain.
pub(crate) struct PowerSlope {
    /// The slope is linear in the powers: Σ coefficient · P.
    coefficients: Vec<f64>,
}

impl PowerSlope {
    /// For powers at these frequencies.
    pub(crate) fn new(hertz: &[f64]) -> Self {
        let count = hertz.len() as f64;
        let (sum, squares) = hertz.iter().fold((0.0, 0.0), |(sum, squares), f| (sum + f, squares + f * f));
        let scale = (count - 1.0) / (count * squares - sum * sum);
        Self { coefficients: hertz.iter().map(|f| scale * (count * f - sum)).collect() }
    }

    pub(crate) fn value(&self, powers: &[f64]) -> f64 {
        vectorized(
            #[inline(always)]
            || wide_dot(&self.coefficients, powers),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_slope() {
        let hertz: Vec<f64> = (1..=256).map(|bin| f64::from(bin) * 31.25).collect();
        let slope = PowerSlope::new(&hertz);
        let line: Vec<f64> = hertz.iter().map(|f| 900.0 - 0.1 * f).collect();
        assert!((slope.value(&line) + 25.5).abs() < 1e-9);
        assert!(slope.value(&[3.0; 256]).abs() < 1e-9);
        assert_eq!(slope.value(&[0.0; 256]), 0.0);
    }
}
