//! What a few recordings of a voice at rest say of the others of it.

use std::collections::BTreeMap;

use crate::archive::{Archive, Tensor};
use crate::{Matrix, ModelError};

/// Names of the tensors in a model file.
const NAMES: [&str; 4] = ["enrolment.neutral", "enrolment.between", "enrolment.within", "enrolment.shared"];

/// How voices differ when they are neutral, and how much of that stays when they are not; column by column, in scaled values.
///
/// A speaker's neutral recordings scatter with the variance `within` around a mean, and the means of speakers with the variance `between` around
/// that of all, `neutral` (random effects of one factor; S. R. Searle and others, Variance Components, 1992, chapter 3). The covariance of these
/// means with those of the speaker's other emotions is `shared`. So `k` neutral recordings of a voice, with the mean `m`, let expect that the
/// voice lies `shared / (between + within / k) · (m − neutral)` off the others, the best linear prediction (chapter 7): little where recordings
/// of one voice differ as much as voices do, and where a voice changes with its emotion.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Enrolment {
    neutral: Vec<f32>,
    between: Vec<f32>,
    within: Vec<f32>,
    shared: Vec<f32>,
}

/// A voice that introduced itself to a classifier by [`Classifier::enrol`](crate::Classifier::enrol).
#[derive(Clone, Debug, PartialEq)]
pub struct Voice {
    /// By how much its scaled values lie off those of other voices.
    pub(crate) offset: Vec<f32>,
}

impl Enrolment {
    /// Learns from scaled rows with their classes and speakers; the class `neutral` is that of voices at rest. `None` unless two speakers are neutral,
    /// one of them twice, and have other emotions.
    pub(crate) fn fit(rows: &Matrix, labels: &[usize], speakers: &[usize], neutral: usize) -> Option<Self> {
        let mut cells: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        for (row, cell) in speakers.iter().copied().zip(labels.iter().copied()).enumerate() {
            cells.entry(cell).or_default().push(row);
        }
        let at_rest: Vec<(usize, &Vec<usize>)> = cells
            .iter()
            .filter(|((_, class), _)| *class == neutral)
            .map(|((speaker, _), rows)| (*speaker, rows))
            .collect();
        let (a, n) = (at_rest.len(), at_rest.iter().map(|(_, rows)| rows.len()).sum::<usize>());
        if a < 2 || n <= a {
            return None;
        }
        let d = rows.columns();
        let means: Vec<Vec<f64>> = at_rest.iter().map(|(_, members)| mean(rows, members)).collect();
        let mut within = vec![0.0; d];
        for ((_, members), mean) in at_rest.iter().zip(&means) {
            for &row in *members {
                for ((sum, &value), mean) in within.iter_mut().zip(rows.row(row)).zip(mean) {
                    *sum += (f64::from(value) - mean).powi(2) / (n - a) as f64;
                }
            }
        }
        // A speaker counts one, whatever the number of recordings; so the variance of the means holds that of the recordings, too.
        let share = at_rest.iter().map(|(_, members)| 1.0 / members.len() as f64).sum::<f64>() / a as f64;
        let overall = average(&means, d);
        let between = covariances(&means, &means, &overall).into_iter().zip(&within);
        let between = between.map(|(scatter, within)| (scatter - share * within).max(0.0)).collect();
        let offsets = offsets(rows, &cells, neutral);
        let paired: Vec<(&Vec<f64>, &Vec<f64>)> =
            at_rest.iter().zip(&means).filter_map(|((speaker, _), mean)| Some((mean, offsets.get(speaker)?))).collect();
        if paired.len() < 2 {
            return None;
        }
        let (at_rest, otherwise): (Vec<Vec<f64>>, Vec<Vec<f64>>) =
            paired.into_iter().map(|(mean, offset)| (mean.clone(), offset.clone())).unzip();
        let shared =
            covariances(&at_rest, &otherwise, &average(&otherwise, d)).into_iter().map(|it| it.max(0.0)).collect();
        let single = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect();
        Some(Self {
            neutral: single(overall),
            between: single(between),
            within: single(within),
            shared: single(shared),
        })
    }

