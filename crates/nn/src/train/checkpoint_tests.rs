//! A training that was interrupted goes on to the same bits, or not at all.

use rayon::ThreadPoolBuilder;

use super::tests::{bits, bumps, convolutional, params, samples};
use super::*;
use crate::{LayerSpec, OptimizerSpec};

fn optimizers() -> Vec<OptimizerSpec> {
    let sgd = |momentum, nesterov| OptimizerSpec::Sgd { learning_rate: 0.05, momentum, nesterov, decay: 1e-3 };
    vec![
        sgd(0.0, false),
        sgd(0.9, false),
        sgd(0.9, true),
        OptimizerSpec::adam(0.01).with_decay(1e-3),
        OptimizerSpec::adamw(0.01, 0.1),
        OptimizerSpec::rmsprop(0.003),
    ]
}

/// Everything at once.
fn all(optimizer: OptimizerSpec, schedule: Schedule) -> TrainParams {
    TrainParams {
        optimizer,
        schedule,
        class_weights: Some(vec![1.0, 1.5, 0.5]),
        label_smoothing: 0.1,
        clip_norm: Some(0.5),
        mixup: Some(0.4),
        spec_augment: Some(SpecAugment { frame_masks: 2, frame_width: 4, band_masks: 1, band_width: 1 }),
        early_stopping: Some(EarlyStopping { patience: 8, min_delta: 0.01, restore_best: true }),
        ..params(10, 8)
    }
}

fn cosine() -> Schedule {
    Schedule::Cosine { warmup_epochs: 2, minimum: 1e-4 }
}

fn plateau() -> Schedule {
    Schedule::Plateau { factor: 0.5, patience: 1, min_delta: 0.05, minimum: 1e-5 }
}

struct Data {
    training: (Vec<f32>, Vec<usize>),
    validation: (Vec<f32>, Vec<usize>),
}

impl Data {
    fn new() -> Self {
        Self { training: bumps(33, 24, 3), validation: bumps(9, 24, 3) }
    }

    fn training(&self) -> Samples<'_> {
        samples(&self.training.0, &self.training.1)
    }

    fn validation(&self) -> Samples<'_> {
        samples(&self.validation.0, &self.validation.1)
    }
}

fn network() -> Network {
    Network::new(&[24, 1], &convolutional(3), 3).unwrap()
}

fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

/// Trains to the end; gives the bits before and after the best epoch is restored, and the history.
fn finish(mut trainer: Trainer<'_>, network: &mut Network) -> (Vec<u32>, Vec<u32>, History) {
    while !trainer.is_finished() {
        trainer.epoch(network).unwrap();
    }
    let last = bits(&network.state());
    let history = trainer.finish(network).unwrap();
    (last, bits(&network.state()), history)
}

/// A checkpoint after some epochs, with the network that it is of.
fn interrupted(data: &Data, validation: Option<Samples<'_>>, params: &TrainParams, epochs: usize) -> Checkpoint {
    let mut network = network();
    let mut trainer = Trainer::new(&network, data.training(), validation, params).unwrap();
    for _ in 0..epochs {
        trainer.epoch(&mut network).unwrap();
    }
    trainer.checkpoint(&network)
}

/// Ten epochs in one go on one thread, against four, a checkpoint through text, and the rest on three.
fn assert_goes_on(data: &Data, validation: Option<Samples<'_>>, params: &TrainParams) {
    let straight = on_threads(1, || {
        let mut network = network();
        finish(Trainer::new(&network, data.training(), validation, params).unwrap(), &mut network)
    });
    let text = on_threads(3, || serde_json::to_string(&interrupted(data, validation, params, 4)).unwrap());
    let checkpoint: Checkpoint = serde_json::from_str(&text).unwrap();
    for threads in [1, 3] {
        let resumed = on_threads(threads, || {
            // Weights of another seed, which the checkpoint replaces.
            let mut network = Network::new(&[24, 1], &convolutional(3), 99).unwrap();
            let trainer = Trainer::resume(&mut network, data.training(), validation, params, &checkpoint).unwrap();
            finish(trainer, &mut network)
        });
        assert_eq!(straight, resumed, "{params:?}, {threads} threads");
    }
}

#[test]
fn a_resumed_training_comes_to_the_same_bits() {
    let data = Data::new();
    for optimizer in optimizers() {
        assert_goes_on(&data, Some(data.validation()), &all(optimizer.clone(), cosine()));
        assert_goes_on(&data, Some(data.validation()), &all(optimizer, plateau()));
    }
}

