//! Table `file_copy`: what is on this device of the files of messages.

use super::{StoreError, count, id, int};
use im_protocol::{FileId, MessageId, UnixMs};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CopyState {
    /// It is being fetched.
    Wanted,
    /// The person holds it.
    Held,
    /// All of it is here.
    Whole,
}

impl CopyState {
    const fn word(self) -> &'static str {
        match self {
            Self::Wanted => "wanted",
            Self::Held => "held",
            Self::Whole => "whole",
        }
    }
}

/// A row.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct FileCopy {
    /// Which.
    pub(crate) id: FileId,
    /// The message that carries it.
    pub(crate) message: MessageId,
    /// Bytes in all.
    pub(crate) size: u64,
    /// What the server's answers are known by, of which bytes are here.
    pub(crate) etag: Option<String>,
    /// How far it is.
    pub(crate) state: CopyState,
    /// Where the person saved it last; a path of theirs, so it is left out of logs.
    pub(crate) saved: Option<String>,
}

const BY_ID: &str = "SELECT id, message, size, etag, state, saved FROM file_copy WHERE id = ?1";
const UNFINISHED: &str = "SELECT id, message, size, etag, state, saved FROM file_copy \
                          WHERE state IN ('wanted', 'held')";
const OLDEST: &str = "SELECT id, size FROM file_copy WHERE state = 'whole' ORDER BY used_at";
const WHOLE_BYTES: &str = "SELECT coalesce(sum(size), 0) FROM file_copy WHERE state = 'whole'";

/// Notes that a file is wanted, or is here; what was known of it stays.
pub(crate) fn put(
    connection: &Connection,
    id: FileId,
    message: MessageId,
    size: u64,
    state: CopyState,
    now: UnixMs,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO file_copy(id, message, size, state, used_at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT(id) DO UPDATE SET state = excluded.state, used_at = excluded.used_at",
        )?
        .execute(params![
            id.to_string(),
            message.to_string(),
            int(size),
            state.word(),
            now
        ])?;
    Ok(())
}

/// One copy.
pub(crate) fn get(connection: &Connection, id: FileId) -> Result<Option<FileCopy>, StoreError> {
    Ok(connection
        .prepare_cached(BY_ID)?
        .query_row([id.to_string()], read)
        .optional()?)
}

/// What is not whole yet, in the order in which the files were made.
pub(crate) fn unfinished(connection: &Connection) -> Result<Vec<FileCopy>, StoreError> {
    let mut rows: Vec<FileCopy> = connection
        .prepare_cached(UNFINISHED)?
        .query_map([], read)?
        .collect::<Result<_, _>>()?;
    rows.sort_by_key(|row| row.id);
    Ok(rows)
}

/// All ids, in no order: for what the folder may hold.
pub(crate) fn ids(connection: &Connection) -> Result<Vec<FileId>, StoreError> {
    let ids = connection
        .prepare_cached("SELECT id FROM file_copy")?
        .query_map([], |row| id(row, 0))?
        .collect::<Result<_, _>>()?;
    Ok(ids)
}

/// What the server's answers are known by, of which bytes come now.
pub(crate) fn set_etag(
    connection: &Connection,
    id: FileId,
    etag: Option<&str>,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE file_copy SET etag = ?2 WHERE id = ?1")?
        .execute(params![id.to_string(), etag])?;
    Ok(())
}

/// How far it is now. Gives whether it is known at all: its message may be gone.
pub(crate) fn set_state(
    connection: &Connection,
    id: FileId,
    state: CopyState,
) -> Result<bool, StoreError> {
    let changed = connection
        .prepare_cached("UPDATE file_copy SET state = ?2 WHERE id = ?1")?
        .execute(params![id.to_string(), state.word()])?;
    Ok(changed == 1)
}

/// Somebody looks at it.
pub(crate) fn used(connection: &Connection, id: FileId, now: UnixMs) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE file_copy SET used_at = ?2 WHERE id = ?1 AND used_at < ?2")?
        .execute(params![id.to_string(), now])?;
    Ok(())
}

/// The person has saved it here.
pub(crate) fn saved(connection: &Connection, id: FileId, path: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE file_copy SET saved = ?2 WHERE id = ?1")?
        .execute(params![id.to_string(), path])?;
    Ok(())
}

/// It is not here anymore.
pub(crate) fn remove(connection: &Connection, id: FileId) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM file_copy WHERE id = ?1")?
        .execute([id.to_string()])?;
    Ok(())
}

/// Nothing of what a message carried is kept. Gives whether there was anything.
pub(crate) fn remove_of_message(
    connection: &Connection,
    message: MessageId,
) -> Result<bool, StoreError> {
    let removed = connection
        .prepare_cached("DELETE FROM file_copy WHERE message = ?1")?
        .execute([message.to_string()])?;
    Ok(removed > 0)
}

