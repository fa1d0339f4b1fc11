//! How unlike the training recordings a recording is.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use stimmung_features::Shape;

use crate::archive::{Archive, Tensor};
use crate::covariance::{Spread, covariance, ledoit_wolf};
use crate::linalg::cholesky;
use crate::scaler::Affine;
use crate::training_set::dealt;
use crate::{Matrix, ModelError};

/// Fewer rows say too little about what lies beyond them.
const FEWEST_ROWS: usize = 20;
/// Of more values than this, [`SAMPLED`] stand for all: the factor grows with the square of their number, and so many recordings as tell it are never there.
const MOST_CORRELATED: usize = 512;
/// How many values stand for all, evenly spread over the columns.
const SAMPLED: usize = 256;
/// Of recordings of new voices, the share that is held for usual.
const USUAL: f64 = 0.99;
/// Parts into which speakers are dealt, to hear each part as new voices.
const PARTS: usize = 10;

/// The Mahalanobis distance from the training rows, under the covariance that Ledoit & Wolf (2004) shrink; the use as a detector of
/// what a classifier was not made for is that of Lee et al. (2018), over all classes together.
///
/// Rows are scaled as the model sees them, so that by ranks one wild value moves nothing; then they are [summarised](summary): of a vector the values, or
/// some of very many, of a picture the mean and spread of its bands over its frames.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Novelty {
    /// Means and deviations of the summaries.
    scaler: Affine,
    /// The lower triangle of the Cholesky factor of the z-scores' covariance, row after row; empty where there is none.
    factor: Vec<f32>,
    /// The squared distance that [`USUAL`] of the training rows stay within when their speakers are left out of the estimate.
    limit: f64,
}

/// What the header of a model file says of it.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoveltyHeader {
    limit: f64,
    correlations: bool,
}

impl Novelty {
    /// Learns from scaled rows, whose speakers are `groups`. `None` for too few rows.
    pub(crate) fn fit(rows: &Matrix, shape: Shape, groups: Option<&[usize]>) -> Option<Self> {
        if rows.rows() < FEWEST_ROWS {
            return None;
        }
        let summaries: Vec<Vec<f32>> =
            rows.values().par_chunks_exact(rows.columns()).map(|row| summary(row, shape)).collect();
        let summaries = Matrix::from_rows(&summaries).ok()?;
        let parts = parts(summaries.rows(), groups);
        let distances: Vec<Vec<f64>> = (0..PARTS)
            .into_par_iter()
            .map(|part| {
                let (held_out, others): (Vec<usize>, Vec<usize>) =
                    (0..parts.len()).partition(|&row| parts[row] == part);
                if held_out.is_empty() || others.is_empty() {
                    return Vec::new();
                }
                let others = Self::estimate(&summaries, &others);
                held_out.iter().map(|&row| others.distance(summaries.row(row))).collect()
            })
            .collect();
        let mut distances = distances.concat();
        distances.sort_by(f64::total_cmp);
        let limit = *distances.get((USUAL * distances.len() as f64) as usize)?;
        let all: Vec<usize> = (0..summaries.rows()).collect();
        (limit.is_finite() && limit > 0.0).then(|| Self { limit, ..Self::estimate(&summaries, &all) })
    }

    fn estimate(summaries: &Matrix, rows: &[usize]) -> Self {
        let scaler = Affine::standard(summaries, rows, Shape::Vector(summaries.columns()));
        let factor = factor(summaries, rows, &scaler);
        Self { scaler, factor, limit: 1.0 }
    }

    /// The squared distance of a summary, a value of it counting one.
    fn distance(&self, summary: &[f32]) -> f64 {
        let mut z = vec![0.0f32; summary.len()];
        self.scaler.standardise(summary, &mut z);
        let mut v: Vec<f64> = z.into_iter().map(f64::from).collect();
        if !self.factor.is_empty() {
            for i in 0..v.len() {
                let row = &self.factor[i * (i + 1) / 2..][..=i];
                let known: f64 = row[..i].iter().zip(&v).map(|(&l, v)| f64::from(l) * v).sum();
                v[i] = (v[i] - known) / f64::from(row[i]);
            }
        }
        v.iter().map(|v| v * v).sum::<f64>() / v.len() as f64
    }

    /// The squared distance of a scaled row, over the limit.
    pub(crate) fn of(&self, row: &[f32], shape: Shape) -> f64 {
        self.distance(&summary(row, shape)) / self.limit
    }

