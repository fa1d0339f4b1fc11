//! Every format but WAV: demultiplexed and decoded by Symphonia, Opus packets by `opus-rs`.

mod mp4;
mod sniff;
mod track;

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::{Hint, Probe, ProbeOptions};
use symphonia::core::formats::{FormatOptions, FormatReader};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::default::{formats, meta};

use self::track::{Codec, Length, Track};
use crate::error::AudioError;
use crate::format::Format;
use crate::source::Source;

/// A lossy stream may be damaged here and there and still be worth hearing: a damaged packet counts as silence, as long as
/// there are at most two of them and one in twenty more.
const DAMAGED_ANYWAY: u64 = 2;
const DAMAGED_SHARE: u64 = 20;

/// How far an MP4's length in seconds may be off: its last packet is filled up, its edits are not applied.
const LENGTH_TOLERANCE: f64 = 0.1;

static PROBE: LazyLock<Probe> = LazyLock::new(|| {
    // Junk in front of an MP3 stream is common, but the further one looks, the more any other file looks like MP3.
    let mut probe = Probe::new_with_options(&ProbeOptions { max_probe_depth: 64 << 10, ..ProbeOptions::default() });
    probe.register_format::<formats::FlacReader<'_>>();
    probe.register_format::<formats::OggReader<'_>>();
    probe.register_format::<formats::MkvReader<'_>>();
    probe.register_format::<formats::AiffReader<'_>>();
    probe.register_format::<formats::AdtsReader<'_>>();
    probe.register_format::<formats::MpaReader<'_>>();
    probe.register_metadata::<meta::Id3v1Reader<'_>>();
    probe.register_metadata::<meta::Id3v2Reader<'_>>();
    probe
});

/// For files that start as an MP4 and have passed [`mp4::check_runs`]; nothing else may come to its demultiplexer.
static MP4_PROBE: LazyLock<Probe> = LazyLock::new(|| {
    let mut probe = Probe::new();
    probe.register_format::<formats::IsoMp4Reader<'_>>();
    probe
});

pub(crate) struct ContainerReader {
    reader: Box<dyn FormatReader>,
    format: Format,
    track: Track,
    packets: u64,
    damaged: u64,
    /// Frames given out so far.
    frames: u64,
    planes: Vec<Vec<f32>>,
}

impl ContainerReader {
    pub(crate) fn new(mut source: Source, hint: Option<&str>) -> Result<Self, AudioError> {
        let head = source.peek::<64>()?;
        let sniffed = sniff::format(&head);
        let probe = if sniffed == Some(Format::Mp4) {
            mp4::check_runs(&mut source)?;
            &*MP4_PROBE
        } else {
            &*PROBE
        };
        let stream = MediaSourceStream::new(Box::new(source), MediaSourceStreamOptions::default());
        let found = shielded(|| {
            probe.probe(&symphonia_hint(hint), stream, FormatOptions::default(), MetadataOptions::default())
        });
        let reader = match (found, sniffed) {
            (Ok(Ok(reader)), _) => reader,
            (Ok(Err(error)), Some(format)) => return Err(failure(error, format)),
            (Err(panic), Some(format)) => return Err(AudioError::corrupt(format, panic)),
            (Ok(Err(SymphoniaError::IoError(error))), None) if error.kind() != io::ErrorKind::UnexpectedEof => {
                return Err(AudioError::io(error));
            }
            (_, None) => return Err(AudioError::NotAudio { found: sniff::describe(&head) }),
        };
        let format = sniff::format_of(reader.format_info().format);
        let track = Track::choose(&*reader, format)?;
        Ok(Self { reader, format, track, packets: 0, damaged: 0, frames: 0, planes: Vec::new() })
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    pub(crate) fn codec(&self) -> &'static str {
        self.track.codec_name
    }

    pub(crate) fn sample_rate(&self) -> u32 {
        self.track.sample_rate
    }

    pub(crate) fn channels(&self) -> u16 {
        self.track.channels
    }

