//! Chance that can be repeated.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Random numbers for one purpose.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// The numbers for one purpose (first) and one thing (speaker, emotion, sentence, take), independent of all others.
    pub(super) fn new(seed: u64, [purpose, speaker, emotion, sentence, take]: [usize; 5]) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let stream = [(purpose, 8), (speaker, 16), (emotion, 8), (sentence, 16), (take, 16)];
        rng.set_stream(stream.iter().fold(0, |stream, (part, bits)| stream << bits | *part as u64));
        Self(rng)
    }

    /// Evenly from `low` to just below `high`.
    pub(super) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        let unit = (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        low + (high - low) * unit
    }

    /// Normally around 0 with standard deviation 1, by the polar form of Box and Muller (Marsaglia & Bray 1964).
    pub(super) fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (self.uniform(-1.0, 1.0), self.uniform(-1.0, 1.0));
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return x * (-2.0 * libm::log(square) / square).sqrt();
            }
        }
    }

    /// Normally, but never further than two standard deviations from the mean.
    pub(super) fn near(&mut self, mean: f64, deviation: f64) -> f64 {
        mean + deviation * self.normal().clamp(-2.0, 2.0)
    }

    /// One of `count` numbers from 0.
    pub(super) fn index(&mut self, count: usize) -> usize {
        (self.uniform(0.0, count as f64) as usize).min(count - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_and_things_are_independent() {
        let first = |seed, what| Dice::new(seed, what).uniform(0.0, 1.0);
        assert_eq!(first(1, [1, 2, 3, 4, 5]), first(1, [1, 2, 3, 4, 5]));
        for other in [[2, 2, 3, 4, 5], [1, 3, 3, 4, 5], [1, 2, 4, 4, 5], [1, 2, 3, 5, 5], [1, 2, 3, 4, 6]] {
            assert_ne!(first(1, [1, 2, 3, 4, 5]), first(1, other));
        }
        assert_ne!(first(1, [1, 2, 3, 4, 5]), first(2, [1, 2, 3, 4, 5]));
    }

    #[test]
    fn the_numbers_are_distributed_as_they_should() {
        let mut dice = Dice::new(7, [0; 5]);
        let normal: Vec<f64> = (0..20_000).map(|_| dice.normal()).collect();
        let mean = normal.iter().sum::<f64>() / 20_000.0;
        let variance = normal.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.04, "{mean} {variance}");
        assert!((0..1000).all(|_| (3.0..=7.0).contains(&dice.near(5.0, 1.0))));
        let mut counts = [0; 4];
        (0..4000).for_each(|_| counts[dice.index(4)] += 1);
        assert!(counts.iter().all(|count| (900..1100).contains(count)), "{counts:?}");
    }
}
