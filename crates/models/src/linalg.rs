//! The little dense linear algebra that covariances need.

use rayon::prelude::*;
use stimmung_nn::matmul::{View, multiply};

use crate::numeric::vectorised;

/// Rows or columns that one matrix product works on: enough that it runs at full speed, and few enough that there is work for several threads. As they are
/// always so many, no result depends on the number of threads.
pub(crate) const PANEL: usize = 128;

/// Cholesky's decomposition `A = L·Lᵀ` of the symmetric positive definite `A` (n × n, row-major). Only the lower triangle of `a` is
/// read; it is overwritten by `L`.
///
/// `None` if `A` is not positive definite as far as rounding can tell.
///
/// Panels of columns follow one another, each after it has lost what those before it explain (left-looking; Golub & Van Loan, *Matrix Computations*,
/// 4th ed., section 4.2.6), so that nearly all of the work is in matrix products.
pub(crate) fn cholesky(a: &mut [f64], n: usize) -> Option<()> {
    for start in (0..n).step_by(PANEL) {
        let end = n.min(start + PANEL);
        let (done, below) = a.split_at_mut(end * n);
        let own = &mut done[start * n..];
        decompose_own(own, n, start)?;
        let own = &*own;
        below.par_chunks_mut(PANEL * n).for_each(|rows| decompose_below(rows, own, n, start));
    }
    Some(())
}

/// The part of `L` on the diagonal: the columns from `start` of as many `rows` from `start`, of which the columns before are done.
fn decompose_own(rows: &mut [f64], n: usize, start: usize) -> Option<()> {
    // A pivot this much smaller than its diagonal entry has lost all its digits.
    const LOST: f64 = 1e-13;
    let width = rows.len() / n;
    let mut explained = vec![0.0; width * width];
    let before = View::new(rows, width, start, n);
    multiply(&mut explained, width, false, before, before.transposed());
    for (i, explained) in explained.chunks_exact(width).enumerate() {
        let (above, rest) = rows.split_at_mut(i * n);
        let row = &mut rest[start..=start + i];
        for j in 0..i {
            let other = &above[j * n + start..=j * n + start + j];
            row[j] = (row[j] - explained[j] - dot(&row[..j], &other[..j])) / other[j];
        }
        let pivot = row[i] - explained[i] - dot(&row[..i], &row[..i]);
        if pivot <= LOST * row[i].abs() || !pivot.is_finite() {
            return None;
        }
        row[i] = pivot.sqrt();
    }
    Some(())
}

/// The columns from `start` of some `rows` below `own`, the rows of `L` that [`decompose_own`] made.
fn decompose_below(rows: &mut [f64], own: &[f64], n: usize, start: usize) {
    let (height, width) = (rows.len() / n, own.len() / n);
    // Column by column, so that the innermost loops run over all rows at once.
    let mut columns = vec![0.0; width * height];
    let before = View::new(rows, height, start, n).transposed();
    multiply(&mut columns, height, false, View::new(own, width, start, n), before);
    for (i, row) in rows.chunks_exact(n).enumerate() {
        for (column, value) in columns.chunks_exact_mut(height).zip(&row[start..]) {
            column[i] = value - column[i];
        }
    }
    vectorised(
        #[inline(always)]
        || {
            for (k, factors) in own.chunks_exact(n).enumerate() {
                let (known, rest) = columns.split_at_mut(k * height);
                let column = &mut rest[..height];
                for (known, factor) in known.chunks_exact(height).zip(&factors[start..]) {
                    for (value, known) in column.iter_mut().zip(known) {
                        *value -= factor * known;
                    }
                }
                for value in column {
                    *value /= factors[start + k];
                }
            }
        },
    );
    for (i, row) in rows.chunks_exact_mut(n).enumerate() {
        for (column, value) in columns.chunks_exact(height).zip(&mut row[start..]) {
            *value = column[i];
        }
    }
}

/// Solves `A·X = B` for symmetric positive definite `A` and the `n`-vectors in `b`, in place; otherwise as [`cholesky`].
pub(crate) fn cholesky_solve(a: &mut [f64], n: usize, b: &mut [Vec<f64>]) -> Option<()> {
    cholesky(a, n)?;
    // All vectors at once: what takes the time is reading the matrix.
    for i in 0..n {
        let row = &a[i * n..=i * n + i];
        for v in &mut *b {
            v[i] = (v[i] - dot(&row[..i], &v[..i])) / row[i];
        }
    }
    for i in (0..n).rev() {
        let row = &a[i * n..=i * n + i];
        for v in &mut *b {
            v[i] /= row[i];
            let x = v[i];
            for (u, l) in v[..i].iter_mut().zip(row) {
                *u -= x * l;
            }
        }
    }
    Some(())
}

