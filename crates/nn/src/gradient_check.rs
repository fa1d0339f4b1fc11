//! Every layer against a plain reference in `f64`: outputs by value, gradients element by element by central differences
//! of the reference, with a weighted sum of the outputs as the loss.

use std::sync::Arc;

use crate::engine::{Engine, Purpose};
use crate::layers::Mode;
use crate::plan::Division;
use crate::random::{self, generator, symmetric};
use crate::{Extent, LayerSpec, Network, Padding};

mod recurrent;

/// What dropout multiplied the values of a sample by.
type Masks<'a> = &'a dyn Fn(usize, usize) -> Vec<f64>;

/// The network's outputs in training mode, worked out the long way. Samples are lists of
/// positions.
fn reference(network: &Network, specs: &[LayerSpec], parameters: &[f64], inputs: &[f64], masks: Masks<'_>) -> Vec<f64> {
    let geometry = network.plan.input;
    let mut batch: Vec<Vec<Vec<f64>>> = inputs
        .chunks(geometry.len())
        .map(|sample| sample.chunks(geometry.channels).map(<[f64]>::to_vec).collect())
        .collect();
    // Rows and columns of positions.
    let (mut height, mut width) = (geometry.rows, geometry.columns);
    for (layer, spec) in specs.iter().enumerate() {
        let tensors: Vec<&[f64]> = network
            .plan
            .tensors
            .iter()
            .filter(|tensor| tensor.layer == layer && tensor.trainable)
            .map(|tensor| &parameters[tensor.range.clone()])
            .collect();
        match *spec {
            LayerSpec::Dense { units } => {
                for sample in &mut batch {
                    sample[0] = (0..units)
                        .map(|u| {
                            let products = sample[0].iter().enumerate().map(|(f, x)| x * tensors[0][f * units + u]);
                            tensors[1][u] + products.sum::<f64>()
                        })
                        .collect();
                }
            }
            LayerSpec::Conv1d { filters, kernel, padding, stride } => {
                let (kernel, stride) = (Extent { frames: kernel, bands: 1 }, Extent { frames: stride, bands: 1 });
                let convolution = Convolution { width: 1, kernel, padding, stride, filters };
                for sample in &mut batch {
                    *sample = convolution.apply(sample, tensors[0], tensors[1]);
                }
            }
            LayerSpec::Conv2d { filters, kernel, padding, stride } => {
                let convolution = Convolution { width, kernel, padding, stride, filters };
                for sample in &mut batch {
                    *sample = convolution.apply(sample, tensors[0], tensors[1]);
                }
                height = ends(height, kernel.frames, padding, stride.frames).0;
                width = ends(width, kernel.bands, padding, stride.bands).0;
            }
            LayerSpec::BatchNorm { epsilon, .. } => {
                for c in 0..batch[0][0].len() {
                    let values: Vec<f64> = batch.iter().flatten().map(|row| row[c]).collect();
                    let n = values.len() as f64;
                    let mean = values.iter().sum::<f64>() / n;
                    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
                    for row in batch.iter_mut().flatten() {
                        row[c] = tensors[0][c] * (row[c] - mean) / (variance + epsilon).sqrt() + tensors[1][c];
                    }
                }
            }
            LayerSpec::Relu => batch.iter_mut().flatten().flatten().for_each(|x| *x = x.max(0.0)),
            LayerSpec::Elu { alpha } => {
                batch.iter_mut().flatten().flatten().for_each(|x| *x = if *x > 0.0 { *x } else { alpha * x.exp_m1() });
            }
            LayerSpec::Dropout { .. } => {
                for (index, sample) in batch.iter_mut().enumerate() {
                    sample.iter_mut().flatten().zip(masks(layer, index)).for_each(|(x, factor)| *x *= factor);
                }
            }
            LayerSpec::MaxPool1d { size } => {
                for sample in &mut batch {
                    let largest = |window: &[Vec<f64>]| -> Vec<f64> {
                        (0..window[0].len())
                            .map(|c| window.iter().map(|row| row[c]).fold(f64::NEG_INFINITY, f64::max))
                            .collect()
                    };
                    *sample = sample.chunks_exact(size).map(largest).collect();
                }
            }
            LayerSpec::MaxPool2d { size } => {
                let (rows, columns) = (height / size.frames, width / size.bands);
                for sample in &mut batch {
                    let largest = |p: usize, c: usize| {
                        let first = (p / columns * size.frames) * width + p % columns * size.bands;
                        let places = (0..size.frames).flat_map(|t| (0..size.bands).map(move |u| first + t * width + u));
                        places.map(|place| sample[place][c]).fold(f64::NEG_INFINITY, f64::max)
                    };
                    *sample =
                        (0..rows * columns).map(|p| (0..sample[0].len()).map(|c| largest(p, c)).collect()).collect();
                }
                (height, width) = (rows, columns);
            }
            LayerSpec::GlobalAveragePool => {
                for sample in &mut batch {
                    let mean = |c: usize| sample.iter().map(|row| row[c]).sum::<f64>() / sample.len() as f64;
                    *sample = vec![(0..sample[0].len()).map(mean).collect()];
                }
            }
            LayerSpec::Lstm { units, return_sequences, .. } => {
                recurrent::lstm(&mut batch, &tensors, units, return_sequences);
            }
            LayerSpec::AttentionPool => recurrent::attention_pool(&mut batch, tensors[0]),
            LayerSpec::Flatten => batch.iter_mut().for_each(|sample| *sample = vec![sample.concat()]),
        }
    }
    batch.into_iter().flatten().flatten().collect()
}

