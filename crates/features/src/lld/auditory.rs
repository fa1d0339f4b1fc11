//! Power in 26 bands of equal width for the ear.

use crate::lanes::{vectorized, wide_dot};

/// Number of bands.
pub(crate) const BANDS: usize = 26;

/// Lower edge of the first band and upper edge of the last, in hertz.
const EDGES: (f64, f64) = (20.0, 8000.0);

/// The mel scale m = 1127 ln(1 + f / 700).
fn mel(hertz: f64) -> f64 {
    1127.0 * (hertz / 700.0).ln_1p()
}

fn hertz(mel: f64) -> f64 {
    700.0 * (mel / 1127.0).exp_m1()
}

/// Triangular filters on the power spectrum, equally spaced on the mel scale from 20 Hz to 8 kHz, or to half the sampling
/// rate where that is lower.
///
/// A filter is 1 at its centre and falls, linearly in mel, to 0 at the centres of its neighbours; it is not normalised.
pub(crate) struct AuditoryBank {
    filters: Vec<Filter>,
}

struct Filter {
    /// Frequency in hertz where it is 1.
    centre: f64,
    /// Its first bin.
    first: usize,
    weights: Vec<f64>,
}

impl AuditoryBank {
    /// Filters for spectra of `bins` bins that lie `bin_width` hertz apart.
    pub(crate) fn new(bins: usize, bin_width: f64) -> Self {
        let low = EDGES.0;
        let high = EDGES.1.min((bins - 1) as f64 * bin_width);
        // The outermost bins are left out; the sets are defined so.
        let inside = (low / bin_width).round() as usize + 1..((high / bin_width).round() as usize).min(bins);
        let spacing = (mel(high) - mel(low)) / (BANDS + 1) as f64;
        let filter = |band: usize| {
            let centre = mel(low) + (band + 1) as f64 * spacing;
            let weight = |bin: usize| 1.0 - (mel(bin as f64 * bin_width) - centre).abs() / spacing;
            let mut bins = inside.clone().skip_while(|bin| weight(*bin) <= 0.0).peekable();
            let first = bins.peek().copied().unwrap_or(inside.start);
            Filter {
                centre: hertz(centre),
                first,
                weights: bins.map(weight).take_while(|weight| *weight > 0.0).collect(),
            }
        };
        Self { filters: (0..BANDS).map(filter).collect() }
    }

    /// Centre frequencies in hertz.
    pub(crate) fn centres(&self) -> [f64; BANDS] {
        std::array::from_fn(|band| self.filters[band].centre)
    }

    /// The power in every band, Σ weight · power.
    pub(crate) fn apply(&self, powers: &[f64]) -> [f64; BANDS] {
        vectorized(
            #[inline(always)]
            || std::array::from_fn(|band| self.filters[band].apply(powers)),
        )
    }
}

impl Filter {
    #[inline(always)]
    fn apply(&self, powers: &[f64]) -> f64 {
        wide_dot(&self.weights, &powers[self.first..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_the_first_and_the_last_centre_the_weights_of_a_bin_add_to_one() {
        for (bins, width) in [(129, 31.25), (257, 31.25), (513, 46.875)] {
            let bank = AuditoryBank::new(bins, width);
            let centres = bank.centres();
            for bin in 1..bins - 1 {
                let mut powers = vec![0.0; bins];
                powers[bin] = 1.0;
                let sum: f64 = bank.apply(&powers).iter().sum();
                let inside = (centres[0]..=centres[BANDS - 1]).contains(&(bin as f64 * width));
                assert!(if inside { (sum - 1.0).abs() < 1e-12 } else { (0.0..1.0).contains(&sum) }, "{bin}: {sum}");
            }
        }
    }

    #[test]
    fn the_outermost_bins_are_left_out() {
        let bank = AuditoryBank::new(257, 31.25);
        for (bin, counts) in [(0, false), (1, false), (2, true), (255, true), (256, false)] {
            let mut powers = vec![0.0; 257];
            powers[bin] = 1.0;
            assert_eq!(bank.apply(&powers).iter().sum::<f64>() > 0.0, counts, "{bin}");
        }
    }

    #[test]
    fn centres_are_equally_spaced_in_mel() {
        let centres = AuditoryBank::new(257, 31.25).centres().map(mel);
        let spacing = (mel(8000.0) - mel(20.0)) / 27.0;
        assert!(centres.windows(2).all(|pair| (pair[1] - pair[0] - spacing).abs() < 1e-9));
    }
}
