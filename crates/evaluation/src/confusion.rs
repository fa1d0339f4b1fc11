//! The confusion matrix.

use serde::{Deserialize, Serialize};

use crate::EvaluationError;

/// How often each class was taken for each class: rows are the truth, columns the prediction.
///
/// ```
/// use stimmung_evaluation::ConfusionMatrix;
///
/// let classes = ["anger".to_owned(), "fear".to_owned()];
/// let matrix = ConfusionMatrix::new(&classes, &[0, 0, 0, 1], &[0, 0, 1, 1])?;
/// assert_eq!(matrix.counts(), [[2, 1], [0, 1]]);
/// assert_eq!(matrix.by_row(), [[2.0 / 3.0, 1.0 / 3.0], [0.0, 1.0]]); // the diagonal is the recall
/// assert_eq!(matrix.by_column(), [[1.0, 0.5], [0.0, 0.5]]); // the diagonal is the precision
/// # Ok::<(), stimmung_evaluation::EvaluationError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct ConfusionMatrix {
    classes: Vec<String>,
    counts: Vec<Vec<u64>>,
}

/// A matrix as read from a file: not known to be square.
#[derive(Deserialize)]
struct Unchecked {
    classes: Vec<String>,
    counts: Vec<Vec<u64>>,
}

impl TryFrom<Unchecked> for ConfusionMatrix {
    type Error = EvaluationError;

    fn try_from(Unchecked { classes, counts }: Unchecked) -> Result<Self, Self::Error> {
        let size = classes.len();
        if let Some(length) =
            std::iter::once(counts.len()).chain(counts.iter().map(Vec::len)).find(|&length| length != size)
        {
            return Err(EvaluationError::mismatch("rows and columns of a confusion matrix", size, length));
        }
        Ok(Self { classes, counts })
    }
}

impl ConfusionMatrix {
    /// Counts pairs of true and predicted class, both as indices into `classes`.
    ///
    /// # Errors
    /// [`EvaluationError::Mismatch`] where the lists differ in length or an index is out of range.
    pub fn new(classes: &[String], truth: &[usize], predicted: &[usize]) -> Result<Self, EvaluationError> {
        if truth.len() != predicted.len() {
            return Err(EvaluationError::mismatch("predictions", truth.len(), predicted.len()));
        }
        let size = classes.len();
        let mut counts = vec![vec![0; size]; size];
        for (&truth, &predicted) in truth.iter().zip(predicted) {
            if truth >= size || predicted >= size {
                let expected = format!("an index below {size}");
                return Err(EvaluationError::mismatch("a class", expected, truth.max(predicted)));
            }
            counts[truth][predicted] += 1;
        }
        Ok(Self { classes: classes.to_vec(), counts })
    }

    /// The names of the classes, in the order of rows and columns.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The counts: `counts()[truth][predicted]`, shape `(classes, classes)`.
    pub fn counts(&self) -> &[Vec<u64>] {
        &self.counts
    }

    /// The number of recordings counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// Each row as shares of its sum: what became of the recordings of each class. The diagonal is the recall. A row
    /// without recordings is 0 throughout.
    pub fn by_row(&self) -> Vec<Vec<f64>> {
        self.counts
            .iter()
            .map(|row| {
                let sum = row.iter().sum();
                row.iter().map(|&count| ratio(count, sum)).collect()
            })
            .collect()
    }

    /// Each column as shares of its sum: what the predictions of each class really were. The diagonal is the
    /// precision. A class that was never predicted has a column of 0.
    pub fn by_column(&self) -> Vec<Vec<f64>> {
        let sums = self.column_sums();
        self.counts.iter().map(|row| row.iter().zip(&sums).map(|(&count, &sum)| ratio(count, sum)).collect()).collect()
    }

    /// How often each class is the truth.
    pub(crate) fn row_sums(&self) -> Vec<u64> {
        self.counts.iter().map(|row| row.iter().sum()).collect()
    }

    /// How often each class is predicted.
    pub(crate) fn column_sums(&self) -> Vec<u64> {
        let mut sums = vec![0; self.classes.len()];
        for row in &self.counts {
            for (sum, count) in sums.iter_mut().zip(row) {
                *sum += count;
            }
        }
        sums
    }
}

/// A share, 0 of 0 being 0.
pub(crate) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|class| format!("c{class}")).collect()
    }

    #[test]
    fn empty_rows_and_columns_are_zero() {
        let matrix = ConfusionMatrix::new(&names(3), &[0, 0], &[1, 1]).unwrap();
        assert_eq!(matrix.by_row(), [[0.0, 1.0, 0.0], [0.0; 3], [0.0; 3]]);
        assert_eq!(matrix.by_column(), [[0.0, 1.0, 0.0], [0.0; 3], [0.0; 3]]);
        assert_eq!((matrix.total(), matrix.row_sums(), matrix.column_sums()), (2, vec![2, 0, 0], vec![0, 2, 0]));
    }

    #[test]
    fn lists_that_do_not_fit_are_refused() {
        let refused = |truth: &[usize], predicted: &[usize]| {
            matches!(ConfusionMatrix::new(&names(2), truth, predicted), Err(EvaluationError::Mismatch { .. }))
        };
        assert!(refused(&[0], &[]));
        assert!(refused(&[2], &[0]));
        assert!(refused(&[0], &[usize::MAX]));
        assert!(!refused(&[], &[]));
    }

    #[test]
    fn a_ragged_matrix_cannot_be_read() {
        let read = |text| serde_json::from_str::<ConfusionMatrix>(text);
        assert!(read(r#"{"classes":["a","b"],"counts":[[1,0],[0]]}"#).is_err());
        assert!(read(r#"{"classes":["a","b"],"counts":[[1,0]]}"#).is_err());
        assert_eq!(read(r#"{"classes":["a","b"],"counts":[[1,0],[0,2]]}"#).unwrap().total(), 3);
    }
}
