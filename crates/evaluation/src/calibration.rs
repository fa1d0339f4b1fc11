//! Whether probabilities mean what they say.

use serde::{Deserialize, Serialize};

use crate::EvaluationError;

/// Into how many bins confidence is divided, as Guo et al. (2017) do.
const BINS: usize = 15;
/// A probability below this is taken for it before its logarithm: one certain error must not outweigh all other answers.
const SMALLEST: f64 = 1e-6;

/// How far probabilities are from the truth. Less is better in all figures.
///
/// ```
/// use stimmung_evaluation::CalibrationScores;
///
/// // Four answers that say 75 %, of which three are right.
/// let answer = [0.75f32, 0.25];
/// let scores = CalibrationScores::new(&[(&answer, 0), (&answer, 0), (&answer, 1), (&answer, 0)])?;
/// assert_eq!(scores.ece, 0.0);
/// assert_eq!(scores.brier, (3.0 * 0.125 + 1.125) / 4.0);
/// # Ok::<(), stimmung_evaluation::EvaluationError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationScores {
    /// Expected calibration error, from 0 to 1: the distance between confidence, which is the probability of the likeliest class, and accuracy, averaged
    /// over 15 bins of confidence with their numbers of answers as weights (Guo, Pleiss, Sun & Weinberger 2017, section 2).
    pub ece: f64,
    /// Brier score, from 0 to 2: the mean squared distance of the probabilities from those of the truth, summed over classes (Brier 1950).
    pub brier: f64,
    /// Log loss (cross-entropy) in nats: the mean of −ln of the true class's probability, which is held for at least 10⁻⁶.
    pub log_loss: f64,
    /// The bins of confidence that hold answers, in order: what a reliability diagram shows.
    pub bins: Vec<ReliabilityBin>,
}

/// The answers of similar confidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Their mean confidence.
    pub confidence: f64,
    /// The share of them that are right.
    pub accuracy: f64,
    /// How many they are.
    pub answers: usize,
}

impl CalibrationScores {
    /// Scores answers: of each the probability of every class, and the true class. Of equally likely classes the first is
    /// the answer.
    ///
    /// # Errors
    /// [`EvaluationError::Mismatch`] for no answers, for different numbers of classes, for a true class that is none of them, and for probabilities outside 0
    /// to 1.
    pub fn new(answers: &[(&[f32], usize)]) -> Result<Self, EvaluationError> {
        let Some(&(first, _)) = answers.first() else {
            return Err(EvaluationError::mismatch("answers to score", "at least 1", 0));
        };
        let (mut brier, mut log_loss) = (0.0, 0.0);
        let mut bins = [(0.0, 0_usize, 0_usize); BINS];
        for &(probabilities, truth) in answers {
            check(probabilities, truth, first.len())?;
            let p = |class: usize| f64::from(probabilities[class]);
            log_loss -= p(truth).max(SMALLEST).ln();
            brier +=
                (0..first.len()).map(|class| (p(class) - f64::from(u8::from(class == truth))).powi(2)).sum::<f64>();
            let best = (0..first.len()).fold(0, |best, class| if p(class) > p(best) { class } else { best });
            let bin = &mut bins[((p(best) * BINS as f64) as usize).min(BINS - 1)];
            *bin = (bin.0 + p(best), bin.1 + usize::from(best == truth), bin.2 + 1);
        }
        let n = answers.len() as f64;
        let bins: Vec<ReliabilityBin> = bins
            .into_iter()
            .filter(|bin| bin.2 > 0)
            .map(|(confidence, right, answers)| ReliabilityBin {
                confidence: confidence / answers as f64,
                accuracy: right as f64 / answers as f64,
                answers,
            })
            .collect();
        let ece = bins.iter().map(|bin| (bin.confidence - bin.accuracy).abs() * bin.answers as f64 / n).sum();
        Ok(Self { ece, brier: brier / n, log_loss: log_loss / n, bins })
    }
}

/// Refuses answers that are not a probability for each class, and true classes that there are none of.
pub(crate) fn check(probabilities: &[f32], truth: usize, classes: usize) -> Result<(), EvaluationError> {
    if probabilities.len() != classes {
        return Err(EvaluationError::mismatch("probabilities of an answer", classes, probabilities.len()));
    }
    if truth >= classes {
        return Err(EvaluationError::mismatch("true class", format!("below {classes}"), truth));
    }
    match probabilities.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        Some(p) => Err(EvaluationError::mismatch("probability of an answer", "0 to 1", p)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn score(answers: &[(Vec<f32>, usize)]) -> CalibrationScores {
        let answers: Vec<(&[f32], usize)> = answers.iter().map(|(p, truth)| (&p[..], *truth)).collect();
        CalibrationScores::new(&answers).unwrap()
    }

    #[test]
    fn certain_answers_score_best_when_right_and_worst_when_wrong() {
        let right = score(&[(vec![1.0, 0.0], 0), (vec![0.0, 1.0], 1)]);
        assert_eq!((right.ece, right.brier, right.log_loss), (0.0, 0.0, 0.0));
        let wrong = score(&[(vec![1.0, 0.0], 1), (vec![0.0, 1.0], 0)]);
        assert_eq!((wrong.ece, wrong.brier), (1.0, 2.0));
        assert!((wrong.log_loss - 1e6_f64.ln()).abs() < 1e-9);
    }

    #[test]
    fn bins_hold_what_they_say() {
        let scores = score(&[(vec![0.9, 0.1], 0), (vec![0.92, 0.08], 1), (vec![0.4, 0.6], 1), (vec![0.5, 0.5], 0)]);
        let bins: Vec<_> = scores.bins.iter().map(|bin| (bin.answers, bin.accuracy)).collect();
        assert_eq!(bins, [(1, 1.0), (1, 1.0), (2, 0.5)]);
        assert!((scores.bins[2].confidence - 0.91).abs() < 1e-6);
        // |0.5 - 1| / 4 + |0.6 - 1| / 4 + 2 · |0.91 - 0.5| / 4.
        assert!((scores.ece - 0.43).abs() < 1e-6, "{scores:?}");
    }

    #[test]
    fn answers_that_are_none_are_refused() {
        let row = [0.5f32, 0.5];
        for answers in [&[][..], &[(&row[..], 2)], &[(&row[..], 0), (&row[..1], 0)], &[(&[1.5, 0.0][..], 0)]] {
            let error = CalibrationScores::new(answers).unwrap_err();
            assert!(matches!(error, EvaluationError::Mismatch { .. }), "{error}");
        }
    }

    proptest! {
        #[test]
        fn figures_stay_in_their_ranges(answers in prop::collection::vec((0.0f32..=1.0, 0..2_usize), 1..50)) {
            let answers: Vec<_> = answers.into_iter().map(|(p, truth)| (vec![p, 1.0 - p], truth)).collect();
            let scores = score(&answers);
            prop_assert!((0.0..=1.0).contains(&scores.ece) && (0.0..=2.0).contains(&scores.brier) && scores.log_loss >= 0.0);
            prop_assert_eq!(scores.bins.iter().map(|bin| bin.answers).sum::<usize>(), answers.len());
        }
    }
}
