//! Neural networks as classifiers: dense layers, and Model A of Issa, Demirci & Yazici 2020.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use stimmung_nn::{LayerSpec, NamedTensor, Network, OptimizerSpec, Samples, TrainParams, Trainer};

use crate::archive::Archive;
use crate::numeric::{class_weights, softmax};
use crate::params::{ClassWeight, out_of_range, positive, positive_count};
use crate::training_set::Task;
use crate::{FitProgress, ModelError, Watched};

/// In front of the names of a network's tensors in a file.
pub(crate) const TENSOR_PREFIX: &str = "network.";

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
        positive_count(Self::KIND, "epochs", self.epochs)?;
        positive_count(Self::KIND, "batch_size", self.batch_size)?;
        self.optimizer.check()?;
        Ok(())
    }

    fn layers(&self, classes: usize) -> Vec<LayerSpec> {
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
    const POOL: usize = 8;

    pub(crate) fn check(&self) -> Result<(), ModelError> {
        positive_count(Self::KIND, "epochs", self.epochs)?;
        positive_count(Self::KIND, "batch_size", self.batch_size)?;
        positive(Self::KIND, "learning_rate", self.learning_rate)?;
        if !(self.decay.is_finite() && self.decay >= 0.0) {
            return Err(out_of_range(Self::KIND, "decay", self.decay, "a number of at least 0"));
        }
        Ok(())
    }

    fn optimizer(&self) -> OptimizerSpec {
        // The rest as in Keras, in which the model was published.
        OptimizerSpec::Rmsprop { learning_rate: self.learning_rate, rho: 0.9, epsilon: 1e-7, decay: self.decay }
    }

    fn layers(classes: usize) -> Vec<LayerSpec> {
        vec![
            LayerSpec::conv1d(256, 5),
            LayerSpec::batch_norm(),
            LayerSpec::Relu,
            LayerSpec::conv1d(128, 5),
            LayerSpec::Relu,
            LayerSpec::dropout(0.1),
            LayerSpec::max_pool1d(Self::POOL),
            LayerSpec::conv1d(128, 5),
            LayerSpec::batch_norm(),
            LayerSpec::Relu,
            LayerSpec::dropout(0.2),
            LayerSpec::Flatten,
            LayerSpec::dense(classes),
        ]
    }
}

/// A trained network with its architecture.
#[derive(Clone, Debug)]
pub(crate) struct NetworkModel {
    network: Network,
    specs: Vec<LayerSpec>,
    classes: usize,
}

/// Fits a dense network.
pub(crate) fn fit_dense(
    params: &DenseParams,
    task: &Task<'_>,
    seed: u64,
    progress: &mut dyn FnMut(FitProgress) -> ControlFlow<()>,
) -> Result<(NetworkModel, String), ModelError> {
    let training = TrainParams {
        epochs: params.epochs,
        batch_size: params.batch_size,
        optimizer: params.optimizer.clone(),
        class_weights: weights(params.class_weight, task),
        seed,
        ..TrainParams::default()
    };
    fit(params.layers(task.classes), &input_shape(DenseParams::KIND, task.columns()), task, &training, progress)
}

/// Fits Model A.
pub(crate) fn fit_model_a(
    params: &ModelAParams,
    task: &Task<'_>,
    seed: u64,
    progress: &mut dyn FnMut(FitProgress) -> ControlFlow<()>,
) -> Result<(NetworkModel, String), ModelError> {
    if task.columns() < ModelAParams::POOL {
        return Err(ModelError::Unsuitable {
            kind: ModelAParams::KIND,
            reason: format!("it needs at least {} features, these are {}", ModelAParams::POOL, task.columns()),
        });
    }
    let training = TrainParams {
        epochs: params.epochs,
        batch_size: params.batch_size,
        optimizer: params.optimizer(),
        class_weights: weights(params.class_weight, task),
        seed,
        ..TrainParams::default()
    };
    let shape = input_shape(ModelAParams::KIND, task.columns());
    fit(ModelAParams::layers(task.classes), &shape, task, &training, progress)
}

