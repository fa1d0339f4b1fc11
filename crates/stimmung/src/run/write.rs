//! Writing a run's folder.

use std::fs;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use stimmung_corpus::Manifest;
use stimmung_models::{FitProgress, ModelFile};
use tempfile::NamedTempFile;

use super::{HISTORY_COLUMNS, PREDICTION_COLUMNS, Projection, Receipt, Summary, file, report};
use crate::select::{Selected, Selection};
use crate::{Error, Evaluated, Experiment};

/// Writes a run's folder: `recipe.toml`, `manifest.csv`, `predictions.csv`, `metrics.json`, `report.txt`, `receipt.json`,
/// `timing.json`, `projection.json` unless the features are pictures, `history.csv` for models that tell how they learn and, where there is
/// one, `model.stimmung`.
/// [`SavedRun::open`](crate::SavedRun::open) reads it.
///
/// The folder appears whole or not at all. If `folder` exists, the run goes to `folder-2`, `folder-3`, and so on: a
/// result is never overwritten.
///
/// # Errors
/// [`Error::Io`] where the folder cannot be written.
pub fn save_run(
    folder: &Path,
    experiment: &Experiment,
    evaluated: &Evaluated,
    model: Option<&ModelFile>,
) -> Result<Summary, Error> {
    save(folder, experiment, evaluated, model, &[])
}

/// Writes a selection's folder: a run's files, with every trial in `trials.csv` and the recipe that was chosen in
/// `best.toml`.
///
/// # Errors
/// As [`save_run`].
pub fn save_selection(folder: &Path, selection: &Selection, selected: &Selected) -> Result<Summary, Error> {
    let best = selection.experiment(selected.best);
    let mut experiment = best.clone();
    experiment.recipe = selection.recipe().clone();
    let files = [(file::TRIALS, selection.trials_csv(selected)), (file::BEST, best.recipe.to_toml()?.into_bytes())];
    save(folder, &experiment, &selected.evaluated, None, &files)
}

fn save(
    folder: &Path,
    experiment: &Experiment,
    evaluated: &Evaluated,
    model: Option<&ModelFile>,
    further: &[(&str, Vec<u8>)],
) -> Result<Summary, Error> {
    let mut summary = Summary::new(&experiment.recipe.name, &experiment.corpus, &experiment.table.dropped, evaluated);
    let recipe = experiment.recipe.to_toml()?;
    let model = model.map(ModelFile::to_bytes).transpose()?;
    let receipt = Receipt::new(experiment, &evaluated.folds, &recipe, model.as_deref());
    let timing = experiment.timing(model.is_some());

    let unfinished = Unfinished::beside(folder)?;
    unfinished.write(file::RECIPE, recipe.as_bytes())?;
    manifest(experiment).write_csv(&unfinished.path(file::MANIFEST))?;
    unfinished.write(file::PREDICTIONS, &predictions_csv(experiment, evaluated))?;
    unfinished.write(file::REPORT, report(&experiment.table.dropped, evaluated).as_bytes())?;
    unfinished.write(file::RECEIPT, &json(&receipt))?;
    unfinished.write(file::TIMING, &json(&timing))?;
    if let Some(projection) = Projection::of(&experiment.table) {
        unfinished.write(file::PROJECTION, &json(&projection))?;
    }
    // Other models tell their steps, but nothing of them.
    let tells = |it: &FitProgress| [it.loss, it.accuracy, it.validation_loss, it.watched].iter().any(Option::is_some);
    if evaluated.history.iter().flatten().any(tells) {
        unfinished.write(file::HISTORY, &history_csv(evaluated))?;
    }
    if let Some(model) = &model {
        unfinished.write(file::MODEL, model)?;
    }
    for (name, bytes) in further {
        unfinished.write(name, bytes)?;
    }
    let folder = free_name(folder);
    summary.run = Some(folder.clone());
    unfinished.write(file::METRICS, &json(&summary))?;
    unfinished.finish(&folder)?;
    Ok(summary)
}

/// The recordings that were used, with the corpus's name, so that the table can be opened in its place.
fn manifest(experiment: &Experiment) -> Manifest {
    let mut recordings = experiment.table.recordings.clone();
    for recording in &mut recordings {
        recording.extra.entry("corpus".to_owned()).or_insert_with(|| experiment.corpus.clone());
    }
    Manifest { name: experiment.corpus.clone(), root: experiment.root.clone(), recordings, dropped: Vec::new() }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
    text.push(b'\n');
    text
}

/// One line a prediction, of recordings and of copies that were made before the split: file, speaker, fold, truth, prediction, then the probability of each class.
fn predictions_csv(experiment: &Experiment, evaluated: &Evaluated) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory cannot fail.
    let _ = writer.write_record(PREDICTION_COLUMNS.into_iter().chain(experiment.classes.iter().map(String::as_str)));
    for prediction in &evaluated.predictions {
        let item = &experiment.items[prediction.item];
        let mut record = vec![
            item.id.clone(),
            item.speaker.clone().unwrap_or_default(),
            evaluated.folds[prediction.fold].name.clone(),
            experiment.classes[item.class].clone(),
            experiment.classes[prediction.predicted].clone(),
        ];
        record.extend(prediction.probabilities.iter().map(|probability| format!("{probability:.6}")));
        let _ = writer.write_record(&record);
    }
    writer.into_inner().unwrap_or_default()
}

