//! What all estimators have in common.

use std::f64::consts::TAU;

use super::*;
use crate::error::FeatureError;

type Estimator = fn(&[f32], u32) -> Result<Vec<Fundamental>, FeatureError>;

/// All of them, for 50 to 600 Hz, with their largest relative error on steady voices.
const ESTIMATORS: [(&str, Estimator, f64); 3] = [
    // The dip is a parabola only where the highest partial is sampled finely.
    ("yin", |samples, rate| yin(samples, rate, &YinParams { low: 50.0, ..YinParams::default() }), 0.002),
    // Pitches are a tenth of a semitone apart, 0.6 %, and frames end.
    ("pyin", |samples, rate| pyin(samples, rate, &pyin_params(rate)), 0.01),
    (
        "autocorrelation",
        |samples, rate| f0_autocorrelation(samples, rate, &AutocorrelationParams { low: 50.0, ..Default::default() }),
        0.001,
    ),
];

/// Five periods of 60 Hz or more fit into a frame; see [`PyinParams::frame`].
fn pyin_params(rate: u32) -> PyinParams {
    PyinParams { low: 50.0, frame: if rate > 22_050 { 4096 } else { 2048 }, ..PyinParams::default() }
}

fn harmonics(hertz: f64, rate: u32, seconds: f64, parts: &[f64]) -> Vec<f32> {
    let sample = |n: usize| {
        let phase = n as f64 * hertz / f64::from(rate) * TAU;
        parts.iter().enumerate().map(|(k, part)| part * ((k + 1) as f64 * phase).sin()).sum::<f64>() as f32
    };
    (0..(f64::from(rate) * seconds) as usize).map(sample).collect()
}

fn noise(count: usize) -> Vec<f32> {
    let mut state = 1_u32;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    })
    .take(count)
    .collect()
}

/// Frames that lie whole inside the signal for every estimator: half a frame of pYIN from both ends.
fn inside(frames: Vec<Fundamental>, samples: usize, rate: u32) -> Vec<Fundamental> {
    let margin = pyin_params(rate).frame as f64 / 2.0 / f64::from(rate);
    let end = samples as f64 / f64::from(rate) - margin;
    frames.into_iter().filter(|frame| (margin..=end).contains(&frame.seconds)).collect()
}

#[test]
fn voices_have_their_fundamental_with_and_without_its_partial() {
    for (name, estimate, bound) in ESTIMATORS {
        let mut worst = (0.0, String::new());
        for rate in [8000, 16_000, 44_100] {
            for hertz in [60.0, 83.0, 110.0, 146.8, 233.3, 370.0, 500.0] {
                for parts in [&[1.0][..], &[0.5, 0.4, 0.3, 0.2], &[0.0, 0.6, 0.5, 0.4]] {
                    let voice = harmonics(hertz, rate, 0.4, parts);
                    let frames = inside(estimate(&voice, rate).unwrap(), voice.len(), rate);
                    assert!(frames.len() >= 3, "{name}, {hertz} Hz at {rate}: {}", frames.len());
                    for frame in frames {
                        let found =
                            frame.hertz.unwrap_or_else(|| panic!("{name}, {hertz} Hz at {rate}, {parts:?}: {frame:?}"));
                        let error: f64 = (found / hertz - 1.0).abs();
                        if error > worst.0 {
                            worst = (error, format!("{hertz} Hz at {rate}, {parts:?}: {found}"));
                        }
                    }
                }
            }
        }
        assert!(worst.0 < bound, "{name}: {worst:?}");
    }
}

#[test]
fn gain_changes_nothing() {
    let voice: Vec<f32> =
        harmonics(150.0, 16_000, 0.5, &[0.5, 0.3]).iter().zip(noise(8000)).map(|(v, n)| v + 0.05 * n).collect();
    let scaled = |gain: f32| voice.iter().map(|sample| gain * sample).collect::<Vec<_>>();
    for (name, estimate, _) in ESTIMATORS {
        let once = estimate(&voice, 16_000).unwrap();
        // Powers of two are exact.
        for gain in [1.0 / 1024.0, 4096.0] {
            assert_eq!(once, estimate(&scaled(gain), 16_000).unwrap(), "{name} {gain}");
        }
        for (a, b) in once.iter().zip(estimate(&scaled(0.3), 16_000).unwrap()) {
            let same = a.hertz.is_some() == b.hertz.is_some();
            let close = (a.hertz.unwrap_or(1.0) / b.hertz.unwrap_or(1.0) - 1.0).abs() < 1e-4;
            assert!(same && close && (a.aperiodicity - b.aperiodicity).abs() < 1e-4, "{name}: {a:?} {b:?}");
        }
    }
}

