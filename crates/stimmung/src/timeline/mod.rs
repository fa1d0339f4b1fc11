//! Emotions over time: recordings of any length, and speech that is still going on.

mod listener;
mod smooth;
#[cfg(test)]
mod tests;
pub mod write;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use stimmung_audio::{AudioError, Stream, VoiceActivityParams, Waveform};

pub use listener::{Listener, Update};

use crate::error::RecordingError;
use crate::{Error, Progress, Quiet, Recognizer};

const WINDOWS: RangeInclusive<f64> = 0.5..=60.0;
const LEAST_HOP: f64 = 0.1;
const SHARES: RangeInclusive<f64> = 0.01..=1.0;
const SMOOTHINGS: RangeInclusive<f64> = 0.0..=600.0;

/// How a recording is listened to piece by piece.
///
/// ```
/// use stimmung::timeline::TimelineParams;
///
/// let params = TimelineParams { hop: 5.0, ..TimelineParams::default() };
/// assert_eq!(params.check().unwrap_err().to_string(), "parameter `hop` is 5, expected 0.1 to the window, 3");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimelineParams {
    /// Seconds of the stretch that an answer is for, 0.5 to 60. Default 3, about an utterance: what models learn from. Shorter follows faster and
    /// errs more.
    pub window: f64,
    /// Seconds from one answer to the next, 0.1 to the window. Default 0.5. The work is in inverse proportion to it.
    pub hop: f64,
    /// Share of a window that must be speech for an answer, 0.01 to 1. Default 0.2: 0.6 s of 3 s.
    pub speech: f64,
    /// Seconds that an emotion is expected to last, 0 to 600; 0 takes every answer at its word. Default 5. See [`Timeline`] for how it is used.
    pub smoothing: f64,
    /// How speech is found.
    pub voice: VoiceActivityParams,
}

impl Default for TimelineParams {
    fn default() -> Self {
        Self { window: 3.0, hop: 0.5, speech: 0.2, smoothing: 5.0, voice: VoiceActivityParams::default() }
    }
}

impl TimelineParams {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`AudioError::Parameter`] that names the first field that is wrong.
    pub fn check(&self) -> Result<(), AudioError> {
        let refuse = |name, expected: String, actual: f64| {
            Err(AudioError::Parameter { name, expected, actual: actual.to_string() })
        };
        let within = |range: &RangeInclusive<f64>| format!("{} to {}", range.start(), range.end());
        if !WINDOWS.contains(&self.window) {
            return refuse("window", within(&WINDOWS), self.window);
        }
        if !(LEAST_HOP..=self.window).contains(&self.hop) {
            return refuse("hop", format!("{LEAST_HOP} to the window, {}", self.window), self.hop);
        }
        if !SHARES.contains(&self.speech) {
            return refuse("speech", within(&SHARES), self.speech);
        }
        if !SMOOTHINGS.contains(&self.smoothing) {
            return refuse("smoothing", within(&SMOOTHINGS), self.smoothing);
        }
        self.voice.check()
    }
}

/// What a recording expresses, and when.
///
/// Time is cut into steps of `hop` seconds, a [`Frame`] each. A frame has an answer if at least half of its step is speech, and enough of the
/// `window` around its middle. The answer is for that window, cut at the recording's ends and to what lies between the first and the last speech in
/// it: silence around an utterance is not judged with it.
///
/// Neighbouring frames of speech with the same label are a [`Segment`]; frames without speech are gaps. The labels are the states of a hidden Markov
/// model that stays in an emotion for `smoothing` seconds on average, changes to all others alike, and emits the answers; the most probable path is
/// found for each stretch of speech (Rabiner, "A tutorial on hidden Markov models and selected applications in speech recognition", Proceedings of
/// the IEEE 77(2), 1989; with a classifier's probabilities as emissions: Bourlard and Morgan, "Connectionist speech recognition", 1994, with
/// classes taken as equally frequent). A change costs the path something, so no segment would rather have another label: the label of a segment is the
/// most probable of its mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// Length of the recording in seconds.
    pub seconds: f64,
    /// Seconds from one frame to the next.
    pub hop: f64,
    /// Seconds of the window that an answer is for.
    pub window: f64,
    /// The emotions, in the order of a frame's probabilities.
    pub emotions: Vec<String>,
    /// One frame a hop, the last one for what is left.
    pub frames: Vec<Frame>,
    /// Stretches with one label each, in order and apart from each other.
    pub segments: Vec<Segment>,
}

