//! Opus packets (RFC 6716) and their identification header (RFC 7845, section 5.1).

use opus_rs::OpusDecoder;
use opus_rs::multistream::{ChannelMappingTable, MultistreamDecoder};

use crate::container::shielded;
use crate::error::AudioError;

/// Opus always decodes at 48 kHz here; the rate in its header is only that of the encoder's input.
pub(crate) const SAMPLE_RATE: u32 = 48_000;

/// The longest packet, 120 ms, in samples a channel.
const MAX_FRAMES: usize = 5_760;

/// What a track declares about itself.
#[derive(Debug, PartialEq)]
pub(crate) struct Head {
    pub(crate) channels: u8,
    /// Frames at the start that are the encoder's delay and not sound.
    pub(crate) pre_skip: u32,
    /// The factor by which the decoded samples are to be multiplied.
    gain: f32,
    /// For more than two channels: which coded stream goes where.
    table: Option<ChannelMappingTable>,
}

impl Head {
    /// Reads the header as Ogg and Matroska store it, little-endian after the word `OpusHead`, or as MP4 does: the same
    /// fields after the same word, which the demultiplexer puts there, but big-endian and with version 0.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let fields = bytes.strip_prefix(b"OpusHead").filter(|fields| fields.len() >= 11);
        let fields = fields.ok_or("the Opus header is missing or cut off")?;
        let (version, channels, family) = (fields[0], fields[1], fields[10]);
        if version >> 4 != 0 {
            return Err(format!("an Opus header of version {version}; 0 to 15 are known"));
        }
        let number = |at: usize| match version {
            0 => u16::from_be_bytes([fields[at], fields[at + 1]]),
            _ => u16::from_le_bytes([fields[at], fields[at + 1]]),
        };
        let table = match (family, channels) {
            (0, 1 | 2) => None,
            (1, 1..=8) => Some(mapping(channels, &fields[11..])?),
            _ => return Err(format!("an Opus header with {channels} channels in mapping family {family}")),
        };
        let decibels = f32::from(number(8).cast_signed()) / 256.0;
        Ok(Self { channels, pre_skip: u32::from(number(2)), gain: 10.0_f32.powf(decibels / 20.0), table })
    }
}

/// The channel mapping table, checked so far that no index in it leads outside the decoded channels.
fn mapping(channels: u8, bytes: &[u8]) -> Result<ChannelMappingTable, String> {
    let table = ChannelMappingTable::parse(1, channels, bytes).ok_or("the Opus channel mapping is cut off")?;
    let (streams, coupled) = (u16::from(table.stream_count), u16::from(table.coupled_count));
    let decoded = streams + coupled;
    let known = |index: &u8| *index == u8::MAX || u16::from(*index) < decoded;
    if streams == 0 || coupled > streams || decoded > 8 || !table.mapping.iter().all(known) {
        return Err(format!(
            "an Opus channel mapping of {streams} streams, {coupled} of them stereo, to {channels} channels"
        ));
    }
    Ok(table)
}

enum Decoder {
    Plain(Box<OpusDecoder>),
    Many(Box<MultistreamDecoder>),
}

/// Decodes the packets of one track and mixes them down.
pub(crate) struct Decoding {
    decoder: Decoder,
    channels: usize,
    gain: f32,
    /// Room for the longest packet, interleaved.
    pcm: Vec<f32>,
}

impl Decoding {
    pub(crate) fn new(head: &Head) -> Result<Self, String> {
        let rate = SAMPLE_RATE.cast_signed();
        let channels = usize::from(head.channels);
        let decoder = match &head.table {
            None => Decoder::Plain(Box::new(OpusDecoder::new(rate, channels)?)),
            Some(table) => Decoder::Many(Box::new(MultistreamDecoder::new(rate, table.clone())?)),
        };
        Ok(Self { decoder, channels, gain: head.gain, pcm: vec![0.0; MAX_FRAMES * channels] })
    }

    /// Appends the packet's frames, averaged over the channels.
    pub(crate) fn decode(&mut self, packet: &[u8], mono: &mut Vec<f32>) -> Result<(), String> {
        // The decoder sizes its work by the packet's own table of contents, so that is judged first.
        packet_frames(packet).ok_or("an Opus packet without a valid table of contents")?;
        let frames = match &mut self.decoder {
            Decoder::Plain(decoder) => decoder.decode(packet, MAX_FRAMES, &mut self.pcm)?,
            Decoder::Many(decoder) => decoder.decode(packet, MAX_FRAMES, &mut self.pcm)?,
        };
        let scale = self.gain / self.channels as f32;
        let decoded = self.pcm.chunks_exact(self.channels).take(frames);
        mono.extend(decoded.map(|frame| frame.iter().sum::<f32>() * scale));
        Ok(())
    }
}

/// Decodes Opus packets that come one by one without a container, as browsers' encoders and WebRTC give them (RFC 6716; each packet holds
/// 2.5 to 120 ms).
///
/// The first 6.5 ms or so are the encoder's delay; without a header nothing says how much exactly, and they stay.
///
/// # Examples
/// ```
/// use stimmung_audio::OpusPackets;
/// let mut packets = OpusPackets::new(1)?;
/// // 20 ms of CELT, of which nothing was coded: silence.
/// let samples = packets.decode(&[0xF8, 0xFF, 0xFE])?;
/// assert_eq!((samples.len(), OpusPackets::SAMPLE_RATE), (960, 48_000));
/// # Ok::<(), stimmung_audio::AudioError>(())
/// ```
pub struct OpusPackets {
    decoding: Decoding,
}