/// Convolutions see the features as a sequence of one channel.
fn input_shape(kind: &str, columns: usize) -> Vec<usize> {
    if kind == ModelAParams::KIND { vec![columns, 1] } else { vec![columns] }
}

fn weights(class_weight: ClassWeight, task: &Task<'_>) -> Option<Vec<f32>> {
    (class_weight == ClassWeight::Balanced)
        .then(|| class_weights(task.labels, task.classes, true).into_iter().map(|w| w as f32).collect())
}

fn fit(
    specs: Vec<LayerSpec>,
    shape: &[usize],
    task: &Task<'_>,
    training: &TrainParams,
    progress: &mut dyn FnMut(FitProgress) -> ControlFlow<()>,
) -> Result<(NetworkModel, String), ModelError> {
    let mut network = Network::new(shape, &specs, training.seed)?;
    let x = task.standardised()?;
    let watched = task.watched.map(|Watched { rows, labels }| (task.scaler.transform(task.features, rows), labels));
    let mut trainer = Trainer::new(&network, Samples { inputs: x.values(), labels: task.labels }, None, training)?;
    let mut last = None;
    for epoch in 1..=training.epochs {
        let report = trainer.epoch(&mut network)?;
        let step = FitProgress {
            loss: Some(report.loss),
            accuracy: Some(report.accuracy),
            watched: watched.as_ref().map(|(z, labels)| accuracy(&network, z, labels)).transpose()?,
            ..FitProgress::new(epoch, training.epochs)
        };
        if progress(step).is_break() {
            return Err(ModelError::Stopped);
        }
        last = Some(report);
    }
    let note = last.map_or_else(String::new, |last| {
        format!("{} epochs, training loss {:.4}, training accuracy {:.3}", training.epochs, last.loss, last.accuracy)
    });
    Ok((NetworkModel { network, specs, classes: task.classes }, note))
}

/// The share of standardised rows whose class scores best; 0 of none.
fn accuracy(network: &Network, z: &[f32], labels: &[usize]) -> Result<f64, ModelError> {
    let logits = network.predict(z, labels.len())?;
    let right = logits.chunks_exact(network.output_len()).zip(labels).filter(|&(row, &label)| {
        let best = (0..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best });
        best == label
    });
    Ok(right.count() as f64 / labels.len().max(1) as f64)
}

impl NetworkModel {
    /// The architecture.
    pub(crate) fn specs(&self) -> &[LayerSpec] {
        &self.specs
    }

    /// Numbers that training moved; not the running averages of batch normalisation.
    pub(crate) fn parameter_count(&self) -> usize {
        self.network.parameter_count()
    }

    /// A line for each layer: its name, the shape of its output, its parameters.
    pub(crate) fn layers(&self) -> Vec<String> {
        self.network
            .summary()
            .iter()
            .map(|layer| {
                let shape: Vec<String> = layer.output_shape.iter().map(ToString::to_string).collect();
                format!("{:<14} {:<10} {:>9}", layer.name, shape.join(" × "), layer.parameters)
            })
            .collect()
    }

    /// Weights and running averages with their names.
    pub(crate) fn tensors(&self) -> Vec<NamedTensor> {
        self.network.state()
    }

    /// Class probabilities of standardised rows.
    pub(crate) fn probabilities(&self, z: &[f32], rows: usize) -> Result<Vec<Vec<f64>>, ModelError> {
        let logits = self.network.predict(z, rows)?;
        Ok(logits
            .chunks_exact(self.classes)
            .map(|row| {
                let mut scores: Vec<f64> = row.iter().map(|&v| f64::from(v)).collect();
                softmax(&mut scores);
                scores
            })
            .collect())
    }

