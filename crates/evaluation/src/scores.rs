//! The metrics.

use serde::{Deserialize, Serialize};

use crate::confusion::ratio;
use crate::{ConfusionMatrix, EvaluationError};

/// A headline figure.
///
/// All lie from 0 to 1, more being better, and are computed from a confusion matrix with the recall
/// r = hits / recordings of the class, the precision p = hits / predictions of the class and F1 = 2pr / (p + r).
/// A division of 0 by 0 gives 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Unweighted average recall, also balanced accuracy: the mean recall of the classes **that occur in the truth**.
    /// A class without recordings has no recall and takes no part, as in scikit-learn's `balanced_accuracy_score`;
    /// `recall_score(average="macro")` differs, as it counts a class that is predicted but never true as 0.
    Uar,
    /// Weighted average recall, also accuracy: the share of recordings that are recognised.
    War,
    /// The mean F1 of the classes that occur in the truth **or are predicted**, as in scikit-learn's
    /// `f1_score(average="macro")`: predicting a class that does not occur costs.
    MacroF1,
}

impl Metric {
    /// All of them, the headline figure first.
    pub const ALL: [Self; 3] = [Self::Uar, Self::War, Self::MacroF1];

    /// The short name: `UAR`, `WAR` or `macro-F1`.
    pub fn short_name(self) -> &'static str {
        match self {
            Self::Uar => "UAR",
            Self::War => "WAR",
            Self::MacroF1 => "macro-F1",
        }
    }

    /// What the short name stands for, and the other name of the figure.
    pub fn long_name(self) -> &'static str {
        match self {
            Self::Uar => "unweighted average recall, balanced accuracy",
            Self::War => "weighted average recall, accuracy",
            Self::MacroF1 => "unweighted average F1",
        }
    }

    /// The figure of a matrix of counts, row by row, of shape `(classes, classes)`; 0 for no recordings.
    pub(crate) fn of(self, counts: &[u64], classes: usize) -> f64 {
        let row = |class: usize| counts[class * classes..][..classes].iter().sum::<u64>();
        let column = |class: usize| counts.iter().skip(class).step_by(classes).sum::<u64>();
        let hits = |class: usize| counts[class * (classes + 1)];
        let mean = |values: &mut dyn Iterator<Item = f64>| {
            let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
            if count == 0 { 0.0 } else { sum / f64::from(count) }
        };
        match self {
            Self::Uar => mean(&mut (0..classes).filter(|&c| row(c) > 0).map(|c| ratio(hits(c), row(c)))),
            Self::War => ratio((0..classes).map(hits).sum(), counts.iter().sum()),
            // 2pr / (p + r) with the fractions cleared.
            Self::MacroF1 => mean(
                &mut (0..classes)
                    .map(|c| (hits(c), row(c) + column(c)))
                    .filter(|c| c.1 > 0)
                    .map(|c| ratio(2 * c.0, c.1)),
            ),
        }
    }
}

/// The figures of one class. Where a denominator is 0, the figure is 0, as scikit-learn has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// The name of the class.
    pub class: String,
    /// Of the predictions of this class, the share that are right; 0 if there are none.
    pub precision: f64,
    /// Of the recordings of this class, the share that are recognised; 0 if there are none.
    pub recall: f64,
    /// The harmonic mean of precision and recall; 0 if the class is never recognised.
    pub f1: f64,
    /// The number of recordings of this class.
    pub support: u64,
    /// The number of predictions of this class.
    pub predicted: u64,
}

/// The figures of a list of predictions.
///
/// ```
/// use stimmung_evaluation::Scores;
///
/// let classes = ["anger", "fear", "joy"].map(str::to_owned);
/// let scores = Scores::new(&classes, &[0, 0, 0, 1], &[0, 0, 1, 1])?;
/// assert_eq!(scores.war, 0.75);
/// assert_eq!(scores.uar, (2.0 / 3.0 + 1.0) / 2.0); // joy does not occur and takes no part
/// assert_eq!(scores.classes[1].precision, 0.5);
/// # Ok::<(), stimmung_evaluation::EvaluationError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// [`Metric::Uar`]: mean recall over the classes that occur. This is also the macro recall.
    pub uar: f64,
    /// [`Metric::War`]: accuracy.
    pub war: f64,
    /// Mean precision over the classes that occur in the truth or are predicted.
    pub macro_precision: f64,
    /// [`Metric::MacroF1`]: mean F1 over the classes that occur in the truth or are predicted.
    pub macro_f1: f64,
    /// The figures of each class, in the order of the classes.
    pub classes: Vec<ClassScores>,
    /// What was taken for what.
    pub confusion: ConfusionMatrix,
}

impl Scores {
    /// Scores predicted against true classes, both as indices into `classes`.
    ///
    /// # Errors
    /// [`EvaluationError::Mismatch`] where the lists differ in length, are empty, or an index is out of range.
    pub fn new(classes: &[String], truth: &[usize], predicted: &[usize]) -> Result<Self, EvaluationError> {
        if truth.is_empty() {
            return Err(EvaluationError::mismatch("recordings to score", "at least 1", 0));
        }
        Ok(Self::from_confusion(ConfusionMatrix::new(classes, truth, predicted)?))
    }

