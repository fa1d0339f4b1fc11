//! Trainings that outlive an interruption.

use std::collections::BTreeMap;
use std::io;

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use stimmung_nn::{Checkpoint, CheckpointHeader, CheckpointTensor, CheckpointValues, Samples};

use crate::ModelError;
use crate::archive::{self, Archive, Envelope, Metadata, Tensor, Values};

/// The value of `format` in the metadata.
const FORMAT: &str = "stimmung-checkpoint";

/// Where [`fit_resumable`](crate::fit_resumable) keeps unfinished trainings. A fit has as many of them as it has networks, numbered
/// from 0 in the order in which they are trained.
pub trait CheckpointStore {
    /// Whether to save after this epoch, counted from 1; asked after every one. The last epoch is saved in any case.
    fn due(&mut self, epoch: usize) -> bool;

    /// The bytes that were saved last of this training, if there are any.
    ///
    /// # Errors
    /// Where they cannot be read; the fit then ends.
    fn load(&mut self, training: usize) -> io::Result<Option<Vec<u8>>>;

    /// Keeps these bytes of a training in place of those before, preferably whole or not at all.
    ///
    /// # Errors
    /// Where they cannot be written; the fit then ends.
    fn save(&mut self, training: usize, bytes: &[u8]) -> io::Result<()>;
}

/// The place of one member of an ensemble in the store of the ensemble.
pub(crate) struct MemberStore<'s> {
    pub(crate) of: &'s mut dyn CheckpointStore,
    pub(crate) member: usize,
}

impl CheckpointStore for MemberStore<'_> {
    fn due(&mut self, epoch: usize) -> bool {
        self.of.due(epoch)
    }

    fn load(&mut self, training: usize) -> io::Result<Option<Vec<u8>>> {
        self.of.load(self.member + training)
    }

    fn save(&mut self, training: usize, bytes: &[u8]) -> io::Result<()> {
        self.of.save(self.member + training, bytes)
    }
}

fn unusable(reason: impl Into<String>) -> ModelError {
    ModelError::Checkpoint { reason: reason.into() }
}

/// What the training learns from and watches, as a hash; the layers crate looks at parameters and shapes only.
pub(crate) fn fingerprint(training: Samples<'_>, validation: Option<Samples<'_>>, columns: usize) -> String {
    let mut hash = Sha256::new();
    let mut values = vec![0.0; columns];
    let parts = [Some(training), validation];
    for samples in parts.into_iter().flatten() {
        hash.update((samples.labels().len() as u64).to_le_bytes());
        for sample in 0..samples.labels().len() {
            samples.load(sample, &mut values);
            for value in &values {
                hash.update(value.to_le_bytes());
            }
        }
        for &label in samples.labels() {
            hash.update((label as u64).to_le_bytes());
        }
    }
    hash.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// The bytes of a checkpoint: a safetensors file like a model file. `right` are the numbers of watched rows that were
/// recognised, epoch by epoch.
pub(crate) fn to_bytes(checkpoint: Checkpoint, data: &str, right: &[usize]) -> Result<Vec<u8>, ModelError> {
    let right = format!("{right:?}");
    let header =
        serde_json::to_string(&checkpoint.header).map_err(|error| ModelError::NotWritable(error.to_string()))?;
    let metadata: Metadata = [("format", FORMAT), ("header", &header), ("data", data), ("watched", &right)]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let tensors: BTreeMap<String, Tensor> = checkpoint
        .tensors
        .into_iter()
        .map(|CheckpointTensor { name, shape, values }| {
            let values = match values {
                CheckpointValues::F32(values) => Values::F32(values),
                CheckpointValues::F64(values) => Values::F64(values),
            };
            (name, Tensor { shape, values })
        })
        .collect();
    archive::write(&metadata, &tensors)
}

/// Reads a checkpoint of a training on this data, and what came of the watched rows.
pub(crate) fn from_bytes(bytes: &[u8], data: &str) -> Result<(Checkpoint, Vec<usize>), ModelError> {
    let envelope = Envelope::read(bytes).map_err(|_| unusable("it is no checkpoint, or a damaged one"))?;
    if envelope.metadata.get("format").map(String::as_str) != Some(FORMAT) {
        return Err(unusable("the file is something else"));
    }
    if envelope.metadata.get("data").map(String::as_str) != Some(data) {
        return Err(unusable("it is of a training on other data"));
    }
    let mut archive = envelope.open(bytes).map_err(|error| unusable(error.to_string()))?;
    let header: CheckpointHeader = parsed(&archive, "header")?;
    let right = parsed(&archive, "watched")?;
    let mut tensors = Vec::new();
    for (name, tensor) in archive.take_all().map_err(|error| unusable(error.to_string()))? {
        let values = match tensor.values {
            Values::F32(values) => CheckpointValues::F32(values),
            Values::F64(values) => CheckpointValues::F64(values),
            Values::U32(_) => return Err(unusable(format!("tensor `{name}` holds whole numbers"))),
        };
        tensors.push(CheckpointTensor { name, shape: tensor.shape, values });
    }
    Ok((Checkpoint { header, tensors }, right))
}

/// An entry of the metadata.
fn parsed<T: DeserializeOwned>(archive: &Archive<'_>, key: &str) -> Result<T, ModelError> {
    let text = archive.metadata(key).map_err(|error| unusable(error.to_string()))?;
    serde_json::from_str(text).map_err(|error| unusable(error.to_string()))
}
