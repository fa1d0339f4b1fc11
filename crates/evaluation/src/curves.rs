//! What confidence is worth: accuracy by confidence, and receiver operating characteristics.

use serde::{Deserialize, Serialize};

use crate::EvaluationError;
use crate::calibration::check;

/// Into how many steps the threshold goes from 0 to 1.
const STEPS: u8 = 100;
/// Into how many bins the histogram divides 0 to 1.
const BINS: u8 = 20;

/// How sure the answers are, and how right the sure ones.
///
/// ```
/// use stimmung_evaluation::Confidences;
///
/// let it = Confidences::new(&[0.9, 0.8, 0.6, 0.5], &[true, true, false, true])?;
/// let at = &it.curve[70]; // who keeps silent below a confidence of 0.7 …
/// assert_eq!((at.threshold, at.share, at.accuracy), (0.7, 0.5, Some(1.0))); // … answers every other time, rightly
/// assert_eq!((it.histogram[10].right, it.histogram[12].wrong), (1, 1)); // bins from 0.5 and 0.6
/// # Ok::<(), stimmung_evaluation::EvaluationError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confidences {
    /// At the thresholds 0, 0.01 … 1: the accuracy-rejection curve (M. S. A. Nadeem, J.-D. Zucker & B. Hanczar, Accuracy-Rejection Curves
    /// for Comparing Classification Methods with a Reject Option, MLSB 2010).
    pub curve: Vec<ConfidencePoint>,
    /// Twenty bins, each 0.05 wide.
    pub histogram: Vec<ConfidenceBin>,
}

/// The answers that are at least so confident.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ConfidencePoint {
    /// The confidence that they have at least.
    pub threshold: f64,
    /// How many they are.
    pub answers: usize,
    /// Their share of all answers, from 0 to 1.
    pub share: f64,
    /// The share of them that are right; `None` if there are none.
    pub accuracy: Option<f64>,
}

/// The answers of similar confidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfidenceBin {
    /// Where the bin begins, in per cent; a confidence of just that belongs to it.
    pub from_percent: u8,
    /// Where it ends, in per cent; that belongs to the next bin, but for 100.
    pub to_percent: u8,
    /// Right answers in it.
    pub right: usize,
    /// Wrong answers in it.
    pub wrong: usize,
}

impl Confidences {
    /// Counts answers by their confidence, which is the probability of the answer, and by whether they are right.
    ///
    /// # Errors
    /// [`EvaluationError::Mismatch`] for no answers, for lists of different length, and for confidences outside 0 to 1.
    pub fn new(confidences: &[f32], right: &[bool]) -> Result<Self, EvaluationError> {
        if confidences.is_empty() {
            return Err(EvaluationError::mismatch("answers to score", "at least 1", 0));
        }
        if confidences.len() != right.len() {
            return Err(EvaluationError::mismatch("rights and wrongs", confidences.len(), right.len()));
        }
        if let Some(outside) = confidences.iter().find(|it| !(0.0..=1.0).contains(*it)) {
            return Err(EvaluationError::mismatch("confidence of an answer", "0 to 1", outside));
        }
        let answers: Vec<(f32, bool)> = confidences.iter().copied().zip(right.iter().copied()).collect();
        let curve = (0..=STEPS).map(|step| point(&answers, step)).collect();
        let histogram = (0..BINS).map(|bin| bin_of(&answers, bin)).collect();
        Ok(Self { curve, histogram })
    }
}

fn point(answers: &[(f32, bool)], step: u8) -> ConfidencePoint {
    let from = edge(step, STEPS);
    let above = answers.iter().filter(|(confidence, _)| *confidence >= from);
    let (count, right) = above.fold((0, 0), |(count, right), answer| (count + 1, right + usize::from(answer.1)));
    ConfidencePoint {
        threshold: f64::from(step) / f64::from(STEPS),
        answers: count,
        share: count as f64 / answers.len() as f64,
        accuracy: (count > 0).then(|| right as f64 / count as f64),
    }
}

