//! Values of a recipe, before it is known what they are for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::FeatureError;

/// A table of a recipe.
pub(crate) type Settings = BTreeMap<String, Setting>;

/// A value in a recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Setting {
    Switch(bool),
    Count(i64),
    Real(f64),
    Text(String),
    List(Vec<Setting>),
    Table(Settings),
}

impl std::fmt::Display for Setting {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Switch(value) => value.fmt(formatter),
            Self::Count(value) => value.fmt(formatter),
            Self::Real(value) => value.fmt(formatter),
            Self::Text(value) => write!(formatter, "\"{value}\""),
            Self::List(_) => formatter.write_str("a list"),
            Self::Table(_) => formatter.write_str("a table"),
        }
    }
}

impl Setting {
    pub(crate) fn count(&self, name: &'static str) -> Result<usize, FeatureError> {
        match self {
            Self::Count(value) => usize::try_from(*value).ok(),
            _ => None,
        }
        .ok_or_else(|| FeatureError::parameter(name, "a whole number, not negative", self))
    }

    pub(crate) fn real(&self, name: &'static str) -> Result<f64, FeatureError> {
        match self {
            Self::Count(value) => Ok(*value as f64),
            Self::Real(value) => Ok(*value),
            _ => Err(FeatureError::parameter(name, "a number", self)),
        }
    }

    pub(crate) fn switch(&self, name: &'static str) -> Result<bool, FeatureError> {
        match self {
            Self::Switch(value) => Ok(*value),
            _ => Err(FeatureError::parameter(name, "true or false", self)),
        }
    }

    pub(crate) fn text(&self, name: &'static str) -> Result<&str, FeatureError> {
        match self {
            Self::Text(value) => Ok(value),
            _ => Err(FeatureError::parameter(name, "a text", self)),
        }
    }

    /// A list of texts.
    pub(crate) fn texts(&self, name: &'static str) -> Result<Vec<&str>, FeatureError> {
        let Self::List(values) = self else {
            return Err(FeatureError::parameter(name, "a list of names", self));
        };
        values.iter().map(|value| value.text(name)).collect()
    }

    /// A list of tables.
    pub(crate) fn tables(&self, name: &'static str) -> Result<Vec<&Settings>, FeatureError> {
        let Self::List(values) = self else {
            return Err(FeatureError::parameter(name, "a list of tables", self));
        };
        let tables = values.iter().map(|value| match value {
            Self::Table(table) => Ok(table),
            other => Err(FeatureError::parameter(name, "a list of tables", format!("a list with {other}"))),
        });
        tables.collect()
    }
}

/// A list of texts.
pub(crate) fn listed(texts: impl IntoIterator<Item = impl Into<String>>) -> Setting {
    Setting::List(texts.into_iter().map(|text| Setting::Text(text.into())).collect())
}

/// The candidate with the smallest edit distance.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> &'a str {
    candidates.into_iter().min_by_key(|candidate| strsim::damerau_levenshtein(name, candidate)).unwrap_or("")
}

/// The first key of a table that is not among the known ones.
///
/// # Errors
/// [`FeatureError::UnknownKey`] names it.
pub(crate) fn check_keys(settings: &Settings, set: &str, keys: &[&'static str]) -> Result<(), FeatureError> {
    match settings.keys().find(|key| !keys.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(FeatureError::UnknownKey {
            key: key.clone(),
            nearest: nearest(key, keys.iter().copied()),
            set: set.to_owned(),
            known: keys.join(", "),
        }),
    }
}
