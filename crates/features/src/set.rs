//! The named feature sets and their form in a recipe.

use serde::{Deserialize, Serialize};

use crate::compare::{self, Compare};
use crate::contours::ContourSet;
use crate::egemaps::{self, Egemaps};
use crate::error::FeatureError;
use crate::extract::Extractor;
use crate::lld::framing::HOP;
use crate::own::{self, BaseSet, OwnSet};
use crate::setting::{Setting, Settings, check_keys, nearest};
use crate::stft::{StftParams, Window};

/// Largest number of values that a picture may hold.
const LARGEST_PICTURE: usize = 1 << 24;

/// Mean mel-frequency cepstral coefficients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MfccSet {
    /// Coefficients, 1 to 128 (the number of mel bands). Default 40.
    pub n: usize,
    /// Whether the standard deviations over time follow the means. Default no.
    pub sd: bool,
}

impl Default for MfccSet {
    fn default() -> Self {
        Self { n: 40, sd: false }
    }
}

/// A mel spectrogram in decibel, cut or padded to one duration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MelSet {
    /// Samples in a frame; even, 2 to 1,048,576. Default 2048.
    pub n_fft: usize,
    /// Samples from frame to frame, at least 1. Default 1024.
    pub hop: usize,
    /// Mel bands, 1 to 4096. Default 128.
    pub bands: usize,
    /// Duration in seconds, above 0 and up to 3600. The middle of a longer recording is kept; a shorter one gets silence
    /// on both sides. Default 3.
    pub seconds: f64,
}

impl Default for MelSet {
    fn default() -> Self {
        Self { n_fft: 2048, hop: 1024, bands: 128, seconds: 3.0 }
    }
}

/// The samples themselves, cut or padded to one duration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WaveformSet {
    /// Duration in seconds, above 0 and up to 3600. The middle of a longer recording is kept; a shorter one gets silence
    /// on both sides. Default 3.
    pub seconds: f64,
}

impl Default for WaveformSet {
    fn default() -> Self {
        Self { seconds: 3.0 }
    }
}

/// Samples in a duration.
pub(crate) fn samples_in(seconds: f64, sample_rate: u32) -> usize {
    (seconds * f64::from(sample_rate)).round() as usize
}

impl MelSet {
    /// Samples that the picture shows.
    pub(crate) fn samples(&self, sample_rate: u32) -> usize {
        samples_in(self.seconds, sample_rate)
    }

    pub(crate) fn stft(&self) -> StftParams {
        StftParams { n_fft: self.n_fft, hop: self.hop, window: Window::Hann }
    }
}

/// How the 193 values are divided among cepstrum, chroma and mel spectrum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssaLayout {
    /// 40 MFCC, 12 chroma, 128 mel: librosa's defaults. Tonnetz of the harmonic part by a constant-Q chromagram.
    Mfcc40Chroma12Mel128,
    /// 60 MFCC, 60 chroma, 60 mel. Tonnetz of the harmonic part by a constant-Q chromagram.
    Mfcc60Chroma60Mel60,
    /// 50 MFCC, 80 chroma, 50 mel. Tonnetz of the same 80 chroma values.
    Mfcc50Chroma80Mel50,
}

impl IssaLayout {
    /// Numbers of MFCC, chroma and mel values.
    pub fn sizes(self) -> (usize, usize, usize) {
        match self {
            Self::Mfcc40Chroma12Mel128 => (40, 12, 128),
            Self::Mfcc60Chroma60Mel60 => (60, 60, 60),
            Self::Mfcc50Chroma80Mel50 => (50, 80, 50),
        }
    }

    /// Whether the tonnetz is that of the harmonic part.
    pub(crate) fn harmonic_tonnetz(self) -> bool {
        self != Self::Mfcc50Chroma80Mel50
    }
}