/// Takes the copies that were looked at longest ago out of the list until what is whole fits into so
/// many bytes. Gives which.
pub(crate) fn shrink(connection: &Connection, most: u64) -> Result<Vec<FileId>, StoreError> {
    let mut bytes: u64 = connection
        .prepare_cached(WHOLE_BYTES)?
        .query_row([], |row| count(row, 0))?;
    if bytes <= most {
        return Ok(Vec::new());
    }
    let oldest: Vec<(FileId, u64)> = connection
        .prepare_cached(OLDEST)?
        .query_map([], |row| Ok((id(row, 0)?, count(row, 1)?)))?
        .collect::<Result<_, _>>()?;
    let mut gone = Vec::new();
    for (id, size) in oldest {
        if bytes <= most {
            break;
        }
        remove(connection, id)?;
        bytes = bytes.saturating_sub(size);
        gone.push(id);
    }
    Ok(gone)
}

fn read(row: &Row<'_>) -> rusqlite::Result<FileCopy> {
    let state: String = row.get(4)?;
    Ok(FileCopy {
        id: id(row, 0)?,
        message: id(row, 1)?,
        size: count(row, 2)?,
        etag: row.get(3)?,
        state: match state.as_str() {
            "whole" => CopyState::Whole,
            "held" => CopyState::Held,
            _ => CopyState::Wanted,
        },
        saved: row.get(5)?,
    })
}

/// A message in a conversation of its own, as the rows of this table ask for.
#[cfg(test)]
pub(crate) fn message_for_test(connection: &Connection) -> MessageId {
    let (conversation, message) = (im_protocol::ConversationId::new(), MessageId::new());
    connection
        .execute(
            "INSERT INTO conversation(id, other, created_at, head_seq, head_rev, read_seq,
                 server_read_seq, other_read_seq, unread, last_at)
             VALUES (?1, '', 0, 1, 1, 0, 0, 0, 0, 0)",
            [conversation.to_string()],
        )
        .unwrap();
    connection
        .execute(
            "INSERT INTO message(id, conversation, seq, rev, author, content, written_at,
                 accepted_at) VALUES (?1, ?2, 1, 1, '', '', 0, 0)",
            [message.to_string(), conversation.to_string()],
        )
        .unwrap();
    message
}

#[cfg(test)]
mod tests {
    use super::{message_for_test as message, *};
    use crate::store::testing::{self, assert_no_scan};

    #[test]
    fn the_copies_that_nobody_has_looked_at_for_longest_go_first() {
        let connection = testing::cache();
        let message = message(&connection);
        let ids = [FileId::new(), FileId::new(), FileId::new(), FileId::new()];
        for (id, at) in ids.iter().zip([10, 20, 30, 40]) {
            put(&connection, *id, message, 100, CopyState::Whole, at).unwrap();
        }
        set_state(&connection, ids[3], CopyState::Wanted).unwrap();
        used(&connection, ids[0], 50).unwrap();
        used(&connection, ids[0], 5).unwrap();
        assert_eq!(shrink(&connection, 300).unwrap(), []);
        assert_eq!(shrink(&connection, 199).unwrap(), [ids[1], ids[2]]);
        assert!(get(&connection, ids[0]).unwrap().is_some());
        let unfinished = unfinished(&connection).unwrap();
        assert!(unfinished.len() == 1 && unfinished[0].id == ids[3]);
    }

    #[test]
    fn a_copy_goes_with_its_message_and_a_late_end_of_its_fetching_finds_nothing() {
        let connection = testing::cache();
        let message = message(&connection);
        let (one, two) = (FileId::new(), FileId::new());
        for id in [one, two] {
            put(&connection, id, message, 100, CopyState::Wanted, 1).unwrap();
        }
        set_etag(&connection, one, Some("\"ab\"")).unwrap();
        saved(&connection, one, "/downloads/a.png").unwrap();
        put(&connection, one, message, 100, CopyState::Held, 2).unwrap();
        let known = get(&connection, one).unwrap().unwrap();
        assert_eq!(known.etag.as_deref(), Some("\"ab\""));
        assert_eq!(known.state, CopyState::Held);
        assert!(known.saved.is_some());
        assert!(remove_of_message(&connection, message).unwrap());
        assert!(!set_state(&connection, one, CopyState::Whole).unwrap());
        put(&connection, two, message, 100, CopyState::Wanted, 1).unwrap();
        connection.execute("DELETE FROM conversation", []).unwrap();
        assert!(ids(&connection).unwrap().is_empty());
    }

    #[test]
    fn lists_use_an_index() {
        let connection = testing::cache();
        for sql in [BY_ID, UNFINISHED, OLDEST, WHOLE_BYTES] {
            assert_no_scan(&connection, sql);
        }
    }
}
