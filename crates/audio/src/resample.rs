//! Changing the sample rate.

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, FixedSync, Resampler, Sample, WindowFunction};

use crate::error::AudioError;
use crate::waveform::{Waveform, check_sample_rate};

pub(crate) mod stream;

/// The least length of the filter, in samples of the lower rate: 64 ms at 16 kHz. It decides how sharply the filter cuts.
const FILTER_LENGTH: u64 = 1_024;

/// The longest filter, in samples of the higher rate, for which `f32` is good enough (error below −115 dB). Rates with a
/// small common divisor need longer ones, for which it is not (−99 dB), and take `f64` (−150 dB at a third of the speed).
const LONGEST_SINGLE: u64 = 4_096;

/// The loudest sample for which `f32` is good enough: far above full scale, and far below where a transform overflows.
const LOUDEST_SINGLE: f32 = 1e6;

/// The largest smaller part of a fraction that stands for a ratio of rates. It decides how exact the fraction is, and how
/// long the filter: twice as long, in samples of the lower rate.
const LARGEST_PART: u64 = 8_192;

impl Waveform {
    /// The same sound at another rate, in `ceil(len · new / old)` samples, the rule of librosa and soxr.
    ///
    /// A linear-phase low-pass (a sinc under a squared Blackman-Harris window, by FFT; `rubato`) passes everything up to
    /// 97 % of the lower Nyquist frequency and removes what lies above that frequency. Measured with sines: the error
    /// within the pass band and the aliases lie below −110 dB. Its delay is taken out, so every sample stays at its
    /// second. Peaks may come out a little higher, because the true peak may lie between two samples.
    ///
    /// The same rate gives a copy.
    ///
    /// ```
    /// use stimmung_audio::Waveform;
    ///
    /// let tone: Vec<f32> = (0..44_100).map(|n| (n as f32 * 0.05).sin()).collect();
    /// let wave = Waveform::new(tone, 44_100)?.resample(16_000)?;
    /// assert_eq!((wave.len(), wave.sample_rate()), (16_000, 16_000));
    /// # Ok::<(), stimmung_audio::AudioError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`AudioError::SampleRate`] outside the allowed rates.
    pub fn resample(&self, sample_rate: u32) -> Result<Self, AudioError> {
        check_sample_rate(sample_rate)?;
        if sample_rate == self.sample_rate() || self.is_empty() {
            return Ok(Self::from_checked(self.samples().to_vec(), sample_rate));
        }
        let plan = Plan::new(u64::from(self.sample_rate()), u64::from(sample_rate));
        // Samples near the largest float can overshoot to infinity.
        Self::new(plan.run(self.samples()), sample_rate)
    }

    /// The sound in `len` samples, about its own number times `ratio`, at the rate it has: as if it had been resampled to `ratio`
    /// times that rate, and the old one written on it. The ratio, from 0.1 to 10, is that of a fraction close to it, see [`fraction`].
    ///
    /// # Errors
    ///
    /// [`AudioError::NonFinite`] where samples near the largest float overflow.
    pub(crate) fn resample_by(&self, ratio: f64, len: usize) -> Result<Self, AudioError> {
        let (new, old) = fraction(ratio);
        let same = new == old || self.is_empty();
        let mut samples = if same { self.samples().to_vec() } else { Plan::new(old, new).run(self.samples()) };
        // The fraction may be a little shorter or longer than the ratio.
        samples.resize(len, 0.0);
        Self::new(samples, self.sample_rate())
    }
}

/// A fraction (numerator, denominator) close to a positive ratio, whose smaller part q is at most [`LARGEST_PART`].
///
/// The convergents of the continued fraction: the first that is exact, or the last that is small enough. The error is at
/// most 1 part in q · [`LARGEST_PART`]. So it is below 1e-7 of most ratios (2e-9 of a third of an octave); for those right
/// beside a simple one, such as 1.0001, it can reach 0.012 %, a twenty-fifth of the least change of pitch that is heard.
fn fraction(ratio: f64) -> (u64, u64) {
    if ratio < 1.0 {
        let (numerator, denominator) = fraction(1.0 / ratio);
        return (denominator, numerator);
    }
    let (mut last, mut best) = ((1, 0), (ratio as u64, 1));
    let mut rest = ratio.fract();
    // A rest this small is the rounding of the ratio itself.
    while rest > 1e-9 {
        let whole = rest.recip() as u64;
        let next = (whole * best.0 + last.0, whole * best.1 + last.1);
        if next.1 > LARGEST_PART {
            break;
        }
        (last, best) = (best, next);
        rest = rest.recip().fract();
    }
    best
}

