//! What models are fitted on.

use std::collections::{BTreeMap, BTreeSet};

use stimmung_features::Shape;

use crate::scaler::{Scaler, Scaling};
use crate::{Matrix, ModelError};

/// Labelled features to learn from.
///
/// # Examples
/// ```
/// use stimmung_models::{Matrix, Shape, TrainingSet, Watched};
/// let features = Matrix::new(6, 1, vec![0.1, 0.9, 0.2, 0.8, 0.1, 0.7])?;
/// let classes = ["calm".to_owned(), "anger".to_owned()];
/// // Everything, in order.
/// let all = TrainingSet::new(&features, Shape::Vector(1), &[0, 1, 0, 1, 0, 1], &classes);
/// // The first four rows, of two speakers, while the last two are watched.
/// let part = TrainingSet {
///     rows: Some(&[0, 1, 2, 3]),
///     groups: Some(&[0, 0, 1, 1]),
///     watched: Some(Watched { rows: &[4, 5], labels: &[0, 1] }),
///     ..TrainingSet::new(&features, Shape::Vector(1), &[0, 1, 0, 1], &classes)
/// };
/// assert_eq!(all.labels.len() - part.labels.len(), 2);
/// # Ok::<(), stimmung_models::ModelError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TrainingSet<'a> {
    /// One row a recording, or a piece of one.
    pub features: &'a Matrix,
    /// What a row is; its size must be the number of columns. Pictures are laid out frame after frame.
    pub shape: Shape,
    /// What is done to the features first; learned from the rows that are learned from.
    pub scaling: Scaling,
    /// The rows to learn from, in this order; the others are not looked at. `None`: all of them. So a part of a large matrix
    /// need not be copied.
    pub rows: Option<&'a [usize]>,
    /// The class of each row that is learned from, as an index into `classes`.
    pub labels: &'a [usize],
    /// The names of the classes, distinct. A class without recordings keeps its column of probabilities, which will be 0.
    pub classes: &'a [String],
    /// The speaker of each row that is learned from, as a number. Whatever a fit holds out of its own rows (for early stopping, for the
    /// temperature of discriminants), it holds out by whole speakers. Where the rows hold pieces or changed copies of recordings, this keeps
    /// them together as well. Only support vector machines deal their rows for probabilities one by one, as LIBSVM does.
    pub groups: Option<&'a [usize]>,
    /// Neutral recordings by which the speaker of a row is known beforehand; the model then learns from what is left when the voice is taken out
    /// ([`Classifier::enrol`](crate::Classifier::enrol)), as it will be judged. Needs `groups`.
    pub introductions: Option<Introductions<'a>>,
    /// Rows that are scored after every epoch of a network. Their scores are shown and change nothing.
    pub watched: Option<Watched<'a>>,
}

/// How speakers introduce themselves before a model learns from them.
#[derive(Clone, Copy, Debug)]
pub struct Introductions<'a> {
    /// For each row that is learned from, rows of neutral recordings of its speaker; none leaves it as it is.
    pub rows: &'a [Vec<usize>],
    /// The class of neutral recordings, as an index into the names of the classes.
    pub neutral: usize,
}

/// Rows on whose scores a training may be watched.
#[derive(Clone, Copy, Debug)]
pub struct Watched<'a> {
    /// Which rows of the features.
    pub rows: &'a [usize],
    /// Their classes, as indices into the names of the classes.
    pub labels: &'a [usize],
}

impl<'a> TrainingSet<'a> {
    /// All rows of `features`, standardised, nothing held out and nothing watched.
    pub fn new(features: &'a Matrix, shape: Shape, labels: &'a [usize], classes: &'a [String]) -> Self {
        Self {
            features,
            shape,
            scaling: Scaling::default(),
            rows: None,
            labels,
            classes,
            groups: None,
            introductions: None,
            watched: None,
        }
    }

    /// The rows to learn from.
    pub(crate) fn listed(&self) -> Vec<usize> {
        self.rows.map_or_else(|| (0..self.features.rows()).collect(), <[usize]>::to_vec)
    }

