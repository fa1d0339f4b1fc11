//! Why a server does not start, or a command on its data folder fails.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What stands in the way of serving.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// A parameter is out of range, or does not go with the others.
    #[error("{name} = {actual}: expected {expected}")]
    Parameter {
        /// The parameter, as in the configuration file.
        name: &'static str,
        /// What was given.
        actual: String,
        /// What it must be.
        expected: &'static str,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; name another with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Everybody who reaches the address could use the server.
    #[error(
        "{address} can be reached from other machines, and no key is needed: make one with `stimmung serve keys add`, or say \
         `--open` if everybody may train and ask"
    )]
    Unprotected {
        /// The address.
        address: SocketAddr,
    },
    /// The data folder, or a file in it.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Another server works in the data folder.
    #[error("{path}: another server works in this folder; stop it, or name another folder with --data")]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The database.
    #[error("{path}: {source}")]
    Store {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: rusqlite::Error,
    },
    /// The database was written by a later version of this program.
    #[error("{path}: written by a later version of Stimmung (schema {found}, this one knows {known})")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The last one that is known.
        known: i64,
    },
    /// A model, a recipe or a corpus.
    #[error(transparent)]
    Stimmung(#[from] stimmung::Error),
}

impl ServerError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, source }
    }
}
