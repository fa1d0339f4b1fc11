//! Block-wise decoding with flat memory.

use std::io::{Read, Seek};
use std::path::Path;

use crate::container::ContainerReader;
use crate::error::AudioError;
use crate::format::Format;
use crate::source::Source;
use crate::wav::{WavReader, is_wav};
use crate::waveform::check_finite;

enum Engine {
    Wav(WavReader),
    Container(Box<ContainerReader>),
}

/// A recording that is decoded a block at a time, in mono, so that memory does not grow with its length.
///
/// The format is found from the bytes. Several channels are mixed down by their mean. The delay that MP3, Vorbis and Opus
/// encoders put in front is removed where the file tells it; that of AAC (1024 to 2112 samples of near silence, which an
/// MP4's edit list tells) stays, and so does the padding at the end of WebM (up to 20 ms). WAV, FLAC, AIFF, MP4 and MP3 with a LAME header must hold as much as
/// they declare, else the stream ends with [`AudioError::Truncated`]; Ogg, WebM of unknown size and raw MP3 and AAC may stop
/// anywhere, as a browser's recorder or a live stream does. In a lossy stream a few damaged packets (two, and one in twenty) count as
/// silence; more, or any in a lossless one, are [`AudioError::Corrupt`].
///
/// After an error or the end, there are no more blocks.
///
/// ```
/// use stimmung_audio::{Stream, WavEncoding, Waveform, wav_bytes};
///
/// let tone: Vec<f32> = (0..48_000).map(|n| (n as f32 * 0.1).sin() * 0.5).collect();
/// let file = wav_bytes(&Waveform::new(tone, 16_000)?, WavEncoding::Pcm16)?;
///
/// let mut stream = Stream::from_bytes(file, None)?;
/// assert_eq!(stream.declared_seconds(), Some(3.0));
/// let mut loudest = 0.0_f32;
/// while let Some(block) = stream.next_block()? {
///     loudest = block.iter().fold(loudest, |loudest, sample| loudest.max(sample.abs()));
/// }
/// assert!((loudest - 0.5).abs() < 1e-4);
/// # Ok::<(), stimmung_audio::AudioError>(())
/// ```
pub struct Stream {
    /// None after the end or an error.
    engine: Option<Engine>,
    format: Format,
    codec: &'static str,
    sample_rate: u32,
    channels: u16,
    declared_seconds: Option<f64>,
    block: Vec<f32>,
    position: u64,
}

impl Stream {
    /// Opens a file, or reads a pipe (of at most 256 MiB) into memory.
    ///
    /// # Errors
    ///
    /// All of [`AudioError`]; headers are checked here, samples as they come.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, AudioError> {
        let path = path.as_ref();
        let extension = path.extension().and_then(|extension| extension.to_str());
        Self::new(Source::open(path)?, extension).map_err(|error| error.at(path))
    }

    /// Decodes a file in memory. The hint, a file name extension or a media type such as `audio/webm;codecs=opus`, may be
    /// missing or wrong: it only decides which format is tried first where the bytes leave a choice.
    ///
    /// # Errors
    ///
    /// As [`Stream::open`].
    pub fn from_bytes(bytes: impl Into<Vec<u8>>, hint: Option<&str>) -> Result<Self, AudioError> {
        Self::new(Source::from_bytes(bytes.into()), hint)
    }

    /// Decodes whatever can be read and rewound, from its very start. For the hint see [`Stream::from_bytes`].
    ///
    /// # Errors
    ///
    /// As [`Stream::open`].
    pub fn from_reader(
        reader: impl Read + Seek + Send + Sync + 'static,
        hint: Option<&str>,
    ) -> Result<Self, AudioError> {
        Self::new(Source::from_reader(reader)?, hint)
    }

    fn new(mut source: Source, hint: Option<&str>) -> Result<Self, AudioError> {
        if source.len() == 0 {
            return Err(AudioError::Empty { what: "the file has 0 bytes" });
        }
        let engine = if is_wav(&source.peek::<12>()?) {
            Engine::Wav(WavReader::new(source)?)
        } else {
            Engine::Container(Box::new(ContainerReader::new(source, hint)?))
        };
        Ok(match &engine {
            Engine::Wav(wav) => Self {
                format: Format::Wav,
                codec: wav.codec(),
                sample_rate: wav.sample_rate(),
                channels: wav.channels(),
                declared_seconds: Some(wav.frames() as f64 / f64::from(wav.sample_rate())),
                block: Vec::new(),
                position: 0,
                engine: Some(engine),
            },
            Engine::Container(container) => Self {
                format: container.format(),
                codec: container.codec(),
                sample_rate: container.sample_rate(),
                channels: container.channels(),
                declared_seconds: container.declared_seconds(),
                block: Vec::new(),
                position: 0,
                engine: Some(engine),
            },
        })
    }

    /// The container, found from the bytes.
    pub fn format(&self) -> Format {
        self.format
    }

    /// A short name of the codec, such as `pcm_s16le`, `flac` or `opus`.
    pub fn codec(&self) -> &'static str {
        self.codec
    }

    /// The rate of the blocks in hertz. Opus always decodes at 48 kHz, whatever it was recorded at.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// The number of channels before mixing down.
    pub fn channels(&self) -> u16 {
        self.channels
    }

    /// The length that the file declares, in seconds; none where it declares none, as recordings from a browser do.
    pub fn declared_seconds(&self) -> Option<f64> {
        self.declared_seconds
    }

    /// The next samples, mono and nominally within ±1: at least one and at most a few seconds of them; none at the end.
    ///
    /// # Errors
    ///
    /// [`AudioError::Corrupt`], [`AudioError::Truncated`], [`AudioError::NonFinite`], [`AudioError::Unsupported`] and
    /// [`AudioError::Io`], as soon as the stream comes to it. What came before is sound.
    pub fn next_block(&mut self) -> Result<Option<&[f32]>, AudioError> {
        self.block.clear();
        let more = match &mut self.engine {
            None => return Ok(None),
            Some(Engine::Wav(wav)) => wav.next_block(&mut self.block),
            Some(Engine::Container(container)) => container.next_block(&mut self.block),
        };
        let checked = more.and_then(|more| check_finite(&self.block, self.position, self.sample_rate).map(|()| more));
        self.position += self.block.len() as u64;
        match checked {
            Ok(true) => Ok(Some(&self.block)),
            Ok(false) => {
                self.engine = None;
                Ok(None)
            }
            Err(error) => {
                self.engine = None;
                Err(error)
            }
        }
    }

    /// The length in seconds without decoding: as declared, else by adding up all packets.
    pub(crate) fn measure(self) -> Result<Option<f64>, AudioError> {
        match (self.declared_seconds, self.engine) {
            (None, Some(Engine::Container(container))) => container.walk(),
            (declared, _) => Ok(declared),
        }
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream")
            .field("format", &self.format)
            .field("codec", &self.codec)
            .field("sample_rate", &self.sample_rate)
            .field("channels", &self.channels)
            .field("declared_seconds", &self.declared_seconds)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_can_go_to_another_thread() {
        fn sendable<T: Send>() {}
        sendable::<Stream>();
    }
}
