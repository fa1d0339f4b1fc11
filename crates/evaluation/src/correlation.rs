//! What goes with what.

use serde::{Deserialize, Serialize};

use crate::bootstrap::{Clusters, interval_where_defined};
use crate::{BootstrapParams, Estimate, EvaluationError};

/// The fewest pairs that are correlated: two always lie on a line.
const FEWEST_PAIRS: usize = 3;
/// A sum of squares around the mean is taken for none if it is less than this share of the sum of squares around the mean of
/// all pairs: the rest of a subtraction.
const NOTHING: f64 = 1e-12;

/// Two figures of one recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair<'a> {
    /// The one: a duration, a confidence, a number of years.
    pub x: f64,
    /// The other. For whether an answer is right, 1 and 0: Pearson's coefficient is then the point-biserial one.
    pub y: f64,
    /// Who speaks; `None` if unknown.
    pub speaker: Option<&'a str>,
}

/// How far two figures of recordings go together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Correlation {
    /// The number of recordings.
    pub pairs: usize,
    /// Pearson's product-moment coefficient, from −1 to 1: how near the pairs are to a straight line.
    pub pearson: Estimate,
    /// Spearman's rank coefficient, from −1 to 1: Pearson's of the ranks, equal values having their mean rank.
    pub spearman: Estimate,
}

