//! Agreement with librosa 0.11 on synthesised signals: golden values from `scripts/librosa_golden.py`.

// The helpers of an integration test are not inside a `#[test]`, where clippy.toml allows these.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::f64::consts::{PI, TAU};
use std::path::Path;

use serde::Deserialize;
use stimmung_features::{
    ChromaBank, ChromaParams, ConstantQ, ConstantQParams, ContrastParams, DecibelParams, FeatureSet, Frames,
    Fundamental, HpssParams, HpssSplitter, MelBank, MelNorm, MelParams, MelScale, MfccSet, PyinParams,
    SpectralContrast, Stft, StftParams, TuningParams, amplitude_to_db, chroma_cqt, chroma_stft, delta, estimate_tuning,
    hpss, mfcc, power_to_db, pyin, rms, tonnetz, zero_crossing_rate,
};

/// Largest difference of a kernel, in parts of the largest golden value of the table, or of 1 where the unit is the decibel
/// or a share. Why they are not all alike is said beside them.
const TOLERANCES: &[(&str, f64)] = &[
    // Both transforms are computed in double and stored in single precision.
    ("stft_real", 1e-7),
    ("stft_imaginary", 1e-7),
    ("magnitude", 1e-7),
    // Exact but for the order of sums in single precision.
    ("mel_bank_slaney_50", 1e-6),
    ("mel_bank_slaney_128", 1e-6),
    ("mel_bank_htk_40", 1e-6),
    ("mel_power", 1e-6),
    ("amplitude_db", 1e-6),
    ("mfcc_13", 1e-6),
    ("tuning_12", 0.0),
    ("tuning_36", 0.0),
    ("tuning_60", 0.0),
    ("tuning_80", 0.0),
    ("chroma_bank_12_0", 1e-6),
    ("chroma_bank_12_13", 1e-6),
    ("chroma_bank_60_0", 1e-6),
    ("chroma_bank_60_13", 1e-6),
    ("chroma_bank_80_0", 1e-6),
    ("chroma_bank_80_13", 1e-6),
    ("chroma_60", 1e-6),
    ("contrast", 1e-5),
    ("tonnetz_60", 1e-6),
    ("harmonic_mask", 1e-5),
    ("harmonic_signal", 1e-5),
    ("rms", 1e-6),
    ("zero_crossing_rate", 1e-7),
    ("delta_1", 1e-5),
    ("delta_2", 1e-5),
    // Between the octaves librosa halves the rate with the SoX resampler, we with a Kaiser window.
    ("constant_q", 1e-3),
    ("chroma_cqt", 1e-3),
    // Pitches are steps of 0.6 %: these are the same ones, but for single precision.
    ("pyin_f0", 1e-7),
    ("pyin_voiced", 0.0),
    ("pyin_probability", 1e-7),
    ("pyin_wide_f0", 1e-7),
    ("pyin_wide_voiced", 0.0),
    ("pyin_wide_probability", 1e-7),
    // The difference of an impulse is the same at all lags, so that rounding decides whether there is a dip, which has the probability
    // 0.01 then. In double precision librosa itself finds it in other frames.
    ("pyin_probability, impulse", 0.01),
    // Each group of columns of a set on its own.
    ("issa mfcc", 1e-6),
    ("issa chroma", 1e-6),
    ("issa mel", 1e-6),
    ("issa contrast", 1e-6),
    ("issa tonnetz", 1e-6),
    ("issa tonnetz, harmonic", 1e-3),
    ("mfcc", 1e-6),
    ("mel", 1e-6),
];

#[derive(Deserialize)]
struct Golden {
    samples: usize,
    sample_rate: u32,
    values: BTreeMap<String, Vec<f64>>,
}

/// The signals of the script, by name.
fn signal(name: &str) -> Vec<f32> {
    let formula = |count: usize, rate: f64, value: &dyn Fn(f64) -> f64| -> Vec<f32> {
        (0..count).map(|n| value(n as f64 / rate) as f32).collect()
    };
    match name {
        "chirp" => formula(9600, 16_000.0, &|t| 0.5 * (TAU * (100.0 * t + 5900.0 * t * t / 1.2)).sin()),
        "voice" => formula(17_640, 22_050.0, &|t| {
            let phase = TAU * 180.0 * t + 3.0 * (TAU * 5.5 * t).sin();
            let tone: f64 = (1..=20).map(|h| (f64::from(h) * phase).sin() / f64::from(h)).sum();
            0.3 * (PI * t / 0.8).sin() * tone
        }),
        "noise" => {
            let mut state = 1_u32;
            (0..13_230)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (f64::from(state) / 4_294_967_296.0 - 0.5) as f32
                })
                .collect()
        }
        "impulse" => (0..6000).map(|n| f32::from(u8::from(n == 3000))).collect(),
        "silence" => vec![0.0; 4000],
        "sample" => vec![0.5],
        "short" => formula(1200, 1.0, &|n| 0.4 * (0.07 * n).sin()),
        other => panic!("no formula for {other}"),
    }
}

