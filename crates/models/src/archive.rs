//! Named tensors and text in one run of bytes, in the safetensors format: eight bytes of length, a JSON header, the numbers.
//!
//! Writing is done here, because the header has to come out in the same order every time; reading goes through the
//! `safetensors` crate, which checks that the tensors cover the content exactly.

use std::collections::BTreeMap;
use std::fmt::Write;

use safetensors::tensor::{Dtype, SafeTensors, TensorInfo};
use serde::{Deserialize, Serialize};

use crate::ModelError;

/// Most bytes that a header may have: far more than any card, far less than would hurt.
pub(crate) const HEADER_LIMIT: u64 = 16 << 20;

/// Most bytes that a model file may have. What could not be read again is not written.
pub(crate) const FILE_LIMIT: u64 = 1 << 30;
/// Bytes of the length in front of the header.
const PREFIX: usize = 8;

/// Values of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values {
    F64(Vec<f64>),
    F32(Vec<f32>),
    U32(Vec<u32>),
}

/// A tensor to be written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Values,
}

impl Tensor {
    pub(crate) fn f64(shape: &[usize], values: Vec<f64>) -> Self {
        Self { shape: shape.to_vec(), values: Values::F64(values) }
    }

    pub(crate) fn f32(shape: &[usize], values: Vec<f32>) -> Self {
        Self { shape: shape.to_vec(), values: Values::F32(values) }
    }

    pub(crate) fn u32(shape: &[usize], values: Vec<u32>) -> Self {
        Self { shape: shape.to_vec(), values: Values::U32(values) }
    }

