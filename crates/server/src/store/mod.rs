//! What outlives the process: one `SQLite` file in the data folder.
//!
//! Every change is one transaction, so that a server that dies at any moment leaves a store that opens. Files (models, audio) are
//! written whole under another name and renamed before the store speaks of them; what it does not speak of is no harm.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::ServerError;

/// The version of the database that this program writes.
const SCHEMA: i64 = 2;

/// What makes each version of the one before.
const VERSIONS: [&str; SCHEMA as usize] = [include_str!("schema.sql"), include_str!("schema-2.sql")];

/// Now, as the store and the API write it: RFC 3339, UTC, whole seconds.
pub(crate) fn now() -> String {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(0).unwrap_or(now).format(&Rfc3339).unwrap_or_default()
}

/// A data folder, held by one server at a time.
pub(crate) struct Store {
    folder: PathBuf,
    connection: Mutex<Connection>,
    /// Locked as long as the server lives; the operating system unlocks it, however that ends.
    _lock: File,
}

/// A model in the store.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredModel {
    pub(crate) id: String,
    pub(crate) origin: String,
    pub(crate) job: Option<String>,
    pub(crate) created: String,
    pub(crate) bytes: u64,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum JobState {
    /// It waits for its turn.
    Queued,
    /// It is being worked on.
    Running,
    /// Its model is there.
    Finished,
    /// It could not be done.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

impl JobState {
    fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    fn of(word: &str) -> Self {
        match word {
            "queued" => Self::Queued,
            "running" => Self::Running,
            "finished" => Self::Finished,
            "cancelled" => Self::Cancelled,
            _ => Self::Failed,
        }
    }

    /// Whether nothing more will happen to it.
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Cancelled)
    }
}

/// A job in the store.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredJob {
    pub(crate) number: i64,
    pub(crate) id: String,
    pub(crate) state: JobState,
    pub(crate) recipe: String,
    pub(crate) corpus: String,
    pub(crate) recipe_toml: String,
    pub(crate) promote: bool,
    pub(crate) created: String,
    pub(crate) started: Option<String>,
    pub(crate) ended: Option<String>,
    pub(crate) result: Option<String>,
    pub(crate) error: Option<String>,
    /// How often it was taken up since it last got on.
    pub(crate) attempts: u32,
}

const JOB_COLUMNS: &str =
    "number, id, state, recipe, corpus, recipe_toml, promote, created, started, ended, result, error, attempts";

impl StoredJob {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get(0)?,
            id: row.get(1)?,
            state: JobState::of(&row.get::<_, String>(2)?),
            recipe: row.get(3)?,
            corpus: row.get(4)?,
            recipe_toml: row.get(5)?,
            promote: row.get(6)?,
            created: row.get(7)?,
            started: row.get(8)?,
            ended: row.get(9)?,
            result: row.get(10)?,
            error: row.get(11)?,
            attempts: row.get(12)?,
        })
    }
}

/// A job that has just come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewJob<'a> {
    pub(crate) id: &'a str,
    pub(crate) recipe: &'a str,
    pub(crate) corpus: &'a str,
    pub(crate) recipe_toml: &'a str,
    pub(crate) promote: bool,
}

/// Something that a job tells.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    /// `epoch` or `fold`.
    pub(crate) kind: &'static str,
    /// From 1; 0 is the training on everything.
    pub(crate) fold: usize,
    /// The epoch from 1; 0 for a fold.
    pub(crate) step: usize,
    /// JSON.
    pub(crate) data: String,
}

/// Something that happened in a job.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    /// From 1.
    pub(crate) number: i64,
    /// `epoch` or `fold`.
    pub(crate) kind: String,
    /// JSON.
    pub(crate) data: String,
}

/// A correction by a person.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Correction {
    pub(crate) id: String,
    pub(crate) created: String,
    pub(crate) model: String,
    pub(crate) predicted: String,
    pub(crate) probabilities: String,
    pub(crate) label: String,
    pub(crate) note: String,
    pub(crate) corpus: Option<String>,
    pub(crate) recording: Option<String>,
    pub(crate) audio: Option<String>,
}

/// A key in the store.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredKey {
    pub(crate) name: String,
    pub(crate) hash: String,
    pub(crate) scopes: String,
    pub(crate) created: String,
}

impl Store {
    /// Opens the data folder, which is made where there is none.
    ///
    /// # Errors
    /// [`ServerError::InUse`] where another server holds it; a folder or a file that cannot be used.
    pub(crate) fn open(folder: &Path) -> Result<Self, ServerError> {
        for folder in [folder.to_path_buf(), folder.join("models"), folder.join("jobs"), folder.join("audio")] {
            std::fs::create_dir_all(&folder).map_err(ServerError::io(&folder))?;
        }
        let path = folder.join("lock");
        let lock = OpenOptions::new().create(true).write(true).truncate(false).open(&path);
        let lock = lock.map_err(ServerError::io(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ServerError::InUse { path: folder.to_path_buf() }),
            Err(TryLockError::Error(source)) => return Err(ServerError::Io { path, source }),
        }
        let connection = Mutex::new(connect(&folder.join("stimmung.sqlite"))?);
        Ok(Self { folder: folder.to_path_buf(), connection, _lock: lock })
    }

