//! Which track of a container is decoded, with what, and what is known of its length.

use std::sync::LazyLock;

use symphonia::core::audio::Channels;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_AC3, CODEC_ID_ALAC, CODEC_ID_EAC3, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_OPUS, CODEC_ID_SPEEX,
};
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::formats::Track as SymphoniaTrack;
use symphonia::core::formats::{FormatReader, MediaInfo, TrackType};
use symphonia::core::packet::Packet;
use symphonia::core::units::TimeBase;
use symphonia::default::codecs;

use super::{failure, shielded};
use crate::error::AudioError;
use crate::format::Format;
use crate::opus;
use crate::waveform::check_sample_rate;

static CODECS: LazyLock<CodecRegistry> = LazyLock::new(|| {
    let mut registry = CodecRegistry::new();
    registry.register_audio_decoder::<codecs::PcmDecoder>();
    registry.register_audio_decoder::<codecs::FlacDecoder>();
    registry.register_audio_decoder::<codecs::MpaDecoder>();
    registry.register_audio_decoder::<codecs::VorbisDecoder>();
    registry.register_audio_decoder::<codecs::AacDecoder>();
    registry
});

/// The most channels in anything but WAV; FLAC, Vorbis and Opus have at most 8, 255 and 8.
const MAX_CHANNELS: usize = 255;

pub(super) enum Codec {
    Symphonia(Box<dyn AudioDecoder>),
    Opus(Box<opus::Decoding>),
}

/// What is known about the length of a track before decoding it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Length {
    /// Written in the file, exactly, in frames after trimming: fewer mean a damaged file.
    Frames(u64),
    /// Written in the file, but not to the frame.
    Seconds(f64),
    Unknown,
}

/// The track that is decoded.
pub(super) struct Track {
    pub(super) id: u32,
    pub(super) codec: Codec,
    pub(super) codec_name: &'static str,
    pub(super) sample_rate: u32,
    pub(super) channels: u16,
    pub(super) length: Length,
    /// Frames at the start that are the encoder's delay, still to be dropped.
    pub(super) skip: u64,
    /// Whether a damaged packet is a damaged recording, not a click.
    pub(super) lossless: bool,
    time_base: Option<TimeBase>,
}

