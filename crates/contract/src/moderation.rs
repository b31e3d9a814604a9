//! Blocking, reporting, and what administrators do about it.

use crate::views::PersonView;
use im_protocol::{
    ConversationId, MessageId, PersonId, ReportId, UnixMs,
    moderation::{AuditAction, ReportReason},
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Blocks somebody, or does not anymore.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BlockArgs {
    /// Whom.
    #[ts(as = "String")]
    pub person: PersonId,
    /// Which of the two.
    pub on: bool,
}

/// A message, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MessagePlace {
    /// Where.
    #[ts(as = "String")]
    pub conversation: ConversationId,
    /// Which.
    #[ts(as = "String")]
    pub message: MessageId,
}

/// Reports a person, or one of their messages.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FileReportArgs {
    /// Made by the page: the same one again changes nothing.
    #[ts(as = "String")]
    pub id: ReportId,
    /// Whom.
    #[ts(as = "String")]
    pub person: PersonId,
    /// Which of their messages.
    pub message: Option<MessagePlace>,
    /// Why.
    #[ts(type = "'harassment' | 'inappropriate' | 'spam' | 'else' | 'other'")]
    pub reason: ReportReason,
    /// Own words; may be empty.
    pub text: String,
}

/// A report as administrators see it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReportView {
    /// Which.
    #[ts(as = "String")]
    pub id: ReportId,
    /// Who reports.
    pub reporter: PersonView,
    /// Whom.
    pub person: PersonView,
    /// Which message.
    pub message: Option<MessagePlace>,
    /// Its words as they were when it was reported; empty without one.
    pub words: String,
    /// Whether the message is still there.
    pub message_there: bool,
    /// Why.
    #[ts(type = "'harassment' | 'inappropriate' | 'spam' | 'else' | 'other'")]
    pub reason: ReportReason,
    /// In their words.
    pub text: String,
    /// When.
    #[ts(type = "number")]
    pub at: UnixMs,
    /// When it was dealt with, if it was.
    #[ts(type = "number | null")]
    pub closed_at: Option<UnixMs>,
}

/// A report was dealt with.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CloseReportArgs {
    /// Which.
    #[ts(as = "String")]
    pub report: ReportId,
    /// How.
    pub reason: String,
}

/// Removes somebody's message.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RemoveMessageArgs {
    /// Which.
    pub message: MessagePlace,
    /// Why.
    pub reason: String,
}

/// Looks for people.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AccountsArgs {
    /// A part of a name or an address, or a role; empty for everybody.
    pub search: String,
}

/// Somebody as administrators see them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AccountRow {
    /// Who.
    pub person: PersonView,
    /// The address they sign in with.
    pub email: String,
    /// Since when they are suspended, if they are.
    #[ts(type = "number | null")]
    pub suspended_at: Option<UnixMs>,
    /// A student's assigned mentor.
    #[ts(as = "Option<String>")]
    pub mentor: Option<PersonId>,
}

/// People by name, as many as fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AccountsView {
    /// By name.
    pub accounts: Vec<AccountRow>,
    /// Whether there are more: search for them.
    pub more: bool,
}

/// Keeps somebody out, or lets them in again.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SuspendArgs {
    /// Whom.
    #[ts(as = "String")]
    pub person: PersonId,
    /// Which of the two.
    pub on: bool,
    /// Why.
    pub reason: String,
}

/// Gives a student a mentor in place of whoever was.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AssignArgs {
    /// To whom.
    #[ts(as = "String")]
    pub student: PersonId,
    /// Whom; none takes the assignment away.
    #[ts(as = "Option<String>")]
    pub mentor: Option<PersonId>,
}

/// A page of what was done.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AuditArgs {
    /// Before this number; none for the newest.
    #[ts(type = "number | null")]
    pub before: Option<u64>,
}

/// Who did what to whom, when and why.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AuditRow {
    /// Its number.
    #[ts(type = "number")]
    pub n: u64,
    /// When.
    #[ts(type = "number")]
    pub at: UnixMs,
    /// Who, by name; none for the operator.
    pub actor: Option<String>,
    /// What.
    #[ts(
        type = "'block' | 'unblock' | 'report' | 'close_report' | 'remove_message' | 'suspend' | 'unsuspend' | 'assign' | 'other'"
    )]
    pub action: AuditAction,
    /// Whom it concerns, by name.
    pub subject: Option<String>,
    /// Why; may be empty.
    pub reason: String,
}

/// A page of what was done, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AuditPage {
    /// Newest first.
    pub entries: Vec<AuditRow>,
    /// Whether there are older ones.
    pub more: bool,
}

// What people write and who they are stays out of logs.
im_protocol::opaque_debug!(
    FileReportArgs,
    ReportView,
    CloseReportArgs,
    RemoveMessageArgs,
    AccountsArgs,
    AccountRow,
    SuspendArgs,
    AuditRow
);
