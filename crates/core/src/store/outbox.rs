//! Table `outbox`: what was done here and is not known to be on the server's disk.

use super::{StoreError, count, id, int, maybe_id};
use im_protocol::{ConversationId, MessageId, OperationId, UnixMs, WireError};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// What is to be done. What people write is left out of logs.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    /// A message is sent; its id is the operation's.
    Send {
        /// The words.
        text: String,
        /// The message that it answers.
        reply_to: Option<MessageId>,
    },
    /// A message gets other words.
    Edit {
        /// Which.
        message: MessageId,
        /// The words.
        text: String,
    },
    /// A message is taken back.
    Delete {
        /// Which.
        message: MessageId,
    },
    /// An emoji is given to a message, or taken back.
    React {
        /// Which.
        message: MessageId,
        /// What.
        emoji: String,
        /// Whether it is given.
        on: bool,
    },
}

impl Operation {
    /// The message that is changed; none where one is sent.
    pub(crate) fn changes(&self) -> Option<MessageId> {
        match self {
            Self::Send { .. } => None,
            Self::Edit { message, .. } | Self::Delete { message } | Self::React { message, .. } => {
                Some(*message)
            }
        }
    }

    /// The words, or the emoji.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Send { text, .. } | Self::Edit { text, .. } => text,
            Self::React { emoji, .. } => emoji,
            Self::Delete { .. } => "",
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Send { .. } => "send",
            Self::Edit { .. } => "edit",
            Self::Delete { .. } => "delete",
            Self::React { on: true, .. } => "react",
            Self::React { on: false, .. } => "unreact",
        }
    }

    fn target(&self) -> Option<MessageId> {
        match self {
            Self::Send { reply_to, .. } => *reply_to,
            _ => self.changes(),
        }
    }

    /// None where a row is not one of these.
    fn of(kind: &str, text: String, target: Option<MessageId>) -> Option<Self> {
        Some(match kind {
            "send" => Self::Send {
                text,
                reply_to: target,
            },
            "edit" => Self::Edit {
                message: target?,
                text,
            },
            "delete" => Self::Delete { message: target? },
            "react" | "unreact" => Self::React {
                message: target?,
                emoji: text,
                on: kind == "react",
            },
            _ => return None,
        })
    }
}

/// A row.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct OutboxRow {
    /// The order of writing.
    pub(crate) n: u64,
    /// Which operation.
    pub(crate) id: OperationId,
    /// Where.
    pub(crate) conversation: ConversationId,
    /// What.
    pub(crate) operation: Operation,
    /// When, by this device's clock.
    pub(crate) written_at: UnixMs,
    /// Why it was refused for good, where it was.
    pub(crate) error: Option<WireError>,
}

const AFTER: &str = "SELECT n, id, conversation, kind, text, target, written_at, error \
                     FROM outbox WHERE n > ?1 ORDER BY n LIMIT ?2";
const OF_CONVERSATION: &str = "SELECT n, id, conversation, kind, text, target, written_at, error \
                               FROM outbox WHERE conversation = ?1 ORDER BY n";
const BY_ID: &str = "SELECT n, id, conversation, kind, text, target, written_at, error \
                     FROM outbox WHERE id = ?1";
const CHANGES: &str = "SELECT n, id, conversation, kind, text, target, written_at, error \
                       FROM outbox WHERE kind <> 'send' ORDER BY n";
// The + keeps SQLite from the index by conversation, which would walk what is to be sent as well:
// there may be thousands of these, and of changes there are few in all.
const CHANGES_IN: &str = "SELECT n, id, conversation, kind, text, target, written_at, error \
                          FROM outbox WHERE +conversation = ?1 AND kind <> 'send' ORDER BY n";
const LAST_OF_EACH: &str = "SELECT conversation, max(n) FROM outbox WHERE kind = 'send' \
                            GROUP BY conversation";

/// Puts an operation at the end. Gives its row.
pub(crate) fn add(
    connection: &Connection,
    id: OperationId,
    conversation: ConversationId,
    operation: Operation,
    written_at: UnixMs,
) -> Result<OutboxRow, StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO outbox(id, conversation, kind, text, target, written_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            id.to_string(),
            conversation.to_string(),
            operation.kind(),
            operation.text(),
            operation.target().map(|target| target.to_string()),
            written_at
        ])?;
    Ok(OutboxRow {
        n: u64::try_from(connection.last_insert_rowid()).unwrap_or(0),
        id,
        conversation,
        operation,
        written_at,
        error: None,
    })
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

/// What changes messages of a conversation, in the order of writing.
pub(crate) fn changes_in(
    connection: &Connection,
    conversation: ConversationId,
) -> Result<Vec<OutboxRow>, StoreError> {
    collect(connection, CHANGES_IN, [conversation.to_string()])
}

/// The same of all conversations.
pub(crate) fn changes(connection: &Connection) -> Result<Vec<OutboxRow>, StoreError> {
    collect(connection, CHANGES, [])
}

/// One row.
pub(crate) fn get(
    connection: &Connection,
    id: OperationId,
) -> Result<Option<OutboxRow>, StoreError> {
    Ok(connection
        .prepare_cached(BY_ID)?
        .query_row([id.to_string()], read)
        .optional()?)
}

/// The last message of each conversation that has any.
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

