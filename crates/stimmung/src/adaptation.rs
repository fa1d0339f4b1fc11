//! What a model is told of the speaker whom it judges: the section `[adaptation]`.

use std::collections::BTreeMap;

use rand_chacha::rand_core::Rng;
use serde::{Deserialize, Serialize};
use stimmung_corpus::Recording;
use stimmung_evaluation::Item;
use stimmung_features::{FeatureSet, Shape};
use stimmung_models::{Matrix, rank_scores};

use crate::table::seeded;
use crate::{Error, FeatureTable};

/// The section `[adaptation]`. Figures of different modes answer different questions and belong in no common table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdaptationSection {
    /// What is known of the speaker. Default nothing.
    pub mode: AdaptationMode,
    /// With mode `enrolled`, how many neutral recordings of a speaker are known at most, from 1 to 100. Default 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recordings: Option<usize>,
}

/// The emotion in which speakers introduce themselves.
pub(crate) const NEUTRAL: &str = "neutral";
/// Neutral recordings of a speaker, unless a recipe says otherwise.
const RECORDINGS: usize = 5;

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
    /// A few neutral recordings of the speaker, by which what is the voice's own is taken out
    /// ([`Classifier::enrol`](stimmung_models::Classifier::enrol)), in training as in testing. For each recording, others of its speaker are drawn.
    Enrolled,
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
        match self.recordings {
            Some(_) if self.mode != AdaptationMode::Enrolled => {
                Err("[adaptation] recordings: only mode = \"enrolled\" has them".into())
            }
            Some(recordings) if !(1..=100).contains(&recordings) => {
                Err(format!("[adaptation] recordings = {recordings}: from 1 to 100"))
            }
            _ => Ok(()),
        }
    }

    /// Neutral recordings of a speaker that are known at most.
    pub(crate) fn recordings(self) -> usize {
        self.recordings.unwrap_or(RECORDINGS)
    }

    /// What stands behind the protocol wherever figures are shown.
    pub(crate) fn describe(self) -> Option<String> {
        match self.mode {
            AdaptationMode::None => None,
            AdaptationMode::Transductive => Some(
                "transductive adaptation: values are ranked among each speaker's own recordings, without labels".into(),
            ),
            AdaptationMode::Enrolled => Some(format!(
                "enrolled adaptation: up to {} neutral recordings of each speaker are known, never the one that is judged",
                self.recordings()
            )),
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
            AdaptationMode::Enrolled => {
                voices(table)?;
                let neutral = |recording: &Recording| recording.emotion.as_deref() == Some(NEUTRAL);
                if table.recordings.iter().any(neutral) { Ok(None) } else { Err(Error::NothingNeutral) }
            }
        }
    }

    /// Which recordings a speaker introduces themself with before `item` is judged, of those in `neutral`: drawn by the seed and the
    /// recording's name alone, and neither it nor a copy of it.
    pub(crate) fn introduction(self, items: &[Item], item: usize, neutral: &[usize], seed: u64) -> Vec<usize> {
        let judged = &items[item];
        let is_other = |it: &Item| it.id != judged.id && (it.source.is_none() || it.source != judged.source);
        let mut others: Vec<usize> = neutral.iter().copied().filter(|&at| is_other(&items[at])).collect();
        let mut rng = seeded(seed, b"introduction", &judged.id);
        let known = others.len().min(self.recordings());
        for place in 0..known {
            // The draw is even but for a 2⁻⁵⁰th.
            let from = place + (rng.next_u64() % (others.len() - place) as u64) as usize;
            others.swap(place, from);
        }
        others.truncate(known);
        others
    }
}

impl AdaptationMode {
    /// As in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Transductive => "transductive",
            Self::Enrolled => "enrolled",
        }
    }
}

