//! `stimmung serve` as a process: it starts, stops when it is told to, and survives being killed at any moment.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{stimmung, tones};
use serde_json::{Value, json};
use ureq::Agent;

/// A server in a folder with a corpus of tones.
struct Serving {
    child: Child,
    url: String,
}

impl Serving {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(assert_cmd::cargo::cargo_bin!("stimmung"))
            .args(["serve", "--json", "--listen", "127.0.0.1:0", "--data", "served", "--corpora", ".", "--feedback"])
            .current_dir(folder)
            .env_remove("STIMMUNG_CORPORA")
            .env("XDG_CACHE_HOME", folder.join("cache"))
            .env("STIMMUNG_LOG", "off")
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Self { child, url: format!("http://{}", told["listening"].as_str().unwrap()) }
    }

    fn signal(&self, name: &str) {
        let done = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    /// Kills the process as the operating system would that has no memory left.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The answer, unless the server was killed under it.
    fn ask(url: &str, path: &str, body: Option<&[u8]>) -> Option<(u16, Value)> {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(20)));
        let agent: Agent = config.build().into();
        let answer = match body {
            None => agent.get(format!("{url}{path}")).call(),
            Some(body) => {
                let kind = if body.first() == Some(&b'{') { "application/json" } else { "application/octet-stream" };
                agent.post(format!("{url}{path}")).header("content-type", kind).send(body)
            }
        };
        let mut answer = answer.ok()?;
        let text = answer.body_mut().read_to_string().ok()?;
        Some((answer.status().as_u16(), serde_json::from_str(&text).unwrap_or_default()))
    }

    fn get(&self, path: &str) -> Value {
        let (status, answer) = Self::ask(&self.url, path, None).unwrap();
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    fn post(&self, path: &str, body: &[u8]) -> Value {
        let (status, answer) = Self::ask(&self.url, path, Some(body)).unwrap();
        assert!(status < 300, "{path}: {status} {answer}");
        answer
    }

    /// The job, once it is over.
    fn wait_for(&self, job: &str) -> Value {
        let start = Instant::now();
        loop {
            let told = self.get(&format!("/v1/jobs/{job}"));
            if !told["ended"].is_null() {
                return told;
            }
            assert!(start.elapsed() < Duration::from_mins(2), "{told}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder with a corpus `tones` and a model of it.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    tones(&folder.path().join("tones"));
    let model = folder.path().join("tones.stimmung");
    stimmung(folder.path(), &["train", "--corpus", "tones", "--set", "mfcc", "--out", "tones.stimmung"]).ok();
    (folder, model)
}

fn order(epochs: usize) -> Vec<u8> {
    let recipe = format!(
        "name = \"tones\"\n[corpus]\nname = \"tones\"\n[features]\nset = \"mfcc\"\nn = 8\n[model]\nkind = \"dense\"\n\
         epochs = {epochs}\nhidden = [8]\n"
    );
    json!({ "recipe_toml": recipe }).to_string().into_bytes()
}

#[test]
fn a_server_that_is_told_to_stop_ends_in_peace() {
    let (folder, _) = folder();
    for signal in ["TERM", "INT"] {
        let mut server = Serving::start(folder.path());
        assert_eq!(server.get("/ready")["status"], "ready");
        server.post("/v1/train", &order(1_000_000));
        std::thread::sleep(Duration::from_millis(200));
        let told = Instant::now();
        server.signal(signal);
        let status = server.child.wait().unwrap();
        assert!(status.success(), "{status}");
        assert!(told.elapsed() < Duration::from_secs(10), "{:?}", told.elapsed());
    }
    // What was under way goes on, and is not told twice of.
    let server = Serving::start(folder.path());
    let jobs = server.get("/v1/jobs");
    assert_eq!(jobs["jobs"].as_array().unwrap().len(), 2);
}

#[test]
fn a_second_server_is_kept_out_of_the_folder() {
    let (folder, _) = folder();
    let server = Serving::start(folder.path());
    stimmung(folder.path(), &["serve", "--listen", "127.0.0.1:0", "--data", "served"]).fails(1, &["another server"]);
    let port = server.url.rsplit(':').next().unwrap().to_owned();
    let taken = format!("127.0.0.1:{port}");
    stimmung(folder.path(), &["serve", "--listen", &taken, "--data", "other"]).fails(1, &["cannot listen", "--listen"]);
    stimmung(folder.path(), &["serve", "--listen", "0.0.0.0:0", "--data", "other"]).fails(1, &["--open"]);
    stimmung(folder.path(), &["serve", "--max-seconds", "0"]).fails(1, &["limits.seconds"]);
    std::fs::write(folder.path().join("bad.toml"), "lissen = 1").unwrap();
    stimmung(folder.path(), &["serve", "--config", "bad.toml"]).fails(2, &["lissen"]);
    let shown = stimmung(folder.path(), &["serve", "--dry-run", "--listen", "127.0.0.1:7"]).ok();
    assert!(shown.stdout.contains("listen = \"127.0.0.1:7\""), "{shown:?}");
}

/// Eighty moments: twenty while trainings are asked about, models uploaded, promoted, and answers corrected; one training goes on
/// all the time.
#[test]
fn killed_at_any_moment_nothing_is_lost() {
    let (folder, model) = folder();
    let model = std::fs::read(model).unwrap();
    let mut server = Serving::start(folder.path());
    let uploaded = server.post("/v1/models", &model)["id"].as_str().unwrap().to_owned();
    server.post(&format!("/v1/models/{uploaded}/promote"), b"");
    let job = server.post("/v1/train", &order(4000))["id"].as_str().unwrap().to_owned();
    let mut corrected = 0;
    for round in 0..80_u64 {
        let url = server.url.clone();
        let (model, other) = (model.clone(), uploaded.clone());
        let work = std::thread::spawn(move || {
            let mut done = 0;
            loop {
                let answer = match round % 4 {
                    0 => Serving::ask(&url, "/v1/jobs", None),
                    1 => Serving::ask(&url, "/v1/models", Some(&model)),
                    2 => {
                        let id = if done % 2 == 0 { "embedded" } else { other.as_str() };
                        Serving::ask(&url, &format!("/v1/models/{id}/promote"), Some(b""))
                    }
                    _ => {
                        let asked = br#"{"corpus": "tones", "id": "S1-anger-1"}"#;
                        Serving::ask(&url, "/v1/predict", Some(asked)).and_then(|(_, prediction)| {
                            let said = json!({ "prediction": prediction["id"], "label": "fear" }).to_string();
                            Serving::ask(&url, "/v1/feedback", Some(said.as_bytes()))
                        })
                    }
                };
                match answer {
                    Some((status, answer)) => assert!(status < 300, "{status}: {answer}"),
                    None => return done,
                }
                done += 1;
            }
        });
        // Moments spread over the first fifth of a second.
        std::thread::sleep(Duration::from_millis(round.wrapping_mul(7919) % 200));
        server.kill();
        let done = work.join().unwrap();
        server = Serving::start(folder.path());
        let models = server.get("/v1/models");
        assert!(["embedded", uploaded.as_str()].contains(&models["active"].as_str().unwrap()), "{models}");
        assert_eq!(server.get(&format!("/v1/models/{uploaded}"))["origin"], "upload");
        if round % 4 == 3 {
            // What was answered with 201 was kept; of the last one nobody knows.
            let kept = server.get("/v1/feedback")["corrections"].as_array().unwrap().len();
            assert!((corrected + done..=corrected + done + 1).contains(&kept), "{kept} of {corrected} + {done}");
            corrected = kept;
        }
    }
    // What never had the time to get further may be taken for what kills the server.
    let over = server.wait_for(&job);
    assert!(over["state"] == "finished" || over["error"]["type"] == "urn:stimmung:given-up", "{over}");
    let again = server.post("/v1/train", &order(4000))["id"].as_str().unwrap().to_owned();
    std::thread::sleep(Duration::from_millis(500));
    server.kill();
    server = Serving::start(folder.path());
    let over = server.wait_for(&again);
    assert_eq!(over["state"], "finished", "{over}");
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
}
