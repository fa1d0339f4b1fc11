//! The models that answer.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use stimmung::models::CardScore;
use utoipa::ToSchema;

use super::body::{Binary, Input, PathPart, Upload};
use crate::models::Working;
use crate::problem::Problem;
use crate::state::{Shared, State as Server};
use crate::store::StoredModel;

/// A model.
#[derive(Serialize, ToSchema)]
pub(super) struct Model {
    /// `embedded`, or the first 16 hexadecimal digits of the file's SHA-256.
    id: String,
    name: String,
    description: String,
    /// The kind of classifier, as in a recipe.
    kind: String,
    /// The feature set.
    features: String,
    /// What it tells apart.
    emotions: Vec<String>,
    /// Fitted numbers.
    parameters: usize,
    /// The size of its file.
    bytes: u64,
    /// When it came here; absent for the embedded one.
    created: Option<String>,
    /// `embedded`, `job` or `upload`.
    origin: String,
    /// The job that made it.
    job: Option<String>,
    /// Whether it is the one that answers.
    active: bool,
    /// Whether it was judged on voices or recordings that it had not heard.
    evaluated: bool,
    /// Whether its probabilities were calibrated.
    calibrated: bool,
    scores: Vec<Score>,
}

/// A figure, and what it holds for.
#[derive(Serialize, ToSchema)]
struct Score {
    protocol: String,
    metric: String,
    value: f64,
    /// The bounds of its 95 % interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<[f64; 2]>,
}

impl Model {
    fn new(working: &Working, stored: StoredModel, active: &str) -> Self {
        let model = working.recognizer.model();
        let score = |CardScore { protocol, metric, value, interval }: &CardScore| Score {
            protocol: protocol.clone(),
            metric: metric.clone(),
            value: *value,
            interval: *interval,
        };
        Self {
            name: model.card.name.clone(),
            description: model.card.description.clone(),
            kind: model.classifier.kind().to_owned(),
            features: model.front_end.features.name().to_owned(),
            emotions: model.classifier.classes().to_vec(),
            parameters: model.classifier.parameter_count(),
            bytes: stored.bytes,
            created: (!stored.created.is_empty()).then_some(stored.created),
            origin: stored.origin,
            job: stored.job,
            active: stored.id == active,
            evaluated: model.card.is_evaluated(),
            calibrated: model.classifier.calibration().is_some(),
            scores: model.card.scores.iter().map(score).collect(),
            id: stored.id,
        }
    }

    fn by_id(state: &Server, id: &str) -> Result<Self, Problem> {
        let working = state.models.get(Some(id))?;
        let stored = state.models.all()?.into_iter().find(|model| model.id == working.id);
        let stored = stored.ok_or_else(|| Problem::not_found("The model has just been removed."))?;
        Ok(Self::new(&working, stored, &state.models.active().id))
    }
}

/// All models.
#[derive(Serialize, ToSchema)]
pub(super) struct Models {
    /// The id of the one that answers.
    active: String,
    models: Vec<Model>,
}

/// All models
#[utoipa::path(get, path = "/v1/models", operation_id = "list_models", tag = "models", responses((status = 200, body = Models)))]
pub(super) async fn list(State(state): State<Shared>) -> Result<Json<Models>, Problem> {
    let models = state.look_up(|state| {
        let active = state.models.active().id.clone();
        let mut models = Vec::new();
        for stored in state.models.all()? {
            // One whose file was removed by hand is passed over, not fatal for the list.
            if let Ok(working) = state.models.get(Some(&stored.id)) {
                models.push(Model::new(&working, stored, &active));
            }
        }
        Ok(Models { active, models })
    });
    models.await.map(Json)
}

/// A model with everything that is known of it.
#[derive(Serialize, ToSchema)]
pub(super) struct ModelDetails {
    #[serde(flatten)]
    model: Model,
    /// What it was made from, how well it does, what it is for.
    card: serde_json::Value,
    /// What it is made of.
    summary: serde_json::Value,
}

