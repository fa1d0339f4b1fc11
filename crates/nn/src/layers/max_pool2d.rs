//! Max pooling over pictures.
#![allow(clippy::inline_always)] // As in `simd`.

use crate::Extent;
use crate::batch::{Geometry, Memory, Tensor};
use crate::layers::{Context, Map, Mode};
use crate::simd::vectorised;

/// Channels that are worked on at once: one of the widest vectors.
const LANES: usize = 16;

/// The largest of every window, channel by channel.
#[derive(Debug)]
pub(crate) struct MaxPool2d {
    input: Geometry,
    output: Geometry,
    size: Extent,
}

impl MaxPool2d {
    /// Windows of `size`, in both directions at least 1 and at most the input's.
    pub(crate) fn new(input: Geometry, size: Extent) -> Self {
        let output = Geometry::picture(input.rows / size.frames, input.columns / size.bands, input.channels);
        Self { input, output, size }
    }

    /// Every place of the output where `N` channels start, with the first place of its window: the full vectors if `N` is
    /// the number of lanes, otherwise what they leave over.
    #[inline(always)]
    fn windows<const N: usize>(&self) -> impl Iterator<Item = (usize, usize)> {
        let (channels, row_len) = (self.output.channels, self.input.row_len());
        let whole = channels / LANES * LANES;
        let firsts = if N == LANES { 0..whole } else { whole..channels };
        let (columns, Extent { frames, bands }) = (self.output.columns, self.size);
        (0..self.output.positions()).flat_map(move |position| {
            let from = position / columns * frames * row_len + position % columns * bands * channels;
            firsts.clone().step_by(N).map(move |first| (position * channels + first, from + first))
        })
    }

    #[inline(always)]
    fn pool<const N: usize>(&self, input: &[f32], output: &mut [f32], winners: &mut [u32]) {
        let (channels, row_len) = (self.input.channels, self.input.row_len());
        for (to, from) in self.windows::<N>() {
            let (mut best, mut winner, mut number) = ([f32::NEG_INFINITY; N], [0; N], 0);
            for frame in 0..self.size.frames {
                for band in 0..self.size.bands {
                    let place = from + frame * row_len + band * channels;
                    for ((best, winner), x) in best.iter_mut().zip(&mut winner).zip(&input[place..place + N]) {
                        // A NaN wins, so that it is seen.
                        let wins = *x > *best || x.is_nan();
                        *best = if wins { *x } else { *best };
                        *winner = if wins { number } else { *winner };
                    }
                    number += 1;
                }
            }
            output[to..to + N].copy_from_slice(&best);
            // Nobody asks for the winners in evaluation.
            if let Some(winners) = winners.get_mut(to..to + N) {
                winners.copy_from_slice(&winner);
            }
        }
    }

    #[inline(always)]
    fn spread<const N: usize>(&self, gradient: &[f32], winners: &[u32], input_gradient: &mut [f32]) {
        let (channels, row_len) = (self.input.channels, self.input.row_len());
        for (from, to) in self.windows::<N>() {
            let (mut all, mut winner, mut number) = ([0.0; N], [0; N], 0);
            all.copy_from_slice(&gradient[from..from + N]);
            winner.copy_from_slice(&winners[from..from + N]);
            for frame in 0..self.size.frames {
                for band in 0..self.size.bands {
                    let place = to + frame * row_len + band * channels;
                    // In a place of its own, the compiler makes it one vector.
                    let mut won = [0.0; N];
                    for ((x, g), winner) in won.iter_mut().zip(&all).zip(&winner) {
                        *x = if *winner == number { *g } else { 0.0 };
                    }
                    input_gradient[place..place + N].copy_from_slice(&won);
                    number += 1;
                }
            }
        }
    }
}

impl Map for MaxPool2d {
    fn output(&self) -> Geometry {
        self.output
    }

    fn cost(&self) -> usize {
        self.input.len()
    }

    fn backward_reads_input(&self) -> bool {
        false
    }

    fn memory(&self, samples: usize) -> Memory {
        Memory { winners: vec![0; samples * self.output.len()], ..Memory::default() }
    }

