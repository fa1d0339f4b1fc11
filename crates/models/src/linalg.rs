//! The little dense linear algebra that covariances need.

/// Cholesky's decomposition `A = L·Lᵀ` of the symmetric positive definite `A` (n × n, row-major). Only the lower triangle of `a` is
/// read; it is overwritten by `L`.
///
/// `None` if `A` is not positive definite as far as rounding can tell.
pub(crate) fn cholesky(a: &mut [f64], n: usize) -> Option<()> {
    // A pivot this much smaller than its diagonal entry has lost all its digits.
    const LOST: f64 = 1e-13;
    for i in 0..n {
        let (above, rest) = a.split_at_mut(i * n);
        let row = &mut rest[..=i];
        for j in 0..i {
            let other = &above[j * n..=j * n + j];
            row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
        }
        let pivot = row[i] - dot(&row[..i], &row[..i]);
        if pivot <= LOST * row[i].abs() || !pivot.is_finite() {
            return None;
        }
        row[i] = pivot.sqrt();
    }
    Some(())
}

/// Solves `A·X = B` for symmetric positive definite `A` and the `n`-vectors in `b`, in place; otherwise as [`cholesky`].
pub(crate) fn cholesky_solve(a: &mut [f64], n: usize, b: &mut [Vec<f64>]) -> Option<()> {
    cholesky(a, n)?;
    for v in b {
        for i in 0..n {
            let row = &a[i * n..=i * n + i];
            v[i] = (v[i] - dot(&row[..i], &v[..i])) / row[i];
        }
        for i in (0..n).rev() {
            v[i] /= a[i * n + i];
            let x = v[i];
            for (u, l) in v[..i].iter_mut().zip(&a[i * n..]) {
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

    #[test]
    fn solutions_satisfy_their_equations() {
        for n in [1usize, 2, 5, 23] {
            let mut random = Lcg::new(n as u64);
            let m: Vec<f64> = (0..n * n).map(|_| random.centred()).collect();
            // M·Mᵀ + 0.1·I is positive definite.
            let a: Vec<f64> = (0..n * n)
                .map(|at| {
                    let (i, j) = (at / n, at % n);
                    let product: f64 = (0..n).map(|k| m[i * n + k] * m[j * n + k]).sum();
                    product + if i == j { 0.1 } else { 0.0 }
                })
                .collect();
            let wanted: Vec<f64> = (0..n).map(|_| random.centred()).collect();
            let b: Vec<f64> = (0..n).map(|i| (0..n).map(|j| a[i * n + j] * wanted[j]).sum()).collect();
            let mut solved = [b];
            cholesky_solve(&mut a.clone(), n, &mut solved).expect("positive definite");
            for (x, w) in solved[0].iter().zip(&wanted) {
                assert!((x - w).abs() < 1e-9, "{n}: {x} {w}");
            }
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