    /// The length that the file declares, in seconds.
    pub(crate) fn declared_seconds(&self) -> Option<f64> {
        match self.track.length {
            Length::Frames(frames) => Some(frames as f64 / f64::from(self.track.sample_rate)),
            Length::Seconds(seconds) => Some(seconds),
            Length::Unknown => None,
        }
    }

    /// The length in seconds by adding up all packets without decoding them; none where packets do not tell theirs.
    pub(crate) fn walk(mut self) -> Result<Option<f64>, AudioError> {
        let mut frames = 0;
        while let Some(packet) = self.next_packet()? {
            match self.track.packet_frames(&packet) {
                Some(packet_frames) => frames += packet_frames,
                None => return Ok(None),
            }
        }
        Ok(Some(frames.saturating_sub(self.track.skip) as f64 / f64::from(self.track.sample_rate)))
    }

    /// Appends the next block, mixed down; false at the end.
    pub(crate) fn next_block(&mut self, mono: &mut Vec<f32>) -> Result<bool, AudioError> {
        let start = mono.len();
        while mono.len() == start {
            let Some(packet) = self.next_packet()? else {
                self.check_end()?;
                return Ok(false);
            };
            self.decode(&packet, mono)?;
            let skipped = self.track.skip.min((mono.len() - start) as u64);
            mono.drain(start..start + skipped as usize);
            self.track.skip -= skipped;
        }
        self.frames += (mono.len() - start) as u64;
        Ok(true)
    }

    /// The next packet of the chosen track, or none at the end of the stream.
    fn next_packet(&mut self) -> Result<Option<Packet>, AudioError> {
        loop {
            let next = shielded(|| self.reader.next_packet()).map_err(|panic| self.corrupt(&panic))?;
            match next {
                Ok(Some(packet)) if packet.track_id == self.track.id => {
                    self.packets += 1;
                    return Ok(Some(packet));
                }
                Ok(Some(_)) => {}
                Ok(None) => return Ok(None),
                // The bytes have come to an end in the middle of something. Browsers and live streams end like this;
                // whether this one was allowed to is judged by the length it declares.
                Err(SymphoniaError::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                Err(SymphoniaError::ResetRequired) => self.next_chained()?,
                Err(error) => return Err(failure(error, self.format)),
            }
        }
    }

    /// Goes on with the next of several Ogg streams that were written one after the other.
    fn next_chained(&mut self) -> Result<(), AudioError> {
        let track = Track::choose(&*self.reader, self.format)?;
        if track.sample_rate != self.track.sample_rate {
            let what =
                format!("sample rates of {} and {} Hz one after the other", self.track.sample_rate, track.sample_rate);
            return Err(AudioError::unsupported(self.format, what));
        }
        // Its declared length is that of its own part only.
        self.track = track;
        self.track.length = Length::Unknown;
        Ok(())
    }

    fn decode(&mut self, packet: &Packet, mono: &mut Vec<f32>) -> Result<(), AudioError> {
        let start = mono.len();
        if self.format == Format::Flac && packet.pts.get() > self.frames.cast_signed() {
            return Err(self.corrupt("samples are missing"));
        }
        let decoded = match &mut self.track.codec {
            Codec::Opus(decoding) => shielded(|| decoding.decode(&packet.data, mono)).and_then(|result| {
                mono.truncate(mono.len().saturating_sub(packet.trim_end.get() as usize).max(start));
                result
            }),
            Codec::Symphonia(decoder) => match shielded(|| {
                decoder.decode(packet).map(|buffer| {
                    buffer.copy_to_vecs_planar::<f32>(&mut self.planes);
                    buffer.spec().rate()
                })
            }) {
                Ok(Ok(rate)) if rate == self.track.sample_rate => {
                    mix_planes(&self.planes, mono);
                    Ok(())
                }
                Ok(Ok(rate)) => Err(format!("the sample rate changes to {rate} Hz")),
                Ok(Err(SymphoniaError::Unsupported(what))) if self.damaged + 1 == self.packets => {
                    return Err(AudioError::unsupported(self.format, what));
                }
                Ok(Err(error)) => Err(error.to_string()),
                Err(panic) => Err(panic),
            },
        };
        let Err(reason) = decoded else { return Ok(()) };
        self.damaged += 1;
        if self.track.lossless || self.damaged > DAMAGED_ANYWAY + self.packets / DAMAGED_SHARE {
            return Err(self.corrupt(&reason));
        }
        let silence = self.track.packet_frames(packet).unwrap_or(0).min(u64::from(self.track.sample_rate));
        mono.truncate(start);
        mono.resize(start + silence as usize, 0.0);
        Ok(())
    }

    /// At the end of the bytes: was that all that was promised?
    fn check_end(&self) -> Result<(), AudioError> {
        if self.packets > 0 && self.damaged == self.packets {
            return Err(self.corrupt("not a single packet can be decoded"));
        }
        let actual = self.seconds();
        let expected = match self.track.length {
            Length::Frames(frames) if frames > self.frames => frames as f64 / f64::from(self.track.sample_rate),
            Length::Seconds(seconds) if self.format.declares_length() && seconds > actual + LENGTH_TOLERANCE => seconds,
            _ => return Ok(()),
        };
        Err(AudioError::Truncated { format: self.format, expected, actual })
    }

    fn seconds(&self) -> f64 {
        self.frames as f64 / f64::from(self.track.sample_rate)
    }

    fn corrupt(&self, what: &str) -> AudioError {
        AudioError::corrupt(self.format, format!("{what} (at {:.3} s)", self.seconds()))
    }
}

/// Averages planar channels, adding them up in their order.
fn mix_planes(planes: &[Vec<f32>], mono: &mut Vec<f32>) {
    let start = mono.len();
    let Some((first, rest)) = planes.split_first() else { return };
    mono.extend_from_slice(first);
    let mixed = &mut mono[start..];
    for plane in rest {
        for (sum, sample) in mixed.iter_mut().zip(plane) {
            *sum += sample;
        }
    }
    if !rest.is_empty() {
        let channels = planes.len() as f32;
        for sum in mixed {
            *sum /= channels;
        }
    }
}

/// Runs foreign code on hostile bytes, and turns a panic inside it into words.
///
/// The decoders check most of what they read, but not all of it: with a few bits changed in the track fragment of a valid
/// MP4, Symphonia 0.6.1 reads beyond an empty table and panics. Whatever state that leaves behind is never looked at:
/// after an error, [`Stream`](crate::Stream) drops the reader and gives out nothing more.
pub(crate) fn shielded<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| format!("the decoder gave up: {}", panic_message(&*panic)))
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason given")
}

