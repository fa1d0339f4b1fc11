//! The auditory spectrum, filtered over time.

use std::f64::consts::TAU;

use crate::lld::auditory::{AuditoryBank, BANDS};
use crate::lld::loudness::{EXPONENT, SILENCE, equal_loudness};

/// Frames a second, and the edges in hertz of what passes.
const FRAMES: f64 = 100.0;
const EDGES: (f64, f64) = (1.0, 29.0);

/// Values of a band that one value of the filter looks at.
const TAPS: usize = 5;

/// The auditory spectrum through a RASTA-like filter, frame by frame (H. Hermansky & N. Morgan, "RASTA processing of speech",
/// IEEE Transactions on Speech and Audio Processing 2(4), 1994, in the form of F. Eyben, "Real-time Speech and Music
/// Classification by Large Audio Feature Space Extraction", 2016).
///
/// The logarithm of every auditory band, ℓ(t) = ln max(E(t), 9.3e-10), is filtered over time,
///
/// y(t) = Σ h(m) ℓ(t − m) + κ y(t − 1), κ = 1 − sin(2π · 1 Hz / 100 Hz), h = (2, −4γ, 0, 4γ, −2) / √(10 (32γ² + 8)),
/// γ = cos(2π · 29 Hz / 100 Hz),
///
/// which lets changes of 1 to 29 Hz pass, and becomes exp(0.33 (y + ln Q)) with the sensitivity Q of the ear. The first five
/// values of y are 0, and the sixth does not look back at them.
///
/// Without unit, positive; a steady sound has Q^0.33 in every band, so a gain that does not change changes nothing.
pub(crate) struct RastaFilter {
    taps: [f64; TAPS],
    feedback: f64,
    /// ln Q in every band.
    sensitivity: [f64; BANDS],
    /// ℓ of the last frames, the newest first.
    levels: [[f64; BANDS]; TAPS],
    filtered: [f64; BANDS],
    /// Frames so far.
    frames: usize,
}

impl RastaFilter {
    pub(crate) fn new(bank: &AuditoryBank) -> Self {
        let gamma = (TAU * EDGES.1 / FRAMES).cos();
        let scale = (10.0 * (32.0 * gamma * gamma + 8.0)).sqrt();
        Self {
            taps: [2.0, -4.0 * gamma, 0.0, 4.0 * gamma, -2.0].map(|tap| tap / scale),
            feedback: 1.0 - (TAU * EDGES.0 / FRAMES).sin(),
            sensitivity: bank.centres().map(|hertz| equal_loudness(hertz).ln()),
            levels: [[0.0; BANDS]; TAPS],
            filtered: [0.0; BANDS],
            frames: 0,
        }
    }

    /// Begins a new recording.
    pub(crate) fn reset(&mut self) {
        self.frames = 0;
    }

    /// The filtered auditory spectrum of the next frame, of which this is the power in the auditory bands.
    pub(crate) fn advance(&mut self, bands: &[f64; BANDS]) -> [f64; BANDS] {
        self.levels.copy_within(..TAPS - 1, 1);
        self.levels[0] = bands.map(|power| power.max(SILENCE).ln());
        for band in 0..BANDS {
            let ahead: f64 = self.taps.iter().zip(&self.levels).map(|(tap, levels)| tap * levels[band]).sum();
            self.filtered[band] = match self.frames {
                ..TAPS => 0.0,
                TAPS => ahead,
                _ => ahead + self.feedback * self.filtered[band],
            };
        }
        self.frames += 1;
        std::array::from_fn(|band| (EXPONENT * (self.filtered[band] + self.sensitivity[band])).exp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter() -> RastaFilter {
        RastaFilter::new(&AuditoryBank::new(257, 31.25))
    }

    #[test]
    fn a_steady_sound_is_forgotten_at_any_level() {
        let mut filter = filter();
        let steady = filter.sensitivity.map(|sensitivity| (EXPONENT * sensitivity).exp());
        for power in [1e-3, 1e6] {
            filter.reset();
            for frame in 0..400 {
                let found = filter.advance(&[power; BANDS]);
                let near = found.iter().zip(steady).all(|(found, steady)| (found / steady - 1.0).abs() < 1e-9);
                assert!(near || (TAPS..350).contains(&frame), "{power} {frame}: {found:?}");
            }
        }
    }

    #[test]
    fn changes_pass_by_their_rate() {
        // How strongly a level that swings by one neper at this rate swings behind the filter.
        let swing = |hertz: f64| {
            let mut filter = filter();
            let power = |frame: u32| (0.5 * (TAU * hertz * f64::from(frame) / FRAMES).sin()).exp();
            let found: Vec<f64> = (0..2000).map(|frame| filter.advance(&[power(frame); BANDS])[0].ln()).collect();
            let (low, high) = found[1000..].iter().fold((f64::MAX, f64::MIN), |(l, h), x| (l.min(*x), h.max(*x)));
            (high - low) / EXPONENT
        };
        let swings = [0.05, 0.3, 4.0, 29.0].map(swing);
        assert!(swings[0] < 0.1 && swings[1] < 0.5 * swings[2] && swings[3] < 0.05, "{swings:?}");
        assert!((0.8..1.5).contains(&swings[2]), "{swings:?}");
    }
}
