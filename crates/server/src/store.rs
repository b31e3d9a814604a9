//! The database: one SQLite file in the data folder, one connection that writes (owned by
//! [`crate::writer`]), several that read.
//!
//! One module a table, with its queries and their tests. SQL is kept to what PostgreSQL takes too:
//! `$1` parameters, ids as text, times as whole milliseconds, `RETURNING`, `ON CONFLICT`.

pub mod audit;
pub mod block;
pub mod bulk;
pub mod call;
pub mod code;
pub mod conversation;
pub mod course;
pub mod credential;
pub mod erasure;
pub mod feed;
pub mod file;
pub mod invitation;
pub mod ledger;
pub mod mail;
pub mod message;
pub mod message_edit;
pub mod meta;
pub mod person;
pub mod purchase;
pub mod report;
pub mod row;
pub mod session;
pub mod status;
pub mod tie;

#[cfg(test)]
mod plans;
#[cfg(test)]
pub(crate) mod testing;

use crate::error::Error;
use ledger::Ledger;
use sqlx::{
    ConnectOptions, SqlitePool,
    migrate::MigrateError,
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
/// Pages in the write-ahead log after which a commit copies what is left of them into the file.
const CHECKPOINT: &str = "16000";
/// Bytes that the write-ahead log keeps on disk, at most, once it was copied.
const JOURNAL: &str = "67108864";
/// Memory of a connection that writes. Negative: KiB. What is written all the time is to be found
/// there.
const CACHE: &str = "-65536";
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

/// Why a database with steps that this version does not know is left alone.
const NEWER: &str = "a newer version of this server wrote it: use that version, or another folder";

/// The opened database: gives connections.
#[derive(Debug, Clone)]
pub struct Store {
    options: SqliteConnectOptions,
    file: PathBuf,
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
        make_private_folder(folder)?;
        let file = folder.join(FILE);
        make_private_file(&file).map_err(|source| OpenError::Folder {
            path: folder.to_path_buf(),
            source,
        })?;
        let options = options(&file);
        let mut first = options.connect().await.map_err(|error| failed(&error))?;
        MIGRATIONS
            .run_direct(None, &mut first, false)
            .await
            .map_err(|error| match error {
                MigrateError::VersionMissing(_) => failed(&NEWER),
                error => failed(&error),
            })?;
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
        Ok(Self {
            options,
            file,
            readers,
        })
    }

    /// Whether there is a database in `folder` that is of this version already, so that opening it
    /// changes nothing that a server of another version would miss.
    pub async fn is_of_this_version(folder: &Path) -> bool {
        let looking = async {
            let options = options(&folder.join(FILE)).create_if_missing(false);
            let mut conn = options.connect().await?;
            let applied = "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version";
            sqlx::query_scalar::<_, i64>(applied)
                .fetch_all(&mut conn)
                .await
        };
        // Where it cannot be looked at, opening it says why.
        let applied = looking.await.unwrap_or_default();
        applied
            .into_iter()
            .eq(MIGRATIONS.iter().map(|one| one.version))
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
        let options = self.options.clone().pragma("cache_size", CACHE);
        Ok(options.connect().await?)
    }

    /// The connection for taking messages in; there is to be one a process, beside the one for
    /// writing.
    ///
    /// # Errors
    /// Where the file cannot be opened.
    pub fn ledger(&self) -> Result<Ledger, Error> {
        let settings = format!(
            "PRAGMA synchronous = FULL;
            PRAGMA foreign_keys = ON;
            PRAGMA temp_store = MEMORY;
            PRAGMA wal_autocheckpoint = {CHECKPOINT};
            PRAGMA journal_size_limit = {JOURNAL};
            PRAGMA cache_size = {CACHE};"
        );
        ledger::open(&self.file, BUSY, &settings)
    }

    /// Closes the readers, once what they read is read.
    pub async fn close(&self) {
        self.readers.close().await;
    }
}

/// How each connection treats the database.
fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .pragma("temp_store", "MEMORY")
        // A page that is written often goes into the file once for many commits.
        .pragma("wal_autocheckpoint", CHECKPOINT)
        .pragma("journal_size_limit", JOURNAL)
        .statement_cache_capacity(200)
        .disable_statement_logging()
}

/// Makes the folder, where it is missing, for this user only.
///
/// # Errors
/// Where it cannot be made.
pub(crate) fn make_private_folder(folder: &Path) -> Result<(), OpenError> {
    let made = || {
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
    };
    made().map_err(|source| OpenError::Folder {
        path: folder.to_path_buf(),
        source,
    })
}

/// Makes the database's file for this user only, and takes it from the others where it was theirs
/// to read: it holds password hashes and everybody's words, and the folder may be one that the
/// operator made. SQLite gives its other files the permissions of this one.
fn make_private_file(file: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::{
            ffi::OsString,
            fs::{OpenOptions, Permissions, set_permissions},
            os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
        };
        let mut options = OpenOptions::new();
        options.create(true).append(true).mode(0o600).open(file)?;
        for ending in ["", "-wal", "-shm"] {
            let mut one = OsString::from(file);
            one.push(ending);
            match std::fs::metadata(&one) {
                Ok(found) if found.permissions().mode() & 0o077 != 0 => {
                    set_permissions(&one, Permissions::from_mode(0o600))?;
                }
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
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

    #[cfg(unix)]
    #[tokio::test]
    async fn nobody_else_may_read_the_database_in_a_folder_that_all_can_look_into() {
        use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        // One that was made with wider permissions by an older version, too.
        let file = folder.path().join(FILE);
        for _ in 0..2 {
            let store = Store::open(folder.path()).await.unwrap();
            let writing = store.writing().await.unwrap();
            let mut seen = 0;
            for entry in std::fs::read_dir(folder.path()).unwrap() {
                let entry = entry.unwrap();
                let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
                assert_eq!(mode, 0o600, "{:?}", entry.file_name());
                seen += 1;
            }
            assert_eq!(seen, 3, "the database, its log and the log's index");
            drop(writing);
            store.close().await;
            std::fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        }
    }

    #[tokio::test]
    async fn a_database_of_another_version_is_told_from_one_of_this() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!Store::is_of_this_version(folder.path()).await);
        assert!(!folder.path().join(FILE).exists(), "looking makes nothing");
        let store = Store::open(folder.path()).await.unwrap();
        assert!(Store::is_of_this_version(folder.path()).await);
        let mut writing = store.writing().await.unwrap();
        let newer = "INSERT INTO _sqlx_migrations
            SELECT 9999, description, installed_on, success, checksum, execution_time
            FROM _sqlx_migrations WHERE version = 1";
        sqlx::query(newer).execute(&mut writing).await.unwrap();
        assert!(!Store::is_of_this_version(folder.path()).await);
        let refused = Store::open(folder.path()).await.unwrap_err();
        assert!(refused.to_string().contains("newer version"), "{refused}");
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
