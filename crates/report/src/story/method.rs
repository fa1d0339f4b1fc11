//! How it was done: preparation, features, model, protocol, cost, repetition.

use serde::Serialize;
use serde_json::Value;
use stimmung::recipe::When;
use stimmung::{AdaptationMode, SavedRun};
use stimmung_audio::Normalise;
use stimmung_evaluation::Protocol;
use stimmung_features::FeatureSet;
use stimmung_models::{PartSummary, Scaling, Shape};

use super::words::{capital, count, duration, list, percent};
use super::{Block, Section, Table};
use crate::figures::marks::counted;
use crate::network::network;
use crate::{Figure, ReportError};

/// Groups of a composed feature set that are told one by one.
const MOST_GROUPS: usize = 8;

/// What happened to recordings before features saw them, step by step.
pub(crate) fn steps(run: &SavedRun) -> Vec<String> {
    let recipe = &run.recipe;
    let mut steps = vec![match recipe.audio.sample_rate {
        Some(rate) => format!("Recordings are heard in mono at {rate} Hz."),
        None => "Recordings are heard in mono at the rate that most of them have.".to_owned(),
    }];
    let conditioning = &recipe.conditioning;
    if let Some(window) = conditioning.wiener {
        steps.push(format!("A Wiener filter over {window} samples takes out noise."));
    }
    if let Some(silence) = conditioning.trim_db {
        steps.push(format!("What is more than {silence} dB below the loudest frame is cut off at both ends."));
    }
    if let Some(normalise) = conditioning.normalise {
        let what = match normalise {
            Normalise::Peak => "peak",
            Normalise::Rms => "root mean square",
        };
        let level = conditioning.level.unwrap_or_else(|| normalise.default_level());
        steps.push(format!("Each is scaled to a {what} of {level} dB re full scale."));
    }
    if let Some(segments) = recipe.segments {
        steps.push(format!(
            "Each is cut into evenly spread segments of {} s; the answers for them are pooled into one.",
            segments.seconds
        ));
    }
    steps
}

/// What is learnt from besides the recordings: how that was done, and the effects on each copy.
pub(crate) fn copies(run: &SavedRun) -> (String, Vec<String>) {
    let augmentation = &run.recipe.augmentation;
    let copies = &augmentation.copies;
    if copies.is_empty() {
        let told = match run.summary.ready_model {
            Some(_) => "What the model learnt from stands on its card.",
            None => "No changed copies are learnt from.",
        };
        return (told.to_owned(), Vec::new());
    }
    let told = match augmentation.when {
        When::AfterSplit => {
            let made = if copies.len() == 1 {
                "one changed copy is".to_owned()
            } else {
                format!("{} changed copies are", copies.len())
            };
            if augmentation.test_time {
                format!(
                    "Of each recording {made} made. Those of the training part are learnt from as well; what is judged is \
                     judged together with its own, and the answers are pooled:"
                )
            } else {
                format!(
                    "From each recording of the training part, and of no other, {made} made and learnt from as well:"
                )
            }
        }
        When::BeforeSplit if matches!(run.recipe.protocol, Protocol::Speakers(_)) => {
            "Changed copies are made of every recording before the split, and judged like recordings; all of a speaker's \
             lie on one side of it."
                .to_owned()
        }
        When::BeforeSplit => {
            "Changed copies are made of every recording before the split, and judged like recordings: where those of one \
             recording lie on both sides, the figures measure in part how well recordings are remembered."
                .to_owned()
        }
    };
    let effects = copies.iter().map(|effects| list(&effects.iter().map(settings).collect::<Vec<_>>()));
    (told, effects.collect())
}

/// What happened to recordings before features saw them, and which copies were learnt from.
pub(crate) fn preparation(run: &SavedRun) -> Section {
    let mut section = Section::new("Preparation and augmentation");
    section.text(steps(run).join(" "));
    let (told, effects) = copies(run);
    section.text(told);
    if !effects.is_empty() {
        section.blocks.push(Block::List(effects));
    }
    section
}

/// Where what the model knows comes from.
pub(crate) fn fitted(run: &SavedRun) -> String {
    match &run.summary.ready_model {
        Some(name) => format!("The model {name} had been trained beforehand; nothing was fitted to these recordings."),
        None => "Everything that is fitted, from the scaling of features to the model, is fitted to the training part of a fold alone.".to_owned(),
    }
}

