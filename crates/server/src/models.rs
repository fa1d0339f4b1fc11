//! The models of a server: the one that answers, and the others that can be asked for.

use std::collections::VecDeque;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use sha2::{Digest, Sha256};
use stimmung::{EMBEDDED_MODEL, Recognizer};

use crate::ServerError;
use crate::problem::Problem;
use crate::store::{Store, StoredModel, now};

/// The id of the model that comes with the program.
pub(crate) const EMBEDDED: &str = "embedded";

/// Models besides the active one that are kept at hand.
const AT_HAND: usize = 4;

/// A model at work. Requests hold it as long as they need it, whatever is promoted meanwhile.
pub(crate) struct Working {
    pub(crate) id: String,
    pub(crate) recognizer: Recognizer,
}

/// All models of a server.
pub(crate) struct Models {
    store: Arc<Store>,
    /// What answers until a model is promoted: the embedded one, or the file named at the start.
    first: Arc<Working>,
    active: RwLock<Arc<Working>>,
    /// The ones asked for last, the latest in front.
    recent: Mutex<VecDeque<Arc<Working>>>,
}

impl Models {
    /// Loads the promoted model, or the first one where none was promoted.
    pub(crate) fn open(store: Arc<Store>, first: Option<&Path>) -> Result<Self, ServerError> {
        let first = Arc::new(match first {
            None => Working { id: EMBEDDED.to_owned(), recognizer: Recognizer::embedded()? },
            Some(path) => {
                let bytes = std::fs::read(path).map_err(ServerError::io(path))?;
                let recognizer = Recognizer::open(path)?;
                let id = id_of(&bytes);
                keep(&store, &id, &bytes, "upload", None)?;
                Working { id, recognizer }
            }
        });
        let promoted = store
            .active()
            .map_err(|source| ServerError::Store { path: store.folder().join("stimmung.sqlite"), source })?;
        let active = match promoted {
            Some(id) if id != first.id && id != EMBEDDED => {
                Arc::new(Working { recognizer: Recognizer::open(&store.model_path(&id))?, id })
            }
            Some(id) if id == EMBEDDED && first.id != EMBEDDED => embedded()?,
            _ => Arc::clone(&first),
        };
        Ok(Self { store, first, active: RwLock::new(active), recent: Mutex::default() })
    }

    /// The model that answers.
    pub(crate) fn active(&self) -> Arc<Working> {
        Arc::clone(&self.active.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The model of this id, or the active one. Only ids that the store knows become file names.
    pub(crate) fn get(&self, id: Option<&str>) -> Result<Arc<Working>, Problem> {
        let active = self.active();
        let Some(id) = id.filter(|&id| id != active.id) else { return Ok(active) };
        if id == self.first.id {
            return Ok(Arc::clone(&self.first));
        }
        if let Some(working) = self.take_recent(id) {
            return Ok(working);
        }
        let working = if id == EMBEDDED {
            embedded().map_err(|error| Problem::internal(&error))?
        } else {
            let known = self.store.models()?.into_iter().find(|model| model.id == id);
            let known = known.ok_or_else(|| unknown(id))?;
            let recognizer = Recognizer::open(&self.store.model_path(&known.id));
            Arc::new(Working { recognizer: recognizer.map_err(|error| Problem::internal(&error))?, id: known.id })
        };
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.push_front(Arc::clone(&working));
        recent.truncate(AT_HAND);
        Ok(working)
    }

    fn take_recent(&self, id: &str) -> Option<Arc<Working>> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let at = recent.iter().position(|working| working.id == id)?;
        let working = recent.remove(at)?;
        recent.push_front(Arc::clone(&working));
        Some(working)
    }

    /// Every model that can be asked for: the embedded one, then those of the store, the oldest first.
    pub(crate) fn all(&self) -> Result<Vec<StoredModel>, Problem> {
        let embedded = StoredModel {
            id: EMBEDDED.to_owned(),
            origin: EMBEDDED.to_owned(),
            job: None,
            created: String::new(),
            bytes: EMBEDDED_MODEL.len() as u64,
        };
        Ok([vec![embedded], self.store.models()?].concat())
    }

    /// Takes in a model's bytes once they are known to be a sound model file; gives its id.
    pub(crate) fn add(&self, bytes: &[u8], origin: &str, job: Option<&str>) -> Result<String, Problem> {
        Recognizer::from_bytes(bytes).map_err(|error| {
            let status = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
            Problem::new(status, "model", "Not a model file", error.to_string())
        })?;
        let id = id_of(bytes);
        keep(&self.store, &id, bytes, origin, job).map_err(|error| Problem::internal(&error))?;
        Ok(id)
    }

    /// Lets a model answer from now on. Requests in flight end with the one that they began with.
    pub(crate) fn promote(&self, id: &str) -> Result<(), Problem> {
        let working = self.get(Some(id))?;
        self.store.set_active(&working.id)?;
        *self.active.write().unwrap_or_else(PoisonError::into_inner) = working;
        Ok(())
    }

    /// Removes a model that does not answer.
    pub(crate) fn remove(&self, id: &str) -> Result<(), Problem> {
        if id == EMBEDDED || id == self.first.id {
            return Err(Problem::conflict("This model came with the server and stays."));
        }
        if id == self.active().id {
            return Err(Problem::conflict("This model answers at the moment; promote another one first."));
        }
        if !self.store.models()?.iter().any(|model| model.id == id) {
            return Err(unknown(id));
        }
        // The file goes last: one that nobody speaks of is no harm.
        self.store.remove_model(id)?;
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).retain(|working| working.id != id);
        if let Err(error) = std::fs::remove_file(self.store.model_path(id)) {
            tracing::warn!(id, %error, "a model's file could not be removed");
        }
        Ok(())
    }

