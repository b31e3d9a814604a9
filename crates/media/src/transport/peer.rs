//! [`Transport`] on the `webrtc` crate.

use super::{
    Feedback, Inbound, Numbered, Transport, TransportConfig, TransportError, codecs,
    handler::{Handler, Shared},
    interfaces,
};
use crate::rtp::{Kind, RtpPacket};
use im_call::media::IceCandidate;
use rcgen::CertificateParams;
use rtc::{
    crypto::{self, SignatureScheme},
    ice::mdns::MulticastDnsMode,
    media_stream::MediaStreamTrack,
    peer_connection::certificate::RTCCertificate,
    rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication,
    rtp,
    rtp_transceiver::rtp_sender::{
        RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
    },
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::mpsc;
use webrtc::{
    media_stream::track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP},
    peer_connection::{
        PeerConnection, PeerConnectionBuilder, RTCConfigurationBuilder, RTCIceCandidateInit,
        RTCIceServer, RTCSessionDescription, SettingEngineBuilder,
    },
    rtp_transceiver::RtpSender,
};

/// Packets that came late because they were asked for again must not look replayed.
const REPLAY_WINDOW: usize = 1_024;

/// The key pair that a device shows in a call; the same after a rebuild (safety words depend
/// on it).
#[derive(Clone)]
pub struct Certificate(RTCCertificate);

impl Certificate {
    /// Makes a new one: ECDSA on P-256, self-signed, as browsers do (RFC 8827 section 6.5).
    ///
    /// # Errors
    /// Where the system gives no randomness.
    pub fn generate() -> Result<Self, TransportError> {
        let step = "certificate";
        let provider =
            crypto::default_provider().map_err(|error| TransportError::new(step, &error))?;
        let params = CertificateParams::new(vec!["instantmentor".to_owned()])
            .map_err(|error| TransportError::new(step, &error))?;
        RTCCertificate::generate(provider.crypto(), SignatureScheme::EcdsaP256Sha256, params)
            .map(Self)
            .map_err(|error| TransportError::new(step, &error))
    }
}

/// One of our two streams.
struct Outgoing {
    track: Arc<TrackLocalStaticRTP>,
    sender: Arc<dyn RtpSender>,
    ssrc: u32,
    payload_type: AtomicU8,
    mime_type: String,
}

/// A peer connection.
pub struct Peer {
    connection: Arc<dyn PeerConnection>,
    audio: Outgoing,
    video: Outgoing,
    shared: Arc<Shared>,
}

impl Peer {
    /// Opens sockets and makes a connection that has not negotiated yet.
    ///
    /// # Errors
    /// Where no socket can be opened or there is no tokio runtime.
    pub async fn open(
        number: u32,
        config: &TransportConfig,
        certificate: &Certificate,
        feedback: &Arc<Feedback>,
        inbound: Inbound,
        events: mpsc::Sender<Numbered>,
    ) -> Result<Self, TransportError> {
        let shared = Arc::new(Shared::new(number, events, inbound));
        let mut mdns = MulticastDnsMode::QueryOnly;
        let connection: Arc<dyn PeerConnection> = loop {
            match build(config, certificate, feedback, &shared, mdns).await {
                Ok(connection) => break connection,
                // Joining the multicast group fails where there is no route for it; only names
                // ending in .local are lost with it.
                Err(_) if mdns != MulticastDnsMode::Disabled => mdns = MulticastDnsMode::Disabled,
                Err(error) => return Err(error),
            }
        };
        let audio = add(&*connection, RtpCodecKind::Audio, codecs::opus()).await?;
        let video = add(&*connection, RtpCodecKind::Video, codecs::vp8()).await?;
        Ok(Self {
            connection,
            audio,
            video,
            shared,
        })
    }

    /// Payload types may be the other side's after a negotiation.
    async fn learn_payload_types(&self) -> Result<(), TransportError> {
        for outgoing in [&self.audio, &self.video] {
            let parameters = outgoing
                .sender
                .get_parameters()
                .await
                .map_err(|error| TransportError::new("parameters", &error))?;
            let codec = parameters.rtp_parameters.codecs.iter().find(|codec| {
                codec
                    .rtp_codec
                    .mime_type
                    .eq_ignore_ascii_case(&outgoing.mime_type)
            });
            if let Some(codec) = codec {
                outgoing.payload_type.store(codec.payload_type, Relaxed);
            }
        }
        Ok(())
    }
}

async fn build(
    config: &TransportConfig,
    certificate: &Certificate,
    feedback: &Arc<Feedback>,
    shared: &Arc<Shared>,
    mdns: MulticastDnsMode,
) -> Result<Arc<dyn PeerConnection>, TransportError> {
    let ice_servers = config.ice_servers.iter().map(|server| RTCIceServer {
        urls: server.urls.clone(),
        username: server.username.clone().unwrap_or_default(),
        credential: server.credential.clone().unwrap_or_default(),
    });
    let configuration = RTCConfigurationBuilder::new()
        .with_ice_servers(ice_servers.collect())
        .with_certificates(vec![certificate.0.clone()])
        .build();
    let (media_engine, registry) = codecs::engine(feedback)?;
    let settings = SettingEngineBuilder::new()
        .with_multicast_dns_mode(mdns)
        .with_include_loopback_candidate(true)
        .with_discard_local_candidates_during_ice_restart(true)
        // Waiting for something better would only make the call start later.
        .with_srflx_acceptance_min_wait(Some(Duration::ZERO))
        .with_prflx_acceptance_min_wait(Some(Duration::ZERO))
        .with_relay_acceptance_min_wait(Some(Duration::ZERO))
        .with_srtp_replay_protection_window(REPLAY_WINDOW)
        .build();
    let opening = PeerConnectionBuilder::new()
        .with_configuration(configuration)
        .with_media_engine(media_engine)
        .with_setting_engine(settings)
        .with_interceptor_registry(registry)
        .with_handler(Arc::new(Handler(Arc::clone(shared))))
        .with_udp_addrs(interfaces::addresses(config.bind.as_deref()))
        .build();
    // Twenty kilobytes of future would be carried through every caller.
    let connection = Box::pin(opening)
        .await
        .map_err(|error| TransportError::new("open", &error))?;
    Ok(Arc::new(connection))
}

