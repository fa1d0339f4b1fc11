//! What a published experiment did and found, beside a recipe that repeats it.

use serde::{Deserialize, Serialize};

/// The section `[reference]`. The recipe itself is judged honestly; `[reference.original]` holds the keys in which the
/// published experiment differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// The row of the table of results, such as `R1 model 3, 30 MFCC`.
    pub row: String,
    /// What was published, figure by figure.
    #[serde(default)]
    pub published: Vec<Published>,
    /// What a reader of the results must know: what the publication leaves open and how that was filled in.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The keys of the recipe that the published experiment has otherwise, by section, such as `protocol.kind`.
    #[serde(default)]
    pub original: toml::Table,
}

/// A published figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// The figure.
    pub figure: Figure,
    /// Its value, from 0 to 1.
    pub value: f64,
    /// Its standard deviation over folds, where it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sd: Option<f64>,
}

/// The figures that publications give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    /// WAR: the share of recordings recognised, by the model as training left it.
    Accuracy,
    /// The accuracy of the epoch that did best on the test part. It is chosen on what it is measured on, and so is no
    /// result; some publications quote it.
    BestEpochAccuracy,
    /// UAR: the mean recall of the classes.
    Recall,
    /// The mean precision of the classes.
    Precision,
    /// The mean F1 of the classes.
    F1,
}

impl Figure {
    /// The name for a table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy (WAR)",
            Self::BestEpochAccuracy => "accuracy of the best epoch on the test part",
            Self::Recall => "recall (UAR)",
            Self::Precision => "macro precision",
            Self::F1 => "macro-F1",
        }
    }
}

impl Reference {
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.row.trim().is_empty() {
            return Err("[reference] row: a row needs a name".into());
        }
        for Published { figure, value, sd } in &self.published {
            let share = |value: f64| (0.0..=1.0).contains(&value);
            if !share(*value) || sd.is_some_and(|sd| !share(sd)) {
                return Err(format!("[reference] published {}: {value} is not from 0 to 1", figure.name()));
            }
        }
        if let Some(key) = self.original.keys().find(|key| ["name", "reference"].contains(&key.as_str())) {
            return Err(format!("[reference.original] {key}: it is the same recipe, so this key cannot differ"));
        }
        Ok(())
    }
}

/// Writes the keys of `changes` over those of `table`, section by section. A section whose `kind` or `set` changes is
/// replaced: the other keys of the old one would not fit.
pub(crate) fn merge(table: &mut toml::Table, changes: &toml::Table) {
    for (key, change) in changes {
        match (table.get_mut(key), change) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) if !is_another(old, new) => merge(old, new),
            _ => {
                table.insert(key.clone(), change.clone());
            }
        }
    }
}

fn is_another(old: &toml::Table, new: &toml::Table) -> bool {
    ["kind", "set"].iter().any(|key| new.get(*key).is_some_and(|value| old.get(*key) != Some(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_merge_by_section_and_replace_other_kinds() {
        let mut table: toml::Table =
            "a = 1\n[protocol]\nkind = \"speakers\"\ngroups = 5\n[model]\nkind = \"svm\"\nc = 2.0\n".parse().unwrap();
        let changes: toml::Table =
            "a = 2\n[protocol]\nkind = \"random\"\nholdout = 0.2\n[model]\nc = 1.0\n".parse().unwrap();
        merge(&mut table, &changes);
        let expected: toml::Table =
            "a = 2\n[protocol]\nkind = \"random\"\nholdout = 0.2\n[model]\nkind = \"svm\"\nc = 1.0\n".parse().unwrap();
        assert_eq!(table, expected);
    }
}
