//! Downloading one file: resumed where it stopped, tried again where that may help, and never longer than it may be.

use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant, SystemTime};

use ureq::http::{HeaderMap, Response};
use ureq::{Agent, Body};

use super::part::{Origin, Part};
use super::{FetchParams, Watch};
use crate::error::CorpusError;
use crate::source::Sums;

/// What an attempt has to bring so that it counts as progress and the next failure as the first, in bytes.
const PROGRESS: u64 = 1 << 20;
/// More redirects than any publisher needs.
const MAX_REDIRECTS: u32 = 5;
/// The longest wait that a server is granted, in seconds; one that asks for more is told of.
const MAX_WAIT: u64 = 300;
/// How often a waiting or reading thread looks whether the caller wants to stop.
const TICK: Duration = Duration::from_millis(100);

/// A file to download.
pub(super) struct Item<'a> {
    /// Its address.
    pub url: &'a str,
    /// The checksums that it must have.
    pub sums: &'a Sums,
    /// Its exact size, if that is known.
    pub bytes: Option<u64>,
    /// The largest size that is taken.
    pub cap: u64,
    /// What people can do if the file cannot be had.
    pub advice: &'a str,
}

/// Why an attempt failed.
enum Failure {
    /// It will fail again.
    Final(CorpusError),
    /// Another attempt may do better, after as long as the server wants or as is usual.
    Passing { why: String, wait: Option<Duration> },
}

impl From<CorpusError> for Failure {
    fn from(error: CorpusError) -> Self {
        Self::Final(error)
    }
}

/// The answer makes what is there useless; the next attempt begins anew, at once.
fn anew(why: &str) -> Failure {
    Failure::Passing { why: why.to_owned(), wait: Some(Duration::ZERO) }
}

/// Downloads files over one set of connections.
pub(super) struct Client<'a> {
    params: &'a FetchParams,
    watch: &'a dyn Watch,
    agent: Agent,
}

impl<'a> Client<'a> {
    /// A client for addresses that begin like `url`: if that one is safe from listeners, no redirect leads to one that is not.
    pub fn new(url: &str, params: &'a FetchParams, watch: &'a dyn Watch) -> Self {
        // A zero would be no patience at all.
        let patience = Some(params.stall.max(Duration::from_millis(1)));
        let config = Agent::config_builder()
            .user_agent(concat!("stimmung/", env!("CARGO_PKG_VERSION")))
            .https_only(url.starts_with("https://"))
            .http_status_as_error(false)
            .max_redirects(MAX_REDIRECTS)
            .timeout_resolve(patience)
            .timeout_connect(patience)
            .timeout_send_request(patience)
            .timeout_recv_response(patience)
            .timeout_per_read(patience);
        Self { params, watch, agent: config.build().into() }
    }

