//! What can go wrong, by what the caller can do about it.

use std::fmt;

/// An error of this crate.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NnError {
    /// A parameter is out of its range: change it.
    #[error("{name} is {value}; it must be {expected}")]
    Parameter {
        /// Which parameter, as it is written in a recipe.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A layer cannot take what the layers before it give: change the list of layers.
    #[error("layer {position} ({layer}) cannot follow an output of shape {input:?}: {reason}")]
    Layer {
        /// The layer's position in the list, from 1.
        position: usize,
        /// The layer's kind.
        layer: &'static str,
        /// The shape of a sample that arrives at the layer.
        input: Vec<usize>,
        /// Why this does not work, and what would.
        reason: String,
    },
    /// The network or its buffers would not fit into a sensible amount of memory: make it smaller.
    #[error("{what} would need {needed} values, the limit is {limit}: {remedy}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How many values it would need; `usize::MAX` where the number itself overflows.
        needed: usize,
        /// How many are allowed.
        limit: usize,
        /// What to make smaller.
        remedy: &'static str,
    },
    /// Two pieces of data that belong together differ in size: pass matching data.
    #[error("{what}: expected {expected} values, got {actual}")]
    Length {
        /// What was counted.
        what: &'static str,
        /// How many were expected.
        expected: usize,
        /// How many there are.
        actual: usize,
    },
    /// There is nothing to train on: pass at least as many samples as `expected`.
    #[error("{actual} training samples are too few, at least {expected} are needed{}", if *expected > 1 { " (batch normalisation needs two values to have a variance)" } else { "" })]
    TooFewSamples {
        /// How many samples the network needs at least.
        expected: usize,
        /// How many there are.
        actual: usize,
    },
    /// A label is not one of the network's classes: correct the label, or give the last layer more units.
    #[error("the label of sample {sample} is {label}, but the network has {classes} classes (0 to {})", classes.saturating_sub(1))]
    Label {
        /// The sample, from 0.
        sample: usize,
        /// Its label.
        label: usize,
        /// How many outputs the network has.
        classes: usize,
    },
    /// A sample holds a value that is not a number or infinite: clean the features.
    #[error("value {position} of sample {sample} is {value}; inputs must be finite")]
    NonFiniteInput {
        /// The sample, from 0.
        sample: usize,
        /// The position within the sample, from 0.
        position: usize,
        /// The value, as text (so that errors compare equal).
        value: String,
    },
    /// Something watches the validation loss, but there are no validation data: pass some, or leave it out.
    #[error("`{what}` watches the validation loss: pass validation data, or leave it out")]
    MissingValidation {
        /// The parameter that asks for it.
        what: &'static str,
    },
    /// Something is wrong with the validation data: correct them as the inner error says.
    #[error("validation data: {0}")]
    Validation(Box<NnError>),
    /// A checkpoint is of another training: go on with the network, data and parameters that it was made with, or start anew.
    #[error("the checkpoint is of another training: {key} was {checkpoint}, and is {training}")]
    OtherTraining {
        /// What differs.
        key: String,
        /// What it was when the checkpoint was made.
        checkpoint: String,
        /// What it is in the training that was to go on.
        training: String,
    },
    /// Training blew up: lower the learning rate, or scale the inputs.
    #[error(
        "{symptom} in epoch {epoch}, batch {batch}, at a learning rate of {learning_rate}: \
         lower the learning rate, and check that the inputs are standardised"
    )]
    Diverged {
        /// What became infinite or NaN.
        symptom: String,
        /// The epoch, from 1.
        epoch: usize,
        /// The batch within the epoch, from 1.
        batch: usize,
        /// The learning rate of that step.
        learning_rate: f64,
    },
    /// The tensors to load are not this network's: load the state of a network with the same layers.
    #[error("tensor `{name}`: {reason}")]
    State {
        /// The tensor's name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl NnError {
    pub(crate) fn parameter(name: &'static str, value: impl fmt::Display, expected: &'static str) -> Self {
        Self::Parameter { name, value: format!("{value}"), expected }
    }
}
