//! The table of a corpus.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crate::error::CorpusError;
use crate::layout::{Layout, fill, get, is_known_emotion, layouts};
use crate::recording::{Dropped, Recording};
use crate::table;
use crate::walk::{Found, walk};

/// The share of a folder's audio files that a layout has to explain to be taken without having been named.
const NEARLY_ALL: f64 = 0.9;

/// The name of a manifest that is used when a folder is opened without a layout.
pub(crate) const MANIFEST_FILE: &str = "manifest.csv";

/// The table of a corpus: its recordings, and the files that had to be left out with the reason.
///
/// ```
/// use stimmung_corpus::Manifest;
///
/// let csv = "file,speaker,emotion\na.wav,anna,anger\nb.wav,ben,neutral\n";
/// let manifest = Manifest::from_csv_reader(csv.as_bytes(), "data".into(), "mine")?;
/// assert_eq!(manifest.recordings.len(), 2);
/// assert_eq!(manifest.emotions().keys().collect::<Vec<_>>(), ["anger", "neutral"]);
/// assert_eq!(manifest.path(&manifest.recordings[0]), std::path::Path::new("data/a.wav"));
/// # Ok::<(), stimmung_corpus::CorpusError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Manifest {
    /// What the corpus is called: its layout's name (`emodb`), or that of its folder or file.
    pub name: String,
    /// The folder that the recordings' files are relative to.
    pub root: PathBuf,
    /// The recordings, sorted by file and by where in it they begin.
    pub recordings: Vec<Recording>,
    /// The files that were left out, sorted.
    pub dropped: Vec<Dropped>,
}

