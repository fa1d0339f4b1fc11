//! Recordings in, emotions out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Request, State};
use serde::{Deserialize, Serialize};
use stimmung::RecordingError;
use stimmung::audio::{DecodeLimits, Stream};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::body::{Binary, FormFile, Input, Params, RecordingName, Upload, Uploads, files};
use crate::corpora::Corpus;
use crate::models::Working;
use crate::problem::Problem;
use crate::state::{Answered, Shared, State as Server};

/// Which model is asked.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// The id of a model, as in `GET /v1/models`; by default the one that was promoted.
    model: Option<String>,
}

/// An answer.
#[derive(Clone, Serialize, ToSchema)]
pub(super) struct Prediction {
    /// The answer's id, by which it can be corrected.
    id: String,
    /// The model that answered.
    model: String,
    /// The most probable emotion.
    pub(super) label: String,
    /// Its probability.
    pub(super) confidence: f32,
    /// The probability of every emotion that the model knows; they add up to 1.
    pub(super) probabilities: BTreeMap<String, f32>,
    /// Whether the probabilities were calibrated on voices that the model had not heard.
    calibrated: bool,
    /// Seconds of audio heard.
    seconds: f64,
    /// Segments that were judged on their own and then pooled.
    segments: usize,
    /// Reasons to doubt the answer.
    warnings: Vec<Warned>,
    timing: Timing,
    /// What the corpus says, for one of its recordings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) truth: Option<String>,
}

/// A reason to doubt an answer.
#[derive(Clone, Serialize, ToSchema)]
struct Warned {
    /// `short`, `little-speech`, `quiet`, `clipped`, `narrow-band`, `unlike-training`.
    code: &'static str,
    message: String,
}

/// Where the time went, in milliseconds.
#[derive(Clone, Serialize, ToSchema)]
struct Timing {
    /// All of the work, without waiting for its turn.
    total_ms: f64,
}

/// Ask about a recording
///
/// The body is the recording itself (WAV, FLAC, MP3, Ogg, Opus, AAC, AIFF or WebM), a form with a field `file`, or a recording of a
/// corpus by its id, as JSON.
#[utoipa::path(
    post, path = "/v1/predict", operation_id = "predict", tag = "answers", params(Which),
    request_body(content(
        (RecordingName = "application/json"), (Upload = "multipart/form-data"), (Binary = "application/octet-stream"),
    )),
    responses((status = 200, body = Prediction), (status = 400), (status = 404), (status = 413), (status = 415), (status = 422), (status = 503)),
)]
pub(super) async fn one(
    State(state): State<Shared>,
    Params(Which { model }): Params<Which>,
    input: Input,
) -> Result<Json<Prediction>, Problem> {
    let prediction = state.work(move |state| {
        let model = state.models.get(model.as_deref())?;
        match input {
            Input::Audio(bytes) => of_bytes(state, &model, bytes),
            Input::Recording(name) => of_recording(state, &model, &*state.corpora.get(&name.corpus)?, &name.id),
        }
    });
    prediction.await.map(Json)
}

/// The answers to a batch, in the order of its recordings.
#[derive(Serialize, ToSchema)]
pub(super) struct Batch {
    results: Vec<BatchResult>,
}

/// What came of one recording.
#[derive(Serialize, ToSchema)]
pub(super) struct BatchResult {
    /// The file's name.
    name: String,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Prediction(Box<Prediction>),
    Error(Problem),
}

