//! Constant-Q transform by octaves, and chroma from it.

use std::collections::BTreeMap;

use realfft::RealFftPlanner;
use realfft::num_complex::Complex;
use serde::{Deserialize, Serialize};

use crate::error::{FeatureError, check_samples};
use crate::frames::{Frames, Norm, normalize};
use crate::halve::Halver;
use crate::stft::{LARGEST_FFT, Stft, StftParams, Window, hann, magnitude};

/// Equivalent noise bandwidth of a Hann window in bins.
const HANN_BANDWIDTH: f64 = 1.500_183_105_468_75;
/// Part of a filter's magnitude that may be left out to keep it sparse.
const SPARSITY: f64 = 0.01;
/// Filter banks that are kept for tunings met again.
const KEPT_BANKS: usize = 128;

/// Range and division of a constant-Q transform.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConstantQParams {
    /// Frequency of the lowest bin in hertz, positive. Default 32.703, the note C1.
    pub low: f64,
    /// Bins to the octave, 2 to 256. Default 36.
    pub bins_per_octave: usize,
    /// Octaves, 1 to 12. Default 7, up to the note C8.
    pub octaves: usize,
    /// Samples from frame to frame; a multiple of 2 to the power of the octaves less one. Default 512.
    pub hop: usize,
}

impl Default for ConstantQParams {
    fn default() -> Self {
        Self { low: 440.0 * 2.0_f64.powf(-45.0 / 12.0), bins_per_octave: 36, octaves: 7, hop: 512 }
    }
}

impl ConstantQParams {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] that names the first field out of range.
    pub fn check(&self) -> Result<(), FeatureError> {
        if !(self.low.is_finite() && self.low > 0.0) {
            return Err(FeatureError::parameter("low", "a positive frequency in hertz", self.low));
        }
        if !(2..=256).contains(&self.bins_per_octave) {
            return Err(FeatureError::parameter("bins_per_octave", "2 to 256", self.bins_per_octave));
        }
        if !(1..=12).contains(&self.octaves) {
            return Err(FeatureError::parameter("octaves", "1 to 12", self.octaves));
        }
        let unit = 1 << (self.octaves - 1);
        if !(1..=LARGEST_FFT).contains(&self.hop) || !self.hop.is_multiple_of(unit) {
            return Err(FeatureError::parameter(
                "hop",
                format!("a multiple of {unit} samples up to {LARGEST_FFT}"),
                self.hop,
            ));
        }
        Ok(())
    }

    /// Logarithm to the base of two of the transform's size for the highest octave, and so for all.
    fn fft_exponent(&self, sample_rate: f64, tuning: f64) -> u32 {
        let rate = sample_rate / f64::from(1_u32 << self.early_halvings(sample_rate, tuning));
        let lowest = self.frequency(self.bins() - self.bins_per_octave, tuning);
        (self.quality() * rate / lowest).log2().ceil().max(1.0) as u32
    }

    /// Number of bins.
    pub fn bins(&self) -> usize {
        self.octaves * self.bins_per_octave
    }

    /// Frequency of a bin over its bandwidth. The bandwidth reaches from half a bin below to half a bin above.
    fn quality(&self) -> f64 {
        let ratio = 2.0_f64.powf(2.0 / self.bins_per_octave as f64);
        (ratio + 1.0) / (ratio - 1.0)
    }

    /// Frequency in hertz of a bin, `tuning` in bins above the nominal one.
    fn frequency(&self, bin: usize, tuning: f64) -> f64 {
        self.low * 2.0_f64.powf((bin as f64 + tuning) / self.bins_per_octave as f64)
    }

    /// Highest frequency that the filters reach.
    fn cutoff(&self, tuning: f64) -> f64 {
        self.frequency(self.bins() - 1, tuning) * (1.0 + 0.5 * HANN_BANDWIDTH / self.quality())
    }

    /// How often the signal can be halved before the highest octave.
    fn early_halvings(&self, sample_rate: f64, tuning: f64) -> usize {
        let room = (sample_rate / 2.0 / self.cutoff(tuning)).log2().ceil() as isize - 2;
        let twos = self.hop.trailing_zeros() as isize - self.octaves as isize + 1;
        room.min(twos).max(0) as usize
    }
}

