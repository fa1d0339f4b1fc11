//! Unpacking an archive that nobody has looked at yet.
//!
//! The names in an archive are what a stranger wrote. Nothing is written before all of them have been looked at, and then only below
//! the folder given, as plain files that did not exist.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::rc::Rc;

use zip::ZipArchive;
use zip::result::ZipError;

use super::{Limits, Watch};
use crate::error::CorpusError;

/// Longer than any name that file systems take, in bytes.
const MAX_NAME: usize = 255;
/// Deeper than any corpus.
const MAX_DEPTH: usize = 32;
/// An archive of less than this may be packed as tightly as it likes, in bytes.
const SMALL: u64 = 1 << 20;
/// What archives say of one entry, in bytes, generously.
const ENTRY: u64 = 512;

/// A file of the archive that will be written.
struct Entry {
    index: usize,
    /// Where, relative to the folder, with `/`.
    path: String,
    /// Its size in bytes, as the archive says.
    size: u64,
}

/// Unpacks the files of a zip archive that are `wanted` into the existing folder `into`; returns how many they are. A folder that
/// holds everything else is left away.
pub(super) fn unpack(
    path: &Path,
    into: &Path,
    limits: &Limits,
    wanted: &dyn Fn(&str) -> bool,
    watch: &dyn Watch,
) -> Result<usize, CorpusError> {
    let refused = |what: String| CorpusError::Archive { path: path.to_path_buf(), what };
    let file = File::open(path).map_err(|source| CorpusError::io("read", path, source))?;
    let packed = file.metadata().map_err(|source| CorpusError::io("read", path, source))?.len();
    let ration = Rc::new(Cell::new((limits.files as u64).saturating_mul(ENTRY).saturating_add(SMALL)));
    let reader = Rationed { file: BufReader::new(file), left: ration.clone() };
    let mut archive = ZipArchive::new(reader).map_err(|error| refused(explain(&error)))?;
    ration.set(u64::MAX);
    let mut entries = look(&mut archive, limits).map_err(&refused)?;
    leave_out_top_folder(&mut entries);
    entries.retain(|entry| wanted(&entry.path));
    let total = check_sizes(&entries, packed, limits).map_err(&refused)?;
    find_collisions(&entries).map_err(&refused)?;

    watch.stage("unpacking", Some(total));
    let mut done = 0;
    for entry in &entries {
        if watch.cancelled() {
            return Err(CorpusError::Cancelled);
        }
        let target = into.join(&entry.path);
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder).map_err(|source| CorpusError::io("write", folder, source))?;
        }
        let packed = archive.by_index(entry.index).map_err(|error| refused(explain(&error)))?;
        write(packed, entry, &target)?.map_err(|what| refused(format!("`{}`: {what}", entry.path)))?;
        done += entry.size;
        watch.at(done);
    }
    Ok(entries.len())
}

/// A file that gives only so many bytes: all that an archive says of its entries is read into memory when it is opened.
struct Rationed {
    file: BufReader<File>,
    left: Rc<Cell<u64>>,
}

impl Read for Rationed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left.get()).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 && !buffer.is_empty() {
            return Err(io::Error::other("more is said of its entries than is taken"));
        }
        let read = self.file.read(&mut buffer[..most])?;
        self.left.set(self.left.get() - read as u64);
        Ok(read)
    }
}

impl Seek for Rationed {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Looks at every entry: the files to write, in the order of the archive.
fn look(archive: &mut ZipArchive<Rationed>, limits: &Limits) -> Result<Vec<Entry>, String> {
    if archive.len() > limits.files {
        return Err(format!(
            "the archive has {} entries, more than the {} that are taken",
            archive.len(),
            limits.files
        ));
    }
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|error| explain(&error))?;
        let name = name_of(entry.name_raw(), || Some(entry.name().ok()?.into_owned()))?;
        let is_folder = name.ends_with('/');
        let path = safe_path(&name).map_err(|why| format!("the name `{}` {why}", name.escape_debug()))?;
        if is_litter(&path) {
            continue;
        }
        if entry.is_symlink() {
            return Err(format!("`{path}` is a link"));
        }
        if is_folder || entry.is_dir() {
            continue;
        }
        if entry.encrypted() {
            return Err(format!("`{path}` is encrypted"));
        }
        entries.push(Entry { index, path, size: entry.size() });
    }
    if entries.is_empty() { Err("the archive holds no files".into()) } else { Ok(entries) }
}

