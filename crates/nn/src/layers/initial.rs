//! Where parameters start.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use crate::random::symmetric;
use crate::simd::vectorised;

/// Where a tensor of parameters starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Initial {
    /// Glorot's uniform distribution.
    Glorot { fan_in: usize, fan_out: usize },
    /// A matrix with rows of this length, no more rows than that, orthogonal to each other and of length 1: any such
    /// matrix as likely as any other.
    Orthogonal { columns: usize },
    /// Every value alike.
    Constant(f32),
    /// The biases of the four gates of an LSTM: 1 for the forget gates, which are second, and 0 for the others.
    ForgetGates,
}

impl Initial {
    /// Sets a tensor's first values.
    pub(crate) fn fill(self, values: &mut [f32], rng: &mut ChaCha8Rng) {
        match self {
            Self::Constant(value) => values.fill(value),
            Self::Glorot { fan_in, fan_out } => {
                let limit = (6.0 / (fan_in + fan_out) as f64).sqrt() as f32;
                values.fill_with(|| limit * symmetric(rng));
            }
            Self::Orthogonal { columns } => orthogonal(values, columns, rng),
            Self::ForgetGates => {
                let units = values.len() / 4;
                values.fill(0.0);
                values[units..2 * units].fill(1.0);
            }
        }
    }
}

/// Gram and Schmidt's procedure, in its modified form, on rows of normal numbers: the rows of `Q` in the QR decomposition of
/// the transpose, with signs such that `R` has a positive diagonal, as in Keras.
fn orthogonal(values: &mut [f32], columns: usize, rng: &mut ChaCha8Rng) {
    for pair in values.chunks_mut(2) {
        let (a, b) = normal_pair(rng);
        pair[0] = a;
        if let Some(second) = pair.get_mut(1) {
            *second = b;
        }
    }
    for row in 0..values.len() / columns {
        let (done, rest) = values.split_at_mut(row * columns);
        let current = &mut rest[..columns];
        vectorised(
            #[inline(always)]
            || {
                for before in done.chunks_exact(columns) {
                    let share = dot(current, before);
                    for (x, y) in current.iter_mut().zip(before) {
                        *x -= share * y;
                    }
                }
                let scale = 1.0 / dot(current, current).sqrt();
                for x in current {
                    *x *= scale;
                }
            },
        );
    }
}

/// The inner product, by sixteen sums side by side.
#[allow(clippy::inline_always)] // As in `simd`.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 16];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

/// Two independent standard normal numbers (Box and Muller, 1958).
fn normal_pair(rng: &mut ChaCha8Rng) -> (f32, f32) {
    // Between 0 and 1, and neither of them.
    let mut uniform = || (f64::from(rng.next_u32()) + 0.5) / 4_294_967_296.0;
    let (radius, angle) = ((-2.0 * uniform().ln()).sqrt(), std::f64::consts::TAU * uniform());
    ((radius * angle.cos()) as f32, (radius * angle.sin()) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, generator};

    fn filled(initial: Initial, len: usize, seed: u64) -> Vec<f32> {
        let mut values = vec![f32::NAN; len];
        initial.fill(&mut values, &mut generator(seed, Purpose::Initial { layer: 0 }));
        values
    }

    #[test]
    fn orthogonal_rows_are_of_length_one_and_at_right_angles() {
        for (rows, columns) in [(1, 1), (1, 4), (3, 3), (5, 20), (64, 256)] {
            let values = filled(Initial::Orthogonal { columns }, rows * columns, 1);
            let row = |r: usize| &values[r * columns..(r + 1) * columns];
            for a in 0..rows {
                for b in 0..=a {
                    let product: f64 = row(a).iter().zip(row(b)).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
                    let expected = if a == b { 1.0 } else { 0.0 };
                    assert!((product - expected).abs() < 2e-6, "{rows} × {columns}, rows {a} and {b}: {product}");
                }
            }
        }
    }

    #[test]
    fn orthogonal_rows_look_in_all_directions() {
        // The first of four coordinates has mean 0 and, since the squares add up to 1, mean square 1/4.
        let firsts: Vec<f64> =
            (0..4_000).map(|seed| f64::from(filled(Initial::Orthogonal { columns: 4 }, 4, seed)[0])).collect();
        let mean = firsts.iter().sum::<f64>() / 4e3;
        let square = firsts.iter().map(|x| x * x).sum::<f64>() / 4e3;
        assert!(mean.abs() < 0.03 && (square - 0.25).abs() < 0.02, "{mean} {square}");
    }

    #[test]
    fn forget_gates_start_open() {
        assert_eq!(filled(Initial::ForgetGates, 8, 1), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_variance_one() {
        let mut rng = generator(3, Purpose::Initial { layer: 0 });
        let draws: Vec<f64> =
            (0..20_000).flat_map(|_| <[f32; 2]>::from(normal_pair(&mut rng))).map(f64::from).collect();
        let moment = |power: i32| draws.iter().map(|x| x.powi(power)).sum::<f64>() / draws.len() as f64;
        assert!(moment(1).abs() < 0.02 && (moment(2) - 1.0).abs() < 0.03 && (moment(4) - 3.0).abs() < 0.2);
    }
}
