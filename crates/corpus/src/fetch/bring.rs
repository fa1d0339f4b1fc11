//! Taking what people bring: an archive, or a folder that they have unpacked.

use std::io::Read;
use std::path::Path;

use super::place::Place;
use super::record::Record;
use super::unpack::{is_litter, unpack};
use super::{FetchParams, Watch, complete, record};
use crate::error::CorpusError;
use crate::source::Source;

/// Deeper than any corpus, and shallow enough for the stack.
const MAX_DEPTH: usize = 32;

/// Checks what somebody brings, and puts it into the place's stage.
pub(super) fn bring(
    source: &Source,
    brought: &Path,
    place: &Place,
    params: &FetchParams,
    watch: &dyn Watch,
    notes: &mut Vec<String>,
) -> Result<Record, CorpusError> {
    let metadata = match std::fs::metadata(brought) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(CorpusError::NotFound { path: brought.to_path_buf() });
        }
        Err(error) => return Err(CorpusError::io("read", brought, error)),
    };
    let from = brought.display().to_string();
    let mut record = if metadata.is_dir() {
        // Before anything is copied.
        complete(source, brought, brought, &mut Vec::new())?;
        copy(brought, place, params, watch)?;
        record(source, from, None)?
    } else {
        if !is_zip(brought)? {
            let what = "this is no zip archive".to_owned();
            return Err(CorpusError::Archive { path: brought.to_path_buf(), what });
        }
        if let Some((kind, actual, expected)) = source.sums().differ(brought)? {
            notes.push(format!(
                "this is not the archive that the owner publishes: its {kind} is {actual}, expected {expected}"
            ));
        }
        unpack(brought, place.stage(), &params.limits, &|file| source.wants(file), watch)?;
        record(source, from, Some(brought))?
    };
    record.recordings = complete(source, place.stage(), brought, notes)?;
    Ok(record)
}

fn is_zip(path: &Path) -> Result<bool, CorpusError> {
    let mut head = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(4).read_to_end(&mut head))
        .map_err(|source| CorpusError::io("read", path, source))?;
    Ok(head == *b"PK\x03\x04")
}

/// Copies a folder into the place's stage.
fn copy(folder: &Path, place: &Place, params: &FetchParams, watch: &dyn Watch) -> Result<(), CorpusError> {
    let limit = |what| CorpusError::Limit { path: folder.to_path_buf(), what };
    let files = list(folder, params.limits.files)?;
    let total = files.iter().fold(0_u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
    if total > params.limits.bytes {
        return Err(limit(format!("{total} bytes, more than the {} that are taken", params.limits.bytes)));
    }
    watch.stage("copying", Some(total));
    let mut done = 0;
    for (file, bytes) in files {
        if watch.cancelled() {
            return Err(CorpusError::Cancelled);
        }
        let target = place.stage().join(&file);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent).map_err(|source| CorpusError::io("write", parent, source))?;
        }
        std::fs::copy(folder.join(&file), &target).map_err(|source| CorpusError::io("write", &target, source))?;
        done += bytes;
        watch.at(done);
    }
    Ok(())
}

/// The visible files of a folder, relative to it with `/`, and their sizes in bytes, sorted. Links to files are files; links to folders
/// are passed over, as is what has a name outside Unicode.
pub(super) fn list(folder: &Path, most: usize) -> Result<Vec<(String, u64)>, CorpusError> {
    let mut files = Vec::new();
    descend(folder, "", most, &mut files)?;
    files.sort();
    Ok(files)
}

fn descend(root: &Path, below: &str, most: usize, files: &mut Vec<(String, u64)>) -> Result<(), CorpusError> {
    let folder = root.join(below);
    let failed = |source| CorpusError::io("read", &folder, source);
    let limit = |what| CorpusError::Limit { path: root.to_path_buf(), what };
    if below.split('/').count() > MAX_DEPTH {
        return Err(limit(format!("more than {MAX_DEPTH} folders deep")));
    }
    for entry in std::fs::read_dir(&folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.') && !is_litter(name)) else { continue };
        let path = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
        if entry.file_type().map_err(failed)?.is_dir() {
            descend(root, &path, most, files)?;
        } else if let Ok(metadata) = std::fs::metadata(entry.path())
            && metadata.is_file()
        {
            files.push((path, metadata.len()));
        }
        if files.len() > most {
            return Err(limit(format!("more than {most} files")));
        }
    }
    Ok(())
}
