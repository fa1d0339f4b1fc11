//! Covariances of few recordings with many features.

use rayon::prelude::*;
use stimmung_nn::matmul::{View, multiply};

use crate::linalg::PANEL;

/// The lower triangle of zᵀz / n, of shape `(d, d)`; `z` holds rows of `d` centred values.
pub(crate) fn covariance(z: &[f64], d: usize) -> Vec<f64> {
    let n = (z.len() / d) as f64;
    let mut covariance = vec![0.0; d * d];
    add_scatter(&mut covariance, z, d);
    for (i, row) in covariance.chunks_exact_mut(d).enumerate() {
        row[..=i].iter_mut().for_each(|value| *value /= n);
    }
    covariance
}

/// Adds zᵀz to the lower triangle of `sums`, of shape `(d, d)`; `z` holds rows of `d` values. Beside the diagonal it may leave anything in the upper one.
pub(crate) fn add_scatter(sums: &mut [f64], z: &[f64], d: usize) {
    let n = z.len() / d;
    if n == 0 {
        return;
    }
    sums.par_chunks_mut(PANEL * d).enumerate().for_each(|(panel, sums)| {
        let (start, count) = (panel * PANEL, sums.len() / d);
        let own = View::new(&z[start..], n, count, d).transposed();
        multiply(sums, d, true, own, View::new(z, n, start + count, d));
    });
}

/// The products of all pairs of `rows`, each of `d` values: shape `(n, n)`, of which the lower triangle is filled in.
///
/// Where there are more features than rows it says as much as their covariance does, and is smaller.
pub(crate) fn gram(rows: &[f64], d: usize) -> Vec<f64> {
    let n = rows.len() / d;
    let mut products = vec![0.0; n * n];
    products.par_chunks_mut((PANEL * n).max(1)).enumerate().for_each(|(panel, products)| {
        let (start, count) = (panel * PANEL, products.len() / n);
        let own = View::new(&rows[start * d..], count, d, d);
        multiply(products, n, false, own, View::new(rows, start + count, d, d).transposed());
    });
    products
}

/// What the share of shrinkage depends on: sums over the entries of the covariance `S` of centred rows.
pub(crate) struct Spread {
    /// The sum of all squared entries of `S`.
    pub(crate) square: f64,
    /// The sum of its diagonal.
    pub(crate) trace: f64,
}

impl Spread {
    /// Of centred rows `z` of `d` values.
    pub(crate) fn of_rows(z: &[f64], d: usize) -> Self {
        let n = z.len() / d;
        if n < d { Self::of_gram(&gram(z, d), n) } else { Self::of_covariance(&covariance(z, d), d) }
    }

    /// From the lower triangle of `S`, of shape `(d, d)`.
    pub(crate) fn of_covariance(covariance: &[f64], d: usize) -> Self {
        let square = square_of_symmetric(covariance, d);
        Self { square, trace: (0..d).map(|i| covariance[i * (d + 1)]).sum() }
    }

    /// From the lower triangle of the [`gram`] of the `n` rows: it has the eigenvalues of `n · S`.
    fn of_gram(gram: &[f64], n: usize) -> Self {
        let count = n as f64;
        let square = square_of_symmetric(gram, n) / (count * count);
        Self { square, trace: (0..n).map(|i| gram[i * (n + 1)]).sum::<f64>() / count }
    }
}

fn square_of_symmetric(lower: &[f64], n: usize) -> f64 {
    let of_row = |i: usize| {
        let row = &lower[i * n..=i * n + i];
        2.0 * row[..i].iter().map(|c| c * c).sum::<f64>() + row[i] * row[i]
    };
    (0..n).map(of_row).sum()
}

/// The share of shrinkage that minimises the expected squared error of the covariance (Ledoit & Wolf 2004, section 3): the
/// variance of the sample covariance over its distance from `(trace / d) · I`. `z` holds the centred rows of `d` values.
pub(crate) fn ledoit_wolf(z: &[f64], spread: &Spread, d: usize) -> f64 {
    if d == 1 {
        return 0.0;
    }
    let n = (z.len() / d) as f64;
    let Spread { square, trace } = *spread;
    let fourth: f64 = z.chunks_exact(d).map(|row| row.iter().map(|v| v * v).sum::<f64>().powi(2)).sum();
    let dims = d as f64;
    let mu = trace / dims;
    let variance = (fourth / n - square) / (dims * n);
    let distance = (square - 2.0 * mu * trace + dims * mu * mu) / dims;
    // A covariance that is a multiple of I already stays as it is.
    let variance = variance.min(distance);
    if variance <= 0.0 { 0.0 } else { variance / distance }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Lcg;

    #[test]
    fn pairs_and_columns_tell_the_same_spread() {
        for (n, d) in [(1usize, 3usize), (3, 1), (6, 9), (9, 23), (13, 4), (PANEL + 7, 5), (6, PANEL + 3)] {
            let mut random = Lcg::new((n * d) as u64);
            let rows: Vec<f64> = (0..n * d).map(|_| random.centred()).collect();
            let products = gram(&rows, d);
            for i in 0..n {
                for j in 0..=i {
                    let plain: f64 = (0..d).map(|k| rows[i * d + k] * rows[j * d + k]).sum();
                    assert!((products[i * n + j] - plain).abs() < 1e-12, "{n} {d}: {i} {j}");
                }
            }
            let (pairs, columns) = (Spread::of_gram(&products, n), Spread::of_covariance(&covariance(&rows, d), d));
            assert!((pairs.square - columns.square).abs() < 1e-12 && (pairs.trace - columns.trace).abs() < 1e-12);
        }
    }

    #[test]
    fn a_round_cloud_is_not_shrunk() {
        // Its covariance is I / 4 to the bit, so that there is nothing to shrink towards.
        let square = [-0.5, -0.5, -0.5, 0.5, 0.5, -0.5, 0.5, 0.5];
        let share = ledoit_wolf(&square, &Spread::of_covariance(&covariance(&square, 2), 2), 2);
        assert_eq!(share, 0.0);
    }

    #[test]
    fn any_number_of_threads_gives_the_same_bits() {
        let (n, d) = (PANEL + 30, 2 * PANEL + 17);
        let mut random = Lcg::new(2);
        let rows: Vec<f64> = (0..n * d).map(|_| random.centred()).collect();
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("pool");
            pool.install(|| (gram(&rows, d), covariance(&rows, d)))
        };
        assert_eq!(with(1), with(3));
    }
}
