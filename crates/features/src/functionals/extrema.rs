//! Peaks and valleys of a contour, and the slopes between them.

use super::extremes::Extremes;
use crate::lld::framing::HOP;

/// Rises and falls count from this share of the contour's range.
const LEAST_RISE: f64 = 0.1;

/// A peak replaces the one before it where it is higher by this factor, however small its rise.
const HIGHER: f64 = 1.05;

/// Finds the extrema of contours that matter, and keeps the place for them.
///
/// Of the local extrema (the two values at each end are not asked) those are left out that rise by less than a tenth of the
/// contour's range; what is left alternates. Slopes are in units of the contour a second.
#[derive(Debug, Default)]
pub(crate) struct Extrema {
    list: Vec<Extremum>,
    keep: Vec<bool>,
    rising: Vec<f64>,
    falling: Vec<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Extremum {
    index: usize,
    value: f64,
    is_peak: bool,
}

/// Slopes from a valley to the next peak, and from a peak to the next valley.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct SlopeMoments {
    pub(crate) rising: (f64, f64),
    pub(crate) falling: (f64, f64),
}

/// Where peaks and valleys lie, in values and in units of the contour; 0 where there are too few.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Heights {
    /// Mean distance of a peak from the one before.
    pub(crate) distance: f64,
    /// Root of the mean squared deviation from it of the distances from the valley before.
    pub(crate) distance_deviation: f64,
    pub(crate) mean_peak: f64,
    /// The highest less the lowest.
    pub(crate) peak_range: f64,
    pub(crate) valley_range: f64,
}

impl Extrema {
    /// Looks for the extrema of a contour, which the other functions then tell of.
    pub(crate) fn find(&mut self, values: &[f32]) {
        self.find_within(values, Extremes::of(values).range());
    }

    /// The same of a contour whose range is known.
    pub(crate) fn find_within(&mut self, values: &[f32], range: f64) {
        self.list.clear();
        let Some(&first) = values.first() else { return };
        let threshold = LEAST_RISE * range;
        for index in 2..values.len().saturating_sub(2) {
            let [before, here, after] = [values[index - 1], values[index], values[index + 1]];
            let is_peak = here > before && here > after;
            if is_peak || here < before && here < after {
                self.list.push(Extremum { index, value: f64::from(here), is_peak });
            }
        }
        self.drop_small_peaks(f64::from(first), threshold);
        self.drop_small_valleys(f64::from(first), threshold);
        self.alternate();
    }

    fn drop_small_peaks(&mut self, first: f64, threshold: f64) {
        let (mut previous, mut valley, mut peak) = (first, first, first);
        let mut last_kept: Option<usize> = None;
        let mut after_valley = false;
        self.keep.clear();
        self.keep.resize(self.list.len(), true);
        for (place, extremum) in self.list.iter().enumerate() {
            let value = extremum.value;
            let steep = (value - previous).abs() >= threshold;
            previous = value;
            if !extremum.is_peak {
                if steep {
                    (after_valley, valley) = (true, value);
                }
                continue;
            }
            if !steep && value - valley < threshold {
                self.keep[place] = false;
                continue;
            }
            let higher = !steep && value > HIGHER * peak;
            if let Some(last) = last_kept.filter(|_| higher) {
                self.keep[last] = false;
            }
            self.keep[place] = steep || higher || after_valley;
            if self.keep[place] {
                (peak, last_kept) = (value, Some(place));
            }
            after_valley = false;
        }
        self.drop_unkept();
    }

    fn drop_small_valleys(&mut self, first: f64, threshold: f64) {
        let mut peak = first;
        self.list.retain(|extremum| {
            if extremum.is_peak {
                peak = extremum.value;
            }
            extremum.is_peak || peak - extremum.value >= threshold
        });
    }

    /// Of neighbours of one kind keeps the most extreme, the first of equal ones.
    fn alternate(&mut self) {
        self.list.dedup_by(|next, kept| {
            let same = next.is_peak == kept.is_peak;
            let farther = if next.is_peak { next.value > kept.value } else { next.value < kept.value };
            if same && farther {
                *kept = *next;
            }
            same
        });
    }

    fn drop_unkept(&mut self) {
        let mut keep = self.keep.iter();
        self.list.retain(|_| keep.next().copied().unwrap_or(true));
    }

    /// How many peaks there are.
    pub(crate) fn peaks(&self) -> usize {
        self.list.iter().filter(|extremum| extremum.is_peak).count()
    }

