//! Calls: what a device asks, and the one view of a call that all devices are told.

use crate::{
    CallId, ConversationId, DeviceId, PersonId, UnixMs,
    command::{Done, commands, notices},
    opaque_debug,
};
use serde::{Deserialize, Serialize};

/// What one side sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MediaKinds {
    /// Sound; a call without it makes no sense today, but the word is there.
    pub audio: bool,
    /// Picture.
    pub video: bool,
}

impl MediaKinds {
    /// Sound only.
    pub const AUDIO: Self = Self {
        audio: true,
        video: false,
    };
    /// Sound and picture.
    pub const VIDEO: Self = Self {
        audio: true,
        video: true,
    };
}

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// It rings at the callee's devices.
    Ringing,
    /// One device took it; the two connect.
    Accepted,
    /// Both hear each other.
    Connected,
    /// It is over; the outcome says how.
    Over,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// One of the two hung up.
    Ended,
    /// The callee declined.
    Rejected,
    /// Nobody answered in time.
    Missed,
    /// The caller gave up, or was gone.
    Canceled,
    /// The callee was in another call.
    Busy,
    /// It was accepted but never connected; or, where it has a length, it was connected and broke off.
    Failed,
    /// An outcome of a newer server.
    #[serde(other)]
    Other,
}

/// Why a callee declines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// No reason given.
    Declined,
    /// "Back in 10 minutes."
    BackSoon,
    /// "In a session."
    InSession,
    /// "Write to me instead."
    WriteInstead,
    /// A reason of a newer peer.
    #[serde(other)]
    Other,
}

/// How far a ring has come, the highest of all the callee's devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RingReceipt {
    /// No device has told yet.
    Sent,
    /// A device has it.
    Delivered,
    /// A device shows it to the person.
    Shown,
}

/// A call as both sides see it. Applied only where `rev` is higher than the one known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallView {
    /// Which.
    pub id: CallId,
    /// +1 per step.
    pub rev: u64,
    /// The conversation of the two, where the call's chat is and its record goes.
    pub conversation: ConversationId,
    /// Who called.
    pub caller: PersonId,
    /// Who is called.
    pub callee: PersonId,
    /// The device that called.
    pub caller_device: DeviceId,
    /// The device that accepted.
    #[serde(default)]
    pub callee_device: Option<DeviceId>,
    /// Who makes all offers: the mentor; between equals the caller.
    pub offerer: PersonId,
    /// What the caller wants it to be about; may be empty.
    #[serde(default)]
    pub about: String,
    /// Where it stands.
    pub state: CallState,
    /// How it ended, once it is over.
    #[serde(default)]
    pub outcome: Option<CallOutcome>,
    /// Why it was declined, where it was.
    #[serde(default)]
    pub reason: Option<RejectReason>,
    /// What the caller sends at first.
    pub caller_media: MediaKinds,
    /// What the callee sends at first, once accepted.
    #[serde(default)]
    pub callee_media: Option<MediaKinds>,
    /// How far the ring has come.
    pub receipt: RingReceipt,
    /// When it began, by the server's clock.
    pub started_at: UnixMs,
    /// How long the present state may still last, in milliseconds, counted from when this was
    /// sent; none where it has no deadline. Devices count down by their own monotonic clock.
    #[serde(default)]
    pub remaining_ms: Option<u64>,
    /// How long the two have been connected so far or were in all, in milliseconds.
    #[serde(default)]
    pub connected_ms: u64,
}

impl CallView {
    /// The other one of the two.
    #[must_use]
    pub fn other(&self, me: PersonId) -> PersonId {
        if self.caller == me {
            self.callee
        } else {
            self.caller
        }
    }

    /// The device that joined for this person, if any.
    #[must_use]
    pub fn device_of(&self, person: PersonId) -> Option<DeviceId> {
        if self.caller == person {
            Some(self.caller_device)
        } else {
            self.callee_device
        }
    }
}

/// `call:start`: ring the other person of a conversation.
///
/// Answered with the call: ringing; or, where both call each other, the one call of the two,
/// accepted; or over with outcome `busy`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallStart {
    /// Made by the client; sending it again gives the same call.
    pub id: CallId,
    /// Whose other person is called.
    pub conversation: ConversationId,
    /// What this device will send.
    pub media: MediaKinds,
    /// What it is about, up to [`crate::limits::ABOUT_CHARS`]; may be empty.
    #[serde(default)]
    pub about: String,
}

opaque_debug!(CallStart);

/// `call:receipt`: how far the ring has come on this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallReceipt {
    /// Which.
    pub id: CallId,
    /// `delivered` or `shown`.
    pub receipt: RingReceipt,
}

/// `call:accept`: this device takes the call. The first wins; the same device may repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallAccept {
    /// Which.
    pub id: CallId,
    /// What this device will send.
    pub media: MediaKinds,
}

/// `call:reject`: the person declines, on all devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallReject {
    /// Which.
    pub id: CallId,
    /// Why.
    pub reason: RejectReason,
}

/// `call:connected`: this device has media both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallConnected {
    /// Which.
    pub id: CallId,
}

/// `call:end`: hang up; while it rings, the caller's cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallEnd {
    /// Which.
    pub id: CallId,
    /// Set where media could not connect or broke for good; the outcome is then `failed`.
    #[serde(default)]
    pub failed: bool,
}

/// `call:changed`: a call of this person took a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallChanged {
    /// As it stands now.
    pub call: CallView,
}

commands! {
    CallStart = "call:start" in Calls => CallView;
    CallReceipt = "call:receipt" in Calls => Done;
    CallAccept = "call:accept" in Calls => CallView;
    CallReject = "call:reject" in Calls => CallView;
    CallConnected = "call:connected" in Calls => Done;
    CallEnd = "call:end" in Calls => CallView;
}

notices! {
    CallChanged = "call:changed";
}
