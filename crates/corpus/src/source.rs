//! Sources: where corpora come from.
//!
//! A source is data. The built-in ones stand in `data/sources.toml`, whose head explains the form. Nothing here touches a network.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use crate::error::CorpusError;
use crate::layout::{Layout, nearest};

/// A file of sources, as written in TOML.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceFile {
    #[serde(default, rename = "source")]
    sources: Vec<Spec>,
}

/// One `[[source]]` section.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    name: String,
    page: String,
    url: Option<String>,
    steps: Option<String>,
    bytes: Option<u64>,
    about_bytes: Option<u64>,
    md5: Option<String>,
    sha256: Option<String>,
    #[serde(default)]
    only: Vec<String>,
    lfs: Option<String>,
    recordings: usize,
}

/// The checksums that a file must have, in lower-case hexadecimal; none are known of most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    /// MD5. It tells damage, not malice.
    pub md5: Option<String>,
    /// SHA-256.
    pub sha256: Option<String>,
}

/// Where a corpus comes from: an archive to download, or a page where people have to go themselves.
///
/// ```
/// use stimmung_corpus::Source;
///
/// let ravdess = Source::by_name("RAVDESS")?;
/// assert_eq!((ravdess.bytes(), ravdess.recordings()), (Some(208_468_073), 1440));
/// assert!(Source::by_name("savee")?.url().is_none(), "its owner wants people to register");
/// # Ok::<(), stimmung_corpus::CorpusError>(())
/// ```
#[derive(Debug)]
pub struct Source {
    spec: Spec,
    layout: &'static Layout,
    sums: Sums,
    only: Vec<Regex>,
}

/// The sources that are built in.
pub fn sources() -> &'static [Source] {
    static BUILT_IN: LazyLock<Vec<Source>> = LazyLock::new(|| {
        Source::from_toml_str(include_str!("../data/sources.toml"), "built in").expect("tests read the embedded file")
    });
    &BUILT_IN
}

impl Source {
    /// The built-in source of this corpus, by the name or an alias of its layout.
    ///
    /// # Errors
    /// [`CorpusError::UnknownSource`] with the known ones.
    pub fn by_name(name: &str) -> Result<&'static Self, CorpusError> {
        let layout = Layout::by_name(name).ok();
        sources().iter().find(|source| layout.is_some_and(|layout| layout.name() == source.name())).ok_or_else(|| {
            let known: Vec<&str> = sources().iter().map(Self::name).collect();
            CorpusError::UnknownSource {
                name: name.to_owned(),
                // A corpus that is read but cannot be fetched is not misspelt.
                advice: match layout.map(Layout::url) {
                    Some(Some(url)) => format!(" (see {url})"),
                    Some(None) => String::new(),
                    None => nearest(name, known.iter().copied())
                        .map_or_else(String::new, |nearest| format!(", did you mean `{nearest}`?")),
                },
                known: known.join(", "),
            }
        })
    }

    /// Reads sources from TOML text of the form of `data/sources.toml`; `origin` names it in messages.
    ///
    /// # Errors
    /// [`CorpusError::BadSource`] for TOML of another form, an unknown key, a layout that does not exist, an address that is none, a
    /// checksum of a wrong length, or neither an address nor steps.
    pub fn from_toml_str(text: &str, origin: &str) -> Result<Vec<Self>, CorpusError> {
        let bad = |message: String| CorpusError::BadSource { origin: origin.to_owned(), message };
        let file: SourceFile = toml::from_str(text).map_err(|error| bad(error.to_string().trim_end().to_owned()))?;
        let mut seen = BTreeSet::new();
        file.sources
            .into_iter()
            .map(|spec| {
                let name = spec.name.clone();
                if !seen.insert(name.clone()) {
                    return Err(bad(format!("the name `{name}` is given twice")));
                }
                Self::compile(spec).map_err(|message| bad(format!("`{name}`: {message}")))
            })
            .collect()
    }

    fn compile(spec: Spec) -> Result<Self, String> {
        let layout = Layout::by_name(&spec.name).map_err(|error| error.to_string())?;
        if spec.url.is_some() == spec.steps.is_some() {
            return Err("expected either `url` or `steps`".into());
        }
        for url in [spec.url.as_ref(), spec.lfs.as_ref(), Some(&spec.page)].into_iter().flatten() {
            if !is_web_address(url) {
                return Err(format!("`{url}` is no address that begins with http:// or https://"));
            }
        }
        let sums = Sums { md5: spec.md5.clone(), sha256: spec.sha256.clone() };
        for (sum, digits) in [(&sums.md5, 32), (&sums.sha256, 64)] {
            if sum.as_ref().is_some_and(|sum| !is_hexadecimal(sum, digits)) {
                return Err(format!("a checksum is not of {digits} lower-case hexadecimal digits"));
            }
        }
        let only = spec
            .only
            .iter()
            .map(|pattern| Regex::new(&format!("^(?:{pattern})$")).map_err(|error| format!("`{pattern}`: {error}")))
            .collect::<Result<_, _>>()?;
        Ok(Self { spec, layout, sums, only })
    }

    /// What commands and recipes call the corpus.
    pub fn name(&self) -> &str {
        self.layout.name()
    }

    /// The corpus's full name.
    pub fn title(&self) -> &str {
        self.layout.title()
    }

    /// The terms that its owner sets, and what to cite.
    pub fn terms(&self) -> &str {
        self.layout.terms().unwrap_or("see its page")
    }

    /// Where its owner presents it.
    pub fn page(&self) -> &str {
        &self.spec.page
    }

    /// The archive to download; none where people have to do that by hand.
    pub fn url(&self) -> Option<&str> {
        self.spec.url.as_deref()
    }

    /// What people have to do by hand, where there is no [`Source::url`].
    pub fn steps(&self) -> Option<&str> {
        self.spec.steps.as_deref()
    }

    /// The archive's exact size in bytes, where its publisher tells it.
    pub fn bytes(&self) -> Option<u64> {
        self.spec.bytes
    }

    /// Roughly the size in bytes of all that is downloaded, where something is known.
    pub fn about_bytes(&self) -> Option<u64> {
        self.spec.bytes.or(self.spec.about_bytes)
    }

    /// The archive's checksums, where its publisher tells them.
    pub fn sums(&self) -> &Sums {
        &self.sums
    }

    /// Where the files are that the archive holds as Git LFS pointers.
    pub fn lfs(&self) -> Option<&str> {
        self.spec.lfs.as_deref()
    }

    /// How many recordings the whole corpus has.
    pub fn recordings(&self) -> usize {
        self.spec.recordings
    }

    /// Whether a file of the archive, by its path with `/`, belongs to the corpus.
    #[cfg_attr(target_family = "wasm", expect(dead_code, reason = "nothing is unpacked there"))]
    pub(crate) fn wants(&self, file: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|pattern| pattern.is_match(file))
    }
}