/// Rows in all, failed ones and those to whole courses included.
pub(crate) fn len(connection: &Connection) -> Result<u32, StoreError> {
    let sql = "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM bulk)";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

/// Marks a row as refused for good; none takes the mark away.
pub(crate) fn set_error(
    connection: &Connection,
    id: OperationId,
    error: Option<&WireError>,
) -> Result<(), StoreError> {
    let error = error.and_then(|error| serde_json::to_string(error).ok());
    connection
        .prepare_cached("UPDATE outbox SET error = ?2 WHERE id = ?1")?
        .execute(params![id.to_string(), error])?;
    Ok(())
}

/// Removes a row.
pub(crate) fn remove(connection: &Connection, id: OperationId) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM outbox WHERE id = ?1")?
        .execute([id.to_string()])?;
    Ok(())
}

/// Removes what changes a message that is thrown away, also what nobody was told of yet.
pub(crate) fn remove_changes(
    connection: &Connection,
    conversation: ConversationId,
    message: MessageId,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM outbox WHERE conversation = ?1 AND target = ?2 AND kind <> 'send'",
        )?
        .execute([conversation.to_string(), message.to_string()])?;
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
    let kind: String = row.get(3)?;
    let operation = Operation::of(&kind, row.get(4)?, maybe_id(row, 5)?);
    let error: Option<String> = row.get(7)?;
    Ok(OutboxRow {
        n: count(row, 0)?,
        id: id(row, 1)?,
        conversation: id(row, 2)?,
        operation: operation.ok_or(rusqlite::Error::IntegralValueOutOfRange(3, 0))?,
        written_at: row.get(6)?,
        error: error.and_then(|error| serde_json::from_str(&error).ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{self, assert_no_scan};
    use im_protocol::ErrorCode;

    fn send(text: &str) -> Operation {
        Operation::Send {
            text: text.to_owned(),
            reply_to: None,
        }
    }

    #[test]
    fn rows_keep_the_order_of_writing_and_places_are_never_used_twice() {
        let connection = testing::outbox();
        let (one, two) = (ConversationId::new(), ConversationId::new());
        let ids: Vec<OperationId> = (0..4).map(|_| OperationId::new()).collect();
        // Ids are no order: the last is written first here.
        let first = add(&connection, ids[3], one, send("a"), 5).unwrap().n;
        add(&connection, ids[0], two, send("b"), 6).unwrap();
        let third = add(&connection, ids[1], one, send("c"), 7).unwrap().n;
        let order: Vec<OperationId> = of_conversation(&connection, one)
            .unwrap()
            .iter()
            .map(|row| row.id)
            .collect();
        assert_eq!(order, [ids[3], ids[1]]);
        assert_eq!(after(&connection, first, 10).unwrap().len(), 2);
        assert_eq!(last_of_each(&connection).unwrap().len(), 2);
        remove(&connection, ids[1]).unwrap();
        let again = add(&connection, ids[2], one, send("d"), 8).unwrap().n;
        assert!(again > third);
        assert_eq!(len(&connection).unwrap(), 3);
    }

    #[test]
    fn every_operation_is_read_as_it_was_written() {
        let connection = testing::outbox();
        let (conversation, message) = (ConversationId::new(), MessageId::new());
        let operations = [
            Operation::Send {
                text: "Why?".to_owned(),
                reply_to: Some(message),
            },
            Operation::Edit {
                message,
                text: "Why not?".to_owned(),
            },
            Operation::Delete { message },
            Operation::React {
                message,
                emoji: "👍".to_owned(),
                on: true,
            },
            Operation::React {
                message,
                emoji: "👍".to_owned(),
                on: false,
            },
        ];
        for operation in operations.clone() {
            add(&connection, OperationId::new(), conversation, operation, 5).unwrap();
        }
        let read = of_conversation(&connection, conversation).unwrap();
        let read: Vec<Operation> = read.into_iter().map(|row| row.operation).collect();
        assert!(read == operations);
        // What is only changed is not the last message of its conversation.
        let last = last_of_each(&connection).unwrap();
        assert!(last.len() == 1 && last[0].operation == operations[0]);
    }

    #[test]
    fn what_changes_a_message_goes_with_it_and_what_answers_it_does_not() {
        let connection = testing::outbox();
        let (conversation, message) = (ConversationId::new(), MessageId::new());
        let answer = Operation::Send {
            text: "Why?".to_owned(),
            reply_to: Some(message),
        };
        let deleted = Operation::Delete { message };
        for operation in [answer.clone(), deleted] {
            add(&connection, OperationId::new(), conversation, operation, 5).unwrap();
        }
        remove_changes(&connection, conversation, message).unwrap();
        let left = of_conversation(&connection, conversation).unwrap();
        assert!(left.len() == 1 && left[0].operation == answer);
    }

    #[test]
    fn a_refusal_is_kept_with_its_code() {
        let connection = testing::outbox();
        let id = OperationId::new();
        add(&connection, id, ConversationId::new(), send("a"), 5).unwrap();
        let error = WireError::new(ErrorCode::Forbidden, "No.");
        set_error(&connection, id, Some(&error)).unwrap();
        assert_eq!(get(&connection, id).unwrap().unwrap().error, Some(error));
        set_error(&connection, id, None).unwrap();
        assert_eq!(get(&connection, id).unwrap().unwrap().error, None);
    }

    #[test]
    fn lists_use_an_index() {
        let connection = testing::outbox();
        for sql in [
            AFTER,
            OF_CONVERSATION,
            CHANGES,
            CHANGES_IN,
            BY_ID,
            LAST_OF_EACH,
        ] {
            assert_no_scan(&connection, sql);
        }
    }
}
