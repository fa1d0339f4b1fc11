//! Mean and standard deviation.

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
}
