//! Families of functionals, and what a set picks of them.

use super::regression::Time;
use super::{extremes, lpc, means, moments, peaks, percentiles, regression, segments, times};

/// Functionals that are told together of a contour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// [`means::means`].
    Means,
    /// [`extremes::Extremes::three`].
    Extremes,
    /// [`percentiles::Percentiles::nine`].
    Percentiles,
    /// [`moments::shape`].
    Moments,
    /// [`super::crossings::Crossings::of`].
    Crossings,
    /// [`segments::first_segments`] of values that are not 0.
    Stretches,
    /// [`times::times`].
    Times,
    /// [`lpc::lpc`].
    Lpc,
    /// [`regression::regression`].
    Regression(Time),
    /// [`peaks::peaks`].
    Peaks,
}

impl Family {
    /// Names of what it tells, in order.
    pub(crate) const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Means => &means::NAMES,
            Self::Extremes => &extremes::NAMES,
            Self::Percentiles => &percentiles::NAMES,
            Self::Moments => &moments::NAMES,
            Self::Crossings | Self::Stretches => &segments::NAMES,
            Self::Times => &times::NAMES,
            Self::Lpc => &lpc::NAMES,
            Self::Regression(_) => &regression::NAMES,
            Self::Peaks => &peaks::NAMES,
        }
    }
}

/// What a set takes of a family.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(super) family: Family,
    /// Places among the family's functionals, all of them if there is no list.
    pub(super) places: Option<&'static [usize]>,
}

impl Part {
    pub(crate) const fn all(family: Family) -> Self {
        Self { family, places: None }
    }

    /// The functionals at some places, in this order; places that the family does not have are passed over.
    pub(crate) const fn some(family: Family, places: &'static [usize]) -> Self {
        Self { family, places: Some(places) }
    }

    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        self.pick(self.family.names())
    }

    /// Of what is told of the whole family what is wanted.
    pub(super) fn pick<T: Copy>(self, of: &[T]) -> impl Iterator<Item = T> {
        let count = self.places.map_or(of.len(), <[usize]>::len);
        (0..count).filter_map(move |index| of.get(self.places.map_or(index, |places| places[index])).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_name_what_they_pick() {
        let some = Part::some(Family::Means, &[means::RQMEAN, means::AMEAN, 7]);
        assert_eq!(some.names().collect::<Vec<_>>(), ["rqmean", "amean"]);
        assert_eq!(some.pick(&[1, 2, 3, 4, 5]).collect::<Vec<_>>(), [4, 1]);
        assert_eq!(Part::all(Family::Moments).names().collect::<Vec<_>>(), ["stddev", "skewness", "kurtosis"]);
    }
}
