//! Functionals: what one value says of a whole contour.
//!
//! They take a contour of any length; of an empty one they are 0. A [`Family`] is what is told in one walk along a contour,
//! in values that have names; a [`Part`] picks some of them, a list of parts is a set, and an [`Evaluator`] tells it of contours.
//! Who composes a set chooses from the [`catalogue`], in which no two have one name.

pub(crate) mod catalogue;
mod crossings;
mod evaluator;
mod extrema;
pub(crate) mod extremes;
mod family;
pub(crate) mod lpc;
pub(crate) mod means;
mod moments;
pub(crate) mod peaks;
mod percentiles;
pub(crate) mod regression;
mod segments;
pub(crate) mod times;

pub(crate) use evaluator::Evaluator;
pub(crate) use extrema::Extrema;
pub(crate) use family::{Family, Part};
pub(crate) use moments::{Moments, moments};
pub(crate) use percentiles::Percentiles;
pub(crate) use segments::segments;

/// Holds a value softly: it is itself up to `bound` on either side, and comes to no more than `bound + excess` beyond.
fn limit(value: f64, bound: f64, excess: f64) -> f64 {
    let beyond = value.abs() - bound;
    if beyond <= 0.0 {
        return value;
    }
    let bent = excess * (((beyond + 1.0).sqrt() - 1.0) / (excess / 2.0)).tanh();
    (bound + bent).copysign(value)
}

#[cfg(test)]
mod tests {
    use super::limit;

    #[test]
    fn limits_are_soft_and_odd() {
        assert_eq!(limit(-9.5, 10.0, 10.0), -9.5);
        assert_eq!(limit(10.0, 10.0, 10.0), 10.0);
        // √(8 + 1) − 1 = 2 beyond, over 5.
        assert!((limit(18.0, 10.0, 10.0) - (10.0 + 10.0 * 0.4_f64.tanh())).abs() < 1e-12);
        assert_eq!(limit(-1e300, 10.0, 10.0), -20.0);
        assert_eq!(limit(3.0, 0.0, 0.01), 0.01);
    }
}
