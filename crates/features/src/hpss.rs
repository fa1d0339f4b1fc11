//! Harmonic-percussive source separation by median filters.

use realfft::num_complex::Complex;
use serde::{Deserialize, Serialize};

use crate::error::{FeatureError, check_samples};
use crate::frames::Frames;
use crate::lanes::{LANES, Lane, larger, smaller, vectorized};
use crate::stft::{Istft, Stft, StftParams, magnitude};

/// Frames that are separated at a time, so that memory does not grow with the recording.
const CHUNK: usize = 256;

/// Length of the median filters and softness of the masks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HpssParams {
    /// Frames, and bins, under a median filter; odd, 3 to 255. Default 31.
    pub kernel: usize,
    /// Exponent of the soft mask, above 0 and at most 16. Default 2: a Wiener filter.
    pub power: f32,
}

impl Default for HpssParams {
    fn default() -> Self {
        Self { kernel: 31, power: 2.0 }
    }
}

impl HpssParams {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] that names the first field out of range.
    pub fn check(&self) -> Result<(), FeatureError> {
        if !(3..=255).contains(&self.kernel) || self.kernel.is_multiple_of(2) {
            return Err(FeatureError::parameter("kernel", "an odd number from 3 to 255", self.kernel));
        }
        if !(self.power > 0.0 && self.power <= 16.0) {
            return Err(FeatureError::parameter("power", "above 0 and at most 16", self.power));
        }
        Ok(())
    }
}

/// The share of `a` where `a` and `b` overlap: aᵖ / (aᵖ + bᵖ), half where both are nothing.
#[inline(always)]
fn share(a: f32, b: f32, power: impl Fn(f32) -> f32) -> f32 {
    let most = if a > b { a } else { b };
    let nothing = most < f32::MIN_POSITIVE;
    let scale = if nothing { 1.0 } else { most };
    let (a, b) = (power(a / scale), power(b / scale));
    let part = a / (a + b);
    if nothing { 0.5 } else { part }
}

/// Position that stands for `index` beyond the ends of `count` values: the values mirrored, the outermost repeated.
fn mirrored(index: isize, count: usize) -> usize {
    let period = 2 * count as isize;
    let place = index.rem_euclid(period);
    if place < count as isize { place as usize } else { (period - 1 - place) as usize }
}

/// A window of values that stays sorted while it slides, sixteen lines side by side.
struct SortedWindow {
    cells: Vec<Lane>,
}

impl SortedWindow {
    fn new(size: usize) -> Self {
        Self { cells: vec![[0.0; LANES]; size] }
    }

    /// Starts a line from its first values.
    #[inline(always)]
    fn fill(&mut self, values: impl Iterator<Item = Lane>) {
        self.cells.fill([f32::INFINITY; LANES]);
        let infinite = [f32::INFINITY; LANES];
        for value in values {
            self.replace(&infinite, &value);
        }
    }

    /// Takes out one value, which must be there, and puts in another. Every cell is the median of the new value and of
    /// its two neighbours in what is left, so nothing branches.
    #[inline(always)]
    fn replace(&mut self, old: &Lane, new: &Lane) {
        let last = self.cells.len() - 1;
        let mut left = [f32::NEG_INFINITY; LANES];
        for index in 0..last {
            let (here, next) = (self.cells[index], self.cells[index + 1]);
            let rest: Lane = std::array::from_fn(|lane| if here[lane] < old[lane] { here[lane] } else { next[lane] });
            self.cells[index] = larger(&left, &smaller(&rest, new));
            left = rest;
        }
        self.cells[last] = larger(&left, new);
    }

    /// Medians along a line of `count` cells, for `range`, into `write`.
    #[inline(always)]
    fn slide(
        &mut self,
        count: usize,
        range: std::ops::Range<usize>,
        read: impl Fn(usize) -> Lane,
        mut write: impl FnMut(usize, &Lane),
    ) {
        let half = (self.cells.len() / 2) as isize;
        let first = range.start as isize;
        self.fill((first - half..=first + half).map(|index| read(mirrored(index, count))));
        for index in range.clone() {
            write(index, &self.cells[half as usize]);
            if index + 1 < range.end {
                let old = read(mirrored(index as isize - half, count));
                let new = read(mirrored(index as isize + half + 1, count));
                self.replace(&old, &new);
            }
        }
    }
}

