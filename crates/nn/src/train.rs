//! Training by mini-batches.

use std::ops::{ControlFlow, Range};

use rayon::prelude::*;

use crate::engine::{BatchLoss, Engine, Purpose};
use crate::layers::Mode;
use crate::loss::{Target, best, surprise};
use crate::optimizer::Optimizer;
use crate::random::{self, generator, shuffle};
use crate::{Network, NnError, Samples};

mod checkpoint;
mod clipping;
mod mixup;
mod params;
mod report;
mod schedule;
mod spec_augment;
mod stopping;

#[cfg(test)]
mod checkpoint_tests;
#[cfg(test)]
mod regularisation_tests;
#[cfg(test)]
mod tests;

pub use checkpoint::{Checkpoint, CheckpointHeader, CheckpointTensor, CheckpointValues};
pub use params::TrainParams;
pub use report::{EpochReport, History, ValidationReport};
pub use schedule::Schedule;
pub use spec_augment::SpecAugment;
pub use stopping::EarlyStopping;

use mixup::Mix;
use schedule::Scheduler;
use spec_augment::Masker;
use stopping::Stopper;

/// The most values in the buffers of a batch: 4 GiB.
const LARGEST_BATCH: usize = 1 << 30;

/// A training in progress, epoch by epoch, for those who want to look at the network in between, or to save a
/// [`Checkpoint`]; otherwise use [`train()`].
///
/// ```
/// use stimmung_nn::{LayerSpec, Network, Samples, TrainParams, Trainer};
///
/// let inputs = [0.0, 1.0, 0.2, 0.8];
/// let samples = Samples::new(&inputs, &[0, 1, 0, 1]);
/// let params = TrainParams { epochs: 3, ..TrainParams::default() };
/// let mut network = Network::new(&[1], &[LayerSpec::dense(2)], 1)?;
/// let mut trainer = Trainer::new(&network, samples, None, &params)?;
/// while !trainer.is_finished() {
///     let report = trainer.epoch(&mut network)?;
///     let answers = network.predict(&inputs, 4)?;
///     assert!(report.loss.is_finite() && answers.len() == 8);
/// }
/// let history = trainer.finish(&mut network)?;
/// assert_eq!(history.epochs.len(), 3);
/// # Ok::<(), stimmung_nn::NnError>(())
/// ```
#[derive(Debug)]
pub struct Trainer<'a> {
    training: Samples<'a>,
    validation: Option<Samples<'a>>,
    params: TrainParams,
    smallest_batch: usize,
    engine: Engine,
    optimizer: Optimizer,
    scheduler: Scheduler,
    stopper: Option<Stopper>,
    masker: Option<Masker>,
    gradients: Vec<f32>,
    order: Vec<usize>,
    /// The samples of a batch, where they are masked or mixed; empty where they are not.
    staged: Vec<f32>,
    history: History,
}

