//! How far a recording is out of tune with A = 440 Hz.
//!
//! Chroma bins can only be placed well when the pitch to which the voice or the instruments are tuned is known. The
//! estimate looks at all spectral peaks, refines each by a parabola, and takes the most frequent distance to the nearest
//! chroma bin. It is the maximum of a histogram, so one peak in another bin can move it: the operations here keep the
//! precision and the order of librosa's, single where those are single and double where those are double.

use serde::{Deserialize, Serialize};

use crate::error::FeatureError;
use crate::frames::Frames;
use crate::lanes::vectorized;
use crate::stft::bin_frequencies;

/// Which peaks count, and how finely they are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TuningParams {
    /// Lowest frequency of a peak in hertz. Default 150.
    pub low: f64,
    /// Peaks lie below this frequency in hertz, and below half the sampling rate. Default 4000.
    pub high: f64,
    /// A peak exceeds this part of the largest magnitude of its frame, 0 to 1. Default 0.1.
    pub threshold: f32,
    /// Width of the histogram's bins in chroma bins, 0.0001 to 1. Default 0.01.
    pub resolution: f64,
    /// Chroma bins to the octave, 1 to 1024. Default 12; the result is in their unit.
    pub bins_per_octave: usize,
}

impl Default for TuningParams {
    fn default() -> Self {
        Self { low: 150.0, high: 4000.0, threshold: 0.1, resolution: 0.01, bins_per_octave: 12 }
    }
}

impl TuningParams {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] that names the first field out of range.
    pub fn check(&self) -> Result<(), FeatureError> {
        if !(self.low.is_finite() && self.low >= 0.0) {
            return Err(FeatureError::parameter("low", "a frequency in hertz, not negative", self.low));
        }
        if !(self.high.is_finite() && self.high > self.low) {
            return Err(FeatureError::parameter("high", format!("a frequency above {} Hz", self.low), self.high));
        }
        if !(0.0..=1.0).contains(&self.threshold) {
            return Err(FeatureError::parameter("threshold", "0 to 1", self.threshold));
        }
        if !(1e-4..=1.0).contains(&self.resolution) {
            return Err(FeatureError::parameter("resolution", "0.0001 to 1", self.resolution));
        }
        if !(1..=1024).contains(&self.bins_per_octave) {
            return Err(FeatureError::parameter("bins_per_octave", "1 to 1024", self.bins_per_octave));
        }
        Ok(())
    }
}

/// Collects the spectral peaks of a recording and finds its tuning.
///
/// ```
/// use stimmung_features::{PeakTuner, Stft, StftParams, TuningParams};
///
/// // A tone a fifth of a semitone above A = 440 Hz.
/// let turn = std::f32::consts::TAU * 440.0 * 2.0_f32.powf(0.2 / 12.0) / 16_000.0;
/// let tone: Vec<f32> = (0..16_000).map(|n| (n as f32 * turn).sin()).collect();
/// let spectra = Stft::new(StftParams::default())?.magnitudes(&tone);
/// let mut tuner = PeakTuner::new(&TuningParams::default(), 16_000, 2048)?;
/// for frame in spectra.iter() {
///     tuner.add_frame(frame);
/// }
/// assert!((tuner.tuning() - 0.2).abs() < 0.02);
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
#[derive(Debug, Clone)]
pub struct PeakTuner {
    params: TuningParams,
    /// Bins that may hold a peak.
    range: std::ops::Range<usize>,
    sample_rate: f64,
    n_fft: f64,
    pitches: Vec<f32>,
    strengths: Vec<f32>,
    marks: Vec<u8>,
    sorted: Vec<f32>,
}

impl PeakTuner {
    /// A tuner for magnitude spectra of transforms of `n_fft` samples.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] where `params` are out of range.
    pub fn new(params: &TuningParams, sample_rate: u32, n_fft: usize) -> Result<Self, FeatureError> {
        params.check()?;
        let frequencies: Vec<f64> = bin_frequencies(sample_rate, n_fft).collect();
        let high = params.high.min(f64::from(sample_rate) / 2.0);
        // The first and the last bin lack a neighbour.
        let first = frequencies.partition_point(|f| *f < params.low).max(1);
        let end = frequencies.partition_point(|f| *f < high).min(frequencies.len() - 1).max(first);
        Ok(Self {
            params: *params,
            range: first..end,
            sample_rate: f64::from(sample_rate),
            n_fft: n_fft as f64,
            pitches: Vec::new(),
            strengths: Vec::new(),
            marks: vec![0; (end - first).next_multiple_of(8)],
            sorted: Vec::new(),
        })
    }

