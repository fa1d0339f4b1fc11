//! How often the waveform crosses zero.

use crate::lanes::vectorized;

/// Zero crossings of the samples x of a frame: the share of the i, of all samples but the first and the last, for which
/// x(i − 1) · x(i) < 0, or x(i) = 0 and x(i − 1) · x(i + 1) ≤ 0; divided by the number of all samples.
///
/// 0 to 1. Gain does not change it. By the second condition every sample of digital silence is a crossing, so silence has
/// nearly 1 (0.998 in 960 samples): the published sets are made so.
pub(crate) fn zero_crossing_rate(frame: &[f32]) -> f64 {
    let mut count = 0_u32;
    vectorized(
        #[inline(always)]
        || {
            for around in frame.windows(3) {
                let [before, here, after] = [around[0], around[1], around[2]];
                let touches = u32::from(here == 0.0) & (1 - same(before, after));
                count += opposite(before, here) | touches;
            }
        },
    );
    f64::from(count) / frame.len() as f64
}

/// 1 where two values have different signs. These are compared, because the product of two tiny values would be 0.
#[inline(always)]
fn opposite(a: f32, b: f32) -> u32 {
    u32::from(a < 0.0) & u32::from(b > 0.0) | u32::from(a > 0.0) & u32::from(b < 0.0)
}

/// 1 where two values have the same sign; 0 has none.
#[inline(always)]
fn same(a: f32, b: f32) -> u32 {
    u32::from(a < 0.0) & u32::from(b < 0.0) | u32::from(a > 0.0) & u32::from(b > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_crosses_twice_a_period() {
        for (hertz, rate) in [(100.0, 16_000.0), (1000.0, 44_100.0)] {
            let length = (0.06 * rate) as usize;
            let wave = |n: usize| (std::f64::consts::TAU * hertz * (n as f64 + 0.3) / rate).sin() as f32;
            let frame: Vec<f32> = (0..length).map(wave).collect();
            let per_second = zero_crossing_rate(&frame) * rate;
            assert!((per_second - 2.0 * hertz).abs() < 1.5 / 0.06, "{per_second}");
        }
    }

    #[test]
    fn zeros_cross_where_the_sign_changes_around_them() {
        let rate = |frame: &[f32]| zero_crossing_rate(frame) * frame.len() as f64;
        assert_eq!(rate(&[1.0, 0.0, -1.0, -2.0]), 1.0);
        assert_eq!(rate(&[1.0, 0.0, 1.0, 2.0]), 0.0);
        assert_eq!(rate(&[1.0, 0.0, 0.0, 2.0]), 2.0);
        assert_eq!(rate(&[1e-30, -1e-30, 1e-30, 1.0]), 2.0);
        assert_eq!(zero_crossing_rate(&[0.0; 960]), 958.0 / 960.0);
        assert_eq!(zero_crossing_rate(&[0.5; 960]), 0.0);
    }
}
