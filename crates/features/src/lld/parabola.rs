//! The parabola through three points.

/// Abscissa and ordinate of the extremum of the parabola through the points (`x` − `step`, y₀), (`x`, y₁) and (`x` + `step`,
/// y₂); where they lie on a line, the highest of them.
pub(crate) fn vertex(x: f64, step: f64, [before, here, after]: [f64; 3]) -> (f64, f64) {
    let curvature = before - 2.0 * here + after;
    if curvature == 0.0 {
        let points = [(x, here), (x - step, before), (x + step, after)];
        return points.into_iter().fold(points[0], |best, point| if point.1 > best.1 { point } else { best });
    }
    let slope = after - before;
    (x - step * slope / (2.0 * curvature), here - slope * slope / (8.0 * curvature))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extremum_is_that_of_the_parabola() {
        let parabola = |x: f64| 5.0 - 3.0 * (x - 2.3).powi(2);
        let (x, y) = vertex(2.0, 0.5, [parabola(1.5), parabola(2.0), parabola(2.5)]);
        assert!((x - 2.3).abs() < 1e-12 && (y - 5.0).abs() < 1e-12);
        assert_eq!(vertex(2.0, 1.0, [1.0, 2.0, 3.0]), (3.0, 3.0));
        assert_eq!(vertex(2.0, 1.0, [4.0, 4.0, 4.0]), (2.0, 4.0));
    }
}
