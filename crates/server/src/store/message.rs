//! Table `message`.

use super::{
    Connection, Row, file,
    row::{Columns, column_of},
};
use crate::error::Error;
use im_protocol::{
    CallId, ConversationId, MessageId, PersonId, UnixMs,
    call::{CallOutcome, MediaKinds},
    conversation::{Accepted, Content, Message, Reaction},
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A message that is there already, as much of it as a repeated sending needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Who wrote it.
    pub author: PersonId,
    /// Over what was sent.
    pub digest: String,
    /// What was answered.
    pub accepted: Accepted,
}

/// What a message about a call says, as it is stored.
#[derive(Serialize, Deserialize)]
struct CallBody {
    call: CallId,
    outcome: CallOutcome,
    media: MediaKinds,
    duration_ms: u64,
}

/// Adds a message, unless its id is known. Says whether it was added.
///
/// # Errors
/// Where its content is of no known kind; where the database fails.
pub async fn insert(conn: &mut Connection, message: &Message, digest: &str) -> Result<bool, Error> {
    let (kind, body) = columns_of(&message.content)?;
    let done = sqlx::query(INSERT)
        .bind(message.id.to_string())
        .bind(message.conversation.to_string())
        .bind(column_of(message.seq))
        .bind(column_of(message.rev))
        .bind(message.author.to_string())
        .bind(kind)
        .bind(body.as_ref())
        .bind(digest)
        .bind(message.written_at)
        .bind(message.accepted_at)
        .bind(message.reply_to.map(|id| id.to_string()))
        .bind(files_of(message)?)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) const INSERT: &str = "INSERT INTO message
    (id, conversation, seq, rev, author, kind, body, digest, written_at, accepted_at, reply_to, files)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO NOTHING";

/// Takes a message out of those that count as unread for whoever it is for.
///
/// # Errors
/// Where the database fails.
pub async fn is_no_news(conn: &mut Connection, id: MessageId) -> Result<(), Error> {
    let sql = "UPDATE message SET news = 0 WHERE id = $1";
    sqlx::query(sql).bind(id.to_string()).execute(conn).await?;
    Ok(())
}

/// A content as its columns `kind` and `body`.
pub(super) fn columns_of(content: &Content) -> Result<(&'static str, Cow<'_, str>), Error> {
    match content {
        Content::Text { text } => Ok(("text", Cow::Borrowed(text))),
        Content::Call {
            call,
            outcome,
            media,
            duration_ms,
        } => {
            let body = CallBody {
                call: *call,
                outcome: *outcome,
                media: *media,
                duration_ms: *duration_ms,
            };
            let json = serde_json::to_string(&body);
            let json = json.map_err(|_| Error::Broken("a call's record is not written"))?;
            Ok(("call", Cow::Owned(json)))
        }
        Content::Deleted | Content::Unknown => Err(Error::Broken("content of an unknown kind")),
    }
}

/// The files of a message as their column: empty for none.
pub(super) fn files_of(message: &Message) -> Result<String, Error> {
    match message.files.as_slice() {
        [] => Ok(String::new()),
        some => serde_json::to_string(some).map_err(|_| Error::Broken("files are not written")),
    }
}

/// As much of a message as a repeated sending needs: a [`Known`].
pub(super) const KNOWN: &str =
    "SELECT author, digest, seq, rev, accepted_at FROM message WHERE id = $1";

/// Where a message is: a [`ConversationId`].
pub(super) const PLACE: &str = "SELECT conversation FROM message WHERE id = $1";

/// A message of a conversation.
///
/// # Errors
/// Where the database fails.
pub async fn get(
    conn: &mut Connection,
    conversation: ConversationId,
    id: MessageId,
) -> Result<Option<Message>, Error> {
    let row = sqlx::query(BY_ID)
        .bind(id.to_string())
        .bind(conversation.to_string())
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(read).transpose()
}

