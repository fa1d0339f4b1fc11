//! The course of the learning rate.

use serde::{Deserialize, Serialize};

use super::stopping::Watch;
use crate::NnError;
use crate::spec::no_keys;

/// How the learning rate changes in the course of a training. In a recipe, a table with the key `kind`:
///
/// ```
/// # use stimmung_nn::Schedule;
/// let schedule: Schedule = toml::from_str(r#"
/// kind = "plateau"
/// patience = 5
/// "#)?;
/// assert_eq!(schedule, Schedule::Plateau { factor: 0.1, patience: 5, min_delta: 1e-4, minimum: 0.0 });
/// # Ok::<(), toml::de::Error>(())
/// ```
///
/// Below, `η` is the optimiser's `learning_rate`. What comes of it is then divided by the optimiser's own `decay`.
/// Unknown keys are errors.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Schedule {
    /// The rate stays at `η`.
    #[default]
    #[serde(deserialize_with = "no_keys")]
    Constant,
    /// Half a period of a cosine from `η` down to `minimum`, step by step (Loshchilov and Hutter, ICLR 2017, eq. 5, without
    /// restarts), after a straight line up to `η`: step `t` of the `W` steps of the warm-up has `η·(t+1)/W`, and step `t` of
    /// `T` in all has `minimum + (η-minimum)/2 · (1 + cos(π·(t-W)/(T-W)))`. A training of another number of epochs
    /// has another curve.
    Cosine {
        /// Epochs of the straight line, fewer than there are in all. 0 by default.
        #[serde(default)]
        warmup_epochs: usize,
        /// Where the curve ends, as a rate, from 0, which is the default, to `η`.
        #[serde(default)]
        minimum: f64,
    },
    /// Multiplies the rate by `factor` whenever the validation loss has not fallen for `patience` epochs, and then waits as
    /// long again, as `ReduceLROnPlateau` of Keras does. Needs validation data.
    Plateau {
        /// What the rate is multiplied by, above 0 and below 1. 0.1 by default.
        #[serde(default = "plateau_factor")]
        factor: f64,
        /// Epochs in a row that are not better, at least 1. 10 by default.
        #[serde(default = "plateau_patience")]
        patience: usize,
        /// The validation loss must fall by more than this to count as better, at least 0. 0.0001 by default.
        #[serde(default = "plateau_min_delta")]
        min_delta: f64,
        /// The rate does not go below this, from 0, which is the default, to `η`.
        #[serde(default)]
        minimum: f64,
    },
}

fn plateau_factor() -> f64 {
    0.1
}

fn plateau_patience() -> usize {
    10
}

fn plateau_min_delta() -> f64 {
    1e-4
}

impl Schedule {
    /// Checks the parameters, for a training at this rate of this many epochs.
    pub(crate) fn check(&self, learning_rate: f64, epochs: usize) -> Result<(), NnError> {
        let minimum = match *self {
            Self::Constant => return Ok(()),
            Self::Cosine { warmup_epochs, minimum } => {
                if warmup_epochs >= epochs {
                    return Err(NnError::parameter("schedule.warmup_epochs", warmup_epochs, "below `epochs`"));
                }
                minimum
            }
            Self::Plateau { factor, patience, min_delta, minimum } => {
                if !(factor > 0.0 && factor < 1.0) {
                    return Err(NnError::parameter("schedule.factor", factor, "above 0 and below 1"));
                }
                if patience == 0 {
                    return Err(NnError::parameter("schedule.patience", 0, "at least 1"));
                }
                if !(min_delta >= 0.0 && min_delta.is_finite()) {
                    return Err(NnError::parameter("schedule.min_delta", min_delta, "at least 0 and finite"));
                }
                minimum
            }
        };
        if !(0.0..=learning_rate).contains(&minimum) {
            return Err(NnError::parameter("schedule.minimum", minimum, "at least 0 and at most the learning rate"));
        }
        Ok(())
    }
}

/// A schedule at work.
#[derive(Debug)]
pub(crate) struct Scheduler {
    schedule: Schedule,
    /// The rate to begin with; of [`Schedule::Plateau`], the rate at present.
    rate: f64,
    /// Steps in an epoch, and epochs in all.
    steps_per_epoch: u64,
    epochs: u64,
    watch: Watch,
}

