//! Voice activity: where in a recording somebody speaks.

mod regions;
mod smooth;

use std::ops::RangeInclusive;

use earshot::Detector;
use serde::{Deserialize, Serialize};

pub use regions::{SpeechRegion, speech_regions};
use smooth::Smoother;

use crate::error::{AudioError, check_range};
use crate::resample::stream::StreamResampler;
use crate::waveform::Waveform;

/// The rate in hertz at which the detector listens.
const RATE: u32 = 16_000;
/// Samples of a frame at that rate.
const FRAME: usize = 256;
/// Seconds of a frame, the grain of all decisions: frame k stands for the time from k to k + 1 of these.
pub const FRAME_SECONDS: f64 = FRAME as f64 / RATE as f64;

/// Width of the hiss that is added to what the detector hears, one step of 16 bits. It was made for recordings that have some: above the end of a
/// telephone's band, where there is nothing at all, even the hiss of a pause would look to it like speech.
const DITHER: f32 = 1.0 / 32_768.0;

const SCORES: RangeInclusive<f64> = 0.0..=1.0;
const SECONDS: RangeInclusive<f64> = 0.0..=10.0;

/// How scores of frames become stretches of speech.
///
/// Each frame of 16 ms has a score between 0 and 1. Speech begins with a frame at `onset` and goes on until one below `offset`: two thresholds, so
/// that a score that wavers about one of them does not flicker (Rabiner and Sambur, "An algorithm for determining the endpoints of isolated
/// utterances", Bell System Technical Journal 54(2), 1975). Pauses shorter than `min_pause` are bridged, the hang-over of detectors in telephony
/// (Sohn, Kim and Sung, "A statistical model-based voice activity detection", IEEE Signal Processing Letters 6(1), 1999); stretches with less
/// than `min_speech` of voiced frames are dropped; and what is left is widened by `padding` at both sides, for the soft beginnings and ends of words.
/// Times are rounded to frames.
///
/// ```
/// use stimmung_audio::VoiceActivityParams;
///
/// VoiceActivityParams::default().check()?;
/// let params = VoiceActivityParams { padding: 0.2, ..VoiceActivityParams::default() };
/// let error = params.check().unwrap_err();
/// assert_eq!(error.to_string(), "parameter `padding` is 0.2, expected at most half of `min_pause`, 0.15");
/// # Ok::<(), stimmung_audio::AudioError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VoiceActivityParams {
    /// Score from which speech begins, 0 to 1. Default 0.5, the detector's own.
    pub onset: f64,
    /// Score below which it ends, 0 to `onset`. Default 0.45; much lower, hiss in a pause passes for speech, as it scores up to 0.4 behind a voice.
    pub offset: f64,
    /// Seconds of voiced frames that make speech, 0 to 10. Default 0.1: shorter than a syllable, longer than a click.
    pub min_speech: f64,
    /// Seconds of a pause that splits speech, 0 to 10. Default 0.3: longer than the closure of a stop consonant, shorter than a breath.
    pub min_pause: f64,
    /// Seconds by which speech is widened at both sides, 0 to half of `min_pause`. Default 0.1.
    pub padding: f64,
}

impl Default for VoiceActivityParams {
    fn default() -> Self {
        Self { onset: 0.5, offset: 0.45, min_speech: 0.1, min_pause: 0.3, padding: 0.1 }
    }
}

impl VoiceActivityParams {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`AudioError::Parameter`] that names the first field that is wrong.
    pub fn check(&self) -> Result<(), AudioError> {
        check_range("onset", self.onset, &SCORES)?;
        check_range("offset", self.offset, &SCORES)?;
        if self.offset > self.onset {
            return Err(AudioError::parameter("offset", format!("at most `onset`, {}", self.onset), self.offset));
        }
        check_range("min_speech", self.min_speech, &SECONDS)?;
        check_range("min_pause", self.min_pause, &SECONDS)?;
        check_range("padding", self.padding, &SECONDS)?;
        let most = self.min_pause / 2.0;
        if self.padding > most {
            return Err(AudioError::parameter("padding", format!("at most half of `min_pause`, {most}"), self.padding));
        }
        Ok(())
    }
}

