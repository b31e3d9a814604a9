//! From packets to pictures: a thread of its own.

use super::{
    picture::{self, Encoded, Picture},
    receive_buffer::{ReceiveBuffer, Received},
    vpx,
};
use crate::{
    notice::{Noticed, Notices},
    pace::{Stop, Worker},
    page::Outlet,
    rtp::RtpPacket,
    transport::Feedback,
};
use bytes::Bytes;
use std::{
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc,
    },
    time::{Duration, Instant},
};
use tokio::sync::mpsc as tokio_mpsc;

/// Looks after gaps so often.
const TICK: Duration = Duration::from_millis(10);
/// What the network's unevenness adds to waiting for what is sent again.
const JITTER: Duration = Duration::from_millis(20);
/// Round trip to assume before one is known.
const UNKNOWN_ROUND_TRIP: Duration = Duration::from_millis(50);

/// Pixels a side that a picture may have. Smaller ones are nothing to see, and a larger one takes the
/// decoder, here or in the page, hundreds of megabytes.
const SIDES: RangeInclusive<u32> = 16..=4_096;

/// Counters; written by the thread, read by statistics.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Whole pictures.
    pub(crate) pictures: AtomicU64,
    /// Key frames among them.
    pub(crate) key_frames: AtomicU64,
    /// Losses that stayed.
    pub(crate) gaps: AtomicU64,
}

/// What the thread works with.
pub(crate) struct VideoReceive {
    /// Packets from the network.
    pub(crate) packets: mpsc::Receiver<RtpPacket>,
    /// For the round trip.
    pub(crate) feedback: Arc<Feedback>,
    /// The other side's picture on the page.
    pub(crate) remote: Outlet,
    /// Who wants pictures decoded: the robot, tests. What does not fit is lost.
    pub(crate) viewer: Option<mpsc::SyncSender<Picture>>,
    /// Asks for key frames.
    pub(crate) ask: tokio_mpsc::Sender<()>,
    /// Counters.
    pub(crate) seen: Arc<Seen>,
    /// Where sizes are told.
    pub(crate) notices: Notices,
}

impl VideoReceive {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where the system gives none.
    pub(crate) fn start(self) -> std::io::Result<Worker> {
        Worker::spawn("im-video-receive", move |stop| self.run(&stop))
    }

