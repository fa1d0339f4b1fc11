//! Praat's `TextGrid`, the long text form that the manual describes under "`TextGrid` file formats".

use std::fmt::Write as _;

use super::{intervals, line, milliseconds, seconds};
use crate::timeline::Timeline;

pub(super) fn write(timeline: &Timeline) -> String {
    // Praat refuses a duration of zero.
    let end = milliseconds(timeline.seconds).max(1);
    let mut tier: Vec<(u64, u64, String)> = Vec::new();
    let mut covered = 0;
    for interval in intervals(timeline) {
        if interval.start > covered {
            tier.push((covered, interval.start, String::new()));
        }
        tier.push((interval.start, interval.end, line(&interval.segment.label).replace('"', "\"\"")));
        covered = interval.end;
    }
    if covered < end {
        tier.push((covered, end, String::new()));
    }
    let (end, size) = (seconds(end), tier.len());
    let mut text = format!(
        "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0\nxmax = {end}\ntiers? <exists>\nsize = 1\nitem []:\n    \
         item [1]:\n        class = \"IntervalTier\"\n        name = \"emotion\"\n        xmin = 0\n        xmax = {end}\n        \
         intervals: size = {size}\n"
    );
    for (number, (start, end, label)) in (1..).zip(&tier) {
        let (start, end) = (seconds(*start), seconds(*end));
        let _ = write!(
            text,
            "        intervals [{number}]:\n            xmin = {start}\n            xmax = {end}\n            text = \"{label}\"\n"
        );
    }
    text
}
