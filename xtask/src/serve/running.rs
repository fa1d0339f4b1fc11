//! Servers that are measured: started, asked, looked at, stopped.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::peers::output;

/// A server that is stopped when it is dropped.
pub struct Running {
    process: Child,
    /// Where it listens.
    pub address: String,
    /// What it calls itself, if it does.
    pub name: String,
}

/// The line with which a server says that it listens.
#[derive(Deserialize)]
struct Listening {
    listening: String,
    #[serde(default)]
    peer: String,
}

impl Running {
    /// Starts a server, and waits until it says where it listens. What it logs goes to a file.
    pub fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let log = std::fs::File::create(log)?;
        let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn();
        let mut process = started.with_context(|| format!("cannot start {command:?}"))?;
        let mut line = String::new();
        if let Some(out) = process.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        let mut running = Self { process, address: String::new(), name: String::new() };
        let said: Listening = serde_json::from_str(&line).with_context(|| format!("{command:?} does not listen"))?;
        (running.address, running.name) = (said.listening, said.peer);
        Ok(running)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// An answer as JSON.
    pub fn get(&self, path: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&ureq::get(self.url(path)).call()?.body_mut().read_to_string()?)?)
    }

    pub fn post(&self, path: &str, kind: &str, body: &[u8]) -> anyhow::Result<Value> {
        let mut answer = ureq::post(self.url(path)).header("content-type", kind).send(body)?;
        Ok(serde_json::from_str(&answer.body_mut().read_to_string()?)?)
    }

    pub fn delete(&self, path: &str) -> anyhow::Result<()> {
        ureq::delete(self.url(path)).call()?;
        Ok(())
    }

    /// Seconds of processor time that it has used.
    pub fn processor_seconds(&self) -> Option<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).ok()?;
        // After the name in parentheses, which may hold anything, user and system time are the 12th and 13th field, in hundredths.
        let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
        let mut next = || fields.next()?.parse::<f64>().ok();
        Some((next()? + next()?) / 100.0)
    }

    /// Looks at predictions and memory from now on, until it is told to stop.
    pub fn watch(&self) -> Watch {
        let (url, process) = (self.url("/metrics"), self.process.id());
        let stop = std::sync::Arc::new(AtomicBool::new(false));
        let told = std::sync::Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut seen = Vec::new();
            while !told.load(Ordering::Relaxed) {
                let answers = Answers::read(&url)?;
                seen.extend(memory(process).map(|bytes| (answers.total, bytes)));
                // Seldom enough to cost the server nothing that counts.
                sleep(Duration::from_millis(100));
            }
            Ok((seen, Answers::read(&url)?))
        });
        Watch { stop, thread }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Asked first, since gunicorn's workers would outlive a master that is killed.
        let asked = Command::new("kill").arg(self.process.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

/// The memory that a process occupies at the moment, in bytes; `None` where the system does not say so.
fn memory(process: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// The answers to `POST /v1/predict`, as the server itself counts them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Answers {
    pub total: usize,
    /// Those with a status from 500.
    pub failed: usize,
}

impl Answers {
    fn read(url: &str) -> anyhow::Result<Self> {
        let text = ureq::get(url).call()?.body_mut().read_to_string()?;
        let mut answers = Self::default();
        for line in text.lines() {
            let Some(rest) =
                line.strip_prefix("stimmung_requests_total{route=\"/v1/predict\",method=\"POST\",status=\"")
            else {
                continue;
            };
            let (status, count) = rest.split_once("\"} ").context("a count without a status")?;
            let count: usize = count.trim().parse()?;
            answers.total += count;
            if status.starts_with('5') {
                answers.failed += count;
            }
        }
        Ok(answers)
    }
}

type Seen = (Vec<(usize, u64)>, Answers);

/// Somebody who looks at a server.
pub struct Watch {
    stop: std::sync::Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<Seen>>,
}

impl Watch {
    /// Ends; gives the memory by number of answers, and the answers in the end.
    pub fn end(self) -> anyhow::Result<Seen> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|_| bail!("the watch panicked"))
    }
}

/// What came of a load: latencies in milliseconds.
#[derive(Debug, Deserialize)]
pub struct Load {
    pub requests: usize,
    pub seconds: f64,
    pub p50: f64,
    pub p99: f64,
    pub worst: f64,
    /// Answers that were not of the kind 2xx or 3xx.
    pub refused: usize,
    /// Connections that were not made or broke, and answers that did not come within ten seconds.
    pub broken: usize,
}

impl Load {
    pub fn per_second(&self) -> f64 {
        self.requests as f64 / self.seconds
    }
}

/// Posts the recording from so many connections for so many seconds.
pub fn load(url: &str, recording: &Path, connections: usize, seconds: f64) -> anyhow::Result<Load> {
    let script = crate::peers::root().join("scripts").join("bench_serve.lua");
    let mut wrk = Command::new("wrk");
    wrk.env("RECORDING", recording).args([
        "--threads",
        "1",
        "--timeout",
        "10s",
        "--connections",
        &connections.to_string(),
    ]);
    wrk.args(["--duration", &format!("{}s", seconds.ceil().max(1.0))]).arg("--script").arg(script).arg(url);
    let text = output(&mut wrk).context("wrk makes the load; it is in most distributions (apt-get install wrk)")?;
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).with_context(|| format!("not what wrk should say: {line:?}"))
}
