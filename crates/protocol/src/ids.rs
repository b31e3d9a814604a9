//! Identifiers: UUIDs as lower-case hyphenated text on the wire (RFC 9562). Those that a client
//! makes are version 7, so that they sort by time and never need a round trip.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// The text was not a UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id: a UUID in its usual text form is wanted")]
pub struct BadId;

macro_rules! ids {
    ($($(#[$doc:meta])+ $name:ident;)+) => {$(
        $(#[$doc])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh id, version 7: later ids of one device sort after earlier ones.
            #[must_use]
            #[expect(clippy::new_without_default, reason = "a default id would be a surprise")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The id as a UUID.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }

            /// An id out of a UUID made elsewhere.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.as_hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                Uuid::try_parse(text).map(Self).map_err(|_| BadId)
            }
        }
    )+};
}

ids! {
    /// A person: student, mentor or admin.
    PersonId;
    /// An installation of a client. Made by the client at its first start and kept.
    DeviceId;
    /// One sign-in of one person on one device; it owns a family of refresh tokens.
    SessionId;
    /// A conversation of two people, about one course where there is one.
    ConversationId;
    /// A message. Made by the author's device; it is also the operation id of its sending.
    MessageId;
    /// A change of a message's words. Made by the author's device: the operation id of the edit.
    EditId;
    /// A file. Made by the author's device; it is also the operation id of handing it over.
    FileId;
    /// Something that a client asks for and that must be done once, whatever is sent again: the id
    /// of the message that is sent, of the edit, ...
    OperationId;
    /// A course.
    CourseId;
    /// Something that is written to everybody in a course. Made by the author's device: the
    /// operation id of its sending.
    BulkId;
    /// Something that a person reports. Made by their device.
    ReportId;
    /// A call. Made by the caller's device; it is also the operation id of its start.
    CallId;
    /// The life of a server's database. Another epoch means that cursors are worth nothing.
    FeedEpoch;
}

impl From<MessageId> for OperationId {
    /// A message's id is the id of its sending.
    fn from(id: MessageId) -> Self {
        Self::from_uuid(id.uuid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_text_on_the_wire_and_sort_by_the_time_they_were_made() {
        let first = MessageId::new();
        let second = MessageId::new();
        assert!(first < second);
        let json = serde_json::to_string(&first).unwrap();
        assert_eq!(json, format!("\"{first}\""));
        assert_eq!(serde_json::from_str::<MessageId>(&json).unwrap(), first);
        assert_eq!("not-an-id".parse::<MessageId>(), Err(BadId));
    }
}
