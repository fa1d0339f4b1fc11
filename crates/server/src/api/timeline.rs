//! Emotions over time: long recordings, and streams that go on.

use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use stimmung::audio::OpusPackets;
use stimmung::timeline::write::Format;
use stimmung::timeline::{Listener, Segment, Timeline, TimelineParams};
use stimmung::{Recognizer, RecordingError};
use utoipa::IntoParams;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use uuid::Uuid;

use super::body::{Binary, Input, Params, RecordingName, Upload};
use super::predict::{limits, open};
use crate::models::Working;
use crate::problem::Problem;
use crate::state::{Answered, Live, Shared, State as Server};

/// The largest message of a stream in bytes: more than five seconds at 96 kHz.
const LARGEST_MESSAGE: usize = 1 << 20;

/// A client that says nothing for so long, or takes nothing, is gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a timeline is made.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct How {
    /// The id of a model, as in `GET /v1/models`; by default the one that was promoted.
    model: Option<String>,
    /// One of the formats. Default `json`.
    #[param(schema_with = formats)]
    format: Option<String>,
    /// Seconds of the stretch that an answer is for, 0.5 to 60. Default 3.
    #[param(minimum = 0.5, maximum = 60.0)]
    window: Option<f64>,
    /// Seconds from one answer to the next, 0.1 to the window. Default 0.5.
    #[param(minimum = 0.1, maximum = 60.0)]
    hop: Option<f64>,
    /// Seconds that an emotion is expected to last, 0 to 600. Default 5.
    #[param(minimum = 0.0, maximum = 600.0)]
    smoothing: Option<f64>,
}

/// The names of the formats.
fn formats() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(Format::ALL.map(|(name, _)| name)))
        .description(Some("Default `json`."))
        .build()
}

/// The parameters, checked.
fn params(window: Option<f64>, hop: Option<f64>, smoothing: Option<f64>) -> Result<TimelineParams, Problem> {
    let usual = TimelineParams::default();
    let params = TimelineParams {
        window: window.unwrap_or(usual.window),
        hop: hop.unwrap_or(usual.hop),
        smoothing: smoothing.unwrap_or(usual.smoothing),
        ..usual
    };
    let refuse =
        |error: stimmung::audio::AudioError| Problem::plain(StatusCode::UNPROCESSABLE_ENTITY, error.to_string());
    params.check().map_err(refuse)?;
    Ok(params)
}

/// Emotions over time
///
/// The body is a recording of any length within the limits, as for `/v1/predict`. Between the segments nobody speaks.
#[utoipa::path(
    post, path = "/v1/timeline", operation_id = "timeline", tag = "answers", params(How),
    request_body(content(
        (RecordingName = "application/json"), (Upload = "multipart/form-data"), (Binary = "application/octet-stream"),
    )),
    responses((status = 200, content(
        (Value = "application/json"), (String = "text/csv"), (String = "text/vtt"), (String = "text/plain"), (String = "application/xml"),
    )), (status = 400), (status = 404), (status = 413), (status = 415), (status = 422), (status = 503)),
)]
pub(super) async fn timeline(
    State(state): State<Shared>,
    Params(how): Params<How>,
    input: Input,
) -> Result<Response, Problem> {
    let params = params(how.window, how.hop, how.smoothing)?;
    let asked = how.format.as_deref().unwrap_or("json");
    let known = Format::ALL.into_iter().find(|(name, _)| *name == asked);
    let (_, format) = known.ok_or_else(|| {
        let names: Vec<&str> = Format::ALL.iter().map(|(name, _)| *name).collect();
        Problem::bad_request(format!("`format` is one of {}.", names.join(", ")))
    })?;
    let answer = state.work(move |state| {
        let model = state.models.get(how.model.as_deref())?;
        let (name, timeline) = match input {
            Input::Audio(bytes) => ("recording".to_owned(), of_bytes(state, &model, bytes, &params)?),
            Input::Recording(RecordingName { corpus, id }) => {
                let corpus = state.corpora.get(&corpus)?;
                let recording = corpus.recording(&id)?;
                let waveform = stimmung::hear(&corpus.manifest, recording).map_err(stimmung::Error::from)?;
                (stimmung::recording_id(recording), model.recognizer.timeline(&waveform, &params)?)
            }
        };
        if matches!(format, Format::Json) {
            let mut object = serde_json::to_value(&timeline).map_err(|error| Problem::internal(&error))?;
            object["model"] = model.id.clone().into();
            return Ok(axum::Json(object).into_response());
        }
        Ok(([(header::CONTENT_TYPE, format.media_type())], timeline.write(format, &name)).into_response())
    });
    answer.await
}

