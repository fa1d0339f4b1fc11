//! All functionals by name, and what a user chooses of them.

use super::regression::Time;
use super::{Evaluator, Family, Part};

/// The families, in the order in which their functionals are counted. All of them count time in seconds.
const FAMILIES: [Family; 10] = [
    Family::Means,
    Family::Extremes,
    Family::Percentiles,
    Family::Moments,
    Family::Times,
    Family::Regression(Time::Seconds),
    Family::Peaks,
    Family::Crossings,
    Family::Stretches,
    Family::Lpc,
];

/// In the standard sets those of the crossings have the same names; which is meant shows there by the descriptor.
const STRETCHES: [&str; 4] = ["meanNonzeroSegLen", "maxNonzeroSegLen", "minNonzeroSegLen", "nonzeroSegLenStddev"];

/// Names of a family's functionals, in order, each unlike those of all other families.
const fn names_of(family: Family) -> &'static [&'static str] {
    match family {
        Family::Stretches => &STRETCHES,
        _ => family.names(),
    }
}

/// Names of all functionals. Their places in this order are what a [`Choice`] is made of.
pub(crate) fn names() -> impl Iterator<Item = &'static str> + Clone {
    FAMILIES.into_iter().flat_map(names_of).copied()
}

/// Functionals of any families, in any order.
#[derive(Debug)]
pub(crate) struct Choice {
    /// The families that are needed.
    parts: Vec<Part>,
    /// Places among the values of these families.
    picks: Vec<usize>,
    told: Vec<f32>,
}

impl Choice {
    /// The functionals at these places among [`names`]; places beyond them are passed over.
    pub(crate) fn new(places: &[usize]) -> Self {
        let (mut parts, mut told) = (Vec::new(), Vec::new());
        let mut first = 0;
        for family in FAMILIES {
            let range = first..first + names_of(family).len();
            first = range.end;
            if places.iter().any(|place| range.contains(place)) {
                parts.push(Part::all(family));
                told.extend(range);
            }
        }
        let picks = places.iter().filter_map(|place| told.iter().position(|other| other == place)).collect();
        Self { parts, picks, told: Vec::new() }
    }

    /// Appends what they say of a contour.
    pub(crate) fn add(&mut self, evaluator: &mut Evaluator, contour: &[f32], values: &mut Vec<f32>) {
        self.told.clear();
        evaluator.add(&self.parts, contour, &mut self.told);
        values.extend(self.picks.iter().map(|place| self.told[*place]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str) -> usize {
        names().position(|other| other == name).unwrap()
    }

    #[test]
    fn names_are_unlike_and_as_many_as_values() {
        let mut sorted: Vec<&str> = names().collect();
        assert_eq!(sorted.len(), 60);
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), 60);
        for family in FAMILIES {
            assert_eq!(names_of(family).len(), family.names().len());
        }
    }

    #[test]
    fn chosen_functionals_are_told_in_their_order() {
        let chosen = ["linregc1", "amean", "maxNonzeroSegLen", "range", "rqmean"].map(place);
        let mut choice = Choice::new(&chosen);
        let mut evaluator = Evaluator::default();
        let mut values = Vec::new();
        // From 5 up by 2 a value to 45: 200 a second, five times the range.
        let line: Vec<f32> = (0..21_u8).map(|n| 5.0 + 2.0 * f32::from(n)).collect();
        choice.add(&mut evaluator, &line, &mut values);
        assert_eq!(values[1..4], [25.0, 0.2, 40.0]);
        assert!((values[0] - 5.0).abs() < 1e-6 && (values[4] - (625.0_f32 + 440.0 / 3.0).sqrt()).abs() < 1e-5);
        choice.add(&mut evaluator, &[], &mut values);
        assert_eq!(values[5..], [0.0; 5]);
    }

    #[test]
    fn every_functional_alone_is_what_it_is_among_all() {
        let contour: Vec<f32> = (0..300_u16).map(|n| (f32::from(n) * 0.3).sin().max(0.0) * f32::from(n % 90)).collect();
        let mut evaluator = Evaluator::default();
        let (mut all, mut single) = (Vec::new(), Vec::new());
        Choice::new(&(0..60).collect::<Vec<_>>()).add(&mut evaluator, &contour, &mut all);
        for place in 0..60 {
            Choice::new(&[place]).add(&mut evaluator, &contour, &mut single);
        }
        assert_eq!(all, single);
        // The two families that say the same of different segments.
        assert!(all[place("meanSegLen")] > 0.0 && all[place("meanNonzeroSegLen")] > 0.0);
        assert_ne!(all[place("meanSegLen")], all[place("meanNonzeroSegLen")]);
    }
}
