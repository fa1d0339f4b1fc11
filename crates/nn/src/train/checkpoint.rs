//! Checkpoints: a training taken up where it was left, to the same bits.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::report::{EpochReport, ValidationReport};
use super::stopping::Snapshot;
use super::{TrainParams, Trainer};
use crate::{NamedTensor, Network, NnError, Samples};

/// The version of the format that is written, and the only one that is read.
const VERSION: u32 = 1;

/// All that a training must remember to go on to the same bits: what [`Trainer::checkpoint`] gives and
/// [`Trainer::resume`] takes.
///
/// Random numbers are not among it, because each draw has a key of its own, nor is the state of schedules and of
/// early stopping, because it follows from the validation losses of the history.
///
/// It is a header and tensors, as a safetensors file wants them. With serde, floating-point values are
/// written as their bits, so that every format gives them back as they were.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// What the checkpoint is of.
    pub header: CheckpointHeader,
    /// The numbers, under these names, in any order:
    ///
    /// | name | values |
    /// | --- | --- |
    /// | `network.…`, a name of [`Network::state`] each | `f32`, parameters and running statistics |
    /// | `optimizer.first`, `optimizer.second` | `f32`, the moments, one value for each parameter; only those that the optimiser has |
    /// | `best.…`, like `network.…` | `f32`, the best epoch's, if early stopping is to restore them |
    /// | `history.loss`, `history.accuracy`, `history.learning_rate` | `f64`, one value for each epoch |
    /// | `history.validation_loss`, `history.validation_accuracy` | `f64`, likewise, where there are validation data |
    pub tensors: Vec<CheckpointTensor>,
}

/// What a checkpoint is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointHeader {
    /// The format's version; 1.
    pub version: u32,
    /// Epochs trained.
    pub epochs: usize,
    /// What the training depends on besides the values of its data, as text: the network's shape and layers, the numbers
    /// of samples, and all parameters but the number of epochs.
    pub fingerprint: BTreeMap<String, String>,
}

/// A tensor of a checkpoint, the last axis adjacent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointTensor {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values, as many as the product of the shape.
    pub values: CheckpointValues,
}

/// The values of a tensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Bits", into = "Bits")]
pub enum CheckpointValues {
    /// Of single precision.
    F32(Vec<f32>),
    /// Of double precision.
    F64(Vec<f64>),
}

/// Values as their bits.
#[derive(Serialize, Deserialize)]
#[serde(rename = "CheckpointValues", rename_all = "lowercase")]
enum Bits {
    F32(Vec<u32>),
    F64(Vec<u64>),
}

impl From<CheckpointValues> for Bits {
    fn from(values: CheckpointValues) -> Self {
        match values {
            CheckpointValues::F32(values) => Self::F32(values.into_iter().map(f32::to_bits).collect()),
            CheckpointValues::F64(values) => Self::F64(values.into_iter().map(f64::to_bits).collect()),
        }
    }
}

impl From<Bits> for CheckpointValues {
    fn from(bits: Bits) -> Self {
        match bits {
            Bits::F32(bits) => Self::F32(bits.into_iter().map(f32::from_bits).collect()),
            Bits::F64(bits) => Self::F64(bits.into_iter().map(f64::from_bits).collect()),
        }
    }
}