/// The name as it is meant: UTF-8 whether or not the entry says so, or else by the old table of the format.
fn name_of(raw: &[u8], old: impl FnOnce() -> Option<String>) -> Result<String, String> {
    match std::str::from_utf8(raw) {
        Ok(name) => Ok(name.to_owned()),
        Err(_) => old().ok_or_else(|| format!("the name `{}` is not readable", raw.escape_ascii())),
    }
}

/// The path that a name means, if it can only lie below the folder, on every system.
fn safe_path(name: &str) -> Result<String, &'static str> {
    if name.contains('\\') {
        return Err("contains a backslash");
    }
    if name.contains(':') {
        return Err("contains a colon, as drives do");
    }
    if name.chars().any(char::is_control) {
        return Err("contains a control character");
    }
    if name.starts_with('/') {
        return Err("is an absolute path");
    }
    let path = name.strip_suffix('/').unwrap_or(name);
    let parts: Vec<&str> = path.split('/').collect();
    if parts.contains(&"..") {
        return Err("leads out of its folder");
    }
    if parts.iter().any(|part| part.is_empty() || *part == ".") {
        return Err("has an empty part");
    }
    if parts.iter().any(|part| part.len() > MAX_NAME) || parts.len() > MAX_DEPTH {
        return Err("is too long or too deep");
    }
    Ok(path.to_owned())
}

/// What archivers and file managers leave behind.
pub(super) fn is_litter(path: &str) -> bool {
    path.split('/').any(|part| part == "__MACOSX" || part == ".DS_Store" || part.starts_with("._"))
}

/// Leaves away the folder that holds everything, if there is one: archives of repositories have one, named after the branch.
fn leave_out_top_folder(entries: &mut [Entry]) {
    let top = |entry: &Entry| entry.path.split_once('/').map(|(top, _)| top.to_owned());
    let Some(first) = entries.first().and_then(top) else { return };
    if entries.iter().all(|entry| top(entry).as_ref() == Some(&first)) {
        for entry in entries {
            entry.path.drain(..=first.len());
        }
    }
}

/// The sum of all sizes, if it is bearable and an honest archive could have it.
fn check_sizes(entries: &[Entry], packed: u64, limits: &Limits) -> Result<u64, String> {
    let total = entries.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.size));
    if total > limits.bytes {
        return Err(format!("unpacked it would have {total} bytes, more than the {} that are taken", limits.bytes));
    }
    if total > SMALL && total / limits.ratio > packed {
        return Err(format!(
            "its {packed} bytes would become {total}, more than {} times as many, as recordings never do",
            limits.ratio
        ));
    }
    Ok(total)
}

/// Two entries must not become one file, on systems that do not tell `A` from `a` either, nor may a file be a folder.
fn find_collisions(entries: &[Entry]) -> Result<(), String> {
    let mut seen: HashMap<String, (&str, bool)> = HashMap::new();
    for entry in entries {
        let ends = entry.path.match_indices('/').map(|(end, _)| (end, false)).chain([(entry.path.len(), true)]);
        for (end, is_file) in ends {
            let path = &entry.path[..end];
            let known = *seen.entry(path.to_lowercase()).or_insert((path, is_file));
            let again = is_file && !std::ptr::eq(known.0, path);
            if again || known != (path, is_file) {
                return Err(format!("`{}` and `{path}` would become the same file", known.0));
            }
        }
    }
    Ok(())
}

/// Writes one file. The outer error is the system's, the inner one says what is wrong with the archive.
fn write(packed: impl Read, entry: &Entry, target: &Path) -> Result<Result<(), String>, CorpusError> {
    let failed = |source| CorpusError::io("write", target, source);
    let mut file = File::create_new(target).map_err(failed)?;
    // One byte more than it should have is enough to know that it lies.
    let mut packed = packed.take(entry.size.saturating_add(1));
    let mut buffer = vec![0; 1 << 16];
    let mut written = 0;
    loop {
        match packed.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                written += read as u64;
                if written > entry.size {
                    return Ok(Err(format!("it holds more than the {} bytes that it should", entry.size)));
                }
                file.write_all(&buffer[..read]).map_err(failed)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Ok(Err(format!("it is damaged ({error})"))),
        }
    }
    Ok(if written == entry.size {
        Ok(())
    } else {
        Err(format!("it holds {written} of the {} bytes that it should", entry.size))
    })
}

/// What is wrong with an archive, as a person would say it.
fn explain(error: &ZipError) -> String {
    match error {
        ZipError::InvalidArchive(_) => format!("this is no zip archive, or it is cut off ({error})"),
        ZipError::UnsupportedArchive(_) => format!("this kind of zip archive is not read ({error})"),
        error => format!("the archive is damaged ({error})"),
    }
}
