//! What the core tells. The UI keeps no second truth: most events say only what to read again.

use crate::{
    files::FileProgress,
    views::{
        Account, CallLevels, CallProgress, Connection, Desktop, ExportProgress, Ring, RingEnd,
        Settings,
    },
};
use im_protocol::{CallId, ConversationId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Something happened in the core.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
#[ts(export)]
pub enum CoreEvent {
    /// Who is signed in has changed.
    Account(Account),
    /// The connection's line has changed.
    Connection(Connection),
    /// The conversation list has changed: read it again. Also sent for changes of presence.
    Conversations,
    /// Messages of a conversation have changed: read its page again where it is shown.
    Messages {
        /// Which conversation.
        #[ts(as = "String")]
        conversation: ConversationId,
    },
    /// Older messages are indexed now: what was searched for may have more hits.
    Indexed,
    /// People, presence or mentors' statuses have changed: read them again where shown.
    People,
    /// Where the person is signed in has changed, or may have: read it again where it is shown.
    Devices,
    /// What was written to whole courses goes on: read it again where it is shown.
    Bulk,
    /// There is something new for administrators: read it again where it is shown.
    Moderation,
    /// A call rings here, or what is known of it has changed.
    Ring(Ring),
    /// It does not ring anymore.
    RingEnded {
        /// Which.
        #[ts(as = "String")]
        call: CallId,
        /// Why.
        end: RingEnd,
    },
    /// The call on this device has changed; none once it was over and was put away.
    Call(Option<CallProgress>),
    /// Loudness in the call, about ten times a second.
    CallLevels(CallLevels),
    /// Somebody asked (from the tray, a notification, a link) to see this conversation.
    ShowConversation {
        /// Which.
        #[ts(as = "String")]
        conversation: ConversationId,
    },
    /// What the person chose for this device has changed.
    Settings(Settings),
    /// Files go on, five times a second at most.
    Files(Vec<FileProgress>),
    /// Files are being dragged over the window, or not anymore.
    FilesOver {
        /// Which of the two.
        over: bool,
    },
    /// Files were dropped on the window: `files.drop` chooses them.
    FilesDropped {
        /// Which drop.
        #[ts(type = "number")]
        drop: u64,
    },
    /// Saving everything goes on.
    Export(ExportProgress),
    /// What the desktop offers has changed.
    Desktop(Desktop),
    /// Events were left out because the reader was too slow: read everything again.
    Overflow,
}
