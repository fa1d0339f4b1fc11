//! What a few recordings of a voice at rest say of the others of it.

use std::collections::BTreeMap;

use crate::archive::{Archive, Tensor};
use crate::{Matrix, ModelError};

/// Names of the tensors in a model file.
const NAMES: [&str; 3] = ["enrolment.neutral", "enrolment.between", "enrolment.within"];

/// How voices differ when all of them are neutral, column by column, in scaled values.
///
/// A speaker's neutral recordings scatter with the variance `within` around a mean, and the means of speakers with the variance `between` around
/// that of all, `neutral` (a random-effects model by one-way analysis of variance; S. R. Searle, G. Casella & C. E. McCulloch, Variance
/// Components, 1992, section 3.6). So `k` recordings of a voice, with the mean `m`, let expect that the voice lies
/// `between / (between + within / k) · (m − neutral)` off the others: little where recordings of one voice differ as much as voices do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Enrolment {
    neutral: Vec<f32>,
    between: Vec<f32>,
    within: Vec<f32>,
}

/// A voice that introduced itself to a classifier by [`Classifier::enrol`](crate::Classifier::enrol).
#[derive(Clone, Debug, PartialEq)]
pub struct Voice {
    /// By how much its scaled values lie off those of other voices.
    pub(crate) offset: Vec<f32>,
}

impl Enrolment {
    /// Learns from scaled rows of neutral recordings, whose speakers are `groups`. `None` unless there are two speakers, one of them with
    /// two rows.
    pub(crate) fn fit(rows: &Matrix, groups: &[usize]) -> Option<Self> {
        let mut speakers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (row, &group) in groups.iter().enumerate() {
            speakers.entry(group).or_default().push(row);
        }
        let (a, n) = (speakers.len(), rows.rows());
        if a < 2 || n <= a {
            return None;
        }
        let d = rows.columns();
        let means: Vec<Vec<f64>> = speakers.values().map(|members| mean(rows, members)).collect();
        let mut within = vec![0.0; d];
        for (members, mean) in speakers.values().zip(&means) {
            for &row in members {
                for ((sum, &value), mean) in within.iter_mut().zip(rows.row(row)).zip(mean) {
                    *sum += (f64::from(value) - mean).powi(2) / (n - a) as f64;
                }
            }
        }
        // A speaker counts one, whatever the number of recordings; so the variance of the means holds that of the recordings, too.
        let share = speakers.values().map(|members| 1.0 / members.len() as f64).sum::<f64>() / a as f64;
        let neutral: Vec<f64> = (0..d).map(|c| means.iter().map(|mean| mean[c]).sum::<f64>() / a as f64).collect();
        let scatter = |c: usize| means.iter().map(|mean| (mean[c] - neutral[c]).powi(2)).sum::<f64>() / (a - 1) as f64;
        let between = (0..d).map(|c| (scatter(c) - share * within[c]).max(0.0) as f32).collect();
        let single = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect();
        Some(Self { between, neutral: single(neutral), within: single(within) })
    }

    /// The voice behind scaled rows of neutral recordings, at least one.
    pub(crate) fn voice(&self, rows: &Matrix) -> Voice {
        let k = rows.rows() as f32;
        let mean = mean(rows, &(0..rows.rows()).collect::<Vec<_>>());
        let offset = mean.into_iter().zip(&self.neutral).zip(&self.between).zip(&self.within);
        let offset = offset.map(|(((mean, neutral), between), within)| {
            // A column in which voices do not differ says nothing of one.
            if *between > 0.0 { between / (between + within / k) * (mean as f32 - neutral) } else { 0.0 }
        });
        Voice { offset: offset.collect() }
    }

    pub(crate) fn write(&self, tensors: &mut BTreeMap<String, Tensor>) {
        for (name, values) in NAMES.into_iter().zip([&self.neutral, &self.between, &self.within]) {
            tensors.insert(name.to_owned(), Tensor::f32(&[values.len()], values.clone()));
        }
    }

    /// Takes it from a model file of so many features, if it is there.
    pub(crate) fn read(archive: &mut Archive<'_>, columns: usize) -> Result<Option<Self>, ModelError> {
        if archive.shape(NAMES[0]).is_err() {
            return Ok(None);
        }
        let [neutral, between, within] = NAMES.map(|name| archive.f32(name, &[columns]));
        let (neutral, between, within) = (neutral?, between?, within?);
        if between.iter().chain(&within).any(|variance| *variance < 0.0) {
            return Err(ModelError::Damaged("a variance of its enrolment is negative".into()));
        }
        Ok(Some(Self { neutral, between, within }))
    }
}

