//! Smoothing of contours over three frames. Beyond its ends a contour keeps its outermost value.

/// The mean of every value and its two neighbours, appended to `smoothed`.
pub(crate) fn smooth(values: &[f32], smoothed: &mut Vec<f32>) {
    smoothed.extend(neighbours(values).map(mean));
}

/// The same over those of the three that are not exactly 0, which stands for "not there"; 0 where the value itself is.
pub(crate) fn smooth_nonzero(values: &[f32], smoothed: &mut Vec<f32>) {
    smoothed.extend(neighbours(values).map(mean_nonzero));
}

/// The mean of a value, in the middle, and its neighbours.
pub(crate) fn mean([left, here, right]: [f32; 3]) -> f32 {
    (here + left + right) / 3.0
}

/// The same over those that are not 0; 0 where the one in the middle is.
pub(crate) fn mean_nonzero([left, here, right]: [f32; 3]) -> f32 {
    if here == 0.0 {
        return 0.0;
    }
    let (mut sum, mut count) = (here, 1.0);
    for value in [left, right] {
        if value != 0.0 {
            sum += value;
            count += 1.0;
        }
    }
    sum / count
}

fn neighbours(values: &[f32]) -> impl Iterator<Item = [f32; 3]> {
    let last = values.len().saturating_sub(1);
    (0..values.len()).map(move |index| [values[index.saturating_sub(1)], values[index], values[(index + 1).min(last)]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_of_three_with_and_without_zeros() {
        let values = [3.0, 0.0, 6.0, 12.0];
        let (mut all, mut nonzero) = (Vec::new(), Vec::new());
        smooth(&values, &mut all);
        smooth_nonzero(&values, &mut nonzero);
        assert_eq!(all, [2.0, 3.0, 6.0, 10.0]);
        assert_eq!(nonzero, [3.0, 0.0, 9.0, 10.0]);
        smooth(&[], &mut all);
        smooth_nonzero(&[5.0], &mut nonzero);
        assert_eq!((all.len(), nonzero[4]), (4, 5.0));
    }
}
