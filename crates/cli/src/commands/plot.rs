//! `plot`: figures of a corpus, a recording, or finished runs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::json;
use stimmung::audio::{Waveform, decode_path};
use stimmung::corpus::Manifest;
use stimmung::{Progress, SavedRun, advance_to, write_whole};
use stimmung_report::{Figure, Kind, ReportError, Subject};

use super::{WrongUsage, corpus};
use crate::args::Plot;
use crate::console::{Console, bold, green};
use crate::progress::Bar;

/// The word for every kind that a subject has.
const ALL: &str = "all";

pub fn run(arguments: &Plot, console: &Console) -> anyhow::Result<()> {
    let Some(name) = &arguments.kind else {
        return list(console);
    };
    if name == ALL {
        return draw_all(arguments, console);
    }
    let kind: Kind = name.parse().map_err(|error: ReportError| WrongUsage(error.to_string()))?;
    let usual = if arguments.png { "png" } else { "svg" };
    let out = arguments.out.clone().unwrap_or_else(|| PathBuf::from(format!("{name}.{usual}")));
    let format = Format::of(&out)?;
    if arguments.png && format != Format::Png {
        return Err(
            WrongUsage(format!("--png is not what the name {} says; leave out one of the two", out.display())).into()
        );
    }
    refuse_overwriting(&out, arguments.force)?;
    let figure = Drawn::open(kind.subject(), arguments)?.figure(kind)?;
    write(&figure, &out, format, arguments.scale)?;
    if console.json() {
        return console
            .object(&json!({ "kind": name, "subjects": arguments.subjects, "out": out, "title": figure.title }));
    }
    Ok(console.print(format!("{}; saved {}\n", figure.title, green(out.display())))?)
}

fn list(console: &Console) -> anyhow::Result<()> {
    if console.json() {
        return Kind::all().iter().try_for_each(|kind| {
            console.object(&json!({ "kind": kind.name(), "shows": kind.shows(), "subject": kind.subject().describe() }))
        });
    }
    let of = |subject: Subject| {
        let head = bold(format!("Of {}", subject.describe()));
        let kinds = Kind::all().iter().filter(move |kind| kind.subject() == subject);
        std::iter::once(format!("{head}\n"))
            .chain(kinds.map(|kind| format!("  {:<22} {}\n", kind.name(), kind.shows())))
    };
    Ok(console.print(Subject::ALL.into_iter().flat_map(of).collect::<String>())?)
}

/// Draws every kind that the subject has into a folder; what its data do not tell is left out and said.
fn draw_all(arguments: &Plot, console: &Console) -> anyhow::Result<()> {
    let subject = guess(arguments);
    let drawn = Drawn::open(subject, arguments)?;
    let folder = arguments.out.clone().unwrap_or_else(|| PathBuf::from("figures"));
    let (extension, format) = if arguments.png { ("png", Format::Png) } else { ("svg", Format::Svg) };
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let kinds: Vec<Kind> = Kind::all().iter().copied().filter(|kind| kind.subject() == subject).collect();
    let files: Vec<PathBuf> = kinds.iter().map(|kind| folder.join(kind.name()).with_extension(extension)).collect();
    files.iter().try_for_each(|file| refuse_overwriting(file, arguments.force))?;
    let mut written = 0;
    for (kind, file) in kinds.into_iter().zip(&files) {
        match drawn.figure(kind) {
            Ok(figure) => {
                write(&figure, file, format, arguments.scale)?;
                written += 1;
                if console.json() {
                    console.object(&json!({ "kind": kind.name(), "out": file, "title": figure.title }))?;
                }
            }
            Err(error @ ReportError::Missing { .. }) => console.note(format!("left out {}: {error}", kind.name())),
            Err(error) => return Err(error.into()),
        }
    }
    if console.json() {
        return Ok(());
    }
    Ok(console.print(format!("Drew {written} figures into {}\n", green(folder.display())))?)
}

/// What the subjects are: runs, a recording, or else a corpus.
fn guess(arguments: &Plot) -> Subject {
    let is_run = |path: &String| Path::new(path).join("metrics.json").is_file();
    match &arguments.subjects[..] {
        [one] if is_run(one) => Subject::Run,
        [one] if Path::new(one).is_file() && !one.to_lowercase().ends_with(".csv") => Subject::Recording,
        [_] => Subject::Corpus,
        _ => Subject::Runs,
    }
}

/// A subject, opened.
enum Drawn {
    Corpus(Manifest),
    Recording(String, Waveform),
    Runs(Vec<SavedRun>),
}

impl Drawn {
    fn open(subject: Subject, arguments: &Plot) -> anyhow::Result<Self> {
        let one = || match &arguments.subjects[..] {
            [one] => Ok(one),
            several => {
                let text = format!("this figure is drawn of {}, and {} are given", subject.describe(), several.len());
                Err(WrongUsage(text))
            }
        };
        match subject {
            Subject::Corpus => {
                let mut manifest = corpus::open(one()?, arguments.layout.as_deref(), &arguments.corpora)?;
                let bar = Bar::default();
                bar.begin("looking into files", manifest.recordings.len() as u64);
                manifest.probe(&mut advance_to(&bar));
                bar.end();
                Ok(Self::Corpus(manifest))
            }
            Subject::Recording => {
                let path = Path::new(one()?);
                let name =
                    path.file_name().map_or_else(|| path.display().to_string(), |it| it.to_string_lossy().into_owned());
                let sound = decode_path(path).with_context(|| path.display().to_string())?;
                Ok(Self::Recording(name, sound))
            }
            _ => {
                let open = |folder: &String| SavedRun::open(Path::new(folder));
                Ok(Self::Runs(arguments.subjects.iter().map(open).collect::<Result<_, _>>()?))
            }
        }
    }

    fn figure(&self, kind: Kind) -> Result<Figure, ReportError> {
        match self {
            Self::Corpus(manifest) => kind.of_corpus(manifest),
            Self::Recording(name, sound) => kind.of_recording(name, sound),
            Self::Runs(runs) => kind.of_runs(runs),
        }
    }
}

/// The formats of figures.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    Svg,
    Png,
}

impl Format {
    fn of(out: &Path) -> Result<Self, WrongUsage> {
        let extension = out.extension().map(|it| it.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("svg") => Ok(Self::Svg),
            Some("png") => Ok(Self::Png),
            _ => Err(WrongUsage(format!(
                "{}: figures are SVG or PNG; give a name that ends in .svg or .png",
                out.display()
            ))),
        }
    }
}

fn refuse_overwriting(out: &Path, force: bool) -> anyhow::Result<()> {
    if out.exists() && !force {
        bail!("{} exists; `--force` overwrites it, `--out PATH` gives another name", out.display());
    }
    Ok(())
}

fn write(figure: &Figure, out: &Path, format: Format, scale: f32) -> anyhow::Result<()> {
    match format {
        Format::Svg => write_whole(out, figure.svg.as_bytes())?,
        Format::Png => write_whole(out, &figure.to_png(scale)?)?,
    }
    Ok(())
}
