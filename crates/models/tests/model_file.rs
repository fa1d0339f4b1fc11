//! Model files, whole and spoilt.

#![allow(clippy::unwrap_used, reason = "clippy knows functions with #[test], not their helpers")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use proptest::prelude::*;
use stimmung_features::{FeatureSet, MfccSet};
use stimmung_models::{
    BoostingParams, Card, CardScore, Classifier, DenseParams, ForestParams, FrontEnd, Kernel, Matrix, ModelAParams,
    ModelError, ModelFile, ModelParams, NetworkParams, OneVsRestParams, Scaling, SvmParams, Temperature,
    TrainingParams, TrainingSet, fit,
};
use stimmung_nn::LayerSpec;

const COLUMNS: usize = 10;

fn front_end() -> FrontEnd {
    FrontEnd::new(16_000, FeatureSet::Mfcc(MfccSet { n: COLUMNS / 2, sd: true }))
}

/// Three overlapping classes of a fourth that is never seen.
fn features() -> (Matrix, Vec<usize>) {
    let labels: Vec<usize> = (0..36).map(|row| [0, 1, 3][row % 3]).collect();
    let value = |row: usize, column: usize| {
        let noise = ((row * 31 + column * 17) % 23) as f32 / 23.0;
        ((labels[row] * 7 + column * 3) % 5) as f32 * 0.4 + noise
    };
    let values = (0..36 * COLUMNS).map(|at| value(at / COLUMNS, at % COLUMNS)).collect();
    (Matrix::new(36, COLUMNS, values).unwrap(), labels)
}

fn classifier(params: &ModelParams) -> Classifier {
    scaled(params, Scaling::Standard)
}

fn scaled(params: &ModelParams, scaling: Scaling) -> Classifier {
    let (x, labels) = features();
    let classes = ["anger", "calm", "fear", "joy"].map(String::from);
    let shape = front_end().features.shape(16_000).unwrap();
    let data = TrainingSet { scaling, ..TrainingSet::new(&x, shape, &labels, &classes) };
    let fitted = fit(params, &data, 3, &mut |_| ControlFlow::Continue(())).unwrap();
    let temperature = Temperature::fit(&[(&[0.9, 0.1], 0), (&[0.8, 0.2], 1)]).unwrap();
    let rows: Vec<usize> = (0..x.rows()).collect();
    let fitted = fitted.with_calibration(temperature).with_novelty(&x, &rows, None).unwrap();
    // Three voices that differ, each at rest where it is calm.
    let speakers: Vec<usize> = rows.iter().map(|row| row / 12).collect();
    let voices = x.values().iter().enumerate().map(|(at, value)| value + speakers[at / COLUMNS] as f32);
    let voices = Matrix::new(x.rows(), COLUMNS, voices.collect()).unwrap();
    fitted.with_enrolment(&voices, &rows, &labels, &speakers, 1).unwrap()
}

fn model(params: &ModelParams) -> ModelFile {
    let score = CardScore {
        protocol: "speakers: leave one out".into(),
        metric: "UAR (= UA, macro recall)".into(),
        value: 0.1 + 0.2,
        interval: Some([0.25, 1.0 / 3.0]),
    };
    let card = Card { name: "exämple\n\"quoted\"".into(), scores: vec![score], ..Card::default() };
    ModelFile { front_end: front_end(), classifier: classifier(params), card }
}

