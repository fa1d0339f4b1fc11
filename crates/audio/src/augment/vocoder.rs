//! The phase vocoder.

use std::ops::RangeInclusive;
use std::sync::{Arc, LazyLock};

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use super::circle::{angle, nearest, point};
use crate::error::{AudioError, check_range};
use crate::waveform::Waveform;

/// Rates of stretching.
pub(super) const RATES: RangeInclusive<f64> = 0.1..=10.0;

/// Samples in a frame and its transform.
const FRAME: usize = 2_048;

/// Samples from one frame to the next.
const HOP: usize = 512;

/// Bins from 0 Hz to half the sample rate.
const BINS: usize = FRAME / 2 + 1;

impl Waveform {
    /// The sound `rate` times as fast (0.1 to 10; above 1 it becomes shorter) at the same pitch, in `len / rate` samples,
    /// rounded, and at least one.
    ///
    /// A phase vocoder (Flanagan & Golden 1966; Dolson 1986): frames of 2048 samples every 512 under a Hann window are taken
    /// at steps of `rate` frames, magnitudes interpolated between neighbours, and the phase of each bin advanced by what it
    /// advances between them. Peaks may exceed ±1 and are kept. A rate of one gives a copy.
    ///
    /// The farther the rate is from one, the more transients smear, and the more a voice sounds hollow. A steady tone loses
    /// level at rates below one, a sixth of its power at 0.81: the step out of the silence before the recording is taken
    /// more than once there, which leaves neighbouring bins out of phase.
    ///
    /// # Agreement
    /// The values are those of `librosa.effects.time_stretch` 0.11 on an array of `f32`, which is what it is called with.
    /// librosa then adds up the phases in `f32`, where after five seconds they are off by hundredths of a radian; so they
    /// are here. With phases in `f64` the two would differ by up to 0.02 of the peak on five seconds of speech; this way they
    /// differ by 0.00001 as a rule and by 0.0002 at most, as librosa does from itself on another processor. In recordings of
    /// many minutes the rounding becomes audible, here as there: stretch the utterances, not the hour.
    ///
    /// ```
    /// use stimmung_audio::Waveform;
    ///
    /// let wave = Waveform::new((0..16_000).map(|n| (n as f32 * 0.1).sin()).collect(), 16_000)?;
    /// assert_eq!(wave.time_stretch(0.8)?.seconds(), 1.25);
    /// # Ok::<(), stimmung_audio::AudioError>(())
    /// ```
    ///
    /// # Errors
    /// [`AudioError::Parameter`] for a rate outside its range; [`AudioError::NonFinite`] where samples near the largest
    /// float overflow.
    pub fn time_stretch(&self, rate: f64) -> Result<Self, AudioError> {
        check_range("rate", rate, &RATES)?;
        if rate == 1.0 || self.is_empty() {
            return Ok(self.clone());
        }
        Self::new(stretch(self.samples(), rate), self.sample_rate())
    }
}

fn stretch(samples: &[f32], rate: f64) -> Vec<f32> {
    let plans = &*PLANS;
    let mut vocoder = Vocoder::new(samples, plans);
    let mut synthesis = Synthesis::new(((samples.len() as f64 / rate).round_ties_even() as usize).max(1), plans);
    let frames = (vocoder.frames() as f64 / rate).ceil() as usize;
    for index in 0..frames.min(synthesis.frames()) {
        vocoder.step(index as f64 * rate, &mut synthesis.spectrum);
        synthesis.add(index);
    }
    synthesis.finish(frames)
}

/// What is the same for all signals.
struct Plans {
    /// Hann.
    window: Vec<f64>,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
}

static PLANS: LazyLock<Plans> = LazyLock::new(|| {
    let step = std::f64::consts::TAU / FRAME as f64;
    Plans {
        window: (0..FRAME).map(|n| 0.5 - 0.5 * libm::cos(step * n as f64)).collect(),
        forward: RealFftPlanner::new().plan_fft_forward(FRAME),
        inverse: RealFftPlanner::new().plan_fft_inverse(FRAME),
    }
});

/// One frame of the signal in polar form.
struct Polar {
    magnitude: Vec<f32>,
    phase: Vec<f32>,
}

impl Polar {
    fn silent() -> Self {
        Self { magnitude: vec![0.0; BINS], phase: vec![0.0; BINS] }
    }
}

