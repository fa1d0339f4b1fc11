//! `timeline`: emotions over time, as a table or in the formats of other programs.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Serialize;
use serde_json::json;
use stimmung::audio::Stream;
use stimmung::timeline::{Timeline, TimelineParams};
use stimmung::{Error, Progress, Recognizer, RecordingError, write_whole};

use crate::args::{self, TimelineFormat};
use crate::commands::{SomeFailed, WrongUsage, recognizer, recordings, standard_input};
use crate::console::{Console, bold, chain, dim, green};
use crate::progress::Bar;

/// Seconds from which a recording has a progress bar. A shorter one is over before anybody could read it.
const LONG: u64 = 120;

pub fn run(arguments: &args::Timeline, console: &Console) -> anyhow::Result<()> {
    let params = arguments.params();
    params.check().map_err(|error| WrongUsage(error.to_string()))?;
    let recognizer = recognizer(&arguments.listener, console)?;
    let (files, mut failures) = recordings(&arguments.inputs, console);
    let (format, targets) = plan(arguments, &files, console)?;
    for (index, file) in files.iter().enumerate() {
        let name = file.to_string_lossy();
        let target = targets.as_ref().map(|targets| targets[index].as_path());
        let result =
            listen(&recognizer, file, &params).and_then(|timeline| deliver(&timeline, &name, format, target, console));
        match result {
            Ok(()) => {}
            Err(error) if matches!(error.downcast_ref(), Some(Error::Cancelled)) => return Err(error),
            // Nobody reads on.
            Err(error) if error.is::<std::io::Error>() => return Err(error),
            Err(error) => {
                failures += 1;
                console.failure(&chain(&error), Some(&name));
            }
        }
    }
    if failures == 0 { Ok(()) } else { Err(SomeFailed.into()) }
}

/// The format, and a file to write for each recording; none for standard output. Everything is checked before the work begins.
fn plan(
    arguments: &args::Timeline,
    files: &[PathBuf],
    console: &Console,
) -> anyhow::Result<(TimelineFormat, Option<Vec<PathBuf>>)> {
    let many = arguments.inputs.len() > 1 || files.len() > 1;
    let Some(out) = &arguments.out else {
        let format =
            arguments.format.unwrap_or(if console.json() { TimelineFormat::Json } else { TimelineFormat::Text });
        let apart = matches!(
            format,
            TimelineFormat::Csv | TimelineFormat::Vtt | TimelineFormat::Textgrid | TimelineFormat::Elan
        );
        if many && apart && !console.json() {
            let text = "this format holds one recording a file; give a folder for them with --out DIR";
            return Err(WrongUsage(text.into()).into());
        }
        return Ok((format, None));
    };
    let folder = many || out.is_dir() || out.to_string_lossy().ends_with(['/', std::path::MAIN_SEPARATOR]);
    if !folder {
        let Some(format) = arguments.format.or_else(|| TimelineFormat::of_path(out)) else {
            let text = format!("the name {} does not tell the format; choose one with --format", out.display());
            return Err(WrongUsage(text).into());
        };
        let targets = vec![out.clone(); files.len()];
        check_free(files, &targets, arguments.force)?;
        return Ok((format, Some(targets)));
    }
    if out.is_file() {
        let text = format!("{} is a file; several recordings need a folder", out.display());
        return Err(WrongUsage(text).into());
    }
    let format = arguments.format.unwrap_or(TimelineFormat::Json);
    let name = |file: &PathBuf| {
        let stem = file.file_stem().filter(|_| file.as_os_str() != "-").unwrap_or("stdin".as_ref());
        let mut name = stem.to_os_string();
        name.push(".");
        name.push(format.extension());
        out.join(name)
    };
    let targets: Vec<PathBuf> = files.iter().map(name).collect();
    check_free(files, &targets, arguments.force)?;
    std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    Ok((format, Some(targets)))
}

