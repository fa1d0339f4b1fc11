//! Gradient-boosted trees.

mod bins;
mod grow;

use std::ops::ControlFlow;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::archive::Archive;
use crate::numeric::{class_weights, softmax};
use crate::params::{ClassWeight, out_of_range, positive, positive_count};
use crate::random::{draw, stream};
use crate::tree::{Tree, Trees};
use crate::{FitProgress, Matrix, ModelError};

use bins::Binned;
use grow::{Limits, Slope};

/// Smallest second derivative of a recording, and of a leaf: keeps every division defined.
const LEAST_HESSIAN: f64 = 1e-16;

/// Parameters of gradient-boosted trees with the softmax loss (Friedman 2001, doi:10.1214/aos/1013203451), grown as in
/// XGBoost (Chen & Guestrin 2016, doi:10.1145/2939672.2939785).
///
/// The scores of the classes begin as the logarithms of their shares. Every round adds one tree a class. With the sums `G`
/// and `H` of the first and second derivatives of the loss over the recordings of a node, a split into `L` and `R` gains
/// `½ [G_L²/(H_L+λ) + G_R²/(H_R+λ) − G²/(H+λ)] − γ` (there equation 7), and a leaf adds `−η G/(H+λ)` to the score (equation
/// 5). As in XGBoost, a recording's second derivative is taken as `2p(1−p)`, twice that of its own class alone, because the
/// trees of all classes step at once. Splits fall between bins of about equally many recordings.
///
/// Defaults are XGBoost's.
///
/// # Examples
/// ```
/// use stimmung_models::{BoostingParams, ModelParams};
/// let section = "kind = \"gradient-boosting\"\nrounds = 200\nlearning_rate = 0.1\nmax_depth = 3";
/// let expected = BoostingParams { rounds: 200, learning_rate: 0.1, max_depth: 3, ..BoostingParams::default() };
/// assert_eq!(toml::from_str::<ModelParams>(section)?, ModelParams::Boosting(expected));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct BoostingParams {
    /// Rounds, at least 1; each adds one tree a class. Default 100.
    pub rounds: usize,
    /// Share `η` of its best score that a leaf adds, above 0 and up to 1. Default 0.3; 0.05 to 0.1 with more rounds is often a
    /// little better.
    pub learning_rate: f64,
    /// Most splits between the root and a leaf, at least 1. Default 6.
    pub max_depth: usize,
    /// Most leaves of a tree, at least 2. Default none. The node with the largest gain is always split first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_leaves: Option<usize>,
    /// Penalty `λ` on the square of the leaves' scores, at least 0. Default 1.
    pub lambda: f64,
    /// What a split must gain, `γ`, at least 0. Default 0.
    pub min_split_gain: f64,
    /// Smallest sum of second derivatives in a leaf, at least 0. Default 1. A recording has at most ½ (times the weight of
    /// its class), and ever less the surer the model is.
    pub min_child_weight: f64,
    /// Share of the recordings that the trees of a round grow on, drawn without replacement; above 0 and up to 1. Default 1.
    pub subsample: f64,
    /// Share of the features that a tree may use, drawn for each; above 0 and up to 1. Default 1.
    pub colsample: f64,
    /// Most bins a feature is cut into, from 2 to 255. Default 255. Fewer are a little faster, and coarser.
    pub max_bins: usize,
    /// Whether rare classes count for more. Default none.
    pub class_weight: ClassWeight,
}

impl Default for BoostingParams {
    fn default() -> Self {
        Self {
            rounds: 100,
            learning_rate: 0.3,
            max_depth: 6,
            max_leaves: None,
            lambda: 1.0,
            min_split_gain: 0.0,
            min_child_weight: 1.0,
            subsample: 1.0,
            colsample: 1.0,
            max_bins: Binned::MOST,
            class_weight: ClassWeight::None,
        }
    }
}

impl BoostingParams {
    pub(crate) const KIND: &str = "gradient-boosting";

    pub(crate) fn check(&self) -> Result<(), ModelError> {
        positive_count(Self::KIND, "rounds", self.rounds)?;
        positive_count(Self::KIND, "max_depth", self.max_depth)?;
        if let Some(leaves @ 0..2) = self.max_leaves {
            return Err(out_of_range(Self::KIND, "max_leaves", leaves, "at least 2"));
        }
        let penalties = [
            ("lambda", self.lambda),
            ("min_split_gain", self.min_split_gain),
            ("min_child_weight", self.min_child_weight),
        ];
        for (key, value) in penalties {
            if !(value.is_finite() && value >= 0.0) {
                return Err(out_of_range(Self::KIND, key, value, "a number of at least 0"));
            }
        }
        let shares =
            [("learning_rate", self.learning_rate), ("subsample", self.subsample), ("colsample", self.colsample)];
        for (key, value) in shares {
            positive(Self::KIND, key, value)?;
            if value > 1.0 {
                return Err(out_of_range(Self::KIND, key, value, "at most 1"));
            }
        }
        if !(2..=Binned::MOST).contains(&self.max_bins) {
            return Err(out_of_range(Self::KIND, "max_bins", self.max_bins, "from 2 to 255"));
        }
        Ok(())
    }

