//! Where corpora are looked for, and what is kept between runs.

use std::path::PathBuf;

use crate::Error;

/// The folders in which a corpus named in a recipe is looked for, in this order: those given, those of the environment
/// variable `STIMMUNG_CORPORA` (several are separated as in `PATH`), `./data`, and `stimmung/corpora` in the platform's
/// cache folder.
pub fn corpora_folders(given: &[PathBuf]) -> Vec<PathBuf> {
    let mut folders = given.to_vec();
    if let Some(variable) = std::env::var_os("STIMMUNG_CORPORA") {
        folders.extend(std::env::split_paths(&variable).filter(|folder| !folder.as_os_str().is_empty()));
    }
    folders.push(PathBuf::from("data"));
    folders.extend(corpora_cache());
    folders
}

/// `stimmung/corpora` in the platform's cache folder, where fetched corpora go; none on a machine where nobody has a home.
pub fn corpora_cache() -> Option<PathBuf> {
    Some(cache()?.join("corpora"))
}

/// `stimmung/features` in the platform's cache folder, where computed features are kept; none on a machine where nobody has a home.
pub fn features_cache() -> Option<PathBuf> {
    Some(cache()?.join("features"))
}

fn cache() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.cache_dir().join("stimmung"))
}

/// Finds a corpus by its name, such as `emodb`, in `folders`.
///
/// # Errors
/// [`Error::CorpusNotFound`] with the folders that were looked into and how to name more.
pub fn find_corpus(name: &str, folders: &[PathBuf]) -> Result<PathBuf, Error> {
    stimmung_corpus::find(name, folders).map_err(Error::CorpusNotFound)
}
