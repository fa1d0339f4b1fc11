//! Linear prediction of a contour from its own past.

use crate::levinson::levinson;

/// Order of the predictor.
const ORDER: usize = 5;

/// Functionals of the predictor, in the order of [`lpc`].
pub(crate) const NAMES: [&str; ORDER + 1] = ["lpgain", "lpc0", "lpc1", "lpc2", "lpc3", "lpc4"];

/// Lags of the autocorrelation are summed side by side, the last two of them for nothing.
const LANES: usize = 8;

/// Above this energy products of the recursion may overflow.
const LARGE: f32 = 1e36;

/// Makes the squares of the largest single-precision numbers small enough to be summed.
const SMALLER: f32 = 1.0 / (1_u128 << 100) as f32;

/// The predictor of order 5, named by [`NAMES`]; all 0 for a contour of zeros.
///
/// From the autocorrelation `r_l = Σ x_i x_{i−l}`, l = 0 … 5, of the contour as it is, its mean in it ([`levinson`]).
///
/// - `lpgain`: the sum of the squared errors of prediction over the number of values, in squared units of the contour.
/// - `lpc0` … `lpc4`: coefficients `a_1` … `a_5` of the error `x_i + Σ a_l x_{i−l}`; `lpc0` is near −1 for a contour that moves
///   slowly.
///
/// The later coefficients of a smooth contour hang on the last bits of the autocorrelation. As in the published sets these are
/// bits of single precision, and every sum runs along the contour.
pub(crate) fn lpc(values: &[f32]) -> [f64; NAMES.len()] {
    let mut scale = 1.0;
    let mut correlation = autocorrelation(values, scale);
    // No lag is larger than the first, but for rounding. The scale is a power of two, so the bits are those without it.
    if correlation[0].is_nan() || correlation[0] > LARGE {
        scale = SMALLER;
        correlation = autocorrelation(values, scale);
    }
    let (error, predictor) = levinson::<ORDER>(&correlation);
    let gain = f64::from(error) / f64::from(scale).powi(2) / values.len().max(1) as f64;
    let [a, b, c, d, e] = predictor.map(f64::from);
    [gain, a, b, c, d, e]
}

/// `r_0` … `r_5`, each summed from the first value on.
fn autocorrelation(values: &[f32], scale: f32) -> [f32; ORDER + 1] {
    let mut sums = [0.0_f32; LANES];
    let mut add = |window: &[f32; LANES]| {
        let newest = window[LANES - 1] * scale;
        for lane in 0..LANES {
            sums[lane] += newest * (window[lane] * scale);
        }
    };
    // Before the first value there are zeros.
    let mut start = [0.0; 2 * LANES];
    let lead = values.len().min(LANES - 1);
    start[LANES - 1..LANES - 1 + lead].copy_from_slice(&values[..lead]);
    start.array_windows().take(lead).for_each(&mut add);
    values.array_windows().for_each(&mut add);
    std::array::from_fn(|lag| sums[LANES - 1 - lag])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loud_contours_have_the_predictor_of_quiet_ones() {
        let wave = |amplitude: f32| -> Vec<f32> { (0..300).map(|n| amplitude * (n as f32 * 0.05).sin()).collect() };
        let [gain, predictor @ ..] = lpc(&wave(1.0));
        for exponent in [58, 60, 62, 63, 64, 100, 127] {
            let [loud, of_loud @ ..] = lpc(&wave(2.0_f32.powi(exponent)));
            assert_eq!(of_loud, predictor, "2^{exponent}");
            assert!((loud / 2.0_f64.powi(2 * exponent) - gain).abs() <= 1e-12 * gain, "2^{exponent}");
        }
    }

    #[test]
    fn decays_are_told_by_their_first_coefficient() {
        // Every value half the one before: nothing is left to tell but the first, whose square is 1.
        let values: Vec<f32> = (0..40).map(|n| 0.5_f32.powi(n)).collect();
        let [gain, predictor @ ..] = lpc(&values);
        assert!((gain - 1.0 / 40.0).abs() < 1e-7, "{gain}");
        assert!((predictor[0] + 0.5).abs() < 1e-6 && predictor[1..].iter().all(|value| value.abs() < 1e-6));
    }

    #[test]
    fn normal_equations_hold() {
        let values: Vec<f32> = (0..50_u16).map(|n| (f32::from(n) * 0.9).sin() + f32::from(n * 7 % 11) * 0.2).collect();
        let [gain, predictor @ ..] = lpc(&values);
        let r = |lag: usize| values.iter().zip(&values[lag..]).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let against =
            |lag: usize| r(lag) + predictor.iter().enumerate().map(|(n, a)| a * r(lag.abs_diff(n + 1))).sum::<f64>();
        assert!((1..=ORDER).all(|lag| against(lag).abs() < 1e-4 * r(0)));
        assert!((gain - against(0) / 50.0).abs() < 1e-4 * gain);
    }

    #[test]
    fn short_flat_and_huge_contours_are_defined() {
        assert_eq!(lpc(&[]), [0.0; 6]);
        assert_eq!(lpc(&[0.0; 20]), [0.0; 6]);
        assert_eq!(lpc(&[-3.0]), [9.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        // r = 2, 1, 0 …, whose coefficients are −5/6, 4/6, −3/6, 2/6, −1/6.
        let pair = lpc(&[1.0, 1.0]);
        assert!((1..6).all(|n| (pair[n] * 6.0 * (-1_f64).powi(n as i32) - (6 - n) as f64).abs() < 1e-5), "{pair:?}");
        let huge = lpc(&[f32::MAX; 30]);
        let ones = lpc(&[1.0; 30]);
        assert!(huge[1..].iter().zip(&ones[1..]).all(|(a, b)| (a - b).abs() < 1e-3), "{huge:?} {ones:?}");
        assert!(huge.iter().all(|value| value.is_finite()));
    }
}
