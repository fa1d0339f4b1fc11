//! Waveforms: decoding, resampling, conditioning, augmenting and writing of recorded speech.
//!
//! Everything in the project starts with a [`Waveform`], mono samples at a known rate. This crate makes them from files
//! ([`decode_path`], [`decode_bytes`], [`decode_reader`]), or a block at a time from files of any length ([`Stream`]);
//! looks at files without decoding them ([`probe_path`]); changes their rate ([`Waveform::resample`]); finds the speech in them
//! ([`Waveform::speech`], [`VoiceActivity`]); and writes them ([`write_wav`]).
//!
//! Between reading and describing a recording may be conditioned ([`ConditioningParams`]: levelled, trimmed, filtered),
//! copied with changes ([`augment`]: noise, delays, other tempi and pitches), and cut into segments of one length
//! ([`SegmentParams`]). Each is a section of a recipe, and each step also a method of [`Waveform`].
//!
//! | format | codecs |
//! | --- | --- |
//! | WAV, RF64, BW64 | PCM 8, 16, 24, 32 bit; float 32, 64 bit; A-law, µ-law |
//! | FLAC, Ogg FLAC | FLAC |
//! | MP3 | MPEG-1, 2 and 2.5 layer III |
//! | Ogg | Vorbis, Opus |
//! | MP4, M4A, ADTS | AAC-LC; in MP4 also Opus, FLAC and PCM |
//! | AIFF, AIFF-C | PCM |
//! | Matroska, WebM | Opus, Vorbis, AAC-LC, FLAC, MP3, PCM |
//!
//! Files are told by their bytes, not their names. Whatever is wrong with one is an [`AudioError`] that says what, where
//! and how much; no input makes this crate panic or use memory that the input does not pay for with its own size.

mod augment;
mod condition;
mod container;
mod decode;
mod error;
mod format;
mod opus;
mod resample;
mod segment;
mod source;
mod stream;
mod voice;
mod wav;
mod waveform;
mod write;

pub use augment::{Amount, Effect, augment, check_effects};
pub use condition::{ConditioningParams, Normalise};
pub use decode::{
    DecodeLimits, Probe, decode_bytes, decode_path, decode_path_with, decode_reader, decode_stream, probe_bytes,
    probe_path, probe_reader,
};
pub use error::AudioError;
pub use format::{EXTENSIONS, Format, is_audio_file_name};
pub use opus::OpusPackets;
pub use resample::stream::StreamResampler;
pub use segment::{Anchor, SegmentParams};
pub use stream::Stream;
pub use voice::{FRAME_SECONDS, SpeechRegion, VoiceActivity, VoiceActivityParams, speech_regions};
pub use waveform::{MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, Waveform};
pub use write::{WavEncoding, wav_bytes, write_wav};
