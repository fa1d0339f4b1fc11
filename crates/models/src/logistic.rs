//! Multinomial logistic regression.
#![allow(clippy::inline_always)] // A loop is only compiled for wide vectors if it is inlined into `vectorised`.

use std::ops::ControlFlow;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::lbfgs::{self, Options};
use crate::linear::Linear;
use crate::numeric::{class_weights, dot, softmax, vectorised};
use crate::params::{ClassWeight, positive, positive_count};
use crate::{FitProgress, ModelError};

/// Rows whose gradient is summed in one go. Sums of chunks are added in order, so the number of threads does not matter.
const CHUNK: usize = 256;
/// Rows that are worked on at once.
const TOGETHER: usize = 4;

/// Parameters of multinomial logistic regression with an L2 penalty.
///
/// Minimises `C · Σᵢ sᵢ · loss(i) + ½ ‖W‖²`, with the cross-entropy of the softmax as loss and `sᵢ` the weight of recording
/// `i`'s class; intercepts are not penalised. For two classes one weight vector is penalised, not two, as is usual
/// for binary logistic regression. That is the objective of scikit-learn's `LogisticRegression`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct LogisticParams {
    /// Inverse strength `C` of the penalty, above 0. Default 1; smaller values (0.001 to 0.1) suit many features and few
    /// recordings.
    pub c: f64,
    /// Whether rare classes count for more. Default none.
    pub class_weight: ClassWeight,
    /// Most L-BFGS iterations, at least 1. Default 1000, far more than standardised features need.
    pub max_iterations: usize,
    /// Converged when no entry of the gradient of the objective, divided by `C · Σ sᵢ`, exceeds this; above 0. Default
    /// 1e-6, a hundred times stricter than scikit-learn's, because it costs only a few more iterations.
    pub tolerance: f64,
}

impl Default for LogisticParams {
    fn default() -> Self {
        Self { c: 1.0, class_weight: ClassWeight::None, max_iterations: 1000, tolerance: 1e-6 }
    }
}

impl LogisticParams {
    pub(crate) const KIND: &str = "logistic";

    pub(crate) fn check(&self) -> Result<(), ModelError> {
        positive(Self::KIND, "c", self.c)?;
        positive_count(Self::KIND, "max_iterations", self.max_iterations)?;
        positive(Self::KIND, "tolerance", self.tolerance)
    }
}

/// The objective, with its data laid out for the innermost loops.
struct Objective<'a> {
    /// Standardised features, row-major.
    x: &'a [f32],
    columns: usize,
    labels: &'a [usize],
    /// Weight of each class's recordings divided by the sum over all recordings.
    weights: Vec<f64>,
    /// Linear outputs: one for two classes (the score of class 1 against 0), otherwise one a class.
    outputs: usize,
    /// `1 / (C · Σ sᵢ)`.
    penalty: f64,
}

