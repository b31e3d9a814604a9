//! Messages as the UI shows them.

use crate::{UiError, files::FileView};
use im_protocol::{CallId, MessageId, OperationId, PersonId, UnixMs, call::CallOutcome};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The last message, short.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LastMessage {
    /// Its content; a text is cut to one line of 120 characters.
    pub content: ContentView,
    /// How many files it carries.
    pub files: u32,
    /// The name of the first of them; empty for none.
    pub file: String,
    /// Whether the signed-in person wrote it.
    pub mine: bool,
    /// Where it stands.
    pub state: MessageState,
}

/// What a message says.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export)]
pub enum ContentView {
    /// Words, to be shown as text.
    Text {
        /// The words; may be empty where there are files.
        text: String,
    },
    /// A call that is over.
    Call {
        /// Which.
        #[ts(as = "String")]
        call: CallId,
        /// How it ended.
        #[ts(type = "'ended' | 'rejected' | 'missed' | 'canceled' | 'busy' | 'failed' | 'other'")]
        outcome: CallOutcome,
        /// Whether the caller chose picture.
        video: bool,
        /// How long the two were connected, in milliseconds.
        #[ts(type = "number")]
        duration_ms: u64,
    },
    /// Its author took it back.
    Deleted,
    /// Something that this version cannot show, or that is not here.
    Unknown,
}

impl std::fmt::Debug for ContentView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // What people write stays out of logs.
            Self::Text { .. } => f.write_str("Text { .. }"),
            Self::Call {
                call,
                outcome,
                video,
                duration_ms,
            } => f
                .debug_struct("Call")
                .field("call", call)
                .field("outcome", outcome)
                .field("video", video)
                .field("duration_ms", duration_ms)
                .finish(),
            Self::Deleted => f.write_str("Deleted"),
            Self::Unknown => f.write_str("Unknown"),
        }
    }
}

/// A message in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MessageRow {
    /// Which.
    #[ts(as = "String")]
    pub id: MessageId,
    /// Its place; none while it is not accepted.
    #[ts(type = "number | null")]
    pub seq: Option<u64>,
    /// Who wrote it.
    #[ts(as = "String")]
    pub author: PersonId,
    /// Whether the signed-in person wrote it.
    pub mine: bool,
    /// What it says.
    pub content: ContentView,
    /// When: the server's time, or this device's while it is not accepted.
    #[ts(type = "number")]
    pub at: UnixMs,
    /// Where it stands.
    pub state: MessageState,
    /// Why it could not be sent, where it could not.
    pub error: Option<UiError>,
    /// Whether its words were changed.
    pub edited: bool,
    /// Whether the person may change its words and take it back.
    pub editable: bool,
    /// Whether the person may answer it and react to it.
    pub answerable: bool,
    /// What it answers.
    pub reply: Option<ReplyView>,
    /// By the time of the first of each.
    pub reactions: Vec<ReactionView>,
    /// What it carries.
    pub files: Vec<FileView>,
    /// Whether a change of it, which is shown already, is not on the server yet.
    pub pending: bool,
    /// The first change of it that was refused for good.
    pub trouble: Option<Trouble>,
}

/// The message that another one answers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReplyView {
    /// Which.
    #[ts(as = "String")]
    pub id: MessageId,
    /// Its place; none where it is not here.
    #[ts(type = "number | null")]
    pub seq: Option<u64>,
    /// The name of who wrote it; empty where it is not here.
    pub author: String,
    /// Whether the signed-in person wrote it.
    pub mine: bool,
    /// Its content; a text is cut to one line of 120 characters.
    pub content: ContentView,
    /// How many files it carries.
    pub files: u32,
    /// The name of the first of them; empty for none.
    pub file: String,
}

/// An emoji under a message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReactionView {
    /// The emoji.
    pub emoji: String,
    /// How many gave it.
    pub count: u32,
    /// Whether the signed-in person did.
    pub mine: bool,
    /// The names of the others who did.
    pub people: Vec<String>,
}

/// A change of a message that was refused for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Trouble {
    /// The operation, for `messages.retry` and `messages.discard`.
    #[ts(as = "String")]
    pub op: OperationId,
    /// What was wanted.
    pub kind: TroubleKind,
    /// Why it was refused.
    pub error: UiError,
}

/// See [`Trouble`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum TroubleKind {
    /// Other words.
    Edit,
    /// To take it back.
    Delete,
    /// To give or take an emoji.
    React,
}

/// Words that a message had before.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WordingView {
    /// The words.
    pub text: String,
    /// When the server accepted them.
    #[ts(type = "number")]
    pub at: UnixMs,
}

/// What the person has begun to write.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Draft {
    /// The words.
    pub text: String,
    /// The message that they will answer.
    #[ts(as = "Option<String>")]
    pub reply_to: Option<MessageId>,
    /// The files that will go with them.
    pub files: Vec<FileView>,
}

// What people write stays out of logs.
im_protocol::opaque_debug!(LastMessage, ReplyView, ReactionView, WordingView, Draft);

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum MessageState {
    /// On this device's disk, waiting for a connection.
    Waiting,
    /// On its way.
    Sending,
    /// On the server's disk.
    Sent,
    /// The other has read it.
    Read,
    /// Refused for good: retry or discard.
    Failed,
    /// Of the other.
    Received,
}

/// A page of messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MessagePage {
    /// Oldest first and without a gap; what is not accepted yet comes last, on a page that goes to the
    /// end. Where the messages next to what was asked for are not on this computer and cannot be
    /// fetched right now, the page ends there: it may be empty though there is more.
    pub messages: Vec<MessageRow>,
    /// Whether there are older ones, here or on the server.
    pub more: bool,
    /// Whether there are newer ones, here or on the server.
    pub newer: bool,
    /// Where the other's unread messages begin as of this page, if there are any. Who opens a
    /// conversation keeps the first page's: reading moves it.
    #[ts(type = "number | null")]
    pub first_unread_seq: Option<u64>,
}
