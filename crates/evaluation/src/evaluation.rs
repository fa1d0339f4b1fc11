//! From predictions to figures.

use serde::{Deserialize, Serialize};

use crate::audit::{self, Leak, Warning};
use crate::bootstrap::bootstrap_intervals;
use crate::item::speakers;
use crate::{BootstrapParams, EvaluationError, Fold, Interval, Item, Metric, Outcome, Protocol, Scores};

/// What a model answered for one test recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The recording, an index into the items.
    pub item: usize,
    /// The fold whose model answered, an index into the folds.
    pub fold: usize,
    /// The class it answered, an index into the classes.
    pub predicted: usize,
    /// The probability of each class, in the order of the classes; empty if the model gives none. The figures do not
    /// depend on them, but they are checked: one a class, none outside 0 to 1.
    pub probabilities: Vec<f32>,
}

/// A mean over folds, with its spread.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MeanSd {
    /// The mean, each fold counting alike.
    pub mean: f64,
    /// The sample standard deviation, with n − 1 in the denominator; `None` for a single fold.
    pub sd: Option<f64>,
}

impl MeanSd {
    /// The mean and spread of at least one value; of none, 0.
    fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count.max(1.0);
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self { mean, sd: (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()) }
    }
}

/// The figures of one fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoldScores {
    /// [`Fold::name`].
    pub name: String,
    /// The number of recordings tested.
    pub recordings: usize,
    /// The number of recordings trained on.
    pub trained_on: usize,
    /// The number of speakers tested; `None` if any is unknown.
    pub speakers: Option<usize>,
    /// [`Metric::Uar`], over the classes that occur in this test part.
    pub uar: f64,
    /// [`Metric::War`].
    pub war: f64,
    /// [`Metric::MacroF1`], over the classes that occur in this test part or are predicted.
    pub macro_f1: f64,
}

/// Something for each headline figure: an [`Interval`], or a [`MeanSd`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures<T> {
    /// For [`Metric::Uar`].
    pub uar: T,
    /// For [`Metric::War`].
    pub war: T,
    /// For [`Metric::MacroF1`].
    pub macro_f1: T,
}

impl<T> Figures<T> {
    /// What belongs to the figure asked for.
    pub fn get(&self, metric: Metric) -> &T {
        match metric {
            Metric::Uar => &self.uar,
            Metric::War => &self.war,
            Metric::MacroF1 => &self.macro_f1,
        }
    }
}

/// Everything that is to be said about a model's predictions: the figures, and on what terms they hold.
///
/// The *pooled* figures score the predictions of all folds together and are the ones to quote. The mean over folds
/// weighs a small fold like a large one, and takes a UAR over fewer classes where a fold lacks some.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The protocol in words, with the number of folds: `speakers: leave one speaker out, 10 folds`.
    pub protocol: String,
    /// The number of recordings tested.
    pub recordings: usize,
    /// The figures over all folds together.
    pub pooled: Scores,
    /// An interval for each pooled headline figure, at 95 %.
    pub intervals: Figures<Interval>,
    /// Mean ± standard deviation over the folds.
    pub over_folds: Figures<MeanSd>,
    /// The figures of each fold.
    pub folds: Vec<FoldScores>,
    /// What the two sides of the split share. In JSON each leak also has its `sentence`.
    #[serde(with = "said")]
    pub leaks: Vec<Leak>,
    /// What else to know when reading the figures. In JSON each warning also has its `sentence`.
    #[serde(with = "said")]
    pub warnings: Vec<Warning>,
}

impl Evaluation {
    /// Scores predictions.
    ///
    /// `classes` are the names that [`Item::class`] and [`Prediction::predicted`] point to. Every recording in the
    /// test part of a fold needs exactly one prediction by that fold, in any order. `seed` feeds the bootstrap; the
    /// same arguments give the same evaluation on every machine.
    ///
    /// # Errors
    /// * [`InvalidParameter`](EvaluationError::InvalidParameter): see [`Protocol::check`].
    /// * [`EmptyPart`](EvaluationError::EmptyPart): a fold with nothing to train on or to test.
    /// * [`Mismatch`](EvaluationError::Mismatch): an index is out of range, a prediction is missing, doubled or for a
    ///   recording that its fold does not test, or probabilities are not one a class from 0 to 1.
    pub fn new(
        protocol: &Protocol,
        items: &[Item],
        classes: &[String],
        folds: &[Fold],
        predictions: &[Prediction],
        seed: u64,
    ) -> Result<Self, EvaluationError> {
        protocol.check()?;
        if let Some(fold) = folds.iter().find(|fold| fold.train.is_empty()) {
            return Err(EvaluationError::EmptyPart { part: "training", fold: fold.name.clone() });
        }
        let mut evaluation = Self::score(stated(protocol, folds.len()), items, classes, folds, predictions, seed)?;
        evaluation.warnings.splice(0..0, audit::coverage(items, classes, folds));
        Ok(evaluation)
    }

