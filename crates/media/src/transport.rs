//! The way between two devices: ICE, DTLS-SRTP and RTP behind a trait of our own.
//!
//! [`Peer`] is the implementation on the `webrtc` crate. Nothing outside this module knows that
//! crate, so that another stack can take its place.

mod codecs;
mod feedback;
mod handler;
mod interfaces;
mod nack;
mod peer;
mod resend;

pub use feedback::{Feedback, Flow};
pub use peer::{Certificate, Peer};

use crate::rtp::{Kind, RtpPacket};
use im_call::media::IceCandidate;
use im_protocol::rest::IceServer;
use std::{net::SocketAddr, sync::mpsc};

/// What a peer connection is made with.
#[derive(Clone)]
pub struct TransportConfig {
    /// STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
    /// Local addresses to use. `0.0.0.0:0` and `[::]:0` stand for every interface but loopback; none
    /// for every way out that there is when a connection is opened: the network may have come, or
    /// become another one, since the program was started.
    pub bind: Option<Vec<SocketAddr>>,
}

/// Where received packets go: bounded, what does not fit is lost like on the network.
#[derive(Clone)]
pub struct Inbound {
    /// Sound.
    pub audio: mpsc::SyncSender<RtpPacket>,
    /// Picture.
    pub video: mpsc::SyncSender<RtpPacket>,
}

/// How a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportState {
    /// ICE found a way (RFC 8445); keys are still missing.
    IceConnected,
    /// Keys are agreed too: packets flow.
    Up,
    /// The way was lost, perhaps for a moment.
    Down,
    /// ICE gave up.
    Failed,
}

/// What a transport tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportEvent {
    /// A way to reach us, or with an empty line their end.
    Candidate(IceCandidate),
    /// How the connection stands.
    State(TransportState),
}

/// A transport's event with the number of the transport it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// As given to [`Peer::open`]: what an abandoned transport still says can be told apart.
    pub transport: u32,
    /// What happened.
    pub event: TransportEvent,
}

/// Something that the network stack refused.
///
/// Prints only which step it was and the error's bare name: session descriptions and addresses
/// may be part of the rest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{step}: {name}")]
pub struct TransportError {
    step: &'static str,
    name: String,
}

impl TransportError {
    fn new(step: &'static str, error: &impl std::fmt::Debug) -> Self {
        let name = format!("{error:?}")
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        Self { step, name }
    }
}

/// A connection to the other device with one sound and one picture stream each way.
#[async_trait::async_trait]
pub trait Transport: Send + Sync {
    /// Makes an offer and begins to gather candidates.
    ///
    /// # Errors
    /// Where the connection is closed or in the middle of another negotiation.
    async fn offer(&self, restart_ice: bool) -> Result<String, TransportError>;

    /// Takes the other side's offer and answers it.
    ///
    /// # Errors
    /// A bad description, or the connection is closed.
    async fn answer(&self, offer: String) -> Result<String, TransportError>;

    /// Takes the answer to our offer.
    ///
    /// # Errors
    /// A bad description, or there was no offer.
    async fn accept_answer(&self, answer: String) -> Result<(), TransportError>;

    /// Takes a way to reach the other side; a description must have come before.
    ///
    /// # Errors
    /// A line that is no candidate.
    async fn add_candidate(&self, candidate: IceCandidate) -> Result<(), TransportError>;

    /// Sends a packet. Quietly does nothing before keys are agreed.
    ///
    /// # Errors
    /// Where the connection is closed.
    async fn send(&self, kind: Kind, packet: RtpPacket) -> Result<(), TransportError>;

    /// Asks the other side for a key frame (PLI, RFC 4585 section 6.3.1).
    async fn request_key_frame(&self);

    /// Closes the connection and its sockets.
    async fn close(&self);
}