    fn dtype(&self) -> Dtype {
        match self.values {
            Values::F64(_) => Dtype::F64,
            Values::F32(_) => Dtype::F32,
            Values::U32(_) => Dtype::U32,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match &self.values {
            Values::F64(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Values::F32(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Values::U32(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
        }
    }
}

/// What stands in the header under `__metadata__`.
pub(crate) type Metadata = BTreeMap<String, String>;

/// The header as it is written: both maps sorted.
#[derive(Serialize)]
struct HeaderOut<'a> {
    #[serde(rename = "__metadata__")]
    metadata: &'a Metadata,
    #[serde(flatten)]
    tensors: BTreeMap<&'a str, TensorInfo>,
}

/// The header as it is read, before the content is looked at.
#[derive(Deserialize)]
struct HeaderIn {
    #[serde(rename = "__metadata__", default)]
    metadata: Metadata,
    #[serde(flatten)]
    tensors: BTreeMap<String, TensorInfo>,
}

/// Writes metadata and tensors; equal input gives equal bytes.
pub(crate) fn write(metadata: &Metadata, tensors: &BTreeMap<String, Tensor>) -> Result<Vec<u8>, ModelError> {
    // Widest numbers first, so that all are aligned; then by name.
    let mut order: Vec<(&String, &Tensor)> = tensors.iter().collect();
    order.sort_by_key(|(_, tensor)| std::cmp::Reverse(tensor.dtype()));
    let mut content = Vec::new();
    let mut infos = BTreeMap::new();
    for (name, tensor) in order {
        let start = content.len();
        content.extend(tensor.bytes());
        let info =
            TensorInfo { dtype: tensor.dtype(), shape: tensor.shape.clone(), data_offsets: (start, content.len()) };
        infos.insert(name.as_str(), info);
    }
    let mut header = serde_json::to_vec(&HeaderOut { metadata, tensors: infos })
        .map_err(|error| ModelError::NotWritable(error.to_string()))?;
    header.resize(header.len().next_multiple_of(PREFIX), b' ');
    let length = header.len() as u64;
    if length > HEADER_LIMIT {
        return Err(ModelError::TooLarge { part: "header", actual: length, limit: HEADER_LIMIT });
    }
    let whole = (PREFIX + header.len() + content.len()) as u64;
    if whole > FILE_LIMIT {
        return Err(ModelError::TooLarge { part: "content", actual: whole, limit: FILE_LIMIT });
    }
    let mut out = Vec::with_capacity(PREFIX + header.len() + content.len());
    out.extend(length.to_le_bytes());
    out.extend(header);
    out.extend(content);
    Ok(out)
}

/// Looks at the first bytes of a file of `total` bytes and fails unless it can be an archive. Returns the header's length.
pub(crate) fn sniff(start: &[u8], total: u64) -> Result<usize, ModelError> {
    if total == 0 {
        return Err(ModelError::NotAModel { found: "the file is empty".into() });
    }
    let least = PREFIX as u64 + 2;
    let Some((prefix, rest)) = start.split_first_chunk::<PREFIX>().filter(|(_, rest)| !rest.is_empty()) else {
        return Err(match describe(start) {
            Some(found) => ModelError::NotAModel { found },
            None => ModelError::Truncated { expected: least, actual: total },
        });
    };
    let length = u64::from_le_bytes(*prefix);
    if rest[0] != b'{' || prefix.iter().all(|b| (b' '..=b'~').contains(b)) {
        let found = describe(start).unwrap_or_else(|| "it does not begin like one".into());
        return Err(ModelError::NotAModel { found });
    }
    if length > HEADER_LIMIT {
        return Err(ModelError::TooLarge { part: "header", actual: length, limit: HEADER_LIMIT });
    }
    if PREFIX as u64 + length > total {
        return Err(ModelError::Truncated { expected: PREFIX as u64 + length, actual: total });
    }
    Ok(length as usize)
}

/// What other kind of file these bytes begin, in words.
fn describe(start: &[u8]) -> Option<String> {
    let known: [(&[u8], &str); 11] = [
        (b"RIFF", "it is a RIFF file, such as a WAV recording"),
        (b"fLaC", "it is a FLAC recording"),
        (b"OggS", "it is an Ogg recording"),
        (b"ID3", "it is an MP3 recording"),
        (b"FORM", "it is an AIFF recording"),
        (b"\x1aE\xdf\xa3", "it is a WebM or Matroska recording"),
        (b"PK\x03\x04", "it is a ZIP archive, such as a PyTorch or Keras model"),
        (b"\x89HDF", "it is an HDF5 file, such as a Keras model"),
        (b"\x80\x02", "it is a Python pickle"),
        (b"\x80\x04", "it is a Python pickle"),
        (b"\x80\x05", "it is a Python pickle"),
    ];
    if let Some((_, words)) = known.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Some((*words).into());
    }
    let head = &start[..start.len().min(64)];
    let text = head.iter().all(|b| matches!(b, b'\t' | b'\n' | b'\r' | b' '..=b'~'));
    (text && !head.is_empty()).then(|| {
        let mut found = String::from("it is a text file that begins with “");
        for b in head.iter().take(24) {
            let _ = write!(found, "{}", char::from(*b).escape_default());
        }
        found.push('”');
        found
    })
}

/// An archive being read. Tensors are taken out by name, with the type and shape that they must have.
pub(crate) struct Archive<'a> {
    metadata: Metadata,
    tensors: BTreeMap<String, safetensors::tensor::TensorView<'a>>,
}

/// The metadata of an archive, read without looking at its tensors.
pub(crate) struct Envelope {
    pub(crate) metadata: Metadata,
    promised: u64,
}

impl Envelope {
    /// Reads the header only.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, ModelError> {
        let length = sniff(bytes, bytes.len() as u64)?;
        let header: HeaderIn = serde_json::from_slice(&bytes[PREFIX..PREFIX + length])
            .map_err(|error| ModelError::Damaged(format!("its header cannot be read: {error}")))?;
        let end = header.tensors.values().map(|info| info.data_offsets.1 as u64).max().unwrap_or(0);
        Ok(Self { metadata: header.metadata, promised: end.saturating_add((PREFIX + length) as u64) })
    }

