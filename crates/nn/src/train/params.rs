//! How to train: the parameters, and their ranges.

use serde::{Deserialize, Serialize};

use super::schedule::Schedule;
use super::spec_augment::SpecAugment;
use super::stopping::EarlyStopping;
use crate::{NnError, OptimizerSpec};

/// How to train. What is off by default changes no bit of a training that does not ask for it.
///
/// ```
/// # use stimmung_nn::{EarlyStopping, Schedule, TrainParams};
/// let params: TrainParams = toml::from_str(r#"
/// epochs = 100
/// label_smoothing = 0.1
/// mixup = 0.2
/// optimizer = { kind = "adamw", learning_rate = 1e-3, weight_decay = 0.05 }
/// schedule = { kind = "cosine", warmup_epochs = 5 }
/// early_stopping = { patience = 20 }
/// "#)?;
/// params.check()?;
/// assert_eq!(params.schedule, Schedule::Cosine { warmup_epochs: 5, minimum: 0.0 });
/// assert_eq!(params.early_stopping, Some(EarlyStopping { patience: 20, ..EarlyStopping::default() }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainParams {
    /// Times that every sample is seen, at least 1. 50 by default.
    pub epochs: usize,
    /// Samples per step, at least 1. 32 by default. The last batch of an epoch takes what is left; if that is a single sample,
    /// of which batch normalisation over flat samples could not take a variance, it joins the batch before.
    pub batch_size: usize,
    /// The optimiser; Adam at a rate of 0.001 by default.
    pub optimizer: OptimizerSpec,
    /// How the learning rate changes in the course of the training; constant by default.
    pub schedule: Schedule,
    /// A factor on the loss of each class's samples, at least 0, one for each output. None by default: all count alike.
    pub class_weights: Option<Vec<f32>>,
    /// The share of each sample's target that is spread evenly over all classes, at least 0 and below 1 (Szegedy et al., CVPR
    /// 2016, section 7). 0 by default; 0.1 is usual. It makes answers less certain, so that a wrong label costs less.
    pub label_smoothing: f32,
    /// The largest Euclidean norm of the gradient of all parameters together, above 0; a longer one is
    /// shortened to it (Pascanu, Mikolov and Bengio, ICML 2013, algorithm 1). None by default: as long as it is. Recurrent
    /// networks want 1 or so.
    pub clip_norm: Option<f64>,
    /// Mixup (Zhang et al., ICLR 2018): each sample of a batch becomes `λ·x + (1-λ)·x'`, with `x'` from a random order of the
    /// same batch and `λ` from the distribution Beta(α, α), and its loss the same mixture of the losses against both labels.
    /// This is α, from 0.001 to 1000. None by default: no mixing. 0.2 is a beginning; the larger, the more of both.
    pub mixup: Option<f64>,
    /// Masks over frames and bands of pictures. None by default.
    pub spec_augment: Option<SpecAugment>,
    /// When to stop before all epochs are over. None by default: never.
    pub early_stopping: Option<EarlyStopping>,
    /// Whether each epoch has its own order of samples. On by default.
    pub shuffle: bool,
    /// The seed of the orders, of dropout, of mixup and of the masks; 0 by default.
    pub seed: u64,
}

impl Default for TrainParams {
    fn default() -> Self {
        Self {
            epochs: 50,
            batch_size: 32,
            optimizer: OptimizerSpec::default(),
            schedule: Schedule::Constant,
            class_weights: None,
            label_smoothing: 0.0,
            clip_norm: None,
            mixup: None,
            spec_augment: None,
            early_stopping: None,
            shuffle: true,
            seed: 0,
        }
    }
}

