//! Calls as this device lives them: the driver of [`im_call::device`], which decides, between the
//! socket, media, the notifications and the UI.
//!
//! One task ([`task`]) owns everything; [`CallInput`] says what reaches it, in the order in which
//! it happened. Whatever takes time (an answer of the server, a look into the store, media's next
//! event) is a future in one set, so that the task itself never waits.
//!
//! - here: the handle that the session and the UI's commands hold
//! - [`task`]: what comes in, and what the machine wants done
//! - [`rings`]: who calls, on screen, in a notification and with the ringtone
//! - [`current`]: the call on this device as the UI sees it
//! - [`media`]: opening and closing media, ways through networks
//! - [`requests`]: the machine's requests on the socket
//!
//! A missed call's notification is not made here: it follows its message (see `notices`).

mod current;
mod media;
mod requests;
mod rings;
mod task;

pub(crate) use task::CallTask;

use crate::{
    notify::NotificationAction,
    people::known_or_nameless,
    session::Context,
    store::{StoreError, conversation},
};
use im_call::device::Denied;
use im_contract::{
    ErrorKind, UiError,
    args::{CallAcceptArgs, CallRejectArgs, CallStartArgs},
    views::{CallProgress, PersonView, Ring},
};
use im_protocol::{
    CallId,
    call::{CallStart, CallView, MediaKinds, RejectReason},
    limits, webrtc,
};
use rings::RingsShown;
use tokio::sync::{mpsc, oneshot, watch};

/// Inputs that may wait.
const QUEUE: usize = 256;

/// Everything that reaches the calls' task.
pub(crate) enum CallInput {
    /// A connection begins; these calls of the person are not over. Before any fact.
    Ready(Vec<CallView>),
    /// `call:changed`.
    Changed(CallView),
    /// The same from the feed, stored and new.
    Fact(CallView),
    /// `webrtc:offer`.
    Offer(webrtc::Offer),
    /// `webrtc:answer`.
    Answer(webrtc::Answer),
    /// `webrtc:candidate`.
    Candidate(webrtc::Candidate),
    /// `webrtc:renegotiate`.
    Renegotiate(webrtc::Renegotiate),
    /// `webrtc:left`.
    Left(webrtc::Left),
    /// The connection is gone; media goes on.
    Disconnected,
    /// The person acted on a ring's notification.
    Acted(NotificationAction),
    /// The person wants something.
    Asked(Wish),
    /// The session ends: hang up and free the devices. Answered when the server knows, or after a
    /// moment.
    Closed(oneshot::Sender<()>),
}

/// What a person wants.
pub(crate) enum Wish {
    /// Ring somebody.
    Start {
        /// To be sent.
        call: CallStart,
        /// Whom.
        other: PersonView,
        /// Answered as soon as the server has, or after a moment.
        reply: oneshot::Sender<Result<CallProgress, UiError>>,
    },
    /// The rest is answered as soon as the machine has taken it.
    Now(Now, oneshot::Sender<Result<(), UiError>>),
}

/// What is done at once, whatever the server says.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Now {
    /// Take a call that rings.
    Accept(CallId, MediaKinds),
    /// Decline a call that rings.
    Reject(CallId, RejectReason),
    /// A ring is on screen: the caller is told.
    Shown(CallId),
    /// Hang up.
    HangUp(CallId),
    /// Put away a call that is over.
    Dismiss(CallId),
    /// Microphone on or off.
    Microphone(bool),
    /// Camera on or off.
    Camera(bool),
}

/// A handle on the calls' task. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Calls {
    inputs: mpsc::Sender<CallInput>,
    rings: watch::Receiver<RingsShown>,
    current: watch::Receiver<Option<CallProgress>>,
}

/// A task and its handle.
pub(crate) fn new(context: Context) -> (Calls, CallTask) {
    let (sender, inputs) = mpsc::channel(QUEUE);
    let (rings_tx, rings) = watch::channel(RingsShown::default());
    let (current_tx, current) = watch::channel(None);
    let calls = Calls {
        inputs: sender,
        rings,
        current,
    };
    (calls, CallTask::new(context, inputs, rings_tx, current_tx))
}

impl Calls {
    /// Tells the task, waiting for room.
    pub(crate) async fn tell(&self, input: CallInput) {
        if self.inputs.send(input).await.is_err() {
            tracing::debug!("the calls' task has ended");
        }
    }

    /// What rings here, oldest first, as of now.
    pub(crate) fn rings(&self) -> Vec<Ring> {
        self.rings.borrow().now()
    }

    /// The call on this device.
    pub(crate) fn current(&self) -> Option<CallProgress> {
        self.current.borrow().clone()
    }

    /// Rings the other person of a conversation.
    pub(crate) async fn start(
        &self,
        context: &Context,
        args: CallStartArgs,
    ) -> Result<CallProgress, UiError> {
        let about = args.about.trim().to_owned();
        if about.chars().count() > limits::ABOUT_CHARS {
            return Err(UiError::new(ErrorKind::TooLong).with("limit", limits::ABOUT_CHARS));
        }
        let id = args.conversation;
        let found = context.store.cache.read(move |connection| {
            let entry = conversation::get(connection, id)?;
            entry
                .map(|entry| known_or_nameless(connection, entry.other))
                .transpose()
        });
        let found: Result<_, StoreError> = found.await;
        let other = found?.ok_or_else(|| UiError::new(ErrorKind::NotFound))?;
        let (reply, answer) = oneshot::channel();
        let wish = Wish::Start {
            call: CallStart {
                id: CallId::new(),
                conversation: args.conversation,
                media: kinds(args.video),
                about,
            },
            other: context.live.person(other),
            reply,
        };
        self.tell(CallInput::Asked(wish)).await;
        answer.await.map_err(|_| ended())?
    }

    /// Takes a call that rings here.
    pub(crate) async fn accept(&self, args: CallAcceptArgs) -> Result<(), UiError> {
        self.now(Now::Accept(args.call, kinds(args.video))).await
    }

    /// Declines a call that rings here.
    pub(crate) async fn reject(&self, args: CallRejectArgs) -> Result<(), UiError> {
        self.now(Now::Reject(args.call, args.reason)).await
    }

    /// Does what takes effect at once.
    pub(crate) async fn now(&self, now: Now) -> Result<(), UiError> {
        let (reply, answer) = oneshot::channel();
        self.tell(CallInput::Asked(Wish::Now(now, reply))).await;
        answer.await.map_err(|_| ended())?
    }

    /// Hangs up and frees the devices, as long as there is a connection to say so.
    pub(crate) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        self.tell(CallInput::Closed(done)).await;
        // An error means that the task is gone, and with it every call.
        let _ = closed.await;
    }
}

fn ended() -> UiError {
    UiError::new(ErrorKind::Internal)
}

const fn kinds(video: bool) -> MediaKinds {
    if video {
        MediaKinds::VIDEO
    } else {
        MediaKinds::AUDIO
    }
}

fn denied(denied: Denied) -> UiError {
    UiError::new(match denied {
        Denied::InCall => ErrorKind::InACall,
        Denied::NoSuchCall | Denied::NotNow => ErrorKind::CallOver,
    })
}