    /// The data folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of a model.
    pub(crate) fn model_path(&self, id: &str) -> PathBuf {
        self.folder.join("models").join(format!("{id}.stimmung"))
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A transaction that was not committed is rolled back, so the connection is sound.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All models, the oldest first.
    pub(crate) fn models(&self) -> rusqlite::Result<Vec<StoredModel>> {
        let connection = self.lock();
        let mut statement =
            connection.prepare_cached("SELECT id, origin, job, created, bytes FROM models ORDER BY created, id")?;
        let models = statement.query_map([], |row| {
            Ok(StoredModel {
                id: row.get(0)?,
                origin: row.get(1)?,
                job: row.get(2)?,
                created: row.get(3)?,
                bytes: row.get(4)?,
            })
        })?;
        models.collect()
    }

    /// Takes in a model whose file is there. One that is known already stays as it is.
    pub(crate) fn add_model(&self, model: &StoredModel) -> rusqlite::Result<()> {
        let StoredModel { id, origin, job, created, bytes } = model;
        let text =
            "INSERT INTO models (id, origin, job, created, bytes) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
        self.lock().execute(text, params![id, origin, job, created, bytes]).map(|_| ())
    }

    /// Forgets a model.
    pub(crate) fn remove_model(&self, id: &str) -> rusqlite::Result<()> {
        self.lock().execute("DELETE FROM models WHERE id = ?1", [id]).map(|_| ())
    }

    /// The id of the promoted model, if there is one.
    pub(crate) fn active(&self) -> rusqlite::Result<Option<String>> {
        let text = "SELECT value FROM settings WHERE name = 'active'";
        self.lock().query_row(text, [], |row| row.get(0)).optional()
    }

    /// Promotes a model.
    pub(crate) fn set_active(&self, id: &str) -> rusqlite::Result<()> {
        let text =
            "INSERT INTO settings (name, value) VALUES ('active', ?1) ON CONFLICT (name) DO UPDATE SET value = ?1";
        self.lock().execute(text, [id]).map(|_| ())
    }

    /// Puts a job into the queue.
    pub(crate) fn add_job(&self, job: &NewJob<'_>) -> rusqlite::Result<()> {
        let NewJob { id, recipe, corpus, recipe_toml, promote } = *job;
        let text = "INSERT INTO jobs (id, state, recipe, corpus, recipe_toml, promote, created)
                    VALUES (?1, 'queued', ?2, ?3, ?4, ?5, ?6)";
        self.lock().execute(text, params![id, recipe, corpus, recipe_toml, promote, now()]).map(|_| ())
    }

    /// All jobs, the newest first.
    pub(crate) fn jobs(&self) -> rusqlite::Result<Vec<StoredJob>> {
        let connection = self.lock();
        let mut statement =
            connection.prepare_cached(&format!("SELECT {JOB_COLUMNS} FROM jobs ORDER BY number DESC"))?;
        let jobs = statement.query_map([], StoredJob::read)?;
        jobs.collect()
    }

    /// A job by its id.
    pub(crate) fn job(&self, id: &str) -> rusqlite::Result<Option<StoredJob>> {
        let text = format!("SELECT {JOB_COLUMNS} FROM jobs WHERE id = ?1");
        self.lock().query_row(&text, [id], StoredJob::read).optional()
    }

    /// The job whose turn it is: one that was interrupted, or the oldest in the queue. It counts as running from now on, and this
    /// as an attempt.
    pub(crate) fn next_job(&self) -> rusqlite::Result<Option<StoredJob>> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let text = format!(
            "SELECT {JOB_COLUMNS} FROM jobs WHERE state IN ('running', 'queued') ORDER BY state = 'queued', number LIMIT 1"
        );
        let job = transaction.query_row(&text, [], StoredJob::read).optional()?;
        if let Some(job) = &job {
            let text = "UPDATE jobs SET state = 'running', started = coalesce(started, ?2), attempts = attempts + 1
                        WHERE number = ?1";
            transaction.execute(text, params![job.number, now()])?;
        }
        transaction.commit()?;
        Ok(job.map(|job| StoredJob {
            state: JobState::Running,
            started: job.started.or_else(|| Some(now())),
            attempts: job.attempts + 1,
            ..job
        }))
    }

    /// Counts the attempts at a job from the beginning again.
    pub(crate) fn forget_attempts(&self, job: i64) -> rusqlite::Result<()> {
        self.lock().execute("UPDATE jobs SET attempts = 0 WHERE number = ?1", [job]).map(|_| ())
    }

    /// Ends a job that is not over yet; says whether it was so.
    pub(crate) fn end_job(
        &self,
        id: &str,
        state: JobState,
        result: Option<&str>,
        error: Option<&str>,
    ) -> rusqlite::Result<bool> {
        let text = "UPDATE jobs SET state = ?2, ended = ?3, result = ?4, error = ?5
                    WHERE id = ?1 AND state IN ('queued', 'running')";
        self.lock().execute(text, params![id, state.word(), now(), result, error]).map(|changed| changed > 0)
    }

