//! How long work tells what it is doing, and how it is told to stop.

use stimmung_evaluation::Scores;
use stimmung_models::FitProgress;

/// Which of an experiment's trainings is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Training {
    /// That of a fold.
    Fold {
        /// Its number, from 1.
        number: usize,
        /// How many folds there are.
        of: usize,
    },
    /// That of the model that is kept, on everything.
    Final,
}

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
    /// A training has come a step further; the steps of networks are epochs. Trainings run side by side, and one that goes on
    /// from a checkpoint tells its earlier steps once more. Shown nowhere by default.
    fn trained(&self, _training: Training, _step: &FitProgress) {}
    /// The model of a fold, which tests what `name` says, has been judged. Shown nowhere by default.
    fn judged(&self, _training: Training, _name: &str, _scores: &Scores) {}
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
