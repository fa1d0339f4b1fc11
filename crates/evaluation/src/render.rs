//! Evaluations as plain text for a terminal: aligned, uncoloured, every figure under the terms it holds on.
//!
//! All functions return whole lines, the last one with its line break too. Names of classes and folds come from files and may hold
//! anything; control characters are shown as `�`, so that no name can steer the terminal.

use std::fmt::Write as _;

use crate::{ConfusionMatrix, Evaluation, Metric};

/// What the cells of a printed confusion matrix show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Normalise {
    /// The number of recordings.
    #[default]
    Counts,
    /// Per cent of the row: what became of the recordings of each class. The diagonal is the recall.
    Row,
    /// Per cent of the column: what the predictions of each class really were. The diagonal is the precision.
    Column,
}

/// The headline figure with its interval and its terms, on one line, and whatever must be read with it below.
///
/// ```text
/// UAR 0.823 [0.761, 0.874]  random: stratified 5-fold, 535 recordings
///   leak: 535 of 535 test recordings are of speakers heard in training (10 of 10): expect less of a new voice
/// ```
pub fn headline(evaluation: &Evaluation) -> String {
    let Evaluation { pooled, intervals, leaks, warnings, .. } = evaluation;
    let mut text = format!("UAR {:.3} {}  {}\n", pooled.uar, intervals.uar, evaluation.terms());
    for leak in leaks {
        let _ = writeln!(text, "  leak: {leak}");
    }
    for warning in warnings {
        let _ = writeln!(text, "  note: {warning}");
    }
    shown(&text)
}

/// The headline, the three figures with intervals and spread over the folds, and the figures of each class.
///
/// ```
/// # use stimmung_evaluation::{Evaluation, Item, Prediction, Protocol, render};
/// # let classes = ["anger".to_owned(), "sadness".to_owned()];
/// # let items: Vec<_> = (0..40).map(|i| Item::new(format!("{i}.wav"), i % 2).with_speaker(format!("s{:02}", i / 4))).collect();
/// # let protocol = Protocol::default();
/// # let folds = protocol.split(&items, 2, 1)?;
/// # let answers = |fold: usize| items.iter().enumerate().filter(move |(i, _)| i / 4 == fold);
/// # let predictions: Vec<_> = (0..10).flat_map(|fold| answers(fold).map(move |(item, truth)| Prediction {
/// #     item, fold, predicted: if item % 7 == 0 { 0 } else { truth.class }, probabilities: vec![] })).collect();
/// # let evaluation = Evaluation::new(&protocol, &items, &classes, &folds, &predictions, 1)?;
/// assert_eq!(
///     render::scores_table(&evaluation),
///     "\
/// UAR 0.925 [0.850, 1.000]  speakers: leave one speaker out, 10 folds, 40 recordings
///
///            pooled    95 % interval      over folds
/// UAR         0.925   [0.850, 1.000]   0.925 ± 0.121   unweighted average recall, balanced accuracy
/// WAR         0.925   [0.850, 1.000]   0.925 ± 0.121   weighted average recall, accuracy
/// macro-F1    0.925   [0.847, 1.000]   0.920 ± 0.129   unweighted average F1
/// bootstrap over speakers, 2000 resamples; mean ± standard deviation over folds
///
///           precision   recall      F1   recordings   predicted
/// anger         0.870    1.000   0.930           20          23
/// sadness       1.000    0.850   0.919           20          17
/// "
/// );
/// # Ok::<(), stimmung_evaluation::EvaluationError>(())
/// ```
pub fn scores_table(evaluation: &Evaluation) -> String {
    let Evaluation { pooled, intervals, over_folds, .. } = evaluation;
    let interval = &intervals.uar;
    let mut figures = Table::new(&["", "pooled", &format!("{} % interval", interval.level * 100.0), "over folds", ""]);
    for metric in Metric::ALL {
        let spread = over_folds.get(metric);
        figures.row([
            metric.short_name().to_owned(),
            format!("{:.3}", pooled.get(metric)),
            intervals.get(metric).to_string(),
            spread.sd.map_or_else(|| "one fold".to_owned(), |sd| format!("{:.3} ± {sd:.3}", spread.mean)),
            metric.long_name().to_owned(),
        ]);
    }
    figures.left_align_last();

    let mut classes = Table::new(&["", "precision", "recall", "F1", "recordings", "predicted"]);
    for class in &pooled.classes {
        classes.row([
            shown(&class.class),
            format!("{:.3}", class.precision),
            format!("{:.3}", class.recall),
            format!("{:.3}", class.f1),
            class.support.to_string(),
            class.predicted.to_string(),
        ]);
    }
    let spread = if evaluation.folds.len() > 1 { "; mean ± standard deviation over folds" } else { "" };
    format!(
        "{}\n{}{}, {} resamples{spread}\n\n{}",
        headline(evaluation),
        figures.text(),
        interval.method,
        interval.resamples,
        classes.text()
    )
}

