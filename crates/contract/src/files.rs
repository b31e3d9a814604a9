//! Files of messages and of what the person has begun to write.

use crate::UiError;
use im_protocol::{ConversationId, FileId, MessageId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A file of a message or of a draft.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FileView {
    /// Which.
    #[ts(as = "String")]
    pub id: FileId,
    /// As its author called it.
    pub name: String,
    /// Bytes.
    #[ts(type = "number")]
    pub size: u64,
    /// An image's size, in pixels; none for what is not shown as one.
    pub width: Option<u32>,
    /// See `width`.
    pub height: Option<u32>,
    /// Where it is.
    pub state: FileState,
    /// Bytes that are over already, where it is on its way.
    #[ts(type = "number")]
    pub done: u64,
    /// Why it could not be fetched, where it could not.
    pub error: Option<UiError>,
    /// Whether the person saved it on this device.
    pub saved: bool,
}

/// Where a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum FileState {
    /// In a draft.
    Chosen,
    /// On its way to the server, or waiting for its turn or for a connection.
    Uploading,
    /// Not handed over, because the person holds it.
    UploadHeld,
    /// On the server's disk, before its message.
    Uploaded,
    /// On the server only.
    There,
    /// On its way here, or waiting for its turn or for a connection.
    Fetching,
    /// Not fetched, because the person holds it.
    FetchHeld,
    /// It could not be fetched.
    FetchFailed,
    /// On this device.
    Here,
}

/// How far a file on its way is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FileProgress {
    /// Which.
    #[ts(as = "String")]
    pub id: FileId,
    /// Bytes that are over.
    #[ts(type = "number")]
    pub done: u64,
}

/// What the person dropped on the window is chosen for a conversation.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DropArgs {
    /// Where to.
    #[ts(as = "String")]
    pub conversation: ConversationId,
    /// What was told with the drop.
    #[ts(type = "number")]
    pub drop: u64,
}

/// Files that were not chosen, each with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Choosing {
    /// In the order given.
    pub refused: Vec<NotChosen>,
}

/// What became of what is in the clipboard.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum Pasted {
    /// Files or a picture were chosen.
    Chosen {
        /// But for these.
        refused: Vec<NotChosen>,
    },
    /// Words, which belong to what is being written.
    Words {
        /// As they were copied.
        text: String,
    },
    /// Nothing that can be sent, or it was not handed over.
    Nothing,
}

/// A file that was not chosen.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct NotChosen {
    /// Its name.
    pub name: String,
    /// Why.
    pub error: UiError,
}

/// A file whose bytes the page has is chosen for a conversation.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BeginFileArgs {
    /// Where to.
    #[ts(as = "String")]
    pub conversation: ConversationId,
    /// Its name.
    pub name: String,
    /// Bytes that will come.
    #[ts(type = "number")]
    pub size: u64,
}

/// A file that is being chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Begun {
    /// Which.
    #[ts(as = "String")]
    pub id: FileId,
}

/// The next bytes of a file that is being chosen; with the last ones it belongs to the draft.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AppendFileArgs {
    /// Which.
    #[ts(as = "String")]
    pub id: FileId,
    /// The bytes, as Base64 (RFC 4648, section 4), 4 MiB of them at most.
    pub data: String,
}

/// A file of a message.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MessageFileArgs {
    /// Whose.
    #[ts(as = "String")]
    pub message: MessageId,
    /// Which.
    #[ts(as = "String")]
    pub id: FileId,
}

/// A file.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FileArgs {
    /// Which.
    #[ts(as = "String")]
    pub id: FileId,
}

/// A file was saved.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SavedFile {
    /// Where.
    pub path: String,
}

// What people call and keep their files stays out of logs.
im_protocol::opaque_debug!(
    FileView,
    NotChosen,
    BeginFileArgs,
    AppendFileArgs,
    SavedFile
);