/// The spectra of the filters of one octave. At half the sampling rate the same ones serve the octave below.
#[derive(Debug, Clone)]
struct Octave {
    n_fft: usize,
    halvings: usize,
    /// For every filter the first bin and the conjugate-free weights from there.
    filters: Vec<(usize, Vec<Complex<f32>>)>,
}

impl Octave {
    fn new(params: &ConstantQParams, sample_rate: f64, tuning: f64) -> Self {
        let halvings = params.early_halvings(sample_rate, tuning);
        let rate = sample_rate / f64::from(1_u32 << halvings);
        let quality = params.quality();
        let top = params.bins() - params.bins_per_octave;
        let frequencies: Vec<f64> = (top..params.bins()).map(|bin| params.frequency(bin, tuning)).collect();
        let n_fft = 2_usize.pow(params.fft_exponent(sample_rate, tuning));
        let plan = RealFftPlanner::<f64>::new().plan_fft_forward(n_fft);
        let (mut real, mut imaginary) = (plan.make_input_vec(), plan.make_input_vec());
        let (mut spectrum, mut turned) = (plan.make_output_vec(), plan.make_output_vec());
        let mut scratch = plan.make_scratch_vec();
        let filters = frequencies
            .iter()
            .map(|frequency| {
                let length = quality * rate / frequency;
                let start = (-length / 2.0).floor();
                let count = ((length / 2.0).floor() - start) as usize;
                let window = hann(count);
                let sum: f64 = window.iter().sum();
                let scale = length / n_fft as f64 / sum;
                real.fill(0.0);
                imaginary.fill(0.0);
                let left = (n_fft - count) / 2;
                for (index, weight) in window.iter().enumerate() {
                    let angle = (start + index as f64) * std::f64::consts::TAU * frequency / rate;
                    // Rounded, because the published filters are of single precision before their transform.
                    real[left + index] = f64::from((angle.cos() * weight * scale) as f32);
                    imaginary[left + index] = f64::from((angle.sin() * weight * scale) as f32);
                }
                let done = plan
                    .process_with_scratch(&mut real, &mut spectrum, &mut scratch)
                    .and_then(|()| plan.process_with_scratch(&mut imaginary, &mut turned, &mut scratch));
                debug_assert!(done.is_ok());
                let response: Vec<Complex<f32>> = spectrum
                    .iter()
                    .zip(&turned)
                    .map(|(a, b)| Complex::new((a.re - b.im) as f32, (a.im + b.re) as f32))
                    .collect();
                sparse(&response)
            })
            .collect();
        Self { n_fft, halvings, filters }
    }
}

/// The part of a filter's spectrum from the first to the last bin that counts: the smallest bins, together 1 % of the sum
/// of magnitudes, are zero.
fn sparse(response: &[Complex<f32>]) -> (usize, Vec<Complex<f32>>) {
    let levels: Vec<f32> = response.iter().map(|value| magnitude(value.re, value.im)).collect();
    let sum: f64 = levels.iter().map(|level| f64::from(*level)).sum();
    let mut sorted = levels.clone();
    sorted.sort_unstable_by(f32::total_cmp);
    let mut reached = 0.0;
    let least = sorted
        .iter()
        .copied()
        .find(|level| {
            reached += f64::from(*level) / sum;
            reached >= SPARSITY
        })
        .unwrap_or(0.0);
    let first = levels.iter().position(|level| *level >= least).unwrap_or(0);
    let last = levels.iter().rposition(|level| *level >= least).unwrap_or(0);
    let weights =
        (first..=last).map(|bin| if levels[bin] >= least { response[bin] } else { Complex::new(0.0, 0.0) }).collect();
    (first, weights)
}