    /// Checks everything but the rows' number of classes; `rows` are the [listed](Self::listed) ones.
    pub(crate) fn check(&self, rows: &[usize]) -> Result<(), ModelError> {
        let columns = self.features.columns();
        if rows.is_empty() || columns == 0 {
            return Err(ModelError::NoData { rows: rows.len(), columns });
        }
        if width(self.shape) != Some(columns) {
            return Err(ModelError::Columns { expected: width(self.shape).unwrap_or(usize::MAX), actual: columns });
        }
        check_names(self.classes)?;
        self.check_rows(rows, self.labels)?;
        if let Some(groups) = self.groups
            && groups.len() != rows.len()
        {
            return Err(ModelError::GroupCount { rows: rows.len(), groups: groups.len() });
        }
        if let Some(Introductions { rows: introductions, .. }) = self.introductions {
            if introductions.len() != rows.len() || self.groups.is_none() {
                let groups = self.groups.map_or(0, |_| introductions.len());
                return Err(ModelError::GroupCount { rows: rows.len(), groups });
            }
            introductions.iter().try_for_each(|rows| {
                self.features.check_rows(rows)?;
                self.features.check_finite(rows)
            })?;
        }
        self.watched.map_or(Ok(()), |watched| self.check_rows(watched.rows, watched.labels))
    }

    fn check_rows(&self, rows: &[usize], labels: &[usize]) -> Result<(), ModelError> {
        if labels.len() != rows.len() {
            return Err(ModelError::LabelCount { rows: rows.len(), labels: labels.len() });
        }
        self.features.check_rows(rows)?;
        match labels.iter().position(|&label| label >= self.classes.len()) {
            None => self.features.check_finite(rows),
            Some(at) => {
                Err(ModelError::LabelOutOfRange { row: rows[at], label: labels[at], classes: self.classes.len() })
            }
        }
    }
}

/// What a model sees of a [`TrainingSet`]: classes without gaps, and rows that are standardised when it asks for them, so that
/// there is never more than one copy of them.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    pub(crate) features: &'a Matrix,
    pub(crate) shape: Shape,
    pub(crate) scaler: &'a Scaler,
    /// Rows of the features.
    pub(crate) rows: &'a [usize],
    /// Their classes; each has at least one row.
    pub(crate) labels: &'a [usize],
    /// Number of classes, at least 2.
    pub(crate) classes: usize,
    /// Their speakers.
    pub(crate) groups: Option<&'a [usize]>,
    /// Rows to be scored, with their classes; `usize::MAX` is a class that is not learned.
    pub(crate) watched: Option<Watched<'a>>,
}

impl Task<'_> {
    /// Values in a row.
    pub(crate) fn columns(&self) -> usize {
        self.features.columns()
    }

    /// The standardised rows.
    pub(crate) fn standardised(&self) -> Result<Matrix, ModelError> {
        Matrix::new(self.rows.len(), self.columns(), self.scaler.transform(self.features, self.rows))
    }
}

/// The part, of so many, in which each row is left out together with all others of its group: groups are dealt out in the order of their numbers.
pub(crate) fn dealt(groups: &[usize], parts: usize) -> Vec<usize> {
    let distinct: BTreeSet<usize> = groups.iter().copied().collect();
    let part: BTreeMap<usize, usize> = distinct.into_iter().zip((0..parts).cycle()).collect();
    groups.iter().map(|group| part[group]).collect()
}

/// Numbers of values in a row of this shape.
pub(crate) fn width(shape: Shape) -> Option<usize> {
    match shape {
        Shape::Vector(n) => Some(n),
        Shape::Picture { frames, bands } => frames.checked_mul(bands),
    }
}

