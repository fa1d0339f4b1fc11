//! Figures of a finished run: what its answers are worth, and where they fail.

mod groups;

use std::collections::BTreeSet;

use stimmung::{HistoryStep, Projection, SavedPrediction, SavedRun};
use stimmung_corpus::Recording;
use stimmung_evaluation::{
    BootstrapParams, CalibrationScores, ClassIntervals, Confidences, Estimate, Roc, class_intervals,
};
use stimmung_models::ModelParams;

pub use groups::{by_duration, by_sex, by_speaker, by_text, text_length};

use super::marks::{Rate, quantile, rate_axis, rates};
use crate::chart::{Axis, Chart, Key, Sign};
use crate::svg::{Anchor, FAINT, Mark, Pen, Style};
use crate::{Figure, ReportError, colour};

/// Cells of confusion matrices with less room carry no number.
const LEAST_CELL: f64 = 25.0;

/// How a confusion matrix is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Divided {
    /// Not at all: recordings.
    Counts,
    /// By the recordings of each emotion; the diagonal is recall.
    ByRow,
    /// By the answers of each emotion; the diagonal is precision.
    ByColumn,
}

/// What was taken for what.
pub fn confusion(run: &SavedRun, divided: Divided) -> Figure {
    let matrix = &run.summary.pooled.confusion;
    let counts: Vec<Vec<f64>> = matrix.counts().iter().map(|row| row.iter().map(|&n| n as f64).collect()).collect();
    let (shares, title, told) = match divided {
        Divided::Counts => {
            let most = counts.iter().flatten().copied().fold(1.0, f64::max);
            let shares = counts.iter().map(|row| row.iter().map(|n| n / most).collect()).collect();
            (shares, "Confusion matrix, recordings", "")
        }
        Divided::ByRow => (
            matrix.by_row(),
            "Confusion matrix by row",
            " Each row in per cent of its recordings: the diagonal is recall.",
        ),
        Divided::ByColumn => (
            matrix.by_column(),
            "Confusion matrix by column",
            " Each column in per cent of its answers: the diagonal is precision.",
        ),
    };
    let text = |row: usize, column: usize| match divided {
        Divided::Counts => format!("{}", counts[row][column]),
        _ => format!("{:.0}", 100.0 * shares[row][column]),
    };
    let classes = &run.classes;
    let x = Axis::names("answer", classes);
    let y = Axis::names("truth", classes);
    let note = format!("{}{told}", terms(run));
    let least = 40.0 * classes.len() as f64;
    Chart::new(title, x, y).note(&note).height(least).draw(&note, |canvas, area| {
        for row in 0..classes.len() {
            let (middle, height) = area.row(row);
            for column in 0..classes.len() {
                let (centre, width) = area.column(column);
                let (fill, ink) = colour::cell(shares[row][column]);
                let tip = format!("{} taken for {}: {}", classes[row], classes[column], counts[row][column]);
                canvas.bar(
                    (centre - width / 2.0 + 0.5, middle - height / 2.0 + 0.5),
                    (width - 1.0, height - 1.0),
                    &fill,
                    &tip,
                );
                if width >= LEAST_CELL && counts[row][column] > 0.0 {
                    let style = Style { size: 12.0, bold: false, fill: ink, anchor: Anchor::Middle };
                    canvas.text(centre, middle + 4.0, &text(row, column), style);
                }
            }
        }
    })
}

/// Recall, precision and F1 of each emotion with their intervals.
///
/// # Errors
/// [`ReportError::Evaluation`] where there is nothing to count.
pub fn classes(run: &SavedRun) -> Result<Figure, ReportError> {
    let found = class_intervals(&run.classes, &run.outcomes(), &BootstrapParams::default(), run.recipe.seed)?;
    let figures: [(&str, OfClass); 3] =
        [("recall", |it| &it.recall), ("precision", |it| &it.precision), ("F1", |it| &it.f1)];
    let mut rows = Vec::new();
    for class in &found {
        for (series, (_, of)) in figures.iter().enumerate() {
            let estimate = of(class);
            let name = if series == 0 { class.class.clone() } else { String::new() };
            let rate = Rate::new(name, estimate.value, estimate.interval.as_ref());
            rows.push(Rate { series, ..rate });
        }
    }
    let keys =
        figures.iter().enumerate().map(|(n, (name, _))| Key::new(*name, colour::series(n), Sign::Area)).collect();
    let note = format!("{}{}", terms(run), intervals_of(&found));
    let y = Axis::names("", rows.iter().map(|rate| rate.name.clone()));
    let chart = Chart::new("Recall, precision and F1 by emotion", rate_axis(""), y).note(note).legend(keys);
    Ok(rates(chart, &rows, None))
}

