//! The element-wise loops, compiled for the widest vectors there are.
//!
//! Binaries are built for the least processor of their family. [`vectorised`] compiles a loop for newer ones as well and
//! chooses at run time. None of these loops fuses a multiplication with an addition, so they round alike on every
//! processor.
#![allow(clippy::inline_always)] // A loop is only compiled for wide vectors if it is inlined into `dispatch`.

use pulp::Arch;

/// Runs a loop with the widest vectors this processor has.
#[inline(always)]
pub(crate) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    Arch::new().dispatch(work)
}

/// Sets every row of `data` to `row`.
pub(crate) fn fill_rows(data: &mut [f32], row: &[f32]) {
    for target in data.chunks_exact_mut(row.len()) {
        target.copy_from_slice(row);
    }
}

/// `sums[c] += Σ_r data[r, c]`.
pub(crate) fn add_column_sums(sums: &mut [f32], data: &[f32]) {
    let width = sums.len();
    vectorised(
        #[inline(always)]
        || {
            // Four rows at once save three of four passes over the sums.
            let mut blocks = data.chunks_exact(4 * width);
            for block in &mut blocks {
                let (a, rest) = block.split_at(width);
                let (b, rest) = rest.split_at(width);
                let (c, d) = rest.split_at(width);
                for ((((sum, a), b), c), d) in sums.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                    *sum += (a + b) + (c + d);
                }
            }
            for row in blocks.remainder().chunks_exact(width) {
                for (sum, x) in sums.iter_mut().zip(row) {
                    *sum += x;
                }
            }
        },
    );
}

/// `sums[c] += Σ_r (data[r, c] - centre[c])²`.
pub(crate) fn add_column_squares(sums: &mut [f32], data: &[f32], centre: &[f32]) {
    let width = sums.len();
    vectorised(
        #[inline(always)]
        || {
            let mut blocks = data.chunks_exact(2 * width);
            for block in &mut blocks {
                let (a, b) = block.split_at(width);
                for (((sum, a), b), centre) in sums.iter_mut().zip(a).zip(b).zip(centre) {
                    let (a, b) = (a - centre, b - centre);
                    *sum += a * a + b * b;
                }
            }
            for row in blocks.remainder().chunks_exact(width) {
                for ((sum, x), centre) in sums.iter_mut().zip(row).zip(centre) {
                    let x = x - centre;
                    *sum += x * x;
                }
            }
        },
    );
}

/// `plain[c] += Σ_r gradient[r, c]` and `weighted[c] += Σ_r gradient[r, c] · (data[r, c] - centre[c])`.
pub(crate) fn add_gradient_sums(
    plain: &mut [f32],
    weighted: &mut [f32],
    gradient: &[f32],
    data: &[f32],
    centre: &[f32],
) {
    let width = plain.len();
    vectorised(
        #[inline(always)]
        || {
            for (gradient, data) in gradient.chunks_exact(width).zip(data.chunks_exact(width)) {
                for ((((plain, weighted), g), x), centre) in
                    plain.iter_mut().zip(weighted.iter_mut()).zip(gradient).zip(data).zip(centre)
                {
                    *plain += g;
                    *weighted += g * (x - centre);
                }
            }
        },
    );
}

/// `sum[i] += values[i]`.
pub(crate) fn add(sum: &mut [f32], values: &[f32]) {
    vectorised(
        #[inline(always)]
        || {
            for (sum, value) in sum.iter_mut().zip(values) {
                *sum += value;
            }
        },
    );
}

/// `2ⁿ` and `exp(r) - 1`, for the nearest `n` with `x = n·ln 2 + r`, so that `|r|` is up to `ln 2 / 2`; for `x` between -87 and
/// 87. Then `exp(x)` is `2ⁿ·(exp(r) - 1) + 2ⁿ`. Taylor's series gives the second.
#[inline(always)]
pub(crate) fn exponential(x: f32) -> (f32, f32) {
    // Adding it leaves the nearest whole number in the last bits of the sum.
    const SHIFT: f32 = 12_582_912.0;
    // The first has few enough bits that its product with `n` is exact.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let shifted = x * std::f32::consts::LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    let r = (x - n * LN_2[0]) - n * LN_2[1];
    let mut series = 1.0 / 5040.0;
    for factor in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5] {
        series = series * r + factor;
    }
    (f32::from_bits((shifted.to_bits() << 23).wrapping_add(1f32.to_bits())), series * (r * r) + r)
}

/// `exp(x) - 1` for `x` up to 0, to about one part in ten million; of a larger `x`, some number.
#[inline(always)]
pub(crate) fn exp_m1_below_zero(x: f32) -> f32 {
    // Below, the answer is -1.
    let x = if x < -20.0 { -20.0 } else { x };
    let (power, bracket) = exponential(x);
    power * bracket + (power - 1.0)
}

/// `to` (`columns` × `rows`) becomes the transpose of `from` (`rows` × `columns`).
pub(crate) fn transpose(to: &mut [f32], from: &[f32], rows: usize, columns: usize) {
    // Small squares keep both sides in the cache.
    const SIDE: usize = 16;
    for row in (0..rows).step_by(SIDE) {
        for column in (0..columns).step_by(SIDE) {
            for c in column..(column + SIDE).min(columns) {
                for r in row..(row + SIDE).min(rows) {
                    to[c * rows + r] = from[r * columns + c];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_over_any_number_of_rows() {
        for rows in 0..10 {
            let data: Vec<f32> = (0..rows * 3).map(|i| i as f32).collect();
            let column = |c: usize| (0..rows).map(move |r| (r * 3 + c) as f32);
            let mut sums = [1.0; 3];
            add_column_sums(&mut sums, &data);
            let mut squares = [0.0; 3];
            add_column_squares(&mut squares, &data, &[1.0, 2.0, 3.0]);
            let (mut plain, mut weighted) = ([0.0; 3], [0.0; 3]);
            add_gradient_sums(&mut plain, &mut weighted, &data, &data, &[1.0; 3]);
            for c in 0..3 {
                assert_eq!(sums[c], 1.0 + column(c).sum::<f32>());
                assert_eq!(squares[c], column(c).map(|x| (x - 1.0 - c as f32).powi(2)).sum::<f32>());
                assert_eq!(plain[c], column(c).sum::<f32>());
                assert_eq!(weighted[c], column(c).map(|x| x * (x - 1.0)).sum::<f32>());
            }
        }
    }

    #[test]
    fn the_exponential_is_exact_enough() {
        for index in 0..=100_000 {
            // Down to -30, evenly, and close to 0.
            for x in [-30.0 * index as f32 / 1e5, -1e-6 * index as f32, -1e-30 * index as f32] {
                let expected = f64::from(x).exp_m1();
                let error = (f64::from(exp_m1_below_zero(x)) - expected).abs();
                assert!(error <= 1.5e-7 * expected.abs(), "{x}: {error}");
            }
        }
        assert!(exp_m1_below_zero(f32::NAN).is_nan());
        assert_eq!(exp_m1_below_zero(f32::NEG_INFINITY), -1.0);
    }

    #[test]
    fn transposes_beyond_one_square() {
        let (rows, columns) = (35, 18);
        let from: Vec<f32> = (0..rows * columns).map(|i| i as f32).collect();
        let mut to = vec![0.0; rows * columns];
        transpose(&mut to, &from, rows, columns);
        for r in 0..rows {
            for c in 0..columns {
                assert_eq!(to[c * rows + r], from[r * columns + c]);
            }
        }
    }
}
