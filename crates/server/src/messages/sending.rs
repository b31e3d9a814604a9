//! Taking messages in, many senders at a time: what they share (the commit) is paid once.
//!
//! Everything is looked up first, decided in memory in the order in which it was sent, and then
//! written. Each sender has an answer of their own; a refusal of one is nothing to the others.

use crate::{
    access::{Action, Actor, Thing, may, refusal_in},
    error::Error,
    hub::Hub,
    input,
    socket::Asker,
    store::{
        conversation::Heads,
        file::File,
        ledger::{Group, Ledger},
        message::Known,
    },
};
use im_protocol::{
    ConversationId, ErrorCode, FileId, MessageId, PersonId, UnixMs,
    conversation::{Accepted, Content, Message, MessageSend, MessageSent, NewMessage, NotAccepted},
    files::FileInfo,
    limits::MESSAGE_FILES,
};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Messages that somebody sends.
pub(crate) struct Sending {
    /// Who.
    pub(crate) actor: Actor,
    /// What.
    pub(crate) asked: MessageSend,
    /// The moment they are accepted at, where it is not now.
    pub(crate) at: Option<UnixMs>,
    /// To be answered at once when it is on disk; where there is none, whoever sent it is.
    pub(crate) asker: Option<Asker>,
}

/// Takes sendings in, in this order, and puts them on disk. Gives each its answer, and what is to
/// be told.
///
/// # Errors
/// Where the database fails: then nothing of any of them was kept.
pub(crate) fn accept(
    ledger: &Ledger,
    now: UnixMs,
    sendings: &[&Sending],
) -> Result<(Vec<Answer>, Told), Error> {
    ledger.transaction(|group| {
        let conversations = sendings.iter().map(|one| one.asked.conversation);
        let items = || sendings.iter().flat_map(|one| &one.asked.items);
        let mut taken = Taken {
            heads: group.heads(conversations)?,
            known: group.known(items().map(|item| item.id))?,
            places: group.places(items().filter_map(|item| item.reply_to))?,
            files: group.files(items().flat_map(|item| &item.files).copied())?,
            now,
            added: Vec::new(),
        };
        let answers = sendings.iter().map(|one| taken.take_in(one)).collect();
        Ok((answers, taken.write(group)?))
    })
}

/// What a sender hears.
pub(crate) type Answer = Result<MessageSent, Error>;

/// Sendings in the making.
struct Taken {
    heads: HashMap<ConversationId, Heads>,
    known: HashMap<MessageId, Known>,
    /// Where messages are that may be answered.
    places: HashMap<MessageId, ConversationId>,
    /// What messages want to carry.
    files: HashMap<FileId, File>,
    now: UnixMs,
    /// With digests.
    added: Vec<(Message, String)>,
}

impl Taken {
    /// Takes one sending in, up to the first message that is refused.
    fn take_in(&mut self, sending: &Sending) -> Answer {
        let id = sending.asked.conversation;
        let heads = self.heads.get(&id);
        let actor = sending.actor;
        heads
            .filter(|heads| may(actor, Action::Write, Thing::Conversation(heads)))
            .ok_or_else(|| refusal_in(actor, Action::Write, heads))?;
        let mut sent = MessageSent {
            accepted: Vec::with_capacity(sending.asked.items.len()),
            failed: None,
        };
        for item in order(&sending.asked.items) {
            match self.one(sending, item) {
                Ok(accepted) => sent.accepted.push(accepted),
                // What came before it stays.
                Err(error) => {
                    sent.failed = Some(NotAccepted {
                        id: item.id,
                        error: error.to_wire(),
                    });
                    break;
                }
            }
        }
        Ok(sent)
    }