/// A feature set with its parameters: the section `[features]` of a recipe.
///
/// | `set` | keys | values |
/// | --- | --- | --- |
/// | `mfcc` | `n` = 40, `sd` = false | time means of `n` MFCC (128 Slaney mel bands, 80 dB range), then their standard deviations |
/// | `mel` | `n_fft` = 2048, `hop` = 1024, `bands` = 128, `seconds` = 3.0 | mel power in dB (reference 1, floor −100 dB, 80 dB range), shape (frames, bands) |
/// | `waveform` | `seconds` = 3.0 | the samples, shape (frames, bands) with a frame a sample and one band |
/// | `issa-40-12-128` | | time means of 40 MFCC, 12 chroma, 128 mel, 7 contrast, 6 tonnetz (of the harmonic part) |
/// | `issa-60-60-60` | | the same with 60, 60 and 60 |
/// | `issa-50-80-50` | | the same with 50, 80 and 50; tonnetz of the 80 chroma values |
/// | `egemaps-v02` | | the 88 functionals of [`Egemaps`] |
/// | `compare-2016` | | the 6373 functionals of [`Compare`] |
/// | `contours` | `of` = `egemaps-v02`, `seconds` = 3.0 | the descriptors of a standard set, shape (frames, bands) with a frame every 10 ms and a band a descriptor |
/// | `own` | `groups` | chosen functionals of chosen descriptors: [`OwnSet`] |
///
/// Those that begin with `issa` follow Issa, Demirci & Yazici 2020 (doi:10.1016/j.bspc.2020.101894) and agree with librosa 0.11 on the
/// magnitude spectrogram `S = abs(stft(y))`.
///
/// ```
/// use stimmung_features::{FeatureSet, Shape};
///
/// let set: FeatureSet = toml::from_str("set = 'mfcc'\nn = 13\nsd = true").unwrap();
/// assert_eq!(set.shape(16_000)?, Shape::Vector(26));
/// assert_eq!(set.columns(16_000)?[13], "mfcc_01_sd");
///
/// let error = toml::from_str::<FeatureSet>("set = 'mel'\nbnads = 64").unwrap_err();
/// assert!(error.to_string().contains("did you mean `bands`"));
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Settings", into = "Settings")]
pub enum FeatureSet {
    /// `mfcc`.
    Mfcc(MfccSet),
    /// `mel`.
    Mel(MelSet),
    /// `waveform`.
    Waveform(WaveformSet),
    /// `issa-40-12-128`, `issa-60-60-60`, `issa-50-80-50`.
    Issa(IssaLayout),
    /// `egemaps-v02`.
    Egemaps,
    /// `compare-2016`.
    Compare2016,
    /// `contours`.
    Contours(ContourSet),
    /// `own`: composed by a user.
    Own(OwnSet),
}

/// What a set gives for one recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// So many values.
    Vector(usize),
    /// A table, row after row.
    Picture {
        /// Rows.
        frames: usize,
        /// Columns.
        bands: usize,
    },
}

impl Shape {
    /// Number of values.
    #[allow(clippy::len_without_is_empty)] // No set is empty.
    pub fn len(self) -> usize {
        match self {
            Self::Vector(count) => count,
            Self::Picture { frames, bands } => frames * bands,
        }
    }
}

impl FeatureSet {
    /// All names that [`FeatureSet::by_name`] knows: those of sets that are complete without parameters.
    pub const NAMES: &[&str] = &[
        "mfcc",
        "mel",
        "waveform",
        "issa-40-12-128",
        "issa-60-60-60",
        "issa-50-80-50",
        "egemaps-v02",
        "compare-2016",
        "contours",
    ];

    /// The name of sets that are composed in a recipe.
    pub const OWN: &str = "own";

