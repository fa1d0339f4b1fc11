//! The set `ComParE` 2016.

mod analysis;
mod contours;
mod functionals;
mod names;

use crate::error::{FeatureError, check_samples};
use crate::frames::Frames;
use crate::level::{FrameTimes, Level};
use crate::lld::framing::{Framing, SHORT};
use analysis::Analysis;
use contours::{BLOCK, DESCRIPTORS};
use functionals::Functionals;

/// Number of functionals.
pub(crate) const FUNCTIONALS: usize = 6373;

/// The acoustic parameter set of the Computational Paralinguistics Challenges, in the form of 2016 (B. Schuller et al., "The
/// INTERSPEECH 2016 Computational Paralinguistics Challenge"; F. Weninger et al., "On the Acoustics of Emotion in Audio", Frontiers in
/// Psychology 4, 2013): 65 descriptors every 10 ms and their deltas, and 6373 functionals of them for a whole recording.
///
/// Names, order and values are those of openSMILE 2.6.0, including what is unusual in them; where that is, the documentation of
/// the descriptor or the functional says so. `stimmung check opensmile` measures the agreement.
///
/// | descriptor | is | unit |
/// | --- | --- | --- |
/// | `F0final` | fundamental, from 52 to 620 Hz; 0 without a voice | Hz |
/// | `voicingFinalUnclipped` | how far the fundamental stands out among its subharmonic sums, also without a voice | 0–1 |
/// | `jitterLocal` | mean difference of neighbouring periods over the mean period | 0–1 |
/// | `jitterDDP` | mean difference of such differences over the mean period | 0–1 |
/// | `shimmerLocal` | mean difference of the heights of neighbouring cycles over their mean | 0–1 |
/// | `logHNR` | level of the average cycle over that of what cycles differ from it by; −100 without a voice | dB |
/// | `audspec_lengthL1norm` | [`crate::loudness`] | |
/// | `audspecRasta_lengthL1norm` | mean of the filtered auditory spectrum | |
/// | `pcm_RMSenergy` | root mean square of the samples | 0–1 |
/// | `pcm_zcr` | share of samples at which the waveform crosses zero; 0.998 in silence | 0–1 |
/// | `audSpec_Rfilt[0]` … `[25]` | auditory spectrum, of which only changes of 1 to 29 Hz are left | |
/// | `pcm_fftMag_fband250-650`, `pcm_fftMag_fband1000-4000` | power of these bands (hertz) | |
/// | `pcm_fftMag_spectralRollOff25.0` … `90.0` | frequency below which this share of the power lies (per cent) | Hz |
/// | `pcm_fftMag_spectralFlux` | change of the magnitude spectrum since the frame before | |
/// | `pcm_fftMag_spectralCentroid` | mean frequency of the power | Hz |
/// | `pcm_fftMag_spectralEntropy` | entropy of the power over the bins | bit |
/// | `pcm_fftMag_spectralVariance` | variance of the frequency of the power | Hz² |
/// | `pcm_fftMag_spectralSkewness`, `pcm_fftMag_spectralKurtosis` | its third and fourth standardised moments | |
/// | `pcm_fftMag_spectralSlope` | slope of the power over frequency, times the number of bins less one | 1/Hz |
/// | `pcm_fftMag_psySharpness` | mean of the frequency in Bark, with an emphasis of what is above 16 Bark | |
/// | `pcm_fftMag_spectralHarmonicity` | mean step between neighbouring peaks and valleys of the power | |
/// | `mfcc[1]` … `mfcc[14]` | mel-frequency cepstral coefficients | |
///
/// Frames last 20 ms, those of the voice (the first six) and of the zero crossings 60 ms; they begin together and lie whole inside the signal.
/// All descriptors are means over three frames, those of the voice over those of the three that are not 0. Recordings of one rate should be
/// compared: spectra are not scaled by their length.
///
/// ```
/// use stimmung_features::Compare;
///
/// let buzz: Vec<f32> = (0..16_000).map(|n| 0.2 * ((n % 100) as f32 / 50.0 - 1.0).powi(3)).collect();
/// let mut compare = Compare::new(16_000)?;
/// let functionals = compare.functionals(&buzz)?;
/// let names = Compare::functional_names();
/// assert_eq!((functionals.len(), names.len()), (6373, 6373));
/// // A period of a hundred samples is 160 Hz.
/// let mean = names.iter().position(|name| name == "F0final_sma_amean").unwrap();
/// assert!((functionals[mean] - 160.0).abs() < 0.5);
/// assert_eq!(compare.descriptors(&buzz)?.bands(), Compare::descriptor_names().len());
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
pub struct Compare {
    analysis: Analysis,
    functionals: Functionals,
}

