//! What can go wrong, sorted by what the caller can do about it.

use std::path::PathBuf;

/// An error of this crate.
///
/// The variants fall into four groups: wrong parameters, unusable data, a file that cannot be read as a model, and a
/// run that the caller stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// No model has this name.
    #[error("there is no model `{name}`{}; known are {}", near(nearest.as_deref()), known.join(", "))]
    UnknownKind {
        /// The name that was asked for.
        name: String,
        /// The known name nearest to it, where one is near.
        nearest: Option<String>,
        /// All known names.
        known: Vec<String>,
    },
    /// No network has this name.
    #[error("there is no architecture `{name}`{}; known are {}", near(nearest.as_deref()), known.join(", "))]
    UnknownArchitecture {
        /// The name that was asked for.
        name: String,
        /// The known name nearest to it, where one is near.
        nearest: Option<String>,
        /// All known names.
        known: Vec<String>,
    },
    /// A parameter lies outside its range.
    #[error("model `{kind}`: `{key}` is {value}, but must be {expected}")]
    Parameter {
        /// The kind of model.
        kind: &'static str,
        /// The parameter's name in a recipe.
        key: &'static str,
        /// The value found.
        value: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A matrix was made from the wrong number of values.
    #[error("a matrix of {rows} rows × {columns} columns needs rows × columns values, got {actual}")]
    MatrixSize {
        /// Rows asked for.
        rows: usize,
        /// Columns asked for.
        columns: usize,
        /// Number of values given.
        actual: usize,
    },
    /// A row has another length than the first one.
    #[error("row {row} has {actual} values where the first has {expected}")]
    RaggedRow {
        /// Index of the row.
        row: usize,
        /// Length of the first row.
        expected: usize,
        /// Length of this row.
        actual: usize,
    },
    /// A row index points behind the end of a matrix.
    #[error("row {row} was asked of a matrix with {rows} rows")]
    RowOutOfRange {
        /// The index asked for.
        row: usize,
        /// The number of rows.
        rows: usize,
    },
    /// There is nothing to learn from: no rows, or no columns.
    #[error("cannot fit a model on {rows} recordings with {columns} features each")]
    NoData {
        /// Rows of the training matrix.
        rows: usize,
        /// Columns of the training matrix.
        columns: usize,
    },
    /// Every recording needs exactly one label.
    #[error("{rows} recordings but {labels} labels")]
    LabelCount {
        /// Rows of the training matrix.
        rows: usize,
        /// Number of labels.
        labels: usize,
    },
    /// Every recording needs exactly one speaker, where speakers are given.
    #[error("{rows} recordings but the speakers of {groups}")]
    GroupCount {
        /// Rows to learn from.
        rows: usize,
        /// Number of speakers given.
        groups: usize,
    },
    /// A label is no index into the class names.
    #[error("recording {row} has label {label}, but there are only {classes} classes")]
    LabelOutOfRange {
        /// Index of the recording.
        row: usize,
        /// Its label.
        label: usize,
        /// Number of class names.
        classes: usize,
    },
    /// Class names must be distinct and not empty.
    #[error("class names must be distinct and not empty, but `{name}` is not")]
    ClassName {
        /// The offending name.
        name: String,
    },
    /// A classifier needs at least two classes with recordings.
    #[error("all {rows} training recordings belong to the class `{class}`; a classifier needs at least two classes")]
    OneClass {
        /// The only class with recordings.
        class: String,
        /// Number of training recordings.
        rows: usize,
    },
    /// A feature is NaN or infinite.
    #[error("feature {column} of recording {row} is {value}; leave the recording out or repair its features")]
    NotFinite {
        /// Index of the recording.
        row: usize,
        /// Index of the feature.
        column: usize,
        /// The value found.
        value: f32,
    },
    /// The features do not have the width that is expected here.
    #[error("expected {expected} features per recording, got {actual}; use the feature set the model was trained with")]
    Columns {
        /// Columns that the model or the shape asks for.
        expected: usize,
        /// Columns found.
        actual: usize,
    },
    /// The model cannot be fitted on features of this form.
    #[error("model `{kind}` cannot be fitted on this data: {reason}")]
    Unsuitable {
        /// The kind of model.
        kind: &'static str,
        /// What stands in the way and what would help.
        reason: String,
    },
    /// Fitting gave weights that are not finite.
    #[error("model `{kind}` diverged: {reason}")]
    Diverged {
        /// The kind of model.
        kind: &'static str,
        /// What happened and what would help.
        reason: String,
    },
    /// The progress callback asked to stop.
    #[error("stopped before the model was fitted")]
    Stopped,
    /// The training cannot go on from this checkpoint: take it away to begin anew, or go on with the recipe, the data and
    /// the seed that it was made with.
    #[error("the training cannot go on from its checkpoint: {reason}")]
    Checkpoint {
        /// What stands in the way.
        reason: String,
    },
    /// The store of checkpoints failed.
    #[error("cannot {action} the checkpoint: {source}")]
    CheckpointStore {
        /// What was tried: `read` or `write`.
        action: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A layer or the training of a network failed.
    #[error(transparent)]
    Network(#[from] stimmung_nn::NnError),
    /// The features of the front end cannot be computed.
    #[error("the model's front end: {0}")]
    FrontEnd(#[from] stimmung_features::FeatureError),
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The bytes are something else than a model file.
    #[error("not a Stimmung model file: {found}")]
    NotAModel {
        /// What they look like.
        found: String,
    },
    /// The file ends too early.
    #[error("the model file is cut short: it should have {expected} bytes and has {actual}; copy or download it again")]
    Truncated {
        /// Bytes that the header promises, or the least that any file has.
        expected: u64,
        /// Bytes there are.
        actual: u64,
    },
    /// The file was written by a newer program.
    #[error(
        "the model file has format version {found}, this program reads up to {supported}; update Stimmung to use it"
    )]
    NewerVersion {
        /// Version of the file.
        found: String,
        /// Newest version that this program reads.
        supported: u32,
    },
    /// The file is larger than any sensible model.
    #[error("the model file's {part} has {actual} bytes, more than the limit of {limit}")]
    TooLarge {
        /// Which part: `header` or `content`.
        part: &'static str,
        /// Bytes found or promised.
        actual: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// The file is a model file, but its content contradicts itself.
    #[error("the model file is damaged: {0}")]
    Damaged(String),
    /// The model cannot be written as a file.
    #[error("the model cannot be written: {0}")]
    NotWritable(String),
}

fn near(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}