    /// Scores the answers of a model that was trained beforehand, here called `model`.
    ///
    /// `part.test` lists the recordings it answered for, and `part.train` those among `items` that it is known to have been
    /// trained on, often none; they come out as leaks. Otherwise as [`Evaluation::new`].
    ///
    /// # Errors
    /// As [`Evaluation::new`], but `part.train` may be empty.
    pub fn of_ready_model(
        model: &str,
        items: &[Item],
        classes: &[String],
        part: &Fold,
        predictions: &[Prediction],
        seed: u64,
    ) -> Result<Self, EvaluationError> {
        let protocol = format!("ready model: {model:?}, trained beforehand");
        Self::score(protocol, items, classes, std::slice::from_ref(part), predictions, seed)
    }

    fn score(
        protocol: String,
        items: &[Item],
        classes: &[String],
        folds: &[Fold],
        predictions: &[Prediction],
        seed: u64,
    ) -> Result<Self, EvaluationError> {
        check_items(items, classes.len(), folds)?;
        let answers = sort_predictions(items.len(), classes.len(), folds, predictions)?;

        let (mut truth, mut predicted, mut outcomes) = (Vec::new(), Vec::new(), Vec::new());
        let mut fold_scores = Vec::with_capacity(folds.len());
        for (fold, answers) in folds.iter().zip(&answers) {
            let start = truth.len();
            for (&item, &answer) in fold.test.iter().zip(answers) {
                let item = &items[item];
                truth.push(item.class);
                predicted.push(answer);
                outcomes.push(Outcome { truth: item.class, predicted: answer, speaker: item.known_speaker() });
            }
            let scores = Scores::new(classes, &truth[start..], &predicted[start..])?;
            let tested = fold.test.iter().map(|&item| &items[item]);
            let all_known = tested.clone().all(|item| item.known_speaker().is_some());
            fold_scores.push(FoldScores {
                name: fold.name.clone(),
                recordings: fold.test.len(),
                trained_on: fold.train.len(),
                speakers: all_known.then(|| speakers(tested).len()),
                uar: scores.uar,
                war: scores.war,
                macro_f1: scores.macro_f1,
            });
        }

        let [uar, war, macro_f1] = bootstrap_intervals(
            &outcomes,
            classes.len(),
            [Metric::Uar, Metric::War, Metric::MacroF1],
            &BootstrapParams::default(),
            seed,
        )?;
        let over_folds =
            |figure: fn(&FoldScores) -> f64| MeanSd::of(&fold_scores.iter().map(figure).collect::<Vec<_>>());
        let tested = folds.iter().flat_map(|fold| &fold.test).map(|&item| &items[item]);
        Ok(Self {
            protocol,
            recordings: truth.len(),
            pooled: Scores::new(classes, &truth, &predicted)?,
            intervals: Figures { uar, war, macro_f1 },
            over_folds: Figures {
                uar: over_folds(|fold| fold.uar),
                war: over_folds(|fold| fold.war),
                macro_f1: over_folds(|fold| fold.macro_f1),
            },
            folds: fold_scores,
            leaks: audit::audit(items, folds),
            warnings: audit::interval_warning(tested).into_iter().collect(),
        })
    }

    /// The terms on which the figures hold, as they stand beside every number:
    /// `speakers: leave one speaker out, 10 folds, 535 recordings`.
    pub fn terms(&self) -> String {
        let recordings = if self.recordings == 1 { "recording" } else { "recordings" };
        format!("{}, {} {recordings}", self.protocol, self.recordings)
    }
}

