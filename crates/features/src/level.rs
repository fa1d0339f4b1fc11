//! The two levels of a feature set: descriptors frame by frame, and what is said of them for a whole recording.

use std::fmt;
use std::str::FromStr;

use crate::compare::Compare;
use crate::egemaps::Egemaps;
use crate::error::FeatureError;
use crate::set::{FeatureSet, numbered};
use crate::stft::StftParams;

/// The version of the values of all sets and levels. Who keeps values asks for it, so it **must be raised by whoever changes
/// them**; `tests/values.rs` fails where that was forgotten.
pub const VALUES_VERSION: u32 = 2;

/// What rows stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Level {
    /// `lld`: low-level descriptors, a row a frame.
    Descriptors,
    /// `functionals`: one row a recording, the values that a model learns from. The default.
    #[default]
    Functionals,
}

impl Level {
    /// The names by which [`Level::from_str`] knows them.
    pub const NAMES: [&'static str; 2] = ["lld", "functionals"];

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Descriptors => "lld",
            Self::Functionals => "functionals",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Level {
    type Err = FeatureError;

    fn from_str(name: &str) -> Result<Self, FeatureError> {
        match name {
            "lld" => Ok(Self::Descriptors),
            "functionals" => Ok(Self::Functionals),
            _ => Err(FeatureError::parameter("level", Self::NAMES.join(" or "), name)),
        }
    }
}

/// Where the frames of a set lie in a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameTimes {
    /// Samples from the beginning of the recording to the first frame; negative where frames are centred.
    pub first: i64,
    /// Samples from one frame to the next.
    pub hop: usize,
    /// Samples in a frame.
    pub length: usize,
    /// Samples a second.
    pub sample_rate: u32,
}

impl FrameTimes {
    /// Where a frame of a recording of so many samples begins and ends, in seconds; what lies outside the recording is cut off.
    ///
    /// ```
    /// use stimmung_features::FeatureSet;
    ///
    /// let times = FeatureSet::by_name("egemaps-v02")?.frame_times(16_000)?;
    /// assert_eq!(times.span(3, 16_000), (0.03, 0.05));
    /// let centred = FeatureSet::by_name("mfcc")?.frame_times(16_000)?;
    /// assert_eq!(centred.span(0, 16_000), (0.0, 0.064));
    /// # Ok::<(), stimmung_features::FeatureError>(())
    /// ```
    pub fn span(&self, frame: u64, samples: u64) -> (f64, f64) {
        let samples = i64::try_from(samples).unwrap_or(i64::MAX);
        let start = (frame as i64).saturating_mul(self.hop as i64).saturating_add(self.first);
        let end = start.saturating_add(self.length as i64);
        let seconds = |at: i64| at.clamp(0, samples) as f64 / f64::from(self.sample_rate);
        (seconds(start), seconds(end))
    }
}

/// A set that has descriptors joins here, and in [`crate::Extractor::descriptors`], by one arm of each `match`.
impl FeatureSet {
    /// Names of the descriptors, the columns of [`crate::Extractor::descriptors`]: `mfcc_01` …, `mel_001` …, [`Egemaps::DESCRIPTORS`],
    /// [`Compare::descriptor_names`]; of a composed set those that it is made of.
    ///
    /// # Errors
    /// [`FeatureError::NoDescriptors`] for a set that is not made of frames, or only of their means;
    /// [`FeatureError::Parameter`] where a parameter is out of range.
    pub fn descriptor_names(&self) -> Result<Vec<String>, FeatureError> {
        self.check()?;
        match self {
            Self::Mfcc(set) => Ok(numbered("mfcc", set.n, 2, "")),
            Self::Mel(set) => Ok(numbered("mel", set.bands, 3, "")),
            Self::Egemaps => Ok(Egemaps::DESCRIPTORS.map(str::to_owned).to_vec()),
            Self::Compare2016 => Ok(Compare::descriptor_names()),
            Self::Contours(set) => Ok(set.of.descriptor_names()),
            Self::Own(set) => Ok(set.descriptor_names()),
            Self::Waveform(_) | Self::Issa(_) => Err(self.no_descriptors()),
        }
    }