    fn forward(&self, context: Context<'_>, input: &Tensor, output: &mut Tensor, memory: &mut Memory) {
        let len = self.output.len();
        for sample in 0..context.samples {
            let (input, output) = (input.sample(sample), output.sample_mut(sample));
            let winners = match context.mode {
                Mode::Training { .. } => &mut memory.winners[sample * len..(sample + 1) * len],
                Mode::Evaluation => &mut [],
            };
            vectorised(
                #[inline(always)]
                || {
                    self.pool::<LANES>(input, output, winners);
                    self.pool::<1>(input, output, winners);
                },
            );
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
        let len = self.output.len();
        let fills =
            self.input.rows.is_multiple_of(self.size.frames) && self.input.columns.is_multiple_of(self.size.bands);
        for sample in 0..context.samples {
            let (gradient, input_gradient) = (gradient.sample(sample), input_gradient.sample_mut(sample));
            let winners = &memory.winners[sample * len..(sample + 1) * len];
            if !fills {
                input_gradient.fill(0.0);
            }
            vectorised(
                #[inline(always)]
                || {
                    self.spread::<LANES>(gradient, winners, input_gradient);
                    self.spread::<1>(gradient, winners, input_gradient);
                },
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Margin;

    /// Three rows of five columns in windows of 2 × 2: a row and a column are left over. Channel `c` holds `c` more than
    /// the values given.
    fn pooled(values: &[f32; 15], channels: usize, mode: Mode) -> (Vec<f32>, Vec<f32>) {
        let geometry = Geometry::picture(3, 5, channels);
        let pool = MaxPool2d::new(geometry, Extent { frames: 2, bands: 2 });
        let mut input = Tensor::new(1, geometry, Margin::default());
        for (to, value) in input.sample_mut(0).chunks_exact_mut(channels).zip(values) {
            to.iter_mut().enumerate().for_each(|(c, x)| *x = value + c as f32);
        }
        let mut output = Tensor::new(1, pool.output(), Margin::default());
        let mut memory = pool.memory(1);
        let context = Context { mode, layer: 0, parameters: &[], shared: &[], samples: 1 };
        pool.forward(context, &input, &mut output, &mut memory);
        let mut gradient = Tensor::new(1, pool.output(), Margin::default());
        gradient.sample_mut(0).iter_mut().zip(1..).for_each(|(g, number)| *g = number as f32);
        let mut input_gradient = Tensor::new(1, geometry, Margin::default());
        input_gradient.sample_mut(0).fill(9.0);
        pool.backward(context, &input, &gradient, Some(&mut input_gradient), &mut memory);
        (output.sample(0).to_vec(), input_gradient.sample(0).to_vec())
    }

    const TRAINING: Mode = Mode::Training { seed: 0, step: 0 };
    #[rustfmt::skip]
    const VALUES: [f32; 15] = [
        1.0, 3.0, 5.0, 5.0, 9.0,
        2.0, 0.0, 4.0, 5.0, 9.0,
        9.0, 9.0, 9.0, 9.0, 9.0,
    ];

    #[test]
    fn the_largest_wins_and_the_first_of_equals_gets_the_gradient() {
        // One channel, a full vector of them, and both.
        for channels in [1, 16, 19] {
            let (output, gradient) = pooled(&VALUES, channels, TRAINING);
            for c in 0..channels {
                assert_eq!([output[c], output[channels + c]], [3.0 + c as f32, 5.0 + c as f32]);
                for (place, g) in gradient.chunks_exact(channels).map(|position| position[c]).enumerate() {
                    let expected = match place {
                        1 => 1 + c,
                        2 => 1 + channels + c,
                        _ => 0,
                    };
                    assert_eq!(g, expected as f32, "{place} of channel {c} of {channels}");
                }
            }
            assert_eq!(pooled(&VALUES, channels, Mode::Evaluation).0, output);
        }
    }

    #[test]
    fn a_nan_is_not_hidden() {
        for mode in [Mode::Evaluation, TRAINING] {
            for place in [0, 1, 5, 6] {
                let mut values = VALUES;
                values[place] = f32::NAN;
                assert!(pooled(&values, 17, mode).0[..17].iter().all(|x| x.is_nan()));
            }
        }
    }
}
