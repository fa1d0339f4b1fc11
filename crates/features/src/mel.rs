//! The mel scale and its filter bank.

use serde::{Deserialize, Serialize};

use crate::error::FeatureError;
use crate::frames::Frames;
use crate::lanes::{Lane, lane_weighted_sum, vectorized};
use crate::stft::bin_frequencies;

/// Which formula turns hertz into mel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MelScale {
    /// Linear below 1 kHz (15 mel a kilohertz), logarithmic above with 27 mel to 6.4 kHz (Slaney 1998, Auditory
    /// Toolbox).
    #[default]
    Slaney,
    /// 2595 log₁₀(1 + f/700) (O'Shaughnessy 1987; HTK).
    Htk,
}

/// Slaney's scale: hertz a mel below the knee, where it is in hertz and mel, and the logarithmic step above.
const LINEAR_STEP: f64 = 200.0 / 3.0;
const KNEE_HERTZ: f64 = 1000.0;
const KNEE_MEL: f64 = KNEE_HERTZ / LINEAR_STEP;

fn log_step() -> f64 {
    6.4_f64.ln() / 27.0
}

impl MelScale {
    /// Mel of a frequency in hertz.
    ///
    /// ```
    /// # use stimmung_features::MelScale;
    /// assert!((MelScale::Slaney.from_hertz(1000.0) - 15.0).abs() < 1e-12);
    /// assert!((MelScale::Htk.from_hertz(1000.0) - 1000.0).abs() < 0.1);
    /// ```
    #[allow(clippy::wrong_self_convention)] // Reads as "the scale's value from hertz"; a scale is Copy.
    pub fn from_hertz(self, hertz: f64) -> f64 {
        match self {
            Self::Slaney if hertz >= KNEE_HERTZ => KNEE_MEL + (hertz / KNEE_HERTZ).ln() / log_step(),
            Self::Slaney => hertz / LINEAR_STEP,
            Self::Htk => 2595.0 * (1.0 + hertz / 700.0).log10(),
        }
    }

    /// Frequency in hertz of a value in mel.
    pub fn to_hertz(self, mel: f64) -> f64 {
        match self {
            Self::Slaney if mel >= KNEE_MEL => KNEE_HERTZ * (log_step() * (mel - KNEE_MEL)).exp(),
            Self::Slaney => LINEAR_STEP * mel,
            Self::Htk => 700.0 * (10.0_f64.powf(mel / 2595.0) - 1.0),
        }
    }
}

/// How the triangles of a mel filter bank are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MelNorm {
    /// Equal area: divided by half the triangle's width in hertz.
    #[default]
    Slaney,
    /// Equal height 1.
    None,
}

/// A mel filter bank: triangles that meet at half height, evenly spaced in mel.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MelParams {
    /// Number of triangles, 1 to 4096. Default 128.
    pub bands: usize,
    /// Where the first begins, in hertz, not negative. Default 0.
    pub low: f64,
    /// Where the last ends, in hertz, above `low`; `None` for half the sampling rate, the default.
    pub high: Option<f64>,
    /// Formula of the scale. Default Slaney.
    pub scale: MelScale,
    /// Scaling of the triangles. Default Slaney.
    pub norm: MelNorm,
}

impl Default for MelParams {
    fn default() -> Self {
        Self { bands: 128, low: 0.0, high: None, scale: MelScale::Slaney, norm: MelNorm::Slaney }
    }
}

impl MelParams {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] that names the first field out of range.
    pub fn check(&self) -> Result<(), FeatureError> {
        if !(1..=4096).contains(&self.bands) {
            return Err(FeatureError::parameter("bands", "1 to 4096", self.bands));
        }
        if !(self.low.is_finite() && self.low >= 0.0) {
            return Err(FeatureError::parameter("low", "a frequency in hertz, not negative", self.low));
        }
        match self.high {
            Some(high) if !(high.is_finite() && high > self.low) => {
                Err(FeatureError::parameter("high", format!("a frequency above {} Hz", self.low), high))
            }
            _ => Ok(()),
        }
    }
}

/// The bins and the weights of one triangle.
#[derive(Debug, Clone, PartialEq)]
struct Triangle {
    first: usize,
    weights: Vec<f32>,
}

/// The triangles of a mel filter bank for one sampling rate and transform, without their zeros.
///
/// ```
/// use stimmung_features::{MelBank, MelParams, Stft, StftParams};
///
/// let bank = MelBank::new(&MelParams { bands: 40, ..MelParams::default() }, 16_000, 2048)?;
/// let mut power = Stft::new(StftParams::default())?.magnitudes(&[0.1; 4000]);
/// power.values_mut().iter_mut().for_each(|value| *value *= *value);
/// let mel = bank.apply(&power)?;
/// assert_eq!((mel.frames(), mel.bands()), (8, 40));
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MelBank {
    triangles: Vec<Triangle>,
    bins: usize,
}

