//! Trainings from the order to the promoted model; keys; corrections.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use common::{Running, tone, wav};
use rusqlite::Connection;
use serde_json::{Value, json};
use stimmung::SavedRun;
use stimmung::audio::{WavEncoding, Waveform, write_wav};
use stimmung::corpus::Manifest;
use stimmung_server::{Scope, Server, ServerError, ServerParams, add_key};

/// A network that learns the corpus of tones in a moment.
fn order(epochs: usize) -> Value {
    let recipe = format!(
        "name = \"tones\"\n[corpus]\nname = \"emodb\"\n[features]\nset = \"mfcc\"\nn = 8\n[model]\nkind = \"dense\"\n\
         epochs = {epochs}\nhidden = [8]\n"
    );
    json!({ "recipe_toml": recipe })
}

fn start(server: &Running, order: &Value) -> String {
    let answer = server.post_json("/v1/train", order);
    assert_eq!(answer.status, 202, "{}", answer.text());
    let job = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), Some(format!("/v1/jobs/{job}").as_str()));
    job
}

#[test]
fn a_finished_training_is_handed_over() {
    let server = Running::start();
    let job = start(&server, &order(20));
    let document = |name: &str| server.get(&format!("/v1/jobs/{job}/documents/{name}"));
    if server.get(&format!("/v1/jobs/{job}")).json()["state"] != "finished" {
        document("report").is_problem(409, "finished ones only");
    }
    let over = server.wait_for(&job);
    assert_eq!(over["documents"], json!(["report", "slides", "notebook", "card", "run"]), "{over}");
    for (name, kind, begin) in [
        ("report", "text/html", "<!doctype html>"),
        ("slides", "application/pdf", "%PDF-"),
        ("notebook", "application/x-ipynb+json", "{"),
        ("card", "text/markdown", "---\n"),
        ("run", "application/zip", "PK"),
    ] {
        let answer = document(name);
        assert!(answer.kind.starts_with(kind) && answer.bytes.starts_with(begin.as_bytes()), "{name}: {}", answer.kind);
    }
    document("poster").is_problem(404, "report, slides, notebook, card, run");
    server.get("/v1/jobs/none/documents/report").is_problem(404, "no job");

    // The archive is a run's folder that tells nothing of where recordings lie.
    let folder = tempfile::tempdir().unwrap();
    zip::ZipArchive::new(std::io::Cursor::new(document("run").bytes)).unwrap().extract(folder.path()).unwrap();
    let run = SavedRun::open(folder.path()).unwrap();
    assert_eq!(run.predictions.iter().filter(|answer| run.recording(answer).is_some()).count(), 27);
    assert!(!std::fs::read_to_string(folder.path().join("manifest.csv")).unwrap().contains("/corpora/"));
}

/// Two corpora of the same tones: in `pieces` a speaker's are one file, in `doubles` a folder with files that are called as in the others.
fn own_corpora(corpora: &Path) {
    let (mut pieces, mut doubles) =
        (String::from("file,speaker,emotion,start,end\n"), String::from("file,speaker,emotion\n"));
    for (speaker, factor) in [("DC", 1.0), ("JE", 1.1), ("KL", 1.2)] {
        std::fs::create_dir_all(corpora.join("doubles").join(speaker)).unwrap();
        let mut whole = Vec::new();
        for (number, (emotion, pitch)) in
            [("anger", 300.0), ("sadness", 100.0), ("neutral", 180.0)].into_iter().cycle().take(6).enumerate()
        {
            let wave = tone(pitch * factor, 0.5, number as u32);
            let start = 0.5 * number as f64;
            writeln!(pieces, "wav/{speaker}.wav,{speaker},{emotion},{start},{}", start + 0.5).unwrap();
            writeln!(doubles, "{speaker}/a{number}.wav,{speaker},{emotion}").unwrap();
            write_wav(corpora.join(format!("doubles/{speaker}/a{number}.wav")), &wave, WavEncoding::Pcm16).unwrap();
            whole.extend_from_slice(wave.samples());
        }
        let whole = Waveform::new(whole, 16_000).unwrap();
        std::fs::create_dir_all(corpora.join("pieces/wav")).unwrap();
        write_wav(corpora.join(format!("pieces/wav/{speaker}.wav")), &whole, WavEncoding::Pcm16).unwrap();
    }
    for (name, table) in [("pieces", pieces), ("doubles", doubles)] {
        std::fs::write(corpora.join(name).join("manifest.csv"), table).unwrap();
    }
}