/// Finds speech in sound that is still coming in.
///
/// The detector is `earshot`, a small recurrent network on mel bands at 16 kHz; other rates are resampled on the way in. Samples beyond full
/// scale are cut to it. Decisions come as soon as nothing that is yet to come can change them: at once in speech, after `min_speech` where it begins and
/// `min_pause` where it ends. They do not depend on how the samples were cut into blocks, and memory is flat (about 10 kB, and the resampler).
///
/// The level makes little difference where the recording is clean, and more where it is not. Of every twelfth recording of Emo-DB, a gain of −6, −20 and
/// −30 dB changes 0.5, 1.0 and 3.3 % of the decisions, and a band that ends at 4 kHz 1.5 %; of TESS, which is 10 dB quieter, 4, 9 and 38 %, and 5 %.
/// Loud steady noise in a telephone's band passes for speech.
///
/// ```
/// use stimmung_audio::VoiceActivity;
///
/// let mut activity = VoiceActivity::new(Default::default(), 44_100)?;
/// let mut decisions = activity.push(&[0.0; 44_100])?;
/// decisions.extend(activity.finish());
/// // One second of silence: 62 whole frames and a begun one.
/// assert_eq!(decisions, [false; 63]);
/// # Ok::<(), stimmung_audio::AudioError>(())
/// ```
pub struct VoiceActivity {
    resampler: StreamResampler,
    /// Samples at the detector's rate, less than a frame between calls.
    waiting: Vec<f32>,
    judge: Judge,
}

struct Judge {
    detector: Box<Detector>,
    smoother: Smoother,
    /// Of a linear congruential generator (Numerical Recipes, section 7.1): the same hiss for every recording.
    hiss: u32,
}

impl VoiceActivity {
    /// A detector for samples at `sample_rate` hertz.
    ///
    /// # Errors
    /// [`AudioError::Parameter`] and [`AudioError::SampleRate`].
    pub fn new(params: VoiceActivityParams, sample_rate: u32) -> Result<Self, AudioError> {
        params.check()?;
        Ok(Self {
            resampler: StreamResampler::new(sample_rate, RATE)?,
            waiting: Vec::with_capacity(FRAME),
            judge: Judge { detector: Box::default(), smoother: Smoother::new(&params), hiss: 0 },
        })
    }

    /// Takes samples and returns the decisions that follow from them, in order: whether each frame of [`FRAME_SECONDS`] is speech.
    ///
    /// # Errors
    /// [`AudioError::NonFinite`] with the position of the first sample that is NaN or infinite; nothing of this block is taken then.
    pub fn push(&mut self, samples: &[f32]) -> Result<Vec<bool>, AudioError> {
        self.resampler.push(samples, &mut self.waiting)?;
        let mut out = Vec::new();
        self.judge.listen(&mut self.waiting, &mut out);
        Ok(out)
    }

    /// The decisions that are left. There is one for every frame that was begun.
    pub fn finish(self) -> Vec<bool> {
        let Self { resampler, mut waiting, mut judge } = self;
        resampler.finish(&mut waiting);
        let frames = waiting.len().next_multiple_of(FRAME);
        waiting.resize(frames, 0.0);
        let mut out = Vec::new();
        judge.listen(&mut waiting, &mut out);
        judge.smoother.finish(&mut out);
        out
    }
}

impl Judge {
    /// Takes all whole frames away from `waiting`.
    fn listen(&mut self, waiting: &mut Vec<f32>, out: &mut Vec<bool>) {
        let heard = waiting.len() / FRAME * FRAME;
        for frame in waiting[..heard].chunks_exact_mut(FRAME) {
            for sample in frame.iter_mut() {
                self.hiss = self.hiss.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let hiss = DITHER * ((f64::from(self.hiss) / f64::from(u32::MAX)) as f32 - 0.5);
                *sample = (*sample + hiss).clamp(-1.0, 1.0);
            }
            self.smoother.push(self.detector.predict_f32(frame), out);
        }
        waiting.drain(..heard);
    }
}

impl Waveform {
    /// The stretches of speech, in order and apart from each other.
    ///
    /// ```
    /// use stimmung_audio::{VoiceActivityParams, Waveform};
    ///
    /// let silence = Waveform::new(vec![0.0; 16_000], 16_000)?;
    /// assert!(silence.speech(VoiceActivityParams::default())?.is_empty());
    /// # Ok::<(), stimmung_audio::AudioError>(())
    /// ```
    ///
    /// # Errors
    /// [`AudioError::Parameter`] outside the ranges of [`VoiceActivityParams`].
    pub fn speech(&self, params: VoiceActivityParams) -> Result<Vec<SpeechRegion>, AudioError> {
        let mut activity = VoiceActivity::new(params, self.sample_rate())?;
        let mut frames = activity.push(self.samples())?;
        frames.extend(activity.finish());
        Ok(speech_regions(&frames, self.seconds()))
    }
}
