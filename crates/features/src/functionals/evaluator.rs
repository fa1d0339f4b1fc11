//! Sets of functionals, told of one contour after the other.

use super::crossings::Crossings;
use super::extremes::Extremes;
use super::family::{Family, Part};
use super::lpc::lpc;
use super::means::means;
use super::moments::shape;
use super::peaks::peaks;
use super::regression::regression;
use super::segments::first_segments;
use super::times::times;
use super::{Extrema, Percentiles};

/// How many stretches of values that are not 0 are counted.
const MOST_STRETCHES: usize = 100;

/// Tells functionals of contours, and keeps the place for it.
#[derive(Debug, Default)]
pub(crate) struct Evaluator {
    percentiles: Percentiles,
    crossings: Crossings,
    extrema: Extrema,
}

impl Evaluator {
    /// Appends what a set says of a contour, in the order of the names of its parts. All of it is finite if the contour is:
    /// what is too large for a single-precision number is the largest one.
    pub(crate) fn add(&mut self, set: &[Part], contour: &[f32], values: &mut Vec<f32>) {
        let extremes = Extremes::of(contour);
        for part in set {
            let mut push = |found: &[f64]| {
                values
                    .extend(part.pick(found).map(|value| value.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32));
            };
            match part.family {
                Family::Means => push(&means(contour)),
                Family::Extremes => push(&extremes.three(contour)),
                Family::Percentiles => push(&self.percentiles.nine(contour)),
                Family::Moments => push(&shape(contour)),
                Family::Crossings => push(&self.crossings.of(contour, extremes).four()),
                Family::Stretches => push(&first_segments(contour, MOST_STRETCHES, |value| value != 0.0).four()),
                Family::Times => push(&times(contour, extremes)),
                Family::Lpc => push(&lpc(contour)),
                Family::Regression(time) => push(&regression(contour, extremes, time)),
                Family::Peaks => push(&peaks(&mut self.extrema, contour, extremes)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::regression::Time;
    use super::*;
    use proptest::prelude::*;

    const ALL: [Part; 10] = [
        Part::all(Family::Means),
        Part::all(Family::Extremes),
        Part::all(Family::Percentiles),
        Part::all(Family::Moments),
        Part::all(Family::Crossings),
        Part::all(Family::Stretches),
        Part::all(Family::Times),
        Part::all(Family::Lpc),
        Part::all(Family::Regression(Time::Seconds)),
        Part::all(Family::Peaks),
    ];

    fn all_of(contour: &[f32]) -> Vec<f32> {
        let mut values = Vec::new();
        Evaluator::default().add(&ALL, contour, &mut values);
        values
    }

    #[test]
    fn every_name_has_a_value_and_scratch_leaves_no_trace() {
        let names = ALL.iter().flat_map(|part| part.names()).count();
        let contour: Vec<f32> = (0..90_u8).map(|n| (f32::from(n) * 0.3).sin()).collect();
        let alone = all_of(&contour);
        assert_eq!((names, alone.len(), all_of(&[]).len()), (60, 60, 60));
        assert!(all_of(&[]).iter().all(|value| *value == 0.0));
        let (mut evaluator, mut values) = (Evaluator::default(), Vec::new());
        evaluator.add(&ALL, &[3.0, -1.0, 0.0, 5.0, 2.0, 8.0, 0.0], &mut values);
        evaluator.add(&ALL, &contour, &mut values);
        assert_eq!(values[60..], alone);
    }

    proptest! {
        #[test]
        fn finite_contours_have_finite_functionals(contour in prop::collection::vec(
            any::<f32>().prop_filter("finite", |value| value.is_finite()), 0..60)) {
            prop_assert!(all_of(&contour).iter().all(|value| value.is_finite()));
        }

        #[test]
        fn flat_contours_have_finite_functionals(
            value in any::<f32>().prop_filter("finite", |value| value.is_finite()), count in 0_usize..40) {
            prop_assert!(all_of(&vec![value; count]).iter().all(|value| value.is_finite()));
        }
    }
}
