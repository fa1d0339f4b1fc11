//! How a signal is cut into frames.

use std::ops::Range;

use crate::error::FeatureError;

/// Seconds from one frame to the next.
pub(crate) const HOP: f64 = 0.010;

/// Seconds in a frame of the descriptors of timbre and level.
pub(crate) const SHORT: f64 = 0.020;

/// Seconds in a frame of the descriptors of the voice, which must hold a few periods.
pub(crate) const LONG: f64 = 0.060;

/// Lowest and highest sampling rate in hertz of the descriptors of this module.
const RATES: std::ops::RangeInclusive<u32> = 8000..=192_000;

/// Frames of a fixed duration, 10 ms apart. Frame t begins at sample t · `hop` and lies whole inside the signal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Framing {
    /// Samples in a frame.
    pub(crate) length: usize,
    /// Samples from one frame to the next.
    pub(crate) hop: usize,
    /// Seconds that a frame should last: `length` is a whole number, and may differ from it by half a sample.
    pub(crate) duration: f64,
    /// Samples a second.
    pub(crate) sample_rate: u32,
}

impl Framing {
    /// Frames of `duration` seconds.
    ///
    /// # Errors
    /// [`FeatureError::SampleRate`] outside 8 to 192 kHz.
    pub(crate) fn new(descriptor: &'static str, sample_rate: u32, duration: f64) -> Result<Self, FeatureError> {
        if !RATES.contains(&sample_rate) {
            let (minimum, maximum) = RATES.into_inner();
            return Err(FeatureError::SampleRate { descriptor, minimum, maximum, actual: sample_rate });
        }
        let samples = |seconds: f64| (seconds * f64::from(sample_rate)).round() as usize;
        Ok(Self { length: samples(duration), hop: samples(HOP), duration, sample_rate })
    }

    /// Frames of a signal of so many samples.
    pub(crate) fn frames(&self, samples: usize) -> usize {
        (samples + self.hop).saturating_sub(self.length) / self.hop
    }

    /// The samples of frame `index`.
    pub(crate) fn range(&self, index: usize) -> Range<usize> {
        let start = index * self.hop;
        start..start + self.length
    }

    /// The middle of the first frame, in seconds.
    pub(crate) fn start(&self) -> f64 {
        self.length as f64 / 2.0 / f64::from(self.sample_rate)
    }

    /// Seconds from one frame to the next: `hop` in seconds.
    pub(crate) fn step(&self) -> f64 {
        self.hop as f64 / f64::from(self.sample_rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_rounded_and_frames_lie_inside() {
        for (rate, hop, short, long) in
            [(8000, 80, 160, 480), (11_025, 110, 221, 662), (16_000, 160, 320, 960), (22_050, 221, 441, 1323)]
        {
            let framing = Framing::new("a test", rate, SHORT).unwrap();
            assert_eq!((framing.hop, framing.length), (hop, short));
            assert_eq!(Framing::new("a test", rate, LONG).unwrap().length, long);
            assert_eq!(framing.frames(0), 0);
            assert_eq!(framing.frames(short - 1), 0);
            assert_eq!(framing.frames(short), 1);
            assert_eq!(framing.frames(short + hop - 1), 1);
            assert_eq!(framing.frames(short + hop), 2);
            assert_eq!(framing.range(1), hop..hop + short);
        }
        assert!(Framing::new("a test", 7999, SHORT).is_err());
        assert!(Framing::new("a test", 200_000, SHORT).is_err());
    }
}
