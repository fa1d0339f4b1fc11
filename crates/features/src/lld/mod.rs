//! Low-level descriptors of the standard acoustic parameter sets: one value every 10 ms.
//!
//! What they stand on comes first: a [`framing::Framing`] cuts the signal, a [`spectrum::FrameSpectrum`] transforms a
//! frame once for all descriptors, an [`auditory::AuditoryBank`] sums its power in 26 bands.

mod auditory;
mod contour;
mod framing;
mod loudness;
mod spectrum;

pub use contour::Contour;
pub use loudness::loudness;
