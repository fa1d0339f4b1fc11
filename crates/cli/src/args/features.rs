//! The arguments of `features` and `check`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum, ValueHint};
use stimmung::agreement::Peer;
use stimmung::extraction::FeatureCache;
use stimmung::features::{FeatureSet, Level};
use stimmung::recipe::Override;

use crate::args::Corpora;
use crate::tables::TableFormat;

#[derive(Args)]
pub struct Features {
    /// Recordings, folders of recordings, one manifest (CSV), or a corpus by name, such as emodb
    #[arg(required_unless_present_any = ["clear_cache", "list"], value_name = "CORPUS|DIR|FILE", value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<PathBuf>,

    #[arg(long = "set", value_name = "NAME", default_value = "issa-50-80-50", help = sets())]
    pub set: String,

    /// Set a parameter of the feature set, such as n=20 (repeatable)
    #[arg(long = "with", value_name = "KEY=VALUE")]
    pub with: Vec<Override>,

    /// What rows stand for
    #[arg(long, value_name = "LEVEL", default_value = "functionals")]
    pub level: LevelName,

    /// Resample every recording to this rate in hertz; by default each is described at its own
    #[arg(long, value_name = "HZ")]
    pub sample_rate: Option<u32>,

    /// The table to write; standard output by default
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,

    /// The form of the table; by default what the ending of the file's name says, and CSV otherwise
    #[arg(long, short, value_name = "FORMAT")]
    pub format: Option<TableFormat>,

    /// Describe only the I-th of N parts of the recordings, such as 2/4. The tables of all parts, one after the other, are the whole
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,

    /// Say what would be done, and stop
    #[arg(long)]
    pub dry_run: bool,

    #[command(flatten)]
    pub cache: Cache,

    #[command(flatten)]
    pub corpora: Corpora,

    /// Print the names of all sets, and the descriptors and functionals that an own set can be composed of
    #[arg(long, conflicts_with = "inputs")]
    pub list: bool,

    /// Remove all features that were kept, before anything else; without recordings, that is all
    #[arg(long, conflicts_with = "no_cache")]
    pub clear_cache: bool,
}

/// Where computed features are kept.
#[derive(Args)]
pub struct Cache {
    /// Folder in which computed features are kept for the next time, by the content of recordings; stimmung/features in the
    /// platform's cache folder by default
    #[arg(long = "cache", value_name = "DIR", value_hint = ValueHint::DirPath)]
    folder: Option<PathBuf>,

    /// Compute everything anew, and keep nothing
    #[arg(long, conflicts_with = "folder")]
    no_cache: bool,
}

impl Cache {
    /// The cache to use; none where it is unwanted, or nobody has a home.
    pub fn open(&self) -> Option<FeatureCache> {
        let folder = self.folder.clone().or_else(stimmung::features_cache).filter(|_| !self.no_cache);
        folder.map(FeatureCache::new)
    }
}

/// A part of the recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Its number, from 1.
    pub number: usize,
    /// How many parts there are.
    pub of: usize,
}

impl Shard {
    /// Which of so many recordings belong to it. Parts follow each other, and differ in length by one at most.
    pub fn range(self, recordings: usize) -> std::ops::Range<usize> {
        let start = |number: usize| (number as u128 * recordings as u128 / self.of as u128) as usize;
        start(self.number - 1)..start(self.number)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err("expected I/N, the I-th of N parts, with I from 1 to N, such as 2/4".to_owned()),
        }
    }
}

/// The levels, as arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LevelName {
    /// Low-level descriptors: a row a frame, with the seconds where it begins and ends
    Lld,
    /// A row a recording
    Functionals,
}

impl From<LevelName> for Level {
    fn from(name: LevelName) -> Self {
        match name {
            LevelName::Lld => Self::Descriptors,
            LevelName::Functionals => Self::Functionals,
        }
    }
}

/// The help of `--set`, from the list that recipes are read by.
fn sets() -> String {
    format!("Feature set: {}; or a TOML file with one", FeatureSet::NAMES.join(", "))
}

#[derive(Args)]
pub struct Check {
    /// The program that the values are compared with
    #[arg(value_name = "PEER")]
    pub peer: PeerName,

    /// Recordings, folders of recordings, one manifest (CSV), or a corpus by name, such as emodb
    #[arg(required = true, value_name = "CORPUS|DIR|FILE", value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<PathBuf>,

    /// The program's values for these recordings: CSV with the column `file` and the same names
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub oracle: PathBuf,

    /// Feature set, or a TOML file with one; by default egemaps-v02 for openSMILE and issa-50-80-50 for librosa
    #[arg(long = "set", value_name = "NAME")]
    pub set: Option<String>,

    /// Set a parameter of the feature set, such as n=20 (repeatable)
    #[arg(long = "with", value_name = "KEY=VALUE")]
    pub with: Vec<Override>,

    /// What rows stand for
    #[arg(long, value_name = "LEVEL", default_value = "functionals")]
    pub level: LevelName,

    /// Resample every recording to this rate in hertz; by default each is described at its own
    #[arg(long, value_name = "HZ")]
    pub sample_rate: Option<u32>,

    /// Fail where a column correlates by less
    #[arg(long, value_name = "R")]
    pub at_least: Option<f64>,

    /// Fail where a difference is larger
    #[arg(long, value_name = "D")]
    pub largest: Option<f64>,

    /// Fail where the median of all differences is larger
    #[arg(long, value_name = "D")]
    pub median: Option<f64>,

    /// Print only so many columns, those with the largest differences
    #[arg(long, value_name = "N")]
    pub worst: Option<usize>,

    #[command(flatten)]
    pub cache: Cache,

    #[command(flatten)]
    pub corpora: Corpora,
}

/// Programs that we compare with, as arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PeerName {
    /// Differences are divided by openSMILE's value, or 1e-3 where that is larger
    Opensmile,
    /// Differences are divided by the standard deviation of librosa's column
    Librosa,
}

impl PeerName {
    /// The set that is compared if none is named.
    pub fn set(self) -> &'static str {
        match self {
            Self::Opensmile => "egemaps-v02",
            Self::Librosa => "issa-50-80-50",
        }
    }
}

impl From<PeerName> for Peer {
    fn from(name: PeerName) -> Self {
        match name {
            PeerName::Opensmile => Self::OpenSmile,
            PeerName::Librosa => Self::Librosa,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_complete_and_disjoint() {
        for recordings in [0, 1, 2, 7, 100, 1001] {
            for of in [1, 2, 3, 7, 150] {
                let mut next = 0;
                for number in 1..=of {
                    let range = format!("{number}/{of}").parse::<Shard>().unwrap().range(recordings);
                    assert_eq!(range.start, next);
                    assert!((recordings / of..=recordings / of + 1).contains(&range.len()));
                    next = range.end;
                }
                assert_eq!(next, recordings);
            }
        }
        for text in ["", "1", "0/3", "4/3", "1/0", "-1/2", "a/b", "1/2/3"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
