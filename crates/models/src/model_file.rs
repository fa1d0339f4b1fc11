//! The model file: everything that turns a recording into class probabilities, in one file.
//!
//! A `.stimmung` file is a safetensors file. Its metadata holds `format` = `stimmung`, `format_version` and `header`, a
//! JSON object: the front end, the model's parameters and layers, the class names, the card. Its tensors are the scaler and
//! the weights. There is no code in it, and reading one runs none.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use stimmung_audio::{ConditioningParams, Effect, SegmentParams, check_effects};
use stimmung_features::{FeatureSet, Shape};
use stimmung_nn::LayerSpec;

use crate::archive::{self, Archive, Envelope, Metadata, Tensor};
use crate::boosting::Boosting;
use crate::classifier::Fitted;
use crate::enrolment::Enrolment;
use crate::forest::Forest;
use crate::linear::Linear;
use crate::network::{NetworkModel, TENSOR_PREFIX};
use crate::novelty::{Novelty, NoveltyHeader};
use crate::one_vs_rest::OneVsRest;
use crate::scaler::Scaler;
use crate::svm::{Kernel, Machine, Svm, pair_count};
use crate::training_set::{check_names, width};
use crate::{Card, Classifier, ModelError, ModelParams, OneVsRestParams, Temperature};

/// The value of `format` in the metadata.
const FORMAT: &str = "stimmung";
/// The newest version that is read, and the one that is written.
const VERSION: u32 = 1;
/// Most changed copies that a recording is judged with, and most that are learned from.
pub const LARGEST_NUMBER_OF_COPIES: usize = 100;

/// What happens to a recording before the classifier sees it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct FrontEnd {
    /// The sample rate in hertz to which a recording is brought.
    pub sample_rate: u32,
    /// What is done to its samples then.
    #[serde(default, skip_serializing_if = "ConditioningParams::is_default")]
    pub conditioning: ConditioningParams,
    /// The length of the pieces into which it is cut, each of which is judged by itself. Absent: it stays whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<SegmentParams>,
    /// The features that are computed from it, or from each piece.
    pub features: FeatureSet,
    /// The effects behind each changed copy that is judged beside it (test-time augmentation): nothing in them is drawn at random.
    /// The answers are pooled. Absent: it is judged alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<Vec<Effect>>,
}

impl FrontEnd {
    /// Features of whole recordings as they are.
    pub fn new(sample_rate: u32, features: FeatureSet) -> Self {
        Self { sample_rate, conditioning: ConditioningParams::default(), segments: None, features, copies: Vec::new() }
    }
}

/// A model as it is stored and handed on: front end, classifier and card.
///
/// # Examples
/// ```
/// # use std::ops::ControlFlow;
/// use stimmung_features::{FeatureSet, Shape};
/// use stimmung_models::{Card, FrontEnd, Matrix, ModelFile, ModelParams, TrainingSet, fit};
/// # let features = FeatureSet::by_name("mfcc")?;
/// # let shape = features.shape(16_000)?;
/// # let columns = shape.len();
/// # let x = Matrix::new(4, columns, (0..4 * columns).map(|i| (i as f32).sin()).collect())?;
/// # let classes = ["calm".to_owned(), "anger".to_owned()];
/// # let data = TrainingSet::new(&x, shape, &[0, 0, 1, 1], &classes);
/// let classifier = fit(&ModelParams::by_name("logistic")?, &data, 1, &mut |_| ControlFlow::Continue(()))?;
/// let model = ModelFile {
///     front_end: FrontEnd::new(16_000, features),
///     classifier,
///     card: Card { name: "example".into(), ..Card::default() },
/// };
/// let again = ModelFile::from_bytes(&model.to_bytes()?)?;
/// assert_eq!(again.id(), model.id());
/// assert_eq!(again.classifier.probabilities(&x)?, model.classifier.probabilities(&x)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ModelFile {
    /// From recording to features.
    pub front_end: FrontEnd,
    /// From features to class probabilities.
    pub classifier: Classifier,
    /// What people should know about it.
    pub card: Card,
}

