//! Sets that a user composes.

mod extract;
mod settings;

use std::collections::BTreeSet;

use crate::compare::Compare;
use crate::egemaps::Egemaps;
use crate::error::FeatureError;
use crate::functionals::catalogue;
use crate::level::FrameTimes;
use crate::setting::nearest;

pub(crate) use extract::{OwnWork, Source};
pub(crate) use settings::{KEYS, one_of};

/// What ends a name that stands for all names that begin so.
const REST: char = '*';

/// A standard set whose descriptors an [`OwnSet`] or a [`ContourSet`](crate::ContourSet) takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BaseSet {
    /// `egemaps-v02`: the 25 descriptors of [`Egemaps`].
    Egemaps,
    /// `compare-2016`: the 65 descriptors of [`Compare`] and their deltas.
    Compare2016,
}

impl BaseSet {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Egemaps, Self::Compare2016];

    /// The name of the set, as in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Self::Egemaps => "egemaps-v02",
            Self::Compare2016 => "compare-2016",
        }
    }

    /// Names of the descriptors, in order. No two sets have one in common.
    pub fn descriptor_names(self) -> Vec<String> {
        match self {
            Self::Egemaps => Egemaps::DESCRIPTORS.map(str::to_owned).to_vec(),
            Self::Compare2016 => Compare::descriptor_names(),
        }
    }

    /// The descriptor that is above 0 where there is a voice: the fundamental.
    fn fundamental(self) -> &'static str {
        match self {
            Self::Egemaps => "F0semitoneFrom27.5Hz_sma3nz",
            Self::Compare2016 => "F0final_sma",
        }
    }

    pub(crate) fn frame_times(self, sample_rate: u32) -> Result<FrameTimes, FeatureError> {
        match self {
            Self::Egemaps => Egemaps::frame_times(sample_rate),
            Self::Compare2016 => Compare::frame_times(sample_rate),
        }
    }
}

/// The frames that functionals see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum SeenFrames {
    /// `all`: all of them. The default.
    #[default]
    All,
    /// `voiced`: those with a fundamental, as if there were no others. Where there is none, functionals are 0.
    Voiced,
}

impl SeenFrames {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::All, Self::Voiced];

    /// The name, as in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Voiced => "voiced",
        }
    }
}

/// Some descriptors of a standard set, and what is said of each of them: a table `[[features.groups]]` of a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnGroup {
    of: BaseSet,
    /// Places among the names of the set.
    descriptors: Vec<usize>,
    /// Places in the [`catalogue`].
    functionals: Vec<usize>,
    frames: SeenFrames,
}

impl OwnGroup {
    /// A group, from names of descriptors ([`BaseSet::descriptor_names`]) and of functionals ([`OwnSet::functional_names`]). A name that ends in
    /// `*` stands for all names that begin so, in their order.
    ///
    /// # Errors
    /// [`FeatureError::UnknownName`], which says what name comes nearest; [`FeatureError::Duplicate`] where a name comes twice;
    /// [`FeatureError::Parameter`] without descriptors or functionals.
    pub fn new(
        of: BaseSet,
        descriptors: &[impl AsRef<str>],
        functionals: &[impl AsRef<str>],
        frames: SeenFrames,
    ) -> Result<Self, FeatureError> {
        let names = of.descriptor_names();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Ok(Self {
            of,
            descriptors: places("descriptors", descriptors, &names)?,
            functionals: places("functionals", functionals, &catalogue::names().collect::<Vec<_>>())?,
            frames,
        })
    }

    /// The set whose descriptors they are.
    pub fn of(&self) -> BaseSet {
        self.of
    }

    /// Names of the descriptors, in order.
    pub fn descriptors(&self) -> Vec<String> {
        let names = self.of.descriptor_names();
        self.descriptors.iter().filter_map(|place| names.get(*place).cloned()).collect()
    }

    /// Names of the functionals, in order.
    pub fn functionals(&self) -> Vec<&'static str> {
        let names: Vec<&str> = catalogue::names().collect();
        self.functionals.iter().filter_map(|place| names.get(*place).copied()).collect()
    }

    /// The frames that the functionals see.
    pub fn frames(&self) -> SeenFrames {
        self.frames
    }

    /// Names of the values: of each descriptor all functionals.
    fn columns(&self) -> impl Iterator<Item = String> {
        let functionals = self.functionals();
        let seen = match self.frames {
            SeenFrames::All => "",
            SeenFrames::Voiced => "_voiced",
        };
        self.descriptors().into_iter().flat_map(move |descriptor| {
            let column = |functional: &&str| format!("{descriptor}{seen}_{functional}");
            functionals.iter().map(column).collect::<Vec<_>>()
        })
    }
}

