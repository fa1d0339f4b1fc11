//! Convolution over the length.
//!
//! With `channels` adjacent and zeros around the sample, the patch under the kernel at position `p` is the run of
//! `kernel · channels` values that starts at `p · stride · channels`. All patches together are a matrix whose rows
//! overlap, so the forward pass and the gradient of the kernel are one matrix product each, on a view of the input.
//! The gradient of the input is the same product of the padded gradient of the output with the kernel turned round.

use std::ops::Range;

use rayon::prelude::*;

use crate::Padding;
use crate::batch::{Geometry, Margin, Memory, Tensor};
use crate::layers::{Context, Initial, Map, Matrix, Mode, ParameterInfo};
use crate::matmul::{View, multiply};
use crate::simd::{add_column_sums, fill_rows, transpose};

/// `y[p, f] = b[f] + Σ x[p·stride + t, c] · W[t, c, f]`; parameters: `W` (kernel × channels × filters), `b`.
#[derive(Debug)]
pub(crate) struct Conv1d {
    input: Geometry,
    output: Geometry,
    kernel: usize,
    stride: usize,
    margin: Margin,
}

impl Conv1d {
    /// `None` if the kernel is longer than an input without padding.
    pub(crate) fn new(input: Geometry, filters: usize, kernel: usize, padding: Padding, stride: usize) -> Option<Self> {
        let (rows, margin) = match padding {
            Padding::Same => {
                let rows = input.rows.div_ceil(stride);
                let zeros = ((rows - 1) * stride).checked_add(kernel)?.saturating_sub(input.rows);
                (rows, Margin { before: zeros / 2, after: zeros - zeros / 2 })
            }
            Padding::Valid => (input.rows.checked_sub(kernel)? / stride + 1, Margin::default()),
        };
        Some(Self { input, output: Geometry::sequence(rows, filters), kernel, stride, margin })
    }

    fn matrix_size(&self) -> Matrix {
        Matrix { rows: self.kernel * self.input.channels, columns: self.output.channels }
    }

    fn kernel_len(&self) -> usize {
        self.kernel * self.input.channels * self.output.channels
    }

    /// The patches of a padded sample, one a row; only columns from `column` on.
    fn patches<'a>(&self, padded: &'a [f32], columns: Range<usize>) -> View<'a> {
        View::new(&padded[columns.start..], self.output.rows, columns.len(), self.stride * self.input.channels)
    }

    /// The input's gradient for strides above 1: each tap of the kernel adds to the positions it has touched.
    fn scatter(&self, turned: &[f32], gradient: &[f32], input_gradient: &mut [f32]) {
        let (channels, filters) = (self.input.channels, self.output.channels);
        input_gradient.fill(0.0);
        for (tap, kernel) in turned.chunks_exact(filters * channels).rev().enumerate() {
            // Position `p · stride + tap - before` of the input, as far as it is inside.
            let first = self.margin.before.saturating_sub(tap).div_ceil(self.stride);
            let end = (self.input.rows + self.margin.before).saturating_sub(tap).div_ceil(self.stride);
            let end = end.min(self.output.rows);
            if first < end {
                let row = first * self.stride + tap - self.margin.before;
                multiply(
                    &mut input_gradient[row * channels..],
                    self.stride * channels,
                    true,
                    View::new(&gradient[first * filters..], end - first, filters, filters),
                    View::new(kernel, filters, channels, channels),
                );
            }
        }
    }
}

impl Map for Conv1d {
    fn output(&self) -> Geometry {
        self.output
    }

    fn input_margin(&self) -> Margin {
        self.margin
    }

    fn gradient_margin(&self) -> Margin {
        if self.stride > 1 {
            return Margin::default();
        }
        Margin { before: self.kernel - 1 - self.margin.before, after: self.kernel - 1 - self.margin.after }
    }

    fn cost(&self) -> usize {
        self.output.rows.saturating_mul(self.kernel_len())
    }

