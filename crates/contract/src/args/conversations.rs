//! Conversations as a whole: opening, reading, drafts.

use im_protocol::{ConversationId, CourseId, MessageId, PersonId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Opens the conversation with a person, about a course where there is one.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OpenArgs {
    /// With whom.
    #[ts(as = "String")]
    pub with: PersonId,
    /// About what.
    #[ts(as = "Option<String>")]
    pub course: Option<CourseId>,
}

/// The person writes, or does not anymore.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TypingArgs {
    /// Where.
    #[ts(as = "String")]
    pub conversation: ConversationId,
    /// Which of the two.
    pub on: bool,
}

/// A conversation.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ConversationArgs {
    /// Which.
    #[ts(as = "String")]
    pub conversation: ConversationId,
}

/// What the person has begun to write.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DraftArgs {
    /// Where.
    #[ts(as = "String")]
    pub conversation: ConversationId,
    /// The words; empty for none.
    pub text: String,
    /// The message that they will answer.
    #[ts(as = "Option<String>")]
    pub reply_to: Option<MessageId>,
}

/// The person has read so far.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReadArgs {
    /// Where.
    #[ts(as = "String")]
    pub conversation: ConversationId,
    /// The last message read.
    #[ts(type = "number")]
    pub seq: u64,
}

// What people write stays out of logs.
im_protocol::opaque_debug!(DraftArgs);
