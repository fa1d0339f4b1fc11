//! Everything that users hand in by mistake, each with the error that tells them.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test, as it should")]

mod common;

use common::Wav;
use stimmung_audio::{
    AudioError, DecodeLimits, Stream, Waveform, decode_bytes, decode_path, decode_stream, probe_bytes, probe_path,
};

fn error(bytes: Vec<u8>) -> AudioError {
    let error = decode_bytes(bytes.clone(), Some("wav")).unwrap_err();
    // The hint must not matter, nor whether it comes as bytes.
    assert_eq!(decode_bytes(bytes.clone(), None).unwrap_err().to_string(), error.to_string());
    let reader = stimmung_audio::decode_reader(std::io::Cursor::new(bytes), None).unwrap_err();
    assert_eq!(reader.to_string(), error.to_string());
    error
}

#[test]
fn no_such_file() {
    let error = decode_path("no/such/file.wav").unwrap_err();
    assert!(matches!(&error, AudioError::Io { path: Some(_), error } if error.kind() == std::io::ErrorKind::NotFound));
    assert!(error.to_string().starts_with("no/such/file.wav: "), "{error}");
    assert!(probe_path("no/such/file.wav").is_err());
}

#[test]
fn a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let error = decode_path(folder.path()).unwrap_err();
    assert!(error.to_string().ends_with("is a folder, not a file"), "{error}");
}

#[test]
fn an_empty_file() {
    assert_eq!(error(Vec::new()).to_string(), "no audio at all: the file has 0 bytes");
}

#[test]
fn a_header_of_36_bytes_without_data() {
    let error = error(Wav::default().bytes()[..36].to_vec());
    assert_eq!(error.to_string(), "no audio at all: the WAV header is not followed by a data chunk");
}

#[test]
fn a_header_cut_anywhere() {
    let whole = Wav::default().bytes();
    for length in 1..whole.len() {
        assert!(decode_bytes(&whole[..length], None).is_err(), "{length} bytes");
    }
}

#[test]
fn a_header_without_samples() {
    assert!(matches!(error(Wav { data: Vec::new(), ..Wav::default() }.bytes()), AudioError::Empty { .. }));
    assert!(matches!(error(Wav { data: vec![1], ..Wav::default() }.bytes()), AudioError::Empty { .. }));
}

#[test]
fn more_promised_than_held() {
    let cut = error(Wav { data_size: Some(64_000), ..Wav::default() }.bytes());
    let text = "the WAV file is cut short: it declares 2.000 s of audio and holds 0.100 s; fetch it again";
    assert_eq!(cut.to_string(), text);
    // The same is found without decoding.
    let file = Wav { data_size: Some(64_000), ..Wav::default() }.bytes();
    assert_eq!(probe_bytes(file, None).unwrap_err().to_string(), text);
}

#[test]
fn a_header_for_ten_hours_over_a_kilobyte() {
    let data_size = Some(10 * 3_600 * 16_000 * 2);
    let error = error(Wav { data_size, data: vec![0; 1_000], ..Wav::default() }.bytes());
    assert!(matches!(error, AudioError::Truncated { expected: 36_000.0, .. }), "{error}");
}

#[test]
fn zero_channels() {
    let error = error(Wav { channels: 0, ..Wav::default() }.bytes());
    assert!(matches!(error, AudioError::Channels { channels: 0, .. }), "{error}");
}

#[test]
fn impossible_sample_rates() {
    for sample_rate in [0, 1, 999, 768_001, 1_000_000_000, u32::MAX] {
        let error = error(Wav { sample_rate, ..Wav::default() }.bytes());
        assert!(matches!(error, AudioError::SampleRate { rate } if rate == sample_rate), "{error}");
    }
}

#[test]
fn text_named_wav() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.wav");
    std::fs::write(&path, "These are only notes, much longer than any header would be.".repeat(50)).unwrap();
    let error = decode_path(&path).unwrap_err();
    assert!(matches!(error, AudioError::NotAudio { .. }), "{error}");
    assert!(error.to_string().contains("it looks like text (“These are only n…”)"), "{error}");
}

