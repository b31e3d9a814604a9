//! Rings and calls.

use im_protocol::{CallId, ConversationId, call::RejectReason};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Rings somebody.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CallStartArgs {
    /// The conversation of the two.
    #[ts(as = "String")]
    pub conversation: ConversationId,
    /// With picture.
    pub video: bool,
    /// What it is about; may be empty.
    pub about: String,
}

/// Accepts a ring.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CallAcceptArgs {
    /// Which.
    #[ts(as = "String")]
    pub call: CallId,
    /// With our picture.
    pub video: bool,
}

/// Declines a ring.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CallRejectArgs {
    /// Which.
    #[ts(as = "String")]
    pub call: CallId,
    /// Why.
    #[ts(type = "'declined' | 'back_soon' | 'in_session' | 'write_instead'")]
    pub reason: RejectReason,
}

/// A call.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CallArgs {
    /// Which.
    #[ts(as = "String")]
    pub call: CallId,
}

/// A switch.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SwitchArgs {
    /// On or off.
    pub on: bool,
}

// What people write stays out of logs.
im_protocol::opaque_debug!(CallStartArgs);
