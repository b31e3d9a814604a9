//! Taking messages in, many senders at a time: what they share (ways to the database) is paid once.
//!
//! Everything is looked up first, decided in memory in the order in which it was sent, and then
//! written. Each sender has an answer of their own; a refusal of one is nothing to the others.

use crate::{
    access::{Action, Actor, Thing, may},
    error::Error,
    input,
    store::{
        conversation::{self, Heads},
        feed::{Entry, Kind},
        message::{self, Known},
    },
    writer::Change,
};
use im_protocol::{
    ConversationId, ErrorCode, MessageId, PersonId, UnixMs,
    conversation::{Accepted, Content, Message, MessageSend, MessageSent, NewMessage, NotAccepted},
    sync::{Fact, FeedItem, MessageFact},
};
use serde_json::value::RawValue;
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
}

/// Takes sendings in, in this order. Gives each its answer.
///
/// # Errors
/// Where the database fails: then nothing of any of them may be kept.
pub(crate) async fn accept(
    change: &mut Change,
    sendings: &[&Sending],
) -> Result<Vec<Result<MessageSent, Error>>, Error> {
    let conversations: HashSet<_> = sendings.iter().map(|one| one.asked.conversation).collect();
    let conversations: Vec<_> = conversations.into_iter().collect();
    let items = sendings.iter().flat_map(|one| &one.asked.items);
    let ids: Vec<_> = items.map(|item| item.id).collect();
    let now = change.now();
    let conn = change.conn()?;
    let mut group = Group {
        heads: conversation::heads_of(conn, &conversations).await?,
        known: message::known(conn, &ids).await?,
        now,
        added: Vec::new(),
    };
    let answers = sendings.iter().map(|one| group.take_in(one)).collect();
    group.write(change).await?;
    Ok(answers)
}

/// Sendings in the making.
struct Group {
    heads: HashMap<ConversationId, Heads>,
    known: HashMap<MessageId, Known>,
    now: UnixMs,
    /// With digests.
    added: Vec<(Message, String)>,
}

impl Group {
    /// Takes one sending in, up to the first message that is refused.
    fn take_in(&mut self, sending: &Sending) -> Result<MessageSent, Error> {
        let id = sending.asked.conversation;
        let heads = self.heads.get(&id);
        heads
            .filter(|heads| may(sending.actor, Action::Write, Thing::Conversation(heads)))
            .ok_or_else(Error::not_found)?;
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
        input::message(&item.text)?;
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
        };
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
        self.added.push((message, digest));
        Ok(accepted)
    }

    async fn write(self, change: &mut Change) -> Result<(), Error> {
        let Self { heads, added, .. } = self;
        if added.is_empty() {
            return Ok(());
        }
        let mut moved = HashMap::new();
        let mut unread = HashMap::new();
        let mut feeds = Feeds::default();
        for (place, (message, _)) in added.iter().enumerate() {
            let (id, author) = (message.conversation, message.author);
            let heads = heads.get(&id).ok_or(Error::Broken("heads are missing"))?;
            moved.insert(id, (id, heads.seq, heads.rev));
            let other = heads.other(author);
            *unread.entry((other, id)).or_insert(0) += 1;
            // The author has nothing more to read, but is to know how much there is.
            unread.entry((author, id)).or_insert(0);
            for person in [other, author] {
                feeds.add(
                    person,
                    Entry::new(Kind::Message, message.id, message.rev),
                    place,
                );
            }
        }
        let moved: Vec<_> = moved.into_values().collect();
        let unread: Vec<_> = unread.into_iter().collect();
        let conn = change.conn()?;
        message::insert_all(conn, &added).await?;
        conversation::set_heads_of(conn, &moved).await?;
        let unread = conversation::add_unread_of(conn, &unread).await?;
        let firsts = change.feeds(&feeds.entries).await?;
        change.after(move |hub| {
            let people = feeds.entries.iter().map(|(person, _)| *person);
            for ((person, first), places) in people.zip(firsts).zip(feeds.places) {
                if hub.has_person(person) {
                    let messages = places.iter().filter_map(|place| added.get(*place));
                    let items = (first..).zip(messages).map_while(|(n, (message, _))| {
                        let unread = unread.get(&(person, message.conversation))?;
                        item_of(n, message, *unread)
                    });
                    hub.remember(person, first, items.collect());
                }
            }
        });
        Ok(())
    }
}

/// What each person's feed gets, in order.
#[derive(Default)]
struct Feeds {
    index: HashMap<PersonId, usize>,
    entries: Vec<(PersonId, Vec<Entry>)>,
    /// Which message each entry is about.
    places: Vec<Vec<usize>>,
}

impl Feeds {
    fn add(&mut self, person: PersonId, entry: Entry, place: usize) {
        let next = self.entries.len();
        let index = *self.index.entry(person).or_insert(next);
        if index == next {
            self.entries.push((person, Vec::new()));
            self.places.push(Vec::new());
        }
        if let (Some((_, entries)), Some(places)) =
            (self.entries.get_mut(index), self.places.get_mut(index))
        {
            entries.push(entry);
            places.push(place);
        }
    }
}

/// A fact as it will be sent, so that it need not be read again for those who are connected.
fn item_of(n: u64, message: &Message, unread: u32) -> Option<Arc<RawValue>> {
    let fact = Fact::Message(MessageFact {
        message: message.clone(),
        unread,
    });
    let item = FeedItem::new(n, &fact).ok()?;
    serde_json::value::to_raw_value(&item).ok().map(Arc::from)
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
    hex::encode(hasher.finalize())
}
