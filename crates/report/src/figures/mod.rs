//! The figures, by what they show: a corpus, a recording, a run, several runs.

pub mod corpus;
pub(crate) mod marks;
pub mod recording;
pub mod run;
