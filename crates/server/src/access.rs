//! Who may do what: keys, of which only the hashes are kept.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::ServerError;
use crate::store::{StoredKey, connect, keys, now};

/// What a key opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// To see models, corpora, recipes and jobs.
    Read,
    /// To ask for answers, and to correct them.
    Predict,
    /// To start and cancel trainings.
    Train,
    /// To upload, promote and remove models, and to export corrections.
    Admin,
}

impl Scope {
    /// All, from the least to the most.
    pub const ALL: [Self; 4] = [Self::Read, Self::Predict, Self::Train, Self::Admin];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Predict => "predict",
            Self::Train => "train",
            Self::Admin => "admin",
        }
    }
}

/// A key as it can be listed: never the key itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Key {
    /// What it is called.
    pub name: String,
    /// What it opens.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created: String,
}

/// The hash under which a key is kept. Keys are drawn at random from 2²⁴⁴, so that a plain hash gives nothing away.
pub(crate) fn hash(key: &str) -> String {
    Sha256::digest(key.as_bytes()).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// The scopes of a stored key.
pub(crate) fn scopes(stored: &StoredKey) -> Vec<Scope> {
    Scope::ALL.into_iter().filter(|scope| stored.scopes.split(',').any(|word| word == scope.name())).collect()
}

fn database(data: &Path) -> Result<(std::path::PathBuf, rusqlite::Connection), ServerError> {
    std::fs::create_dir_all(data).map_err(ServerError::io(data))?;
    let path = data.join("stimmung.sqlite");
    let connection = connect(&path)?;
    Ok((path, connection))
}

/// Makes a key for a data folder and gives it: it is shown this once. A server that runs knows it at once.
///
/// # Errors
/// [`ServerError::Parameter`] for a name that is taken or no name; a folder that cannot be used.
pub fn add_key(data: &Path, name: &str, scopes: &[Scope]) -> Result<String, ServerError> {
    if name.trim().is_empty() || name.len() > 100 || name.chars().any(char::is_control) {
        let expected = "a name of 1 to 100 bytes without control characters";
        return Err(ServerError::Parameter { name: "name", actual: format!("{name:?}"), expected });
    }
    let (path, connection) = database(data)?;
    let key = format!("stimmung-{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let scopes: Vec<&str> = Scope::ALL.into_iter().filter(|it| scopes.contains(it)).map(Scope::name).collect();
    let text = "INSERT INTO keys (name, hash, scopes, created) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    let added = connection.execute(text, (name, hash(&key), scopes.join(","), now()));
    match added.map_err(|source| ServerError::Store { path, source })? {
        0 => {
            let expected = "a name that no other key has";
            Err(ServerError::Parameter { name: "name", actual: name.to_owned(), expected })
        }
        _ => Ok(key),
    }
}

/// The keys of a data folder, by name.
///
/// # Errors
/// A folder that cannot be used.
pub fn list_keys(data: &Path) -> Result<Vec<Key>, ServerError> {
    let (path, connection) = database(data)?;
    let stored = keys(&connection).map_err(|source| ServerError::Store { path, source })?;
    Ok(stored.into_iter().map(|it| Key { scopes: scopes(&it), name: it.name, created: it.created }).collect())
}

/// Removes a key; says whether there was one of that name.
///
/// # Errors
/// A folder that cannot be used.
pub fn remove_key(data: &Path, name: &str) -> Result<bool, ServerError> {
    let (path, connection) = database(data)?;
    let removed = connection.execute("DELETE FROM keys WHERE name = ?1", [name]);
    removed.map(|count| count > 0).map_err(|source| ServerError::Store { path, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_kept_as_hashes_and_open_what_they_say() {
        let folder = tempfile::tempdir().expect("folder");
        let data = folder.path().join("data");
        let key = add_key(&data, "page", &[Scope::Predict, Scope::Read]).expect("key");
        add_key(&data, "page", &[]).expect_err("taken");
        add_key(&data, " ", &[]).expect_err("no name");
        let listed = list_keys(&data).expect("keys");
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].scopes, [Scope::Read, Scope::Predict]);
        let (_, connection) = database(&data).expect("database");
        let stored = keys(&connection).expect("keys");
        assert_eq!(stored[0].hash, hash(&key));
        assert_ne!(hash(&key), hash("stimmung-"));
        assert!(remove_key(&data, "page").expect("removed"));
        assert!(!remove_key(&data, "page").expect("nothing to remove"));
    }
}
