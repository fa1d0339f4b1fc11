//! Files with random damage: every one ends in samples or in an error, soon and without a panic.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test, as it should")]

mod common;

use proptest::prelude::*;
use stimmung_audio::{Stream, decode_bytes, probe_bytes};

/// One thing done to a file: a byte set, a word set to an extreme, a stretch copied, an insertion, a cut.
#[derive(Clone, Debug)]
enum Damage {
    Byte(prop::sample::Index, u8),
    Word(prop::sample::Index, u32),
    Copy(prop::sample::Index, prop::sample::Index, usize),
    Insert(prop::sample::Index, Vec<u8>),
    Cut(prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let extreme = prop::sample::select(vec![0, 1, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, u32::MAX]);
    prop_oneof![
        4 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        2 => (any::<prop::sample::Index>(), extreme).prop_map(|(at, word)| Damage::Word(at, word)),
        1 => (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1..40_usize)
            .prop_map(|(from, to, len)| Damage::Copy(from, to, len)),
        1 => (any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 1..9))
            .prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        1 => any::<prop::sample::Index>().prop_map(Damage::Cut),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    if bytes.len() < 50 {
        return;
    }
    // Headers are where the decisions fall: half of the damage goes to the first 400 bytes.
    let place = |at: &prop::sample::Index, len: usize| {
        let any = at.index(2 * len);
        if any < len { any } else { (any - len).min(len - 1) % 400.min(len) }
    };
    let len = bytes.len();
    match damage {
        Damage::Byte(at, byte) => bytes[place(at, len)] = *byte,
        Damage::Word(at, word) => {
            let at = place(at, len - 4);
            let word = if at % 2 == 0 { word.to_le_bytes() } else { word.to_be_bytes() };
            bytes[at..at + 4].copy_from_slice(&word);
        }
        Damage::Copy(from, to, count) => {
            let (from, to) = (place(from, len - count), place(to, len - count));
            bytes.copy_within(from..from + count, to);
        }
        Damage::Insert(at, new) => {
            let at = place(at, len);
            bytes.splice(at..at, new.iter().copied());
        }
        Damage::Cut(at) => bytes.truncate(at.index(len)),
    }
}

fn files() -> Vec<(String, Vec<u8>)> {
    let mut files = common::fixtures();
    let data: Vec<u8> = (0..3_000_u32).map(|n| (n * n / 7) as u8).collect();
    for (tag, bits, channels) in [(1, 16, 1), (1, 24, 2), (3, 32, 1), (3, 64, 3), (6, 8, 1)] {
        let wav = common::Wav { tag, bits, channels, data: data.clone(), ..common::Wav::default() };
        files.push((format!("{tag}-{bits}-{channels}.wav"), wav.bytes()));
    }
    files
}

/// Checks what must hold of any bytes.
fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let decoded = decode_bytes(bytes, None);
    if let Ok(wave) = &decoded {
        prop_assert!(!wave.is_empty());
        prop_assert!(wave.samples().iter().all(|sample| sample.is_finite()));
    }
    if let Err(error) = &decoded {
        prop_assert!(!error.to_string().is_empty());
    }
    // Whatever decodes can be looked at, and decodes the same again.
    let probed = probe_bytes(bytes, None);
    if let Ok(wave) = decoded {
        prop_assert_eq!(probed.map(|probe| probe.sample_rate).ok(), Some(wave.sample_rate()));
        let mut stream = Stream::from_bytes(bytes, None).expect("it decoded before");
        let mut count = 0;
        while let Some(block) = stream.next_block().expect("it decoded before") {
            count += block.len();
        }
        prop_assert_eq!(count, wave.len());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_end_in_samples_or_an_error(
        file in any::<prop::sample::Index>(),
        damages in prop::collection::vec(damage(), 1..6),
    ) {
        let files = files();
        let (_, mut bytes) = files[file.index(files.len())].clone();
        for damage in &damages {
            apply(&mut bytes, damage);
        }
        check(&bytes)?;
    }

    #[test]
    fn noise_is_not_taken_for_audio_for_long(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        check(&bytes)?;
    }

    #[test]
    fn a_header_before_noise_is_survived(
        file in any::<prop::sample::Index>(),
        keep in 4..200_usize,
        noise in prop::collection::vec(any::<u8>(), 0..2_000),
    ) {
        let files = files();
        let (_, bytes) = &files[file.index(files.len())];
        check(&[&bytes[..keep.min(bytes.len())], &noise].concat())?;
    }
}
