//! Errors as the client sees them: problem documents (RFC 9457).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use stimmung::audio::AudioError;
use stimmung::{Error, RecordingError};
use utoipa::ToSchema;

tokio::task_local! {
    /// The id of the request at hand.
    pub(crate) static REQUEST_ID: String;
}

/// What went wrong, as `application/problem+json` (RFC 9457).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Problem {
    /// Which kind of problem: `about:blank` where the status says it all, otherwise `urn:stimmung:` and a word that
    /// programs can rely on.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong here, and what to do about it.
    pub detail: String,
    /// The id of the request, as in the header `x-request-id` and in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Problem {
    /// A problem of a kind of its own.
    pub(crate) fn new(status: StatusCode, word: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:stimmung:{word}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            request_id: None,
        }
    }

    /// A problem whose status says it all.
    pub(crate) fn plain(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error").to_owned();
        Self { kind: "about:blank".to_owned(), title, status: status.as_u16(), detail: detail.into(), request_id: None }
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::plain(StatusCode::BAD_REQUEST, detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::plain(StatusCode::NOT_FOUND, detail)
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::plain(StatusCode::CONFLICT, detail)
    }

    /// Something is wrong with the server: the client learns no more than that, the log everything.
    pub(crate) fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        Self::plain(StatusCode::INTERNAL_SERVER_ERROR, "The server failed; its log says why.")
    }

    /// What a recording could not be answered for.
    fn of_recording(error: &RecordingError) -> Self {
        let detail = error.to_string();
        match error {
            RecordingError::Audio(error) => Self::of_audio(error),
            RecordingError::TooShort { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "too-short", "Recording too short", detail)
            }
            RecordingError::Silent { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "silent", "Nothing to hear", detail)
            }
            _ => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unusable", "Recording cannot be used", detail),
        }
    }

    fn of_audio(error: &AudioError) -> Self {
        let detail = error.to_string();
        match error {
            AudioError::Limit { .. } => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-long", "Recording too long", detail)
            }
            AudioError::NotAudio { .. } | AudioError::Unsupported { .. } => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not-decodable",
                "Not a format that can be decoded",
                detail,
            ),
            AudioError::Io { .. } => Self::internal(error),
            _ => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "damaged", "Damaged recording", detail),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match &error {
            Error::Recording(recording) => Self::of_recording(recording),
            Error::Recipe { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "recipe", "Recipe cannot be used", error.to_string())
            }
            Error::Io { .. } => Self::internal(&error),
            _ => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unusable", "Cannot be done", error.to_string()),
        }
    }
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        Self::internal(&error)
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        self.request_id = REQUEST_ID.try_with(Clone::clone).ok();
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}
