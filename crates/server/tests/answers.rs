//! Recordings in, emotions out; and what is refused.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use common::{Running, wav};
use serde_json::{Value, json};
use stimmung_server::{Scope, add_key};

fn assert_answer(prediction: &Value) {
    let probabilities = prediction["probabilities"].as_object().unwrap();
    let sum: f64 = probabilities.values().map(|p| p.as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-4, "{prediction}");
    let label = prediction["label"].as_str().unwrap();
    assert_eq!(prediction["confidence"], probabilities[label]);
    assert_eq!(prediction["model"], "embedded");
    assert!(prediction["timing"]["total_ms"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_recording_is_answered_however_it_comes() {
    let server = Running::start();
    let tone = wav(150.0, 1.0);
    let raw = server.post("/v1/predict", "audio/wav", &tone);
    assert_eq!(raw.status, 200, "{}", raw.text());
    assert!(raw.header("x-request-id").is_some_and(|id| id.len() == 36));
    let raw = raw.json();
    assert_answer(&raw);
    assert_eq!((&raw["seconds"], &raw["segments"]), (&json!(1.0), &json!(1)));
    let form = server.post_form("/v1/predict", &[("file", "a.wav", &tone)]).json();
    assert_eq!(form["probabilities"], raw["probabilities"]);
    let named = server.post("/v1/predict?model=embedded", "application/octet-stream", &tone).json();
    assert_eq!(named["probabilities"], raw["probabilities"]);
    let known = server.post_json("/v1/predict", &json!({ "corpus": "emodb", "id": "wav/03a01Wa.wav" })).json();
    assert_answer(&known);
    assert_eq!(known["truth"], "anger");
    let short = server.post_json("/v1/predict", &json!({ "corpus": "emodb", "id": "03a01Wa" })).json();
    assert_eq!(short["probabilities"], known["probabilities"]);
}

#[test]
fn what_cannot_be_answered_is_refused_with_a_reason() {
    let server = Running::with(|params| {
        params.limits.body_bytes = 200_000;
        params.limits.seconds = 3.0;
    });
    let tone = wav(150.0, 1.0);
    let predict = |kind: &str, body: &[u8]| server.post("/v1/predict", kind, body);
    predict("audio/wav", b"").is_problem(400, "empty");
    predict("audio/wav", b"this is a text, and not at all a recording").is_problem(415, "not-decodable");
    predict("audio/wav", &tone[..tone.len() / 2]).is_problem(422, "cut short");
    predict("audio/wav", &wav(150.0, 0.05)).is_problem(422, "too-short");
    predict("audio/wav", &wav(0.0, 0.5)[..44]).is_problem(422, "damaged");
    predict("audio/wav", &wav(150.0, 4.0)).is_problem(413, "too-long");
    predict("application/json", b"{").is_problem(400, "json");
    predict("application/json", br#" ["emodb", "03a01Wa"]"#).is_problem(422, "an object");
    predict("application/json", br#"{"corpus": "emodb"}"#).is_problem(422, "id");
    predict("application/json", br#"{"corpus": "emodb", "id": "x", "path": "/etc"}"#).is_problem(422, "path");
    predict("multipart/form-data; boundary=limit", b"--limit--\r\n").is_problem(400, "file");
    predict("multipart/form-data", b"--limit--\r\n").is_problem(400, "boundary");
    server.post_form("/v1/predict", &[("other", "a.wav", &tone)]).is_problem(400, "other");
    server.post_form("/v1/predict", &[("file", "a", &tone), ("file", "b", &tone)]).is_problem(413, "too-many");
    server.post("/v1/predict?model=none", "audio/wav", &tone).is_problem(404, "none");
    server.post("/v1/predict?modell=none", "audio/wav", &tone).is_problem(400, "modell");
    server.get("/v1/predict").is_problem(405, "method");
    server.get("/v1/nothing").is_problem(404, "openapi.json");
    server.get("/v1/models/%ff").is_problem(400, "UTF-8");
    server.get("/%ff").is_problem(400, "UTF-8");
}

#[test]
fn without_keys_pages_from_elsewhere_are_refused() {
    let mut server = Running::start();
    for path in ["/v1/models", "/train", "/v1/stream"] {
        for (name, value) in [
            ("origin", "https://elsewhere.example"),
            ("sec-fetch-site", "cross-site"),
            ("host", "elsewhere.example:5000"),
        ] {
            server.get_with(path, name, value).is_problem(403, "--origin");
        }
    }
    assert_eq!(server.get("/v1/jobs").json()["jobs"], json!([]), "no training was started");
    let own = format!("http://{}", server.address());
    assert_eq!(server.get_with("/v1/models", "origin", &own).status, 200);
    // The page itself may be found from anywhere.
    assert_eq!(server.get_with("/", "sec-fetch-site", "cross-site").status, 200);
    // A page from elsewhere has no key.
    server.key = Some(add_key(&server.folder.path().join("data"), "all", &Scope::ALL).unwrap());
    server.get_with("/v1/models", "origin", "https://elsewhere.example").is_problem(401, "key");
    assert_eq!(server.get("/v1/models").status, 200);
}

#[test]
fn pages_of_origins_that_were_named_are_let_in() {
    for origins in [&["https://voice.example"][..], &["https://voice.example", "*"]] {
        let server = Running::with(|params| params.origins = origins.iter().map(ToString::to_string).collect());
        let answer = server.get_with("/v1/models", "origin", "https://voice.example");
        assert_eq!(answer.status, 200, "{}", answer.text());
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!(allowed, origins.last().copied());
        let answer = server.get_with("/v1/models", "origin", "https://elsewhere.example");
        assert_eq!(answer.status, if origins.contains(&"*") { 200 } else { 403 });
    }
}

#[test]
fn a_body_that_is_too_large_is_refused_before_it_is_sent() {
    let server = Running::with(|params| params.limits.body_bytes = 200_000);
    for path in ["/v1/predict", "/v1/predict/batch", "/v1/train", "/v1/models"] {
        let mut client = TcpStream::connect(server.address()).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let kind = if path.ends_with("batch") { "multipart/form-data; boundary=limit" } else { "application/json" };
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\ncontent-length: 2147483648\r\n\r\n"
        );
        client.write_all(head.as_bytes()).unwrap();
        let answer = heard(&mut client);
        assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("urn:stimmung:too-large"), "{path}: {answer}");
    }
}

/// What a server says on a connection, up to the end of a problem document.
fn heard(client: &mut TcpStream) -> String {
    let (mut answer, mut block) = (String::new(), [0; 4096]);
    while !answer.ends_with('}') {
        let count = client.read(&mut block).unwrap();
        assert_ne!(count, 0, "the connection was closed after {answer:?}");
        answer.push_str(std::str::from_utf8(&block[..count]).unwrap());
    }
    answer
}

#[test]
fn who_sends_on_while_refused_still_hears_the_answer() {
    let server = Running::with(|params| params.limits.body_bytes = 200_000);
    let block = vec![b'x'; 1 << 20];
    for (path, kind) in [
        ("/v1/predict", "audio/wav"),
        ("/v1/predict/batch", "multipart/form-data; boundary=limit"),
        ("/v1/models", "application/octet-stream"),
        // Nobody reads a body there.
        ("/v1/predict?modell=none", "audio/wav"),
        ("/v1/nothing", "audio/wav"),
    ] {
        let mut client = TcpStream::connect(server.address()).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        client.write_all(head.as_bytes()).unwrap();
        // More than lies in the buffers between the two.
        for _ in 0..32 {
            client.write_all(format!("{:x}\r\n", block.len()).as_bytes()).unwrap();
            client.write_all(&block).and_then(|()| client.write_all(b"\r\n")).unwrap();
        }
        client.write_all(b"0\r\n\r\n").unwrap();
        let answer = heard(&mut client);
        assert!(answer.starts_with("HTTP/1.1 4") && answer.contains("application/problem+json"), "{path}: {answer}");
        // The connection serves again.
        client.write_all(b"GET /v1/nothing HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        assert!(heard(&mut client).starts_with("HTTP/1.1 404"), "{path}");
    }
}

#[test]
fn an_upload_that_breaks_off_is_refused() {
    let server = Running::start();
    let mut client = TcpStream::connect(server.address()).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head =
        b"POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: audio/wav\r\ncontent-length: 1000\r\n\r\nRIFF";
    client.write_all(head).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let answer = heard(&mut client);
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("broke off"), "{answer}");
}

#[test]
fn a_broken_recording_of_a_batch_costs_the_others_nothing() {
    let server = Running::with(|params| params.limits.batch = 3);
    let tone = wav(150.0, 0.5);
    let files = [("file", "good.wav", &tone[..]), ("file", "bad \"name.wav", b"junk"), ("file", "also.wav", &tone)];
    let results = server.post_form("/v1/predict/batch", &files).json();
    let results = results["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    assert_eq!(results[0]["name"], "good.wav");
    assert_answer(&results[0]["prediction"]);
    assert_eq!(results[1]["error"]["status"], 415);
    assert_eq!(results[2]["prediction"]["probabilities"], results[0]["prediction"]["probabilities"]);
    let four = [files[0], files[0], files[0], files[0]];
    server.post_form("/v1/predict/batch", &four).is_problem(413, "too-many");
    server.post_form("/v1/predict/batch", &[]).is_problem(400, "file");
}

#[test]
fn nothing_outside_the_corpora_can_be_named() {
    let server = Running::start();
    let secret = server.folder.path().join("secret.wav");
    std::fs::write(&secret, wav(150.0, 0.5)).unwrap();
    let absolute = secret.display().to_string();
    let long = "x".repeat(5000);
    for id in ["../../secret.wav", "..%2F..%2Fsecret.wav", "wav/../../../secret.wav", &absolute, "\0", &long, ""] {
        server.post_json("/v1/predict", &json!({ "corpus": "emodb", "id": id })).is_problem(404, "no recording");
        server.post_json("/pred", &json!({ "id": id })).is_problem(404, "no recording");
        server.post_json("/v1/predict", &json!({ "corpus": id, "id": "03a01Wa" })).is_problem(404, "no corpus");
    }
    let encode = |text: &str| text.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02x}"));
    for id in ["../../secret.wav", "wav/../../../secret.wav", &absolute, "\0"] {
        let id = encode(id);
        server.get(&format!("/v1/recordings/audio?corpus=emodb&id={id}")).is_problem(404, "no recording");
        server.get(&format!("/predict?sample={id}")).is_problem(404, "no recording");
        server.get(&format!("/v1/models/{id}")).is_problem(404, "no model");
        server.get(&format!("/v1/models/{id}/file")).is_problem(404, "no model");
        server.get(&format!("/v1/jobs/{id}")).is_problem(404, "no job");
    }
}

#[test]
fn the_calls_of_the_published_systems_work() {
    let server = Running::start();
    assert!(server.get("/").json()["endpoints"]["/predict"].is_string());
    let list = server.get("/predict").json();
    assert_eq!(list["samples"].as_array().unwrap().len(), 27);
    assert_eq!(list["ids"]["0"], "03a01Na.wav");
    let sample = server.get("/predict?sample=03a01Wa.wav").json();
    assert_eq!((&sample["truth"], &sample["sample"]), (&json!("anger"), &json!("03a01Wa.wav")));
    let number = sample["id"].as_u64().unwrap();
    let by_number = server.get(&format!("/predict?ID={number}")).json();
    assert_eq!(by_number, sample);
    assert_eq!(server.get("/predict/cnn?sample=03a01Wa.wav").json(), sample);
    assert_eq!(list["ids"][number.to_string()], "03a01Wa.wav");
    for bad in ["27", "-1", "x", "99999999999999999999", ""] {
        server.get(&format!("/predict?ID={bad}")).is_problem(404, "0 to 26");
    }
    server.get("/predict?ID=1&sample=x").is_problem(400, "not both");
    server.get("/predict?file=x").is_problem(400, "file");
    let class = server.post_json("/pred", &json!({ "id": "03a01Wa" }));
    assert_eq!(class.json(), json!({ "class": sample["prediction"] }));
}

#[test]
fn the_server_tells_how_it_is() {
    let server = Running::start();
    assert_eq!(server.get("/health").json(), json!({ "status": "ok" }));
    assert_eq!(server.get("/ready").json()["model"], "embedded");
    server.post("/v1/predict", "audio/wav", &wav(150.0, 0.5));
    let metrics = server.get("/metrics");
    assert!(metrics.kind.starts_with("text/plain"), "{}", metrics.kind);
    let line = "stimmung_requests_total{route=\"/v1/predict\",method=\"POST\",status=\"200\"}";
    assert!(metrics.text().contains(line), "{}", metrics.text());
    assert!(metrics.text().contains("stimmung_prediction_seconds_bucket"));
    assert!(metrics.text().contains("stimmung_model_active{model=\"embedded\"} 1"), "{}", metrics.text());
    let info = server.get("/v1/info").json();
    assert_eq!((&info["feedback"], &info["keys"]), (&json!(false), &json!(false)));
    let document = server.get("/openapi.json").json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for path in ["/v1/predict", "/v1/jobs/{id}/events", "/pred", "/health"] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    let mut ids = BTreeSet::new();
    let calls = document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    for call in calls {
        let id = call["operationId"].as_str().unwrap();
        assert!(ids.insert(id), "two calls are named {id}");
        let responses = call["responses"].as_object().unwrap();
        assert!(responses.contains_key("408") && responses.contains_key("500"), "{id}");
        assert!(!responses.contains_key("default"), "{id} names its statuses");
        let open = ["info", "health", "ready"].contains(&id);
        assert_ne!(responses.contains_key("401"), open, "{id}");
        for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
            let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(schema, "#/components/schemas/Problem", "{id} {status}");
        }
    }
    let page = server.get("/docs/");
    assert!(page.status == 200 && page.text().contains("swagger"), "{}", page.text());
}

#[test]
fn corpora_are_listed_filtered_and_heard() {
    let server = Running::start();
    let corpora = server.get("/v1/corpora").json();
    // The machine may have others.
    let tones = corpora["corpora"].as_array().unwrap().iter().find(|corpus| corpus["name"] == "emodb").unwrap();
    assert_eq!(tones["emotions"]["anger"], 9);
    let list = |query: &str| server.get(&format!("/v1/recordings?corpus=emodb&{query}")).json();
    assert_eq!(list("emotion=anger&speaker=08")["total"], 3);
    assert_eq!(list("query=A04t")["total"], 3);
    let part = list("offset=25&limit=10");
    assert_eq!((&part["total"], part["recordings"].as_array().unwrap().len()), (&json!(27), 2));
    server.get("/v1/recordings").is_problem(400, "corpus");
    server.get("/v1/recordings?corpus=nope").is_problem(404, "emodb");
    let audio = server.get("/v1/recordings/audio?corpus=emodb&id=wav/03a01Wa.wav");
    assert_eq!((audio.status, audio.kind.as_str()), (200, "audio/wav"));
    let range = server.get_with("/v1/recordings/audio?corpus=emodb&id=wav/03a01Wa.wav", "range", "bytes=0-3");
    assert_eq!((range.status, range.bytes.as_slice()), (206, &b"RIFF"[..]));
    assert_eq!(range.header("content-range"), Some(format!("bytes 0-3/{}", audio.bytes.len()).as_str()));
    let beyond = server.get_with("/v1/recordings/audio?corpus=emodb&id=wav/03a01Wa.wav", "range", "bytes=999999999-");
    beyond.is_problem(416, &format!("{} bytes", audio.bytes.len()));
    assert_eq!(beyond.header("content-range"), Some(format!("bytes */{}", audio.bytes.len()).as_str()));
}

#[test]
fn a_client_that_sends_slowly_is_cut_off_and_the_others_are_answered() {
    let server = Running::with(|params| params.limits.request_seconds = 1);
    let mut slow = TcpStream::connect(server.address()).unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    slow.write_all(
        b"POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: audio/wav\r\ncontent-length: 100000\r\n\r\nRIFF",
    )
    .unwrap();
    assert_eq!(server.post("/v1/predict", "audio/wav", &wav(150.0, 0.5)).status, 200);
    let answer = heard(&mut slow);
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("problem+json"), "{answer}");
    // A body that ends too early is the client's loss alone.
    let mut broken = TcpStream::connect(server.address()).unwrap();
    broken.write_all(b"POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nRI").unwrap();
    drop(broken);
    assert_eq!(server.get("/health").status, 200);
}

#[test]
fn a_client_that_asks_too_often_is_asked_to_wait() {
    let server = Running::with(|params| params.limits.per_second = Some(2.0));
    let statuses: Vec<u16> = (0..6).map(|_| server.get("/v1/models").status).collect();
    assert_eq!(&statuses[..2], [200, 200]);
    assert!(statuses.contains(&429), "{statuses:?}");
    assert_eq!(server.get("/health").status, 200, "whoever watches the server is not counted");
}
