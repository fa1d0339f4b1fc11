//! The LSTM and attention pooling as networks that one builds, trains and asks: against Keras, and by their properties.

#![allow(clippy::unwrap_used)] // Tests.

use std::ops::ControlFlow;

use rayon::ThreadPoolBuilder;
use serde::Deserialize;
use stimmung_nn::{LayerSpec, NamedTensor, Network, NnError, OptimizerSpec, Samples, TrainParams, train};

/// Printed by `scripts/recurrent_golden.py`.
const GOLDEN: &str = include_str!("golden/recurrent.json");

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    shape: Vec<usize>,
    layers: Vec<LayerSpec>,
    tensors: Vec<GoldenTensor>,
    inputs: Vec<f32>,
    labels: Vec<usize>,
    logits: Vec<f32>,
    parameters: usize,
}

#[derive(Deserialize)]
struct GoldenTensor {
    name: String,
    shape: Vec<usize>,
    values: Vec<f32>,
    gradient: Vec<f32>,
}

fn lstm(units: usize, bidirectional: bool, return_sequences: bool) -> LayerSpec {
    LayerSpec::Lstm { units, bidirectional, return_sequences }
}

/// Numbers between -1 and 1 without a pattern that matters.
fn numbers(len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7919 + i * i % 613) % 2003) as f32 / 1001.5 - 1.0).collect()
}

fn step_of(network: &mut Network, inputs: &[f32], labels: &[usize], rate: f64) {
    let params = TrainParams {
        epochs: 1,
        batch_size: labels.len(),
        optimizer: OptimizerSpec::sgd(rate),
        shuffle: false,
        ..TrainParams::default()
    };
    train(network, Samples::new(inputs, labels), None, &params, &mut |_, _| ControlFlow::Continue(())).unwrap();
}

#[test]
fn logits_and_gradients_are_those_of_keras() {
    let golden: Golden = serde_json::from_str(GOLDEN).unwrap();
    assert_eq!(golden.cases.len(), 5);
    for case in golden.cases {
        let mut network = Network::new(&case.shape, &case.layers, 0).unwrap();
        assert_eq!(network.parameter_count(), case.parameters, "{}", case.name);
        let named = |tensor: &GoldenTensor| NamedTensor {
            name: tensor.name.clone(),
            shape: tensor.shape.clone(),
            values: tensor.values.clone(),
        };
        network.load_state(&case.tensors.iter().map(named).collect::<Vec<_>>()).unwrap();
        let logits = network.predict(&case.inputs, case.labels.len()).unwrap();
        for (actual, expected) in logits.iter().zip(&case.logits) {
            assert!((actual - expected).abs() < 1e-6, "{}: {actual} is not {expected}", case.name);
        }
        // A step of plain descent at a rate of one leaves the gradient as the difference.
        step_of(&mut network, &case.inputs, &case.labels, 1.0);
        let state = network.state();
        for tensor in &case.tensors {
            let after = &state.iter().find(|after| after.name == tensor.name).unwrap().values;
            for ((before, after), expected) in tensor.values.iter().zip(after).zip(&tensor.gradient) {
                let actual = before - after;
                assert!((actual - expected).abs() < 3e-7, "{} {}: {actual} is not {expected}", case.name, tensor.name);
            }
        }
    }
}

#[test]
fn shapes_and_sizes_are_those_of_keras() {
    let layers = [lstm(256, false, true), lstm(64, true, true), LayerSpec::AttentionPool, LayerSpec::dense(7)];
    let network = Network::new(&[32, 128], &layers, 0).unwrap();
    let summary = network.summary();
    let lines: Vec<_> = summary.iter().map(|l| (l.name.as_str(), l.output_shape.as_slice(), l.parameters)).collect();
    assert_eq!(
        lines,
        [
            ("lstm_1", &[32, 256][..], 394_240),
            ("lstm_2", &[32, 128], 2 * 4 * ((256 + 64) * 64 + 64)),
            ("attention-pool_1", &[128], 128),
            ("dense_1", &[7], 903),
        ]
    );
    let picture = Network::new(&[32, 4, 32], &[lstm(16, true, false)], 0).unwrap();
    assert_eq!(picture.summary()[0].output_shape, [32]);
    assert_eq!(picture.parameter_count(), 2 * 4 * ((128 + 16) * 16 + 16));
}

