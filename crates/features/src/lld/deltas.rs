//! How contours change. Beyond its ends a contour keeps its outermost value.

use std::ops::Range;

/// The slope of every value's surroundings of five frames, ((y(t + 1) − y(t − 1)) + 2 (y(t + 2) − y(t − 2))) / 10 a frame, appended
/// to `deltas` (S. Young et al., The HTK Book).
pub(crate) fn deltas(values: &[f32], deltas: &mut Vec<f32>) {
    let last = values.len().saturating_sub(1);
    let at = |index: usize, far: usize| {
        let (before, after) = (index.saturating_sub(far), (index + far).min(last));
        values[after] - values[before]
    };
    deltas.extend((0..values.len()).map(|index| (at(index, 1) + 2.0 * at(index, 2)) / SQUARES));
}

/// 2 Σ i² for i of 1 and 2.
const SQUARES: f32 = 10.0;

/// The same for contours of the voice, in which 0 stands for "not there": of the two differences only those count that have both
/// values.
///
/// What is divided by begins with 10, grows by i² with every difference that counts, in any of the contours, and never
/// shrinks: frame by frame, and in a frame contour by contour. These deltas thus get smaller throughout a recording, about like
/// 1/t. That is no use; the published sets are made so.
#[derive(Debug)]
pub(crate) struct VoiceDeltas {
    /// In double precision it grows exactly for any length of a recording.
    divisor: f64,
}

impl VoiceDeltas {
    /// For a new recording.
    pub(crate) fn new() -> Self {
        Self { divisor: f64::from(SQUARES) }
    }

    /// Appends the deltas of the frames at these places of contours of equal length. Frames come in their order.
    pub(crate) fn advance<const N: usize>(
        &mut self,
        contours: &[Vec<f32>; N],
        places: Range<usize>,
        deltas: &mut [Vec<f32>; N],
    ) {
        let last = contours.iter().map(Vec::len).min().unwrap_or(0).saturating_sub(1);
        for index in places {
            for (values, deltas) in contours.iter().zip(deltas.iter_mut()) {
                let mut sum = 0.0;
                for far in 1..=2_u8 {
                    let (before, after) = (index.saturating_sub(far.into()), (index + usize::from(far)).min(last));
                    let (before, after) = (values[before], values[after]);
                    if before != 0.0 && after != 0.0 {
                        sum += f32::from(far) * (after - before);
                        self.divisor += f64::from(far * far);
                    }
                }
                deltas.push(sum / self.divisor as f32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_slope_and_the_ends_repeat() {
        let mut found = Vec::new();
        deltas(&[0.0, 3.0, 6.0, 9.0, 12.0, 15.0], &mut found);
        assert_eq!(found, [1.5, 2.4, 3.0, 3.0, 2.4, 1.5]);
        found.clear();
        deltas(&[], &mut found);
        deltas(&[4.0], &mut found);
        assert_eq!(found, [0.0]);
    }

    #[test]
    fn the_divisor_of_voices_grows_and_zeros_do_not_count() {
        let contours = [vec![1.0, 2.0, 3.0], vec![0.0, 5.0, 0.0]];
        let mut found = [Vec::new(), Vec::new()];
        let mut changes = VoiceDeltas::new();
        changes.advance(&contours, 0..1, &mut found);
        changes.advance(&contours, 1..3, &mut found);
        // 10 + 1 + 4, then nothing of the second contour, then two more steps of 5.
        assert_eq!(found[0], [(1.0 + 2.0 * 2.0) / 15.0, (2.0 + 2.0 * 2.0) / 20.0, (1.0 + 2.0 * 2.0) / 25.0]);
        assert_eq!(found[1], [0.0; 3]);
    }
}
