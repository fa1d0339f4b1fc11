//! Trainings: one after the other, on a thread of their own. A job that a restart interrupts goes on from its checkpoints.

mod watch;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use stimmung::evaluation::Interval;
use stimmung::{Checkpoints, Error, Evaluated, Experiment, Recipe, report, save_run};
use tokio::sync::broadcast;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::models::Models;
use crate::problem::Problem;
use crate::store::{JobState, NewJob, Store, StoredJob};

pub(crate) use watch::{JobProgress, Watch};

/// News that a listener may lag behind; one that lags further misses nothing, since the store has it all.
const BACKLOG: usize = 256;

/// So often a job is taken up without getting any further before it is given up: what kills the server, as a training that takes all
/// memory does, would do so at every start.
const MOST_ATTEMPTS: u32 = 3;

/// What came of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct JobResult {
    /// The model; it can be asked for by this id, and promoted.
    model: String,
    /// Unweighted average recall over the predictions of all folds together.
    uar: f64,
    /// Its 95 % bootstrap interval.
    uar_interval: [f64; 2],
    /// Weighted average recall.
    accuracy: f64,
    /// Its interval; absent in results of servers before they told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accuracy_interval: Option<[f64; 2]>,
    /// Mean F1 over emotions.
    macro_f1: f64,
    /// Its interval; absent as above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    macro_f1_interval: Option<[f64; 2]>,
    /// The terms on which the figures hold.
    protocol: String,
    /// Recordings judged.
    recordings: usize,
    /// What the two sides of the split share.
    leaks: Vec<String>,
    /// What else to know.
    warnings: Vec<String>,
    /// The emotions, in the order of the matrix.
    emotions: Vec<String>,
    /// Counts: a row for each true emotion, a column for each answer.
    confusion: Vec<Vec<u64>>,
    /// The whole report as text.
    report: String,
}

impl JobResult {
    /// Weighted average recall.
    pub(crate) fn accuracy(&self) -> f64 {
        self.accuracy
    }

    fn new(model: String, experiment: &Experiment, evaluated: &Evaluated) -> Self {
        let evaluation = &evaluated.evaluation;
        let (pooled, intervals) = (&evaluation.pooled, &evaluation.intervals);
        let ends = |interval: &Interval| [interval.low, interval.high];
        Self {
            model,
            uar: pooled.uar,
            uar_interval: ends(&intervals.uar),
            accuracy: pooled.war,
            accuracy_interval: Some(ends(&intervals.war)),
            macro_f1: pooled.macro_f1,
            macro_f1_interval: Some(ends(&intervals.macro_f1)),
            protocol: evaluation.terms(),
            recordings: evaluation.recordings,
            leaks: evaluation.leaks.iter().map(ToString::to_string).collect(),
            warnings: evaluation.warnings.iter().map(ToString::to_string).collect(),
            emotions: experiment.classes.clone(),
            confusion: pooled.confusion.counts().to_vec(),
            report: report(&experiment.table.dropped, evaluated),
        }
    }
}

/// The trainings of a server.
pub(crate) struct Jobs {
    store: Arc<Store>,
    models: Arc<Models>,
    folders: Vec<PathBuf>,
    most: usize,
    /// The job under way.
    running: Mutex<Option<(i64, Arc<Watch>)>>,
    stopping: AtomicBool,
    /// The numbers of jobs of which there is something new in the store.
    news: broadcast::Sender<i64>,
    /// Whether there may be something to do.
    awake: Mutex<bool>,
    bell: Condvar,
}

impl Jobs {
    /// The trainings that the store knows; nothing is done before [`work`](Self::work). At most `most` may wait.
    pub(crate) fn new(store: Arc<Store>, models: Arc<Models>, folders: Vec<PathBuf>, most: usize) -> Self {
        Self {
            store,
            models,
            folders,
            most,
            running: Mutex::default(),
            stopping: AtomicBool::new(false),
            news: broadcast::channel(BACKLOG).0,
            awake: Mutex::new(true),
            bell: Condvar::new(),
        }
    }

