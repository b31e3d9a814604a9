//! What goes by REST, under `/v1`: accounts, lists, pages of history. Bodies are JSON; a refusal
//! has the matching HTTP status and a [`crate::WireError`] under `error`, as in acknowledgements.
//! All but the first five want `Authorization: Bearer <access token>`. What a person does with their
//! own account besides is in [`crate::account`].
//!
//! | route | body | answer |
//! |---|---|---|
//! | `GET /v1/version` | | [`ServerVersion`] |
//! | `POST /v1/auth/register` | [`Register`] | [`SignedIn`] |
//! | `POST /v1/auth/accept-invitation` | [`AcceptInvitation`] | [`SignedIn`] |
//! | `POST /v1/auth/sign-in` | [`SignIn`] | [`SignedIn`] |
//! | `POST /v1/auth/refresh` | [`Refresh`] | [`Tokens`] |
//! | `POST /v1/auth/sign-out` | | `{}` |
//! | `GET /v1/me` | | [`crate::people::Me`] |
//! | `POST /v1/invitations` | [`Invite`] | [`Invitation`] |
//! | `GET /v1/people` | | [`People`]: whom I may talk to |
//! | `GET /v1/courses` | | [`Courses`]: mine |
//! | `POST /v1/courses/enrol` | [`Enrol`] | [`crate::people::Course`] |
//! | `POST /v1/conversations` | [`OpenConversation`] | [`crate::conversation::Conversation`] |
//! | `GET /v1/conversations/{id}/messages?before=&limit=` | | [`History`] |
//! | `GET /v1/ice-servers` | | [`IceServers`] |
//!
//! Devices and passwords are in [`crate::sessions`], who is in a course in [`crate::courses`].

use crate::{
    CourseId, DeviceId, PersonId, SessionId,
    conversation::Message,
    handshake::Versions,
    opaque_debug,
    people::{Course, Me, Person, Role},
};
use serde::{Deserialize, Serialize};

/// Who answers here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerVersion {
    /// What it speaks.
    #[serde(flatten)]
    pub versions: Versions,
    /// Name and version.
    pub server: String,
}

/// The installation that signs in, as the list of devices will show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Which.
    pub id: DeviceId,
    /// Such as the computer's name, up to [`crate::limits::NAME_CHARS`].
    pub name: String,
}

/// A student registers.
#[derive(Clone, Serialize, Deserialize)]
pub struct Register {
    /// To sign in with.
    pub email: String,
    /// [`crate::limits::PASSWORD_MIN_CHARS`] or more.
    pub password: String,
    /// To be shown.
    pub name: String,
    /// Where.
    pub device: Device,
}

/// A mentor accepts an admin's invitation.
#[derive(Clone, Serialize, Deserialize)]
pub struct AcceptInvitation {
    /// The code from the invitation.
    pub code: String,
    /// [`crate::limits::PASSWORD_MIN_CHARS`] or more.
    pub password: String,
    /// To be shown.
    pub name: String,
    /// Where.
    pub device: Device,
}

/// A person signs in.
#[derive(Clone, Serialize, Deserialize)]
pub struct SignIn {
    /// The address.
    pub email: String,
    /// The password.
    pub password: String,
    /// Where.
    pub device: Device,
}

/// Takes a refresh token for new tokens. The predecessor is accepted until its successor has been
/// used, 60 s at most; anything older revokes the session.
#[derive(Clone, Serialize, Deserialize)]
pub struct Refresh {
    /// The newest one.
    pub refresh_token: String,
}

/// A pair of tokens.
#[derive(Clone, Serialize, Deserialize)]
pub struct Tokens {
    /// A JWT for the next quarter of an hour.
    pub access_token: String,
    /// How long the access token holds, in milliseconds.
    pub access_expires_in_ms: u64,
    /// Opaque; good for one refresh.
    pub refresh_token: String,
}

/// The answer to a sign-in.
#[derive(Clone, Serialize, Deserialize)]
pub struct SignedIn {
    /// Who.
    pub me: Me,
    /// The new session.
    pub session: SessionId,
    /// Its first tokens.
    #[serde(flatten)]
    pub tokens: Tokens,
}

/// An admin invites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// Whom.
    pub email: String,
    /// As what: mentor or admin.
    pub role: Role,
}

/// An invitation, shown once.
#[derive(Clone, Serialize, Deserialize)]
pub struct Invitation {
    /// To be given to the invited person.
    pub code: String,
    /// How long it holds, in milliseconds.
    pub expires_in_ms: u64,
}

/// Whom the reader may talk to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct People {
    /// By name.
    pub people: Vec<Person>,
}

/// The reader's courses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Courses {
    /// By title.
    pub courses: Vec<Course>,
}

/// A student enrols by a course's code.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrol {
    /// The code that the mentor gave.
    pub code: String,
}

/// Opens the one conversation with a person, about a course where there is one: makes it where
/// there is none, never twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenConversation {
    /// With whom.
    pub with: PersonId,
    /// About what.
    #[serde(default)]
    pub course: Option<CourseId>,
}

/// A page of history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// By rising `seq`.
    pub messages: Vec<Message>,
    /// Whether there are older ones.
    pub more: bool,
}

/// Servers for ICE, as `RTCIceServer`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceServers {
    /// May be empty: two on one network need none.
    pub ice_servers: Vec<IceServer>,
    /// How long the credentials hold, in milliseconds.
    pub expires_in_ms: u64,
}

/// One STUN or TURN server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceServer {
    /// Such as `turn:relay.example.org:3478?transport=udp` (RFC 7065).
    pub urls: Vec<String>,
    /// For TURN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// For TURN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

opaque_debug!(
    Register,
    AcceptInvitation,
    SignIn,
    Refresh,
    Tokens,
    SignedIn,
    Invitation,
    IceServers,
    IceServer,
    Enrol
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_carries_a_secret_does_not_print_it() {
        let refresh = Refresh {
            refresh_token: "very-secret".into(),
        };
        assert!(!format!("{refresh:?}").contains("very-secret"));
    }
}