    /// The file of a model.
    pub(crate) fn bytes(&self, id: &str) -> Result<Vec<u8>, Problem> {
        if id == EMBEDDED {
            return Ok(EMBEDDED_MODEL.to_vec());
        }
        let known = self.store.models()?.into_iter().find(|model| model.id == id).ok_or_else(|| unknown(id))?;
        std::fs::read(self.store.model_path(&known.id)).map_err(|error| Problem::internal(&error))
    }
}

fn embedded() -> Result<Arc<Working>, stimmung::Error> {
    Ok(Arc::new(Working { id: EMBEDDED.to_owned(), recognizer: Recognizer::embedded()? }))
}

fn unknown(id: &str) -> Problem {
    Problem::not_found(format!("There is no model {:?}; GET /v1/models lists them.", shortened(id)))
}

/// What a client sent, fit to be said back.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

/// The first 16 hexadecimal digits of the file's SHA-256.
pub(crate) fn id_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes)[..8].iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Writes the file, whole or not at all, and then tells the store.
fn keep(store: &Store, id: &str, bytes: &[u8], origin: &str, job: Option<&str>) -> Result<(), ServerError> {
    let path = store.model_path(id);
    let folder = store.folder().join("models");
    let mut file = tempfile::NamedTempFile::new_in(&folder).map_err(ServerError::io(&folder))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(ServerError::io(&path))?;
    file.persist(&path).map_err(|error| ServerError::io(&path)(error.error))?;
    let model = StoredModel {
        id: id.to_owned(),
        origin: origin.to_owned(),
        job: job.map(str::to_owned),
        created: now(),
        bytes: bytes.len() as u64,
    };
    store.add_model(&model).map_err(|source| ServerError::Store { path: folder, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models() -> (tempfile::TempDir, Arc<Store>, Models) {
        let folder = tempfile::tempdir().expect("folder");
        let store = Arc::new(Store::open(folder.path()).expect("store"));
        let models = Models::open(Arc::clone(&store), None).expect("models");
        (folder, store, models)
    }

    /// The embedded model under another name: another file, another id.
    fn other() -> Vec<u8> {
        let mut model = stimmung::models::ModelFile::from_bytes(EMBEDDED_MODEL).expect("model");
        model.card.name = "another".into();
        model.to_bytes().expect("bytes")
    }

    #[test]
    fn a_promoted_model_answers_after_a_restart() {
        let (_folder, store, models) = models();
        assert_eq!(models.active().id, EMBEDDED);
        let id = models.add(&other(), "upload", None).expect("added");
        assert_eq!(models.active().id, EMBEDDED, "until it is promoted");
        models.promote(&id).expect("promoted");
        assert_eq!(models.active().id, id);
        let again = Models::open(Arc::clone(&store), None).expect("models");
        assert_eq!(again.active().id, id);
        again.promote(EMBEDDED).expect("promoted");
        assert_eq!(Models::open(store, None).expect("models").active().id, EMBEDDED);
    }

    #[test]
    fn what_answers_or_came_along_is_not_removed() {
        let (_folder, store, models) = models();
        let id = models.add(&other(), "job", Some("j")).expect("added");
        models.promote(&id).expect("promoted");
        assert_eq!(models.remove(&id).expect_err("it answers").status, 409);
        assert_eq!(models.remove(EMBEDDED).expect_err("it came along").status, 409);
        models.promote(EMBEDDED).expect("promoted");
        models.remove(&id).expect("removed");
        assert!(!store.model_path(&id).exists());
        assert_eq!(models.get(Some(&id)).err().map(|it| it.status), Some(404));
        assert_eq!(models.remove(&id).expect_err("gone").status, 404);
    }

    #[test]
    fn only_known_ids_become_file_names() {
        let (folder, _store, models) = models();
        std::fs::write(folder.path().join("outside.stimmung"), other()).expect("written");
        for id in ["../outside", "outside", "/etc/passwd", "", "\0", "models/../../outside"] {
            assert_eq!(models.get(Some(id)).err().map(|it| it.status), Some(404), "{id:?}");
            assert_eq!(models.bytes(id).err().map(|it| it.status), Some(404), "{id:?}");
        }
    }

    #[test]
    fn what_is_no_model_is_refused_and_leaves_nothing() {
        let (folder, store, models) = models();
        for bytes in [&b""[..], b"junk", &other()[..1000]] {
            assert_eq!(models.add(bytes, "upload", None).expect_err("refused").status, 422);
        }
        assert!(store.models().expect("models").is_empty());
        assert_eq!(std::fs::read_dir(folder.path().join("models")).expect("folder").count(), 0);
    }
}
