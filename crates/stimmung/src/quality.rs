//! What about a recording makes an answer doubtful: warnings in plain words.

use serde::Serialize;
use stimmung_audio::{AudioError, FRAME_SECONDS, VoiceActivity, VoiceActivityParams, Waveform};
use stimmung_features::{FeatureError, Stft, StftParams, Window};

use crate::error::RecordingError;

/// Seconds of speech below which an answer stands on little: a few syllables. The acted sentences that models learn from last 2 to 4 s.
pub const SHORT_SECONDS: f64 = 1.0;

/// Share of a recording below which there is little speech in it. What models learn from is speech from end to end, and descriptions are means over
/// the recording, so pauses of more than three quarters decide more than the voice does.
pub const LITTLE_SPEECH_SHARE: f64 = 0.25;

/// Level in decibels re full scale below which a recording is quiet. The recordings of Emo-DB, AESDD and TESS lie at
/// −37 to −6 dB; some 13 dB below the quietest of them voice activity misses words, and 16 bits leave little but noise.
pub const QUIET_DECIBELS: f64 = -50.0;

/// Share of samples that lie on flat tops or at full scale, from which a recording is clipped. A single clipped syllable reaches it; the single
/// samples that touch full scale in a recording that was normalised to its peak do not: they are 0.011 % at most in Emo-DB, AESDD and TESS.
pub const CLIPPED_SHARE: f64 = 0.001;

/// Share of the band that the model hears, below which the sound ends early: 5.6 of 8 kHz. Telephone speech ends at 3.4 to 4 kHz.
pub const NARROW_BAND_SHARE: f64 = 0.7;

/// The sound ends where all bands above lie so many decibels below the strongest one. By this
/// measure every recording of Emo-DB, AESDD and TESS reaches 7.5 kHz or more: consonants fill the upper bands.
const BAND_FLOOR_DECIBELS: f64 = 60.0;
/// Width of a band in hertz.
const BAND: f64 = 500.0;

/// Seconds of the blocks whose levels are counted.
const BLOCK_SECONDS: f64 = 0.02;
/// The share of blocks that lie below the level of a recording: its louder parts count, not its pauses.
const LEVEL_RANK: f64 = 0.95;
/// The lowest level that is told apart, in decibels re full scale, and the number of levels 1 dB apart from there.
const LOWEST_LEVEL: f64 = -120.0;
const LEVELS: usize = 160;

/// How near to the largest sample a flat top lies, and how loud it must be: a quiet recording in 8 bits is full of equal samples.
const FLAT_TOP: f32 = 0.1;
/// From here on a sample is at full scale: 32,767 and 32,766 of 16 bits.
const FULL_SCALE: f32 = 0.9999;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum WarningCode {
    /// There is less than [`SHORT_SECONDS`] of speech.
    Short,
    /// Less than [`LITTLE_SPEECH_SHARE`] of the recording is speech.
    LittleSpeech,
    /// The recording's level lies below [`QUIET_DECIBELS`].
    Quiet,
    /// At least [`CLIPPED_SHARE`] of the samples are cut off.
    Clipped,
    /// The sound ends below [`NARROW_BAND_SHARE`] of the band that the model hears.
    NarrowBand,
    /// The features lie further from those of the training recordings than those of 99 in 100 recordings of new voices do
    /// ([`Classifier::novelty`](stimmung_models::Classifier::novelty)).
    UnlikeTraining,
}

impl WarningCode {
    /// The code as it stands in JSON, such as `little-speech`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::LittleSpeech => "little-speech",
            Self::Quiet => "quiet",
            Self::Clipped => "clipped",
            Self::NarrowBand => "narrow-band",
            Self::UnlikeTraining => "unlike-training",
        }
    }
}

/// A reason to doubt an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Warning {
    /// What is wrong, for programs.
    pub code: WarningCode,
    /// The same for people, with the measured value.
    pub message: String,
}

/// Measures a recording piece by piece, with flat memory.
pub(crate) struct Inspector {
    /// Of the pieces after resampling: what the model hears.
    sample_rate: u32,
    seconds: f64,
    speech: f64,
    levels: Box<[u64; LEVELS]>,
    tops: [FlatTop; 2],
    full_scale: u64,
    samples: u64,
    stft: Stft,
    /// Power of each bin, summed.
    spectrum: Vec<f64>,
    /// Novelty times seconds, and the seconds that have one.
    novelty: f64,
    compared: f64,
}

