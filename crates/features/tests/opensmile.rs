//! Agreement with openSMILE 2.6.0 on synthesised signals: golden values from `scripts/opensmile_golden.py`.

// The helpers of an integration test are not inside a `#[test]`, where clippy.toml allows these.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::path::Path;

use serde::Deserialize;
use stimmung_features::FeatureSet;

/// Largest difference of columns whose name holds the text, over the larger of the golden value and another. The first that fits counts.
type Tolerances = &'static [(&'static str, f64, f64)];

const EGEMAPS: Tolerances = &[("", 1e-4, 1e-3)];

const COMPARE: Tolerances = &[
    // The equations of the prediction are nearly singular for smooth contours, and are solved in single precision.
    // The first coefficient of such a contour is about −1.
    ("_lpc", 2e-2, 1.0),
    ("_lpgain", 1e-1, 1e-3),
    ("", 1e-3, 1e-3),
];

#[derive(Deserialize)]
struct Golden {
    columns: Vec<String>,
    signals: BTreeMap<String, Vec<f64>>,
}

/// The voice of the script.
fn voice(rate: u32, seconds: f64, hertz: f64) -> Vec<f32> {
    let rate = f64::from(rate);
    let mut state = 1_u32;
    (0..(rate * seconds).round() as usize)
        .map(|n| {
            let t = n as f64 / rate;
            let phase = TAU * hertz * t + 2.0 * (TAU * 5.0 * t).sin();
            let tone: f64 = (1..=30)
                .map(f64::from)
                .filter(|h| h * hertz < 0.45 * rate)
                .map(|h| {
                    let resonance = |at: f64| 1.0 / (1.0 + ((h * hertz - at) / 200.0).powi(2));
                    (resonance(600.0) + 0.4 * resonance(1500.0) + 0.02) * (h * phase).sin()
                })
                .sum();
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = f64::from(state) / 4_294_967_296.0 - 0.5;
            let burst = (TAU * 1.3 * t).sin().max(0.0);
            ((32_768.0 * (0.15 * burst * tone + 0.004 * noise)).round_ties_even() / 32_768.0) as f32
        })
        .collect()
}

/// Compares every `stride`-th column of a set with those of a file.
fn compare(file: &str, set: &FeatureSet, stride: usize, tolerances: Tolerances) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    let golden: Golden = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let columns: Vec<String> = set.columns(16_000).unwrap().into_iter().step_by(stride).collect();
    assert_eq!(golden.columns, columns);
    let mut failures = Vec::new();
    for (name, rate, seconds, hertz) in
        [("low", 16_000, 3.0, 110.0), ("high", 44_100, 2.0, 230.0), ("telephone", 8000, 2.5, 150.0)]
    {
        let found = set.extractor(rate).unwrap().extract_samples(&voice(rate, seconds, hertz)).unwrap();
        let found = found.into_iter().step_by(stride);
        assert_eq!((found.len(), golden.signals[name].len()), (columns.len(), columns.len()), "{name}");
        for ((column, expected), found) in columns.iter().zip(&golden.signals[name]).zip(found) {
            let (_, tolerance, least) = tolerances.iter().find(|(part, ..)| column.contains(part)).unwrap();
            let difference = (f64::from(found) - expected).abs() / expected.abs().max(*least);
            // What is no number is not near.
            if difference.is_nan() || difference > *tolerance {
                failures
                    .push(format!("{name} {column}: {found}, expected {expected} ({difference:.1e} > {tolerance:e})"));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn egemaps_of_voices_is_that_of_opensmile() {
    compare("opensmile.json", &FeatureSet::Egemaps, 1, EGEMAPS);
}

#[test]
fn compare_of_voices_is_that_of_opensmile() {
    compare("opensmile_compare.json", &FeatureSet::Compare2016, 11, COMPARE);
}
