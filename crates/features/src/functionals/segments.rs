//! Stretches of a contour in which something holds.

/// Seconds from value to value.
const STEP: f64 = 0.01;

/// A stretch has at least this many values, and ends where this many in a row do not belong to it.
const SHORTEST: usize = 3;
const PAUSE: usize = 2;

/// How many stretches are counted.
const MOST: usize = 1000;

/// The stretches of a contour.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct SegmentMoments {
    pub(crate) count: usize,
    /// Mean and population standard deviation of their lengths, in seconds.
    pub(crate) mean: f64,
    pub(crate) deviation: f64,
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
    lengths.truncate(MOST);
    let moments = super::moments(lengths.iter().map(|length| *length as f64 * STEP));
    SegmentMoments { count: lengths.len(), mean: moments.mean, deviation: moments.deviation }
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
    }
}
