//! `corpus`: what a folder of recordings holds.

use std::fmt::{Display, Write};
use std::path::{Path, PathBuf};

use serde_json::json;
use stimmung::corpus::{Description, Manifest, layouts, synth};
use stimmung::{Progress, advance_to, find_corpus};

use crate::args::{Corpora, Corpus, Describe, is_path};
use crate::commands::fetch;
use crate::console::{Console, bold, green};
use crate::progress::Bar;

pub fn run(command: &Corpus, console: &Console) -> anyhow::Result<()> {
    match command {
        Corpus::Describe(arguments) => describe(arguments, console),
        Corpus::Manifest { corpus, layout, out, corpora } => {
            let manifest = open(corpus, layout.as_deref(), corpora)?;
            write_manifest(&manifest, out.as_deref(), console)
        }
        Corpus::Layouts => list_layouts(console),
        Corpus::Fetch(arguments) => fetch::run(arguments, console),
        Corpus::Synth { dir, speakers, takes, seed } => {
            let mut params = synth::SynthParams::default();
            params.speakers = speakers.unwrap_or(params.speakers);
            params.takes = takes.unwrap_or(params.takes);
            params.seed = seed.unwrap_or(params.seed);
            synthesize(dir, &params, console)
        }
    }
}

/// Opens a corpus by path or, where there is no such path, by name.
pub fn open(corpus: &str, layout: Option<&str>, corpora: &Corpora) -> anyhow::Result<Manifest> {
    let path = if is_path(corpus) { PathBuf::from(corpus) } else { find_corpus(corpus, &corpora.folders())? };
    Ok(Manifest::open(&path, layout)?)
}

/// Makes the synthetic corpus with a bar.
pub fn make_voices(dir: &Path, params: &synth::SynthParams) -> anyhow::Result<Manifest> {
    let bar = Bar::default();
    bar.begin("synthesising voices", params.len() as u64);
    let manifest = synth::synthesize(dir, params, &mut advance_to(&bar));
    bar.end();
    Ok(manifest?)
}

fn synthesize(dir: &Path, params: &synth::SynthParams, console: &Console) -> anyhow::Result<()> {
    let manifest = make_voices(dir, params)?;
    if console.json() {
        return console.object(&json!({
            "corpus": dir,
            "synthetic": true,
            "recordings": manifest.recordings.len(),
            "speakers": manifest.speakers().len(),
            "emotions": manifest.emotions().keys().collect::<Vec<_>>(),
        }));
    }
    Ok(console.print(format!(
        "Synthesised {} recordings of {} artificial speakers into {}.\nThey are not human: use them to try things, not to measure them.\n",
        manifest.recordings.len(),
        manifest.speakers().len(),
        green(dir.display())
    ))?)
}

fn write_manifest(manifest: &Manifest, out: Option<&Path>, console: &Console) -> anyhow::Result<()> {
    for dropped in &manifest.dropped {
        console.warning(format!("left out {}: {}", dropped.file.display(), dropped.reason));
    }
    let Some(out) = out else {
        let mut text = Vec::new();
        manifest.to_csv_writer(&mut text)?;
        return Ok(console.print(String::from_utf8_lossy(&text))?);
    };
    manifest.write_csv(out)?;
    if console.json() {
        let object = json!({"manifest": out, "recordings": manifest.recordings.len(), "dropped": manifest.dropped});
        return console.object(&object);
    }
    console.note(format!("{}: {} recordings", out.display(), manifest.recordings.len()));
    Ok(())
}

fn list_layouts(console: &Console) -> anyhow::Result<()> {
    for layout in layouts() {
        if console.json() {
            console.object(&json!({
                "name": layout.name(),
                "title": layout.title(),
                "example": layout.example(),
                "terms": layout.terms(),
                "url": layout.url(),
            }))?;
        } else {
            console.print(format!(
                "{:10} {}\n{:10} {}\n",
                bold(format!("{:10}", layout.name())),
                layout.title(),
                "",
                layout.example()
            ))?;
        }
    }
    Ok(())
}