/// A convolution over positions in rows of `width`.
struct Convolution {
    width: usize,
    kernel: Extent,
    padding: Padding,
    stride: Extent,
    filters: usize,
}

/// The positions of a kernel along an axis, and the zeros before it.
fn ends(length: usize, kernel: usize, padding: Padding, stride: usize) -> (usize, usize) {
    match padding {
        Padding::Valid => ((length - kernel) / stride + 1, 0),
        Padding::Same => {
            let outputs = length.div_ceil(stride);
            (outputs, ((outputs - 1) * stride + kernel).saturating_sub(length) / 2)
        }
    }
}

impl Convolution {
    fn apply(&self, sample: &[Vec<f64>], weights: &[f64], bias: &[f64]) -> Vec<Vec<f64>> {
        let Self { width, kernel, padding, stride, filters } = *self;
        let (height, channels) = (sample.len() / width, sample[0].len());
        let (rows, above) = ends(height, kernel.frames, padding, stride.frames);
        let (columns, left) = ends(width, kernel.bands, padding, stride.bands);
        let value = |r: usize, s: usize, f: usize| {
            let mut sum = bias[f];
            for t in 0..kernel.frames {
                for u in 0..kernel.bands {
                    let row = (r * stride.frames + t).checked_sub(above).filter(|row| *row < height);
                    let column = (s * stride.bands + u).checked_sub(left).filter(|column| *column < width);
                    let (Some(row), Some(column)) = (row, column) else { continue };
                    for (c, x) in sample[row * width + column].iter().enumerate() {
                        sum += x * weights[((t * kernel.bands + u) * channels + c) * filters + f];
                    }
                }
            }
            sum
        };
        let position = |p: usize| (0..filters).map(|f| value(p / columns, p % columns, f)).collect();
        (0..rows * columns).map(position).collect()
    }
}

pub(crate) fn assert_near(what: &str, actual: &[f32], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(0.0f64, |largest, x| largest.max(x.abs())).max(1e-3);
    for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        let error = (f64::from(*actual) - expected).abs() / scale;
        assert!(error < 2e-5, "{what} {index}: {actual} is not {expected} (relative to {scale}: {error:e})");
    }
}

