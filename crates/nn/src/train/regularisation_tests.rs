//! What makes training more than plain descent: validation, stopping, schedules, clipping, smoothing, mixing and masks.

use super::tests::{bits, bumps, convolutional, go_on, params, samples};
use super::*;
use crate::{LayerSpec, OptimizerSpec};

/// Trains a small convolutional network on bumps; gives its bits.
fn trained(change: impl FnOnce(&mut TrainParams), validation: Option<Samples<'_>>) -> (Vec<u32>, History) {
    let (inputs, labels) = bumps(41, 24, 3);
    let mut params = params(3, 8);
    change(&mut params);
    let mut network = Network::new(&[24, 1], &convolutional(3), 3).unwrap();
    let history = train(&mut network, samples(&inputs, &labels), validation, &params, &mut go_on).unwrap();
    (bits(&network.state()), history)
}

/// A pure guess: noise for inputs, labels in turn. What is learned from one half does not help with the other.
fn noise(n: usize, width: usize) -> (Vec<f32>, Vec<usize>) {
    let mut rng = generator(21, random::Purpose::Initial { layer: 5 });
    ((0..n * width).map(|_| random::symmetric(&mut rng)).collect(), (0..n).map(|sample| sample % 3).collect())
}

fn dense() -> [LayerSpec; 4] {
    [LayerSpec::dense(24), LayerSpec::batch_norm(), LayerSpec::Relu, LayerSpec::dense(3)]
}

#[test]
fn what_does_nothing_changes_no_bit() {
    let plain = trained(|_| {}, None);
    let no_masks = SpecAugment { frame_masks: 0, frame_width: 3, band_masks: 0, band_width: 1 };
    let still = SpecAugment { frame_masks: 2, frame_width: 0, band_masks: 2, band_width: 0 };
    assert_eq!(plain, trained(|params| params.label_smoothing = 0.0, None));
    assert_eq!(plain, trained(|params| params.clip_norm = Some(1e9), None));
    assert_eq!(plain, trained(|params| params.spec_augment = Some(no_masks), None));
    assert_eq!(plain, trained(|params| params.spec_augment = Some(still), None));
    // And what does something does.
    let masks = SpecAugment { frame_masks: 1, frame_width: 6, band_masks: 0, band_width: 1 };
    assert_ne!(plain.0, trained(|params| params.label_smoothing = 0.1, None).0);
    assert_ne!(plain.0, trained(|params| params.clip_norm = Some(0.01), None).0);
    assert_ne!(plain.0, trained(|params| params.mixup = Some(0.2), None).0);
    assert_ne!(plain.0, trained(|params| params.spec_augment = Some(masks), None).0);
    assert_ne!(plain.0, trained(|params| params.optimizer = OptimizerSpec::adamw(0.01, 0.1), None).0);
}

#[test]
fn validation_data_change_no_bit_of_the_training() {
    let (inputs, labels) = bumps(10, 24, 3);
    let (alone, plain) = trained(|_| {}, None);
    let (watched, history) = trained(|_| {}, Some(samples(&inputs, &labels)));
    assert_eq!(alone, watched);
    let blind = |report: &EpochReport| EpochReport { validation: None, ..*report };
    assert_eq!(plain.epochs, history.epochs.iter().map(blind).collect::<Vec<_>>());
    assert!(history.epochs.iter().all(|epoch| epoch.validation.is_some()));
    assert_eq!(history.best_epoch, None);
}

