//! From a recipe to a run: the corpus is heard once, then judged fold by fold.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;
use stimmung_corpus::{Dropped, Manifest, standard_emotion};
use stimmung_evaluation::{Evaluation, Fold, Item, Prediction as Judged, Scores};
use stimmung_models::{
    Card, Classifier, FitProgress, FrontEnd, Introductions, Matrix, ModelError, ModelFile, TrainingSet, Watched, fit,
    fit_resumable,
};

use crate::adaptation::{AdaptationMode, NEUTRAL};
use crate::calibration::Calibration;
use crate::card::describe_run;
use crate::corpora::find_corpus;
use crate::pool;
use crate::progress::{Training, advance_to};
use crate::recipe::{AugmentationSection, When};
use crate::recognizer::most_probable;
use crate::run::{Stage, Stopwatch, Timing};
use crate::table::{id, nothing_usable};
use crate::{Checkpoints, Error, FeatureTable, Progress, Recipe};

/// Into how many steps a progress bar divides the fitting of one model.
const STEPS_OF_A_FIT: usize = 100;

/// A recipe with its corpus heard: features, labels and everything that splits need to know.
#[derive(Debug, Clone)]
pub struct Experiment {
    /// The recipe.
    pub recipe: Recipe,
    /// The corpus's name.
    pub corpus: String,
    /// The folder that the recordings' files are relative to.
    pub root: PathBuf,
    /// The rate in hertz at which the recordings were heard, and the features computed.
    pub front_end: FrontEnd,
    /// The features as they were heard, one row a recording, and what was left out.
    pub table: Arc<FeatureTable>,
    /// The features as models see them, where speakers are adapted to.
    adapted: Option<Arc<Matrix>>,
    /// The emotions, sorted; labels are indices into them.
    pub classes: Vec<String>,
    /// What splitting needs to know of each recording; where copies are made before the split, of each copy as well.
    pub items: Vec<Item>,
    /// The rows of the table behind each item.
    rows: Vec<ItemRows>,
    /// Where unfinished trainings are kept.
    checkpoints: Option<Checkpoints>,
    /// How long things took. Nothing but a run's `timing.json` knows.
    stopwatch: Stopwatch,
}

/// The rows of the table that stand for an item.
#[derive(Debug, Clone)]
struct ItemRows {
    /// Where it is learnt from: with its copies, if they are made after the split.
    train: Range<usize>,
    /// Where it is judged: with its copies, if they count at test time.
    test: Range<usize>,
    /// As it is, without copies.
    plain: Range<usize>,
}

/// An evaluation with the predictions behind it.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// The figures.
    pub evaluation: Evaluation,
    /// The folds, as numbers of items.
    pub folds: Vec<Fold>,
    /// One prediction per tested item, fold by fold.
    pub predictions: Vec<Judged>,
    /// How fitting went, fold by fold and step by step; the steps of networks are epochs.
    pub history: Vec<Vec<FitProgress>>,
    /// How probabilities are calibrated by the predictions; `None` unless all of them are for voices that their models had not heard.
    pub calibration: Option<Calibration>,
    /// The name of the model that was judged, if it had been trained beforehand.
    pub ready_model: Option<String>,
}

impl Evaluated {
    /// The accuracy on the test parts after the epoch that did best on them, fold by fold; folds count by their recordings.
    /// Where recordings are cut into segments, it is that of segments.
    ///
    /// It is chosen on what it is measured on, and so is no result; some publications quote it. `None` unless every fold
    /// was [watched](Recipe::watch) and has epochs.
    pub fn best_epoch_accuracy(&self) -> Option<f64> {
        let (mut right, mut tested) = (0.0, 0.0);
        for (fold, history) in self.folds.iter().zip(&self.history) {
            let best = history.iter().filter_map(|step| step.watched).reduce(f64::max)?;
            right += best * fold.test.len() as f64;
            tested += fold.test.len() as f64;
        }
        (tested > 0.0).then(|| right / tested)
    }
}

impl Experiment {
    /// Finds the recipe's corpus in `corpora` (see [`corpora_folders`](crate::corpora_folders)), hears every recording
    /// and computes its features.
    ///
    /// # Errors
    /// A corpus that is not found or holds nothing usable, [`Error::Cancelled`].
    pub fn prepare(recipe: Recipe, corpora: &[PathBuf], progress: &dyn Progress) -> Result<Self, Error> {
        let manifest = open_corpus(&recipe, corpora)?;
        Self::from_manifest(recipe, manifest, progress)
    }