    /// Heights and distances of the peaks and the heights of the valleys.
    pub(crate) fn heights(&self) -> Heights {
        let mut heights = Heights { valley_range: self.range_of(false), ..Heights::default() };
        let peaks = || self.list.iter().filter(|extremum| extremum.is_peak);
        let (Some(first), Some(last)) = (peaks().next(), peaks().next_back()) else { return heights };
        let count = self.peaks();
        heights.peak_range = self.range_of(true);
        heights.mean_peak = peaks().map(|peak| peak.value).sum::<f64>() / count as f64;
        if count > 1 {
            let gaps = (count - 1) as f64;
            heights.distance = (last.index - first.index) as f64 / gaps;
            let from_valleys = self.list.array_windows().filter(|[_, peak]| peak.is_peak && peak.index > first.index);
            let squares = from_valleys.map(|[valley, peak]| (peak.index - valley.index) as f64 - heights.distance);
            heights.distance_deviation = (squares.map(|distance| distance * distance).sum::<f64>() / gaps).sqrt();
        }
        heights
    }

    /// The highest less the lowest peak or valley.
    fn range_of(&self, peaks: bool) -> f64 {
        let mut values = self.list.iter().filter(|extremum| extremum.is_peak == peaks).map(|extremum| extremum.value);
        let Some(first) = values.next() else { return 0.0 };
        let (low, high) = values.fold((first, first), |(low, high), value| (low.min(value), high.max(value)));
        high - low
    }

    /// Mean and standard deviation of the slopes of the same contour.
    ///
    /// As in the published sets, the piece after the last extremum counts in the means, a falling one with a negative sign
    /// where all others are positive; in the deviations it is counted but not summed.
    pub(crate) fn slopes(&mut self, values: &[f32]) -> SlopeMoments {
        let (Some(&first), Some(&last)) = (values.first(), values.last()) else { return SlopeMoments::default() };
        let (first, last, end) = (f64::from(first), f64::from(last), values.len() - 1);
        self.rising.clear();
        self.falling.clear();
        let (mut peak, mut valley) = ((first, 0), (first, 0));
        let mut last_was_rising = None;
        let per_second = |height: f64, from: usize, to: usize| height / ((to - from) as f64 * HOP);
        for extremum in &self.list {
            if extremum.is_peak {
                peak = (extremum.value, extremum.index);
                self.rising.push(per_second(peak.0 - valley.0, valley.1, peak.1));
                last_was_rising = Some(true);
            } else {
                valley = (extremum.value, extremum.index);
                self.falling.push(per_second(peak.0 - valley.0, peak.1, valley.1));
                last_was_rising = Some(false);
            }
        }
        let mut rest = (None, None);
        match last_was_rising {
            Some(true) => rest.1 = Some(per_second(last - peak.0, peak.1, end)),
            Some(false) => rest.0 = Some(per_second(last - valley.0, valley.1, end)),
            None => {
                let slope = (last - first) / values.len() as f64;
                rest = (Some(slope).filter(|slope| *slope > 0.0), Some(slope).filter(|slope| *slope < 0.0));
            }
        }
        SlopeMoments { rising: slope_moments(&self.rising, rest.0), falling: slope_moments(&self.falling, rest.1) }
    }
}

fn slope_moments(slopes: &[f64], rest: Option<f64>) -> (f64, f64) {
    let count = slopes.len() + usize::from(rest.is_some());
    if count == 0 {
        return (0.0, 0.0);
    }
    let mean = (slopes.iter().sum::<f64>() + rest.unwrap_or(0.0)) / count as f64;
    let squares: f64 = slopes.iter().map(|slope| (slope - mean).powi(2)).sum();
    (mean, (squares / count as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slopes(values: &[f32]) -> (usize, SlopeMoments) {
        let mut extrema = Extrema::default();
        extrema.find(values);
        (extrema.peaks(), extrema.slopes(values))
    }

    #[test]
    fn triangles_have_their_slopes() {
        // Up by 1 and down by 2 a value, three times.
        let values: Vec<f32> = [0, 1, 2, 3, 4, 5, 6, 4, 2].repeat(3).into_iter().map(|v| v as f32).collect();
        let (peaks, found) = slopes(&values);
        assert_eq!(peaks, 3);
        assert!((found.rising.0 - 100.0).abs() < 1e-9 && found.rising.1 < 1e-9, "{found:?}");
        // Two falls of 200 a second and the end piece, which has the other sign.
        assert!((found.falling.0 - 200.0 / 3.0).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn ripples_are_no_peaks_and_short_contours_are_defined() {
        let values: Vec<f32> =
            (0..100_u8).map(|n| (f32::from(n) * 0.1).sin() + if n % 2 == 0 { 0.02 } else { 0.0 }).collect();
        assert_eq!(slopes(&values).0, 2);
        assert_eq!(slopes(&[]), (0, SlopeMoments::default()));
        assert_eq!(slopes(&[1.0]), (0, SlopeMoments::default()));
        assert_eq!(slopes(&[1.0, 3.0]).1.rising, (1.0, 0.0));
        assert_eq!(slopes(&[3.0, 2.0, 1.0, 0.0]).1.falling, (-0.75, 0.0));
    }
}
