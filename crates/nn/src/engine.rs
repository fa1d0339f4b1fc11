//! Runs a plan on batches: shards in parallel, layers in order, all buffers made once.

use std::sync::Arc;

use rayon::prelude::*;

use crate::batch::Memory;
use crate::layers::{Map, Mode, Past};
use crate::loss::{Target, best, cross_entropy};
use crate::plan::Plan;
use crate::shard::{Shard, Workspaces, context, sample};
use crate::simd;

/// Rows of a kernel whose gradient is one piece of work.
const GRADIENT_ROWS: usize = 128;

/// What an engine is for; it has buffers for no more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Forward passes in evaluation mode.
    Prediction,
    /// Training: forward passes in training mode, and gradients of the parameters.
    Training,
    /// Training, and the gradient of the input as well.
    #[cfg(test)]
    InputGradient,
}

/// What the loss of a batch came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct BatchLoss {
    /// The sum of the samples' weighted losses.
    pub(crate) sum: f64,
    /// How many samples had their own class as the best.
    pub(crate) correct: usize,
}

/// The buffers for one network and one size of batch.
#[derive(Debug)]
pub(crate) struct Engine {
    plan: Arc<Plan>,
    purpose: Purpose,
    /// Per stage, its shards.
    stages: Vec<Vec<Shard>>,
    /// Per stage, what its shards borrow.
    workspaces: Vec<Workspaces>,
    /// Per stage and op, what shards share.
    shared: Vec<Vec<Vec<f32>>>,
    /// Samples in the batch at hand.
    samples: usize,
}

impl Engine {
    /// Buffers for batches of up to `capacity` samples, at least 1.
    pub(crate) fn new(plan: &Arc<Plan>, capacity: usize, purpose: Purpose) -> Self {
        let first = plan.first_trainable().unwrap_or((plan.stages.len(), 0));
        let (mut stages, mut workspaces) = (Vec::new(), Vec::new());
        for (index, stage) in plan.stages.iter().enumerate() {
            // In evaluation, shards whose samples are multiplied together always have their full size: a product of fewer
            // rows may round differently, and an answer should not depend on how many were asked for at once.
            let per_shard = match stage.least_rows(plan.division) {
                Some(rows) if purpose == Purpose::Prediction => rows,
                _ => stage.samples_per_shard(plan.division).min(capacity),
            };
            let needs_gradient = |producer: Option<usize>| match purpose {
                Purpose::Prediction => false,
                Purpose::Training => producer.map_or(first.0 < index, |op| (index, op) >= first),
                #[cfg(test)]
                Purpose::InputGradient => true,
            };
            let shards = 0..capacity.div_ceil(per_shard);
            stages.push(shards.map(|shard| Shard::new(stage, shard, per_shard, purpose, needs_gradient)).collect());
            workspaces.push(Workspaces::new(stage, per_shard, purpose, needs_gradient));
        }
        let shared = plan
            .stages
            .iter()
            .map(|stage| stage.ops.iter().map(|op| vec![0.0; op.map().map_or(0, Map::shared_len)]).collect());
        Self { stages, workspaces, shared: shared.collect(), plan: Arc::clone(plan), purpose, samples: 0 }
    }

    /// Takes a batch of `samples` samples through the network. `load` writes a sample to the place it is given.
    pub(crate) fn forward(
        &mut self,
        mode: Mode,
        parameters: &[f32],
        statistics: &mut [f32],
        samples: usize,
        load: &(dyn Fn(usize, &mut [f32]) + Sync),
    ) {
        self.samples = samples;
        let plan = Arc::clone(&self.plan);
        for (index, stage) in plan.stages.iter().enumerate() {
            for (op, shared) in stage.ops.iter().zip(&mut self.shared[index]) {
                if let Some(map) = op.map() {
                    map.prepare(mode, &parameters[op.parameters.clone()], &statistics[op.statistics.clone()], shared);
                }
            }
            let (done, rest) = self.stages.split_at_mut(index);
            let (source, shards) = (done.last(), &mut rest[0]);
            let full = self.purpose == Purpose::Prediction && stage.least_rows(plan.division).is_some();
            let active = activate(shards, samples, full);
            let stops: &[usize] = if matches!(mode, Mode::Evaluation) { &[] } else { &stage.synchronised };
            let (mut start, mut at_input) = (0, true);
            for stop in stops.iter().copied().map(Some).chain([None]) {
                let (shared, workspaces) = (&self.shared[index], &self.workspaces[index]);
                let ops = start..stop.unwrap_or(stage.ops.len());
                active_mut(shards, active).for_each(|shard| {
                    workspaces.lend(shard, |shard| {
                        if at_input {
                            shard.load(samples, source.map(Vec::as_slice), load);
                        }
                        shard.forward(stage, ops.clone(), mode, parameters, shared);
                        if let Some(stop) = stop {
                            let op = &stage.ops[stop];
                            if let Some(layer) = op.synchronised() {
                                layer.gather_forward(shard.samples, &shard.values[op.input], &mut shard.memories[stop]);
                            }
                        }
                    });
                });
                at_input = false;
                if let Some(stop) = stop {
                    let op = &stage.ops[stop];
                    if let Some(layer) = op.synchronised() {
                        let gathered = gathered(&shards[..active], stop);
                        layer.combine_forward(
                            &parameters[op.parameters.clone()],
                            &gathered,
                            &mut self.shared[index][stop],
                            &mut statistics[op.statistics.clone()],
                        );
                    }
                    start = stop;
                }
            }
        }
    }

