//! The mean over all positions.

use crate::batch::{Geometry, Memory, Tensor};
use crate::layers::{Context, Map};
use crate::simd::{add_column_sums, fill_rows};

/// `y[c] = Σ_p x[p, c] / N`, flat.
#[derive(Debug)]
pub(crate) struct GlobalAveragePool {
    input: Geometry,
}

impl GlobalAveragePool {
    pub(crate) fn new(input: Geometry) -> Self {
        Self { input }
    }

    fn scale(&self, sums: &mut [f32]) {
        let share = 1.0 / self.input.positions() as f32;
        for sum in sums {
            *sum *= share;
        }
    }
}

impl Map for GlobalAveragePool {
    fn output(&self) -> Geometry {
        Geometry::flat(self.input.channels)
    }

    fn cost(&self) -> usize {
        self.input.len()
    }

    fn backward_reads_input(&self) -> bool {
        false
    }

    fn forward(&self, context: Context<'_>, input: &Tensor, output: &mut Tensor, _memory: &mut Memory) {
        for sample in 0..context.samples {
            let means = output.sample_mut(sample);
            means.fill(0.0);
            add_column_sums(means, input.sample(sample));
            self.scale(means);
        }
    }

    fn backward(
        &self,
        context: Context<'_>,
        _input: &Tensor,
        gradient: &Tensor,
        input_gradient: Option<&mut Tensor>,
        _memory: &mut Memory,
    ) {
        let Some(input_gradient) = input_gradient else { return };
        for sample in 0..context.samples {
            let (first, rest) = input_gradient.sample_mut(sample).split_at_mut(self.input.channels);
            first.copy_from_slice(gradient.sample(sample));
            self.scale(first);
            fill_rows(rest, first);
        }
    }
}
