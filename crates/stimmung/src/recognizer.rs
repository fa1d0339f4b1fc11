//! A model at work: recordings in, emotions out.

use std::collections::BTreeMap;
use std::path::Path;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::Serialize;
use stimmung_audio::{DecodeLimits, Stream, Waveform, augment};
use stimmung_models::{Matrix, ModelError, ModelFile, Voice};

use crate::Error;
use crate::error::RecordingError;
use crate::listen::{Ear, at_rate, check_audible, condition, is_silent};
use crate::pool::{self, Pooled};
use crate::quality::{Inspector, Warning};

/// The model that comes with the program; `recipes/default.toml` made it.
pub const EMBEDDED_MODEL: &[u8] = include_bytes!("../assets/default.stimmung");

/// A recording longer than this many seconds is heard in segments.
const LONGEST_WHOLE: f64 = 15.0;
/// Files that a person names may be as long as they like: memory does not grow with them.
const UNLIMITED: DecodeLimits = DecodeLimits { max_seconds: f64::INFINITY };
/// Seconds of a segment. The last one takes what is left, 5 to 15 s, so none is too short to judge.
const SEGMENT: f64 = 10.0;

/// Answers for recordings with one model. Shared between threads.
///
/// # Examples
/// ```
/// use stimmung::{Recognizer, audio::Waveform};
///
/// let recognizer = Recognizer::embedded()?;
/// // A quarter of a second of a 200 Hz buzz is no speech, but it is heard all the same.
/// let buzz: Vec<f32> = (0..4000_u16).map(|n| f32::from(u8::from(n % 80 < 8))).collect();
/// let prediction = recognizer.recognize(&Waveform::new(buzz, 16_000)?)?;
/// assert!((prediction.probabilities.values().sum::<f32>() - 1.0).abs() < 1e-4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Recognizer {
    model: ModelFile,
    ear: Ear,
    /// The speaker, if they introduced themself.
    voice: Option<Voice>,
}

/// Reads a model file, naming it in errors.
pub(crate) fn load_model(path: &Path) -> Result<ModelFile, Error> {
    ModelFile::load(path).map_err(|source| match source {
        // Names the file itself.
        ModelError::Io { .. } => source.into(),
        source => Error::ModelFile { path: path.to_path_buf(), source },
    })
}

/// What a model says of one recording.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prediction {
    /// The most probable emotion.
    pub label: String,
    /// The probability of every emotion the model knows; they sum to 1.
    pub probabilities: BTreeMap<String, f32>,
    /// Seconds of audio heard.
    pub seconds: f64,
    /// Segments that were judged on their own and then pooled; 1 for recordings up to 15 s.
    pub segments: usize,
    /// Reasons to doubt the answer; none for a sound recording.
    pub warnings: Vec<Warning>,
}

impl Recognizer {
    /// The embedded model.
    ///
    /// # Errors
    /// None in a sound build; the file is checked like any other.
    pub fn embedded() -> Result<Self, Error> {
        Self::from_bytes(EMBEDDED_MODEL)
    }

