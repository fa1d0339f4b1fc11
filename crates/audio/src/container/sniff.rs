//! Formats by their first bytes, and words for what is none.

use symphonia::core::formats::FormatId;
use symphonia::core::formats::well_known::{
    FORMAT_ID_ADTS, FORMAT_ID_AIFF, FORMAT_ID_FLAC, FORMAT_ID_ISOMP4, FORMAT_ID_MKV, FORMAT_ID_OGG,
};

use crate::format::Format;

/// The format that a file claims to have; an MP3 stream may start with junk, so none does not mean that it is not one.
pub(super) fn format(head: &[u8]) -> Option<Format> {
    match head {
        [b'f', b'L', b'a', b'C', ..] => Some(Format::Flac),
        [b'O', b'g', b'g', b'S', ..] => Some(Format::Ogg),
        [0x1A, 0x45, 0xDF, 0xA3, ..] => Some(Format::Matroska),
        [b'F', b'O', b'R', b'M', _, _, _, _, b'A', b'I', b'F', b'F' | b'C', ..] => Some(Format::Aiff),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some(Format::Mp4),
        // ADTS has layer 00 where MP3 has 01.
        [0xFF, second, ..] if second & 0xF6 == 0xF0 => Some(Format::Adts),
        [0xFF, second, ..] if second & 0xE6 == 0xE2 => Some(Format::Mp3),
        [b'I', b'D', b'3', ..] => Some(Format::Mp3),
        _ => None,
    }
}

/// The format as Symphonia found it.
pub(super) fn format_of(id: FormatId) -> Format {
    match id {
        FORMAT_ID_FLAC => Format::Flac,
        FORMAT_ID_OGG => Format::Ogg,
        FORMAT_ID_MKV => Format::Matroska,
        FORMAT_ID_ISOMP4 => Format::Mp4,
        FORMAT_ID_AIFF => Format::Aiff,
        FORMAT_ID_ADTS => Format::Adts,
        _ => Format::Mp3,
    }
}

/// What the start of a file looks like to a person.
pub(super) fn describe(head: &[u8]) -> String {
    let shown = &head[..head.len().min(16)];
    let text = String::from_utf8_lossy(shown);
    // A multi-byte character may be cut at the end of what is shown.
    let printable = text.trim_end_matches('\u{FFFD}').chars().all(|c| !c.is_control() || c.is_whitespace());
    if printable {
        let line = text.trim_end_matches('\u{FFFD}').split_whitespace().collect::<Vec<_>>().join(" ");
        return format!("it looks like text (“{line}…”)");
    }
    let bytes: Vec<String> = shown.iter().take(8).map(|byte| format!("{byte:02X}")).collect();
    format!("it starts with the bytes {}", bytes.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell_the_format() {
        let known: [(&[u8], Format); 8] = [
            (b"fLaC\0", Format::Flac),
            (b"OggS\0", Format::Ogg),
            (b"\x1A\x45\xDF\xA3", Format::Matroska),
            (b"FORM\0\0\0\0AIFC", Format::Aiff),
            (b"\0\0\0\x20ftypM4A ", Format::Mp4),
            (b"\xFF\xF1\x50", Format::Adts),
            (b"\xFF\xFB\x90", Format::Mp3),
            (b"ID3\x04", Format::Mp3),
        ];
        for (head, expected) in known {
            assert_eq!(format(head), Some(expected), "{head:?}");
        }
        for head in [&b""[..], b"hello", b"FORM\0\0\0\0ILBM", b"\xFF", b"\xFF\xD8\xFF\xE0"] {
            assert_eq!(format(head), None, "{head:?}");
        }
    }

    #[test]
    fn other_files_are_described() {
        assert_eq!(describe(b"file,speaker\n03a.wav,3"), "it looks like text (“file,speaker 03a…”)");
        assert_eq!(describe("Größe: 12 Zentimeter".as_bytes()), "it looks like text (“Größe: 12 Zent…”)");
        assert_eq!(describe(b"\x89PNG\r\n\x1A\n\0\0"), "it starts with the bytes 89 50 4E 47 0D 0A 1A 0A");
    }
}
