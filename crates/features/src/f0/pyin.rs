//! Fundamental frequency by probabilistic YIN.

mod path;

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use serde::{Deserialize, Serialize};

use super::Fundamental;
use crate::error::{FeatureError, check_range};
use path::{PitchStates, Route};

/// Where pYIN looks for a period, and what it believes beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PyinParams {
    /// The lowest fundamental in hertz; its period is at least two samples shorter than `frame`. Default 65, the note C2.
    pub low: f64,
    /// The highest in hertz, above `low` and at most half the sampling rate. Default 600.
    pub high: f64,
    /// Samples of a frame, 32 to 8192. Default 2048, which is 93 ms at 22.05 kHz. A frame is compared with itself and the silence after it, so
    /// that one of few periods is heard too high: 60 Hz at 44.1 kHz, less than three, by 1 to 2 %.
    pub frame: usize,
    /// Samples from one frame to the next, 1 to 1048576. Default 512.
    pub hop: usize,
    /// How many thresholds of the dip are tried, evenly between 0 and 1: 1 to 1000. Default 100.
    pub thresholds: usize,
    /// The thresholds are believed as by the beta distribution with the shapes 2 and this, 0.1 to 1000: their mean is 2 / (2 + `beta`).
    /// Default 18, a mean of 0.1.
    pub beta: f64,
    /// How much rather a dip is the period than the next longer one: e to the power of this, 0.001 to 100. Default 2.
    pub boltzmann: f64,
    /// Semitones from one pitch to the next, 0.02 to 1, rounded down to a whole part of a semitone. Default 0.1.
    pub resolution: f64,
    /// Octaves a second over which pitches spread from one frame to the next, half of them up and half down, in whole semitones a hop: 0 to
    /// 1000, and never more than twice the range. Default 35.92.
    pub max_transition_rate: f64,
    /// The probability that a voice begins or ends between two frames, 0 to 1. Default 0.01.
    pub switch_probability: f64,
    /// The probability of a voice where no dip falls below the threshold, 0 to 1. Default 0.01.
    pub no_trough_probability: f64,
}

impl Default for PyinParams {
    fn default() -> Self {
        Self {
            low: 65.0,
            high: 600.0,
            frame: 2048,
            hop: 512,
            thresholds: 100,
            beta: 18.0,
            boltzmann: 2.0,
            resolution: 0.1,
            max_transition_rate: 35.92,
            switch_probability: 0.01,
            no_trough_probability: 0.01,
        }
    }
}

impl PyinParams {
    /// Checks the ranges for a sampling rate in hertz.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] that names the first field out of range.
    pub fn check(&self, sample_rate: u32) -> Result<(), FeatureError> {
        let rate = f64::from(sample_rate);
        // The differences of a longer frame of the largest samples overflow in single precision.
        if !(32..=8192).contains(&self.frame) {
            return Err(FeatureError::parameter("frame", "32 to 8192 samples", self.frame));
        }
        if !(1..=1 << 20).contains(&self.hop) {
            return Err(FeatureError::parameter("hop", "1 to 1048576 samples", self.hop));
        }
        let least = rate / (self.frame - 1) as f64;
        if !(self.low > least && self.low.is_finite()) {
            let expected = format!("a frequency above {least} Hz, of which a period fits into the frame");
            return Err(FeatureError::parameter("low", expected, self.low));
        }
        if !(self.high > self.low && self.high <= rate / 2.0) {
            let expected = format!("a frequency above {} and at most {} Hz", self.low, rate / 2.0);
            return Err(FeatureError::parameter("high", expected, self.high));
        }
        if !(1..=1000).contains(&self.thresholds) {
            return Err(FeatureError::parameter("thresholds", "1 to 1000", self.thresholds));
        }
        for (name, value, least, most) in [
            ("beta", self.beta, 0.1, 1000.0),
            ("boltzmann", self.boltzmann, 1e-3, 100.0),
            ("resolution", self.resolution, 0.02, 1.0),
            ("max_transition_rate", self.max_transition_rate, 0.0, 1000.0),
            ("switch_probability", self.switch_probability, 0.0, 1.0),
            ("no_trough_probability", self.no_trough_probability, 0.0, 1.0),
        ] {
            if !(least..=most).contains(&value) {
                return Err(FeatureError::parameter(name, format!("{least} to {most}"), value));
            }
        }
        Ok(())
    }

