//! The key of an encrypted database, and how a file that was in clear becomes an encrypted one.
//! SQLCipher encrypts every page (AES-256, HMAC-SHA512), the write-ahead log included. The key is
//! random, so it is given as it is: nothing is derived from a password.

use super::StoreError;
use crate::secrets::Secret;
use rusqlite::Connection;
use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// What a file in clear begins with (SQLite file format, section 1.3.1). An encrypted one begins
/// with its salt.
const CLEAR: [u8; 16] = *b"SQLite format 3\0";

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    /// Hexadecimal.
    hex: Secret,
}

impl Key {
    /// A new one, from the system's random numbers.
    pub(crate) fn new() -> Self {
        let bytes = Zeroizing::new(rand::random::<[u8; KEY_BYTES]>());
        let mut hex = Zeroizing::new(String::with_capacity(2 * KEY_BYTES));
        for byte in bytes.iter() {
            for half in [byte >> 4, byte & 15] {
                hex.extend(char::from_digit(u32::from(half), 16));
            }
        }
        Self {
            hex: Secret::new(hex.to_string()),
        }
    }

    /// One that was kept; none where it is not a key.
    pub(crate) fn kept(secret: Secret) -> Option<Self> {
        let text = secret.expose();
        let right =
            text.len() == 2 * KEY_BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        right.then_some(Self { hex: secret })
    }

    /// To be kept.
    pub(crate) fn secret(&self) -> Secret {
        self.hex.clone()
    }

    /// As SQLCipher takes a key that is not a password.
    fn raw(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("x'{}'", self.hex.expose()))
    }

    /// Gives it to a connection, before anything else is asked of it.
    ///
    /// # Errors
    /// What SQLite says. That the key is a wrong one shows only when the file is read: it is
    /// [`StoreError::Corrupt`].
    pub(crate) fn give(&self, connection: &Connection) -> Result<(), StoreError> {
        Ok(connection.pragma_update(None, "key", self.raw().as_str())?)
    }
}

/// How a file is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtRest {
    /// There is none, or an empty one.
    Absent,
    /// In clear.
    Clear,
    /// Encrypted, or nothing that SQLite knows: without a key nobody can tell.
    Encrypted,
}

/// How the file is kept.
///
/// # Errors
/// What the file system says.
pub(crate) fn at_rest(path: &Path) -> io::Result<AtRest> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(AtRest::Absent),
        opened => opened?,
    };
    let mut begin = [0; CLEAR.len()];
    let mut read = 0;
    while let Some(rest) = begin.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match file.read(rest)? {
            0 => break,
            count => read += count,
        }
    }
    Ok(match read {
        0 => AtRest::Absent,
        _ if begin == CLEAR => AtRest::Clear,
        _ => AtRest::Encrypted,
    })
}

/// Encrypts a database that is in clear. It is copied, and the copy takes its place at once, so that
/// a kill at any moment leaves the one or the other. Rows without a number of their own get new ones;
/// what depends on them is to be seen to by `prepare`, in one transaction before the copy. Blocks: a
/// few seconds for 100,000 messages.
///
/// # Errors
/// [`StoreError::Corrupt`] where it cannot be read; what SQLite and the file system say, such as
/// that the disk has no room for both.
pub(crate) fn encrypt(
    path: &Path,
    key: &Key,
    prepare: impl FnOnce(&Connection) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let copy = beside(path, ".encrypting");
    // What a kill in between has left.
    remove(&copy)?;
    let copied = copy_encrypted(path, &copy, key, prepare);
    if let Err(error) = copied {
        remove(&copy)?;
        return Err(error);
    }
    fs::rename(&copy, path).map_err(StoreError::Io)?;
    // They belong to the file that was in clear. There is nothing in them: see `copy_encrypted`.
    remove_file(&beside(path, "-wal"))?;
    remove_file(&beside(path, "-shm"))
}

fn copy_encrypted(
    path: &Path,
    copy: &Path,
    key: &Key,
    prepare: impl FnOnce(&Connection) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut clear = Connection::open(path)?;
    let transaction = clear.transaction()?;
    prepare(&transaction)?;
    transaction.commit()?;
    // Brings what is in the log into the file, and ends the log.
    clear.pragma_update(None, "journal_mode", "DELETE")?;
    let version: u32 = clear.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let name = copy
        .to_str()
        .ok_or_else(|| StoreError::Io(io::ErrorKind::InvalidFilename.into()))?;
    clear.execute("ATTACH DATABASE ?1 AS encrypted KEY ?2", [name, &key.raw()])?;
    clear.query_row("SELECT sqlcipher_export('encrypted')", [], |_| Ok(()))?;
    clear.pragma_update(Some("encrypted"), "user_version", version)?;
    clear.execute("DETACH DATABASE encrypted", [])?;
    let file = File::open(copy).map_err(StoreError::Io)?;
    file.sync_all().map_err(StoreError::Io)
}

/// Deletes a database of which nothing can be read anymore, with its log.
///
/// # Errors
/// What the file system says.
pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
    for ending in ["", "-wal", "-shm", "-journal"] {
        remove_file(&beside(path, ending))?;
    }
    Ok(())
}

