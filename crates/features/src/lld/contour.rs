//! A descriptor over time.

/// The values of one descriptor over a recording, equally spaced in time.
///
/// ```
/// use stimmung_features::Contour;
///
/// let contour = Contour { start: 0.01, step: 0.01, values: vec![0.5, 0.75] };
/// assert_eq!(contour.points().last(), Some((0.02, 0.75)));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Contour {
    /// The middle of the first frame, in seconds from the beginning of the recording.
    pub start: f64,
    /// From one value to the next, in seconds.
    pub step: f64,
    /// The values; none where the recording is shorter than a frame.
    pub values: Vec<f32>,
}

impl Contour {
    /// The middle of frame `index`, in seconds from the beginning of the recording.
    pub fn seconds(&self, index: usize) -> f64 {
        self.start + index as f64 * self.step
    }

    /// Pairs of a time in seconds and the value there.
    pub fn points(&self) -> impl Iterator<Item = (f64, f32)> {
        self.values.iter().enumerate().map(|(index, value)| (self.seconds(index), *value))
    }
}