fn thinned(table: &Frames, step: usize) -> Vec<f32> {
    table.values().iter().copied().step_by(step).collect()
}

/// A filter bank times the fixed vector.
fn probed(rows: usize, weight: impl Fn(usize, usize) -> f32) -> Vec<f32> {
    let product = |row| (0..1025).map(|bin| f64::from(weight(row, bin)) * (1.0 + (bin as f64).sin())).sum::<f64>();
    (0..rows).map(|row| product(row) as f32).collect()
}

/// What this crate computes for a golden value.
fn ours(key: &str, samples: &[f32], rate: u32) -> Vec<f32> {
    let mut stft = Stft::new(StftParams::default()).unwrap();
    let spectra = stft.magnitudes(samples);
    let number = |prefix: &str| key[prefix.len()..].parse::<usize>().unwrap();
    let mel_power = |bands: usize| {
        let bank = MelBank::new(&MelParams { bands, ..MelParams::default() }, rate, 2048).unwrap();
        let squared = spectra.values().iter().map(|value| value * value).collect();
        bank.apply(&Frames::from_rows(squared, 1025).unwrap()).unwrap()
    };
    let cepstra = |n: usize| {
        let mut mel = mel_power(128);
        power_to_db(mel.values_mut(), &DecibelParams::default()).unwrap();
        mfcc(&mel, n).unwrap()
    };
    let chroma = || {
        let params = ChromaParams { bins: 60, ..ChromaParams::default() };
        chroma_stft(&spectra, &params, rate).unwrap()
    };
    let constant_q = || {
        let params = ConstantQParams::default();
        ConstantQ::new(params, rate).unwrap().magnitudes(samples, 0.21).unwrap()
    };
    let set = |set: FeatureSet| set.extractor(rate).unwrap().extract_samples(samples).unwrap();
    match key {
        "stft_real" | "stft_imaginary" => {
            let spectrogram = stft.spectrogram(samples);
            let part =
                |value: &realfft::num_complex::Complex<f32>| if key == "stft_real" { value.re } else { value.im };
            let all = (0..spectrogram.frames()).flat_map(|frame| spectrogram.frame(frame).iter().map(part));
            all.step_by(97).collect()
        }
        "magnitude" => thinned(&spectra, 97),
        "mel_bank_htk_40" => {
            let params =
                MelParams { bands: 40, low: 60.0, high: Some(7000.0), scale: MelScale::Htk, norm: MelNorm::None };
            let bank = MelBank::new(&params, rate, 2048).unwrap();
            probed(40, |band, bin| bank.weight(band, bin))
        }
        _ if key.starts_with("mel_bank_slaney_") => {
            let bands = number("mel_bank_slaney_");
            let bank = MelBank::new(&MelParams { bands, ..MelParams::default() }, rate, 2048).unwrap();
            probed(bands, |band, bin| bank.weight(band, bin))
        }
        "mel_power" => thinned(&mel_power(64), 23),
        "amplitude_db" => {
            let mut table = spectra.clone();
            amplitude_to_db(table.values_mut(), &DecibelParams { floor: 1e-5, ..DecibelParams::default() }).unwrap();
            thinned(&table, 97)
        }
        "mfcc_13" => cepstra(13).into_values(),
        _ if key.starts_with("tuning_") => {
            let params = TuningParams { bins_per_octave: number("tuning_"), ..TuningParams::default() };
            vec![estimate_tuning(&spectra, &params, rate).unwrap() as f32]
        }
        _ if key.starts_with("chroma_bank_") => {
            let (bins, cents) = key["chroma_bank_".len()..].split_once('_').unwrap();
            let params = ChromaParams { bins: bins.parse().unwrap(), ..ChromaParams::default() };
            let tuning = cents.parse::<f64>().unwrap() / 100.0;
            let bank = ChromaBank::new(&params, tuning, rate, 2048).unwrap();
            probed(params.bins, |chroma, bin| bank.weight(chroma, bin))
        }
        "chroma_60" => thinned(&chroma(), 7),
        "contrast" => {
            let contrast = SpectralContrast::new(&ContrastParams::default(), rate, 2048).unwrap();
            contrast.apply(&spectra).unwrap().into_values()
        }
        "tonnetz_60" => tonnetz(&chroma()).into_values(),
        "harmonic_mask" => thinned(&hpss(&spectra, &HpssParams::default()).unwrap().0, 97),
        "harmonic_signal" => {
            let mut splitter = HpssSplitter::new(HpssParams::default(), StftParams::default()).unwrap();
            splitter.harmonic(samples).unwrap().into_iter().step_by(31).collect()
        }
        "rms" => rms(samples, 2048, 512).unwrap(),
        "zero_crossing_rate" => zero_crossing_rate(samples, 2048, 512).unwrap(),
        "delta_1" => delta(&cepstra(5), 9, 1).unwrap().into_values(),
        "delta_2" => delta(&cepstra(5), 9, 2).unwrap().into_values(),
        _ if key.starts_with("pyin_") => {
            let wide = PyinParams { low: 50.0, high: 2000.0, hop: 256, ..PyinParams::default() };
            let params = if key.contains("wide") { wide } else { PyinParams::default() };
            let value = |frame: &Fundamental| match key.rsplit('_').next() {
                Some("f0") => frame.hertz.unwrap_or(0.0),
                Some("voiced") => f64::from(u8::from(frame.hertz.is_some())),
                _ => 1.0 - frame.aperiodicity,
            };
            pyin(samples, rate, &params).unwrap().iter().map(|frame| value(frame) as f32).collect()
        }
        "constant_q" => thinned(&constant_q(), 29),
        "chroma_cqt" => chroma_cqt(&constant_q(), &ConstantQParams::default(), 12).unwrap().into_values(),
        "mfcc" => set(FeatureSet::Mfcc(MfccSet { n: 30, sd: true })),
        "mel" => {
            let recipe = "set = 'mel'\nn_fft = 1024\nhop = 1000\nbands = 32\nseconds = 0.5";
            set(toml::from_str(recipe).unwrap()).into_iter().step_by(7).collect()
        }
        name => set(FeatureSet::by_name(name).unwrap()),
    }
}

