//! Neural network layers with explicit forward and backward passes, on the CPU, in `f32`, deterministic.
//!
//! A [`Network`] is a list of [`LayerSpec`]s over a sample's shape: `[features]`, `[length, channels]` or
//! `[frames, bands, channels]`, the channels last. [`train()`] fits it to labelled samples by mini-batches, [`Network::predict`]
//! answers with logits, and [`Network::state`] gives the numbers that a model file keeps. [`Trainer`] trains epoch by epoch,
//! and makes and takes up [`Checkpoint`]s.
//!
//! # Same seed, same bits
//!
//! A batch is cut into shards of samples by its size and the network's shape alone, and every sum over shards runs in
//! their order, so results do not depend on how many threads work on it. Work runs on the current `rayon` pool: to choose
//! the number of threads, call [`train()`] inside `ThreadPool::install`. (Results may differ between processors: the
//! matrix product blocks by the sizes of the caches and uses the widest vectors there are.)
//!
//! # Why it is fast
//!
//! Activations lie channels-last between rows of zeros, so the patches that a convolution over the length multiplies by
//! its kernel are a strided view of its input, not a copy. A convolution over pictures does the same on strips that the
//! cache holds, with products of its own. All buffers are allocated once, and what a shard does not need to remember, it
//! borrows. A shard passes through all layers up to the next batch normalisation while it is in the cache.
//!
//! # Example
//!
//! ```
//! use std::ops::ControlFlow;
//! use stimmung_nn::{LayerSpec, Network, Samples, TrainParams, train};
//!
//! // The sign of the first of two values decides the class.
//! let inputs: Vec<f32> = (0..40).flat_map(|i| [if i % 2 == 0 { 1.0 } else { -1.0 }, i as f32 / 40.0]).collect();
//! let labels: Vec<usize> = (0..40).map(|i| i % 2).collect();
//!
//! let layers = [LayerSpec::dense(8), LayerSpec::Relu, LayerSpec::dense(2)];
//! let mut network = Network::new(&[2], &layers, 7)?;
//! let params = TrainParams { epochs: 40, batch_size: 8, ..TrainParams::default() };
//! let samples = Samples::new(&inputs, &labels);
//! let history = train(&mut network, samples, None, &params, &mut |_, _| ControlFlow::Continue(()))?;
//!
//! assert!(history.epochs.last().is_some_and(|epoch| epoch.accuracy == 1.0));
//! let logits = network.predict(&[1.0, 0.5], 1)?;
//! assert!(logits[0] > logits[1]);
//! # Ok::<(), stimmung_nn::NnError>(())
//! ```

mod activation;
mod batch;
mod engine;
mod error;
mod extent;
mod layers;
mod loss;
pub mod matmul;
mod network;
mod optimizer;
mod plan;
mod random;
mod samples;
mod shard;
mod simd;
mod spec;
mod tiles;
mod train;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod gradient_check;
// Beside the examples, which show their speed.
#[cfg(test)]
#[path = "../examples/networks/mel_cnn.rs"]
mod mel_cnn;
#[cfg(test)]
#[path = "../examples/networks/model_a.rs"]
mod model_a;

pub use error::NnError;
pub use extent::Extent;
pub use loss::softmax;
pub use network::{LayerSummary, NamedTensor, Network};
pub use optimizer::OptimizerSpec;
pub use samples::{SampleSource, Samples};
pub use spec::{LayerSpec, Padding};
pub use train::{
    Checkpoint, CheckpointHeader, CheckpointTensor, CheckpointValues, EarlyStopping, EpochReport, History, Schedule,
    SpecAugment, TrainParams, Trainer, ValidationReport, train,
};
