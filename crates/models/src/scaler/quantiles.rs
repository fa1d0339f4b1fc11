//! Normal scores of ranks.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use stimmung_features::Shape;

use super::period;
use crate::archive::{Archive, Tensor};
use crate::training_set::width;
use crate::{Matrix, ModelError};

/// Quantiles kept of a column, evenly spaced from the smallest value to the largest.
const LANDMARKS: usize = 101;

/// The share of values that lie below the smallest quantile, and above the largest: half a step between two.
const END: f64 = 0.5 / (LANDMARKS - 1) as f64;

pub(super) const TENSOR: &str = "scaler.quantiles";

/// For every column, or every band of a picture, its quantiles over the training rows. A value scores as the standard normal
/// distribution does where it has the same quantile: linearly between two quantiles, as the outermost beyond them, and as the
/// middle of those that it equals.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Quantiles {
    columns: usize,
    /// [`LANDMARKS`] ascending values for each column, or each band.
    landmarks: Vec<f32>,
}

/// The normal score of every landmark; those of the upper half are exactly the lower ones with the other sign.
static SCORES: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let score = |landmark: usize| normal_quantile((landmark as f64 / (LANDMARKS - 1) as f64).max(END));
    let lower: Vec<f64> = (0..LANDMARKS / 2).map(score).collect();
    let upper = lower.iter().rev().map(|score| -score);
    lower.iter().copied().chain([0.0]).chain(upper).collect()
});