    /// Where the frames of the descriptors lie.
    ///
    /// # Errors
    /// As [`FeatureSet::descriptor_names`]; [`FeatureError::SampleRate`] where the set is not defined at this rate.
    pub fn frame_times(&self, sample_rate: u32) -> Result<FrameTimes, FeatureError> {
        self.check()?;
        match self {
            Self::Mfcc(_) => Ok(centred(StftParams::default(), sample_rate)),
            Self::Mel(set) => Ok(centred(set.stft(), sample_rate)),
            Self::Egemaps => Egemaps::frame_times(sample_rate),
            Self::Compare2016 => Compare::frame_times(sample_rate),
            Self::Contours(set) => set.of.frame_times(sample_rate),
            Self::Own(set) => set.frame_times(sample_rate),
            Self::Waveform(_) | Self::Issa(_) => Err(self.no_descriptors()),
        }
    }

    /// Whether a [`crate::RowStream`] of this set lets go of the samples as they come, as those of `egemaps-v02` and `compare-2016` do. Others
    /// gather the whole recording first.
    pub fn streams(&self) -> bool {
        matches!(self, Self::Egemaps | Self::Compare2016)
    }

    /// The columns of a level.
    ///
    /// # Errors
    /// As [`FeatureSet::columns`] and [`FeatureSet::descriptor_names`].
    pub fn columns_of(&self, level: Level, sample_rate: u32) -> Result<Vec<String>, FeatureError> {
        match level {
            Level::Descriptors => self.descriptor_names(),
            Level::Functionals => self.columns(sample_rate),
        }
    }

    pub(crate) fn no_descriptors(&self) -> FeatureError {
        let known = Self::NAMES
            .iter()
            .copied()
            .filter(|name| Self::by_name(name).is_ok_and(|set| !matches!(set, Self::Waveform(_) | Self::Issa(_))));
        FeatureError::NoDescriptors { set: self.name(), known: known.collect::<Vec<_>>().join(", ") }
    }
}

fn centred(params: StftParams, sample_rate: u32) -> FrameTimes {
    FrameTimes { first: -((params.n_fft / 2) as i64), hop: params.hop, length: params.n_fft, sample_rate }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_come_back_by_their_names() {
        for name in Level::NAMES {
            assert_eq!(name.parse::<Level>().unwrap().to_string(), name);
        }
        let error = "frames".parse::<Level>().unwrap_err().to_string();
        assert!(error.contains("`level` is frames") && error.contains("lld or functionals"), "{error}");
    }

    #[test]
    fn sets_have_names_and_times_or_neither() {
        for name in FeatureSet::NAMES {
            let set = FeatureSet::by_name(name).unwrap();
            match set.descriptor_names() {
                Ok(names) => {
                    assert!(!names.is_empty());
                    assert!(set.frame_times(16_000).is_ok(), "{name}");
                }
                Err(error) => {
                    assert!(matches!(error, FeatureError::NoDescriptors { .. }), "{error}");
                    assert!(error.to_string().contains("mfcc, mel, egemaps-v02, compare-2016, contours"), "{error}");
                    assert_eq!(set.frame_times(16_000), Err(error));
                }
            }
        }
        let names = FeatureSet::by_name("mel").unwrap().descriptor_names().unwrap();
        assert_eq!((names.len(), names[0].as_str(), names[127].as_str()), (128, "mel_001", "mel_128"));
        assert_eq!(FeatureSet::by_name("mfcc").unwrap().descriptor_names().unwrap()[8], "mfcc_09");
    }

    #[test]
    fn spans_stay_inside_the_recording() {
        let times = FrameTimes { first: -50, hop: 20, length: 100, sample_rate: 100 };
        assert_eq!(times.span(0, 200), (0.0, 0.5));
        assert_eq!(times.span(3, 200), (0.1, 1.1));
        assert_eq!(times.span(8, 200), (1.1, 2.0));
        assert_eq!(times.span(u64::MAX / 2, 200), (2.0, 2.0));
    }
}