    pub(crate) fn write(&self, tensors: &mut BTreeMap<String, Tensor>) -> NoveltyHeader {
        self.scaler.write("novelty", tensors);
        let correlations = !self.factor.is_empty();
        if correlations {
            tensors.insert("novelty.factor".to_owned(), Tensor::f32(&[self.factor.len()], self.factor.clone()));
        }
        NoveltyHeader { limit: self.limit, correlations }
    }

    pub(crate) fn read(header: NoveltyHeader, archive: &mut Archive<'_>, shape: Shape) -> Result<Self, ModelError> {
        let d = summary_width(shape);
        let damaged = |what: &str| Err(ModelError::Damaged(format!("{what} of its novelty is not positive")));
        let scaler = Affine::read("novelty", archive, d)?;
        if !(header.limit.is_finite() && header.limit > 0.0) {
            return damaged("the limit");
        }
        let factor = if header.correlations { archive.f32("novelty.factor", &[d * (d + 1) / 2])? } else { Vec::new() };
        let mut diagonal = (1..=d).map(|i| i * (i + 1) / 2 - 1);
        if !factor.is_empty() && !diagonal.all(|at| factor[at] > 0.0) {
            return damaged("a pivot");
        }
        Ok(Self { scaler, factor, limit: header.limit })
    }
}

/// The Cholesky factor of the shrunken covariance of z-scores; empty if they have none.
fn factor(summaries: &Matrix, rows: &[usize], scaler: &Affine) -> Vec<f32> {
    let d = summaries.columns();
    let z: Vec<f64> = scaler.transform(summaries, rows).into_iter().map(f64::from).collect();
    let mut covariance = covariance(&z, d);
    let mu = (0..d).map(|i| covariance[i * (d + 1)]).sum::<f64>() / d as f64;
    let share = ledoit_wolf(&z, &Spread::of_covariance(&covariance, d), d);
    for i in 0..d {
        for value in &mut covariance[i * d..=i * (d + 1)] {
            *value *= 1.0 - share;
        }
        covariance[i * (d + 1)] += share * mu;
    }
    match cholesky(&mut covariance, d) {
        Some(()) => (0..d).flat_map(|i| &covariance[i * d..=i * (d + 1)]).map(|&value| value as f32).collect(),
        None => Vec::new(),
    }
}

/// In which part each row is left out: whole speakers where there are several.
fn parts(rows: usize, groups: Option<&[usize]>) -> Vec<usize> {
    match groups {
        Some(groups) if groups.iter().any(|group| *group != groups[0]) => dealt(groups, PARTS),
        _ => (0..rows).map(|row| row % PARTS).collect(),
    }
}

/// How many values the summary of a row has.
fn summary_width(shape: Shape) -> usize {
    match shape {
        Shape::Vector(columns) => sampled(columns).len(),
        Shape::Picture { bands, .. } => 2 * bands,
    }
}

/// The columns that stand for so many.
fn sampled(columns: usize) -> impl ExactSizeIterator<Item = usize> {
    let count = if columns > MOST_CORRELATED { SAMPLED } else { columns };
    (0..count).map(move |at| at * columns / count)
}

