//! Trainings: started, watched, stopped.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, stream};
use serde::{Deserialize, Serialize};
use stimmung::Recipe;
use stimmung::corpus::Layout;
use stimmung::recipe::Override;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;

use super::body::{Body, PathPart};
use super::{documents, recipes};
use crate::Scope;
use crate::jobs::{JobProgress, JobResult};
use crate::models::shortened;
use crate::problem::Problem;
use crate::server::Access;
use crate::state::{Shared, State as Server};
use crate::store::{Event, JobState, StoredJob};

/// What is to be trained.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Order {
    /// A recipe by its name, as in `GET /v1/recipes`. Default `default`, unless `recipe_toml` is given.
    pub(super) recipe: Option<String>,
    /// A recipe's text. Its corpus is one of the server's, by name.
    pub(super) recipe_toml: Option<String>,
    /// The corpus, in place of the recipe's.
    pub(super) corpus: Option<String>,
    /// Keys of the recipe with their values, such as `{"seed": 2, "model.shrinkage": 0.7}`.
    pub(super) set: BTreeMap<String, serde_json::Value>,
    /// Whether the model answers once it is there. Needs the scope `admin` where keys are needed. Default no.
    pub(super) promote: bool,
}

/// A training.
#[derive(Serialize, ToSchema)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) state: JobState,
    /// The recipe's name.
    recipe: String,
    /// The corpus's name.
    corpus: String,
    created: String,
    started: Option<String>,
    ended: Option<String>,
    /// Its place in the queue, from 1, while it waits.
    position: Option<usize>,
    /// How far it has come, while it runs.
    pub(super) progress: Option<JobProgress>,
    /// What came of it, once it is finished.
    pub(super) result: Option<JobResult>,
    /// What can be had of it then at `/v1/jobs/{id}/documents/NAME`: report, slides, notebook, card, and all files of the run.
    documents: Vec<&'static str>,
    /// Why it failed, if it did.
    error: Option<serde_json::Value>,
    /// The recipe with every default written out.
    recipe_text: String,
}

impl Job {
    fn new(state: &Server, stored: StoredJob) -> Result<Self, Problem> {
        let waits = stored.state == JobState::Queued;
        let position = if waits { Some(state.store.queue(stored.number)?.1) } else { None };
        let finished = stored.state == JobState::Finished;
        Ok(Self {
            position,
            documents: if finished { documents::NAMES.to_vec() } else { Vec::new() },
            progress: state.jobs.progress(stored.number),
            result: stored.result.and_then(|text| serde_json::from_str(&text).ok()),
            error: stored.error.and_then(|text| serde_json::from_str(&text).ok()),
            id: stored.id,
            state: stored.state,
            recipe: stored.recipe,
            corpus: stored.corpus,
            created: stored.created,
            started: stored.started,
            ended: stored.ended,
            recipe_text: stored.recipe_toml,
        })
    }

    /// A job as it stands.
    pub(super) fn by_id(state: &Server, id: &str) -> Result<Self, Problem> {
        Self::new(state, stored(state, id)?)
    }
}

pub(super) fn stored(state: &Server, id: &str) -> Result<StoredJob, Problem> {
    state
        .store
        .job(id)?
        .ok_or_else(|| Problem::not_found(format!("There is no job {:?}; GET /v1/jobs lists them.", shortened(id))))
}

/// The recipe of an order, which may name nothing beyond the server's corpora.
pub(super) fn recipe_of(state: &Server, order: &Order) -> Result<(Recipe, String), Problem> {
    let refuse =
        |detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "recipe", "Recipe cannot be used", detail);
    let (text, origin) = match (&order.recipe, &order.recipe_toml) {
        (Some(_), Some(_)) => return Err(refuse("Give either `recipe` or `recipe_toml`, not both.".into())),
        (None, Some(text)) => (text.clone(), "recipe_toml"),
        (name, None) => {
            let name = name.as_deref().unwrap_or("default");
            let text = recipes::text(name).ok_or_else(|| {
                refuse(format!("There is no recipe {:?}; GET /v1/recipes lists them.", shortened(name)))
            })?;
            (text, name)
        }
    };
    let mut overrides = Vec::new();
    if let Some(corpus) = &order.corpus {
        overrides.push(Override::section("corpus", "name", corpus));
    }
    for (key, value) in &order.set {
        let toml = toml::Value::try_from(value);
        let toml = toml.map_err(|_| refuse(format!("`{}` cannot be null.", shortened(key))))?;
        overrides.push(Override::new(key, toml));
    }
    // What was published beside it, and what was chosen by it, is not trained.
    let recipe = Recipe { reference: None, select: None, ..Recipe::with_overrides(&text, origin, &overrides)? };
    recipe.check_makes_model()?;
    let section = &recipe.corpus;
    let Some(corpus) = &section.name else {
        return Err(refuse("On a server, `[corpus]` has a `name`: one of those that GET /v1/corpora lists.".into()));
    };
    if section.layout.as_deref().is_some_and(|layout| Layout::by_name(layout).is_err()) {
        return Err(refuse("On a server, `[corpus] layout` is one of the built-in ones.".into()));
    }
    let name = state.corpora.get(corpus)?.name.clone();
    Ok((recipe, name))
}