    /// Starts the thread that trains.
    pub(crate) fn work(self: &Arc<Self>) -> std::io::Result<JoinHandle<()>> {
        let jobs = Arc::clone(self);
        std::thread::Builder::new().name("trainings".to_owned()).spawn(move || jobs.work_until_stopped())
    }

    /// Puts a training into the queue; gives its id. Its model answers once it is there, if it is to be promoted.
    pub(crate) fn add(&self, recipe: &Recipe, corpus: &str, promote: bool) -> Result<String, Problem> {
        let (waiting, _) = self.store.queue(0)?;
        if waiting >= self.most {
            let detail = format!("{waiting} trainings wait already; cancel one, or ask again later.");
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "queue-full", "Queue full", detail));
        }
        let id = Uuid::now_v7().to_string();
        let recipe_toml = recipe.to_toml()?;
        let job = NewJob { id: &id, recipe: &recipe.name, corpus, recipe_toml: &recipe_toml, promote };
        self.store.add_job(&job)?;
        self.wake();
        Ok(id)
    }

    /// Stops a job that waits or is under way.
    pub(crate) fn cancel(&self, job: &StoredJob) -> Result<(), Problem> {
        if self.store.cancel_queued(&job.id)? {
            metrics::counter!("stimmung_jobs_total", "state" => "cancelled").increment(1);
            self.tell(job.number);
            return Ok(());
        }
        match self.watch(job.number) {
            Some(watch) => {
                watch.cancel();
                Ok(())
            }
            None => Err(Problem::conflict("This job is over; there is nothing to cancel.")),
        }
    }

    /// How far a job under way has come.
    pub(crate) fn progress(&self, number: i64) -> Option<JobProgress> {
        Some(self.watch(number)?.progress())
    }

    fn watch(&self, number: i64) -> Option<Arc<Watch>> {
        self.running().as_ref().filter(|(running, _)| *running == number).map(|(_, watch)| Arc::clone(watch))
    }

    fn running(&self) -> MutexGuard<'_, Option<(i64, Arc<Watch>)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The numbers of jobs of which there is something new, from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<i64> {
        self.news.subscribe()
    }

    fn tell(&self, job: i64) {
        // Nobody listening is no fault.
        let _ = self.news.send(job);
    }

    fn wake(&self) {
        *self.awake.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.bell.notify_all();
    }

    /// Lets the training under way keep its checkpoint, and the thread end. The job goes on after the next start.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        if let Some((_, watch)) = self.running().as_ref() {
            watch.interrupt();
        }
        self.wake();
        // Those who listen end, too.
        self.tell(0);
    }

    /// Whether the server is about to end.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    fn work_until_stopped(&self) {
        while !self.stopping.load(Ordering::Relaxed) {
            match self.store.next_job() {
                Ok(Some(job)) => self.run(&job),
                Ok(None) => self.sleep(),
                Err(error) => {
                    tracing::error!(%error, "the queue cannot be read");
                    self.sleep();
                }
            }
        }
    }

    /// Waits until there may be something to do.
    fn sleep(&self) {
        let mut awake = self.awake.lock().unwrap_or_else(PoisonError::into_inner);
        while !*awake && !self.stopping.load(Ordering::Relaxed) {
            awake = self.bell.wait(awake).unwrap_or_else(PoisonError::into_inner);
        }
        *awake = false;
    }

    fn run(&self, job: &StoredJob) {
        if job.attempts > MOST_ATTEMPTS {
            tracing::warn!(job = job.id, "a training is given up");
            // What is there are checkpoints; without them, nothing is lost by what stays.
            let _ = std::fs::remove_dir_all(self.folder(job));
            let detail = format!(
                "The server died in each of the last {MOST_ATTEMPTS} attempts at this training, before it got any further. \
                 Most likely it takes more memory than there is; order it again if something else ended the server."
            );
            let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "given-up", "Training given up", detail);
            self.end(job, JobState::Failed, None, serde_json::to_string(&problem).ok().as_deref());
            self.tell(job.number);
            return;
        }
        tracing::info!(job = job.id, recipe = job.recipe, "a training begins");
        metrics::gauge!("stimmung_jobs_running").set(1.0);
        let watch = Arc::new(Watch::new(job.number, Arc::clone(&self.store), self.news.clone()));
        *self.running() = Some((job.number, Arc::clone(&watch)));
        // The stop may have come before the job was known to be under way.
        if self.stopping.load(Ordering::Relaxed) {
            watch.interrupt();
        }
        self.tell(job.number);
        let done = catch_unwind(AssertUnwindSafe(|| self.train(job, &watch)));
        watch.flush();
        let ended = match done {
            Ok(Err(Error::Cancelled)) if watch.is_interrupted() => None,
            Ok(Err(Error::Cancelled)) => Some((JobState::Cancelled, None, None)),
            Ok(Ok(result)) => Some((JobState::Finished, serde_json::to_string(&result).ok(), None)),
            Ok(Err(error)) => {
                tracing::warn!(job = job.id, %error, "a training failed");
                Some((JobState::Failed, None, serde_json::to_string(&Problem::from(error)).ok()))
            }
            Err(_) => {
                tracing::error!(job = job.id, "a training panicked");
                let problem = Problem::internal(&"a training panicked");
                Some((JobState::Failed, None, serde_json::to_string(&problem).ok()))
            }
        };
        if let Some((state, result, error)) = ended {
            self.end(job, state, result.as_deref(), error.as_deref());
        }
        metrics::gauge!("stimmung_jobs_running").set(0.0);
        *self.running() = None;
        self.tell(job.number);
    }

    /// Keeps how a job ended.
    fn end(&self, job: &StoredJob, state: JobState, result: Option<&str>, error: Option<&str>) {
        tracing::info!(job = job.id, ?state, "a training is over");
        if let Err(error) = self.store.end_job(&job.id, state, result, error) {
            tracing::error!(job = job.id, %error, "the end of a training cannot be kept");
        }
        let word = format!("{state:?}").to_lowercase();
        metrics::counter!("stimmung_jobs_total", "state" => word).increment(1);
    }

    /// Where a job keeps its files.
    fn folder(&self, job: &StoredJob) -> PathBuf {
        self.store.folder().join("jobs").join(&job.id)
    }

    /// The whole way from the recipe to the model.
    fn train(&self, job: &StoredJob, watch: &Watch) -> Result<JobResult, Error> {
        let recipe = Recipe::parse(&job.recipe_toml, &job.recipe)?;
        let folder = self.folder(job);
        let run = folder.join("run");
        std::fs::create_dir_all(&folder).map_err(|source| Error::Io { path: folder.clone(), source })?;
        let checkpoints = Checkpoints::beside(&run, &recipe)?;
        let trained = self.train_with(recipe, &checkpoints, watch);
        if matches!(trained, Err(Error::Cancelled)) && watch.is_interrupted() {
            return Err(Error::Cancelled);
        }
        checkpoints.discard();
        let (experiment, evaluated, model) = trained?;
        watch.saving();
        if run.exists() {
            // From a server that died between here and the end of the job.
            std::fs::remove_dir_all(&run).map_err(|source| Error::Io { path: run.clone(), source })?;
        }
        save_run(&run, &experiment, &evaluated, Some(&model))?;
        let failed =
            |problem: Problem| Error::Io { path: folder.clone(), source: std::io::Error::other(problem.detail) };
        let id = self.models.add(&model.to_bytes()?, "job", Some(&job.id)).map_err(failed)?;
        if job.promote {
            self.models.promote(&id).map_err(failed)?;
        }
        Ok(JobResult::new(id, &experiment, &evaluated))
    }

    fn train_with(
        &self,
        recipe: Recipe,
        checkpoints: &Checkpoints,
        watch: &Watch,
    ) -> Result<(Experiment, Evaluated, stimmung::models::ModelFile), Error> {
        let experiment = Experiment::prepare(recipe, &self.folders, watch)?.with_checkpoints(checkpoints.clone());
        let evaluated = experiment.evaluate(watch)?;
        let model = experiment.train(Some(&evaluated), watch)?;
        Ok((experiment, evaluated, model))
    }
}
