//! The logistic function and the hyperbolic tangent, in a form that compiles to vector instructions.
//!
//! The standard library works on one value at a time, and asks the platform's library, which differs. Here are no branches and no
//! fused multiplications, so that every processor gets the same bits. Call them inside
//! [`vectorised`](crate::simd::vectorised).
#![allow(clippy::inline_always)] // As in `simd`: compiled for wide vectors only if inlined.

use crate::simd::{exp_m1_below_zero, exponential};

/// `1 / (1 + exp(-x))`. Never below `exp(-87)`, so that nothing subnormal comes of it; NaN stays NaN.
#[inline(always)]
pub(crate) fn logistic(x: f32) -> f32 {
    let (power, bracket) = exponential(-x.clamp(-87.0, 87.0));
    1.0 / (1.0 + (power * bracket + power))
}

/// `tanh x`, exact to a few units in the last place also near 0; NaN stays NaN.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let less = exp_m1_below_zero(-2.0 * x.abs());
    (-less / (less + 2.0)).copysign(x)
}

/// Zero in the place of numbers that are as good as that. A state or a gradient that shrinks at every step would otherwise end
/// among the subnormal numbers, or its products would, on which processors are slow. NaN stays NaN.
#[inline(always)]
pub(crate) fn flushed(x: f32) -> f32 {
    if x.abs() < 1e-20 { 0.0 } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From -100 to 100, denser towards 0.
    fn points() -> impl Iterator<Item = f32> {
        (-40_000..=40_000).map(|i| (i as f32 / 40_000.0).powi(3) * 100.0)
    }

    #[test]
    fn near_the_exact_values_relatively() {
        let (mut worst_tanh, mut worst_logistic) = (0.0f64, 0.0f64);
        for x in points() {
            let wide = f64::from(x);
            let error = |actual: f32, exact: f64| {
                if exact == 0.0 { f64::from(actual) } else { f64::from(actual) / exact - 1.0 }
            };
            worst_tanh = worst_tanh.max(error(tanh(x), wide.tanh()).abs());
            if x.abs() < 87.0 {
                worst_logistic = worst_logistic.max(error(logistic(x), 1.0 / (1.0 + (-wide).exp())).abs());
            }
        }
        assert!(worst_tanh < 4e-7 && worst_logistic < 4e-7, "{worst_tanh:e} {worst_logistic:e}");
    }

    #[test]
    fn symmetric_and_bounded() {
        for x in points() {
            assert_eq!(tanh(-x), -tanh(x));
            assert!(tanh(x).abs() <= 1.0 && (0.0..=1.0).contains(&logistic(x)), "{x}");
        }
    }

    #[test]
    fn extremes() {
        assert_eq!([0.0, 30.0, f32::INFINITY, f32::NEG_INFINITY].map(tanh), [0.0, 1.0, 1.0, -1.0]);
        assert!(tanh(-0.0).is_sign_negative());
        assert_eq!([0.0, f32::INFINITY].map(logistic), [0.5, 1.0]);
        let least = logistic(f32::NEG_INFINITY);
        assert!(least.is_normal() && least < 2e-38, "{least:e}");
        assert!(tanh(f32::NAN).is_nan() && logistic(f32::NAN).is_nan());
        assert_eq!(tanh(1e-30), 1e-30);
    }
}
