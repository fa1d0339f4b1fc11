//! `check`: our features beside those of another program.

use anyhow::{bail, ensure};
use serde_json::json;
use stimmung::agreement::{Agreement, Oracle, Ours};
use stimmung::extraction::Extraction;
use stimmung::recording_id;

use super::features::{manifest, set, warn};
use crate::args::Check;
use crate::console::Console;
use crate::progress::Bar;

pub fn run(arguments: &Check, console: &Console) -> anyhow::Result<()> {
    let peer = arguments.peer;
    let level = arguments.level.into();
    let features = set(arguments.set.as_deref().unwrap_or(peer.set()), &arguments.with, level)?;
    let oracle = Oracle::read_csv(&arguments.oracle)?;
    let mut manifest = manifest(&arguments.inputs, &arguments.corpora)?;
    let lacking = leave_out_unknown(&oracle, &mut manifest.recordings);
    let path = arguments.oracle.display();
    ensure!(!manifest.recordings.is_empty(), "{path}: none of the recordings is in it{}", examples(&lacking));
    if !lacking.is_empty() {
        console.warning(format!("{} recordings are not in {path}, and left out{}", lacking.len(), examples(&lacking)));
    }
    let sample_rate = arguments.sample_rate;
    let extraction = Extraction { features, level, sample_rate, cache: arguments.cache.open() };
    let mut ours = Ours::default();
    let extracted = extraction.run(&manifest, &mut ours, &Bar::default())?;
    warn(&extracted.dropped, extracted.not_kept.as_deref(), console);
    let agreement = Agreement::of(&ours, &oracle, peer.into(), level)?;
    let known: Vec<String> = manifest.recordings.iter().map(recording_id).collect();
    let beside = oracle.beside(known.iter().map(String::as_str));

    let failures = failures(arguments, &agreement);
    if console.json() {
        console.object(&json!({
            "set": extraction.features,
            "level": level.name(),
            "oracle": arguments.oracle,
            "agreement": agreement,
            "correlation": agreement.correlation(),
            "largest": agreement.largest(),
            "not_in_oracle": lacking,
            "only_in_oracle": beside,
            "dropped": extracted.dropped,
            "failures": failures,
        }))?;
    } else {
        console.print(agreement.render(arguments.worst))?;
    }
    // What the other program could describe, we have to.
    if let Some(dropped) = extracted.dropped.first() {
        bail!(
            "{} recordings that {path} has cannot be used here, such as {}",
            extracted.dropped.len(),
            dropped.file.display()
        );
    }
    ensure!(beside.is_empty(), "{} recordings are in {path} only{}", beside.len(), examples(&beside));
    ensure!(failures.is_empty(), "{}", failures.join("; "));
    Ok(())
}

/// Takes recordings out that the oracle does not know, and names them.
fn leave_out_unknown(oracle: &Oracle, recordings: &mut Vec<stimmung::corpus::Recording>) -> Vec<String> {
    let mut lacking = Vec::new();
    recordings.retain(|recording| {
        let id = recording_id(recording);
        let known = oracle.has(&id);
        if !known {
            lacking.push(id);
        }
        known
    });
    lacking
}

/// Names the first of some recordings.
fn examples(names: &[String]) -> String {
    names.first().map_or_else(String::new, |first| format!(", such as {first}"))
}

/// What falls short of the thresholds.
fn failures(arguments: &Check, agreement: &Agreement) -> Vec<String> {
    let mut failures = Vec::new();
    if let Some(least) = arguments.at_least {
        let below: Vec<&str> = agreement
            .columns
            .iter()
            .filter(|column| column.correlation.is_nan() || column.correlation < least)
            .map(|column| column.column.as_str())
            .collect();
        if !below.is_empty() {
            failures.push(format!("{} columns correlate by less than {least}: {}", below.len(), below.join(", ")));
        }
    }
    let largest = agreement.largest();
    if let Some(most) = arguments.largest.filter(|most| largest > *most) {
        failures.push(format!("the largest difference is {largest:.1e}, more than {most:e}"));
    }
    if let Some(most) = arguments.median.filter(|most| agreement.median > *most) {
        failures.push(format!("the median difference is {:.1e}, more than {most:e}", agreement.median));
    }
    failures
}
