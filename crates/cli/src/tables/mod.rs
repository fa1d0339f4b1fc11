//! Tables of features in the formats of other programs.

mod arff;
mod csv;
mod json;
mod npy;
mod parquet;

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use stimmung::extraction::{Row, RowSink};
use stimmung::features::Level;
use stimmung::{Error, WholeFile};

use crate::commands::WrongUsage;

/// The form of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// Comma-separated values
    Csv,
    /// Apache Parquet: text and doubles for file and times, floats for values, Snappy
    Parquet,
    /// `NumPy`'s array of 32-bit floats; what its rows and columns are stands in two CSV files beside it
    Npy,
    /// The attribute-relation file format of Weka, as openSMILE writes it
    Arff,
}

impl TableFormat {
    /// The format that a file's name asks for.
    pub fn of_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?;
        Self::value_variants().iter().copied().find(|format| extension.eq_ignore_ascii_case(format.name()))
    }

    /// Its name, which is the ending of its files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Npy => "npy",
            Self::Arff => "arff",
        }
    }
}

/// A table that is being written. Dropped before it is finished, it leaves no file behind.
pub trait Table: RowSink {
    /// Writes what is left, and gives the files their names.
    fn finish(self: Box<Self>) -> Result<(), Error>;
}

/// What a table is of.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The name of the set and the level.
    pub title: String,
    pub level: Level,
    /// The emotions that recordings may have, sorted; none where they have no labels.
    pub emotions: Vec<String>,
}

/// Begins a table: in a file, or on standard output.
pub fn open(format: TableFormat, out: Option<&Path>, about: About) -> anyhow::Result<Box<dyn Table>> {
    match (format, out) {
        (TableFormat::Csv, out) => Ok(Box::new(csv::Csv::new(Out::open(out)?, about.level))),
        (TableFormat::Arff, out) => Ok(Box::new(arff::Arff::new(Out::open(out)?, about))),
        (TableFormat::Npy, Some(path)) => Ok(Box::new(npy::Npy::create(path, about.level)?)),
        (TableFormat::Parquet, Some(path)) => Ok(Box::new(parquet::Parquet::create(path, about.level)?)),
        (format, None) => {
            let message = format!("{} is written to files only: name one with `--out`", format.name());
            Err(WrongUsage(message).into())
        }
    }
}

/// Rows as objects on standard output, one a line.
pub fn objects() -> Box<dyn Table> {
    Box::new(json::Objects::default())
}

/// The names of the columns before the values.
fn places(level: Level) -> &'static [&'static str] {
    match level {
        Level::Descriptors => &["file", "start", "end"],
        Level::Functionals => &["file"],
    }
}

/// What stands in these columns.
fn place(row: &Row<'_>) -> Vec<String> {
    let mut place = vec![row.id.to_owned()];
    place.extend(row.span.iter().flat_map(|(start, end)| [start.to_string(), end.to_string()]));
    place
}

/// Where text goes: a file that appears whole, or standard output.
enum Out {
    File(WholeFile),
    Standard(BufWriter<io::Stdout>),
}

impl Out {
    fn open(path: Option<&Path>) -> Result<Self, Error> {
        match path {
            Some(path) => Ok(Self::File(WholeFile::create(path)?)),
            None => Ok(Self::Standard(BufWriter::new(io::stdout()))),
        }
    }

    /// Its name in errors.
    fn path(&self) -> PathBuf {
        match self {
            Self::File(file) => file.path().to_path_buf(),
            Self::Standard(_) => "standard output".into(),
        }
    }

    fn finish(self) -> Result<(), Error> {
        let path = self.path();
        match self {
            Self::File(file) => file.finish(),
            Self::Standard(mut out) => out.flush().map_err(failed(&path)),
        }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Standard(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Standard(out) => out.flush(),
        }
    }
}

/// An error of writing, with the file.
fn failed<E: Into<io::Error>>(path: &Path) -> impl Fn(E) -> Error {
    let path = path.to_path_buf();
    move |error| Error::Io { path: path.clone(), source: error.into() }
}

#[cfg(test)]
mod tests;
