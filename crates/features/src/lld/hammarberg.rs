//! Hammarberg index: the strongest peak below 2 kHz against the strongest above.

use std::ops::Range;

use crate::lld::bins_where;

/// The least power below 2 kHz that is told from none.
const FLOOR: f64 = 1e-14;

/// The Hammarberg index of one frame (B. Hammarberg et al., "Perceptual and acoustic correlates of abnormal voice
/// qualities", Acta Oto-Laryngologica 90, 1980).
///
/// 10 log₁₀(max P(< 2 kHz) / max P(2 … 5 kHz)) in dB: voices mostly have 0 to 50. 0 in silence. The gain of a recording does
/// not change it.
pub(crate) struct HammarbergIndex {
    low: Range<usize>,
    high: Range<usize>,
}

impl HammarbergIndex {
    pub(crate) fn new(bins: usize, bin_width: f64) -> Self {
        Self {
            low: bins_where(bins, bin_width, 0.0, |hertz| hertz < 2000.0),
            high: bins_where(bins, bin_width, 2000.0, |hertz| hertz <= 5000.0),
        }
    }

    pub(crate) fn value(&self, powers: &[f64]) -> f64 {
        let most = |bins: &Range<usize>| powers[bins.clone()].iter().copied().fold(0.0, f64::max);
        let high = most(&self.high);
        if high == 0.0 { 0.0 } else { 10.0 * (most(&self.low).max(FLOOR) / high).log10() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_that_of_the_peaks() {
        let index = HammarbergIndex::new(257, 31.25);
        let mut powers = vec![0.0; 257];
        assert_eq!(index.value(&powers), 0.0);
        powers[63] = 10.0;
        powers[10] = 9.0;
        assert_eq!(index.value(&powers), 0.0);
        powers[64] = 0.1;
        powers[160] = 0.05;
        powers[161] = 100.0;
        assert!((index.value(&powers) - 20.0).abs() < 1e-9);
    }
}
