//! Judging a ready model on a corpus.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use stimmung_evaluation::{Evaluation, Fold};
use stimmung_models::ModelFile;

use crate::card::fingerprint;
use crate::experiment::open_corpus;
use crate::recipe::AugmentationSection;
use crate::recognizer::load_model;
use crate::{AdaptationMode, AdaptationSection, Error, Evaluated, Experiment, Progress, Recipe};

/// A ready model that is to be judged on recordings.
///
/// Which of them it was trained on stands on its card; the evaluation says so beside its figures.
#[derive(Debug, Clone)]
pub struct FixedModel {
    model: ModelFile,
}

impl FixedModel {
    /// Opens a model file.
    ///
    /// # Errors
    /// [`Error::ModelFile`] for a file that is no whole model file of this version.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Ok(Self { model: load_model(path)? })
    }

    /// The model.
    pub fn model(&self) -> &ModelFile {
        &self.model
    }

    /// Lets the model answer for every recording of the recipe's corpus. The model's own front end is used; of the recipe,
    /// only the corpus, the seed and an enrolled adaptation count.
    ///
    /// # Errors
    /// [`Error::UnknownEmotion`] where the corpus has emotions that the model does not know; [`Error::CannotEnrol`] where the recipe lets
    /// speakers introduce themselves to a model that does not know how voices differ.
    pub fn evaluate(
        &self,
        mut recipe: Recipe,
        corpora: &[PathBuf],
        progress: &dyn Progress,
    ) -> Result<(Experiment, Evaluated), Error> {
        let front_end = &self.model.front_end;
        recipe.features = front_end.features.clone();
        recipe.conditioning = front_end.conditioning;
        recipe.segments = front_end.segments;
        recipe.augmentation = AugmentationSection {
            copies: front_end.copies.clone(),
            test_time: !front_end.copies.is_empty(),
            ..AugmentationSection::default()
        };
        if !recipe.adaptation.answers_alone() {
            recipe.adaptation = AdaptationSection::default();
        }
        if recipe.adaptation.mode == AdaptationMode::Enrolled && !self.model.classifier.enrols() {
            return Err(Error::CannotEnrol);
        }
        recipe.scaling = self.model.classifier.scaling();
        recipe.watch = false;
        recipe.select = None;
        recipe.audio.sample_rate = Some(front_end.sample_rate);
        recipe.model = self.model.classifier.params().clone();
        let manifest = open_corpus(&recipe, corpora)?;
        let mut experiment = Experiment::from_manifest(recipe, manifest, progress)?;
        self.use_own_classes(&mut experiment)?;

        let items: Vec<usize> = (0..experiment.items.len()).collect();
        let known: BTreeSet<&str> = self.model.card.data.fingerprints.iter().map(String::as_str).collect();
        let heard: Vec<usize> = items
            .iter()
            .copied()
            .filter(|&item| known.contains(fingerprint(&experiment.table.content[item]).as_str()))
            .collect();
        let folds = vec![Fold { name: "all".to_owned(), train: heard, test: items }];
        let predictions = experiment.judge(&self.model.classifier, &folds[0], 0)?;
        let mut evaluation = Evaluation::of_ready_model(
            &self.model.card.name,
            &experiment.items,
            &experiment.classes,
            &folds[0],
            &predictions,
            experiment.recipe.seed,
        )?;
        experiment.add_terms(&mut evaluation);
        let ready_model = Some(self.model.card.name.clone());
        Ok((
            experiment,
            Evaluated { evaluation, folds, predictions, history: Vec::new(), calibration: None, ready_model },
        ))
    }

    /// Renumbers the corpus's labels by the model's classes.
    fn use_own_classes(&self, experiment: &mut Experiment) -> Result<(), Error> {
        let known = self.model.classifier.classes();
        let number = |class: &String| {
            known
                .iter()
                .position(|own| own == class)
                .ok_or_else(|| Error::UnknownEmotion { known: known.join(","), missing: class.clone() })
        };
        let numbers = experiment.classes.iter().map(number).collect::<Result<Vec<usize>, Error>>()?;
        for item in &mut experiment.items {
            item.class = numbers[item.class];
        }
        experiment.classes = known.to_vec();
        Ok(())
    }
}
