//! What is in a corpus, counted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Serialize;

use crate::manifest::Manifest;
use crate::recording::{Dropped, Sex, portable};

/// What is in a corpus. Durations, formats and copies are known after [`Manifest::probe`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Description {
    /// Name of the corpus.
    pub name: String,
    /// How many recordings can be used.
    pub recordings: usize,
    /// What cannot be used, and why.
    pub dropped: Vec<Dropped>,
    /// The speakers, by id.
    pub speakers: Vec<SpeakerCount>,
    /// How many recordings have no speaker.
    pub without_speaker: usize,
    /// How many recordings each emotion has.
    pub emotions: BTreeMap<String, usize>,
    /// How many recordings have no emotion.
    pub without_emotion: usize,
    /// How many recordings of each emotion (inner key) each speaker (outer key) has; pairs that do not occur are zero.
    pub table: BTreeMap<String, BTreeMap<String, usize>>,
    /// How many recordings each text has.
    pub texts: BTreeMap<String, usize>,
    /// How many recordings bear each mark of a take.
    pub takes: BTreeMap<String, usize>,
    /// How many recordings are in each language.
    pub languages: BTreeMap<String, usize>,
    /// Durations, if any is known.
    pub durations: Option<Durations>,
    /// How many recordings have each sample rate, in hertz.
    pub sample_rates: BTreeMap<u32, usize>,
    /// How many recordings have each number of channels.
    pub channels: BTreeMap<u16, usize>,
    /// Sets of files that are byte for byte the same.
    pub copies: Vec<Vec<String>>,
    /// Utterances that exist more than once: the same text by the same speaker in the same emotion. A random split puts one into
    /// training and the other into the test.
    pub repetitions: Vec<Repetition>,
}

/// One speaker of a corpus.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpeakerCount {
    /// Who it is.
    pub speaker: String,
    /// Sex, if the recordings agree about it.
    pub sex: Option<Sex>,
    /// Age, if the recordings agree about it.
    pub age: Option<String>,
    /// How many recordings there are.
    pub recordings: usize,
    /// How long they are together, in seconds, as far as known.
    pub seconds: f64,
}

/// Durations in seconds over the recordings that have one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Durations {
    /// Over how many recordings.
    pub recordings: usize,
    /// Sum.
    pub total: f64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Middle value, or the mean of the two middle ones.
    pub median: f64,
    /// Shortest.
    pub min: f64,
    /// Longest.
    pub max: f64,
    /// Standard deviation with n − 1; 0 for a single recording.
    pub sd: f64,
}

/// One utterance of which there are several recordings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Repetition {
    /// Who speaks.
    pub speaker: String,
    /// In which emotion.
    pub emotion: String,
    /// Which text.
    pub text: String,
    /// The files.
    pub files: Vec<String>,
}

impl Manifest {
    /// Counts what is in the corpus.
    ///
    /// ```
    /// use stimmung_corpus::Manifest;
    ///
    /// let csv = "file,speaker,emotion,text\na.wav,anna,anger,1\nb.wav,anna,anger,1\nc.wav,ben,fear,1\n";
    /// let description = Manifest::from_csv_reader(csv.as_bytes(), ".".into(), "mine")?.describe();
    /// assert_eq!(description.table["anna"]["anger"], 2);
    /// assert_eq!(description.table["ben"]["anger"], 0);
    /// assert_eq!(description.repetitions[0].files, ["a.wav", "b.wav"]);
    /// # Ok::<(), stimmung_corpus::CorpusError>(())
    /// ```
    pub fn describe(&self) -> Description {
        let emotions = self.emotions();
        let mut table: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
        let zeros: BTreeMap<String, usize> = emotions.keys().map(|emotion| (emotion.clone(), 0)).collect();
        for recording in &self.recordings {
            if let (Some(speaker), Some(emotion)) = (&recording.speaker, &recording.emotion) {
                let row = table.entry(speaker.clone()).or_insert_with(|| zeros.clone());
                *row.entry(emotion.clone()).or_default() += 1;
            }
        }
        let media = || self.recordings.iter().filter_map(|recording| recording.media.as_ref());
        let speakers = self.speaker_counts();
        Description {
            name: self.name.clone(),
            recordings: self.recordings.len(),
            dropped: self.dropped.clone(),
            without_speaker: self.recordings.iter().filter(|recording| recording.speaker.is_none()).count(),
            without_emotion: self.recordings.iter().filter(|recording| recording.emotion.is_none()).count(),
            speakers,
            emotions,
            table,
            texts: tally(self.recordings.iter().filter_map(|recording| recording.text.clone())),
            takes: tally(self.recordings.iter().filter_map(|recording| recording.take.clone())),
            languages: tally(self.recordings.iter().filter_map(|recording| recording.language.clone())),
            durations: durations(self.recordings.iter().filter_map(|recording| recording.seconds).collect()),
            sample_rates: tally(media().map(|media| media.sample_rate)),
            channels: tally(media().map(|media| media.channels)),
            copies: self.copies(),
            repetitions: self.repetitions(),
        }
    }