    /// Runs `work`, which downloads, and breaks its connections as soon as the caller wants to stop: a read may otherwise last until
    /// it is taken for a stall.
    pub fn interruptible<T>(&self, work: impl FnOnce() -> T) -> T {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                while !over.load(Ordering::Acquire) {
                    if self.watch.cancelled() {
                        self.agent.clone().shutdown();
                        return;
                    }
                    thread::park_timeout(TICK);
                }
            });
            let _done = Done { over: &over, watcher: watcher.thread().clone() };
            work()
        })
    }

    /// Downloads a file to `path`, which appears when it is whole and has the right checksums. Until then it grows as `PATH.part`,
    /// from which a later call goes on. `at` is told how many bytes are there.
    pub fn download(&self, item: &Item, path: &Path, at: &mut dyn FnMut(u64)) -> Result<(), CorpusError> {
        let mut part = Part::open(path)?;
        part.keep_what_is_of_use(item)?;
        let mut furthest = part.have();
        let mut failures = 0;
        loop {
            let failure = match self.attempt(item, &mut part, at) {
                Ok(()) => return part.finish(item),
                _ if self.watch.cancelled() => return Err(CorpusError::Cancelled),
                Err(failure) => failure,
            };
            let (why, wait) = match failure {
                Failure::Final(error) => return Err(error),
                Failure::Passing { why, wait } => (why, wait),
            };
            if part.have() >= furthest.saturating_add(PROGRESS) {
                furthest = part.have();
                failures = 0;
            }
            failures += 1;
            if failures > self.params.retries {
                return Err(failed(
                    item,
                    format!("{why} (tried {failures} times)"),
                    "try again later: what has arrived is kept, and the same command goes on from there",
                ));
            }
            let wait = wait.unwrap_or_else(|| self.params.backoff.saturating_mul(1 << (failures - 1).min(10)));
            if !wait.is_zero() {
                self.watch.note(&format!("{why}; trying again in {:.0} s", wait.as_secs_f64().ceil()));
            }
            self.sleep(wait)?;
        }
    }

    /// Asks once, for what is missing.
    fn attempt(&self, item: &Item, part: &mut Part, at: &mut dyn FnMut(u64)) -> Result<(), Failure> {
        part.keep_what_is_of_use(item)?;
        at(part.have());
        let mut request = self.agent.get(item.url);
        if part.have() > 0 {
            request = request.header("range", format!("bytes={}-", part.have()));
            if let Some(validator) = part.validator() {
                request = request.header("if-range", validator);
            }
        }
        let response = request.call().map_err(|error| unreachable_or_refused(item, &error))?;
        match response.status().as_u16() {
            200 => {
                part.restart(Origin::of(item.url, response.headers(), content_length(response.headers())))?;
                self.receive(item, part, response, at)
            }
            206 => {
                if let Err(why) = continues(part, response.headers()) {
                    part.clear()?;
                    return Err(anew(why));
                }
                self.receive(item, part, response, at)
            }
            // Everything is there already, or something that the server does not know.
            416 if part.have() > 0 => match content_range(response.headers()) {
                Some((None, Some(total))) if total == part.have() => Ok(()),
                _ => {
                    part.clear()?;
                    Err(anew("the server does not go on from where the download stopped"))
                }
            },
            status => Err(refused(item, status, response.headers())),
        }
    }

    /// Appends an answer's body to the part.
    fn receive(
        &self,
        item: &Item,
        part: &mut Part,
        response: Response<Body>,
        at: &mut dyn FnMut(u64),
    ) -> Result<(), Failure> {
        let limit = part.total().or(item.bytes).unwrap_or(item.cap);
        if let (Some(total), Some(expected)) = (part.total(), item.bytes)
            && total != expected
        {
            let what = format!("the server has a file of {total} bytes, expected {expected}");
            return Err(failed(item, what, item.advice).into());
        }
        if limit > item.cap {
            return Err(too_large(item));
        }
        let mut reader = response.into_body().into_reader();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    let why = match ureq::Error::from(error) {
                        ureq::Error::Timeout(_) => {
                            format!("nothing came for {} s", self.params.stall.as_secs_f64())
                        }
                        error => format!("the connection was cut after {} bytes ({error})", part.have()),
                    };
                    return Err(Failure::Passing { why, wait: None });
                }
            };
            if part.have() + read as u64 > limit {
                let what = format!("the server sends more than the {limit} bytes that it may");
                part.clear()?;
                return Err(failed(item, what, item.advice).into());
            }
            part.append(&buffer[..read])?;
            at(part.have());
            if self.watch.cancelled() {
                return Err(CorpusError::Cancelled.into());
            }
        }
        match part.total().or(item.bytes) {
            Some(total) if part.have() < total => {
                let why = format!("only {} of {total} bytes came", part.have());
                Err(Failure::Passing { why, wait: None })
            }
            _ => Ok(()),
        }
    }

    /// Waits, unless the caller wants to stop.
    fn sleep(&self, wait: Duration) -> Result<(), CorpusError> {
        let begun = Instant::now();
        loop {
            if self.watch.cancelled() {
                return Err(CorpusError::Cancelled);
            }
            let left = wait.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(TICK));
        }
    }
}

/// Ends the thread that waits for the caller to stop, also when the work panics.
struct Done<'a> {
    over: &'a AtomicBool,
    watcher: Thread,
}

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        self.watcher.unpark();
    }
}

fn failed(item: &Item, what: String, advice: &str) -> CorpusError {
    CorpusError::Download { url: item.url.to_owned(), what, advice: advice.to_owned() }
}

fn too_large(item: &Item) -> Failure {
    failed(item, format!("the file is larger than {} bytes, the most that is taken", item.cap), item.advice).into()
}

