//! Alpha ratio: energy of the higher against the lower frequencies.

use std::ops::Range;

use crate::lanes::wide_sum;
use crate::lld::bins_where;

/// The least energy above that is told from none.
const FLOOR: f64 = 1e-14;

/// The alpha ratio of one frame: the energy from 1 to 5 kHz over that below 1 kHz (B. Frøkjær-Jensen & S. Prytz,
/// "Registration of voice quality", Brüel & Kjær Technical Review 3, 1973, here as in F. Eyben et al., IEEE Transactions on
/// Affective Computing 7(2), 2016: high over low).
///
/// 10 log₁₀(Σ P(1 … 5 kHz) / Σ P(< 1 kHz)) in dB: voices mostly have −30 to 0, hisses more than 0. 0 in silence. The gain
/// of a recording does not change it.
pub(crate) struct AlphaRatio {
    low: Range<usize>,
    high: Range<usize>,
}

impl AlphaRatio {
    pub(crate) fn new(bins: usize, bin_width: f64) -> Self {
        Self {
            low: bins_where(bins, bin_width, 0.0, |hertz| hertz < 1000.0),
            high: bins_where(bins, bin_width, 1000.0, |hertz| hertz <= 5000.0),
        }
    }

    pub(crate) fn value(&self, powers: &[f64]) -> f64 {
        let sum = |bins: &Range<usize>| wide_sum(&powers[bins.clone()]);
        let low = sum(&self.low);
        if low == 0.0 { 0.0 } else { 10.0 * (sum(&self.high).max(FLOOR) / low).log10() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_that_of_the_sums() {
        let ratio = AlphaRatio::new(257, 31.25);
        let mut powers = vec![0.0; 257];
        assert_eq!(ratio.value(&powers), 0.0);
        powers[31] = 10.0;
        assert!((ratio.value(&powers) + 150.0).abs() < 1e-9);
        powers[32] = 0.5;
        powers[160] = 0.5;
        powers[161] = 100.0;
        assert!((ratio.value(&powers) + 10.0).abs() < 1e-9);
        // At 8 kHz the upper part ends with the spectrum.
        assert_eq!(AlphaRatio::new(129, 31.25).high, 32..129);
    }
}
