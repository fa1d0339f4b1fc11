//! Choosing the settings of a recipe inside the training speakers.
//!
//! A [`Selection`] tries settings by cross-validation within the training part of every outer fold, refits the best of
//! them there, and judges it on the fold's test part, which took no part in the choice (nested cross-validation; Varma and
//! Simon, BMC Bioinformatics 2006). The settings to use in the end are those that do best by cross-validation over all
//! recordings.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use stimmung_evaluation::{Evaluation, Fold, Metric, Protocol, RandomParams, Scores, SpeakersParams};

use crate::{Error, Evaluated, Experiment, Progress, Quiet, Recipe};

/// The most settings that are tried.
const MOST_TRIALS: usize = 100_000;
/// Lines of the live table.
const SHOWN: usize = 5;

/// The section `[select]` of a recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectSection {
    /// The figure that decides: `uar` (the default), `war` or `macro_f1`.
    #[serde(default = "default_metric")]
    pub metric: Metric,
    /// Inner folds, at least 2: groups of training speakers, or random parts where speakers are unknown. Default 5; never
    /// more than there are speakers.
    #[serde(default = "default_folds")]
    pub folds: usize,
    /// How many settings are drawn at random from the space. Absent: the whole grid is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trials: Option<usize>,
    /// The keys of the recipe to choose, such as `"model.c"`, with what they may be.
    pub space: BTreeMap<String, Choice>,
}

/// What a key may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Choice {
    /// One of these values; whole sections are values too.
    Values(Vec<toml::Value>),
    /// A number between two; only where settings are drawn at random.
    Range(Range),
}

/// A range of numbers to draw from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The least.
    pub low: f64,
    /// The largest.
    pub high: f64,
    /// Whether the logarithm is drawn evenly, not the number. Default no.
    #[serde(default)]
    pub log: bool,
    /// Whether the number is rounded to a whole one. Default no.
    #[serde(default)]
    pub whole: bool,
}

fn default_metric() -> Metric {
    Metric::Uar
}

fn default_folds() -> usize {
    5
}

impl SelectSection {
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.folds < 2 {
            return Err(format!("[select] folds = {}: at least 2 are needed", self.folds));
        }
        if self.space.is_empty() {
            return Err("[select.space] names no key to choose, such as \"model.c\" = [0.1, 1.0]".into());
        }
        if self.trials.is_some_and(|trials| !(1..=MOST_TRIALS).contains(&trials)) {
            return Err(format!("[select] trials: from 1 to {MOST_TRIALS}"));
        }
        for (key, choice) in &self.space {
            let forbidden = ["select", "reference", "protocol", "corpus", "name", "seed"];
            if forbidden.contains(&key.split('.').next().unwrap_or_default()) {
                return Err(format!("[select.space] {key}: it decides what is compared, so it cannot be chosen"));
            }
            match choice {
                Choice::Values(values) if values.is_empty() => {
                    return Err(format!("[select.space] {key}: an empty list leaves nothing to choose"));
                }
                Choice::Range(_) if self.trials.is_none() => {
                    return Err(format!("[select.space] {key}: a range has no grid; give `trials` to draw from it"));
                }
                Choice::Range(range) => range.check().map_err(|message| format!("[select.space] {key}: {message}"))?,
                Choice::Values(_) => {}
            }
        }
        if self.trials.is_none() && self.grid_size().is_none_or(|size| size > MOST_TRIALS) {
            return Err(format!("[select.space] the grid has more than {MOST_TRIALS} settings; give `trials`"));
        }
        Ok(())
    }

    fn grid_size(&self) -> Option<usize> {
        self.space.values().try_fold(1_usize, |product, choice| match choice {
            Choice::Values(values) => product.checked_mul(values.len()),
            Choice::Range(_) => None,
        })
    }

    /// The settings to try, each a value for every key, without repetitions.
    fn settings(&self, seed: u64) -> Vec<Vec<(String, toml::Value)>> {
        let Some(trials) = self.trials else { return self.grid() };
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut settings: Vec<Vec<(String, toml::Value)>> = Vec::new();
        // Small spaces run out of new settings; then fewer are tried.
        for _ in 0..trials.saturating_mul(20) {
            let drawn: Vec<_> = self.space.iter().map(|(key, it)| (key.clone(), it.draw(&mut rng))).collect();
            if !settings.contains(&drawn) {
                settings.push(drawn);
            }
            if settings.len() == trials {
                break;
            }
        }
        settings
    }

    /// All settings, the last key changing fastest.
    fn grid(&self) -> Vec<Vec<(String, toml::Value)>> {
        self.space.iter().fold(vec![Vec::new()], |settings, (key, choice)| {
            let Choice::Values(values) = choice else { return settings };
            let with = |setting: &Vec<(String, toml::Value)>, value: &toml::Value| {
                let mut setting = setting.clone();
                setting.push((key.clone(), value.clone()));
                setting
            };
            settings.iter().flat_map(|setting| values.iter().map(move |value| with(setting, value))).collect()
        })
    }
}