/// Magnitude rows padded to whole lanes.
struct Rows {
    values: Vec<f32>,
    stride: usize,
}

impl Rows {
    fn new(bins: usize) -> Self {
        Self { values: Vec::new(), stride: bins.next_multiple_of(LANES) }
    }

    fn resize(&mut self, frames: usize) {
        self.values.resize(frames * self.stride, 0.0);
    }

    fn row(&self, frame: usize) -> &[f32] {
        &self.values[frame * self.stride..(frame + 1) * self.stride]
    }

    fn row_mut(&mut self, frame: usize) -> &mut [f32] {
        &mut self.values[frame * self.stride..(frame + 1) * self.stride]
    }
}

/// Harmonic and percussive magnitudes of some frames.
struct Medians {
    params: HpssParams,
    bins: usize,
    window: SortedWindow,
    magnitudes: Rows,
    harmonic: Rows,
    percussive: Rows,
    turned: Vec<Lane>,
}

impl Medians {
    fn new(params: HpssParams, bins: usize) -> Self {
        Self {
            params,
            bins,
            window: SortedWindow::new(params.kernel),
            magnitudes: Rows::new(bins),
            harmonic: Rows::new(bins),
            percussive: Rows::new(bins),
            turned: vec![[0.0; LANES]; bins],
        }
    }

    /// Filters frames `wanted` of a recording of `total` frames, of which `magnitudes` holds those from `first` on. Row 0
    /// of the results is the first one wanted.
    fn run(&mut self, total: usize, first: usize, wanted: std::ops::Range<usize>) {
        let Self { bins, window, magnitudes, harmonic, percussive, turned, .. } = self;
        harmonic.resize(wanted.len());
        percussive.resize(wanted.len());
        vectorized(
            #[inline(always)]
            || {
                // Along time, sixteen bins side by side.
                for column in (0..magnitudes.stride).step_by(LANES) {
                    let read = |frame: usize| -> Lane {
                        let start = (frame - first) * magnitudes.stride + column;
                        std::array::from_fn(|lane| magnitudes.values[start + lane])
                    };
                    window.slide(total, wanted.clone(), read, |frame, median| {
                        let start = (frame - wanted.start) * harmonic.stride + column;
                        harmonic.values[start..start + LANES].copy_from_slice(median);
                    });
                }
                // Along frequency, sixteen frames side by side.
                for block in wanted.clone().step_by(LANES) {
                    let count = LANES.min(wanted.end - block);
                    let row = |lane: usize| magnitudes.row(block + lane.min(count - 1) - first);
                    let rows: [&[f32]; LANES] = std::array::from_fn(row);
                    for (bin, cell) in turned.iter_mut().enumerate() {
                        *cell = std::array::from_fn(|lane| rows[lane][bin]);
                    }
                    let start = (block - wanted.start) * percussive.stride;
                    let stride = percussive.stride;
                    let output = &mut percussive.values[start..start + count * stride];
                    window.slide(
                        *bins,
                        0..*bins,
                        |bin| turned[bin],
                        |bin, median| {
                            for lane in 0..count {
                                output[lane * stride + bin] = median[lane];
                            }
                        },
                    );
                }
            },
        );
    }

    /// Harmonic share of every bin of row `row`.
    fn harmonic_mask(&self, row: usize, mask: &mut [f32]) {
        let levels = self.harmonic.row(row).iter().zip(self.percussive.row(row));
        let exponent = self.params.power;
        if exponent != 2.0 {
            for (part, (h, p)) in mask.iter_mut().zip(levels) {
                *part = share(*h, *p, |value| value.powf(exponent));
            }
            return;
        }
        vectorized(
            #[inline(always)]
            || {
                for (part, (h, p)) in mask.iter_mut().zip(levels) {
                    *part = share(*h, *p, |value| value * value);
                }
            },
        );
    }
}

