//! Changed copies of recordings, so that a model sees more voices and rooms than were recorded.

mod amount;
mod circle;
mod noise;
mod pitch;
mod place;
mod vocoder;

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

pub use amount::Amount;

use crate::error::AudioError;
use crate::waveform::Waveform;

/// One change of a recording, of a strength that may be drawn: an entry of a recipe's list of effects.
///
/// | `effect` | key | range | is |
/// | --- | --- | --- | --- |
/// | `noise` | `factor` | 0 to 10 | white noise, x + factor · N(0, 1): [`Waveform::add_noise`] |
/// | `noise-snr` | `db` | −100 to 200 | white noise at a signal-to-noise ratio: [`Waveform::add_noise_at`] |
/// | `shift` | `seconds` | −60 to 60 | a delay, the length is kept: [`Waveform::delay`] |
/// | `shift-samples` | `samples` | −10⁷ to 10⁷ | the same in samples, rounded |
/// | `stretch` | `rate` | 0.1 to 10 | another tempo at the same pitch: [`Waveform::time_stretch`] |
/// | `pitch` | `semitones` | −24 to 24 | another pitch at the same tempo: [`Waveform::pitch_shift`] |
/// | `gain` | `db` | −120 to 120 | another loudness: [`Waveform::gain`] |
/// | `speed` | `rate` | 0.1 to 10 | another tempo and pitch: [`Waveform::change_speed`] |
///
/// A copy has at most 16 effects, which together make it at most ten times as long ([`check_effects`]).
///
/// Every key takes an [`Amount`]: a number, `[low, high]`, or `{ any = [a, b, …] }`. A third of an octave is 4 semitones.
///
/// Nothing is clipped: noise, gain, and the peaks between samples that `stretch`, `pitch` and `speed` bring out may exceed
/// ±1, and features are computed of them as they are. Only writing a file of integers clips.
///
/// ```
/// use stimmung_audio::Effect;
///
/// #[derive(serde::Deserialize)]
/// struct Section {
///     effects: Vec<Effect>,
/// }
/// let section: Section = toml::from_str(
///     r#"effects = [
///         { effect = "noise", factor = 0.05 },
///         { effect = "shift-samples", samples = [0, 6200] },
///         { effect = "stretch", rate = { any = [0.81, 1.23] } },
///     ]"#,
/// )
/// .unwrap();
/// assert_eq!(section.effects.len(), 3);
/// assert!(toml::from_str::<Section>(r#"effects = [{ effect = "noise", db = 3 }]"#).is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Effect {
    /// White noise of a level that does not depend on the recording's.
    Noise {
        /// The noise's standard deviation; full scale is 1.
        factor: Amount,
    },
    /// White noise of a level relative to the recording's.
    NoiseSnr {
        /// Signal-to-noise ratio in decibels.
        db: Amount,
    },
    /// A delay with silence in front; what is pushed over the end is lost.
    Shift {
        /// The delay in seconds; below 0 the recording starts earlier, with silence at the end.
        seconds: Amount,
    },
    /// The same delay counted in samples, as published recipes do, whose length depends on the sample rate.
    ShiftSamples {
        /// The delay in samples, rounded to a whole number.
        samples: Amount,
    },
    /// Another tempo at the same pitch.
    Stretch {
        /// How many times faster.
        rate: Amount,
    },
    /// Another pitch at the same tempo.
    Pitch {
        /// How many semitones higher.
        semitones: Amount,
    },
    /// Another loudness.
    Gain {
        /// How many decibels louder.
        db: Amount,
    },
    /// Another tempo and pitch, as of a tape that runs at another speed.
    Speed {
        /// How many times faster.
        rate: Amount,
    },
}