impl<'a> Trainer<'a> {
    /// Checks parameters and data, and makes all buffers. Validation data are needed by what watches the validation
    /// loss, and influence nothing else.
    ///
    /// # Errors
    ///
    /// [`NnError::Parameter`] for parameters out of range, [`NnError::TooFewSamples`], [`NnError::Length`],
    /// [`NnError::Label`] and [`NnError::NonFiniteInput`] for data that do not fit (within [`NnError::Validation`] for
    /// validation data), [`NnError::MissingValidation`], [`NnError::Layer`] for a
    /// network that does not end in one row of scores or has nothing to learn, [`NnError::TooLarge`] for
    /// batches beyond 2^30 values.
    pub fn new(
        network: &Network,
        training: Samples<'a>,
        validation: Option<Samples<'a>>,
        params: &TrainParams,
    ) -> Result<Self, NnError> {
        params.check()?;
        check_network(network)?;
        let (plan, n) = (&network.plan, training.labels().len());
        if n < plan.smallest_batch.max(1) {
            return Err(NnError::TooFewSamples { expected: plan.smallest_batch.max(1), actual: n });
        }
        if params.batch_size < plan.smallest_batch {
            return Err(NnError::parameter(
                "batch_size",
                params.batch_size,
                "at least 2 with batch normalisation over flat samples",
            ));
        }
        training.check(network)?;
        let classes = network.output_len();
        if let Some(weights) = &params.class_weights
            && weights.len() != classes
        {
            return Err(NnError::Length { what: "class_weights", expected: classes, actual: weights.len() });
        }
        check_validation(network, validation, params)?;
        let masker = params.spec_augment.map(|spec| Masker::new(spec, &network.input_shape)).transpose()?;
        // One more than asked for, in case a last sample joins.
        let capacity = params.batch_size.saturating_add(plan.smallest_batch - 1).min(n);
        match capacity.checked_mul(plan.sample_len) {
            Some(len) if len <= LARGEST_BATCH => {}
            len => {
                let needed = len.unwrap_or(usize::MAX);
                let remedy = "lower batch_size";
                return Err(NnError::TooLarge { what: "a batch", needed, limit: LARGEST_BATCH, remedy });
            }
        }
        let steps_per_epoch = batches(n, params.batch_size, plan.smallest_batch).count();
        let learning_rate = params.optimizer.learning_rate();
        let kernels = plan.tensors.iter().filter(|tensor| tensor.trainable && tensor.shape.len() > 1);
        let kernels = kernels.map(|tensor| tensor.range.clone()).collect();
        Ok(Self {
            training,
            validation,
            smallest_batch: plan.smallest_batch,
            engine: Engine::new(plan, capacity, Purpose::Training),
            optimizer: Optimizer::new(params.optimizer.clone(), network.parameter_count(), kernels),
            scheduler: Scheduler::new(params.schedule, learning_rate, steps_per_epoch, params.epochs),
            stopper: params.early_stopping.map(Stopper::new),
            gradients: vec![0.0; network.parameter_count()],
            order: (0..n).collect(),
            staged: vec![
                0.0;
                if masker.is_some() || params.mixup.is_some() { capacity * network.input_len() } else { 0 }
            ],
            masker,
            history: History::default(),
            params: params.clone(),
        })
    }

    /// Trains one epoch. `network` must have the layers of the one that the trainer was made for. An epoch beyond the last
    /// is trained all the same.
    ///
    /// # Errors
    ///
    /// [`NnError::Diverged`] if a loss or a parameter is not finite; the network and the trainer are then of no use.
    /// [`NnError::Length`] if the network is another.
    pub fn epoch(&mut self, network: &mut Network) -> Result<EpochReport, NnError> {
        self.check_same(network)?;
        let epoch = self.history.epochs.len();
        if self.params.shuffle {
            let mut rng = generator(self.params.seed, random::Purpose::Shuffle { epoch });
            // From the same start each time, so that an epoch's order depends on nothing but its number.
            self.order.iter_mut().enumerate().for_each(|(index, item)| *item = index);
            shuffle(&mut self.order, &mut rng);
        }
        let n = self.order.len();
        let (mut loss, mut correct, mut learning_rate, mut batch) = (0.0, 0, 0.0, 0);
        let diverged =
            |symptom, batch, learning_rate| NnError::Diverged { symptom, epoch: epoch + 1, batch, learning_rate };
        for range in batches(n, self.params.batch_size, self.smallest_batch) {
            batch += 1;
            let step = self.optimizer.steps();
            learning_rate = self.params.optimizer.decayed(self.scheduler.rate(step), step);
            let batch_loss = self.step(network, range, learning_rate);
            if !batch_loss.sum.is_finite() {
                return Err(diverged(format!("the loss became {}", batch_loss.sum), batch, learning_rate));
            }
            loss += batch_loss.sum;
            correct += batch_loss.correct;
        }
        // No loss tells of the last step.
        if !network.parameters.iter().chain(&network.statistics).all(|value| value.is_finite()) {
            let symptom = "a weight or a running statistic became infinite".to_owned();
            return Err(diverged(symptom, batch, learning_rate));
        }
        let validation = self.validation.map(|samples| validate(network, samples));
        if let Some(validation) = validation.filter(|validation| !validation.loss.is_finite()) {
            return Err(diverged(format!("the validation loss became {}", validation.loss), batch, learning_rate));
        }
        let report = EpochReport {
            epoch: epoch + 1,
            loss: loss / n as f64,
            accuracy: correct as f64 / n as f64,
            learning_rate,
            steps: self.optimizer.steps(),
            validation,
        };
        if self.record(report)
            && let Some(stopper) = &mut self.stopper
        {
            stopper.keep(network);
        }
        Ok(report)
    }

