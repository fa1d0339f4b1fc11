//! Chroma: the spectrum folded onto one octave.

use serde::{Deserialize, Serialize};

use crate::error::FeatureError;
use crate::frames::{Frames, Norm, normalize};
use crate::lanes::{LANES, Lane, lane_weighted_sum, vectorized};
use crate::tuning::{TuningParams, estimate_tuning};

/// A weight below this part of the largest possible one adds less to a chroma value than single precision resolves,
/// even where the spectrum spans 90 dB, and is left out.
const NEGLIGIBLE: f64 = 1e-13;

/// A chroma filter bank.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChromaParams {
    /// Chroma bins to the octave, 1 to 1024. Default 12. With a multiple of 12 the first is C, otherwise near it.
    pub bins: usize,
    /// Centre of the weighting over octaves, in octaves above 27.5 Hz. Default 5: A = 880 Hz.
    pub centre: f64,
    /// Width (standard deviation) of that weighting in octaves, positive; `None` for no weighting. Default 2.
    pub width: Option<f64>,
}

impl Default for ChromaParams {
    fn default() -> Self {
        Self { bins: 12, centre: 5.0, width: Some(2.0) }
    }
}

impl ChromaParams {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] that names the first field out of range.
    pub fn check(&self) -> Result<(), FeatureError> {
        if !(1..=1024).contains(&self.bins) {
            return Err(FeatureError::parameter("bins", "1 to 1024", self.bins));
        }
        if !self.centre.is_finite() {
            return Err(FeatureError::parameter("centre", "a number of octaves", self.centre));
        }
        match self.width {
            Some(width) if !(width.is_finite() && width > 0.0) => {
                Err(FeatureError::parameter("width", "a positive number of octaves", width))
            }
            _ => Ok(()),
        }
    }
}

/// How far a Gaussian is followed, in its widths of ±½: to e⁻⁴⁰, whose square is lost beside the largest weight's.
const REACH: f64 = 4.48;

/// Neighbouring frequency bins and their weights in one chroma bin.
#[derive(Debug, Clone, PartialEq)]
struct Run {
    first: usize,
    weights: Vec<f32>,
}

/// The filters that fold a spectrum onto one octave, for one sampling rate, transform and tuning.
///
/// Each frequency bin spreads over the chroma bins as a Gaussian of ±½ its own width (at least ±½ chroma bin), scaled
/// to Euclidean length 1 (Ellis 2007, Chroma feature analysis), times a Gaussian over the octaves.
///
/// ```
/// use stimmung_features::{ChromaBank, ChromaParams};
///
/// let bank = ChromaBank::new(&ChromaParams::default(), 0.0, 16_000, 2048)?;
/// // Bin 113 is 883 Hz: an A, nine semitones above C.
/// let strongest = (0..12).max_by(|a, b| bank.weight(*a, 113).total_cmp(&bank.weight(*b, 113)));
/// assert_eq!(strongest, Some(9));
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ChromaBank {
    rows: Vec<Vec<Run>>,
    spectrum_bins: usize,
}

impl ChromaBank {
    /// Builds the filters for transforms of `n_fft` samples; `tuning` is in chroma bins.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] where `params` or the tuning are out of range.
    pub fn new(params: &ChromaParams, tuning: f64, sample_rate: u32, n_fft: usize) -> Result<Self, FeatureError> {
        params.check()?;
        if !tuning.is_finite() {
            return Err(FeatureError::parameter("tuning", "a number of chroma bins", tuning));
        }
        let count = params.bins;
        let bins = count as f64;
        let spectrum_bins = n_fft / 2 + 1;
        let reference = 440.0 * 2.0_f64.powf(tuning / bins) / 16.0;
        let spacing = f64::from(sample_rate) / n_fft as f64;
        // Position of every frequency bin in chroma bins; bin 0 lies one and a half octaves below bin 1.
        let position = |bin: usize| bins * (spacing * bin as f64 / reference).log2();
        let mut positions: Vec<f64> = (0..=spectrum_bins).map(position).collect();
        positions[0] = positions[1] - 1.5 * bins;

        let half = (bins / 2.0).round_ties_even();
        // How many bins the lowest chroma bin, A, lies above the first of the output, C.
        let turn = count - 3 * (count / 12);
        let mut rows: Vec<Vec<Run>> = vec![Vec::new(); count];
        let mut column: Vec<(usize, f64)> = Vec::with_capacity(count);
        for bin in 0..spectrum_bins {
            let breadth = if bin + 1 < n_fft { (positions[bin + 1] - positions[bin]).max(1.0) } else { 1.0 };
            let reach = REACH * breadth;
            // All chroma bins within half an octave, each once, as far as the Gaussian reaches.
            let centre = positions[bin].rem_euclid(bins);
            let lowest = (centre - (bins - half)).floor() + 1.0;
            let from = lowest.max((centre - reach).ceil()) as i64;
            let to = (lowest + bins - 1.0).min((centre + reach).floor()) as i64;
            column.clear();
            column.extend((from..=to).map(|place| {
                let distance = 2.0 * (centre - place as f64) / breadth;
                (place.rem_euclid(count as i64) as usize, (-0.5 * distance * distance).exp())
            }));
            let length = column.iter().map(|(_, weight)| weight * weight).sum::<f64>().sqrt();
            let octave = params
                .width
                .map_or(1.0, |width| (-0.5 * ((positions[bin] / bins - params.centre) / width).powi(2)).exp());
            for (chroma, weight) in &column {
                let weight = weight / length;
                if weight < NEGLIGIBLE {
                    continue;
                }
                let weight = (weight * octave) as f32;
                let row = &mut rows[(chroma + turn) % count];
                match row.last_mut() {
                    Some(run) if run.first + run.weights.len() == bin => run.weights.push(weight),
                    _ => row.push(Run { first: bin, weights: vec![weight] }),
                }
            }
        }
        Ok(Self { rows, spectrum_bins })
    }

