//! Convolution over pictures.
//!
//! A strip of rows is copied between zeros to where the cache holds it; there the patches under the kernel are a strided
//! view, which [`tiles`] multiplies by the kernel. The gradient of the input is the same work on the gradient of the
//! output, with the kernel turned round; a stride becomes zeros between the values. The gradient of the kernel is the
//! product of the patches with the gradient of the output.

use std::ops::Range;

use crate::batch::{Geometry, Memory, Tensor};
use crate::layers::{Context, Initial, Map, Mode, ParameterInfo};
use crate::simd::add_column_sums;
use crate::tiles::{self, Patches};
use crate::{Extent, Padding};

/// Values in a strip, unless the kernel needs more: 64 KiB, so that it stays in the second cache beside the kernel. Timings
/// hardly change from a quarter to four times as much. In tests so few that small pictures come in strips, too.
const STRIP_LEN: usize = if cfg!(test) { 64 } else { 1 << 14 };

/// The most samples that a shard takes to save memory; see [`Map::least_samples`].
const MOST_SAMPLES: usize = 8;

/// `y[r, s, f] = b[f] + Σ x[r·stride + t, s·stride + u, c] · W[t, u, c, f]`; parameters: `W`
/// (kernel frames × kernel bands × channels × filters), `b`.
#[derive(Debug)]
pub(crate) struct Conv2d {
    forward: Slide,
    backward: Slide,
}

/// How a kernel slides over a picture.
#[derive(Debug)]
struct Slide {
    source: Geometry,
    target: Geometry,
    kernel: Extent,
    /// Rows and columns of zeros above and to the left of the source. Below and to the right, there are as many as needed.
    before: Extent,
    /// From a value of the source to the next, with zeros in between.
    spread: Extent,
    /// From a position of the kernel to the next.
    stride: Extent,
}

impl Conv2d {
    /// `None` if the kernel is larger than an input without padding, or sizes overflow.
    pub(crate) fn new(
        input: Geometry,
        filters: usize,
        kernel: Extent,
        padding: Padding,
        stride: Extent,
    ) -> Option<Self> {
        let (rows, above) = positions(input.rows, kernel.frames, padding, stride.frames)?;
        let (columns, left) = positions(input.columns, kernel.bands, padding, stride.bands)?;
        let output = Geometry::picture(rows, columns, filters);
        let before = Extent { frames: above, bands: left };
        let turned = Extent { frames: kernel.frames - 1 - above, bands: kernel.bands - 1 - left };
        let one = Extent { frames: 1, bands: 1 };
        Some(Self {
            forward: Slide { source: input, target: output, kernel, before, spread: one, stride },
            backward: Slide { source: output, target: input, kernel, before: turned, spread: stride, stride: one },
        })
    }

    fn channels(&self) -> usize {
        self.forward.source.channels
    }

    fn filters(&self) -> usize {
        self.forward.target.channels
    }

    fn taps(&self) -> usize {
        self.forward.kernel.frames * self.forward.kernel.bands
    }

    fn kernel_len(&self) -> usize {
        self.taps() * self.channels() * self.filters()
    }
}

/// The positions of a kernel along one axis, and the zeros before the first value.
fn positions(length: usize, kernel: usize, padding: Padding, stride: usize) -> Option<(usize, usize)> {
    match padding {
        Padding::Same => {
            let positions = length.div_ceil(stride);
            let zeros = ((positions - 1) * stride).checked_add(kernel)?.saturating_sub(length);
            Some((positions, zeros / 2))
        }
        Padding::Valid => Some((length.checked_sub(kernel)? / stride + 1, 0)),
    }
}

impl Slide {
    /// Columns of the source that the kernel touches, with the zeros.
    fn width(&self) -> usize {
        ((self.target.columns - 1) * self.stride.bands).saturating_add(self.kernel.bands)
    }

    /// Values in a row between its zeros.
    fn pitch(&self) -> usize {
        self.width().saturating_mul(self.source.channels)
    }

    /// Rows of the source that the kernel touches at so many rows of positions.
    fn height(&self, rows: usize) -> usize {
        ((rows - 1) * self.stride.frames).saturating_add(self.kernel.frames)
    }

    /// Rows of positions in a strip.
    fn rows(&self) -> usize {
        let room = (STRIP_LEN / self.pitch()).saturating_sub(self.kernel.frames);
        (room / self.stride.frames + 1).min(self.target.rows)
    }

