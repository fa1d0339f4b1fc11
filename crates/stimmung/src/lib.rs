//! Speech emotion recognition, from a corpus to a prediction.
//!
//! This is the library that programs use. A [`Recipe`] fixes an experiment; an [`Experiment`] hears its corpus, judges
//! the recipe by its protocol and trains the model; [`save_run`] keeps what came out, and [`SavedRun`] reads it; a [`Recognizer`] answers for new
//! recordings with a model file, and follows long ones and speech that goes on ([`timeline`]). The crates below are re-exported under their own names.
//!
//! # Examples
//! ```no_run
//! use stimmung::{Experiment, Quiet, Recipe, Recognizer, corpora_folders, save_run};
//!
//! let recipe = Recipe::load("recipes/emodb-issa-logistic.toml".as_ref(), &[])?;
//! let experiment = Experiment::prepare(recipe, &corpora_folders(&[]), &Quiet)?;
//! let evaluated = experiment.evaluate(&Quiet)?;
//! println!("{}: UAR {:.3}", evaluated.evaluation.protocol, evaluated.evaluation.pooled.uar);
//!
//! let model = experiment.train(Some(&evaluated), &Quiet)?;
//! save_run("runs/first".as_ref(), &experiment, &evaluated, Some(&model))?;
//! let answer = Recognizer::new(model).recognize_path("voice.wav".as_ref())?;
//! println!("{}", answer.label);
//! # Ok::<(), stimmung::Error>(())
//! ```

mod adaptation;
pub mod agreement;
mod calibration;
mod card;
mod checkpoints;
mod corpora;
mod error;
mod experiment;
pub mod extraction;
mod fixed;
mod listen;
mod outline;
mod pool;
mod progress;
pub mod quality;
pub mod recipe;
mod recognizer;
pub mod reference;
mod run;
pub mod select;
pub mod suite;
mod table;
#[cfg(test)]
mod testing;
pub mod timeline;

pub use stimmung_audio as audio;
pub use stimmung_corpus as corpus;
pub use stimmung_evaluation as evaluation;
pub use stimmung_features as features;
pub use stimmung_models as models;

pub use adaptation::{AdaptationMode, AdaptationSection};
pub use calibration::Calibration;
pub use checkpoints::Checkpoints;
pub use corpora::{corpora_cache, corpora_folders, features_cache, find_corpus};
pub use error::{Error, RecordingError};
pub use experiment::{Evaluated, Experiment, listening_rate, open_corpus};
pub use fixed::FixedModel;
pub use listen::{MIN_SECONDS, check_audible, hear};
pub use outline::outline;
pub use progress::{Progress, Quiet, Training, advance_to};
pub use quality::{Warning, WarningCode};
pub use recipe::{Recipe, feature_set};
pub use recognizer::{EMBEDDED_MODEL, Prediction, Recognizer};
pub use run::{
    HistoryStep, Projection, Receipt, SavedPrediction, SavedRun, Summary, Timing, WholeFile, report, save_run,
    save_selection, write_whole,
};
pub use stimmung_models::Card;
pub use table::{FeatureTable, Hearing, id as recording_id};
