//! ELAN annotation format 3.0: the schema `EAFv3.0.xsd` of the Max Planck Institute for Psycholinguistics.

use std::fmt::Write as _;

use super::{intervals, line};
use crate::timeline::Timeline;

pub(super) fn write(timeline: &Timeline, recording: &str) -> String {
    let intervals = intervals(timeline);
    // A date is required, and results know no clock.
    let mut text = concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        "<ANNOTATION_DOCUMENT AUTHOR=\"Stimmung\" DATE=\"1970-01-01T00:00:00+00:00\" FORMAT=\"3.0\" VERSION=\"3.0\" ",
        "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" ",
        "xsi:noNamespaceSchemaLocation=\"http://www.mpi.nl/tools/elan/EAFv3.0.xsd\">\n",
        "    <HEADER MEDIA_FILE=\"\" TIME_UNITS=\"milliseconds\">\n",
    )
    .to_owned();
    if let Some((name, media_type)) = media(recording) {
        let url = percent(name);
        let _ = writeln!(
            text,
            "        <MEDIA_DESCRIPTOR MEDIA_URL=\"{url}\" MIME_TYPE=\"{media_type}\" RELATIVE_MEDIA_URL=\"./{url}\"/>"
        );
    }
    let _ = writeln!(text, "        <PROPERTY NAME=\"lastUsedAnnotationId\">{}</PROPERTY>", intervals.len());
    text.push_str("    </HEADER>\n    <TIME_ORDER>\n");
    let times = intervals.iter().flat_map(|interval| [interval.start, interval.end]);
    for (number, time) in (1..).zip(times) {
        let _ = writeln!(text, "        <TIME_SLOT TIME_SLOT_ID=\"ts{number}\" TIME_VALUE=\"{time}\"/>");
    }
    text.push_str("    </TIME_ORDER>\n    <TIER LINGUISTIC_TYPE_REF=\"emotion\" TIER_ID=\"emotion\">\n");
    for (number, interval) in (1..).zip(&intervals) {
        let (from, to, label) = (2 * number - 1, 2 * number, escaped(&interval.segment.label));
        let _ = write!(
            text,
            "        <ANNOTATION>\n            \
             <ALIGNABLE_ANNOTATION ANNOTATION_ID=\"a{number}\" TIME_SLOT_REF1=\"ts{from}\" TIME_SLOT_REF2=\"ts{to}\">\n                \
             <ANNOTATION_VALUE>{label}</ANNOTATION_VALUE>\n            </ALIGNABLE_ANNOTATION>\n        </ANNOTATION>\n"
        );
    }
    text.push_str(concat!(
        "    </TIER>\n",
        "    <LINGUISTIC_TYPE GRAPHIC_REFERENCES=\"false\" LINGUISTIC_TYPE_ID=\"emotion\" TIME_ALIGNABLE=\"true\"/>\n",
        "</ANNOTATION_DOCUMENT>\n",
    ));
    text
}

/// The file's name and media type, where the recording is a file that ELAN can look for beside the document.
fn media(recording: &str) -> Option<(&str, &'static str)> {
    let name = recording.rsplit(['/', '\\']).next()?;
    let (_, extension) = name.rsplit_once('.')?;
    let media_type = match extension.to_ascii_lowercase().as_str() {
        "wav" => "audio/x-wav",
        "mp3" => "audio/mpeg",
        "m4a" | "mp4" | "aac" => "audio/mp4",
        "ogg" | "opus" => "audio/ogg",
        "flac" => "audio/flac",
        "aif" | "aiff" => "audio/x-aiff",
        "webm" => "audio/webm",
        _ => "audio/*",
    };
    Some((name, media_type))
}

/// A file name as part of a URI (RFC 3986, section 2.3), which is safe in an attribute, too.
fn percent(name: &str) -> String {
    let mut uri = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

/// Text as XML holds it.
fn escaped(text: &str) -> String {
    // The two that are no characters of XML, beside the controls.
    let text = line(text).replace(['\u{FFFE}', '\u{FFFF}'], " ");
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
