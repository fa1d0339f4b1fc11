//! Emotions over time: timelines of recordings, streams that go on, and the page.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use common::{Running, wav};
use serde_json::{Value, json};
use stimmung::audio::{WavEncoding, write_wav};
use stimmung::corpus::synth::{SynthParams, Utterance, utterance};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{ClientRequestBuilder, Message, WebSocket};

/// Some seconds of an artificial voice with pauses, at 16 kHz, as samples of 16 bits and as WAV.
fn talk() -> (Vec<i16>, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("talk.wav");
    let mut samples = vec![0.0f32; 8_000];
    for emotion in ["anger", "sadness", "anger"] {
        let which = Utterance { speaker: 1, emotion: emotion.into(), sentence: 2, take: 1 };
        samples.extend(utterance(&SynthParams::default(), &which).unwrap().samples());
        samples.extend(std::iter::repeat_n(0.0, 12_000));
    }
    // What is sent and what is saved are the same to the bit.
    let whole: Vec<i16> = samples.iter().map(|sample| (sample * 32_767.0).round() as i16).collect();
    let exact = whole.iter().map(|&sample| f32::from(sample) / 32_768.0).collect();
    let wave = stimmung::audio::Waveform::new(exact, 16_000).unwrap();
    write_wav(&path, &wave, WavEncoding::Pcm16).unwrap();
    (whole, std::fs::read(path).unwrap())
}

type Socket = WebSocket<TcpStream>;

fn connect(server: &Running, query: &str) -> Socket {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let url = format!("ws://{}/v1/stream{query}", server.address());
    tungstenite::client(url, stream).unwrap().0
}

fn begin(server: &Running) -> Socket {
    let mut socket = connect(server, "");
    say(&mut socket, &json!({ "type": "start", "format": "pcm_s16le", "sample_rate": 16_000 }));
    let ready = hear(&mut socket).unwrap();
    assert_eq!((&ready["type"], &ready["model"], &ready["hop"]), (&json!("ready"), &json!("embedded"), &json!(0.5)));
    socket
}

fn say(socket: &mut Socket, object: &Value) {
    socket.send(Message::text(object.to_string())).unwrap();
}

/// The next object, or the code with which the socket was closed.
fn hear(socket: &mut Socket) -> Result<Value, CloseCode> {
    loop {
        match socket.read().unwrap() {
            Message::Text(text) => return Ok(serde_json::from_str(&text).unwrap()),
            Message::Close(frame) => return Err(frame.unwrap().code),
            _ => {}
        }
    }
}

fn bytes(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

#[test]
fn a_stream_ends_with_the_timeline_of_the_recording() {
    let server = Running::with(|params| params.feedback = true);
    let (samples, recording) = talk();
    let timeline = server.post("/v1/timeline", "audio/wav", &recording).json();
    assert!(!timeline["segments"].as_array().unwrap().is_empty(), "{timeline}");
    let mut socket = begin(&server);
    let mut partial = 0;
    for block in samples.chunks(4000) {
        socket.send(Message::binary(bytes(block))).unwrap();
    }
    say(&mut socket, &json!({ "type": "stop" }));
    let last = loop {
        let message = hear(&mut socket).unwrap();
        if message["type"] != "partial" {
            break message;
        }
        partial += 1;
        assert_eq!(message["speech"], json!(message["label"].is_string()));
    };
    assert_eq!(partial, samples.len() / 8000, "one a hop");
    assert_eq!(last["type"], "final");
    assert_eq!(last["segments"], timeline["segments"]);
    assert_eq!(last["seconds"], timeline["seconds"]);
    assert_eq!(hear(&mut socket), Err(CloseCode::Normal));
    let metrics = server.get("/metrics").text();
    let lags = metrics.lines().find_map(|line| line.strip_prefix("stimmung_stream_lag_seconds_count ")).unwrap();
    assert!(lags.parse::<usize>().unwrap() >= samples.len() / 4000, "{lags}");
    // What was heard live can be corrected like any answer.
    let said = json!({ "prediction": last["id"], "label": "surprise" });
    let kept = server.post_json("/v1/feedback", &said).json();
    assert_eq!((&kept["predicted"], &kept["label"]), (&last["label"], &json!("surprise")));
}

/// The packets of an Ogg file with one stream, the two headers left out.
fn opus_packets(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut packets, mut packet) = (Vec::new(), Vec::new());
    while let Some((head, rest)) = bytes.split_at_checked(27) {
        let (lengths, mut content) = rest.split_at(usize::from(head[26]));
        for &length in lengths {
            let (part, others) = content.split_at(usize::from(length));
            packet.extend_from_slice(part);
            content = others;
            if length < 255 {
                packets.push(std::mem::take(&mut packet));
            }
        }
        bytes = content;
    }
    packets.split_off(2)
}

