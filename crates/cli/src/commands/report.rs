//! `report`: what there is to tell of a run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::json;
use stimmung::{SavedRun, write_whole};
use stimmung_report::{Figure, Report};

use super::WrongUsage;
use crate::args;
use crate::console::{Console, green};

pub fn run(arguments: &args::Report, console: &Console) -> anyhow::Result<()> {
    let out = arguments.out.clone().unwrap_or_else(|| arguments.run.join("report.html"));
    let write = writer(&out)?;
    if out.exists() && !arguments.force {
        bail!("{} exists; `--force` overwrites it, `--out FILE` gives another name", out.display());
    }
    let report = Report::new(&SavedRun::open(&arguments.run)?)?;
    write(&report, &out)?;
    if console.json() {
        let figures = report.figures().count();
        return console.object(&json!({ "run": arguments.run, "out": out, "title": report.title, "figures": figures }));
    }
    Ok(console.print(format!("{}\nSaved {}\n", report.summary, green(out.display())))?)
}

type Write = fn(&Report, &Path) -> anyhow::Result<()>;

/// How a file of this name is written.
fn writer(out: &Path) -> Result<Write, WrongUsage> {
    let extension = out.extension().map(|it| it.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("html" | "htm") => Ok(|report, out| Ok(write_whole(out, report.to_html()?.as_bytes())?)),
        Some("md") => Ok(markdown),
        Some("json") => Ok(|report, out| Ok(write_whole(out, &serde_json::to_vec_pretty(report)?)?)),
        _ => Err(WrongUsage(format!("{}: give a name that ends in .html, .md or .json", out.display()))),
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
