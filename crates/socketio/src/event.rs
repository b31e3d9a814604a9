//! What arrives from the server, and how to answer it.

use crate::{
    client::{Call, Link, Mail},
    error::EmitError,
    packet::{Args, Attachment},
    state::DisconnectReason,
};
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::{mpsc, watch};

/// What comes out of [`Events`](crate::Events), in the order in which it happened.
#[derive(Debug)]
pub enum Incoming {
    /// A connection begins: resync from here.
    Connected {
        /// The server's name for this socket.
        sid: String,
    },
    /// The server sent an event on this connection.
    Event(Event),
    /// The connection that began with the last [`Incoming::Connected`] is over; no event of it
    /// follows. Left out only where the client was closed while there was no room for it.
    Disconnected {
        /// Why.
        reason: DisconnectReason,
    },
}

/// An event of the server.
#[derive(Debug)]
pub struct Event {
    /// What happened.
    pub name: String,
    /// Its arguments and attachments.
    pub args: Args,
    /// Present if the server wants an acknowledgement.
    pub ack: Option<Ack>,
}

impl Event {
    /// The first argument (`Null` if there is none) as a type of the owner.
    ///
    /// # Errors
    /// If it has another shape.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        self.args.first()
    }
}

impl Args {
    /// The first argument (`Null` if there is none) as a type of the owner.
    ///
    /// # Errors
    /// If it has another shape.
    pub fn first<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.json.first().map_or("null", |json| json.get()))
    }

    /// What a placeholder stands for; nothing if the other side announced more than it sent.
    #[must_use]
    pub fn attachment(&self, placeholder: Attachment) -> Option<&Bytes> {
        self.attachments.get(placeholder.0)
    }
}

/// The answer of the server to an emit.
#[derive(Debug, Clone)]
pub struct AckReply {
    /// Its arguments and attachments.
    pub args: Args,
}

impl AckReply {
    /// The first argument (`Null` if there is none) as a type of the owner.
    ///
    /// # Errors
    /// If it has another shape.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        self.args.first()
    }
}

/// The right to answer one event, once. Dropped unused, the server hears nothing.
#[derive(Debug)]
pub struct Ack {
    pub(crate) id: u64,
    pub(crate) connection: u64,
    pub(crate) link: watch::Receiver<Option<Link>>,
    pub(crate) mail: mpsc::WeakSender<Mail>,
}

impl Ack {
    /// Answers with one argument.
    ///
    /// # Errors
    /// [`EmitError::NotConnected`] if the connection on which the event came is over, or
    /// [`EmitError::Encode`].
    pub async fn reply<P: Serialize + ?Sized>(self, payload: &P) -> Result<(), EmitError> {
        let json = serde_json::value::to_raw_value(payload).map_err(EmitError::Encode)?;
        let present = self.link.borrow().map(|link| link.connection);
        if present != Some(self.connection) {
            return Err(EmitError::NotConnected);
        }
        let mail = self.mail.upgrade().ok_or(EmitError::NotConnected)?;
        mail.send(Mail {
            connection: self.connection,
            call: Call::Reply {
                id: self.id,
                json: format!("[{}]", json.get()),
            },
        })
        .await
        .map_err(|_| EmitError::NotConnected)
    }
}
