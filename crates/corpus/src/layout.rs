//! Layouts: how the names of a corpus's files tell who speaks what and how.
//!
//! A layout is data. The built-in ones stand in `data/layouts.toml`, whose head explains the form; a user's own file has the same
//! form. Nothing here knows a corpus by name.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use std::sync::LazyLock;

use regex::{Captures, Regex, RegexBuilder};
use serde::Deserialize;

use crate::error::CorpusError;
use crate::recording::Recording;

/// Names that a group may not have, because they belong to the file and not to what is said in it.
const RESERVED: [&str; 4] = ["file", "start", "end", "seconds"];

/// More than anyone writes about corpora.
const MAX_BYTES: u64 = 4 << 20;

/// A file of layouts, as written in TOML.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LayoutFile {
    #[serde(default)]
    emotions: BTreeMap<String, String>,
    #[serde(default, rename = "layout")]
    layouts: Vec<Spec>,
}

/// One `[[layout]]` section.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    name: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    aliases: Vec<String>,
    url: Option<String>,
    terms: Option<String>,
    example: String,
    patterns: Vec<String>,
    #[serde(default)]
    ignore_case: bool,
    #[serde(default)]
    generic: bool,
    #[serde(default)]
    codes: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default)]
    keep_unknown: BTreeSet<String>,
    #[serde(default)]
    common_names: bool,
    #[serde(default)]
    speakers: BTreeMap<String, SpeakerSpec>,
    #[serde(default)]
    defaults: BTreeMap<String, String>,
    #[serde(default)]
    tables: Vec<TableSpec>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpeakerSpec {
    sex: Option<String>,
    age: Option<String>,
}

/// A table that is published beside the recordings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TableSpec {
    pub(crate) file: String,
    pub(crate) key: String,
    pub(crate) column: String,
    pub(crate) fields: BTreeMap<String, String>,
}

/// How the names of a corpus's files tell who speaks what and how.
///
/// ```
/// use stimmung_corpus::Layout;
///
/// // A corpus of one's own: speaker, emotion and take in the name.
/// let layout = Layout::from_toml_str(r#"
///     [[layout]]
///     name = "studio"
///     example = "anna_happy_1.wav"
///     patterns = ['(?<speaker>[a-z]+)_(?<emotion>[a-z]+)_(?<take>\d)']
///     common_names = true
/// "#, "studio.toml")?.remove(0);
/// let recording = layout.read("anna_happy_2.wav").expect("fits");
/// assert_eq!((recording.speaker.as_deref(), recording.emotion.as_deref()), (Some("anna"), Some("happiness")));
/// # Ok::<(), stimmung_corpus::CorpusError>(())
/// ```
pub struct Layout {
    spec: Spec,
    patterns: Vec<Regex>,
    /// Words for emotions in lower case, empty unless the layout uses them.
    common: BTreeMap<String, String>,
}

impl std::fmt::Debug for Layout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layout")
            .field("name", &self.spec.name)
            .field("patterns", &self.spec.patterns)
            .finish_non_exhaustive()
    }
}

/// The layouts that are built in, in the order in which they are tried.
pub fn layouts() -> &'static [Layout] {
    static BUILT_IN: LazyLock<Vec<Layout>> = LazyLock::new(|| {
        Layout::from_toml_str(include_str!("../data/layouts.toml"), "built in").expect("tests read the embedded file")
    });
    &BUILT_IN
}

