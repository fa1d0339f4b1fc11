//! A report as Markdown.

use std::fmt::Write;

use crate::Figure;
use crate::story::{Block, Report, Table};

impl Report {
    /// The report as Markdown. Each figure is an image at the address that `place` gives it; `None` leaves it out.
    pub fn to_markdown(&self, mut place: impl FnMut(&Figure) -> Option<String>) -> String {
        let mut text = format!("# {}\n\n{}\n", escaped(&self.title), escaped(&self.summary));
        for section in &self.sections {
            // Writing to memory cannot fail.
            let _ = write!(text, "\n## {}\n", section.heading);
            for block in &section.blocks {
                let _ = match block {
                    Block::Text(paragraph) => writeln!(text, "\n{}", escaped(paragraph)),
                    Block::List(items) => {
                        let items: Vec<String> = items.iter().map(|item| format!("- {}", escaped(item))).collect();
                        writeln!(text, "\n{}", items.join("\n"))
                    }
                    Block::Table(table) => writeln!(text, "\n{}", of_table(table)),
                    Block::Code(code) => {
                        let fence = fence(code);
                        writeln!(text, "\n{fence}\n{}\n{fence}", code.trim_end())
                    }
                    Block::Figure(figure) => match place(figure) {
                        Some(address) => writeln!(text, "\n![{}]({address})", escaped(&figure.title)),
                        None => Ok(()),
                    },
                };
            }
        }
        text
    }
}

fn of_table(table: &Table) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| escaped(cell).replace('|', "\\|")).collect();
        format!("| {} |", cells.join(" | "))
    };
    let rule = vec!["---".to_owned(); table.columns.len()];
    let rows: Vec<String> = table.rows.iter().map(|row| line(row)).collect();
    format!("{}:\n\n{}\n| {} |\n{}", escaped(&table.caption), line(&table.columns), rule.join(" | "), rows.join("\n"))
}

/// Text in which nothing is taken for markup.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A fence that the code does not hold itself.
fn fence(code: &str) -> String {
    let longest = code.lines().map(|line| line.chars().take_while(|&c| c == '`').count()).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}
