//! Derivatives over time.

use crate::error::FeatureError;
use crate::frames::Frames;

/// Derivative over time of every band by a moving polynomial of the same order as the derivative (Savitzky & Golay 1964).
///
/// `width` is the number of frames under the polynomial (odd, at least 3 and more than `order`; librosa's default is 9),
/// `order` is 1 for the slope (delta), 2 for the curvature (delta-delta), at most 8. Near the ends the derivative is that
/// of the polynomial through the outermost `width` frames.
///
/// ```
/// use stimmung_features::{Frames, delta};
///
/// let ramp = Frames::from_rows((0..20).map(|t| 3.0 * t as f32).collect(), 1)?;
/// assert!(delta(&ramp, 9, 1)?.values().iter().all(|slope| (slope - 3.0).abs() < 1e-5));
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
///
/// # Errors
/// [`FeatureError::Parameter`] where `width` or `order` are out of range, [`FeatureError::TooShort`] where there are fewer
/// than `width` frames.
pub fn delta(table: &Frames, width: usize, order: usize) -> Result<Frames, FeatureError> {
    if !(1..=8).contains(&order) {
        return Err(FeatureError::parameter("order", "1 to 8", order));
    }
    if !(3..=255).contains(&width) || width.is_multiple_of(2) || width <= order {
        let expected = format!("an odd number from 3 to 255, more than the order {order}");
        return Err(FeatureError::parameter("width", expected, width));
    }
    let frames = table.frames();
    if frames < width {
        return Err(FeatureError::TooShort { what: "a delta", unit: "frames", minimum: width, actual: frames });
    }
    let half = width / 2;
    // A polynomial of this order has one and the same derivative of this order everywhere.
    let weights = derivative_weights(width, order);
    let mut output = Frames::zeros(frames, table.bands());
    for frame in 0..frames {
        let first = frame.saturating_sub(half).min(frames - width);
        let mut sums = vec![0.0_f64; table.bands()];
        for (offset, weight) in weights.iter().enumerate() {
            for (sum, value) in sums.iter_mut().zip(table.frame(first + offset)) {
                *sum += weight * f64::from(*value);
            }
        }
        for (value, sum) in output.frame_mut(frame).iter_mut().zip(sums) {
            *value = sum as f32;
        }
    }
    Ok(output)
}

/// Weights of the values at −h … h whose sum is the derivative of order `order` of the least-squares polynomial of degree
/// `order`: the leading discrete orthogonal polynomial over its square, times the factorial.
fn derivative_weights(width: usize, order: usize) -> Vec<f64> {
    let half = (width / 2) as f64;
    let points: Vec<f64> = (0..width).map(|index| index as f64 - half).collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let mut basis: Vec<Vec<f64>> = vec![vec![1.0; width]];
    for degree in 1..=order {
        // Monic of its degree: x times the last one, made orthogonal to the two before.
        let last = &basis[degree - 1];
        let mut next: Vec<f64> = last.iter().zip(&points).map(|(p, x)| p * x).collect();
        for earlier in basis.iter().rev().take(2) {
            let share = dot(&next, earlier) / dot(earlier, earlier);
            next.iter_mut().zip(earlier).for_each(|(value, p)| *value -= share * p);
        }
        basis.push(next);
    }
    let leading = &basis[order];
    let factorial: f64 = (1..=order).map(|factor| factor as f64).product();
    let square = dot(leading, leading);
    leading.iter().map(|p| factorial * p / square).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_have_their_derivatives() {
        let parabola = Frames::from_rows((0..30).map(|t| (t * t) as f32).collect(), 1).unwrap();
        assert!(delta(&parabola, 9, 2).unwrap().values().iter().all(|value| (value - 2.0).abs() < 1e-4));
        let slope = delta(&parabola, 5, 1).unwrap();
        assert!((2..28).all(|t| (slope.values()[t] - 2.0 * t as f32).abs() < 1e-4));
        // At the ends the straight line through the outermost five.
        assert_eq!(slope.values()[0], slope.values()[2]);
    }

    #[test]
    fn constants_have_none() {
        let flat = Frames::from_rows(vec![5.0; 40], 2).unwrap();
        assert!(delta(&flat, 9, 1).unwrap().values().iter().all(|value| value.abs() < 1e-6));
    }

    #[test]
    fn bad_requests_are_refused() {
        let table = Frames::zeros(8, 2);
        assert!(matches!(delta(&table, 9, 1), Err(FeatureError::TooShort { minimum: 9, actual: 8, .. })));
        for (width, order) in [(4, 1), (1, 1), (3, 3), (5, 0), (257, 1), (21, 9)] {
            assert!(matches!(delta(&table, width, order), Err(FeatureError::Parameter { .. })), "{width} {order}");
        }
    }
}