impl Manifest {
    /// Opens a corpus.
    ///
    /// A CSV file is read as a manifest (see [`Manifest::read_csv`]). In a folder the names of the audio files are explained by the
    /// layout named (a built-in one, or the path of a `.toml` file that describes one); without one, a `manifest.csv` in the folder
    /// counts, or else the layout is taken that explains most files, if it explains at least nine tenths of them; folders are taken
    /// for classes only where at least one bears the name of a known emotion. Files that the layout does not explain are left out
    /// with the reason. Nothing is opened yet but tables: see [`Manifest::probe`].
    ///
    /// # Errors
    /// Whatever stands in the way of a manifest with at least one recording, with what to do about it; see [`CorpusError`].
    pub fn open(path: &Path, layout: Option<&str>) -> Result<Self, CorpusError> {
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(CorpusError::NotFound { path: path.to_path_buf() });
            }
            Err(error) => return Err(CorpusError::io("read", path, error)),
        };
        if !metadata.is_dir() {
            if stimmung_audio::is_audio_file_name(path) {
                return Err(CorpusError::NotACorpus { path: path.to_path_buf() });
            }
            return match layout {
                Some(layout) => {
                    Err(CorpusError::LayoutForTable { path: path.to_path_buf(), layout: layout.to_owned() })
                }
                None => Self::read_csv(path),
            };
        }
        match layout {
            None if path.join(MANIFEST_FILE).is_file() => Self::read_csv(&path.join(MANIFEST_FILE)),
            None => {
                let found = audio_in(path)?;
                let layout = detect(path, &found.audio)?;
                explain(path, found, layout)
            }
            Some(file)
                if Path::new(file).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml")) =>
            {
                let own = Layout::from_toml_path(Path::new(file))?;
                let found = audio_in(path)?;
                // Several in one file are alternatives.
                let best = most(own.iter(), &found.audio).map_or(&own[0], |(_, layout)| layout);
                explain(path, found, best)
            }
            Some(name) => {
                let layout = Layout::by_name(name)?;
                explain(path, audio_in(path)?, layout)
            }
        }
    }

    /// Reads a manifest from a CSV file.
    ///
    /// UTF-8 with or without a byte order mark, separated by commas, semicolons or tabs, with a header. The columns `file` and
    /// `emotion` must be there; `speaker, text, take, sex, age, language, start, end, seconds` are known, and any other column is kept.
    /// Case and blanks around column names do not count; a column without a name is passed over. Files are relative to the folder of
    /// the CSV file, or absolute. The manifest is named after the value of a column `corpus` that is the same in every row, or else
    /// after the file (for `manifest.csv`, its folder).
    ///
    /// # Errors
    /// [`CorpusError::MissingColumn`] with the columns that are there; [`CorpusError::Table`] with the line for whatever else is
    /// wrong in it: a row of another length, an empty file, the same file (or the same part of it) twice, a sex that is none, times
    /// that are negative or do not follow each other, bytes that are not UTF-8.
    pub fn read_csv(path: &Path) -> Result<Self, CorpusError> {
        table::read_path(path)
    }

    /// Reads a manifest from CSV; see [`Manifest::read_csv`]. Files are relative to `root`.
    ///
    /// # Errors
    /// As [`Manifest::read_csv`].
    pub fn from_csv_reader(reader: impl std::io::Read, root: PathBuf, name: &str) -> Result<Self, CorpusError> {
        table::read(reader, root, name, Path::new(name))
    }

    /// Writes the recordings as CSV so that [`Manifest::read_csv`] finds the same files from there. The file appears complete or not
    /// at all.
    ///
    /// Columns are `file,speaker,emotion`, then those of the other known ones that any recording fills, then further columns by name.
    ///
    /// # Errors
    /// [`CorpusError::Io`] if it cannot be written; [`CorpusError::Table`] if a further column has the name of a known one.
    pub fn write_csv(&self, path: &Path) -> Result<(), CorpusError> {
        table::write_path(self, path)
    }

    /// Writes the recordings as CSV with files as they are in the manifest; see [`Manifest::write_csv`].
    ///
    /// # Errors
    /// As [`Manifest::write_csv`].
    pub fn to_csv_writer(&self, writer: impl std::io::Write) -> Result<(), CorpusError> {
        table::write(&self.recordings, Path::new(""), Path::new(&self.name), writer)
    }

    /// Where a recording's file is.
    pub fn path(&self, recording: &Recording) -> PathBuf {
        self.root.join(&recording.file)
    }

    /// The emotions and how many recordings have each, by name.
    pub fn emotions(&self) -> BTreeMap<String, usize> {
        count(self.recordings.iter().filter_map(|recording| recording.emotion.as_ref()))
    }

    /// The speakers and how many recordings each has, by id.
    pub fn speakers(&self) -> BTreeMap<String, usize> {
        count(self.recordings.iter().filter_map(|recording| recording.speaker.as_ref()))
    }

    /// Keeps the recordings of these emotions; returns how many it let go.
    ///
    /// # Errors
    /// [`CorpusError::UnknownEmotion`] if the corpus has no recording of one of them; nothing is changed then.
    pub fn retain_emotions(&mut self, emotions: &[String]) -> Result<usize, CorpusError> {
        let known = self.emotions();
        let unknown: Vec<&str> =
            emotions.iter().filter(|emotion| !known.contains_key(*emotion)).map(String::as_str).collect();
        if !unknown.is_empty() {
            return Err(CorpusError::UnknownEmotion {
                corpus: self.name.clone(),
                unknown: unknown.join(", "),
                known: known.into_keys().collect::<Vec<_>>().join(", "),
            });
        }
        let before = self.recordings.len();
        self.recordings
            .retain(|recording| recording.emotion.as_ref().is_some_and(|emotion| emotions.contains(emotion)));
        Ok(before - self.recordings.len())
    }

    /// The emotion of every recording, in order.
    ///
    /// # Errors
    /// [`CorpusError::Unlabelled`] if a recording has none.
    pub fn require_emotions(&self) -> Result<Vec<&str>, CorpusError> {
        self.require("emotion", "leave those recordings out", |recording| recording.emotion.as_deref())
    }

    /// The speaker of every recording, in order: what keeping speakers apart needs.
    ///
    /// # Errors
    /// [`CorpusError::Unlabelled`] if a recording has none.
    pub fn require_speakers(&self) -> Result<Vec<&str>, CorpusError> {
        self.require("speaker", "choose a protocol that does not keep speakers apart", |recording| {
            recording.speaker.as_deref()
        })
    }

    fn require<'a>(
        &'a self,
        field: &'static str,
        instead: &'static str,
        value: impl Fn(&'a Recording) -> Option<&'a str>,
    ) -> Result<Vec<&'a str>, CorpusError> {
        let mut lacking = self.recordings.iter().filter(|recording| value(recording).is_none()).peekable();
        if let Some(first) = lacking.peek() {
            let first = first.file.clone();
            return Err(CorpusError::Unlabelled {
                corpus: self.name.clone(),
                field,
                lacking: lacking.count(),
                recordings: self.recordings.len(),
                first,
                instead,
            });
        }
        Ok(self.recordings.iter().filter_map(value).collect())
    }

    pub(crate) fn sort(&mut self) {
        self.recordings.sort_by_cached_key(Recording::key);
        self.dropped.sort();
    }
}

fn count<'a>(values: impl Iterator<Item = &'a String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(value.clone()).or_default() += 1;
    }
    counts
}

/// The audio files of a folder, of which there must be some.
pub(crate) fn audio_in(root: &Path) -> Result<Found, CorpusError> {
    let found = walk(root)?;
    if found.audio.is_empty() {
        return Err(CorpusError::NoAudio { path: root.to_path_buf(), other_files: found.other_files });
    }
    Ok(found)
}

/// The layout that explains most files, with how many it explains; of equals the first.
fn most<'a>(candidates: impl Iterator<Item = &'a Layout>, files: &[String]) -> Option<(usize, &'a Layout)> {
    let mut best: Option<(usize, &Layout)> = None;
    for layout in candidates {
        let explained = files.iter().filter(|file| layout.read(file).is_ok()).count();
        if best.is_none_or(|(most, _)| explained > most) {
            best = Some((explained, layout));
        }
    }
    best
}

