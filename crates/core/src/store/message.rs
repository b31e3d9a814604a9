//! Table `message`: the messages that the server has accepted.

use super::{StoreError, conversation, count, file_copy, id, int, maybe_id, search};
use im_protocol::{
    ConversationId, MessageId,
    conversation::{Content, Message},
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::ops::Range;

/// What became of a message that was to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    /// It was not known before.
    New,
    /// It replaced an older revision.
    Changed,
    /// This revision or a later one was known.
    Known,
    /// Its conversation is not known.
    NoConversation,
}

const BEFORE: &str = "SELECT id, conversation, seq, rev, author, content, written_at, accepted_at, \
                      reply_to, edited_at, reactions, files FROM message WHERE conversation = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3";
const BETWEEN: &str = "SELECT id, conversation, seq, rev, author, content, written_at, accepted_at, \
                       reply_to, edited_at, reactions, files FROM message \
                       WHERE conversation = ?1 AND seq >= ?2 AND seq < ?3 ORDER BY seq";
const LAST: &str = "SELECT id, conversation, seq, rev, author, content, written_at, accepted_at, \
                    reply_to, edited_at, reactions, files FROM message WHERE conversation = ?1 ORDER BY seq DESC LIMIT 1";
const BY_ID: &str = "SELECT id, conversation, seq, rev, author, content, written_at, accepted_at, \
                     reply_to, edited_at, reactions, files FROM message WHERE id = ?1";
const FIRST_UNREAD: &str = "SELECT seq FROM message WHERE conversation = ?1 AND seq > ?2 \
                            AND author <> ?3 ORDER BY seq LIMIT 1";

/// Stores a message where its revision is higher than what is known.
pub(crate) fn put(connection: &Connection, message: &Message) -> Result<Put, StoreError> {
    let content = serde_json::to_string(&message.content).unwrap_or_default();
    put_raw(connection, message, &content)
}

/// The same with the content as it came, so that what this build cannot read is not lost.
pub(crate) fn put_raw(
    connection: &Connection,
    message: &Message,
    content: &str,
) -> Result<Put, StoreError> {
    let known: Option<(u64, i64)> = connection
        .prepare_cached("SELECT rev, rowid FROM message WHERE id = ?1")?
        .query_row([message.id.to_string()], |row| {
            Ok((count(row, 0)?, row.get(1)?))
        })
        .optional()?;
    let put = match known {
        Some((rev, _)) if rev >= message.rev => return Ok(Put::Known),
        Some(_) => Put::Changed,
        None if conversation::get(connection, message.conversation)?.is_none() => {
            return Ok(Put::NoConversation);
        }
        None => Put::New,
    };
    connection
        .prepare_cached(
            "INSERT INTO message(id, conversation, seq, rev, author, content, written_at,
                 accepted_at, reply_to, edited_at, reactions, files)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT(id) DO UPDATE SET seq = excluded.seq, rev = excluded.rev,
                 content = excluded.content, accepted_at = excluded.accepted_at,
                 reply_to = excluded.reply_to, edited_at = excluded.edited_at,
                 reactions = excluded.reactions, files = excluded.files",
        )?
        .execute(params![
            message.id.to_string(),
            message.conversation.to_string(),
            int(message.seq),
            int(message.rev),
            message.author.to_string(),
            content,
            message.written_at,
            message.accepted_at,
            message.reply_to.map(|id| id.to_string()),
            message.edited_at,
            list_text(&message.reactions),
            list_text(&message.files),
        ])?;
    if put == Put::Changed && message.files.is_empty() {
        // It was taken back, and what it carried with it.
        file_copy::remove_of_message(connection, message.id)?;
    }
    let row = known.map_or_else(|| connection.last_insert_rowid(), |(_, row)| row);
    search::put(connection, row, message)?;
    conversation::has_message(
        connection,
        message.conversation,
        message.seq,
        message.rev,
        message.accepted_at,
    )?;
    Ok(put)
}

fn list_text<T: serde::Serialize>(list: &[T]) -> String {
    match list {
        [] => String::new(),
        some => serde_json::to_string(some).unwrap_or_default(),
    }
}

/// One message.
pub(crate) fn get(connection: &Connection, id: MessageId) -> Result<Option<Message>, StoreError> {
    Ok(connection
        .prepare_cached(BY_ID)?
        .query_row([id.to_string()], read)
        .optional()?)
}

