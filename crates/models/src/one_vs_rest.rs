//! A binary model for each class, and an arbiter: the ensemble of Issa, Demirci & Yazici 2020.

use std::ops::ControlFlow;

use rand_chacha::rand_core::Rng;
use serde::{Deserialize, Serialize};

use crate::classifier::Fitted;
use crate::fit::fit_task;
use crate::network::{CheckpointStore, MemberStore, Watchers};
use crate::params::out_of_range;
use crate::random::stream;
use crate::training_set::Task;
use crate::{FitProgress, ModelAParams, ModelError, ModelParams};

/// Into how many steps the progress of one member is divided.
const STEPS: usize = 100;

/// Parameters of an ensemble of binary models, one a class, each of which tells its class from all others, and an arbiter that
/// knows all classes: the ensemble of Issa, Demirci & Yazici 2020 (doi:10.1016/j.bspc.2020.101894), with any models.
///
/// Where exactly one member claims a recording, that is gives its class a probability above ½, the probabilities are those that
/// the members give to their classes, divided by their sum; the claimed class is then the likeliest. Everywhere else, the
/// arbiter answers.
///
/// # Examples
/// ```
/// use stimmung_models::ModelParams;
/// let params: ModelParams = toml::from_str(r#"
/// kind = "one-vs-rest"
///
/// [member]
/// kind = "svm"
/// class_weight = "balanced"
///
/// [arbiter]
/// kind = "logistic"
/// "#)?;
/// params.check()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct OneVsRestParams {
    /// The model of each class, a section like that of a model by itself, but no ensemble. A class is rare against all others:
    /// `class_weight = "balanced"` may help. Default `issa-model-a`, as published.
    pub member: Box<ModelParams>,
    /// The model that judges where not exactly one member claims a recording; no ensemble. Default `issa-model-a`, as
    /// published.
    pub arbiter: Box<ModelParams>,
}

impl Default for OneVsRestParams {
    fn default() -> Self {
        let model_a = || Box::new(ModelParams::ModelA(ModelAParams::default()));
        Self { member: model_a(), arbiter: model_a() }
    }
}

impl OneVsRestParams {
    pub(crate) const KIND: &str = "one-vs-rest";

    pub(crate) fn check(&self) -> Result<(), ModelError> {
        for (key, part) in [("member", &self.member), ("arbiter", &self.arbiter)] {
            if matches!(**part, ModelParams::OneVsRest(_)) {
                return Err(out_of_range(Self::KIND, key, format!("`{}`", part.kind()), "a model that is no ensemble"));
            }
            part.check()?;
        }
        Ok(())
    }
}

/// A fitted ensemble.
#[derive(Clone, Debug)]
pub(crate) struct OneVsRest {
    /// One for each class; the second of its two classes is that class.
    pub(crate) members: Vec<Fitted>,
    pub(crate) arbiter: Box<Fitted>,
}

/// Fits the members, then the arbiter. A part tells of its progress in [`STEPS`] steps.
pub(crate) fn fit(
    params: &OneVsRestParams,
    task: &Task<'_>,
    seed: u64,
    watchers: Watchers<'_, '_>,
) -> Result<(OneVsRest, String), ModelError> {
    let Watchers { mut store, progress } = watchers;
    let total = (task.classes + 1) * STEPS;
    let mut last = 0;
    let mut part = |number: usize, params: &ModelParams, task: &Task<'_>, seed: u64| {
        let mut store = store.as_deref_mut().map(|of| MemberStore { of, member: number });
        let store = store.as_mut().map(|store| store as &mut dyn CheckpointStore);
        fit_task(params, task, seed, store, &mut |at| {
            let step = number * STEPS + STEPS * at.step.min(at.total) / at.total.max(1);
            if step <= last {
                return ControlFlow::Continue(());
            }
            last = step;
            progress(FitProgress::new(step, total))
        })
    };
    let mut members = Vec::new();
    for class in 0..task.classes {
        let labels: Vec<usize> = task.labels.iter().map(|&label| usize::from(label == class)).collect();
        let binary = Task { labels: &labels, classes: 2, watched: None, ..*task };
        let seed = stream(seed, class as u64).next_u64();
        members.push(part(class, &params.member, &binary, seed)?.0);
    }
    // With the seed itself, the arbiter is the model that it would be without members.
    let (arbiter, note) = part(task.classes, &params.arbiter, &Task { watched: None, ..*task }, seed)?;
    let note = format!("{} members of kind {}; arbiter: {note}", task.classes, params.member.kind());
    Ok((OneVsRest { members, arbiter: Box::new(arbiter) }, note))
}