/// The two rates, and the filter's length at each.
struct Plan {
    old: u64,
    new: u64,
    old_length: u64,
    new_length: u64,
}

impl Plan {
    fn new(old: u64, new: u64) -> Self {
        let divisor = gcd(old, new);
        // An even number of periods makes the delay, half the filter, a whole number of samples at both rates.
        let periods = FILTER_LENGTH.div_ceil(old.min(new) / divisor).next_multiple_of(2);
        Self { old, new, old_length: periods * old / divisor, new_length: periods * new / divisor }
    }

    fn longest(&self) -> u64 {
        self.old_length.max(self.new_length)
    }

    /// Resamples in the precision that the filter and the samples need.
    fn run(&self, input: &[f32]) -> Vec<f32> {
        let tame = input.iter().all(|sample| sample.abs() <= LOUDEST_SINGLE);
        if tame && self.longest() <= LONGEST_SINGLE {
            return self.run_in(input);
        }
        let wide: Vec<f64> = input.iter().copied().map(f64::from).collect();
        self.run_in(&wide).into_iter().map(|sample| sample as f32).collect()
    }

    fn run_in<T: Sample>(&self, input: &[T]) -> Vec<T> {
        let mut resampler = self.resampler::<T>();
        let frames = input.len();
        let mut output = vec![T::zero(); resampler.process_all_needed_output_len(frames)];
        let room = output.len();
        let source = SequentialSlice::new(input, 1, frames).expect("one channel of this length");
        let mut target = SequentialSlice::new_mut(&mut output, 1, room).expect("one channel of this length");
        resampler.process_all_into_buffer(&source, &mut target, frames, None).expect("the room it asked for");
        output.truncate((frames as u64 * self.new).div_ceil(self.old) as usize);
        output
    }

