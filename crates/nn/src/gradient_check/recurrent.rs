//! The references of the recurrent layer and of attention pooling, and their checks.

use super::check;
use crate::LayerSpec;

/// An LSTM over rows of any width, sample by sample.
pub(super) fn lstm(batch: &mut [Vec<Vec<f64>>], tensors: &[&[f64]], units: usize, sequences: bool) {
    let bidirectional = tensors.len() == 6;
    for sample in batch {
        // Columns times bands of a picture are the channels of a sequence.
        let values = sample.concat();
        let rows: Vec<&[f64]> = values.chunks(tensors[0].len() / (4 * units)).collect();
        let mut outputs = direct(&rows, tensors[0], tensors[1], tensors[if bidirectional { 4 } else { 2 }], units);
        let mut last = outputs[outputs.len() - 1].clone();
        if bidirectional {
            let reversed: Vec<&[f64]> = rows.into_iter().rev().collect();
            let backward = direct(&reversed, tensors[2], tensors[3], tensors[5], units);
            last.extend(&backward[backward.len() - 1]);
            for (output, backward) in outputs.iter_mut().zip(backward.iter().rev()) {
                output.extend(backward);
            }
        }
        *sample = if sequences { outputs } else { vec![last] };
    }
}

fn direct(rows: &[&[f64]], kernel: &[f64], recurrent: &[f64], bias: &[f64], units: usize) -> Vec<Vec<f64>> {
    let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
    let (mut hidden, mut cells) = (vec![0.0; units], vec![0.0; units]);
    let step = |row: &&[f64]| {
        let sum = |gate: usize, unit: usize| {
            let column = gate * units + unit;
            let weighted = |values: &[f64], weights: &[f64]| -> f64 {
                values.iter().enumerate().map(|(index, x)| x * weights[index * 4 * units + column]).sum()
            };
            weighted(row, kernel) + weighted(&hidden, recurrent) + bias[column]
        };
        let next = (0..units).map(|unit| {
            let [input, forget, cell, output] = [0, 1, 2, 3].map(|gate| sum(gate, unit));
            cells[unit] = logistic(forget) * cells[unit] + logistic(input) * cell.tanh();
            logistic(output) * cells[unit].tanh()
        });
        hidden = next.collect();
        hidden.clone()
    };
    rows.iter().map(step).collect()
}

pub(super) fn attention_pool(batch: &mut [Vec<Vec<f64>>], vector: &[f64]) {
    for sample in batch {
        let values = sample.concat();
        let rows = || values.chunks(vector.len());
        let score = |row: &[f64]| row.iter().zip(vector).map(|(x, u)| x * u).sum::<f64>();
        let weights: Vec<f64> = rows().map(|row| score(row).exp()).collect();
        let total: f64 = weights.iter().sum();
        let mean = |c: usize| rows().zip(&weights).map(|(row, weight)| row[c] * weight / total).sum();
        *sample = vec![(0..vector.len()).map(mean).collect()];
    }
}

#[test]
fn lstm_over_small_sizes() {
    for bidirectional in [false, true] {
        for return_sequences in [false, true] {
            for (length, channels, units, n) in [(1, 1, 1, 1), (1, 3, 2, 3), (2, 1, 3, 1), (5, 3, 4, 3), (7, 2, 5, 5)] {
                let layer = LayerSpec::Lstm { units, bidirectional, return_sequences };
                let layers = [layer];
                check(&[length, channels], &layers, n, None);
                check(&[length, channels], &layers, n, Some(2));
            }
        }
    }
}

#[test]
fn lstm_with_kernels_in_blocks() {
    // 2 · (40 + 24) rows of 96 columns: the blocks of 128 rows begin and end inside a kernel, if there are two.
    for bidirectional in [false, true] {
        let layer = LayerSpec::Lstm { units: 24, bidirectional, return_sequences: false };
        check(&[2, if bidirectional { 45 } else { 110 }], &[layer], 2, Some(1));
    }
}

#[test]
fn lstm_upon_lstm_between_other_layers() {
    let sequences = |units, bidirectional| LayerSpec::Lstm { units, bidirectional, return_sequences: true };
    let layers = [
        LayerSpec::conv1d(4, 3),
        LayerSpec::batch_norm(),
        LayerSpec::Relu,
        LayerSpec::max_pool1d(2),
        sequences(3, true),
        LayerSpec::dropout(0.2),
        sequences(4, false),
        LayerSpec::conv1d(3, 2),
        LayerSpec::lstm(3),
        LayerSpec::batch_norm(),
        LayerSpec::dense(2),
    ];
    for shards in [None, Some(2)] {
        check(&[8, 2], &layers, 5, shards);
    }
}

#[test]
fn pictures_are_read_as_sequences() {
    check(&[3, 2, 2], &[LayerSpec::lstm(3)], 2, None);
    check(&[3, 2, 2], &[LayerSpec::AttentionPool], 2, None);
    let layers = [LayerSpec::conv2d(3, 3), LayerSpec::elu(), LayerSpec::max_pool2d(2), LayerSpec::lstm(3)];
    check(&[6, 4, 1], &layers, 3, Some(2));
}

#[test]
fn attention_pool_over_small_sizes() {
    for (length, channels, n) in [(1, 1, 1), (1, 3, 2), (2, 1, 3), (5, 4, 3), (17, 9, 4)] {
        check(&[length, channels], &[LayerSpec::AttentionPool], n, None);
        check(&[length, channels], &[LayerSpec::AttentionPool], n, Some(2));
    }
}

#[test]
fn attention_over_an_lstm() {
    let layers = [
        LayerSpec::Lstm { units: 3, bidirectional: true, return_sequences: true },
        LayerSpec::AttentionPool,
        LayerSpec::dense(3),
    ];
    check(&[6, 2], &layers, 5, Some(2));
}
