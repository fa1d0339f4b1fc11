//! Long short-term memory (Hochreiter and Schmidhuber 1997), with forget gates (Gers, Schmidhuber and Cummins 2000).
//!
//! At step `t`, with `σ` the logistic function, `⊙` the product of elements, and `h` and `c` zero before the first step:
//!
//! ```text
//! [i f g o] = x[t]·W + h[t-1]·R + b      in this order, as in Keras
//! c[t] = σ(f) ⊙ c[t-1] + σ(i) ⊙ tanh(g)
//! h[t] = σ(o) ⊙ tanh(c[t])
//! ```
//!
//! What does not depend on the step before is done for all steps at once: `x·W`, and in the backward pass the gradients of
//! the kernels and of the input. Only `h·R` and its like go step by step. So that these products have more than one row,
//! the samples of a shard go through time together, and everything inside lies step by step, and in each step
//! sample by sample.

use std::ops::Range;

use rayon::prelude::*;

use crate::batch::{Geometry, Memory, Tensor, Unrolled};
use crate::layers::{Context, Initial, Map, Matrix, Mode, ParameterInfo, Past};
use crate::matmul::{View, multiply};
use crate::simd::{add_column_sums, transpose};

mod direction;

use direction::{Direction, Weights};

/// Parameters, for each direction: `W` (channels × 4·units) and `R` (units × 4·units); then for each direction `b`.
///
/// All kernels together are one matrix of 4·units columns, which is how the gradient is computed in blocks of rows.
#[derive(Debug)]
pub(crate) struct Lstm {
    length: usize,
    channels: usize,
    units: usize,
    bidirectional: bool,
    sequences: bool,
}

impl Lstm {
    /// A layer over the rows of a sequence or a picture; `sequences` asks for the output of every step, not of the last one
    /// only.
    pub(crate) fn new(input: Geometry, units: usize, bidirectional: bool, sequences: bool) -> Self {
        Self { length: input.rows, channels: input.row_len(), units, bidirectional, sequences }
    }

    fn directions(&self) -> usize {
        1 + usize::from(self.bidirectional)
    }

    /// The four gates of all units.
    fn gates(&self) -> usize {
        4 * self.units
    }

    /// All kernels, one below the other.
    fn kernels(&self) -> Matrix {
        Matrix { rows: self.directions() * (self.channels + self.units), columns: self.gates() }
    }

    fn kernels_len(&self) -> usize {
        self.kernels().rows * self.kernels().columns
    }

    fn direction(&self, index: usize, samples: usize) -> Direction {
        let Self { length, channels, units, .. } = *self;
        Direction { reversed: index == 1, steps: length, samples, channels, units }
    }

    /// One direction's part of the kernels, or of their transposes.
    fn kernel_pair<'a>(&self, kernels: &'a [f32], direction: usize) -> (&'a [f32], &'a [f32]) {
        let len = (self.channels + self.units) * self.gates();
        kernels[direction * len..(direction + 1) * len].split_at(self.channels * self.gates())
    }

    fn buffers(&self, samples: usize) -> Memory {
        let unrolled = Unrolled {
            gates: vec![0.0; samples * self.length * self.gates()],
            hidden: vec![0.0; samples * (self.length + 1) * self.units],
            cells: vec![0.0; samples * (self.length + 1) * self.units],
            squashed: vec![0.0; samples * self.length * self.units],
            hidden_gradient: vec![0.0; samples * self.units],
            cell_gradient: vec![0.0; samples * self.units],
        };
        Memory {
            inputs: vec![0.0; samples * self.length * self.channels],
            unrolled: vec![unrolled; self.directions()],
            ..Memory::default()
        }
    }

    /// Some rows of the gradient of the kernels.
    fn kernel_gradient(
        &self,
        rows: &Range<usize>,
        samples: usize,
        memory: (&[f32], &[Unrolled]),
        destination: &mut [f32],
        accumulate: bool,
    ) {
        let (inputs, unrolled) = memory;
        let (count, gates) = (samples * self.length, self.gates());
        let mut first = 0;
        for (index, unrolled) in unrolled.iter().enumerate() {
            let before = self.direction(index, samples).hidden_before(&unrolled.hidden);
            let gradient = View::new(&unrolled.gates, count, gates, gates);
            for (values, width) in [(inputs, self.channels), (before, self.units)] {
                let part = rows.start.max(first)..rows.end.min(first + width);
                if !part.is_empty() {
                    let values = View::new(&values[part.start - first..], count, part.len(), width);
                    let destination = &mut destination[(part.start - rows.start) * gates..];
                    multiply(destination, gates, accumulate, values.transposed(), gradient);
                }
                first += width;
            }
        }
    }
}