    fn one(&mut self, sending: &Sending, item: &NewMessage) -> Result<Accepted, Error> {
        input::words(&item.text, !item.files.is_empty())?;
        let id = sending.asked.conversation;
        let author = sending.actor.person;
        let digest = digest_of(id, item);
        if let Some(known) = self.known.get(&item.id) {
            if known.author == author && known.digest == digest {
                return Ok(known.accepted);
            }
            // The same words whosever it was: a foreign id reveals nothing.
            return Err(Error::refused(
                ErrorCode::IdReused,
                "This message's id was used before for something else.",
            ));
        }
        let answers = item.reply_to.map(|to| self.places.get(&to).copied());
        if answers.is_some_and(|place| place != Some(id)) {
            return Err(Error::invalid(
                "The message that this one answers is not in this conversation.",
            ));
        }
        let files = self.carried(author, id, &item.files)?;
        let heads = self.heads.get_mut(&id).ok_or_else(Error::not_found)?;
        heads.seq += 1;
        heads.rev += 1;
        let message = Message {
            id: item.id,
            conversation: id,
            seq: heads.seq,
            rev: heads.rev,
            author,
            content: Content::Text {
                text: item.text.clone(),
            },
            written_at: item.written_at,
            accepted_at: sending.at.unwrap_or(self.now),
            reply_to: item.reply_to,
            edited_at: None,
            reactions: Vec::new(),
            files,
        };
        for file in &item.files {
            if let Some(file) = self.files.get_mut(file) {
                file.message = Some(item.id);
            }
        }
        let accepted = Accepted {
            id: message.id,
            seq: message.seq,
            rev: message.rev,
            accepted_at: message.accepted_at,
        };
        let known = Known {
            author,
            digest: digest.clone(),
            accepted,
        };
        self.known.insert(message.id, known);
        self.places.insert(message.id, id);
        self.added.push((message, digest));
        Ok(accepted)
    }

    /// The files that a message of this author wants to carry, if it may have them.
    fn carried(
        &self,
        author: PersonId,
        conversation: ConversationId,
        ids: &[FileId],
    ) -> Result<Vec<FileInfo>, Error> {
        let distinct: HashSet<_> = ids.iter().collect();
        if ids.len() > MESSAGE_FILES || distinct.len() < ids.len() {
            return Err(Error::invalid(format!(
                "A message carries up to {MESSAGE_FILES} files, each once."
            )));
        }
        let carried = ids.iter().map(|id| {
            let file = self.files.get(id).filter(|file| {
                file.author == author
                    && file.start.conversation == conversation
                    && file.message.is_none()
            });
            let unknown = "A file of this message is not there (anymore). Please attach it again.";
            let file = file.ok_or_else(|| Error::refused(ErrorCode::FileUnknown, unknown))?;
            let unfinished = "A file of this message is not whole yet.";
            file.info()
                .ok_or_else(|| Error::refused(ErrorCode::FileUnfinished, unfinished))
        });
        carried.collect()
    }

    fn write(self, group: &Group<'_>) -> Result<Told, Error> {
        let Self {
            heads, added, now, ..
        } = self;
        if added.is_empty() {
            return Ok(Told::default());
        }
        group.insert(&added)?;
        for (message, _) in &added {
            group.carry(message)?;
        }
        let mut moved: HashSet<ConversationId> = HashSet::new();
        let mut unread: HashMap<(PersonId, ConversationId), u64> = HashMap::new();
        let mut feeds: HashMap<PersonId, Feed> = HashMap::new();
        for (place, (message, _)) in added.iter().enumerate() {
            let (id, author) = (message.conversation, message.author);
            let other = heads_of(&heads, id)?.other(author);
            moved.insert(id);
            *unread.entry((other, id)).or_default() += 1;
            // The author has nothing more to read, but is to know how much there is.
            unread.entry((author, id)).or_default();
            for person in [other, author] {
                let feed = feeds.entry(person).or_default();
                feed.messages.push((message.id, message.rev));
                feed.places.push(place);
            }
        }
        for id in moved {
            let heads = heads_of(&heads, id)?;
            group.set_heads(id, heads.seq, heads.rev)?;
        }
        let mut counts = HashMap::with_capacity(unread.len());
        for ((person, id), count) in unread {
            if let Some(count) = group.add_unread(person, id, count)? {
                counts.insert((person, id), count);
            }
        }
        let mut gets = Vec::with_capacity(feeds.len());
        for (person, feed) in feeds {
            let first = group.append(person, &feed.messages, now)?;
            gets.push((person, first, feed.places));
        }
        let messages = added.into_iter().map(|(message, _)| message).collect();
        Ok(Told {
            messages,
            unread: counts,
            gets,
        })
    }
}

/// What is told of messages once they are on disk.
#[derive(Default)]
pub(crate) struct Told {
    messages: Vec<Message>,
    unread: HashMap<(PersonId, ConversationId), u32>,
    /// For each person the first number in their feed, and which messages.
    gets: Vec<(PersonId, u64, Vec<usize>)>,
}

