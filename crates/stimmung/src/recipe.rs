//! The recipe: a TOML file that fixes an experiment.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use stimmung_audio::{ConditioningParams, Effect, SegmentParams, check_effects};
use stimmung_evaluation::Protocol;
use stimmung_features::FeatureSet;
use stimmung_models::{LARGEST_NUMBER_OF_COPIES, ModelParams, Scaling};

use crate::reference::{Reference, merge};
use crate::select::SelectSection;
use crate::table::hex;
use crate::{AdaptationMode, AdaptationSection, Error, Hearing};

mod overrides;

pub use overrides::{Override, feature_set};

/// The recipe behind the embedded model; also what commands start from when no recipe is given.
pub const DEFAULT_RECIPE: &str = include_str!("../../../recipes/default.toml");

/// An experiment: which recordings, heard how, described by what, learnt by what, and judged how.
///
/// # Examples
/// ```
/// let recipe = stimmung::Recipe::parse(
///     r#"
///     name = "first-try"
///     [corpus]
///     name = "emodb"
///     [features]
///     set = "mfcc"
///     n = 20
///     [model]
///     kind = "logistic"
///     "#,
///     "first-try.toml",
/// )?;
/// assert_eq!(recipe.seed, 1);
/// # Ok::<(), stimmung::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Names the run's folder: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// One sentence for the reader; goes onto the model's card.
    #[serde(default)]
    pub description: String,
    /// Everything random grows from this number. Default 1.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// The recordings.
    pub corpus: CorpusSection,
    /// How recordings are heard.
    #[serde(default)]
    pub audio: AudioSection,
    /// What is done to every recording before anything else.
    #[serde(default, skip_serializing_if = "ConditioningParams::is_default")]
    pub conditioning: ConditioningParams,
    /// The length of the pieces that are learnt and judged one by one; the answers for the pieces of a recording are
    /// pooled. Absent: recordings stay whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<SegmentParams>,
    /// Changed copies of the recordings to learn from.
    #[serde(default, skip_serializing_if = "AugmentationSection::is_default")]
    pub augmentation: AugmentationSection,
    /// What is computed from a recording.
    pub features: FeatureSet,
    /// What the model is told of the speaker whom it judges. Default: nothing.
    #[serde(default, skip_serializing_if = "AdaptationSection::is_default")]
    pub adaptation: AdaptationSection,
    /// What is done to features before the model sees them. Default `standard`.
    #[serde(default, skip_serializing_if = "Scaling::is_default")]
    pub scaling: Scaling,
    /// What learns.
    pub model: ModelParams,
    /// How it is judged. Default: leave one speaker out.
    #[serde(default = "default_protocol")]
    pub protocol: Protocol,
    /// Whether networks are scored on the test part after every epoch, for the curve in `history.csv`. It changes nothing:
    /// what is judged is the network that training ends with. Not for ensembles, nor where speakers introduce themselves, nor
    /// while settings are selected. Default no, since it takes time.
    #[serde(default, skip_serializing_if = "is_false")]
    pub watch: bool,
    /// What `stimmung select` chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<SelectSection>,
    /// The published experiment that the recipe repeats, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
}

/// The section `[corpus]`: exactly one of `name` and `path` is given.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CorpusSection {
    /// A corpus by name (`emodb`), looked for in the corpora folders.
    pub name: Option<String>,
    /// A folder, or a manifest in CSV. Relative to the current folder.
    pub path: Option<PathBuf>,
    /// The layout of the folder, by name or a layout file; found out when absent.
    pub layout: Option<String>,
    /// Only recordings of these emotions are kept; all when absent.
    pub emotions: Option<BTreeSet<String>>,
}

/// The section `[audio]`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AudioSection {
    /// Hertz to which every recording is resampled. When absent, the rate that most recordings of the corpus have.
    pub sample_rate: Option<u32>,
}

/// The section `[augmentation]`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AugmentationSection {
    /// Whether copies are made of the training part only. Default after the split.
    pub when: When,
    /// For each copy of a recording, the effects that make it, in their order. None by default.
    pub copies: Vec<Vec<Effect>>,
    /// Whether a recording is judged together with its copies, the answers pooled (test-time augmentation); the copies are then
    /// made without chance, and after the split. Default no.
    #[serde(skip_serializing_if = "is_false")]
    pub test_time: bool,
}

