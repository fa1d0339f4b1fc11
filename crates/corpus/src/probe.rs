//! Looking into the files of a manifest.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::manifest::Manifest;
use crate::recording::{Dropped, Media, Recording};

/// How many files are looked at between two reports of progress.
const BATCH: usize = 64;

/// How far a part may reach beyond the end of its file, in seconds, before it is taken for a mistake: tables round.
const SLACK: f64 = 0.05;

impl Manifest {
    /// Looks into every file: fills [`Recording::seconds`] and [`Recording::media`], and moves recordings that cannot be read to
    /// [`Manifest::dropped`] with the reason, as well as parts that lie beyond the end of their file.
    ///
    /// `progress` is called now and then with the number of recordings looked at so far. Only the heads of files are read, but for
    /// those without a duration there, which are decoded, and those of equal size, which are hashed to find copies. Files are
    /// looked at in parallel; the result does not depend on how.
    pub fn probe(&mut self, progress: &mut dyn FnMut(usize)) {
        let mut files: Vec<(PathBuf, usize)> = Vec::new();
        for recording in &self.recordings {
            // Recordings are sorted by file, so parts of one file stand together; if a caller shuffled them, a file is probed again.
            match files.last_mut() {
                Some((file, parts)) if *file == recording.file => *parts += 1,
                _ => files.push((recording.file.clone(), 1)),
            }
        }
        let mut seen: HashMap<PathBuf, Result<(Media, u64), String>> = HashMap::new();
        let mut done = 0;
        for batch in files.chunks(BATCH) {
            let looked: Vec<_> = batch.par_iter().map(|(file, _)| look(&self.root.join(file))).collect();
            for ((file, parts), result) in batch.iter().zip(looked) {
                seen.insert(file.clone(), result);
                done += parts;
            }
            progress(done);
        }
        self.find_copies(&mut seen);

        let mut dropped = Vec::new();
        self.recordings.retain_mut(|recording| {
            let result = match &seen[&recording.file] {
                Ok((media, _)) => part_seconds(recording, media.seconds).map(|seconds| {
                    recording.seconds = Some(seconds);
                    recording.media = Some(media.clone());
                }),
                Err(reason) => Err(reason.clone()),
            };
            result.map_err(|reason| dropped.push(Dropped { file: recording.file.clone(), reason })).is_ok()
        });
        self.dropped.append(&mut dropped);
        self.dropped.sort();
        // The parts of a broken file all say the same.
        self.dropped.dedup();
    }

    /// Hashes the files that share their size with another one.
    fn find_copies(&self, seen: &mut HashMap<PathBuf, Result<(Media, u64), String>>) {
        let mut sizes: HashMap<u64, usize> = HashMap::new();
        for (_, size) in seen.values().flatten() {
            *sizes.entry(*size).or_default() += 1;
        }
        let alike: Vec<PathBuf> = seen
            .iter()
            .filter(|(_, result)| result.as_ref().is_ok_and(|(_, size)| sizes[size] > 1))
            .map(|(file, _)| file.clone())
            .collect();
        // A file that vanished since its probe has no hash; whoever reads it next says so.
        let hashes: Vec<_> = alike.par_iter().map(|file| content_hash(&self.root.join(file)).ok()).collect();
        for (file, hash) in alike.iter().zip(hashes) {
            if let Some(Ok((media, _))) = seen.get_mut(file) {
                media.sha256 = hash;
            }
        }
    }
}

/// What a file holds, and its size in bytes.
fn look(path: &Path) -> Result<(Media, u64), String> {
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        _ => format!("cannot be read: {error}"),
    })?;
    if !metadata.is_file() {
        return Err("not a file".into());
    }
    if metadata.len() == 0 {
        return Err("the file is empty (0 bytes)".into());
    }
    let probe = stimmung_audio::probe_path(path).map_err(|error| error.to_string())?;
    let seconds = match probe.seconds {
        Some(seconds) => seconds,
        None => stimmung_audio::decode_path(path).map_err(|error| error.to_string())?.seconds(),
    };
    if seconds <= 0.0 {
        return Err("the file holds no samples".into());
    }
    let media = Media { seconds, sample_rate: probe.sample_rate, channels: probe.channels, sha256: None };
    Ok((media, metadata.len()))
}

/// The duration of a recording in a file of this duration, if it lies inside it.
fn part_seconds(recording: &Recording, file_seconds: f64) -> Result<f64, String> {
    let start = recording.start.unwrap_or(0.0);
    let end = recording.end.unwrap_or(file_seconds);
    if start >= file_seconds || end > file_seconds + SLACK {
        return Err(format!(
            "the part from {start} s to {end} s reaches beyond the end of the file, {file_seconds:.3} s"
        ));
    }
    Ok(end.min(file_seconds) - start)
}

/// SHA-256 of a file's bytes in hexadecimal.
///
/// # Errors
/// What the operating system says if the file cannot be read.
///
/// ```
/// let file = tempfile::NamedTempFile::new()?;
/// let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// assert_eq!(stimmung_corpus::content_hash(file.path())?, empty);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn content_hash(path: &Path) -> std::io::Result<String> {
    digest::<Sha256>(path)
}

