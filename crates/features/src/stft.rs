//! Short-time Fourier transform and its inverse.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use serde::{Deserialize, Serialize};

use crate::error::FeatureError;
use crate::frames::Frames;
use crate::lanes::{LANES, Lane, turned, vectorized};

/// Largest transform that a recipe may ask for.
pub(crate) const LARGEST_FFT: usize = 1 << 20;

/// How a frame is weighted before its transform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Window {
    /// Periodic Hann window, w(n) = ½ − ½ cos(2πn/N).
    #[default]
    Hann,
    /// All ones.
    Rectangular,
}

impl Window {
    fn values(self, length: usize) -> Vec<f64> {
        match self {
            Self::Hann => hann(length),
            Self::Rectangular => vec![1.0; length],
        }
    }
}

/// The periodic Hann window of `length` samples, w(n) = ½ − ½ cos(2πn/N).
pub(crate) fn hann(length: usize) -> Vec<f64> {
    let step = std::f64::consts::TAU / length as f64;
    (0..length).map(|index| 0.5 - 0.5 * (step * index as f64).cos()).collect()
}

/// Framing of a short-time Fourier transform.
///
/// ```
/// use stimmung_features::StftParams;
///
/// let params = StftParams::default();
/// params.check()?;
/// assert_eq!((params.bins(), params.frames(16_000)), (1025, 32));
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StftParams {
    /// Samples in a frame and in its transform; even, 2 to 1,048,576. Default 2048: 128 ms at 16 kHz, 7.8 Hz a bin.
    pub n_fft: usize,
    /// Samples from one frame to the next, at least 1. Default 512, a quarter of a frame.
    pub hop: usize,
    /// Weighting of a frame. Default Hann.
    pub window: Window,
}

impl Default for StftParams {
    fn default() -> Self {
        Self { n_fft: 2048, hop: 512, window: Window::Hann }
    }
}

impl StftParams {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] that names the first field out of range.
    pub fn check(&self) -> Result<(), FeatureError> {
        if !(2..=LARGEST_FFT).contains(&self.n_fft) || !self.n_fft.is_multiple_of(2) {
            return Err(FeatureError::parameter("n_fft", "an even number from 2 to 1048576", self.n_fft));
        }
        if self.hop == 0 {
            return Err(FeatureError::parameter("hop", "at least 1 sample", self.hop));
        }
        Ok(())
    }

    /// Frequency bins from 0 Hz to half the sampling rate: `n_fft` / 2 + 1.
    pub fn bins(&self) -> usize {
        self.n_fft / 2 + 1
    }

    /// Frames of a signal of so many samples: frame t is centred at sample t · hop, beyond the ends there is silence.
    pub fn frames(&self, samples: usize) -> usize {
        samples / self.hop + 1
    }
}

/// Frequencies in hertz of the bins of a transform of `n_fft` samples.
pub(crate) fn bin_frequencies(sample_rate: u32, n_fft: usize) -> impl Iterator<Item = f64> {
    // In this order of operations, so that comparisons with band edges fall as they do in `NumPy`.
    let spacing = 1.0 / (n_fft as f64 * (1.0 / f64::from(sample_rate)));
    (0..=n_fft / 2).map(move |bin| bin as f64 * spacing)
}

/// A complex spectrogram of shape `(frames, bins)`, stored frame after frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrogram {
    values: Vec<Complex<f32>>,
    bins: usize,
}

impl Spectrogram {
    /// Number of frames.
    pub fn frames(&self) -> usize {
        self.values.len() / self.bins
    }

    /// Number of frequency bins.
    pub fn bins(&self) -> usize {
        self.bins
    }

    /// The bins of one frame.
    ///
    /// # Panics
    /// Where there is no such frame, as for a slice.
    pub fn frame(&self, index: usize) -> &[Complex<f32>] {
        &self.values[index * self.bins..(index + 1) * self.bins]
    }

