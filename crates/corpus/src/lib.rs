//! Corpora of labelled recordings: layouts, manifests and a synthetic corpus.
//!
//! A [`Manifest`] is the table of a corpus: one [`Recording`] a row, and the files that had to be left out with the reason. It comes
//! from a CSV file, or from a folder whose file names a [`Layout`] explains. What the codes in those names mean is data
//! (`data/layouts.toml`), so a corpus is added without touching code, and a user's own corpus by a file of the same form.
//!
//! ```
//! use stimmung_corpus::{Layout, Sex};
//!
//! let layout = Layout::by_name("emodb")?;
//! let recording = layout.read("wav/03a01Wa.wav").expect("a name of this corpus");
//! assert_eq!(recording.speaker.as_deref(), Some("03"));
//! assert_eq!(recording.emotion.as_deref(), Some("anger"));
//! assert_eq!(recording.sex, Some(Sex::Male));
//! assert!(layout.read("wav/notes.wav").is_err());
//! # Ok::<(), stimmung_corpus::CorpusError>(())
//! ```
//!
//! [`Manifest::probe`] looks into the files and sets aside what cannot be read, [`Manifest::describe`] counts what is there, and
//! [`synth`] makes a small corpus of synthetic voices where no recordings are at hand. [`fetch`] downloads corpora from their official
//! places, which are data as well ([`Source`], `data/sources.toml`).

mod describe;
mod error;
#[cfg(not(target_family = "wasm"))]
pub mod fetch;
mod find;
mod layout;
mod manifest;
mod probe;
mod recording;
mod source;
pub mod synth;
mod table;
#[cfg(test)]
mod testing;
mod unlabelled;
mod walk;

pub use describe::{Description, Durations, Repetition, SpeakerCount};
pub use error::CorpusError;
pub use find::find;
pub use layout::{Layout, layouts, standard_emotion};
pub use manifest::Manifest;
pub use probe::content_hash;
pub use recording::{Dropped, Media, Recording, Sex};
pub use source::{Source, Sums, sources};
