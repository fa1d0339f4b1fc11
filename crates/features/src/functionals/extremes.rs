//! The least and the greatest value of a contour.

use crate::lanes::vectorized;

/// Functionals of a contour's extent, in the order of [`Extremes::three`].
pub(crate) const NAMES: [&str; 3] = ["range", "maxPos", "minPos"];

/// The least and the greatest value of a contour, both 0 for an empty one. Other families measure in their distance.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Extremes {
    pub(crate) least: f32,
    pub(crate) greatest: f32,
}

impl Extremes {
    pub(crate) fn of(values: &[f32]) -> Self {
        let Some(&first) = values.first() else { return Self::default() };
        let (mut least, mut greatest) = ([first; 16], [first; 16]);
        vectorized(
            #[inline(always)]
            || {
                let (chunks, rest) = values.as_chunks::<16>();
                for chunk in chunks {
                    for lane in 0..16 {
                        least[lane] = if chunk[lane] < least[lane] { chunk[lane] } else { least[lane] };
                        greatest[lane] = if chunk[lane] > greatest[lane] { chunk[lane] } else { greatest[lane] };
                    }
                }
                Self {
                    least: least.iter().chain(rest).fold(first, |least, value| least.min(*value)),
                    greatest: greatest.iter().chain(rest).fold(first, |greatest, value| greatest.max(*value)),
                }
            },
        )
    }

    /// The greatest less the least value, in units of the contour.
    pub(crate) fn range(self) -> f64 {
        f64::from(self.greatest) - f64::from(self.least)
    }

    /// Named by [`NAMES`]: the range, and where the greatest and the least value are first met, as shares (0 to 1) of the number
    /// of values of the contour that this is of.
    pub(crate) fn three(self, values: &[f32]) -> [f64; NAMES.len()] {
        let place = |wanted: f32| values.iter().position(|value| *value == wanted).unwrap_or(0) as f64;
        let count = values.len().max(1) as f64;
        [self.range(), place(self.greatest) / count, place(self.least) / count]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three(values: &[f32]) -> [f64; 3] {
        Extremes::of(values).three(values)
    }

    #[test]
    fn the_first_of_equal_extremes_counts() {
        assert_eq!(three(&[0.0, 3.0, -1.0, 3.0, -1.0]), [4.0, 0.2, 0.4]);
        let mut ramp: Vec<f32> = (0..40_u8).map(f32::from).collect();
        assert_eq!(three(&ramp), [39.0, 39.0 / 40.0, 0.0]);
        ramp[17] = 50.0;
        ramp[35] = -1.0;
        assert_eq!(three(&ramp), [51.0, 17.0 / 40.0, 35.0 / 40.0]);
        assert_eq!(three(&[7.0; 3]), [0.0; 3]);
        assert_eq!(three(&[]), [0.0; 3]);
        assert!(three(&[f32::MAX, -f32::MAX])[0].is_finite());
    }
}