fn kinds() -> Vec<ModelParams> {
    vec![
        ModelParams::by_name("logistic").unwrap(),
        ModelParams::by_name("lda").unwrap(),
        ModelParams::Svm(SvmParams { kernel: Kernel::Linear, ..SvmParams::default() }),
        ModelParams::Svm(SvmParams::default()),
        ModelParams::Dense(DenseParams {
            hidden: vec![5, 4],
            batch_norm: true,
            dropout: 0.25,
            epochs: 2,
            ..DenseParams::default()
        }),
        ModelParams::ModelA(ModelAParams { epochs: 1, ..ModelAParams::default() }),
        ModelParams::Forest(ForestParams { trees: 3, ..ForestParams::default() }),
        ModelParams::Boosting(BoostingParams { rounds: 2, ..BoostingParams::default() }),
        ModelParams::Network(NetworkParams {
            layers: Some(vec![LayerSpec::conv1d(2, 3), LayerSpec::batch_norm(), LayerSpec::lstm(3)]),
            training: TrainingParams { epochs: 2, ..TrainingParams::default() },
            ..NetworkParams::default()
        }),
        ModelParams::OneVsRest(OneVsRestParams {
            member: Box::new(ModelParams::Dense(DenseParams { hidden: vec![3], epochs: 2, ..DenseParams::default() })),
            arbiter: Box::new(ModelParams::Forest(ForestParams { trees: 2, ..ForestParams::default() })),
        }),
    ]
}

/// Takes a file apart, lets `change` work on its JSON header, and puts it together again with a fitting length.
fn with_header(bytes: &[u8], change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    let length = u64::from_le_bytes(*bytes.first_chunk::<8>().unwrap()) as usize;
    let mut header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    change(&mut header);
    let header = serde_json::to_vec(&header).unwrap();
    [&(header.len() as u64).to_le_bytes()[..], &header, &bytes[8 + length..]].concat()
}

/// As [`with_header`], for our own object within it.
fn with_inner(bytes: &[u8], change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    with_header(bytes, |outer| {
        let text = &mut outer["__metadata__"]["header"];
        let mut inner: serde_json::Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
        change(&mut inner);
        *text = inner.to_string().into();
    })
}

fn error(bytes: &[u8]) -> ModelError {
    ModelFile::from_bytes(bytes).map(|model| model.id()).expect_err("refused")
}

fn message_of_damage(bytes: &[u8]) -> String {
    match error(bytes) {
        ModelError::Damaged(message) => message,
        other => panic!("not damaged but {other:?}"),
    }
}

#[test]
fn every_kind_survives_writing_and_reading() {
    let (x, _) = features();
    for params in kinds() {
        let model = model(&params);
        let bytes = model.to_bytes().unwrap();
        assert_eq!(bytes, model.to_bytes().unwrap(), "equal models give equal bytes");
        let again = ModelFile::from_bytes(&bytes).unwrap();
        assert_eq!(again.to_bytes().unwrap(), bytes, "{params:?}");
        assert_eq!(again.id(), model.id());
        assert_eq!(again.id().len(), 12);
        assert_eq!((&again.front_end, &again.card), (&model.front_end, &model.card));
        assert_eq!(again.classifier.importances(), model.classifier.importances());
        assert_eq!(again.classifier.summary(), model.classifier.summary());
        let (a, b) = (again.classifier.probabilities(&x).unwrap(), model.classifier.probabilities(&x).unwrap());
        assert_eq!(a, b, "{params:?}: predictions keep their bits");
        assert!(a.iter_rows().all(|row| row[2] == 0.0), "the class never seen");
        assert_eq!(again.classifier.calibration(), model.classifier.calibration());
        let novelty = again.classifier.novelty(&x).unwrap().unwrap();
        assert_eq!(Some(novelty), model.classifier.novelty(&x).unwrap());
    }
}

#[test]
fn quantiles_survive_and_must_ascend() {
    let (x, _) = features();
    let params = ModelParams::by_name("lda").unwrap();
    let quantile = ModelFile { classifier: scaled(&params, Scaling::Quantile), ..model(&params) };
    let bytes = quantile.to_bytes().unwrap();
    let again = ModelFile::from_bytes(&bytes).unwrap();
    assert_eq!(again.to_bytes().unwrap(), bytes);
    let answers = again.classifier.probabilities(&x).unwrap();
    assert_eq!(answers, quantile.classifier.probabilities(&x).unwrap());
    assert_ne!(answers, model(&params).classifier.probabilities(&x).unwrap());

    let turned = with_tensor(&bytes, "scaler.quantiles", |bytes| bytes[..4].copy_from_slice(&1e6f32.to_le_bytes()));
    assert!(message_of_damage(&turned).contains("do not ascend"));
    let cut = with_header(&bytes, |h| h["scaler.quantiles"]["shape"] = vec![101, COLUMNS].into());
    assert!(message_of_damage(&cut).contains("`scaler.quantiles` should be F32 [10, 101]"));
}

