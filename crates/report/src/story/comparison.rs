//! Several runs side by side.

use std::collections::BTreeSet;

use stimmung::SavedRun;
use stimmung_evaluation::{BootstrapParams, Outcome, RunDifference, compare_runs};

use super::words::{count, duration, interval, percent, points};
use super::{Block, Report, Section, Table};
use crate::ReportError;
use crate::figures::run;

impl Report {
    /// Tells how several runs differ: their figures with intervals, the differences from the first one on the same recordings, recall by emotion, and cost.
    ///
    /// # Errors
    /// [`ReportError::Missing`] for no runs, [`ReportError::Evaluation`] for runs whose answers cannot be counted.
    pub fn compare(runs: &[SavedRun]) -> Result<Self, ReportError> {
        let figure = run::compare(runs)?;
        let mut the_runs = Section::new("The runs");
        the_runs.blocks.push(Block::Table(overview(runs)));
        the_runs.blocks.push(Block::Figure(figure));
        Ok(Self {
            title: format!("{} compared", count(runs.len(), "run")),
            summary: summary(runs),
            sections: vec![the_runs, footing(runs), differences(runs)?, by_emotion(runs), cost(runs)],
        })
    }
}

fn summary(runs: &[SavedRun]) -> String {
    let best = runs.iter().max_by(|a, b| a.summary.uar.total_cmp(&b.summary.uar));
    let Some(best) = best else { return String::new() };
    let it = &best.summary;
    let mut text = format!("{} has the highest UAR: {} ({}).", it.name, percent(it.uar), interval(&it.interval.uar));
    if !it.leaks.is_empty() && runs.iter().any(|run| run.summary.leaks.is_empty()) {
        text.push_str(" Its split leaks and that of others does not, so this is no comparison of models.");
    }
    text
}

fn overview(runs: &[SavedRun]) -> Table {
    let columns = ["run", "corpus", "features", "model", "protocol", "leaks", "judged", "UAR", "WAR", "macro-F1"];
    let mut table = Table::new("All runs", columns);
    for run in runs {
        let it = &run.summary;
        let figure = |value: f64, interval: &stimmung_evaluation::Interval| {
            format!("{} ({} to {})", percent(value), points(interval.low), points(interval.high))
        };
        table.row([
            it.name.clone(),
            it.corpus.clone(),
            run.recipe.features.name().to_owned(),
            run.recipe.model.kind().to_owned(),
            it.protocol.clone(),
            if it.leaks.is_empty() { "no".to_owned() } else { "yes".to_owned() },
            it.recordings.to_string(),
            figure(it.uar, &it.interval.uar),
            figure(it.war, &it.interval.war),
            figure(it.macro_f1, &it.interval.macro_f1),
        ]);
    }
    table
}

/// Whether the runs can be compared at all.
fn footing(runs: &[SavedRun]) -> Section {
    let mut section = Section::new("On which footing");
    let distinct = |of: fn(&SavedRun) -> &str| runs.iter().map(of).collect::<BTreeSet<_>>().len();
    let data = match distinct(|run| &run.receipt.data) {
        1 => "All runs are on the same data".to_owned(),
        some => format!("The runs are on {some} different sets of data"),
    };
    let split = match distinct(|run| &run.receipt.split) {
        1 => "by the same split".to_owned(),
        some => format!("by {some} different splits"),
    };
    section.text(format!("{data}, {split}."));
    let leaks = runs.iter().flat_map(|run| {
        run.summary.leaks.iter().map(|leak| format!("{}, {}: {leak}", run.summary.name, run.summary.protocol))
    });
    let leaks: Vec<String> = leaks.collect();
    if leaks.is_empty() {
        section.text("In none of them does the audit find anything that the two sides of a split share.");
    } else {
        section.text("Where the two sides of a split share something, figures are better than for new voices:");
        section.blocks.push(Block::List(leaks));
    }
    section
}

/// Each further run against the first.
fn differences(runs: &[SavedRun]) -> Result<Section, ReportError> {
    let mut section = Section::new("Differences");
    let [first, others @ ..] = runs else { return Ok(section) };
    if others.is_empty() {
        section.text("There is no other run to compare with.");
        return Ok(section);
    }
    section.text(format!(
        "Against {} ({}), on the same recordings: each draw of the bootstrap judges both runs, so voices that are hard for both cancel out.",
        first.summary.name, first.summary.protocol
    ));
    let mut told = Vec::new();
    for other in others {
        told.push(match paired(first, other) {
            Some((baseline, candidate)) => {
                let found =
                    compare_runs(&baseline, &candidate, first.classes.len(), &BootstrapParams::default(), first.recipe.seed)?;
                let name = format!("{} ({})", other.summary.name, other.summary.protocol);
                format!("{name}: {}; {}.", sentence("UAR", &found.figures.uar), sentence("WAR", &found.figures.war))
            }
            None => format!(
                "{} ({}) did not answer for the same recordings and emotions, so only the intervals above can be compared.",
                other.summary.name, other.summary.protocol
            ),
        });
    }
    section.blocks.push(Block::List(told));
    Ok(section)
}