/// A number for each row of the table, whose speakers must all be known: rows share it that are of the same speaker and were changed in the same way. A faster copy is
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

    use stimmung_audio::decode_path;

    use stimmung_evaluation::Fold;
    use stimmung_models::Scaling;

    use super::*;
    use crate::testing::{corpus, experiment, recipe, try_recipe};
    use crate::{Experiment, FixedModel, Quiet, Recognizer};

    const TRANSDUCTIVE: &str = "adaptation.mode=transductive";

    /// Speakers with three neutral recordings each, among others.
    fn neutral_corpus(speakers: u64) -> tempfile::TempDir {
        let folder = corpus(speakers, &[0.3, 0.4, 0.5]);
        let table = folder.path().join("manifest.csv");
        fs::write(&table, fs::read_to_string(&table).unwrap().replace(",sadness", ",neutral")).unwrap();
        folder
    }

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
    fn who_introduces_themself_is_drawn_from_the_others() {
        let items: Vec<Item> = (0..8).map(|n| Item::new(format!("{n}.wav"), 0).with_speaker("a")).collect();
        let section = AdaptationSection { mode: AdaptationMode::Enrolled, recordings: Some(3) };
        let mut seen = std::collections::BTreeSet::new();
        for item in 0..8 {
            let known = section.introduction(&items, item, &[0, 1, 2, 3, 4, 5], 1);
            assert!(known.len() == 3 && !known.contains(&item), "{item}: {known:?}");
            assert_eq!(known, section.introduction(&items, item, &[0, 1, 2, 3, 4, 5], 1));
            seen.extend(known);
        }
        assert_eq!(seen.len(), 6, "all of them have their turn");
        assert_eq!(section.introduction(&items, 0, &[0, 4], 1), [4], "as many as there are");
        assert!(section.introduction(&items, 0, &[0], 1).is_empty());
        let sources = |id: &str| Item { source: Some("0.wav".into()), ..Item::new(id, 0) };
        assert!(section.introduction(&[sources("0.wav"), sources("0.wav (copy 1)")], 0, &[0, 1], 1).is_empty());
    }

    #[test]
    fn an_enrolled_speaker_is_judged_by_a_model_that_knows_no_voice() {
        let folder = neutral_corpus(4);
        let path = folder.path();
        let enrolled = ["adaptation.mode=enrolled", "adaptation.recordings=2"];
        let (plain, adapted) = (experiment(path, &[]), experiment(path, &enrolled));
        let [before, after] = [&plain, &adapted].map(|experiment| experiment.evaluate(&Quiet).unwrap());
        assert_ne!(before.predictions, after.predictions);
        assert!(after.evaluation.protocol.contains("up to 2 neutral recordings"), "{}", after.evaluation.protocol);

        // By hand, for one recording.
        let item = after.predictions[5].item;
        let classifier = adapted.fit(&after.folds[after.predictions[5].fold].train, &Quiet).unwrap();
        let speaker = plain.items[item].speaker.clone();
        let neutral: Vec<usize> = (0..plain.items.len())
            .filter(|&at| plain.items[at].speaker == speaker && plain.classes[plain.items[at].class] == NEUTRAL)
            .collect();
        let known = adapted.recipe.adaptation.introduction(&plain.items, item, &neutral, plain.recipe.seed);
        let voice = classifier.enrol(&plain.table.features, &known).unwrap().unwrap();
        let answer = classifier.probabilities_of_voice(&plain.table.features, &[item], &voice).unwrap();
        assert_eq!(after.predictions[5].probabilities, answer.row(0));

        // And by the model's file.
        let model = adapted.train(None, &Quiet).unwrap();
        let recognizer = Recognizer::new(stimmung_models::ModelFile::from_bytes(&model.to_bytes().unwrap()).unwrap());
        let heard = |index: usize| decode_path(path.join(&adapted.table.recordings[index].file)).unwrap();
        let before = recognizer.recognize(&heard(item)).unwrap();
        let recognizer = recognizer.enrolled(&known.iter().map(|&index| heard(index)).collect::<Vec<_>>()).unwrap();
        assert_ne!(before.probabilities, recognizer.recognize(&heard(item)).unwrap().probabilities);
        let silence = stimmung_audio::Waveform::new(vec![0.0; 16_000], 16_000).unwrap();
        assert!(matches!(recognizer.enrolled(&[silence]), Err(Error::Recording(_))));
    }

    #[test]
    fn nobody_outside_the_fold_introduces_a_speaker() {
        let folder = neutral_corpus(3);
        let enrolled = experiment(folder.path(), &["adaptation.mode=enrolled"]);
        let speaker = |item: usize| enrolled.items[item].speaker.as_deref();
        let (others, own): (Vec<usize>, Vec<usize>) =
            (0..enrolled.items.len()).partition(|&item| speaker(item) != Some("S1"));
        let classifier = enrolled.fit(&others, &Quiet).unwrap();
        let judged = |test: &[usize]| {
            let fold = Fold { name: "S1".into(), train: others.clone(), test: test.to_vec() };
            enrolled.judge(&classifier, &fold, 0).unwrap().swap_remove(0).probabilities
        };
        let stranger = classifier.probabilities_of(&enrolled.table.features, &own[..1]).unwrap();
        assert_eq!(judged(&own[..1]), stranger.row(0), "the neutral recordings of the speaker are elsewhere");
        assert_ne!(judged(&own), stranger.row(0));
    }

    #[test]
    fn a_ready_model_is_judged_with_introductions_where_it_can_be() {
        let folder = neutral_corpus(3);
        let path = folder.path().join("m.stimmung");
        let model = experiment(folder.path(), &["scaling=quantile"]).train(None, &Quiet).unwrap();
        model.save(&path).unwrap();
        let enrolled = || recipe(folder.path(), &["adaptation.mode=enrolled"]);
        let (judged, evaluated) = FixedModel::load(&path).unwrap().evaluate(enrolled(), &[], &Quiet).unwrap();
        assert!(evaluated.evaluation.protocol.contains("enrolled adaptation"), "{}", evaluated.evaluation.protocol);
        assert_eq!((judged.recipe.scaling, evaluated.ready_model.as_deref()), (Scaling::Quantile, Some("tones")));

        let plain = corpus(3, &[0.3]);
        experiment(plain.path(), &[]).train(None, &Quiet).unwrap().save(&path).unwrap();
        let refused = FixedModel::load(&path).unwrap().evaluate(enrolled(), &[], &Quiet);
        assert!(matches!(refused, Err(Error::CannotEnrol)));
    }

    #[test]
    fn nobody_enrols_where_nothing_is_neutral() {
        let folder = corpus(2, &[0.3]);
        let message =
            Experiment::prepare(recipe(folder.path(), &["adaptation.mode=enrolled"]), &[], &Quiet).unwrap_err();
        assert!(message.to_string().contains("`neutral`"), "{message}");
        let model = experiment(folder.path(), &[]).train(None, &Quiet).unwrap();
        assert!(matches!(Recognizer::new(model).enrolled(&[]), Err(Error::CannotEnrol)));
    }

    #[test]
    fn modes_that_are_none_and_pictures_are_refused() {
        let folder = corpus(2, &[0.3]);
        let refused = |change: &[&str]| try_recipe(folder.path(), change).unwrap_err().to_string();
        assert!(refused(&["adaptation.mode=transducive"]).contains("did you mean `transductive`"));
        assert!(refused(&["adaptation.mod=none"]).contains("did you mean `mode`"));
        assert!(refused(&[TRANSDUCTIVE, "features={ set = \"mel\" }"]).contains("picture"));
        assert!(refused(&[TRANSDUCTIVE, "adaptation.recordings=3"]).contains("enrolled"));
        for number in [0, 101] {
            let number = format!("adaptation.recordings={number}");
            assert!(refused(&["adaptation.mode=enrolled", &number]).contains("from 1 to 100"));
        }
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
