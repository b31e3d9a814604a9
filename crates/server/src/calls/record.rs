//! A call that is over, as a message in the conversation of the two.

use crate::{
    error::Error,
    messages::own::{self, Own},
    store::{
        Connection, conversation,
        feed::{Entry, Kind},
    },
    writer::Change,
};
use im_call::rules::{Call, Record};
use im_protocol::{ConversationId, PersonId};

/// Writes the record. There is one a call: only the step that ends it is written, once.
pub(super) async fn write(change: &mut Change, call: &Call, record: Record) -> Result<(), Error> {
    let (id, callee, author) = (record.conversation, call.callee, record.author);
    let heads = conversation::heads(change.conn()?, id).await?;
    let heads = heads.ok_or(Error::Broken("a call without a conversation"))?;
    // Who took part has no news in it.
    let news = record.unread;
    let follows = !news && has_read(change.conn()?, id, callee, heads.seq).await?;
    let own = Own {
        conversation: id,
        author,
        content: record.content,
        // The true time of a call that was missed while nobody was there.
        written_at: call.started_at,
        news,
    };
    let place = own::write(change, &heads, own).await?;
    if follows {
        conversation::mark_read(change.conn()?, id, callee, place.seq).await?;
        // The caller sees how far the callee has read.
        let entry = [Entry::new(Kind::Conversation, id, place.rev)];
        for person in [callee, author] {
            change.feed(person, &entry).await?;
        }
    }
    Ok(())
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
