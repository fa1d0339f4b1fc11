//! The line and the parabola that a contour is nearest to.

use super::extremes::Extremes;
use super::limit;
use crate::lanes::wide_sums;
use crate::lld::framing::HOP;

/// Functionals of the course of a contour, in the order of [`regression`].
pub(crate) const NAMES: [&str; 8] =
    ["linregc1", "linregc2", "linregerrQ", "qregc1", "qregc2", "qregc3", "qregerrQ", "centroid"];

/// What slopes are told a step of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Time {
    /// From value to value, where some were taken out.
    Values,
    Seconds,
}

/// Least squares over the index i = 0 … m − 1, named by [`NAMES`]; all 0 for an empty contour.
///
/// The line is `m₁ i + t` and the parabola `a i² + b i + c`, both of the contour in units of its range and from its least value
/// on:
///
/// - `linregc1`, `linregc2`: m₁, in ranges a step of `time`, and t, in ranges.
/// - `qregc1`, `qregc2`, `qregc3`: a, in ranges a squared step, b, in ranges a step, and c, in ranges.
/// - `linregerrQ`, `qregerrQ`: the mean squared distance from the line and from the parabola, in squared ranges.
/// - `centroid`: `Σ i|x_i| / Σ|x_i|` over m, the centre of the contour's magnitude, from 0 to 1.
///
/// All but `centroid` are 0 for a contour without a range. What is unusual: slopes are held near a tenth of the range from value
/// to value, and a near its root, before they are divided by anything; two values have the line through them, but their
/// parabola is 0.
pub(crate) fn regression(values: &[f32], extremes: Extremes, time: Time) -> [f64; NAMES.len()] {
    let count = values.len() as f64;
    let middle = (count - 1.0) / 2.0;
    let [sum, first, second, magnitude, moment] = wide_sums(
        values,
        #[inline(always)]
        |index, value| {
            let from_middle = index - middle;
            let product = from_middle * value;
            [value, product, from_middle * product, value.abs(), index * value.abs()]
        },
    );
    let centroid = if magnitude == 0.0 { 0.0 } else { moment / magnitude / count };
    let range = extremes.range();
    if range == 0.0 {
        return [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, centroid];
    }

    // Over the distance from the middle, its first two powers do not disturb each other.
    let squares = count * (count * count - 1.0) / 12.0;
    let fourths = squares * (3.0 * count * count - 7.0) / 20.0;
    let mean = sum / count;
    let slope = first / squares;
    let intercept = mean - slope * middle;
    let [a, b, c] = if values.len() < 3 {
        [0.0; 3]
    } else {
        let curvature = (second - squares * mean) / (fourths - squares * squares / count);
        let tilt = slope - 2.0 * curvature * middle;
        [curvature, tilt, mean - curvature * squares / count - slope * middle + curvature * middle * middle]
    };
    let [line_error, parabola_error] = wide_sums(
        values,
        #[inline(always)]
        |index, value| {
            let from_line = (value - intercept - slope * index) / range;
            let from_parabola = (value - c - index * (b + a * index)) / range;
            [from_line * from_line, from_parabola * from_parabola]
        },
    );

    let step = match time {
        Time::Values => 1.0,
        Time::Seconds => HOP,
    };
    let tenth = range / 10.0;
    let held = |value: f64, bound: f64| limit(value, bound, bound + 0.01);
    let least = f64::from(extremes.least);
    [
        held(slope, tenth) / step / range,
        (intercept - least) / range,
        line_error / count,
        held(a, tenth.sqrt()) / (step * step) / range,
        held(b, tenth) / step / range,
        (c - least) / range,
        parabola_error / count,
        centroid,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(values: &[f32], time: Time) -> [f64; 8] {
        regression(values, Extremes::of(values), time)
    }

    fn near(found: &[f64], expected: &[f64]) -> bool {
        found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9)
    }

    #[test]
    fn lines_and_parabolas_are_found() {
        // From 5 up by 2 a value: a range of 40.
        let line: Vec<f32> = (0..21_u8).map(|n| 5.0 + 2.0 * f32::from(n)).collect();
        let found = find(&line, Time::Values);
        assert!(near(&found[..7], &[0.05, 0.0, 0.0, 0.0, 0.05, 0.0, 0.0]), "{found:?}");
        let found = find(&line, Time::Seconds);
        assert!(near(&found[..3], &[5.0, 0.0, 0.0]), "{found:?}");

        // 0.25 i² − 2 i + 3, from −1 at 4 to 3 at 8: a range of 4, and slopes far above a tenth of it.
        let parabola: Vec<f32> = (0..9_u8).map(f32::from).map(|n| 0.25 * n * n - 2.0 * n + 3.0).collect();
        let bent = -(0.4 + 0.41 * ((2.6_f64.sqrt() - 1.0) / 0.205).tanh());
        let expected = [0.0, 5.0 / 12.0, 19.25 / 144.0, 0.0625, bent / 4.0, 1.0, 0.0, 4.0 / 9.0];
        assert!(near(&find(&parabola, Time::Values), &expected));
    }

    #[test]
    fn short_and_flat_contours_are_defined() {
        assert_eq!(find(&[], Time::Seconds), [0.0; 8]);
        assert_eq!(find(&[3.0], Time::Seconds), [0.0; 8]);
        assert_eq!(find(&[0.0; 5], Time::Seconds), [0.0; 8]);
        // Two values: the line through them, no parabola, whose squared distances are then 1 and 9 over 4.
        let found = find(&[1.0, 3.0], Time::Values);
        assert!(near(&found[1..], &[0.0, 0.0, 0.0, 0.0, -0.5, 1.25, 0.375]), "{found:?}");
        assert!(near(&find(&[2.0; 5], Time::Values), &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.4]));
        assert!(find(&[f32::MAX, -f32::MAX, 0.0, 1.0], Time::Seconds).iter().all(|value| value.is_finite()));
    }
}
