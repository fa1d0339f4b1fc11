//! Stretches of a contour in which something holds.

use crate::lld::framing::HOP;

/// A stretch has at least this many values, and ends where this many in a row do not belong to it.
const SHORTEST: usize = 3;
const PAUSE: usize = 2;

/// How many stretches are counted in the set eGeMAPS.
const MOST: usize = 1000;

/// The stretches of a contour.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct SegmentMoments {
    pub(crate) count: usize,
    /// Mean and population standard deviation of their lengths, in seconds.
    pub(crate) mean: f64,
    pub(crate) deviation: f64,
    /// The longest and the shortest, in seconds.
    pub(crate) longest: f64,
    pub(crate) shortest: f64,
}

/// Functionals of the lengths of segments, in seconds, in the order of [`SegmentMoments::four`].
pub(crate) const NAMES: [&str; 4] = ["meanSegLen", "maxSegLen", "minSegLen", "segLenStddev"];

impl SegmentMoments {
    /// Of lengths in values; all 0 where there are none.
    pub(super) fn of(lengths: &[usize]) -> Self {
        let seconds = |length: usize| length as f64 * HOP;
        let moments = super::moments(lengths.iter().map(|length| seconds(*length)));
        let longest = lengths.iter().max().map_or(0.0, |length| seconds(*length));
        let shortest = lengths.iter().min().map_or(0.0, |length| seconds(*length));
        Self { count: lengths.len(), mean: moments.mean, deviation: moments.deviation, longest, shortest }
    }

    /// Mean, longest, shortest and standard deviation, named by [`NAMES`].
    pub(crate) fn four(&self) -> [f64; NAMES.len()] {
        [self.mean, self.longest, self.shortest, self.deviation]
    }
}

enum State {
    Pause,
    /// Too short to be a stretch so far.
    Tentative {
        start: usize,
        run: usize,
        gap: usize,
    },
    Confirmed {
        start: usize,
        gap: usize,
    },
}

/// The stretches in which `belongs` holds. As in the published sets their lengths are those from their first value to their
/// last, one less than the number of values.
pub(crate) fn segments(values: &[f32], belongs: impl Fn(f32) -> bool) -> SegmentMoments {
    first_segments(values, MOST, belongs)
}

/// The same of no more than the first `most` stretches.
pub(crate) fn first_segments(values: &[f32], most: usize, belongs: impl Fn(f32) -> bool) -> SegmentMoments {
    let mut lengths = Vec::new();
    let mut state = State::Pause;
    for (index, value) in values.iter().enumerate() {
        state = match (state, belongs(*value)) {
            (State::Pause, true) => State::Tentative { start: index, run: 1, gap: 0 },
            (State::Pause, false) => State::Pause,
            (State::Tentative { start, run, .. }, true) if run + 1 >= SHORTEST => State::Confirmed { start, gap: 0 },
            (State::Tentative { start, run, .. }, true) => State::Tentative { start, run: run + 1, gap: 0 },
            (State::Tentative { gap, .. }, false) if gap + 1 >= PAUSE => State::Pause,
            (State::Tentative { start, run, gap }, false) => State::Tentative { start, run, gap: gap + 1 },
            (State::Confirmed { start, .. }, true) => State::Confirmed { start, gap: 0 },
            (State::Confirmed { start, gap }, false) if gap + 1 >= PAUSE => {
                lengths.push(index - PAUSE - start);
                State::Pause
            }
            (State::Confirmed { start, gap }, false) => State::Confirmed { start, gap: gap + 1 },
        };
    }
    if let State::Confirmed { start, gap } = state {
        lengths.push(values.len() - 1 - gap - start);
    }
    lengths.truncate(most);
    SegmentMoments::of(&lengths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str) -> SegmentMoments {
        let values: Vec<f32> = text.chars().map(|c| if c == 'x' { 1.0 } else { 0.0 }).collect();
        segments(&values, |value| value != 0.0)
    }

    #[test]
    fn stretches_bridge_one_value_and_need_three() {
        assert_eq!(find(""), SegmentMoments::default());
        assert_eq!(find("xx..xx..").count, 0);
        let found = find("..xxx.xx....");
        assert_eq!(found.count, 1);
        assert!((found.mean - 0.05).abs() < 1e-12);
        assert_eq!(find("x.xx").count, 1);
        let found = find("xxx..xxxxx");
        assert_eq!(found.count, 2);
        assert!((found.mean - 0.03).abs() < 1e-12 && (found.deviation - 0.01).abs() < 1e-12);
        assert_eq!(found.four(), [found.mean, 0.04, 0.02, found.deviation]);
        let first = first_segments(&[1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0], 1, |value| value != 0.0);
        assert_eq!((first.count, first.longest), (1, 0.02));
    }
}