/// Correlates two figures of recordings, with percentile intervals by the bootstrap over speakers (or over recordings, as
/// [`bootstrap_interval`](crate::bootstrap_interval) has it).
///
/// r = Σ(x − x̄)(y − ȳ) / √(Σ(x − x̄)² · Σ(y − ȳ)²). Ranks are taken anew within each resample. A resample in which a side is
/// constant has no coefficient and does not count.
///
/// `None` for fewer than 3 pairs, and where a side is constant.
///
/// # Errors
/// * [`InvalidParameter`](EvaluationError::InvalidParameter): see [`BootstrapParams::check`].
/// * [`Mismatch`](EvaluationError::Mismatch): a value that is not finite.
///
/// ```
/// use stimmung_evaluation::{BootstrapParams, Pair, correlation};
///
/// let pairs: Vec<_> = (1..=20).map(|i| Pair { x: f64::from(i), y: f64::from(i * i), speaker: None }).collect();
/// let correlation = correlation(&pairs, &BootstrapParams::default(), 1)?.expect("neither side is constant");
/// assert_eq!(correlation.spearman.value, 1.0); // one grows with the other
/// assert!(correlation.pearson.value > 0.9 && correlation.pearson.value < 1.0); // but not on a line
/// # Ok::<(), stimmung_evaluation::EvaluationError>(())
/// ```
pub fn correlation(
    pairs: &[Pair<'_>],
    params: &BootstrapParams,
    seed: u64,
) -> Result<Option<Correlation>, EvaluationError> {
    params.check()?;
    if let Some(value) = pairs.iter().flat_map(|pair| [pair.x, pair.y]).find(|value| !value.is_finite()) {
        return Err(EvaluationError::mismatch("a value to correlate", "a finite number", value));
    }
    if pairs.len() < FEWEST_PAIRS {
        return Ok(None);
    }
    let sides = [pairs.iter().map(|pair| pair.x).collect(), pairs.iter().map(|pair| pair.y).collect()];
    let values = sides.each_ref().map(|side: &Vec<f64>| centred(side));
    let levels = sides.each_ref().map(|side: &Vec<f64>| Levels::new(side));
    let once = vec![1.0; pairs.len()];
    let both = |weights: &[f64]| {
        (pearson(&values, weights), pearson(&levels.each_ref().map(|levels| levels.ranks(weights)), weights))
    };
    let (Some(of_values), Some(of_ranks)) = both(&once) else { return Ok(None) };

    let clusters = Clusters::of_speakers(pairs.iter().map(|pair| pair.speaker));
    let mut weights = once;
    let (mut pearsons, mut spearmans) = (Vec::new(), Vec::new());
    clusters.resample(params, seed, |times| {
        for (members, &times) in clusters.members.iter().zip(times) {
            for &member in members {
                weights[member] = f64::from(times);
            }
        }
        let (of_values, of_ranks) = both(&weights);
        pearsons.extend(of_values);
        spearmans.extend(of_ranks);
    });
    let estimate =
        |value, figures| Estimate { value, interval: interval_where_defined(figures, clusters.method, params) };
    Ok(Some(Correlation {
        pairs: pairs.len(),
        pearson: estimate(of_values, pearsons),
        spearman: estimate(of_ranks, spearmans),
    }))
}

/// Values over the largest of them, less their mean: neither their size nor a common offset costs digits.
fn centred(values: &[f64]) -> Vec<f64> {
    let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    if largest == 0.0 {
        return values.to_vec();
    }
    let mean = values.iter().map(|value| value / largest).sum::<f64>() / values.len() as f64;
    values.iter().map(|value| value / largest - mean).collect()
}

/// The coefficient of values that count so many times each; `None` where a side is constant.
fn pearson([xs, ys]: &[Vec<f64>; 2], weights: &[f64]) -> Option<f64> {
    let [mut n, mut sx, mut sy, mut sxx, mut syy, mut sxy] = [0.0; 6];
    for ((&x, &y), &weight) in xs.iter().zip(ys).zip(weights) {
        n += weight;
        sx += weight * x;
        sy += weight * y;
        sxx += weight * (x * x);
        syy += weight * (y * y);
        sxy += weight * (x * y);
    }
    let (cxx, cyy) = (sxx - sx * sx / n, syy - sy * sy / n);
    let constant = cxx <= NOTHING * sxx || cyy <= NOTHING * syy;
    (n > 0.0 && !constant).then(|| ((sxy - sx * sy / n) / (cxx * cyy).sqrt()).clamp(-1.0, 1.0))
}

/// Values by their order, equal ones on one level.
struct Levels {
    /// The level of each value, from 0.
    of: Vec<usize>,
    count: usize,
}

impl Levels {
    fn new(values: &[f64]) -> Self {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
        let mut of = vec![0; values.len()];
        for pair in order.windows(2) {
            of[pair[1]] = of[pair[0]] + usize::from(values[pair[0]] != values[pair[1]]);
        }
        Self { count: order.last().map_or(0, |&last| of[last] + 1), of }
    }

    /// The mean rank of each value, less that of all, where values count so many times each.
    fn ranks(&self, weights: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.count];
        for (&level, &weight) in self.of.iter().zip(weights) {
            sums[level] += weight;
        }
        let middle = sums.iter().sum::<f64>() / 2.0;
        let mut below = 0.0;
        for sum in &mut sums {
            let rank = below + *sum / 2.0 - middle;
            below += *sum;
            *sum = rank;
        }
        self.of.iter().map(|&level| sums[level]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Resampled;
    use proptest::prelude::*;

    const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

    fn pairs(values: &[(f64, f64)]) -> Vec<Pair<'static>> {
        (0..).zip(values).map(|(i, &(x, y))| Pair { x, y, speaker: Some(NAMES[i % 5]) }).collect()
    }

    fn correlate(values: &[(f64, f64)]) -> Option<Correlation> {
        let params = BootstrapParams { resamples: 200, ..BootstrapParams::default() };
        correlation(&pairs(values), &params, 3).unwrap()
    }

    #[test]
    fn coefficients_agree_with_scipy() {
        // scipy 1.17.1: pearsonr, spearmanr; pointbiserialr for the second list.
        for (xs, ys, pearson, spearman) in [
            (
                [1.2, 0.7, 3.4, 2.2, 2.2, 5.1, 0.3, 4.4],
                [0.5, 0.1, 0.9, 0.9, 0.4, 0.7, 0.2, 0.6],
                0.658_359_083_875_323_5,
                0.704_819_277_108_433_6,
            ),
            (
                [1.2, 0.7, 3.4, 2.2, 2.2, 5.1, 0.3, 4.4],
                [1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0],
                0.330_974_930_001_282_14,
                0.384_174_909_963_916_23,
            ),
        ] {
            let values: Vec<_> = xs.into_iter().zip(ys).collect();
            let found = correlate(&values).unwrap();
            assert!((found.pearson.value - pearson).abs() < 1e-14, "{found:?}");
            assert!((found.spearman.value - spearman).abs() < 1e-14, "{found:?}");
        }
    }

    #[test]
    fn nothing_is_correlated_with_a_constant_or_by_two_points() {
        assert_eq!(correlate(&[]), None);
        assert_eq!(correlate(&[(1.0, 2.0), (2.0, 1.0)]), None);
        for x in [0.0, -0.1, 1e308, 5e-324] {
            assert_eq!(correlate(&[(x, 1.0), (x, 2.0), (x, 5.0)]), None, "{x}");
            assert_eq!(correlate(&[(1.0, x), (2.0, x), (5.0, x)]), None, "{x}");
        }
        assert_eq!(correlate(&[(0.0, 1.0), (-0.0, 2.0), (0.0, 5.0)]), None);
    }

    #[test]
    fn values_that_are_no_numbers_are_refused() {
        for value in [f64::NAN, f64::INFINITY] {
            let values = pairs(&[(1.0, 2.0), (2.0, value), (3.0, 1.0)]);
            let error = correlation(&values, &BootstrapParams::default(), 0).unwrap_err();
            assert!(matches!(error, EvaluationError::Mismatch { .. }), "{error}");
        }
    }

    #[test]
    fn few_speakers_fall_back_to_recordings() {
        let mut values = pairs(&[(1.0, 2.0), (2.0, 1.0), (3.0, 4.0), (4.0, 3.0)]);
        let method = |values: &[Pair<'_>]| {
            let found = correlation(values, &BootstrapParams::default(), 0).unwrap().unwrap();
            found.pearson.interval.unwrap().method
        };
        assert_eq!(method(&values), Resampled::Speakers);
        for pair in &mut values {
            pair.speaker = Some("a");
        }
        assert_eq!(method(&values), Resampled::Recordings);
    }

    #[test]
    fn an_interval_needs_resamples_that_have_the_figure() {
        // Only one of three speakers differs: most resamples that lack it are constant, and some consist of it.
        let pair = |x, y, speaker| Pair { x, y, speaker: Some(speaker) };
        let pairs = [pair(0.0, 0.0, "a"), pair(0.0, 0.0, "b"), pair(1.0, 1.0, "c")];
        let params = BootstrapParams::default();
        let interval = correlation(&pairs, &params, 1).unwrap().unwrap().pearson.interval.unwrap();
        // Of 27 draws, 8 have no c and 1 has nothing else.
        let expected = params.resamples as f64 * 18.0 / 27.0;
        assert!((interval.resamples as f64 - expected).abs() < 100.0, "{interval:?}");
        assert!((interval.low - 1.0).abs() < 1e-12 && interval.high == 1.0, "{interval:?}");
    }

    #[test]
    fn over_recordings_it_is_fishers_interval() {
        // Normal pairs of correlation 0.6 (sums of uniforms, centred by the median): tanh(atanh(r) ± 1.96 / √(n − 3)).
        let uniform = |i: u32, k: u32| f64::from((i * 12 + k).wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24);
        let normal = |i: u32, k: u32| (0..6).map(|j| uniform(i, k + j)).sum::<f64>() - 3.0;
        let pair = |i| {
            let (x, e) = (normal(i, 0), normal(i, 6));
            Pair { x, y: 0.6 * x + 0.8 * e, speaker: None }
        };
        let pairs: Vec<_> = (0..400).map(pair).collect();
        let found = correlation(&pairs, &BootstrapParams::default(), 5).unwrap().unwrap();
        let (r, width) = (found.pearson.value, 1.96 / 397_f64.sqrt());
        let interval = found.pearson.interval.unwrap();
        assert!((interval.low - (r.atanh() - width).tanh()).abs() < 0.03, "{r} {interval}");
        assert!((interval.high - (r.atanh() + width).tanh()).abs() < 0.03, "{r} {interval}");
    }

    fn values() -> impl Strategy<Value = Vec<(f64, f64)>> {
        // Coarse, so that there are ties.
        prop::collection::vec((-9..9_i32, -9..9_i32), 3..30)
            .prop_map(|values| values.into_iter().map(|(x, y)| (f64::from(x), f64::from(y))).collect())
    }

    proptest! {
        #[test]
        fn it_is_symmetric_within_range_and_blind_to_scale(values in values(), scale in 1e-200..1e200_f64, offset in -1e3..1e3_f64) {
            let found = correlate(&values);
            let turned = correlate(&values.iter().map(|&(x, y)| (y, x)).collect::<Vec<_>>());
            prop_assert_eq!(&found, &turned);
            let moved = correlate(&values.iter().map(|&(x, y)| (scale * (x + offset), -y)).collect::<Vec<_>>());
            prop_assert_eq!(found.is_some(), moved.is_some());
            if let (Some(found), Some(moved)) = (found, moved) {
                prop_assert!((found.pearson.value + moved.pearson.value).abs() < 1e-9);
                prop_assert_eq!(found.spearman.value, -moved.spearman.value);
                for estimate in [&found.pearson, &found.spearman] {
                    prop_assert!(estimate.value.abs() <= 1.0);
                    if let Some(interval) = &estimate.interval {
                        prop_assert!(-1.0 <= interval.low && interval.low <= interval.high && interval.high <= 1.0);
                    }
                }
            }
        }

        #[test]
        fn spearman_is_invariant_to_monotone_maps(values in values()) {
            let mapped = correlate(&values.iter().map(|&(x, y)| (x.exp(), y.powi(3))).collect::<Vec<_>>());
            prop_assert_eq!(correlate(&values).map(|it| it.spearman), mapped.map(|it| it.spearman));
        }

        #[test]
        fn a_weight_is_a_repetition(values in values(), weights in prop::collection::vec(0..4_u8, 30)) {
            let side = |of: fn(&(f64, f64)) -> f64| values.iter().map(of).collect::<Vec<_>>();
            let sides = [side(|pair| pair.0), side(|pair| pair.1)];
            let times: Vec<f64> = weights.iter().take(values.len()).map(|&times| f64::from(times)).collect();
            let repeat = |side: &Vec<f64>| -> Vec<f64> {
                side.iter().zip(&weights).flat_map(|(&value, &times)| std::iter::repeat_n(value, times.into())).collect()
            };
            let repeated = sides.each_ref().map(repeat);
            let once = vec![1.0; repeated[0].len()];
            for (weighted, expected) in [
                (pearson(&sides, &times), pearson(&repeated, &once)),
                (
                    pearson(&sides.each_ref().map(|side| Levels::new(side).ranks(&times)), &times),
                    pearson(&repeated.each_ref().map(|side| Levels::new(side).ranks(&once)), &once),
                ),
            ] {
                prop_assert_eq!(weighted.is_some(), expected.is_some());
                prop_assert!((weighted.unwrap_or(0.0) - expected.unwrap_or(0.0)).abs() < 1e-12);
            }
        }
    }
}
