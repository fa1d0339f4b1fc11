//! The one error type of this crate.

use std::fmt::Display;
use std::io;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use crate::format::Format;
use crate::waveform::{MAX_SAMPLE_RATE, MIN_SAMPLE_RATE};

/// Why a recording could not be read, changed or written; the variants differ in what the caller can do.
///
/// Only [`AudioError::Io`] names the path: every other message is about the contents, and the caller, who knows which
/// file it asked for, puts the name in front.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {
    /// The operating system refused: no such file, a folder, no permission, a full disk. Nothing is wrong with the audio.
    #[error("{}{error}", path.as_ref().map(|path| format!("{}: ", path.display())).unwrap_or_default())]
    Io {
        /// The file, where there is one.
        path: Option<PathBuf>,
        /// What the operating system said. It is part of the message, therefore not also the error's source.
        error: io::Error,
    },

    /// The bytes are no audio format that this crate knows, whatever the file is called.
    #[error("not an audio file: {found}; expected WAV, FLAC, MP3, Ogg, AAC, M4A, AIFF or WebM")]
    NotAudio {
        /// What was found instead.
        found: String,
    },

    /// A well-formed file with something in it that this crate cannot decode. Converting it (for example to WAV) helps.
    #[error("{format} with {what} cannot be decoded; convert it to 16-bit WAV or FLAC")]
    Unsupported {
        /// The container.
        format: Format,
        /// The codec or feature in question.
        what: String,
    },

    /// The file contradicts itself or its format. A fresh copy from the source is needed.
    #[error("damaged {format}: {what}")]
    Corrupt {
        /// The container.
        format: Format,
        /// What is wrong, and where it is known, at which second.
        what: String,
    },

    /// The file declares more audio than it holds, as a cut download or a full disk leaves it.
    #[error("the {format} is cut short: it declares {expected:.3} s of audio and holds {actual:.3} s; fetch it again")]
    Truncated {
        /// The container.
        format: Format,
        /// The declared length in seconds.
        expected: f64,
        /// The length in seconds of what is really there.
        actual: f64,
    },

    /// There is not a single sample: an empty file, or a header with nothing after it.
    #[error("no audio at all: {what}")]
    Empty {
        /// Which kind of nothing.
        what: &'static str,
    },

    /// More than the limits allow. Raise the limit, or read block by block with [`Stream`](crate::Stream).
    #[error("{what} of {actual} exceeds the limit of {limit}")]
    Limit {
        /// The quantity, with its unit.
        what: &'static str,
        /// The most that is allowed.
        limit: f64,
        /// What was found, or a lower bound of it.
        actual: f64,
    },

    /// A sample is NaN or infinite; every later computation would be, too.
    #[error("sample {index}{} is not a finite number", second.map(|s| format!(" (at {s:.3} s)")).unwrap_or_default())]
    NonFinite {
        /// The position of the first such sample, counted from 0 after mixing down.
        index: u64,
        /// The same in seconds, where the sample rate is known.
        second: Option<f64>,
    },

    /// A sample rate outside [`MIN_SAMPLE_RATE`]`..=`[`MAX_SAMPLE_RATE`].
    #[error("a sample rate of {rate} Hz is outside {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} Hz")]
    SampleRate {
        /// The rate in hertz.
        rate: u32,
    },

    /// A channel count that means nothing, such as zero.
    #[error("{channels} channels in {format}: there is nothing to mix down")]
    Channels {
        /// The container.
        format: Format,
        /// The declared number of channels.
        channels: u16,
    },

    /// A packet of a live stream is none, or is damaged. What comes after it cannot be trusted: begin the stream anew.
    #[error("an Opus packet cannot be decoded: {what}")]
    Packet {
        /// What is wrong with it.
        what: String,
    },

    /// A parameter lies outside its range, or does not go with the others: correct the parameter.
    #[error("parameter `{name}` is {actual}, expected {expected}")]
    Parameter {
        /// The parameter's name, as in a recipe.
        name: &'static str,
        /// What it must be.
        expected: String,
        /// The value that was given.
        actual: String,
    },
}

impl AudioError {
    pub(crate) fn io(error: io::Error) -> Self {
        Self::Io { path: None, error }
    }

    pub(crate) fn corrupt(format: Format, what: impl Into<String>) -> Self {
        Self::Corrupt { format, what: what.into() }
    }

    pub(crate) fn unsupported(format: Format, what: impl Into<String>) -> Self {
        Self::Unsupported { format, what: what.into() }
    }

    pub(crate) fn parameter(name: &'static str, expected: impl Into<String>, actual: impl Display) -> Self {
        Self::Parameter { name, expected: expected.into(), actual: actual.to_string() }
    }

    /// Puts the path into an I/O error that has none yet.
    pub(crate) fn at(self, at: &std::path::Path) -> Self {
        match self {
            Self::Io { path: None, error } => Self::Io { path: Some(at.to_owned()), error },
            other => other,
        }
    }
}

/// Refuses a parameter outside `range`, and NaN.
pub(crate) fn check_range(name: &'static str, value: f64, range: &RangeInclusive<f64>) -> Result<(), AudioError> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(AudioError::parameter(name, format!("{} to {}", range.start(), range.end()), value))
}
