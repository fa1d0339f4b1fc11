//! Linear prediction from an autocorrelation.

/// The predictor of order `N` and the error that it leaves of `r(0)`, from `r(0)` to `r(N)`, by the recursion of Levinson and Durbin
/// (J. Makhoul, "Linear prediction: a tutorial review", Proceedings of the IEEE 63, 1975).
///
/// `a(1)` … `a(N)` are the coefficients of the error `x(i) + Σ a(l) x(i − l)`; where nothing is left to predict those that follow
/// are 0.
///
/// The equations of a smooth signal are nearly singular, and their solution hangs on the last bits of all that comes before. As in
/// the standard acoustic sets these are bits of single precision, the recursion multiplies by the reciprocal of the error, and goes
/// on where rounding leaves an error below 0.
pub(crate) fn levinson<const N: usize>(correlations: &[f32]) -> (f32, [f32; N]) {
    let mut predictor = [0.0_f32; N];
    let mut error = correlations[0];
    for order in 0..N {
        let per_error = 1.0 / error;
        if !per_error.is_finite() {
            break;
        }
        let mut sum = correlations[order + 1];
        for lag in 0..order {
            sum += predictor[lag] * correlations[order - lag];
        }
        let reflection = -sum * per_error;
        let shorter = predictor;
        for lag in 0..order {
            predictor[lag] = shorter[lag] + reflection * shorter[order - 1 - lag];
        }
        predictor[order] = reflection;
        error *= 1.0 - reflection * reflection;
    }
    (error, predictor)
}