/// An error of Symphonia's, for a file whose format is known.
fn failure(error: SymphoniaError, format: Format) -> AudioError {
    match error {
        SymphoniaError::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            AudioError::corrupt(format, "it ends in the middle of its header or tables")
        }
        // Not the device's fault: the demultiplexer was told to go to, or to read, what there cannot be.
        SymphoniaError::IoError(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::OutOfMemory | io::ErrorKind::Other
            ) =>
        {
            AudioError::corrupt(format, format!("a position or a size in it is impossible ({error})"))
        }
        SymphoniaError::IoError(error) => AudioError::io(error),
        // Symphonia does not support files without the parts that every file of the format must have.
        SymphoniaError::Unsupported(what) if what.contains("missing") => AudioError::corrupt(format, what),
        SymphoniaError::Unsupported(what) => AudioError::unsupported(format, what),
        SymphoniaError::DecodeError(what) => AudioError::corrupt(format, what),
        other => AudioError::corrupt(format, other.to_string()),
    }
}

/// A hint is a file name extension or a media type, the latter perhaps with parameters as browsers add them.
fn symphonia_hint(hint: Option<&str>) -> Hint {
    let mut result = Hint::new();
    match hint {
        Some(media_type) if media_type.contains('/') => {
            result.mime_type(media_type.split(';').next().unwrap_or_default().trim());
        }
        Some(extension) => {
            result.with_extension(extension.trim_start_matches('.'));
        }
        None => {}
    }
    result
}
