//! The 193 time means of Issa, Demirci & Yazici 2020.

use crate::chroma::{ChromaBank, ChromaParams};
use crate::contrast::{ContrastLimits, ContrastParams, SpectralContrast};
use crate::cqt::{ConstantQ, ConstantQParams, chroma_cqt};
use crate::error::FeatureError;
use crate::frames::{Norm, normalize};
use crate::hpss::{HpssParams, HpssSplitter};
use crate::lanes::{LANES, Lane, lane_sum, larger, vectorized};
use crate::log_mel::LogMel;
use crate::mel::{MelBank, MelParams};
use crate::mfcc::Dct;
use crate::set::IssaLayout;
use crate::stft::{BlockStft, Quantity, Stft, StftParams};
use crate::tonnetz::centroid;
use crate::tuning::{PeakTuner, TuningParams};

/// Up to so many blocks the spectra are kept from the first pass to the second (35 MB: four minutes at 16 kHz); longer
/// recordings are transformed twice.
const KEPT_BLOCKS: usize = 512;

/// MFCC, chroma, mel, contrast and tonnetz from one transform of the recording.
///
/// Two passes: the tuning of the chroma filters, and the range of the decibel scales, are known after the first. All
/// means that are linear in the spectra are taken before the linear map, not after: the mel means are one product with
/// the mean power spectrum, the cepstra one transform of the mean log-mel spectrum, the tonnetz one product with the mean
/// of the chroma shares.
pub(crate) struct IssaMeans {
    sample_rate: u32,
    /// Most blocks whose spectra are kept.
    kept_blocks: usize,
    stft: BlockStft,
    block: Vec<Lane>,
    kept: Vec<Lane>,
    powers: Vec<Lane>,
    power_sums: Vec<f64>,
    mel: MelBank,
    log_mel: LogMel,
    raised: Vec<Lane>,
    dct: Dct,
    contrast: SpectralContrast,
    extremes: Vec<Lane>,
    tuner: PeakTuner,
    chroma: ChromaMeans,
    /// Where the tonnetz comes from, if not from the chroma above.
    harmonic: Option<HarmonicTonnetz>,
}

impl IssaMeans {
    pub(crate) fn new(layout: IssaLayout, sample_rate: u32) -> Result<Self, FeatureError> {
        let (mfcc, chroma, mel) = layout.sizes();
        let params = StftParams::default();
        let log_mel = LogMel::new(128, sample_rate, params.n_fft)?;
        let tuning = TuningParams { bins_per_octave: chroma, ..TuningParams::default() };
        let mel = MelParams { bands: mel, ..MelParams::default() };
        Ok(Self {
            sample_rate,
            kept_blocks: KEPT_BLOCKS,
            stft: BlockStft::new(params, Quantity::Magnitude)?,
            block: vec![[0.0; LANES]; params.bins()],
            kept: Vec::new(),
            powers: vec![[0.0; LANES]; params.bins()],
            power_sums: vec![0.0; params.bins()],
            mel: MelBank::new(&mel, sample_rate, params.n_fft)?,
            raised: vec![[0.0; LANES]; log_mel.bands()],
            dct: Dct::new(log_mel.bands(), mfcc)?,
            log_mel,
            contrast: SpectralContrast::new(&ContrastParams::default(), sample_rate, params.n_fft)?,
            extremes: Vec::new(),
            tuner: PeakTuner::new(&tuning, sample_rate, params.n_fft)?,
            chroma: ChromaMeans::new(chroma),
            harmonic: layout.harmonic_tonnetz().then(|| HarmonicTonnetz::new(sample_rate)).transpose()?,
        })
    }