fn remove_file(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::Io(error)),
        _ => Ok(()),
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::open::{self, Schema};

    const SCHEMA: Schema = Schema {
        migrations: &["CREATE TABLE a(x TEXT NOT NULL) STRICT"],
        synchronous: "NORMAL",
    };
    const WORDS: &str = "what Sam wrote to Maya";

    fn words(path: &Path, key: Option<&Key>) -> Result<Vec<String>, StoreError> {
        let connection = open::writer(path, SCHEMA, key)?;
        let mut statement = connection.prepare("SELECT x FROM a")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn write(path: &Path, key: Option<&Key>) {
        let connection = open::writer(path, SCHEMA, key).unwrap();
        connection
            .execute("INSERT INTO a(x) VALUES (?1)", [WORDS])
            .unwrap();
    }

    fn is_in_clear(folder: &Path) -> bool {
        let found = fs::read_dir(folder).unwrap().map(|entry| {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            let words = WORDS.as_bytes();
            bytes.windows(words.len()).any(|window| window == words)
        });
        found.into_iter().any(|found| found)
    }

    #[test]
    fn what_is_in_an_encrypted_file_or_its_log_cannot_be_read_without_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let key = Key::new();
        let open = open::writer(&path, SCHEMA, Some(&key)).unwrap();
        open.execute("INSERT INTO a(x) VALUES (?1)", [WORDS])
            .unwrap();
        // While it is open, the log is there too.
        assert!(beside(&path, "-wal").exists());
        assert!(!is_in_clear(folder.path()));
        drop(open);
        assert!(!is_in_clear(folder.path()));
        assert_eq!(at_rest(&path).unwrap(), AtRest::Encrypted);
        assert_eq!(words(&path, Some(&key)).unwrap(), [WORDS]);
        for wrong in [None, Some(&Key::new())] {
            assert!(matches!(words(&path, wrong), Err(StoreError::Corrupt)));
        }
    }

    #[test]
    fn a_file_in_clear_is_encrypted_with_all_that_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        write(&path, None);
        assert!(is_in_clear(folder.path()));
        assert_eq!(at_rest(&path).unwrap(), AtRest::Clear);
        // A kill in an earlier try.
        fs::write(beside(&path, ".encrypting"), "half of it").unwrap();
        let key = Key::new();
        encrypt(&path, &key, |_| Ok(())).unwrap();
        assert!(!is_in_clear(folder.path()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        // The schema's version came along: nothing is migrated twice.
        assert_eq!(words(&path, Some(&key)).unwrap(), [WORDS]);
    }

    #[test]
    fn a_key_is_kept_as_text_and_what_is_none_is_not_taken() {
        let key = Key::new();
        let kept = Key::kept(key.secret()).unwrap();
        assert_eq!(kept.secret(), key.secret());
        assert_ne!(Key::new().secret(), key.secret());
        for wrong in ["", "abc", &"g".repeat(64), &"'".repeat(64)] {
            assert!(Key::kept(Secret::new(wrong.to_owned())).is_none());
        }
    }

    #[test]
    fn no_file_is_neither_in_clear_nor_encrypted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        assert_eq!(at_rest(&path).unwrap(), AtRest::Absent);
        fs::write(&path, "").unwrap();
        assert_eq!(at_rest(&path).unwrap(), AtRest::Absent);
    }

    /// Not a test: says what encryption costs. `cargo test --release -p im-core -- --ignored
    /// cost_of_encryption --nocapture`
    #[test]
    #[ignore = "a measurement"]
    #[expect(clippy::print_stdout, reason = "it is what it is for")]
    fn cost_of_encryption() {
        use std::time::Instant;
        const MESSAGES: i64 = 100_000;
        const READS: i64 = 2_000;
        for encrypted in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("cache.db");
            let key = encrypted.then(Key::new);
            let mut connection = open::writer(&path, crate::store::CACHE, key.as_ref()).unwrap();
            connection
                .execute(
                    "INSERT INTO conversation(id, other, created_at, head_seq, head_rev, read_seq,
                         server_read_seq, other_read_seq, unread, last_at)
                     VALUES ('c', 'o', 0, 0, 0, 0, 0, 0, 0, 0)",
                    [],
                )
                .unwrap();
            let since = Instant::now();
            for group in 0..MESSAGES / 100 {
                let transaction = connection.transaction().unwrap();
                for seq in group * 100..(group + 1) * 100 {
                    let text = format!(
                        "{{\"type\":\"text\",\"text\":\"{} {seq}\"}}",
                        WORDS.repeat(4)
                    );
                    transaction
                        .prepare_cached(
                            "INSERT INTO message(id, conversation, seq, rev, author, content,
                                 written_at, accepted_at) VALUES (?1, 'c', ?2, ?2, 'o', ?3, 0, 0)",
                        )
                        .unwrap()
                        .execute(rusqlite::params![format!("m{seq}"), seq, text])
                        .unwrap();
                }
                transaction.commit().unwrap();
            }
            let written = since.elapsed();
            drop(connection);
            let since = Instant::now();
            let connection = open::reader(&path, key.as_ref()).unwrap();
            let mut page = connection
                .prepare("SELECT content FROM message WHERE conversation = 'c' AND seq < ?1 ORDER BY seq DESC LIMIT 50")
                .unwrap();
            let first: Vec<String> = page
                .query_map([MESSAGES], |row| row.get(0))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            let opened = since.elapsed();
            assert_eq!(first.len(), 50);
            let since = Instant::now();
            for read in 0..READS {
                let before = (read * 7_919) % MESSAGES;
                let rows = page
                    .query_map([before], |row| row.get::<_, String>(0))
                    .unwrap();
                assert!(rows.count() <= 50);
            }
            let read = since.elapsed() / u32::try_from(READS).unwrap();
            let size = fs::metadata(&path).unwrap().len() / 1024;
            println!(
                "encrypted: {encrypted}; {MESSAGES} written in {written:?}, first page after opening \
                 {opened:?}, a page of 50 anywhere {read:?}, {size} KiB"
            );
        }
    }
}
