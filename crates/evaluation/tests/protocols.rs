//! Properties of the protocols and of the audit, on made-up corpora.

use std::collections::BTreeSet;

use proptest::prelude::*;
use stimmung_evaluation::{
    EvaluationError, FixedParams, Fold, Item, Leak, Protocol, RandomParams, SpeakersParams, Warning, audit, coverage,
};

const CLASSES: usize = 4;

/// Corpora with at least two recordings of each class and at least `speakers` speakers.
fn corpus(speakers: usize) -> impl Strategy<Value = Vec<Item>> {
    prop::collection::vec((0..CLASSES, 0..12_usize), 0..80).prop_map(move |mut recordings| {
        recordings.extend((0..2 * CLASSES).map(|i| (i % CLASSES, i % 12)));
        recordings.extend((0..speakers).map(|speaker| (speaker % CLASSES, speaker)));
        let item = |(i, (class, speaker)): (usize, (usize, usize))| {
            Item::new(format!("{speaker:02}/{i}.wav"), class).with_speaker(format!("{speaker:02}"))
        };
        recordings.into_iter().enumerate().map(item).collect()
    })
}

fn speakers_of<'a>(items: &'a [Item], part: &[usize]) -> BTreeSet<&'a str> {
    part.iter().filter_map(|&item| items[item].speaker.as_deref()).collect()
}

fn count(items: &[Item], part: &[usize], class: usize) -> usize {
    part.iter().filter(|&&item| items[item].class == class).count()
}

/// Each recording is on exactly one side of each fold.
fn assert_partition(items: &[Item], folds: &[Fold]) {
    for fold in folds {
        assert!(!fold.train.is_empty() && !fold.test.is_empty());
        assert!(fold.train.is_sorted() && fold.test.is_sorted());
        let mut all = [&fold.train[..], &fold.test[..]].concat();
        all.sort_unstable();
        assert_eq!(all, (0..items.len()).collect::<Vec<_>>());
    }
}

fn assert_each_tested_once(items: &[Item], folds: &[Fold]) {
    let mut tested: Vec<usize> = folds.iter().flat_map(|fold| fold.test.clone()).collect();
    tested.sort_unstable();
    assert_eq!(tested, (0..items.len()).collect::<Vec<_>>());
}