/// The layout that explains nearly all files: a corpus known by name, or else a generic one.
///
/// A generic layout would explain almost any folder, a folder of corpora included, with their names as labels. It is taken unasked
/// only if corpora known by name explain less than half of the files, and if it finds two classes of which one is a known emotion.
fn detect<'a>(root: &Path, files: &[String]) -> Result<&'a Layout, CorpusError> {
    let share = |explained: usize| explained as f64 / files.len() as f64;
    let counts: Vec<(usize, &Layout)> = layouts()
        .iter()
        .filter(|layout| !layout.is_generic())
        .map(|layout| (files.iter().filter(|file| layout.read(file).is_ok()).count(), layout))
        .filter(|(explained, _)| *explained > 0)
        .collect();
    if let Some((_, layout)) = counts.iter().find(|(explained, _)| share(*explained) >= NEARLY_ALL) {
        return Ok(layout);
    }
    if share(counts.iter().map(|(explained, _)| explained).sum()) < 0.5 {
        for layout in layouts().iter().filter(|layout| layout.is_generic()) {
            let read: Vec<Recording> = files.iter().filter_map(|file| layout.read(file).ok()).collect();
            let classes: BTreeSet<&str> = read.iter().filter_map(|recording| recording.emotion.as_deref()).collect();
            let known = classes.iter().any(|class| is_known_emotion(class));
            if share(read.len()) >= NEARLY_ALL && classes.len() > 1 && known {
                return Ok(layout);
            }
        }
    }
    let fits = |file: &&String| counts.iter().any(|(_, layout)| layout.read(file).is_ok());
    let partly: Vec<String> =
        counts.iter().map(|(explained, layout)| format!("`{}` explains {explained} of them", layout.name())).collect();
    Err(CorpusError::Undetected {
        path: root.to_path_buf(),
        files: files.len(),
        example: files.iter().find(|file| !fits(file)).unwrap_or(&files[0]).clone(),
        nearest: match &partly[..] {
            [] => String::new(),
            [one] => format!("{one}; "),
            several => format!("{}: if several corpora lie here, open each by itself; ", several.join(", ")),
        },
    })
}

/// Makes the manifest of a folder by a layout.
fn explain(root: &Path, found: Found, layout: &Layout) -> Result<Manifest, CorpusError> {
    let mut recordings = Vec::with_capacity(found.audio.len());
    let mut dropped = found.dropped;
    let mut first_reason = None;
    for file in &found.audio {
        match layout.read(file) {
            Ok(recording) => recordings.push(recording),
            Err(reason) => {
                first_reason.get_or_insert_with(|| reason.clone());
                dropped.push(Dropped { file: file.into(), reason });
            }
        }
    }
    if recordings.is_empty() {
        return Err(CorpusError::Unexplained {
            path: root.to_path_buf(),
            layout: layout.name().to_owned(),
            files: found.audio.len(),
            reason: first_reason.unwrap_or_default(),
        });
    }
    read_tables(root, layout, &mut recordings, &mut dropped);
    let name = if layout.is_generic() { folder_name(root) } else { layout.name().to_owned() };
    let mut manifest = Manifest { name, root: root.to_path_buf(), recordings, dropped };
    manifest.sort();
    Ok(manifest)
}

/// Fills open fields from the tables that the corpus brings along. One that is not there is no loss; one that cannot be read is listed.
fn read_tables(root: &Path, layout: &Layout, recordings: &mut [Recording], dropped: &mut Vec<Dropped>) {
    for spec in layout.tables() {
        let above = root.canonicalize().ok().and_then(|real| real.parent().map(|parent| parent.join(&spec.file)));
        let Some(path) = std::iter::once(root.join(&spec.file)).chain(above).find(|path| path.is_file()) else {
            continue;
        };
        match table::read_columns(&path, &spec.column, &spec.fields) {
            Ok(rows) => {
                for recording in recordings.iter_mut() {
                    if let Some(row) = key_of(recording, &spec.key).and_then(|key| rows.get(&key)) {
                        for (field, value) in row {
                            if let Err(reason) = fill(recording, field, value) {
                                dropped.push(Dropped { file: PathBuf::from(&spec.file), reason });
                            }
                        }
                    }
                }
            }
            Err(reason) => dropped.push(Dropped { file: PathBuf::from(&spec.file), reason }),
        }
    }
    dropped.sort();
    dropped.dedup();
}

/// What a table knows a recording by.
fn key_of(recording: &Recording, key: &str) -> Option<String> {
    if key == "file" {
        return recording.file.file_name().map(|name| name.to_string_lossy().into_owned());
    }
    get(recording, key)
}

/// Rows by their key; fields about which rows of the same key disagree are not there.
pub(crate) type Rows = HashMap<String, BTreeMap<String, String>>;

/// What a folder is called, also when it is given as `.`.
pub(crate) fn folder_name(folder: &Path) -> String {
    folder
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .or_else(|| Some(folder.canonicalize().ok()?.file_name()?.to_string_lossy().into_owned()))
        .unwrap_or_else(|| "corpus".to_owned())
}

#[cfg(test)]
mod tests;
