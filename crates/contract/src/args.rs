//! What the UI's requests carry, by subject.

mod account;
mod calls;
mod conversations;
mod desktop;
mod messages;
mod people;
mod search;

pub use account::{
    CodeArgs, DeleteArgs, ForgotArgs, InvitationArgs, RegisterArgs, ResetArgs, SignInArgs,
    SignOutArgs, SignOutResult, Unsent,
};
pub use calls::{CallAcceptArgs, CallArgs, CallRejectArgs, CallStartArgs, SwitchArgs};
pub use conversations::{ConversationArgs, DraftArgs, OpenArgs, ReadArgs, TypingArgs};
pub use desktop::{LinkArgs, LookingAtArgs, Opened};
pub use messages::{EditArgs, MessageArgs, OperationArgs, PageArgs, ReactArgs, SendArgs};
pub use people::{EnrolArgs, StatusArgs};
pub use search::{SearchArgs, SearchBy};

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// No arguments, or nothing to answer: `{}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Nothing {}
