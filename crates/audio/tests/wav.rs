//! WAV headers in all the shapes in which programs write them.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test, as it should")]

mod common;

use common::Wav;
use stimmung_audio::{
    AudioError, Format, WavEncoding, Waveform, decode_bytes, decode_path, probe_bytes, wav_bytes, write_wav,
};

#[test]
fn every_encoding_gives_the_same_ramp() {
    // Steps of an eighth, which every encoding here holds exactly.
    let ramp: Vec<f32> = (-8..8).map(|n| n as f32 / 8.0).collect();
    let bytes = |f: &dyn Fn(f32) -> Vec<u8>| ramp.iter().flat_map(|sample| f(*sample)).collect::<Vec<u8>>();
    let cases: [(u16, u16, &str, Vec<u8>); 6] = [
        (1, 8, "pcm_u8", bytes(&|s| vec![(s * 128.0 + 128.0) as u8])),
        (1, 16, "pcm_s16le", bytes(&|s| ((s * 32_768.0) as i16).to_le_bytes().to_vec())),
        (1, 24, "pcm_s24le", bytes(&|s| ((s * 8_388_608.0) as i32).to_le_bytes()[..3].to_vec())),
        (1, 32, "pcm_s32le", bytes(&|s| ((f64::from(s) * 2_147_483_648.0) as i32).to_le_bytes().to_vec())),
        (3, 32, "pcm_f32le", bytes(&|s| s.to_le_bytes().to_vec())),
        (3, 64, "pcm_f64le", bytes(&|s| f64::from(s).to_le_bytes().to_vec())),
    ];
    for (tag, bits, codec, data) in cases {
        for extensible in [None, Some(tag)] {
            let file = Wav { tag, bits, extensible, data: data.clone(), ..Wav::default() }.bytes();
            let wave = decode_bytes(file.clone(), None).unwrap();
            assert_eq!(wave.samples(), ramp, "tag {tag}, {bits} bits, {extensible:?}");
            let probe = probe_bytes(file, None).unwrap();
            assert_eq!((probe.format, probe.codec, probe.channels), (Format::Wav, codec, 1));
            assert_eq!(probe.sample_rate, 16_000);
            assert_eq!(probe.seconds, Some(0.001));
        }
    }
}

#[test]
fn companded_files_decode() {
    for (tag, quiet) in [(6, 0xD5), (7, 0xFF)] {
        let wave = decode_bytes(Wav { tag, bits: 8, data: vec![quiet; 80], ..Wav::default() }.bytes(), None).unwrap();
        assert_eq!(wave.len(), 80);
        assert!(wave.samples().iter().all(|sample| sample.abs() < 0.001), "tag {tag}");
    }
}

#[test]
fn twenty_four_bits_in_four_bytes_are_left_justified() {
    let data = [0x4000_0000_i32, i32::MIN, 0x0000_0100].iter().flat_map(|s| s.to_le_bytes()).collect();
    let file = Wav { bits: 24, block_align: Some(4), data, ..Wav::default() }.bytes();
    assert_eq!(decode_bytes(file, None).unwrap().samples(), [0.5, -1.0, 1.0 / 8_388_608.0]);
}

#[test]
fn channels_are_mixed_down_by_their_mean() {
    for channels in [1_u16, 2, 3, 6, 64, 1_000] {
        // Frame n holds n in its first channel and n + 1 in all others.
        let frame = |n: i16| (0..channels).flat_map(move |c| (1_024 * (n + i16::from(c > 0))).to_le_bytes());
        let data: Vec<u8> = (0..20).flat_map(frame).collect();
        let wave = decode_bytes(Wav { channels, data, ..Wav::default() }.bytes(), None).unwrap();
        assert_eq!(wave.len(), 20);
        for (n, sample) in wave.samples().iter().enumerate() {
            let mean = (n as f64 + 1.0 - 1.0 / f64::from(channels)) / 32.0;
            assert!((f64::from(*sample) - mean).abs() < 1e-6, "{channels} channels, frame {n}: {sample}");
        }
    }
}

#[test]
fn placeholders_for_a_length_mean_until_the_end() {
    let sizes = [
        (0, 0),
        (36, 0),
        (u32::MAX, u32::MAX),
        (0, u32::MAX),
        (0x7FFF_F024, 0x7FFF_F000),
        (0x7FFF_FF24, 0x7FFF_FF00),
        (u32::MAX, u32::MAX - 36),
    ];
    for (riff_size, data_size) in sizes {
        let wav = Wav { riff_size: Some(riff_size), data_size: Some(data_size), ..Wav::default() };
        let wave = decode_bytes(wav.bytes(), None).unwrap();
        assert_eq!(wave.len(), 1_600, "sizes {riff_size:#X} and {data_size:#X}");
    }
}

