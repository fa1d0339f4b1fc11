//! A fitted model together with its scaler and class names.

use rayon::prelude::*;
use stimmung_features::Shape;

use crate::boosting::Boosting;
use crate::enrolment::Enrolment;
use crate::forest::Forest;
use crate::linear::Linear;
use crate::network::NetworkModel;
use crate::novelty::Novelty;
use crate::one_vs_rest::OneVsRest;
use crate::scaler::{Scaler, Scaling};
use crate::summary;
use crate::svm::Svm;
use crate::{Matrix, ModelError, ModelParams, ModelSummary, PartSummary, Temperature, Voice};

/// Below so many rows, waking other threads costs more than it saves.
const PARALLEL_ROWS: usize = 64;

/// A fitted classifier: features in, class probabilities out. Made by [`fit`](crate::fit()) or read from a
/// [`ModelFile`](crate::ModelFile).
#[derive(Clone, Debug)]
pub struct Classifier {
    pub(crate) params: ModelParams,
    pub(crate) shape: Shape,
    pub(crate) classes: Vec<String>,
    /// Indices of the classes that had recordings, in order: what the outputs of the model stand for.
    pub(crate) present: Vec<usize>,
    pub(crate) scaler: Scaler,
    pub(crate) fitted: Fitted,
    /// How fitting went.
    pub(crate) note: String,
    pub(crate) calibration: Option<Temperature>,
    pub(crate) novelty: Option<Novelty>,
    pub(crate) enrolment: Option<Enrolment>,
}

/// The fitted part, on standardised features and classes without gaps.
#[derive(Clone, Debug)]
pub(crate) enum Fitted {
    Linear(Linear),
    Svm(Svm),
    Forest(Forest),
    Boosting(Boosting),
    Network(NetworkModel),
    OneVsRest(OneVsRest),
}

impl Fitted {
    /// Class probabilities of standardised rows of this many columns, up to a factor for each row.
    pub(crate) fn probabilities(&self, z: &[f32], columns: usize) -> Result<Vec<Vec<f64>>, ModelError> {
        let each_row = |f: &(dyn Fn(&[f32]) -> Vec<f64> + Sync)| {
            if z.len() < PARALLEL_ROWS * columns {
                z.chunks_exact(columns).map(f).collect()
            } else {
                z.par_chunks_exact(columns).map(f).collect()
            }
        };
        Ok(match self {
            Self::Linear(model) => each_row(&|row| model.probabilities(row)),
            Self::Svm(model) => each_row(&|row| model.probabilities(row)),
            Self::Forest(model) => each_row(&|row| model.probabilities(row)),
            Self::Boosting(model) => each_row(&|row| model.probabilities(row)),
            Self::Network(model) => model.probabilities(z, z.len() / columns)?,
            Self::OneVsRest(model) => model.probabilities(z, columns)?,
        })
    }

    /// Fitted numbers of a model with these parameters for this many classes.
    pub(crate) fn parameter_count(&self, params: &ModelParams, classes: usize) -> usize {
        match self {
            // For two classes the second weight vector is the negative of the first.
            Self::Linear(model) if matches!(params, ModelParams::Logistic(_)) && classes == 2 => model.columns + 1,
            Self::Linear(model) => model.weights.len() + model.intercepts.len(),
            Self::Svm(model) => model.parameter_count(),
            Self::Forest(model) => model.trees.parameter_count(),
            Self::Boosting(model) => model.trees.parameter_count() + model.intercepts.len(),
            Self::Network(model) => model.parameter_count(),
            Self::OneVsRest(model) => match params {
                ModelParams::OneVsRest(params) => {
                    let members = model.members.iter().map(|member| member.parameter_count(&params.member, 2));
                    members.sum::<usize>() + model.arbiter.parameter_count(&params.arbiter, classes)
                }
                _ => 0,
            },
        }
    }
}

