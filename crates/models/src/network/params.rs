//! The parameters of the networks that are kinds of their own.

use serde::{Deserialize, Serialize};
use stimmung_nn::{LayerSpec, OptimizerSpec};

use super::architecture::{MOST_LAYERS, NetworkParams};
use super::training::TrainingParams;
use crate::ModelError;
use crate::params::{ClassWeight, out_of_range, positive, positive_count};

/// Parameters of a network of dense layers: for every hidden size a dense layer, batch normalisation if wanted, the
/// rectifier and dropout if wanted; then a dense layer with one output a class and softmax cross-entropy.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct DenseParams {
    /// Sizes of the hidden layers, each at least 1. Default one of 128; none makes logistic regression by gradient descent.
    pub hidden: Vec<usize>,
    /// Share of values dropped after each hidden layer in training, from 0 to below 1. Default 0.
    pub dropout: f64,
    /// Whether every hidden layer's sums are batch-normalised, with running averages that keep 0.9 of themselves at each step.
    /// Default no.
    pub batch_norm: bool,
    /// Passes over the training data, at least 1. Default 50.
    pub epochs: usize,
    /// Recordings per step, at least 1. Default 32.
    pub batch_size: usize,
    /// How weights are moved. Default Adam with a learning rate of 0.001.
    pub optimizer: OptimizerSpec,
    /// Whether rare classes count for more. Default none.
    pub class_weight: ClassWeight,
}

impl Default for DenseParams {
    fn default() -> Self {
        Self {
            hidden: vec![128],
            dropout: 0.0,
            batch_norm: false,
            epochs: 50,
            batch_size: 32,
            optimizer: OptimizerSpec::default(),
            class_weight: ClassWeight::None,
        }
    }
}

impl DenseParams {
    pub(crate) const KIND: &str = "dense";

    pub(crate) fn check(&self) -> Result<(), ModelError> {
        if self.hidden.contains(&0) {
            return Err(out_of_range(Self::KIND, "hidden", format!("{:?}", self.hidden), "sizes of at least 1"));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(out_of_range(Self::KIND, "dropout", self.dropout, "from 0 to below 1"));
        }
        let layers = self.layers(2).len();
        if layers > MOST_LAYERS + 1 {
            return Err(out_of_range(
                Self::KIND,
                "hidden",
                format!("{layers} layers"),
                "at most 1000 layers and the last one",
            ));
        }
        positive_count(Self::KIND, "epochs", self.epochs)?;
        positive_count(Self::KIND, "batch_size", self.batch_size)?;
        self.optimizer.check()?;
        Ok(())
    }

    /// How it is trained.
    pub(crate) fn training(&self) -> TrainingParams {
        TrainingParams {
            epochs: self.epochs,
            batch_size: self.batch_size,
            optimizer: self.optimizer.clone(),
            class_weight: self.class_weight,
            ..TrainingParams::default()
        }
    }

    pub(crate) fn layers(&self, classes: usize) -> Vec<LayerSpec> {
        let mut layers = Vec::new();
        for &units in &self.hidden {
            layers.push(LayerSpec::dense(units));
            if self.batch_norm {
                // Averages that follow within some tens of steps: small corpora do not have many.
                layers.push(LayerSpec::BatchNorm { momentum: 0.9, epsilon: 1e-5 });
            }
            layers.push(LayerSpec::Relu);
            if self.dropout > 0.0 {
                layers.push(LayerSpec::dropout(self.dropout));
            }
        }
        layers.push(LayerSpec::dense(classes));
        layers
    }
}

/// Parameters of Model A of Issa, Demirci & Yazici 2020 (doi:10.1016/j.bspc.2020.101894), a 1-D convolutional network over
/// the row of averaged descriptors: convolution (256 filters of 5) – batch normalisation – ReLU – convolution (128) – ReLU –
/// dropout 0.1 – max-pooling 8 – convolution (128) – batch normalisation – ReLU – dropout 0.2 – dense – softmax, trained with
/// RMSprop. With 193 features and 7 classes it has 269,831 weights.
///
/// It needs at least 8 features, and is meant for the 193 of the `issa-*` sets.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct ModelAParams {
    /// Passes over the training data, at least 1. Default 200: at this learning rate the loss falls slowly.
    pub epochs: usize,
    /// Recordings per step, at least 1. Default 16.
    pub batch_size: usize,
    /// Learning rate of RMSprop, above 0. Default 1e-5, as published.
    pub learning_rate: f64,
    /// Decay of the learning rate, at least 0: at step `t` it is `learning_rate / (1 + decay · t)`. Default 1e-6.
    pub decay: f64,
    /// Whether rare classes count for more. Default none.
    pub class_weight: ClassWeight,
}

impl Default for ModelAParams {
    fn default() -> Self {
        Self { epochs: 200, batch_size: 16, learning_rate: 1e-5, decay: 1e-6, class_weight: ClassWeight::None }
    }
}

impl ModelAParams {
    pub(crate) const KIND: &str = "issa-model-a";
    /// The size of its pooling windows, and so the least number of features.
    pub(crate) const POOL: usize = 8;

    pub(crate) fn check(&self) -> Result<(), ModelError> {
        positive_count(Self::KIND, "epochs", self.epochs)?;
        positive_count(Self::KIND, "batch_size", self.batch_size)?;
        positive(Self::KIND, "learning_rate", self.learning_rate)?;
        if !(self.decay.is_finite() && self.decay >= 0.0) {
            return Err(out_of_range(Self::KIND, "decay", self.decay, "a number of at least 0"));
        }
        Ok(())
    }

    /// How it is trained.
    pub(crate) fn training(&self) -> TrainingParams {
        let Self { epochs, batch_size, learning_rate, decay, class_weight } = *self;
        // The rest as in Keras, in which the model was published.
        let optimizer = OptimizerSpec::Rmsprop { learning_rate, rho: 0.9, epsilon: 1e-7, decay };
        TrainingParams { epochs, batch_size, optimizer, class_weight, ..TrainingParams::default() }
    }

    /// Its layers: those of the architecture of its name.
    pub(crate) fn layers(classes: usize) -> Result<Vec<LayerSpec>, ModelError> {
        NetworkParams { architecture: Some(Self::KIND.to_owned()), ..NetworkParams::default() }.layers(classes)
    }
}
