//! The table of results in Markdown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::{Measured, Outcome, Variant};
use crate::AdaptationMode;
use crate::reference::{Figure, Published};

const HEAD: &str = "\
# Results of the reference recipes

Written by `stimmung run`; every figure is from a run on real recordings. Each row is a recipe, judged twice: as it was
published (*original*), and *honestly*, on speakers whose voices the model has not heard, with everything fitted inside the
training part. The gap is the difference of the two: what the original protocol owes to the leaks named below a table, or, where there are
none, to the size of its parts and to chance.

Figures are pooled over all folds, with their mean ± standard deviation over folds in brackets in the original protocol where it has
several, and with their 95 % bootstrap interval over speakers in the honest one. Seconds are those of both protocols together,
hearing the corpus included where the row before heard something else.
";

const ALTERNATIVES_HEAD: &str = "\
# Results of alternatives

Written by `stimmung run`; every figure is from a run on real recordings, on speakers whose voices the model has not heard, with
everything fitted and chosen inside the training part. Each row is a recipe; the best stand first. Figures are pooled over all folds,
with their 95 % bootstrap interval over speakers. Where settings were chosen, the row names what was chosen for each fold, and seconds are those of
all trials. Each way of adapting to speakers has tables of its own.
";

/// One table for each published system, and one for the others of each corpus and way of adapting to speakers; below each the terms and notes of its
/// rows.
pub(super) fn markdown<'a>(outcomes: impl Iterator<Item = &'a BTreeMap<Variant, Outcome>>) -> String {
    let mut systems = BTreeMap::<String, Vec<&BTreeMap<Variant, Outcome>>>::new();
    let mut others = BTreeMap::<String, Vec<&BTreeMap<Variant, Outcome>>>::new();
    let mut pairs: Vec<&BTreeMap<Variant, Outcome>> = outcomes.collect();
    pairs.sort_by_cached_key(|pair| pair.values().next().map(|outcome| counting_order(&outcome.recipe)));
    for pair in pairs {
        match system(pair) {
            Some(name) => systems.entry(name).or_default().push(pair),
            None => others.entry(footing(pair)).or_default().push(pair),
        }
    }
    let mut text = if systems.is_empty() && !others.is_empty() { ALTERNATIVES_HEAD } else { HEAD }.to_owned();
    for (name, pairs) in systems {
        let _ = write!(text, "\n## {name}\n\n{}{}", table(&pairs), terms(&pairs));
    }
    for (name, mut pairs) in others {
        let uar = |pair: &BTreeMap<Variant, Outcome>| pair.values().map(|it| it.uar.pooled).fold(0.0, f64::max);
        pairs.sort_by(|a, b| uar(b).total_cmp(&uar(a)));
        let _ = write!(text, "\n## {name}\n\n{}{}", alternatives(&pairs), terms(&pairs));
    }
    text
}

/// What figures have in common that may share a table.
fn footing(pair: &BTreeMap<Variant, Outcome>) -> String {
    let Some(any) = pair.values().next() else { return String::new() };
    match any.adaptation {
        AdaptationMode::None => format!("{}, no adaptation", any.corpus),
        mode => format!("{}, {} adaptation", any.corpus, mode.name()),
    }
}

/// Text that stays within its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn alternatives(pairs: &[&BTreeMap<Variant, Outcome>]) -> String {
    let mut text =
        "| recipe | UAR | WAR | what it is | chosen | seconds |\n| --- | --: | --: | --- | --- | --: |\n".to_owned();
    for outcome in pairs.iter().flat_map(|pair| pair.values()) {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {:.0} |",
            outcome.recipe,
            with_interval(&outcome.uar),
            outcome.figure(Figure::Accuracy).map_or_else(String::new, with_interval),
            cell(&outcome.description),
            cell(&outcome.chosen.join("; ")),
            outcome.seconds,
        );
    }
    text
}

/// A key by which 50 stands before 100: the words of a name, each with the number behind it.
fn counting_order(name: &str) -> Vec<(String, u64)> {
    let digits = |c: char| c.is_ascii_digit();
    let mut key = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let (word, behind) = rest.split_at(rest.find(digits).unwrap_or(rest.len()));
        let (number, behind) = behind.split_at(behind.find(|c| !digits(c)).unwrap_or(behind.len()));
        key.push((word.to_owned(), number.parse().unwrap_or(0)));
        rest = behind;
    }
    key
}

