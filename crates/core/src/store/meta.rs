//! Table `meta`: how far the feed is stored.

use super::StoreError;
use im_protocol::sync::Cursor;
use rusqlite::{Connection, OptionalExtension as _, params};

const CURSOR: &str = "cursor";

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
        Some(text) => connection
            .prepare_cached(
                "INSERT INTO meta(key, value) VALUES (?1, ?2)
                 ON CONFLICT(key) DO UPDATE SET value = excluded.value",
            )?
            .execute(params![CURSOR, text])?,
        None => connection
            .prepare_cached("DELETE FROM meta WHERE key = ?1")?
            .execute([CURSOR])?,
    };
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