/// Whether an address can be asked for.
pub(crate) fn is_web_address(url: &str) -> bool {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    host.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && !url.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Whether a text consists of so many lower-case hexadecimal digits.
pub(crate) fn is_hexadecimal(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpora_that_can_be_had() {
        let names: Vec<&str> = sources().iter().map(Source::name).collect();
        assert_eq!(names, ["emodb", "ravdess", "cremad", "nemo", "urdu", "tess", "aesdd", "savee"]);
        for source in sources() {
            assert!(source.recordings() > 0 && source.terms() != "see its page", "{}", source.name());
        }
        assert_eq!(Source::by_name("Emo-DB").unwrap().name(), "emodb");
        let cremad = Source::by_name("CREMA-D").unwrap();
        assert!(cremad.wants("AudioWAV/1001_DFA_ANG_XX.wav") && cremad.wants("VideoDemographics.csv"));
        assert!(!cremad.wants("AudioMP3/1001_DFA_ANG_XX.mp3") && !cremad.wants("VideoFlash/1001_DFA_ANG_XX.flv"));
    }

    #[test]
    fn unknown_names_are_told_what_is_known() {
        let message = |name| Source::by_name(name).unwrap_err().to_string();
        assert!(message("emodbb").contains("did you mean `emodb`?"), "{}", message("emodbb"));
        assert!(message("emovo").contains("voice.fub.it"), "{}", message("emovo"));
        assert!(message("?").contains("ravdess"), "{}", message("?"));
    }

    #[test]
    fn sections_that_say_something_impossible() {
        let whole = "[[source]]\nname = \"emodb\"\npage = \"http://a.example/\"\nurl = \"http://a.example/b.zip\"\nrecordings = 1\n";
        assert_eq!(Source::from_toml_str(whole, "test").unwrap().len(), 1);
        for (text, word) in [
            (whole.repeat(2), "twice"),
            (whole.replace("emodb", "nothing"), "unknown layout"),
            (whole.replace("url =", "steps ="), ""),
            (format!("{whole}steps = \"go\"\n"), "either"),
            (whole.replace("http://a.example/b", "file:///etc/b"), "no address"),
            (format!("{whole}md5 = \"ABC\"\n"), "32"),
            (format!("{whole}sha256 = \"{}\"\n", "g".repeat(64)), "64"),
            (format!("{whole}only = ['(']\n"), "`(`"),
            (format!("{whole}colour = 1\n"), "colour"),
        ] {
            match Source::from_toml_str(&text, "test") {
                Ok(_) => assert!(word.is_empty(), "{text}"),
                Err(error) => assert!(!word.is_empty() && error.to_string().contains(word), "{error}"),
            }
        }
    }
}
