//! What is printed, and where: results to standard output, everything else to standard error.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

/// The two streams. Colour is used on terminals only and never where `NO_COLOR` is set.
pub struct Console {
    json: bool,
}

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[1;33m";
const GREEN: &str = "\x1b[32m";
const RESET: &str = "\x1b[0m";

#[expect(clippy::unused_self, reason = "all printing goes through the console, whether or not it asks for JSON")]
impl Console {
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether results are wanted as JSON.
    pub fn json(&self) -> bool {
        self.json
    }

    /// Prints text as it is.
    pub fn print(&self, text: impl Display) -> io::Result<()> {
        // `anstream` takes the colours out wherever they do not belong.
        let mut out = anstream::stdout().lock();
        write!(out, "{text}")?;
        out.flush()
    }

    /// Prints one JSON value on a line of its own.
    pub fn object(&self, value: &impl Serialize) -> anyhow::Result<()> {
        let mut line = serde_json::to_string(value)?;
        line.push('\n');
        let mut out = io::stdout().lock();
        out.write_all(line.as_bytes())?;
        out.flush()?;
        Ok(())
    }

    /// Prints what a person may want to know, unless a program reads along.
    pub fn note(&self, text: impl Display) {
        if !self.json {
            self.to_stderr(&format!("{text}\n"));
        }
    }

    /// Prints a warning to standard error.
    pub fn warning(&self, text: impl Display) {
        if !self.json {
            self.to_stderr(&format!("{YELLOW}warning:{RESET} {text}\n"));
        }
    }

    /// Prints an error with its causes: `error: what: why`, or `{"error": "…"}`.
    pub fn error(&self, error: &anyhow::Error) {
        self.failure(&chain(error), None);
    }

    /// Prints an error that concerns one file; work goes on with the others.
    pub fn failure(&self, message: &str, file: Option<&str>) {
        if self.json {
            let object = match file {
                Some(file) => serde_json::json!({ "error": message, "file": file }),
                None => serde_json::json!({ "error": message }),
            };
            self.to_stderr(&format!("{object}\n"));
        } else {
            // Errors of the operating system name the file themselves.
            let file =
                file.filter(|file| !message.starts_with(file)).map_or_else(String::new, |file| format!("{file}: "));
            self.to_stderr(&format!("{RED}error:{RESET} {file}{message}\n"));
        }
    }

    fn to_stderr(&self, text: &str) {
        // Nobody is left to tell if standard error is closed.
        let _ = write!(anstream::stderr().lock(), "{text}");
    }
}

/// The causes of an error, each once, from the outermost in.
pub fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        // Many errors print their cause themselves.
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

pub fn bold(text: impl Display) -> String {
    format!("{BOLD}{text}{RESET}")
}

pub fn dim(text: impl Display) -> String {
    format!("{DIM}{text}{RESET}")
}

pub fn green(text: impl Display) -> String {
    format!("{GREEN}{text}{RESET}")
}

/// Whether a person is watching progress.
pub fn watched() -> bool {
    io::stderr().is_terminal()
}
