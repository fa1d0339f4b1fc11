//! A network: layers, their parameters, and answers.

use std::sync::Arc;

use crate::engine::{Engine, Purpose};
use crate::layers::Mode;
use crate::plan::Plan;
use crate::random::{self, generator};
use crate::{LayerSpec, NnError};

/// Samples that a prediction takes at once, at most; more only cost memory.
const PREDICTION_BATCH: usize = 64;

/// Values that the buffers of a prediction hold, as long as one sample takes no more.
const PREDICTION_LEN: usize = 1 << 24;

/// A line of [`Network::summary`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerSummary {
    /// The layer's kind and its number among the layers of that kind, `conv1d_2`.
    pub name: String,
    /// The shape of a sample after the layer: `[features]`, `[length, channels]` or `[frames, bands, channels]`.
    pub output_shape: Vec<usize>,
    /// How many trainable parameters the layer has.
    pub parameters: usize,
}

/// A tensor of a network's state: its name, shape and values, the last axis adjacent.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// The layer's name in the summary, a dot and the tensor's: `conv1d_1.kernel`.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values, as many as the product of the shape.
    pub values: Vec<f32>,
}

/// A stack of layers with its parameters and running statistics.
///
/// ```
/// use stimmung_nn::{LayerSpec, Network};
///
/// let layers = [
///     LayerSpec::conv1d(4, 3),
///     LayerSpec::batch_norm(),
///     LayerSpec::Relu,
///     LayerSpec::max_pool1d(2),
///     LayerSpec::Flatten,
///     LayerSpec::dense(3),
/// ];
/// let network = Network::new(&[10, 1], &layers, 1)?;
/// assert_eq!(network.parameter_count(), (3 * 4 + 4) + (4 + 4) + (5 * 4 * 3 + 3));
/// assert_eq!(network.summary()[3].output_shape, [5, 4]);
///
/// let logits = network.predict(&[0.5; 20], 2)?;
/// assert_eq!(logits.len(), 2 * 3);
/// assert_eq!(logits[..3], logits[3..]);
/// # Ok::<(), stimmung_nn::NnError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Network {
    pub(crate) plan: Arc<Plan>,
    /// What the network was made of, as it was asked for.
    pub(crate) input_shape: Vec<usize>,
    pub(crate) specs: Vec<LayerSpec>,
    pub(crate) parameters: Vec<f32>,
    pub(crate) statistics: Vec<f32>,
}

impl Network {
    /// A network for samples of shape `[features]`, `[length, channels]` or `[frames, bands, channels]`, its weights drawn
    /// from `seed` as [`LayerSpec`] says.
    ///
    /// # Errors
    ///
    /// [`NnError::Parameter`] for a parameter out of range, [`NnError::Layer`] for a layer that does not fit
    /// the one before, [`NnError::TooLarge`] beyond 2^28 parameters or where one sample would leave more than 2^25 values in the layers.
    pub fn new(input_shape: &[usize], layers: &[LayerSpec], seed: u64) -> Result<Self, NnError> {
        let plan = Plan::new(input_shape, layers)?;
        let mut network = Self {
            parameters: vec![0.0; plan.parameters],
            statistics: vec![0.0; plan.statistics],
            plan: Arc::new(plan),
            input_shape: input_shape.to_vec(),
            specs: layers.to_vec(),
        };
        let plan = Arc::clone(&network.plan);
        for tensors in plan.tensors.chunk_by(|a, b| a.layer == b.layer) {
            // The tensors of a layer draw one after the other.
            let mut rng = generator(seed, random::Purpose::Initial { layer: tensors[0].layer });
            for tensor in tensors {
                let all = if tensor.trainable { &mut network.parameters } else { &mut network.statistics };
                tensor.initial.fill(&mut all[tensor.range.clone()], &mut rng);
            }
        }
        Ok(network)
    }

