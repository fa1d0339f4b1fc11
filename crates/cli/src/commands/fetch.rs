//! `corpus fetch`: corpora from their official places.

use std::fmt::Write as _;
use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::{Value, json};
use stimmung::corpus::fetch::{FetchParams, Fetched, already_there, fetch};
use stimmung::corpus::{CorpusError, Source, sources};

use crate::args::Fetch;
use crate::commands::WrongUsage;
use crate::console::{Console, bold, dim, green, watched};
use crate::progress::Bytes;

pub fn run(arguments: &Fetch, console: &Console) -> anyhow::Result<()> {
    let Some(name) = &arguments.name else { return list(console) };
    let source = Source::by_name(name).map_err(|error| WrongUsage(error.to_string()))?;
    let to = match &arguments.to {
        Some(to) => to.clone(),
        None => stimmung::corpora_cache().context("this machine has no cache folder; name a folder with --to DIR")?,
    };
    let mut params = arguments.params(to);
    let there = there(source, arguments, &params)?;
    if arguments.dry_run {
        return plan(source, &params, there.as_ref(), console);
    }
    if let Some(there) = there {
        return show(source, &there, console);
    }
    consent(source, &mut params, console)?;
    let bar = Bytes::new(|text| console.warning(text));
    let fetched = fetch(source, &params, &bar);
    bar.end();
    show(source, &fetched.map_err(as_the_program_ends)?, console)
}

/// The corpus where it is already: in the folder that was named, or else wherever commands would find it. Nowhere if it shall be
/// fetched anew.
fn there(source: &Source, arguments: &Fetch, params: &FetchParams) -> Result<Option<Fetched>, CorpusError> {
    if params.force {
        return Ok(None);
    }
    let folders = if arguments.to.is_some() { Vec::new() } else { stimmung::corpora_folders(&[]) };
    // What else lies there does not stand in the way.
    let elsewhere = folders.iter().find_map(|folder| already_there(source, folder).ok().flatten());
    elsewhere.map_or_else(|| already_there(source, &params.to), |found| Ok(Some(found)))
}

/// Errors by the exit code that they have.
fn as_the_program_ends(error: CorpusError) -> anyhow::Error {
    match error {
        CorpusError::TermsNotAccepted { .. } => WrongUsage(error.to_string()).into(),
        error => error.into(),
    }
}

/// Asks for consent to the owner's terms where somebody can answer and has not yet. What people bring, they have leave for.
fn consent(source: &Source, params: &mut FetchParams, console: &Console) -> anyhow::Result<()> {
    if params.terms_accepted || params.from.is_some() || source.url().is_none() {
        return Ok(());
    }
    if console.json() || !std::io::stdin().is_terminal() || !watched() {
        return Ok(()); // The fetch will say what is missing.
    }
    console.note(format!("{}\n{} {}", bold(source.title()), dim("terms:"), source.terms()));
    let mut err = anstream::stderr().lock();
    write!(err, "Do you accept them? [y/N] ")?;
    err.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    params.terms_accepted = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
    Ok(())
}

fn show(source: &Source, fetched: &Fetched, console: &Console) -> anyhow::Result<()> {
    if console.json() {
        return console.object(&json!({
            "corpus": source.name(),
            "path": fetched.path,
            "recordings": fetched.recordings,
            "was_there": fetched.was_there,
            "notes": fetched.notes,
            "source": fetched.record,
        }));
    }
    for note in &fetched.notes {
        console.warning(note);
    }
    let verb = if fetched.was_there { "Already there" } else { "Fetched" };
    let recordings = fetched.recordings;
    let mut text =
        format!("{verb}: {}, {recordings} recordings in {}\n", source.title(), green(fetched.path.display()));
    if !fetched.was_there {
        let _ = writeln!(text, "Terms: {}", source.terms());
        if is_looked_into(&fetched.path) {
            let _ = writeln!(text, "Next: stimmung run --corpus {}", source.name());
        }
    }
    Ok(console.print(text)?)
}

/// Whether commands find the corpus by its name.
fn is_looked_into(path: &Path) -> bool {
    let folders = stimmung::corpora_folders(&[]);
    path.parent().is_some_and(|parent| folders.iter().any(|folder| folder == parent))
}

/// Says what would be done.
fn plan(source: &Source, params: &FetchParams, there: Option<&Fetched>, console: &Console) -> anyhow::Result<()> {
    let target: PathBuf = there.map_or_else(|| params.to.join(source.name()), |there| there.path.clone());
    let url = source.url().map(|url| params.address(url));
    if console.json() {
        let mut object = describe(source);
        object["from"] = match &params.from {
            Some(from) => json!(from),
            None => json!(url),
        };
        object["to"] = json!(target);
        object["already_there"] = json!(there.is_some());
        return console.object(&object);
    }
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{}  {value}", bold(format!("{name:12}")));
    };
    line("corpus", format!("{} ({})", source.name(), source.title()));
    line("terms", source.terms().to_owned());
    match (&params.from, &url) {
        (Some(from), _) => line("from", from.display().to_string()),
        (None, Some(url)) => line("from", url.clone()),
        (None, None) => line("by hand", format!("go to {} and {}", source.page(), source.steps().unwrap_or_default())),
    }
    if let (Some(lfs), None) = (source.lfs(), &params.from) {
        line("and from", params.address(lfs));
    }
    line("size", size(source));
    line("checksum", checksum(source));
    line("recordings", source.recordings().to_string());
    line("to", format!("{}{}", target.display(), if there.is_some() { " (already there)" } else { "" }));
    Ok(console.print(text)?)
}

fn list(console: &Console) -> anyhow::Result<()> {
    for source in sources() {
        if console.json() {
            console.object(&describe(source))?;
            continue;
        }
        let how = match (source.url(), source.steps()) {
            (Some(url), _) => format!("{url}, {}", size(source)),
            (None, steps) => format!("by hand: go to {} and {}", source.page(), steps.unwrap_or_default()),
        };
        let head = bold(format!("{:10}", source.name()));
        console.print(format!(
            "{head} {}, {} recordings\n{:10} {}\n{:10} {}\n",
            source.title(),
            source.recordings(),
            "",
            how,
            "",
            dim(source.terms())
        ))?;
    }
    Ok(())
}

fn describe(source: &Source) -> Value {
    json!({
        "name": source.name(),
        "title": source.title(),
        "terms": source.terms(),
        "page": source.page(),
        "url": source.url(),
        "steps": source.steps(),
        "bytes": source.bytes(),
        "about_bytes": source.about_bytes(),
        "md5": source.sums().md5,
        "sha256": source.sums().sha256,
        "recordings": source.recordings(),
    })
}

fn size(source: &Source) -> String {
    match (source.bytes(), source.about_bytes()) {
        (Some(bytes), _) => format!("{bytes} bytes"),
        (None, Some(bytes)) => format!("about {} MB", bytes / 1_000_000),
        (None, None) => "size not known beforehand".to_owned(),
    }
}

fn checksum(source: &Source) -> String {
    match (&source.sums().sha256, &source.sums().md5) {
        (Some(sum), _) => format!("SHA-256 {sum}"),
        (None, Some(sum)) => format!("MD5 {sum}"),
        (None, None) => "none published; that of the first download is remembered".to_owned(),
    }
}