impl Range {
    fn check(&self) -> Result<(), String> {
        let Self { low, high, log, .. } = *self;
        if !(low.is_finite() && high.is_finite() && low < high) {
            return Err(format!("{low} to {high} is no range"));
        }
        if log && low <= 0.0 {
            return Err(format!("the logarithm of {low} cannot be drawn; begin above 0"));
        }
        Ok(())
    }
}

impl Choice {
    fn draw(&self, rng: &mut ChaCha8Rng) -> toml::Value {
        // 53 bits: as many as the fraction of an f64 has.
        let share = (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        match self {
            Self::Values(values) => values[((share * values.len() as f64) as usize).min(values.len() - 1)].clone(),
            Self::Range(Range { low, high, log, whole }) => {
                let between = |low: f64, high: f64| low + share * (high - low);
                let number = if *log { between(low.ln(), high.ln()).exp() } else { between(*low, *high) };
                if *whole { toml::Value::Integer(number.round() as i64) } else { toml::Value::Float(number) }
            }
        }
    }
}

/// One choice of settings.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The keys with their values.
    pub settings: Vec<(String, toml::Value)>,
    /// The recipe with these settings.
    pub recipe: Recipe,
    /// Which of the selection's experiments hears as this recipe does.
    experiment: usize,
}

impl Trial {
    /// `model.c = 0.1, features.n = 20`.
    pub fn describe(&self) -> String {
        let settings: Vec<String> = self.settings.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        settings.join(", ")
    }
}

/// A recipe's settings with the corpus heard in every way that they ask for.
#[derive(Debug)]
pub struct Selection {
    recipe: Recipe,
    section: SelectSection,
    trials: Vec<Trial>,
    experiments: Vec<Experiment>,
    folds: Vec<Fold>,
}

/// What a selection came to.
#[derive(Debug, Clone)]
pub struct Selected {
    /// The nested evaluation: each fold judged with the settings that were chosen inside its training part.
    pub evaluated: Evaluated,
    /// The trial chosen inside the training part of each fold.
    pub chosen: Vec<usize>,
    /// The trial that did best over all recordings: the settings to use.
    pub best: usize,
    /// The scores: per trial, over all recordings and inside the training part of each outer fold.
    pub scores: Vec<TrialScores>,
}

/// How one trial did by inner cross-validation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrialScores {
    /// Over all recordings.
    pub overall: f64,
    /// Inside the training part of each outer fold.
    pub folds: Vec<f64>,
}

/// One piece of work: a trial within all recordings (`None`) or the training part of an outer fold.
type Unit = (usize, Option<usize>);

