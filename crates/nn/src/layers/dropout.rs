//! Dropout.

use rand_chacha::rand_core::Rng;

use crate::batch::{Geometry, Memory, Tensor};
use crate::layers::{Context, InPlace, Mode};
use crate::random::{Purpose, generator};
use crate::simd::vectorised;

/// Zeros a share of the values in training.
#[derive(Debug)]
pub(crate) struct Dropout {
    /// A value is dropped if its 16 random bits are below this.
    threshold: u16,
    /// What the others are multiplied by.
    scale: f32,
}

impl Dropout {
    /// Drops this share, at least 0 and below 1, rounded to 1/65536.
    pub(crate) fn new(rate: f64) -> Self {
        let threshold = (rate * 65_536.0).round().clamp(0.0, 65_535.0);
        Self { threshold: threshold as u16, scale: (65_536.0 / (65_536.0 - threshold)) as f32 }
    }

    fn apply(&self, values: &mut [f32], bits: &[u16]) {
        let (threshold, scale) = (self.threshold, self.scale);
        vectorised(|| {
            for (x, bits) in values.iter_mut().zip(bits) {
                *x = if *bits >= threshold { *x * scale } else { 0.0 };
            }
        });
    }
}

impl InPlace for Dropout {
    fn memory(&self, samples: usize, geometry: Geometry) -> Memory {
        let len = if self.threshold == 0 { 0 } else { samples * geometry.len() };
        Memory { bits: vec![0; len], ..Memory::default() }
    }

    fn forward(&self, context: Context<'_>, data: &mut Tensor, memory: &mut Memory) {
        let Mode::Training { seed, step } = context.mode else { return };
        if self.threshold == 0 {
            return;
        }
        let mut rng = generator(seed, Purpose::Dropout { step, layer: context.layer, shard: memory.shard });
        let len = data.geometry().len();
        for sample in 0..context.samples {
            let bits = &mut memory.bits[sample * len..(sample + 1) * len];
            fill(&mut rng, bits);
            self.apply(data.sample_mut(sample), bits);
        }
    }

    fn backward(&self, context: Context<'_>, _data: &Tensor, gradient: &mut Tensor, memory: &Memory) {
        if self.threshold == 0 {
            return;
        }
        let len = gradient.geometry().len();
        for sample in 0..context.samples {
            self.apply(gradient.sample_mut(sample), &memory.bits[sample * len..(sample + 1) * len]);
        }
    }
}

/// Fills `bits` in bulk, with the same numbers whatever the byte order.
fn fill(rng: &mut impl Rng, bits: &mut [u16]) {
    let mut bytes = [0; 1024];
    for block in bits.chunks_mut(bytes.len() / 2) {
        let bytes = &mut bytes[..2 * block.len()];
        rng.fill_bytes(bytes);
        for (bits, pair) in block.iter_mut().zip(bytes.as_chunks::<2>().0) {
            *bits = u16::from_le_bytes(*pair);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Margin;

    const SAMPLE: usize = 6400;

    fn dropped(rate: f64, step: u64, shard: usize, mode: Option<Mode>) -> Vec<f32> {
        let dropout = Dropout::new(rate);
        let geometry = Geometry::sequence(100, 64);
        let mut data = Tensor::new(2, geometry, Margin::default());
        data.rows_mut(2).fill(1.0);
        let mut memory = Memory { shard, ..dropout.memory(2, geometry) };
        let mode = mode.unwrap_or(Mode::Training { seed: 1, step });
        let context = Context { mode, layer: 0, parameters: &[], shared: &[], samples: 2 };
        dropout.forward(context, &mut data, &mut memory);
        data.rows(2).to_vec()
    }

    #[test]
    fn drops_the_share_and_keeps_the_mean() {
        for rate in [0.1, 0.5, 0.9] {
            let values = dropped(rate, 0, 0, None);
            let share = values.iter().filter(|x| **x == 0.0).count() as f64 / values.len() as f64;
            assert!((share - rate).abs() < 0.015, "{share} for {rate}");
            let kept = values.iter().find(|x| **x != 0.0).unwrap();
            assert!((f64::from(*kept) * (1.0 - rate) - 1.0).abs() < 1e-4, "{kept} for {rate}");
        }
    }

    #[test]
    fn masks_differ_by_step_and_shard_and_repeat_for_a_key() {
        let first = dropped(0.5, 0, 0, None);
        assert_eq!(first, dropped(0.5, 0, 0, None));
        assert_ne!(first, dropped(0.5, 1, 0, None));
        assert_ne!(first, dropped(0.5, 0, 1, None));
        assert_ne!(first[..SAMPLE], first[SAMPLE..]);
    }

    #[test]
    fn does_nothing_in_evaluation_or_at_rate_zero() {
        assert!(dropped(0.5, 0, 0, Some(Mode::Evaluation)).iter().all(|x| *x == 1.0));
        assert!(dropped(0.0, 0, 0, None).iter().all(|x| *x == 1.0));
    }
}
