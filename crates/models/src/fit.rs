//! Fitting any model to features and labels.

use std::ops::ControlFlow;

use crate::classifier::Fitted;
use crate::enrolment::Enrolment;
use crate::network::Watchers;
use crate::scaler::Scaler;
use crate::training_set::Task;
use crate::{
    CheckpointStore, Classifier, Matrix, ModelError, ModelParams, TrainingSet, Watched, boosting, forest, lda,
    logistic, network, one_vs_rest, svm,
};

/// How far fitting has come; told after every step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FitProgress {
    /// Steps done, from 1: iterations, pairs of classes, classes, trees, rounds or epochs, depending on the model.
    pub step: usize,
    /// Steps at most.
    pub total: usize,
    /// The training loss after this step, if the model has one.
    pub loss: Option<f64>,
    /// The training accuracy during this step, if it is known, from 0 to 1.
    pub accuracy: Option<f64>,
    /// The loss of the training rows that early stopping holds out, if it does: the mean cross-entropy in nats.
    pub validation_loss: Option<f64>,
    /// The accuracy on the [watched](TrainingSet::watched) rows after this step, from 0 to 1. None for models without epochs.
    pub watched: Option<f64>,
}

impl FitProgress {
    /// A step of which nothing more is known.
    pub(crate) fn new(step: usize, total: usize) -> Self {
        Self { step, total, loss: None, accuracy: None, validation_loss: None, watched: None }
    }
}

/// Fits a model: learns the scaler on the rows of `data`, then the model on the standardised rows.
///
/// The same parameters, data and seed give the same bits, for any number of threads. `seed` moves the probabilities of a
/// support vector machine, what the trees of a forest and of boosting draw, and the initial weights, dropout and order of
/// recordings of a network; the other models do not use it. `progress` is called after every step and may stop the fit by breaking.
///
/// # Errors
/// [`ModelError::Parameter`] for a parameter out of range; a variant of [`ModelError`] that names row and column for data
/// that cannot be used (no rows, labels that do not fit, values that are not finite, a single class);
/// [`ModelError::Unsuitable`] where the model and the data do not go together; [`ModelError::Stopped`] if `progress` broke.
///
/// # Examples
/// ```
/// use std::ops::ControlFlow;
/// use stimmung_features::Shape;
/// use stimmung_models::{Matrix, ModelParams, TrainingSet, fit};
///
/// let features = Matrix::from_rows(&[[0.0f32, 1.0], [0.2, 0.9], [1.0, 0.1], [0.9, 0.0]])?;
/// let classes = ["calm".to_owned(), "anger".to_owned()];
/// let data = TrainingSet::new(&features, Shape::Vector(2), &[0, 0, 1, 1], &classes);
/// let model = fit(&ModelParams::by_name("logistic")?, &data, 1, &mut |_| ControlFlow::Continue(()))?;
/// let p = model.probabilities(&Matrix::from_rows(&[[0.1f32, 1.0]])?)?;
/// assert!(p.row(0)[0] > 0.8);
/// # Ok::<(), stimmung_models::ModelError>(())
/// ```
pub fn fit(
    params: &ModelParams,
    data: &TrainingSet<'_>,
    seed: u64,
    progress: &mut dyn FnMut(FitProgress) -> ControlFlow<()>,
) -> Result<Classifier, ModelError> {
    fit_with(params, data, seed, None, progress)
}