/// Outputs, and the gradients of parameters and inputs, with this sum of the outputs as the loss.
pub(crate) fn run(
    engine: &mut Engine,
    network: &mut Network,
    mode: Mode,
    inputs: &[f32],
    weights: &[f32],
) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let (width, len) = (network.input_len(), network.output_len());
    let n = inputs.len() / width;
    let (mut outputs, mut gradients) = (Vec::new(), vec![f32::NAN; network.parameter_count()]);
    engine.forward(mode, &network.parameters, &mut network.statistics, n, &|sample, to| {
        to.copy_from_slice(&inputs[sample * width..(sample + 1) * width]);
    });
    for sample in 0..n {
        outputs.extend_from_slice(engine.output(sample));
        engine.output_gradient_mut(sample).copy_from_slice(&weights[sample * len..(sample + 1) * len]);
    }
    engine.backward(mode, &network.parameters, &mut gradients);
    let input_gradients = (0..n).flat_map(|sample| engine.input_gradient(sample).to_vec()).collect();
    (outputs, gradients, input_gradients)
}

/// Checks a network on `n` samples: outputs, gradients of all parameters and of all inputs. With `Some(samples)`, shards
/// have that many samples; otherwise they are as large as in real work.
fn check(shape: &[usize], specs: &[LayerSpec], n: usize, shards: Option<usize>) {
    let mut network = Network::new(shape, specs, 11).unwrap();
    if let Some(samples) = shards {
        let plan = Arc::get_mut(&mut network.plan).unwrap();
        plan.division = Division { cost: 1, flat: samples, recurrent: samples };
    }
    let mut rng = generator(5, random::Purpose::Initial { layer: 1000 });
    // Biases, γ and β away from where they start, so that nothing multiplies by one or adds zero.
    network.parameters.iter_mut().for_each(|w| *w += 0.3 * symmetric(&mut rng));
    let width = network.input_len();
    let inputs: Vec<f32> = (0..n * width).map(|_| 2.0 * symmetric(&mut rng)).collect();
    let weights: Vec<f32> = (0..n * network.output_len()).map(|_| symmetric(&mut rng)).collect();

    let mode = Mode::Training { seed: 3, step: 4 };
    let mut engine = Engine::new(&network.plan, n, Purpose::InputGradient);
    // Twice, so that whatever the first pass leaves in the buffers would show.
    run(&mut engine, &mut network, mode, &inputs, &weights);
    let (outputs, gradients, input_gradients) = run(&mut engine, &mut network, mode, &inputs, &weights);

    let masks = |layer: usize, sample: usize| -> Vec<f64> {
        let LayerSpec::Dropout { rate } = specs[layer] else { unreachable!() };
        let threshold = (rate * 65_536.0).round();
        let factor = |bits: &u16| if f64::from(*bits) < threshold { 0.0 } else { 65_536.0 / (65_536.0 - threshold) };
        engine.dropout_bits(layer, sample).iter().map(factor).collect()
    };
    let mut wide_parameters: Vec<f64> = network.parameters.iter().map(|w| f64::from(*w)).collect();
    let mut wide_inputs: Vec<f64> = inputs.iter().map(|x| f64::from(*x)).collect();
    let expected = reference(&network, specs, &wide_parameters, &wide_inputs, &masks);
    assert_near("output", &outputs, &expected);

    let loss = |parameters: &[f64], inputs: &[f64]| -> f64 {
        let outputs = reference(&network, specs, parameters, inputs, &masks);
        outputs.iter().zip(&weights).map(|(y, weight)| y * f64::from(*weight)).sum()
    };
    let step = 1e-5;
    let mut expected = Vec::new();
    for index in 0..wide_parameters.len() {
        let value = wide_parameters[index];
        wide_parameters[index] = value + step;
        let above = loss(&wide_parameters, &wide_inputs);
        wide_parameters[index] = value - step;
        let below = loss(&wide_parameters, &wide_inputs);
        wide_parameters[index] = value;
        expected.push((above - below) / (2.0 * step));
    }
    assert_near("parameter gradient", &gradients, &expected);
    expected.clear();
    for index in 0..wide_inputs.len() {
        let value = wide_inputs[index];
        wide_inputs[index] = value + step;
        let above = loss(&wide_parameters, &wide_inputs);
        wide_inputs[index] = value - step;
        let below = loss(&wide_parameters, &wide_inputs);
        wide_inputs[index] = value;
        expected.push((above - below) / (2.0 * step));
    }
    assert_near("input gradient", &input_gradients, &expected);
}