/// `UAR is 3.1 points higher, interval −1.2 to 7.0, which chance may explain`.
fn sentence(figure: &str, it: &RunDifference) -> String {
    let direction = if it.difference >= 0.0 { "higher" } else { "lower" };
    let verdict = if it.is_clear() { "" } else { ", which chance may explain" };
    format!(
        "{figure} is {} points {direction} (difference {} points, {}){verdict}",
        points(it.difference.abs()),
        points(it.difference),
        interval(&it.interval)
    )
}

/// The answers of both runs in one order; `None` unless they are for the same recordings, speakers and emotions.
fn paired<'r>(first: &'r SavedRun, other: &'r SavedRun) -> Option<(Vec<Outcome<'r>>, Vec<Outcome<'r>>)> {
    if first.classes != other.classes {
        return None;
    }
    let ordered = |run: &'r SavedRun| {
        let mut answers: Vec<_> = run.predictions.iter().map(|it| it.id.as_str()).zip(run.outcomes()).collect();
        answers.sort_by_key(|(id, _)| *id);
        answers
    };
    let (first, other) = (ordered(first), ordered(other));
    let same = first.len() == other.len()
        && first
            .iter()
            .zip(&other)
            .all(|((id, a), (its, b))| id == its && a.truth == b.truth && a.speaker == b.speaker);
    let outcomes = |answers: Vec<(&str, Outcome<'r>)>| answers.into_iter().map(|(_, outcome)| outcome).collect();
    same.then(|| (outcomes(first), outcomes(other)))
}

fn by_emotion(runs: &[SavedRun]) -> Section {
    let mut section = Section::new("Recall by emotion");
    let classes: BTreeSet<&str> = runs.iter().flat_map(|run| run.classes.iter().map(String::as_str)).collect();
    let mut table = Table { caption: "Recall".to_owned(), columns: vec!["emotion".to_owned()], rows: Vec::new() };
    table.columns.extend(runs.iter().map(|run| run.summary.name.clone()));
    for class in classes {
        let recall = |run: &SavedRun| {
            let place = run.classes.iter().position(|it| it == class)?;
            Some(percent(run.summary.pooled.confusion.by_row()[place][place]))
        };
        let mut row = vec![class.to_owned()];
        row.extend(runs.iter().map(|run| recall(run).unwrap_or_default()));
        table.rows.push(row);
    }
    section.blocks.push(Block::Table(table));
    section
}

fn cost(runs: &[SavedRun]) -> Section {
    let mut section = Section::new("Cost");
    let mut table = Table::new("Time taken", ["run", "threads", "hearing and features", "judging", "final training"]);
    for run in runs {
        let Some(timing) = &run.timing else { continue };
        let cell = |seconds: Option<f64>| seconds.map_or_else(String::new, duration);
        table.row([
            run.summary.name.clone(),
            timing.threads.to_string(),
            duration(timing.preparing),
            cell(timing.evaluating),
            cell(timing.training),
        ]);
    }
    if table.rows.is_empty() {
        section.text("How long they took was not kept.");
    } else {
        section.blocks.push(Block::Table(table));
    }
    section
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::run::tests::{RUN, with_classes};

    fn said(runs: &[SavedRun]) -> String {
        Report::compare(runs).unwrap().to_markdown(|_| None)
    }

    #[test]
    fn runs_on_the_same_recordings_are_compared_one_by_one() {
        let mut better = RUN.clone();
        better.summary.name = "oracle".into();
        better.predictions.reverse();
        for answer in &mut better.predictions {
            answer.predicted = answer.truth;
        }
        better.summary.uar = 1.0;
        let said = said(&[RUN.clone(), better]);
        assert!(said.contains("oracle has the highest UAR: 100.0 %"), "{said}");
        let gain = format!("UAR is {} points higher", points(1.0 - RUN.summary.uar));
        assert!(said.contains(&gain), "{gain}: {said}");
        assert!(said.contains("All runs are on the same data, by the same split."));
    }

    #[test]
    fn other_recordings_and_leaks_are_told() {
        let mut leaky = with_classes(7);
        leaky.summary.leaks = vec!["a speaker is on both sides".into()];
        leaky.summary.uar = 0.999;
        leaky.receipt.split = "another".into();
        assert!(said(std::slice::from_ref(&RUN)).contains("no other run"));
        let said = said(&[RUN.clone(), leaky]);
        for words in
            ["did not answer for the same recordings", "Its split leaks", "by 2 different splits", "on both sides"]
        {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert!(Report::compare(&[]).is_err());
    }
}