impl MelBank {
    /// Builds the bank for transforms of `n_fft` samples.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] where `params` are out of range or leave no band below half the sampling rate.
    pub fn new(params: &MelParams, sample_rate: u32, n_fft: usize) -> Result<Self, FeatureError> {
        params.check()?;
        let high = params.high.unwrap_or(f64::from(sample_rate) / 2.0);
        if high <= params.low {
            return Err(FeatureError::parameter("low", format!("a frequency below {high} Hz"), params.low));
        }
        let (bottom, top) = (params.scale.from_hertz(params.low), params.scale.from_hertz(high));
        let step = (top - bottom) / (params.bands + 1) as f64;
        let edges: Vec<f64> =
            (0..params.bands + 2).map(|index| params.scale.to_hertz(bottom + step * index as f64)).collect();
        let frequencies: Vec<f64> = bin_frequencies(sample_rate, n_fft).collect();
        let triangles = edges
            .windows(3)
            .map(|edge| {
                let area = match params.norm {
                    MelNorm::Slaney => 2.0 / (edge[2] - edge[0]),
                    MelNorm::None => 1.0,
                };
                let weight = |frequency: f64| {
                    let rise = (frequency - edge[0]) / (edge[1] - edge[0]);
                    let fall = (edge[2] - frequency) / (edge[2] - edge[1]);
                    let height = rise.min(fall).max(0.0) as f32;
                    (f64::from(height) * area) as f32
                };
                let first = frequencies.partition_point(|frequency| *frequency <= edge[0]);
                let end = frequencies.partition_point(|frequency| *frequency < edge[2]).max(first);
                Triangle { first, weights: frequencies[first..end].iter().map(|f| weight(*f)).collect() }
            })
            .collect();
        Ok(Self { triangles, bins: frequencies.len() })
    }

    /// Number of triangles.
    pub fn bands(&self) -> usize {
        self.triangles.len()
    }

    /// Number of frequency bins that the bank takes.
    pub fn bins(&self) -> usize {
        self.bins
    }

    /// The weight of a frequency bin in a band; zero outside the triangle.
    ///
    /// # Panics
    /// Where there is no such band, as for a slice.
    pub fn weight(&self, band: usize, bin: usize) -> f32 {
        let triangle = &self.triangles[band];
        bin.checked_sub(triangle.first).and_then(|index| triangle.weights.get(index)).copied().unwrap_or(0.0)
    }

    /// Mel power, shape `(frames, bands)`, of a power spectrogram of shape `(frames, bins)`.
    ///
    /// # Errors
    /// [`FeatureError::Width`] where the spectrogram has another number of bins.
    pub fn apply(&self, power: &Frames) -> Result<Frames, FeatureError> {
        power.expect_bands("the power spectrogram", self.bins)?;
        Ok(power.map_blocks(self.bands(), |block, output| {
            vectorized(
                #[inline(always)]
                || self.apply_block(block, output),
            );
        }))
    }

    /// The same on a block of frames in lanes.
    #[inline(always)]
    pub(crate) fn apply_block(&self, power: &[Lane], output: &mut [Lane]) {
        for (to, triangle) in output.iter_mut().zip(&self.triangles) {
            *to = lane_weighted_sum(&triangle.weights, &power[triangle.first..]);
        }
    }

    /// The same on one spectrum in double precision.
    pub(crate) fn apply_wide(&self, power: &[f64]) -> Vec<f64> {
        self.triangles
            .iter()
            .map(|triangle| {
                let bins = &power[triangle.first..];
                triangle.weights.iter().zip(bins).map(|(weight, bin)| f64::from(*weight) * bin).sum()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_inverted() {
        for scale in [MelScale::Slaney, MelScale::Htk] {
            for hertz in [0.0, 20.0, 440.0, 999.9, 1000.0, 1000.1, 8000.0, 22_050.0] {
                assert!((scale.to_hertz(scale.from_hertz(hertz)) - hertz).abs() < 1e-9 * (1.0 + hertz));
            }
        }
    }

    #[test]
    fn unscaled_triangles_sum_to_one_between_the_outer_tops() {
        let params = MelParams { bands: 20, norm: MelNorm::None, ..MelParams::default() };
        let bank = MelBank::new(&params, 16_000, 2048).unwrap();
        for bin in 60..880 {
            let sum: f32 = (0..20).map(|band| bank.weight(band, bin)).sum();
            assert!((sum - 1.0).abs() < 1e-5, "{bin}: {sum}");
        }
    }

    #[test]
    fn bank_is_linear_and_silent_for_silence() {
        let bank = MelBank::new(&MelParams::default(), 22_050, 512).unwrap();
        let power = Frames::from_rows((0..257 * 3).map(|v| (v % 17) as f32).collect(), 257).unwrap();
        let louder = Frames::from_rows(power.values().iter().map(|v| 4.0 * v).collect(), 257).unwrap();
        let (once, four) = (bank.apply(&power).unwrap(), bank.apply(&louder).unwrap());
        assert!(once.values().iter().zip(four.values()).all(|(a, b)| 4.0 * a == *b));
        assert!(bank.apply(&Frames::zeros(2, 257)).unwrap().values().iter().all(|value| *value == 0.0));
        assert!(bank.apply(&Frames::zeros(2, 256)).is_err());
    }

    #[test]
    fn bad_parameters_are_named() {
        let default = MelParams::default();
        for (params, field) in [
            (MelParams { bands: 0, ..default }, "bands"),
            (MelParams { low: -1.0, ..default }, "low"),
            (MelParams { low: f64::NAN, ..default }, "low"),
            (MelParams { low: 9000.0, ..default }, "low"),
            (MelParams { high: Some(0.0), ..default }, "high"),
        ] {
            let error = MelBank::new(&params, 16_000, 2048).unwrap_err();
            assert!(matches!(error, FeatureError::Parameter { name, .. } if name == field), "{error}");
        }
    }
}
