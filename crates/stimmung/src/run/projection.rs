//! The recordings on a plane: principal components of what was learnt from.

use serde::{Deserialize, Serialize};

use crate::table::FeatureTable;

/// Iterations of the search for the two directions. It ends earlier where they no longer turn.
const MOST_ITERATIONS: usize = 300;
/// A share of the variance that no figure shows.
const TOLERANCE: f64 = 1e-9;
/// The first two principal components of the features of all recordings, each column brought to mean 0 and standard deviation 1
/// first (I. T. Jolliffe, Principal Component Analysis, 2nd edition, 2002, section 2.3). It is a picture to look at: nothing is learnt
/// from it, so it may see all recordings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Projection {
    /// The share of the variance that each component holds, from 0 to 1.
    pub explained: [f64; 2],
    /// For each recording of the manifest its place on the two components. Of recordings in pieces it is that of the pieces' mean.
    pub points: Vec<[f64; 2]>,
}

impl Projection {
    /// Of pictures, which have more columns than any set of functionals, the search would take longer than a picture of them is worth.
    pub const MOST_COLUMNS: usize = 8192;

    /// Of the recordings as they are, without changed copies; `None` for more than [`MOST_COLUMNS`](Self::MOST_COLUMNS).
    pub(crate) fn of(table: &FeatureTable) -> Option<Self> {
        let recordings = 0..table.recordings.len();
        let mean = |recording| mean(table, recording);
        (table.columns.len() <= Self::MOST_COLUMNS).then(|| Self::of_rows(recordings.map(mean).collect()))
    }

    fn of_rows(mut rows: Vec<Vec<f64>>) -> Self {
        let varying = standardise(&mut rows);
        let columns = rows.first().map_or(0, Vec::len);
        // Any two directions will do that are not chosen by the data; the same ones each time.
        let mut axes =
            [0.37_f64, 0.73].map(|turn| (0..columns).map(|c| ((c + 1) as f64 * turn).sin()).collect::<Vec<_>>());
        let mut variances = [0.0; 2];
        orthonormalise(&mut axes);
        for _ in 0..MOST_ITERATIONS {
            let before = variances;
            let points = project(&rows, &axes);
            variances = [0, 1].map(|axis| points.iter().map(|point| point[axis] * point[axis]).sum::<f64>());
            if (0..2).all(|axis| (variances[axis] - before[axis]).abs() <= TOLERANCE * variances[0]) {
                break;
            }
            axes = turned(&rows, &points, columns);
            orthonormalise(&mut axes);
        }
        if variances[0] < variances[1] {
            axes.swap(0, 1);
            variances.swap(0, 1);
        }
        for axis in &mut axes {
            settle_sign(axis);
        }
        let whole = (varying * rows.len()) as f64;
        let explained = variances.map(|variance| if whole > 0.0 { variance / whole } else { 0.0 });
        Self { explained, points: project(&rows, &axes) }
    }
}

/// The mean of the rows of a recording.
fn mean(table: &FeatureTable, recording: usize) -> Vec<f64> {
    let rows = table.rows(recording, 0);
    let count = rows.len() as f64;
    let mut mean = vec![0.0; table.columns.len()];
    for row in rows {
        for (sum, &value) in mean.iter_mut().zip(table.features.row(row)) {
            *sum += f64::from(value) / count;
        }
    }
    mean
}

