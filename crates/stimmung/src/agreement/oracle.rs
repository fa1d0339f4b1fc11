//! The table of another program.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::Error;

/// Columns that say where a row comes from.
const PLACES: [&str; 4] = ["file", "frame", "start", "end"];

/// Names that a message lists before it says how many more there are.
const LISTED: usize = 3;

/// The values of another program, as `scripts/opensmile_features.py` and `scripts/librosa_features.py` write them: CSV with the
/// column `file`, perhaps `frame`, `start` and `end`, and a column a value. The rows of a file stand in their order.
///
/// Recordings are told by their path, or by the name of their file where that is enough.
#[derive(Debug)]
pub struct Oracle {
    path: PathBuf,
    columns: Vec<String>,
    tables: BTreeMap<String, Vec<f64>>,
    /// The keys of tables by the names of their files; none where several have that name.
    names: BTreeMap<String, Option<String>>,
}

impl Oracle {
    /// Reads a table.
    ///
    /// # Errors
    /// [`Error::Table`] for what is none, with the line; [`Error::Io`] where it cannot be read.
    pub fn read_csv(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read(path).map_err(Error::io(path))?;
        let refuse = |line, message: String| Error::Table { path: path.to_path_buf(), line, message };
        let mut reader = csv::Reader::from_reader(text.as_slice());
        let header = reader.headers().map_err(|error| refuse(Some(1), error.to_string()))?.clone();
        let Some(file) = header.iter().position(|column| column == "file") else {
            let message = format!("there is no column `file`, but {}", list(header.iter()));
            return Err(refuse(Some(1), message));
        };
        let values: Vec<usize> = (0..header.len()).filter(|column| !PLACES.contains(&&header[*column])).collect();
        if values.is_empty() {
            return Err(refuse(Some(1), "there are no values, only columns that name recordings".to_owned()));
        }
        let mut tables: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for record in reader.records() {
            let record = record.map_err(|error| {
                let line = error.position().map(csv::Position::line);
                refuse(line, error.to_string())
            })?;
            let line = record.position().map(csv::Position::line);
            let table = tables.entry(record[file].replace('\\', "/")).or_default();
            for column in &values {
                let value = record[*column].trim().parse().ok().filter(|value: &f64| value.is_finite());
                let value = value.ok_or_else(|| {
                    refuse(line, format!("`{}` is `{}`, not a number", &header[*column], &record[*column]))
                })?;
                table.push(value);
            }
        }
        let mut names: BTreeMap<String, Option<String>> = BTreeMap::new();
        for key in tables.keys() {
            let alone = names.insert(file_name(key).to_owned(), Some(key.clone())).is_none();
            if !alone {
                names.insert(file_name(key).to_owned(), None);
            }
        }
        let columns = values.iter().map(|column| header[*column].to_owned()).collect();
        Ok(Self { path: path.to_path_buf(), columns, tables, names })
    }

    /// Whether it has this recording.
    pub fn has(&self, recording: &str) -> bool {
        self.key(recording).is_some()
    }

    /// Recordings that are none of these.
    pub fn beside<'a>(&self, recordings: impl Iterator<Item = &'a str>) -> Vec<String> {
        let known: BTreeSet<&str> = recordings.filter_map(|recording| self.key(recording)).collect();
        self.tables.keys().filter(|key| !known.contains(key.as_str())).cloned().collect()
    }

    /// The values of a recording, row after row.
    pub(super) fn table(&self, recording: &str) -> Result<&[f64], Error> {
        let table = self.key(recording).and_then(|key| self.tables.get(key));
        table.map(Vec::as_slice).ok_or_else(|| self.refuse(format!("there is no row of {recording}")))
    }

    /// Values in a row.
    pub(super) fn width(&self) -> usize {
        self.columns.len()
    }

    /// Where our columns stand in its rows.
    pub(super) fn places(&self, ours: &[String]) -> Result<Vec<usize>, Error> {
        let places: BTreeMap<&str, usize> =
            self.columns.iter().enumerate().map(|(place, column)| (column.as_str(), place)).collect();
        let missing: Vec<&str> =
            ours.iter().map(String::as_str).filter(|column| !places.contains_key(column)).collect();
        if missing.is_empty() {
            return Ok(ours.iter().filter_map(|column| places.get(column.as_str()).copied()).collect());
        }
        Err(self.refuse(format!(
            "{} of our {} columns are missing: {}; it has {}. Is it of another set (`--set`) or level (`--level`)?",
            missing.len(),
            ours.len(),
            list(missing.into_iter()),
            list(self.columns.iter().map(String::as_str))
        )))
    }

    pub(super) fn refuse(&self, message: String) -> Error {
        Error::Table { path: self.path.clone(), line: None, message }
    }

    fn key(&self, recording: &str) -> Option<&str> {
        if let Some((key, _)) = self.tables.get_key_value(recording) {
            return Some(key);
        }
        self.names.get(file_name(recording))?.as_deref()
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The first few of some names, and how many more there are.
pub(super) fn list<'a>(mut names: impl Iterator<Item = &'a str>) -> String {
    let first: Vec<String> = names.by_ref().take(LISTED).map(|name| format!("`{name}`")).collect();
    match names.count() {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