/// The first word of the row, by which the rows of one system belong together.
fn system(pair: &BTreeMap<Variant, Outcome>) -> Option<String> {
    let reference = pair.values().next()?.reference.as_ref()?;
    reference.row.split_whitespace().next().map(str::to_owned)
}

fn row(pair: &BTreeMap<Variant, Outcome>) -> String {
    let any = pair.values().next();
    let row = any.and_then(|outcome| outcome.reference.as_ref()).map(|reference| reference.row.clone());
    row.or_else(|| any.map(|outcome| outcome.recipe.clone())).unwrap_or_default()
}

fn table(pairs: &[&BTreeMap<Variant, Outcome>]) -> String {
    let mut text = "| row | recipe | figure | published | original | honest | gap | honest UAR | seconds |\n\
                    | --- | --- | --- | --: | --: | --: | --: | --: | --: |\n"
        .to_owned();
    for pair in pairs {
        let (original, honest) = (pair.get(&Variant::Original), pair.get(&Variant::Honest));
        let Some(any) = honest.or(original) else { continue };
        let published: &[Published] = any.reference.as_ref().map_or(&[], |reference| &reference.published);
        let figures: Vec<(Figure, Option<&Published>)> = if published.is_empty() {
            vec![(Figure::Accuracy, None)]
        } else {
            published.iter().map(|published| (published.figure, Some(published))).collect()
        };
        for (index, (figure, published)) in figures.into_iter().enumerate() {
            let (from, to) = (original.and_then(|it| it.figure(figure)), honest.and_then(|it| it.figure(figure)));
            let first = |cell: String| if index == 0 { cell } else { String::new() };
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                first(row(pair)),
                first(format!("`{}`", any.recipe)),
                figure.name(),
                published.map_or_else(String::new, |it| with_sd(it.value, it.sd)),
                from.map_or_else(String::new, with_folds),
                to.map_or_else(String::new, with_interval),
                from.zip(to).map_or_else(String::new, |(from, to)| format!("{:+.3}", from.pooled - to.pooled)),
                first(honest.map_or_else(String::new, |it| with_interval(&it.uar))),
                first(format!("{:.0}", pair.values().map(|it| it.seconds).sum::<f64>())),
            );
        }
    }
    text
}

fn with_sd(value: f64, sd: Option<f64>) -> String {
    sd.map_or_else(|| format!("{value:.3}"), |sd| format!("{value:.3} ± {sd:.3}"))
}

/// The pooled figure, and that over folds where there are several.
fn with_folds(measured: &Measured) -> String {
    let folds = measured.over_folds.filter(|folds| folds.sd.is_some());
    let folds = folds.map_or_else(String::new, |folds| format!(" ({})", with_sd(folds.mean, folds.sd)));
    format!("{:.3}{folds}", measured.pooled)
}

fn with_interval(measured: &Measured) -> String {
    let interval =
        measured.interval.as_ref().map_or_else(String::new, |it| format!(" [{:.3}, {:.3}]", it.low, it.high));
    format!("{:.3}{interval}", measured.pooled)
}

/// What the figures hold under. Rows with the same words share a line.
fn terms(pairs: &[&BTreeMap<Variant, Outcome>]) -> String {
    let mut lines = Vec::<(String, BTreeSet<String>)>::new();
    let mut add = |line: String, row: &str| match lines.iter_mut().find(|(known, _)| *known == line) {
        Some((_, rows)) => {
            rows.insert(row.to_owned());
        }
        None => lines.push((line, BTreeSet::from([row.to_owned()]))),
    };
    for pair in pairs {
        let row = row(pair);
        for outcome in pair.values() {
            let mut line = format!("*{}*: {}, {}", outcome.variant.name(), outcome.corpus, outcome.terms);
            for remark in outcome.leaks.iter().map(|leak| format!("leak: {leak}")).chain(outcome.warnings.clone()) {
                let _ = write!(line, "; {remark}");
            }
            add(line, &row);
        }
        if let Some(note) = pair.values().next().and_then(|outcome| outcome.reference.as_ref()).map(|it| &it.note)
            && !note.is_empty()
        {
            add(note.clone(), &row);
        }
    }
    let mut text = String::new();
    for (line, rows) in lines {
        let whose = if rows.len() == pairs.len() { "all rows".into() } else { Vec::from_iter(rows).join(", ") };
        let _ = write!(text, "\n- {whose}: {line}");
    }
    text.push('\n');
    text
}
