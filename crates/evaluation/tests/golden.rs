//! Agreement with scikit-learn and `NumPy`. `golden/make.py` makes the expected values.

use serde::Deserialize;
use stimmung_evaluation::{BootstrapParams, Metric, Outcome, Resampled, Scores, bootstrap_interval};

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
    bootstrap: Bootstrap,
}

#[derive(Deserialize)]
struct Bootstrap {
    truth: Vec<usize>,
    predicted: Vec<usize>,
    speaker: Vec<usize>,
    uar: [f64; 2],
    war: [f64; 2],
    macro_f1: [f64; 2],
}

#[derive(Deserialize)]
struct Case {
    name: String,
    classes: usize,
    truth: Vec<usize>,
    predicted: Vec<usize>,
    uar: f64,
    war: f64,
    macro_precision: f64,
    macro_f1: f64,
    precision: Vec<f64>,
    recall: Vec<f64>,
    f1: Vec<f64>,
    support: Vec<u64>,
    counts: Vec<Vec<u64>>,
    by_row: Vec<Vec<f64>>,
    by_column: Vec<Vec<f64>>,
}

/// The same sums in another order.
const TOLERANCE: f64 = 1e-12;

fn assert_close(name: &str, what: &str, ours: &[f64], theirs: &[f64]) {
    assert_eq!(ours.len(), theirs.len(), "{name}: {what}");
    for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert!((ours - theirs).abs() <= TOLERANCE, "{name}: {what} {index}: {ours} against {theirs}");
    }
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/scores.json")).expect("the script writes what this test reads")
}

#[test]
fn every_figure_agrees_with_scikit_learn() {
    let golden = golden();
    assert_eq!(golden.cases.len(), 10);
    for case in golden.cases {
        let name = case.name.as_str();
        let classes: Vec<String> = (0..case.classes).map(|class| format!("class {class}")).collect();
        let scores = Scores::new(&classes, &case.truth, &case.predicted).unwrap();
        assert_close(name, "UAR", &[scores.uar], &[case.uar]);
        assert_close(name, "WAR", &[scores.war], &[case.war]);
        assert_close(name, "macro precision", &[scores.macro_precision], &[case.macro_precision]);
        assert_close(name, "macro-F1", &[scores.macro_f1], &[case.macro_f1]);
        let of_classes = |figure: fn(&stimmung_evaluation::ClassScores) -> f64| -> Vec<f64> {
            scores.classes.iter().map(figure).collect()
        };
        assert_close(name, "precision", &of_classes(|class| class.precision), &case.precision);
        assert_close(name, "recall", &of_classes(|class| class.recall), &case.recall);
        assert_close(name, "F1", &of_classes(|class| class.f1), &case.f1);
        assert_eq!(scores.classes.iter().map(|class| class.support).collect::<Vec<_>>(), case.support, "{name}");
        assert_eq!(scores.confusion.counts(), case.counts, "{name}");
        assert_close(name, "rows", &scores.confusion.by_row().concat(), &case.by_row.concat());
        assert_close(name, "columns", &scores.confusion.by_column().concat(), &case.by_column.concat());
    }
}

#[test]
fn intervals_agree_with_a_bootstrap_by_scikit_learn() {
    let Bootstrap { truth, predicted, speaker, uar, war, macro_f1 } = golden().bootstrap;
    let names: Vec<String> = speaker.iter().map(ToString::to_string).collect();
    let outcomes: Vec<Outcome<'_>> = (0..truth.len())
        .map(|i| Outcome { truth: truth[i], predicted: predicted[i], speaker: Some(&names[i]) })
        .collect();
    let params = BootstrapParams { resamples: 20_000, ..BootstrapParams::default() };
    for (metric, expected) in [(Metric::Uar, uar), (Metric::War, war), (Metric::MacroF1, macro_f1)] {
        let interval = bootstrap_interval(&outcomes, 4, metric, &params, 1).unwrap();
        assert_eq!(interval.method, Resampled::Speakers);
        // Both are random; an end moves by some 0.003 from seed to seed, a twentieth of the width.
        for (ours, theirs) in [interval.low, interval.high].iter().zip(expected) {
            assert!((ours - theirs).abs() < 0.01, "{metric:?}: {interval} against {expected:?}");
        }
    }
}
