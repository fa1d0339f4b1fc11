//! The bins of a band.

/// The bins of a band in hertz, and what share of each lies inside: 1, less at the edges.
pub(super) struct Band {
    pub(super) first: usize,
    /// At least one.
    pub(super) weights: Vec<f64>,
}

impl Band {
    /// From `low` to `high` hertz in spectra of `bins` bins `bin_width` hertz apart. What lies above the last bin is cut off.
    pub(super) fn new(bins: usize, bin_width: f64, low: f64, high: f64) -> Self {
        let hertz = |bin: usize| bin as f64 * bin_width;
        let whole_if_none = |part: f64| if part == 0.0 { 1.0 } else { part };
        let after_low = (1..bins).find(|bin| hertz(*bin) > low).unwrap_or(bins - 1);
        let first = after_low - 1;
        let (last, last_weight) = match (0..bins).find(|bin| hertz(*bin) >= high) {
            Some(bin) if hertz(bin) > high => (bin - 1, whole_if_none((high - hertz(bin - 1)) / bin_width)),
            Some(bin) => (bin, whole_if_none((high - hertz(bin - 1)) / bin_width)),
            None => (bins - 1, 1.0),
        };
        let weight = |bin: usize| match bin {
            _ if bin == first => whole_if_none((hertz(after_low) - low) / bin_width),
            _ if bin == last => last_weight,
            _ => 1.0,
        };
        Self { first, weights: (first..=last.max(first)).map(weight).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_count_by_the_part_that_lies_inside() {
        let band = Band::new(257, 31.25, 250.0, 650.0);
        assert_eq!((band.first, band.weights.len()), (8, 13));
        assert_eq!((band.weights[0], band.weights[1]), (1.0, 1.0));
        assert!((band.weights[12] - 0.8).abs() < 1e-12);
        let band = Band::new(513, 46.875, 0.0, 500.0);
        assert_eq!((band.first, band.weights.len()), (0, 11));
        assert!((band.weights[10] - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_band_ends_with_the_spectrum() {
        let band = Band::new(129, 31.25, 1000.0, 9000.0);
        assert_eq!((band.first, band.weights), (32, vec![1.0; 97]));
    }
}
