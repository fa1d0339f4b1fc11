//! What is handed over of a finished training.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use stimmung::SavedRun;
use stimmung::corpus::{Manifest, Recording};
use stimmung_report::{Document, ReportError};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::body::{Binary, PathPart};
use super::train::stored;
use crate::problem::Problem;
use crate::state::{Shared, State as Server};
use crate::store::JobState;

/// The documents by the names that they are asked for by; `run` is all of them with the files of the run.
pub(super) const NAMES: [&str; 5] = ["report", "slides", "notebook", "card", "run"];

/// The file of a run that names recordings by where they lie on this machine.
const MANIFEST: &str = "manifest.csv";

/// A document about a finished training
///
/// `report` is a page of HTML, `slides` a PDF of eight pages, `notebook` a Jupyter notebook, `card` a model card, and `run` an archive of
/// these with the files of the run, which the notebook reads.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/documents/{document}", operation_id = "job_document", tag = "training",
    params(
        ("id" = String, Path, description = "The job's id"),
        ("document" = String, Path, description = "Which one: report, slides, notebook, card or run", example = "report"),
    ),
    responses((status = 200, content(
        (String = "text/html"), (Binary = "application/pdf"), (Value = "application/x-ipynb+json"), (String = "text/markdown"), (Binary = "application/zip"),
    )), (status = 400), (status = 404), (status = 409), (status = 422), (status = 503)),
)]
pub(super) async fn show(
    State(state): State<Shared>,
    PathPart((id, name)): PathPart<(String, String)>,
) -> Result<Response, Problem> {
    let made = state.work(move |state| {
        if !NAMES.contains(&name.as_str()) {
            let known = NAMES.join(", ");
            return Err(Problem::not_found(format!("There is no such document; there are {known}.")));
        }
        let run = finished(state, &id)?;
        let document = Document::ALL.into_iter().find(|document| document.to_string() == name);
        Ok(match document {
            Some(document) => (document.media_type(), document.file_name().to_owned(), document.make(&run, ".")?),
            None => ("application/zip", format!("{id}.zip"), archive(&run)?),
        })
    });
    let (kind, name, bytes) = made.await?;
    // A report is read where it is; the others are put away.
    let disposition = if kind.starts_with("text/html") { "inline" } else { "attachment" };
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("{disposition}; filename=\"{name}\"")),
        // Its script sorts tables; nothing else may run in it or be asked for by it.
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; sandbox allow-scripts".to_owned()),
    ];
    Ok((headers, bytes).into_response())
}

/// The run of a job that is finished.
fn finished(state: &Server, id: &str) -> Result<SavedRun, Problem> {
    let job = stored(state, id)?;
    if job.state != JobState::Finished {
        let detail = format!(
            "The job is {}; there are documents of finished ones only.",
            format!("{:?}", job.state).to_lowercase()
        );
        return Err(Problem::conflict(detail));
    }
    Ok(SavedRun::open(&state.store.folder().join("jobs").join(&job.id).join("run"))?)
}

/// The files of a run and all documents about it as ZIP.
fn archive(run: &SavedRun) -> Result<Vec<u8>, Problem> {
    let mut archive = Archive(ZipWriter::new(Cursor::new(Vec::new())));
    let mut names: Vec<_> = fs::read_dir(&run.folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect::<Result<Vec<_>, std::io::Error>>())
        .map_err(|error| Problem::internal(&error))?;
    names.sort();
    for name in names {
        if name != *MANIFEST {
            archive
                .add(Path::new(&name), &fs::read(run.folder.join(&name)).map_err(|error| Problem::internal(&error))?)?;
        }
    }
    let mut manifest = Vec::new();
    portable(run).to_csv_writer(&mut manifest).map_err(|error| Problem::internal(&error))?;
    archive.add(Path::new(MANIFEST), &manifest)?;
    for document in Document::ALL {
        archive.add(Path::new(document.file_name()), &document.make(run, ".")?)?;
    }
    let whole = archive.0.finish().map_err(|error| Problem::internal(&error))?;
    Ok(whole.into_inner())
}

/// The manifest with recordings named as in the answers, without the corpus's folder on this machine before them.
fn portable(run: &SavedRun) -> Manifest {
    let mut manifest = run.manifest.clone();
    let root = run.predictions.iter().filter(|answer| answer.copy.is_none()).find_map(|answer| {
        let name = stimmung::recording_id(run.recording(answer)?);
        name.strip_suffix(&answer.id).filter(|root| !root.is_empty()).map(PathBuf::from)
    });
    let below = |recording: &Recording| Some(recording.file.strip_prefix(root.as_ref()?).ok()?.to_path_buf());
    // All of them or none: the table is sorted by file, and other files of the run go by its order.
    if let Some(files) = manifest.recordings.iter().map(below).collect::<Option<Vec<_>>>() {
        for (recording, file) in manifest.recordings.iter_mut().zip(files) {
            recording.file = file;
        }
    }
    manifest
}

struct Archive(ZipWriter<Cursor<Vec<u8>>>);

impl Archive {
    fn add(&mut self, name: &Path, bytes: &[u8]) -> Result<(), Problem> {
        let failed = |error: &dyn std::fmt::Display| Problem::internal(&format!("{}: {error}", name.display()));
        self.0.start_file(name.to_string_lossy(), SimpleFileOptions::default()).map_err(|error| failed(&error))?;
        self.0.write_all(bytes).map_err(|error| failed(&error))
    }
}

impl From<ReportError> for Problem {
    fn from(error: ReportError) -> Self {
        Self::internal(&error)
    }
}
