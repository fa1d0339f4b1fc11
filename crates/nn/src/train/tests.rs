use rayon::ThreadPoolBuilder;

use super::*;
use crate::{LayerSpec, NamedTensor, OptimizerSpec, Padding};

pub(super) fn go_on(_: &EpochReport, _: &Network) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

pub(super) fn samples<'a>(inputs: &'a [f32], labels: &'a [usize]) -> Samples<'a> {
    Samples::new(inputs, labels)
}

/// Rows of noise with a bump whose place is the class.
pub(super) fn bumps(n: usize, length: usize, classes: usize) -> (Vec<f32>, Vec<usize>) {
    seeded_bumps(9, n, length, classes)
}

fn seeded_bumps(seed: u64, n: usize, length: usize, classes: usize) -> (Vec<f32>, Vec<usize>) {
    let mut rng = generator(seed, random::Purpose::Initial { layer: 77 });
    let labels: Vec<usize> = (0..n).map(|sample| sample % classes).collect();
    let mut inputs = Vec::new();
    for label in &labels {
        let centre = (label * 2 + 1) * length / (2 * classes);
        inputs.extend(
            (0..length).map(|at| 0.5 * random::symmetric(&mut rng) + if at.abs_diff(centre) <= 1 { 2.0 } else { 0.0 }),
        );
    }
    (inputs, labels)
}

pub(super) fn convolutional(classes: usize) -> Vec<LayerSpec> {
    vec![
        LayerSpec::conv1d(12, 5),
        LayerSpec::batch_norm(),
        LayerSpec::Relu,
        LayerSpec::Conv1d { filters: 8, kernel: 3, padding: Padding::Valid, stride: 1 },
        LayerSpec::Relu,
        LayerSpec::dropout(0.1),
        LayerSpec::max_pool1d(4),
        LayerSpec::Flatten,
        LayerSpec::dense(16),
        LayerSpec::batch_norm(),
        LayerSpec::Relu,
        LayerSpec::dropout(0.2),
        LayerSpec::dense(classes),
    ]
}

pub(super) fn params(epochs: usize, batch_size: usize) -> TrainParams {
    TrainParams { epochs, batch_size, optimizer: OptimizerSpec::adam(0.01), seed: 4, ..TrainParams::default() }
}

fn accuracy(network: &Network, inputs: &[f32], labels: &[usize]) -> f64 {
    let logits = network.predict(inputs, labels.len()).unwrap();
    let rows = logits.chunks(network.output_len());
    let right = rows.zip(labels).filter(|(row, label)| best(row) == **label).count();
    right as f64 / labels.len() as f64
}

#[test]
fn learns_to_find_a_bump() {
    let (inputs, labels) = bumps(90, 30, 3);
    let mut network = Network::new(&[30, 1], &convolutional(3), 1).unwrap();
    let history = train(&mut network, samples(&inputs, &labels), None, &params(30, 16), &mut go_on).unwrap();
    let (first, last) = (history.epochs[0], history.epochs[29]);
    assert!(last.loss < first.loss / 4.0, "{first:?} {last:?}");
    assert_eq!(last.steps, 30 * 6);
    assert!(accuracy(&network, &inputs, &labels) > 0.98);
    let (unseen, labels) = seeded_bumps(10, 60, 30, 3);
    assert!(accuracy(&network, &unseen, &labels) > 0.95);
}

#[test]
fn every_optimizer_learns() {
    let (inputs, labels) = bumps(60, 12, 3);
    let sgd = |nesterov| OptimizerSpec::Sgd { learning_rate: 0.05, momentum: 0.9, nesterov, decay: 1e-4 };
    for optimizer in [
        OptimizerSpec::sgd(0.3),
        sgd(false),
        sgd(true),
        OptimizerSpec::adam(0.02),
        OptimizerSpec::adamw(0.02, 0.1),
        OptimizerSpec::rmsprop(0.01),
    ] {
        let mut network = Network::new(&[12], &[LayerSpec::dense(8), LayerSpec::Relu, LayerSpec::dense(3)], 1).unwrap();
        let params = TrainParams { optimizer, ..params(30, 8) };
        train(&mut network, samples(&inputs, &labels), None, &params, &mut go_on).unwrap();
        assert!(accuracy(&network, &inputs, &labels) > 0.95, "{params:?}");
    }
}

