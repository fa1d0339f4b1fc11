//! Agreement of trimming, filtering, stretching and pitch shifting with librosa 0.11 and `SciPy` on synthesised signals: golden
//! values from `scripts/effects_golden.py`.

// The helpers of an integration test are not inside a `#[test]`, where clippy.toml allows these.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use serde::Deserialize;
use stimmung_audio::Waveform;

/// Every n-th value is golden.
const STEP: usize = 97;

/// Largest difference of each kind of change, the signals' peaks being near 1.
const TOLERANCES: &[(&str, f64)] = &[
    // Both in double precision, stored in single.
    ("wiener", 1e-6),
    // Phases are summed in single precision on both sides, and now and then one is rounded the other way.
    ("stretch", 1e-4),
    // librosa resamples with the SoX resampler, which cuts off lower and softer than ours: this is of a voice, whose top of
    // the spectrum is weak. Of noise and clicks with a full spectrum the difference is some hundredths.
    ("pitch", 1e-3),
];

#[derive(Deserialize)]
struct Golden {
    signals: BTreeMap<String, Signal>,
}

#[derive(Deserialize)]
struct Signal {
    trim: BTreeMap<String, [usize; 2]>,
    changed: BTreeMap<String, Table>,
}

#[derive(Deserialize)]
struct Table {
    len: usize,
    values: Vec<f64>,
}

fn golden() -> Golden {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/effects.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A linear congruential generator (Numerical Recipes), uniform in ±1.
fn lcg(count: usize) -> Vec<f64> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state) / 2_147_483_648.0 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// The signals of the script, by name.
fn signal(name: &str) -> Waveform {
    let formula =
        |count: usize, value: &dyn Fn(usize) -> f64| (0..count).map(|n| value(n) as f32).collect::<Vec<f32>>();
    let samples = match name {
        "voice" => {
            let noise = lcg(24_000);
            formula(24_000, &|n| {
                let t = n as f64 / 16_000.0;
                let phase = TAU * (120.0 * t + 40.0 * t * t);
                let tone: f64 = (1..16).map(f64::from).map(|h| (h * phase + h * h).sin() / h).sum();
                let loud = if (4_000..20_000).contains(&n) { (TAU * (t - 0.25)).sin().max(0.0) } else { 0.0 };
                0.6 * loud * tone + if n >= 1_500 { 0.0005 * noise[n] } else { 0.0 }
            })
        }
        "chirp" => formula(16_000, &|n| {
            let t = n as f64 / 16_000.0;
            (TAU * (100.0 * t + 5_900.0 * t * t / 2.0)).sin()
        }),
        "noise" => {
            let noise = lcg(8_000);
            formula(8_000, &|n| noise[n] * 10_f64.powf(-4.0 * (1.0 - n as f64 / 8_000.0)))
        }
        "clicks" => {
            let mut samples = vec![0.0; 6_400];
            (samples[2_600], samples[2_601], samples[4_000]) = (1.0, -0.5, 0.02);
            samples
        }
        "short" => formula(300, &|n| (0.07 * n as f64).sin()),
        other => panic!("the golden file has a signal {other:?} that this test does not know"),
    };
    Waveform::new(samples, 16_000).unwrap()
}

#[test]
fn the_same_samples_are_kept() {
    for (name, golden) in golden().signals {
        for (decibels, [start, end]) in golden.trim {
            let range = signal(&name).sounding(decibels.parse().unwrap()).unwrap();
            assert_eq!(range, start..end, "{name} at {decibels} dB");
        }
    }
}

#[test]
fn changed_signals_agree() {
    let mut worst = BTreeMap::<&str, (f64, String)>::new();
    for (name, golden) in golden().signals {
        for (change, table) in golden.changed {
            let (kind, amount) = change.split_once(' ').unwrap();
            let wave = signal(&name);
            let ours = match kind {
                "wiener" => wave.wiener(amount.parse().unwrap()),
                "stretch" => wave.time_stretch(amount.parse().unwrap()),
                "pitch" => wave.pitch_shift(amount.parse().unwrap()),
                other => panic!("the golden file has a change {other:?} that this test does not know"),
            }
            .unwrap();
            assert_eq!(ours.len(), table.len, "{name}, {change}");
            let differences =
                ours.samples().iter().step_by(STEP).zip(&table.values).map(|(a, b)| (f64::from(*a) - b).abs());
            let largest = differences.fold(0.0, f64::max);
            let kind = TOLERANCES.iter().find(|(known, _)| *known == kind).unwrap().0;
            let entry = worst.entry(kind).or_default();
            if largest >= entry.0 {
                *entry = (largest, format!("{name}, {change}"));
            }
        }
    }
    println!("{worst:?}");
    for (kind, tolerance) in TOLERANCES {
        let (largest, place) = &worst[kind];
        assert!(largest <= tolerance, "{kind}: {largest:e} in {place}");
    }
}