    /// Opens the content.
    pub(crate) fn open(self, bytes: &[u8]) -> Result<Archive<'_>, ModelError> {
        let actual = bytes.len() as u64;
        if self.promised > actual {
            return Err(ModelError::Truncated { expected: self.promised, actual });
        }
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| ModelError::Damaged(error.to_string()))?;
        Ok(Archive { metadata: self.metadata, tensors: tensors.tensors().into_iter().collect() })
    }
}

impl Archive<'_> {
    pub(crate) fn metadata(&self, key: &str) -> Result<&str, ModelError> {
        let text = self.metadata.get(key).ok_or_else(|| ModelError::Damaged(format!("its header has no `{key}`")))?;
        Ok(text)
    }

    /// Numbers in all tensors that have not been taken yet.
    pub(crate) fn remaining(&self) -> usize {
        self.tensors.values().map(|t| t.data().len() * 8 / t.dtype().bitsize()).sum()
    }

    /// The shape of a tensor that has not been taken yet.
    pub(crate) fn shape(&self, name: &str) -> Result<&[usize], ModelError> {
        let tensor = self.tensors.get(name).ok_or_else(|| missing(name))?;
        Ok(tensor.shape())
    }

    fn take<const N: usize, T>(
        &mut self,
        name: &str,
        dtype: Dtype,
        shape: &[usize],
        from: fn([u8; N]) -> T,
    ) -> Result<Vec<T>, ModelError> {
        let tensor = self.tensors.remove(name).ok_or_else(|| missing(name))?;
        if tensor.dtype() != dtype || tensor.shape() != shape {
            return Err(ModelError::Damaged(format!(
                "tensor `{name}` should be {dtype} {shape:?} and is {} {:?}",
                tensor.dtype(),
                tensor.shape()
            )));
        }
        Ok(tensor.data().as_chunks::<N>().0.iter().map(|chunk| from(*chunk)).collect())
    }

    /// Takes a tensor of finite `f64`.
    pub(crate) fn f64(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f64>, ModelError> {
        let values = self.take(name, Dtype::F64, shape, f64::from_le_bytes)?;
        if values.iter().all(|v| v.is_finite()) { Ok(values) } else { Err(not_finite(name)) }
    }

    /// Takes a tensor of finite `f32`.
    pub(crate) fn f32(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let values = self.take(name, Dtype::F32, shape, f32::from_le_bytes)?;
        if values.iter().all(|v| v.is_finite()) { Ok(values) } else { Err(not_finite(name)) }
    }

    /// Takes a tensor of `u32`.
    pub(crate) fn u32(&mut self, name: &str, shape: &[usize]) -> Result<Vec<u32>, ModelError> {
        self.take(name, Dtype::U32, shape, u32::from_le_bytes)
    }

    /// Takes all tensors, sorted by their names.
    pub(crate) fn take_all(&mut self) -> Result<Vec<(String, Tensor)>, ModelError> {
        let listed: Vec<(String, Dtype, Vec<usize>)> =
            self.tensors.iter().map(|(name, t)| (name.clone(), t.dtype(), t.shape().to_vec())).collect();
        listed
            .into_iter()
            .map(|(name, dtype, shape)| {
                let values = match dtype {
                    Dtype::F64 => Values::F64(self.f64(&name, &shape)?),
                    Dtype::U32 => Values::U32(self.u32(&name, &shape)?),
                    _ => Values::F32(self.f32(&name, &shape)?),
                };
                Ok((name, Tensor { shape, values }))
            })
            .collect()
    }

    /// The tensors whose names begin with this, as an archive of their own in which they have the rest of their names.
    pub(crate) fn part(&mut self, prefix: &str) -> Self {
        let (inside, outside) =
            std::mem::take(&mut self.tensors).into_iter().partition(|(name, _)| name.starts_with(prefix));
        self.tensors = outside;
        let inside: BTreeMap<String, _> = inside;
        let tensors = inside.into_iter().map(|(name, tensor)| (name[prefix.len()..].to_owned(), tensor)).collect();
        Self { metadata: Metadata::new(), tensors }
    }

    /// Fails if a tensor has not been taken.
    pub(crate) fn finish(self) -> Result<(), ModelError> {
        match self.tensors.keys().next() {
            None => Ok(()),
            Some(name) => Err(ModelError::Damaged(format!("tensor `{name}` does not belong into this kind of model"))),
        }
    }
}

