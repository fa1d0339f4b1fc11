//! Acoustic features of speech, from frames to named sets.

// Only what is inlined into `lanes::vectorized` is compiled for the instruction set that was found.
#![allow(clippy::inline_always)]
// Positions before the first sample are negative; signals are far shorter than `isize::MAX`.
#![allow(clippy::cast_possible_wrap)]
// Loops over the lanes read several arrays at one index, and compile to vector instructions as they stand.
#![allow(clippy::needless_range_loop)]

mod chroma;
mod contrast;
mod cqt;
mod decibel;
mod delta;
mod energy;
mod error;
mod extract;
mod frames;
mod halve;
mod hpss;
mod issa;
mod lanes;
mod log_mel;
mod mel;
mod mfcc;
mod set;
mod stft;
mod tonnetz;
mod tuning;

pub use chroma::{ChromaBank, ChromaParams, chroma_stft};
pub use contrast::{ContrastParams, SpectralContrast};
pub use cqt::{ConstantQ, ConstantQParams, chroma_cqt};
pub use decibel::{DecibelParams, amplitude_to_db, power_to_db};
pub use delta::delta;
pub use energy::{rms, zero_crossing_rate};
pub use error::{FeatureError, LARGEST_SAMPLE};
pub use extract::Extractor;
pub use frames::{Frames, Norm, normalize};
pub use hpss::{HpssParams, HpssSplitter, hpss};
pub use mel::{MelBank, MelNorm, MelParams, MelScale};
pub use mfcc::{Dct, mfcc};
pub use set::{FeatureSet, IssaLayout, MelSet, MfccSet, Shape};
pub use stft::{Istft, Spectrogram, Stft, StftParams, Window};
pub use tonnetz::tonnetz;
pub use tuning::{PeakTuner, TuningParams, estimate_tuning, pitch_tuning};