/// Class names must be told apart.
pub(crate) fn check_names(classes: &[String]) -> Result<(), ModelError> {
    let mut seen = BTreeSet::new();
    match classes.iter().find(|name| name.is_empty() || !seen.insert(*name)) {
        None => Ok(()),
        Some(name) => Err(ModelError::ClassName { name: name.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::testing::{blob_matrix, few_steps, names};
    use crate::{Classifier, FitProgress, ModelParams, fit};

    fn quiet(params: &ModelParams, data: &TrainingSet<'_>) -> Result<Classifier, ModelError> {
        fit(params, data, 3, &mut |_| ControlFlow::Continue(()))
    }

    #[test]
    fn listed_rows_give_the_bits_of_a_copy() {
        let (mut x, labels) = blob_matrix(50, 8, 3, 0.6, 4);
        let rows: Vec<usize> = (0..50).rev().filter(|row| row % 3 > 0).collect();
        let labels: Vec<usize> = rows.iter().map(|&row| labels[row]).collect();
        let copy = x.select_rows(&rows).expect("rows");
        // What is not listed may even be unusable.
        let mut values = x.values().to_vec();
        values[..8].fill(f32::NAN);
        x = Matrix::new(50, 8, values).expect("matrix");
        let classes = names(3);
        for params in few_steps() {
            let listed = TrainingSet { rows: Some(&rows), ..TrainingSet::new(&x, Shape::Vector(8), &labels, &classes) };
            let a = quiet(&params, &listed).expect("fitted").probabilities_of(&x, &rows).expect("probabilities");
            let copied = TrainingSet::new(&copy, Shape::Vector(8), &labels, &classes);
            let b = quiet(&params, &copied).expect("fitted").probabilities(&copy).expect("probabilities");
            assert_eq!(a, b, "{params:?}");
        }
    }

    #[test]
    fn watching_and_speakers_change_no_bit() {
        let (x, labels) = blob_matrix(40, 8, 3, 0.6, 4);
        // The last class is only ever watched, so no answer for it can be right.
        let watched_labels: Vec<usize> = labels[30..].iter().map(|&label| if label == 0 { 3 } else { label }).collect();
        let (rows, classes, groups) = ((0..30).collect::<Vec<_>>(), names(4), [0; 30]);
        let plain =
            TrainingSet { rows: Some(&rows), ..TrainingSet::new(&x, Shape::Vector(8), &labels[..30], &classes) };
        let others: Vec<usize> = (30..40).collect();
        let watched = Some(Watched { rows: &others, labels: &watched_labels });
        for params in few_steps() {
            let mut seen: Vec<FitProgress> = Vec::new();
            let observed = fit(&params, &TrainingSet { watched, groups: Some(&groups), ..plain }, 3, &mut |step| {
                seen.push(step);
                ControlFlow::Continue(())
            });
            let answers = |model: &Classifier| model.probabilities(&x).expect("probabilities");
            let observed = observed.expect("fitted");
            assert_eq!(answers(&observed), answers(&quiet(&params, &plain).expect("fitted")), "{params:?}");
            let epochs = matches!(params, ModelParams::Dense(_) | ModelParams::ModelA(_) | ModelParams::Network(_));
            assert!(seen.iter().all(|step| step.watched.is_some() == epochs), "{params:?}");
            if let Some(last) = seen.last().and_then(|step| step.watched) {
                let p = observed.predict(&x).expect("labels");
                let right = p[30..].iter().zip(&watched_labels).filter(|(a, b)| a == b).count();
                assert_eq!(last, right as f64 / 10.0);
            }
        }
    }

    #[test]
    fn lists_that_do_not_fit_are_refused() {
        let (x, labels) = blob_matrix(10, 8, 2, 0.6, 4);
        let classes = names(2);
        let good = TrainingSet::new(&x, Shape::Vector(8), &labels, &classes);
        let params = ModelParams::by_name("lda").expect("known");
        let error = |data: TrainingSet<'_>| quiet(&params, &data).expect_err("refused");
        let (beyond, few) = ([0, 1, 2, 3, 4, 5, 6, 7, 8, 10], [0, 1]);
        assert!(matches!(
            error(TrainingSet { rows: Some(&beyond), ..good }),
            ModelError::RowOutOfRange { row: 10, rows: 10 }
        ));
        assert!(matches!(
            error(TrainingSet { rows: Some(&few), ..good }),
            ModelError::LabelCount { rows: 2, labels: 10 }
        ));
        assert!(matches!(error(TrainingSet { rows: Some(&[]), ..good }), ModelError::NoData { rows: 0, columns: 8 }));
        assert!(matches!(
            error(TrainingSet { groups: Some(&few), ..good }),
            ModelError::GroupCount { rows: 10, groups: 2 }
        ));
        let watched = |rows, labels| TrainingSet { watched: Some(Watched { rows, labels }), ..good };
        assert!(matches!(error(watched(&beyond, &labels)), ModelError::RowOutOfRange { row: 10, .. }));
        assert!(matches!(error(watched(&few, &labels)), ModelError::LabelCount { rows: 2, labels: 10 }));
        assert!(matches!(error(watched(&[7], &[2])), ModelError::LabelOutOfRange { row: 7, label: 2, .. }));
    }
}