impl Selection {
    /// The trials of a recipe, without hearing anything.
    ///
    /// # Errors
    /// [`Error::Recipe`] for a recipe without `[select]`, and for settings that make a recipe that cannot be used.
    pub fn trials_of(recipe: &Recipe) -> Result<Vec<Trial>, Error> {
        let Some(section) = &recipe.select else {
            return Err(Error::Recipe {
                origin: recipe.name.clone(),
                message: "it has no section [select]; name the keys to choose, for example\n\
                          [select.space]\n\"model.c\" = [0.01, 0.1, 1.0]"
                    .into(),
            });
        };
        let settings = section.settings(recipe.seed);
        settings
            .into_iter()
            .map(|settings| {
                let recipe = recipe.with_settings(&settings)?;
                Ok(Trial { settings, recipe, experiment: 0 })
            })
            .collect()
    }

    /// Hears the corpus in every way that some trial asks for.
    ///
    /// # Errors
    /// As [`Selection::trials_of`] and [`Experiment::prepare`]; [`Error::Recipe`] where the ways of hearing leave out
    /// different recordings, so that their figures could not be compared.
    pub fn prepare(recipe: Recipe, corpora: &[PathBuf], progress: &dyn Progress) -> Result<Self, Error> {
        let mut trials = Self::trials_of(&recipe)?;
        let Some(section) = recipe.select.clone() else { return Err(Error::Cancelled) };
        let mut experiments: Vec<Experiment> = Vec::new();
        for trial in &mut trials {
            let known = experiments.iter().position(|experiment| experiment.hears_as(&trial.recipe));
            trial.experiment = match known {
                Some(known) => known,
                None => {
                    experiments.push(Experiment::prepare(trial.recipe.clone(), corpora, progress)?);
                    experiments.len() - 1
                }
            };
        }
        let first = &experiments[0];
        if let Some(other) = experiments.iter().find(|other| other.items != first.items) {
            return Err(Error::Recipe {
                origin: recipe.name.clone(),
                message: format!(
                    "its settings hear {} and {} recordings, which cannot be compared: some are left out by one only",
                    first.items.len(),
                    other.items.len()
                ),
            });
        }
        let folds = first.folds()?;
        Ok(Self { recipe, section, trials, experiments, folds })
    }

    /// The recipe whose settings are chosen.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The trials.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// Models to fit in all.
    pub fn fits(&self) -> usize {
        self.trials.len() * (self.folds.len() + 1) * self.section.folds + self.folds.len()
    }

    /// Tries everything, in parallel, and judges the choice. Scores are kept in the file `log` as they come, and a log of
    /// the same selection is gone on with; the result does not depend on the number of threads.
    ///
    /// # Errors
    /// [`Error::Io`] for a log that cannot be written, [`Error::Cancelled`], and errors of fitting.
    pub fn run(&self, log: &Path, progress: &dyn Progress) -> Result<Selected, Error> {
        let log = Log::open(log, &self.recipe)?;
        let parts = std::iter::once(None).chain((0..self.folds.len()).map(Some));
        let units: Vec<Unit> = parts.flat_map(|part| (0..self.trials.len()).map(move |trial| (trial, part))).collect();
        progress.begin("trying settings", units.len() as u64);
        units.par_iter().try_for_each(|unit| {
            if log.score(*unit).is_none() {
                log.add(*unit, self.try_out(*unit, progress)?)?;
                progress.show(&self.standings(&log));
            }
            progress.advance(1);
            Ok::<(), Error>(())
        })?;
        progress.end();

        let score = |trial: usize, part: Option<usize>| log.score((trial, part)).unwrap_or(f64::NEG_INFINITY);
        let best_in = |part: Option<usize>| {
            // The first of equals, so that a grid prefers what it names first.
            (1..self.trials.len()).fold(0, |best, it| if score(it, part) > score(best, part) { it } else { best })
        };
        let chosen: Vec<usize> = (0..self.folds.len()).map(|fold| best_in(Some(fold))).collect();
        let scores = (0..self.trials.len()).map(|trial| TrialScores {
            overall: score(trial, None),
            folds: (0..self.folds.len()).map(|fold| score(trial, Some(fold))).collect(),
        });
        Ok(Selected {
            evaluated: self.judge(&chosen, progress)?,
            best: best_in(None),
            scores: scores.collect(),
            chosen,
        })
    }

