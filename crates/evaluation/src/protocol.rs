//! The protocols: who is tested on what.

use serde::{Deserialize, Serialize};

use crate::item::{by_class, by_speaker};
use crate::split::{self, Fold};
use crate::{EvaluationError, Item};

/// How recordings are divided into a part to train on and a part to test on.
///
/// A figure means nothing without it. On Emo-DB the same features and the same classifier reach a UAR of about 0.78
/// when recordings are drawn at random, and 0.60 when the speaker is new: the first figure mostly measures how well a
/// known voice is recognised.
///
/// In a recipe the protocol is a table whose `kind` names it; keys that it does not know are refused.
///
/// ```
/// use stimmung_evaluation::{Protocol, SpeakersParams};
///
/// let protocol: Protocol = toml::from_str("kind = 'speakers'\ngroups = 5")?;
/// assert_eq!(protocol, Protocol::Speakers(SpeakersParams { groups: Some(5) }));
/// assert_eq!(protocol.describe(), "speakers: 5 groups of speakers");
/// assert!(toml::from_str::<Protocol>("kind = 'speakers'\ngruops = 5").is_err());
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Protocol {
    /// No speaker is on both sides of a split: measures new voices. The default.
    Speakers(SpeakersParams),
    /// Recordings are drawn at random, class by class; speakers are on both sides. Measures known voices.
    Random(RandomParams),
    /// The parts are listed, as in a published experiment.
    Fixed(FixedParams),
}

/// Parameters of [`Protocol::Speakers`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpeakersParams {
    /// Into how many groups the speakers are put, each group being tested once; from 2 to the number of speakers.
    /// Absent (the default): each speaker is a group, that is, leave one speaker out, the strictest use of the data and
    /// the most expensive. Speakers are dealt out by size, the largest first, each to the group with the fewest
    /// recordings; no chance is involved, so every seed gives the same groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<usize>,
}

/// Parameters of [`Protocol::Random`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomParams {
    /// Into how many parts the recordings are dealt, each being tested once; from 2 to [`RandomParams::MAX_FOLDS`],
    /// by default 5. The parts are stratified: the sizes of the parts differ by at most one recording, within each
    /// class and altogether.
    pub folds: usize,
    /// The share of the recordings to test on, once, instead of folds; above 0 and below 1. Absent by default:
    /// cross-validation tests every recording. The share is kept in each class to within one recording, and a class
    /// has at least one recording on either side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holdout: Option<f64>,
}

impl RandomParams {
    /// The default number of folds.
    pub const DEFAULT_FOLDS: usize = 5;
    /// The largest number of folds: each holds lists as long as the corpus.
    pub const MAX_FOLDS: usize = 1000;
}

impl Default for RandomParams {
    fn default() -> Self {
        Self { folds: Self::DEFAULT_FOLDS, holdout: None }
    }
}

/// Parameters of [`Protocol::Fixed`]: lists of speakers or of files.
///
/// The test part must be given, by speakers or by files. The training part may be; if it is not, it is all the rest.
/// A file is named as the manifest names it; a name that ends with `/` stands for all files in that folder. A name
/// that the corpus does not hold is an error, and so is a recording on both sides.
///
/// ```
/// use stimmung_evaluation::{FixedParams, Item, Protocol};
///
/// let protocol = Protocol::Fixed(FixedParams { test_speakers: vec!["03".into(), "08".into()], ..Default::default() });
/// assert_eq!(protocol.describe(), "fixed: trained on all others, tested on speakers 03+08");
/// let corpus = [("03", 0), ("03", 1), ("08", 0), ("09", 0), ("09", 1)];
/// let items = corpus.map(|(speaker, class)| Item::new("x.wav", class).with_speaker(speaker));
/// let folds = protocol.split(&items, 2, 0)?;
/// assert_eq!((&folds[0].train[..], &folds[0].test[..]), (&[3, 4][..], &[0, 1, 2][..]));
/// # Ok::<(), stimmung_evaluation::EvaluationError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FixedParams {
    /// The speakers to train on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub train_speakers: Vec<String>,
    /// The speakers to test on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub test_speakers: Vec<String>,
    /// The files to train on, or folders of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub train_files: Vec<String>,
    /// The files to test on, or folders of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub test_files: Vec<String>,
}

