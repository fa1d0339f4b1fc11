//! Formants by linear prediction.

use std::f64::consts::{PI, TAU};

use realfft::num_complex::Complex;

use crate::lanes::vectorized;
use crate::levinson::levinson;
use crate::lld::framing::Framing;
use crate::lld::roots::roots;
use crate::lld::spectrum::{Taper, full_scale};
use crate::lld::split_radix::SplitRadix;

/// The order of the prediction.
const ORDER: usize = 11;

/// The rate in hertz to which a frame is resampled for it.
const RATE: f64 = 11_000.0;

/// Poles with frequencies in this range in hertz are formants.
const RANGE: std::ops::RangeInclusive<f64> = 50.0..=5450.0;

/// How many formants are given.
pub(crate) const FORMANTS: usize = 3;

/// Lags of the autocorrelation, and places up to a whole number of vectors.
const LAGS: usize = 16;

/// A resonance of the vocal tract; all 0 where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Formant {
    /// Its frequency in hertz, 50 to 5450.
    pub(crate) hertz: f64,
    /// Its bandwidth in hertz.
    pub(crate) bandwidth: f64,
}

/// The formants of one frame: the poles of its linear prediction (J. Makhoul, "Linear prediction: a tutorial review",
/// Proceedings of the IEEE 63, 1975; in the form of F. Eyben et al., IEEE Transactions on Affective Computing 7(2), 2016).
///
/// The spectrum of the frame is turned back into a signal at 11 kHz, whose autocorrelation gives a predictor of order 11. A
/// pole z has the frequency |arg z| · 11000 / 2π and the bandwidth −ln |z| · 11000 / π; the three lowest within 50 to 5450 Hz
/// are given.
///
/// The published sets keep peculiarities of their first implementation, and so does this: the signal is cut off at its
/// length at 11 kHz before the zeros in front of the frame are, so that the end of the frame does not count; bins
/// from half that length on are left out; and the polynomial has the signs of all its coefficients but the first turned.
/// Single precision is meant, too: the equations are nearly singular, and its rounding is part of the result. So every sum up to
/// the coefficients is rounded where the first implementation rounds it, which was found by running it step by step.
pub(crate) struct FormantTracker {
    /// Samples of a frame at 11 kHz.
    length: usize,
    /// The window of a frame, which lies in the middle of a transform.
    weights: Vec<f32>,
    offset: usize,
    transform: SplitRadix,
    input: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    /// What a bin's real and imaginary part give to every sample, bin after bin.
    real: Vec<f32>,
    imaginary: Vec<f32>,
    signal: Vec<f32>,
}

impl FormantTracker {
    /// For frames of this framing.
    pub(crate) fn new(framing: &Framing) -> Self {
        let size = framing.length.next_power_of_two();
        let length = (RATE * framing.length as f64 / f64::from(framing.sample_rate)).round() as usize;
        // The transform at the new rate is this long; it is no whole number everywhere.
        let period = size as f64 * length as f64 / framing.length as f64;
        // At rates from 8 kHz on the spectrum has more bins than this.
        let used = length / 2;
        let (mut real, mut imaginary) = (Vec::new(), Vec::new());
        let scale = 2.0 / size as f64;
        for bin in 0..used {
            for sample in 0..length {
                let phase = TAU * bin as f64 * sample as f64 / period;
                real.push((scale * phase.cos()) as f32);
                imaginary.push((scale * phase.sin()) as f32);
            }
        }
        Self {
            length,
            weights: (0..framing.length).map(|index| Taper::Hamming.weight(index, framing.length) as f32).collect(),
            offset: (size - framing.length) / 2,
            transform: SplitRadix::new(size),
            input: vec![0.0; size],
            spectrum: vec![Complex::default(); size / 2],
            real,
            imaginary,
            signal: vec![0.0; length + LAGS],
        }
    }

    /// The formants of a frame of as many samples as the framing says; the lowest first.
    pub(crate) fn formants(&mut self, frame: &[f32]) -> [Formant; FORMANTS] {
        self.resample(frame);
        let correlations = autocorrelation(&self.signal, self.length);
        // Silence, or what is beyond single precision.
        if !correlations[0].is_normal() {
            return Default::default();
        }
        poles(&levinson(&correlations).1)
    }

    fn resample(&mut self, frame: &[f32]) {
        let Self { length, weights, offset, transform, input, spectrum, real, imaginary, signal } = self;
        for ((value, weight), sample) in input[*offset..].iter_mut().zip(weights).zip(frame) {
            *value = full_scale(*sample) * *weight;
        }
        transform.transform(input, spectrum);
        // The highest bin, which lies there, is none of those that count.
        spectrum[0].im = 0.0;
        let (signal, length) = (&mut signal[..*length], *length);
        vectorized(
            #[inline(always)]
            || {
                signal.fill(0.0);
                let rows = real.chunks_exact(length).zip(imaginary.chunks_exact(length));
                for (bin, (real, imaginary)) in spectrum.iter().zip(rows) {
                    for ((value, cosine), sine) in signal.iter_mut().zip(real).zip(imaginary) {
                        *value = (*value + bin.re * cosine) + bin.im * sine;
                    }
                }
            },
        );
    }
}