impl<'a> Trainer<'a> {
    /// The training as it is now, with the network in training; between epochs, and before [`finish`](Self::finish).
    ///
    /// ```
    /// use stimmung_nn::{Checkpoint, LayerSpec, Network, Samples, TrainParams, Trainer};
    ///
    /// let samples = Samples::new(&[0.0, 1.0, 0.2, 0.8], &[0, 1, 0, 1]);
    /// let params = TrainParams { epochs: 5, ..TrainParams::default() };
    /// let mut network = Network::new(&[1], &[LayerSpec::dense(2)], 1)?;
    /// let mut trainer = Trainer::new(&network, samples, None, &params)?;
    /// trainer.epoch(&mut network)?;
    /// let text = serde_json::to_string(&trainer.checkpoint(&network))?;
    ///
    /// // Another day, a network of the same layers.
    /// let mut network = Network::new(&[1], &[LayerSpec::dense(2)], 2)?;
    /// let checkpoint: Checkpoint = serde_json::from_str(&text)?;
    /// let mut trainer = Trainer::resume(&mut network, samples, None, &params, &checkpoint)?;
    /// assert_eq!(trainer.epoch(&mut network)?.epoch, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn checkpoint(&self, network: &Network) -> Checkpoint {
        let mut tensors = named("network", network.state());
        for (name, moments) in MOMENTS.into_iter().zip(self.optimizer.moments()) {
            if !moments.is_empty() {
                let values = CheckpointValues::F32(moments.to_vec());
                tensors.push(CheckpointTensor { name: name.to_owned(), shape: vec![moments.len()], values });
            }
        }
        if let Some(best) = self.stopper.as_ref().and_then(|stopper| stopper.best.as_ref()) {
            let mut network = network.clone();
            network.parameters.clone_from(&best.parameters);
            network.statistics.clone_from(&best.statistics);
            tensors.extend(named("best", network.state()));
        }
        let epochs = &self.history.epochs;
        let mut column = |name: &str, value: &dyn Fn(&EpochReport) -> Option<f64>| {
            let values = CheckpointValues::F64(epochs.iter().filter_map(value).collect());
            tensors.push(CheckpointTensor { name: format!("history.{name}"), shape: vec![epochs.len()], values });
        };
        column("loss", &|epoch| Some(epoch.loss));
        column("accuracy", &|epoch| Some(epoch.accuracy));
        column("learning_rate", &|epoch| Some(epoch.learning_rate));
        if self.validation.is_some() {
            column("validation_loss", &|epoch| epoch.validation.map(|validation| validation.loss));
            column("validation_accuracy", &|epoch| epoch.validation.map(|validation| validation.accuracy));
        }
        let header =
            CheckpointHeader { version: VERSION, epochs: epochs.len(), fingerprint: self.fingerprint(network) };
        Checkpoint { header, tensors }
    }

    /// Goes on from a checkpoint: gives `network` the state that it had, and comes to the bits to which the training would
    /// have come without a break, on any number of threads.
    ///
    /// Network, data and parameters must be those that the checkpoint was made with, but for the number of epochs. (With
    /// a cosine schedule, another number of epochs gives the steps that are left another rate than they would have had.)
    /// The values of the data are not compared. On error, the network has not changed.
    ///
    /// # Errors
    ///
    /// [`NnError::OtherTraining`] names the first difference, [`NnError::State`] a tensor that is missing, unknown, of
    /// another size or not finite; otherwise as [`Trainer::new`].
    pub fn resume(
        network: &mut Network,
        training: Samples<'a>,
        validation: Option<Samples<'a>>,
        params: &TrainParams,
        checkpoint: &Checkpoint,
    ) -> Result<Self, NnError> {
        let mut trainer = Self::new(network, training, validation, params)?;
        let header = &checkpoint.header;
        if header.version != VERSION {
            return Err(other("the format's version", &header.version.to_string(), &VERSION.to_string()));
        }
        compare(&header.fingerprint, &trainer.fingerprint(network))?;

        let mut tensors = Tensors::new(&checkpoint.tensors)?;
        let resumed = tensors.network("network", network)?;
        trainer.take_history(header.epochs, &mut tensors)?;
        trainer.take_moments(&mut tensors)?;
        if trainer.history.best_epoch.is_some()
            && let Some(stopper) = trainer.stopper.as_mut().filter(|stopper| stopper.restores_best())
        {
            let Network { parameters, statistics, .. } = tensors.network("best", network)?;
            stopper.best = Some(Snapshot { parameters, statistics });
        }
        tensors.finish()?;
        *network = resumed;
        Ok(trainer)
    }

    /// Enters the epochs of a checkpoint one by one, as if they had just been trained.
    fn take_history(&mut self, epochs: usize, tensors: &mut Tensors<'_>) -> Result<(), NnError> {
        let mut column = |name: &str| tensors.f64(&format!("history.{name}"), epochs);
        let (losses, accuracies, rates) = (column("loss")?, column("accuracy")?, column("learning_rate")?);
        let validation = if self.validation.is_some() {
            Some((column("validation_loss")?, column("validation_accuracy")?))
        } else {
            None
        };
        let steps = super::batches(self.order.len(), self.params.batch_size, self.smallest_batch).count() as u64;
        for epoch in 0..epochs {
            self.record(EpochReport {
                epoch: epoch + 1,
                loss: losses[epoch],
                accuracy: accuracies[epoch],
                learning_rate: rates[epoch],
                steps: steps * (epoch as u64 + 1),
                validation: validation
                    .map(|(losses, accuracies)| ValidationReport { loss: losses[epoch], accuracy: accuracies[epoch] }),
            });
        }
        Ok(())
    }

    /// Gives the optimiser its steps and moments.
    fn take_moments(&mut self, tensors: &mut Tensors<'_>) -> Result<(), NnError> {
        let mut moments: [&[f32]; 2] = [&[]; 2];
        for ((moments, name), present) in moments.iter_mut().zip(MOMENTS).zip(self.optimizer.moments()) {
            if !present.is_empty() {
                *moments = tensors.f32(name, &[present.len()])?;
            }
        }
        if moments[1].iter().any(|square| *square < 0.0) {
            return Err(state_error(MOMENTS[1], "it holds a negative mean of squares"));
        }
        self.optimizer.restore(self.history.epochs.last().map_or(0, |epoch| epoch.steps), moments);
        Ok(())
    }

    /// What the training depends on, as text, by name.
    fn fingerprint(&self, network: &Network) -> BTreeMap<String, String> {
        // Taken apart, so that a new parameter cannot be forgotten here.
        let TrainParams {
            epochs: _,
            batch_size,
            optimizer,
            schedule,
            class_weights,
            label_smoothing,
            clip_norm,
            mixup,
            spec_augment,
            early_stopping,
            shuffle,
            seed,
        } = &self.params;
        let validation = self.validation.map_or(0, |samples| samples.labels().len());
        let mut entries = vec![
            ("batch_size".to_owned(), batch_size.to_string()),
            ("optimizer".to_owned(), format!("{optimizer:?}")),
            ("schedule".to_owned(), format!("{schedule:?}")),
            ("class_weights".to_owned(), format!("{class_weights:?}")),
            ("label_smoothing".to_owned(), label_smoothing.to_string()),
            ("clip_norm".to_owned(), format!("{clip_norm:?}")),
            ("mixup".to_owned(), format!("{mixup:?}")),
            ("spec_augment".to_owned(), format!("{spec_augment:?}")),
            ("early_stopping".to_owned(), format!("{early_stopping:?}")),
            ("shuffle".to_owned(), shuffle.to_string()),
            ("seed".to_owned(), seed.to_string()),
            ("the number of training samples".to_owned(), self.order.len().to_string()),
            ("the number of validation samples".to_owned(), validation.to_string()),
            ("the input shape".to_owned(), format!("{:?}", network.input_shape)),
        ];
        let layers = network.specs.iter().enumerate();
        entries.extend(layers.map(|(index, layer)| (format!("layer {}", index + 1), format!("{layer:?}"))));
        entries.into_iter().collect()
    }
}