type OfClass = fn(&ClassIntervals) -> &Estimate;

fn intervals_of(found: &[ClassIntervals]) -> String {
    let interval = found.iter().find_map(|class| class.recall.interval.as_ref());
    interval.map_or_else(String::new, |it| format!(" Lines: {:.0} % intervals, {}.", 100.0 * it.level, it.method))
}

/// How sure the answers are, and how many of them are right.
///
/// # Errors
/// [`ReportError::Evaluation`] for probabilities that are none.
pub fn confidence(run: &SavedRun) -> Result<Figure, ReportError> {
    let found = confidences(run)?;
    let highest = found.histogram.iter().map(|bin| bin.right + bin.wrong).max().unwrap_or(0);
    let sure = found.curve.iter().find(|point| point.threshold >= 0.5);
    let told = sure.map_or_else(String::new, |point| match point.accuracy {
        Some(accuracy) => format!(
            " {:.1} % of the answers are at least 50 % sure; of these {:.1} % are right.",
            100.0 * point.share,
            100.0 * accuracy
        ),
        None => " No answer is 50 % sure.".to_owned(),
    });
    let ticks = (0..=5).map(|n| (f64::from(n * 20), format!("{} %", n * 20))).collect();
    let x = Axis::labelled("confidence: the probability of the answer", 0.0, 100.0, ticks);
    let y = Axis::from_zero("answers", highest as f64);
    let keys = vec![Key::new("right", colour::GOOD, Sign::Area), Key::new("wrong", colour::OTHER, Sign::Area)];
    let note = format!("{}{told}", terms(run));
    Ok(Chart::new("How sure the answers are", x, y).note(&note).legend(keys).draw(&note, |canvas, area| {
        for bin in &found.histogram {
            let (left, right) = (area.x(f64::from(bin.from_percent)) + 0.5, area.x(f64::from(bin.to_percent)) - 0.5);
            let (wrong, all) = (area.y(bin.wrong as f64), area.y((bin.wrong + bin.right) as f64));
            let of = format!("{} to {} %", bin.from_percent, bin.to_percent);
            canvas.bar(
                (left, wrong),
                (right - left, area.bottom() - wrong),
                colour::OTHER,
                &format!("{of}: {} wrong", bin.wrong),
            );
            canvas.bar((left, all), (right - left, wrong - all), colour::GOOD, &format!("{of}: {} right", bin.right));
        }
    }))
}

/// The accuracy of the answers that are at least so sure, and how many they are.
///
/// # Errors
/// As [`confidence`].
pub fn confidence_accuracy(run: &SavedRun) -> Result<Figure, ReportError> {
    let found = confidences(run)?;
    let keys = vec![
        Key::new("accuracy of these answers", colour::MAIN, Sign::Line { dashed: false }),
        Key::new("share of all answers", colour::QUIET, Sign::Line { dashed: true }),
    ];
    let x = Axis::shares("answers that are at least so sure");
    let note = terms(run);
    let chart = Chart::new("Accuracy above a threshold of confidence", x, Axis::shares("")).note(&note).legend(keys);
    Ok(chart.draw(&note, |canvas, area| {
        let share: Vec<_> = found.curve.iter().map(|point| area.at(point.threshold, point.share)).collect();
        canvas.polyline(&share, Pen::new(colour::QUIET, 2.0).dashed(), "");
        let accurate = found.curve.iter().filter_map(|point| Some(area.at(point.threshold, point.accuracy?)));
        canvas.polyline(&accurate.collect::<Vec<_>>(), Pen::new(colour::MAIN, 2.5), "");
    }))
}