/// Start a training
///
/// It is judged by the recipe's protocol, then trained on everything; `GET /v1/jobs/{id}` tells how far it is.
#[utoipa::path(post, path = "/v1/train", operation_id = "start_job", tag = "training", request_body = Order, responses((status = 202, body = Job), (status = 400), (status = 404), (status = 413), (status = 422), (status = 503)))]
pub(super) async fn start(
    State(state): State<Shared>,
    access: Access,
    Body(order): Body<Order>,
) -> Result<Response, Problem> {
    if order.promote {
        access.require(Scope::Admin)?;
    }
    let job = state.look_up(move |state| {
        let (recipe, corpus) = recipe_of(state, &order)?;
        let id = state.jobs.add(&recipe, &corpus, order.promote)?;
        Job::by_id(state, &id)
    });
    let job = job.await?;
    let location = [(header::LOCATION, format!("/v1/jobs/{}", job.id))];
    Ok((StatusCode::ACCEPTED, location, Json(job)).into_response())
}

/// All jobs.
#[derive(Serialize, ToSchema)]
pub(super) struct JobList {
    jobs: Vec<Job>,
}

/// All trainings, the newest first
#[utoipa::path(get, path = "/v1/jobs", operation_id = "list_jobs", tag = "training", responses((status = 200, body = JobList)))]
pub(super) async fn list(State(state): State<Shared>) -> Result<Json<JobList>, Problem> {
    let jobs = state.look_up(|state| {
        let jobs = state.store.jobs()?.into_iter().map(|stored| Job::new(state, stored));
        Ok(JobList { jobs: jobs.collect::<Result<_, _>>()? })
    });
    jobs.await.map(Json)
}

/// A training
#[utoipa::path(
    get, path = "/v1/jobs/{id}", operation_id = "show_job", tag = "training", params(("id" = String, Path, description = "The job's id")),
    responses((status = 200, body = Job), (status = 400), (status = 404)),
)]
pub(super) async fn show(State(state): State<Shared>, PathPart(id): PathPart) -> Result<Json<Job>, Problem> {
    state.look_up(move |state| Job::by_id(state, &id)).await.map(Json)
}

/// Cancel a training
///
/// One that is under way stops at the end of its epoch.
#[utoipa::path(
    delete, path = "/v1/jobs/{id}", operation_id = "cancel_job", tag = "training", params(("id" = String, Path, description = "The job's id")),
    responses((status = 202, body = Job), (status = 400), (status = 404), (status = 409)),
)]
pub(super) async fn cancel(
    State(state): State<Shared>,
    PathPart(id): PathPart,
) -> Result<(StatusCode, Json<Job>), Problem> {
    let job = state.look_up(move |state| {
        state.jobs.cancel(&stored(state, &id)?)?;
        Job::by_id(state, &id)
    });
    Ok((StatusCode::ACCEPTED, Json(job.await?)))
}

/// The course of a training.
#[derive(Serialize, ToSchema)]
pub(super) struct History {
    /// Epoch by epoch: fold, epoch, loss, accuracy.
    epochs: Vec<serde_json::Value>,
    /// Fold by fold: its figures.
    folds: Vec<serde_json::Value>,
}

