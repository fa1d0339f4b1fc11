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

    /// A source file that says something impossible. Correct it.
    #[error("source {origin}: {message}")]
    BadSource {
        /// Where the source comes from.
        origin: String,
        /// What is wrong and what is expected.
        message: String,
    },

    /// No place is known from which a corpus of this name could be fetched. Take one of the known ones, or get it yourself.
    #[error("nothing is known about fetching a corpus `{name}`{advice}; known are {known}")]
    UnknownSource {
        /// What was asked for.
        name: String,
        /// Where it can be had, or what was perhaps meant; or nothing.
        advice: String,
        /// All names that are known.
        known: String,
    },

    /// A corpus has terms that nobody has accepted yet. Read them, and say that you do.
    #[error("{title} comes under its owner's terms: {terms}. Fetching it needs your consent (`--accept-licence`)")]
    TermsNotAccepted {
        /// The corpus's full name.
        title: String,
        /// Its terms.
        terms: String,
    },

    /// A corpus that people have to download themselves. Do so, and bring it.
    #[error(
        "{title} cannot be downloaded directly. Go to {page} and {steps}; then run `stimmung corpus fetch {name} --from FILE_OR_FOLDER`, \
         which checks it and puts it into place"
    )]
    ByHand {
        /// What commands call the corpus.
        name: String,
        /// Its full name.
        title: String,
        /// Where to go.
        page: String,
        /// What to do there.
        steps: String,
    },

    /// Another process is fetching the same corpus. Wait for it.
    #[error("{}: another process is fetching this corpus; wait until it is done", path.display())]
    Busy {
        /// The lock that it holds.
        path: PathBuf,
    },

    /// A download failed and will not get better by itself. Do what the advice says.
    #[error("{url}: {what}; {advice}")]
    Download {
        /// The address.
        url: String,
        /// What went wrong.
        what: String,
        /// What to do about it.
        advice: String,
    },

    /// A file is not what its publisher says. It was set aside.
    #[error("{url}: the {kind} of the file is {actual}, expected {expected}; it was set aside as {}. Fetch it again; \
             if that does not help, its publisher or your mirror has another file", aside.display())]
    Checksum {
        /// Where it came from.
        url: String,
        /// `MD5` or `SHA-256`.
        kind: &'static str,
        /// What the file has.
        actual: String,
        /// What it should have.
        expected: String,
        /// Where the file is now.
        aside: PathBuf,
    },

    /// An archive that is damaged, hostile, or of a kind that is not read. Unpack it by other means, if you trust it.
    #[error("{}: {what}; nothing of it was unpacked. If you trust it, unpack it yourself and bring the folder (`--from FOLDER`)", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },

    /// What was fetched or brought is not the whole corpus. Bring the whole, or use the part as a folder of your own.
    #[error(
        "{}: {found} recordings of {title}, which has {expected}{reason}; bring the whole corpus, or use a part of it by naming its folder \
         where a command asks for a corpus", path.display()
    )]
    Incomplete {
        /// What was looked into.
        path: PathBuf,
        /// The corpus's full name.
        title: String,
        /// How many recordings there are.
        found: usize,
        /// How many there should be.
        expected: usize,
        /// What may be the reason, or nothing.
        reason: String,
    },

    /// The caller wanted the work to stop. What was downloaded is kept for the next time.
    #[error("stopped; what was downloaded is kept, and the same command goes on from there")]
    Cancelled,

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