/// One line a step: fold, step, loss and accuracy in training, loss on what early stopping held out, accuracy on the test
/// part if it was watched. What is not known is empty.
fn history_csv(evaluated: &Evaluated) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let text = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.6}"));
    // Writing to memory cannot fail.
    let _ = writer.write_record(HISTORY_COLUMNS);
    for (fold, steps) in evaluated.folds.iter().zip(&evaluated.history) {
        for step in steps {
            let figures = [step.loss, step.accuracy, step.validation_loss, step.watched].map(text);
            let _ = writer.write_record([fold.name.clone(), step.step.to_string()].into_iter().chain(figures));
        }
    }
    writer.into_inner().unwrap_or_default()
}

/// Writes a file so that it appears whole or not at all.
///
/// # Errors
/// [`Error::Io`] where it cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut file = WholeFile::create(path)?;
    file.write_all(bytes).map_err(Error::io(path))?;
    file.finish()
}

/// A file that is written bit by bit, and appears whole or not at all: it has another name until it is finished.
#[derive(Debug)]
pub struct WholeFile {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
}

impl WholeFile {
    /// Begins a file that will be at `path`, over one that may be there.
    ///
    /// # Errors
    /// [`Error::Io`] where nothing can be written beside it.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let mut builder = temporary();
        #[cfg(unix)]
        builder.permissions(permissions(0o666));
        let file = builder.tempfile_in(parent(path)).map_err(Error::io(path))?;
        Ok(Self { path: path.to_path_buf(), file: BufWriter::with_capacity(1 << 16, file) })
    }

    /// Where it will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// [`Error::Io`] where the rest cannot be written, or the name not given.
    pub fn finish(mut self) -> Result<(), Error> {
        self.file.flush().and_then(|()| self.file.get_ref().as_file().sync_all()).map_err(Error::io(&self.path))?;
        self.finish_unsynced()
    }

    /// The same without waiting until it is safe from a failing machine.
    pub(crate) fn finish_unsynced(self) -> Result<(), Error> {
        let Self { path, file } = self;
        let file = file.into_inner().map_err(|error| Error::io(&path)(error.into_error()))?;
        file.persist(&path).map_err(|error| Error::io(&path)(error.error))?;
        Ok(())
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for WholeFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A hidden name that tells what a folder is, should the program be killed.
fn temporary() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".unfinished-");
    builder
}

/// Temporary files are private to their owner unless told otherwise; a result is as open as the umask lets it be.
#[cfg(unix)]
fn permissions(mode: u32) -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::Permissions::from_mode(mode)
}

/// The folder itself, or the first of `folder-2`, `folder-3` … that does not exist.
fn free_name(wanted: &Path) -> PathBuf {
    let mut name = wanted.to_path_buf();
    let mut number = 2;
    while name.exists() {
        let mut text = wanted.as_os_str().to_owned();
        text.push(format!("-{number}"));
        name = PathBuf::from(text);
        number += 1;
    }
    name
}

/// A folder under a temporary name, removed unless it is finished.
struct Unfinished {
    folder: tempfile::TempDir,
}

impl Unfinished {
    fn beside(folder: &Path) -> Result<Self, Error> {
        let parent = parent(folder);
        fs::create_dir_all(parent).map_err(Error::io(parent))?;
        let mut builder = temporary();
        #[cfg(unix)]
        builder.permissions(permissions(0o777));
        Ok(Self { folder: builder.tempdir_in(parent).map_err(Error::io(parent))? })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.path(name);
        fs::write(&path, bytes).map_err(Error::io(&path))
    }

    fn finish(self, name: &Path) -> Result<(), Error> {
        let folder = self.folder.keep();
        fs::rename(&folder, name).map_err(|source| {
            let _ = fs::remove_dir_all(&folder);
            Error::Io { path: name.to_path_buf(), source }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_appear_whole_and_folders_get_a_free_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(free_name(&path), folder.path().join("a-2"));
        assert_eq!(free_name(&folder.path().join("b")), folder.path().join("b"));
        write_whole(&folder.path().join("missing").join("a"), b"").unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_unfinished_run_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("runs").join("a");
        let unfinished = Unfinished::beside(&run).unwrap();
        unfinished.write("x", b"1").unwrap();
        drop(unfinished);
        assert_eq!(fs::read_dir(folder.path().join("runs")).unwrap().count(), 0);
        let finished = Unfinished::beside(&run).unwrap();
        finished.write("x", b"1").unwrap();
        finished.finish(&run).unwrap();
        assert_eq!(fs::read(run.join("x")).unwrap(), b"1");
    }
}
