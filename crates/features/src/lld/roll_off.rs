//! Roll-off points of the spectrum.

use crate::lanes::vectorized;

/// Bins that are skipped at once.
const STRIDE: usize = 16;

/// Frequencies in hertz below which the given shares of the power of a frame lie: f(j) of the smallest j with
/// Σ P(1…j) ≥ share · Σ P, for shares in ascending order (G. Peeters, "A large set of audio features for sound description", 2004).
///
/// `powers` are those of the bins above 0 Hz, and `total` is their sum. From one bin to half the sampling rate; in silence it is the
/// first bin that has all there is. Gain changes nothing.
pub(crate) fn roll_offs<const N: usize>(powers: &[f64], total: f64, bin_width: f64, shares: [f64; N]) -> [f64; N] {
    let last = powers.len() - 1;
    let (mut place, mut below) = (0, 0.0);
    vectorized(
        #[inline(always)]
        || {
            shares.map(|share| {
                let wanted = share * total;
                while let Some(ahead) = powers.get(place..place + STRIDE) {
                    let sum = below + eight_sums(ahead);
                    if sum >= wanted {
                        break;
                    }
                    (place, below) = (place + STRIDE, sum);
                }
                let mut sum = below;
                let beyond = powers[place..].iter().position(|power| {
                    sum += power;
                    sum >= wanted
                });
                (beyond.map_or(last, |index| place + index) + 1) as f64 * bin_width
            })
        },
    )
}

/// Σ of [`STRIDE`] values in eight sums.
#[inline(always)]
fn eight_sums(values: &[f64]) -> f64 {
    let sums: [f64; 8] = std::array::from_fn(|lane| values[lane] + values[lane + 8]);
    let fours: [f64; 4] = std::array::from_fn(|lane| sums[lane] + sums[lane + 4]);
    (fours[0] + fours[2]) + (fours[1] + fours[3])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::wide_sum;

    #[test]
    fn points_are_where_a_plain_sum_finds_them() {
        for length in [1, 15, 16, 17, 256, 512] {
            let powers: Vec<f64> = (0..length).map(|bin| f64::from((bin * bin + 7) % 13)).collect();
            let total = wide_sum(&powers);
            let shares = [0.25, 0.5, 0.75, 0.9];
            let plain = shares.map(|share| {
                let mut sum = 0.0;
                let sums = powers.iter().map(|power| {
                    sum += power;
                    sum
                });
                (sums.take_while(|sum| *sum < share * total).count() + 1) as f64 * 31.25
            });
            assert_eq!(roll_offs(&powers, total, 31.25, shares), plain, "{length}");
        }
    }

    #[test]
    fn silence_has_the_first_bin_and_a_line_has_its_frequency() {
        let mut powers = vec![0.0; 256];
        assert_eq!(roll_offs(&powers, 0.0, 31.25, [0.25, 0.9]), [31.25, 31.25]);
        powers[31] = 5.0;
        assert_eq!(roll_offs(&powers, 5.0, 31.25, [0.25, 0.9]), [1000.0, 1000.0]);
    }
}
