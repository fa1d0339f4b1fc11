//! Softmax and cross-entropy.

/// Turns logits into probabilities in place: each row of `classes` values becomes
/// `exp(z) / Σ exp(z)`, computed from the row's largest value so that it cannot overflow.
///
/// Values beyond the last whole row are left as they are, as is everything if `classes` is 0.
///
/// ```
/// let mut scores = [0.0, f32::ln(3.0), 1000.0, -1000.0];
/// stimmung_nn::softmax(&mut scores, 2);
/// assert!((scores[1] - 0.75).abs() < 1e-6);
/// assert_eq!(scores[2..], [1.0, 0.0]);
/// ```
pub fn softmax(logits: &mut [f32], classes: usize) {
    if classes == 0 {
        return;
    }
    for row in logits.chunks_exact_mut(classes) {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut sum = 0.0;
        for x in &mut *row {
            *x = (*x - largest).exp();
            sum += *x;
        }
        for x in row {
            *x /= sum;
        }
    }
}

/// The cross-entropy of one sample, `w · -ln softmax(z)[label]`, and its gradient `w · (softmax(z) - onehot) / batch`
/// with respect to the logits.
///
/// The loss of a batch is the mean over its samples, as in Keras; the weights do not enter the divisor. Parts of the
/// gradient below 1e-20 become zero: nothing would come of them but subnormal numbers, on which
/// processors are slow.
pub(crate) fn cross_entropy(logits: &[f32], label: usize, weight: f32, batch: usize, gradient: &mut [f32]) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for (g, z) in gradient.iter_mut().zip(logits) {
        *g = (z - largest).exp();
        sum += *g;
    }
    let share = weight / batch as f32;
    let scale = share / sum;
    for (class, g) in gradient.iter_mut().enumerate() {
        let value = if class == label { *g * scale - share } else { *g * scale };
        *g = if value.abs() < 1e-20 { 0.0 } else { value };
    }
    f64::from(weight) * (f64::from(sum).ln() - f64::from(logits[label] - largest))
}

/// The class with the largest score; the first of equal ones.
pub(crate) fn best(scores: &[f32]) -> usize {
    let mut best = 0;
    for (class, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = class;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_lose_the_logarithm_of_their_number() {
        let mut gradient = [9.0; 4];
        let loss = cross_entropy(&[3.0; 4], 1, 1.0, 2, &mut gradient);
        assert!((loss - 4f64.ln()).abs() < 1e-7);
        assert_eq!(gradient, [0.125, -0.375, 0.125, 0.125]);
    }

    #[test]
    fn gradient_matches_finite_differences_in_f64() {
        let logits = [0.3f32, -1.2, 2.0, 0.0];
        let (label, weight, batch) = (3, 1.7f32, 5);
        let reference = |logits: &[f64]| {
            let sum: f64 = logits.iter().map(|z| z.exp()).sum();
            f64::from(weight) * (sum.ln() - logits[label])
        };
        let mut gradient = [0.0; 4];
        let loss = cross_entropy(&logits, label, weight, batch, &mut gradient);
        let wide = logits.map(f64::from);
        assert!((loss - reference(&wide)).abs() < 1e-6);
        for i in 0..4 {
            let at = |step: f64| {
                let mut moved = wide;
                moved[i] += step;
                reference(&moved)
            };
            let numeric = (at(1e-5) - at(-1e-5)) / 2e-5 / batch as f64;
            assert!((f64::from(gradient[i]) - numeric).abs() < 1e-7, "{i}: {} {numeric}", gradient[i]);
        }
    }

    #[test]
    fn extreme_scores_stay_finite_and_leave_no_subnormals() {
        let mut gradient = [0.0; 3];
        let loss = cross_entropy(&[1e30, -1e30, 0.0], 0, 1.0, 1, &mut gradient);
        assert_eq!((loss, gradient), (0.0, [0.0; 3]));
        let loss = cross_entropy(&[0.0, -90.0, -60.0], 1, 1.0, 1, &mut gradient);
        assert!((loss - 90.0).abs() < 1e-4);
        assert_eq!(gradient, [1.0, -1.0, 0.0]);
    }

    #[test]
    fn nan_scores_give_a_nan_loss() {
        let mut gradient = [0.0; 2];
        assert!(cross_entropy(&[f32::NAN, 0.0], 0, 1.0, 1, &mut gradient).is_nan());
        assert!(cross_entropy(&[f32::NAN, 0.0], 1, 1.0, 1, &mut gradient).is_nan());
    }

    #[test]
    fn the_first_of_equals_is_best() {
        assert_eq!(best(&[1.0, 3.0, 3.0]), 1);
        assert_eq!(best(&[f32::NAN]), 0);
    }
}
