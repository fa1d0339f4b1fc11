//! A run: what a recipe produced, as a folder.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};
use stimmung_corpus::{Dropped, Manifest};
use stimmung_evaluation::Fold;
use stimmung_evaluation::render::{self, Normalise};
use stimmung_models::{FitProgress, ModelFile};

use crate::select::{Selected, Selection};
use crate::table::hex;
use crate::{Calibration, Error, Evaluated, Experiment};

/// The figures of a run in the form that `--json` prints and `metrics.json` keeps.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The recipe's name.
    pub name: String,
    /// The corpus's name.
    pub corpus: String,
    /// The protocol in words; belongs beside every figure.
    pub protocol: String,
    /// Recordings that were judged.
    pub recordings: usize,
    /// Recordings that were left out, with the reason.
    pub dropped: Vec<Dropped>,
    /// Unweighted average recall over all folds' predictions together.
    pub uar: f64,
    /// Weighted average recall (accuracy), pooled.
    pub war: f64,
    /// Mean F1 over classes, pooled.
    pub macro_f1: f64,
    /// 95 % bootstrap intervals of the three figures.
    pub interval: serde_json::Value,
    /// Mean and standard deviation of the figures over folds.
    pub over_folds: serde_json::Value,
    /// The same figures, fold by fold.
    pub folds: serde_json::Value,
    /// What calibration does to the probabilities; absent where voices were not kept apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// What the split shares between its two sides, in words; empty when it is clean.
    pub leaks: Vec<String>,
    /// What else to know when reading the figures.
    pub warnings: Vec<String>,
    /// Per-class figures and the confusion matrix.
    pub pooled: serde_json::Value,
    /// The run's folder; absent when nothing was saved.
    pub run: Option<PathBuf>,
}

impl Summary {
    /// Gathers the figures of an evaluation.
    pub fn new(name: &str, corpus: &str, dropped: &[Dropped], evaluated: &Evaluated) -> Self {
        let evaluation = &evaluated.evaluation;
        let value = |part: Result<serde_json::Value, serde_json::Error>| part.unwrap_or_default();
        Self {
            name: name.to_owned(),
            corpus: corpus.to_owned(),
            protocol: evaluation.protocol.clone(),
            recordings: evaluation.recordings,
            dropped: dropped.to_vec(),
            uar: evaluation.pooled.uar,
            war: evaluation.pooled.war,
            macro_f1: evaluation.pooled.macro_f1,
            interval: value(serde_json::to_value(&evaluation.intervals)),
            over_folds: value(serde_json::to_value(&evaluation.over_folds)),
            folds: value(serde_json::to_value(&evaluation.folds)),
            calibration: evaluated.calibration.clone(),
            leaks: evaluation.leaks.iter().map(ToString::to_string).collect(),
            warnings: evaluation.warnings.iter().map(ToString::to_string).collect(),
            pooled: value(serde_json::to_value(&evaluation.pooled)),
            run: None,
        }
    }
}

/// The plain-text report of an evaluation: figures with their protocol, per-class table, confusion matrix by row.
pub fn report(dropped: &[Dropped], evaluated: &Evaluated) -> String {
    let Evaluated { evaluation, calibration, .. } = evaluated;
    let mut text = render::scores_table(evaluation);
    if let Some(calibration) = calibration {
        text.push_str(&calibration.line());
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&render::confusion(&evaluation.pooled.confusion, Normalise::Row));
    if !dropped.is_empty() {
        text.push_str("\nleft out:\n");
        text.extend(dropped.iter().map(|dropped| format!("  {}: {}\n", dropped.file.display(), dropped.reason)));
    }
    text
}