#[test]
fn samples_that_are_no_numbers() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for (channels, index) in [(1, 20_001), (2, 10_000)] {
            let mut samples = vec![0.25_f32; 40_000];
            samples[20_001] = bad;
            let data = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            let error = error(Wav { tag: 3, bits: 32, channels, data, ..Wav::default() }.bytes());
            let second = Some(f64::from(index as u32) / 16_000.0);
            assert!(
                matches!(error, AudioError::NonFinite { index: i, second: s } if i == index && s == second),
                "{bad}: {error}"
            );
        }
    }
    // Beyond the range of a float of 32 bits.
    let data = 1e300_f64.to_le_bytes().to_vec();
    assert!(matches!(error(Wav { tag: 3, bits: 64, data, ..Wav::default() }.bytes()), AudioError::NonFinite { .. }));
}

#[test]
fn silence_and_a_single_sample_are_fine() {
    let silence = decode_bytes(Wav::default().bytes(), None).unwrap();
    assert_eq!(silence, Waveform::new(vec![0.0; 1_600], 16_000).unwrap());
    let one = decode_bytes(Wav { data: vec![0, 0x40], ..Wav::default() }.bytes(), None).unwrap();
    assert_eq!(one.samples(), [0.5]);
}

#[test]
fn codecs_that_nothing_here_decodes() {
    for (tag, name) in [(2, "Microsoft ADPCM"), (0x11, "IMA ADPCM"), (0x55, "MP3"), (0x1234, "0x1234")] {
        let error = error(Wav { tag, bits: 4, ..Wav::default() }.bytes());
        assert!(matches!(error, AudioError::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    let odd = error(Wav { bits: 48, ..Wav::default() }.bytes());
    assert!(odd.to_string().contains("PCM samples of 48 bits"), "{odd}");
    let guid = {
        let mut bytes = Wav { extensible: Some(1), ..Wav::default() }.bytes();
        bytes[50] ^= 0xFF;
        error(bytes)
    };
    assert!(guid.to_string().contains("extensible subformat"), "{guid}");
}

#[test]
fn longer_than_the_limit() {
    let file = Wav::default().bytes();
    let decode =
        |max_seconds| decode_stream(Stream::from_bytes(file.clone(), None).unwrap(), &DecodeLimits { max_seconds });
    assert_eq!(decode(0.1).unwrap().len(), 1_600);
    assert_eq!(decode(f64::INFINITY).unwrap().len(), 1_600);
    assert!(matches!(decode(0.099), Err(AudioError::Limit { actual: 0.1, .. })));
    for nonsense in [0.0, -1.0, f64::NAN] {
        assert!(matches!(decode(nonsense), Err(AudioError::Limit { .. })), "{nonsense}");
    }
}

#[test]
fn a_limit_holds_where_the_length_is_not_declared() {
    let file = common::fixture_bytes("browser.webm");
    let limited = decode_stream(Stream::from_bytes(file, None).unwrap(), &DecodeLimits { max_seconds: 0.2 });
    assert!(matches!(limited, Err(AudioError::Limit { .. })));
}

#[test]
fn limits_read_from_a_recipe_know_their_keys() {
    let limits: DecodeLimits = serde_json::from_str("{}").unwrap();
    assert_eq!(limits, DecodeLimits::default());
    assert!(serde_json::from_str::<DecodeLimits>(r#"{"max_second": 3}"#).is_err());
}

#[test]
fn a_stream_gives_nothing_after_an_error() {
    let mut samples = vec![0.0_f32; 100_000];
    samples[70_000] = f32::NAN;
    let data = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let mut stream = Stream::from_bytes(Wav { tag: 3, bits: 32, data, ..Wav::default() }.bytes(), None).unwrap();
    let mut decoded = 0;
    let error = loop {
        match stream.next_block() {
            Ok(block) => decoded += block.expect("an error before the end").len(),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, AudioError::NonFinite { index: 70_000, .. }), "{error}");
    assert!(decoded <= 70_000);
    assert!(stream.next_block().unwrap().is_none());
}

#[test]
fn a_file_that_shrinks_while_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.wav");
    std::fs::write(&path, Wav { data: vec![0; 1_000_000], ..Wav::default() }.bytes()).unwrap();
    let mut stream = Stream::open(&path).unwrap();
    assert!(stream.next_block().unwrap().is_some());
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(200_000).unwrap();
    let error = loop {
        match stream.next_block() {
            Ok(block) => assert!(block.is_some(), "the end came without an error"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, AudioError::Truncated { .. }), "{error}");
}
