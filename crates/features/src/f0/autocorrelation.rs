//! Fundamental frequency by the autocorrelation.

mod path;

use std::f64::consts::TAU;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use serde::{Deserialize, Serialize};

use super::Fundamental;
use crate::error::{FeatureError, check_range};
use crate::lld::parabola::vertex;
use path::CheapestPath;

/// Where the autocorrelation looks for a period, and what it believes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AutocorrelationParams {
    /// The lowest fundamental in hertz, at least 1 and at least a 5000th of the sampling rate; frames are three of its periods long.
    /// Default 60, below the voices of nearly all men.
    pub low: f64,
    /// The highest in hertz, above `low` and at most a quarter of the sampling rate. Default 600.
    pub high: f64,
    /// From one frame to the next in seconds, from one sample to 1. Default 0.01.
    pub hop: f64,
    /// Voiced candidates of a frame, 1 to 100. Default 14.
    pub candidates: usize,
    /// Frames are silent whose peak is below this part of the recording's, 0 to 1. Default 0.03.
    pub silence_threshold: f64,
    /// The correlation below which a frame is rather unvoiced, 0 to 1. Default 0.45.
    pub voicing_threshold: f64,
    /// How much correlation a candidate is worth more than the one an octave below, 0 to 1. Default 0.01; more would
    /// turn voices with strong even harmonics into those of half the period.
    pub octave_cost: f64,
    /// What an octave's jump from one frame to the next costs in correlation, 0 to 10. Default 0.35.
    pub octave_jump_cost: f64,
    /// What it costs that the voice begins or ends, 0 to 10. Default 0.14.
    pub voicing_cost: f64,
}

impl Default for AutocorrelationParams {
    fn default() -> Self {
        Self {
            low: 60.0,
            high: 600.0,
            hop: 0.01,
            candidates: 14,
            silence_threshold: 0.03,
            voicing_threshold: 0.45,
            octave_cost: 0.01,
            octave_jump_cost: 0.35,
            voicing_cost: 0.14,
        }
    }
}

/// A frame is this many of the longest periods long.
const PERIODS: f64 = 3.0;

impl AutocorrelationParams {
    /// Checks the ranges for a sampling rate in hertz.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] that names the first field out of range.
    pub fn check(&self, sample_rate: u32) -> Result<(), FeatureError> {
        let rate = f64::from(sample_rate);
        let least = (rate / 5000.0).max(1.0);
        if !(self.low >= least && self.low.is_finite()) {
            return Err(FeatureError::parameter("low", format!("a frequency of at least {least} Hz"), self.low));
        }
        if !(self.high > self.low && self.high <= rate / 4.0) {
            let expected = format!("a frequency above {} and at most {} Hz", self.low, rate / 4.0);
            return Err(FeatureError::parameter("high", expected, self.high));
        }
        if !(self.hop * rate >= 1.0 && self.hop <= 1.0) {
            return Err(FeatureError::parameter("hop", "from one sample to 1 second", self.hop));
        }
        if !(1..=100).contains(&self.candidates) {
            return Err(FeatureError::parameter("candidates", "1 to 100", self.candidates));
        }
        for (name, value, most) in [
            ("silence_threshold", self.silence_threshold, 1.0),
            ("voicing_threshold", self.voicing_threshold, 1.0),
            ("octave_cost", self.octave_cost, 1.0),
            ("octave_jump_cost", self.octave_jump_cost, 10.0),
            ("voicing_cost", self.voicing_cost, 10.0),
        ] {
            if !(0.0..=most).contains(&value) {
                return Err(FeatureError::parameter(name, format!("0 to {most}"), value));
            }
        }
        Ok(())
    }
}

