//! Loudness of the auditory spectrum.

use std::f64::consts::TAU;

use crate::error::{FeatureError, check_range};
use crate::lld::auditory::{AuditoryBank, BANDS};
use crate::lld::contour::Contour;
use crate::lld::framing::{Framing, SHORT};
use crate::lld::spectrum::{FrameSpectrum, Taper};

/// The least power of a band that is told from silence.
pub(super) const SILENCE: f64 = 9.3e-10;

/// The exponent from intensity to loudness, the cube root of Stevens' law.
pub(super) const EXPONENT: f64 = 0.33;

/// The sensitivity of the ear to a frequency in hertz: the equal-loudness curve at 40 dB that Hermansky gives
/// ("Perceptual linear predictive analysis of speech", JASA 87, 1990, with the term for rates above 10 kHz), times 1e32.
///
/// The exponent 7 in the last factor, where the publication has 6, is that of the published sets.
pub(super) fn equal_loudness(hertz: f64) -> f64 {
    let w = TAU * hertz;
    let w2 = w * w;
    let low = (w2 + 56.8e6) * w2 * w2;
    1e32 * low / ((w2 + 6.3e6).powi(2) * (w2 + 0.38e9) * (w.powi(7) + 1.7e31))
}

/// Turns powers in auditory bands into loudness.
pub(crate) struct LoudnessScale {
    /// Sensitivity of the ear at the centre of every band.
    weights: [f64; BANDS],
}

impl LoudnessScale {
    pub(crate) fn new(bank: &AuditoryBank) -> Self {
        Self { weights: bank.centres().map(equal_loudness) }
    }

    /// The auditory spectrum, (weight · power)^0.33 in every band.
    pub(crate) fn auditory_spectrum(&self, bands: &[f64; BANDS]) -> [f64; BANDS] {
        std::array::from_fn(|band| (self.weights[band] * bands[band].max(SILENCE)).powf(EXPONENT))
    }

    /// Its mean.
    pub(crate) fn loudness(&self, bands: &[f64; BANDS]) -> f64 {
        self.auditory_spectrum(bands).iter().sum::<f64>() / BANDS as f64
    }
}

