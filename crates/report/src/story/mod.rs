//! A report before it has a form: what there is to tell of a run, in the order of the work.

mod data;
mod method;
mod results;
mod words;

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

    fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
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
        match figure {
            Ok(figure) => self.blocks.push(Block::Figure(figure)),
            Err(ReportError::Missing { .. }) => {}
            Err(error) => return Err(error),
        }
        Ok(())
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
                method::features(run),
                method::model(run)?,
                method::protocol(run),
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
