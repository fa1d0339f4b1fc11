//! Centre, width and shape of the spectrum.

use crate::lanes::{sum_of_eight, vectorized, wide_dot};

/// Moments of the power of a frame over frequency (G. Peeters, "A large set of audio features for sound description", 2004).
/// Gain changes none of them; all are 0 in silence.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct SpectralMoments {
    /// c = Σ f P / Σ P, in hertz.
    pub(crate) centroid: f64,
    /// s² = Σ (f − c)² P / Σ P, in hertz squared.
    pub(crate) variance: f64,
    /// Σ (f − c)³ P / (s³ Σ P), without unit; 0 where s is.
    pub(crate) skewness: f64,
    /// Σ (f − c)⁴ P / (s⁴ Σ P), without unit, at least 1 (3 for a bell); 0 where s is.
    pub(crate) kurtosis: f64,
}

impl SpectralMoments {
    /// The moments of `powers` at the frequencies `hertz`; `total` is their sum.
    pub(crate) fn of(powers: &[f64], hertz: &[f64], total: f64) -> Self {
        if total <= 0.0 {
            return Self::default();
        }
        let (centroid, [second, third, fourth]) = vectorized(
            #[inline(always)]
            || {
                let centroid = wide_dot(hertz, powers) / total;
                (centroid, central_sums(powers, hertz, centroid))
            },
        );
        let variance = second / total;
        if variance <= 0.0 {
            return Self { centroid, ..Self::default() };
        }
        let skewness = third / total / (variance * variance.sqrt());
        Self { centroid, variance, skewness, kurtosis: fourth / total / (variance * variance) }
    }
}

/// Σ (f − c)ⁿ P for n of 2 to 4, each in eight interleaved sums.
#[inline(always)]
fn central_sums(powers: &[f64], hertz: &[f64], centre: f64) -> [f64; 3] {
    let mut sums = [[0.0; 8]; 3];
    let mut add = |lane: usize, power: f64, hertz: f64| {
        let away = hertz - centre;
        let second = away * away * power;
        sums[0][lane] += second;
        sums[1][lane] += second * away;
        sums[2][lane] += second * away * away;
    };
    let (powers, powers_rest) = powers.as_chunks::<8>();
    let (hertz, hertz_rest) = hertz.as_chunks::<8>();
    for (powers, hertz) in powers.iter().zip(hertz) {
        for lane in 0..8 {
            add(lane, powers[lane], hertz[lane]);
        }
    }
    for (lane, (power, hertz)) in powers_rest.iter().zip(hertz_rest).enumerate() {
        add(lane, *power, *hertz);
    }
    sums.map(|sums| sum_of_eight(&sums))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bell_has_its_moments() {
        let hertz: Vec<f64> = (1..=259).map(|bin| f64::from(bin) * 31.25).collect();
        let powers: Vec<f64> = hertz.iter().map(|f| 7.0 * (-0.5 * ((f - 4000.0) / 500.0).powi(2)).exp()).collect();
        let found = SpectralMoments::of(&powers, &hertz, powers.iter().sum());
        assert!((found.centroid - 4000.0).abs() < 1e-3, "{found:?}");
        assert!((found.variance - 250_000.0).abs() < 1.0, "{found:?}");
        assert!(found.skewness.abs() < 1e-5 && (found.kurtosis - 3.0).abs() < 1e-5, "{found:?}");
    }

    #[test]
    fn two_lines_have_the_moments_of_a_coin() {
        let found = SpectralMoments::of(&[3.0, 0.0, 1.0], &[100.0, 200.0, 300.0], 4.0);
        assert_eq!((found.centroid, found.variance), (150.0, 7500.0));
        assert!((found.skewness - 1.154_700_5).abs() < 1e-6 && (found.kurtosis - 7.0 / 3.0).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn silence_and_single_lines_are_defined() {
        assert_eq!(SpectralMoments::of(&[0.0; 4], &[1.0; 4], 0.0), SpectralMoments::default());
        let line = SpectralMoments::of(&[0.0, 2.0], &[100.0, 200.0], 2.0);
        assert_eq!(line, SpectralMoments { centroid: 200.0, ..SpectralMoments::default() });
    }
}
