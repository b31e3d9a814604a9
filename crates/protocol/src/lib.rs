//! The words that both sides of the wire speak.
//!
//! Everything a client sends is a [`Command`]: one Socket.IO event with one JSON object, answered
//! by one acknowledgement, a [`Reply`]. Everything the server tells is a [`Notice`]: one Socket.IO
//! event with one JSON object. Accounts, pages of history and lists go by REST ([`rest`]).
//! `docs/protocol.md` tells the same for people who write a client in another language.
//!
//! Rules of evolution: unknown fields are ignored, unknown facts are kept raw ([`sync::Fact`]),
//! unknown error codes are carried through ([`error::ErrorCode::Other`]); what cannot be read that
//! way raises [`handshake::PROTOCOL`].

pub mod account;
pub mod bulk;
pub mod call;
pub mod command;
pub mod conversation;
pub mod courses;
pub mod error;
pub mod files;
pub mod handshake;
pub mod ids;
pub mod limits;
pub mod moderation;
mod opaque;
pub mod people;
pub mod rest;
pub mod sessions;
pub mod sync;
pub mod webrtc;

pub use command::{Command, Lane, Notice, Reply};
pub use error::{ErrorCode, WireError};
pub use ids::{
    BulkId, CallId, ConversationId, CourseId, DeviceId, EditId, FeedEpoch, FileId, MessageId,
    OperationId, PersonId, ReportId, SessionId,
};

/// A moment: whole milliseconds since 1970-01-01T00:00:00Z. Clocks of devices are for display;
/// only the server's are stored as facts.
pub type UnixMs = i64;