#[test]
fn pieces_and_files_of_the_same_name_are_handed_over_as_well() {
    let folder = tempfile::tempdir().unwrap();
    own_corpora(&folder.path().join("corpora"));
    let server = Running::again(folder, |_| ());
    for (corpus, protocol, first) in [
        ("pieces", json!({ "kind": "speakers" }), "wav/DC.wav"),
        // What it learns from is in the manifest, and not judged.
        ("doubles", json!({ "kind": "random", "holdout": 0.3 }), "DC/a0.wav"),
    ] {
        let mut order = order(5);
        order["corpus"] = corpus.into();
        order["set"] = json!({ "protocol": protocol });
        let job = start(&server, &order);
        assert_eq!(server.wait_for(&job)["state"], "finished");
        let zip = server.get(&format!("/v1/jobs/{job}/documents/run"));
        let folder = tempfile::tempdir().unwrap();
        zip::ZipArchive::new(std::io::Cursor::new(zip.bytes)).unwrap().extract(folder.path()).unwrap();
        let run = SavedRun::open(folder.path()).unwrap();
        assert_eq!((run.manifest.recordings.len(), run.manifest.recordings[0].file.as_path()), (18, Path::new(first)));
        for answer in &run.predictions {
            let recording = run.recording(answer).unwrap();
            assert_eq!(stimmung::recording_id(recording), answer.id);
            assert_eq!(recording.emotion.as_ref(), Some(&run.classes[answer.truth]), "{}", answer.id);
        }
    }
}

#[test]
fn a_training_is_watched_finished_and_promoted() {
    let server = Running::start();
    let job = start(&server, &order(200));
    let over = server.wait_for(&job);
    assert_eq!(over["state"], "finished", "{over}");
    let result = &over["result"];
    assert_eq!(result["recordings"], 27);
    assert!(result["protocol"].as_str().unwrap().starts_with("speakers: leave one speaker out, 3 folds"));
    assert_eq!(result["emotions"], json!(["anger", "neutral", "sadness"]));
    for name in ["uar", "accuracy", "macro_f1"] {
        let interval = &result[format!("{name}_interval")];
        let [low, value, high] = [&interval[0], &result[name], &interval[1]].map(|it| it.as_f64().unwrap());
        assert!(0.0 <= low && low <= value && value <= high && high <= 1.0, "{name}: {value} {interval}");
    }
    let counted: u64 = result["confusion"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row.as_array().unwrap())
        .map(|n| n.as_u64().unwrap())
        .sum();
    assert_eq!(counted, 27);

    let history = server.get(&format!("/v1/jobs/{job}/history")).json();
    let epochs = history["epochs"].as_array().unwrap();
    assert_eq!(epochs.len(), 4 * 200, "three folds and the training on everything");
    assert!(epochs.iter().all(|epoch| epoch["loss"].is_number() && epoch["epochs"] == 200));
    assert_eq!(history["folds"].as_array().unwrap().len(), 3);

    // The events of a job that is over, from the beginning and from the middle.
    let events = server.get(&format!("/v1/jobs/{job}/events"));
    assert_eq!(events.kind, "text/event-stream");
    assert_eq!(events.text().matches("event: epoch").count(), 800);
    assert!(events.text().contains("event: job") && events.text().contains("\"state\":\"finished\""));
    let rest = server.get_with(&format!("/v1/jobs/{job}/events"), "last-event-id", "700").text();
    assert!(!rest.contains("id: 700\n") && rest.contains("id: 701\n") && rest.contains("id: 803\n"), "{rest}");
    server.get_with(&format!("/v1/jobs/{job}/events"), "last-event-id", "x").is_problem(400, "Last-Event-ID");

    let model = result["model"].as_str().unwrap();
    let ask = |query: &str| server.post(&format!("/v1/predict{query}"), "audio/wav", &wav(300.0, 0.4)).json();
    assert_eq!(ask("")["model"], "embedded");
    let answer = ask(&format!("?model={model}"));
    assert_eq!((&answer["label"], &answer["model"]), (&json!("anger"), &json!(model)));
    let promoted = server.post(&format!("/v1/models/{model}/promote"), "", b"").json();
    assert_eq!(
        (&promoted["active"], &promoted["origin"], &promoted["job"]),
        (&json!(true), &json!("job"), &json!(job))
    );
    assert_eq!(ask("")["model"], model);
    server.delete(&format!("/v1/models/{model}")).is_problem(409, "answers");

    // After a restart everything is as it was.
    let server = Running::again(server.stop(), |_| ());
    assert_eq!(server.get("/ready").json()["model"], model);
    assert_eq!(server.get(&format!("/v1/jobs/{job}")).json()["result"], *result);
    let file = server.get(&format!("/v1/models/{model}/file"));
    assert!(file.header("content-disposition").unwrap().contains(".stimmung"));
    server.post("/v1/models/embedded/promote", "", b"");
    assert_eq!(server.delete(&format!("/v1/models/{model}")).status, 204);
    assert_eq!(server.get("/v1/models").json()["models"].as_array().unwrap().len(), 1);
    // A file that was taken away can be brought again.
    let again = server.post("/v1/models", "application/octet-stream", &file.bytes);
    assert_eq!((again.status, &again.json()["id"]), (201, &json!(model)));
    let card = server.get(&format!("/v1/models/{model}")).json();
    assert!(card["card"]["data"]["recordings"] == 27 && card["summary"]["kind"] == "dense", "{card}");
    server.post("/v1/models", "application/octet-stream", &file.bytes[..500]).is_problem(422, "model");
}