#[test]
fn what_is_known_of_voices_comes_back_and_damage_to_it_is_named() {
    let (x, _) = features();
    let model = model(&kinds()[0]);
    let bytes = model.to_bytes().unwrap();
    let again = ModelFile::from_bytes(&bytes).unwrap();
    let answers = |model: &ModelFile| {
        let voice = model.classifier.enrol(&x, &[1, 4]).unwrap().expect("it knows of voices");
        model.classifier.probabilities_of_voice(&x, &[0, 7], &voice).unwrap()
    };
    assert_eq!(answers(&again), answers(&model));
    assert_ne!(answers(&again), model.classifier.probabilities_of(&x, &[0, 7]).unwrap());

    for name in ["enrolment.between", "enrolment.within", "enrolment.shared"] {
        let turned = with_tensor(&bytes, name, |bytes| bytes[..4].copy_from_slice(&(-1f32).to_le_bytes()));
        assert!(message_of_damage(&turned).contains("a variance of its enrolment is negative"), "{name}");
    }
    let broken = with_tensor(&bytes, "enrolment.neutral", |bytes| bytes[..4].copy_from_slice(&f32::NAN.to_le_bytes()));
    assert!(message_of_damage(&broken).contains("`enrolment.neutral`"));
    let cut = with_header(&bytes, |h| h["enrolment.within"]["shape"] = vec![2, COLUMNS / 2].into());
    assert!(message_of_damage(&cut).contains("`enrolment.within`"));
}

#[test]
fn other_readers_of_the_format_can_open_it() {
    let bytes = model(&kinds()[0]).to_bytes().unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let names: BTreeMap<_, _> = tensors.iter().map(|(name, view)| (name.to_owned(), view.shape().to_vec())).collect();
    assert_eq!(names["linear.weights"], [3, COLUMNS]);
    assert_eq!(names["scaler.mean"], [COLUMNS]);
    assert_eq!(names["novelty.factor"], [COLUMNS * (COLUMNS + 1) / 2]);
    assert_eq!(names["enrolment.shared"], [COLUMNS]);
    let start = |name: &str| tensors.tensor(name).unwrap().data().as_ptr() as usize - bytes.as_ptr() as usize;
    assert!(["linear.weights", "novelty.mean", "scaler.scale"].iter().all(|name| start(name) % 8 == 0));
}

#[test]
fn ids_tell_models_apart() {
    let one = model(&kinds()[0]);
    let mut two = one.clone();
    two.card.notes = "another".into();
    assert_ne!(one.id(), two.id());
}

#[test]
fn a_front_end_of_other_width_cannot_be_written() {
    let mut wrong = model(&kinds()[0]);
    wrong.front_end.features = FeatureSet::by_name("issa-50-80-50").unwrap();
    assert!(matches!(wrong.to_bytes(), Err(ModelError::NotWritable(_))));
    let mut wrong = model(&kinds()[0]);
    wrong.card.scores[0].value = f64::NAN;
    let error = wrong.to_bytes().expect_err("not a number").to_string();
    assert!(error.contains("UAR"), "{error}");
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for kind in [3, 6, 7, 9] {
        let bytes = model(&kinds()[kind]).to_bytes().unwrap();
        for end in (0..bytes.len()).step_by(7).chain([bytes.len() / 2, bytes.len() - 1]) {
            match error(&bytes[..end]) {
                ModelError::NotAModel { found } => assert!(end == 0 && found.contains("empty"), "{end}: {found}"),
                ModelError::Truncated { expected, actual } => {
                    assert!(actual == end as u64 && expected > actual, "{end}");
                }
                other => panic!("cut at {end}: {other:?}"),
            }
        }
        assert!(message_of_damage(&[&bytes[..], b"more"].concat()).contains("metadata"));
    }
}

