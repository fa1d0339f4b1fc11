//! A run: what a recipe produced, as a folder that is written and read.

mod projection;
mod read;
#[cfg(test)]
mod tests;
mod timing;
mod write;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use stimmung_corpus::Dropped;
use stimmung_evaluation::render::{self, Normalise};
use stimmung_evaluation::{Figures, Fold, FoldScores, Interval, MeanSd, Scores};

use crate::table::hex;
use crate::{Calibration, Evaluated, Experiment};
pub use projection::Projection;
pub use read::{HistoryStep, SavedPrediction, SavedRun};
pub use timing::Timing;
pub(crate) use timing::{Stage, Stopwatch};
pub use write::{WholeFile, save_run, save_selection, write_whole};

/// The files of a run; the last six are not in every folder.
mod file {
    pub const RECIPE: &str = "recipe.toml";
    pub const MANIFEST: &str = "manifest.csv";
    pub const PREDICTIONS: &str = "predictions.csv";
    pub const REPORT: &str = "report.txt";
    pub const RECEIPT: &str = "receipt.json";
    pub const METRICS: &str = "metrics.json";
    pub const TIMING: &str = "timing.json";
    pub const PROJECTION: &str = "projection.json";
    pub const HISTORY: &str = "history.csv";
    pub const MODEL: &str = "model.stimmung";
    pub const TRIALS: &str = "trials.csv";
    pub const BEST: &str = "best.toml";
}

/// The columns of `predictions.csv` before those of the classes.
const PREDICTION_COLUMNS: [&str; 5] = ["file", "speaker", "fold", "truth", "predicted"];
/// The columns of `history.csv`.
const HISTORY_COLUMNS: [&str; 6] = ["fold", "step", "loss", "accuracy", "validation_loss", "watched_accuracy"];

/// The figures of a run in the form that `--json` prints and `metrics.json` keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    pub interval: Figures<Interval>,
    /// Mean and standard deviation of the figures over folds.
    pub over_folds: Figures<MeanSd>,
    /// The same figures, fold by fold.
    pub folds: Vec<FoldScores>,
    /// What calibration does to the probabilities; absent where voices were not kept apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// What the split shares between its two sides, in words; empty when it is clean.
    pub leaks: Vec<String>,
    /// What else to know when reading the figures.
    pub warnings: Vec<String>,
    /// The name of the model that was judged, if it had been trained beforehand. It lies in the run's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_model: Option<String>,
    /// Per-class figures and the confusion matrix.
    pub pooled: Scores,
    /// The run's folder; absent when nothing was saved.
    pub run: Option<PathBuf>,
}

impl Summary {
    /// Gathers the figures of an evaluation.
    pub fn new(name: &str, corpus: &str, dropped: &[Dropped], evaluated: &Evaluated) -> Self {
        let evaluation = &evaluated.evaluation;
        Self {
            name: name.to_owned(),
            corpus: corpus.to_owned(),
            protocol: evaluation.protocol.clone(),
            recordings: evaluation.recordings,
            dropped: dropped.to_vec(),
            uar: evaluation.pooled.uar,
            war: evaluation.pooled.war,
            macro_f1: evaluation.pooled.macro_f1,
            interval: evaluation.intervals.clone(),
            over_folds: evaluation.over_folds.clone(),
            folds: evaluation.folds.clone(),
            calibration: evaluated.calibration.clone(),
            leaks: evaluation.leaks.iter().map(ToString::to_string).collect(),
            warnings: evaluation.warnings.iter().map(ToString::to_string).collect(),
            ready_model: evaluated.ready_model.clone(),
            pooled: evaluation.pooled.clone(),
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The model file: the final model, or the ready one that was judged; absent from an evaluation without one.
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