impl Track {
    /// Takes the default audio track, or else the first that can be decoded.
    pub(super) fn choose(reader: &dyn FormatReader, format: Format) -> Result<Self, AudioError> {
        let default = reader.default_track(TrackType::Audio);
        let mut first_error = None;
        for track in default.into_iter().chain(reader.tracks()) {
            let Some(params) = track.codec_params.as_ref().and_then(|params| params.audio()) else { continue };
            match Self::new(track, params, reader.media_info(), format) {
                Ok(chosen) => return Ok(chosen),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.unwrap_or_else(|| AudioError::unsupported(format, "no audio track of a known codec")))
    }

    fn new(
        track: &SymphoniaTrack,
        params: &AudioCodecParameters,
        media: &MediaInfo,
        format: Format,
    ) -> Result<Self, AudioError> {
        let (codec, found) = if params.codec == CODEC_ID_OPUS {
            open_opus(params).map_err(|what| AudioError::unsupported(format, what))?
        } else {
            open_decoder(track, params, format)?
        };
        check_sample_rate(found.sample_rate)?;
        if found.channels == 0 {
            return Err(AudioError::Channels { format, channels: 0 });
        }
        Ok(Self {
            id: track.id,
            codec,
            codec_name: found.name,
            sample_rate: found.sample_rate,
            channels: found.channels,
            length: length(track, media, format, &found),
            skip: found.skip,
            lossless: found.name == "flac" || found.name.starts_with("pcm"),
            time_base: track.time_base,
        })
    }

    /// The frames that a packet gives after its own trimming, without decoding it.
    pub(super) fn packet_frames(&self, packet: &Packet) -> Option<u64> {
        if let Codec::Opus(_) = self.codec {
            let frames = u64::from(opus::packet_frames(&packet.data).unwrap_or(0));
            return Some(frames.saturating_sub(packet.trim_end.get()));
        }
        let base = self.time_base?;
        // Matroska leaves the length out where it is the same for all packets.
        let known = packet.dur.get() > 0 || base.denom.get() == self.sample_rate;
        known.then(|| (seconds(packet.dur.get(), base) * f64::from(self.sample_rate)).round() as u64)
    }
}

/// What opening a codec brings to light.
struct Found {
    name: &'static str,
    sample_rate: u32,
    channels: u16,
    skip: u64,
}

fn open_opus(params: &AudioCodecParameters) -> Result<(Codec, Found), String> {
    let head = opus::Head::parse(params.extra_data.as_deref().unwrap_or_default())?;
    let decoding = opus::Decoding::new(&head)?;
    let (channels, skip) = (u16::from(head.channels), u64::from(head.pre_skip));
    Ok((Codec::Opus(Box::new(decoding)), Found { name: "opus", sample_rate: opus::SAMPLE_RATE, channels, skip }))
}

fn open_decoder(
    track: &SymphoniaTrack,
    params: &AudioCodecParameters,
    format: Format,
) -> Result<(Codec, Found), AudioError> {
    // Where an MP3 does not declare its length, Symphonia estimates it from the size, and would cut the sound there.
    let gapless = format != Format::Mp3 || track.delay.is_some();
    let options = AudioDecoderOptions::default().gapless(gapless);
    if CODECS.get_audio_decoder(params.codec).is_none() {
        return Err(AudioError::unsupported(format, codec_name(params.codec)));
    }
    // Decoders make room for a packet of as many channels as the header claims.
    let channels = params.channels.as_ref().map_or(0, Channels::count);
    if channels > MAX_CHANNELS {
        return Err(AudioError::unsupported(format, format!("{channels} channels (at most {MAX_CHANNELS})")));
    }
    let decoder = shielded(|| CODECS.make_audio_decoder(params, &options))
        .map_err(|panic| AudioError::corrupt(format, panic))?
        .map_err(|error| failure(error, format))?;
    let actual = decoder.codec_params();
    let sample_rate = actual.sample_rate.ok_or_else(|| AudioError::corrupt(format, "it has no sample rate"))?;
    let channels = actual.channels.as_ref().map_or(0, Channels::count);
    let channels = u16::try_from(channels).unwrap_or(u16::MAX);
    let name = decoder.codec_info().short_name;
    Ok((Codec::Symphonia(decoder), Found { name, sample_rate, channels, skip: 0 }))
}

/// A name for a codec that is met in practice and that nothing here decodes.
fn codec_name(id: AudioCodecId) -> &'static str {
    match id {
        CODEC_ID_ALAC => "Apple Lossless",
        CODEC_ID_AC3 | CODEC_ID_EAC3 => "Dolby Digital",
        CODEC_ID_SPEEX => "Speex",
        CODEC_ID_MP1 | CODEC_ID_MP2 => "MPEG layer I/II",
        _ => "an unknown codec",
    }
}

fn length(track: &SymphoniaTrack, media: &MediaInfo, format: Format, found: &Found) -> Length {
    let frames = track.num_frames.map_or(Length::Unknown, Length::Frames);
    let declared = |seconds: Option<f64>| seconds.filter(|s| *s > 0.0).map_or(Length::Unknown, Length::Seconds);
    match format {
        Format::Flac | Format::Aiff => frames,
        // Only a LAME header counts; anything else is an estimate.
        Format::Mp3 if track.delay.is_some() => frames,
        Format::Mp3 | Format::Adts | Format::Wav => Length::Unknown,
        // The last page's position, which counts from the first sample before the delay is dropped.
        Format::Ogg => {
            let start = track.start_ts.get().max(0).cast_unsigned() + found.skip;
            declared(track.num_frames.map(|end| end.saturating_sub(start) as f64 / f64::from(found.sample_rate)))
        }
        Format::Mp4 => declared(track.duration.zip(track.time_base).map(|(length, base)| seconds(length.get(), base))),
        Format::Matroska => {
            declared(media.duration.zip(media.time_base).map(|(length, base)| seconds(length.get(), base)))
        }
    }
}

fn seconds(ticks: u64, base: TimeBase) -> f64 {
    ticks as f64 * f64::from(base.numer.get()) / f64::from(base.denom.get())
}