const BY_ID: &str = "SELECT id, conversation, seq, rev, author, kind, body, written_at,
        accepted_at, reply_to, edited_at, deleted_at, reactions, files
    FROM message WHERE id = $1 AND conversation = $2";

/// Gives a message other words.
///
/// # Errors
/// Where the database fails.
pub async fn set_words(
    conn: &mut Connection,
    id: MessageId,
    rev: u64,
    text: &str,
    now: UnixMs,
) -> Result<(), Error> {
    let sql = "UPDATE message SET body = $2, edited_at = $3, rev = $4 WHERE id = $1";
    sqlx::query(sql)
        .bind(id.to_string())
        .bind(text)
        .bind(now)
        .bind(column_of(rev))
        .execute(conn)
        .await?;
    Ok(())
}

/// Takes a message back: from now on it is no news to anybody, and its files go.
///
/// # Errors
/// Where the database fails.
pub async fn set_deleted(
    conn: &mut Connection,
    id: MessageId,
    rev: u64,
    now: UnixMs,
) -> Result<(), Error> {
    file::forget_of(conn, id, now).await?;
    let sql = "UPDATE message SET deleted_at = $2, reactions = '', files = '', news = 0, rev = $3
        WHERE id = $1";
    sqlx::query(sql)
        .bind(id.to_string())
        .bind(now)
        .bind(column_of(rev))
        .execute(conn)
        .await?;
    Ok(())
}

/// The words that were taken back with a message; none where it was not.
///
/// # Errors
/// Where the database fails.
pub async fn taken_back(conn: &mut Connection, id: MessageId) -> Result<Option<String>, Error> {
    let row = sqlx::query(TAKEN_BACK)
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    row.map(|row| row.text("body")).transpose()
}

const TAKEN_BACK: &str =
    "SELECT body FROM message WHERE id = $1 AND deleted_at IS NOT NULL AND kind = 'text'";

/// Sets the reactions to a message.
///
/// # Errors
/// Where the database fails.
pub async fn set_reactions(
    conn: &mut Connection,
    id: MessageId,
    rev: u64,
    reactions: &[Reaction],
) -> Result<(), Error> {
    let json = match reactions {
        [] => String::new(),
        some => {
            serde_json::to_string(some).map_err(|_| Error::Broken("reactions are not written"))?
        }
    };
    let sql = "UPDATE message SET reactions = $2, rev = $3 WHERE id = $1";
    sqlx::query(sql)
        .bind(id.to_string())
        .bind(json)
        .bind(column_of(rev))
        .execute(conn)
        .await?;
    Ok(())
}

/// What changed in a conversation after a revision, by rising revision.
///
/// # Errors
/// Where the database fails.
pub async fn changed_after(
    conn: &mut Connection,
    conversation: ConversationId,
    rev: u64,
    limit: u32,
) -> Result<Vec<Message>, Error> {
    let rows = sqlx::query(CHANGED_AFTER)
        .bind(conversation.to_string())
        .bind(column_of(rev))
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await?;
    rows.iter().map(read).collect()
}

/// By two indexes, merged: most messages have their `seq` as their `rev`, and come in its order.
const CHANGED_AFTER: &str =
    "SELECT id, conversation, seq, seq AS rev, author, kind, body, written_at, accepted_at,
        reply_to, edited_at, deleted_at, reactions, files
    FROM message WHERE conversation = $1 AND seq > $2 AND rev = seq
    UNION ALL
    SELECT id, conversation, seq, rev, author, kind, body, written_at, accepted_at,
        reply_to, edited_at, deleted_at, reactions, files
    FROM message WHERE conversation = $1 AND rev > $2 AND rev <> seq
    ORDER BY rev LIMIT $3";

/// The messages just before a place, newest first.
///
/// # Errors
/// Where the database fails.
pub async fn before(
    conn: &mut Connection,
    conversation: ConversationId,
    seq: u64,
    limit: u32,
) -> Result<Vec<Message>, Error> {
    let rows = sqlx::query(BEFORE)
        .bind(conversation.to_string())
        .bind(column_of(seq))
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await?;
    rows.iter().map(read).collect()
}

