//! Figures of a corpus: what it holds, before anything is learnt from it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use stimmung_corpus::{Manifest, Recording};

use super::marks::{BoxNumbers, counted, histogram, lying_box};
use crate::chart::{Axis, Chart, Key, Sign};
use crate::svg::{FAINT, Pen};
use crate::{Figure, ReportError, colour};

/// How many names a figure lists; the rest is counted in its note.
const MOST_ROWS: usize = 60;

/// How many recordings each emotion has, the most frequent first.
pub fn classes(manifest: &Manifest) -> Figure {
    count(manifest, "Recordings by emotion", "emotions", |recording| recording.emotion.clone())
}

/// How many recordings each speaker has, by id.
pub fn speakers(manifest: &Manifest) -> Figure {
    let name = |recording: &Recording| {
        let speaker = recording.speaker.as_ref()?;
        Some(recording.sex.map_or_else(|| speaker.clone(), |sex| format!("{speaker} ({sex})")))
    };
    count(manifest, "Recordings by speaker", "speakers", name)
}

/// How many recordings there are of women and of men.
pub fn sexes(manifest: &Manifest) -> Figure {
    count(manifest, "Recordings by the speaker's sex", "sexes", |recording| recording.sex.map(|sex| sex.to_string()))
}

/// How many recordings each sentence or word has.
pub fn texts(manifest: &Manifest) -> Figure {
    count(manifest, "Recordings by what is said", "texts", |recording| recording.text.clone())
}

fn count(manifest: &Manifest, title: &str, plural: &str, name: impl Fn(&Recording) -> Option<String>) -> Figure {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut unknown = 0;
    for recording in &manifest.recordings {
        match name(recording) {
            Some(name) => *counts.entry(name).or_default() += 1,
            None => unknown += 1,
        }
    }
    let mut note = format!("{}: {} recordings, {} {plural}.", manifest.name, manifest.recordings.len(), counts.len());
    let mut counts: Vec<_> = counts.into_iter().collect();
    // Equal ones stay in the order of their names.
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    if counts.len() > MOST_ROWS {
        let rest: usize = counts[MOST_ROWS..].iter().map(|(_, count)| count).sum();
        note = format!("{note} The {} least frequent ({rest} recordings) are not listed.", counts.len() - MOST_ROWS);
        counts.truncate(MOST_ROWS);
    }
    if unknown > 0 {
        counts.push(("(not known)".to_owned(), unknown));
    }
    counted(title, &note, "recordings", "recordings", &counts)
}

/// How long the recordings are, in bins.
///
/// # Errors
/// [`ReportError::Missing`] where no duration is known: see [`Manifest::probe`].
pub fn durations(manifest: &Manifest) -> Result<Figure, ReportError> {
    let known = known_durations(manifest)?;
    let seconds: Vec<f64> = known.iter().map(|(_, seconds)| *seconds).collect();
    let (first, width, counts) = histogram(&seconds).unwrap_or((0.0, 1.0, Vec::new()));
    let highest = counts.iter().copied().max().unwrap_or(0);
    let x = Axis::values("seconds", (first - width).max(0.0), first + width * counts.len() as f64);
    let y = Axis::from_zero("recordings", highest as f64);
    let mut sorted = seconds.clone();
    sorted.sort_by(f64::total_cmp);
    let mean = seconds.iter().sum::<f64>() / seconds.len() as f64;
    let median = super::marks::quantile(&sorted, 0.5).unwrap_or(mean);
    let note = format!(
        "{}: {} recordings of {:.2} to {:.2} s, mean {mean:.2} s, median {median:.2} s.",
        manifest.name,
        seconds.len(),
        sorted[0],
        sorted[sorted.len() - 1],
    );
    let keys = vec![
        Key::new("median", FAINT, Sign::Line { dashed: false }),
        Key::new("mean", FAINT, Sign::Line { dashed: true }),
    ];
    Ok(Chart::new("How long the recordings are", x, y).note(&note).legend(keys).draw(&note, |canvas, area| {
        for (bin, &count) in counts.iter().enumerate() {
            let (from, to) = (first + bin as f64 * width, first + (bin + 1) as f64 * width);
            let (left, right, top) = (area.x(from), area.x(to), area.y(count as f64));
            let tip = format!("{from:.2} to {to:.2} s: {count}");
            canvas.bar((left + 0.5, top), (right - left - 1.0, area.bottom() - top), colour::MAIN, &tip);
        }
        for (value, pen) in [(median, Pen::new(FAINT, 2.0)), (mean, Pen::new(FAINT, 2.0).dashed())] {
            canvas.line((area.x(value), area.top), (area.x(value), area.bottom()), pen);
        }
    }))
}

