//! Descriptors over time, as a picture of one size.

use crate::error::FeatureError;
use crate::lld::framing::HOP;
use crate::own::{BaseSet, Source};

/// The descriptors of a standard set as a picture: a frame every 10 ms, a band a descriptor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContourSet {
    /// Whose descriptors. Default `egemaps-v02`.
    pub of: BaseSet,
    /// Duration in seconds, at least 0.01 and up to 3600. The middle of a longer recording is kept; a shorter one gets frames of zeros on
    /// both sides. Default 3.
    pub seconds: f64,
}

impl Default for ContourSet {
    fn default() -> Self {
        Self { of: BaseSet::Egemaps, seconds: 3.0 }
    }
}

impl ContourSet {
    /// Frames of the picture.
    pub(crate) fn frames(&self) -> usize {
        (self.seconds * HOP.recip()).round() as usize
    }
}

/// Plans and scratch of a picture of descriptors for one sampling rate.
pub(crate) struct ContourPicture {
    source: Source,
    frames: usize,
}

impl ContourPicture {
    pub(crate) fn new(set: &ContourSet, sample_rate: u32) -> Result<Self, FeatureError> {
        Ok(Self { source: Source::new(set.of, sample_rate)?, frames: set.frames() })
    }

    /// The picture, frame after frame. Descriptors are those of the whole recording: where it is cut they know of what lies beyond.
    pub(crate) fn extract(&mut self, samples: &[f32]) -> Result<Vec<f32>, FeatureError> {
        let table = self.source.descriptors(samples)?;
        let bands = table.bands();
        let rows = table.into_values();
        let mut picture = vec![0.0; self.frames * bands];
        let (found, wanted) = (rows.len() / bands, self.frames);
        let (from, to) = (found.saturating_sub(wanted) / 2, wanted.saturating_sub(found) / 2);
        let kept = found.min(wanted) * bands;
        picture[to * bands..][..kept].copy_from_slice(&rows[from * bands..][..kept]);
        Ok(picture)
    }

    /// The descriptors of the whole recording.
    pub(crate) fn source(&mut self) -> &mut Source {
        &mut self.source
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::set::FeatureSet;

    fn voice(samples: usize) -> Vec<f32> {
        (0..samples).map(|n| (n as f32 * 0.06).sin() * (n as f32 * 0.0004).sin()).collect()
    }

    #[test]
    fn long_recordings_are_cut_in_the_middle_and_short_ones_lie_there() {
        for of in BaseSet::ALL {
            let set = ContourSet { of, seconds: 0.5 };
            let bands = of.descriptor_names().len();
            let mut extractor = FeatureSet::Contours(set).extractor(16_000).unwrap();
            for seconds in [0.3, 1.2] {
                let samples = voice((16_000.0 * seconds) as usize);
                let rows = extractor.descriptors(&samples).unwrap();
                let picture = extractor.extract_samples(&samples).unwrap();
                assert_eq!(picture.len(), 50 * bands);
                let frame = |index: usize| &picture[index * bands..][..bands];
                if rows.frames() < 50 {
                    let before = (50 - rows.frames()) / 2;
                    assert!(frame(before - 1).iter().chain(frame(49)).all(|value| *value == 0.0));
                    assert!((0..rows.frames()).all(|index| frame(before + index) == rows.frame(index)));
                } else {
                    let cut = (rows.frames() - 50) / 2;
                    assert!((0..50).all(|index| frame(index) == rows.frame(cut + index)));
                }
            }
        }
    }
}
