//! Manifests as CSV, and the tables that corpora bring along.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use csv::StringRecord;

use crate::error::CorpusError;
use crate::manifest::{MANIFEST_FILE, Manifest, Rows, folder_name};
use crate::recording::{Recording, portable};

/// Larger than the table of any corpus: some two million rows.
const MAX_BYTES: u64 = 256 << 20;

/// The columns that mean something here, in the order in which they are written.
const KNOWN: [&str; 11] =
    ["file", "speaker", "emotion", "text", "take", "sex", "age", "language", "start", "end", "seconds"];

/// Reads a manifest from a path.
pub(crate) fn read_path(path: &Path) -> Result<Manifest, CorpusError> {
    let file = std::fs::File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => CorpusError::NotFound { path: path.to_path_buf() },
        _ => CorpusError::io("read", path, error),
    })?;
    let root = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let name = if path.file_name().is_some_and(|name| name == MANIFEST_FILE) {
        folder_name(&root)
    } else {
        path.file_stem().map_or_else(|| "corpus".to_owned(), |stem| stem.to_string_lossy().into_owned())
    };
    read(file, root, &name, path)
}

/// Reads a manifest; `origin` names it in messages.
pub(crate) fn read(reader: impl Read, root: PathBuf, name: &str, origin: &Path) -> Result<Manifest, CorpusError> {
    let text = text_of(reader, origin)?;
    let (delimiter, header) = header(&text, "file", origin)?;
    let column = |name: &str| header.iter().position(|column| column == name);
    let missing = |name: &str| CorpusError::MissingColumn {
        path: origin.to_path_buf(),
        missing: name.to_owned(),
        present: list(&header),
    };
    let file_column = column("file").ok_or_else(|| missing("file"))?;
    column("emotion").ok_or_else(|| missing("emotion"))?;

    let mut recordings = Vec::new();
    for row in reader_of(&text, delimiter).records() {
        let row = row.map_err(|error| broken(&error, origin))?;
        let line = row.position().map(csv::Position::line);
        let wrong = |message: String| CorpusError::Table { path: origin.to_path_buf(), line, message };
        recordings.push((line, recording(&header, file_column, &row).map_err(wrong)?));
    }
    if recordings.is_empty() {
        return Err(table_error(origin, None, "the table has a header and no rows".into()));
    }
    recordings.sort_by_cached_key(|(line, recording)| (recording.key(), *line));
    if let Some(pair) = recordings.windows(2).find(|pair| pair[0].1.key() == pair[1].1.key()) {
        let message =
            format!("the same recording as in line {}: {}", pair[0].0.unwrap_or_default(), portable(&pair[1].1.file));
        return Err(table_error(origin, pair[1].0, message));
    }
    let recordings: Vec<Recording> = recordings.into_iter().map(|(_, recording)| recording).collect();
    let mut corpora = recordings.iter().map(|recording| recording.extra.get("corpus"));
    let first = corpora.next().flatten();
    let name = first.filter(|first| corpora.all(|other| other == Some(first))).map_or(name, String::as_str).to_owned();
    Ok(Manifest { name, root, recordings, dropped: Vec::new() })
}

/// One row as a recording.
fn recording(header: &[String], file_column: usize, row: &StringRecord) -> Result<Recording, String> {
    let mut recording = Recording::new(portable(Path::new(&row[file_column])));
    if recording.file.as_os_str().is_empty() {
        return Err("the column `file` is empty".into());
    }
    for (column, cell) in header.iter().zip(row.iter().map(str::trim)) {
        if cell.is_empty() {
            continue;
        }
        let text = || Some(cell.to_owned());
        match column.as_str() {
            "" | "file" => {}
            "speaker" => recording.speaker = text(),
            "emotion" => recording.emotion = text(),
            "text" => recording.text = text(),
            "take" => recording.take = text(),
            "age" => recording.age = text(),
            "language" => recording.language = text(),
            "sex" => recording.sex = Some(cell.parse()?),
            "start" => recording.start = Some(seconds(column, cell)?),
            "end" => recording.end = Some(seconds(column, cell)?),
            "seconds" => recording.seconds = Some(seconds(column, cell)?),
            _ => {
                recording.extra.insert(column.clone(), cell.to_owned());
            }
        }
    }
    if let Some(end) = recording.end
        && end <= recording.start.unwrap_or(0.0)
    {
        let start = recording.start.unwrap_or(0.0);
        return Err(format!("`end` is {end} s; expected more than `start`, {start} s"));
    }
    Ok(recording)
}

