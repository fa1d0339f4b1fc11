use std::fs;
use std::ops::ControlFlow;

use stimmung_audio::{Anchor, WavEncoding, Waveform, decode_path, write_wav};
use stimmung_evaluation::{Fold, Leak};
use stimmung_models::TrainingSet;

use super::*;
use crate::testing::{RATE, StopAfter, corpus, experiment, on_threads, recipe, rows, tone, try_recipe};
use crate::{Quiet, Recognizer, save_run};

const SEGMENTS: &str = "segments={ seconds = 0.5 }";
const COPIES: &str = "augmentation.copies=[[{ effect = \"noise\", factor = [0.05, 0.1] }], \
                      [{ effect = \"stretch\", rate = { any = [0.81, 1.23] } }]]";

/// The answer for some rows: the mean of log probabilities, floored at 1e-6, as probabilities.
fn pooled(pieces: &[&[f32]]) -> Vec<f64> {
    let mean = |class: usize| {
        let logs = pieces.iter().map(|row| f64::from(row[class].max(1e-6)).ln());
        logs.sum::<f64>() / pieces.len() as f64
    };
    let powers: Vec<f64> = (0..pieces[0].len()).map(|class| mean(class).exp()).collect();
    powers.iter().map(|power| power / powers.iter().sum::<f64>()).collect()
}

#[test]
fn a_recording_has_a_row_a_piece_and_one_answer() {
    let folder = corpus(3, &[0.3, 0.6, 1.3]);
    let experiment = experiment(folder.path(), &[SEGMENTS]);
    let table = &experiment.table;
    assert_eq!((experiment.items.len(), table.recordings.len()), (27, 27));
    for (index, recording) in table.recordings.iter().enumerate() {
        // 0.3 s are padded to one piece; 0.6 and 1.3 s are two and three that overlap.
        let pieces = match recording.file.to_str().unwrap().split(['-', '.']).nth(2).unwrap() {
            "1" => 1,
            "2" => 2,
            _ => 3,
        };
        assert_eq!(table.rows(index, 0).len(), pieces, "{recording:?}");
    }

    let short = decode_path(folder.path().join(&table.recordings[0].file)).unwrap();
    let padded = short.fit_length(RATE as usize / 2, Anchor::Start);
    let mut extractor = experiment.recipe.features.extractor(RATE).unwrap();
    assert_eq!(table.features.row(0), extractor.extract(&padded).unwrap());

    let evaluated = experiment.evaluate(&Quiet).unwrap();
    assert_eq!(evaluated.predictions.len(), 27);
    assert_eq!(evaluated.evaluation.pooled.confusion.total(), 27);
    for prediction in &evaluated.predictions {
        let classifier = experiment.fit(&evaluated.folds[prediction.fold].train, &Quiet).unwrap();
        let rows: Vec<usize> = table.rows(prediction.item, 0).collect();
        let answers = classifier.probabilities_of(&table.features, &rows).unwrap();
        let expected = pooled(&(0..rows.len()).map(|row| answers.row(row)).collect::<Vec<_>>());
        for (got, expected) in prediction.probabilities.iter().zip(&expected) {
            assert!((f64::from(*got) - expected).abs() < 1e-5, "{got} {expected}");
        }
        let best = (0..3).max_by(|&a, &b| expected[a].total_cmp(&expected[b])).unwrap();
        assert_eq!(prediction.predicted, best);
    }

    let summary = save_run(&folder.path().join("run"), &experiment, &evaluated, None).unwrap();
    let run = summary.run.unwrap();
    let mut named: Vec<String> = rows(&run.join("predictions.csv")).into_iter().map(|row| row[0].clone()).collect();
    named.sort();
    assert_eq!(named, table.ids());
}

