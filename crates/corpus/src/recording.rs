//! One row of a manifest.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Sex of a speaker, where the corpus tells it.
///
/// Written as `female` and `male`; read in any case, and also as `f` and `m`.
///
/// ```
/// use stimmung_corpus::Sex;
/// assert_eq!("F".parse(), Ok(Sex::Female));
/// assert_eq!(Sex::Male.to_string(), "male");
/// assert!("other".parse::<Sex>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum Sex {
    /// A woman or a girl.
    Female,
    /// A man or a boy.
    Male,
}

impl Sex {
    /// The word written into tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Female => "female",
            Self::Male => "male",
        }
    }
}

impl std::fmt::Display for Sex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Sex {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word.trim().to_lowercase().as_str() {
            "female" | "f" => Ok(Self::Female),
            "male" | "m" => Ok(Self::Male),
            _ => Err(format!("sex is `{word}`; expected female, male, f or m, or nothing where it is not known")),
        }
    }
}

impl TryFrom<String> for Sex {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        word.parse()
    }
}

/// One labelled recording: a file, or the part of a file between `start` and `end`.
///
/// Every field but the file may be open: a corpus tells what it tells.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recording {
    /// The file, relative to [`Manifest::root`](crate::Manifest::root), or absolute.
    #[serde(serialize_with = "slashes")]
    pub file: PathBuf,
    /// Who speaks. Ids are text (`03` is not `3`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    /// The label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emotion: Option<String>,
    /// Which sentence or word is spoken: its code in the corpus, equal for all who speak the same text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Which take of the same utterance this is, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub take: Option<String>,
    /// Sex of the speaker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sex: Option<Sex>,
    /// Age of the speaker as the corpus gives it: years, or a range such as `20-29`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<String>,
    /// Language as an ISO 639 code (`de`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Where the recording begins in its file, in seconds; the beginning of the file if open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<f64>,
    /// Where the recording ends in its file, in seconds; the end of the file if open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<f64>,
    /// Duration of the recording in seconds; known after [`Manifest::probe`](crate::Manifest::probe) or from a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// What the probe saw in the file.
    #[serde(skip)]
    pub media: Option<Media>,
    /// Further columns, kept as they are.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, String>,
}

impl Recording {
    /// A recording of which only the file is known.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into(), ..Self::default() }
    }

    /// The age in years, where it is given as a plain number.
    ///
    /// ```
    /// use stimmung_corpus::Recording;
    /// let recording = Recording { age: Some("31".into()), ..Recording::new("a.wav") };
    /// assert_eq!(recording.age_years(), Some(31.0));
    /// ```
    pub fn age_years(&self) -> Option<f32> {
        self.age.as_deref()?.trim().parse().ok().filter(|years: &f32| years.is_finite() && *years >= 0.0)
    }

    /// What sorts recordings and tells them apart: the file, then the part of it.
    pub(crate) fn key(&self) -> (String, u64, u64) {
        // The bits of non-negative floats are ordered like the floats.
        let bits = |at: Option<f64>, open: u64| at.map_or(open, f64::to_bits);
        (portable(&self.file), bits(self.start, 0), bits(self.end, u64::MAX))
    }
}

/// What a probe saw in a file, before any decoding.
#[derive(Debug, Clone, PartialEq)]
pub struct Media {
    /// Duration of the whole file in seconds.
    pub seconds: f64,
    /// Samples a second.
    pub sample_rate: u32,
    /// Number of channels; they are mixed down when the file is read.
    pub channels: u16,
    /// SHA-256 of the file's bytes in hexadecimal, known only where another file of the manifest has the same size.
    pub sha256: Option<String>,
}

/// A file that had to be left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dropped {
    /// The file, relative to [`Manifest::root`](crate::Manifest::root), or absolute.
    #[serde(serialize_with = "slashes")]
    pub file: PathBuf,
    /// Why it was left out.
    pub reason: String,
}

/// A path as text with `/` between its parts on every platform, without `.` parts.
///
/// Names that are not Unicode are shown with replacement characters; the walk never lets such a file into a manifest.
pub(crate) fn portable(path: &Path) -> String {
    let mut text = String::new();
    for component in path.components() {
        match component {
            Component::CurDir => continue,
            Component::RootDir => {
                text.push('/');
                continue;
            }
            _ => {}
        }
        if !text.is_empty() && !text.ends_with('/') {
            text.push('/');
        }
        text.push_str(&component.as_os_str().to_string_lossy());
    }
    text
}

fn slashes<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&portable(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sex_reads_words_and_letters() {
        for (text, sex) in [("\"female\"", Sex::Female), ("\"M\"", Sex::Male), ("\" Male \"", Sex::Male)] {
            assert_eq!(serde_json::from_str::<Sex>(text).unwrap(), sex);
        }
        assert_eq!(serde_json::to_string(&Sex::Female).unwrap(), "\"female\"");
        let message = serde_json::from_str::<Sex>("\"x\"").unwrap_err().to_string();
        assert!(message.contains("`x`") && message.contains("female"), "{message}");
    }

    #[test]
    fn only_plain_ages_are_years() {
        let age = |text: &str| Recording { age: Some(text.into()), ..Recording::default() }.age_years();
        assert_eq!(age(" 26 "), Some(26.0));
        for text in ["", "20-29", "NaN", "-3", "inf", "old"] {
            assert_eq!(age(text), None, "{text}");
        }
        assert_eq!(Recording::default().age_years(), None);
    }

    #[test]
    fn parts_of_a_file_sort_by_time() {
        let part =
            |start, end| Recording { start, end, ..Recording::new(Path::new(".").join("a").join("b.wav")) }.key();
        assert_eq!(part(None, None).0, "a/b.wav");
        assert!(part(None, Some(1.0)) < part(None, None));
        assert!(part(Some(0.5), Some(1.0)) < part(Some(2.0), Some(2.5)));
        assert!(part(Some(9.0), None) < part(Some(10.0), None));
    }

    #[test]
    fn paths_are_portable() {
        assert_eq!(portable(Path::new("./a/./b c.wav")), "a/b c.wav");
        assert_eq!(portable(Path::new("../a.wav")), "../a.wav");
        assert_eq!(portable(Path::new("/data/a.wav")), "/data/a.wav");
        assert_eq!(portable(Path::new("")), "");
    }
}