impl Scheduler {
    /// A checked schedule for a training at this rate.
    pub(crate) fn new(schedule: Schedule, learning_rate: f64, steps_per_epoch: usize, epochs: usize) -> Self {
        let min_delta = if let Schedule::Plateau { min_delta, .. } = schedule { min_delta } else { 0.0 };
        Self {
            schedule,
            rate: learning_rate,
            steps_per_epoch: steps_per_epoch as u64,
            epochs: epochs as u64,
            watch: Watch::new(min_delta),
        }
    }

    /// The rate of step `step`, counted from 0.
    pub(crate) fn rate(&self, step: u64) -> f64 {
        let Schedule::Cosine { warmup_epochs, minimum } = self.schedule else { return self.rate };
        let warmup = self.steps_per_epoch.saturating_mul(warmup_epochs as u64);
        if step < warmup {
            return self.rate * (step + 1) as f64 / warmup as f64;
        }
        // Whoever goes on beyond the last epoch stays at the end of the curve.
        let course = self.steps_per_epoch as f64 * (self.epochs - warmup_epochs as u64) as f64;
        let position = ((step - warmup) as f64 / course).min(1.0);
        minimum + (self.rate - minimum) * (0.5 + 0.5 * (std::f64::consts::PI * position).cos())
    }

    /// Takes the validation loss of an epoch.
    pub(crate) fn observe(&mut self, loss: f64) {
        if let Schedule::Plateau { factor, patience, minimum, .. } = self.schedule
            && self.watch.observe(loss) >= patience
        {
            self.rate = (self.rate * factor).max(minimum);
            self.watch.forgive();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cosine_is_that_of_pytorch() {
        // Printed by scripts/torch_training_golden.py with PyTorch 2.15.0; 4 epochs of 2 steps.
        let scheduler = Scheduler::new(Schedule::Cosine { warmup_epochs: 0, minimum: 0.02 }, 0.2, 2, 4);
        let expected = [
            0.2,
            0.193_149_157_926,
            0.173_639_610_307,
            0.144_441_508_913,
            0.11,
            0.075_558_491_087,
            0.046_360_389_693,
            0.026_850_842_074,
            0.02,
        ];
        for (step, expected) in expected.into_iter().enumerate() {
            assert!((scheduler.rate(step as u64) - expected).abs() < 1e-12, "{step}");
        }
    }

    #[test]
    fn the_cosine_begins_and_ends_where_it_should() {
        let scheduler = Scheduler::new(Schedule::Cosine { warmup_epochs: 2, minimum: 0.01 }, 0.3, 5, 6);
        assert!((scheduler.rate(0) - 0.03).abs() < 1e-15);
        assert_eq!((scheduler.rate(9), scheduler.rate(10)), (0.3, 0.3));
        assert!((scheduler.rate(20) - 0.155).abs() < 1e-15);
        assert_eq!((scheduler.rate(30), scheduler.rate(u64::MAX)), (0.01, 0.01));
        let rates: Vec<f64> = (10..31).map(|step| scheduler.rate(step)).collect();
        assert!(rates.is_sorted_by(|a, b| a > b), "{rates:?}");
    }

    #[test]
    fn a_constant_rate_is_constant() {
        let mut scheduler = Scheduler::new(Schedule::Constant, 0.3, 5, 6);
        (0..50).for_each(|_| scheduler.observe(1.0));
        assert_eq!([0, 17, 1000].map(|step| scheduler.rate(step)), [0.3; 3]);
    }

    #[test]
    fn a_plateau_lowers_the_rate_and_waits_again() {
        // Keras 3.15.1 gives the same (scripts/keras_training_golden.py).
        let schedule = Schedule::Plateau { factor: 0.5, patience: 2, min_delta: 0.1, minimum: 0.15 };
        let mut scheduler = Scheduler::new(schedule, 1.0, 1, 20);
        let mut rates = Vec::new();
        // Falls by no more than 0.1 do not count; the loss of 1.5 does, in the middle of the second wait.
        for loss in [2.0, 1.95, 1.9, 1.95, 1.5, 1.5, 1.6, 1.5, 1.5, 1.5, 1.5] {
            scheduler.observe(loss);
            rates.push(scheduler.rate(0));
        }
        assert_eq!(rates, [1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.15, 0.15, 0.15]);
    }
}
