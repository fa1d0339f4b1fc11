//! From predictions to figures, through the public face of the crate.

use proptest::prelude::*;
use stimmung_evaluation::{
    Evaluation, EvaluationError, Fold, Item, Metric, Prediction, Protocol, RandomParams, Resampled, Warning,
};

fn classes() -> Vec<String> {
    ["anger", "fear", "joy"].map(str::to_owned).to_vec()
}

/// Twelve speakers of six recordings each.
fn corpus() -> Vec<Item> {
    (0..72).map(|i| Item::new(format!("{i}.wav"), i % 3).with_speaker(format!("{:02}", i / 6))).collect()
}

fn predict(folds: &[Fold], answer: impl Fn(usize) -> usize) -> Vec<Prediction> {
    let mut predictions = Vec::new();
    for (fold, parts) in folds.iter().enumerate() {
        for &item in &parts.test {
            let predicted = answer(item);
            let probabilities = (0..3).map(|class| if class == predicted { 0.5 } else { 0.25 }).collect();
            predictions.push(Prediction { item, fold, predicted, probabilities });
        }
    }
    predictions
}

fn evaluate(protocol: &Protocol, items: &[Item], answer: impl Fn(usize) -> usize) -> Evaluation {
    let folds = protocol.split(items, 3, 5).expect("the corpus suits every protocol");
    let predictions = predict(&folds, answer);
    Evaluation::new(protocol, items, &classes(), &folds, &predictions, 5).expect("every test recording is predicted")
}

#[test]
fn figures_by_hand() {
    let items = corpus();
    // Of speaker 00, with two recordings of each class, everything is taken for anger; the rest is right.
    let evaluation = evaluate(&Protocol::default(), &items, |item| if item < 6 { 0 } else { items[item].class });
    assert_eq!(evaluation.protocol, "speakers: leave one speaker out, 12 folds");
    assert_eq!(evaluation.terms(), "speakers: leave one speaker out, 12 folds, 72 recordings");
    assert_eq!(evaluation.pooled.war, 68.0 / 72.0);
    assert_eq!(evaluation.pooled.classes[0].precision, 24.0 / 28.0);
    assert!((evaluation.pooled.uar - (1.0 + 22.0 / 24.0 + 22.0 / 24.0) / 3.0).abs() < 1e-12);
    let first = &evaluation.folds[0];
    assert_eq!((first.name.as_str(), first.recordings, first.trained_on, first.speakers), ("00", 6, 66, Some(1)));
    assert!((first.uar - 1.0 / 3.0).abs() < 1e-12);
    // Eleven folds of 1 and one of 1/3: the mean is 17/18, the sample variance (2/3)² · (1/12) · (11/12) · 12/11.
    let spread = evaluation.over_folds.get(Metric::Uar);
    assert!((spread.mean - 17.0 / 18.0).abs() < 1e-12);
    assert!((spread.sd.unwrap() - (4.0_f64 / 9.0 / 12.0).sqrt()).abs() < 1e-12);
    for metric in Metric::ALL {
        let interval = evaluation.intervals.get(metric);
        assert_eq!((interval.method, interval.level, interval.resamples), (Resampled::Speakers, 0.95, 2000));
        assert!(interval.low < evaluation.pooled.get(metric) && evaluation.pooled.get(metric) < interval.high);
    }
    assert_eq!((evaluation.leaks, evaluation.warnings), (vec![], vec![]));
}

#[test]
fn perfect_answers_have_no_spread() {
    let items = corpus();
    for protocol in [Protocol::default(), Protocol::by_name("random").unwrap()] {
        let evaluation = evaluate(&protocol, &items, |item| items[item].class);
        for metric in Metric::ALL {
            let interval = evaluation.intervals.get(metric);
            assert_eq!((evaluation.pooled.get(metric), interval.low, interval.high), (1.0, 1.0, 1.0));
            assert_eq!(evaluation.over_folds.get(metric).sd, Some(0.0));
        }
    }
}

#[test]
fn a_single_fold_has_no_spread_and_few_speakers_are_noted() {
    let items: Vec<Item> = corpus().into_iter().take(36).collect();
    let holdout = Protocol::Random(RandomParams { holdout: Some(0.5), ..RandomParams::default() });
    let evaluation = evaluate(&holdout, &items, |item| item % 2);
    assert_eq!(evaluation.terms(), "random: stratified hold-out, 50 % tested, 18 recordings");
    assert_eq!(evaluation.over_folds.uar.sd, None);
    assert_eq!(evaluation.over_folds.uar.mean, evaluation.pooled.uar);
    assert_eq!(evaluation.leaks.len(), 1);
    assert_eq!(evaluation.warnings, vec![Warning::FewSpeakers { speakers: 6 }]);
}

#[test]
fn without_speakers_recordings_are_resampled_and_that_is_said() {
    let items: Vec<Item> = (0..30).map(|i| Item::new(i.to_string(), i % 3)).collect();
    let evaluation = evaluate(&Protocol::by_name("random").unwrap(), &items, |item| item % 2);
    assert_eq!(evaluation.intervals.uar.method, Resampled::Recordings);
    let unknown = Warning::UnknownSpeakers { recordings: 30, total: 30 };
    assert_eq!(evaluation.warnings, vec![unknown, Warning::IntervalOverRecordings { speakers: 0 }]);
    assert_eq!((evaluation.leaks, evaluation.folds[0].speakers), (vec![], None));
}

