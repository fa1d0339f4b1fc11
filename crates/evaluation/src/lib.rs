//! Metrics, protocols, cross-validation and intervals.
//!
//! This crate answers one question: *how good is it, on what terms?* It works on plain arrays of labels and knows
//! nothing of audio or of models. A [`Protocol`] turns a list of [`Item`]s into [`Fold`]s; the caller trains on one
//! part of each fold and predicts the other; an [`Evaluation`] turns the [`Prediction`]s into figures. Each figure
//! comes with the protocol that made it, an interval, and what the [`audit`] found: a split that lets the model hear
//! a test speaker beforehand says so next to its number.
//!
//! # The figures
//! | name | also known as | is |
//! | --- | --- | --- |
//! | UAR | UA, unweighted average recall, balanced accuracy | the mean of the recalls of the classes that occur |
//! | WAR | WA, weighted average recall, accuracy | the share of the recordings that are recognised |
//! | macro-F1 | unweighted average F1 | the mean F1 of the classes that occur or are predicted |
//!
//! UAR is the headline figure: the corpora of the field are unbalanced, and a model that always answers with the
//! largest class has a UAR of one over the number of classes, whatever its WAR.
//!
//! Beside the figures stand what they hide: the accuracy of groups of recordings ([`accuracy_by_group`],
//! [`accuracy_difference`]), of classes ([`class_intervals`]) and of confident answers ([`Confidences`]), what it goes with
//! ([`correlation`]), how well each class is told from the rest ([`Roc`]), and how two runs differ ([`compare_runs`]).
//!
//! # Example
//! Two speakers, two classes; the "model" is wrong about one recording of speaker `b`.
//! ```
//! use stimmung_evaluation::{Evaluation, Item, Prediction, Protocol};
//!
//! let classes = ["anger".to_owned(), "sadness".to_owned()];
//! let items = [
//!     Item::new("a1.wav", 0).with_speaker("a"),
//!     Item::new("a2.wav", 1).with_speaker("a"),
//!     Item::new("b1.wav", 0).with_speaker("b"),
//!     Item::new("b2.wav", 1).with_speaker("b"),
//! ];
//! let protocol = Protocol::default(); // leave one speaker out
//! let folds = protocol.split(&items, classes.len(), 1)?;
//! assert_eq!((folds[0].name.as_str(), &folds[0].test[..]), ("a", &[0, 1][..]));
//!
//! let mut predictions = Vec::new();
//! for (fold, parts) in folds.iter().enumerate() {
//!     // … train on `parts.train` …
//!     for &item in &parts.test {
//!         let predicted = if item == 3 { 0 } else { items[item].class };
//!         predictions.push(Prediction { item, fold, predicted, probabilities: vec![] });
//!     }
//! }
//! let evaluation = Evaluation::new(&protocol, &items, &classes, &folds, &predictions, 1)?;
//! assert_eq!(evaluation.pooled.uar, 0.75);
//! assert_eq!(evaluation.protocol, "speakers: leave one speaker out, 2 folds");
//! # Ok::<(), stimmung_evaluation::EvaluationError>(())
//! ```

mod audit;
mod bootstrap;
mod calibration;
mod confusion;
mod correlation;
mod curves;
mod error;
mod evaluation;
mod item;
mod protocol;
pub mod render;
mod scores;
mod slices;
mod split;

pub use audit::{Leak, Overlap, Warning, audit, coverage};
pub use bootstrap::{BootstrapParams, Interval, Outcome, Resampled, bootstrap_interval};
pub use calibration::{CalibrationScores, ReliabilityBin};
pub use confusion::ConfusionMatrix;
pub use correlation::{Correlation, Pair, correlation};
pub use curves::{ClassRoc, ConfidenceBin, ConfidencePoint, Confidences, Roc, RocCurve, RocPoint};
pub use error::EvaluationError;
pub use evaluation::{Evaluation, Figures, FoldScores, MeanSd, Prediction};
pub use item::Item;
pub use protocol::{FixedParams, Protocol, RandomParams, SpeakersParams};
pub use scores::{ClassScores, Metric, Scores};
pub use slices::{
    ClassIntervals, Comparison, Estimate, GroupAccuracy, GroupDifference, RunDifference, accuracy_by_group,
    accuracy_difference, class_intervals, compare_runs,
};
pub use split::Fold;
