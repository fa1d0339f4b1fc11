//! What makes a split easier, or harder to read, than it looks.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::item::speakers;
use crate::{Fold, Item};

/// How much of the test parts a leak touches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlap {
    /// The test recordings concerned, over all folds.
    pub recordings: usize,
    /// The test recordings there are, over all folds.
    pub tested: usize,
    /// The folds concerned.
    pub folds: usize,
    /// The folds there are.
    pub of_folds: usize,
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} test recordings", self.recordings, self.tested)?;
        if self.of_folds > 1 && self.folds < self.of_folds {
            write!(f, " (in {} of {} folds)", self.folds, self.of_folds)?;
        }
        Ok(())
    }
}

/// Something on both sides of a split that lets a model answer from memory.
///
/// Its text is one plain sentence, to be printed next to the figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Leak {
    /// A test recording is itself in the training part, or another of the same name is.
    SharedRecordings {
        /// How many.
        #[serde(flatten)]
        overlap: Overlap,
        /// The first of them.
        recording: String,
    },
    /// A byte-identical copy of a test recording is in the training part.
    SharedContent {
        /// How many.
        #[serde(flatten)]
        overlap: Overlap,
        /// The first test recording concerned.
        recording: String,
        /// Its copy in the training part.
        copy: String,
    },
    /// A modified copy of a test recording, or the recording that it is a copy of, is in the training part.
    SharedSources {
        /// How many.
        #[serde(flatten)]
        overlap: Overlap,
        /// The first test recording concerned.
        recording: String,
        /// Its sibling in the training part.
        sibling: String,
    },
    /// Another take of the utterance of a test recording is in the training part.
    SharedUtterances {
        /// How many.
        #[serde(flatten)]
        overlap: Overlap,
        /// The first test recording concerned.
        recording: String,
        /// Its other take in the training part.
        take: String,
    },
    /// The speaker of a test recording is in the training part too.
    SharedSpeakers {
        /// How many.
        #[serde(flatten)]
        overlap: Overlap,
        /// The number of speakers concerned.
        speakers: usize,
        /// The number of speakers tested.
        of_speakers: usize,
    },
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One recording is, several are.
        let by_number = |overlap: &Overlap, one: &'static str, more: &'static str| {
            if overlap.recordings == 1 { one } else { more }
        };
        match self {
            Self::SharedRecordings { overlap, recording } => {
                let are = by_number(overlap, "is", "are");
                write!(f, "{overlap} {are} in the training part as well, for example {recording:?}")
            }
            Self::SharedContent { overlap, recording, copy } => {
                let have = by_number(overlap, "has", "have");
                write!(f, "{overlap} {have} an identical copy in the training part, for example ")?;
                write!(f, "{recording:?} = {copy:?}")
            }
            Self::SharedSources { overlap, recording, sibling } => {
                let have = by_number(overlap, "has", "have");
                write!(f, "{overlap} {have} a modified copy or the original in the training part, for example ")?;
                write!(f, "{recording:?} and {sibling:?}")
            }
            Self::SharedUtterances { overlap, recording, take } => {
                let have = by_number(overlap, "has", "have");
                write!(f, "{overlap} {have} another take in the training part, for example ")?;
                write!(f, "{recording:?} and {take:?}")
            }
            Self::SharedSpeakers { overlap, speakers, of_speakers } => {
                let are = by_number(overlap, "is of a speaker", "are of speakers");
                write!(f, "{overlap} {are} heard in training ({speakers} of {of_speakers}): expect less of a new voice")
            }
        }
    }
}