    fn bins_per_semitone(&self) -> usize {
        (1.0 / self.resolution).ceil() as usize
    }

    /// Pitches in the range, the lowest of them `low`.
    fn bins(&self) -> usize {
        (12.0 * self.bins_per_semitone() as f64 * (self.high / self.low).log2()).floor() as usize + 1
    }

    /// How many pitches further one may come from one frame to the next, up and down together.
    fn reach(&self, rate: f64) -> usize {
        let semitones = (self.max_transition_rate * 12.0 * self.hop as f64 / rate).round_ties_even() as usize;
        semitones.saturating_mul(self.bins_per_semitone()).min(2 * self.bins())
    }
}

/// The fundamental frequency, frame by frame, by pYIN (M. Mauch & S. Dixon, "pYIN: a fundamental frequency estimator using
/// probabilistic threshold distributions", ICASSP 2014), as librosa 0.11 computes it in `librosa.pyin`.
///
/// YIN takes the first dip below a threshold for the period; here every threshold is tried, so that each dip of a frame becomes a candidate
/// with a probability. A hidden Markov model, whose states are the pitches with and without a voice, then finds the likeliest path. Pitches
/// lie `resolution` semitones apart from `low` on, so that the fundamental is never finer than that.
///
/// Frames are centred at the multiples of `hop`, one more than whole hops fit into the signal, which is silent beyond its ends.
/// [`Fundamental::hertz`] is `None` where the path is unvoiced (librosa's flag), and 1 − [`Fundamental::aperiodicity`] is
/// the probability of a voice, which the frame has for itself (librosa's `voiced_prob`). No samples have no frames.
///
/// As in librosa, noise may be voiced where improbable dips happen to lie at pitches close together: in white noise at 16 kHz 27 of 94
/// frames, and 72 with `low` at 50, all with a probability of 0.01. Ask for a higher one where that matters. Takes memory of 4 bytes for
/// each pitch in each frame.
///
/// ```
/// use stimmung_features::{PyinParams, pyin};
///
/// let tone: Vec<f32> = (0..8000).map(|n| (n as f32 * 220.0 / 16_000.0 * std::f32::consts::TAU).sin()).collect();
/// let fundamentals = pyin(&tone, 16_000, &PyinParams::default())?;
/// assert_eq!(fundamentals.len(), 16);
/// // Pitches are a tenth of a semitone apart.
/// assert!(fundamentals.iter().all(|frame| (frame.hertz.unwrap() / 220.0 - 1.0).abs() < 0.005));
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
///
/// # Errors
/// [`FeatureError::Parameter`] where `params` are out of range, [`FeatureError::Sample`] where a sample is not finite or beyond
/// [`crate::LARGEST_SAMPLE`].
pub fn pyin(samples: &[f32], sample_rate: u32, params: &PyinParams) -> Result<Vec<Fundamental>, FeatureError> {
    params.check(sample_rate)?;
    check_range(samples)?;
    if samples.is_empty() {
        return Ok(Vec::new());
    }
    let rate = f64::from(sample_rate);
    let frames = (samples.len() + 2 * (params.frame / 2) - params.frame) / params.hop + 1;
    let mut difference = Difference::new(params, rate);
    let mut candidates = Candidates::new(params, rate);
    let states = PitchStates::new(params.bins(), params.reach(rate), params.switch_probability);
    let mut route = Route::new(states, frames);
    let voiced: Vec<f64> = (0..frames)
        .map(|frame| {
            let start = (frame * params.hop) as isize - (params.frame / 2) as isize;
            let voiced = candidates.weigh(difference.compute(samples, start));
            route.advance(&candidates.pitches, (1.0 - voiced) / params.bins() as f64);
            voiced
        })
        .collect();
    let bins_per_octave = 12.0 * params.bins_per_semitone() as f64;
    let fundamental = |(frame, (voiced, pitch)): (usize, (f64, Option<usize>))| Fundamental {
        seconds: (frame * params.hop) as f64 / rate,
        hertz: pitch.map(|pitch| params.low * (pitch as f64 / bins_per_octave).exp2()),
        aperiodicity: 1.0 - voiced,
    };
    Ok(voiced.into_iter().zip(route.finish()).enumerate().map(fundamental).collect())
}

/// Lags in samples whose frequencies lie in the range, both ends rounded outwards; at least two.
fn lags(params: &PyinParams, rate: f64) -> std::ops::RangeInclusive<usize> {
    let shortest = (rate / params.high).floor() as usize;
    shortest..=((rate / params.low).ceil() as usize).max(shortest + 1)
}