/// As [`fit()`], with a place where the training of a network, or of those of an ensemble, is kept when it is due, when `progress` stops it and when it is
/// over. A fit that finds a checkpoint there tells the epochs that are done once more, goes on from it, and comes to the bits
/// to which it would have come without a break. Kinds without epochs do not use the store.
///
/// Data, seed and parameters must be those of the checkpoint, but for the number of epochs: so a training that is over can
/// also be prolonged.
///
/// # Errors
/// As [`fit()`]; [`ModelError::Checkpoint`] for a checkpoint of another training or a damaged one;
/// [`ModelError::CheckpointStore`] where the store fails.
///
/// # Examples
/// ```
/// use std::collections::BTreeMap;
/// use std::io;
/// use std::ops::ControlFlow;
/// use stimmung_models::{CheckpointStore, Matrix, ModelParams, Shape, TrainingSet, fit, fit_resumable};
///
/// #[derive(Default)]
/// struct Memory(BTreeMap<usize, Vec<u8>>);
///
/// impl CheckpointStore for Memory {
///     fn due(&mut self, epoch: usize) -> bool {
///         epoch % 5 == 0
///     }
///     fn load(&mut self, training: usize) -> io::Result<Option<Vec<u8>>> {
///         Ok(self.0.get(&training).cloned())
///     }
///     fn save(&mut self, training: usize, bytes: &[u8]) -> io::Result<()> {
///         self.0.insert(training, bytes.to_vec());
///         Ok(())
///     }
/// }
///
/// let features = Matrix::from_rows(&[[0.0f32, 1.0], [0.2, 0.9], [1.0, 0.1], [0.9, 0.0]])?;
/// let classes = ["calm".to_owned(), "anger".to_owned()];
/// let data = TrainingSet::new(&features, Shape::Vector(2), &[0, 0, 1, 1], &classes);
/// let params = ModelParams::by_name("dense")?;
/// let mut memory = Memory::default();
/// // Interrupted after the seventh epoch.
/// fit_resumable(&params, &data, 1, &mut memory, &mut |at| {
///     if at.step == 7 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
/// }).unwrap_err();
/// let resumed = fit_resumable(&params, &data, 1, &mut memory, &mut |_| ControlFlow::Continue(()))?;
/// let whole = fit(&params, &data, 1, &mut |_| ControlFlow::Continue(()))?;
/// assert_eq!(resumed.probabilities(&features)?, whole.probabilities(&features)?);
/// # Ok::<(), stimmung_models::ModelError>(())
/// ```
pub fn fit_resumable(
    params: &ModelParams,
    data: &TrainingSet<'_>,
    seed: u64,
    store: &mut dyn CheckpointStore,
    progress: &mut dyn FnMut(FitProgress) -> ControlFlow<()>,
) -> Result<Classifier, ModelError> {
    fit_with(params, data, seed, Some(store), progress)
}

fn fit_with(
    params: &ModelParams,
    data: &TrainingSet<'_>,
    seed: u64,
    store: Option<&mut dyn CheckpointStore>,
    progress: &mut dyn FnMut(FitProgress) -> ControlFlow<()>,
) -> Result<Classifier, ModelError> {
    params.check()?;
    let rows = data.listed();
    data.check(&rows)?;
    let mut counts = vec![0usize; data.classes.len()];
    for &label in data.labels {
        counts[label] += 1;
    }
    // Models only see classes that have recordings, renumbered without gaps.
    let present: Vec<usize> = (0..counts.len()).filter(|&class| counts[class] > 0).collect();
    if let [only] = present[..] {
        return Err(ModelError::OneClass { class: data.classes[only].clone(), rows: data.labels.len() });
    }
    let mut number = vec![usize::MAX; counts.len()];
    for (compact, &class) in present.iter().enumerate() {
        number[class] = compact;
    }
    let renumbered = |labels: &[usize]| labels.iter().map(|&label| number[label]).collect::<Vec<usize>>();
    let labels = renumbered(data.labels);
    let watched_labels = renumbered(data.watched.map_or(&[], |watched| watched.labels));

    let scaler = Scaler::fit(data.scaling, data.features, &rows, data.shape);
    let task = Task {
        features: data.features,
        shape: data.shape,
        scaler: &scaler,
        rows: &rows,
        labels: &labels,
        classes: present.len(),
        groups: data.groups,
        watched: data.watched.map(|watched| Watched { labels: &watched_labels, ..watched }),
    };
    let acquainted = Acquainted::with(data, &rows, &scaler)?;
    let (fitted, note) = match &acquainted {
        None => fit_task(params, &task, seed, store, progress)?,
        Some(it) => {
            let (heard, watched) = it.places.split_at(rows.len());
            let watched = task.watched.map(|known| Watched { rows: watched, ..known });
            let task = Task { features: &it.features, scaler: &it.scaler, rows: heard, watched, ..task };
            fit_task(params, &task, seed, store, progress)?
        }
    };
    Ok(Classifier {
        params: params.clone(),
        shape: data.shape,
        classes: data.classes.to_vec(),
        present,
        scaler,
        fitted,
        note,
        calibration: None,
        novelty: None,
        enrolment: acquainted.map(|it| it.enrolment),
    })
}

