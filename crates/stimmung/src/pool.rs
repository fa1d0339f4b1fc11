//! One answer from those for the pieces of a recording.

/// Floor of a probability before its logarithm is taken.
const SMALLEST: f32 = 1e-6;

/// The mean of log probabilities, weighted: pieces judged independently multiply their probabilities, and the mean keeps
/// a long recording from being surer than a short one.
pub(crate) struct Pooled {
    log_sum: Vec<f64>,
    weight: f64,
}

impl Pooled {
    pub(crate) fn new(classes: usize) -> Self {
        Self { log_sum: vec![0.0; classes], weight: 0.0 }
    }

    /// Adds the answer for a piece.
    pub(crate) fn add(&mut self, probabilities: &[f32], weight: f64) {
        for (sum, probability) in self.log_sum.iter_mut().zip(probabilities) {
            *sum += weight * f64::from(probability.max(SMALLEST).ln());
        }
        self.weight += weight;
    }

    /// The pooled answer; sums to 1.
    pub(crate) fn probabilities(&self) -> Vec<f32> {
        let largest = self.log_sum.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let powers: Vec<f64> = self.log_sum.iter().map(|sum| ((sum - largest) / self.weight).exp()).collect();
        let total: f64 = powers.iter().sum();
        powers.iter().map(|power| (power / total) as f32).collect()
    }
}

/// The pooled answer of pieces of the same length; a single one is answered as it is, not through logarithms.
pub(crate) fn of_rows<'a>(mut rows: impl ExactSizeIterator<Item = &'a [f32]>) -> Vec<f32> {
    let count = rows.len();
    let Some(first) = rows.next() else { return Vec::new() };
    if count == 1 {
        return first.to_vec();
    }
    let mut pooled = Pooled::new(first.len());
    pooled.add(first, 1.0);
    rows.for_each(|row| pooled.add(row, 1.0));
    pooled.probabilities()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_piece_is_its_own_answer() {
        let row = [0.1_f32, 0.9];
        assert_eq!(of_rows([&row[..]].into_iter()), row);
    }

    #[test]
    fn pieces_multiply_and_weights_count() {
        let rows = [[0.8_f32, 0.2], [0.2, 0.8]];
        let pooled = of_rows(rows.iter().map(|row| &row[..]));
        assert!((pooled[0] - 0.5).abs() < 1e-6);
        let mut weighted = Pooled::new(2);
        weighted.add(&rows[0], 3.0);
        weighted.add(&rows[1], 1.0);
        // Odds of 4 to the power (3 - 1) / 4.
        assert!((weighted.probabilities()[0] - 2.0 / 3.0).abs() < 1e-6);
    }

    #[test]
    fn a_zero_does_not_decide_alone() {
        let pooled = of_rows([&[0.0_f32, 1.0][..], &[1.0, 0.0][..]].into_iter());
        assert!((pooled[0] - 0.5).abs() < 1e-6, "{pooled:?}");
    }
}