    fn from_confusion(confusion: ConfusionMatrix) -> Self {
        let (support, predicted) = (confusion.row_sums(), confusion.column_sums());
        let counts = confusion.counts().concat();
        let figure = |metric: Metric| metric.of(&counts, support.len());
        let classes: Vec<ClassScores> = confusion
            .classes()
            .iter()
            .enumerate()
            .map(|(index, class)| {
                let hits = confusion.counts()[index][index];
                ClassScores {
                    class: class.clone(),
                    precision: ratio(hits, predicted[index]),
                    recall: ratio(hits, support[index]),
                    f1: ratio(2 * hits, support[index] + predicted[index]),
                    support: support[index],
                    predicted: predicted[index],
                }
            })
            .collect();
        let seen = classes.iter().filter(|class| class.support + class.predicted > 0);
        let macro_precision = seen.clone().map(|class| class.precision).sum::<f64>() / seen.count().max(1) as f64;
        Self {
            uar: figure(Metric::Uar),
            war: figure(Metric::War),
            macro_precision,
            macro_f1: figure(Metric::MacroF1),
            classes,
            confusion,
        }
    }

    /// The headline figure asked for.
    pub fn get(&self, metric: Metric) -> f64 {
        match metric {
            Metric::Uar => self.uar,
            Metric::War => self.war,
            Metric::MacroF1 => self.macro_f1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|class| format!("c{class}")).collect()
    }

    /// Pairs of truth and prediction in up to 8 classes, some of which may not occur.
    fn labels() -> impl Strategy<Value = (usize, Vec<(usize, usize)>)> {
        (1..8_usize).prop_flat_map(|classes| (Just(classes), prop::collection::vec((0..classes, 0..classes), 1..60)))
    }

    fn score(classes: usize, pairs: &[(usize, usize)]) -> Scores {
        let (truth, predicted): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
        Scores::new(&names(classes), &truth, &predicted).unwrap()
    }

    proptest! {
        #[test]
        fn everything_lies_between_zero_and_one((classes, pairs) in labels()) {
            let scores = score(classes, &pairs);
            let of_classes = scores.classes.iter().flat_map(|c| [c.precision, c.recall, c.f1]);
            for value in of_classes.chain([scores.uar, scores.war, scores.macro_f1, scores.macro_precision]) {
                prop_assert!((0.0..=1.0).contains(&value), "{value}");
            }
            prop_assert_eq!(scores.confusion.total(), pairs.len() as u64);
            prop_assert_eq!(scores.classes.iter().map(|c| c.support).sum::<u64>(), pairs.len() as u64);
            prop_assert_eq!(scores.classes.iter().map(|c| c.predicted).sum::<u64>(), pairs.len() as u64);
        }

        #[test]
        fn perfect_predictions_score_one((classes, pairs) in labels()) {
            let perfect: Vec<_> = pairs.iter().map(|&(truth, _)| (truth, truth)).collect();
            let scores = score(classes, &perfect);
            prop_assert_eq!([scores.uar, scores.war, scores.macro_f1, scores.macro_precision], [1.0; 4]);
        }

        #[test]
        fn wrong_predictions_score_zero((classes, pairs) in labels()) {
            let wrong: Vec<_> = pairs.iter().map(|&(truth, _)| (truth, (truth + 1) % (classes + 1))).collect();
            let scores = score(classes + 1, &wrong);
            prop_assert_eq!([scores.uar, scores.war, scores.macro_f1, scores.macro_precision], [0.0; 4]);
        }

        #[test]
        fn the_order_of_classes_and_recordings_does_not_matter((classes, pairs) in labels(), turn in 0..8_usize) {
            let scores = score(classes, &pairs);
            let turned: Vec<_> =
                pairs.iter().rev().map(|&(t, p)| ((t + turn) % classes, (p + turn) % classes)).collect();
            let turned = score(classes, &turned);
            prop_assert_eq!(scores.war, turned.war);
            prop_assert!((scores.uar - turned.uar).abs() < 1e-12);
            prop_assert!((scores.macro_f1 - turned.macro_f1).abs() < 1e-12);
            prop_assert!((scores.macro_precision - turned.macro_precision).abs() < 1e-12);
            for class in 0..classes {
                let moved = &turned.classes[(class + turn) % classes];
                prop_assert_eq!(scores.classes[class].f1, moved.f1);
            }
        }

        #[test]
        fn a_class_that_never_occurs_changes_nothing((classes, pairs) in labels()) {
            let (scores, wider) = (score(classes, &pairs), score(classes + 1, &pairs));
            for metric in Metric::ALL {
                prop_assert_eq!(scores.get(metric), wider.get(metric));
            }
        }

        #[test]
        fn a_constant_answer_has_the_uar_of_chance((classes, pairs) in labels()) {
            let constant: Vec<_> = pairs.iter().map(|&(truth, _)| (truth, pairs[0].0)).collect();
            let scores = score(classes, &constant);
            let occurring = scores.classes.iter().filter(|class| class.support > 0).count();
            prop_assert!((scores.uar - 1.0 / occurring as f64).abs() < 1e-12);
        }
    }

    #[test]
    fn nothing_to_score_is_an_error() {
        assert!(matches!(Scores::new(&names(2), &[], &[]), Err(EvaluationError::Mismatch { .. })));
        assert!(matches!(Scores::new(&[], &[0], &[0]), Err(EvaluationError::Mismatch { .. })));
    }
}