/// How features are brought to one scale.
pub(crate) fn scaling(run: &SavedRun) -> &'static str {
    match run.recipe.scaling {
        Scaling::Standard => "Each column is brought to mean 0 and standard deviation 1 over the training part.",
        Scaling::Overall => {
            "All values together are brought to mean 0 and standard deviation 1 over the training part."
        }
        Scaling::Quantile => {
            "Each column is brought to the normal distribution, by the ranks of its values over the training part."
        }
        Scaling::None => "Values are not scaled.",
    }
}

/// What the model is told of the speaker; `None` where that is nothing.
pub(crate) fn adaptation(run: &SavedRun) -> Option<&'static str> {
    match run.recipe.adaptation.mode {
        AdaptationMode::None => None,
        AdaptationMode::Enrolled => Some(
            "Before a recording is judged, the model hears others of its speaker that are neutral, and leaves out what they let it expect of the \
             voice (enrolled adaptation); each value is corrected as far as voices differ in it more than recordings of one voice do.",
        ),
        AdaptationMode::Transductive => Some(
            "Each value is then replaced by the normal score of its rank among the recordings of the same speaker, without their labels \
             (transductive adaptation): what is judged is a speaker's collection, not a recording by itself.",
        ),
    }
}

/// What was computed from a recording.
pub(crate) fn features(run: &SavedRun) -> Result<Section, ReportError> {
    let recipe = &run.recipe;
    let mut section = Section::new("Features");
    section.text(format!("{} {}", values(run), scaling(run)));
    section.blocks.extend(adaptation(run).map(|told| Block::Text(told.to_owned())));
    section.blocks.push(Block::Table(feature_settings("Settings of the features", &recipe.features)));
    section.blocks.extend(descriptors(run).map(|counts| Block::Figure(values_by_descriptor(&counts))));
    section.figure(crate::figures::run::pca_by_emotion(run))?;
    section.figure(crate::figures::run::pca_by_speaker(run))?;
    Ok(section)
}

/// The settings of a feature set. Of a composed one, what is in each group; the recipe beside the run has the names.
pub(crate) fn feature_settings(caption: &str, features: &FeatureSet) -> Table {
    let FeatureSet::Own(set) = features else { return table_of(caption, features) };
    let mut table = Table::new(caption, ["key", "value"]);
    table.row(["set".to_owned(), features.name().to_owned()]);
    let groups = set.groups();
    if groups.len() > MOST_GROUPS {
        table.row(["groups".to_owned(), groups.len().to_string()]);
        return table;
    }
    for (number, group) in (1..).zip(groups) {
        let told = format!(
            "{} of {}, {}, over {} frames",
            count(group.descriptors().len(), "descriptor"),
            group.of().name(),
            count(group.functionals().len(), "functional"),
            group.frames().name()
        );
        table.row([format!("group {number}"), told]);
    }
    table
}

/// The numbers of values as bars.
pub(crate) fn values_by_descriptor(counts: &[(String, usize)]) -> Figure {
    let values = counts.iter().map(|(_, count)| count).sum();
    counted("Values by descriptor", &format!("{} together.", count(values, "value")), "values", "values", counts)
}

/// What learnt.
pub(crate) fn model(run: &SavedRun) -> Result<Section, ReportError> {
    let recipe = &run.recipe;
    let mut section = Section::new("Model");
    section.text(format!("{}.", capital(recipe.model.title())));
    section.blocks.push(Block::Table(table_of("Settings of the model", &recipe.model)));
    let parts = parts(run)?;
    if parts.iter().any(|part| part.network.is_some()) {
        let title = format!("The network of {}", recipe.name);
        section.blocks.push(Block::Figure(network(&title, recipe.model.kind(), &parts)));
    }
    section.figure(crate::figures::run::loss(run))?;
    section.figure(crate::figures::run::accuracy(run))?;
    Ok(section)
}

/// What the model is made of, where that can be told: from the model's file, or from the recipe.
pub(crate) fn parts(run: &SavedRun) -> Result<Vec<PartSummary>, ReportError> {
    if let Some(model) = run.model()? {
        return Ok(model.classifier.summary().parts);
    }
    let outline = |shape| run.recipe.model.outline(shape, run.classes.len()).ok();
    Ok(shape(run).and_then(outline).unwrap_or_default())
}

