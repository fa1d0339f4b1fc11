//! `features`: a table with a row per recording, or per frame.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;
use stimmung::corpus::{Dropped, Manifest};
use stimmung::extraction::{Extracted, Extraction};
use stimmung::feature_set;
use stimmung::features::{BaseSet, FeatureSet, Level, OwnSet};
use stimmung::recipe::Override;

use crate::args::{Corpora, Features, Shard, is_path};
use crate::commands::{WrongUsage, corpus};
use crate::console::{Console, bold};
use crate::progress::Bar;
use crate::tables::{self, About, TableFormat};

pub fn run(arguments: &Features, console: &Console) -> anyhow::Result<()> {
    if arguments.list {
        return list(console);
    }
    let cache = arguments.cache.open();
    if arguments.clear_cache {
        clear(arguments, console)?;
        if arguments.inputs.is_empty() {
            return Ok(());
        }
    }
    let level = arguments.level.into();
    let features = set(&arguments.set, &arguments.with, level)?;
    let of_path = arguments.out.as_deref().and_then(TableFormat::of_path);
    let format = arguments.format.or(of_path).unwrap_or(TableFormat::Csv);
    let mut manifest = manifest(&arguments.inputs, &arguments.corpora)?;
    let emotions: Vec<String> = manifest.emotions().into_keys().collect();
    if let Some(shard) = arguments.shard {
        keep(shard, &mut manifest)?;
    }
    let extraction = Extraction { features, level, sample_rate: arguments.sample_rate, cache };
    if arguments.dry_run {
        return tell(&extraction, &manifest, format, arguments, console);
    }
    let set = extraction.features.name();
    let title = format!("{set} {level}");
    let mut table = match &arguments.out {
        None if console.json() => tables::objects(),
        out => tables::open(format, out.as_deref(), About { title, level, emotions })?,
    };
    let extracted = extraction.run(&manifest, table.as_mut(), &Bar::default())?;
    table.finish()?;
    warn(&extracted.dropped, extracted.not_kept.as_deref(), console);
    let Some(out) = &arguments.out else { return Ok(()) };
    let Extracted { recordings, rows, columns, cached, dropped, .. } = &extracted;
    if console.json() {
        return console.object(&json!({
            "set": set,
            "level": level.name(),
            "recordings": recordings,
            "rows": rows,
            "columns": columns,
            "cached": cached,
            "dropped": dropped,
            "out": out,
        }));
    }
    let kept = if *cached > 0 { format!(", {cached} kept from before") } else { String::new() };
    console.note(format!(
        "{}: {recordings} recordings{kept}, {rows} rows, {columns} columns, {} left out",
        out.display(),
        dropped.len()
    ));
    Ok(())
}

/// The set that is asked for, if it has that level.
pub fn set(name: &str, with: &[Override], level: Level) -> anyhow::Result<FeatureSet> {
    let set = feature_set(name, with)?;
    if level == Level::Descriptors {
        set.descriptor_names().map_err(|error| WrongUsage(error.to_string()))?;
    }
    Ok(set)
}

/// Says what was left out, and what will be computed again.
pub fn warn(dropped: &[Dropped], not_kept: Option<&str>, console: &Console) {
    for dropped in dropped {
        console.warning(format!("left out {}: {}", dropped.file.display(), dropped.reason));
    }
    if let Some(reason) = not_kept {
        console.warning(format!("features could not be kept for the next time: {reason}"));
    }
}

/// Everything that can be named in `[features]`, a name a line under headings.
fn list(console: &Console) -> anyhow::Result<()> {
    let sets = [FeatureSet::NAMES, &[FeatureSet::OWN]].concat();
    let functionals = OwnSet::functional_names();
    let descriptors = BaseSet::ALL.map(|set| (set.name(), set.descriptor_names()));
    if console.json() {
        let descriptors = descriptors.into_iter().collect::<BTreeMap<_, _>>();
        return console.object(&json!({ "sets": sets, "descriptors": descriptors, "functionals": functionals }));
    }
    let mut text = under("Sets", &sets);
    for (set, names) in &descriptors {
        text += &under(&format!("Descriptors of {set}"), names);
    }
    text += &under("Functionals", &functionals);
    Ok(console.print(text)?)
}

fn under(heading: &str, names: &[impl AsRef<str>]) -> String {
    let names = names.iter().map(|name| format!("  {}\n", name.as_ref()));
    std::iter::once(format!("{}\n", bold(heading))).chain(names).collect()
}

fn clear(arguments: &Features, console: &Console) -> anyhow::Result<()> {
    let Some(cache) = arguments.cache.open() else {
        return Err(WrongUsage("there is no cache folder on this machine; name one with `--cache DIR`".into()).into());
    };
    if arguments.dry_run {
        console.note(format!("Would remove the features in {}", cache.folder().display()));
        return Ok(());
    }
    let cleared = cache.clear()?;
    if console.json() && arguments.inputs.is_empty() {
        return console.object(&json!({ "cache": cache.folder(), "removed": cleared }));
    }
    let megabytes = cleared.bytes as f64 / 1e6;
    console.note(format!("{}: removed {} files, {megabytes:.1} MB", cache.folder().display(), cleared.recordings));
    Ok(())
}

pub fn manifest(inputs: &[PathBuf], corpora: &Corpora) -> anyhow::Result<Manifest> {
    if let [only] = inputs
        && let Some(name) = only.to_str().filter(|it| !is_path(it))
    {
        return corpus::open(name, None, corpora);
    }
    let is_table = |path: &Path| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    if inputs.iter().any(|input| is_table(input)) {
        let [only] = inputs else {
            return Err(WrongUsage("a manifest goes alone: give one CSV file, or recordings and folders".into()).into());
        };
        return Ok(Manifest::open(only, None)?);
    }
    Ok(Manifest::unlabelled(inputs)?)
}

/// Keeps the recordings of a part. Files that nobody can use are told of in the first one.
fn keep(shard: Shard, manifest: &mut Manifest) -> anyhow::Result<()> {
    let all = manifest.recordings.len();
    let range = shard.range(all);
    if range.is_empty() {
        let message = format!("part {} of {} is empty: there are {all} recordings", shard.number, shard.of);
        return Err(WrongUsage(message).into());
    }
    manifest.recordings.truncate(range.end);
    manifest.recordings.drain(..range.start);
    if shard.number > 1 {
        manifest.dropped.clear();
    }
    Ok(())
}

fn tell(
    extraction: &Extraction,
    manifest: &Manifest,
    format: TableFormat,
    arguments: &Features,
    console: &Console,
) -> anyhow::Result<()> {
    let Extraction { features, level, cache, .. } = extraction;
    let folder = cache.as_ref().map(stimmung::extraction::FeatureCache::folder);
    if console.json() {
        return console.object(&json!({
            "set": features,
            "level": level.name(),
            "recordings": manifest.recordings.len(),
            "dropped": manifest.dropped,
            "format": format.name(),
            "cache": folder,
            "out": arguments.out,
        }));
    }
    let out = arguments.out.as_ref().map_or("standard output".into(), |out| out.display().to_string());
    let number = manifest.recordings.len();
    console.print(format!(
        "Would describe {number} recording{} by {level} of {}, and write {} to {out}\n",
        if number == 1 { "" } else { "s" },
        features.name(),
        format.name(),
    ))?;
    Ok(())
}
