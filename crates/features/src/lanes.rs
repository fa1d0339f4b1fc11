//! Arithmetic on sixteen frames at a time.
//!
//! The inner loops of this crate work on blocks in which one value of sixteen neighbouring frames lies side by side.
//! The compiler turns loops over a [`Lane`] into vector instructions; [`vectorized`] compiles them for AVX-512, AVX2 and
//! the baseline, and picks at run time. The order of every sum is fixed by the source, so all give the same bits.

/// Frames in a block: one AVX-512 register, two of AVX2, four of SSE or NEON.
pub(crate) const LANES: usize = 16;

/// One value of [`LANES`] neighbouring frames.
pub(crate) type Lane = [f32; LANES];

/// Runs `work` compiled for the best instruction set of this machine.
///
/// Only code that is inlined into it is: the closure, and every function it calls in its loops, must be
/// `#[inline(always)]`. The bound must be `FnOnce` itself, which makes the closure one that can be called once; any other
/// is called through a shim of the baseline instruction set, four times slower.
#[inline]
pub(crate) fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// Adds `weight · cell` to `sum`.
#[inline(always)]
fn add_scaled(sum: &mut Lane, weight: f32, cell: &Lane) {
    for lane in 0..LANES {
        sum[lane] += weight * cell[lane];
    }
}

/// Σ weight · cell, in four interleaved sums, because one alone would wait for its own last addition.
#[inline(always)]
pub(crate) fn lane_weighted_sum(weights: &[f32], cells: &[Lane]) -> Lane {
    let count = weights.len().min(cells.len());
    let (fours, rest) = weights[..count].as_chunks::<4>();
    let (cell_fours, cell_rest) = cells[..count].as_chunks::<4>();
    let (mut a, mut b, mut c, mut d) = ([0.0; LANES], [0.0; LANES], [0.0; LANES], [0.0; LANES]);
    for (weight, cell) in fours.iter().zip(cell_fours) {
        add_scaled(&mut a, weight[0], &cell[0]);
        add_scaled(&mut b, weight[1], &cell[1]);
        add_scaled(&mut c, weight[2], &cell[2]);
        add_scaled(&mut d, weight[3], &cell[3]);
    }
    for (weight, cell) in rest.iter().zip(cell_rest) {
        add_scaled(&mut a, *weight, cell);
    }
    std::array::from_fn(|lane| (a[lane] + b[lane]) + (c[lane] + d[lane]))
}

/// Σ a · b over the shorter of two slices, in eight interleaved sums.
#[inline(always)]
pub(crate) fn wide_dot(a: &[f64], b: &[f64]) -> f64 {
    let count = a.len().min(b.len());
    let (a_eights, a_rest) = a[..count].as_chunks::<8>();
    let (b_eights, b_rest) = b[..count].as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a_eights.iter().zip(b_eights) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sum_of_eight(&sums) + rest
}

/// Σ a, in eight interleaved sums.
pub(crate) fn wide_sum(a: &[f64]) -> f64 {
    wide_sum_of(a, |a| a)
}

/// Σ a², in eight interleaved sums.
pub(crate) fn wide_squares(a: &[f32]) -> f64 {
    wide_sum_of(a, |a| f64::from(a) * f64::from(a))
}

fn wide_sum_of<T: Copy>(values: &[T], of: impl Fn(T) -> f64) -> f64 {
    vectorized(
        #[inline(always)]
        || {
            let (eights, rest) = values.as_chunks::<8>();
            let mut sums = [0.0; 8];
            for eight in eights {
                for lane in 0..8 {
                    sums[lane] += of(eight[lane]);
                }
            }
            sum_of_eight(&sums) + rest.iter().map(|value| of(*value)).sum::<f64>()
        },
    )
}

/// Σ of several things said of every value and its index, each in eight interleaved sums.
///
/// What is `of` a value is compiled for the vectors only where it is an `#[inline(always)]` closure.
pub(crate) fn wide_sums<const N: usize>(values: &[f32], of: impl Fn(f64, f64) -> [f64; N]) -> [f64; N] {
    vectorized(
        #[inline(always)]
        || {
            let (eights, rest) = values.as_chunks::<8>();
            let mut sums = [[0.0; 8]; N];
            let mut index: [f64; 8] = std::array::from_fn(|lane| lane as f64);
            for eight in eights {
                for lane in 0..8 {
                    let found = of(index[lane], f64::from(eight[lane]));
                    for place in 0..N {
                        sums[place][lane] += found[place];
                    }
                    index[lane] += 8.0;
                }
            }
            let mut totals = sums.map(|sums| sum_of_eight(&sums));
            for (index, value) in index.into_iter().zip(rest) {
                let found = of(index, f64::from(*value));
                for place in 0..N {
                    totals[place] += found[place];
                }
            }
            totals
        },
    )
}

#[inline(always)]
pub(crate) fn sum_of_eight(sums: &[f64; 8]) -> f64 {
    let [s, t, u, v]: [f64; 4] = std::array::from_fn(|lane| sums[lane] + sums[lane + 4]);
    (s + t) + (u + v)
}

/// Element-wise smaller value; unlike `f32::min` a single instruction, for there is no NaN here.
#[inline(always)]
pub(crate) fn smaller(a: &Lane, b: &Lane) -> Lane {
    std::array::from_fn(|lane| if a[lane] < b[lane] { a[lane] } else { b[lane] })
}

