//! Table `outbox`: what was written here and is not known to be on the server's disk.

use super::{StoreError, count, id, int};
use im_protocol::{ConversationId, MessageId, UnixMs, WireError};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// A row. The text is left out of logs.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct OutboxRow {
    /// The order of writing.
    pub(crate) n: u64,
    /// Which message.
    pub(crate) id: MessageId,
    /// Where to.
    pub(crate) conversation: ConversationId,
    /// The words.
    pub(crate) text: String,
    /// When, by this device's clock.
    pub(crate) written_at: UnixMs,
    /// Why it was refused for good, where it was.
    pub(crate) error: Option<WireError>,
}

const AFTER: &str = "SELECT n, id, conversation, text, written_at, error FROM outbox \
                     WHERE n > ?1 ORDER BY n LIMIT ?2";
const OF_CONVERSATION: &str = "SELECT n, id, conversation, text, written_at, error FROM outbox \
                               WHERE conversation = ?1 ORDER BY n";
const BY_ID: &str = "SELECT n, id, conversation, text, written_at, error FROM outbox WHERE id = ?1";
const LAST_OF_EACH: &str = "SELECT conversation, max(n) FROM outbox GROUP BY conversation";

/// Puts a message at the end. Gives its place.
pub(crate) fn add(
    connection: &Connection,
    id: MessageId,
    conversation: ConversationId,
    text: &str,
    written_at: UnixMs,
) -> Result<u64, StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO outbox(id, conversation, text, written_at) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            id.to_string(),
            conversation.to_string(),
            text,
            written_at
        ])?;
    Ok(u64::try_from(connection.last_insert_rowid()).unwrap_or(0))
}

/// Rows behind a place, in the order of writing.
pub(crate) fn after(
    connection: &Connection,
    n: u64,
    limit: u32,
) -> Result<Vec<OutboxRow>, StoreError> {
    collect(connection, AFTER, params![int(n), limit])
}

/// The rows of a conversation, in the order of writing.
pub(crate) fn of_conversation(
    connection: &Connection,
    conversation: ConversationId,
) -> Result<Vec<OutboxRow>, StoreError> {
    collect(connection, OF_CONVERSATION, [conversation.to_string()])
}

/// One row.
pub(crate) fn get(connection: &Connection, id: MessageId) -> Result<Option<OutboxRow>, StoreError> {
    Ok(connection
        .prepare_cached(BY_ID)?
        .query_row([id.to_string()], read)
        .optional()?)
}

/// The last row of each conversation that has any.
pub(crate) fn last_of_each(connection: &Connection) -> Result<Vec<OutboxRow>, StoreError> {
    let places: Vec<u64> = connection
        .prepare_cached(LAST_OF_EACH)?
        .query_map([], |row| count(row, 1))?
        .collect::<Result<_, _>>()?;
    let mut rows = Vec::with_capacity(places.len());
    for n in places {
        rows.extend(after(connection, n.saturating_sub(1), 1)?);
    }
    Ok(rows)
}

/// Rows in all, failed ones included.
pub(crate) fn len(connection: &Connection) -> Result<u32, StoreError> {
    Ok(connection.query_row("SELECT count(*) FROM outbox", [], |row| row.get(0))?)
}

/// Marks a row as refused for good; none takes the mark away.
pub(crate) fn set_error(
    connection: &Connection,
    id: MessageId,
    error: Option<&WireError>,
) -> Result<(), StoreError> {
    let error = error.and_then(|error| serde_json::to_string(error).ok());
    connection
        .prepare_cached("UPDATE outbox SET error = ?2 WHERE id = ?1")?
        .execute(params![id.to_string(), error])?;
    Ok(())
}

/// Removes a row.
pub(crate) fn remove(connection: &Connection, id: MessageId) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM outbox WHERE id = ?1")?
        .execute([id.to_string()])?;
    Ok(())
}

fn collect(
    connection: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<OutboxRow>, StoreError> {
    let rows = connection
        .prepare_cached(sql)?
        .query_map(params, read)?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

fn read(row: &Row<'_>) -> rusqlite::Result<OutboxRow> {
    let error: Option<String> = row.get(5)?;
    Ok(OutboxRow {
        n: count(row, 0)?,
        id: id(row, 1)?,
        conversation: id(row, 2)?,
        text: row.get(3)?,
        written_at: row.get(4)?,
        error: error.and_then(|error| serde_json::from_str(&error).ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{self, assert_no_scan};
    use im_protocol::ErrorCode;

    #[test]
    fn rows_keep_the_order_of_writing_and_places_are_never_used_twice() {
        let connection = testing::outbox();
        let (one, two) = (ConversationId::new(), ConversationId::new());
        let ids: Vec<MessageId> = (0..4).map(|_| MessageId::new()).collect();
        // Ids are no order: the last is written first here.
        let first = add(&connection, ids[3], one, "a", 5).unwrap();
        add(&connection, ids[0], two, "b", 6).unwrap();
        let third = add(&connection, ids[1], one, "c", 7).unwrap();
        let order: Vec<MessageId> = of_conversation(&connection, one)
            .unwrap()
            .iter()
            .map(|row| row.id)
            .collect();
        assert_eq!(order, [ids[3], ids[1]]);
        assert_eq!(after(&connection, first, 10).unwrap().len(), 2);
        assert_eq!(last_of_each(&connection).unwrap().len(), 2);
        remove(&connection, ids[1]).unwrap();
        let again = add(&connection, ids[2], one, "d", 8).unwrap();
        assert!(again > third);
        assert_eq!(len(&connection).unwrap(), 3);
    }

    #[test]
    fn a_refusal_is_kept_with_its_code() {
        let connection = testing::outbox();
        let id = MessageId::new();
        add(&connection, id, ConversationId::new(), "a", 5).unwrap();
        let error = WireError::new(ErrorCode::Forbidden, "No.");
        set_error(&connection, id, Some(&error)).unwrap();
        assert_eq!(get(&connection, id).unwrap().unwrap().error, Some(error));
        set_error(&connection, id, None).unwrap();
        assert_eq!(get(&connection, id).unwrap().unwrap().error, None);
    }

    #[test]
    fn lists_use_an_index() {
        let connection = testing::outbox();
        for sql in [AFTER, OF_CONVERSATION, BY_ID, LAST_OF_EACH] {
            assert_no_scan(&connection, sql);
        }
    }
}