const BEFORE: &str =
    "SELECT id, conversation, seq, rev, author, kind, body, written_at, accepted_at,
        reply_to, edited_at, deleted_at, reactions, files
    FROM message WHERE conversation = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";

/// A message out of its columns.
///
/// # Errors
/// Where a column does not fit.
pub fn read(row: &Row) -> Result<Message, Error> {
    let body = row.text("body")?;
    let deleted = row.maybe_int("deleted_at")?.is_some();
    let content = match row.text("kind")?.as_str() {
        _ if deleted => Content::Deleted,
        "text" => Content::Text { text: body },
        "call" => {
            let call: CallBody = serde_json::from_str(&body)
                .map_err(|_| Error::Broken("a call's record cannot be read"))?;
            Content::Call {
                call: call.call,
                outcome: call.outcome,
                media: call.media,
                duration_ms: call.duration_ms,
            }
        }
        _ => Content::Unknown,
    };
    Ok(Message {
        id: row.parsed("id")?,
        conversation: row.parsed("conversation")?,
        seq: row.count("seq")?,
        rev: row.count("rev")?,
        author: row.parsed("author")?,
        content,
        written_at: row.int("written_at")?,
        accepted_at: row.int("accepted_at")?,
        reply_to: row.maybe("reply_to")?.filter(|_| !deleted),
        edited_at: row.maybe_int("edited_at")?.filter(|_| !deleted),
        reactions: match row.text("reactions")?.as_str() {
            "" => Vec::new(),
            json => {
                serde_json::from_str(json).map_err(|_| Error::Broken("reactions cannot be read"))?
            }
        },
        files: match row.text("files")?.as_str() {
            "" => Vec::new(),
            json => {
                serde_json::from_str(json).map_err(|_| Error::Broken("files cannot be read"))?
            }
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{School, scans};

    #[tokio::test]
    async fn pages_go_back_from_a_place_and_changes_forward_from_a_revision() {
        let mut school = School::open().await;
        let (maya, sam, _) = school.maya_sam_lin().await;
        let id = school.conversation(sam, maya).await;
        for text in ["one", "two", "three", "four"] {
            school.say(id, sam, text).await;
        }
        let seqs = |messages: Vec<Message>| messages.iter().map(|m| m.seq).collect::<Vec<_>>();
        let conn = &mut school.conn;
        assert_eq!(seqs(before(conn, id, 4, 2).await.unwrap()), [3, 2]);
        assert_eq!(seqs(changed_after(conn, id, 2, 9).await.unwrap()), [3, 4]);
    }

    #[tokio::test]
    async fn the_record_of_a_call_is_read_as_it_was_written() {
        let mut school = School::open().await;
        let (maya, sam, _) = school.maya_sam_lin().await;
        let conversation = school.conversation(sam, maya).await;
        let message = Message {
            id: MessageId::new(),
            conversation,
            seq: 1,
            rev: 1,
            author: sam,
            content: Content::Call {
                call: CallId::new(),
                outcome: CallOutcome::Missed,
                media: MediaKinds::VIDEO,
                duration_ms: 0,
            },
            written_at: 1,
            accepted_at: 1,
            reply_to: None,
            edited_at: None,
            reactions: Vec::new(),
            files: Vec::new(),
        };
        let conn = &mut school.conn;
        assert!(insert(conn, &message, "d").await.unwrap());
        assert!(!insert(conn, &message, "d").await.unwrap());
        let read = changed_after(conn, conversation, 0, 9).await.unwrap();
        assert_eq!(read, [message]);
    }

    #[tokio::test]
    async fn nothing_is_scanned_or_sorted() {
        let mut school = School::open().await;
        for sql in [CHANGED_AFTER, BEFORE, KNOWN, PLACE, BY_ID, TAKEN_BACK] {
            assert_eq!(scans(&mut school.conn, sql).await, Vec::<String>::new());
        }
    }
}