impl Layout {
    /// The built-in layout of this name or alias; case, blanks, `-` and `_` do not count.
    ///
    /// # Errors
    /// [`CorpusError::UnknownLayout`] with the nearest known name.
    pub fn by_name(name: &str) -> Result<&'static Self, CorpusError> {
        let wanted = plain(name);
        layouts().iter().find(|layout| layout.names().any(|known| plain(known) == wanted)).ok_or_else(|| {
            let known: Vec<&str> = layouts().iter().map(Self::name).collect();
            CorpusError::UnknownLayout {
                name: name.to_owned(),
                nearest: nearest(&wanted, known.iter().copied()),
                known: known.join(", "),
            }
        })
    }

    /// Reads layouts from a TOML file of the form of `data/layouts.toml`.
    ///
    /// # Errors
    /// [`CorpusError::Io`] if it cannot be read, [`CorpusError::BadLayout`] if it says something impossible.
    pub fn from_toml_path(path: &Path) -> Result<Vec<Self>, CorpusError> {
        let failed = |source| CorpusError::io("read", path, source);
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(failed)?;
        if file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(failed)? as u64 > MAX_BYTES {
            let message = format!("larger than {} MiB; expected a description of file names", MAX_BYTES >> 20);
            return Err(CorpusError::BadLayout { origin: path.display().to_string(), message });
        }
        Self::from_toml_str(&text, &path.display().to_string())
    }

    /// Reads layouts from TOML text; `origin` names it in messages. Words in its section `[emotions]` add to the built-in ones.
    ///
    /// # Errors
    /// [`CorpusError::BadLayout`] for TOML of another form, an unknown key, no layout at all, a pattern that is no regular
    /// expression, tables for fields that no pattern has, or an example that its own patterns do not explain.
    pub fn from_toml_str(text: &str, origin: &str) -> Result<Vec<Self>, CorpusError> {
        let bad = |message: String| CorpusError::BadLayout { origin: origin.to_owned(), message };
        let file: LayoutFile = toml::from_str(text).map_err(|error| bad(error.to_string().trim_end().to_owned()))?;
        if file.layouts.is_empty() {
            return Err(bad("no section [[layout]]".into()));
        }
        let mut common = EMOTIONS.clone();
        common.extend(file.emotions.iter().map(|(word, emotion)| (word.to_lowercase(), emotion.clone())));
        let mut seen = BTreeSet::new();
        file.layouts
            .into_iter()
            .map(|spec| {
                let name = spec.name.clone();
                if name.trim().is_empty() || !seen.insert(name.clone()) {
                    return Err(bad(format!("the name `{name}` is empty or given twice")));
                }
                Self::compile(spec, &common).map_err(|message| bad(format!("`{name}`: {message}")))
            })
            .collect()
    }

    fn compile(spec: Spec, common: &BTreeMap<String, String>) -> Result<Self, String> {
        if spec.patterns.is_empty() {
            return Err("`patterns` is empty".into());
        }
        let patterns = spec
            .patterns
            .iter()
            .map(|pattern| {
                RegexBuilder::new(&format!("^(?:{pattern})$"))
                    .case_insensitive(spec.ignore_case)
                    .build()
                    .map_err(|error| format!("pattern `{pattern}`: {error}"))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let groups: BTreeSet<&str> = patterns.iter().flat_map(Regex::capture_names).flatten().collect();
        if let Some(group) = groups.iter().find(|group| RESERVED.contains(group)) {
            return Err(format!("a group may not be called `{group}`"));
        }
        for field in spec.codes.keys().chain(&spec.keep_unknown) {
            if !groups.contains(field.as_str()) {
                return Err(format!("codes are given for `{field}`, but no pattern has a group (?<{field}>…)"));
            }
        }
        for field in spec.defaults.keys().chain(spec.tables.iter().flat_map(|table| table.fields.keys())) {
            if RESERVED.contains(&field.as_str()) {
                return Err(format!("a file's name cannot fill the field `{field}`"));
            }
        }
        let common = if spec.common_names { common.clone() } else { BTreeMap::new() };
        let layout = Self { spec, patterns, common };
        // Every field that can be filled wrongly (a sex of `x`) is filled once here.
        for example in layout.spec.example.split(" or ") {
            layout.read(example).map_err(|reason| format!("its example does not fit: {reason}"))?;
        }
        for (id, speaker) in &layout.spec.speakers {
            if let Some(sex) = &speaker.sex {
                set(&mut Recording::default(), "sex", sex).map_err(|reason| format!("speaker {id}: {reason}"))?;
            }
        }
        Ok(layout)
    }

    /// What recipes and commands call it.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// The full name.
    pub fn title(&self) -> &str {
        if self.spec.title.is_empty() { &self.spec.name } else { &self.spec.title }
    }

    /// Other names of the corpus and its folder.
    pub fn aliases(&self) -> &[String] {
        &self.spec.aliases
    }

    /// Where the corpus is published.
    pub fn url(&self) -> Option<&str> {
        self.spec.url.as_deref()
    }

    /// Under which terms it is published, and what to cite.
    pub fn terms(&self) -> Option<&str> {
        self.spec.terms.as_deref()
    }

    /// One file as published.
    pub fn example(&self) -> &str {
        &self.spec.example
    }

    /// Whether it is a form that many corpora have, rather than one corpus.
    pub fn is_generic(&self) -> bool {
        self.spec.generic
    }

    pub(crate) fn tables(&self) -> &[TableSpec] {
        &self.spec.tables
    }

    /// The name and the aliases.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name()).chain(self.spec.aliases.iter().map(String::as_str))
    }

    /// What the name of one file tells. `file` is its path inside the corpus, with `/` between the parts.
    ///
    /// # Errors
    /// A sentence that says why the name does not fit and what one looks like that does.
    pub fn read(&self, file: &str) -> Result<Recording, String> {
        let stem = without_extension(file);
        let Some(captures) = self.patterns.iter().find_map(|pattern| pattern.captures(stem)) else {
            return Err(format!(
                "the name `{file}` does not fit the layout `{}` (expected something like `{}`)",
                self.name(),
                self.example()
            ));
        };
        let mut recording = Recording::new(file);
        for field in self.fields(&captures) {
            let code = captures.name(field).map_or("", |found| found.as_str());
            if !code.is_empty() {
                let value = self.decode(field, code)?;
                set(&mut recording, field, value)?;
            }
        }
        if let Some(known) = recording.speaker.as_ref().and_then(|speaker| self.spec.speakers.get(speaker)) {
            for (field, value) in [("sex", &known.sex), ("age", &known.age)] {
                if let Some(value) = value {
                    fill(&mut recording, field, value)?;
                }
            }
        }
        for (field, value) in &self.spec.defaults {
            fill(&mut recording, field, value)?;
        }
        Ok(recording)
    }

    /// The named groups of whichever pattern these captures come from.
    fn fields<'a>(&'a self, captures: &'a Captures<'_>) -> impl Iterator<Item = &'a str> {
        let mut seen = BTreeSet::new();
        self.patterns
            .iter()
            .flat_map(Regex::capture_names)
            .flatten()
            .filter(move |name| captures.name(name).is_some() && seen.insert(*name))
    }

    /// What a code in a name stands for.
    fn decode<'a>(&'a self, field: &str, code: &'a str) -> Result<&'a str, String> {
        let table = self.spec.codes.get(field);
        if let Some(value) = table.and_then(|table| {
            table.get(code).or_else(|| {
                let same = |known: &&String| self.spec.ignore_case && known.to_lowercase() == code.to_lowercase();
                table.iter().find(|(known, _)| same(known)).map(|(_, value)| value)
            })
        }) {
            return Ok(value);
        }
        if field == "emotion" && !self.common.is_empty() {
            // `Pleasant Surprise` and `pleasant-surprise` are the same words.
            let word = code.to_lowercase().replace([' ', '-'], "_");
            if let Some(emotion) = self.common.get(&word) {
                return Ok(emotion);
            }
            if table.is_none() && !self.spec.keep_unknown.contains(field) {
                return Err(format!("`{code}` is no emotion that the layout `{}` knows", self.name()));
            }
        }
        match table {
            Some(table) if !self.spec.keep_unknown.contains(field) => Err(format!(
                "the {field} code `{code}` is unknown to the layout `{}` (known are {})",
                self.name(),
                table.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
            )),
            _ => Ok(code),
        }
    }
}