fn missing(name: &str) -> ModelError {
    ModelError::Damaged(format!("tensor `{name}` is missing"))
}

fn not_finite(name: &str) -> ModelError {
    ModelError::Damaged(format!("tensor `{name}` holds values that are not finite"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Metadata, BTreeMap<String, Tensor>) {
        let metadata = [("format", "stimmung"), ("a", "1"), ("z", "ü\n")];
        let tensors = [
            ("narrow", Tensor::f32(&[3], vec![1.0, 2.0, 3.0])),
            ("a_count", Tensor::u32(&[1], vec![7])),
            ("wide", Tensor::f64(&[2, 1], vec![0.1, -0.2])),
        ];
        (
            metadata.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            tensors.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
        )
    }

    #[test]
    fn what_is_written_is_read_back() {
        let (metadata, tensors) = sample();
        let bytes = write(&metadata, &tensors).expect("written");
        assert_eq!(bytes, write(&metadata, &tensors).expect("written again"));
        let envelope = Envelope::read(&bytes).expect("header");
        assert_eq!(envelope.metadata, metadata);
        let mut archive = envelope.open(&bytes).expect("content");
        assert_eq!(archive.remaining(), 6);
        assert_eq!(archive.f64("wide", &[2, 1]).expect("wide"), [0.1, -0.2]);
        assert_eq!(archive.f32("narrow", &[3]).expect("narrow"), [1.0, 2.0, 3.0]);
        assert_eq!(archive.u32("a_count", &[1]).expect("count"), [7]);
        archive.finish().expect("nothing left");
    }

    #[test]
    fn wrong_types_shapes_and_leftovers_are_named() {
        let (metadata, tensors) = sample();
        let bytes = write(&metadata, &tensors).expect("written");
        let open = || Envelope::read(&bytes).expect("header").open(&bytes).expect("content");
        let message = |error: ModelError| error.to_string();
        assert!(message(open().f32("wide", &[2, 1]).expect_err("type")).contains("should be F32 [2, 1] and is F64"));
        assert!(message(open().f64("wide", &[2]).expect_err("shape")).contains("should be F64 [2] and is F64 [2, 1]"));
        assert!(message(open().f64("none", &[2]).expect_err("name")).contains("`none` is missing"));
        assert!(message(open().finish().expect_err("leftover")).contains("`a_count`"));
    }

    #[test]
    fn a_part_has_the_rest_of_the_names_and_all_can_be_taken() {
        let (metadata, tensors) = sample();
        let bytes = write(&metadata, &tensors).expect("written");
        let mut archive = Envelope::read(&bytes).expect("header").open(&bytes).expect("content");
        let mut part = archive.part("a_");
        assert_eq!(part.u32("count", &[1]).expect("count"), [7]);
        part.finish().expect("nothing left");
        let all = archive.take_all().expect("all");
        let expected: Vec<_> = tensors.into_iter().filter(|(name, _)| name != "a_count").collect();
        assert_eq!(all, expected);
        archive.finish().expect("nothing left");
    }

    #[test]
    fn any_cut_is_an_error() {
        let (metadata, tensors) = sample();
        let bytes = write(&metadata, &tensors).expect("written");
        for end in 0..bytes.len() {
            let result = Envelope::read(&bytes[..end]).and_then(|envelope| envelope.open(&bytes[..end]).map(|_| ()));
            match result {
                Err(ModelError::NotAModel { .. }) => assert_eq!(end, 0),
                Err(ModelError::Truncated { expected, actual }) => {
                    assert!(actual == end as u64 && expected > actual, "{expected} {actual}");
                }
                other => panic!("cut at {end}: {other:?}"),
            }
        }
    }
}