    /// Rebuilds a network from its layers and the tensors of a file.
    pub(crate) fn read(
        kind: &str,
        columns: usize,
        classes: usize,
        specs: Vec<LayerSpec>,
        archive: &mut Archive<'_>,
    ) -> Result<Self, ModelError> {
        let damaged = |message: String| ModelError::Damaged(message);
        if specs.last() != Some(&LayerSpec::dense(classes)) {
            return Err(damaged(format!("its network does not end in {classes} outputs")));
        }
        let shape = input_shape(kind, columns);
        // The layers may promise any size; the tensors are there.
        let stored = archive.remaining();
        let promised = Network::state_len(&shape, &specs).map_err(|error| damaged(error.to_string()))?;
        if promised > stored {
            return Err(damaged(format!("its layers have more parameters than the {stored} numbers it holds")));
        }
        let mut network = Network::new(&shape, &specs, 0).map_err(|error| damaged(error.to_string()))?;
        let mut state = network.state();
        for tensor in &mut state {
            tensor.values = archive.f32(&format!("{TENSOR_PREFIX}{}", tensor.name), &tensor.shape)?;
        }
        network.load_state(&state).map_err(|error| damaged(error.to_string()))?;
        Ok(Self { network, specs, classes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::names;
    use crate::{Classifier, Matrix, ModelParams, Shape, TrainingSet};

    fn quiet(params: &ModelParams, x: &Matrix, labels: &[usize]) -> Result<Classifier, ModelError> {
        let names = names(2);
        let data = TrainingSet::new(x, Shape::Vector(x.columns()), labels, &names);
        crate::fit(params, &data, 1, &mut |_| ControlFlow::Continue(()))
    }

    fn network(shape: &[usize], specs: &[LayerSpec]) -> NetworkModel {
        NetworkModel { network: Network::new(shape, specs, 1).expect("network"), specs: specs.to_vec(), classes: 7 }
    }

    #[test]
    fn model_a_has_the_published_size() {
        let model = network(&input_shape(ModelAParams::KIND, 193), &ModelAParams::layers(7));
        assert_eq!(model.parameter_count(), 269_831);
        let layers = model.layers();
        assert_eq!(layers.len(), 13);
        assert!(layers[11].contains("3072"), "{}", layers[11]);
    }

    #[test]
    fn too_few_features_for_its_pooling_are_refused() {
        let x = Matrix::new(4, 7, vec![0.0; 28]).expect("matrix");
        let result = quiet(&ModelParams::ModelA(ModelAParams::default()), &x, &[0, 1, 0, 1]);
        assert!(matches!(result, Err(ModelError::Unsuitable { kind: "issa-model-a", .. })));
    }

    #[test]
    fn balanced_weights_reach_the_training() {
        // Class 1 is rare and hidden within class 0, so an unweighted network hardly ever answers with it.
        let (x, labels) = crate::testing::blob_matrix(200, 3, 2, 0.1, 3);
        let overlapping: Vec<f32> = x.values().chunks(3).flat_map(|row| [row[0].abs(), row[1].abs(), 0.0]).collect();
        let x = Matrix::new(200, 3, overlapping).expect("matrix");
        let rare: Vec<usize> = labels.iter().enumerate().map(|(i, _)| usize::from(i % 10 == 0)).collect();
        let answers = |class_weight| {
            let optimizer = OptimizerSpec::adam(0.02);
            let params = DenseParams { hidden: vec![], epochs: 20, optimizer, class_weight, ..DenseParams::default() };
            let model = quiet(&ModelParams::Dense(params), &x, &rare).expect("fitted");
            model.predict(&x).expect("labels").iter().filter(|&&label| label == 1).count()
        };
        assert!(answers(ClassWeight::None) < 20, "{}", answers(ClassWeight::None));
        assert!(answers(ClassWeight::Balanced) > 50, "{}", answers(ClassWeight::Balanced));
    }
}
