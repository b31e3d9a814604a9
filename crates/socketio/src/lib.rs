//! A client of Socket.IO protocol 5 over Engine.IO protocol 4, WebSocket transport only.
//!
//! Three layers, each usable without the next:
//!
//! 1. [`engine`] and [`packet`]: the codec. Text and bytes in, typed packets or a typed error out.
//! 2. [`machine`]: what decides. Inputs and the time go in; frames, events and timers come out. It
//!    does no input or output, so its tests run in virtual time.
//! 3. [`connect`]: the tokio driver around it. It gives a [`Client`] to emit with, [`Events`] to
//!    listen to and a [`Connection`] to run.
//!
//! The rules that the layers keep:
//!
//! - **Nothing is buffered while offline.** An emit without a connection fails at once, and every
//!   acknowledgement still awaited fails when its connection drops. The owner has the outbox.
//! - **Nothing incoming is lost in silence.** Where the owner does not keep up, the connection is
//!   closed with [`DisconnectReason::ConsumerTooSlow`], and the owner reads that in its place among
//!   the events.
//! - **Each connect has a fresh credential**, asked from [`Auth`]; a refusal goes to the owner as the
//!   server wrote it.
//!
//! Protocol texts: <https://socket.io/docs/v4/engine-io-protocol/> and
//! <https://socket.io/docs/v4/socket-io-protocol/>.

mod auth;
pub mod backoff;
mod client;
mod driver;
pub mod engine;
mod error;
mod event;
mod line;
pub mod machine;
mod options;
pub mod packet;
mod state;
mod tls;

pub use auth::{Auth, AuthError, OnRefusal};
pub use client::{Client, Events, connect};
pub use driver::Connection;
pub use error::{EmitError, OptionsError};
pub use event::{Ack, AckReply, Event, Incoming};
pub use options::{Limits, Options, Timing};
pub use packet::Attachment;
pub use state::{DisconnectReason, Refusal, State};