fn confidences(run: &SavedRun) -> Result<Confidences, ReportError> {
    let sure: Vec<f32> = run.predictions.iter().map(SavedPrediction::confidence).collect();
    let right: Vec<bool> = run.predictions.iter().map(|answer| answer.truth == answer.predicted).collect();
    Ok(Confidences::new(&sure, &right)?)
}

fn answers(run: &SavedRun) -> Vec<(&[f32], usize)> {
    run.predictions.iter().map(|answer| (&answer.probabilities[..], answer.truth)).collect()
}

/// Receiver operating characteristics, each emotion against all others.
///
/// # Errors
/// As [`confidence`].
pub fn roc(run: &SavedRun) -> Result<Figure, ReportError> {
    let found = Roc::new(&run.classes, &answers(run))?;
    let mut keys = Vec::new();
    for (number, class) in found.classes.iter().enumerate() {
        let name = match &class.curve {
            Some(curve) => format!("{} ({:.3})", class.class, curve.auc),
            None => format!("{} (does not occur)", class.class),
        };
        keys.push(Key::new(name, colour::series(number), Sign::Line { dashed: number >= colour::COUNT }));
    }
    let mean = found.macro_auc.map_or_else(String::new, |auc| format!(" Mean area under the curves: {auc:.3}."));
    let note = format!("{} Areas under the curves in brackets.{mean}", terms(run));
    let x = Axis::shares("false positives");
    let chart = Chart::new("Each emotion against all others (ROC)", x, Axis::shares("true positives")).height(480.0);
    Ok(chart.note(&note).legend(keys).draw(&note, |canvas, area| {
        canvas.line(area.at(0.0, 0.0), area.at(1.0, 1.0), Pen::new(FAINT, 1.0).dashed());
        for (number, class) in found.classes.iter().enumerate() {
            let Some(curve) = &class.curve else { continue };
            let line: Vec<_> = curve.points.iter().map(|point| area.at(point.fpr, point.tpr)).collect();
            let pen = Pen { dashed: number >= colour::COUNT, ..Pen::new(colour::series(number), 2.0) };
            canvas.polyline(&line, pen, &format!("{}: area {:.3}", class.class, curve.auc));
        }
    }))
}

/// Reliability: accuracy against confidence, as the models answer and, where it could be judged, calibrated.
///
/// # Errors
/// As [`confidence`].
pub fn reliability(run: &SavedRun) -> Result<Figure, ReportError> {
    const AS_THEY_ARE: &str = "as the models answer";
    let mut own = None;
    let series: Vec<(&str, &CalibrationScores)> = match &run.summary.calibration {
        Some(it) => vec![(AS_THEY_ARE, &it.uncalibrated), ("calibrated on other folds", &it.calibrated)],
        None => vec![(AS_THEY_ARE, own.insert(CalibrationScores::new(&answers(run))?))],
    };
    let keys = series
        .iter()
        .enumerate()
        .map(|(n, (name, scores))| {
            Key::new(format!("{name}: ECE {:.3}", scores.ece), colour::series(n), Sign::Line { dashed: false })
        })
        .collect();
    let note = format!("{} Dashed: what is said is what holds. The larger a dot, the more answers.", terms(run));
    let chart = Chart::new("Reliability", Axis::shares("confidence"), Axis::shares("accuracy")).height(480.0);
    Ok(chart.note(&note).legend(keys).draw(&note, |canvas, area| {
        canvas.line(area.at(0.0, 0.0), area.at(1.0, 1.0), Pen::new(FAINT, 1.0).dashed());
        for (number, (_, scores)) in series.iter().enumerate() {
            let line: Vec<_> = scores.bins.iter().map(|bin| area.at(bin.confidence, bin.accuracy)).collect();
            canvas.polyline(&line, Pen::new(colour::series(number), 2.0), "");
            for bin in &scores.bins {
                let share = bin.answers as f64 / run.predictions.len().max(1) as f64;
                let tip = format!(
                    "{} answers, {:.1} % sure, {:.1} % right",
                    bin.answers,
                    100.0 * bin.confidence,
                    100.0 * bin.accuracy
                );
                let at = area.at(bin.confidence, bin.accuracy);
                canvas.mark(at, Mark::ALL[number], 3.0 + 12.0 * share.sqrt(), colour::series(number), &tip);
            }
        }
    }))
}

