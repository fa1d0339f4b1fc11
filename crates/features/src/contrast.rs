//! Spectral contrast: how far peaks stand above valleys, octave by octave.

use serde::{Deserialize, Serialize};

use crate::error::FeatureError;
use crate::frames::Frames;
use crate::lanes::{LANES, Lane, decibel, larger, smaller, vectorized};
use crate::stft::bin_frequencies;

/// Below this a peak or valley counts as this, as in [`crate::DecibelParams`].
const FLOOR: f32 = 1e-10;
/// Peaks and valleys reach at most this many decibels below the largest of the recording.
const RANGE: f32 = 80.0;

/// Bands and quantile of the spectral contrast.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContrastParams {
    /// Upper edge of the lowest band in hertz, positive. Default 200.
    pub low: f64,
    /// Octaves above it, 1 to 16; the last reaches to half the sampling rate. Default 6, which makes 7 bands.
    pub octaves: usize,
    /// Part of a band's bins that makes its peak, and its valley; above 0 and below 1. Default 0.02, at least one bin.
    pub quantile: f64,
}

impl Default for ContrastParams {
    fn default() -> Self {
        Self { low: 200.0, octaves: 6, quantile: 0.02 }
    }
}

impl ContrastParams {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] that names the first field out of range.
    pub fn check(&self) -> Result<(), FeatureError> {
        if !(self.low.is_finite() && self.low > 0.0) {
            return Err(FeatureError::parameter("low", "a positive frequency in hertz", self.low));
        }
        if !(1..=16).contains(&self.octaves) {
            return Err(FeatureError::parameter("octaves", "1 to 16", self.octaves));
        }
        if !(self.quantile > 0.0 && self.quantile < 1.0) {
            return Err(FeatureError::parameter("quantile", "above 0 and below 1", self.quantile));
        }
        Ok(())
    }
}

/// The bins of one band, and how many of them make a peak or a valley.
#[derive(Debug, Clone, PartialEq)]
struct Band {
    bins: std::ops::Range<usize>,
    count: usize,
}

/// Spectral contrast for one sampling rate and transform (Jiang et al. 2002).
///
/// In every octave band the mean of the strongest 2 % of the bins less the mean of the weakest 2 %, in decibel: 10 log₁₀ of
/// what is given. Magnitudes, as librosa's users give them, count half of what powers would.
///
/// ```
/// use stimmung_features::{ContrastParams, SpectralContrast, Stft, StftParams};
///
/// let contrast = SpectralContrast::new(&ContrastParams::default(), 16_000, 2048)?;
/// let tone: Vec<f32> = (0..8000).map(|n| (n as f32 * 0.2).sin()).collect(); // 509 Hz, in the third band
/// let table = contrast.apply(&Stft::new(StftParams::default())?.magnitudes(&tone))?;
/// assert_eq!(table.bands(), 7);
/// assert!(table.frame(8)[2] > 50.0 && table.frame(8)[1] < 15.0);
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SpectralContrast {
    bands: Vec<Band>,
    spectrum_bins: usize,
}

impl SpectralContrast {
    /// Finds the bins of every band for transforms of `n_fft` samples.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] where `params` are out of range; [`FeatureError::SampleRate`] where the last band
    /// would begin above half the sampling rate, or the first would hold fewer than two bins.
    pub fn new(params: &ContrastParams, sample_rate: u32, n_fft: usize) -> Result<Self, FeatureError> {
        params.check()?;
        let edge = |octave: usize| if octave == 0 { 0.0 } else { params.low * 2.0_f64.powi(octave as i32 - 1) };
        let lowest_rate = 2.0 * edge(params.octaves);
        let highest_rate = params.low * n_fft as f64;
        let rate = f64::from(sample_rate);
        if rate <= lowest_rate || rate > highest_rate {
            return Err(FeatureError::SampleRate {
                descriptor: "spectral contrast",
                minimum: (lowest_rate.floor() + 1.0) as u32,
                maximum: highest_rate as u32,
                actual: sample_rate,
            });
        }
        let frequencies: Vec<f64> = bin_frequencies(sample_rate, n_fft).collect();
        let bands = (0..=params.octaves)
            .map(|octave| {
                let last = octave == params.octaves;
                let mut first = frequencies.partition_point(|f| *f < edge(octave));
                let mut end = frequencies.partition_point(|f| *f <= edge(octave + 1));
                // A band reaches one bin below its edge, and the last one up to the end.
                if octave > 0 {
                    first -= 1;
                }
                if last {
                    end = frequencies.len();
                }
                let count = ((params.quantile * (end - first) as f64).round_ties_even() as usize).max(1);
                // All but the last leave their highest bin to the next.
                let bins = first..if last { end } else { end - 1 };
                Band { count: count.min(bins.len()), bins }
            })
            .collect();
        Ok(Self { bands, spectrum_bins: frequencies.len() })
    }

    /// Number of bands.
    pub fn bands(&self) -> usize {
        self.bands.len()
    }