    fn parameters(&self) -> Vec<ParameterInfo> {
        let (channels, filters) = (self.input.channels, self.output.channels);
        let initial = Initial::Glorot { fan_in: self.kernel * channels, fan_out: self.kernel * filters };
        vec![
            ParameterInfo { name: "kernel", shape: vec![self.kernel, channels, filters], initial },
            ParameterInfo { name: "bias", shape: vec![filters], initial: Initial::Constant(0.0) },
        ]
    }

    /// The kernel turned round: taps in reverse, filters × channels.
    fn shared_len(&self) -> usize {
        self.kernel_len()
    }

    fn prepare(&self, mode: Mode, parameters: &[f32], _statistics: &[f32], shared: &mut [f32]) {
        if matches!(mode, Mode::Evaluation) {
            return;
        }
        let (channels, filters) = (self.input.channels, self.output.channels);
        let len = channels * filters;
        shared.par_chunks_exact_mut(len).enumerate().for_each(|(index, turned)| {
            let tap = self.kernel - 1 - index;
            transpose(turned, &parameters[tap * len..(tap + 1) * len], channels, filters);
        });
    }

    fn memory(&self, _samples: usize) -> Memory {
        Memory { partial: vec![0.0; self.partial_range().len()], ..Memory::default() }
    }

    fn forward(&self, context: Context<'_>, input: &Tensor, output: &mut Tensor, _memory: &mut Memory) {
        let (kernel, bias) = context.parameters.split_at(self.kernel_len());
        let Matrix { rows, columns } = self.matrix_size();
        let kernel = View::new(kernel, rows, columns, columns);
        for sample in 0..context.samples {
            let destination = output.sample_mut(sample);
            fill_rows(destination, bias);
            multiply(destination, columns, true, self.patches(input.padded(sample), 0..rows), kernel);
        }
    }

    fn backward(
        &self,
        context: Context<'_>,
        input: &Tensor,
        gradient: &Tensor,
        input_gradient: Option<&mut Tensor>,
        memory: &mut Memory,
    ) {
        let (kernel, bias) = memory.partial.split_at_mut(self.kernel_len() - self.partial_range().start);
        bias.fill(0.0);
        for sample in 0..context.samples {
            add_column_sums(bias, gradient.sample(sample));
        }
        if !kernel.is_empty() {
            let rows = 0..self.matrix_size().rows;
            self.add_matrix_gradient(rows, context.samples, input, gradient, kernel, false);
        }
        let Some(input_gradient) = input_gradient else { return };
        let (channels, filters) = (self.input.channels, self.output.channels);
        for sample in 0..context.samples {
            if self.stride > 1 {
                self.scatter(context.shared, gradient.sample(sample), input_gradient.sample_mut(sample));
                continue;
            }
            multiply(
                input_gradient.sample_mut(sample),
                channels,
                false,
                View::new(gradient.padded(sample), self.input.rows, self.kernel * filters, filters),
                View::new(context.shared, self.kernel * filters, channels, channels),
            );
        }
    }

    fn partial_range(&self) -> Range<usize> {
        let start = if self.matrix_size().is_partial() { 0 } else { self.kernel_len() };
        start..self.kernel_len() + self.output.channels
    }

    fn matrix(&self) -> Option<Matrix> {
        (!self.matrix_size().is_partial()).then(|| self.matrix_size())
    }

    fn add_matrix_gradient(
        &self,
        rows: Range<usize>,
        samples: usize,
        input: &Tensor,
        gradient: &Tensor,
        destination: &mut [f32],
        accumulate: bool,
    ) {
        let filters = self.output.channels;
        for sample in 0..samples {
            let patches = self.patches(input.padded(sample), rows.clone());
            let gradient = View::new(gradient.sample(sample), self.output.rows, filters, filters);
            multiply(destination, filters, accumulate || sample > 0, patches.transposed(), gradient);
        }
    }
}