    /// As [`prepare`](Self::prepare), with the corpus at hand.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub fn from_manifest(recipe: Recipe, mut manifest: Manifest, progress: &dyn Progress) -> Result<Self, Error> {
        let start = Instant::now();
        keep_labelled(&mut manifest, recipe.corpus.emotions.as_ref())?;
        let sample_rate = listening_rate(&recipe, &manifest);
        let front_end = FrontEnd {
            sample_rate,
            conditioning: recipe.conditioning,
            segments: recipe.segments,
            features: recipe.features.clone(),
            copies: recipe.augmentation.judged(),
        };
        let hearing = recipe.hearing(sample_rate);
        let table = FeatureTable::extract(&manifest, &hearing, progress)?;
        let (classes, items, rows) = label(&table, &recipe.augmentation);
        let adapted = recipe.adaptation.apply(&table)?.map(Arc::new);
        Ok(Self {
            recipe,
            corpus: manifest.name,
            root: manifest.root,
            front_end,
            table: Arc::new(table),
            adapted,
            classes,
            items,
            rows,
            checkpoints: None,
            stopwatch: Stopwatch::prepared_since(start),
        })
    }

    /// The same recordings under another recipe, without hearing them again. `None` if that recipe hears something else, or adapts to
    /// speakers in another way.
    pub fn under(&self, recipe: Recipe) -> Option<Self> {
        if !self.hears_as(&recipe) {
            return None;
        }
        let (classes, items, rows) = label(&self.table, &recipe.augmentation);
        let front_end = FrontEnd { copies: recipe.augmentation.judged(), ..self.front_end.clone() };
        let stopwatch = self.stopwatch.anew();
        Some(Self { recipe, front_end, classes, items, rows, checkpoints: None, stopwatch, ..self.clone() })
    }

    /// Keeps the trainings of networks now and then, so that [`evaluate`](Self::evaluate) and [`train`](Self::train) go on
    /// where they were interrupted, and come to the same bits.
    #[must_use]
    pub fn with_checkpoints(self, checkpoints: Checkpoints) -> Self {
        Self { checkpoints: Some(checkpoints), ..self }
    }

    /// Whether another recipe hears the same recordings in the same way.
    pub(crate) fn hears_as(&self, recipe: &Recipe) -> bool {
        let hears =
            |recipe: &Recipe| (recipe.corpus.clone(), recipe.audio.clone(), recipe.adaptation, recipe.hearing(0));
        hears(&self.recipe) == hears(recipe)
    }

    /// What the work so far took, with the training of a model or without.
    pub(crate) fn timing(&self, trained: bool) -> Timing {
        let before = self.checkpoints.as_ref().map_or(0.0, Checkpoints::seconds_before);
        let timing = self.stopwatch.timing(before);
        Timing { training: timing.training.filter(|_| trained), ..timing }
    }

    /// The features as models see them.
    fn features(&self) -> &Matrix {
        self.adapted.as_deref().unwrap_or(&self.table.features)
    }

    /// The label of each item.
    pub fn labels(&self) -> Vec<usize> {
        self.items.iter().map(|item| item.class).collect()
    }

    /// The folds of the recipe's protocol.
    ///
    /// # Errors
    /// [`Error::Evaluation`] where the protocol does not fit the corpus.
    pub fn folds(&self) -> Result<Vec<Fold>, Error> {
        let folds = self.recipe.protocol.split(&self.items, self.classes.len(), self.recipe.seed);
        folds.map_err(|error| error.with_class_names(&self.classes).into())
    }

    /// Judges the recipe by its protocol, folds in parallel. The result does not depend on the number of threads.
    ///
    /// # Errors
    /// Splits that cannot be made, models that cannot be fitted, [`Error::Cancelled`].
    pub fn evaluate(&self, progress: &dyn Progress) -> Result<Evaluated, Error> {
        self.stopwatch.time(Stage::Evaluating, || self.evaluate_folds(progress))
    }

    fn evaluate_folds(&self, progress: &dyn Progress) -> Result<Evaluated, Error> {
        let folds = self.folds()?;
        progress.begin("evaluating", (folds.len() * STEPS_OF_A_FIT) as u64);
        let judged: Result<Vec<_>, Error> = folds
            .par_iter()
            .enumerate()
            .map(|(number, fold)| {
                let mut history = Vec::new();
                let training = Training::Fold { number: number + 1, of: folds.len() };
                let watched = if self.recipe.watch { &fold.test[..] } else { &[] };
                let name = format!("fold-{:02}", number + 1);
                let mut see = |step| {
                    history.push(step);
                    progress.trained(training, &step);
                };
                let classifier = self.fit_as(Some(&name), &fold.train, watched, &mut see, progress)?;
                let judged = self.judge(&classifier, fold, number)?;
                progress.judged(training, &fold.name, &self.scores_of(&judged)?);
                Ok((judged, history))
            })
            .collect();
        progress.end();
        let (predictions, history): (Vec<Vec<Judged>>, Vec<_>) = judged?.into_iter().unzip();
        let predictions = predictions.concat();
        let evaluation = self.score(&folds, &predictions)?;
        let calibration = Calibration::of(&evaluation, &self.items, &folds, &predictions);
        Ok(Evaluated { evaluation, folds, predictions, history, calibration, ready_model: None })
    }

    /// The figures of one fold's predictions.
    fn scores_of(&self, judged: &[Judged]) -> Result<Scores, Error> {
        let truth: Vec<usize> = judged.iter().map(|it| self.items[it.item].class).collect();
        let predicted: Vec<usize> = judged.iter().map(|it| it.predicted).collect();
        Ok(Scores::new(&self.classes, &truth, &predicted)?)
    }

    /// The figures of predictions under the recipe's protocol.
    pub(crate) fn score(&self, folds: &[Fold], predictions: &[Judged]) -> Result<Evaluation, Error> {
        let Self { recipe, items, classes, .. } = self;
        let mut evaluation = Evaluation::new(&recipe.protocol, items, classes, folds, predictions, recipe.seed)?;
        if recipe.augmentation.when == When::BeforeSplit {
            evaluation.protocol += "; copies made before the split are judged like recordings";
        }
        self.add_terms(&mut evaluation);
        Ok(evaluation)
    }

    /// Puts what is known of speakers behind the protocol.
    pub(crate) fn add_terms(&self, evaluation: &mut Evaluation) {
        if let Some(adaptation) = self.recipe.adaptation.describe() {
            evaluation.protocol += "; ";
            evaluation.protocol += &adaptation;
        }
    }

    /// Fits the recipe's model on some items.
    ///
    /// # Errors
    /// [`Error::Model`] where they do not suffice, [`Error::Cancelled`].
    pub fn fit(&self, items: &[usize], progress: &dyn Progress) -> Result<Classifier, Error> {
        self.fit_as(None, items, &[], &mut |_| (), progress)
    }

    /// As [`fit`](Self::fit); `see` is told every step, with the accuracy on the `watched` items, which changes nothing. By its
    /// name the training is found again among the checkpoints.
    fn fit_as(
        &self,
        name: Option<&str>,
        items: &[usize],
        watched: &[usize],
        see: &mut dyn FnMut(FitProgress),
        progress: &dyn Progress,
    ) -> Result<Classifier, Error> {
        let (rows, labels) = self.listed(items, |rows| rows.train.clone());
        let (watched_rows, watched_labels) = self.listed(watched, |rows| rows.test.clone());
        let groups = self.groups(items);
        let introductions = self.introduced(items);
        let shape = self.front_end.features.shape(self.front_end.sample_rate)?;
        let data = TrainingSet {
            scaling: self.recipe.scaling,
            rows: Some(&rows),
            groups: groups.as_deref(),
            introductions: introductions
                .as_ref()
                .zip(self.neutral_class())
                .map(|(rows, neutral)| Introductions { rows, neutral }),
            watched: (!watched.is_empty()).then_some(Watched { rows: &watched_rows, labels: &watched_labels }),
            ..TrainingSet::new(self.features(), shape, &labels, &self.classes)
        };
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        let mut advance = advance_to(progress);
        let mut watch = |at: FitProgress| {
            see(at);
            advance(STEPS_OF_A_FIT * at.step.min(at.total) / at.total.max(1));
            if progress.cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let (model, seed) = (&self.recipe.model, self.recipe.seed);
        let fitted = match self.checkpoints.as_ref().zip(name).map(|(checkpoints, name)| checkpoints.store(name)) {
            None => fit(model, &data, seed, &mut watch),
            Some(mut store) => match fit_resumable(model, &data, seed, &mut store, &mut watch) {
                // Of other recordings, of another version, or damaged: it is worth no more than none.
                Err(ModelError::Checkpoint { .. }) if store.discard().is_ok() => {
                    fit_resumable(model, &data, seed, &mut store, &mut watch)
                }
                fitted => fitted,
            },
        };
        advance(STEPS_OF_A_FIT);
        // A fit ends early only because it was asked to.
        let fitted = fitted.map_err(|error| if progress.cancelled() { Error::Cancelled } else { error.into() })?;
        self.teach_voices(fitted, items)
    }

    /// Shows a classifier how the speakers of some items differ, where it has not learned that already.
    fn teach_voices(&self, classifier: Classifier, items: &[usize]) -> Result<Classifier, Error> {
        let Some(neutral) = self.neutral_class().filter(|_| !classifier.enrols()) else { return Ok(classifier) };
        let known: Vec<usize> =
            items.iter().copied().filter(|&item| self.items[item].known_speaker().is_some()).collect();
        let (mut rows, mut labels, mut speakers) = (Vec::new(), Vec::new(), Vec::new());
        let mut numbers = BTreeMap::new();
        for &item in &known {
            let next = numbers.len();
            let speaker = *numbers.entry(self.items[item].known_speaker()).or_insert(next);
            rows.extend(self.rows[item].plain.clone());
            labels.resize(rows.len(), self.items[item].class);
            speakers.resize(rows.len(), speaker);
        }
        Ok(classifier.with_enrolment(self.features(), &rows, &labels, &speakers, neutral)?)
    }

    fn neutral_class(&self) -> Option<usize> {
        self.classes.iter().position(|class| class == NEUTRAL)
    }

    /// For each of some items, the rows by which its speaker is known when it is heard, of recordings `among` which there are neutral ones.
    fn introductions(&self, items: &[usize], among: &[usize]) -> Vec<Vec<usize>> {
        let neutral = self.neutral(among);
        let of = |&item: &usize| {
            let speaker = self.items[item].known_speaker().unwrap_or_default();
            let neutral = neutral.get(speaker).map_or(&[][..], Vec::as_slice);
            let known = self.recipe.adaptation.introduction(&self.items, item, neutral, self.recipe.seed);
            self.listed(&known, |rows| rows.plain.clone()).0
        };
        items.iter().map(of).collect()
    }

    /// Those of some items that are neutral, by speaker, where the speaker is known.
    fn neutral(&self, items: &[usize]) -> BTreeMap<&str, Vec<usize>> {
        let mut by_speaker: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for &item in items {
            let it = &self.items[item];
            if let (Some(speaker), NEUTRAL) = (it.known_speaker(), self.classes[it.class].as_str()) {
                by_speaker.entry(speaker).or_default().push(item);
            }
        }
        by_speaker
    }

    /// The rows behind some items, and their labels.
    fn listed(&self, items: &[usize], of: impl Fn(&ItemRows) -> Range<usize>) -> (Vec<usize>, Vec<usize>) {
        let (mut rows, mut labels) = (Vec::new(), Vec::new());
        for &item in items {
            rows.extend(of(&self.rows[item]));
            labels.resize(rows.len(), self.items[item].class);
        }
        (rows, labels)
    }

    /// A number for the speaker of each training row of some items; a recording whose speaker is unknown is a speaker of its own, so that its
    /// pieces and copies stay together. `None` where that would keep nothing together.
    fn groups(&self, items: &[usize]) -> Option<Vec<usize>> {
        let mut numbers = BTreeMap::new();
        let mut groups = Vec::new();
        for &item in items {
            let next = numbers.len();
            let speaker = self.items[item].known_speaker().ok_or_else(|| self.origin(item));
            let group = *numbers.entry(speaker).or_insert(next);
            groups.resize(groups.len() + self.rows[item].train.len(), group);
        }
        (numbers.len() < groups.len()).then_some(groups)
    }

    /// The recording that an item is, or is a changed copy of.
    fn origin(&self, item: usize) -> &str {
        let item = &self.items[item];
        item.source.as_deref().unwrap_or(&item.id)
    }

    /// Lets a classifier judge the test part of a fold, the `number`-th; the answers for the pieces of a recording are pooled. Nothing outside the
    /// fold is looked at, not even to introduce a speaker.
    pub(crate) fn judge(&self, classifier: &Classifier, fold: &Fold, number: usize) -> Result<Vec<Judged>, Error> {
        let items = &fold.test;
        let within: BTreeSet<usize> = fold.train.iter().chain(items).copied().collect();
        let answers = self.answers(classifier, items, &within.into_iter().collect::<Vec<_>>())?;
        let mut start = 0;
        let judged = items.iter().map(|&item| {
            let pieces = start..start + self.rows[item].test.len();
            start = pieces.end;
            let probabilities = pool::of_rows(answers[pieces].iter().map(Vec::as_slice));
            Judged { item, fold: number, predicted: most_probable(&probabilities), probabilities }
        });
        Ok(judged.collect())
    }

    /// The introductions to each training row of some items, where speakers introduce themselves; by recordings among those items.
    fn introduced(&self, items: &[usize]) -> Option<Vec<Vec<usize>>> {
        if self.recipe.adaptation.mode != AdaptationMode::Enrolled {
            return None;
        }
        let of_items = self.introductions(items, items);
        let rows = items.iter().zip(of_items);
        Some(rows.flat_map(|(&item, known)| vec![known; self.rows[item].train.len()]).collect())
    }

    /// Class probabilities of the rows that some items are judged by, one item after the other. Speakers who introduce themselves do so by
    /// recordings among `among`.
    fn answers(&self, classifier: &Classifier, items: &[usize], among: &[usize]) -> Result<Vec<Vec<f32>>, Error> {
        let features = self.features();
        let (rows, _) = self.listed(items, |rows| rows.test.clone());
        if self.recipe.adaptation.mode != AdaptationMode::Enrolled {
            return Ok(owned(&classifier.probabilities_of(features, &rows)?));
        }
        let mut answers = Vec::with_capacity(rows.len());
        for (&item, known) in items.iter().zip(self.introductions(items, among)) {
            let rows: Vec<usize> = self.rows[item].test.clone().collect();
            answers.extend(owned(&match classifier.enrol(features, &known)? {
                Some(voice) => classifier.probabilities_of_voice(features, &rows, &voice)?,
                None => classifier.probabilities_of(features, &rows)?,
            }));
        }
        Ok(answers)
    }

    /// Fits the recipe's model on every item and writes its card; `evaluated` puts the honest figures onto it, and calibrates the
    /// model where it can.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and as [`Recipe::check_makes_model`].
    pub fn train(&self, evaluated: Option<&Evaluated>, progress: &dyn Progress) -> Result<ModelFile, Error> {
        let items: Vec<usize> = (0..self.items.len()).collect();
        let card = describe_run(self, evaluated);
        let train = || self.train_as(Some("final"), &items, card, progress);
        let mut model = self.stopwatch.time(Stage::Training, train)?;
        if let Some(calibration) = evaluated.and_then(|evaluated| evaluated.calibration.as_ref()) {
            model.classifier = model.classifier.with_calibration(calibration.temperature);
        }
        Ok(model)
    }

    /// Fits the recipe's model on some items only, under a card of the caller's.
    ///
    /// # Errors
    /// As [`train`](Self::train).
    pub fn train_on(&self, items: &[usize], card: Card, progress: &dyn Progress) -> Result<ModelFile, Error> {
        self.train_as(None, items, card, progress)
    }

    fn train_as(
        &self,
        name: Option<&str>,
        items: &[usize],
        card: Card,
        progress: &dyn Progress,
    ) -> Result<ModelFile, Error> {
        self.recipe.check_makes_model()?;
        progress.begin("training the model", STEPS_OF_A_FIT as u64);
        let mut see = |step| progress.trained(Training::Final, &step);
        let classifier = self.fit_as(name, items, &[], &mut see, progress);
        progress.end();
        let (rows, _) = self.listed(items, |rows| rows.train.clone());
        let classifier = classifier?.with_novelty(self.features(), &rows, self.groups(items).as_deref())?;
        Ok(ModelFile { front_end: self.front_end.clone(), classifier, card })
    }
}

