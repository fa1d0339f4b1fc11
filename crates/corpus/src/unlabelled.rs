//! Recordings of which nothing is known but where they are.

use std::path::PathBuf;

use crate::error::CorpusError;
use crate::manifest::{Manifest, audio_in};
use crate::recording::Recording;

impl Manifest {
    /// The recordings that files and folders name, without labels: what one has who wants features or predictions.
    ///
    /// Folders are walked for files with the names of audio files; anything else is taken as it is and not looked at. The order is that of
    /// `inputs`, sorted within each folder. One folder alone becomes the root, otherwise the files keep the paths that they were given by.
    ///
    /// # Errors
    /// [`CorpusError::Io`] for a folder that cannot be read, [`CorpusError::NoAudio`] for one without audio files.
    ///
    /// ```
    /// use stimmung_corpus::Manifest;
    ///
    /// let manifest = Manifest::unlabelled(&["one.wav".into(), "two.wav".into()])?;
    /// assert_eq!(manifest.recordings.len(), 2);
    /// # Ok::<(), stimmung_corpus::CorpusError>(())
    /// ```
    pub fn unlabelled(inputs: &[PathBuf]) -> Result<Self, CorpusError> {
        let mut manifest = Self { name: "recordings".to_owned(), ..Self::default() };
        let alone = inputs.len() == 1;
        for input in inputs {
            if !input.is_dir() {
                manifest.recordings.push(Recording::new(input));
                continue;
            }
            let found = audio_in(input)?;
            manifest.dropped.extend(found.dropped);
            let named = |file: String| if alone { PathBuf::from(file) } else { input.join(file) };
            manifest.recordings.extend(found.audio.into_iter().map(|file| Recording::new(named(file))));
            if alone {
                manifest.root.clone_from(input);
            }
        }
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_walked_and_files_taken_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let sub = folder.path().join("b");
        std::fs::create_dir(&sub).unwrap();
        for name in ["z.wav", "a.flac", "notes.txt"] {
            std::fs::write(sub.join(name), "").unwrap();
        }
        let alone = Manifest::unlabelled(&[folder.path().to_path_buf()]).unwrap();
        let files = |manifest: &Manifest| -> Vec<PathBuf> {
            manifest.recordings.iter().map(|recording| recording.file.clone()).collect()
        };
        assert_eq!(alone.root, folder.path());
        assert_eq!(files(&alone), ["b/a.flac", "b/z.wav"].map(PathBuf::from));
        let both = Manifest::unlabelled(&["no audio name".into(), sub.clone()]).unwrap();
        assert_eq!(files(&both), [PathBuf::from("no audio name"), sub.join("a.flac"), sub.join("z.wav")]);
        std::fs::create_dir(sub.join("empty")).unwrap();
        Manifest::unlabelled(&[sub.join("empty")]).unwrap_err();
    }
}
