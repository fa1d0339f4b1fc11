//! Corrections by people.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use stimmung::corpus::{Manifest, Recording};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::body::{Body, Params};
use crate::models::id_of;
use crate::problem::Problem;
use crate::state::{Answered, Shared, State as Server};
use crate::store::{Correction, now};

/// The longest label and the longest note, in characters.
const LONGEST: (usize, usize) = (60, 2000);

/// What a person says about an answer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Said {
    /// The answer's id.
    prediction: String,
    /// What the recording expresses, as the person hears it: up to 60 characters.
    #[schema(min_length = 1)]
    label: String,
    /// Anything else, up to 2000 characters.
    #[serde(default)]
    note: String,
}

/// A correction that was kept.
#[derive(Serialize, ToSchema)]
pub(super) struct Kept {
    id: String,
    created: String,
    model: String,
    /// What the model had answered.
    predicted: String,
    /// What the person says.
    label: String,
    note: String,
    /// The recording, where it is one of a corpus.
    corpus: Option<String>,
    recording: Option<String>,
    /// The file with the audio below the data folder, where audio is kept.
    audio: Option<String>,
}

impl From<Correction> for Kept {
    fn from(it: Correction) -> Self {
        let Correction { id, created, model, predicted, label, note, corpus, recording, audio, .. } = it;
        Self { id, created, model, predicted, label, note, corpus, recording, audio }
    }
}

/// Correct an answer
///
/// Only where the server keeps corrections, and for the answers of the last while.
#[utoipa::path(post, path = "/v1/feedback", operation_id = "correct", tag = "feedback", request_body = Said, responses((status = 201, body = Kept), (status = 400), (status = 404), (status = 413), (status = 422)))]
pub(super) async fn correct(
    State(state): State<Shared>,
    Body(said): Body<Said>,
) -> Result<(StatusCode, Json<Kept>), Problem> {
    if !state.params.feedback {
        let detail = "This server keeps no corrections; whoever runs it can allow them with --feedback.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "feedback-disabled", "Corrections are not kept", detail));
    }
    let (label, note) = (said.label.trim(), said.note.trim());
    let long = label.chars().count() > LONGEST.0 || note.chars().count() > LONGEST.1;
    if label.is_empty() || long || label.chars().any(char::is_control) {
        let detail = "`label` is one word or a few, up to 60 characters; `note` has up to 2000.";
        return Err(Problem::plain(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    let answered = state.answered(&said.prediction).ok_or_else(|| {
        Problem::not_found("No answer of that id is remembered; ask again, and correct the new answer.")
    })?;
    let (label, note) = (label.to_owned(), note.to_owned());
    let kept = state.look_up(move |state| keep(state, answered, label, note)).await?;
    Ok((StatusCode::CREATED, Json(kept)))
}

fn keep(state: &Server, answered: Answered, label: String, note: String) -> Result<Kept, Problem> {
    let id = Uuid::now_v7().to_string();
    let audio = answered.audio.map(|bytes| {
        // Named by its content, so that a recording that is corrected again is the same one.
        let name = format!("{}.audio", id_of(&bytes));
        let path = state.store.folder().join("audio").join(&name);
        stimmung::write_whole(&path, &bytes).map(|()| format!("audio/{name}"))
    });
    let (corpus, recording) = answered.recording.unzip();
    let correction = Correction {
        id,
        created: now(),
        model: answered.model,
        predicted: answered.label,
        probabilities: answered.probabilities,
        label,
        note,
        corpus,
        recording,
        audio: audio.transpose()?,
    };
    state.store.add_correction(&correction)?;
    Ok(correction.into())
}

/// In which form.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Export {
    /// `json`, or `csv`: a manifest of the recordings whose audio is at hand, each with its last correction, to train on. Default
    /// `json`.
    #[serde(default)]
    format: ExportFormat,
}

/// The form of an export.
#[derive(Clone, Copy, Default, PartialEq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ExportFormat {
    #[default]
    Json,
    Csv,
}

/// All corrections.
#[derive(Serialize, ToSchema)]
pub(super) struct Corrections {
    corrections: Vec<Kept>,
}

/// All corrections, the oldest first
#[utoipa::path(
    get, path = "/v1/feedback", operation_id = "export_feedback", tag = "feedback", params(Export),
    responses((status = 200, content((Corrections = "application/json"), (String = "text/csv"))), (status = 400)),
)]
pub(super) async fn export(State(state): State<Shared>, Params(form): Params<Export>) -> Result<Response, Problem> {
    let answer = state.look_up(move |state| {
        let corrections = state.store.corrections()?;
        if form.format == ExportFormat::Json {
            let corrections = corrections.into_iter().map(Kept::from).collect();
            return Ok(Json(Corrections { corrections }).into_response());
        }
        let headers = [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
            (header::CONTENT_DISPOSITION, "attachment; filename=\"manifest.csv\""),
        ];
        Ok((headers, manifest(state, &corrections)?).into_response())
    });
    answer.await
}

/// A manifest (CSV) of the recordings whose audio is at hand, kept or in a corpus, with what was said last of each.
fn manifest(state: &Server, corrections: &[Correction]) -> Result<Vec<u8>, Problem> {
    let folder = state.store.folder().canonicalize().map_err(|error| Problem::internal(&error))?;
    // A manifest has every recording once.
    let mut recordings = BTreeMap::new();
    for it in corrections {
        let mut recording = match (&it.audio, &it.corpus, &it.recording) {
            (Some(audio), ..) => Recording::new(folder.join(audio)),
            (None, Some(corpus), Some(id)) => {
                // It may be gone by now.
                let Ok(corpus) = state.corpora.get(corpus) else { continue };
                let Ok(recording) = corpus.recording(id) else { continue };
                let path = corpus.manifest.path(recording);
                let file = std::path::absolute(&path).map_err(|error| Problem::internal(&error))?;
                Recording { file, ..recording.clone() }
            }
            _ => continue,
        };
        recording.emotion = Some(it.label.clone());
        let further =
            [("predicted", &it.predicted), ("model", &it.model), ("created", &it.created), ("note", &it.note)];
        recording.extra = further.map(|(column, value)| (column.to_owned(), value.clone())).into();
        recordings.insert(stimmung::recording_id(&recording), recording);
    }
    let recordings = recordings.into_values().collect();
    let mut table = Vec::new();
    let manifest = Manifest { name: "corrections".to_owned(), recordings, ..Manifest::default() };
    manifest.to_csv_writer(&mut table).map_err(|error| Problem::internal(&error))?;
    Ok(table)
}