impl Compare {
    /// Plans, filters and scratch for recordings of a rate in hertz.
    ///
    /// # Errors
    /// [`FeatureError::SampleRate`] outside 8 to 192 kHz.
    pub fn new(sample_rate: u32) -> Result<Self, FeatureError> {
        Ok(Self { analysis: Analysis::new(sample_rate, BLOCK)?, functionals: Functionals::default() })
    }

    /// Names of the columns of [`Compare::descriptors`]: 65 smoothed descriptors (`_sma`), then the deltas of each (`_sma_de`), in the same
    /// order.
    pub fn descriptor_names() -> Vec<String> {
        [names::descriptors(), names::deltas()].concat()
    }

    /// Names of the functionals, in order.
    pub fn functional_names() -> Vec<String> {
        names::functionals()
    }

    /// The smoothed descriptors and their deltas, shape `(frames, 130)`, a frame every 10 ms. (openSMILE gives them as two tables, with
    /// a row or more beyond, which repeat values.) A recording of less than 60 ms is filled up with silence.
    ///
    /// Deltas of the voice get smaller throughout a recording: what they are divided by grows with every value. The set is made so.
    ///
    /// # Errors
    /// [`FeatureError::TooShort`] without samples, [`FeatureError::Sample`] where one is not finite or beyond
    /// [`crate::LARGEST_SAMPLE`].
    pub fn descriptors(&mut self, samples: &[f32]) -> Result<Frames, FeatureError> {
        check_samples(samples)?;
        Frames::from_rows(self.rows(Level::Descriptors, samples)?, 2 * DESCRIPTORS)
    }

    /// The 6373 functionals, named by [`Compare::functional_names`]; all finite. A recording of less than 60 ms is filled up with
    /// silence. The descriptors of one of more than 5½ minutes wait in an unnamed temporary file, 26 kB a second.
    ///
    /// # Errors
    /// As [`Compare::descriptors`]; [`FeatureError::TemporaryFile`] where there is no such file, or no room in it.
    pub fn functionals(&mut self, samples: &[f32]) -> Result<Vec<f32>, FeatureError> {
        check_samples(samples)?;
        self.rows(Level::Functionals, samples)
    }

    fn rows(&mut self, level: Level, samples: &[f32]) -> Result<Vec<f32>, FeatureError> {
        let mut rows = Vec::new();
        self.begin(level);
        self.push(samples, &mut rows)?;
        self.finish(&mut rows)?;
        Ok(rows)
    }
}

/// What a [`crate::FeatureSet`] asks for.
impl Compare {
    /// Where the frames of 20 ms lie; those of 60 ms begin with them.
    pub(crate) fn frame_times(sample_rate: u32) -> Result<FrameTimes, FeatureError> {
        let framing = Framing::new("compare-2016", sample_rate, SHORT)?;
        Ok(FrameTimes { first: 0, hop: framing.hop, length: framing.length, sample_rate })
    }

    /// Begins a recording that comes in blocks of checked samples.
    pub(crate) fn begin(&mut self, level: Level) {
        self.analysis.begin(level);
    }

    /// The next samples of it; appends the descriptors that are complete, if it is they that are wanted.
    pub(crate) fn push(&mut self, samples: &[f32], rows: &mut Vec<f32>) -> Result<(), FeatureError> {
        self.analysis.push(samples, rows)
    }

    /// Ends the recording: appends its functionals, or the descriptors that are left.
    pub(crate) fn finish(&mut self, rows: &mut Vec<f32>) -> Result<(), FeatureError> {
        let Self { analysis, functionals } = self;
        analysis.finish(rows)?;
        let level = analysis.level;
        let contours = analysis.contours();
        match level {
            Level::Descriptors => contours.take_rows(true, rows),
            Level::Functionals => {
                let values = functionals.of(contours);
                // A file takes no room longer than it must.
                contours.clear();
                rows.extend(values?);
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Compare {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Compare").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