/// Messages before a place (none for the end), newest first.
pub(crate) fn before(
    connection: &Connection,
    conversation: ConversationId,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<Message>, StoreError> {
    let before = before.map_or(i64::MAX, int);
    let messages = connection
        .prepare_cached(BEFORE)?
        .query_map(params![conversation.to_string(), before, limit], read)?
        .collect::<Result<_, _>>()?;
    Ok(messages)
}

/// The messages at these places, oldest first.
pub(crate) fn between(
    connection: &Connection,
    conversation: ConversationId,
    places: Range<u64>,
) -> Result<Vec<Message>, StoreError> {
    let (from, to) = (int(places.start), int(places.end));
    let messages = connection
        .prepare_cached(BETWEEN)?
        .query_map(params![conversation.to_string(), from, to], read)?
        .collect::<Result<_, _>>()?;
    Ok(messages)
}

/// The last message.
pub(crate) fn last(
    connection: &Connection,
    conversation: ConversationId,
) -> Result<Option<Message>, StoreError> {
    Ok(connection
        .prepare_cached(LAST)?
        .query_row([conversation.to_string()], read)
        .optional()?)
}

/// The first message after a place that somebody else wrote.
pub(crate) fn first_unread(
    connection: &Connection,
    conversation: ConversationId,
    read_seq: u64,
    me: im_protocol::PersonId,
) -> Result<Option<u64>, StoreError> {
    Ok(connection
        .prepare_cached(FIRST_UNREAD)?
        .query_row(
            params![conversation.to_string(), int(read_seq), me.to_string()],
            |row| count(row, 0),
        )
        .optional()?)
}

/// Whether the message is stored.
pub(crate) fn exists(connection: &Connection, id: MessageId) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM message WHERE id = ?1")?
        .exists([id.to_string()])?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Message> {
    let content: String = row.get(5)?;
    // Empty for none, which is no JSON.
    let (reactions, files): (String, String) = (row.get(10)?, row.get(11)?);
    Ok(Message {
        id: id(row, 0)?,
        conversation: id(row, 1)?,
        seq: count(row, 2)?,
        rev: count(row, 3)?,
        author: id(row, 4)?,
        content: serde_json::from_str(&content).unwrap_or(Content::Unknown),
        written_at: row.get(6)?,
        accepted_at: row.get(7)?,
        reply_to: maybe_id(row, 8)?,
        edited_at: row.get(9)?,
        reactions: serde_json::from_str(&reactions).unwrap_or_default(),
        files: serde_json::from_str(&files).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{self, assert_no_scan};
    use im_protocol::{
        PersonId,
        conversation::{Conversation, Reaction},
    };

    fn setting() -> (Connection, ConversationId, PersonId) {
        let connection = testing::cache();
        let (maya, sam) = (PersonId::new(), PersonId::new());
        let conversation = Conversation {
            id: ConversationId::new(),
            members: vec![maya, sam],
            course: None,
            created_at: 1,
            head_seq: 0,
            head_rev: 0,
            read_seq: 0,
            other_read_seq: 0,
            unread: 0,
            closed: None,
        };
        conversation::put(&connection, &conversation, maya).unwrap();
        (connection, conversation.id, sam)
    }

    fn message(conversation: ConversationId, author: PersonId, seq: u64) -> Message {
        Message {
            id: MessageId::new(),
            conversation,
            seq,
            rev: seq,
            author,
            content: Content::Text {
                text: format!("number {seq}"),
            },
            written_at: 5,
            accepted_at: 6,
            reply_to: None,
            edited_at: None,
            reactions: Vec::new(),
            files: Vec::new(),
        }
    }

    #[test]
    fn a_message_is_stored_once_and_only_a_higher_revision_changes_it() {
        let (connection, conversation, sam) = setting();
        let mut one = message(conversation, sam, 1);
        assert_eq!(put(&connection, &one).unwrap(), Put::New);
        assert_eq!(put(&connection, &one).unwrap(), Put::Known);
        one.rev = 5;
        one.content = Content::Text {
            text: "better".to_owned(),
        };
        one.edited_at = Some(9);
        one.reply_to = Some(MessageId::new());
        one.reactions = vec![Reaction {
            emoji: "👍".to_owned(),
            people: vec![sam],
        }];
        assert_eq!(put(&connection, &one).unwrap(), Put::Changed);
        assert_eq!(get(&connection, one.id).unwrap().as_ref(), Some(&one));
        one.rev = 4;
        assert_eq!(put(&connection, &one).unwrap(), Put::Known);
        let stored = last(&connection, conversation).unwrap().unwrap();
        assert_eq!(stored.rev, 5);
        assert!(exists(&connection, one.id).unwrap());
    }

    #[test]
    fn messages_are_in_the_order_of_their_places() {
        let (connection, conversation, sam) = setting();
        for seq in [3, 1, 2, 4] {
            put(&connection, &message(conversation, sam, seq)).unwrap();
        }
        let places = |places| -> Vec<u64> {
            between(&connection, conversation, places)
                .unwrap()
                .iter()
                .map(|message| message.seq)
                .collect()
        };
        assert_eq!(places(1..4), [1, 2, 3]);
        assert_eq!(places(4..u64::MAX), [4]);
        assert_eq!(
            first_unread(&connection, conversation, 2, PersonId::new()).unwrap(),
            Some(3)
        );
        assert_eq!(
            first_unread(&connection, conversation, 2, sam).unwrap(),
            None
        );
    }

    #[test]
    fn content_of_a_newer_build_is_kept_as_it_came() {
        let (connection, conversation, sam) = setting();
        let mut one = message(conversation, sam, 1);
        one.content = Content::Unknown;
        let raw = r#"{"type":"hologram","depth":3}"#;
        put_raw(&connection, &one, raw).unwrap();
        let kept: String = connection
            .query_row("SELECT content FROM message", [], |row| row.get(0))
            .unwrap();
        assert_eq!(kept, raw);
        let stored = last(&connection, conversation).unwrap().unwrap();
        assert_eq!(stored.content, Content::Unknown);
    }

    #[test]
    fn lists_use_an_index() {
        let (connection, ..) = setting();
        for sql in [BEFORE, BETWEEN, LAST, BY_ID, FIRST_UNREAD] {
            assert_no_scan(&connection, sql);
        }
    }
}