impl Objective<'_> {
    /// Weights and intercepts: for each output, each column and then the intercept.
    fn parameters(&self) -> usize {
        self.outputs * (self.columns + 1)
    }

    /// Mean weighted loss plus penalty at `theta`; writes its gradient.
    fn evaluate(&self, theta: &[f64], gradient: &mut [f64]) -> f64 {
        let parts: Vec<(f64, Vec<f64>)> = self
            .labels
            .par_chunks(CHUNK)
            .zip(self.x.par_chunks(CHUNK * self.columns))
            .map(|(labels, x)| self.chunk(theta, labels, x))
            .collect();
        gradient.fill(0.0);
        let mut value = 0.0;
        for (loss, part) in &parts {
            value += loss;
            for (g, p) in gradient.iter_mut().zip(part) {
                *g += p;
            }
        }
        let mut square = 0.0;
        let outputs = gradient.chunks_exact_mut(self.columns + 1).zip(theta.chunks_exact(self.columns + 1));
        for (gradient, theta) in outputs {
            for (g, w) in gradient.iter_mut().zip(theta).take(self.columns) {
                *g += self.penalty * w;
                square += w * w;
            }
        }
        value + 0.5 * self.penalty * square
    }

    /// Loss and gradient of some rows.
    fn chunk(&self, theta: &[f64], labels: &[usize], x: &[f32]) -> (f64, Vec<f64>) {
        let mut gradient = vec![0.0; self.parameters()];
        let mut residual = vec![0.0; TOGETHER * self.outputs];
        let mut loss = 0.0;
        vectorised(
            #[inline(always)]
            || {
                let mut groups = x.chunks_exact(TOGETHER * self.columns);
                let mut group_labels = labels.chunks_exact(TOGETHER);
                for (rows, labels) in groups.by_ref().zip(group_labels.by_ref()) {
                    loss += self.group::<TOGETHER>(theta, labels, rows, &mut residual, &mut gradient);
                }
                let rest = groups.remainder().chunks_exact(self.columns);
                for (row, labels) in rest.zip(group_labels.remainder().chunks_exact(1)) {
                    loss += self.group::<1>(theta, labels, row, &mut residual, &mut gradient);
                }
            },
        );
        (loss, gradient)
    }

    /// Adds the gradient of `N` rows at once, which saves passes over it, and returns their loss.
    #[inline(always)]
    fn group<const N: usize>(
        &self,
        theta: &[f64],
        labels: &[usize],
        x: &[f32],
        residual: &mut [f64],
        gradient: &mut [f64],
    ) -> f64 {
        let d = self.columns;
        let mut loss = 0.0;
        for ((row, &label), scores) in x.chunks_exact(d).zip(labels).zip(residual.chunks_exact_mut(self.outputs)) {
            for (score, theta) in scores.iter_mut().zip(theta.chunks_exact(d + 1)) {
                *score = dot(row, &theta[..d]) + theta[d];
            }
            loss += self.residual(scores, label);
        }
        let rows: [&[f32]; N] = std::array::from_fn(|n| &x[n * d..(n + 1) * d]);
        for (output, gradient) in gradient.chunks_exact_mut(d + 1).enumerate() {
            let own: [f64; N] = std::array::from_fn(|n| residual[n * self.outputs + output]);
            for (column, g) in gradient[..d].iter_mut().enumerate() {
                let mut sum = 0.0;
                for (row, r) in rows.iter().zip(own) {
                    sum += f64::from(row[column]) * r;
                }
                *g += sum;
            }
            gradient[d] += own.iter().sum::<f64>();
        }
        loss
    }

    /// Replaces the scores of one row by the derivative of its loss, and returns the loss.
    fn residual(&self, scores: &mut [f64], label: usize) -> f64 {
        let weight = self.weights[label];
        if self.outputs == 1 {
            let (score, target) = (scores[0], label as f64);
            // Softmax over (0, score) is the logistic function.
            let mut both = [0.0, score];
            let loss = softmax(&mut both) - target * score;
            scores[0] = weight * (both[1] - target);
            return weight * loss;
        }
        let own = scores[label];
        let loss = softmax(scores) - own;
        scores[label] -= 1.0;
        for s in scores {
            *s *= weight;
        }
        weight * loss
    }
}

/// Fits standardised rows `x`; every class has at least one. The string says how the search ended.
pub(crate) fn fit(
    params: &LogisticParams,
    x: &[f32],
    columns: usize,
    labels: &[usize],
    classes: usize,
    progress: &mut dyn FnMut(FitProgress) -> ControlFlow<()>,
) -> Result<(Linear, String), ModelError> {
    let mut weights = class_weights(labels, classes, params.class_weight == ClassWeight::Balanced);
    let total: f64 = labels.iter().map(|&label| weights[label]).sum();
    for w in &mut weights {
        *w /= total;
    }
    let outputs = if classes == 2 { 1 } else { classes };
    let objective = Objective { x, columns, labels, weights, outputs, penalty: 1.0 / (params.c * total) };
    let options = Options { max_iterations: params.max_iterations, tolerance: params.tolerance };
    let minimum = lbfgs::minimise(
        vec![0.0; objective.parameters()],
        &options,
        |theta, gradient| objective.evaluate(theta, gradient),
        |step, loss| progress(FitProgress { loss: Some(loss), ..FitProgress::new(step, params.max_iterations) }),
    )
    .ok_or(ModelError::Stopped)?;
    if !minimum.value.is_finite() || minimum.x.iter().any(|w| !w.is_finite()) {
        return Err(ModelError::Diverged {
            kind: LogisticParams::KIND,
            reason: "the objective is not finite; try a smaller `c`".into(),
        });
    }
    let note = format!(
        "L-BFGS {} after {} iterations, objective {:.6}, largest gradient {:.1e}",
        if minimum.converged { "converged" } else { "stopped short of its tolerance" },
        minimum.iterations,
        minimum.value,
        minimum.gradient
    );
    Ok((unpack(&minimum.x, &objective, classes), note))
}

