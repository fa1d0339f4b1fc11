//! Voices.

use super::dice::Dice;
use crate::recording::Sex;

/// What makes a voice.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Speaker {
    /// Mean pitch in hertz.
    pub(super) pitch: f64,
    /// How high the resonances lie against a man's of 17 cm of vocal tract.
    pub(super) tract: f64,
    /// How much weaker the voice is at 3 kHz than its pulses, in decibels.
    pub(super) tilt: f64,
    /// Loudness of the breath against the voice.
    pub(super) breath: f64,
    /// Standard deviation of the length of periods against their mean.
    pub(super) jitter: f64,
    /// Standard deviation of the strength of periods against their mean.
    pub(super) shimmer: f64,
    /// Share of a period in which the glottis is open.
    pub(super) open: f64,
    /// Tempo against the ordinary one.
    pub(super) rate: f64,
    /// Loudness against the ordinary one, in decibels.
    pub(super) level: f64,
    /// How much of each emotion shows.
    pub(super) expressiveness: f64,
    /// What the microphone does to high frequencies: the coefficient of a first difference.
    pub(super) microphone: f64,
    /// Level of the room's noise in decibels against full scale.
    pub(super) noise: f64,
}

impl Speaker {
    pub(super) fn new(sex: Sex, dice: &mut Dice) -> Self {
        let (pitch, tract, breath) = match sex {
            Sex::Female => (205.0, 1.16, 0.16),
            Sex::Male => (115.0, 1.0, 0.10),
        };
        Self {
            pitch: pitch * semitones(dice.near(0.0, 1.8)),
            tract: tract * dice.near(1.0, 0.04),
            tilt: dice.near(9.0, 1.2),
            breath: breath * dice.near(1.0, 0.3),
            jitter: dice.uniform(0.003, 0.008),
            shimmer: dice.uniform(0.02, 0.06),
            open: dice.near(0.6, 0.05),
            rate: dice.near(1.0, 0.07),
            level: dice.near(0.0, 2.0),
            expressiveness: dice.uniform(0.85, 1.3),
            microphone: dice.near(0.0, 0.06),
            noise: dice.near(-58.0, 1.5),
        }
    }
}

/// The ratio of frequencies that so many semitones make.
pub(super) fn semitones(count: f64) -> f64 {
    libm::exp2(count / 12.0)
}

/// The ratio of amplitudes that so many decibels make.
pub(super) fn decibels(level: f64) -> f64 {
    libm::exp(level * std::f64::consts::LN_10 / 20.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn women_and_men_differ_and_so_do_any_two() {
        let speaker = |sex, number| Speaker::new(sex, &mut Dice::new(1, [1, number, 0, 0, 0]));
        for number in 1..50 {
            let (woman, man) = (speaker(Sex::Female, number), speaker(Sex::Male, number));
            assert!((150.0..270.0).contains(&woman.pitch) && (85.0..150.0).contains(&man.pitch));
            assert!(woman.tract > man.tract, "the same dice, longer tract");
            assert_ne!(woman, speaker(Sex::Female, number + 50));
        }
    }

    #[test]
    fn ratios() {
        assert!((semitones(12.0) - 2.0).abs() < 1e-12 && semitones(0.0) == 1.0);
        assert!((decibels(20.0) - 10.0).abs() < 1e-12 && decibels(0.0) == 1.0);
    }
}
