//! What goes in and out of the machine.

use crate::media::MediaCommand;
use im_protocol::{
    CallId, ConversationId, PersonId, WireError,
    call::{
        CallAccept, CallConnected, CallEnd, CallReceipt, CallReject, CallStart, CallView,
        MediaKinds, RejectReason, RingReceipt,
    },
    webrtc::{Answer, Candidate, Offer, Renegotiate},
};

/// A request to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Ring somebody.
    Start(CallStart),
    /// Tell how far the ring has come here.
    Receipt(CallReceipt),
    /// Take a call.
    Accept(CallAccept),
    /// Decline a call.
    Reject(CallReject),
    /// Tell that media is there.
    Connected(CallConnected),
    /// Hang up.
    End(CallEnd),
    /// To the other device.
    Offer(Offer),
    /// To the other device.
    Answer(Answer),
    /// To the other device.
    Candidate(Candidate),
    /// To the other device.
    Renegotiate(Renegotiate),
}

impl Request {
    /// The generation of a signal; none for what the server itself acts on.
    pub(super) fn generation(&self) -> Option<u32> {
        match self {
            Self::Offer(offer) => Some(offer.generation),
            Self::Answer(answer) => Some(answer.generation),
            Self::Candidate(candidate) => Some(candidate.generation),
            Self::Renegotiate(ask) => Some(ask.generation),
            _ => None,
        }
    }
}

/// Ties a reply to its request. A request that is sent again has a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket(pub(super) u64);

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The server refused it.
    Refused(WireError),
    /// No answer came in time. With the connection gone there is no need to say so: see
    /// [`super::Calls::offline`].
    Lost,
}

/// A signal of the other device, handed on by the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// An offer.
    Offer(Offer),
    /// An answer.
    Answer(Answer),
    /// A way to reach the other.
    Candidate(Candidate),
    /// The answering side wants a new offer.
    Renegotiate(Renegotiate),
    /// The other device has left.
    Left(CallId),
}

impl Signal {
    /// Which call it belongs to.
    #[must_use]
    pub fn call(&self) -> CallId {
        match self {
            Self::Offer(offer) => offer.call,
            Self::Answer(answer) => answer.call,
            Self::Candidate(candidate) => candidate.call,
            Self::Renegotiate(ask) => ask.call,
            Self::Left(call) => *call,
        }
    }
}

/// What the machine wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send this; answer with [`super::Calls::reply`].
    Send(Ticket, Request),
    /// Ring: somebody calls. The view's `remaining_ms` says how long at most.
    Ring(CallView),
    /// Stop ringing, at once.
    RingOver {
        /// Which.
        call: CallId,
        /// Why.
        ending: RingEnding,
    },
    /// Open media; its events come in by [`super::Calls::media`], what cannot be opened by
    /// [`super::Calls::media_lost`].
    OpenMedia {
        /// Which.
        call: CallId,
        /// What to send at first.
        send: MediaKinds,
    },
    /// To the media of a call that was opened and not closed.
    Media(CallId, MediaCommand),
    /// Close media, free the devices. Comes exactly once after each opening.
    CloseMedia(CallId),
    /// How a call of this device stands.
    Progress(Progress),
    /// The call that this device was starting is this other one: both called each other. What was
    /// shown for the first is now shown for the second.
    Joined {
        /// The id that this device had made.
        asked: CallId,
        /// The call of the two.
        call: CallId,
    },
}

/// Why a ring stops on this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RingEnding {
    /// The person took it here.
    Accepted,
    /// The person declined here.
    Declined,
    /// Another device of the person took it.
    AnsweredElsewhere,
    /// The person declined on another device.
    DeclinedElsewhere,
    /// The caller gave up, or was gone.
    CallerGaveUp,
    /// It rang for its full time.
    TimedOut,
    /// It is over, and how will be known later: the end came while this device was away.
    Over,
}

/// How a call stands on the device that started or took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Which.
    pub call: CallId,
    /// Its conversation; its chat goes there.
    pub conversation: ConversationId,
    /// The other person; none until the server has said.
    pub other: Option<PersonId>,
    /// Whether this device started it.
    pub outgoing: bool,
    /// Whether the microphone is on, as far as the person wants it.
    pub microphone: bool,
    /// Whether the camera is on, as far as the person wants it.
    pub camera: bool,
    /// Where it stands.
    pub stage: Stage,
}

/// Where a call stands, for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// The server has been asked.
    Calling,
    /// It rings at the other's; the receipt says how far. With `sent`, none of their devices is
    /// connected.
    Ringing(RingReceipt),
    /// Both want it; the way is being found.
    Connecting,
    /// Both can hear each other.
    Connected,
    /// They could, and the way is being found again.
    Reconnecting,
    /// It is over.
    Over(Why),
}

/// Why a call is over, for the person on this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// This person hung up.
    HungUp,
    /// The other hung up.
    OtherHungUp,
    /// The callee declined.
    Declined(RejectReason),
    /// Nobody answered.
    NoAnswer,
    /// The caller gave up, or was gone.
    Canceled,
    /// The other is in a call.
    Busy,
    /// No way between the two was found, or it broke for good.
    Failed,
    /// This person took it on another device first.
    AnsweredElsewhere,
    /// The call was over before this device could join, or ended while it was away.
    Gone,
    /// The server refused.
    Refused(WireError),
    /// The server could not be asked.
    Unreachable,
    /// Microphone, speaker and camera could not be opened at all.
    NoMedia,
}

/// What a person wants that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Denied {
    /// The device is in a call already.
    #[error("You are in a call on this device.")]
    InCall,
    /// There is no such call here, or it is over.
    #[error("This call is over.")]
    NoSuchCall,
    /// The call is not at that point.
    #[error("That is not possible at this point of the call.")]
    NotNow,
}
