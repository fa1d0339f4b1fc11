//! Attention pooling: an average over time whose weights the layer learns to choose.
//!
//! Weighted pooling with local attention (Mirsamadi, Barsoum and Zhang, ICASSP 2017): with `h` the rows of a
//! sample, `α[t] = exp(u·h[t]) / Σ_τ exp(u·h[τ])` and `y = Σ_t α[t]·h[t]`. A bias would add the same to every score, and so
//! change nothing.

use std::ops::Range;

use crate::activation::flushed;
use crate::batch::{Geometry, Memory, Tensor};
use crate::layers::{Context, Initial, Map, ParameterInfo};
use crate::loss::softmax;
use crate::matmul::{View, multiply};
use crate::simd::vectorised;

/// Parameters: `u`, one value a channel.
#[derive(Debug)]
pub(crate) struct AttentionPool {
    length: usize,
    channels: usize,
}

impl AttentionPool {
    pub(crate) fn new(input: Geometry) -> Self {
        Self { length: input.rows, channels: input.row_len() }
    }

    /// A weight for each step of each sample; after them, the gradients of the scores of one sample.
    fn buffers(&self, samples: usize) -> Memory {
        Memory { attention: vec![0.0; (samples + 1) * self.length], ..Memory::default() }
    }

    /// The rows of a sample, each multiplied by `vector`.
    fn project(&self, products: &mut [f32], rows: View<'_>, vector: &[f32]) {
        multiply(products, 1, false, rows, View::new(vector, self.channels, 1, 1));
    }
}

impl Map for AttentionPool {
    fn output(&self) -> Geometry {
        Geometry::flat(self.channels)
    }

    fn cost(&self) -> usize {
        2 * self.length * self.channels
    }

    fn parameters(&self) -> Vec<ParameterInfo> {
        let initial = Initial::Glorot { fan_in: self.channels, fan_out: 1 };
        vec![ParameterInfo { name: "kernel", shape: vec![self.channels], initial }]
    }

    fn memory(&self, samples: usize) -> Memory {
        Memory { partial: vec![0.0; self.channels], ..self.buffers(samples) }
    }

    fn prediction_memory(&self, samples: usize) -> Memory {
        self.buffers(samples)
    }

    fn memory_len(&self) -> Option<usize> {
        self.length.checked_mul(2)
    }

    fn forward(&self, context: Context<'_>, input: &Tensor, output: &mut Tensor, memory: &mut Memory) {
        let (length, channels) = (self.length, self.channels);
        for (sample, weights) in (0..context.samples).zip(memory.attention.chunks_exact_mut(length)) {
            let rows = View::new(input.sample(sample), length, channels, channels);
            self.project(weights, rows, context.parameters);
            softmax(weights, length);
            for weight in &mut *weights {
                *weight = flushed(*weight);
            }
            multiply(output.sample_mut(sample), channels, false, View::new(weights, 1, length, length), rows);
        }
    }

    /// With `d[t] = dy·h[t]`: the score's gradient is `s[t] = α[t]·(d[t] - Σ_τ α[τ]·d[τ])`, that of `u` is `Σ_t s[t]·h[t]`, and
    /// that of `h[t]` is `α[t]·dy + s[t]·u`.
    fn backward(
        &self,
        context: Context<'_>,
        input: &Tensor,
        gradient: &Tensor,
        mut input_gradient: Option<&mut Tensor>,
        memory: &mut Memory,
    ) {
        let (length, channels) = (self.length, self.channels);
        let vector = context.parameters;
        let split = memory.attention.len() - length;
        let (weights, scores) = memory.attention.split_at_mut(split);
        memory.partial.fill(0.0);
        for (sample, weights) in (0..context.samples).zip(weights.chunks_exact(length)) {
            let gradient = gradient.sample(sample);
            let rows = View::new(input.sample(sample), length, channels, channels);
            self.project(scores, rows, gradient);
            let mean: f32 = scores.iter().zip(weights).map(|(d, weight)| d * weight).sum();
            for (score, weight) in scores.iter_mut().zip(weights) {
                *score = weight * (*score - mean);
            }
            multiply(&mut memory.partial, channels, true, View::new(scores, 1, length, length), rows);
            if let Some(input_gradient) = &mut input_gradient {
                let rows = input_gradient.sample_mut(sample).chunks_exact_mut(channels);
                vectorised(
                    #[inline(always)]
                    || {
                        for ((row, weight), score) in rows.zip(weights).zip(&*scores) {
                            for ((x, dy), u) in row.iter_mut().zip(gradient).zip(vector) {
                                *x = weight * dy + score * u;
                            }
                        }
                    },
                );
            }
        }
    }

    fn partial_range(&self) -> Range<usize> {
        0..self.channels
    }
}
