use std::path::{Path, PathBuf};

use stimmung_audio::AudioError;
use stimmung_corpus::CorpusError;
use stimmung_evaluation::EvaluationError;
use stimmung_features::FeatureError;
use stimmung_models::ModelError;

/// What can go wrong between a recipe and a prediction, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A recipe cannot be used as it stands; the text says which key and what would do.
    #[error("recipe {origin}: {message}")]
    Recipe {
        /// The recipe's file, or `(command line)`.
        origin: String,
        /// What is wrong and what to write instead.
        message: String,
    },
    /// A recording holds nothing that could be recognised.
    #[error("{0}")]
    Recording(#[from] RecordingError),
    /// Every recording was left out, so there is nothing to go on with.
    #[error("no recording can be used, {count} left out; the first, {file}: {reason}")]
    NothingUsable {
        /// Recordings looked at.
        count: usize,
        /// The first one left out.
        file: String,
        /// Why it was left out.
        reason: String,
    },
    /// A recipe asks for an emotion that neither the corpus nor anybody else knows.
    #[error("the corpus has no recordings of `{emotion}`{}; it has {known}", .meant.map_or_else(String::new, |it| format!(" (is `{it}` meant?)")))]
    NoSuchEmotion {
        /// What was asked for.
        emotion: String,
        /// The usual word for it, where it has one.
        meant: Option<&'static str>,
        /// What the corpus has.
        known: String,
    },
    /// A recipe adapts to speakers, and one is not known.
    #[error(
        "{file}: its speaker is unknown, and `[adaptation]` needs that of every recording; give a manifest with a column `speaker`, or leave `[adaptation]` out"
    )]
    SpeakerUnknown {
        /// The first such recording.
        file: String,
    },
    /// Speakers are to introduce themselves, and no recording is neutral.
    #[error(
        "[adaptation] mode = \"enrolled\": speakers introduce themselves with recordings of the emotion `neutral`, and the corpus has none"
    )]
    NothingNeutral,
    /// Speakers cannot introduce themselves to this model.
    #[error(
        "the model cannot get to know a speaker: it was trained without neutral recordings of two known speakers, or looks at pictures; \
             use another model, or predict without enrolment"
    )]
    CannotEnrol,
    /// The model cannot answer for this corpus.
    #[error(
        "the model knows {known}, and the corpus has recordings of {missing}; keep those out with `--emotions {known}`"
    )]
    UnknownEmotion {
        /// The model's classes, separated by commas.
        known: String,
        /// The first class that the model lacks.
        missing: String,
    },
    /// A file or folder could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's word.
        source: std::io::Error,
    },
    /// A file that work would go on from holds something else. It is left as it is.
    #[error("{path}: {message}")]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What was expected, and what to do.
        message: String,
    },
    /// A folder that is no run's, or that lacks a part of one. Name another.
    #[error(
        "{path}: this is not the folder of a finished run: {missing}; name a folder that `stimmung run`, `evaluate` \
         or `select` has written, such as runs/NAME"
    )]
    NotARun {
        /// What was asked for.
        path: PathBuf,
        /// What is missing, in words: `it has no metrics.json`.
        missing: String,
    },
    /// A run that a newer version wrote. Open it with that one.
    #[error("{path}: written by stimmung {version}, and this is {own}; open it with the newer version")]
    NewerRun {
        /// The run's folder.
        path: PathBuf,
        /// The version that wrote it.
        version: String,
        /// The version that reads.
        own: &'static str,
    },
    /// A file of a run that is damaged, or of another run.
    #[error(
        "{path}{}{}: {message}",
        .line.map_or_else(String::new, |line| format!(", line {line}")),
        .column.as_ref().map_or_else(String::new, |column| format!(", column `{column}`"))
    )]
    BrokenRun {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1, if it is one.
        line: Option<u64>,
        /// The column, if it is one.
        column: Option<String>,
        /// What is wrong and what was expected.
        message: String,
    },
    /// A table of values, such as that of another program, cannot be used.
    #[error("{path}{}: {message}", .line.map_or_else(String::new, |line| format!(", line {line}")))]
    Table {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1, if it is one.
        line: Option<u64>,
        /// What is wrong, and what was expected.
        message: String,
    },
    /// The person stopped the work; nothing half-written is left.
    #[error("stopped; nothing half-written was left behind")]
    Cancelled,
    /// A corpus that is named by its name is nowhere to be found.
    #[error("{0}\nfolders with corpora are named with `--corpora DIR` or in the environment variable STIMMUNG_CORPORA")]
    CorpusNotFound(CorpusError),
    /// A model file cannot be used.
    #[error("{path}: {source}")]
    ModelFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ModelError,
    },
    /// Computing features.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// Reading a corpus or a manifest.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// Fitting a model, or writing its file.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Splitting or scoring.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
}

/// Why one recording is of no use, although it may well be a sound audio file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The file does not decode.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// The features cannot be computed.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// Every sample has the same value.
    #[error("silent: all {samples} samples are equal, there is no voice to hear")]
    Silent {
        /// Samples decoded.
        samples: usize,
    },
    /// Shorter than [`MIN_SECONDS`](crate::MIN_SECONDS).
    #[error("too short: {samples} samples are {seconds:.4} s, at least {minimum} s are needed")]
    TooShort {
        /// Samples decoded.
        samples: usize,
        /// Seconds decoded.
        seconds: f64,
        /// Seconds needed.
        minimum: f64,
    },
    /// The manifest's `start` and `end` lie outside the recording.
    #[error("the part from {start} s to {end} s lies outside the recording, which lasts {seconds:.3} s")]
    OutOfRange {
        /// Start of the part in seconds.
        start: f64,
        /// End of the part in seconds.
        end: f64,
        /// The recording's length in seconds.
        seconds: f64,
    },
}

impl Error {
    /// Whether a recording, or a part of one, held nothing to recognise: it was silent, or trimming left too little.
    pub(crate) fn left_nothing(&self) -> bool {
        matches!(self, Self::Recording(RecordingError::Silent { .. } | RecordingError::TooShort { .. }))
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, source }
    }
}
