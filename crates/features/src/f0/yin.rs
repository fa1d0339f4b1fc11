//! Fundamental frequency by YIN.

use serde::{Deserialize, Serialize};

use super::Fundamental;
use crate::error::{FeatureError, check_range};

/// Where YIN looks for a period, and in which frames.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct YinParams {
    /// The lowest fundamental in hertz, above 0. Default 60, below the voices of nearly all men.
    pub low: f64,
    /// The highest in hertz, above `low` and at most a quarter of the sampling rate. Default 600.
    pub high: f64,
    /// The aperiodicity from 0 to 1 below which a period is believed. Default 0.15 (de Cheveigné & Kawahara use 0.1 to 0.15).
    pub threshold: f64,
    /// Over how long two stretches are compared, in seconds. Default 0.025.
    pub window: f64,
    /// From one frame to the next, in seconds. Default 0.01.
    pub hop: f64,
}

impl Default for YinParams {
    fn default() -> Self {
        Self { low: 60.0, high: 600.0, threshold: 0.15, window: 0.025, hop: 0.01 }
    }
}

impl YinParams {
    /// Checks the ranges for a sampling rate in hertz.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] that names the first field out of range.
    pub fn check(&self, sample_rate: u32) -> Result<(), FeatureError> {
        let most = f64::from(sample_rate) / 4.0;
        if !(self.low >= 1.0 && self.low.is_finite()) {
            return Err(FeatureError::parameter("low", "a frequency of at least 1 Hz", self.low));
        }
        if !(self.high > self.low && self.high <= most) {
            let expected = format!("a frequency above {} and at most {most} Hz", self.low);
            return Err(FeatureError::parameter("high", expected, self.high));
        }
        if !(0.0..=1.0).contains(&self.threshold) {
            return Err(FeatureError::parameter("threshold", "0 to 1", self.threshold));
        }
        for (name, value) in [("window", self.window), ("hop", self.hop)] {
            if !(value * f64::from(sample_rate) >= 1.0 && value <= 1.0) {
                return Err(FeatureError::parameter(name, "from one sample to 1 second", value));
            }
        }
        Ok(())
    }
}

/// The fundamental frequency, frame by frame (A. de Cheveigné & H. Kawahara, "YIN, a fundamental frequency estimator for
/// speech and music", JASA 111, 2002, steps 1 to 5).
///
/// A frame is compared with itself τ samples later: d(τ) = Σ (x(j) − x(j + τ))², divided by its mean over 1 … τ. The first dip
/// below the threshold is the period, or else there is none; a parabola through it and its neighbours gives fractions
/// of a sample. [`Fundamental::aperiodicity`] is the depth of that dip, or of the deepest. Frames are `window` + 1 / `low` seconds long and lie whole inside the signal; a shorter signal has none.
///
/// ```
/// use stimmung_features::{YinParams, yin};
///
/// let tone: Vec<f32> = (0..8000).map(|n| (n as f32 * 220.0 / 16_000.0 * std::f32::consts::TAU).sin()).collect();
/// let fundamentals = yin(&tone, 16_000, &YinParams::default())?;
/// assert!(fundamentals.iter().all(|frame| (frame.hertz.unwrap() - 220.0).abs() < 0.1));
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
///
/// # Errors
/// [`FeatureError::Parameter`] where `params` are out of range, [`FeatureError::Sample`] where a sample is not finite or beyond
/// [`crate::LARGEST_SAMPLE`].
pub fn yin(samples: &[f32], sample_rate: u32, params: &YinParams) -> Result<Vec<Fundamental>, FeatureError> {
    params.check(sample_rate)?;
    check_range(samples)?;
    let rate = f64::from(sample_rate);
    let window = (params.window * rate).round().max(1.0) as usize;
    let hop = (params.hop * rate).round().max(1.0) as usize;
    let longest = (rate / params.low).ceil() as usize;
    let shortest = ((rate / params.high).floor() as usize).max(2);
    let frame = window + longest + 1;

    let mut distances = vec![0.0; longest + 2];
    let frames = (samples.len() + hop).saturating_sub(frame) / hop;
    Ok((0..frames)
        .map(|number| {
            let start = number * hop;
            differences(&samples[start..start + frame], window, &mut distances);
            let (period, aperiodicity) = period(&distances, shortest, longest, params.threshold);
            let seconds = (start as f64 + frame as f64 / 2.0) / rate;
            Fundamental { seconds, hertz: period.map(|period| rate / period), aperiodicity }
        })
        .collect())
}

/// Fills `distances[τ]` with the cumulative mean normalised difference (steps 2 and 3).
fn differences(frame: &[f32], window: usize, distances: &mut [f64]) {
    distances[0] = 1.0;
    let mut sum = 0.0;
    for lag in 1..distances.len() {
        let pairs = frame[..window].iter().zip(&frame[lag..]);
        let distance: f64 = pairs.map(|(now, later)| f64::from(now - later).powi(2)).sum();
        sum += distance;
        distances[lag] = if sum > 0.0 { distance * lag as f64 / sum } else { 1.0 };
    }
}

/// The first dip below the threshold, in fractions of a sample, and its depth; without one, the depth of the deepest.
fn period(distances: &[f64], shortest: usize, longest: usize, threshold: f64) -> (Option<f64>, f64) {
    let Some(first) = (shortest..=longest).find(|&lag| distances[lag] < threshold) else {
        return (None, distances[shortest..=longest].iter().copied().fold(1.0, f64::min));
    };
    let bottom = (first..longest).find(|&lag| distances[lag + 1] >= distances[lag]).unwrap_or(longest);
    let [before, here, after] = [distances[bottom - 1], distances[bottom], distances[bottom + 1]];
    let curvature = before - 2.0 * here + after;
    let shift = if curvature > 0.0 { ((before - after) / (2.0 * curvature)).clamp(-0.5, 0.5) } else { 0.0 };
    (Some(bottom as f64 + shift), here)
}