/// Constant-Q transform for one sampling rate (Brown 1991; by octaves, Schörkhuber & Klapuri 2010).
///
/// Every bin correlates the signal with a Hann-windowed complex tone that lasts the same number of periods, so low bins
/// see long stretches. The highest octave is transformed first; then the signal is halved in rate, and the same filters
/// serve the octave below.
///
/// ```
/// use stimmung_features::{ConstantQ, ConstantQParams};
///
/// let tone: Vec<f32> = (0..32_000).map(|n| (n as f32 * 0.172_787_6).sin()).collect(); // A4, 440 Hz
/// let mut transform = ConstantQ::new(ConstantQParams::default(), 16_000)?;
/// let magnitudes = transform.magnitudes(&tone, 0.0)?;
/// assert_eq!((magnitudes.frames(), magnitudes.bands()), (63, 252));
/// let row = magnitudes.frame(30);
/// let loudest = (0..252).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap();
/// assert_eq!(loudest, (3 * 12 + 9) * 3); // three octaves and nine semitones above C1
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
pub struct ConstantQ {
    params: ConstantQParams,
    sample_rate: u32,
    octaves: BTreeMap<u64, Octave>,
    stfts: BTreeMap<(usize, usize), Stft>,
    halver: Halver,
}

impl ConstantQ {
    /// Checks the parameters; filters are built when a tuning is met.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] where a parameter is out of range, [`FeatureError::SampleRate`] where the highest bin,
    /// tuned up by half a bin, would exceed half the sampling rate.
    pub fn new(params: ConstantQParams, sample_rate: u32) -> Result<Self, FeatureError> {
        params.check()?;
        let needed = 2.0 * params.cutoff(0.5);
        if f64::from(sample_rate) < needed {
            return Err(FeatureError::SampleRate {
                descriptor: "the constant-Q transform",
                minimum: needed.ceil() as u32,
                maximum: u32::MAX,
                actual: sample_rate,
            });
        }
        if params.fft_exponent(f64::from(sample_rate), -0.5) > LARGEST_FFT.ilog2() {
            return Err(FeatureError::parameter(
                "low",
                format!("a frequency whose filters fit into {LARGEST_FFT} samples"),
                params.low,
            ));
        }
        Ok(Self { params, sample_rate, octaves: BTreeMap::new(), stfts: BTreeMap::new(), halver: Halver::new() })
    }

    /// Magnitudes, shape `(frames, bins)`, of bins that lie `tuning` bins (−0.5 to 0.5) above their nominal frequencies.
    /// Scaled so that a tone gives about the same magnitude in every octave.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] where the tuning is out of range; [`FeatureError::TooShort`] without samples;
    /// [`FeatureError::Sample`] where one is not finite or beyond [`crate::LARGEST_SAMPLE`].
    pub fn magnitudes(&mut self, samples: &[f32], tuning: f64) -> Result<Frames, FeatureError> {
        check_samples(samples)?;
        if !(-0.5..=0.5).contains(&tuning) {
            return Err(FeatureError::parameter("tuning", "-0.5 to 0.5 bins", tuning));
        }
        self.transform(samples, tuning)
    }