    fn speaker_counts(&self) -> Vec<SpeakerCount> {
        self.speakers()
            .into_iter()
            .map(|(speaker, recordings)| {
                let own = || self.recordings.iter().filter(|recording| recording.speaker.as_ref() == Some(&speaker));
                SpeakerCount {
                    sex: agreed(own().filter_map(|recording| recording.sex)),
                    age: agreed(own().filter_map(|recording| recording.age.clone())),
                    recordings,
                    seconds: own().filter_map(|recording| recording.seconds).sum(),
                    speaker: speaker.clone(),
                }
            })
            .collect()
    }

    fn copies(&self) -> Vec<Vec<String>> {
        let mut by_hash: BTreeMap<&str, BTreeSet<&PathBuf>> = BTreeMap::new();
        for recording in &self.recordings {
            if let Some(hash) = recording.media.as_ref().and_then(|media| media.sha256.as_deref()) {
                by_hash.entry(hash).or_default().insert(&recording.file);
            }
        }
        let mut copies: Vec<Vec<String>> = by_hash
            .into_values()
            .filter(|files| files.len() > 1)
            .map(|files| files.into_iter().map(|file| portable(file)).collect())
            .collect();
        copies.sort();
        copies
    }

    fn repetitions(&self) -> Vec<Repetition> {
        let mut utterances: BTreeMap<(&str, &str, &str), BTreeSet<String>> = BTreeMap::new();
        for recording in &self.recordings {
            if let (Some(speaker), Some(emotion), Some(text)) =
                (&recording.speaker, &recording.emotion, &recording.text)
            {
                utterances.entry((speaker, emotion, text)).or_default().insert(portable(&recording.file));
            }
        }
        utterances
            .into_iter()
            .filter(|(_, files)| files.len() > 1)
            .map(|((speaker, emotion, text), files)| Repetition {
                speaker: speaker.to_owned(),
                emotion: emotion.to_owned(),
                text: text.to_owned(),
                files: files.into_iter().collect(),
            })
            .collect()
    }
}

fn tally<T: Ord>(values: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts
}

/// The value that all give, if they give one.
fn agreed<T: PartialEq>(mut values: impl Iterator<Item = T>) -> Option<T> {
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

fn durations(mut seconds: Vec<f64>) -> Option<Durations> {
    seconds.sort_by(f64::total_cmp);
    let (min, max) = (*seconds.first()?, *seconds.last()?);
    let count = seconds.len();
    let total: f64 = seconds.iter().sum();
    let mean = total / count as f64;
    let median = f64::midpoint(seconds[(count - 1) / 2], seconds[count / 2]);
    let squares: f64 = seconds.iter().map(|second| (second - mean).powi(2)).sum();
    let sd = if count > 1 { (squares / (count - 1) as f64).sqrt() } else { 0.0 };
    Some(Durations { recordings: count, total, mean, median, min, max, sd })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::{Media, Recording};

    #[test]
    fn durations_of_few() {
        assert_eq!(durations(Vec::new()), None);
        let one = durations(vec![2.0]).unwrap();
        assert_eq!((one.mean, one.median, one.min, one.max, one.sd), (2.0, 2.0, 2.0, 2.0, 0.0));
        let four = durations(vec![4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!((four.total, four.mean, four.median, four.min, four.max), (10.0, 2.5, 2.5, 1.0, 4.0));
        assert!((four.sd - (5.0f64 / 3.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn an_empty_manifest_describes_itself() {
        let description = Manifest::default().describe();
        assert_eq!((description.recordings, description.durations, description.table.len()), (0, None, 0));
    }

    #[test]
    fn copies_takes_and_disagreements() {
        let recording = |file: &str, emotion: &str, sex: Sex, hash: Option<&str>| Recording {
            speaker: Some("s".into()),
            emotion: Some(emotion.into()),
            text: Some("t".into()),
            sex: Some(sex),
            seconds: Some(1.0),
            media: Some(Media { seconds: 1.0, sample_rate: 16_000, channels: 1, sha256: hash.map(str::to_owned) }),
            ..Recording::new(file)
        };
        let part = Recording { start: Some(0.5), ..recording("d.wav", "fear", Sex::Male, Some("3")) };
        let manifest = Manifest {
            recordings: vec![
                recording("a.wav", "anger", Sex::Female, Some("1")),
                recording("b.wav", "fear", Sex::Male, Some("1")),
                recording("c.wav", "anger", Sex::Female, None),
                recording("d.wav", "disgust", Sex::Male, Some("3")),
                part,
                Recording::new("e.wav"),
            ],
            ..Manifest::default()
        };
        let description = manifest.describe();
        assert_eq!(description.copies, [["a.wav", "b.wav"]], "parts of one file are no copies");
        assert_eq!(description.repetitions.len(), 2);
        assert_eq!(description.repetitions[0].files, ["a.wav", "c.wav"]);
        assert_eq!(description.speakers[0].sex, None);
        assert_eq!((description.speakers[0].recordings, description.speakers[0].seconds), (5, 5.0));
        assert_eq!((description.without_speaker, description.without_emotion), (1, 1));
        assert_eq!(description.sample_rates[&16_000], 5);
        let json = serde_json::to_value(&description).unwrap();
        assert_eq!(json["table"]["s"]["anger"], 2);
        assert_eq!(json["durations"]["total"], 5.0);
    }
}
