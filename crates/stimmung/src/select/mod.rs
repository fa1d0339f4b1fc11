//! Choosing the settings of a recipe inside the training speakers.
//!
//! A [`Selection`] tries settings by cross-validation within the training part of every outer fold, refits the best of
//! them there, and judges it on the fold's test part, which took no part in the choice (nested cross-validation; Varma and
//! Simon, BMC Bioinformatics 2006). The settings to use in the end are those that do best by cross-validation over all
//! recordings.

mod log;
mod space;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use serde::Serialize;
use stimmung_evaluation::{EvaluationError, Fold, Protocol, RandomParams, Scores, SpeakersParams};

use crate::run::data_hash;
use crate::{Calibration, Error, Evaluated, Experiment, Progress, Quiet, Recipe};
use log::Log;
pub use space::{Choice, Range, SelectSection};

/// Lines of the live table.
const SHOWN: usize = 5;

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
    /// Within all recordings, then within the training part of each outer fold.
    inner: Vec<Vec<Fold>>,
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
    /// The trials with which some model could not be fitted, each with the first reason.
    pub unfit: BTreeMap<usize, String>,
}

/// How one trial did by inner cross-validation; −∞ where a model could not be fitted with it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrialScores {
    /// Over all recordings.
    pub overall: f64,
    /// Inside the training part of each outer fold.
    pub folds: Vec<f64>,
}

/// One piece of work: a trial within all recordings (`None`) or the training part of an outer fold.
type Unit = (usize, Option<usize>);

/// The section of a recipe that says what to choose.
fn section_of(recipe: &Recipe) -> Result<&SelectSection, Error> {
    recipe.select.as_ref().ok_or_else(|| Error::Recipe {
        origin: recipe.name.clone(),
        message: "it has no section [select]; name the keys to choose, for example\n\
                  [select.space]\n\"model.c\" = [0.01, 0.1, 1.0]"
            .into(),
    })
}

