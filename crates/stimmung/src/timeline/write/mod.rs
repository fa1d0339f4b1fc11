//! Timelines in the formats of other programs.
//!
//! Times are rounded to milliseconds, in one place, so that all formats agree and what touches still touches. Whatever a timeline holds, what is
//! written is valid: intervals are in order, apart from each other, longer than nothing and within the recording.

mod csv;
mod elan;
mod rttm;
#[cfg(test)]
mod tests;
mod textgrid;
mod vtt;

use std::borrow::Cow;

use super::{Segment, Timeline};

/// A format that timelines are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// The timeline with all its frames, as one JSON object.
    Json,
    /// A table of the segments, RFC 4180: `start,end,label,confidence` and a column for the probability of each emotion.
    Csv,
    /// Captions for a player, W3C `WebVTT`: a cue a segment.
    Vtt,
    /// Praat's `TextGrid` in its long text form: one interval tier, `emotion`, over the whole duration, with pauses as intervals without text.
    TextGrid,
    /// ELAN's annotation document, EAF 3.0: one tier, `emotion`.
    Elan,
    /// Rich Transcription Time Marked, as NIST's evaluation plans define it: a `SPEAKER` line a segment. There is no type for emotions, so the emotion
    /// stands in the field for the speaker's name, where tools that show or score diarisation look, and its probability in the one for confidence.
    Rttm,
}

impl Format {
    /// Every format, with the name that it is chosen by.
    pub const ALL: [(&'static str, Self); 6] = [
        ("json", Self::Json),
        ("csv", Self::Csv),
        ("vtt", Self::Vtt),
        ("textgrid", Self::TextGrid),
        ("elan", Self::Elan),
        ("rttm", Self::Rttm),
    ];

    /// The ending of the names of such files, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Vtt => "vtt",
            Self::TextGrid => "TextGrid",
            Self::Elan => "eaf",
            Self::Rttm => "rttm",
        }
    }

    /// The media type for HTTP.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Vtt => "text/vtt",
            Self::TextGrid | Self::Rttm => "text/plain; charset=utf-8",
            Self::Elan => "application/xml",
        }
    }
}

impl Timeline {
    /// The timeline as the contents of a file. `recording` is the name of the recording's file, which some formats mention.
    ///
    /// ```
    /// use stimmung::timeline::{TimelineParams, write::Format};
    /// use stimmung::{Recognizer, audio::Waveform};
    ///
    /// let silence = Waveform::new(vec![0.0; 32_000], 16_000)?;
    /// let timeline = Recognizer::embedded()?.timeline(&silence, &TimelineParams::default())?;
    /// assert_eq!(timeline.write(Format::Vtt, "silence.wav"), "WEBVTT\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[expect(clippy::missing_panics_doc, reason = "a timeline holds only what JSON can hold")]
    pub fn write(&self, format: Format, recording: &str) -> String {
        match format {
            Format::Json => {
                let mut text = serde_json::to_string(self).expect("text and numbers can always be written");
                text.push('\n');
                text
            }
            Format::Csv => csv::write(self),
            Format::Vtt => vtt::write(self),
            Format::TextGrid => textgrid::write(self),
            Format::Elan => elan::write(self, recording),
            Format::Rttm => rttm::write(self, recording),
        }
    }
}

/// A segment's place in whole milliseconds.
struct Interval<'a> {
    start: u64,
    end: u64,
    segment: &'a Segment,
}

/// The segments in milliseconds. Those that rounding leaves nothing of are left out, and so is what lies outside the recording or in another segment.
fn intervals(timeline: &Timeline) -> Vec<Interval<'_>> {
    let last = milliseconds(timeline.seconds);
    let mut intervals: Vec<Interval<'_>> = Vec::with_capacity(timeline.segments.len());
    for segment in &timeline.segments {
        let free = intervals.last().map_or(0, |before| before.end);
        let (start, end) = (milliseconds(segment.start).max(free), milliseconds(segment.end).min(last));
        if start < end {
            intervals.push(Interval { start, end, segment });
        }
    }
    intervals
}

fn milliseconds(seconds: f64) -> u64 {
    // Casts saturate, and NaN becomes 0.
    (seconds * 1000.0).round() as u64
}

/// Milliseconds as seconds, `4.500`.
fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

/// A text on one line, without control characters, which none of the formats can hold.
fn line(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) { text.replace(char::is_control, " ").into() } else { text.into() }
}