proptest! {
    #[test]
    fn speakers_are_kept_apart(items in corpus(12), groups in prop::option::of(2..=12_usize), seed: u64) {
        let protocol = Protocol::Speakers(SpeakersParams { groups });
        let folds = protocol.split(&items, CLASSES, seed).unwrap();
        prop_assert_eq!(folds.len(), groups.unwrap_or(12));
        assert_partition(&items, &folds);
        assert_each_tested_once(&items, &folds);
        for fold in &folds {
            prop_assert!(speakers_of(&items, &fold.train).is_disjoint(&speakers_of(&items, &fold.test)));
        }
        prop_assert_eq!(audit(&items, &folds), vec![]);
        prop_assert_eq!(folds, protocol.split(&items, CLASSES, seed ^ 1).unwrap(), "no seed matters");
    }

    #[test]
    fn groups_are_as_balanced_as_the_speakers_allow(items in corpus(12), groups in 2..=12_usize) {
        let folds = Protocol::Speakers(SpeakersParams { groups: Some(groups) }).split(&items, CLASSES, 0).unwrap();
        let (largest, smallest) =
            (folds.iter().map(|fold| fold.test.len()).max(), folds.iter().map(|fold| fold.test.len()).min());
        let of_speaker = |speaker: usize| items.iter().filter(|i| i.speaker == Some(format!("{speaker:02}"))).count();
        let largest_speaker = (0..12).map(of_speaker).max();
        prop_assert!(largest.unwrap() - smallest.unwrap() <= largest_speaker.unwrap());
    }

    #[test]
    fn random_folds_are_stratified(items in corpus(1), folds in 2..=8_usize, seed: u64) {
        let protocol = Protocol::Random(RandomParams { folds, holdout: None });
        let split = protocol.split(&items, CLASSES, seed).unwrap();
        prop_assert_eq!(split.len(), folds);
        assert_partition(&items, &split);
        assert_each_tested_once(&items, &split);
        let differ_by_one = |sizes: Vec<usize>| sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1;
        prop_assert!(differ_by_one(split.iter().map(|fold| fold.test.len()).collect()));
        for class in 0..CLASSES {
            prop_assert!(differ_by_one(split.iter().map(|fold| count(&items, &fold.test, class)).collect()));
        }
        prop_assert_eq!(split, protocol.split(&items, CLASSES, seed).unwrap());
    }

    #[test]
    fn a_holdout_has_every_class_on_both_sides(items in corpus(1), share in 0.01..0.99_f64, seed: u64) {
        let protocol = Protocol::Random(RandomParams { holdout: Some(share), ..RandomParams::default() });
        let split = protocol.split(&items, CLASSES, seed).unwrap();
        prop_assert_eq!(split.len(), 1);
        assert_partition(&items, &split);
        for class in 0..CLASSES {
            let (train, test) = (count(&items, &split[0].train, class), count(&items, &split[0].test, class));
            prop_assert!(train >= 1 && test >= 1);
            prop_assert!((test as f64 - (train + test) as f64 * share).abs() <= 1.0 + 1e-9);
        }
    }

    #[test]
    fn a_fixed_split_is_what_it_says(items in corpus(12), tested in prop::collection::btree_set(0..12_usize, 1..11)) {
        let names: Vec<String> = tested.iter().map(|speaker| format!("{speaker:02}")).collect();
        let params = FixedParams { test_speakers: names.clone(), ..FixedParams::default() };
        let by_speaker = Protocol::Fixed(params).split(&items, CLASSES, 0).unwrap();
        assert_partition(&items, &by_speaker);
        prop_assert_eq!(speakers_of(&items, &by_speaker[0].test), names.iter().map(String::as_str).collect());
        prop_assert_eq!(audit(&items, &by_speaker), vec![]);

        let folders = names.iter().map(|name| format!("{name}/")).collect();
        let params = FixedParams { test_files: folders, ..FixedParams::default() };
        prop_assert_eq!(&Protocol::Fixed(params).split(&items, CLASSES, 0).unwrap(), &by_speaker);

        let test_files = by_speaker[0].test.iter().map(|&item| items[item].id.clone()).collect();
        let train_files = by_speaker[0].train.iter().map(|&item| items[item].id.clone()).collect();
        let params = FixedParams { test_files, train_files, ..FixedParams::default() };
        prop_assert_eq!(&Protocol::Fixed(params).split(&items, CLASSES, 0).unwrap(), &by_speaker);
    }

    #[test]
    fn seeds_differ(seed: u64) {
        let items: Vec<Item> = (0..60).map(|i| Item::new(i.to_string(), i % 3)).collect();
        let protocol = Protocol::by_name("random").unwrap();
        let (one, other) = (protocol.split(&items, 3, seed).unwrap(), protocol.split(&items, 3, seed ^ 1).unwrap());
        prop_assert_ne!(one, other);
    }

    #[test]
    fn planted_copies_and_takes_are_found(
        items in corpus(12), plant in 0..12_usize, source in 0..12_usize, kind in 0..3_u8,
    ) {
        prop_assume!(plant != source);
        let mut items = items;
        let mut of = |speaker: usize| {
            let name = format!("{speaker:02}");
            let index = items.iter().position(|item| item.speaker.as_ref() == Some(&name)).unwrap();
            let key = Some("the same".to_owned());
            match kind {
                0 => items[index].utterance = key,
                1 => items[index].content = key,
                _ => items[index].source = key,
            }
            items[index].id.clone()
        };
        let planted = [of(plant), of(source)];
        let folds = Protocol::default().split(&items, CLASSES, 0).unwrap();
        let leaks = audit(&items, &folds);
        prop_assert_eq!(leaks.len(), 1);
        let sentence = format!("2 of {} test recordings (in 2 of 12 folds) have", items.len());
        prop_assert!(leaks[0].to_string().starts_with(&sentence));
        // Each of the two is tested once, with the other in the training part.
        let (overlap, names) = match &leaks[0] {
            Leak::SharedUtterances { overlap, recording, take: other } if kind == 0 => (overlap, [recording, other]),
            Leak::SharedContent { overlap, recording, copy } if kind == 1 => (overlap, [recording, copy]),
            Leak::SharedSources { overlap, recording, sibling } if kind == 2 => (overlap, [recording, sibling]),
            other => panic!("{other:?}"),
        };
        prop_assert_eq!((overlap.recordings, overlap.folds), (2, 2));
        prop_assert_eq!((overlap.tested, overlap.of_folds), (items.len(), 12));
        prop_assert!(names.iter().all(|name| planted.contains(name)) && names[0] != names[1]);
    }
}

fn item(id: &str, class: usize, speaker: &str) -> Item {
    Item::new(id, class).with_speaker(speaker)
}

