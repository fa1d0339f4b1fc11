//! Power and amplitude on the decibel scale.

use serde::{Deserialize, Serialize};

use crate::error::FeatureError;
use crate::lanes::{decibel, vectorized};

/// Reference, floor and range of a decibel scale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DecibelParams {
    /// The value that is 0 dB, positive. Default 1.
    pub reference: f32,
    /// Smaller values count as this one; positive and not subnormal. Default 1e-10, that is −100 dB.
    pub floor: f32,
    /// How far below the largest value of the whole table values may lie, in decibel; `None` for no limit. Default 80.
    pub range: Option<f32>,
}

impl Default for DecibelParams {
    fn default() -> Self {
        Self { reference: 1.0, floor: 1e-10, range: Some(80.0) }
    }
}

impl DecibelParams {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] that names the first field out of range.
    pub fn check(&self) -> Result<(), FeatureError> {
        if !self.reference.is_normal() || self.reference < 0.0 {
            return Err(FeatureError::parameter("reference", "a positive number", self.reference));
        }
        if !self.floor.is_normal() || self.floor < 0.0 {
            return Err(FeatureError::parameter("floor", "a positive number", self.floor));
        }
        match self.range {
            Some(range) if range.is_nan() || range < 0.0 => {
                Err(FeatureError::parameter("range", "a number of decibels, not negative", range))
            }
            _ => Ok(()),
        }
    }
}

/// Replaces powers x by 10 log₁₀(max(x, floor) / reference), and then raises what lies more than `range` below the
/// largest.
///
/// ```
/// use stimmung_features::{DecibelParams, power_to_db};
///
/// let mut powers = [1.0, 1e-3, 0.0];
/// power_to_db(&mut powers, &DecibelParams::default())?;
/// assert!(powers.iter().zip([0.0, -30.0, -80.0]).all(|(a, b)| (a - b).abs() < 1e-5_f32));
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
///
/// # Errors
/// [`FeatureError::Parameter`] where `params` are out of range.
pub fn power_to_db(powers: &mut [f32], params: &DecibelParams) -> Result<(), FeatureError> {
    params.check()?;
    let shift = decibel(if params.reference > params.floor { params.reference } else { params.floor });
    let floor = params.floor;
    vectorized(
        #[inline(always)]
        || {
            for value in powers.iter_mut() {
                *value = decibel(if *value > floor { *value } else { floor }) - shift;
            }
        },
    );
    if let Some(range) = params.range {
        let least = powers.iter().copied().fold(f32::NEG_INFINITY, f32::max) - range;
        for value in powers {
            *value = value.max(least);
        }
    }
    Ok(())
}

/// Replaces amplitudes x by 20 log₁₀(max(|x|, floor) / reference), and then raises what lies more than `range` below
/// the largest.
///
/// ```
/// use stimmung_features::{DecibelParams, amplitude_to_db};
///
/// let mut amplitudes = [1.0, -0.1, 0.0];
/// amplitude_to_db(&mut amplitudes, &DecibelParams { floor: 1e-5, ..DecibelParams::default() })?;
/// assert!(amplitudes.iter().zip([0.0, -20.0, -80.0]).all(|(a, b)| (a - b).abs() < 1e-5_f32));
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
///
/// # Errors
/// [`FeatureError::Parameter`] where `params` are out of range.
pub fn amplitude_to_db(amplitudes: &mut [f32], params: &DecibelParams) -> Result<(), FeatureError> {
    params.check()?;
    let halved = DecibelParams { range: params.range.map(|range| range / 2.0), ..*params };
    for value in amplitudes.iter_mut() {
        *value = value.abs();
    }
    power_to_db(amplitudes, &halved)?;
    for value in amplitudes {
        *value *= 2.0;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gain_shifts() {
        let powers: Vec<f32> = (1..100).map(|value| value as f32 * 0.37).collect();
        let mut once = powers.clone();
        let mut louder: Vec<f32> = powers.iter().map(|value| value * 100.0).collect();
        power_to_db(&mut once, &DecibelParams::default()).unwrap();
        power_to_db(&mut louder, &DecibelParams::default()).unwrap();
        assert!(once.iter().zip(&louder).all(|(a, b)| (b - a - 20.0).abs() < 1e-5));
    }

    #[test]
    fn silence_is_the_floor() {
        let mut silence = [0.0; 4];
        power_to_db(&mut silence, &DecibelParams::default()).unwrap();
        assert!(silence.iter().all(|value| (value + 100.0).abs() < 1e-5));
        power_to_db(&mut [], &DecibelParams::default()).unwrap();
    }

    #[test]
    fn bad_parameters_are_named() {
        let default = DecibelParams::default();
        for (params, field) in [
            (DecibelParams { reference: 0.0, ..default }, "reference"),
            (DecibelParams { floor: -1.0, ..default }, "floor"),
            (DecibelParams { floor: f32::NAN, ..default }, "floor"),
            (DecibelParams { range: Some(f32::NAN), ..default }, "range"),
            (DecibelParams { range: Some(-1.0), ..default }, "range"),
        ] {
            assert!(
                matches!(power_to_db(&mut [1.0], &params), Err(FeatureError::Parameter { name, .. }) if name == field)
            );
        }
    }
}
