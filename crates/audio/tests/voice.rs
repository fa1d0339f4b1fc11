//! Properties of voice activity, on signals and, where `STIMMUNG_CORPORA` names them, on real recordings.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test, as it should")]

use std::f64::consts::TAU;
use std::path::PathBuf;

use proptest::prelude::*;
use stimmung_audio::{AudioError, FRAME_SECONDS, VoiceActivity, VoiceActivityParams, Waveform, decode_path};

const RATES: [u32; 4] = [8_000, 16_000, 44_100, 48_000];

fn params() -> VoiceActivityParams {
    VoiceActivityParams::default()
}

fn noise(len: usize, level: f32) -> Vec<f32> {
    let mut state = 11_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (f64::from(state) / f64::from(u32::MAX) - 0.5) as f32
    };
    (0..len).map(|_| level * next()).collect()
}

/// Something like a voice: pulses through two formants that wander from syllable to syllable, four a second.
fn voice(seconds: f64) -> Vec<f32> {
    let rate = 16_000.0;
    let mut memory = [[0.0_f64; 2]; 2];
    let mut phase = 0.0;
    (0..(seconds * rate) as usize)
        .map(|n| {
            let time = n as f64 / rate;
            phase += (130.0 + 25.0 * (TAU * 0.7 * time).sin()) / rate;
            let pulse = if phase >= 1.0 { 1.0 } else { 0.0 };
            phase -= pulse;
            let swing = (TAU * 2.0 * time).sin();
            let mut sound = pulse;
            for ([one, two], (hertz, width)) in
                memory.iter_mut().zip([(550.0 + 200.0 * swing, 80.0), (1500.0 - 400.0 * swing, 120.0)])
            {
                let radius = (-std::f64::consts::PI * width / rate).exp();
                let next = sound + 2.0 * radius * (TAU * hertz / rate).cos() * *one - radius * radius * *two;
                (*two, *one) = (*one, next);
                sound = next * (1.0 - radius);
            }
            (8.0 * sound * (TAU * 4.0 * time).sin().mul_add(0.5, 0.55)) as f32
        })
        .collect()
}

fn decisions(samples: &[f32], rate: u32, block: usize) -> Vec<bool> {
    let mut activity = VoiceActivity::new(params(), rate).unwrap();
    let mut frames = Vec::new();
    for block in samples.chunks(block) {
        frames.extend(activity.push(block).unwrap());
    }
    frames.extend(activity.finish());
    frames
}

/// The share of decisions that differ.
fn changed(one: &[bool], other: &[bool]) -> f64 {
    assert_eq!(one.len(), other.len());
    one.iter().zip(other).filter(|(one, other)| one != other).count() as f64 / one.len() as f64
}

#[test]
fn a_voice_between_silences_is_found_where_it_is() {
    let samples = [noise(32_000, 1e-4), voice(3.0), noise(32_000, 1e-4)].concat();
    for rate in RATES {
        let wave = Waveform::new(samples.clone(), 16_000).unwrap().resample(rate).unwrap();
        let regions = wave.speech(params()).unwrap();
        let (first, last) = (regions.first().unwrap(), regions.last().unwrap());
        assert!((1.7..2.3).contains(&first.start) && (4.7..5.4).contains(&last.end), "{rate}: {regions:?}");
        let speech: f64 = regions.iter().map(stimmung_audio::SpeechRegion::seconds).sum();
        assert!(speech > 2.5, "{rate}: {regions:?}");
    }
}

#[test]
fn what_is_no_voice_is_none() {
    for rate in RATES {
        let second = rate as usize;
        let tone = |hertz: f64| {
            (0..3 * second).map(|n| (0.3 * (TAU * hertz * n as f64 / f64::from(rate)).sin()) as f32).collect()
        };
        for (what, samples) in [
            ("silence", vec![0.0; 3 * second]),
            ("offset", vec![0.4; 3 * second]),
            ("hiss", noise(3 * second, 0.01)),
            // Louder noise at 8 kHz, which fills half of the detector's band, passes for speech.
            ("noise", noise(3 * second, if rate == 8_000 { 0.03 } else { 0.3 })),
            ("tone", tone(1000.0)),
        ] {
            let wave = Waveform::new(samples, rate).unwrap();
            let speech: f64 = wave.speech(params()).unwrap().iter().map(stimmung_audio::SpeechRegion::seconds).sum();
            assert!(speech < 0.4, "{what} at {rate}: {speech}");
        }
    }
}