    /// The bins of one frame, to be written.
    ///
    /// # Panics
    /// Where there is no such frame, as for a slice.
    pub fn frame_mut(&mut self, index: usize) -> &mut [Complex<f32>] {
        &mut self.values[index * self.bins..(index + 1) * self.bins]
    }

    /// Magnitudes |X|, shape `(frames, bins)`.
    pub fn magnitudes(&self) -> Frames {
        let mut table = Frames::zeros(self.frames(), self.bins);
        vectorized(
            #[inline(always)]
            || {
                for (to, from) in table.values_mut().iter_mut().zip(&self.values) {
                    *to = magnitude(from.re, from.im);
                }
            },
        );
        table
    }
}

/// |re + i·im| without overflow: the larger part times √(1 + ratio²), the square and the sum rounded once.
///
/// The rounding is that of `NumPy`, bit for bit. That matters further on, where tuning estimation counts peaks.
#[inline(always)]
pub(crate) fn magnitude(re: f32, im: f32) -> f32 {
    let (re, im) = (re.abs(), im.abs());
    let large = if re > im { re } else { im };
    let small = if re > im { im } else { re };
    let ratio = if large > 0.0 { small / large } else { 0.0 };
    ratio.mul_add(ratio, 1.0).sqrt() * large
}

/// Plans and scratch of a short-time Fourier transform, reused from signal to signal.
///
/// X(t, k) = Σₙ w(n) · y(t·hop + n − `n_fft`/2) · exp(−2πikn/`n_fft`), with y = 0 outside the signal (Allen & Rabiner
/// 1977). Computed in `f64` and rounded once to `f32`, as `SciPy` does, so that weak bins beside strong ones keep their
/// digits.
///
/// ```
/// use stimmung_features::{Stft, StftParams};
///
/// let tone: Vec<f32> = (0..4000).map(|n| (n as f32 * 0.25 * std::f32::consts::PI).sin()).collect();
/// let magnitudes = Stft::new(StftParams::default())?.magnitudes(&tone);
/// assert_eq!((magnitudes.frames(), magnitudes.bands()), (8, 1025));
/// // An eighth of the sampling rate is bin 256, and a Hann window gives a quarter of the frame's length.
/// assert!((magnitudes.frame(4)[256] - 512.0).abs() < 1.0);
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
pub struct Stft {
    params: StftParams,
    window: Vec<f64>,
    plan: Arc<dyn RealToComplex<f64>>,
    input: Vec<f64>,
    output: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
}

impl Stft {
    /// Plans the transform.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] where `params` are out of range.
    pub fn new(params: StftParams) -> Result<Self, FeatureError> {
        params.check()?;
        let plan = RealFftPlanner::new().plan_fft_forward(params.n_fft);
        Ok(Self {
            params,
            window: params.window.values(params.n_fft),
            input: plan.make_input_vec(),
            output: plan.make_output_vec(),
            scratch: plan.make_scratch_vec(),
            plan,
        })
    }

    /// The framing.
    pub fn params(&self) -> StftParams {
        self.params
    }

    /// The spectrum of frame `index` in full precision.
    pub(crate) fn frame(&mut self, samples: &[f32], index: usize) -> &[Complex<f64>] {
        let start = (index * self.params.hop) as isize - (self.params.n_fft / 2) as isize;
        // Part of the frame that lies inside the signal.
        let from = start.clamp(0, samples.len() as isize) as usize;
        let to = (start + self.params.n_fft as isize).clamp(0, samples.len() as isize) as usize;
        let offset = (from as isize - start) as usize;
        let (input, window) = (&mut self.input, &self.window);
        vectorized(
            #[inline(always)]
            || {
                if to - from < input.len() {
                    input.fill(0.0);
                }
                let weights = &window[offset..];
                for ((value, weight), sample) in input[offset..].iter_mut().zip(weights).zip(&samples[from..to]) {
                    *value = weight * f64::from(*sample);
                }
            },
        );
        // The buffers come from the plan, so their lengths are the ones it asks for.
        let done = self.plan.process_with_scratch(&mut self.input, &mut self.output, &mut self.scratch);
        debug_assert!(done.is_ok());
        &self.output
    }

