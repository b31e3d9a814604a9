//! Who is in a course, as its mentor sees it.

use crate::{
    UiError,
    views::{CourseView, PersonView},
};
use im_protocol::{BulkId, CourseId, PersonId, UnixMs};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A course.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CourseArgs {
    /// Which.
    #[ts(as = "String")]
    pub course: CourseId,
}

/// Puts a student into a course.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AddStudentArgs {
    /// Which course.
    #[ts(as = "String")]
    pub course: CourseId,
    /// The address that the student signs in with.
    pub email: String,
}

/// A student of a course.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CourseStudentArgs {
    /// Which course.
    #[ts(as = "String")]
    pub course: CourseId,
    /// Who.
    #[ts(as = "String")]
    pub student: PersonId,
}

/// A course with who is in it. Asked of the server each time.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RosterView {
    /// Which.
    pub course: CourseView,
    /// With it students enrol by themselves; none where they cannot.
    pub code: Option<String>,
    /// Who is in it, by name.
    pub students: Vec<PersonView>,
}

/// Writes to everybody in a course.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AnnounceArgs {
    /// Which course.
    #[ts(as = "String")]
    pub course: CourseId,
    /// The words, as for a message.
    pub text: String,
}

/// Something that was written to a course.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AnnouncementArgs {
    /// Which.
    #[ts(as = "String")]
    pub id: BulkId,
}

/// What was written to everybody in a course.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AnnouncementView {
    /// Which.
    #[ts(as = "String")]
    pub id: BulkId,
    /// The words.
    pub text: String,
    /// When: the server's time, or this device's while it is not accepted.
    #[ts(type = "number")]
    pub at: UnixMs,
    /// How far it is; none while the server does not have it.
    pub reach: Option<ReachView>,
    /// Why the server refused it, where it did.
    pub error: Option<UiError>,
}

/// How many have a message that was written to a whole course.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReachView {
    /// To how many it goes.
    pub total: u32,
    /// How many have it.
    pub sent: u32,
    /// How many could not be written to anymore.
    pub refused: u32,
}

// Whoever has the code may come in; what people write stays out of logs.
im_protocol::opaque_debug!(AddStudentArgs, RosterView, AnnounceArgs, AnnouncementView);
