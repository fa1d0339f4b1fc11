//! The fully connected layer.

use std::ops::Range;

use crate::batch::{Geometry, Memory, Tensor};
use crate::layers::{Context, Initial, Map, Matrix, ParameterInfo};
use crate::matmul::{View, multiply};
use crate::simd::{add_column_sums, fill_rows};

/// `y = x·W + b`; parameters: `W` (features × units), `b`.
#[derive(Debug)]
pub(crate) struct Dense {
    features: usize,
    units: usize,
}

impl Dense {
    pub(crate) fn new(features: usize, units: usize) -> Self {
        Self { features, units }
    }

    fn kernel(&self) -> Matrix {
        Matrix { rows: self.features, columns: self.units }
    }

    fn kernel_len(&self) -> usize {
        self.features * self.units
    }
}

impl Map for Dense {
    fn output(&self) -> Geometry {
        Geometry::flat(self.units)
    }

    fn cost(&self) -> usize {
        self.kernel_len()
    }

    fn parameters(&self) -> Vec<ParameterInfo> {
        let initial = Initial::Glorot { fan_in: self.features, fan_out: self.units };
        vec![
            ParameterInfo { name: "kernel", shape: vec![self.features, self.units], initial },
            ParameterInfo { name: "bias", shape: vec![self.units], initial: Initial::Constant(0.0) },
        ]
    }

    fn memory(&self, _samples: usize) -> Memory {
        Memory { partial: vec![0.0; self.partial_range().len()], ..Memory::default() }
    }

    fn forward(&self, context: Context<'_>, input: &Tensor, output: &mut Tensor, _memory: &mut Memory) {
        let (kernel, bias) = context.parameters.split_at(self.kernel_len());
        let input = View::new(input.rows(context.samples), context.samples, self.features, self.features);
        let output = output.rows_mut(context.samples);
        fill_rows(output, bias);
        multiply(output, self.units, true, input, View::new(kernel, self.features, self.units, self.units));
    }

    fn backward(
        &self,
        context: Context<'_>,
        input: &Tensor,
        gradient: &Tensor,
        input_gradient: Option<&mut Tensor>,
        memory: &mut Memory,
    ) {
        let samples = context.samples;
        let gradients = gradient.rows(samples);
        let (kernel, bias) = memory.partial.split_at_mut(self.kernel_len() - self.partial_range().start);
        bias.fill(0.0);
        add_column_sums(bias, gradients);
        if !kernel.is_empty() {
            self.add_matrix_gradient(0..self.features, samples, input, gradient, kernel, false);
        }
        if let Some(input_gradient) = input_gradient {
            multiply(
                input_gradient.rows_mut(samples),
                self.features,
                false,
                View::new(gradients, samples, self.units, self.units),
                View::new(context.parameters, self.features, self.units, self.units).transposed(),
            );
        }
    }

    fn partial_range(&self) -> Range<usize> {
        let start = if self.kernel().is_partial() { 0 } else { self.kernel_len() };
        start..self.kernel_len() + self.units
    }

    fn matrix(&self) -> Option<Matrix> {
        (!self.kernel().is_partial()).then(|| self.kernel())
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
        let input = View::new(&input.rows(samples)[rows.start..], samples, rows.len(), self.features);
        let gradient = View::new(gradient.rows(samples), samples, self.units, self.units);
        multiply(destination, self.units, accumulate, input.transposed(), gradient);
    }
}
