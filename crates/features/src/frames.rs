//! A table of values, one row a frame.

use crate::error::FeatureError;
use crate::lanes::{LANES, Lane};

/// Values of shape `(frames, bands)`, one row a frame, stored row after row.
///
/// ```
/// use stimmung_features::Frames;
///
/// let table = Frames::from_rows(vec![1.0, 10.0, 3.0, 30.0], 2)?;
/// assert_eq!((table.frames(), table.bands()), (2, 2));
/// assert_eq!(table.frame(1), [3.0, 30.0]);
/// assert_eq!(table.mean(), [2.0, 20.0]);
/// assert_eq!(table.standard_deviation(), [1.0, 10.0]);
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Frames {
    values: Vec<f32>,
    bands: usize,
}

impl Frames {
    /// A table of zeros.
    pub fn zeros(frames: usize, bands: usize) -> Self {
        Self { values: vec![0.0; frames * bands], bands }
    }

    /// Takes rows of `bands` values each, one after the other.
    ///
    /// # Errors
    /// [`FeatureError::Width`] where the values do not fill whole rows, or `bands` is zero.
    pub fn from_rows(values: Vec<f32>, bands: usize) -> Result<Self, FeatureError> {
        if bands == 0 || !values.len().is_multiple_of(bands) {
            let actual = if bands == 0 { 0 } else { values.len() % bands };
            return Err(FeatureError::Width { what: "the last row", expected: bands, actual });
        }
        Ok(Self { values, bands })
    }

    /// Number of rows.
    pub fn frames(&self) -> usize {
        self.values.len() / self.bands.max(1)
    }

    /// Number of columns.
    pub fn bands(&self) -> usize {
        self.bands
    }

    /// One row.
    ///
    /// # Panics
    /// Where there is no such frame, as for a slice.
    pub fn frame(&self, index: usize) -> &[f32] {
        &self.values[index * self.bands..(index + 1) * self.bands]
    }

    /// One row, to be written.
    ///
    /// # Panics
    /// Where there is no such frame, as for a slice.
    pub fn frame_mut(&mut self, index: usize) -> &mut [f32] {
        &mut self.values[index * self.bands..(index + 1) * self.bands]
    }

    /// All rows in turn.
    pub fn iter(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.bands.max(1))
    }

    /// All values, row after row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All values, row after row, to be written.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// The values themselves, row after row.
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }

    /// Mean over time of every column, summed in `f64`; zeros where there is no frame.
    pub fn mean(&self) -> Vec<f32> {
        self.mean_wide().into_iter().map(|value| value as f32).collect()
    }

    fn mean_wide(&self) -> Vec<f64> {
        let mut sums = vec![0.0_f64; self.bands];
        for row in self {
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum += f64::from(value);
            }
        }
        let count = self.frames().max(1) as f64;
        for sum in &mut sums {
            *sum /= count;
        }
        sums
    }

    /// Standard deviation over time of every column (of the population: divided by the number of frames), in two
    /// passes in `f64`.
    pub fn standard_deviation(&self) -> Vec<f32> {
        let mean = self.mean_wide();
        let mut squares = vec![0.0_f64; self.bands];
        for row in self {
            for ((square, &value), &centre) in squares.iter_mut().zip(row).zip(&mean) {
                *square += (f64::from(value) - centre).powi(2);
            }
        }
        let count = self.frames().max(1) as f64;
        squares.into_iter().map(|square| (square / count).sqrt() as f32).collect()
    }

    /// Checks the number of columns.
    pub(crate) fn expect_bands(&self, what: &'static str, expected: usize) -> Result<(), FeatureError> {
        if self.bands == expected { Ok(()) } else { Err(FeatureError::Width { what, expected, actual: self.bands }) }
    }

    /// Runs `kernel` on blocks of [`LANES`] frames, turned so that the frames lie in the lanes, and collects its
    /// output of `bands` values a frame. Lanes beyond the last frame hold zeros and are dropped.
    pub(crate) fn map_blocks(&self, bands: usize, mut kernel: impl FnMut(&[Lane], &mut [Lane])) -> Self {
        let mut output = Self::zeros(self.frames(), bands);
        let mut block = vec![[0.0; LANES]; self.bands];
        let mut result = vec![[0.0; LANES]; bands];
        for first in (0..self.frames()).step_by(LANES) {
            let count = LANES.min(self.frames() - first);
            block.fill([0.0; LANES]);
            for lane in 0..count {
                for (cell, &value) in block.iter_mut().zip(self.frame(first + lane)) {
                    cell[lane] = value;
                }
            }
            kernel(&block, &mut result);
            for lane in 0..count {
                for (value, cell) in output.frame_mut(first + lane).iter_mut().zip(&result) {
                    *value = cell[lane];
                }
            }
        }
        output
    }
}

impl<'a> IntoIterator for &'a Frames {
    type Item = &'a [f32];
    type IntoIter = std::slice::ChunksExact<'a, f32>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// By what length each frame is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Norm {
    /// The largest magnitude (infinity norm).
    Maximum,
    /// The sum of the magnitudes (norm 1).
    Sum,
}

/// Divides every frame by its norm. A frame whose norm is below the smallest normal `f32` (silence) stays as it is.
///
/// ```
/// use stimmung_features::{Frames, Norm, normalize};
///
/// let mut table = Frames::from_rows(vec![1.0, 4.0, 0.0, 0.0], 2)?;
/// normalize(&mut table, Norm::Maximum);
/// assert_eq!(table.values(), [0.25, 1.0, 0.0, 0.0]);
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
pub fn normalize(table: &mut Frames, norm: Norm) {
    for index in 0..table.frames() {
        let row = table.frame_mut(index);
        let length = match norm {
            Norm::Maximum => row.iter().fold(0.0_f64, |most, value| most.max(f64::from(value.abs()))),
            Norm::Sum => row.iter().map(|value| f64::from(value.abs())).sum(),
        };
        if length >= f64::from(f32::MIN_POSITIVE) {
            for value in row {
                *value = (f64::from(*value) / length) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_do_not_fill_are_refused() {
        assert!(Frames::from_rows(vec![0.0; 5], 2).is_err());
        assert!(Frames::from_rows(vec![], 0).is_err());
        assert_eq!(Frames::from_rows(vec![], 3).unwrap().frames(), 0);
    }

    #[test]
    fn empty_tables_have_no_frames_and_mean_zero() {
        let table = Frames::zeros(0, 3);
        assert_eq!(table.frames(), 0);
        assert_eq!(table.mean(), [0.0; 3]);
        assert_eq!(table.standard_deviation(), [0.0; 3]);
    }

    #[test]
    fn blocks_keep_frames_apart() {
        let rows: Vec<f32> = (0..37 * 3).map(|value| value as f32).collect();
        let table = Frames::from_rows(rows, 3).unwrap();
        let doubled = table.map_blocks(3, |input, output| {
            for (to, from) in output.iter_mut().zip(input) {
                *to = from.map(|value| 2.0 * value);
            }
        });
        assert_eq!(doubled.frames(), 37);
        assert!(doubled.values().iter().zip(table.values()).all(|(two, one)| *two == 2.0 * one));
    }

    #[test]
    fn norms_reach_one_and_leave_silence() {
        let mut table = Frames::from_rows(vec![1.0, 3.0, 0.0, 0.0, 1e-42, 0.0], 2).unwrap();
        normalize(&mut table, Norm::Sum);
        assert_eq!(table.values(), [0.25, 0.75, 0.0, 0.0, 1e-42, 0.0]);
    }
}
