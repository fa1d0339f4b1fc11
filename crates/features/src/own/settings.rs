//! The form of an own set in a recipe.

use super::{BaseSet, OwnGroup, OwnSet, SeenFrames};
use crate::error::FeatureError;
use crate::set::FeatureSet;
use crate::setting::{Setting, Settings, check_keys, listed};

/// The keys beside `set`, and those of a group.
pub(crate) const KEYS: [&str; 2] = ["set", "groups"];
const GROUP_KEYS: [&str; 4] = ["of", "descriptors", "functionals", "frames"];

impl OwnSet {
    pub(crate) fn from_settings(settings: &Settings) -> Result<Self, FeatureError> {
        check_keys(settings, FeatureSet::OWN, &KEYS)?;
        let groups = required(settings, "groups", "a list of tables")?.tables("groups")?;
        Self::gather(groups.into_iter().map(OwnGroup::from_settings))
    }

    /// What stands in a recipe beside `set`.
    pub(crate) fn setting(&self) -> Setting {
        Setting::List(self.groups.iter().map(|group| Setting::Table(group.settings())).collect())
    }
}

impl OwnGroup {
    fn from_settings(settings: &Settings) -> Result<Self, FeatureError> {
        check_keys(settings, FeatureSet::OWN, &GROUP_KEYS)?;
        let of = required(settings, "of", "the name of a set")?.text("of")?;
        let names = |key| required(settings, key, "a list of names")?.texts(key);
        let frames = settings.get("frames").map(|frames| frames.text("frames")).transpose()?;
        Self::new(
            one_of("of", of, BaseSet::ALL, BaseSet::name)?,
            &names("descriptors")?,
            &names("functionals")?,
            frames.map_or(Ok(SeenFrames::All), |name| one_of("frames", name, SeenFrames::ALL, SeenFrames::name))?,
        )
    }

    /// With every name written out.
    fn settings(&self) -> Settings {
        let text = |name: &str| Setting::Text(name.to_owned());
        let settings = [
            ("of", text(self.of.name())),
            ("descriptors", listed(self.descriptors())),
            ("functionals", listed(self.functionals())),
            ("frames", text(self.frames.name())),
        ];
        settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

fn required<'a>(settings: &'a Settings, key: &'static str, expected: &str) -> Result<&'a Setting, FeatureError> {
    settings.get(key).ok_or_else(|| FeatureError::parameter(key, expected, "missing"))
}

/// The one of this name.
pub(crate) fn one_of<T: Copy, const N: usize>(
    key: &'static str,
    name: &str,
    all: [T; N],
    name_of: fn(T) -> &'static str,
) -> Result<T, FeatureError> {
    all.into_iter().find(|one| name_of(*one) == name).ok_or_else(|| {
        let expected = all.map(|one| format!("\"{}\"", name_of(one))).join(" or ");
        FeatureError::parameter(key, expected, format!("\"{name}\""))
    })
}