/// Brings each column to mean 0 and standard deviation 1, constant ones to 0; returns how many are not constant.
fn standardise(rows: &mut [Vec<f64>]) -> usize {
    let (count, columns) = (rows.len() as f64, rows.first().map_or(0, Vec::len));
    let mut varying = 0;
    for column in 0..columns {
        let mean = rows.iter().map(|row| row[column]).sum::<f64>() / count;
        let variance = rows.iter().map(|row| (row[column] - mean).powi(2)).sum::<f64>() / count;
        // What rounding leaves of a constant is no variance.
        let is_varying = variance.sqrt() > 1e-9 * mean.abs().max(f64::MIN_POSITIVE);
        varying += usize::from(is_varying);
        let scale = if is_varying { 1.0 / variance.sqrt() } else { 0.0 };
        for row in &mut *rows {
            row[column] = (row[column] - mean) * scale;
        }
    }
    varying
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn project(rows: &[Vec<f64>], axes: &[Vec<f64>; 2]) -> Vec<[f64; 2]> {
    rows.iter().map(|row| axes.each_ref().map(|axis| dot(row, axis))).collect()
}

/// One step of orthogonal iteration (G. H. Golub & C. F. Van Loan, Matrix Computations, 4th edition, 2013, section 8.2.4).
fn turned(rows: &[Vec<f64>], points: &[[f64; 2]], columns: usize) -> [Vec<f64>; 2] {
    let mut axes = [vec![0.0; columns], vec![0.0; columns]];
    for (row, point) in rows.iter().zip(points) {
        for (axis, weight) in axes.iter_mut().zip(point) {
            for (sum, value) in axis.iter_mut().zip(row) {
                *sum += weight * value;
            }
        }
    }
    axes
}

/// Gram and Schmidt. A direction of no length stays one: there is no variance along it.
fn orthonormalise([first, second]: &mut [Vec<f64>; 2]) {
    let normalise = |axis: &mut Vec<f64>| {
        let length = dot(axis, axis).sqrt();
        if length > 0.0 {
            for value in axis {
                *value /= length;
            }
        }
    };
    normalise(first);
    // Once is not enough where the two are nearly parallel.
    for _ in 0..2 {
        let along = dot(first, second);
        second.iter_mut().zip(&*first).for_each(|(value, other)| *value -= along * other);
    }
    normalise(second);
}

/// Directions have no sign of their own: the largest weight is made positive.
fn settle_sign(axis: &mut [f64]) {
    let largest = axis.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(0.0);
    if largest < 0.0 {
        for value in axis {
            *value = -*value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlated_columns_are_one_component() {
        // Two columns that say the same, one that is at right angles to them, one that is constant.
        let rows: Vec<Vec<f64>> = (0..4)
            .map(|n| {
                let (a, b) = ([1.0, 1.0, -1.0, -1.0][n], [1.0, -1.0, 1.0, -1.0][n]);
                vec![a, 10.0 + 3.0 * a, b, 7.0]
            })
            .collect();
        let found = Projection::of_rows(rows);
        assert!(
            (found.explained[0] - 2.0 / 3.0).abs() < 1e-6 && (found.explained[1] - 1.0 / 3.0).abs() < 1e-6,
            "{found:?}"
        );
        for (point, sign) in found.points.iter().zip([1.0, 1.0, -1.0, -1.0]) {
            assert!(
                (point[0] - sign * 2.0_f64.sqrt()).abs() < 1e-3 && (point[1].abs() - 1.0).abs() < 1e-3,
                "{found:?}"
            );
        }
    }

    #[test]
    fn nothing_to_tell_apart_is_no_variance() {
        for rows in [vec![], vec![vec![]; 3], vec![vec![0.1, 0.2]; 5], vec![vec![1.0, 2.0]]] {
            let count = rows.len();
            let found = Projection::of_rows(rows);
            assert_eq!((found.explained, found.points), ([0.0; 2], vec![[0.0; 2]; count]));
        }
    }

    #[test]
    fn it_agrees_with_numpy() {
        // numpy 2.4.6: X = [[sin(r * (c + 1) + c) + c % 2 * cos(r) + c % 3 * sin(r / 3) for c in range(6)] for r in range(20)],
        // standardised; the squares of numpy.linalg.svd(X, compute_uv=False)[:2], divided by 120.
        let value = |r: u32, c: u32| {
            let [slow, fast] = [f64::from(r) / 3.0, f64::from(r)];
            f64::from(r * (c + 1) + c).sin() + f64::from(c % 2) * fast.cos() + f64::from(c % 3) * slow.sin()
        };
        let rows = (0..20).map(|r| (0..6).map(|c| value(r, c)).collect()).collect();
        let found = Projection::of_rows(rows);
        for (ours, theirs) in found.explained.iter().zip([0.467_471_631, 0.191_982_595]) {
            assert!((ours - theirs).abs() < 1e-5, "{ours} {theirs}");
        }
    }
}
