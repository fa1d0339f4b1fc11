//! Agreement with scikit-learn. `golden/make.py` makes the expected values.

use serde::Deserialize;
use stimmung_evaluation::Scores;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
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

#[test]
fn every_figure_agrees_with_scikit_learn() {
    let golden: Golden = serde_json::from_str(include_str!("golden/scores.json")).unwrap();
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
