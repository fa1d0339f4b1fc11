//! A mean and a scale for every column.

use std::collections::BTreeMap;

use stimmung_features::Shape;

use super::{period, transform};
use crate::archive::{Archive, Tensor};
use crate::{Matrix, ModelError};

/// Standardised values are held within ± this bound.
///
/// Training rows of any column stay far below it (no value of `n` lies more than √n standard deviations from their
/// mean). It only bites when a new recording meets a column that hardly varied in training, and keeps every later sum
/// of products finite.
const BOUND: f64 = 1e6;

/// The bound of values that keep their units, which may be squared hertz: their squares are still far from the largest `f32`.
const BOUND_AS_THEY_ARE: f64 = 1e15;

/// Z-scores per column: `(x − mean) / scale`, the mean and the (population, 1/n) standard deviation of the training
/// rows, in `f64`; a constant column has scale 1. The convention is that of scikit-learn's `StandardScaler`.
///
/// The columns of a picture share mean and deviation within each band, over all its frames: a band keeps its course over
/// time, and there are frames × recordings values to estimate them from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Affine {
    pub(crate) mean: Vec<f64>,
    pub(crate) scale: Vec<f64>,
}

impl Affine {
    /// Leaves so many columns as they are.
    pub(crate) fn identity(columns: usize) -> Self {
        Self { mean: vec![0.0; columns], scale: vec![1.0; columns] }
    }

    /// Whether it leaves values as they are.
    pub(crate) fn is_identity(&self) -> bool {
        self.mean.iter().all(|&mean| mean == 0.0) && self.scale.iter().all(|&scale| scale == 1.0)
    }

    /// Whether all columns share mean and scale.
    pub(crate) fn is_uniform(&self) -> bool {
        [&self.mean, &self.scale].into_iter().all(|values| values.windows(2).all(|pair| pair[0] == pair[1]))
    }

    /// One mean and one scale for all values of these rows of `x`, at least one.
    pub(crate) fn overall(x: &Matrix, rows: &[usize]) -> Self {
        Self::of_pieces(x, rows, 1)
    }

    /// Learns means and scales from these rows of `x`, at least one; it has as many columns as `shape` has values.
    pub(crate) fn standard(x: &Matrix, rows: &[usize], shape: Shape) -> Self {
        Self::of_pieces(x, rows, period(shape))
    }

    /// Learns from these rows of `x`, each a run of pieces of `width` values; all pieces share their means and scales.
    fn of_pieces(x: &Matrix, rows: &[usize], width: usize) -> Self {
        let times = x.columns() / width;
        let pieces = || rows.iter().flat_map(|&row| x.row(row).chunks_exact(width));
        let n = (rows.len() * times) as f64;
        let mut mean = vec![0.0; width];
        for row in pieces() {
            for (m, &v) in mean.iter_mut().zip(row) {
                *m += f64::from(v);
            }
        }
        for m in &mut mean {
            *m /= n;
        }
        let mut variance = vec![0.0; width];
        for row in pieces() {
            for ((s, &v), m) in variance.iter_mut().zip(row).zip(&mean) {
                let d = f64::from(v) - m;
                *s += d * d;
            }
        }
        let scale: Vec<f64> = variance
            .iter()
            .zip(&mean)
            .map(|(&sum, &m)| {
                let var = sum / n;
                // What rounding alone leaves of the variance of a constant column.
                let noise = n * f64::EPSILON * var + (n * m * f64::EPSILON).powi(2);
                if var <= noise { 1.0 } else { var.sqrt() }
            })
            .collect();
        // The file holds one of each for every column.
        Self { mean: mean.repeat(times), scale: scale.repeat(times) }
    }

    /// Number of columns.
    pub(crate) fn columns(&self) -> usize {
        self.mean.len()
    }

    /// Writes this row, standardised, to `to`. All three have this number of columns.
    pub(crate) fn standardise(&self, row: &[f32], to: &mut [f32]) {
        let bound = if self.is_identity() { BOUND_AS_THEY_ARE } else { BOUND };
        for (((to, &v), m), s) in to.iter_mut().zip(row).zip(&self.mean).zip(&self.scale) {
            *to = ((f64::from(v) - m) / s).clamp(-bound, bound) as f32;
        }
    }

    /// These rows of `x`, standardised. The matrix has them, and this number of columns.
    pub(crate) fn transform(&self, x: &Matrix, rows: &[usize]) -> Vec<f32> {
        transform(x, rows, |row, to| self.standardise(row, to))
    }

    /// Puts means and scales among the tensors of a model file, as those of `owner`.
    pub(crate) fn write(&self, owner: &str, tensors: &mut BTreeMap<String, Tensor>) {
        for (name, values) in [("mean", &self.mean), ("scale", &self.scale)] {
            tensors.insert(format!("{owner}.{name}"), Tensor::f64(&[values.len()], values.clone()));
        }
    }

