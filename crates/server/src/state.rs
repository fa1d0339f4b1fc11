//! What all requests share.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::Semaphore;

use crate::corpora::Corpora;
use crate::jobs::Jobs;
use crate::models::Models;
use crate::params::ServerParams;
use crate::problem::Problem;
use crate::store::Store;

/// Answers that can still be corrected, and clients whose requests are counted.
const REMEMBERED: usize = 10_000;

/// Bytes of audio that are remembered for corrections, where audio is kept at all.
const REMEMBERED_BYTES: usize = 256 << 20;

/// An answer that can still be corrected.
#[derive(Clone)]
pub(crate) struct Answered {
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) label: String,
    pub(crate) probabilities: String,
    /// Corpus and id of the recording.
    pub(crate) recording: Option<(String, String)>,
    /// The audio, where it is to be kept.
    pub(crate) audio: Option<Arc<[u8]>>,
}

/// What all requests share.
pub(crate) struct State {
    pub(crate) params: ServerParams,
    pub(crate) store: Arc<Store>,
    pub(crate) models: Arc<Models>,
    pub(crate) corpora: Arc<Corpora>,
    pub(crate) jobs: Arc<Jobs>,
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    streams: AtomicUsize,
    /// By the name of a key, or by an address.
    rates: Option<DefaultKeyedRateLimiter<String>>,
    answered: Mutex<VecDeque<Answered>>,
}

pub(crate) type Shared = Arc<State>;

impl State {
    pub(crate) fn new(
        params: ServerParams,
        store: Arc<Store>,
        models: Arc<Models>,
        corpora: Arc<Corpora>,
        jobs: Arc<Jobs>,
    ) -> Self {
        let turns = Arc::new(Semaphore::new(params.limits.at_once));
        let quota = params.limits.per_second.and_then(|rate| Quota::with_period(Duration::from_secs_f64(1.0 / rate)));
        // A second's worth may come at once.
        let burst = params.limits.per_second.and_then(|rate| NonZeroU32::new(rate.ceil() as u32));
        let rates = quota.zip(burst).map(|(quota, burst)| RateLimiter::keyed(quota.allow_burst(burst)));
        let (waiting, streams, answered) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::default());
        Self { params, store, models, corpora, jobs, turns, waiting, streams, rates, answered }
    }

    /// Counts a request of a client, and refuses it where there were too many.
    pub(crate) fn count(&self, client: &str) -> Result<(), Problem> {
        let Some(rates) = &self.rates else { return Ok(()) };
        // Clients that have not come for a while are forgotten, so that many of them fill no memory.
        if rates.len() > REMEMBERED {
            rates.retain_recent();
        }
        rates.check_key(&client.to_owned()).map_err(|_| {
            let detail = "More requests than this server allows; ask again in a moment.";
            Problem::plain(StatusCode::TOO_MANY_REQUESTS, detail)
        })
    }

    /// Does work that takes a processor, when its turn has come. Beyond the limit of those that wait, it is refused at once.
    pub(crate) async fn work<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let place = Waiting::new(Arc::clone(self))?;
        self.in_turn(move |state| {
            drop(place);
            work(state)
        })
        .await
    }

    /// Does work that takes a processor, when its turn has come, however many wait: for streams, which are counted themselves.
    pub(crate) async fn in_turn<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|error| Problem::internal(&error))?;
        // Work goes on when its client is gone or out of time, and so it keeps its turn.
        self.look_up(move |state| {
            let done = work(state);
            drop(turn);
            done
        })
        .await
    }

    /// A place for one more stream.
    pub(crate) fn live(self: &Arc<Self>) -> Result<Live, Problem> {
        let limit = self.params.limits.streams;
        let before = self.streams.fetch_add(1, Ordering::Relaxed);
        let place = Live(Arc::clone(self));
        if before >= limit {
            let detail = format!("{limit} streams are heard already; try again in a moment.");
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "Too busy", detail));
        }
        metrics::gauge!("stimmung_streams").set((before + 1) as f64);
        Ok(place)
    }

    /// Does work that waits for a disk rather than for a processor.
    pub(crate) async fn look_up<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let state = Arc::clone(self);
        tokio::task::spawn_blocking(move || work(&state)).await.map_err(|error| Problem::internal(&error))?
    }

    /// Remembers an answer, so that it can be corrected.
    pub(crate) fn remember(&self, answered: Answered) {
        let mut all = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        all.push_back(answered);
        let bytes = |it: &Answered| it.audio.as_ref().map_or(0, |audio| audio.len());
        let mut held: usize = all.iter().map(bytes).sum();
        while all.len() > REMEMBERED || (held > REMEMBERED_BYTES && all.len() > 1) {
            held -= all.pop_front().as_ref().map_or(0, bytes);
        }
    }

    /// An answer by its id, as long as it is remembered.
    pub(crate) fn answered(&self, id: &str) -> Option<Answered> {
        let all = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().rev().find(|answered| answered.id == id).cloned()
    }
}

/// A stream that is heard; counted as long as it lives.
pub(crate) struct Live(Arc<State>);

impl Drop for Live {
    fn drop(&mut self) {
        let before = self.0.streams.fetch_sub(1, Ordering::Relaxed);
        metrics::gauge!("stimmung_streams").set(before.saturating_sub(1) as f64);
    }
}

/// A place among those that wait; given back when it is dropped, also when a client gives up.
struct Waiting(Arc<State>);

impl Waiting {
    fn new(state: Arc<State>) -> Result<Self, Problem> {
        let limit = state.params.limits.waiting;
        let before = state.waiting.fetch_add(1, Ordering::Relaxed);
        let place = Self(state);
        if before >= limit {
            let detail = format!("{limit} requests wait already; ask again in a moment.");
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "Too busy", detail));
        }
        metrics::gauge!("stimmung_waiting").set((before + 1) as f64);
        Ok(place)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let before = self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        metrics::gauge!("stimmung_waiting").set(before.saturating_sub(1) as f64);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn work_keeps_its_turn_when_its_client_has_given_up() {
        let folder = tempfile::tempdir().expect("folder");
        let mut params = ServerParams::default();
        params.limits.at_once = 1;
        let store = Arc::new(Store::open(folder.path()).expect("store"));
        let models = Arc::new(Models::open(Arc::clone(&store), None).expect("models"));
        let jobs = Arc::new(Jobs::new(Arc::clone(&store), Arc::clone(&models), Vec::new(), 1));
        let state = Arc::new(State::new(params, store, models, Arc::new(Corpora::find(&[])), jobs));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("runtime");
        let over = Arc::new(AtomicBool::new(false));
        let (says, asks) = (Arc::clone(&over), Arc::clone(&over));
        runtime.block_on(async {
            let slow = state.work(move |_| {
                std::thread::sleep(Duration::from_millis(500));
                says.store(true, Ordering::Relaxed);
                Ok(())
            });
            tokio::time::timeout(Duration::from_millis(50), slow).await.expect_err("given up");
            let next = state.work(move |_| Ok(asks.load(Ordering::Relaxed)));
            assert!(next.await.expect("answer"), "the next one began while the first was at work");
        });
    }
}
