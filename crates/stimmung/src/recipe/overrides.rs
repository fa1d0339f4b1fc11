//! Keys of a recipe that are set from outside.

use std::path::Path;

use stimmung_features::FeatureSet;

use super::{refuse, refuse_toml};
use crate::Error;

/// One key of a recipe set from outside, as `model.c=0.1` on the command line.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    path: Vec<String>,
    value: toml::Value,
}

impl Override {
    /// Sets the key at `path` (dots between sections and keys) to a value.
    pub fn new(path: &str, value: impl Into<toml::Value>) -> Self {
        Self { path: path.split('.').map(str::to_owned).collect(), value: value.into() }
    }

    /// Replaces a whole section by one key, as `--model svm` does: other keys of the old section would not fit.
    pub fn section(name: &str, key: &str, value: &str) -> Self {
        let mut table = toml::Table::new();
        table.insert(key.to_owned(), value.into());
        Self::new(name, table)
    }

    /// Replaces the section `[features]` by a set, as `--set` does: by name, or from a file whose name ends in `.toml`, a recipe or what stands in
    /// that section of one.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Recipe`] where there is a file to be read, and it cannot be.
    pub fn features(name: &str) -> Result<Self, Error> {
        Ok(Self::new("features", feature_section(name)?))
    }

    /// The path of the key, dots between sections and keys.
    pub fn key(&self) -> String {
        self.path.join(".")
    }

    pub(super) fn apply(&self, table: &mut toml::Table) -> Result<(), String> {
        let (last, sections) = self.path.split_last().ok_or("an empty key")?;
        let mut place = table;
        for section in sections {
            place = place
                .entry(section.clone())
                .or_insert_with(|| toml::Table::new().into())
                .as_table_mut()
                .ok_or_else(|| format!("`{section}` in `{}` is a value, not a section", self.path.join(".")))?;
        }
        place.insert(last.clone(), self.value.clone());
        Ok(())
    }
}

impl std::str::FromStr for Override {
    type Err = String;

    /// Reads `KEY=VALUE`; the value is TOML, or a string where it is not.
    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) =
            text.split_once('=').ok_or_else(|| format!("`{text}` is not KEY=VALUE, such as model.c=0.1"))?;
        let key = key.trim();
        if key.is_empty() || key.split('.').any(str::is_empty) {
            return Err(format!("`{key}` is not a key, such as model.c"));
        }
        let parsed = format!("value = {value}").parse::<toml::Table>().ok().and_then(|mut table| table.remove("value"));
        Ok(Self::new(key, parsed.unwrap_or_else(|| value.trim().into())))
    }
}

/// A feature set by name with some of its parameters changed, as `--set mfcc --with n=20` does. A name that ends in `.toml` is a file with the
/// set: a recipe, or what stands in the section `[features]` of one.
///
/// # Errors
/// [`Error::Recipe`] for unknown names, unknown keys and values out of range; [`Error::Io`] where a file cannot be read.
///
/// # Examples
/// ```
/// use stimmung::{feature_set, recipe::Override};
/// let set = feature_set("mfcc", &[Override::new("n", 20)])?;
/// assert_eq!(set.columns(16_000)?.len(), 20);
/// # Ok::<(), stimmung::Error>(())
/// ```
pub fn feature_set(name: &str, changes: &[Override]) -> Result<FeatureSet, Error> {
    let origin = format!("(--set {name})");
    let mut table = feature_section(name)?;
    if let Some(set) = table.get("set").and_then(toml::Value::as_str).filter(|set| *set != FeatureSet::OWN) {
        FeatureSet::by_name(set).map_err(|error| refuse(&origin, &error.to_string()))?;
    }
    for change in changes {
        change.apply(&mut table).map_err(|message| refuse(&origin, &message))?;
    }
    let set: FeatureSet = table.try_into().map_err(|error: toml::de::Error| refuse_toml(&origin, &error))?;
    set.check().map_err(|error| refuse(&origin, &error.to_string()))?;
    Ok(set)
}

/// The section `[features]` that a name stands for.
fn feature_section(name: &str) -> Result<toml::Table, Error> {
    let path = Path::new(name);
    if !path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml")) {
        return Ok([("set".to_owned(), name.into())].into_iter().collect());
    }
    let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
    let mut table: toml::Table = text.parse().map_err(|error: toml::de::Error| refuse_toml(name, &error))?;
    match table.remove("features") {
        None => Ok(table),
        Some(toml::Value::Table(features)) => Ok(features),
        Some(_) => Err(refuse(name, "`features` is no section")),
    }
}