/// The shape of what the model learns from, where that can be told.
fn shape(run: &SavedRun) -> Option<Shape> {
    run.recipe.features.shape(rate(run)).ok()
}

/// The rate that features are computed at. Where neither the recipe nor a model tells it, a usual one: the number of averaged descriptors does
/// not depend on it.
fn rate(run: &SavedRun) -> u32 {
    let of_model = || Some(run.model().ok()??.front_end.sample_rate);
    run.recipe.audio.sample_rate.or_else(of_model).unwrap_or(16_000)
}

/// How many values each descriptor has, in their order; `None` for pictures and waveforms, of which every value is of one kind.
pub(crate) fn descriptors(run: &SavedRun) -> Option<Vec<(String, usize)>> {
    let features = &run.recipe.features;
    if !matches!(shape(run)?, Shape::Vector(_)) {
        return None;
    }
    let mut counts: Vec<(String, usize)> = Vec::new();
    for column in features.columns(rate(run)).ok()? {
        let descriptor = column.split('_').next().unwrap_or_default();
        match counts.iter_mut().find(|(name, _)| name == descriptor) {
            Some((_, count)) => *count += 1,
            None => counts.push((descriptor.to_owned(), 1)),
        }
    }
    Some(counts)
}

/// What a recording, or a piece of one, becomes for the model.
pub(crate) fn values(run: &SavedRun) -> String {
    let set = run.recipe.features.name();
    match shape(run) {
        Some(Shape::Vector(values)) => {
            format!("The feature set {set} makes {} of a recording.", count(values, "value"))
        }
        Some(Shape::Picture { frames, bands: 1 }) => {
            format!("The feature set {set} takes {} as they are.", count(frames, "sample"))
        }
        Some(Shape::Picture { frames, bands }) => {
            format!("The feature set {set} makes a picture of {frames} frames by {bands} bands.")
        }
        None => format!("The feature set {set}."),
    }
}

/// What the two sides of a split share, in a sentence that the list of leaks may follow.
pub(crate) fn audit(run: &SavedRun) -> &'static str {
    if run.summary.leaks.is_empty() {
        "Nothing that the audit knows of is shared between the two sides of a split."
    } else {
        "The audit found that the two sides of a split share something, so the figures are better than for new voices:"
    }
}

/// How it was judged, and what to beware of.
pub(crate) fn protocol(run: &SavedRun) -> Result<Section, ReportError> {
    let summary = &run.summary;
    let mut section = Section::new("Protocol");
    section.text(format!(
        "Judged by {}: {} over {}. {}",
        summary.protocol,
        count(summary.recordings, "answer"),
        count(summary.folds.len(), "fold"),
        fitted(run)
    ));
    section.text(audit(run));
    if !summary.leaks.is_empty() {
        section.blocks.push(Block::List(summary.leaks.clone()));
    }
    if !summary.warnings.is_empty() {
        section.blocks.push(Block::List(summary.warnings.clone()));
    }
    let mut table = Table::new("The folds", ["fold", "trained on", "judged", "UAR", "WAR", "macro-F1"]);
    for fold in &summary.folds {
        table.row([
            fold.name.clone(),
            fold.trained_on.to_string(),
            fold.recordings.to_string(),
            percent(fold.uar),
            percent(fold.war),
            percent(fold.macro_f1),
        ]);
    }
    section.blocks.push(Block::Table(table));
    section.figure(crate::figures::run::folds(run))?;
    Ok(section)
}

/// What it cost.
pub(crate) fn cost(run: &SavedRun) -> Section {
    let mut section = Section::new("Cost");
    let Some(timing) = &run.timing else {
        section.text("How long it took was not kept.");
        return section;
    };
    let threads = count(timing.threads, "thread");
    let mut told =
        vec![format!("With {threads}, hearing the corpus and computing features took {}", duration(timing.preparing))];
    told.extend(timing.evaluating.map(|seconds| format!("judging {}", duration(seconds))));
    told.extend(timing.training.map(|seconds| format!("training the final model {}", duration(seconds))));
    let seconds: f64 = run.manifest.recordings.iter().filter_map(|it| it.seconds).sum();
    let mut text = format!("{}.", list(&told));
    if seconds > 0.0 && timing.preparing > 0.0 {
        text =
            format!("{text} That is {:.0} times faster than listening, for the features.", seconds / timing.preparing);
    }
    if timing.before_interruption > 0.0 {
        text = format!("{text} An interrupted attempt before took {}.", duration(timing.before_interruption));
    }
    section.text(text);
    section
}

