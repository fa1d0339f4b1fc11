//! Reading a run's folder.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use stimmung_corpus::{Manifest, Recording};
use stimmung_evaluation::Outcome;
use stimmung_models::ModelFile;

use super::{HISTORY_COLUMNS, PREDICTION_COLUMNS, Projection, Receipt, Summary, Timing, file};
use crate::recognizer::load_model;
use crate::{Error, Recipe, recording_id};

/// The files that every run has.
const PARTS: [&str; 5] = [file::RECIPE, file::MANIFEST, file::PREDICTIONS, file::METRICS, file::RECEIPT];

/// A finished run, or selection, as its folder tells it: what [`save_run`](crate::save_run) wrote.
///
/// # Examples
/// ```no_run
/// use stimmung::SavedRun;
///
/// let run = SavedRun::open("runs/first".as_ref())?;
/// println!("{}: UAR {:.3}", run.summary.protocol, run.summary.uar);
/// for answer in run.predictions.iter().filter(|answer| answer.truth != answer.predicted) {
///     let sex = run.recording(answer).and_then(|recording| recording.sex);
///     println!("{} is taken for {} ({sex:?})", answer.id, run.classes[answer.predicted]);
/// }
/// # Ok::<(), stimmung::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SavedRun {
    /// Where it lies.
    pub folder: PathBuf,
    /// What was run.
    pub recipe: Recipe,
    /// The figures. [`Summary::run`] is where the folder lay when it was written.
    pub summary: Summary,
    /// The hashes of what the figures depend on.
    pub receipt: Receipt,
    /// The recordings that were used, each with its duration in [`Recording::seconds`] unless the folder is from before that was kept.
    pub manifest: Manifest,
    /// The emotions; truths and predictions are indices into them.
    pub classes: Vec<String>,
    /// The names of the folds.
    pub folds: Vec<String>,
    /// The answers, fold by fold.
    pub predictions: Vec<SavedPrediction>,
    /// For each fold how its model learnt, step by step; `None` for models that do not tell.
    pub history: Option<Vec<Vec<HistoryStep>>>,
    /// How long it took; `None` for folders from before that was kept.
    pub timing: Option<Timing>,
    /// The recordings on a plane; `None` for pictures, and for folders from before that was kept.
    pub projection: Option<Projection>,
}

/// The answer for one recording, or for a copy of one.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedPrediction {
    /// What was judged, as the table names it.
    pub id: String,
    /// The recording, an index into those of [`SavedRun::manifest`]; for a copy the one that it was made of. `None` for a copy of an unknown one.
    pub recording: Option<usize>,
    /// The number of the copy, from 1; `None` for a recording as it was found.
    pub copy: Option<usize>,
    /// Who speaks, if it is known.
    pub speaker: Option<String>,
    /// The fold whose model answered, an index into [`SavedRun::folds`].
    pub fold: usize,
    /// The true class.
    pub truth: usize,
    /// The class that was answered.
    pub predicted: usize,
    /// The probability of each class, from 0 to 1, with six decimals.
    pub probabilities: Vec<f32>,
}

impl SavedPrediction {
    /// The probability of the answer.
    pub fn confidence(&self) -> f32 {
        self.probabilities.get(self.predicted).copied().unwrap_or_default()
    }
}

/// One step of a training: an epoch of a network. What is not known is `None`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HistoryStep {
    /// Its number, from 1.
    pub step: usize,
    /// The training loss.
    pub loss: Option<f64>,
    /// The training accuracy, from 0 to 1.
    pub accuracy: Option<f64>,
    /// The loss on what early stopping held out.
    pub validation_loss: Option<f64>,
    /// The accuracy on the test part, from 0 to 1, if it was [watched](Recipe::watch).
    pub watched_accuracy: Option<f64>,
}