/// Box plots of the durations: of all recordings, and of each emotion.
///
/// # Errors
/// As [`durations`].
pub fn duration_boxes(manifest: &Manifest) -> Result<Figure, ReportError> {
    let known = known_durations(manifest)?;
    let mut groups: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (recording, seconds) in &known {
        groups.entry(recording.emotion.as_deref().unwrap_or("(no emotion)")).or_default().push(*seconds);
    }
    let all: Vec<f64> = known.iter().map(|(_, seconds)| *seconds).collect();
    let rows: Vec<(String, Vec<f64>)> = std::iter::once(("all".to_owned(), all.clone()))
        .chain(groups.into_iter().map(|(name, values)| (name.to_owned(), values)))
        .collect();
    let longest = all.iter().copied().fold(0.0, f64::max);
    let x = Axis::from_zero("seconds", longest);
    let y = Axis::names("", rows.iter().map(|(name, values)| format!("{name} ({})", values.len())));
    let note = "Box: the middle half, with the median; whiskers: to the furthest recording within 1.5 box lengths; dots: beyond.";
    Ok(Chart::new("Durations by emotion", x, y).note(note).draw(note, |canvas, area| {
        for (row, (name, values)) in rows.iter().enumerate() {
            if let Some(numbers) = BoxNumbers::of(values) {
                let colour = if row == 0 { FAINT } else { colour::MAIN };
                lying_box(canvas, area, row, &numbers, colour, name);
            }
        }
    }))
}

/// The duration of every recording, one colour and shape a speaker, in the order of speakers and of what they say.
///
/// # Errors
/// As [`durations`].
pub fn durations_by_speaker(manifest: &Manifest) -> Result<Figure, ReportError> {
    let mut known = known_durations(manifest)?;
    let order = |recording: &Recording| (recording.speaker.clone(), recording.text.clone(), recording.file.clone());
    known.sort_by_cached_key(|(recording, _)| order(recording));
    let speaker = |recording: &Recording| recording.speaker.clone().unwrap_or_else(|| "(not known)".to_owned());
    let speakers: Vec<String> =
        known.iter().map(|(recording, _)| speaker(recording)).collect::<BTreeSet<_>>().into_iter().collect();
    let longest = known.iter().map(|(_, seconds)| *seconds).fold(0.0, f64::max);
    let keys = speakers
        .iter()
        .enumerate()
        .map(|(number, name)| Key::new(name.clone(), colour::series(number), Sign::Point(colour::mark(number))))
        .collect();
    let x = Axis::values("recordings in the order of speakers and of what they say", 0.0, known.len() as f64);
    let y = Axis::from_zero("seconds", longest);
    let note = format!("{}: {} recordings of {} speakers.", manifest.name, known.len(), speakers.len());
    // Where a corpus lies is nobody's business whom a report is shown.
    let folder = common_folder(known.iter().map(|(recording, _)| recording.file.as_path()));
    Ok(Chart::new("Duration of each recording", x, y).note(&note).legend(keys).draw(&note, |canvas, area| {
        for (place, (recording, seconds)) in known.iter().enumerate() {
            let name = speaker(recording);
            let number = speakers.binary_search(&name).unwrap_or(0);
            let file = recording.file.strip_prefix(&folder).unwrap_or(&recording.file);
            let tip = format!("{}: {seconds:.2} s", file.display());
            canvas.mark(area.at(place as f64 + 0.5, *seconds), colour::mark(number), 3.0, colour::series(number), &tip);
        }
    }))
}