fn describe(arguments: &Describe, console: &Console) -> anyhow::Result<()> {
    let mut manifest = open(&arguments.corpus, arguments.layout.as_deref(), &arguments.corpora)?;
    let bar = Bar::default();
    bar.begin("probing files", manifest.recordings.len() as u64);
    manifest.probe(&mut advance_to(&bar));
    bar.end();
    let description = manifest.describe();
    if console.json() {
        return console.object(&description);
    }
    Ok(console.print(render(&description, &manifest.root))?)
}

fn render(corpus: &Description, root: &Path) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &dyn Display| {
        let _ = writeln!(text, "{}  {value}", bold(format!("{name:12}")));
    };
    line("corpus", &format_args!("{} ({})", corpus.name, root.display()));
    line("recordings", &format_args!("{} usable, {} left out", corpus.recordings, corpus.dropped.len()));
    if let Some(seconds) = &corpus.durations {
        line(
            "duration",
            &format_args!(
                "{:.1} min in all; mean {:.2} s, median {:.2} s, sd {:.2} s, from {:.2} s to {:.2} s",
                seconds.total / 60.0,
                seconds.mean,
                seconds.median,
                seconds.sd,
                seconds.min,
                seconds.max
            ),
        );
    }
    line("sample rate", &tally(corpus.sample_rates.iter().map(|(rate, n)| (format!("{rate} Hz"), n))));
    line("channels", &tally(corpus.channels.iter().map(|(channels, n)| (channels.to_string(), n))));
    line("emotions", &tally(corpus.emotions.iter().map(|(emotion, n)| (emotion.clone(), n))));
    if corpus.without_emotion > 0 {
        line("", &format_args!("{} recordings without an emotion", corpus.without_emotion));
    }
    line("texts", &format_args!("{} different", corpus.texts.len()));
    if !corpus.takes.is_empty() {
        line("takes", &tally(corpus.takes.iter().map(|(take, n)| (take.clone(), n))));
    }
    line("copies", &format_args!("{} sets of byte-identical files", corpus.copies.len()));
    line("repetitions", &format_args!("{} utterances with several takes", corpus.repetitions.len()));
    text.push('\n');
    text.push_str(&speakers(corpus));
    for copies in &corpus.copies {
        let _ = writeln!(text, "\nbyte for byte the same: {}", copies.join(", "));
    }
    if !corpus.dropped.is_empty() {
        let _ = writeln!(text, "\n{}", bold("left out"));
        for dropped in &corpus.dropped {
            let _ = writeln!(text, "  {}: {}", dropped.file.display(), dropped.reason);
        }
    }
    text
}

fn tally<'a>(counts: impl Iterator<Item = (String, &'a usize)>) -> String {
    let parts: Vec<String> = counts.map(|(name, count)| format!("{name} ({count})")).collect();
    if parts.is_empty() { "not known".to_owned() } else { parts.join(", ") }
}

/// The table speaker × emotion.
fn speakers(corpus: &Description) -> String {
    let emotions: Vec<&String> = corpus.emotions.keys().collect();
    let width = emotions.iter().map(|emotion| emotion.chars().count()).max().unwrap_or(0).max(5);
    let mut text = format!("{:12}  {:6}  {:>5}  {:>8}", "speaker", "sex", "age", "minutes");
    for emotion in &emotions {
        let _ = write!(text, "  {emotion:>width$}");
    }
    text = format!("{}\n", bold(text));
    for speaker in &corpus.speakers {
        let _ = write!(
            text,
            "{:12}  {:6}  {:>5}  {:>8.1}",
            speaker.speaker,
            speaker.sex.map_or("", stimmung::corpus::Sex::as_str),
            speaker.age.as_deref().unwrap_or(""),
            speaker.seconds / 60.0
        );
        for emotion in &emotions {
            let count = corpus.table.get(&speaker.speaker).and_then(|row| row.get(*emotion)).copied().unwrap_or(0);
            let _ = write!(text, "  {count:>width$}");
        }
        text.push('\n');
    }
    if corpus.without_speaker > 0 {
        let _ = writeln!(text, "{} recordings without a speaker", corpus.without_speaker);
    }
    text
}
