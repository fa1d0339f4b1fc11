//! Training by mini-batches.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::engine::{Engine, Purpose};
use crate::layers::Mode;
use crate::optimizer::Optimizer;
use crate::random::{self, generator, shuffle};
use crate::{Network, NnError, OptimizerSpec};

/// The most values in the buffers of a batch: 4 GiB.
const LARGEST_BATCH: usize = 1 << 30;

/// How to train.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainParams {
    /// Times that every sample is seen, at least 1. 50 by default.
    pub epochs: usize,
    /// Samples per step, at least 1. 32 by default. The last batch of an epoch takes what is left; if that is a single sample,
    /// of which batch normalisation over flat samples could not take a variance, it joins the batch before.
    pub batch_size: usize,
    /// The optimiser; Adam at a rate of 0.001 by default.
    pub optimizer: OptimizerSpec,
    /// A factor on the loss of each class's samples, at least 0, one for each output. None by default: all count alike.
    pub class_weights: Option<Vec<f32>>,
    /// Whether each epoch has its own order of samples. On by default.
    pub shuffle: bool,
    /// The seed of the orders and of dropout; 0 by default.
    pub seed: u64,
}

impl Default for TrainParams {
    fn default() -> Self {
        Self {
            epochs: 50,
            batch_size: 32,
            optimizer: OptimizerSpec::default(),
            class_weights: None,
            shuffle: true,
            seed: 0,
        }
    }
}

impl TrainParams {
    /// Checks what can be checked without a network and data.
    ///
    /// # Errors
    ///
    /// [`NnError::Parameter`] names the parameter, its value and its range.
    pub fn check(&self) -> Result<(), NnError> {
        if self.epochs == 0 {
            return Err(NnError::parameter("epochs", 0, "at least 1"));
        }
        if self.batch_size == 0 {
            return Err(NnError::parameter("batch_size", 0, "at least 1"));
        }
        if let Some(weights) = &self.class_weights {
            if let Some(weight) = weights.iter().find(|weight| !(weight.is_finite() && **weight >= 0.0)) {
                return Err(NnError::parameter("class_weights", weight, "at least 0 and finite"));
            }
            if weights.iter().all(|weight| *weight == 0.0) {
                return Err(NnError::parameter("class_weights", "all zero", "above 0 for at least one class"));
            }
        }
        self.optimizer.check()
    }
}

/// What came of one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct EpochReport {
    /// Which epoch, from 1.
    pub epoch: usize,
    /// The mean of the samples' weighted losses, in nats, each taken before the step that learned from it, with dropout on.
    pub loss: f64,
    /// The share of samples whose own class scored best, taken likewise.
    pub accuracy: f64,
    /// The learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// Steps taken in all epochs so far.
    pub steps: u64,
}

/// What came of a training.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct History {
    /// The epochs in order; fewer than asked for if training was stopped.
    pub epochs: Vec<EpochReport>,
}

/// A training in progress, epoch by epoch, for those who want to look at the network in between; otherwise use [`train()`].
///
/// ```
/// use stimmung_nn::{LayerSpec, Network, TrainParams, Trainer};
///
/// let (inputs, labels) = ([0.0, 1.0, 0.2, 0.8], [0, 1, 0, 1]);
/// let mut network = Network::new(&[1], &[LayerSpec::dense(2)], 1)?;
/// let mut trainer = Trainer::new(&network, &inputs, &labels, &TrainParams::default())?;
/// for _ in 0..3 {
///     let report = trainer.epoch(&mut network)?;
///     let answers = network.predict(&inputs, 4)?;
///     assert!(report.loss.is_finite() && answers.len() == 8);
/// }
/// # Ok::<(), stimmung_nn::NnError>(())
/// ```
#[derive(Debug)]
pub struct Trainer<'a> {
    inputs: &'a [f32],
    labels: &'a [usize],
    params: TrainParams,
    engine: Engine,
    optimizer: Optimizer,
    gradients: Vec<f32>,
    order: Vec<usize>,
    epoch: usize,
    smallest_batch: usize,
}