/// Loudness, frame by frame: the mean of the auditory spectrum (F. Eyben et al., "The Geneva Minimalistic Acoustic Parameter
/// Set", IEEE Transactions on Affective Computing 7(2), 2016; the auditory spectrum is that of H. Hermansky, "Perceptual
/// linear predictive analysis of speech", JASA 87, 1990).
///
/// Frames of 20 ms every 10 ms lie whole inside the signal and are weighted by a Hamming window. E(b) is the power of their
/// spectrum in 26 triangular bands, equally spaced on the mel scale from 20 Hz to 8 kHz or half the sampling rate; Q(b) is
/// the sensitivity of the ear at the centre of the band. Then
///
/// loudness = 1/26 · Σ (Q(b) · max(E(b), 9.3e-10))^0.33.
///
/// It has no physical unit: samples have no known sound pressure, and twice the amplitude is 2^0.66 = 1.58 times the
/// loudness. Digital silence has 0.001 (0.00103397 at 16 kHz), speech at a usual level 0.1 to 2, the loudest signals about
/// 5. The spectrum is not scaled by its length, so the same sound is louder at a higher rate (1.8 times at 48 kHz against
/// 16 kHz): compare recordings of one rate. Neighbouring values are not smoothed, as they are where a set asks for it. A
/// signal shorter than a frame has none.
///
/// ```
/// use stimmung_features::loudness;
///
/// let tone: Vec<f32> = (0..8000).map(|n| 0.1 * (n as f32 * 1000.0 / 16_000.0 * std::f32::consts::TAU).sin()).collect();
/// let (contour, silence) = (loudness(&tone, 16_000)?, loudness(&[0.0; 8000], 16_000)?);
/// assert_eq!((contour.start, contour.step, contour.values.len()), (0.01, 0.01, 49));
/// assert!(contour.values.iter().zip(&silence.values).all(|(tone, silence)| tone > &(100.0 * silence)));
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
///
/// # Errors
/// [`FeatureError::SampleRate`] outside 8 to 192 kHz, [`FeatureError::Sample`] where a sample is not finite or beyond
/// [`crate::LARGEST_SAMPLE`].
pub fn loudness(samples: &[f32], sample_rate: u32) -> Result<Contour, FeatureError> {
    let framing = Framing::new("loudness", sample_rate, SHORT)?;
    check_range(samples)?;
    let mut spectrum = FrameSpectrum::new(&framing, Taper::Hamming);
    let bank = AuditoryBank::new(spectrum.bins(), spectrum.bin_width());
    let scale = LoudnessScale::new(&bank);
    let value = |index| {
        spectrum.compute(&samples[framing.range(index)]);
        scale.loudness(&bank.apply(spectrum.powers())) as f32
    };
    let values = (0..framing.frames(samples.len())).map(value).collect();
    Ok(Contour { start: framing.start(), step: framing.step(), values })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hertz: f64, amplitude: f64, rate: u32) -> Vec<f32> {
        let step = TAU * hertz / f64::from(rate);
        (0..rate / 2).map(|n| (amplitude * (f64::from(n) * step).sin()) as f32).collect()
    }

    fn mean(samples: &[f32], rate: u32) -> f32 {
        let values = loudness(samples, rate).unwrap().values;
        values.iter().sum::<f32>() / values.len() as f32
    }

    #[test]
    fn silence_has_the_loudness_of_the_floor() {
        let contour = loudness(&vec![0.0; 16_000], 16_000).unwrap();
        assert_eq!(contour.values.len(), 99);
        assert!(contour.values.iter().all(|value| (value - 0.001_033_97).abs() < 5e-9), "{}", contour.values[0]);
        assert_eq!(contour.values, loudness(&vec![1e-20; 16_000], 16_000).unwrap().values);
    }

    #[test]
    fn the_ear_hears_best_in_the_middle() {
        let heard = [50.0, 150.0, 500.0, 3000.0].map(|hertz| mean(&sine(hertz, 0.1, 16_000), 16_000));
        assert!(heard.windows(2).all(|pair| pair[0] < pair[1]), "{heard:?}");
        let peak = equal_loudness(3400.0);
        assert!([100.0, 1000.0, 2500.0, 5000.0, 8000.0].iter().all(|hertz| equal_loudness(*hertz) < peak));
    }

    #[test]
    fn twice_the_amplitude_is_two_to_the_two_thirds_the_loudness() {
        // Loud in every band, so that none is at the floor.
        let noise =
            |gain: f32| (0..16_000_u32).map(|n| gain * ((n * n % 7919) as f32 / 7919.0 - 0.5)).collect::<Vec<_>>();
        let (once, twice) = (loudness(&noise(0.2), 16_000).unwrap(), loudness(&noise(0.4), 16_000).unwrap());
        for (once, twice) in once.values.iter().zip(&twice.values) {
            assert!((twice / once - 2.0_f32.powf(0.66)).abs() < 1e-5, "{once} {twice}");
        }
    }

    #[test]
    fn a_tone_has_the_loudness_that_opensmile_2_6_0_gives_it() {
        // 1 kHz, a tenth of full scale; frames begin at equal phases, so that its smoothing changes nothing.
        for (rate, expected) in [(8000, 0.288_607_5), (16_000, 0.429_998_5), (44_100, 0.749_790_8), (48_000, 0.772_914)]
        {
            let tone: Vec<f32> = (0..rate / 2)
                .map(|n| ((3277.0 * (TAU * 1000.0 * f64::from(n) / f64::from(rate)).sin()).round() / 32_768.0) as f32)
                .collect();
            let contour = loudness(&tone, rate).unwrap();
            assert_eq!(contour.values.len(), 49);
            assert!(contour.values.iter().all(|value| (value / expected - 1.0).abs() < 1e-5), "{rate}: {contour:?}");
            assert!((contour.seconds(10) - 0.11).abs() < 1e-9, "{rate}");
        }
    }

    #[test]
    fn rates_between_have_whole_frames_too() {
        for rate in [11_025, 22_050, 24_000, 32_000] {
            let contour = loudness(&sine(1000.0, 0.1, rate), rate).unwrap();
            assert!((48..=50).contains(&contour.values.len()), "{rate}: {}", contour.values.len());
            assert!((contour.seconds(10) - 0.11).abs() < 1e-3, "{rate}");
            assert!(contour.values.iter().all(|value| (0.3..0.8).contains(value)), "{rate}: {contour:?}");
        }
    }

    #[test]
    fn short_and_unfit_signals() {
        assert!(loudness(&[], 16_000).unwrap().values.is_empty());
        assert!(loudness(&[0.5; 319], 16_000).unwrap().values.is_empty());
        assert_eq!(loudness(&[0.5; 320], 16_000).unwrap().values.len(), 1);
        assert!(loudness(&[1e15; 3200], 16_000).unwrap().values.iter().all(|value| value.is_finite()));
        assert!(matches!(loudness(&[0.5, f32::NAN], 16_000), Err(FeatureError::Sample { index: 1, .. })));
        assert!(matches!(loudness(&[0.5; 400], 4000), Err(FeatureError::SampleRate { minimum: 8000, .. })));
    }
}