/// The course of a training so far
#[utoipa::path(
    get, path = "/v1/jobs/{id}/history", operation_id = "job_history", tag = "training", params(("id" = String, Path, description = "The job's id")),
    responses((status = 200, body = History), (status = 400), (status = 404)),
)]
pub(super) async fn history(State(state): State<Shared>, PathPart(id): PathPart) -> Result<Json<History>, Problem> {
    let history = state.look_up(move |state| {
        let mut history = History { epochs: Vec::new(), folds: Vec::new() };
        for event in state.store.events(stored(state, &id)?.number, 0)? {
            let list = if event.kind == "epoch" { &mut history.epochs } else { &mut history.folds };
            list.extend(serde_json::from_str(&event.data).ok());
        }
        Ok(history)
    });
    history.await.map(Json)
}

/// What is sent of a training as it goes on.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct SentEvent {
    /// The number to go on from; `job` has none.
    id: Option<String>,
    /// `job`, `epoch` or `fold`.
    event: String,
    /// JSON: the job as `GET /v1/jobs/{id}` gives it, or an entry of its history.
    data: String,
}

/// A training as it goes on
///
/// Server-sent events: `job` with the job, whenever that changes; `epoch` and `fold` with the course of the training. With the header
/// `Last-Event-ID` a client goes on where it was cut off. The stream ends when the job is over.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/events", operation_id = "job_events", tag = "training",
    params(
        ("id" = String, Path, description = "The job's id"),
        ("Last-Event-ID" = Option<i64>, Header, minimum = 0, description = "The last event that the client has seen"),
    ),
    responses((status = 200, body = SentEvent, content_type = "text/event-stream"), (status = 400), (status = 404)),
)]
pub(super) async fn events(
    State(state): State<Shared>,
    PathPart(id): PathPart,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Sent, Infallible>>>, Problem> {
    let seen = headers.get("last-event-id").map(|value| value.to_str().ok().and_then(|it| it.parse().ok()));
    let seen: i64 = match seen {
        None => 0,
        Some(Some(number)) if number >= 0 => number,
        Some(_) => return Err(Problem::bad_request("Last-Event-ID is the number of an event.")),
    };
    // Before the store is read, so that nothing falls between the two.
    let news = state.jobs.listen();
    let job = state.look_up(move |state| stored(state, &id)).await?;
    let feed =
        Feed { state, job: job.id, number: job.number, seen, news, ready: VecDeque::new(), begun: false, over: false };
    let events = stream::unfold(feed, |mut feed| async move {
        let sent = feed.next().await?;
        Some((Ok(sent), feed))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// What is sent to one listener.
struct Feed {
    state: Shared,
    job: String,
    number: i64,
    /// The number of the last event that was sent.
    seen: i64,
    news: Receiver<i64>,
    ready: VecDeque<Sent>,
    /// Whether the listener knows how the job stood when it came.
    begun: bool,
    over: bool,
}

impl Feed {
    /// What is to be sent next; `None` after the end.
    async fn next(&mut self) -> Option<Sent> {
        loop {
            if let Some(sent) = self.ready.pop_front() {
                return Some(sent);
            }
            if self.over {
                return None;
            }
            if self.begun {
                self.wait().await?;
            }
            self.begun = true;
            self.catch_up().await?;
        }
    }

    /// Waits for news of this job; `None` when the server is to stop, so that nobody who listens holds it up.
    async fn wait(&mut self) -> Option<()> {
        loop {
            let news = self.news.recv().await;
            if self.state.jobs.is_stopping() {
                return None;
            }
            match news {
                Ok(job) if job == self.number => return Some(()),
                Ok(_) => {}
                // The store has what was missed.
                Err(RecvError::Lagged(_)) => return Some(()),
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// Gets ready what the store has beyond what was sent, and the job as it stands.
    async fn catch_up(&mut self) -> Option<()> {
        let (id, number, seen) = (self.job.clone(), self.number, self.seen);
        let read = self.state.look_up(move |state| {
            // The job first: when it is over, its events are complete.
            let job = Job::by_id(state, &id)?;
            Ok((job, state.store.events(number, seen)?))
        });
        let (job, events) = read.await.ok()?;
        for Event { number, kind, data } in events {
            self.seen = number;
            self.ready.push_back(Sent::default().id(number.to_string()).event(kind).data(data));
        }
        self.over = job.state.is_over();
        self.ready.push_back(Sent::default().event("job").json_data(&job).ok()?);
        Some(())
    }
}