    fn limits(&self) -> Limits {
        Limits {
            depth: self.max_depth,
            leaves: self.max_leaves.unwrap_or(usize::MAX),
            lambda: self.lambda,
            least_gain: self.min_split_gain,
            least_hessian: self.min_child_weight.max(LEAST_HESSIAN),
            learning_rate: self.learning_rate,
        }
    }
}

/// Fitted trees, round after round and in each class after class. Their leaves hold scores.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Boosting {
    /// The score of each class before the first round.
    pub(crate) intercepts: Vec<f64>,
    pub(crate) trees: Trees,
}

/// A part of `n`, at least 1.
fn part(share: f64, n: usize) -> usize {
    ((share * n as f64).round() as usize).clamp(1, n)
}

/// What training starts from and how far it has come.
struct Course<'a> {
    x: &'a Matrix,
    labels: &'a [usize],
    /// Weight of each class's recordings.
    weights: Vec<f64>,
    classes: usize,
    binned: Binned,
    /// `(recordings, classes)`.
    scores: Vec<f64>,
    /// Softmax of the scores.
    probabilities: Vec<f64>,
}

impl Course<'_> {
    /// Brings the probabilities up to date; mean loss and accuracy of the recordings, each with the weight of its class.
    fn judge(&mut self) -> (f64, f64) {
        self.probabilities.copy_from_slice(&self.scores);
        let (mut loss, mut right, mut total) = (0.0, 0.0, 0.0);
        for (row, &label) in self.probabilities.chunks_exact_mut(self.classes).zip(self.labels) {
            let own = row[label];
            let weight = self.weights[label];
            right += weight * f64::from(row.iter().all(|&score| score <= own));
            loss += weight * (softmax(row) - own);
            total += weight;
        }
        (loss / total, right / total)
    }

    /// Derivatives of the loss by the scores of one class.
    fn slopes(&self, class: usize) -> Vec<Slope> {
        let rows = self.probabilities.chunks_exact(self.classes).zip(self.labels);
        rows.map(|(row, &label)| {
            let (p, weight) = (row[class], self.weights[label]);
            Slope {
                gradient: weight * (p - f64::from(label == class)),
                hessian: (2.0 * weight * p * (1.0 - p)).max(LEAST_HESSIAN),
            }
        })
        .collect()
    }

    /// The trees of one round, with what the columns gained.
    fn round(&self, params: &BoostingParams, seed: u64, round: usize) -> Vec<(Tree, Vec<(usize, f64)>)> {
        let (n, d) = (self.x.rows(), self.x.columns());
        // One stream for the rows and one for the columns of each class.
        let stream = |slot: usize| stream(seed, (round * (self.classes + 1) + slot) as u64);
        let mut rows: Vec<u32> = (0..n as u32).collect();
        if params.subsample < 1.0 {
            let count = part(params.subsample, n);
            draw(&mut stream(0), &mut rows, count);
            rows.truncate(count);
            rows.sort_unstable();
        }
        (0..self.classes)
            .into_par_iter()
            .map(|class| {
                let mut columns: Vec<usize> = (0..d).collect();
                if params.colsample < 1.0 {
                    let count = part(params.colsample, d);
                    draw(&mut stream(1 + class), &mut columns, count);
                    columns.truncate(count);
                    columns.sort_unstable();
                }
                grow::grow(&self.binned, &self.slopes(class), rows.clone(), &columns, &params.limits())
            })
            .collect()
    }

    /// Adds a class's tree to its scores.
    fn add(&mut self, class: usize, tree: &Tree) {
        for (scores, row) in self.scores.chunks_exact_mut(self.classes).zip(self.x.iter_rows()) {
            scores[class] += f64::from(tree.value(row));
        }
    }
}