impl Default for Protocol {
    /// Leave one speaker out.
    fn default() -> Self {
        Self::Speakers(SpeakersParams::default())
    }
}

impl Protocol {
    /// The names of the protocols, as in a recipe's `kind` and on the command line.
    pub const NAMES: [&'static str; 3] = ["speakers", "random", "fixed"];

    /// The protocol of this name with its default parameters. `fixed` has no usable default: it passes
    /// [`check`](Self::check) only once its lists are filled in.
    ///
    /// # Errors
    /// [`EvaluationError::UnknownProtocol`] for a name that is not one of [`NAMES`](Self::NAMES).
    pub fn by_name(name: &str) -> Result<Self, EvaluationError> {
        match name {
            "speakers" => Ok(Self::Speakers(SpeakersParams::default())),
            "random" => Ok(Self::Random(RandomParams::default())),
            "fixed" => Ok(Self::Fixed(FixedParams::default())),
            _ => Err(EvaluationError::UnknownProtocol { name: name.to_owned() }),
        }
    }

    /// The name of the protocol, one of [`NAMES`](Self::NAMES).
    pub fn name(&self) -> &'static str {
        match self {
            Self::Speakers(_) => "speakers",
            Self::Random(_) => "random",
            Self::Fixed(_) => "fixed",
        }
    }

    /// Checks the parameters as far as that is possible without the corpus.
    ///
    /// # Errors
    /// [`EvaluationError::InvalidParameter`] with the first parameter that is out of range.
    pub fn check(&self) -> Result<(), EvaluationError> {
        let invalid = |name, value: String, expected: &str| {
            Err(EvaluationError::InvalidParameter { name, value, expected: expected.to_owned() })
        };
        match self {
            Self::Speakers(SpeakersParams { groups: Some(groups) }) if *groups < 2 => {
                invalid("groups", groups.to_string(), "it must be at least 2, one to test on and one to train on")
            }
            Self::Speakers(_) => Ok(()),
            Self::Random(params) => {
                if !(2..=RandomParams::MAX_FOLDS).contains(&params.folds) {
                    let expected = format!("it must be from 2 to {}", RandomParams::MAX_FOLDS);
                    return invalid("folds", params.folds.to_string(), &expected);
                }
                match params.holdout {
                    Some(share) if !(share > 0.0 && share < 1.0) => {
                        invalid("holdout", share.to_string(), "it must be a share above 0 and below 1, for example 0.2")
                    }
                    Some(_) if params.folds != RandomParams::DEFAULT_FOLDS => invalid(
                        "folds",
                        params.folds.to_string(),
                        "`holdout` tests once, without folds; give one of the two",
                    ),
                    _ => Ok(()),
                }
            }
            Self::Fixed(params) => params.check(),
        }
    }

    /// The protocol in words, for example `speakers: leave one speaker out`. The text that stands beside every
    /// number; [`Evaluation`](crate::Evaluation) adds the number of folds where the words do not give it.
    pub fn describe(&self) -> String {
        match self {
            Self::Speakers(SpeakersParams { groups: None }) => "speakers: leave one speaker out".to_owned(),
            Self::Speakers(SpeakersParams { groups: Some(groups) }) => format!("speakers: {groups} groups of speakers"),
            Self::Random(RandomParams { holdout: Some(share), .. }) => {
                // Two decimals of a per cent, without the noise of the binary fraction.
                let percent = (share * 1e4).round() / 1e2;
                format!("random: stratified hold-out, {percent} % tested")
            }
            Self::Random(RandomParams { folds, .. }) => format!("random: stratified {folds}-fold"),
            Self::Fixed(params) => params.describe(),
        }
    }

