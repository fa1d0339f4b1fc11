//! Random choices. All come from ChaCha streams, so that the same seed gives the same bits everywhere.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The generator of one piece of work, whichever thread it runs on.
pub(crate) fn stream(seed: u64, number: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(number);
    random
}

/// A whole number below `n`, which is above 0. The bias of the multiplication is below 2⁻³² for every `n` that fits memory.
pub(crate) fn below(random: &mut ChaCha8Rng, n: usize) -> usize {
    ((u128::from(random.next_u64()) * n as u128) >> 64) as usize
}

/// Brings `count` random items to the front, in random order.
pub(crate) fn draw<T>(random: &mut ChaCha8Rng, items: &mut [T], count: usize) {
    for i in 0..count.min(items.len()) {
        let j = i + below(random, items.len() - i);
        items.swap(i, j);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_below_their_bound_and_reach_every_value() {
        let mut random = stream(1, 0);
        let mut seen = [0usize; 5];
        for _ in 0..1000 {
            seen[below(&mut random, 5)] += 1;
        }
        assert!(seen.iter().all(|&count| count > 150), "{seen:?}");
        assert_eq!(below(&mut random, 1), 0);
    }

    #[test]
    fn a_draw_is_a_permutation_and_streams_differ() {
        let drawn = |number: u64, count: usize| {
            let mut items: Vec<usize> = (0..20).collect();
            draw(&mut stream(7, number), &mut items, count);
            items
        };
        let mut sorted = drawn(0, 20);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..20).collect::<Vec<_>>());
        assert_eq!(drawn(3, 5), drawn(3, 5));
        assert_ne!(drawn(3, 5), drawn(4, 5));
        assert_eq!(drawn(3, 100), drawn(3, 20), "no more than there are");
    }
}
