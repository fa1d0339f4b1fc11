//! What can go wrong, sorted by what the caller can do about it.

/// Why features could not be computed.
///
/// ```
/// use stimmung_features::{FeatureError, FeatureSet};
///
/// let error = FeatureSet::by_name("isa-50-80-50").unwrap_err();
/// assert!(matches!(error, FeatureError::UnknownSet { .. }));
/// assert!(error.to_string().contains("did you mean `issa-50-80-50`"));
/// ```
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FeatureError {
    /// No feature set has this name: choose one of the known ones.
    #[error("unknown feature set `{name}`: did you mean `{nearest}`? Known sets: {known}")]
    UnknownSet {
        /// The name that was asked for.
        name: String,
        /// The known name with the smallest edit distance.
        nearest: &'static str,
        /// All known names, separated by commas.
        known: String,
    },
    /// A key is not a parameter of this feature set: correct the recipe.
    #[error("unknown key `{key}` in feature set `{set}`: did you mean `{nearest}`? Known keys: {known}")]
    UnknownKey {
        /// The key that was found.
        key: String,
        /// The known key with the smallest edit distance.
        nearest: &'static str,
        /// The set it was found in.
        set: String,
        /// All keys of that set, separated by commas.
        known: String,
    },
    /// No descriptor or functional has this name: choose one of the known ones.
    #[error("unknown {what} `{name}`: did you mean `{nearest}`?")]
    UnknownName {
        /// `descriptor` or `functional`.
        what: &'static str,
        /// The name that was asked for.
        name: String,
        /// The known name with the smallest edit distance.
        nearest: String,
    },
    /// A composed set has something twice: leave one out.
    #[error("the {what} `{name}` comes twice")]
    Duplicate {
        /// `descriptor`, `functional` or `value`.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A group of a composed set cannot be used: correct that group.
    #[error("group {number}: {reason}")]
    Group {
        /// The group, from 1.
        number: usize,
        /// What is wrong in it.
        reason: Box<FeatureError>,
    },
    /// The set has no low-level descriptors: choose another set, or functionals.
    #[error("feature set `{set}` has no descriptors frame by frame (level lld); sets that have: {known}")]
    NoDescriptors {
        /// The set that was asked.
        set: &'static str,
        /// The sets that have descriptors, separated by commas.
        known: String,
    },
    /// A parameter lies outside its range: correct the parameter.
    #[error("parameter `{name}` is {actual}, expected {expected}")]
    Parameter {
        /// The parameter's name, as in a recipe.
        name: &'static str,
        /// The range it must lie in.
        expected: String,
        /// The value that was given.
        actual: String,
    },
    /// The descriptor is not defined at this sampling rate: resample the recording.
    #[error(
        "{descriptor} needs a sampling rate from {minimum} to {maximum} Hz, but the signal has {actual} Hz: resample it first"
    )]
    SampleRate {
        /// The descriptor that cannot be computed.
        descriptor: &'static str,
        /// Lowest possible rate in hertz.
        minimum: u32,
        /// Highest possible rate in hertz.
        maximum: u32,
        /// The rate of the signal in hertz.
        actual: u32,
    },
    /// The signal has another sampling rate than the extractor was built for: build one for this rate.
    #[error("the extractor was built for {expected} Hz, but the recording has {actual} Hz")]
    RateMismatch {
        /// The extractor's rate in hertz.
        expected: u32,
        /// The recording's rate in hertz.
        actual: u32,
    },
    /// The input holds too little to work on: give a longer signal.
    #[error("{what} needs at least {minimum} {unit}, got {actual}")]
    TooShort {
        /// What was to be computed.
        what: &'static str,
        /// `samples` or `frames`.
        unit: &'static str,
        /// How many are needed.
        minimum: usize,
        /// How many there are.
        actual: usize,
    },
    /// A sample is not a number, infinite, or so large that its power overflows: repair or scale the signal.
    #[error("sample {index} is {value}, expected a finite value of at most {limit:e} in magnitude")]
    Sample {
        /// Position of the first such sample.
        index: usize,
        /// Its value.
        value: f32,
        /// Largest magnitude that is accepted.
        limit: f32,
    },
    /// What a long recording is described by could not wait in a temporary file: make room there, or name another folder for such files (`TMPDIR`).
    #[error(
        "the descriptors of a long recording could not wait in a temporary file in {}: {reason}",
        folder.display()
    )]
    TemporaryFile {
        /// Where temporary files are.
        folder: std::path::PathBuf,
        /// What the system says.
        reason: String,
    },
    /// Two inputs do not fit together, or a matrix has the wrong width: a mistake in the calling code.
    #[error("{what} has {actual} values a frame, expected {expected}")]
    Width {
        /// Which input.
        what: &'static str,
        /// Expected number of columns.
        expected: usize,
        /// Number of columns found.
        actual: usize,
    },
}

impl FeatureError {
    /// A parameter that is out of its range.
    #[allow(clippy::needless_pass_by_value)] // Called with literals and fields.
    pub(crate) fn parameter(name: &'static str, expected: impl Into<String>, actual: impl std::fmt::Display) -> Self {
        Self::Parameter { name, expected: expected.into(), actual: actual.to_string() }
    }

    /// The error, with the group that it is in.
    pub(crate) fn in_group(self, index: usize) -> Self {
        Self::Group { number: index + 1, reason: Box::new(self) }
    }
}

/// Largest sample magnitude that is accepted. Its power, summed over a frame, still fits an `f32`.
pub const LARGEST_SAMPLE: f32 = 1e15;

/// Checks that there is at least one sample and that all are finite and at most [`LARGEST_SAMPLE`].
///
/// # Errors
/// [`FeatureError::TooShort`] without samples, [`FeatureError::Sample`] for the first that is out of range.
pub(crate) fn check_samples(samples: &[f32]) -> Result<(), FeatureError> {
    if samples.is_empty() {
        return Err(FeatureError::TooShort { what: "a feature set", unit: "samples", minimum: 1, actual: 0 });
    }
    check_range(samples)
}

/// Checks that all samples are finite and at most [`LARGEST_SAMPLE`].
///
/// # Errors
/// [`FeatureError::Sample`] for the first that is out of range.
pub(crate) fn check_range(samples: &[f32]) -> Result<(), FeatureError> {
    // Written so that NaN counts as out of range.
    let fits = |value: f32| value.abs() <= LARGEST_SAMPLE;
    if samples.iter().fold(true, |all, &value| all & fits(value)) {
        return Ok(());
    }
    let index = samples.iter().position(|&value| !fits(value)).unwrap_or(0);
    Err(FeatureError::Sample { index, value: samples[index], limit: LARGEST_SAMPLE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_out_of_range_are_named() {
        assert!(check_samples(&[0.0, -1.0, LARGEST_SAMPLE]).is_ok());
        assert!(matches!(check_samples(&[]), Err(FeatureError::TooShort { minimum: 1, actual: 0, .. })));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 2e15] {
            let Err(FeatureError::Sample { index, .. }) = check_samples(&[0.0, 0.5, bad, 0.0]) else {
                panic!("{bad} was accepted")
            };
            assert_eq!(index, 2);
        }
    }
}
