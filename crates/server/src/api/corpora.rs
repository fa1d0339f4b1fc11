//! The labelled recordings that the server knows.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use stimmung::corpus::{Recording, Sex};
use utoipa::{IntoParams, ToSchema};

use super::body::{Binary, Params};
use crate::problem::Problem;
use crate::state::Shared;

/// A corpus.
#[derive(Serialize, ToSchema)]
struct CorpusEntry {
    /// What it is asked for by.
    name: String,
    title: String,
    /// Recordings with an emotion or without.
    recordings: usize,
    /// Files that were left out.
    dropped: usize,
    /// Speakers that are known.
    speakers: usize,
    /// How many recordings each emotion has.
    emotions: BTreeMap<String, usize>,
}

/// All corpora.
#[derive(Serialize, ToSchema)]
pub(super) struct CorpusList {
    corpora: Vec<CorpusEntry>,
}

/// All corpora
#[utoipa::path(get, path = "/v1/corpora", operation_id = "list_corpora", tag = "corpora", responses((status = 200, body = CorpusList)))]
pub(super) async fn list(State(state): State<Shared>) -> Result<Json<CorpusList>, Problem> {
    let list = state.look_up(|state| {
        let opened = state.corpora.names().filter_map(|name| state.corpora.get(name).ok());
        let corpora = opened.map(|corpus| CorpusEntry {
            name: corpus.name.clone(),
            title: corpus.title.clone(),
            recordings: corpus.manifest.recordings.len(),
            dropped: corpus.manifest.dropped.len(),
            speakers: corpus.manifest.speakers().len(),
            emotions: corpus.manifest.emotions(),
        });
        Ok(CorpusList { corpora: corpora.collect() })
    });
    list.await.map(Json)
}

/// Which recordings.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// The corpus.
    #[param(example = "emodb")]
    corpus: String,
    /// Only those of this emotion.
    emotion: Option<String>,
    /// Only those of this speaker.
    speaker: Option<String>,
    /// Only those in whose id or text this occurs, without regard to case.
    query: Option<String>,
    /// How many to pass over. Default 0.
    #[serde(default)]
    offset: usize,
    /// How many to list, at most 1000. Default 100.
    limit: Option<usize>,
}

/// A recording of a corpus.
#[derive(Serialize, ToSchema)]
pub(super) struct RecordingEntry {
    corpus: String,
    id: String,
    speaker: Option<String>,
    emotion: Option<String>,
    text: Option<String>,
    take: Option<String>,
    /// `female` or `male`.
    sex: Option<&'static str>,
    age: Option<String>,
}

/// A part of the recordings.
#[derive(Serialize, ToSchema)]
pub(super) struct RecordingList {
    /// How many there are in all.
    total: usize,
    recordings: Vec<RecordingEntry>,
}

impl Filter {
    fn keeps(&self, recording: &Recording, id: &str) -> bool {
        let is = |wanted: &Option<String>, has: &Option<String>| wanted.is_none() || wanted == has;
        let words = self.query.as_deref().unwrap_or_default().to_lowercase();
        let text = recording.text.as_deref().unwrap_or_default().to_lowercase();
        is(&self.emotion, &recording.emotion)
            && is(&self.speaker, &recording.speaker)
            && (id.to_lowercase().contains(&words) || text.contains(&words))
    }
}

/// The recordings of a corpus
#[utoipa::path(get, path = "/v1/recordings", operation_id = "list_recordings", tag = "corpora", params(Filter), responses((status = 200, body = RecordingList), (status = 400), (status = 404)))]
pub(super) async fn recordings(
    State(state): State<Shared>,
    Params(filter): Params<Filter>,
) -> Result<Json<RecordingList>, Problem> {
    let list = state.look_up(move |state| {
        let corpus = state.corpora.get(&filter.corpus)?;
        let limit = filter.limit.unwrap_or(100).min(1000);
        let (mut total, mut recordings) = (0, Vec::new());
        for recording in &corpus.manifest.recordings {
            let id = stimmung::recording_id(recording);
            if !filter.keeps(recording, &id) {
                continue;
            }
            if total >= filter.offset && recordings.len() < limit {
                recordings.push(RecordingEntry {
                    corpus: corpus.name.clone(),
                    id,
                    speaker: recording.speaker.clone(),
                    emotion: recording.emotion.clone(),
                    text: recording.text.clone(),
                    take: recording.take.clone(),
                    sex: recording.sex.map(Sex::as_str),
                    age: recording.age.clone(),
                });
            }
            total += 1;
        }
        Ok(RecordingList { total, recordings })
    });
    list.await.map(Json)
}

