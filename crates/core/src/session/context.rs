//! What a session shares with commands and with calls.

use super::own_status::Reply as OwnStatusReply;
use crate::{
    calls::Calls,
    clock::Clock,
    connection::Told,
    events::EventHub,
    files::Files,
    live::Live,
    notify::{NotificationAction, Notifier, Ringtone},
    rest::Rest,
    store::Store,
    wire::Wire,
};
use im_call::media::MediaEngine;
use im_protocol::{
    ConversationId, DeviceId, FileId, OperationId, PersonId,
    people::{Me, StatusSet},
};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// What the parts of a session share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Context {
    /// The signed-in person.
    pub(crate) me: PersonId,
    /// This installation.
    pub(crate) device: DeviceId,
    /// The time of day.
    pub(crate) clock: Clock,
    /// The databases.
    pub(crate) store: Store,
    /// Files of messages.
    pub(crate) files: Files,
    /// What is true only while connected.
    pub(crate) live: Arc<Live>,
    /// REST in the person's name.
    pub(crate) rest: Rest,
    /// The socket.
    pub(crate) wire: Wire,
    /// Where to tell.
    pub(crate) events: EventHub,
    /// The desktop's notifications.
    pub(crate) notifier: Arc<dyn Notifier>,
    /// The ringtone.
    pub(crate) ringtone: Arc<dyn Ringtone>,
    /// Sound and picture.
    pub(crate) media: Arc<dyn MediaEngine>,
    /// The conversation that the person looks at.
    pub(crate) visible: watch::Receiver<Option<ConversationId>>,
}

/// What commands need of a session.
pub(crate) struct OpenAccount {
    /// What is shared.
    pub(crate) context: Context,
    /// The session's task.
    pub(crate) mail: mpsc::Sender<Mail>,
    /// The calls' task.
    pub(crate) calls: Calls,
    /// The connection's line.
    pub(crate) line: watch::Receiver<Told>,
}

/// What is asked of the session's task.
#[derive(Debug)]
pub(crate) enum Mail {
    /// A message, or a change of one, was written to the outbox.
    Wrote,
    /// Try again what is parked.
    Retry(OperationId, oneshot::Sender<bool>),
    /// Throw away what is parked; answered when its row is gone.
    Discard(OperationId, oneshot::Sender<bool>),
    /// A draft was kept.
    Drafted,
    /// The person wants something of a file; it is on disk already.
    File(FileMail),
    /// What goes to whole courses was written or changed; so many wait.
    Announced(u32),
    /// The person has read further.
    Read(ConversationId, u64),
    /// Something was fetched and stored beside the feed.
    Fetched(Option<ConversationId>),
    /// The mentor has chosen a status; answered once it is on disk and, where there is a connection,
    /// the server has said what it thinks of it.
    Status(StatusSet, OwnStatusReply),
    /// The server has told anew who the person is.
    Me(Me),
    /// Connect at once.
    Reconnect,
    /// The person looks at another conversation.
    Looks,
    /// The person acted on a notification.
    Acted(NotificationAction),
}

/// What is wanted of a file, and in which conversation.
#[derive(Debug)]
pub(crate) enum FileMail {
    /// To be fetched.
    Fetch(FileId, ConversationId),
    /// To be fetched no further, or to go on.
    HoldFetch(FileId, ConversationId, bool),
    /// Not to be fetched after all.
    GiveUp(FileId, ConversationId),
    /// To be handed over no further, or to go on.
    HoldUpload(FileId, ConversationId, bool),
}

impl OpenAccount {
    /// Tells the session's task, waiting for room. A session that is ending needs no telling: what
    /// matters is on disk.
    pub(crate) async fn tell(&self, mail: Mail) {
        if self.mail.send(mail).await.is_err() {
            tracing::debug!("the session has ended");
        }
    }
}