/// Walks through the frames of a signal and carries the phases on.
struct Vocoder<'a> {
    samples: &'a [f32],
    plans: &'a Plans,
    /// The frame before the present step, by its number, and the one after.
    at: usize,
    before: Polar,
    after: Polar,
    /// What the phase of each bin's centre advances in a hop.
    advance: Vec<f64>,
    /// In single precision on purpose, see [`Waveform::time_stretch`].
    phase: Vec<f32>,
    input: Vec<f64>,
    output: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
}

impl<'a> Vocoder<'a> {
    fn new(samples: &'a [f32], plans: &'a Plans) -> Self {
        let step = std::f64::consts::TAU / FRAME as f64;
        let mut vocoder = Self {
            samples,
            plans,
            at: 0,
            before: Polar::silent(),
            after: Polar::silent(),
            advance: (0..BINS).map(|bin| HOP as f64 * (bin as f64 * step)).collect(),
            phase: Vec::new(),
            input: plans.forward.make_input_vec(),
            output: plans.forward.make_output_vec(),
            scratch: plans.forward.make_scratch_vec(),
        };
        vocoder.load(0);
        std::mem::swap(&mut vocoder.before, &mut vocoder.after);
        vocoder.load(1);
        vocoder.phase.clone_from(&vocoder.before.phase);
        vocoder
    }

    /// Frames of the signal: number t is centred on sample t · [`HOP`], with silence beyond the ends.
    fn frames(&self) -> usize {
        self.samples.len() / HOP + 1
    }

    /// Writes the spectrum of the signal at `position`, in frames, with phases that continue those of the step before.
    fn step(&mut self, position: f64, spectrum: &mut [Complex<f32>]) {
        self.seek(position as usize);
        let share = position.fract();
        let (before, after, phases, advances) = (&self.before, &self.after, &mut self.phase, &self.advance);
        vectorized(
            #[inline(always)]
            || {
                let magnitudes = before.magnitude.iter().zip(&after.magnitude);
                for ((value, phase), (a, b)) in spectrum.iter_mut().zip(phases.iter()).zip(magnitudes) {
                    let magnitude = (1.0 - share) * f64::from(*a) + share * f64::from(*b);
                    let (cosine, sine) = point(f64::from(*phase));
                    *value = Complex::new((magnitude * cosine) as f32, (magnitude * sine) as f32);
                }
                let turns = before.phase.iter().zip(&after.phase);
                for ((phase, advance), (a, b)) in phases.iter_mut().zip(advances).zip(turns) {
                    let turn = f64::from(*b - *a) - *advance;
                    let principal = turn - std::f64::consts::TAU * nearest(turn / std::f64::consts::TAU);
                    *phase = (f64::from(*phase) + (*advance + principal)) as f32;
                }
            },
        );
    }

    /// Makes frame `index` the one before, and `index` + 1 the one after.
    fn seek(&mut self, index: usize) {
        if index == self.at {
            return;
        }
        std::mem::swap(&mut self.before, &mut self.after);
        if index != self.at + 1 {
            self.load(index);
            std::mem::swap(&mut self.before, &mut self.after);
        }
        self.load(index + 1);
        self.at = index;
    }

    /// Computes frame `index` into `after`.
    fn load(&mut self, index: usize) {
        if index >= self.frames() {
            self.after = Polar::silent();
            return;
        }
        // The frame begins so many samples before the signal, or within it.
        let (ahead, start) = ((FRAME / 2).saturating_sub(index * HOP), (index * HOP).saturating_sub(FRAME / 2));
        let part = &self.samples[start..(start + FRAME - ahead).min(self.samples.len())];
        self.input.fill(0.0);
        for ((value, weight), sample) in self.input[ahead..].iter_mut().zip(&self.plans.window[ahead..]).zip(part) {
            *value = weight * f64::from(*sample);
        }
        // In double precision, because the phases of weak bins matter as much as those of strong ones: a bin keeps the
        // phase that it had while it was weak. The buffers come from the plan, so their lengths are the ones it asks for.
        let done = self.plans.forward.process_with_scratch(&mut self.input, &mut self.output, &mut self.scratch);
        debug_assert!(done.is_ok());
        let (polar, output) = (&mut self.after, &self.output);
        vectorized(
            #[inline(always)]
            || {
                let to = polar.magnitude.iter_mut().zip(polar.phase.iter_mut());
                for ((magnitude, phase), value) in to.zip(output) {
                    // Rounded as librosa stores them, so that the phases round alike.
                    let (x, y) = (f64::from(value.re as f32), f64::from(value.im as f32));
                    *magnitude = (x * x + y * y).sqrt() as f32;
                    *phase = angle(y, x) as f32;
                }
            },
        );
    }
}