#[test]
fn jobs_wait_and_are_cancelled() {
    let server = Running::with(|params| params.limits.jobs = 2);
    let long = start(&server, &order(1_000_000));
    server.wait_until(&long, |state| state == "running");
    let (next, last) = (start(&server, &order(5)), start(&server, &order(5)));
    assert_eq!(server.get(&format!("/v1/jobs/{last}")).json()["position"], 2);
    server.post_json("/v1/train", &order(5)).is_problem(503, "queue-full");
    let cancelled = server.delete(&format!("/v1/jobs/{next}"));
    assert_eq!((cancelled.status, &cancelled.json()["state"]), (202, &json!("cancelled")));
    assert_eq!(server.delete(&format!("/v1/jobs/{long}")).status, 202);
    assert_eq!(server.wait_for(&long)["state"], "cancelled");
    assert_eq!(server.wait_for(&last)["state"], "finished");
    server.delete(&format!("/v1/jobs/{long}")).is_problem(409, "over");
    let jobs = server.get("/v1/jobs").json();
    let ids: Vec<&str> = jobs["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [&last, &next, &long]);
}

#[test]
fn an_interrupted_training_goes_on_after_a_restart() {
    let server = Running::start();
    let job = start(&server, &order(3000));
    server.wait_until(&job, |state| state == "running");
    let server = Running::again(server.stop(), |_| ());
    let over = server.wait_for(&job);
    assert_eq!(over["state"], "finished", "{over}");
    let epochs = server.get(&format!("/v1/jobs/{job}/history")).json()["epochs"].as_array().unwrap().clone();
    let mut places: Vec<(u64, u64)> =
        epochs.iter().map(|it| (it["fold"].as_u64().unwrap(), it["epoch"].as_u64().unwrap())).collect();
    let count = places.len();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), count, "no epoch is told twice");
    assert_eq!(places.last(), Some(&(3, 3000)));
}

/// What the store has noted of the attempts at a job; and the same, changed.
fn attempts(folder: &Path, job: &str, change: Option<u32>) -> u32 {
    let store = Connection::open(folder.join("data/stimmung.sqlite")).unwrap();
    if let Some(attempts) = change {
        store.execute("UPDATE jobs SET attempts = ?2 WHERE id = ?1", (job, attempts)).unwrap();
    }
    store.query_row("SELECT attempts FROM jobs WHERE id = ?1", [job], |row| row.get(0)).unwrap()
}

