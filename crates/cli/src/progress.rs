//! Progress bars for people, silence for pipes, and Ctrl-C.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use stimmung::Progress;

use crate::console::watched;

static STOP: AtomicBool = AtomicBool::new(false);

/// The first Ctrl-C lets the work stop cleanly, the second one ends the program at once.
pub fn stop_on_ctrl_c() {
    // Without a handler Ctrl-C ends the program at once, which leaves at most a hidden unfinished folder.
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(crate::STOPPED));
        }
    });
}

/// Whether Ctrl-C was pressed.
pub fn stopped() -> bool {
    STOP.load(Ordering::Relaxed)
}

/// A bar on standard error where that is a terminal, otherwise nothing.
#[derive(Default)]
pub struct Bar {
    current: Mutex<Option<ProgressBar>>,
}

impl Bar {
    fn with(&self, act: impl FnOnce(&mut Option<ProgressBar>)) {
        act(&mut self.current.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Progress for Bar {
    fn begin(&self, stage: &str, steps: u64) {
        let target = if watched() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(steps), target).with_message(stage.to_owned());
        if let Ok(style) =
            ProgressStyle::with_template("{prefix}{msg:22} {bar:36} {percent:>3} %  {elapsed}, {eta} left")
        {
            bar.set_style(style);
        }
        self.with(|current| *current = Some(bar));
    }

    fn advance(&self, steps: u64) {
        self.with(|current| {
            if let Some(bar) = current {
                bar.inc(steps);
            }
        });
    }

    fn end(&self) {
        self.with(|current| {
            if let Some(bar) = current.take() {
                bar.finish_and_clear();
            }
        });
    }

    fn show(&self, standings: &str) {
        self.with(|current| {
            if let Some(bar) = current {
                bar.set_prefix(format!("{standings}\n"));
            }
        });
    }

    fn cancelled(&self) -> bool {
        stopped()
    }
}
