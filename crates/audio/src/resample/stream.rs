//! Changing the sample rate of sound that is still coming in.

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, Resampler, Sample};

use super::{LONGEST_SINGLE, LOUDEST_SINGLE, Plan};
use crate::error::AudioError;
use crate::waveform::{check_finite, check_sample_rate};

/// [`Waveform::resample`](crate::Waveform::resample) for samples that come a block at a time: the same values, however they are cut into
/// blocks, and flat memory.
///
/// What comes out lags behind by the filter's block: 64 ms from 48, 44.1 (80 ms) and 8 kHz to 16 kHz, and up to two seconds between rates with
/// hardly a common divisor. Samples beyond ±1,000,000 (120 dB above full scale) are cut to that, where the offline form changes its precision.
///
/// ```
/// use stimmung_audio::{StreamResampler, Waveform};
///
/// let tone: Vec<f32> = (0..44_100).map(|n| (n as f32 * 0.05).sin()).collect();
/// let mut resampler = StreamResampler::new(44_100, 16_000)?;
/// let mut out = Vec::new();
/// for block in tone.chunks(1_000) {
///     resampler.push(block, &mut out)?;
/// }
/// resampler.finish(&mut out);
/// assert_eq!(out, Waveform::new(tone, 44_100)?.resample(16_000)?.samples());
/// # Ok::<(), stimmung_audio::AudioError>(())
/// ```
pub struct StreamResampler {
    lane: Option<Lane>,
    old: u64,
    new: u64,
    taken: u64,
    given: u64,
}

/// The precision that the filter needs.
enum Lane {
    Single(Box<Blocks<f32>>),
    Double(Box<Blocks<f64>>),
}

impl StreamResampler {
    /// From samples at `old` hertz to samples at `new` hertz. Equal rates pass everything through at once.
    ///
    /// # Errors
    /// [`AudioError::SampleRate`] outside the allowed rates.
    pub fn new(old: u32, new: u32) -> Result<Self, AudioError> {
        check_sample_rate(old)?;
        check_sample_rate(new)?;
        let (old, new) = (u64::from(old), u64::from(new));
        let lane = (old != new).then(|| {
            let plan = Plan::new(old, new);
            if plan.longest() <= LONGEST_SINGLE {
                Lane::Single(Box::new(Blocks::new(&plan)))
            } else {
                Lane::Double(Box::new(Blocks::new(&plan)))
            }
        });
        Ok(Self { lane, old, new, taken: 0, given: 0 })
    }

    /// Takes samples and appends those that are ready to `out`.
    ///
    /// # Errors
    /// [`AudioError::NonFinite`] with the position, counted over all blocks, of the first sample that is NaN or infinite; nothing of this block
    /// is taken then.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), AudioError> {
        check_finite(samples, self.taken, self.old as u32)?;
        self.taken += samples.len() as u64;
        let before = out.len();
        match &mut self.lane {
            None => out.extend_from_slice(samples),
            Some(Lane::Single(blocks)) => blocks.push(samples.iter().map(|&sample| tame(sample)), out),
            Some(Lane::Double(blocks)) => blocks.push(samples.iter().map(|&sample| f64::from(tame(sample))), out),
        }
        self.given += (out.len() - before) as u64;
        Ok(())
    }

    /// Appends what is left, so that `ceil(len · new / old)` samples have come out in all.
    pub fn finish(mut self, out: &mut Vec<f32>) {
        let wanted = (self.taken * self.new).div_ceil(self.old);
        let Some(lane) = &mut self.lane else { return };
        // Fewer when the last block gave a few that lie beyond the end.
        let end = (out.len() as u64 + wanted).saturating_sub(self.given) as usize;
        while out.len() < end {
            match lane {
                Lane::Single(blocks) => blocks.flush(out),
                Lane::Double(blocks) => blocks.flush(out),
            }
        }
        out.truncate(end);
    }
}

