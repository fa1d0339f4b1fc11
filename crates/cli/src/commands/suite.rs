//! `run` on a folder of recipes.

use std::path::{Path, PathBuf};

use serde_json::json;
use stimmung::Error;
use stimmung::suite::{Entry, Outcome, Results, Suite, Variant, judge, open_suite};

use crate::args::{RunRecipe, warn};
use crate::commands::{SomeFailed, WrongUsage};
use crate::console::{Console, bold, chain, green};
use crate::progress::Bar;

pub fn run(folder: &Path, arguments: &RunRecipe, console: &Console) -> anyhow::Result<()> {
    if arguments.source.is_changed() {
        let text = "a folder of recipes is run as it stands; to change a recipe, run its file alone";
        return Err(WrongUsage(text.into()).into());
    }
    let table = arguments.results.clone().unwrap_or_else(|| default_table(folder, arguments));
    if table.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
        let text = "--results names the table in Markdown, such as results.md; the JSON file is written beside it";
        return Err(WrongUsage(text.into()).into());
    }
    let suite = open_suite(folder, &arguments.only, arguments.quick)?;
    let mut results = Results::load(&table.with_extension("json"))?;
    results.update(&suite);
    let Suite { entries, broken, .. } = suite;
    let mut failed = !broken.is_empty();
    for (path, error) in broken {
        console.failure(&chain(&error.into()), Some(&path.to_string_lossy()));
    }
    if arguments.dry_run {
        dry_run(&entries, &results, &table, console)?;
        return if failed { Err(SomeFailed.into()) } else { Ok(()) };
    }
    let corpora = arguments.source.corpora.folders();
    let out = arguments.out.join(run_name(folder, arguments));
    // Neighbours often hear the same.
    let mut heard = None;
    for (number, entry) in (1..).zip(&entries) {
        for (variant, recipe) in entry.variants() {
            let title = format!("{number}/{} {} ({})", entries.len(), entry.recipe.name, variant.name());
            if let Some(known) = results.find(variant, recipe) {
                console.note(format!("{title}: {:.3}, judged before", known.uar.pooled));
                if console.json() {
                    console.object(known)?;
                }
                continue;
            }
            console.note(&title);
            warn(recipe, console);
            match judge(entry, variant, &mut heard, &corpora, &out, &Bar::default()) {
                Ok(outcome) => {
                    show(console, &outcome)?;
                    results.insert(outcome);
                    results.save(&table)?;
                }
                Err(Error::Cancelled) => {
                    console.note(format!("what is finished stands in {}; run again to go on", table.display()));
                    return Err(Error::Cancelled.into());
                }
                Err(error) => {
                    failed = true;
                    console.failure(&chain(&error.into()), Some(&entry.path.to_string_lossy()));
                }
            }
        }
    }
    results.save(&table)?;
    if !console.json() {
        console.print(format!("\nSaved {}\n", green(table.display())))?;
    }
    if failed { Err(SomeFailed.into()) } else { Ok(()) }
}

/// `docs/FOLDER-results.md`; quick runs are not for the documents.
fn default_table(folder: &Path, arguments: &RunRecipe) -> PathBuf {
    let table = format!("{}-results.md", run_name(folder, arguments));
    if arguments.quick { arguments.out.join(table) } else { PathBuf::from("docs").join(table) }
}

/// The folder's name; quick runs go by another, so that nobody takes them for whole ones.
fn run_name(folder: &Path, arguments: &RunRecipe) -> String {
    format!("{}{}", name_of(folder), if arguments.quick { "-quick" } else { "" })
}

fn name_of(folder: &Path) -> String {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    whole.file_name().map_or_else(|| "recipes".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn show(console: &Console, outcome: &Outcome) -> anyhow::Result<()> {
    if console.json() {
        return console.object(outcome);
    }
    let figures: Vec<String> = outcome
        .figures
        .iter()
        .map(|(figure, measured)| {
            let published = outcome.reference.iter().flat_map(|reference| &reference.published);
            let published =
                published.filter(|it| it.figure == *figure).map(|it| format!(" (published {:.3})", it.value));
            format!("{} {:.3}{}", figure.name(), measured.pooled, published.collect::<String>())
        })
        .collect();
    Ok(console.print(format!(
        "{} {:8}  UAR {:.3}  {}  {:.0} s\n",
        bold(format!("{:28}", outcome.recipe)),
        outcome.variant.name(),
        outcome.uar.pooled,
        figures.join(", "),
        outcome.seconds
    ))?)
}

fn dry_run(entries: &[Entry], results: &Results, table: &Path, console: &Console) -> anyhow::Result<()> {
    for entry in entries {
        for (variant, recipe) in entry.variants() {
            let done = results.find(variant, recipe).is_some();
            let protocol = recipe.protocol.describe();
            if console.json() {
                let variant: Variant = variant;
                console.object(&json!({
                    "recipe": recipe.name, "variant": variant, "protocol": protocol, "done": done,
                }))?;
                continue;
            }
            let state = if done { "judged before" } else { "to do" };
            console.print(format!("{:28} {:8}  {state:13}  {protocol}\n", recipe.name, variant.name()))?;
        }
    }
    console.note(format!("Would write {}", table.display()));
    Ok(())
}