impl Quantiles {
    /// Learns from these rows of `x`, at least one.
    pub(super) fn fit(x: &Matrix, rows: &[usize], shape: Shape) -> Self {
        let width = period(shape);
        let mut landmarks = Vec::with_capacity(width * LANDMARKS);
        let mut values = Vec::with_capacity(rows.len() * x.columns() / width);
        for column in 0..width {
            values.clear();
            values.extend(rows.iter().flat_map(|&row| x.row(row)[column..].iter().step_by(width)));
            values.sort_unstable_by(f32::total_cmp);
            landmarks.extend((0..LANDMARKS).map(|landmark| quantile(&values, landmark)));
        }
        Self { columns: x.columns(), landmarks }
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    pub(super) fn scale(&self, row: &[f32], to: &mut [f32]) {
        let columns = self.landmarks.chunks_exact(LANDMARKS).cycle();
        for ((to, value), landmarks) in to.iter_mut().zip(row).zip(columns) {
            *to = score(landmarks, *value) as f32;
        }
    }

    pub(super) fn write(&self, tensors: &mut BTreeMap<String, Tensor>) {
        let shape = [self.landmarks.len() / LANDMARKS, LANDMARKS];
        tensors.insert(TENSOR.to_owned(), Tensor::f32(&shape, self.landmarks.clone()));
    }

    /// Takes them from a model file of features of this shape.
    pub(super) fn read(archive: &mut Archive<'_>, shape: Shape) -> Result<Self, ModelError> {
        let landmarks = archive.f32(TENSOR, &[period(shape), LANDMARKS])?;
        if !landmarks.chunks_exact(LANDMARKS).all(<[f32]>::is_sorted) {
            return Err(ModelError::Damaged("the quantiles of its scaler do not ascend".into()));
        }
        let columns = width(shape).ok_or_else(|| ModelError::Damaged("its features are too many".into()))?;
        Ok(Self { columns, landmarks })
    }
}

/// The score of a value among the landmarks of its column.
fn score(landmarks: &[f32], value: f32) -> f64 {
    let below = landmarks.partition_point(|landmark| *landmark < value);
    let through = below + landmarks[below..].partition_point(|landmark| *landmark <= value);
    if below < through {
        return f64::midpoint(SCORES[below], SCORES[through - 1]);
    }
    if below == 0 || below == LANDMARKS {
        return SCORES[below.min(LANDMARKS - 1)];
    }
    let [left, right] = [landmarks[below - 1], landmarks[below]].map(f64::from);
    let share = (f64::from(value) - left) / (right - left);
    SCORES[below - 1] + share * (SCORES[below] - SCORES[below - 1])
}

/// Linearly between the two nearest of the ascending values.
fn quantile(values: &[f32], landmark: usize) -> f32 {
    let place = (values.len() - 1) as f64 * landmark as f64 / (LANDMARKS - 1) as f64;
    let (left, share) = (place.floor() as usize, place.fract());
    let right = (left + 1).min(values.len() - 1);
    let [from, to] = [left, right].map(|at| f64::from(values[at]));
    // One of two equal values, to the bit.
    if from == to { values[left] } else { (from + share * (to - from)) as f32 }
}

/// The value below which the standard normal distribution has this share, at most a half; by bisection.
pub(super) fn normal_quantile(share: f64) -> f64 {
    let (mut low, mut high) = (-9.0, 0.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if 0.5 * libm::erfc(-middle / std::f64::consts::SQRT_2) < share {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Lcg;

    fn fitted(values: &[f32]) -> Quantiles {
        let x = Matrix::new(values.len(), 1, values.to_vec()).expect("matrix");
        Quantiles::fit(&x, &(0..values.len()).collect::<Vec<_>>(), Shape::Vector(1))
    }

    fn scored(quantiles: &Quantiles, value: f32) -> f32 {
        let mut to = [0.0];
        quantiles.scale(&[value], &mut to);
        to[0]
    }

    #[test]
    fn normal_quantiles_are_those_of_tables() {
        for (share, wanted) in [(0.5, 0.0), (0.025, -1.959_963_985), (0.01, -2.326_347_874), (0.005, -2.575_829_304)] {
            assert!((normal_quantile(share) - wanted).abs() < 1e-8, "{share}");
        }
    }

    #[test]
    fn any_distribution_becomes_the_normal_one() {
        let mut random = Lcg::new(3);
        // Ten to the power of a wide range: a standard score would be ruled by the largest few.
        let values: Vec<f32> = (0..2000).map(|_| 10f32.powf(8.0 * random.centred() as f32)).collect();
        let quantiles = fitted(&values);
        let mut scores: Vec<f32> = values.iter().map(|value| scored(&quantiles, *value)).collect();
        scores.sort_unstable_by(f32::total_cmp);
        for (at, wanted) in [(50, -1.959_96), (317, -1.0), (1000, 0.0), (1683, 1.0), (1950, 1.959_96)] {
            assert!((scores[at] - wanted).abs() < 0.02, "{at}: {}", scores[at]);
        }
        let ends = (scored(&quantiles, f32::MIN), scored(&quantiles, f32::MAX));
        assert!((ends.0 + 2.575_829).abs() < 1e-5 && ends.1 == -ends.0, "{ends:?}");
    }

    #[test]
    fn any_rising_change_of_units_leaves_the_scores_of_training_values() {
        // Quantiles of 101 values are the values.
        let values: Vec<f32> = (0..101).map(|n| ((n * 37) % 101) as f32 / 10.0).collect();
        let changed: Vec<f32> = values.iter().map(|value| value.powi(3) + 7.0).collect();
        let (before, after) = (fitted(&values), fitted(&changed));
        for (value, changed) in values.iter().zip(&changed) {
            assert_eq!(scored(&before, *value), scored(&after, *changed));
        }
    }

    #[test]
    fn equal_values_score_as_their_middle() {
        // Half of the values are 0: from the 0th to the 50th of a hundred steps.
        let values: Vec<f32> = (0..201).map(|n| if n <= 100 { 0.0 } else { n as f32 }).collect();
        let middle = f64::midpoint(normal_quantile(END), normal_quantile(0.5)) as f32;
        assert_eq!(scored(&fitted(&values), 0.0), middle);
        assert!((scored(&fitted(&values), 51.0) + 0.5 * normal_quantile(0.49) as f32).abs() < 1e-6);
        for constant in [fitted(&[3.0]), fitted(&[3.0; 7])] {
            assert_eq!([2.0, 3.0, 4.0].map(|value| scored(&constant, value).total_cmp(&0.0) as i8), [-1, 0, 1]);
        }
    }

    #[test]
    fn the_frames_of_a_picture_share_the_quantiles_of_their_band() {
        let frames = [[1.0f32, 5.0], [2.0, 5.5], [3.0, 6.0], [4.0, 5.0], [5.0, 5.0], [6.0, 5.0]];
        let x = Matrix::new(2, 6, frames.concat()).expect("matrix");
        let picture = Quantiles::fit(&x, &[0, 1], Shape::Picture { frames: 3, bands: 2 });
        let flat = Matrix::from_rows(&frames).expect("matrix");
        let bands = Quantiles::fit(&flat, &[0, 1, 2, 3, 4, 5], Shape::Vector(2));
        assert_eq!((picture.columns, &picture.landmarks), (6, &bands.landmarks));
        let (mut whole, mut single) = ([0.0; 6], [0.0; 2]);
        picture.scale(x.row(1), &mut whole);
        bands.scale(flat.row(5), &mut single);
        assert_eq!(whole[4..], single);
    }

    #[test]
    fn rows_that_are_not_listed_do_not_count() {
        let x = Matrix::new(4, 1, vec![1.0, 900.0, 2.0, 4.0]).expect("matrix");
        let listed = Quantiles::fit(&x, &[3, 0, 2], Shape::Vector(1));
        assert_eq!(listed, fitted(&[1.0, 2.0, 4.0]));
    }
}
