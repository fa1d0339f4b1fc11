//! Calibration: probabilities that mean what they say.

use serde::{Deserialize, Serialize};

use crate::ModelError;

/// The temperatures that are looked through; beyond them, answers are as good as certain, or say nothing.
const RANGE: [f64; 2] = [0.05, 20.0];
/// Below this a probability is taken for it before its logarithm.
const SMALLEST: f32 = 1e-6;
/// Halvings of the interval in which the best temperature lies: more than the digits of an `f64`.
const HALVINGS: usize = 60;

/// Temperature scaling: every probability is raised to the power 1 / T, and all are divided by their sum (Guo, Pleiss, Sun & Weinberger 2017,
/// section 4.2, where T divides the logits, which is the same).
///
/// A temperature above 1 makes answers less sure, one below 1 surer. Which class is the likeliest never changes, and so no figure of
/// recognition does. One number can be fitted to few answers; they must be for recordings, and voices, that the model has not learned from.
///
/// # Examples
/// ```
/// use stimmung_models::Temperature;
/// // Sure each time, and right in three of five.
/// let sure = [0.99f32, 0.01];
/// let temperature = Temperature::fit(&[(&sure, 0), (&sure, 0), (&sure, 0), (&sure, 1), (&sure, 1)])?;
/// let mut answer = sure;
/// temperature.apply(&mut answer);
/// assert!(answer[0] > 0.5 && answer[0] < 0.65, "{answer:?}");
/// # Ok::<(), stimmung_models::ModelError>(())
/// ```
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Temperature {
    /// T, from 0.05 to 20.
    value: f64,
    /// The number of answers to which it was fitted.
    fitted_to: usize,
}

impl Temperature {
    /// The temperature under which these answers have the smallest log loss. Each is the probability of every class, and the true class.
    ///
    /// As Platt (1999) does for sigmoids, the truth is held for a little less than certain, by one answer in all that could be of any class;
    /// otherwise a handful of right answers would make the model certain of all.
    ///
    /// # Errors
    /// [`ModelError::NoData`] for no answers or no classes; [`ModelError::LabelOutOfRange`]; [`ModelError::NotFinite`] with the answer and the class for a
    /// probability that is none.
    pub fn fit(answers: &[(&[f32], usize)]) -> Result<Self, ModelError> {
        let classes = answers.first().map_or(0, |(probabilities, _)| probabilities.len());
        if classes == 0 {
            return Err(ModelError::NoData { rows: answers.len(), columns: classes });
        }
        let mut logarithms = Vec::with_capacity(answers.len() * classes);
        for (row, &(probabilities, label)) in answers.iter().enumerate() {
            if probabilities.len() != classes {
                return Err(ModelError::RaggedRow { row, expected: classes, actual: probabilities.len() });
            }
            if label >= classes {
                return Err(ModelError::LabelOutOfRange { row, label, classes });
            }
            if let Some(column) = probabilities.iter().position(|p| !(0.0..=1.0).contains(p)) {
                return Err(ModelError::NotFinite { row, column, value: probabilities[column] });
            }
            logarithms.extend(probabilities.iter().map(|p| f64::from(p.max(SMALLEST).ln())));
        }
        let labels: Vec<usize> = answers.iter().map(|&(_, label)| label).collect();
        let value = best_temperature(&logarithms, &labels, classes, RANGE);
        Ok(Self { value, fitted_to: answers.len() })
    }

    /// T: above 1 where the model was too sure.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The number of answers to which it was fitted.
    pub fn fitted_to(&self) -> usize {
        self.fitted_to
    }

    /// Calibrates one answer in place. It sums to 1 afterwards, unless it was all zeros.
    pub fn apply(&self, probabilities: &mut [f32]) {
        let mut powers: Vec<f64> = probabilities.iter().map(|&p| f64::from(p)).collect();
        self.raise(&mut powers);
        for (to, power) in probabilities.iter_mut().zip(powers) {
            *to = power as f32;
        }
    }

    /// As [`apply`](Self::apply), in full precision; the values may have any positive sum.
    pub(crate) fn raise(&self, values: &mut [f64]) {
        let largest = values.iter().copied().fold(0.0, f64::max);
        if largest <= 0.0 {
            return;
        }
        for value in &mut *values {
            *value = (*value / largest).powf(1.0 / self.value);
        }
        let sum: f64 = values.iter().sum();
        for value in values {
            *value /= sum;
        }
    }

    /// Refuses what a file may claim.
    pub(crate) fn check(&self) -> Result<(), String> {
        if (RANGE[0]..=RANGE[1]).contains(&self.value) {
            return Ok(());
        }
        Err(format!("its temperature is {}, but must be from {} to {}", self.value, RANGE[0], RANGE[1]))
    }
}

