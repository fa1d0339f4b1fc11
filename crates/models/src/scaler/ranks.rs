//! Ranks among the rows of one speaker.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rayon::prelude::*;

use super::quantiles::normal_quantile;
use crate::{Matrix, ModelError};

/// Replaces every value by the normal score of its rank among the values of its column in the rows of the same group (B. L. van der
/// Waerden 1952): of `n` rows, the one of rank `r` from 1 to `n` gets `Φ⁻¹((r − ½) / n)`, and equal values share the score of their mean rank.
///
/// What is left is how a row differs from the others of its group. Shape `(rows, columns)`, as `features`; a group of one row becomes 0.
///
/// # Errors
/// [`ModelError::GroupCount`] unless every row has a group, [`ModelError::NotFinite`] with row and column for NaN and infinite features.
///
/// # Examples
/// ```
/// use stimmung_models::{Matrix, rank_scores};
/// // Two speakers; the second is a hundred times as loud.
/// let features = Matrix::new(6, 1, vec![1.0, 2.0, 3.0, 100.0, 200.0, 300.0])?;
/// let scores = rank_scores(&features, &[0, 0, 0, 1, 1, 1])?;
/// assert_eq!(scores.values()[..3], scores.values()[3..]);
/// assert_eq!(scores.row(1), [0.0]);
/// # Ok::<(), stimmung_models::ModelError>(())
/// ```
pub fn rank_scores(features: &Matrix, groups: &[usize]) -> Result<Matrix, ModelError> {
    if groups.len() != features.rows() {
        return Err(ModelError::GroupCount { rows: features.rows(), groups: groups.len() });
    }
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (row, &group) in groups.iter().enumerate() {
        members.entry(group).or_default().push(row);
    }
    features.check_finite(&(0..features.rows()).collect::<Vec<_>>())?;
    let columns = features.columns();
    let scored: Vec<(&Vec<usize>, Vec<f32>)> =
        members.values().collect::<Vec<_>>().into_par_iter().map(|rows| (rows, ranked(features, rows))).collect();
    let mut values = vec![0.0; groups.len() * columns];
    for (rows, scores) in scored {
        for (&row, scores) in rows.iter().zip(scores.chunks_exact(columns)) {
            values[row * columns..(row + 1) * columns].copy_from_slice(scores);
        }
    }
    Matrix::new(groups.len(), columns, values)
}

/// The scores of these rows among themselves, row by row.
fn ranked(features: &Matrix, rows: &[usize]) -> Vec<f32> {
    let (n, columns) = (rows.len(), features.columns());
    // Scores of all whole and half ranks: that of `half_ranks / 2 + 1` stands at `half_ranks`.
    let scores: Vec<f32> = (0..2 * n - 1).map(|half| score((half + 1) as f64 / (2 * n) as f64)).collect();
    let mut out = vec![0.0; n * columns];
    let mut order: Vec<(f32, usize)> = Vec::with_capacity(n);
    for column in 0..columns {
        order.clear();
        order.extend(rows.iter().enumerate().map(|(place, &row)| (features.row(row)[column], place)));
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut first = 0;
        while first < n {
            let equal = order[first..].iter().take_while(|it| it.0 == order[first].0).count();
            for &(_, place) in &order[first..first + equal] {
                out[place * columns + column] = scores[2 * first + equal - 1];
            }
            first += equal;
        }
    }
    out
}

/// The value below which the standard normal distribution has this share; exactly opposite for opposite shares.
fn score(share: f64) -> f32 {
    let score = match share.total_cmp(&0.5) {
        Ordering::Less => normal_quantile(share),
        Ordering::Equal => 0.0,
        Ordering::Greater => -normal_quantile(1.0 - share),
    };
    score as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[f32], groups: &[usize]) -> Vec<f32> {
        rank_scores(&Matrix::new(values.len(), 1, values.to_vec()).unwrap(), groups).unwrap().values().to_vec()
    }

    #[test]
    fn ranks_score_as_in_tables() {
        // Φ⁻¹ of 0.1, 0.3, 0.5, 0.7 and 0.9.
        let wanted = [0.524_400_5, -1.281_551_6, 0.0, 1.281_551_6, -0.524_400_5];
        for (score, wanted) in column(&[4.0, -7.0, 3.5, 1e9, 3.0], &[0; 5]).iter().zip(wanted) {
            assert!((score - wanted).abs() < 1e-6, "{score} {wanted}");
        }
    }

    #[test]
    fn equal_values_share_their_mean_rank() {
        // Of ranks 1 and 2 the mean is 1.5, so its share is a quarter; 0 and −0 are equal.
        let scores = column(&[0.0, 5.0, -0.0, 9.0], &[0; 4]);
        assert_eq!((scores[0], scores[2]), (scores[0], scores[0]));
        assert!((scores[0] + 0.674_489_8).abs() < 1e-6, "{scores:?}");
        assert_eq!(column(&[3.0; 4], &[0; 4]), [0.0; 4]);
        assert_eq!(column(&[3.0], &[8]), [0.0]);
    }

    #[test]
    fn a_group_does_not_know_of_the_others() {
        let alone = column(&[5.0, 1.0, 2.0], &[0; 3]);
        let mixed = column(&[5.0, 1e6, 1.0, -1e6, 2.0], &[3, 1, 3, 1, 3]);
        assert_eq!([mixed[0], mixed[2], mixed[4]], alone[..]);
        // Whatever rises together has the same ranks: other units, another gain.
        assert_eq!(column(&[25.0, 1.0, 4.0], &[0; 3]), alone);
    }

    #[test]
    fn columns_are_ranked_one_by_one() {
        let both = Matrix::new(3, 2, vec![1.0, 9.0, 2.0, 8.0, 3.0, 7.0]).unwrap();
        let scores = rank_scores(&both, &[0; 3]).unwrap();
        for row in scores.iter_rows() {
            assert_eq!(row[0], -row[1]);
        }
    }

    #[test]
    fn what_cannot_be_ranked_is_refused() {
        let x = Matrix::new(2, 1, vec![1.0, f32::NAN]).unwrap();
        assert!(matches!(rank_scores(&x, &[0]), Err(ModelError::GroupCount { rows: 2, groups: 1 })));
        assert!(matches!(rank_scores(&x, &[0, 0]), Err(ModelError::NotFinite { .. })));
    }
}
