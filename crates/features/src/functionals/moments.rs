//! Mean, standard deviation, and the shape of the distribution.

use crate::lanes::wide_sums;

/// Functionals of a contour's distribution, in the order of [`shape`].
pub(crate) const NAMES: [&str; 3] = ["stddev", "skewness", "kurtosis"];

/// Mean and spread of a contour.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Moments {
    pub(crate) mean: f64,
    /// Population standard deviation.
    pub(crate) deviation: f64,
}

impl Moments {
    /// The standard deviation over the mean, with its sign; over 1 where the mean is 0.
    pub(crate) fn normalized_deviation(&self) -> f64 {
        if self.mean == 0.0 { self.deviation } else { self.deviation / self.mean }
    }
}

/// The moments of a contour, summed in its order; 0 for an empty one.
pub(crate) fn moments(values: impl ExactSizeIterator<Item = f64> + Clone) -> Moments {
    if values.len() == 0 {
        return Moments::default();
    }
    let count = values.len() as f64;
    let mean = values.clone().sum::<f64>() / count;
    let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    Moments { mean, deviation: variance.sqrt() }
}

/// How the values lie around their mean μ, named by [`NAMES`]; all 0 where all values are equal.
///
/// - `stddev`: σ = √(mean (x − μ)²), in units of the contour.
/// - `skewness`: mean (x − μ)³ / σ³.
/// - `kurtosis`: mean (x − μ)⁴ / σ⁴, at least 1; 3 for a normal distribution, nothing is subtracted.
pub(crate) fn shape(values: &[f32]) -> [f64; NAMES.len()] {
    if values.is_empty() {
        return [0.0; NAMES.len()];
    }
    let count = values.len() as f64;
    let mean = mean(values);
    let [squares, cubes, fourths] = wide_sums(
        values,
        #[inline(always)]
        |_, value| {
            let distance = value - mean;
            let square = distance * distance;
            [square, square * distance, square * square]
        },
    );
    let variance = squares / count;
    let deviation = variance.sqrt();
    if deviation == 0.0 {
        return [0.0; NAMES.len()];
    }
    [deviation, cubes / count / (variance * deviation), fourths / count / (variance * variance)]
}

/// The mean; 0 for an empty contour.
pub(crate) fn mean(values: &[f32]) -> f64 {
    let [sum] = wide_sums(
        values,
        #[inline(always)]
        |_, value| [value],
    );
    sum / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_small_contours() {
        assert_eq!(moments([].into_iter()), Moments::default());
        assert_eq!(moments([-3.0].into_iter()), Moments { mean: -3.0, deviation: 0.0 });
        let found = moments([-1.0, -3.0].into_iter());
        assert_eq!((found.mean, found.normalized_deviation()), (-2.0, -0.5));
        assert_eq!(moments([2.0, -2.0].into_iter()).normalized_deviation(), 2.0);
    }
    #[test]
    fn shapes_of_small_contours() {
        // Around their mean of 1: twice 1 below, once 2 above.
        let [deviation, skewness, kurtosis] = shape(&[0.0, 3.0, 0.0]);
        assert!((deviation - 2_f64.sqrt()).abs() < 1e-12);
        assert!((skewness - 2.0 / 8_f64.sqrt()).abs() < 1e-12);
        assert!((kurtosis - 1.5).abs() < 1e-12);
        assert_eq!(shape(&[0.1; 37]), [0.0; 3]);
        assert_eq!(shape(&[]), [0.0; 3]);
        assert!(shape(&[f32::MAX, -f32::MAX, f32::MAX]).iter().all(|value| value.is_finite()));
    }
}
