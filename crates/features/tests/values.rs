//! Values of all sets on one signal, and the version that they have: who changes values raises [`VALUES_VERSION`], so that nobody takes
//! values that were kept for new ones.
//!
//! With `STIMMUNG_WRITE_VALUES=1` in the environment, this test writes `golden/values.json` anew. It refuses to where a value of a set that
//! is in it has changed and the version has not.

// The helpers of an integration test are not inside a `#[test]`, where clippy.toml allows these.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::path::Path;

use serde::{Deserialize, Serialize};
use stimmung_features::{FeatureSet, Level, VALUES_VERSION};

const RATE: u32 = 16_000;

/// Smaller forms of sets with many values.
const SETTINGS: &[(&str, &str)] = &[
    ("mfcc", "set = 'mfcc'\nn = 13\nsd = true"),
    ("mel", "set = 'mel'\nseconds = 0.2\nbands = 12"),
    ("waveform", "set = 'waveform'\nseconds = 0.002"),
    ("contours", "set = 'contours'\nseconds = 0.03"),
    (
        "own",
        "set = 'own'
        groups = [
            { of = 'egemaps-v02', descriptors = ['Loudness_sma3', 'F0*'], functionals = ['amean', 'linregc1', 'meanNonzeroSegLen'] },
            { of = 'compare-2016', descriptors = ['F0final_sma', 'pcm_RMSenergy_sma'], functionals = ['stddev', 'qregc1', 'lpc1'], frames = 'voiced' },
        ]",
    ),
];

/// Frames whose descriptors are kept.
const FRAMES: std::ops::Range<usize> = 12..15;

/// Largest relative difference: between processors the Fourier transform in double precision rounds differently.
const TOLERANCE: f64 = 1e-4;

#[derive(Serialize, Deserialize)]
struct Golden {
    version: u32,
    /// By set and level.
    values: BTreeMap<String, Vec<f32>>,
}

/// A voice that glides through two resonances, with noise and a pause.
fn signal() -> Vec<f32> {
    let rate = f64::from(RATE);
    let mut state = 9_u32;
    (0..RATE)
        .map(|n| {
            let t = f64::from(n) / rate;
            let hertz = 140.0 + 30.0 * t;
            let phase = TAU * (140.0 * t + 15.0 * t * t);
            let tone: f64 = (1..=40)
                .map(f64::from)
                .map(|h| {
                    let resonance = |at: f64| 1.0 / (1.0 + ((h * hertz - at) / 150.0).powi(2));
                    (resonance(650.0) + 0.5 * resonance(1400.0) + 0.2 * resonance(2600.0) + 0.02) * (h * phase).sin()
                })
                .sum();
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = f64::from(state) / f64::from(u32::MAX) - 0.5;
            let envelope = (TAU * 1.1 * t + 0.4).sin().max(0.0);
            (0.15 * envelope * tone + 0.01 * noise) as f32
        })
        .collect()
}

/// The names of the columns and their values, by set and level.
fn computed() -> BTreeMap<String, (Vec<String>, Vec<f32>)> {
    let signal = signal();
    let mut computed = BTreeMap::new();
    for name in FeatureSet::NAMES.iter().chain(&["own"]) {
        let set = match SETTINGS.iter().find(|(of, _)| of == name) {
            Some((_, settings)) => toml::from_str::<FeatureSet>(settings).unwrap(),
            None => FeatureSet::by_name(name).unwrap(),
        };
        let mut extractor = set.extractor(RATE).unwrap();
        let values = extractor.extract_samples(&signal).unwrap();
        computed.insert(format!("{name} {}", Level::Functionals), (set.columns(RATE).unwrap(), values));
        if let Ok(columns) = set.descriptor_names() {
            let table = extractor.descriptors(&signal).unwrap();
            let values = FRAMES.flat_map(|frame| table.frame(frame).to_vec()).collect();
            let columns = FRAMES.flat_map(|_| columns.clone()).collect();
            computed.insert(format!("{name} {}", Level::Descriptors), (columns, values));
        }
    }
    computed
}

/// What differs from the values that are kept.
fn changes(golden: &Golden, computed: &BTreeMap<String, (Vec<String>, Vec<f32>)>) -> Vec<String> {
    let mut changes = Vec::new();
    for (key, (columns, values)) in computed {
        let Some(kept) = golden.values.get(key) else { continue };
        if kept.len() != values.len() {
            changes.push(format!("{key}: {} values, there were {}", values.len(), kept.len()));
        }
        for ((column, value), kept) in columns.iter().zip(values).zip(kept) {
            let (value, kept) = (f64::from(*value), f64::from(*kept));
            if value.is_nan() || (value - kept).abs() > TOLERANCE * kept.abs() + 1e-7 {
                changes.push(format!("{key}: {column} is {value}, was {kept}"));
            }
        }
    }
    changes
}

#[test]
fn values_are_those_of_their_version() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/values.json");
    let golden: Option<Golden> = std::fs::read(&path).ok().map(|text| serde_json::from_slice(&text).unwrap());
    let computed = computed();
    let changes = golden.as_ref().map_or_else(Vec::new, |golden| changes(golden, &computed));
    if std::env::var_os("STIMMUNG_WRITE_VALUES").is_some() {
        let raised = golden.as_ref().is_none_or(|golden| golden.version < VALUES_VERSION);
        assert!(changes.is_empty() || raised, "values changed, so raise VALUES_VERSION first: {changes:#?}");
        let values = computed.into_iter().map(|(key, (_, values))| (key, values)).collect();
        let golden = Golden { version: VALUES_VERSION, values };
        std::fs::write(&path, serde_json::to_string(&golden).unwrap() + "\n").unwrap();
        return;
    }
    let golden = golden.unwrap();
    let how = "write them with STIMMUNG_WRITE_VALUES=1 cargo test -p stimmung-features --test values";
    assert!(changes.is_empty(), "values changed: if that is meant, raise VALUES_VERSION, then {how}. {changes:#?}");
    assert_eq!(golden.version, VALUES_VERSION, "these are the values of another version: {how}");
    assert!(computed.keys().eq(golden.values.keys()), "a set has no values here, or is gone: {how}");
}