    fn strip_len(&self) -> usize {
        self.height(self.rows()).saturating_mul(self.pitch())
    }

    /// Lays the sample out strip by strip, and hands over each one's rows of positions and its patches.
    fn strips(&self, sample: &[f32], scratch: &mut [f32], mut work: impl FnMut(Range<usize>, Patches<'_>)) {
        let (pitch, channels) = (self.pitch(), self.source.channels);
        for first in (0..self.target.rows).step_by(self.rows()) {
            let rows = self.rows().min(self.target.rows - first);
            let strip = &mut scratch[..self.height(rows) * pitch];
            for (row, to) in (first * self.stride.frames..).zip(strip.chunks_exact_mut(pitch)) {
                self.lay_row(row, sample, to);
            }
            let patches = Patches {
                data: strip,
                rows,
                columns: self.target.columns,
                row_step: self.stride.frames * pitch,
                step: self.stride.bands * channels,
                runs: self.kernel.frames,
                pitch,
                run: self.kernel.bands * channels,
            };
            work(first..first + rows, patches);
        }
    }

    /// Lays out the row that lies `row` rows below the first row of zeros.
    fn lay_row(&self, row: usize, sample: &[f32], to: &mut [f32]) {
        let (len, channels) = (self.source.row_len(), self.source.channels);
        let row = row.checked_sub(self.before.frames).filter(|row| row.is_multiple_of(self.spread.frames));
        let row = row.map(|row| row / self.spread.frames).filter(|row| *row < self.source.rows);
        let Some(row) = row else {
            to.fill(0.0);
            return;
        };
        let from = &sample[row * len..(row + 1) * len];
        let start = self.before.bands * channels;
        if self.spread.bands == 1 {
            let inside = len.min(to.len() - start);
            to[..start].fill(0.0);
            to[start..start + inside].copy_from_slice(&from[..inside]);
            to[start + inside..].fill(0.0);
        } else {
            to.fill(0.0);
            let places = to[start..].chunks_mut(self.spread.bands * channels);
            for (to, from) in places.zip(from.chunks_exact(channels)) {
                to[..channels].copy_from_slice(from);
            }
        }
    }
}

impl Map for Conv2d {
    fn output(&self) -> Geometry {
        self.forward.target
    }

    fn cost(&self) -> usize {
        self.output().positions().saturating_mul(self.kernel_len())
    }

    fn least_samples(&self) -> usize {
        let values = self.forward.source.len() + self.forward.target.len();
        (self.kernel_len() / (4 * values)).clamp(1, MOST_SAMPLES)
    }

    fn scratch_len(&self) -> usize {
        self.forward.strip_len().max(self.backward.strip_len())
    }

    fn parameters(&self) -> Vec<ParameterInfo> {
        let (channels, filters, taps) = (self.channels(), self.filters(), self.taps());
        let Extent { frames, bands } = self.forward.kernel;
        let initial = Initial::Glorot { fan_in: taps * channels, fan_out: taps * filters };
        vec![
            ParameterInfo { name: "kernel", shape: vec![frames, bands, channels, filters], initial },
            ParameterInfo { name: "bias", shape: vec![filters], initial: Initial::Constant(0.0) },
        ]
    }

    /// The kernel as the forward pass reads it, and for training, turned round, as the backward pass does.
    fn shared_len(&self) -> usize {
        2 * self.kernel_len()
    }

    fn prepare(&self, mode: Mode, parameters: &[f32], _statistics: &[f32], shared: &mut [f32]) {
        let kernel = &parameters[..self.kernel_len()];
        let (packed, turned) = shared.split_at_mut(kernel.len());
        tiles::pack(packed, kernel, self.filters());
        if matches!(mode, Mode::Training { .. }) {
            tiles::pack_turned(turned, kernel, self.taps(), self.channels(), self.filters());
        }
    }

    fn memory(&self, _samples: usize) -> Memory {
        Memory { partial: vec![0.0; self.partial_range().len()], ..Memory::default() }
    }

