//! Sounds and sentences.

use super::dice::Dice;

/// How many resonances the vocal tract has.
pub(super) const FORMANTS: usize = 5;

/// Bandwidths of the resonances in hertz, of the order that Klatt (1980) gives.
pub(super) const BANDWIDTHS: [f64; FORMANTS] = [70.0, 90.0, 130.0, 220.0, 300.0];

/// The resonances of a tract at rest, in hertz, for an adult man; articulation moves away from here.
pub(super) const REST: [f64; FORMANTS] = [500.0, 1450.0, 2450.0, 3400.0, 4400.0];

/// A vowel's first three resonances in hertz, for an adult man (round figures after Peterson & Barney 1952).
const VOWELS: [[f64; 3]; 7] = [
    [280.0, 2250.0, 2900.0],
    [430.0, 2000.0, 2600.0],
    [560.0, 1800.0, 2500.0],
    [730.0, 1150.0, 2450.0],
    [560.0, 900.0, 2450.0],
    [430.0, 820.0, 2400.0],
    [310.0, 870.0, 2300.0],
];

/// A consonant.
#[derive(Clone, Copy)]
enum Consonant {
    /// Closure and burst; the burst's frequency and the place that the formants point to.
    Stop { voiced: bool, burst: f64, locus: [f64; 3] },
    /// Hissing around a frequency, with a loudness.
    Fricative { hiss: f64, loudness: f64, locus: [f64; 3] },
    /// Voice through the nose or around the tongue.
    Sonorant { loudness: f64, formants: [f64; 3] },
}

const LIPS: [f64; 3] = [250.0, 800.0, 2300.0];
const TEETH: [f64; 3] = [250.0, 1750.0, 2650.0];
const PALATE: [f64; 3] = [250.0, 1900.0, 2250.0];

const CONSONANTS: [Consonant; 12] = [
    Consonant::Stop { voiced: false, burst: 900.0, locus: LIPS },
    Consonant::Stop { voiced: false, burst: 4000.0, locus: TEETH },
    Consonant::Stop { voiced: false, burst: 2000.0, locus: PALATE },
    Consonant::Stop { voiced: true, burst: 800.0, locus: LIPS },
    Consonant::Stop { voiced: true, burst: 3600.0, locus: TEETH },
    Consonant::Stop { voiced: true, burst: 1900.0, locus: PALATE },
    Consonant::Fricative { hiss: 5200.0, loudness: 0.5, locus: TEETH },
    Consonant::Fricative { hiss: 2900.0, loudness: 0.6, locus: PALATE },
    Consonant::Fricative { hiss: 3800.0, loudness: 0.2, locus: LIPS },
    Consonant::Sonorant { loudness: 0.45, formants: [270.0, 1050.0, 2200.0] },
    Consonant::Sonorant { loudness: 0.45, formants: [270.0, 1500.0, 2500.0] },
    Consonant::Sonorant { loudness: 0.6, formants: [350.0, 1100.0, 2700.0] },
];

/// A stretch of sound with its targets, which the voice approaches smoothly.
#[derive(Clone, Copy)]
pub(super) struct Segment {
    /// Duration in seconds at an ordinary tempo.
    pub(super) seconds: f64,
    /// Resonances to move to, in hertz, for an adult man.
    pub(super) formants: [f64; FORMANTS],
    /// Loudness of the voice, 0 to 1.
    pub(super) voice: f64,
    /// Loudness of breath through the tract, 0 to 1.
    pub(super) breath: f64,
    /// Loudness of noise made at a narrow place, 0 to 1.
    pub(super) hiss: f64,
    /// Frequency of that noise in hertz.
    pub(super) hiss_hertz: f64,
    /// Whether the melody has an accent here.
    pub(super) accent: bool,
}

/// The sounds of a sentence. Each number is one sentence, the same for everyone.
pub(super) fn sentence(number: usize) -> Vec<Segment> {
    // The texts do not belong to a corpus, so its seed does not matter to them.
    let mut dice = Dice::new(0x0053_7469_6d6d_756e, [0, 0, 0, number, 0]);
    let syllables = 5 + dice.index(3);
    let first_accent = dice.index(2);
    let mut segments = Vec::new();
    for syllable in 0..syllables {
        let consonant = CONSONANTS[dice.index(CONSONANTS.len())];
        let vowel = VOWELS[dice.index(VOWELS.len())];
        let accent = syllable % 2 == first_accent;
        let last = syllable + 1 == syllables;
        push_consonant(consonant, &mut segments);
        let seconds = if accent { 0.15 } else { 0.11 } * if last { 1.4 } else { 1.0 };
        segments.push(Segment { voice: if accent { 1.0 } else { 0.8 }, accent, ..voiced(vowel, seconds) });
        // Some syllables close, with an m, n or l.
        if dice.uniform(0.0, 1.0) < 0.25 {
            push_consonant(CONSONANTS[9 + dice.index(3)], &mut segments);
        }
    }
    segments
}

fn voiced([f1, f2, f3]: [f64; 3], seconds: f64) -> Segment {
    Segment {
        seconds,
        formants: [f1, f2, f3, REST[3], REST[4]],
        voice: 1.0,
        breath: 0.0,
        hiss: 0.0,
        hiss_hertz: 3000.0,
        accent: false,
    }
}

fn push_consonant(consonant: Consonant, segments: &mut Vec<Segment>) {
    match consonant {
        Consonant::Stop { voiced: with_voice, burst, locus } => {
            let place = voiced(locus, 0.0);
            let closure = if with_voice { 0.12 } else { 0.0 };
            segments.push(Segment { seconds: 0.05, voice: closure, ..place });
            segments.push(Segment { seconds: 0.012, voice: closure, hiss: 0.5, hiss_hertz: burst, ..place });
            if !with_voice {
                segments.push(Segment { seconds: 0.025, voice: 0.0, breath: 0.4, ..place });
            }
        }
        Consonant::Fricative { hiss, loudness, locus } => {
            segments.push(Segment { voice: 0.0, hiss: loudness, hiss_hertz: hiss, ..voiced(locus, 0.085) });
        }
        Consonant::Sonorant { loudness, formants } => {
            segments.push(Segment { voice: loudness, ..voiced(formants, 0.06) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_of_speakable_length_and_differ() {
        for number in 1..=99 {
            let segments = sentence(number);
            let seconds: f64 = segments.iter().map(|segment| segment.seconds).sum();
            assert!((0.8..2.2).contains(&seconds), "{number}: {seconds}");
            assert!(segments.iter().any(|segment| segment.accent));
            let formants = |number| sentence(number).iter().map(|segment| segment.formants).collect::<Vec<_>>();
            assert_ne!(formants(number), formants(number + 1));
        }
    }
}