/// The hash of a file's bytes in hexadecimal.
pub(crate) fn digest<D: Digest>(path: &Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let mut hash = D::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => hash.update(&buffer[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{sine, write};

    fn manifest(root: &Path, rows: &[(&str, Option<f64>, Option<f64>)]) -> Manifest {
        let recordings = rows
            .iter()
            .map(|(file, start, end)| Recording { start: *start, end: *end, ..Recording::new(*file) })
            .collect();
        Manifest { name: "test".into(), root: root.to_path_buf(), recordings, dropped: Vec::new() }
    }

    fn files(manifest: &Manifest) -> Vec<&str> {
        manifest.recordings.iter().map(|recording| recording.file.to_str().unwrap()).collect()
    }

    #[test]
    fn durations_and_formats() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("a.wav"), &sine(16_000, 1.5, 100.0));
        write(&folder.path().join("b.wav"), &sine(8000, 0.25, 100.0));
        let mut manifest = manifest(folder.path(), &[("a.wav", None, None), ("b.wav", None, None)]);
        let mut told = Vec::new();
        manifest.probe(&mut |done| told.push(done));
        assert_eq!(told, [2]);
        let media: Vec<_> = manifest.recordings.iter().map(|recording| recording.media.clone().unwrap()).collect();
        assert_eq!((media[0].sample_rate, media[0].channels, media[0].seconds), (16_000, 1, 1.5));
        assert_eq!((media[1].sample_rate, media[1].seconds), (8000, 0.25));
        assert_eq!(manifest.recordings[1].seconds, Some(0.25));
        let before = manifest.clone();
        manifest.probe(&mut |_| ());
        assert_eq!(manifest, before, "a second look changes nothing");
    }

    #[test]
    fn broken_files_are_set_aside_with_their_reason() {
        let folder = tempfile::tempdir().unwrap();
        let write_bytes = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        write(&folder.path().join("good.wav"), &sine(16_000, 0.5, 100.0));
        write_bytes("empty.wav", b"");
        write_bytes("text.wav", b"this is no audio, whatever its name says");
        write_bytes("header.wav", b"RIFF\x1c\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0");
        std::fs::create_dir(folder.path().join("folder.wav")).unwrap();
        let names = ["empty.wav", "folder.wav", "gone.wav", "good.wav", "header.wav", "text.wav"];
        let mut manifest = manifest(folder.path(), &names.map(|name| (name, None, None)));
        manifest.probe(&mut |_| ());
        assert_eq!(files(&manifest), ["good.wav"]);
        let dropped: Vec<_> = manifest.dropped.iter().map(|dropped| dropped.file.to_str().unwrap()).collect();
        assert_eq!(dropped, ["empty.wav", "folder.wav", "gone.wav", "header.wav", "text.wav"]);
        let reason = |at: usize| manifest.dropped[at].reason.as_str();
        assert_eq!((reason(0), reason(1), reason(2)), ("the file is empty (0 bytes)", "not a file", "no such file"));
        assert!(manifest.dropped.iter().all(|dropped| !dropped.reason.is_empty()));
    }

    #[test]
    fn parts_have_their_own_duration_and_lie_inside() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("a.wav"), &sine(16_000, 2.0, 100.0));
        let parts = [
            ("a.wav", None, Some(0.5)),
            ("a.wav", Some(0.5), Some(2.03)),
            ("a.wav", Some(1.5), None),
            ("a.wav", Some(1.5), Some(2.2)),
            ("a.wav", Some(2.0), None),
        ];
        let mut manifest = manifest(folder.path(), &parts);
        let mut told = 0;
        manifest.probe(&mut |done| told = done);
        assert_eq!(told, 5);
        let seconds: Vec<_> = manifest.recordings.iter().map(|recording| recording.seconds.unwrap()).collect();
        assert_eq!(seconds, [0.5, 1.5, 0.5]);
        assert_eq!(manifest.dropped.len(), 2);
        assert!(manifest.dropped[0].reason.contains("beyond the end"), "{:?}", manifest.dropped);
    }

    #[test]
    fn only_files_of_equal_size_are_hashed() {
        let folder = tempfile::tempdir().unwrap();
        for (name, seconds, hertz) in
            [("a.wav", 0.5, 100.0), ("b.wav", 0.5, 100.0), ("c.wav", 0.5, 200.0), ("d.wav", 0.6, 100.0)]
        {
            write(&folder.path().join(name), &sine(16_000, seconds, hertz));
        }
        let mut manifest =
            manifest(folder.path(), &["a.wav", "b.wav", "c.wav", "d.wav"].map(|name| (name, None, None)));
        manifest.probe(&mut |_| ());
        let hashes: Vec<_> =
            manifest.recordings.iter().map(|recording| recording.media.clone().unwrap().sha256).collect();
        assert!(hashes[0].is_some() && hashes[0] == hashes[1]);
        assert!(hashes[2].is_some() && hashes[2] != hashes[0]);
        assert_eq!(hashes[3], None);
    }
}
