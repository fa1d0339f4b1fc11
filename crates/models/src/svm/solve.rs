//! The sub-problems of a support vector machine: one class against another.

use libsvm_rs::cache::Cache;
use libsvm_rs::qmatrix::QMatrix;
use libsvm_rs::solver::{Solver, SolverVariant};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::SvmParams;
use crate::Matrix;
use crate::numeric::{dot_rows, square_distance, vectorised};
use crate::random::below;

/// The kernel matrix of so many rows is computed once and kept (128 MiB); of more rows, entries are computed when needed.
const KEPT_ROWS: usize = 4096;
/// Bytes that one sub-problem may use to keep rows of its matrix.
const CACHE_BYTES: usize = 128 << 20;

/// Kernel values between training rows.
pub(super) struct Gram<'a> {
    x: &'a Matrix,
    gamma: Option<f64>,
    kept: Option<Vec<f64>>,
}

impl<'a> Gram<'a> {
    pub(super) fn new(x: &'a Matrix, gamma: Option<f64>) -> Self {
        let mut gram = Self { x, gamma, kept: None };
        let n = x.rows();
        if n <= KEPT_ROWS {
            // The lower triangle is computed and mirrored.
            let lower: Vec<Vec<f64>> = (0..n)
                .into_par_iter()
                .map(|i| {
                    vectorised(
                        #[inline(always)]
                        || (0..=i).map(|j| gram.compute(i, j)).collect(),
                    )
                })
                .collect();
            let mut kept = vec![0.0; n * n];
            for (i, row) in lower.iter().enumerate() {
                for (j, &k) in row.iter().enumerate() {
                    kept[i * n + j] = k;
                    kept[j * n + i] = k;
                }
            }
            gram.kept = Some(kept);
        }
        gram
    }

    #[inline(always)]
    fn compute(&self, i: usize, j: usize) -> f64 {
        kernel(self.gamma, self.x.row(i), self.x.row(j))
    }

    fn at(&self, i: usize, j: usize) -> f64 {
        match &self.kept {
            Some(kept) => kept[i * self.x.rows() + j],
            None => self.compute(i, j),
        }
    }
}

#[inline(always)]
pub(super) fn kernel(gamma: Option<f64>, a: &[f32], b: &[f32]) -> f64 {
    match gamma {
        None => dot_rows(a, b),
        Some(gamma) => (-gamma * square_distance(a, b)).exp(),
    }
}

/// The matrix `yᵢ·yⱼ·K(i, j)` of one sub-problem, whose rows the solver reorders as it shrinks.
struct PairMatrix<'a> {
    gram: &'a Gram<'a>,
    rows: Vec<usize>,
    signs: Vec<f64>,
    diagonal: Vec<f64>,
    cache: Cache,
}

impl QMatrix for PairMatrix<'_> {
    fn get_q(&mut self, i: usize, len: usize) -> &[f32] {
        let (data, start) = self.cache.get_data(i, len);
        let data = &mut data[..len];
        let others = self.signs.iter().zip(&self.rows);
        for (value, (sign, &row)) in data.iter_mut().zip(others).skip(start) {
            *value = (self.signs[i] * sign * self.gram.at(self.rows[i], row)) as f32;
        }
        data
    }

    fn get_qd(&self) -> &[f64] {
        &self.diagonal
    }

    fn swap_index(&mut self, i: usize, j: usize) {
        self.cache.swap_index(i, j);
        self.rows.swap(i, j);
        self.signs.swap(i, j);
        self.diagonal.swap(i, j);
    }
}

/// One class against another: training rows, and +1 or −1 for each.
#[derive(Clone, Default)]
pub(super) struct Problem {
    pub(super) rows: Vec<usize>,
    pub(super) signs: Vec<i8>,
}

/// The solution of one [`Problem`]: a signed multiplier per row, and the bias.
pub(super) struct Solution {
    pub(super) coefficients: Vec<f64>,
    pub(super) rho: f64,
}

impl Problem {
    pub(super) fn push(&mut self, row: usize, sign: i8) {
        self.rows.push(row);
        self.signs.push(sign);
    }