#[test]
fn silent_pieces_are_left_out_and_silent_recordings_listed() {
    let folder = corpus(2, &[0.5]);
    let half: Vec<f32> = tone(200.0, 0.5, 1).samples().iter().copied().chain(vec![0.0; RATE as usize]).collect();
    let write = |name: &str, samples: Vec<f32>| {
        let wave = Waveform::new(samples, RATE).unwrap();
        write_wav(folder.path().join(name), &wave, WavEncoding::Float32).unwrap();
    };
    write("S1-anger-1.wav", half);
    write("S1-fear-1.wav", vec![0.0; RATE as usize]);
    write("S2-fear-1.wav", vec![0.1; 20]);
    fs::write(folder.path().join("S2-anger-1.wav"), "no audio").unwrap();
    let table = fs::read_to_string(folder.path().join("manifest.csv")).unwrap();
    let table = table.replace("S2-sadness-1.wav,S2,sadness", "S2-sadness-1.wav,S2,");
    fs::write(folder.path().join("manifest.csv"), table).unwrap();

    let experiment = experiment(folder.path(), &[SEGMENTS]);
    let heard: Vec<&str> = experiment.items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(heard, ["S1-anger-1.wav", "S1-sadness-1.wav"]);
    assert_eq!(experiment.table.rows(0, 0).len(), 1, "of three pieces, two are silent");
    let dropped: Vec<String> =
        experiment.table.dropped.iter().map(|it| format!("{}: {}", it.file.display(), it.reason)).collect();
    assert_eq!(dropped.len(), 4, "{dropped:?}");
    for (file, reason) in [
        ("S2-sadness-1.wav", "no emotion is given"),
        ("S1-fear-1.wav", "silent"),
        ("S2-fear-1.wav", "too short"),
        ("S2-anger-1.wav", ""),
    ] {
        assert!(dropped.iter().any(|it| it.starts_with(file) && it.contains(reason)), "{file}: {dropped:?}");
    }
}

#[test]
fn only_the_emotions_asked_for_are_opened() {
    let folder = corpus(2, &[0.3]);
    let some = recipe(folder.path(), &["corpus.emotions=[\"anger\", \"fear\"]"]);
    let emotions = open_corpus(&some, &[]).unwrap().emotions();
    assert_eq!(emotions.into_iter().collect::<Vec<_>>(), [("anger".to_owned(), 2), ("fear".to_owned(), 2)]);
    let absent = |emotions: &str| recipe(folder.path(), &[&format!("corpus.emotions={emotions}")]);
    assert!(matches!(open_corpus(&absent("[\"boredom\"]"), &[]), Err(Error::NothingUsable { .. })));
    assert_eq!(open_corpus(&absent("[\"boredom\", \"anger\"]"), &[]).unwrap().emotions().len(), 1);
    let message = |emotions: &str| open_corpus(&absent(emotions), &[]).unwrap_err().to_string();
    let misspelt = message("[\"angre\", \"fear\"]");
    assert!(misspelt.contains("`angre`; it has anger, "), "{misspelt}");
    assert!(message("[\"fear\", \"angry\"]").contains("`angry` (is `anger` meant?)"));
}

#[test]
fn the_commonest_rate_is_heard_and_of_equals_the_lower() {
    let folder = corpus(2, &[0.3]);
    let set = |file: &str, rate: u32| {
        let wave = tone(200.0, 0.3, 1).resample(rate).unwrap();
        write_wav(folder.path().join(file), &wave, WavEncoding::Pcm16).unwrap();
    };
    let rate = |changes: &[&str]| experiment(folder.path(), changes).front_end.sample_rate;
    set("S1-anger-1.wav", 8_000);
    assert_eq!(rate(&[]), 16_000);
    set("S1-fear-1.wav", 8_000);
    set("S2-anger-1.wav", 8_000);
    assert_eq!(rate(&[]), 8_000);
    assert_eq!(rate(&["audio.sample_rate=11025"]), 11_025);
}