/// The JSON object in the metadata. Unknown keys are refused: they could change what the model computes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    front_end: FrontEnd,
    classes: Vec<String>,
    present: Vec<usize>,
    model: ModelParams,
    fitting: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    layers: Option<Vec<LayerSpec>>,
    /// Of an ensemble, the layers of each member and of the arbiter, where these are networks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    member_layers: Option<Vec<LayerSpec>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    arbiter_layers: Option<Vec<LayerSpec>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    calibration: Option<Temperature>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    novelty: Option<NoveltyHeader>,
    card: Card,
}

fn damaged(message: impl Into<String>) -> ModelError {
    ModelError::Damaged(message.into())
}

fn misplaced_layers(params: &ModelParams) -> ModelError {
    damaged(format!("layers and the kind `{}` do not go together", params.kind()))
}

impl ModelFile {
    /// The file's bytes. Equal models give equal bytes.
    ///
    /// # Errors
    /// [`ModelError::NotWritable`] if the front end does not give the features that the classifier wants, or a score of the
    /// card is not finite.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        if let Some(metric) = self.card.unwritable_score() {
            return Err(ModelError::NotWritable(format!("the card's {metric} is not a finite number")));
        }
        let expected = self.front_end.features.shape(self.front_end.sample_rate)?;
        if expected != self.classifier.shape {
            return Err(ModelError::NotWritable(format!(
                "the front end gives features of the form {expected:?} and the classifier takes {:?}",
                self.classifier.shape
            )));
        }
        self.encode()
    }

    fn encode(&self) -> Result<Vec<u8>, ModelError> {
        let classifier = &self.classifier;
        let ensemble = match &classifier.fitted {
            Fitted::OneVsRest(ensemble) => Some(ensemble),
            _ => None,
        };
        let mut tensors = BTreeMap::new();
        let header = Header {
            front_end: self.front_end.clone(),
            classes: classifier.classes.clone(),
            present: classifier.present.clone(),
            model: classifier.params.clone(),
            fitting: classifier.note.clone(),
            layers: layers(&classifier.fitted),
            member_layers: ensemble.and_then(|ensemble| ensemble.members.first().and_then(layers)),
            arbiter_layers: ensemble.and_then(|ensemble| layers(&ensemble.arbiter)),
            calibration: classifier.calibration,
            novelty: classifier.novelty.as_ref().map(|novelty| novelty.write(&mut tensors)),
            card: self.card.clone(),
        };
        let header = serde_json::to_string(&header).map_err(|error| ModelError::NotWritable(error.to_string()))?;
        let metadata: Metadata =
            [("format", FORMAT.to_owned()), ("format_version", VERSION.to_string()), ("header", header)]
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect();
        classifier.scaler.write(&mut tensors);
        if let Some(enrolment) = &classifier.enrolment {
            enrolment.write(&mut tensors);
        }
        write_fitted(&classifier.fitted, &mut tensors);
        archive::write(&metadata, &tensors)
    }

    /// Reads a file's bytes.
    ///
    /// # Errors
    /// [`ModelError::NotAModel`] for other kinds of files, [`ModelError::Truncated`] for one that ends too early,
    /// [`ModelError::NewerVersion`] for one of a later program, [`ModelError::TooLarge`] for a header beyond 16 MiB, and
    /// [`ModelError::Damaged`] with the place for content that contradicts itself. Memory stays within a small multiple of
    /// the bytes given.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let envelope = Envelope::read(bytes)?;
        match envelope.metadata.get("format").map(String::as_str) {
            Some(FORMAT) => {}
            Some(_) => {
                return Err(ModelError::NotAModel { found: "it is a safetensors file of another program".into() });
            }
            None => {
                return Err(ModelError::NotAModel {
                    found: "it is a safetensors file without a Stimmung header".into(),
                });
            }
        }
        let version = envelope.metadata.get("format_version").map_or("", String::as_str);
        match version.parse::<u32>() {
            Ok(1..=VERSION) => {}
            Ok(0) | Err(_) => return Err(damaged(format!("its format version is “{}”", version.escape_debug()))),
            Ok(_) => return Err(ModelError::NewerVersion { found: version.to_owned(), supported: VERSION }),
        }
        let mut archive = envelope.open(bytes)?;
        let header: Header = serde_json::from_str(archive.metadata("header")?)
            .map_err(|error| damaged(format!("its header cannot be read: {error}")))?;
        let model = Self::decode(header, &mut archive)?;
        archive.finish()?;
        Ok(model)
    }

    fn decode(header: Header, archive: &mut Archive<'_>) -> Result<Self, ModelError> {
        let Header { front_end, classes, present, model: params, fitting, card, calibration, .. } = header;
        let Header { layers, member_layers, arbiter_layers, novelty, .. } = header;
        params.check().map_err(|error| damaged(error.to_string()))?;
        check_names(&classes).map_err(|error| damaged(error.to_string()))?;
        let ascending = present.windows(2).all(|pair| pair[0] < pair[1]);
        if present.len() < 2 || !ascending || present.last().is_none_or(|&last| last >= classes.len()) {
            return Err(damaged(format!("its outputs {present:?} do not fit its {} classes", classes.len())));
        }
        front_end.conditioning.check().map_err(|error| damaged(format!("its front end: {error}")))?;
        if let Some(segments) = front_end.segments {
            segments.check().map_err(|error| damaged(format!("its front end: {error}")))?;
        }
        if front_end.copies.len() > LARGEST_NUMBER_OF_COPIES {
            return Err(damaged(format!("its front end makes {} copies of a recording", front_end.copies.len())));
        }
        for effects in &front_end.copies {
            check_effects(effects).map_err(|error| damaged(format!("its front end: {error}")))?;
            if let Some(effect) = effects.iter().find(|effect| !effect.is_fixed()) {
                return Err(damaged(format!("an effect of its front end is drawn at random: {effect:?}")));
            }
        }
        let shape = front_end.features.shape(front_end.sample_rate).map_err(|error| damaged(error.to_string()))?;
        let scaler = Scaler::read(archive, shape)?;
        let (d, k) = (scaler.columns(), present.len());
        if d == 0 || width(shape) != Some(d) {
            return Err(damaged(format!(
                "its front end gives features of the form {shape:?} and its classifier takes {d}"
            )));
        }
        let fitted = match &params {
            ModelParams::OneVsRest(_) if layers.is_some() => return Err(misplaced_layers(&params)),
            ModelParams::OneVsRest(ensemble) => {
                read_ensemble(ensemble, [member_layers, arbiter_layers], archive, shape, k)?
            }
            _ if member_layers.is_some() || arbiter_layers.is_some() => {
                return Err(damaged(format!("the kind `{}` has no members", params.kind())));
            }
            _ => read_fitted(&params, layers, archive, shape, k)?,
        };
        if let Some(temperature) = calibration {
            temperature.check().map_err(damaged)?;
        }
        let novelty = novelty.map(|novelty| Novelty::read(novelty, archive, shape)).transpose()?;
        let enrolment = Enrolment::read(archive, scaler.columns())?;
        let classifier = Classifier {
            params,
            shape,
            classes,
            present,
            scaler,
            fitted,
            note: fitting,
            calibration,
            novelty,
            enrolment,
        };
        Ok(Self { front_end, classifier, card })
    }

    /// A short name for exactly this model: the first 12 hexadecimal digits of the SHA-256 of its bytes.
    pub fn id(&self) -> String {
        // A model that cannot be written has no bytes to be named by.
        self.encode().map_or_else(|_| "unwritable".into(), |bytes| short_hash(&bytes))
    }

    /// Writes the file whole or not at all: into a temporary file beside it, which then takes its name.
    ///
    /// # Errors
    /// As [`ModelFile::to_bytes`], and [`ModelError::Io`] with the path.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ModelError> {
        let path = path.as_ref();
        let bytes = self.to_bytes()?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".stimmung-");
        #[cfg(unix)]
        {
            // Temporary files are private; a model is as readable as any other new file.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let write = || -> std::io::Result<()> {
            let mut file = builder.tempfile_in(folder)?;
            file.write_all(&bytes)?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            Ok(())
        };
        write().map_err(|source| ModelError::Io { action: "write", path: path.to_owned(), source })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// As [`ModelFile::from_bytes`]; [`ModelError::Io`] with the path, and [`ModelError::TooLarge`] for more than 1 GiB. Files
    /// that do not begin like a model are not read to their end.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ModelError> {
        let path = path.as_ref();
        let failed = |source| ModelError::Io { action: "read", path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let mut bytes = Vec::new();
        (&file).take(4096).read_to_end(&mut bytes).map_err(failed)?;
        let listed = file.metadata().map_err(failed)?.len().max(bytes.len() as u64);
        archive::sniff(&bytes, listed)?;
        file.take(archive::FILE_LIMIT + 1 - bytes.len() as u64).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > archive::FILE_LIMIT {
            let actual = listed.max(bytes.len() as u64);
            return Err(ModelError::TooLarge { part: "content", actual, limit: archive::FILE_LIMIT });
        }
        Self::from_bytes(&bytes)
    }
}

