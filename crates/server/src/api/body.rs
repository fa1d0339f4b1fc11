//! Recordings as clients send them.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Multipart, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::state::Shared;

/// The parameters behind the `?`. Unknown ones are refused, so that a misspelt one is not passed over.
pub(super) struct Params<T>(pub(super) T);

impl<T: serde::de::DeserializeOwned, S: Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let read = Query::<T>::try_from_uri(&parts.uri);
        read.map(|Query(params)| Self(params)).map_err(|rejection| Problem::bad_request(rejection.body_text()))
    }
}

/// A body of JSON.
pub(super) struct Body<T>(pub(super) T);

impl<T: serde::de::DeserializeOwned> FromRequest<Shared> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Shared) -> Result<Self, Problem> {
        from_json(&bytes(request, state).await?).map(Self)
    }
}

/// A recording that a client asks about.
pub(super) enum Input {
    /// Its bytes.
    Audio(Bytes),
    /// One of a corpus.
    Recording(RecordingName),
}

/// A recording of a corpus.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordingName {
    /// The corpus, as in `GET /v1/corpora`.
    pub(super) corpus: String,
    /// The recording, as in `GET /v1/recordings`.
    pub(super) id: String,
}

/// A recording as a form.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct Upload {
    /// The recording's bytes.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Several recordings as a form.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct Uploads {
    /// The recordings' bytes.
    #[schema(value_type = Vec<String>, format = Binary)]
    file: Vec<Vec<u8>>,
}

/// A file of a form.
pub(super) struct FormFile {
    pub(super) name: String,
    pub(super) bytes: Bytes,
}

fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

impl FromRequest<Shared> for Input {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Shared) -> Result<Self, Problem> {
        let kind = media_type(request.headers()).to_ascii_lowercase();
        if kind == "multipart/form-data" {
            let mut files = files(request, state, 1).await?;
            return match files.pop() {
                Some(file) => Ok(Self::Audio(file.bytes)),
                None => Err(Problem::bad_request("The form has no field `file` with a recording.")),
            };
        }
        let bytes = bytes(request, state).await?;
        if kind == "application/json" {
            return from_json(&bytes).map(Self::Recording);
        }
        if bytes.is_empty() {
            let detail =
                "The body is empty: send a recording, a form with a field `file`, or JSON with `corpus` and `id`.";
            return Err(Problem::bad_request(detail));
        }
        Ok(Self::Audio(bytes))
    }
}

/// Refuses a body that says by itself that it is too large, before it is sent.
fn check_length(request: &Request, state: &Shared) -> Result<(), Problem> {
    let length =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match length {
        Some(length) if length > state.params.limits.body_bytes as u64 => {
            Err(refused(StatusCode::PAYLOAD_TOO_LARGE, String::new(), state))
        }
        _ => Ok(()),
    }
}

/// The whole body, up to the limit.
async fn bytes(request: Request, state: &Shared) -> Result<Bytes, Problem> {
    check_length(&request, state)?;
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection| refused(rejection.status(), rejection.body_text(), state))
}

/// Reads JSON, and says what is wrong with it.
fn from_json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        let status = if error.is_data() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST };
        Problem::new(status, "json", "JSON cannot be used", error.to_string())
    })
}

/// The files of a form, from its fields called `file`, at most so many.
pub(super) async fn files(request: Request, state: &Shared, most: usize) -> Result<Vec<FormFile>, Problem> {
    check_length(&request, state)?;
    let refused = |status, text| refused(status, text, state);
    let form = Multipart::from_request(request, state).await;
    let mut form = form.map_err(|rejection| refused(rejection.status(), rejection.body_text()))?;
    let mut files = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|error| refused(error.status(), error.body_text()))? {
        if field.name() != Some("file") {
            let name: String = field.name().unwrap_or_default().chars().take(80).collect();
            return Err(Problem::bad_request(format!("The form has a field {name:?}; only `file` is expected.")));
        }
        if files.len() == most {
            let detail = format!("The form has more than {most} files, which is the limit here.");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-many", "Too many recordings", detail));
        }
        let name = field.file_name().unwrap_or("recording").chars().take(255).collect();
        let bytes = field.bytes().await.map_err(|error| refused(error.status(), error.body_text()))?;
        files.push(FormFile { name, bytes });
    }
    Ok(files)
}

fn refused(status: StatusCode, text: String, state: &Shared) -> Problem {
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        let detail =
            format!("The body is larger than {} bytes, which is the limit here.", state.params.limits.body_bytes);
        return Problem::new(status, "too-large", "Body too large", detail);
    }
    Problem::plain(status, text)
}
