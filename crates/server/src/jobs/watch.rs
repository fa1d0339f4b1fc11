//! What a training tells while it is under way.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;
use stimmung::evaluation::Scores;
use stimmung::models::FitProgress;
use stimmung::{Progress, Training};
use tokio::sync::broadcast;
use utoipa::ToSchema;

use crate::store::{Store, Told};

/// How often the store and the listeners hear of a training.
const INTERVAL: Duration = Duration::from_millis(250);

/// Of longer trainings, not every epoch is told.
const MOST_EPOCHS: usize = 1000;

/// The share of a job that hearing its corpus is taken for; the folds and the final training share the rest.
const HEARING: f64 = 0.1;

/// How far a job has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct JobProgress {
    /// What is being done: `extracting features`, `evaluating`, `training the model`, `saving`.
    stage: String,
    /// The share of the whole job that is done, roughly, from 0 to 1.
    done: f64,
    /// The fold that was heard of last, from 1; 0 is the training on everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    fold: Option<usize>,
    /// How many folds there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    folds: Option<usize>,
    /// Its epoch, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<usize>,
    /// How many epochs there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    epochs: Option<usize>,
    /// The training loss of that epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    loss: Option<f64>,
    /// The training accuracy of that epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<f64>,
    /// A guess at the seconds that are left; absent at the beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_left: Option<f64>,
}

/// Hears of a training, and can stop it.
pub(crate) struct Watch {
    job: i64,
    store: Arc<Store>,
    news: broadcast::Sender<i64>,
    cancelled: AtomicBool,
    interrupted: AtomicBool,
    inner: Mutex<Inner>,
}

struct Inner {
    progress: JobProgress,
    started: Instant,
    /// Steps of the stage at hand, and those done.
    steps: (u64, u64),
    told: Vec<Told>,
    flushed: Instant,
}

impl Inner {
    /// The share of the whole job, from the stage and its steps.
    fn measure(&mut self) {
        let (steps, done) = self.steps;
        let part = if steps == 0 { 0.0 } else { (done as f64 / steps as f64).min(1.0) };
        let folds = self.progress.folds.unwrap_or(9) as f64;
        let evaluating = (1.0 - HEARING) * folds / (folds + 1.0);
        let done = match self.progress.stage.as_str() {
            "evaluating" => HEARING + evaluating * part,
            "training the model" => HEARING + evaluating + (1.0 - HEARING - evaluating) * part,
            "saving" => 1.0,
            _ => HEARING * part,
        };
        self.progress.done = self.progress.done.max(done);
        let (done, took) = (self.progress.done, self.started.elapsed().as_secs_f64());
        self.progress.seconds_left = (done > 0.05).then(|| (took * (1.0 - done) / done).round());
    }
}

impl Watch {
    pub(crate) fn new(job: i64, store: Arc<Store>, news: broadcast::Sender<i64>) -> Self {
        let inner = Inner {
            progress: JobProgress { stage: "starting".to_owned(), ..JobProgress::default() },
            started: Instant::now(),
            steps: (0, 0),
            told: Vec::new(),
            flushed: Instant::now(),
        };
        Self {
            job,
            store,
            news,
            cancelled: AtomicBool::new(false),
            interrupted: AtomicBool::new(false),
            inner: Mutex::new(inner),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops the training for good.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Stops the training until the server starts again. It is not the training's fault, even if it does not stop in time.
    pub(crate) fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Relaxed);
        if let Err(error) = self.store.forget_attempts(self.job) {
            tracing::error!(%error, "that a training was interrupted cannot be kept");
        }
    }

    /// Whether it was stopped until the server starts again, and not for good.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed) && !self.cancelled.load(Ordering::Relaxed)
    }

    /// How far the job has come.
    pub(crate) fn progress(&self) -> JobProgress {
        self.inner().progress.clone()
    }

    /// Everything is computed, and being written.
    pub(crate) fn saving(&self) {
        self.begin("saving", 1);
    }

    /// Puts into the store what is not there yet.
    pub(crate) fn flush(&self) {
        let told = std::mem::take(&mut self.inner().told);
        if !told.is_empty()
            && let Err(error) = self.store.add_events(self.job, &told)
        {
            tracing::error!(%error, "the course of a training cannot be kept");
        }
    }

    /// Changes what is known; tells of it now and then.
    fn change(&self, change: impl FnOnce(&mut Inner)) {
        let due = {
            let mut inner = self.inner();
            change(&mut inner);
            inner.measure();
            let due = inner.flushed.elapsed() >= INTERVAL;
            if due {
                inner.flushed = Instant::now();
            }
            due
        };
        if due {
            self.flush();
            // Nobody listening is no fault.
            let _ = self.news.send(self.job);
        }
    }
}

/// Its number, and how many there are; the training on everything has number 0.
fn number(training: Training) -> (usize, Option<usize>) {
    match training {
        Training::Fold { number, of } => (number, Some(of)),
        Training::Final => (0, None),
    }
}

/// Whether an epoch of so many is told.
fn is_told(epoch: usize, epochs: usize) -> bool {
    epoch == epochs || epoch.is_multiple_of(epochs.div_ceil(MOST_EPOCHS))
}

impl Progress for Watch {
    fn begin(&self, stage: &str, steps: u64) {
        self.change(|inner| {
            stage.clone_into(&mut inner.progress.stage);
            inner.steps = (steps, 0);
        });
    }

    fn advance(&self, steps: u64) {
        self.change(|inner| inner.steps.1 += steps);
    }

    fn end(&self) {}

    fn trained(&self, training: Training, step: &FitProgress) {
        let (fold, folds) = number(training);
        // Only the steps of networks have an accuracy: they are epochs.
        let is_epoch = step.accuracy.is_some();
        self.change(|inner| {
            let progress = &mut inner.progress;
            progress.fold = Some(fold);
            progress.folds = folds.or(progress.folds);
            if !is_epoch {
                return;
            }
            (progress.epoch, progress.epochs) = (Some(step.step), Some(step.total));
            (progress.loss, progress.accuracy) = (step.loss, step.accuracy);
            if !is_told(step.step, step.total) {
                return;
            }
            let mut data = json!({
                "fold": fold, "folds": progress.folds, "epoch": step.step, "epochs": step.total,
                "loss": step.loss, "accuracy": step.accuracy,
            });
            for (key, value) in [("validation_loss", step.validation_loss), ("watched_accuracy", step.watched)] {
                if let Some(value) = value {
                    data[key] = value.into();
                }
            }
            inner.told.push(Told { kind: "epoch", fold, step: step.step, data: data.to_string() });
        });
    }

    fn judged(&self, training: Training, name: &str, scores: &Scores) {
        let (fold, folds) = number(training);
        let data = json!({ "fold": fold, "folds": folds, "name": name, "uar": scores.uar, "accuracy": scores.war });
        self.change(|inner| {
            inner.told.push(Told { kind: "fold", fold, step: 0, data: data.to_string() });
        });
    }

    fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed) || self.interrupted.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_long_trainings_some_epochs_are_told_and_always_the_last() {
        let told = |epochs: usize| (1..=epochs).filter(|&epoch| is_told(epoch, epochs)).count();
        assert_eq!(told(50), 50);
        assert_eq!(told(1000), 1000);
        assert!((500..=1001).contains(&told(1001)), "{}", told(1001));
        assert!((900..=1001).contains(&told(100_000)), "{}", told(100_000));
        assert!(is_told(1001, 1001));
    }
}
