//! Where a person is signed in, and ending that. By REST, like everything of accounts:
//!
//! | route | body | answer |
//! |---|---|---|
//! | `GET /v1/sessions` | | [`Sessions`]: the asker's living ones |
//! | `DELETE /v1/sessions/{id}` | | `{}`: one of the asker's own is ended |
//! | `POST /v1/sessions/end-others` | | `{}`: all of the asker's but this one are ended |
//! | `POST /v1/auth/change-password` | [`ChangePassword`] | `{}`: this one goes on, the others are ended |

use crate::{DeviceId, SessionId, UnixMs, command::notices, opaque_debug};
use serde::{Deserialize, Serialize};

/// Why a session was ended: `ended` of a refusal with `session_revoked`. [`Ended::SignedOut`]
/// and [`Ended::Suspended`] wipe a device; everything else locks what is on it until the same person
/// signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The person signed out, on this device or of this device from another one.
    SignedOut,
    /// Somebody has signed in anew on this device.
    Replaced,
    /// The person has a new password.
    PasswordChanged,
    /// An old refresh token was used again.
    TokenReused,
    /// An administrator keeps the person out.
    Suspended,
    /// A reason of a newer server.
    #[serde(other)]
    Other,
}

/// One sign-in of the asker on one device.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// Which.
    pub id: SessionId,
    /// The installation.
    pub device: DeviceId,
    /// What the device called itself when it signed in.
    pub device_name: String,
    /// When it signed in.
    pub created_at: UnixMs,
    /// When it was last known to be there; now, while it is connected.
    pub last_seen_at: UnixMs,
    /// Whether it is the one that asks.
    pub current: bool,
    /// Whether it is connected.
    pub online: bool,
}

/// The asker's living sessions: this one first, then those that are connected, then by when they
/// were seen last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    /// In that order.
    pub sessions: Vec<SessionView>,
}

/// A person chooses another password. A wrong old one is `forbidden`.
#[derive(Clone, Serialize, Deserialize)]
pub struct ChangePassword {
    /// The present one.
    pub old: String,
    /// [`crate::limits::PASSWORD_MIN_CHARS`] or more.
    pub new: String,
}

/// `session:changed`: a session of this person has begun or ended, or its device has come or gone.
/// Told to the person's other devices; who shows the list reads it again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionChanged {}

opaque_debug!(SessionView, ChangePassword);

notices! {
    SessionChanged = "session:changed";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorCode, WireError};

    #[test]
    fn why_a_session_ended_is_read_whoever_says_it() {
        let read = |ended: &str| -> WireError {
            let json = format!(r#"{{"code":"session_revoked","message":"x","ended":"{ended}"}}"#);
            serde_json::from_str(&json).unwrap()
        };
        assert_eq!(read("signed_out").ended, Some(Ended::SignedOut));
        assert!(read("signed_out").is_sign_out());
        assert_eq!(read("in_a_way_of_tomorrow").ended, Some(Ended::Other));
        assert!(!read("in_a_way_of_tomorrow").is_sign_out());
        assert!(read("suspended").is_sign_out());
        // A server of before says only that it is over.
        let old = WireError::new(ErrorCode::SessionRevoked, "x");
        assert!(!serde_json::to_string(&old).unwrap().contains("ended"));
        assert!(!old.is_sign_out());
    }
}