    /// Contrast in decibel, shape `(frames, bands)`, of a magnitude spectrogram of shape `(frames, bins)`.
    ///
    /// # Errors
    /// [`FeatureError::Width`] where the spectrogram has another number of bins.
    pub fn apply(&self, magnitudes: &Frames) -> Result<Frames, FeatureError> {
        magnitudes.expect_bands("the spectrogram", self.spectrum_bins)?;
        let bands = self.bands();
        let both = magnitudes.map_blocks(2 * bands, |block, output| {
            vectorized(
                #[inline(always)]
                || self.extremes_of_block(block, output),
            );
        });
        let mut limits = ContrastLimits::default();
        both.iter().for_each(|row| limits.raise(row[..bands].iter().copied(), row[bands..].iter().copied()));
        let mut contrast = Frames::zeros(both.frames(), bands);
        for index in 0..both.frames() {
            let (peaks, valleys) = both.frame(index).split_at(bands);
            for ((to, peak), valley) in contrast.frame_mut(index).iter_mut().zip(peaks).zip(valleys) {
                *to = limits.contrast(*peak, *valley);
            }
        }
        Ok(contrast)
    }

    /// Peaks in decibel of every band, then valleys, of a block of frames in lanes.
    #[inline(always)]
    pub(crate) fn extremes_of_block(&self, block: &[Lane], output: &mut [Lane]) {
        let (peaks, valleys) = output.split_at_mut(self.bands.len());
        for ((band, peak), valley) in self.bands.iter().zip(peaks).zip(valleys) {
            let cells = &block[band.bins.clone()];
            let (low, high) = match band.count {
                1 => means_of_extremes::<1>(cells, 1),
                2 => means_of_extremes::<2>(cells, 2),
                3..=4 => means_of_extremes::<4>(cells, band.count),
                5..=8 => means_of_extremes::<8>(cells, band.count),
                9..=16 => means_of_extremes::<16>(cells, band.count),
                _ => means_by_sorting(cells, band.count),
            };
            *peak = high.map(|value| decibel(if value > FLOOR { value } else { FLOOR }));
            *valley = low.map(|value| decibel(if value > FLOOR { value } else { FLOOR }));
        }
    }
}

/// The largest peak and the largest valley of a recording, which limit how deep all others may lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ContrastLimits {
    peak: f32,
    valley: f32,
}

impl Default for ContrastLimits {
    fn default() -> Self {
        Self { peak: f32::NEG_INFINITY, valley: f32::NEG_INFINITY }
    }
}

impl ContrastLimits {
    /// Takes more peaks and valleys, in decibel, into account.
    #[inline(always)]
    pub(crate) fn raise(&mut self, peaks: impl Iterator<Item = f32>, valleys: impl Iterator<Item = f32>) {
        self.peak = peaks.fold(self.peak, f32::max);
        self.valley = valleys.fold(self.valley, f32::max);
    }

    /// Peak less valley, each within the range.
    #[inline(always)]
    pub(crate) fn contrast(self, peak: f32, valley: f32) -> f32 {
        let (low_peak, low_valley) = (self.peak - RANGE, self.valley - RANGE);
        let peak = if peak > low_peak { peak } else { low_peak };
        let valley = if valley > low_valley { valley } else { low_valley };
        peak - valley
    }
}

/// Means of the `count` smallest and of the `count` largest cells, lane by lane; `count` is at most `K`, a power of two.
///
/// Sorts `K` cells at a time in a network, and merges them with the `K` smallest and the `K` largest so far: no branch
/// depends on the data, so sixteen frames go through at once.
#[inline(always)]
fn means_of_extremes<const K: usize>(cells: &[Lane], count: usize) -> (Lane, Lane) {
    let mut low = [[f32::INFINITY; LANES]; K];
    let mut high = [[f32::NEG_INFINITY; LANES]; K];
    let (groups, rest) = cells.as_chunks::<K>();
    for group in groups {
        let mut sorted = *group;
        sort(&mut sorted);
        keep_smallest(&mut low, &sorted);
        keep_largest(&mut high, &sorted);
    }
    if !rest.is_empty() {
        let mut above = [[f32::INFINITY; LANES]; K];
        above[..rest.len()].copy_from_slice(rest);
        sort(&mut above);
        keep_smallest(&mut low, &above);
        let mut below = [[f32::NEG_INFINITY; LANES]; K];
        below[..rest.len()].copy_from_slice(rest);
        sort(&mut below);
        keep_largest(&mut high, &below);
    }
    (mean(&low[..count]), mean(&high[K - count..]))
}

/// The same for any count, one lane after the other.
#[inline(never)]
fn means_by_sorting(cells: &[Lane], count: usize) -> (Lane, Lane) {
    let mut column = vec![0.0; cells.len()];
    let (mut low, mut high) = ([0.0; LANES], [0.0; LANES]);
    for lane in 0..LANES {
        column.iter_mut().zip(cells).for_each(|(value, cell)| *value = cell[lane]);
        column.sort_unstable_by(f32::total_cmp);
        low[lane] = column[..count].iter().sum::<f32>() / count as f32;
        high[lane] = column[column.len() - count..].iter().sum::<f32>() / count as f32;
    }
    (low, high)
}

