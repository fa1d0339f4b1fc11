//! Apache Parquet.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, FloatType};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, Type};
use stimmung::extraction::{Row, RowSink};
use stimmung::features::Level;
use stimmung::{Error, WholeFile};

use super::{Table, failed, places};

/// Values that are gathered before they are written column by column.
const GROUP: usize = 1 << 20;

/// A column of text (`file`), two of doubles (`start` and `end`, of descriptors), and one of floats for every value.
pub struct Parquet {
    path: PathBuf,
    level: Level,
    state: State,
    files: Vec<ByteArray>,
    spans: [Vec<f64>; 2],
    values: Vec<Vec<f32>>,
}

/// A file, and from the first row on what writes it.
enum State {
    Created(Option<WholeFile>),
    Writing(Box<SerializedFileWriter<WholeFile>>),
}

impl Parquet {
    pub fn create(path: &Path, level: Level) -> Result<Self, Error> {
        let state = State::Created(Some(WholeFile::create(path)?));
        let (path, files, spans, values) = (path.to_path_buf(), Vec::new(), Default::default(), Vec::new());
        Ok(Self { path, level, state, files, spans, values })
    }

    /// Writes the rows that were gathered.
    fn flush(&mut self) -> Result<(), ParquetError> {
        let State::Writing(writer) = &mut self.state else { return Ok(()) };
        if self.files.is_empty() {
            return Ok(());
        }
        let mut group = writer.next_row_group()?;
        let mut column = next(&mut group)?;
        column.typed::<ByteArrayType>().write_batch(&self.files, None, None)?;
        column.close()?;
        self.files.clear();
        if self.level == Level::Descriptors {
            for times in &mut self.spans {
                let mut column = next(&mut group)?;
                column.typed::<DoubleType>().write_batch(times, None, None)?;
                column.close()?;
                times.clear();
            }
        }
        for values in &mut self.values {
            let mut column = next(&mut group)?;
            column.typed::<FloatType>().write_batch(values, None, None)?;
            column.close()?;
            values.clear();
        }
        group.close()?;
        Ok(())
    }
}

fn next<'a>(
    group: &'a mut SerializedRowGroupWriter<'_, WholeFile>,
) -> Result<parquet::file::writer::SerializedColumnWriter<'a>, ParquetError> {
    group.next_column()?.ok_or_else(|| ParquetError::General("more columns than the schema has".to_owned()))
}

fn schema(level: Level, columns: &[String]) -> Result<Type, ParquetError> {
    let field = |name: &str, physical: Physical, logical: Option<LogicalType>| {
        let builder = Type::primitive_type_builder(name, physical).with_repetition(Repetition::REQUIRED);
        builder.with_logical_type(logical).build().map(Arc::new)
    };
    let mut fields = Vec::with_capacity(columns.len() + 3);
    for place in places(level) {
        fields.push(match *place {
            "file" => field(place, Physical::BYTE_ARRAY, Some(LogicalType::String))?,
            place => field(place, Physical::DOUBLE, None)?,
        });
    }
    for column in columns {
        fields.push(field(column, Physical::FLOAT, None)?);
    }
    Type::group_type_builder("features").with_fields(fields).build()
}

impl RowSink for Parquet {
    fn begin(&mut self, columns: &[String]) -> Result<(), Error> {
        let State::Created(file) = &mut self.state else { return Ok(()) };
        let Some(file) = file.take() else { return Ok(()) };
        let properties = WriterProperties::builder()
            .set_created_by(format!("stimmung {}", env!("CARGO_PKG_VERSION")))
            .set_compression(Compression::SNAPPY)
            // Values hardly repeat; names of files do, in descriptors.
            .set_dictionary_enabled(false)
            .set_column_dictionary_enabled(ColumnPath::from("file"), true)
            .build();
        let writer = schema(self.level, columns)
            .and_then(|schema| SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties)))
            .map_err(|error| failed(&self.path)(io::Error::other(error)))?;
        self.state = State::Writing(Box::new(writer));
        self.values = vec![Vec::new(); columns.len()];
        Ok(())
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), Error> {
        self.files.push(ByteArray::from(row.id));
        if let Some((start, end)) = row.span {
            self.spans[0].push(start);
            self.spans[1].push(end);
        }
        for (column, value) in self.values.iter_mut().zip(row.values) {
            column.push(*value);
        }
        if self.files.len() * (self.values.len() + 3) >= GROUP {
            self.flush().map_err(|error| failed(&self.path)(io::Error::other(error)))?;
        }
        Ok(())
    }
}

impl Table for Parquet {
    fn finish(mut self: Box<Self>) -> Result<(), Error> {
        let path = self.path.clone();
        let failed = |error: ParquetError| failed(&path)(io::Error::other(error));
        self.flush().map_err(failed)?;
        match self.state {
            State::Writing(writer) => writer.into_inner().map_err(failed)?.finish(),
            // No row, no columns, no table.
            State::Created(_) => Ok(()),
        }
    }
}
