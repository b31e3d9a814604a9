//! People, their roles, presence and status, and courses.

use crate::{
    CourseId, PersonId, UnixMs,
    command::{Done, commands, notices},
    opaque_debug,
};
use serde::{Deserialize, Serialize};

/// What a person is in the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Learns; registers alone.
    Student,
    /// Teaches; comes by invitation.
    Mentor,
    /// Runs the place.
    Admin,
}

/// A person as others see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Who.
    pub id: PersonId,
    /// The name shown.
    pub name: String,
    /// Their role.
    pub role: Role,
}

/// The signed-in person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// As others see them.
    #[serde(flatten)]
    pub person: Person,
    /// The address they sign in with.
    pub email: String,
    /// Whether nothing is left to be shown of the address: it is known to be theirs, or this server
    /// does not ask. Older servers do not. `me:changed` tells of it.
    #[serde(default = "shown")]
    pub verified: bool,
}

const fn shown() -> bool {
    true
}

/// A course as its people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// Which.
    pub id: CourseId,
    /// The title shown.
    pub title: String,
    /// Who teaches it.
    pub mentor: PersonId,
}

/// Whether any device of a person is connected. `presence:changed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Who.
    pub person: PersonId,
    /// Whether a lease is live.
    pub online: bool,
}

/// What a mentor says of their availability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// Ready for help requests and calls.
    Available,
    /// With a student.
    InSession,
    /// Away for a while.
    Break,
    /// Not working.
    Offline,
}

/// A mentor's status. `status:changed`; all students and mentors are told.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Whose.
    pub person: PersonId,
    /// What they chose.
    pub availability: Availability,
    /// Their own words; may be empty.
    pub message: String,
    /// When it was set.
    pub since: UnixMs,
}

/// `status:set`: a mentor changes their status. Idempotent; the last one wins.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusSet {
    /// The new availability.
    pub availability: Availability,
    /// Own words, up to [`crate::limits::STATUS_CHARS`]; empty for none.
    #[serde(default)]
    pub message: String,
}

opaque_debug!(Status, StatusSet);

commands! {
    StatusSet = "status:set" in Data => Done;
}

notices! {
    Presence = "presence:changed";
    Status = "status:changed";
    Me = "me:changed";
}
