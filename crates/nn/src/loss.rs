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

/// What the scores of one sample are held against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Target {
    /// The sample's class, and that of the sample mixed into it.
    labels: [usize; 2],
    /// What each counts: its class's weight times its share of the mixture.
    weights: [f32; 2],
    /// The label with the larger share; the sample's own if they are equal.
    main: usize,
}

impl Target {
    /// A sample of one class.
    pub(crate) fn single(label: usize, weight: f32) -> Self {
        Self { labels: [label; 2], weights: [weight, 0.0], main: label }
    }

    /// A sample mixed of two, `share` of it from the first; each with the weight of its class.
    pub(crate) fn mixed(labels: [usize; 2], weights: [f32; 2], share: f32) -> Self {
        let main = if share < 0.5 { labels[1] } else { labels[0] };
        Self { labels, weights: [share * weights[0], (1.0 - share) * weights[1]], main }
    }

    /// The class that counts as the right answer.
    pub(crate) fn main(self) -> usize {
        self.main
    }
}

/// The cross-entropy of one sample, `Σ_i w_i · Σ_k -q_ik · ln softmax(z)[k]` over the labels `i` of its target, where
/// `q_ik = (1 - s) · [k = label_i] + s / classes` with the smoothing `s` (Szegedy et al., CVPR 2016, section 7), and its
/// gradient with respect to the logits, `Σ_i w_i · (softmax(z) - q_i) / batch`.
///
/// The loss of a batch is the mean over its samples, as in Keras; the weights do not enter the divisor. Parts of the
/// gradient below 1e-20 become zero: nothing would come of them but subnormal numbers, on which
/// processors are slow.
pub(crate) fn cross_entropy(logits: &[f32], target: Target, smoothing: f32, batch: usize, gradient: &mut [f32]) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for (g, z) in gradient.iter_mut().zip(logits) {
        *g = (z - largest).exp();
        sum += *g;
    }
    let [first, second] = target.weights;
    let batch = batch as f32;
    let scale = (first + second) / batch / sum;
    let own = 1.0 - smoothing;
    let everywhere = smoothing * ((first + second) / batch) / logits.len() as f32;
    for (class, g) in gradient.iter_mut().enumerate() {
        let mut wanted = everywhere;
        for (label, weight) in target.labels.into_iter().zip(target.weights) {
            if label == class {
                wanted += own * (weight / batch);
            }
        }
        let value = *g * scale - wanted;
        *g = if value.abs() < 1e-20 { 0.0 } else { value };
    }
    let log_sum = f64::from(sum).ln();
    let surprise = |class: usize| log_sum - f64::from(logits[class] - largest);
    let own = f64::from(own);
    let mut loss = own * f64::from(first) * surprise(target.labels[0]);
    // Not asked for is not the same as times zero: the surprise may be infinite.
    if second > 0.0 {
        loss += own * f64::from(second) * surprise(target.labels[1]);
    }
    if smoothing > 0.0 {
        let mean = (0..logits.len()).map(surprise).sum::<f64>() / logits.len() as f64;
        loss += f64::from(smoothing) * f64::from(first + second) * mean;
    }
    loss
}

