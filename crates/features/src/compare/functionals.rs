//! From the contours of the descriptors to the 6373 values.

use crate::error::FeatureError;
use crate::functionals::means::{AMEAN, FLATNESS, NNZ, POSAMEAN, RQMEAN};
use crate::functionals::regression::Time;
use crate::functionals::{Evaluator, Family, Part};

use super::contours::{Contours, ENERGIES, SOUNDS, Sound, Voices};

/// What is said of energy and spectrum: 31 functionals.
pub(super) const DISTRIBUTION: &[Part] = &[
    Part::all(Family::Extremes),
    Part::all(Family::Percentiles),
    Part::all(Family::Moments),
    Part::all(Family::Crossings),
    Part::all(Family::Times),
    Part::all(Family::Lpc),
];

/// What is said of the voice where it is: 39.
pub(super) const VOICE: &[Part] = &[
    Part::some(Family::Means, &[AMEAN, FLATNESS, POSAMEAN, RQMEAN]),
    Part::all(Family::Extremes),
    Part::all(Family::Regression(Time::Values)),
    Part::all(Family::Percentiles),
    Part::all(Family::Moments),
    Part::all(Family::Times),
    Part::all(Family::Lpc),
];

/// What is said of the fundamental, its zeros among it: 5.
pub(super) const VOICING: &[Part] = &[Part::some(Family::Means, &[NNZ]), Part::all(Family::Stretches)];

/// What else is said of energy and spectrum, over all frames: 23.
pub(super) const COURSE: &[Part] = &[
    Part::some(Family::Means, &[AMEAN, FLATNESS, RQMEAN]),
    Part::all(Family::Peaks),
    Part::all(Family::Regression(Time::Seconds)),
];

/// What else is said of their deltas: 15.
pub(super) const DELTA_COURSE: &[Part] =
    &[Part::some(Family::Means, &[FLATNESS, POSAMEAN, RQMEAN]), Part::all(Family::Peaks)];

/// Tells the functionals, one descriptor after the other, and keeps the place for it.
#[derive(Debug, Default)]
pub(super) struct Functionals {
    evaluator: Evaluator,
    nonzero: Vec<f32>,
    told: [Vec<f32>; SECTIONS],
}

/// What was told of many descriptors, in the order of the values: the distribution of energy, of its deltas, of the spectrum, and of its deltas;
/// what is said of the voice, and of the fundamental; the course of energy and spectrum, and of their deltas.
const SECTIONS: usize = 8;
const DISTRIBUTIONS: [[usize; 2]; 2] = [[0, 1], [2, 3]];
const VOICES: usize = 4;
const FUNDAMENTAL: usize = 5;
const COURSES: usize = 6;
const DELTA_COURSES: usize = 7;

impl Functionals {
    /// The 6373 values, in the order of [`super::names::functionals`]; all finite for finite contours of any length.
    ///
    /// # Errors
    /// [`FeatureError::TemporaryFile`] where the contours cannot be read.
    pub(super) fn of(&mut self, contours: &mut Contours) -> Result<Vec<f32>, FeatureError> {
        self.told.iter_mut().for_each(Vec::clear);
        self.tell_voices(&contours.voices()?);
        for index in 0..SOUNDS {
            self.tell_sound(index, &contours.sound(index)?);
        }
        Ok(self.told.concat())
    }

    fn tell_voices(&mut self, voices: &Voices) {
        let Self { evaluator, nonzero, told } = self;
        for contour in voices.contours {
            // An exact zero is what stands for no voice; a descriptor of other unvoiced values counts everywhere.
            nonzero.clear();
            nonzero.extend(contour.iter().filter(|value| **value != 0.0));
            evaluator.add(VOICE, nonzero, &mut told[VOICES]);
        }
        evaluator.add(VOICING, voices.fundamental, &mut told[FUNDAMENTAL]);
    }