impl Map for Lstm {
    fn output(&self) -> Geometry {
        let channels = self.directions() * self.units;
        if self.sequences { Geometry::sequence(self.length, channels) } else { Geometry::flat(channels) }
    }

    fn cost(&self) -> usize {
        self.length.saturating_mul(self.kernels_len())
    }

    fn parameters(&self) -> Vec<ParameterInfo> {
        let (channels, units, columns) = (self.channels, self.units, self.gates());
        let (kernel, recurrent, bias) = if self.bidirectional {
            (
                &["forward_kernel", "backward_kernel"][..],
                &["forward_recurrent_kernel", "backward_recurrent_kernel"][..],
                &["forward_bias", "backward_bias"][..],
            )
        } else {
            (&["kernel"][..], &["recurrent_kernel"][..], &["bias"][..])
        };
        let mut infos = Vec::new();
        for (kernel, recurrent) in kernel.iter().zip(recurrent) {
            let initial = Initial::Glorot { fan_in: channels, fan_out: columns };
            infos.push(ParameterInfo { name: kernel, shape: vec![channels, columns], initial });
            let initial = Initial::Orthogonal { columns };
            infos.push(ParameterInfo { name: recurrent, shape: vec![units, columns], initial });
        }
        infos.extend(bias.iter().map(|name| {
            let initial = Initial::ForgetGates;
            ParameterInfo { name, shape: vec![columns], initial }
        }));
        infos
    }

    /// The transposes of all kernels, in the same order: a product with a transposed view of a kernel takes many times
    /// as long where the other factor has few rows.
    fn shared_len(&self) -> usize {
        self.kernels_len()
    }

    fn prepare(&self, mode: Mode, parameters: &[f32], _statistics: &[f32], shared: &mut [f32]) {
        if matches!(mode, Mode::Evaluation) {
            return;
        }
        let pair = (self.channels + self.units) * self.gates();
        let (to, from) = (shared.par_chunks_exact_mut(pair), parameters.par_chunks_exact(pair));
        to.zip(from).for_each(|(to, from)| {
            let split = self.channels * self.gates();
            transpose(&mut to[..split], &from[..split], self.channels, self.gates());
            transpose(&mut to[split..], &from[split..], self.units, self.gates());
        });
    }

    fn memory(&self, samples: usize) -> Memory {
        Memory { partial: vec![0.0; self.partial_range().len()], ..self.buffers(samples) }
    }

    fn prediction_memory(&self, samples: usize) -> Memory {
        self.buffers(samples)
    }

    fn memory_len(&self) -> Option<usize> {
        // Gates, hidden states, cells and their tangents; the states before the first step, and two running gradients.
        let direction = self.length.checked_mul(self.units.checked_mul(7)?)?.checked_add(self.units.checked_mul(4)?)?;
        self.length.checked_mul(self.channels)?.checked_add(direction.checked_mul(self.directions())?)
    }

    /// The layer keeps its own, in another order.
    fn backward_reads_input(&self) -> bool {
        false
    }

    fn is_recurrent(&self) -> bool {
        true
    }