    /// The set of this name, with default parameters.
    ///
    /// # Errors
    /// [`FeatureError::UnknownSet`], which says what name comes nearest; [`FeatureError::Parameter`] for `own`, which is nothing without groups.
    pub fn by_name(name: &str) -> Result<Self, FeatureError> {
        match name {
            "mfcc" => Ok(Self::Mfcc(MfccSet::default())),
            "mel" => Ok(Self::Mel(MelSet::default())),
            "waveform" => Ok(Self::Waveform(WaveformSet::default())),
            "issa-40-12-128" => Ok(Self::Issa(IssaLayout::Mfcc40Chroma12Mel128)),
            "issa-60-60-60" => Ok(Self::Issa(IssaLayout::Mfcc60Chroma60Mel60)),
            "issa-50-80-50" => Ok(Self::Issa(IssaLayout::Mfcc50Chroma80Mel50)),
            "egemaps-v02" => Ok(Self::Egemaps),
            "compare-2016" => Ok(Self::Compare2016),
            "contours" => Ok(Self::Contours(ContourSet::default())),
            Self::OWN => OwnSet::from_settings(&Settings::new()).map(Self::Own),
            _ => Err(FeatureError::UnknownSet {
                name: name.to_owned(),
                nearest: nearest(name, Self::all_names()),
                known: known(),
            }),
        }
    }

