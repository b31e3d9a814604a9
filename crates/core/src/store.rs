//! What a signed-in person has on this device.
//!
//! Two files per account. `cache.db` holds what the server holds too: it may be rebuilt at any
//! time. `outbox.db` holds what only this device has: it is written with full synchronisation and
//! never thrown away but by the person. The cache is encrypted where the system has a keyring for the
//! key ([`key`]). All queries of a table are in the module of its name.

pub(crate) mod bulk;
pub(crate) mod call;
pub(crate) mod conversation;
pub(crate) mod course;
mod database;
pub(crate) mod draft;
pub(crate) mod facts;
pub(crate) mod file_copy;
pub(crate) mod key;
pub(crate) mod message;
pub(crate) mod meta;
pub(crate) mod open;
pub(crate) mod outbox;
pub(crate) mod own_status;
pub(crate) mod person;
#[cfg(test)]
mod plans;
pub(crate) mod raw_fact;
pub(crate) mod read_mark;
pub(crate) mod search;
pub(crate) mod upload;

pub(crate) use database::Database;

use im_contract::{ErrorKind, UiError};
use key::{AtRest, Key};
use open::Schema;
use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Why the store could not do it. Holds no values of rows.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The file was written by a newer build.
    #[error("the database has version {found}, this build knows {known}")]
    Newer {
        /// The file's version.
        found: usize,
        /// The newest version of this build.
        known: usize,
    },
    /// The file is broken.
    #[error("the database is corrupt")]
    Corrupt,
    /// The account was closed meanwhile.
    #[error("the database is closed")]
    Closed,
    /// The core itself failed: a task ended without an answer, or was given what is not valid.
    /// Nothing is said of the account.
    #[error("the core failed")]
    Internal,
    /// The file system refused.
    #[error("the file system refused: {}", .0.kind())]
    Io(io::Error),
    /// SQLite refused otherwise (disk full, read-only, a broken rule of the schema).
    #[error("the database refused")]
    Sqlite(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => Self::Corrupt,
            _ => Self::Sqlite(error),
        }
    }
}

impl From<&StoreError> for UiError {
    fn from(error: &StoreError) -> Self {
        Self::new(match error {
            StoreError::Newer { .. } => ErrorKind::DataTooNew,
            StoreError::Closed => ErrorKind::SignInAgain,
            StoreError::Internal => ErrorKind::Internal,
            StoreError::Corrupt => ErrorKind::DataUnreadable,
            StoreError::Io(_) | StoreError::Sqlite(_) => ErrorKind::Storage,
        })
    }
}

impl From<StoreError> for UiError {
    fn from(error: StoreError) -> Self {
        Self::from(&error)
    }
}

/// The schema of `cache.db`.
pub(crate) const CACHE: Schema = Schema {
    migrations: &[
        include_str!("store/migrations/cache/0001_first.sql"),
        include_str!("store/migrations/cache/0002_message_marks.sql"),
        include_str!("store/migrations/cache/0003_files.sql"),
        include_str!("store/migrations/cache/0004_search.sql"),
        include_str!("store/migrations/cache/0005_closed.sql"),
    ],
    synchronous: "NORMAL",
};

/// The schema of `outbox.db`.
pub(crate) const OUTBOX: Schema = Schema {
    migrations: &[
        include_str!("store/migrations/outbox/0001_first.sql"),
        include_str!("store/migrations/outbox/0002_status.sql"),
        include_str!("store/migrations/outbox/0003_operations.sql"),
        include_str!("store/migrations/outbox/0004_uploads.sql"),
        include_str!("store/migrations/outbox/0005_bulk.sql"),
        include_str!("store/migrations/outbox/0006_changes.sql"),
    ],
    synchronous: "FULL",
};

/// The two files of an account.
#[derive(Clone)]
pub(crate) struct Store {
    /// What the server has too.
    pub(crate) cache: Database,
    /// What only this device has.
    pub(crate) outbox: Database,
    /// Nothing more is taken into the outbox. Read and written on its writer's thread alone, so that
    /// what was taken before is counted and what comes later is refused.
    sealed: Arc<AtomicBool>,
}

impl Store {
    /// Opens an account's folder and makes it where there is none. The cache is encrypted with this
    /// key, also where it was in clear before; without one it is in clear. A cache that cannot be
    /// read is kept aside and begun anew. The outbox is in clear in any case (ADR 0028). Blocks for
    /// as long as opening takes.
    ///
    /// # Errors
    /// [`StoreError::Newer`] for files of a newer build; what the file system says. A broken outbox
    /// is an error: nobody else has what is in it.
    pub(crate) fn open(folder: &Path, key: Option<&Key>) -> Result<Self, StoreError> {
        make_private(folder).map_err(StoreError::Io)?;
        let outbox = Database::open(&outbox_path(folder), OUTBOX, 1, None)?;
        let path = cache_path(folder);
        let cache = match open_cache(&path, key) {
            Err(StoreError::Corrupt) => {
                tracing::warn!("the cache is corrupt: it is kept aside and rebuilt");
                open::set_aside(&path).map_err(StoreError::Io)?;
                open_cache(&path, key)?
            }
            opened => opened?,
        };
        Ok(Self {
            cache,
            outbox,
            sealed: Arc::default(),
        })
    }

