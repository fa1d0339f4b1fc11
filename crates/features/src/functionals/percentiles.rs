//! Percentiles.

/// Functionals of a contour's order, in the order of [`Percentiles::nine`].
pub(crate) const NAMES: [&str; 9] = [
    "quartile1",
    "quartile2",
    "quartile3",
    "iqr1-2",
    "iqr2-3",
    "iqr1-3",
    "percentile1.0",
    "percentile99.0",
    "pctlrange0-1",
];

/// Sorts contours, and keeps the place for it.
#[derive(Debug, Default)]
pub(crate) struct Percentiles {
    /// The values as integers of the same order, which are sorted faster.
    sorted: Vec<i32>,
}

impl Percentiles {
    /// The values below which these shares (0 to 1) of a contour lie, interpolated linearly between the two nearest of the
    /// sorted values; 0 for an empty contour.
    pub(crate) fn of<const N: usize>(&mut self, values: &[f32], shares: [f64; N]) -> [f64; N] {
        self.sorted.clear();
        self.sorted.extend(values.iter().map(|value| ordered(value.to_bits().cast_signed())));
        self.sorted.sort_unstable();
        let Some(last) = self.sorted.len().checked_sub(1) else { return [0.0; N] };
        shares.map(|share| {
            let position = share * last as f64;
            let value = |index: f64| f32::from_bits(ordered(self.sorted[index as usize]).cast_unsigned());
            let [low, high] = [position.floor(), position.ceil()].map(|index| f64::from(value(index)));
            low + (position - position.floor()) * (high - low)
        })
    }

    /// Quartiles and the distances between them, the lowest and the highest hundredth and theirs, in units of the contour;
    /// named by [`NAMES`].
    pub(crate) fn nine(&mut self, values: &[f32]) -> [f64; NAMES.len()] {
        let [first, second, third, low, high] = self.of(values, [0.25, 0.5, 0.75, 0.01, 0.99]);
        [first, second, third, second - first, third - second, third - first, low, high, high - low]
    }
}

/// Turns the bits of a number into an integer that is greater for a greater number, and back: of negative numbers, whose sign is
/// the highest bit, all others are turned over.
fn ordered(bits: i32) -> i32 {
    bits ^ ((bits >> 31) & i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_two_values_the_percentile_is_between_them() {
        let mut percentiles = Percentiles::default();
        assert_eq!(percentiles.of(&[4.0, 0.0, 2.0], [0.0, 0.25, 0.5, 1.0]), [0.0, 1.0, 2.0, 4.0]);
        assert_eq!(percentiles.of(&[7.0], [0.2, 0.8]), [7.0, 7.0]);
        assert_eq!(percentiles.of(&[], [0.5]), [0.0]);
        let extreme = [3.0, -f32::MAX, -0.5, f32::MAX, -3.0, 0.0, 1e-40];
        let expected = [-f32::MAX, -3.0, -0.5, 0.0, 1e-40, 3.0, f32::MAX].map(f64::from);
        assert_eq!(percentiles.of(&extreme, std::array::from_fn(|place| place as f64 / 6.0)), expected);
    }

    #[test]
    fn quartiles_and_hundredths_have_their_distances() {
        let values: Vec<f32> = (0..=100_u8).rev().map(f32::from).collect();
        let nine = Percentiles::default().nine(&values);
        assert_eq!(nine, [25.0, 50.0, 75.0, 25.0, 25.0, 50.0, 1.0, 99.0, 98.0]);
        assert_eq!(Percentiles::default().nine(&[]), [0.0; 9]);
        assert_eq!(Percentiles::default().nine(&[-2.0]), [-2.0, -2.0, -2.0, 0.0, 0.0, 0.0, -2.0, -2.0, 0.0]);
    }
}
