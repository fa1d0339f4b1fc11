//! Support vector machines with class probabilities.
//!
//! Sequential minimal optimisation, Platt's sigmoid and the coupling of pairs come from `libsvm-rs`; the kernel is evaluated
//! here on dense rows, and the folds behind the sigmoid are drawn here from the seed, because those of the crate come from
//! a generator that the whole process shares.
#![allow(clippy::inline_always)] // A loop is only compiled for wide vectors if it is inlined into `vectorised`.

mod solve;

use std::ops::ControlFlow;

use libsvm_rs::probability::{multiclass_probability, sigmoid_predict, sigmoid_train};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::numeric::{class_weights, dot, vectorised};
use crate::params::{ClassWeight, Gamma, out_of_range, positive};
use crate::random::stream;
use crate::{FitProgress, Matrix, ModelError};

use solve::{Gram, Problem, Solution, kernel};

/// Pairwise probabilities keep this distance from 0 and 1, as in LIBSVM.
const LEAST_PROBABILITY: f64 = 1e-7;

/// The kernel of a support vector machine.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Kernel {
    /// `x·y`.
    Linear,
    /// `exp(−γ ‖x − y‖²)`.
    #[default]
    Rbf,
}

/// Parameters of a support vector machine (C-SVC, one against one).
///
/// Probabilities come from a sigmoid per pair of classes (Platt 1999; Lin, Lin & Weng 2007) fitted on held-out decision
/// values, coupled as in Wu, Lin & Weng 2004. The class with the highest probability can differ from that with the most
/// votes.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct SvmParams {
    /// Default `rbf`; `linear` is faster and gives smaller files.
    pub kernel: Kernel,
    /// Cost `C` of a recording on the wrong side, above 0. Default 1.
    pub c: f64,
    /// Width `γ` of the RBF kernel: `"scale"` (default), which is 1 / (features · variance of all standardised features), or
    /// a number above 0. The linear kernel has no width.
    pub gamma: Gamma,
    /// Whether rare classes count for more. Default none.
    pub class_weight: ClassWeight,
    /// Folds that give the decision values for the probabilities, from 2 to 100. Default 5; each costs one more training.
    pub probability_folds: usize,
    /// Largest violation of the optimality conditions that counts as solved, above 0 and below 1. Default 1e-3.
    pub tolerance: f64,
}

impl Default for SvmParams {
    fn default() -> Self {
        Self {
            kernel: Kernel::Rbf,
            c: 1.0,
            gamma: Gamma::Scale,
            class_weight: ClassWeight::None,
            probability_folds: 5,
            tolerance: 1e-3,
        }
    }
}

impl SvmParams {
    pub(crate) const KIND: &str = "svm";

    pub(crate) fn check(&self) -> Result<(), ModelError> {
        positive(Self::KIND, "c", self.c)?;
        if let Gamma::Value(gamma) = self.gamma
            && !(gamma.is_finite() && gamma > 0.0)
        {
            return Err(out_of_range(Self::KIND, "gamma", gamma, "\"scale\" or a number above 0"));
        }
        if !(2..=100).contains(&self.probability_folds) {
            return Err(out_of_range(Self::KIND, "probability_folds", self.probability_folds, "from 2 to 100"));
        }
        if !(self.tolerance > 0.0 && self.tolerance < 1.0) {
            return Err(out_of_range(Self::KIND, "tolerance", self.tolerance, "above 0 and below 1"));
        }
        Ok(())
    }
}

/// A fitted machine. Pairs `(i, j)`, `i < j`, are in lexical order; a positive decision value speaks for `i`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Svm {
    pub(crate) classes: usize,
    pub(crate) columns: usize,
    /// Bias per pair: subtracted from the kernel sum.
    pub(crate) rho: Vec<f64>,
    /// Platt's slope and offset per pair.
    pub(crate) sigmoid: Vec<f64>,
    pub(crate) machine: Machine,
}

/// What a decision value is made of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Machine {
    /// One weight vector per pair: the linear kernel's support vectors, summed up.
    Linear { weights: Vec<f64> },
    /// Support vectors, class after class.
    Rbf {
        gamma: f64,
        /// Support vectors per class.
        counts: Vec<u32>,
        /// `(support vectors, columns)`, standardised.
        vectors: Vec<f32>,
        /// `(support vectors, classes − 1)`: the signed multiplier against each other class, in the order of the classes.
        coefficients: Vec<f64>,
    },
}

