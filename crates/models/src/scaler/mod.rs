//! What is done to features before a model sees them.

mod affine;
mod quantiles;
mod ranks;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stimmung_features::Shape;

use crate::archive::{Archive, Tensor};
use crate::{Matrix, ModelError};

pub(crate) use affine::Affine;
use quantiles::Quantiles;
pub use ranks::rank_scores;

/// What is done to features before a model sees them; it is learned from the training rows and kept with the model.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Scaling {
    /// Each column, or each band of a picture, gets mean 0 and standard deviation 1.
    #[default]
    Standard,
    /// All values together get mean 0 and standard deviation 1: columns, or the bands of a picture, keep what tells them
    /// apart. For features in one unit, such as spectrograms.
    Overall,
    /// Each column, or each band of a picture, gets the normal distribution: a value is replaced by the normal score of its rank among
    /// the training rows (B. L. van der Waerden 1952), linearly between 101 quantiles and held within ±2.6. For columns with long
    /// tails, of which acoustic functionals are full; one wild value moves nothing.
    Quantile,
    /// Nothing: values keep their units (held within ±1e15, which no feature reaches). Published systems that learn from raw features are repeated so; linear models,
    /// support vectors and networks suffer from it, trees do not care.
    None,
}

impl Scaling {
    /// Whether it is the default.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What was learned of the training rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scaler {
    Affine(Affine),
    Quantiles(Quantiles),
}

impl Scaler {
    /// Learns what `scaling` needs of these rows of `x`, at least one; it has as many columns as `shape` has values.
    pub(crate) fn fit(scaling: Scaling, x: &Matrix, rows: &[usize], shape: Shape) -> Self {
        match scaling {
            Scaling::Standard => Self::Affine(Affine::standard(x, rows, shape)),
            Scaling::Overall => Self::Affine(Affine::overall(x, rows)),
            Scaling::Quantile => Self::Quantiles(Quantiles::fit(x, rows, shape)),
            Scaling::None => Self::identity(x.columns()),
        }
    }

    /// Leaves so many columns as they are.
    pub(crate) fn identity(columns: usize) -> Self {
        Self::Affine(Affine::identity(columns))
    }

    /// What it was learned for, as far as its values tell: one mean and one scale for all columns may also be those of the only column.
    pub(crate) fn scaling(&self) -> Scaling {
        match self {
            Self::Quantiles(_) => Scaling::Quantile,
            Self::Affine(affine) if affine.is_identity() => Scaling::None,
            Self::Affine(affine) if affine.columns() > 1 && affine.is_uniform() => Scaling::Overall,
            Self::Affine(_) => Scaling::Standard,
        }
    }

    /// Number of columns.
    pub(crate) fn columns(&self) -> usize {
        match self {
            Self::Affine(affine) => affine.columns(),
            Self::Quantiles(quantiles) => quantiles.columns(),
        }
    }

    /// Writes this row, scaled, to `to`. Both have the scaler's number of columns.
    pub(crate) fn scale(&self, row: &[f32], to: &mut [f32]) {
        match self {
            Self::Affine(affine) => affine.standardise(row, to),
            Self::Quantiles(quantiles) => quantiles.scale(row, to),
        }
    }

    /// These rows of `x`, scaled. The matrix has them, and the scaler's number of columns.
    pub(crate) fn transform(&self, x: &Matrix, rows: &[usize]) -> Vec<f32> {
        transform(x, rows, |row, to| self.scale(row, to))
    }

    /// Puts the scaler among the tensors of a model file.
    pub(crate) fn write(&self, tensors: &mut BTreeMap<String, Tensor>) {
        match self {
            Self::Affine(affine) => affine.write("scaler", tensors),
            Self::Quantiles(quantiles) => quantiles.write(tensors),
        }
    }

    /// Takes the scaler from a model file of features of this shape.
    pub(crate) fn read(archive: &mut Archive<'_>, shape: Shape) -> Result<Self, ModelError> {
        if archive.shape(quantiles::TENSOR).is_ok() {
            return Ok(Self::Quantiles(Quantiles::read(archive, shape)?));
        }
        let columns = archive.shape("scaler.mean")?.first().copied().unwrap_or(0);
        Ok(Self::Affine(Affine::read("scaler", archive, columns)?))
    }
}

/// These rows of `x`, each as `scale` writes it.
fn transform(x: &Matrix, rows: &[usize], scale: impl Fn(&[f32], &mut [f32])) -> Vec<f32> {
    let mut out = vec![0.0; rows.len() * x.columns()];
    for (to, &row) in out.chunks_exact_mut(x.columns()).zip(rows) {
        scale(x.row(row), to);
    }
    out
}

/// Values after which the columns repeat: a picture is so many rows of its bands.
fn period(shape: Shape) -> usize {
    match shape {
        Shape::Vector(columns) => columns,
        Shape::Picture { bands, .. } => bands,
    }
}