#[test]
fn a_training_that_kills_the_server_again_and_again_is_given_up() {
    let server = Running::start();
    let job = start(&server, &order(1_000_000));
    server.wait_until(&job, |state| state == "running");
    let folder = server.stop();
    assert_eq!(attempts(folder.path(), &job, None), 0, "the server ended in good order");
    // As if it had died twice: the third attempt is made, and gets further.
    attempts(folder.path(), &job, Some(2));
    let server = Running::again(folder, |_| ());
    server.wait_until(&job, |state| state == "running");
    let taken = Instant::now();
    while attempts(server.folder.path(), &job, None) > 0 {
        assert!(taken.elapsed() < Duration::from_mins(1));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(server.get(&format!("/v1/jobs/{job}")).json()["state"], "running");
    let folder = server.stop();
    attempts(folder.path(), &job, Some(3));
    let server = Running::again(folder, |_| ());
    let over = server.wait_for(&job);
    assert_eq!((&over["state"], &over["error"]["type"]), (&json!("failed"), &json!("urn:stimmung:given-up")), "{over}");
    assert!(over["error"]["detail"].as_str().unwrap().contains("last 3 attempts"), "{over}");
    // The next one has its turn.
    let next = start(&server, &order(5));
    assert_eq!(server.wait_for(&next)["state"], "finished");
}

#[test]
fn orders_that_cannot_be_carried_out_are_refused() {
    let server = Running::start();
    let refused = |order: Value, word: &str| server.post_json("/v1/train", &order).is_problem(422, word);
    refused(json!({ "recipe": "nothing" }), "nothing");
    refused(json!({ "recipe": "default", "recipe_toml": "" }), "not both");
    refused(json!({ "set": { "model.c": "many" } }), "model");
    refused(json!({ "set": { "model.colour": 1 } }), "colour");
    refused(json!({ "set": { "seed": null } }), "null");
    refused(json!({ "colour": 1 }), "colour");
    refused(
        json!({ "recipe_toml": "name = \"x\"\n[corpus]\npath = \"/etc\"\n[features]\nset = \"mfcc\"\n[model]\nkind = \"lda\"" }),
        "name",
    );
    refused(json!({ "set": { "corpus.layout": "/etc/layout.toml" } }), "built-in");
    server.post_json("/v1/train", &json!({ "corpus": "../x" })).is_problem(404, "no corpus");
    server.post_json("/v1/train", &json!({ "corpus": "ravdess" })).is_problem(404, "no corpus");
    assert_eq!(server.get("/v1/jobs").json()["jobs"], json!([]));
    // One that fails on the way says why.
    let job = start(&server, &json!({ "set": { "protocol": { "kind": "speakers", "groups": 40 } } }));
    let failed = server.wait_for(&job);
    assert_eq!((&failed["state"], &failed["error"]["status"]), (&json!("failed"), &json!(422)), "{failed}");
}

#[test]
fn the_published_systems_train_as_their_documents_say() {
    let server = Running::start();
    server.get("/train?num_epoch=0").is_problem(422, "epochs");
    server.get("/train?augment=maybe").is_problem(400, "maybe");
    server.get("/train?n_modifications=9").is_problem(422, "n_modifications");
    server.get("/train?shuffle=true").is_problem(400, "shuffle");
    let begun = server.get("/train?augment=false&num_epoch=2&test_size=0.3&random_state=4").json();
    let job = begun["job"].as_str().unwrap().to_owned();
    let over = server.wait_for(&job);
    assert_eq!(over["state"], "finished", "{over}");
    let told = server.post("/train", "", b"").json();
    assert_eq!(server.get("/train/cnn").json(), told);
    assert_eq!((&told["status"], &told["job"], &told["iter"]), (&json!("finished"), &json!(job), &json!(2)));
    assert!(told["message"].as_str().unwrap().starts_with("model trained with final acc in train "), "{told}");
    let model = server.get(&format!("/v1/jobs/{job}")).json()["result"]["model"].clone();
    assert_eq!(server.get("/ready").json()["model"], model, "the trained model answers");
    let forced = server.get("/train?force_train=true&augment=false&num_epoch=1").json();
    assert_ne!(forced["job"], json!(job));
}

#[test]
fn keys_open_what_they_are_for() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let key = |name: &str, scope: Scope| add_key(&data, name, &[scope]).unwrap();
    let (reader, asker) = (key("reader", Scope::Read), key("asker", Scope::Predict));
    let mut server = Running::again(folder, |_| ());
    server.get("/v1/models").is_problem(401, "key");
    assert_eq!(server.get("/health").status, 200);
    assert_eq!(server.get("/v1/info").json()["keys"], true);
    server.key = Some(reader);
    assert_eq!(server.get("/v1/models").status, 200);
    server.post("/v1/predict", "audio/wav", &wav(150.0, 0.5)).is_problem(403, "predict");
    server.post_json("/v1/train", &json!({})).is_problem(403, "train");
    server.delete("/v1/models/embedded").is_problem(403, "admin");
    server.key = Some(asker);
    assert_eq!(server.post("/v1/predict", "audio/wav", &wav(150.0, 0.5)).status, 200);
    server.get("/v1/models").is_problem(403, "read");
    // One that is made while the server runs is known at once.
    server.key = Some(add_key(&server.folder.path().join("data"), "late", &[Scope::Read]).unwrap());
    assert_eq!(server.get("/v1/models").status, 200);
}