    /// Opens a `.stimmung` file.
    ///
    /// # Errors
    /// [`Error::ModelFile`] for a file that cannot be read or is no whole model file of this version.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self::new(load_model(path)?))
    }

    /// Reads a model file's bytes.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self::new(ModelFile::from_bytes(bytes)?))
    }

    /// Puts a model to work.
    pub fn new(model: ModelFile) -> Self {
        let ear = Ear::new(model.front_end.segments, model.front_end.features.clone());
        Self { model, ear, voice: None }
    }

    /// Gets to know the speaker of all that follows by neutral recordings, the more the better (five say most of it): what is the voice's own is left
    /// out of the answers. Earlier introductions are forgotten; without any, the speaker is a stranger.
    ///
    /// Recordings longer than 15 s are heard in pieces of equal length; those that hold nothing are passed over.
    ///
    /// # Errors
    /// [`Error::CannotEnrol`] for a model that does not know how voices differ; [`Error::Recording`] where nothing can be heard.
    pub fn enrolled(self, introductions: &[Waveform]) -> Result<Self, Error> {
        if !self.model.classifier.enrols() {
            return Err(Error::CannotEnrol);
        }
        let mut rows = Vec::new();
        for introduction in introductions {
            check_audible(introduction)?;
            let mut nothing = Ok(());
            let known = rows.len();
            let pieces = (introduction.seconds() / LONGEST_WHOLE).ceil().max(1.0) as usize;
            for piece in introduction.samples().chunks(introduction.len().div_ceil(pieces)).filter(|it| !is_silent(it))
            {
                let piece = Waveform::new(piece.to_vec(), introduction.sample_rate()).map_err(RecordingError::from)?;
                let piece = at_rate(piece, self.model.front_end.sample_rate).map_err(RecordingError::from)?;
                match condition(&self.model.front_end.conditioning, piece).map_err(Error::from) {
                    Ok(piece) => rows.extend(self.ear.describe(&piece)?),
                    Err(error) if error.left_nothing() => nothing = Err(error),
                    Err(error) => return Err(error),
                }
            }
            if rows.len() == known {
                nothing?;
            }
        }
        if rows.is_empty() {
            return Ok(Self { voice: None, ..self });
        }
        let features = Matrix::from_rows(&rows)?;
        let voice = self.model.classifier.enrol(&features, &(0..rows.len()).collect::<Vec<_>>())?;
        Ok(Self { voice, ..self })
    }

    /// The model at work.
    pub fn model(&self) -> &ModelFile {
        &self.model
    }

    /// Answers for a whole recording in memory.
    ///
    /// Up to 15 s are judged as one. Longer ones are cut into segments of 10 s, the last of 5 to 15 s; silent segments
    /// are passed over, and the answers are pooled by the mean of the log probabilities, weighted by the segments' length.
    ///
    /// # Errors
    /// [`Error::Recording`] for one that is silent or shorter than [`MIN_SECONDS`](crate::MIN_SECONDS).
    pub fn recognize(&self, waveform: &Waveform) -> Result<Prediction, Error> {
        let mut pool = Pool::new(self, waveform.sample_rate())?;
        pool.push(waveform.samples())?;
        pool.finish()
    }

    /// Answers for a file of any length with flat memory, decoding as it goes.
    ///
    /// # Errors
    /// [`Error::Recording`] for a file that does not decode and as [`recognize`](Self::recognize).
    pub fn recognize_path(&self, path: &Path) -> Result<Prediction, Error> {
        self.recognize_stream(Stream::open(path).map_err(RecordingError::from)?, &UNLIMITED)
    }

    /// Answers for a file's bytes.
    ///
    /// # Errors
    /// As [`recognize_path`](Self::recognize_path).
    pub fn recognize_bytes(&self, bytes: Vec<u8>) -> Result<Prediction, Error> {
        self.recognize_stream(Stream::from_bytes(bytes, None).map_err(RecordingError::from)?, &UNLIMITED)
    }

    /// Answers for a stream with flat memory, as long as it is within the limits.
    ///
    /// # Errors
    /// As [`recognize_path`](Self::recognize_path); a stream that is too long fails as soon as that is known.
    pub fn recognize_stream(&self, mut stream: Stream, limits: &DecodeLimits) -> Result<Prediction, Error> {
        limits.admit(stream.declared_seconds().unwrap_or_default()).map_err(RecordingError::from)?;
        let rate = f64::from(stream.sample_rate());
        let mut pool = Pool::new(self, stream.sample_rate())?;
        let mut samples = 0;
        while let Some(block) = stream.next_block().map_err(RecordingError::from)? {
            samples += block.len();
            limits.admit(samples as f64 / rate).map_err(RecordingError::from)?;
            pool.push(block)?;
        }
        pool.finish()
    }

    /// Class probabilities of one piece, in the order of the model's classes.
    /// The piece is at the model's rate.
    pub(crate) fn judge(&self, piece: Waveform) -> Result<Vec<f32>, Error> {
        self.judge_features(&self.describe(piece)?)
    }

    /// What the classifier sees of a piece: a row, or several where the model cuts it further or judges changed copies as well.
    fn describe(&self, piece: Waveform) -> Result<Matrix, Error> {
        let front_end = &self.model.front_end;
        let original = condition(&front_end.conditioning, piece)?;
        let mut rows = self.ear.describe(&original)?;
        for effects in &front_end.copies {
            // Nothing of a model's copies is drawn.
            let copy =
                augment(effects, &original, &mut ChaCha8Rng::from_seed([0; 32])).map_err(RecordingError::from)?;
            rows.extend(self.ear.describe(&copy)?);
        }
        Ok(Matrix::from_rows(&rows)?)
    }

    fn judge_features(&self, features: &Matrix) -> Result<Vec<f32>, Error> {
        let classifier = &self.model.classifier;
        let rows: Vec<usize> = (0..features.rows()).collect();
        let answers = match &self.voice {
            Some(voice) => classifier.probabilities_of_voice(features, &rows, voice)?,
            None => classifier.probabilities_of(features, &rows)?,
        };
        Ok(pool::of_rows(answers.iter_rows()))
    }
}

