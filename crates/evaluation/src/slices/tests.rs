use super::*;
use crate::Scores;
use proptest::prelude::*;

const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

fn params() -> BootstrapParams {
    BootstrapParams { resamples: 200, ..BootstrapParams::default() }
}

fn outcome(truth: usize, predicted: usize, speaker: &str) -> Outcome<'_> {
    Outcome { truth, predicted, speaker: Some(speaker) }
}

/// `of` recordings of one class by one speaker, of which so many are right.
fn hits(right: usize, of: usize, speaker: &str) -> Vec<Outcome<'_>> {
    (0..of).map(|i| outcome(0, usize::from(i >= right), speaker)).collect()
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|class| format!("c{class}")).collect()
}

/// Answers in four classes by up to eight speakers, each in one of three groups or none.
fn grouped() -> impl Strategy<Value = (Vec<Outcome<'static>>, Vec<Option<&'static str>>)> {
    prop::collection::vec((0..4_usize, 0..4_usize, 0..8_usize, 0..4_usize), 1..80).prop_map(|answers| {
        let of = |&(truth, predicted, speaker, group): &(usize, usize, usize, usize)| {
            (outcome(truth, predicted, NAMES[speaker]), ["x", "y", "z"].get(group).copied())
        };
        answers.iter().map(of).unzip()
    })
}