/// One step of plain gradient descent of a linear classifier against the same worked out by hand.
#[test]
fn a_step_is_what_the_formula_says() {
    let mut network = Network::new(&[1], &[LayerSpec::dense(2)], 1).unwrap();
    network.parameters.copy_from_slice(&[0.5, -0.5, 0.0, 0.0]);
    let params = TrainParams {
        epochs: 1,
        batch_size: 2,
        optimizer: OptimizerSpec::sgd(1.0),
        class_weights: Some(vec![1.0, 3.0]),
        shuffle: false,
        ..TrainParams::default()
    };
    let history = train(&mut network, samples(&[1.0, 2.0], &[0, 1]), None, &params, &mut go_on).unwrap();
    // Probabilities of the first class: p = 1/(1+e^-1), q = 1/(1+e^-2).
    let (p, q) = (1.0 / (1.0 + (-1f64).exp()), 1.0 / (1.0 + (-2f64).exp()));
    let loss = (-p.ln() - 3.0 * (1.0 - q).ln()) / 2.0;
    assert!((history.epochs[0].loss - loss).abs() < 1e-6);
    assert_eq!(history.epochs[0].accuracy, 0.5);
    // Gradient of the first class's logit in each sample, over the batch of two.
    let (a, b) = ((p - 1.0) / 2.0, 3.0 * q / 2.0);
    let expected = [0.5 - (a + 2.0 * b), -0.5 + (a + 2.0 * b), -(a + b), a + b];
    for (actual, expected) in network.parameters.iter().zip(expected) {
        assert!((f64::from(*actual) - expected).abs() < 1e-6, "{:?} {expected:?}", network.parameters);
    }
}

pub(super) fn bits(state: &[NamedTensor]) -> Vec<u32> {
    state.iter().flat_map(|tensor| tensor.values.iter().map(|value| value.to_bits())).collect()
}

/// Trains and predicts on so many threads.
fn on_threads(threads: usize) -> (Vec<u32>, History, Vec<f32>) {
    // 41 samples in batches of 20: the last one joins the second batch. The convolutions make many shards.
    let (inputs, labels) = bumps(41, 150, 3);
    let mut layers = convolutional(3);
    layers.insert(3, LayerSpec::conv1d(96, 9));
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
        let mut network = Network::new(&[150, 1], &layers, 3).unwrap();
        let history = train(&mut network, samples(&inputs, &labels), None, &params(2, 20), &mut go_on).unwrap();
        let logits = network.predict(&inputs, 41).unwrap();
        (bits(&network.state()), history, logits)
    })
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let one = on_threads(1);
    assert_eq!(one.1.epochs[1].steps, 4);
    for threads in [2, 3, 8] {
        assert_eq!(one, on_threads(threads), "{threads} threads");
    }
}

#[test]
fn seeds_matter() {
    let (inputs, labels) = bumps(30, 12, 3);
    let layers = [LayerSpec::dropout(0.5), LayerSpec::dense(3)];
    let run = |initial, seed, shuffle| {
        let mut network = Network::new(&[12], &layers, initial).unwrap();
        let params = TrainParams { shuffle, seed, ..params(1, 8) };
        train(&mut network, samples(&inputs, &labels), None, &params, &mut go_on).unwrap();
        bits(&network.state())
    };
    assert_eq!(run(1, 1, true), run(1, 1, true));
    assert_ne!(run(1, 1, true), run(2, 1, true));
    assert_ne!(run(1, 1, true), run(1, 2, true));
    assert_ne!(run(1, 1, true), run(1, 1, false));
}

