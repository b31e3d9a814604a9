//! Signing in and out, and what becomes of an account.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A person signs in.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SignInArgs {
    /// The server's address.
    pub server: String,
    /// The person's address.
    pub email: String,
    /// The password.
    pub password: String,
}

/// A student registers.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RegisterArgs {
    /// The server's address.
    pub server: String,
    /// To be shown.
    pub name: String,
    /// To sign in with.
    pub email: String,
    /// A new password.
    pub password: String,
}

/// A mentor comes by an invitation.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct InvitationArgs {
    /// The server's address.
    pub server: String,
    /// The invitation's code.
    pub code: String,
    /// To be shown.
    pub name: String,
    /// A new password.
    pub password: String,
}

/// A person has forgotten the password.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ForgotArgs {
    /// The server's address.
    pub server: String,
    /// The person's address.
    pub email: String,
}

/// A person sets a new password by a code.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ResetArgs {
    /// The server's address.
    pub server: String,
    /// The person's address.
    pub email: String,
    /// From the mail, or from the operator.
    pub code: String,
    /// A new password.
    pub password: String,
}

/// A code from a mail.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CodeArgs {
    /// As it was typed.
    pub code: String,
}

/// A person deletes their account.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DeleteArgs {
    /// The password, so that nobody else does it.
    pub password: String,
}

/// What to do with what is unsent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Unsent {
    /// Do not sign out while something is unsent; answer how much.
    Ask,
    /// Sign out and lose it.
    Discard,
}

/// A person signs out.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SignOutArgs {
    /// What to do with what is unsent.
    pub unsent: Unsent,
}

/// What became of a sign-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SignOutResult {
    /// Whether the person is signed out.
    pub done: bool,
    /// Messages not sent yet, where not.
    pub unsent: u32,
}

// What people write stays out of logs.
im_protocol::opaque_debug!(ForgotArgs, ResetArgs, CodeArgs, DeleteArgs);