/// What an answer without the file means.
fn refused(item: &Item, status: u16, headers: &HeaderMap) -> Failure {
    match status {
        408 | 425 | 429 | 500.. => {
            let wait = retry_after(headers);
            if let Some(wait) = wait.filter(|wait| wait.as_secs() > MAX_WAIT) {
                let what = format!("the server is busy (status {status}) for {} s", wait.as_secs());
                return failed(item, what, "try again after that").into();
            }
            Failure::Passing { why: format!("the server answered with status {status}"), wait }
        }
        404 | 410 => failed(item, format!("there is no such file (anymore, status {status})"), item.advice).into(),
        401 | 403 => {
            failed(item, format!("the owner does not give the file away (status {status})"), item.advice).into()
        }
        _ => failed(item, format!("the server answered with status {status}"), item.advice).into(),
    }
}

/// What it means that no answer came at all.
fn unreachable_or_refused(item: &Item, error: &ureq::Error) -> Failure {
    let done = |what: String, advice: &str| Failure::Final(failed(item, what, advice));
    match error {
        ureq::Error::HostNotFound => done("the host is not found".into(), "check the connection to the internet"),
        ureq::Error::TooManyRedirects => done(format!("more than {MAX_REDIRECTS} redirects"), item.advice),
        ureq::Error::RequireHttpsOnly(to) => {
            done(format!("it redirects to an address without encryption, {to}, which is not followed"), item.advice)
        }
        ureq::Error::BadUri(uri) => done(format!("`{uri}` is no address"), item.advice),
        ureq::Error::Rustls(error) => done(
            format!("the encrypted connection failed ({error})"),
            "check the clock of this machine and whether something stands between it and the internet",
        ),
        ureq::Error::Timeout(_) => Failure::Passing { why: "the server did not answer in time".into(), wait: None },
        error => Failure::Passing { why: format!("no proper answer from the server ({error})"), wait: None },
    }
}

/// Whether a partial answer goes on exactly where the part ends, with the same file.
fn continues(part: &Part, headers: &HeaderMap) -> Result<(), &'static str> {
    let Some((Some(start), total)) = content_range(headers) else {
        return Err("the server does not say which part of the file it sends");
    };
    if start != part.have() {
        return Err("the server sends another part of the file than it was asked for");
    }
    if !part.origin_fits(headers, total) {
        return Err("the file has changed on the server");
    }
    Ok(())
}

/// Where the body of a partial answer begins, unless there is none, and the size of the whole file, unless it is not told.
fn content_range(headers: &HeaderMap) -> Option<(Option<u64>, Option<u64>)> {
    let text = headers.get("content-range")?.to_str().ok()?.trim().strip_prefix("bytes")?.trim_start();
    let (range, total) = text.split_once('/')?;
    let total = if total == "*" { None } else { Some(total.parse().ok()?) };
    let start = if range == "*" { None } else { Some(range.split_once('-')?.0.parse().ok()?) };
    Some((start, total))
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get("content-length")?.to_str().ok()?.trim().parse().ok()
}

/// How long the server wants to be left alone: it says seconds or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::Silent;

    #[test]
    fn encrypted_sources_never_lead_to_unencrypted_files() {
        let folder = tempfile::tempdir().unwrap();
        let params = FetchParams::into_folder(folder.path());
        let client = Client::new("https://a.example/corpus.zip", &params, &Silent);
        // As the redirect would have it. Nothing is asked for there.
        let (sums, advice) = (Sums::default(), "ask its owner");
        let item = Item { url: "http://127.0.0.1:1/corpus.zip", sums: &sums, bytes: None, cap: 100, advice };
        let error = client.download(&item, &folder.path().join("corpus.zip"), &mut |_| ()).unwrap_err().to_string();
        assert!(error.contains("without encryption") && error.ends_with(advice), "{error}");
    }

    #[test]
    fn ranges_as_servers_write_them() {
        let range = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("content-range", text.parse().unwrap());
            content_range(&headers)
        };
        assert_eq!(range("bytes 5-9/10"), Some((Some(5), Some(10))));
        assert_eq!(range(" bytes  5-9/*"), Some((Some(5), None)));
        assert_eq!(range("bytes */10"), Some((None, Some(10))));
        for wrong in ["", "bytes", "bytes 5", "bytes 5/10", "bytes -9/10", "items 5-9/10", "bytes 5-9/x", "bytes 5-9"] {
            assert_eq!(range(wrong), None, "{wrong}");
        }
    }
}
