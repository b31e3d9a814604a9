//! The feed: every durable fact that concerns a person, under a number without gaps.
//!
//! After [`crate::handshake::Ready`] the client sends [`SyncSince`] with its cursor. The server
//! sends [`Facts`] from there on, live and catch-up alike, never more than
//! [`crate::limits::SYNC_WINDOW`] ahead of the client's [`SyncAck`]. A cursor that is worth nothing
//! is answered with [`SyncMode::Snapshot`]: the client then pages through [`SnapshotAsk`], fetches
//! what changed per conversation, and asks [`SyncSince`] again with the snapshot's cursor.

use crate::{
    ConversationId, FeedEpoch,
    call::CallView,
    command::{Done, commands, notices},
    conversation::{Conversation, Message},
    people::{Course, Person},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How far a device has stored a person's feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The life of the server's database that `n` counts in.
    pub epoch: FeedEpoch,
    /// The last fact stored; 0 for none.
    pub n: u64,
}

/// `sync:since`: go on after this cursor; none on a device that has stored nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncSince {
    /// What the device has.
    pub cursor: Option<Cursor>,
}

/// How the server will go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncMode {
    /// [`Facts`] follow.
    Feed,
    /// Nothing follows: take a snapshot, then ask again.
    Snapshot,
}

/// The answer to [`SyncSince`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncStart {
    /// What to do.
    pub mode: SyncMode,
    /// The feed's last number now.
    pub head: u64,
}

/// `sync:ack`: facts up to this number are on the device's disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncAck {
    /// The last fact stored.
    pub n: u64,
}

/// `sync:snapshot`: a page of everything the person has, by conversation id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotAsk {
    /// The last conversation of the page before; none for the first page.
    pub after: Option<ConversationId>,
}

/// A page of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Where the feed stood when this page was read. Go on from the **first** page's cursor:
    /// facts between the pages are then applied again, which changes nothing.
    pub cursor: Cursor,
    /// By id.
    pub conversations: Vec<Conversation>,
    /// The people in them and all whom the reader may talk to (first page only for the latter).
    pub people: Vec<Person>,
    /// The reader's courses (first page only).
    pub courses: Vec<Course>,
    /// Whether there are more pages.
    pub more: bool,
}

/// `sync:facts`: facts in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The life of the database they count in.
    pub epoch: FeedEpoch,
    /// Facts after this number, up to `up_to`, are covered by `items`. A device whose cursor is
    /// elsewhere has missed some: it asks [`SyncSince`] again with its own cursor.
    pub after: u64,
    /// With rising `n`. Numbers may be left out where a later one replaces them.
    pub items: Vec<FeedItem>,
    /// Facts up to here are covered by `items`; the cursor after storing them.
    pub up_to: u64,
    /// The feed's last number now, to know how far behind one is.
    pub head: u64,
}

/// One fact with its number, its kind still a word: what a client does not know it keeps raw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedItem {
    /// Its number in the person's feed.
    pub n: u64,
    /// What kind of fact, see [`Fact`].
    pub kind: String,
    /// The fact, joined when it was read: as it stands now, not as it stood then.
    pub data: Value,
}

/// The facts this build knows. On the wire `{"kind": …, "data": …}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
pub enum Fact {
    /// A conversation is there or has changed, markers and unread included.
    Conversation(Conversation),
    /// A conversation is not the reader's anymore.
    ConversationGone(GoneConversation),
    /// A message is there or has changed.
    Message(MessageFact),
    /// A call is there or has changed.
    Call(CallView),
    /// A person is there or has changed.
    Person(Person),
    /// A course is there or has changed.
    Course(Course),
}

/// A conversation that the reader has no access to anymore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoneConversation {
    /// Which.
    pub id: ConversationId,
}

/// A message with the reader's counts as they stand now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageFact {
    /// The message.
    pub message: Message,
    /// The reader's unread messages in that conversation.
    pub unread: u32,
}

impl FeedItem {
    /// Wraps a fact.
    ///
    /// # Errors
    /// Never for the facts of this build; the type of JSON's own error.
    pub fn new(n: u64, fact: &Fact) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Wire {
            kind: String,
            data: Value,
        }
        let Wire { kind, data } = serde_json::from_value(serde_json::to_value(fact)?)?;
        Ok(Self { n, kind, data })
    }

    /// The fact, where this build knows its kind and can read it; else it is to be kept raw.
    #[must_use]
    pub fn fact(&self) -> Option<Fact> {
        let wire = serde_json::json!({ "kind": self.kind, "data": self.data });
        serde_json::from_value(wire).ok()
    }
}

commands! {
    SyncSince = "sync:since" in Data => SyncStart;
    SyncAck = "sync:ack" in Data => Done;
    SnapshotAsk = "sync:snapshot" in Data => Snapshot;
}

notices! {
    Facts = "sync:facts";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PersonId, people::Role};

    #[test]
    fn a_fact_survives_the_wire_and_an_unknown_one_stays_raw() {
        let maya = Person {
            id: PersonId::new(),
            name: "Maya".into(),
            role: Role::Mentor,
        };
        let item = FeedItem::new(7, &Fact::Person(maya.clone())).unwrap();
        assert_eq!(item.kind, "person");
        assert_eq!(item.fact(), Some(Fact::Person(maya)));

        let new = FeedItem {
            n: 8,
            kind: "hologram".into(),
            data: serde_json::json!({"x": 1}),
        };
        assert_eq!(new.fact(), None);
    }
}
