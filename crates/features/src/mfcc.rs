//! Mel-frequency cepstral coefficients.

use crate::error::FeatureError;
use crate::frames::Frames;
use crate::lanes::{LANES, Lane, vectorized};

/// Orthonormal discrete cosine transform of type II, cut after the first `outputs` coefficients.
///
/// C(k) = sₖ Σₙ x(n) cos(πk(2n + 1)/(2N)), s₀ = √(1/N), sₖ = √(2/N).
///
/// ```
/// use stimmung_features::Dct;
///
/// let dct = Dct::new(4, 2)?;
/// let coefficients = dct.transform(&[1.0, 1.0, 1.0, 1.0]);
/// assert!((coefficients[0] - 2.0).abs() < 1e-12 && coefficients[1].abs() < 1e-12);
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Dct {
    cosines: Vec<f64>,
    inputs: usize,
}

impl Dct {
    /// Tabulates the cosines.
    ///
    /// # Errors
    /// [`FeatureError::Parameter`] where `outputs` is zero or exceeds `inputs`, or `inputs` exceeds 4096.
    pub fn new(inputs: usize, outputs: usize) -> Result<Self, FeatureError> {
        if inputs > 4096 {
            return Err(FeatureError::parameter("bands", "1 to 4096", inputs));
        }
        if outputs == 0 || outputs > inputs {
            return Err(FeatureError::parameter("n", format!("1 to {inputs} coefficients"), outputs));
        }
        let turn = std::f64::consts::PI / (2 * inputs) as f64;
        let cosines = (0..outputs)
            .flat_map(|k| {
                let scale = if k == 0 { 1.0 } else { 2.0_f64 } / inputs as f64;
                // The angle is reduced in integers, where it is exact.
                (0..inputs).map(move |n| scale.sqrt() * (turn * (k * (2 * n + 1) % (4 * inputs)) as f64).cos())
            })
            .collect();
        Ok(Self { cosines, inputs })
    }

    /// Number of coefficients.
    pub fn outputs(&self) -> usize {
        self.cosines.len() / self.inputs
    }

    /// Transforms one vector. Values that are missing count as zero, those in excess are not used.
    pub fn transform(&self, values: &[f64]) -> Vec<f64> {
        self.cosines.chunks_exact(self.inputs).map(|row| row.iter().zip(values).map(|(c, v)| c * v).sum()).collect()
    }

    /// Adds the squared deviations of the coefficients from `mean` in the first `frames` lanes of a block.
    #[inline(always)]
    pub(crate) fn add_squares(&self, block: &[Lane], frames: usize, mean: &[f64], squares: &mut [f64]) {
        for ((row, mean), square) in self.cosines.chunks_exact(self.inputs).zip(mean).zip(squares) {
            let coefficients = lane_product(row, block);
            *square += coefficients[..frames].iter().map(|value| (value - mean) * (value - mean)).sum::<f64>();
        }
    }

    /// Transforms every frame of a table, for example log-mel into cepstra.
    ///
    /// # Errors
    /// [`FeatureError::Width`] where the table has another number of bands than the transform has inputs.
    pub fn apply(&self, table: &Frames) -> Result<Frames, FeatureError> {
        table.expect_bands("the log-mel spectrogram", self.inputs)?;
        Ok(table.map_blocks(self.outputs(), |block, output| {
            vectorized(
                #[inline(always)]
                || {
                    for (to, row) in output.iter_mut().zip(self.cosines.chunks_exact(self.inputs)) {
                        *to = lane_product(row, block).map(|value| value as f32);
                    }
                },
            );
        }))
    }
}

/// Σ weight · cell in double precision.
#[inline(always)]
fn lane_product(weights: &[f64], cells: &[Lane]) -> [f64; LANES] {
    let mut sum = [0.0_f64; LANES];
    for (weight, cell) in weights.iter().zip(cells) {
        for lane in 0..LANES {
            sum[lane] += weight * f64::from(cell[lane]);
        }
    }
    sum
}

/// The first `n` cepstral coefficients, shape `(frames, n)`, of a mel spectrogram in decibel (Davis & Mermelstein 1980).
///
/// ```
/// use stimmung_features::{DecibelParams, MelBank, MelParams, Stft, StftParams, mfcc, power_to_db};
///
/// let signal: Vec<f32> = (0..8000).map(|n| (n as f32 * 0.1).sin()).collect();
/// let mut power = Stft::new(StftParams::default())?.magnitudes(&signal);
/// power.values_mut().iter_mut().for_each(|value| *value *= *value);
/// let mut mel = MelBank::new(&MelParams::default(), 16_000, 2048)?.apply(&power)?;
/// power_to_db(mel.values_mut(), &DecibelParams::default())?;
/// assert_eq!(mfcc(&mel, 13)?.bands(), 13);
/// # Ok::<(), stimmung_features::FeatureError>(())
/// ```
///
/// # Errors
/// [`FeatureError::Parameter`] where `n` is zero or exceeds the number of bands.
pub fn mfcc(log_mel: &Frames, n: usize) -> Result<Frames, FeatureError> {
    Dct::new(log_mel.bands(), n)?.apply(log_mel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complete_transform_keeps_lengths_and_angles() {
        let dct = Dct::new(24, 24).unwrap();
        for i in 0..24 {
            for j in 0..24 {
                let unit = |at: usize| (0..24).map(|n| f64::from(u8::from(n == at))).collect::<Vec<_>>();
                let (a, b) = (dct.transform(&unit(i)), dct.transform(&unit(j)));
                let product: f64 = a.iter().zip(&b).map(|(x, y)| x * y).sum();
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn gain_moves_only_the_first_coefficient() {
        let table = Frames::from_rows((0..20 * 3).map(|v| (v % 7) as f32).collect(), 20).unwrap();
        let louder = Frames::from_rows(table.values().iter().map(|v| v + 6.0).collect(), 20).unwrap();
        let (once, more) = (mfcc(&table, 5).unwrap(), mfcc(&louder, 5).unwrap());
        for frame in 0..3 {
            assert!((more.frame(frame)[0] - once.frame(frame)[0] - 6.0 * 20.0_f32.sqrt()).abs() < 1e-4);
            assert!((1..5).all(|k| (more.frame(frame)[k] - once.frame(frame)[k]).abs() < 1e-4));
        }
    }

    #[test]
    fn too_many_coefficients_are_refused() {
        assert!(Dct::new(20, 21).is_err());
        assert!(Dct::new(20, 0).is_err());
        assert!(Dct::new(5000, 1).is_err());
        assert!(Dct::new(20, 5).unwrap().apply(&Frames::zeros(1, 19)).is_err());
    }
}
