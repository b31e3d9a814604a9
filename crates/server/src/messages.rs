//! Sending messages, marking them read, catching up on them.

use crate::{
    access::{Action, Actor, Thing, may},
    dispatch::{Ctx, Table},
    error::Error,
    input,
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
    ConversationId, ErrorCode, MessageId, PersonId, UnixMs,
    command::Done,
    conversation::{
        Accepted, Changes, ChangesSince, Content, Message, MessageSend, MessageSent, NewMessage,
        NotAccepted, ReadMark,
    },
    limits,
    rest::History,
};
use sha2::{Digest as _, Sha256};

pub(crate) fn events(table: &mut Table) {
    table.on(Rated::Itself, send);
    table.on(Rated::ByLane, mark_read);
    table.on(Rated::ByLane, changes);
}

/// `message:send`.
async fn send(ctx: Ctx, asked: MessageSend) -> Result<MessageSent, Error> {
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
    let actor = Actor {
        person: me.person,
        role: me.role,
    };
    let sent = ctx.app.writer.write(Urgency::Usual, move |change| {
        async move { accept(change, actor, asked).await }.boxed()
    });
    sent.await
}

/// Takes messages in, up to the first that is refused.
async fn accept(
    change: &mut Change,
    actor: Actor,
    asked: MessageSend,
) -> Result<MessageSent, Error> {
    let MessageSend {
        conversation,
        items,
    } = asked;
    let conn = change.conn()?;
    let heads = allowed(conn, actor, Action::Write, conversation).await?;
    let now = change.now();
    let mut sending = Sending {
        conversation,
        author: actor.person,
        heads,
        now,
        added: Vec::new(),
    };
    let mut sent = MessageSent {
        accepted: Vec::with_capacity(items.len()),
        failed: None,
    };
    #[cfg(feature = "faults")]
    let items = swapped(items);
    for item in items {
        let id = item.id;
        match sending.one(change.conn()?, item).await {
            Ok(accepted) => sent.accepted.push(accepted),
            // What came before it stays; the database's own failures undo all.
            Err(Error::Refused(error)) => {
                sent.failed = Some(NotAccepted { id, error: *error });
                break;
            }
            Err(error) => return Err(error),
        }
    }
    sending.finish(change).await?;
    Ok(sent)
}

/// The fault that order checks must notice.
#[cfg(feature = "faults")]
fn swapped(mut items: Vec<NewMessage>) -> Vec<NewMessage> {
    if crate::faults::swap_order() && items.len() >= 2 {
        items.swap(0, 1);
    }
    items
}

/// A sending in the making: places are given from the heads on.
struct Sending {
    conversation: ConversationId,
    author: PersonId,
    heads: Heads,
    now: UnixMs,
    added: Vec<Entry>,
}

impl Sending {
    async fn one(&mut self, conn: &mut Connection, item: NewMessage) -> Result<Accepted, Error> {
        input::message(&item.text)?;
        let digest = digest_of(self.conversation, &item);
        let message = Message {
            id: item.id,
            conversation: self.conversation,
            seq: self.heads.seq + 1,
            rev: self.heads.rev + 1,
            author: self.author,
            content: Content::Text { text: item.text },
            written_at: item.written_at,
            accepted_at: self.now,
        };
        if message::insert(conn, &message, &digest).await? {
            self.heads.seq = message.seq;
            self.heads.rev = message.rev;
            let entry = Entry::new(Kind::Message, message.id, message.rev);
            self.added.push(entry);
            return Ok(Accepted {
                id: message.id,
                seq: message.seq,
                rev: message.rev,
                accepted_at: message.accepted_at,
            });
        }
        let known = message::known(conn, item.id).await?;
        let known = known.ok_or(Error::Broken("a known message is not there"))?;
        if known.author == self.author && known.digest == digest {
            return Ok(known.accepted);
        }
        // The same words whosever it was: a foreign id reveals nothing.
        Err(Error::refused(
            ErrorCode::IdReused,
            "This message's id was used before for something else.",
        ))
    }

    async fn finish(self, change: &mut Change) -> Result<(), Error> {
        if self.added.is_empty() {
            return Ok(());
        }
        let (id, me) = (self.conversation, self.author);
        let other = self.heads.other(me);
        let count = self.added.len() as u64;
        let conn = change.conn()?;
        conversation::set_heads(conn, id, self.heads.seq, self.heads.rev).await?;
        conversation::add_unread(conn, id, other, count).await?;
        change.feed(other, &self.added).await?;
        change.feed(me, &self.added).await
    }
}

/// Something that is said in a conversation without a device, such as by the command line.
pub(crate) struct Said {
    /// By whom.
    pub(crate) author: PersonId,
    /// The words.
    pub(crate) text: String,
    /// When, by the server's clock.
    pub(crate) at: UnixMs,
}

/// Whether a conversation has any message.
///
/// # Errors
/// Where there is no such conversation, or the database fails.
pub(crate) async fn any(change: &mut Change, id: ConversationId) -> Result<bool, Error> {
    let heads = conversation::heads(change.conn()?, id).await?;
    Ok(heads.ok_or_else(Error::not_found)?.seq > 0)
}

/// Puts a message into a conversation, as one of its members would.
///
/// # Errors
/// Where the author is no member, the words break a rule, or the database fails.
pub(crate) async fn say(change: &mut Change, id: ConversationId, said: Said) -> Result<(), Error> {
    let item = NewMessage {
        id: MessageId::new(),
        text: said.text,
        written_at: said.at,
    };
    let heads = conversation::heads(change.conn()?, id).await?;
    let heads = heads.filter(|heads| heads.has(said.author));
    let mut sending = Sending {
        conversation: id,
        author: said.author,
        heads: heads.ok_or_else(Error::not_found)?,
        now: said.at,
        added: Vec::new(),
    };
    sending.one(change.conn()?, item).await?;
    sending.finish(change).await
}

/// Tells the same message sent again from another one under its id.
fn digest_of(conversation: ConversationId, item: &NewMessage) -> String {
    let mut hasher = Sha256::new();
    hasher.update(conversation.uuid().as_bytes());
    hasher.update(item.written_at.to_be_bytes());
    hasher.update(item.text.as_bytes());
    hex::encode(hasher.finalize())
}

/// `read:mark`.
async fn mark_read(ctx: Ctx, asked: ReadMark) -> Result<Done, Error> {
    let me = ctx.me();
    let actor = Actor {
        person: me.person,
        role: me.role,
    };
    let id = asked.conversation;
    let marked = ctx.app.writer.write(Urgency::Usual, move |change| {
        async move {
            let heads = allowed(change.conn()?, actor, Action::MarkRead, id).await?;
            let seq = asked.seq.min(heads.seq);
            if conversation::mark_read(change.conn()?, id, actor.person, seq).await? {
                for person in [actor.person, heads.other(actor.person)] {
                    let entry = Entry::new(Kind::Conversation, id, heads.rev);
                    change.feed(person, &[entry]).await?;
                }
            }
            Ok(Done {})
        }
        .boxed()
    });
    marked.await
}

/// `conversation:changes`.
async fn changes(ctx: Ctx, asked: ChangesSince) -> Result<Changes, Error> {
    let limit = page_size(asked.limit)?;
    let me = ctx.me();
    let actor = Actor {
        person: me.person,
        role: me.role,
    };
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
    heads
        .filter(|heads| may(actor, action, Thing::Conversation(heads)))
        .ok_or_else(Error::not_found)
}
