//! Table `meta`: how far the feed is stored, and what the server said of itself.

use super::StoreError;
use im_protocol::sync::Cursor;
use rusqlite::{Connection, OptionalExtension as _, params};

const CURSOR: &str = "cursor";
const FILE_BYTES: &str = "file_bytes";

/// How far the feed is stored; none where nothing is, or where a snapshot has begun and not ended.
pub(crate) fn cursor(connection: &Connection) -> Result<Option<Cursor>, StoreError> {
    let text: Option<String> = connection
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([CURSOR], |row| row.get(0))
        .optional()?;
    // A cursor that cannot be read is worth as much as none: a snapshot follows.
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Moves the cursor; none forgets it.
pub(crate) fn set_cursor(
    connection: &Connection,
    cursor: Option<Cursor>,
) -> Result<(), StoreError> {
    match cursor.and_then(|cursor| serde_json::to_string(&cursor).ok()) {
        Some(text) => put(connection, CURSOR, &text),
        None => {
            connection
                .prepare_cached("DELETE FROM meta WHERE key = ?1")?
                .execute([CURSOR])?;
            Ok(())
        }
    }
}

/// Bytes in a file, at most, as the server said last.
pub(crate) fn file_bytes(connection: &Connection) -> Result<Option<u64>, StoreError> {
    let text: Option<String> = connection
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([FILE_BYTES], |row| row.get(0))
        .optional()?;
    Ok(text.and_then(|text| text.parse().ok()))
}

/// Remembers what the server said.
pub(crate) fn set_file_bytes(connection: &Connection, bytes: u64) -> Result<(), StoreError> {
    put(connection, FILE_BYTES, &bytes.to_string())
}

fn put(connection: &Connection, key: &str, value: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO meta(key, value) VALUES (?1, ?2)
             ON CONFLICT(key) DO UPDATE SET value = excluded.value",
        )?
        .execute(params![key, value])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing;
    use im_protocol::FeedEpoch;

    #[test]
    fn the_cursor_is_kept_moved_and_forgotten() {
        let connection = testing::cache();
        assert_eq!(cursor(&connection).unwrap(), None);
        let epoch = FeedEpoch::new();
        for n in [3, 9] {
            set_cursor(&connection, Some(Cursor { epoch, n })).unwrap();
            assert_eq!(cursor(&connection).unwrap(), Some(Cursor { epoch, n }));
        }
        set_cursor(&connection, None).unwrap();
        assert_eq!(cursor(&connection).unwrap(), None);
    }
}
