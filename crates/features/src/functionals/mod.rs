//! Functionals: what one value says of a whole contour.
//!
//! They take a contour of any length; of an empty one they are 0.

mod extrema;
mod moments;
mod percentiles;
mod segments;

pub(crate) use extrema::Extrema;
pub(crate) use moments::{Moments, moments};
pub(crate) use percentiles::Percentiles;
pub(crate) use segments::segments;
