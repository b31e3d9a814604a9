//! Conversations, messages and read markers.
//!
//! Order comes from the server: `seq` counts a conversation's messages from 1 without gaps, `rev`
//! counts its changes of any kind. A device applies a message only where its `rev` is higher than
//! the one it has.

use crate::{
    CallId, ConversationId, CourseId, EditId, FileId, MessageId, PersonId, UnixMs, WireError,
    call::{CallOutcome, MediaKinds},
    command::{Done, commands, notices},
    files::FileInfo,
    opaque_debug,
};
use serde::{Deserialize, Serialize};

/// Why nothing is written in a conversation (anymore), as far as its reader is to know: it can be
/// read, and whatever would change it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// One of the two has deleted their account: for good.
    Deleted,
    /// Nothing ties the two anymore: they are not in the course together, or in none at all.
    Untied,
    /// The reader blocks the other.
    Blocked,
    /// The other cannot be reached. Why is not told.
    Unreachable,
    /// A reason of a newer server.
    #[serde(other)]
    Other,
}

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
    /// Why nothing is written there, where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
}

/// What a message says.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    /// Words of its author.
    Text {
        /// Plain text; clients render it safely. May be empty where the message has files.
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
    /// Its author took it back: only that it was there is left.
    Deleted,
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
            Self::Deleted => f.write_str("Deleted"),
            Self::Unknown => f.write_str("Unknown"),
        }
    }
}

/// One emoji under a message, with who gave it, in the order in which they did.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// Who.
    pub people: Vec<PersonId>,
}

opaque_debug!(Reaction);

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
    /// The message of the same conversation that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// The server's clock when its words were changed last, if they ever were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<UnixMs>,
    /// By the time of the first of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
    /// In the order in which its author put them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileInfo>,
}

/// One message to send.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMessage {
    /// Made by the client; sending it again gives the first result again.
    pub id: MessageId,
    /// The words, 1 to [`crate::limits::MESSAGE_CHARS`] characters; none where there are files.
    pub text: String,
    /// The device's clock when it was written.
    pub written_at: UnixMs,
    /// The message of the same conversation that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// Whole files of the author's own for this conversation, each once and carried by no other
    /// message, up to [`crate::limits::MESSAGE_FILES`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileId>,
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

/// `message:edit`: other words for an own message. Of edits at the same time the last to arrive
/// wins; the others are in the trace. Sending it again with the same id changes nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageEdit {
    /// Made by the client: the operation's id.
    pub id: EditId,
    /// Where.
    pub conversation: ConversationId,
    /// Which message.
    pub message: MessageId,
    /// The new words, as for [`NewMessage::text`]; its files stay.
    pub text: String,
}

opaque_debug!(MessageEdit);

/// `message:delete`: takes an own message back. Its place stays; its words, their trace, its
/// reactions and its files are told to nobody anymore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageDelete {
    /// Where.
    pub conversation: ConversationId,
    /// Which message.
    pub message: MessageId,
}

/// `message:react`: gives an emoji to a message, or takes it back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageReact {
    /// Where.
    pub conversation: ConversationId,
    /// Which message.
    pub message: MessageId,
    /// One emoji, at most [`crate::limits::EMOJI_BYTES`] long.
    pub emoji: String,
    /// Whether it is given.
    pub on: bool,
}

opaque_debug!(MessageReact);

/// `message:trace`: the earlier words of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageTrace {
    /// Where.
    pub conversation: ConversationId,
    /// Which message.
    pub message: MessageId,
}

/// Words that a message had before.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wording {
    /// The words.
    pub text: String,
    /// The server's clock when they were accepted.
    pub at: UnixMs,
}

opaque_debug!(Wording);

/// The answer to [`MessageTrace`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Oldest first; the present words are not among them.
    pub wordings: Vec<Wording>,
}

/// `typing:start`: the person is writing. Handed on to the other's devices, who take it for over
/// after [`crate::limits::TYPING_MS`] without another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypingStart {
    /// Where.
    pub conversation: ConversationId,
}

/// `typing:stop`: the person does not write anymore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypingStop {
    /// Where.
    pub conversation: ConversationId,
}

/// [`TypingStart`] as the other's devices are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypingStarted {
    /// Where.
    pub conversation: ConversationId,
    /// Who.
    pub person: PersonId,
}

/// [`TypingStop`] as the other's devices are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypingStopped {
    /// Where.
    pub conversation: ConversationId,
    /// Who.
    pub person: PersonId,
}

commands! {
    MessageEdit = "message:edit" in Data => Message;
    MessageDelete = "message:delete" in Data => Message;
    MessageReact = "message:react" in Data => Message;
    MessageTrace = "message:trace" in Data => Trace;
    TypingStart = "typing:start" in Data => Done;
    TypingStop = "typing:stop" in Data => Done;
    MessageSend = "message:send" in Data => MessageSent;
    ReadMark = "read:mark" in Data => Done;
    ChangesSince = "conversation:changes" in Data => Changes;
}

notices! {
    TypingStarted = "typing:start";
    TypingStopped = "typing:stop";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_an_older_peer_has_no_marks_and_one_without_marks_is_written_as_before() {
        let (id, conversation, author) = (MessageId::new(), ConversationId::new(), PersonId::new());
        let json = format!(
            r#"{{"id":"{id}","conversation":"{conversation}","seq":1,"rev":1,"author":"{author}","content":{{"type":"text","text":"Hi"}},"written_at":1,"accepted_at":2}}"#
        );
        let message: Message = serde_json::from_str(&json).unwrap();
        assert_eq!((message.reply_to, message.edited_at), (None, None));
        assert!(message.reactions.is_empty() && message.files.is_empty());
        assert_eq!(serde_json::to_string(&message).unwrap(), json);
    }

    #[test]
    fn a_conversation_of_an_older_server_is_open_and_a_new_reason_closes_it() {
        let (id, sam) = (ConversationId::new(), PersonId::new());
        let json = |more: &str| {
            format!(
                r#"{{"id":"{id}","members":["{sam}"],"course":null,"created_at":1,"head_seq":0,"head_rev":0,"read_seq":0,"other_read_seq":0,"unread":0{more}}}"#
            )
        };
        let read = |more: &str| serde_json::from_str::<Conversation>(&json(more)).unwrap();
        assert_eq!(read("").closed, None);
        assert_eq!(serde_json::to_string(&read("")).unwrap(), json(""));
        let untied = read(r#","closed":"untied""#).closed;
        assert_eq!(untied, Some(Closed::Untied));
        let new = read(r#","closed":"on_the_moon""#).closed;
        assert_eq!(new, Some(Closed::Other));
    }

    #[test]
    fn content_of_a_newer_peer_does_not_spoil_the_message() {
        let json = r#"{"type":"hologram","data":[1,2,3]}"#;
        assert_eq!(
            serde_json::from_str::<Content>(json).unwrap(),
            Content::Unknown
        );
    }
}