    fn forward(&self, context: Context<'_>, input: &Tensor, output: &mut Tensor, memory: &mut Memory) {
        let kernel = &context.shared[..self.kernel_len()];
        let bias = &context.parameters[self.kernel_len()..];
        let row_len = self.output().row_len();
        for sample in 0..context.samples {
            let to = output.sample_mut(sample);
            self.forward.strips(input.sample(sample), &mut memory.scratch, |rows, patches| {
                let to = &mut to[rows.start * row_len..rows.end * row_len];
                tiles::multiply(to, self.filters(), patches, kernel, Some(bias));
            });
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
        let Memory { partial, scratch, .. } = memory;
        partial.fill(0.0);
        let (kernel, bias) = partial.split_at_mut(self.kernel_len());
        let row_len = self.output().row_len();
        for sample in 0..context.samples {
            let gradient = gradient.sample(sample);
            add_column_sums(bias, gradient);
            self.forward.strips(input.sample(sample), scratch, |rows, patches| {
                let gradient = &gradient[rows.start * row_len..rows.end * row_len];
                tiles::add_outer(kernel, self.filters(), patches, gradient);
            });
        }
        let Some(input_gradient) = input_gradient else { return };
        let turned = &context.shared[self.kernel_len()..];
        let row_len = self.backward.target.row_len();
        for sample in 0..context.samples {
            let to = input_gradient.sample_mut(sample);
            self.backward.strips(gradient.sample(sample), scratch, |rows, patches| {
                let to = &mut to[rows.start * row_len..rows.end * row_len];
                tiles::multiply(to, self.channels(), patches, turned, None);
            });
        }
    }

    fn partial_range(&self) -> Range<usize> {
        0..self.kernel_len() + self.filters()
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use rayon::ThreadPoolBuilder;

    use super::*;
    use crate::{LayerSpec, Network, OptimizerSpec, Samples, TrainParams, train};

    fn layers() -> Vec<LayerSpec> {
        vec![
            LayerSpec::conv2d(32, 3),
            LayerSpec::Relu,
            LayerSpec::max_pool2d(2),
            LayerSpec::conv2d(40, 3),
            LayerSpec::batch_norm(),
            LayerSpec::elu(),
            LayerSpec::dropout(0.1),
            LayerSpec::max_pool2d(2),
            LayerSpec::GlobalAveragePool,
            LayerSpec::dense(3),
        ]
    }

    /// Noise with a bright frame or band, or neither.
    fn pictures(n: usize) -> (Vec<f32>, Vec<usize>) {
        let labels: Vec<usize> = (0..n).map(|sample| sample % 3).collect();
        let value = |index: usize| {
            let (sample, frame, band) = (index / 320, index / 16 % 20, index % 16);
            let noise = (index * 7919 % 1009) as f32 / 1009.0 - 0.5;
            let place = sample * 5 % 14;
            let is_bright = [frame == place, band == place, false][sample % 3];
            noise + if is_bright { 2.0 } else { 0.0 }
        };
        ((0..n * 320).map(value).collect(), labels)
    }

    fn trained(threads: usize, epochs: usize) -> (Vec<u32>, f64) {
        let (inputs, labels) = pictures(45);
        ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let mut network = Network::new(&[20, 16, 1], &layers(), 3).unwrap();
            let params =
                TrainParams { epochs, batch_size: 20, optimizer: OptimizerSpec::adam(0.01), ..TrainParams::default() };
            let samples = Samples::new(&inputs, &labels);
            let go_on = &mut |_: &_, _: &_| ControlFlow::Continue(());
            let history = train(&mut network, samples, None, &params, go_on).unwrap();
            let answers = network.predict(&inputs, 45).unwrap();
            let state = network.state().into_iter().flat_map(|tensor| tensor.values);
            (state.chain(answers).map(f32::to_bits).collect(), history.epochs[epochs - 1].loss)
        })
    }

    #[test]
    fn kernels_larger_than_their_pictures_share_a_shard() {
        let samples = |rows, filters| {
            let input = Geometry::picture(rows, rows, filters);
            let side = Extent::square;
            Conv2d::new(input, filters, side(3), Padding::Same, side(1)).unwrap().least_samples()
        };
        assert_eq!([samples(64, 32), samples(8, 64), samples(4, 64), samples(4, 512)], [1, 1, 4, 8]);
    }

    #[test]
    fn any_number_of_threads_gives_the_same_bits() {
        let one = trained(1, 2);
        for threads in [2, 3, 8] {
            assert_eq!(one, trained(threads, 2), "{threads} threads");
        }
    }

    #[test]
    fn learns_lines() {
        let (first, last) = (trained(2, 1).1, trained(2, 20).1);
        assert!(last < first / 4.0, "{first} {last}");
    }
}
