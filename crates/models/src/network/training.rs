//! How networks are trained.

use serde::{Deserialize, Serialize};
use stimmung_nn::{EarlyStopping, OptimizerSpec, Schedule, SpecAugment, TrainParams};

use crate::ModelError;
use crate::numeric::class_weights;
use crate::params::{ClassWeight, out_of_range};

/// How a network is trained: the section `[model.training]` of the kind `network`. Only softmax cross-entropy is trained on.
///
/// # Examples
/// ```
/// use stimmung_models::ModelParams;
/// let params: ModelParams = toml::from_str(r#"
/// kind = "network"
/// architecture = "issa-baseline"
///
/// [training]
/// epochs = 100
/// optimizer = { kind = "adamw", learning_rate = 3e-4 }
/// schedule = { kind = "cosine", warmup_epochs = 5 }
/// label_smoothing = 0.1
/// early_stopping = { patience = 15, share = 0.25 }
/// "#)?;
/// params.check()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingParams {
    /// Passes over the training data, at least 1. Default 50.
    pub epochs: usize,
    /// Recordings per step, at least 1. Default 32.
    pub batch_size: usize,
    /// How weights are moved. Default Adam with a learning rate of 0.001.
    pub optimizer: OptimizerSpec,
    /// How the learning rate changes in the course of the training. Default not at all. `plateau` needs `early_stopping`.
    pub schedule: Schedule,
    /// Whether rare classes count for more. Default none.
    pub class_weight: ClassWeight,
    /// The share of a recording's target that is spread evenly over all classes, at least 0 and below 1 (Szegedy et al., CVPR
    /// 2016, section 7). Default 0; 0.1 is usual. It makes answers less certain, so that a wrong label costs less.
    pub label_smoothing: f64,
    /// The largest Euclidean norm of the gradient of all parameters together, above 0; a longer one is shortened to it (Pascanu,
    /// Mikolov and Bengio, ICML 2013, algorithm 1). Default none; recurrent networks want 1 or so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f64>,
    /// The α of mixup (Zhang et al., ICLR 2018), from 0.001 to 1000: recordings are mixed in pairs, by shares from the distribution
    /// Beta(α, α). Default none; 0.2 is a beginning, and the larger, the more of both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mixup: Option<f64>,
    /// Masks over frames and bands of pictures, as in `SpecAugment`. Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec_augment: Option<SpecAugment>,
    /// When to stop before all epochs are over. Default never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStoppingParams>,
}

impl Default for TrainingParams {
    fn default() -> Self {
        Self {
            epochs: 50,
            batch_size: 32,
            optimizer: OptimizerSpec::default(),
            schedule: Schedule::default(),
            class_weight: ClassWeight::None,
            label_smoothing: 0.0,
            clip_norm: None,
            mixup: None,
            spec_augment: None,
            early_stopping: None,
        }
    }
}

/// Stops a training when a part of the training data, which is held out for that, is no longer recognised better.
///
/// Whole speakers are held out where they are known ([`TrainingSet::groups`](crate::TrainingSet::groups)), because a
/// network goes on getting better on voices that it learns from; a speaker with the only recordings of a class is passed
/// over. Where no speakers are known, a part of each class is held out. Which part, the seed decides. What is
/// held out is not learned from, but for the means and scales of the features.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyStoppingParams {
    /// Epochs in a row without improvement after which training ends, at least 1. Default 10.
    pub patience: usize,
    /// By how much the held-out loss must fall to count as better, in nats, at least 0. Default 0.
    pub min_delta: f64,
    /// Whether the network ends with the weights of its best epoch rather than with the last. Default yes.
    pub restore_best: bool,
    /// The share of speakers, or of each class's rows, that is held out, above 0 and below 1; at least one. Default 0.2.
    pub share: f64,
}

impl Default for EarlyStoppingParams {
    fn default() -> Self {
        let EarlyStopping { patience, min_delta, restore_best } = EarlyStopping::default();
        Self { patience, min_delta, restore_best, share: 0.2 }
    }
}

impl TrainingParams {
    pub(crate) fn check(&self, kind: &'static str) -> Result<(), ModelError> {
        match self.early_stopping {
            Some(EarlyStoppingParams { share, .. }) if !(share > 0.0 && share < 1.0) => {
                Err(out_of_range(kind, "early_stopping.share", share, "above 0 and below 1"))
            }
            None if matches!(self.schedule, Schedule::Plateau { .. }) => {
                let expected = "another one unless there is `early_stopping`, which holds out what it watches";
                Err(out_of_range(kind, "schedule", "plateau", expected))
            }
            _ => Ok(self.train_params(&[], 0, 0).check()?),
        }
    }

    /// The parameters of training on these labels.
    pub(crate) fn train_params(&self, labels: &[usize], classes: usize, seed: u64) -> TrainParams {
        let balanced = self.class_weight == ClassWeight::Balanced && classes > 0;
        TrainParams {
            epochs: self.epochs,
            batch_size: self.batch_size,
            optimizer: self.optimizer.clone(),
            schedule: self.schedule,
            class_weights: balanced
                .then(|| class_weights(labels, classes, true).into_iter().map(|w| w as f32).collect()),
            label_smoothing: self.label_smoothing as f32,
            clip_norm: self.clip_norm,
            mixup: self.mixup,
            spec_augment: self.spec_augment,
            early_stopping: self.early_stopping.map(
                |EarlyStoppingParams { patience, min_delta, restore_best, .. }| EarlyStopping {
                    patience,
                    min_delta,
                    restore_best,
                },
            ),
            seed,
            ..TrainParams::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_layers_crate() {
        let params = TrainingParams::default();
        params.check("network").expect("valid");
        assert_eq!(params.train_params(&[0, 1], 2, 7), TrainParams { seed: 7, ..TrainParams::default() });
    }

    #[test]
    fn out_of_range_is_refused() {
        let good = TrainingParams::default();
        let stop = |share| Some(EarlyStoppingParams { share, ..EarlyStoppingParams::default() });
        let plateau = Schedule::Plateau { factor: 0.5, patience: 2, min_delta: 0.0, minimum: 0.0 };
        for params in [
            TrainingParams { epochs: 0, ..good.clone() },
            TrainingParams { batch_size: 0, ..good.clone() },
            TrainingParams { label_smoothing: 1.0, ..good.clone() },
            TrainingParams { mixup: Some(f64::NAN), ..good.clone() },
            TrainingParams { clip_norm: Some(0.0), ..good.clone() },
            TrainingParams { schedule: plateau, ..good.clone() },
            TrainingParams { early_stopping: stop(0.0), ..good.clone() },
            TrainingParams { early_stopping: stop(1.0), ..good.clone() },
            TrainingParams { early_stopping: stop(f64::NAN), ..good.clone() },
        ] {
            assert!(params.check("network").is_err(), "{params:?}");
        }
        let watched = TrainingParams { schedule: plateau, early_stopping: stop(0.2), ..good };
        watched.check("network").expect("held out");
    }
}
