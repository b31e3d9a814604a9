//! What the `webrtc` crate calls back.

use super::{Inbound, Numbered, TransportEvent, TransportState};
use crate::rtp::RtpPacket;
use im_call::media::IceCandidate;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Instant,
};
use tokio::sync::mpsc;
use webrtc::{
    media_stream::track_remote::{TrackRemote, TrackRemoteEvent},
    peer_connection::{
        PeerConnectionEventHandler, RTCIceConnectionState, RTCIceGatheringState,
        RTCPeerConnectionIceEvent, RTCPeerConnectionState,
    },
};

/// What the connection's callbacks and ourselves both need.
pub(super) struct Shared {
    number: u32,
    events: mpsc::Sender<Numbered>,
    inbound: Inbound,
    up: AtomicBool,
    remote_video: Mutex<Option<(Arc<dyn TrackRemote>, u32)>>,
}

impl Shared {
    pub(super) fn new(number: u32, events: mpsc::Sender<Numbered>, inbound: Inbound) -> Self {
        Self {
            number,
            events,
            inbound,
            up: AtomicBool::new(false),
            remote_video: Mutex::new(None),
        }
    }

    /// Whether packets can flow.
    pub(super) fn is_up(&self) -> bool {
        self.up.load(Relaxed)
    }

    /// The other side's picture stream and its number, once something came.
    pub(super) fn remote_video(&self) -> Option<(Arc<dyn TrackRemote>, u32)> {
        self.remote_video
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn tell(&self, event: TransportEvent) {
        let numbered = Numbered {
            transport: self.number,
            event,
        };
        // Awaiting here would hold up the packets. The reader takes events as they come and
        // there are a few dozen of them in a call.
        if self.events.try_send(numbered).is_err() {
            tracing::warn!("a transport event was lost");
        }
    }

    fn state(&self, state: TransportState) {
        self.up.store(state == TransportState::Up, Relaxed);
        self.tell(TransportEvent::State(state));
    }
}

/// Tells what happens to the connection, and reads its tracks.
pub(super) struct Handler(pub(super) Arc<Shared>);

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        let Ok(init) = event.candidate.to_json() else {
            return;
        };
        self.0.tell(TransportEvent::Candidate(IceCandidate {
            candidate: init.candidate,
            // Everything is bundled onto the first section; an empty name would match none.
            sdp_mid: init.sdp_mid.filter(|mid| !mid.is_empty()),
            sdp_m_line_index: init.sdp_mline_index,
        }));
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.0.tell(TransportEvent::Candidate(IceCandidate {
                candidate: String::new(),
                sdp_mid: None,
                sdp_m_line_index: Some(0),
            }));
        }
    }

    async fn on_ice_connection_state_change(&self, state: RTCIceConnectionState) {
        if state == RTCIceConnectionState::Connected && !self.0.up.load(Relaxed) {
            self.0
                .tell(TransportEvent::State(TransportState::IceConnected));
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        match state {
            RTCPeerConnectionState::Connected => self.0.state(TransportState::Up),
            RTCPeerConnectionState::Disconnected => self.0.state(TransportState::Down),
            RTCPeerConnectionState::Failed => self.0.state(TransportState::Failed),
            _ => {}
        }
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        tokio::spawn(TrackReader::new(track, Arc::clone(&self.0)).run());
    }
}

/// Hands a remote track's packets on until it ends.
struct TrackReader {
    track: Arc<dyn TrackRemote>,
    shared: Arc<Shared>,
}

impl TrackReader {
    fn new(track: Arc<dyn TrackRemote>, shared: Arc<Shared>) -> Self {
        Self { track, shared }
    }

    async fn run(self) {
        let audio = self.track.kind().await == RtpCodecKind::Audio;
        let to = if audio {
            &self.shared.inbound.audio
        } else {
            &self.shared.inbound.video
        };
        let mut known = 0;
        while let Some(event) = self.track.poll().await {
            let packet = match event {
                TrackRemoteEvent::OnRtpPacket(packet) => packet,
                TrackRemoteEvent::OnEnded | TrackRemoteEvent::OnError => break,
                _ => continue,
            };
            if !audio && known != packet.header.ssrc {
                known = packet.header.ssrc;
                *self
                    .shared
                    .remote_video
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) =
                    Some((Arc::clone(&self.track), known));
            }
            let packet = RtpPacket {
                ssrc: packet.header.ssrc,
                marker: packet.header.marker,
                sequence: packet.header.sequence_number,
                timestamp: packet.header.timestamp,
                payload: packet.payload,
                at: Instant::now(),
            };
            if to.try_send(packet).is_err() {
                tracing::debug!(audio, "a received packet found its queue full");
            }
        }
    }
}
