use std::sync::LazyLock;

use stimmung::corpus::synth::{SynthParams, synthesize};
use stimmung::recipe::DEFAULT_RECIPE;
use stimmung::{Experiment, Quiet, Recipe, save_run};
use stimmung_evaluation::Scores;

use super::*;
use crate::figure::tests::collisions;

/// A run on the synthetic corpus, by a network, so that there is a history.
pub(crate) static RUN: LazyLock<SavedRun> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let voices = folder.path().join("voices");
    let params = SynthParams { speakers: 4, takes: 1, ..SynthParams::default() };
    let manifest = synthesize(&voices, &params, &mut |_| {}).unwrap();
    let changes = ["model={kind=\"dense\", epochs=3}", "features={set=\"mfcc\", n=13, sd=true}", "scaling=standard"];
    let changes = changes.map(|change| change.parse().unwrap());
    let recipe = Recipe::with_overrides(DEFAULT_RECIPE, "test", &changes).unwrap();
    let experiment = Experiment::from_manifest(recipe, manifest, &Quiet).unwrap();
    let evaluated = experiment.evaluate(&Quiet).unwrap();
    let run = folder.path().join("run");
    save_run(&run, &experiment, &evaluated, None).unwrap();
    SavedRun::open(&run).unwrap()
});

/// Every figure of a run, or why it lacks one.
fn all(run: &SavedRun) -> Vec<Result<Figure, ReportError>> {
    vec![
        Ok(confusion(run, Divided::Counts)),
        Ok(confusion(run, Divided::ByRow)),
        Ok(confusion(run, Divided::ByColumn)),
        classes(run),
        by_speaker(run),
        by_sex(run),
        by_text(run),
        by_duration(run),
        text_length(run),
        confidence(run),
        confidence_accuracy(run),
        roc(run),
        reliability(run),
        pca_by_emotion(run),
        pca_by_speaker(run),
        folds(run),
        loss(run),
        accuracy(run),
        compare(&[run.clone(), run.clone()]),
    ]
}

/// The run with so many classes under awkward names, of which one never occurs.
pub(crate) fn with_classes(count: usize) -> SavedRun {
    let mut run = RUN.clone();
    run.classes = (0..count)
        .map(|n| match n % 3 {
            0 => format!("an emotion whose name is as long as sixty characters {n:07}"),
            1 => format!("\u{63a}\u{636}\u{628} \u{634}\u{62f}\u{64a}\u{62f} {n}"),
            _ => format!("e{n}"),
        })
        .collect();
    for (number, answer) in run.predictions.iter_mut().enumerate() {
        answer.truth = number % (count - 1).max(1);
        answer.predicted = number * 7 % 3 % count;
        answer.probabilities = vec![0.0; count];
        answer.probabilities[answer.predicted] = 1.0;
    }
    let list = |of: fn(&SavedPrediction) -> usize| run.predictions.iter().map(of).collect::<Vec<_>>();
    run.summary.pooled = Scores::new(&run.classes, &list(|it| it.truth), &list(|it| it.predicted)).unwrap();
    run.summary.calibration = None;
    run
}

/// The run as one speaker's, of whom nothing else is known, in one fold.
pub(crate) fn with_one_voice() -> SavedRun {
    let mut run = RUN.clone();
    run.folds = vec!["the only fold, with a name that goes on".into()];
    run.history = run.history.map(|history| vec![history[0].clone()]);
    for answer in &mut run.predictions {
        answer.speaker = Some("1".into());
        answer.fold = 0;
    }
    for recording in &mut run.manifest.recordings {
        (recording.sex, recording.text) = (None, None);
    }
    run
}

#[test]
fn a_whole_run_has_every_figure() {
    for figure in all(&RUN) {
        let figure = figure.unwrap();
        assert_eq!(collisions(&figure), Vec::<String>::new(), "{}", figure.svg);
    }
}