    fn all_names() -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().copied().chain([Self::OWN])
    }

    /// The name, as in a recipe.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Mfcc(_) => "mfcc",
            Self::Mel(_) => "mel",
            Self::Waveform(_) => "waveform",
            Self::Issa(IssaLayout::Mfcc40Chroma12Mel128) => "issa-40-12-128",
            Self::Issa(IssaLayout::Mfcc60Chroma60Mel60) => "issa-60-60-60",
            Self::Issa(IssaLayout::Mfcc50Chroma80Mel50) => "issa-50-80-50",
            Self::Egemaps => "egemaps-v02",
            Self::Compare2016 => "compare-2016",
            Self::Contours(_) => "contours",
            Self::Own(_) => Self::OWN,
        }
    }

    /// The keys that a recipe may give beside `set`.
    fn keys(&self) -> &'static [&'static str] {
        match self {
            Self::Mfcc(_) => &["set", "n", "sd"],
            Self::Mel(_) => &["set", "n_fft", "hop", "bands", "seconds"],
            Self::Waveform(_) => &["set", "seconds"],
            Self::Issa(_) | Self::Egemaps | Self::Compare2016 => &["set"],
            Self::Contours(_) => &["set", "of", "seconds"],
            Self::Own(_) => &own::KEYS,
        }
    }

    /// Checks the ranges of the parameters.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] that names the first one out of range.
    pub fn check(&self) -> Result<(), FeatureError> {
        match self {
            Self::Mfcc(set) if !(1..=128).contains(&set.n) => {
                Err(FeatureError::parameter("n", "1 to 128 coefficients", set.n))
            }
            Self::Mel(set) => {
                set.stft().check()?;
                if !(1..=4096).contains(&set.bands) {
                    return Err(FeatureError::parameter("bands", "1 to 4096", set.bands));
                }
                check_seconds(set.seconds)
            }
            Self::Waveform(set) => check_seconds(set.seconds),
            Self::Contours(set) if set.seconds < HOP => {
                Err(FeatureError::parameter("seconds", "at least 0.01", set.seconds))
            }
            Self::Contours(set) => check_seconds(set.seconds),
            // Of an own set nothing can be made that does not fit.
            Self::Mfcc(_) | Self::Issa(_) | Self::Egemaps | Self::Compare2016 | Self::Own(_) => Ok(()),
        }
    }

    /// How many values a recording of this rate gives, and how they lie.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] where a parameter is out of range, also for this rate.
    pub fn shape(&self, sample_rate: u32) -> Result<Shape, FeatureError> {
        self.check()?;
        match self {
            Self::Mfcc(set) => Ok(Shape::Vector(if set.sd { 2 * set.n } else { set.n })),
            Self::Issa(_) => Ok(Shape::Vector(193)),
            Self::Egemaps => Ok(Shape::Vector(egemaps::FUNCTIONALS)),
            Self::Compare2016 => Ok(Shape::Vector(compare::FUNCTIONALS)),
            Self::Own(set) => Ok(Shape::Vector(set.len())),
            Self::Mel(set) => picture(set.seconds, sample_rate, set.bands, |samples| set.stft().frames(samples)),
            Self::Waveform(set) => picture(set.seconds, sample_rate, 1, |samples| samples),
            Self::Contours(set) => {
                let bands = set.of.descriptor_names().len();
                picture(set.seconds, sample_rate, bands, |_| set.frames())
            }
        }
    }

    /// Names of the values, in order: `mfcc_01_mean`, `chroma_01_mean`, `mel_01_mean`, `contrast_0_mean` to
    /// `contrast_6_mean`, `tonnetz_1_mean` to `tonnetz_6_mean`; [`Egemaps::functional_names`]; [`Compare::functional_names`]; of a composed
    /// set as [`OwnSet`] says; in a picture `frame_001_mel_001` or `frame_001_Loudness_sma3`, of a waveform `sample_00001`.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] where a parameter is out of range, also for this rate.
    pub fn columns(&self, sample_rate: u32) -> Result<Vec<String>, FeatureError> {
        let shape = self.shape(sample_rate)?;
        let mut names = Vec::with_capacity(shape.len());
        match (self, shape) {
            (Self::Issa(layout), _) => {
                let (mfcc, chroma, mel) = layout.sizes();
                names.extend(numbered("mfcc", mfcc, 2, "_mean"));
                names.extend(numbered("chroma", chroma, 2, "_mean"));
                names.extend(numbered("mel", mel, 2, "_mean"));
                names.extend((0..=6).map(|band| format!("contrast_{band}_mean")));
                names.extend((1..=6).map(|dimension| format!("tonnetz_{dimension}_mean")));
            }
            (Self::Mfcc(set), _) => {
                names.extend(numbered("mfcc", set.n, 2, "_mean"));
                if set.sd {
                    names.extend(numbered("mfcc", set.n, 2, "_sd"));
                }
            }
            (Self::Egemaps, _) => names = Egemaps::functional_names(),
            (Self::Compare2016, _) => names = Compare::functional_names(),
            (Self::Own(set), _) => names = set.columns(),
            (Self::Mel(_) | Self::Waveform(_) | Self::Contours(_), Shape::Vector(_)) => {}
            (Self::Waveform(_), Shape::Picture { frames, .. }) => {
                let wide = frames.to_string().len();
                names.extend((1..=frames).map(|sample| format!("sample_{sample:0wide$}")));
            }
            (Self::Contours(set), Shape::Picture { frames, .. }) => {
                let (wide, bands) = (frames.to_string().len().max(3), set.of.descriptor_names());
                for frame in 1..=frames {
                    names.extend(bands.iter().map(|band| format!("frame_{frame:0wide$}_{band}")));
                }
            }
            (Self::Mel(_), Shape::Picture { frames, bands }) => {
                let (wide, narrow) = (frames.to_string().len().max(3), bands.to_string().len().max(3));
                for frame in 1..=frames {
                    names.extend((1..=bands).map(|band| format!("frame_{frame:0wide$}_mel_{band:0narrow$}")));
                }
            }
        }
        Ok(names)
    }

    /// Plans, filters and scratch for recordings of one rate.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] where a parameter is out of range, [`FeatureError::SampleRate`] where a descriptor is
    /// not defined at this rate.
    pub fn extractor(&self, sample_rate: u32) -> Result<Extractor, FeatureError> {
        Extractor::new(self.clone(), sample_rate)
    }
}

/// `kind_01` and so on, with at least so many digits, and an ending.
pub(crate) fn numbered(kind: &str, count: usize, digits: usize, end: &str) -> Vec<String> {
    let width = count.to_string().len().max(digits);
    (1..=count).map(|index| format!("{kind}_{index:0width$}{end}")).collect()
}