    /// Forgets all peaks.
    pub fn clear(&mut self) {
        self.pitches.clear();
        self.strengths.clear();
    }

    /// Frequency in hertz and interpolated magnitude of every peak so far.
    pub fn peaks(&self) -> impl Iterator<Item = (f32, f32)> {
        self.pitches.iter().copied().zip(self.strengths.iter().copied())
    }

    /// Adds the peaks of one magnitude spectrum: bins above the threshold that exceed their lower neighbour and are not
    /// below their upper one, moved to the top of the parabola through the three (Smith 2011, Spectral Audio Signal
    /// Processing). A spectrum shorter than the transform's has no peaks beyond its end.
    pub fn add_frame(&mut self, spectrum: &[f32]) {
        let end = self.range.end.min(spectrum.len().saturating_sub(1));
        if end <= self.range.start {
            return;
        }
        let marks = &mut self.marks;
        let start = self.range.start;
        let threshold = self.params.threshold;
        vectorized(
            #[inline(always)]
            || {
                let floor = threshold * maximum(spectrum);
                let left = &spectrum[start - 1..end - 1];
                let middle = &spectrum[start..end];
                let right = &spectrum[start + 1..=end];
                for (((mark, l), m), r) in marks.iter_mut().zip(left).zip(middle).zip(right) {
                    *mark = u8::from(m > &floor) & u8::from(m > l) & u8::from(m >= r);
                }
            },
        );
        // Eight marks at a time, for most are zero.
        for (index, eight) in self.marks.chunks_exact(8).enumerate() {
            let mut word = eight.iter().rev().fold(0_u64, |word, mark| word << 8 | u64::from(*mark));
            while word != 0 {
                let bin = start + 8 * index + word.trailing_zeros() as usize / 8;
                word &= word - 1;
                if bin < end {
                    let (pitch, strength) = self.refine(spectrum, bin);
                    self.pitches.push(pitch);
                    self.strengths.push(strength);
                }
            }
        }
    }

    /// Frequency and height of the parabola through a bin and its neighbours.
    fn refine(&self, spectrum: &[f32], bin: usize) -> (f32, f32) {
        let (left, middle, right) = (spectrum[bin - 1], spectrum[bin], spectrum[bin + 1]);
        let curvature = f64::from(right + left) - 2.0 * f64::from(middle);
        let slope = f64::from(right - left) / 2.0;
        let shift = if slope.abs() >= curvature.abs() { 0.0 } else { (-slope / curvature) as f32 };
        let pitch = ((bin as f64 + f64::from(shift)) * self.sample_rate / self.n_fft) as f32;
        let gradient = (right - left) / 2.0;
        (pitch, middle + 0.5 * gradient * shift)
    }

    /// The tuning in chroma bins, −0.5 to 0.5: the most frequent deviation among the peaks at least as strong as their
    /// median; 0 where there is no peak.
    pub fn tuning(&mut self) -> f64 {
        if self.strengths.is_empty() {
            return 0.0;
        }
        self.sorted.clear();
        self.sorted.extend_from_slice(&self.strengths);
        let middle = self.sorted.len() / 2;
        let (below, upper, _) = self.sorted.select_nth_unstable_by(middle, f32::total_cmp);
        let median = if self.strengths.len().is_multiple_of(2) {
            let lower = below.iter().copied().fold(f32::MIN, f32::max);
            f32::midpoint(lower, *upper)
        } else {
            *upper
        };
        let strong = self.peaks().filter(|(pitch, strength)| *strength >= median && *pitch > 0.0);
        pitch_tuning(strong.map(|(pitch, _)| pitch), self.params.resolution, self.params.bins_per_octave)
    }
}

/// Largest value of a spectrum, which has no negative ones.
#[inline(always)]
fn maximum(spectrum: &[f32]) -> f32 {
    let mut most = [0.0_f32; 16];
    let chunks = spectrum.chunks_exact(16);
    let rest = chunks.remainder().iter().copied().fold(0.0_f32, f32::max);
    for chunk in chunks {
        for (m, value) in most.iter_mut().zip(chunk) {
            *m = if *value > *m { *value } else { *m };
        }
    }
    most.iter().copied().fold(rest, f32::max)
}

