//! Mel-frequency cepstral coefficients of the auditory bands.

use std::f64::consts::PI;

use crate::lanes::{vectorized, wide_dot};
use crate::lld::auditory::BANDS;

/// Length of the sine that lifts the higher coefficients.
const LIFTER: f64 = 22.0;

/// Powers count in units of the least step of 16 bits.
const UNIT: f64 = 32_767.0 * 32_767.0;

/// Mel-frequency cepstral coefficients 1 to `N` of one frame (S. Davis & P. Mermelstein, IEEE Transactions on Acoustics,
/// Speech, and Signal Processing 28(4), 1980; scaled and lifted as S. Young et al., The HTK Book, do).
///
/// With the power E(b) of the 26 auditory bands, ℓ(b) = ln max(32767² E(b), 1):
///
/// c(i) = (1 + 11 sin(πi/22)) · √(2/26) · Σ ℓ(b) cos(πi(b + ½)/26).
///
/// Without unit, from about −60 to 60; all 0 in silence. Gain changes none of them unless a band is at its floor.
pub(crate) struct Cepstrum<const N: usize> {
    cosines: [[f64; BANDS]; N],
}

impl<const N: usize> Cepstrum<N> {
    pub(crate) fn new() -> Self {
        let row = |index: usize| {
            let i = (index + 1) as f64;
            let scale = (1.0 + LIFTER / 2.0 * (PI * i / LIFTER).sin()) * (2.0 / BANDS as f64).sqrt();
            std::array::from_fn(|band| scale * (PI * i * (band as f64 + 0.5) / BANDS as f64).cos())
        };
        Self { cosines: std::array::from_fn(row) }
    }

    pub(crate) fn coefficients(&self, bands: &[f64; BANDS]) -> [f64; N] {
        let levels = bands.map(|power| (power * UNIT).max(1.0).ln());
        vectorized(
            #[inline(always)]
            || std::array::from_fn(|index| wide_dot(&self.cosines[index], &levels)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gain_and_silence_leave_no_trace() {
        let cepstrum = Cepstrum::<4>::new();
        assert_eq!(cepstrum.coefficients(&[0.0; BANDS]), [0.0; 4]);
        let bands: [f64; BANDS] = std::array::from_fn(|band| 1.0 + (band as f64 * 0.7).sin());
        let (once, louder) = (cepstrum.coefficients(&bands), cepstrum.coefficients(&bands.map(|power| 100.0 * power)));
        assert!(once.iter().zip(louder).all(|(a, b)| (a - b).abs() < 1e-9));
    }

    #[test]
    fn a_cosine_across_the_bands_is_one_coefficient() {
        let bands = std::array::from_fn(|band| (0.5 * (PI * 2.0 * (band as f64 + 0.5) / 26.0).cos()).exp());
        let found = Cepstrum::<4>::new().coefficients(&bands);
        let expected = 0.5 * 13.0 * (2.0_f64 / 26.0).sqrt() * (1.0 + 11.0 * (PI / 11.0).sin());
        assert!((found[1] - expected).abs() < 1e-9 && [0, 2, 3].iter().all(|i| found[*i].abs() < 1e-9), "{found:?}");
    }
}
