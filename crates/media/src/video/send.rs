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
        let began = Instant::now();
        let mut encoder: Option<vpx::Encoder> = None;
        let mut payloader = Payloader::default();
        let mut sequence = first_sequence();
        let mut keys = KeyFrames::default();
        while let Some(picture) = self.slot.take(stop) {
            let fits = |encoder: &vpx::Encoder| encoder.size() == (picture.width, picture.height);
            if !encoder.as_ref().is_some_and(fits) {
                encoder = self.encoder(&picture);
                keys.want();
            }
            let Some(encoder) = &mut encoder else {
                continue;
            };
            let (asked, shown) = (
                self.feedback.take_key_frame_request(),
                self.own.take_key_request(),
            );
            if asked || shown {
                keys.want();
            }
            let age = picture.at.saturating_duration_since(began);
            let ticks = (age.as_micros() * 9 / 100) as i64;
            let key = keys.now(picture.at);
            let (frame, key) = match encoder.encode(&picture, ticks, key) {
                Ok(Some(encoded)) => encoded,
                Ok(None) => continue,
                Err(error) => {
                    tracing::warn!(%error, "a picture was not encoded");
                    keys.want();
                    continue;
                }
            };
            let sent = self.send(&mut payloader, &frame, ticks, &mut sequence);
            if sent {
                self.sent.fetch_add(1, Relaxed);
            } else {
                keys.want();
            }
            self.show(&picture, frame, key, age);
        }
    }

    fn encoder(&self, picture: &Picture) -> Option<vpx::Encoder> {
        let (width, height) = (picture.width, picture.height);
        vpx::Encoder::new(width, height, bit_rate(width, height))
            .inspect_err(|error| tracing::error!(%error, width, height, "no picture encoder"))
            .ok()
    }

    /// Whether all of the frame found a place in the queue: the rest of a torn one is useless.
    fn send(
        &self,
        payloader: &mut Payloader,
        frame: &[u8],
        ticks: i64,
        sequence: &mut u16,
    ) -> bool {
        let payloads = payloader.cut(frame);
        let last = payloads.len().saturating_sub(1);
        let Ok(places) = self.packets.try_reserve_many(payloads.len()) else {
            tracing::debug!("a picture found the queue full");
            return false;
        };
        for (index, (place, payload)) in places.zip(payloads).enumerate() {
            place.send(RtpPacket {
                ssrc: 0,
                marker: index == last,
                sequence: *sequence,
                timestamp: ticks as u32,
                payload,
                at: Instant::now(),
            });
            *sequence = sequence.wrapping_add(1);
        }
        true
    }

    fn show(&self, picture: &Picture, frame: Vec<u8>, key: bool, age: Duration) {
        let timestamp_us = u64::try_from(age.as_micros()).unwrap_or(u64::MAX);
        if self.own.wants_i420() {
            self.own.decoded(picture, timestamp_us);
        }
        self.own.encoded(&Encoded {
            data: Bytes::from(frame),
            key,
            width: u32::try_from(picture.width).unwrap_or_default(),
            height: u32::try_from(picture.height).unwrap_or_default(),
            timestamp_us,
        });
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
}
