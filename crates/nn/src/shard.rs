//! Some samples of a batch on their way through a stage, and what they borrow for it.

use std::mem::swap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::batch::{Geometry, Margin, Memory, Tensor};
use crate::engine::Purpose;
use crate::layers::{Context, Map, Mode};
use crate::plan::{Kind, Op, Stage};

/// Some samples of a batch, with all that the layers of one stage make of them.
#[derive(Debug)]
pub(crate) struct Shard {
    /// Which sample of the batch is the first.
    pub(crate) first: usize,
    /// How many samples it has room for.
    pub(crate) capacity: usize,
    /// How many it holds now.
    pub(crate) samples: usize,
    pub(crate) values: Vec<Tensor>,
    pub(crate) gradients: Vec<Tensor>,
    pub(crate) memories: Vec<Memory>,
    pub(crate) loss: f64,
    pub(crate) correct: usize,
    scratch: Vec<f32>,
}

/// What a shard needs only while it is worked on; lent to one after another.
#[derive(Debug)]
struct Workspace {
    values: Vec<Tensor>,
    gradients: Vec<Tensor>,
    scratch: Vec<f32>,
}

/// The workspaces of a stage: as many as its shards have needed at one time.
#[derive(Debug)]
pub(crate) struct Workspaces {
    samples: usize,
    layout: Layout,
    scratch_len: usize,
    free: Mutex<Vec<Workspace>>,
}

/// For each slot of a stage, the tensors that are there.
#[derive(Debug)]
struct Layout {
    values: Vec<Option<(Geometry, Margin)>>,
    gradients: Vec<Option<(Geometry, Margin)>>,
}

impl Layout {
    /// The tensors that a shard keeps, or those that it borrows.
    fn new(stage: &Stage, purpose: Purpose, kept: bool, needs_gradient: impl Fn(Option<usize>) -> bool) -> Self {
        let training = purpose != Purpose::Prediction;
        let values = stage.slots.iter().enumerate().map(|(slot, tensor)| {
            (stage.keeps_values(slot, training) == kept).then_some((tensor.geometry, tensor.margin))
        });
        let gradients = stage.slots.iter().enumerate().map(|(slot, tensor)| {
            let producer = stage.ops.iter().position(|op| op.output == slot && op.input != slot);
            let is_here = needs_gradient(producer) && stage.keeps_gradient(slot) == kept;
            is_here.then_some((tensor.geometry, tensor.gradient_margin))
        });
        Self { values: values.collect(), gradients: gradients.collect() }
    }

    /// Exchanges the tensors of this layout.
    fn exchange(&self, shard: &mut Shard, workspace: &mut Workspace) {
        let values = self.values.iter().zip(shard.values.iter_mut().zip(&mut workspace.values));
        let gradients = self.gradients.iter().zip(shard.gradients.iter_mut().zip(&mut workspace.gradients));
        for (layout, (mine, lent)) in values.chain(gradients) {
            if layout.is_some() {
                swap(mine, lent);
            }
        }
    }
}

/// Makes the tensors of a layout.
fn tensors(layout: &[Option<(Geometry, Margin)>], samples: usize) -> Vec<Tensor> {
    let tensor = |(geometry, margin): (Geometry, Margin)| Tensor::new(samples, geometry, margin);
    layout.iter().map(|layout| layout.map_or_else(Tensor::none, tensor)).collect()
}

impl Workspaces {
    pub(crate) fn new(
        stage: &Stage,
        samples: usize,
        purpose: Purpose,
        needs_gradient: impl Fn(Option<usize>) -> bool,
    ) -> Self {
        let scratch_len = stage.ops.iter().filter_map(Op::map).map(Map::scratch_len).max().unwrap_or(0);
        let layout = Layout::new(stage, purpose, false, needs_gradient);
        Self { samples, layout, scratch_len, free: Mutex::new(Vec::new()) }
    }

    /// Works on a shard that has all its tensors. What it borrows holds any values; only the margins are zero.
    pub(crate) fn lend(&self, shard: &mut Shard, work: impl FnOnce(&mut Shard)) {
        let free = || self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let last = free().pop();
        let mut workspace = last.unwrap_or_else(|| Workspace {
            values: tensors(&self.layout.values, self.samples),
            gradients: tensors(&self.layout.gradients, self.samples),
            scratch: vec![0.0; self.scratch_len],
        });
        self.layout.exchange(shard, &mut workspace);
        swap(&mut shard.scratch, &mut workspace.scratch);
        work(shard);
        swap(&mut shard.scratch, &mut workspace.scratch);
        self.layout.exchange(shard, &mut workspace);
        free().push(workspace);
    }
}