#[test]
fn a_plain_training_can_be_resumed_too() {
    let data = Data::new();
    for optimizer in optimizers() {
        assert_goes_on(&data, None, &TrainParams { optimizer, ..params(10, 8) });
    }
    assert_goes_on(&data, Some(data.validation()), &params(10, 8));
    let stopping = EarlyStopping { restore_best: false, ..EarlyStopping::default() };
    assert_goes_on(&data, Some(data.validation()), &TrainParams { early_stopping: Some(stopping), ..params(10, 8) });
}

#[test]
fn the_schedule_is_in_its_course_when_it_is_taken_up() {
    // So that the test above means something: the rate has changed before the interruption and after it.
    let data = Data::new();
    for schedule in [cosine(), plateau()] {
        let params = all(OptimizerSpec::adam(0.01), schedule);
        let mut network = network();
        let trainer = Trainer::new(&network, data.training(), Some(data.validation()), &params).unwrap();
        let history = finish(trainer, &mut network).2;
        let rates: Vec<f64> = history.epochs.iter().map(|epoch| epoch.learning_rate).collect();
        assert!(rates[0] != rates[4] && rates[4] != rates[9], "{rates:?}");
    }
}

#[test]
fn nothing_and_everything_trained_are_checkpoints_too() {
    let data = Data::new();
    let params = TrainParams { epochs: 3, ..all(OptimizerSpec::adam(0.01), plateau()) };
    let resume = |checkpoint: &Checkpoint, epochs: usize| {
        let mut network = network();
        let params = TrainParams { epochs, ..params.clone() };
        let trainer =
            Trainer::resume(&mut network, data.training(), Some(data.validation()), &params, checkpoint).unwrap();
        let done = trainer.is_finished();
        (done, finish(trainer, &mut network))
    };
    let straight = resume(&interrupted(&data, Some(data.validation()), &params, 0), 3);
    assert!(!straight.0);
    let (done, rest) = resume(&interrupted(&data, Some(data.validation()), &params, 3), 3);
    assert!(done && rest == straight.1);
    // More epochs than were asked for at first.
    let (done, rest) = resume(&interrupted(&data, Some(data.validation()), &params, 3), 5);
    assert!(!done && rest.2.epochs.len() == 5 && rest.2.epochs[..3] == straight.1.2.epochs);
}

#[test]
fn a_training_that_was_stopped_early_stays_stopped() {
    let data = Data::new();
    let stopping = EarlyStopping { patience: 1, min_delta: 100.0, restore_best: true };
    let params = TrainParams { early_stopping: Some(stopping), ..params(10, 8) };
    let checkpoint = interrupted(&data, Some(data.validation()), &params, 2);
    let mut network = network();
    let trainer =
        Trainer::resume(&mut network, data.training(), Some(data.validation()), &params, &checkpoint).unwrap();
    assert!(trainer.is_finished());
    assert_eq!(trainer.finish(&mut network).unwrap().best_epoch, Some(1));
    let best: Vec<u32> = checkpoint
        .tensors
        .iter()
        .filter(|tensor| tensor.name.starts_with("best."))
        .flat_map(|tensor| match &tensor.values {
            CheckpointValues::F32(values) => values.iter().map(|value| value.to_bits()).collect(),
            CheckpointValues::F64(_) => Vec::new(),
        })
        .collect();
    assert_eq!(bits(&network.state()), best);
}

#[test]
fn a_checkpoint_of_another_training_is_refused_by_what_differs() {
    type Change = fn(&mut TrainParams);
    let data = Data::new();
    let good = all(OptimizerSpec::adam(0.01), cosine());
    let checkpoint = interrupted(&data, Some(data.validation()), &good, 1);
    let refusal = |params: &TrainParams, training: Samples<'_>, layers: &[LayerSpec]| {
        let mut network = Network::new(&[24, 1], layers, 3).unwrap();
        match Trainer::resume(&mut network, training, Some(data.validation()), params, &checkpoint) {
            Err(NnError::OtherTraining { key, .. }) => key,
            other => panic!("{:?}", other.map(|_| ())),
        }
    };
    let changes: [(&str, Change); 10] = [
        ("batch_size", |params| params.batch_size = 9),
        ("optimizer", |params| params.optimizer = OptimizerSpec::adam(0.011)),
        ("schedule", |params| params.schedule = Schedule::Constant),
        ("class_weights", |params| params.class_weights = None),
        ("label_smoothing", |params| params.label_smoothing = 0.0),
        ("clip_norm", |params| params.clip_norm = None),
        ("mixup", |params| params.mixup = Some(0.41)),
        ("spec_augment", |params| params.spec_augment = None),
        ("early_stopping", |params| params.early_stopping = None),
        ("seed", |params| params.seed = 5),
    ];
    for (key, change) in changes {
        let mut params = good.clone();
        change(&mut params);
        assert_eq!(refusal(&params, data.training(), &convolutional(3)), key);
    }
    let fewer = samples(&data.training.0[..24 * 32], &data.training.1[..32]);
    assert_eq!(refusal(&good, fewer, &convolutional(3)), "the number of training samples");
    let mut layers = convolutional(3);
    // No parameter tells of this.
    layers[5] = LayerSpec::dropout(0.2);
    assert_eq!(refusal(&good, data.training(), &layers), "layer 6");
    layers.truncate(8);
    layers.push(LayerSpec::dense(3));
    assert_eq!(refusal(&good, data.training(), &layers), "layer 10");
}

