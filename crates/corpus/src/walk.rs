//! The audio files of a folder, in a fixed order.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::error::CorpusError;
use crate::recording::{Dropped, portable};

/// Deeper than any corpus, and shallow enough for the stack.
const MAX_DEPTH: usize = 64;
/// More than any corpus of speech has.
const MAX_FILES: usize = 5_000_000;

/// What lies in a folder.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Audio files by their name, relative to the folder with `/`, sorted.
    pub(crate) audio: Vec<String>,
    /// What could not be looked at.
    pub(crate) dropped: Vec<Dropped>,
    /// How many other files there are.
    pub(crate) other_files: usize,
}

/// Walks a folder and everything below it.
///
/// Hidden files and folders and what archivers of macOS leave behind (`__MACOSX`, `._name`) are passed over. Links are followed, but
/// each folder is entered once, so loops end and a folder linked twice counts once, under the name that sorts first.
pub(crate) fn walk(root: &Path) -> Result<Found, CorpusError> {
    let mut found = Found::default();
    let mut entered = HashSet::new();
    if let Ok(real) = root.canonicalize() {
        entered.insert(real);
    }
    std::fs::read_dir(root).map_err(|source| CorpusError::io("read", root, source))?;
    descend(root, Path::new(""), 0, &mut entered, &mut found)?;
    found.audio.sort();
    found.dropped.sort();
    Ok(found)
}

fn descend(
    root: &Path,
    folder: &Path,
    depth: usize,
    entered: &mut HashSet<PathBuf>,
    found: &mut Found,
) -> Result<(), CorpusError> {
    let mut leave_out = |file: PathBuf, reason: String| found.dropped.push(Dropped { file, reason });
    if depth > MAX_DEPTH {
        leave_out(folder.to_path_buf(), format!("more than {MAX_DEPTH} folders deep"));
        return Ok(());
    }
    let entries = match std::fs::read_dir(root.join(folder)) {
        Ok(entries) => entries,
        Err(error) => {
            leave_out(folder.to_path_buf(), format!("the folder cannot be read: {error}"));
            return Ok(());
        }
    };
    let mut names: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.file_name())).collect();
    names.sort();
    for name in names {
        let Some(text) = name.to_str() else {
            let file = folder.join(&name);
            if stimmung_audio::is_audio_file_name(&file) {
                found.dropped.push(Dropped { file, reason: "the name is not valid Unicode".into() });
            }
            continue;
        };
        if text.starts_with('.') || text == "__MACOSX" {
            continue;
        }
        let relative = folder.join(text);
        let path = root.join(&relative);
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {
                if path.canonicalize().is_ok_and(|real| entered.insert(real)) {
                    descend(root, &relative, depth + 1, entered, found)?;
                }
            }
            Ok(metadata) if metadata.is_file() && stimmung_audio::is_audio_file_name(&path) => {
                found.audio.push(portable(&relative));
            }
            Err(error) if stimmung_audio::is_audio_file_name(&path) => {
                found.dropped.push(Dropped { file: relative, reason: format!("cannot be opened: {error}") });
            }
            Ok(_) | Err(_) => found.other_files += 1,
        }
        if found.audio.len() + found.other_files > MAX_FILES {
            let what = format!("more than {MAX_FILES} files");
            return Err(CorpusError::Limit { path: root.to_path_buf(), what });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"x").unwrap();
        }
        folder
    }

    #[test]
    fn only_visible_audio_files_in_order() {
        let folder = folder(&[
            "b/z.WAV",
            "b/a.flac",
            "a.wav",
            "b.wav",
            "notes.txt",
            ".hidden.wav",
            ".git/x.wav",
            "__MACOSX/b/a.wav",
            "b/._a.wav",
            "c/d/e/f.mp3",
        ]);
        let found = walk(folder.path()).unwrap();
        assert_eq!(found.audio, ["a.wav", "b.wav", "b/a.flac", "b/z.WAV", "c/d/e/f.mp3"]);
        assert_eq!((found.other_files, found.dropped.len()), (1, 0));
    }

    #[test]
    fn too_deep_is_left_out() {
        let deep = format!("{}x.wav", "d/".repeat(MAX_DEPTH + 3));
        let folder = folder(&["a.wav", &deep]);
        let found = walk(folder.path()).unwrap();
        assert_eq!(found.audio, ["a.wav"]);
        assert!(found.dropped[0].reason.contains("folders deep"), "{:?}", found.dropped);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_once_and_loops_end() {
        use std::os::unix::fs::symlink;
        let folder = folder(&["a/x.wav"]);
        symlink(folder.path(), folder.path().join("a/loop")).unwrap();
        symlink(folder.path().join("a"), folder.path().join("b")).unwrap();
        symlink(folder.path().join("a/x.wav"), folder.path().join("c.wav")).unwrap();
        symlink(folder.path().join("gone.wav"), folder.path().join("d.wav")).unwrap();
        let found = walk(folder.path()).unwrap();
        assert_eq!(found.audio, ["a/x.wav", "c.wav"]);
        assert_eq!(found.dropped.len(), 1);
        assert_eq!(found.dropped[0].file, Path::new("d.wav"));
    }

    #[cfg(unix)]
    #[test]
    fn names_outside_unicode_are_left_out() {
        use std::os::unix::ffi::OsStrExt;
        let folder = folder(&["a.wav"]);
        std::fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"\xff.wav")), b"x").unwrap();
        let found = walk(folder.path()).unwrap();
        assert_eq!(found.audio, ["a.wav"]);
        assert!(found.dropped[0].reason.contains("Unicode"));
    }

    #[test]
    fn no_such_folder() {
        assert!(matches!(walk(Path::new("/no/such/folder")), Err(CorpusError::Io { .. })));
    }
}
