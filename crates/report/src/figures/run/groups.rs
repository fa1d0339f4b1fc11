//! Accuracy by group: speakers, sexes, sentences, durations.

use std::collections::BTreeMap;

use stimmung::{SavedPrediction, SavedRun};
use stimmung_evaluation::{
    BootstrapParams, Correlation, GroupAccuracy, Pair, Resampled, accuracy_by_group, correlation,
};

use super::{missing, terms};
use crate::chart::{Axis, Chart};
use crate::figures::marks::{BoxNumbers, Rate, rate_axis, rates};
use crate::svg::Mark;
use crate::{Figure, ReportError, colour};

/// Groups beyond these are not drawn.
const MOST_GROUPS: usize = 60;

/// Accuracy by speaker.
///
/// # Errors
/// [`ReportError::Missing`] where no speaker is known.
pub fn by_speaker(run: &SavedRun) -> Result<Figure, ReportError> {
    by_group(run, "Accuracy by speaker", "speakers", |answer| answer.speaker.clone())
}

/// Accuracy by the speaker's sex.
///
/// # Errors
/// [`ReportError::Missing`] where it is not known.
pub fn by_sex(run: &SavedRun) -> Result<Figure, ReportError> {
    by_group(run, "Accuracy by the speaker's sex", "sexes", |answer| Some(run.recording(answer)?.sex?.to_string()))
}

/// Accuracy by what is said.
///
/// # Errors
/// [`ReportError::Missing`] where it is not known.
pub fn by_text(run: &SavedRun) -> Result<Figure, ReportError> {
    by_group(run, "Accuracy by sentence", "sentences", |answer| run.recording(answer)?.text.clone())
}

/// Accuracy by duration, in quarters of the recordings, with the correlation of the two.
///
/// # Errors
/// [`ReportError::Missing`] where durations are not known.
pub fn by_duration(run: &SavedRun) -> Result<Figure, ReportError> {
    let seconds: Vec<Option<f64>> = run.predictions.iter().map(|answer| run.recording(answer)?.seconds).collect();
    let mut known: Vec<f64> = seconds.iter().flatten().copied().collect();
    known.sort_by(f64::total_cmp);
    let Some(numbers) = BoxNumbers::of(&known) else {
        return Err(missing("durations", "this run was saved before they were kept; run the recipe again"));
    };
    let edges = [known[0], numbers.quartiles[0], numbers.quartiles[1], numbers.quartiles[2], known[known.len() - 1]];
    // Groups come in the order of their names, and "10" would come before "9".
    let quarter = |seconds: f64| edges[1..4].iter().take_while(|&&edge| seconds > edge).count();
    let name = |quarter: &str| {
        let quarter: usize = quarter.parse().unwrap_or_default();
        format!("{:.2} to {:.2} s", edges[quarter], edges[quarter + 1])
    };
    let groups: Vec<Option<String>> = seconds.iter().map(|it| it.map(|it| quarter(it).to_string())).collect();
    let pairs = pairs(run, &seconds);
    let told =
        correlation_words(correlation(&pairs, &BootstrapParams::default(), run.recipe.seed)?.as_ref(), "duration");
    grouped(run, "Accuracy by duration, in quarters of the recordings", &told, &groups, name)
}

/// The accuracy on each sentence against its length, which is the median of its recordings' durations.
///
/// # Errors
/// [`ReportError::Missing`] where sentences or durations are not known.
pub fn text_length(run: &SavedRun) -> Result<Figure, ReportError> {
    let mut texts: BTreeMap<&str, (Vec<f64>, usize)> = BTreeMap::new();
    for answer in &run.predictions {
        let Some(recording) = run.recording(answer) else { continue };
        if let (Some(text), Some(seconds)) = (&recording.text, recording.seconds) {
            let (lengths, right) = texts.entry(text).or_default();
            lengths.push(seconds);
            *right += usize::from(answer.truth == answer.predicted);
        }
    }
    let points: Vec<(&str, f64, f64)> = texts
        .iter()
        .filter_map(|(text, (lengths, right))| {
            Some((*text, BoxNumbers::of(lengths)?.quartiles[1], *right as f64 / lengths.len() as f64))
        })
        .collect();
    if points.is_empty() {
        return Err(missing(
            "sentences and durations",
            "the corpus does not tell what is said, or this run was saved before durations were kept",
        ));
    }
    let pairs: Vec<_> = points.iter().map(|&(_, x, y)| Pair { x, y, speaker: None }).collect();
    let found = correlation(&pairs, &BootstrapParams::default(), run.recipe.seed)?;
    let note = format!("{} {}", terms(run), correlation_words(found.as_ref(), "length"));
    let (low, high) = points.iter().fold((f64::MAX, f64::MIN), |(low, high), &(_, x, _)| (low.min(x), high.max(x)));
    let x = Axis::values("median duration of the sentence, seconds", low - 0.1, high + 0.1);
    Ok(Chart::new("Accuracy and length of each sentence", x, Axis::shares("accuracy")).note(&note).draw(
        &note,
        |canvas, area| {
            for (text, seconds, accuracy) in points {
                let tip = format!("{text}: {:.1} %, {seconds:.2} s", 100.0 * accuracy);
                canvas.mark(area.at(seconds, accuracy), Mark::Circle, 5.0, colour::MAIN, &tip);
            }
        },
    ))
}