impl SavedRun {
    /// Reads a folder that [`save_run`](crate::save_run) or [`save_selection`](crate::save_selection) wrote. The corpus is not needed.
    ///
    /// # Errors
    /// * [`Error::NotARun`] for anything but a run's folder, with what it lacks.
    /// * [`Error::NewerRun`] for a folder that a newer version wrote, to the second number.
    /// * [`Error::BrokenRun`], [`Error::Corpus`] (the manifest) and [`Error::Recipe`] for a file that is damaged, or belongs to another run, with
    ///   its line and column.
    /// * [`Error::Io`] where a file cannot be read.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        check_whole(folder)?;
        let path = |name: &str| folder.join(name);
        check_version(folder)?;
        let receipt = json(&path(file::RECEIPT))?;
        let recipe = Recipe::from_run(&text(&path(file::RECIPE))?, &path(file::RECIPE).display().to_string())?;
        let summary: Summary = json(&path(file::METRICS))?;
        let manifest = Manifest::read_csv(&path(file::MANIFEST))?;
        let folds: Vec<String> = summary.folds.iter().map(|fold| fold.name.clone()).collect();
        let classes = summary.pooled.confusion.classes().to_vec();
        let predictions = predictions(&path(file::PREDICTIONS), &summary, &classes, &folds, &manifest)?;
        let history = optional(&path(file::HISTORY), |path| history(path, &folds))?;
        let timing = optional(&path(file::TIMING), json)?;
        let projection = optional(&path(file::PROJECTION), |path| projection(path, manifest.recordings.len()))?;
        Ok(Self {
            folder: folder.to_path_buf(),
            recipe,
            summary,
            receipt,
            manifest,
            classes,
            folds,
            predictions,
            history,
            timing,
            projection,
        })
    }

    /// The recording behind an answer: sex, text, duration …
    pub fn recording(&self, prediction: &SavedPrediction) -> Option<&Recording> {
        self.manifest.recordings.get(prediction.recording?)
    }

    /// The answers in the form that the evaluation takes.
    pub fn outcomes(&self) -> Vec<Outcome<'_>> {
        let outcome = |it| {
            let &SavedPrediction { truth, predicted, ref speaker, .. } = it;
            Outcome { truth, predicted, speaker: speaker.as_deref() }
        };
        self.predictions.iter().map(outcome).collect()
    }

    /// The model that was trained on everything; `None` where none was saved. It is read now, which takes longer than all the rest.
    ///
    /// # Errors
    /// [`Error::ModelFile`] for a file that is no whole model file of this version.
    pub fn model(&self) -> Result<Option<ModelFile>, Error> {
        optional(&self.folder.join(file::MODEL), load_model)
    }
}

/// Refuses folders that lack a part.
fn check_whole(folder: &Path) -> Result<(), Error> {
    let missing: Vec<&str> = PARTS.into_iter().filter(|name| !folder.join(name).is_file()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = if folder.is_dir() {
        format!("it has no {}", missing.join(", "))
    } else {
        "there is no such folder".to_owned()
    };
    Err(Error::NotARun { path: folder.to_path_buf(), missing })
}

/// Refuses folders of newer versions, which may mean something else by the same words. The last number of a version changes no
/// file.
fn check_version(folder: &Path) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Written {
        stimmung: String,
    }
    let own = env!("CARGO_PKG_VERSION");
    let path = folder.join(file::RECEIPT);
    let Written { stimmung: version } = json(&path)?;
    match (format_of(&version), format_of(own)) {
        (None, _) => {
            let message = format!("`stimmung` is {version:?}; expected a version such as {own}");
            Err(Error::BrokenRun { path, line: None, column: None, message })
        }
        (written, read) if written > read => Err(Error::NewerRun { path: folder.to_path_buf(), version, own }),
        _ => Ok(()),
    }
}

/// The first two numbers of a version.
fn format_of(version: &str) -> Option<(u64, u64)> {
    let mut numbers = version.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// Reads a file if it is there.
fn optional<T>(path: &Path, read: impl FnOnce(&Path) -> Result<T, Error>) -> Result<Option<T>, Error> {
    if path.is_file() { read(path).map(Some) } else { Ok(None) }
}

fn text(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(Error::io(path))
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let parse = |text: String| serde_json::from_str(&text);
    parse(text(path)?).map_err(|error| Error::BrokenRun {
        path: path.to_path_buf(),
        line: Some(error.line() as u64).filter(|line| *line > 0),
        column: None,
        message: error.to_string(),
    })
}

/// A table of a run, all of it text.
struct Table<'a> {
    path: &'a Path,
    header: Vec<String>,
    rows: Vec<Row>,
}

struct Row {
    line: u64,
    cells: Vec<String>,
}