    /// The same without checks: a part of a signal may overshoot what the whole signal keeps to.
    pub(crate) fn transform(&mut self, samples: &[f32], tuning: f64) -> Result<Frames, FeatureError> {
        let rate = f64::from(self.sample_rate);
        let params = self.params;
        if self.octaves.len() >= KEPT_BANKS {
            self.octaves.clear();
        }
        let octave = &*self.octaves.entry(tuning.to_bits()).or_insert_with(|| Octave::new(&params, rate, tuning));
        let root_two = std::f32::consts::SQRT_2;
        let mut hop = params.hop;
        let mut halved: Option<Vec<f32>> = None;
        for _ in 0..octave.halvings {
            halved = Some(self.halver.halve(halved.as_deref().unwrap_or(samples), root_two));
            hop /= 2;
        }
        let top_rate = rate / f64::from(1_u32 << octave.halvings);
        let mut table: Option<Frames> = None;
        for index in 0..params.octaves {
            let signal = halved.as_deref().unwrap_or(samples);
            let stft = StftParams { n_fft: octave.n_fft, hop, window: Window::Rectangular };
            let plan = match self.stfts.entry((octave.n_fft, hop)) {
                std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::btree_map::Entry::Vacant(entry) => entry.insert(Stft::new(stft)?),
            };
            let table = table.get_or_insert_with(|| Frames::zeros(stft.frames(signal.len()), params.bins()));
            let low = params.bins() - (index + 1) * params.bins_per_octave;
            // Filters are longer by a factor of two an octave, in samples of the first one.
            let gain = 2.0_f64.powi(index as i32).sqrt();
            let scales: Vec<f32> = (low..low + params.bins_per_octave)
                .map(|bin| (gain / (params.quality() * top_rate / params.frequency(bin, tuning)).sqrt()) as f32)
                .collect();
            for frame in 0..table.frames() {
                let spectrum = plan.frame(signal, frame);
                let cells = &mut table.frame_mut(frame)[low..low + params.bins_per_octave];
                for ((cell, (first, weights)), scale) in cells.iter_mut().zip(&octave.filters).zip(&scales) {
                    let (mut re, mut im) = (0.0_f32, 0.0_f32);
                    for (weight, bin) in weights.iter().zip(&spectrum[*first..]) {
                        let (a, b) = (bin.re as f32, bin.im as f32);
                        re += weight.re * a - weight.im * b;
                        im += weight.re * b + weight.im * a;
                    }
                    *cell = magnitude(re, im) * scale;
                }
            }
            if index + 1 < params.octaves {
                halved = Some(self.halver.halve(signal, root_two));
                hop /= 2;
            }
        }
        // There is at least one octave, so there is a table.
        Ok(table.unwrap_or_else(|| Frames::zeros(0, params.bins())))
    }
}

