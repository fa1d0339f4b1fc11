//! What tests share: small corpora of tones, recipes over them, and somebody who stops the work.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use stimmung_audio::{WavEncoding, Waveform, decode_path, write_wav};
use stimmung_corpus::synth::{SynthParams, synthesize};

use crate::recipe::Override;
use crate::{Error, Experiment, Progress, Quiet, Recipe};

pub(crate) const EMOTIONS: [&str; 3] = ["anger", "fear", "sadness"];
pub(crate) const RATE: u32 = 16_000;

/// A buzz in so much noise that its pitch is not always recognised.
pub(crate) fn tone(hertz: f64, seconds: f64, seed: u64) -> Waveform {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let step = std::f64::consts::TAU * hertz / f64::from(RATE);
    let sample = |n: usize| {
        let noise = f64::from(rng.next_u32()) / f64::from(u32::MAX) - 0.5;
        (0.2 * (step * n as f64).sin().signum() + 0.5 * noise) as f32
    };
    Waveform::new((0..(seconds * f64::from(RATE)).round() as usize).map(sample).collect(), RATE).unwrap()
}

/// Speech of artificial voices at 16 kHz: `seconds` of it, one recording after the other.
pub(crate) fn voice(seconds: f64) -> Vec<f32> {
    static VOICES: OnceLock<Vec<f32>> = OnceLock::new();
    let voices = VOICES.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let params = SynthParams { speakers: 2, takes: 1, ..SynthParams::default() };
        let manifest = synthesize(&folder.path().join("voices"), &params, &mut |_| {}).unwrap();
        let waves = manifest.recordings.iter().take(16).map(|recording| decode_path(manifest.path(recording)).unwrap());
        waves.flat_map(|wave| wave.resample(RATE).unwrap().into_samples()).collect()
    });
    voices.iter().copied().cycle().take((seconds * f64::from(RATE)) as usize).collect()
}

/// A folder with `manifest.csv`: every speaker (`S1`, `S2` …) in every emotion, once in each of these lengths in seconds,
/// in files such as `S1-anger-1.wav`.
pub(crate) fn corpus(speakers: u64, lengths: &[f64]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut table = "file,speaker,emotion\n".to_owned();
    for speaker in 1..=speakers {
        for (emotion, name) in (1_u64..).zip(EMOTIONS) {
            for (take, &seconds) in (1_u64..).zip(lengths) {
                let file = format!("S{speaker}-{name}-{take}.wav");
                let hertz = (150 + 20 * emotion + 7 * speaker) as f64;
                let tone = tone(hertz, seconds, 1000 * speaker + 100 * emotion + take);
                write_wav(folder.path().join(&file), &tone, WavEncoding::Float32).unwrap();
                writeln!(table, "{file},S{speaker},{name}").unwrap();
            }
        }
    }
    fs::write(folder.path().join("manifest.csv"), table).unwrap();
    folder
}

/// A recipe over a corpus: eight cepstral coefficients, logistic regression and unseen speakers, unless changed.
pub(crate) fn recipe(corpus: &Path, changes: &[&str]) -> Recipe {
    try_recipe(corpus, changes).unwrap()
}

pub(crate) fn try_recipe(corpus: &Path, changes: &[&str]) -> Result<Recipe, Error> {
    let text = "name = \"tones\"\n[features]\nset = \"mfcc\"\nn = 8\n[model]\nkind = \"logistic\"\n";
    let mut overrides = vec![Override::section("corpus", "path", corpus.to_str().unwrap())];
    overrides.extend(changes.iter().map(|change| change.parse::<Override>().unwrap()));
    Recipe::with_overrides(text, "tones.toml", &overrides)
}

/// The corpus heard under a changed recipe.
pub(crate) fn experiment(corpus: &Path, changes: &[&str]) -> Experiment {
    Experiment::prepare(recipe(corpus, changes), &[], &Quiet).unwrap()
}

/// Runs work on so many threads.
pub(crate) fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

/// The rows of a CSV file behind its header.
pub(crate) fn rows(csv: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(csv).unwrap();
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// Stops the work after some steps.
pub(crate) struct StopAfter(AtomicI64);

impl StopAfter {
    pub(crate) fn new(steps: i64) -> Self {
        Self(AtomicI64::new(steps))
    }
}

impl Progress for StopAfter {
    fn begin(&self, _stage: &str, _steps: u64) {}
    fn advance(&self, steps: u64) {
        self.0.fetch_sub(i64::try_from(steps).unwrap(), Ordering::Relaxed);
    }
    fn end(&self) {}
    fn cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed) <= 0
    }
}