/// The differences of all pairs of groups that have answers.
fn differences(outcomes: &[Outcome<'_>], groups: &[Option<&str>]) -> Vec<GroupDifference> {
    let pairs = [("x", "y"), ("y", "x"), ("x", "z"), ("z", "x")];
    let found = pairs.map(|(one, other)| accuracy_difference(outcomes, groups, one, other, &params(), 4).ok());
    found.into_iter().flatten().collect()
}

fn assert_turned(interval: &Interval, other: &Interval) {
    assert!((interval.low + other.high).abs() < 1e-12 && (interval.high + other.low).abs() < 1e-12);
    assert_eq!((interval.resamples, interval.method), (other.resamples, other.method));
}

proptest! {
    #[test]
    fn groups_are_scored_as_if_they_stood_alone((outcomes, groups) in grouped(), seed: u64) {
        let found = accuracy_by_group(&outcomes, &groups, &params(), seed).unwrap();
        prop_assert!(found.windows(2).all(|pair| pair[0].group < pair[1].group));
        prop_assert_eq!(found.iter().map(|it| it.answers).sum::<usize>(), groups.iter().flatten().count());
        let present = |outcomes: &[Outcome<'_>]| outcomes.iter().map(|it| it.truth).collect::<BTreeSet<_>>();
        for group in found {
            let alone: Vec<_> = outcomes.iter().zip(&groups).filter(|it| *it.1 == Some(&group.group)).map(|it| *it.0).collect();
            let (truth, predicted): (Vec<_>, Vec<_>) = alone.iter().map(|it| (it.truth, it.predicted)).unzip();
            let scores = Scores::new(&names(4), &truth, &predicted).unwrap();
            prop_assert_eq!(group.accuracy, scores.war);
            prop_assert_eq!(group.uar.is_some(), present(&alone) == present(&outcomes));
            prop_assert!(group.uar.is_none_or(|uar| (uar - scores.uar).abs() < 1e-12));
            let interval = bootstrap_interval(&alone, 4, Metric::War, &params(), seed).unwrap();
            prop_assert_eq!(group.interval, interval);
            prop_assert_eq!(group.speakers, Some(alone.iter().map(|it| it.speaker).collect::<BTreeSet<_>>().len()));
        }
    }

    #[test]
    fn exchanged_groups_turn_the_difference((outcomes, groups) in grouped()) {
        for pair in differences(&outcomes, &groups).chunks(2) {
            prop_assert_eq!(pair[0].difference.value, -pair[1].difference.value);
            prop_assert_eq!(pair[0].paired, pair[1].paired);
            match (&pair[0].difference.interval, &pair[1].difference.interval) {
                (Some(one), Some(other)) => {
                    prop_assert!(-1.0 <= one.low && one.low <= one.high && one.high <= 1.0);
                    assert_turned(one, other);
                }
                (one, other) => prop_assert_eq!(one, other),
            }
        }
    }

    #[test]
    fn exchanged_runs_turn_the_comparison((outcomes, _) in grouped(), changed in prop::collection::vec(0..4_usize, 80)) {
        let other: Vec<_> = outcomes.iter().zip(changed).map(|(it, predicted)| Outcome { predicted, ..*it }).collect();
        let there = compare_runs(&outcomes, &other, 4, &params(), 9).unwrap();
        let back = compare_runs(&other, &outcomes, 4, &params(), 9).unwrap();
        let same = compare_runs(&other, &other, 4, &params(), 9).unwrap();
        for metric in Metric::ALL {
            let (there, back, same) = (there.figures.get(metric), back.figures.get(metric), same.figures.get(metric));
            prop_assert_eq!((there.baseline, there.candidate), (back.candidate, back.baseline));
            prop_assert_eq!(there.difference, -back.difference);
            prop_assert!((there.better + back.better - 1.0).abs() < 1e-12);
            assert_turned(&there.interval, &back.interval);
            prop_assert_eq!((same.difference, same.interval.low, same.interval.high), (0.0, 0.0, 0.0));
            prop_assert_eq!((same.better, same.is_clear()), (0.5, false));
        }
        let truth: Vec<_> = other.iter().map(|it| it.truth).collect();
        let predicted: Vec<_> = other.iter().map(|it| it.predicted).collect();
        let scores = Scores::new(&names(4), &truth, &predicted).unwrap();
        for metric in Metric::ALL {
            prop_assert_eq!(there.figures.get(metric).candidate, scores.get(metric));
        }
    }

    #[test]
    fn class_figures_are_those_of_the_scores_within_their_intervals((outcomes, _) in grouped(), seed: u64) {
        let (truth, predicted): (Vec<_>, Vec<_>) = outcomes.iter().map(|it| (it.truth, it.predicted)).unzip();
        let scores = Scores::new(&names(4), &truth, &predicted).unwrap();
        let found = class_intervals(&names(4), &outcomes, &params(), seed).unwrap();
        prop_assert_eq!(&found, &class_intervals(&names(4), &outcomes, &params(), seed).unwrap());
        for (found, scores) in found.iter().zip(&scores.classes) {
            prop_assert_eq!((&found.class, found.support, found.predicted), (&scores.class, scores.support, scores.predicted));
            let values = [found.precision.value, found.recall.value, found.f1.value];
            prop_assert_eq!(values, [scores.precision, scores.recall, scores.f1]);
            for interval in [&found.precision, &found.recall, &found.f1].into_iter().filter_map(|it| it.interval.as_ref()) {
                prop_assert!(0.0 <= interval.low && interval.low <= interval.high && interval.high <= 1.0);
                prop_assert!(interval.resamples >= 100);
            }
            prop_assert!(scores.support > 0 || found.recall.interval.is_none());
            prop_assert!(scores.predicted > 0 || found.precision.interval.is_none());
        }
    }
}

#[test]
fn groups_of_different_speakers_are_drawn_by_themselves() {
    // All of a group are alike: whoever is drawn, the difference stays.
    let women = ["a", "b", "c"].into_iter().flat_map(|name| hits(3, 4, name));
    let men = ["d", "e", "f", "g"].into_iter().flat_map(|name| hits(2, 4, name));
    let outcomes: Vec<_> = women.chain(men).collect();
    let groups: Vec<_> = (0..28).map(|i| Some(if i < 12 { "female" } else { "male" })).collect();
    let it = accuracy_difference(&outcomes, &groups, "female", "male", &params(), 1).unwrap();
    let interval = it.difference.interval.unwrap();
    assert_eq!((it.difference.value, interval.low, interval.high), (0.25, 0.25, 0.25));
    assert_eq!((interval.method, interval.resamples, it.paired), (Resampled::Speakers, 200, false));
}

#[test]
fn two_samples_spread_as_their_variances_add() {
    // Single recordings of 0.8 and 0.6 right, 200 each: 0.2 ± 1.96 · sqrt(0.16 / 200 + 0.24 / 200).
    let group =
        |right: usize| (0..200).map(move |i| Outcome { truth: 0, predicted: usize::from(i >= right), speaker: None });
    let outcomes: Vec<_> = group(160).chain(group(120)).collect();
    let groups: Vec<_> = (0..400).map(|i| Some(if i < 200 { "x" } else { "y" })).collect();
    let it = accuracy_difference(&outcomes, &groups, "x", "y", &BootstrapParams::default(), 1).unwrap();
    let interval = it.difference.interval.unwrap();
    assert_eq!(interval.method, Resampled::Recordings);
    assert!((interval.low - 0.1123).abs() < 0.012 && (interval.high - 0.2877).abs() < 0.012, "{interval}");
}

#[test]
fn what_is_hard_about_a_speaker_cancels_out_between_groups_that_share_them() {
    // Each speaker does worse in the long sentences by the same, but the speakers differ.
    let outcomes: Vec<_> =
        (1..=8).flat_map(|n| [hits(n + 1, 10, NAMES[n - 1]), hits(n, 10, NAMES[n - 1])].concat()).collect();
    let groups: Vec<_> = (0..160).map(|i| Some(if i % 20 < 10 { "short" } else { "long" })).collect();
    let it = accuracy_difference(&outcomes, &groups, "short", "long", &params(), 1).unwrap();
    let interval = it.difference.interval.unwrap();
    assert!(it.paired && interval.method == Resampled::Speakers);
    assert!((interval.low - 0.1).abs() < 1e-12 && (interval.high - 0.1).abs() < 1e-12, "{interval}");
}

#[test]
fn resamples_without_one_of_the_groups_do_not_count() {
    // Only one of four speakers has both.
    let mut outcomes: Vec<_> = ["a", "b", "c", "d"].into_iter().flat_map(|name| hits(1, 2, name)).collect();
    outcomes.push(outcome(0, 0, "a"));
    let groups: Vec<_> = (0..9).map(|i| Some(if i < 8 { "x" } else { "y" })).collect();
    let interval = |resamples| {
        let params = BootstrapParams { resamples, ..BootstrapParams::default() };
        accuracy_difference(&outcomes, &groups, "x", "y", &params, 1).unwrap().difference.interval.unwrap()
    };
    // The speaker is drawn with probability 1 − (3 / 4)⁴.
    assert!((interval(2000).resamples as f64 - 2000.0 * 0.684).abs() < 100.0);
}

#[test]
fn few_or_unknown_speakers_fall_back_to_recordings() {
    let method = |speakers: &[Option<&'static str>]| {
        let outcomes: Vec<_> = speakers.iter().map(|&speaker| Outcome { truth: 0, predicted: 0, speaker }).collect();
        let groups: Vec<_> = (0..speakers.len()).map(|i| Some(if i % 2 == 0 { "x" } else { "y" })).collect();
        let it = accuracy_difference(&outcomes, &groups, "x", "y", &params(), 1).unwrap();
        (it.difference.interval.unwrap().method, it.paired)
    };
    let [a, b, c, d, e, f] = [0, 1, 2, 3, 4, 5].map(|number| Some(NAMES[number]));
    assert_eq!(method(&[a, d, b, e, c, f]), (Resampled::Speakers, false));
    assert_eq!(method(&[a, d, b, e, c]), (Resampled::Recordings, false));
    assert_eq!(method(&[a, a, b, b, c]), (Resampled::Speakers, true));
    assert_eq!(method(&[a, a, b, b]), (Resampled::Recordings, false));
    assert_eq!(method(&[a, d, b, e, c, None]), (Resampled::Recordings, false));

    let alone = accuracy_by_group(&hits(1, 3, "a"), &[Some("a"); 3], &params(), 1).unwrap();
    assert_eq!((alone[0].speakers, alone[0].interval.method), (Some(1), Resampled::Recordings));
}

#[test]
fn nothing_and_misfits_are_no_surprise() {
    assert!(accuracy_by_group(&[], &[], &params(), 1).unwrap().is_empty());
    assert!(accuracy_by_group(&hits(1, 1, "a"), &[None], &params(), 1).unwrap().is_empty());
    assert!(class_intervals(&[], &[], &params(), 1).unwrap().is_empty());
    let empty = class_intervals(&names(40), &[], &params(), 1).unwrap();
    assert!(empty.len() == 40 && empty.iter().all(|class| class.f1 == Estimate { value: 0.0, interval: None }));
    let one = compare_runs(&hits(1, 1, "a"), &hits(1, 1, "a"), 1, &params(), 1).unwrap();
    assert_eq!((one.recordings, one.figures.uar.candidate), (1, 1.0));

    let two = hits(1, 2, "a");
    let groups = [Some("x"), Some("y")];
    let difference = |one, other| accuracy_difference(&two, &groups, one, other, &params(), 1).map(|_| ());
    for misfit in [
        accuracy_by_group(&two, &[None], &params(), 1).map(|_| ()),
        accuracy_difference(&two, &[None], "x", "y", &params(), 1).map(|_| ()),
        difference("x", "x"),
        difference("x", "nobody"),
        class_intervals(&names(1), &two, &params(), 1).map(|_| ()),
        compare_runs(&[], &[], 2, &params(), 1).map(|_| ()),
        compare_runs(&two, &two[..1], 2, &params(), 1).map(|_| ()),
        compare_runs(&two, &hits(1, 2, "b"), 2, &params(), 1).map(|_| ()),
        compare_runs(&two, &two, 1, &params(), 1).map(|_| ()),
    ] {
        assert!(matches!(misfit, Err(EvaluationError::Mismatch { .. })), "{misfit:?}");
    }
    let wrong = BootstrapParams { level: f64::NAN, ..params() };
    for refused in [
        accuracy_by_group(&two, &groups, &wrong, 1).map(|_| ()),
        accuracy_difference(&two, &groups, "x", "y", &wrong, 1).map(|_| ()),
        class_intervals(&names(2), &two, &wrong, 1).map(|_| ()),
        compare_runs(&two, &two, 2, &wrong, 1).map(|_| ()),
    ] {
        assert!(matches!(refused, Err(EvaluationError::InvalidParameter { .. })), "{refused:?}");
    }
}

#[test]
fn runs_can_differ_clearly_although_their_own_intervals_overlap() {
    // Speakers from 10 to 80 % right, each a little better in the second run.
    let run = |more: usize| (1..=8).flat_map(move |n| hits(n + more, 10, NAMES[n - 1])).collect::<Vec<_>>();
    let war = compare_runs(&run(0), &run(1), 2, &params(), 1).unwrap().figures.war;
    assert!(war.is_clear() && war.better == 1.0, "{war:?}");
    assert!((war.interval.low - 0.1).abs() < 1e-12 && (war.interval.high - 0.1).abs() < 1e-12, "{war:?}");
    let [before, after] = [run(0), run(1)].map(|run| bootstrap_interval(&run, 2, Metric::War, &params(), 1).unwrap());
    assert!(before.high > after.low);
}

#[test]
fn a_class_of_one_speaker_has_an_interval_from_the_resamples_that_draw_them() {
    let mut outcomes: Vec<_> = NAMES.into_iter().flat_map(|name| hits(2, 4, name)).collect();
    outcomes.extend([outcome(1, 1, "a"), outcome(1, 0, "a")]);
    let found = class_intervals(&names(2), &outcomes, &BootstrapParams::default(), 1).unwrap();
    let interval = found[1].recall.interval.as_ref().unwrap();
    // A speaker of eight is drawn with probability 1 − (7 / 8)⁸.
    assert!((interval.resamples as f64 - 2000.0 * 0.656).abs() < 100.0, "{interval:?}");
    assert_eq!((interval.low, interval.high), (0.5, 0.5));
}

#[test]
fn everything_is_written_and_read_as_json() {
    let outcomes: Vec<_> = NAMES.into_iter().flat_map(|name| hits(2, 4, name)).collect();
    let found = class_intervals(&names(2), &outcomes, &params(), 1).unwrap();
    let again: Vec<ClassIntervals> = serde_json::from_str(&serde_json::to_string(&found).unwrap()).unwrap();
    assert_eq!(found, again);
}
