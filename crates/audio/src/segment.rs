//! Pieces of one length.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::error::{AudioError, check_range};
use crate::waveform::Waveform;

/// Lengths of a segment in seconds: down to a frame, and up to what fits into memory at every sample rate.
const SECONDS: RangeInclusive<f64> = 0.01..=600.0;

/// What stays in its place when a recording is made longer or shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Anchor {
    /// The first sample: zeros are put, or samples cut off, at the end. The default.
    #[default]
    Start,
    /// The middle: half of them at either side, and the odd one at the end.
    Middle,
    /// The last sample: zeros are put, or samples cut off, in front.
    End,
}

impl Waveform {
    /// The sound in exactly `len` samples: cut, or padded with silence, where `anchor` says.
    ///
    /// ```
    /// use stimmung_audio::{Anchor, Waveform};
    ///
    /// let wave = Waveform::new(vec![0.1, 0.2, 0.3], 16_000)?;
    /// assert_eq!(wave.fit_length(5, Anchor::Start).samples(), [0.1, 0.2, 0.3, 0.0, 0.0]);
    /// assert_eq!(wave.fit_length(6, Anchor::Middle).samples(), [0.0, 0.1, 0.2, 0.3, 0.0, 0.0]);
    /// assert_eq!(wave.fit_length(2, Anchor::End).samples(), [0.2, 0.3]);
    /// # Ok::<(), stimmung_audio::AudioError>(())
    /// ```
    #[must_use]
    pub fn fit_length(&self, len: usize, anchor: Anchor) -> Self {
        let (more, less) = (len.saturating_sub(self.len()), self.len().saturating_sub(len));
        let in_front = |change: usize| match anchor {
            Anchor::Start => 0,
            Anchor::Middle => change / 2,
            Anchor::End => change,
        };
        let kept = &self.samples()[in_front(less)..][..len - more];
        let mut samples = vec![0.0; len];
        samples[in_front(more)..][..kept.len()].copy_from_slice(kept);
        Self::from_checked(samples, self.sample_rate())
    }
}

/// How a recording is cut into segments of one length: the section `[segments]` of a recipe.
///
/// ```
/// use stimmung_audio::{SegmentParams, Waveform};
///
/// let params: SegmentParams = toml::from_str("seconds = 3").unwrap();
/// let segments = params.segments(&Waveform::new(vec![0.1; 8 * 16_000], 16_000)?)?;
/// assert_eq!(segments.len(), 3);
/// assert!(segments.iter().all(|segment| segment.seconds() == 3.0));
/// # Ok::<(), stimmung_audio::AudioError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SegmentParams {
    /// Length of a segment in seconds, 0.01 to 600. Default 3: about an utterance, and what the published systems on
    /// segments take.
    pub seconds: f64,
}

impl Default for SegmentParams {
    fn default() -> Self {
        Self { seconds: 3.0 }
    }
}

impl SegmentParams {
    /// Checks the range.
    ///
    /// # Errors
    /// [`AudioError::Parameter`] for a length outside its range.
    pub fn check(&self) -> Result<(), AudioError> {
        check_range("seconds", self.seconds, &SECONDS)
    }

    /// Samples in a segment: seconds × rate, rounded.
    pub fn samples(&self, sample_rate: u32) -> usize {
        (self.seconds * f64::from(sample_rate)).round() as usize
    }

