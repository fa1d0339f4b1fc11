//! Sharpness of the sound.

use crate::lanes::{vectorized, wide_dot};

/// The frequency in Bark (H. Traunmüller, "Analytical expressions for the tonotopic sensory scale", JASA 88, 1990).
fn bark(hertz: f64) -> f64 {
    let bark = 26.81 / (1.0 + 1960.0 / hertz) - 0.53;
    match bark {
        _ if bark < 2.0 => 0.85 * bark + 0.3,
        _ if bark > 20.1 => 1.22 * bark - 0.22 * 20.1,
        _ => bark,
    }
}

/// What a frequency adds to the sharpness: 1 up to 16 Bark, then more and more; four times as much at 24.
fn emphasis(bark: f64) -> f64 {
    if bark <= 16.0 { 1.0 } else { 1.0 + ((bark - 16.0) / 4.0).powf(3.0_f64.log2()) }
}

/// Psychoacoustic sharpness of a frame, 0.11 Σ z g(z) P / Σ P, with z the frequency in Bark and the emphasis g of what lies above 16
/// Bark (after E. Zwicker & H. Fastl, "Psychoacoustics", 1999, of the power instead of the specific loudness).
///
/// In acum only by its name; 0 to about 10, 0 in silence. Gain changes nothing.
pub(crate) struct Sharpness {
    weights: Vec<f64>,
}

impl Sharpness {
    /// For powers at these frequencies.
    pub(crate) fn new(hertz: &[f64]) -> Self {
        let weight = |hertz: &f64| 0.11 * bark(*hertz) * emphasis(bark(*hertz));
        Self { weights: hertz.iter().map(weight).collect() }
    }

    /// Of powers that add to `total`.
    pub(crate) fn value(&self, powers: &[f64], total: f64) -> f64 {
        if total <= 0.0 {
            return 0.0;
        }
        let sum = vectorized(
            #[inline(always)]
            || wide_dot(&self.weights, powers),
        );
        sum / total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_tone_is_sharper() {
        let hertz: Vec<f64> = (1..=512).map(|bin| f64::from(bin) * 46.875).collect();
        let sharpness = Sharpness::new(&hertz);
        let tone = |bin: usize| {
            let mut powers = vec![0.0; 512];
            powers[bin] = 3.0;
            sharpness.value(&powers, 3.0)
        };
        let tones: Vec<f64> = (0..512).map(tone).collect();
        assert!(tones.windows(2).all(|pair| pair[0] < pair[1]));
        // 1 kHz is 8.5 Bark.
        assert!((bark(1000.0) - 8.527).abs() < 1e-3 && (tones[20] - 0.11 * bark(984.375)).abs() < 1e-12);
        assert!((emphasis(24.0) - 4.0).abs() < 1e-12);
        assert_eq!(sharpness.value(&[0.0; 512], 0.0), 0.0);
    }
}