#[test]
fn copies_after_the_split_are_learnt_from_and_never_judged() {
    let folder = corpus(3, &[0.5]);
    let experiment = experiment(folder.path(), &[COPIES]);
    let Experiment { table, items, classes, .. } = &experiment;
    assert_eq!((items.len(), table.versions(), table.features.rows()), (9, 3, 27));
    let evaluated = experiment.evaluate(&Quiet).unwrap();
    assert_eq!((evaluated.evaluation.recordings, evaluated.evaluation.leaks.len()), (9, 0));
    assert!(!evaluated.evaluation.protocol.contains("copies"));

    for (number, fold) in evaluated.folds.iter().enumerate() {
        // By hand: all versions of the training recordings, and the recordings themselves of the test part.
        let train: Vec<usize> = fold.train.iter().flat_map(|&item| 3 * item..3 * item + 3).collect();
        let labels: Vec<usize> = train.iter().map(|row| items[row / 3].class).collect();
        let shape = experiment.recipe.features.shape(RATE).unwrap();
        let data = TrainingSet { rows: Some(&train), ..TrainingSet::new(&table.features, shape, &labels, classes) };
        let classifier = fit(&experiment.recipe.model, &data, 1, &mut |_| ControlFlow::Continue(())).unwrap();
        let test: Vec<usize> = fold.test.iter().map(|item| 3 * item).collect();
        let answers = classifier.probabilities_of(&table.features, &test).unwrap();
        let judged: Vec<&Judged> = evaluated.predictions.iter().filter(|judged| judged.fold == number).collect();
        assert_eq!(judged.iter().map(|judged| judged.item).collect::<Vec<_>>(), fold.test);
        for (row, judged) in judged.into_iter().enumerate() {
            assert_eq!(judged.probabilities, answers.row(row));
        }
    }
}

#[test]
fn copies_at_test_time_are_judged_with_their_recordings_and_by_the_model_as_well() {
    let folder = corpus(3, &[0.5]);
    let copies = "augmentation.copies=[[{ effect = \"speed\", rate = 0.9 }], [{ effect = \"gain\", db = 6 }]]";
    let experiment = experiment(folder.path(), &[copies, "augmentation.test_time=true"]);
    let evaluated = experiment.evaluate(&Quiet).unwrap();
    assert_eq!((evaluated.evaluation.recordings, experiment.table.features.rows()), (9, 27));
    for judged in &evaluated.predictions {
        let classifier = experiment.fit(&evaluated.folds[judged.fold].train, &Quiet).unwrap();
        let rows: Vec<usize> = experiment.table.all_rows(judged.item).collect();
        let answers = classifier.probabilities_of(&experiment.table.features, &rows).unwrap();
        let expected = pooled(&[answers.row(0), answers.row(1), answers.row(2)]);
        for (got, expected) in judged.probabilities.iter().zip(&expected) {
            assert!((f64::from(*got) - expected).abs() < 1e-5, "{got} {expected}");
        }
    }

    // The trained model makes the same copies of what it hears.
    let model = experiment.train(None, &Quiet).unwrap();
    assert_eq!(model.front_end.copies.len(), 2);
    let model = ModelFile::from_bytes(&model.to_bytes().unwrap()).unwrap();
    let item = &experiment.table.recordings[4];
    let answer = Recognizer::new(model.clone()).recognize_path(&folder.path().join(&item.file)).unwrap();
    let alone = Fold { name: "alone".into(), train: Vec::new(), test: vec![4] };
    let judged = experiment.judge(&model.classifier, &alone, 0).unwrap();
    for (class, probability) in experiment.classes.iter().zip(&judged[0].probabilities) {
        assert!((answer.probabilities[class] - probability).abs() < 1e-6, "{class}");
    }
    // Without the key the same copies are only learnt from.
    let plain = experiment.under(recipe(folder.path(), &[copies])).unwrap();
    assert!(plain.front_end.copies.is_empty() && experiment.under(experiment.recipe.clone()).is_some());
    assert_ne!(plain.evaluate(&Quiet).unwrap().predictions, evaluated.predictions);
}

#[test]
fn copies_of_a_recording_whose_speaker_is_unknown_stay_together() {
    let folder = corpus(2, &[0.3]);
    let table = folder.path().join("manifest.csv");
    let text = fs::read_to_string(&table).unwrap();
    let copies = "augmentation.copies=[[{ effect = \"gain\", db = -20 }]]";
    fs::write(&table, text.replacen(",S2,", ",,", 2)).unwrap();
    let groups = |changes: &[&str]| experiment(folder.path(), changes).groups(&[0, 1, 2, 3, 4, 5]);
    assert_eq!(groups(&[copies]), Some(vec![0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 3, 3]));
    assert_eq!(groups(&[]), Some(vec![0, 0, 0, 1, 2, 3]));
    fs::write(&table, text.replace(",S1,", ",,").replace(",S2,", ",,")).unwrap();
    assert_eq!(groups(&[]), None, "there is nothing to keep together");
}