impl Classifier {
    /// The class names, in the order of the columns of [`Classifier::probabilities`].
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The kind of model, as in a recipe.
    pub fn kind(&self) -> &'static str {
        self.params.kind()
    }

    /// What is done to features first.
    pub fn scaling(&self) -> Scaling {
        self.scaler.scaling()
    }

    /// The parameters with which the model was fitted.
    pub fn params(&self) -> &ModelParams {
        &self.params
    }

    /// What one row of features is.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Features per recording.
    pub fn columns(&self) -> usize {
        self.scaler.columns()
    }

    /// Fitted numbers: weights and biases; for a support vector machine also its vectors and sigmoids; for trees the column
    /// and threshold of every split, and the values of the leaves. The scaler's means
    /// and scales do not count.
    pub fn parameter_count(&self) -> usize {
        self.fitted.parameter_count(&self.params, self.present.len())
    }

    /// How much each feature did for the splits of a model made of trees: shape `(features)`, each at least 0; they add up to 1, or
    /// are all 0 where no tree could split anything. `None` for other models.
    ///
    /// For a random forest that is the mean decrease in impurity (Breiman 2001; as `feature_importances_` of scikit-learn), for
    /// gradient boosting the total gain (as `total_gain` of XGBoost). Both count on the training data: a feature with many
    /// different values looks better than it is, and of features that say the same, each gets a part.
    ///
    /// # Examples
    /// ```
    /// # use std::ops::ControlFlow;
    /// use stimmung_models::{Matrix, ModelParams, Shape, TrainingSet, fit};
    /// let features = Matrix::from_rows(&[[0.0f32, 1.0], [0.1, 1.0], [1.0, 1.0], [0.9, 1.0]])?;
    /// let classes = ["calm".to_owned(), "anger".to_owned()];
    /// let data = TrainingSet::new(&features, Shape::Vector(2), &[0, 0, 1, 1], &classes);
    /// let forest = fit(&ModelParams::by_name("random-forest")?, &data, 1, &mut |_| ControlFlow::Continue(()))?;
    /// assert_eq!(forest.importances(), Some(vec![1.0, 0.0]));
    /// # Ok::<(), stimmung_models::ModelError>(())
    /// ```
    pub fn importances(&self) -> Option<Vec<f64>> {
        match &self.fitted {
            Fitted::Forest(model) => Some(model.trees.importances().to_vec()),
            Fitted::Boosting(model) => Some(model.trees.importances().to_vec()),
            Fitted::Linear(_) | Fitted::Svm(_) | Fitted::Network(_) | Fitted::OneVsRest(_) => None,
        }
    }

    /// Calibrates all answers from now on.
    #[must_use]
    pub fn with_calibration(self, temperature: Temperature) -> Self {
        Self { calibration: Some(temperature), ..self }
    }

    /// How answers are calibrated, if they are.
    pub fn calibration(&self) -> Option<Temperature> {
        self.calibration
    }

    /// Learns what the training rows are like, so that [`novelty`](Self::novelty) can tell what is unlike them: `rows` of
    /// `features`, and the speaker of each, where they are known. Fewer than 20 rows, or rows all alike, teach nothing.
    ///
    /// # Errors
    /// As [`probabilities_of`](Self::probabilities_of), and [`ModelError::GroupCount`] unless every row has a speaker.
    pub fn with_novelty(
        self,
        features: &Matrix,
        rows: &[usize],
        speakers: Option<&[usize]>,
    ) -> Result<Self, ModelError> {
        self.check_features(features, rows)?;
        if let Some(speakers) = speakers
            && speakers.len() != rows.len()
        {
            return Err(ModelError::GroupCount { rows: rows.len(), groups: speakers.len() });
        }
        let scaled = Matrix::new(rows.len(), self.columns(), self.scaler.transform(features, rows))?;
        let novelty = Novelty::fit(&scaled, self.shape, speakers);
        Ok(Self { novelty, ..self })
    }

    /// How unlike the training rows a row of features is: the squared Mahalanobis distance from them, over the one that 99 in 100 of their own
    /// rows stay within when the speaker's own are left out of the estimate. Up to 1 is usual for new voices in recordings like theirs; a row 4 lies twice as
    /// far out. `None` where the model was not [taught](Self::with_novelty) it.
    ///
    /// Rows are scaled as the model sees them, and the covariance is shrunken (Ledoit & Wolf 2004); of rows of more than 512 values 256 stand for all,
    /// and pictures are taken by the mean and the spread of their bands.
    ///
    /// # Errors
    /// As [`probabilities`](Self::probabilities).
    pub fn novelty(&self, features: &Matrix) -> Result<Option<Vec<f64>>, ModelError> {
        let rows: Vec<usize> = (0..features.rows()).collect();
        self.check_features(features, &rows)?;
        let Some(novelty) = &self.novelty else { return Ok(None) };
        let scaled = self.scaler.transform(features, &rows);
        Ok(Some(scaled.chunks_exact(self.columns()).map(|row| novelty.of(row, self.shape)).collect()))
    }

    /// Learns how voices differ, so that a speaker can [enrol](Self::enrol), from rows with the class and the speaker of each; recordings of the class
    /// `neutral` are of voices at rest. Fewer than two speakers who have other emotions as well, or a single neutral row of each, teach nothing, and
    /// neither do pictures.
    ///
    /// # Errors
    /// As [`probabilities_of`](Self::probabilities_of); [`ModelError::GroupCount`] and [`ModelError::LabelCount`] unless every row has a speaker and a class.
    pub fn with_enrolment(
        self,
        features: &Matrix,
        rows: &[usize],
        labels: &[usize],
        speakers: &[usize],
        neutral: usize,
    ) -> Result<Self, ModelError> {
        if speakers.len() != rows.len() {
            return Err(ModelError::GroupCount { rows: rows.len(), groups: speakers.len() });
        }
        if labels.len() != rows.len() {
            return Err(ModelError::LabelCount { rows: rows.len(), labels: labels.len() });
        }
        let enrolment = match self.shape {
            Shape::Vector(_) => Enrolment::fit(&self.scaled(features, rows)?, labels, speakers, neutral),
            Shape::Picture { .. } => None,
        };
        Ok(Self { enrolment, ..self })
    }

    /// Hears a voice in `rows` of `features`, neutral recordings of one speaker, so that [`probabilities_of_voice`](Self::probabilities_of_voice) can leave
    /// out what is the speaker's own. The more recordings, the more is believed of it; each column is believed as far as training speakers kept in other
    /// emotions what set them apart when neutral. `None` where the model was not [taught](Self::with_enrolment) it, or for no rows.
    ///
    /// # Errors
    /// As [`probabilities_of`](Self::probabilities_of).
    ///
    /// # Examples
    /// ```
    /// # use std::ops::ControlFlow;
    /// use stimmung_models::{Matrix, ModelParams, Shape, TrainingSet, fit};
    /// // Two speakers, of whom one is louder by 10 throughout; anger is louder than neutral by 2.
    /// let features = Matrix::new(8, 1, vec![0.0, 0.1, 2.0, 2.1, 10.0, 10.1, 12.0, 12.1])?;
    /// let classes = ["neutral".to_owned(), "anger".to_owned()];
    /// let data = TrainingSet::new(&features, Shape::Vector(1), &[0, 0, 1, 1, 0, 0, 1, 1], &classes);
    /// let model = fit(&ModelParams::by_name("lda")?, &data, 1, &mut |_| ControlFlow::Continue(()))?;
    /// let model = model.with_enrolment(&features, &[0, 1, 2, 3, 4, 5, 6, 7], &[0, 0, 1, 1, 0, 0, 1, 1], &[0, 0, 0, 0, 1, 1, 1, 1], 0)?;
    /// // A third is louder still, and angry in the second recording.
    /// let third = Matrix::new(2, 1, vec![20.0, 22.0])?;
    /// let voice = model.enrol(&third, &[0])?.expect("it was taught");
    /// let answer = model.probabilities_of_voice(&third, &[1], &voice)?;
    /// assert!(answer.row(0)[1] > 0.5 && model.probabilities_of(&third, &[1])?.row(0)[1] > answer.row(0)[1]);
    /// # Ok::<(), stimmung_models::ModelError>(())
    /// ```
    pub fn enrol(&self, features: &Matrix, rows: &[usize]) -> Result<Option<Voice>, ModelError> {
        let scaled = self.scaled(features, rows)?;
        Ok(self.enrolment.as_ref().filter(|_| !rows.is_empty()).map(|enrolment| enrolment.voice(&scaled)))
    }

    /// Whether speakers can [enrol](Self::enrol).
    pub fn enrols(&self) -> bool {
        self.enrolment.is_some()
    }

    fn scaled(&self, features: &Matrix, rows: &[usize]) -> Result<Matrix, ModelError> {
        self.check_features(features, rows)?;
        Matrix::new(rows.len(), self.columns(), self.scaler.transform(features, rows))
    }

    /// What `model info` shows.
    pub fn summary(&self) -> ModelSummary {
        let parts = PartSummary::of(&self.fitted, &self.params, self.present.len());
        let unseen = (0..self.classes.len()).filter(|class| self.present.binary_search(class).is_err());
        ModelSummary {
            kind: self.kind(),
            classes: self.classes.clone(),
            unseen_classes: unseen.map(|class| self.classes[class].clone()).collect(),
            features: self.columns(),
            parameters: self.parameter_count(),
            settings: self.params.clone(),
            fitting: self.note.clone(),
            calibration: self.calibration,
            tells_novelty: self.novelty.is_some(),
            enrols: self.enrolment.is_some(),
            layers: summary::lines(&parts),
            parts,
        }
    }

    /// Class probabilities: a row for each row of `features`, a column for each class; rows add up to 1.
    ///
    /// # Errors
    /// [`ModelError::Columns`] if the features are not those of the training, [`ModelError::NotFinite`] with row and column
    /// for NaN or infinite features.
    pub fn probabilities(&self, features: &Matrix) -> Result<Matrix, ModelError> {
        self.probabilities_of(features, &(0..features.rows()).collect::<Vec<_>>())
    }

    /// As [`probabilities`](Self::probabilities), for these rows of `features` only: a row for each of them, in their order. The
    /// others are not looked at.
    ///
    /// # Errors
    /// As [`probabilities`](Self::probabilities), and [`ModelError::RowOutOfRange`] for a row behind the end.
    ///
    /// # Examples
    /// ```
    /// # use std::ops::ControlFlow;
    /// use stimmung_models::{Matrix, ModelParams, Shape, TrainingSet, fit};
    /// let features = Matrix::from_rows(&[[0.0f32], [0.2], [1.0], [0.9]])?;
    /// let classes = ["calm".to_owned(), "anger".to_owned()];
    /// let data = TrainingSet::new(&features, Shape::Vector(1), &[0, 0, 1, 1], &classes);
    /// let model = fit(&ModelParams::by_name("lda")?, &data, 1, &mut |_| ControlFlow::Continue(()))?;
    /// let all = model.probabilities(&features)?;
    /// assert_eq!(model.probabilities_of(&features, &[2])?.row(0), all.row(2));
    /// # Ok::<(), stimmung_models::ModelError>(())
    /// ```
    pub fn probabilities_of(&self, features: &Matrix, rows: &[usize]) -> Result<Matrix, ModelError> {
        self.check_features(features, rows)?;
        self.answer(&self.scaler.transform(features, rows))
    }

    /// As [`probabilities_of`](Self::probabilities_of), for rows of a voice that this classifier has [heard](Self::enrol).
    ///
    /// # Errors
    /// As [`probabilities_of`](Self::probabilities_of), and [`ModelError::Columns`] for a voice that another classifier heard.
    pub fn probabilities_of_voice(
        &self,
        features: &Matrix,
        rows: &[usize],
        voice: &Voice,
    ) -> Result<Matrix, ModelError> {
        self.check_features(features, rows)?;
        if voice.offset.len() != self.columns() {
            return Err(ModelError::Columns { expected: self.columns(), actual: voice.offset.len() });
        }
        let mut z = self.scaler.transform(features, rows);
        voice.remove_from(&mut z);
        self.answer(&z)
    }

    /// Class probabilities of scaled rows.
    fn answer(&self, z: &[f32]) -> Result<Matrix, ModelError> {
        let rows = z.len() / self.columns();
        if rows == 0 {
            return Matrix::new(0, self.classes.len(), Vec::new());
        }
        let mut outputs = self.fitted.probabilities(z, self.columns())?;
        let mut values = vec![0.0; rows * self.classes.len()];
        for (row, output) in outputs.iter_mut().enumerate() {
            let sum: f64 = output.iter().sum();
            if !(sum.is_finite() && sum > 0.0) {
                return Err(ModelError::Diverged {
                    kind: self.kind(),
                    reason: format!("its outputs for recording {row} are not finite"),
                });
            }
            for p in &mut *output {
                *p /= sum;
            }
            if let Some(temperature) = &self.calibration {
                temperature.raise(output);
            }
            for (&class, &mut p) in self.present.iter().zip(output) {
                values[row * self.classes.len() + class] = p as f32;
            }
        }
        Matrix::new(rows, self.classes.len(), values)
    }

    fn check_features(&self, features: &Matrix, rows: &[usize]) -> Result<(), ModelError> {
        if features.columns() != self.columns() {
            return Err(ModelError::Columns { expected: self.columns(), actual: features.columns() });
        }
        features.check_rows(rows)?;
        features.check_finite(rows)
    }

    /// The likeliest class of each row, as an index into [`Classifier::classes`]; the first of equals.
    ///
    /// # Errors
    /// As [`Classifier::probabilities`].
    pub fn predict(&self, features: &Matrix) -> Result<Vec<usize>, ModelError> {
        let p = self.probabilities(features)?;
        Ok(p.iter_rows()
            .map(|row| (0..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best }))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::testing::{blob_matrix, names};
    use crate::{DenseParams, Kernel, LdaParams, LogisticParams, SvmParams, TrainingSet, fit};

    fn fitted(params: &ModelParams, classes: usize) -> Classifier {
        let (x, labels) = blob_matrix(40, 5, classes, 0.8, 1);
        let names = names(classes);
        let data = TrainingSet::new(&x, Shape::Vector(5), &labels, &names);
        fit(params, &data, 1, &mut |_| ControlFlow::Continue(())).expect("fitted")
    }

    #[test]
    fn parameters_are_counted_as_they_are_fitted() {
        let logistic = || ModelParams::Logistic(LogisticParams::default());
        assert_eq!(fitted(&logistic(), 3).parameter_count(), 3 * 6);
        assert_eq!(fitted(&logistic(), 2).parameter_count(), 6);
        assert_eq!(fitted(&ModelParams::Lda(LdaParams::default()), 2).parameter_count(), 2 * 6);
        // Three pairs, each with five weights, a bias and a sigmoid.
        let linear = SvmParams { kernel: Kernel::Linear, ..SvmParams::default() };
        assert_eq!(fitted(&ModelParams::Svm(linear), 3).parameter_count(), 3 * (5 + 1 + 2));
        let dense = DenseParams { hidden: vec![4], batch_norm: true, epochs: 1, ..DenseParams::default() };
        assert_eq!(fitted(&ModelParams::Dense(dense), 3).parameter_count(), 6 * 4 + 2 * 4 + 5 * 3);
    }

    #[test]
    fn the_first_of_equally_likely_classes_is_predicted() {
        let mut model = fitted(&ModelParams::Lda(LdaParams::default()), 3);
        model.fitted = Fitted::Linear(Linear { columns: 5, weights: vec![0.0; 15], intercepts: vec![0.0, 1.0, 1.0] });
        let x = Matrix::new(1, 5, vec![0.3; 5]).expect("matrix");
        assert_eq!(model.predict(&x).expect("labels"), [1]);
    }
}
