//! Every format against the sweep that its file was made from.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test, as it should")]

mod common;

use common::{fixture, fixture_bytes, fixtures, sweep};
use stimmung_audio::{
    AudioError, Format, OpusPackets, Stream, Waveform, decode_bytes, decode_path, decode_reader, probe_bytes,
    probe_path,
};

/// What a fixture must give: format, codec, rate, length in samples, where the sweep starts, and how well it fits (the
/// share of the energy that is not the sweep).
struct Expected(&'static str, Format, &'static str, u32, usize, usize, f64);

#[rustfmt::skip]
const EXPECTED: [Expected; 13] = [
    // Lossless: to the bit of 16.
    Expected("sweep.flac",            Format::Flac,     "flac",      16_000,  8_000,     0, 1e-8),
    Expected("sweep-flac.oga",        Format::Ogg,      "flac",      16_000,  8_000,     0, 1e-8),
    Expected("sweep.aiff",            Format::Aiff,     "pcm_s16be",  8_000,  4_000,     0, 0.005),
    // With the delay known: same start, same length.
    Expected("sweep.mp3",             Format::Mp3,      "mp3",       16_000,  8_000,     0, 0.05),
    Expected("sweep-vorbis.ogg",      Format::Ogg,      "vorbis",    16_000,  8_000,     0, 0.05),
    Expected("sweep-opus.opus",       Format::Ogg,      "opus",      48_000, 24_000,     0, 0.3),
    Expected("sweep-opus-stereo.ogg", Format::Ogg,      "opus",      48_000, 24_000,     0, 0.3),
    // The padding at the end stays: Matroska tells it only to those who ask for each block.
    Expected("sweep-opus.webm",       Format::Matroska, "opus",      48_000, 24_648,     0, 0.3),
    Expected("browser.webm",          Format::Matroska, "opus",      48_000, 24_648,     0, 0.3),
    // Without a word about the delay, it stays: 1105 = 576 + 529 samples of MP3, 1024 of AAC.
    Expected("sweep-no-xing.mp3",     Format::Mp3,      "mp3",       16_000,  9_216, 1_105, 0.05),
    Expected("sweep.aac",             Format::Adts,     "aac",       16_000,  9_216, 1_024, 0.1),
    Expected("sweep.m4a",             Format::Mp4,      "aac",       16_000,  9_216, 1_024, 0.1),
    Expected("sweep-fragmented.mp4",  Format::Mp4,      "aac",       16_000,  9_216, 1_024, 0.1),
];

/// The share of the energy that is not the sweep at its best volume.
fn misfit(wave: &Waveform, start: usize) -> f64 {
    let rate = f64::from(wave.sample_rate());
    let pairs = wave
        .samples()
        .iter()
        .enumerate()
        .map(|(n, sample)| (f64::from(*sample), sweep((n as f64 - start as f64) / rate)));
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        (xx, xy, yy) = (xx + x * x, xy + x * y, yy + y * y);
    }
    1.0 - xy * xy / (xx * yy)
}

/// The packets of an Ogg file with one stream (RFC 3533, section 6), the two headers left out.
fn ogg_packets(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut packets, mut packet) = (Vec::new(), Vec::new());
    while let Some((head, rest)) = bytes.split_at_checked(27) {
        let (lengths, mut content) = rest.split_at(usize::from(head[26]));
        for &length in lengths {
            let (part, others) = content.split_at(usize::from(length));
            packet.extend_from_slice(part);
            content = others;
            if length < 255 {
                packets.push(std::mem::take(&mut packet));
            }
        }
        bytes = content;
    }
    packets.split_off(2)
}

#[test]
fn opus_packets_without_a_file_give_what_the_file_gives() {
    for (name, channels) in [("sweep-opus.opus", 1), ("sweep-opus-stereo.ogg", 2)] {
        let whole = decode_path(fixture(name)).unwrap();
        let mut decoder = OpusPackets::new(channels).unwrap();
        let packets = ogg_packets(&fixture_bytes(name));
        let samples: Vec<f32> = packets.iter().flat_map(|packet| decoder.decode(packet).unwrap()).collect();
        assert_eq!(&samples[312..][..whole.len()], whole.samples(), "{name}");
        // What is no packet is refused, and nothing panics.
        for spoilt in [&[][..], &[0x1B], &packets[0][..1], &[0xFF; 700]] {
            match OpusPackets::new(channels).unwrap().decode(spoilt) {
                Ok(samples) => assert!(samples.len() <= 5760, "{spoilt:?}"),
                Err(error) => assert!(matches!(error, AudioError::Packet { .. }), "{error}"),
            }
        }
        assert!(matches!(decoder.decode(&[]), Err(AudioError::Packet { .. })));
    }
    for channels in [0, 3, 255] {
        assert!(matches!(OpusPackets::new(channels).err(), Some(AudioError::Parameter { name: "channels", .. })));
    }
}

