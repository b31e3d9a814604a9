//! Who is in a course, and how they come into it. By REST, like all lists:
//!
//! | route | body | answer |
//! |---|---|---|
//! | `GET /v1/courses/{id}` | | [`Roster`]; by its mentor and by admins |
//! | `POST /v1/courses/{id}/code` | | [`CourseCode`]: a new one, the one before is worth nothing |
//! | `POST /v1/courses/{id}/students` | [`AddStudent`] | [`crate::people::Person`] |
//! | `DELETE /v1/courses/{id}/students/{person}` | | `{}` |
//! | `POST /v1/purchases` | [`Purchase`] | [`Purchased`]; by admins |
//! | `PUT /v1/people/{id}/mentor` | [`AssignMentor`] | `{}`; by admins |

use crate::{
    ConversationId, CourseId, PersonId, opaque_debug,
    people::{Course, Person},
};
use serde::{Deserialize, Serialize};

/// A course as who runs it sees it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// Which.
    pub course: Course,
    /// With it students enrol by themselves; none where they cannot.
    pub code: Option<String>,
    /// Who is in it, by name.
    pub students: Vec<Person>,
}

/// With what students enrol by themselves.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CourseCode {
    /// The code.
    pub code: String,
}

/// Puts a student into a course.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddStudent {
    /// The address they sign in with.
    pub email: String,
}

/// An enrolment that was bought elsewhere. The same one again changes nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// The shop's own number of it, up to [`crate::limits::PURCHASE_CHARS`].
    pub id: String,
    /// The address that the student signs in with.
    pub student_email: String,
    /// What was bought.
    pub course: CourseId,
}

/// What a purchase came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchased {
    /// The student's conversation with the mentor about the course.
    pub conversation: ConversationId,
    /// Whether it was recorded just now, rather than before.
    pub new: bool,
}

/// Gives a student a mentor, in place of whoever was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignMentor {
    /// None takes the assignment away.
    pub mentor: Option<PersonId>,
}

opaque_debug!(Roster, CourseCode, AddStudent, Purchase);