#[test]
fn silence_and_constants_are_unvoiced() {
    for (name, estimate, _) in ESTIMATORS {
        for constant in [0.0, 1e-38, 0.1, -1e15] {
            let frames = estimate(&vec![constant; 8000], 16_000).unwrap();
            assert!(frames.iter().all(|frame| frame.hertz.is_none()), "{name} {constant}");
            let aperiodic = |frame: &Fundamental| frame.aperiodicity == 1.0;
            assert!(constant != 0.0 || frames.iter().all(aperiodic), "{name}");
        }
    }
}

#[test]
fn noise_is_mostly_unvoiced() {
    let noise = noise(48_000);
    let defaults: [(&str, Vec<Fundamental>, f64, f64); 3] = [
        ("yin", yin(&noise, 16_000, &YinParams::default()).unwrap(), 0.0, 0.6),
        // pYIN believes in dips that happen to lie close together, however improbable they are: 27 of 94 frames here, as many as librosa.
        ("pyin", pyin(&noise, 16_000, &PyinParams::default()).unwrap(), 0.3, 0.98),
        ("autocorrelation", f0_autocorrelation(&noise, 16_000, &AutocorrelationParams::default()).unwrap(), 0.01, 0.4),
    ];
    for (name, frames, bound, aperiodic) in defaults {
        let voiced = frames.iter().filter(|frame| frame.hertz.is_some()).count();
        let least = frames.iter().map(|frame| frame.aperiodicity).fold(1.0, f64::min);
        assert!(voiced as f64 <= bound * frames.len() as f64, "{name}: {voiced} of {}", frames.len());
        assert!(least > aperiodic, "{name}: {least}");
    }
}

#[test]
fn every_length_and_level_is_defined() {
    let tone = harmonics(200.0, 8000, 0.5, &[1.0]);
    for (name, estimate, _) in ESTIMATORS {
        assert!(estimate(&[], 8000).unwrap().is_empty(), "{name}");
        let mut count = 0;
        for length in [1, 2, 361, 362, 480, 481, 1023, 1024, 1025, 2047, 2048, 2049, 4000] {
            for gain in [1.0, 1e-38, 1e15] {
                let samples: Vec<f32> = tone[..length].iter().map(|sample| gain * sample).collect();
                let frames = estimate(&samples, 8000).unwrap();
                assert!(frames.len() >= count, "{name} {length}");
                count = frames.len();
                for frame in frames {
                    assert!((0.0..=0.5).contains(&frame.seconds), "{name} {length}: {frame:?}");
                    assert!(frame.aperiodicity.is_finite(), "{name} {length} {gain}: {frame:?}");
                    assert!(frame.hertz.is_none_or(|hertz| (49.0..=601.0).contains(&hertz)), "{name}: {frame:?}");
                }
            }
        }
        for bad in [f32::NAN, f32::INFINITY, 2e15] {
            let error = estimate(&[0.0, bad], 8000).unwrap_err();
            assert!(matches!(error, FeatureError::Sample { index: 1, .. }), "{name}: {error}");
        }
    }
}