impl Effect {
    /// Checks that every strength that could be drawn is in range.
    ///
    /// # Errors
    /// [`AudioError::Parameter`] that names the key.
    pub fn check(&self) -> Result<(), AudioError> {
        match self {
            Self::Noise { factor } => factor.check("factor", &noise::FACTORS),
            Self::NoiseSnr { db } => db.check("db", &noise::RATIOS),
            Self::Shift { seconds } => seconds.check("seconds", &place::SECONDS),
            Self::ShiftSamples { samples } => samples.check("samples", &place::SAMPLES),
            Self::Stretch { rate } => rate.check("rate", &vocoder::RATES),
            Self::Pitch { semitones } => semitones.check("semitones", &pitch::SEMITONES),
            Self::Gain { db } => db.check("db", &place::GAINS),
            Self::Speed { rate } => rate.check("rate", &pitch::SPEEDS),
        }
    }

    /// How many times as long a recording may become by it, at least once.
    fn longest(&self) -> f64 {
        match self {
            Self::Stretch { rate } | Self::Speed { rate } => rate.least().recip().max(1.0),
            _ => 1.0,
        }
    }

    /// Whether it does the same every time, with nothing drawn at random.
    pub fn is_fixed(&self) -> bool {
        match self {
            Self::Noise { .. } | Self::NoiseSnr { .. } => false,
            Self::Shift { seconds: amount }
            | Self::ShiftSamples { samples: amount }
            | Self::Stretch { rate: amount }
            | Self::Pitch { semitones: amount }
            | Self::Gain { db: amount }
            | Self::Speed { rate: amount } => matches!(amount, Amount::Fixed(_)),
        }
    }

    /// Draws the strength and applies it.
    fn apply(&self, waveform: &Waveform, rng: &mut ChaCha8Rng) -> Result<Waveform, AudioError> {
        match self {
            Self::Noise { factor } => {
                let factor = factor.draw(rng);
                waveform.add_noise(factor, rng)
            }
            Self::NoiseSnr { db } => {
                let decibels = db.draw(rng);
                waveform.add_noise_at(decibels, rng)
            }
            Self::Shift { seconds } => {
                let samples = (seconds.draw(rng) * f64::from(waveform.sample_rate())).round();
                Ok(waveform.delay(samples as i64))
            }
            Self::ShiftSamples { samples } => Ok(waveform.delay(samples.draw(rng).round() as i64)),
            Self::Stretch { rate } => waveform.time_stretch(rate.draw(rng)),
            Self::Pitch { semitones } => waveform.pitch_shift(semitones.draw(rng)),
            Self::Gain { db } => waveform.gain(db.draw(rng)),
            Self::Speed { rate } => waveform.change_speed(rate.draw(rng)),
        }
    }
}

/// The most effects in one copy.
const MOST_EFFECTS: usize = 16;

/// How much longer than its recording a copy may become.
const LONGEST: f64 = 10.0;

/// Checks the effects that make one copy: each by itself, and that they do not stretch it to more than ten times its length together.
///
/// # Errors
/// [`AudioError::Parameter`] that names the key.
pub fn check_effects(effects: &[Effect]) -> Result<(), AudioError> {
    if effects.len() > MOST_EFFECTS {
        return Err(AudioError::parameter("effects", format!("at most {MOST_EFFECTS} in a copy"), effects.len()));
    }
    effects.iter().try_for_each(Effect::check)?;
    let length: f64 = effects.iter().map(Effect::longest).product();
    // The product of rates such as 0.5 and 0.2 is not exact.
    if length <= LONGEST * (1.0 + 1e-9) {
        return Ok(());
    }
    let expected = format!("a copy of at most {LONGEST} times the length by all effects together");
    Err(AudioError::parameter("rate", expected, format!("{length} times as long")))
}