    /// Energy first, then the spectrum.
    fn tell_sound(&mut self, index: usize, sound: &Sound) {
        let Self { evaluator, told, .. } = self;
        let sections = DISTRIBUTIONS[usize::from(index >= ENERGIES)];
        for (section, contour) in sections.into_iter().zip(sound.distribution) {
            evaluator.add(DISTRIBUTION, contour, &mut told[section]);
        }
        evaluator.add(COURSE, sound.levels, &mut told[COURSES]);
        evaluator.add(DELTA_COURSE, sound.deltas, &mut told[DELTA_COURSES]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::FUNCTIONALS;
    use super::super::names;
    use super::*;

    /// What is told where all contours are one.
    fn told(functionals: &mut Functionals, contour: &[f32]) -> Vec<f32> {
        functionals.told.iter_mut().for_each(Vec::clear);
        for index in 0..SOUNDS {
            functionals.tell_sound(index, &Sound { distribution: [contour; 2], levels: contour, deltas: contour });
        }
        functionals.tell_voices(&Voices { contours: [contour; 12], fundamental: contour });
        functionals.told.concat()
    }

    #[test]
    fn values_are_where_their_names_are() {
        // Every contour has another mean, and nothing else.
        let contour = |place: usize| -> Vec<f32> {
            (0..30_u8).map(|n| place as f32 + if n % 2 == 0 { 0.25 } else { -0.25 }).collect()
        };
        let mut functionals = Functionals::default();
        for index in 0..SOUNDS {
            let [smoothed, changes, levels, deltas] = [1, 101, 201, 301].map(|first| contour(first + index));
            let sound = Sound { distribution: [&smoothed, &changes], levels: &levels, deltas: &deltas };
            functionals.tell_sound(index, &sound);
        }
        let voices: Vec<Vec<f32>> = (401..414).map(contour).collect();
        let contours = std::array::from_fn(|index| voices[index].as_slice());
        functionals.tell_voices(&Voices { contours, fundamental: &voices[12] });
        let values = functionals.told.concat();
        let names = names::functionals();
        assert_eq!((values.len(), names.len()), (FUNCTIONALS, FUNCTIONALS));
        let find = |name: &str| values[names.iter().position(|other| other == name).unwrap()];
        assert_eq!(find("audspec_lengthL1norm_sma_quartile1"), 0.75);
        assert_eq!(find("pcm_zcr_sma_de_quartile1"), 103.75);
        assert_eq!(find("audSpec_Rfilt_sma[0]_quartile1"), 4.75);
        assert_eq!(find("mfcc_sma_de[14]_quartile3"), 159.25);
        assert_eq!(find("F0final_sma_amean"), 401.0);
        assert_eq!(find("logHNR_sma_de_amean"), 412.0);
        assert_eq!((find("F0final_sma_ff0_nnz"), find("F0final_sma_ff0_maxSegLen")), (1.0, 0.29));
        assert_eq!(find("pcm_zcr_sma_amean"), 204.0);
        assert_eq!(find("mfcc_sma[14]_amean"), 259.0);
        let quadratic = |mean: f32| (mean * mean + 0.0625).sqrt();
        assert_eq!(find("audspec_lengthL1norm_sma_de_rqmean"), quadratic(301.0));
        assert_eq!(find("mfcc_sma_de[14]_rqmean"), quadratic(359.0));
    }

    #[test]
    fn zeros_of_the_voice_are_left_out_and_contours_may_be_short() {
        let mut functionals = Functionals::default();
        let names = names::functionals();
        let place = |name: &str| names.iter().position(|other| other == name).unwrap();
        let values = told(&mut functionals, &[0.0, 2.0, 0.0, 4.0, 6.0, 0.0]);
        assert_eq!((values[place("jitterDDP_sma_amean")], values[place("pcm_zcr_sma_amean")]), (4.0, 2.0));
        for contour in [&[][..], &[1.0], &[-1.0, 2.0], &[0.0; 200], &[5.0; 200]] {
            let values = told(&mut functionals, contour);
            assert!(values.len() == FUNCTIONALS && values.iter().all(|value| value.is_finite()), "{contour:?}");
        }
        // Where there is no voice nothing is said, where there is silence it is told.
        let silence = told(&mut functionals, &[0.0; 9]);
        assert!(silence[place("F0final_sma_amean")..place("F0final_sma_ff0_nnz")].iter().all(|value| *value == 0.0));
        assert_eq!(silence[place("pcm_RMSenergy_sma_flatness")], 1.0);
    }
}
