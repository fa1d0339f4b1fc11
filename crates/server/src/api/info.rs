//! The server itself: what it is, whether it is well, what it has done.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;
use stimmung::timeline::TimelineParams;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::state::Shared;

/// What a client may want to know before it asks.
#[derive(Serialize, ToSchema)]
pub(super) struct Info {
    /// The program's version.
    version: &'static str,
    /// The id of the model that answers.
    model: String,
    /// Whether corrections are kept.
    feedback: bool,
    /// Whether a key is needed.
    keys: bool,
    limits: InfoLimits,
    stream: InfoStream,
}

/// How a stream is heard, unless it asks for something else.
#[derive(Serialize, ToSchema)]
struct InfoStream {
    /// Seconds of the stretch that an answer is for.
    window: f64,
    /// Seconds from one answer to the next.
    hop: f64,
}

/// What a request may ask for.
#[derive(Serialize, ToSchema)]
struct InfoLimits {
    /// The largest body in bytes.
    body_bytes: usize,
    /// The longest recording in seconds.
    seconds: f64,
    /// Recordings in a batch.
    batch: usize,
}

/// What the server is and allows
#[utoipa::path(get, path = "/v1/info", operation_id = "info", tag = "server", responses((status = 200, body = Info)))]
pub(super) async fn info(State(state): State<Shared>) -> Result<Json<Info>, Problem> {
    let limits = &state.params.limits;
    let TimelineParams { window, hop, .. } = TimelineParams::default();
    Ok(Json(Info {
        version: env!("CARGO_PKG_VERSION"),
        model: state.models.active().id.clone(),
        feedback: state.params.feedback,
        keys: state.needs_keys(),
        limits: InfoLimits { body_bytes: limits.body_bytes, seconds: limits.seconds, batch: limits.batch },
        stream: InfoStream { window, hop },
    }))
}

/// Whether the process answers
#[utoipa::path(get, path = "/health", operation_id = "health", tag = "server", responses((status = 200, body = serde_json::Value)))]
pub(super) async fn health() -> Json<serde_json::Value> {
    Json(json!({ "status": "ok" }))
}

/// Whether the server can do its work: its model is loaded, and its store answers
#[utoipa::path(get, path = "/ready", operation_id = "ready", tag = "server", responses((status = 200, body = serde_json::Value)))]
pub(super) async fn ready(State(state): State<Shared>) -> Result<Json<serde_json::Value>, Problem> {
    let model = state.models.active().id.clone();
    state.look_up(|state| Ok(state.store.active()?)).await?;
    Ok(Json(json!({ "status": "ready", "model": model })))
}

/// Counters and clocks in Prometheus' text format
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "server", responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn metrics(State(state): State<Shared>) -> Result<Response, Problem> {
    let text = state
        .look_up(|state| {
            let (waiting, _) = state.store.queue(0)?;
            metrics::gauge!("stimmung_jobs_queued").set(waiting as f64);
            let active = state.models.active().id.clone();
            for model in state.models.all()? {
                let is_active = f64::from(u8::from(model.id == active));
                metrics::gauge!("stimmung_model_active", "model" => model.id).set(is_active);
            }
            Ok(crate::metrics::render())
        })
        .await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}
