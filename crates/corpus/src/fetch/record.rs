//! What was fetched, from where and when: provenance for people, and by its checksum the next fetch knows whether the publisher has
//! changed the file.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::CorpusError;

/// The name under which a fetched corpus keeps its [`Record`].
pub const RECORD_FILE: &str = ".stimmung-source.json";

/// What was fetched, from where and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What commands and recipes call the corpus.
    pub corpus: String,
    /// The address that it was downloaded from, or the file or folder that somebody brought.
    pub from: String,
    /// The archive's size in bytes; none of a folder.
    pub bytes: Option<u64>,
    /// The archive's SHA-256, in hexadecimal; none of a folder.
    pub sha256: Option<String>,
    /// How many recordings the corpus had.
    pub recordings: usize,
    /// When that was, as HTTP writes dates.
    pub fetched: String,
}

impl Record {
    /// Reads a record; none if there is none or it says nothing.
    pub(super) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), CorpusError> {
        let failed = |source| CorpusError::io("write", path, source);
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        std::fs::write(path, text).map_err(failed)
    }
}
