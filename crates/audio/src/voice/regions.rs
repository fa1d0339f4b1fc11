//! Stretches of speech.

use serde::Serialize;

use super::FRAME_SECONDS;

/// A stretch of speech.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SpeechRegion {
    /// Where it begins, in seconds.
    pub start: f64,
    /// Where it ends, in seconds; later than its start, and at most the recording's end.
    pub end: f64,
}

impl SpeechRegion {
    /// Its length in seconds.
    pub fn seconds(&self) -> f64 {
        self.end - self.start
    }
}

/// The runs of speech among a recording's decisions, from [`VoiceActivity`](super::VoiceActivity), one a frame; a recording of `seconds` may end
/// within its last frame.
///
/// ```
/// use stimmung_audio::{FRAME_SECONDS, SpeechRegion, speech_regions};
///
/// let regions = speech_regions(&[false, true, true, false, true], 0.07);
/// assert_eq!(regions.len(), 2);
/// assert_eq!(regions[0], SpeechRegion { start: FRAME_SECONDS, end: 3.0 * FRAME_SECONDS });
/// assert_eq!(regions[1].end, 0.07);
/// ```
pub fn speech_regions(frames: &[bool], seconds: f64) -> Vec<SpeechRegion> {
    let time = |frame: usize| (frame as f64 * FRAME_SECONDS).min(seconds);
    let mut regions = Vec::new();
    let mut first = 0;
    for run in frames.chunk_by(|one, next| one == next) {
        let region = SpeechRegion { start: time(first), end: time(first + run.len()) };
        if run[0] && region.seconds() > 0.0 {
            regions.push(region);
        }
        first += run.len();
    }
    regions
}
