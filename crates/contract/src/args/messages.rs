//! Messages and what becomes of them.

use im_protocol::{ConversationId, FileId, MessageId, OperationId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A page of a conversation: before a place, after one, or around one; the newest where none is given.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PageArgs {
    /// Which conversation.
    #[ts(as = "String")]
    pub conversation: ConversationId,
    /// Messages before this place.
    #[ts(type = "number | null")]
    pub before: Option<u64>,
    /// Messages after this place. Only where `before` is none.
    #[serde(default)]
    #[ts(optional, type = "number | null")]
    pub after: Option<u64>,
    /// The message at this place in the middle. Only where the others are none.
    #[serde(default)]
    #[ts(optional, type = "number | null")]
    pub around: Option<u64>,
    /// Rows wanted, 1 to 200.
    pub limit: u32,
}

impl PageArgs {
    /// The newest page.
    #[must_use]
    pub const fn newest(conversation: ConversationId, limit: u32) -> Self {
        Self {
            conversation,
            before: None,
            after: None,
            around: None,
            limit,
        }
    }
}

/// A text to send.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SendArgs {
    /// Where to.
    #[ts(as = "String")]
    pub conversation: ConversationId,
    /// The words.
    pub text: String,
    /// The message that they answer.
    #[ts(as = "Option<String>")]
    pub reply_to: Option<MessageId>,
    /// Files of the draft that go with them; the words may be empty then.
    #[ts(as = "Vec<String>")]
    pub files: Vec<FileId>,
}

/// What is in the outbox: a message by its own id, a change of one by [`crate::views::Trouble`]'s.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OperationArgs {
    /// Which.
    #[ts(as = "String")]
    pub id: OperationId,
}

/// A message of a conversation.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MessageArgs {
    /// Where.
    #[ts(as = "String")]
    pub conversation: ConversationId,
    /// Which.
    #[ts(as = "String")]
    pub id: MessageId,
}

/// Other words for a message.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct EditArgs {
    /// Where.
    #[ts(as = "String")]
    pub conversation: ConversationId,
    /// Which.
    #[ts(as = "String")]
    pub id: MessageId,
    /// The words.
    pub text: String,
}

/// An emoji for a message.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReactArgs {
    /// Where.
    #[ts(as = "String")]
    pub conversation: ConversationId,
    /// Which.
    #[ts(as = "String")]
    pub id: MessageId,
    /// The emoji.
    pub emoji: String,
    /// Whether it is given; else it is taken back.
    pub on: bool,
}

// What people write stays out of logs.
im_protocol::opaque_debug!(EditArgs, ReactArgs);