impl OpusPackets {
    /// The rate in hertz of the decoded samples, whatever the encoder's input had.
    pub const SAMPLE_RATE: u32 = SAMPLE_RATE;

    /// A decoder for a stream of one or two channels, which it mixes down.
    ///
    /// # Errors
    /// [`AudioError::Parameter`] for other numbers of channels.
    pub fn new(channels: u8) -> Result<Self, AudioError> {
        if !(1..=2).contains(&channels) {
            return Err(AudioError::parameter("channels", "1 or 2", channels));
        }
        let head = Head { channels, pre_skip: 0, gain: 1.0, table: None };
        Ok(Self { decoding: Decoding::new(&head).map_err(|what| AudioError::Packet { what })? })
    }

    /// The samples of the next packet.
    ///
    /// # Errors
    /// [`AudioError::Packet`] for bytes that are none; the decoder is not to be used any further.
    pub fn decode(&mut self, packet: &[u8]) -> Result<Vec<f32>, AudioError> {
        let mut samples = Vec::new();
        match shielded(|| self.decoding.decode(packet, &mut samples)) {
            Ok(Ok(())) => Ok(samples),
            Ok(Err(what)) | Err(what) => Err(AudioError::Packet { what }),
        }
    }
}

/// The length of a packet in frames at 48 kHz, from its table of contents (RFC 6716, section 3.1); none if it is invalid.
pub(crate) fn packet_frames(packet: &[u8]) -> Option<u32> {
    let toc = *packet.first()?;
    let frame = match toc >> 3 {
        // SILK: 10, 20, 40, 60 ms; hybrid: 10, 20 ms; CELT: 2.5, 5, 10, 20 ms.
        config @ 0..12 => [480, 960, 1_920, 2_880][usize::from(config & 3)],
        config @ 12..16 => [480, 960][usize::from(config & 1)],
        config => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let count = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(packet.get(1)? & 0x3F),
    };
    (1..=MAX_FRAMES as u32).contains(&(frame * count)).then_some(frame * count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(tail: &[u8]) -> Vec<u8> {
        [b"OpusHead".as_slice(), tail].concat()
    }

    #[test]
    fn headers_of_ogg_and_of_mp4_say_the_same() {
        let ogg = head(&[1, 2, 0x38, 0x01, 0x80, 0xBB, 0, 0, 0x00, 0xFA, 0]);
        let mp4 = head(&[0, 2, 0x01, 0x38, 0, 0, 0xBB, 0x80, 0xFA, 0x00, 0]);
        let parsed = Head::parse(&ogg).unwrap();
        assert_eq!((parsed.channels, parsed.pre_skip), (2, 312));
        // −6 dB.
        assert!((parsed.gain - 0.501_187).abs() < 1e-6);
        assert_eq!(Head::parse(&mp4).unwrap(), parsed);
    }

    #[test]
    fn headers_that_make_no_sense_are_refused() {
        let fine = [1, 1, 0x38, 0x01, 0x80, 0xBB, 0, 0, 0, 0, 0];
        assert!(Head::parse(&head(&fine)).is_ok());
        assert!(Head::parse(&fine).is_err());
        for length in 0..fine.len() {
            assert!(Head::parse(&head(&fine[..length])).is_err(), "{length} bytes");
        }
        for (at, value) in [(0, 0x10), (1, 0), (1, 3), (10, 1), (10, 255)] {
            let mut bytes = fine;
            bytes[at] = value;
            assert!(Head::parse(&head(&bytes)).is_err(), "byte {at} = {value}");
        }
    }

    #[test]
    fn a_channel_mapping_must_stay_within_the_coded_channels() {
        let family_1 = |table: &[u8]| head(&[&[1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 1], table].concat());
        assert!(Head::parse(&family_1(&[2, 1, 0, 2, 1])).is_ok());
        assert!(Head::parse(&family_1(&[2, 1, 0, 255, 1])).is_ok());
        for table in [[0, 0, 0, 0, 0], [2, 3, 0, 2, 1], [2, 1, 0, 3, 1], [255, 255, 0, 1, 2]] {
            assert!(Head::parse(&family_1(&table)).is_err(), "{table:?}");
        }
    }

    #[test]
    fn packet_lengths_follow_the_table_of_contents() {
        // Configuration 1 (SILK 20 ms), 31 (CELT 20 ms), 16 (CELT 2.5 ms), with one, two and six frames.
        assert_eq!(packet_frames(&[1 << 3]), Some(960));
        assert_eq!(packet_frames(&[31 << 3 | 1]), Some(1_920));
        assert_eq!(packet_frames(&[31 << 3 | 3, 6]), Some(5_760));
        assert_eq!(packet_frames(&[16 << 3 | 3, 48]), Some(5_760));
        // Nothing, no count, a count of zero, and more than 120 ms.
        for invalid in [&[][..], &[31 << 3 | 3], &[31 << 3 | 3, 0], &[31 << 3 | 3, 7], &[3 << 3 | 3, 3]] {
            assert_eq!(packet_frames(invalid), None, "{invalid:?}");
        }
    }
}
