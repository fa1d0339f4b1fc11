//! From the contours of the descriptors to the 88 values.

use crate::functionals::{Extrema, Moments, Percentiles, moments, segments};
use crate::lld::framing::HOP;
use crate::lld::smoothing::{smooth, smooth_nonzero};

use super::FUNCTIONALS;
use super::contours::Contours;
use super::names::SPECTRAL;

/// The least mean square that is told from silence: −120 dB.
const SILENCE: f64 = 1e-12;

/// Places of descriptors among the contours.
const LOUDNESS: usize = 0;
const ALPHA_RATIO: usize = 1;
const FLUX: usize = 5;
const SEMITONES: usize = SPECTRAL;
const JITTER: usize = SEMITONES + 1;
const FORMANTS: usize = 16;

/// Scratch of the functionals, and the values so far.
#[derive(Debug, Default)]
pub(super) struct Functionals {
    masked: Vec<f32>,
    smoothed: Vec<f32>,
    percentiles: Percentiles,
    extrema: Extrema,
    values: Vec<f64>,
}

/// Which frames a contour is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Voiced,
    Unvoiced,
}

impl Functionals {
    pub(super) fn of(&mut self, contours: &Contours) -> Vec<f32> {
        self.values.clear();
        let frames = contours.values[LOUDNESS].len();

        self.smooth_fundamental(contours);
        let voiced = segments(&self.smoothed, |value| value != 0.0);
        let unvoiced = segments(&self.smoothed, |value| value == 0.0);
        self.smoothed.retain(|value| *value != 0.0);
        self.add_ten();

        self.smooth_all(&contours.values[LOUDNESS]);
        self.add_ten();
        let peaks = self.extrema.peaks();

        for contour in &contours.values[FLUX..SPECTRAL] {
            self.smooth_all(contour);
            self.add_two();
        }
        for index in JITTER..contours.values.len() {
            self.smooth_voice(contours, index);
            self.add_two();
        }
        for index in ALPHA_RATIO..SPECTRAL {
            self.smooth_part(contours, index, Part::Voiced);
            self.add_two();
        }
        for index in ALPHA_RATIO..=FLUX {
            self.smooth_part(contours, index, Part::Unvoiced);
            self.values.push(self.moments().mean);
        }

        let seconds = contours.decided as f64 * HOP;
        let per_second = |count: usize, seconds: f64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
        let energy = contours.energy / frames.max(1) as f64;
        self.values.extend([
            per_second(peaks, frames as f64 * HOP),
            per_second(voiced.count, seconds),
            voiced.mean,
            voiced.deviation,
            unvoiced.mean,
            unvoiced.deviation,
            10.0 * energy.max(SILENCE).log10(),
        ]);
        debug_assert_eq!(self.values.len(), FUNCTIONALS);
        self.values.iter().map(|value| *value as f32).collect()
    }

    fn moments(&self) -> Moments {
        moments(self.smoothed.iter().map(|value| f64::from(*value)))
    }

    /// Mean and normalised deviation.
    fn add_two(&mut self) {
        let moments = self.moments();
        self.values.extend([moments.mean, moments.normalized_deviation()]);
    }

    /// Those, percentiles, their range, and the slopes of rises and falls.
    fn add_ten(&mut self) {
        self.add_two();
        let [low, middle, high] = self.percentiles.of(&self.smoothed, [0.2, 0.5, 0.8]);
        self.extrema.find(&self.smoothed);
        let slopes = self.extrema.slopes(&self.smoothed);
        self.values.extend([low, middle, high, (high - low).abs()]);
        self.values.extend([slopes.rising.0, slopes.rising.1, slopes.falling.0, slopes.falling.1]);
    }

    /// A contour over all frames.
    fn smooth_all(&mut self, contour: &[f32]) {
        self.smoothed.clear();
        smooth(contour, &mut self.smoothed);
    }

    /// The fundamental, its zeros among it, over the frames that were decided before the end.
    fn smooth_fundamental(&mut self, contours: &Contours) {
        self.smoothed.clear();
        smooth_nonzero(&contours.values[SEMITONES], &mut self.smoothed);
        self.smoothed.truncate(contours.decided);
    }

    /// A contour of the voice over the frames that were decided before the end, as if there were no others, and without
    /// its zeros. Formants are left out where there is no voice, their levels are not.
    fn smooth_voice(&mut self, contours: &Contours, index: usize) {
        let frames = contours.decided.max(1);
        let is_level = index >= FORMANTS && (index - FORMANTS) % 3 == 2;
        let masked = index >= FORMANTS && !is_level;
        self.masked.clear();
        let frames = contours.values[index].iter().zip(&contours.values[SEMITONES]).take(frames);
        self.masked.extend(frames.map(|(value, semitones)| if masked && *semitones == 0.0 { 0.0 } else { *value }));
        self.smooth_masked();
    }

    /// A spectral contour over the voiced or the unvoiced frames that were decided before the end, and without its zeros.
    fn smooth_part(&mut self, contours: &Contours, index: usize, part: Part) {
        // The frame after the last one smooths it.
        let frames = if contours.decided == 0 { 1 } else { contours.decided + 1 };
        self.masked.clear();
        let frames = contours.values[index].iter().zip(&contours.values[SEMITONES]).take(frames);
        self.masked.extend(frames.map(|(value, semitones)| {
            let belongs = (*semitones != 0.0) == (part == Part::Voiced);
            if belongs { *value } else { 0.0 }
        }));
        self.smoothed.clear();
        smooth_nonzero(&self.masked, &mut self.smoothed);
        self.smoothed.truncate(contours.decided.max(1));
        self.smoothed.retain(|value| *value != 0.0);
    }

    fn smooth_masked(&mut self) {
        self.smoothed.clear();
        smooth_nonzero(&self.masked, &mut self.smoothed);
        self.smoothed.retain(|value| *value != 0.0);
    }
}
