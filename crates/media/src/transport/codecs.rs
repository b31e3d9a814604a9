//! Which codecs are offered, and what happens to packets on their way.

use super::{
    TransportError,
    feedback::{Feedback, FeedbackTap},
    nack::NackAsker,
    resend::Resender,
};
use rtc::{
    interceptor::{Registry, Slot},
    peer_connection::configuration::{
        interceptor_registry::{configure_rtcp_reports, configure_twcc},
        media_engine::{MIME_TYPE_OPUS, MIME_TYPE_VP8, MediaEngine},
    },
    rtp_transceiver::rtp_sender::{RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RtpCodecKind},
};
use std::sync::Arc;

/// Payload type that we offer for Opus; the other side's offer may name another.
pub(super) const OPUS: u8 = 111;
/// Payload type that we offer for VP8.
pub(super) const VP8: u8 = 96;

/// Wire-ward of everything that makes packets, so that each is counted once it really leaves.
const TAP: usize = 3_500;

/// Opus, RFC 7587: 48 kHz and two channels on paper, whatever is sent.
pub(super) fn opus() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_OPUS.to_owned(),
        clock_rate: 48_000,
        channels: 2,
        sdp_fmtp_line: "minptime=10;useinbandfec=1".to_owned(),
        rtcp_feedback: Vec::new(),
    }
}

/// VP8, RFC 7741.
pub(super) fn vp8() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_VP8.to_owned(),
        clock_rate: 90_000,
        channels: 0,
        sdp_fmtp_line: String::new(),
        rtcp_feedback: Vec::new(),
    }
}

/// The codecs, and the chain that packets pass. There is no pacer: the rate is fixed and small,
/// and the one at hand holds sound back behind pictures.
pub(super) fn engine(feedback: &Arc<Feedback>) -> Result<(MediaEngine, Registry), TransportError> {
    let refused = |error: rtc::shared::error::Error| TransportError::new("codecs", &error);
    let mut engine = MediaEngine::default();
    for (codec, payload_type, kind) in [
        (opus(), OPUS, RtpCodecKind::Audio),
        (vp8(), VP8, RtpCodecKind::Video),
    ] {
        let parameters = RTCRtpCodecParameters {
            rtp_codec: codec,
            payload_type,
        };
        engine.register_codec(parameters, kind).map_err(refused)?;
    }
    // RFC 4585 and RFC 5104. No RTX: what is sent again keeps its number.
    for (typ, parameter) in [("nack", ""), ("nack", "pli"), ("ccm", "fir")] {
        let wanted = RTCPFeedback {
            typ: typ.to_owned(),
            parameter: parameter.to_owned(),
        };
        engine.register_feedback(wanted, RtpCodecKind::Video);
    }
    let registry = configure_rtcp_reports(Registry::new());
    let registry = configure_twcc(registry, &mut engine).map_err(refused)?;
    let registry = registry
        .with(Slot::from(TAP), FeedbackTap::new(Arc::clone(feedback)))
        .with(Slot::NackResponder, Resender::new(Arc::clone(feedback)))
        .with(Slot::NackGenerator, NackAsker::new(Arc::clone(feedback)));
    Ok((engine, registry))
}
