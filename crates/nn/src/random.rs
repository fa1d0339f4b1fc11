//! Where randomness comes from: one seed, and a key for every use of it.
//!
//! Every draw has its own `ChaCha8` key, made of the seed and of what it is for. Nothing depends on how many numbers were
//! drawn before, so shards can draw at the same time and a training can be taken up in the middle.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What random numbers are for; a part of the key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// The first weights of the layer with this number.
    Initial {
        /// Which layer.
        layer: usize,
    },
    /// The order of the samples in this epoch.
    Shuffle {
        /// Which epoch, from 0.
        epoch: usize,
    },
    /// What to drop in this step.
    Dropout {
        /// Which step, from 0.
        step: u64,
        /// Which layer.
        layer: usize,
        /// Which shard of the batch.
        shard: usize,
    },
    /// Which samples of this step are mixed with one another.
    MixupPairs {
        /// Which step, from 0.
        step: u64,
    },
    /// In what shares a sample of this step is mixed with its partner.
    MixupShare {
        /// Which step, from 0.
        step: u64,
        /// Which sample of the batch.
        sample: usize,
    },
    /// What to mask of a sample in this epoch.
    SpecAugment {
        /// Which epoch, from 0.
        epoch: usize,
        /// Which sample of the training data.
        sample: usize,
    },
}

/// The generator for one purpose under one seed.
pub(crate) fn generator(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let (tag, a, b) = match purpose {
        Purpose::Initial { layer } => (1, 0, layer),
        Purpose::Shuffle { epoch } => (2, epoch as u64, 0),
        Purpose::Dropout { step, layer, shard } => (3 + ((shard as u64) << 8), step, layer),
        Purpose::MixupPairs { step } => (4, step, 0),
        Purpose::MixupShare { step, sample } => (5, step, sample),
        Purpose::SpecAugment { epoch, sample } => (6, epoch as u64, sample),
    };
    let mut key = [0; 32];
    for (bytes, word) in key.chunks_exact_mut(8).zip([seed, a, b as u64, tag]) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// A uniform number in `[-1, 1)`.
pub(crate) fn symmetric(rng: &mut ChaCha8Rng) -> f32 {
    // The upper 24 bits fill the significand exactly.
    (rng.next_u32() >> 8) as f32 * (2.0 / 16_777_216.0) - 1.0
}

/// A uniform whole number below `limit`, which is at least 1.
pub(crate) fn below(limit: usize, rng: &mut ChaCha8Rng) -> usize {
    // Lemire's multiply-shift; its bias for limits below 2^32 is under 2^-32.
    ((u128::from(rng.next_u64()) * limit as u128) >> 64) as usize
}

/// Puts `items` into a random order (Fisher and Yates), every order as likely as any other.
pub(crate) fn shuffle(items: &mut [usize], rng: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        let other = below(last + 1, rng);
        items.swap(last, other);
    }
}

/// A number from the Beta distribution with both parameters `alpha`, between 0.001 and 1000: `X / (X + Y)` of two gamma
/// draws.
pub(crate) fn symmetric_beta(alpha: f64, rng: &mut ChaCha8Rng) -> f64 {
    // In logarithms, because for small parameters both draws may be too small for a number.
    let (x, y) = (log_gamma_draw(alpha, rng), log_gamma_draw(alpha, rng));
    1.0 / (1.0 + (y - x).exp())
}

/// The logarithm of a draw from the gamma distribution of this shape and scale 1 (Marsaglia and Tsang, ACM Transactions on
/// Mathematical Software 26, 2000): the method itself in section 3, for shapes of at least 1, and below that its last
/// note, `Gamma(a) = Gamma(a + 1) · U^(1/a)`.
fn log_gamma_draw(shape: f64, rng: &mut ChaCha8Rng) -> f64 {
    let (boosted, boost) = if shape < 1.0 { (shape + 1.0, open(rng).ln() / shape) } else { (shape, 0.0) };
    let d = boosted - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(rng);
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && open(rng).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return (d * v).ln() + boost;
        }
    }
}

/// A standard normal number (Box and Muller 1958).
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let (radius, angle) = ((-2.0 * open(rng).ln()).sqrt(), std::f64::consts::TAU * open(rng));
    radius * angle.cos()
}

