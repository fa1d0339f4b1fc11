//! What a recipe would train, before anything is heard.

use std::collections::BTreeSet;
use std::path::PathBuf;

use stimmung_models::PartSummary;

use crate::experiment::{listening_rate, open_corpus};
use crate::{Error, Recipe};

/// The parts of the model that a recipe would train, with the shapes of their layers: what can be drawn before the
/// training.
///
/// A recipe that gives both `[corpus] emotions` and `[audio] sample_rate` says all that shapes depend on. For others
/// the corpus is opened, in `corpora` if it goes by its name (see [`corpora_folders`](crate::corpora_folders)), to
/// count its emotions and to read the rates of its recordings; nothing is decoded.
///
/// # Errors
/// [`Error::CorpusNotFound`] and [`Error::Corpus`] where a corpus is needed and cannot be opened,
/// [`Error::NothingUsable`] where it has no recordings of the recipe's emotions; [`Error::Model`] where features and
/// model do not go together.
///
/// # Examples
/// ```
/// let recipe = stimmung::Recipe::parse(
///     r#"
///     name = "sketch"
///     [corpus]
///     name = "emodb"
///     emotions = ["anger", "neutral", "sadness"]
///     [audio]
///     sample_rate = 16000
///     [features]
///     set = "issa-50-80-50"
///     [model]
///     kind = "issa-model-a"
///     "#,
///     "sketch.toml",
/// )?;
/// let parts = stimmung::outline(&recipe, &[])?;
/// let network = parts[0].network.as_ref().expect("a network");
/// assert_eq!((&network.input_shape[..], network.layers.len()), (&[193, 1][..], 13));
/// # Ok::<(), stimmung::Error>(())
/// ```
pub fn outline(recipe: &Recipe, corpora: &[PathBuf]) -> Result<Vec<PartSummary>, Error> {
    let emotions = recipe.corpus.emotions.as_ref();
    let told = emotions.map(BTreeSet::len).zip(recipe.audio.sample_rate);
    let (classes, sample_rate) = if let Some(told) = told {
        told
    } else {
        let manifest = open_corpus(recipe, corpora)?;
        (manifest.emotions().len(), listening_rate(recipe, &manifest))
    };
    Ok(recipe.model.outline(recipe.features.shape(sample_rate)?, classes)?)
}
