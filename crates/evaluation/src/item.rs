//! What the evaluation needs to know of a recording.

use std::collections::{BTreeMap, BTreeSet};

use crate::EvaluationError;

/// A recording as the evaluation sees it: its true class, and what could make it too easy to recognise.
///
/// ```
/// use stimmung_evaluation::Item;
///
/// let item = Item::new("03a01Fa.wav", 4).with_speaker("03");
/// assert_eq!(item.speaker.as_deref(), Some("03"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    /// The file, as the manifest spells it, with `/` between folders.
    pub id: String,
    /// The true class, an index from 0.
    pub class: usize,
    /// Who speaks; `None` where the corpus does not tell. An empty name counts as unknown.
    pub speaker: Option<String>,
    /// A key that all takes of one utterance share: the same speaker saying the same words with the same emotion
    /// again. `None` where it is unknown.
    pub utterance: Option<String>,
    /// A hash of the audio: byte-identical copies share it. `None` where it was not computed.
    pub content: Option<String>,
    /// The recording that this one is a modified copy of, or the original itself where others are copies of it.
    /// `None` where nothing was copied.
    pub source: Option<String>,
}

impl Item {
    /// A recording of which nothing but its file and its class is known.
    pub fn new(id: impl Into<String>, class: usize) -> Self {
        Self { id: id.into(), class, ..Self::default() }
    }

    /// The same recording with its speaker.
    #[must_use]
    pub fn with_speaker(mut self, speaker: impl Into<String>) -> Self {
        self.speaker = Some(speaker.into());
        self
    }

    /// The speaker, where there is one: blank names are none.
    pub fn known_speaker(&self) -> Option<&str> {
        self.speaker.as_deref().filter(|name| !name.trim().is_empty())
    }
}

/// The distinct known speakers.
pub(crate) fn speakers<'a>(items: impl IntoIterator<Item = &'a Item>) -> BTreeSet<&'a str> {
    items.into_iter().filter_map(Item::known_speaker).collect()
}

/// The recordings of each speaker, in order; an error where one is unknown.
pub(crate) fn by_speaker(items: &[Item]) -> Result<BTreeMap<&str, Vec<usize>>, EvaluationError> {
    let mut speakers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut missing = 0;
    let mut first = None;
    for (index, item) in items.iter().enumerate() {
        if let Some(speaker) = item.known_speaker() {
            speakers.entry(speaker).or_default().push(index);
        } else {
            missing += 1;
            first.get_or_insert(&item.id);
        }
    }
    match first {
        None => Ok(speakers),
        Some(first) => Err(EvaluationError::MissingSpeakers { missing, total: items.len(), first: first.clone() }),
    }
}

/// The recordings of each class, in order; an error where a class is out of range or there is nothing to tell apart.
pub(crate) fn by_class(items: &[Item], classes: usize) -> Result<Vec<Vec<usize>>, EvaluationError> {
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); classes];
    for (index, item) in items.iter().enumerate() {
        members
            .get_mut(item.class)
            .ok_or_else(|| {
                let what = format!("the class of {:?}", item.id);
                EvaluationError::mismatch(what, format!("an index below {classes}"), item.class)
            })?
            .push(index);
    }
    let found = members.iter().filter(|members| !members.is_empty()).count();
    if found < 2 {
        return Err(EvaluationError::TooFewClasses { found, classes });
    }
    Ok(members)
}