/// A uniform number in `(0, 1)`, ends excluded, so that it has a logarithm.
fn open(rng: &mut ChaCha8Rng) -> f64 {
    // The upper 52 bits and a half: the significand holds the sum exactly.
    ((rng.next_u64() >> 12) as f64 + 0.5) / 4_503_599_627_370_496.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ() {
        let purposes = [
            Purpose::Initial { layer: 0 },
            Purpose::Initial { layer: 1 },
            Purpose::Shuffle { epoch: 0 },
            Purpose::Shuffle { epoch: 1 },
            Purpose::Dropout { step: 0, layer: 0, shard: 0 },
            Purpose::Dropout { step: 1, layer: 0, shard: 0 },
            Purpose::Dropout { step: 0, layer: 1, shard: 0 },
            Purpose::Dropout { step: 0, layer: 0, shard: 1 },
            Purpose::MixupPairs { step: 0 },
            Purpose::MixupPairs { step: 1 },
            Purpose::MixupShare { step: 0, sample: 0 },
            Purpose::MixupShare { step: 1, sample: 0 },
            Purpose::MixupShare { step: 0, sample: 1 },
            Purpose::SpecAugment { epoch: 0, sample: 0 },
            Purpose::SpecAugment { epoch: 1, sample: 0 },
            Purpose::SpecAugment { epoch: 0, sample: 1 },
        ];
        let mut firsts: Vec<u64> =
            purposes.iter().flat_map(|&p| [0, 1].map(|seed| generator(seed, p).next_u64())).collect();
        firsts.sort_unstable();
        firsts.dedup();
        assert_eq!(firsts.len(), 2 * purposes.len());
    }

    #[test]
    fn symmetric_numbers_fill_their_range() {
        let mut rng = generator(3, Purpose::Initial { layer: 0 });
        let draws: Vec<f32> = (0..10_000).map(|_| symmetric(&mut rng)).collect();
        assert!(draws.iter().all(|x| (-1.0..1.0).contains(x)));
        let mean = draws.iter().sum::<f32>() / 1e4;
        let variance = draws.iter().map(|x| x * x).sum::<f32>() / 1e4;
        assert!(mean.abs() < 0.02 && (variance - 1.0 / 3.0).abs() < 0.01, "{mean} {variance}");
    }

    #[test]
    fn shuffling_is_uniform() {
        let mut counts = [[0usize; 4]; 4];
        for epoch in 0..4_000 {
            let mut items = [0, 1, 2, 3];
            shuffle(&mut items, &mut generator(5, Purpose::Shuffle { epoch }));
            for (place, &item) in items.iter().enumerate() {
                counts[place][item] += 1;
            }
        }
        assert!(counts.iter().flatten().all(|count| (880..1120).contains(count)), "{counts:?}");
    }
    #[test]
    fn numbers_below_a_limit_reach_it() {
        let mut rng = generator(1, Purpose::MixupPairs { step: 0 });
        let mut counts = [0usize; 3];
        (0..3_000).for_each(|_| counts[below(3, &mut rng)] += 1);
        assert!(counts.iter().all(|count| (880..1120).contains(count)), "{counts:?}");
        assert_eq!(below(1, &mut rng), 0);
    }

    #[test]
    fn normal_numbers_have_the_moments_of_their_distribution() {
        let mut rng = generator(2, Purpose::MixupPairs { step: 0 });
        let draws: Vec<f64> = (0..40_000).map(|_| normal(&mut rng)).collect();
        let moment = |power| draws.iter().map(|x| x.powi(power)).sum::<f64>() / 4e4;
        assert!(moment(1).abs() < 0.02 && (moment(2) - 1.0).abs() < 0.03, "{} {}", moment(1), moment(2));
        assert!(moment(3).abs() < 0.08 && (moment(4) - 3.0).abs() < 0.2, "{} {}", moment(3), moment(4));
    }

    #[test]
    fn beta_draws_follow_their_distribution() {
        // Where the distribution function is elementary: arcsine, uniform, and the cubic.
        let arcsine = |x: f64| 2.0 / std::f64::consts::PI * x.sqrt().asin();
        let distributions: [(f64, &dyn Fn(f64) -> f64); 3] =
            [(0.5, &arcsine), (1.0, &|x| x), (2.0, &|x| 3.0 * x * x - 2.0 * x * x * x)];
        for (alpha, distribution) in distributions {
            let mut rng = generator(3, Purpose::MixupPairs { step: 0 });
            let mut draws: Vec<f64> = (0..20_000).map(|_| symmetric_beta(alpha, &mut rng)).collect();
            draws.sort_by(f64::total_cmp);
            let gap = |(index, x): (usize, &f64)| (distribution(*x) - index as f64 / 2e4).abs();
            // Kolmogorov's bound for a chance of one in a thousand: 1.95 / sqrt(n).
            let largest = draws.iter().enumerate().map(gap).fold(0.0, f64::max);
            assert!(largest < 0.0138, "alpha {alpha}: {largest}");
        }
    }

    #[test]
    fn beta_draws_have_the_variance_of_any_parameter_and_stay_numbers() {
        for alpha in [0.001, 0.2, 0.4, 8.0, 1000.0] {
            let mut rng = generator(4, Purpose::MixupPairs { step: 0 });
            let draws: Vec<f64> = (0..20_000).map(|_| symmetric_beta(alpha, &mut rng)).collect();
            assert!(draws.iter().all(|x| (0.0..=1.0).contains(x)), "alpha {alpha}");
            let mean = draws.iter().sum::<f64>() / 2e4;
            let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 2e4;
            let expected = 1.0 / (4.0 * (2.0 * alpha + 1.0));
            assert!(
                (mean - 0.5).abs() < 0.012 && (variance / expected - 1.0).abs() < 0.04,
                "{alpha} {mean} {variance}"
            );
        }
    }
}