/// Soft masks (harmonic, percussive), each of shape `(frames, bins)`, for a magnitude spectrogram (Fitzgerald 2010;
/// Driedger, Müller & Disch 2014).
///
/// A median along time keeps what lasts, one along frequency what is short and broad; a bin is shared in proportion of
/// their powers. The two masks sum to one.
///
/// ```
/// use stimmung_features::{Frames, HpssParams, hpss};
///
/// let mut spectra = Frames::zeros(64, 65);
/// (0..64).for_each(|frame| spectra.frame_mut(frame)[20] = 1.0); // a tone
/// spectra.frame_mut(40).fill(1.0); // a click
/// let (harmonic, percussive) = hpss(&spectra, &HpssParams::default())?;
/// assert_eq!((harmonic.frame(10)[20], harmonic.frame(40)[50]), (1.0, 0.0));
/// assert_eq!(percussive.frame(40)[50], 1.0);
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
///
/// # Errors
/// [`FeatureError::Parameter`] where `params` are out of range.
pub fn hpss(magnitudes: &Frames, params: &HpssParams) -> Result<(Frames, Frames), FeatureError> {
    params.check()?;
    let (frames, bins) = (magnitudes.frames(), magnitudes.bands());
    let (mut harmonic, mut percussive) = (Frames::zeros(frames, bins), Frames::zeros(frames, bins));
    if frames == 0 || bins == 0 {
        return Ok((harmonic, percussive));
    }
    let mut medians = Medians::new(*params, bins);
    medians.magnitudes.resize(frames);
    for frame in 0..frames {
        medians.magnitudes.row_mut(frame)[..bins].copy_from_slice(magnitudes.frame(frame));
    }
    medians.run(frames, 0, 0..frames);
    for frame in 0..frames {
        medians.harmonic_mask(frame, harmonic.frame_mut(frame));
        for (p, h) in percussive.frame_mut(frame).iter_mut().zip(harmonic.frame(frame)) {
            *p = 1.0 - h;
        }
    }
    Ok((harmonic, percussive))
}

/// Separates the harmonic part of a signal from the percussive one; plans and scratch are reused from signal to signal.
///
/// ```
/// use stimmung_features::{HpssParams, HpssSplitter, StftParams};
///
/// let mut signal: Vec<f32> = (0..32_000).map(|n| (n as f32 * 0.2).sin()).collect();
/// signal[16_000] += 20.0; // a click
/// let harmonic = HpssSplitter::new(HpssParams::default(), StftParams::default())?.harmonic(&signal)?;
/// assert!(harmonic[16_000].abs() < 3.0);
/// assert!((harmonic[8_000] - signal[8_000]).abs() < 0.05);
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
pub struct HpssSplitter {
    stft: Stft,
    istft: Istft,
    medians: Medians,
    spectra: Vec<Complex<f32>>,
    mask: Vec<f32>,
}

impl HpssSplitter {
    /// Plans the transforms.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] where a parameter is out of range.
    pub fn new(params: HpssParams, stft: StftParams) -> Result<Self, FeatureError> {
        params.check()?;
        Ok(Self {
            stft: Stft::new(stft)?,
            istft: Istft::new(stft)?,
            medians: Medians::new(params, stft.bins()),
            spectra: Vec::new(),
            mask: vec![0.0; stft.bins()],
        })
    }

    /// The harmonic part, as long as the signal.
    ///
    /// # Errors
    /// [`FeatureError::TooShort`] without samples, [`FeatureError::Sample`] where one is not finite or beyond
    /// [`crate::LARGEST_SAMPLE`].
    pub fn harmonic(&mut self, samples: &[f32]) -> Result<Vec<f32>, FeatureError> {
        check_samples(samples)?;
        let params = self.stft.params();
        let bins = params.bins();
        let total = params.frames(samples.len());
        let half = self.medians.params.kernel / 2;
        let mut signal = vec![0.0; samples.len()];
        for start in (0..total).step_by(CHUNK) {
            let wanted = start..(start + CHUNK).min(total);
            let held = start.saturating_sub(half)..(wanted.end + half).min(total);
            self.spectra.resize(held.len() * bins, Complex::new(0.0, 0.0));
            self.medians.magnitudes.resize(held.len());
            for (place, frame) in held.clone().enumerate() {
                let spectrum = self.stft.frame(samples, frame);
                let kept = &mut self.spectra[place * bins..(place + 1) * bins];
                let row = self.medians.magnitudes.row_mut(place);
                vectorized(
                    #[inline(always)]
                    || {
                        for ((bin, level), value) in kept.iter_mut().zip(row).zip(spectrum) {
                            *bin = Complex::new(value.re as f32, value.im as f32);
                            *level = magnitude(bin.re, bin.im);
                        }
                    },
                );
            }
            self.medians.run(total, held.start, wanted.clone());
            for frame in wanted.clone() {
                self.medians.harmonic_mask(frame - wanted.start, &mut self.mask);
                let place = (frame - held.start) * bins;
                let spectrum = &mut self.spectra[place..place + bins];
                spectrum.iter_mut().zip(&self.mask).for_each(|(value, share)| *value *= share);
                self.istft.add_frame(frame, spectrum, &mut signal);
            }
        }
        self.istft.divide_by_window(total, &mut signal);
        Ok(signal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(count: usize) -> Vec<f32> {
        let mut state = 5_u32;
        (0..count)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                // Few values, so that windows hold equal ones.
                ((state >> 24) % 23) as f32 / 23.0
            })
            .collect()
    }