#[test]
fn dense() {
    for (features, units, n) in [(5, 3, 4), (1, 1, 1), (17, 9, 3), (3, 20, 6)] {
        check(&[features], &[LayerSpec::dense(units)], n, None);
        check(&[features], &[LayerSpec::dense(units)], n, Some(2));
    }
}

#[test]
fn dense_with_a_kernel_in_blocks() {
    check(&[140], &[LayerSpec::dense(60)], 3, Some(2));
}

#[test]
fn conv1d_over_all_small_sizes() {
    for padding in [Padding::Same, Padding::Valid] {
        for (length, channels, filters) in [(1, 1, 2), (2, 3, 1), (5, 2, 3), (8, 1, 4)] {
            for kernel in 1..=5 {
                if padding == Padding::Valid && kernel > length {
                    continue;
                }
                for stride in 1..=4 {
                    let layer = LayerSpec::Conv1d { filters, kernel, padding, stride };
                    check(&[length, channels], &[layer], 2, Some(1));
                }
            }
        }
    }
}

#[test]
fn conv1d_with_a_kernel_in_blocks() {
    check(&[2, 30], &[LayerSpec::conv1d(56, 5)], 2, Some(1));
}

#[test]
fn conv2d_over_all_small_sizes() {
    let extents =
        |sides: &[[usize; 2]]| sides.iter().map(|&[frames, bands]| Extent { frames, bands }).collect::<Vec<_>>();
    for padding in [Padding::Same, Padding::Valid] {
        for (shape, filters) in [([1, 1, 1], 2), ([4, 3, 2], 3), ([5, 6, 1], 2), ([6, 5, 3], 1)] {
            for kernel in extents(&[[1, 1], [3, 3], [5, 5], [2, 3], [4, 1]]) {
                if padding == Padding::Valid && (kernel.frames > shape[0] || kernel.bands > shape[1]) {
                    continue;
                }
                for stride in extents(&[[1, 1], [2, 2], [1, 3], [6, 2]]) {
                    let layer = LayerSpec::Conv2d { filters, kernel, padding, stride };
                    check(&shape, &[layer], 2, Some(1));
                }
            }
        }
    }
}

/// Blocks of 32 columns, forward and backward, and what they leave over.
#[test]
fn conv2d_in_blocks() {
    for (channels, filters) in [(1, 32), (32, 3), (3, 35)] {
        for (frames, bands) in [(2, 5), (3, 9), (1, 19)] {
            check(&[frames, bands, channels], &[LayerSpec::conv2d(filters, 3)], 2, None);
        }
    }
}

#[test]
fn max_pool2d() {
    for (frames, bands) in [(1, 1), (2, 2), (3, 2), (2, 5)] {
        for shape in [[6, 5, 3], [4, 7, 18]] {
            check(&shape, &[LayerSpec::MaxPool2d { size: Extent { frames, bands } }], 2, None);
        }
    }
}

#[test]
fn elu() {
    let steep = LayerSpec::Elu { alpha: 0.3 };
    check(&[6, 3], &[LayerSpec::elu()], 2, None);
    check(&[20], &[steep.clone(), LayerSpec::dropout(0.4)], 3, Some(2));
    check(&[20], &[LayerSpec::elu(), steep.clone(), LayerSpec::Relu], 3, None);
    // The pooling comes first in truth.
    check(&[4, 6, 2], &[LayerSpec::conv2d(3, 3), steep, LayerSpec::Relu, LayerSpec::max_pool2d(2)], 3, Some(1));
}