    /// Solves the dual with the box `[0, costs.0]` for +1 and `[0, costs.1]` for −1.
    pub(super) fn solve(&self, gram: &Gram<'_>, costs: (f64, f64), tolerance: f64) -> Solution {
        let n = self.rows.len();
        let matrix = PairMatrix {
            gram,
            rows: self.rows.clone(),
            signs: self.signs.iter().map(|&s| f64::from(s)).collect(),
            diagonal: self.rows.iter().map(|&row| gram.at(row, row)).collect(),
            cache: Cache::new(n, CACHE_BYTES),
        };
        let mut alpha = vec![0.0; n];
        let solved = Solver::solve(
            SolverVariant::Standard,
            n,
            Box::new(matrix),
            &vec![-1.0; n],
            &self.signs,
            &mut alpha,
            costs.0,
            costs.1,
            tolerance,
            true,
        );
        let coefficients = alpha.iter().zip(&self.signs).map(|(a, &s)| a * f64::from(s)).collect();
        Solution { coefficients, rho: solved.rho }
    }

    /// Decision values of all rows, each from a machine that has not seen it. A fold whose remainder shows one class only
    /// votes for it with ±1, as LIBSVM does.
    pub(super) fn held_out(
        &self,
        gram: &Gram<'_>,
        costs: (f64, f64),
        params: &SvmParams,
        random: &mut ChaCha8Rng,
    ) -> Vec<f64> {
        let fold = folds(&self.signs, params.probability_folds, random);
        let mut values = vec![0.0; self.rows.len()];
        for held in 0..params.probability_folds {
            let mut rest = Self::default();
            for (at, &row) in self.rows.iter().enumerate() {
                if fold[at] != held {
                    rest.push(row, self.signs[at]);
                }
            }
            let ups = rest.signs.iter().filter(|&&s| s > 0).count();
            let one_sided = if ups == 0 {
                Some(-1.0)
            } else if ups == rest.signs.len() {
                Some(1.0)
            } else {
                None
            };
            let solution = match one_sided {
                Some(_) => Solution { coefficients: Vec::new(), rho: 0.0 },
                None => rest.solve(gram, costs, params.tolerance),
            };
            for (at, value) in values.iter_mut().enumerate().filter(|(at, _)| fold[*at] == held) {
                *value = one_sided.unwrap_or_else(|| {
                    let terms = solution.coefficients.iter().zip(&rest.rows);
                    let sum: f64 =
                        terms.filter(|(c, _)| **c != 0.0).map(|(c, &row)| c * gram.at(row, self.rows[at])).sum();
                    sum - solution.rho
                });
            }
        }
        values
    }
}

/// Deals the shuffled rows of either sign out to the folds in turn, so that each fold holds its share of both.
fn folds(signs: &[i8], folds: usize, random: &mut ChaCha8Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..signs.len()).collect();
    for i in (1..order.len()).rev() {
        // The high half of the product is uniform up to a bias of n / 2⁶⁴.
        let j = below(random, i + 1);
        order.swap(i, j);
    }
    // A stable sort by sign keeps the shuffled order within either sign.
    order.sort_by_key(|&at| signs[at]);
    let mut fold = vec![0; signs.len()];
    for (turn, at) in order.into_iter().enumerate() {
        fold[at] = turn % folds;
    }
    fold
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::testing::blob_matrix;

    #[test]
    fn kernel_values_computed_when_needed_equal_the_kept_ones() {
        let (x, _) = blob_matrix(20, 5, 2, 0.9, 5);
        for gamma in [None, Some(0.3)] {
            let kept = Gram::new(&x, gamma);
            let lazy = Gram { x: &x, gamma, kept: None };
            for i in 0..20 {
                for j in 0..20 {
                    assert_eq!(kept.at(i, j), lazy.at(i, j));
                }
            }
        }
    }

    #[test]
    fn folds_share_out_both_signs() {
        let signs: Vec<i8> = (0..23).map(|i| if i % 3 == 0 { 1 } else { -1 }).collect();
        let fold = folds(&signs, 5, &mut ChaCha8Rng::seed_from_u64(3));
        for f in 0..5 {
            let count = |sign: i8| (0..23).filter(|&at| fold[at] == f && signs[at] == sign).count();
            assert!(
                (1..=2).contains(&count(1)) && (3..=3).contains(&count(-1)),
                "fold {f}: {} {}",
                count(1),
                count(-1)
            );
        }
    }
}
