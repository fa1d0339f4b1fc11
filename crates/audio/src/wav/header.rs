//! The chunks of a RIFF/WAVE file up to its samples.
//!
//! Layout: Multimedia Programming Interface and Data Specifications 1.0 (IBM and Microsoft, 1991), the extensible format
//! of Microsoft's `ksmedia.h`, and RF64/BW64 of EBU Tech 3306 and ITU-R BS.2088.

use std::io::{BufRead, Read, Seek};

use super::encoding::Encoding;
use crate::error::AudioError;
use crate::format::Format;
use crate::waveform::check_sample_rate;

/// Sizes that programs write into the header when they cannot go back to fill in the true one: nothing yet, all ones
/// (`ffmpeg`, and RF64 by definition), the largest that `sox` and `arecord` dare, and the largest signed number.
const UNKNOWN_SIZES: [u32; 5] = [0, u32::MAX, 0x7FFF_F000, 0x7FFF_FF00, 0x7FFF_FFFF];

/// The last fourteen bytes of every `KSDATAFORMAT_SUBTYPE` that stands for a plain format tag.
const SUBTYPE_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];

/// What the header says, checked against the length of the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Header {
    pub(crate) encoding: Encoding,
    pub(crate) channels: u16,
    pub(crate) sample_rate: u32,
    /// Bytes of one sample of all channels.
    pub(crate) frame_bytes: usize,
    /// Whole frames that the file really holds.
    pub(crate) frames: u64,
}

/// Whether these are the first bytes of a file that [`read`] is for.
pub(crate) fn is_wav(head: &[u8]) -> bool {
    head.len() >= 12 && matches!(&head[..4], b"RIFF" | b"RF64" | b"BW64") && &head[8..12] == b"WAVE"
}

/// Reads up to the first sample. `len` is the length of the whole file in bytes.
pub(crate) fn read(reader: &mut (impl BufRead + Seek), len: u64) -> Result<Header, AudioError> {
    let mut riff = [0; 12];
    fill(reader, &mut riff)?;
    let riff_size = u32_at(&riff, 4);
    let mut position = 12_u64;
    let mut description = None;
    let mut long_data_size = None;
    loop {
        if len - position.min(len) < 8 {
            return Err(match description {
                Some(_) => AudioError::Empty { what: "the WAV header is not followed by a data chunk" },
                None => corrupt("there is neither a format nor a data chunk"),
            });
        }
        let mut chunk = [0; 8];
        fill(reader, &mut chunk)?;
        position += 8;
        let size = u32_at(&chunk, 4);
        let mut consumed = 0;
        match &chunk[..4] {
            b"fmt " => {
                let (parsed, bytes) = Description::read(reader, size, len - position)?;
                description = Some(parsed);
                consumed = bytes;
            }
            b"ds64" if size >= 16 => {
                let mut sizes = [0; 16];
                fill(reader, &mut sizes)?;
                long_data_size = Some(u64::from(u32_at(&sizes, 8)) | u64::from(u32_at(&sizes, 12)) << 32);
                consumed = 16;
            }
            b"data" => {
                let description = description.ok_or_else(|| corrupt("the data chunk comes before the format chunk"))?;
                let held = len - position;
                let declared = data_size(size, riff_size, position, held, long_data_size);
                return description.header(declared, held);
            }
            _ => {}
        }
        // Chunks start at even positions. A size beyond the end of the file ends the search on the next turn.
        let rest = u64::from(size) - consumed + u64::from(size & 1);
        position += consumed + rest;
        reader.seek_relative(rest.cast_signed()).map_err(AudioError::io)?;
    }
}

/// The size of the samples in bytes, or none where the header leaves it open.
fn data_size(size: u32, riff_size: u32, position: u64, held: u64, long: Option<u64>) -> Option<u64> {
    if let (u32::MAX, Some(long)) = (size, long) {
        return Some(long);
    }
    if size == 0 {
        // A recorder that was killed leaves a RIFF chunk that ends with its header; a complete file that happens to be
        // empty may go on with other chunks, and the RIFF chunk covers those.
        let unfinished = UNKNOWN_SIZES.contains(&riff_size) || u64::from(riff_size) + 8 <= position;
        return (!unfinished || held == 0).then_some(0);
    }
    // A pipe's placeholder is one only where it cannot be true.
    let placeholder = UNKNOWN_SIZES.contains(&size) || u64::from(size) + position > u64::from(u32::MAX);
    (!placeholder || u64::from(size) <= held).then_some(u64::from(size))
}