    #[test]
    fn medians_are_those_of_sorted_windows() {
        for (frames, bins) in [(1, 5), (3, 40), (40, 3), (70, 33)] {
            let table = Frames::from_rows(noise(frames * bins), bins).unwrap();
            let mut medians = Medians::new(HpssParams { kernel: 7, power: 2.0 }, bins);
            medians.magnitudes.resize(frames);
            for frame in 0..frames {
                medians.magnitudes.row_mut(frame)[..bins].copy_from_slice(table.frame(frame));
            }
            medians.run(frames, 0, 0..frames);
            for frame in 0..frames {
                for bin in 0..bins {
                    let median = |mut values: Vec<f32>| {
                        values.sort_by(f32::total_cmp);
                        values[3]
                    };
                    let along = (-3..=3).map(|d| table.frame(mirrored(frame as isize + d, frames))[bin]).collect();
                    let across = (-3..=3).map(|d| table.frame(frame)[mirrored(bin as isize + d, bins)]).collect();
                    assert_eq!(medians.harmonic.row(frame)[bin], median(along), "{frames} {bins} {frame} {bin}");
                    assert_eq!(medians.percussive.row(frame)[bin], median(across), "{frames} {bins} {frame} {bin}");
                }
            }
        }
    }

    #[test]
    fn chunks_leave_no_trace() {
        let params = StftParams { n_fft: 64, hop: 16, ..StftParams::default() };
        let signal: Vec<f32> = noise(16 * (2 * CHUNK + 9));
        let harmonic = HpssSplitter::new(HpssParams::default(), params).unwrap().harmonic(&signal).unwrap();
        let mut spectrogram = Stft::new(params).unwrap().spectrogram(&signal);
        let (mask, _) = hpss(&spectrogram.magnitudes(), &HpssParams::default()).unwrap();
        for frame in 0..spectrogram.frames() {
            spectrogram.frame_mut(frame).iter_mut().zip(mask.frame(frame)).for_each(|(value, share)| *value *= share);
        }
        let whole = Istft::new(params).unwrap().signal(&spectrogram, signal.len()).unwrap();
        assert_eq!(harmonic, whole);
    }

    #[test]
    fn silence_and_single_samples_stay_finite() {
        let mut splitter = HpssSplitter::new(HpssParams::default(), StftParams::default()).unwrap();
        assert!(splitter.harmonic(&[0.0; 3000]).unwrap().iter().all(|value| *value == 0.0));
        assert!(splitter.harmonic(&[0.5]).unwrap()[0].is_finite());
        assert!(splitter.harmonic(&[]).is_err());
        assert!(splitter.harmonic(&[f32::NAN]).is_err());
    }

    #[test]
    fn bad_parameters_are_named() {
        for (params, field) in [
            (HpssParams { kernel: 30, power: 2.0 }, "kernel"),
            (HpssParams { kernel: 1, power: 2.0 }, "kernel"),
            (HpssParams { kernel: 31, power: 0.0 }, "power"),
        ] {
            assert!(matches!(params.check(), Err(FeatureError::Parameter { name, .. }) if name == field));
        }
    }
}
