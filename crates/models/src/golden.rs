//! Agreement with scikit-learn on data that both make by the same formula; see `tests/golden/make.py` and
//! `make_trees.py`.
//!
//! | what | tolerance |
//! | --- | --- |
//! | scaler | 1e-6 |
//! | weights, intercepts and probabilities of logistic regression and discriminant analysis | 1e-4 |
//! | probabilities and importances of trees, where nothing is left to chance | 1e-4 |
//! | decision values of support vector machines (their solver stops at 1e-3; here at 1e-6) | 1e-4 |

use std::ops::ControlFlow;

use serde::Deserialize;
use stimmung_features::Shape;

use crate::classifier::Fitted;
use crate::scaler::Scaler;
use crate::testing::{blob_matrix, names};
use crate::{
    BoostingParams, ClassWeight, Classifier, ForestParams, Gamma, Kernel, LdaParams, LogisticParams, Matrix,
    MaxFeatures, ModelParams, Priors, Shrinkage, SvmParams, TrainingSet, fit,
};

const TOLERANCE: f64 = 1e-4;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    data: Data,
    labels: Vec<usize>,
    mean: Vec<f64>,
    scale: Vec<f64>,
    logistic: Linear,
    logistic_balanced: Linear,
    lda_auto: Linear,
    lda_half_flat: Linear,
    svm_linear: Svm,
    svm_rbf: Svm,
    svm_rbf_balanced: Svm,
}

#[derive(Deserialize)]
struct Data {
    rows: usize,
    columns: usize,
    classes: usize,
    spread: f64,
    seed: u64,
}

#[derive(Deserialize)]
struct Linear {
    weights: Vec<f64>,
    intercepts: Vec<f64>,
    probabilities: Vec<f64>,
}

#[derive(Deserialize)]
struct Svm {
    support: usize,
    decisions: Vec<f64>,
}

fn cases() -> Vec<Case> {
    let golden: Golden = serde_json::from_str(include_str!("../tests/golden/sklearn.json")).expect("golden values");
    golden.cases
}

fn fitted(case: &Case, params: &ModelParams) -> (Classifier, Matrix) {
    let (model, features, labels) = fitted_to(&case.data, params);
    assert_eq!(labels, case.labels, "both make the same data");
    (model, features)
}

fn fitted_to(d: &Data, params: &ModelParams) -> (Classifier, Matrix, Vec<usize>) {
    let (features, labels) = blob_matrix(d.rows, d.columns, d.classes, d.spread, d.seed);
    let classes = names(d.classes);
    let shape = Shape::Vector(d.columns);
    let data = TrainingSet::new(&features, shape, &labels, &classes);
    let model = fit(params, &data, 1, &mut |_| ControlFlow::Continue(())).expect("fitted");
    (model, features, labels)
}

fn close(what: &str, ours: impl IntoIterator<Item = f64>, theirs: &[f64]) {
    let ours: Vec<f64> = ours.into_iter().collect();
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() <= TOLERANCE * b.abs().max(1.0), "{what}[{i}]: {a} against {b}");
    }
}

fn check_linear(case: &Case, what: &str, params: &ModelParams, wanted: &Linear) {
    let (model, features) = fitted(case, params);
    let Fitted::Linear(linear) = &model.fitted else { panic!("a linear model") };
    let (k, d) = (case.data.classes, case.data.columns);
    let what = format!("{what}, {k} classes");
    if k == 2 {
        // Only the difference of the two is defined.
        let w = (0..d).map(|c| linear.weights[d + c] - linear.weights[c]);
        close(&format!("{what}: weights"), w, &wanted.weights);
        close(&format!("{what}: intercepts"), [linear.intercepts[1] - linear.intercepts[0]], &wanted.intercepts);
    } else {
        close(&format!("{what}: weights"), linear.weights.clone(), &wanted.weights);
        close(&format!("{what}: intercepts"), linear.intercepts.clone(), &wanted.intercepts);
    }
    let probed: Vec<usize> = (0..wanted.probabilities.len() / k).collect();
    let p = model.probabilities(&features.select_rows(&probed).expect("rows")).expect("probabilities");
    close(&format!("{what}: probabilities"), p.values().iter().map(|&v| f64::from(v)), &wanted.probabilities);
}

#[test]
fn the_scaler_agrees() {
    for case in cases() {
        let (model, _) = fitted(&case, &ModelParams::Lda(LdaParams::default()));
        let Scaler::Affine(scaler) = &model.scaler else { panic!("a mean and a scale a column") };
        for (ours, theirs) in [(&scaler.mean, &case.mean), (&scaler.scale, &case.scale)] {
            for (a, b) in ours.iter().zip(theirs) {
                assert!((a - b).abs() < 1e-6, "{a} {b}");
            }
        }
    }
}

