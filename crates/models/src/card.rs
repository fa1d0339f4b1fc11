//! The card of a model: what it was made from, how well it does, what it is for. Mitchell et al. 2019, *Model Cards for
//! Model Reporting* (doi:10.1145/3287560.3287596), cut down to what a listener of a number needs.

use serde::{Deserialize, Serialize};

/// What people should know before they rely on a model. Everything is free text or a plain number; nothing here changes a
/// prediction.
///
/// [`Card::default`] says that the model has not been evaluated, and warns off every use but trying it out.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(default)]
pub struct Card {
    /// A short name, such as `default` or `emodb-logistic`.
    pub name: String,
    /// One or two sentences.
    pub description: String,
    /// The recipe that made the model: its name or its whole text.
    pub created_from: String,
    /// The recordings it learned from.
    pub data: CardData,
    /// Scores, each with its protocol. Empty means: not evaluated.
    pub scores: Vec<CardScore>,
    /// What it is for.
    pub intended_use: String,
    /// What it is not for.
    pub not_for: String,
    /// Anything else: known weaknesses, thanks, citations.
    pub notes: String,
}

/// The training data of a model.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(default)]
pub struct CardData {
    /// Name of the corpus, or of several.
    pub corpus: String,
    /// Recordings the model learned from.
    pub recordings: usize,
    /// Different speakers among them; 0 where the corpus does not tell.
    pub speakers: usize,
    /// Recordings that were left out because they could not be used.
    pub dropped: usize,
    /// Language or languages spoken.
    pub language: String,
    /// Under which licence the corpus can be had.
    pub license: String,
    /// Where the corpus is described: an address or a citation.
    pub source: String,
    /// The first 16 hexadecimal digits of the SHA-256 of each recording's samples, sorted: an evaluation can thus tell which of
    /// its recordings the model has heard before.
    pub fingerprints: Vec<String>,
}

/// One figure and how it came about.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct CardScore {
    /// The protocol, such as `speakers: leave one out`.
    pub protocol: String,
    /// The metric with both its names, such as `UAR (= UA, macro recall)`.
    pub metric: String,
    /// The figure; UAR, WAR and F1 from 0 to 1.
    pub value: f64,
    /// The bounds of its 95 % confidence interval, if one was estimated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
}

impl Default for Card {
    fn default() -> Self {
        Self {
            name: "unnamed".into(),
            description: "Not described.".into(),
            created_from: String::new(),
            data: CardData::default(),
            scores: Vec::new(),
            intended_use: "Trying out. The model has not been evaluated.".into(),
            not_for: "Any decision about a person.".into(),
            notes: String::new(),
        }
    }
}

impl Card {
    /// Whether the model comes with any score.
    pub fn is_evaluated(&self) -> bool {
        !self.scores.is_empty()
    }

    /// The name of the first score that JSON cannot hold.
    pub(crate) fn unwritable_score(&self) -> Option<&str> {
        let finite = |score: &&CardScore| {
            score.value.is_finite() && score.interval.is_none_or(|bounds| bounds.iter().all(|b| b.is_finite()))
        };
        self.scores.iter().find(|score| !finite(score)).map(|score| score.metric.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_card_promises_nothing() {
        let card = Card::default();
        assert!(!card.is_evaluated());
        assert!(card.intended_use.contains("not been evaluated"));
    }

    #[test]
    fn cards_of_other_versions_can_be_read() {
        // A field that this version does not know, and all others missing.
        let card: Card = serde_json::from_str(r#"{"name": "x", "colour": "blue"}"#).expect("readable");
        assert_eq!(card, Card { name: "x".into(), ..Card::default() });
    }
}
