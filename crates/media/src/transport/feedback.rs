//! What the other side says about our streams, and how much flows.

use rtc::{
    interceptor::{Interceptor, Packet, StreamInfo, TaggedPacket},
    rtcp::{
        Packet as RtcpPacket,
        payload_feedbacks::{
            full_intra_request::FullIntraRequest, picture_loss_indication::PictureLossIndication,
        },
        receiver_report::ReceiverReport,
        reception_report::ReceptionReport,
        sender_report::SenderReport,
    },
    sansio::Protocol,
    shared::{error::Error, marshal::MarshalSize},
};
use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// Counters of one direction of one kind of media, since the call began.
#[derive(Debug, Default)]
pub struct Flow {
    /// RTP packets, with those sent again.
    pub packets: AtomicU64,
    /// Their bytes, headers included.
    pub bytes: AtomicU64,
}

impl Flow {
    fn count(&self, bytes: usize) {
        self.packets.fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }
}

/// What is shared between the packet chain, the encoder and statistics. Outlives a rebuilt
/// connection.
#[derive(Debug, Default)]
pub struct Feedback {
    key_frame_wanted: AtomicBool,
    round_trip_us: AtomicU32,
    remote_loss: AtomicU32,
    /// Sound that came.
    pub audio_in: Flow,
    /// Sound that went.
    pub audio_out: Flow,
    /// Pictures that came.
    pub video_in: Flow,
    /// Pictures that went.
    pub video_out: Flow,
    /// Packets sent again because the other side asked.
    pub resent: AtomicU64,
    /// Packets that we asked for again.
    pub asked_again: AtomicU64,
    /// Requests for a key frame that came (PLI and FIR).
    pub key_frames_asked: AtomicU64,
}

impl Feedback {
    /// Whether somebody wants a key frame of us; asking clears it.
    pub fn take_key_frame_request(&self) -> bool {
        self.key_frame_wanted.swap(false, Relaxed)
    }

    /// Makes the next picture a key frame, as soon as the throttle allows.
    pub fn want_key_frame(&self) {
        self.key_frame_wanted.store(true, Relaxed);
    }

    /// Round trip by the last report, once there was one (RFC 3550 section 6.4.1).
    pub fn round_trip(&self) -> Option<Duration> {
        match self.round_trip_us.load(Relaxed) {
            0 => None,
            us => Some(Duration::from_micros(u64::from(us))),
        }
    }

    /// Share of our packets that the other side missed lately, 0.0..=1.0.
    pub fn remote_loss(&self) -> f32 {
        self.remote_loss.load(Relaxed) as f32 / 256.0
    }
}

/// Reads requests and reports on their way in and counts what passes.
pub(super) struct FeedbackTap {
    feedback: Arc<Feedback>,
    audio: HashMap<u32, bool>,
    /// Middle 32 bits of the NTP time of our latest sender reports, and when they left.
    reports: VecDeque<(u32, Instant)>,
    read: VecDeque<TaggedPacket>,
    write: VecDeque<TaggedPacket>,
}

/// Sender reports to remember: two streams, one report a second each, answered within seconds.
const REPORTS: usize = 16;

impl FeedbackTap {
    pub(super) fn new(feedback: Arc<Feedback>) -> Self {
        Self {
            feedback,
            audio: HashMap::new(),
            reports: VecDeque::with_capacity(REPORTS),
            read: VecDeque::new(),
            write: VecDeque::new(),
        }
    }

    fn bind(&mut self, info: &StreamInfo) {
        self.audio
            .insert(info.ssrc, info.mime_type.starts_with("audio/"));
    }

    fn incoming(&mut self, packet: &dyn RtcpPacket, now: Instant) {
        let packet = packet.as_any();
        if packet.is::<PictureLossIndication>() || packet.is::<FullIntraRequest>() {
            self.feedback.key_frames_asked.fetch_add(1, Relaxed);
            self.feedback.want_key_frame();
        } else if let Some(report) = packet.downcast_ref::<ReceiverReport>() {
            report.reports.iter().for_each(|r| self.report(r, now));
        } else if let Some(report) = packet.downcast_ref::<SenderReport>() {
            report.reports.iter().for_each(|r| self.report(r, now));
        }
    }

    /// Round trip: from our report to theirs, less the time they held it.
    fn report(&mut self, report: &ReceptionReport, now: Instant) {
        self.feedback
            .remote_loss
            .store(u32::from(report.fraction_lost), Relaxed);
        let sent = self
            .reports
            .iter()
            .rev()
            .find(|(ntp, _)| *ntp == report.last_sender_report);
        let Some((_, sent)) = sent.filter(|_| report.last_sender_report != 0) else {
            return;
        };
        let held = Duration::from_secs_f64(f64::from(report.delay) / 65_536.0);
        let trip = now.saturating_duration_since(*sent).saturating_sub(held);
        // Zero means unknown.
        let us = u32::try_from(trip.as_micros()).unwrap_or(u32::MAX).max(1);
        self.feedback.round_trip_us.store(us, Relaxed);
    }

    fn outgoing(&mut self, packet: &dyn RtcpPacket, now: Instant) {
        if let Some(report) = packet.as_any().downcast_ref::<SenderReport>() {
            if self.reports.len() == REPORTS {
                self.reports.pop_front();
            }
            let middle = (report.ntp_time >> 16) as u32;
            self.reports.push_back((middle, now));
        }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for FeedbackTap {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, msg: TaggedPacket) -> Result<(), Error> {
        match &msg.message.packet {
            Packet::Rtcp(packets) => {
                for packet in packets {
                    self.incoming(packet.as_ref(), msg.now);
                }
            }
            Packet::Rtp(packet) => match self.audio.get(&packet.header.ssrc) {
                Some(true) => self.feedback.audio_in.count(packet.marshal_size()),
                _ => self.feedback.video_in.count(packet.marshal_size()),
            },
            _ => {}
        }
        self.read.push_back(msg);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.read.pop_front()
    }

    fn handle_write(&mut self, msg: TaggedPacket) -> Result<(), Error> {
        match &msg.message.packet {
            Packet::Rtcp(packets) => {
                for packet in packets {
                    self.outgoing(packet.as_ref(), msg.now);
                }
            }
            Packet::Rtp(packet) => match self.audio.get(&packet.header.ssrc) {
                Some(true) => self.feedback.audio_out.count(packet.marshal_size()),
                _ => self.feedback.video_out.count(packet.marshal_size()),
            },
            _ => {}
        }
        self.write.push_back(msg);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.write.pop_front()
    }
}

impl Interceptor for FeedbackTap {
    fn bind_local_stream(&mut self, info: &StreamInfo) {
        self.bind(info);
    }
    fn unbind_local_stream(&mut self, info: &StreamInfo) {
        self.audio.remove(&info.ssrc);
    }
    fn bind_remote_stream(&mut self, info: &StreamInfo) {
        self.bind(info);
    }
    fn unbind_remote_stream(&mut self, info: &StreamInfo) {
        self.audio.remove(&info.ssrc);
    }
}