/// Gathers samples, judges segments as they fill up and pools the answers.
struct Pool<'a> {
    recognizer: &'a Recognizer,
    sample_rate: u32,
    waiting: Vec<f32>,
    answers: Pooled,
    inspector: Inspector,
    samples: usize,
    segments: usize,
}

impl<'a> Pool<'a> {
    fn new(recognizer: &'a Recognizer, sample_rate: u32) -> Result<Self, Error> {
        Ok(Self {
            recognizer,
            sample_rate,
            waiting: Vec::new(),
            answers: Pooled::new(recognizer.model.classifier.classes().len()),
            inspector: Inspector::new(recognizer.model.front_end.sample_rate)?,
            samples: 0,
            segments: 0,
        })
    }

    fn length(&self, seconds: f64) -> usize {
        (seconds * f64::from(self.sample_rate)) as usize
    }

    fn push(&mut self, block: &[f32]) -> Result<(), Error> {
        let (longest, segment) = (self.length(LONGEST_WHOLE), self.length(SEGMENT));
        let mut rest = block;
        while !rest.is_empty() {
            // One sample more than the longest whole proves that there is more to come.
            let (now, later) = rest.split_at(rest.len().min(longest + 1 - self.waiting.len()));
            self.waiting.extend_from_slice(now);
            rest = later;
            if self.waiting.len() > longest {
                let left = self.waiting.split_off(segment);
                let full = std::mem::replace(&mut self.waiting, left);
                self.add(full)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, samples: Vec<f32>) -> Result<(), Error> {
        let length = samples.len();
        self.samples += length;
        self.inspector.see(&samples, self.sample_rate);
        if is_silent(&samples) {
            return Ok(());
        }
        let piece = Waveform::new(samples, self.sample_rate).map_err(RecordingError::from)?;
        match self.judge(piece) {
            Ok(probabilities) => {
                self.answers.add(&probabilities, length as f64);
                self.segments += 1;
                Ok(())
            }
            Err(error) if error.left_nothing() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Inspects and judges a piece that holds a sound.
    fn judge(&mut self, piece: Waveform) -> Result<Vec<f32>, Error> {
        let piece = at_rate(piece, self.recognizer.model.front_end.sample_rate).map_err(RecordingError::from)?;
        self.inspector.hear(&piece)?;
        let seconds = piece.seconds();
        let features = self.recognizer.describe(piece)?;
        if let Some(novelty) = self.recognizer.model.classifier.novelty(&features)? {
            self.inspector.compare(&novelty, seconds);
        }
        self.recognizer.judge_features(&features)
    }

    fn finish(mut self) -> Result<Prediction, Error> {
        let last = std::mem::take(&mut self.waiting);
        if self.samples == 0 {
            // The whole recording in one piece: its answer as it is, not through logarithms.
            let whole = Waveform::new(last, self.sample_rate).map_err(RecordingError::from)?;
            check_audible(&whole)?;
            let seconds = whole.seconds();
            self.inspector.see(whole.samples(), self.sample_rate);
            let probabilities = self.judge(whole)?;
            return Ok(self.answer(&probabilities, seconds, 1));
        }
        self.add(last)?;
        if self.segments == 0 {
            return Err(RecordingError::Silent { samples: self.samples }.into());
        }
        let probabilities = self.answers.probabilities();
        let seconds = self.samples as f64 / f64::from(self.sample_rate);
        Ok(self.answer(&probabilities, seconds, self.segments))
    }

    fn answer(&self, probabilities: &[f32], seconds: f64, segments: usize) -> Prediction {
        let classes = self.recognizer.model.classifier.classes();
        Prediction {
            label: classes[most_probable(probabilities)].clone(),
            probabilities: classes.iter().cloned().zip(probabilities.iter().copied()).collect(),
            seconds,
            segments,
            warnings: self.inspector.warnings(),
        }
    }
}

/// The index of the largest value, the first of equal ones.
pub(crate) fn most_probable(probabilities: &[f32]) -> usize {
    let mut best = 0;
    for (index, &probability) in probabilities.iter().enumerate() {
        if probability > probabilities[best] {
            best = index;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use stimmung_audio::ConditioningParams;

    use super::*;

    /// A buzz whose pitch changes from second to second, so that its segments differ.
    fn buzz(seconds: usize) -> Vec<f32> {
        (0..16_000 * seconds).map(|n| f32::from(u8::from(n % (80 + 13 * (n / 16_000 % 5)) < 9)) - 0.1).collect()
    }

    fn wave(samples: Vec<f32>) -> Waveform {
        Waveform::new(samples, 16_000).unwrap()
    }

    #[test]
    fn up_to_fifteen_seconds_are_one_piece() {
        let recognizer = Recognizer::embedded().unwrap();
        for (seconds, segments) in [(1, 1), (15, 1), (16, 2), (25, 2), (26, 3)] {
            let prediction = recognizer.recognize(&wave(buzz(seconds))).unwrap();
            assert_eq!((prediction.segments, prediction.seconds), (segments, seconds as f64));
            let sum: f32 = prediction.probabilities.values().sum();
            assert!((sum - 1.0).abs() < 1e-5, "{sum}");
        }
    }

    #[test]
    fn how_a_file_is_cut_into_blocks_does_not_matter() {
        let recognizer = Recognizer::embedded().unwrap();
        let samples = buzz(33);
        let whole = recognizer.recognize(&wave(samples.clone())).unwrap();
        for block in [777, 16_000, 200_000] {
            let mut pool = Pool::new(&recognizer, 16_000).unwrap();
            for block in samples.chunks(block) {
                pool.push(block).unwrap();
            }
            assert_eq!(pool.finish().unwrap(), whole);
        }
    }

    #[test]
    fn segments_of_which_trimming_leaves_nothing_do_not_vote() {
        let mut recognizer = Recognizer::embedded().unwrap();
        recognizer.model.front_end.conditioning =
            ConditioningParams { trim_db: Some(30.0), ..ConditioningParams::default() };
        let mut samples = buzz(10);
        samples.extend(vec![0.0; 16_000 * 20]);
        // Not silent, but too short once it is trimmed.
        let end = samples.len();
        samples[end - 320..].fill(0.5);
        let answer = recognizer.recognize(&wave(samples.clone())).unwrap();
        assert_eq!((answer.segments, answer.seconds), (1, 30.0));
        assert!(recognizer.recognize(&wave(samples.split_off(16_000 * 20))).is_err(), "alone it is too short");
        samples.splice(..16_000 * 10, vec![0.0; 16_000 * 10]);
        assert!(recognizer.recognize(&wave(samples)).is_err());
    }

    #[test]
    fn silent_segments_do_not_vote() {
        let recognizer = Recognizer::embedded().unwrap();
        let mut samples = buzz(10);
        samples.extend(vec![0.0; 16_000 * 20]);
        let answer = recognizer.recognize(&wave(samples)).unwrap();
        let alone = recognizer.recognize(&wave(buzz(10))).unwrap();
        assert_eq!(answer.segments, 1);
        for (label, probability) in &alone.probabilities {
            // Through the logarithm and its floor.
            assert!((answer.probabilities[label] - probability).abs() < 1e-4);
        }
    }

    #[test]
    fn nothing_to_hear_is_an_error() {
        let recognizer = Recognizer::embedded().unwrap();
        for samples in [vec![], vec![0.5], vec![0.5; 1599], vec![0.0; 16_000], vec![0.25; 16_000 * 40]] {
            recognizer.recognize(&wave(samples)).unwrap_err();
        }
    }

    #[test]
    fn of_equals_the_first_is_most_probable() {
        assert_eq!(most_probable(&[0.2, 0.4, 0.4]), 1);
        assert_eq!(most_probable(&[f32::NAN, 0.1]), 0);
    }
}