/// Brings the parameters into the order of [`Linear`].
fn unpack(theta: &[f64], objective: &Objective<'_>, classes: usize) -> Linear {
    let columns = objective.columns;
    let parameter = |output: usize, column: usize| theta[output * (columns + 1) + column];
    let at = |class: usize, column: usize| {
        if objective.outputs == 1 {
            // Half of the score for class 1, half against class 0: the softmax of both is the logistic function.
            let half = 0.5 * parameter(0, column);
            if class == 1 { half } else { -half }
        } else {
            parameter(class, column)
        }
    };
    Linear {
        columns,
        weights: (0..classes).flat_map(|k| (0..columns).map(move |c| (k, c))).map(|(k, c)| at(k, c)).collect(),
        intercepts: (0..classes).map(|k| at(k, columns)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Lcg, blobs};

    fn objective<'a>(x: &'a [f32], columns: usize, labels: &'a [usize], classes: usize) -> Objective<'a> {
        let outputs = if classes == 2 { 1 } else { classes };
        Objective {
            x,
            columns,
            labels,
            weights: (0..classes).map(|k| (1.0 + k as f64) / labels.len() as f64).collect(),
            outputs,
            penalty: 0.03,
        }
    }

    #[test]
    fn the_gradient_agrees_with_finite_differences() {
        // Two classes have one output; rows come in groups and a rest.
        for classes in [2, 3, 11] {
            let columns = 4;
            let (x, labels) = blobs(3 * classes, columns, classes, 0.5, 9);
            let o = objective(&x, columns, &labels, classes);
            let mut random = Lcg::new(5);
            let mut theta: Vec<f64> = (0..o.parameters()).map(|_| random.centred()).collect();
            let mut gradient = vec![0.0; theta.len()];
            o.evaluate(&theta, &mut gradient);
            let mut spare = vec![0.0; theta.len()];
            for i in 0..theta.len() {
                let (h, kept) = (1e-5, theta[i]);
                theta[i] = kept + h;
                let up = o.evaluate(&theta, &mut spare);
                theta[i] = kept - h;
                let down = o.evaluate(&theta, &mut spare);
                theta[i] = kept;
                let numeric = (up - down) / (2.0 * h);
                assert!(
                    (numeric - gradient[i]).abs() < 1e-8 * (1.0 + numeric.abs()),
                    "{classes} classes, entry {i}: {numeric} against {}",
                    gradient[i]
                );
            }
        }
    }

    #[test]
    fn chunks_and_threads_do_not_change_the_sum() {
        let (x, labels) = blobs(CHUNK * 3 + 17, 5, 3, 0.7, 2);
        let fit_with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("pool");
            pool.install(|| {
                fit(&LogisticParams::default(), &x, 5, &labels, 3, &mut |_| ControlFlow::Continue(()))
                    .expect("fitted")
                    .0
            })
        };
        assert_eq!(fit_with(1), fit_with(4));
    }

    #[test]
    fn a_stronger_penalty_shrinks_the_weights() {
        let (x, labels) = blobs(60, 3, 3, 0.7, 4);
        let norm = |c: f64| {
            let params = LogisticParams { c, ..LogisticParams::default() };
            let (model, _) = fit(&params, &x, 3, &labels, 3, &mut |_| ControlFlow::Continue(())).expect("fitted");
            model.weights.iter().map(|w| w * w).sum::<f64>()
        };
        assert!(norm(0.01) < norm(0.1) && norm(0.1) < norm(10.0));
    }

    #[test]
    fn hardly_any_penalty_on_separable_classes_still_ends() {
        let (x, labels) = blobs(60, 3, 3, 0.1, 4);
        let params = LogisticParams { c: 1e300, ..LogisticParams::default() };
        let (model, _) = fit(&params, &x, 3, &labels, 3, &mut |_| ControlFlow::Continue(())).expect("fitted");
        assert!(model.weights.iter().chain(&model.intercepts).all(|w| w.is_finite()));
    }

    #[test]
    fn too_few_iterations_are_reported() {
        let (x, labels) = blobs(60, 3, 3, 0.7, 4);
        let params = LogisticParams { max_iterations: 2, ..LogisticParams::default() };
        let (_, note) = fit(&params, &x, 3, &labels, 3, &mut |_| ControlFlow::Continue(())).expect("fitted");
        assert!(note.contains("stopped short"), "{note}");
    }
}
