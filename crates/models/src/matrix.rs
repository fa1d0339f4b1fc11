//! A table of features: one row a recording.

use crate::ModelError;

/// Features of several recordings, or class probabilities of several recordings: row-major, one row a recording.
///
/// # Examples
/// ```
/// use stimmung_models::Matrix;
/// let m = Matrix::new(2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// assert_eq!(m.row(1), [4.0, 5.0, 6.0]);
/// assert!(Matrix::new(2, 3, vec![0.0; 5]).is_err());
/// # Ok::<(), stimmung_models::ModelError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<f32>,
}

impl Matrix {
    /// A matrix from its values, row after row.
    ///
    /// # Errors
    /// [`ModelError::MatrixSize`] if there are not exactly `rows` × `columns` values.
    pub fn new(rows: usize, columns: usize, values: Vec<f32>) -> Result<Self, ModelError> {
        if rows.checked_mul(columns) != Some(values.len()) {
            return Err(ModelError::MatrixSize { rows, columns, actual: values.len() });
        }
        Ok(Self { rows, columns, values })
    }

    /// A matrix from rows of equal length. No rows make a matrix of 0 × 0.
    ///
    /// # Errors
    /// [`ModelError::RaggedRow`] names the first row whose length differs from that of row 0.
    pub fn from_rows<R: AsRef<[f32]>>(rows: &[R]) -> Result<Self, ModelError> {
        let columns = rows.first().map_or(0, |row| row.as_ref().len());
        let mut values = Vec::with_capacity(rows.len() * columns);
        for (index, row) in rows.iter().enumerate() {
            let row = row.as_ref();
            if row.len() != columns {
                return Err(ModelError::RaggedRow { row: index, expected: columns, actual: row.len() });
            }
            values.extend_from_slice(row);
        }
        Self::new(rows.len(), columns, values)
    }

    /// Number of rows (recordings).
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns (features or classes).
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All values, row after row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The values of one row.
    ///
    /// # Panics
    /// If `index` is not below [`Matrix::rows`], as indexing a slice does.
    pub fn row(&self, index: usize) -> &[f32] {
        assert!(index < self.rows, "row {index} of a matrix with {} rows", self.rows);
        &self.values[index * self.columns..][..self.columns]
    }

    /// The rows in order.
    pub fn iter_rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        (0..self.rows).map(|index| self.row(index))
    }

    /// A new matrix of the given rows, in the given order; a row may be repeated.
    ///
    /// # Errors
    /// [`ModelError::RowOutOfRange`] names the first index behind the end.
    pub fn select_rows(&self, indices: &[usize]) -> Result<Self, ModelError> {
        self.check_rows(indices)?;
        let mut values = Vec::with_capacity(indices.len().saturating_mul(self.columns));
        for &row in indices {
            values.extend_from_slice(self.row(row));
        }
        Self::new(indices.len(), self.columns, values)
    }

    /// Fails on the first of these rows that is behind the end.
    pub(crate) fn check_rows(&self, rows: &[usize]) -> Result<(), ModelError> {
        match rows.iter().find(|&&row| row >= self.rows) {
            None => Ok(()),
            Some(&row) => Err(ModelError::RowOutOfRange { row, rows: self.rows }),
        }
    }

    /// Fails on the first NaN or infinite value of these rows, naming its row and column. All rows must be there.
    pub(crate) fn check_finite(&self, rows: &[usize]) -> Result<(), ModelError> {
        for &row in rows {
            if let Some(column) = self.row(row).iter().position(|v| !v.is_finite()) {
                return Err(ModelError::NotFinite { row, column, value: self.row(row)[column] });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_must_fill_the_matrix() {
        assert!(Matrix::new(2, 2, vec![0.0; 4]).is_ok());
        assert!(matches!(
            Matrix::new(2, 2, vec![0.0; 3]),
            Err(ModelError::MatrixSize { rows: 2, columns: 2, actual: 3 })
        ));
        // A product that overflows is an error, not a panic.
        assert!(Matrix::new(usize::MAX, 2, vec![]).is_err());
    }

    #[test]
    fn rows_of_unequal_length_are_named() {
        let rows: [&[f32]; 3] = [&[1.0, 2.0], &[3.0, 4.0], &[5.0]];
        assert!(matches!(Matrix::from_rows(&rows), Err(ModelError::RaggedRow { row: 2, expected: 2, actual: 1 })));
    }

    #[test]
    fn rows_are_selected_in_the_order_asked_for() {
        let m = Matrix::from_rows(&[[1.0f32, 2.0], [3.0, 4.0], [5.0, 6.0]]).expect("matrix");
        let s = m.select_rows(&[2, 0, 2]).expect("selection");
        assert_eq!(s.values(), [5.0, 6.0, 1.0, 2.0, 5.0, 6.0]);
        assert!(matches!(m.select_rows(&[3]), Err(ModelError::RowOutOfRange { row: 3, rows: 3 })));
        assert_eq!(m.select_rows(&[]).expect("no rows").rows(), 0);
    }

    #[test]
    fn the_first_value_that_is_not_finite_is_named() {
        let m = Matrix::new(2, 3, vec![0.0, 1.0, 2.0, 3.0, f32::NAN, f32::INFINITY]).expect("matrix");
        assert!(matches!(m.check_finite(&[0, 1]), Err(ModelError::NotFinite { row: 1, column: 1, .. })));
        assert!(m.check_finite(&[0]).is_ok(), "only the rows that are asked for");
    }
}
