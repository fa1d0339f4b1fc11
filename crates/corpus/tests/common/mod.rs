//! Corpora of a few small files, and a server for them.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses its part, and one that cannot go on fails")]

pub mod archive;
pub mod server;

use std::path::Path;
use std::time::Duration;

use archive::{Entry, zip};
use server::Server;
use sha2::{Digest, Sha256};
use stimmung_corpus::Source;
use stimmung_corpus::fetch::FetchParams;

pub const FILES: [&str; 4] = ["wav/03a01Wa.wav", "wav/08a01Na.wav", "wav/09a01Ta.wav", "erkennung.txt"];

/// A corpus of three recordings, large enough to be cut.
pub fn archive() -> Vec<u8> {
    let noise: Vec<u8> = (0..40_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    zip(&FILES.map(|name| Entry::new(name, &[name.as_bytes(), &noise].concat())))
}

/// Emo-DB as if it had three recordings, with further lines of its section.
pub fn emodb(more: &str) -> Source {
    source("emodb", &format!("url = \"http://a.example/data/emodb.zip\"\nrecordings = 3\n{more}"))
}

pub fn source(name: &str, more: &str) -> Source {
    let text = format!("[[source]]\nname = \"{name}\"\npage = \"http://a.example/\"\n{more}\n");
    Source::from_toml_str(&text, "test").unwrap().remove(0)
}

/// Impatient parameters for a corpus in `to`, with the server in place of the whole internet.
pub fn params(to: &Path, server: &Server) -> FetchParams {
    FetchParams {
        mirror: Some(server.url.clone()),
        terms_accepted: true,
        stall: Duration::from_millis(300),
        backoff: Duration::from_millis(1),
        ..FetchParams::into_folder(to)
    }
}

/// All files below a folder, hidden ones included.
pub fn tree(folder: &Path) -> Vec<String> {
    fn descend(root: &Path, folder: &Path, files: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                descend(root, &path, files);
            } else {
                files.push(path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    let mut files = Vec::new();
    descend(folder, folder, &mut files);
    files.sort();
    files
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from_digit(digit.into(), 16).unwrap())
        .collect()
}
