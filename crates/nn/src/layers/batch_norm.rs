//! Batch normalisation (Ioffe and Szegedy, ICML 2015).
//!
//! With `x̂ = (x - μ) / sqrt(σ² + ε)` over the `N` values of a channel, `y = γ·x̂ + β`, and
//! `dx = γ / sqrt(σ² + ε) · (dy - Σdy / N - x̂ · Σ(dy · x̂) / N)`.

use std::ops::Range;

use crate::batch::{Geometry, Memory, Tensor};
use crate::layers::{Context, Initial, Map, Mode, ParameterInfo, Synchronised};
use crate::simd::{add_column_squares, add_column_sums, add_gradient_sums, vectorised};

/// Parameters: γ, β; running statistics: mean, variance; one value a channel each.
#[derive(Debug)]
pub(crate) struct BatchNorm {
    geometry: Geometry,
    momentum: f64,
    epsilon: f64,
}

/// What the shards share: per channel, the mean, `1 / sqrt(σ² + ε)`, `γ / sqrt(σ² + ε)`, and the factors of
/// `dx = scale·dy + slope·(x - μ) + offset`.
struct Shared<'a> {
    mean: &'a [f32],
    inverse: &'a [f32],
    scale: &'a [f32],
    slope: &'a [f32],
    offset: &'a [f32],
}

impl<'a> Shared<'a> {
    const VECTORS: usize = 5;

    fn new(values: &'a [f32], channels: usize) -> Self {
        let vector = |index: usize| &values[index * channels..(index + 1) * channels];
        Self { mean: vector(0), inverse: vector(1), scale: vector(2), slope: vector(3), offset: vector(4) }
    }
}

impl BatchNorm {
    pub(crate) fn new(geometry: Geometry, momentum: f64, epsilon: f64) -> Self {
        Self { geometry, momentum, epsilon }
    }

    /// How many values of each channel so many samples have.
    fn count(&self, samples: usize) -> f64 {
        (samples * self.geometry.positions()) as f64
    }

    /// Shares the statistics of channel `c`.
    fn share(&self, shared: &mut [f32], c: usize, gamma: f32, mean: f64, variance: f64) {
        let channels = self.geometry.channels;
        let inverse = 1.0 / (variance + self.epsilon).sqrt();
        shared[c] = mean as f32;
        shared[channels + c] = inverse as f32;
        shared[2 * channels + c] = (f64::from(gamma) * inverse) as f32;
    }
}

impl Map for BatchNorm {
    fn output(&self) -> Geometry {
        self.geometry
    }

    fn cost(&self) -> usize {
        self.geometry.len()
    }

    fn parameters(&self) -> Vec<ParameterInfo> {
        let info = |name, value| {
            let shape = vec![self.geometry.channels];
            ParameterInfo { name, shape, initial: Initial::Constant(value) }
        };
        vec![info("gamma", 1.0), info("beta", 0.0)]
    }

    fn statistics(&self) -> Vec<ParameterInfo> {
        let info = |name, value| {
            let shape = vec![self.geometry.channels];
            ParameterInfo { name, shape, initial: Initial::Constant(value) }
        };
        vec![info("moving_mean", 0.0), info("moving_variance", 1.0)]
    }

    fn shared_len(&self) -> usize {
        Shared::VECTORS * self.geometry.channels
    }

    fn prepare(&self, mode: Mode, parameters: &[f32], statistics: &[f32], shared: &mut [f32]) {
        if matches!(mode, Mode::Evaluation) {
            let (means, variances) = statistics.split_at(self.geometry.channels);
            for (c, ((mean, variance), gamma)) in means.iter().zip(variances).zip(parameters).enumerate() {
                self.share(shared, c, *gamma, f64::from(*mean), f64::from(*variance));
            }
        }
    }

    fn memory(&self, _samples: usize) -> Memory {
        let channels = self.geometry.channels;
        Memory { partial: vec![0.0; 2 * channels], statistics: vec![0.0; 2 * channels], ..Memory::default() }
    }

    fn forward(&self, context: Context<'_>, input: &Tensor, output: &mut Tensor, _memory: &mut Memory) {
        let channels = self.geometry.channels;
        let Shared { mean, scale, .. } = Shared::new(context.shared, channels);
        let beta = &context.parameters[channels..];
        for sample in 0..context.samples {
            let (input, output) = (input.sample(sample), output.sample_mut(sample));
            vectorised(|| {
                for (to, from) in output.chunks_exact_mut(channels).zip(input.chunks_exact(channels)) {
                    for ((((y, x), mean), scale), beta) in to.iter_mut().zip(from).zip(mean).zip(scale).zip(beta) {
                        *y = (x - mean) * scale + beta;
                    }
                }
            });
        }
    }

