//! Sending messages, marking them read, catching up on them.

mod changing;
pub(crate) mod own;
mod sending;
mod typing;

pub(crate) use changing::remove;
pub(crate) use sending::{Answer, Sending, Told, accept};

use crate::{
    access::{Action, Actor, Thing, may, refusal_in},
    dispatch::{Ctx, Table},
    error::Error,
    rates::Rated,
    store::{
        Connection,
        conversation::{self, Heads},
        feed::{Entry, Kind},
        message,
    },
    writer::{Change, Urgency},
};
use futures_util::FutureExt as _;
use im_protocol::{
    ConversationId,
    command::Done,
    conversation::{Changes, ChangesSince, Message, MessageSend, MessageSent, ReadMark},
    limits,
    rest::History,
};

pub(crate) fn events(table: &mut Table) {
    table.on_own(Rated::Itself, send);
    table.on(Rated::ByLane, mark_read);
    table.on(Rated::ByLane, changes);
    changing::events(table);
    typing::events(table);
}

/// `message:send`. Where an answer is wanted it goes out together with the facts, once they are on
/// disk; then none is given back.
async fn send(ctx: Ctx, asked: MessageSend) -> Result<Option<MessageSent>, Error> {
    let count = asked.items.len();
    if count == 0 || count > limits::SEND_ITEMS {
        return Err(Error::invalid(format!(
            "1 to {} messages are sent at once.",
            limits::SEND_ITEMS
        )));
    }
    let me = ctx.me();
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    ctx.app.rates.messages(me.person, count)?;
    let actor = me.actor();
    let sending = Sending {
        actor,
        asked,
        at: None,
        asker: ctx.asker(),
    };
    ctx.app.writer.send(sending).await
}

/// Whether a conversation has any message.
///
/// # Errors
/// Where there is no such conversation, or the database fails.
pub(crate) async fn any(change: &mut Change, id: ConversationId) -> Result<bool, Error> {
    let heads = conversation::heads(change.conn()?, id).await?;
    Ok(heads.ok_or_else(Error::not_found)?.seq > 0)
}

/// `read:mark`.
async fn mark_read(ctx: Ctx, asked: ReadMark) -> Result<Done, Error> {
    let me = ctx.me();
    let actor = me.actor();
    let id = asked.conversation;
    let marked = ctx.app.writer.write(Urgency::Usual, move |change| {
        async move {
            read_up_to(change, actor, id, asked.seq).await?;
            Ok(Done {})
        }
        .boxed()
    });
    marked.await
}

/// Takes down that somebody has read a conversation up to this place, or to its end where that comes
/// before.
///
/// # Errors
/// Where they may not, or the database fails.
pub(crate) async fn read_up_to(
    change: &mut Change,
    actor: Actor,
    id: ConversationId,
    seq: u64,
) -> Result<(), Error> {
    let heads = allowed(change.conn()?, actor, Action::MarkRead, id).await?;
    let seq = seq.min(heads.seq);
    if conversation::mark_read(change.conn()?, id, actor.person, seq).await? {
        for person in [actor.person, heads.other(actor.person)] {
            let entry = Entry::new(Kind::Conversation, id, heads.rev);
            change.feed(person, &[entry]).await?;
        }
    }
    Ok(())
}

/// `conversation:changes`.
async fn changes(ctx: Ctx, asked: ChangesSince) -> Result<Changes, Error> {
    let limit = page_size(asked.limit)?;
    let me = ctx.me();
    let actor = me.actor();
    let mut reader = ctx.app.store.read().await?;
    allowed(&mut reader, actor, Action::Read, asked.conversation).await?;
    let wanted = limit + 1;
    let mut messages =
        message::changed_after(&mut reader, asked.conversation, asked.rev, wanted).await?;
    let fitting = fitting(&messages, limit as usize);
    let more = messages.len() > fitting;
    messages.truncate(fitting);
    Ok(Changes { messages, more })
}

/// How many of these messages fit into one packet, `most` at most and one at least.
fn fitting(messages: &[Message], most: usize) -> usize {
    let mut bytes = 0;
    let fit = messages.iter().take(most).take_while(|message| {
        let json = serde_json::to_vec(message);
        bytes += json.map_or(limits::PACKET_BYTES, |json| json.len() + 1);
        // The head of the packet has room in what is left.
        bytes <= limits::PACKET_BYTES - 1_024
    });
    fit.count().max(1)
}

/// A page of history before a place, by rising `seq`.
pub(crate) async fn history(
    reader: &mut Connection,
    actor: Actor,
    id: ConversationId,
    before: Option<u64>,
    limit: Option<u32>,
) -> Result<History, Error> {
    let limit = page_size(limit.unwrap_or(50))?;
    allowed(reader, actor, Action::Read, id).await?;
    let wanted = limit + 1;
    let before = before.unwrap_or(u64::MAX);
    let mut messages = message::before(reader, id, before, wanted).await?;
    let more = messages.len() > limit as usize;
    messages.truncate(limit as usize);
    messages.reverse();
    Ok(History { messages, more })
}

fn page_size(asked: u32) -> Result<u32, Error> {
    if (1..=limits::PAGE_ROWS).contains(&asked) {
        Ok(asked)
    } else {
        Err(Error::invalid(format!(
            "A page has 1 to {} rows.",
            limits::PAGE_ROWS
        )))
    }
}

/// A conversation, if the asker may do this in it. Whose it is not does not learn that it is there.
async fn allowed(
    conn: &mut Connection,
    actor: Actor,
    action: Action,
    id: ConversationId,
) -> Result<Heads, Error> {
    let heads = conversation::heads(conn, id).await?;
    match heads {
        Some(heads) if may(actor, action, Thing::Conversation(&heads)) => Ok(heads),
        heads => Err(refusal_in(actor, action, heads.as_ref())),
    }
}
