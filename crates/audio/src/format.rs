//! Container formats and their file names.

use std::fmt;
use std::path::Path;

/// The container of a recording, found from its bytes, never from its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Format {
    /// RIFF/WAVE, and its 64-bit sisters RF64 and BW64.
    Wav,
    /// Native FLAC.
    Flac,
    /// MPEG-1/2/2.5 layer III.
    Mp3,
    /// Ogg with Vorbis, Opus or FLAC.
    Ogg,
    /// AAC in a raw ADTS stream.
    Adts,
    /// MP4 and M4A.
    Mp4,
    /// AIFF and AIFF-C.
    Aiff,
    /// Matroska and WebM.
    Matroska,
}

impl Format {
    /// The name for people, such as `WAV file`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wav => "WAV file",
            Self::Flac => "FLAC file",
            Self::Mp3 => "MP3 file",
            Self::Ogg => "Ogg file",
            Self::Adts => "AAC stream",
            Self::Mp4 => "MP4 file",
            Self::Aiff => "AIFF file",
            Self::Matroska => "Matroska/WebM file",
        }
    }

    /// Whether the format writes down its length, so that a shorter file is a damaged file.
    ///
    /// The others are made for streaming: they may stop anywhere, and browsers stop them anywhere.
    pub(crate) fn declares_length(self) -> bool {
        matches!(self, Self::Wav | Self::Flac | Self::Aiff | Self::Mp4)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// File name extensions, in lower case, under which corpora and recorders keep audio.
///
/// `mp4` and `mkv` are not among them: such files decode when they are named one by one, but in a folder they are films
/// (RAVDESS ships both the video and the audio of each take).
pub const EXTENSIONS: &[&str] =
    &["wav", "wave", "flac", "mp3", "ogg", "oga", "opus", "m4a", "aac", "aif", "aiff", "aifc", "webm", "weba", "mka"];

/// Whether a file found while walking a folder is worth opening, going by its extension (in either case) alone.
///
/// Names that start with a dot are not: macOS leaves `._name.wav` files beside the real ones, which hold no audio.
///
/// ```
/// use std::path::Path;
/// use stimmung_audio::is_audio_file_name;
///
/// assert!(is_audio_file_name(Path::new("Actor_01/03-01-06-01-02-01-12.WAV")));
/// assert!(!is_audio_file_name(Path::new("labels.csv")));
/// assert!(!is_audio_file_name(Path::new("Actor_01/._03-01-06-01-02-01-12.wav")));
/// ```
pub fn is_audio_file_name(path: &Path) -> bool {
    let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    let extension = path.extension().and_then(|extension| extension.to_str());
    !hidden && extension.is_some_and(|extension| EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_recordings_are_told_from_others() {
        for name in ["a.wav", "b/c d (1).FLAC", "x.y.Opus", "ü.webm"] {
            assert!(is_audio_file_name(Path::new(name)), "{name}");
        }
        for name in ["", "wav", ".wav", "a.wav.txt", "film.mp4", "a.", "._a.wav", "folder/.."] {
            assert!(!is_audio_file_name(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn extensions_are_lower_case_and_unique() {
        let mut seen = std::collections::HashSet::new();
        for extension in EXTENSIONS {
            assert_eq!(*extension, extension.to_ascii_lowercase());
            assert!(seen.insert(extension));
        }
    }
}