#[test]
fn global_average_pool() {
    check(&[6, 3], &[LayerSpec::GlobalAveragePool], 3, None);
    check(&[4, 5, 2], &[LayerSpec::GlobalAveragePool, LayerSpec::dense(3)], 3, Some(2));
}

#[test]
fn pictures_in_small() {
    let layers = [
        LayerSpec::conv2d(3, 3),
        LayerSpec::Relu,
        LayerSpec::max_pool2d(2),
        LayerSpec::dropout(0.1),
        LayerSpec::conv2d(4, 2),
        LayerSpec::batch_norm(),
        LayerSpec::elu(),
        LayerSpec::max_pool2d(2),
        LayerSpec::conv2d(2, 3),
        LayerSpec::Relu,
        LayerSpec::dropout(0.2),
        LayerSpec::Flatten,
        LayerSpec::dense(4),
        LayerSpec::Relu,
        LayerSpec::dense(3),
    ];
    check(&[9, 7, 1], &layers, 5, None);
    check(&[9, 7, 1], &layers, 5, Some(2));
    check(&[9, 7, 1], &[LayerSpec::conv2d(2, 3), LayerSpec::Flatten, LayerSpec::dense(2)], 3, Some(1));
}

#[test]
fn batch_norm() {
    check(&[3], &[LayerSpec::batch_norm()], 6, None);
    check(&[3], &[LayerSpec::batch_norm()], 6, Some(4));
    check(&[5, 2], &[LayerSpec::batch_norm()], 4, None);
    check(&[5, 2], &[LayerSpec::batch_norm()], 4, Some(1));
    check(&[5, 2], &[LayerSpec::BatchNorm { momentum: 0.5, epsilon: 0.5 }], 1, None);
    // One upon another: each stops for the whole batch.
    check(&[3], &[LayerSpec::batch_norm(), LayerSpec::batch_norm(), LayerSpec::Relu], 6, Some(2));
}

#[test]
fn relu_dropout_and_flatten() {
    check(&[6, 3], &[LayerSpec::Relu], 3, None);
    check(&[6, 3], &[LayerSpec::dropout(0.4)], 3, Some(1));
    check(&[20], &[LayerSpec::dropout(0.4), LayerSpec::Relu, LayerSpec::dropout(0.2)], 3, None);
    check(&[20], &[LayerSpec::Relu, LayerSpec::dropout(0.3)], 3, None);
    check(&[6, 3], &[LayerSpec::Flatten, LayerSpec::Flatten, LayerSpec::Relu], 3, Some(2));
}

#[test]
fn max_pool1d() {
    for (length, size) in [(6, 1), (6, 2), (7, 3), (5, 5)] {
        check(&[length, 3], &[LayerSpec::max_pool1d(size)], 3, None);
    }
}

#[test]
fn layers_before_the_first_parameter() {
    let layers = [
        LayerSpec::Relu,
        LayerSpec::max_pool1d(2),
        LayerSpec::dropout(0.2),
        LayerSpec::conv1d(3, 2),
        LayerSpec::Flatten,
        LayerSpec::Relu,
        LayerSpec::dense(2),
    ];
    check(&[7, 2], &layers, 3, Some(2));
}

#[test]
fn model_a_in_small() {
    let layers = [
        LayerSpec::conv1d(4, 5),
        LayerSpec::batch_norm(),
        LayerSpec::Relu,
        LayerSpec::conv1d(3, 5),
        LayerSpec::Relu,
        LayerSpec::dropout(0.1),
        LayerSpec::max_pool1d(4),
        LayerSpec::conv1d(5, 5),
        LayerSpec::batch_norm(),
        LayerSpec::Relu,
        LayerSpec::dropout(0.2),
        LayerSpec::Flatten,
        LayerSpec::dense(3),
        LayerSpec::batch_norm(),
        LayerSpec::Relu,
        LayerSpec::dense(3),
    ];
    check(&[17, 1], &layers, 5, None);
    check(&[17, 1], &layers, 5, Some(2));
}