fn check_seconds(seconds: f64) -> Result<(), FeatureError> {
    if seconds > 0.0 && seconds <= 3600.0 {
        Ok(())
    } else {
        Err(FeatureError::parameter("seconds", "above 0 and at most 3600", seconds))
    }
}

/// The shape of a picture of so many seconds, if there is a sample to see and memory to see it in.
fn picture(
    seconds: f64,
    sample_rate: u32,
    bands: usize,
    frames: impl Fn(usize) -> usize,
) -> Result<Shape, FeatureError> {
    let samples = samples_in(seconds, sample_rate);
    if samples == 0 {
        let least = format!("at least one sample at {sample_rate} Hz");
        return Err(FeatureError::parameter("seconds", least, seconds));
    }
    let frames = frames(samples);
    if frames.saturating_mul(bands) > LARGEST_PICTURE {
        let most = format!("a picture of at most {LARGEST_PICTURE} values at {sample_rate} Hz");
        return Err(FeatureError::parameter("seconds", most, seconds));
    }
    Ok(Shape::Picture { frames, bands })
}

/// All names of sets, for a sentence.
fn known() -> String {
    FeatureSet::all_names().collect::<Vec<_>>().join(", ")
}

impl TryFrom<Settings> for FeatureSet {
    type Error = FeatureError;

    fn try_from(settings: Settings) -> Result<Self, FeatureError> {
        let mut set = match settings.get("set") {
            Some(Setting::Text(name)) if name == Self::OWN => return OwnSet::from_settings(&settings).map(Self::Own),
            Some(Setting::Text(name)) => Self::by_name(name)?,
            other => {
                let actual = other.map_or_else(|| "missing".to_owned(), ToString::to_string);
                return Err(FeatureError::parameter("set", format!("one of {}", known()), actual));
            }
        };
        check_keys(&settings, set.name(), set.keys())?;
        for (key, value) in &settings {
            match (&mut set, key.as_str()) {
                (Self::Mfcc(set), "n") => set.n = value.count("n")?,
                (Self::Mfcc(set), "sd") => set.sd = value.switch("sd")?,
                (Self::Mel(set), "n_fft") => set.n_fft = value.count("n_fft")?,
                (Self::Mel(set), "hop") => set.hop = value.count("hop")?,
                (Self::Mel(set), "bands") => set.bands = value.count("bands")?,
                (Self::Mel(MelSet { seconds, .. }) | Self::Waveform(WaveformSet { seconds }), "seconds") => {
                    *seconds = value.real("seconds")?;
                }
                (Self::Contours(set), "seconds") => set.seconds = value.real("seconds")?,
                (Self::Contours(set), "of") => {
                    set.of = own::one_of("of", value.text("of")?, BaseSet::ALL, BaseSet::name)?;
                }
                _ => {}
            }
        }
        set.check()?;
        Ok(set)
    }
}