/// How many recordings each fold was trained on and judged by.
///
/// # Errors
/// [`ReportError::Missing`] for a run without folds.
pub fn folds(run: &SavedRun) -> Result<Figure, ReportError> {
    let folds = &run.summary.folds;
    let highest = folds.iter().map(|fold| fold.trained_on + fold.recordings).max();
    let Some(highest) = highest else { return Err(missing("folds", "the run has none")) };
    let keys = vec![Key::new("trained on", colour::MAIN, Sign::Area), Key::new("judged", colour::OTHER, Sign::Area)];
    let x = Axis::from_zero("recordings", highest as f64);
    let y = Axis::names("", folds.iter().map(|fold| &fold.name));
    let note = terms(run);
    Ok(Chart::new("The two sides of each fold", x, y).note(&note).legend(keys).draw(&note, |canvas, area| {
        for (row, fold) in folds.iter().enumerate() {
            let (middle, height) = area.row(row);
            let (trained, all) = (fold.trained_on as f64, (fold.trained_on + fold.recordings) as f64);
            let sides = [
                (0.0, trained, colour::MAIN, format!("{}: trained on {}", fold.name, fold.trained_on)),
                (trained, all, colour::OTHER, format!("{}: judged {}", fold.name, fold.recordings)),
            ];
            for (from, to, fill, tip) in sides {
                let (left, right) = (area.x(from), area.x(to));
                canvas.bar((left, middle - height * 0.36), (right - left, height * 0.72), fill, &tip);
            }
        }
    }))
}

/// The recordings on the first two principal components of their features, by emotion.
///
/// # Errors
/// [`ReportError::Missing`] for features of more than [`Projection::MOST_COLUMNS`] values, and for runs that were saved before this was kept.
pub fn pca_by_emotion(run: &SavedRun) -> Result<Figure, ReportError> {
    pca(run, "Principal components of the features, by emotion", |recording| recording.emotion.as_deref())
}

/// The recordings on the first two principal components of their features, by speaker.
///
/// # Errors
/// As [`pca_by_emotion`]; also where no speaker is known.
pub fn pca_by_speaker(run: &SavedRun) -> Result<Figure, ReportError> {
    if run.manifest.recordings.iter().all(|recording| recording.speaker.is_none()) {
        return Err(missing("speakers", "the corpus does not tell them"));
    }
    pca(run, "Principal components of the features, by speaker", |recording| recording.speaker.as_deref())
}

fn pca(run: &SavedRun, title: &str, group: fn(&Recording) -> Option<&str>) -> Result<Figure, ReportError> {
    let Some(Projection { explained, points }) = &run.projection else {
        let why = format!(
            "they are kept of features of at most {} values, and not by older versions",
            Projection::MOST_COLUMNS
        );
        return Err(missing("principal components", &why));
    };
    let name = |recording| group(recording).unwrap_or("(not known)");
    let names: BTreeSet<&str> = run.manifest.recordings.iter().map(name).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let keys =
        names.iter().enumerate().map(|(n, name)| Key::new(*name, colour::series(n), Sign::Point(colour::mark(n))));
    let axis = |place: usize| {
        let values = points.iter().map(|point| point[place]);
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        let share = 100.0 * explained[place];
        let label = format!("component {} ({share:.1} % of the variance)", place + 1);
        Axis::values(&label, low - 0.03 * (high - low), high + 0.03 * (high - low))
    };
    let note = format!(
        "{} on {}: {} recordings, features {}, each column standardised.",
        run.summary.name,
        run.summary.corpus,
        points.len(),
        run.recipe.features.name()
    );
    let chart = Chart::new(title, axis(0), axis(1)).note(&note).legend(keys.collect()).height(480.0);
    Ok(chart.draw(&note, |canvas, area| {
        for (recording, &[x, y]) in run.manifest.recordings.iter().zip(points) {
            let place = names.iter().position(|it| *it == name(recording)).unwrap_or(0);
            let tip = format!("{}: {}", recording.file.file_name().unwrap_or_default().display(), name(recording));
            canvas.mark(area.at(x, y), colour::mark(place), 3.5, colour::series(place), &tip);
        }
    }))
}