    /// Cancels a job that waits; says whether it did wait.
    pub(crate) fn cancel_queued(&self, id: &str) -> rusqlite::Result<bool> {
        let text = "UPDATE jobs SET state = 'cancelled', ended = ?2 WHERE id = ?1 AND state = 'queued'";
        self.lock().execute(text, params![id, now()]).map(|changed| changed > 0)
    }

    /// How many jobs wait, and the place of this one among them, from 1.
    pub(crate) fn queue(&self, number: i64) -> rusqlite::Result<(usize, usize)> {
        let text = "SELECT count(*), coalesce(sum(number <= ?1), 0) FROM jobs WHERE state = 'queued'";
        self.lock().query_row(text, [number], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// Notes what happened in a job, in one transaction. What is known already is passed over: after an interruption, some is told
    /// once more. With what is new, the job gets on.
    pub(crate) fn add_events(&self, job: i64, told: &[Told]) -> rusqlite::Result<()> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let mut gets_on = false;
        {
            let mut statement = transaction.prepare_cached(
                "INSERT INTO events (job, number, kind, fold, step, data)
                 VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM events WHERE job = ?1), ?2, ?3, ?4, ?5)
                 ON CONFLICT DO NOTHING",
            )?;
            for Told { kind, fold, step, data } in told {
                gets_on |= statement.execute(params![job, kind, fold, step, data])? > 0;
            }
        }
        if gets_on {
            transaction.execute("UPDATE jobs SET attempts = 0 WHERE number = ?1", [job])?;
        }
        transaction.commit()
    }

    /// What happened in a job after event number `after`.
    pub(crate) fn events(&self, job: i64, after: i64) -> rusqlite::Result<Vec<Event>> {
        let connection = self.lock();
        let mut statement = connection
            .prepare_cached("SELECT number, kind, data FROM events WHERE job = ?1 AND number > ?2 ORDER BY number")?;
        let events = statement.query_map(params![job, after], |row| {
            Ok(Event { number: row.get(0)?, kind: row.get(1)?, data: row.get(2)? })
        })?;
        events.collect()
    }

    /// Keeps a correction.
    pub(crate) fn add_correction(&self, correction: &Correction) -> rusqlite::Result<()> {
        let Correction { id, created, model, predicted, probabilities, label, note, corpus, recording, audio } =
            correction;
        let text =
            "INSERT INTO feedback (id, created, model, predicted, probabilities, label, note, corpus, recording, audio)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        let values = params![id, created, model, predicted, probabilities, label, note, corpus, recording, audio];
        self.lock().execute(text, values).map(|_| ())
    }

    /// All corrections, the oldest first.
    pub(crate) fn corrections(&self) -> rusqlite::Result<Vec<Correction>> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT id, created, model, predicted, probabilities, label, note, corpus, recording, audio
             FROM feedback ORDER BY created, id",
        )?;
        let corrections = statement.query_map([], |row| {
            Ok(Correction {
                id: row.get(0)?,
                created: row.get(1)?,
                model: row.get(2)?,
                predicted: row.get(3)?,
                probabilities: row.get(4)?,
                label: row.get(5)?,
                note: row.get(6)?,
                corpus: row.get(7)?,
                recording: row.get(8)?,
                audio: row.get(9)?,
            })
        })?;
        corrections.collect()
    }

    /// All keys, by name.
    pub(crate) fn keys(&self) -> rusqlite::Result<Vec<StoredKey>> {
        keys(&self.lock())
    }
}

/// Opens the database, which gets the tables and columns that it lacks.
pub(crate) fn connect(path: &Path) -> Result<Connection, ServerError> {
    let failed = |source| ServerError::Store { path: path.to_path_buf(), source };
    let mut connection = Connection::open(path).map_err(failed)?;
    let version = prepare(&mut connection).map_err(failed)?;
    if version > SCHEMA {
        return Err(ServerError::Newer { path: path.to_path_buf(), found: version, known: SCHEMA });
    }
    Ok(connection)
}

/// Sets the connection up and brings the database to this version; gives the version that it then has, which may be a later one.
fn prepare(connection: &mut Connection) -> rusqlite::Result<i64> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let transaction = connection.transaction()?;
    let version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    for step in VERSIONS.iter().skip(version as usize) {
        transaction.execute_batch(step)?;
    }
    if version < SCHEMA {
        transaction.pragma_update(None, "user_version", SCHEMA)?;
    }
    transaction.commit()?;
    Ok(version.max(SCHEMA))
}

/// All keys, by name.
pub(crate) fn keys(connection: &Connection) -> rusqlite::Result<Vec<StoredKey>> {
    let mut statement = connection.prepare_cached("SELECT name, hash, scopes, created FROM keys ORDER BY name")?;
    let keys = statement.query_map([], |row| {
        Ok(StoredKey { name: row.get(0)?, hash: row.get(1)?, scopes: row.get(2)?, created: row.get(3)? })
    })?;
    keys.collect()
}

#[cfg(test)]
mod tests;
