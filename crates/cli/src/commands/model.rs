//! `model`: what is inside a model file, in words and as a figure.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::bail;
use serde_json::json;
use stimmung::models::{ModelFile, PartSummary};
use stimmung::{Recipe, Recognizer, outline, write_whole};
use stimmung_report::network;

use crate::args::{Draw, Model};
use crate::commands::WrongUsage;
use crate::console::{Console, bold, green};

pub fn run(command: &Model, console: &Console) -> anyhow::Result<()> {
    match command {
        Model::Info { file } => info(file.as_deref(), console),
        Model::Draw(arguments) => draw(arguments, console),
    }
}

fn open(file: Option<&Path>) -> Result<Recognizer, stimmung::Error> {
    file.map_or_else(Recognizer::embedded, Recognizer::open)
}

fn info(file: Option<&Path>, console: &Console) -> anyhow::Result<()> {
    let recognizer = open(file)?;
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
    Ok(console.print(render(file, model)?)?)
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

/// What is drawn.
struct Subject {
    title: String,
    subtitle: String,
    /// The figure's name, unless the person gives one.
    name: String,
    kind: &'static str,
    parts: Vec<PartSummary>,
}

impl Subject {
    fn model(file: Option<&Path>) -> anyhow::Result<Self> {
        let recognizer = open(file)?;
        let ModelFile { front_end, classifier, card } = recognizer.model();
        let stem = file.and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
        let (features, classes) = (front_end.features.name(), classifier.classes().join(", "));
        Ok(Self {
            title: card.name.clone(),
            subtitle: format!("{} on {features}, {} Hz: {classes}", classifier.kind(), front_end.sample_rate),
            name: stem.unwrap_or_else(|| "embedded-model".to_owned()),
            kind: classifier.kind(),
            parts: classifier.summary().parts,
        })
    }

    fn recipe(recipe: &Recipe, corpora: &[PathBuf]) -> anyhow::Result<Self> {
        let (kind, features) = (recipe.model.kind(), recipe.features.name());
        Ok(Self {
            title: recipe.name.clone(),
            subtitle: format!("{kind} on {features}, before the training"),
            name: recipe.name.clone(),
            kind,
            parts: outline(recipe, corpora)?,
        })
    }
}

fn draw(arguments: &Draw, console: &Console) -> anyhow::Result<()> {
    let subject = match &arguments.recipe {
        Some(path) => Subject::recipe(&Recipe::load(path, &arguments.with)?, &arguments.corpora.folders())?,
        None => Subject::model(arguments.file.as_deref())?,
    };
    let Subject { title, subtitle, name, kind, parts } = subject;
    if parts.iter().all(|part| part.network.is_none()) {
        bail!(
            "a model of kind `{kind}` has no network to draw; `stimmung model info` describes it, and a recipe with \
             `kind = \"network\"`, `dense` or `issa-model-a` trains one"
        );
    }
    let out = arguments.out.clone().unwrap_or_else(|| PathBuf::from(format!("{name}.svg")));
    if out.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("svg")) {
        let text = format!("{}: figures are SVG; give a name that ends in .svg", out.display());
        return Err(WrongUsage(text).into());
    }
    if out.exists() && !arguments.force {
        bail!("{} exists; `--force` overwrites it, `--out FILE` gives another name", out.display());
    }
    write_whole(&out, network(&title, &subtitle, &parts).svg.as_bytes())?;
    if console.json() {
        return console.object(&json!({
            "file": arguments.file,
            "recipe": arguments.recipe,
            "out": out,
            "kind": kind,
            "parts": parts,
        }));
    }
    let layers: usize = parts.iter().filter_map(|part| part.network.as_ref()).map(|network| network.layers.len()).sum();
    Ok(console.print(format!("Drew {layers} layers; saved {}\n", green(out.display())))?)
}
