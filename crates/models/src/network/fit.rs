//! Training a network on a task.

use std::io;

use stimmung_nn::{EpochReport, History, LayerSpec, Network, SampleSource, Samples, Trainer};

use super::checkpoint;
use super::hold_out::Parts;
use super::training::TrainingParams;
use super::{NetworkModel, Watchers};
use crate::scaler::Scaler;
use crate::training_set::Task;
use crate::{FitProgress, Matrix, ModelError, Watched};

/// A network before training.
pub(crate) struct Plan<'a> {
    /// The kind of model, for messages.
    pub(crate) kind: &'static str,
    /// All layers.
    pub(crate) specs: Vec<LayerSpec>,
    /// The form of a sample.
    pub(crate) shape: Vec<usize>,
    pub(crate) training: &'a TrainingParams,
}

/// Trains a network, and says how that went. A checkpoint in the store is where it goes on from.
pub(crate) fn fit(
    plan: Plan<'_>,
    task: &Task<'_>,
    seed: u64,
    watchers: Watchers<'_, '_>,
) -> Result<(NetworkModel, String), ModelError> {
    let Plan { kind, specs, shape, training } = plan;
    let Watchers { mut store, progress } = watchers;
    let mut network = Network::new(&shape, &specs, seed)?;
    let parts = match training.early_stopping {
        Some(stopping) => Parts::split(kind, task, stopping.share, seed)?,
        None => Parts::whole(task),
    };
    let [kept, held] = [&parts.kept, &parts.held].map(|positions| Standardised::new(task, positions));
    let [labels, held_labels]: [Vec<usize>; 2] =
        [&parts.kept, &parts.held].map(|positions| positions.iter().map(|&at| task.labels[at]).collect());
    let samples = Samples::of(&kept, &labels);
    let held = (!held_labels.is_empty()).then(|| Samples::of(&held, &held_labels));
    let mut watch = task.watched.map(|watched| Watch::new(task, watched));

    let params = training.train_params(&labels, task.classes, seed);
    let data = if store.is_some() { checkpoint::fingerprint(samples, held, task.columns()) } else { String::new() };
    let saved = store.as_deref_mut().map(|store| store.load(0).map_err(|error| store_failed("read", error)));
    let mut trainer = match saved.transpose()?.flatten() {
        Some(bytes) => {
            let unusable = |reason: String| ModelError::Checkpoint { reason };
            let (checkpoint, right) = checkpoint::from_bytes(&bytes, &data)?;
            if let Some(watch) = &mut watch {
                watch.resume(right, checkpoint.header.epochs).map_err(unusable)?;
            }
            Trainer::resume(&mut network, samples, held, &params, &checkpoint)
                .map_err(|error| unusable(error.to_string()))?
        }
        None => Trainer::new(&network, samples, held, &params)?,
    };
    let step = |report: &EpochReport, watch: &Option<Watch<'_>>| FitProgress {
        loss: Some(report.loss),
        accuracy: Some(report.accuracy),
        validation_loss: report.validation.map(|validation| validation.loss),
        watched: watch.as_ref().and_then(|watch| watch.accuracy(report.epoch)),
        ..FitProgress::new(report.epoch, training.epochs)
    };
    for report in &trainer.history().epochs {
        if progress(step(report, &watch)).is_break() {
            return Err(ModelError::Stopped);
        }
    }
    while !trainer.is_finished() {
        let report = trainer.epoch(&mut network)?;
        if let Some(watch) = &mut watch {
            watch.score(&network)?;
        }
        let stopped = progress(step(&report, &watch)).is_break();
        if let Some(store) = store.as_deref_mut()
            && (store.due(report.epoch) || stopped || trainer.is_finished())
        {
            let right = watch.as_ref().map_or(&[][..], |watch| &watch.right);
            let bytes = checkpoint::to_bytes(trainer.checkpoint(&network), &data, right)?;
            store.save(0, &bytes).map_err(|error| store_failed("write", error))?;
        }
        if stopped {
            return Err(ModelError::Stopped);
        }
    }
    let history = trainer.finish(&mut network)?;
    Ok((NetworkModel { network, specs, classes: task.classes }, note(&history, training)))
}

/// Rows of a task, standardised each time that they are asked for, so that pictures do not lie in memory twice.
#[derive(Debug)]
struct Standardised<'a> {
    features: &'a Matrix,
    scaler: &'a Scaler,
    rows: Vec<usize>,
}

impl<'a> Standardised<'a> {
    /// The rows at these positions in the lists of the task.
    fn new(task: &Task<'a>, positions: &[usize]) -> Self {
        let rows = positions.iter().map(|&at| task.rows[at]).collect();
        Self { features: task.features, scaler: task.scaler, rows }
    }
}

impl SampleSource for Standardised<'_> {
    fn len(&self) -> usize {
        self.rows.len() * self.features.columns()
    }

    fn load(&self, sample: usize, to: &mut [f32]) {
        self.scaler.scale(self.features.row(self.rows[sample]), to);
    }
}

fn store_failed(action: &'static str, source: io::Error) -> ModelError {
    ModelError::CheckpointStore { action, source }
}

/// How the training went, in words.
fn note(history: &History, training: &TrainingParams) -> String {
    let Some(last) = history.epochs.last() else { return String::new() };
    let figures =
        |epoch: &EpochReport| format!("training loss {:.4}, training accuracy {:.3}", epoch.loss, epoch.accuracy);
    let Some(stopping) = training.early_stopping else {
        return format!("{} epochs, {}", training.epochs, figures(last));
    };
    let best = history.best_epoch.and_then(|epoch| history.epochs.get(epoch - 1)).filter(|_| stopping.restore_best);
    let kept = best.unwrap_or(last);
    let held_out = kept.validation.map_or_else(String::new, |it| format!(", held-out loss {:.4}", it.loss));
    let weights = if best.is_some() { format!(", weights of epoch {}", kept.epoch) } else { String::new() };
    format!("{} of {} epochs{weights}, {}{held_out}", last.epoch, training.epochs, figures(kept))
}

/// Rows that are scored after every epoch.
struct Watch<'a> {
    /// Standardised.
    rows: Vec<f32>,
    labels: &'a [usize],
    /// How many were recognised, epoch by epoch.
    right: Vec<usize>,
}

impl<'a> Watch<'a> {
    fn new(task: &Task<'_>, watched: Watched<'a>) -> Self {
        let rows = task.scaler.transform(task.features, watched.rows);
        Self { rows, labels: watched.labels, right: Vec::new() }
    }

    /// Takes over what a checkpoint knows of its epochs.
    fn resume(&mut self, right: Vec<usize>, epochs: usize) -> Result<(), String> {
        if right.len() != epochs || right.iter().any(|&right| right > self.labels.len()) {
            return Err("it is of a training on which other rows were watched".to_owned());
        }
        self.right = right;
        Ok(())
    }

    /// Scores the rows after one more epoch.
    fn score(&mut self, network: &Network) -> Result<(), ModelError> {
        let logits = network.predict(&self.rows, self.labels.len())?;
        let right = logits.chunks_exact(network.output_len()).zip(self.labels).filter(|&(row, &label)| {
            let best = (0..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best });
            best == label
        });
        self.right.push(right.count());
        Ok(())
    }

    /// The share that was recognised after this epoch, counted from 1; 0 of none.
    fn accuracy(&self, epoch: usize) -> Option<f64> {
        let right = *self.right.get(epoch.checked_sub(1)?)?;
        Some(right as f64 / self.labels.len().max(1) as f64)
    }
}
