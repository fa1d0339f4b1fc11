//! Candidates of the fundamental by subharmonic summation.

use std::f64::consts::PI;
use std::ops::RangeInclusive;

use crate::lanes::{vectorized, wide_sum};
use crate::lld::octaves::OctaveAxis;
use crate::lld::parabola::vertex;

/// How many candidates a frame has.
pub(crate) const CANDIDATES: usize = 6;

/// The lowest frequency of the axis, in hertz.
const LOWEST: f64 = 25.0;

/// How many harmonics are summed, and what each counts against the one before.
const HARMONICS: usize = 15;
const COMPRESSION: f64 = 0.85;

/// A candidate of the fundamental; all 0 where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Candidate {
    pub(crate) hertz: f64,
    /// How far its sum stands out, 0 to 1: 1 − mean sum / its sum.
    pub(crate) voicing: f64,
}

/// Subharmonic summation (D. Hermes, "Measurement of pitch by subharmonic summation", JASA 83, 1988).
///
/// Peaks of the magnitude spectrum are laid out over octaves and weighted as the ear does; the sum
/// S(f) = 1/15 Σ 0.85^(h−1) · P(h·f) over 15 harmonics is highest at the fundamental. The six highest peaks of the sum are the candidates, the best one
/// first; those outside of the range of voices are dropped.
pub(crate) struct SubharmonicSummation {
    range: RangeInclusive<f64>,
    axis: OctaveAxis,
    /// The octave of the first point and from point to point.
    first: f64,
    step: f64,
    /// Sensitivity of the ear at every point.
    weights: Vec<f64>,
    /// How far above a point its harmonics lie, and what they count.
    harmonics: [(usize, f64); HARMONICS],
    flags: Vec<f64>,
    peaks: Vec<f64>,
    smoothed: Vec<f64>,
    points: Vec<f64>,
    sums: Vec<f64>,
}

impl SubharmonicSummation {
    /// For spectra of `bins` bins `bin_width` hertz apart and fundamentals of a range in hertz.
    pub(crate) fn new(bins: usize, bin_width: f64, range: RangeInclusive<f64>) -> Self {
        let first = LOWEST.log2();
        let octaves = ((bins - 1) as f64 * bin_width).log2() - first;
        let step = octaves / (bins - 1) as f64;
        // One more than there are steps: the set is made so.
        let per_octave = bins as f64 / octaves;
        let middle = per_octave * (65.0_f64 / 50.0).log2() - 1.0;
        let weight = |point: usize| 0.5 + (3.0 * ((point + 1) as f64 - middle) / per_octave).atan() / PI;
        let harmonic = |index: usize| {
            let shift = (per_octave * ((index + 1) as f64).log2()).floor() as usize;
            (shift, COMPRESSION.powi(index as i32) / HARMONICS as f64)
        };
        Self {
            range,
            axis: OctaveAxis::new(bins, bin_width, first, step),
            first,
            step,
            weights: (0..bins).map(weight).collect(),
            harmonics: std::array::from_fn(harmonic),
            flags: vec![0.0; bins + 2 * SIDE],
            peaks: vec![0.0; bins],
            smoothed: vec![0.0; bins],
            points: vec![0.0; bins],
            sums: vec![0.0; bins],
        }
    }

    /// The candidates of a frame with these magnitudes.
    pub(crate) fn candidates(&mut self, magnitudes: &[f64]) -> [Candidate; CANDIDATES] {
        keep_peaks(magnitudes, &mut self.flags, &mut self.peaks);
        blur(&self.peaks, &mut self.smoothed);
        self.axis.resample(&self.smoothed, &mut self.points);
        self.sum();
        self.pick()
    }

    fn sum(&mut self) {
        let Self { weights, harmonics, points, sums, .. } = self;
        vectorized(
            #[inline(always)]
            || {
                for (point, weight) in points.iter_mut().zip(weights) {
                    *point = if *point > 0.0 { *point * *weight } else { 0.0 };
                }
                sums.fill(0.0);
                for (shift, weight) in harmonics {
                    let above = points.get(*shift..).unwrap_or_default();
                    for (sum, point) in sums.iter_mut().zip(above) {
                        *sum += *weight * *point;
                    }
                }
            },
        );
    }

    fn pick(&self) -> [Candidate; CANDIDATES] {
        let mean = wide_sum(&self.sums) / self.sums.len() as f64;
        let mut candidates = [Candidate::default(); CANDIDATES];
        let (mut count, mut best, mut best_score) = (0, 0, f64::NEG_INFINITY);
        for point in highest_peaks(&self.sums).into_iter().flatten() {
            let around = [self.sums[point - 1], self.sums[point], self.sums[point + 1]];
            let (octave, score) = vertex(self.first + point as f64 * self.step, self.step, around);
            let hertz = octave.exp2();
            if self.range.contains(&hertz) {
                if score > best_score {
                    (best, best_score) = (count, score);
                }
                let voicing = if score > mean { 1.0 - mean / score } else { 0.0 };
                candidates[count] = Candidate { hertz, voicing };
                count += 1;
            }
        }
        candidates.swap(0, best);
        candidates
    }
}

/// Bins on each side of a peak that belong to it.
const SIDE: usize = 2;

