//! The rows of one recording, in a file of their own: waiting to be handed on, or kept for the next time.
//!
//! The file holds a mark, the number of columns (u32), the values (f32), then the sampling rate (u32), the numbers of samples and of
//! rows (u64), and the SHA-256 of all before it; numbers are little-endian.

use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use sha2::{Digest, Sha256};
use tempfile::SpooledTempFile;

use crate::Error;

const MARK: &[u8; 8] = b"smfeat1\n";
const HEAD: u64 = 12;
const TAIL: u64 = 4 + 8 + 8 + 32;

/// Bytes that wait in memory; more wait in a temporary file. A hundred recordings wait at once.
const IN_MEMORY: usize = 1 << 18;

/// Values that are turned into bytes, or back, at once.
const AT_ONCE: usize = 1 << 12;

/// Something to read, from any place.
trait Source: Read + Seek + Send {}
impl<T: Read + Seek + Send> Source for T {}

/// Rows that are being written.
pub(super) struct RowWriter {
    file: BufWriter<SpooledTempFile>,
    hash: Sha256,
    columns: usize,
    values: u64,
    bytes: Vec<u8>,
    begun: bool,
}

impl RowWriter {
    pub(super) fn new(columns: usize) -> Self {
        let file = BufWriter::new(SpooledTempFile::new(IN_MEMORY));
        Self { file, hash: Sha256::new(), columns, values: 0, bytes: Vec::new(), begun: false }
    }

    /// Appends whole rows.
    pub(super) fn push(&mut self, rows: &[f32]) -> io::Result<()> {
        if !self.begun {
            self.begun = true;
            self.bytes = [&MARK[..], &(self.columns as u32).to_le_bytes()].concat();
            self.write()?;
        }
        for values in rows.chunks(AT_ONCE) {
            self.bytes.clear();
            self.bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            self.write()?;
        }
        self.values += rows.len() as u64;
        Ok(())
    }

    pub(super) fn finish(mut self, sample_rate: u32, samples: u64) -> io::Result<Rows> {
        self.push(&[])?;
        let rows = self.values / self.columns.max(1) as u64;
        self.bytes = [&sample_rate.to_le_bytes()[..], &samples.to_le_bytes()[..], &rows.to_le_bytes()[..]].concat();
        self.write()?;
        let Self { mut file, hash, columns, .. } = self;
        file.write_all(&hash.finalize())?;
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(Rows { columns, count: rows, sample_rate, samples, source: Box::new(file) })
    }

    fn write(&mut self) -> io::Result<()> {
        self.hash.update(&self.bytes);
        self.file.write_all(&self.bytes)
    }
}

/// The rows of a recording.
pub(super) struct Rows {
    pub(super) columns: usize,
    /// How many there are.
    pub(super) count: u64,
    /// The rate in hertz, and the samples, that were described.
    pub(super) sample_rate: u32,
    pub(super) samples: u64,
    source: Box<dyn Source>,
}

impl Rows {
    /// Reads rows that were kept; none where the file is not what it should be.
    pub(super) fn open(mut file: std::fs::File) -> io::Result<Option<Self>> {
        let length = file.metadata()?.len();
        let Some(values) = length.checked_sub(HEAD + TAIL) else { return Ok(None) };
        let mut hash = Sha256::new();
        let mut left = length - 32;
        let mut bytes = vec![0; 4 * AT_ONCE];
        while left > 0 {
            let count = left.min(bytes.len() as u64) as usize;
            file.read_exact(&mut bytes[..count])?;
            hash.update(&bytes[..count]);
            left -= count as u64;
        }
        let mut told = [0; 32];
        file.read_exact(&mut told)?;
        if hash.finalize()[..] != told {
            return Ok(None);
        }
        // From here on the file says what was written into it.
        let mut head = [0; HEAD as usize];
        file.rewind()?;
        file.read_exact(&mut head)?;
        let mut tail = [0; TAIL as usize];
        file.seek(SeekFrom::Start(length - TAIL))?;
        file.read_exact(&mut tail)?;
        let (columns, sample_rate) = (u32_at(&head, 8), u32_at(&tail, 0));
        let (samples, rows) = (u64_at(&tail, 4), u64_at(&tail, 12));
        let expected = rows.checked_mul(u64::from(columns)).and_then(|count| count.checked_mul(4));
        if head[..8] != MARK[..] || expected != Some(values) {
            return Ok(None);
        }
        Ok(Some(Self { columns: columns as usize, count: rows, sample_rate, samples, source: Box::new(file) }))
    }

    /// Hands the rows on, one after the other.
    pub(super) fn for_each(&mut self, mut visit: impl FnMut(&[f32]) -> Result<(), Error>) -> Result<(), Error> {
        let waiting = |error| Error::io(&std::env::temp_dir())(error);
        let mut reader = BufReader::with_capacity(1 << 16, &mut self.source);
        reader.seek(SeekFrom::Start(HEAD)).map_err(waiting)?;
        let mut bytes = vec![0; 4 * self.columns];
        let mut row = vec![0.0; self.columns];
        for _ in 0..self.count {
            reader.read_exact(&mut bytes).map_err(waiting)?;
            for (value, bytes) in row.iter_mut().zip(bytes.as_chunks().0) {
                *value = f32::from_le_bytes(*bytes);
            }
            visit(&row)?;
        }
        Ok(())
    }

    /// Writes the whole file.
    pub(super) fn copy_to(&mut self, to: &mut impl Write) -> io::Result<()> {
        self.source.rewind()?;
        io::copy(&mut self.source, to)?;
        Ok(())
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|index| bytes[at + index]))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|index| bytes[at + index]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(rows: &[f32], columns: usize) -> Vec<u8> {
        let mut writer = RowWriter::new(columns);
        rows.chunks(3 * columns).for_each(|rows| writer.push(rows).unwrap());
        let mut bytes = Vec::new();
        writer.finish(16_000, 777).unwrap().copy_to(&mut bytes).unwrap();
        bytes
    }

    fn opened(bytes: &[u8]) -> Option<Rows> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        Rows::open(file).unwrap()
    }

    fn values(rows: &mut Rows) -> Vec<f32> {
        let mut values = Vec::new();
        rows.for_each(|row| {
            values.extend_from_slice(row);
            Ok(())
        })
        .unwrap();
        values
    }

    #[test]
    fn rows_come_back_from_memory_and_from_files() {
        for count in [1, 7, 60_000] {
            let rows: Vec<f32> = (0..5 * count).map(|n| n as f32 * -0.37).collect();
            let mut writer = RowWriter::new(5);
            writer.push(&rows).unwrap();
            let mut waiting = writer.finish(16_000, 777).unwrap();
            assert_eq!(values(&mut waiting), rows);
            assert_eq!(values(&mut waiting), rows);
            let mut kept = opened(&written(&rows, 5)).unwrap();
            assert_eq!((kept.columns, kept.count, kept.sample_rate, kept.samples), (5, count, 16_000, 777));
            assert_eq!(values(&mut kept), rows);
        }
    }

    #[test]
    fn damage_of_any_kind_is_seen() {
        let whole = written(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3);
        assert!(opened(&whole).is_some());
        for length in 0..whole.len() {
            assert!(opened(&whole[..length]).is_none(), "{length}");
        }
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 0x10;
            assert!(opened(&damaged).is_none(), "{place}");
        }
        assert!(opened(&[&whole[..], &[0]].concat()).is_none());
    }
}