#[test]
fn class_weights_pull_towards_their_class() {
    // The same input with either label: only the weights decide.
    let (inputs, labels) = ([1.0; 8], [0, 1, 0, 1, 0, 1, 0, 1]);
    let probability = |weights| {
        let mut network = Network::new(&[1], &[LayerSpec::dense(2)], 1).unwrap();
        let params = TrainParams { class_weights: weights, ..params(300, 8) };
        train(&mut network, samples(&inputs, &labels), None, &params, &mut go_on).unwrap();
        let mut scores = network.predict(&[1.0], 1).unwrap();
        crate::softmax(&mut scores, 2);
        scores[1]
    };
    assert!((probability(None) - 0.5).abs() < 0.01);
    assert!((probability(Some(vec![1.0, 4.0])) - 0.8).abs() < 0.01);
    assert!(probability(Some(vec![1.0, 0.0])) < 0.2);
}

#[test]
fn running_statistics_approach_those_of_the_data() {
    let inputs: Vec<f32> = (0..64).map(|i| if i % 2 == 0 { 3.0 } else { 5.0 }).collect();
    let labels = vec![0; 64];
    let layers = [LayerSpec::BatchNorm { momentum: 0.5, epsilon: 1e-3 }, LayerSpec::dense(1)];
    let mut network = Network::new(&[1], &layers, 1).unwrap();
    let params = TrainParams { shuffle: false, ..params(20, 16) };
    train(&mut network, samples(&inputs, &labels), None, &params, &mut go_on).unwrap();
    assert!((network.statistics[0] - 4.0).abs() < 1e-3 && (network.statistics[1] - 1.0).abs() < 1e-3);
}

