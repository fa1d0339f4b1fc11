//! Small sums that several models share. All run in a fixed order, whatever the number of threads.
#![allow(clippy::inline_always)] // A loop is only compiled for wide vectors if it is inlined into `vectorised`.

use pulp::Arch;

/// Lanes of the blocked sums; a power of two that fills the vector registers of any machine.
const LANES: usize = 8;

/// Runs a loop with the widest vectors this processor has. Nothing here fuses a multiplication with an addition, so results
/// are the same on every processor.
#[inline(always)]
pub(crate) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    Arch::new().dispatch(work)
}

/// Adds up the lanes.
#[inline(always)]
fn fold(lanes: [f64; LANES]) -> f64 {
    // Halves upon halves, as vector registers are added up.
    let [a, b, c, d, e, f, g, h] = lanes;
    let [a, b, c, d] = [a + e, b + f, c + g, d + h];
    let [a, b] = [a + c, b + d];
    a + b
}

/// `Σ x·w` in `f64`.
#[inline(always)]
pub(crate) fn dot(x: &[f32], w: &[f64]) -> f64 {
    let n = x.len().min(w.len());
    let (x8, x_rest) = x[..n].as_chunks::<LANES>();
    let (w8, w_rest) = w[..n].as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for (a, b) in x8.iter().zip(w8) {
        for l in 0..LANES {
            lanes[l] += f64::from(a[l]) * b[l];
        }
    }
    let rest: f64 = x_rest.iter().zip(w_rest).map(|(&a, b)| f64::from(a) * b).sum();
    fold(lanes) + rest
}

/// `Σ x·y` of two rows, in `f64`.
#[inline(always)]
pub(crate) fn dot_rows(x: &[f32], y: &[f32]) -> f64 {
    sum_pairs(x, y, |a, b| a * b)
}

/// `Σ (x − y)²` of two rows, in `f64`.
#[inline(always)]
pub(crate) fn square_distance(x: &[f32], y: &[f32]) -> f64 {
    sum_pairs(x, y, |a, b| (a - b) * (a - b))
}

#[inline(always)]
fn sum_pairs(x: &[f32], y: &[f32], term: impl Fn(f64, f64) -> f64) -> f64 {
    let n = x.len().min(y.len());
    let (x8, x_rest) = x[..n].as_chunks::<LANES>();
    let (y8, y_rest) = y[..n].as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for (a, b) in x8.iter().zip(y8) {
        for l in 0..LANES {
            lanes[l] += term(f64::from(a[l]), f64::from(b[l]));
        }
    }
    let rest: f64 = x_rest.iter().zip(y_rest).map(|(&a, &b)| term(f64::from(a), f64::from(b))).sum();
    fold(lanes) + rest
}

/// Turns scores into probabilities in place, and returns the logarithm of the sum of their exponentials.
pub(crate) fn softmax(scores: &mut [f64]) -> f64 {
    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for s in scores.iter_mut() {
        *s = (*s - top).exp();
        sum += *s;
    }
    for s in scores.iter_mut() {
        *s /= sum;
    }
    top + sum.ln()
}

/// The weight of each class's recordings: 1, or n / (classes · count) to give all classes the same say.
pub(crate) fn class_weights(labels: &[usize], classes: usize, balanced: bool) -> Vec<f64> {
    if !balanced {
        return vec![1.0; classes];
    }
    counts(labels, classes).into_iter().map(|count| labels.len() as f64 / (classes * count.max(1)) as f64).collect()
}

/// Recordings per class.
pub(crate) fn counts(labels: &[usize], classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    for &label in labels {
        counts[label] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocked_sums_agree_with_plain_ones() {
        for n in [0usize, 1, 7, 8, 9, 31, 193] {
            let x: Vec<f32> = (0..n).map(|i| (i as f32 * 0.7).sin()).collect();
            let y: Vec<f32> = (0..n).map(|i| (i as f32 * 0.3).cos()).collect();
            let w: Vec<f64> = y.iter().map(|&v| f64::from(v)).collect();
            let plain: f64 = x.iter().zip(&w).map(|(&a, b)| f64::from(a) * b).sum();
            let apart: f64 = x.iter().zip(&w).map(|(&a, b)| (f64::from(a) - b).powi(2)).sum();
            assert!((dot(&x, &w) - plain).abs() < 1e-12, "{n}");
            assert_eq!(dot(&x, &w), dot_rows(&x, &y), "{n}");
            assert!((square_distance(&x, &y) - apart).abs() < 1e-12, "{n}");
        }
    }

    #[test]
    fn softmax_survives_large_scores() {
        let mut scores = [1e5, 1e5 + 2f64.ln(), -1e5];
        let log_sum = softmax(&mut scores);
        assert!((scores[0] - 1.0 / 3.0).abs() < 1e-9 && (scores[1] - 2.0 / 3.0).abs() < 1e-9);
        assert_eq!(scores[2], 0.0);
        assert!((log_sum - (1e5 + 3f64.ln())).abs() < 1e-9);
    }

    #[test]
    fn balanced_weights_give_every_class_the_same_total() {
        let labels = [0, 0, 0, 1, 2, 2];
        let w = class_weights(&labels, 3, true);
        assert_eq!(w, [6.0 / 9.0, 2.0, 1.0]);
        assert_eq!(class_weights(&labels, 3, false), [1.0; 3]);
    }
}
