//! `augment`: the changed copies of a recipe, as files to listen to.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail};
use rayon::prelude::*;
use serde_json::json;
use stimmung::audio::{WavEncoding, write_wav};
use stimmung::corpus::{Manifest, Recording};
use stimmung::{Error, Progress, listening_rate, open_corpus, recording_id};

use crate::args::Augment;
use crate::commands::{SomeFailed, WrongUsage};
use crate::console::{Console, chain, green};
use crate::progress::{Bar, stopped};

pub fn run(arguments: &Augment, console: &Console) -> anyhow::Result<()> {
    let recipe = arguments.source.read(console)?;
    let copies = &recipe.augmentation.copies;
    if copies.is_empty() {
        let text = "the recipe makes no copies: give it a section [augmentation], or add for example \
                    --with 'augmentation.copies=[[{effect=\"noise-snr\", db=20}]]'";
        return Err(WrongUsage(text.into()).into());
    }
    let manifest = open_corpus(&recipe, &arguments.source.corpora.folders())?;
    // A manifest in CSV lists its recordings, so nothing joins them unasked.
    let is_folder = recipe.corpus.path.as_ref().is_none_or(|path| path.is_dir());
    if is_folder && is_within(&arguments.out, &manifest.root) {
        let text = format!(
            "{} lies within the corpus {}, which would take the copies for recordings of its own; name another folder",
            arguments.out.display(),
            manifest.root.display()
        );
        return Err(WrongUsage(text).into());
    }
    let copy = |recording, number| arguments.out.join(file_name(recording, number));
    let files: Vec<Vec<PathBuf>> = manifest
        .recordings
        .iter()
        .map(|recording| (1..=copies.len()).map(|number| copy(recording, number)).collect())
        .collect();
    check_free(&manifest, &files)?;
    for dropped in &manifest.dropped {
        console.warning(format!("left out {}: {}", dropped.file.display(), dropped.reason));
    }
    if arguments.dry_run {
        for (recording, files) in manifest.recordings.iter().zip(&files) {
            show(console, recording, files)?;
        }
        return Ok(());
    }
    let hearing = recipe.hearing(listening_rate(&recipe, &manifest));
    let bar = Bar::default();
    bar.begin("writing copies", manifest.recordings.len() as u64);
    let written: Vec<anyhow::Result<()>> = manifest
        .recordings
        .par_iter()
        .zip(&files)
        .map(|(recording, files)| {
            if stopped() {
                return Err(Error::Cancelled.into());
            }
            bar.advance(1);
            for (path, copy) in files.iter().zip(hearing.copies_of(&manifest, recording)?) {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
                }
                write_wav(path, &copy, WavEncoding::Float32)?;
            }
            Ok(())
        })
        .collect();
    bar.end();
    let mut failures = 0;
    for ((recording, files), result) in manifest.recordings.iter().zip(&files).zip(written) {
        match result {
            Ok(()) if console.json() => show(console, recording, files)?,
            Ok(()) => {}
            Err(error) if matches!(error.downcast_ref(), Some(Error::Cancelled)) => return Err(error),
            Err(error) => {
                failures += 1;
                console.failure(&chain(&error), Some(&recording_id(recording)));
            }
        }
    }
    if !console.json() {
        console.print(format!(
            "Wrote {} copies of {} recordings below {}\n",
            copies.len(),
            manifest.recordings.len() - failures,
            green(arguments.out.display())
        ))?;
    }
    if failures == 0 { Ok(()) } else { Err(SomeFailed.into()) }
}

/// Whether a folder, which need not be there yet, lies within another or is it.
fn is_within(folder: &Path, whole: &Path) -> bool {
    let Ok(folder) = std::path::absolute(folder) else { return false };
    let there = folder.ancestors().find_map(|part| part.canonicalize().ok());
    there.zip(whole.canonicalize().ok()).is_some_and(|(there, whole)| there.starts_with(whole))
}

/// Nothing is written over: neither what is there already, nor one copy over another.
fn check_free(manifest: &Manifest, files: &[Vec<PathBuf>]) -> anyhow::Result<()> {
    let mut taken = BTreeMap::new();
    for (recording, files) in manifest.recordings.iter().zip(files) {
        for file in files {
            if file.exists() {
                bail!("{} is there already; nothing was written, name another folder", file.display());
            }
            if let Some(other) = taken.insert(file, recording) {
                let (one, other) = (recording_id(other), recording_id(recording));
                bail!("the copies of {one} and {other} would both be called {}; nothing was written", file.display());
            }
        }
    }
    Ok(())
}

/// Copies lie in folders as their recordings do, but never outside the one that was asked for.
fn file_name(recording: &Recording, number: usize) -> PathBuf {
    let name = format!("{}.copy{number}.wav", recording_id(recording).replace('#', "_"));
    Path::new(&name).components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

fn show(console: &Console, recording: &Recording, files: &[PathBuf]) -> anyhow::Result<()> {
    let id = recording_id(recording);
    for (number, file) in (1..).zip(files) {
        if console.json() {
            console.object(&json!({ "file": id, "copy": number, "out": file }))?;
        } else {
            console.print(format!("{id} -> {}\n", file.display()))?;
        }
    }
    Ok(())
}