/// A vector as it is, or some of its values; of a picture the means of its bands over the frames, then their deviations.
fn summary(row: &[f32], shape: Shape) -> Vec<f32> {
    let Shape::Picture { frames, bands } = shape else { return sampled(row.len()).map(|column| row[column]).collect() };
    let n = frames as f64;
    let mean_of = |f: &dyn Fn(usize, f64) -> f64| -> Vec<f64> {
        let mut sums = vec![0.0; bands];
        for frame in row.chunks_exact(bands) {
            for (band, (sum, &value)) in sums.iter_mut().zip(frame).enumerate() {
                *sum += f(band, f64::from(value));
            }
        }
        sums.into_iter().map(|sum| sum / n).collect()
    };
    let means = mean_of(&|_, value| value);
    let variances = mean_of(&|band, value| (value - means[band]).powi(2));
    means.iter().copied().chain(variances.into_iter().map(f64::sqrt)).map(|value| value as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Lcg;

    /// Rows of two values that go together, and one by itself, of ten speakers with a voice each.
    fn rows(count: usize, seed: u64) -> (Matrix, Vec<usize>) {
        let mut random = Lcg::new(seed);
        let voices: Vec<f64> = (0..10).map(|_| 0.3 * random.centred()).collect();
        let rows: Vec<Vec<f32>> = (0..count)
            .map(|row| {
                let common = random.centred() + voices[row % 10];
                let mut jitter = || 0.05 * random.centred();
                let (a, b) = (common + jitter(), common + jitter());
                vec![a as f32, b as f32, random.centred() as f32]
            })
            .collect();
        (Matrix::from_rows(&rows).expect("matrix"), (0..count).map(|row| row % 10).collect())
    }

    fn fit(x: &Matrix, groups: Option<&[usize]>, shape: Shape) -> Novelty {
        Novelty::fit(x, shape, groups).expect("enough rows")
    }

    #[test]
    fn new_voices_are_usual_and_broken_habits_are_not() {
        let (x, groups) = rows(400, 1);
        let novelty = fit(&x, Some(&groups), Shape::Vector(3));
        let (others, _) = rows(400, 2);
        let unusual = others.iter_rows().filter(|row| novelty.of(row, Shape::Vector(3)) > 1.0).count();
        assert!(unusual < 20, "{unusual} of 400");
        // Each value by itself is as usual as can be.
        assert!(novelty.of(&[0.5, -0.5, 0.0], Shape::Vector(3)) > 5.0);
        assert!(novelty.of(&[0.5, 0.5, 0.0], Shape::Vector(3)) < 1.0);
        assert!(novelty.of(&[f32::MAX, f32::MIN, 0.0], Shape::Vector(3)).is_finite());
    }

    #[test]
    fn the_limit_is_that_of_voices_left_out() {
        let (x, groups) = rows(400, 1);
        // Known voices are nearer than new ones: here each part has all of them.
        let known: Vec<usize> = (0..400).map(|row| row / 40).collect();
        let (new, old) = (fit(&x, Some(&groups), Shape::Vector(3)), fit(&x, Some(&known), Shape::Vector(3)));
        assert!(new.limit > old.limit, "{} {}", new.limit, old.limit);
        // One speaker, or unknown ones: rows are left out as they come.
        let alone = fit(&x, Some(&[0; 400]), Shape::Vector(3));
        assert_eq!(alone, fit(&x, None, Shape::Vector(3)));
    }

    #[test]
    fn pictures_are_known_by_mean_and_spread_of_their_bands() {
        let shape = Shape::Picture { frames: 4, bands: 2 };
        assert_eq!(summary(&[1.0, 5.0, 3.0, 5.0, 1.0, 5.0, 3.0, 5.0], shape), [2.0, 5.0, 1.0, 0.0]);
        let mut random = Lcg::new(4);
        let values: Vec<f32> = (0..8 * 60).map(|_| random.centred() as f32).collect();
        let novelty = fit(&Matrix::new(60, 8, values).expect("matrix"), None, shape);
        assert!(novelty.of(&[0.1, -0.4, 0.6, 0.9, -0.5, 0.2, -0.3, -0.8], shape) < 1.0);
        // A steady sound.
        assert!(novelty.of(&[0.9; 8], shape) > 1.0);
    }

    #[test]
    fn of_wide_rows_some_values_stand_for_all() {
        assert_eq!(sampled(MOST_CORRELATED).len(), MOST_CORRELATED);
        let columns: Vec<usize> = sampled(6373).collect();
        assert_eq!((columns.len(), columns[0], columns[255]), (SAMPLED, 0, 6348));
        // All values of a row go together, each by its own sign.
        let mut random = Lcg::new(4);
        let sign = |column: usize| if column.is_multiple_of(3) { -1.0 } else { 1.0 };
        let mut row = || {
            let common = random.centred();
            (0..1000).map(|column| (sign(column) * common + 0.1 * random.centred()) as f32).collect::<Vec<f32>>()
        };
        let rows: Vec<Vec<f32>> = (0..60).map(|_| row()).collect();
        let novelty = fit(&Matrix::from_rows(&rows).expect("rows"), None, Shape::Vector(1000));
        assert!(novelty.of(&row(), Shape::Vector(1000)) < 1.5);
        // Each value by itself is usual.
        assert!(novelty.of(&[0.5; 1000], Shape::Vector(1000)) > 5.0);
    }

    #[test]
    fn too_little_to_tell_is_nothing_told() {
        let (x, _) = rows(19, 1);
        assert_eq!(Novelty::fit(&x, Shape::Vector(3), None), None);
        // Rows that are all alike have no distances.
        let same = Matrix::new(30, 2, vec![1.0; 60]).expect("matrix");
        assert_eq!(Novelty::fit(&same, Shape::Vector(2), None), None);
    }
}
