//! A report as one HTML file.

use askama::Template;

use crate::ReportError;
use crate::story::{Block, Report};

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'r> {
    report: &'r Report,
    version: &'static str,
    style: &'static str,
    script: &'static str,
}

impl Report {
    /// The report as one HTML file that asks for nothing from elsewhere: figures, style and script are inside. Tables can be sorted; it is
    /// light or dark as the reader's system is, and prints black on white.
    ///
    /// # Errors
    /// [`ReportError::Drawing`] if the page cannot be put together.
    pub fn to_html(&self) -> Result<String, ReportError> {
        let page = Page {
            report: self,
            version: env!("CARGO_PKG_VERSION"),
            style: include_str!("../templates/report.css"),
            script: include_str!("../templates/report.js"),
        };
        let page = page.render().map_err(|error| ReportError::Drawing(error.to_string()))?;
        // A number and its sign stay on one line.
        Ok(page.replace(" %", "\u{a0}%"))
    }
}
