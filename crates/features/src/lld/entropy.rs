//! Entropy of the spectrum.

use crate::lanes::{log2, sum_of_eight, vectorized};

/// The least power that counts, of a bin and of a frame. The second is in single precision, larger by a hundred-millionth: silence has an
/// entropy of 0.000004 instead of 0 by that, which functionals that leave out exact zeros tell apart.
const FLOOR: f64 = 1e-7;
const FRAME_FLOOR: f32 = 1e-7;

/// The entropy of the power of a frame over its bins, −Σ q log₂ q in bits with q = max(P, 1e-7) / max(Σ P, 1e-7) (H. Misra
/// et al., "Spectral entropy based feature for robust ASR", ICASSP 2004).
///
/// `powers` are those of the bins above 0 Hz, and `total` is their sum. From 0, all power in one bin, to the logarithm of their
/// number, 8 to 9 for a flat spectrum. Gain changes nothing unless a bin is at the floor. The floor is counted in without
/// making the shares add to one again, so in near silence, where all of a frame is below it, the value may be anything down to 0.
pub(crate) fn spectral_entropy(powers: &[f64], total: f64) -> f64 {
    let scale = 1.0 / total.max(f64::from(FRAME_FLOOR));
    vectorized(
        #[inline(always)]
        || {
            let mut sums = [0.0; 8];
            let mut add = |lane: usize, power: f64| {
                let share = if power > FLOOR { power } else { FLOOR } * scale;
                sums[lane] -= share * log2(share);
            };
            let (eights, rest) = powers.as_chunks::<8>();
            for eight in eights {
                for lane in 0..8 {
                    add(lane, eight[lane]);
                }
            }
            for (lane, power) in rest.iter().enumerate() {
                add(lane, *power);
            }
            sum_of_eight(&sums)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_none_and_a_flat_spectrum_has_most() {
        let mut powers = vec![0.0; 256];
        powers[40] = 1e9;
        assert!(spectral_entropy(&powers, 1e9).abs() < 1e-9);
        for level in [1e-3, 1.0, 1e6] {
            assert!((spectral_entropy(&[level; 256], 256.0 * level) - 8.0).abs() < 1e-9, "{level}");
            assert!((spectral_entropy(&[level; 12], 12.0 * level) - 12.0_f64.log2()).abs() < 1e-9, "{level}");
        }
        assert!((spectral_entropy(&[0.0; 256], 0.0) - 4.316_025e-6).abs() < 1e-12);
    }

    #[test]
    fn shares_of_powers_of_two_have_whole_bits() {
        assert!((spectral_entropy(&[8.0, 4.0, 2.0, 2.0], 16.0) - 1.75).abs() < 1e-12);
    }
}