impl From<FeatureSet> for Settings {
    fn from(set: FeatureSet) -> Self {
        let count = |value: usize| Setting::Count(value as i64);
        let mut settings = vec![("set", Setting::Text(set.name().to_owned()))];
        match set {
            FeatureSet::Mfcc(set) => settings.extend([("n", count(set.n)), ("sd", Setting::Switch(set.sd))]),
            FeatureSet::Mel(set) => settings.extend([
                ("n_fft", count(set.n_fft)),
                ("hop", count(set.hop)),
                ("bands", count(set.bands)),
                ("seconds", Setting::Real(set.seconds)),
            ]),
            FeatureSet::Waveform(set) => settings.push(("seconds", Setting::Real(set.seconds))),
            FeatureSet::Contours(set) => settings
                .extend([("of", Setting::Text(set.of.name().to_owned())), ("seconds", Setting::Real(set.seconds))]),
            FeatureSet::Own(set) => settings.push(("groups", set.setting())),
            FeatureSet::Issa(_) | FeatureSet::Egemaps | FeatureSet::Compare2016 => {}
        }
        settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_recipes_too() {
        for name in FeatureSet::NAMES {
            let set = FeatureSet::by_name(name).unwrap();
            assert_eq!(set.name(), *name);
            let text = toml::to_string(&set).unwrap();
            assert_eq!(toml::from_str::<FeatureSet>(&text).unwrap(), set, "{text}");
            let json = serde_json::to_string(&set).unwrap();
            assert_eq!(serde_json::from_str::<FeatureSet>(&json).unwrap(), set, "{json}");
        }
    }

    #[test]
    fn columns_are_as_many_as_values_and_all_different() {
        for name in FeatureSet::NAMES {
            let set = FeatureSet::by_name(name).unwrap();
            let columns = set.columns(16_000).unwrap();
            assert_eq!(columns.len(), set.shape(16_000).unwrap().len());
            let unique: std::collections::BTreeSet<_> = columns.iter().collect();
            assert_eq!(unique.len(), columns.len());
        }
        let columns = FeatureSet::by_name("issa-40-12-128").unwrap().columns(16_000).unwrap();
        assert_eq!(
            [0, 39, 40, 52, 179, 180, 187, 192].map(|index| columns[index].as_str()),
            [
                "mfcc_01_mean",
                "mfcc_40_mean",
                "chroma_01_mean",
                "mel_001_mean",
                "mel_128_mean",
                "contrast_0_mean",
                "tonnetz_1_mean",
                "tonnetz_6_mean"
            ]
        );
    }

    #[test]
    fn recipes_that_err_say_where() {
        for (text, hint) in [
            ("set = 'isa-60-60-60'", "did you mean `issa-60-60-60`"),
            ("n = 3", "`set` is missing, expected one of mfcc, "),
            ("set = 'owm'", "did you mean `own`"),
            ("set = 'own'", "`groups` is missing"),
            ("set = 5", "`set` is 5"),
            ("set = 'mfcc'\nnn = 3", "unknown key `nn` in feature set `mfcc`: did you mean `n`"),
            ("set = 'mfcc'\nn = 0", "`n` is 0"),
            ("set = 'mfcc'\nn = -4", "`n` is -4"),
            ("set = 'mfcc'\nn = 129", "`n` is 129"),
            ("set = 'mfcc'\nn = 2.5", "`n` is 2.5"),
            ("set = 'mfcc'\nsd = 1", "`sd` is 1"),
            ("set = 'mel'\nseconds = 'long'", "`seconds` is \"long\""),
            ("set = 'mel'\nseconds = nan", "`seconds` is NaN"),
            ("set = 'mel'\nseconds = 0", "`seconds` is 0"),
            ("set = 'waveform'\nseconds = -1", "`seconds` is -1"),
            ("set = 'waveform'\nbands = 3", "unknown key `bands`"),
            ("set = 'mel'\nn_fft = 1023", "`n_fft` is 1023"),
            ("set = 'mel'\nhop = 0", "`hop` is 0"),
            ("set = 'mel'\nbands = 5000", "`bands` is 5000"),
            ("set = 'issa-50-80-50'\nn = 40", "unknown key `n`"),
        ] {
            let error = toml::from_str::<FeatureSet>(text).unwrap_err().to_string();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }

    #[test]
    fn pictures_that_would_not_fit_are_refused() {
        let set: FeatureSet = toml::from_str("set = 'waveform'\nseconds = 3600").unwrap();
        assert!(set.shape(48_000).unwrap_err().to_string().contains("at most 16777216 values"));
        let set: FeatureSet = toml::from_str("set = 'mel'\nseconds = 3600\nhop = 1").unwrap();
        assert!(set.shape(48_000).unwrap_err().to_string().contains("at most 16777216 values"));
        let set: FeatureSet = toml::from_str("set = 'mel'\nseconds = 0.00001").unwrap();
        assert!(set.shape(8000).is_err());
    }
}
