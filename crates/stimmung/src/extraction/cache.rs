//! Features that were computed before.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use sha2::{Digest, Sha256};
use stimmung_corpus::Recording;
use stimmung_features::{FeatureSet, Level, VALUES_VERSION};

use super::Extraction;
use super::rows::Rows;
use crate::Error;
use crate::run::WholeFile;
use crate::table::hex;

/// The ending of the files.
const ENDING: &str = "features";

/// A folder with the rows of recordings, each in a file that is named after everything they depend on: the bytes of the recording and the part
/// of it, the set with all its parameters, level, sampling rate, and the versions of the program and of the values.
///
/// Files carry a checksum; one that is damaged is computed anew. Nothing is ever removed but by [`FeatureCache::clear`].
///
/// ```
/// use stimmung::extraction::FeatureCache;
///
/// let folder = tempfile::tempdir()?;
/// let cleared = FeatureCache::new(folder.path()).clear()?;
/// assert_eq!(cleared.recordings, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FeatureCache {
    folder: PathBuf,
    /// Why something could not be kept, the first time.
    trouble: Mutex<Option<String>>,
}

/// What [`FeatureCache::clear`] removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Cleared {
    /// Files, each with the rows of one recording.
    pub recordings: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// Everything that rows depend on.
#[derive(Serialize)]
struct Key<'a> {
    values: u32,
    program: &'static str,
    set: &'a FeatureSet,
    level: &'static str,
    sample_rate: Option<u32>,
    start: Option<f64>,
    end: Option<f64>,
    /// It may decide as which format a file is read.
    extension: String,
    sha256: String,
}

impl FeatureCache {
    /// The cache in this folder, which is made when there is something to keep. See
    /// [`features_cache`](crate::features_cache) for the usual one.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), trouble: Mutex::default() }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Removes all that was kept. Whatever else may lie in the folder stays.
    ///
    /// # Errors
    /// [`Error::Io`] where the folder cannot be read, or a file not removed.
    pub fn clear(&self) -> Result<Cleared, Error> {
        let mut cleared = Cleared::default();
        for part in entries(&self.folder)? {
            if !part.is_dir() || part.file_name().is_none_or(|name| !is_hex(&name.to_string_lossy(), 2)) {
                continue;
            }
            for file in entries(&part)? {
                let ours = file.extension().is_some_and(|ending| ending == ENDING)
                    && file.file_stem().is_some_and(|stem| is_hex(&stem.to_string_lossy(), 62));
                if ours {
                    cleared.bytes += fs::metadata(&file).map_or(0, |metadata| metadata.len());
                    cleared.recordings += 1;
                    fs::remove_file(&file).map_err(Error::io(&file))?;
                }
            }
            // It stays if there is something else in it.
            let _ = fs::remove_dir(&part);
        }
        Ok(cleared)
    }

    /// What was kept under a name, if it is sound.
    pub(super) fn get(&self, key: &str) -> Option<Rows> {
        let file = File::open(self.path(key)).ok()?;
        Rows::open(file).ok().flatten()
    }

    /// Keeps rows under a name. Where that fails, they are computed again the next time.
    pub(super) fn put(&self, key: &str, rows: &mut Rows) {
        let path = self.path(key);
        let mut write = || -> Result<(), Error> {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(Error::io(folder))?;
            }
            let mut file = WholeFile::create(&path)?;
            rows.copy_to(&mut file).and_then(|()| file.flush()).map_err(Error::io(&path))?;
            // It need not outlive a failing machine: it has a checksum.
            file.finish_unsynced()
        };
        if let Err(error) = write() {
            self.trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.to_string());
        }
    }

    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn path(&self, key: &str) -> PathBuf {
        let (part, rest) = key.split_at(2);
        self.folder.join(part).join(format!("{rest}.{ENDING}"))
    }
}

/// The name of what is kept of a recording: none where the file cannot be read twice, as a pipe, or not at all.
pub(super) fn key(of: &Extraction, recording: &Recording, path: &Path) -> Option<String> {
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let sha256 = hash_file(path).ok()?;
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    let Extraction { features, level, sample_rate, .. } = of;
    let key = Key {
        values: VALUES_VERSION,
        program: env!("CARGO_PKG_VERSION"),
        set: features,
        level: Level::name(*level),
        sample_rate: *sample_rate,
        start: recording.start,
        end: recording.end,
        extension: extension.unwrap_or_default(),
        sha256,
    };
    let mut hash = Sha256::new();
    hash.update(serde_json::to_vec(&key).ok()?);
    Some(hex(&hash.finalize()))
}

/// SHA-256 of a file's bytes, in hexadecimal.
fn hash_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut bytes = vec![0; 1 << 16];
    loop {
        match file.read(&mut bytes)? {
            0 => return Ok(hex(&hash.finalize())),
            count => hash.update(&bytes[..count]),
        }
    }
}

/// What is in a folder; nothing where there is none.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry.map_err(Error::io(folder))?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::io(folder)(error)),
    }
}

fn is_hex(name: &str, length: usize) -> bool {
    name.len() == length && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}
