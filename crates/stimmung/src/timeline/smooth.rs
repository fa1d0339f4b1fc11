//! Labels over time: the most probable path through a hidden Markov model.

/// Floor of a probability before its logarithm is taken; no single answer rules an emotion out.
const SMALLEST: f32 = 1e-6;

/// The most probable labels of one stretch of speech, found as it goes on (Viterbi's algorithm).
pub(super) struct Path {
    /// What a change costs, in nats.
    cost: f64,
    /// For each class, the log probability of the best path that ends in it, less that of the best path of all.
    scores: Vec<f64>,
    /// For each frame, the class that the best path was in before it.
    best: Vec<u16>,
    /// For each frame and class, whether the best path to it comes from that class rather than its own.
    changed: Vec<bool>,
}

impl Path {
    /// Between so many classes, for answers `hop` seconds apart and emotions that last `smoothing` seconds on average.
    pub(super) fn new(classes: usize, hop: f64, smoothing: f64) -> Self {
        Self { cost: cost(classes, hop, smoothing), scores: vec![0.0; classes], best: Vec::new(), changed: Vec::new() }
    }

    /// Takes the answer for the next frame.
    pub(super) fn push(&mut self, probabilities: &[f32]) {
        let best = largest(&self.scores);
        let top = self.scores[best];
        self.best.push(best as u16);
        for (score, probability) in self.scores.iter_mut().zip(probabilities) {
            let change = top - self.cost;
            self.changed.push(change > *score);
            // Relative to the best, so that hours do not add up.
            *score = score.max(change) - top + f64::from(probability.max(SMALLEST).ln());
        }
    }

    pub(super) fn len(&self) -> usize {
        self.best.len()
    }

    /// The labels of all frames so far.
    pub(super) fn labels(&self) -> Vec<usize> {
        let classes = self.scores.len();
        let mut label = largest(&self.scores);
        let mut labels = vec![0; self.len()];
        for (frame, at) in labels.iter_mut().enumerate().rev() {
            *at = label;
            if self.changed[frame * classes + label] {
                label = usize::from(self.best[frame]);
            }
        }
        labels
    }
}

/// The log odds of staying against changing to one of the others.
fn cost(classes: usize, hop: f64, smoothing: f64) -> f64 {
    let others = classes.saturating_sub(1).max(1) as f64;
    let change = (hop / smoothing.max(f64::MIN_POSITIVE)).min(1.0);
    ((1.0 - change) / (change / others)).ln().max(0.0)
}

/// The index of the largest, the first of equal ones.
fn largest(values: &[f64]) -> usize {
    (1..values.len()).fold(0, |best, index| if values[index] > values[best] { index } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(smoothing: f64, answers: &[[f32; 2]]) -> Vec<usize> {
        let mut path = Path::new(2, 0.5, smoothing);
        for answer in answers {
            path.push(answer);
        }
        path.labels()
    }

    /// The best of all 2^n paths, by trying each.
    fn tried(smoothing: f64, answers: &[[f32; 2]]) -> f64 {
        (0..1_usize << answers.len()).map(|bits| worth(smoothing, answers, |n| bits >> n & 1)).fold(f64::MIN, f64::max)
    }

    fn worth(smoothing: f64, answers: &[[f32; 2]], label: impl Fn(usize) -> usize) -> f64 {
        let emitted: f64 = (0..answers.len()).map(|n| f64::from(answers[n][label(n)].ln())).sum();
        let changes = (1..answers.len()).filter(|&n| label(n) != label(n - 1)).count();
        emitted - changes as f64 * cost(2, 0.5, smoothing)
    }

    #[test]
    fn without_smoothing_every_answer_counts() {
        let answers = [[0.9, 0.1], [0.4, 0.6], [0.9, 0.1]];
        assert_eq!(labels(0.0, &answers), [0, 1, 0]);
        assert_eq!(labels(0.5, &answers), [0, 1, 0]);
        assert_eq!(labels(5.0, &answers), [0, 0, 0]);
    }

    #[test]
    fn no_path_is_better() {
        let mut state = 5_u32;
        for round in 0..200 {
            let answers: Vec<[f32; 2]> = (0..10)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let probability = 0.02 + 0.96 * (f64::from(state) / f64::from(u32::MAX)) as f32;
                    [probability, 1.0 - probability]
                })
                .collect();
            let smoothing = [0.0, 0.6, 1.0, 3.0, 30.0][round % 5];
            let found = labels(smoothing, &answers);
            assert!(
                (worth(smoothing, &answers, |n| found[n]) - tried(smoothing, &answers)).abs() < 1e-6,
                "{answers:?}"
            );
        }
    }

    #[test]
    fn what_lasts_gets_through() {
        let mut answers = vec![[0.8, 0.2]; 10];
        answers.extend([[0.2, 0.8]; 10]);
        let found = labels(5.0, &answers);
        assert_eq!(found, [[0; 10], [1; 10]].concat());
    }

    #[test]
    fn zeros_and_one_class_are_harmless() {
        assert_eq!(labels(5.0, &[[0.0, 1.0], [1.0, 0.0]]).len(), 2);
        let mut path = Path::new(1, 0.5, 5.0);
        path.push(&[1.0]);
        assert_eq!(path.labels(), [0]);
        assert!(Path::new(3, 0.5, 5.0).labels().is_empty());
    }
}
