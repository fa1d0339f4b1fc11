//! Watching the validation loss, and stopping when it no longer falls.

use serde::{Deserialize, Serialize};

use crate::{Network, NnError};

/// Stops a training whose validation loss no longer falls, as Keras' callback of this name does.
///
/// An epoch is better than the best so far if its validation loss is below the best by *more* than `min_delta`. An equal
/// loss is no improvement: of equal epochs, the first is the best. After `patience` epochs in a row that are
/// not better, training ends.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyStopping {
    /// Epochs without improvement after which training ends, at least 1. 10 by default: on small sets the loss goes up and
    /// down a good deal before it turns.
    pub patience: usize,
    /// By how much a loss must fall to count as better, in nats, at least 0, which is the default.
    pub min_delta: f64,
    /// Whether the network ends with the weights and running statistics of its best epoch, however the training ended, rather
    /// than with the last. On by default, unlike in Keras: the last epochs are those in which nothing got better.
    pub restore_best: bool,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self { patience: 10, min_delta: 0.0, restore_best: true }
    }
}

impl EarlyStopping {
    /// Checks the parameters.
    pub(crate) fn check(&self) -> Result<(), NnError> {
        if self.patience == 0 {
            return Err(NnError::parameter("early_stopping.patience", 0, "at least 1"));
        }
        if !(self.min_delta >= 0.0 && self.min_delta.is_finite()) {
            return Err(NnError::parameter("early_stopping.min_delta", self.min_delta, "at least 0 and finite"));
        }
        Ok(())
    }
}

/// Follows a loss, and counts the epochs since it was last better.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watch {
    min_delta: f64,
    best: f64,
    wait: usize,
}

impl Watch {
    pub(crate) fn new(min_delta: f64) -> Self {
        Self { min_delta, best: f64::INFINITY, wait: 0 }
    }

    /// Takes the loss of an epoch; says how many epochs in a row, with this one, were not better than the best.
    pub(crate) fn observe(&mut self, loss: f64) -> usize {
        if loss + self.min_delta < self.best {
            (self.best, self.wait) = (loss, 0);
        } else {
            self.wait += 1;
        }
        self.wait
    }

    /// Begins to count anew, against the same best.
    pub(crate) fn forgive(&mut self) {
        self.wait = 0;
    }
}

/// The parameters and running statistics of an epoch.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) parameters: Vec<f32>,
    pub(crate) statistics: Vec<f32>,
}

/// Early stopping at work.
#[derive(Debug)]
pub(crate) struct Stopper {
    spec: EarlyStopping,
    watch: Watch,
    stopped: bool,
    /// The best epoch's weights, if they are to be restored.
    pub(crate) best: Option<Snapshot>,
}

impl Stopper {
    pub(crate) fn new(spec: EarlyStopping) -> Self {
        Self { spec, watch: Watch::new(spec.min_delta), stopped: false, best: None }
    }

    /// Takes the validation loss of an epoch; says whether it is the best so far.
    pub(crate) fn observe(&mut self, loss: f64) -> bool {
        let wait = self.watch.observe(loss);
        self.stopped = wait >= self.spec.patience;
        wait == 0
    }

    /// Keeps the weights of the best epoch, if that is wanted.
    pub(crate) fn keep(&mut self, network: &Network) {
        if !self.spec.restore_best {
            return;
        }
        if let Some(best) = &mut self.best {
            best.parameters.copy_from_slice(&network.parameters);
            best.statistics.copy_from_slice(&network.statistics);
        } else {
            let (parameters, statistics) = (network.parameters.clone(), network.statistics.clone());
            self.best = Some(Snapshot { parameters, statistics });
        }
    }

    pub(crate) fn restores_best(&self) -> bool {
        self.spec.restore_best
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stopped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The epochs that were best when they came, from 1, and the one after which training ends.
    fn watched(spec: EarlyStopping, losses: &[f64]) -> (Vec<usize>, Option<usize>) {
        let mut stopper = Stopper::new(spec);
        let mut best = Vec::new();
        for (index, loss) in losses.iter().enumerate() {
            if stopper.observe(*loss) {
                best.push(index + 1);
            }
            if stopper.stopped() {
                return (best, Some(index + 1));
            }
        }
        (best, None)
    }

    fn patient(patience: usize, min_delta: f64) -> EarlyStopping {
        EarlyStopping { patience, min_delta, ..EarlyStopping::default() }
    }

    // Keras 3.15.1 stops after the same epochs, with the same for the best (scripts/keras_training_golden.py).

    #[test]
    fn ends_after_so_many_epochs_that_are_not_better() {
        let losses = [3.0, 2.0, 2.5, 2.1, 1.0, 1.0, 1.5, 0.5];
        assert_eq!(watched(patient(1, 0.0), &losses), (vec![1, 2], Some(3)));
        assert_eq!(watched(patient(2, 0.0), &losses), (vec![1, 2], Some(4)));
        assert_eq!(watched(patient(3, 0.0), &losses), (vec![1, 2, 5, 8], None));
    }

    #[test]
    fn equal_is_not_better() {
        assert_eq!(watched(patient(2, 0.0), &[1.0, 1.0, 1.0]), (vec![1], Some(3)));
    }

    #[test]
    fn a_small_fall_is_not_better() {
        // Each falls by half of what is asked for, but the third by the whole and a little from the first.
        assert_eq!(watched(patient(2, 0.5), &[2.0, 1.75, 1.375, 1.25]), (vec![1, 3], None));
        assert_eq!(watched(patient(2, 0.5), &[2.0, 1.75, 1.5]), (vec![1], Some(3)));
    }
}