    /// The segments of a recording, in their order: of d seconds, ⌈d / `seconds`⌉ of them, from the first sample to the
    /// last at even distances, so that they overlap rather than leave a rest.
    ///
    /// A recording shorter than a segment is one segment with silence at the end. An empty one has none. Both lengths are
    /// counted in whole samples: twice the samples of a segment are two segments, and one more sample makes it three.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn segments(&self, waveform: &Waveform) -> Result<Vec<Waveform>, AudioError> {
        self.check()?;
        let (len, rate) = (self.samples(waveform.sample_rate()), waveform.sample_rate());
        if waveform.len() <= len {
            let padded = (!waveform.is_empty()).then(|| waveform.fit_length(len, Anchor::Start));
            return Ok(padded.into_iter().collect());
        }
        let gaps = waveform.len().div_ceil(len) - 1;
        let last = waveform.len() - len;
        // The nearest sample to i · last / gaps.
        let start = |index: usize| ((2 * index as u128 * last as u128 + gaps as u128) / (2 * gaps as u128)) as usize;
        let segment = |index| Waveform::from_checked(waveform.samples()[start(index)..][..len].to_vec(), rate);
        Ok((0..=gaps).map(segment).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ramp(len: usize, rate: u32) -> Waveform {
        Waveform::new((1..=len).map(|n| n as f32).collect(), rate).unwrap()
    }

    fn firsts(segments: &[Waveform]) -> Vec<f32> {
        segments.iter().map(|segment| segment.samples()[0]).collect()
    }

    #[test]
    fn whole_multiples_meet_end_to_end() {
        // 0.3 has no exact binary form, and 3 · 0.3 is not 0.9 in floating point.
        for (seconds, rate) in [(0.3, 1_000), (0.1, 16_000), (0.7, 44_100), (3.0, 24_414)] {
            let params = SegmentParams { seconds };
            let len = params.samples(rate);
            for count in 1..12 {
                let segments = params.segments(&ramp(count * len, rate)).unwrap();
                let expected: Vec<f32> = (0..count).map(|n| (n * len + 1) as f32).collect();
                assert_eq!(firsts(&segments), expected, "{count} of {seconds} s");
                assert_eq!(params.segments(&ramp(count * len + 1, rate)).unwrap().len(), count + 1);
            }
        }
    }

    #[test]
    fn starts_are_evenly_spread() {
        let segments = SegmentParams { seconds: 0.1 }.segments(&ramp(250, 1_000)).unwrap();
        assert_eq!(firsts(&segments), [1.0, 76.0, 151.0]);
    }

    #[test]
    fn a_short_recording_is_one_segment_and_nothing_is_none() {
        let params = SegmentParams { seconds: 0.01 };
        let segments = params.segments(&ramp(3, 1_000)).unwrap();
        assert_eq!(segments.len(), 1);
        assert_eq!(segments[0].samples(), [1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert!(params.segments(&ramp(0, 1_000)).unwrap().is_empty());
    }

    #[test]
    fn lengths_out_of_range_and_unknown_keys_are_refused() {
        for seconds in [0.0, 0.009, -3.0, 600.1, f64::NAN, f64::INFINITY] {
            let error = SegmentParams { seconds }.segments(&ramp(3, 1_000)).unwrap_err();
            assert!(matches!(error, AudioError::Parameter { name: "seconds", .. }), "{error}");
        }
        assert!(toml::from_str::<SegmentParams>("second = 3").is_err());
        assert_eq!(toml::from_str::<SegmentParams>("").unwrap(), SegmentParams { seconds: 3.0 });
    }

    proptest! {
        #[test]
        fn segments_cover_the_recording(len in 1_usize..5_000, seconds in 0.01..1.0_f64, rate in 1_000_u32..4_000) {
            let params = SegmentParams { seconds };
            let size = params.samples(rate);
            let segments = params.segments(&ramp(len, rate)).unwrap();
            prop_assert_eq!(segments.len(), len.div_ceil(size));
            prop_assert!(segments.iter().all(|segment| segment.len() == size && segment.sample_rate() == rate));
            let starts = firsts(&segments);
            prop_assert_eq!(starts[0], 1.0);
            if len > size {
                prop_assert_eq!(segments[segments.len() - 1].samples()[size - 1], len as f32);
                let steps: Vec<f32> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
                prop_assert!(steps.iter().all(|step| *step <= size as f32 && (step - steps[0]).abs() <= 1.0));
            }
        }

        #[test]
        fn fitting_back_gives_the_recording(len in 0_usize..50, more in 0_usize..50) {
            for anchor in [Anchor::Start, Anchor::Middle, Anchor::End] {
                let wave = ramp(len, 1_000);
                let longer = wave.fit_length(len + more, anchor);
                prop_assert_eq!(longer.len(), len + more);
                prop_assert_eq!(longer.fit_length(len, anchor), wave);
            }
        }
    }
}