/// All pairs of classes in order.
fn pairs(classes: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..classes).flat_map(move |i| (i + 1..classes).map(move |j| (i, j)))
}

/// The number of pairs.
pub(crate) fn pair_count(classes: usize) -> usize {
    classes.saturating_mul(classes.saturating_sub(1)) / 2
}

/// Fits standardised rows `x`; every class has at least one.
pub(crate) fn fit(
    params: &SvmParams,
    x: &Matrix,
    labels: &[usize],
    classes: usize,
    seed: u64,
    progress: &mut dyn FnMut(FitProgress) -> ControlFlow<()>,
) -> Result<(Svm, String), ModelError> {
    // The solver would print its course.
    libsvm_rs::set_quiet(true);
    let gamma = match (params.kernel, params.gamma) {
        (Kernel::Linear, _) => None,
        (Kernel::Rbf, Gamma::Value(gamma)) => Some(gamma),
        (Kernel::Rbf, Gamma::Scale) => Some(scale_gamma(x)),
    };
    let gram = Gram::new(x, gamma);
    let members: Vec<Vec<usize>> =
        (0..classes).map(|class| (0..labels.len()).filter(|&row| labels[row] == class).collect()).collect();
    let costs: Vec<f64> = class_weights(labels, classes, params.class_weight == ClassWeight::Balanced)
        .into_iter()
        .map(|weight| params.c * weight)
        .collect();
    let all: Vec<(usize, (usize, usize))> = pairs(classes).enumerate().collect();
    let mut fitted = Vec::with_capacity(all.len());
    // A few pairs at a time, so that progress can be told and a stop is heeded.
    for some in all.chunks(rayon::current_num_threads().max(1)) {
        let part: Vec<(Problem, Solution, (f64, f64))> = some
            .par_iter()
            .map(|&(index, (i, j))| {
                let mut problem = Problem::default();
                for &row in &members[i] {
                    problem.push(row, 1);
                }
                for &row in &members[j] {
                    problem.push(row, -1);
                }
                // Each pair has a stream of its own, whichever thread it runs on.
                let mut random = stream(seed, index as u64);
                let costs = (costs[i], costs[j]);
                let values = problem.held_out(&gram, costs, params, &mut random);
                let targets: Vec<f64> = problem.signs.iter().map(|&s| f64::from(s)).collect();
                let sigmoid = sigmoid_train(&values, &targets);
                let solution = problem.solve(&gram, costs, params.tolerance);
                (problem, solution, sigmoid)
            })
            .collect();
        fitted.extend(part);
        let step = FitProgress::new(fitted.len(), all.len());
        if progress(step).is_break() {
            return Err(ModelError::Stopped);
        }
    }
    let rho: Vec<f64> = fitted.iter().map(|(_, solution, _)| solution.rho).collect();
    let sigmoid: Vec<f64> = fitted.iter().flat_map(|&(_, _, (slope, offset))| [slope, offset]).collect();
    let (machine, supports) = assemble(x, gamma, &members, &fitted);
    let svm = Svm { classes, columns: x.columns(), rho, sigmoid, machine };
    svm.check_finite()?;
    let width = gamma.map_or_else(String::new, |gamma| format!(", gamma {gamma:.6}"));
    Ok((svm, format!("{supports} support vectors of {} recordings{width}", labels.len())))
}

/// 1 / (columns · variance of all entries), as scikit-learn's `gamma="scale"`.
fn scale_gamma(x: &Matrix) -> f64 {
    let n = x.values().len() as f64;
    let mean = x.values().iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let variance = x.values().iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
    if variance > 0.0 { 1.0 / (x.columns() as f64 * variance) } else { 1.0 }
}

