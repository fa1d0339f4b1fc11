//! `SpecAugment`: masks over the frames and bands of a picture.

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::NnError;
use crate::random::{Purpose, below, generator};

/// The most masks on one axis: beyond this nothing would be left to see, and time would be lost.
const MOST_MASKS: usize = 1000;

/// Masks over frames and bands (Park et al., Interspeech 2019, without the time warping): each mask is as wide as a whole
/// number drawn evenly from 0 to the greatest width, lies anywhere within the picture, and sets what it covers to the mean
/// of the picture. Each epoch draws new ones for each sample.
///
/// For inputs of shape `[frames, bands]` or `[frames, bands, 1]`, of which no axis may be narrower than its masks' width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpecAugment {
    /// Masks over frames, at most 1000. 2 by default, as in the paper's policy "LD".
    pub frame_masks: usize,
    /// The greatest width of a mask over frames. 16 by default: the paper's 100 are for utterances of 15 s.
    pub frame_width: usize,
    /// Masks over bands, at most 1000. 2 by default.
    pub band_masks: usize,
    /// The greatest width of a mask over bands. 12 by default, the paper's 27 of 80 for pictures with fewer bands.
    pub band_width: usize,
}

impl Default for SpecAugment {
    fn default() -> Self {
        Self { frame_masks: 2, frame_width: 16, band_masks: 2, band_width: 12 }
    }
}

impl SpecAugment {
    /// Checks what can be checked without knowing the pictures.
    pub(crate) fn check(&self) -> Result<(), NnError> {
        for (name, masks) in
            [("spec_augment.frame_masks", self.frame_masks), ("spec_augment.band_masks", self.band_masks)]
        {
            if masks > MOST_MASKS {
                return Err(NnError::parameter(name, masks, "at most 1000"));
            }
        }
        Ok(())
    }
}

/// Masks for pictures of one size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Masker {
    spec: SpecAugment,
    frames: usize,
    bands: usize,
}

impl Masker {
    /// Masks for samples of this shape, or why there can be none.
    pub(crate) fn new(spec: SpecAugment, input_shape: &[usize]) -> Result<Self, NnError> {
        let ([frames, bands] | [frames, bands, 1]) = *input_shape else {
            let expected = "absent, unless the inputs are of shape [frames, bands] or [frames, bands, 1]";
            return Err(NnError::parameter(
                "spec_augment",
                format!("set for inputs of shape {input_shape:?}"),
                expected,
            ));
        };
        if spec.frame_masks > 0 && spec.frame_width > frames {
            let value = format!("{} for {frames} frames", spec.frame_width);
            return Err(NnError::parameter("spec_augment.frame_width", value, "at most the number of frames"));
        }
        if spec.band_masks > 0 && spec.band_width > bands {
            let value = format!("{} for {bands} bands", spec.band_width);
            return Err(NnError::parameter("spec_augment.band_width", value, "at most the number of bands"));
        }
        Ok(Self { spec, frames, bands })
    }

    /// Masks `picture`, frame by frame, with what this epoch draws for this sample of the training data.
    pub(crate) fn apply(&self, seed: u64, epoch: usize, sample: usize, picture: &mut [f32]) {
        let mut rng = generator(seed, Purpose::SpecAugment { epoch, sample });
        let mean = picture.iter().copied().map(f64::from).sum::<f64>() / picture.len() as f64;
        let mean = mean as f32;
        for _ in 0..self.spec.frame_masks {
            let (start, width) = draw(self.spec.frame_width, self.frames, &mut rng);
            picture[start * self.bands..(start + width) * self.bands].fill(mean);
        }
        for _ in 0..self.spec.band_masks {
            let (start, width) = draw(self.spec.band_width, self.bands, &mut rng);
            picture.chunks_exact_mut(self.bands).for_each(|frame| frame[start..start + width].fill(mean));
        }
    }
}

