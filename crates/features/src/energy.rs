//! Descriptors of the waveform itself, frame by frame.

use crate::error::FeatureError;

fn check_framing(samples: &[f32], frame: usize, hop: usize) -> Result<(), FeatureError> {
    if !(1..=1 << 20).contains(&frame) {
        return Err(FeatureError::parameter("frame", "1 to 1048576 samples", frame));
    }
    if hop == 0 {
        return Err(FeatureError::parameter("hop", "at least 1 sample", hop));
    }
    if samples.is_empty() {
        return Err(FeatureError::TooShort { what: "a frame", unit: "samples", minimum: 1, actual: 0 });
    }
    Ok(())
}

/// Number of frames of `frame` samples, centred, `hop` apart.
fn frame_count(samples: usize, frame: usize, hop: usize) -> usize {
    (samples + 2 * (frame / 2) - frame) / hop + 1
}

/// Root mean square of every frame of `frame` samples (librosa's default: 2048), `hop` samples apart (512); frames are
/// centred at the multiples of `hop`, and beyond its ends the signal is silent.
///
/// ```
/// let levels = stimmung_features::rms(&[0.5; 8192], 2048, 512)?;
/// assert_eq!((levels.len(), levels[8]), (17, 0.5));
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
///
/// # Errors
/// [`FeatureError::Parameter`] where `frame` or `hop` are out of range, [`FeatureError::TooShort`] without samples.
pub fn rms(samples: &[f32], frame: usize, hop: usize) -> Result<Vec<f32>, FeatureError> {
    check_framing(samples, frame, hop)?;
    let level = |index: usize| {
        let start = (index * hop) as isize - (frame / 2) as isize;
        let from = start.clamp(0, samples.len() as isize) as usize;
        let to = (start + frame as isize).clamp(0, samples.len() as isize) as usize;
        let power: f64 = samples[from..to].iter().map(|value| f64::from(*value).powi(2)).sum();
        (power / frame as f64).sqrt() as f32
    };
    Ok((0..frame_count(samples.len(), frame, hop)).map(level).collect())
}

/// Samples closer to zero than this count as zero, and zero as positive.
const ZERO: f32 = 1e-10;

/// Share of samples in every frame at which the sign changes against the sample before, 0 to 1. Framing as in [`rms`], but
/// beyond its ends the signal keeps its outermost value.
///
/// ```
/// let buzz: Vec<f32> = (0..8192).map(|n| if n % 4 < 2 { 1.0 } else { -1.0 }).collect();
/// let rate = stimmung_features::zero_crossing_rate(&buzz, 2048, 512)?;
/// assert!((rate[8] - 0.5).abs() < 1e-3);
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
///
/// # Errors
/// [`FeatureError::Parameter`] where `frame` or `hop` are out of range, [`FeatureError::TooShort`] without samples.
pub fn zero_crossing_rate(samples: &[f32], frame: usize, hop: usize) -> Result<Vec<f32>, FeatureError> {
    check_framing(samples, frame, hop)?;
    let negative = |value: f32| value < -ZERO;
    // crossings[n] counts those up to sample n, so that a frame is one difference.
    let mut crossings = Vec::with_capacity(samples.len());
    let mut total = 0_u32;
    let mut last = samples[0];
    for &value in samples {
        total += u32::from(negative(value) != negative(last));
        last = value;
        crossings.push(total);
    }
    let end = samples.len() as isize - 1;
    let up_to = |position: isize| crossings[position.clamp(0, end) as usize];
    let rate = |index: usize| {
        let start = (index * hop) as isize - (frame / 2) as isize;
        // The first sample of a frame has no sample before it.
        (up_to(start + frame as isize - 1) - up_to(start)) as f32 / frame as f32
    };
    Ok((0..frame_count(samples.len(), frame, hop)).map(rate).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gain_scales_the_level_and_leaves_the_crossings() {
        let signal: Vec<f32> = (0..5000).map(|n| (n as f32 * 0.3).sin() * (n as f32 * 0.001)).collect();
        let louder: Vec<f32> = signal.iter().map(|value| 2.0 * value).collect();
        let (once, twice) = (rms(&signal, 512, 128).unwrap(), rms(&louder, 512, 128).unwrap());
        assert!(once.iter().zip(&twice).all(|(a, b)| (2.0 * a - b).abs() < 1e-6));
        assert_eq!(zero_crossing_rate(&signal, 512, 128), zero_crossing_rate(&louder, 512, 128));
    }

    #[test]
    fn silence_and_one_sample() {
        assert!(rms(&[0.0; 100], 64, 16).unwrap().iter().all(|value| *value == 0.0));
        assert!(zero_crossing_rate(&[0.0; 100], 64, 16).unwrap().iter().all(|value| *value == 0.0));
        assert_eq!(rms(&[1.0], 4, 1).unwrap(), [0.5, 0.5]);
        assert_eq!(zero_crossing_rate(&[-1.0], 4, 1).unwrap(), [0.0, 0.0]);
    }

    #[test]
    fn bad_framing_is_refused() {
        assert!(rms(&[], 4, 1).is_err());
        assert!(rms(&[1.0], 0, 1).is_err());
        assert!(zero_crossing_rate(&[1.0], 4, 0).is_err());
    }
}