fn short_hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let first = digest.iter().take(6).fold(0u64, |sum, &byte| sum << 8 | u64::from(byte));
    format!("{first:012x}")
}

/// The layers of a network.
fn layers(fitted: &Fitted) -> Option<Vec<LayerSpec>> {
    match fitted {
        Fitted::Network(network) => Some(network.specs().to_vec()),
        _ => None,
    }
}

fn write_fitted(fitted: &Fitted, tensors: &mut BTreeMap<String, Tensor>) {
    let mut put = |name: &str, tensor: Tensor| {
        tensors.insert(name.to_owned(), tensor);
    };
    match fitted {
        Fitted::Forest(model) => model.trees.write(tensors),
        Fitted::Boosting(model) => {
            let k = model.intercepts.len();
            put("boosting.intercepts", Tensor::f64(&[k], model.intercepts.clone()));
            model.trees.write(tensors);
        }
        Fitted::Linear(model) => {
            let k = model.intercepts.len();
            put("linear.weights", Tensor::f64(&[k, model.columns], model.weights.clone()));
            put("linear.intercepts", Tensor::f64(&[k], model.intercepts.clone()));
        }
        Fitted::Svm(model) => {
            let p = model.rho.len();
            put("svm.rho", Tensor::f64(&[p], model.rho.clone()));
            put("svm.sigmoid", Tensor::f64(&[p, 2], model.sigmoid.clone()));
            match &model.machine {
                Machine::Linear { weights } => put("svm.weights", Tensor::f64(&[p, model.columns], weights.clone())),
                Machine::Rbf { gamma, counts, vectors, coefficients } => {
                    let n = vectors.len() / model.columns;
                    put("svm.gamma", Tensor::f64(&[1], vec![*gamma]));
                    put("svm.counts", Tensor::u32(&[counts.len()], counts.clone()));
                    put("svm.vectors", Tensor::f32(&[n, model.columns], vectors.clone()));
                    put("svm.coefficients", Tensor::f64(&[n, model.classes - 1], coefficients.clone()));
                }
            }
        }
        Fitted::Network(model) => {
            for tensor in model.tensors() {
                put(&format!("{TENSOR_PREFIX}{}", tensor.name), Tensor::f32(&tensor.shape, tensor.values));
            }
        }
        Fitted::OneVsRest(model) => {
            for (class, member) in model.members.iter().enumerate() {
                write_part(member, &member_prefix(class), tensors);
            }
            write_part(&model.arbiter, ARBITER, tensors);
        }
    }
}