/// Which recording.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Name {
    /// The corpus.
    #[param(example = "emodb")]
    corpus: String,
    /// The recording's id.
    #[param(example = "03a01Fa")]
    id: String,
}

/// A recording's file
///
/// A range of its bytes can be asked for, as players do.
#[utoipa::path(
    get, path = "/v1/recordings/audio", operation_id = "recording_audio", tag = "corpora", params(Name),
    responses(
        (status = 200, body = Binary, content_type = "audio/*"),
        (status = 206, body = Binary, content_type = "audio/*"), (status = 400), (status = 404), (status = 416)),
)]
pub(super) async fn audio(
    State(state): State<Shared>,
    Params(Name { corpus, id }): Params<Name>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (kind, bytes) = state
        .look_up(move |state| {
            let corpus = state.corpora.get(&corpus)?;
            let path = corpus.manifest.path(corpus.recording(&id)?);
            let bytes = std::fs::read(&path).map_err(|error| Problem::internal(&error))?;
            Ok((media_type(&path), bytes))
        })
        .await?;
    let total = bytes.len();
    let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let response = Response::builder().header(header::CONTENT_TYPE, kind).header(header::ACCEPT_RANGES, "bytes");
    let response = match asked.and_then(|asked| range(asked, total)) {
        None => response.body(Body::from(bytes)),
        Some(Err(())) => {
            let detail = format!("The recording's file has {total} bytes.");
            let problem = Problem::plain(StatusCode::RANGE_NOT_SATISFIABLE, detail);
            let range = [(header::CONTENT_RANGE, format!("bytes */{total}"))];
            return Ok((range, problem).into_response());
        }
        Some(Ok((first, last))) => response
            .status(StatusCode::PARTIAL_CONTENT)
            .header(header::CONTENT_RANGE, format!("bytes {first}-{last}/{total}"))
            .body(Body::from(bytes[first..=last].to_vec())),
    };
    let mut response = response.map_err(|error| Problem::internal(&error))?;
    // What a browser takes a file for is what is said above, whatever the file holds.
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

/// The first and the last byte of a range (RFC 9110, section 14); `None` for a header that asks for several ranges or cannot be
/// read, which then counts as absent.
fn range(header: &str, total: usize) -> Option<Result<(usize, usize), ()>> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| text.trim().parse::<usize>().ok();
    let (first, last) = match (first.trim(), last.trim()) {
        ("", last) => (total.saturating_sub(number(last)?), usize::MAX),
        (first, "") => (number(first)?, usize::MAX),
        (first, last) => (number(first)?, number(last)?),
    };
    let satisfiable = first <= last && first < total;
    Some(if satisfiable { Ok((first, last.min(total - 1))) } else { Err(()) })
}

fn media_type(path: &std::path::Path) -> &'static str {
    let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default().to_ascii_lowercase();
    match extension.as_str() {
        "wav" => "audio/wav",
        "flac" => "audio/flac",
        "mp3" => "audio/mpeg",
        "ogg" | "oga" | "opus" => "audio/ogg",
        "m4a" | "mp4" => "audio/mp4",
        "aac" => "audio/aac",
        "aif" | "aiff" => "audio/aiff",
        "webm" => "audio/webm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_as_players_ask_for_them() {
        for (header, expected) in [
            ("bytes=0-", Some(Ok((0, 99)))),
            ("bytes=10-19", Some(Ok((10, 19)))),
            ("bytes=90-1000", Some(Ok((90, 99)))),
            ("bytes=-5", Some(Ok((95, 99)))),
            ("bytes=-500", Some(Ok((0, 99)))),
            ("bytes=100-", Some(Err(()))),
            ("bytes=20-10", Some(Err(()))),
            ("bytes=-0", Some(Err(()))),
            ("bytes=0-1,5-6", None),
            ("bytes=x-", None),
            ("bytes=1-x", None),
            ("bytes", None),
            ("seconds=1-2", None),
            ("bytes=-99999999999999999999999", None),
        ] {
            assert_eq!(range(header, 100), expected, "{header}");
        }
        assert_eq!(range("bytes=0-", 0), Some(Err(())));
    }
}
