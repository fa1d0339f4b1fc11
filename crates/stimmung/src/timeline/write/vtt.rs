//! `WebVTT`: The Web Video Text Tracks Format, W3C Candidate Recommendation, 2019, section 4.

use std::fmt::Write as _;

use super::{intervals, line};
use crate::timeline::Timeline;

pub(super) fn write(timeline: &Timeline) -> String {
    let mut text = "WEBVTT\n".to_owned();
    for interval in intervals(timeline) {
        let label = line(&interval.segment.label).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let (start, end) = (clock(interval.start), clock(interval.end));
        let percent = (100.0 * interval.segment.confidence).round();
        let _ = write!(text, "\n{start} --> {end}\n{label} ({percent} %)\n");
    }
    text
}

/// `00:01:02.500`.
fn clock(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    format!("{:02}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, milliseconds % 1000)
}
