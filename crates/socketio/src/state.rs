//! Where a connection stands, why it ended, and what a server says when it refuses.

use crate::packet::DecodeError;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{io, time::Duration};

/// Where the connection stands, for display. What must not be missed comes in order among the
/// [`Incoming`](crate::Incoming) instead.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// A connect is under way.
    Connecting {
        /// Counts from 1 since the last connection that held.
        attempt: u32,
    },
    /// The server accepted the CONNECT.
    Connected {
        /// The server's name for this socket; another one after each reconnect.
        sid: String,
    },
    /// Between two connects.
    Waiting {
        /// Time until the next connect, counted from when this state began.
        retry_in: Duration,
        /// Why there is no connection.
        reason: DisconnectReason,
    },
    /// The server refused; nothing happens until the owner acts.
    Refused {
        /// What it said.
        error: Refusal,
    },
    /// Closed by the owner, or no credential is left. Final.
    Closed,
}

impl State {
    /// Whether emits can be sent.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        matches!(self, Self::Connected { .. })
    }
}

/// Why a connection, or the try to have one, ended. Holds no address and no payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The name was not found, or nobody accepted the connection.
    #[error("the server cannot be reached ({0})")]
    Unreachable(io::ErrorKind),
    /// The other side answered the WebSocket handshake with another HTTP status.
    #[error("the server answered with HTTP status {0}")]
    HttpStatus(u16),
    /// The certificate is not trusted, or TLS failed otherwise.
    #[error("no secure connection could be made")]
    Tls,
    /// No answer to a connect within [`Timing::connect`](crate::Timing::connect).
    #[error("the server did not answer in time")]
    ConnectTimeout,
    /// The owner had no credential to connect with.
    #[error("no credential could be had")]
    NoCredential,
    /// Nothing came for pingInterval + pingTimeout, or a probe was not answered.
    #[error("the server has gone silent")]
    PingTimeout,
    /// The transport closed or broke.
    #[error("the connection was lost")]
    TransportClosed,
    /// The server sent DISCONNECT for this namespace.
    #[error("the server ended the session")]
    ServerDisconnected,
    /// The server refused the CONNECT.
    #[error("the server refused the connection")]
    Refused,
    /// The owner did not take its events: they would have been lost, so it must resync.
    #[error("events came faster than they were taken")]
    ConsumerTooSlow,
    /// A message was larger than [`Limits::max_incoming`](crate::Limits::max_incoming).
    #[error("the server sent a message that is too large")]
    TooLarge,
    /// The server broke the protocol.
    #[error("the server broke the protocol: {0}")]
    Protocol(#[from] DecodeError),
    /// The owner asked to connect anew while a connect hung.
    #[error("connecting anew on request")]
    Restarted,
    /// The owner closed the client.
    #[error("closed")]
    Closed,
}

/// What a server says when it refuses a CONNECT: the payload of CONNECT_ERROR.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The server's sentence. Not for people: it is in the server's words.
    pub message: String,
    /// The code, from the payload or from its `data`; empty if there is none.
    pub code: String,
    /// The `data` object; `Null` if there is none.
    pub data: Value,
}

impl Refusal {
    /// Reads the payload of a CONNECT_ERROR packet, which is an object or, from old servers, text.
    #[must_use]
    pub fn from_payload(payload: Value) -> Self {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        match payload {
            Value::Object(mut object) => {
                let data = object.remove("data").unwrap_or(Value::Null);
                Self {
                    message: text(object.get("message")).unwrap_or_default(),
                    code: text(data.get("code"))
                        .or_else(|| text(object.get("code")))
                        .unwrap_or_default(),
                    data,
                }
            }
            other => Self {
                message: text(Some(&other)).unwrap_or_default(),
                code: String::new(),
                data: Value::Null,
            },
        }
    }

    /// The `data` object as a type of the owner.
    ///
    /// # Errors
    /// If it does not have that shape.
    pub fn data_as<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refusal_keeps_message_code_and_data() {
        let refusal = Refusal::from_payload(json!({
            "message": "not now",
            "data": { "code": "token_expired", "retry_after_ms": 500 },
        }));
        assert_eq!(refusal.message, "not now");
        assert_eq!(refusal.code, "token_expired");
        #[derive(serde::Deserialize)]
        struct Details {
            retry_after_ms: u64,
        }
        assert_eq!(refusal.data_as::<Details>().unwrap().retry_after_ms, 500);
    }

    #[test]
    fn a_refusal_of_any_shape_is_read() {
        let flat = Refusal::from_payload(json!({ "message": "no", "code": "forbidden" }));
        assert_eq!(flat.code, "forbidden");
        assert_eq!(flat.data, Value::Null);
        let text = Refusal::from_payload(json!("Not authorized"));
        assert_eq!(text.message, "Not authorized");
        let odd = Refusal::from_payload(json!({ "message": 7, "data": [1] }));
        assert_eq!((odd.message.as_str(), odd.code.as_str()), ("", ""));
        assert_eq!(odd.data, json!([1]));
    }
}