/// Nothing is written over: neither what is there, unless that is wanted, nor a recording, nor one timeline over another.
fn check_free(files: &[PathBuf], targets: &[PathBuf], force: bool) -> anyhow::Result<()> {
    let mut taken = BTreeMap::new();
    for (file, target) in files.iter().zip(targets) {
        if target.exists() {
            let there = target.canonicalize().ok();
            if there.is_some() && files.iter().any(|file| file.canonicalize().ok() == there) {
                bail!("{} is one of the recordings; nothing was written, name another file", target.display());
            }
            if !force {
                bail!("{} is there already; nothing was written, name another or add --force", target.display());
            }
        }
        if let Some(other) = taken.insert(target, file) {
            bail!(
                "the timelines of {} and {} would both be called {}; nothing was written",
                other.display(),
                file.display(),
                target.display()
            );
        }
    }
    Ok(())
}

fn listen(recognizer: &Recognizer, file: &Path, params: &TimelineParams) -> anyhow::Result<Timeline> {
    let stream = if file.as_os_str() == "-" { Stream::from_bytes(standard_input()?, None) } else { Stream::open(file) };
    Ok(recognizer.timeline_watched(
        stream.map_err(RecordingError::from).map_err(Error::from)?,
        params,
        &ForLong::default(),
    )?)
}

/// A bar that comes with long recordings only.
#[derive(Default)]
struct ForLong(Bar);

impl Progress for ForLong {
    fn begin(&self, stage: &str, steps: u64) {
        if steps >= LONG {
            self.0.begin(stage, steps);
        }
    }

    fn advance(&self, steps: u64) {
        self.0.advance(steps);
    }

    fn end(&self) {
        self.0.end();
    }

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

/// A timeline that says whose it is.
#[derive(Serialize)]
struct Named<'a> {
    file: &'a str,
    #[serde(flatten)]
    timeline: &'a Timeline,
}

fn deliver(
    timeline: &Timeline,
    file: &str,
    format: TimelineFormat,
    target: Option<&Path>,
    console: &Console,
) -> anyhow::Result<()> {
    let text = match format.format() {
        None => table(timeline, file),
        Some(format) => timeline.write(format, file),
    };
    let Some(target) = target else {
        return match format {
            TimelineFormat::Json => console.object(&Named { file, timeline }),
            _ if console.json() => console.object(&json!({ "file": file, "text": text })),
            _ => Ok(console.print(text)?),
        };
    };
    // Colours are for the screen.
    write_whole(target, anstream::adapter::strip_str(&text).to_string().as_bytes())?;
    if console.json() {
        let (seconds, segments) = (timeline.seconds, timeline.segments.len());
        return console.object(&json!({ "file": file, "out": target, "seconds": seconds, "segments": segments }));
    }
    Ok(console.print(format!("{file} -> {}\n", green(target.display())))?)
}

/// A line a segment: `0:01.5  0:04.0  anger  0.71 ██████████████`.
fn table(timeline: &Timeline, file: &str) -> String {
    let length = clock(timeline.seconds);
    if timeline.segments.is_empty() {
        return format!("{}  {length}, no speech was found\n", bold(file));
    }
    let speech: f64 = timeline.segments.iter().map(|segment| segment.end - segment.start).sum();
    let mut text = format!("{}  {length}, of which {} are speech\n", bold(file), clock(speech));
    let labels = timeline.segments.iter().map(|segment| segment.label.chars().count()).max().unwrap_or(0).max(10);
    let times = length.len().max(6);
    let header = format!("  {:>times$}  {:>times$}  {:labels$}  confidence", "start", "end", "emotion");
    let _ = writeln!(text, "{}", dim(header));
    for segment in &timeline.segments {
        let (start, end) = (clock(segment.start), clock(segment.end));
        let label = bold(format!("{:labels$}", segment.label));
        let blocks = "█".repeat((segment.confidence * 20.0).round() as usize);
        let _ = writeln!(text, "  {start:>times$}  {end:>times$}  {label}  {:.2} {blocks}", segment.confidence);
    }
    text
}

/// `1:02:03.5`, without the hours where there are none.
fn clock(seconds: f64) -> String {
    let tenths = (seconds * 10.0).round() as u64;
    let (hours, minutes, rest) = (tenths / 36_000, tenths / 600 % 60, tenths % 600);
    let rest = format!("{:02}.{}", rest / 10, rest % 10);
    if hours > 0 { format!("{hours}:{minutes:02}:{rest}") } else { format!("{minutes}:{rest}") }
}