async fn add(
    connection: &dyn PeerConnection,
    kind: RtpCodecKind,
    codec: RTCRtpCodec,
) -> Result<Outgoing, TransportError> {
    let step = "add track";
    let mut ssrc = [0; 4];
    getrandom::fill(&mut ssrc).map_err(|error| TransportError::new(step, &error))?;
    // Zero means "none" in places.
    let ssrc = u32::from_ne_bytes(ssrc).max(1);
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(ssrc),
            ..Default::default()
        },
        codec: codec.clone(),
        ..Default::default()
    };
    let track = Arc::new(TrackLocalStaticRTP::new(MediaStreamTrack::new(
        "call".to_owned(),
        kind.to_string(),
        kind.to_string(),
        kind,
        vec![encoding],
    )));
    let sender = connection
        .add_track(Arc::clone(&track) as Arc<dyn TrackLocal>)
        .await
        .map_err(|error| TransportError::new(step, &error))?;
    let payload_type = if kind == RtpCodecKind::Audio {
        codecs::OPUS
    } else {
        codecs::VP8
    };
    Ok(Outgoing {
        track,
        sender,
        ssrc,
        payload_type: AtomicU8::new(payload_type),
        mime_type: codec.mime_type,
    })
}

#[async_trait::async_trait]
impl Transport for Peer {
    async fn offer(&self, restart_ice: bool) -> Result<String, TransportError> {
        let refused = |error| TransportError::new("offer", &error);
        if restart_ice {
            self.connection.restart_ice().await.map_err(refused)?;
        }
        let offer = self.connection.create_offer(None).await.map_err(refused)?;
        let sdp = offer.sdp.clone();
        self.connection
            .set_local_description(offer)
            .await
            .map_err(refused)?;
        Ok(sdp)
    }

    async fn answer(&self, offer: String) -> Result<String, TransportError> {
        let refused = |error| TransportError::new("answer", &error);
        let offer = RTCSessionDescription::offer(offer).map_err(refused)?;
        self.connection
            .set_remote_description(offer)
            .await
            .map_err(refused)?;
        let answer = self.connection.create_answer(None).await.map_err(refused)?;
        let sdp = answer.sdp.clone();
        self.connection
            .set_local_description(answer)
            .await
            .map_err(refused)?;
        self.learn_payload_types().await?;
        Ok(sdp)
    }

    async fn accept_answer(&self, answer: String) -> Result<(), TransportError> {
        let refused = |error| TransportError::new("accept answer", &error);
        let answer = RTCSessionDescription::answer(answer).map_err(refused)?;
        self.connection
            .set_remote_description(answer)
            .await
            .map_err(refused)?;
        self.learn_payload_types().await
    }

    async fn add_candidate(&self, candidate: IceCandidate) -> Result<(), TransportError> {
        // The stack has no use for the end of candidates: it tries until it gives up.
        if candidate.candidate.is_empty() {
            return Ok(());
        }
        let init = RTCIceCandidateInit {
            candidate: candidate.candidate,
            sdp_mid: candidate.sdp_mid,
            sdp_mline_index: candidate.sdp_m_line_index,
            username_fragment: None,
            url: None,
        };
        self.connection
            .add_ice_candidate(init)
            .await
            .map_err(|error| TransportError::new("candidate", &error))
    }

    async fn send(&self, kind: Kind, packet: RtpPacket) -> Result<(), TransportError> {
        if !self.shared.is_up() {
            return Ok(());
        }
        let outgoing = match kind {
            Kind::Audio => &self.audio,
            Kind::Video => &self.video,
        };
        let packet = rtp::Packet {
            header: rtp::header::Header {
                version: 2,
                marker: packet.marker,
                payload_type: outgoing.payload_type.load(Relaxed),
                sequence_number: packet.sequence,
                timestamp: packet.timestamp,
                ssrc: outgoing.ssrc,
                ..Default::default()
            },
            payload: packet.payload,
        };
        outgoing
            .track
            .write_rtp(packet)
            .await
            .map_err(|error| TransportError::new("send", &error))
    }

    async fn request_key_frame(&self) {
        if let Some((track, media_ssrc)) = self.shared.remote_video() {
            let request = PictureLossIndication {
                sender_ssrc: self.video.ssrc,
                media_ssrc,
            };
            if track.write_rtcp(vec![Box::new(request)]).await.is_err() {
                tracing::debug!("the connection closed before a key frame could be asked for");
            }
        }
    }

    async fn close(&self) {
        if self.connection.close().await.is_err() {
            tracing::debug!("the connection was closed already");
        }
    }
}