#[test]
fn a_newer_version_is_named() {
    let bytes = with_header(&model(&kinds()[0]).to_bytes().unwrap(), |header| {
        header["__metadata__"]["format_version"] = "2".into();
        // A newer header may hold anything.
        header["__metadata__"]["header"] = "?".into();
    });
    let error = error(&bytes);
    assert!(matches!(&error, ModelError::NewerVersion { found, supported: 1 } if found == "2"));
    assert!(error.to_string().contains("version 2") && error.to_string().contains("update"), "{error}");
    for odd in ["0", "-1", "one", ""] {
        let bytes = with_header(&model(&kinds()[0]).to_bytes().unwrap(), |header| {
            header["__metadata__"]["format_version"] = odd.into();
        });
        assert!(message_of_damage(&bytes).contains("version"), "{odd}");
    }
}

#[test]
fn other_kinds_of_files_are_named() {
    let tensor = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![1], &[0; 4]).unwrap();
    let plain = safetensors::serialize([("w", &tensor)], None).unwrap();
    let foreign = safetensors::serialize([("w", &tensor)], Some([("format".into(), "pt".into())].into())).unwrap();
    let cases: [(&[u8], &str); 12] = [
        (b"", "empty"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00", "WAV"),
        (b"RIFF", "WAV"),
        (b"fLaC\0\0\0\x22 and so on", "FLAC"),
        (b"OggS\0\x02\0\0\0\0", "Ogg"),
        (b"PK\x03\x04 and so on", "ZIP"),
        (b"\x80\x04\x95\0\0\0\0\0\0\0", "pickle"),
        (b"kind = \"logistic\"\nc = 1.0\n", "text file that begins with"),
        (b"12345678{\"a\": 1}", "text file"),
        (&[0; 64], "does not begin like one"),
        (&plain, "safetensors file without a Stimmung header"),
        (&foreign, "safetensors file of another program"),
    ];
    for (bytes, words) in cases {
        match error(bytes) {
            ModelError::NotAModel { found } => assert!(found.contains(words), "{words}: {found}"),
            other => panic!("{words}: {other:?}"),
        }
    }
}

#[test]
fn promises_of_a_huge_header_take_no_memory() {
    for length in [u64::MAX, u64::MAX - 7, 1 << 40, (16 << 20) + 1] {
        let bytes = [&length.to_le_bytes()[..], b"{\"__metadata__\":{}}"].concat();
        assert!(
            matches!(error(&bytes), ModelError::TooLarge { part: "header", actual, .. } if actual == length),
            "{length}"
        );
    }
    let bytes = [&(1u64 << 20).to_le_bytes()[..], b"{}"].concat();
    assert!(matches!(error(&bytes), ModelError::Truncated { expected: 1_048_584, actual: 10 }));
    // Offsets far beyond the end.
    let bytes = with_header(&model(&kinds()[0]).to_bytes().unwrap(), |header| {
        header["linear.weights"]["data_offsets"][1] = (1u64 << 60).into();
    });
    assert!(matches!(error(&bytes), ModelError::Truncated { .. }));
    let bytes = with_header(&model(&kinds()[0]).to_bytes().unwrap(), |header| {
        header["linear.weights"]["shape"] = vec![1u64 << 40, 1 << 40].into();
    });
    assert!(message_of_damage(&bytes).contains("overflow"));
}

