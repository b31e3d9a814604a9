//! The server's side of a call: who may do what when, and what follows from it.
//!
//! No input or output, no clock: the server reads a [`Call`] in a transaction, lets [`Rules::start`]
//! or [`Rules::step`] decide, writes what comes back, and carries out the [`Effect`]s in the same
//! transaction (telling, after it).
//!
//! | input | source | what it does |
//! |---|---|---|
//! | [`Rules::start`] | caller's device | rings; or busy; or joins the call that already rings the other way |
//! | [`Input::Receipt`] | callee's device | raises how far the ring has come |
//! | [`Input::Accept`] | callee's device | ringing → accepted; the first device wins |
//! | [`Input::Reject`] | callee's device | ringing → over, rejected, on all devices |
//! | [`Input::End`] | device that called or accepted | ringing → canceled (by the callee: rejected), later → ended or failed |
//! | [`Input::Connected`] | both joined devices | accepted → connected, when both have told |
//! | [`Input::Away`], [`Input::Back`] | presence | starts and stops the grace of a device without a socket |
//! | [`Input::Restarted`] | the server's start | nobody has a socket: all grace begins anew |
//! | [`Input::Deadline`] | sweeper | missed, failed, canceled or ended, whichever is due |
//!
//! Decisions that are not obvious:
//! - **A call to somebody offline rings.** A device that comes within the ring's time still rings;
//!   the caller sees it by the receipt, which stays `sent`. After it, the call is missed.
//! - **Connected means that both have told**: with DTLS one end can be done while the other never
//!   is. Once one has told, the connect deadline holds only while the silent one has a socket to
//!   tell by: media that flows without signalling is never cut.
//! - **Whose device is gone** is asked of the device that called, not of all the caller's devices:
//!   only that one can take up the call.
//! - **The end of a callee while it rings** is a rejection: whoever accepts and hangs up before
//!   the accept has arrived wants exactly that.
//! - **A call that was connected and broke off** has failed, and has its length: one that never connected
//!   has none. Devices of any version can read that.
//! - **A call both of whose devices are gone** for [`Rules::abandoned_ms`] is over; its length
//!   counts until the last of them was seen.

mod start;
mod step;
#[cfg(test)]
mod tests;
mod view;

pub use start::{Asked, Situation, Started, offerer};
pub use view::Signal;

use im_protocol::{
    CallId, ConversationId, DeviceId, ErrorCode, PersonId, UnixMs, WireError,
    call::{CallOutcome, CallState, MediaKinds, RejectReason, RingReceipt},
    conversation::Content,
    limits,
};

/// One device of one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Whose.
    pub person: PersonId,
    /// Which.
    pub device: DeviceId,
}

/// A call as the server keeps it: one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Which.
    pub id: CallId,
    /// +1 with each step that the two are told of; 1 at the start.
    pub rev: u64,
    /// Where its record goes.
    pub conversation: ConversationId,
    /// The device that called.
    pub caller: Endpoint,
    /// Who is called.
    pub callee: PersonId,
    /// The device that accepted.
    pub callee_device: Option<DeviceId>,
    /// Who makes all offers.
    pub offerer: PersonId,
    /// What it is about; may be empty.
    pub about: String,
    /// Where it stands.
    pub state: CallState,
    /// How it ended; set exactly while the state is over.
    pub outcome: Option<CallOutcome>,
    /// Why it was declined.
    pub reason: Option<RejectReason>,
    /// What the caller sends at first.
    pub caller_media: MediaKinds,
    /// What the callee sends at first.
    pub callee_media: Option<MediaKinds>,
    /// How far the ring has come.
    pub receipt: RingReceipt,
    /// The start of the callee's that was joined to this call, where both called each other.
    /// Sending that start again finds this call.
    pub crossed: Option<CallId>,
    /// When it began.
    pub started_at: UnixMs,
    /// When the present state runs out by itself: the ring, or the time to connect.
    pub deadline: Option<UnixMs>,
    /// Whether the caller's device has media.
    pub caller_connected: bool,
    /// Whether the callee's device has media.
    pub callee_connected: bool,
    /// Since when the caller's device has had no socket.
    pub caller_away: Option<UnixMs>,
    /// Since when the callee's device has had no socket; none before one has joined.
    pub callee_away: Option<UnixMs>,
    /// When both had media.
    pub connected_at: Option<UnixMs>,
    /// When it was over.
    pub ended_at: Option<UnixMs>,
}