    /// Whether there is nothing left to train: all epochs are over, or [`EarlyStopping`] ended the training.
    pub fn is_finished(&self) -> bool {
        self.history.epochs.len() >= self.params.epochs || self.stopper.as_ref().is_some_and(Stopper::stopped)
    }

    /// The epochs so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Ends the training: gives `network` the weights of its best epoch, if [`EarlyStopping`] is to restore them, whether it
    /// stopped the training or not. Checkpoints are to be made before.
    ///
    /// # Errors
    ///
    /// [`NnError::Length`] if the network is another than the trainer was made for.
    pub fn finish(self, network: &mut Network) -> Result<History, NnError> {
        self.check_same(network)?;
        if let Some(best) = self.stopper.and_then(|stopper| stopper.best) {
            network.parameters.copy_from_slice(&best.parameters);
            network.statistics.copy_from_slice(&best.statistics);
        }
        Ok(self.history)
    }

    /// One step on the samples in this range of the epoch's order. If the loss is not finite, the network stays as it is.
    fn step(&mut self, network: &mut Network, range: Range<usize>, learning_rate: f64) -> BatchLoss {
        let Self { training, params, engine, optimizer, gradients, staged, .. } = self;
        let (samples, width, seed) = (&self.order[range], network.input_len(), params.seed);
        let step = optimizer.steps();
        if !staged.is_empty() {
            let epoch = self.history.epochs.len();
            staged.par_chunks_exact_mut(width).zip(samples).for_each(|(to, &sample)| {
                training.load(sample, to);
                if let Some(masker) = self.masker {
                    masker.apply(seed, epoch, sample, to);
                }
            });
        }
        let staged_at = |index: usize| &staged[index * width..(index + 1) * width];
        let mixes = params.mixup.map(|alpha| mixup::draw(alpha, seed, step, samples.len()));
        let mode = Mode::Training { seed, step };
        engine.forward(mode, &network.parameters, &mut network.statistics, samples.len(), &|index, to| match &mixes {
            None if staged.is_empty() => training.load(samples[index], to),
            None => to.copy_from_slice(staged_at(index)),
            Some(mixes) => {
                let Mix { partner, share } = mixes[index];
                mixup::mix(staged_at(index), staged_at(partner), share, to);
            }
        });
        let label = |index: usize| training.labels()[samples[index]];
        let weight = |label: usize| params.class_weights.as_ref().map_or(1.0, |weights| weights[label]);
        let loss = engine.loss(params.label_smoothing, &|index| match &mixes {
            None => Target::single(label(index), weight(label(index))),
            Some(mixes) => {
                let Mix { partner, share } = mixes[index];
                let labels = [label(index), label(partner)];
                Target::mixed(labels, labels.map(weight), share)
            }
        });
        if loss.sum.is_finite() {
            engine.backward(mode, &network.parameters, gradients);
            if let Some(norm) = params.clip_norm {
                clipping::clip(gradients, norm);
            }
            optimizer.update(learning_rate, &mut network.parameters, gradients);
        }
        loss
    }