#[inline(always)]
fn mean(cells: &[Lane]) -> Lane {
    let mut sum = [0.0; LANES];
    for cell in cells {
        for lane in 0..LANES {
            sum[lane] += cell[lane];
        }
    }
    sum.map(|value| value / cells.len() as f32)
}

/// Orders two cells lane by lane.
#[inline(always)]
fn exchange<const K: usize>(cells: &mut [Lane; K], low: usize, high: usize) {
    let (a, b) = (cells[low], cells[high]);
    cells[low] = smaller(&a, &b);
    cells[high] = larger(&a, &b);
}

/// Sorts the cells upwards, lane by lane: Batcher's odd-even merge sort.
#[inline(always)]
fn sort<const K: usize>(cells: &mut [Lane; K]) {
    let mut width = 1;
    while width < K {
        let mut step = width;
        while step >= 1 {
            let mut start = step % width;
            while start + step < K {
                for low in start..(start + step).min(K - step) {
                    if low / (2 * width) == (low + step) / (2 * width) {
                        exchange(cells, low, low + step);
                    }
                }
                start += 2 * step;
            }
            step /= 2;
        }
        width *= 2;
    }
}

/// Sorts upwards what first rises and then falls, or the other way round.
#[inline(always)]
fn merge<const K: usize>(cells: &mut [Lane; K]) {
    let mut step = K / 2;
    while step >= 1 {
        for low in 0..K {
            if low & step == 0 {
                exchange(cells, low, low + step);
            }
        }
        step /= 2;
    }
}

#[inline(always)]
fn keep_smallest<const K: usize>(low: &mut [Lane; K], sorted: &[Lane; K]) {
    for index in 0..K {
        low[index] = smaller(&low[index], &sorted[K - 1 - index]);
    }
    merge(low);
}

#[inline(always)]
fn keep_largest<const K: usize>(high: &mut [Lane; K], sorted: &[Lane; K]) {
    for index in 0..K {
        high[index] = larger(&high[index], &sorted[K - 1 - index]);
    }
    merge(high);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cells(values: &[f32]) -> Vec<Lane> {
        // Every lane holds the values in another order.
        (0..values.len())
            .map(|index| std::array::from_fn(|lane| values[(index * (2 * lane + 1) + lane) % values.len()]))
            .collect()
    }

    proptest! {
        #[test]
        fn networks_find_what_sorting_finds(values in prop::collection::vec(0.0_f32..1.0, 16..200), count in 1_usize..=16) {
            let cells = cells(&values);
            let sorted = means_by_sorting(&cells, count);
            let found = match count {
                1 => means_of_extremes::<1>(&cells, count),
                2 => means_of_extremes::<2>(&cells, count),
                3..=4 => means_of_extremes::<4>(&cells, count),
                5..=8 => means_of_extremes::<8>(&cells, count),
                _ => means_of_extremes::<16>(&cells, count),
            };
            for lane in 0..LANES {
                prop_assert!((found.0[lane] - sorted.0[lane]).abs() < 1e-6);
                prop_assert!((found.1[lane] - sorted.1[lane]).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn gain_changes_nothing_and_silence_has_no_contrast() {
        let contrast = SpectralContrast::new(&ContrastParams::default(), 16_000, 2048).unwrap();
        let spectra =
            Frames::from_rows((0..1025 * 20).map(|v| ((v * 7919) % 1000 + 1) as f32).collect(), 1025).unwrap();
        let louder = Frames::from_rows(spectra.values().iter().map(|v| 16.0 * v).collect(), 1025).unwrap();
        let (once, more) = (contrast.apply(&spectra).unwrap(), contrast.apply(&louder).unwrap());
        assert!(once.values().iter().zip(more.values()).all(|(a, b)| (a - b).abs() < 1e-4 && *a > 0.0));
        assert!(contrast.apply(&Frames::zeros(3, 1025)).unwrap().values().iter().all(|value| *value == 0.0));
    }

    #[test]
    fn sampling_rates_outside_the_bands_say_which_would_do() {
        let build = |rate| SpectralContrast::new(&ContrastParams::default(), rate, 2048);
        for rate in [1, 8000, 12_800, 409_601, 1_000_000_000] {
            let error = build(rate).unwrap_err();
            assert!(
                matches!(error, FeatureError::SampleRate { minimum: 12_801, maximum: 409_600, .. }),
                "{rate}: {error}"
            );
        }
        for rate in [12_801, 16_000, 44_100, 192_000, 409_600] {
            let contrast = build(rate).unwrap();
            assert!(contrast.bands.iter().all(|band| !band.bins.is_empty() && band.count <= band.bins.len()), "{rate}");
        }
    }

    #[test]
    fn bad_parameters_are_named() {
        let default = ContrastParams::default();
        for (params, field) in [
            (ContrastParams { low: 0.0, ..default }, "low"),
            (ContrastParams { octaves: 0, ..default }, "octaves"),
            (ContrastParams { quantile: 1.0, ..default }, "quantile"),
        ] {
            assert!(matches!(params.check(), Err(FeatureError::Parameter { name, .. }) if name == field));
        }
    }
}
