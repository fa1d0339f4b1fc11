//! What can go wrong, by what the caller can do about it.

use std::path::PathBuf;

use stimmung_audio::AudioError;

/// An error of this crate. Broken single files are no errors: they are listed in
/// [`Manifest::dropped`](crate::Manifest::dropped).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorpusError {
    /// The path given does not exist. Give another.
    #[error("{}: no such file or folder; give a folder with recordings or a CSV manifest", path.display())]
    NotFound {
        /// What was asked for.
        path: PathBuf,
    },

    /// The operating system refused to read or write.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, as a verb: `read`, `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },

    /// A folder without recordings. Check the path, or unpack the archive in it.
    #[error(
        "{}: no recordings in this folder ({other_files} other files); give the folder that holds the audio files, \
         in itself or in its sub-folders, or unpack its archive first", path.display()
    )]
    NoAudio {
        /// The folder.
        path: PathBuf,
        /// How many files of other kinds lie there.
        other_files: usize,
    },

    /// A path given as a corpus is itself a recording.
    #[error("{}: this is a recording, not a corpus; give its folder or a CSV manifest", path.display())]
    NotACorpus {
        /// The file.
        path: PathBuf,
    },

    /// A layout is named for a CSV manifest, which needs none. Leave the layout away, or give the folder.
    #[error(
        "{}: a CSV manifest says itself what its files are; leave the layout `{layout}` away, or give the folder instead",
        path.display()
    )]
    LayoutForTable {
        /// The CSV file.
        path: PathBuf,
        /// The layout that was named.
        layout: String,
    },

    /// No layout of this name. Take one of the known ones, or a TOML file that describes one.
    #[error(
        "unknown layout `{name}`{}; known are {known}, or give a TOML file that describes your own",
        nearest.as_ref().map(|nearest| format!(", did you mean `{nearest}`?")).unwrap_or_default()
    )]
    UnknownLayout {
        /// What was asked for.
        name: String,
        /// The known name nearest to it.
        nearest: Option<String>,
        /// All known names.
        known: String,
    },

    /// A layout file that says something impossible. Correct it.
    #[error("layout {origin}: {message}")]
    BadLayout {
        /// Where the layout comes from.
        origin: String,
        /// What is wrong and what is expected.
        message: String,
    },

    /// No layout explains the names of a folder's files. Name one, sort the files into a folder per class, or write a manifest.
    #[error(
        "{}: no known layout explains the names of its {files} audio files (for instance `{example}`); {nearest}name a layout \
         (`folders` if the names of the folders are the labels), put the files into one folder per class, or list them in a CSV \
         manifest with the columns file and emotion",
        path.display()
    )]
    Undetected {
        /// The folder.
        path: PathBuf,
        /// How many audio files it holds.
        files: usize,
        /// One of those that stay unexplained.
        example: String,
        /// What is said of the layouts that explain some of them, or nothing.
        nearest: String,
    },

    /// The layout that was named explains none of the files. Name another, or let it be detected.
    #[error(
        "{}: the layout `{layout}` explains none of its {files} audio files; {reason}; name another layout or none, to have it \
         detected", path.display()
    )]
    Unexplained {
        /// The folder.
        path: PathBuf,
        /// The layout.
        layout: String,
        /// How many audio files the folder holds.
        files: usize,
        /// Why the first of them does not fit.
        reason: String,
    },

    /// A manifest lacks a column. Add or rename it.
    #[error("{}: no column `{missing}`; the columns here are {present}", path.display())]
    MissingColumn {
        /// The table.
        path: PathBuf,
        /// The column that is missing.
        missing: String,
        /// The columns that are there.
        present: String,
    },

    /// A manifest is not a table, or a row of it is wrong. Correct the row.
    #[error("{}{}: {message}", path.display(), line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Table {
        /// The table.
        path: PathBuf,
        /// The line, counted from 1, if it is one.
        line: Option<u64>,
        /// What is wrong and what is expected.
        message: String,
    },

    /// More than this program takes in. Split the corpus.
    #[error("{}: {what}; split the corpus", path.display())]
    Limit {
        /// Where.
        path: PathBuf,
        /// What exceeds which limit.
        what: String,
    },

    /// A corpus that lies in none of the folders.
    #[error("corpus `{name}` not found; looked for {looked}. {advice}")]
    CorpusNotFound {
        /// Its name.
        name: String,
        /// Every place that was tried.
        looked: String,
        /// Where it can be had.
        advice: String,
    },

    /// What is asked needs a field that recordings lack. Add the column, or ask for something else.
    #[error(
        "{corpus}: {lacking} of {recordings} recordings have no {field} (the first is {}); add the column `{field}` to a manifest, or \
         {instead}", first.display()
    )]
    Unlabelled {
        /// Name of the corpus.
        corpus: String,
        /// `speaker` or `emotion`.
        field: &'static str,
        /// How many recordings lack it.
        lacking: usize,
        /// How many recordings there are.
        recordings: usize,
        /// The first that lacks it.
        first: PathBuf,
        /// What else could be done.
        instead: &'static str,
    },

    /// Emotions were asked for that the corpus does not have.
    #[error("{corpus}: no recordings of {unknown}; its emotions are {known}")]
    UnknownEmotion {
        /// Name of the corpus.
        corpus: String,
        /// Those that are not there.
        unknown: String,
        /// Those that are.
        known: String,
    },

    /// Parameters of the synthetic corpus out of range.
    #[error("synthetic corpus: `{parameter}` is {actual}; expected {expected}")]
    Parameter {
        /// Its name.
        parameter: &'static str,
        /// What was given.
        actual: String,
        /// What is possible.
        expected: String,
    },

    /// A folder that should be made is in use. Name another, or empty it.
    #[error("{}: the folder is not empty; name a new one or remove it first", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },

    /// A waveform could not be made or written.
    #[error(transparent)]
    Audio(#[from] AudioError),
}

impl CorpusError {
    pub(crate) fn io(action: &'static str, path: &std::path::Path, source: std::io::Error) -> Self {
        Self::Io { action, path: path.to_path_buf(), source }
    }
}
