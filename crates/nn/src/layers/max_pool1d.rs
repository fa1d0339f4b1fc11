//! Max pooling over the length.

use crate::batch::{Geometry, Memory, Tensor};
use crate::layers::{Context, Map, Mode};
use crate::simd::vectorised;

/// The largest of every `size` positions.
#[derive(Debug)]
pub(crate) struct MaxPool1d {
    output: Geometry,
    size: usize,
}

impl MaxPool1d {
    /// Windows of `size` positions, at least 1 and at most the input's rows.
    pub(crate) fn new(input: Geometry, size: usize) -> Self {
        Self { output: Geometry::sequence(input.rows / size, input.channels), size }
    }
}

impl Map for MaxPool1d {
    fn output(&self) -> Geometry {
        self.output
    }

    fn cost(&self) -> usize {
        self.output.len() * self.size
    }

    fn backward_reads_input(&self) -> bool {
        false
    }

    fn memory(&self, samples: usize) -> Memory {
        Memory { winners: vec![0; samples * self.output.len()], ..Memory::default() }
    }

    fn forward(&self, context: Context<'_>, input: &Tensor, output: &mut Tensor, memory: &mut Memory) {
        let channels = self.output.channels;
        for sample in 0..context.samples {
            let windows = input.sample(sample).chunks_exact(self.size * channels);
            let outputs = output.sample_mut(sample).chunks_exact_mut(channels);
            if matches!(context.mode, Mode::Evaluation) {
                for (window, best) in windows.zip(outputs) {
                    let (first, rest) = window.split_at(channels);
                    best.copy_from_slice(first);
                    vectorised(|| {
                        for row in rest.chunks_exact(channels) {
                            for (best, x) in best.iter_mut().zip(row) {
                                *best = if *x > *best || x.is_nan() { *x } else { *best };
                            }
                        }
                    });
                }
                continue;
            }
            let winners = &mut memory.winners[sample * self.output.len()..(sample + 1) * self.output.len()];
            for ((window, best), winner) in windows.zip(outputs).zip(winners.chunks_exact_mut(channels)) {
                let (first, rest) = window.split_at(channels);
                best.copy_from_slice(first);
                winner.fill(0);
                vectorised(|| {
                    for (position, row) in (1..).zip(rest.chunks_exact(channels)) {
                        for ((best, winner), x) in best.iter_mut().zip(winner.iter_mut()).zip(row) {
                            // A NaN wins, so that it is seen.
                            let wins = *x > *best || x.is_nan();
                            *best = if wins { *x } else { *best };
                            *winner = if wins { position } else { *winner };
                        }
                    }
                });
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
        let Some(input_gradient) = input_gradient else { return };
        let channels = self.output.channels;
        for sample in 0..context.samples {
            let (windows, rest) = {
                let all = input_gradient.sample_mut(sample);
                all.split_at_mut(self.output.rows * self.size * channels)
            };
            rest.fill(0.0);
            let winners = &memory.winners[sample * self.output.len()..(sample + 1) * self.output.len()];
            for ((window, gradient), winner) in windows
                .chunks_exact_mut(self.size * channels)
                .zip(gradient.sample(sample).chunks_exact(channels))
                .zip(winners.chunks_exact(channels))
            {
                vectorised(|| {
                    for (position, row) in (0..).zip(window.chunks_exact_mut(channels)) {
                        for ((x, g), winner) in row.iter_mut().zip(gradient).zip(winner) {
                            *x = if *winner == position { *g } else { 0.0 };
                        }
                    }
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Margin;

    fn pooled(values: &[f32], mode: Mode) -> (Vec<f32>, Vec<f32>) {
        // Seven positions of two channels in windows of three: one position is left over.
        let pool = MaxPool1d::new(Geometry::sequence(7, 2), 3);
        let mut input = Tensor::new(1, Geometry::sequence(7, 2), Margin::default());
        input.sample_mut(0).copy_from_slice(values);
        let mut output = Tensor::new(1, pool.output(), Margin::default());
        let mut memory = pool.memory(1);
        let context = Context { mode, layer: 0, parameters: &[], shared: &[], samples: 1 };
        pool.forward(context, &input, &mut output, &mut memory);
        let mut gradient = Tensor::new(1, pool.output(), Margin::default());
        gradient.sample_mut(0).copy_from_slice(&[1.0, 2.0, 3.0, 4.0]);
        let mut input_gradient = Tensor::new(1, input.geometry(), Margin::default());
        input_gradient.sample_mut(0).fill(9.0);
        pool.backward(context, &input, &gradient, Some(&mut input_gradient), &mut memory);
        (output.sample(0).to_vec(), input_gradient.sample(0).to_vec())
    }

    const VALUES: [f32; 14] = [1.0, 5.0, 3.0, 5.0, 2.0, 4.0, -1.0, -2.0, -3.0, -2.0, -4.0, -1.0, 9.0, 9.0];

    #[test]
    fn the_largest_wins_and_the_first_of_equals_gets_the_gradient() {
        let (output, gradient) = pooled(&VALUES, Mode::Training { seed: 0, step: 0 });
        assert_eq!(output, [3.0, 5.0, -1.0, -1.0]);
        assert_eq!(gradient, [0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.0]);
    }

    #[test]
    fn evaluation_gives_the_same_values() {
        assert_eq!(pooled(&VALUES, Mode::Evaluation).0, [3.0, 5.0, -1.0, -1.0]);
    }

    #[test]
    fn a_nan_is_not_hidden() {
        for mode in [Mode::Evaluation, Mode::Training { seed: 0, step: 0 }] {
            for position in [0, 2, 4] {
                let mut values = VALUES;
                values[position] = f32::NAN;
                assert!(pooled(&values, mode).0[0].is_nan());
            }
        }
    }
}
