//! How long a run took.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// How long a run took, in `timing.json`. It stands beside the result: no figure and no hash depends on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Seconds to hear the corpus and to compute its features. Runs that share what was heard share this figure.
    pub preparing: f64,
    /// Seconds to judge the recipe, all folds together; `None` where the experiment did not judge it itself, as in a selection
    /// or with a ready model.
    pub evaluating: Option<f64>,
    /// Seconds to train the model that was saved; `None` where there is none.
    pub training: Option<f64>,
    /// Seconds of an earlier attempt that was interrupted and gone on with; the others do not contain them. 0 if there was none.
    pub before_interruption: f64,
    /// Threads that worked.
    pub threads: usize,
    /// Processors that the program could have used; `None` where the system does not tell.
    pub processors: Option<usize>,
}

/// What a stopwatch tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Evaluating,
    Training,
}

/// Measures an experiment. Its clones are the same experiment and share the watch.
#[derive(Debug, Clone)]
pub(crate) struct Stopwatch {
    preparing: f64,
    laps: Arc<Mutex<Laps>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Laps {
    evaluating: Option<f64>,
    training: Option<f64>,
}

impl Stopwatch {
    /// Preparing has just ended.
    pub(crate) fn prepared_since(start: Instant) -> Self {
        Self { preparing: start.elapsed().as_secs_f64(), laps: Arc::default() }
    }

    /// A watch for another experiment on what was prepared.
    pub(crate) fn anew(&self) -> Self {
        Self { preparing: self.preparing, laps: Arc::default() }
    }

    /// Does some work; the last time of a stage counts.
    pub(crate) fn time<T>(&self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let done = work();
        let seconds = Some(start.elapsed().as_secs_f64());
        let mut laps = self.laps.lock().unwrap_or_else(PoisonError::into_inner);
        match stage {
            Stage::Evaluating => laps.evaluating = seconds,
            Stage::Training => laps.training = seconds,
        }
        done
    }

    pub(crate) fn timing(&self, before_interruption: f64) -> Timing {
        let Laps { evaluating, training } = *self.laps.lock().unwrap_or_else(PoisonError::into_inner);
        let milliseconds = |seconds: f64| (seconds * 1000.0).round() / 1000.0;
        Timing {
            preparing: milliseconds(self.preparing),
            evaluating: evaluating.map(milliseconds),
            training: training.map(milliseconds),
            before_interruption: milliseconds(before_interruption),
            threads: rayon::current_num_threads(),
            processors: std::thread::available_parallelism().ok().map(usize::from),
        }
    }
}