    /// Magnitudes of frame `index` into `row`.
    pub(crate) fn frame_magnitudes(&mut self, samples: &[f32], index: usize, row: &mut [f32]) {
        let spectrum = self.frame(samples, index);
        vectorized(
            #[inline(always)]
            || {
                for (to, from) in row.iter_mut().zip(spectrum) {
                    *to = magnitude(from.re as f32, from.im as f32);
                }
            },
        );
    }

    /// Powers |X|² of frame `index` into `row`.
    pub(crate) fn frame_powers(&mut self, samples: &[f32], index: usize, row: &mut [f32]) {
        let spectrum = self.frame(samples, index);
        vectorized(
            #[inline(always)]
            || {
                for (to, from) in row.iter_mut().zip(spectrum) {
                    *to = (from.re * from.re + from.im * from.im) as f32;
                }
            },
        );
    }

    /// Magnitudes |X| of all frames, shape `(frames, bins)`.
    pub fn magnitudes(&mut self, samples: &[f32]) -> Frames {
        let mut table = Frames::zeros(self.params.frames(samples.len()), self.params.bins());
        for index in 0..table.frames() {
            self.frame_magnitudes(samples, index, table.frame_mut(index));
        }
        table
    }

    /// The complex spectrogram of all frames, shape `(frames, bins)`.
    pub fn spectrogram(&mut self, samples: &[f32]) -> Spectrogram {
        let frames = self.params.frames(samples.len());
        let bins = self.params.bins();
        let mut values = Vec::with_capacity(frames * bins);
        for index in 0..frames {
            values.extend(self.frame(samples, index).iter().map(|v| Complex::new(v.re as f32, v.im as f32)));
        }
        Spectrogram { values, bins }
    }
}

/// What a block holds of every bin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantity {
    Magnitude,
    Power,
}

/// Spectra in blocks of [`LANES`] frames: as rows, for work along the frequencies, and turned, for work on many frames at
/// once.
pub(crate) struct BlockStft {
    stft: Stft,
    quantity: Quantity,
    rows: Vec<f32>,
}

impl BlockStft {
    pub(crate) fn new(params: StftParams, quantity: Quantity) -> Result<Self, FeatureError> {
        Ok(Self { stft: Stft::new(params)?, quantity, rows: vec![0.0; params.bins() * LANES] })
    }

    pub(crate) fn params(&self) -> StftParams {
        self.stft.params
    }

    /// How many blocks cover so many samples.
    pub(crate) fn blocks(&self, samples: usize) -> usize {
        self.stft.params.frames(samples).div_ceil(LANES)
    }

    /// Computes block `block` and returns how many of its frames exist.
    pub(crate) fn load(&mut self, samples: &[f32], block: usize) -> usize {
        let bins = self.stft.params.bins();
        let first = block * LANES;
        let count = LANES.min(self.stft.params.frames(samples.len()).saturating_sub(first));
        for (lane, row) in self.rows.chunks_exact_mut(bins).enumerate() {
            if lane >= count {
                row.fill(0.0);
            } else if self.quantity == Quantity::Magnitude {
                self.stft.frame_magnitudes(samples, first + lane, row);
            } else {
                self.stft.frame_powers(samples, first + lane, row);
            }
        }
        count
    }

    /// The rows of the block that was loaded last; those beyond the signal hold zeros.
    pub(crate) fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.rows.chunks_exact(self.stft.params.bins())
    }

    /// Writes the loaded block with the frames in the lanes.
    pub(crate) fn turn_into(&self, block: &mut [Lane]) {
        let (bins, rows) = (self.stft.params.bins(), &self.rows);
        let (tiles, rest) = block[..bins].as_chunks_mut::<LANES>();
        let done = tiles.len() * LANES;
        vectorized(
            #[inline(always)]
            || {
                for (index, tile) in tiles.iter_mut().enumerate() {
                    let mut cells = [[0.0; LANES]; LANES];
                    for lane in 0..LANES {
                        let start = lane * bins + index * LANES;
                        cells[lane].copy_from_slice(&rows[start..start + LANES]);
                    }
                    *tile = turned(cells);
                }
            },
        );
        for (bin, cell) in rest.iter_mut().enumerate() {
            *cell = std::array::from_fn(|lane| rows[lane * bins + done + bin]);
        }
    }
}