fn owned(rows: &Matrix) -> Vec<Vec<f32>> {
    rows.iter_rows().map(<[f32]>::to_vec).collect()
}

/// Opens the corpus that a recipe names, with the recordings of the emotions that it asks for. Those without an emotion are
/// left out and listed.
///
/// # Errors
/// [`Error::CorpusNotFound`] with the folders that were looked into; [`Error::Corpus`] where it cannot be read;
/// [`Error::NothingUsable`] where no recording is left.
pub fn open_corpus(recipe: &Recipe, corpora: &[PathBuf]) -> Result<Manifest, Error> {
    let layout = recipe.corpus.layout.as_deref();
    let path = match (&recipe.corpus.name, &recipe.corpus.path) {
        (Some(name), _) => find_corpus(name, corpora)?,
        (None, Some(path)) => path.clone(),
        (None, None) => PathBuf::from("."),
    };
    let mut manifest = Manifest::open(Path::new(&path), layout)?;
    keep_labelled(&mut manifest, recipe.corpus.emotions.as_ref())?;
    Ok(manifest)
}

fn keep_labelled(manifest: &mut Manifest, emotions: Option<&BTreeSet<String>>) -> Result<(), Error> {
    let (kept, unlabelled) = std::mem::take(&mut manifest.recordings).into_iter().partition(|r| r.emotion.is_some());
    manifest.recordings = kept;
    let unlabelled: Vec<stimmung_corpus::Recording> = unlabelled;
    manifest.dropped.extend(
        unlabelled.into_iter().map(|recording| Dropped { file: recording.file, reason: "no emotion is given".into() }),
    );
    if let Some(emotions) = emotions {
        check_emotions(emotions, &manifest.emotions())?;
        manifest
            .recordings
            .retain(|recording| recording.emotion.as_ref().is_some_and(|emotion| emotions.contains(emotion)));
    }
    if manifest.recordings.is_empty() { Err(nothing_usable(&manifest.dropped)) } else { Ok(()) }
}