#[test]
fn opus_packets_are_heard_as_they_come() {
    let server = Running::start();
    let packets = opus_packets(include_bytes!("../../audio/tests/fixtures/sweep-opus.opus"));
    let mut socket = connect(&server, "");
    say(&mut socket, &json!({ "type": "start", "format": "opus", "channels": 1, "hop": 0.2 }));
    assert_eq!(hear(&mut socket).unwrap()["sample_rate"], 48_000);
    for packet in &packets {
        socket.send(Message::binary(packet.clone())).unwrap();
    }
    say(&mut socket, &json!({ "type": "stop" }));
    let mut partial = 0;
    let last = loop {
        let message = hear(&mut socket).unwrap();
        if message["type"] != "partial" {
            break message;
        }
        partial += 1;
    };
    // The fixture's packets hold 20 ms each.
    let seconds = 0.02 * packets.len() as f64;
    assert!((last["seconds"].as_f64().unwrap() - seconds).abs() < 1e-9, "{last}");
    assert_eq!(partial, (seconds / 0.2) as usize);
    let mut socket = connect(&server, "");
    say(&mut socket, &json!({ "type": "start", "format": "opus" }));
    hear(&mut socket).unwrap();
    socket.send(Message::binary(vec![0x1B])).unwrap();
    let error = hear(&mut socket).unwrap();
    assert!(error["type"] == "error" && error.to_string().contains("Opus packet"), "{error}");
    assert_eq!(hear(&mut socket), Err(CloseCode::Policy));
}

