//! For how much of its time a contour is high, rises, or turns left.

use super::extremes::Extremes;
use crate::lanes::vectorized;

/// Functionals of time, shares from 0 to 1, in the order of [`times`].
pub(crate) const NAMES: [&str; 6] =
    ["upleveltime25", "upleveltime50", "upleveltime75", "upleveltime90", "risetime", "leftctime"];

/// Levels, as shares of the way from the least to the greatest value.
const LEVELS: [f32; 4] = [0.25, 0.5, 0.75, 0.9];

/// Counts of 16 bits fill vectors best; a block is no longer than they can count.
const BLOCK: usize = 1 << 15;

/// Shares of time, named by [`NAMES`]; a share of nothing is 0.
///
/// - `upleveltime`: values above 25, 50, 75, 90 % of the way from the least to the greatest value.
/// - `risetime`: values above the one before, of those that have one.
/// - `leftctime`: values from which the way on is steeper than the way there was, of those that have two neighbours.
///
/// Ties are common in them and are decided in single precision.
pub(crate) fn times(values: &[f32], extremes: Extremes) -> [f64; NAMES.len()] {
    let range = extremes.greatest - extremes.least;
    let levels = LEVELS.map(|level| extremes.least + level * range);
    let mut counts = [0_usize; NAMES.len()];
    let mut count = |place: usize, found: u16| counts[place] += usize::from(found);
    for block in values.chunks(BLOCK) {
        let above = vectorized(
            #[inline(always)]
            || levels.map(|level| block.iter().map(|value| u16::from(*value > level)).sum::<u16>()),
        );
        above.into_iter().enumerate().for_each(|(place, above)| count(place, above));
    }
    let later = values.get(1..).unwrap_or_default();
    for (before, here) in values.chunks(BLOCK).zip(later.chunks(BLOCK)) {
        let rises = vectorized(
            #[inline(always)]
            || before.iter().zip(here).map(|(before, here)| u16::from(here > before)).sum::<u16>(),
        );
        count(4, rises);
    }
    let latest = values.get(2..).unwrap_or_default();
    for ((before, here), after) in values.chunks(BLOCK).zip(later.chunks(BLOCK)).zip(latest.chunks(BLOCK)) {
        let turns = vectorized(
            #[inline(always)]
            || {
                let three = before.iter().zip(here).zip(after);
                three.map(|((before, here), after)| u16::from(here - before < after - here)).sum::<u16>()
            },
        );
        count(5, turns);
    }
    let share = |place: usize, of: usize| counts[place] as f64 / of.max(1) as f64;
    let all = values.len();
    [share(0, all), share(1, all), share(2, all), share(3, all), share(4, later.len()), share(5, latest.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(values: &[f32]) -> [f64; 6] {
        times(values, Extremes::of(values))
    }

    #[test]
    fn shares_of_a_small_contour() {
        // Levels 1, 2, 3 and 3.6; three rises of five; steeper on from the second 0 and from 1.
        let found = find(&[0.0, 0.0, 1.0, 3.0, 4.0, 2.0]);
        assert_eq!(found, [0.5, 2.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0, 0.6, 0.5]);
    }

    #[test]
    fn shares_of_a_long_contour_and_of_short_ones() {
        // Longer than what is counted at once: 0 1 0 1 …
        let values: Vec<f32> = (0..100_000_u32).map(|n| (n % 2) as f32).collect();
        let found = find(&values);
        assert_eq!(found[..4], [0.5; 4]);
        assert!((found[4] - 50_000.0 / 99_999.0).abs() < 1e-12);
        assert_eq!(found[5], 49_999.0 / 99_998.0);
        assert_eq!(find(&[]), [0.0; 6]);
        assert_eq!(find(&[3.0]), [0.0; 6]);
        assert_eq!(find(&[1.0, 2.0]), [0.5, 0.5, 0.5, 0.5, 1.0, 0.0]);
        assert!(find(&[f32::MAX, -f32::MAX]).iter().all(|value| value.is_finite()));
    }
}