/// Refuses misspelt emotions. One of the usual words may be asked for in vain: a list can be made for several corpora.
fn check_emotions(asked: &BTreeSet<String>, known: &BTreeMap<String, usize>) -> Result<(), Error> {
    for emotion in asked.iter().filter(|&emotion| !known.contains_key(emotion)) {
        let meant = standard_emotion(emotion);
        if meant != Some(emotion) {
            let known = known.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(Error::NoSuchEmotion { emotion: emotion.clone(), meant, known });
        }
    }
    Ok(())
}

/// The rate in hertz at which a recipe hears a corpus: its own, or the one that most recordings have.
pub fn listening_rate(recipe: &Recipe, manifest: &Manifest) -> u32 {
    recipe.audio.sample_rate.unwrap_or_else(|| commonest_rate(manifest))
}

/// The rate that most recordings have; the lower of equally common ones. Headers are read, nothing is decoded.
fn commonest_rate(manifest: &Manifest) -> u32 {
    let rates: Vec<Option<u32>> = manifest
        .recordings
        .par_iter()
        .map(|recording| stimmung_audio::probe_path(manifest.path(recording)).ok().map(|probe| probe.sample_rate))
        .collect();
    let mut counts = BTreeMap::<u32, usize>::new();
    for rate in rates.into_iter().flatten() {
        *counts.entry(rate).or_default() += 1;
    }
    // `max_by_key` takes the last of equals. Where no file can be read, extraction tells the reason of each.
    counts.into_iter().rev().max_by_key(|&(_, count)| count).map_or(16_000, |(rate, _)| rate)
}