fn tame(sample: f32) -> f32 {
    sample.clamp(-LOUDEST_SINGLE, LOUDEST_SINGLE)
}

/// A resampler that works in blocks of one length, and what waits to fill one.
struct Blocks<T: Sample> {
    resampler: Fft<T>,
    waiting: Vec<T>,
    block: usize,
    output: Vec<T>,
    /// Samples of the filter's delay that have yet to be thrown away.
    early: usize,
}

impl<T: Sample + Into<f64>> Blocks<T> {
    fn new(plan: &Plan) -> Self {
        let resampler = plan.resampler::<T>();
        let block = resampler.input_frames_next();
        let output = vec![T::zero(); resampler.output_frames_max()];
        let early = resampler.output_delay();
        Self { resampler, waiting: Vec::with_capacity(block), block, output, early }
    }

    fn push(&mut self, samples: impl Iterator<Item = T>, out: &mut Vec<f32>) {
        for sample in samples {
            self.waiting.push(sample);
            if self.waiting.len() == self.block {
                self.run(out);
            }
        }
    }

    /// Fills the block up with silence.
    fn flush(&mut self, out: &mut Vec<f32>) {
        self.waiting.resize(self.block, T::zero());
        self.run(out);
    }

    fn run(&mut self, out: &mut Vec<f32>) {
        let room = self.output.len();
        let source = SequentialSlice::new(&self.waiting, 1, self.block).expect("one channel of this length");
        let mut target = SequentialSlice::new_mut(&mut self.output, 1, room).expect("one channel of this length");
        let (_, written) = self
            .resampler
            .process_into_buffer(&source, &mut target, None)
            .expect("a whole block, and the room it asked for");
        self.waiting.clear();
        let skipped = self.early.min(written);
        self.early -= skipped;
        out.extend(self.output[skipped..written].iter().map(|&sample| sample.into() as f32));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waveform::Waveform;

    fn noise(len: usize) -> Vec<f32> {
        let mut state = 7_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (f64::from(state) / f64::from(u32::MAX) - 0.5) as f32
        };
        (0..len).map(|_| next()).collect()
    }

    fn streamed(samples: &[f32], old: u32, new: u32, block: usize) -> Vec<f32> {
        let mut resampler = StreamResampler::new(old, new).unwrap();
        let mut out = Vec::new();
        for block in samples.chunks(block) {
            resampler.push(block, &mut out).unwrap();
        }
        resampler.finish(&mut out);
        out
    }

    #[test]
    fn it_is_the_offline_form_for_any_cutting() {
        for (old, new) in
            [(48_000, 16_000), (44_100, 16_000), (8_000, 16_000), (16_000, 16_000), (11_025, 16_000), (47_999, 16_000)]
        {
            for len in [0, 1, 2, 441, 3_072, 3_528, 30_001] {
                let samples = noise(len);
                let whole = Waveform::new(samples.clone(), old).unwrap().resample(new).unwrap();
                for block in [1, 777, 100_000] {
                    assert_eq!(
                        streamed(&samples, old, new, block),
                        whole.samples(),
                        "{len} from {old} to {new} by {block}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_no_number_is_refused_and_what_is_too_loud_is_cut() {
        let mut resampler = StreamResampler::new(48_000, 16_000).unwrap();
        let mut out = Vec::new();
        resampler.push(&[0.1; 100], &mut out).unwrap();
        let error = resampler.push(&[0.1, f32::NAN], &mut out).unwrap_err();
        assert!(matches!(error, AudioError::NonFinite { index: 101, .. }), "{error}");
        assert!(streamed(&vec![f32::MAX; 20_000], 48_000, 16_000, 500).iter().all(|sample| sample.is_finite()));
        for (old, new) in [(999, 16_000), (16_000, 768_001)] {
            assert!(matches!(StreamResampler::new(old, new), Err(AudioError::SampleRate { .. })));
        }
    }
}