    /// The experiment of a trial, to save or to train.
    pub fn experiment(&self, trial: usize) -> Experiment {
        let Trial { recipe, experiment, .. } = &self.trials[trial];
        let heard = &self.experiments[*experiment];
        heard.under(recipe.clone()).unwrap_or_else(|| heard.clone())
    }

    /// The trials as a table: number, score over all recordings, score inside each outer fold, settings.
    pub fn trials_csv(&self, selected: &Selected) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut header = vec!["trial".to_owned(), "overall".to_owned()];
        header.extend(self.folds.iter().map(|fold| format!("without {}", fold.name)));
        header.extend(self.section.space.keys().cloned());
        // Writing to memory cannot fail.
        let _ = writer.write_record(&header);
        for (number, (trial, scores)) in self.trials.iter().zip(&selected.scores).enumerate() {
            let mut record = vec![number.to_string(), format!("{:.6}", scores.overall)];
            record.extend(scores.folds.iter().map(|score| format!("{score:.6}")));
            record.extend(trial.settings.iter().map(|(_, value)| value.to_string()));
            let _ = writer.write_record(&record);
        }
        writer.into_inner().unwrap_or_default()
    }

    /// The metric of one unit by inner cross-validation.
    fn try_out(&self, (trial, part): Unit, progress: &dyn Progress) -> Result<f64, Error> {
        let experiment = self.experiment(trial);
        let all: Vec<usize> = (0..experiment.items.len()).collect();
        let within = part.map_or(&all, |fold| &self.folds[fold].train);
        let (mut truth, mut predicted) = (Vec::new(), Vec::new());
        for fold in self.inner_folds(&experiment, within)? {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            let classifier = experiment.fit(&fold.train, &Stoppable(progress))?;
            for judged in experiment.judge(&classifier, &fold.test, 0)? {
                truth.push(experiment.items[judged.item].class);
                predicted.push(judged.predicted);
            }
        }
        Ok(Scores::new(&experiment.classes, &truth, &predicted)?.get(self.section.metric))
    }

    /// Folds of some items, by their speakers where all are known.
    fn inner_folds(&self, experiment: &Experiment, within: &[usize]) -> Result<Vec<Fold>, Error> {
        let items: Vec<_> = within.iter().map(|&item| experiment.items[item].clone()).collect();
        let speakers: BTreeSet<Option<&String>> = items.iter().map(|item| item.speaker.as_ref()).collect();
        let folds = self.section.folds;
        let protocol = if !speakers.contains(&None) && speakers.len() >= 2 {
            Protocol::Speakers(SpeakersParams { groups: Some(folds.min(speakers.len())) })
        } else {
            Protocol::Random(RandomParams { folds, holdout: None })
        };
        let mut inner = protocol
            .split(&items, experiment.classes.len(), self.recipe.seed)
            .map_err(|error| error.with_class_names(&experiment.classes))?;
        for index in inner.iter_mut().flat_map(|fold| fold.train.iter_mut().chain(&mut fold.test)) {
            *index = within[*index];
        }
        Ok(inner)
    }

    /// Judges each outer fold with the trial that was chosen for it.
    fn judge(&self, chosen: &[usize], progress: &dyn Progress) -> Result<Evaluated, Error> {
        progress.begin("judging the choice", chosen.len() as u64);
        let predictions: Result<Vec<Vec<_>>, Error> = chosen
            .par_iter()
            .zip(&self.folds)
            .enumerate()
            .map(|(number, (&trial, fold))| {
                let experiment = self.experiment(trial);
                let classifier = experiment.fit(&fold.train, &Stoppable(progress))?;
                progress.advance(1);
                experiment.judge(&classifier, &fold.test, number)
            })
            .collect();
        progress.end();
        let predictions = predictions?.concat();
        let (first, recipe) = (&self.experiments[0], &self.recipe);
        let mut evaluation =
            Evaluation::new(&recipe.protocol, &first.items, &first.classes, &self.folds, &predictions, recipe.seed)?;
        let _ = write!(
            evaluation.protocol,
            "; settings chosen inside each training part, of {} by {} in {} folds",
            self.trials.len(),
            self.section.metric.short_name(),
            self.section.folds
        );
        Ok(Evaluated { evaluation, folds: self.folds.clone(), predictions, history: Vec::new() })
    }

    /// The best trials over all recordings so far.
    fn standings(&self, log: &Log) -> String {
        let mut done: Vec<(f64, usize)> =
            (0..self.trials.len()).filter_map(|trial| Some((log.score((trial, None))?, trial))).collect();
        done.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut text = format!("{:>6}  {}", self.section.metric.short_name(), "settings");
        for (score, trial) in done.into_iter().take(SHOWN) {
            let _ = write!(text, "\n{score:>6.3}  {}", self.trials[trial].describe());
        }
        text
    }
}

