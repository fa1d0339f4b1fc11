//! How strongly peaks and valleys of the spectrum alternate.

use crate::lanes::vectorized;

/// Harmonicity of the spectrum of one frame: Σ |difference| of neighbouring local extrema of the power, over twice the number K of
/// bins above 0 Hz. Extrema are bins of 3 to K − 2 that are larger, or smaller, than the two bins on either side of them
/// (F. Weninger et al., "On the Acoustics of Emotion in Audio", Frontiers in Psychology 4, 2013).
///
/// Without unit; 0 in silence, proportional to the square of the gain.
#[derive(Debug, Default)]
pub(crate) struct SpectralHarmonicity {
    extrema: Vec<f64>,
}

impl SpectralHarmonicity {
    /// Of all powers, that at 0 Hz among them.
    pub(crate) fn value(&mut self, powers: &[f64]) -> f64 {
        let extrema = &mut self.extrema;
        extrema.clear();
        extrema.resize(powers.len(), 0.0);
        vectorized(
            #[inline(always)]
            || {
                let mut count = 0;
                for around in powers.windows(5).skip(1) {
                    let [a, b, here, c, d] = [around[0], around[1], around[2], around[3], around[4]];
                    let peak = above(here, a) & above(here, b) & above(here, c) & above(here, d);
                    let valley = above(a, here) & above(b, here) & above(c, here) & above(d, here);
                    // Written in any case and kept where it counts: no branch depends on a bin.
                    extrema[count] = here;
                    count += peak | valley;
                }
                let mut sum = 0.0;
                for pair in extrema[..count].windows(2) {
                    sum += (pair[1] - pair[0]).abs();
                }
                sum / (2 * (powers.len() - 1)) as f64
            },
        )
    }
}

/// 1 where `a` is larger.
#[inline(always)]
fn above(a: f64, b: f64) -> usize {
    usize::from(a > b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peak_counts_up_and_down() {
        let mut harmonicity = SpectralHarmonicity::default();
        // Peaks of 5 every eight bins, valleys of 1 between them.
        let powers: Vec<f64> = (0..257_i32).map(|bin| f64::from(1 + (bin % 8 - 4).abs())).collect();
        // The extrema of 3 to K − 2 are at 4, 8, … 252: each of the 62 steps between them is one of 4.
        assert_eq!(harmonicity.value(&powers), 62.0 * 4.0 / 512.0);
        assert_eq!(harmonicity.value(&[2.0; 257]), 0.0);
    }

    #[test]
    fn bins_at_the_edges_and_ripples_of_one_bin_do_not_count() {
        let mut harmonicity = SpectralHarmonicity::default();
        let mut powers = vec![0.0; 65];
        powers[2] = 9.0;
        powers[63] = 9.0;
        assert_eq!(harmonicity.value(&powers), 0.0);
        // Neither is higher than both of its neighbours' neighbours.
        powers[20] = 3.0;
        powers[22] = 3.0;
        powers[21] = 1.0;
        assert_eq!(harmonicity.value(&powers), 0.0);
    }
}