    /// Takes nothing more into the outbox ([`Store::take`]), and gives how much is in it.
    ///
    /// # Errors
    /// As for a write; then it is not sealed.
    pub(crate) async fn seal(&self) -> Result<u32, StoreError> {
        let sealed = Arc::clone(&self.sealed);
        let seal = move |tx: &rusqlite::Transaction<'_>| {
            let waiting = outbox::len(tx)?;
            sealed.store(true, Ordering::Relaxed);
            Ok(waiting)
        };
        let counted = self.outbox.write(seal).await;
        if counted.is_err() {
            self.unseal();
        }
        counted
    }

    /// Takes things into the outbox again.
    pub(crate) fn unseal(&self) {
        self.sealed.store(false, Ordering::Relaxed);
    }

    /// Writes something into the outbox that the person has done.
    ///
    /// # Errors
    /// [`StoreError::Closed`] while it is sealed; what the work says.
    pub(crate) async fn take<R, W>(&self, work: W) -> Result<R, StoreError>
    where
        R: Send + 'static,
        W: FnOnce(&rusqlite::Transaction<'_>) -> Result<R, StoreError> + Send + 'static,
    {
        let sealed = Arc::clone(&self.sealed);
        let take = move |tx: &rusqlite::Transaction<'_>| {
            if sealed.load(Ordering::Relaxed) {
                return Err(StoreError::Closed);
            }
            work(tx)
        };
        self.outbox.write(take).await
    }

    /// Finishes what is queued and closes both files.
    pub(crate) async fn close(&self) {
        self.cache.close().await;
        self.outbox.close().await;
    }
}

fn open_cache(path: &Path, key: Option<&Key>) -> Result<Database, StoreError> {
    if let Some(key) = key
        && key::at_rest(path).map_err(StoreError::Io)? == AtRest::Clear
    {
        tracing::info!("the cache is encrypted from now on");
        key::encrypt(path, key, search::begin_anew)?;
    }
    Database::open(path, CACHE, 2, key)
}

/// Where the cache of an account's folder is.
pub(crate) fn cache_path(folder: &Path) -> PathBuf {
    folder.join("cache.db")
}

/// Where the outbox of an account's folder is.
pub(crate) fn outbox_path(folder: &Path) -> PathBuf {
    folder.join("outbox.db")
}

/// Makes a folder that only its owner can look into.
///
/// # Errors
/// What the file system says.
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}

/// A count as SQLite keeps it. Beyond 2^63 there is nothing to count.
pub(crate) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A column with a count.
pub(crate) fn count(row: &rusqlite::Row<'_>, index: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(index)?;
    Ok(u64::try_from(value).unwrap_or(0))
}

/// A column with the text of an id.
pub(crate) fn id<T: std::str::FromStr>(
    row: &rusqlite::Row<'_>,
    index: usize,
) -> rusqlite::Result<T> {
    let text = row.get_ref(index)?.as_str()?;
    text.parse()
        .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(index, 0))
}

/// A column with the text of an id, or nothing.
pub(crate) fn maybe_id<T: std::str::FromStr>(
    row: &rusqlite::Row<'_>,
    index: usize,
) -> rusqlite::Result<Option<T>> {
    match row.get_ref(index)?.as_str_or_null()? {
        None => Ok(None),
        Some(text) => text
            .parse()
            .map(Some)
            .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(index, 0)),
    }
}

/// A word of the protocol (an enum that is text on the wire), as it is stored.
pub(crate) fn word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

/// A stored word of the protocol, where this build knows it.
pub(crate) fn from_word<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::from(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_closed_account_asks_to_sign_in_again() {
        let newer = StoreError::Newer { found: 2, known: 1 };
        let full = StoreError::Io(io::ErrorKind::StorageFull.into());
        let refused = StoreError::Sqlite(rusqlite::Error::InvalidQuery);
        for (error, kind) in [
            (StoreError::Closed, ErrorKind::SignInAgain),
            (StoreError::Internal, ErrorKind::Internal),
            (StoreError::Corrupt, ErrorKind::DataUnreadable),
            (newer, ErrorKind::DataTooNew),
            (full, ErrorKind::Storage),
            (refused, ErrorKind::Storage),
        ] {
            assert_eq!(UiError::from(&error).kind, kind, "{error}");
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use rusqlite::Connection;

    /// An empty cache in memory.
    pub(crate) fn cache() -> Connection {
        with(CACHE)
    }

    /// An empty outbox in memory.
    pub(crate) fn outbox() -> Connection {
        with(OUTBOX)
    }

    fn with(schema: Schema) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .pragma_update(None, "foreign_keys", true)
            .unwrap();
        for sql in schema.migrations {
            connection.execute_batch(sql).unwrap();
        }
        connection
    }

    /// Holds that a query of a list finds its rows by an index and sorts nothing. Walking an index
    /// in order is fine where the list is the whole table; the full-text index is asked, not walked.
    pub(crate) fn assert_no_scan(connection: &Connection, sql: &str) {
        let plan = plan(connection, sql).unwrap();
        assert!(!walks(&plan), "{sql}\n{plan:#?}");
    }

    /// What SQLite would do.
    pub(crate) fn plan(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
        let nulls = vec![rusqlite::types::Null; statement.parameter_count()];
        statement
            .query_map(rusqlite::params_from_iter(nulls), |row| row.get(3))?
            .collect()
    }

    /// Whether it walks a table or sorts.
    pub(crate) fn walks(plan: &[String]) -> bool {
        plan.iter().any(|step| {
            // Of the full-text index: asked for terms (M) or for a row (=).
            let index = step
                .split_once("VIRTUAL TABLE INDEX")
                .map(|(_, index)| index);
            let asked = index.is_some_and(|index| index.contains(['M', '=']));
            let given = step == "SCAN CONSTANT ROW";
            let walks = step.starts_with("SCAN") && !step.contains("USING") && !asked && !given;
            walks || step.contains("TEMP B-TREE")
        })
    }
}