/// Plans of an inverse short-time Fourier transform by weighted overlap-add (Griffin & Lim 1984).
///
/// y(n) = Σₜ w(n − t·hop) · yₜ(n − t·hop) / Σₜ w²(n − t·hop). Exact for an unchanged spectrogram.
///
/// ```
/// use stimmung_features::{Istft, Stft, StftParams};
///
/// let signal: Vec<f32> = (0..5000).map(|n| (n as f32 * 0.01).sin()).collect();
/// let spectrogram = Stft::new(StftParams::default())?.spectrogram(&signal);
/// let back = Istft::new(StftParams::default())?.signal(&spectrogram, signal.len())?;
/// assert!(signal.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-5));
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
pub struct Istft {
    params: StftParams,
    window: Vec<f32>,
    plan: Arc<dyn ComplexToReal<f32>>,
    input: Vec<Complex<f32>>,
    output: Vec<f32>,
    scratch: Vec<Complex<f32>>,
}

impl Istft {
    /// Plans the transform.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] where `params` are out of range.
    pub fn new(params: StftParams) -> Result<Self, FeatureError> {
        params.check()?;
        let plan = RealFftPlanner::new().plan_fft_inverse(params.n_fft);
        Ok(Self {
            params,
            window: params.window.values(params.n_fft).into_iter().map(|value| value as f32).collect(),
            input: plan.make_input_vec(),
            output: plan.make_output_vec(),
            scratch: plan.make_scratch_vec(),
            plan,
        })
    }

    /// The signal of `samples` samples.
    ///
    /// # Errors
    /// [`FeatureError::Width`] where the spectrogram has another number of bins than the plan.
    pub fn signal(&mut self, spectrogram: &Spectrogram, samples: usize) -> Result<Vec<f32>, FeatureError> {
        if spectrogram.bins() != self.params.bins() {
            return Err(FeatureError::Width {
                what: "the spectrogram",
                expected: self.params.bins(),
                actual: spectrogram.bins(),
            });
        }
        let mut signal = vec![0.0; samples];
        for index in 0..spectrogram.frames() {
            self.add_frame(index, spectrogram.frame(index), &mut signal);
        }
        self.divide_by_window(spectrogram.frames(), &mut signal);
        Ok(signal)
    }

    /// Adds the weighted inverse transform of one frame in its place.
    pub(crate) fn add_frame(&mut self, index: usize, spectrum: &[Complex<f32>], signal: &mut [f32]) {
        self.input.copy_from_slice(spectrum);
        // A real signal has none; what is left there is rounding.
        self.input[0].im = 0.0;
        let last = self.input.len() - 1;
        self.input[last].im = 0.0;
        let done = self.plan.process_with_scratch(&mut self.input, &mut self.output, &mut self.scratch);
        debug_assert!(done.is_ok());
        let scale = 1.0 / self.params.n_fft as f32;
        let (offset, range) = self.place(index, signal.len());
        let (output, window) = (&self.output[offset..], &self.window[offset..]);
        vectorized(
            #[inline(always)]
            || {
                for ((sum, value), weight) in signal[range].iter_mut().zip(output).zip(window) {
                    *sum += weight * (value * scale);
                }
            },
        );
    }