impl<'a> Trainer<'a> {
    /// Checks parameters and data, and makes all buffers. `inputs` holds one sample after the other, `labels` a class for each.
    ///
    /// # Errors
    ///
    /// [`NnError::Parameter`] for parameters out of range, [`NnError::TooFewSamples`], [`NnError::Length`],
    /// [`NnError::Label`] and [`NnError::NonFiniteInput`] for data that do not fit, [`NnError::Layer`] for a
    /// network that does not end in one row of scores or has nothing to learn, [`NnError::TooLarge`] for
    /// batches beyond 2^30 values.
    pub fn new(
        network: &Network,
        inputs: &'a [f32],
        labels: &'a [usize],
        params: &TrainParams,
    ) -> Result<Self, NnError> {
        params.check()?;
        let (plan, n) = (&network.plan, labels.len());
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
        network.check_inputs(inputs, n)?;
        let classes = network.output_len();
        if let Some(weights) = &params.class_weights
            && weights.len() != classes
        {
            return Err(NnError::Length { what: "class_weights", expected: classes, actual: weights.len() });
        }
        if let Some(sample) = labels.iter().position(|label| *label >= classes) {
            return Err(NnError::Label { sample, label: labels[sample], classes });
        }
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
        Ok(Self {
            inputs,
            labels,
            params: params.clone(),
            engine: Engine::new(plan, capacity, Purpose::Training),
            optimizer: Optimizer::new(params.optimizer.clone(), network.parameter_count()),
            gradients: vec![0.0; network.parameter_count()],
            order: (0..n).collect(),
            epoch: 0,
            smallest_batch: plan.smallest_batch,
        })
    }

    /// Trains one epoch. `network` must have the layers of the one that the trainer was made for.
    ///
    /// # Errors
    ///
    /// [`NnError::Diverged`] if a loss or a parameter is not finite; the network is then of no use.
    /// [`NnError::Length`] if the network is another.
    pub fn epoch(&mut self, network: &mut Network) -> Result<EpochReport, NnError> {
        let (expected, actual) = (self.gradients.len(), network.parameter_count());
        if expected != actual {
            return Err(NnError::Length { what: "parameters of the network to train", expected, actual });
        }
        if self.params.shuffle {
            let mut rng = generator(self.params.seed, random::Purpose::Shuffle { epoch: self.epoch });
            // From the same start each time, so that an epoch's order depends on nothing but its number.
            self.order.iter_mut().enumerate().for_each(|(index, item)| *item = index);
            shuffle(&mut self.order, &mut rng);
        }
        self.epoch += 1;
        let n = self.order.len();
        let width = self.inputs.len() / n;
        let (mut loss, mut correct, mut learning_rate) = (0.0, 0, 0.0);
        let (mut start, mut batch) = (0, 0);
        while start < n {
            let mut end = (start + self.params.batch_size).min(n);
            if n - end < self.smallest_batch {
                end = if n - end == 0 { end } else { n };
            }
            let samples = &self.order[start..end];
            batch += 1;
            let mode = Mode::Training { seed: self.params.seed, step: self.optimizer.steps() };
            let inputs = self.inputs;
            self.engine.forward(mode, &network.parameters, &mut network.statistics, samples.len(), &|index, to| {
                to.copy_from_slice(&inputs[samples[index] * width..(samples[index] + 1) * width]);
            });
            let (labels, weights) = (self.labels, self.params.class_weights.as_deref());
            let batch_loss = self.engine.loss(&|index| {
                let label = labels[samples[index]];
                (label, weights.map_or(1.0, |weights| weights[label]))
            });
            learning_rate = self.optimizer.learning_rate();
            let diverged = |symptom| NnError::Diverged { symptom, epoch: self.epoch, batch, learning_rate };
            if !batch_loss.sum.is_finite() {
                return Err(diverged(format!("the loss became {}", batch_loss.sum)));
            }
            loss += batch_loss.sum;
            correct += batch_loss.correct;
            self.engine.backward(mode, &network.parameters, &mut self.gradients);
            self.optimizer.update(&mut network.parameters, &self.gradients);
            start = end;
            // No loss tells of the last step.
            let mut values = network.parameters.iter().chain(&network.statistics);
            if end == n && !values.all(|value| value.is_finite()) {
                return Err(diverged("a weight or a running statistic became infinite".to_owned()));
            }
        }
        Ok(EpochReport {
            epoch: self.epoch,
            loss: loss / n as f64,
            accuracy: correct as f64 / n as f64,
            learning_rate,
            steps: self.optimizer.steps(),
        })
    }
}

