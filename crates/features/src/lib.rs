//! Acoustic features of speech, from frames to named sets.

mod chroma;
mod contrast;
mod decibel;
mod error;
mod extract;
mod frames;
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
pub use decibel::{DecibelParams, amplitude_to_db, power_to_db};
pub use error::{FeatureError, LARGEST_SAMPLE};
pub use extract::Extractor;
pub use frames::{Frames, Norm, normalize};
pub use mel::{MelBank, MelNorm, MelParams, MelScale};
pub use mfcc::{Dct, mfcc};
pub use set::{FeatureSet, IssaLayout, MelSet, MfccSet, Shape};
pub use stft::{Istft, Spectrogram, Stft, StftParams, Window};
pub use tonnetz::tonnetz;
pub use tuning::{PeakTuner, TuningParams, estimate_tuning, pitch_tuning};