/// A model with its card
#[utoipa::path(
    get, path = "/v1/models/{id}", operation_id = "show_model", tag = "models", params(("id" = String, Path, description = "The model's id", example = "embedded")),
    responses((status = 200, body = ModelDetails), (status = 400), (status = 404)),
)]
pub(super) async fn show(State(state): State<Shared>, PathPart(id): PathPart) -> Result<Json<ModelDetails>, Problem> {
    let details = state.look_up(move |state| {
        let working = state.models.get(Some(&id))?;
        let file = working.recognizer.model();
        // A list of hashes, of no use to a reader.
        let mut card = file.card.clone();
        card.data.fingerprints.clear();
        Ok(ModelDetails {
            model: Model::by_id(state, &id)?,
            card: serde_json::to_value(&card).map_err(|error| Problem::internal(&error))?,
            summary: serde_json::to_value(file.classifier.summary()).map_err(|error| Problem::internal(&error))?,
        })
    });
    details.await.map(Json)
}

/// A model's file
#[utoipa::path(
    get, path = "/v1/models/{id}/file", operation_id = "model_file", tag = "models", params(("id" = String, Path, description = "The model's id", example = "embedded")),
    responses((status = 200, body = Binary, content_type = "application/octet-stream"), (status = 400), (status = 404)),
)]
pub(super) async fn file(State(state): State<Shared>, PathPart(id): PathPart) -> Result<Response, Problem> {
    let (name, bytes) = state
        .look_up(move |state| {
            let bytes = state.models.bytes(&id)?;
            Ok((id, bytes))
        })
        .await?;
    let disposition = format!("attachment; filename=\"{name}.stimmung\"");
    let headers =
        [(header::CONTENT_TYPE, "application/octet-stream".to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, bytes).into_response())
}

/// Bring a model file
///
/// It can then be asked for by its id, and promoted. One that is here already is no fault.
#[utoipa::path(
    post, path = "/v1/models", operation_id = "upload_model", tag = "models",
    request_body(content((Binary = "application/octet-stream"), (Upload = "multipart/form-data"))),
    responses((status = 201, body = Model), (status = 400), (status = 413), (status = 422)),
)]
pub(super) async fn upload(State(state): State<Shared>, input: Input) -> Result<(StatusCode, Json<Model>), Problem> {
    let bytes = match input {
        Input::Audio(bytes) => bytes,
        Input::Recording(_) => return Err(Problem::bad_request("Send the model's file.")),
    };
    let model = state.look_up(move |state| {
        let id = state.models.add(&bytes, "upload", None)?;
        Model::by_id(state, &id)
    });
    Ok((StatusCode::CREATED, Json(model.await?)))
}

/// Let a model answer from now on
///
/// Requests in flight end with the model that they began with.
#[utoipa::path(
    post, path = "/v1/models/{id}/promote", operation_id = "promote_model", tag = "models", params(("id" = String, Path, description = "The model's id", example = "embedded")),
    responses((status = 200, body = Model), (status = 400), (status = 404)),
)]
pub(super) async fn promote(State(state): State<Shared>, PathPart(id): PathPart) -> Result<Json<Model>, Problem> {
    let model = state.look_up(move |state| {
        state.models.promote(&id)?;
        tracing::info!(model = id, "a model was promoted");
        Model::by_id(state, &id)
    });
    model.await.map(Json)
}

/// Remove a model that does not answer
#[utoipa::path(
    delete, path = "/v1/models/{id}", operation_id = "remove_model", tag = "models", params(("id" = String, Path, description = "The model's id", example = "embedded")),
    responses((status = 204), (status = 400), (status = 404), (status = 409)),
)]
pub(super) async fn remove(State(state): State<Shared>, PathPart(id): PathPart) -> Result<StatusCode, Problem> {
    state.look_up(move |state| state.models.remove(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
