//! The corpora that a server knows. What a request names is looked up here: no path is ever built from it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use stimmung::corpus::{Manifest, Recording, layouts, standard_emotion};
use stimmung::recording_id;

use crate::models::shortened;
use crate::problem::Problem;

/// A corpus with its recordings.
pub(crate) struct Corpus {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) manifest: Manifest,
    /// Places in the manifest, by id.
    by_id: BTreeMap<String, usize>,
}

impl Corpus {
    fn open(name: &str, place: &Place) -> Result<Self, stimmung::corpus::CorpusError> {
        // As recipes open what they name, so that a manifest in the folder counts before the names of files.
        let manifest = Manifest::open(&place.path, None)?;
        let by_id = manifest.recordings.iter().map(recording_id).zip(0..).collect();
        Ok(Self { name: name.to_owned(), title: place.title.clone(), manifest, by_id })
    }

    /// A recording by its id.
    pub(crate) fn recording(&self, id: &str) -> Result<&Recording, Problem> {
        let place = self.by_id.get(id).or_else(|| self.by_name(id));
        let place = place.ok_or_else(|| {
            Problem::not_found(format!(
                "{} has no recording {:?}; GET /v1/recordings?corpus={} lists them.",
                self.name,
                shortened(id),
                self.name
            ))
        })?;
        Ok(&self.manifest.recordings[*place])
    }

    /// By the file's name alone, with or without its extension, where only one recording bears it: `03a01Fa`.
    fn by_name(&self, name: &str) -> Option<&usize> {
        let wanted = |id: &str| {
            let file = Path::new(id);
            [file.file_name(), file.file_stem()].into_iter().flatten().any(|it| it == name)
        };
        let mut found = self.by_id.iter().filter(|(id, _)| wanted(id)).map(|(_, place)| place);
        found.next().filter(|_| found.next().is_none())
    }
}

/// Where a corpus lies.
struct Place {
    path: PathBuf,
    title: String,
    opened: OnceLock<Result<Arc<Corpus>, String>>,
}

/// Whether a folder, or a folder in it, holds one that is called like an emotion, as the layouts of people's own corpora have it.
/// Only folders are looked at, not the recordings in them: opening the corpus does that.
fn has_emotion_folders(folder: &Path) -> bool {
    let named = |folder: &PathBuf| {
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        standard_emotion(&name.replace([' ', '-'], "_")).is_some()
    };
    let inside = folders_in(folder);
    inside.iter().any(named) || inside.iter().any(|folder| folders_in(folder).iter().any(named))
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    // The entry tells this of most files without a look at the file; of a link, only the file does.
    let is_folder = |entry: &std::fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_symlink() => entry.path().is_dir(),
        kind => kind.is_ok_and(|kind| kind.is_dir()),
    };
    entries.filter(is_folder).map(|entry| entry.path()).collect()
}

/// All corpora in the folders of a server.
pub(crate) struct Corpora {
    /// By name.
    places: BTreeMap<String, Place>,
}

