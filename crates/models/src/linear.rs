//! A fitted linear classifier: softmax of `W·z + b` on standardised features. Logistic regression and linear discriminant
//! analysis both end here.

use crate::numeric::{dot, softmax};

/// Weights `(classes, columns)` and intercepts `(classes)`, in `f64`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Linear {
    pub(crate) columns: usize,
    pub(crate) weights: Vec<f64>,
    pub(crate) intercepts: Vec<f64>,
}

impl Linear {
    /// `W·z + b` of one standardised row: a score a class, larger for a likelier one.
    pub(crate) fn scores(&self, row: &[f32]) -> Vec<f64> {
        self.intercepts.iter().zip(self.weights.chunks_exact(self.columns)).map(|(b, w)| b + dot(row, w)).collect()
    }

    /// Class probabilities of one standardised row.
    pub(crate) fn probabilities(&self, row: &[f32]) -> Vec<f64> {
        let mut scores = self.scores(row);
        softmax(&mut scores);
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_become_probabilities() {
        let model = Linear { columns: 2, weights: vec![1.0, 0.0, 0.0, 2.0], intercepts: vec![0.0, -1.0] };
        // Scores 3 and 2·1 − 1 = 1: odds e².
        let p = model.probabilities(&[3.0, 1.0]);
        assert!((p[0] + p[1] - 1.0).abs() < 1e-15);
        assert!((p[0] / p[1] - 2f64.exp()).abs() < 1e-12);
    }
}