/// The temperature, within a range, under which these logits have the smallest log loss: a row of `classes` for each true label. The truth is held for a little
/// less than certain, as [`Temperature::fit`] says.
pub(crate) fn best_temperature(logits: &[f64], labels: &[usize], classes: usize, range: [f64; 2]) -> f64 {
    let doubt = 1.0 / (labels.len() as f64 + 1.0);
    // What the log loss grows by with the power 1 / T; it only rises, so the smallest loss is where it is 0.
    let slope = |power: f64| -> f64 {
        let rows = logits.chunks_exact(classes).zip(labels);
        rows.map(|(row, &label)| {
            let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let weights = row.iter().map(|l| (power * (l - largest)).exp());
            let (mut sum, mut expected) = (0.0, 0.0);
            for (weight, l) in weights.zip(row) {
                sum += weight;
                expected += weight * l;
            }
            let mean = row.iter().sum::<f64>() / classes as f64;
            expected / sum - (1.0 - doubt) * row[label] - doubt * mean
        })
        .sum()
    };
    let [mut low, mut high] = [1.0 / range[1], 1.0 / range[0]];
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        *(if slope(middle) < 0.0 { &mut low } else { &mut high }) = middle;
    }
    1.0 / f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Lcg;

    /// Answers that are right as often as they say, and their labels.
    fn honest(count: usize) -> Vec<(Vec<f32>, usize)> {
        let mut random = Lcg::new(3);
        (0..count)
            .map(|_| {
                let weights: Vec<f64> = (0..4).map(|_| (3.0 * random.centred()).exp()).collect();
                let sum: f64 = weights.iter().sum();
                let mut left = random.uniform() * sum;
                let label = weights.iter().position(|w| {
                    left -= w;
                    left < 0.0
                });
                (weights.iter().map(|w| (w / sum) as f32).collect(), label.unwrap_or(3))
            })
            .collect()
    }

    fn fit(answers: &[(Vec<f32>, usize)]) -> Temperature {
        let answers: Vec<(&[f32], usize)> = answers.iter().map(|(p, label)| (&p[..], *label)).collect();
        Temperature::fit(&answers).expect("fitted")
    }

    #[test]
    fn what_is_calibrated_stays_as_it_is() {
        let temperature = fit(&honest(5000));
        assert!((temperature.value() - 1.0).abs() < 0.05, "{temperature:?}");
        assert_eq!(temperature.fitted_to(), 5000);
    }

    #[test]
    fn too_sure_and_too_timid_are_undone() {
        let honest = honest(5000);
        let plain = fit(&honest).value();
        for power in [0.5, 3.0] {
            let bent = Temperature { value: 1.0 / power, fitted_to: 1 };
            let mut answers = honest.clone();
            for (p, _) in &mut answers {
                bent.apply(p);
            }
            let found = fit(&answers);
            assert!((found.value() / (power * plain) - 1.0).abs() < 0.02, "{power}: {found:?}");
            let mut back = answers[0].0.clone();
            found.apply(&mut back);
            for (a, b) in back.iter().zip(&honest[0].0) {
                assert!((a - b).abs() < 0.02, "{back:?} {:?}", honest[0].0);
            }
        }
    }

    #[test]
    fn the_order_of_classes_and_the_sum_stay() {
        for value in [0.05, 0.7, 1.0, 4.0, 20.0] {
            let temperature = Temperature { value, fitted_to: 1 };
            let mut answer = [0.2f32, 0.5, 0.0, 0.3];
            temperature.apply(&mut answer);
            assert!(answer[1] >= answer[3] && answer[3] >= answer[0] && answer[2] == 0.0, "{answer:?}");
            assert!((answer.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        }
        let mut nothing = [0.0f32; 3];
        Temperature { value: 2.0, fitted_to: 1 }.apply(&mut nothing);
        assert_eq!(nothing, [0.0; 3]);
    }

    #[test]
    fn a_few_right_answers_do_not_make_certain() {
        let right: Vec<(Vec<f32>, usize)> = (0..5).map(|_| (vec![0.8, 0.1, 0.1], 0)).collect();
        let mut answer = right[0].0.clone();
        fit(&right).apply(&mut answer);
        assert!(answer[0] > 0.8 && answer[0] < 0.95, "{answer:?}");
        // Always wrong: nothing is left to say.
        let wrong: Vec<(Vec<f32>, usize)> = (0..50).map(|_| (vec![1.0, 0.0], 1)).collect();
        let mut answer = vec![0.9, 0.1];
        fit(&wrong).apply(&mut answer);
        assert!((answer[0] - 0.5).abs() < 0.05, "{answer:?}");
    }

    #[test]
    fn answers_that_are_none_are_refused() {
        let row = [0.5f32, 0.5];
        assert!(matches!(Temperature::fit(&[]), Err(ModelError::NoData { rows: 0, .. })));
        assert!(matches!(Temperature::fit(&[(&[], 0)]), Err(ModelError::NoData { rows: 1, .. })));
        assert!(matches!(Temperature::fit(&[(&row, 2)]), Err(ModelError::LabelOutOfRange { label: 2, .. })));
        let short = Temperature::fit(&[(&row, 0), (&row[..1], 0)]);
        assert!(matches!(short, Err(ModelError::RaggedRow { row: 1, expected: 2, actual: 1 })));
        let spoilt = Temperature::fit(&[(&row, 0), (&[0.5, f32::NAN], 0)]);
        assert!(matches!(spoilt, Err(ModelError::NotFinite { row: 1, column: 1, .. })));
    }
}
