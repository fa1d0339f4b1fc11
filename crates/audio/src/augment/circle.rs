//! Angles and points of the circle, in loops that the compiler turns into vector instructions.
//!
//! The functions of the standard library are called one value at a time and differ from platform to platform in the last
//! bit. These have no branches, and the same bits everywhere. Their errors are far below the rounding of the `f32`
//! numbers they are computed from.

// Only what is inlined into the closure of `pulp` is compiled for the instruction set that it picks.
#![allow(clippy::inline_always)]

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI, TAU};

/// tan(π/8), above which an angle is measured from π/4.
const TAN_PI_8: f64 = 0.414_213_562_373_095_03;

/// Adding and subtracting it rounds to the nearest whole number, ties to the even one, for numbers below 2^51.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// The nearest whole number. `round_ties_even` is a function call where the baseline instruction set has no instruction.
#[inline(always)]
pub(super) fn nearest(x: f64) -> f64 {
    (x + ROUNDER) - ROUNDER
}

/// The angle of the point (x, y), in −π to π, within 4e-12; 0 for the origin, whatever the signs of its zeros.
#[inline(always)]
pub(super) fn angle(y: f64, x: f64) -> f64 {
    let (wide, high) = (x.abs(), y.abs());
    let (small, large) = if high > wide { (wide, high) } else { (high, wide) };
    let upper = small > TAN_PI_8 * large;
    let numerator = if upper { small - large } else { small };
    let denominator = if upper { small + large } else { large };
    let z = numerator / if denominator > 0.0 { denominator } else { 1.0 };
    let q = z * z;
    // The series of the inverse tangent, z − z³/3 + z⁵/5 …, of which |z| ≤ tan(π/8) leaves 2e-12 after thirteen terms.
    let mut series = 1.0 / 25.0;
    for odd in [23.0, 21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        series = 1.0 / odd - q * series;
    }
    let mut angle = z * series + if upper { FRAC_PI_4 } else { 0.0 };
    angle = if high > wide { FRAC_PI_2 - angle } else { angle };
    angle = if x < 0.0 { PI - angle } else { angle };
    if y < 0.0 { -angle } else { angle }
}

/// (cos a, sin a) within 1e-10, for |a| below 1e6; farther out the error is that of the angle's own rounding.
#[inline(always)]
pub(super) fn point(angle: f64) -> (f64, f64) {
    // A quarter of the angle lies within ±π/4, where the series are short; doubling it twice gives the angle back.
    let quarter = 0.25 * (angle - TAU * nearest(angle * (1.0 / TAU)));
    let q = quarter * quarter;
    let mut sine = 1.0;
    for product in [12.0 * 13.0, 10.0 * 11.0, 8.0 * 9.0, 6.0 * 7.0, 4.0 * 5.0, 2.0 * 3.0] {
        sine = 1.0 - q * sine * (1.0 / product);
    }
    let mut cosine = 1.0;
    for product in [11.0 * 12.0, 9.0 * 10.0, 7.0 * 8.0, 5.0 * 6.0, 3.0 * 4.0, 1.0 * 2.0] {
        cosine = 1.0 - q * cosine * (1.0 / product);
    }
    let (s, c) = (quarter * sine, cosine);
    let (s, c) = (2.0 * s * c, c * c - s * s);
    (c * c - s * s, 2.0 * s * c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_are_right_all_around() {
        for step in -20_000..=20_000 {
            let expected = f64::from(step) / 20_000.0 * PI;
            for radius in [1e-30, 1.0, 1e30] {
                let (y, x) = (radius * expected.sin(), radius * expected.cos());
                assert!((angle(y, x) - y.atan2(x)).abs() < 4e-12, "{expected}: {}", angle(y, x));
            }
        }
    }

    #[test]
    fn axes_and_the_origin() {
        for (y, x, expected) in
            [(0.0, 1.0, 0.0), (1.0, 0.0, FRAC_PI_2), (0.0, -1.0, PI), (-1.0, 0.0, -FRAC_PI_2), (0.0, 0.0, 0.0)]
        {
            assert!((angle(y, x) - expected).abs() < 1e-15, "{y} {x}");
        }
        assert_eq!(angle(-0.0, -0.0), 0.0);
    }

    #[test]
    fn points_are_right_far_out() {
        for step in -50_000..50_000 {
            let a = f64::from(step) * 19.37 + 0.001;
            let (c, s) = point(a);
            assert!((c - a.cos()).abs() < 1e-10 && (s - a.sin()).abs() < 1e-10, "{a}: {c} {s}");
        }
    }

    #[test]
    fn halves_go_to_the_even_number() {
        for (x, expected) in [(0.5, 0.0), (1.5, 2.0), (-0.5, 0.0), (-2.5, -2.0), (2.6, 3.0), (-1e9, -1e9)] {
            assert_eq!(nearest(x), expected);
        }
    }
}
