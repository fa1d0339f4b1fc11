//! What can go wrong.

/// What can go wrong while figures and reports are made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A figure cannot be drawn as asked.
    #[error("the figure cannot be drawn: {0}")]
    Drawing(String),
    /// What is asked for is not in the data.
    #[error("{what}: {why}")]
    Missing {
        /// What was asked for.
        what: String,
        /// Why it is not there, and what to do.
        why: String,
    },
    /// The answers of a run cannot be counted.
    #[error(transparent)]
    Evaluation(#[from] stimmung_evaluation::EvaluationError),
    /// A run's folder, or the model in it, cannot be read.
    #[error(transparent)]
    Run(Box<stimmung::Error>),
    /// No kind of figure has this name: choose one of the known ones.
    #[error("unknown kind of figure `{name}`{hint}. Known kinds: {known}")]
    UnknownKind {
        /// The name that was asked for.
        name: String,
        /// The nearest known name, if one is near.
        hint: String,
        /// All names, separated by commas.
        known: String,
    },
}

impl From<stimmung::Error> for ReportError {
    fn from(error: stimmung::Error) -> Self {
        Self::Run(Box::new(error))
    }
}