/// The plain cross-entropy of one sample in nats, `-ln softmax(z)[label]`.
pub(crate) fn surprise(logits: &[f32], label: usize) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|z| f64::from(z - largest).exp()).sum();
    sum.ln() - f64::from(logits[label] - largest)
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

    fn plain(logits: &[f32], label: usize, weight: f32, batch: usize, gradient: &mut [f32]) -> f64 {
        cross_entropy(logits, Target::single(label, weight), 0.0, batch, gradient)
    }

    #[test]
    fn equal_scores_lose_the_logarithm_of_their_number() {
        let mut gradient = [9.0; 4];
        let loss = plain(&[3.0; 4], 1, 1.0, 2, &mut gradient);
        assert!((loss - 4f64.ln()).abs() < 1e-7);
        assert_eq!(gradient, [0.125, -0.375, 0.125, 0.125]);
    }

    #[test]
    fn gradients_match_finite_differences_in_f64() {
        let logits = [0.3f32, -1.2, 2.0, 0.0];
        let batch = 5;
        for (labels, weights, share, smoothing) in [
            ([3, 3], [1.7f32, 1.7], 1.0f32, 0.0f32),
            ([3, 3], [1.7, 1.7], 1.0, 0.1),
            ([3, 0], [1.7, 0.6], 0.7, 0.0),
            ([1, 2], [0.0, 1.3], 0.2, 0.25),
            ([2, 2], [1.0, 1.0], 0.4, 0.9),
        ] {
            // The definition: one loss for each label, each against its own smoothed target.
            let reference = |logits: &[f64]| {
                let log_sum = logits.iter().map(|z| z.exp()).sum::<f64>().ln();
                let loss_of = |label: usize, weight: f32| {
                    let wanted = |class| {
                        f64::from(smoothing) / 4.0 + if class == label { 1.0 - f64::from(smoothing) } else { 0.0 }
                    };
                    let terms = logits.iter().enumerate().map(|(class, z)| wanted(class) * (log_sum - z));
                    f64::from(weight) * terms.sum::<f64>()
                };
                let share = f64::from(share);
                share * loss_of(labels[0], weights[0]) + (1.0 - share) * loss_of(labels[1], weights[1])
            };
            let mut gradient = [0.0; 4];
            let target = Target::mixed(labels, weights, share);
            let loss = cross_entropy(&logits, target, smoothing, batch, &mut gradient);
            let wide = logits.map(f64::from);
            assert!((loss - reference(&wide)).abs() < 1e-6, "{target:?} {smoothing}");
            for i in 0..4 {
                let at = |step: f64| {
                    let mut moved = wide;
                    moved[i] += step;
                    reference(&moved)
                };
                let numeric = (at(1e-5) - at(-1e-5)) / 2e-5 / batch as f64;
                let error = (f64::from(gradient[i]) - numeric).abs();
                assert!(error < 1e-7, "{target:?} {smoothing} {i}: {} {numeric}", gradient[i]);
            }
        }
    }

    #[test]
    fn smoothed_and_mixed_losses_are_those_of_pytorch() {
        // Printed by scripts/torch_training_golden.py with PyTorch 2.15.0.
        let logits = [0.3f32, -1.2, 2.0, 0.0];
        let mut gradient = [0.0; 4];
        let loss = cross_entropy(&logits, Target::single(3, 1.0), 0.1, 1, &mut gradient);
        assert!((loss - 2.279_087_982_573).abs() < 1e-6, "{loss}");
        for (actual, expected) in gradient.iter().zip([0.109_446_627, 0.004_999_097, 0.710_953_764, -0.825_399_489]) {
            assert!((f64::from(*actual) - expected).abs() < 1e-6, "{gradient:?}");
        }
        let loss = cross_entropy(&logits, Target::mixed([3, 0], [1.0; 2], 0.7), 0.1, 1, &mut gradient);
        assert!((loss - 2.198_087_982_573).abs() < 1e-6, "{loss}");
        for (actual, expected) in gradient.iter().zip([-0.160_553_373, 0.004_999_097, 0.710_953_764, -0.555_399_489]) {
            assert!((f64::from(*actual) - expected).abs() < 1e-6, "{gradient:?}");
        }
    }

    #[test]
    fn a_mixture_of_one_class_is_that_class() {
        let logits = [0.3f32, -1.2, 2.0];
        let (mut alone, mut mixed) = ([0.0; 3], [0.0; 3]);
        let loss = plain(&logits, 1, 1.0, 2, &mut alone);
        let other = cross_entropy(&logits, Target::mixed([1, 1], [1.0, 1.0], 0.25), 0.0, 2, &mut mixed);
        assert!((loss - other).abs() < 1e-7);
        assert_eq!(alone, mixed);
        // All of the first: the same to the bit.
        let other = cross_entropy(&logits, Target::mixed([1, 0], [1.0, 1.0], 1.0), 0.0, 2, &mut mixed);
        assert_eq!((loss, alone), (other, mixed));
    }

    #[test]
    fn the_larger_share_is_the_main_class() {
        assert_eq!(Target::mixed([1, 2], [1.0; 2], 0.5).main(), 1);
        assert_eq!(Target::mixed([1, 2], [1.0; 2], 0.4).main(), 2);
        assert_eq!(Target::single(3, 0.0).main(), 3);
    }

    #[test]
    fn the_plain_loss_is_that_of_training() {
        let logits = [0.3f32, -1.2, 2.0];
        let loss = plain(&logits, 1, 1.0, 1, &mut [0.0; 3]);
        assert!((loss - surprise(&logits, 1)).abs() < 1e-6);
        assert_eq!(surprise(&[1e30, -1e30], 0), 0.0);
        assert!(surprise(&[f32::INFINITY, 0.0], 1).is_nan());
    }

    #[test]
    fn extreme_scores_stay_finite_and_leave_no_subnormals() {
        let mut gradient = [0.0; 3];
        let loss = plain(&[1e30, -1e30, 0.0], 0, 1.0, 1, &mut gradient);
        assert_eq!((loss, gradient), (0.0, [0.0; 3]));
        let loss = plain(&[0.0, -90.0, -60.0], 1, 1.0, 1, &mut gradient);
        assert!((loss - 90.0).abs() < 1e-4);
        assert_eq!(gradient, [1.0, -1.0, 0.0]);
    }

    #[test]
    fn nan_scores_give_a_nan_loss() {
        let mut gradient = [0.0; 2];
        assert!(plain(&[f32::NAN, 0.0], 0, 1.0, 1, &mut gradient).is_nan());
        assert!(plain(&[f32::NAN, 0.0], 1, 1.0, 1, &mut gradient).is_nan());
    }

    #[test]
    fn the_first_of_equals_is_best() {
        assert_eq!(best(&[1.0, 3.0, 3.0]), 1);
        assert_eq!(best(&[f32::NAN]), 0);
    }
}