    pub(crate) fn extract(&mut self, samples: &[f32]) -> Result<Vec<f32>, FeatureError> {
        let bins = self.stft.params().bins();
        let blocks = self.stft.blocks(samples.len());
        let keep = blocks <= self.kept_blocks;
        self.log_mel.clear();
        self.tuner.clear();
        self.power_sums.fill(0.0);
        self.extremes.clear();
        self.extremes.resize(blocks * 2 * self.contrast.bands(), [0.0; LANES]);
        if keep {
            self.kept.resize(self.kept.len().max(blocks * bins), [0.0; LANES]);
        }

        for block in 0..blocks {
            let frames = self.stft.load(samples, block);
            for row in self.stft.rows().take(frames) {
                self.tuner.add_frame(row);
                let sums = &mut self.power_sums;
                vectorized(
                    #[inline(always)]
                    || {
                        for (sum, magnitude) in sums.iter_mut().zip(row) {
                            *sum += f64::from(magnitude * magnitude);
                        }
                    },
                );
            }
            let magnitudes = if keep { &mut self.kept[block * bins..(block + 1) * bins] } else { &mut self.block[..] };
            self.stft.turn_into(magnitudes);
            self.log_mel.grow(frames);
            let width = 2 * self.contrast.bands();
            let extremes = &mut self.extremes[block * width..(block + 1) * width];
            let (powers, log_mel, contrast) = (&mut self.powers, &mut self.log_mel, &self.contrast);
            vectorized(
                #[inline(always)]
                || {
                    for (power, magnitude) in powers.as_flattened_mut().iter_mut().zip(magnitudes.as_flattened()) {
                        *power = magnitude * magnitude;
                    }
                    log_mel.fill(powers);
                    contrast.extremes_of_block(magnitudes, extremes);
                },
            );
        }

        let frames = self.stft.params().frames(samples.len());
        self.chroma.tune(self.tuner.tuning(), self.sample_rate, self.stft.params().n_fft)?;
        for block in 0..blocks {
            let magnitudes = if keep {
                &self.kept[block * bins..(block + 1) * bins]
            } else {
                self.stft.load(samples, block);
                self.stft.turn_into(&mut self.block);
                &self.block[..]
            };
            self.chroma.add_block(magnitudes);
        }
        let shares = match &mut self.harmonic {
            Some(harmonic) => harmonic.chroma_shares(samples)?,
            None => self.chroma.shares.iter().map(|sum| sum / frames as f64).collect(),
        };
        Ok(self.collect(frames, &shares))
    }

    fn collect(&mut self, frames: usize, shares: &[f64]) -> Vec<f32> {
        let count = frames as f64;
        let mut values = Vec::with_capacity(193);
        let log_mel = vectorized(
            #[inline(always)]
            || self.log_mel.mean(&mut self.raised),
        );
        values.extend(self.dct.transform(&log_mel).iter().map(|value| *value as f32));
        values.extend(self.chroma.levels.iter().map(|sum| (sum / count) as f32));
        self.power_sums.iter_mut().for_each(|sum| *sum /= count);
        values.extend(self.mel.apply_wide(&self.power_sums).iter().map(|value| *value as f32));
        values.extend(self.contrast_means(frames));
        values.extend(centroid(shares).map(|value| value as f32));
        values
    }

    fn contrast_means(&self, frames: usize) -> Vec<f32> {
        let bands = self.contrast.bands();
        let mut limits = ContrastLimits::default();
        for block in self.extremes.chunks_exact(2 * bands) {
            // Lanes beyond the last frame hold the floor, below which nothing lies, and raise no limit.
            let (peaks, valleys) = block.split_at(bands);
            limits.raise(peaks.as_flattened().iter().copied(), valleys.as_flattened().iter().copied());
        }
        let mut sums = vec![0.0_f64; bands];
        let mut left = frames;
        for block in self.extremes.chunks_exact(2 * bands) {
            let (peaks, valleys) = block.split_at(bands);
            let real = left.min(LANES);
            for ((sum, peak), valley) in sums.iter_mut().zip(peaks).zip(valleys) {
                let part: f32 = (0..real).map(|lane| limits.contrast(peak[lane], valley[lane])).sum();
                *sum += f64::from(part);
            }
            left -= real;
        }
        sums.iter().map(|sum| (sum / frames as f64) as f32).collect()
    }
}

/// Means over time of chroma, with the filter banks of the tunings met so far.
struct ChromaMeans {
    params: ChromaParams,
    /// One place for each bin of the tuning histogram: at most a hundred banks of some 60 kB, and few in practice.
    banks: Vec<Option<ChromaBank>>,
    current: usize,
    cells: Vec<Lane>,
    /// Sums of the chroma values, each frame divided by its largest.
    levels: Vec<f64>,
    /// Sums of the chroma values, each frame divided by its sum.
    shares: Vec<f64>,
}

