//! The attribute-relation file format of Weka.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use stimmung::Error;
use stimmung::extraction::{Row, RowSink};
use stimmung::features::Level;

use super::{About, Out, Table, failed};

/// `name`, with descriptors `start` and `end`, the values, and last the emotion as class where recordings have labels.
pub struct Arff {
    out: Out,
    path: PathBuf,
    about: About,
    line: String,
}

impl Arff {
    pub fn new(out: Out, about: About) -> Self {
        Self { path: out.path(), out, about, line: String::new() }
    }

    fn write(&mut self) -> Result<(), Error> {
        self.out.write_all(self.line.as_bytes()).map_err(failed(&self.path))
    }
}

/// A name or text, quoted where it has to be.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./:+#".contains(c);
    if !text.is_empty() && text.chars().all(plain) && !text.starts_with(['#', '%']) {
        return text.to_owned();
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\\' => quoted.push_str("\\\\"),
            '\'' => quoted.push_str("\\'"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '%' => quoted.push_str("\\%"),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

impl RowSink for Arff {
    fn begin(&mut self, columns: &[String]) -> Result<(), Error> {
        let Self { line, about, .. } = self;
        // Writing to a string cannot fail.
        let _ = writeln!(line, "@relation {}\n\n@attribute name string", quoted(&about.title));
        if about.level == Level::Descriptors {
            line.push_str("@attribute start numeric\n@attribute end numeric\n");
        }
        for column in columns {
            let _ = writeln!(line, "@attribute {} numeric", quoted(column));
        }
        if !about.emotions.is_empty() {
            let emotions: Vec<String> = about.emotions.iter().map(|emotion| quoted(emotion)).collect();
            let _ = writeln!(line, "@attribute class {{{}}}", emotions.join(","));
        }
        line.push_str("\n@data\n");
        self.write()
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), Error> {
        let Self { line, about, .. } = self;
        line.clear();
        // Always in quotes: without, a name that is a question mark, or a number, would be something else.
        let name = quoted(row.id);
        let _ = if name.starts_with('\'') { write!(line, "{name}") } else { write!(line, "'{name}'") };
        if let Some((start, end)) = row.span {
            let _ = write!(line, ",{start},{end}");
        }
        for value in row.values {
            let _ = write!(line, ",{value}");
        }
        if !about.emotions.is_empty() {
            // Unknown where the recording has none.
            let _ = write!(line, ",{}", row.recording.emotion.as_deref().map_or("?".to_owned(), quoted));
        }
        line.push('\n');
        self.write()
    }
}

impl Table for Arff {
    fn finish(self: Box<Self>) -> Result<(), Error> {
        self.out.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_else_is_quoted() {
        assert_eq!(quoted("slope0-500_sma3"), "slope0-500_sma3");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's 5 % {x}, \\ \"y\"\t\n"), "'it\\'s 5 \\% {x}, \\\\ \"y\"\\t\\n'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("?"), "'?'");
        assert_eq!(quoted("#a"), "'#a'");
        assert_eq!(quoted("ängstlich"), "ängstlich");
    }
}
