//! Signalling between the two devices that joined a call, handed on by the server as it is.
//!
//! One side makes all offers ([`crate::call::CallView::offerer`]), so there is no glare. Every
//! payload carries the generation of the offer it belongs to; what is not of the newest generation
//! is dropped. The server checks membership and size and adds nothing.

use crate::{
    CallId,
    command::{Done, commands, notices},
    opaque_debug,
};
use serde::{Deserialize, Serialize};

/// `webrtc:offer`, from the offerer (RFC 8829).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Which call.
    pub call: CallId,
    /// From 1, +1 per offer.
    pub generation: u32,
    /// Session description (RFC 8866), up to [`crate::limits::SDP_BYTES`].
    pub sdp: String,
}

/// `webrtc:answer`, to the offer of the same generation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Which call.
    pub call: CallId,
    /// The offer's.
    pub generation: u32,
    /// Session description, up to [`crate::limits::SDP_BYTES`].
    pub sdp: String,
}

/// `webrtc:candidate`: one more way to reach the sender (RFC 8838), as `RTCIceCandidateInit`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Which call.
    pub call: CallId,
    /// The offer's.
    pub generation: u32,
    /// The candidate line; empty at the end of candidates.
    pub candidate: String,
    /// The media section it belongs to.
    #[serde(default)]
    pub sdp_mid: Option<String>,
    /// The same by its number.
    #[serde(default)]
    pub sdp_m_line_index: Option<u16>,
}

opaque_debug!(Offer, Answer, Candidate);

/// Why the answering side wants a new offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenegotiateReason {
    /// The way between the two broke: offer with an ICE restart.
    Restart,
    /// Keys never came: build a new connection.
    Rebuild,
    /// A reason of a newer peer: treated as a restart.
    #[serde(other)]
    Other,
}

/// `webrtc:renegotiate`, from the side that does not offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renegotiate {
    /// Which call.
    pub call: CallId,
    /// The newest generation the asker has seen, 0 for none.
    pub generation: u32,
    /// Why.
    pub reason: RenegotiateReason,
}

/// `webrtc:left`: the other device has left the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Which call.
    pub call: CallId,
}

commands! {
    Offer = "webrtc:offer" in Calls => Done;
    Answer = "webrtc:answer" in Calls => Done;
    Candidate = "webrtc:candidate" in Calls => Done;
    Renegotiate = "webrtc:renegotiate" in Calls => Done;
}

notices! {
    Offer = "webrtc:offer";
    Answer = "webrtc:answer";
    Candidate = "webrtc:candidate";
    Renegotiate = "webrtc:renegotiate";
    Left = "webrtc:left";
}
