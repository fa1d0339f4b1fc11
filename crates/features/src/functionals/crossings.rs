//! Segments between the crossings of two levels.

use super::extremes::Extremes;
use super::segments::SegmentMoments;

/// The levels, as shares of the way from the least to the greatest value.
const LEVELS: [f32; 2] = [0.25, 0.75];

/// The contour is smoothed by the mean of so many values before it crosses.
const WIDTH: usize = 3;

/// A segment is longer than this many values, and in long contours than a hundredth of them less one.
const SHORTEST: usize = 2;
const HUNDREDTH: usize = 100;

/// How many segments are counted.
const MOST: usize = 100;

/// Cuts contours where they cross a level, and keeps the place for the lengths.
#[derive(Debug, Default)]
pub(crate) struct Crossings {
    lengths: Vec<usize>,
}

impl Crossings {
    /// Lengths of the segments between crossings, whose names are [`super::segments::NAMES`], in seconds.
    ///
    /// The running mean of three values crosses where it comes to lie on the other side of a quarter or of three quarters of
    /// the way from the least to the greatest value. A crossing too soon after the last one that counted is passed over. What
    /// is unusual: the first segment is longer by half the shortest length, what comes after the last crossing is none, and the
    /// mean before the first value is 0. The mean is a sum in single precision that slides, whose rounding decides ties.
    pub(crate) fn of(&mut self, values: &[f32], extremes: Extremes) -> SegmentMoments {
        self.lengths.clear();
        let range = extremes.greatest - extremes.least;
        let levels = LEVELS.map(|level| extremes.least + level * range);
        let shortest = SHORTEST.max((values.len() / HUNDREDTH).saturating_sub(1));
        // Positions count from half the shortest length before the first value.
        let lead = shortest / 2;
        let (mut last, mut sum, mut before) = (0, 0.0_f32, 0.0_f32);
        for (index, value) in values.iter().enumerate() {
            sum += value;
            let mean = if index < WIDTH {
                sum / (index + 1) as f32
            } else {
                sum -= values[index - WIDTH];
                sum / WIDTH as f32
            };
            let crosses = |level: f32| mean > level && before <= level || mean < level && before >= level;
            let place = index + lead;
            if (crosses(levels[0]) || crosses(levels[1])) && place - last > shortest {
                if self.lengths.len() < MOST {
                    self.lengths.push(place - last);
                }
                last = place;
            }
            before = mean;
        }
        SegmentMoments::of(&self.lengths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(values: &[f32]) -> SegmentMoments {
        Crossings::default().of(values, Extremes::of(values))
    }

    #[test]
    fn steps_are_cut_at_their_edges() {
        // The running mean is 1/3 of the way up at value 10 and 2/3 down at value 30: both cross a quarter or three quarters.
        let mut values = vec![1.0; 60];
        values[10..30].fill(4.0);
        let found = find(&values);
        assert_eq!(found.count, 2);
        // Eleven for the ten before the step, and twenty.
        assert!((found.shortest - 0.11).abs() < 1e-12 && (found.longest - 0.2).abs() < 1e-12, "{found:?}");
        assert!((found.mean - 0.155).abs() < 1e-12 && (found.deviation - 0.045).abs() < 1e-12);
    }

    #[test]
    fn crossings_in_a_row_count_once_and_hundred_at_most() {
        // Slow enough for both levels to be crossed within two values.
        let values: Vec<f32> = (0..20_u8).map(|n| if n < 8 { 0.0 } else { 1.0 }).collect();
        let found = find(&values);
        assert_eq!((found.count, found.longest), (1, 0.09));
        let many: Vec<f32> = (0..2000_u16).map(|n| f32::from(n % 10 / 5)).collect();
        // Longer than 2000 / 100 − 1 = 19, where a level is crossed at least every five: twenty, after 12 and half of 19.
        let found = find(&many);
        assert_eq!((found.count, found.shortest, found.longest), (100, 0.2, 0.21));
        // Longer than 8: ten, after 5 and half of 8.
        let found = find(&many[..900]);
        assert_eq!((found.count, found.shortest, found.longest), (90, 0.09, 0.1));
        let found = find(&[0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0].repeat(60));
        assert_eq!(found.count, 100);
        assert_eq!(find(&[]), SegmentMoments::default());
        assert_eq!(find(&[2.0; 50]), SegmentMoments::default());
        assert!(find(&[f32::MAX, -f32::MAX, f32::MAX, f32::MAX, f32::MAX]).four().iter().all(|v| v.is_finite()));
    }
}
