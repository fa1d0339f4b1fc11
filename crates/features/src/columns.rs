//! Columns of values too many to be kept in memory.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::error::FeatureError;

/// `N` columns of values that grow side by side, and are read one by one when all have come.
///
/// As soon as every column has `block` values in memory, these go to an unnamed temporary file, which the system removes as the columns
/// are. Fewer never touch the disk. In the file, column lies after column in every block, so that one of them is read by one seek a block.
#[derive(Debug)]
pub(crate) struct Columns<const N: usize> {
    /// The last values of every column: those that are not in the file.
    recent: [Vec<f32>; N],
    block: usize,
    file: Option<File>,
    /// How many blocks are in the file.
    blocks: usize,
    bytes: Vec<u8>,
}

impl<const N: usize> Columns<N> {
    /// With so many values of a column that go to the file at once, at least 1.
    pub(crate) fn new(block: usize) -> Self {
        Self { recent: std::array::from_fn(|_| Vec::new()), block, file: None, blocks: 0, bytes: Vec::new() }
    }

    /// Lets go of all values.
    pub(crate) fn clear(&mut self) {
        self.recent.iter_mut().for_each(Vec::clear);
        (self.file, self.blocks) = (None, 0);
    }

    /// The values of a column that are in memory, to which the next are appended.
    pub(crate) fn recent_mut(&mut self) -> &mut [Vec<f32>; N] {
        &mut self.recent
    }

    /// The values of all columns that are in memory.
    pub(crate) fn recent(&self) -> &[Vec<f32>; N] {
        &self.recent
    }

    /// How many values of a column there are, in memory and in the file.
    pub(crate) fn len(&self, column: usize) -> usize {
        self.blocks * self.block + self.recent[column].len()
    }

    /// Sends values to the file while every column has enough of them.
    ///
    /// # Errors
    /// [`FeatureError::TemporaryFile`] where there is none, or no room in it. Nothing is lost then.
    pub(crate) fn set_aside(&mut self) -> Result<(), FeatureError> {
        while self.recent.iter().all(|column| column.len() >= self.block) {
            self.write_block().map_err(failed)?;
            self.blocks += 1;
            self.recent.iter_mut().for_each(|column| drop(column.drain(..self.block)));
        }
        Ok(())
    }

    /// Replaces `values` by all values of a column.
    ///
    /// # Errors
    /// [`FeatureError::TemporaryFile`] where the file cannot be read.
    pub(crate) fn read(&mut self, column: usize, values: &mut Vec<f32>) -> Result<(), FeatureError> {
        values.clear();
        values.reserve_exact(self.len(column));
        let Self { file, bytes, block, .. } = self;
        if let Some(file) = file {
            bytes.resize(size_of::<f32>() * *block, 0);
            for index in 0..self.blocks {
                read_at(file, place::<N>(*block, index, column), bytes).map_err(failed)?;
                values.extend(bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)));
            }
        }
        values.extend_from_slice(&self.recent[column]);
        Ok(())
    }

    /// Writes the first values of all columns behind the other blocks.
    fn write_block(&mut self) -> io::Result<()> {
        let Self { recent, block, file, blocks, bytes } = self;
        let file = match file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        file.seek(SeekFrom::Start(place::<N>(*block, *blocks, 0)))?;
        for column in recent {
            bytes.clear();
            bytes.extend(column[..*block].iter().flat_map(|value| value.to_le_bytes()));
            file.write_all(bytes)?;
        }
        Ok(())
    }
}

/// Where in a file of `N` columns and blocks of so many values that part of a column begins that is in block `index`.
fn place<const N: usize>(block: usize, index: usize, column: usize) -> u64 {
    (index as u64 * N as u64 + column as u64) * (size_of::<f32>() * block) as u64
}

fn read_at(file: &mut File, place: u64, bytes: &mut [u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(place))?;
    file.read_exact(bytes)
}

#[allow(clippy::needless_pass_by_value)] // As `map_err` wants it.
fn failed(error: io::Error) -> FeatureError {
    FeatureError::TemporaryFile { folder: std::env::temp_dir(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Appends values of which each is told from all others; the second column lags behind by two.
    fn grow(columns: &mut Columns<2>, to: u16) {
        for value in u16::try_from(columns.len(0)).unwrap()..to {
            let [first, second] = columns.recent_mut();
            first.push(f32::from(value));
            if value > 1 {
                second.push(-f32::from(value - 2));
            }
        }
    }

    #[test]
    fn columns_are_read_as_they_came_with_and_without_the_file() {
        for length in [0, 1, 9, 10, 11, 12, 19, 22, 55] {
            let mut columns = Columns::new(10);
            for to in (0..=length).step_by(7).chain([length]) {
                grow(&mut columns, to);
                columns.set_aside().unwrap();
            }
            let (mut first, mut second) = (vec![7.0], Vec::new());
            columns.read(0, &mut first).unwrap();
            columns.read(1, &mut second).unwrap();
            assert_eq!(first, (0..length).map(f32::from).collect::<Vec<_>>());
            assert_eq!(second, (0..length.saturating_sub(2)).map(|value| -f32::from(value)).collect::<Vec<_>>());
            assert_eq!((columns.len(0), columns.len(1)), (first.len(), second.len()));
            // There is no file before it is needed, and what is in it is not in memory.
            assert_eq!((columns.file.is_some(), columns.recent()[1].len()), (length >= 12, second.len() % 10));
            columns.clear();
            columns.read(0, &mut first).unwrap();
            assert!(first.is_empty() && columns.file.is_none());
        }
    }

    #[test]
    fn a_file_that_fails_is_an_error_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("columns");
        std::fs::write(&path, [1, 2, 3]).unwrap();
        let mut columns = Columns::new(10);
        columns.file = Some(File::open(&path).unwrap());
        grow(&mut columns, 12);
        let error = columns.set_aside().unwrap_err();
        assert!(matches!(&error, FeatureError::TemporaryFile { .. }), "{error}");
        assert!(error.to_string().contains("temporary file in"), "{error}");
        columns.file = None;
        columns.set_aside().unwrap();
        let mut values = Vec::new();
        columns.read(1, &mut values).unwrap();
        assert_eq!(values[9], -9.0);
        // What others cut off cannot be read.
        columns.file = Some(File::open(&path).unwrap());
        assert!(matches!(columns.read(1, &mut values), Err(FeatureError::TemporaryFile { .. })));
    }
}