#[test]
fn no_run_breaks_a_figure() {
    for run in [with_classes(1), with_classes(2), with_classes(7), with_classes(40), with_one_voice()] {
        for figure in all(&run) {
            match figure {
                Ok(figure) => assert_eq!(collisions(&figure), Vec::<String>::new(), "{}", figure.svg),
                Err(ReportError::Missing { why, .. }) => assert!(!why.is_empty()),
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[test]
fn durations_come_in_their_order() {
    let mut run = RUN.clone();
    for (number, recording) in run.manifest.recordings.iter_mut().enumerate() {
        recording.seconds = Some(8.0 + number as f64);
    }
    let svg = by_duration(&run).unwrap().svg;
    let place = |name: &str| svg.find(name).unwrap_or_else(|| panic!("{name} is missing: {svg}"));
    let last = format!(" to {:.2} s (", 7.0 + run.manifest.recordings.len() as f64);
    assert!(place(">8.00 to ") < place(&last), "{svg}");
}

#[test]
fn lines_end_where_they_leave_the_figure() {
    let line = [(1.0, 2.0), (2.0, 0.0), (3.0, f64::INFINITY), (3.0, 0.0), (4.0, 2.0), (5.0, 4.0), (6.0, 0.0)];
    let first = vec![(1.5, 1.0), (2.0, 0.0), (3.0, 0.0), (3.5, 1.0)];
    let second = vec![(5.75, 1.0), (6.0, 0.0)];
    assert_eq!(up_to(1.0, &line), [first, second]);
    assert_eq!(up_to(9.0, &line[3..]), [line[3..].to_vec()]);
    assert!(up_to(1.0, &line[..1]).is_empty());
}

/// A run that learns in 100 steps, with this loss in the first two of them and this in the others.
fn with_losses(first: f64, others: f64) -> SavedRun {
    let step = |step: usize| {
        let loss = Some(if step <= 2 { first } else { others });
        HistoryStep { step, loss, validation_loss: None, accuracy: None, watched_accuracy: None }
    };
    let mut run = RUN.clone();
    run.history = Some(vec![(1..=100).map(step).collect(); run.folds.len()]);
    run
}

/// How many points each line of a figure has.
fn points(figure: &Figure) -> Vec<usize> {
    let lines = figure.svg.split("<polyline points=\"").skip(1);
    lines.map(|line| line.split('"').next().unwrap().split_whitespace().count()).collect()
}

#[test]
fn a_loss_far_above_the_others_is_above_the_figure_and_told() {
    let run = with_losses(90.0, 1.0);
    let figure = loss(&run).unwrap();
    assert!(figure.svg.contains("begin above the figure, at up to 90.0"), "{}", figure.svg);
    // Neither of the first two, but the place where the line enters.
    assert_eq!(points(&figure), vec![99; run.folds.len()], "{}", figure.svg);
    assert_eq!(collisions(&figure), Vec::<String>::new());
}

#[test]
fn a_loss_that_falls_to_nothing_is_drawn_whole() {
    let run = with_losses(1.0, 0.0);
    let figure = loss(&run).unwrap();
    assert!(!figure.svg.contains("above the figure"), "{}", figure.svg);
    assert_eq!(points(&figure), vec![100; run.folds.len()], "{}", figure.svg);
}

#[test]
fn what_is_not_known_is_said() {
    let run = with_one_voice();
    for (figure, word) in [(by_sex(&run), "sexes"), (by_text(&run), "sentences"), (text_length(&run), "sentences")] {
        assert!(figure.unwrap_err().to_string().contains(word));
    }
    let old = SavedRun { history: None, ..RUN.clone() };
    assert!(loss(&old).unwrap_err().to_string().contains("does not tell how it learns"));
    compare(&[]).unwrap_err();
}

#[test]
fn figures_tell_the_numbers_of_the_run() {
    let summary = &RUN.summary;
    let figure = compare(std::slice::from_ref(&RUN)).unwrap();
    assert!(figure.svg.contains(&format!("UAR {:.3} {}", summary.uar, summary.interval.uar)));
    let figure = by_speaker(&RUN).unwrap();
    let fold = &summary.folds[0];
    assert!(figure.svg.contains(&format!(": {:.1} %", 100.0 * fold.war)), "{} {}", fold.war, figure.svg);
    let figure = confusion(&RUN, Divided::Counts);
    let counts = summary.pooled.confusion.counts();
    let (first, second) = (&RUN.classes[0], &RUN.classes[1]);
    assert!(figure.svg.contains(&format!("{first} taken for {second}: {}", counts[0][1])));
}