/// A set that a user composes of descriptors and functionals: `own` in a recipe.
///
/// The values are those of the groups, one after the other; in a group, descriptor after descriptor, all functionals of each. They are named
/// `<descriptor>_<functional>`, over voiced frames `<descriptor>_voiced_<functional>`. Descriptors are the smoothed ones that
/// [`Extractor::descriptors`](crate::Extractor::descriptors) gives of the standard set, over all frames; the standard sets themselves leave out a few frames at the end, so values
/// of the same name can differ a little from theirs. Functionals count time in frames of 10 ms that they see, and say it in seconds.
/// `docs/features.md` has a table of them.
///
/// | key of a group | is |
/// | --- | --- |
/// | `of` | whose descriptors: `egemaps-v02`, `compare-2016` |
/// | `descriptors` | their names; `*` at the end of a name stands for any rest |
/// | `functionals` | the same of functionals |
/// | `frames` | `all` (the default), or `voiced`: the frames with a fundamental |
///
/// No value is computed twice, so a set has at most 18,600.
///
/// ```
/// use stimmung_features::FeatureSet;
///
/// let set: FeatureSet = toml::from_str(
///     r#"
///     set = "own"
///
///     [[groups]]
///     of = "egemaps-v02"
///     descriptors = ["F0semitoneFrom27.5Hz_sma3nz", "jitterLocal_sma3nz"]
///     functionals = ["amean", "stddev"]
///     frames = "voiced"
///
///     [[groups]]
///     of = "compare-2016"
///     descriptors = ["mfcc_sma[*"]
///     functionals = ["quartile2"]
///     "#,
/// )
/// .unwrap();
/// let columns = set.columns(16_000)?;
/// assert_eq!(columns.len(), 2 * 2 + 14);
/// assert_eq!(columns[1], "F0semitoneFrom27.5Hz_sma3nz_voiced_stddev");
/// assert_eq!(columns[4], "mfcc_sma[1]_quartile2");
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSet {
    groups: Vec<OwnGroup>,
}

impl OwnSet {
    /// A set of groups.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] without groups; [`FeatureError::Group`] with [`FeatureError::Duplicate`] for the first group with a value
    /// that an earlier one has.
    pub fn new(groups: Vec<OwnGroup>) -> Result<Self, FeatureError> {
        Self::gather(groups.into_iter().map(Ok))
    }

    /// The same of groups that are read one by one, none beyond the first that does not fit.
    fn gather(read: impl Iterator<Item = Result<OwnGroup, FeatureError>>) -> Result<Self, FeatureError> {
        let (mut groups, mut seen) = (Vec::new(), BTreeSet::new());
        for (index, group) in read.enumerate() {
            let group = group.map_err(|error| error.in_group(index))?;
            if let Some(name) = group.columns().find(|column| !seen.insert(column.clone())) {
                return Err(FeatureError::Duplicate { what: "value", name }.in_group(index));
            }
            groups.push(group);
        }
        if groups.is_empty() {
            return Err(FeatureError::parameter("groups", "at least one group", "an empty list"));
        }
        Ok(Self { groups })
    }

    /// The groups, in order.
    pub fn groups(&self) -> &[OwnGroup] {
        &self.groups
    }

    /// Names of all functionals that a group may have.
    pub fn functional_names() -> Vec<&'static str> {
        catalogue::names().collect()
    }

    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        self.groups.iter().map(|group| group.descriptors.len() * group.functionals.len()).sum()
    }

    /// Names of the values.
    pub(crate) fn columns(&self) -> Vec<String> {
        self.groups.iter().flat_map(OwnGroup::columns).collect()
    }

    /// The descriptors of all groups, each once, where it is first named: the set and the place in it.
    fn descriptors(&self) -> Vec<(BaseSet, usize)> {
        let mut seen = BTreeSet::new();
        let all = self.groups.iter().flat_map(|group| group.descriptors.iter().map(|place| (group.of, *place)));
        all.filter(|descriptor| seen.insert(*descriptor)).collect()
    }

    /// Their names.
    pub(crate) fn descriptor_names(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let all = self.groups.iter().flat_map(OwnGroup::descriptors);
        all.filter(|name| seen.insert(name.clone())).collect()
    }

    /// Where the frames of the descriptors lie: those of all standard sets lie at the same place.
    pub(crate) fn frame_times(&self, sample_rate: u32) -> Result<FrameTimes, FeatureError> {
        self.groups.first().map_or(BaseSet::Egemaps, OwnGroup::of).frame_times(sample_rate)
    }
}

/// The places of names among the known ones.
fn places(what: &'static str, names: &[impl AsRef<str>], known: &[&str]) -> Result<Vec<usize>, FeatureError> {
    let one = what.trim_end_matches('s');
    let mut found = Vec::new();
    for name in names.iter().map(AsRef::as_ref) {
        let before = found.len();
        for (place, other) in known.iter().enumerate() {
            let meant = name.strip_suffix(REST).map_or(name == *other, |start| other.starts_with(start));
            if meant && found.contains(&place) {
                return Err(FeatureError::Duplicate { what: one, name: (*other).to_owned() });
            }
            if meant {
                found.push(place);
            }
        }
        if found.len() == before {
            let nearest = nearest(name, known.iter().copied()).to_owned();
            return Err(FeatureError::UnknownName { what: one, name: name.to_owned(), nearest });
        }
    }
    if found.is_empty() {
        return Err(FeatureError::parameter(what, "at least one name", "an empty list"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
