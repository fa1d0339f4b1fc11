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

/// What the corpus holds, sentence by sentence.
pub(crate) fn facts(run: &SavedRun) -> Vec<String> {
    let manifest = &run.manifest;
    let speakers = speakers(run).len();
    let by = if speakers == 0 {
        "; who speaks is not known".to_owned()
    } else {
        format!(" by {}", count(speakers, "speaker"))
    };
    let emotions = manifest.emotions();
    let names: Vec<String> = emotions.keys().cloned().collect();
    let what = count(manifest.recordings.len(), "recording");
    let mut facts = vec![format!("The corpus {} holds {what}{by} in {}.", manifest.name, list(&names))];

    let seconds: Vec<f64> = manifest.recordings.iter().filter_map(|it| it.seconds).collect();
    if !seconds.is_empty() {
        let total: f64 = seconds.iter().sum();
        facts.push(format!(
            "Together they last {}, {:.2} s on average.",
            duration(total),
            total / seconds.len() as f64
        ));
    }
    let most = emotions.iter().max_by_key(|(_, count)| **count);
    let least = emotions.iter().min_by_key(|(_, count)| **count);
    if let (Some((rarest, &least)), Some((commonest, &most))) = (least, most)
        && least > 0
    {
        facts.push(if least == most {
            "All emotions are equally frequent.".to_owned()
        } else if most as f64 / (least as f64) < 1.1 {
            format!("All emotions are about equally frequent ({least} to {most} recordings).")
        } else {
            format!(
                "There are {:.1} times as many recordings of {commonest} as of {rarest}.",
                most as f64 / least as f64
            )
        });
    }
    facts
}

/// The speakers that are known.
pub(crate) fn speakers(run: &SavedRun) -> BTreeSet<&str> {
    run.manifest.recordings.iter().filter_map(|it| it.speaker.as_deref()).collect()
}

/// What there was to learn from.
pub(crate) fn corpus(run: &SavedRun) -> Result<Section, ReportError> {
    let manifest = &run.manifest;
    let mut section = Section::new("Data");
    section.text(facts(run).join(" "));
    if let Ok(layout) = Layout::by_name(&manifest.name) {
        let told = [
            layout.url().map(|url| format!("Its owners publish it at {url}.")),
            layout.terms().map(|it| format!("Terms: {it}.")),
        ];
        section.text(told.into_iter().flatten().collect::<Vec<_>>().join(" "));
    }
    section.blocks.push(Block::Figure(corpus::classes(manifest)));
    if !speakers(run).is_empty() {
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
pub(crate) fn cleaning(run: &SavedRun) -> Section {
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
        section.text(format!("{} more are listed in metrics.json.", dropped.len() - MOST_DROPPED));
    }
    section
}
