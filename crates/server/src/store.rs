//! The database: one SQLite file in the data folder, one connection that writes (owned by
//! [`crate::writer`]), several that read.
//!
//! One module a table, with its queries and their tests. SQL is kept to what PostgreSQL takes too:
//! `$1` parameters, ids as text, times as whole milliseconds, `RETURNING`, `ON CONFLICT`.

pub mod bulk;
pub mod call;
pub mod conversation;
pub mod course;
pub mod credential;
pub mod feed;
pub mod invitation;
pub mod message;
pub mod meta;
pub mod person;
pub mod row;
pub mod session;
pub mod status;

#[cfg(test)]
pub(crate) mod testing;

use crate::error::Error;
use sqlx::{
    ConnectOptions, SqlitePool,
    pool::PoolConnection,
    sqlite::{
        SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions,
        SqliteSynchronous,
    },
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// A connection of whichever kind; queries take `&mut` of it.
pub type Connection = SqliteConnection;
/// A row as it comes from a query.
pub type Row = sqlx::sqlite::SqliteRow;
/// A connection for reading, given back when dropped.
pub type Reader = PoolConnection<sqlx::Sqlite>;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("src/store/migrations");

/// The file in the data folder.
const FILE: &str = "instantmentor.db";
/// Connections that read at the same time.
const READERS: u32 = 4;
/// How long a connection waits for another process's lock.
const BUSY: Duration = Duration::from_secs(5);

/// Why the database could not be opened. The text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made or written to.
    #[error("the data folder {path} cannot be used: {source}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is damaged, locked, or of a newer version.
    #[error("the database in {path} cannot be opened: {reason}")]
    Database {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// The opened database: gives connections.
#[derive(Debug, Clone)]
pub struct Store {
    options: SqliteConnectOptions,
    readers: SqlitePool,
}

impl Store {
    /// Opens the database in `folder`, makes it where there is none, brings it to this version.
    ///
    /// # Errors
    /// Where the folder cannot be used, or the file is damaged, locked for long, or was written by
    /// a newer version.
    pub async fn open(folder: &Path) -> Result<Self, OpenError> {
        let failed = |error: &dyn std::fmt::Display| OpenError::Database {
            path: folder.to_path_buf(),
            reason: error.to_string(),
        };
        make_private_folder(folder).map_err(|source| OpenError::Folder {
            path: folder.to_path_buf(),
            source,
        })?;
        let options = SqliteConnectOptions::new()
            .filename(folder.join(FILE))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .pragma("temp_store", "MEMORY")
            // A page that is written often goes into the file once for many commits.
            .pragma("wal_autocheckpoint", "8000")
            .pragma("journal_size_limit", "67108864")
            .statement_cache_capacity(200)
            .disable_statement_logging();
        let mut first = options.connect().await.map_err(|error| failed(&error))?;
        MIGRATIONS
            .run_direct(None, &mut first, false)
            .await
            .map_err(|error| failed(&error))?;
        meta::ensure_epoch(&mut first)
            .await
            .map_err(|error| failed(&error))?;
        let reading = options.clone().pragma("query_only", "ON");
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(BUSY)
            .test_before_acquire(false)
            .connect_with(reading)
            .await
            .map_err(|error| failed(&error))?;
        Ok(Self { options, readers })
    }

    /// A connection for reading.
    ///
    /// # Errors
    /// Where none becomes free within five seconds.
    pub async fn read(&self) -> Result<Reader, Error> {
        Ok(self.readers.acquire().await?)
    }

    /// The connection for writing; there is to be one a process.
    ///
    /// # Errors
    /// Where the file cannot be opened.
    pub async fn writing(&self) -> Result<Connection, Error> {
        // Negative: KiB. What is written all the time is to be found in memory.
        let options = self.options.clone().pragma("cache_size", "-65536");
        Ok(options.connect().await?)
    }

    /// Closes the readers, once what they read is read.
    pub async fn close(&self) {
        self.readers.close().await;
    }
}

/// Makes the folder for this user only: it holds password hashes and everybody's words.
fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::Row as _;

    #[tokio::test]
    async fn writes_are_durable_and_readers_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let mut writing = store.writing().await.unwrap();
        for (pragma, wanted) in [
            ("PRAGMA synchronous", 2_i64),
            ("PRAGMA foreign_keys", 1),
            ("PRAGMA busy_timeout", 5_000),
        ] {
            let row = sqlx::query(pragma).fetch_one(&mut writing).await.unwrap();
            assert_eq!(row.get::<i64, _>(0), wanted, "{pragma}");
        }
        let mut reading = store.read().await.unwrap();
        let result = sqlx::query("DELETE FROM meta").execute(&mut *reading).await;
        assert!(result.is_err());
    }

    #[tokio::test]
    async fn every_table_is_strict() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let mut reading = store.read().await.unwrap();
        let sql = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'
            AND strict = 0 AND name NOT LIKE 'sqlite_%' AND name <> '_sqlx_migrations'";
        let loose = sqlx::query(sql).fetch_all(&mut *reading).await.unwrap();
        assert!(loose.is_empty(), "{} tables are not STRICT", loose.len());
    }

    #[tokio::test]
    async fn the_epoch_stays_when_the_server_starts_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut epochs = Vec::new();
        for _ in 0..2 {
            let store = Store::open(folder.path()).await.unwrap();
            let mut reading = store.read().await.unwrap();
            epochs.push(meta::epoch(&mut reading).await.unwrap());
        }
        assert_eq!(epochs[0], epochs[1]);
    }
}
