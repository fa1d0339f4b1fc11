//! Log-mel spectra of a recording, block after block, and their means.

use crate::error::FeatureError;
use crate::lanes::{LANES, Lane, decibel, lane_sum};
use crate::mel::{MelBank, MelParams};

/// Powers below this count as this (−100 dB).
const FLOOR: f32 = 1e-10;
/// Values reach at most this many decibels below the largest of the recording.
const RANGE: f32 = 80.0;

/// Mel power in decibel of all blocks of a recording so far.
///
/// The range below the largest value is only known when the last block is in, so the values are kept as they are and
/// raised when they are read.
pub(crate) struct LogMel {
    bank: MelBank,
    values: Vec<Lane>,
    frames: usize,
    most: f32,
}

impl LogMel {
    pub(crate) fn new(bands: usize, sample_rate: u32, n_fft: usize) -> Result<Self, FeatureError> {
        let bank = MelBank::new(&MelParams { bands, ..MelParams::default() }, sample_rate, n_fft)?;
        Ok(Self { bank, values: Vec::new(), frames: 0, most: f32::NEG_INFINITY })
    }

    pub(crate) fn bands(&self) -> usize {
        self.bank.bands()
    }

    pub(crate) fn frames(&self) -> usize {
        self.frames
    }

    pub(crate) fn clear(&mut self) {
        self.values.clear();
        self.frames = 0;
        self.most = f32::NEG_INFINITY;
    }

    /// Makes room for the next block, of which `frames` are real. To be called outside of the vectorised code.
    pub(crate) fn grow(&mut self, frames: usize) {
        self.values.resize(self.values.len() + self.bank.bands(), [0.0; LANES]);
        self.frames += frames;
    }

    /// Fills the block that was added last from its powers. Lanes beyond the last frame must hold zeros.
    #[inline(always)]
    pub(crate) fn fill(&mut self, powers: &[Lane]) {
        let start = self.values.len() - self.bank.bands();
        let block = &mut self.values[start..];
        self.bank.apply_block(powers, block);
        let mut most = [f32::NEG_INFINITY; LANES];
        for cell in block {
            for lane in 0..LANES {
                let value = decibel(if cell[lane] > FLOOR { cell[lane] } else { FLOOR });
                cell[lane] = value;
                most[lane] = if value > most[lane] { value } else { most[lane] };
            }
        }
        self.most = most.into_iter().fold(self.most, f32::max);
    }

    /// Least value that counts.
    fn least(&self) -> f32 {
        self.most - RANGE
    }

    /// The blocks, raised to the least value, and the number of real frames in each.
    #[inline(always)]
    pub(crate) fn for_each_block(&self, raised: &mut [Lane], mut visit: impl FnMut(&[Lane], usize)) {
        let least = self.least();
        let mut left = self.frames;
        for block in self.values.chunks_exact(self.bank.bands()) {
            for (to, from) in raised.iter_mut().zip(block) {
                *to = from.map(|value| if value > least { value } else { least });
            }
            visit(raised, left.min(LANES));
            left = left.saturating_sub(LANES);
        }
    }

    /// Mean over time of every band.
    #[inline(always)]
    pub(crate) fn mean(&self, raised: &mut [Lane]) -> Vec<f64> {
        let mut sums = vec![0.0_f64; self.bank.bands()];
        self.for_each_block(raised, |block, frames| {
            for (sum, cell) in sums.iter_mut().zip(block) {
                let part = if frames == LANES { lane_sum(cell) } else { cell[..frames].iter().sum() };
                *sum += f64::from(part);
            }
        });
        for sum in &mut sums {
            *sum /= self.frames.max(1) as f64;
        }
        sums
    }
}