#[test]
fn clients_that_do_what_they_must_not_are_told_and_let_go() {
    let server = Running::with(|params| params.limits.seconds = 2.0);
    let refused = |socket: &mut Socket, word: &str, code: CloseCode| {
        let error = loop {
            let message = hear(socket).unwrap();
            if message["type"] != "partial" {
                break message;
            }
        };
        assert!(error["type"] == "error" && error.to_string().contains(word), "{error}");
        assert_eq!(hear(socket), Err(code));
    };
    for (first, word, code) in [
        (Message::text("{"), "first message", CloseCode::Policy),
        (Message::binary(vec![0; 4]), "first message", CloseCode::Policy),
        (Message::text(r#"{"type": "stop"}"#), "first message", CloseCode::Policy),
        (Message::text(r#"{"type": "start", "sample_rate": 16000, "colour": 1}"#), "colour", CloseCode::Policy),
        (Message::text(r#"{"type": "start", "sample_rate": 1}"#), "sample rate", CloseCode::Policy),
        (Message::text(r#"{"type": "start", "sample_rate": 16000, "hop": 0}"#), "hop", CloseCode::Policy),
        (Message::text(r#"{"type": "start", "sample_rate": 16000, "model": "x"}"#), "no model", CloseCode::Policy),
        (Message::text(r#"{"type": "start", "sample_rate": 16000, "format": "mp3"}"#), "pcm_s16le", CloseCode::Policy),
        (Message::text(r#"{"type": "start", "format": "pcm_s16le"}"#), "sample_rate", CloseCode::Policy),
        (Message::text(r#"{"type": "start", "sample_rate": 16000, "channels": 2}"#), "mono", CloseCode::Policy),
        (Message::text(r#"{"type": "start", "format": "opus", "sample_rate": 16000}"#), "48000", CloseCode::Policy),
        (Message::text(r#"{"type": "start", "format": "opus", "channels": 3}"#), "channels", CloseCode::Policy),
    ] {
        let mut socket = connect(&server, "");
        socket.send(first).unwrap();
        refused(&mut socket, word, code);
    }
    let mut socket = begin(&server);
    socket.send(Message::binary(vec![0; 3])).unwrap();
    refused(&mut socket, "even", CloseCode::Policy);
    let mut socket = begin(&server);
    say(&mut socket, &json!({ "type": "pause" }));
    refused(&mut socket, "only", CloseCode::Policy);
    let mut socket = begin(&server);
    for _ in 0..5 {
        socket.send(Message::binary(vec![0; 16_000])).unwrap();
    }
    refused(&mut socket, "too-long", CloseCode::Policy);
    let mut socket = begin(&server);
    // The head of a message of 2 MiB, which is refused before the rest comes.
    let head = [&[0x82, 0xff][..], &(2_u64 << 20).to_be_bytes(), &[0; 4]].concat();
    socket.get_mut().write_all(&head).unwrap();
    refused(&mut socket, "1 MiB", CloseCode::Size);
    let mut socket = begin(&server);
    // Text that is none.
    socket.get_mut().write_all(&[0x81, 0x81, 0, 0, 0, 0, 0xff]).unwrap();
    refused(&mut socket, "UTF-8", CloseCode::Invalid);
    // One that vanishes is nobody's loss.
    drop(begin(&server));
    assert_eq!(server.get("/health").status, 200);
    server.get("/v1/stream").is_problem(400, "pgrade");
}

#[test]
fn pages_from_elsewhere_cannot_listen() {
    let server = Running::start();
    let from = |origin: &str| {
        let address = format!("ws://{}/v1/stream", server.address());
        let request = ClientRequestBuilder::new(address.parse().unwrap()).with_header("Origin", origin);
        tungstenite::client(request, TcpStream::connect(server.address()).unwrap()).is_ok()
    };
    assert!(from(&format!("http://{}", server.address())));
    assert!(!from("https://elsewhere.example"));
}

#[test]
fn there_is_room_for_so_many_streams() {
    let server = Running::with(|params| params.limits.streams = 1);
    let first = begin(&server);
    let stream = TcpStream::connect(server.address()).unwrap();
    let refused = tungstenite::client(format!("ws://{}/v1/stream", server.address()), stream);
    assert!(refused.is_err(), "the place is taken");
    drop(first);
    std::thread::sleep(Duration::from_millis(300));
    begin(&server);
}

#[test]
fn timelines_come_in_every_format() {
    let server = Running::start();
    let (_, recording) = talk();
    for (format, kind, word) in [
        ("csv", "text/csv", "start"),
        ("vtt", "text/vtt", "WEBVTT"),
        ("textgrid", "text/plain", "IntervalTier"),
        ("elan", "application/xml", "ANNOTATION_DOCUMENT"),
        ("rttm", "text/plain", "SPEAKER"),
    ] {
        let answer = server.post(&format!("/v1/timeline?format={format}"), "audio/wav", &recording);
        assert!(answer.kind.starts_with(kind), "{format}: {}", answer.kind);
        assert!(answer.text().contains(word), "{}", answer.text());
    }
    let wide = server.post("/v1/timeline?window=2&hop=1", "audio/wav", &recording).json();
    assert_eq!((&wide["window"], &wide["hop"], &wide["model"]), (&json!(2.0), &json!(1.0), &json!("embedded")));
    server.post("/v1/timeline?format=pdf", "audio/wav", &recording).is_problem(400, "textgrid");
    server.post("/v1/timeline?hop=9", "audio/wav", &recording).is_problem(422, "hop");
    server.post("/v1/timeline", "audio/wav", b"junk").is_problem(415, "not-decodable");
    let known = server.post_json("/v1/timeline", &json!({ "corpus": "emodb", "id": "03a01Wa" })).json();
    assert_eq!(known["seconds"], 0.4);
    let short = Running::with(|params| params.limits.seconds = 1.0);
    short.post("/v1/timeline", "audio/wav", &recording).is_problem(413, "too-long");
}

#[test]
fn doubtful_recordings_are_answered_with_a_warning() {
    let server = Running::start();
    let answer = server.post("/v1/predict", "audio/wav", &wav(150.0, 0.3)).json();
    let codes: Vec<&str> =
        answer["warnings"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"short"), "{answer}");
}

#[test]
fn the_page_is_served_to_browsers() {
    let server = Running::start();
    let page = server.get_with("/", "accept", "text/html,*/*");
    assert!(page.kind.starts_with("text/html") && page.text().contains("assets/index.js"), "{}", page.text());
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'self'"));
    for (file, kind) in [
        ("/assets/index.js", "text/javascript"),
        ("/assets/style.css", "text/css"),
        ("/assets/capture.worklet.js", "text/javascript"),
        ("/favicon.svg", "image/svg+xml"),
    ] {
        let answer = server.get(file);
        assert!(answer.status == 200 && answer.kind.starts_with(kind), "{file}: {}", answer.kind);
    }
    for file in ["/assets/nothing.js", "/../Cargo.toml", "/%2e%2e/Cargo.toml", "/assets/../../Cargo.toml"] {
        server.get(file).is_problem(404, "Nothing is here");
    }
}
