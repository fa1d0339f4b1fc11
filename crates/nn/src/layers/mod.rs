//! What a layer is to the engine, and the layers.
//!
//! A layer holds sizes only. Its parameters lie in the network's one vector, its buffers in the shards; it is handed
//! slices of both. That makes optimisers, checkpoints and the model file loops over plain vectors.

use std::fmt::Debug;
use std::ops::Range;

use crate::batch::{Geometry, Margin, Memory, Tensor};

mod attention_pool;
mod batch_norm;
mod conv1d;
mod conv2d;
mod dense;
mod dropout;
mod elu;
mod global_average_pool;
mod initial;
mod lstm;
mod max_pool1d;
mod max_pool2d;
mod relu;

pub(crate) use attention_pool::AttentionPool;
pub(crate) use batch_norm::BatchNorm;
pub(crate) use conv1d::Conv1d;
pub(crate) use conv2d::Conv2d;
pub(crate) use dense::Dense;
pub(crate) use dropout::Dropout;
pub(crate) use elu::Elu;
pub(crate) use global_average_pool::GlobalAveragePool;
pub(crate) use initial::Initial;
pub(crate) use lstm::Lstm;
pub(crate) use max_pool1d::MaxPool1d;
pub(crate) use max_pool2d::MaxPool2d;
pub(crate) use relu::Relu;

/// Kernels up to this many values have their gradients summed over shards, from sums that each shard makes
/// while its data is in the cache. Larger ones are computed in blocks of rows over all shards, without partial sums.
const LARGEST_PARTIAL_KERNEL: usize = 8192;

/// What the pass is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode {
    /// Answers only: running statistics, no dropout, nothing kept.
    Evaluation,
    /// A step of training; `seed` and `step` key dropout.
    Training {
        /// The training's seed.
        seed: u64,
        /// Steps taken before this one.
        step: u64,
    },
}

/// What a layer is handed for one shard, besides its tensors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) mode: Mode,
    /// The layer's position in the network, a part of dropout's key.
    pub(crate) layer: usize,
    /// The layer's trainable parameters.
    pub(crate) parameters: &'a [f32],
    /// What the layer shares between shards; see [`Map::shared_len`].
    pub(crate) shared: &'a [f32],
    /// How many samples the shard holds.
    pub(crate) samples: usize,
}

/// One shard after the backward pass: what the gradient of a large kernel is computed from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Past<'a> {
    /// How many samples the shard holds.
    pub(crate) samples: usize,
    pub(crate) input: &'a Tensor,
    /// The gradient of the output.
    pub(crate) gradient: &'a Tensor,
    pub(crate) memory: &'a Memory,
}

/// A tensor of parameters or running statistics.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ParameterInfo {
    pub(crate) name: &'static str,
    pub(crate) shape: Vec<usize>,
    pub(crate) initial: Initial,
}

impl ParameterInfo {
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A layer that reads one tensor and writes another.
pub(crate) trait Map: Debug + Send + Sync {
    /// What a sample looks like after the layer.
    fn output(&self) -> Geometry;

    /// The zeros that the layer needs around each input sample.
    fn input_margin(&self) -> Margin {
        Margin::default()
    }

    /// The zeros that the layer needs around each sample of the gradient of its output.
    fn gradient_margin(&self) -> Margin {
        Margin::default()
    }

    /// Multiplications for one sample, forward; how work is divided depends on it.
    fn cost(&self) -> usize;

    /// Samples that a shard should have, so that its own sums of gradients take no more memory than it is worth.
    fn least_samples(&self) -> usize {
        1
    }

    /// How many values of [`Memory::scratch`] a call needs.
    fn scratch_len(&self) -> usize {
        0
    }

    /// Whether `backward` or the gradient of the matrix reads the input. If not, and nothing else does, the input is not
    /// kept from the forward pass.
    fn backward_reads_input(&self) -> bool {
        true
    }

    /// The trainable tensors, in the order in which they lie in the layer's parameters.
    fn parameters(&self) -> Vec<ParameterInfo> {
        Vec::new()
    }

    /// The running statistics, which training moves but no gradient does.
    fn statistics(&self) -> Vec<ParameterInfo> {
        Vec::new()
    }

    /// How many values the layer shares between shards during a step: made before or between their work, read by all.
    fn shared_len(&self) -> usize {
        0
    }

