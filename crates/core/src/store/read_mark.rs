//! Table `read_mark`: how far the person has read, until the server knows.

use super::{StoreError, count, id, int};
use im_protocol::ConversationId;
use rusqlite::{Connection, params};

/// Remembers a marker; it only ever moves forward.
pub(crate) fn put(
    connection: &Connection,
    conversation: ConversationId,
    seq: u64,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO read_mark(conversation, seq) VALUES (?1, ?2)
             ON CONFLICT(conversation) DO UPDATE SET seq = excluded.seq
             WHERE excluded.seq > read_mark.seq",
        )?
        .execute(params![conversation.to_string(), int(seq)])?;
    Ok(())
}

/// All markers that the server does not know.
pub(crate) fn all(connection: &Connection) -> Result<Vec<(ConversationId, u64)>, StoreError> {
    let marks = connection
        .prepare_cached("SELECT conversation, seq FROM read_mark")?
        .query_map([], |row| Ok((id(row, 0)?, count(row, 1)?)))?
        .collect::<Result<_, _>>()?;
    Ok(marks)
}

/// The server knows a marker up to here.
pub(crate) fn settled(
    connection: &Connection,
    conversation: ConversationId,
    seq: u64,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM read_mark WHERE conversation = ?1 AND seq <= ?2")?
        .execute(params![conversation.to_string(), int(seq)])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing;

    #[test]
    fn a_marker_moves_forward_and_goes_when_the_server_knows_it() {
        let connection = testing::outbox();
        let conversation = ConversationId::new();
        for seq in [4, 9, 2] {
            put(&connection, conversation, seq).unwrap();
        }
        assert_eq!(all(&connection).unwrap(), [(conversation, 9)]);
        settled(&connection, conversation, 4).unwrap();
        assert_eq!(all(&connection).unwrap(), [(conversation, 9)]);
        settled(&connection, conversation, 9).unwrap();
        assert_eq!(all(&connection).unwrap(), []);
    }
}