/// Trains a classifier on softmax cross-entropy. `progress` sees every epoch and may stop the training.
///
/// `inputs` holds one sample after the other, each of [`Network::input_len`] values; `labels` a class for
/// each, below [`Network::output_len`]. The loss of a batch is the mean of its samples' losses, each times
/// its class's weight. Training starts from the network as it is, so it can go on from an earlier one.
///
/// # Errors
///
/// As [`Trainer::new`] and [`Trainer::epoch`].
pub fn train(
    network: &mut Network,
    inputs: &[f32],
    labels: &[usize],
    params: &TrainParams,
    progress: &mut dyn FnMut(&EpochReport) -> ControlFlow<()>,
) -> Result<History, NnError> {
    let mut trainer = Trainer::new(network, inputs, labels, params)?;
    let mut history = History::default();
    for _ in 0..params.epochs {
        let report = trainer.epoch(network)?;
        history.epochs.push(report);
        if progress(&report).is_break() {
            break;
        }
    }
    Ok(history)
}

#[cfg(test)]
mod tests {
    use rayon::ThreadPoolBuilder;

    use super::*;
    use crate::{LayerSpec, NamedTensor, Padding};

    fn go_on(_: &EpochReport) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// Rows of noise with a bump whose place is the class.
    fn bumps(n: usize, length: usize, classes: usize) -> (Vec<f32>, Vec<usize>) {
        seeded_bumps(9, n, length, classes)
    }

    fn seeded_bumps(seed: u64, n: usize, length: usize, classes: usize) -> (Vec<f32>, Vec<usize>) {
        let mut rng = generator(seed, random::Purpose::Initial { layer: 77 });
        let labels: Vec<usize> = (0..n).map(|sample| sample % classes).collect();
        let mut inputs = Vec::new();
        for label in &labels {
            let centre = (label * 2 + 1) * length / (2 * classes);
            inputs.extend(
                (0..length)
                    .map(|at| 0.5 * random::symmetric(&mut rng) + if at.abs_diff(centre) <= 1 { 2.0 } else { 0.0 }),
            );
        }
        (inputs, labels)
    }

