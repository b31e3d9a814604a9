//! From pictures to packets: a thread of its own.

use super::{
    payload::Payloader,
    picture::{Encoded, Picture},
    slot::Slot,
    vpx,
};
use crate::{
    audio::send::first_sequence,
    pace::{Stop, Worker},
    page::Outlet,
    rtp::RtpPacket,
    transport::Feedback,
};
use bytes::Bytes;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// Key frames are no more frequent than this, however many ask.
const KEY_FRAME_APART: Duration = Duration::from_millis(500);

/// Bits a second for a size, until the network has a say in it.
pub(crate) fn bit_rate(width: usize, height: usize) -> u32 {
    match width * height {
        0..=76_800 => 300_000,
        76_801..=230_400 => 800_000,
        230_401..=518_400 => 1_200_000,
        518_401..=921_600 => 1_800_000,
        _ => 2_500_000,
    }
}

/// What the thread works with.
pub(crate) struct VideoSend {
    /// The newest picture.
    pub(crate) slot: Slot<Picture>,
    /// Requests for key frames.
    pub(crate) feedback: Arc<Feedback>,
    /// Our own picture on the page.
    pub(crate) own: Outlet,
    /// Where packets go.
    pub(crate) packets: mpsc::Sender<RtpPacket>,
    /// Pictures sent so far.
    pub(crate) sent: Arc<AtomicU64>,
}

impl VideoSend {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where the system gives none.
    pub(crate) fn start(self) -> std::io::Result<Worker> {
        Worker::spawn("im-video-send", move |stop| self.run(&stop))
    }

    fn run(self, stop: &Stop) {
        let mut stream = Stream::new(Instant::now());
        while let Some(picture) = self.slot.take(stop) {
            self.picture(&mut stream, &picture);
        }
    }

    fn picture(&self, stream: &mut Stream, picture: &Picture) {
        let fits = |encoder: &vpx::Encoder| encoder.size() == (picture.width, picture.height);
        if !stream.encoder.as_ref().is_some_and(fits) {
            stream.encoder = self.encoder(picture);
            stream.keys.want();
        }
        let Some(encoder) = &mut stream.encoder else {
            return;
        };
        let (asked, shown) = (
            self.feedback.take_key_frame_request(),
            self.own.take_key_request(),
        );
        if asked || shown {
            stream.keys.want();
        }
        let age = picture.at.saturating_duration_since(stream.began);
        let ticks = (age.as_micros() * 9 / 100) as i64;
        let key = stream.keys.now(picture.at);
        let (frame, key) = match encoder.encode(picture, ticks, key) {
            Ok(Some(encoded)) => encoded,
            Ok(None) => {
                // The encoder left the picture out, which does not answer who asked.
                if key {
                    stream.keys.want();
                }
                return;
            }
            Err(error) => {
                tracing::warn!(%error, "a picture was not encoded");
                stream.keys.want();
                return;
            }
        };
        if key || !stream.torn {
            stream.torn = !self.send(stream, &frame, ticks);
            if stream.torn {
                stream.keys.want();
            } else {
                self.sent.fetch_add(1, Relaxed);
            }
        }
        self.show(picture, frame, key, age);
    }

    fn encoder(&self, picture: &Picture) -> Option<vpx::Encoder> {
        let (width, height) = (picture.width, picture.height);
        vpx::Encoder::new(width, height, bit_rate(width, height))
            .inspect_err(|error| tracing::error!(%error, width, height, "no picture encoder"))
            .ok()
    }

    /// Whether all of the frame found a place in the queue: the rest of a torn one is useless.
    fn send(&self, stream: &mut Stream, frame: &[u8], ticks: i64) -> bool {
        let payloads = stream.payloader.cut(frame);
        let last = payloads.len().saturating_sub(1);
        let Ok(places) = self.packets.try_reserve_many(payloads.len()) else {
            tracing::debug!("a picture found the queue full");
            return false;
        };
        for (index, (place, payload)) in places.zip(payloads).enumerate() {
            place.send(RtpPacket {
                ssrc: 0,
                marker: index == last,
                sequence: stream.sequence,
                timestamp: ticks as u32,
                payload,
                at: Instant::now(),
            });
            stream.sequence = stream.sequence.wrapping_add(1);
        }
        true
    }

