//! Energy of the samples of a frame.

use crate::lanes::wide_squares;
use crate::lld::spectrum::FULL_SCALE;

/// The mean square of the samples of a frame, 0 to 1 for samples within full scale.
pub(crate) fn mean_square(frame: &[f32]) -> f64 {
    wide_squares(frame) * FULL_SCALE * FULL_SCALE / frame.len() as f64
}

/// The root of the mean square of the samples of a frame, 0 to 1 for samples within full scale; proportional to the gain.
pub(crate) fn root_mean_square(frame: &[f32]) -> f64 {
    mean_square(frame).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_wave_has_its_height() {
        let frame: Vec<f32> = (0..320).map(|n| if n % 7 < 3 { 0.25 } else { -0.25 }).collect();
        assert!((root_mean_square(&frame) - 0.25 * FULL_SCALE).abs() < 1e-12);
        assert_eq!(root_mean_square(&[0.0; 320]), 0.0);
    }
}