#[test]
fn progress_can_stop_the_training() {
    let (inputs, labels) = bumps(12, 6, 3);
    let mut network = Network::new(&[6], &[LayerSpec::dense(3)], 1).unwrap();
    let mut seen = Vec::new();
    let history = train(&mut network, samples(&inputs, &labels), None, &params(10, 4), &mut |report, _| {
        seen.push(*report);
        if report.epoch == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(history.unwrap().epochs, seen);
    assert_eq!(seen.len(), 3);
}

#[test]
fn a_loss_that_blows_up_is_an_error_that_says_what_to_do() {
    let (inputs, labels) = bumps(12, 6, 3);
    let layers = [LayerSpec::dense(32), LayerSpec::Relu, LayerSpec::dense(32), LayerSpec::Relu, LayerSpec::dense(3)];
    let mut network = Network::new(&[6], &layers, 1).unwrap();
    let params = TrainParams { optimizer: OptimizerSpec::sgd(1e20), ..params(10, 4) };
    let error = train(&mut network, samples(&inputs, &labels), None, &params, &mut go_on).unwrap_err();
    assert!(matches!(error, NnError::Diverged { .. }), "{error}");
    assert!(error.to_string().contains("lower the learning rate"), "{error}");
}

#[test]
fn a_last_step_that_blows_up_is_an_error_too() {
    let mut network = Network::new(&[1], &[LayerSpec::dense(2)], 1).unwrap();
    let params = TrainParams { optimizer: OptimizerSpec::sgd(1e38), ..params(1, 1) };
    let error = train(&mut network, samples(&[1e4], &[0]), None, &params, &mut go_on).unwrap_err();
    assert!(matches!(&error, NnError::Diverged { symptom, .. } if symptom.contains("weight")), "{error}");
}

#[test]
fn unsuitable_data_and_parameters_are_refused() {
    let layers = [LayerSpec::dense(3)];
    let attempt = |layers: &[LayerSpec], inputs: &[f32], labels: &[usize], params: &TrainParams| {
        let mut network = Network::new(&[2], layers, 1).unwrap();
        train(&mut network, samples(inputs, labels), None, params, &mut go_on).unwrap_err()
    };
    let good = params(1, 4);
    let two = [0.0, 1.0, 2.0, 3.0];
    assert_eq!(attempt(&layers, &[], &[], &good), NnError::TooFewSamples { expected: 1, actual: 0 });
    assert_eq!(attempt(&layers, &two[..3], &[0, 1], &good), NnError::Length { what: "inputs", expected: 4, actual: 3 });
    assert_eq!(attempt(&layers, &two, &[0, 3], &good), NnError::Label { sample: 1, label: 3, classes: 3 });
    assert_eq!(
        attempt(&layers, &[0.0, 1.0, 2.0, f32::NAN], &[0, 1], &good),
        NnError::NonFiniteInput { sample: 1, position: 1, value: "NaN".to_owned() }
    );
    let weighted = |weights: &[f32]| TrainParams { class_weights: Some(weights.to_vec()), ..good.clone() };
    assert_eq!(
        attempt(&layers, &two, &[0, 1], &weighted(&[1.0, 1.0])),
        NnError::Length { what: "class_weights", expected: 3, actual: 2 }
    );
    for params in [
        TrainParams { epochs: 0, ..good.clone() },
        TrainParams { batch_size: 0, ..good.clone() },
        TrainParams { optimizer: OptimizerSpec::sgd(-1.0), ..good.clone() },
        weighted(&[1.0, -1.0, 1.0]),
        weighted(&[1.0, f32::NAN, 1.0]),
        weighted(&[0.0; 3]),
        TrainParams { spec_augment: Some(SpecAugment::default()), ..good.clone() },
    ] {
        assert!(matches!(attempt(&layers, &two, &[0, 1], &params), NnError::Parameter { .. }), "{params:?}");
    }
    let normed = [LayerSpec::batch_norm(), LayerSpec::dense(3)];
    assert_eq!(attempt(&normed, &two[..2], &[0], &good), NnError::TooFewSamples { expected: 2, actual: 1 });
    let single = TrainParams { batch_size: 1, ..good.clone() };
    assert!(matches!(attempt(&normed, &two, &[0, 1], &single), NnError::Parameter { name: "batch_size", .. }));
    assert!(matches!(attempt(&[LayerSpec::Relu], &two, &[0, 1], &good), NnError::Layer { .. }));
}

#[test]
fn scores_must_be_one_row_and_the_network_the_same() {
    let network = Network::new(&[4, 1], &[LayerSpec::conv1d(3, 3)], 1).unwrap();
    let error = Trainer::new(&network, samples(&[0.0; 4], &[0]), None, &params(1, 1)).unwrap_err();
    assert!(error.to_string().contains("flatten"), "{error}");
    let network = Network::new(&[4], &[LayerSpec::dense(3)], 1).unwrap();
    let mut trainer = Trainer::new(&network, samples(&[0.0; 4], &[0]), None, &params(1, 1)).unwrap();
    let mut other = Network::new(&[4], &[LayerSpec::dense(2)], 1).unwrap();
    assert!(matches!(trainer.epoch(&mut other), Err(NnError::Length { .. })));
}

#[test]
fn batches_too_large_for_memory_are_refused() {
    let layers = [LayerSpec::conv1d(300, 1), LayerSpec::max_pool1d(100_000), LayerSpec::Flatten];
    let network = Network::new(&[100_000, 1], &layers, 1).unwrap();
    let inputs = vec![0.0; 40 * 100_000];
    let params = TrainParams { batch_size: 40, ..TrainParams::default() };
    let error = Trainer::new(&network, samples(&inputs, &[0; 40]), None, &params).unwrap_err();
    assert!(matches!(error, NnError::TooLarge { what: "a batch", .. }), "{error}");
}

#[test]
fn an_epoch_falls_into_batches() {
    let lengths = |n, size, smallest| batches(n, size, smallest).map(|range| range.len()).collect::<Vec<_>>();
    assert_eq!(lengths(10, 4, 1), [4, 4, 2]);
    assert_eq!(lengths(8, 4, 2), [4, 4]);
    assert_eq!(lengths(9, 4, 1), [4, 4, 1]);
    assert_eq!(lengths(9, 4, 2), [4, 5]);
    assert_eq!(lengths(3, usize::MAX, 2), [3]);
    assert!(lengths(0, 4, 1).is_empty());
}