/// The chromagram, shape `(frames, bins)`, of constant-Q magnitudes: octaves added up, every frame divided by its largest
/// value. The first bin is C.
///
/// ```
/// use stimmung_features::{ConstantQ, ConstantQParams, chroma_cqt};
///
/// let params = ConstantQParams::default();
/// let tone: Vec<f32> = (0..32_000).map(|n| (n as f32 * 0.172_787_6).sin()).collect(); // A4, 440 Hz
/// let magnitudes = ConstantQ::new(params, 16_000)?.magnitudes(&tone, 0.0)?;
/// assert_eq!(chroma_cqt(&magnitudes, &params, 12)?.frame(30)[9], 1.0);
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
///
/// # Errors
/// [`FeatureError::Parameter`] where `bins` does not divide the bins of an octave; [`FeatureError::Width`] where the table
/// has another number of bins than `params` say.
pub fn chroma_cqt(magnitudes: &Frames, params: &ConstantQParams, bins: usize) -> Result<Frames, FeatureError> {
    params.check()?;
    magnitudes.expect_bands("the constant-Q transform", params.bins())?;
    if bins == 0 || !params.bins_per_octave.is_multiple_of(bins) {
        let expected = format!("a divisor of {} bins an octave", params.bins_per_octave);
        return Err(FeatureError::parameter("bins", expected, bins));
    }
    let merged = params.bins_per_octave / bins;
    // Where the lowest bin lies above C.
    let semitones = (12.0 * (params.low / 440.0).log2() + 69.0).rem_euclid(12.0);
    let turn = (semitones * bins as f64 / 12.0).round_ties_even() as usize;
    let target: Vec<usize> = (0..params.bins_per_octave)
        .map(|bin| ((bin + merged / 2) % params.bins_per_octave / merged + turn) % bins)
        .collect();
    let mut chroma = Frames::zeros(magnitudes.frames(), bins);
    for frame in 0..magnitudes.frames() {
        let cells = chroma.frame_mut(frame);
        for octave in magnitudes.frame(frame).chunks_exact(params.bins_per_octave) {
            octave.iter().zip(&target).for_each(|(value, place)| cells[*place] += value);
        }
    }
    normalize(&mut chroma, Norm::Maximum);
    Ok(chroma)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f64, rate: u32) -> Vec<f32> {
        (0..rate as usize).map(|n| (std::f64::consts::TAU * hertz * n as f64 / f64::from(rate)).sin() as f32).collect()
    }

    #[test]
    fn every_bin_finds_its_tone_with_equal_loudness() {
        let params = ConstantQParams::default();
        for rate in [16_000, 44_100] {
            let mut transform = ConstantQ::new(params, rate).unwrap();
            let mut levels = Vec::new();
            for bin in (100..250).step_by(37) {
                for tuning in [0.0, 0.3] {
                    let magnitudes = transform.magnitudes(&tone(params.frequency(bin, tuning), rate), tuning).unwrap();
                    let row = magnitudes.frame(magnitudes.frames() / 2);
                    let loudest = (0..252).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap();
                    assert_eq!(loudest, bin, "{rate} {tuning}");
                    // Half the square root of the filter's length.
                    let expected = 0.5 * (params.quality() * f64::from(rate) / params.frequency(bin, tuning)).sqrt();
                    levels.push(f64::from(row[bin]) / expected);
                }
            }
            assert!(levels.iter().all(|level| (level / levels[0] - 1.0).abs() < 0.02), "{levels:?}");
        }
    }

    #[test]
    fn gain_scales_and_silence_and_single_samples_stay_finite() {
        let mut transform = ConstantQ::new(ConstantQParams::default(), 44_100).unwrap();
        let once = transform.magnitudes(&tone(300.0, 22_050), 0.1).unwrap();
        let louder: Vec<f32> = tone(300.0, 22_050).iter().map(|value| 4.0 * value).collect();
        let louder = transform.magnitudes(&louder, 0.1).unwrap();
        assert!(once.values().iter().zip(louder.values()).all(|(a, b)| (4.0 * a - b).abs() <= 1e-5 * b));
        assert!(transform.magnitudes(&[0.0; 4000], 0.0).unwrap().values().iter().all(|value| *value == 0.0));
        assert!(transform.magnitudes(&[1.0], 0.0).unwrap().values().iter().all(|value| value.is_finite()));
        assert!(transform.magnitudes(&[], 0.0).is_err());
        assert!(transform.magnitudes(&[1.0], 0.6).is_err());
    }

    #[test]
    fn low_sampling_rates_say_which_would_do() {
        let error = ConstantQ::new(ConstantQParams::default(), 8000).err().unwrap();
        assert!(matches!(error, FeatureError::SampleRate { minimum: 8000..8600, .. }), "{error}");
    }

    #[test]
    fn bad_parameters_are_named() {
        let default = ConstantQParams::default();
        for (params, field) in [
            (ConstantQParams { low: 0.0, ..default }, "low"),
            (ConstantQParams { bins_per_octave: 1, ..default }, "bins_per_octave"),
            (ConstantQParams { octaves: 0, ..default }, "octaves"),
            (ConstantQParams { hop: 500, ..default }, "hop"),
            (ConstantQParams { hop: 1 << 40, ..default }, "hop"),
        ] {
            assert!(matches!(params.check(), Err(FeatureError::Parameter { name, .. }) if name == field));
        }
        for low in [1e-9, 1e-3] {
            let error = ConstantQ::new(ConstantQParams { low, ..default }, 16_000).err().unwrap();
            assert!(matches!(error, FeatureError::Parameter { name: "low", .. }), "{error}");
        }
        assert!(chroma_cqt(&Frames::zeros(1, 252), &default, 7).is_err());
        assert!(chroma_cqt(&Frames::zeros(1, 251), &default, 12).is_err());
    }
}