/// The names of the optimiser's moments.
const MOMENTS: [&str; 2] = ["optimizer.first", "optimizer.second"];

/// The tensors of a network under a prefix.
fn named(prefix: &str, state: Vec<NamedTensor>) -> Vec<CheckpointTensor> {
    let tensor = |NamedTensor { name, shape, values }| CheckpointTensor {
        name: format!("{prefix}.{name}"),
        shape,
        values: CheckpointValues::F32(values),
    };
    state.into_iter().map(tensor).collect()
}

fn other(key: &str, checkpoint: &str, training: &str) -> NnError {
    let (key, checkpoint, training) = (key.to_owned(), checkpoint.to_owned(), training.to_owned());
    NnError::OtherTraining { key, checkpoint, training }
}

fn state_error(name: &str, reason: impl Into<String>) -> NnError {
    NnError::State { name: name.to_owned(), reason: reason.into() }
}

/// Checks that two fingerprints are the same.
fn compare(checkpoint: &BTreeMap<String, String>, training: &BTreeMap<String, String>) -> Result<(), NnError> {
    let keys: BTreeSet<&String> = checkpoint.keys().chain(training.keys()).collect();
    for key in keys {
        let [before, now] = [checkpoint, training].map(|map| map.get(key).map_or("absent", String::as_str));
        if before != now {
            return Err(other(key, before, now));
        }
    }
    Ok(())
}

