//! A report before it has a form: what there is to tell of a run, in the order of the work.

mod card;
mod comparison;
pub(crate) mod data;
pub(crate) mod method;
pub(crate) mod results;
pub(crate) mod words;

pub use card::model_card;
use serde::Serialize;
use stimmung::SavedRun;

use crate::{Figure, ReportError};

/// A report on a run: its sections in the order of the story, each sentence made from the run's numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What it is about.
    pub title: String,
    /// The result in a sentence or two, with its protocol.
    pub summary: String,
    /// Data, cleaning, preparation, features, model, protocol, results, failures, cost, repetition.
    pub sections: Vec<Section>,
}

/// A section of a report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Section {
    /// Its heading.
    pub heading: &'static str,
    /// What it holds, in order.
    pub blocks: Vec<Block>,
}

/// A part of a section.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// A list of short statements.
    List(Vec<String>),
    /// A table.
    Table(Table),
    /// A figure. In JSON it is its title.
    #[serde(serialize_with = "title")]
    Figure(Figure),
    /// Text to be typed or kept as it is: commands, settings.
    Code(String),
}

/// A table whose first column names the rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    /// What it lists.
    pub caption: String,
    /// The heads of the columns.
    pub columns: Vec<String>,
    /// The rows, each with as many cells as there are columns.
    pub rows: Vec<Vec<String>>,
}

fn title<S: serde::Serializer>(figure: &Figure, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&figure.title)
}

impl Table {
    fn new<const N: usize>(caption: impl Into<String>, columns: [&str; N]) -> Self {
        Self { caption: caption.into(), columns: columns.map(str::to_owned).to_vec(), rows: Vec::new() }
    }

    fn row(&mut self, cells: impl Into<Vec<String>>) {
        self.rows.push(cells.into());
    }
}

impl Section {
    fn new(heading: &'static str) -> Self {
        Self { heading, blocks: Vec::new() }
    }

    fn text(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.blocks.push(Block::Text(text));
        }
    }

    /// Adds a figure; what the run's data do not tell is left out.
    fn figure(&mut self, figure: Result<Figure, ReportError>) -> Result<(), ReportError> {
        self.blocks.extend(if_told(figure)?.map(Block::Figure));
        Ok(())
    }
}

/// A figure, unless the data do not tell it.
pub(crate) fn if_told(figure: Result<Figure, ReportError>) -> Result<Option<Figure>, ReportError> {
    match figure {
        Ok(figure) => Ok(Some(figure)),
        Err(ReportError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Report {
    /// Tells the story of a run.
    ///
    /// # Errors
    /// [`ReportError::Evaluation`] for a run whose answers cannot be counted.
    pub fn new(run: &SavedRun) -> Result<Self, ReportError> {
        let results = results::Results::of(run)?;
        Ok(Self {
            title: format!("{} on {}", run.summary.name, run.summary.corpus),
            summary: results.summary(),
            sections: vec![
                data::corpus(run)?,
                data::cleaning(run),
                method::preparation(run),
                method::features(run)?,
                method::model(run)?,
                method::protocol(run)?,
                results.figures()?,
                results.failures()?,
                method::cost(run),
                method::repetition(run),
            ],
        })
    }

    /// All figures, in order.
    pub fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.sections.iter().flat_map(|section| &section.blocks).filter_map(|block| match block {
            Block::Figure(figure) => Some(figure),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::tests::collisions;
    use crate::figures::run::tests::{RUN, with_classes, with_one_voice};

    /// All that the report says, figures left out.
    fn said(report: &Report) -> String {
        report.to_markdown(|_| None)
    }

    #[test]
    fn every_run_has_a_report() {
        for run in [RUN.clone(), with_classes(1), with_classes(2), with_classes(40), with_one_voice()] {
            let report = Report::new(&run).unwrap();
            for section in &report.sections {
                assert!(!section.blocks.is_empty(), "{} is empty", section.heading);
                for block in &section.blocks {
                    if let Block::Table(table) = block {
                        assert!(table.rows.iter().all(|row| row.len() == table.columns.len()), "{}", table.caption);
                    }
                }
            }
            for figure in report.figures() {
                assert_eq!(collisions(figure), Vec::<String>::new(), "{}", figure.svg);
            }
            let said = said(&report);
            assert!(!said.contains("NaN") && !said.contains("-0.0 ") && !said.contains("  "), "{said}");
        }
    }

    #[test]
    fn it_tells_the_numbers_of_the_run() {
        let report = Report::new(&RUN).unwrap();
        let (said, summary) = (said(&report), &RUN.summary);
        for words in [
            format!("UAR (macro recall) is {:.1} %", 100.0 * summary.uar),
            summary.recordings.to_string(),
            RUN.receipt.split.clone(),
            "Everything that is fitted".to_owned(),
            "kind = \"dense\"".to_owned(),
        ] {
            assert!(said.contains(&words), "{words} is missing:\n{said}");
        }
        let matrix = summary.pooled.confusion.by_row();
        let worst = (0..matrix.len())
            .flat_map(|row| (0..matrix.len()).filter(move |&column| column != row).map(move |column| (row, column)))
            .max_by(|a, b| matrix[a.0][a.1].total_cmp(&matrix[b.0][b.1]))
            .unwrap();
        if matrix[worst.0][worst.1] >= 0.15 {
            let share = format!("({:.1} %)", 100.0 * matrix[worst.0][worst.1]);
            assert!(said.contains(&share), "{share}:\n{said}");
        }
    }

    #[test]
    fn sentences_follow_the_numbers() {
        let mut run = RUN.clone();
        // All right: nothing fails, and nothing is confused.
        for answer in &mut run.predictions {
            answer.predicted = answer.truth;
        }
        let list = run.predictions.iter().map(|it| it.truth).collect::<Vec<_>>();
        run.summary.pooled = stimmung_evaluation::Scores::new(&run.classes, &list, &list).unwrap();
        let said_of_it = said(&Report::new(&run).unwrap());
        assert!(said_of_it.contains("No emotion is taken for one other") && !said_of_it.contains("surest errors"));
        run.summary.leaks = vec!["a speaker is on both sides".into()];
        run.timing = None;
        let said_of_it = said(&Report::new(&run).unwrap());
        assert!(said_of_it.contains("- a speaker is on both sides") && said_of_it.contains("was not kept"));
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere_and_lets_nothing_in() {
        let mut run = RUN.clone();
        run.summary.name = "<script>alert(1)</script>".into();
        let page = Report::new(&run).unwrap().to_html().unwrap();
        assert!(!page.contains("<script>alert"));
        let elsewhere = ["src=\"http", "href=\"http", "url(http", "@import", "<link"];
        assert!(elsewhere.iter().all(|way| !page.contains(way)));
        assert_eq!(page.matches("<section").count(), 10);
        assert!(page.matches("<svg").count() > 15);
    }

    #[test]
    fn json_holds_the_sections() {
        let report = Report::new(&RUN).unwrap();
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["sections"].as_array().unwrap().len(), 10);
        assert_eq!(json["sections"][0]["heading"], "Data");
        assert!(json.to_string().contains("\"figure\":\"Recordings by emotion\""));
    }
}
