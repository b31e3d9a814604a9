//! How the feed and a snapshot become rows: what was told, in one transaction with the cursor.

use super::{
    StoreError, call, conversation, course, message, message::Put, meta, person, raw_fact, search,
};
use crate::faults;
use im_protocol::{
    ConversationId, CourseId, MessageId, PersonId,
    call::CallView,
    conversation::{Changes, Content, Message},
    sync::{Cursor, Fact, Facts, FeedItem, MessageFact, Snapshot},
};
use rusqlite::Connection;
use std::collections::{BTreeSet, HashSet};

/// Revisions that are fetched of a conversation of which nothing is stored; older messages come by
/// pages of history when they are looked at.
const FRESH_REVS: u64 = 1_000;

/// What has changed by storing facts, for those who look at it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    /// Something of the conversation list.
    pub(crate) conversations: bool,
    /// People or courses.
    pub(crate) people: bool,
    /// Conversations whose messages (or whose marks on them) have changed.
    pub(crate) messages: BTreeSet<ConversationId>,
    /// The signed-in person's messages that are stored now.
    pub(crate) own: Vec<MessageId>,
    /// Conversations that the person has read further, on another device.
    pub(crate) read: BTreeSet<ConversationId>,
    /// Messages of others that were not known before.
    pub(crate) arrived: Vec<Message>,
    /// Calls that took a step.
    pub(crate) calls: Vec<CallView>,
    /// Messages are gone, and copies of their files may be.
    pub(crate) taken_back: bool,
}

/// Stores facts and moves the cursor. What the cursor has passed already is left out.
pub(crate) fn apply(
    connection: &Connection,
    facts: &Facts,
    me: PersonId,
) -> Result<Applied, StoreError> {
    let mut applied = Applied::default();
    let done = meta::cursor(connection)?
        .filter(|cursor| cursor.epoch == facts.epoch)
        .map_or(0, |cursor| cursor.n);
    for item in facts.items.iter().filter(|item| item.n > done) {
        if faults::skips(item) {
            continue;
        }
        one(connection, item, me, &mut applied)?;
    }
    if facts.up_to >= facts.head {
        conversation::settle(connection)?;
    }
    let cursor = Cursor {
        epoch: facts.epoch,
        n: facts.up_to.max(done),
    };
    meta::set_cursor(connection, Some(cursor))?;
    Ok(applied)
}

/// Applies what an earlier build kept raw and this one understands, in its order.
pub(crate) fn replay(connection: &Connection, me: PersonId) -> Result<Applied, StoreError> {
    let mut applied = Applied::default();
    for item in raw_fact::all(connection)? {
        if item.fact().is_some() {
            raw_fact::remove(connection, item.n)?;
            // It is kept again where what it belongs to is still missing.
            one(connection, &item, me, &mut applied)?;
        }
    }
    Ok(applied)
}

fn one(
    connection: &Connection,
    item: &FeedItem,
    me: PersonId,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let Some(fact) = item.fact() else {
        return raw_fact::put(connection, item);
    };
    match fact {
        Fact::Conversation(fact) => {
            let known = conversation::get(connection, fact.id)?;
            if known
                .as_ref()
                .is_some_and(|known| fact.read_seq > known.read_seq)
            {
                applied.read.insert(fact.id);
            }
            // Whom one may talk to follows.
            applied.people |= known.is_none_or(|known| known.closed != fact.closed);
            let new = conversation::put(connection, &fact, me)?;
            applied.conversations = true;
            applied.messages.insert(fact.id);
            if new {
                // Messages may have been kept because they came before their conversation.
                merge(applied, replay(connection, me)?);
            }
        }
        Fact::ConversationGone(gone) => {
            let other = conversation::get(connection, gone.id)?.map(|known| known.other);
            conversation::remove(connection, gone.id)?;
            if let Some(other) = other {
                person::forget(connection, other)?;
            }
            applied.people = true;
            applied.conversations = true;
            applied.taken_back = true;
            applied.messages.insert(gone.id);
        }
        Fact::Message(fact) => {
            let raw = raw_content(item, &fact.message);
            if !message_fact(connection, &fact, &raw, me, applied)? {
                raw_fact::put(connection, item)?;
            }
        }
        Fact::Call(view) => {
            if call::put(connection, &view)? {
                applied.calls.push(view);
            }
        }
        Fact::Person(fact) => {
            person::put(connection, &fact)?;
            applied.people = true;
            applied.conversations = true;
        }
        Fact::Course(fact) => {
            course::put(connection, &fact)?;
            applied.people = true;
            applied.conversations = true;
        }
    }
    Ok(())
}