impl Corpora {
    /// Looks through the folders for the corpora that are known by name, and for folders with a manifest or with a folder for each
    /// emotion. Nothing is opened before it is asked for.
    pub(crate) fn find(folders: &[PathBuf]) -> Self {
        let mut places = BTreeMap::new();
        for layout in layouts().iter().filter(|layout| !layout.is_generic()) {
            if let Ok(path) = stimmung::find_corpus(layout.name(), folders) {
                let place = Place { path, title: layout.title().to_owned(), opened: OnceLock::new() };
                places.insert(layout.name().to_owned(), place);
            }
        }
        for path in folders.iter().flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten()) {
            let path = path.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let known = places.values().any(|place: &Place| place.path == path);
            if known || name.starts_with('.') || !path.is_dir() {
                continue;
            }
            if !path.join("manifest.csv").is_file() && !has_emotion_folders(&path) {
                tracing::info!(folder = %path.display(), "no corpus: it has no manifest.csv, and no folder for each emotion");
                continue;
            }
            let place = Place { path: path.clone(), title: name.to_owned(), opened: OnceLock::new() };
            places.entry(name.to_owned()).or_insert(place);
        }
        Self { places }
    }

    /// The names, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// A corpus by its name. Opening one reads the names of its files, so it is done off the runtime's threads.
    pub(crate) fn get(&self, name: &str) -> Result<Arc<Corpus>, Problem> {
        let Some((name, place)) = self.places.get_key_value(name) else {
            let known: Vec<&str> = self.names().collect();
            let known =
                if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
            return Err(Problem::not_found(format!("This server has no corpus {:?}; {known}.", shortened(name))));
        };
        let opened = place.opened.get_or_init(|| {
            Corpus::open(name, place).map(Arc::new).map_err(|error| {
                tracing::warn!(corpus = %name, %error, "a corpus cannot be opened");
                format!("The corpus {name} cannot be opened; the server's log says why.")
            })
        });
        opened.clone().map_err(|detail| Problem::plain(axum::http::StatusCode::SERVICE_UNAVAILABLE, detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpora() -> (tempfile::TempDir, Corpora) {
        let folder = tempfile::tempdir().expect("folder");
        let tones = folder.path().join("tones");
        std::fs::create_dir_all(tones.join("a")).expect("folder");
        std::fs::write(tones.join("a/x.wav"), "").expect("file");
        std::fs::write(tones.join("manifest.csv"), "file,emotion\na/x.wav,anger\n").expect("file");
        std::fs::write(folder.path().join("secret.txt"), "secret").expect("file");
        std::fs::create_dir(folder.path().join("empty")).expect("folder");
        let corpora = Corpora::find(&[folder.path().to_path_buf(), folder.path().join("nowhere")]);
        (folder, corpora)
    }

    #[test]
    fn folders_with_a_manifest_are_corpora() {
        let (_folder, corpora) = corpora();
        assert_eq!(corpora.names().collect::<Vec<_>>(), ["tones"]);
        let tones = corpora.get("tones").expect("corpus");
        for id in ["a/x.wav", "x.wav", "x"] {
            assert_eq!(tones.recording(id).expect(id).emotion.as_deref(), Some("anger"));
        }
    }

    #[test]
    fn folders_with_a_folder_for_each_emotion_are_corpora() {
        let folder = tempfile::tempdir().expect("folder");
        for file in [
            "mine/angry/x.wav",
            "mine/happy/x.wav",
            "voices/anna/Pleasant Surprise/x.wav",
            "voices/anna/neutral/x.wav",
            "parts/train/joy/anna/x.wav",
            "parts/test/fear/anna/x.wav",
            "music/rock/x.wav",
            ".unfinished/angry/x.wav",
        ] {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, "").expect("file");
        }
        let corpora = Corpora::find(&[folder.path().to_path_buf()]);
        assert_eq!(corpora.names().collect::<Vec<_>>(), ["mine", "parts", "voices"]);
        let labels = |name: &str| corpora.get(name).expect(name).manifest.emotions().into_keys().collect::<Vec<_>>();
        assert_eq!(labels("mine"), ["anger", "happiness"]);
        assert_eq!(labels("voices"), ["neutral", "surprise"]);
        assert_eq!(labels("parts"), ["fear", "happiness"]);
    }

    #[test]
    fn nothing_but_what_is_listed_can_be_named() {
        let (folder, corpora) = corpora();
        let absolute = folder.path().join("secret.txt").display().to_string();
        let long = "x".repeat(100_000);
        for name in ["", ".", "..", "../tones", "tones/", "empty", "secret.txt", &absolute, "\0", &long] {
            let problem = corpora.get(name).err().expect("refused");
            assert_eq!(problem.status, 404, "{name}");
            assert!(problem.detail.len() < 300);
        }
        let tones = corpora.get("tones").expect("corpus");
        for id in ["", "..", "../secret.txt", "a/../a/x.wav", "/a/x.wav", "%2e%2e/secret.txt", &absolute, "\0", &long] {
            assert_eq!(tones.recording(id).expect_err("refused").status, 404, "{id}");
        }
    }
}
