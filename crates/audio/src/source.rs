//! Where bytes come from: a file, memory, or any reader, behind one type that knows its length.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use symphonia::core::io::MediaSource;

use crate::error::AudioError;

/// The most that is read from something without a length, such as a named pipe, before giving up: 256 MiB.
const MAX_PIPE_BYTES: u64 = 256 << 20;

trait ReadSeek: Read + Seek + Send + Sync {}
impl<T: Read + Seek + Send + Sync> ReadSeek for T {}

/// A seekable run of bytes of known length.
pub(crate) struct Source {
    reader: Box<dyn ReadSeek>,
    len: u64,
}

impl Source {
    pub(crate) fn open(path: &Path) -> Result<Self, AudioError> {
        Self::open_unnamed(path).map_err(|error| error.at(path))
    }

    fn open_unnamed(path: &Path) -> Result<Self, AudioError> {
        let file = File::open(path).map_err(AudioError::io)?;
        let metadata = file.metadata().map_err(AudioError::io)?;
        if metadata.is_dir() {
            return Err(AudioError::io(io::Error::new(io::ErrorKind::IsADirectory, "is a folder, not a file")));
        }
        if metadata.is_file() {
            return Ok(Self { len: metadata.len(), reader: Box::new(file) });
        }
        // A pipe cannot be rewound, and decoding looks at the start twice.
        let mut bytes = Vec::new();
        let read = file.take(MAX_PIPE_BYTES + 1).read_to_end(&mut bytes).map_err(AudioError::io)? as u64;
        if read > MAX_PIPE_BYTES {
            let (limit, actual) = (MAX_PIPE_BYTES as f64, read as f64);
            return Err(AudioError::Limit { what: "the number of bytes from a pipe", limit, actual });
        }
        Ok(Self::from_bytes(bytes))
    }

    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self { len: bytes.len() as u64, reader: Box::new(Cursor::new(bytes)) }
    }

    /// Takes a reader from its very start, wherever it stands now.
    pub(crate) fn from_reader(mut reader: impl Read + Seek + Send + Sync + 'static) -> Result<Self, AudioError> {
        let len = reader.seek(SeekFrom::End(0)).map_err(AudioError::io)?;
        reader.rewind().map_err(AudioError::io)?;
        Ok(Self { reader: Box::new(reader), len })
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The first bytes, at most `N`; leaves the source at its start.
    pub(crate) fn peek<const N: usize>(&mut self) -> Result<Vec<u8>, AudioError> {
        let mut head = Vec::with_capacity(N);
        self.reader.by_ref().take(N as u64).read_to_end(&mut head).map_err(AudioError::io)?;
        self.reader.rewind().map_err(AudioError::io)?;
        Ok(head)
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

impl Seek for Source {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.reader.seek(position)
    }
}

impl MediaSource for Source {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.len)
    }
}
