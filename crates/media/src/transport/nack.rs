//! Asking for lost packets again, within limits (RFC 4585 section 6.2.1).
//!
//! Without limits a congested path is fed its own losses again and again until nothing else
//! passes. So: at most [`MAX_ASKS`] times per packet, once per round trip at most, never for the
//! newest two (they may only be out of order), and not at all when so much is gone that only a
//! key frame helps.

use super::feedback::Feedback;
use crate::rtp::Unwrapper;
use rtc::{
    interceptor::{AttributedPacket, Interceptor, Packet, StreamInfo, TaggedPacket},
    rtcp::transport_feedbacks::transport_layer_nack::{
        TransportLayerNack, nack_pairs_from_sequence_numbers,
    },
    sansio::Protocol,
    shared::{TransportContext, error::Error},
};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

/// How often one packet is asked for at most.
const MAX_ASKS: u8 = 5;
/// Packets at the head that may still be on their way.
const SKIP_NEWEST: i64 = 2;
/// A larger gap is a key frame's matter.
const MAX_GAP: i64 = 100;
/// Nobody waits for a picture longer than this.
const MAX_AGE: Duration = Duration::from_millis(500);
/// How often missing packets are looked through.
const TICK: Duration = Duration::from_millis(10);
/// Round trip to assume before one is known.
const UNKNOWN_ROUND_TRIP: Duration = Duration::from_millis(100);

struct Missing {
    since: Instant,
    asks: u8,
    asked: Option<Instant>,
}

/// Which packets of one stream are missing, and when to ask.
#[derive(Default)]
pub(super) struct MissingPackets {
    unwrapper: Unwrapper,
    newest: Option<i64>,
    missing: BTreeMap<i64, Missing>,
}

impl MissingPackets {
    /// A packet came.
    pub(super) fn received(&mut self, sequence: u16, now: Instant) {
        let full = self.unwrapper.sequence(sequence);
        let Some(newest) = self.newest else {
            self.newest = Some(full);
            return;
        };
        if full <= newest {
            self.missing.remove(&full);
            return;
        }
        if full - newest > MAX_GAP {
            self.missing.clear();
        } else {
            for lost in newest + 1..full {
                let fresh = Missing {
                    since: now,
                    asks: 0,
                    asked: None,
                };
                self.missing.insert(lost, fresh);
            }
        }
        self.newest = Some(full);
    }

    /// What to ask for now.
    pub(super) fn due(&mut self, now: Instant, round_trip: Duration) -> Vec<u16> {
        let newest = self.newest.unwrap_or_default();
        self.missing.retain(|_, missing| {
            missing.asks < MAX_ASKS && now.saturating_duration_since(missing.since) < MAX_AGE
        });
        let mut due = Vec::new();
        for (full, missing) in self.missing.range_mut(..=newest - SKIP_NEWEST) {
            let waits = missing
                .asked
                .is_some_and(|asked| now.saturating_duration_since(asked) < round_trip);
            if !waits {
                missing.asks += 1;
                missing.asked = Some(now);
                due.push(*full as u16);
            }
        }
        due
    }

    fn is_empty(&self) -> bool {
        self.missing.is_empty()
    }
}

/// The interceptor around [`MissingPackets`].
pub(super) struct NackAsker {
    feedback: Arc<Feedback>,
    streams: HashMap<u32, MissingPackets>,
    next: Option<Instant>,
    read: VecDeque<TaggedPacket>,
    write: VecDeque<TaggedPacket>,
}