    fn forward(&self, context: Context<'_>, input: &Tensor, output: &mut Tensor, memory: &mut Memory) {
        let (samples, units, channels) = (context.samples, self.units, self.channels);
        for sample in 0..samples {
            for (step, row) in input.sample(sample).chunks_exact(channels).enumerate() {
                memory.inputs[(step * samples + sample) * channels..][..channels].copy_from_slice(row);
            }
        }
        let (kernels, biases) = context.parameters.split_at(self.kernels_len());
        let inputs = &memory.inputs;
        memory.unrolled.par_iter_mut().with_max_len(1).enumerate().for_each(|(index, unrolled)| {
            let (kernel, recurrent) = self.kernel_pair(kernels, index);
            let bias = &biases[index * self.gates()..(index + 1) * self.gates()];
            self.direction(index, samples).forward(inputs, Weights { kernel, recurrent, bias }, unrolled);
        });
        let width = self.directions() * units;
        for (index, unrolled) in memory.unrolled.iter().enumerate() {
            let direction = self.direction(index, samples);
            let first = if self.sequences { 0 } else { direction.last() };
            for sample in 0..samples {
                let rows = output.sample_mut(sample).chunks_exact_mut(width);
                for (step, row) in (first..).zip(rows) {
                    let hidden = &unrolled.hidden[direction.after(step)..][sample * units..][..units];
                    row[index * units..][..units].copy_from_slice(hidden);
                }
            }
        }
    }

    fn backward(
        &self,
        context: Context<'_>,
        _input: &Tensor,
        gradient: &Tensor,
        input_gradient: Option<&mut Tensor>,
        memory: &mut Memory,
    ) {
        let (samples, channels, gates) = (context.samples, self.channels, self.gates());
        let width = self.directions() * self.units;
        memory.unrolled.par_iter_mut().with_max_len(1).enumerate().for_each(|(index, unrolled)| {
            let (_, recurrent) = self.kernel_pair(context.shared, index);
            let direction = self.direction(index, samples);
            direction.backward(recurrent, unrolled, |step, sample| {
                let row = if self.sequences { step } else { 0 };
                let given = self.sequences || step == direction.last();
                given.then(|| &gradient.sample(sample)[row * width + index * self.units..][..self.units])
            });
        });
        let (kernels, biases) = memory.partial.split_at_mut(self.kernels_len() - self.partial_range().start);
        biases.fill(0.0);
        for (bias, unrolled) in biases.chunks_exact_mut(gates).zip(&memory.unrolled) {
            add_column_sums(bias, &unrolled.gates[..samples * self.length * gates]);
        }
        if !kernels.is_empty() {
            let memory = (memory.inputs.as_slice(), memory.unrolled.as_slice());
            self.kernel_gradient(&(0..self.kernels().rows), samples, memory, kernels, false);
        }
        let Some(input_gradient) = input_gradient else { return };
        for (index, unrolled) in memory.unrolled.iter().enumerate() {
            let (kernel, _) = self.kernel_pair(context.shared, index);
            for sample in 0..samples {
                multiply(
                    input_gradient.sample_mut(sample),
                    channels,
                    index > 0,
                    View::new(&unrolled.gates[sample * gates..], self.length, gates, samples * gates),
                    View::new(kernel, gates, channels, channels),
                );
            }
        }
    }

    fn partial_range(&self) -> Range<usize> {
        let start = if self.kernels().is_partial() { 0 } else { self.kernels_len() };
        start..self.kernels_len() + self.directions() * self.gates()
    }

    fn matrix(&self) -> Option<Matrix> {
        (!self.kernels().is_partial()).then(|| self.kernels())
    }

    fn add_matrix_gradient(&self, rows: Range<usize>, past: Past<'_>, destination: &mut [f32], accumulate: bool) {
        let memory = (past.memory.inputs.as_slice(), past.memory.unrolled.as_slice());
        self.kernel_gradient(&rows, past.samples, memory, destination, accumulate);
    }
}