#[test]
fn weights_start_as_in_keras() {
    let state = Network::new(&[9, 5], &[lstm(6, true, false)], 3).unwrap().state();
    let tensor = |name: &str| &state.iter().find(|tensor| tensor.name == name).unwrap().values;
    for direction in ["forward", "backward"] {
        let limit = (6.0f32 / (5.0 + 24.0)).sqrt();
        assert!(tensor(&format!("lstm_1.{direction}_kernel")).iter().all(|w| w.abs() <= limit));
        let recurrent = tensor(&format!("lstm_1.{direction}_recurrent_kernel"));
        assert!(recurrent.chunks(24).all(|row| (row.iter().map(|w| w * w).sum::<f32>() - 1.0).abs() < 1e-5));
        let bias = tensor(&format!("lstm_1.{direction}_bias"));
        assert!(bias.iter().enumerate().all(|(at, b)| *b == if (6..12).contains(&at) { 1.0 } else { 0.0 }));
    }
    assert_ne!(tensor("lstm_1.forward_kernel"), tensor("lstm_1.backward_kernel"));
    assert_ne!(tensor("lstm_1.forward_recurrent_kernel"), tensor("lstm_1.backward_recurrent_kernel"));
}

#[test]
fn silence_gives_silence() {
    // Without biases but for the forget gates, nothing comes of nothing.
    for layers in [vec![lstm(5, true, false)], vec![lstm(5, false, true), LayerSpec::AttentionPool]] {
        let network = Network::new(&[40, 3], &layers, 1).unwrap();
        assert!(network.predict(&[0.0; 120], 1).unwrap().iter().all(|y| *y == 0.0));
    }
}

