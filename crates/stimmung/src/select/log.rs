//! The scores of a selection, kept while it runs.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::Unit;
use crate::Error;
use crate::run::write_whole;

/// The scores as they come, in memory and in a file: a first line that names the selection, then a line a score.
pub(super) struct Log {
    path: PathBuf,
    state: Mutex<(BTreeMap<Unit, f64>, File)>,
}

impl Log {
    /// Opens the log with this title to go on with, or starts a new one. The title names the selection.
    pub(super) fn open(path: &Path, title: &str) -> Result<Self, Error> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            read => read.map_err(Error::io(path))?,
        };
        let text = String::from_utf8_lossy(&bytes);
        if !text.is_empty() && text.lines().next() != Some(title) {
            return Err(Error::NotOurs {
                path: path.to_path_buf(),
                message: "it is no log of this selection, but of another recipe, other recordings or another version; \
                          move it away to begin anew"
                    .into(),
            });
        }
        // The program may have been stopped within the last line, and half of a number is a number.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let scores: BTreeMap<Unit, f64> = whole.lines().skip(1).filter_map(read_line).collect();
        let kept: String = scores.iter().map(|(unit, score)| line(*unit, *score)).collect();
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(Error::io(folder))?;
        }
        write_whole(path, format!("{title}\n{kept}").as_bytes())?;
        let file = OpenOptions::new().append(true).open(path).map_err(Error::io(path))?;
        Ok(Self { path: path.to_path_buf(), state: Mutex::new((scores, file)) })
    }

    pub(super) fn score(&self, unit: Unit) -> Option<f64> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0.get(&unit).copied()
    }

    pub(super) fn add(&self, unit: Unit, score: f64) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0.insert(unit, score);
        state.1.write_all(line(unit, score).as_bytes()).map_err(Error::io(&self.path))
    }
}

/// A line: `trial part score`, the part being `all` or the number of the outer fold, the score exact.
fn line((trial, part): Unit, score: f64) -> String {
    format!("{trial} {} {score:?}\n", part.map_or_else(|| "all".to_owned(), |fold| fold.to_string()))
}

fn read_line(line: &str) -> Option<(Unit, f64)> {
    let mut words = line.split(' ');
    let trial = words.next()?.parse().ok()?;
    let part = match words.next()? {
        "all" => None,
        fold => Some(fold.parse().ok()?),
    };
    let score = words.next()?.parse().ok().filter(|score| (0.0..=1.0).contains(score))?;
    words.next().is_none().then_some(((trial, part), score))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNITS: [(Unit, f64); 3] = [((0, None), 0.1 + 0.2), ((0, Some(0)), 1.0), ((12, Some(3)), 1.0 / 3.0)];

    fn all(log: &Log) -> Vec<Option<f64>> {
        UNITS.iter().map(|(unit, _)| log.score(*unit)).collect()
    }

    #[test]
    fn scores_are_read_back_exactly() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs").join("a.log");
        let log = Log::open(&path, "title").unwrap();
        assert_eq!(all(&log), [None; 3]);
        for (unit, score) in UNITS {
            log.add(unit, score).unwrap();
        }
        let before = fs::read(&path).unwrap();
        let again = Log::open(&path, "title").unwrap();
        assert_eq!(all(&again), UNITS.map(|(_, score)| Some(score)));
        drop(again);
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(fs::read_dir(folder.path().join("runs")).unwrap().count(), 1);
    }

    #[test]
    fn wherever_the_last_line_is_cut_off_its_score_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let whole = "title\n0 all 0.875\n1 2 0.625\n";
        for cut in "title\n0 all 0.875\n".len()..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let log = Log::open(&path, "title").unwrap();
            assert_eq!((log.score((0, None)), log.score((1, Some(2)))), (Some(0.875), None), "{cut}");
            log.add((1, Some(2)), 0.625).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), whole);
        }
        // Damaged lines are left out, the others believed.
        fs::write(&path, "title\n0 all 0.8 75\n\n1 2\n1 x 0.5\n0 all NaN\n0 all 1.5\n0 all inf\n1 2 0.625\n").unwrap();
        let log = Log::open(&path, "title").unwrap();
        assert_eq!((log.score((0, None)), log.score((1, Some(2)))), (None, Some(0.625)));
    }

    #[test]
    fn anything_else_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        for foreign in [&b"other title\n0 all 0.5\n"[..], b"titl", b"\xff\xfe\n", b"\n"] {
            fs::write(&path, foreign).unwrap();
            let error = Log::open(&path, "title").err().unwrap();
            assert!(matches!(error, Error::NotOurs { .. }), "{error}");
            assert!(error.to_string().contains("a.log") && error.to_string().contains("another recipe"), "{error}");
            assert_eq!(fs::read(&path).unwrap(), foreign);
        }
        fs::write(&path, "").unwrap();
        Log::open(&path, "title").unwrap();
        assert!(matches!(Log::open(folder.path(), "title"), Err(Error::Io { .. })));
    }
}
