//! The descriptors of a recording over time.

use crate::lld::smoothing::{mean, mean_nonzero};

use super::names::{DESCRIPTORS, SPECTRAL};

/// Rows that are let go of at once.
const SPENT: usize = 1 << 12;

/// The descriptors of a recording before they are smoothed.
#[derive(Debug, Default)]
pub(super) struct Contours {
    /// In the order of [`DESCRIPTORS`]. The first ten have a value for every frame of 20 ms, the others for every frame of 60 ms.
    pub(super) values: [Vec<f32>; DESCRIPTORS.len()],
    /// How many frames were decided before the end of the recording was known.
    pub(super) decided: usize,
    /// Sum over all frames of 20 ms of the mean square of their samples.
    pub(super) energy: f64,
    /// The place of the next row to be taken. The first values go when the rows after them are taken.
    next: usize,
}

impl Contours {
    pub(super) fn clear(&mut self) {
        self.values.iter_mut().for_each(Vec::clear);
        (self.decided, self.energy, self.next) = (0, 0.0, 0);
    }

    /// Appends all descriptors, smoothed, of the frames of 60 ms that were not taken yet; the last one stays until its successor is
    /// known, or the recording is over. Functionals cannot be told of what was taken.
    pub(super) fn take_rows(&mut self, over: bool, rows: &mut Vec<f32>) {
        let end = self.values[SPECTRAL].len().saturating_sub(usize::from(!over));
        for row in self.next..end {
            let smoothed = self.values.iter().enumerate().map(|(column, contour)| {
                let neighbours =
                    [contour[row.saturating_sub(1)], contour[row], contour[(row + 1).min(contour.len() - 1)]];
                if column < SPECTRAL { mean(neighbours) } else { mean_nonzero(neighbours) }
            });
            rows.extend(smoothed);
        }
        self.next = self.next.max(end);
        if self.next > SPENT {
            // The row before the next one smooths it.
            let spent = self.next - 1;
            self.values.iter_mut().for_each(|contour| drop(contour.drain(..spent)));
            self.next = 1;
        }
    }
}