#[test]
fn other_chunks_and_odd_sizes_are_skipped() {
    let plain = Wav::default().bytes();
    let (head, rest) = plain.split_at(12);
    let list = [b"LIST\x05\0\0\0INFOx\0", b"bext\0\0\0\0".as_slice()].concat();
    let file = [head, &list, rest, b"id3 \x04\0\0\0abcd"].concat();
    assert_eq!(decode_bytes(file, None).unwrap().len(), 1_600);
}

#[test]
fn a_fragment_of_a_frame_at_the_end_is_dropped() {
    let file = Wav { channels: 2, data: vec![0; 4_003], ..Wav::default() }.bytes();
    assert_eq!(decode_bytes(file, None).unwrap().len(), 1_000);
}

#[test]
fn files_beyond_four_gigabytes_declare_their_size_elsewhere() {
    let plain = Wav { data_size: Some(u32::MAX), ..Wav::default() }.bytes();
    let sizes = |data: u64| {
        let fields = [4_000_u64, data, 1_600].map(u64::to_le_bytes).concat();
        [b"ds64\x1C\0\0\0".as_slice(), &fields, &[0; 4]].concat()
    };
    for magic in [b"RF64", b"BW64"] {
        let file = |data| [magic, &[0xFF; 4][..], b"WAVE", &sizes(data), &plain[12..]].concat();
        assert_eq!(decode_bytes(file(3_200), None).unwrap().len(), 1_600);
        let cut = decode_bytes(file(32_000), None).unwrap_err();
        assert!(matches!(cut, AudioError::Truncated { expected: 1.0, actual: 0.1, .. }), "{cut}");
    }
}

#[test]
fn written_files_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tone.wav");
    let samples: Vec<f32> = (0..1_000).map(|n| (0.99 * (f64::from(n) * 0.01).sin()) as f32).collect();
    let wave = Waveform::new(samples, 22_050).unwrap();
    for (encoding, step) in
        [(WavEncoding::Pcm16, 1.0 / 65_536.0), (WavEncoding::Pcm24, 1.0 / 16_777_216.0), (WavEncoding::Float32, 0.0)]
    {
        write_wav(&path, &wave, encoding).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), wav_bytes(&wave, encoding).unwrap());
        let back = decode_path(&path).unwrap();
        assert_eq!((back.len(), back.sample_rate()), (1_000, 22_050));
        let worst = wave.samples().iter().zip(back.samples()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst <= step, "{encoding:?}: {worst}");
        // A second turn changes nothing more.
        assert_eq!(decode_bytes(wav_bytes(&back, encoding).unwrap(), None).unwrap(), back);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "temporary files are left");
}

#[cfg(unix)]
#[test]
fn written_files_have_the_permissions_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let [ours, other] = ["ours.wav", "other"].map(|name| folder.path().join(name));
    write_wav(&ours, &Waveform::new(vec![0.5], 8_000).unwrap(), WavEncoding::Pcm16).unwrap();
    std::fs::write(&other, "").unwrap();
    let [ours, other] = [ours, other].map(|path| std::fs::metadata(path).unwrap().permissions().mode());
    assert_eq!(ours, other);
}

#[test]
fn integers_are_clipped_and_floats_are_not() {
    let wave = Waveform::new(vec![2.0, -2.0, 1.0, -1.0], 8_000).unwrap();
    let back = |encoding| decode_bytes(wav_bytes(&wave, encoding).unwrap(), None).unwrap().into_samples();
    let top = 32_767.0 / 32_768.0;
    assert_eq!(back(WavEncoding::Pcm16), [top, -1.0, top, -1.0]);
    assert_eq!(back(WavEncoding::Float32), wave.samples());
}

#[test]
fn a_failed_write_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let wave = Waveform::new(vec![0.5], 8_000).unwrap();
    let missing = folder.path().join("missing/tone.wav");
    let error = write_wav(&missing, &wave, WavEncoding::Pcm16).unwrap_err();
    assert!(error.to_string().contains("tone.wav"), "{error}");
    // A folder of that name cannot be replaced by a file.
    let taken = folder.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    assert!(matches!(write_wav(&taken, &wave, WavEncoding::Pcm16), Err(AudioError::Io { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "temporary files are left");
}