/// Something to know when reading the figures, though nothing leaks.
///
/// Its text is one plain sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Warning {
    /// The speakers of some recordings are unknown, so nobody can tell whether the voices are new.
    UnknownSpeakers {
        /// How many recordings lack a speaker.
        recordings: usize,
        /// How many recordings there are.
        total: usize,
    },
    /// A class is tested in folds that have no example of it to learn from: it cannot be recognised there.
    ClassNotTrained {
        /// The class.
        class: String,
        /// The test recordings of this class in these folds.
        recordings: usize,
        /// The folds concerned.
        folds: usize,
        /// The folds there are.
        of_folds: usize,
    },
    /// A class is in no test part at all, so the figures say nothing of it.
    ClassNotTested {
        /// The class.
        class: String,
    },
    /// Some test parts lack classes that others have: the figures of single folds average over different classes.
    ClassesMissingInFolds {
        /// The classes that some test part lacks.
        classes: Vec<String>,
        /// The folds that lack a class.
        folds: usize,
        /// The folds there are.
        of_folds: usize,
    },
    /// The intervals resample recordings, since fewer than 3 speakers are known: they are too narrow for new voices.
    IntervalOverRecordings {
        /// The number of known speakers among the tested recordings.
        speakers: usize,
    },
    /// The intervals rest on fewer than 10 speakers and tend to be too narrow; see
    /// [`bootstrap_interval`](crate::bootstrap_interval) for how much.
    FewSpeakers {
        /// The number of speakers tested.
        speakers: usize,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownSpeakers { recordings, total } => {
                write!(f, "the speaker of {recordings} of {total} recordings is unknown: ")?;
                write!(f, "nobody can tell whether the voices tested are new")
            }
            Self::ClassNotTrained { class, recordings, folds, of_folds } => {
                let recordings_of = if *recordings == 1 { "recording" } else { "recordings" };
                write!(f, "{recordings} test {recordings_of} of {class:?} cannot be recognised: ")?;
                if *of_folds == 1 {
                    return f.write_str("the training part has none");
                }
                write!(f, "the training part of {folds} of {of_folds} folds has none")
            }
            Self::ClassNotTested { class } => {
                write!(f, "no test part has a recording of {class:?}, so the figures say nothing of it")
            }
            Self::ClassesMissingInFolds { classes, folds, of_folds } => {
                write!(f, "the test part of {folds} of {of_folds} folds lacks a class ({}); ", classes.join(", "))?;
                write!(f, "the UAR of such a fold is over the classes it has")
            }
            Self::IntervalOverRecordings { speakers } => {
                let known = match speakers {
                    0 => "no speaker is known".to_owned(),
                    1 => "only 1 speaker is known".to_owned(),
                    speakers => format!("only {speakers} speakers are known"),
                };
                write!(f, "the intervals are over recordings, as {known}: they are too narrow for new voices")
            }
            Self::FewSpeakers { speakers } => {
                write!(f, "the intervals rest on {speakers} speakers: so few make them too narrow")
            }
        }
    }
}