fn pairs<'r>(run: &'r SavedRun, values: &[Option<f64>]) -> Vec<Pair<'r>> {
    let pair = |(answer, x): (&'r SavedPrediction, &Option<f64>)| {
        let y = f64::from(u8::from(answer.truth == answer.predicted));
        Some(Pair { x: (*x)?, y, speaker: answer.speaker.as_deref() })
    };
    run.predictions.iter().zip(values).filter_map(pair).collect()
}

fn correlation_words(found: Option<&Correlation>, what: &str) -> String {
    let Some(Correlation { pearson, .. }) = found else {
        return format!("No correlation with {what} can be told.");
    };
    // Never -0.00.
    let two = |value: f64| format!("{:.2}", (100.0 * value).round() / 100.0 + 0.0);
    let interval = pearson.interval.as_ref().map_or_else(String::new, |it| {
        format!(", {:.0} % interval {} to {}", 100.0 * it.level, two(it.low), two(it.high))
    });
    format!("Correlation of accuracy with {what}: {}{interval}.", two(pearson.value))
}

fn by_group(
    run: &SavedRun,
    title: &str,
    plural: &str,
    group: impl Fn(&SavedPrediction) -> Option<String>,
) -> Result<Figure, ReportError> {
    let groups: Vec<Option<String>> = run.predictions.iter().map(group).collect();
    if groups.iter().all(Option::is_none) {
        return Err(missing(plural, "the corpus does not tell them"));
    }
    grouped(run, title, "", &groups, str::to_owned)
}

/// Accuracy by group, in the order of the groups; `called` tells what a group is called in the figure.
fn grouped(
    run: &SavedRun,
    title: &str,
    told: &str,
    groups: &[Option<String>],
    called: impl Fn(&str) -> String,
) -> Result<Figure, ReportError> {
    let names: Vec<Option<&str>> = groups.iter().map(Option::as_deref).collect();
    let mut found = accuracy_by_group(&run.outcomes(), &names, &BootstrapParams::default(), run.recipe.seed)?;
    let mut note = format!("{} Dashed: all together. Lines: 95 % intervals{}.", terms(run), methods(&found));
    if !told.is_empty() {
        note = format!("{note} {told}");
    }
    if found.len() > MOST_GROUPS {
        // The most frequent ones, in their order.
        let mut sizes: Vec<usize> = found.iter().map(|group| group.answers).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        let least = sizes[MOST_GROUPS - 1];
        note = format!("{note} The {MOST_GROUPS} most frequent of {}.", found.len());
        found.retain(|group| group.answers >= least);
        found.truncate(MOST_GROUPS);
    }
    let rows: Vec<Rate> = found
        .iter()
        .map(|group| {
            let name = format!("{} ({})", called(&group.group), group.answers);
            Rate::new(name, group.accuracy, Some(&group.interval))
        })
        .collect();
    let y = Axis::names("", rows.iter().map(|rate| rate.name.clone()));
    let chart = Chart::new(title, rate_axis("accuracy"), y).note(note);
    Ok(rates(chart, &rows, Some(run.summary.war)))
}

fn methods(found: &[GroupAccuracy]) -> &'static str {
    let over = |method| found.iter().any(|group| group.interval.method == method);
    match (over(Resampled::Speakers), over(Resampled::Recordings)) {
        (true, false) => " for new speakers",
        (false, true) => " for new recordings of the same speakers",
        _ => "",
    }
}