    /// How many values the [state](Self::state) of such a network holds, parameters and running statistics: what a reader
    /// of a model file wants to know before it takes the memory.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    ///
    /// ```
    /// use stimmung_nn::{LayerSpec, Network};
    ///
    /// let layers = [LayerSpec::dense(4), LayerSpec::batch_norm(), LayerSpec::dense(2)];
    /// assert_eq!(Network::state_len(&[3], &layers)?, (3 * 4 + 4) + (2 * 4 + 2 * 4) + (4 * 2 + 2));
    /// # Ok::<(), stimmung_nn::NnError>(())
    /// ```
    pub fn state_len(input_shape: &[usize], layers: &[LayerSpec]) -> Result<usize, NnError> {
        Plan::new(input_shape, layers).map(|plan| plan.parameters + plan.statistics)
    }

    /// The layers that a network would have, as [`summary`](Self::summary) lists them, without the memory for its parameters.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    ///
    /// ```
    /// use stimmung_nn::{LayerSpec, Network};
    ///
    /// let layers = [LayerSpec::dense(1 << 13), LayerSpec::dense(2)];
    /// let outline = Network::outline(&[1 << 14], &layers)?;
    /// assert_eq!((outline[0].name.as_str(), outline[0].parameters), ("dense_1", ((1 << 14) + 1) << 13));
    /// # Ok::<(), stimmung_nn::NnError>(())
    /// ```
    pub fn outline(input_shape: &[usize], layers: &[LayerSpec]) -> Result<Vec<LayerSummary>, NnError> {
        Plan::new(input_shape, layers).map(|plan| summarise(&plan))
    }

    /// How many trainable parameters there are; running statistics do not count.
    pub fn parameter_count(&self) -> usize {
        self.parameters.len()
    }

    /// The layers in order, with their output shapes and sizes.
    pub fn summary(&self) -> Vec<LayerSummary> {
        summarise(&self.plan)
    }

    /// The shape of a sample: `[features]`, `[length, channels]` or `[frames, bands, channels]`.
    pub fn input_shape(&self) -> &[usize] {
        &self.input_shape
    }

    /// How many values a sample has.
    pub fn input_len(&self) -> usize {
        self.plan.input.len()
    }

    /// How many values the answer to a sample has; of a classifier, the number of classes.
    pub fn output_len(&self) -> usize {
        self.plan.output().len()
    }

    /// The output for `n` samples, `inputs` holding one after the other, in evaluation mode: batch normalisation by running
    /// statistics, no dropout. Gives `n` rows of [`output_len`](Self::output_len) values; for a classifier these are
    /// logits, which [`softmax`](crate::softmax) turns into probabilities.
    ///
    /// The answer to a sample does not depend on the samples beside it, to the bit.
    ///
    /// # Errors
    ///
    /// [`NnError::Length`] if `inputs` is not `n` samples, [`NnError::NonFiniteInput`] if a value is NaN or infinite.
    pub fn predict(&self, inputs: &[f32], n: usize) -> Result<Vec<f32>, NnError> {
        let (width, expected) = (self.input_len(), n.saturating_mul(self.input_len()));
        if inputs.len() != expected {
            return Err(NnError::Length { what: "inputs", expected, actual: inputs.len() });
        }
        if let Some(index) = inputs.iter().position(|value| !value.is_finite()) {
            let (sample, position, value) = (index / width, index % width, inputs[index].to_string());
            return Err(NnError::NonFiniteInput { sample, position, value });
        }
        Ok(self.answer(n, &|sample, to| to.copy_from_slice(&inputs[sample * width..(sample + 1) * width])))
    }

    /// The output for `n` samples, which `load` writes to the place it is given; they fit the network and are finite.
    pub(crate) fn answer(&self, n: usize, load: &(dyn Fn(usize, &mut [f32]) + Sync)) -> Vec<f32> {
        if n == 0 {
            return Vec::new();
        }
        let batch = (PREDICTION_LEN / self.plan.sample_len).clamp(1, PREDICTION_BATCH).min(n);
        let mut engine = Engine::new(&self.plan, batch, Purpose::Prediction);
        // Evaluation leaves these as they are.
        let mut statistics = self.statistics.clone();
        let mut outputs = Vec::with_capacity(n.saturating_mul(self.output_len()));
        for start in (0..n).step_by(batch) {
            let samples = batch.min(n - start);
            engine.forward(Mode::Evaluation, &self.parameters, &mut statistics, samples, &|sample, to| {
                load(start + sample, to);
            });
            for sample in 0..samples {
                outputs.extend_from_slice(engine.output(sample));
            }
        }
        outputs
    }

