//! Recordings as clients send them.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Multipart, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt;
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

/// The part of the path that the route leaves open.
pub(super) struct PathPart<T = String>(pub(super) T);

impl<T: serde::de::DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for PathPart<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = Path::from_request_parts(parts, state).await;
        read.map(|Path(part)| Self(part)).map_err(|rejection| Problem::plain(rejection.status(), rejection.body_text()))
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
    #[schema(example = "emodb")]
    pub(super) corpus: String,
    /// The recording, as in `GET /v1/recordings`.
    #[schema(example = "03a01Fa")]
    pub(super) id: String,
}

/// Bytes as they are.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub(super) struct Binary(#[expect(dead_code, reason = "only its schema is used")] Vec<u8>);

/// A recording as a form.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct Upload {
    /// The recording's bytes.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Several recordings as a form.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct Uploads {
    /// The recordings' bytes.
    #[schema(value_type = Vec<String>, format = Binary, min_items = 1)]
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

/// The length of a body, if it says so itself. One that is too large is refused, before it is sent.
fn length(request: &Request, state: &Shared) -> Result<Option<usize>, Problem> {
    let header = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    match header.and_then(|length| length.parse::<u64>().ok()) {
        Some(length) if length > state.params.limits.body_bytes as u64 => Err(too_large(state)),
        length => Ok(length.map(|length| length as usize)),
    }
}

/// The whole body, up to the limit. It is in memory once, and in one piece, which goes back to the system as soon as it is dropped.
async fn bytes(request: Request, state: &Shared) -> Result<Bytes, Problem> {
    // What is promised and does not come is to take no memory.
    let mut bytes = Vec::with_capacity(length(&request, state)?.unwrap_or_default().min(1 << 20));
    let mut blocks = request.into_body().into_data_stream();
    while let Some(block) = blocks.next().await {
        let block = block.map_err(|error| Problem::bad_request(format!("The body broke off: {error}.")))?;
        if bytes.len() + block.len() > state.params.limits.body_bytes {
            return Err(too_large(state));
        }
        bytes.extend_from_slice(&block);
    }
    Ok(bytes.into())
}

/// Reads an object of JSON, and says what is wrong with it.
fn from_json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let refuse = |status, detail: String| Problem::new(status, "json", "JSON cannot be used", detail);
    // Serde would take the fields from a list as well, in their order, and a list of nothing for all the defaults.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(refuse(StatusCode::UNPROCESSABLE_ENTITY, "an object is expected, not a list".to_owned()));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let status = if error.is_data() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST };
        refuse(status, error.to_string())
    })
}

/// The files of a form, from its fields called `file`, at most so many.
pub(super) async fn files(request: Request, state: &Shared, most: usize) -> Result<Vec<FormFile>, Problem> {
    length(&request, state)?;
    let refused = |status, text| match status {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(state),
        status => Problem::plain(status, text),
    };
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

fn too_large(state: &Shared) -> Problem {
    let detail = format!("The body is larger than {} bytes, which is the limit here.", state.params.limits.body_bytes);
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Body too large", detail)
}