/// The fundamental frequency, frame by frame, by the autocorrelation (P. Boersma, "Accurate short-term analysis of the fundamental
/// frequency and the harmonics-to-noise ratio of a sampled sound", Proceedings of the Institute of Phonetic Sciences 17, Amsterdam 1993).
///
/// The autocorrelation of a frame under a Hann window falls with the lag, because the window does; divided by that of the window it has
/// its peaks at the periods, with the correlation for height. The highest are the candidates, interpolated between the samples. A path
/// over all frames takes those that cost least: it believes strong ones, high ones a little rather than those an octave below, and
/// neither jumps nor changes between voiced and unvoiced without need.
///
/// Frames are 3 / `low` seconds long and lie whole inside the signal; a shorter signal has none. [`Fundamental::aperiodicity`] is 1 less
/// the correlation at the period, in unvoiced frames at the best candidate, 0 to 1. The method is the paper's; default thresholds and
/// costs are those in common use with it at 10 ms a frame.
///
/// ```
/// use stimmung_features::{AutocorrelationParams, f0_autocorrelation};
///
/// let tone: Vec<f32> = (0..8000).map(|n| (n as f32 * 220.0 / 16_000.0 * std::f32::consts::TAU).sin()).collect();
/// let fundamentals = f0_autocorrelation(&tone, 16_000, &AutocorrelationParams::default())?;
/// assert!(fundamentals.iter().all(|frame| (frame.hertz.unwrap() - 220.0).abs() < 0.1));
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
///
/// # Errors
/// [`FeatureError::Parameter`] where `params` are out of range, [`FeatureError::Sample`] where a sample is not finite or beyond
/// [`crate::LARGEST_SAMPLE`].
pub fn f0_autocorrelation(
    samples: &[f32],
    sample_rate: u32,
    params: &AutocorrelationParams,
) -> Result<Vec<Fundamental>, FeatureError> {
    params.check(sample_rate)?;
    check_range(samples)?;
    let rate = f64::from(sample_rate);
    let mut correlation = Correlation::new(params, rate);
    let length = correlation.window.len();
    let hop = (params.hop * rate).round() as usize;
    let frames = (samples.len() + hop).saturating_sub(length) / hop;

    let loudest = peak(samples, mean(samples));
    // Beside a constant, what is smaller than this is rounding.
    let rounding = peak(samples, 0.0) * f64::from(f32::EPSILON);
    let mut path = CheapestPath::new(params.octave_jump_cost, params.voicing_cost);
    for frame in 0..frames {
        let samples = &samples[frame * hop..frame * hop + length];
        let level = peak(samples, mean(samples));
        if level > rounding {
            path.advance(correlation.candidates(samples, params), unvoiced_strength(level / loudest, params));
        } else {
            path.advance(&[], unvoiced_strength(0.0, params));
        }
    }
    let fundamental = |(frame, (hertz, correlation)): (usize, (Option<f64>, f64))| Fundamental {
        seconds: ((frame * hop) as f64 + length as f64 / 2.0) / rate,
        hertz,
        aperiodicity: 1.0 - correlation,
    };
    Ok(path.finish().into_iter().enumerate().map(fundamental).collect())
}

/// What it is worth to call a frame unvoiced that is `level` of the recording's peak: more than any candidate where it is silent.
fn unvoiced_strength(level: f64, params: &AutocorrelationParams) -> f64 {
    let silence = params.silence_threshold / (1.0 + params.voicing_threshold);
    let loudness = if level > 0.0 { level / silence } else { 0.0 };
    params.voicing_threshold + (2.0 - loudness).max(0.0)
}

fn mean(samples: &[f32]) -> f64 {
    samples.iter().map(|sample| f64::from(*sample)).sum::<f64>() / samples.len().max(1) as f64
}

/// The largest distance from the mean.
fn peak(samples: &[f32], mean: f64) -> f64 {
    samples.iter().map(|sample| (f64::from(*sample) - mean).abs()).fold(0.0, f64::max)
}

/// A period that a frame may have.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Candidate {
    hertz: f64,
    /// The correlation of the frame with itself a period later, 0 to 1.
    correlation: f64,
    /// That and what its octave is worth.
    strength: f64,
}

/// Points of the interpolated autocorrelation to a sample. The spectrum of a frame ends at half the sampling rate, so
/// that eight points are one cycle of what is fastest in it, and a parabola meets the top between them.
const FINER: usize = 4;

/// The autocorrelation of frames, without that of their window.
struct Correlation {
    rate: f64,
    window: Vec<f64>,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    padded: Vec<f64>,
    spectrum: Vec<Complex<f64>>,
    /// Powers, with zeros above half the sampling rate: the inverse transform has [`FINER`] points to a sample.
    powers: Vec<Complex<f64>>,
    fine: Vec<f64>,
    scratch: Vec<Complex<f64>>,
    /// The window's autocorrelation from one point below the shortest lag to one above the longest.
    window_fine: Vec<f64>,
    first: usize,
    candidates: Vec<Candidate>,
}