    /// Fills what is shared, before the forward pass.
    fn prepare(&self, _mode: Mode, _parameters: &[f32], _statistics: &[f32], _shared: &mut [f32]) {}

    /// Buffers for a shard of up to this many samples.
    fn memory(&self, _samples: usize) -> Memory {
        Memory::default()
    }

    /// As [`memory`](Self::memory), but for forward passes in evaluation mode alone.
    fn prediction_memory(&self, _samples: usize) -> Memory {
        Memory::default()
    }

    /// How many values a sample has there, where they are more than its output; `None` beyond counting.
    fn memory_len(&self) -> Option<usize> {
        Some(0)
    }

    /// Whether the layer multiplies the same few weights again and again by one row of each sample. Samples then go together
    /// although they have a length; see [`Division::recurrent`](crate::plan::Division::recurrent).
    fn is_recurrent(&self) -> bool {
        false
    }

    /// Computes the output of a shard.
    fn forward(&self, context: Context<'_>, input: &Tensor, output: &mut Tensor, memory: &mut Memory);

    /// From the gradient of the output, computes the gradient of the input, where anyone needs it, and the shard's
    /// [`partial`](Memory::partial) gradients of the parameters.
    fn backward(
        &self,
        context: Context<'_>,
        input: &Tensor,
        gradient: &Tensor,
        input_gradient: Option<&mut Tensor>,
        memory: &mut Memory,
    );

    /// Which of the layer's parameters have their gradients in [`Memory::partial`], in the same order.
    fn partial_range(&self) -> Range<usize> {
        0..0
    }

    /// The parameters whose gradients are computed by [`add_matrix_gradient`](Self::add_matrix_gradient) instead: a
    /// matrix at the start of the layer's parameters.
    fn matrix(&self) -> Option<Matrix> {
        None
    }

    /// Computes some rows of the gradient of [`matrix`](Self::matrix) from one shard, adding to those of the shards
    /// before if `accumulate`.
    fn add_matrix_gradient(&self, _rows: Range<usize>, _past: Past<'_>, _destination: &mut [f32], _accumulate: bool) {}

    /// The layer's second face, if in training it must see the whole batch before it can go on.
    fn synchronised(&self) -> Option<&dyn Synchronised> {
        None
    }
}

/// The size of a kernel, as a matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Matrix {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

impl Matrix {
    fn is_partial(self) -> bool {
        self.rows * self.columns <= LARGEST_PARTIAL_KERNEL
    }
}

/// A layer that in training needs sums over the whole batch. Shards gather their sums, which are then combined in the
/// order of the shards, in `f64`.
pub(crate) trait Synchronised {
    /// A shard's sums for the forward pass, into its memory.
    fn gather_forward(&self, samples: usize, input: &Tensor, memory: &mut Memory);

    /// Combines them into what is shared, and moves the running statistics.
    fn combine_forward(
        &self,
        parameters: &[f32],
        shards: &[(usize, &Memory)],
        shared: &mut [f32],
        statistics: &mut [f32],
    );

    /// A shard's sums for the backward pass, into its memory's partial gradients.
    fn gather_backward(&self, context: Context<'_>, input: &Tensor, gradient: &Tensor, memory: &mut Memory);

    /// Combines them into what is shared.
    fn combine_backward(&self, parameters: &[f32], shards: &[(usize, &Memory)], shared: &mut [f32]);
}

/// A layer that changes a tensor where it lies.
///
/// Layers further on may change it again before `backward` sees it. What is here stands that: the rectifier asks for the
/// sign only, which dropout keeps wherever it lets a gradient pass; the exponential linear unit keeps its own answer.
pub(crate) trait InPlace: Debug + Send + Sync {
    /// Buffers for a shard of up to this many samples of this geometry.
    fn memory(&self, samples: usize, geometry: Geometry) -> Memory;

    /// Whether `backward` reads the data.
    fn backward_reads_data(&self) -> bool {
        false
    }

    /// Whether the layer never puts two values into another order, so that it may as well follow a max pooling, where
    /// there are fewer of them.
    fn is_monotone(&self) -> bool {
        false
    }

    /// Changes a shard.
    fn forward(&self, context: Context<'_>, data: &mut Tensor, memory: &mut Memory);

    /// Turns the gradient of the changed shard into that of the shard before.
    fn backward(&self, context: Context<'_>, data: &Tensor, gradient: &mut Tensor, memory: &Memory);
}