fn read_fitted(
    params: &ModelParams,
    layers: Option<Vec<LayerSpec>>,
    archive: &mut Archive<'_>,
    shape: Shape,
    k: usize,
) -> Result<Fitted, ModelError> {
    let d = shape.len();
    let network = matches!(params, ModelParams::Dense(_) | ModelParams::ModelA(_) | ModelParams::Network(_));
    if layers.is_some() != network {
        return Err(misplaced_layers(params));
    }
    match params {
        ModelParams::Logistic(_) | ModelParams::Lda(_) => Ok(Fitted::Linear(Linear {
            columns: d,
            weights: archive.f64("linear.weights", &[k, d])?,
            intercepts: archive.f64("linear.intercepts", &[k])?,
        })),
        ModelParams::Svm(svm) => {
            let p = pair_count(k);
            let machine = match svm.kernel {
                Kernel::Linear => Machine::Linear { weights: archive.f64("svm.weights", &[p, d])? },
                Kernel::Rbf => read_rbf(archive, d, k)?,
            };
            Ok(Fitted::Svm(Svm {
                classes: k,
                columns: d,
                rho: archive.f64("svm.rho", &[p])?,
                sigmoid: archive.f64("svm.sigmoid", &[p, 2])?,
                machine,
            }))
        }
        ModelParams::Forest(forest) => Forest::read(forest, archive, d, k).map(Fitted::Forest),
        ModelParams::Boosting(boosting) => Boosting::read(boosting, archive, d, k).map(Fitted::Boosting),
        ModelParams::Dense(_) | ModelParams::ModelA(_) | ModelParams::Network(_) => {
            NetworkModel::read(params, shape, k, layers.unwrap_or_default(), archive).map(Fitted::Network)
        }
        ModelParams::OneVsRest(_) => Err(damaged("an ensemble stands where none can be")),
    }
}

