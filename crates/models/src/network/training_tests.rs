//! Early stopping, checkpoints and threads.

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;

use stimmung_features::Shape;
use stimmung_nn::{LayerSpec, OptimizerSpec, Schedule, SpecAugment};

use super::{CheckpointStore, EarlyStoppingParams, NetworkParams, TrainingParams};
use crate::testing::{blob_matrix, names};
use crate::{
    Classifier, FitProgress, Matrix, ModelError, ModelParams, OneVsRestParams, TrainingSet, Watched, fit, fit_resumable,
};

const SHAPE: Shape = Shape::Picture { frames: 6, bands: 4 };

/// A network with everything that training offers, on pictures of 6 × 4.
fn params(epochs: usize) -> NetworkParams {
    let layers = vec![
        LayerSpec::conv2d(3, 3),
        LayerSpec::batch_norm(),
        LayerSpec::elu(),
        LayerSpec::max_pool2d(2),
        LayerSpec::lstm(4),
        LayerSpec::dropout(0.2),
    ];
    let masks = SpecAugment { frame_masks: 1, frame_width: 2, band_masks: 1, band_width: 1 };
    let training = TrainingParams {
        epochs,
        batch_size: 8,
        optimizer: OptimizerSpec::adamw(3e-3, 0.01),
        schedule: Schedule::Plateau { factor: 0.5, patience: 2, min_delta: 0.0, minimum: 0.0 },
        label_smoothing: 0.1,
        clip_norm: Some(1.0),
        mixup: Some(0.2),
        spec_augment: Some(masks),
        early_stopping: Some(EarlyStoppingParams { patience: 5, ..EarlyStoppingParams::default() }),
        ..TrainingParams::default()
    };
    NetworkParams { layers: Some(layers), training, ..NetworkParams::default() }
}

/// Features, labels, and the speakers of five recordings each.
fn data() -> (Matrix, Vec<usize>, Vec<usize>) {
    let (x, labels) = blob_matrix(50, 24, 3, 0.9, 4);
    (x, labels, (0..50).map(|row| row / 5).collect())
}

fn quiet(params: &NetworkParams, data: &TrainingSet<'_>, seed: u64) -> Result<Classifier, ModelError> {
    fit(&ModelParams::Network(params.clone()), data, seed, &mut |_| ControlFlow::Continue(()))
}

#[derive(Default)]
struct Memory {
    trainings: BTreeMap<usize, Vec<u8>>,
    saved: usize,
}

impl Memory {
    /// With a checkpoint of the only training.
    fn of(bytes: &[u8]) -> Self {
        Self { trainings: BTreeMap::from([(0, bytes.to_vec())]), saved: 0 }
    }
}

impl CheckpointStore for Memory {
    fn due(&mut self, epoch: usize) -> bool {
        epoch.is_multiple_of(2)
    }

    fn load(&mut self, training: usize) -> io::Result<Option<Vec<u8>>> {
        Ok(self.trainings.get(&training).cloned())
    }

    fn save(&mut self, training: usize, bytes: &[u8]) -> io::Result<()> {
        self.trainings.insert(training, bytes.to_vec());
        self.saved += 1;
        Ok(())
    }
}