/// Brings the solutions of all pairs together; also counts the rows that support any of them.
fn assemble(
    x: &Matrix,
    gamma: Option<f64>,
    members: &[Vec<usize>],
    fitted: &[(Problem, Solution, (f64, f64))],
) -> (Machine, usize) {
    let classes = members.len();
    let others = classes - 1;
    // Multipliers of every training row against each other class.
    let mut multipliers = vec![0.0; x.rows() * others];
    for ((i, j), (problem, solution, _)) in pairs(classes).zip(fitted) {
        for ((&row, &sign), &c) in problem.rows.iter().zip(&problem.signs).zip(&solution.coefficients) {
            // For a row of class i the other class j > i comes at j − 1; for one of class j, i < j comes at i.
            multipliers[row * others + if sign > 0 { j - 1 } else { i }] = c;
        }
    }
    let supports: Vec<Vec<usize>> = members
        .iter()
        .map(|rows| {
            let used = |row: &&usize| multipliers[**row * others..][..others].iter().any(|c| *c != 0.0);
            rows.iter().filter(used).copied().collect()
        })
        .collect();
    let total = supports.iter().map(Vec::len).sum();
    let Some(gamma) = gamma else {
        let mut weights = Vec::with_capacity(fitted.len() * x.columns());
        for (problem, solution, _) in fitted {
            let mut w = vec![0.0; x.columns()];
            for (&row, &c) in problem.rows.iter().zip(&solution.coefficients).filter(|(_, c)| **c != 0.0) {
                for (w, &v) in w.iter_mut().zip(x.row(row)) {
                    *w += c * f64::from(v);
                }
            }
            weights.extend(w);
        }
        return (Machine::Linear { weights }, total);
    };
    let mut vectors = Vec::with_capacity(total * x.columns());
    let mut coefficients = Vec::with_capacity(total * others);
    for &row in supports.iter().flatten() {
        vectors.extend_from_slice(x.row(row));
        coefficients.extend_from_slice(&multipliers[row * others..][..others]);
    }
    let counts = supports.iter().map(|rows| rows.len() as u32).collect();
    (Machine::Rbf { gamma, counts, vectors, coefficients }, total)
}

impl Svm {
    fn check_finite(&self) -> Result<(), ModelError> {
        if self.rho.iter().chain(&self.sigmoid).all(|v| v.is_finite()) {
            return Ok(());
        }
        Err(ModelError::Diverged {
            kind: SvmParams::KIND,
            reason: "a decision function is not finite; try a smaller `c`".into(),
        })
    }

    /// Decision values of one standardised row, a pair each.
    pub(crate) fn decisions(&self, row: &[f32]) -> Vec<f64> {
        match &self.machine {
            Machine::Linear { weights } => {
                weights.chunks_exact(self.columns).zip(&self.rho).map(|(w, rho)| dot(row, w) - rho).collect()
            }
            Machine::Rbf { gamma, counts, vectors, coefficients } => {
                let values: Vec<f64> = vectorised(
                    #[inline(always)]
                    || vectors.chunks_exact(self.columns).map(|v| kernel(Some(*gamma), row, v)).collect(),
                );
                let others = self.classes - 1;
                let mut starts = Vec::with_capacity(self.classes + 1);
                let mut start = 0;
                starts.push(0);
                for &count in counts {
                    start += count as usize;
                    starts.push(start);
                }
                let sum = |class: usize, against: usize| -> f64 {
                    let own = starts[class]..starts[class + 1];
                    own.map(|s| coefficients[s * others + against] * values[s]).sum()
                };
                pairs(self.classes).zip(&self.rho).map(|((i, j), rho)| sum(i, j - 1) + sum(j, i) - rho).collect()
            }
        }
    }

    /// Class probabilities of one standardised row.
    pub(crate) fn probabilities(&self, row: &[f32]) -> Vec<f64> {
        let k = self.classes;
        let mut pairwise = vec![vec![0.0; k]; k];
        let decisions = self.decisions(row);
        for (((i, j), value), sigmoid) in pairs(k).zip(decisions).zip(self.sigmoid.chunks_exact(2)) {
            let p = sigmoid_predict(value, sigmoid[0], sigmoid[1]);
            let p = p.clamp(LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY);
            pairwise[i][j] = p;
            pairwise[j][i] = 1.0 - p;
        }
        if k == 2 {
            return vec![pairwise[0][1], pairwise[1][0]];
        }
        let mut p = vec![0.0; k];
        multiclass_probability(k, &pairwise, &mut p);
        p
    }