    fn convolutional(classes: usize) -> Vec<LayerSpec> {
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

    fn params(epochs: usize, batch_size: usize) -> TrainParams {
        TrainParams { epochs, batch_size, optimizer: OptimizerSpec::adam(0.01), seed: 4, ..TrainParams::default() }
    }

    fn accuracy(network: &Network, inputs: &[f32], labels: &[usize]) -> f64 {
        let logits = network.predict(inputs, labels.len()).unwrap();
        let rows = logits.chunks(network.output_len());
        let right = rows.zip(labels).filter(|(row, label)| crate::loss::best(row) == **label).count();
        right as f64 / labels.len() as f64
    }

    #[test]
    fn learns_to_find_a_bump() {
        let (inputs, labels) = bumps(90, 30, 3);
        let mut network = Network::new(&[30, 1], &convolutional(3), 1).unwrap();
        let history = train(&mut network, &inputs, &labels, &params(30, 16), &mut go_on).unwrap();
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
        for optimizer in
            [OptimizerSpec::sgd(0.3), sgd(false), sgd(true), OptimizerSpec::adam(0.02), OptimizerSpec::rmsprop(0.01)]
        {
            let mut network =
                Network::new(&[12], &[LayerSpec::dense(8), LayerSpec::Relu, LayerSpec::dense(3)], 1).unwrap();
            let params = TrainParams { optimizer, ..params(30, 8) };
            train(&mut network, &inputs, &labels, &params, &mut go_on).unwrap();
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
            seed: 0,
        };
        let history = train(&mut network, &[1.0, 2.0], &[0, 1], &params, &mut go_on).unwrap();
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

    fn bits(state: &[NamedTensor]) -> Vec<u32> {
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
            let history = train(&mut network, &inputs, &labels, &params(2, 20), &mut go_on).unwrap();
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
            train(&mut network, &inputs, &labels, &params, &mut go_on).unwrap();
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
            train(&mut network, &inputs, &labels, &params, &mut go_on).unwrap();
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
        train(&mut network, &inputs, &labels, &params, &mut go_on).unwrap();
        assert!((network.statistics[0] - 4.0).abs() < 1e-3 && (network.statistics[1] - 1.0).abs() < 1e-3);
    }

    #[test]
    fn progress_can_stop_the_training() {
        let (inputs, labels) = bumps(12, 6, 3);
        let mut network = Network::new(&[6], &[LayerSpec::dense(3)], 1).unwrap();
        let mut seen = Vec::new();
        let history = train(&mut network, &inputs, &labels, &params(10, 4), &mut |report| {
            seen.push(*report);
            if report.epoch == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!(history.unwrap().epochs, seen);
        assert_eq!(seen.len(), 3);
    }

    #[test]
    fn a_loss_that_blows_up_is_an_error_that_says_what_to_do() {
        let (inputs, labels) = bumps(12, 6, 3);
        let layers =
            [LayerSpec::dense(32), LayerSpec::Relu, LayerSpec::dense(32), LayerSpec::Relu, LayerSpec::dense(3)];
        let mut network = Network::new(&[6], &layers, 1).unwrap();
        let params = TrainParams { optimizer: OptimizerSpec::sgd(1e20), ..params(10, 4) };
        let error = train(&mut network, &inputs, &labels, &params, &mut go_on).unwrap_err();
        assert!(matches!(error, NnError::Diverged { .. }), "{error}");
        assert!(error.to_string().contains("lower the learning rate"), "{error}");
    }

    #[test]
    fn a_last_step_that_blows_up_is_an_error_too() {
        let mut network = Network::new(&[1], &[LayerSpec::dense(2)], 1).unwrap();
        let params = TrainParams { optimizer: OptimizerSpec::sgd(1e38), ..params(1, 1) };
        let error = train(&mut network, &[1e4], &[0], &params, &mut go_on).unwrap_err();
        assert!(matches!(&error, NnError::Diverged { symptom, .. } if symptom.contains("weight")), "{error}");
    }

    #[test]
    fn unsuitable_data_and_parameters_are_refused() {
        let layers = [LayerSpec::dense(3)];
        let attempt = |layers: &[LayerSpec], inputs: &[f32], labels: &[usize], params: &TrainParams| {
            let mut network = Network::new(&[2], layers, 1).unwrap();
            train(&mut network, inputs, labels, params, &mut go_on).unwrap_err()
        };
        let good = params(1, 4);
        let two = [0.0, 1.0, 2.0, 3.0];
        assert_eq!(attempt(&layers, &[], &[], &good), NnError::TooFewSamples { expected: 1, actual: 0 });
        assert_eq!(
            attempt(&layers, &two[..3], &[0, 1], &good),
            NnError::Length { what: "inputs", expected: 4, actual: 3 }
        );
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
        let error = Trainer::new(&network, &[0.0; 4], &[0], &params(1, 1)).unwrap_err();
        assert!(error.to_string().contains("flatten"), "{error}");
        let network = Network::new(&[4], &[LayerSpec::dense(3)], 1).unwrap();
        let mut trainer = Trainer::new(&network, &[0.0; 4], &[0], &params(1, 1)).unwrap();
        let mut other = Network::new(&[4], &[LayerSpec::dense(2)], 1).unwrap();
        assert!(matches!(trainer.epoch(&mut other), Err(NnError::Length { .. })));
    }

    #[test]
    fn batches_too_large_for_memory_are_refused() {
        let layers = [LayerSpec::conv1d(300, 1), LayerSpec::max_pool1d(100_000), LayerSpec::Flatten];
        let network = Network::new(&[100_000, 1], &layers, 1).unwrap();
        let inputs = vec![0.0; 40 * 100_000];
        let params = TrainParams { batch_size: 40, ..TrainParams::default() };
        let error = Trainer::new(&network, &inputs, &[0; 40], &params).unwrap_err();
        assert!(matches!(error, NnError::TooLarge { what: "a batch", .. }), "{error}");
    }

    #[test]
    fn parameters_read_from_a_recipe() {
        let text = "epochs = 3\nclass_weights = [1.0, 2.0]\n[optimizer]\nkind = \"sgd\"\nlearning_rate = 0.5\n";
        let params: TrainParams = toml::from_str(text).unwrap();
        let expected = TrainParams {
            epochs: 3,
            class_weights: Some(vec![1.0, 2.0]),
            optimizer: OptimizerSpec::sgd(0.5),
            ..TrainParams::default()
        };
        assert_eq!(params, expected);
        assert!(toml::from_str::<TrainParams>("epoch = 3").is_err());
        assert_eq!(TrainParams::default().check(), Ok(()));
    }
}