    /// The output of sample `index` of the batch.
    pub(crate) fn output(&self, index: usize) -> &[f32] {
        sample(&self.stages[self.stages.len() - 1], index, |shard| &shard.values)
    }

    /// The softmax cross-entropy of the batch, whose gradient becomes the gradient of the output. `target` says what a
    /// sample's scores are held against.
    pub(crate) fn loss(&mut self, smoothing: f32, target: &dyn Fn(usize) -> Target) -> BatchLoss {
        let batch = self.samples;
        let Some(shards) = self.stages.last_mut() else { return BatchLoss { sum: 0.0, correct: 0 } };
        for shard in shards.iter_mut().filter(|shard| shard.samples > 0) {
            let (Some(values), Some(gradients)) = (shard.values.last(), shard.gradients.last_mut()) else { continue };
            (shard.loss, shard.correct) = (0.0, 0);
            for index in 0..shard.samples {
                let target = target(shard.first + index);
                let logits = values.sample(index);
                shard.loss += cross_entropy(logits, target, smoothing, batch, gradients.sample_mut(index));
                shard.correct += usize::from(best(logits) == target.main());
            }
        }
        shards.iter().filter(|shard| shard.samples > 0).fold(BatchLoss { sum: 0.0, correct: 0 }, |total, shard| {
            BatchLoss { sum: total.sum + shard.loss, correct: total.correct + shard.correct }
        })
    }

    /// From the gradient of the output, computes the gradients of all parameters into `gradients`.
    pub(crate) fn backward(&mut self, mode: Mode, parameters: &[f32], gradients: &mut [f32]) {
        let plan = Arc::clone(&self.plan);
        let Some(first) = self.first_op() else { return };
        for (index, stage) in plan.stages.iter().enumerate().rev().take_while(|(index, _)| *index >= first.0) {
            let first_op = if index == first.0 { first.1 } else { 0 };
            let (rest, after) = self.stages.split_at_mut(index + 1);
            let (shards, after) = (&mut rest[index], after.first());
            let active = shards.iter().take_while(|shard| shard.samples > 0).count();
            let (mut end, mut at_output) = (stage.ops.len(), true);
            for stop in
                stage.synchronised.iter().rev().copied().filter(|stop| *stop >= first_op).map(Some).chain([None])
            {
                let (shared, workspaces) = (&self.shared[index], &self.workspaces[index]);
                let ops = stop.map_or(first_op, |stop| stop + 1)..end;
                active_mut(shards, active).for_each(|shard| {
                    workspaces.lend(shard, |shard| {
                        if at_output && let Some(after) = after {
                            shard.load_gradient(after);
                        }
                        shard.backward(stage, ops.clone(), mode, parameters, shared);
                        if let Some(stop) = stop {
                            let op = &stage.ops[stop];
                            if let Some(layer) = op.synchronised() {
                                layer.gather_backward(
                                    context(op, mode, parameters, &shared[stop], shard.samples),
                                    &shard.values[op.input],
                                    &shard.gradients[op.output],
                                    &mut shard.memories[stop],
                                );
                            }
                        }
                    });
                });
                at_output = false;
                if let Some(stop) = stop {
                    let op = &stage.ops[stop];
                    if let Some(layer) = op.synchronised() {
                        let gathered = gathered(&shards[..active], stop);
                        let parameters = &parameters[op.parameters.clone()];
                        layer.combine_backward(parameters, &gathered, &mut self.shared[index][stop]);
                    }
                    end = stop + 1;
                }
            }
        }
        self.sum_partials(gradients);
        self.matrix_gradients(gradients);
    }