/// Weighted overlap-add (Griffin & Lim 1984): y(n) = Σₜ w(n − tH) yₜ(n − tH) / Σₜ w²(n − tH).
struct Synthesis<'a> {
    plans: &'a Plans,
    spectrum: Vec<Complex<f32>>,
    frame: Vec<f32>,
    scratch: Vec<Complex<f32>>,
    signal: Vec<f32>,
}

impl<'a> Synthesis<'a> {
    fn new(len: usize, plans: &'a Plans) -> Self {
        Self {
            plans,
            spectrum: plans.inverse.make_input_vec(),
            frame: plans.inverse.make_output_vec(),
            scratch: plans.inverse.make_scratch_vec(),
            signal: vec![0.0; len],
        }
    }

    /// Frames that reach into the signal.
    fn frames(&self) -> usize {
        (self.signal.len() + FRAME / 2).div_ceil(HOP)
    }

    /// Adds what `spectrum` holds as frame `index`, which is centred on sample `index` · [`HOP`].
    fn add(&mut self, index: usize) {
        // The transform of a real frame is real at both ends.
        self.spectrum[0].im = 0.0;
        self.spectrum[BINS - 1].im = 0.0;
        let done = self.plans.inverse.process_with_scratch(&mut self.spectrum, &mut self.frame, &mut self.scratch);
        debug_assert!(done.is_ok());
        let (ahead, start) = ((FRAME / 2).saturating_sub(index * HOP), (index * HOP).saturating_sub(FRAME / 2));
        let weighted = self.frame[ahead..].iter().zip(&self.plans.window[ahead..]);
        for (sum, (value, weight)) in self.signal[start..].iter_mut().zip(weighted) {
            *sum += (weight * f64::from(*value)) as f32;
        }
    }

    /// Divides by the weights that `frames` frames have left on each sample, and by the length of the transform.
    ///
    /// No weight is zero: the last frame is centred within a hop of the last sample.
    fn finish(mut self, frames: usize) -> Vec<f32> {
        let squares: Vec<f64> = self.plans.window.iter().map(|weight| weight * weight).collect();
        for (block, samples) in self.signal.chunks_mut(HOP).enumerate() {
            // Frame t begins two blocks before block t. So its first quarter lies in block t − 2, and its last in t + 1.
            let reaching =
                squares.chunks_exact(HOP).enumerate().filter(|(q, _)| (*q..frames + q).contains(&(block + 2)));
            let quarters: Vec<&[f64]> = reaching.map(|(_, quarter)| quarter).collect();
            for (n, sample) in samples.iter_mut().enumerate() {
                let weight: f64 = quarters.iter().map(|quarter| quarter[n]).sum();
                *sample = (f64::from(*sample) / (weight * FRAME as f64)) as f32;
            }
        }
        self.signal
    }
}

