//! The one place where database files are opened: settings and versions.

use super::{StoreError, key::Key};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// What a database holds, and how sure a commit must be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schema {
    /// Forward-only: each is applied once, in order; the file's `user_version` counts them.
    pub(crate) migrations: &'static [&'static str],
    /// `FULL` where a commit must survive a power cut, `NORMAL` where the server has it too.
    pub(crate) synchronous: &'static str,
}

/// Opens the file for writing, with its key where it is encrypted, makes it where there is none and
/// brings it to the newest version.
///
/// # Errors
/// [`StoreError::Newer`] for a file of a newer build, [`StoreError::Corrupt`] for a broken one.
pub(crate) fn writer(
    path: &Path,
    schema: Schema,
    key: Option<&Key>,
) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path)?;
    set_up(&connection, key)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", schema.synchronous)?;
    migrate(&mut connection, schema.migrations)?;
    Ok(connection)
}

/// Opens the file for reading only. The writer must have opened it before.
///
/// # Errors
/// What SQLite says.
pub(crate) fn reader(path: &Path, key: Option<&Key>) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    set_up(&connection, key)?;
    Ok(connection)
}

/// What every connection has in common.
fn set_up(connection: &Connection, key: Option<&Key>) -> Result<(), StoreError> {
    if let Some(key) = key {
        key.give(connection)?;
    }
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), StoreError> {
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let found = usize::try_from(found).unwrap_or(usize::MAX);
    if found > migrations.len() {
        return Err(StoreError::Newer {
            found,
            known: migrations.len(),
        });
    }
    for (version, sql) in (1u32..).zip(migrations).skip(found) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Puts a database that cannot be read out of the way, keeping the last such one. Gives its new name.
///
/// # Errors
/// Where the file system refuses.
pub(crate) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".corrupt");
    let aside = PathBuf::from(aside);
    fs::rename(path, &aside)?;
    for ending in ["-wal", "-shm"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(ending);
        match fs::remove_file(PathBuf::from(beside)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Schema = Schema {
        migrations: &["CREATE TABLE a(x INTEGER NOT NULL) STRICT"],
        synchronous: "FULL",
    };
    const NEW: Schema = Schema {
        migrations: &[
            "CREATE TABLE a(x INTEGER NOT NULL) STRICT",
            "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 7",
        ],
        synchronous: "FULL",
    };

    #[test]
    fn a_file_of_an_older_build_is_brought_forward_with_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let old = writer(&path, OLD, None).unwrap();
        old.execute("INSERT INTO a(x) VALUES (1)", []).unwrap();
        drop(old);
        let new = writer(&path, NEW, None).unwrap();
        let row: (i64, i64) = new
            .query_row("SELECT x, y FROM a", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(row, (1, 7));
    }

    #[test]
    fn a_file_of_a_newer_build_is_left_alone_with_a_clear_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        drop(writer(&path, NEW, None).unwrap());
        let error = writer(&path, OLD, None).unwrap_err();
        assert!(
            matches!(error, StoreError::Newer { found: 2, known: 1 }),
            "{error}"
        );
    }

    #[test]
    fn commits_that_must_hold_are_synchronous_and_logged_ahead() {
        let folder = tempfile::tempdir().unwrap();
        let connection = writer(&folder.path().join("x.db"), OLD, None).unwrap();
        let mode: String = connection
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .unwrap();
        let synchronous: i64 = connection
            .pragma_query_value(None, "synchronous", |row| row.get(0))
            .unwrap();
        assert_eq!((mode.as_str(), synchronous), ("wal", 2));
    }

    #[test]
    fn a_file_that_is_no_database_is_corrupt_and_can_be_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        fs::write(&path, [b'z'; 4096]).unwrap();
        assert!(matches!(
            writer(&path, OLD, None).unwrap_err(),
            StoreError::Corrupt
        ));
        let aside = set_aside(&path).unwrap();
        assert_eq!(fs::read(&aside).unwrap(), [b'z'; 4096]);
        assert!(writer(&path, OLD, None).is_ok());
        // Another time: the disk is not filled with copies.
        fs::write(&path, [b'y'; 4096]).unwrap();
        assert_eq!(set_aside(&path).unwrap(), aside);
        assert_eq!(fs::read(&aside).unwrap(), [b'y'; 4096]);
    }
}