/// Draws the start and the width of a mask.
fn draw(greatest: usize, len: usize, rng: &mut ChaCha8Rng) -> (usize, usize) {
    let width = below(greatest + 1, rng);
    (below(len - width + 1, rng), width)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of 20 frames and 10 bands of different values, whose mean is not among them.
    fn picture() -> Vec<f32> {
        (0..200).map(|i| i as f32).collect()
    }

    fn masked(spec: SpecAugment, epoch: usize, sample: usize) -> Vec<f32> {
        let mut values = picture();
        Masker::new(spec, &[20, 10]).unwrap().apply(1, epoch, sample, &mut values);
        values
    }

    /// The positions along an axis that are masked throughout.
    fn covered(values: &[f32], frames: bool) -> Vec<usize> {
        let at = |frame: usize, band: usize| values[frame * 10 + band] == 99.5;
        if frames {
            (0..20).filter(|&frame| (0..10).all(|band| at(frame, band))).collect()
        } else {
            (0..10).filter(|&band| (0..20).all(|frame| at(frame, band))).collect()
        }
    }

    #[test]
    fn masks_are_bands_of_the_mean_and_the_rest_stays() {
        for frames in [true, false] {
            let spec = SpecAugment {
                frame_masks: usize::from(frames),
                frame_width: 6,
                band_masks: usize::from(!frames),
                band_width: 4,
            };
            let (greatest, len) = if frames { (6, 20) } else { (4, 10) };
            let (mut widths, mut seen) = (vec![0usize; greatest + 1], vec![false; len]);
            for sample in 0..1_000 {
                let values = masked(spec, 0, sample);
                let covered = covered(&values, frames);
                assert!(covered.windows(2).all(|pair| pair[1] == pair[0] + 1), "{covered:?}");
                widths[covered.len()] += 1;
                for &position in &covered {
                    seen[position] = true;
                }
                let changed = values.iter().zip(picture()).filter(|(a, b)| **a != *b).count();
                assert_eq!(changed, covered.len() * 200 / len);
            }
            let share = 1_000 / (greatest + 1);
            assert!(widths.iter().all(|count| count.abs_diff(share) < share / 3), "{widths:?}");
            assert!(seen.iter().all(|seen| *seen), "{seen:?}");
        }
    }

    #[test]
    fn masks_depend_on_epoch_and_sample_alone() {
        let spec = SpecAugment { frame_masks: 2, frame_width: 6, band_masks: 2, band_width: 4 };
        assert_eq!(masked(spec, 3, 5), masked(spec, 3, 5));
        assert_ne!(masked(spec, 3, 5), masked(spec, 4, 5));
        assert_ne!(masked(spec, 3, 5), masked(spec, 3, 6));
    }

    #[test]
    fn no_masks_and_masks_of_no_width_change_nothing() {
        let none = SpecAugment { frame_masks: 0, band_masks: 0, ..SpecAugment::default() };
        let narrow = SpecAugment { frame_width: 0, band_width: 0, ..SpecAugment::default() };
        assert_eq!(masked(none, 0, 0), picture());
        assert_eq!(masked(narrow, 0, 0), picture());
    }

    #[test]
    fn one_value_may_be_masked() {
        let spec = SpecAugment { frame_masks: 1, frame_width: 1, band_masks: 1, band_width: 1 };
        let mut value = [3.0];
        Masker::new(spec, &[1, 1, 1]).unwrap().apply(1, 0, 0, &mut value);
        assert_eq!(value, [3.0]);
    }

    #[test]
    fn inputs_that_are_no_pictures_or_too_small_are_refused() {
        let spec = SpecAugment { frame_masks: 1, frame_width: 5, band_masks: 1, band_width: 4 };
        for shape in [&[20][..], &[5, 4, 2], &[4, 4], &[5, 3], &[5, 4, 1, 1]] {
            assert!(matches!(Masker::new(spec, shape), Err(NnError::Parameter { .. })), "{shape:?}");
        }
        assert!(Masker::new(spec, &[5, 4]).is_ok() && Masker::new(spec, &[5, 4, 1]).is_ok());
        let error = Masker::new(spec, &[20]).unwrap_err().to_string();
        assert!(error.contains("[frames, bands]"), "{error}");
    }
}