impl AugmentationSection {
    /// The copies that a recording is judged with.
    pub(crate) fn judged(&self) -> Vec<Vec<Effect>> {
        if self.test_time { self.copies.clone() } else { Vec::new() }
    }

    fn check(&self) -> Result<(), String> {
        if self.copies.len() > LARGEST_NUMBER_OF_COPIES {
            let (copies, most) = (self.copies.len(), LARGEST_NUMBER_OF_COPIES);
            return Err(format!("[augmentation] copies: {copies} are too many, at most {most}"));
        }
        if self.copies.is_empty() && self.when == When::BeforeSplit {
            return Err("[augmentation] when = \"before-split\" needs `copies` to make".into());
        }
        if self.test_time && (self.copies.is_empty() || self.when == When::BeforeSplit) {
            return Err("[augmentation] test_time = true needs `copies`, made after the split".into());
        }
        if self.test_time && !self.copies.iter().flatten().all(Effect::is_fixed) {
            return Err("[augmentation] test_time = true judges copies, so nothing in them may be drawn at random: \
                        give every effect one number, and no noise"
                .into());
        }
        for (number, effects) in (1..).zip(&self.copies) {
            if effects.is_empty() {
                return Err(format!("[augmentation] copy {number} has no effect, so it would not differ"));
            }
            check_effects(effects).map_err(|error| format!("[augmentation] copy {number}: {error}"))?;
        }
        Ok(())
    }

    /// Whether no copies are made.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// When copies of recordings are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Of the training part of each fold; what is judged is as it was recorded.
    #[default]
    AfterSplit,
    /// Of every recording, before the split, which deals the copies like recordings of their own: copies of one recording
    /// come to lie on both sides, and the figures measure how well it is remembered. Some published experiments did so.
    BeforeSplit,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

fn default_seed() -> u64 {
    1
}

fn default_protocol() -> Protocol {
    Protocol::default()
}

impl Recipe {
    /// Reads a recipe from TOML text; `origin` names it in errors.
    ///
    /// # Errors
    /// [`Error::Recipe`] for text that is not TOML, unknown keys (with the nearest known one) and values out of range.
    pub fn parse(text: &str, origin: &str) -> Result<Self, Error> {
        Self::with_overrides(text, origin, &[])
    }

    /// Reads a recipe's file and applies overrides (see [`Override`]).
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be read, otherwise as [`parse`](Self::parse).
    pub fn load(path: &Path, overrides: &[Override]) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
        Self::with_overrides(&text, &path.display().to_string(), overrides)
    }

