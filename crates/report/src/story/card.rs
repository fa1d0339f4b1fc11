//! The model card of a run, in the form that the Hugging Face hub reads: metadata in YAML, then Markdown (M. Mitchell et al., Model Cards
//! for Model Reporting, 2019, doi:10.1145/3287560.3287596).

use std::collections::BTreeSet;
use std::fmt::Write;

use stimmung::SavedRun;
use stimmung_corpus::Layout;

use super::results::Results;
use super::words::{capital, count, list};
use super::{Block, Report, Section, data, method};
use crate::ReportError;

/// The model card of a run: metadata that the Hugging Face hub reads (`model-index` with the headline figures and their protocol), and what a
/// user should know before relying on the model, in the hub's sections.
///
/// # Errors
/// [`ReportError::Evaluation`] for a run whose answers cannot be counted, [`ReportError::Run`] for a model file that cannot be read.
pub fn model_card(run: &SavedRun) -> Result<String, ReportError> {
    let results = Results::of(run)?;
    let card = Report {
        title: run.summary.name.clone(),
        summary: results.summary(),
        sections: vec![
            details(run)?,
            uses(run)?,
            bias(&results),
            start(run),
            renamed(
                data::corpus(run)?,
                if run.summary.ready_model.is_some() { "Evaluation data" } else { "Training data" },
            ),
            procedure(run)?,
            renamed(results.figures()?, "Evaluation"),
            renamed(method::cost(run), "Environmental impact"),
            renamed(method::repetition(run), "Technical specifications"),
        ],
    };
    Ok(format!("{}\n{}", front_matter(run), card.to_markdown(|_| None)))
}

/// Strings of JSON are strings of YAML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn front_matter(run: &SavedRun) -> String {
    let summary = &run.summary;
    let mut text = "---\nlibrary_name: stimmung\npipeline_tag: audio-classification\n".to_owned();
    // Writing to memory cannot fail.
    let languages: BTreeSet<&str> = run.manifest.recordings.iter().filter_map(|it| it.language.as_deref()).collect();
    if !languages.is_empty() {
        text.push_str("language:\n");
        for language in languages {
            let _ = writeln!(text, "- {}", quoted(language));
        }
    }
    text.push_str("tags:\n- speech-emotion-recognition\n- audio\n");
    let _ = writeln!(text, "datasets:\n- {}", quoted(&summary.corpus));
    text.push_str("metrics:\n- recall\n- accuracy\n- f1\n");
    let _ = writeln!(text, "model-index:\n- name: {}\n  results:", quoted(&summary.name));
    text.push_str("  - task:\n      type: audio-classification\n      name: Speech emotion recognition\n");
    let title = Layout::by_name(&summary.corpus).map_or(summary.corpus.as_str(), Layout::title);
    let _ = writeln!(text, "    dataset:\n      type: {}\n      name: {}", quoted(&summary.corpus), quoted(title));
    text.push_str("    metrics:\n");
    let shared = if summary.leaks.is_empty() { "" } else { "; the split leaks" };
    let figures = [
        ("recall", "UAR (macro recall)", summary.uar),
        ("accuracy", "WAR (accuracy)", summary.war),
        ("f1", "macro-F1", summary.macro_f1),
    ];
    for (kind, name, value) in figures {
        let name = quoted(&format!("{name}, {}{shared}", summary.protocol));
        let _ = writeln!(text, "    - type: {kind}\n      value: {value:.4}\n      name: {name}");
    }
    text + "---\n"
}

fn renamed(section: Section, heading: &'static str) -> Section {
    Section { heading, ..section }
}

fn details(run: &SavedRun) -> Result<Section, ReportError> {
    let mut section = Section::new("Model details");
    section.text(run.recipe.description.clone());
    let model = run.model()?;
    let mut facts = vec![
        format!("Answers with one of {}: {}.", count(run.classes.len(), "emotion"), list(&run.classes)),
        method::values(run),
        format!("{}, made with Stimmung {}.", capital(run.recipe.model.title()), run.receipt.stimmung),
    ];
    match &run.receipt.model {
        Some(hash) => facts.push(format!("The file model.stimmung has the SHA-256 {hash}.")),
        None => facts.push("No final model was trained in this run; the figures are of its recipe.".to_owned()),
    }
    facts.extend(model.map(|it| it.card.notes).filter(|notes| !notes.is_empty()));
    section.blocks.push(Block::List(facts));
    Ok(section)
}

fn uses(run: &SavedRun) -> Result<Section, ReportError> {
    let mut section = Section::new("Uses");
    let card = run.model()?.map(|it| it.card).unwrap_or_default();
    section.text(format!("Meant for: {}", card.intended_use));
    section.text(format!("Not for: {}", card.not_for));
    Ok(section)
}

fn bias(results: &Results<'_>) -> Section {
    let mut section = Section::new("Bias, risks and limitations");
    section.blocks.push(Block::List(results.limits()));
    section.text(results.confusions());
    section
}

fn start(run: &SavedRun) -> Section {
    let mut section = Section::new("How to get started");
    section.blocks.push(Block::Code(if run.receipt.model.is_some() {
        "stimmung predict --model model.stimmung voice.wav".to_owned()
    } else {
        "stimmung train recipe.toml --out model.stimmung\nstimmung predict --model model.stimmung voice.wav".to_owned()
    }));
    section
}

/// Preparation, features and model under one heading, as the hub's form has it.
fn procedure(run: &SavedRun) -> Result<Section, ReportError> {
    let mut section = Section::new("Training procedure");
    for part in [method::preparation(run), method::features(run)?, method::model(run)?, method::protocol(run)?] {
        section.blocks.extend(part.blocks);
    }
    Ok(section)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::run::tests::RUN;

    #[test]
    fn the_metadata_tell_the_figures_and_their_protocol() {
        let mut run = RUN.clone();
        run.summary.name = "a \"name\": with\nmarks".into();
        let card = model_card(&run).unwrap();
        let (_, rest) = card.split_once("---\n").unwrap();
        let (metadata, text) = rest.split_once("---\n").unwrap();
        assert!(metadata.contains("- name: \"a \\\"name\\\": with\\nmarks\""), "{metadata}");
        for (kind, value) in [("recall", run.summary.uar), ("accuracy", run.summary.war), ("f1", run.summary.macro_f1)]
        {
            let lines = format!("    - type: {kind}\n      value: {value:.4}\n      name: ");
            assert!(metadata.contains(&lines), "{lines}: {metadata}");
        }
        assert!(metadata.contains(&run.summary.protocol) && !metadata.contains("leaks"));
        for heading in [
            "Model details",
            "Uses",
            "Bias, risks and limitations",
            "How to get started",
            "Training data",
            "Evaluation",
        ] {
            assert!(text.contains(&format!("\n## {heading}\n")), "{heading}");
        }
    }

    #[test]
    fn a_split_that_leaks_is_told_beside_the_figure() {
        let mut run = RUN.clone();
        run.summary.leaks = vec!["a speaker is on both sides".into()];
        assert!(model_card(&run).unwrap().contains("the split leaks"));
    }
}