#[test]
fn every_format_decodes_to_what_was_encoded() {
    for Expected(name, format, codec, rate, len, start, limit) in EXPECTED {
        let mut stream = Stream::open(fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((stream.format(), stream.codec(), stream.sample_rate()), (format, codec, rate), "{name}");
        assert!(stream.next_block().unwrap().is_some());
        let wave = decode_path(fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((wave.sample_rate(), wave.len()), (rate, len), "{name}");
        let misfit = misfit(&wave, start);
        assert!(misfit < limit, "{name}: {misfit}");
    }
    assert_eq!(EXPECTED.len(), fixtures().len(), "a fixture without a test");
}

#[test]
fn lossless_formats_are_exact() {
    for name in ["sweep.flac", "sweep-flac.oga"] {
        let wave = decode_path(fixture(name)).unwrap();
        for (n, sample) in wave.samples().iter().enumerate() {
            let expected = (sweep(n as f64 / 16_000.0) * 32_768.0).round_ties_even() as f32 / 32_768.0;
            assert!((sample - expected).abs() <= 1.0 / 32_768.0, "{name}, sample {n}");
            assert_eq!(sample * 32_768.0, (sample * 32_768.0).round(), "{name}, sample {n} is between two steps");
        }
    }
    assert_eq!(decode_path(fixture("sweep.flac")).unwrap(), decode_path(fixture("sweep-flac.oga")).unwrap());
}

#[test]
fn path_bytes_and_reader_give_the_same_whatever_the_hint() {
    for (name, bytes) in fixtures() {
        let wave = decode_path(fixture(&name)).unwrap();
        for hint in [None, Some("wav"), Some("audio/webm;codecs=opus"), Some(".mp3"), Some("")] {
            assert_eq!(decode_bytes(bytes.clone(), hint).unwrap(), wave, "{name} with {hint:?}");
        }
        let file = std::fs::File::open(fixture(&name)).unwrap();
        assert_eq!(decode_reader(file, None).unwrap(), wave, "{name}");
    }
}

#[test]
fn blocks_add_up_to_the_whole() {
    for (name, bytes) in fixtures() {
        let mut stream = Stream::from_bytes(bytes.clone(), None).unwrap();
        let mut samples = Vec::new();
        while let Some(block) = stream.next_block().unwrap() {
            assert!(!block.is_empty(), "{name}");
            samples.extend_from_slice(block);
        }
        assert!(stream.next_block().unwrap().is_none());
        assert_eq!(samples, decode_bytes(bytes, None).unwrap().samples(), "{name}");
    }
}

#[test]
fn the_length_is_known_without_decoding() {
    for Expected(name, format, _, rate, len, start, _) in EXPECTED {
        let probe = probe_path(fixture(name)).unwrap();
        assert_eq!((probe.format, probe.sample_rate), (format, rate), "{name}");
        let (seconds, decoded) = (probe.seconds.expect(name), len as f64 / f64::from(rate));
        // The lengths in MP4 and WebM leave out some of the padding at the end.
        let tolerance = if start > 0 || format == Format::Matroska { 0.02 } else { 1e-9 };
        assert!((seconds - decoded).abs() < tolerance, "{name}: {seconds} s, decoded {decoded} s");
    }
    assert_eq!(probe_bytes(fixture_bytes("sweep-opus-stereo.ogg"), None).unwrap().channels, 2);
    assert_eq!(Stream::open(fixture("browser.webm")).unwrap().declared_seconds(), None);
}

#[test]
fn a_cut_file_is_an_error_where_the_length_is_declared() {
    for name in ["sweep.flac", "sweep.mp3", "sweep.aiff", "sweep.m4a", "sweep-opus.webm"] {
        let whole = fixture_bytes(name);
        // Where the tables come after the samples, as here in AIFF and MP4, nothing is left to read it by.
        let cut = decode_bytes(&whole[..whole.len() * 6 / 10], None).unwrap_err();
        match name {
            "sweep.flac" | "sweep.mp3" => assert!(matches!(cut, AudioError::Truncated { .. }), "{name}: {cut}"),
            _ => assert!(matches!(cut, AudioError::Corrupt { .. }), "{name}: {cut}"),
        }
    }
}

#[test]
fn a_stream_may_stop_anywhere() {
    for name in ["browser.webm", "sweep-no-xing.mp3", "sweep.aac", "sweep-fragmented.mp4"] {
        let whole = fixture_bytes(name);
        let all = decode_bytes(whole.clone(), None).unwrap();
        let cut = decode_bytes(&whole[..whole.len() * 8 / 10], None).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(cut.len() > all.len() / 3 && cut.len() < all.len(), "{name}: {} of {}", cut.len(), all.len());
        assert_eq!(cut.samples(), &all.samples()[..cut.len()], "{name}");
    }
}

#[test]
fn damage_in_a_lossless_file_is_never_passed_over() {
    let whole = fixture_bytes("sweep.flac");
    let original = decode_bytes(whole.clone(), None).unwrap();
    for at in (60..whole.len()).step_by(97) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        match decode_bytes(bytes, None) {
            Ok(wave) => assert_eq!(wave, original, "byte {at}"),
            Err(AudioError::Corrupt { .. } | AudioError::Truncated { .. }) => {}
            Err(other) => panic!("byte {at}: {other}"),
        }
    }
}

#[test]
fn a_damaged_packet_of_a_lossy_stream_is_silence_and_many_are_an_error() {
    // ADTS frames start with a sync word and carry their length; the payload of some becomes one that announces two channels.
    let whole = fixture_bytes("sweep.aac");
    let original = decode_bytes(whole.clone(), None).unwrap();
    let damaged = |every: usize| {
        let (mut bytes, mut at, mut frame) = (whole.clone(), 0, 0);
        while at + 7 <= bytes.len() {
            let length = usize::from(bytes[at + 3] & 3) << 11
                | usize::from(bytes[at + 4]) << 3
                | usize::from(bytes[at + 5]) >> 5;
            if frame % every == every - 1 {
                bytes[at + 7..at + length].fill(0x20);
            }
            (at, frame) = (at + length, frame + 1);
        }
        decode_bytes(bytes, None)
    };
    let few = damaged(5).unwrap();
    assert_eq!(few.len(), original.len());
    assert_ne!(few, original);
    assert!(matches!(damaged(2), Err(AudioError::Corrupt { .. })));
}

#[test]
fn ogg_streams_one_after_the_other_are_all_decoded() {
    let opus = fixture_bytes("sweep-opus.opus");
    let once = decode_bytes(opus.clone(), None).unwrap();
    let twice = decode_bytes([opus.clone(), opus.clone()].concat(), None).unwrap();
    assert_eq!(twice.samples(), [once.samples(), once.samples()].concat());
    let mixed = decode_bytes([opus, fixture_bytes("sweep-vorbis.ogg")].concat(), None).unwrap_err();
    assert!(matches!(mixed, AudioError::Unsupported { .. }), "{mixed}");
}

#[test]
fn a_panic_inside_a_decoder_is_an_error() {
    // The run of samples says that it lists no lengths, and the flags of its first sample say that there is one: Symphonia
    // 0.6.1 looks it up in the empty list. When it no longer does, this test needs another file.
    let mut bytes = fixture_bytes("sweep-fragmented.mp4");
    let run = bytes.windows(4).position(|window| window == b"trun").unwrap();
    bytes[run + 6..run + 8].copy_from_slice(&[0, 4]);
    bytes[run + 12..run + 16].copy_from_slice(&[0, 0, 0, 4]);
    let error = decode_bytes(bytes, None).unwrap_err();
    assert!(matches!(error, AudioError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("the decoder gave up"), "{error}");
}

#[test]
fn a_fragment_with_more_samples_than_bytes_is_refused_at_once() {
    let mut bytes = fixture_bytes("sweep-fragmented.mp4");
    let run = bytes.windows(4).position(|window| window == b"trun").unwrap();
    bytes[run + 8..run + 12].fill(0xFF);
    let started = std::time::Instant::now();
    let error = decode_bytes(bytes, None).unwrap_err();
    assert!(error.to_string().contains("fragments declare"), "{error}");
    assert!(started.elapsed().as_secs_f64() < 1.0);
}