    /// Numbers that the fitted machine consists of.
    pub(crate) fn parameter_count(&self) -> usize {
        let machine = match &self.machine {
            Machine::Linear { weights } => weights.len(),
            Machine::Rbf { vectors, coefficients, .. } => vectors.len() + coefficients.len() + 1,
        };
        machine + self.rho.len() + self.sigmoid.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::blob_matrix;

    fn go(params: &SvmParams, x: &Matrix, labels: &[usize], classes: usize, seed: u64) -> Svm {
        fit(params, x, labels, classes, seed, &mut |_| ControlFlow::Continue(())).expect("fitted").0
    }

    fn linear() -> SvmParams {
        SvmParams { kernel: Kernel::Linear, ..SvmParams::default() }
    }

    #[test]
    fn two_points_are_parted_in_the_middle() {
        // Closed form: w = (x₁ − x₂)·2/‖x₁ − x₂‖², the margin ±1 at the points.
        let x = Matrix::new(2, 2, vec![1.0, 2.0, -1.0, 0.0]).expect("matrix");
        let params = SvmParams { c: 100.0, ..linear() };
        let svm = go(&params, &x, &[0, 1], 2, 1);
        let Machine::Linear { weights } = &svm.machine else { panic!("a linear machine") };
        assert!((weights[0] - 0.5).abs() < 1e-9 && (weights[1] - 0.5).abs() < 1e-9, "{weights:?}");
        assert!((svm.decisions(&[1.0, 2.0])[0] - 1.0).abs() < 1e-9);
        assert!((svm.decisions(&[-1.0, 0.0])[0] + 1.0).abs() < 1e-9);
    }

    #[test]
    fn multipliers_lie_in_their_box_and_balance() {
        let (x, labels) = blob_matrix(120, 3, 3, 0.8, 2);
        let params = SvmParams { c: 0.7, ..SvmParams::default() };
        let svm = go(&params, &x, &labels, 3, 1);
        let Machine::Rbf { counts, coefficients, .. } = &svm.machine else { panic!("an RBF machine") };
        assert!(coefficients.iter().all(|c| c.abs() <= 0.7 + 1e-12));
        // Σ αᵢyᵢ = 0 for the pair (0, 2): class 0 against 2 stands in column 1, class 2 against 0 in column 0.
        let (a, b) = (counts[0] as usize, (counts[0] + counts[1]) as usize);
        let zero: f64 = (0..a).map(|s| coefficients[s * 2 + 1]).sum();
        let two: f64 = (b..coefficients.len() / 2).map(|s| coefficients[s * 2]).sum();
        assert!((zero + two).abs() < 1e-9, "{zero} {two}");
    }

    #[test]
    fn the_seed_moves_probabilities_but_not_the_machine() {
        let (x, labels) = blob_matrix(90, 4, 3, 0.9, 5);
        let one = go(&SvmParams::default(), &x, &labels, 3, 1);
        assert_eq!(one, go(&SvmParams::default(), &x, &labels, 3, 1));
        let two = go(&SvmParams::default(), &x, &labels, 3, 2);
        assert_eq!((&one.machine, &one.rho), (&two.machine, &two.rho));
        assert_ne!(one.sigmoid, two.sigmoid);
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let (x, labels) = blob_matrix(90, 4, 4, 0.9, 5);
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("pool");
            pool.install(|| go(&SvmParams::default(), &x, &labels, 4, 7))
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn a_class_with_one_recording_still_gives_probabilities() {
        let (x, mut labels) = blob_matrix(30, 3, 2, 0.5, 6);
        labels[9] = 2;
        for params in [SvmParams::default(), linear()] {
            let svm = go(&params, &x, &labels, 3, 1);
            for row in x.iter_rows() {
                let p = svm.probabilities(row);
                assert!(p.iter().all(|p| p.is_finite() && *p >= 0.0), "{p:?}");
                assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn balanced_weights_raise_the_rare_class() {
        let (x, labels) = blob_matrix(200, 3, 3, 1.2, 11);
        let rare_share = |class_weight| {
            let svm = go(&SvmParams { class_weight, ..SvmParams::default() }, &x, &labels, 3, 1);
            // The rarest class is the last one; its votes come from the pairs (0, 2) and (1, 2).
            x.iter_rows().filter(|row| svm.decisions(row)[1] < 0.0 && svm.decisions(row)[2] < 0.0).count()
        };
        assert!(rare_share(ClassWeight::Balanced) > rare_share(ClassWeight::None));
    }
}
