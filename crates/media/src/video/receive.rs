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
            if self.remote.take_key_request() || shown.decoder_failed {
                shown.decoder_failed = false;
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
        self.seen.pictures.fetch_add(1, Relaxed);
        if key {
            self.seen.key_frames.fetch_add(1, Relaxed);
            let size = picture::key_frame_size(&data);
            if let Some((width, height)) = size.filter(|size| *size != shown.size) {
                shown.size = (width, height);
                self.notices.say(Noticed::Picture { width, height });
            }
        }
        let timestamp_us = u64::try_from(ticks).unwrap_or_default() * 100 / 9;
        self.decode(shown, &data, key, timestamp_us);
        self.remote.encoded(&Encoded {
            data,
            key,
            width: shown.size.0,
            height: shown.size.1,
            timestamp_us,
        });
    }

    /// For whoever cannot or does not want to decode.
    fn decode(&self, shown: &mut Shown, data: &[u8], key: bool, timestamp_us: u64) {
        let page = self.remote.wants_i420();
        if self.viewer.is_none() && !page {
            shown.decoder = None;
            return;
        }
        if shown.decoder.is_none() {
            // Everything before is missing to a new decoder.
            if !key {
                shown.decoder_failed = true;
                return;
            }
            shown.decoder = vpx::Decoder::new().ok();
        }
        let Some(decoder) = &mut shown.decoder else {
            return;
        };
        match decoder.decode(data, Instant::now()) {
            Ok(Some(picture)) => {
                if page {
                    self.remote.decoded(&picture, timestamp_us);
                }
                if let Some(viewer) = &self.viewer {
                    // A viewer that is slow or gone misses pictures.
                    drop(viewer.try_send(picture));
                }
            }
            Ok(None) => {}
            Err(error) => {
                tracing::debug!(%error, "a picture was not decoded");
                shown.decoder = None;
                shown.decoder_failed = true;
            }
        }
    }
}

/// What the thread remembers between pictures.
#[derive(Default)]
struct Shown {
    size: (u32, u32),
    decoder: Option<vpx::Decoder>,
    decoder_failed: bool,
}
