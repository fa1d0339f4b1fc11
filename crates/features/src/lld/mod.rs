//! Low-level descriptors of the standard acoustic parameter sets: one value every 10 ms.
//!
//! What they stand on comes first: [`heard::Heard`] has the last samples, a [`framing::Framing`] cuts them, a [`spectrum::FrameSpectrum`] transforms a
//! frame once for all descriptors, an [`auditory::AuditoryBank`] sums its power in 26 bands.
//!
//! | from | descriptors |
//! | --- | --- |
//! | the samples | energy (20 ms), zero crossings (60 ms) |
//! | the spectrum of 20 ms | loudness, filtered auditory spectrum, cepstrum, alpha ratio, Hammarberg index, energy of bands, slopes, flux, roll-off, moments, entropy, sharpness, harmonicity |
//! | the samples of 20 ms, transformed once more in single precision | formants |
//! | the spectrum of 60 ms | the fundamental: subharmonic summation, then the cheapest path through its candidates |
//! | the fundamental | jitter, shimmer and harmonics-to-noise ratio (with the waveform), harmonics-to-noise ratio and harmonics (with the spectrum of 60 ms) |

pub(crate) mod alpha_ratio;
pub(crate) mod auditory;
mod band;
pub(crate) mod band_energy;
pub(crate) mod cepstrum;
mod contour;
pub(crate) mod cycle_noise;
pub(crate) mod cycles;
pub(crate) mod deltas;
pub(crate) mod entropy;
pub(crate) mod flux;
pub(crate) mod formants;
pub(crate) mod framing;
pub(crate) mod hammarberg;
pub(crate) mod harmonicity;
pub(crate) mod harmonics;
pub(crate) mod heard;
pub(crate) mod loudness;
mod octaves;
pub(crate) mod parabola;
pub(crate) mod pitch_path;
pub(crate) mod pitch_tracker;
pub(crate) mod power_slope;
pub(crate) mod rasta;
pub(crate) mod rms;
pub(crate) mod roll_off;
mod roots;
pub(crate) mod sharpness;
pub(crate) mod slope;
pub(crate) mod smoothing;
pub(crate) mod spectral_harmonicity;
pub(crate) mod spectral_moments;
pub(crate) mod spectrum;
mod split_radix;
pub(crate) mod subharmonics;
#[cfg(test)]
pub(crate) mod vowels;
pub(crate) mod zero_crossings;

pub use contour::Contour;
pub use loudness::loudness;

use std::ops::Range;

/// The bins of a spectrum from `low` (inclusive) to the last that is `below` its limit.
pub(crate) fn bins_where(bins: usize, bin_width: f64, low: f64, below: impl Fn(f64) -> bool) -> Range<usize> {
    let hertz = |bin: usize| bin as f64 * bin_width;
    let first = (0..bins).find(|bin| hertz(*bin) >= low).unwrap_or(bins);
    let end = (first..bins).find(|bin| !below(hertz(*bin))).unwrap_or(bins);
    first..end
}
