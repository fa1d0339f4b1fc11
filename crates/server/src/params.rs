//! How a server is set up.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::ServerError;
use crate::origins::is_origin;

/// How a server is set up: the configuration file's keys. Every one can also be given as a flag and in the environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerParams {
    /// The address and port. Default `127.0.0.1:5000`, which only this machine reaches. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The folder for models, jobs and the database. Default `stimmung-data`.
    pub data: PathBuf,
    /// Folders with corpora. Beyond those, the usual places are looked into.
    pub corpora: Vec<PathBuf>,
    /// The model file that answers until another is promoted. Default the embedded one.
    pub model: Option<PathBuf>,
    /// Whether a server that other machines reach may answer without keys. Default no.
    pub open: bool,
    /// Whether corrections of answers are kept. Default no.
    pub feedback: bool,
    /// Whether the audio behind corrections is kept. Default no.
    pub keep_audio: bool,
    /// Origins of other hosts' pages that may ask (CORS), or `*`. None by default.
    pub origins: Vec<String>,
    /// What a request may cost.
    pub limits: Limits,
}

impl Default for ServerParams {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5000),
            data: PathBuf::from("stimmung-data"),
            corpora: Vec::new(),
            model: None,
            open: false,
            feedback: false,
            keep_audio: false,
            origins: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// What requests may cost: the section `[limits]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The largest body in bytes, 1 KiB to 4 GiB. Default 64 MiB.
    pub body_bytes: usize,
    /// The longest recording in seconds, 1 to 86,400. Default 3600.
    pub seconds: f64,
    /// Seconds that a request may take, its body included, 1 to 3600. Default 60.
    pub request_seconds: u64,
    /// Recordings in a batch, 1 to 10,000. Default 100.
    pub batch: usize,
    /// Answers that are worked out at the same time, 1 to 1024; further ones wait. Default four a core: while
    /// one is on its way between threads, the others keep the cores busy.
    pub at_once: usize,
    /// Requests that wait for their answer, 1 to 100,000; further ones are refused with 503. Default 256.
    pub waiting: usize,
    /// Live streams at the same time, 1 to 10,000. Default 64.
    pub streams: usize,
    /// Trainings in the queue, 1 to 10,000. Default 100.
    pub jobs: usize,
    /// Requests a second from one key, or one address where there are no keys; none by default.
    pub per_second: Option<f64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 64 << 20,
            seconds: 3600.0,
            request_seconds: 60,
            batch: 100,
            at_once: std::thread::available_parallelism().map_or(4, |cores| 4 * cores.get()).min(1024),
            waiting: 256,
            streams: 64,
            jobs: 100,
            per_second: None,
        }
    }
}

impl ServerParams {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`ServerError::Parameter`] that names the first key out of range.
    pub fn check(&self) -> Result<(), ServerError> {
        let Limits { body_bytes, seconds, request_seconds, batch, at_once, waiting, streams, jobs, per_second } =
            self.limits;
        let refuse = |name, actual: String, expected| Err(ServerError::Parameter { name, actual, expected });
        if !(1 << 10..=1 << 32).contains(&body_bytes) {
            return refuse("limits.body_bytes", body_bytes.to_string(), "1024 to 4294967296");
        }
        if !(1.0..=86_400.0).contains(&seconds) {
            return refuse("limits.seconds", seconds.to_string(), "1 to 86400");
        }
        if !(1..=3600).contains(&request_seconds) {
            return refuse("limits.request_seconds", request_seconds.to_string(), "1 to 3600");
        }
        for (name, value, most, expected) in [
            ("limits.batch", batch, 10_000, "1 to 10000"),
            ("limits.at_once", at_once, 1024, "1 to 1024"),
            ("limits.waiting", waiting, 100_000, "1 to 100000"),
            ("limits.streams", streams, 10_000, "1 to 10000"),
            ("limits.jobs", jobs, 10_000, "1 to 10000"),
        ] {
            if !(1..=most).contains(&value) {
                return refuse(name, value.to_string(), expected);
            }
        }
        if let Some(rate) = per_second
            && !(0.01..=1e6).contains(&rate)
        {
            return refuse("limits.per_second", rate.to_string(), "0.01 to 1000000");
        }
        if self.keep_audio && !self.feedback {
            return refuse("keep_audio", "true".into(), "`feedback = true` beside it: only corrections keep audio");
        }
        if let Some(origin) = self.origins.iter().find(|origin| *origin != "*" && !is_origin(origin)) {
            let expected = "scheme, host and port in lower case and nothing else, such as https://example.org, or *";
            return refuse("origins", format!("{origin:?}"), expected);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_hold_and_every_range_is_checked() {
        ServerParams::default().check().expect("valid");
        for text in [
            "limits = { body_bytes = 1 }",
            "limits = { seconds = 0.0 }",
            "limits = { seconds = nan }",
            "limits = { request_seconds = 0 }",
            "limits = { batch = 0 }",
            "limits = { at_once = 0 }",
            "limits = { waiting = 1000000 }",
            "limits = { streams = 0 }",
            "limits = { jobs = 0 }",
            "limits = { per_second = -1.0 }",
            "keep_audio = true",
            "origins = ['https://voice.example', 'voice.example']",
            "origins = ['https://voice.example/']",
        ] {
            let params: ServerParams = toml::from_str(text).expect(text);
            let message = params.check().expect_err(text).to_string();
            assert!(message.contains(": expected "), "{message}");
        }
        toml::from_str::<ServerParams>("lissen = \"[::1]:80\"").expect_err("unknown key");
    }
}
