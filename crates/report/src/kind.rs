//! The kinds of figures by name.

use std::fmt;
use std::str::FromStr;

use stimmung::SavedRun;
use stimmung_audio::Waveform;
use stimmung_corpus::Manifest;

use crate::figures::run::Divided;
use crate::figures::{corpus, recording, run};
use crate::{Figure, ReportError};

/// What a kind of figure is drawn from.
#[derive(Clone, Copy)]
enum Draw {
    Corpus(fn(&Manifest) -> Result<Figure, ReportError>),
    Recording(fn(&str, &Waveform) -> Result<Figure, ReportError>),
    Run(fn(&SavedRun) -> Result<Figure, ReportError>),
    Runs(fn(&[SavedRun]) -> Result<Figure, ReportError>),
}

/// What a figure shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// A corpus.
    Corpus,
    /// One recording.
    Recording,
    /// A finished run.
    Run,
    /// Several finished runs.
    Runs,
}

impl Subject {
    /// Every subject, in the order of the work.
    pub const ALL: [Self; 4] = [Self::Corpus, Self::Recording, Self::Run, Self::Runs];

    /// What to give for it, for people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Corpus => "a corpus (a name, a folder or a manifest)",
            Self::Recording => "a recording (an audio file)",
            Self::Run => "a run's folder",
            Self::Runs => "one or more runs' folders",
        }
    }
}

/// A kind of figure.
///
/// ```
/// use stimmung_report::{Kind, Subject};
///
/// let kind: Kind = "mel-spectrogram".parse()?;
/// assert_eq!(kind.subject(), Subject::Recording);
/// assert!("mel-spektrogram".parse::<Kind>().unwrap_err().to_string().contains("did you mean `mel-spectrogram`"));
/// # Ok::<(), stimmung_report::ReportError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Kind {
    name: &'static str,
    shows: &'static str,
    draw: Draw,
}

/// All kinds in the order of the story: data, sound, learning, results.
static KINDS: [Kind; 35] = [
    kind("classes", "recordings by emotion", Draw::Corpus(|it| Ok(corpus::classes(it)))),
    kind("speakers", "recordings by speaker", Draw::Corpus(|it| Ok(corpus::speakers(it)))),
    kind("sexes", "recordings by the speaker's sex", Draw::Corpus(|it| Ok(corpus::sexes(it)))),
    kind("texts", "recordings by what is said", Draw::Corpus(|it| Ok(corpus::texts(it)))),
    kind("durations", "histogram of durations", Draw::Corpus(corpus::durations)),
    kind("duration-boxes", "box plots of durations by emotion", Draw::Corpus(corpus::duration_boxes)),
    kind(
        "durations-by-speaker",
        "duration of every recording, a colour a speaker",
        Draw::Corpus(corpus::durations_by_speaker),
    ),
    kind("waveform", "the waveform", Draw::Recording(recording::waveform)),
    kind("spectrum", "the magnitude spectrum", Draw::Recording(recording::spectrum)),
    kind("spectrogram", "the spectrogram in decibel", Draw::Recording(recording::spectrogram)),
    kind("mel-spectrogram", "the mel spectrogram", Draw::Recording(recording::mel_spectrogram)),
    kind("mfcc", "mel-frequency cepstral coefficients", Draw::Recording(recording::mfcc_picture)),
    kind("chromagram", "the chromagram", Draw::Recording(recording::chromagram)),
    kind("f0", "the fundamental frequency", Draw::Recording(recording::f0)),
    kind("loudness", "the loudness", Draw::Recording(recording::loudness)),
    kind("level", "the level", Draw::Recording(recording::level)),
    kind("pca", "principal components of the features, by emotion", Draw::Run(run::pca_by_emotion)),
    kind("pca-by-speaker", "principal components of the features, by speaker", Draw::Run(run::pca_by_speaker)),
    kind("folds", "what each fold was trained on and judged by", Draw::Run(run::folds)),
    kind("loss", "loss by epoch and fold", Draw::Run(run::loss)),
    kind("accuracy", "accuracy by epoch and fold", Draw::Run(run::accuracy)),
    kind("confusion", "confusion matrix, recordings", Draw::Run(|it| Ok(run::confusion(it, Divided::Counts)))),
    kind("confusion-by-row", "confusion matrix, recall", Draw::Run(|it| Ok(run::confusion(it, Divided::ByRow)))),
    kind(
        "confusion-by-column",
        "confusion matrix, precision",
        Draw::Run(|it| Ok(run::confusion(it, Divided::ByColumn))),
    ),
    kind("by-emotion", "recall, precision and F1 by emotion", Draw::Run(run::classes)),
    kind("by-speaker", "accuracy by speaker", Draw::Run(run::by_speaker)),
    kind("by-sex", "accuracy by the speaker's sex", Draw::Run(run::by_sex)),
    kind("by-text", "accuracy by sentence", Draw::Run(run::by_text)),
    kind("by-duration", "accuracy by duration, with the correlation", Draw::Run(run::by_duration)),
    kind("text-length", "accuracy of each sentence against its length", Draw::Run(run::text_length)),
    kind("confidence", "histogram of confidences, right and wrong", Draw::Run(run::confidence)),
    kind("confidence-accuracy", "accuracy above each threshold of confidence", Draw::Run(run::confidence_accuracy)),
    kind("roc", "each emotion against all others", Draw::Run(run::roc)),
    kind("reliability", "accuracy against confidence", Draw::Run(run::reliability)),
    kind("compare", "the figures of runs with their intervals", Draw::Runs(run::compare)),
];