#[test]
fn what_is_judged_leaves_nothing_to_chance() {
    let folder = corpus(2, &[0.3]);
    let refused = |changes: &[&str]| try_recipe(folder.path(), changes).unwrap_err().to_string();
    let test_time = "augmentation.test_time=true";
    assert!(refused(&[test_time]).contains("needs `copies`"));
    assert!(refused(&[COPIES, test_time]).contains("drawn at random"));
    let fixed = "augmentation.copies=[[{ effect = \"speed\", rate = 0.9 }]]";
    assert!(refused(&[fixed, test_time, "augmentation.when=before-split"]).contains("after the split"));
}

#[test]
fn copies_before_the_split_are_dealt_like_recordings_and_named_as_a_leak() {
    let folder = corpus(3, &[0.5]);
    let before = [COPIES, "augmentation.when=before-split"];
    let random = experiment(folder.path(), &[&before[..], &["protocol={ kind = \"random\", folds = 3 }"]].concat());
    assert_eq!(random.items.len(), 27);
    let evaluated = random.evaluate(&Quiet).unwrap();
    let evaluation = &evaluated.evaluation;
    let shared = evaluation.leaks.iter().find_map(|leak| match leak {
        Leak::SharedSources { overlap, .. } => Some((overlap.tested, overlap.recordings)),
        _ => None,
    });
    assert!(shared.is_some_and(|(tested, shared)| tested == 27 && shared > 13), "{:?}", evaluation.leaks);
    assert!(evaluation.terms().contains("copies made before the split are judged"), "{}", evaluation.terms());

    let run = save_run(&folder.path().join("run"), &random, &evaluated, None).unwrap().run.unwrap();
    let mut named: Vec<String> = rows(&run.join("predictions.csv")).into_iter().map(|row| row[0].clone()).collect();
    named.sort();
    let mut expected: Vec<String> = random
        .table
        .ids()
        .into_iter()
        .flat_map(|id| [id.clone(), format!("{id} (copy 1)"), format!("{id} (copy 2)")])
        .collect();
    expected.sort();
    assert_eq!(named, expected);
    assert_eq!(rows(&run.join("manifest.csv")).len(), 9, "the recordings as they were found");

    // A voice is on one side with all its copies.
    let speakers = experiment(folder.path(), &before).evaluate(&Quiet).unwrap();
    assert!(speakers.evaluation.leaks.is_empty(), "{:?}", speakers.evaluation.leaks);

    // The same hearing serves both, and only the items differ.
    let after = random.under(recipe(folder.path(), &[COPIES])).unwrap();
    assert_eq!((after.items.len(), after.table.features.rows()), (9, 27));
    assert!(random.under(recipe(folder.path(), &[])).is_none(), "without copies, other rows are heard");
}

#[test]
fn copies_depend_on_the_seed_and_the_recording_alone() {
    let folder = corpus(2, &[0.4]);
    let bits = |experiment: &Experiment, recording: usize| -> Vec<u32> {
        let rows = experiment.table.all_rows(recording);
        rows.flat_map(|row| experiment.table.features.row(row)).map(|value| value.to_bits()).collect()
    };
    let changed = [COPIES, SEGMENTS];
    let [one, four] = [1, 4].map(|threads| on_threads(threads, || experiment(folder.path(), &changed)));
    assert_eq!(one.table.recordings.len(), 6);
    assert!((0..6).all(|recording| bits(&one, recording) == bits(&four, recording)));
    let seeded = experiment(folder.path(), &[COPIES, SEGMENTS, "seed=2"]);
    assert_eq!(seeded.table.features.row(0), one.table.features.row(0), "the recording itself");
    assert_ne!(bits(&seeded, 0), bits(&one, 0));
    assert_ne!(one.table.features.row(one.table.rows(0, 1).start), one.table.features.row(0));
    // What else is in the corpus does not matter.
    fs::remove_file(folder.path().join("S1-anger-1.wav")).unwrap();
    assert_eq!(bits(&experiment(folder.path(), &changed), 0), bits(&one, 1));

    let [one, four] = [1, 4].map(|threads| on_threads(threads, || one.evaluate(&Quiet).unwrap()));
    assert_eq!(one.predictions, four.predictions);
    assert_eq!(one.evaluation, four.evaluation);
}