/// Ask about several recordings
///
/// Each is answered on its own: a broken one costs the others nothing.
#[utoipa::path(
    post, path = "/v1/predict/batch", operation_id = "predict_batch", tag = "answers", params(Which),
    request_body(content = Uploads, content_type = "multipart/form-data"),
    responses((status = 200, body = Batch), (status = 400), (status = 404), (status = 413), (status = 503)),
)]
pub(super) async fn batch(
    State(state): State<Shared>,
    Params(Which { model }): Params<Which>,
    request: Request,
) -> Result<Json<Batch>, Problem> {
    let files = files(request, &state, state.params.limits.batch).await?;
    if files.is_empty() {
        return Err(Problem::bad_request("The form has no field `file` with a recording."));
    }
    let model = state.look_up(move |state| state.models.get(model.as_deref())).await?;
    // Each takes its own turn, so that a large batch does not hold the others up.
    let answers = files.into_iter().map(|FormFile { name, bytes }| {
        let (state, model) = (Arc::clone(&state), Arc::clone(&model));
        async move {
            let answer = state.work(move |state| of_bytes(state, &model, bytes)).await;
            let outcome = match answer {
                Ok(prediction) => Outcome::Prediction(Box::new(prediction)),
                Err(problem) => Outcome::Error(problem),
            };
            BatchResult { name, outcome }
        }
    });
    let at_once = state.params.limits.at_once;
    let results = futures_util::StreamExt::collect(futures_util::StreamExt::buffered(
        futures_util::stream::iter(answers),
        at_once,
    ));
    Ok(Json(Batch { results: results.await }))
}

/// How long a recording may be.
pub(super) fn limits(state: &Server) -> DecodeLimits {
    DecodeLimits { max_seconds: state.params.limits.seconds }
}

/// A stream of what a client sent.
pub(super) fn open(bytes: Bytes) -> Result<Stream, Problem> {
    let stream = Stream::from_bytes(Vec::from(bytes), None);
    Ok(stream.map_err(|error| stimmung::Error::from(RecordingError::from(error)))?)
}

fn of_bytes(state: &Server, model: &Working, bytes: Bytes) -> Result<Prediction, Problem> {
    let started = Instant::now();
    let audio = state.params.keep_audio.then(|| Arc::from(&bytes[..]));
    let heard = model.recognizer.recognize_stream(open(bytes)?, &limits(state))?;
    Ok(answer(state, model, heard, started, None, audio))
}

/// The answer for a recording of a corpus, with what the corpus says.
pub(super) fn of_recording(state: &Server, model: &Working, corpus: &Corpus, id: &str) -> Result<Prediction, Problem> {
    let started = Instant::now();
    let recording = corpus.recording(id)?;
    let waveform = stimmung::hear(&corpus.manifest, recording).map_err(stimmung::Error::from)?;
    let heard = model.recognizer.recognize(&waveform)?;
    let name = (corpus.name.clone(), stimmung::recording_id(recording));
    let mut prediction = answer(state, model, heard, started, Some(name), None);
    prediction.truth.clone_from(&recording.emotion);
    Ok(prediction)
}

fn answer(
    state: &Server,
    model: &Working,
    heard: stimmung::Prediction,
    started: Instant,
    recording: Option<(String, String)>,
    audio: Option<Arc<[u8]>>,
) -> Prediction {
    let took = started.elapsed();
    crate::metrics::prediction(&model.id, &heard.label, took);
    let warned = |warning: stimmung::Warning| Warned { code: warning.code.as_str(), message: warning.message };
    let prediction = Prediction {
        id: Uuid::new_v4().to_string(),
        model: model.id.clone(),
        confidence: heard.probabilities.get(&heard.label).copied().unwrap_or_default(),
        label: heard.label,
        probabilities: heard.probabilities,
        calibrated: model.recognizer.model().classifier.calibration().is_some(),
        seconds: heard.seconds,
        segments: heard.segments,
        warnings: heard.warnings.into_iter().map(warned).collect(),
        timing: Timing { total_ms: (took.as_secs_f64() * 1e6).round() / 1e3 },
        truth: None,
    };
    if state.params.feedback {
        state.remember(Answered {
            id: prediction.id.clone(),
            model: prediction.model.clone(),
            label: prediction.label.clone(),
            probabilities: serde_json::to_string(&prediction.probabilities).unwrap_or_default(),
            recording,
            audio,
        });
    }
    prediction
}
