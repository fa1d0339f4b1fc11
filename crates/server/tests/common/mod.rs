//! A server of its own for each test, on a corpus of tones, and a client that takes every status as an answer.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses its part, and one that cannot go on fails")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use stimmung::audio::{WavEncoding, Waveform, write_wav};
use stimmung_server::{Server, ServerParams};
use ureq::Agent;

/// An answer.
pub struct Answer {
    pub status: u16,
    pub kind: String,
    pub headers: Vec<(String, String)>,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Asserts a problem document of this status that names `word`.
    #[track_caller]
    pub fn is_problem(&self, status: u16, word: &str) {
        assert_eq!((self.status, self.kind.as_str()), (status, "application/problem+json"), "{}", self.text());
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(problem["request_id"].as_str() == self.header("x-request-id"), "{problem}");
        assert!(problem.to_string().contains(word), "`{word}` is missing: {problem}");
    }
}

/// A server that is stopped when it is dropped.
pub struct Running {
    pub folder: tempfile::TempDir,
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    pub key: Option<String>,
}

/// A buzz of this pitch.
pub fn tone(pitch: f64, seconds: f64, seed: u32) -> Waveform {
    let samples = (0..(16_000.0 * seconds) as u32).map(|n| {
        let noise = f64::from((n.wrapping_mul(7919).wrapping_add(seed * 104_729)) % 1009) / 1009.0 - 0.5;
        let phase = (f64::from(n) * pitch / 16_000.0).fract();
        (0.4 * (phase - 0.5) + 0.02 * noise) as f32
    });
    Waveform::new(samples.collect(), 16_000).unwrap()
}

/// A recording as WAV.
pub fn wav(pitch: f64, seconds: f64) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tone.wav");
    write_wav(&path, &tone(pitch, seconds, 1), WavEncoding::Pcm16).unwrap();
    std::fs::read(path).unwrap()
}

/// Three emotions by pitch, three speakers, three recordings each: as Emo-DB names its files, so that it is found by name.
fn corpus(folder: &Path) {
    let wavs = folder.join("emodb").join("wav");
    std::fs::create_dir_all(&wavs).unwrap();
    for (speaker, factor) in [("03", 1.0), ("08", 1.1), ("09", 1.2)] {
        for (code, pitch) in [("W", 300.0), ("T", 100.0), ("N", 180.0)] {
            for (text, take) in [("a01", 'a'), ("a02", 'b'), ("a04", 'c')] {
                let wave = tone(pitch * factor + f64::from(take as u32 % 7), 0.4, take as u32);
                let name = format!("{speaker}{text}{code}{take}.wav");
                write_wav(wavs.join(name), &wave, WavEncoding::Pcm16).unwrap();
            }
        }
    }
}

impl Running {
    /// A server with the default parameters.
    pub fn start() -> Self {
        Self::with(|_| ())
    }

    /// A server with these changes.
    pub fn with(change: impl FnOnce(&mut ServerParams)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        corpus(&folder.path().join("corpora"));
        Self::again(folder, change)
    }

    /// A server in the folder of one that was stopped.
    pub fn again(folder: tempfile::TempDir, change: impl FnOnce(&mut ServerParams)) -> Self {
        let mut params = ServerParams {
            listen: "127.0.0.1:0".parse().unwrap(),
            data: folder.path().join("data"),
            corpora: vec![folder.path().join("corpora")],
            ..ServerParams::default()
        };
        change(&mut params);
        let server = Server::start(params).unwrap();
        let (address, stop) = (server.address(), Arc::new(AtomicBool::new(false)));
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || server.run_until(|| told.load(Ordering::Relaxed)));
        Self { folder, address, stop, thread: Some(thread), key: None }
    }

    /// Stops the server and gives its folder.
    pub fn stop(mut self) -> tempfile::TempDir {
        self.end();
        let empty = tempfile::tempdir().unwrap();
        std::mem::replace(&mut self.folder, empty)
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn agent() -> Agent {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_mins(1)));
        config.build().into()
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
        let mut answer = answer.unwrap();
        let headers: Vec<(String, String)> = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
            .collect();
        let kind = headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.clone());
        Answer {
            status: answer.status().as_u16(),
            kind: kind.unwrap_or_default(),
            headers,
            bytes: answer.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap(),
        }
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.key.as_deref().unwrap_or("none"))
    }

    pub fn get(&self, path: &str) -> Answer {
        Self::read(Self::agent().get(self.url(path)).header("authorization", self.bearer()).call())
    }

    pub fn get_with(&self, path: &str, name: &str, value: &str) -> Answer {
        Self::read(Self::agent().get(self.url(path)).header(name, value).call())
    }

    pub fn delete(&self, path: &str) -> Answer {
        Self::read(Self::agent().delete(self.url(path)).header("authorization", self.bearer()).call())
    }

    pub fn post(&self, path: &str, kind: &str, body: &[u8]) -> Answer {
        let request = Self::agent().post(self.url(path)).header("authorization", self.bearer());
        Self::read(request.header("content-type", kind).send(body))
    }

    pub fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.post(path, "application/json", body.to_string().as_bytes())
    }

    /// Posts files as a form.
    pub fn post_form(&self, path: &str, files: &[(&str, &str, &[u8])]) -> Answer {
        let mut body = Vec::new();
        for (field, name, bytes) in files {
            let head = format!(
                "--limit\r\ncontent-disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
                 content-type: audio/wav\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--limit--\r\n");
        self.post(path, "multipart/form-data; boundary=limit", &body)
    }

    /// Waits until a job is over; gives it.
    pub fn wait_for(&self, job: &str) -> Value {
        self.wait_until(job, |state| !["queued", "running"].contains(&state))
    }

    pub fn wait_until(&self, job: &str, there: impl Fn(&str) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let answer = self.get(&format!("/v1/jobs/{job}")).json();
            if there(answer["state"].as_str().unwrap()) {
                return answer;
            }
            assert!(start.elapsed() < Duration::from_mins(2), "{answer}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