    fn run(self, stop: &Stop) {
        let mut buffer = ReceiveBuffer::new();
        let mut shown = Shown::default();
        while !stop.is_set() {
            match self.packets.recv_timeout(TICK) {
                Ok(packet) => {
                    buffer.insert(packet);
                    while let Ok(packet) = self.packets.try_recv() {
                        buffer.insert(packet);
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
            if self.remote.take_key_request() || shown.needs_key {
                shown.needs_key = false;
                buffer.want_key_frame();
            }
            let trip = self.feedback.round_trip().unwrap_or(UNKNOWN_ROUND_TRIP);
            while let Some(received) = buffer.poll(Instant::now(), trip, JITTER) {
                match received {
                    Received::Picture { data, key, ticks } => {
                        self.picture(&mut shown, data, key, ticks);
                    }
                    // One that waits already is enough.
                    Received::AskKeyFrame => drop(self.ask.try_send(())),
                }
            }
            self.seen.gaps.store(buffer.gaps(), Relaxed);
        }
    }

    fn picture(&self, shown: &mut Shown, data: Bytes, key: bool, ticks: i64) {
        if key {
            let size = picture::key_frame_size(&data)
                .filter(|(width, height)| SIDES.contains(width) && SIDES.contains(height));
            shown.refused = size.is_none();
            if let Some((width, height)) = size.filter(|size| *size != shown.size) {
                shown.size = (width, height);
                self.notices.say(Noticed::Picture { width, height });
            }
        }
        if shown.refused {
            tracing::debug!("a picture of no usable size was left out");
            shown.needs_key = true;
            return;
        }
        self.seen.pictures.fetch_add(1, Relaxed);
        self.seen.key_frames.fetch_add(u64::from(key), Relaxed);
        let timestamp_us = u64::try_from(ticks).unwrap_or_default() * 100 / 9;
        let page = self.remote.wants_i420();
        let decoded = self.decode(shown, &data, key, page);
        let encoded = Encoded {
            data,
            key,
            width: shown.size.0,
            height: shown.size.1,
            timestamp_us,
        };
        self.remote
            .show(&encoded, decoded.as_ref().filter(|_| page));
        if let (Some(viewer), Some(picture)) = (&self.viewer, decoded) {
            // A viewer that is slow or gone misses pictures.
            drop(viewer.try_send(picture));
        }
    }

    /// For whoever cannot or does not want to decode: the page, or a viewer.
    fn decode(&self, shown: &mut Shown, data: &[u8], key: bool, page: bool) -> Option<Picture> {
        if self.viewer.is_none() && !page {
            shown.decoder = None;
            return None;
        }
        if shown.decoder.is_none() {
            // Everything before is missing to a new decoder.
            if !key {
                shown.needs_key = true;
                return None;
            }
            shown.decoder = vpx::Decoder::new().ok();
        }
        let decoder = shown.decoder.as_mut()?;
        decoder
            .decode(data, Instant::now())
            .unwrap_or_else(|error| {
                tracing::debug!(%error, "a picture was not decoded");
                shown.decoder = None;
                shown.needs_key = true;
                None
            })
    }
}

/// What the thread remembers between pictures.
#[derive(Default)]
struct Shown {
    size: (u32, u32),
    decoder: Option<vpx::Decoder>,
    /// The latest key frame was left out, and with it all that builds on it.
    refused: bool,
    needs_key: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::pattern::Pattern;

    /// A frame of 16 × 16, said to be of another size.
    fn frame(key: bool, width: u16, height: u16) -> Bytes {
        let mut encoder = vpx::Encoder::new(16, 16, 300_000).unwrap();
        let mut pattern = Pattern::new(16, 16);
        let mut made = Vec::new();
        for number in 0..if key { 1 } else { 2 } {
            let picture = pattern.paint(Instant::now());
            let ticks = i64::from(number) * 3_000;
            made = encoder
                .encode(&picture, ticks, number == 0)
                .unwrap()
                .unwrap()
                .0;
        }
        if key {
            made[6..8].copy_from_slice(&width.to_le_bytes());
            made[8..10].copy_from_slice(&height.to_le_bytes());
        }
        Bytes::from(made)
    }

    #[test]
    fn pictures_of_a_size_that_nobody_sends_are_left_out_until_the_next_key_frame() {
        let (viewer, eye) = mpsc::sync_channel(10);
        let (notices, mut noticed) = Notices::channel();
        let maya = VideoReceive {
            packets: mpsc::sync_channel(1).1,
            feedback: Arc::default(),
            remote: Outlet::default(),
            viewer: Some(viewer),
            ask: tokio_mpsc::channel(1).0,
            seen: Arc::default(),
            notices,
        };
        for (width, height) in [
            (1, 16),
            (16, 1),
            (0, 16),
            (15, 16),
            (16_383, 16_383),
            (16, 4_097),
        ] {
            let mut shown = Shown::default();
            maya.picture(&mut shown, frame(true, width, height), true, 0);
            maya.picture(&mut shown, frame(false, 16, 16), false, 3_000);
            assert!(eye.try_recv().is_err(), "{width} × {height} was shown");
            assert!(noticed.try_recv().is_err(), "{width} × {height} was told");
            assert!(shown.needs_key, "another key frame is asked for");
            maya.picture(&mut shown, frame(true, 16, 16), true, 6_000);
            maya.picture(&mut shown, frame(false, 16, 16), false, 9_000);
            assert_eq!(eye.try_iter().count(), 2);
            assert_eq!(
                noticed.try_recv(),
                Ok(Noticed::Picture {
                    width: 16,
                    height: 16
                })
            );
        }
    }

    #[test]
    fn a_key_frame_cut_short_is_left_out() {
        let (notices, _noticed) = Notices::channel();
        let (viewer, eye) = mpsc::sync_channel(10);
        let maya = VideoReceive {
            packets: mpsc::sync_channel(1).1,
            feedback: Arc::default(),
            remote: Outlet::default(),
            viewer: Some(viewer),
            ask: tokio_mpsc::channel(1).0,
            seen: Arc::default(),
            notices,
        };
        let mut shown = Shown::default();
        maya.picture(&mut shown, frame(true, 16, 16).slice(..9), true, 0);
        assert!(eye.try_recv().is_err() && shown.needs_key);
    }
}