fn of_bytes(state: &Server, model: &Working, bytes: Bytes, params: &TimelineParams) -> Result<Timeline, Problem> {
    let recording = |error| stimmung::Error::from(RecordingError::from(error));
    let mut stream = open(bytes)?;
    let limits = limits(state);
    limits.admit(stream.declared_seconds().unwrap_or_default()).map_err(recording)?;
    let mut listener = Listener::new(&model.recognizer, *params, stream.sample_rate())?;
    while let Some(block) = stream.next_block().map_err(recording)? {
        listener.push(block)?;
        limits.admit(listener.seconds()).map_err(recording)?;
    }
    Ok(listener.finish()?)
}

/// The model of a stream, which outlives whatever is promoted meanwhile.
struct Held(Arc<Working>);

impl Deref for Held {
    type Target = Recognizer;

    fn deref(&self) -> &Recognizer {
        &self.0.recognizer
    }
}

/// The first message of a stream.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
enum Begin {
    Start {
        #[serde(default)]
        format: Coding,
        /// Of PCM it must be said; Opus is always decoded at 48 kHz.
        #[serde(default)]
        sample_rate: Option<u32>,
        /// Of Opus; PCM is mono.
        #[serde(default)]
        channels: Option<u8>,
        #[serde(default)]
        model: Option<String>,
        #[serde(default)]
        window: Option<f64>,
        #[serde(default)]
        hop: Option<f64>,
        #[serde(default)]
        smoothing: Option<f64>,
    },
}

/// How the samples of a stream are written.
#[derive(Deserialize, Clone, Copy, Default)]
enum Coding {
    /// 16-bit integers, little-endian, mono.
    #[default]
    #[serde(rename = "pcm_s16le")]
    Pcm,
    /// A packet a message.
    #[serde(rename = "opus")]
    Opus,
}

/// From messages to samples.
enum Decoder {
    Pcm,
    Opus(Box<OpusPackets>),
}

impl Decoder {
    fn decode(&mut self, message: &[u8]) -> Result<Vec<f32>, Problem> {
        match self {
            Self::Pcm if message.len() % 2 == 1 => {
                Err(Problem::bad_request("A message of 16-bit samples has an even number of bytes."))
            }
            Self::Pcm => {
                let pairs = message.chunks_exact(2);
                Ok(pairs.map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0).collect())
            }
            Self::Opus(packets) => packets.decode(message).map_err(|error| Problem::bad_request(format!("{error}."))),
        }
    }
}

/// Live: speech in, emotions out while it goes on
///
/// A WebSocket. The first message is text: `{"type": "start", "sample_rate": 16000, "format": "pcm_s16le", "model": ID, "window": 3, "hop": 0.5}`, of
/// which all but the rate may be left out. The server says `ready`; then come binary messages of 16-bit samples, little-endian and mono. With `"format": "opus"` and, for two
/// of them, `"channels"` in place of the rate, each binary message is one Opus packet instead, as browsers' encoders give them. Every hop, the
/// server says `partial`; after `{"type": "stop"}` it says `final`, with the id of the answer that may be corrected, and closes. Faults come as `{"type": "error", "problem": ...}`.
#[utoipa::path(get, path = "/v1/stream", operation_id = "stream", tag = "answers", responses((status = 101, description = "The WebSocket"), (status = 400), (status = 426), (status = 503)))]
pub(super) async fn stream(
    State(state): State<Shared>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|rejection| Problem::plain(rejection.status(), rejection.body_text()))?;
    let place = state.live()?;
    Ok(upgrade.max_message_size(LARGEST_MESSAGE).max_frame_size(LARGEST_MESSAGE).on_upgrade(move |socket| async move {
        let mut conversation = Conversation { socket, state, _place: place };
        if let Err(fault) = conversation.hold().await {
            conversation.end(fault).await;
        }
    }))
}