    /// The voice behind scaled rows of neutral recordings, at least one.
    pub(crate) fn voice(&self, rows: &Matrix) -> Voice {
        let k = rows.rows() as f32;
        let mean = mean(rows, &(0..rows.rows()).collect::<Vec<_>>());
        let off = |column: usize| {
            let spread = self.between[column] + self.within[column] / k;
            // A column in which voices do not differ says nothing of one.
            let believed = if spread > 0.0 { (self.shared[column] / spread).min(1.0) } else { 0.0 };
            believed * (mean[column] as f32 - self.neutral[column])
        };
        Voice { offset: (0..mean.len()).map(off).collect() }
    }

    pub(crate) fn write(&self, tensors: &mut BTreeMap<String, Tensor>) {
        for (name, values) in NAMES.into_iter().zip([&self.neutral, &self.between, &self.within, &self.shared]) {
            tensors.insert(name.to_owned(), Tensor::f32(&[values.len()], values.clone()));
        }
    }

    /// Takes it from a model file of so many features, if it is there.
    pub(crate) fn read(archive: &mut Archive<'_>, columns: usize) -> Result<Option<Self>, ModelError> {
        if archive.shape(NAMES[0]).is_err() {
            return Ok(None);
        }
        let [neutral, between, within, shared] = NAMES.map(|name| archive.f32(name, &[columns]));
        let (neutral, between, within, shared) = (neutral?, between?, within?, shared?);
        if between.iter().chain(&within).chain(&shared).any(|variance| *variance < 0.0) {
            return Err(ModelError::Damaged("a variance of its enrolment is negative".into()));
        }
        Ok(Some(Self { neutral, between, within, shared }))
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

/// By speaker, how far the means of the emotions other than `neutral` lie off those of all rows of the same emotion, on average.
fn offsets(rows: &Matrix, cells: &BTreeMap<(usize, usize), Vec<usize>>, neutral: usize) -> BTreeMap<usize, Vec<f64>> {
    let d = rows.columns();
    let mut by_class: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for ((_, class), members) in cells.iter().filter(|((_, class), _)| *class != neutral) {
        by_class.entry(*class).or_default().extend(members);
    }
    let of_class: BTreeMap<usize, Vec<f64>> =
        by_class.into_iter().map(|(class, members)| (class, mean(rows, &members))).collect();
    let mut by_speaker: BTreeMap<usize, Vec<Vec<f64>>> = BTreeMap::new();
    for ((speaker, class), members) in cells {
        let Some(usual) = of_class.get(class) else { continue };
        let off = mean(rows, members).iter().zip(usual).map(|(own, usual)| own - usual).collect();
        by_speaker.entry(*speaker).or_default().push(off);
    }
    by_speaker.into_iter().map(|(speaker, offs)| (speaker, average(&offs, d))).collect()
}

/// The mean of these vectors of `d` values.
fn average(vectors: &[Vec<f64>], d: usize) -> Vec<f64> {
    (0..d).map(|column| vectors.iter().map(|it| it[column]).sum::<f64>() / vectors.len() as f64).collect()
}

/// Column by column, the covariance of two lists of as many vectors; `mean` is that of the second.
fn covariances(a: &[Vec<f64>], b: &[Vec<f64>], mean: &[f64]) -> Vec<f64> {
    let of = |column: usize| a.iter().zip(b).map(|(a, b)| a[column] * (b[column] - mean[column])).sum::<f64>();
    (0..mean.len()).map(|column| of(column) / (a.len() - 1) as f64).collect()
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

    /// 60 voices with six neutral and six other recordings each: in column 0 only voices differ, in column 1 only recordings, in column 2 both do, with the
    /// variances 4 and 1; column 3 is constant; in column 4 voices differ as in column 0, but only when they are neutral.
    fn voices() -> (Matrix, Vec<usize>, Vec<usize>) {
        let mut random = Lcg::new(5);
        // Evenly from −1 to 1 is a variance of a third.
        let mut spread = |deviation: f64| random.centred() * deviation * 3f64.sqrt();
        let (mut values, mut labels, mut speakers) = (Vec::new(), Vec::new(), Vec::new());
        for speaker in 0..60 {
            let (alone, both, at_rest) = (spread(1.0), spread(2.0), spread(1.0));
            for recording in 0..12 {
                let label = recording % 2;
                let fourth = if label == 0 { at_rest } else { 0.0 };
                values.extend([alone + 7.0, spread(1.0), both + spread(1.0), 3.0, fourth].map(|value| value as f32));
                labels.push(label);
                speakers.push(speaker);
            }
        }
        (Matrix::new(labels.len(), 5, values).unwrap(), labels, speakers)
    }

    fn fitted() -> Enrolment {
        let (rows, labels, speakers) = voices();
        Enrolment::fit(&rows, &labels, &speakers, 0).unwrap()
    }

    #[test]
    fn variances_of_voices_and_of_recordings_are_told_apart() {
        let it = fitted();
        let near =
            |value: f32, wanted: f32| assert!((value - wanted).abs() < 0.35 * wanted.max(0.4), "{value} {wanted}");
        let wanted = [(1.0, 0.0, 1.0), (0.0, 1.0, 0.0), (4.0, 1.0, 4.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0)];
        for (column, (between, within, shared)) in wanted.into_iter().enumerate() {
            near(it.between[column], between);
            near(it.within[column], within);
            near(it.shared[column], shared);
        }
        near(it.neutral[0], 7.0);
    }

    #[test]
    fn a_voice_is_believed_as_far_as_its_recordings_agree() {
        let it = fitted();
        let from_neutral = |off: f32| -> Vec<f32> { it.neutral.iter().map(|neutral| neutral + off).collect() };
        let heard = |k: usize| it.voice(&Matrix::from_rows(&vec![from_neutral(1.0); k]).unwrap()).offset;
        let (one, five) = (heard(1), heard(5));
        assert!(one[0] > 0.95 && one[0] <= 1.0, "voices alone: {one:?}");
        assert!(one[1] < 0.15 && five[1] < 0.4, "recordings alone: {one:?} {five:?}");
        assert!(one[2] < five[2] && one[2] > 0.6 && five[2] > 0.8, "both: {one:?} {five:?}");
        assert_eq!((one[3], five[3]), (0.0, 0.0));
        assert!(one[4] < 0.2, "gone with the emotion: {one:?}");
        let mut row = from_neutral(1.0);
        it.voice(&Matrix::from_rows(&[from_neutral(1.0)]).unwrap()).remove_from(&mut row);
        assert!((row[0] - it.neutral[0]).abs() < 0.05, "{row:?}");
    }

    #[test]
    fn one_voice_or_one_recording_of_each_teaches_nothing() {
        let (rows, labels, speakers) = voices();
        let taught = |rows: &[usize]| {
            let of = |values: &[usize]| rows.iter().map(|&row| values[row]).collect::<Vec<_>>();
            Enrolment::fit(&voices().0.select_rows(rows).unwrap(), &of(&labels), &of(&speakers), 0).is_some()
        };
        assert!(taught(&[0, 1, 2, 12, 13]));
        assert!(!taught(&[0, 1, 2, 3]), "one voice");
        assert!(!taught(&[0, 1, 12, 13]), "one neutral recording each");
        assert!(!taught(&[0, 2, 12, 14]), "nothing but neutral ones");
        assert_eq!(Enrolment::fit(&rows, &labels, &speakers, 9), None, "a class that is not there");
    }
}