impl Inspector {
    pub(crate) fn new(sample_rate: u32) -> Result<Self, FeatureError> {
        // Frames of about 32 ms, one in four heard: long-term averages need no more.
        let n_fft = ((f64::from(sample_rate) * 0.032) as usize).next_power_of_two();
        let stft = Stft::new(StftParams { n_fft, hop: 4 * n_fft, window: Window::Hann })?;
        Ok(Self {
            sample_rate,
            seconds: 0.0,
            speech: 0.0,
            levels: Box::new([0; LEVELS]),
            tops: [FlatTop::default(); 2],
            full_scale: 0,
            samples: 0,
            spectrum: vec![0.0; n_fft / 2 + 1],
            stft,
            novelty: 0.0,
            compared: 0.0,
        })
    }

    /// A piece as it was recorded, for its level and its flat tops.
    pub(crate) fn see(&mut self, samples: &[f32], sample_rate: u32) {
        self.samples += samples.len() as u64;
        self.seconds += samples.len() as f64 / f64::from(sample_rate);
        let block = ((f64::from(sample_rate) * BLOCK_SECONDS) as usize).max(1);
        for block in samples.chunks(block) {
            self.levels[level(block)] += 1;
        }
        let [upper, lower] = &mut self.tops;
        for &sample in samples {
            upper.push(sample);
            lower.push(-sample);
            self.full_scale += u64::from(sample.abs() >= FULL_SCALE);
        }
    }

    /// The same piece at the model's rate, for its band and its speech.
    ///
    /// Voice activity costs more than the rest of an answer, so it listens only until enough speech was found for no warning.
    pub(crate) fn hear(&mut self, piece: &Waveform) -> Result<(), RecordingError> {
        debug_assert_eq!(piece.sample_rate(), self.sample_rate);
        for frame in &self.stft.magnitudes(piece.samples()) {
            for (sum, magnitude) in self.spectrum.iter_mut().zip(frame) {
                *sum += f64::from(*magnitude).powi(2);
            }
        }
        self.speech += self.speech_in(piece)?;
        Ok(())
    }

    /// How unlike the training each part of a piece of so many seconds is.
    pub(crate) fn compare(&mut self, novelty: &[f64], seconds: f64) {
        self.novelty += seconds * novelty.iter().sum::<f64>() / novelty.len().max(1) as f64;
        self.compared += seconds;
    }

    fn speech_in(&self, piece: &Waveform) -> Result<f64, AudioError> {
        let enough = SHORT_SECONDS.max(LITTLE_SPEECH_SHARE * self.seconds) - self.speech;
        if enough <= 0.0 {
            return Ok(0.0);
        }
        let mut activity = VoiceActivity::new(VoiceActivityParams::default(), piece.sample_rate())?;
        let seconds = |frames: usize| frames as f64 * FRAME_SECONDS;
        let mut found = 0;
        for block in piece.samples().chunks(piece.sample_rate() as usize / 10) {
            found += activity.push(block)?.iter().filter(|&&speech| speech).count();
            if seconds(found) >= enough {
                return Ok(seconds(found));
            }
        }
        found += activity.finish().iter().filter(|&&speech| speech).count();
        Ok(seconds(found).min(piece.seconds()))
    }