    /// All that a model file must keep besides the layers: parameters and running statistics, layer by layer.
    pub fn state(&self) -> Vec<NamedTensor> {
        let tensors = self.plan.tensors.iter();
        tensors
            .map(|tensor| {
                let all = if tensor.trainable { &self.parameters } else { &self.statistics };
                NamedTensor {
                    name: tensor.name.clone(),
                    shape: tensor.shape.clone(),
                    values: all[tensor.range.clone()].to_vec(),
                }
            })
            .collect()
    }

    /// Takes over the state of a network with the same layers. Tensors may come in any order. On error, nothing has changed.
    ///
    /// # Errors
    ///
    /// [`NnError::State`] if a tensor is missing, unknown, there twice, of another shape, or not finite, or if a
    /// running variance is negative.
    pub fn load_state(&mut self, state: &[NamedTensor]) -> Result<(), NnError> {
        let fail = |name: &str, reason: String| Err(NnError::State { name: name.to_owned(), reason });
        let mut loaded = self.clone();
        let mut seen = vec![false; self.plan.tensors.len()];
        for tensor in state {
            let Some(index) = self.plan.tensors.iter().position(|planned| planned.name == tensor.name) else {
                return fail(&tensor.name, "this network has no tensor of that name".to_owned());
            };
            let planned = &self.plan.tensors[index];
            if std::mem::replace(&mut seen[index], true) {
                return fail(&tensor.name, "it is there twice".to_owned());
            }
            if tensor.shape != planned.shape || tensor.values.len() != planned.range.len() {
                let (expected, actual, len) = (&planned.shape, &tensor.shape, tensor.values.len());
                return fail(&tensor.name, format!("expected shape {expected:?}, got {actual:?} with {len} values"));
            }
            if let Some(value) = tensor.values.iter().find(|value| !value.is_finite()) {
                return fail(&tensor.name, format!("it holds {value}"));
            }
            if tensor.name.ends_with(".moving_variance") && tensor.values.iter().any(|value| *value < 0.0) {
                return fail(&tensor.name, "it holds a negative variance".to_owned());
            }
            let all = if planned.trainable { &mut loaded.parameters } else { &mut loaded.statistics };
            all[planned.range.clone()].copy_from_slice(&tensor.values);
        }
        if let Some(index) = seen.iter().position(|seen| !seen) {
            return fail(&self.plan.tensors[index].name, "it is missing".to_owned());
        }
        *self = loaded;
        Ok(())
    }
}

