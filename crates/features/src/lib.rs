//! Acoustic features of speech, from frames to named sets.
//!
//! A [`FeatureSet`] is what a recipe names; it makes an [`Extractor`] for one sampling rate, which turns recordings into
//! values, one after the other, on one thread:
//!
//! ```
//! use stimmung_audio::Waveform;
//! use stimmung_features::FeatureSet;
//!
//! let set = FeatureSet::by_name("mfcc")?;
//! let mut extractor = set.extractor(16_000)?;
//! let recording = Waveform::new((0..16_000).map(|n| (n as f32 * 0.1).sin()).collect(), 16_000)?;
//! let values = extractor.extract(&recording)?;
//! assert_eq!(values.len(), set.columns(16_000)?.len());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The same set gives its low-level descriptors, a row a frame ([`Level`], [`Extractor::descriptors`]), and takes recordings of any length
//! a block at a time ([`RowStream`]).
//!
//! A recipe may also compose a set of the descriptors of others ([`OwnSet`]).
//!
//! Everything below is public, too, on tables of shape `(frames, bands)` ([`Frames`]):
//!
//! | | |
//! | --- | --- |
//! | spectra | [`Stft`], [`Istft`], [`ConstantQ`], [`power_to_db`], [`amplitude_to_db`] |
//! | mel | [`MelBank`], [`MelScale`], [`Dct`], [`mfcc`] |
//! | pitch classes | [`PeakTuner`], [`estimate_tuning`], [`ChromaBank`], [`chroma_stft`], [`chroma_cqt`], [`tonnetz`] |
//! | texture | [`SpectralContrast`], [`hpss`], [`HpssSplitter`] |
//! | voice | [`Egemaps`], [`Compare`], [`loudness`] |
//! | time | [`delta`], [`rms`], [`zero_crossing_rate`] |
//! | fundamental | [`yin()`], [`pyin()`], [`f0_autocorrelation`] |
//!
//! Names, defaults and results are those of librosa 0.11 ([`yin()`] and [`f0_autocorrelation`] follow their papers instead), in the row on the voice those of openSMILE 2.6.0; `stimmung check` measures the
//! agreement on a folder of recordings, `tests/` on synthesised signals.
//!
//! Results are the same bits for any thread and in any order of recordings. Between processors they may differ in the
//! last bits, because the Fourier transform picks its algorithm by instruction set.

// Only what is inlined into `lanes::vectorized` is compiled for the instruction set that was found.
#![allow(clippy::inline_always)]
// Positions before the first sample are negative; signals are far shorter than `isize::MAX`.
#![allow(clippy::cast_possible_wrap)]
// Loops over the lanes read several arrays at one index, and compile to vector instructions as they stand.
#![allow(clippy::needless_range_loop)]

mod chroma;
mod columns;
mod compare;
mod contours;
mod contrast;
mod cqt;
mod decibel;
mod delta;
mod egemaps;
mod energy;
mod error;
mod extract;
mod f0;
mod frames;
mod functionals;
mod halve;
mod hpss;
mod issa;
mod lanes;
mod level;
mod levinson;
mod lld;
mod log_mel;
mod mel;
mod mfcc;
mod own;
mod set;
mod setting;
mod stft;
mod stream;
mod tonnetz;
mod tuning;

pub use chroma::{ChromaBank, ChromaParams, chroma_stft};
pub use compare::Compare;
pub use contours::ContourSet;
pub use contrast::{ContrastParams, SpectralContrast};
pub use cqt::{ConstantQ, ConstantQParams, chroma_cqt};
pub use decibel::{DecibelParams, amplitude_to_db, power_to_db};
pub use delta::delta;
pub use egemaps::Egemaps;
pub use energy::{rms, zero_crossing_rate};
pub use error::{FeatureError, LARGEST_SAMPLE};
pub use extract::Extractor;
pub use f0::{AutocorrelationParams, Fundamental, PyinParams, YinParams, f0_autocorrelation, pyin, yin};
pub use frames::{Frames, Norm, normalize};
pub use hpss::{HpssParams, HpssSplitter, hpss};
pub use level::{FrameTimes, Level, VALUES_VERSION};
pub use lld::{Contour, loudness};
pub use mel::{MelBank, MelNorm, MelParams, MelScale};
pub use mfcc::{Dct, mfcc};
pub use own::{BaseSet, OwnGroup, OwnSet, SeenFrames};
pub use set::{FeatureSet, IssaLayout, MelSet, MfccSet, Shape, WaveformSet};
pub use stft::{Istft, Spectrogram, Stft, StftParams, Window};
pub use stream::RowStream;
pub use tonnetz::tonnetz;
pub use tuning::{PeakTuner, TuningParams, estimate_tuning, pitch_tuning};