    /// What there is to say, the worst first.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut warn = |code, message| warnings.push(Warning { code, message });
        let (seconds, speech) = (self.seconds, self.speech);
        if speech < LITTLE_SPEECH_SHARE * seconds {
            let found = if speech > 0.0 { format!("only {speech:.1} s") } else { "nothing".to_owned() };
            warn(WarningCode::LittleSpeech, format!("{found} of {seconds:.1} s sounds like speech"));
        } else if speech < SHORT_SECONDS {
            warn(WarningCode::Short, format!("{speech:.1} s of speech is little to judge by; record 2 s or more"));
        }
        let level = self.level();
        if level < QUIET_DECIBELS {
            let message =
                format!("very quiet, {level:.0} dB below full scale; go nearer to the microphone or raise its gain");
            warn(WarningCode::Quiet, message.replace("quiet, -", "quiet, "));
        }
        let clipped = self.clipped();
        if clipped >= CLIPPED_SHARE {
            let message = format!("overdriven, {:.1} % of the samples are cut off; lower the gain", 100.0 * clipped);
            warn(WarningCode::Clipped, message);
        }
        let (end, heard) = (self.band(), f64::from(self.sample_rate) / 2.0);
        if end < NARROW_BAND_SHARE * heard {
            let (end, heard) = (end / 1000.0, heard / 1000.0);
            let message =
                format!("the sound ends at {end:.1} kHz, as on a telephone; the model listens up to {heard:.1} kHz");
            warn(WarningCode::NarrowBand, message);
        }
        let novelty = self.novelty / self.compared.max(f64::MIN_POSITIVE);
        if novelty > 1.0 {
            let message = format!(
                "unlike the recordings that the model learned from, {:.1} times as far from them as nearly all new voices in such recordings; \
                 the answer may mean little",
                novelty.sqrt()
            );
            warn(WarningCode::UnlikeTraining, message);
        }
        warnings
    }

    /// The level of the louder parts in decibels re full scale.
    fn level(&self) -> f64 {
        let blocks: u64 = self.levels.iter().sum();
        let rank = (blocks as f64 * LEVEL_RANK) as u64;
        let mut below = 0;
        let found = self.levels.iter().position(|count| {
            below += count;
            below > rank
        });
        LOWEST_LEVEL + found.unwrap_or(LEVELS - 1) as f64
    }

    /// The share of samples that are cut off.
    fn clipped(&self) -> f64 {
        let flat: u64 = self.tops.iter().map(FlatTop::count).sum();
        flat.max(self.full_scale) as f64 / self.samples.max(1) as f64
    }

    /// Where the sound ends, in hertz; the whole band where there is none.
    fn band(&self) -> f64 {
        let highest = f64::from(self.sample_rate) / 2.0;
        let bins = self.spectrum.len() - 1;
        let width = ((BAND / highest * bins as f64) as usize).max(1);
        // The bins beside zero hold the offset.
        let bands: Vec<f64> = self.spectrum[2..].chunks(width).map(|band| band.iter().sum()).collect();
        let strongest = bands.iter().copied().fold(0.0, f64::max);
        let floor = strongest * 10_f64.powf(-BAND_FLOOR_DECIBELS / 10.0);
        match bands.iter().rposition(|&power| power > 0.0 && power >= floor) {
            Some(last) => ((last + 1) as f64 * width as f64 / bins as f64 * highest).min(highest),
            None => highest,
        }
    }
}

/// The index of a block's level; an offset is no sound.
fn level(block: &[f32]) -> usize {
    let count = block.len() as f64;
    let mean = block.iter().copied().map(f64::from).sum::<f64>() / count;
    let power = block.iter().map(|&sample| (f64::from(sample) - mean).powi(2)).sum::<f64>() / count;
    (10.0 * power.log10() - LOWEST_LEVEL).clamp(0.0, (LEVELS - 1) as f64) as usize
}

/// Counts runs of equal samples at the largest value so far: what a limiter leaves, whatever was done to the level after it.
#[derive(Debug, Clone, Copy, Default)]
struct FlatTop {
    largest: f32,
    run: u64,
    flat: u64,
}

impl FlatTop {
    fn push(&mut self, sample: f32) {
        if sample > self.largest {
            *self = Self { largest: sample, run: 1, flat: 0 };
        } else if sample == self.largest {
            self.run += 1;
            // Two equal samples at a peak are chance; the third makes it flat.
            self.flat += match self.run {
                0..=2 => 0,
                3 => 3,
                _ => 1,
            };
        } else {
            self.run = 0;
        }
    }