fn bin_of(answers: &[(f32, bool)], bin: u8) -> ConfidenceBin {
    let (from, to) = (edge(bin, BINS), edge(bin + 1, BINS));
    let within = |confidence: f32| confidence >= from && (confidence < to || bin + 1 == BINS);
    let count = |right: bool| answers.iter().filter(|answer| within(answer.0) && answer.1 == right).count();
    let percent = |edge: u8| edge * (100 / BINS);
    ConfidenceBin { from_percent: percent(bin), to_percent: percent(bin + 1), right: count(true), wrong: count(false) }
}

/// A threshold as `f32` spells it, so that an answer of 0.7 is at the threshold 0.7 and not just below.
fn edge(number: u8, of: u8) -> f32 {
    f32::from(number) / f32::from(of)
}

/// How well scores tell each class from all others: receiver operating characteristics, one against rest.
///
/// ```
/// use stimmung_evaluation::Roc;
///
/// let classes = ["anger", "fear", "joy"].map(str::to_owned);
/// let answers = [([0.7, 0.2, 0.1], 0), ([0.4, 0.5, 0.1], 1), ([0.3, 0.6, 0.1], 0), ([0.1, 0.8, 0.1], 1)];
/// let answers: Vec<(&[f32], usize)> = answers.iter().map(|(p, truth)| (&p[..], *truth)).collect();
/// let roc = Roc::new(&classes, &answers)?;
/// assert_eq!(roc.classes[0].curve.as_ref().map(|curve| curve.auc), Some(0.75));
/// assert_eq!(roc.classes[2].curve, None); // joy does not occur
/// assert_eq!(roc.macro_auc, Some(0.75));
/// # Ok::<(), stimmung_evaluation::EvaluationError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Roc {
    /// Each class against the rest, in the order of the classes.
    pub classes: Vec<ClassRoc>,
    /// The mean area over the classes that have one, each counting alike; `None` if none has. With all classes it is
    /// scikit-learn's `roc_auc_score(multi_class="ovr", average="macro")`.
    pub macro_auc: Option<f64>,
}

/// One class against the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassRoc {
    /// The class.
    pub class: String,
    /// Recordings of the class.
    pub positives: usize,
    /// Recordings of other classes.
    pub negatives: usize,
    /// The curve; `None` where there are no positives or no negatives.
    pub curve: Option<RocCurve>,
}

impl Roc {
    /// Scores answers: of each the probability of every class, and the true class.
    ///
    /// # Errors
    /// [`EvaluationError::Mismatch`] for answers that have not one probability a class from 0 to 1, and for a true class that is none
    /// of them.
    pub fn new(classes: &[String], answers: &[(&[f32], usize)]) -> Result<Self, EvaluationError> {
        for &(probabilities, truth) in answers {
            check(probabilities, truth, classes.len())?;
        }
        let one_against_rest = |(number, class): (usize, &String)| {
            let scores: Vec<f64> = answers.iter().map(|(probabilities, _)| f64::from(probabilities[number])).collect();
            let positive: Vec<bool> = answers.iter().map(|(_, truth)| *truth == number).collect();
            let positives = positive.iter().filter(|it| **it).count();
            Ok(ClassRoc {
                class: class.clone(),
                positives,
                negatives: answers.len() - positives,
                curve: RocCurve::new(&scores, &positive)?,
            })
        };
        let classes: Vec<ClassRoc> = classes.iter().enumerate().map(one_against_rest).collect::<Result<_, _>>()?;
        let areas: Vec<f64> = classes.iter().filter_map(|class| class.curve.as_ref()).map(|curve| curve.auc).collect();
        let macro_auc = (!areas.is_empty()).then(|| areas.iter().sum::<f64>() / areas.len() as f64);
        Ok(Self { classes, macro_auc })
    }
}

/// A receiver operating characteristic (T. Fawcett, An Introduction to ROC Analysis, Pattern Recognition Letters 27,
/// 2006): what a falling threshold lets in of the positives, and what of the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RocCurve {
    /// From (0, 0) to (1, 1), one point more than there are different scores.
    pub points: Vec<RocPoint>,
    /// The area under the curve by the trapezoidal rule, from 0 to 1; 0.5 is chance. It is the probability that a positive scores
    /// higher than a negative, a tie counting half (Mann & Whitney 1947).
    pub auc: f64,
}

