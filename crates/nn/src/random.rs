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
}

/// The generator for one purpose under one seed.
pub(crate) fn generator(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let (tag, a, b) = match purpose {
        Purpose::Initial { layer } => (1, 0, layer),
        Purpose::Shuffle { epoch } => (2, epoch as u64, 0),
        Purpose::Dropout { step, layer, shard } => (3 + ((shard as u64) << 8), step, layer),
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

/// Puts `items` into a random order (Fisher and Yates), every order as likely as any other.
pub(crate) fn shuffle(items: &mut [usize], rng: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        // Lemire's multiply-shift; its bias for lengths below 2^32 is under 2^-32.
        let other = (u128::from(rng.next_u64()) * (last as u128 + 1)) >> 64;
        items.swap(last, other as usize);
    }
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
        ];
        let mut firsts: Vec<u64> =
            purposes.iter().flat_map(|&p| [0, 1].map(|seed| generator(seed, p).next_u64())).collect();
        firsts.sort_unstable();
        firsts.dedup();
        assert_eq!(firsts.len(), 16);
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
}