fn merge(applied: &mut Applied, more: Applied) {
    applied.conversations |= more.conversations;
    applied.people |= more.people;
    applied.messages.extend(more.messages);
    applied.read.extend(more.read);
    applied.own.extend(more.own);
    applied.arrived.extend(more.arrived);
    applied.calls.extend(more.calls);
    applied.taken_back |= more.taken_back;
}

/// The content as it came, of which the typed one may have lost what is new.
fn raw_content(item: &FeedItem, message: &Message) -> String {
    item.data
        .pointer("/message/content")
        .filter(|_| message.content == Content::Unknown)
        .map_or_else(
            || serde_json::to_string(&message.content).unwrap_or_default(),
            ToString::to_string,
        )
}

/// Gives whether the message's conversation is known.
fn message_fact(
    connection: &Connection,
    fact: &MessageFact,
    content: &str,
    me: PersonId,
    applied: &mut Applied,
) -> Result<bool, StoreError> {
    let message = &fact.message;
    let put = message::put_raw(connection, message, content)?;
    if put == Put::NoConversation {
        return Ok(false);
    }
    conversation::seen_rev(connection, message.conversation, message.rev)?;
    conversation::set_unread(connection, message.conversation, fact.unread, me)?;
    applied.conversations = true;
    applied.messages.insert(message.conversation);
    applied.taken_back |= put == Put::Changed && message.content == Content::Deleted;
    if message.author == me {
        applied.own.push(message.id);
    } else if put == Put::New {
        applied.arrived.push(message.clone());
    }
    Ok(true)
}

/// Stores messages that were fetched (history, or the answer to a send) and not fed: they say
/// nothing of what else there is. Gives whether anything was new.
pub(crate) fn store_messages(
    connection: &Connection,
    messages: &[Message],
) -> Result<bool, StoreError> {
    let mut new = false;
    for message in messages {
        new |= matches!(message::put(connection, message)?, Put::New | Put::Changed);
    }
    Ok(new)
}

/// What a snapshot lists, gathered over its pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Listed {
    /// The conversations with their heads' revisions.
    pub(crate) conversations: Vec<(ConversationId, u64)>,
    /// The people.
    pub(crate) people: HashSet<PersonId>,
    /// The courses.
    pub(crate) courses: HashSet<CourseId>,
}

/// Stores a page of a snapshot. With the first page, what was stored of another life of the
/// server's database is thrown away: its revisions mean nothing anymore. Gives which conversations
/// have changes to be fetched, and after which revision.
pub(crate) fn snapshot_page(
    connection: &Connection,
    page: &Snapshot,
    first: bool,
    me: PersonId,
) -> Result<Vec<(ConversationId, u64)>, StoreError> {
    if first {
        let same_life =
            meta::cursor(connection)?.is_some_and(|cursor| cursor.epoch == page.cursor.epoch);
        if !same_life {
            search::clear(connection)?;
            connection.execute_batch(
                "DELETE FROM conversation; DELETE FROM call; DELETE FROM raw_fact;",
            )?;
            meta::set_cursor(connection, None)?;
        }
    }
    for one in &page.people {
        person::put(connection, one)?;
    }
    for one in &page.courses {
        course::put(connection, one)?;
    }
    let mut behind = Vec::new();
    for one in &page.conversations {
        conversation::put(connection, one, me)?;
        let known = conversation::get(connection, one.id)?.map_or(0, |entry| entry.synced_rev);
        if one.head_rev > known {
            let from = if known == 0 {
                one.head_rev.saturating_sub(FRESH_REVS)
            } else {
                known
            };
            behind.push((one.id, from));
        }
    }
    Ok(behind)
}

/// Stores changes of a conversation that were fetched for a snapshot.
pub(crate) fn snapshot_changes(
    connection: &Connection,
    changes: &Changes,
    me: PersonId,
) -> Result<Applied, StoreError> {
    let mut applied = Applied::default();
    for message in &changes.messages {
        if matches!(message::put(connection, message)?, Put::New | Put::Changed) {
            applied.conversations = true;
            applied.messages.insert(message.conversation);
            applied.taken_back |= message.content == Content::Deleted;
        }
        if message.author == me {
            applied.own.push(message.id);
        }
    }
    Ok(applied)
}

/// Ends a snapshot: what it did not list goes, and the feed goes on from its cursor.
pub(crate) fn snapshot_end(
    connection: &Connection,
    cursor: Cursor,
    listed: &Listed,
) -> Result<(), StoreError> {
    let kept: HashSet<ConversationId> = listed.conversations.iter().map(|(id, _)| *id).collect();
    conversation::keep_only(connection, &kept)?;
    person::keep_only(connection, &listed.people)?;
    course::keep_only(connection, &listed.courses)?;
    for (id, head_rev) in &listed.conversations {
        conversation::synced(connection, *id, *head_rev)?;
    }
    meta::set_cursor(connection, Some(cursor))
}

#[cfg(test)]
mod tests;
