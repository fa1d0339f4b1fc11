//! The recordings, and those that were left out.

use std::collections::BTreeSet;

use stimmung::SavedRun;
use stimmung_corpus::Layout;

use super::words::{count, duration, list};
use super::{Section, Table};
use crate::ReportError;
use crate::figures::corpus;
use crate::story::Block;

/// More reasons than these are counted only.
const MOST_DROPPED: usize = 50;

/// What there was to learn from.
pub(super) fn corpus(run: &SavedRun) -> Result<Section, ReportError> {
    let manifest = &run.manifest;
    let mut section = Section::new("Data");
    let speakers: BTreeSet<&str> = manifest.recordings.iter().filter_map(|it| it.speaker.as_deref()).collect();
    let of_speakers = if speakers.is_empty() {
        "; who speaks is not known".to_owned()
    } else {
        format!(" by {}", count(speakers.len(), "speaker"))
    };
    let seconds: Vec<f64> = manifest.recordings.iter().filter_map(|it| it.seconds).collect();
    let length = match seconds.len() {
        0 => String::new(),
        known => {
            let total: f64 = seconds.iter().sum();
            format!(" Together they last {}, {:.2} s on average.", duration(total), total / known as f64)
        }
    };
    let emotions = manifest.emotions();
    let most = emotions.values().max().copied().unwrap_or(0);
    let least = emotions.values().min().copied().unwrap_or(0);
    let balance = match (least, most) {
        (0, _) => String::new(),
        (least, most) if least == most => " All emotions are equally frequent.".to_owned(),
        (least, most) => {
            let ratio = most as f64 / least as f64;
            format!(" The most frequent emotion has {ratio:.1} times as many recordings as the rarest.")
        }
    };
    let names: Vec<String> = emotions.keys().cloned().collect();
    let what = count(manifest.recordings.len(), "recording");
    section.text(format!(
        "The corpus `{}` holds {what}{of_speakers} in {}.{length}{balance}",
        manifest.name,
        list(&names)
    ));
    if let Ok(layout) = Layout::by_name(&manifest.name) {
        let told = [
            layout.url().map(|url| format!("It is described at {url}.")),
            layout.terms().map(|it| format!("Terms: {it}.")),
        ];
        section.text(told.into_iter().flatten().collect::<Vec<_>>().join(" "));
    }
    section.blocks.push(Block::Figure(corpus::classes(manifest)));
    if !speakers.is_empty() {
        section.blocks.push(Block::Figure(corpus::speakers(manifest)));
    }
    if manifest.recordings.iter().any(|it| it.sex.is_some()) {
        section.blocks.push(Block::Figure(corpus::sexes(manifest)));
    }
    section.figure(corpus::durations(manifest))?;
    section.figure(corpus::duration_boxes(manifest))?;
    section.figure(corpus::durations_by_speaker(manifest))?;
    Ok(section)
}

/// What was left out, and why.
pub(super) fn cleaning(run: &SavedRun) -> Section {
    let mut section = Section::new("Cleaning");
    let dropped = &run.summary.dropped;
    if dropped.is_empty() {
        section.text("Every recording could be used; none was left out.");
        return section;
    }
    section.text(format!("{} could not be used and took no part.", count(dropped.len(), "recording")));
    let mut table = Table::new("Left out", ["file", "reason"]);
    for it in dropped.iter().take(MOST_DROPPED) {
        table.row([it.file.display().to_string(), it.reason.clone()]);
    }
    section.blocks.push(Block::Table(table));
    if dropped.len() > MOST_DROPPED {
        section.text(format!("{} more are listed in `metrics.json`.", dropped.len() - MOST_DROPPED));
    }
    section
}
