//! What the person looks at, and the desktop around the app.

use im_protocol::ConversationId;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What the person is looking at.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LookingAtArgs {
    /// The conversation on screen in a focused window; none for anything else.
    #[ts(as = "Option<String>")]
    pub conversation: Option<ConversationId>,
}

/// A link that a person followed.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LinkArgs {
    /// Where to: `http`, `https` or `mailto`.
    pub url: String,
}

/// What to show first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Opened {
    /// The conversation that somebody asked to see while there was no page.
    #[ts(as = "Option<String>")]
    pub conversation: Option<ConversationId>,
}

// What people write stays out of logs.
im_protocol::opaque_debug!(LinkArgs);