    fn show(&self, picture: &Picture, frame: Vec<u8>, key: bool, age: Duration) {
        let timestamp_us = u64::try_from(age.as_micros()).unwrap_or(u64::MAX);
        let encoded = Encoded {
            data: Bytes::from(frame),
            key,
            width: u32::try_from(picture.width).unwrap_or_default(),
            height: u32::try_from(picture.height).unwrap_or_default(),
            timestamp_us,
        };
        let wanted = self.own.wants_i420();
        self.own.show(&encoded, wanted.then_some(picture));
    }
}

/// What the thread remembers between pictures.
struct Stream {
    began: Instant,
    encoder: Option<vpx::Encoder>,
    payloader: Payloader,
    sequence: u16,
    keys: KeyFrames,
    /// A frame found no room. It took no sequence numbers, so that the other side cannot see that it
    /// is missing: nothing that builds on it may go out.
    torn: bool,
}

impl Stream {
    fn new(began: Instant) -> Self {
        Self {
            began,
            encoder: None,
            payloader: Payloader::default(),
            sequence: first_sequence(),
            keys: KeyFrames::default(),
            torn: false,
        }
    }
}

/// When to make a key frame.
#[derive(Debug)]
struct KeyFrames {
    wanted: bool,
    last: Option<Instant>,
}

impl Default for KeyFrames {
    fn default() -> Self {
        Self {
            wanted: true,
            last: None,
        }
    }
}

impl KeyFrames {
    fn want(&mut self) {
        self.wanted = true;
    }

    /// Whether the picture of this time shall be one.
    fn now(&mut self, at: Instant) -> bool {
        let soon = self
            .last
            .is_some_and(|last| at.saturating_duration_since(last) < KEY_FRAME_APART);
        if !self.wanted || soon {
            return false;
        }
        self.wanted = false;
        self.last = Some(at);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::{payload, picture::is_key};
    use rand::{RngExt, SeedableRng, rngs::SmallRng};

    #[test]
    fn key_frames_are_half_a_second_apart_and_no_request_is_forgotten() {
        let start = Instant::now();
        let mut keys = KeyFrames::default();
        let times: Vec<u64> = (0..60)
            .filter(|frame| {
                let at = start + Duration::from_millis(frame * 33);
                if (1..40).contains(frame) {
                    keys.want();
                }
                keys.now(at)
            })
            .collect();
        assert_eq!(times, [0, 16, 32, 48]);
    }

    /// A picture that VP8 cannot make small.
    fn noise(at: Instant) -> Picture {
        let mut random = SmallRng::seed_from_u64(3);
        let mut picture = Picture::black(640, 360, at);
        picture.data.fill_with(|| random.random());
        picture
    }

    #[test]
    fn after_a_key_frame_that_found_no_room_nothing_goes_out_before_the_next_one() {
        let (packets, mut queue) = mpsc::channel(120);
        let maya = VideoSend {
            slot: Slot::new(),
            feedback: Arc::default(),
            own: Outlet::default(),
            packets,
            sent: Arc::default(),
        };
        let start = Instant::now();
        let at = |frame: u64| start + Duration::from_millis(frame * 33);
        let mut stream = Stream::new(start);
        let mut take =
            || -> Vec<RtpPacket> { std::iter::from_fn(|| queue.try_recv().ok()).collect() };
        maya.picture(&mut stream, &noise(at(0)));
        assert_eq!(take(), [], "there is no room for all of it");
        // For these there is, but they build on what Sam never got.
        for frame in 1..10 {
            maya.picture(&mut stream, &Picture::black(640, 360, at(frame)));
            assert_eq!(take(), []);
        }
        assert_eq!(maya.sent.load(Relaxed), 0);
        maya.picture(&mut stream, &Picture::black(640, 360, at(20)));
        let first = take();
        let descriptor = payload::describe(&first[0].payload).unwrap();
        assert!(is_key(&first[0].payload[descriptor.length..]));
        maya.picture(&mut stream, &Picture::black(640, 360, at(21)));
        let second = take();
        let last = first.last().unwrap().sequence;
        assert_eq!(
            second[0].sequence,
            last.wrapping_add(1),
            "and so it goes on"
        );
    }
}