impl ChromaMeans {
    fn new(bins: usize) -> Self {
        let steps = (1.0 / TuningParams::default().resolution).ceil() as usize;
        Self {
            params: ChromaParams { bins, ..ChromaParams::default() },
            banks: vec![None; steps],
            current: 0,
            cells: vec![[0.0; LANES]; bins],
            levels: vec![0.0; bins],
            shares: vec![0.0; bins],
        }
    }

    /// Begins a recording of this tuning, which is one of the edges of the tuning histogram.
    fn tune(&mut self, tuning: f64, sample_rate: u32, n_fft: usize) -> Result<(), FeatureError> {
        let place = ((tuning + 0.5) * self.banks.len() as f64).round() as usize;
        self.current = place.min(self.banks.len() - 1);
        if self.banks[self.current].is_none() {
            self.banks[self.current] = Some(ChromaBank::new(&self.params, tuning, sample_rate, n_fft)?);
        }
        self.levels.fill(0.0);
        self.shares.fill(0.0);
        Ok(())
    }

    fn add_block(&mut self, magnitudes: &[Lane]) {
        let Some(bank) = &self.banks[self.current] else { return };
        let cells = &mut self.cells;
        vectorized(
            #[inline(always)]
            || {
                bank.apply_block(magnitudes, cells);
                let (mut most, mut sum) = ([0.0; LANES], [0.0; LANES]);
                for cell in cells.iter() {
                    most = larger(&most, cell);
                    for lane in 0..LANES {
                        sum[lane] += cell[lane];
                    }
                }
                // Silent frames stay as they are.
                let inverse = |length: f32| if length < f32::MIN_POSITIVE { 1.0 } else { 1.0 / length };
                let (most, sum) = (most.map(inverse), sum.map(inverse));
                for ((cell, level), share) in cells.iter().zip(&mut self.levels).zip(&mut self.shares) {
                    *level += f64::from(lane_sum(&std::array::from_fn(|lane| cell[lane] * most[lane])));
                    *share += f64::from(lane_sum(&std::array::from_fn(|lane| cell[lane] * sum[lane])));
                }
            },
        );
    }
}

/// The constant-Q chroma of the harmonic part of a recording.
struct HarmonicTonnetz {
    splitter: HpssSplitter,
    stft: Stft,
    row: Vec<f32>,
    tuner: PeakTuner,
    transform: ConstantQ,
    params: ConstantQParams,
}

impl HarmonicTonnetz {
    fn new(sample_rate: u32) -> Result<Self, FeatureError> {
        let (stft, params) = (StftParams::default(), ConstantQParams::default());
        let tuning = TuningParams { bins_per_octave: params.bins_per_octave, ..TuningParams::default() };
        Ok(Self {
            splitter: HpssSplitter::new(HpssParams::default(), stft)?,
            stft: Stft::new(stft)?,
            row: vec![0.0; stft.bins()],
            tuner: PeakTuner::new(&tuning, sample_rate, stft.n_fft)?,
            transform: ConstantQ::new(params, sample_rate)?,
            params,
        })
    }

    /// Mean over time of the twelve chroma values, each frame divided by its sum.
    fn chroma_shares(&mut self, samples: &[f32]) -> Result<Vec<f64>, FeatureError> {
        let harmonic = self.splitter.harmonic(samples)?;
        self.tuner.clear();
        for frame in 0..self.stft.params().frames(harmonic.len()) {
            self.stft.frame_magnitudes(&harmonic, frame, &mut self.row);
            self.tuner.add_frame(&self.row);
        }
        let magnitudes = self.transform.transform(&harmonic, self.tuner.tuning())?;
        let mut chroma = chroma_cqt(&magnitudes, &self.params, 12)?;
        normalize(&mut chroma, Norm::Sum);
        Ok(chroma.mean().into_iter().map(f64::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transforming_twice_gives_the_same_bits() {
        let signal: Vec<f32> = (0..40_000_u32).map(|n| ((n * n % 7919) as f32 / 7919.0 - 0.5) * 0.3).collect();
        let mut kept = IssaMeans::new(IssaLayout::Mfcc50Chroma80Mel50, 16_000).unwrap();
        let mut twice = IssaMeans::new(IssaLayout::Mfcc50Chroma80Mel50, 16_000).unwrap();
        twice.kept_blocks = 0;
        assert_eq!(kept.extract(&signal).unwrap(), twice.extract(&signal).unwrap());
    }
}
