//! What can go wrong, sorted by what the caller can do about it.

use std::fmt::Display;

/// An error of this crate.
///
/// Every message says what is wrong, where, what was expected, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// A parameter is outside its range: correct the recipe or the flag.
    #[error("{name} = {value} cannot be: {expected}")]
    InvalidParameter {
        /// The parameter, as the recipe spells it.
        name: &'static str,
        /// The value that was given.
        value: String,
        /// What would be accepted.
        expected: String,
    },

    /// No protocol has this name: use one of [`Protocol::NAMES`](crate::Protocol::NAMES).
    #[error("there is no protocol {name:?}; the protocols are {}", crate::Protocol::NAMES.join(", "))]
    UnknownProtocol {
        /// The name that was asked for.
        name: String,
    },

    /// The protocol keeps speakers apart, but some recordings do not say who speaks: add the speakers, or choose
    /// another protocol.
    #[error(
        "the speaker of {missing} of {total} recordings is unknown (first: {first:?}), so speakers cannot be kept \
         apart; add a `speaker` column to the manifest, or measure with `--protocol random`, which says nothing about \
         new voices"
    )]
    MissingSpeakers {
        /// How many recordings lack a speaker.
        missing: usize,
        /// Out of how many.
        total: usize,
        /// The first recording that lacks one.
        first: String,
    },

    /// There are fewer speakers than the protocol needs: ask for fewer groups, or choose another protocol.
    #[error(
        "the protocol needs at least {needed} speakers, and there {}; {}",
        if *found == 1 { "is 1".to_owned() } else { format!("are {found}") },
        if *found < 2 {
            "add recordings of other speakers, or measure with `--protocol random`, which says nothing about new voices"
        } else {
            "lower `groups`, or leave it out to leave one speaker out at a time"
        }
    )]
    TooFewSpeakers {
        /// How many speakers there are.
        found: usize,
        /// How many the protocol needs.
        needed: usize,
    },

    /// There are fewer recordings than parts to deal them to: ask for fewer folds, or add recordings.
    #[error("{needed} folds need at least {needed} recordings, and there are {found}; lower `folds`")]
    TooFewRecordings {
        /// How many recordings there are.
        found: usize,
        /// How many the protocol needs.
        needed: usize,
    },

    /// A class has a single recording, which cannot be both learned and tested: add recordings of it or leave the
    /// class out.
    #[error(
        "class {} has a single recording ({recording:?}), which cannot be both learned and tested; add recordings of \
         it, or leave the class out",
        name.as_ref().map_or_else(|| format!("number {class}"), |name| format!("{name:?}"))
    )]
    SingleRecording {
        /// The class, as an index from 0.
        class: usize,
        /// Its name, where known; see [`EvaluationError::with_class_names`].
        name: Option<String>,
        /// The one recording.
        recording: String,
    },

    /// Fewer than two classes have recordings, so there is nothing to tell apart: check the labels.
    #[error("there is nothing to tell apart: {found} of the {classes} classes have recordings; check the labels")]
    TooFewClasses {
        /// How many classes have recordings.
        found: usize,
        /// How many classes were declared.
        classes: usize,
    },

    /// A list of the fixed protocol names something that the corpus does not hold: correct the list.
    #[error("{list} names {name:?}, but {}", known_names(.list, .known))]
    NotInCorpus {
        /// The parameter that names it, for example `test_speakers`.
        list: &'static str,
        /// The speaker or file that was not found.
        name: String,
        /// What there is instead, in order.
        known: Vec<String>,
    },

    /// The fixed protocol puts a recording on both sides: correct the lists.
    #[error("the recording {recording:?} is in the training part and in the test part of the fixed protocol")]
    BothSides {
        /// The first such recording.
        recording: String,
    },

    /// A part of a split holds no recording: name other speakers or files.
    #[error("the {part} part of the split {fold:?} holds no recording")]
    EmptyPart {
        /// `training` or `test`.
        part: &'static str,
        /// The fold's name.
        fold: String,
    },

    /// The arrays do not fit together: a mistake in the calling code, not in the data.
    #[error("{what}: expected {expected}, found {actual}")]
    Mismatch {
        /// What does not fit.
        what: String,
        /// What was expected.
        expected: String,
        /// What was found.
        actual: String,
    },
}

impl EvaluationError {
    /// Puts the name of the class into an error that knows only its index.
    ///
    /// ```
    /// use stimmung_evaluation::EvaluationError;
    ///
    /// let error = EvaluationError::SingleRecording { class: 1, name: None, recording: "a.wav".into() };
    /// let error = error.with_class_names(&["anger".into(), "fear".into()]);
    /// assert!(error.to_string().starts_with(r#"class "fear" has a single recording ("a.wav")"#));
    /// ```
    #[must_use]
    pub fn with_class_names(mut self, names: &[String]) -> Self {
        if let Self::SingleRecording { class, name, .. } = &mut self {
            *name = names.get(*class).cloned();
        }
        self
    }

    pub(crate) fn mismatch(what: impl Display, expected: impl Display, actual: impl Display) -> Self {
        Self::Mismatch { what: format!("{what}"), expected: format!("{expected}"), actual: format!("{actual}") }
    }
}

/// Lists the first few names there are: enough to see how they are spelt.
fn known_names(list: &str, known: &[String]) -> String {
    const SHOWN: usize = 12;
    let kind = if list.ends_with("speakers") { "speakers" } else { "recordings" };
    if known.is_empty() {
        return format!("the corpus names no {kind}");
    }
    let shown: Vec<_> = known.iter().take(SHOWN).map(|name| format!("{name:?}")).collect();
    let rest = match known.len().saturating_sub(SHOWN) {
        0 => String::new(),
        rest => format!(" and {rest} more"),
    };
    format!("the corpus has no such entry; its {kind} are {}{rest}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_to_do() {
        let one = EvaluationError::TooFewSpeakers { found: 1, needed: 2 }.to_string();
        assert!(one.contains("there is 1;") && one.contains("--protocol random"), "{one}");
        let three = EvaluationError::TooFewSpeakers { found: 3, needed: 5 }.to_string();
        assert!(three.contains("there are 3;") && three.contains("lower `groups`"), "{three}");
    }

    #[test]
    fn long_lists_are_cut() {
        let known: Vec<String> = (0..20).map(|i| format!("s{i:02}")).collect();
        let error = EvaluationError::NotInCorpus { list: "test_speakers", name: "x".into(), known };
        let text = error.to_string();
        assert!(text.contains("speakers are \"s00\"") && text.contains("\"s11\" and 8 more"), "{text}");
        let none = EvaluationError::NotInCorpus { list: "test_files", name: "x".into(), known: vec![] };
        assert!(none.to_string().contains("names no recordings"));
    }

    #[test]
    fn other_errors_keep_their_text_when_named() {
        let error = EvaluationError::TooFewRecordings { found: 1, needed: 2 };
        assert_eq!(error.clone().with_class_names(&[]), error);
    }
}