/// The training loss by epoch, one line a fold.
///
/// # Errors
/// [`ReportError::Missing`] for models that do not learn in steps, or do not tell.
pub fn loss(run: &SavedRun) -> Result<Figure, ReportError> {
    let lines: [(&str, OfStep); 2] = [("training", |step| step.loss), ("held out", |step| step.validation_loss)];
    history(run, "Loss over the training, by fold", "loss (nats)", &lines)
}

/// The accuracy by epoch, one line a fold: on the training part and, where the test part was watched, on it.
///
/// # Errors
/// As [`loss`].
pub fn accuracy(run: &SavedRun) -> Result<Figure, ReportError> {
    let lines: [(&str, OfStep); 2] =
        [("training", |step| step.accuracy), ("test part, watched", |step| step.watched_accuracy)];
    history(run, "Accuracy over the training, by fold", "accuracy", &lines)
}

type OfStep = fn(&HistoryStep) -> Option<f64>;

fn history(run: &SavedRun, title: &str, label: &str, lines: &[(&str, OfStep); 2]) -> Result<Figure, ReportError> {
    let folds = run.history.as_deref().unwrap_or_default();
    let values = |of: OfStep| folds.iter().flatten().filter_map(of).filter(|value| value.is_finite());
    let mut all: Vec<f64> = lines.iter().flat_map(|(_, of)| values(*of)).collect();
    all.sort_by(f64::total_cmp);
    let Some(&highest) = all.last() else {
        return Err(missing("the course of the training", "this kind of model does not tell how it learns"));
    };
    let last = folds.iter().flatten().map(|step| step.step).max().unwrap_or(1);
    let mut keys: Vec<Key> = run
        .folds
        .iter()
        .enumerate()
        .map(|(n, name)| Key::new(name.clone(), colour::series(n), Sign::Line { dashed: false }))
        .collect();
    if values(lines[1].1).next().is_some() {
        for ((name, _), dashed) in lines.iter().zip([false, true]) {
            keys.push(Key::new(*name, FAINT, Sign::Line { dashed }));
        }
    }
    let mut note = terms(run);
    // The first steps may be so far above the others that nothing else could be seen.
    let usual = quantile(&all, 0.95).unwrap_or(highest);
    let shares = label == "accuracy";
    let top = if !shares && usual > 0.0 && highest > 4.0 * usual { 2.0 * usual } else { highest };
    if top < highest {
        note = format!("{note} The lines begin above the figure, at up to {highest:.1}.");
    }
    let y = if shares {
        Axis::shares(label)
    } else if top < highest {
        // Lines that come from above touch the upper edge.
        Axis::values(label, 0.0, top)
    } else {
        Axis::from_zero(label, top)
    };
    let steps = match run.recipe.model {
        ModelParams::Boosting(_) => "round",
        ModelParams::Logistic(_) | ModelParams::Svm(_) => "step",
        _ => "epoch",
    };
    let chart = Chart::new(title, Axis::values(steps, 1.0, last as f64), y).note(&note).legend(keys);
    Ok(chart.draw(&note, |canvas, area| {
        for (number, fold) in folds.iter().enumerate() {
            for ((_, of), dashed) in lines.iter().zip([false, true]) {
                let line: Vec<_> = fold.iter().filter_map(|step| Some((step.step as f64, of(step)?))).collect();
                for part in up_to(top, &line) {
                    let part: Vec<_> = part.into_iter().map(|(step, value)| area.at(step, value)).collect();
                    canvas.polyline(&part, Pen { dashed, ..Pen::new(colour::series(number), 1.6) }, &run.folds[number]);
                }
            }
        }
    }))
}