/// What comes of one threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// The false positive rate: the share of the negatives at or above the threshold.
    pub fpr: f64,
    /// The true positive rate, or recall: the share of the positives at or above the threshold.
    pub tpr: f64,
    /// The threshold, a score that occurs; `None` at the point that lets nothing in.
    pub threshold: Option<f64>,
}

impl RocCurve {
    /// The curve of scores, more being more positive; they need not be probabilities. `None` where there are no positives or no
    /// negatives.
    ///
    /// # Errors
    /// [`EvaluationError::Mismatch`] for lists of different length, and for scores that are not finite.
    ///
    /// ```
    /// use stimmung_evaluation::RocCurve;
    ///
    /// let curve = RocCurve::new(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true])?.expect("both kinds occur");
    /// assert_eq!(curve.auc, 0.75);
    /// assert_eq!((curve.points[1].tpr, curve.points[1].fpr, curve.points[1].threshold), (0.5, 0.0, Some(0.8)));
    /// # Ok::<(), stimmung_evaluation::EvaluationError>(())
    /// ```
    pub fn new(scores: &[f64], positive: &[bool]) -> Result<Option<Self>, EvaluationError> {
        if scores.len() != positive.len() {
            return Err(EvaluationError::mismatch("labels of scores", scores.len(), positive.len()));
        }
        if let Some(score) = scores.iter().find(|score| !score.is_finite()) {
            return Err(EvaluationError::mismatch("a score", "a finite number", score));
        }
        let positives = positive.iter().filter(|it| **it).count() as u64;
        let negatives = positive.len() as u64 - positives;
        if positives == 0 || negatives == 0 {
            return Ok(None);
        }
        let mut falling: Vec<(f64, bool)> = scores.iter().copied().zip(positive.iter().copied()).collect();
        falling.sort_by(|a, b| b.0.total_cmp(&a.0));

        let mut points = vec![RocPoint { fpr: 0.0, tpr: 0.0, threshold: None }];
        let (mut hits, mut alarms) = (0_u64, 0_u64);
        // In halves of pairs of a positive and a negative, which are whole numbers.
        let mut area = 0_u64;
        for tied in falling.chunk_by(|a, b| a.0 == b.0) {
            let more_hits = tied.iter().filter(|it| it.1).count() as u64;
            let more_alarms = tied.len() as u64 - more_hits;
            area += (2 * hits + more_hits) * more_alarms;
            hits += more_hits;
            alarms += more_alarms;
            points.push(RocPoint {
                fpr: alarms as f64 / negatives as f64,
                tpr: hits as f64 / positives as f64,
                threshold: Some(tied[0].0),
            });
        }
        Ok(Some(Self { points, auc: area as f64 / (2 * positives * negatives) as f64 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn curve(scored: &[(f64, bool)]) -> Option<RocCurve> {
        let (scores, positive): (Vec<_>, Vec<_>) = scored.iter().copied().unzip();
        RocCurve::new(&scores, &positive).unwrap()
    }

    fn scored() -> impl Strategy<Value = Vec<(f64, bool)>> {
        // Coarse, so that there are ties.
        prop::collection::vec((-5..5_i32, prop::bool::ANY), 1..60)
            .prop_map(|scored| scored.into_iter().map(|(score, positive)| (f64::from(score), positive)).collect())
    }

    fn mann_whitney(scored: &[(f64, bool)]) -> f64 {
        let of = |positive| scored.iter().filter(move |it| it.1 == positive).map(|it| it.0);
        let wins = |a: f64| of(false).map(|b| if a == b { 0.5 } else { f64::from(u8::from(a > b)) }).sum::<f64>();
        of(true).map(wins).sum::<f64>() / (of(true).count() * of(false).count()) as f64
    }

    proptest! {
        #[test]
        fn the_area_is_that_of_mann_and_whitney_and_of_trapezoids(scored in scored()) {
            let both = scored.iter().any(|it| it.1) && scored.iter().any(|it| !it.1);
            let Some(curve) = curve(&scored) else { prop_assert!(!both); return Ok(()) };
            prop_assert!(both);
            prop_assert!((curve.auc - mann_whitney(&scored)).abs() < 1e-12);
            let trapezoid = |pair: &[RocPoint]| (pair[1].fpr - pair[0].fpr) * f64::midpoint(pair[0].tpr, pair[1].tpr);
            prop_assert!((curve.auc - curve.points.windows(2).map(trapezoid).sum::<f64>()).abs() < 1e-12);
        }

        #[test]
        fn a_curve_rises_from_corner_to_corner(scored in scored()) {
            let Some(curve) = curve(&scored) else { return Ok(()) };
            let corner = |point: &RocPoint| (point.fpr, point.tpr);
            prop_assert_eq!((corner(&curve.points[0]), curve.points[0].threshold), ((0.0, 0.0), None));
            prop_assert_eq!(curve.points.last().map(corner), Some((1.0, 1.0)));
            for pair in curve.points.windows(2) {
                prop_assert!(pair[0].fpr <= pair[1].fpr && pair[0].tpr <= pair[1].tpr);
                prop_assert!(pair[0].threshold.is_none_or(|threshold| pair[1].threshold.is_some_and(|it| it < threshold)));
            }
        }

        #[test]
        fn monotone_maps_change_nothing_and_turned_scores_turn_the_area(scored in scored()) {
            let Some(plain) = curve(&scored) else { return Ok(()) };
            let map = |of: fn(f64) -> f64| curve(&scored.iter().map(|it| (of(it.0), it.1)).collect::<Vec<_>>()).unwrap();
            prop_assert_eq!(map(f64::exp).auc, plain.auc);
            prop_assert_eq!(map(|score| score.powi(3) - 1e6).auc, plain.auc);
            prop_assert!((map(|score| -score).auc - (1.0 - plain.auc)).abs() < 1e-12);
            let corners = |curve: &RocCurve| curve.points.iter().map(|it| (it.fpr, it.tpr)).collect::<Vec<_>>();
            prop_assert_eq!(corners(&map(f64::exp)), corners(&plain));
        }

        #[test]
        fn confidence_is_counted_once(answers in prop::collection::vec((0.0f32..=1.0, prop::bool::ANY), 1..60)) {
            let (confidences, right): (Vec<_>, Vec<_>) = answers.iter().copied().unzip();
            let it = Confidences::new(&confidences, &right).unwrap();
            let hits = right.iter().filter(|it| **it).count();
            prop_assert_eq!(it.histogram.iter().map(|bin| bin.right).sum::<usize>(), hits);
            prop_assert_eq!(it.histogram.iter().map(|bin| bin.right + bin.wrong).sum::<usize>(), answers.len());
            let all = &it.curve[0];
            prop_assert_eq!((all.share, all.accuracy), (1.0, Some(hits as f64 / answers.len() as f64)));
            prop_assert!(it.curve.windows(2).all(|pair| pair[0].share >= pair[1].share));
            // The curve and the histogram cut at the same places.
            for (number, bin) in it.histogram.iter().enumerate() {
                let at = |bin: usize| it.curve[5 * bin].answers;
                let beyond = if number + 1 == it.histogram.len() { 0 } else { at(number + 1) };
                prop_assert_eq!(at(number) - beyond, bin.right + bin.wrong);
            }
        }
    }

    #[test]
    fn areas_agree_with_scikit_learn() {
        // scikit-learn 1.9.1: roc_curve(drop_intermediate=False) and roc_auc_score, ties included.
        let scored = [0.9, 0.8, 0.8, 0.6, 0.6, 0.6, 0.3, 0.2].into_iter();
        let it = curve(&scored.zip([true, true, false, false, true, false, true, false]).collect::<Vec<_>>()).unwrap();
        assert_eq!(it.auc, 0.656_25);
        let corners: Vec<_> = it.points.iter().map(|point| (point.fpr, point.tpr)).collect();
        assert_eq!(corners, [(0.0, 0.0), (0.0, 0.25), (0.25, 0.5), (0.75, 0.75), (0.75, 1.0), (1.0, 1.0)]);

        // roc_auc_score(multi_class="ovr", average=None), and average="macro".
        let answers = [
            ([0.6_f32, 0.3, 0.1], 0),
            ([0.2, 0.5, 0.3], 1),
            ([0.3, 0.3, 0.4], 2),
            ([0.5, 0.4, 0.1], 1),
            ([0.1, 0.2, 0.7], 2),
            ([0.4, 0.35, 0.25], 0),
            ([0.25, 0.25, 0.5], 1),
        ];
        let answers: Vec<(&[f32], usize)> = answers.iter().map(|(p, truth)| (&p[..], *truth)).collect();
        let roc = Roc::new(&["a", "b", "c"].map(str::to_owned), &answers).unwrap();
        let areas: Vec<f64> = roc.classes.iter().map(|class| class.curve.as_ref().unwrap().auc).collect();
        for (ours, theirs) in areas.into_iter().chain(roc.macro_auc).zip([0.9, 0.75, 0.9, 0.85]) {
            assert!((ours - theirs).abs() < 1e-14, "{ours} {theirs}");
        }
    }

    #[test]
    fn classes_without_a_counterpart_have_no_curve() {
        let names: Vec<String> = (0..40).map(|class| format!("c{class}")).collect();
        assert_eq!(Roc::new(&names, &[]).unwrap().macro_auc, None);
        assert!(Roc::new(&[], &[]).unwrap().classes.is_empty());
        let one = Roc::new(&names[..1], &[(&[1.0], 0), (&[1.0], 0)]).unwrap();
        assert_eq!((one.classes[0].positives, one.classes[0].curve.as_ref(), one.macro_auc), (2, None, None));
        // Forty classes of which two occur.
        let sure = |class: usize| (0..40).map(|it| f32::from(u8::from(it == class))).collect::<Vec<_>>();
        let rows = [sure(3), sure(7)];
        let roc = Roc::new(&names, &[(&rows[0], 3), (&rows[1], 7)]).unwrap();
        assert_eq!(roc.classes.iter().filter(|class| class.curve.is_some()).count(), 2);
        assert_eq!(roc.macro_auc, Some(1.0));
    }

    #[test]
    fn what_is_no_score_is_refused() {
        let names = ["a", "b"].map(str::to_owned);
        for answers in [&[(&[0.5f32, f32::NAN][..], 0)][..], &[(&[0.5], 0)], &[(&[0.5, 0.5], 2)]] {
            assert!(matches!(Roc::new(&names, answers), Err(EvaluationError::Mismatch { .. })));
        }
        assert!(RocCurve::new(&[f64::NAN], &[true]).is_err());
        assert!(RocCurve::new(&[1.0], &[]).is_err());
        assert_eq!(RocCurve::new(&[], &[]), Ok(None));
        for (confidences, right) in [(&[][..], &[][..]), (&[0.5], &[]), (&[f32::NAN], &[true]), (&[1.01], &[true])] {
            assert!(matches!(Confidences::new(confidences, right), Err(EvaluationError::Mismatch { .. })));
        }
    }

    #[test]
    fn edges_belong_to_the_bin_that_they_begin() {
        // Numbers that binary fractions miss.
        let confidences: Vec<f32> =
            ["0", "0.05", "0.15", "0.3", "0.35", "0.7", "0.95", "1"].map(|it| it.parse().unwrap()).to_vec();
        let it = Confidences::new(&confidences, &[true; 8]).unwrap();
        let filled: Vec<u8> = it.histogram.iter().filter(|bin| bin.right > 0).map(|bin| bin.from_percent).collect();
        assert_eq!(filled, [0, 5, 15, 30, 35, 70, 95]);
        assert_eq!(it.histogram[19], ConfidenceBin { from_percent: 95, to_percent: 100, right: 2, wrong: 0 });
        assert_eq!((it.curve.len(), it.curve[70].answers, it.curve[71].answers), (101, 3, 2));
        assert_eq!((it.curve[100].threshold, it.curve[100].answers, it.curve[100].accuracy), (1.0, 1, Some(1.0)));
    }
}