/// The protocol in words, with the number of folds where the words leave it open.
fn stated(protocol: &Protocol, folds: usize) -> String {
    let words = protocol.describe();
    match protocol {
        Protocol::Speakers(params) if params.groups.is_none() => format!("{words}, {folds} folds"),
        _ => words,
    }
}

/// Checks that the folds point to items, and these to classes.
fn check_items(items: &[Item], classes: usize, folds: &[Fold]) -> Result<(), EvaluationError> {
    if folds.is_empty() {
        return Err(EvaluationError::mismatch("folds", "at least 1", 0));
    }
    for item in items {
        if item.class >= classes {
            let what = format!("the class of {:?}", item.id);
            return Err(EvaluationError::mismatch(what, format!("an index below {classes}"), item.class));
        }
    }
    for fold in folds {
        for (part, list) in [("training", &fold.train), ("test", &fold.test)] {
            if list.is_empty() && part == "test" {
                return Err(EvaluationError::EmptyPart { part, fold: fold.name.clone() });
            }
            if let Some(outside) = list.iter().find(|&&item| item >= items.len()) {
                let what = format!("a recording in the {part} part of the fold {:?}", fold.name);
                return Err(EvaluationError::mismatch(what, format!("an index below {}", items.len()), outside));
            }
        }
    }
    Ok(())
}

/// The predicted class of each test recording, for each fold in the order of its test part.
fn sort_predictions(
    items: usize,
    classes: usize,
    folds: &[Fold],
    predictions: &[Prediction],
) -> Result<Vec<Vec<usize>>, EvaluationError> {
    let mut by_fold: Vec<Vec<&Prediction>> = vec![Vec::new(); folds.len()];
    for prediction in predictions {
        let Prediction { item, fold, predicted, probabilities } = prediction;
        let of = format!("the prediction for recording {item} by fold {fold}");
        let index = |what: &str, value: usize, end: usize| {
            (value < end).then_some(()).ok_or_else(|| {
                EvaluationError::mismatch(format!("{what} of {of}"), format!("an index below {end}"), value)
            })
        };
        index("the fold", *fold, folds.len())?;
        index("the recording", *item, items)?;
        index("the class", *predicted, classes)?;
        if !probabilities.is_empty() && probabilities.len() != classes {
            return Err(EvaluationError::mismatch(format!("probabilities in {of}"), classes, probabilities.len()));
        }
        if let Some(outside) = probabilities.iter().find(|p| !(0.0..=1.0).contains(*p)) {
            return Err(EvaluationError::mismatch(format!("a probability in {of}"), "a value from 0 to 1", outside));
        }
        by_fold[*fold].push(prediction);
    }

    let mut sorted = Vec::with_capacity(folds.len());
    let mut answer_of: Vec<Option<usize>> = vec![None; items];
    for (fold, predictions) in folds.iter().zip(by_fold) {
        answer_of.fill(None);
        for prediction in predictions {
            if answer_of[prediction.item].replace(prediction.predicted).is_some() {
                let what = format!("predictions for recording {} by the fold {:?}", prediction.item, fold.name);
                return Err(EvaluationError::mismatch(what, 1, "more"));
            }
        }
        let mut answers = Vec::with_capacity(fold.test.len());
        for &item in &fold.test {
            // Taking the answer out also finds a recording that the test part lists twice.
            answers.push(answer_of[item].take().ok_or_else(|| {
                let what = format!("predictions for recording {item} by the fold {:?}", fold.name);
                EvaluationError::mismatch(what, "1 each time it is tested", "fewer")
            })?);
        }
        if let Some(surplus) = answer_of.iter().position(Option::is_some) {
            let what = format!("predictions for recording {surplus} by the fold {:?}", fold.name);
            return Err(EvaluationError::mismatch(what, "none, as the fold does not test it", 1));
        }
        sorted.push(answers);
    }
    Ok(sorted)
}

/// Writes each finding with the sentence it prints as, so that readers of the JSON need not know how to say it.
mod said {
    use std::fmt::Display;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize)]
    struct Said<'a, T> {
        #[serde(flatten)]
        finding: &'a T,
        sentence: String,
    }

    pub fn serialize<T: Serialize + Display, S: Serializer>(findings: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(findings.iter().map(|finding| Said { finding, sentence: finding.to_string() }))
    }

    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
        Vec::deserialize(deserializer)
    }
}