impl<'a> Table<'a> {
    /// Reads a table whose first columns have these names.
    fn read(path: &'a Path, expected: &[&str]) -> Result<Self, Error> {
        let text = text(path)?;
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let cells = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect::<Vec<_>>();
        let broken = |error: &csv::Error| {
            let line = error.position().map(csv::Position::line);
            let message = match error.kind() {
                csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    format!("{len} cells; expected {expected_len} as in the header")
                }
                _ => error.to_string(),
            };
            Error::BrokenRun { path: path.to_path_buf(), line, column: None, message }
        };
        let header = cells(reader.headers().map_err(|error| broken(&error))?);
        let mut table = Self { path, header, rows: Vec::new() };
        if !table.header.iter().map(String::as_str).take(expected.len()).eq(expected.iter().copied()) {
            let message = format!("the columns are {}; expected {}", table.header.join(", "), expected.join(", "));
            return Err(table.broken(1, None, message));
        }
        for record in reader.records() {
            let record = record.map_err(|error| broken(&error))?;
            let line = record.position().map_or(0, csv::Position::line);
            table.rows.push(Row { line, cells: cells(&record) });
        }
        Ok(table)
    }

    fn broken(&self, line: u64, column: Option<usize>, message: String) -> Error {
        let column = column.map(|column| self.header[column].clone());
        Error::BrokenRun { path: self.path.to_path_buf(), line: Some(line), column, message }
    }

    /// The number of a name in a list.
    fn index(&self, row: &Row, column: usize, names: &[String], of: &str) -> Result<usize, Error> {
        let cell = &row.cells[column];
        names.iter().position(|name| name == cell).ok_or_else(|| {
            self.broken(row.line, Some(column), format!("`{cell}` is no {of}; expected one of {}", names.join(", ")))
        })
    }

    /// A number that passes a test.
    fn number<T: std::str::FromStr>(
        &self,
        row: &Row,
        column: usize,
        expected: &str,
        fits: impl Fn(&T) -> bool,
    ) -> Result<T, Error> {
        let cell = &row.cells[column];
        let number = cell.parse().ok().filter(fits);
        number.ok_or_else(|| self.broken(row.line, Some(column), format!("`{cell}` is no {expected}")))
    }
}

/// Reads `predictions.csv` and finds the recording behind each answer.
fn predictions(
    path: &Path,
    summary: &Summary,
    classes: &[String],
    folds: &[String],
    manifest: &Manifest,
) -> Result<Vec<SavedPrediction>, Error> {
    let expected: Vec<&str> = PREDICTION_COLUMNS.into_iter().chain(classes.iter().map(String::as_str)).collect();
    let table = Table::read(path, &expected)?;
    if table.header.len() > expected.len() || table.rows.len() != summary.recordings {
        let (columns, rows) = (table.header.len() - PREDICTION_COLUMNS.len(), table.rows.len());
        let message = format!(
            "{rows} answers and {columns} classes; expected {} and {}, as metrics.json has them",
            summary.recordings,
            classes.len()
        );
        return Err(Error::BrokenRun { path: path.to_path_buf(), line: None, column: None, message });
    }
    let ids = Ids::new(manifest, table.rows.iter().map(|row| row.cells[0].as_str()));
    let prediction = |row: &Row| {
        let [id, speaker, ..] = &row.cells[..] else {
            return Err(table.broken(row.line, None, "an empty row".to_owned()));
        };
        let Some((recording, copy)) = ids.find(id) else {
            let message = format!("`{id}` is not in manifest.csv; the two tables are of different runs");
            return Err(table.broken(row.line, Some(0), message));
        };
        let probability = |column| {
            table.number(row, column, "probability; expected a number from 0 to 1", |p: &f32| (0.0..=1.0).contains(p))
        };
        Ok(SavedPrediction {
            id: id.clone(),
            recording,
            copy,
            speaker: Some(speaker.clone()).filter(|name| !name.trim().is_empty()),
            fold: table.index(row, 2, folds, "fold")?,
            truth: table.index(row, 3, classes, "class")?,
            predicted: table.index(row, 4, classes, "class")?,
            probabilities: (PREDICTION_COLUMNS.len()..row.cells.len()).map(probability).collect::<Result<_, _>>()?,
        })
    };
    table.rows.iter().map(prediction).collect()
}

/// Recordings by the names that answers have for them.
struct Ids {
    recordings: HashMap<String, usize>,
    /// What a name needs in front to be the manifest's: answers name files as the corpus does, and the manifest, which lies elsewhere,
    /// has the corpus's folder before them.
    root: String,
}