/// The most frequent deviation of frequencies in hertz from the chroma bins tuned to A = 440 Hz, in bins, from −0.5 to
/// 0.5 in steps of `resolution`; the smallest among equals, and 0 where there is no frequency.
///
/// ```
/// let tuning = stimmung_features::pitch_tuning([440.0, 880.0, 660.0], 0.01, 12);
/// assert_eq!(tuning, 0.0);
/// ```
pub fn pitch_tuning(frequencies: impl IntoIterator<Item = f32>, resolution: f64, bins_per_octave: usize) -> f64 {
    let bins = (1.0 / resolution).ceil().clamp(1.0, 1e6) as usize;
    let step = 1.0 / bins as f64;
    let edge = |index: usize| index as f64 * step - 0.5;
    let mut counts = vec![0_u32; bins];
    let mut any = false;
    for frequency in frequencies {
        let octaves = f64::from(frequency / 27.5).log2() as f32;
        let mut residual = (bins_per_octave as f32 * octaves) % 1.0;
        if residual < 0.0 {
            residual += 1.0;
        }
        if residual >= 0.5 {
            residual -= 1.0;
        }
        let residual = f64::from(residual);
        let mut index = (((residual + 0.5) * bins as f64) as usize).min(bins - 1);
        // The product rounds otherwise than the edges do.
        if residual < edge(index) {
            index = index.saturating_sub(1);
        } else if index + 1 < bins && residual >= edge(index + 1) {
            index += 1;
        }
        counts[index] += 1;
        any = true;
    }
    if !any {
        return 0.0;
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    counts.iter().position(|count| *count == most).map_or(0.0, edge)
}

/// The tuning of a magnitude spectrogram of shape `(frames, bins)`, in chroma bins from −0.5 to 0.5.
///
/// # Errors
/// [`FeatureError::Parameter`] where `params` are out of range, [`FeatureError::Width`] for a spectrogram of fewer than
/// two bins.
pub fn estimate_tuning(magnitudes: &Frames, params: &TuningParams, sample_rate: u32) -> Result<f64, FeatureError> {
    if magnitudes.bands() < 2 {
        return Err(FeatureError::Width { what: "the spectrogram", expected: 2, actual: magnitudes.bands() });
    }
    let mut tuner = PeakTuner::new(params, sample_rate, 2 * (magnitudes.bands() - 1))?;
    magnitudes.iter().for_each(|frame| tuner.add_frame(frame));
    Ok(tuner.tuning())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviations_are_found_for_any_division_of_the_octave() {
        for bins in [12_usize, 36, 80] {
            for cents in [-40_i32, -10, 0, 20, 45] {
                let deviation = f64::from(cents) / 100.0;
                let frequencies =
                    (0..50).map(|k| (220.0 * 2.0_f64.powf((f64::from(k) + deviation) / bins as f64)) as f32);
                let found = pitch_tuning(frequencies, 0.01, bins);
                assert!((found - deviation).abs() < 0.011, "{bins} {deviation} {found}");
            }
        }
    }

    #[test]
    fn no_peak_is_in_tune() {
        assert_eq!(pitch_tuning([], 0.01, 12), 0.0);
        let silence = Frames::zeros(5, 1025);
        assert_eq!(estimate_tuning(&silence, &TuningParams::default(), 16_000).unwrap(), 0.0);
        let low_rate = Frames::from_rows((0..1025).map(|v| (v % 3) as f32).collect(), 1025).unwrap();
        assert_eq!(estimate_tuning(&low_rate, &TuningParams::default(), 200).unwrap(), 0.0);
        assert!(estimate_tuning(&Frames::zeros(3, 1), &TuningParams::default(), 16_000).is_err());
    }

    #[test]
    fn gain_does_not_change_the_tuning() {
        let mut state = 7_u32;
        let values: Vec<f32> = (0..1025 * 20)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32
            })
            .collect();
        let quiet = Frames::from_rows(values.iter().map(|v| v / 1024.0).collect(), 1025).unwrap();
        let loud = Frames::from_rows(values, 1025).unwrap();
        let params = TuningParams { bins_per_octave: 80, ..TuningParams::default() };
        assert_eq!(estimate_tuning(&loud, &params, 16_000).unwrap(), estimate_tuning(&quiet, &params, 16_000).unwrap());
    }

    #[test]
    fn bad_parameters_are_named() {
        let default = TuningParams::default();
        for (params, field) in [
            (TuningParams { low: -1.0, ..default }, "low"),
            (TuningParams { high: 150.0, ..default }, "high"),
            (TuningParams { threshold: 1.5, ..default }, "threshold"),
            (TuningParams { resolution: 0.0, ..default }, "resolution"),
            (TuningParams { bins_per_octave: 0, ..default }, "bins_per_octave"),
        ] {
            assert!(matches!(params.check(), Err(FeatureError::Parameter { name, .. }) if name == field));
        }
    }
}
