//! What goes wrong, in one shape at every door.

use crate::sessions::Ended;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])+ $variant:ident = $text:literal, retry $retry:literal;)+) => {
        /// Why something was refused. Clients act on the code and show their own words for it.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum ErrorCode {
            $($(#[$doc])+ $variant,)+
            /// A code of a newer peer, carried through as it came.
            Other(String),
        }

        impl ErrorCode {
            /// The code as it is on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }

            /// Whether the same request may succeed later without anybody changing it.
            #[must_use]
            pub const fn retryable(&self) -> bool {
                match self {
                    $(Self::$variant => $retry,)+
                    Self::Other(_) => false,
                }
            }
        }

        impl From<String> for ErrorCode {
            fn from(text: String) -> Self {
                match text.as_str() {
                    $($text => Self::$variant,)+
                    _ => Self::Other(text),
                }
            }
        }
    };
}

codes! {
    /// E-mail or password is wrong, or the token is forged, malformed or from another server.
    Unauthorized = "unauthorized", retry false;
    /// The access token has expired: refresh, then try again.
    TokenExpired = "token_expired", retry true;
    /// This session was ended; `ended` says why.
    SessionRevoked = "session_revoked", retry false;
    /// The two speak no common version of the protocol.
    UpgradeRequired = "upgrade_required", retry false;
    /// The person may not do this.
    Forbidden = "forbidden", retry false;
    /// The person has not shown yet that the e-mail address is theirs, which this server wants first.
    Unverified = "unverified", retry false;
    /// Students do not register by themselves on this server.
    RegistrationClosed = "registration_closed", retry false;
    /// This server sends no mail.
    NoMail = "no_mail", retry false;
    /// The account was deleted: whatever a device still keeps of it is to go.
    AccountDeleted = "account_deleted", retry false;
    /// There is no such thing, or the person may not know of it.
    NotFound = "not_found", retry false;
    /// The payload breaks a rule; the message says which.
    Invalid = "invalid", retry false;
    /// The payload is larger than the limit.
    TooLarge = "too_large", retry false;
    /// Too much at once; `retry_after_ms` says when to go on.
    RateLimited = "rate_limited", retry true;
    /// The operation id was used before for something else.
    IdReused = "id_reused", retry false;
    /// The thing was deleted or is over.
    Gone = "gone", retry false;
    /// One of the two in the conversation has deleted their account: nothing more is written there.
    Closed = "closed", retry false;
    /// Nothing ties the two (anymore): they are not in the course together, or in none at all.
    Untied = "untied", retry false;
    /// The asker blocks the other person: nothing goes either way.
    Blocked = "blocked", retry false;
    /// The other person cannot be reached. Why is not told.
    Unreachable = "unreachable", retry false;
    /// The account is suspended.
    Suspended = "suspended", retry false;
    /// The state does not allow it (anymore).
    Conflict = "conflict", retry false;
    /// The other person is in a call.
    Busy = "busy", retry false;
    /// The other person has no device connected.
    Offline = "offline", retry false;
    /// Another device of the same person answered first.
    AnsweredElsewhere = "answered_elsewhere", retry false;
    /// No such event or route in this version.
    UnknownEvent = "unknown_event", retry false;
    /// There is no such file for this message: it is not there (anymore), not the author's own, for
    /// another conversation, or carried by another message.
    FileUnknown = "file_unknown", retry false;
    /// The file is not whole yet: hand over the rest, then send the message again.
    FileUnfinished = "file_unfinished", retry false;
    /// The bytes that came are not those that were announced; what came was thrown away.
    ChecksumMismatch = "checksum_mismatch", retry false;
    /// Files of this kind are not taken here; what came was thrown away.
    TypeRefused = "type_refused", retry false;
    /// The server's disk is full; nothing that was accepted is lost.
    StorageFull = "storage_full", retry true;
    /// The server is starting, stopping or overloaded.
    Unavailable = "unavailable", retry true;
    /// The server failed; it has logged why.
    Internal = "internal", retry true;
}

impl From<ErrorCode> for String {
    fn from(code: ErrorCode) -> Self {
        code.as_str().to_owned()
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refusal, the same in acknowledgements, `connect_error` data and REST bodies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct WireError {
    /// What to act on.
    pub code: ErrorCode,
    /// One English sentence for people without a catalogue of their own. Never echoes input.
    pub message: String,
    /// Whether trying again later may help; absent from peers that do not say.
    #[serde(default)]
    pub retryable: bool,
    /// How long to wait before trying again, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Why the session was ended, with `session_revoked`; absent from peers that do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// Which field of the payload breaks a rule, with `invalid`; absent where it is not one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Box<str>>,
    /// From where a file goes on, with `conflict` for a wrong `Upload-Offset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

impl WireError {
    /// A refusal with its sentence.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let retryable = code.retryable();
        Self {
            code,
            message: message.into(),
            retryable,
            retry_after_ms: None,
            ended: None,
            field: None,
            offset: None,
        }
    }

    /// The refusal of a session that was ended for this reason.
    #[must_use]
    pub fn session_ended(ended: Ended, message: impl Into<String>) -> Self {
        Self {
            ended: Some(ended),
            ..Self::new(ErrorCode::SessionRevoked, message)
        }
    }

    /// Whether it says that the person signed this device out, or is kept out: the refusals that wipe
    /// it.
    #[must_use]
    pub fn is_sign_out(&self) -> bool {
        self.code == ErrorCode::SessionRevoked
            && matches!(self.ended, Some(Ended::SignedOut | Ended::Suspended))
    }

    /// Says which field it is about.
    #[must_use]
    pub fn about(mut self, field: &str) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says from where a file goes on.
    #[must_use]
    pub fn go_on_at(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// Says when to come back.
    #[must_use]
    pub fn retry_after(mut self, milliseconds: u64) -> Self {
        self.retry_after_ms = Some(milliseconds);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_a_newer_server_is_carried_through() {
        let json = r#"{"code":"from_the_future","message":"Hello.","new_field":1}"#;
        let error: WireError = serde_json::from_str(json).unwrap();
        assert_eq!(error.code, ErrorCode::Other("from_the_future".into()));
        assert!(
            serde_json::to_string(&error)
                .unwrap()
                .contains("from_the_future")
        );
    }

    #[test]
    fn temporary_refusals_say_so() {
        let error = WireError::new(ErrorCode::RateLimited, "Slow down.").retry_after(500);
        assert!(error.retryable);
        assert!(!WireError::new(ErrorCode::Forbidden, "No.").retryable);
    }
}