/// The rows of a training set, scaled, with the voices taken out of those whose speakers introduced themselves; watched rows follow as they are.
struct Acquainted {
    enrolment: Enrolment,
    features: Matrix,
    /// The numbers of its rows.
    places: Vec<usize>,
    /// Leaves them as they are.
    scaler: Scaler,
}

impl Acquainted {
    /// `None` where nobody introduces themself, or nothing can be learned of voices.
    fn with(data: &TrainingSet<'_>, rows: &[usize], scaler: &Scaler) -> Result<Option<Self>, ModelError> {
        let Some((introductions, speakers)) = data.introductions.zip(data.groups) else { return Ok(None) };
        let columns = data.features.columns();
        let scaled = |rows: &[usize]| Matrix::new(rows.len(), columns, scaler.transform(data.features, rows));
        let heard = scaled(rows)?;
        let Some(enrolment) = Enrolment::fit(&heard, data.labels, speakers, introductions.neutral) else {
            return Ok(None);
        };
        // A recording introduces its speaker to many rows.
        let mut known: Vec<usize> = introductions.rows.concat();
        known.sort_unstable();
        known.dedup();
        let known_values = scaled(&known)?;
        let mut values = heard.values().to_vec();
        for (row, introduction) in values.chunks_exact_mut(columns).zip(introductions.rows) {
            if !introduction.is_empty() {
                let places: Vec<usize> = introduction.iter().filter_map(|row| known.binary_search(row).ok()).collect();
                enrolment.voice(&known_values.select_rows(&places)?).remove_from(row);
            }
        }
        values.extend_from_slice(scaled(data.watched.map_or(&[], |watched| watched.rows))?.values());
        let features = Matrix::new(values.len() / columns, columns, values)?;
        let places = (0..features.rows()).collect();
        Ok(Some(Self { enrolment, features, places, scaler: Scaler::identity(columns) }))
    }
}

