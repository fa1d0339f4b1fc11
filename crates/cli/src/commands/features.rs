//! `features`: a table with a row per recording.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;
use stimmung::corpus::Manifest;
use stimmung::{FeatureTable, Hearing, feature_set};

use crate::args::Features;
use crate::commands::WrongUsage;
use crate::console::Console;
use crate::progress::Bar;

pub fn run(arguments: &Features, console: &Console) -> anyhow::Result<()> {
    let set = feature_set(&arguments.set, &arguments.with)?;
    let manifest = manifest(&arguments.inputs)?;
    let hearing = Hearing { sample_rate: arguments.sample_rate, ..Hearing::new(set) };
    let table = FeatureTable::extract(&manifest, &hearing, &Bar::default())?;
    match &arguments.out {
        Some(path) => stimmung::write_whole(path, &to_csv(&table)?)?,
        None if console.json() => print_objects(&table, console)?,
        None => console.print(String::from_utf8_lossy(&to_csv(&table)?))?,
    }
    for dropped in &table.dropped {
        console.warning(format!("left out {}: {}", dropped.file.display(), dropped.reason));
    }
    let Some(out) = &arguments.out else { return Ok(()) };
    if console.json() {
        return console.object(&json!({
            "set": set.name(),
            "recordings": table.recordings.len(),
            "columns": table.columns.len(),
            "dropped": table.dropped,
            "out": out,
        }));
    }
    console.note(format!(
        "{}: {} rows, {} columns, {} left out",
        out.display(),
        table.recordings.len(),
        table.columns.len(),
        table.dropped.len()
    ));
    Ok(())
}

fn manifest(inputs: &[PathBuf]) -> anyhow::Result<Manifest> {
    let is_table = |path: &Path| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    if inputs.iter().any(|input| is_table(input)) {
        let [only] = inputs else {
            return Err(WrongUsage("a manifest goes alone: give one CSV file, or recordings and folders".into()).into());
        };
        return Ok(Manifest::open(only, None)?);
    }
    Ok(Manifest::unlabelled(inputs)?)
}

fn to_csv(table: &FeatureTable) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(std::iter::once("file").chain(table.columns.iter().map(String::as_str)))?;
    for (row, id) in table.ids().into_iter().enumerate() {
        // The shortest text that reads back to the same bits.
        let values = table.features.row(row).iter().map(ToString::to_string);
        writer.write_record(std::iter::once(id).chain(values))?;
    }
    Ok(writer.into_inner()?)
}

fn print_objects(table: &FeatureTable, console: &Console) -> anyhow::Result<()> {
    for (row, id) in table.ids().into_iter().enumerate() {
        let values: BTreeMap<&String, &f32> = table.columns.iter().zip(table.features.row(row)).collect();
        console.object(&json!({ "file": id, "features": values }))?;
    }
    Ok(())
}
