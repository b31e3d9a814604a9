//! What goes into the machine and what comes out.

use crate::{
    auth::{AuthError, OnRefusal},
    packet::Args,
    state::{DisconnectReason, Refusal, State},
};
use bytes::Bytes;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Something happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// Owner: begin to connect.
    Start,
    /// Owner: the answer to [`Output::FetchAuth`].
    Auth(Result<Value, AuthError>),
    /// Owner: the answer to [`Output::AskOwner`].
    Decision(OnRefusal),
    /// Owner: send an event.
    Emit(Emit),
    /// Owner: answer an event of the server.
    Reply {
        /// The id from [`Output::Event`].
        id: u64,
        /// The JSON array of the arguments.
        json: String,
    },
    /// Owner: connect within a second, or find out whether the connection still lives.
    ReconnectSoon,
    /// Owner: from now on wait no longer than a second between connects, or be patient again.
    Hurried(bool),
    /// Owner: end it for good.
    Close,
    /// Driver: the transport is open.
    Opened,
    /// Driver: the transport could not be opened, or is gone.
    TransportGone(DisconnectReason),
    /// Driver: a text frame.
    Text(&'a str),
    /// Driver: a binary frame.
    Binary(Bytes),
    /// Driver: a WebSocket pong frame.
    Pong(&'a [u8]),
    /// Driver: an event found no room.
    ConsumerTooSlow,
    /// Driver: do not connect while set, since the owner has not yet heard of the last end.
    Hold(bool),
    /// Driver: time has passed.
    Tick,
}

/// An event to send.
#[derive(Debug)]
pub struct Emit {
    /// The JSON array of name and arguments.
    pub json: String,
    /// Binary frames that follow.
    pub attachments: Vec<Bytes>,
    /// Whether an acknowledgement is wanted.
    pub ack: Option<Await>,
}

/// An acknowledgement that is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Await {
    /// The protocol's id, never used before on this machine.
    pub id: u64,
    /// Until when. Set when the event was queued, not when it is sent.
    pub deadline: Instant,
}

/// What is to be done.
#[derive(Debug)]
pub enum Output {
    /// Ask the owner for a credential.
    FetchAuth,
    /// Ask the owner what to do with this refusal.
    AskOwner(Refusal),
    /// Open a transport.
    OpenTransport,
    /// Send a frame.
    Send(Frame),
    /// Give up the transport, or whatever is under way to have one, at once.
    DropTransport,
    /// Send what is queued, then close the transport in good order.
    FinishTransport,
    /// Emits can be sent from now on.
    Connected {
        /// The server's name for this socket.
        sid: String,
        /// Bytes that the server takes in one frame, if it said so.
        max_payload: Option<usize>,
    },
    /// The server sent an event.
    Event {
        /// What happened.
        name: String,
        /// Its arguments.
        args: Args,
        /// What to answer to, if the server wants that.
        ack: Option<u64>,
    },
    /// The fate of an emit with [`Await`]; exactly one for each.
    Acked {
        /// The id from [`Await`].
        id: u64,
        /// The server's answer.
        result: Result<Args, NoAck>,
    },
    /// What [`Output::Connected`] began is over.
    Disconnected(DisconnectReason),
    /// The state is now this.
    State(State),
    /// A round trip was measured.
    Latency(Duration),
}

/// A WebSocket message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A text frame.
    Text(String),
    /// A binary frame.
    Binary(Bytes),
    /// A ping frame; the pong brings its bytes back.
    Ping([u8; 8]),
}

/// Why there is no acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAck {
    /// There was no connection; nothing was sent.
    NotConnected,
    /// The connection dropped.
    Disconnected,
    /// The time was over.
    Timeout,
}
