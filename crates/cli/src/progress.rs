//! Progress bars for people, silence for pipes, and Ctrl-C.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use stimmung::Progress;
use stimmung::corpus::fetch::Watch;

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

/// A bar that counts bytes, on standard error where that is a terminal, otherwise nothing. What has to be said goes to `note`, above it.
pub struct Bytes<N> {
    bar: ProgressBar,
    note: N,
}

impl<N: Fn(&str) + Sync> Bytes<N> {
    pub fn new(note: N) -> Self {
        let target = if watched() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { bar: ProgressBar::with_draw_target(None, target), note }
    }

    /// Clears the bar away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl<N: Fn(&str) + Sync> Watch for Bytes<N> {
    fn stage(&self, stage: &str, bytes: Option<u64>) {
        let template = match bytes {
            Some(_) => "{msg:22} {bar:36} {bytes} of {total_bytes}  {bytes_per_sec}, {eta} left",
            None => "{msg:22} {spinner} {bytes}  {bytes_per_sec}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        match bytes {
            Some(bytes) => self.bar.set_length(bytes),
            None => self.bar.unset_length(),
        }
        self.bar.reset();
        self.bar.set_message(stage.to_owned());
    }

    fn at(&self, bytes: u64) {
        self.bar.set_position(bytes);
    }

    fn note(&self, text: &str) {
        self.bar.suspend(|| (self.note)(text));
    }

    fn cancelled(&self) -> bool {
        stopped()
    }
}