/// The cumulative mean normalised difference of frames by the Fourier transform.
struct Difference {
    shortest: usize,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    frame: usize,
    padded: Vec<f64>,
    spectrum: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    /// Of the lags from 0 to the longest: the energy of the samples up to that one, then the difference.
    energies: Vec<f32>,
    /// Of the lags from the shortest to the longest.
    curve: Vec<f64>,
}

impl Difference {
    fn new(params: &PyinParams, rate: f64) -> Self {
        // So long that no lag wraps around.
        let size = (2 * params.frame - 1).next_power_of_two();
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
        let lags = lags(params, rate);
        Self {
            shortest: *lags.start(),
            scratch: vec![Complex::default(); forward.get_scratch_len().max(inverse.get_scratch_len())],
            spectrum: forward.make_output_vec(),
            padded: vec![0.0; size],
            frame: params.frame,
            energies: vec![0.0; lags.end() + 1],
            curve: Vec::with_capacity(lags.count()),
            forward,
            inverse,
        }
    }

    /// The curve of the frame that begins at sample `start`, which may lie before the first.
    fn compute(&mut self, samples: &[f32], start: isize) -> &[f64] {
        self.gather(samples, start);
        self.accumulate_energy();
        self.autocorrelate();
        self.normalize();
        &self.curve
    }

    fn gather(&mut self, samples: &[f32], start: isize) {
        let end = samples.len() as isize;
        let from = start.clamp(0, end) as usize;
        let to = (start + self.frame as isize).clamp(0, end) as usize;
        let offset = (from as isize - start) as usize;
        self.padded.fill(0.0);
        for (value, sample) in self.padded[offset..].iter_mut().zip(&samples[from..to]) {
            *value = f64::from(*sample);
        }
    }

    /// In single precision, as librosa does for samples of single precision.
    fn accumulate_energy(&mut self) {
        let mut sum = 0.0;
        for (energy, value) in self.energies.iter_mut().zip(&self.padded) {
            sum += (*value as f32).powi(2);
            *energy = sum;
        }
        // librosa leaves the first sample's energy out of the difference at lag 1, which is in all means.
        self.energies[0] = 0.0;
    }

    /// Turns the padded frame into its autocorrelation.
    fn autocorrelate(&mut self) {
        let Self { forward, inverse, padded, spectrum, scratch, .. } = self;
        let done = forward.process_with_scratch(padded, spectrum, scratch);
        debug_assert!(done.is_ok());
        for value in spectrum.iter_mut() {
            *value = Complex::new(value.norm_sqr(), 0.0);
        }
        let done = inverse.process_with_scratch(spectrum, padded, scratch);
        debug_assert!(done.is_ok());
    }

    /// d(τ) = 2 (r(0) − r(τ)) − Σ x²(0 … τ − 1), over its mean up to τ.
    fn normalize(&mut self) {
        let scale = self.padded.len() as f64;
        let correlation = |lag: usize| (self.padded[lag] / scale) as f32;
        let power = correlation(0);
        self.curve.clear();
        let mut sum = 0.0_f32;
        for lag in 1..self.energies.len() {
            let difference = 2.0 * (power - correlation(lag)) - self.energies[lag - 1];
            sum += difference;
            if lag >= self.shortest {
                let mean = f64::from(sum) / lag as f64;
                self.curve.push(f64::from(difference) / (mean + f64::MIN_POSITIVE));
            }
        }
    }
}

/// The candidates of a frame, and what they are made by.
struct Candidates {
    rate: f64,
    low: f64,
    bins_per_octave: f64,
    shortest: usize,
    /// Upper ends of the steps of the threshold, and the probabilities of the steps.
    thresholds: Vec<(f64, f64)>,
    /// What a dip counts that has so many lower or equal ones before it, and the sum of that over the first so many.
    decays: Vec<(f64, f64)>,
    no_trough: f64,
    /// Index, depth and probability.
    troughs: Vec<(usize, f64, f64)>,
    /// The probabilities of pitches above 0, by their number.
    pitches: Vec<(usize, f64)>,
    /// The same for all pitches.
    probabilities: Vec<f64>,
}

