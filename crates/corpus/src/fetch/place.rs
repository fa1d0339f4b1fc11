//! Where a corpus is put together, and the one moment at which it appears.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::part::with_suffix;
use super::record::{RECORD_FILE, Record};
use crate::error::CorpusError;

/// The place of one corpus below a folder of corpora: `TO/NAME` itself, `TO/.NAME.unpacking` where it grows, and what is on its way in
/// `TO/.downloads`. It is locked against other processes until it is dropped.
pub(super) struct Place {
    target: PathBuf,
    stage: PathBuf,
    replaced: PathBuf,
    archive: PathBuf,
    objects: PathBuf,
    last: PathBuf,
    _lock: File,
}

impl Place {
    /// Takes the place, clears away what a killed process has left half-done, and makes an empty stage.
    pub fn claim(name: &str, to: &Path) -> Result<Self, CorpusError> {
        let downloads = to.join(".downloads");
        std::fs::create_dir_all(&downloads).map_err(|source| CorpusError::io("write", &downloads, source))?;
        let place = Self {
            target: to.join(name),
            stage: to.join(format!(".{name}.unpacking")),
            replaced: to.join(format!(".{name}.replaced")),
            archive: downloads.join(format!("{name}.zip")),
            objects: downloads.join(format!("{name}.objects")),
            last: downloads.join(format!("{name}.json")),
            _lock: lock(&downloads.join(format!("{name}.lock")))?,
        };
        if place.replaced.exists() && !place.target.exists() {
            move_to(&place.replaced, &place.target)?;
        }
        place.check_replaceable()?;
        remove_folder(&place.stage)?;
        std::fs::create_dir(&place.stage).map_err(|source| CorpusError::io("write", &place.stage, source))?;
        Ok(place)
    }

    /// The corpus's folder.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The folder that becomes the corpus's.
    pub fn stage(&self) -> &Path {
        &self.stage
    }

    /// The archive that is downloaded.
    pub fn archive(&self) -> &Path {
        &self.archive
    }

    /// The folder of the single files that are downloaded.
    pub fn objects(&self) -> &Path {
        &self.objects
    }

    /// What was fetched the last time.
    pub fn last_record(&self) -> Option<Record> {
        Record::read(&self.last)
    }

    /// Only what was fetched can be fetched again; anything else is somebody's work.
    fn check_replaceable(&self) -> Result<(), CorpusError> {
        if is_occupied(&self.target) && !self.target.join(RECORD_FILE).is_file() {
            return Err(CorpusError::Occupied { path: self.target.clone() });
        }
        Ok(())
    }

    /// Puts the corpus into place, and clears away what it was made from.
    pub fn finish(&self, record: &Record) -> Result<(), CorpusError> {
        record.write(&self.stage.join(RECORD_FILE))?;
        if is_occupied(&self.target) {
            self.check_replaceable()?;
            remove_folder(&self.replaced)?;
            move_to(&self.target, &self.replaced)?;
        } else if self.target.is_dir() {
            std::fs::remove_dir(&self.target).map_err(|source| CorpusError::io("write", &self.target, source))?;
        }
        move_to(&self.stage, &self.target)?;
        record.write(&self.last)?;
        remove_folder(&self.replaced)?;
        remove_folder(&self.objects)?;
        remove_file(&self.archive)?;
        remove_file(&with_suffix(&self.archive, ".refused"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What is left of a stage is worth nothing; the next fetch clears away what cannot be removed now.
        let _ = remove_folder(&self.stage);
    }
}

/// A lock that the system takes back when the process ends, however it ends.
fn lock(path: &Path) -> Result<File, CorpusError> {
    let failed = |source| CorpusError::io("write", path, source);
    let file = File::options().create(true).write(true).truncate(false).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(CorpusError::Busy { path: path.to_path_buf() }),
        // Some network file systems know no locks; one is a courtesy.
        Err(TryLockError::Error(source)) if source.kind() == ErrorKind::Unsupported => Ok(file),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Whether something is there that would be lost.
fn is_occupied(path: &Path) -> bool {
    match std::fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => path.symlink_metadata().is_ok(),
    }
}

fn move_to(from: &Path, to: &Path) -> Result<(), CorpusError> {
    std::fs::rename(from, to).map_err(|source| CorpusError::io("write", to, source))
}

fn remove_folder(path: &Path) -> Result<(), CorpusError> {
    match std::fs::remove_dir_all(path) {
        Err(source) if source.kind() != ErrorKind::NotFound => Err(CorpusError::io("remove", path, source)),
        _ => Ok(()),
    }
}

fn remove_file(path: &Path) -> Result<(), CorpusError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != ErrorKind::NotFound => Err(CorpusError::io("remove", path, source)),
        _ => Ok(()),
    }
}