#[test]
fn a_header_that_is_no_json_is_damage() {
    let mut bytes = model(&kinds()[0]).to_bytes().unwrap();
    bytes[9] = b'!';
    assert!(message_of_damage(&bytes).contains("header"));
    let bytes = with_header(&model(&kinds()[0]).to_bytes().unwrap(), |header| {
        header["__metadata__"]["header"] = "{\"front_end\": 1}".into();
    });
    assert!(message_of_damage(&bytes).contains("header"));
    let bytes = with_header(&model(&kinds()[0]).to_bytes().unwrap(), |header| {
        header["__metadata__"].as_object_mut().unwrap().remove("header");
    });
    assert!(message_of_damage(&bytes).contains("no `header`"));
}

#[test]
fn contradictions_are_named() {
    type Change = fn(&mut serde_json::Value);
    let logistic = model(&kinds()[0]).to_bytes().unwrap();
    let cases: [(Change, &str); 17] = [
        (|h| h["calibration"]["value"] = 0.0.into(), "temperature is 0"),
        (|h| h["calibration"]["value"] = 1e9.into(), "temperature is 1000000000"),
        (|h| h["calibration"]["cooling"] = 1.into(), "cooling"),
        (|h| h["novelty"]["limit"] = 0.0.into(), "the limit of its novelty"),
        (|h| h["novelty"]["correlations"] = false.into(), "novelty.factor"),
        (|h| h["classes"] = vec!["anger", "calm"].into(), "2 classes"),
        (|h| h["classes"] = vec!["anger", "calm", "calm", "joy"].into(), "distinct"),
        (|h| h["classes"] = vec!["anger", "", "fear", "joy"].into(), "not empty"),
        (|h| h["present"] = vec![0].into(), "outputs [0]"),
        (|h| h["present"] = vec![0, 1].into(), "linear.weights"),
        (|h| h["present"] = vec![0, 1, 9].into(), "outputs [0, 1, 9]"),
        (|h| h["present"] = vec![1, 0, 3].into(), "outputs [1, 0, 3]"),
        (|h| h["front_end"]["features"]["n"] = 7.into(), "its classifier takes 10"),
        (|h| h["front_end"]["features"]["n"] = (1u64 << 50).into(), "parameter `n`"),
        (|h| h["front_end"]["denoise"] = true.into(), "denoise"),
        (|h| h["model"]["c"] = (-1.0).into(), "`c` is -1"),
        (|h| h["model"] = serde_json::json!({"kind": "svm"}), "svm"),
    ];
    for (change, words) in cases {
        let message = message_of_damage(&with_inner(&logistic, change));
        assert!(message.contains(words), "{words}: {message}");
    }
    // Layers where there are none, and none where there should be.
    let message = message_of_damage(&with_inner(&logistic, |h| h["layers"] = serde_json::json!([{"layer": "relu"}])));
    assert!(message.contains("layers"), "{message}");
    let dense = model(&kinds()[4]).to_bytes().unwrap();
    let message = message_of_damage(&with_inner(&dense, |h| {
        h.as_object_mut().unwrap().remove("layers");
    }));
    assert!(message.contains("layers"), "{message}");
}

#[test]
fn networks_that_promise_more_than_the_file_holds_are_refused() {
    let dense = model(&kinds()[4]).to_bytes().unwrap();
    let last = serde_json::json!({"layer": "dense", "units": 3});
    for (units, words) in [(1u64 << 20, "more parameters"), (1 << 40, "would need"), (1 << 62, "would need")] {
        let layers = serde_json::json!([{"layer": "dense", "units": units}, last]);
        let message = message_of_damage(&with_inner(&dense, |h| h["layers"] = layers));
        assert!(message.contains(words), "{message}");
    }
    let layers = serde_json::json!([last, {"layer": "relu"}]);
    assert!(message_of_damage(&with_inner(&dense, |h| h["layers"] = layers)).contains("3 outputs"));
    let layers = serde_json::json!([{"layer": "dense", "units": 4}, last]);
    assert!(message_of_damage(&with_inner(&dense, |h| h["layers"] = layers)).contains("network.dense_1"));
    let layers = serde_json::json!([{"layer": "max-pool1d", "size": 2}, last]);
    assert!(message_of_damage(&with_inner(&dense, |h| h["layers"] = layers)).contains("max-pool1d"));
}

