//! Comma-separated values, RFC 4180.

use super::{intervals, seconds};
use crate::timeline::Timeline;

pub(super) fn write(timeline: &Timeline) -> String {
    let mut text = String::new();
    let fixed = ["start", "end", "label", "confidence"].map(str::to_owned);
    row(&mut text, fixed.into_iter().chain(timeline.emotions.iter().map(|emotion| quoted(emotion))));
    for interval in intervals(timeline) {
        let segment = interval.segment;
        let probability =
            |emotion: &String| segment.probabilities.get(emotion).map_or_else(String::new, |p| format!("{p:.4}"));
        let fixed = [
            seconds(interval.start),
            seconds(interval.end),
            quoted(&segment.label),
            format!("{:.4}", segment.confidence),
        ];
        row(&mut text, fixed.into_iter().chain(timeline.emotions.iter().map(probability)));
    }
    text
}

fn row(text: &mut String, fields: impl Iterator<Item = String>) {
    for (index, field) in fields.enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&field);
    }
    text.push('\n');
}

/// A field in quotation marks, where it needs them.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