    /// Like [`parse`](Self::parse), after `overrides` have been applied in their order.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn with_overrides(text: &str, origin: &str, overrides: &[Override]) -> Result<Self, Error> {
        let mut table = text.parse::<toml::Table>().map_err(|error| refuse(origin, error.to_string().trim_end()))?;
        for change in overrides {
            change.apply(&mut table).map_err(|message| refuse(origin, &message))?;
        }
        let recipe = Self::from_table(table, origin)?;
        // The published experiment differs from the recipe as it was written, and need not fit one that was changed.
        if overrides.is_empty() {
            recipe.original()?;
        }
        Ok(recipe)
    }

    /// Reads the recipe of a run, which need not be what the published experiment was written for.
    pub(crate) fn from_run(text: &str, origin: &str) -> Result<Self, Error> {
        let table = text.parse().map_err(|error: toml::de::Error| refuse(origin, error.to_string().trim_end()))?;
        Self::from_table(table, origin)
    }

    fn from_table(table: toml::Table, origin: &str) -> Result<Self, Error> {
        let recipe: Self = table.try_into().map_err(|error| refuse_toml(origin, &error))?;
        recipe.check().map_err(|message| refuse(origin, &message))?;
        Ok(recipe)
    }

    fn check(&self) -> Result<(), String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if self.name.is_empty()
            || self.name.len() > 100
            || self.name.starts_with('.')
            || !self.name.chars().all(allowed)
        {
            return Err(format!(
                "name = {:?}: a name has 1 to 100 letters, digits, `-`, `_` or `.`, and does not begin with a dot",
                self.name
            ));
        }
        if self.corpus.name.is_some() == self.corpus.path.is_some() {
            return Err(
                "[corpus] needs either `name` (a known corpus) or `path` (a folder or a manifest), not both".into()
            );
        }
        if let Some(rate) = self.audio.sample_rate {
            stimmung_audio::Waveform::new(Vec::new(), rate).map_err(|error| format!("[audio] sample_rate: {error}"))?;
        }
        self.conditioning.check().map_err(|error| format!("[conditioning] {error}"))?;
        if let Some(segments) = self.segments {
            segments.check().map_err(|error| format!("[segments] {error}"))?;
        }
        self.augmentation.check()?;
        self.features.check().map_err(|error| format!("[features] {error}"))?;
        self.adaptation.check(&self.features)?;
        self.model.check().map_err(|error| format!("[model] {error}"))?;
        self.check_watch()?;
        self.protocol.check().map_err(|error| format!("[protocol] {error}"))?;
        self.select.as_ref().map_or(Ok(()), SelectSection::check)?;
        self.reference.as_ref().map_or(Ok(()), Reference::check)
    }

    /// What is watched must be what is judged in the end.
    fn check_watch(&self) -> Result<(), String> {
        if self.watch && matches!(self.model, ModelParams::OneVsRest(_)) {
            return Err("watch = true: an ensemble has no epochs of its own to be scored after".into());
        }
        if self.watch && self.adaptation.mode == AdaptationMode::Enrolled {
            let text = "watch = true: speakers introduce themselves to the finished model only, so its epochs would be scored without that";
            return Err(text.into());
        }
        Ok(())
    }

    /// How the recipe turns recordings of a corpus, resampled to `sample_rate` hertz, into rows of features.
    pub fn hearing(&self, sample_rate: u32) -> Hearing {
        Hearing {
            sample_rate: Some(sample_rate),
            conditioning: self.conditioning,
            segments: self.segments,
            features: self.features.clone(),
            copies: self.augmentation.copies.clone(),
            seed: self.seed,
        }
    }

    /// Fails for a recipe that can be judged and makes no model to answer for single recordings.
    ///
    /// # Errors
    /// [`Error::Recipe`] for transductive adaptation.
    pub fn check_makes_model(&self) -> Result<(), Error> {
        if self.adaptation.answers_alone() {
            return Ok(());
        }
        let message = "[adaptation] mode = \"transductive\" judges all recordings of a speaker together, so no model for single recordings comes \
                       of it; evaluate the recipe, or train it without [adaptation]";
        Err(refuse(&self.name, message))
    }

    /// The experiment that was published: this recipe with the keys of `[reference.original]`. `None` for a recipe that
    /// repeats none.
    ///
    /// # Errors
    /// [`Error::Recipe`] where the changed recipe cannot be used.
    pub fn original(&self) -> Result<Option<Self>, Error> {
        let Some(reference) = &self.reference else { return Ok(None) };
        self.rewritten("[reference.original]", |table| {
            table.remove("reference");
            merge(table, &reference.original);
        })
        .map(Some)
    }

    /// The recipe with its TOML changed; `reason` stands in errors.
    pub(crate) fn rewritten(&self, reason: &str, change: impl FnOnce(&mut toml::Table)) -> Result<Self, Error> {
        let origin = format!("{} ({reason})", self.name);
        let mut table = toml::Table::try_from(self).map_err(|error| refuse(&origin, &error.to_string()))?;
        change(&mut table);
        Self::from_table(table, &origin)
    }

    /// The recipe with these values for these keys, without what it was chosen by.
    pub(crate) fn with_settings(&self, settings: &[(String, toml::Value)]) -> Result<Self, Error> {
        let words: Vec<String> = settings.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        let mut refused = Ok(());
        let recipe = self.rewritten(&words.join(", "), |table| {
            table.remove("select");
            table.remove("reference");
            for (key, value) in settings {
                refused = refused.clone().and_then(|()| Override::new(key, value.clone()).apply(table));
            }
        });
        refused.map_err(|message| refuse(&self.name, &message))?;
        recipe
    }

    /// SHA-256 of what figures depend on: everything but the texts.
    pub(crate) fn configuration(&self) -> String {
        let recipe = Self { description: String::new(), reference: None, ..self.clone() };
        let mut hash = Sha256::new();
        hash.update(serde_json::to_vec(&recipe).unwrap_or_default());
        hex(&hash.finalize())
    }

    /// The recipe as TOML, every default written out; [`parse`](Self::parse) gives the same recipe back.
    ///
    /// # Errors
    /// [`Error::Recipe`] if a value has no form in TOML (an integer above 2⁶³).
    pub fn to_toml(&self) -> Result<String, Error> {
        toml::to_string_pretty(self).map_err(|error| refuse(&self.name, &error.to_string()))
    }
}

