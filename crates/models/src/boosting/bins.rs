//! Features cut into bins: a split can only fall between two of them.

use rayon::prelude::*;

use crate::Matrix;
use crate::tree::between;

/// Features as numbers of bins, column after column.
pub(super) struct Binned {
    rows: usize,
    bins: Vec<u8>,
    /// For each column the upper edges of all bins but the last, ascending: a value is in the first bin whose edge is not
    /// below it.
    edges: Vec<Vec<f32>>,
}

impl Binned {
    /// Most bins that a column can have.
    pub(super) const MOST: usize = 255;

    /// Cuts every column into at most `most` bins, from 2 to [`Binned::MOST`], that hold about the same number of rows; one for
    /// each value where they are few.
    pub(super) fn new(x: &Matrix, most: usize) -> Self {
        let (rows, columns) = (x.rows(), x.columns());
        let mut bins = vec![0; rows * columns];
        let edges = bins
            .par_chunks_mut(rows)
            .enumerate()
            .map(|(column, bins)| {
                let values: Vec<f32> = x.iter_rows().map(|row| row[column]).collect();
                let mut sorted = values.clone();
                sorted.sort_unstable_by(f32::total_cmp);
                let edges = edges(&sorted, most);
                for (bin, value) in bins.iter_mut().zip(values) {
                    *bin = edges.partition_point(|&edge| edge < value) as u8;
                }
                edges
            })
            .collect();
        Self { rows, bins, edges }
    }

    /// The bin of each row.
    pub(super) fn column(&self, column: usize) -> &[u8] {
        &self.bins[column * self.rows..][..self.rows]
    }

    /// The largest value of a bin that is not the last.
    pub(super) fn edge(&self, column: usize, bin: u8) -> f32 {
        self.edges[column][usize::from(bin)]
    }
}

/// The upper edges of all bins but the last, of values in ascending order.
fn edges(sorted: &[f32], most: usize) -> Vec<f32> {
    let mut distinct = sorted.to_vec();
    distinct.dedup();
    if distinct.len() <= most {
        return distinct.windows(2).map(|pair| between(pair[0], pair[1])).collect();
    }
    let mut edges: Vec<f32> = (1..most)
        .filter_map(|bin| {
            let low = sorted[bin * sorted.len() / most - 1];
            let high = sorted.get(sorted.partition_point(|&value| value <= low))?;
            Some(between(low, *high))
        })
        .collect();
    edges.dedup();
    edges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Lcg;

    #[test]
    fn few_values_get_a_bin_each() {
        let x = Matrix::new(6, 1, vec![3.0, 1.0, 3.0, -0.0, 0.0, 2.0]).expect("matrix");
        let binned = Binned::new(&x, 255);
        assert_eq!(binned.column(0), [3, 1, 3, 0, 0, 2]);
        assert_eq!(binned.edges, [[0.5, 1.5, 2.5]]);
        let constant = Binned::new(&Matrix::new(3, 1, vec![7.0; 3]).expect("matrix"), 255);
        assert_eq!((constant.column(0), constant.edges[0].len()), (&[0, 0, 0][..], 0));
    }

    #[test]
    fn many_values_are_shared_out_evenly() {
        let mut random = Lcg::new(3);
        let x = Matrix::new(1000, 1, (0..1000).map(|_| random.uniform().powi(3) as f32).collect()).expect("matrix");
        let binned = Binned::new(&x, 10);
        let mut counts = [0; 10];
        for &bin in binned.column(0) {
            counts[usize::from(bin)] += 1;
        }
        assert_eq!(counts, [100; 10]);
        for (&value, &bin) in x.values().iter().zip(binned.column(0)) {
            assert!(bin == 9 || value <= binned.edge(0, bin));
            assert!(bin == 0 || value > binned.edge(0, bin - 1));
        }
    }

    #[test]
    fn a_value_that_fills_several_bins_takes_one() {
        // 900 zeros and 600 others: of ten bins, six are the same.
        let values = (0..1500).map(|row| if row < 900 { 0.0 } else { row as f32 }).collect();
        let binned = Binned::new(&Matrix::new(1500, 1, values).expect("matrix"), 10);
        assert!(binned.edges[0].windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(binned.edges[0].len(), 4);
        assert!(binned.column(0)[..900].iter().all(|&bin| bin == 0));
        // The largest value fills the upper ones.
        let values = (0..1500).map(|row| if row < 900 { 5000.0 } else { row as f32 }).collect();
        let binned = Binned::new(&Matrix::new(1500, 1, values).expect("matrix"), 10);
        assert!(binned.edges[0].iter().all(|&edge| edge < 5000.0));
    }
}