impl Ids {
    fn new<'a>(manifest: &Manifest, named: impl Iterator<Item = &'a str>) -> Self {
        let ids = manifest.recordings.iter().enumerate().map(|(index, recording)| (recording_id(recording), index));
        let mut ids = Self { recordings: ids.collect(), root: String::new() };
        let foreign: BTreeSet<&str> = named.map(|id| source_of(id).0).filter(|id| ids.exact(id).is_none()).collect();
        let Some(first) = foreign.first() else { return ids };
        // `a.wav` could be that of any folder, but only the root makes something of all names.
        let roots: BTreeSet<&str> =
            ids.recordings.keys().filter_map(|id| id.strip_suffix(first)).filter(|root| root.ends_with('/')).collect();
        let explained =
            |root: &str| foreign.iter().filter(|id| ids.recordings.contains_key(&format!("{root}{id}"))).count();
        let best = roots.into_iter().max_by_key(|root| explained(root)).unwrap_or_default().to_owned();
        ids.root = best;
        ids
    }

    fn exact(&self, id: &str) -> Option<usize> {
        self.recordings.get(id).or_else(|| self.recordings.get(&format!("{}{id}", self.root))).copied()
    }

    /// The recording, if it is known, and the number of the copy. `None` for an unknown name that is not a copy's.
    fn find(&self, id: &str) -> Option<(Option<usize>, Option<usize>)> {
        if let Some(recording) = self.exact(id) {
            return Some((Some(recording), None));
        }
        let (source, copy) = source_of(id);
        copy.map(|copy| (self.exact(source), Some(copy)))
    }
}

/// What a name is a copy of, with the copy's number: `a.wav (copy 2)` is the second copy of `a.wav`.
fn source_of(id: &str) -> (&str, Option<usize>) {
    let copy = || {
        let (source, number) = id.strip_suffix(')')?.rsplit_once(" (copy ")?;
        Some((source, Some(number.parse().ok()?)))
    };
    copy().unwrap_or((id, None))
}

/// Reads `projection.json`, which has a point for every recording.
fn projection(path: &Path, recordings: usize) -> Result<Projection, Error> {
    let projection: Projection = json(path)?;
    if projection.points.len() != recordings {
        let message = format!("{} points for the {recordings} recordings of manifest.csv", projection.points.len());
        return Err(Error::BrokenRun { path: path.to_path_buf(), line: None, column: None, message });
    }
    Ok(projection)
}

/// Reads `history.csv`, fold by fold.
fn history(path: &Path, folds: &[String]) -> Result<Vec<Vec<HistoryStep>>, Error> {
    let table = Table::read(path, &HISTORY_COLUMNS)?;
    let mut history = vec![Vec::new(); folds.len()];
    for row in &table.rows {
        let figure = |column: usize| match row.cells[column].as_str() {
            "" => Ok(None),
            _ => table.number(row, column, "number", |_: &f64| true).map(Some),
        };
        history[table.index(row, 0, folds, "fold")?].push(HistoryStep {
            step: table.number(row, 1, "step; expected a whole number", |_| true)?,
            loss: figure(2)?,
            accuracy: figure(3)?,
            validation_loss: figure(4)?,
            watched_accuracy: figure(5)?,
        });
    }
    Ok(history)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_below_the_folder_that_explains_all_of_them() {
        let table =
            "file,emotion\n/data/c/a.wav,anger\n/data/c/x/a.wav,fear\n/data/c/x/b.wav,fear\n/other/d.wav,fear\n";
        let manifest = Manifest::from_csv_reader(table.as_bytes(), "run".into(), "c").unwrap();
        let file = |(recording, copy): (Option<usize>, Option<usize>)| {
            (recording.map(|index| manifest.recordings[index].file.display().to_string()), copy)
        };
        let named = ["a.wav", "x/a.wav (copy 1)", "x/b.wav", "/other/d.wav", "e.wav (copy 2)"];
        let ids = Ids::new(&manifest, named.into_iter());
        for (id, expected) in [
            ("a.wav", Some((Some("/data/c/a.wav"), None))),
            ("x/a.wav", Some((Some("/data/c/x/a.wav"), None))),
            ("x/b.wav (copy 12)", Some((Some("/data/c/x/b.wav"), Some(12)))),
            ("/other/d.wav", Some((Some("/other/d.wav"), None))),
            ("e.wav (copy 2)", Some((None, Some(2)))),
            ("e.wav", None),
            ("b.wav", None),
            ("e.wav (copy two)", None),
        ] {
            let expected = expected.map(|(name, copy)| (name.map(str::to_owned), copy));
            assert_eq!(ids.find(id).map(file), expected, "{id}");
        }
    }

    #[test]
    fn a_version_is_its_first_two_numbers() {
        assert_eq!(format_of("0.1.0"), Some((0, 1)));
        assert_eq!(format_of("12.3.4-rc.1"), Some((12, 3)));
        assert!(format_of("0.10.0") > format_of("0.9.9"));
        for text in ["", "1", "a.b", "1.x.0"] {
            assert_eq!(format_of(text), None, "{text}");
        }
    }
}
