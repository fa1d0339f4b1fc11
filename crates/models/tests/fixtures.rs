//! Files of every version of the format, kept for good: what was once written can be read, and predicts the same.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "clippy knows functions with #[test], not their helpers")]

use std::ops::ControlFlow;
use std::path::PathBuf;

use stimmung_features::{FeatureSet, MfccSet};
use stimmung_models::{
    BoostingParams, Card, DenseParams, ForestParams, FrontEnd, Kernel, Matrix, ModelFile, ModelParams, NetworkParams,
    OneVsRestParams, SvmParams, Temperature, TrainingParams, TrainingSet, fit,
};
use stimmung_nn::LayerSpec;

/// The fixtures of version 1, with the identifier of each and what it answers for [`probe`].
const VERSION_1: [(&str, &str, [f32; 3]); 10] = [
    ("logistic", "619613a88fce", [0.370_406_7, 0.092_868_8, 0.536_724_5]),
    ("lda", "b03443b1814d", [0.337_940_3, 1.5e-8, 0.662_059_7]),
    ("svm-linear", "6f075c42de5a", [0.494_582_4, 0.122_410_1, 0.383_007_5]),
    ("svm-rbf", "95fca6f197c3", [0.415_645_8, 0.169_075_1, 0.415_279_1]),
    ("random-forest", "611bdd11f432", [0.0, 1.0, 0.0]),
    ("gradient-boosting", "6fbdd1f3048e", [0.231_324, 0.319_074_7, 0.449_601_3]),
    ("dense", "e33bb5d01f5a", [0.379_196_8, 0.326_427_7, 0.294_375_5]),
    ("network", "98b117b42b77", [0.325_654_9, 0.340_162, 0.334_183_1]),
    ("one-vs-rest", "29b853daa8ca", [0.406_409_9, 0.375_475_5, 0.218_114_7]),
    ("calibrated", "5c8e942ec03c", [0.349_473_6, 0.279_469, 0.371_057_4]),
];

fn path(version: u32, name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/v{version}-{name}.stimmung"))
}

fn probe() -> Matrix {
    Matrix::new(1, 4, vec![0.3, -0.2, 0.9, 0.4]).unwrap()
}

#[test]
fn version_1_is_read_for_good() {
    for (name, id, expected) in VERSION_1 {
        let model = ModelFile::load(path(1, name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(model.card.name, format!("fixture {name}"));
        assert_eq!(model.classifier.classes(), ["anger", "neutral", "sadness"]);
        assert_eq!(model.front_end.sample_rate, 16_000);
        let p = model.classifier.probabilities(&probe()).unwrap();
        for (a, b) in p.row(0).iter().zip(expected) {
            assert!((a - b).abs() < 1e-5, "{name}: {:?} instead of {expected:?}", p.row(0));
        }
        // As long as version 1 is the one that is written, writing gives the same file.
        assert_eq!(model.id(), id, "{name}");
    }
}

/// How the fixtures were made. A file that is there is left as it is.
#[test]
#[ignore = "writes the fixtures of a new format version"]
fn make_fixtures() {
    let params = |name: &str| match name {
        "svm-linear" => ModelParams::Svm(SvmParams { kernel: Kernel::Linear, ..SvmParams::default() }),
        "svm-rbf" => ModelParams::Svm(SvmParams::default()),
        "random-forest" => ModelParams::Forest(ForestParams { trees: 5, ..ForestParams::default() }),
        "gradient-boosting" => {
            ModelParams::Boosting(BoostingParams { rounds: 3, min_child_weight: 0.1, ..BoostingParams::default() })
        }
        "dense" => ModelParams::Dense(DenseParams {
            hidden: vec![3],
            batch_norm: true,
            dropout: 0.1,
            epochs: 3,
            ..DenseParams::default()
        }),
        "network" => ModelParams::Network(NetworkParams {
            layers: Some(vec![LayerSpec::conv1d(2, 3), LayerSpec::batch_norm(), LayerSpec::elu(), LayerSpec::lstm(2)]),
            training: TrainingParams { epochs: 20, ..TrainingParams::default() },
            ..NetworkParams::default()
        }),
        "one-vs-rest" => ModelParams::OneVsRest(OneVsRestParams {
            member: Box::new(ModelParams::by_name("logistic").unwrap()),
            arbiter: Box::new(ModelParams::Dense(DenseParams { hidden: vec![2], epochs: 3, ..DenseParams::default() })),
        }),
        "calibrated" => ModelParams::by_name("logistic").unwrap(),
        name => ModelParams::by_name(name).unwrap(),
    };
    let features = FeatureSet::Mfcc(MfccSet { n: 4, sd: false });
    let labels: Vec<usize> = (0..24).map(|row| row % 3).collect();
    let value = |row: usize, column: usize| {
        (((row % 3) * 2 + column) % 4) as f32 * 0.5 + ((row * 13 + column * 7) % 11) as f32 / 11.0 - 1.0
    };
    let x = Matrix::new(24, 4, (0..96).map(|at| value(at / 4, at % 4)).collect()).unwrap();
    let classes = ["anger", "neutral", "sadness"].map(String::from);
    for (name, ..) in VERSION_1 {
        let path = path(1, name);
        if path.exists() {
            continue;
        }
        let shape = features.shape(16_000).unwrap();
        let data = TrainingSet::new(&x, shape, &labels, &classes);
        let mut classifier = fit(&params(name), &data, 1, &mut |_| ControlFlow::Continue(())).unwrap();
        if name == "calibrated" {
            let temperature = Temperature::fit(&[(&[0.9, 0.1], 0), (&[0.8, 0.2], 1)]).unwrap();
            let rows: Vec<usize> = (0..x.rows()).collect();
            classifier = classifier.with_calibration(temperature).with_novelty(&x, &rows, None).unwrap();
        }
        let card = Card { name: format!("fixture {name}"), ..Card::default() };
        let model = ModelFile { front_end: FrontEnd::new(16_000, features.clone()), classifier, card };
        model.save(&path).unwrap();
        println!("(\"{name}\", \"{}\", {:?}),", model.id(), model.classifier.probabilities(&probe()).unwrap().row(0));
    }
}