/// Compares one table and says what is wrong with it, if anything.
fn difference(signal: &str, kernel: &str, ours: &[f32], golden: &[f64]) -> Option<String> {
    let (_, tolerance) = TOLERANCES.iter().find(|(name, _)| *name == kernel).expect(kernel);
    assert_eq!(ours.len(), golden.len(), "{signal} {kernel}");
    assert!(ours.iter().all(|value| value.is_finite()), "{signal} {kernel}");
    let unit =
        ["db", "contrast", "tonnetz", "chroma", "mfcc", "mask", "probability"].iter().any(|part| kernel.contains(part));
    let least = if unit { 1.0 } else { 1e-30 };
    let scale = golden.iter().fold(least, |most, value| value.abs().max(most));
    let found = ours.iter().zip(golden).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max) / scale;
    println!("{signal:<8} {kernel:<24} {:>5} values, largest difference {found:.1e} ({tolerance:.0e})", ours.len());
    // The golden values have eight digits.
    (found > tolerance + 1e-7).then(|| format!("{kernel}: {found:.2e} > {tolerance:.0e}"))
}

fn compare(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.json"));
    let golden: Golden = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let samples = signal(name);
    assert_eq!(samples.len(), golden.samples);
    let mut failures = Vec::new();
    for (key, expected) in &golden.values {
        let values = ours(key, &samples, golden.sample_rate);
        let Some(layout) = key.strip_prefix("issa-") else {
            let impulse = if name == "impulse" && key == "pyin_probability" { ", impulse" } else { "" };
            failures.extend(difference(name, &format!("{key}{impulse}"), &values, expected));
            continue;
        };
        let columns = FeatureSet::by_name(key).unwrap().columns(golden.sample_rate).unwrap();
        for group in ["mfcc", "chroma", "mel", "contrast", "tonnetz"] {
            let inside: Vec<usize> = (0..columns.len()).filter(|index| columns[*index].starts_with(group)).collect();
            let values: Vec<f32> = inside.iter().map(|index| values[*index]).collect();
            let expected: Vec<f64> = inside.iter().map(|index| expected[*index]).collect();
            let harmonic = if group == "tonnetz" && layout != "50-80-50" { ", harmonic" } else { "" };
            failures.extend(difference(name, &format!("issa {group}{harmonic}"), &values, &expected));
        }
    }
    assert!(failures.is_empty(), "{name}: {failures:#?}");
}

#[test]
fn chirp_agrees() {
    compare("chirp");
}

#[test]
fn voice_agrees() {
    compare("voice");
}

#[test]
fn noise_agrees() {
    compare("noise");
}

#[test]
fn impulse_agrees() {
    compare("impulse");
}

#[test]
fn silence_agrees() {
    compare("silence");
}

#[test]
fn one_sample_agrees() {
    compare("sample");
}

#[test]
fn less_than_a_frame_agrees() {
    compare("short");
}

#[test]
fn every_tolerance_is_used() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/voice.json");
    let golden: Golden = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for (kernel, _) in TOLERANCES {
        let key = kernel.split(", ").next().unwrap();
        assert!(golden.values.contains_key(key) || kernel.starts_with("issa "), "{kernel}");
    }
}
