//! Classifiers of emotion and the model file.
//!
//! A [`TrainingSet`] of features and labels goes into [`fit()`] with the [`ModelParams`] of a recipe; out comes a
//! [`Classifier`] that turns features into class probabilities. Together with its [`FrontEnd`] and a [`Card`] it makes a
//! [`ModelFile`], one self-contained `.stimmung` file.
//!
//! | `kind` | parameters | is | suits |
//! | --- | --- | --- | --- |
//! | `logistic` | [`LogisticParams`] | multinomial logistic regression | a first, strong baseline; small and fast |
//! | `svm` | [`SvmParams`] | support vector machine, linear or RBF | a few thousand recordings at most |
//! | `lda` | [`LdaParams`] | discriminant analysis with Ledoit–Wolf shrinkage | few recordings; nothing to tune |
//! | `random-forest` | [`ForestParams`] | random forest | features of any scale; hardly anything to tune |
//! | `gradient-boosting` | [`BoostingParams`] | gradient-boosted trees, as XGBoost grows them | larger corpora; features that act together |
//! | `dense` | [`DenseParams`] | network of dense layers | larger corpora |
//! | `issa-model-a` | [`ModelAParams`] | 1-D convolutional network of Issa, Demirci & Yazici 2020 | the `issa-*` features |
//! | `network` | [`NetworkParams`] | network of any layers, or one of the named [`Architecture`]s | pictures and samples, too |
//! | `one-vs-rest` | [`OneVsRestParams`] | a binary model a class and an arbiter | what one model does well by class |
//!
//! The scaler belongs to the model: features go in as they are measured, means and scales are learned from the training rows
//! alone. The same data, parameters and seed give the same bits for any number of threads.

mod archive;
mod boosting;
mod calibration;
mod card;
mod classifier;
mod covariance;
mod enrolment;
mod error;
mod fit;
mod forest;
mod lbfgs;
mod lda;
mod linalg;
mod linear;
mod logistic;
mod matrix;
mod model_file;
mod network;
mod novelty;
mod numeric;
mod one_vs_rest;
mod params;
mod random;
mod scaler;
mod summary;
mod svm;
mod training_set;
mod tree;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod testing;

pub use boosting::BoostingParams;
pub use calibration::Temperature;
pub use card::{Card, CardData, CardScore};
pub use classifier::Classifier;
pub use enrolment::Voice;
pub use error::ModelError;
pub use fit::{FitProgress, fit, fit_resumable};
pub use forest::ForestParams;
pub use lda::LdaParams;
pub use logistic::LogisticParams;
pub use matrix::Matrix;
pub use model_file::{FrontEnd, LARGEST_NUMBER_OF_COPIES, ModelFile};
pub use network::{
    Architecture, CheckpointStore, DenseParams, EarlyStoppingParams, LayerSummary, ModelAParams, NetworkParams,
    NetworkSummary, TrainingParams,
};
pub use one_vs_rest::OneVsRestParams;
pub use params::{ClassWeight, Gamma, MaxFeatures, ModelParams, Priors, Shrinkage};
pub use scaler::{Scaling, rank_scores};
pub use stimmung_features::Shape;
pub use summary::{ModelSummary, PartSummary};
pub use svm::{Kernel, SvmParams};
pub use training_set::{Introductions, TrainingSet, Watched};
