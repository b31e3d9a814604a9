//! Table `conversation`: the conversations of this person, with their markers and counts.

use super::{StoreError, count, from_word, id, int, maybe_id, word};
use im_protocol::{
    ConversationId, CourseId, PersonId, UnixMs,
    conversation::{Closed, Conversation},
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::collections::HashSet;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConversationEntry {
    /// Which.
    pub(crate) id: ConversationId,
    /// The other person.
    pub(crate) other: PersonId,
    /// What it is about.
    pub(crate) course: Option<CourseId>,
    /// The last message's place.
    pub(crate) head_seq: u64,
    /// How far the person has read, here.
    pub(crate) read_seq: u64,
    /// How far the other has read.
    pub(crate) other_read_seq: u64,
    /// The other's messages after `read_seq`.
    pub(crate) unread: u32,
    /// The last message's time or the conversation's own.
    pub(crate) last_at: UnixMs,
    /// Every change up to here is stored.
    pub(crate) synced_rev: u64,
    /// Why nothing is written there, where nothing is.
    pub(crate) closed: Option<Closed>,
}

const BY_TIME: &str = "SELECT id, other, course, head_seq, read_seq, other_read_seq, unread, \
                       last_at, synced_rev, closed FROM conversation ORDER BY last_at DESC, id";
const BY_ID: &str = "SELECT id, other, course, head_seq, read_seq, other_read_seq, unread, \
                     last_at, synced_rev, closed FROM conversation WHERE id = ?1";
const WITH: &str = "SELECT id FROM conversation WHERE other = ?1 AND course IS ?2";
const WITH_PERSON: &str = "SELECT id FROM conversation WHERE other = ?1";
const TO_SETTLE: &str = "SELECT id FROM conversation WHERE synced_rev < seen_rev";

/// Stores a conversation as the server sees it now. Markers only move forward; where the person
/// has read further here than the server knows, the unread count is made here. Gives whether the
/// conversation is new.
pub(crate) fn put(
    connection: &Connection,
    conversation: &Conversation,
    me: PersonId,
) -> Result<bool, StoreError> {
    let new = get(connection, conversation.id)?.is_none();
    let other = conversation
        .members
        .iter()
        .find(|member| **member != me)
        .copied()
        .unwrap_or(me);
    connection
        .prepare_cached(
            "INSERT INTO conversation(id, other, course, created_at, head_seq, head_rev, read_seq,
                 server_read_seq, other_read_seq, unread, last_at, closed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?4, ?10)
             ON CONFLICT(id) DO UPDATE SET
                 other = excluded.other,
                 course = excluded.course,
                 head_seq = max(head_seq, excluded.head_seq),
                 head_rev = max(head_rev, excluded.head_rev),
                 read_seq = max(read_seq, excluded.read_seq),
                 server_read_seq = max(server_read_seq, excluded.server_read_seq),
                 other_read_seq = max(other_read_seq, excluded.other_read_seq),
                 unread = excluded.unread,
                 closed = excluded.closed",
        )?
        .execute(params![
            conversation.id.to_string(),
            other.to_string(),
            conversation.course.map(|course| course.to_string()),
            conversation.created_at,
            int(conversation.head_seq),
            int(conversation.head_rev),
            int(conversation.read_seq),
            int(conversation.other_read_seq),
            conversation.unread,
            conversation.closed.map(|why| word(&why)),
        ])?;
    recount_where_ahead(connection, conversation.id, me)?;
    Ok(new)
}

/// One conversation.
pub(crate) fn get(
    connection: &Connection,
    id: ConversationId,
) -> Result<Option<ConversationEntry>, StoreError> {
    Ok(connection
        .prepare_cached(BY_ID)?
        .query_row([id.to_string()], read)
        .optional()?)
}

/// The conversation with this person about this course (or none).
pub(crate) fn with(
    connection: &Connection,
    other: PersonId,
    course: Option<CourseId>,
) -> Result<Option<ConversationId>, StoreError> {
    let course = course.map(|course| course.to_string());
    Ok(connection
        .prepare_cached(WITH)?
        .query_row(params![other.to_string(), course], |row| id(row, 0))
        .optional()?)
}

/// All conversations with this person.
pub(crate) fn with_person(
    connection: &Connection,
    other: PersonId,
) -> Result<Vec<ConversationId>, StoreError> {
    let ids = connection
        .prepare_cached(WITH_PERSON)?
        .query_map([other.to_string()], |row| id(row, 0))?
        .collect::<Result<_, _>>()?;
    Ok(ids)
}

