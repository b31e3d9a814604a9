//! Conversations, messages and read markers.
//!
//! Order comes from the server: `seq` counts a conversation's messages from 1 without gaps, `rev`
//! counts its changes of any kind. A device applies a message only where its `rev` is higher than
//! the one it has.

use crate::{
    CallId, ConversationId, CourseId, MessageId, PersonId, UnixMs, WireError,
    call::{CallOutcome, MediaKinds},
    command::{Done, commands},
    opaque_debug,
};
use serde::{Deserialize, Serialize};

/// A conversation as one of its people sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// Which.
    pub id: ConversationId,
    /// The people in it, both, the reader included.
    pub members: Vec<PersonId>,
    /// The course it is about, if any.
    #[serde(default)]
    pub course: Option<CourseId>,
    /// When it was made.
    pub created_at: UnixMs,
    /// The `seq` of its last message, 0 where there is none.
    pub head_seq: u64,
    /// The `rev` of its last change.
    pub head_rev: u64,
    /// How far the reader has read.
    pub read_seq: u64,
    /// How far the other has read.
    pub other_read_seq: u64,
    /// Messages of the other after `read_seq`.
    pub unread: u32,
}

/// What a message says.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    /// Words of its author.
    Text {
        /// Plain text; clients render it safely.
        text: String,
    },
    /// A call that is over, written by the server in the caller's name.
    Call {
        /// Which call.
        call: CallId,
        /// How it ended.
        outcome: CallOutcome,
        /// What the caller chose.
        media: MediaKinds,
        /// How long the two were connected, in milliseconds.
        duration_ms: u64,
    },
    /// A kind of a newer peer.
    #[serde(other)]
    Unknown,
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // What people write stays out of logs.
            Self::Text { .. } => f.write_str("Text { .. }"),
            Self::Call {
                call,
                outcome,
                media,
                duration_ms,
            } => f
                .debug_struct("Call")
                .field("call", call)
                .field("outcome", outcome)
                .field("media", media)
                .field("duration_ms", duration_ms)
                .finish(),
            Self::Unknown => f.write_str("Unknown"),
        }
    }
}

/// A message as it stands now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Which; made by the author's device.
    pub id: MessageId,
    /// Where.
    pub conversation: ConversationId,
    /// Its place, from 1.
    pub seq: u64,
    /// The conversation's `rev` at its last change.
    pub rev: u64,
    /// Who wrote it.
    pub author: PersonId,
    /// What it says.
    pub content: Content,
    /// The author's clock when it was written. For display only; may be wrong by years.
    pub written_at: UnixMs,
    /// The server's clock when it was accepted.
    pub accepted_at: UnixMs,
}

/// One message to send.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMessage {
    /// Made by the client; sending it again gives the first result again.
    pub id: MessageId,
    /// The words, 1 to [`crate::limits::MESSAGE_CHARS`] characters.
    pub text: String,
    /// The device's clock when it was written.
    pub written_at: UnixMs,
}

opaque_debug!(NewMessage);

/// `message:send`: messages into one conversation, in this order, up to
/// [`crate::limits::SEND_ITEMS`]. The server stops at the first that it refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageSend {
    /// Where to.
    pub conversation: ConversationId,
    /// What, oldest first.
    pub items: Vec<NewMessage>,
}

/// What became of a message that was accepted, now or at an earlier try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Which.
    pub id: MessageId,
    /// Its place.
    pub seq: u64,
    /// Its revision.
    pub rev: u64,
    /// When the server accepted it first.
    pub accepted_at: UnixMs,
}

/// The first message that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotAccepted {
    /// Which.
    pub id: MessageId,
    /// Why.
    pub error: WireError,
}

/// The answer to [`MessageSend`]: all of `accepted` are on disk; what follows `failed` was not
/// looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageSent {
    /// In the order given.
    pub accepted: Vec<Accepted>,
    /// Where it stopped, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<NotAccepted>,
}

/// `read:mark`: the person has read up to this message. Only ever moves forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMark {
    /// Where.
    pub conversation: ConversationId,
    /// The last message read; beyond the head counts as the head.
    pub seq: u64,
}

/// `conversation:changes`: what changed in a conversation after a revision, by rising `rev`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesSince {
    /// Where.
    pub conversation: ConversationId,
    /// The revision that the device has; 0 for all.
    pub rev: u64,
    /// Rows wanted, 1 to [`crate::limits::PAGE_ROWS`].
    pub limit: u32,
}

/// The answer to [`ChangesSince`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// By rising `rev`.
    pub messages: Vec<Message>,
    /// Whether there is more: ask again with the last `rev`.
    pub more: bool,
}

commands! {
    MessageSend = "message:send" in Data => MessageSent;
    ReadMark = "read:mark" in Data => Done;
    ChangesSince = "conversation:changes" in Data => Changes;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_of_a_newer_peer_does_not_spoil_the_message() {
        let json = r#"{"type":"hologram","data":[1,2,3]}"#;
        assert_eq!(
            serde_json::from_str::<Content>(json).unwrap(),
            Content::Unknown
        );
    }
}