    /// Takes those of `owner` from a model file.
    pub(crate) fn read(owner: &str, archive: &mut Archive<'_>, columns: usize) -> Result<Self, ModelError> {
        let mean = archive.f64(&format!("{owner}.mean"), &[columns])?;
        let scale = archive.f64(&format!("{owner}.scale"), &[columns])?;
        if scale.iter().any(|scale| *scale <= 0.0) {
            return Err(ModelError::Damaged(format!("a scale of its {owner} is not positive")));
        }
        Ok(Self { mean, scale })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: usize, values: Vec<f32>) -> Matrix {
        let columns = values.len() / rows;
        Matrix::new(rows, columns, values).expect("matrix")
    }

    fn all(x: &Matrix) -> Vec<usize> {
        (0..x.rows()).collect()
    }

    fn vectors(x: &Matrix) -> Affine {
        Affine::standard(x, &all(x), Shape::Vector(x.columns()))
    }

    #[test]
    fn training_rows_get_mean_zero_and_deviation_one() {
        let x = matrix(4, vec![1.0, 1e6, 2.0, 1e6 + 1.0, 3.0, 1e6 + 2.0, 6.0, 1e6 + 3.0]);
        let z = vectors(&x).transform(&x, &all(&x));
        for column in 0..2 {
            let v: Vec<f64> = (0..4).map(|r| f64::from(z[r * 2 + column])).collect();
            let mean = v.iter().sum::<f64>() / 4.0;
            let sd = (v.iter().map(|a| (a - mean).powi(2)).sum::<f64>() / 4.0).sqrt();
            assert!(mean.abs() < 1e-6 && (sd - 1.0).abs() < 1e-6, "{mean} {sd}");
        }
    }

    #[test]
    fn gain_and_shift_of_a_column_do_not_change_its_scores() {
        let x = matrix(5, vec![0.5, -1.0, 2.0, 0.25, 4.0]);
        let y = matrix(5, x.values().iter().map(|v| 8.0 * v - 32.0).collect());
        assert_eq!(vectors(&x).transform(&x, &all(&x)), vectors(&y).transform(&y, &all(&y)));
    }

    #[test]
    fn constant_columns_and_a_single_row_become_zero() {
        // 0.1 has no exact mean in binary, which is what the rounding threshold is for.
        let x = matrix(3, vec![0.1, 7.0, 0.1, 7.0, 0.1, 7.0]);
        let s = vectors(&x);
        assert_eq!(s.scale, [1.0, 1.0]);
        assert!(s.transform(&x, &all(&x)).iter().all(|z| z.abs() < 1e-6));
        assert_eq!(vectors(&matrix(1, vec![3.0, 4.0])).scale, [1.0, 1.0]);
    }

    #[test]
    fn the_frames_of_a_picture_share_the_statistics_of_their_band() {
        // Two recordings of three frames and two bands, one loud and one that never changes.
        let frames = [[1.0f32, 5.0], [2.0, 5.0], [3.0, 5.0], [4.0, 5.0], [5.0, 5.0], [6.0, 5.0]];
        let x = matrix(2, frames.concat());
        let picture = Affine::standard(&x, &all(&x), Shape::Picture { frames: 3, bands: 2 });
        let bands = vectors(&Matrix::from_rows(&frames).expect("matrix"));
        assert_eq!(picture.mean, [3.5, 5.0].repeat(3));
        assert_eq!((picture.mean, picture.scale), (bands.mean.repeat(3), bands.scale.repeat(3)));
        // A picture of one frame is a vector.
        let one = Affine::standard(&x, &all(&x), Shape::Picture { frames: 1, bands: 6 });
        assert_eq!(one, vectors(&x));
    }

    #[test]
    fn rows_that_are_not_listed_do_not_count() {
        let x = matrix(4, vec![1.0, 900.0, 2.0, 4.0]);
        let s = Affine::standard(&x, &[3, 0, 2], Shape::Vector(1));
        let copied = matrix(3, vec![4.0, 1.0, 2.0]);
        assert_eq!(s, vectors(&copied));
        assert_eq!(s.transform(&x, &[3, 0, 2]), s.transform(&copied, &all(&copied)));
    }

    #[test]
    fn scaling_overall_has_one_mean_and_one_scale() {
        let x = matrix(2, vec![1.0, 2.0, 3.0, 6.0, 50.0, 60.0]);
        let s = Affine::overall(&x, &[0]);
        assert_eq!(s, Affine { mean: vec![2.0; 3], scale: vec![(2.0f64 / 3.0).sqrt(); 3] });
    }

    #[test]
    fn without_scaling_values_stay_as_they_are() {
        // Variances of spectra are in squared hertz.
        let x = matrix(2, vec![3.5, -9e6, 0.25, 4e12]);
        let s = Affine::identity(2);
        assert_eq!(s.transform(&x, &all(&x)), x.values());
    }

    #[test]
    fn a_far_outlier_stays_finite() {
        let s = vectors(&matrix(2, vec![0.0, 1e-30]));
        let z = s.transform(&matrix(1, vec![f32::MAX]), &[0]);
        assert_eq!(z, [1e6]);
    }
}