/// Why a stream ends early.
enum Fault {
    /// The client is gone, or takes nothing.
    Gone,
    /// The client did what it must not do.
    Client(u16, Problem),
}

impl Fault {
    /// What the socket says is wrong with what came.
    fn of_socket(error: axum::Error) -> Self {
        use tungstenite::Error;

        let error = error.into_inner();
        match error.downcast_ref() {
            Some(Error::Capacity(_)) => {
                let problem = Problem::plain(StatusCode::PAYLOAD_TOO_LARGE, "A message is 1 MiB at most.");
                Self::Client(close_code::SIZE, problem)
            }
            Some(Error::Utf8(_)) => Self::Client(close_code::INVALID, Problem::bad_request("Text is UTF-8.")),
            _ => Self::Gone,
        }
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self::Client(close_code::POLICY, problem)
    }
}

struct Conversation {
    socket: WebSocket,
    state: Shared,
    _place: Live,
}

impl Conversation {
    async fn hold(&mut self) -> Result<(), Fault> {
        let first = self.next().await?;
        let (mut listener, model, params) = Self::begin(&self.state, &first).await?;
        let classes = listener_classes(&model);
        let (window, hop) = (params.window, params.hop);
        let sample_rate = listener.rate;
        self.say(&json!({
            "type": "ready", "model": model.id, "emotions": classes, "sample_rate": sample_rate, "window": window, "hop": hop,
        }))
        .await?;
        let mut told = 0.0;
        loop {
            match self.next().await? {
                Message::Binary(bytes) => {
                    let arrived = Instant::now();
                    listener = Self::push(&self.state, listener, bytes).await?;
                    let now = listener.inner.seconds();
                    if now > self.state.params.limits.seconds {
                        let detail = format!("A stream lasts {} s at most.", self.state.params.limits.seconds);
                        return Err(
                            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-long", "Stream too long", detail).into()
                        );
                    }
                    if now - told >= hop {
                        told = now;
                        let current = listener.inner.current();
                        let start = (now - window).max(0.0);
                        self.say(&heard("partial", start, now, current.as_ref())).await?;
                    }
                    crate::metrics::stream_lag(arrived.elapsed());
                }
                Message::Text(text) if is_stop(&text) => return self.finish(listener, &model).await,
                Message::Text(_) => {
                    return Err(
                        Problem::bad_request("After the first message, only {\"type\": \"stop\"} is text.").into()
                    );
                }
                Message::Close(_) => return Err(Fault::Gone),
                Message::Ping(_) | Message::Pong(_) => {}
            }
        }
    }

    /// What the client says next.
    async fn next(&mut self) -> Result<Message, Fault> {
        match tokio::time::timeout(PATIENCE, self.socket.recv()).await {
            Ok(Some(Ok(message))) => Ok(message),
            Ok(Some(Err(error))) => Err(Fault::of_socket(error)),
            Ok(None) => Err(Fault::Gone),
            Err(_) => Err(Problem::plain(StatusCode::REQUEST_TIMEOUT, "Nothing came for 30 s.").into()),
        }
    }

    async fn begin(state: &Shared, first: &Message) -> Result<(Ears, Arc<Working>, TimelineParams), Fault> {
        let shape = "The first message is text, such as {\"type\": \"start\", \"sample_rate\": 16000}";
        let Message::Text(text) = first else { return Err(Problem::bad_request(format!("{shape}.")).into()) };
        let begin = serde_json::from_str(text);
        let Begin::Start { format, sample_rate, channels, model, window, hop, smoothing } =
            begin.map_err(|error| Problem::bad_request(format!("{shape}: {error}.")))?;
        let (decoder, rate) = decoder(format, sample_rate, channels)?;
        let params = params(window, hop, smoothing)?;
        let model = state.look_up(move |state| state.models.get(model.as_deref())).await?;
        let inner = Listener::new(Held(Arc::clone(&model)), params, rate).map_err(Problem::from)?;
        Ok((Ears { inner, decoder, rate }, model, params))
    }