    fn backward(
        &self,
        context: Context<'_>,
        input: &Tensor,
        gradient: &Tensor,
        input_gradient: Option<&mut Tensor>,
        _memory: &mut Memory,
    ) {
        let Some(input_gradient) = input_gradient else { return };
        let channels = self.geometry.channels;
        let Shared { mean, scale, slope, offset, .. } = Shared::new(context.shared, channels);
        for sample in 0..context.samples {
            let (input, gradient) = (input.sample(sample), gradient.sample(sample));
            let input_gradient = input_gradient.sample_mut(sample);
            vectorised(|| {
                for ((to, x), dy) in input_gradient
                    .chunks_exact_mut(channels)
                    .zip(input.chunks_exact(channels))
                    .zip(gradient.chunks_exact(channels))
                {
                    let factors = mean.iter().zip(scale).zip(slope).zip(offset);
                    for (((to, x), dy), (((mean, scale), slope), offset)) in to.iter_mut().zip(x).zip(dy).zip(factors) {
                        *to = scale * dy + (slope * (x - mean) + offset);
                    }
                }
            });
        }
    }

    fn partial_range(&self) -> Range<usize> {
        0..2 * self.geometry.channels
    }

    fn synchronised(&self) -> Option<&dyn Synchronised> {
        Some(self)
    }
}

impl Synchronised for BatchNorm {
    fn gather_forward(&self, samples: usize, input: &Tensor, memory: &mut Memory) {
        let count = self.count(samples) as f32;
        let (means, squares) = memory.statistics.split_at_mut(self.geometry.channels);
        means.fill(0.0);
        squares.fill(0.0);
        for sample in 0..samples {
            add_column_sums(means, input.sample(sample));
        }
        for mean in &mut *means {
            *mean /= count;
        }
        for sample in 0..samples {
            add_column_squares(squares, input.sample(sample), means);
        }
    }

    fn combine_forward(
        &self,
        parameters: &[f32],
        shards: &[(usize, &Memory)],
        shared: &mut [f32],
        statistics: &mut [f32],
    ) {
        let channels = self.geometry.channels;
        let total: f64 = shards.iter().map(|(samples, _)| self.count(*samples)).sum();
        let (running_means, running_variances) = statistics.split_at_mut(channels);
        for c in 0..channels {
            // Chan, Golub and LeVeque (1983): the squares about the common mean from those about each shard's own.
            let mut mean = 0.0;
            for (samples, memory) in shards {
                mean += f64::from(memory.statistics[c]) * self.count(*samples);
            }
            mean /= total;
            let mut squares = 0.0;
            for (samples, memory) in shards {
                let distance = f64::from(memory.statistics[c]) - mean;
                squares += f64::from(memory.statistics[channels + c]) + distance * distance * self.count(*samples);
            }
            let variance = squares / total;
            self.share(shared, c, parameters[c], mean, variance);
            let moved =
                |running: f32, now: f64| (self.momentum * f64::from(running) + (1.0 - self.momentum) * now) as f32;
            running_means[c] = moved(running_means[c], mean);
            running_variances[c] = moved(running_variances[c], variance);
        }
    }

    fn gather_backward(&self, context: Context<'_>, input: &Tensor, gradient: &Tensor, memory: &mut Memory) {
        let channels = self.geometry.channels;
        let Shared { mean, inverse, .. } = Shared::new(context.shared, channels);
        let (gamma, beta) = memory.partial.split_at_mut(channels);
        gamma.fill(0.0);
        beta.fill(0.0);
        for sample in 0..context.samples {
            add_gradient_sums(beta, gamma, gradient.sample(sample), input.sample(sample), mean);
        }
        for (gamma, inverse) in gamma.iter_mut().zip(inverse) {
            *gamma *= inverse;
        }
    }

    fn combine_backward(&self, _parameters: &[f32], shards: &[(usize, &Memory)], shared: &mut [f32]) {
        let channels = self.geometry.channels;
        let total: f64 = shards.iter().map(|(samples, _)| self.count(*samples)).sum();
        for c in 0..channels {
            let sum =
                |offset: usize| -> f64 { shards.iter().map(|(_, memory)| f64::from(memory.partial[offset + c])).sum() };
            let (gamma, beta) = (sum(0), sum(channels));
            let (inverse, scale) = (f64::from(shared[channels + c]), f64::from(shared[2 * channels + c]));
            shared[3 * channels + c] = (-scale * inverse * gamma / total) as f32;
            shared[4 * channels + c] = (-scale * beta / total) as f32;
        }
    }
}
