//! Finding a corpus by its name.

use std::path::{Path, PathBuf};

use crate::error::CorpusError;
use crate::layout::{Layout, layouts, nearest, plain};
use crate::source::Source;

/// Finds the corpus called `name` in the first of `folders` that has it: a folder of that name or of one of the corpus's other names
/// (`Emo-DB`, `berlin`; case, blanks, `-` and `_` do not count), or a manifest `NAME.csv`.
///
/// # Errors
/// [`CorpusError::CorpusNotFound`] with the places that were tried and where the corpus can be had.
///
/// ```
/// let data = tempfile::tempdir()?;
/// std::fs::create_dir(data.path().join("Emo-DB"))?;
/// let found = stimmung_corpus::find("emodb", &[data.path().to_path_buf()])?;
/// assert_eq!(found, data.path().join("Emo-DB"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn find(name: &str, folders: &[PathBuf]) -> Result<PathBuf, CorpusError> {
    let not_found =
        |looked: String, advice: String| CorpusError::CorpusNotFound { name: name.to_owned(), looked, advice };
    if plain(name).is_empty() || name.contains(['/', '\\']) || name == ".." || name == "." {
        let advice = "A name has no `/` or `\\`; to open a folder, give its path as a path.";
        return Err(not_found("nothing".into(), advice.into()));
    }
    let layout = Layout::by_name(name).ok().filter(|layout| !layout.is_generic());
    let mut names = vec![name];
    for known in layout.into_iter().flat_map(Layout::names) {
        if names.iter().all(|name| plain(name) != plain(known)) {
            names.push(known);
        }
    }
    for folder in folders {
        if let Some(found) = look_in(folder, name, &names) {
            return Ok(found);
        }
    }

    let spelt = match names.split_first() {
        Some((_, [])) | None => format!("a folder `{name}` or a file `{name}.csv`"),
        Some((_, others)) => format!("a folder `{name}` (or {}) or a file `{name}.csv`", others.join(", ")),
    };
    let places: Vec<String> = folders
        .iter()
        .map(|folder| format!("{}{}", folder.display(), if folder.is_dir() { "" } else { " (no such folder)" }))
        .collect();
    let looked = match &places[..] {
        [] => format!("{spelt}, but no folder was given to look in"),
        places => format!("{spelt} in {}", places.join(", ")),
    };
    Err(not_found(looked, advice(name, layout, folders)))
}

/// What to do about a corpus that is not there.
fn advice(name: &str, layout: Option<&Layout>, folders: &[PathBuf]) -> String {
    let Some(layout) = layout else {
        let known = layouts().iter().filter(|layout| !layout.is_generic()).map(Layout::name);
        return match nearest(name, known) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => "Name the folder in which your corpora lie.".to_owned(),
        };
    };
    let fetch = match Source::by_name(layout.name()) {
        Ok(source) if source.url().is_some() => {
            format!("`stimmung corpus fetch {}` downloads it{}; or ", layout.name(), terms(layout))
        }
        Ok(_) => format!("`stimmung corpus fetch {}` says how to get it{}; or ", layout.name(), terms(layout)),
        Err(_) => layout.url().map(|url| format!("get it from {url}{}, ", terms(layout))).unwrap_or_default(),
    };
    let place = folders.first().map_or_else(|| PathBuf::from(layout.name()), |folder| folder.join(layout.name()));
    format!(
        "{}: {fetch}unpack it into {}, or name the folder in which your corpora lie",
        layout.title(),
        place.display()
    )
}

fn terms(layout: &Layout) -> String {
    layout.terms().map(|terms| format!(" ({terms})")).unwrap_or_default()
}

fn look_in(folder: &Path, name: &str, names: &[&str]) -> Option<PathBuf> {
    if let Some(exact) = names.iter().map(|name| folder.join(name)).find(|path| path.is_dir()) {
        return Some(exact);
    }
    let table = folder.join(format!("{name}.csv"));
    if table.is_file() {
        return Some(table);
    }
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
    entries.sort();
    names.iter().find_map(|name| {
        let alike = entries.iter().find(|entry| {
            entry.to_str().is_some_and(|entry| plain(entry) == plain(name)) && folder.join(entry).is_dir()
        })?;
        Some(folder.join(alike))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_names_come_before_others_and_earlier_folders_before_later() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let folders = [first.path().to_path_buf(), second.path().to_path_buf()];
        for path in [first.path().join("BERLIN"), first.path().join("emo_db"), second.path().join("emodb")] {
            std::fs::create_dir(path).unwrap();
        }
        assert_eq!(find("emodb", &folders).unwrap(), first.path().join("emo_db"));
        assert_eq!(find("Emo-DB", &folders[1..]).unwrap(), second.path().join("emodb"));
        assert_eq!(find("berlin", &folders).unwrap(), first.path().join("BERLIN"));
    }

    #[test]
    fn own_corpora_and_tables() {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join("mine.csv"), "file,emotion\na.wav,anger\n").unwrap();
        std::fs::write(data.path().join("tess"), "a file, no folder").unwrap();
        let folders = [data.path().to_path_buf()];
        assert_eq!(find("mine", &folders).unwrap(), data.path().join("mine.csv"));
        assert!(find("tess", &folders).is_err());
    }

    #[test]
    fn the_error_tells_where_it_looked_and_where_to_get_it() {
        let data = tempfile::tempdir().unwrap();
        let message = find("emodb", &[data.path().to_path_buf(), "/no/such".into()]).unwrap_err().to_string();
        for part in
            [&data.path().display().to_string(), "/no/such (no such folder)", "stimmung corpus fetch emodb", "Berlin"]
        {
            assert!(message.contains(part), "{message}");
        }
        let message = find("emodbb", &["/no/such".into()]).unwrap_err().to_string();
        assert!(message.contains("Did you mean `emodb`?"), "{message}");
        assert!(find("emodb", &[]).unwrap_err().to_string().contains("no folder was given"));
    }

    #[test]
    fn names_are_no_paths() {
        let data = tempfile::tempdir().unwrap();
        for name in ["", " ", "-", ".", "..", "../x", "/", "a\\b"] {
            assert!(
                matches!(find(name, &[data.path().to_path_buf()]), Err(CorpusError::CorpusNotFound { .. })),
                "{name}"
            );
        }
    }
}
