//! What is handed over of a finished run.

use std::fmt;
use std::path::PathBuf;

use stimmung::{SavedRun, write_whole};

use crate::{Report, ReportError, Slides, model_card, notebook};

/// A document that tells of a finished run to people who did not make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Document {
    /// The report as one page of HTML.
    Report,
    /// The talk of eight slides as PDF.
    Slides,
    /// The Jupyter notebook.
    Notebook,
    /// The model card, as the Hugging Face hub reads it.
    Card,
}

impl Document {
    /// All of them, in the order in which people ask for them.
    pub const ALL: [Self; 4] = [Self::Report, Self::Slides, Self::Notebook, Self::Card];

    /// The name of its file.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Report => "report.html",
            Self::Slides => "slides.pdf",
            Self::Notebook => "notebook.ipynb",
            // The name under which the hub, and whoever opens the folder, looks for it.
            Self::Card => "README.md",
        }
    }

    /// Its media type (RFC 6838).
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Report => "text/html; charset=utf-8",
            Self::Slides => "application/pdf",
            Self::Notebook => "application/x-ipynb+json",
            Self::Card => "text/markdown; charset=utf-8",
        }
    }

    /// Makes it. `place` is where the notebook finds the run's folder, as a path from where it will lie.
    ///
    /// # Errors
    /// [`ReportError::Evaluation`] for a run whose answers cannot be counted, [`ReportError::Run`] for a model file in its folder that cannot
    /// be read.
    pub fn make(self, run: &SavedRun, place: &str) -> Result<Vec<u8>, ReportError> {
        Ok(match self {
            Self::Report => Report::new(run)?.to_html()?.into_bytes(),
            Self::Slides => Slides::new(run)?.to_pdf()?,
            Self::Notebook => format!("{:#}\n", notebook(run, place)?).into_bytes(),
            Self::Card => model_card(run)?.into_bytes(),
        })
    }

    /// Makes all documents and puts them into the run's folder, in place of those that are there. Returns their paths.
    ///
    /// # Errors
    /// As [`Document::make`]; also [`ReportError::Run`] for files that cannot be written.
    pub fn write_all(run: &SavedRun) -> Result<Vec<PathBuf>, ReportError> {
        let write = |document: Self| {
            let out = run.folder.join(document.file_name());
            write_whole(&out, &document.make(run, ".")?)?;
            Ok(out)
        };
        Self::ALL.into_iter().map(write).collect()
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Report => "report",
            Self::Slides => "slides",
            Self::Notebook => "notebook",
            Self::Card => "card",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::run::tests::RUN;

    #[test]
    fn all_documents_are_written_beside_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let run = SavedRun { folder: folder.path().into(), ..RUN.clone() };
        let written = Document::write_all(&run).unwrap();
        let begins = ["<!doctype html>", "%PDF-", "{\n  \"cells\"", "---\nlibrary_name: stimmung"];
        for ((path, begin), document) in written.iter().zip(begins).zip(Document::ALL) {
            let bytes = std::fs::read(path).unwrap();
            assert!(bytes.starts_with(begin.as_bytes()), "{document}");
            assert_eq!(bytes, document.make(&run, ".").unwrap(), "{document}");
        }
    }
}