#[test]
fn threads_change_no_bit() {
    let (x, labels, groups) = data();
    let classes = names(3);
    let data = TrainingSet { groups: Some(&groups), ..TrainingSet::new(&x, SHAPE, &labels, &classes) };
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("pool");
        pool.install(|| quiet(&params(3), &data, 5).expect("fitted").probabilities(&x).expect("probabilities"))
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn what_is_held_out_is_not_learned_from() {
    // Only the labels of what is held out change; the weights of the last epoch do not.
    let (x, labels, groups) = data();
    let classes = names(3);
    let stopping = EarlyStoppingParams { patience: 100, restore_best: false, ..EarlyStoppingParams::default() };
    let mut params = params(3);
    params.training.schedule = Schedule::Constant;
    params.training.early_stopping = Some(stopping);
    let answers = |labels: &[usize]| {
        let data = TrainingSet { groups: Some(&groups), ..TrainingSet::new(&x, SHAPE, labels, &classes) };
        quiet(&params, &data, 2).expect("fitted").probabilities(&x).expect("probabilities")
    };
    let plain = answers(&labels);
    let silent = (0..10).filter(|&group| {
        let changed: Vec<usize> =
            labels.iter().zip(&groups).map(|(&label, &of)| if of == group { (label + 1) % 3 } else { label }).collect();
        answers(&changed) == plain
    });
    assert_eq!(silent.count(), 2, "a fifth of ten speakers is held out");
}

#[test]
fn training_ends_when_it_no_longer_helps() {
    let (x, labels, groups) = data();
    // Noise: nothing can be learned that holds for others.
    let noise: Vec<usize> = (0..50).map(|row| labels[(row * 7 + 3) % 50]).collect();
    let classes = names(3);
    let data = TrainingSet { groups: Some(&groups), ..TrainingSet::new(&x, SHAPE, &noise, &classes) };
    let mut seen: Vec<FitProgress> = Vec::new();
    let model = fit(&ModelParams::Network(params(500)), &data, 2, &mut |step| {
        seen.push(step);
        ControlFlow::Continue(())
    })
    .expect("fitted");
    assert!(seen.len() < 500, "{}", seen.len());
    let losses: Vec<f64> = seen.iter().filter_map(|step| step.validation_loss).collect();
    assert_eq!(losses.len(), seen.len());
    let best = (0..losses.len()).fold(0, |best, at| if losses[at] < losses[best] { at } else { best });
    assert_eq!(seen.len(), best + 1 + 5, "five epochs of patience");
    let note = model.summary().fitting;
    let expected = format!("{} of 500 epochs, weights of epoch {}, training loss", seen.len(), best + 1);
    assert!(note.starts_with(&expected) && note.ends_with(&format!("held-out loss {:.4}", losses[best])), "{note}");
}

#[test]
fn an_interrupted_training_comes_to_the_same_bits() {
    let (x, labels, groups) = data();
    let classes = names(3);
    let watched = Some(Watched { rows: &[3, 8, 11], labels: &[2, 1, 0] });
    let data = TrainingSet { groups: Some(&groups), watched, ..TrainingSet::new(&x, SHAPE, &labels, &classes) };
    let params = params(7);
    let model = ModelParams::Network(params.clone());
    let mut told = Vec::new();
    let whole = fit(&model, &data, 2, &mut |at| {
        told.push(at);
        ControlFlow::Continue(())
    })
    .expect("fitted");
    let mut memory = Memory::default();
    let stopped = fit_resumable(&model, &data, 2, &mut memory, &mut |at| {
        if at.step == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(stopped, Err(ModelError::Stopped)));
    assert_eq!(memory.saved, 2, "after the second epoch and when it was stopped");
    let kept = memory.trainings[&0].clone();

    let mut steps = Vec::new();
    let resumed = fit_resumable(&model, &data, 2, &mut memory, &mut |at| {
        steps.push(at);
        ControlFlow::Continue(())
    })
    .expect("resumed");
    assert_eq!(steps, told, "the epochs before are told once more");
    assert_eq!(memory.saved, 5, "three times more: when it is due and when it is over");
    assert_eq!(resumed.probabilities(&x).expect("p"), whole.probabilities(&x).expect("p"));
    assert_eq!(resumed.summary(), whole.summary());

    let refusal = |params: &NetworkParams, data: &TrainingSet<'_>, seed: u64, bytes: &[u8]| {
        let mut memory = Memory::of(bytes);
        let params = ModelParams::Network(params.clone());
        match fit_resumable(&params, data, seed, &mut memory, &mut |_| ControlFlow::Continue(())) {
            Err(ModelError::Checkpoint { reason }) => reason,
            other => panic!("{other:?}"),
        }
    };
    assert!(refusal(&params, &data, 3, &kept).contains("data"), "another seed holds out others");
    let mut hotter = params.clone();
    hotter.training.optimizer = OptimizerSpec::adam(0.1);
    assert!(refusal(&hotter, &data, 2, &kept).contains("optimizer"));
    let mut values = x.values().to_vec();
    values[100] += 0.5;
    let other = Matrix::new(50, 24, values).expect("matrix");
    assert!(refusal(&params, &TrainingSet { features: &other, ..data }, 2, &kept).contains("other data"));
    let fewer = TrainingSet { watched: Some(Watched { rows: &[], labels: &[] }), ..data };
    assert!(refusal(&params, &fewer, 2, &kept).contains("watched"));
    assert!(refusal(&params, &data, 2, b"junk").contains("no checkpoint"));
    for end in [0, 9, kept.len() / 2, kept.len() - 1] {
        refusal(&params, &data, 2, &kept[..end]);
    }
}

#[test]
fn an_interrupted_ensemble_goes_on_with_the_member_that_was_trained() {
    let (x, labels, _) = data();
    let classes = names(3);
    let data = TrainingSet::new(&x, SHAPE, &labels, &classes);
    let network = || Box::new(ModelParams::Network(params(4)));
    let model = ModelParams::OneVsRest(OneVsRestParams { member: network(), arbiter: network() });
    let whole = fit(&model, &data, 2, &mut |_| ControlFlow::Continue(())).expect("fitted");
    let mut memory = Memory::default();
    let stopped = fit_resumable(&model, &data, 2, &mut memory, &mut |at| {
        // A hundred steps a network: after two of the four epochs of the second.
        if at.step == 150 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(stopped, Err(ModelError::Stopped)));
    assert_eq!(memory.trainings.keys().collect::<Vec<_>>(), [&0, &1]);
    assert_eq!(memory.saved, 3, "the first after epochs 2 and 4, the second after epoch 2");
    let resumed = fit_resumable(&model, &data, 2, &mut memory, &mut |_| ControlFlow::Continue(())).expect("resumed");
    assert_eq!(memory.saved, 8, "the rest: the second once, the third and the arbiter twice");
    assert_eq!(memory.trainings.len(), 4);
    assert_eq!(resumed.probabilities(&x).expect("p"), whole.probabilities(&x).expect("p"));
}

#[test]
fn a_store_that_fails_is_named() {
    struct Broken;
    impl CheckpointStore for Broken {
        fn due(&mut self, _: usize) -> bool {
            false
        }
        fn load(&mut self, _: usize) -> io::Result<Option<Vec<u8>>> {
            Ok(None)
        }
        fn save(&mut self, _: usize, _: &[u8]) -> io::Result<()> {
            Err(io::Error::other("full"))
        }
    }
    let (x, labels, _) = data();
    let classes = names(3);
    let data = TrainingSet::new(&x, SHAPE, &labels, &classes);
    let result =
        fit_resumable(&ModelParams::Network(params(2)), &data, 2, &mut Broken, &mut |_| ControlFlow::Continue(()));
    let message = result.expect_err("full").to_string();
    assert_eq!(message, "cannot write the checkpoint: full");
    // Models without epochs leave it alone.
    let lda = ModelParams::by_name("lda").expect("known");
    fit_resumable(&lda, &data, 2, &mut Broken, &mut |_| ControlFlow::Continue(())).expect("fitted");
}