#[test]
fn networks_of_any_layers_are_read_as_carefully() {
    let good = model(&kinds()[8]).to_bytes().unwrap();
    let last = serde_json::json!({"layer": "dense", "units": 3});
    let relu = serde_json::json!({"layer": "relu"});
    let picture = serde_json::json!({"layer": "conv2d", "filters": 2});
    let huge = serde_json::json!({"layer": "lstm", "units": 1u64 << 40});
    let cases = [
        ([vec![relu; 2000], vec![last.clone()]].concat(), "2001 layers"),
        (vec![picture, last.clone()], "need pictures"),
        (vec![huge, last.clone()], "would need"),
        (vec![serde_json::json!({"layer": "lstm", "units": 100}), last.clone()], "more parameters"),
        (vec![serde_json::json!({"layer": "conv1d", "filters": 2, "kernel": 3}), last.clone()], "flatten"),
        (vec![], "3 outputs"),
    ];
    for (layers, words) in cases {
        let message = message_of_damage(&with_inner(&good, |h| h["layers"] = layers.into()));
        assert!(message.contains(words), "{words}: {message}");
    }
    let message = message_of_damage(&with_inner(&good, |h| h["model"]["architecture"] = "mel-cnn-1".into()));
    assert!(message.contains("beside `layers`"), "{message}");
}

#[test]
fn ensembles_are_read_as_carefully() {
    type Change = fn(&mut serde_json::Value);
    let good = model(&kinds()[9]).to_bytes().unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&good).unwrap();
    for name in ["member_0.network.dense_1.kernel", "member_2.network.dense_2.bias", "arbiter.trees.children"] {
        assert!(tensors.tensor(name).is_ok(), "{name}");
    }
    let cases: [(Change, &str); 7] = [
        (|h| h["present"] = vec![0, 1].into(), "trees.values"),
        (|h| h["layers"] = h["member_layers"].clone(), "layers"),
        (|h| h["arbiter_layers"] = h["member_layers"].clone(), "layers"),
        (|h| drop(h.as_object_mut().unwrap().remove("member_layers")), "layers"),
        (|h| h["member_layers"][0]["units"] = (1u64 << 20).into(), "more parameters"),
        (|h| h["model"]["member"] = h["model"].clone(), "no ensemble"),
        (|h| h["model"] = h["model"]["member"].clone(), "no members"),
    ];
    for (change, words) in cases {
        let message = message_of_damage(&with_inner(&good, change));
        assert!(message.contains(words), "{words}: {message}");
    }
    let bytes = with_header(&good, |h| {
        let tensors = h.as_object_mut().unwrap();
        let bias = tensors.remove("member_2.network.dense_2.bias").unwrap();
        tensors.insert("member_3.network.dense_2.bias".into(), bias);
    });
    assert!(message_of_damage(&bytes).contains("more parameters"), "the last member lacks a tensor");
    // Ensembles within ensembles, as deep as anyone can write them.
    let mut deep = serde_json::json!({"kind": "logistic"});
    for _ in 0..60 {
        deep = serde_json::json!({"kind": "one-vs-rest", "member": deep});
    }
    assert!(matches!(error(&with_inner(&good, |h| h["model"] = deep)), ModelError::Damaged(_)));
}