#[test]
fn speakers_need_to_be_known() {
    let mut items = vec![item("a", 0, "1"), item("b", 1, "1"), item("c", 0, "2"), item("d", 1, "2")];
    items[2].speaker = None;
    items[3].speaker = Some(" ".to_owned());
    let error = Protocol::default().split(&items, 2, 0).unwrap_err();
    assert_eq!(error, EvaluationError::MissingSpeakers { missing: 2, total: 4, first: "c".to_owned() });
    let text = error.to_string();
    assert!(text.contains("--protocol random") && text.contains("`speaker` column"), "{text}");
    assert!(Protocol::Random(RandomParams { folds: 2, holdout: None }).split(&items, 2, 0).is_ok());
}

#[test]
fn there_must_be_enough_speakers() {
    let items: Vec<Item> = (0..12).map(|i| item(&i.to_string(), i % 2, ["1", "2", "3"][i % 3])).collect();
    let split = |groups| Protocol::Speakers(SpeakersParams { groups }).split(&items, 2, 0);
    assert!(split(None).is_ok() && split(Some(3)).is_ok());
    assert_eq!(split(Some(4)).unwrap_err(), EvaluationError::TooFewSpeakers { found: 3, needed: 4 });
    let alone: Vec<Item> = items.iter().filter(|item| item.speaker.as_deref() == Some("1")).cloned().collect();
    let error = Protocol::default().split(&alone, 2, 0).unwrap_err();
    assert_eq!(error, EvaluationError::TooFewSpeakers { found: 1, needed: 2 });
}

#[test]
fn a_class_with_one_recording_is_named() {
    let mut items: Vec<Item> = (0..8).map(|i| item(&i.to_string(), i % 2, ["1", "2"][i / 4])).collect();
    items.push(item("lonely.wav", 2, "2"));
    let names = ["a", "b", "surprise"].map(str::to_owned);
    let holdout = Protocol::Random(RandomParams { holdout: Some(0.5), ..RandomParams::default() });
    for protocol in [Protocol::default(), Protocol::by_name("random").unwrap(), holdout] {
        let error = protocol.split(&items, 3, 0).unwrap_err();
        assert!(matches!(error, EvaluationError::SingleRecording { class: 2, .. }), "{error}");
        assert!(error.to_string().contains("class number 2") && error.to_string().contains("lonely.wav"));
        assert!(error.with_class_names(&names).to_string().contains("class \"surprise\""));
    }
    let listed = Protocol::Fixed(FixedParams { test_speakers: vec!["2".to_owned()], ..FixedParams::default() });
    let folds = listed.split(&items, 3, 0).unwrap();
    let expected = Warning::ClassNotTrained { class: "surprise".to_owned(), recordings: 1, folds: 1, of_folds: 1 };
    assert_eq!(coverage(&items, &names, &folds), vec![expected]);
}

#[test]
fn fewer_recordings_of_a_class_than_folds_is_only_worth_a_note() {
    let mut items: Vec<Item> = (0..20).map(|i| item(&i.to_string(), i % 2, "1")).collect();
    items.extend([item("x", 2, "1"), item("y", 2, "1")]);
    let folds = Protocol::by_name("random").unwrap().split(&items, 3, 0).unwrap();
    let warnings = coverage(&items, &["a", "b", "rare"].map(str::to_owned), &folds);
    let expected = Warning::ClassesMissingInFolds { classes: vec!["rare".to_owned()], folds: 3, of_folds: 5 };
    assert_eq!(warnings, vec![expected]);
}

#[test]
fn there_must_be_something_to_tell_apart() {
    let protocol = Protocol::by_name("random").unwrap();
    let items: Vec<Item> = (0..8).map(|i| item(&i.to_string(), 1, "1")).collect();
    let error = protocol.split(&items, 3, 0).unwrap_err();
    assert_eq!(error, EvaluationError::TooFewClasses { found: 1, classes: 3 });
    assert_eq!(protocol.split(&[], 0, 0).unwrap_err(), EvaluationError::TooFewClasses { found: 0, classes: 0 });
    assert!(matches!(protocol.split(&items, 1, 0), Err(EvaluationError::Mismatch { .. })));
    let few: Vec<Item> = (0..4).map(|i| item(&i.to_string(), i % 2, "1")).collect();
    assert_eq!(protocol.split(&few, 2, 0).unwrap_err(), EvaluationError::TooFewRecordings { found: 4, needed: 5 });
}