fn summarise(plan: &Plan) -> Vec<LayerSummary> {
    let layers = plan.layers.iter();
    layers
        .map(|layer| LayerSummary {
            name: layer.name.clone(),
            output_shape: layer.output.clone(),
            parameters: layer.parameters,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Extent, Padding, mel_cnn, model_a};

    type Spoil = fn(&mut Vec<NamedTensor>);

    fn model_a() -> Vec<LayerSpec> {
        model_a::layers(7)
    }

    #[test]
    fn model_a_has_the_published_size() {
        let network = Network::new(&[193, 1], &model_a(), 0).unwrap();
        assert_eq!(network.parameter_count(), 269_831);
        let summary = network.summary();
        let lines: Vec<_> =
            summary.iter().map(|l| (l.name.as_str(), l.output_shape.as_slice(), l.parameters)).collect();
        assert_eq!(
            lines,
            [
                ("conv1d_1", &[193, 256][..], 1_536),
                ("batch-norm_1", &[193, 256], 512),
                ("relu_1", &[193, 256], 0),
                ("conv1d_2", &[193, 128], 163_968),
                ("relu_2", &[193, 128], 0),
                ("dropout_1", &[193, 128], 0),
                ("max-pool1d_1", &[24, 128], 0),
                ("conv1d_3", &[24, 128], 82_048),
                ("batch-norm_2", &[24, 128], 256),
                ("relu_3", &[24, 128], 0),
                ("dropout_2", &[24, 128], 0),
                ("flatten_1", &[3072], 0),
                ("dense_1", &[7], 21_511),
            ]
        );
        let tensors: usize = network.state().iter().map(|tensor| tensor.values.len()).sum();
        assert_eq!(tensors, 269_831 + 2 * 256 + 2 * 128);
    }

    #[test]
    fn pictures_are_summarised() {
        let network = Network::new(&[130, 128, 1], &mel_cnn::layers(5), 0).unwrap();
        let shapes: Vec<_> = network.summary().into_iter().map(|line| (line.name, line.output_shape)).collect();
        for (name, shape) in [
            ("conv2d_1", &[130, 128, 32][..]),
            ("max-pool2d_1", &[65, 64, 32]),
            ("max-pool2d_4", &[8, 8, 64]),
            ("flatten_1", &[4096]),
            ("dense_3", &[5]),
        ] {
            assert!(shapes.contains(&(name.to_owned(), shape.to_vec())), "{name}: {shapes:?}");
        }
        let convolutions = [1, 32, 32, 64].iter().zip([32, 32, 64, 64]).map(|(c, f)| 9 * c * f + f).sum::<usize>();
        let expected = convolutions + (4096 * 128 + 128) + (128 * 64 + 64) + (64 * 5 + 5);
        assert_eq!(network.parameter_count(), expected);
        assert_eq!(network.state()[0].shape, [3, 3, 1, 32]);
    }

    #[test]
    fn weights_start_from_glorots_distribution() {
        let network = Network::new(&[193, 1], &model_a(), 5).unwrap();
        let state = network.state();
        let tensor = |name: &str| &state.iter().find(|tensor| tensor.name == name).unwrap().values;
        for (name, fan_in, fan_out) in [("conv1d_2.kernel", 5 * 256, 5 * 128), ("dense_1.kernel", 3072, 7)] {
            let values = tensor(name);
            let limit = (6.0 / f64::from(fan_in + fan_out)).sqrt();
            let largest = values.iter().fold(0.0f32, |largest, w| largest.max(w.abs()));
            assert!(f64::from(largest) <= limit && f64::from(largest) > 0.99 * limit, "{name}: {largest} {limit}");
            let mean = values.iter().map(|w| f64::from(*w)).sum::<f64>() / values.len() as f64;
            assert!(mean.abs() < 0.02 * limit, "{name}: {mean}");
        }
        assert!(tensor("conv1d_1.bias").iter().chain(tensor("batch-norm_1.beta")).all(|w| *w == 0.0));
        assert!(tensor("batch-norm_1.gamma").iter().chain(tensor("batch-norm_1.moving_variance")).all(|w| *w == 1.0));
        assert_ne!(state, Network::new(&[193, 1], &model_a(), 6).unwrap().state());
        assert_eq!(state, Network::new(&[193, 1], &model_a(), 5).unwrap().state());
    }

    #[test]
    fn an_answer_does_not_depend_on_its_neighbours() {
        // Flat layers wide enough for blocked products, and more samples than one shard or one prediction batch.
        let mut layers = model_a();
        layers.extend([LayerSpec::Relu, LayerSpec::dense(5)]);
        let picture = vec![
            LayerSpec::conv2d(40, 3),
            LayerSpec::Relu,
            LayerSpec::max_pool2d(2),
            LayerSpec::GlobalAveragePool,
            LayerSpec::dense(5),
        ];
        let flat = vec![LayerSpec::dense(300), LayerSpec::dense(5)];
        for (shape, layers) in [(vec![40, 1], layers), (vec![8, 5, 1], picture), (vec![40], flat)] {
            let network = Network::new(&shape, &layers, 2).unwrap();
            let inputs: Vec<f32> = (0..130 * 40).map(|i| ((i * 37) % 101) as f32 / 50.0 - 1.0).collect();
            let together = network.predict(&inputs, 130).unwrap();
            for sample in [0, 1, 31, 32, 63, 64, 129] {
                let alone = network.predict(&inputs[sample * 40..(sample + 1) * 40], 1).unwrap();
                assert_eq!(alone, together[sample * 5..(sample + 1) * 5], "{sample}");
            }
            assert_eq!(together, network.predict(&inputs, 130).unwrap());
        }
    }

    #[test]
    fn no_samples_give_no_answers() {
        for (shape, layers) in [(vec![2], vec![LayerSpec::dense(3)]), (vec![40, 1], model_a())] {
            assert_eq!(Network::new(&shape, &layers, 1).unwrap().predict(&[], 0), Ok(Vec::new()));
        }
    }

    #[test]
    fn answers_use_running_statistics_and_no_dropout() {
        let layers = [LayerSpec::dropout(0.9), LayerSpec::BatchNorm { momentum: 0.9, epsilon: 0.5 }, LayerSpec::Relu];
        let mut network = Network::new(&[2], &layers, 1).unwrap();
        let mut state = network.state();
        for (tensor, values) in state.iter_mut().zip([[2.0, 3.0], [0.25, 1.0], [1.0, -1.0], [3.5, 8.5]]) {
            tensor.values = values.to_vec();
        }
        network.load_state(&state).unwrap();
        // 2·(x - 1)/sqrt(4) + 0.25 and 3·(x + 1)/sqrt(9) + 1, then the rectifier.
        assert_eq!(network.predict(&[5.0, 1.0, 0.5, -4.0], 2).unwrap(), [4.25, 3.0, 0.0, 0.0]);
    }

    #[test]
    fn inputs_that_do_not_fit_are_refused() {
        let network = Network::new(&[2], &[LayerSpec::dense(3)], 1).unwrap();
        assert!(matches!(network.predict(&[1.0; 3], 2), Err(NnError::Length { expected: 4, actual: 3, .. })));
        assert!(matches!(network.predict(&[1.0; 3], usize::MAX), Err(NnError::Length { .. })));
        assert!(matches!(
            network.predict(&[0.0, 0.0, f32::INFINITY, 0.0], 2),
            Err(NnError::NonFiniteInput { sample: 1, position: 0, .. })
        ));
    }

    #[test]
    fn state_moves_between_networks() {
        let first = Network::new(&[40, 1], &model_a(), 1).unwrap();
        let mut second = Network::new(&[40, 1], &model_a(), 2).unwrap();
        let inputs: Vec<f32> = (0..40).map(|i| i as f32 / 40.0).collect();
        assert_ne!(first.predict(&inputs, 1), second.predict(&inputs, 1));
        let mut state = first.state();
        state.reverse();
        second.load_state(&state).unwrap();
        assert_eq!(first.predict(&inputs, 1), second.predict(&inputs, 1));
    }

    #[test]
    fn states_that_do_not_fit_change_nothing() {
        let layers = [LayerSpec::dense(4), LayerSpec::batch_norm(), LayerSpec::dense(2)];
        let mut network = Network::new(&[3], &layers, 1).unwrap();
        let good = network.state();
        let names: Vec<&str> = good.iter().map(|tensor| tensor.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "dense_1.kernel",
                "dense_1.bias",
                "batch-norm_1.gamma",
                "batch-norm_1.beta",
                "batch-norm_1.moving_mean",
                "batch-norm_1.moving_variance",
                "dense_2.kernel",
                "dense_2.bias",
            ]
        );
        let spoil: [(&str, Spoil); 7] = [
            ("missing", |state| state.truncate(7)),
            ("twice", |state| state.push(state[0].clone())),
            ("no tensor", |state| state[0].name = "dense_3.kernel".to_owned()),
            ("shape", |state| state[0].shape = vec![4, 3]),
            ("shape", |state| state[0].values.truncate(11)),
            ("NaN", |state| state[0].values[1] = f32::NAN),
            ("negative", |state| state[5].values[0] = -1.0),
        ];
        for (reason, spoil) in spoil {
            let mut state = good.clone();
            for tensor in &mut state {
                tensor.values.fill(0.5);
            }
            spoil(&mut state);
            let error = network.load_state(&state).unwrap_err();
            assert!(matches!(&error, NnError::State { .. }) && error.to_string().contains(reason), "{error}");
            assert_eq!(network.state(), good);
        }
    }

    #[test]
    fn layers_that_do_not_fit_are_refused() {
        let refused = |shape: &[usize], layers: &[LayerSpec], text: &str| {
            let error = Network::new(shape, layers, 0).unwrap_err();
            assert!(matches!(error, NnError::Layer { .. }) && error.to_string().contains(text), "{error}");
        };
        refused(
            &[8, 1],
            &[LayerSpec::Relu, LayerSpec::dense(3)],
            "layer 2 (dense) cannot follow an output of shape [8, 1]",
        );
        refused(&[8], &[LayerSpec::conv1d(3, 3)], "length");
        refused(&[8], &[LayerSpec::max_pool1d(2)], "length");
        refused(&[8, 1], &[LayerSpec::max_pool1d(9)], "longer than the sample");
        refused(
            &[8],
            &[LayerSpec::conv2d(3, 3)],
            "layer 1 (conv2d) cannot follow an output of shape [8]: it needs pictures",
        );
        refused(&[8, 4], &[LayerSpec::conv2d(3, 3)], "three axes");
        refused(&[8, 4], &[LayerSpec::max_pool2d(2)], "three axes");
        refused(&[8, 4, 1], &[LayerSpec::conv1d(3, 3)], "length");
        refused(&[8, 4, 1], &[LayerSpec::max_pool2d(5)], "5 × 5 is larger than the sample");
        refused(&[8, 4, 1], &[LayerSpec::dense(5)], "`flatten`");
        refused(&[8], &[LayerSpec::GlobalAveragePool], "no positions");
        let large = Extent { frames: 2, bands: 5 };
        let stride = Extent::square(1);
        let valid = LayerSpec::Conv2d { filters: 1, kernel: large, padding: Padding::Valid, stride };
        refused(&[8, 4, 1], &[valid], "padding `same`");
        let valid = LayerSpec::Conv1d { filters: 1, kernel: 9, padding: Padding::Valid, stride: 1 };
        refused(&[8, 1], &[valid], "padding `same`");
        for shape in [&[][..], &[0], &[3, 0], &[2, 0, 2], &[2, 2, 2, 2]] {
            assert!(matches!(Network::new(shape, &[LayerSpec::Relu], 0), Err(NnError::Parameter { .. })));
        }
        assert!(matches!(Network::new(&[3], &[], 0), Err(NnError::Parameter { .. })));
        assert!(matches!(Network::new(&[3], &[LayerSpec::dense(0)], 0), Err(NnError::Parameter { .. })));
    }

    #[test]
    fn networks_too_large_for_memory_are_refused() {
        let huge = usize::MAX / 2;
        for (shape, layer) in [
            (vec![3], LayerSpec::dense(huge)),
            (vec![huge], LayerSpec::dense(huge)),
            (vec![huge, huge], LayerSpec::Relu),
            (vec![9, 3], LayerSpec::conv1d(huge, 5)),
            (vec![9, 1], LayerSpec::conv1d(1, huge)),
            (vec![9, 1], LayerSpec::conv1d(1, 1 << 28)),
            (vec![1 << 20, 1], LayerSpec::conv1d(1 << 10, 1)),
            (vec![huge, 2, huge], LayerSpec::Relu),
            (vec![9, 9, 3], LayerSpec::conv2d(huge, 5)),
            (vec![9, 9, 1], LayerSpec::conv2d(1, huge)),
            (vec![9, 9, 1], LayerSpec::conv2d(1, 1 << 13)),
            (vec![1 << 10, 1 << 10, 1], LayerSpec::conv2d(1 << 10, 1)),
        ] {
            assert!(matches!(Network::new(&shape, &[layer], 0), Err(NnError::TooLarge { .. })));
        }
    }
}
