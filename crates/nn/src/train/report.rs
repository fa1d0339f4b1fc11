//! What a training tells of itself.

use serde::Serialize;

/// What the network made of the validation data after an epoch, in evaluation mode.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ValidationReport {
    /// The mean cross-entropy in nats: plain, without class weights, smoothing, mixing or masks, so that it means the same
    /// whatever the training does.
    pub loss: f64,
    /// The share of samples whose own class scored best.
    pub accuracy: f64,
}

/// What came of one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct EpochReport {
    /// Which epoch, from 1.
    pub epoch: usize,
    /// The mean of the samples' weighted losses, in nats, each taken before the step that learned from it, with dropout on.
    /// It is the loss that is trained on, with smoothed labels and mixed and masked samples where there are any.
    pub loss: f64,
    /// The share of samples whose own class scored best, taken likewise. A mixed sample's class is that of its larger share.
    pub accuracy: f64,
    /// The learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// Steps taken in all epochs so far.
    pub steps: u64,
    /// The validation data after the epoch, where there are any.
    pub validation: Option<ValidationReport>,
}

/// What came of a training.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct History {
    /// The epochs in order; fewer than asked for if training was stopped.
    pub epochs: Vec<EpochReport>,
    /// The epoch, from 1, with the best validation loss in the sense of [`EarlyStopping`](crate::EarlyStopping); none
    /// without it.
    pub best_epoch: Option<usize>,
}
