//! Keeping people from harm: blocking, reporting, and what administrators do about it. By REST:
//!
//! | route | body | answer |
//! |---|---|---|
//! | `GET /v1/blocks` | | [`Blocks`]: whom the asker blocks |
//! | `PUT /v1/blocks/{person}`, `DELETE` | | `{}` |
//! | `POST /v1/reports` | [`FileReport`] | `{}` |
//! | `GET /v1/reports` | | [`Reports`]; by admins, like all that follow |
//! | `POST /v1/reports/{id}/close` | [`Reason`] | `{}` |
//! | `POST /v1/messages/{id}/remove` | [`RemoveMessage`] | `{}` |
//! | `GET /v1/accounts?search=` | | [`Accounts`] |
//! | `POST /v1/accounts/{id}/suspend`, `.../unsuspend` | [`Reason`] | `{}` |
//! | `GET /v1/audit?before=` | | [`Audit`] |

use crate::{
    ConversationId, MessageId, PersonId, ReportId, UnixMs,
    command::notices,
    opaque_debug,
    people::{Person, Role},
};
use serde::{Deserialize, Serialize};

/// Whom the asker blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocks {
    /// By name.
    pub people: Vec<Person>,
}

/// Why something is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportReason {
    /// Insults, threats, pressure.
    Harassment,
    /// Something that does not belong here.
    Inappropriate,
    /// Advertising, fraud.
    Spam,
    /// Something else, said in the text.
    Else,
    /// A reason of a newer peer.
    #[serde(other)]
    Other,
}

/// Reports a person, or one of their messages. The same id again changes nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    /// Made by the client.
    pub id: ReportId,
    /// Whom.
    pub person: PersonId,
    /// Which of their messages; the server keeps its words with the report.
    #[serde(default)]
    pub message: Option<ReportedMessage>,
    /// Why.
    pub reason: ReportReason,
    /// Own words, up to [`crate::limits::REASON_CHARS`]; may be empty.
    pub text: String,
}

/// A message, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedMessage {
    /// Where.
    pub conversation: ConversationId,
    /// Which.
    pub message: MessageId,
}

/// A report as administrators see it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Which.
    pub id: ReportId,
    /// Who reports.
    pub reporter: Person,
    /// Whom.
    pub person: Person,
    /// Which message.
    pub message: Option<ReportedMessage>,
    /// Its words as they were when it was reported; empty without one.
    pub words: String,
    /// Whether the message is still there.
    pub message_there: bool,
    /// Why.
    pub reason: ReportReason,
    /// In their words.
    pub text: String,
    /// When.
    pub reported_at: UnixMs,
    /// When it was dealt with, if it was.
    pub closed_at: Option<UnixMs>,
}

/// What was reported: what is open first, the oldest of it at the top, then what was dealt with last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reports {
    /// In that order.
    pub reports: Vec<Report>,
}

/// Why an administrator does something, up to [`crate::limits::REASON_CHARS`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// In their words.
    pub reason: String,
}

/// Removes a message: its words are told to nobody anymore.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveMessage {
    /// Where it is.
    pub conversation: ConversationId,
    /// Why.
    pub reason: String,
}

/// Somebody as administrators see them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// Who.
    #[serde(flatten)]
    pub person: Person,
    /// The address they sign in with.
    pub email: String,
    /// Since when they are suspended, if they are.
    pub suspended_at: Option<UnixMs>,
    /// A student's assigned mentor.
    pub mentor: Option<PersonId>,
}

/// People by name, as far as they fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounts {
    /// By name.
    pub accounts: Vec<AccountView>,
    /// Whether there are more: search for them.
    pub more: bool,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// Blocked somebody.
    Block,
    /// Does not block them anymore.
    Unblock,
    /// Reported somebody.
    Report,
    /// Dealt with a report.
    CloseReport,
    /// Removed a message.
    RemoveMessage,
    /// Suspended somebody.
    Suspend,
    /// Let them in again.
    Unsuspend,
    /// Gave a student another mentor, or none.
    Assign,
    /// Something of a newer peer.
    #[serde(other)]
    Other,
}

/// Who did what to whom, when and why.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its number; later ones have higher ones.
    pub n: u64,
    /// When.
    pub at: UnixMs,
    /// Who; none for the operator on the command line.
    pub actor: Option<Person>,
    /// What.
    pub action: AuditAction,
    /// Whom it concerns.
    pub subject: Option<Person>,
    /// What it concerns besides, as an id; empty for nothing.
    pub thing: String,
    /// Why.
    pub reason: String,
}

/// A page of what was done, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// Newest first.
    pub entries: Vec<AuditEntry>,
    /// Whether there are older ones: ask before the last `n`.
    pub more: bool,
}

/// `moderation:changed`: there is something new for administrators, who read it again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModerationChanged {}

/// Whether somebody of this role can be suspended: administrators cannot shut each other out.
#[must_use]
pub const fn may_be_suspended(role: Role) -> bool {
    !matches!(role, Role::Admin)
}

opaque_debug!(
    FileReport,
    Report,
    Reason,
    RemoveMessage,
    AccountView,
    AuditEntry
);

notices! {
    ModerationChanged = "moderation:changed";
}
