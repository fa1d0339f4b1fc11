//! Peaks and valleys of a contour, how far apart and how high they are.

use super::extrema::Extrema;
use super::extremes::Extremes;
use super::limit;
use super::moments::mean;
use crate::lld::framing::HOP;

/// Functionals of the peaks of a contour, in the order of [`peaks`].
pub(crate) const NAMES: [&str; 12] = [
    "meanPeakDist",
    "peakDistStddev",
    "peakRangeAbs",
    "peakRangeRel",
    "peakMeanAbs",
    "peakMeanMeanDist",
    "peakMeanRel",
    "minRangeRel",
    "meanRisingSlope",
    "stddevRisingSlope",
    "meanFallingSlope",
    "stddevFallingSlope",
];

/// `peakMeanRel` bends from the first, ends at twice it, and is there for a contour whose mean is 0.
const MOST_RELATIVE: f64 = 10.0;

/// Peaks, valleys and slopes, named by [`NAMES`]; all 0 for an empty contour.
///
/// Peaks and valleys are those of [`Extrema`]: they rise by at least a tenth of the range.
///
/// - `meanPeakDist`: from peak to peak, in seconds; 0 with fewer than two.
/// - `peakDistStddev`: in seconds. What is unusual: distances are those from the valley before each peak but the first, the mean
///   that is taken from them is `meanPeakDist`; it is hence never near 0.
/// - `peakRangeAbs`: the highest less the lowest peak, in units of the contour; `peakRangeRel`: over the range, at most 1.
/// - `peakMeanAbs`: the mean height of peaks, in units of the contour; `peakMeanMeanDist`: less the mean of the contour;
///   `peakMeanRel`: over that mean, held between −20 and 20 ([`limit`]), 20 where the mean is 0.
/// - `minRangeRel`: the highest less the lowest valley, over the range, at most 1.
/// - the slopes of [`Extrema::slopes`], in units of the contour a second.
pub(crate) fn peaks(extrema: &mut Extrema, values: &[f32], extremes: Extremes) -> [f64; NAMES.len()] {
    if values.is_empty() {
        return [0.0; NAMES.len()];
    }
    extrema.find_within(values, extremes.range());
    let heights = extrema.heights();
    let slopes = extrema.slopes(values);
    let range = if extremes.range() == 0.0 { 1.0 } else { extremes.range() };
    let mean = mean(values);
    let relative =
        if mean == 0.0 { 2.0 * MOST_RELATIVE } else { limit(heights.mean_peak / mean, MOST_RELATIVE, MOST_RELATIVE) };
    [
        heights.distance * HOP,
        heights.distance_deviation * HOP,
        heights.peak_range,
        (heights.peak_range / range).min(1.0),
        heights.mean_peak,
        heights.mean_peak - mean,
        relative,
        (heights.valley_range / range).min(1.0),
        slopes.rising.0,
        slopes.rising.1,
        slopes.falling.0,
        slopes.falling.1,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(values: &[f32]) -> [f64; 12] {
        peaks(&mut Extrema::default(), values, Extremes::of(values))
    }

    #[test]
    fn peaks_and_valleys_of_a_small_contour() {
        // Peaks of 8, 6 and 10 at 4, 10 and 14; valleys of 2 and 4 at 7 and 12. The range is 10.
        let values = [0., 2., 4., 6., 8., 6., 4., 2., 3., 4., 6., 5., 4., 7., 10., 5., 0.];
        let found = find(&values);
        // Three and two from valley to peak, five from peak to peak: √((2² + 3²) / 2).
        let expected = [0.05, 0.01 * 6.5_f64.sqrt(), 4.0, 0.4, 8.0, 8.0 - 76.0 / 17.0, 8.0 * 17.0 / 76.0, 0.2];
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?}");
        // Rises of 8 in 4, 4 in 3 and 6 in 2 values, and falls of 6 in 3, 2 in 2 and −10 in 2.
        assert!((found[8] - 100.0 * (2.0 + 4.0 / 3.0 + 3.0) / 3.0).abs() < 1e-9);
        assert!((found[10] - 100.0 * (2.0 + 1.0 - 5.0) / 3.0).abs() < 1e-9);
    }

    #[test]
    fn contours_without_peaks_are_defined() {
        assert_eq!(find(&[]), [0.0; 12]);
        let silence = find(&[0.0; 30]);
        assert_eq!((silence[6], silence.iter().sum::<f64>()), (20.0, 20.0));
        let flat = find(&[5.0; 30]);
        assert_eq!((flat[5], flat.iter().sum::<f64>()), (-5.0, -5.0));
        // One peak far above a small mean.
        let mut values = [0.0; 1000];
        values[500] = 1.0;
        let found = find(&values);
        assert_eq!((found[0], found[4]), (0.0, 1.0));
        assert!(found[6] > 19.0 && found[6] <= 20.0, "{found:?}");
        let huge = [0.0, 0.0, f32::MAX, -f32::MAX, f32::MAX, 0.0, 0.0];
        assert!(find(&huge).iter().all(|value| value.is_finite()));
    }
}
