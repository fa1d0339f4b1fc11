//! Rich Transcription Time Marked: NIST, "The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan", appendix A.

use std::fmt::Write as _;

use super::{intervals, seconds};
use crate::timeline::Timeline;

pub(super) fn write(timeline: &Timeline, recording: &str) -> String {
    // The name of the file without its ending, by convention.
    let stem = recording.rsplit(['/', '\\']).next().unwrap_or(recording);
    let stem = field(stem.rsplit_once('.').map_or(stem, |(stem, _)| stem));
    let mut text = String::new();
    for interval in intervals(timeline) {
        let (onset, duration) = (seconds(interval.start), seconds(interval.end - interval.start));
        let (label, confidence) = (field(&interval.segment.label), interval.segment.confidence);
        let _ = writeln!(text, "SPEAKER {stem} 1 {onset} {duration} <NA> <NA> {label} {confidence:.4} <NA>");
    }
    text
}

/// Fields are separated by blanks, and an empty one is `<NA>`.
fn field(text: &str) -> String {
    if text.is_empty() { "<NA>".to_owned() } else { text.replace(|c: char| c.is_whitespace() || c.is_control(), "_") }
}