/// What is heard around one point in time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// The middle of the step that the frame stands for, in seconds.
    pub time: f64,
    /// Whether somebody speaks.
    pub speech: bool,
    /// The probability of every emotion in the order of [`Timeline::emotions`]; they sum to 1. None without speech.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probabilities: Option<Vec<f32>>,
}

/// A stretch of speech with one emotion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Where it begins, in seconds.
    pub start: f64,
    /// Where it ends, in seconds.
    pub end: f64,
    /// The emotion.
    pub label: String,
    /// Its probability, 0 to 1.
    pub confidence: f32,
    /// The probability of every emotion: the normalised geometric mean over the frames, as for the segments of a long recording that is recognised
    /// as a whole. They sum to 1.
    pub probabilities: BTreeMap<String, f32>,
}

impl Recognizer {
    /// The timeline of a recording in memory. A recording without speech has one without segments.
    ///
    /// # Examples
    /// ```
    /// use stimmung::timeline::TimelineParams;
    /// use stimmung::{Recognizer, audio::Waveform};
    ///
    /// let silence = Waveform::new(vec![0.0; 32_000], 16_000)?;
    /// let timeline = Recognizer::embedded()?.timeline(&silence, &TimelineParams::default())?;
    /// assert_eq!((timeline.frames.len(), timeline.segments.len()), (4, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Recording`] with [`AudioError::Parameter`] for parameters out of range, and where the model's features cannot be computed.
    pub fn timeline(&self, waveform: &Waveform, params: &TimelineParams) -> Result<Timeline, Error> {
        let mut listener = Listener::new(self, *params, waveform.sample_rate())?;
        listener.push(waveform.samples())?;
        listener.finish()
    }

    /// The timeline of a recording of any length. Memory does not grow with it, apart from the answers themselves.
    ///
    /// # Errors
    /// As [`timeline`](Self::timeline), and [`Error::Recording`] for a file that does not decode.
    pub fn timeline_stream(&self, stream: Stream, params: &TimelineParams) -> Result<Timeline, Error> {
        self.timeline_watched(stream, params, &Quiet)
    }

    /// As [`timeline_stream`](Self::timeline_stream), with somebody watching. The stage has as many steps as the file declares seconds.
    ///
    /// # Errors
    /// As [`timeline_stream`](Self::timeline_stream), and [`Error::Cancelled`].
    pub fn timeline_watched(
        &self,
        mut stream: Stream,
        params: &TimelineParams,
        progress: &dyn Progress,
    ) -> Result<Timeline, Error> {
        let mut listener = Listener::new(self, *params, stream.sample_rate())?;
        progress.begin("listening", stream.declared_seconds().unwrap_or(0.0).ceil() as u64);
        let result = listen(&mut listener, &mut stream, progress);
        progress.end();
        result?;
        listener.finish()
    }
}

/// Hands the stream on in pieces that hold work for every thread.
fn listen(listener: &mut Listener<&Recognizer>, stream: &mut Stream, progress: &dyn Progress) -> Result<(), Error> {
    let mut waiting = Vec::new();
    let mut told = 0;
    while let Some(block) = stream.next_block().map_err(RecordingError::from)? {
        waiting.extend_from_slice(block);
        if waiting.len() < listener.batch() {
            continue;
        }
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        listener.push(&waiting)?;
        waiting.clear();
        let heard = listener.seconds() as u64;
        progress.advance(heard - told);
        told = heard;
    }
    listener.push(&waiting)?;
    Ok(())
}