impl Correlation {
    fn new(params: &AutocorrelationParams, rate: f64) -> Self {
        let length = (PERIODS * rate / params.low).ceil() as usize;
        // The longest lag with its neighbour is shorter than half a frame, and must not wrap around.
        let size = (length + length / 2).next_power_of_two();
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(FINER * size));
        let fine_rate = rate * FINER as f64;
        let first = (fine_rate / params.high).floor() as usize - 1;
        let last = (fine_rate / params.low).ceil() as usize + 1;
        let of_window = |lag: usize| hann_autocorrelation(lag as f64 / (FINER * length) as f64);
        Self {
            rate: fine_rate,
            window: (0..length).map(|n| 0.5 - 0.5 * (TAU * (n as f64 + 0.5) / length as f64).cos()).collect(),
            padded: vec![0.0; size],
            spectrum: forward.make_output_vec(),
            powers: inverse.make_input_vec(),
            fine: inverse.make_output_vec(),
            scratch: vec![Complex::default(); forward.get_scratch_len().max(inverse.get_scratch_len())],
            window_fine: (first..=last).map(of_window).collect(),
            first,
            candidates: Vec::new(),
            forward,
            inverse,
        }
    }

    /// The strongest candidates of a frame that is not constant.
    fn candidates(&mut self, frame: &[f32], params: &AutocorrelationParams) -> &[Candidate] {
        let mean = mean(frame);
        self.padded.fill(0.0);
        for ((value, sample), weight) in self.padded.iter_mut().zip(frame).zip(&self.window) {
            *value = weight * (f64::from(*sample) - mean);
        }
        self.autocorrelate();
        self.pick(params);
        &self.candidates
    }

    fn autocorrelate(&mut self) {
        let Self { forward, inverse, padded, spectrum, powers, fine, scratch, .. } = self;
        // The buffers come from the plans, so their lengths are the ones that they ask for.
        let done = forward.process_with_scratch(padded, spectrum, scratch);
        debug_assert!(done.is_ok());
        powers.fill(Complex::default());
        for (power, value) in powers.iter_mut().zip(spectrum.iter()) {
            power.re = value.norm_sqr();
        }
        // The last bin stands for two of the longer transform.
        powers[spectrum.len() - 1] *= 0.5;
        let done = inverse.process_with_scratch(powers, fine, scratch);
        debug_assert!(done.is_ok());
    }

    /// Peaks at lags of the range, the strongest first.
    fn pick(&mut self, params: &AutocorrelationParams) {
        let Self { rate, fine, window_fine, first, candidates, .. } = self;
        candidates.clear();
        let power = fine[0];
        let last = *first + window_fine.len() - 1;
        for (value, window) in fine[*first..=last].iter_mut().zip(window_fine.iter()) {
            *value = if power > 0.0 { *value / power / window } else { 0.0 };
        }
        for (index, around) in fine[*first..=last].windows(3).enumerate() {
            if around[1] > 0.0 && around[1] > around[0] && around[1] >= around[2] {
                let (lag, height) = vertex((*first + index + 1) as f64, 1.0, [around[0], around[1], around[2]]);
                let hertz = *rate / lag;
                // Where the frame grows louder, a peak may exceed 1.
                let correlation = if height > 1.0 { 1.0 / height } else { height };
                if (params.low..=params.high).contains(&hertz) {
                    let strength = correlation + params.octave_cost * (hertz / params.low).log2();
                    candidates.push(Candidate { hertz, correlation, strength });
                }
            }
        }
        candidates.sort_by(|a, b| b.strength.total_cmp(&a.strength));
        candidates.truncate(params.candidates);
    }
}

/// The autocorrelation of a Hann window at a lag in parts of its length, over that at lag 0.
fn hann_autocorrelation(lag: f64) -> f64 {
    (1.0 - lag) * (2.0 / 3.0 + (TAU * lag).cos() / 3.0) + (TAU * lag).sin() / TAU
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_and_its_autocorrelation_fit_together() {
        let correlation = Correlation::new(&AutocorrelationParams::default(), 16_000.0);
        let window = &correlation.window;
        let product = |lag: usize| window.iter().zip(&window[lag..]).map(|(a, b)| a * b).sum::<f64>();
        for lag in [0, 1, 40, 130, 266] {
            let found = product(lag) / product(0);
            let expected = hann_autocorrelation(lag as f64 / window.len() as f64);
            assert!((found - expected).abs() < 1e-6, "{lag}: {found} {expected}");
        }
    }

    #[test]
    fn a_quiet_frame_is_rather_unvoiced() {
        let params = AutocorrelationParams::default();
        assert_eq!(unvoiced_strength(1.0, &params), 0.45);
        assert!(unvoiced_strength(0.01, &params) > 1.0);
        assert_eq!(unvoiced_strength(0.0, &params), 2.45);
        assert_eq!(unvoiced_strength(0.0, &AutocorrelationParams { silence_threshold: 0.0, ..params }), 2.45);
    }

    #[test]
    fn lone_octave_errors_and_gaps_are_bridged() {
        // Every other period of one frame is weaker, which makes half the frequency the best candidate there.
        let voice: Vec<f32> = (0..16_000)
            .map(|n| {
                let phase = f64::from(n) * 200.0 / 16_000.0;
                let weak = (7000..8000).contains(&n) && (phase as u32).is_multiple_of(2);
                (if weak { 0.7 } else { 1.0 } * (1..8).map(|h| (TAU * f64::from(h) * phase).cos()).sum::<f64>() / 8.0)
                    as f32
            })
            .collect();
        let free = AutocorrelationParams { octave_jump_cost: 0.0, ..AutocorrelationParams::default() };
        let halves = |params: &AutocorrelationParams| {
            let frames = f0_autocorrelation(&voice, 16_000, params).unwrap();
            frames.iter().filter(|frame| frame.hertz.is_some_and(|hertz| hertz < 150.0)).count()
        };
        assert!(halves(&free) > 0);
        assert_eq!(halves(&AutocorrelationParams::default()), 0);
    }
}