/// Element-wise larger value; unlike `f32::max` a single instruction, for there is no NaN here.
#[inline(always)]
pub(crate) fn larger(a: &Lane, b: &Lane) -> Lane {
    std::array::from_fn(|lane| if a[lane] > b[lane] { a[lane] } else { b[lane] })
}

/// Turns sixteen rows of sixteen values into columns: four rounds of interleaving the upper half with the lower.
#[inline(always)]
pub(crate) fn turned(mut rows: [Lane; LANES]) -> [Lane; LANES] {
    const HALF: usize = LANES / 2;
    for _ in 0..LANES.trailing_zeros() {
        let mut next = [[0.0; LANES]; LANES];
        for row in 0..HALF {
            let (a, b) = (rows[row], rows[row + HALF]);
            for value in 0..HALF {
                next[2 * row][2 * value] = a[value];
                next[2 * row][2 * value + 1] = b[value];
                next[2 * row + 1][2 * value] = a[value + HALF];
                next[2 * row + 1][2 * value + 1] = b[value + HALF];
            }
        }
        rows = next;
    }
    rows
}

/// Sum over the lanes, by halving.
#[inline(always)]
pub(crate) fn lane_sum(a: &Lane) -> f32 {
    let mut sums = *a;
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

/// `10 log10(x)` for positive normal numbers, within 8e-6 dB of the exact value for |dB| ≤ 100.
///
/// Splits x = m · 2^e with m in [√½, √2) and sums the series of the inverse hyperbolic tangent,
/// ln m = 2 (s + s³/3 + s⁵/5 + …) with s = (m − 1)/(m + 1), of which |s| ≤ 0.172 leaves 7e-10 after five terms.
#[inline(always)]
pub(crate) fn decibel(x: f32) -> f32 {
    const ROOT_HALF: u32 = 0x3f35_04f3;
    const OCTAVE: f32 = 3.010_3;
    const NEPER: f32 = 8.685_89;
    let bits = x.to_bits();
    let exponent = (bits.wrapping_sub(ROOT_HALF) as i32) >> 23;
    let mantissa = f32::from_bits(bits.wrapping_sub((exponent as u32) << 23));
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let q = s * s;
    let series = s * (1.0 + q * (1.0 / 3.0 + q * (0.2 + q * (1.0 / 7.0 + q * (1.0 / 9.0)))));
    exponent as f32 * OCTAVE + series * NEPER
}

/// `log2(x)` for positive normal numbers, within 1e-12 of the exact value.
///
/// As [`decibel`] does, in double precision and with eight terms.
#[inline(always)]
pub(crate) fn log2(x: f64) -> f64 {
    const ROOT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    const OCTAVES: f64 = 2.0 / std::f64::consts::LN_2;
    let bits = x.to_bits();
    let exponent = (bits.wrapping_sub(ROOT_HALF) as i64) >> 52;
    let mantissa = f64::from_bits(bits.wrapping_sub((exponent as u64) << 52));
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let q = s * s;
    let mut series = 1.0 / 15.0;
    for odd in [13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        series = series * q + 1.0 / odd;
    }
    exponent as f64 + OCTAVES * s * series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decibels_are_within_rounding() {
        let mut x = 1e-10_f32;
        while x < 1e10 {
            let exact = 10.0 * f64::from(x).log10();
            assert!((f64::from(decibel(x)) - exact).abs() < 8e-6, "{x}: {} {exact}", decibel(x));
            x *= 1.000_37;
        }
        assert_eq!(decibel(1.0), 0.0);
    }

    #[test]
    fn octaves_are_within_rounding() {
        let mut x = 1e-300_f64;
        while x < 1e300 {
            assert!((log2(x) - x.log2()).abs() < 1e-12, "{x}: {} {}", log2(x), x.log2());
            x *= 1.003_7;
        }
        assert_eq!((log2(1.0), log2(0.125)), (0.0, -3.0));
    }

    #[test]
    fn turning_exchanges_rows_and_columns() {
        let rows: [Lane; LANES] = std::array::from_fn(|row| std::array::from_fn(|column| (100 * row + column) as f32));
        let columns = turned(rows);
        assert!((0..LANES).all(|row| (0..LANES).all(|column| columns[column][row] == rows[row][column])));
    }

    #[test]
    fn sums_and_orders() {
        let a: Lane = std::array::from_fn(|lane| lane as f32);
        let b: Lane = std::array::from_fn(|lane| 15.0 - lane as f32);
        assert_eq!(lane_sum(&a), 120.0);
        assert_eq!(smaller(&a, &b)[0], 0.0);
        assert_eq!(larger(&a, &b)[0], 15.0);
        let sum = lane_weighted_sum(&[1.0, 2.0, 3.0, 4.0, 5.0], &[a, b, a, b, a, b]);
        assert_eq!((sum[0], sum[15]), (90.0, 135.0));
        let ramp: Vec<f64> = (0..21_u8).map(f64::from).collect();
        assert_eq!((wide_sum(&ramp), wide_dot(&ramp, &ramp[1..])), (210.0, 2660.0));
        assert_eq!(wide_squares(&a[..12]), 506.0);
        assert_eq!(wide_sums(&a[..11], |index, value| [value, index * value, 1.0]), [55.0, 385.0, 11.0]);
    }
}
