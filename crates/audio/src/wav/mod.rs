//! Reading WAV.
//!
//! Nearly every corpus is WAV, and most of what is wrong with a corpus is a wrong WAV header. The reader is our own, so that
//! it can say exactly what is wrong, take the placeholders that pipes and interrupted recorders leave for a length, and read
//! RF64; the samples come a block at a time in one pass without a copy.

mod encoding;
mod header;

use std::io::{BufReader, Read};

pub(crate) use header::is_wav;

use self::header::Header;
use crate::error::AudioError;
use crate::format::Format;
use crate::source::Source;

/// Bytes read at a time, unless a single frame is larger.
const BLOCK_BYTES: usize = 64 << 10;

pub(crate) struct WavReader {
    reader: BufReader<Source>,
    header: Header,
    done: u64,
    bytes: Vec<u8>,
}

impl WavReader {
    pub(crate) fn new(source: Source) -> Result<Self, AudioError> {
        let len = source.len();
        let mut reader = BufReader::with_capacity(BLOCK_BYTES, source);
        let header = header::read(&mut reader, len)?;
        Ok(Self { reader, header, done: 0, bytes: Vec::new() })
    }

    pub(crate) fn sample_rate(&self) -> u32 {
        self.header.sample_rate
    }

    pub(crate) fn channels(&self) -> u16 {
        self.header.channels
    }

    pub(crate) fn codec(&self) -> &'static str {
        self.header.encoding.name()
    }

    pub(crate) fn frames(&self) -> u64 {
        self.header.frames
    }

    /// Appends the next block, mixed down; none at the end.
    pub(crate) fn next_block(&mut self, mono: &mut Vec<f32>) -> Result<bool, AudioError> {
        let Header { frame_bytes, frames, channels, encoding, .. } = self.header;
        let wanted = ((BLOCK_BYTES / frame_bytes).max(1) as u64).min(frames - self.done);
        if wanted == 0 {
            return Ok(false);
        }
        self.bytes.resize(wanted as usize * frame_bytes, 0);
        self.reader.read_exact(&mut self.bytes).map_err(|error| match error.kind() {
            // The length was checked when the file was opened: it has been cut since.
            std::io::ErrorKind::UnexpectedEof => {
                let rate = f64::from(self.header.sample_rate);
                let (expected, actual) = (frames as f64 / rate, self.done as f64 / rate);
                AudioError::Truncated { format: Format::Wav, expected, actual }
            }
            _ => AudioError::io(error),
        })?;
        encoding.decode(&self.bytes, usize::from(channels), mono);
        self.done += wanted;
        Ok(true)
    }
}