/// What the server lets a call decide about, each named by its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A device tells how far the ring has come.
    Receipt(Endpoint, RingReceipt),
    /// A device takes the call and will send this.
    Accept(Endpoint, MediaKinds),
    /// A person declines.
    Reject(Endpoint, RejectReason),
    /// A device hangs up, or gives the call up as failed.
    End {
        /// Who.
        by: Endpoint,
        /// Media could not connect or broke for good.
        failed: bool,
    },
    /// A device has media.
    Connected(Endpoint),
    /// A device lost its last socket.
    Away(Endpoint),
    /// A device has a socket (again).
    Back(Endpoint),
    /// The server started: no device has a socket yet.
    Restarted,
    /// Time has passed.
    Deadline,
}

/// What the server has to do because of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// All devices of both hear the new view: by a feed row each, and at once.
    Tell,
    /// Both are free for other calls: their rows of active calls go.
    Free,
    /// The record goes into the conversation.
    Write(Record),
    /// The device that stays hears that the other has left.
    Left(Endpoint),
}

/// A call that is over, as a message in the caller's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where.
    pub conversation: ConversationId,
    /// In whose name.
    pub author: PersonId,
    /// What it says.
    pub content: Content,
    /// Whether it counts as unread for the callee: they have not taken part and should see it.
    pub unread: bool,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The row as it is to be written. Equal to the one before where nothing changed.
    pub call: Call,
    /// What follows, in this order. Empty where the two see no difference.
    pub effects: Vec<Effect>,
}

/// Why an input does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The asker has nothing to do with this call, and does not learn that there is one.
    #[error("There is no such call.")]
    NotFound,
    /// The asker's side or device may not do this.
    #[error("This device may not do that in this call.")]
    Forbidden,
    /// Another device of the asker took the call.
    #[error("You answered on another device.")]
    AnsweredElsewhere,
    /// The call is over.
    #[error("This call is over.")]
    Gone,
    /// The state does not allow it.
    #[error("This call is not at that point.")]
    Conflict,
    /// The asker is in a call, or is being called by somebody.
    #[error("You are in another call.")]
    InCall,
    /// The id belongs to another call.
    #[error("This id was used for another call.")]
    IdReused,
}

impl From<Refused> for WireError {
    fn from(refused: Refused) -> Self {
        let code = match refused {
            Refused::NotFound => ErrorCode::NotFound,
            Refused::Forbidden => ErrorCode::Forbidden,
            Refused::AnsweredElsewhere => ErrorCode::AnsweredElsewhere,
            Refused::Gone => ErrorCode::Gone,
            Refused::Conflict | Refused::InCall => ErrorCode::Conflict,
            Refused::IdReused => ErrorCode::IdReused,
        };
        Self::new(code, refused.to_string())
    }
}

/// How long things may take, in milliseconds. The product's values are the default; tests shorten
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How long it rings.
    pub ring_ms: i64,
    /// How long an accepted call may take to connect.
    pub connect_ms: i64,
    /// How long a ring outlives the socket of the device that called. Also how long after the
    /// server's start devices have to tell that they are connected.
    pub caller_gone_ms: i64,
    /// How long a joined call outlives the sockets of both its devices.
    pub abandoned_ms: i64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            ring_ms: limits::RING_MS,
            connect_ms: limits::CONNECT_MS,
            caller_gone_ms: limits::CALLER_GONE_MS,
            abandoned_ms: limits::ABANDONED_MS,
        }
    }
}
