//! How long work tells what it is doing, and how it is told to stop.

/// Watches long work. Called from several threads at once.
pub trait Progress: Sync {
    /// A stage begins: what is done (`"extracting features"`) and how many steps it has.
    fn begin(&self, stage: &str, steps: u64);
    /// Some steps of the current stage are done.
    fn advance(&self, steps: u64);
    /// The current stage is over.
    fn end(&self);
    /// A few lines on where the work stands, in place of those shown before. Shown nowhere by default.
    fn show(&self, _standings: &str) {}
    /// Whether the work should stop as soon as it can; it then fails with [`Error::Cancelled`](crate::Error::Cancelled).
    fn cancelled(&self) -> bool;
}

/// Turns reports of how many steps are done into advances of the current stage.
pub fn advance_to(progress: &dyn Progress) -> impl FnMut(usize) {
    let mut told = 0;
    move |done| {
        progress.advance(done.saturating_sub(told) as u64);
        told = done;
    }
}

/// Shows nothing and never stops.
///
/// # Examples
/// ```
/// use stimmung::{Progress, Quiet};
/// assert!(!Quiet.cancelled());
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn begin(&self, _stage: &str, _steps: u64) {}
    fn advance(&self, _steps: u64) {}
    fn end(&self) {}
    fn cancelled(&self) -> bool {
        false
    }
}
