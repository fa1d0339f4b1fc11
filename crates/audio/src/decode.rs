//! Whole recordings: decoded into a waveform, or only looked at.

use std::io::{Read, Seek};
use std::path::Path;

use crate::error::AudioError;
use crate::format::Format;
use crate::stream::Stream;
use crate::waveform::Waveform;

/// How much a recording may be before it is refused. It is checked against what the header declares before anything is
/// allocated, and again against what comes.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DecodeLimits {
    /// The longest recording in seconds; positive. The default is 600: ten minutes are 115 MB at 48 kHz, and a recording
    /// with one emotion lasts seconds. Longer ones are for [`Stream`].
    pub max_seconds: f64,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self { max_seconds: 600.0 }
    }
}

impl DecodeLimits {
    /// Checks that the limits allow anything at all.
    ///
    /// # Errors
    ///
    /// [`AudioError::Limit`] if `max_seconds` is not positive (infinity is: no limit).
    pub fn check(&self) -> Result<(), AudioError> {
        if self.max_seconds > 0.0 {
            return Ok(());
        }
        Err(AudioError::Limit {
            what: "max_seconds must be positive: a length in seconds",
            limit: self.max_seconds,
            actual: 0.0,
        })
    }

    /// Whether a recording may last so many seconds.
    ///
    /// # Errors
    ///
    /// [`AudioError::Limit`] if it is longer.
    pub fn admit(&self, seconds: f64) -> Result<(), AudioError> {
        if seconds <= self.max_seconds {
            return Ok(());
        }
        Err(AudioError::Limit { what: "a length in seconds", limit: self.max_seconds, actual: seconds })
    }
}

/// Decodes a whole file of at most ten minutes. See [`Stream`] for formats, mixing down and damaged files.
///
/// ```no_run
/// let wave = stimmung_audio::decode_path("wav/03a01Fa.wav")?;
/// println!("{:.2} s at {} Hz", wave.seconds(), wave.sample_rate());
/// # Ok::<(), stimmung_audio::AudioError>(())
/// ```
///
/// # Errors
///
/// All of [`AudioError`]; [`AudioError::Empty`] if not a single sample comes.
pub fn decode_path(path: impl AsRef<Path>) -> Result<Waveform, AudioError> {
    decode_path_with(path, &DecodeLimits::default())
}

/// Decodes a whole file within the given limits.
///
/// # Errors
///
/// As [`decode_path`].
pub fn decode_path_with(path: impl AsRef<Path>, limits: &DecodeLimits) -> Result<Waveform, AudioError> {
    let path = path.as_ref();
    decode_stream(Stream::open(path)?, limits).map_err(|error| error.at(path))
}

/// Decodes a file in memory, such as an upload, of at most ten minutes. For the hint see [`Stream::from_bytes`].
///
/// ```
/// use stimmung_audio::{AudioError, decode_bytes};
///
/// let error = decode_bytes(*b"just some words", Some("audio/wav")).unwrap_err();
/// assert!(matches!(error, AudioError::NotAudio { .. }));
/// ```
///
/// # Errors
///
/// As [`decode_path`].
pub fn decode_bytes(bytes: impl Into<Vec<u8>>, hint: Option<&str>) -> Result<Waveform, AudioError> {
    decode_stream(Stream::from_bytes(bytes, hint)?, &DecodeLimits::default())
}

/// Decodes whatever can be read and rewound, at most ten minutes. For the hint see [`Stream::from_bytes`].
///
/// # Errors
///
/// As [`decode_path`].
pub fn decode_reader(
    reader: impl Read + Seek + Send + Sync + 'static,
    hint: Option<&str>,
) -> Result<Waveform, AudioError> {
    decode_stream(Stream::from_reader(reader, hint)?, &DecodeLimits::default())
}

/// Decodes what is left of a stream, within the given limits.
///
/// # Errors
///
/// As [`decode_path`].
pub fn decode_stream(mut stream: Stream, limits: &DecodeLimits) -> Result<Waveform, AudioError> {
    limits.check()?;
    let rate = f64::from(stream.sample_rate());
    let declared = stream.declared_seconds().unwrap_or(0.0);
    limits.admit(declared)?;
    let mut samples = Vec::new();
    if stream.format() == Format::Wav {
        // Only here is the declared length known to be true.
        samples.reserve_exact((declared * rate).round() as usize);
    }
    while let Some(block) = stream.next_block()? {
        limits.admit((samples.len() + block.len()) as f64 / rate)?;
        samples.extend_from_slice(block);
    }
    if samples.is_empty() {
        return Err(AudioError::Empty { what: "the file ends before the first sample" });
    }
    Ok(Waveform::from_checked(samples, stream.sample_rate()))
}

/// What can be said about a recording without decoding it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Probe {
    /// The container.
    pub format: Format,
    /// A short name of the codec, such as `pcm_s16le`, `flac` or `opus`.
    pub codec: &'static str,
    /// The rate in hertz at which it decodes.
    pub sample_rate: u32,
    /// The number of channels before mixing down.
    pub channels: u16,
    /// The length in seconds: as declared, else by adding up the packets, which reads the file to its end; none where the
    /// packets do not tell theirs.
    pub seconds: Option<f64>,
}

/// Looks at a file without decoding it. Headers are checked as in decoding, so that a WAV file cut short is found here.
///
/// # Errors
///
/// As [`decode_path`], as far as the headers go; no limit applies.
pub fn probe_path(path: impl AsRef<Path>) -> Result<Probe, AudioError> {
    let path = path.as_ref();
    probe_stream(Stream::open(path)?).map_err(|error| error.at(path))
}

/// Looks at a file in memory. For the hint see [`Stream::from_bytes`].
///
/// # Errors
///
/// As [`probe_path`].
pub fn probe_bytes(bytes: impl Into<Vec<u8>>, hint: Option<&str>) -> Result<Probe, AudioError> {
    probe_stream(Stream::from_bytes(bytes, hint)?)
}

/// Looks at whatever can be read and rewound. For the hint see [`Stream::from_bytes`].
///
/// # Errors
///
/// As [`probe_path`].
pub fn probe_reader(reader: impl Read + Seek + Send + Sync + 'static, hint: Option<&str>) -> Result<Probe, AudioError> {
    probe_stream(Stream::from_reader(reader, hint)?)
}

fn probe_stream(stream: Stream) -> Result<Probe, AudioError> {
    let (format, codec) = (stream.format(), stream.codec());
    let (sample_rate, channels) = (stream.sample_rate(), stream.channels());
    Ok(Probe { format, codec, sample_rate, channels, seconds: stream.measure()? })
}