/// The deepest folder that holds all files.
fn common_folder<'f>(files: impl Iterator<Item = &'f Path>) -> PathBuf {
    let folders = files.map(|file| file.parent().unwrap_or(Path::new("")).to_path_buf());
    let shared = |a: PathBuf, b: PathBuf| {
        a.components().zip(b.components()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect::<PathBuf>()
    };
    folders.reduce(shared).unwrap_or_default()
}

fn known_durations(manifest: &Manifest) -> Result<Vec<(&Recording, f64)>, ReportError> {
    let known: Vec<_> = manifest
        .recordings
        .iter()
        .filter_map(|recording| Some((recording, recording.seconds.filter(|seconds| seconds.is_finite())?)))
        .collect();
    if known.is_empty() {
        return Err(ReportError::Missing {
            what: "durations".to_owned(),
            why: format!("no recording of `{}` has one; the corpus holds nothing that can be read", manifest.name),
        });
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use stimmung_corpus::Sex;

    use super::*;
    use crate::figure::tests::collisions;

    /// A corpus of so many emotions and speakers, with what is awkward in one.
    fn corpus(emotions: usize, speakers: usize, known: bool) -> Manifest {
        let mut recordings = Vec::new();
        for emotion in 0..emotions {
            for speaker in 0..speakers {
                let mut recording = Recording::new(format!("{speaker}-{emotion}.wav"));
                recording.emotion = Some(match emotion % 3 {
                    0 => format!("an emotion whose name is as long as sixty characters {emotion:06}"),
                    1 => format!("غضب شديد {emotion}"),
                    _ => format!("e{emotion}"),
                });
                if known {
                    recording.speaker = Some(format!("speaker {speaker:03}"));
                    recording.sex = (speaker % 2 == 0).then_some(Sex::Female);
                    recording.text = Some(format!("text {}", emotion % 5));
                    recording.seconds = Some(0.2 + (emotion * 7 + speaker * 3) as f64 % 11.0);
                }
                recordings.push(recording);
            }
        }
        Manifest { name: "a corpus".into(), root: ".".into(), recordings, dropped: Vec::new() }
    }

    #[test]
    fn paths_are_told_from_the_folder_that_all_share() {
        let folder = |files: &[&str]| common_folder(files.iter().map(Path::new));
        assert_eq!(folder(&["/corpora/a/wav/1.wav", "/corpora/a/more/2.wav"]), Path::new("/corpora/a"));
        assert_eq!(folder(&["/corpora/a/1.wav", "/corpora/ab/2.wav"]), Path::new("/corpora"));
        assert_eq!(folder(&["a/1.wav"]), Path::new("a"));
        assert_eq!(folder(&["1.wav", "b/2.wav"]), Path::new(""));
        assert_eq!(folder(&[]), Path::new(""));
        let mut manifest = corpus(2, 2, true);
        for recording in &mut manifest.recordings {
            recording.file = Path::new("/home/somebody").join(&recording.file);
        }
        assert!(!durations_by_speaker(&manifest).unwrap().svg.contains("somebody"));
    }

    #[test]
    fn no_corpus_breaks_a_figure() {
        for (emotions, speakers_) in [(0, 0), (1, 1), (7, 10), (40, 3), (2, 91)] {
            for known in [true, false] {
                let manifest = corpus(emotions, speakers_, known);
                let mut figures = vec![classes(&manifest), speakers(&manifest), sexes(&manifest), texts(&manifest)];
                for figure in [durations(&manifest), duration_boxes(&manifest), durations_by_speaker(&manifest)] {
                    match figure {
                        Ok(figure) => figures.push(figure),
                        Err(error) => {
                            assert!(!known || emotions == 0, "{error}");
                            assert!(error.to_string().contains("durations"), "{error}");
                        }
                    }
                }
                for figure in figures {
                    assert_eq!(collisions(&figure), Vec::<String>::new(), "{emotions} emotions\n{}", figure.svg);
                }
            }
        }
    }

    #[test]
    fn recordings_of_one_length_have_a_bar_that_is_seen() {
        let mut manifest = corpus(2, 5, true);
        manifest.recordings.iter_mut().for_each(|recording| recording.seconds = Some(2.0));
        let svg = durations(&manifest).unwrap().svg;
        let bar = svg.split("<rect").find(|rect| rect.contains(" s: 10")).unwrap();
        let width: f64 = bar.split("width=\"").nth(1).and_then(|it| it.split('"').next()).unwrap().parse().unwrap();
        assert!(width > 10.0, "{bar}");
    }

    #[test]
    fn bars_tell_the_counts() {
        let figure = classes(&corpus(2, 5, true));
        assert!(figure.svg.contains("غضب شديد 1: 5 recordings"), "{}", figure.svg);
        let figure = sexes(&corpus(2, 5, true));
        assert!(figure.svg.contains("female: 6 recordings") && figure.svg.contains("(not known): 4 recordings"));
    }
}