/// Writes the magnitudes without what lies between two peaks and belongs to neither.
///
/// `flags` holds 1 for every peak, with [`SIDE`] places before and after those of the bins: no branch depends on a bin.
fn keep_peaks(magnitudes: &[f64], flags: &mut [f64], peaks: &mut [f64]) {
    let last = magnitudes.len() - 1;
    vectorized(
        #[inline(always)]
        || {
            for (flag, around) in flags[SIDE + 1..].iter_mut().zip(magnitudes.windows(3)) {
                *flag = f64::from(around[1] > around[0]) * f64::from(around[1] >= around[2]);
            }
            flags[SIDE] = f64::from(magnitudes[0] > magnitudes[1]);
            flags[SIDE + last] = f64::from(magnitudes[last] > magnitudes[last - 1]);
            for ((peak, magnitude), near) in peaks.iter_mut().zip(magnitudes).zip(flags.windows(2 * SIDE + 1)) {
                let near = near[0] + near[1] + near[2] + near[3] + near[4];
                *peak = if near > 0.0 { *magnitude } else { 0.0 };
            }
        },
    );
    let flags = &flags[SIDE..=SIDE + last];
    let (Some(low), Some(high)) =
        (flags.iter().position(|flag| *flag > 0.0), flags.iter().rposition(|flag| *flag > 0.0))
    else {
        peaks.copy_from_slice(magnitudes);
        return;
    };
    peaks[..low].copy_from_slice(&magnitudes[..low]);
    peaks[high..].copy_from_slice(&magnitudes[high..]);
    if low == high {
        // The sets are made so; it hardly ever happens.
        peaks[3..].fill(0.0);
    }
}

/// Weighs every bin and its neighbours by ¼, ½, ¼; the last stays as it is.
fn blur(values: &[f64], smoothed: &mut [f64]) {
    let last = values.len() - 1;
    smoothed[0] = 0.25 * (2.0 * values[0] + values[1]);
    vectorized(
        #[inline(always)]
        || {
            for (to, around) in smoothed[1..last].iter_mut().zip(values.windows(3)) {
                *to = 0.25 * (around[0] + 2.0 * around[1] + around[2]);
            }
        },
    );
    smoothed[last] = values[last];
}

/// Positions of the highest peaks, the highest first; of equal ones the lower position.
fn highest_peaks(sums: &[f64]) -> [Option<usize>; CANDIDATES] {
    let mut places: [Option<usize>; CANDIDATES] = [None; CANDIDATES];
    let mut least = f64::NEG_INFINITY;
    for (index, around) in sums.windows(3).enumerate() {
        let height = around[1];
        // Few are as high as the sixth highest so far, so this is asked first.
        if height > least && height > around[0] && height > around[2] {
            let place = places.iter().position(|other| other.is_none_or(|other| sums[other] < height));
            if let Some(place) = place {
                places[place..].rotate_right(1);
                places[place] = Some(index + 1);
            }
            least = places[CANDIDATES - 1].map_or(f64::NEG_INFINITY, |other| sums[other]);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Harmonics of 1/h as the window spreads them.
    fn spectrum(hertz: f64, bins: usize, width: f64) -> Vec<f64> {
        let line = |bin: usize, harmonic: usize| {
            (-((bin as f64 * width - harmonic as f64 * hertz) / 20.0).powi(2)).exp() / harmonic as f64
        };
        (0..bins).map(|bin| (1..=12).map(|harmonic| line(bin, harmonic)).sum()).collect()
    }

    #[test]
    fn the_first_candidate_is_the_fundamental() {
        for (bins, width) in [(257, 15.625), (513, 15.625), (2049, 11.718_75)] {
            let mut summation = SubharmonicSummation::new(bins, width, 55.0..=1000.0);
            for hertz in [80.0, 123.0, 200.0, 333.0, 500.0] {
                let candidates = summation.candidates(&spectrum(hertz, bins, width));
                assert!((candidates[0].hertz / hertz - 1.0).abs() < 0.02, "{hertz}: {candidates:?}");
                assert!(candidates[0].voicing > 0.7, "{hertz}: {candidates:?}");
            }
        }
    }

    #[test]
    fn silence_has_none_and_all_lie_in_the_range() {
        let mut summation = SubharmonicSummation::new(513, 15.625, 55.0..=1000.0);
        assert_eq!(summation.candidates(&vec![0.0; 513]), [Candidate::default(); CANDIDATES]);
        let candidates = summation.candidates(&spectrum(900.0, 513, 15.625));
        assert!(candidates.iter().all(|c| c.hertz == 0.0 || (55.0..=1000.0).contains(&c.hertz)), "{candidates:?}");
    }

    #[test]
    fn only_the_surroundings_of_peaks_are_kept() {
        let magnitudes = [0.0, 1.0, 5.0, 4.0, 3.0, 2.0, 1.0, 2.0, 3.0, 4.0, 6.0, 1.0];
        let (mut flags, mut peaks) = ([0.0; 16], [9.0; 12]);
        keep_peaks(&magnitudes, &mut flags, &mut peaks);
        assert_eq!(peaks, [0.0, 1.0, 5.0, 4.0, 3.0, 0.0, 0.0, 0.0, 3.0, 4.0, 6.0, 1.0]);
        // What lies outside of all peaks stays; of a single peak only the lowest bins do.
        let slope = [9.0, 8.0, 1.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.9, 0.8, 0.7, 0.6];
        keep_peaks(&slope, &mut flags, &mut peaks);
        assert_eq!(peaks, slope);
        let single = [0.0, 1.0, 2.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.9, 0.8, 0.7, 0.6];
        keep_peaks(&single, &mut flags, &mut peaks);
        assert_eq!((peaks[..3].to_vec(), peaks[3..].to_vec()), (vec![0.0, 1.0, 2.0], vec![0.0; 9]));
    }
}