impl Told {
    /// What each person who is connected gets: facts from a number on, as they are sent.
    pub(crate) fn facts(&self, hub: &Hub) -> HashMap<PersonId, (u64, Vec<Arc<RawValue>>)> {
        let written: Vec<_> = self.messages.iter().map(Written::of).collect();
        let here = self
            .gets
            .iter()
            .filter(|(person, ..)| hub.has_person(*person));
        let facts = here.map(|(person, first, places)| {
            let written = places
                .iter()
                .filter_map(|place| written.get(*place)?.as_ref());
            let items = (*first..).zip(written).map_while(|(n, written)| {
                let unread = *self.unread.get(&(*person, written.conversation))?;
                written.item(n, unread)
            });
            (*person, (*first, items.collect()))
        });
        facts.collect()
    }
}

fn heads_of(heads: &HashMap<ConversationId, Heads>, id: ConversationId) -> Result<&Heads, Error> {
    heads.get(&id).ok_or(Error::Broken("heads are missing"))
}

/// What a person's feed gets.
#[derive(Default)]
struct Feed {
    /// With revisions.
    messages: Vec<(MessageId, u64)>,
    /// Where each is in the group.
    places: Vec<usize>,
}

/// A message as JSON, written once for all who get it.
struct Written {
    conversation: ConversationId,
    json: Box<RawValue>,
}

/// As `im_protocol::sync::FeedItem` has it.
#[derive(Serialize)]
struct Item<'m> {
    n: u64,
    kind: &'static str,
    data: Data<'m>,
}

/// As `im_protocol::sync::MessageFact` has it.
#[derive(Serialize)]
struct Data<'m> {
    message: &'m RawValue,
    unread: u32,
}

impl Written {
    fn of(message: &Message) -> Option<Self> {
        let json = to_raw_value(message).ok()?;
        Some(Self {
            conversation: message.conversation,
            json,
        })
    }

    /// A fact as it will be sent, so that it need not be read again for those who are connected.
    fn item(&self, n: u64, unread: u32) -> Option<Arc<RawValue>> {
        let data = Data {
            message: &self.json,
            unread,
        };
        let item = Item {
            n,
            kind: "message",
            data,
        };
        to_raw_value(&item).ok().map(Arc::from)
    }
}

#[cfg(not(feature = "faults"))]
fn order(items: &[NewMessage]) -> impl Iterator<Item = &NewMessage> {
    items.iter()
}

/// With the fault that order checks must notice.
#[cfg(feature = "faults")]
fn order(items: &[NewMessage]) -> impl Iterator<Item = &NewMessage> {
    let mut items: Vec<_> = items.iter().collect();
    if crate::faults::swap_order() && items.len() >= 2 {
        items.swap(0, 1);
    }
    items.into_iter()
}

/// Tells the same message sent again from another one under its id.
fn digest_of(conversation: ConversationId, item: &NewMessage) -> String {
    let mut hasher = Sha256::new();
    hasher.update(conversation.uuid().as_bytes());
    hasher.update(item.written_at.to_be_bytes());
    hasher.update(item.text.as_bytes());
    if let Some(to) = item.reply_to {
        // Behind a byte that no text holds.
        hasher.update([0]);
        hasher.update(to.uuid().as_bytes());
    }
    for file in &item.files {
        hasher.update([1]);
        hasher.update(file.uuid().as_bytes());
    }
    hex::encode(hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use im_protocol::sync::{Fact, FeedItem, MessageFact};

    #[test]
    fn a_fact_from_memory_is_the_fact_from_the_database() {
        let message = Message {
            id: MessageId::new(),
            conversation: ConversationId::new(),
            seq: 3,
            rev: 4,
            author: PersonId::new(),
            content: Content::Text {
                text: "\"Why?\"\n👍🏽".into(),
            },
            written_at: 5,
            accepted_at: 6,
            reply_to: Some(MessageId::new()),
            edited_at: None,
            reactions: Vec::new(),
            files: Vec::new(),
        };
        let item = Written::of(&message).unwrap().item(7, 8).unwrap();
        let item: FeedItem = serde_json::from_str(item.get()).unwrap();
        let fact = Fact::Message(MessageFact { message, unread: 8 });
        assert_eq!(item, FeedItem::new(7, &fact).unwrap());
    }
}
