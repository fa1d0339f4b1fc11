//! How accuracy differs between groups of recordings, between classes and between runs.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::bootstrap::{
    Clusters, FEWEST_SPEAKERS, check_classes, count_cells, interval_where_defined, percentiles, resample,
};
use crate::confusion::ratio;
use crate::{BootstrapParams, EvaluationError, Figures, Interval, Metric, Outcome, Resampled, bootstrap_interval};

/// A figure with its interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// Where it plausibly lies; `None` where most resamples lack the figure.
    pub interval: Option<Interval>,
}

/// How well the recordings of one group are recognised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupAccuracy {
    /// The group's name.
    pub group: String,
    /// The number of its recordings.
    pub answers: usize,
    /// The number of its speakers; `None` if any is unknown.
    pub speakers: Option<usize>,
    /// The share of its recordings that are recognised, from 0 to 1: [`Metric::War`].
    pub accuracy: f64,
    /// The interval of the accuracy; a group of fewer than 3 speakers tells by its method that recordings were drawn.
    pub interval: Interval,
    /// [`Metric::Uar`] of the group. `None` where it lacks a class that other answers have: a mean over other classes could
    /// not be compared.
    pub uar: Option<f64>,
}

/// The accuracy of each group of recordings (the speakers, sexes, sentences, lengths …), in the order of their names.
///
/// `groups` has the name of the group of each outcome, or none. The intervals are those of
/// [`bootstrap_interval`]: over the speakers of the group where there are 3, and otherwise over its recordings. Those of a
/// group do not depend on what other groups there are. Many groups have some that differ by chance: of 20 intervals at 95 %, one
/// misses on average.
///
/// # Errors
/// * [`InvalidParameter`](EvaluationError::InvalidParameter): see [`BootstrapParams::check`].
/// * [`Mismatch`](EvaluationError::Mismatch): `groups` and `outcomes` differ in length.
///
/// ```
/// use stimmung_evaluation::{BootstrapParams, Outcome, accuracy_by_group};
///
/// let outcome = |truth, predicted| Outcome { truth, predicted, speaker: Some("03") };
/// let outcomes = [outcome(0, 0), outcome(1, 1), outcome(0, 0), outcome(1, 0), outcome(1, 1)];
/// let groups = [Some("short"), Some("short"), Some("long"), Some("long"), None];
/// let [long, short] = &accuracy_by_group(&outcomes, &groups, &BootstrapParams::default(), 1)?[..] else { panic!() };
/// assert_eq!((long.group.as_str(), long.answers, long.accuracy), ("long", 2, 0.5));
/// assert_eq!((short.uar, short.speakers), (Some(1.0), Some(1)));
/// assert_eq!(short.interval.method.to_string(), "bootstrap over recordings"); // one voice says nothing of others
/// # Ok::<(), stimmung_evaluation::EvaluationError>(())
/// ```
pub fn accuracy_by_group(
    outcomes: &[Outcome<'_>],
    groups: &[Option<&str>],
    params: &BootstrapParams,
    seed: u64,
) -> Result<Vec<GroupAccuracy>, EvaluationError> {
    params.check()?;
    check_groups(outcomes, groups)?;
    let classes = outcomes.iter().map(|outcome| outcome.truth).collect::<BTreeSet<_>>().len();
    let mut members: BTreeMap<&str, Vec<Outcome<'_>>> = BTreeMap::new();
    for (outcome, group) in outcomes.iter().zip(groups) {
        if let Some(group) = group {
            members.entry(group).or_default().push(*outcome);
        }
    }
    members.into_iter().map(|(group, outcomes)| of_group(group, &outcomes, classes, params, seed)).collect()
}

/// The figures of one group, of whose outcomes there are some.
fn of_group(
    group: &str,
    outcomes: &[Outcome<'_>],
    classes: usize,
    params: &BootstrapParams,
    seed: u64,
) -> Result<GroupAccuracy, EvaluationError> {
    // To the accuracy all that is right is one class.
    let right_or_wrong: Vec<Outcome<'_>> = outcomes
        .iter()
        .map(|outcome| Outcome { truth: 0, predicted: usize::from(!is_right(outcome)), ..*outcome })
        .collect();
    let speakers: Option<BTreeSet<&str>> = outcomes.iter().map(|outcome| outcome.speaker).collect();
    Ok(GroupAccuracy {
        group: group.to_owned(),
        answers: outcomes.len(),
        speakers: speakers.map(|speakers| speakers.len()),
        accuracy: Tally::of(outcomes).accuracy(),
        interval: bootstrap_interval(&right_or_wrong, 2, Metric::War, params, seed)?,
        uar: uar_over(outcomes, classes),
    })
}

fn is_right(outcome: &Outcome<'_>) -> bool {
    outcome.truth == outcome.predicted
}

/// The mean recall, if so many classes occur.
fn uar_over(outcomes: &[Outcome<'_>], classes: usize) -> Option<f64> {
    let mut recalls: BTreeMap<usize, Tally> = BTreeMap::new();
    for outcome in outcomes {
        recalls.entry(outcome.truth).or_default().add(outcome);
    }
    (recalls.len() == classes).then(|| recalls.values().map(Tally::accuracy).sum::<f64>() / classes as f64)
}

/// Right answers among all.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    right: u64,
    all: u64,
}

impl Tally {
    fn of(outcomes: &[Outcome<'_>]) -> Self {
        let mut tally = Self::default();
        for outcome in outcomes {
            tally.add(outcome);
        }
        tally
    }

    fn add(&mut self, outcome: &Outcome<'_>) {
        self.right += u64::from(is_right(outcome));
        self.all += 1;
    }

    fn add_times(&mut self, other: &Self, times: u32) {
        self.right += other.right * u64::from(times);
        self.all += other.all * u64::from(times);
    }

    /// 0 of none.
    fn accuracy(&self) -> f64 {
        ratio(self.right, self.all)
    }
}

fn check_groups(outcomes: &[Outcome<'_>], groups: &[Option<&str>]) -> Result<(), EvaluationError> {
    if groups.len() == outcomes.len() {
        return Ok(());
    }
    Err(EvaluationError::mismatch("groups of the outcomes", outcomes.len(), groups.len()))
}

/// How much better one group of recordings is recognised than another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupDifference {
    /// The group whose accuracy counts.
    pub group: String,
    /// The group that it is compared with.
    pub against: String,
    /// The accuracy of `group` minus that of `against`, from −1 to 1, with its interval.
    pub difference: Estimate,
    /// Whether some speaker is in both groups: each drawn speaker then brings the recordings of both, and what makes a voice hard
    /// to recognise cancels out.
    pub paired: bool,
}

/// The difference between the accuracies of two of the `groups`, with a percentile interval by the bootstrap.
///
/// Where a speaker is in both groups (two sentences, two lengths), the speakers of both are drawn together, each with the
/// recordings of both groups. Where the groups are of different speakers (two sexes), as many as each group has are drawn
/// from it by themselves: the two-sample bootstrap (B. Efron & R. J. Tibshirani, An Introduction to the Bootstrap,
/// 1993, section 8.3). Recordings are drawn instead, from each group by itself, where a speaker is unknown, or where there are
/// fewer than 3: in all if some are in both groups, in either group if none is.
///
/// Exchanging the groups turns the sign, of the interval too.
///
/// # Errors
/// * [`InvalidParameter`](EvaluationError::InvalidParameter): see [`BootstrapParams::check`].
/// * [`Mismatch`](EvaluationError::Mismatch): `groups` and `outcomes` differ in length, a group has no outcome, or both are the
///   same.
///
/// ```
/// use stimmung_evaluation::{BootstrapParams, Outcome, accuracy_difference};
///
/// let speakers = ["a", "b", "c", "d", "e", "f"];
/// let outcomes: Vec<_> = (0..24)
///     .map(|i| Outcome { truth: 0, predicted: usize::from(i % 12 == 1), speaker: Some(speakers[i / 4]) })
///     .collect();
/// let sexes: Vec<_> = (0..24).map(|i| Some(if i < 12 { "female" } else { "male" })).collect();
/// let it = accuracy_difference(&outcomes, &sexes, "female", "male", &BootstrapParams::default(), 1)?;
/// assert_eq!((it.difference.value, it.paired), (0.0, false));
/// # Ok::<(), stimmung_evaluation::EvaluationError>(())
/// ```
pub fn accuracy_difference(
    outcomes: &[Outcome<'_>],
    groups: &[Option<&str>],
    group: &str,
    against: &str,
    params: &BootstrapParams,
    seed: u64,
) -> Result<GroupDifference, EvaluationError> {
    params.check()?;
    check_groups(outcomes, groups)?;
    if group == against {
        return Err(EvaluationError::mismatch("groups to compare", "two", format!("{group:?} twice")));
    }
    // In the order of their names, so that the same resamples answer for both directions.
    let names = [group.min(against), group.max(against)];
    let sides = names.map(|name| {
        let members = outcomes.iter().zip(groups).filter(|(_, group)| **group == Some(name));
        members.map(|(outcome, _)| *outcome).collect::<Vec<_>>()
    });
    for (name, side) in names.iter().zip(&sides) {
        if side.is_empty() {
            return Err(EvaluationError::mismatch(format!("outcomes of the group {name:?}"), "at least 1", 0));
        }
    }
    let pool = Pool::new(&sides);
    let sign = if group == names[0] { 1.0 } else { -1.0 };
    let difference = |of: &[Tally; 2]| sign * (of[0].accuracy() - of[1].accuracy());
    let mut figures = Vec::with_capacity(params.resamples);
    resample(&[0..pool.first, pool.first..pool.units.len()], params, seed, |times| {
        let mut drawn = [Tally::default(); 2];
        for (unit, &times) in pool.units.iter().zip(times) {
            drawn.iter_mut().zip(unit).for_each(|(side, unit)| side.add_times(unit, times));
        }
        if drawn.iter().all(|side| side.all > 0) {
            figures.push(difference(&drawn));
        }
    });
    Ok(GroupDifference {
        group: group.to_owned(),
        against: against.to_owned(),
        difference: Estimate {
            value: difference(&sides.each_ref().map(|side| Tally::of(side))),
            interval: interval_where_defined(figures, pool.method, params),
        },
        paired: pool.paired,
    })
}

/// What is drawn to compare two groups: the answers of each unit in either.
struct Pool {
    method: Resampled,
    paired: bool,
    units: Vec<[Tally; 2]>,
    /// The units of the first stratum; the rest are the second.
    first: usize,
}

impl Pool {
    fn new(sides: &[Vec<Outcome<'_>>; 2]) -> Self {
        let speakers = sides.each_ref().map(|side| side.iter().map(|it| it.speaker).collect::<Option<BTreeSet<_>>>());
        let (over_speakers, paired) = match &speakers {
            [Some(one), Some(other)] if one.is_disjoint(other) => {
                (one.len().min(other.len()) >= FEWEST_SPEAKERS, false)
            }
            [Some(one), Some(other)] => (one.union(other).count() >= FEWEST_SPEAKERS, true),
            _ => (false, false),
        };
        let paired = paired && over_speakers;
        // By stratum, speaker and, where recordings are drawn, recording.
        let mut units: BTreeMap<(usize, &str, usize), [Tally; 2]> = BTreeMap::new();
        for (number, side) in sides.iter().enumerate() {
            let stratum = if paired { 0 } else { number };
            for (index, outcome) in side.iter().enumerate() {
                let key = match outcome.speaker {
                    Some(speaker) if over_speakers => (stratum, speaker, 0),
                    _ => (stratum, "", index),
                };
                units.entry(key).or_default()[number].add(outcome);
            }
        }
        Self {
            method: if over_speakers { Resampled::Speakers } else { Resampled::Recordings },
            paired,
            first: units.keys().filter(|(stratum, ..)| *stratum == 0).count(),
            units: units.into_values().collect(),
        }
    }
}

/// The figures of one class with their intervals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassIntervals {
    /// The class.
    pub class: String,
    /// The number of recordings of this class.
    pub support: u64,
    /// The number of predictions of this class.
    pub predicted: u64,
    /// Of the predictions of this class, the share that are right; 0 if there are none.
    pub precision: Estimate,
    /// Of the recordings of this class, the share that are recognised; 0 if there are none.
    pub recall: Estimate,
    /// The harmonic mean of precision and recall; 0 if the class is never recognised.
    pub f1: Estimate,
}

/// Precision, recall and F1 of each class, in the order of `classes`, with intervals as
/// [`bootstrap_interval`] makes them, all from the same resamples.
///
/// A figure whose denominator is 0 is 0, as in [`ClassScores`](crate::ClassScores). A resample that has no denominator for it says
/// nothing of it: the interval is that of the others, and `None` where they are fewer than half.
///
/// # Errors
/// * [`InvalidParameter`](EvaluationError::InvalidParameter): see [`BootstrapParams::check`].
/// * [`Mismatch`](EvaluationError::Mismatch): a class that is not among `classes`.
///
/// ```
/// use stimmung_evaluation::{BootstrapParams, Outcome, class_intervals};
///
/// let classes = ["anger", "fear", "joy"].map(str::to_owned);
/// let outcome = |truth, predicted| Outcome { truth, predicted, speaker: None };
/// let outcomes = [outcome(0, 0), outcome(0, 1), outcome(0, 0), outcome(1, 1)];
/// let of_classes = class_intervals(&classes, &outcomes, &BootstrapParams::default(), 1)?;
/// assert_eq!((of_classes[0].recall.value, of_classes[1].precision.value), (2.0 / 3.0, 0.5));
/// assert_eq!(of_classes[2].recall.interval, None); // joy does not occur
/// # Ok::<(), stimmung_evaluation::EvaluationError>(())
/// ```
pub fn class_intervals(
    classes: &[String],
    outcomes: &[Outcome<'_>],
    params: &BootstrapParams,
    seed: u64,
) -> Result<Vec<ClassIntervals>, EvaluationError> {
    params.check()?;
    let size = classes.len();
    check_classes(outcomes, size)?;
    let clusters = Clusters::new(outcomes);
    let cells = clusters.cells(outcomes, size);
    let mut counts = vec![0; size * size];

    count_cells(&mut counts, &cells, &vec![1; cells.len()]);
    let found = fractions(&counts, size);
    let mut figures: Vec<[Vec<f64>; 3]> = vec![Default::default(); size];
    clusters.resample(params, seed, |times| {
        count_cells(&mut counts, &cells, times);
        for (figures, fractions) in figures.iter_mut().zip(fractions(&counts, size)) {
            for (figures, (part, whole)) in figures.iter_mut().zip(fractions) {
                if whole > 0 {
                    figures.push(ratio(part, whole));
                }
            }
        }
    });
    let of_class = |((class, fractions), mut figures): ((&String, Fractions), [Vec<f64>; 3])| {
        let [precision, recall, f1] = std::array::from_fn(|figure| Estimate {
            value: ratio(fractions[figure].0, fractions[figure].1),
            interval: interval_where_defined(std::mem::take(&mut figures[figure]), clusters.method, params),
        });
        let [(_, predicted), (_, support), _] = fractions;
        ClassIntervals { class: class.clone(), support, predicted, precision, recall, f1 }
    };
    Ok(classes.iter().zip(found).zip(figures).map(of_class).collect())
}

/// Precision, recall and F1 as numerator and denominator.
type Fractions = [(u64, u64); 3];

/// The figures of each class.
fn fractions(counts: &[u64], classes: usize) -> Vec<Fractions> {
    let mut predicted = vec![0; classes];
    for row in counts.chunks(classes.max(1)) {
        predicted.iter_mut().zip(row).for_each(|(sum, count)| *sum += count);
    }
    let rows = counts.chunks(classes.max(1)).zip(predicted).enumerate();
    rows.map(|(class, (row, predicted))| {
        let (hits, support) = (row[class], row.iter().sum());
        [(hits, predicted), (hits, support), (2 * hits, support + predicted)]
    })
    .collect()
}

/// How two runs differ on the same recordings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The number of recordings that both answered for.
    pub recordings: usize,
    /// The difference of each headline figure.
    pub figures: Figures<RunDifference>,
}

/// How a figure of one run differs from that of another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunDifference {
    /// The figure of the run that is compared with.
    pub baseline: f64,
    /// The figure of the run that might be better.
    pub candidate: f64,
    /// Candidate minus baseline, from −1 to 1.
    pub difference: f64,
    /// The interval of the difference.
    pub interval: Interval,
    /// The share of resamples in which the candidate is better; where it is as good, half counts. It says how sure the order of
    /// the two is, and is no probability of an error.
    pub better: f64,
}

impl RunDifference {
    /// Whether the interval leaves only one order of the two: 0 lies outside.
    pub fn is_clear(&self) -> bool {
        self.interval.low > 0.0 || self.interval.high < 0.0
    }
}

/// Compares the answers of two runs to the same recordings: `baseline[i]` and `candidate[i]` are for the same one.
///
/// Each resample is taken of the recordings once, and both runs are scored on it (the paired bootstrap; B. Efron & R. J.
/// Tibshirani, An Introduction to the Bootstrap, 1993, chapter 8; P. Koehn, Statistical Significance Tests for Machine
/// Translation Evaluation, EMNLP 2004), so what makes a voice hard for both cancels out: two runs can differ clearly although
/// their own intervals overlap. Drawn are speakers or recordings, as [`bootstrap_interval`] does. The interval is about new
/// recordings, not about a new training with another seed.
///
/// Exchanging the runs turns the sign, of the intervals too.
///
/// # Errors
/// * [`InvalidParameter`](EvaluationError::InvalidParameter): see [`BootstrapParams::check`].
/// * [`Mismatch`](EvaluationError::Mismatch): no outcomes, lists of different length, a recording whose truth or speaker
///   differs between them, or a class that is not below `classes`.
///
/// ```
/// use stimmung_evaluation::{BootstrapParams, Outcome, compare_runs};
///
/// let speakers = ["a", "b", "c", "d"];
/// let run = |right: usize| -> Vec<Outcome> {
///     (0..40).map(|i| Outcome { truth: 0, predicted: usize::from(i % 10 >= right), speaker: Some(speakers[i / 10]) }).collect()
/// };
/// let comparison = compare_runs(&run(6), &run(8), 2, &BootstrapParams::default(), 1)?;
/// let accuracy = &comparison.figures.war;
/// assert!((accuracy.difference - 0.2).abs() < 1e-12 && accuracy.is_clear());
/// # Ok::<(), stimmung_evaluation::EvaluationError>(())
/// ```
pub fn compare_runs(
    baseline: &[Outcome<'_>],
    candidate: &[Outcome<'_>],
    classes: usize,
    params: &BootstrapParams,
    seed: u64,
) -> Result<Comparison, EvaluationError> {
    params.check()?;
    check_same_recordings(baseline, candidate)?;
    let runs = [baseline, candidate];
    for run in runs {
        check_classes(run, classes)?;
    }
    let clusters = Clusters::new(baseline);
    let cells = runs.map(|run| clusters.cells(run, classes));
    let mut counts = vec![0; classes * classes];
    // For each run the figures in the order of `Metric::ALL`.
    let mut score = |times: &[u32]| {
        cells.each_ref().map(|cells| {
            count_cells(&mut counts, cells, times);
            Metric::ALL.map(|metric| metric.of(&counts, classes))
        })
    };
    let [of_baseline, of_candidate] = score(&vec![1; clusters.members.len()]);
    let mut differences = Metric::ALL.map(|_| Vec::with_capacity(params.resamples));
    clusters.resample(params, seed, |times| {
        let [baseline, candidate] = score(times);
        for (metric, differences) in differences.iter_mut().enumerate() {
            differences.push(candidate[metric] - baseline[metric]);
        }
    });
    let [uar, war, macro_f1] = std::array::from_fn(|metric| RunDifference {
        baseline: of_baseline[metric],
        candidate: of_candidate[metric],
        difference: of_candidate[metric] - of_baseline[metric],
        better: share_above_zero(&differences[metric]),
        interval: percentiles(std::mem::take(&mut differences[metric]), clusters.method, params.level),
    });
    Ok(Comparison { recordings: baseline.len(), figures: Figures { uar, war, macro_f1 } })
}

/// Zeros count half.
fn share_above_zero(values: &[f64]) -> f64 {
    let sum: f64 = values.iter().map(|&value| if value == 0.0 { 0.5 } else { f64::from(u8::from(value > 0.0)) }).sum();
    sum / values.len() as f64
}

fn check_same_recordings(baseline: &[Outcome<'_>], candidate: &[Outcome<'_>]) -> Result<(), EvaluationError> {
    if baseline.is_empty() {
        return Err(EvaluationError::mismatch("recordings to resample", "at least 1", 0));
    }
    if baseline.len() != candidate.len() {
        return Err(EvaluationError::mismatch("answers of the candidate", baseline.len(), candidate.len()));
    }
    let same = |(one, other): (&Outcome<'_>, &Outcome<'_>)| one.truth == other.truth && one.speaker == other.speaker;
    match baseline.iter().zip(candidate).position(|pair| !same(pair)) {
        Some(index) => {
            let what = format!("recording {index} of the two runs");
            Err(EvaluationError::mismatch(what, "the same truth and speaker", "others"))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