/// The figures of each fold, under the terms they hold on.
pub fn folds_table(evaluation: &Evaluation) -> String {
    let mut table = Table::new(&["fold", "trained on", "tested", "speakers", "UAR", "WAR", "macro-F1"]);
    for fold in &evaluation.folds {
        table.row([
            shown(&fold.name),
            fold.trained_on.to_string(),
            fold.recordings.to_string(),
            fold.speakers.map_or_else(|| "?".to_owned(), |speakers| speakers.to_string()),
            format!("{:.3}", fold.uar),
            format!("{:.3}", fold.war),
            format!("{:.3}", fold.macro_f1),
        ]);
    }
    format!("{}\n{}", shown(&evaluation.terms()), table.text())
}

/// The confusion matrix: rows are the truth, columns the prediction, hits in brackets, zeros as dots.
///
/// Columns are headed by the shortest beginnings that tell the classes apart, three characters at least; where that
/// would take more than eight, by letters, which the rows then repeat. The matrix itself does not know its protocol:
/// print it below the headline.
///
/// ```
/// use stimmung_evaluation::{ConfusionMatrix, render::{Normalise, confusion}};
///
/// let classes = ["anger", "fear", "sadness"].map(str::to_owned);
/// let matrix = ConfusionMatrix::new(&classes, &[0, 0, 0, 1, 1, 2], &[0, 0, 1, 1, 1, 2])?;
/// assert_eq!(
///     confusion(&matrix, Normalise::Counts),
///     "\
/// recordings: rows the truth, columns the prediction
///           ang    fea    sad
/// anger     [ 2]     1      ·
/// fear        ·    [ 2]     ·
/// sadness     ·      ·    [ 1]
/// "
/// );
/// # Ok::<(), stimmung_evaluation::EvaluationError>(())
/// ```
pub fn confusion(matrix: &ConfusionMatrix, normalise: Normalise) -> String {
    let (title, shares) = match normalise {
        Normalise::Counts => ("recordings: rows the truth, columns the prediction", None),
        Normalise::Row => ("per cent of each true class (rows); the recall in brackets", Some(matrix.by_row())),
        Normalise::Column => {
            ("per cent of each predicted class (columns); the precision in brackets", Some(matrix.by_column()))
        }
    };
    let cell = |truth: usize, predicted: usize| match (matrix.counts()[truth][predicted], &shares) {
        (0, _) => "·".to_owned(),
        (count, None) => count.to_string(),
        (_, Some(shares)) => format!("{:.0}", shares[truth][predicted] * 100.0),
    };
    let names: Vec<String> = matrix.classes().iter().map(|name| shown(name)).collect();
    let size = names.len();
    let (rows, columns) = short_names(&names);
    let cells: Vec<Vec<String>> =
        (0..size).map(|truth| (0..size).map(|column| cell(truth, column)).collect()).collect();
    let width = cells.iter().flatten().map(|cell| cell.chars().count()).max().unwrap_or(1).max(2);

    // A blank after each head, so that it ends above the digits and not above the bracket.
    let head: Vec<String> =
        std::iter::once(String::new()).chain(columns.iter().map(|name| format!("{name} "))).collect();
    let mut table = Table::new(&head.iter().map(String::as_str).collect::<Vec<_>>());
    for (truth, (name, cells)) in rows.iter().zip(&cells).enumerate() {
        let bracketed = cells.iter().enumerate().map(|(predicted, cell)| {
            if predicted == truth { format!("[{cell:>width$}]") } else { format!(" {cell:>width$} ") }
        });
        table.row(std::iter::once(name.clone()).chain(bracketed));
    }
    format!("{title}\n{}", table.text())
}

/// Names for the rows and for the columns of a matrix.
fn short_names(names: &[String]) -> (Vec<String>, Vec<String>) {
    for length in 3..=8 {
        let short: Vec<String> = names.iter().map(|name| name.chars().take(length).collect()).collect();
        let mut distinct = short.clone();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() == names.len() {
            return (names.to_vec(), short);
        }
    }
    let letters: Vec<String> = (0..names.len()).map(letters).collect();
    (letters.iter().zip(names).map(|(letter, name)| format!("{letter} {name}")).collect(), letters)
}

/// A, B, …, Z, AA, AB, …
fn letters(mut number: usize) -> String {
    let mut letters = String::new();
    loop {
        letters.insert(0, char::from(b'A' + (number % 26) as u8));
        if number < 26 {
            return letters;
        }
        number = number / 26 - 1;
    }
}

/// The text with control characters made visible and harmless, except line breaks that this module wrote itself.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// Rows of cells: the first column flush left, the others flush right.
struct Table {
    rows: Vec<Vec<String>>,
    left_align_last: bool,
}