/// Fits rows `x`; every class has at least one.
pub(crate) fn fit(
    params: &BoostingParams,
    x: &Matrix,
    labels: &[usize],
    classes: usize,
    seed: u64,
    progress: &mut dyn FnMut(FitProgress) -> ControlFlow<()>,
) -> Result<(Boosting, String), ModelError> {
    let weights = class_weights(labels, classes, params.class_weight == ClassWeight::Balanced);
    let intercepts = intercepts(labels, &weights);
    let mut course = Course {
        x,
        labels,
        weights,
        classes,
        binned: Binned::new(x, params.max_bins),
        scores: intercepts.repeat(x.rows()),
        probabilities: vec![0.0; x.rows() * classes],
    };
    course.judge();
    let mut trees = Trees::new(x.columns(), 1);
    let mut gains = vec![0.0; x.columns()];
    let mut loss = 0.0;
    for round in 0..params.rounds {
        for (class, (tree, own)) in course.round(params, seed, round).into_iter().enumerate() {
            if !tree.is_finite() {
                return Err(ModelError::Diverged {
                    kind: BoostingParams::KIND,
                    reason: "a leaf's score is not finite; try a larger `lambda` or `min_child_weight`".into(),
                });
            }
            course.add(class, &tree);
            trees.push(BoostingParams::KIND, &tree)?;
            for (column, gain) in own {
                gains[column] += gain;
            }
        }
        let (now, accuracy) = course.judge();
        loss = now;
        let step =
            FitProgress { loss: Some(loss), accuracy: Some(accuracy), ..FitProgress::new(round + 1, params.rounds) };
        if progress(step).is_break() {
            return Err(ModelError::Stopped);
        }
    }
    trees.set_importances(gains);
    let note =
        format!("{} rounds, loss {loss:.6}, {} trees with {} leaves", params.rounds, trees.len(), trees.leaves());
    Ok((Boosting { intercepts, trees }, note))
}

/// The logarithms of the classes' shares, around 0.
fn intercepts(labels: &[usize], weights: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; weights.len()];
    for &label in labels {
        sums[label] += weights[label];
    }
    let logs: Vec<f64> = sums.iter().map(|sum: &f64| sum.ln()).collect();
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    logs.iter().map(|log| log - mean).collect()
}

impl Boosting {
    /// Class probabilities of one row.
    pub(crate) fn probabilities(&self, row: &[f32]) -> Vec<f64> {
        let mut scores = self.intercepts.clone();
        let classes = scores.len();
        for (tree, value) in self.trees.values(row).enumerate() {
            scores[tree % classes] += f64::from(value[0]);
        }
        softmax(&mut scores);
        scores
    }

    /// Takes the trees out of an archive.
    pub(crate) fn read(
        params: &BoostingParams,
        archive: &mut Archive<'_>,
        columns: usize,
        classes: usize,
    ) -> Result<Self, ModelError> {
        let count = params
            .rounds
            .checked_mul(classes)
            .ok_or_else(|| ModelError::Damaged(format!("it promises {} rounds of trees", params.rounds)))?;
        Ok(Self {
            intercepts: archive.f64("boosting.intercepts", &[classes])?,
            trees: Trees::read(archive, count, columns, 1)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::blob_matrix;

    fn go(params: &BoostingParams, x: &Matrix, labels: &[usize], classes: usize) -> Boosting {
        fit(params, x, labels, classes, 1, &mut |_| ControlFlow::Continue(())).expect("fitted").0
    }

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-6, "{a} instead of {b}");
    }

    #[test]
    fn one_round_on_two_values_is_what_the_formulas_say() {
        // Half of either class: p = ½, gradients ∓½ and second derivatives ½ each. With λ = 1, two recordings a leaf:
        // G = ∓1, H = 1, score = ±η·1/(1 + 1).
        let x = Matrix::new(4, 1, vec![0.0, 0.0, 1.0, 1.0]).expect("matrix");
        let params = BoostingParams { rounds: 1, learning_rate: 0.3, ..BoostingParams::default() };
        let model = go(&params, &x, &[0, 0, 1, 1], 2);
        assert_eq!(model.intercepts, [0.0, 0.0]);
        let scores: Vec<f64> = model.trees.values(&[0.4]).map(|value| f64::from(value[0])).collect();
        close(scores[0], 0.15);
        close(scores[1], -0.15);
        // The gain is ½ (½ + ½ − 0) = ½ for either tree.
        assert_eq!(model.trees.importances(), [1.0]);
        for (least, leaves) in [(0.49, 4), (0.51, 2)] {
            let params = BoostingParams { min_split_gain: least, ..params.clone() };
            assert_eq!(go(&params, &x, &[0, 0, 1, 1], 2).trees.leaves(), leaves);
        }
        for (least, leaves) in [(1.0, 4), (1.01, 2)] {
            let params = BoostingParams { min_child_weight: least, ..params.clone() };
            assert_eq!(go(&params, &x, &[0, 0, 1, 1], 2).trees.leaves(), leaves);
        }
    }

    #[test]
    fn without_a_split_the_shares_of_the_classes_stay() {
        let x = Matrix::new(10, 1, vec![3.0; 10]).expect("matrix");
        let labels = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1];
        let model = go(&BoostingParams::default(), &x, &labels, 2);
        close(model.probabilities(&[3.0])[0], 0.8);
        assert_eq!(model.trees.importances(), [0.0]);
        let balanced = BoostingParams { class_weight: ClassWeight::Balanced, ..BoostingParams::default() };
        close(go(&balanced, &x, &labels, 2).probabilities(&[3.0])[0], 0.5);
    }