#[test]
fn the_backward_direction_is_the_forward_one_on_the_reversed_sample() {
    let both = Network::new(&[7, 2], &[lstm(4, true, true)], 5).unwrap();
    let mut one = Network::new(&[7, 2], &[lstm(4, false, true)], 0).unwrap();
    let backward = both.state().into_iter().filter_map(|tensor| {
        let name = tensor.name.replace("backward_", "");
        tensor.name.contains("backward").then_some(NamedTensor { name, ..tensor })
    });
    one.load_state(&backward.collect::<Vec<_>>()).unwrap();
    let inputs = numbers(14);
    let reversed: Vec<f32> = inputs.chunks(2).rev().flatten().copied().collect();
    let (expected, actual) = (one.predict(&reversed, 1).unwrap(), both.predict(&inputs, 1).unwrap());
    for (row, expected) in actual.chunks(8).zip(expected.chunks(4).rev()) {
        for (a, b) in row[4..].iter().zip(expected) {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
    }
}

#[test]
fn outputs_stay_bounded_at_any_scale() {
    let network = Network::new(&[30, 2], &[lstm(6, true, true)], 2).unwrap();
    for scale in [1e-30, 1.0, 1e4, 1e30] {
        let inputs: Vec<f32> = numbers(60).iter().map(|x| x * scale).collect();
        assert!(network.predict(&inputs, 1).unwrap().iter().all(|y| y.abs() <= 1.0), "{scale}");
    }
    // An average lies between the smallest and the largest, even where one score outweighs all others.
    let network = Network::new(&[30, 1], &[LayerSpec::AttentionPool], 2).unwrap();
    for scale in [1e-30, 1.0, 1e30] {
        let inputs: Vec<f32> = numbers(30).iter().map(|x| x * scale).collect();
        let y = network.predict(&inputs, 1).unwrap()[0];
        assert!(y.abs() <= 1.000_001 * scale, "{scale} {y}");
    }
}

#[test]
fn the_average_of_equal_rows_is_the_row() {
    let network = Network::new(&[11, 3], &[LayerSpec::AttentionPool], 4).unwrap();
    let average = network.predict(&[0.5, -2.0, 3.0].repeat(11), 1).unwrap();
    for (actual, expected) in average.iter().zip([0.5, -2.0, 3.0]) {
        assert!((actual - expected).abs() < 1e-6, "{average:?}");
    }
}

/// A stack of everything that has to do with time.
fn stack() -> Vec<LayerSpec> {
    vec![
        LayerSpec::conv1d(12, 3),
        LayerSpec::Relu,
        LayerSpec::max_pool1d(2),
        lstm(40, true, true),
        LayerSpec::dropout(0.1),
        lstm(24, false, true),
        LayerSpec::AttentionPool,
        LayerSpec::dense(3),
    ]
}

#[test]
fn an_answer_does_not_depend_on_its_neighbours() {
    for (shape, layers) in [([16, 3], stack()), ([8, 6], vec![lstm(40, false, false), LayerSpec::dense(3)])] {
        let network = Network::new(&shape, &layers, 2).unwrap();
        let inputs = numbers(70 * 48);
        let together = network.predict(&inputs, 70).unwrap();
        for sample in [0, 1, 7, 8, 31, 32, 63, 64, 69] {
            let alone = network.predict(&inputs[sample * 48..(sample + 1) * 48], 1).unwrap();
            assert_eq!(alone, together[sample * 3..(sample + 1) * 3], "{sample}");
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let (inputs, labels) = (numbers(41 * 48), (0..41).map(|sample| sample % 3).collect::<Vec<_>>());
    let on_threads = |threads: usize| {
        ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let mut network = Network::new(&[16, 3], &stack(), 3).unwrap();
            let params = TrainParams { epochs: 2, batch_size: 20, ..TrainParams::default() };
            let history = train(&mut network, Samples::new(&inputs, &labels), None, &params, &mut |_, _| {
                ControlFlow::Continue(())
            })
            .unwrap();
            let bits: Vec<u32> =
                network.state().iter().flat_map(|tensor| tensor.values.iter().map(|value| value.to_bits())).collect();
            (bits, history, network.predict(&inputs, 41).unwrap())
        })
    };
    let alone = on_threads(1);
    for threads in [2, 3, 5] {
        assert_eq!(on_threads(threads), alone, "{threads} threads");
    }
}

#[test]
fn learns_what_came_first() {
    // The class is the sign of the first of twenty steps; the others are noise.
    let noise = numbers(128 * 20);
    let labels: Vec<usize> = (0..128).map(|sample| usize::from(noise[sample * 20] > 0.0)).collect();
    let mut inputs = noise;
    inputs.chunks_mut(20).for_each(|sample| sample[0] = sample[0].signum());
    for layers in [
        vec![lstm(12, false, false), LayerSpec::dense(2)],
        vec![lstm(8, true, true), LayerSpec::AttentionPool, LayerSpec::dense(2)],
    ] {
        let mut network = Network::new(&[20, 1], &layers, 1).unwrap();
        let params =
            TrainParams { epochs: 60, batch_size: 16, optimizer: OptimizerSpec::adam(0.02), ..TrainParams::default() };
        let history =
            train(&mut network, Samples::new(&inputs, &labels), None, &params, &mut |_, _| ControlFlow::Continue(()))
                .unwrap();
        assert!(history.epochs[59].accuracy > 0.97, "{layers:?}: {:?}", history.epochs[59]);
    }
}

#[test]
fn long_samples_learn_without_subnormal_gradients() {
    // Over 2,000 steps of silence the gradient of the last output shrinks to nothing; what is left must still be finite.
    let mut network = Network::new(&[2_000, 1], &[lstm(4, false, false), LayerSpec::dense(2)], 1).unwrap();
    let mut inputs = vec![0.0; 4_000];
    (inputs[0], inputs[2_000]) = (1.0, -1.0);
    step_of(&mut network, &inputs, &[0, 1], 0.1);
    let state = network.state();
    assert!(state.iter().flat_map(|tensor| &tensor.values).all(|w| w.is_finite() && !w.is_subnormal()));
}

#[test]
fn what_does_not_fit_is_refused() {
    for layer in [lstm(3, false, false), LayerSpec::AttentionPool] {
        let error = Network::new(&[8], &[layer], 0).unwrap_err();
        assert!(matches!(&error, NnError::Layer { .. }) && error.to_string().contains("length"), "{error}");
    }
    // After its last output there is no length any more.
    assert!(matches!(
        Network::new(&[8, 2], &[lstm(3, true, false), lstm(3, false, false)], 0),
        Err(NnError::Layer { .. })
    ));
    assert!(matches!(Network::new(&[8, 2], &[lstm(0, false, false)], 0), Err(NnError::Parameter { .. })));
    let huge = usize::MAX / 2;
    for (shape, layer) in [
        ([9, 3], lstm(huge, true, false)),
        ([9, 3], lstm(usize::MAX, true, true)),
        ([9, 3], lstm(1 << 13, false, false)),
        // Few parameters and one row of output, but the gates of every step.
        ([1 << 20, 1], lstm(64, false, false)),
        ([1 << 25, 1], LayerSpec::AttentionPool),
    ] {
        assert!(matches!(Network::new(&shape, &[layer], 0), Err(NnError::TooLarge { .. })));
    }
}
