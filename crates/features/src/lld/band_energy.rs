//! Energy of a band of the spectrum.

use crate::lanes::{vectorized, wide_dot};
use crate::lld::band::Band;

/// The power of one frame in a band: Σ weight(k) · P(k) / K, with K the number of bins above 0 Hz, and weights of 1 inside the
/// band and of the covered part of a bin at its edges (F. Weninger et al., "On the Acoustics of Emotion in Audio", Frontiers in
/// Psychology 4, 2013).
///
/// Without unit; 0 in silence, proportional to the square of the gain, and not related to the energy of the whole frame.
pub(crate) struct BandEnergy {
    first: usize,
    weights: Vec<f64>,
}

impl BandEnergy {
    /// From `low` to `high` hertz.
    pub(crate) fn new(bins: usize, bin_width: f64, low: f64, high: f64) -> Self {
        let Band { first, weights } = Band::new(bins, bin_width, low, high);
        Self { first, weights: weights.into_iter().map(|weight| weight / (bins - 1) as f64).collect() }
    }

    pub(crate) fn value(&self, powers: &[f64]) -> f64 {
        vectorized(
            #[inline(always)]
            || wide_dot(&self.weights, &powers[self.first..]),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_of_a_flat_spectrum_has_the_share_of_its_width() {
        for (bins, width) in [(129, 31.25), (257, 31.25), (513, 46.875)] {
            let energy = BandEnergy::new(bins, width, 1000.0, 4000.0).value(&vec![2.0; bins]);
            let expected = 2.0 * 3000.0 / ((bins - 1) as f64 * width);
            assert!((energy / expected - 1.0).abs() < 0.02, "{bins}: {energy} {expected}");
        }
    }

    #[test]
    fn only_the_band_counts() {
        let energy = BandEnergy::new(257, 31.25, 250.0, 650.0);
        for (bin, expected) in [(7, 0.0), (8, 1.0), (19, 1.0), (20, 0.8), (21, 0.0)] {
            let mut powers = vec![0.0; 257];
            powers[bin] = 256.0;
            assert!((energy.value(&powers) - expected).abs() < 1e-12, "{bin}");
        }
    }
}