impl Selection {
    /// The trials of a recipe, without hearing anything.
    ///
    /// # Errors
    /// [`Error::Recipe`] for a recipe without `[select]`, and for settings that make a recipe that cannot be used.
    pub fn trials_of(recipe: &Recipe) -> Result<Vec<Trial>, Error> {
        let settings = section_of(recipe)?.settings(recipe.seed);
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
    /// different recordings, so that their figures could not be compared, where a training part cannot be divided once more, and for
    /// `watch`.
    pub fn prepare(recipe: Recipe, corpora: &[PathBuf], progress: &dyn Progress) -> Result<Self, Error> {
        let mut trials = Self::trials_of(&recipe)?;
        if let Some(watching) = std::iter::once(&recipe).chain(trials.iter().map(|it| &it.recipe)).find(|it| it.watch) {
            let message = "watch = true: no epochs are scored while settings are selected; leave it out".into();
            return Err(Error::Recipe { origin: watching.name.clone(), message });
        }
        let section = section_of(&recipe)?.clone();
        let mut experiments: Vec<Experiment> = Vec::new();
        for trial in &mut trials {
            // When copies are made changes what is judged, though not what is heard.
            let alike = |experiment: &Experiment| {
                experiment.hears_as(&trial.recipe)
                    && experiment.recipe.augmentation.when == trial.recipe.augmentation.when
            };
            let known = experiments.iter().position(alike);
            trial.experiment = known.unwrap_or(experiments.len());
            if known.is_none() {
                experiments.push(Experiment::prepare(trial.recipe.clone(), corpora, progress)?);
            }
        }
        let first = &experiments[0];
        if let Some(other) = experiments.iter().find(|other| other.items != first.items) {
            return Err(Error::Recipe {
                origin: recipe.name.clone(),
                message: format!(
                    "its settings judge {} and {} recordings, which cannot be compared: some of them (or copies made \
                     before the split) stand for one only",
                    first.items.len(),
                    other.items.len()
                ),
            });
        }
        let folds = first.folds()?;
        let all: Vec<usize> = (0..first.items.len()).collect();
        let within =
            std::iter::once(("all recordings", &all)).chain(folds.iter().map(|it| (it.name.as_str(), &it.train)));
        let inner = within
            .map(|(name, items)| {
                // An outer fold may have taken all but one recording of a class away.
                inner_folds(first, items, section.folds).map_err(|error| Error::Recipe {
                    origin: recipe.name.clone(),
                    message: format!(
                        "[select] the recordings to choose by in fold `{name}` cannot be divided: {error}"
                    ),
                })
            })
            .collect::<Result<_, Error>>()?;
        Ok(Self { recipe, section, trials, experiments, folds, inner })
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
        self.trials.len() * self.inner.iter().map(Vec::len).sum::<usize>() + self.folds.len()
    }

    /// Tries everything, in parallel, and judges the choice. Scores are kept in the file `log` as they come, and a log of
    /// the same selection (the same recipe, recordings and version of the program) is gone on with; the result does not
    /// depend on the number of threads. A trial with which a model cannot be fitted loses against all others.
    ///
    /// # Errors
    /// [`Error::NotOurs`] where `log` holds anything else, [`Error::Io`] where it cannot be written, [`Error::Cancelled`],
    /// and [`Error::Recipe`] where no trial can be fitted somewhere.
    pub fn run(&self, log: &Path, progress: &dyn Progress) -> Result<Selected, Error> {
        let first = &self.experiments[0];
        let title = format!("{} {} {}", env!("CARGO_PKG_VERSION"), self.recipe.configuration(), data_hash(first));
        let log = Log::open(log, &title)?;
        let parts = std::iter::once(None).chain((0..self.folds.len()).map(Some));
        let units: Vec<Unit> = parts.flat_map(|part| (0..self.trials.len()).map(move |trial| (trial, part))).collect();
        let failed = Mutex::new(BTreeMap::<Unit, String>::new());
        progress.begin("trying settings", units.len() as u64);
        units.par_iter().try_for_each(|unit| {
            if log.score(*unit).is_none() {
                match self.try_out(*unit, progress) {
                    Ok(score) => log.add(*unit, score)?,
                    // What the other trials came to is not lost over one that suits no model.
                    Err(Error::Model(error)) => {
                        failed.lock().unwrap_or_else(PoisonError::into_inner).insert(*unit, error.to_string());
                    }
                    Err(error) => return Err(error),
                }
                progress.show(&self.standings(&log));
            }
            progress.advance(1);
            Ok::<(), Error>(())
        })?;
        progress.end();
        let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.refuse_without_scores(&failed)?;

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
            // The first part of each trial stands last, so that its reason stays.
            unfit: failed.into_iter().rev().map(|((trial, _), reason)| (trial, reason)).collect(),
        })
    }

    /// Fails where no trial was left to choose from: over all recordings, or inside a training part.
    fn refuse_without_scores(&self, failed: &BTreeMap<Unit, String>) -> Result<(), Error> {
        for part in std::iter::once(None).chain((0..self.folds.len()).map(Some)) {
            let within = || failed.iter().filter(move |((_, it), _)| *it == part);
            if let Some(((trial, _), reason)) = within().next().filter(|_| within().count() == self.trials.len()) {
                let place = match part {
                    None => "of all recordings".to_owned(),
                    Some(fold) => format!("without {}", self.folds[fold].name),
                };
                let settings = self.trials[*trial].describe();
                let message = format!("none of its settings can be fitted to parts {place}; {settings}: {reason}");
                return Err(Error::Recipe { origin: self.recipe.name.clone(), message });
            }
        }
        Ok(())
    }

    /// The experiment of a trial, to save or to train.
    pub fn experiment(&self, trial: usize) -> Experiment {
        let Trial { recipe, experiment, .. } = &self.trials[trial];
        let heard = &self.experiments[*experiment];
        heard.under(recipe.clone()).unwrap_or_else(|| heard.clone())
    }

    /// The trials as a table: number, score over all recordings, score inside each outer fold (none where no model could be
    /// fitted), settings.
    pub fn trials_csv(&self, selected: &Selected) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut header = vec!["trial".to_owned(), "overall".to_owned()];
        header.extend(self.folds.iter().map(|fold| format!("without {}", fold.name)));
        header.extend(self.section.space.keys().cloned());
        // Writing to memory cannot fail.
        let _ = writer.write_record(&header);
        for (number, (trial, scores)) in self.trials.iter().zip(&selected.scores).enumerate() {
            let cell = |score: f64| if score.is_finite() { format!("{score:.6}") } else { String::new() };
            let mut record = vec![number.to_string(), cell(scores.overall)];
            record.extend(scores.folds.iter().map(|&score| cell(score)));
            record.extend(trial.settings.iter().map(|(_, value)| value.to_string()));
            let _ = writer.write_record(&record);
        }
        writer.into_inner().unwrap_or_default()
    }

    /// What was chosen inside the training parts, the commonest first, each with the number of folds: `model.c = 0.1 (7)`.
    pub fn choices(&self, selected: &Selected) -> Vec<String> {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for &trial in &selected.chosen {
            *counts.entry(trial).or_default() += 1;
        }
        let mut counts: Vec<(usize, usize)> = counts.into_iter().collect();
        counts.sort_by_key(|&(trial, folds)| (Reverse(folds), trial));
        counts.into_iter().map(|(trial, folds)| format!("{} ({folds})", self.trials[trial].describe())).collect()
    }

    /// The settings with which some model could not be fitted, each with the first reason.
    pub fn reasons(&self, selected: &Selected) -> Vec<String> {
        let reason = |(&trial, reason): (&usize, &String)| {
            format!("{} could not be fitted everywhere: {reason}", self.trials[trial].describe())
        };
        selected.unfit.iter().map(reason).collect()
    }

    /// The metric of one unit by inner cross-validation.
    fn try_out(&self, (trial, part): Unit, progress: &dyn Progress) -> Result<f64, Error> {
        let experiment = self.experiment(trial);
        let (mut truth, mut predicted) = (Vec::new(), Vec::new());
        for fold in &self.inner[part.map_or(0, |fold| fold + 1)] {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            let classifier = experiment.fit(&fold.train, &Stoppable(progress))?;
            for judged in experiment.judge(&classifier, fold, 0)? {
                truth.push(experiment.items[judged.item].class);
                predicted.push(judged.predicted);
            }
        }
        Ok(Scores::new(&experiment.classes, &truth, &predicted)?.get(self.section.metric))
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
                experiment.judge(&classifier, fold, number)
            })
            .collect();
        progress.end();
        let predictions = predictions?.concat();
        let mut evaluation = self.experiments[0].score(&self.folds, &predictions)?;
        let sizes = || self.inner[1..].iter().map(Vec::len);
        let (fewest, most) = (sizes().min().unwrap_or(0), sizes().max().unwrap_or(0));
        let folds = if fewest == most { most.to_string() } else { format!("{fewest} to {most}") };
        let _ = write!(
            evaluation.protocol,
            "; settings chosen inside each training part, of {} by {} in {folds} folds",
            self.trials.len(),
            self.section.metric.short_name(),
        );
        let calibration = Calibration::of(&evaluation, &self.experiments[0].items, &self.folds, &predictions);
        let (folds, history) = (self.folds.clone(), Vec::new());
        Ok(Evaluated { evaluation, folds, predictions, history, calibration, ready_model: None })
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

/// At most `most` folds of some items, by their speakers where all are known and there are several.
fn inner_folds(experiment: &Experiment, within: &[usize], most: usize) -> Result<Vec<Fold>, EvaluationError> {
    let items: Vec<_> = within.iter().map(|&item| experiment.items[item].clone()).collect();
    let speakers: BTreeSet<Option<&String>> = items.iter().map(|item| item.speaker.as_ref()).collect();
    let protocol = if !speakers.contains(&None) && speakers.len() >= 2 {
        Protocol::Speakers(SpeakersParams { groups: Some(most.min(speakers.len())) })
    } else {
        Protocol::Random(RandomParams { folds: most.min(items.len()), holdout: None })
    };
    let mut inner = protocol
        .split(&items, experiment.classes.len(), experiment.recipe.seed)
        .map_err(|error| error.with_class_names(&experiment.classes))?;
    for index in inner.iter_mut().flat_map(|fold| fold.train.iter_mut().chain(&mut fold.test)) {
        *index = within[*index];
    }
    Ok(inner)
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

#[cfg(test)]
mod tests;
