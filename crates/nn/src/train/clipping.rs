//! Clipping of gradients by their norm.

use rayon::prelude::*;

/// Values whose squares are one piece of work; fixed, because the order of a sum makes its last bits.
const BLOCK: usize = 1 << 14;

/// Shortens `gradients` to the Euclidean norm `limit` if they are longer, and otherwise leaves every bit as it is.
pub(crate) fn clip(gradients: &mut [f32], limit: f64) {
    let squares = |block: &[f32]| block.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>();
    let sums: Vec<f64> = gradients.par_chunks(BLOCK).map(squares).collect();
    let norm = sums.into_iter().sum::<f64>().sqrt();
    if norm > limit {
        // In f64, because for huge gradients the factor may be too small for an f32.
        let scale = limit / norm;
        let shorten = |g: &mut f32| *g = (f64::from(*g) * scale) as f32;
        gradients.par_chunks_mut(BLOCK).for_each(|block| block.iter_mut().for_each(shorten));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_gradients_are_shortened_as_in_pytorch() {
        // Printed by scripts/torch_training_golden.py with PyTorch 2.15.0, which adds 1e-6 to the norm.
        let mut gradients = [3.0, -4.0, 12.0];
        clip(&mut gradients, 2.0);
        for (actual, expected) in gradients.iter().zip([0.461_538, -0.615_385, 1.846_154]) {
            assert!((actual - expected).abs() < 2e-6, "{gradients:?}");
        }
    }

    #[test]
    fn short_gradients_stay_as_they_are() {
        for gradients in [vec![], vec![0.0; 3], vec![3.0, -4.0, 12.0], vec![f32::MIN_POSITIVE, 1e-40]] {
            let mut clipped = gradients.clone();
            clip(&mut clipped, 13.0);
            assert_eq!(clipped, gradients);
        }
    }

    #[test]
    fn many_and_huge_gradients_end_at_the_limit() {
        let mut gradients: Vec<f32> = (0..100_000).map(|i| (i % 7) as f32 * 1e37).collect();
        clip(&mut gradients, 0.5);
        let norm = gradients.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
        assert!((norm - 0.5).abs() < 1e-6, "{norm}");
    }

    #[test]
    fn what_is_no_number_does_not_pass_for_one() {
        let mut gradients = [1.0, f32::NAN];
        clip(&mut gradients, 0.5);
        assert!(gradients[1].is_nan());
        let mut gradients = [1.0, f32::INFINITY];
        clip(&mut gradients, 0.5);
        assert!(gradients[1].is_nan());
    }
}