    /// Divides by the sum of the squared windows, where it is not nothing.
    pub(crate) fn divide_by_window(&self, frames: usize, signal: &mut [f32]) {
        let mut weights = vec![0.0_f32; signal.len()];
        for index in 0..frames {
            let (offset, range) = self.place(index, signal.len());
            for (sum, weight) in weights[range].iter_mut().zip(&self.window[offset..]) {
                *sum += weight * weight;
            }
        }
        for (value, weight) in signal.iter_mut().zip(&weights) {
            if *weight > f32::MIN_POSITIVE {
                *value /= weight;
            }
        }
    }

    /// Where frame `index` lies: the first of its samples inside the signal, and the range of the signal it covers.
    fn place(&self, index: usize, samples: usize) -> (usize, std::ops::Range<usize>) {
        let start = (index * self.params.hop) as isize - (self.params.n_fft / 2) as isize;
        let from = start.clamp(0, samples as isize);
        let to = (start + self.params.n_fft as isize).clamp(from, samples as isize);
        ((from - start).min(self.params.n_fft as isize) as usize, from as usize..to as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(samples: usize) -> Vec<f32> {
        let mut state = 1_u32;
        (0..samples)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state as f32 / 2_147_483_648.0 - 1.0
            })
            .collect()
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        for (n_fft, hop, name) in [(0, 1, "n_fft"), (3, 1, "n_fft"), (1 << 21, 1, "n_fft"), (8, 0, "hop")] {
            let params = StftParams { n_fft, hop, window: Window::Hann };
            assert!(
                matches!(params.check(), Err(FeatureError::Parameter { name: found, .. }) if found == name),
                "{params:?}"
            );
        }
    }

    #[test]
    fn gain_scales_and_shift_by_a_hop_moves_frames() {
        let signal = noise(6000);
        let mut stft = Stft::new(StftParams { n_fft: 512, hop: 128, window: Window::Hann }).unwrap();
        let once = stft.magnitudes(&signal);
        let twice = stft.magnitudes(&signal.iter().map(|value| 2.0 * value).collect::<Vec<_>>());
        assert!(once.values().iter().zip(twice.values()).all(|(a, b)| 2.0 * a == *b));
        let mut late = vec![0.0; 128];
        late.extend(&signal);
        let late = stft.magnitudes(&late);
        assert_eq!(once.frame(10), late.frame(11));
    }

    #[test]
    fn every_length_gives_finite_frames_and_comes_back() {
        let params = StftParams { n_fft: 64, hop: 16, window: Window::Hann };
        let mut stft = Stft::new(params).unwrap();
        let mut istft = Istft::new(params).unwrap();
        for samples in [1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 500] {
            let signal = noise(samples);
            let spectrogram = stft.spectrogram(&signal);
            assert_eq!(spectrogram.frames(), samples / 16 + 1);
            let back = istft.signal(&spectrogram, samples).unwrap();
            assert!(signal.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-5), "{samples}");
        }
    }

    #[test]
    fn blocks_hold_the_same_magnitudes() {
        let signal = noise(40 * 512);
        let params = StftParams::default();
        let table = Stft::new(params).unwrap().magnitudes(&signal);
        let mut blocks = BlockStft::new(params, Quantity::Magnitude).unwrap();
        let mut block = vec![[0.0; LANES]; params.bins()];
        let mut frame = 0;
        for index in 0..blocks.blocks(signal.len()) {
            let count = blocks.load(&signal, index);
            blocks.turn_into(&mut block);
            for lane in 0..count {
                assert!(table.frame(frame).iter().zip(&block).all(|(value, cell)| *value == cell[lane]));
                frame += 1;
            }
            assert!(block.iter().all(|cell| cell[count..].iter().all(|value| *value == 0.0)));
        }
        assert_eq!(frame, table.frames());
    }

    #[test]
    fn magnitude_neither_overflows_nor_divides_by_zero() {
        assert_eq!(magnitude(0.0, 0.0), 0.0);
        assert_eq!(magnitude(-3.0, 4.0), 5.0);
        assert_eq!(magnitude(0.0, -1e-30), 1e-30);
        assert!((magnitude(1e30, 1e30) / 1.414_213_6e30 - 1.0).abs() < 1e-6);
    }
}
