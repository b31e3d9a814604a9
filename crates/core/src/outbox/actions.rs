//! What the machine is told, and what it wants to be done.

use super::uploads::{FileEntry, Step};
use im_protocol::{
    ConversationId, FileId, OperationId, WireError,
    conversation::{Accepted, MessageSent},
};

/// A message, or a change of one, that waits, as far as the machine needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The order of writing.
    pub(crate) n: u64,
    /// Which.
    pub(crate) id: OperationId,
    /// Where to.
    pub(crate) conversation: ConversationId,
    /// Bytes that it takes in a request.
    pub(crate) bytes: usize,
    /// Whether it was refused for good.
    pub(crate) failed: bool,
    /// Whether it goes in a request of its own, as all but messages do.
    pub(crate) alone: bool,
    /// What has to be done before it, where that is unsent itself.
    pub(crate) after: Option<OperationId>,
    /// What it carries: the server has to have it first.
    pub(crate) files: Vec<FileEntry>,
}

/// What became of a request that the server has carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Messages were sent.
    Sent(MessageSent),
    /// A message was changed, and is stored here as it stands now.
    Stored,
}

/// Why a request as a whole has no answer with what became of its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SendFailure {
    /// The connection went, or no answer came: it may have arrived all the same.
    Lost,
    /// The server refused the request.
    Refused(WireError),
}

/// What the driver is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send these, in this order; answer with [`super::Outbox::answered`].
    Send {
        /// To be named in the answer.
        request: u64,
        /// Where to.
        conversation: ConversationId,
        /// What.
        ids: Vec<OperationId>,
    },
    /// Store these messages as the server accepted them, then delete their rows; answer with
    /// [`super::Outbox::settled`] or [`super::Outbox::not_settled`].
    Settle {
        /// Where.
        conversation: ConversationId,
        /// What, with their places.
        accepted: Vec<Accepted>,
    },
    /// Delete the rows: the messages are stored. Answer as for [`Action::Settle`].
    Forget(Vec<OperationId>),
    /// Keep with the row why it was refused for good.
    Park {
        /// Which.
        id: OperationId,
        /// Why.
        error: WireError,
    },
    /// Hand over a file; answer with [`super::Outbox::uploaded`].
    Upload {
        /// Which.
        id: FileId,
        /// To be named in the answer.
        step: u64,
        /// What to ask.
        what: Step,
    },
    /// Note that the server does not have these files (anymore).
    Anew(Vec<FileId>),
}
