//! Calibrating a model by its answers for voices that it had not heard.

use serde::{Deserialize, Serialize};
use stimmung_evaluation::{CalibrationScores, Evaluation, Fold, Item, Prediction, Warning};
use stimmung_models::Temperature;

/// What calibration does to the answers of an evaluation that kept voices apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The temperature, fitted to the answers of all folds: the model that is trained on everything gets it.
    pub temperature: Temperature,
    /// The answers as the models gave them.
    pub uncalibrated: CalibrationScores,
    /// The same answers, those of each fold under a temperature that was fitted to the other folds.
    pub calibrated: CalibrationScores,
}

impl Calibration {
    /// `None` where some voices, or recordings, may have been heard in training, since models are surer of those than of new ones, and
    /// where a single fold leaves nothing to judge the temperature by.
    pub(crate) fn of(
        evaluation: &Evaluation,
        items: &[Item],
        folds: &[Fold],
        predictions: &[Prediction],
    ) -> Option<Self> {
        let unknown = |warning: &Warning| matches!(warning, Warning::UnknownSpeakers { .. });
        if folds.len() < 2 || !evaluation.leaks.is_empty() || evaluation.warnings.iter().any(unknown) {
            return None;
        }
        let answer = |prediction: &Prediction| (prediction.probabilities.clone(), items[prediction.item].class);
        let answers: Vec<(Vec<f32>, usize)> = predictions.iter().map(answer).collect();
        let temperature_without = |fold: Option<usize>| {
            let others = predictions.iter().zip(&answers).filter(|(it, _)| Some(it.fold) != fold);
            Temperature::fit(&others.map(|(_, (p, truth))| (&p[..], *truth)).collect::<Vec<_>>()).ok()
        };
        let mut calibrated = answers.clone();
        for fold in 0..folds.len() {
            let temperature = temperature_without(Some(fold))?;
            for (prediction, (probabilities, _)) in predictions.iter().zip(&mut calibrated) {
                if prediction.fold == fold {
                    temperature.apply(probabilities);
                }
            }
        }
        Some(Self {
            temperature: temperature_without(None)?,
            uncalibrated: scores(&answers)?,
            calibrated: scores(&calibrated)?,
        })
    }

    /// One line for a report.
    pub(crate) fn line(&self) -> String {
        let Self { temperature, uncalibrated, calibrated } = self;
        format!(
            "calibration: temperature {:.2}; expected calibration error {:.3}, {:.3} before; log loss {:.3}, {:.3} before",
            temperature.value(),
            calibrated.ece,
            uncalibrated.ece,
            calibrated.log_loss,
            uncalibrated.log_loss
        )
    }
}

fn scores(answers: &[(Vec<f32>, usize)]) -> Option<CalibrationScores> {
    CalibrationScores::new(&answers.iter().map(|(p, truth)| (&p[..], *truth)).collect::<Vec<_>>()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Quiet;
    use crate::testing::{corpus, experiment};

    #[test]
    fn each_fold_is_calibrated_by_the_others_and_the_model_by_all() {
        let folder = corpus(6, &[0.3, 0.4, 0.5]);
        // So little shrinkage that it is far too sure of new voices.
        let experiment = experiment(folder.path(), &["model.c=1000000"]);
        let evaluated = experiment.evaluate(&Quiet).unwrap();
        let calibration = evaluated.calibration.as_ref().unwrap();
        assert!(calibration.temperature.value() > 1.2, "{calibration:?}");
        assert_eq!(calibration.temperature.fitted_to(), 54);
        let (before, after) = (&calibration.uncalibrated, &calibration.calibrated);
        assert!(after.log_loss < before.log_loss && after.brier < before.brier, "{calibration:?}");

        let model = experiment.train(Some(&evaluated), &Quiet).unwrap();
        assert_eq!(model.classifier.calibration(), Some(calibration.temperature));
        assert!(model.card.notes.contains("calibrated"), "{}", model.card.notes);
        assert!(model.card.scores.iter().any(|score| score.metric.contains("calibration")), "{:?}", model.card.scores);
        assert_eq!(experiment.train(None, &Quiet).unwrap().classifier.calibration(), None);

        // Each fold under the temperature of the others, fitted here once more; under the common one the figures are others.
        let scored = |fitted_to: &dyn Fn(&Prediction, &Prediction) -> bool| {
            let class = |prediction: &Prediction| experiment.items[prediction.item].class;
            let answer = |judged: &Prediction| {
                let others = evaluated.predictions.iter().filter(|other| fitted_to(judged, other));
                let others: Vec<_> = others.map(|other| (&other.probabilities[..], class(other))).collect();
                let mut probabilities = judged.probabilities.clone();
                Temperature::fit(&others).unwrap().apply(&mut probabilities);
                (probabilities, class(judged))
            };
            scores(&evaluated.predictions.iter().map(answer).collect::<Vec<_>>()).unwrap()
        };
        assert_eq!(*after, scored(&|judged, other| judged.fold != other.fold));
        assert_ne!(*after, scored(&|_, _| true));
    }

    #[test]
    fn answers_for_known_voices_calibrate_nothing() {
        let folder = corpus(3, &[0.3, 0.4, 0.5]);
        for protocol in ["protocol={ kind = \"random\" }", "protocol={ kind = \"random\", folds = 3 }"] {
            let experiment = experiment(folder.path(), &[protocol]);
            let evaluated = experiment.evaluate(&Quiet).unwrap();
            assert_eq!(evaluated.calibration, None, "{protocol}");
            assert_eq!(experiment.train(Some(&evaluated), &Quiet).unwrap().classifier.calibration(), None);
        }
    }
}