fn refuse(origin: &str, message: &str) -> Error {
    Error::Recipe { origin: origin.to_owned(), message: message.to_owned() }
}

/// An error of deserialisation, with the nearest known key where one is unknown.
fn refuse_toml(origin: &str, error: &toml::de::Error) -> Error {
    let message = error.to_string();
    let message = message.trim_end().replace('\n', ", ");
    match nearest_key(&message) {
        Some(nearest) => refuse(origin, &format!("{message}; did you mean `{nearest}`?")),
        None => refuse(origin, &message),
    }
}

/// The known key nearest to the one that serde refused. Serde names both in backticks: ``unknown field `x`, expected
/// one of `a`, `b` ``; every section, ours or a crate's, thus gets its hint by one mechanism.
fn nearest_key(message: &str) -> Option<&str> {
    let start = message.find("unknown field `").or_else(|| message.find("unknown variant `"))?;
    let mut names = message[start..].split('`').skip(1).step_by(2);
    let unknown = names.next()?;
    names.filter_map(|name| Some((distance(unknown, name)?, name))).min().map(|(_, name)| name)
}

/// Edits between an unknown name and a known one, or a word of that: `forest` is meant for `random-forest`. `None` if
/// more than half of the letters differ. Of equals, a whole name goes before a word.
fn distance(unknown: &str, name: &str) -> Option<(usize, bool)> {
    // Shorter words are like too much.
    let words = name.split(['-', '_']).filter(|word| word.len() > 3);
    let near = words.chain([name]).filter_map(|word| {
        let edits = strsim::damerau_levenshtein(unknown, word);
        (edits <= word.len().max(unknown.len()) / 2).then_some((edits, word != name))
    });
    near.min()
}

