//! Objects on standard output.

use std::io::{self, BufWriter, Stdout, Write};
use std::path::Path;

use serde_json::{Map, Value, json};
use stimmung::Error;
use stimmung::extraction::{Row, RowSink};

use super::{Table, failed};

/// A line a row: `{"file": …, "features": {…}}`, with `start` and `end` of descriptors.
pub struct Objects {
    out: BufWriter<Stdout>,
    columns: Vec<String>,
}

impl Default for Objects {
    fn default() -> Self {
        Self { out: BufWriter::new(io::stdout()), columns: Vec::new() }
    }
}

fn standard_output<E: Into<io::Error>>(error: E) -> Error {
    failed(Path::new("standard output"))(error)
}

impl RowSink for Objects {
    fn begin(&mut self, columns: &[String]) -> Result<(), Error> {
        self.columns = columns.to_vec();
        Ok(())
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), Error> {
        let features: Map<String, Value> =
            self.columns.iter().cloned().zip(row.values.iter().map(|v| json!(v))).collect();
        let object = match row.span {
            Some((start, end)) => json!({ "file": row.id, "start": start, "end": end, "features": features }),
            None => json!({ "file": row.id, "features": features }),
        };
        serde_json::to_writer(&mut self.out, &object).map_err(standard_output)?;
        self.out.write_all(b"\n").map_err(standard_output)
    }
}

impl Table for Objects {
    fn finish(mut self: Box<Self>) -> Result<(), Error> {
        self.out.flush().map_err(standard_output)
    }
}
