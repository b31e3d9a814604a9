//! What a mentor writes to everybody in a course at once. Each student gets it as a message in their
//! own conversation with the mentor about the course, made where there is none, and answers there.
//!
//! | route | body | answer |
//! |---|---|---|
//! | `GET /v1/courses/{id}/bulk` | | [`Bulks`]; by the course's mentor |

use crate::{
    BulkId, CourseId, UnixMs,
    command::{commands, notices},
    opaque_debug,
};
use serde::{Deserialize, Serialize};

/// `message:bulk`: writes to everybody who is in a course. Sending it again with the same id gives
/// what has become of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkSend {
    /// Made by the client: the operation's id.
    pub id: BulkId,
    /// To whom: those who are in it when the server accepts it, up to
    /// [`crate::limits::BULK_STUDENTS`].
    pub course: CourseId,
    /// The words, as for [`crate::conversation::NewMessage::text`].
    pub text: String,
    /// The device's clock when it was written.
    pub written_at: UnixMs,
}

/// How far it has come. `bulk:changed` to the author's devices, while messages are being written.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bulk {
    /// Which.
    pub id: BulkId,
    /// To which course.
    pub course: CourseId,
    /// The words.
    pub text: String,
    /// When the server accepted it.
    pub accepted_at: UnixMs,
    /// To how many.
    pub total: u32,
    /// How many have it in their conversation.
    pub sent: u32,
    /// How many could not be written to anymore: they have left, or one blocks the other.
    pub refused: u32,
}

/// What was written to a course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bulks {
    /// Newest first, the last ones.
    pub bulks: Vec<Bulk>,
}

opaque_debug!(BulkSend, Bulk);

commands! {
    BulkSend = "message:bulk" in Data => Bulk;
}

notices! {
    Bulk = "bulk:changed";
}