/// The bytes of a file, with those of one tensor changed.
fn with_tensor(bytes: &[u8], tensor: &str, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let length = u64::from_le_bytes(*bytes.first_chunk::<8>().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let offset = |at: usize| 8 + length + header[tensor]["data_offsets"][at].as_u64().unwrap() as usize;
    let mut spoilt = bytes.to_vec();
    change(&mut spoilt[offset(0)..offset(1)]);
    spoilt
}

#[test]
fn calibration_changes_how_sure_an_answer_is_and_not_what_it_is() {
    let (x, labels) = features();
    for params in kinds() {
        let sure = fit(
            &params,
            &TrainingSet::new(&x, front_end().features.shape(16_000).unwrap(), &labels, classifier(&params).classes()),
            3,
            &mut |_| ControlFlow::Continue(()),
        );
        let (sure, calibrated) = (sure.unwrap(), classifier(&params));
        assert!(sure.calibration().is_none() && sure.novelty(&x).unwrap().is_none());
        let temperature = calibrated.calibration().unwrap();
        assert!(temperature.value() > 1.5, "{temperature:?}");
        let (sure, calibrated) = (sure.probabilities(&x).unwrap(), calibrated.probabilities(&x).unwrap());
        for (before, after) in sure.iter_rows().zip(calibrated.iter_rows()) {
            let highest = |row: &[f32]| row.iter().copied().fold(0.0, f32::max);
            assert!(highest(after) <= highest(before) + 1e-6, "{params:?}: {before:?} {after:?}");
            assert!((after.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            let mut same = before.to_vec();
            temperature.apply(&mut same);
            assert!(same.iter().zip(after).all(|(a, b)| (a - b).abs() < 1e-5), "{same:?} {after:?}");
        }
    }
}

#[test]
fn what_lies_far_from_the_training_is_novel() {
    let (x, _) = features();
    let model = classifier(&kinds()[0]);
    assert!(model.summary().tells_novelty);
    let usual = model.novelty(&x).unwrap().unwrap();
    assert!(usual.iter().filter(|&&novelty| novelty > 1.0).count() <= 1, "{usual:?}");
    let far = Matrix::from_rows(&[x.row(0).iter().map(|v| v + 10.0).collect::<Vec<_>>()]).unwrap();
    assert!(model.novelty(&far).unwrap().unwrap()[0] > 4.0);
    let narrow = Matrix::new(1, 2, vec![0.0; 2]).unwrap();
    assert!(matches!(model.novelty(&narrow), Err(ModelError::Columns { .. })));
    let speakers = model.clone().with_novelty(&x, &[0, 1], Some(&[0]));
    assert!(matches!(speakers, Err(ModelError::GroupCount { rows: 2, groups: 1 })));
    assert!(model.with_novelty(&x, &[0, 1], None).unwrap().novelty(&x).unwrap().is_none(), "too few rows");
}

#[test]
fn trees_that_would_not_end_or_leave_their_bounds_are_refused() {
    type Change = fn(&mut [u8]);
    for kind in [6, 7] {
        let good = model(&kinds()[kind]).to_bytes().unwrap();
        let cases: [(&str, Change, &str); 8] = [
            ("trees.children", |b| b[..4].copy_from_slice(&2u32.to_le_bytes()), "tree 0"),
            ("trees.children", |b| b[..4].fill(0xff), "tree 0 has a node whose children"),
            ("trees.children", |b| b.fill(1), "trees.values"),
            ("trees.features", |b| b[..4].fill(0xff), "tree 0 compares a feature"),
            ("trees.sizes", |b| b[..4].fill(0xff), "add up"),
            ("trees.thresholds", |b| b[..4].fill(0xff), "not finite"),
            ("trees.values", |b| b[..4].fill(0xff), "not finite"),
            ("trees.importances", |b| b[..8].copy_from_slice(&(-1.0f64).to_le_bytes()), "no shares"),
        ];
        for (tensor, change, words) in cases {
            let message = message_of_damage(&with_tensor(&good, tensor, change));
            assert!(message.contains(words), "{tensor}, {words}: {message}");
        }
        // More trees than the file holds, up to more than can be counted.
        let key = ["trees", "rounds"][kind - 6];
        for count in [4, 1u64 << 62, u64::MAX] {
            let message = message_of_damage(&with_inner(&good, |h| h["model"][key] = count.into()));
            assert!(message.contains("trees.sizes") || message.contains("rounds"), "{message}");
        }
    }
    let forest = model(&kinds()[6]).to_bytes().unwrap();
    let message =
        message_of_damage(&with_tensor(&forest, "trees.values", |b| b[..4].copy_from_slice(&7f32.to_le_bytes())));
    assert!(message.contains("no shares of the classes"), "{message}");
}

#[test]
fn tensors_of_wrong_shape_name_or_content_are_refused() {
    let good = model(&kinds()[0]).to_bytes().unwrap();
    let bytes = with_header(&good, |h| h["linear.weights"]["shape"] = vec![COLUMNS, 3].into());
    assert!(message_of_damage(&bytes).contains("`linear.weights` should be F64 [3, 10] and is F64 [10, 3]"));
    let bytes = with_header(&good, |h| {
        let tensors = h.as_object_mut().unwrap();
        let weights = tensors.remove("linear.weights").unwrap();
        tensors.insert("linear.weight".into(), weights);
    });
    assert!(message_of_damage(&bytes).contains("`linear.weights` is missing"));
    let bytes = with_header(&good, |h| h["scaler.mean"]["dtype"] = "I64".into());
    assert!(message_of_damage(&bytes).contains("scaler.mean"));
    for (kind, tensor) in [(0, "linear.weights"), (1, "scaler.scale"), (2, "svm.weights"), (3, "svm.vectors")] {
        let good = model(&kinds()[kind]).to_bytes().unwrap();
        // All bits set are NaN, in either width.
        let spoilt = with_tensor(&good, tensor, |bytes| bytes[..8].fill(0xff));
        assert!(message_of_damage(&spoilt).contains(&format!("`{tensor}` holds values that are not finite")));
    }
    let svm = model(&kinds()[3]).to_bytes().unwrap();
    let spoilt = with_tensor(&svm, "svm.counts", |bytes| bytes.fill(0xff));
    assert!(message_of_damage(&spoilt).contains("svm.vectors"), "counts beyond the vectors");
}

#[test]
fn files_are_written_whole_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.stimmung");
    let model = model(&kinds()[0]);
    std::fs::write(&path, b"before").unwrap();
    model.save(&path).unwrap();
    assert_eq!(ModelFile::load(&path).unwrap().id(), model.id());
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["a.stimmung"], "no temporary file is left");

    // A model that cannot be written leaves the old file alone.
    let mut wrong = model.clone();
    wrong.card.scores[0].value = f64::INFINITY;
    assert!(wrong.save(&path).is_err());
    assert_eq!(ModelFile::load(&path).unwrap().id(), model.id());

    let missing = folder.path().join("missing").join("b.stimmung");
    let error = model.save(&missing).expect_err("no such folder");
    assert!(matches!(&error, ModelError::Io { action: "write", path, .. } if *path == missing), "{error}");
    let error = ModelFile::load(&missing).expect_err("no such file");
    assert!(error.to_string().contains("cannot read") && error.to_string().contains("b.stimmung"), "{error}");
    assert!(matches!(ModelFile::load(folder.path()), Err(ModelError::Io { action: "read", .. })));
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_without_end_is_not_read_to_its_end() {
    assert!(matches!(ModelFile::load("/dev/zero"), Err(ModelError::NotAModel { .. })));
}

/// Which of the [`kinds`] are damaged at random: all but the one that is large.
const DAMAGED: [usize; 9] = [0, 1, 2, 3, 4, 6, 7, 8, 9];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever bytes are changed, reading ends with a model or an error, and a model that is read can predict.
    #[test]
    fn random_damage_never_panics(
        kind in 0usize..DAMAGED.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        use std::sync::LazyLock;
        static FILES: LazyLock<Vec<Vec<u8>>> =
            LazyLock::new(|| DAMAGED.iter().map(|&kind| model(&kinds()[kind]).to_bytes().unwrap()).collect());
        let mut bytes = FILES[kind].clone();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(model) = ModelFile::from_bytes(&bytes) {
            let _ = model.classifier.probabilities(&features().0);
        }
    }
}
