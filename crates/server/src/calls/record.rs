//! A call that is over, as a message in the conversation of the two.

use crate::{
    error::Error,
    store::{
        Connection, conversation,
        feed::{Entry, Kind},
        message,
    },
    writer::Change,
};
use im_call::rules::{Call, Record};
use im_protocol::{ConversationId, MessageId, PersonId, conversation::Message};

/// Writes the record. There is one a call: only the step that ends it is written, once. Its message
/// has an id of its own, for that of the call is chosen by a client and may be a message's already.
pub(super) async fn write(change: &mut Change, call: &Call, record: Record) -> Result<(), Error> {
    let now = change.now();
    let conn = change.conn()?;
    let id = record.conversation;
    let heads = conversation::heads(conn, id).await?;
    let heads = heads.ok_or(Error::Broken("a call without a conversation"))?;
    let message = Message {
        id: MessageId::new(),
        conversation: id,
        seq: heads.seq + 1,
        rev: heads.rev + 1,
        author: record.author,
        content: record.content,
        // The true time of a call that was missed while nobody was there.
        written_at: call.started_at,
        accepted_at: now,
        reply_to: None,
        edited_at: None,
        reactions: Vec::new(),
        files: Vec::new(),
    };
    if !message::insert(conn, &message, "").await? {
        return Err(Error::Broken("a fresh id is taken"));
    }
    conversation::set_heads(conn, id, message.seq, message.rev).await?;
    let callee = call.callee;
    let mut entries = vec![Entry::new(Kind::Message, message.id, message.rev)];
    if record.unread {
        conversation::add_unread(conn, id, callee, 1).await?;
    } else {
        // They took part: the record of it is no news.
        message::is_no_news(conn, message.id).await?;
        if has_read(conn, id, callee, heads.seq).await? {
            conversation::mark_read(conn, id, callee, message.seq).await?;
            entries.push(Entry::new(Kind::Conversation, id, message.rev));
        }
    }
    change.feed(callee, &entries).await?;
    change.feed(record.author, &entries).await
}

/// Whether a person has read all of a conversation up to its head.
async fn has_read(
    conn: &mut Connection,
    id: ConversationId,
    person: PersonId,
    head: u64,
) -> Result<bool, Error> {
    let view = conversation::view(conn, id, person).await?;
    Ok(view.is_some_and(|view| view.read_seq >= head))
}