#[test]
fn json_says_everything_and_reads_back() {
    let items = corpus();
    let evaluation = evaluate(&Protocol::by_name("random").unwrap(), &items, |item| item * 7 % 5 % 3);
    let json = serde_json::to_value(&evaluation).unwrap();
    assert_eq!(json["protocol"], "random: stratified 5-fold");
    assert_eq!(json["intervals"]["uar"]["method"], "bootstrap over speakers");
    assert_eq!(json["leaks"][0]["kind"], "shared-speakers");
    assert_eq!(json["leaks"][0]["recordings"], 72);
    assert_eq!(json["leaks"][0]["sentence"], evaluation.leaks[0].to_string());
    assert_eq!(serde_json::from_value::<Evaluation>(json).unwrap(), evaluation);
}

#[test]
fn what_does_not_fit_is_refused() {
    let items = corpus();
    let protocol = Protocol::default();
    let folds = protocol.split(&items, 3, 0).unwrap();
    let good = predict(&folds, |item| item % 2);
    let new = |items: &[Item], folds: &[Fold], predictions: &[Prediction]| {
        Evaluation::new(&protocol, items, &classes(), folds, predictions, 0)
    };
    assert!(new(&items, &folds, &good).is_ok());

    let refused = |change: &dyn Fn(&mut Vec<Prediction>), word: &str| {
        let mut predictions = good.clone();
        change(&mut predictions);
        match new(&items, &folds, &predictions).unwrap_err() {
            error @ EvaluationError::Mismatch { .. } => assert!(error.to_string().contains(word), "{word}: {error}"),
            error => panic!("{word}: {error}"),
        }
    };
    refused(&|p| drop(p.pop()), "1 each time");
    refused(&Vec::clear, "1 each time");
    refused(&|p| p.push(p[0].clone()), "found more");
    refused(&|p| p[0].fold = 1, "the fold \"00\"");
    refused(&|p| p.push(Prediction { fold: 1, ..p[0].clone() }), "does not test it");
    refused(&|p| p[0].fold = 12, "the fold");
    refused(&|p| p[0].item = usize::MAX, "the recording");
    refused(&|p| p[0].predicted = 3, "the class");
    refused(&|p| p[0].probabilities = vec![1.0], "probabilities");
    refused(&|p| p[0].probabilities[0] = f32::NAN, "a value from 0 to 1");
    refused(&|p| p[0].probabilities[0] = 1.5, "a value from 0 to 1");

    let mut wrong = items.clone();
    wrong[3].class = 3;
    assert!(matches!(new(&wrong, &folds, &good), Err(EvaluationError::Mismatch { .. })));
    assert!(matches!(new(&items, &[], &[]), Err(EvaluationError::Mismatch { .. })));
    let fold = |train: &[usize], test: &[usize]| [Fold { name: "x".into(), train: train.into(), test: test.into() }];
    assert!(matches!(new(&items, &fold(&[0], &[]), &[]), Err(EvaluationError::EmptyPart { part: "test", .. })));
    assert!(matches!(new(&items, &fold(&[], &[0]), &[]), Err(EvaluationError::EmptyPart { part: "training", .. })));
    assert!(matches!(new(&items, &fold(&[0], &[72]), &[]), Err(EvaluationError::Mismatch { .. })));
    let doubled = fold(&[0], &[1, 1]);
    assert!(matches!(new(&items, &doubled, &predict(&doubled[..1], |_| 0)), Err(EvaluationError::Mismatch { .. })));
    let invalid = Protocol::Random(RandomParams { folds: 1, holdout: None });
    let result = Evaluation::new(&invalid, &items, &classes(), &folds, &good, 0);
    assert!(matches!(result, Err(EvaluationError::InvalidParameter { name: "folds", .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_order_of_predictions_does_not_matter(turn in 0..72_usize, seed: u64) {
        let items = corpus();
        let protocol = Protocol::by_name("random").unwrap();
        let folds = protocol.split(&items, 3, seed).unwrap();
        let mut predictions = predict(&folds, |item| item * 5 % 7 % 3);
        let straight = Evaluation::new(&protocol, &items, &classes(), &folds, &predictions, seed).unwrap();
        predictions.rotate_left(turn);
        predictions.reverse();
        let turned = Evaluation::new(&protocol, &items, &classes(), &folds, &predictions, seed).unwrap();
        prop_assert_eq!(straight, turned);
    }

    #[test]
    fn the_mean_over_equal_folds_is_the_pooled_accuracy(seed: u64) {
        let items = corpus();
        let evaluation = evaluate(&Protocol::default(), &items, |item| (item as u64 ^ seed) as usize % 3);
        prop_assert!((evaluation.over_folds.war.mean - evaluation.pooled.war).abs() < 1e-12);
        let interval = &evaluation.intervals.war;
        prop_assert!(interval.low <= evaluation.pooled.war && evaluation.pooled.war <= interval.high);
    }
}