/// All conversations, newest first.
pub(crate) fn by_time(connection: &Connection) -> Result<Vec<ConversationEntry>, StoreError> {
    let rows = connection
        .prepare_cached(BY_TIME)?
        .query_map([], read)?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

/// A message at this place, of this revision and time, is stored.
pub(crate) fn has_message(
    connection: &Connection,
    id: ConversationId,
    seq: u64,
    rev: u64,
    at: UnixMs,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE conversation SET head_seq = max(head_seq, ?2), head_rev = max(head_rev, ?3),
                 last_at = max(last_at, ?4)
             WHERE id = ?1",
        )?
        .execute(params![id.to_string(), int(seq), int(rev), at])?;
    Ok(())
}

/// The feed has shown this revision. It says nothing of those below: they may still come.
pub(crate) fn seen_rev(
    connection: &Connection,
    id: ConversationId,
    rev: u64,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE conversation SET seen_rev = max(seen_rev, ?2) WHERE id = ?1")?
        .execute(params![id.to_string(), int(rev)])?;
    Ok(())
}

/// The feed is stored up to its head: whatever was seen has nothing missing below it.
pub(crate) fn settle(connection: &Connection) -> Result<(), StoreError> {
    let ids: Vec<ConversationId> = connection
        .prepare_cached(TO_SETTLE)?
        .query_map([], |row| id(row, 0))?
        .collect::<Result<_, _>>()?;
    for id in ids {
        connection
            .prepare_cached("UPDATE conversation SET synced_rev = seen_rev WHERE id = ?1")?
            .execute([id.to_string()])?;
    }
    Ok(())
}

/// Every change up to this revision is stored.
pub(crate) fn synced(
    connection: &Connection,
    id: ConversationId,
    rev: u64,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE conversation SET synced_rev = max(synced_rev, seen_rev, ?2),
                 seen_rev = max(seen_rev, ?2)
             WHERE id = ?1",
        )?
        .execute(params![id.to_string(), int(rev)])?;
    Ok(())
}

/// The unread count as the server made it with a message.
pub(crate) fn set_unread(
    connection: &Connection,
    id: ConversationId,
    unread: u32,
    me: PersonId,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE conversation SET unread = ?2 WHERE id = ?1")?
        .execute(params![id.to_string(), unread])?;
    recount_where_ahead(connection, id, me)
}

/// How far the person will have read once they have read so far (never beyond the last message),
/// where that is further than before.
pub(crate) fn further_read(
    connection: &Connection,
    id: ConversationId,
    seq: u64,
) -> Result<Option<u64>, StoreError> {
    let Some(entry) = get(connection, id)? else {
        return Ok(None);
    };
    let seq = seq.min(entry.head_seq);
    Ok((seq > entry.read_seq).then_some(seq))
}

/// The person has read so far, here. It only ever moves forward.
pub(crate) fn mark_read(
    connection: &Connection,
    id: ConversationId,
    seq: u64,
    me: PersonId,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE conversation SET read_seq = max(read_seq, ?2) WHERE id = ?1")?
        .execute(params![id.to_string(), int(seq)])?;
    recount_where_ahead(connection, id, me)
}

/// Where the person has read further here than the server knows, the server's count is behind.
fn recount_where_ahead(
    connection: &Connection,
    id: ConversationId,
    me: PersonId,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE conversation SET unread = (SELECT count(*) FROM message
                 WHERE message.conversation = conversation.id
                   AND message.seq > conversation.read_seq AND message.author <> ?2)
             WHERE id = ?1 AND read_seq > server_read_seq",
        )?
        .execute(params![id.to_string(), me.to_string()])?;
    Ok(())
}

/// Removes a conversation with its messages.
pub(crate) fn remove(connection: &Connection, id: ConversationId) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM conversation WHERE id = ?1")?
        .execute([id.to_string()])?;
    Ok(())
}