const fn kind(name: &'static str, shows: &'static str, draw: Draw) -> Kind {
    Kind { name, shows, draw }
}

impl Kind {
    /// All kinds, in the order of the story: data, sound, learning, results.
    pub fn all() -> &'static [Self] {
        &KINDS
    }

    /// The kind's name.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// What the figure shows, in a few words.
    pub fn shows(self) -> &'static str {
        self.shows
    }

    /// What it is drawn from.
    pub fn subject(self) -> Subject {
        match self.draw {
            Draw::Corpus(_) => Subject::Corpus,
            Draw::Recording(_) => Subject::Recording,
            Draw::Run(_) => Subject::Run,
            Draw::Runs(_) => Subject::Runs,
        }
    }

    /// Draws a figure of a corpus, of which durations are known after [`Manifest::probe`].
    ///
    /// # Errors
    /// [`ReportError::Missing`] for kinds of other subjects, and for a corpus that lacks what is drawn.
    pub fn of_corpus(self, manifest: &Manifest) -> Result<Figure, ReportError> {
        match self.draw {
            Draw::Corpus(draw) => draw(manifest),
            _ => Err(self.mistaken()),
        }
    }

    /// Draws a figure of a recording; `name` stands in its note.
    ///
    /// # Errors
    /// [`ReportError::Missing`] for kinds of other subjects, and for a recording without samples or of more than ten minutes.
    pub fn of_recording(self, name: &str, sound: &Waveform) -> Result<Figure, ReportError> {
        match self.draw {
            Draw::Recording(draw) => draw(name, sound),
            _ => Err(self.mistaken()),
        }
    }

    /// Draws a figure of runs: of one, or of several where the kind compares them.
    ///
    /// # Errors
    /// [`ReportError::Missing`] for kinds of other subjects, for another number of runs, and for a run that lacks what is drawn.
    pub fn of_runs(self, runs: &[SavedRun]) -> Result<Figure, ReportError> {
        match (self.draw, runs) {
            (Draw::Run(draw), [run]) => draw(run),
            (Draw::Runs(draw), runs) => draw(runs),
            (Draw::Run(_), runs) => {
                let why = format!("it is drawn of one run, and {} are given", runs.len());
                Err(ReportError::Missing { what: self.name.to_owned(), why })
            }
            _ => Err(self.mistaken()),
        }
    }

    fn mistaken(self) -> ReportError {
        let why = format!("it is drawn from {}", self.subject().describe());
        ReportError::Missing { what: self.name.to_owned(), why }
    }
}

impl FromStr for Kind {
    type Err = ReportError;

    fn from_str(name: &str) -> Result<Self, ReportError> {
        if let Some(kind) = KINDS.iter().find(|kind| kind.name == name) {
            return Ok(*kind);
        }
        let near = KINDS.iter().map(|kind| (strsim::damerau_levenshtein(kind.name, name), kind.name)).min();
        let hint = near.filter(|(distance, _)| *distance <= 3).map(|(_, near)| format!(": did you mean `{near}`?"));
        let known: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        Err(ReportError::UnknownKind { name: name.to_owned(), hint: hint.unwrap_or_default(), known: known.join(", ") })
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kind({})", self.name)
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_different_and_found() {
        for kind in Kind::all() {
            assert_eq!(kind.name().parse::<Kind>().unwrap(), *kind);
            assert!(!kind.shows().is_empty());
        }
        let error = "confusoin".parse::<Kind>().unwrap_err().to_string();
        assert!(error.contains("did you mean `confusion`?") && error.contains("reliability"), "{error}");
        assert!(!"x".repeat(50).parse::<Kind>().unwrap_err().to_string().contains("did you mean"));
    }

    #[test]
    fn the_wrong_subject_is_told() {
        let manifest = Manifest { name: "none".into(), root: ".".into(), recordings: Vec::new(), dropped: Vec::new() };
        let sound = Waveform::new(vec![0.0; 10], 8000).unwrap();
        for kind in Kind::all() {
            if kind.subject() != Subject::Corpus {
                assert!(kind.of_corpus(&manifest).unwrap_err().to_string().contains("it is drawn from"));
            }
            if kind.subject() != Subject::Recording {
                assert!(kind.of_recording("a", &sound).unwrap_err().to_string().contains("it is drawn from"));
            }
            kind.of_runs(&[]).unwrap_err();
        }
    }
}
