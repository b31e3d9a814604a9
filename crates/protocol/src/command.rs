//! How a request is tied to its name, its lane and its answer.

use crate::WireError;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Which of the two queues of a socket an event waits in. Calls never wait behind data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Rings, answers, signalling.
    Calls,
    /// Messages, markers, status, sync.
    Data,
}

/// A request from a client: one Socket.IO event, answered by one acknowledgement.
pub trait Command: Serialize + DeserializeOwned + Send + 'static {
    /// The event's name on the wire.
    const EVENT: &'static str;
    /// The queue it waits in on the server.
    const LANE: Lane;
    /// What a success answers.
    type Ok: Serialize + DeserializeOwned + Send + 'static;
}

/// Something the server tells without being asked: one Socket.IO event.
pub trait Notice: Serialize + DeserializeOwned + Send + 'static {
    /// The event's name on the wire.
    const EVENT: &'static str;
}

/// An acknowledgement: `{"ok": …}` or `{"error": {code, message, …}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply<T> {
    /// It was done, and what was accepted is on the server's disk.
    #[serde(rename = "ok")]
    Ok(T),
    /// It was refused.
    #[serde(rename = "error")]
    Error(WireError),
}

impl<T> From<Result<T, WireError>> for Reply<T> {
    fn from(result: Result<T, WireError>) -> Self {
        match result {
            Ok(value) => Self::Ok(value),
            Err(error) => Self::Error(error),
        }
    }
}

impl<T> Reply<T> {
    /// The answer as a result.
    ///
    /// # Errors
    /// The refusal, where it was refused.
    pub fn into_result(self) -> Result<T, WireError> {
        match self {
            Self::Ok(value) => Ok(value),
            Self::Error(error) => Err(error),
        }
    }
}

/// An answer that says only that it was done: `{}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {}

/// Ties payloads to their event, lane and answer.
macro_rules! commands {
    ($($payload:ty = $event:literal in $lane:ident => $ok:ty;)+) => {$(
        impl $crate::command::Command for $payload {
            const EVENT: &'static str = $event;
            const LANE: $crate::command::Lane = $crate::command::Lane::$lane;
            type Ok = $ok;
        }
    )+};
}

/// Ties what the server tells to its event.
macro_rules! notices {
    ($($payload:ty = $event:literal;)+) => {$(
        impl $crate::command::Notice for $payload {
            const EVENT: &'static str = $event;
        }
    )+};
}

pub(crate) use {commands, notices};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;

    #[test]
    fn an_acknowledgement_is_ok_or_error() {
        let ok: Reply<Done> = serde_json::from_str(r#"{"ok":{}}"#).unwrap();
        assert_eq!(ok, Reply::Ok(Done {}));
        let json = r#"{"error":{"code":"busy","message":"Maya is in a call."}}"#;
        let error: Reply<Done> = serde_json::from_str(json).unwrap();
        assert_eq!(error.into_result().unwrap_err().code, ErrorCode::Busy);
    }
}
