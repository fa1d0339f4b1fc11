//! Tonnetz: chroma as a point in the space of tonal centroids.

use crate::frames::Frames;

/// The weight of every chroma bin in each of the six dimensions: rows of `bins` values.
///
/// Pairs of sine and cosine on the circles of fifths (7/6 turns a semitone), minor thirds (3/2) and major thirds (2/3),
/// of radius 1, 1 and ½ (Harte, Sandler & Gasser 2006, section 3).
fn basis(bins: usize) -> Vec<f64> {
    const TURNS: [f64; 6] = [7.0 / 6.0, 7.0 / 6.0, 3.0 / 2.0, 3.0 / 2.0, 2.0 / 3.0, 2.0 / 3.0];
    const RADIUS: [f64; 6] = [1.0, 1.0, 1.0, 1.0, 0.5, 0.5];
    let semitones = 12.0 / bins as f64;
    (0..6)
        .flat_map(|row| {
            // A sine is a cosine a quarter turn earlier.
            let phase = if row % 2 == 0 { 0.5 } else { 0.0 };
            let angle = move |bin: usize| TURNS[row] * (semitones * bin as f64) - phase;
            (0..bins).map(move |bin| RADIUS[row] * (std::f64::consts::PI * angle(bin)).cos())
        })
        .collect()
}

/// The centroid of one vector of chroma weights that sum to one.
pub(crate) fn centroid(chroma: &[f64]) -> [f64; 6] {
    let basis = basis(chroma.len());
    std::array::from_fn(|row| {
        let weights = &basis[row * chroma.len()..(row + 1) * chroma.len()];
        weights.iter().zip(chroma).map(|(weight, value)| weight * value).sum()
    })
}

/// Tonal centroids, shape `(frames, 6)`, of a chromagram of shape `(frames, chroma bins)`.
///
/// Columns: fifths (sine, cosine), minor thirds (sine, cosine), major thirds (sine, cosine). A silent frame gives zeros.
///
/// ```
/// use stimmung_features::{Frames, tonnetz};
///
/// let mut c_only = Frames::zeros(1, 12);
/// c_only.frame_mut(0)[0] = 1.0;
/// let centroid = tonnetz(&c_only);
/// let expected = [0.0, 1.0, 0.0, 1.0, 0.0, 0.5];
/// assert!(centroid.frame(0).iter().zip(expected).all(|(value, expected)| (value - expected).abs() < 1e-6));
/// ```
pub fn tonnetz(chroma: &Frames) -> Frames {
    let bins = chroma.bands();
    let basis = basis(bins);
    let mut output = Frames::zeros(chroma.frames(), 6);
    for index in 0..chroma.frames() {
        let row = chroma.frame(index);
        let sum: f64 = row.iter().map(|value| f64::from(value.abs())).sum();
        let sum = if sum < f64::from(f32::MIN_POSITIVE) { 1.0 } else { sum };
        for (value, weights) in output.frame_mut(index).iter_mut().zip(basis.chunks_exact(bins)) {
            *value = (weights.iter().zip(row).map(|(w, v)| w * f64::from(*v)).sum::<f64>() / sum) as f32;
        }
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_chroma_is_the_centre_and_silence_too() {
        for bins in [12, 36, 60] {
            let even = Frames::from_rows(vec![1.0; bins], bins).unwrap();
            let silent = Frames::zeros(1, bins);
            for table in [even, silent] {
                assert!(tonnetz(&table).values().iter().all(|value| value.abs() < 1e-6));
            }
        }
    }

    #[test]
    fn gain_changes_nothing() {
        let once = Frames::from_rows((0..24).map(|v| (v * v % 11) as f32).collect(), 12).unwrap();
        let louder = Frames::from_rows(once.values().iter().map(|v| 16.0 * v).collect(), 12).unwrap();
        assert_eq!(tonnetz(&once), tonnetz(&louder));
    }

    #[test]
    fn centroid_is_the_same_map() {
        let chroma = Frames::from_rows((0..80).map(|v| (v % 13) as f32).collect(), 80).unwrap();
        let sum: f64 = chroma.values().iter().map(|v| f64::from(*v)).sum();
        let shares: Vec<f64> = chroma.values().iter().map(|v| f64::from(*v) / sum).collect();
        assert!(tonnetz(&chroma).values().iter().zip(centroid(&shares)).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-7));
    }
}