/// A blocked sum that the compiler can vectorise, in a fixed order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a4, a_rest) = a.as_chunks::<4>();
    let (b4, b_rest) = b.as_chunks::<4>();
    let mut lanes = [0.0; 4];
    for (x, y) in a4.iter().zip(b4) {
        for l in 0..4 {
            lanes[l] += x[l] * y[l];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]) + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Lcg;

    /// `M·Mᵀ + 0.1·I`, which is positive definite.
    fn positive_definite(n: usize, random: &mut Lcg) -> Vec<f64> {
        let m: Vec<f64> = (0..n * n).map(|_| random.centred()).collect();
        let entry = |i: usize, j: usize| {
            let product: f64 = (0..n).map(|k| m[i * n + k] * m[j * n + k]).sum();
            product + if i == j { 0.1 } else { 0.0 }
        };
        (0..n * n).map(|at| entry(at / n, at % n)).collect()
    }

    #[test]
    fn solutions_satisfy_their_equations() {
        for n in [1usize, 2, 5, 23, PANEL, PANEL + 1, 2 * PANEL + 37] {
            let mut random = Lcg::new(n as u64);
            let a = positive_definite(n, &mut random);
            let wanted: Vec<Vec<f64>> = (0..2).map(|_| (0..n).map(|_| random.centred()).collect()).collect();
            let product = |x: &Vec<f64>| (0..n).map(|i| (0..n).map(|j| a[i * n + j] * x[j]).sum()).collect();
            let mut solved: Vec<Vec<f64>> = wanted.iter().map(product).collect();
            cholesky_solve(&mut a.clone(), n, &mut solved).expect("positive definite");
            for (x, w) in solved.iter().flatten().zip(wanted.iter().flatten()) {
                assert!((x - w).abs() < 1e-9, "{n}: {x} {w}");
            }
        }
    }

    #[test]
    fn any_number_of_threads_gives_the_same_bits_and_leaves_the_upper_triangle() {
        let n = 3 * PANEL + 5;
        let a = positive_definite(n, &mut Lcg::new(4));
        let with = |threads: usize| {
            let mut a = a.clone();
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("pool");
            pool.install(|| cholesky(&mut a, n)).expect("positive definite");
            a
        };
        let alone = with(1);
        assert_eq!(alone, with(3));
        for i in 0..n {
            assert_eq!(alone[i * n + i + 1..(i + 1) * n], a[i * n + i + 1..(i + 1) * n]);
        }
    }

    #[test]
    fn a_matrix_is_refused_wherever_it_fails() {
        let n = 2 * PANEL + 9;
        let a = positive_definite(n, &mut Lcg::new(7));
        for at in [0, PANEL - 1, PANEL, 2 * PANEL + 8] {
            for broken in [-1.0, 0.0, f64::NAN] {
                let mut a = a.clone();
                a[at * (n + 1)] *= broken;
                assert!(cholesky(&mut a, n).is_none(), "{at}: {broken}");
            }
            // A row that repeats an earlier one leaves a pivot of nothing but rounding.
            let (from, mut a) = (at / 2, a.clone());
            for j in 0..n {
                let value = if j == at { a[from * (n + 1)] } else { a[from.max(j) * n + from.min(j)] };
                a[at.max(j) * n + at.min(j)] = value;
            }
            assert_eq!(cholesky(&mut a, n).is_none(), at != from, "{at}");
        }
    }

    #[test]
    fn singular_and_indefinite_matrices_are_refused() {
        assert!(cholesky_solve(&mut [1.0, 1.0, 1.0, 1.0], 2, &mut []).is_none());
        assert!(cholesky_solve(&mut [1.0, 2.0, 2.0, 1.0], 2, &mut []).is_none());
        assert!(cholesky_solve(&mut [0.0], 1, &mut []).is_none());
        assert!(cholesky_solve(&mut [f64::NAN], 1, &mut []).is_none());
    }
}