    /// Divides the recordings.
    ///
    /// `classes` is the number of classes; every [`Item::class`] must be below it. `seed` matters to `random` only.
    /// The same arguments give the same folds on every machine. Each list of a fold is in ascending order.
    ///
    /// # Errors
    /// * [`InvalidParameter`](EvaluationError::InvalidParameter): see [`check`](Self::check).
    /// * [`TooFewClasses`](EvaluationError::TooFewClasses): fewer than two classes have recordings.
    /// * [`SingleRecording`](EvaluationError::SingleRecording): in `speakers` and `random`, a class has one recording.
    ///   A class with more recordings but fewer than folds is no error; [`coverage`](crate::coverage) reports what the
    ///   folds miss.
    /// * [`MissingSpeakers`](EvaluationError::MissingSpeakers), [`TooFewSpeakers`](EvaluationError::TooFewSpeakers):
    ///   in `speakers`.
    /// * [`TooFewRecordings`](EvaluationError::TooFewRecordings): in `random`, fewer recordings than folds.
    /// * [`NotInCorpus`](EvaluationError::NotInCorpus), [`BothSides`](EvaluationError::BothSides),
    ///   [`EmptyPart`](EvaluationError::EmptyPart): in `fixed`.
    /// * [`Mismatch`](EvaluationError::Mismatch): a class index is out of range.
    pub fn split(&self, items: &[Item], classes: usize, seed: u64) -> Result<Vec<Fold>, EvaluationError> {
        self.check()?;
        let members = by_class(items, classes)?;
        match self {
            Self::Speakers(params) => {
                let speakers = by_speaker(items)?;
                refuse_single_recordings(items, &members)?;
                split::by_speakers(items.len(), &speakers, params.groups)
            }
            Self::Random(params) => {
                refuse_single_recordings(items, &members)?;
                match params.holdout {
                    Some(share) => Ok(split::holdout(items.len(), members, share, seed)),
                    None => split::stratified(items.len(), members, params.folds, seed),
                }
            }
            Self::Fixed(params) => params.split(items),
        }
    }
}

fn refuse_single_recordings(items: &[Item], members: &[Vec<usize>]) -> Result<(), EvaluationError> {
    for (class, members) in members.iter().enumerate() {
        if let [only] = members[..] {
            let recording = items[only].id.clone();
            return Err(EvaluationError::SingleRecording { class, name: None, recording });
        }
    }
    Ok(())
}

impl FixedParams {
    fn check(&self) -> Result<(), EvaluationError> {
        let invalid = |name, value: &[String], expected: &str| {
            Err(EvaluationError::InvalidParameter { name, value: format!("{value:?}"), expected: expected.to_owned() })
        };
        if self.test_speakers.is_empty() && self.test_files.is_empty() {
            return invalid("test_speakers", &[], "the fixed protocol needs `test_speakers` or `test_files`");
        }
        if !self.test_speakers.is_empty() && !self.test_files.is_empty() {
            return invalid("test_files", &self.test_files, "give the test part by speakers or by files, not by both");
        }
        if !self.train_speakers.is_empty() && !self.train_files.is_empty() {
            let expected = "give the training part by speakers or by files, not by both";
            return invalid("train_files", &self.train_files, expected);
        }
        Ok(())
    }

    fn describe(&self) -> String {
        let side = |speakers: &[String], files: &[String]| match (speakers, files) {
            ([], []) => "all others".to_owned(),
            ([], [one]) => one.clone(),
            ([], files) => format!("{} listed files", files.len()),
            ([one], _) => format!("speaker {one}"),
            (speakers, _) if speakers.len() <= 8 => format!("speakers {}", speakers.join("+")),
            (speakers, _) => format!("{} listed speakers", speakers.len()),
        };
        let train = side(&self.train_speakers, &self.train_files);
        let test = side(&self.test_speakers, &self.test_files);
        format!("fixed: trained on {train}, tested on {test}")
    }