    #[test]
    fn the_loss_falls_in_every_round() {
        let (x, labels) = blob_matrix(120, 5, 3, 1.0, 3);
        let mut last = f64::INFINITY;
        let params = BoostingParams { rounds: 30, learning_rate: 0.1, ..BoostingParams::default() };
        fit(&params, &x, &labels, 3, 1, &mut |step| {
            let loss = step.loss.expect("known");
            assert!(loss < last, "{step:?} after {last}");
            last = loss;
            ControlFlow::Continue(())
        })
        .expect("fitted");
        assert!(last < 0.3, "{last}");
    }

    #[test]
    fn any_order_preserving_change_of_a_column_keeps_the_probabilities() {
        let (x, labels) = blob_matrix(60, 4, 3, 0.8, 3);
        let moved = Matrix::new(60, 4, x.values().iter().map(|v| 8.0 * v - 16.0).collect()).expect("matrix");
        let params = BoostingParams { rounds: 5, ..BoostingParams::default() };
        let (a, b) = (go(&params, &x, &labels, 3), go(&params, &moved, &labels, 3));
        for (row, other) in x.iter_rows().zip(moved.iter_rows()) {
            assert_eq!(a.probabilities(row), b.probabilities(other));
        }
    }

    #[test]
    fn limits_are_kept() {
        let (x, labels) = blob_matrix(200, 6, 3, 1.5, 3);
        let base = BoostingParams { rounds: 1, min_child_weight: 0.0, ..BoostingParams::default() };
        let free = go(&base, &x, &labels, 3);
        assert!(free.trees.depth() == 6 && free.trees.leaves() > 3 * 8);
        let shallow = go(&BoostingParams { max_depth: 2, ..base.clone() }, &x, &labels, 3);
        assert_eq!((shallow.trees.depth(), shallow.trees.leaves()), (2, 3 * 4));
        let small = go(&BoostingParams { max_leaves: Some(5), max_depth: 100, ..base.clone() }, &x, &labels, 3);
        assert_eq!(small.trees.leaves(), 3 * 5);
        let coarse = go(&BoostingParams { max_bins: 2, max_depth: 100, ..base }, &x, &labels, 3);
        // Six yes-or-no questions.
        assert!(coarse.trees.depth() <= 6);
    }

    #[test]
    fn no_penalty_and_certainty_stay_finite() {
        let (x, labels) = blob_matrix(60, 3, 3, 0.1, 3);
        let params = BoostingParams {
            rounds: 200,
            learning_rate: 1.0,
            lambda: 0.0,
            min_child_weight: 0.0,
            ..BoostingParams::default()
        };
        let model = go(&params, &x, &labels, 3);
        for row in x.iter_rows() {
            assert!(model.probabilities(row).iter().all(|p| p.is_finite()));
        }
    }

    #[test]
    fn columns_and_rows_that_were_not_drawn_are_not_used() {
        let (x, labels) = blob_matrix(100, 4, 2, 0.5, 3);
        let params = BoostingParams { rounds: 1, colsample: 0.25, ..BoostingParams::default() };
        let used = go(&params, &x, &labels, 2).trees.importances().iter().filter(|v| **v > 0.0).count();
        assert!((1..=2).contains(&used), "one column for each of two trees: {used}");
        // One recording can never be split.
        let params = BoostingParams { rounds: 1, subsample: 0.001, ..BoostingParams::default() };
        assert_eq!(go(&params, &x, &labels, 2).trees.leaves(), 2);
    }

    #[test]
    fn many_columns_are_searched_by_several_threads_to_the_same_bits() {
        // Wide enough that the columns are shared out.
        let (x, labels) = blob_matrix(300, 300, 3, 1.5, 3);
        let params = BoostingParams { rounds: 2, ..BoostingParams::default() };
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("pool");
            pool.install(|| go(&params, &x, &labels, 3))
        };
        assert_eq!(with(1), with(3));
    }
}
