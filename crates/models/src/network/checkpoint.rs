//! Trainings that outlive an interruption.

use std::collections::BTreeMap;
use std::io;

use sha2::{Digest, Sha256};
use stimmung_nn::{Checkpoint, CheckpointHeader, CheckpointTensor, CheckpointValues, Samples};

use crate::ModelError;
use crate::archive::{self, Envelope, Metadata, Tensor, Values};

/// The value of `format` in the metadata.
const FORMAT: &str = "stimmung-checkpoint";

/// Where [`fit_resumable`](crate::fit_resumable) keeps an unfinished training.
pub trait CheckpointStore {
    /// Epochs from one checkpoint to the next, at least 1.
    fn every(&self) -> usize;

    /// The bytes that were saved last, if there are any.
    ///
    /// # Errors
    /// Where they cannot be read; the fit then ends.
    fn load(&mut self) -> io::Result<Option<Vec<u8>>>;

    /// Keeps these bytes in place of those before, preferably whole or not at all.
    ///
    /// # Errors
    /// Where they cannot be written; the fit then ends.
    fn save(&mut self, bytes: &[u8]) -> io::Result<()>;
}

fn unusable(reason: impl Into<String>) -> ModelError {
    ModelError::Checkpoint { reason: reason.into() }
}

/// What the training learns from and watches, as a hash; the layers crate looks at parameters and shapes only.
pub(crate) fn fingerprint(training: Samples<'_>, validation: Option<Samples<'_>>) -> String {
    let mut hash = Sha256::new();
    let parts = [Some(training), validation];
    for samples in parts.into_iter().flatten() {
        hash.update((samples.labels.len() as u64).to_le_bytes());
        for value in samples.inputs {
            hash.update(value.to_le_bytes());
        }
        for &label in samples.labels {
            hash.update((label as u64).to_le_bytes());
        }
    }
    hash.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// The bytes of a checkpoint: a safetensors file like a model file.
pub(crate) fn to_bytes(checkpoint: Checkpoint, data: &str) -> Result<Vec<u8>, ModelError> {
    let header =
        serde_json::to_string(&checkpoint.header).map_err(|error| ModelError::NotWritable(error.to_string()))?;
    let metadata: Metadata = [("format", FORMAT), ("header", &header), ("data", data)]
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

/// Reads a checkpoint of a training on this data.
pub(crate) fn from_bytes(bytes: &[u8], data: &str) -> Result<Checkpoint, ModelError> {
    let envelope = Envelope::read(bytes).map_err(|_| unusable("it is no checkpoint, or a damaged one"))?;
    if envelope.metadata.get("format").map(String::as_str) != Some(FORMAT) {
        return Err(unusable("the file is something else"));
    }
    if envelope.metadata.get("data").map(String::as_str) != Some(data) {
        return Err(unusable("it is of a training on other data"));
    }
    let mut archive = envelope.open(bytes).map_err(|error| unusable(error.to_string()))?;
    let header: CheckpointHeader = archive
        .metadata("header")
        .map_err(|error| unusable(error.to_string()))
        .and_then(|text| serde_json::from_str(text).map_err(|error| unusable(error.to_string())))?;
    let mut tensors = Vec::new();
    for (name, tensor) in archive.take_all().map_err(|error| unusable(error.to_string()))? {
        let values = match tensor.values {
            Values::F32(values) => CheckpointValues::F32(values),
            Values::F64(values) => CheckpointValues::F64(values),
            Values::U32(_) => return Err(unusable(format!("tensor `{name}` holds whole numbers"))),
        };
        tensors.push(CheckpointTensor { name, shape: tensor.shape, values });
    }
    Ok(Checkpoint { header, tensors })
}