/// Runs `work` compiled for the best instruction set of this machine; only what is inlined into it is.
#[inline]
fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use proptest::prelude::*;

    use super::*;

    fn sine(hertz: f64, len: usize) -> Waveform {
        let value = |n: usize| (0.5 * (TAU * hertz * n as f64 / 16_000.0 + 0.4).sin()) as f32;
        Waveform::new((0..len).map(value).collect(), 16_000).unwrap()
    }

    #[test]
    fn a_rate_of_one_gives_a_copy() {
        for len in [0, 1, 5_000] {
            assert_eq!(sine(440.0, len).time_stretch(1.0).unwrap(), sine(440.0, len));
        }
    }

    #[test]
    fn a_sine_keeps_its_pitch_and_at_higher_rates_its_level() {
        for rate in [0.3, 0.81, 1.23, 2.7] {
            let stretched = sine(440.0, 32_000).time_stretch(rate).unwrap();
            let middle = &stretched.samples()[stretched.len() / 4..3 * stretched.len() / 4];
            let crossings = middle.windows(2).filter(|pair| (pair[0] < 0.0) != (pair[1] < 0.0)).count();
            let hertz = crossings as f64 / 2.0 / middle.len() as f64 * 16_000.0;
            assert!((hertz - 440.0).abs() < 3.0, "{rate}: {hertz}");
            let power =
                middle.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / middle.len() as f64 / 0.125;
            // Below one it loses some: 0.083 and 0.825 are left, by librosa's count too.
            let expected = if rate < 0.5 {
                0.083
            } else if rate < 1.0 {
                0.825
            } else {
                1.0
            };
            assert!((power - expected).abs() < 0.01, "{rate}: {power}");
        }
    }

    #[test]
    fn silence_stays_silent_and_exactly_so() {
        for len in [1, 511, 512, 513, 5_000] {
            let stretched = Waveform::new(vec![0.0; len], 16_000).unwrap().time_stretch(0.7).unwrap();
            assert!(stretched.samples().iter().all(|sample| *sample == 0.0));
        }
    }

    #[test]
    fn rates_out_of_range_are_refused() {
        for rate in [0.0, 0.099, 10.01, -1.0, f64::NAN, f64::INFINITY] {
            let error = sine(440.0, 100).time_stretch(rate).unwrap_err();
            assert!(matches!(error, AudioError::Parameter { name: "rate", .. }), "{error}");
        }
    }

    /// The recursion without a single angle: unit phasors are multiplied, so nothing is rounded that grows.
    fn stretch_exactly(samples: &[f32], rate: f64) -> Vec<f32> {
        let plans = &*PLANS;
        let mut vocoder = Vocoder::new(samples, plans);
        let len = (samples.len() as f64 / rate).round_ties_even() as usize;
        let mut synthesis = Synthesis::new(len, plans);
        let frames = (vocoder.frames() as f64 / rate).ceil() as usize;
        let unit = |phase: f32| Complex::from_polar(1.0, f64::from(phase));
        let mut phasors: Vec<Complex<f64>> = vocoder.before.phase.iter().map(|phase| unit(*phase)).collect();
        for index in 0..frames.min(synthesis.frames()) {
            let position = index as f64 * rate;
            vocoder.seek(position as usize);
            for (bin, phasor) in phasors.iter_mut().enumerate() {
                let [a, b] = [&vocoder.before, &vocoder.after].map(|polar| f64::from(polar.magnitude[bin]));
                let value = *phasor * ((1.0 - position.fract()) * a + position.fract() * b);
                synthesis.spectrum[bin] = Complex::new(value.re as f32, value.im as f32);
                *phasor *= unit(vocoder.after.phase[bin]) * unit(vocoder.before.phase[bin]).conj();
            }
            synthesis.add(index);
        }
        synthesis.finish(frames)
    }

    #[test]
    fn the_phases_are_right_but_for_the_rounding_of_their_sum() {
        let chirp: Vec<f32> = (0..24_000).map(|n| 0.5 * (f64::from(n).powi(2) * 1e-5).sin() as f32).collect();
        for rate in [0.4, 0.81, 1.23, 3.3] {
            let (rounded, exact) = (stretch(&chirp, rate), stretch_exactly(&chirp, rate));
            let worst = rounded.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 0.02, "{rate}: {worst}");
        }
    }

    proptest! {
        #[test]
        fn the_length_is_divided_by_the_rate(len in 1_usize..6_000, rate in 0.1..10.0_f64) {
            let stretched = sine(440.0, len).time_stretch(rate).unwrap();
            let expected = (len as f64 / rate).round_ties_even().max(1.0);
            prop_assert_eq!(stretched.len() as f64, expected);
            prop_assert!(stretched.samples().iter().all(|sample| sample.abs() < 2.0));
        }

        #[test]
        fn scale_scales(exponent in -20_i32..20, rate in 0.5..2.0_f64) {
            let gain = 2_f32.powi(exponent);
            let loud = Waveform::new(sine(440.0, 3_000).samples().iter().map(|s| s * gain).collect(), 16_000).unwrap();
            let expected = sine(440.0, 3_000).time_stretch(rate).unwrap();
            for (a, b) in loud.time_stretch(rate).unwrap().samples().iter().zip(expected.samples()) {
                prop_assert_eq!(*a, b * gain);
            }
        }
    }
}