/// How to get the same numbers again.
pub(crate) fn repetition(run: &SavedRun) -> Section {
    let mut section = Section::new("How to repeat it");
    let receipt = &run.receipt;
    let (with, command) = match run.summary.ready_model {
        Some(_) => ("the model's file", format!("stimmung evaluate --model model.stimmung --corpus {}", corpus(run))),
        None => ("this recipe as recipe.toml", "stimmung run recipe.toml".to_owned()),
    };
    section.text(format!(
        "With version {} of Stimmung, the corpus, and {with}; the same data and settings give the same numbers, to the last bit on the same \
         processor.",
        receipt.stimmung
    ));
    section.blocks.push(Block::Code(command));
    if let (None, Ok(recipe)) = (&run.summary.ready_model, run.recipe.to_toml()) {
        section.blocks.push(Block::Code(recipe));
    }
    let mut table = Table::new("Receipt (SHA-256)", ["what", "hash"]);
    let model = receipt.model.clone().unwrap_or_else(|| "no final model was trained".to_owned());
    let rows = [
        ("data", &receipt.data),
        ("split", &receipt.split),
        ("features", &receipt.features),
        ("configuration", &receipt.configuration),
        ("model", &model),
    ];
    for (what, hash) in rows {
        table.row([what.to_owned(), hash.clone()]);
    }
    section.blocks.push(Block::Table(table));
    section
}

/// The corpus as a command line takes it.
fn corpus(run: &SavedRun) -> &str {
    run.recipe.corpus.name.as_deref().unwrap_or("FOLDER")
}

/// A struct's fields as a table, those of structs inside it under their path.
pub(crate) fn table_of(caption: &str, value: &impl Serialize) -> Table {
    let mut table = Table::new(caption, ["key", "value"]);
    let value = serde_json::to_value(value).unwrap_or_default();
    rows_of(&mut table, "", &value);
    table
}

fn rows_of(table: &mut Table, path: &str, value: &Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                rows_of(table, &path, value);
            }
        }
        Value::Null => {}
        value => table.row([path.to_owned(), word(value)]),
    }
}

/// An effect and its strengths: `noise (factor 0.05)`.
fn settings(value: &impl Serialize) -> String {
    let Value::Object(mut fields) = serde_json::to_value(value).unwrap_or_default() else { return String::new() };
    let effect = fields.remove("effect").map_or_else(String::new, |it| word(&it));
    let strengths: Vec<String> = fields.iter().map(|(key, value)| format!("{key} {}", strength(value))).collect();
    format!("{effect} ({})", strengths.join(", "))
}

/// A number, one between two, or one of several.
fn strength(value: &Value) -> String {
    let joined = |items: &[Value], between: &str| items.iter().map(word).collect::<Vec<_>>().join(between);
    match (value, value.get("any")) {
        (_, Some(Value::Array(items))) => joined(items, " or "),
        (Value::Array(items), _) => joined(items, " to "),
        _ => word(value),
    }
}

/// A value as people write it.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(|item| !item.is_object()) => {
            items.iter().map(word).collect::<Vec<_>>().join(", ")
        }
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn effects_say_what_their_strength_is_drawn_from() {
        assert_eq!(settings(&json!({"effect": "noise", "factor": 0.05})), "noise (factor 0.05)");
        assert_eq!(settings(&json!({"effect": "shift", "seconds": [0.0, 0.2]})), "shift (seconds 0.0 to 0.2)");
        assert_eq!(
            settings(&json!({"effect": "stretch", "rate": {"any": [0.81, 1.23]}})),
            "stretch (rate 0.81 or 1.23)"
        );
    }

    #[test]
    fn several_values_of_a_setting_are_a_list() {
        assert_eq!(table_of("", &json!({"hidden": [256, 128]})).rows, [["hidden", "256, 128"]]);
    }
}
