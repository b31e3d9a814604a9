//! The first words of a connection.
//!
//! The client gives [`Auth`] in the CONNECT packet. The server answers with CONNECT and then
//! [`Ready`], or with CONNECT_ERROR whose `data` is a [`Refused`].

use crate::{
    DeviceId, SessionId, UnixMs, WireError,
    call::CallView,
    command::{Done, commands, notices},
    limits::FILE_BYTES,
    people::{Me, Presence, Status},
};
use serde::{Deserialize, Serialize};

/// The protocol this build speaks.
pub const PROTOCOL: u32 = 1;
/// The oldest protocol this build still understands.
pub const MIN_PROTOCOL: u32 = 1;

/// A range of protocol versions, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The newest protocol spoken.
    pub protocol: u32,
    /// The oldest protocol understood.
    pub min_protocol: u32,
}

impl Versions {
    /// What this build speaks.
    pub const OURS: Self = Self {
        protocol: PROTOCOL,
        min_protocol: MIN_PROTOCOL,
    };

    /// The newest version both ranges hold, if any.
    #[must_use]
    pub fn common(self, other: Self) -> Option<u32> {
        let newest = self.protocol.min(other.protocol);
        let oldest = self.min_protocol.max(other.min_protocol);
        (newest >= oldest).then_some(newest)
    }
}

/// What a client says in the CONNECT packet.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Auth {
    /// The access token, a JWT.
    pub token: String,
    /// What the client speaks.
    #[serde(flatten)]
    pub versions: Versions,
    /// Name and version of the client, such as `desktop/0.1.0`. For statistics only.
    pub app: String,
    /// Optional parts of the protocol that the client knows.
    #[serde(default)]
    pub features: Vec<String>,
    /// The installation.
    pub device: DeviceId,
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The token stays out of logs.
        f.debug_struct("Auth")
            .field("app", &self.app)
            .field("versions", &self.versions)
            .finish_non_exhaustive()
    }
}

/// `data` of a CONNECT_ERROR.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Why.
    #[serde(flatten)]
    pub error: WireError,
    /// What the server speaks, with `upgrade_required`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versions: Option<Versions>,
}

/// `connection:ready`, the first event on every connection, before any fact: who is connected,
/// what rings right now, who is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// The version that both will speak.
    pub protocol: u32,
    /// Name and version of the server. For diagnostics only.
    pub server: String,
    /// The server's clock.
    pub now: UnixMs,
    /// The signed-in person.
    pub me: Me,
    /// The session behind the token.
    pub session: SessionId,
    /// Bytes in a file, at most, as the operator chose. A server that does not say it has the usual limit.
    #[serde(default = "usual_file_bytes")]
    pub file_bytes: u64,
    /// Calls of this person that are not over.
    pub calls: Vec<CallView>,
    /// Presence of the people this person may talk to. Who is not listed is offline.
    pub presence: Vec<Presence>,
    /// Status of mentors: of all where they fit into a packet, first of those this person is tied to.
    pub statuses: Vec<Status>,
}

fn usual_file_bytes() -> u64 {
    FILE_BYTES
}

/// `session:ended`, the last event before the server closes the connection for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEnded {
    /// Why: `session_revoked` wipes the device where the person signed it out
    /// ([`WireError::is_sign_out`]) and locks it else; `token_expired` asks for a new token.
    pub error: WireError,
}

/// `session:renew`: a new access token of the same session, so that the connection outlives the
/// one it began with. A client that does not send it is told `session:ended` with `token_expired`
/// when its token expires.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRenew {
    /// The new access token.
    pub token: String,
}

impl std::fmt::Debug for SessionRenew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The token stays out of logs.
        f.write_str("SessionRenew { .. }")
    }
}

/// `connection:closing`, the last event before the server closes the connection for a reason of
/// its own, such as a restart. The session is as good as before: connect again, with backoff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionClosing {
    /// Why: `unavailable`.
    pub error: WireError,
}

commands! {
    SessionRenew = "session:renew" in Data => Done;
}

notices! {
    Ready = "connection:ready";
    SessionEnded = "session:ended";
    ConnectionClosing = "connection:closing";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_common_version_is_taken_and_none_is_refused() {
        let ours = Versions {
            protocol: 3,
            min_protocol: 2,
        };
        let older = Versions {
            protocol: 2,
            min_protocol: 1,
        };
        let ancient = Versions {
            protocol: 1,
            min_protocol: 1,
        };
        let newer = Versions {
            protocol: 9,
            min_protocol: 3,
        };
        let too_new = Versions {
            protocol: 9,
            min_protocol: 4,
        };
        assert_eq!(ours.common(older), Some(2));
        assert_eq!(ours.common(newer), Some(3));
        assert_eq!(ours.common(ancient), None);
        assert_eq!(ours.common(too_new), None);
    }
}