    /// The gradient of the input of sample `index` of the batch.
    #[cfg(test)]
    pub(crate) fn input_gradient(&self, index: usize) -> &[f32] {
        let shards = &self.stages[0];
        let shard = &shards[index / shards[0].capacity];
        shard.gradients[0].sample(index - shard.first)
    }

    /// The place for the gradient of the output of sample `index` of the batch.
    #[cfg(test)]
    pub(crate) fn output_gradient_mut(&mut self, index: usize) -> &mut [f32] {
        let shards = self.stages.last_mut().unwrap();
        let capacity = shards[0].capacity;
        let shard = &mut shards[index / capacity];
        let index = index - shard.first;
        shard.gradients.last_mut().unwrap().sample_mut(index)
    }

    /// The random numbers that dropout drew for a sample of the batch.
    #[cfg(test)]
    pub(crate) fn dropout_bits(&self, layer: usize, index: usize) -> &[u16] {
        for (stage, shards) in self.plan.stages.iter().zip(&self.stages) {
            if let Some(position) = stage.ops.iter().position(|op| op.layer == layer) {
                let shard = &shards[index / shards[0].capacity];
                let len = stage.slots[stage.ops[position].input].geometry.len();
                return &shard.memories[position].bits[(index - shard.first) * len..][..len];
            }
        }
        &[]
    }

    /// The op at which the backward pass ends.
    fn first_op(&self) -> Option<(usize, usize)> {
        match self.purpose {
            #[cfg(test)]
            Purpose::InputGradient => Some((0, 0)),
            _ => self.plan.first_trainable(),
        }
    }

    /// Sums the gradients that shards have made by themselves.
    fn sum_partials(&self, gradients: &mut [f32]) {
        for (stage, shards) in self.plan.stages.iter().zip(&self.stages) {
            for (index, op) in stage.ops.iter().enumerate() {
                let Some(range) = op.map().map(Map::partial_range) else { continue };
                let sum = &mut gradients[op.parameters.start + range.start..op.parameters.start + range.end];
                sum.fill(0.0);
                for shard in shards.iter().take_while(|shard| shard.samples > 0) {
                    simd::add(sum, &shard.memories[index].partial);
                }
            }
        }
    }

    /// Computes the gradients of the large kernels, in blocks of rows, each over all shards in order.
    fn matrix_gradients(&self, gradients: &mut [f32]) {
        let mut work = Vec::new();
        let mut rest = gradients;
        let mut position = 0;
        for (stage, shards) in self.plan.stages.iter().zip(&self.stages) {
            for (op_index, op) in stage.ops.iter().enumerate() {
                let Some((map, matrix)) = op.map().and_then(|map| Some((map, map.matrix()?))) else { continue };
                let (_, from) = rest.split_at_mut(op.parameters.start - position);
                let (kernel, after) = from.split_at_mut(matrix.rows * matrix.columns);
                position = op.parameters.start + kernel.len();
                rest = after;
                for (block, rows) in kernel.chunks_mut(GRADIENT_ROWS * matrix.columns).enumerate() {
                    let first = block * GRADIENT_ROWS;
                    work.push((map, op_index, op, shards, first..first + rows.len() / matrix.columns, rows));
                }
            }
        }
        work.into_par_iter().with_max_len(1).for_each(|(map, op_index, op, shards, range, destination)| {
            for (index, shard) in shards.iter().take_while(|shard| shard.samples > 0).enumerate() {
                let past = Past {
                    samples: shard.samples,
                    input: &shard.values[op.input],
                    gradient: &shard.gradients[op.output],
                    memory: &shard.memories[op_index],
                };
                map.add_matrix_gradient(range.clone(), past, destination, index > 0);
            }
        });
    }
}

/// Says how many samples of the batch each shard holds, and how many shards hold any.
fn activate(shards: &mut [Shard], batch: usize, full: bool) -> usize {
    let mut active = 0;
    for shard in shards {
        let samples = batch.saturating_sub(shard.first).min(shard.capacity);
        active += usize::from(samples > 0);
        shard.samples = if full && samples > 0 { shard.capacity } else { samples };
    }
    active
}

/// The active shards, each its own piece of work.
fn active_mut(shards: &mut [Shard], active: usize) -> impl ParallelIterator<Item = &mut Shard> {
    shards[..active].par_iter_mut().with_max_len(1)
}

/// What the shards have gathered for an op, in order, each with its number of samples.
fn gathered(shards: &[Shard], op: usize) -> Vec<(usize, &Memory)> {
    shards.iter().map(|shard| (shard.samples, &shard.memories[op])).collect()
}