impl OneVsRest {
    /// Class probabilities of standardised rows of this many columns.
    pub(crate) fn probabilities(&self, z: &[f32], columns: usize) -> Result<Vec<Vec<f64>>, ModelError> {
        let mut claims = vec![Vec::with_capacity(self.members.len()); z.len() / columns];
        for member in &self.members {
            for (claims, p) in claims.iter_mut().zip(member.probabilities(z, columns)?) {
                // Forests answer with sums over their trees, and only shares can be held against ½.
                claims.push(p[1] / p.iter().sum::<f64>());
            }
        }
        let open: Vec<usize> = (0..claims.len()).filter(|&row| !is_decided(&claims[row])).collect();
        let rows: Vec<f32> = open.iter().flat_map(|&row| &z[row * columns..(row + 1) * columns]).copied().collect();
        for (row, judged) in open.into_iter().zip(self.arbiter.probabilities(&rows, columns)?) {
            claims[row] = judged;
        }
        Ok(claims)
    }
}

/// Whether exactly one member claims a recording. That one's class then is the likeliest, since the others have at most ½.
fn is_decided(claims: &[f64]) -> bool {
    claims.iter().filter(|&&p| p > 0.5).count() == 1
}

#[cfg(test)]
mod tests {
    use stimmung_features::Shape;

    use super::*;
    use crate::linear::Linear;
    use crate::testing::{blob_matrix, names};
    use crate::{DenseParams, ForestParams, LdaParams, LogisticParams, Matrix, TrainingSet};

    /// A model of one feature that gives its second class the probability of this odds, whatever the feature.
    fn member(p: f64) -> Fitted {
        Fitted::Linear(Linear { columns: 1, weights: vec![0.0, 0.0], intercepts: vec![0.0, (p / (1.0 - p)).ln()] })
    }

    fn judged(claims: &[f64]) -> Vec<f64> {
        let arbiter = Linear { columns: 1, weights: vec![0.0; claims.len()], intercepts: vec![0.0; claims.len()] };
        let ensemble = OneVsRest {
            members: claims.iter().map(|&p| member(p)).collect(),
            arbiter: Box::new(Fitted::Linear(arbiter)),
        };
        let p = ensemble.probabilities(&[0.5], 1).expect("probabilities").remove(0);
        let sum: f64 = p.iter().sum();
        p.into_iter().map(|p| p / sum).collect()
    }

    #[test]
    fn one_claim_decides_and_otherwise_the_arbiter() {
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(close(&judged(&[0.6, 0.3, 0.1]), &[0.6, 0.3, 0.1]));
        assert!(close(&judged(&[0.4, 0.8, 0.4]), &[0.25, 0.5, 0.25]), "divided by their sum");
        assert!(close(&judged(&[0.6, 0.7, 0.1]), &[1.0 / 3.0; 3]), "two claims");
        assert!(close(&judged(&[0.4, 0.3, 0.1]), &[1.0 / 3.0; 3]), "no claim");
    }