    /// Number of chroma bins.
    pub fn bins(&self) -> usize {
        self.rows.len()
    }

    /// The weight of a frequency bin in a chroma bin.
    ///
    /// # Panics
    /// Where there is no such chroma bin, as for a slice.
    pub fn weight(&self, chroma: usize, bin: usize) -> f32 {
        let inside = |run: &Run| bin.checked_sub(run.first).and_then(|index| run.weights.get(index)).copied();
        self.rows[chroma].iter().find_map(inside).unwrap_or(0.0)
    }

    /// Chroma energies, shape `(frames, chroma bins)`, of a spectrogram of shape `(frames, bins)`; not normalised.
    ///
    /// # Errors
    /// [`FeatureError::Width`] where the spectrogram has another number of bins.
    pub fn apply(&self, spectrogram: &Frames) -> Result<Frames, FeatureError> {
        spectrogram.expect_bands("the spectrogram", self.spectrum_bins)?;
        Ok(spectrogram.map_blocks(self.bins(), |block, output| {
            vectorized(
                #[inline(always)]
                || self.apply_block(block, output),
            );
        }))
    }

    /// The same on a block of frames in lanes.
    #[inline(always)]
    pub(crate) fn apply_block(&self, block: &[Lane], output: &mut [Lane]) {
        for (to, row) in output.iter_mut().zip(&self.rows) {
            let mut sum = [0.0; LANES];
            for run in row {
                let part = lane_weighted_sum(&run.weights, &block[run.first..]);
                for lane in 0..LANES {
                    sum[lane] += part[lane];
                }
            }
            *to = sum;
        }
    }
}

/// The chromagram, shape `(frames, chroma bins)`, of a magnitude or power spectrogram of shape `(frames, bins)`: tuning
/// estimated from it, folded, and every frame divided by its largest value.
///
/// ```
/// use stimmung_features::{ChromaParams, Stft, StftParams, chroma_stft};
///
/// let tone: Vec<f32> = (0..16_000).map(|n| (n as f32 * 0.172_787_6).sin()).collect(); // 440 Hz
/// let spectra = Stft::new(StftParams::default())?.magnitudes(&tone);
/// let chroma = chroma_stft(&spectra, &ChromaParams::default(), 16_000)?;
/// assert_eq!(chroma.frame(10)[9], 1.0);
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
///
/// # Errors
/// [`FeatureError::Parameter`] where `params` are out of range, [`FeatureError::Width`] for a spectrogram of fewer than
/// two bins.
pub fn chroma_stft(spectrogram: &Frames, params: &ChromaParams, sample_rate: u32) -> Result<Frames, FeatureError> {
    params.check()?;
    let tuning = TuningParams { bins_per_octave: params.bins, ..TuningParams::default() };
    let tuning = estimate_tuning(spectrogram, &tuning, sample_rate)?;
    let bank = ChromaBank::new(params, tuning, sample_rate, 2 * (spectrogram.bands() - 1))?;
    let mut chroma = bank.apply(spectrogram)?;
    normalize(&mut chroma, Norm::Maximum);
    Ok(chroma)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f32) -> Frames {
        let turn = std::f32::consts::TAU * hertz / 22_050.0;
        let signal: Vec<f32> = (0..11_025).map(|n| (n as f32 * turn).sin()).collect();
        crate::stft::Stft::new(crate::stft::StftParams::default()).unwrap().magnitudes(&signal)
    }

    #[test]
    fn a_semitone_up_turns_the_chroma_by_one() {
        for step in 0..12 {
            let chroma =
                chroma_stft(&tone(523.251 * 2.0_f32.powf(step as f32 / 12.0)), &ChromaParams::default(), 22_050)
                    .unwrap();
            assert_eq!(chroma.frame(10)[step], 1.0, "{step}");
        }
    }

    #[test]
    fn gain_changes_nothing_and_silence_stays_silent() {
        let spectra = tone(600.0);
        let louder = Frames::from_rows(spectra.values().iter().map(|v| 8.0 * v).collect(), 1025).unwrap();
        let params = ChromaParams { bins: 80, ..ChromaParams::default() };
        assert_eq!(chroma_stft(&spectra, &params, 22_050).unwrap(), chroma_stft(&louder, &params, 22_050).unwrap());
        let silence = chroma_stft(&Frames::zeros(3, 1025), &params, 22_050).unwrap();
        assert!(silence.values().iter().all(|value| *value == 0.0));
    }

    #[test]
    fn every_bin_has_length_one_before_the_octave_weighting() {
        let params = ChromaParams { bins: 60, width: None, ..ChromaParams::default() };
        let bank = ChromaBank::new(&params, 0.13, 16_000, 2048).unwrap();
        for bin in 0..1025 {
            let square: f32 = (0..60).map(|chroma| bank.weight(chroma, bin).powi(2)).sum();
            assert!((square - 1.0).abs() < 1e-5, "{bin}: {square}");
        }
    }

    #[test]
    fn bad_parameters_are_named() {
        let default = ChromaParams::default();
        for (params, field) in [
            (ChromaParams { bins: 0, ..default }, "bins"),
            (ChromaParams { centre: f64::NAN, ..default }, "centre"),
            (ChromaParams { width: Some(0.0), ..default }, "width"),
        ] {
            assert!(matches!(params.check(), Err(FeatureError::Parameter { name, .. }) if name == field));
        }
        assert!(ChromaBank::new(&default, f64::NAN, 16_000, 2048).is_err());
    }
}
