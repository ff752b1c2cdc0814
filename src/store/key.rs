//! Whether the key of the secrets is the one that belongs to the database.
//!
//! A value derived from the key lies in the database: it tells keys apart and gives none away. A key is made only for a
//! database that never had one; a used database without its key is refused, because what was sealed with it (providers'
//! tokens, webhooks' secrets, second factors, the opt-outs of erased people) would silently be lost.

use super::{Store, StoreError, Tx, Vault, vault};
use crate::model::random::Random;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// For what the value is derived.
const PURPOSE: &str = "key check";
/// An empty file of this name says that the key is lost for good.
const GIVEN_UP: &str = "secret.key.lost";

/// Whether a key belongs to a database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyMatch {
    /// It is the one.
    Same,
    /// It is another one.
    Other,
    /// The database does not say: an earlier version made it.
    Unknown,
}

struct DatabaseKeyFacts {
    check: Option<Vec<u8>>,
    /// Somebody has worked with this database.
    is_used: bool,
}

impl Store {
    /// The vault that belongs to this database. `key_file` names a key outside the data directory.
    ///
    /// # Errors
    /// The key is missing, is none, or is another one than the database was sealed with.
    pub async fn vault(&self, key_file: Option<&Path>, random: Arc<dyn Random>) -> Result<Vault, StoreError> {
        let data_dir = self.path().parent().unwrap_or(Path::new(".")).to_owned();
        let path = key_file.map_or_else(|| data_dir.join(vault::FILE_NAME), Path::to_owned);
        let mut known = self.read(known).await?;
        let is_missing = match fs::metadata(&path) {
            Ok(m) => m.len() == 0,
            Err(e) => e.kind() == io::ErrorKind::NotFound,
        };
        let given_up = data_dir.join(GIVEN_UP);
        if key_file.is_none() && is_missing {
            if !given_up.exists() && (known.is_used || known.check.is_some()) {
                return Err(missing(path, &given_up));
            }
            vault::make(&path, &*random)?;
            known.check = None;
        }
        let vault = match key_file {
            Some(file) => Vault::with_key_file(file, random)?,
            None => Vault::open(&data_dir, random)?,
        };
        let value = vault.derive(PURPOSE);
        match known.check {
            Some(check) if check == value => {}
            Some(_) => return Err(another(path)),
            None => {
                let sql = "INSERT INTO key_check (id, value) VALUES (1, ?1)
                           ON CONFLICT (id) DO UPDATE SET value = excluded.value";
                self.write(move |tx| tx.execute(sql, [value.as_slice()]).map(drop)).await?;
                let _ = fs::remove_file(&given_up);
            }
        }
        if key_file.is_none()
            && let Ok(key) = fs::read(&path)
        {
            self.ground().keep_key(vault::FILE_NAME, &key);
        }
        Ok(vault)
    }
}

/// Whether the key in `key_file` belongs to the database at `database`; for who looks and changes nothing.
///
/// # Errors
/// Either cannot be read.
pub fn compare(database: &Path, key_file: &Path) -> Result<KeyMatch, StoreError> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'key_check'";
    let check = super::peek(database, |tx| match tx.one(sql, [], |r| r.get::<_, i64>(0))? {
        0 => Ok(None),
        _ => Ok(known(tx)?.check),
    })?;
    let vault = Vault::with_key_file(key_file, Arc::new(crate::model::random::SystemRandom))?;
    Ok(match check {
        None => KeyMatch::Unknown,
        Some(check) if check == vault.derive(PURPOSE) => KeyMatch::Same,
        Some(_) => KeyMatch::Other,
    })
}

/// The key that a database was sealed with must be there. One that says of no key, or whose key was given up, needs none; a
/// key outside the data directory (`is_elsewhere`) is not given up.
pub(super) fn must_fit(tx: &Tx<'_>, key_file: &Path, is_elsewhere: bool) -> Result<(), StoreError> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'key_check'";
    let check = if tx.one(sql, [], |r| r.get::<_, i64>(0))? == 0 { None } else { known(tx)?.check };
    let given_up = key_file.with_file_name(GIVEN_UP);
    let Some(check) = check.filter(|_| is_elsewhere || !given_up.exists()) else { return Ok(()) };
    if fs::metadata(key_file).is_ok_and(|m| m.len() > 0) {
        let vault = Vault::with_key_file(key_file, Arc::new(crate::model::random::SystemRandom))?;
        return if check == vault.derive(PURPOSE) { Ok(()) } else { Err(another(key_file.to_owned())) };
    }
    if is_elsewhere {
        let problem = "the key of this database's secrets is missing: put it back, or mend key_file".to_owned();
        return Err(StoreError::Unusable { path: key_file.to_owned(), problem });
    }
    Err(missing(key_file.to_owned(), &given_up))
}

fn known(tx: &Tx<'_>) -> Result<DatabaseKeyFacts, StoreError> {
    let check = tx.find("SELECT value FROM key_check WHERE id = 1", [], |r| r.get(0))?;
    let used = "SELECT EXISTS (SELECT 1 FROM accounts) OR EXISTS (SELECT 1 FROM users)";
    Ok(DatabaseKeyFacts { check, is_used: tx.one(used, [], |r| r.get(0))? })
}

fn missing(path: PathBuf, given_up: &Path) -> StoreError {
    let problem = format!(
        "the key of this database's secrets is missing: put it back from a backup. If it is lost for good, \
         `touch {}` says so, and the next start makes a new one: providers' tokens and webhooks' secrets must then be \
         given anew, second factors set up anew, and people who opted out and were erased are no longer known",
        given_up.display()
    );
    StoreError::Unusable { path, problem }
}

fn another(path: PathBuf) -> StoreError {
    let problem =
        "this is not the key that belongs to this database: put the right one back from a backup; nothing was \
                   changed"
            .to_owned();
    StoreError::Unusable { path, problem }
}
