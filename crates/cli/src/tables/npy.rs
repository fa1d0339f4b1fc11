//! `NumPy`'s array, and what its rows and columns are.

use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use stimmung::extraction::{Row, RowSink};
use stimmung::features::Level;
use stimmung::{Error, WholeFile};

use super::csv::Csv;
use super::{Out, Table, failed};

/// Bytes of the array's header. The number of rows is known at the end, so there is room for any.
const HEADER: usize = 128;

/// `X.npy` of the format's version 1.0 (NEP 1), shape (rows, columns); `X.rows.csv` with a line a row, and `X.columns.csv` with a line a column.
pub struct Npy {
    array: WholeFile,
    rows: Csv,
    names: PathBuf,
    columns: Vec<String>,
    count: u64,
}

impl Npy {
    pub fn create(path: &Path, level: Level) -> Result<Self, Error> {
        Ok(Self {
            array: WholeFile::create(path)?,
            rows: Csv::new(Out::open(Some(&path.with_extension("rows.csv")))?, level),
            names: path.with_extension("columns.csv"),
            columns: Vec::new(),
            count: 0,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.array.write_all(bytes).map_err(failed(self.array.path()))
    }
}

/// The header of an array.
fn header(rows: u64, columns: usize) -> [u8; HEADER] {
    let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    let mut header = [b' '; HEADER];
    header[..8].copy_from_slice(b"\x93NUMPY\x01\x00");
    header[8..10].copy_from_slice(&((HEADER - 10) as u16).to_le_bytes());
    // The longest is of two numbers of twenty digits, 95 bytes.
    header[10..10 + text.len()].copy_from_slice(text.as_bytes());
    header[HEADER - 1] = b'\n';
    header
}

impl RowSink for Npy {
    fn begin(&mut self, columns: &[String]) -> Result<(), Error> {
        self.columns = columns.to_vec();
        self.rows.begin(&[])?;
        self.write(&header(0, columns.len()))
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), Error> {
        self.count += 1;
        self.rows.row(&Row { values: &[], ..*row })?;
        let bytes: Vec<u8> = row.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.write(&bytes)
    }
}

impl Table for Npy {
    fn finish(self: Box<Self>) -> Result<(), Error> {
        let Self { mut array, rows, names, columns, count } = *self;
        array.seek(SeekFrom::Start(0)).map_err(failed(array.path()))?;
        array.write_all(&header(count, columns.len())).map_err(failed(array.path()))?;
        let mut list = csv::Writer::from_writer(Out::open(Some(&names))?);
        for name in std::iter::once("column").chain(columns.iter().map(String::as_str)) {
            list.write_record([name]).map_err(failed(&names))?;
        }
        list.into_inner().map_err(|error| failed(&names)(error.into_error()))?.finish()?;
        Box::new(rows).finish()?;
        // Last, so that what it is made of is there when it appears.
        array.finish()
    }
}