impl NackAsker {
    pub(super) fn new(feedback: Arc<Feedback>) -> Self {
        Self {
            feedback,
            streams: HashMap::new(),
            next: None,
            read: VecDeque::new(),
            write: VecDeque::new(),
        }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for NackAsker {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, msg: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtp(packet) = &msg.message.packet
            && let Some(stream) = self.streams.get_mut(&packet.header.ssrc)
        {
            stream.received(packet.header.sequence_number, msg.now);
            if self.next.is_none() && !stream.is_empty() {
                self.next = Some(msg.now + TICK);
            }
        }
        self.read.push_back(msg);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.read.pop_front()
    }

    fn handle_write(&mut self, msg: TaggedPacket) -> Result<(), Error> {
        self.write.push_back(msg);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.write.pop_front()
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        if self.next.is_none_or(|next| now < next) {
            return Ok(());
        }
        let round_trip = self.feedback.round_trip().unwrap_or(UNKNOWN_ROUND_TRIP);
        for (ssrc, stream) in &mut self.streams {
            let due = stream.due(now, round_trip.max(TICK));
            if due.is_empty() {
                continue;
            }
            self.feedback
                .asked_again
                .fetch_add(due.len() as u64, Relaxed);
            let nack = TransportLayerNack {
                sender_ssrc: 0,
                media_ssrc: *ssrc,
                nacks: nack_pairs_from_sequence_numbers(&due),
            };
            self.write.push_back(TaggedPacket {
                now,
                transport: TransportContext::default(),
                message: AttributedPacket::new(Packet::Rtcp(vec![Box::new(nack)])),
            });
        }
        let waiting = self.streams.values().any(|stream| !stream.is_empty());
        self.next = waiting.then(|| now + TICK);
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.next
    }
}

impl Interceptor for NackAsker {
    fn bind_local_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _info: &StreamInfo) {}
    fn bind_remote_stream(&mut self, info: &StreamInfo) {
        if info.mime_type.starts_with("video/") {
            self.streams.entry(info.ssrc).or_default();
        }
    }
    fn unbind_remote_stream(&mut self, info: &StreamInfo) {
        self.streams.remove(&info.ssrc);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIP: Duration = Duration::from_millis(40);

    fn after_a_gap(start: Instant) -> MissingPackets {
        let mut stream = MissingPackets::default();
        for sequence in [65_533, 65_534, 1, 2] {
            stream.received(sequence, start);
        }
        stream
    }

    #[test]
    fn a_gap_over_the_wrap_is_asked_for() {
        let start = Instant::now();
        let mut stream = after_a_gap(start);
        assert_eq!(stream.due(start, TRIP), vec![65_535, 0]);
    }

    #[test]
    fn the_newest_two_are_left_alone_until_more_comes() {
        let start = Instant::now();
        let mut stream = MissingPackets::default();
        stream.received(10, start);
        stream.received(12, start);
        assert!(stream.due(start, TRIP).is_empty());
        stream.received(13, start);
        assert_eq!(stream.due(start, TRIP), vec![11]);
    }

    #[test]
    fn one_packet_is_asked_for_five_times_and_once_per_round_trip() {
        let start = Instant::now();
        let mut stream = after_a_gap(start);
        let asks: usize = (0..50)
            .map(|ms| {
                stream
                    .due(start + Duration::from_millis(ms * 10), TRIP)
                    .len()
            })
            .sum();
        assert_eq!(asks, 2 * usize::from(MAX_ASKS));
        let first_times: Vec<usize> = {
            let mut stream = after_a_gap(start);
            (0..5)
                .map(|ms| {
                    stream
                        .due(start + Duration::from_millis(ms * 10), TRIP)
                        .len()
                })
                .collect()
        };
        assert_eq!(first_times, vec![2, 0, 0, 0, 2]);
    }

    #[test]
    fn a_late_packet_is_not_asked_for() {
        let start = Instant::now();
        let mut stream = after_a_gap(start);
        stream.received(65_535, start);
        assert_eq!(stream.due(start, TRIP), vec![0]);
    }

    #[test]
    fn a_jump_asks_for_nothing() {
        let start = Instant::now();
        let mut stream = after_a_gap(start);
        stream.received(500, start);
        assert!(stream.due(start, TRIP).is_empty());
    }
}