/// What stands in front of the names of a member's tensors; the arbiter's have [`ARBITER`].
fn member_prefix(class: usize) -> String {
    format!("member_{class}.")
}

const ARBITER: &str = "arbiter.";

fn write_part(part: &Fitted, prefix: &str, tensors: &mut BTreeMap<String, Tensor>) {
    let mut own = BTreeMap::new();
    write_fitted(part, &mut own);
    tensors.extend(own.into_iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor)));
}

fn read_ensemble(
    params: &OneVsRestParams,
    [member_layers, arbiter_layers]: [Option<Vec<LayerSpec>>; 2],
    archive: &mut Archive<'_>,
    shape: Shape,
    k: usize,
) -> Result<Fitted, ModelError> {
    let mut read = |prefix: &str, params, layers, classes| {
        let mut part = archive.part(prefix);
        let fitted = read_fitted(params, layers, &mut part, shape, classes)?;
        part.finish()?;
        Ok::<_, ModelError>(fitted)
    };
    let arbiter = Box::new(read(ARBITER, &params.arbiter, arbiter_layers, k)?);
    let members = (0..k).map(|class| read(&member_prefix(class), &params.member, member_layers.clone(), 2));
    Ok(Fitted::OneVsRest(OneVsRest { members: members.collect::<Result<_, _>>()?, arbiter }))
}

fn read_rbf(archive: &mut Archive<'_>, d: usize, k: usize) -> Result<Machine, ModelError> {
    let counts = archive.u32("svm.counts", &[k])?;
    let n = counts.iter().map(|&count| u64::from(count)).sum::<u64>();
    let n = usize::try_from(n).map_err(|_| damaged("it counts more support vectors than memory can hold"))?;
    let gamma = archive.f64("svm.gamma", &[1])?[0];
    if gamma <= 0.0 {
        return Err(damaged("the width of its kernel is not positive"));
    }
    Ok(Machine::Rbf {
        gamma,
        counts,
        vectors: archive.f32("svm.vectors", &[n, d])?,
        coefficients: archive.f64("svm.coefficients", &[n, k - 1])?,
    })
}
