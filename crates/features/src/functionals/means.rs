//! Means of a contour.

use crate::lanes::vectorized;

/// Functionals of a contour's level, in the order of [`means`].
pub(crate) const NAMES: [&str; 5] = ["amean", "flatness", "posamean", "rqmean", "nnz"];

/// Their places.
pub(crate) const AMEAN: usize = 0;
pub(crate) const FLATNESS: usize = 1;
pub(crate) const POSAMEAN: usize = 2;
pub(crate) const RQMEAN: usize = 3;
pub(crate) const NNZ: usize = 4;

/// So many mantissas below 2 have a product below 2^512.
const BLOCK: usize = 512;

/// The bits of the mantissa of a double, those of 1.0, and what the exponent of 1.0 is stored as.
const MANTISSA: u64 = (1 << 52) - 1;
const ONE: u64 = 1.0_f64.to_bits();
const BIAS: f64 = 1023.0;

/// What is summed in one walk along a contour, in eight interleaved sums.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    all: [f64; 8],
    magnitudes: [f64; 8],
    squares: [f64; 8],
    positive: [f64; 8],
    positives: [f64; 8],
    nonzero: [f64; 8],
    exponents: [u64; 8],
}

/// The means of a contour, named by [`NAMES`]; all 0 for an empty one.
///
/// - `amean`: Σx / m, in units of the contour.
/// - `flatness`: the geometric mean of the magnitudes that are not 0, over the arithmetic mean of all magnitudes; 1 for a
///   contour of zeros. What is unusual: zeros count below and not above, so that it can be more than 1.
/// - `posamean`: the mean of the values above 0, in units of the contour; 0 without one.
/// - `rqmean`: √(Σx² / m), in units of the contour.
/// - `nnz`: the share of values that are not 0.
pub(crate) fn means(values: &[f32]) -> [f64; NAMES.len()] {
    if values.is_empty() {
        return [0.0; NAMES.len()];
    }
    let mut sums = Sums::default();
    let mut logarithm = 0.0;
    for block in values.chunks(BLOCK) {
        logarithm += vectorized(
            #[inline(always)]
            || add_block(block, &mut sums),
        )
        .ln();
    }
    let count = values.len() as f64;
    let total = |sums: [f64; 8]| sums.iter().sum::<f64>();
    let nonzero = total(sums.nonzero);
    let magnitude = total(sums.magnitudes) / count;
    let exponent = sums.exponents.iter().sum::<u64>() as f64 - BIAS * nonzero;
    let flatness = if magnitude == 0.0 {
        1.0
    } else {
        ((logarithm + exponent * std::f64::consts::LN_2) / nonzero).exp() / magnitude
    };
    [
        total(sums.all) / count,
        flatness,
        total(sums.positive) / total(sums.positives).max(1.0),
        (total(sums.squares) / count).sqrt(),
        nonzero / count,
    ]
}

/// Adds the values of a block, and gives the product of their mantissas. Logarithms are slow: that of a product is the sum of
/// those of its factors, and the exponents are added as they are. Zero has the mantissa 1 and the stored exponent 0.
#[inline(always)]
fn add_block(block: &[f32], sums: &mut Sums) -> f64 {
    let mut products = [1.0; 8];
    let (eights, rest) = block.as_chunks::<8>();
    let mut last = [0.0; 8];
    for (lane, value) in last.iter_mut().zip(rest) {
        *lane = *value;
    }
    // The zeros that fill up the last eight add nothing to any sum.
    for eight in eights.iter().chain(std::iter::once(&last)) {
        for lane in 0..8 {
            let value = f64::from(eight[lane]);
            let bits = value.abs().to_bits();
            products[lane] *= f64::from_bits(bits & MANTISSA | ONE);
            sums.exponents[lane] += bits >> 52;
            sums.all[lane] += value;
            sums.magnitudes[lane] += value.abs();
            sums.squares[lane] += value * value;
            sums.positive[lane] += if value > 0.0 { value } else { 0.0 };
            sums.positives[lane] += if value > 0.0 { 1.0 } else { 0.0 };
            sums.nonzero[lane] += if value == 0.0 { 0.0 } else { 1.0 };
        }
    }
    products.iter().product()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_of_a_small_contour() {
        let [mean, flatness, positive, quadratic, nonzero] = means(&[1.0, -4.0, 0.0, 16.0, 0.0]);
        assert_eq!(mean, 13.0 / 5.0);
        // The geometric mean of 1, 4 and 16 is 4.
        assert!((flatness - 4.0 * 5.0 / 21.0).abs() < 1e-12, "{flatness}");
        assert_eq!(positive, 8.5);
        assert!((quadratic - (273.0_f64 / 5.0).sqrt()).abs() < 1e-12);
        assert_eq!(nonzero, 0.6);
    }

    #[test]
    fn flatness_of_long_contours_is_that_of_logarithms() {
        let values: Vec<f32> =
            (0..1300_u16).map(|n| (f32::from(n) * 0.37).sin() * 10_f32.powi(i32::from(n % 40) - 30)).collect();
        let nonzero: Vec<f64> = values.iter().map(|v| f64::from(v.abs())).filter(|v| *v > 0.0).collect();
        let geometric = (nonzero.iter().map(|v| v.ln()).sum::<f64>() / nonzero.len() as f64).exp();
        let expected = geometric / (nonzero.iter().sum::<f64>() / values.len() as f64);
        let flatness = means(&values)[FLATNESS];
        assert!((flatness / expected - 1.0).abs() < 1e-12, "{flatness} {expected}");
        assert_eq!(means(&[-2.5; 1025])[FLATNESS], 1.0);
    }

    #[test]
    fn nothing_and_silence_have_means() {
        assert_eq!(means(&[]), [0.0; 5]);
        assert_eq!(means(&[0.0; 9]), [0.0, 1.0, 0.0, 0.0, 0.0]);
        assert_eq!(means(&[-2.0]), [-2.0, 1.0, 0.0, 2.0, 1.0]);
        let extreme = [f32::MAX, f32::from_bits(1), -f32::MAX, f32::MIN_POSITIVE];
        assert!(means(&extreme).iter().all(|value| value.is_finite()));
    }
}
