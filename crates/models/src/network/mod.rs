//! Neural networks as classifiers: dense layers, Model A of Issa, Demirci & Yazici 2020, and any others by name or by their
//! layers.

use std::ops::ControlFlow;

use stimmung_features::Shape;
use stimmung_nn::{LayerSpec, NamedTensor, Network};

use crate::archive::Archive;
use crate::numeric::softmax;
use crate::training_set::Task;
use crate::{FitProgress, ModelError, ModelParams};

mod architecture;
mod checkpoint;
mod fit;
mod hold_out;
mod params;
mod summary;
mod training;

#[cfg(test)]
mod training_tests;

pub use architecture::{Architecture, NetworkParams};
pub use checkpoint::CheckpointStore;
pub(crate) use checkpoint::MemberStore;
pub use params::{DenseParams, ModelAParams};
pub use summary::{LayerSummary, NetworkSummary};
pub use training::{EarlyStoppingParams, TrainingParams};

use architecture::{MOST_LAYERS, input_shape};
use fit::Plan;

/// In front of the names of a network's tensors in a file.
pub(crate) const TENSOR_PREFIX: &str = "network.";

/// A trained network with its architecture.
#[derive(Clone, Debug)]
pub(crate) struct NetworkModel {
    network: Network,
    specs: Vec<LayerSpec>,
    classes: usize,
}

/// The store of a training, and what is told after every epoch.
pub(crate) struct Watchers<'s, 'p> {
    pub(crate) store: Option<&'s mut dyn CheckpointStore>,
    pub(crate) progress: &'p mut dyn FnMut(FitProgress) -> ControlFlow<()>,
}

/// Fits a dense network.
pub(crate) fn fit_dense(
    params: &DenseParams,
    task: &Task<'_>,
    seed: u64,
    watchers: Watchers<'_, '_>,
) -> Result<(NetworkModel, String), ModelError> {
    let (specs, shape) = dense_form(params, task.columns(), task.classes);
    let plan = Plan { kind: DenseParams::KIND, specs, shape, training: &params.training() };
    fit::fit(plan, task, seed, watchers)
}

/// Fits Model A.
pub(crate) fn fit_model_a(
    params: &ModelAParams,
    task: &Task<'_>,
    seed: u64,
    watchers: Watchers<'_, '_>,
) -> Result<(NetworkModel, String), ModelError> {
    let (specs, shape) = model_a_form(task.columns(), task.classes)?;
    let plan = Plan { kind: ModelAParams::KIND, specs, shape, training: &params.training() };
    fit::fit(plan, task, seed, watchers)
}

/// Fits a network of any layers.
pub(crate) fn fit_network(
    params: &NetworkParams,
    task: &Task<'_>,
    seed: u64,
    watchers: Watchers<'_, '_>,
) -> Result<(NetworkModel, String), ModelError> {
    let (specs, shape) = network_form(params, task.shape, task.classes)?;
    fit::fit(Plan { kind: NetworkParams::KIND, specs, shape, training: &params.training }, task, seed, watchers)
}

/// The layers of a network and the shape in which it takes a sample.
type Form = (Vec<LayerSpec>, Vec<usize>);

fn dense_form(params: &DenseParams, columns: usize, classes: usize) -> Form {
    (params.layers(classes), vec![columns])
}

fn model_a_form(columns: usize, classes: usize) -> Result<Form, ModelError> {
    if columns < ModelAParams::POOL {
        return Err(ModelError::Unsuitable {
            kind: ModelAParams::KIND,
            reason: format!("it needs at least {} features, these are {columns}", ModelAParams::POOL),
        });
    }
    // Convolutions see the features as a sequence of one channel.
    Ok((ModelAParams::layers(classes)?, vec![columns, 1]))
}

fn network_form(params: &NetworkParams, shape: Shape, classes: usize) -> Result<Form, ModelError> {
    let specs = params.layers(classes)?;
    // Of vectors and waveforms a mask over a band would leave nothing.
    if params.training.spec_augment.is_some() && !matches!(shape, Shape::Picture { bands: 2.., .. }) {
        let reason =
            "`spec_augment` masks pictures of several bands: leave it out, or use a feature set that gives them".into();
        return Err(ModelError::Unsuitable { kind: NetworkParams::KIND, reason });
    }
    let shape = input_shape(&specs, shape)?;
    Ok((specs, shape))
}

/// The network that these parameters stand for, on features of this shape; `None` for models that are no network.
pub(crate) fn outline(
    params: &ModelParams,
    shape: Shape,
    classes: usize,
) -> Result<Option<NetworkSummary>, ModelError> {
    let (specs, shape) = match params {
        ModelParams::Dense(params) => dense_form(params, shape.len(), classes),
        ModelParams::ModelA(_) => model_a_form(shape.len(), classes)?,
        ModelParams::Network(params) => network_form(params, shape, classes)?,
        _ => return Ok(None),
    };
    let layers = Network::outline(&shape, &specs)?;
    Ok(Some(NetworkSummary::new(&shape, &specs, layers)))
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

    /// The layers, for drawing.
    pub(crate) fn summary(&self) -> NetworkSummary {
        NetworkSummary::new(self.network.input_shape(), &self.specs, self.network.summary())
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
        params: &ModelParams,
        shape: Shape,
        classes: usize,
        specs: Vec<LayerSpec>,
        archive: &mut Archive<'_>,
    ) -> Result<Self, ModelError> {
        let damaged = |message: String| ModelError::Damaged(message);
        if specs.last() != Some(&LayerSpec::dense(classes)) {
            return Err(damaged(format!("its network does not end in {classes} outputs")));
        }
        if specs.len() > MOST_LAYERS + 1 {
            return Err(damaged(format!("its network has {} layers", specs.len())));
        }
        let shape = match params {
            ModelParams::Network(_) => input_shape(&specs, shape).map_err(|error| damaged(error.to_string()))?,
            ModelParams::ModelA(_) => vec![shape.len(), 1],
            _ => vec![shape.len()],
        };
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
    use stimmung_nn::OptimizerSpec;

    use super::*;
    use crate::testing::names;
    use crate::{ClassWeight, Classifier, Matrix, TrainingSet};

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
        let model = network(&[193, 1], &ModelAParams::layers(7).expect("layers"));
        assert_eq!(model.parameter_count(), 269_831);
        let layers = model.summary().layers;
        assert_eq!(layers.len(), 13);
        assert_eq!(layers[11].output_shape, [3072]);
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