/// Hashes (SHA-256, hexadecimal) of everything that a run's figures depend on. Two runs with equal receipts have equal
/// figures; where figures differ, the first differing hash says why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// The program's version.
    pub stimmung: String,
    /// Names, labels and decoded samples of the recordings.
    pub data: String,
    /// Which recording was on which side of which fold.
    pub split: String,
    /// The features' bits.
    pub features: String,
    /// The recipe with every default written out.
    pub configuration: String,
    /// The model file; absent from an evaluation without a final model.
    pub model: Option<String>,
}

impl Receipt {
    fn new(experiment: &Experiment, folds: &[Fold], recipe: &str, model: Option<&[u8]>) -> Self {
        Self {
            stimmung: env!("CARGO_PKG_VERSION").to_owned(),
            data: data_hash(experiment),
            split: hash(|hash| {
                for fold in folds {
                    hash.update(format!("{}\n{:?}\n{:?}\n", fold.name, fold.train, fold.test));
                }
            }),
            features: hash(|hash| {
                for row in 0..experiment.table.features.rows() {
                    let row = experiment.table.features.row(row);
                    hash.update(row.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>());
                }
            }),
            configuration: hash(|hash| hash.update(recipe)),
            model: model.map(|bytes| hash(|hash| hash.update(bytes))),
        }
    }
}

/// The hash of names, labels and decoded samples.
pub(crate) fn data_hash(experiment: &Experiment) -> String {
    hash(|hash| {
        for item in &experiment.items {
            let class = &experiment.classes[item.class];
            let speaker = item.speaker.as_deref().unwrap_or("");
            let content = item.content.as_deref().unwrap_or("");
            hash.update(format!("{}\t{speaker}\t{class}\t{content}\n", item.id));
        }
    })
}

fn hash(feed: impl FnOnce(&mut Sha256)) -> String {
    let mut hash = Sha256::new();
    feed(&mut hash);
    hex(&hash.finalize())
}

/// Writes a run's folder: `recipe.toml`, `manifest.csv`, `predictions.csv`, `metrics.json`, `report.txt`, `receipt.json`,
/// `history.csv` for models that tell how they learn and, where there is one, `model.stimmung`.
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
    let files = [("trials.csv", selection.trials_csv(selected)), ("best.toml", best.recipe.to_toml()?.into_bytes())];
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

    let unfinished = Unfinished::beside(folder)?;
    unfinished.write("recipe.toml", recipe.as_bytes())?;
    manifest(experiment).write_csv(&unfinished.path("manifest.csv"))?;
    unfinished.write("predictions.csv", &predictions_csv(experiment, evaluated))?;
    unfinished.write("report.txt", report(&experiment.table.dropped, evaluated).as_bytes())?;
    unfinished.write("receipt.json", &json(&receipt))?;
    // Other models tell their steps, but nothing of them.
    let tells = |it: &FitProgress| [it.loss, it.accuracy, it.validation_loss, it.watched].iter().any(Option::is_some);
    if evaluated.history.iter().flatten().any(tells) {
        unfinished.write("history.csv", &history_csv(evaluated))?;
    }
    if let Some(model) = &model {
        unfinished.write("model.stimmung", model)?;
    }
    for (name, bytes) in further {
        unfinished.write(name, bytes)?;
    }
    let folder = free_name(folder);
    summary.run = Some(folder.clone());
    unfinished.write("metrics.json", &json(&summary))?;
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
    let mut header: Vec<&str> = vec!["file", "speaker", "fold", "truth", "predicted"];
    header.extend(experiment.classes.iter().map(String::as_str));
    // Writing to memory cannot fail.
    let _ = writer.write_record(&header);
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
    let _ = writer.write_record(["fold", "step", "loss", "accuracy", "validation_loss", "watched_accuracy"]);
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
    let folder = parent(path);
    let mut builder = temporary();
    #[cfg(unix)]
    builder.permissions(permissions(0o666));
    let mut file = builder.tempfile_in(folder).map_err(Error::io(path))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(Error::io(path))?;
    file.persist(path).map_err(|error| Error::io(path)(error.error))?;
    Ok(())
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
