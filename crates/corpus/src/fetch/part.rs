//! The part of a file that is there already, and what the server said of the whole.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use md5::Md5;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use ureq::http::HeaderMap;

use super::http::Item;
use crate::error::CorpusError;
use crate::probe::digest;
use crate::source::Sums;

/// Which file the part is of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Origin {
    url: String,
    /// The strong entity tag of the file, or else the date of its last change: by it the server knows whether it still has that file.
    validator: Option<String>,
    /// Its size in bytes.
    total: Option<u64>,
}

impl Origin {
    pub fn of(url: &str, headers: &HeaderMap, total: Option<u64>) -> Self {
        Self { url: url.to_owned(), validator: validator(headers), total }
    }
}

/// A file that is being downloaded: `PATH.part`, and beside it `PATH.part.json` with its origin.
pub(super) struct Part {
    whole: PathBuf,
    path: PathBuf,
    notes: PathBuf,
    file: File,
    have: u64,
    origin: Origin,
}

impl Part {
    /// Opens the part that an earlier download has left, or begins a new one.
    pub fn open(whole: &Path) -> Result<Self, CorpusError> {
        let (path, notes) = (with_suffix(whole, ".part"), with_suffix(whole, ".part.json"));
        let origin: Origin =
            std::fs::read(&notes).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(|source| CorpusError::io("write", &path, source))?;
        let have = file.metadata().map_err(|source| CorpusError::io("read", &path, source))?.len();
        Ok(Self { whole: whole.to_path_buf(), path, notes, file, have, origin })
    }

    /// Throws away what cannot be gone on with: a part of something else, or one of which nobody would notice that the file has
    /// changed since, because the server has named no validator and no checksum is known.
    pub fn keep_what_is_of_use(&mut self, item: &Item) -> Result<(), CorpusError> {
        let noticed = self.origin.validator.is_some() || item.sums.md5.is_some() || item.sums.sha256.is_some();
        if self.have > 0 && !(noticed && self.origin.url == item.url) {
            self.clear()?;
        }
        Ok(())
    }

    /// How many bytes are there.
    pub fn have(&self) -> u64 {
        self.have
    }

    /// How many bytes the whole file has, as far as the server has told.
    pub fn total(&self) -> Option<u64> {
        self.origin.total
    }

    /// By what the server knows whether it still has this file.
    pub fn validator(&self) -> Option<&str> {
        self.origin.validator.as_deref()
    }

    /// Whether a partial answer is of the file that the part is of.
    pub fn origin_fits(&self, headers: &HeaderMap, total: Option<u64>) -> bool {
        let other =
            |known: Option<&String>, told: Option<&String>| matches!((known, told), (Some(a), Some(b)) if a != b);
        let size_differs = matches!((self.origin.total, total), (Some(a), Some(b)) if a != b);
        !size_differs && !other(self.origin.validator.as_ref(), validator(headers).as_ref())
    }

    /// Throws away what is there; the server sends the whole file.
    pub fn restart(&mut self, origin: Origin) -> Result<(), CorpusError> {
        self.clear()?;
        self.origin = origin;
        let text = serde_json::to_vec(&self.origin).map_err(|error| self.failed("write", error.into()))?;
        std::fs::write(&self.notes, text).map_err(|source| CorpusError::io("write", &self.notes, source))
    }

    /// Throws away what is there.
    pub fn clear(&mut self) -> Result<(), CorpusError> {
        // The notes go first: bytes without them are never built upon.
        match std::fs::remove_file(&self.notes) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(self.failed("write", error)),
            _ => {}
        }
        self.file.set_len(0).map_err(|source| self.failed("write", source))?;
        self.have = 0;
        self.origin = Origin::default();
        Ok(())
    }

    /// Adds bytes at the end.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), CorpusError> {
        self.file.write_all(bytes).map_err(|source| self.failed("write", source))?;
        self.have += bytes.len() as u64;
        Ok(())
    }

    /// Checks the whole file against what is known of it and gives it its name.
    pub fn finish(self, item: &Item) -> Result<(), CorpusError> {
        let Self { whole, path, notes, file, have, .. } = self;
        file.sync_all().map_err(|source| CorpusError::io("write", &path, source))?;
        // Windows renames no open files.
        drop(file);
        let set_aside = || {
            let aside = with_suffix(&whole, ".refused");
            std::fs::rename(&path, &aside).map_err(|source| CorpusError::io("write", &aside, source))?;
            // Without its part it says nothing.
            let _ = std::fs::remove_file(&notes);
            Ok::<_, CorpusError>(aside)
        };
        if let Some(expected) = item.bytes.filter(|expected| *expected != have) {
            let what = format!(
                "the file has {have} bytes, expected {expected}; it was set aside as {}",
                set_aside()?.display()
            );
            return Err(CorpusError::Download { url: item.url.to_owned(), what, advice: item.advice.to_owned() });
        }
        if let Some((kind, actual, expected)) = item.sums.differ(&path)? {
            let (url, aside) = (item.url.to_owned(), set_aside()?);
            return Err(CorpusError::Checksum { url, kind, actual, expected, aside });
        }
        std::fs::rename(&path, &whole).map_err(|source| CorpusError::io("write", &whole, source))?;
        let _ = std::fs::remove_file(&notes);
        Ok(())
    }

    fn failed(&self, action: &'static str, source: std::io::Error) -> CorpusError {
        CorpusError::io(action, &self.path, source)
    }
}

/// A weak entity tag allows other bytes and is of no use here.
fn validator(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    text("etag").filter(|tag| tag.starts_with('"')).or_else(|| text("last-modified")).map(str::to_owned)
}

/// The path with something behind its name.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

impl Sums {
    /// The first checksum that a file does not have: which one, what the file has, and what it should have.
    pub(super) fn differ(&self, path: &Path) -> Result<Option<(&'static str, String, String)>, CorpusError> {
        type Digest = fn(&Path) -> std::io::Result<String>;
        let kinds: [(&str, Option<&String>, Digest); 2] =
            [("MD5", self.md5.as_ref(), digest::<Md5>), ("SHA-256", self.sha256.as_ref(), digest::<Sha256>)];
        for (kind, expected, digest) in kinds {
            let Some(expected) = expected else { continue };
            let actual = digest(path).map_err(|source| CorpusError::io("read", path, source))?;
            if actual != *expected {
                return Ok(Some((kind, actual, expected.clone())));
            }
        }
        Ok(None)
    }
}