#[test]
fn parameters_out_of_range_are_named() {
    let good = YinParams::default();
    for (name, params) in [
        ("low", YinParams { low: 0.0, ..good }),
        ("low", YinParams { low: f64::NAN, ..good }),
        ("high", YinParams { high: 60.0, ..good }),
        ("high", YinParams { high: 2500.0, ..good }),
        ("threshold", YinParams { threshold: 1.5, ..good }),
        ("window", YinParams { window: 0.0, ..good }),
        ("hop", YinParams { hop: f64::NAN, ..good }),
    ] {
        assert_named(yin(&[0.0; 100], 8000, &params), name);
    }
    let good = PyinParams::default();
    for (name, params) in [
        ("low", PyinParams { low: 3.9, ..good }),
        ("low", PyinParams { low: f64::NAN, ..good }),
        ("low", PyinParams { frame: 100, ..good }),
        ("high", PyinParams { high: 65.0, ..good }),
        ("high", PyinParams { high: 4001.0, ..good }),
        ("frame", PyinParams { frame: 31, ..good }),
        ("frame", PyinParams { frame: 8193, ..good }),
        ("hop", PyinParams { hop: 0, ..good }),
        ("thresholds", PyinParams { thresholds: 0, ..good }),
        ("beta", PyinParams { beta: 0.0, ..good }),
        ("boltzmann", PyinParams { boltzmann: 0.0, ..good }),
        ("resolution", PyinParams { resolution: 1.1, ..good }),
        ("max_transition_rate", PyinParams { max_transition_rate: -1.0, ..good }),
        ("switch_probability", PyinParams { switch_probability: 1.1, ..good }),
        ("no_trough_probability", PyinParams { no_trough_probability: f64::NAN, ..good }),
    ] {
        assert_named(pyin(&[0.0; 100], 8000, &params), name);
    }
    let good = AutocorrelationParams::default();
    for (name, params) in [
        ("low", AutocorrelationParams { low: 1.5, ..good }),
        ("low", AutocorrelationParams { low: f64::NAN, ..good }),
        ("high", AutocorrelationParams { high: 60.0, ..good }),
        ("high", AutocorrelationParams { high: 2001.0, ..good }),
        ("hop", AutocorrelationParams { hop: 0.0001, ..good }),
        ("candidates", AutocorrelationParams { candidates: 0, ..good }),
        ("silence_threshold", AutocorrelationParams { silence_threshold: -0.1, ..good }),
        ("voicing_threshold", AutocorrelationParams { voicing_threshold: 1.1, ..good }),
        ("octave_cost", AutocorrelationParams { octave_cost: f64::NAN, ..good }),
        ("octave_jump_cost", AutocorrelationParams { octave_jump_cost: 11.0, ..good }),
        ("voicing_cost", AutocorrelationParams { voicing_cost: -1.0, ..good }),
    ] {
        assert_named(f0_autocorrelation(&[0.0; 100], 8000, &params), name);
    }
}

fn assert_named(result: Result<Vec<Fundamental>, FeatureError>, expected: &str) {
    let error = result.unwrap_err();
    assert!(matches!(error, FeatureError::Parameter { name, .. } if name == expected), "{expected}: {error}");
}

#[test]
fn parameters_at_the_ends_of_their_ranges_are_heard() {
    let voice = harmonics(180.0, 8000, 0.1, &[0.5, 0.3]);
    let good = PyinParams::default();
    for params in [
        PyinParams { frame: 33, low: 251.0, high: 4000.0, hop: 1, ..good },
        PyinParams { low: 100.0, high: 100.000_000_000_000_03, ..good },
        PyinParams { hop: 1 << 20, max_transition_rate: 1000.0, ..good },
        PyinParams { thresholds: 1, resolution: 1.0, max_transition_rate: 0.0, ..good },
        PyinParams { thresholds: 1000, beta: 0.1, boltzmann: 0.001, ..good },
        PyinParams { resolution: 0.02, beta: 1000.0, boltzmann: 100.0, ..good },
        PyinParams { switch_probability: 0.0, no_trough_probability: 0.0, ..good },
        PyinParams { switch_probability: 1.0, no_trough_probability: 1.0, ..good },
    ] {
        let frames = pyin(&voice, 8000, &params).unwrap();
        assert_eq!(frames.len(), 1 + (voice.len() - params.frame % 2) / params.hop, "{params:?}");
        assert!(frames.iter().all(|frame| (0.0..=1.0).contains(&frame.aperiodicity)), "{params:?}");
    }
    let good = AutocorrelationParams { low: 100.0, ..AutocorrelationParams::default() };
    for params in [
        AutocorrelationParams { low: 100.0, high: 100.000_000_000_000_03, ..good },
        AutocorrelationParams { high: 2000.0, candidates: 1, hop: 1.0 / 8000.0, ..good },
        AutocorrelationParams { low: 1999.0, high: 2000.0, hop: 1.0, ..good },
        AutocorrelationParams { silence_threshold: 0.0, voicing_threshold: 0.0, octave_cost: 0.0, ..good },
        AutocorrelationParams { octave_jump_cost: 0.0, voicing_cost: 10.0, octave_cost: 1.0, ..good },
    ] {
        let frames = f0_autocorrelation(&voice, 8000, &params).unwrap();
        assert!(!frames.is_empty(), "{params:?}");
        assert!(frames.iter().all(|frame| (0.0..=1.0).contains(&frame.aperiodicity)), "{params:?}");
    }
}
