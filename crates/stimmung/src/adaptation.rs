//! What a model is told of the speaker whom it judges: the section `[adaptation]`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stimmung_evaluation::Item;
use stimmung_features::{FeatureSet, Shape};
use stimmung_models::{Matrix, rank_scores};

use crate::{Error, FeatureTable};

/// The section `[adaptation]`. Figures of different modes answer different questions and belong in no common table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdaptationSection {
    /// What is known of the speaker. Default nothing.
    pub mode: AdaptationMode,
}

/// What is known of the speaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdaptationMode {
    /// Nothing: each recording is judged by itself, as it is when a stranger speaks.
    #[default]
    None,
    /// All recordings of the speaker that are to be judged, without their labels: every value is replaced by the normal score of its
    /// rank among those of the same speaker ([`rank_scores`]), in training as in testing. Nothing is learned from one side of a split
    /// for the other. It judges a collection, not a recording, so no model is made of it; and it takes for granted that the speaker's
    /// recordings are as varied as those of the training speakers.
    Transductive,
}

impl AdaptationSection {
    /// Whether nothing is known.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn check(self, features: &FeatureSet) -> Result<(), String> {
        let is_picture = || matches!(features.shape(16_000), Ok(Shape::Picture { .. }));
        if self.mode != AdaptationMode::None && is_picture() {
            return Err(format!(
                "[adaptation] mode = {:?}: `{}` describes a recording by a picture; choose a set of single values, such as compare-2016",
                self.mode.name(),
                features.name()
            ));
        }
        Ok(())
    }

    /// What stands behind the protocol wherever figures are shown.
    pub(crate) fn describe(self) -> Option<&'static str> {
        match self.mode {
            AdaptationMode::None => None,
            AdaptationMode::Transductive => {
                Some("transductive adaptation: values are ranked among each speaker's own recordings, without labels")
            }
        }
    }

    /// Whether a model of it can answer for a recording.
    pub fn answers_alone(self) -> bool {
        self.mode != AdaptationMode::Transductive
    }

    /// The features as a model sees them, where they differ from those that were heard.
    pub(crate) fn apply(self, table: &FeatureTable) -> Result<Option<Matrix>, Error> {
        match self.mode {
            AdaptationMode::None => Ok(None),
            AdaptationMode::Transductive => Ok(Some(rank_scores(&table.features, &voices(table)?)?)),
        }
    }
}

impl AdaptationMode {
    /// As in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Transductive => "transductive",
        }
    }
}

/// A number for each row of the table: rows share it that are of the same speaker and were changed in the same way. A faster copy is
/// ranked among faster copies.
fn voices(table: &FeatureTable) -> Result<Vec<usize>, Error> {
    let mut numbers = BTreeMap::new();
    let mut voices = vec![0; table.features.rows()];
    for (index, recording) in table.recordings.iter().enumerate() {
        let item = Item { speaker: recording.speaker.clone(), ..Item::default() };
        let Some(speaker) = item.known_speaker() else {
            return Err(Error::SpeakerUnknown { file: recording.file.display().to_string() });
        };
        for version in 0..table.versions() {
            let next = numbers.len();
            let number = *numbers.entry((speaker.to_owned(), version)).or_insert(next);
            voices[table.rows(index, version)].fill(number);
        }
    }
    Ok(voices)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::testing::{corpus, experiment, recipe, try_recipe};
    use crate::{Experiment, FixedModel, Quiet};

    const TRANSDUCTIVE: &str = "adaptation.mode=transductive";

    #[test]
    fn a_speakers_ranks_do_not_depend_on_how_the_voice_was_recorded() {
        let folder = corpus(3, &[0.3, 0.4]);
        let adapted = experiment(folder.path(), &[TRANSDUCTIVE]);
        let scores = adapted.recipe.adaptation.apply(&adapted.table).unwrap().unwrap();
        // The recordings of a speaker lie one after the other; in every column, six different values have the same six scores.
        for speaker in 0..3 {
            for column in 0..scores.columns() {
                let mut ranks: Vec<f32> = (6 * speaker..6 * speaker + 6).map(|row| scores.row(row)[column]).collect();
                ranks.sort_by(f32::total_cmp);
                assert!((ranks[0] + 1.382_994).abs() < 1e-5 && ranks[5] == -ranks[0], "{ranks:?}");
            }
        }
    }

    #[test]
    fn what_is_judged_are_the_ranks_and_the_protocol_says_so() {
        let folder = corpus(3, &[0.3, 0.4]);
        let (plain, adapted) = (experiment(folder.path(), &[]), experiment(folder.path(), &[TRANSDUCTIVE]));
        assert_eq!(plain.table.features, adapted.table.features);
        let [plain, adapted] = [plain, adapted].map(|experiment| experiment.evaluate(&Quiet).unwrap());
        assert_ne!(plain.predictions, adapted.predictions);
        assert!(adapted.evaluation.protocol.contains("transductive adaptation"), "{}", adapted.evaluation.protocol);
        assert!(!plain.evaluation.protocol.contains("adaptation"));
    }

    #[test]
    fn copies_are_ranked_among_copies_of_their_kind() {
        let folder = corpus(2, &[0.3, 0.4]);
        let copies = "augmentation.copies=[[{ effect = \"gain\", db = -20 }]]";
        let experiment = experiment(folder.path(), &[TRANSDUCTIVE, copies]);
        let voices = voices(&experiment.table).unwrap();
        // Recording by recording, each with its copy.
        assert_eq!(voices[..12], [0, 1].repeat(6));
        assert_eq!(voices[12..], [2, 3].repeat(6));
    }

    #[test]
    fn no_model_is_made_of_it_and_nothing_else_can_be_done_with_strangers() {
        let folder = corpus(2, &[0.3]);
        let experiment = experiment(folder.path(), &[TRANSDUCTIVE]);
        let message = experiment.train(None, &Quiet).unwrap_err().to_string();
        assert!(message.contains("[adaptation]") && message.contains("together"), "{message}");
        assert!(experiment.under(recipe(folder.path(), &[])).is_none());

        let table = fs::read_to_string(folder.path().join("manifest.csv")).unwrap();
        fs::write(folder.path().join("manifest.csv"), table.replacen(",S2,", ",,", 1)).unwrap();
        let unknown = Experiment::prepare(recipe(folder.path(), &[TRANSDUCTIVE]), &[], &Quiet).unwrap_err();
        assert!(unknown.to_string().starts_with("S2-anger-1.wav: its speaker is unknown"), "{unknown}");
    }

    #[test]
    fn modes_that_are_none_and_pictures_are_refused() {
        let folder = corpus(2, &[0.3]);
        let refused = |change: &[&str]| try_recipe(folder.path(), change).unwrap_err().to_string();
        assert!(refused(&["adaptation.mode=transducive"]).contains("did you mean `transductive`"));
        assert!(refused(&["adaptation.mod=none"]).contains("did you mean `mode`"));
        assert!(refused(&[TRANSDUCTIVE, "features={ set = \"mel\" }"]).contains("picture"));
    }

    #[test]
    fn a_ready_model_is_judged_without_it() {
        let folder = corpus(2, &[0.3]);
        let model = experiment(folder.path(), &[]).train(None, &Quiet).unwrap();
        let path = folder.path().join("m.stimmung");
        model.save(&path).unwrap();
        let adapted = recipe(folder.path(), &[TRANSDUCTIVE]);
        let (judged, _) = FixedModel::load(&path).unwrap().evaluate(adapted, &[], &Quiet).unwrap();
        assert!(judged.recipe.adaptation.is_default());
    }
}