fn label(table: &FeatureTable, augmentation: &AugmentationSection) -> (Vec<String>, Vec<Item>, Vec<ItemRows>) {
    let mut classes: Vec<String> = table.recordings.iter().filter_map(|recording| recording.emotion.clone()).collect();
    classes.sort();
    classes.dedup();
    let (mut items, mut rows) = (Vec::new(), Vec::new());
    for (index, (recording, content)) in table.recordings.iter().zip(&table.content).enumerate() {
        let original = Item {
            id: id(recording),
            class: recording.emotion.as_ref().and_then(|it| classes.binary_search(it).ok()).unwrap_or_default(),
            speaker: recording.speaker.clone(),
            utterance: utterance(recording),
            content: Some(content.clone()),
            source: None,
        };
        if augmentation.when == When::AfterSplit || table.versions() == 1 {
            items.push(original);
            let test = if augmentation.test_time { table.all_rows(index) } else { table.rows(index, 0) };
            rows.push(ItemRows { train: table.all_rows(index), test, plain: table.rows(index, 0) });
            continue;
        }
        for version in 0..table.versions() {
            let mut item = Item { source: Some(original.id.clone()), ..original.clone() };
            if version > 0 {
                item.id = format!("{} (copy {version})", original.id);
                item.content = None;
            }
            items.push(item);
            let version = table.rows(index, version);
            rows.push(ItemRows { train: version.clone(), test: version.clone(), plain: version });
        }
    }
    (classes, items, rows)
}

/// The same speaker saying the same text with the same emotion: takes of one utterance.
fn utterance(recording: &stimmung_corpus::Recording) -> Option<String> {
    let (text, speaker, emotion) = (recording.text.as_ref()?, recording.speaker.as_ref()?, recording.emotion.as_ref()?);
    Some(format!("{speaker}|{text}|{emotion}"))
}

#[cfg(test)]
mod tests;