/// Looks for what the two sides of a split share: recordings, copies (identical or modified), takes of one utterance,
/// speakers.
///
/// A test recording is counted once among the first four, under the worst that applies, and may be counted again
/// among the speakers. An unknown speaker, utterance or content is shared with nobody. Indices that are out of range
/// are passed over; [`Evaluation::new`](crate::Evaluation::new) refuses them.
///
/// ```
/// use stimmung_evaluation::{Fold, Item, audit};
///
/// let items = ["03", "03", "08"].map(|speaker| Item::new(format!("{speaker}.wav"), 0).with_speaker(speaker));
/// let split = |train: &[usize], test: &[usize]| Fold { name: "x".into(), train: train.into(), test: test.into() };
/// assert!(audit(&items, &[split(&[0, 1], &[2])]).is_empty());
/// let leaks = audit(&items, &[split(&[0], &[1, 2])]);
/// assert_eq!(
///     leaks[1].to_string(),
///     "1 of 2 test recordings is of a speaker heard in training (1 of 2): expect less of a new voice"
/// );
/// # // The two recordings of 03 have the same name, too.
/// # assert!(leaks[0].to_string().starts_with("1 of 2 test recordings is in the training part as well"));
/// ```
pub fn audit(items: &[Item], folds: &[Fold]) -> Vec<Leak> {
    let ids = Keys::new(items, |item| Some(&item.id));
    let contents = Keys::new(items, |item| item.content.as_deref());
    let sources = Keys::new(items, |item| item.source.as_deref());
    let utterances = Keys::new(items, |item| item.utterance.as_deref());
    let speakers = Keys::new(items, Item::known_speaker);

    let [mut same, mut copies, mut siblings, mut takes, mut voices] = std::array::from_fn(|_| Tally::default());
    let mut heard = BTreeSet::new();
    let mut tested_speakers = BTreeSet::new();
    let mut tested = 0;
    for (number, fold) in folds.iter().enumerate() {
        let trained = [&ids, &contents, &sources, &utterances, &speakers].map(|keys| keys.first_holders(&fold.train));
        for &item in fold.test.iter().filter(|&&item| item < items.len()) {
            tested += 1;
            if let Some(other) = ids.partner(item, &trained[0]) {
                same.add(number, item, other);
            } else if let Some(other) = contents.partner(item, &trained[1]) {
                copies.add(number, item, other);
            } else if let Some(other) = sources.partner(item, &trained[2]) {
                siblings.add(number, item, other);
            } else if let Some(other) = utterances.partner(item, &trained[3]) {
                takes.add(number, item, other);
            }
            tested_speakers.extend(speakers.of[item]);
            if let Some(other) = speakers.partner(item, &trained[4]) {
                voices.add(number, item, other);
                heard.extend(speakers.of[item]);
            }
        }
    }

    let name = |item: usize| items[item].id.clone();
    let overlap = |tally: &Tally| Overlap {
        recordings: tally.recordings,
        tested,
        folds: tally.folds.len(),
        of_folds: folds.len(),
    };
    let mut leaks = Vec::new();
    if let Some((recording, _)) = same.example {
        leaks.push(Leak::SharedRecordings { overlap: overlap(&same), recording: name(recording) });
    }
    if let Some((recording, copy)) = copies.example {
        let (recording, copy) = (name(recording), name(copy));
        leaks.push(Leak::SharedContent { overlap: overlap(&copies), recording, copy });
    }
    if let Some((recording, sibling)) = siblings.example {
        let (recording, sibling) = (name(recording), name(sibling));
        leaks.push(Leak::SharedSources { overlap: overlap(&siblings), recording, sibling });
    }
    if let Some((recording, take)) = takes.example {
        let (recording, take) = (name(recording), name(take));
        leaks.push(Leak::SharedUtterances { overlap: overlap(&takes), recording, take });
    }
    if voices.example.is_some() {
        let (speakers, of_speakers) = (heard.len(), tested_speakers.len());
        leaks.push(Leak::SharedSpeakers { overlap: overlap(&voices), speakers, of_speakers });
    }
    leaks
}

/// One property of all items, with equal values numbered equally.
struct Keys {
    of: Vec<Option<usize>>,
    distinct: usize,
}

impl Keys {
    fn new<'a>(items: &'a [Item], key: impl Fn(&'a Item) -> Option<&'a str>) -> Self {
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let of = items
            .iter()
            .map(|item| {
                let next = numbers.len();
                key(item).filter(|key| !key.is_empty()).map(|key| *numbers.entry(key).or_insert(next))
            })
            .collect();
        Self { of, distinct: numbers.len() }
    }

    /// For each value, the first of the listed items that has it.
    fn first_holders(&self, listed: &[usize]) -> Vec<Option<usize>> {
        let mut holders = vec![None; self.distinct];
        for &item in listed {
            if let Some(&Some(key)) = self.of.get(item) {
                holders[key].get_or_insert(item);
            }
        }
        holders
    }

    /// The holder of the value that the item has.
    fn partner(&self, item: usize, holders: &[Option<usize>]) -> Option<usize> {
        self.of[item].and_then(|key| holders[key])
    }
}

/// A running count of test recordings that share something.
#[derive(Default)]
struct Tally {
    recordings: usize,
    folds: BTreeSet<usize>,
    example: Option<(usize, usize)>,
}

