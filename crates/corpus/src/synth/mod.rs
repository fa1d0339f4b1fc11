//! A small corpus of synthetic voices, for first steps and for tests where no recordings are at hand.
//!
//! No human ever spoke these recordings, and no figure measured on them says anything about people: they show that a system works,
//! not how well. The corpus is called `synthetic` wherever it goes.
//!
//! A voice is made by the source-filter theory of speech (Fant 1960, *Acoustic Theory of Speech Production*): pulses of glottal air
//! flow (Rosenberg 1971, J. Acoust. Soc. Am. 49(2B):583–590, differentiated as in Klatt & Klatt 1990, J. Acoust. Soc. Am.
//! 87(2):820–857) and breath noise drive a cascade of five resonances that move from sound to sound (Klatt 1980, J. Acoust. Soc. Am.
//! 67(3):971–995); consonants add closures, bursts and hissing. Speakers differ in the length of their vocal tract, in pitch, voice
//! quality, tempo and microphone. An emotion changes mean and range of pitch, melody, tempo, loudness, spectral tilt, breathiness,
//! regularity and articulation, in the directions that the literature reports (Scherer 2003, Speech Communication 40:227–256), to a
//! degree that varies from speaker to speaker and from take to take.
//!
//! Equal parameters give equal bytes, whatever the platform and the number of threads: everything is computed from the seed in
//! double precision with functions in software.
//!
//! ```
//! use stimmung_corpus::synth::{SynthParams, Utterance, utterance};
//!
//! let params = SynthParams::default();
//! let which = Utterance { speaker: 1, emotion: "anger".into(), sentence: 2, take: 1 };
//! let waveform = utterance(&params, &which)?;
//! assert_eq!(waveform.sample_rate(), 16_000);
//! assert!((1.0..3.0).contains(&waveform.seconds()));
//! assert_eq!(which.file_name(), "S01_anger_t02_1.wav");
//! # Ok::<(), stimmung_corpus::CorpusError>(())
//! ```

mod dice;
mod phones;
mod speaker;
mod style;
mod voice;

use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use stimmung_audio::{WavEncoding, Waveform, write_wav};

use crate::error::CorpusError;
use crate::layout::nearest;
use crate::manifest::{MANIFEST_FILE, Manifest};
use crate::recording::{Recording, Sex};
use dice::Dice;
use speaker::Speaker;
use style::Style;

/// What the corpus is called wherever it goes.
pub const NAME: &str = "synthetic";

/// What stands beside the recordings.
const README: &str = "\
These recordings are synthetic. No human spoke them.

Stimmung made them with a source-filter voice (`stimmung corpus synth`), for first steps and for tests. They show that a system
works. What it scores on them says nothing about human speech. Use them as you like.

manifest.csv lists them. The names tell speaker, emotion, sentence and take: S03_anger_t02_1.wav
";

/// How many recordings are made between two reports of progress.
const BATCH: usize = 32;

/// What the synthetic corpus holds: every speaker says every sentence in every emotion in every take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SynthParams {
    /// How many voices, 1 to 999; women and men in turn. 8 by default, so that leaving out one speaker leaves enough.
    pub speakers: usize,
    /// Which emotions, of anger, boredom, calm, disgust, fear, happiness, neutral, sadness and surprise. Six by default.
    pub emotions: Vec<String>,
    /// How many different sentences, 1 to 999. 5 by default. Sentence 3 is the same in every corpus.
    pub sentences: usize,
    /// How often each is said, 1 to 99. Once by default.
    pub takes: usize,
    /// What all chance comes from. 1 by default.
    pub seed: u64,
    /// Samples a second, 8000 to 48000. 16000 by default, as in much speech research.
    pub sample_rate: u32,
}

impl Default for SynthParams {
    fn default() -> Self {
        Self {
            speakers: 8,
            emotions: ["anger", "boredom", "fear", "happiness", "neutral", "sadness"].map(str::to_owned).to_vec(),
            sentences: 5,
            takes: 1,
            seed: 1,
            sample_rate: 16_000,
        }
    }
}

impl SynthParams {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`CorpusError::Parameter`] with what was given and what is possible.
    pub fn check(&self) -> Result<(), CorpusError> {
        let range = |parameter, actual: usize, low: usize, high: usize| {
            if (low..=high).contains(&actual) {
                return Ok(());
            }
            let expected = format!("{low} to {high}");
            Err(CorpusError::Parameter { parameter, actual: actual.to_string(), expected })
        };
        range("speakers", self.speakers, 1, 999)?;
        range("sentences", self.sentences, 1, 999)?;
        range("takes", self.takes, 1, 99)?;
        range("sample_rate", self.sample_rate as usize, 8000, 48_000)?;
        range("emotions (their number)", self.emotions.len(), 1, Style::all().len())?;
        for (at, emotion) in self.emotions.iter().enumerate() {
            Style::of(emotion)?;
            if self.emotions[..at].contains(emotion) {
                let expected = "each emotion once".to_owned();
                return Err(CorpusError::Parameter {
                    parameter: "emotions",
                    actual: format!("`{emotion}` twice"),
                    expected,
                });
            }
        }
        range("the number of recordings", self.len(), 1, 100_000)
    }

    /// How many recordings the corpus has.
    pub fn len(&self) -> usize {
        self.speakers * self.emotions.len() * self.sentences * self.takes
    }

    /// Whether there are none, which [`SynthParams::check`] refuses.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every recording of the corpus, by speaker, emotion, sentence and take.
    pub fn utterances(&self) -> Vec<Utterance> {
        let mut utterances = Vec::with_capacity(self.len());
        for speaker in 1..=self.speakers {
            for emotion in &self.emotions {
                for sentence in 1..=self.sentences {
                    for take in 1..=self.takes {
                        utterances.push(Utterance { speaker, emotion: emotion.clone(), sentence, take });
                    }
                }
            }
        }
        utterances
    }
}

