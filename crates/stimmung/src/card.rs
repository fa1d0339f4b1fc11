//! Writing a model's card from the experiment that made it.

use std::collections::BTreeSet;

use stimmung_corpus::{Layout, synth};
use stimmung_evaluation::Metric;
use stimmung_models::{Card, CardData, CardScore};

use crate::{Evaluated, Experiment};

const INTENDED_USE: &str = "Estimating which emotion a voice expresses, in recordings like those it was trained on: \
    one speaker, a sentence or two, little noise.";
const NOT_FOR: &str = "Any decision about a person, such as hiring, grading, diagnosis or policing; lie detection; \
    monitoring people at work or school. It hears the expression in a voice, not what someone feels.";
const UNTESTED: &str = "Other languages, spontaneous speech where the corpus is acted, children, distant microphones and \
    telephone lines were not tested; expect less there.";

/// The card of a model trained on all of an experiment's recordings.
pub(crate) fn describe_run(experiment: &Experiment, evaluated: Option<&Evaluated>) -> Card {
    let recipe = &experiment.recipe;
    Card {
        name: recipe.name.clone(),
        description: recipe.description.clone(),
        created_from: recipe.to_toml().unwrap_or_else(|_| recipe.name.clone()),
        data: data(experiment),
        scores: evaluated.map(scores).unwrap_or_default(),
        intended_use: INTENDED_USE.to_owned(),
        not_for: NOT_FOR.to_owned(),
        notes: notes(experiment, evaluated),
    }
}

fn data(experiment: &Experiment) -> CardData {
    let table = &experiment.table;
    let distinct = |values: Vec<Option<&String>>| values.into_iter().flatten().cloned().collect::<BTreeSet<String>>();
    let languages = distinct(table.recordings.iter().map(|recording| recording.language.as_ref()).collect());
    let layout = Layout::by_name(&experiment.corpus).ok();
    let told = |value: Option<&str>| value.unwrap_or_default().to_owned();
    CardData {
        corpus: experiment.corpus.clone(),
        recordings: table.recordings.len(),
        speakers: distinct(table.recordings.iter().map(|recording| recording.speaker.as_ref()).collect()).len(),
        dropped: table.dropped.len(),
        language: languages.into_iter().collect::<Vec<_>>().join(", "),
        license: told(layout.and_then(Layout::terms)),
        source: told(layout.and_then(Layout::url)),
        fingerprints: table
            .content
            .iter()
            .map(|content| fingerprint(content))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
    }
}

/// Enough of a content hash to tell recordings apart, little enough for a card.
pub(crate) fn fingerprint(content: &str) -> String {
    content.chars().take(16).collect()
}

fn scores(evaluated: &Evaluated) -> Vec<CardScore> {
    let evaluation = &evaluated.evaluation;
    let figures = [
        (Metric::Uar, "UAR (= UA, macro recall, balanced accuracy)", evaluation.pooled.uar),
        (Metric::War, "WAR (= WA, accuracy)", evaluation.pooled.war),
        (Metric::MacroF1, "macro-F1", evaluation.pooled.macro_f1),
    ];
    let score = |(metric, name, value): (Metric, &str, f64)| {
        let interval = evaluation.intervals.get(metric);
        CardScore {
            protocol: evaluation.protocol.clone(),
            metric: name.to_owned(),
            value,
            interval: Some([interval.low, interval.high]),
        }
    };
    let calibration = evaluated.calibration.iter().map(|calibration| CardScore {
        protocol: evaluation.protocol.clone(),
        metric: "expected calibration error (ECE), calibrated".to_owned(),
        value: calibration.calibrated.ece,
        interval: None,
    });
    figures.into_iter().map(score).chain(calibration).collect()
}

fn notes(experiment: &Experiment, evaluated: Option<&Evaluated>) -> String {
    let mut notes = if experiment.corpus == synth::NAME {
        vec!["SYNTHETIC: trained on artificial voices; its figures say nothing about people.".to_owned()]
    } else {
        vec![UNTESTED.to_owned()]
    };
    if let Some(evaluated) = evaluated {
        notes.push(
            "The scores are those of models trained without the tested recordings; this model has heard them all."
                .into(),
        );
        if evaluated.calibration.is_some() {
            notes.push(
                "Its probabilities are calibrated by answers for voices that the answering model had not heard.".into(),
            );
        }
        notes.extend(evaluated.evaluation.leaks.iter().map(ToString::to_string));
    }
    notes.join(" ")
}
