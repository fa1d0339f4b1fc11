//! `report`: what there is to tell of a run, or of several.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::json;
use stimmung::{SavedRun, write_whole};
use stimmung_report::{Document, Figure, Report};

use super::WrongUsage;
use crate::args;
use crate::console::{Console, green};

pub fn run(arguments: &args::Report, console: &Console) -> anyhow::Result<()> {
    let wanted = wanted(arguments)?;
    for (_, out) in &wanted {
        if out.exists() && !arguments.force {
            bail!("{} exists; `--force` overwrites it, or give another name", out.display());
        }
    }
    let runs = arguments.runs.iter().map(|folder| SavedRun::open(folder)).collect::<Result<Vec<_>, _>>()?;
    let report = match &runs[..] {
        [run] => Report::new(run)?,
        runs => Report::compare(runs)?,
    };
    for (form, out) in &wanted {
        form.write(&runs[0], &report, out)?;
    }
    let written: Vec<&PathBuf> = wanted.iter().map(|(_, out)| out).collect();
    if console.json() {
        let figures = report.figures().count();
        return console.object(&json!({
            "runs": arguments.runs, "written": written, "title": report.title, "summary": report.summary, "figures": figures,
        }));
    }
    console.print(format!("{}\n", report.summary))?;
    for out in written {
        console.print(format!("Saved {}\n", green(out.display())))?;
    }
    Ok(())
}

/// What can be written of runs.
#[derive(Clone, Copy)]
enum Form {
    /// Of one run.
    Document(Document),
    Html,
    Markdown,
    Json,
}

/// What is asked for, with its file.
fn wanted(arguments: &args::Report) -> Result<Vec<(Form, PathBuf)>, WrongUsage> {
    let of_one = [
        (Document::Slides, &arguments.slides),
        (Document::Notebook, &arguments.notebook),
        (Document::Card, &arguments.card),
    ];
    let mut wanted = Vec::new();
    for (document, out) in of_one {
        let Some(out) = out else { continue };
        if arguments.runs.len() > 1 {
            return Err(WrongUsage(format!("--{document} is of one run, and {} are given", arguments.runs.len())));
        }
        wanted.push((Form::Document(document), out.clone()));
    }
    if let Some(out) = &arguments.out {
        wanted.push((by_extension(out)?, out.clone()));
    } else if wanted.is_empty() {
        let out = match &arguments.runs[..] {
            [run] => run.join(Document::Report.file_name()),
            _ => PathBuf::from("comparison.html"),
        };
        wanted.push((Form::Html, out));
    }
    Ok(wanted)
}

fn by_extension(out: &Path) -> Result<Form, WrongUsage> {
    let extension = out.extension().map(|it| it.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("html" | "htm") => Ok(Form::Html),
        Some("md") => Ok(Form::Markdown),
        Some("json") => Ok(Form::Json),
        Some("pdf") => Err(WrongUsage(format!("{}: slides are asked for by --slides", out.display()))),
        Some("ipynb") => Err(WrongUsage(format!("{}: a notebook is asked for by --notebook", out.display()))),
        _ => Err(WrongUsage(format!("{}: give a name that ends in .html, .md or .json", out.display()))),
    }
}

impl Form {
    fn write(self, run: &SavedRun, report: &Report, out: &Path) -> anyhow::Result<()> {
        let bytes = match self {
            Self::Document(document) => document.make(run, &place(run, out))?,
            Self::Html => report.to_html()?.into_bytes(),
            Self::Markdown => return markdown(report, out),
            Self::Json => serde_json::to_vec_pretty(report)?,
        };
        Ok(write_whole(out, &bytes)?)
    }
}

/// Where a notebook finds the run: beside itself, or by the whole path.
fn place(run: &SavedRun, out: &Path) -> String {
    let folder = |path: &Path| fs::canonicalize(if path.as_os_str().is_empty() { Path::new(".") } else { path }).ok();
    let (of_run, of_notebook) = (folder(&run.folder), out.parent().and_then(folder));
    match (of_run, of_notebook) {
        (Some(run), Some(notebook)) => match run.strip_prefix(&notebook) {
            Ok(below) if below.as_os_str().is_empty() => ".".to_owned(),
            Ok(below) => below.to_string_lossy().into_owned(),
            Err(_) => run.to_string_lossy().into_owned(),
        },
        _ => run.folder.to_string_lossy().into_owned(),
    }
}

/// Markdown, with the figures in a folder of the same name beside it.
fn markdown(report: &Report, out: &Path) -> anyhow::Result<()> {
    let stem = out.file_stem().map_or_else(|| "report".into(), |it| it.to_string_lossy().into_owned());
    let folder = format!("{stem}-figures");
    let place = |number: usize| PathBuf::from(&folder).join(format!("{:02}.svg", number + 1));
    let beside = out.parent().unwrap_or(Path::new("")).to_path_buf();
    fs::create_dir_all(beside.join(&folder)).with_context(|| beside.join(&folder).display().to_string())?;
    for (number, figure) in report.figures().enumerate() {
        write_whole(&beside.join(place(number)), figure.svg.as_bytes())?;
    }
    let mut number = 0;
    let text = report.to_markdown(|_: &Figure| {
        number += 1;
        // Blanks and brackets would end the address.
        Some(format!("<{}>", place(number - 1).display()))
    });
    Ok(write_whole(out, text.as_bytes())?)
}
