//! The fundamental frequency, by three estimators.
//!
//! | | hears a period in | decides |
//! | --- | --- | --- |
//! | [`yin()`] | differences of the frame with itself | every frame for itself, at a threshold |
//! | [`pyin()`] | the same, at all thresholds | by the likeliest path through the recording |
//! | [`f0_autocorrelation`] | the autocorrelation over that of the window | by the cheapest path through the recording |

mod autocorrelation;
mod pyin;
mod yin;

use serde::Serialize;

pub use autocorrelation::{AutocorrelationParams, f0_autocorrelation};
pub use pyin::{PyinParams, pyin};
pub use yin::{YinParams, yin};

/// The fundamental of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Fundamental {
    /// Its middle, in seconds from the beginning.
    pub seconds: f64,
    /// The fundamental frequency in hertz; `None` where the frame is unvoiced.
    pub hertz: Option<f64>,
    /// How far the frame is from periodic: 0 for a periodic one, about 1 for noise; 1 for silence. What is measured is up to the
    /// estimator, and scales differ: the dip of [`yin()`], the probability of no voice of [`pyin()`], one less the correlation of
    /// [`f0_autocorrelation`].
    pub aperiodicity: f64,
}

#[cfg(test)]
mod tests;