/// The format chunk.
struct Description {
    tag: u16,
    channels: u16,
    sample_rate: u32,
    block_align: u16,
    bits: u16,
}

impl Description {
    /// Reads the chunk of `size` bytes; gives the number of bytes taken along.
    fn read(reader: &mut impl BufRead, size: u32, available: u64) -> Result<(Self, u64), AudioError> {
        if size < 16 || available < 16 {
            return Err(corrupt(format!(
                "the format chunk has {} bytes, at least 16 are needed",
                available.min(size.into())
            )));
        }
        let mut bytes = [0; 40];
        let taken = if size >= 40 && available >= 40 { 40 } else { 16 };
        fill(reader, &mut bytes[..taken])?;
        let mut tag = u16_at(&bytes, 0);
        if tag == 0xFFFE {
            if taken < 40 {
                return Err(corrupt("the extensible format chunk ends before its subformat"));
            }
            if bytes[26..40] != SUBTYPE_TAIL {
                return Err(AudioError::unsupported(Format::Wav, "an unknown extensible subformat"));
            }
            tag = u16_at(&bytes, 24);
        }
        let description = Self {
            tag,
            channels: u16_at(&bytes, 2),
            sample_rate: u32_at(&bytes, 4),
            block_align: u16_at(&bytes, 12),
            bits: u16_at(&bytes, 14),
        };
        Ok((description, taken as u64))
    }

    fn header(&self, declared: Option<u64>, held: u64) -> Result<Header, AudioError> {
        if self.channels == 0 {
            return Err(AudioError::Channels { format: Format::Wav, channels: 0 });
        }
        check_sample_rate(self.sample_rate)?;
        let (encoding, frame_bytes) = self.encoding()?;
        let frame = frame_bytes as u64;
        let seconds = |bytes: u64| (bytes / frame) as f64 / f64::from(self.sample_rate);
        let size = declared.unwrap_or(held);
        if size > held {
            return Err(AudioError::Truncated { format: Format::Wav, expected: seconds(size), actual: seconds(held) });
        }
        let frames = size / frame;
        if frames == 0 {
            return Err(AudioError::Empty { what: "the WAV file has no samples after its header" });
        }
        Ok(Header { encoding, channels: self.channels, sample_rate: self.sample_rate, frame_bytes, frames })
    }

    /// The encoding, and the bytes of a frame. A sample takes the bytes that its bits need, except that 24 bits may lie in
    /// four bytes, which only the block alignment tells.
    fn encoding(&self) -> Result<(Encoding, usize), AudioError> {
        let channels = usize::from(self.channels);
        let needed = usize::from(self.bits.div_ceil(8));
        let width = if needed == 3 && usize::from(self.block_align) == 4 * channels { 4 } else { needed };
        let encoding = match (self.tag, width) {
            (1, 1) => Encoding::Unsigned8,
            (1, 2) => Encoding::Signed16,
            (1, 3) => Encoding::Signed24,
            (1, 4) => Encoding::Signed32,
            (3, 4) => Encoding::Float32,
            (3, 8) => Encoding::Float64,
            (6, 1) => Encoding::ALaw,
            (7, 1) => Encoding::MuLaw,
            (1, 0) => return Err(corrupt("samples of 0 bits")),
            (1 | 3 | 6 | 7, _) => {
                let what = format!("{} samples of {} bits", codec_name(self.tag), self.bits);
                return Err(AudioError::unsupported(Format::Wav, what));
            }
            (tag, _) => return Err(AudioError::unsupported(Format::Wav, codec_name(tag))),
        };
        Ok((encoding, width * channels))
    }
}

/// The names of the format tags that are met in practice (RFC 2361 lists all).
fn codec_name(tag: u16) -> String {
    let name = match tag {
        0x01 => "PCM",
        0x02 => "Microsoft ADPCM",
        0x03 => "floating-point",
        0x06 => "A-law",
        0x07 => "µ-law",
        0x11 => "IMA ADPCM",
        0x31 => "GSM 6.10",
        0x50 => "MPEG layer I/II",
        0x55 => "MP3",
        0x61 | 0x161..=0x163 => "Windows Media Audio",
        0xFF | 0x1600..=0x1610 => "AAC",
        _ => return format!("the unknown codec 0x{tag:04X}"),
    };
    name.to_owned()
}

fn fill(reader: &mut impl Read, bytes: &mut [u8]) -> Result<(), AudioError> {
    reader.read_exact(bytes).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => corrupt("the header is cut off"),
        _ => AudioError::io(error),
    })
}

fn corrupt(what: impl Into<String>) -> AudioError {
    AudioError::corrupt(Format::Wav, what)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
