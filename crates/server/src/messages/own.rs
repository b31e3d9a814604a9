//! Messages that the server writes itself, in the name of one of the two.

use crate::{
    error::Error,
    store::{
        conversation::{self, Heads},
        feed::{Entry, Kind},
        message,
    },
    writer::Change,
};
use im_protocol::{
    ConversationId, MessageId, PersonId, UnixMs,
    conversation::{Content, Message},
};

/// What is to be written.
pub(crate) struct Own {
    /// Where.
    pub(crate) conversation: ConversationId,
    /// In whose name.
    pub(crate) author: PersonId,
    /// What it says.
    pub(crate) content: Content,
    /// When it came to be, which may be long before it is accepted.
    pub(crate) written_at: UnixMs,
    /// Whether it counts as unread for the other.
    pub(crate) news: bool,
}

/// Where it was put.
pub(crate) struct Place {
    /// Its place in the conversation.
    pub(crate) seq: u64,
    /// The conversation's revision.
    pub(crate) rev: u64,
}

/// Writes a message behind the last one of its conversation, whose heads were read in this
/// transaction, and tells both of it. Its id is fresh: one that a client has chosen may be taken.
///
/// # Errors
/// Where the database fails.
pub(crate) async fn write(change: &mut Change, heads: &Heads, own: Own) -> Result<Place, Error> {
    let message = Message {
        id: MessageId::new(),
        conversation: own.conversation,
        seq: heads.seq + 1,
        rev: heads.rev + 1,
        author: own.author,
        content: own.content,
        written_at: own.written_at,
        accepted_at: change.now(),
        reply_to: None,
        edited_at: None,
        reactions: Vec::new(),
        files: Vec::new(),
    };
    let (seq, rev) = (message.seq, message.rev);
    let other = heads.other(own.author);
    let conn = change.conn()?;
    if !message::insert(conn, &message, "").await? {
        return Err(Error::Broken("a fresh id is taken"));
    }
    conversation::set_heads(conn, own.conversation, seq, rev).await?;
    if own.news {
        conversation::add_unread(conn, own.conversation, other, 1).await?;
    } else {
        message::is_no_news(conn, message.id).await?;
    }
    let entry = [Entry::new(Kind::Message, message.id, rev)];
    for person in [other, own.author] {
        change.feed(person, &entry).await?;
    }
    Ok(Place { seq, rev })
}