#[cfg(test)]
mod refusals;

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str =
        "name = \"small\"\n[corpus]\nname = \"emodb\"\n[features]\nset = \"mfcc\"\n[model]\nkind = \"logistic\"\n";

    fn refused(text: &str) -> String {
        Recipe::parse(text, "r.toml").unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_reads_back() {
        let recipe = Recipe::parse(SMALL, "r.toml").unwrap();
        let again = Recipe::parse(&recipe.to_toml().unwrap(), "again").unwrap();
        assert_eq!(recipe, again);
        Recipe::parse(DEFAULT_RECIPE, "default").unwrap();
    }

    #[test]
    fn unknown_keys_get_the_nearest_known_one() {
        let message = refused(&SMALL.replace("name = \"emodb\"", "nmae = \"emodb\""));
        assert!(message.starts_with("recipe r.toml: ") && message.ends_with("did you mean `name`?"), "{message}");
        assert!(refused(&SMALL.replace("logistic", "logistics")).contains("logistic"));
        assert!(refused(&format!("{SMALL}cc = 1\n")).contains("`cc`"));
        // Nothing known is near: no guess.
        assert!(!refused(&format!("zzzzzzzzzzzz = 1\n{SMALL}")).contains("did you mean"));
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for (from, to, word) in [
            ("\"small\"", "\"../small\"", "name"),
            ("\"small\"", "\"\"", "name"),
            ("\"logistic\"", "\"logistic\"\nc = -1.0", "c"),
            ("\"mfcc\"", "\"mfcc\"\nn = 0", "n"),
            ("name = \"emodb\"", "", "path"),
            ("name = \"emodb\"", "name = \"emodb\"\npath = \"x\"", "path"),
            ("[features]", "[audio]\nsample_rate = 0\n[features]", "sample_rate"),
        ] {
            let message = refused(&SMALL.replacen(from, to, 1));
            assert!(message.contains(word), "{to}: {message}");
        }
        assert!(refused("not toml at all").contains("r.toml"));
    }

    #[test]
    fn overrides_set_any_key() {
        let read = |overrides: &[&str]| {
            let overrides: Vec<Override> = overrides.iter().map(|text| text.parse().unwrap()).collect();
            Recipe::with_overrides(SMALL, "r.toml", &overrides)
        };
        let recipe = read(&["seed=7", "corpus.emotions=[\"anger\", \"fear\"]", "features.n=13", "name=other"]).unwrap();
        assert_eq!((recipe.seed, recipe.name.as_str()), (7, "other"));
        assert_eq!(recipe.corpus.emotions.unwrap().len(), 2);
        assert_eq!(recipe.features.columns(16_000).unwrap().len(), 13);
        read(&["name.x=1"]).unwrap_err();
        for text in ["seed", "=1", "a..b=1"] {
            text.parse::<Override>().unwrap_err();
        }
    }

    const OWN: &str = "set = \"own\"\n[[GROUPS]]\nof = \"egemaps-v02\"\ndescriptors = [\"Loudness_sma3\", \"mfcc*\"]\n\
                       functionals = [\"amean\"]\n";

    #[test]
    fn own_sets_are_read_written_and_hashed_whole() {
        let own = SMALL.replace("set = \"mfcc\"\n", &OWN.replace("GROUPS", "features.groups"));
        let recipe = Recipe::parse(&own, "r.toml").unwrap();
        assert_eq!(recipe.features.columns(16_000).unwrap()[4], "mfcc4_sma3_amean");
        assert_eq!(Recipe::parse(&recipe.to_toml().unwrap(), "again").unwrap(), recipe);
        for (from, to) in [
            ("\"amean\"", "\"stddev\""),
            ("[\"amean\"]", "[\"amean\"]\nframes = \"voiced\""),
            ("\"Loudness_sma3\", \"mfcc*\"", "\"mfcc*\", \"Loudness_sma3\""),
        ] {
            let other = Recipe::parse(&own.replace(from, to), "r.toml").unwrap();
            assert_ne!(other.configuration(), recipe.configuration(), "{to}");
        }
        let message = refused(&own.replace("Loudness", "Loudnes"));
        assert!(message.contains("group 1: ") && message.contains("did you mean `Loudness_sma3`?"), "{message}");
    }

    #[test]
    fn sets_are_read_from_files() {
        let folder = tempfile::tempdir().unwrap();
        let read = |text: &str, changes: &[&str]| {
            let path = folder.path().join("own.toml");
            std::fs::write(&path, text).unwrap();
            let changes: Vec<Override> = changes.iter().map(|change| change.parse().unwrap()).collect();
            feature_set(path.to_str().unwrap(), &changes).map_err(|error| error.to_string())
        };
        let own = read(&OWN.replace("GROUPS", "groups"), &[]).unwrap();
        assert_eq!(own.descriptor_names().unwrap().len(), 5);
        let recipe = format!("name = \"x\"\n[features]\n{}", OWN.replace("GROUPS", "features.groups"));
        assert_eq!(read(&recipe, &[]).unwrap(), own);
        assert_eq!(read(SMALL, &["n=7"]).unwrap().columns(16_000).unwrap().len(), 7);
        for (text, word) in [
            ("name = \"x\"", "`set` is missing"),
            ("features = 3", "`features` is no section"),
            ("set = \"mfc\"", "did you mean `mfcc`"),
            ("set =", "own.toml"),
            ("set = \"own\"\ngroups = []", "`groups` is an empty list"),
        ] {
            let message = read(text, &[]).unwrap_err();
            assert!(message.contains(word), "{text}: {message}");
        }
        assert!(matches!(feature_set("nowhere.toml", &[]), Err(Error::Io { .. })));
        assert!(feature_set("own", &[]).unwrap_err().to_string().contains("`groups` is missing"));

        let file = folder.path().join("own.toml");
        std::fs::write(&file, OWN.replace("GROUPS", "groups")).unwrap();
        let changes = [Override::features(file.to_str().unwrap()).unwrap()];
        assert_eq!(Recipe::with_overrides(SMALL, "r.toml", &changes).unwrap().features, own);
    }

    #[test]
    fn a_section_override_takes_the_old_keys_away() {
        let text = SMALL.replace("\"logistic\"", "\"logistic\"\nc = 0.5");
        let recipe = Recipe::with_overrides(&text, "r.toml", &[Override::section("model", "kind", "lda")]).unwrap();
        assert_eq!(recipe.model.kind(), "lda");
    }
}