impl Shard {
    pub(crate) fn new(
        stage: &Stage,
        index: usize,
        capacity: usize,
        purpose: Purpose,
        needs_gradient: impl Fn(Option<usize>) -> bool,
    ) -> Self {
        let kept = Layout::new(stage, purpose, true, needs_gradient);
        let memories = stage.ops.iter().map(|op| {
            let memory = match &op.kind {
                Kind::Map(map) if purpose == Purpose::Prediction => map.prediction_memory(capacity),
                Kind::Map(map) => map.memory(capacity),
                Kind::InPlace(_) if purpose == Purpose::Prediction => Memory::default(),
                Kind::InPlace(layer) => layer.memory(capacity, stage.slots[op.input].geometry),
            };
            Memory { shard: index, ..memory }
        });
        Self {
            first: index * capacity,
            capacity,
            samples: 0,
            values: tensors(&kept.values, capacity),
            gradients: tensors(&kept.gradients, capacity),
            memories: memories.collect(),
            scratch: Vec::new(),
            loss: 0.0,
            correct: 0,
        }
    }

    /// Fetches the input of the stage, from the stage before or from outside.
    pub(crate) fn load(&mut self, batch: usize, source: Option<&[Self]>, load: &(dyn Fn(usize, &mut [f32]) + Sync)) {
        for index in 0..self.samples.min(batch - self.first) {
            let to = self.values[0].sample_mut(index);
            match source {
                Some(shards) => to.copy_from_slice(sample(shards, self.first + index, |shard| &shard.values)),
                None => load(self.first + index, to),
            }
        }
    }

    /// Fetches the gradient of the stage's output from the stage after.
    pub(crate) fn load_gradient(&mut self, after: &[Self]) {
        let Some(gradients) = self.gradients.last_mut() else { return };
        for index in 0..self.samples {
            let absolute = self.first + index;
            let shard = &after[absolute / after[0].capacity];
            gradients.sample_mut(index).copy_from_slice(shard.gradients[0].sample(absolute - shard.first));
        }
    }

    pub(crate) fn forward(
        &mut self,
        stage: &Stage,
        ops: Range<usize>,
        mode: Mode,
        parameters: &[f32],
        shared: &[Vec<f32>],
    ) {
        for index in ops {
            let op = &stage.ops[index];
            let context = context(op, mode, parameters, &shared[index], self.samples);
            let memory = &mut self.memories[index];
            match &op.kind {
                Kind::Map(map) => {
                    let (before, after) = self.values.split_at_mut(op.output);
                    swap(&mut memory.scratch, &mut self.scratch);
                    map.forward(context, &before[op.input], &mut after[0], memory);
                    swap(&mut memory.scratch, &mut self.scratch);
                }
                Kind::InPlace(layer) => layer.forward(context, &mut self.values[op.input], memory),
            }
        }
    }

    pub(crate) fn backward(
        &mut self,
        stage: &Stage,
        ops: Range<usize>,
        mode: Mode,
        parameters: &[f32],
        shared: &[Vec<f32>],
    ) {
        for index in ops.rev() {
            let op = &stage.ops[index];
            let context = context(op, mode, parameters, &shared[index], self.samples);
            let memory = &mut self.memories[index];
            match &op.kind {
                Kind::Map(map) => {
                    let (before, after) = self.gradients.split_at_mut(op.output);
                    let input_gradient = Some(&mut before[op.input]).filter(|gradient| !gradient.is_none());
                    swap(&mut memory.scratch, &mut self.scratch);
                    map.backward(context, &self.values[op.input], &after[0], input_gradient, memory);
                    swap(&mut memory.scratch, &mut self.scratch);
                }
                Kind::InPlace(layer) => {
                    layer.backward(context, &self.values[op.input], &mut self.gradients[op.input], memory);
                }
            }
        }
    }
}

/// A sample of a batch in the last tensor of a stage.
pub(crate) fn sample(shards: &[Shard], index: usize, tensors: impl Fn(&Shard) -> &Vec<Tensor>) -> &[f32] {
    let shard = &shards[index / shards[0].capacity];
    let tensors = tensors(shard);
    tensors[tensors.len() - 1].sample(index - shard.first)
}

pub(crate) fn context<'a>(
    op: &Op,
    mode: Mode,
    parameters: &'a [f32],
    shared: &'a [f32],
    samples: usize,
) -> Context<'a> {
    Context { mode, layer: op.layer, parameters: &parameters[op.parameters.clone()], shared, samples }
}