impl Table {
    fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|&cell| cell.to_owned()).collect()], left_align_last: false }
    }

    fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    fn left_align_last(&mut self) {
        self.left_align_last = true;
    }

    fn text(&self) -> String {
        let columns = self.rows[0].len();
        let widths: Vec<usize> = (0..columns)
            .map(|column| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
            .collect();
        let lines: Vec<String> = self
            .rows
            .iter()
            .map(|row| {
                let mut line = String::new();
                for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                    if column > 0 {
                        line.push_str("   ");
                    }
                    let left = column == 0 || (self.left_align_last && column + 1 == columns);
                    let _ = if left { write!(line, "{cell:<width$}") } else { write!(line, "{cell:>width$}") };
                }
                format!("{}\n", line.trim_end())
            })
            .collect();
        lines.concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Item, Prediction, Protocol};

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn columns_are_headed_by_the_shortest_telling_beginnings() {
        let columns = |list: &[&str]| short_names(&names(list)).1;
        assert_eq!(columns(&["anger", "fear", "joy"]), ["ang", "fea", "joy"]);
        assert_eq!(columns(&["sad", "sadness"]), ["sad", "sadn"]);
        assert_eq!(columns(&["happiness", "happy", "hot"]), ["happi", "happy", "hot"]);
        assert_eq!(columns(&["Ärger", "Ärgernis"]), ["Ärger", "Ärgern"]);
        let (rows, columns) = short_names(&names(&["emotion one", "emotion two"]));
        assert_eq!((rows, columns), (names(&["A emotion one", "B emotion two"]), names(&["A", "B"])));
    }

    #[test]
    fn letters_go_on_after_z() {
        assert_eq!([0, 25, 26, 27, 51, 52, 701, 702].map(letters), ["A", "Z", "AA", "AB", "AZ", "BA", "ZZ", "AAA"]);
    }

    #[test]
    fn lines_stay_aligned_whatever_the_counts() {
        let classes = names(&["a", "Ärger", "c"]);
        let (mut truth, mut predicted) = (vec![0; 1234], vec![0; 1234]);
        truth.extend([1, 2, 2]);
        predicted.extend([0, 2, 0]);
        let matrix = ConfusionMatrix::new(&classes, &truth, &predicted).unwrap();
        for normalise in [Normalise::Counts, Normalise::Row, Normalise::Column] {
            let text = confusion(&matrix, normalise);
            let ends: Vec<usize> = text.lines().skip(2).map(|line| line.chars().count()).collect();
            assert!(ends.iter().all(|&end| end.abs_diff(ends[0]) <= 1), "{text}");
            assert!(text.ends_with('\n') && !text.contains(" \n"), "{text}");
        }
        let row = confusion(&matrix, Normalise::Row);
        assert!(row.contains("[100]") && row.contains("[ 50]") && row.contains("[  ·]"), "{row}");
        let counts = confusion(&matrix, Normalise::Counts);
        assert!(counts.contains("[1234]"), "{counts}");
    }

    #[test]
    fn a_matrix_without_classes_has_no_rows() {
        let matrix = ConfusionMatrix::new(&[], &[], &[]).unwrap();
        assert_eq!(confusion(&matrix, Normalise::Row).lines().count(), 2);
    }

    #[test]
    fn leaks_and_notes_stand_below_the_headline_and_names_cannot_steer_the_terminal() {
        let items: Vec<Item> =
            (0..20).map(|i| Item::new(format!("{i}"), i % 2).with_speaker(["x\u{1b}[31m", "y"][i / 10])).collect();
        let predictions = |folds: &[crate::Fold]| -> Vec<Prediction> {
            let of = |(fold, parts): (usize, &crate::Fold)| {
                let answer = move |&item| Prediction { item, fold, predicted: 0, probabilities: vec![] };
                parts.test.iter().map(answer).collect::<Vec<_>>()
            };
            folds.iter().enumerate().flat_map(of).collect()
        };
        let classes = names(&["a\u{7}", "b"]);
        let render = |protocol: &Protocol| {
            let folds = protocol.split(&items, 2, 0).unwrap();
            Evaluation::new(protocol, &items, &classes, &folds, &predictions(&folds), 0).unwrap()
        };
        let random = headline(&render(&Protocol::by_name("random").unwrap()));
        let lines: Vec<&str> = random.lines().collect();
        assert!(lines[0].starts_with("UAR 0.500 [") && lines[0].ends_with("random: stratified 5-fold, 20 recordings"));
        let leak = "20 of 20 test recordings are of speakers heard in training (2 of 2): expect less of a new voice";
        assert_eq!(lines[1], format!("  leak: {leak}"));
        assert!(lines[2].starts_with("  note: the intervals are over recordings"), "{random}");

        let speakers = render(&Protocol::default());
        let all =
            [scores_table(&speakers), folds_table(&speakers), confusion(&speakers.pooled.confusion, Normalise::Row)];
        assert!(all.iter().all(|text| text.chars().all(|c| c == '\n' || !c.is_control())));
        assert!(all[0].contains("a\u{fffd}") && all[1].contains("x\u{fffd}[31m"));
        assert!(all[1].starts_with("speakers: leave one speaker out, 2 folds, 20 recordings\n"));
    }
}