/// Which recording of a synthetic corpus; all numbers count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Utterance {
    /// The voice, 1 to 999. Odd ones are women.
    pub speaker: usize,
    /// The emotion; see [`SynthParams::emotions`].
    pub emotion: String,
    /// The sentence, 1 to 999.
    pub sentence: usize,
    /// The take, 1 to 99.
    pub take: usize,
}

impl Utterance {
    /// What its file is called: `S03_anger_t02_1.wav`.
    pub fn file_name(&self) -> String {
        format!("S{:02}_{}_t{:02}_{}.wav", self.speaker, self.emotion, self.sentence, self.take)
    }

    /// Its row in the manifest.
    fn recording(&self) -> Recording {
        Recording {
            speaker: Some(format!("S{:02}", self.speaker)),
            emotion: Some(self.emotion.clone()),
            text: Some(format!("t{:02}", self.sentence)),
            take: Some(self.take.to_string()),
            sex: Some(sex(self.speaker)),
            extra: [("corpus".to_owned(), NAME.to_owned())].into(),
            ..Recording::new(self.file_name())
        }
    }

    fn check(&self) -> Result<&'static Style, CorpusError> {
        for (parameter, actual, high) in
            [("speaker", self.speaker, 999), ("sentence", self.sentence, 999), ("take", self.take, 99)]
        {
            if !(1..=high).contains(&actual) {
                let expected = format!("1 to {high}");
                return Err(CorpusError::Parameter { parameter, actual: actual.to_string(), expected });
            }
        }
        Style::of(&self.emotion)
    }
}

fn sex(speaker: usize) -> Sex {
    if speaker % 2 == 1 { Sex::Female } else { Sex::Male }
}

/// Synthesises one recording. Of the parameters only seed and sample rate matter, so a voice is the same in corpora of any size.
///
/// # Errors
/// [`CorpusError::Parameter`] if the parameters or the numbers of the utterance are out of range.
pub fn utterance(params: &SynthParams, which: &Utterance) -> Result<Waveform, CorpusError> {
    params.check()?;
    let style = which.check()?;
    let emotion = Style::all().iter().position(|known| known.emotion == style.emotion).unwrap_or_default();
    let seed = params.seed;
    let speaker = Speaker::new(sex(which.speaker), &mut Dice::new(seed, [1, which.speaker, 0, 0, 0]));
    // How this speaker shows this emotion, then what this take makes of it.
    let habit =
        style.vary(speaker.expressiveness, &mut Dice::new(seed, [2, which.speaker, emotion, 0, 0]), style::HABIT);
    let mut dice = Dice::new(seed, [3, which.speaker, emotion, which.sentence, which.take]);
    let manner = habit.vary(1.0, &mut dice, style::TAKE);
    let sentence = phones::sentence(which.sentence);
    let samples = voice::speak(&speaker, &manner, &sentence, f64::from(params.sample_rate), &mut dice);
    Ok(Waveform::new(samples, params.sample_rate)?)
}

/// Synthesises a corpus into a folder: the recordings as 16-bit WAV, a `manifest.csv`, and a `README.txt` that says what they are. The
/// folder appears complete or not at all. `progress` is called now and then with the number of recordings made so far.
///
/// # Errors
/// [`CorpusError::Parameter`] for parameters out of range, [`CorpusError::Occupied`] if the folder exists and is not empty,
/// [`CorpusError::Io`] or [`CorpusError::Audio`] if something cannot be written.
pub fn synthesize(dir: &Path, params: &SynthParams, progress: &mut dyn FnMut(usize)) -> Result<Manifest, CorpusError> {
    params.check()?;
    let exists = match std::fs::read_dir(dir) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(CorpusError::Occupied { path: dir.to_path_buf() });
            }
            true
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => return Err(CorpusError::io("read", dir, error)),
    };
    let failed = |source| CorpusError::io("write", dir, source);
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(parent).map_err(failed)?;
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A temporary folder is for its owner alone; a corpus is a folder like any other.
        builder.permissions(std::fs::Permissions::from_mode(0o777));
    }
    let stage = builder.prefix(".synthesis-").tempdir_in(parent).map_err(failed)?;

    let utterances = params.utterances();
    let mut done = 0;
    for batch in utterances.chunks(BATCH) {
        batch.par_iter().try_for_each(|which| -> Result<(), CorpusError> {
            Ok(write_wav(stage.path().join(which.file_name()), &utterance(params, which)?, WavEncoding::Pcm16)?)
        })?;
        done += batch.len();
        progress(done);
    }
    let mut manifest = Manifest {
        name: NAME.to_owned(),
        root: stage.path().to_path_buf(),
        recordings: utterances.iter().map(Utterance::recording).collect(),
        dropped: Vec::new(),
    };
    manifest.sort();
    manifest.write_csv(&stage.path().join(MANIFEST_FILE))?;
    std::fs::write(stage.path().join("README.txt"), README).map_err(failed)?;

    if exists {
        std::fs::remove_dir(dir).map_err(failed)?;
    }
    std::fs::rename(stage.path(), dir).map_err(failed)?;
    // Nothing is left at its old place for the guard to remove.
    let _ = stage.keep();
    manifest.root = dir.to_path_buf();
    Ok(manifest)
}

#[cfg(test)]
mod tests;