/// r(l) = Σ y(n) y(n + l) of the first `length` samples, after which there are zeros for all lags.
fn autocorrelation(signal: &[f32], length: usize) -> [f32; LAGS] {
    vectorized(
        #[inline(always)]
        || {
            let mut sums = [0.0; LAGS];
            for (sample, later) in signal[..length].iter().zip(signal.windows(LAGS)) {
                for lag in 0..LAGS {
                    sums[lag] += sample * later[lag];
                }
            }
            sums
        },
    )
}

/// The three lowest resonances of a predictor.
fn poles(coefficients: &[f32; ORDER]) -> [Formant; FORMANTS] {
    let mut formants = [Formant::default(); ORDER];
    let mut count = 0;
    for root in roots(&coefficients.map(|coefficient| -f64::from(coefficient))) {
        let hertz = root.arg() * RATE / TAU;
        if root.im >= 0.0 && RANGE.contains(&hertz) {
            // A root outside of the unit circle is mirrored into it.
            formants[count] = Formant { hertz, bandwidth: root.norm().ln().abs() * RATE / PI };
            count += 1;
        }
    }
    formants[..count].sort_by(|a, b| a.hertz.total_cmp(&b.hertz));
    std::array::from_fn(|index| formants[index])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lld::framing::SHORT;
    use crate::lld::vowels::{Tract, VOWELS, vowel};

    #[test]
    fn the_predictor_of_a_decaying_resonance_is_its_recursion() {
        // y(n) = 1.6 y(n − 1) − 0.9 y(n − 2).
        let mut signal = vec![0.0_f32; 600 + LAGS];
        (signal[0], signal[1]) = (1.0, 1.6);
        for n in 2..600 {
            signal[n] = 1.6 * signal[n - 1] - 0.9 * signal[n - 2];
        }
        let (_, coefficients) = levinson::<ORDER>(&autocorrelation(&signal, 600));
        assert!((coefficients[0] + 1.6).abs() < 1e-3 && (coefficients[1] - 0.9).abs() < 1e-3, "{coefficients:?}");
        assert!(coefficients[2..].iter().all(|a| a.abs() < 2e-3), "{coefficients:?}");
    }

    #[test]
    fn formants_are_in_order_and_in_range_at_every_rate_and_absent_in_silence() {
        for rate in [8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000] {
            let framing = Framing::new("a test", rate, SHORT).unwrap();
            let mut tracker = FormantTracker::new(&framing);
            assert_eq!(tracker.formants(&vec![0.0; framing.length]), [Formant::default(); FORMANTS]);
            for seed in 1..20_u32 {
                let frame: Vec<f32> =
                    (0..framing.length as u32).map(|n| (n * n % (7907 + seed)) as f32 / 7907.0 - 0.5).collect();
                let formants = tracker.formants(&frame);
                assert!(formants[0].hertz > 0.0, "{rate} {formants:?}");
                assert!(formants.iter().all(|f| f.hertz == 0.0 || RANGE.contains(&f.hertz) && f.bandwidth >= 0.0));
                assert!(formants.windows(2).all(|pair| pair[1].hertz == 0.0 || pair[0].hertz <= pair[1].hertz));
            }
        }
    }

    /// The frequency of the pole nearest to each formant of a steady vowel, the median of eleven frames. These are the poles
    /// of the predictor itself, whose signs are not turned.
    fn nearest_poles(rate: u32, hertz: f64, tract: &Tract) -> [f64; FORMANTS] {
        let framing = Framing::new("a test", rate, SHORT).unwrap();
        let mut tracker = FormantTracker::new(&framing);
        let voice = vowel(rate, hertz, tract);
        let mut found = [const { Vec::new() }; FORMANTS];
        for frame in 20..31 {
            tracker.resample(&voice[framing.range(frame)]);
            let (_, coefficients) = levinson::<ORDER>(&autocorrelation(&tracker.signal, tracker.length));
            let poles = roots(&coefficients.map(f64::from)).map(|root| root.arg() * RATE / TAU);
            for (found, (formant, _)) in found.iter_mut().zip(tract) {
                let nearest = poles.into_iter().min_by(|a, b| (a - formant).abs().total_cmp(&(b - formant).abs()));
                found.extend(nearest);
            }
        }
        found.map(|mut poles| {
            poles.sort_by(f64::total_cmp);
            poles[poles.len() / 2]
        })
    }

    #[test]
    fn poles_of_the_predictor_lie_at_the_formants_of_vowels() {
        for rate in [16_000, 22_050, 44_100] {
            for (name, tract) in &VOWELS {
                for hertz in [60.0, 80.0, 100.0, 150.0, 200.0, 250.0, 350.0, 500.0] {
                    let found = nearest_poles(rate, hertz, tract);
                    for (number, (pole, (formant, _))) in found.iter().zip(tract).enumerate() {
                        let bound = match number {
                            // Up to 16 kHz the bins that count end below 3.5 kHz, and the empty band above leaves the equations
                            // nearly singular: only the first formant is certain.
                            1.. if rate == 16_000 => continue,
                            // The third formant of /u/ is far weaker than the first, and single precision hardly tells of it.
                            2 if *name == "u" => 450.0,
                            // A resonance is heard by its harmonics alone, and drawn to the nearest.
                            _ => 0.5 * hertz + 40.0,
                        };
                        assert!((pole - formant).abs() < bound, "{rate} /{name}/ {hertz} Hz: {pole}, {formant}");
                    }
                }
            }
        }
    }
}