    fn split(&self, items: &[Item]) -> Result<Vec<Fold>, EvaluationError> {
        let named = |speakers: (&'static str, &[String]), files: (&'static str, &[String])| {
            if speakers.1.is_empty() {
                split::select_files(items, files.0, files.1)
            } else {
                split::select_speakers(items, speakers.0, speakers.1)
            }
        };
        let test = named(("test_speakers", &self.test_speakers), ("test_files", &self.test_files))?;
        let train = if self.train_speakers.is_empty() && self.train_files.is_empty() {
            test.iter().map(|&tested| !tested).collect()
        } else {
            named(("train_speakers", &self.train_speakers), ("train_files", &self.train_files))?
        };
        split::fixed(items, &train, &test)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(test_speakers: &[&str], test_files: &[&str], train_speakers: &[&str], train_files: &[&str]) -> Protocol {
        let own = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Protocol::Fixed(FixedParams {
            train_speakers: own(train_speakers),
            test_speakers: own(test_speakers),
            train_files: own(train_files),
            test_files: own(test_files),
        })
    }

    fn random(folds: usize, holdout: Option<f64>) -> Protocol {
        Protocol::Random(RandomParams { folds, holdout })
    }

    #[test]
    fn parameters_outside_their_range_are_refused() {
        let groups = |groups| Protocol::Speakers(SpeakersParams { groups });
        let grid = [
            (groups(None), None),
            (groups(Some(0)), Some("groups")),
            (groups(Some(1)), Some("groups")),
            (groups(Some(2)), None),
            (random(0, None), Some("folds")),
            (random(1, None), Some("folds")),
            (random(2, None), None),
            (random(1000, None), None),
            (random(1001, None), Some("folds")),
            (random(usize::MAX, None), Some("folds")),
            (random(5, Some(0.2)), None),
            (random(5, Some(0.0)), Some("holdout")),
            (random(5, Some(1.0)), Some("holdout")),
            (random(5, Some(-0.1)), Some("holdout")),
            (random(5, Some(f64::NAN)), Some("holdout")),
            (random(5, Some(f64::INFINITY)), Some("holdout")),
            (random(10, Some(0.2)), Some("folds")),
            (fixed(&[], &[], &[], &[]), Some("test_speakers")),
            (fixed(&[], &[], &["a"], &[]), Some("test_speakers")),
            (fixed(&["a"], &["b"], &[], &[]), Some("test_files")),
            (fixed(&["a"], &[], &["b"], &["c"]), Some("train_files")),
            (fixed(&["a"], &[], &["b"], &[]), None),
            (fixed(&[], &["a"], &["b"], &[]), None),
        ];
        for (protocol, refused) in grid {
            match (protocol.check(), refused) {
                (Ok(()), None) => {}
                (Err(EvaluationError::InvalidParameter { name, .. }), Some(refused)) => {
                    assert_eq!(name, refused, "{protocol:?}");
                }
                (result, _) => panic!("{protocol:?}: {result:?}"),
            }
        }
    }

    #[test]
    fn every_name_leads_to_its_protocol() {
        for name in Protocol::NAMES {
            assert_eq!(Protocol::by_name(name).unwrap().name(), name);
        }
        let error = Protocol::by_name("Speakers").unwrap_err().to_string();
        assert_eq!(error, "there is no protocol \"Speakers\"; the protocols are speakers, random, fixed");
        assert_eq!(Protocol::default().name(), "speakers");
    }

    #[test]
    fn descriptions() {
        assert_eq!(Protocol::default().describe(), "speakers: leave one speaker out");
        assert_eq!(random(5, None).describe(), "random: stratified 5-fold");
        assert_eq!(random(5, Some(0.2)).describe(), "random: stratified hold-out, 20 % tested");
        assert_eq!(random(5, Some(1.0 / 3.0)).describe(), "random: stratified hold-out, 33.33 % tested");
        assert_eq!(fixed(&["a"], &[], &[], &[]).describe(), "fixed: trained on all others, tested on speaker a");
        assert_eq!(
            fixed(&[], &["x.wav", "y.wav"], &[], &["train/"]).describe(),
            "fixed: trained on train/, tested on 2 listed files"
        );
    }

    #[test]
    fn recipes_read_back_what_they_wrote() {
        let all = [
            Protocol::default(),
            Protocol::Speakers(SpeakersParams { groups: Some(4) }),
            random(5, None),
            random(5, Some(0.25)),
            fixed(&["a", "b"], &[], &[], &["train/"]),
        ];
        for protocol in all {
            let text = toml::to_string(&protocol).unwrap();
            assert_eq!(toml::from_str::<Protocol>(&text).unwrap(), protocol, "{text}");
            let text = serde_json::to_string(&protocol).unwrap();
            assert_eq!(serde_json::from_str::<Protocol>(&text).unwrap(), protocol, "{text}");
        }
    }

    #[test]
    fn recipes_with_unknown_keys_are_refused() {
        for (text, named) in [
            ("kind = 'random'\nfold = 5", "fold"),
            ("kind = 'speakers'\nfolds = 5", "folds"),
            ("kind = 'fixed'\ntest = ['a']", "test"),
            ("kind = 'loso'", "loso"),
            ("folds = 5", "kind"),
            ("kind = 'random'\nfolds = -1", "-1"),
        ] {
            let error = toml::from_str::<Protocol>(text).unwrap_err().to_string();
            assert!(error.contains(named), "{text:?}: {error}");
        }
    }
}
