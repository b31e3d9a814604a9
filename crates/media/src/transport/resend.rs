//! Sending again what the other side misses, at most once per round trip.

use super::feedback::Feedback;
use rtc::{
    interceptor::{Attribute, AttributedPacket, Interceptor, Packet, StreamInfo, TaggedPacket},
    rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack,
    rtp,
    sansio::Protocol,
    shared::{TransportContext, error::Error},
};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

/// Packets kept: about two seconds of 720p.
const KEPT: usize = 512;
/// How often one packet is sent again at most.
const MAX_RESENDS: u8 = 5;
/// Round trip to assume before one is known: rather short, since the first loss matters most.
const UNKNOWN_ROUND_TRIP: Duration = Duration::from_millis(30);

struct Sent {
    packet: rtp::Packet,
    resends: u8,
    resent: Option<Instant>,
}

/// The latest packets of one stream.
#[derive(Default)]
pub(super) struct SentPackets {
    kept: VecDeque<Sent>,
}

impl SentPackets {
    /// A packet leaves.
    pub(super) fn sent(&mut self, packet: rtp::Packet) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Sent {
            packet,
            resends: 0,
            resent: None,
        });
    }

    /// The packet of this number, if it may be sent again now.
    pub(super) fn again(
        &mut self,
        sequence: u16,
        now: Instant,
        round_trip: Duration,
    ) -> Option<rtp::Packet> {
        let newest = self.kept.back()?.packet.header.sequence_number;
        // Numbers are given without gaps, so the distance is the position.
        let age = usize::from(newest.wrapping_sub(sequence));
        let position = self.kept.len().checked_sub(age + 1)?;
        let sent = self.kept.get_mut(position)?;
        let too_soon = sent
            .resent
            .is_some_and(|at| now.saturating_duration_since(at) < round_trip);
        if sent.packet.header.sequence_number != sequence || sent.resends >= MAX_RESENDS || too_soon
        {
            return None;
        }
        sent.resends += 1;
        sent.resent = Some(now);
        Some(sent.packet.clone())
    }
}

/// The interceptor around [`SentPackets`].
pub(super) struct Resender {
    feedback: Arc<Feedback>,
    streams: HashMap<u32, SentPackets>,
    read: VecDeque<TaggedPacket>,
    write: VecDeque<TaggedPacket>,
}

impl Resender {
    pub(super) fn new(feedback: Arc<Feedback>) -> Self {
        Self {
            feedback,
            streams: HashMap::new(),
            read: VecDeque::new(),
            write: VecDeque::new(),
        }
    }

    fn answer(&mut self, nack: &TransportLayerNack, now: Instant) {
        let Some(stream) = self.streams.get_mut(&nack.media_ssrc) else {
            return;
        };
        let round_trip = self.feedback.round_trip().unwrap_or(UNKNOWN_ROUND_TRIP);
        for sequence in nack.nacks.iter().flat_map(|pair| pair.packet_list()) {
            if let Some(packet) = stream.again(sequence, now, round_trip) {
                self.feedback.resent.fetch_add(1, Relaxed);
                let again = AttributedPacket::new(Packet::Rtp(packet));
                self.write.push_back(TaggedPacket {
                    now,
                    transport: TransportContext::default(),
                    message: again.with(Attribute::Retransmission),
                });
            }
        }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Resender {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, msg: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtcp(packets) = &msg.message.packet {
            for packet in packets {
                if let Some(nack) = packet.as_any().downcast_ref::<TransportLayerNack>() {
                    self.answer(nack, msg.now);
                }
            }
        }
        self.read.push_back(msg);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.read.pop_front()
    }

    fn handle_write(&mut self, msg: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtp(packet) = &msg.message.packet
            && let Some(stream) = self.streams.get_mut(&packet.header.ssrc)
        {
            stream.sent(packet.clone());
        }
        self.write.push_back(msg);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.write.pop_front()
    }
}

impl Interceptor for Resender {
    fn bind_local_stream(&mut self, info: &StreamInfo) {
        if info.mime_type.starts_with("video/") {
            self.streams.entry(info.ssrc).or_default();
        }
    }
    fn unbind_local_stream(&mut self, info: &StreamInfo) {
        self.streams.remove(&info.ssrc);
    }
    fn bind_remote_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _info: &StreamInfo) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sequence_number: u16) -> rtp::Packet {
        rtp::Packet {
            header: rtp::header::Header {
                sequence_number,
                ..Default::default()
            },
            ..Default::default()
        }
    }

    #[test]
    fn a_lost_packet_goes_again_once_per_round_trip() {
        let trip = Duration::from_millis(50);
        let start = Instant::now();
        let mut stream = SentPackets::default();
        for sequence in 0..2_000u16 {
            stream.sent(packet(sequence.wrapping_sub(1_000)));
        }
        let again = stream.again(999, start, trip);
        assert_eq!(again.map(|p| p.header.sequence_number), Some(999));
        assert!(stream.again(999, start + trip / 2, trip).is_none());
        assert!(stream.again(999, start + trip, trip).is_some());
        assert!(stream.again(400, start, trip).is_none(), "too old");
        assert!(stream.again(1_000, start, trip).is_none(), "not sent yet");
    }

    #[test]
    fn five_times_is_enough() {
        let start = Instant::now();
        let mut stream = SentPackets::default();
        stream.sent(packet(7));
        let times = (0..20)
            .filter(|s| {
                let now = start + Duration::from_secs(*s);
                stream.again(7, now, Duration::from_millis(50)).is_some()
            })
            .count();
        assert_eq!(times, usize::from(MAX_RESENDS));
    }
}