    proptest::proptest! {
        #[test]
        fn the_only_claimant_is_the_likeliest(mut claims in proptest::collection::vec(0.0..0.5f64, 2..8), own in 0.500_001..1.0f64) {
            claims[0] = own;
            proptest::prop_assert!(is_decided(&claims));
            let p = judged(&claims);
            proptest::prop_assert!(p[1..].iter().all(|&other| other < p[0]));
            proptest::prop_assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn ensembles_of_ensembles_are_refused() {
        let nested = || Box::new(ModelParams::OneVsRest(OneVsRestParams::default()));
        let plain = OneVsRestParams::default();
        for params in
            [OneVsRestParams { member: nested(), ..plain.clone() }, OneVsRestParams { arbiter: nested(), ..plain }]
        {
            let message = params.check().expect_err("nested").to_string();
            assert!(message.contains("no ensemble"), "{message}");
        }
        let text = "kind = \"one-vs-rest\"\nmember = { kind = \"logistic\", c = -1.0 }";
        assert!(toml::from_str::<ModelParams>(text).expect("toml").check().is_err(), "parts are checked");
    }

    fn quiet(params: &ModelParams, x: &Matrix, labels: &[usize], classes: usize) -> crate::Classifier {
        let names = names(classes);
        let data = TrainingSet::new(x, Shape::Vector(x.columns()), labels, &names);
        crate::fit(params, &data, 1, &mut |_| ControlFlow::Continue(())).expect("fitted")
    }

    /// How many recordings the members decide; each as they would by themselves, all others as the arbiter.
    fn decided(member: &ModelParams) -> usize {
        let (x, labels) = blob_matrix(60, 4, 3, 1.5, 2);
        let dense = ModelParams::Dense(DenseParams { hidden: vec![4], epochs: 3, ..DenseParams::default() });
        let params = OneVsRestParams { member: Box::new(member.clone()), arbiter: Box::new(dense.clone()) };
        let ensemble = quiet(&ModelParams::OneVsRest(params), &x, &labels, 3);
        let alone = quiet(&dense, &x, &labels, 3);
        if matches!(member, ModelParams::Logistic(_)) {
            assert_eq!(ensemble.parameter_count(), 3 * 5 + alone.parameter_count());
        }
        let Fitted::OneVsRest(parts) = &ensemble.fitted else { panic!("an ensemble") };
        // Of what they have learnt from, forests are too sure.
        let (x, _) = blob_matrix(60, 4, 3, 1.5, 9);
        let (a, b) = (ensemble.probabilities(&x).expect("p"), alone.probabilities(&x).expect("p"));
        let z = ensemble.scaler.transform(&x, &(0..60).collect::<Vec<_>>());
        let mut decided = 0;
        for row in 0..60 {
            let z = &z[row * 4..(row + 1) * 4];
            let claim = |member: &Fitted| {
                let p = member.probabilities(z, 4).expect("p").remove(0);
                (p[1] / (p[0] + p[1])) as f32
            };
            let claims: Vec<f32> = parts.members.iter().map(claim).collect();
            if claims.iter().filter(|&&p| p > 0.5).count() == 1 {
                let sum: f32 = claims.iter().sum();
                assert!(a.row(row).iter().zip(&claims).all(|(a, p)| (a - p / sum).abs() < 1e-6), "{row}");
                decided += 1;
            } else {
                assert_eq!(a.row(row), b.row(row), "{row}");
            }
        }
        decided
    }

    #[test]
    fn the_arbiter_is_the_model_that_it_would_be_alone() {
        // Forests answer with sums over trees, not with shares.
        for member in [ModelParams::Logistic(LogisticParams::default()), ModelParams::Forest(ForestParams::default())] {
            let decided = decided(&member);
            assert!((10..60).contains(&decided), "{}: {decided}", member.kind());
        }
    }

    #[test]
    fn a_member_is_what_anyone_gets_with_such_labels() {
        let (x, labels) = blob_matrix(60, 4, 3, 1.5, 2);
        let logistic = ModelParams::Logistic(LogisticParams::default());
        let params = OneVsRestParams { member: Box::new(logistic.clone()), arbiter: Box::new(logistic.clone()) };
        let ensemble = quiet(&ModelParams::OneVsRest(params), &x, &labels, 3);
        let Fitted::OneVsRest(parts) = &ensemble.fitted else { panic!("an ensemble") };
        let z = ensemble.scaler.transform(&x, &(0..60).collect::<Vec<_>>());
        for class in 0..3 {
            let own: Vec<usize> = labels.iter().map(|&label| usize::from(label == class)).collect();
            let alone = quiet(&logistic, &x, &own, 2).probabilities(&x).expect("p");
            let member = parts.members[class].probabilities(&z, 4).expect("p");
            assert!(member.iter().enumerate().all(|(row, p)| (p[1] - f64::from(alone.row(row)[1])).abs() < 1e-6));
        }
    }

    #[test]
    fn members_draw_their_own_numbers() {
        let (x, labels) = blob_matrix(30, 4, 2, 0.8, 2);
        let member = ModelParams::Dense(DenseParams { hidden: vec![4], epochs: 1, ..DenseParams::default() });
        let arbiter = Box::new(ModelParams::Lda(LdaParams::default()));
        let params = ModelParams::OneVsRest(OneVsRestParams { member: Box::new(member), arbiter });
        let Fitted::OneVsRest(ensemble) = quiet(&params, &x, &labels, 2).fitted else { panic!("an ensemble") };
        // Of two classes, the members would otherwise be each other's mirror image.
        let z = [0.3, -0.4, 0.1, 0.9];
        let p: Vec<f64> = ensemble.members.iter().map(|member| member.probabilities(&z, 4).expect("p")[0][1]).collect();
        assert!((p[0] + p[1] - 1.0).abs() > 1e-6, "{p:?}");
    }
}
