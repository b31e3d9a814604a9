//! What a search has found.

use im_protocol::{ConversationId, MessageId, UnixMs};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A page of hits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SearchPage {
    /// Newest first; what is not accepted yet comes first. 50, or a few more with what is unsent.
    pub hits: Vec<SearchHit>,
    /// Where the next page begins; none where there is no more. A page may have fewer hits than 50 and
    /// a next one: then looking further would have taken long.
    #[ts(type = "number | null")]
    pub next: Option<i64>,
    /// Whether older messages are still being indexed and may be missing.
    pub indexing: bool,
}

/// A message that was found.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SearchHit {
    /// Which.
    #[ts(as = "String")]
    pub message: MessageId,
    /// Where.
    #[ts(as = "String")]
    pub conversation: ConversationId,
    /// Its place there; none while it is not accepted.
    #[ts(type = "number | null")]
    pub seq: Option<u64>,
    /// Whether the signed-in person wrote it.
    pub mine: bool,
    /// When: the server's time, or this device's while it is not accepted.
    #[ts(type = "number")]
    pub at: UnixMs,
    /// The part of its words around the first mark, on one line.
    pub text: String,
    /// What was found in `text`, in order and apart.
    pub marks: Vec<MarkRange>,
}

/// A part of a text, in UTF-16 code units, as JavaScript counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MarkRange {
    /// Its first.
    pub from: u32,
    /// The one after its last.
    pub to: u32,
}

// What people write stays out of logs.
im_protocol::opaque_debug!(SearchHit);