/// A changed copy: the effects, one after the other in their order, each with a strength of its own drawn from `rng`.
///
/// The same generator in the same state gives the same copy. Give every copy a generator of its own, keyed by seed,
/// recording and copy, and the order in which they are made does not matter. Between processors `stretch`, `pitch` and
/// `speed` may differ in the last bits, because the Fourier transform picks its algorithm by instruction set; the draws
/// never do.
///
/// ```
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
/// use stimmung_audio::{Amount, Effect, Waveform, augment};
///
/// let wave = Waveform::new((0..16_000).map(|n| (n as f32 * 0.1).sin()).collect(), 16_000)?;
/// let effects = [
///     Effect::Stretch { rate: Amount::Any(vec![0.81, 1.23]) },
///     Effect::NoiseSnr { db: Amount::Uniform { low: 10.0, high: 30.0 } },
/// ];
/// let copy = |seed| augment(&effects, &wave, &mut ChaCha8Rng::seed_from_u64(seed));
/// assert_eq!(copy(1)?, copy(1)?);
/// assert_ne!(copy(1)?, copy(2)?);
/// # Ok::<(), stimmung_audio::AudioError>(())
/// ```
///
/// # Errors
/// [`AudioError::Parameter`] where an effect is out of range, before anything is computed; [`AudioError::NonFinite`]
/// where samples near the largest float overflow.
pub fn augment(effects: &[Effect], waveform: &Waveform, rng: &mut ChaCha8Rng) -> Result<Waveform, AudioError> {
    check_effects(effects)?;
    effects.iter().try_fold(waveform.clone(), |changed, effect| effect.apply(&changed, rng))
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    fn rng(seed: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(seed)
    }

    fn tone(len: usize) -> Waveform {
        Waveform::new((0..len).map(|n| 0.5 * (n as f32 * 0.1).sin()).collect(), 16_000).unwrap()
    }

    /// One of each, in both notations.
    fn all() -> Vec<(&'static str, Effect)> {
        let half = || Amount::Fixed(0.5);
        vec![
            (r#"{"effect":"noise","factor":0.5}"#, Effect::Noise { factor: half() }),
            (
                r#"{"effect":"noise-snr","db":[0.0,20.0]}"#,
                Effect::NoiseSnr { db: Amount::Uniform { low: 0.0, high: 20.0 } },
            ),
            (r#"{"effect":"shift","seconds":-0.1}"#, Effect::Shift { seconds: Amount::Fixed(-0.1) }),
            (r#"{"effect":"shift-samples","samples":0.5}"#, Effect::ShiftSamples { samples: half() }),
            (
                r#"{"effect":"stretch","rate":{"any":[0.81,1.23]}}"#,
                Effect::Stretch { rate: Amount::Any(vec![0.81, 1.23]) },
            ),
            (r#"{"effect":"pitch","semitones":0.5}"#, Effect::Pitch { semitones: half() }),
            (r#"{"effect":"gain","db":0.5}"#, Effect::Gain { db: half() }),
            (r#"{"effect":"speed","rate":0.5}"#, Effect::Speed { rate: half() }),
        ]
    }

    #[test]
    fn every_effect_is_read_back_as_it_was_written() {
        for (json, effect) in all() {
            assert_eq!(serde_json::from_str::<Effect>(json).unwrap(), effect);
            assert_eq!(serde_json::to_string(&effect).unwrap(), json);
            effect.check().unwrap();
        }
    }

    #[test]
    fn what_is_no_effect_says_why() {
        let cases = [
            ("effect = 'strech'\nrate = 1", "unknown variant `strech`, expected one of `noise`"),
            ("effect = 'noise'\nfactro = 1", "unknown field `factro`, expected `factor`"),
            ("effect = 'noise'\nfactor = 1\ndb = 3", "unknown field `db`"),
            ("effect = 'noise'", "missing field `factor`"),
            ("factor = 1", "missing field `effect`"),
            ("effect = 'noise'\nfactor = [1, 2, 3]", "to choose among numbers write { any = [number, …] }"),
            ("effect = 'noise'\nfactor = 'loud'", "expected a number, [low, high] or { any = [number, …] }"),
        ];
        for (text, message) in cases {
            let error = toml::from_str::<Effect>(text).unwrap_err().to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn what_could_be_drawn_out_of_range_is_refused_before_work() {
        let cases = [
            ("effect = 'noise'\nfactor = -0.1", "parameter `factor` is -0.1, expected 0 to 10"),
            ("effect = 'noise-snr'\ndb = nan", "parameter `db` is NaN, expected -100 to 200"),
            ("effect = 'shift'\nseconds = [-61, 0]", "parameter `seconds` is -61, expected -60 to 60"),
            (
                "effect = 'shift-samples'\nsamples = 1e8",
                "parameter `samples` is 100000000, expected -10000000 to 10000000",
            ),
            ("effect = 'stretch'\nrate = { any = [1, 11] }", "parameter `rate` is 11, expected 0.1 to 10"),
            ("effect = 'pitch'\nsemitones = 25", "parameter `semitones` is 25, expected -24 to 24"),
            ("effect = 'gain'\ndb = 121", "parameter `db` is 121, expected -120 to 120"),
            ("effect = 'speed'\nrate = 0", "parameter `rate` is 0, expected 0.1 to 10"),
        ];
        for (text, message) in cases {
            let effect: Effect = toml::from_str(text).unwrap();
            assert_eq!(effect.check().unwrap_err().to_string(), message);
            let mut generator = rng(1);
            let error =
                augment(&[Effect::Noise { factor: 0.1.into() }, effect], &tone(100), &mut generator).unwrap_err();
            assert_eq!(error.to_string(), message);
            assert_eq!(generator.next_u64(), rng(1).next_u64());
        }
    }

    #[test]
    fn effects_cannot_multiply_without_end() {
        let stretch = |rate: f64| Effect::Stretch { rate: rate.into() };
        check_effects(&[stretch(0.1)]).unwrap();
        check_effects(&[stretch(0.5), Effect::Speed { rate: 0.2.into() }, stretch(10.0)]).unwrap();
        check_effects(&[stretch(0.1), stretch(0.1), stretch(10.0)]).unwrap_err();
        let drawn = Effect::Speed { rate: Amount::Any(vec![1.0, 0.4]) };
        let error = augment(&[stretch(0.2), drawn], &tone(100), &mut rng(1)).unwrap_err().to_string();
        assert!(error.contains("`rate` is 12.5 times as long") && error.contains("at most 10 times"), "{error}");
        let gains = vec![Effect::Gain { db: 1.0.into() }; MOST_EFFECTS + 1];
        check_effects(&gains[1..]).unwrap();
        assert_eq!(
            check_effects(&gains).unwrap_err().to_string(),
            "parameter `effects` is 17, expected at most 16 in a copy"
        );
    }

    #[test]
    fn no_effects_give_the_recording() {
        assert_eq!(augment(&[], &tone(100), &mut rng(1)).unwrap(), tone(100));
    }

    #[test]
    fn the_seed_decides() {
        let effects: Vec<Effect> = all().into_iter().map(|(_, effect)| effect).collect();
        let copy = |seed| augment(&effects, &tone(8_000), &mut rng(seed)).unwrap();
        assert!(copy(1) == copy(1) && copy(1) != copy(2));
    }

    #[test]
    fn silence_one_sample_and_nothing_pass() {
        for (_, effect) in all() {
            for len in [0, 1, 2, 100] {
                let copy = augment(std::slice::from_ref(&effect), &tone(len), &mut rng(1)).unwrap();
                assert_eq!(copy.is_empty(), len == 0, "{effect:?} {len}");
            }
            let silence = Waveform::new(vec![0.0; 5_000], 16_000).unwrap();
            let copy = augment(std::slice::from_ref(&effect), &silence, &mut rng(1)).unwrap();
            let silent = copy.samples().iter().all(|sample| *sample == 0.0);
            assert_eq!(silent, !matches!(effect, Effect::Noise { .. }), "{effect:?}");
        }
    }

    #[test]
    fn samples_of_any_size_are_an_answer_or_an_error() {
        for (_, effect) in all() {
            for size in [f32::from_bits(1), 1e30, f32::MAX] {
                let wave = Waveform::new((0..6_000).map(|n| if n % 7 < 3 { size } else { -size }).collect(), 16_000);
                match augment(std::slice::from_ref(&effect), &wave.unwrap(), &mut rng(1)) {
                    Ok(copy) => assert!(copy.samples().iter().all(|sample| sample.is_finite())),
                    Err(error) => assert!(matches!(error, AudioError::NonFinite { .. }), "{error}"),
                }
            }
        }
    }
}