#[test]
fn validation_is_what_the_network_answers() {
    let (inputs, labels) = bumps(12, 24, 3);
    let mut network = Network::new(&[24, 1], &convolutional(3), 3).unwrap();
    // Neither weights nor smoothing reach the validation loss.
    let params = TrainParams { label_smoothing: 0.3, class_weights: Some(vec![1.0, 2.0, 3.0]), ..params(2, 8) };
    let data = samples(&inputs, &labels);
    let mut seen = 0;
    train(&mut network, data, Some(samples(&inputs[..24 * 5], &labels[..5])), &params, &mut |report, network| {
        seen += 1;
        let mut answers = network.predict(&inputs[..24 * 5], 5).unwrap();
        crate::softmax(&mut answers, 3);
        let rows = || answers.chunks(3).zip(&labels);
        let loss = rows().map(|(row, label)| -f64::from(row[*label]).ln()).sum::<f64>() / 5.0;
        let right = rows().filter(|(row, label)| best(row) == **label).count();
        let validation = report.validation.unwrap();
        assert!((validation.loss - loss).abs() < 1e-6, "{} {loss}", validation.loss);
        assert_eq!(validation.accuracy, right as f64 / 5.0);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(seen, 2);
}

#[test]
fn early_stopping_ends_the_training_and_restores_the_best_epoch() {
    let (inputs, labels) = noise(60, 12);
    let (training, validation) = (samples(&inputs[..360], &labels[..30]), samples(&inputs[360..], &labels[30..]));
    let run = |restore_best: bool, epochs: usize| {
        let stopping = EarlyStopping { patience: 4, restore_best, ..EarlyStopping::default() };
        let params = TrainParams { early_stopping: Some(stopping), ..params(epochs, 8) };
        let mut network = Network::new(&[12], &dense(), 1).unwrap();
        let mut states = Vec::new();
        let history = train(&mut network, training, Some(validation), &params, &mut |_, network| {
            states.push(bits(&network.state()));
            ControlFlow::Continue(())
        });
        (bits(&network.state()), states, history.unwrap())
    };
    let (state, states, history) = run(true, 100);
    let best = history.best_epoch.unwrap();
    assert!(history.epochs.len() < 100 && history.epochs.len() == best + 4, "{best}");
    let losses: Vec<f64> = history.epochs.iter().map(|epoch| epoch.validation.unwrap().loss).collect();
    assert!(losses.iter().all(|loss| *loss >= losses[best - 1]), "{losses:?}");
    assert!(state == states[best - 1] && state != states[best + 3]);

    let (state, states, _) = run(false, 100);
    assert!(state == states[best + 3]);
    // Out of epochs before out of patience: the best all the same.
    let (state, states, history) = run(true, best + 2);
    assert_eq!((history.epochs.len(), history.best_epoch), (best + 2, Some(best)));
    assert!(state == states[best - 1]);
}

#[test]
fn a_plateau_lowers_the_rate() {
    let (inputs, labels) = noise(60, 12);
    let (training, validation) = (samples(&inputs[..360], &labels[..30]), samples(&inputs[360..], &labels[30..]));
    let schedule = Schedule::Plateau { factor: 0.5, patience: 2, min_delta: 0.0, minimum: 1e-4 };
    let params = TrainParams { schedule, ..params(40, 8) };
    let mut network = Network::new(&[12], &dense(), 1).unwrap();
    let history = train(&mut network, training, Some(validation), &params, &mut go_on).unwrap();
    let rates: Vec<f64> = history.epochs.iter().map(|epoch| epoch.learning_rate).collect();
    assert!(rates.is_sorted_by(|a, b| a >= b), "{rates:?}");
    assert_eq!((rates[0], rates[39]), (0.01, 1e-4));
}

#[test]
fn a_cosine_warms_up_and_ends_low() {
    let schedule = Schedule::Cosine { warmup_epochs: 1, minimum: 1e-3 };
    let change = |params: &mut TrainParams| (params.schedule, params.epochs) = (schedule, 5);
    let rates: Vec<f64> = trained(change, None).1.epochs.iter().map(|epoch| epoch.learning_rate).collect();
    assert_eq!(rates[0], 0.01);
    // Six steps an epoch (41 samples by 8, the last of one joins): the last of 24 after the warm-up, counted from 0.
    let last = 1e-3 + 9e-3 * (0.5 + 0.5 * (std::f64::consts::PI * 19.0 / 20.0).cos());
    assert!((rates[4] - last).abs() < 1e-12, "{rates:?}");
    assert!(rates.is_sorted_by(|a, b| a > b), "{rates:?}");
    // The optimiser's own decay comes on top.
    let decaying = |params: &mut TrainParams| {
        change(params);
        params.optimizer = OptimizerSpec::adam(0.01).with_decay(0.5);
    };
    let decayed = trained(decaying, None).1.epochs[4].learning_rate;
    assert!((decayed - last / (1.0 + 0.5 * 24.0)).abs() < 1e-12);
}

#[test]
fn what_watches_needs_validation_data() {
    let (inputs, labels) = bumps(12, 6, 3);
    let network = Network::new(&[6], &[LayerSpec::dense(3)], 1).unwrap();
    let refuse = |validation: Option<Samples<'_>>, params: &TrainParams| {
        Trainer::new(&network, samples(&inputs, &labels), validation, params).unwrap_err()
    };
    let stopping = TrainParams { early_stopping: Some(EarlyStopping::default()), ..params(2, 4) };
    let schedule = Schedule::Plateau { factor: 0.5, patience: 2, min_delta: 0.0, minimum: 0.0 };
    let plateau = TrainParams { schedule, ..params(2, 4) };
    assert_eq!(refuse(None, &stopping), NnError::MissingValidation { what: "early_stopping" });
    assert_eq!(refuse(None, &plateau), NnError::MissingValidation { what: "schedule" });
    assert!(refuse(None, &plateau).to_string().contains("validation data"));
    // Unsuitable data are refused, whether anything watches them or not.
    for (inputs, labels) in [(&[][..], &[][..]), (&[1.0; 5], &[0]), (&[1.0; 6], &[3]), (&[f32::NAN; 6], &[0])] {
        let error = refuse(Some(samples(inputs, labels)), &params(2, 4));
        assert!(matches!(error, NnError::Validation(_)), "{error}");
        assert!(error.to_string().contains("validation data"), "{error}");
    }
}

#[test]
fn a_validation_loss_that_blows_up_is_an_error() {
    let mut network = Network::new(&[1], &[LayerSpec::dense(2)], 1).unwrap();
    network.parameters.copy_from_slice(&[1e30, -1e30, 0.0, 0.0]);
    let params = TrainParams { optimizer: OptimizerSpec::sgd(1e-3), ..params(1, 4) };
    let huge = samples(&[f32::MAX], &[1]);
    let error = train(&mut network, samples(&[0.0], &[0]), Some(huge), &params, &mut go_on).unwrap_err();
    assert!(matches!(&error, NnError::Diverged { symptom, .. } if symptom.contains("validation")), "{error}");
}

#[test]
fn smoothing_keeps_answers_from_certainty() {
    let mut network = Network::new(&[1], &[LayerSpec::dense(2)], 1).unwrap();
    let params = TrainParams { label_smoothing: 0.2, ..params(400, 8) };
    train(&mut network, samples(&[1.0; 8], &[0; 8]), None, &params, &mut go_on).unwrap();
    let mut scores = network.predict(&[1.0], 1).unwrap();
    crate::softmax(&mut scores, 2);
    assert!((scores[0] - 0.9).abs() < 0.01, "{scores:?}");
}

/// One step of gradient descent on a smoothed, weighted and mixed batch, against central differences of its definition.
#[test]
fn a_mixed_step_is_what_the_definition_says() {
    let (inputs, labels) = (vec![0.5f32, -1.0, 2.0, 1.5, -0.3, 0.8], vec![0, 2, 1]);
    let mut network = Network::new(&[2], &[LayerSpec::dense(3)], 1).unwrap();
    let params = TrainParams {
        epochs: 1,
        batch_size: 3,
        optimizer: OptimizerSpec::sgd(1.0),
        class_weights: Some(vec![1.0, 0.5, 2.0]),
        label_smoothing: 0.1,
        mixup: Some(1.0),
        shuffle: false,
        seed: 6,
        ..TrainParams::default()
    };
    let mixes = mixup::draw(1.0, 6, 0, 3);
    assert!(mixes.iter().enumerate().any(|(index, mix)| mix.partner != index));
    let loss = |parameters: &[f64]| -> f64 {
        let sample = |mix: &Mix, own: usize| {
            let share = f64::from(mix.share);
            let value = |at: usize| {
                share * f64::from(inputs[own * 2 + at]) + (1.0 - share) * f64::from(inputs[mix.partner * 2 + at])
            };
            let logits: Vec<f64> =
                (0..3).map(|k| value(0) * parameters[k] + value(1) * parameters[3 + k] + parameters[6 + k]).collect();
            let log_sum = logits.iter().map(|z| z.exp()).sum::<f64>().ln();
            let smoothed = |label: usize| {
                let wanted = |k| 0.1 / 3.0 + if k == label { 0.9 } else { 0.0 };
                [1.0, 0.5, 2.0][label] * (0..3).map(|k| wanted(k) * (log_sum - logits[k])).sum::<f64>()
            };
            share * smoothed(labels[own]) + (1.0 - share) * smoothed(labels[mix.partner])
        };
        mixes.iter().enumerate().map(|(own, mix)| sample(mix, own)).sum::<f64>() / 3.0
    };
    let before: Vec<f64> = network.parameters.iter().map(|w| f64::from(*w)).collect();
    let history = train(&mut network, samples(&inputs, &labels), None, &params, &mut go_on).unwrap();
    assert!((history.epochs[0].loss - loss(&before)).abs() < 1e-6);
    for index in 0..before.len() {
        let at = |step: f64| {
            let mut moved = before.clone();
            moved[index] += step;
            loss(&moved)
        };
        let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
        let actual = before[index] - f64::from(network.parameters[index]);
        assert!((actual - expected).abs() < 1e-6, "{index}: {actual} {expected}");
    }
}

#[test]
fn clipped_steps_are_as_long_as_asked_for() {
    let mut network = Network::new(&[1], &[LayerSpec::dense(2)], 1).unwrap();
    let before = network.parameters.clone();
    let params = TrainParams { optimizer: OptimizerSpec::sgd(1.0), clip_norm: Some(0.25), ..params(1, 1) };
    train(&mut network, samples(&[50.0], &[0]), None, &params, &mut go_on).unwrap();
    let moved = network.parameters.iter().zip(before).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt();
    assert!((moved - 0.25).abs() < 1e-5, "{moved}");
}

#[test]
fn weight_decay_spares_biases_and_normalisations() {
    // Without a gradient, as every answer is right for sure, only decay moves anything.
    let layers = [LayerSpec::dense(2), LayerSpec::batch_norm(), LayerSpec::dense(1)];
    let mut network = Network::new(&[1], &layers, 1).unwrap();
    network.parameters.fill(0.5);
    let params = TrainParams { optimizer: OptimizerSpec::adamw(0.1, 1.0), ..params(1, 2) };
    train(&mut network, samples(&[1.0, 2.0], &[0, 0]), None, &params, &mut go_on).unwrap();
    for tensor in network.state().iter().filter(|tensor| !tensor.name.contains("moving")) {
        let expected = if tensor.name.ends_with("kernel") { 0.45 } else { 0.5 };
        assert!(tensor.values.iter().all(|value| (value - expected).abs() < 1e-6), "{tensor:?}");
    }
}
