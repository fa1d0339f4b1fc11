//! What emotions do to a voice.

use super::dice::Dice;
use super::nearest;
use crate::error::CorpusError;

/// How an emotion changes a voice against its neutral way. All fields of `neutral` are those of no change.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Style {
    pub(super) emotion: &'static str,
    /// Shift of mean pitch in semitones.
    pub(super) pitch: f64,
    /// Factor on the movements of pitch.
    pub(super) range: f64,
    /// Where the melody goes in the end, in semitones.
    pub(super) end: f64,
    /// Factor on the tempo.
    pub(super) rate: f64,
    /// Loudness in decibels.
    pub(super) level: f64,
    /// Loss at 3 kHz in decibels: negative is sharper, positive duller.
    pub(super) tilt: f64,
    /// Loudness of breath, added.
    pub(super) breath: f64,
    /// Irregularity of periods, added.
    pub(super) jitter: f64,
    /// Depth of trembling in semitones.
    pub(super) tremor: f64,
    /// Factor on how far vowels are from the tract at rest.
    pub(super) articulation: f64,
    /// Factor on all resonances: a smile shortens the tract.
    pub(super) tract: f64,
}

/// The voice at rest.
const NEUTRAL: Style = Style {
    emotion: "neutral",
    pitch: 0.0,
    range: 1.0,
    end: -2.0,
    rate: 1.0,
    level: 0.0,
    tilt: 0.0,
    breath: 0.0,
    jitter: 0.0,
    tremor: 0.0,
    articulation: 1.0,
    tract: 1.0,
};

const STYLES: [Style; 9] = [
    Style {
        emotion: "anger",
        pitch: 3.5,
        range: 1.6,
        end: -3.0,
        rate: 1.1,
        level: 6.0,
        tilt: -6.0,
        jitter: 0.006,
        articulation: 1.15,
        ..NEUTRAL
    },
    Style {
        emotion: "boredom",
        pitch: -1.5,
        range: 0.45,
        end: -1.0,
        rate: 0.82,
        level: -3.0,
        tilt: 1.5,
        breath: 0.03,
        articulation: 0.8,
        ..NEUTRAL
    },
    Style { emotion: "calm", pitch: -0.7, range: 0.8, rate: 0.92, level: -3.0, tilt: 2.0, breath: 0.08, ..NEUTRAL },
    Style {
        emotion: "disgust",
        pitch: -1.0,
        range: 0.9,
        end: -4.0,
        rate: 0.86,
        level: 0.5,
        tilt: -1.0,
        jitter: 0.015,
        articulation: 0.95,
        tract: 0.96,
        ..NEUTRAL
    },
    Style {
        emotion: "fear",
        pitch: 5.0,
        range: 0.8,
        end: 0.5,
        rate: 1.16,
        level: 0.5,
        tilt: 0.0,
        breath: 0.2,
        jitter: 0.012,
        tremor: 0.5,
        articulation: 0.95,
        ..NEUTRAL
    },
    Style {
        emotion: "happiness",
        pitch: 4.0,
        range: 1.8,
        end: 1.0,
        rate: 1.06,
        level: 3.5,
        tilt: -1.5,
        articulation: 1.1,
        tract: 1.04,
        ..NEUTRAL
    },
    NEUTRAL,
    Style {
        emotion: "sadness",
        pitch: -0.5,
        range: 0.55,
        end: -2.5,
        rate: 0.8,
        level: -5.0,
        tilt: 4.5,
        breath: 0.22,
        jitter: 0.004,
        tremor: 0.15,
        articulation: 0.86,
        ..NEUTRAL
    },
    Style {
        emotion: "surprise",
        pitch: 5.0,
        range: 2.2,
        end: 5.0,
        rate: 1.02,
        level: 2.5,
        tilt: -1.5,
        breath: 0.05,
        articulation: 1.1,
        ..NEUTRAL
    },
];

/// How much a speaker's way to show an emotion differs from that of others.
pub(super) const HABIT: f64 = 0.55;

/// How much a take differs from the speaker's way.
pub(super) const TAKE: f64 = 0.55;

impl Style {
    /// All, by emotion.
    pub(super) fn all() -> &'static [Self] {
        &STYLES
    }

    /// That of one emotion.
    pub(super) fn of(emotion: &str) -> Result<&'static Self, CorpusError> {
        STYLES.iter().find(|style| style.emotion == emotion).ok_or_else(|| {
            let known = || STYLES.iter().map(|style| style.emotion);
            let near = nearest(emotion, known()).map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
            CorpusError::Parameter {
                parameter: "emotions",
                actual: format!("`{emotion}`"),
                expected: format!("{}{near}", known().collect::<Vec<_>>().join(", ")),
            }
        })
    }

    /// The same style shown with some strength (1: as it is, 0: neutral) and with chance of some size.
    pub(super) fn vary(&self, strength: f64, dice: &mut Dice, chance: f64) -> Self {
        let mut draw = |own: f64, neutral: f64, deviation: f64| {
            neutral + (own - neutral) * strength + dice.near(0.0, deviation * chance)
        };
        Self {
            emotion: self.emotion,
            pitch: draw(self.pitch, NEUTRAL.pitch, 0.9),
            range: draw(self.range, NEUTRAL.range, 0.15).max(0.1),
            end: draw(self.end, NEUTRAL.end, 0.8),
            rate: draw(self.rate, NEUTRAL.rate, 0.05).max(0.5),
            level: draw(self.level, NEUTRAL.level, 1.5),
            tilt: draw(self.tilt, NEUTRAL.tilt, 1.0),
            breath: draw(self.breath, NEUTRAL.breath, 0.03),
            jitter: draw(self.jitter, NEUTRAL.jitter, 0.002),
            tremor: draw(self.tremor, NEUTRAL.tremor, 0.05).max(0.0),
            articulation: draw(self.articulation, NEUTRAL.articulation, 0.03),
            tract: draw(self.tract, NEUTRAL.tract, 0.008),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_style_an_emotion_in_order() {
        assert!(STYLES.is_sorted_by(|a, b| a.emotion < b.emotion));
        assert_eq!(Style::of("neutral").unwrap(), &NEUTRAL);
        let message = Style::of("angr").unwrap_err().to_string();
        assert!(message.contains("`angr`") && message.contains("did you mean `anger`?"), "{message}");
    }

    #[test]
    fn without_strength_and_chance_all_are_neutral() {
        let mut dice = Dice::new(1, [0; 5]);
        for style in Style::all() {
            assert_eq!(style.vary(0.0, &mut dice, 0.0), Style { emotion: style.emotion, ..NEUTRAL });
            assert_eq!(style.vary(1.0, &mut dice, 0.0).pitch, style.pitch);
            assert_ne!(style.vary(1.0, &mut dice, 1.0), *style);
        }
    }
}