/// Removes every other conversation with its messages.
pub(crate) fn keep_only(
    connection: &Connection,
    kept: &HashSet<ConversationId>,
) -> Result<(), StoreError> {
    for entry in by_time(connection)? {
        if !kept.contains(&entry.id) {
            remove(connection, entry.id)?;
        }
    }
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<ConversationEntry> {
    Ok(ConversationEntry {
        id: id(row, 0)?,
        other: id(row, 1)?,
        course: maybe_id(row, 2)?,
        head_seq: count(row, 3)?,
        read_seq: count(row, 4)?,
        other_read_seq: count(row, 5)?,
        unread: row.get(6)?,
        last_at: row.get(7)?,
        synced_rev: count(row, 8)?,
        // A word that only a newer build knew closes it all the same.
        closed: row
            .get_ref(9)?
            .as_str_or_null()?
            .map(|text| from_word(text).unwrap_or(Closed::Other)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        message,
        testing::{self, assert_no_scan},
    };
    use im_protocol::{
        MessageId,
        conversation::{Content, Message},
    };

    fn conversation(maya: PersonId, sam: PersonId) -> Conversation {
        Conversation {
            id: ConversationId::new(),
            members: vec![maya, sam],
            course: None,
            created_at: 100,
            head_seq: 0,
            head_rev: 0,
            read_seq: 0,
            other_read_seq: 0,
            unread: 0,
            closed: None,
        }
    }

    fn says(author: PersonId, conversation: ConversationId, seq: u64) -> Message {
        Message {
            id: MessageId::new(),
            conversation,
            seq,
            rev: seq,
            author,
            content: Content::Text {
                text: "Hello".to_owned(),
            },
            written_at: 100,
            accepted_at: 100 + UnixMs::try_from(seq).unwrap(),
            reply_to: None,
            edited_at: None,
            reactions: Vec::new(),
            files: Vec::new(),
        }
    }

    #[test]
    fn what_maya_has_read_here_stays_read_until_the_server_knows() {
        let connection = testing::cache();
        let (maya, sam) = (PersonId::new(), PersonId::new());
        let mut from_server = conversation(maya, sam);
        let id = from_server.id;
        assert!(put(&connection, &from_server, maya).unwrap());
        for seq in 1..=3 {
            message::put(&connection, &says(sam, id, seq)).unwrap();
            set_unread(&connection, id, u32::try_from(seq).unwrap(), maya).unwrap();
        }
        let unread = || get(&connection, id).unwrap().unwrap().unread;
        assert_eq!(unread(), 3);
        let further = |seq| further_read(&connection, id, seq).unwrap();
        assert_eq!(further(2), Some(2));
        mark_read(&connection, id, 2, maya).unwrap();
        assert_eq!(unread(), 1);
        // The server did not know yet when it counted this.
        set_unread(&connection, id, 3, maya).unwrap();
        assert_eq!(unread(), 1);
        from_server.unread = 3;
        assert!(!put(&connection, &from_server, maya).unwrap());
        assert_eq!(unread(), 1);
        // Now it does.
        from_server.read_seq = 2;
        from_server.unread = 1;
        put(&connection, &from_server, maya).unwrap();
        set_unread(&connection, id, 2, maya).unwrap();
        assert_eq!(unread(), 2);
        assert_eq!(further(1), None);
        mark_read(&connection, id, 1, maya).unwrap();
        assert_eq!(get(&connection, id).unwrap().unwrap().read_seq, 2);
        assert_eq!(further(99), Some(3), "there are no more");
        mark_read(&connection, id, 3, maya).unwrap();
        assert_eq!(unread(), 0);
    }

    #[test]
    fn a_revision_is_only_settled_once_the_feed_is_complete() {
        let connection = testing::cache();
        let maya = PersonId::new();
        let one = conversation(maya, PersonId::new());
        put(&connection, &one, maya).unwrap();
        seen_rev(&connection, one.id, 7).unwrap();
        let rev = || get(&connection, one.id).unwrap().unwrap().synced_rev;
        assert_eq!(rev(), 0);
        settle(&connection).unwrap();
        assert_eq!(rev(), 7);
        synced(&connection, one.id, 9).unwrap();
        assert_eq!(rev(), 9);
    }

    #[test]
    fn a_conversation_is_closed_and_opened_as_the_server_says() {
        let connection = testing::cache();
        let (maya, sam) = (PersonId::new(), PersonId::new());
        let mut one = conversation(maya, sam);
        for closed in [None, Some(Closed::Untied), Some(Closed::Other), None] {
            one.closed = closed;
            put(&connection, &one, maya).unwrap();
            assert_eq!(get(&connection, one.id).unwrap().unwrap().closed, closed);
        }
    }

    #[test]
    fn the_list_is_newest_first_and_what_is_gone_takes_its_messages_along() {
        let connection = testing::cache();
        let (maya, sam) = (PersonId::new(), PersonId::new());
        let (old, new) = (conversation(maya, sam), conversation(maya, PersonId::new()));
        put(&connection, &old, maya).unwrap();
        put(&connection, &new, maya).unwrap();
        message::put(&connection, &says(sam, old.id, 1)).unwrap();
        let order: Vec<_> = by_time(&connection)
            .unwrap()
            .iter()
            .map(|entry| entry.id)
            .collect();
        assert_eq!(order, [old.id, new.id]);
        keep_only(&connection, &HashSet::from([new.id])).unwrap();
        assert_eq!(by_time(&connection).unwrap().len(), 1);
        let left: i64 = connection
            .query_row("SELECT count(*) FROM message", [], |row| row.get(0))
            .unwrap();
        assert_eq!(left, 0);
    }

    #[test]
    fn lists_use_an_index() {
        let connection = testing::cache();
        for sql in [BY_TIME, BY_ID, WITH, WITH_PERSON, TO_SETTLE] {
            assert_no_scan(&connection, sql);
        }
    }
}