#[test]
fn there_is_a_decision_for_every_frame_that_was_begun() {
    for rate in RATES {
        for len in [0, 1, 2, 255, 256, 257, 4_000, 33_333] {
            let expected = (len as u128 * 16_000).div_ceil(u128::from(rate)).div_ceil(256) as usize;
            assert_eq!(decisions(&vec![0.1; len], rate, 500).len(), expected, "{len} at {rate}");
        }
    }
    let wave = Waveform::new(voice(1.0), 16_000).unwrap();
    assert!(wave.speech(params()).unwrap().iter().all(|region| region.end <= 1.0));
}

#[test]
fn samples_beyond_full_scale_are_heard_as_cut() {
    let loud: Vec<f32> = voice(2.0).iter().map(|sample| sample * 1e6).collect();
    let cut: Vec<f32> = loud.iter().map(|sample| sample.clamp(-1.0, 1.0)).collect();
    assert_eq!(decisions(&loud, 16_000, 999), decisions(&cut, 16_000, 999));
    decisions(&vec![f32::MAX; 9_000], 44_100, 999);
}

#[test]
fn decisions_come_soon() {
    let mut activity = VoiceActivity::new(params(), 16_000).unwrap();
    let mut heard = 0;
    for (number, block) in (1..).zip(voice(4.0).chunks(1_600)) {
        heard += activity.push(block).unwrap().len();
        let behind = f64::from(number) * 0.1 - heard as f64 * FRAME_SECONDS;
        assert!(behind < 0.6, "{behind} s behind after {number} blocks");
    }
}

#[test]
fn numbers_and_parameters_are_checked() {
    let mut activity = VoiceActivity::new(params(), 16_000).unwrap();
    activity.push(&[0.0; 300]).unwrap();
    let error = activity.push(&[0.0, f32::INFINITY]).unwrap_err();
    assert!(matches!(error, AudioError::NonFinite { index: 301, .. }), "{error}");
    assert!(matches!(VoiceActivity::new(params(), 10), Err(AudioError::SampleRate { .. })));
    for (params, message) in [
        (VoiceActivityParams { onset: 1.5, ..params() }, "parameter `onset` is 1.5, expected 0 to 1"),
        (VoiceActivityParams { offset: 0.6, ..params() }, "parameter `offset` is 0.6, expected at most `onset`, 0.5"),
        (VoiceActivityParams { min_speech: -1.0, ..params() }, "parameter `min_speech` is -1, expected 0 to 10"),
        (VoiceActivityParams { min_pause: f64::NAN, ..params() }, "parameter `min_pause` is NaN, expected 0 to 10"),
    ] {
        assert_eq!(params.check().unwrap_err().to_string(), message);
    }
    let open = VoiceActivityParams { onset: 0.0, offset: 0.0, min_speech: 0.0, min_pause: 0.0, padding: 0.0 };
    let regions = Waveform::new(noise(16_000, 0.1), 16_000).unwrap().speech(open).unwrap();
    assert_eq!((regions.len(), regions[0].start, regions[0].end), (1, 0.0, 1.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn blocks_change_nothing(block in 1_usize..20_000, rate in proptest::sample::select(&RATES)) {
        let samples = [voice(0.8), vec![0.0; 8_000], voice(0.7)].concat();
        prop_assert_eq!(decisions(&samples, rate, block), decisions(&samples, rate, samples.len()));
    }
}

/// Every twentieth recording of Emo-DB: people who speak from end to end.
fn emodb() -> Vec<Waveform> {
    let Some(folder) = std::env::var_os("STIMMUNG_CORPORA").map(|folder| PathBuf::from(folder).join("emodb/wav"))
    else {
        return Vec::new();
    };
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().step_by(20).map(|file| decode_path(file).unwrap()).collect()
}

#[test]
fn people_are_heard_at_any_usual_level_and_rate() {
    for wave in emodb() {
        let base = decisions(wave.samples(), wave.sample_rate(), 4_096);
        let speech = base.iter().filter(|&&speech| speech).count() as f64 / base.len() as f64;
        assert!(speech > 0.6, "{speech}");
        let wide = wave.resample(48_000).unwrap();
        assert!(changed(&base, &decisions(wide.samples(), 48_000, 4_096)) < 0.02);
    }
    for (decibels, most) in [(-20.0, 0.05), (-10.0, 0.03), (6.0, 0.03)] {
        let gain = 10_f32.powf(decibels / 20.0);
        let shares: Vec<f64> = emodb()
            .iter()
            .map(|wave| {
                let other: Vec<f32> = wave.samples().iter().map(|sample| gain * sample).collect();
                changed(&decisions(wave.samples(), 16_000, 4_096), &decisions(&other, 16_000, 4_096))
            })
            .collect();
        let mean = shares.iter().sum::<f64>() / shares.len().max(1) as f64;
        assert!(mean < most, "{decibels} dB: {mean}");
    }
}