    /// Enters an epoch, and lets schedule and early stopping see it; says whether it is the best so far.
    fn record(&mut self, report: EpochReport) -> bool {
        self.history.epochs.push(report);
        let Some(validation) = report.validation else { return false };
        self.scheduler.observe(validation.loss);
        let is_best = self.stopper.as_mut().is_some_and(|stopper| stopper.observe(validation.loss));
        if is_best {
            self.history.best_epoch = Some(report.epoch);
        }
        is_best
    }

    fn check_same(&self, network: &Network) -> Result<(), NnError> {
        let (expected, actual) = (self.gradients.len(), network.parameter_count());
        if expected != actual {
            return Err(NnError::Length { what: "parameters of the network to train", expected, actual });
        }
        Ok(())
    }
}

/// Checks that the network is a classifier and can learn.
fn check_network(network: &Network) -> Result<(), NnError> {
    let plan = &network.plan;
    let refuse = |reason: &str| {
        let output = plan.layers.last().map(|layer| layer.output.clone()).unwrap_or_default();
        let position = plan.layers.len() + 1;
        Err(NnError::Layer { position, layer: "softmax", input: output, reason: reason.to_owned() })
    };
    if !plan.is_output_flat() {
        return refuse("it needs one row of scores: end the network with `flatten` and `dense`");
    }
    if network.parameter_count() == 0 {
        return refuse("no layer has anything to learn: add a `dense` layer");
    }
    Ok(())
}

/// Checks the validation data, and that they are there if something watches them.
fn check_validation(network: &Network, validation: Option<Samples<'_>>, params: &TrainParams) -> Result<(), NnError> {
    let Some(samples) = validation else {
        if params.early_stopping.is_some() {
            return Err(NnError::MissingValidation { what: "early_stopping" });
        }
        if matches!(params.schedule, Schedule::Plateau { .. }) {
            return Err(NnError::MissingValidation { what: "schedule" });
        }
        return Ok(());
    };
    let checked = if samples.labels().is_empty() {
        Err(NnError::Length { what: "labels", expected: 1, actual: 0 })
    } else {
        samples.check(network)
    };
    checked.map_err(|error| NnError::Validation(Box::new(error)))
}

/// What the network makes of the validation data.
fn validate(network: &Network, samples: Samples<'_>) -> ValidationReport {
    let n = samples.labels().len();
    let logits = network.answer(n, &|sample, to| samples.load(sample, to));
    let (mut loss, mut correct) = (0.0, 0);
    for (row, &label) in logits.chunks_exact(network.output_len()).zip(samples.labels()) {
        loss += surprise(row, label);
        correct += usize::from(best(row) == label);
    }
    ValidationReport { loss: loss / n as f64, accuracy: correct as f64 / n as f64 }
}

/// The batches of an epoch of `n` samples: of `size`, and the last of what is left, which joins the batch before if it is
/// below `smallest`.
fn batches(n: usize, size: usize, smallest: usize) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0usize;
    std::iter::from_fn(move || {
        let mut end = start.saturating_add(size).min(n);
        if n - end < smallest {
            end = n;
        }
        let range = start..end;
        start = end;
        (!range.is_empty()).then_some(range)
    })
}

/// Trains a classifier on softmax cross-entropy. `progress` sees every epoch, with the network as it is after it, and may stop
/// the training.
///
/// The loss of a batch is the mean of its samples' losses, each times its class's weight. Training starts from the
/// network as it is, so it can go on from an earlier one. Validation data are needed by what watches the validation loss,
/// and influence nothing else.
///
/// # Errors
///
/// As [`Trainer::new`] and [`Trainer::epoch`].
pub fn train(
    network: &mut Network,
    training: Samples<'_>,
    validation: Option<Samples<'_>>,
    params: &TrainParams,
    progress: &mut dyn FnMut(&EpochReport, &Network) -> ControlFlow<()>,
) -> Result<History, NnError> {
    let mut trainer = Trainer::new(network, training, validation, params)?;
    while !trainer.is_finished() {
        let report = trainer.epoch(network)?;
        if progress(&report, network).is_break() {
            break;
        }
    }
    trainer.finish(network)
}
