//! Spectral flux: the change from frame to frame.

use std::ops::Range;

/// The spectral flux of one frame after the other: √(mean (M(t, k) − M(t − 1, k))²) of the unnormalised magnitudes M in a
/// range of bins: from 0 Hz to below 5 kHz in eGeMAPS (F. Eyben et al., IEEE Transactions on Affective Computing 7(2), 2016), all
/// but 0 Hz in `ComParE`.
///
/// 0 for the first frame and for steady sounds; proportional to the gain of the recording.
pub(crate) struct SpectralFlux {
    bins: Range<usize>,
    previous: Vec<f64>,
    begun: bool,
}

impl SpectralFlux {
    /// Over these bins.
    pub(crate) fn new(bins: Range<usize>) -> Self {
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
    fn only_change_inside_the_range_counts() {
        let mut flux = SpectralFlux::new(0..160);
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