#[test]
fn watching_fills_the_history_and_changes_nothing() {
    let folder = corpus(3, &[0.5]);
    let network = "model={ kind = \"dense\", hidden = [8], epochs = 6, batch_size = 4 }";
    let plain = experiment(folder.path(), &[network]);
    let watched = experiment(folder.path(), &[network, "watch=true"]);
    let (before, after) = (plain.evaluate(&Quiet).unwrap(), watched.evaluate(&Quiet).unwrap());
    assert_eq!(before.predictions, after.predictions);
    let weights = |experiment: &Experiment| {
        let classifier = experiment.train(None, &Quiet).unwrap().classifier;
        classifier.probabilities(&experiment.table.features).unwrap()
    };
    assert_eq!(weights(&plain), weights(&watched));

    let save = |experiment, evaluated| save_run(&folder.path().join("run"), experiment, evaluated, None).unwrap().run;
    let unwatched = rows(&save(&plain, &before).unwrap().join("history.csv"));
    let history = rows(&save(&watched, &after).unwrap().join("history.csv"));
    assert_eq!((unwatched.len(), history.len()), (3 * 6, 3 * 6), "a row an epoch of each fold");
    assert!(unwatched.iter().all(|row| row[5].is_empty() && !row[2].is_empty()));
    for (row, (fold, epoch)) in
        history.iter().zip(["S1", "S2", "S3"].iter().flat_map(|it| (1..=6).map(move |n| (it, n))))
    {
        assert_eq!((row[0].as_str(), row[1].as_str()), (*fold, epoch.to_string().as_str()));
        assert!((0.0..=1.0).contains(&row[5].parse::<f64>().unwrap()));
    }
    for (fold, history) in after.evaluation.folds.iter().zip(&after.history) {
        assert!((history[5].watched.unwrap() - fold.war).abs() < 1e-12, "the last epoch is what is judged");
    }

    assert_eq!(before.best_epoch_accuracy(), None);
    let best = |history: &Vec<FitProgress>| history.iter().filter_map(|step| step.watched).fold(0.0, f64::max);
    let by_hand = after.history.iter().map(best).sum::<f64>() / 3.0;
    assert!((after.best_epoch_accuracy().unwrap() - by_hand).abs() < 1e-12);
    assert!(by_hand >= after.evaluation.pooled.war);
}

#[test]
fn the_best_epoch_counts_folds_by_their_recordings() {
    let folder = corpus(2, &[0.3]);
    let mut evaluated = experiment(folder.path(), &[]).evaluate(&Quiet).unwrap();
    let step = |watched| FitProgress { step: 1, total: 2, loss: None, accuracy: None, validation_loss: None, watched };
    let fold = |name: &str, test: Vec<usize>| Fold { name: name.into(), train: vec![0], test };
    evaluated.folds = vec![fold("a", vec![1]), fold("b", vec![2, 3, 4])];
    evaluated.history = vec![vec![step(Some(1.0)), step(Some(0.0))], vec![step(Some(0.2)), step(Some(0.6))]];
    assert!((evaluated.best_epoch_accuracy().unwrap() - 0.7).abs() < 1e-12);
    evaluated.history[1] = vec![step(None)];
    assert_eq!(evaluated.best_epoch_accuracy(), None, "one fold was not watched");
}

#[test]
fn stopping_stops() {
    let folder = corpus(2, &[0.3]);
    let recipe = recipe(folder.path(), &[]);
    assert!(matches!(Experiment::prepare(recipe.clone(), &[], &StopAfter::new(0)), Err(Error::Cancelled)));
    let experiment = Experiment::prepare(recipe, &[], &Quiet).unwrap();
    assert!(matches!(experiment.evaluate(&StopAfter::new(0)), Err(Error::Cancelled)));
    assert!(matches!(experiment.train(None, &StopAfter::new(0)), Err(Error::Cancelled)));
}