#[test]
fn damaged_checkpoints_are_refused_and_change_nothing() {
    type Damage = fn(&mut Checkpoint);
    fn values<'a>(checkpoint: &'a mut Checkpoint, name: &str) -> &'a mut CheckpointTensor {
        checkpoint.tensors.iter_mut().find(|tensor| tensor.name == name).unwrap()
    }
    fn f32s<'a>(checkpoint: &'a mut Checkpoint, name: &str) -> &'a mut Vec<f32> {
        let CheckpointValues::F32(values) = &mut values(checkpoint, name).values else { panic!("{name}") };
        values
    }
    let damages: [(&str, Damage); 12] = [
        ("network.dense_1.bias", |c| c.tensors.retain(|tensor| tensor.name != "network.dense_1.bias")),
        ("best.dense_1.bias", |c| c.tensors.retain(|tensor| tensor.name != "best.dense_1.bias")),
        ("network.conv1d_1.kernel", |c| c.tensors.push(c.tensors[0].clone())),
        ("surplus", |c| c.tensors[0].name = "surplus".to_owned()),
        ("network.dense_1.bias", |c| values(c, "network.dense_1.bias").shape = vec![2, 8]),
        ("network.dense_1.bias", |c| f32s(c, "network.dense_1.bias").truncate(3)),
        ("network.dense_1.bias", |c| f32s(c, "network.dense_1.bias")[0] = f32::NAN),
        ("best.dense_1.kernel", |c| f32s(c, "best.dense_1.kernel")[0] = f32::INFINITY),
        ("optimizer.second", |c| f32s(c, "optimizer.second")[0] = -1.0),
        ("optimizer.first", |c| values(c, "optimizer.first").values = CheckpointValues::F64(vec![])),
        ("history.loss", |c| c.header.epochs = 3),
        ("history.loss", |c| values(c, "history.loss").values = CheckpointValues::F64(vec![f64::NAN; 2])),
    ];
    let data = Data::new();
    let params = all(OptimizerSpec::adam(0.01), cosine());
    let good = interrupted(&data, Some(data.validation()), &params, 2);
    let mut network = network();
    let before = bits(&network.state());
    for (index, (name, damage)) in damages.into_iter().enumerate() {
        let mut damaged = good.clone();
        damage(&mut damaged);
        let error =
            Trainer::resume(&mut network, data.training(), Some(data.validation()), &params, &damaged).unwrap_err();
        let NnError::State { name: actual, .. } = &error else { panic!("{error}") };
        // A renamed tensor is first of all missing.
        let expected = if name == "surplus" { good.tensors[0].name.as_str() } else { name };
        assert_eq!(actual, expected, "{index}: {error}");
        assert_eq!(bits(&network.state()), before);
    }
    let mut added = good.clone();
    added.tensors.push(CheckpointTensor { name: "surplus".to_owned(), ..good.tensors[0].clone() });
    let error = Trainer::resume(&mut network, data.training(), Some(data.validation()), &params, &added).unwrap_err();
    assert!(error.to_string().contains("surplus"), "{error}");
    let newer = Checkpoint { header: CheckpointHeader { version: 2, ..good.header.clone() }, ..good };
    let error = Trainer::resume(&mut network, data.training(), Some(data.validation()), &params, &newer).unwrap_err();
    assert!(error.to_string().contains("version"), "{error}");
}

#[test]
fn values_survive_text_to_the_bit() {
    let singles = vec![0.1f32, -0.0, f32::MIN_POSITIVE / 3.0, f32::MAX, f32::INFINITY];
    let doubles = vec![0.1f64, -0.0, 1.0 / 3.0, 2.225_073_858_507_201e-308, f64::NEG_INFINITY];
    for values in [CheckpointValues::F32(singles), CheckpointValues::F64(doubles)] {
        let text = serde_json::to_string(&values).unwrap();
        assert_eq!(serde_json::from_str::<CheckpointValues>(&text).unwrap(), values);
    }
    assert!(serde_json::from_str::<CheckpointHeader>(r#"{"version": 1, "epochs": 0}"#).is_err());
}
