//! Spectral flux: the change from frame to frame.

use std::ops::Range;

use crate::lld::bins_where;

/// The spectral flux of one frame after the other: √(mean (M(t, k) − M(t − 1, k))²) of the unnormalised magnitudes M from
/// 0 Hz to below 5 kHz (as in F. Eyben et al., IEEE Transactions on Affective Computing 7(2), 2016).
///
/// 0 for the first frame and for steady sounds; proportional to the gain of the recording.
pub(crate) struct SpectralFlux {
    bins: Range<usize>,
    previous: Vec<f64>,
    begun: bool,
}

impl SpectralFlux {
    pub(crate) fn new(bins: usize, bin_width: f64) -> Self {
        let bins = bins_where(bins, bin_width, 0.0, |hertz| hertz < 5000.0);
        Self { previous: vec![0.0; bins.len()], bins, begun: false }
    }

    /// Begins a new recording.
    pub(crate) fn reset(&mut self) {
        self.begun = false;
    }

    /// The change against the powers of the call before.
    pub(crate) fn advance(&mut self, powers: &[f64]) -> f64 {
        let mut sum = 0.0;
        for (previous, power) in self.previous.iter_mut().zip(&powers[self.bins.clone()]) {
            let magnitude = power.sqrt();
            sum += (magnitude - *previous).powi(2);
            *previous = magnitude;
        }
        let first = !std::mem::replace(&mut self.begun, true);
        if first { 0.0 } else { (sum / self.previous.len() as f64).sqrt() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_change_below_five_kilohertz_counts() {
        let mut flux = SpectralFlux::new(257, 31.25);
        let mut powers = vec![1.0; 257];
        assert_eq!(flux.advance(&powers), 0.0);
        assert_eq!(flux.advance(&powers), 0.0);
        powers[160] = 50.0;
        assert_eq!(flux.advance(&powers), 0.0);
        powers[..160].fill(9.0);
        assert_eq!(flux.advance(&powers), 2.0);
        flux.reset();
        assert_eq!(flux.advance(&vec![0.0; 257]), 0.0);
    }
}