    /// Lets the listener hear samples, when its turn has come. The next message is not read before: that holds a client back that
    /// sends faster than it can be heard.
    async fn push(state: &Shared, mut ears: Ears, bytes: Bytes) -> Result<Ears, Fault> {
        let pushed = state.in_turn(move |_| {
            let samples = ears.decoder.decode(&bytes)?;
            ears.inner.push(&samples)?;
            Ok(ears)
        });
        Ok(pushed.await?)
    }

    async fn finish(&mut self, ears: Ears, model: &Working) -> Result<(), Fault> {
        let timeline = self.state.in_turn(move |_| Ok(ears.inner.finish()?)).await?;
        let longest = timeline.segments.iter().max_by(|a, b| (a.end - a.start).total_cmp(&(b.end - b.start)));
        let mut last = heard("final", 0.0, timeline.seconds, longest);
        last["seconds"] = timeline.seconds.into();
        last["segments"] = serde_json::to_value(&timeline.segments).unwrap_or_default();
        if let Some(segment) = longest {
            let id = Uuid::new_v4().to_string();
            last["id"] = id.clone().into();
            self.remember(id, model, segment);
        }
        self.say(&last).await?;
        self.close(close_code::NORMAL, "").await;
        Ok(())
    }

    /// Keeps the answer for a while, where people may correct it.
    fn remember(&self, id: String, model: &Working, segment: &Segment) {
        if self.state.params.feedback {
            self.state.remember(Answered {
                id,
                model: model.id.clone(),
                label: segment.label.clone(),
                probabilities: serde_json::to_string(&segment.probabilities).unwrap_or_default(),
                recording: None,
                audio: None,
            });
        }
    }

    async fn say(&mut self, object: &Value) -> Result<(), Fault> {
        let message = Message::Text(object.to_string().into());
        match tokio::time::timeout(PATIENCE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Fault::Gone),
        }
    }

    async fn close(&mut self, code: u16, reason: &str) {
        let frame = CloseFrame { code, reason: reason.to_owned().into() };
        let _ = tokio::time::timeout(PATIENCE, self.socket.send(Message::Close(Some(frame)))).await;
    }

    /// Says what is wrong, to a client that is still there.
    async fn end(&mut self, fault: Fault) {
        if let Fault::Client(code, problem) = fault {
            let title = problem.title.clone();
            if self.say(&json!({ "type": "error", "problem": problem })).await.is_ok() {
                self.close(code, &title).await;
            }
        }
    }
}

/// A listener, the rate at which it hears, and how.
struct Ears {
    inner: Listener<Held>,
    decoder: Decoder,
    rate: u32,
}

/// What a client sends, with its rate in hertz.
fn decoder(coding: Coding, sample_rate: Option<u32>, channels: Option<u8>) -> Result<(Decoder, u32), Problem> {
    match (coding, sample_rate, channels) {
        (Coding::Pcm, None, _) => Err(Problem::bad_request("`sample_rate` says how many samples there are a second.")),
        (Coding::Pcm, Some(rate), None | Some(1)) => Ok((Decoder::Pcm, rate)),
        (Coding::Pcm, ..) => Err(Problem::bad_request("Samples of 16 bits are mono; mix the channels down.")),
        (Coding::Opus, None | Some(OpusPackets::SAMPLE_RATE), channels) => {
            let packets = OpusPackets::new(channels.unwrap_or(1));
            let packets = packets.map_err(|error| Problem::bad_request(format!("{error}.")))?;
            Ok((Decoder::Opus(Box::new(packets)), OpusPackets::SAMPLE_RATE))
        }
        (Coding::Opus, ..) => Err(Problem::bad_request(
            "Opus is decoded at 48000 Hz, whatever was recorded: leave `sample_rate` out, or say 48000.",
        )),
    }
}

fn listener_classes(model: &Working) -> Vec<String> {
    model.recognizer.model().classifier.classes().to_vec()
}

fn is_stop(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|message| message["type"] == "stop")
}

/// What is heard at the moment.
fn heard(kind: &str, start: f64, end: f64, segment: Option<&Segment>) -> Value {
    let mut object = json!({ "type": kind, "start": start, "end": end, "speech": segment.is_some() });
    if let Some(Segment { label, confidence, probabilities, .. }) = segment {
        object["label"] = label.clone().into();
        object["confidence"] = (*confidence).into();
        object["probabilities"] = json!(probabilities);
    }
    object
}