/// The parts of a line that lie no higher than `top`, from and to where it crosses that height.
fn up_to(top: f64, line: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
    let mut parts = Vec::new();
    let mut part = Vec::new();
    let mut before: Option<(f64, f64)> = None;
    for &(x, y) in line.iter().filter(|(_, y)| y.is_finite()) {
        if let Some((x0, y0)) = before.filter(|&(_, y0)| (y0 > top) != (y > top)) {
            part.push((x0 + (x - x0) * (top - y0) / (y - y0), top));
        }
        if y <= top {
            part.push((x, y));
        } else if !part.is_empty() {
            parts.push(std::mem::take(&mut part));
        }
        before = Some((x, y));
    }
    parts.extend((!part.is_empty()).then_some(part));
    parts
}

/// The figures of several runs with their intervals, on one axis.
///
/// # Errors
/// [`ReportError::Missing`] for no runs.
pub fn compare(runs: &[SavedRun]) -> Result<Figure, ReportError> {
    if runs.is_empty() {
        return Err(missing("runs", "none is given"));
    }
    if let Some(other) = runs.iter().find(|run| run.recipe.adaptation.mode != runs[0].recipe.adaptation.mode) {
        let modes =
            [&runs[0], other].map(|run| format!("{} ({:?})", run.summary.name, run.recipe.adaptation.mode.name()));
        let why = format!(
            "{} know different things of the speaker, so their figures belong in no common table; compare runs of one mode of [adaptation]",
            modes.join(" and ")
        );
        return Err(missing("a comparison", &why));
    }
    let name = |run: &SavedRun| format!("{}, {}", run.summary.name, run.summary.corpus);
    let x = Axis::shares("");
    let y = Axis::names("", runs.iter().map(name));
    let keys = vec![
        Key::new("UAR (macro recall)", colour::MAIN, Sign::Point(Mark::Circle)),
        Key::new("WAR (accuracy)", colour::OTHER, Sign::Point(Mark::Square)),
    ];
    let told: Vec<String> = runs
        .iter()
        .map(|run| {
            format!("{}: UAR {:.3} {}; {}", name(run), run.summary.uar, run.summary.interval.uar, run.summary.protocol)
        })
        .collect();
    let mut protocols: Vec<&str> = runs.iter().map(|run| run.summary.protocol.as_str()).collect();
    protocols.dedup();
    let note = match protocols[..] {
        [protocol] => format!("All by the same protocol: {protocol}."),
        _ => {
            "The protocols differ, so the figures are not on one footing: rest the pointer on one, or see the reports."
                .to_owned()
        }
    };
    let chart = Chart::new("Runs compared", x, y).note(note).legend(keys);
    Ok(chart.draw(&told.join(". "), |canvas, area| {
        for (row, run) in runs.iter().enumerate() {
            let (middle, height) = area.row(row);
            let offset = (height * 0.2).min(9.0);
            let figures = [
                (run.summary.uar, &run.summary.interval.uar, Mark::Circle, colour::MAIN, middle - offset),
                (run.summary.war, &run.summary.interval.war, Mark::Square, colour::OTHER, middle + offset),
            ];
            for (value, interval, mark, fill, y) in figures {
                super::marks::whisker(canvas, (area.x(interval.low), area.x(interval.high)), y, 3.0);
                canvas.mark(
                    (area.x(value), y),
                    mark,
                    5.0,
                    fill,
                    &format!("{value:.3} {interval}; {}", run.summary.protocol),
                );
            }
        }
    }))
}

/// The terms on which the figures hold.
fn terms(run: &SavedRun) -> String {
    let summary = &run.summary;
    format!("{} on {}: {}, {} recordings.", summary.name, summary.corpus, summary.protocol, summary.recordings)
}

fn missing(what: &str, why: &str) -> ReportError {
    ReportError::Missing { what: what.to_owned(), why: why.to_owned() }
}

#[cfg(test)]
pub(crate) mod tests;