/// Passes on only whether to stop: the steps of single fits are too small to show.
struct Stoppable<'a>(&'a dyn Progress);

impl Progress for Stoppable<'_> {
    fn begin(&self, stage: &str, steps: u64) {
        Quiet.begin(stage, steps);
    }
    fn advance(&self, steps: u64) {
        Quiet.advance(steps);
    }
    fn end(&self) {
        Quiet.end();
    }
    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

/// The scores as they come, in memory and in a file: a first line that names the selection, then a line a score.
struct Log {
    path: PathBuf,
    state: Mutex<(BTreeMap<Unit, f64>, File)>,
}

impl Log {
    /// Opens a log of this selection to go on with, or starts a new one.
    fn open(path: &Path, recipe: &Recipe) -> Result<Self, Error> {
        let title = format!("{} {}", env!("CARGO_PKG_VERSION"), recipe.configuration());
        let mut scores = BTreeMap::new();
        let mut kept = String::new();
        if let Ok(text) = fs::read_to_string(path)
            && text.lines().next() == Some(&title)
        {
            for (unit, score) in text.lines().skip(1).filter_map(read_line) {
                let _ = writeln!(kept, "{}", line(unit, score));
                scores.insert(unit, score);
            }
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(Error::io(folder))?;
        }
        // A last line that was cut off is gone, so that the next one begins at a line's beginning.
        let mut file = File::create(path).map_err(Error::io(path))?;
        file.write_all(format!("{title}\n{kept}").as_bytes()).map_err(Error::io(path))?;
        Ok(Self { path: path.to_path_buf(), state: Mutex::new((scores, file)) })
    }

    fn score(&self, unit: Unit) -> Option<f64> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0.get(&unit).copied()
    }

    fn add(&self, unit: Unit, score: f64) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0.insert(unit, score);
        writeln!(state.1, "{}", line(unit, score)).map_err(Error::io(&self.path))
    }
}

/// `trial part score`, the part being `all` or the number of the outer fold, the score exact.
fn line((trial, part): Unit, score: f64) -> String {
    format!("{trial} {} {score:?}", part.map_or_else(|| "all".to_owned(), |fold| fold.to_string()))
}

fn read_line(line: &str) -> Option<(Unit, f64)> {
    let mut words = line.split(' ');
    let trial = words.next()?.parse().ok()?;
    let part = match words.next()? {
        "all" => None,
        fold => Some(fold.parse().ok()?),
    };
    let score: f64 = words.next()?.parse().ok()?;
    Some(((trial, part), score))
}