    fn count(&self) -> u64 {
        if self.largest >= FLAT_TOP { self.flat } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Recognizer;

    fn codes(samples: Vec<f32>, rate: u32) -> Vec<WarningCode> {
        warnings(samples, rate).iter().map(|warning| warning.code).collect()
    }

    /// But for what the embedded model says of all artificial voices: that it learned from real ones.
    fn warnings(samples: Vec<f32>, rate: u32) -> Vec<Warning> {
        let recognizer = Recognizer::embedded().unwrap();
        let mut warnings = recognizer.recognize(&Waveform::new(samples, rate).unwrap()).unwrap().warnings;
        warnings.retain(|warning| warning.code != WarningCode::UnlikeTraining);
        warnings
    }

    /// Speech of an artificial voice at 16 kHz.
    fn speech() -> Vec<f32> {
        crate::testing::voice(3.0)
    }

    fn scaled(gain: f32) -> Vec<f32> {
        speech().iter().map(|sample| gain * sample).collect()
    }

    #[test]
    fn sound_speech_has_no_warnings() {
        assert_eq!(codes(speech(), 16_000), []);
        let wide = Waveform::new(speech(), 16_000).unwrap().resample(48_000).unwrap();
        assert_eq!(codes(wide.into_samples(), 48_000), []);
    }

    #[test]
    fn a_syllable_is_short() {
        let warnings = warnings(speech()[..10_000].to_vec(), 16_000);
        assert_eq!(warnings[0].code, WarningCode::Short, "{warnings:?}");
        assert!(warnings[0].message.contains(" s of speech is little"), "{warnings:?}");
    }

    #[test]
    fn far_below_the_usual_level_is_quiet() {
        let quiet = codes(scaled(1e-3), 16_000);
        assert!(quiet.contains(&WarningCode::Quiet), "{quiet:?}");
        assert_eq!(codes(scaled(0.1), 16_000), []);
        // An offset is no level.
        let offset = scaled(1e-3).iter().map(|sample| 0.25 + sample).collect();
        assert!(codes(offset, 16_000).contains(&WarningCode::Quiet));
    }

    #[test]
    fn tops_that_are_cut_off_are_clipped_at_any_level() {
        let peak = speech().iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        for gain in [1.0, 0.3] {
            let cut = speech().iter().map(|sample| gain * sample.clamp(-0.3 * peak, 0.3 * peak) / peak * 3.0).collect();
            let codes = codes(cut, 16_000);
            assert_eq!(codes, [WarningCode::Clipped], "{gain}");
        }
        assert_eq!(codes(scaled(0.99 / peak), 16_000), []);
    }

    #[test]
    fn telephone_speech_is_narrow() {
        let narrow = Waveform::new(speech(), 16_000).unwrap().resample(8_000).unwrap();
        let again = narrow.resample(16_000).unwrap();
        assert_eq!(codes(narrow.into_samples(), 8_000), [WarningCode::NarrowBand]);
        let found = warnings(again.into_samples(), 16_000);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].message.contains("up to 8.0 kHz"), "{found:?}");
    }

    #[test]
    fn a_word_in_a_long_silence_is_little_speech() {
        let mut samples: Vec<f32> = vec![0.0; 160_000];
        samples[80_000..96_000].copy_from_slice(&speech()[..16_000]);
        assert_eq!(codes(samples.clone(), 16_000), [WarningCode::LittleSpeech]);
        // Longer than what is heard in one piece: silent pieces count as well.
        samples.extend(vec![0.0; 320_000]);
        let found = warnings(samples, 16_000);
        assert!(found[0].message.contains("of 30.0 s sounds like speech"), "{found:?}");
        let tone = (0..48_000).map(|n| (0.3 * (n as f32 * 0.4).sin()) + 0.001 * (n as f32 * 1.9).sin()).collect();
        assert!(codes(tone, 16_000).contains(&WarningCode::LittleSpeech));
    }

    #[test]
    fn hours_of_speech_have_no_warnings() {
        let speech = speech();
        let long = speech.iter().copied().cycle().take(16_000 * 65).collect();
        assert_eq!(codes(long, 16_000), []);
    }

    #[test]
    fn what_the_model_never_heard_the_like_of_is_said() {
        let folder = crate::testing::corpus(6, &[0.3, 0.4, 0.5]);
        let experiment = crate::testing::experiment(folder.path(), &[]);
        let recognizer = Recognizer::new(experiment.train(None, &crate::Quiet).unwrap());
        let unlike = |wave: &Waveform| {
            let warnings = recognizer.recognize(wave).unwrap().warnings;
            warnings.into_iter().find(|warning| warning.code == WarningCode::UnlikeTraining)
        };
        assert_eq!(unlike(&crate::testing::tone(195.0, 0.4, 77)), None);
        let voice = Waveform::new(crate::testing::voice(1.0), 16_000).unwrap();
        let warning = unlike(&voice).unwrap();
        assert!(warning.message.contains(" times as far from them"), "{warning:?}");
        // Pieces of a long recording count by their length.
        let mut long: Vec<f32> = crate::testing::tone(195.0, 38.0, 77).into_samples();
        long.extend(voice.samples()[..100].iter());
        assert_eq!(unlike(&Waveform::new(long, 16_000).unwrap()), None);
    }

    #[test]
    fn codes_are_written_as_they_are_called() {
        for code in [
            WarningCode::Short,
            WarningCode::LittleSpeech,
            WarningCode::Quiet,
            WarningCode::Clipped,
            WarningCode::NarrowBand,
            WarningCode::UnlikeTraining,
        ] {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
