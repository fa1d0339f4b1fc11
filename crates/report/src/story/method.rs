//! How it was done: preparation, features, model, protocol, cost, repetition.

use serde::Serialize;
use serde_json::Value;
use stimmung::SavedRun;
use stimmung::recipe::When;
use stimmung_audio::Normalise;
use stimmung_models::{PartSummary, Scaling};

use super::words::{count, duration, list, percent};
use super::{Block, Section, Table};
use crate::ReportError;
use crate::network::network;

/// What happened to recordings before features saw them, and which copies were learnt from.
pub(super) fn preparation(run: &SavedRun) -> Section {
    let recipe = &run.recipe;
    let mut section = Section::new("Preparation and augmentation");
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
    section.text(steps.join(" "));
    let copies = &recipe.augmentation.copies;
    if copies.is_empty() {
        section.text("No changed copies are learnt from.");
        return section;
    }
    section.text(match recipe.augmentation.when {
        When::AfterSplit => format!(
            "From each recording of the training part, and of no other, {} made and learnt from as well:",
            if copies.len() == 1 {
                "one changed copy is".to_owned()
            } else {
                format!("{} changed copies are", copies.len())
            }
        ),
        When::BeforeSplit => {
            "Changed copies are made of every recording before the split, so that copies of one recording lie on both \
             sides of it: the figures measure in part how well recordings are remembered."
                .to_owned()
        }
    });
    let effects = copies.iter().map(|effects| list(&effects.iter().map(settings).collect::<Vec<_>>()));
    section.blocks.push(Block::List(effects.collect()));
    section
}

/// What was computed from a recording.
pub(super) fn features(run: &SavedRun) -> Section {
    let recipe = &run.recipe;
    let mut section = Section::new("Features");
    let scaling = match recipe.scaling {
        Scaling::Standard => "Each column is brought to mean 0 and standard deviation 1 over the training part.",
        Scaling::Overall => {
            "All values together are brought to mean 0 and standard deviation 1 over the training part."
        }
        Scaling::None => "They are not scaled.",
    };
    section.text(format!("The feature set `{}`. {scaling}", recipe.features.name()));
    section.blocks.push(Block::Table(table_of("Settings of the features", &recipe.features)));
    section
}

/// What learnt.
pub(super) fn model(run: &SavedRun) -> Result<Section, ReportError> {
    let recipe = &run.recipe;
    let mut section = Section::new("Model");
    section.text(format!("A model of kind `{}`.", recipe.model.kind()));
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

/// What the model is made of, where that can be told: from the model's file, or where the recipe states the rate that features are computed at.
fn parts(run: &SavedRun) -> Result<Vec<PartSummary>, ReportError> {
    if let Some(model) = run.model()? {
        return Ok(model.classifier.summary().parts);
    }
    let recipe = &run.recipe;
    let outline = |rate| recipe.model.outline(recipe.features.shape(rate).ok()?, run.classes.len()).ok();
    Ok(recipe.audio.sample_rate.and_then(outline).unwrap_or_default())
}

/// How it was judged, and what to beware of.
pub(super) fn protocol(run: &SavedRun) -> Section {
    let summary = &run.summary;
    let mut section = Section::new("Protocol");
    section.text(format!(
        "Judged by {}: {} over {}. Everything that is fitted, from the scaling of features to the model, is fitted to the training part of \
         a fold alone.",
        summary.protocol,
        count(summary.recordings, "answer"),
        count(summary.folds.len(), "fold")
    ));
    if summary.leaks.is_empty() {
        section.text("Nothing that the audit knows of is shared between the two sides of a split.");
    } else {
        section.text("The audit found that the two sides of a split share something, so the figures are better than for new voices:");
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
    section
}

/// What it cost.
pub(super) fn cost(run: &SavedRun) -> Section {
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
pub(super) fn repetition(run: &SavedRun) -> Section {
    let mut section = Section::new("How to repeat it");
    let receipt = &run.receipt;
    section.text(format!(
        "With version {} of Stimmung, the corpus, and this recipe as `recipe.toml`; the same data and settings give the same numbers, to \
         the last bit on the same processor.",
        receipt.stimmung
    ));
    section.blocks.push(Block::Code("stimmung run recipe.toml".to_owned()));
    if let Ok(recipe) = run.recipe.to_toml() {
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

/// A struct's fields as a table, those of structs inside it under their path.
fn table_of(caption: &str, value: &impl Serialize) -> Table {
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
    let strengths: Vec<String> = fields.iter().map(|(key, value)| format!("{key} {}", word(value))).collect();
    format!("{effect} ({})", strengths.join(", "))
}

/// A value as people write it.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(|item| !item.is_object()) => {
            items.iter().map(word).collect::<Vec<_>>().join(" to ")
        }
        value => value.to_string(),
    }
}
