//! From the contours of the descriptors to the 6373 values.

use crate::functionals::means::{AMEAN, FLATNESS, NNZ, POSAMEAN, RQMEAN};
use crate::functionals::regression::Time;
use crate::functionals::{Evaluator, Family, Part};

use super::FUNCTIONALS;

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

/// Smoothed contours, each over the frames that its functionals see: descriptors first, then their deltas, in the order of
/// their names. The counts are those of a recording that is long enough, of which the voice is known in `decided` frames; none
/// is below 1.
#[derive(Debug, Clone)]
pub(super) struct Blocks<'a> {
    /// Four descriptors of energy and their deltas, over all frames of 60 ms but two.
    pub(super) energy: [&'a [f32]; 8],
    /// 55 descriptors of the spectrum and their deltas, over all frames of 20 ms but two.
    pub(super) spectral: Vec<&'a [f32]>,
    /// Six descriptors of the voice and their deltas, over the decided frames but two, the zeros among them.
    pub(super) voicing: [&'a [f32]; 12],
    /// The fundamental over all decided frames.
    pub(super) fundamental: &'a [f32],
    /// The descriptors of energy, then those of the spectrum, over all frames of 60 ms.
    pub(super) levels: Vec<&'a [f32]>,
    /// Their deltas, over those frames but two.
    pub(super) deltas: Vec<&'a [f32]>,
}

/// Scratch of the functionals.
#[derive(Debug, Default)]
pub(super) struct Functionals {
    evaluator: Evaluator,
    nonzero: Vec<f32>,
}

impl Functionals {
    /// The 6373 values, in the order of [`super::names::functionals`]; all finite for finite contours of any length.
    pub(super) fn of(&mut self, blocks: &Blocks) -> Vec<f32> {
        let mut values = Vec::with_capacity(FUNCTIONALS);
        for contour in blocks.energy.iter().chain(&blocks.spectral) {
            self.evaluator.add(DISTRIBUTION, contour, &mut values);
        }
        for contour in &blocks.voicing {
            // An exact zero is what stands for no voice; a descriptor of other unvoiced values counts everywhere.
            self.nonzero.clear();
            self.nonzero.extend(contour.iter().filter(|value| **value != 0.0));
            self.evaluator.add(VOICE, &self.nonzero, &mut values);
        }
        self.evaluator.add(VOICING, blocks.fundamental, &mut values);
        for contour in &blocks.levels {
            self.evaluator.add(COURSE, contour, &mut values);
        }
        for contour in &blocks.deltas {
            self.evaluator.add(DELTA_COURSE, contour, &mut values);
        }
        debug_assert_eq!(values.len(), FUNCTIONALS);
        values
    }
}

#[cfg(test)]
mod tests {
    use super::super::names;
    use super::*;

    /// Blocks in which all contours are one.
    fn blocks(contour: &[f32]) -> Blocks<'_> {
        Blocks {
            energy: [contour; 8],
            spectral: vec![contour; 110],
            voicing: [contour; 12],
            fundamental: contour,
            levels: vec![contour; 59],
            deltas: vec![contour; 59],
        }
    }

    #[test]
    fn values_are_where_their_names_are() {
        let mut contours: Vec<Vec<f32>> = Vec::new();
        // Every contour has another mean, and nothing else.
        for place in 0..249_u16 {
            contours.push((0..30_u8).map(|n| f32::from(place + 1) + if n % 2 == 0 { 0.25 } else { -0.25 }).collect());
        }
        let mut slices = contours.iter().map(Vec::as_slice);
        let mut take = |count: usize| slices.by_ref().take(count).collect::<Vec<_>>();
        let blocks = Blocks {
            energy: take(8).try_into().unwrap(),
            spectral: take(110),
            voicing: take(12).try_into().unwrap(),
            fundamental: take(1)[0],
            levels: take(59),
            deltas: take(59),
        };
        let values = Functionals::default().of(&blocks);
        let names = names::functionals();
        assert_eq!((values.len(), names.len()), (FUNCTIONALS, FUNCTIONALS));
        let find = |name: &str| values[names.iter().position(|other| other == name).unwrap()];
        assert_eq!(find("audspec_lengthL1norm_sma_quartile1"), 0.75);
        assert_eq!(find("mfcc_sma_de[14]_quartile3"), 118.25);
        assert_eq!(find("F0final_sma_amean"), 119.0);
        assert_eq!(find("logHNR_sma_de_amean"), 130.0);
        assert_eq!((find("F0final_sma_ff0_nnz"), find("F0final_sma_ff0_maxSegLen")), (1.0, 0.29));
        assert_eq!(find("pcm_zcr_sma_amean"), 135.0);
        assert_eq!(find("mfcc_sma[14]_amean"), 190.0);
        let quadratic = |mean: f32| (mean * mean + 0.0625).sqrt();
        assert_eq!(find("audspec_lengthL1norm_sma_de_rqmean"), quadratic(191.0));
        assert_eq!(find("mfcc_sma_de[14]_rqmean"), quadratic(249.0));
    }

    #[test]
    fn zeros_of_the_voice_are_left_out_and_contours_may_be_short() {
        let mut functionals = Functionals::default();
        let names = names::functionals();
        let place = |name: &str| names.iter().position(|other| other == name).unwrap();
        let values = functionals.of(&blocks(&[0.0, 2.0, 0.0, 4.0, 6.0, 0.0]));
        assert_eq!((values[place("jitterDDP_sma_amean")], values[place("pcm_zcr_sma_amean")]), (4.0, 2.0));
        for contour in [&[][..], &[1.0], &[-1.0, 2.0], &[0.0; 200], &[5.0; 200]] {
            let values = functionals.of(&blocks(contour));
            assert!(values.len() == FUNCTIONALS && values.iter().all(|value| value.is_finite()), "{contour:?}");
        }
        // Where there is no voice nothing is said, where there is silence it is told.
        let silence = functionals.of(&blocks(&[0.0; 9]));
        assert!(silence[place("F0final_sma_amean")..place("F0final_sma_ff0_nnz")].iter().all(|value| *value == 0.0));
        assert_eq!(silence[place("pcm_RMSenergy_sma_flatness")], 1.0);
    }
}