impl TrainParams {
    /// Checks what can be checked without a network and data.
    ///
    /// # Errors
    ///
    /// [`NnError::Parameter`] names the parameter, its value and its range.
    pub fn check(&self) -> Result<(), NnError> {
        if self.epochs == 0 {
            return Err(NnError::parameter("epochs", 0, "at least 1"));
        }
        if self.batch_size == 0 {
            return Err(NnError::parameter("batch_size", 0, "at least 1"));
        }
        if let Some(weights) = &self.class_weights {
            if let Some(weight) = weights.iter().find(|weight| !(weight.is_finite() && **weight >= 0.0)) {
                return Err(NnError::parameter("class_weights", weight, "at least 0 and finite"));
            }
            if weights.iter().all(|weight| *weight == 0.0) {
                return Err(NnError::parameter("class_weights", "all zero", "above 0 for at least one class"));
            }
        }
        if !(0.0..1.0).contains(&self.label_smoothing) {
            return Err(NnError::parameter("label_smoothing", self.label_smoothing, "at least 0 and below 1"));
        }
        if let Some(norm) = self.clip_norm
            && !(norm > 0.0 && norm.is_finite())
        {
            return Err(NnError::parameter("clip_norm", norm, "above 0 and finite"));
        }
        if let Some(alpha) = self.mixup
            && !(0.001..=1000.0).contains(&alpha)
        {
            return Err(NnError::parameter("mixup", alpha, "from 0.001 to 1000"));
        }
        self.optimizer.check()?;
        self.schedule.check(self.optimizer.learning_rate(), self.epochs)?;
        self.spec_augment.as_ref().map_or(Ok(()), SpecAugment::check)?;
        self.early_stopping.as_ref().map_or(Ok(()), EarlyStopping::check)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_from_a_recipe() {
        let text = "epochs = 3\nclass_weights = [1.0, 2.0]\n[optimizer]\nkind = \"sgd\"\nlearning_rate = 0.5\n";
        let params: TrainParams = toml::from_str(text).unwrap();
        let expected = TrainParams {
            epochs: 3,
            class_weights: Some(vec![1.0, 2.0]),
            optimizer: OptimizerSpec::sgd(0.5),
            ..TrainParams::default()
        };
        assert_eq!(params, expected);
        assert!(toml::from_str::<TrainParams>("epoch = 3").is_err());
        assert_eq!(TrainParams::default().check(), Ok(()));
    }

    #[test]
    fn round_trip_through_toml() {
        let params = TrainParams {
            schedule: Schedule::Plateau { factor: 0.5, patience: 3, min_delta: 0.0, minimum: 1e-6 },
            label_smoothing: 0.125,
            clip_norm: Some(1.0),
            mixup: Some(0.2),
            spec_augment: Some(SpecAugment::default()),
            early_stopping: Some(EarlyStopping::default()),
            ..TrainParams::default()
        };
        let text = toml::to_string(&params).unwrap();
        assert_eq!(toml::from_str::<TrainParams>(&text).unwrap(), params, "{text}");
    }

    #[test]
    fn unknown_keys_are_errors_on_every_level() {
        for text in [
            "schedule = { kind = \"constant\", rate = 1.0 }",
            "schedule = { kind = \"cosine\", warm_up = 1 }",
            "schedule = { kind = \"plateau\", cooldown = 1 }",
            "schedule = { kind = \"exponential\" }",
            "early_stopping = { wait = 3 }",
            "spec_augment = { time_warp = 3 }",
        ] {
            assert!(toml::from_str::<TrainParams>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn out_of_range_is_refused() {
        let good = TrainParams::default();
        let plateau = |factor, patience, min_delta, minimum| Schedule::Plateau { factor, patience, min_delta, minimum };
        let schedules = [
            Schedule::Cosine { warmup_epochs: 50, minimum: 0.0 },
            Schedule::Cosine { warmup_epochs: 0, minimum: -1e-3 },
            Schedule::Cosine { warmup_epochs: 0, minimum: 1e-2 },
            Schedule::Cosine { warmup_epochs: 0, minimum: f64::NAN },
            plateau(1.0, 3, 0.0, 0.0),
            plateau(0.0, 3, 0.0, 0.0),
            plateau(0.5, 0, 0.0, 0.0),
            plateau(0.5, 3, -1.0, 0.0),
            plateau(0.5, 3, f64::INFINITY, 0.0),
            plateau(0.5, 3, 0.0, 1.0),
        ];
        let schedules = schedules.into_iter().map(|schedule| TrainParams { schedule, ..good.clone() });
        let smoothings = [-0.1, 1.0, f32::NAN].map(|label_smoothing| TrainParams { label_smoothing, ..good.clone() });
        let norms =
            [0.0, -1.0, f64::NAN, f64::INFINITY].map(|norm| TrainParams { clip_norm: Some(norm), ..good.clone() });
        let alphas = [0.0, 1e-4, 1e4, f64::NAN].map(|alpha| TrainParams { mixup: Some(alpha), ..good.clone() });
        let masks = SpecAugment { frame_masks: 1001, ..SpecAugment::default() };
        let stop = |patience, min_delta| EarlyStopping { patience, min_delta, ..EarlyStopping::default() };
        let others = [
            TrainParams { spec_augment: Some(masks), ..good.clone() },
            TrainParams { early_stopping: Some(stop(0, 0.0)), ..good.clone() },
            TrainParams { early_stopping: Some(stop(3, f64::NAN)), ..good.clone() },
        ];
        for params in schedules.chain(smoothings).chain(norms).chain(alphas).chain(others) {
            assert!(matches!(params.check(), Err(NnError::Parameter { .. })), "{params:?}");
        }
    }
}