    fn resampler<T: Sample>(&self) -> Fft<T> {
        let (old, new, chunk) = (self.old as usize, self.new as usize, self.old_length as usize);
        Fft::new_custom(old, new, chunk, 1, 1, WindowFunction::BlackmanHarris2, FixedSync::Both)
            .expect("rates and chunk are positive")
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn sine(hertz: f64, rate: u32, len: usize) -> Waveform {
        let phase = |n| TAU * hertz * f64::from(n) / f64::from(rate) + 0.3;
        Waveform::new((0..len as u32).map(|n| (0.5 * phase(n).sin()) as f32).collect(), rate).unwrap()
    }

    /// The energy of the difference (or of the first alone) in the middle half, in decibels below a sine of ½.
    fn decibels(wave: &Waveform, reference: Option<&Waveform>) -> f64 {
        let middle = wave.len() / 4..3 * wave.len() / 4;
        let count = middle.len() as f64;
        let difference = |n: usize| f64::from(wave.samples()[n]) - reference.map_or(0.0, |r| f64::from(r.samples()[n]));
        let power = middle.map(|n| difference(n).powi(2)).sum::<f64>() / count;
        10.0 * (power / 0.125).max(1e-30).log10()
    }

    /// Long enough that the middle half is out of reach of a filter as long as one period of both rates.
    fn long_enough(old: u32, new: u32) -> usize {
        let period = 1.0 / gcd(u64::from(old), u64::from(new)) as f64;
        (f64::from(old) * period.mul_add(5.0, 1.0)) as usize
    }

    const PAIRS: [(u32, u32); 10] = [
        (44_100, 16_000),
        (16_000, 44_100),
        (48_000, 16_000),
        (11_025, 44_100),
        (24_414, 16_000),
        (47_999, 48_000),
        (96_000, 22_050),
        (8_000, 192_000),
        (24_414, 22_050),
        (16_000, 22_050),
    ];

    #[test]
    fn a_sine_stays_a_sine_at_its_place() {
        for (old, new) in PAIRS {
            let nyquist = f64::from(old.min(new)) / 2.0;
            for share in [0.01, 0.5, 0.97] {
                let wave = sine(share * nyquist, old, long_enough(old, new));
                let resampled = wave.resample(new).unwrap();
                let error = decibels(&resampled, Some(&sine(share * nyquist, new, resampled.len())));
                assert!(error < -110.0, "{old} to {new}, {share} of Nyquist: {error:.1} dB");
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_gone() {
        for (old, new) in PAIRS.into_iter().filter(|(old, new)| old > new) {
            let nyquist = f64::from(new) / 2.0;
            for share in [1.005, 1.1, 1.3].into_iter().filter(|share| share * nyquist < f64::from(old) / 2.0) {
                let aliased = decibels(&sine(share * nyquist, old, long_enough(old, new)).resample(new).unwrap(), None);
                assert!(aliased < -110.0, "{old} to {new}, {share} of Nyquist: {aliased:.1} dB");
            }
        }
    }

    #[test]
    fn a_constant_keeps_its_value() {
        for (old, new) in PAIRS {
            let wave = Waveform::new(vec![0.7; long_enough(old, new)], old).unwrap().resample(new).unwrap();
            let middle = &wave.samples()[wave.len() / 4..3 * wave.len() / 4];
            assert!(middle.iter().all(|sample| (sample - 0.7).abs() < 2e-6), "{old} to {new}");
        }
    }

    #[test]
    fn a_click_stays_where_it_is() {
        for (old, new) in PAIRS {
            let mut samples = vec![0.0; old as usize / 2];
            samples[old as usize / 5] = 1.0;
            let wave = Waveform::new(samples, old).unwrap().resample(new).unwrap();
            let largest = wave.samples().iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
            let expected = f64::from(old / 5) * f64::from(new) / f64::from(old);
            assert!((largest as f64 - expected).abs() <= 0.5 + 1e-9, "{old} to {new}: {largest}, not {expected}");
        }
    }

    #[test]
    fn lengths_are_rounded_up() {
        for (old, new) in PAIRS.into_iter().chain([(30_000, 3_000), (3_000, 30_000), (1_000, 768_000)]) {
            for len in [1_usize, 2, 3, 7, 100, 441, 1_000, 30_001] {
                let wave = Waveform::new(vec![0.1; len], old).unwrap().resample(new).unwrap();
                let exact = (len as u128 * u128::from(new)).div_ceil(u128::from(old));
                assert_eq!(wave.len() as u128, exact, "{len} samples from {old} to {new}");
                assert_eq!(wave.sample_rate(), new);
            }
        }
    }

    #[test]
    fn fractions_are_close_and_small() {
        assert_eq!(fraction(1.0), (1, 1));
        assert_eq!(fraction(0.8), (4, 5));
        assert_eq!(fraction(1.0 / 1.23), (100, 123));
        assert_eq!(fraction(10.0), (10, 1));
        for step in 0..=20_000 {
            let ratio = 10_f64.powf(f64::from(step) / 10_000.0 - 1.0);
            let (new, old) = fraction(ratio);
            let part = new.min(old);
            let error = (new as f64 / old as f64 / ratio - 1.0).abs();
            assert!(error * (part * LARGEST_PART) as f64 <= 1.0, "{ratio}: {new}/{old}");
            assert!(part <= LARGEST_PART);
        }
    }

    #[test]
    fn the_same_rate_gives_a_copy_and_nothing_gives_nothing() {
        let wave = sine(440.0, 16_000, 1_000);
        assert_eq!(wave.resample(16_000).unwrap(), wave);
        let nothing = Waveform::new(Vec::new(), 44_100).unwrap().resample(16_000).unwrap();
        assert_eq!((nothing.len(), nothing.sample_rate()), (0, 16_000));
    }

    #[test]
    fn silence_stays_silent() {
        let wave = Waveform::new(vec![0.0; 5_000], 44_100).unwrap().resample(16_000).unwrap();
        assert!(wave.samples().iter().all(|sample| *sample == 0.0));
    }

    #[test]
    fn rates_are_checked_and_overshoot_to_infinity_is_an_error() {
        let wave = sine(440.0, 16_000, 100);
        for rate in [0, 999, 768_001, 1_000_000_000] {
            assert!(matches!(wave.resample(rate), Err(AudioError::SampleRate { .. })), "{rate}");
        }
        let square = (0..200).map(|n| if n % 40 < 20 { f32::MAX } else { f32::MIN }).collect();
        let huge = Waveform::new(square, 16_000).unwrap().resample(44_100);
        assert!(matches!(huge, Err(AudioError::NonFinite { .. })), "{huge:?}");
        // Below that, loudness makes no difference.
        let loud = |gain: f32| sine(440.0, 16_000, 500).into_samples().iter().map(|sample| sample * gain).collect();
        let [one, many] = [1.0, 1e37].map(|gain| Waveform::new(loud(gain), 16_000).unwrap().resample(44_100).unwrap());
        let close = |(one, many): (&f32, &f32)| (one - many / 1e37).abs() < 1e-6;
        assert!(one.samples().iter().zip(many.samples()).all(close));
    }
}
