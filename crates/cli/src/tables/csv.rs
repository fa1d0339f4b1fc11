//! Comma-separated values.

use std::path::PathBuf;

use stimmung::Error;
use stimmung::extraction::{Row, RowSink};
use stimmung::features::Level;

use super::{Out, Table, failed, place, places};

pub struct Csv {
    writer: csv::Writer<Out>,
    path: PathBuf,
    level: Level,
}

impl Csv {
    pub fn new(out: Out, level: Level) -> Self {
        Self { path: out.path(), writer: csv::Writer::from_writer(out), level }
    }
}

impl RowSink for Csv {
    fn begin(&mut self, columns: &[String]) -> Result<(), Error> {
        let header = places(self.level).iter().copied().chain(columns.iter().map(String::as_str));
        self.writer.write_record(header).map_err(failed(&self.path))
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), Error> {
        // The shortest text that reads back to the same bits.
        let values = row.values.iter().map(ToString::to_string);
        self.writer.write_record(place(row).into_iter().chain(values)).map_err(failed(&self.path))
    }
}

impl Table for Csv {
    fn finish(self: Box<Self>) -> Result<(), Error> {
        let Self { writer, path, .. } = *self;
        let out = writer.into_inner().map_err(|error| failed(&path)(error.into_error()))?;
        out.finish()
    }
}
