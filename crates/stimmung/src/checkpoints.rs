//! Trainings of networks that outlive an interruption.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use stimmung_models::CheckpointStore;

use crate::run::write_whole;
use crate::{Error, Recipe};

/// How long a training goes on before it is kept again. Writing takes milliseconds, and no more than this is lost.
const INTERVAL: Duration = Duration::from_secs(20);

/// The file that tells how long the work had taken before it was interrupted.
const SECONDS: &str = "seconds";

/// A hidden folder beside a result, with the unfinished trainings on the way to it: one folder a fold and one for the final
/// model. It goes when the result is there.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    folder: PathBuf,
    start: Instant,
    before: f64,
}

impl Checkpoints {
    /// The checkpoints on the way to `result` by this recipe, which may be there from an earlier attempt. Nothing is
    /// written before a training has gone on for a while.
    ///
    /// # Errors
    /// [`Error::Io`] where an earlier attempt cannot be read.
    pub fn beside(result: &Path, recipe: &Recipe) -> Result<Self, Error> {
        let mut name = std::ffi::OsString::from(".");
        name.push(result.file_name().unwrap_or_default());
        name.push(format!("-{}", &recipe.configuration()[..12]));
        let folder = result.with_file_name(name);
        let path = folder.join(SECONDS);
        let before = match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(Error::io(&path)(error)),
        };
        Ok(Self { folder, start: Instant::now(), before: before.unwrap_or(0.0) })
    }

    /// The folder; it exists once there is something to go on from.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Seconds that the work took up to now, with those before it was interrupted.
    pub fn seconds(&self) -> f64 {
        self.before + self.start.elapsed().as_secs_f64()
    }

    /// Seconds that the work took before it was interrupted; 0 if it was not.
    pub(crate) fn seconds_before(&self) -> f64 {
        self.before
    }

    /// Removes them, once the result is saved.
    pub fn discard(&self) {
        // What cannot be removed is a hidden folder that nobody needs.
        let _ = fs::remove_dir_all(&self.folder);
    }

    /// The place of one fit.
    pub(crate) fn store(&self, name: &str) -> Store<'_> {
        Store { of: self, fit: self.folder.join(name), saved: Instant::now() }
    }
}

/// The folder of one fit, with a file for each of its trainings.
pub(crate) struct Store<'a> {
    of: &'a Checkpoints,
    fit: PathBuf,
    saved: Instant,
}

impl Store<'_> {
    /// Gives up what is there.
    pub(crate) fn discard(&self) -> io::Result<()> {
        fs::remove_dir_all(&self.fit)
    }

    fn path(&self, training: usize) -> PathBuf {
        self.fit.join(format!("{training}.checkpoint"))
    }
}

impl CheckpointStore for Store<'_> {
    fn due(&mut self, _epoch: usize) -> bool {
        self.saved.elapsed() >= INTERVAL
    }

    fn load(&mut self, training: usize) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.path(training)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn save(&mut self, training: usize, bytes: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.fit)?;
        write_whole(&self.path(training), bytes).map_err(io::Error::other)?;
        write_whole(&self.of.folder.join(SECONDS), format!("{:.1}\n", self.of.seconds()).as_bytes())
            .map_err(io::Error::other)?;
        self.saved = Instant::now();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{StopAfter, corpus, on_threads, recipe};
    use crate::{Experiment, Quiet};

    const NETWORK: [&str; 3] = ["model.kind=dense", "model.epochs=40", "watch=true"];

    #[test]
    fn an_interrupted_run_comes_to_the_same_bits() {
        let folder = corpus(3, &[0.3, 0.4]);
        let recipe = recipe(folder.path(), &NETWORK);
        let prepare = || Experiment::prepare(recipe.clone(), &[], &Quiet).unwrap();
        let whole = prepare().evaluate(&Quiet).unwrap();
        let model = prepare().train(None, &Quiet).unwrap();

        let out = tempfile::tempdir().unwrap();
        let result = out.path().join("tones");
        let checkpoints = Checkpoints::beside(&result, &recipe).unwrap();
        let experiment = prepare().with_checkpoints(checkpoints.clone());
        // A hundred steps a fold: the second fold is under way when the work is stopped, on one thread.
        let stopped = on_threads(1, || experiment.evaluate(&StopAfter::new(150)));
        assert!(matches!(stopped, Err(Error::Cancelled)));
        let mut kept: Vec<_> = fs::read_dir(checkpoints.folder()).unwrap().map(|it| it.unwrap().file_name()).collect();
        kept.sort();
        assert_eq!(kept, ["fold-01", "fold-02", "seconds"]);

        let again = Checkpoints::beside(&result, &recipe).unwrap();
        assert_eq!(again.folder, checkpoints.folder);
        let experiment = prepare().with_checkpoints(again.clone());
        let resumed = experiment.evaluate(&Quiet).unwrap();
        assert_eq!(resumed.predictions, whole.predictions);
        assert_eq!(resumed.history, whole.history);
        assert_eq!(experiment.train(None, &Quiet).unwrap().to_bytes().unwrap(), model.to_bytes().unwrap());
        again.discard();
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
    }

    #[test]
    fn checkpoints_of_something_else_are_worth_nothing() {
        let folder = corpus(3, &[0.3]);
        let recipe = recipe(folder.path(), &NETWORK);
        let whole = Experiment::prepare(recipe.clone(), &[], &Quiet).unwrap().evaluate(&Quiet).unwrap();
        let out = tempfile::tempdir().unwrap();
        let result = out.path().join("tones");
        let checkpoints = Checkpoints::beside(&result, &recipe).unwrap();
        fs::create_dir_all(checkpoints.folder().join("fold-01")).unwrap();
        fs::write(checkpoints.folder().join("fold-01/0.checkpoint"), "junk").unwrap();
        fs::write(checkpoints.folder().join(SECONDS), "-inf").unwrap();
        let checkpoints = Checkpoints::beside(&result, &recipe).unwrap();
        assert_eq!(checkpoints.before, 0.0);
        let experiment = Experiment::prepare(recipe.clone(), &[], &Quiet).unwrap().with_checkpoints(checkpoints);
        assert_eq!(experiment.evaluate(&Quiet).unwrap().predictions, whole.predictions);
        // Another recipe looks elsewhere.
        let other = crate::testing::recipe(folder.path(), &["model.kind=dense", "model.epochs=41"]);
        assert!(!Checkpoints::beside(&result, &other).unwrap().folder().exists());
    }
}