/// Fits the model behind the scaler, and says how that went.
pub(crate) fn fit_task(
    params: &ModelParams,
    task: &Task<'_>,
    seed: u64,
    store: Option<&mut dyn CheckpointStore>,
    progress: &mut dyn FnMut(FitProgress) -> ControlFlow<()>,
) -> Result<(Fitted, String), ModelError> {
    let (labels, k) = (task.labels, task.classes);
    Ok(match params {
        ModelParams::Logistic(p) => {
            let (model, note) = logistic::fit(p, task.standardised()?.values(), task.columns(), labels, k, progress)?;
            (Fitted::Linear(model), note)
        }
        ModelParams::Lda(p) => {
            let (model, note) = lda::fit(p, &task.standardised()?, labels, task.groups, k, progress)?;
            (Fitted::Linear(model), note)
        }
        ModelParams::Svm(p) => {
            let (model, note) = svm::fit(p, &task.standardised()?, labels, k, seed, progress)?;
            (Fitted::Svm(model), note)
        }
        ModelParams::Forest(p) => {
            let (model, note) = forest::fit(p, &task.standardised()?, labels, k, seed, progress)?;
            (Fitted::Forest(model), note)
        }
        ModelParams::Boosting(p) => {
            let (model, note) = boosting::fit(p, &task.standardised()?, labels, k, seed, progress)?;
            (Fitted::Boosting(model), note)
        }
        ModelParams::Dense(p) => {
            let (model, note) = network::fit_dense(p, task, seed, Watchers { store, progress })?;
            (Fitted::Network(model), note)
        }
        ModelParams::ModelA(p) => {
            let (model, note) = network::fit_model_a(p, task, seed, Watchers { store, progress })?;
            (Fitted::Network(model), note)
        }
        ModelParams::Network(p) => {
            let (model, note) = network::fit_network(p, task, seed, Watchers { store, progress })?;
            (Fitted::Network(model), note)
        }
        ModelParams::OneVsRest(p) => {
            let (model, note) = one_vs_rest::fit(p, task, seed, Watchers { store, progress })?;
            (Fitted::OneVsRest(model), note)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaler::Affine;
    use crate::testing::{blob_matrix, few_steps, names};
    use crate::{DenseParams, Matrix, ModelAParams, Shape};

    fn quiet(params: &ModelParams, data: &TrainingSet<'_>, seed: u64) -> Result<Classifier, ModelError> {
        fit(params, data, seed, &mut |_| ControlFlow::Continue(()))
    }

    #[test]
    fn every_kind_gives_probabilities_that_add_up() {
        let (x, labels) = blob_matrix(45, 8, 3, 0.6, 4);
        let classes = names(3);
        let data = TrainingSet::new(&x, Shape::Vector(8), &labels, &classes);
        for params in few_steps() {
            let model = quiet(&params, &data, 1).expect("fitted");
            let p = model.probabilities(&x).expect("probabilities");
            assert_eq!((p.rows(), p.columns()), (45, 3));
            for row in p.iter_rows() {
                assert!(row.iter().all(|p| (0.0..=1.0).contains(p)), "{params:?}: {row:?}");
                assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{params:?}: {row:?}");
            }
            // One row alone gets the same bits as among others.
            let alone = model.probabilities(&x.select_rows(&[7]).expect("row")).expect("probabilities");
            assert_eq!(alone.row(0), p.row(7), "{params:?}");
            let none = model.probabilities(&x.select_rows(&[]).expect("no rows")).expect("probabilities");
            assert_eq!((none.rows(), none.columns()), (0, 3));
            assert_eq!(model.kind(), params.kind());
            assert!(model.parameter_count() > 0);
        }
    }

    #[test]
    fn what_is_easy_is_learned() {
        let (x, labels) = blob_matrix(120, 8, 3, 0.2, 4);
        let classes = names(3);
        let data = TrainingSet::new(&x, Shape::Vector(8), &labels, &classes);
        let mut kinds = few_steps();
        kinds[6] = ModelParams::Dense(DenseParams { hidden: vec![16], epochs: 30, ..DenseParams::default() });
        // Enough steps for the running averages of batch normalisation to forget where they began.
        kinds[7] = ModelParams::ModelA(ModelAParams {
            epochs: 20,
            batch_size: 4,
            learning_rate: 3e-4,
            ..ModelAParams::default()
        });
        for params in kinds {
            let model = quiet(&params, &data, 1).expect("fitted");
            let right = model.predict(&x).expect("labels").iter().zip(&labels).filter(|(a, b)| a == b).count();
            assert!(right >= 116, "{params:?}: {right} of 120; {}", model.note);
        }
    }

    #[test]
    fn a_class_without_recordings_keeps_its_column() {
        let (x, labels) = blob_matrix(40, 8, 2, 0.4, 4);
        let shifted: Vec<usize> = labels.iter().map(|l| 2 * l + 1).collect();
        let classes = names(5);
        let data = TrainingSet::new(&x, Shape::Vector(8), &shifted, &classes);
        let plain_classes = names(2);
        let plain = TrainingSet::new(&x, Shape::Vector(8), &labels, &plain_classes);
        for params in few_steps() {
            let model = quiet(&params, &data, 3).expect("fitted");
            let without = quiet(&params, &plain, 3).expect("fitted").probabilities(&x).expect("probabilities");
            for (row, small) in model.probabilities(&x).expect("probabilities").iter_rows().zip(without.iter_rows()) {
                assert_eq!(row, [0.0, small[0], 0.0, small[1], 0.0], "{params:?}");
            }
            assert_eq!(model.summary().unseen_classes, ["a", "c", "e"]);
        }
    }

    #[test]
    fn data_that_cannot_be_used_is_refused_with_the_place() {
        let (x, labels) = blob_matrix(10, 8, 2, 0.4, 4);
        let classes = names(2);
        let good = TrainingSet::new(&x, Shape::Vector(8), &labels, &classes);
        let mut spoilt = x.values().to_vec();
        spoilt[3 * 8 + 5] = f32::NAN;
        let nan = Matrix::new(10, 8, spoilt).expect("matrix");
        let empty = Matrix::new(0, 8, vec![]).expect("matrix");
        let narrow = Matrix::new(10, 0, vec![]).expect("matrix");
        let twins = [String::from("a"), String::from("a")];
        let nameless = [String::from("a"), String::new()];
        let outside = [vec![0; 9], vec![2]].concat();
        for params in few_steps() {
            let error = |data: TrainingSet<'_>| quiet(&params, &data, 1).expect_err("refused");
            assert!(matches!(
                error(TrainingSet { features: &nan, ..good }),
                ModelError::NotFinite { row: 3, column: 5, .. }
            ));
            assert!(matches!(
                error(TrainingSet { features: &empty, labels: &[], ..good }),
                ModelError::NoData { rows: 0, columns: 8 }
            ));
            assert!(matches!(
                error(TrainingSet { features: &narrow, shape: Shape::Vector(0), ..good }),
                ModelError::NoData { rows: 10, columns: 0 }
            ));
            assert!(matches!(
                error(TrainingSet { labels: &labels[1..], ..good }),
                ModelError::LabelCount { rows: 10, labels: 9 }
            ));
            assert!(matches!(
                error(TrainingSet { labels: &outside, ..good }),
                ModelError::LabelOutOfRange { row: 9, label: 2, classes: 2 }
            ));
            assert!(matches!(
                error(TrainingSet { labels: &[1; 10], ..good }),
                ModelError::OneClass { class, rows: 10 } if class == "b"
            ));
            assert!(matches!(
                error(TrainingSet { shape: Shape::Vector(7), ..good }),
                ModelError::Columns { expected: 7, actual: 8 }
            ));
            assert!(matches!(
                error(TrainingSet { shape: Shape::Picture { frames: usize::MAX, bands: 2 }, ..good }),
                ModelError::Columns { .. }
            ));
            assert!(
                matches!(error(TrainingSet { classes: &twins, ..good }), ModelError::ClassName { name } if name == "a")
            );
            assert!(matches!(error(TrainingSet { classes: &nameless, ..good }), ModelError::ClassName { .. }));
        }
    }

    #[test]
    fn prediction_checks_its_features() {
        let (x, labels) = blob_matrix(20, 8, 2, 0.4, 4);
        let classes = names(2);
        let data = TrainingSet::new(&x, Shape::Vector(8), &labels, &classes);
        let model = quiet(&few_steps()[0], &data, 1).expect("fitted");
        let wide = Matrix::new(1, 9, vec![0.0; 9]).expect("matrix");
        assert!(matches!(model.probabilities(&wide), Err(ModelError::Columns { expected: 8, actual: 9 })));
        let infinite = Matrix::new(1, 8, [vec![0.0; 7], vec![f32::INFINITY]].concat()).expect("matrix");
        assert!(matches!(model.probabilities(&infinite), Err(ModelError::NotFinite { row: 0, column: 7, .. })));
        for params in few_steps() {
            // Absurd but finite features still give probabilities.
            let far = Matrix::new(1, 8, vec![f32::MAX; 8]).expect("matrix");
            let p = quiet(&params, &data, 1).expect("fitted").probabilities(&far).expect("probabilities");
            assert!((p.values().iter().sum::<f32>() - 1.0).abs() < 1e-5, "{params:?}");
        }
    }

    #[test]
    fn a_picture_is_standardised_by_its_bands() {
        let (x, labels) = blob_matrix(30, 12, 2, 0.4, 4);
        let classes = names(2);
        let flat = TrainingSet::new(&x, Shape::Vector(12), &labels, &classes);
        let picture = TrainingSet { shape: Shape::Picture { frames: 3, bands: 4 }, ..flat };
        for params in few_steps() {
            let model = quiet(&params, &picture, 1).expect("fitted");
            let Scaler::Affine(Affine { mean, scale }) = &model.scaler else { panic!("a mean and a scale a column") };
            assert!(mean[..4] == mean[4..8] && mean[..4] == mean[8..], "{mean:?}");
            assert!(scale[..4] == scale[4..8] && scale[..4] == scale[8..], "{scale:?}");
            assert_eq!(model.columns(), 12);
            assert_eq!(model.probabilities(&x).expect("p").rows(), 30);
        }
    }

    #[test]
    fn only_trees_have_importances_and_they_add_up() {
        let (x, labels) = blob_matrix(60, 8, 3, 0.6, 4);
        let classes = names(3);
        let data = TrainingSet::new(&x, Shape::Vector(8), &labels, &classes);
        for params in few_steps() {
            let importances = quiet(&params, &data, 1).expect("fitted").importances();
            let trees = matches!(params, ModelParams::Forest(_) | ModelParams::Boosting(_));
            assert_eq!(importances.is_some(), trees, "{params:?}");
            if let Some(importances) = importances {
                assert_eq!(importances.len(), 8);
                assert!(importances.iter().all(|&v| v >= 0.0));
                assert!((importances.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{importances:?}");
            }
        }
    }

    #[test]
    fn progress_can_stop_any_fit() {
        let (x, labels) = blob_matrix(30, 8, 3, 0.8, 4);
        let classes = names(3);
        let data = TrainingSet::new(&x, Shape::Vector(8), &labels, &classes);
        for params in few_steps() {
            let mut seen = Vec::new();
            let result = fit(&params, &data, 1, &mut |step| {
                seen.push(step);
                ControlFlow::Break(())
            });
            assert!(matches!(result, Err(ModelError::Stopped)), "{params:?}");
            assert_eq!(seen.len(), 1, "{params:?}");
            assert!(seen[0].step >= 1 && seen[0].total >= seen[0].step, "{seen:?}");
            let mut last = None;
            fit(&params, &data, 1, &mut |step| {
                assert!(last.is_none_or(|l| step.step > l) && step.step <= step.total);
                last = Some(step.step);
                ControlFlow::Continue(())
            })
            .expect("fitted");
        }
    }

    #[test]
    fn a_class_with_one_recording_is_no_obstacle() {
        let (x, mut labels) = blob_matrix(30, 8, 2, 0.4, 4);
        labels[11] = 2;
        let classes = names(3);
        let data = TrainingSet::new(&x, Shape::Vector(8), &labels, &classes);
        for params in few_steps() {
            let p = quiet(&params, &data, 1).expect("fitted").probabilities(&x).expect("probabilities");
            assert!(p.values().iter().all(|v| v.is_finite()), "{params:?}");
        }
    }

    #[test]
    fn threads_and_repetition_do_not_change_a_bit() {
        let (x, labels) = blob_matrix(300, 8, 3, 0.8, 4);
        let classes = names(3);
        let data = TrainingSet::new(&x, Shape::Vector(8), &labels, &classes);
        for params in few_steps() {
            let with = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("pool");
                pool.install(|| quiet(&params, &data, 5).expect("fitted").probabilities(&x).expect("probabilities"))
            };
            let one = with(1);
            assert_eq!(one, with(1), "{params:?}");
            assert_eq!(one, with(4), "{params:?}");
        }
    }
}