impl Candidates {
    fn new(params: &PyinParams, rate: f64) -> Self {
        let steps = params.thresholds as f64;
        let threshold = |step: usize| step as f64 / steps;
        // The distribution function of the beta distribution whose first shape is 2.
        let below = |x: f64| 1.0 - (1.0 - x).powf(params.beta) * (1.0 + params.beta * x);
        let step = |step: usize| (threshold(step), below(threshold(step)) - below(threshold(step - 1)));
        // No two dips are neighbours.
        let most = lags(params, rate).count() / 2 + 2;
        let rest = (-params.boltzmann).exp();
        let decay = |n: usize| {
            let decay = rest.powi(n as i32);
            (decay, (1.0 - rest * decay) / (1.0 - rest))
        };
        Self {
            rate,
            low: params.low,
            bins_per_octave: 12.0 * params.bins_per_semitone() as f64,
            shortest: *lags(params, rate).start(),
            thresholds: (1..=params.thresholds).map(step).collect(),
            decays: (0..most).map(decay).collect(),
            no_trough: params.no_trough_probability,
            troughs: Vec::with_capacity(most),
            pitches: Vec::with_capacity(most),
            probabilities: vec![0.0; params.bins()],
        }
    }

    /// Finds the candidates of a frame, and returns the probability that it is voiced.
    fn weigh(&mut self, curve: &[f64]) -> f64 {
        self.find_troughs(curve);
        self.try_thresholds();
        self.sort(curve);
        self.pitches.iter().map(|(_, probability)| probability).sum::<f64>().clamp(0.0, 1.0)
    }

    /// The strict minima, of even ones the first lag; the shortest and the longest lag have one neighbour only.
    fn find_troughs(&mut self, curve: &[f64]) {
        self.troughs.clear();
        let last = curve.len() - 1;
        for (index, &depth) in curve.iter().enumerate() {
            let trough = match index {
                0 => depth < curve[1],
                _ if index == last => depth < curve[last - 1],
                _ => depth < curve[index - 1] && depth <= curve[index + 1],
            };
            if trough {
                self.troughs.push((index, depth, 0.0));
            }
        }
    }

    /// Shares each threshold's probability among the dips below it, more to the shorter lags; where there are none, the deepest dip
    /// gets a small part.
    fn try_thresholds(&mut self) {
        let Self { thresholds, decays, troughs, .. } = self;
        let mut missed = 0.0;
        for (threshold, probability) in thresholds.iter() {
            let count = troughs.iter().filter(|(_, depth, _)| depth < threshold).count();
            if count == 0 {
                missed += probability;
                continue;
            }
            let share = probability / decays[count - 1].1;
            let below = troughs.iter_mut().filter(|(_, depth, _)| depth < threshold);
            for ((_, _, sum), (decay, _)) in below.zip(decays.iter()) {
                *sum += share * decay;
            }
        }
        // Of equal ones the first.
        let deepest = troughs.iter_mut().reduce(|best, other| if other.1 < best.1 { other } else { best });
        if let Some((_, _, probability)) = deepest {
            *probability += self.no_trough * missed;
        }
    }

    /// Sorts the dips into pitches by the top of the parabola through them.
    fn sort(&mut self, curve: &[f64]) {
        self.probabilities.fill(0.0);
        for &(index, _, probability) in self.troughs.iter().filter(|(_, _, probability)| *probability > 0.0) {
            let period = (self.shortest + index) as f64 + shift(curve, index);
            let bin = self.bins_per_octave * (self.rate / period / self.low).log2();
            let bin = bin.round_ties_even().max(0.0) as usize;
            // Pitches above the range are dropped, those below it count as its lowest; of several dips in a bin librosa takes the one of
            // the longest lag.
            if let Some(place) = self.probabilities.get_mut(bin) {
                *place = probability;
            }
        }
        self.pitches.clear();
        let pitches = self.probabilities.iter().copied().enumerate();
        self.pitches.extend(pitches.filter(|(_, probability)| *probability > 0.0));
    }
}

/// How far the top of the parabola through a point and its neighbours lies beside it; 0 at the ends, and where it is further than the neighbours.
fn shift(curve: &[f64], index: usize) -> f64 {
    if index == 0 || index + 1 == curve.len() {
        return 0.0;
    }
    let curvature = curve[index + 1] + curve[index - 1] - 2.0 * curve[index];
    let slope = (curve[index + 1] - curve[index - 1]) / 2.0;
    if slope.abs() >= curvature.abs() { 0.0 } else { -slope / curvature }
}