#[test]
fn lists_must_fit_the_corpus() {
    let items: Vec<Item> = (0..8).map(|i| item(&format!("{i}.wav"), i % 2, ["1", "2", "3", "4"][i / 2])).collect();
    let own = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let split = |params: FixedParams| Protocol::Fixed(params).split(&items, 2, 0);
    let base = FixedParams::default;

    let error = split(FixedParams { test_speakers: own(&["1", "9"]), ..base() }).unwrap_err();
    assert!(
        matches!(&error, EvaluationError::NotInCorpus { list: "test_speakers", name, .. } if name == "9"),
        "{error}"
    );
    assert!(error.to_string().ends_with("its speakers are \"1\", \"2\", \"3\", \"4\""), "{error}");
    let error = split(FixedParams { test_files: own(&["1.wa"]), ..base() }).unwrap_err();
    assert!(matches!(error, EvaluationError::NotInCorpus { list: "test_files", .. }), "{error}");
    let error = split(FixedParams { test_files: own(&["no/"]), ..base() }).unwrap_err();
    assert!(matches!(error, EvaluationError::NotInCorpus { .. }), "{error}");

    let error =
        split(FixedParams { test_speakers: own(&["1"]), train_speakers: own(&["1", "2"]), ..base() }).unwrap_err();
    assert_eq!(error, EvaluationError::BothSides { recording: "0.wav".to_owned() });
    let error = split(FixedParams { test_speakers: own(&["1", "2", "3", "4"]), ..base() }).unwrap_err();
    assert_eq!(error, EvaluationError::EmptyPart { part: "training", fold: "fixed".to_owned() });

    let folds =
        split(FixedParams { test_speakers: own(&["1"]), train_files: own(&["6.wav", "4.wav"]), ..base() }).unwrap();
    assert_eq!((&folds[0].train[..], &folds[0].test[..]), (&[4, 6][..], &[0, 1][..]), "the rest is left out");
}

#[test]
fn random_splits_share_their_speakers_and_say_so() {
    let items: Vec<Item> = (0..100).map(|i| item(&i.to_string(), i % 2, ["1", "2", "3", "4"][i % 4])).collect();
    let folds = Protocol::by_name("random").unwrap().split(&items, 2, 0).unwrap();
    let leaks = audit(&items, &folds);
    let [Leak::SharedSpeakers { overlap, speakers: 4, of_speakers: 4 }] = &leaks[..] else { panic!("{leaks:?}") };
    assert_eq!((overlap.recordings, overlap.tested, overlap.folds, overlap.of_folds), (100, 100, 5, 5));
    assert_eq!(
        leaks[0].to_string(),
        "100 of 100 test recordings are of speakers heard in training (4 of 4): expect less of a new voice"
    );
}

#[test]
fn one_test_recording_counts_under_the_worst_that_applies() {
    let keyed = |id: &str, utterance: &str, content: &str| Item {
        utterance: Some(utterance.to_owned()),
        content: Some(content.to_owned()),
        ..Item::new(id, 0)
    };
    let items = [
        keyed("trained", "u", "c"),
        keyed("trained", "u", "c"), // the same name: the same recording
        keyed("copy", "u", "c"),
        keyed("take", "u", "other"),
        keyed("new", "v", "another"),
        keyed("empty", "", ""), // empty keys are unknown, not shared
        keyed("empty too", "", ""),
    ];
    let fold = Fold { name: "x".to_owned(), train: vec![0, 5], test: vec![1, 2, 3, 4, 6] };
    let sentences: Vec<String> = audit(&items, &[fold]).iter().map(ToString::to_string).collect();
    assert_eq!(
        sentences,
        [
            "1 of 5 test recordings is in the training part as well, for example \"trained\"",
            "1 of 5 test recordings has an identical copy in the training part, for example \"copy\" = \"trained\"",
            "1 of 5 test recordings has another take in the training part, for example \"take\" and \"trained\"",
        ]
    );
}

#[test]
fn the_audit_of_nonsense_is_empty() {
    let fold = Fold { name: "x".to_owned(), train: vec![7], test: vec![9] };
    assert_eq!(audit(&[], std::slice::from_ref(&fold)), vec![]);
    assert_eq!(audit(&[], &[]), vec![]);
    assert_eq!(coverage(&[], &["a".to_owned()], &[]), vec![]);
    assert_eq!(coverage(&[], &["a".to_owned()], &[fold]), vec![Warning::ClassNotTested { class: "a".to_owned() }]);
}

#[test]
fn unknown_speakers_are_noted() {
    let items = [item("a", 0, "1"), item("b", 1, "1"), Item::new("c", 0), Item::new("d", 1), Item::new("unused", 0)];
    let fold = Fold { name: "x".to_owned(), train: vec![0, 1], test: vec![2, 3] };
    let warnings = coverage(&items, &["a", "b"].map(str::to_owned), &[fold]);
    assert_eq!(warnings, vec![Warning::UnknownSpeakers { recordings: 2, total: 4 }]);
}
