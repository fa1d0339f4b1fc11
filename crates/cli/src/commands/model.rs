//! `model`: what is inside a model file.

use std::fmt::Write;
use std::path::Path;

use serde_json::json;
use stimmung::Recognizer;
use stimmung::models::ModelFile;

use crate::args::Model;
use crate::console::{Console, bold};

pub fn run(command: &Model, console: &Console) -> anyhow::Result<()> {
    let Model::Info { file } = command;
    let recognizer = match file {
        Some(path) => Recognizer::open(path)?,
        None => Recognizer::embedded()?,
    };
    let model = recognizer.model();
    if console.json() {
        return console.object(&json!({
            "file": file,
            "id": model.id(),
            "card": model.card,
            "front_end": model.front_end,
            "model": model.classifier.summary(),
        }));
    }
    Ok(console.print(render(file.as_deref(), model)?)?)
}

fn render(file: Option<&Path>, model: &ModelFile) -> anyhow::Result<String> {
    let card = &model.card;
    let mut text = String::new();
    let place = file.map_or_else(|| "embedded in this program".to_owned(), |file| file.display().to_string());
    writeln!(text, "{} ({place})\n{}\n", bold(&card.name), card.description)?;
    let mut line = |name: &str, value: &str| {
        if value.is_empty() { Ok(()) } else { writeln!(text, "{}  {value}", bold(format!("{name:10}"))) }
    };
    line("id", &model.id())?;
    let features = &model.front_end.features;
    line(
        "hears",
        &format!("{} Hz, {} ({} values)", model.front_end.sample_rate, features.name(), model.classifier.columns()),
    )?;
    let data = &card.data;
    line(
        "data",
        &format!(
            "{}: {} recordings, {} speakers, {} left out",
            data.corpus, data.recordings, data.speakers, data.dropped
        ),
    )?;
    line("language", &data.language)?;
    line("licence", &data.license)?;
    line("source", &data.source)?;
    line("for", &card.intended_use)?;
    line("not for", &card.not_for)?;
    line("notes", &card.notes)?;
    writeln!(text)?;
    for score in &card.scores {
        let interval = score.interval.map_or_else(String::new, |[low, high]| format!(" [{low:.3}, {high:.3}]"));
        writeln!(text, "{:44} {:.3}{interval}  {}", score.metric, score.value, score.protocol)?;
    }
    if !card.is_evaluated() {
        writeln!(text, "Not evaluated.")?;
    }
    writeln!(text, "\n{}", model.classifier.summary())?;
    Ok(text)
}