fn seconds(column: &str, cell: &str) -> Result<f64, String> {
    cell.parse()
        .ok()
        .filter(|seconds: &f64| seconds.is_finite() && seconds.is_sign_positive())
        .ok_or_else(|| format!("`{column}` is `{cell}`; expected seconds, zero or more, with a point for the decimals"))
}

/// Reads the columns `fields` (field → column) of a table that belongs to a corpus, by the column `key`.
pub(crate) fn read_columns(path: &Path, key: &str, fields: &BTreeMap<String, String>) -> Result<Rows, String> {
    let read = || -> Result<Rows, CorpusError> {
        let file = std::fs::File::open(path).map_err(|source| CorpusError::io("read", path, source))?;
        let text = text_of(file, path)?;
        let (delimiter, header) = header(&text, key, path)?;
        let column = |name: &str| {
            header.iter().position(|column| same(column, name)).ok_or_else(|| CorpusError::MissingColumn {
                path: path.to_path_buf(),
                missing: name.to_owned(),
                present: list(&header),
            })
        };
        let key = column(key)?;
        let fields =
            fields.iter().map(|(field, name)| Ok((field, column(name)?))).collect::<Result<Vec<_>, CorpusError>>()?;
        let mut rows = Rows::new();
        let mut disputed = BTreeSet::new();
        for row in reader_of(&text, delimiter).records() {
            let row = row.map_err(|error| broken(&error, path))?;
            let id = row[key].trim();
            let known = rows.entry(id.to_owned()).or_default();
            for (field, column) in &fields {
                let value = row[*column].trim();
                match known.entry((*field).clone()) {
                    Entry::Vacant(open) => {
                        open.insert(value.to_owned());
                    }
                    Entry::Occupied(told) if told.get() != value => {
                        disputed.insert((id.to_owned(), (*field).clone()));
                    }
                    Entry::Occupied(_) => {}
                }
            }
        }
        for (id, field) in disputed {
            if let Some(row) = rows.get_mut(&id) {
                row.remove(&field);
            }
        }
        Ok(rows)
    };
    read().map_err(|error| format!("its table is not used: {error}"))
}

/// The text of a table, without a byte order mark.
fn text_of(reader: impl Read, origin: &Path) -> Result<String, CorpusError> {
    let mut bytes = Vec::new();
    reader.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|source| CorpusError::io("read", origin, source))?;
    if bytes.len() as u64 > MAX_BYTES {
        let what = format!("the table is larger than {} MiB", MAX_BYTES >> 20);
        return Err(CorpusError::Limit { path: origin.to_path_buf(), what });
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    String::from_utf8(bytes).map_err(|error| {
        let upto = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..upto].split(|byte| *byte == b'\n').count() as u64;
        table_error(origin, Some(line), "not UTF-8; save the table as UTF-8 (in a spreadsheet: `CSV UTF-8`)".into())
    })
}

/// The delimiter and the names of the columns, known ones in lower case. The delimiter is the one with which the column `wanted`
/// appears, or else the one with which there are most columns.
fn header(text: &str, wanted: &str, origin: &Path) -> Result<(u8, Vec<String>), CorpusError> {
    let mut best: Option<(bool, usize, u8, Vec<String>)> = None;
    for delimiter in [b',', b';', b'\t'] {
        let mut reader = reader_of(text, delimiter);
        let header = reader.headers().map_err(|error| broken(&error, origin))?;
        let names: Vec<String> = header
            .iter()
            .map(str::trim)
            .map(|name| KNOWN.into_iter().find(|known| same(known, name)).unwrap_or(name).to_owned())
            .collect();
        let rank = (names.iter().any(|name| same(name, wanted)), names.len());
        if best.as_ref().is_none_or(|(has, columns, ..)| rank > (*has, *columns)) {
            best = Some((rank.0, rank.1, delimiter, names));
        }
    }
    let Some((_, _, delimiter, names)) = best.filter(|(.., names)| !names.iter().all(String::is_empty)) else {
        return Err(table_error(
            origin,
            None,
            "the table is empty; expected a header with the columns file, emotion, …".into(),
        ));
    };
    let mut seen = BTreeSet::new();
    if let Some(twice) = names.iter().find(|name| !name.is_empty() && !seen.insert(name.to_lowercase())) {
        return Err(table_error(origin, Some(1), format!("two columns are called `{twice}`")));
    }
    Ok((delimiter, names))
}

