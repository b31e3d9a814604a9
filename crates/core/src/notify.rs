//! What the core asks of the desktop's notifications and of the ringtone. The crate that speaks to
//! the system implements these; the core knows only when, what and with which actions.

mod shown;

pub(crate) use shown::Shown;

use im_protocol::{CallId, ConversationId};
use tokio::sync::mpsc;

/// Actions that may wait for the core. People do not click faster.
const ACTIONS: usize = 32;

/// Which notification: one that is shown again under the same id replaces the former.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotificationId {
    /// A call rings.
    Ring(CallId),
    /// A call was missed.
    MissedCall {
        /// Which.
        call: CallId,
        /// Where its record is.
        conversation: ConversationId,
    },
    /// New messages of a conversation.
    Message(ConversationId),
}

/// How pressing it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Urgency {
    /// May go by itself.
    Normal,
    /// Stays until it is answered or withdrawn.
    Critical,
}

/// What a person can do on a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// A click on the notification itself: open what it is about.
    Open,
    /// Accept the ring.
    Accept,
    /// Decline the ring.
    Decline,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionButton {
    /// What it does.
    pub action: Action,
    /// Its words.
    pub label: String,
}

/// A notification, ready to be shown. A click on it is always [`Action::Open`].
#[derive(Clone, PartialEq, Eq)]
pub struct Notification {
    /// Which.
    pub id: NotificationId,
    /// The first line, plain text.
    pub title: String,
    /// Below it, plain text; may be empty. An implementation escapes it where the system reads
    /// markup.
    pub body: String,
    /// Buttons beside the click.
    pub buttons: Vec<ActionButton>,
    /// How pressing.
    pub urgency: Urgency,
}

impl std::fmt::Debug for Notification {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Names stay out of logs.
        f.debug_struct("Notification")
            .field("id", &self.id)
            .field("urgency", &self.urgency)
            .finish_non_exhaustive()
    }
}

/// A person acted on a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotificationAction {
    /// Which.
    pub id: NotificationId,
    /// What they chose.
    pub action: Action,
}

/// Shows notifications. Both methods return at once; where the system has none, nothing happens.
pub trait Notifier: Send + Sync + 'static {
    /// Shows a notification, in place of the one with the same id if there is one.
    fn show(&self, notification: Notification);
    /// Takes a notification away; one that is not there is no error.
    fn withdraw(&self, id: NotificationId);
}

/// Plays the ringtone. Both methods return at once.
pub trait Ringtone: Send + Sync + 'static {
    /// Begins to ring; while it rings, nothing.
    fn start(&self);
    /// Stops; while it is silent, nothing.
    fn stop(&self);
}

/// The way of actions back to the core. The sender goes to the [`Notifier`], the receiver into the
/// core's configuration. Bounded: a full one means that the core has stopped.
#[must_use]
pub fn actions() -> (
    mpsc::Sender<NotificationAction>,
    mpsc::Receiver<NotificationAction>,
) {
    mpsc::channel(ACTIONS)
}
