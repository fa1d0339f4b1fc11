//! Where corpora are looked for.

use std::path::PathBuf;

/// The folders in which a corpus named in a recipe is looked for, in this order: those given, those of the environment
/// variable `STIMMUNG_CORPORA` (several are separated as in `PATH`), `./data`, and `stimmung/corpora` in the platform's
/// cache folder.
pub fn corpora_folders(given: &[PathBuf]) -> Vec<PathBuf> {
    let mut folders = given.to_vec();
    if let Some(variable) = std::env::var_os("STIMMUNG_CORPORA") {
        folders.extend(std::env::split_paths(&variable).filter(|folder| !folder.as_os_str().is_empty()));
    }
    folders.push(PathBuf::from("data"));
    if let Ok(base) = etcetera::choose_base_strategy() {
        use etcetera::BaseStrategy;
        folders.push(base.cache_dir().join("stimmung").join("corpora"));
    }
    folders
}