/// Whether two names of columns are the same.
fn same(name: &str, other: &str) -> bool {
    name.to_lowercase() == other.to_lowercase()
}

fn reader_of(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes())
}

fn list(header: &[String]) -> String {
    let mut text = header.iter().filter(|name| !name.is_empty()).cloned().collect::<Vec<_>>().join(", ");
    // A file that is no table at all can have a first line of any length.
    if let Some((cut, _)) = text.char_indices().nth(200) {
        text.truncate(cut);
        text.push('…');
    }
    text
}

fn table_error(origin: &Path, line: Option<u64>, message: String) -> CorpusError {
    CorpusError::Table { path: origin.to_path_buf(), line, message }
}

fn broken(error: &csv::Error, origin: &Path) -> CorpusError {
    let line = error.position().map(csv::Position::line);
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} cells; expected {expected_len} as in the header (quote cells that hold the delimiter)")
        }
        _ => error.to_string(),
    };
    table_error(origin, line, message)
}

/// Writes a manifest to a path, complete or not at all.
pub(crate) fn write_path(manifest: &Manifest, path: &Path) -> Result<(), CorpusError> {
    let failed = |source| CorpusError::io("write", path, source);
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let prefix = prefix(&manifest.root, folder).map_err(failed)?;
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A temporary file is for its owner alone; a manifest is a file like any other.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let file = builder.prefix(".manifest-").tempfile_in(folder).map_err(failed)?;
    let mut buffer = BufWriter::new(file);
    write(&manifest.recordings, &prefix, path, &mut buffer)?;
    let file = buffer.into_inner().map_err(|error| failed(error.into_error()))?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// What leads from `folder` to `root`: nothing if they are the same, a relative path if `root` lies inside, else an absolute one.
fn prefix(root: &Path, folder: &Path) -> std::io::Result<PathBuf> {
    if root == folder {
        return Ok(PathBuf::new());
    }
    // A root that does not exist (a manifest made by hand) has only its absolute name.
    let root = root.canonicalize().or_else(|_| std::path::absolute(root))?;
    let folder = folder.canonicalize()?;
    Ok(root.strip_prefix(&folder).map_or_else(|_| root.clone(), Path::to_path_buf))
}

/// Writes recordings as CSV, their files behind `prefix`; `origin` names the table in messages.
pub(crate) fn write(
    recordings: &[Recording],
    prefix: &Path,
    origin: &Path,
    writer: impl Write,
) -> Result<(), CorpusError> {
    let extra: BTreeSet<&str> =
        recordings.iter().flat_map(|recording| recording.extra.keys()).map(String::as_str).collect();
    let mut seen: BTreeSet<String> = KNOWN.into_iter().map(str::to_owned).collect();
    for name in &extra {
        if name.trim() != *name || name.is_empty() || !seen.insert(name.to_lowercase()) {
            let message = format!("a further column is called `{name}`, which is empty, padded or taken already");
            return Err(table_error(origin, None, message));
        }
    }
    let columns: Vec<&str> = KNOWN
        .into_iter()
        .enumerate()
        .filter(|(at, name)| *at < 3 || recordings.iter().any(|recording| !cell(recording, name).is_empty()))
        .map(|(_, name)| name)
        .collect();

    let mut table = csv::Writer::from_writer(writer);
    let failed = |error: csv::Error| match error.into_kind() {
        csv::ErrorKind::Io(source) => CorpusError::io("write", origin, source),
        other => table_error(origin, None, format!("{other:?}")),
    };
    table.write_record(columns.iter().chain(&extra)).map_err(failed)?;
    for recording in recordings {
        let known = columns.iter().map(|name| match *name {
            "file" => portable(&prefix.join(&recording.file)),
            name => cell(recording, name),
        });
        let extra = extra.iter().map(|name| recording.extra.get(*name).cloned().unwrap_or_default());
        table.write_record(known.chain(extra)).map_err(failed)?;
    }
    table.flush().map_err(|source| CorpusError::io("write", origin, source))
}

/// A known column of a recording as text; empty where it is open.
fn cell(recording: &Recording, column: &str) -> String {
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    match column {
        "speaker" => text(&recording.speaker),
        "emotion" => text(&recording.emotion),
        "text" => text(&recording.text),
        "take" => text(&recording.take),
        "sex" => recording.sex.map(|sex| sex.to_string()).unwrap_or_default(),
        "age" => text(&recording.age),
        "language" => text(&recording.language),
        "start" => number(recording.start),
        "end" => number(recording.end),
        "seconds" => number(recording.seconds),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
