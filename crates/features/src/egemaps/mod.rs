//! The set eGeMAPS v02.

mod analysis;
mod contours;
mod functionals;
mod names;

use crate::error::{FeatureError, check_samples};
use crate::frames::Frames;
use crate::level::{FrameTimes, Level};
use crate::lld::framing::{Framing, SHORT};
use analysis::{Analysis, Wanted};
use functionals::Functionals;

/// Number of functionals.
pub(crate) const FUNCTIONALS: usize = 88;

/// The extended Geneva minimalistic acoustic parameter set, version 02 (F. Eyben et al., "The Geneva Minimalistic Acoustic
/// Parameter Set (`GeMAPS`) for Voice Research and Affective Computing", IEEE Transactions on Affective Computing 7(2), 2016):
/// 25 descriptors every 10 ms, and 88 functionals of them for a whole recording.
///
/// Names, order and values are those of openSMILE 2.6.0, including what is unusual in them; where that is, the documentation of
/// the descriptor says so. `stimmung check opensmile` measures the agreement.
///
/// | descriptor | is | unit |
/// | --- | --- | --- |
/// | `Loudness` | [`crate::loudness`] | |
/// | `alphaRatio` | energy in 1–5 kHz over that below 1 kHz | dB |
/// | `hammarbergIndex` | strongest power below 2 kHz over that in 2–5 kHz | dB |
/// | `slope0-500`, `slope500-1500` | slope of the power spectrum in these bands (hertz) | dB/Hz |
/// | `spectralFlux` | change of the magnitude spectrum below 5 kHz since the frame before | |
/// | `mfcc1` … `mfcc4` | mel-frequency cepstral coefficients | |
/// | `F0semitoneFrom27.5Hz` | fundamental, 12 log₂(F0 / 27.5 Hz), from 55 to 1000 Hz | semitones |
/// | `jitterLocal` | mean difference of neighbouring periods over the mean period | 0–1 |
/// | `shimmerLocaldB` | the same of the heights of cycles | dB |
/// | `HNRdBACF` | harmonics-to-noise ratio by the autocorrelation | dB |
/// | `logRelF0-H1-H2` | level of the partial at 2 F0 over that at 3 F0 | dB |
/// | `logRelF0-H1-A3` | level of the partial at 2 F0 over the strongest near the third formant | dB |
/// | `F1frequency` … `F3bandwidth` | formants | Hz |
/// | `F1amplitudeLogRelF0` … | level of the strongest partial near the formant over that of F0; −201 without a voice | dB |
///
/// Frames last 20 ms, those of the voice (from the fundamental on, without the formants) 60 ms; they begin together and lie whole
/// inside the signal. Recordings of one rate should be compared: spectra are not scaled by their length.
///
/// ```
/// use stimmung_features::Egemaps;
///
/// let buzz: Vec<f32> = (0..16_000).map(|n| 0.2 * ((n % 100) as f32 / 50.0 - 1.0).powi(3)).collect();
/// let mut egemaps = Egemaps::new(16_000)?;
/// let functionals = egemaps.functionals(&buzz)?;
/// assert_eq!(functionals.len(), Egemaps::functional_names().len());
/// // A period of a hundred samples is 160 Hz, 30.5 semitones above 27.5 Hz.
/// assert!((functionals[0] - 30.49).abs() < 0.05);
/// assert_eq!(egemaps.descriptors(&buzz)?.bands(), Egemaps::DESCRIPTORS.len());
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
pub struct Egemaps {
    analysis: Analysis,
    functionals: Functionals,
}

impl Egemaps {
    /// Names of the descriptors. `sma3` is smoothed over three frames, `sma3nz` over those of the three that are not 0.
    pub const DESCRIPTORS: [&'static str; 25] = names::DESCRIPTORS;

    /// Plans, filters and scratch for recordings of a rate in hertz.
    ///
    /// # Errors
    /// [`FeatureError::SampleRate`] outside 8 to 192 kHz.
    pub fn new(sample_rate: u32) -> Result<Self, FeatureError> {
        Ok(Self { analysis: Analysis::new(sample_rate)?, functionals: Functionals::default() })
    }

    /// Names of the functionals, in order.
    pub fn functional_names() -> Vec<String> {
        names::functionals()
    }

    /// The smoothed descriptors, shape `(frames, 25)`, a frame every 10 ms. Those that need a voice are 0 without one, and the levels of the
    /// formants −201 dB; formants need none. (openSMILE gives one row more, which repeats values.) A recording of less than 60 ms is filled up with silence.
    ///
    /// # Errors
    /// [`FeatureError::TooShort`] without samples, [`FeatureError::Sample`] where one is not finite or beyond
    /// [`crate::LARGEST_SAMPLE`].
    pub fn descriptors(&mut self, samples: &[f32]) -> Result<Frames, FeatureError> {
        check_samples(samples)?;
        self.begin(Level::Descriptors);
        self.push(samples);
        let mut rows = Vec::new();
        self.finish(Level::Descriptors, &mut rows);
        Frames::from_rows(rows, Self::DESCRIPTORS.len())
    }

    /// The 88 functionals, named by [`Egemaps::functional_names`]; all finite. A recording of less than 60 ms is filled up with
    /// silence.
    ///
    /// # Errors
    /// As [`Egemaps::descriptors`].
    pub fn functionals(&mut self, samples: &[f32]) -> Result<Vec<f32>, FeatureError> {
        check_samples(samples)?;
        self.begin(Level::Functionals);
        self.push(samples);
        let mut values = Vec::new();
        self.finish(Level::Functionals, &mut values);
        Ok(values)
    }

    /// Where the frames of the descriptors lie: those of 20 ms.
    pub(crate) fn frame_times(sample_rate: u32) -> Result<FrameTimes, FeatureError> {
        let framing = Framing::new("egemaps-v02", sample_rate, SHORT)?;
        Ok(FrameTimes { first: 0, hop: framing.hop, length: framing.length, sample_rate })
    }

    /// Begins a recording that comes in blocks of checked samples.
    pub(crate) fn begin(&mut self, level: Level) {
        self.analysis.begin(match level {
            Level::Descriptors => Wanted::Descriptors,
            Level::Functionals => Wanted::Functionals,
        });
    }

    /// The next samples of it.
    pub(crate) fn push(&mut self, samples: &[f32]) {
        self.analysis.push(samples);
    }

    /// Appends the descriptors that are complete so far.
    pub(crate) fn take_descriptors(&mut self, rows: &mut Vec<f32>) {
        self.analysis.contours().take_rows(false, rows);
    }

    /// Ends the recording: appends its functionals, or the descriptors that are left.
    pub(crate) fn finish(&mut self, level: Level, rows: &mut Vec<f32>) {
        let contours = self.analysis.finish();
        match level {
            Level::Descriptors => contours.take_rows(true, rows),
            Level::Functionals => rows.extend(self.functionals.of(contours)),
        }
    }
}

impl std::fmt::Debug for Egemaps {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Egemaps").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
