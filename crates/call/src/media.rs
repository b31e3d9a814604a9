//! What the core asks of media, and what media tells.
//!
//! The core owns the call: who offers, which generation, when it is over. Media owns devices,
//! codecs and packets. Neither knows the other's insides: commands go one way, events the other,
//! both over bounded channels.

use im_protocol::{CallId, call::MediaKinds, rest::IceServer};
use tokio::sync::mpsc;

/// Commands that may wait for media. While it opens, everything kept until then comes at once: the
/// signals that came before the word that both have joined, and of the candidates those that came
/// before their description (64 each, see `device`), a description, switches. Media that cannot
/// take them is taken for stopped.
pub const COMMANDS: usize = 256;

/// How a call begins for media.
#[derive(Debug, Clone)]
pub struct MediaSetup {
    /// Which call; for logs.
    pub call: CallId,
    /// What this side sends at first.
    pub send: MediaKinds,
    /// Ways through networks.
    pub ice_servers: Vec<IceServer>,
}

/// One ICE candidate as `RTCIceCandidateInit`; an empty line is the end of candidates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IceCandidate {
    /// The candidate line.
    pub candidate: String,
    /// The media section it belongs to.
    pub sdp_mid: Option<String>,
    /// The same by its number.
    pub sdp_m_line_index: Option<u16>,
}

/// What the core asks of a running call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaCommand {
    /// Make an offer of this generation. With `rebuild` on a new peer connection (same
    /// certificate), with `restart` as an ICE restart, else as a first or renewed offer.
    Offer {
        /// The generation that everything made from here on belongs to.
        generation: u32,
        /// ICE restart.
        restart: bool,
        /// New peer connection.
        rebuild: bool,
    },
    /// The other side's offer: answer it.
    RemoteOffer {
        /// Its generation; higher than any before.
        generation: u32,
        /// Session description.
        sdp: String,
    },
    /// The other side's answer to our offer of this generation.
    RemoteAnswer {
        /// The offer's generation.
        generation: u32,
        /// Session description.
        sdp: String,
    },
    /// A way to reach the other side. May come before the description it belongs to.
    RemoteCandidate {
        /// The offer's generation.
        generation: u32,
        /// Where.
        candidate: IceCandidate,
    },
    /// Microphone on or off.
    Microphone(bool),
    /// Camera on or off.
    Camera(bool),
}

/// Something a person should know about their devices; the call goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceNotice {
    /// There is no microphone, or it may not be used; the other side hears nothing.
    NoMicrophone,
    /// There is no speaker; nothing is heard.
    NoSpeaker,
    /// There is no camera, or it may not be used; the other side sees nothing.
    NoCamera,
}

/// Why a connection between the two is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PathProblem {
    /// ICE lost its way, or never found one: an ICE restart may help.
    Broken,
    /// ICE is up but keys never came (DTLS watchdog): a rebuild helps.
    KeysMissing,
}

/// Loudness now, linear amplitude 0.0..=1.0 (root mean square over about 100 ms).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Levels {
    /// What the microphone gives, also while muted.
    pub microphone: f32,
    /// What the other side sends.
    pub remote: f32,
}

/// Counters of a call so far, once a second.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct MediaStats {
    /// Round trip, milliseconds (RTCP, RFC 3550 section 6.4.1); none until known.
    pub round_trip_ms: Option<f64>,
    /// Sound packets received.
    pub audio_packets_in: u64,
    /// Sound packets lost, by gaps in sequence numbers.
    pub audio_packets_lost: u64,
    /// Frames of 20 ms that had to be concealed.
    pub audio_concealed: u64,
    /// Picture packets received.
    pub video_packets_in: u64,
    /// Complete pictures received.
    pub video_frames_in: u64,
    /// Pictures sent.
    pub video_frames_out: u64,
    /// Bits a second received, all media, over the last second.
    pub bits_in: u64,
    /// Bits a second sent, all media, over the last second.
    pub bits_out: u64,
}

/// Where the page finds a stream of pictures: a loopback WebSocket with a one-time token.
#[derive(Clone, PartialEq, Eq)]
pub struct PictureUrls {
    /// The other side's pictures.
    pub remote: String,
    /// Our own.
    pub own: String,
}

impl std::fmt::Debug for PictureUrls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PictureUrls { .. }")
    }
}

/// What media tells the core.
#[derive(Debug, Clone, PartialEq)]
pub enum MediaEvent {
    /// Our offer is ready.
    LocalOffer {
        /// As commanded.
        generation: u32,
        /// Session description.
        sdp: String,
    },
    /// Our answer is ready.
    LocalAnswer {
        /// The offer's.
        generation: u32,
        /// Session description.
        sdp: String,
    },
    /// A way to reach us.
    LocalCandidate {
        /// The offer's.
        generation: u32,
        /// Where.
        candidate: IceCandidate,
    },
    /// The way is open and keys are agreed.
    Connected,
    /// The way is not open anymore, or never was.
    Disconnected(PathProblem),
    /// The first sound of the other side was handed to the speaker.
    FirstSound,
    /// The first picture of the other side is complete, or its size changed; in pixels.
    Picture {
        /// Width.
        width: u32,
        /// Height.
        height: u32,
    },
    /// Pictures can be fetched from now on.
    Pictures(PictureUrls),
    /// Something about devices.
    Notice(DeviceNotice),
    /// What a notice said is over: the device is in use again.
    NoticeOver(DeviceNotice),
    /// About ten times a second.
    Levels(Levels),
    /// Once a second.
    Stats(MediaStats),
    /// A command could not be carried out (a bad description, say); the call may be unusable.
    Failed {
        /// The generation it concerned.
        generation: u32,
        /// For the log: never shown to a person, holds no addresses.
        detail: String,
    },
}

/// Media could not be started at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("media could not start: {0}")]
pub struct MediaError(pub String);

/// The two ends of a running call: dropping it ends the call and frees the devices.
#[derive(Debug)]
pub struct MediaCall {
    /// Bounded; a full one means that media has stopped.
    pub commands: mpsc::Sender<MediaCommand>,
    /// Bounded; levels and statistics are left out when the reader is slow, the rest never.
    pub events: mpsc::Receiver<MediaEvent>,
}

/// Makes calls' media.
pub trait MediaEngine: Send + Sync + 'static {
    /// Opens devices and a peer connection. Returns at once; what takes time comes as events.
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// Where not even a peer connection can be made.
    fn open(&self, setup: MediaSetup) -> Result<MediaCall, MediaError>;
}