/// The tensors of a checkpoint that have not been asked for yet.
struct Tensors<'a>(BTreeMap<&'a str, &'a CheckpointTensor>);

impl<'a> Tensors<'a> {
    fn new(tensors: &'a [CheckpointTensor]) -> Result<Self, NnError> {
        let mut map = BTreeMap::new();
        for tensor in tensors {
            if map.insert(tensor.name.as_str(), tensor).is_some() {
                return Err(state_error(&tensor.name, "it is there twice"));
            }
        }
        Ok(Self(map))
    }

    /// Takes a tensor of this shape.
    fn take(&mut self, name: &str, shape: &[usize]) -> Result<&'a CheckpointTensor, NnError> {
        let Some(tensor) = self.0.remove(name) else { return Err(state_error(name, "it is missing")) };
        if tensor.shape != shape {
            return Err(state_error(name, format!("expected shape {shape:?}, got {:?}", tensor.shape)));
        }
        Ok(tensor)
    }

    fn f32(&mut self, name: &str, shape: &[usize]) -> Result<&'a [f32], NnError> {
        let CheckpointValues::F32(values) = &self.take(name, shape)?.values else {
            return Err(state_error(name, "expected f32 values"));
        };
        finite(name, shape, values)
    }

    fn f64(&mut self, name: &str, len: usize) -> Result<&'a [f64], NnError> {
        let CheckpointValues::F64(values) = &self.take(name, &[len])?.values else {
            return Err(state_error(name, "expected f64 values"));
        };
        finite(name, &[len], values)
    }

    /// A network like this one, with the state under this prefix.
    fn network(&mut self, prefix: &str, like: &Network) -> Result<Network, NnError> {
        let mut network = like.clone();
        let mut state = network.state();
        for tensor in &mut state {
            tensor.values = self.f32(&format!("{prefix}.{}", tensor.name), &tensor.shape)?.to_vec();
        }
        network.load_state(&state)?;
        Ok(network)
    }

    /// Ends the reading: nothing may be left.
    fn finish(self) -> Result<(), NnError> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(state_error(name, "this training has no tensor of that name")),
        }
    }
}

/// The values, if they are as many as the shape says, and finite.
fn finite<'a, T: Copy + Into<f64>>(name: &str, shape: &[usize], values: &'a [T]) -> Result<&'a [T], NnError> {
    let len = shape.iter().product::<usize>();
    if values.len() != len {
        return Err(state_error(name, format!("expected {len} values, got {}", values.len())));
    }
    match values.iter().find(|value| !(**value).into().is_finite()) {
        None => Ok(values),
        Some(value) => Err(state_error(name, format!("it holds {}", (*value).into()))),
    }
}