/// Words for emotions: the section `[emotions]` of the embedded file. It is read once more because the layouts themselves need it.
static EMOTIONS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let file: LayoutFile = toml::from_str(include_str!("../data/layouts.toml")).expect("tests read the embedded file");
    file.emotions
});

/// The emotion among the nine that a word stands for, if any, without regard to case: `joy` is `happiness`. Labels of corpora that
/// are none of these pass through unchanged.
///
/// # Examples
/// ```
/// assert_eq!(stimmung_corpus::standard_emotion("Joy"), Some("happiness"));
/// assert_eq!(stimmung_corpus::standard_emotion("tired"), None);
/// ```
pub fn standard_emotion(word: &str) -> Option<&'static str> {
    EMOTIONS.get(&word.to_lowercase()).map(String::as_str)
}

/// Whether a label is one of the emotions that layouts agree about.
pub(crate) fn is_known_emotion(label: &str) -> bool {
    EMOTIONS.values().any(|emotion| emotion == label)
}

/// Puts a value into a field, which may be a column of its own.
fn set(recording: &mut Recording, field: &str, value: &str) -> Result<(), String> {
    let slot = match field {
        "speaker" => &mut recording.speaker,
        "emotion" => &mut recording.emotion,
        "text" => &mut recording.text,
        "take" => &mut recording.take,
        "age" => &mut recording.age,
        "language" => &mut recording.language,
        "sex" => {
            recording.sex = Some(value.parse()?);
            return Ok(());
        }
        column => {
            recording.extra.insert(column.to_owned(), value.to_owned());
            return Ok(());
        }
    };
    *slot = Some(value.to_owned());
    Ok(())
}

/// Puts a value into a field that is still open.
pub(crate) fn fill(recording: &mut Recording, field: &str, value: &str) -> Result<(), String> {
    if value.trim().is_empty() || get(recording, field).is_some() {
        Ok(())
    } else {
        set(recording, field, value.trim())
    }
}

/// The value of a field.
pub(crate) fn get(recording: &Recording, field: &str) -> Option<String> {
    match field {
        "speaker" => recording.speaker.clone(),
        "emotion" => recording.emotion.clone(),
        "text" => recording.text.clone(),
        "take" => recording.take.clone(),
        "age" => recording.age.clone(),
        "language" => recording.language.clone(),
        "sex" => recording.sex.map(|sex| sex.to_string()),
        column => recording.extra.get(column).cloned(),
    }
}

/// The path up to the last dot of its last part.
fn without_extension(file: &str) -> &str {
    let name = file.rfind('/').map_or(0, |slash| slash + 1);
    match file[name..].rfind('.') {
        Some(dot) if dot > 0 => &file[..name + dot],
        _ => file,
    }
}

/// A name as it is compared: without case, blanks, `-` and `_`.
pub(crate) fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, ' ' | '-' | '_')).flat_map(char::to_lowercase).collect()
}

/// The word among `known` that is near enough to be meant.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    known
        .map(|candidate| (strsim::jaro_winkler(&plain(word), &plain(candidate)), candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.to_owned())
}

#[cfg(test)]
mod tests;