impl Tally {
    fn add(&mut self, fold: usize, item: usize, other: usize) {
        self.recordings += 1;
        self.folds.insert(fold);
        self.example.get_or_insert((item, other));
    }
}

/// Looks for what the parts of a split lack: known speakers, and classes to learn from or to test on.
///
/// `classes` are the names that [`Item::class`] points to; indices out of range are passed over.
///
/// ```
/// use stimmung_evaluation::{Fold, Item, coverage};
///
/// let items = [0, 0, 1].map(|class| Item::new("x.wav", class).with_speaker("03"));
/// let folds = [Fold { name: "fixed".into(), train: vec![0], test: vec![1, 2] }];
/// let warnings = coverage(&items, &["anger".into(), "fear".into()], &folds);
/// assert_eq!(
///     warnings[0].to_string(),
///     "1 test recording of \"fear\" cannot be recognised: the training part has none"
/// );
/// ```
pub fn coverage(items: &[Item], classes: &[String], folds: &[Fold]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let used: BTreeSet<usize> = folds.iter().flat_map(|fold| fold.train.iter().chain(&fold.test)).copied().collect();
    let used: Vec<&Item> = used.iter().filter_map(|&item| items.get(item)).collect();
    let unknown = used.iter().filter(|item| item.known_speaker().is_none()).count();
    if unknown > 0 {
        warnings.push(Warning::UnknownSpeakers { recordings: unknown, total: used.len() });
    }

    let count = |part: &[usize]| {
        let mut counts = vec![0_usize; classes.len()];
        for item in part.iter().filter_map(|&item| items.get(item)) {
            if let Some(count) = counts.get_mut(item.class) {
                *count += 1;
            }
        }
        counts
    };
    let parts: Vec<_> = folds.iter().map(|fold| (count(&fold.train), count(&fold.test))).collect();
    let of_folds = folds.len();
    for (index, class) in classes.iter().enumerate() {
        let untrained: Vec<usize> = parts
            .iter()
            .filter(|(train, test)| train[index] == 0 && test[index] > 0)
            .map(|(_, test)| test[index])
            .collect();
        if !untrained.is_empty() {
            warnings.push(Warning::ClassNotTrained {
                class: class.clone(),
                recordings: untrained.iter().sum(),
                folds: untrained.len(),
                of_folds,
            });
        }
        if of_folds > 0 && parts.iter().all(|(_, test)| test[index] == 0) {
            warnings.push(Warning::ClassNotTested { class: class.clone() });
        }
    }

    // Classes that no part tests are reported already.
    let tested: Vec<usize> =
        (0..classes.len()).filter(|&class| parts.iter().any(|(_, test)| test[class] > 0)).collect();
    let mut lacking = BTreeMap::new();
    let mut lacking_folds = 0;
    for (_, test) in &parts {
        let missing: Vec<usize> = tested.iter().copied().filter(|&class| test[class] == 0).collect();
        lacking_folds += usize::from(!missing.is_empty());
        lacking.extend(missing.into_iter().map(|class| (class, classes[class].clone())));
    }
    if lacking_folds > 0 {
        let classes = lacking.into_values().collect();
        warnings.push(Warning::ClassesMissingInFolds { classes, folds: lacking_folds, of_folds });
    }
    warnings
}

/// What the number of tested speakers means for the intervals.
pub(crate) fn interval_warning<'a>(tested: impl IntoIterator<Item = &'a Item> + Clone) -> Option<Warning> {
    /// Below this many clusters, percentile intervals visibly fall short of their level.
    const ENOUGH_SPEAKERS: usize = 10;
    let all_known = tested.clone().into_iter().all(|item| item.known_speaker().is_some());
    let speakers = speakers(tested).len();
    if !all_known || speakers < crate::bootstrap::FEWEST_SPEAKERS {
        Some(Warning::IntervalOverRecordings { speakers })
    } else if speakers < ENOUGH_SPEAKERS {
        Some(Warning::FewSpeakers { speakers })
    } else {
        None
    }
}