#[test]
fn logistic_regression_agrees() {
    for case in cases() {
        check_linear(&case, "logistic", &ModelParams::Logistic(LogisticParams::default()), &case.logistic);
        let balanced = LogisticParams { c: 0.05, class_weight: ClassWeight::Balanced, ..LogisticParams::default() };
        check_linear(&case, "balanced", &ModelParams::Logistic(balanced), &case.logistic_balanced);
    }
}

#[test]
fn discriminant_analysis_agrees() {
    for case in cases() {
        check_linear(&case, "auto", &ModelParams::Lda(LdaParams::default()), &case.lda_auto);
        let flat = LdaParams { shrinkage: Shrinkage::Share(0.5), priors: Priors::Equal, ..LdaParams::default() };
        check_linear(&case, "half, flat", &ModelParams::Lda(flat), &case.lda_half_flat);
    }
}

#[test]
fn support_vector_machines_agree() {
    let base = SvmParams { tolerance: 1e-6, ..SvmParams::default() };
    for case in cases() {
        let variants = [
            (SvmParams { kernel: Kernel::Linear, c: 0.5, ..base.clone() }, &case.svm_linear),
            (SvmParams { c: 2.0, ..base.clone() }, &case.svm_rbf),
            (
                SvmParams { gamma: Gamma::Value(0.1), class_weight: ClassWeight::Balanced, ..base.clone() },
                &case.svm_rbf_balanced,
            ),
        ];
        for (params, wanted) in variants {
            let what = format!("{params:?}, {} classes", case.data.classes);
            let (model, features) = fitted(&case, &ModelParams::Svm(params));
            let Fitted::Svm(svm) = &model.fitted else { panic!("a support vector machine") };
            assert!(model.note.starts_with(&format!("{} support vectors", wanted.support)), "{what}: {}", model.note);
            let z = model.scaler.transform(&features, &(0..features.rows()).collect::<Vec<_>>());
            // For two classes scikit-learn turns the sign, so that it speaks for the second class.
            let sign = if case.data.classes == 2 { -1.0 } else { 1.0 };
            let pairs = svm.rho.len();
            let rows = wanted.decisions.len() / pairs;
            let decisions =
                z.chunks_exact(case.data.columns).take(rows).flat_map(|row| svm.decisions(row)).map(|v| sign * v);
            close(&what, decisions, &wanted.decisions);
        }
    }
}

#[derive(Deserialize)]
struct GoldenTrees {
    cases: Vec<TreeCase>,
}

#[derive(Deserialize)]
struct TreeCase {
    data: Data,
    forest: Trees,
    forest_balanced: Trees,
    boosting: Trees,
    boosting_leaf_wise: Trees,
}

#[derive(Deserialize)]
struct Trees {
    probabilities: Vec<f64>,
    importances: Option<Vec<f64>>,
}

#[test]
fn trees_agree() {
    // One tree on all recordings and all features.
    let tree =
        ForestParams { trees: 1, bootstrap: false, max_features: MaxFeatures::Share(1.0), ..ForestParams::default() };
    // Scikit-learn asks for second derivatives of at least 1e-3, and takes half of ours.
    let boosting = BoostingParams { min_child_weight: 2e-3, ..BoostingParams::default() };
    let golden: GoldenTrees = serde_json::from_str(include_str!("../tests/golden/trees.json")).expect("golden values");
    for case in golden.cases {
        let variants = [
            (
                ModelParams::Forest(ForestParams { max_depth: Some(2), min_samples_leaf: 12, ..tree.clone() }),
                &case.forest,
            ),
            (
                ModelParams::Forest(ForestParams {
                    min_samples_split: 40,
                    class_weight: ClassWeight::Balanced,
                    ..tree.clone()
                }),
                &case.forest_balanced,
            ),
            (ModelParams::Boosting(BoostingParams { rounds: 20, max_depth: 3, ..boosting.clone() }), &case.boosting),
            (
                ModelParams::Boosting(BoostingParams {
                    rounds: 10,
                    learning_rate: 0.2,
                    lambda: 2.0,
                    max_leaves: Some(6),
                    max_depth: 100,
                    class_weight: ClassWeight::Balanced,
                    ..boosting.clone()
                }),
                &case.boosting_leaf_wise,
            ),
        ];
        for (params, wanted) in variants {
            let what = format!("{params:?}, {} classes", case.data.classes);
            let (model, features, _) = fitted_to(&case.data, &params);
            let probed: Vec<usize> = (0..wanted.probabilities.len() / case.data.classes).collect();
            let p = model.probabilities(&features.select_rows(&probed).expect("rows")).expect("probabilities");
            close(&what, p.values().iter().map(|&v| f64::from(v)), &wanted.probabilities);
            if let Some(importances) = &wanted.importances {
                close(&what, model.importances().expect("of trees"), importances);
            }
        }
    }
}