impl Voice {
    /// Takes the voice out of scaled rows.
    pub(crate) fn remove_from(&self, rows: &mut [f32]) {
        for row in rows.chunks_exact_mut(self.offset.len()) {
            for (value, offset) in row.iter_mut().zip(&self.offset) {
                *value -= offset;
            }
        }
    }
}

/// The mean of these rows, column by column.
fn mean(rows: &Matrix, members: &[usize]) -> Vec<f64> {
    let mut mean = vec![0.0; rows.columns()];
    for &row in members {
        for (sum, &value) in mean.iter_mut().zip(rows.row(row)) {
            *sum += f64::from(value) / members.len() as f64;
        }
    }
    mean
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Lcg;

    /// Neutral recordings of 40 voices, six each: in column 0 only voices differ, in column 1 only recordings, in column 2 both do, with the
    /// variances 4 and 1; column 3 is constant.
    fn voices() -> (Matrix, Vec<usize>) {
        let mut random = Lcg::new(5);
        // Evenly from −1 to 1 is a variance of a third.
        let mut spread = |deviation: f64| random.centred() * deviation * 3f64.sqrt();
        let (mut values, mut groups) = (Vec::new(), Vec::new());
        for speaker in 0..40 {
            let (alone, both) = (spread(1.0), spread(2.0));
            for _ in 0..6 {
                values.extend([alone + 7.0, spread(1.0), both + spread(1.0), 3.0].map(|value| value as f32));
                groups.push(speaker);
            }
        }
        (Matrix::new(240, 4, values).unwrap(), groups)
    }

    #[test]
    fn variances_of_voices_and_of_recordings_are_told_apart() {
        let (rows, groups) = voices();
        let it = Enrolment::fit(&rows, &groups).unwrap();
        let near =
            |value: f32, wanted: f32| assert!((value - wanted).abs() < 0.35 * wanted.max(0.2), "{value} {wanted}");
        for (column, (between, within)) in [(1.0, 0.0), (0.0, 1.0), (4.0, 1.0), (0.0, 0.0)].into_iter().enumerate() {
            near(it.between[column], between);
            near(it.within[column], within);
        }
        near(it.neutral[0], 7.0);
    }

    #[test]
    fn a_voice_is_believed_as_far_as_its_recordings_agree() {
        let (rows, groups) = voices();
        let it = Enrolment::fit(&rows, &groups).unwrap();
        let from_neutral = |off: f32| -> Vec<f32> { it.neutral.iter().map(|neutral| neutral + off).collect() };
        let heard = |k: usize| it.voice(&Matrix::from_rows(&vec![from_neutral(1.0); k]).unwrap()).offset;
        let (one, five) = (heard(1), heard(5));
        assert!((one[0] - 1.0).abs() < 1e-3, "voices alone: {one:?}");
        assert!(one[1] < 0.1 && five[1] < 0.3, "recordings alone: {one:?} {five:?}");
        let share = |k: f32| it.between[2] / (it.between[2] + it.within[2] / k);
        assert!((one[2] - share(1.0)).abs() < 1e-4 && (five[2] - share(5.0)).abs() < 1e-4 && one[2] < five[2]);
        assert_eq!((one[3], five[3]), (0.0, 0.0));
        let mut row = from_neutral(1.0);
        it.voice(&Matrix::from_rows(&[from_neutral(1.0)]).unwrap()).remove_from(&mut row);
        assert!((row[0] - it.neutral[0]).abs() < 1e-3, "{row:?}");
    }

    #[test]
    fn one_voice_or_one_recording_of_each_teaches_nothing() {
        let (rows, groups) = voices();
        assert_eq!(Enrolment::fit(&rows, &vec![0; groups.len()]), None);
        assert_eq!(Enrolment::fit(&rows, &(0..groups.len()).collect::<Vec<_>>()), None);
        let few = rows.select_rows(&[0, 1, 6]).unwrap();
        assert!(Enrolment::fit(&few, &[0, 0, 1]).is_some());
    }
}