#[test]
fn other_machines_are_not_let_in_by_accident() {
    let folder = tempfile::tempdir().unwrap();
    let params = |open| ServerParams {
        listen: "0.0.0.0:0".parse().unwrap(),
        data: folder.path().join("data"),
        open,
        ..ServerParams::default()
    };
    assert!(matches!(Server::start(params(false)), Err(ServerError::Unprotected { .. })));
}

#[test]
fn corrections_are_kept_only_where_that_is_allowed() {
    let closed = Running::start();
    let prediction = closed.post("/v1/predict", "audio/wav", &wav(150.0, 0.5)).json();
    let said = json!({ "prediction": prediction["id"], "label": "sadness" });
    closed.post_json("/v1/feedback", &said).is_problem(403, "feedback-disabled");

    let server = Running::with(|params| (params.feedback, params.keep_audio) = (true, true));
    let audio = wav(150.0, 0.5);
    let prediction = server.post("/v1/predict", "audio/wav", &audio).json();
    let known = server.post_json("/v1/predict", &json!({ "corpus": "emodb", "id": "03a01Wa" })).json();
    let said =
        |prediction: &Value, label: &str| json!({ "prediction": prediction["id"], "label": label, "note": "=1+1" });
    let kept = server.post_json("/v1/feedback", &said(&prediction, "sadness"));
    assert_eq!(kept.status, 201, "{}", kept.text());
    let file = server.folder.path().join("data").join(kept.json()["audio"].as_str().unwrap());
    assert_eq!(std::fs::read(file).unwrap(), audio);
    assert_eq!(server.post_json("/v1/feedback", &said(&known, "fear")).json()["recording"], "wav/03a01Wa.wav");
    server.post_json("/v1/feedback", &said(&json!({ "id": "x" }), "fear")).is_problem(404, "remembered");
    server.post_json("/v1/feedback", &said(&prediction, " ")).is_problem(422, "label");
    server.post_json("/v1/feedback", &said(&prediction, &"x".repeat(61))).is_problem(422, "label");
    let list = server.get("/v1/feedback").json();
    assert_eq!(list["corrections"].as_array().unwrap().len(), 2);
    server.get("/v1/feedback?format=xml").is_problem(400, "csv");
    let manifest = server.get("/v1/feedback?format=csv").text();
    assert_eq!(manifest.lines().count(), 3, "{manifest}");
    assert!(manifest.starts_with("file,speaker,emotion,"), "{manifest}");
}

#[test]
fn corrections_make_a_manifest_to_train_on() {
    let folder = tempfile::tempdir().unwrap();
    own_corpora(&folder.path().join("corpora"));
    let server = Running::again(folder, |params| (params.feedback, params.keep_audio) = (true, true));
    let correct = |prediction: &Value, label: &str| {
        let kept = server.post_json("/v1/feedback", &json!({ "prediction": prediction["id"], "label": label }));
        assert_eq!(kept.status, 201, "{}", kept.text());
    };
    let ask = |id: &str| server.post_json("/v1/predict", &json!({ "corpus": "pieces", "id": id })).json();
    let (one, other) = (ask("wav/DC.wav#0-0.5"), ask("wav/DC.wav#0.5-1"));
    let sent = server.post("/v1/predict", "audio/wav", &wav(150.0, 0.5)).json();
    for (prediction, label) in
        [(&one, "fear"), (&sent, "fear"), (&other, "joy"), (&one, "disgust"), (&sent, "boredom"), (&sent, "sadness")]
    {
        correct(prediction, label);
    }
    assert_eq!(server.get("/v1/feedback").json()["corrections"].as_array().unwrap().len(), 6);
    let table = server.folder.path().join("corrections.csv");
    std::fs::write(&table, server.get("/v1/feedback?format=csv").bytes).unwrap();
    let manifest = Manifest::open(&table, None).unwrap();
    let rows: Vec<_> = manifest
        .recordings
        .iter()
        .map(|it| (it.emotion.as_deref().unwrap(), it.speaker.as_deref(), it.start, it.end))
        .collect();
    let expected = [
        ("disgust", Some("DC"), Some(0.0), Some(0.5)),
        ("joy", Some("DC"), Some(0.5), Some(1.0)),
        ("sadness", None, None, None),
    ];
    assert_eq!(rows, expected);
    for recording in &manifest.recordings {
        assert!(manifest.path(recording).is_file(), "{recording:?}");
        assert_eq!(recording.extra["model"], "embedded");
    }
}
