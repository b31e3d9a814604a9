//! From the microphone to packets: a thread of its own.

use super::{
    FRAME, Frame, PACKET, SILENCE,
    codec::Encoder,
    device::Read,
    input::{AudioInput, Source},
    level::{Level, Meter},
    process::Cleaner,
};
use crate::{
    notice::Notices,
    pace::{Stop, Worker},
    rtp::RtpPacket,
};
use bytes::Bytes;
use im_call::media::DeviceNotice;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Instant,
};
use tokio::sync::mpsc;

/// Frames that a speaker takes ahead at most before the echo canceller has to catch up.
const BACKLOG: usize = 12;

/// What the thread works with.
pub(crate) struct AudioSend {
    /// What is sent.
    pub(crate) input: AudioInput,
    /// Whether it is sent; else silence is.
    pub(crate) on: Arc<AtomicBool>,
    /// How loud it is, also while it is not sent.
    pub(crate) level: Arc<Level>,
    /// Frames that the speaker is given, for the echo canceller.
    pub(crate) played: rtrb::Consumer<Frame>,
    /// Where packets go; what does not fit is lost.
    pub(crate) packets: mpsc::Sender<RtpPacket>,
    /// Where trouble is told.
    pub(crate) notices: Notices,
}

impl AudioSend {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where the system gives none.
    pub(crate) fn start(self) -> std::io::Result<Worker> {
        Worker::spawn("im-audio-send", move |stop| self.run(&stop))
    }

    fn run(mut self, stop: &Stop) {
        let Ok(mut encoder) = Encoder::new() else {
            tracing::error!("no sound encoder");
            self.notices.tell(DeviceNotice::NoMicrophone);
            return;
        };
        let mut source = self.open();
        let mut cleaner = source.hears_the_room().then(Cleaner::new);
        let mut meter = Meter::default();
        let mut packet = [0.0; PACKET];
        let mut filled = 0;
        let mut sequence = first_sequence();
        let mut timestamp = 0u32;
        let mut marker = true;
        loop {
            let mut frame = SILENCE;
            match source.read(&mut frame, stop) {
                Read::Frame => {}
                Read::Stopped => return,
                Read::Lost => {
                    tracing::warn!("the microphone is gone");
                    self.notices.tell(DeviceNotice::NoMicrophone);
                    source = Source::silence();
                    continue;
                }
            }
            self.clean(&mut cleaner, &mut frame);
            meter.hear(&frame, &self.level);
            if !self.on.load(Relaxed) {
                frame = SILENCE;
            }
            if let Some(part) = packet.get_mut(filled..filled + FRAME) {
                part.copy_from_slice(&frame);
            }
            filled += FRAME;
            if filled < PACKET {
                continue;
            }
            filled = 0;
            match encoder.encode(&packet) {
                Ok(bytes) => {
                    let packet = RtpPacket {
                        ssrc: 0,
                        marker,
                        sequence,
                        timestamp,
                        payload: Bytes::copy_from_slice(bytes),
                        at: Instant::now(),
                    };
                    if self.packets.try_send(packet).is_err() {
                        tracing::debug!("a sound packet found the queue full");
                    }
                    marker = false;
                    sequence = sequence.wrapping_add(1);
                }
                Err(error) => tracing::warn!(%error, "sound was not encoded"),
            }
            timestamp = timestamp.wrapping_add(PACKET as u32);
        }
    }

    fn open(&self) -> Source {
        let (source, trouble) = Source::open(&self.input);
        if let Some(reason) = trouble {
            tracing::warn!(reason, "no microphone");
            self.notices.tell(DeviceNotice::NoMicrophone);
        }
        source
    }

    fn clean(&mut self, cleaner: &mut Option<Cleaner>, frame: &mut Frame) {
        let Some(cleaner) = cleaner else {
            // Nobody needs them, but the ring must not stay full.
            while self.played.pop().is_ok() {}
            return;
        };
        // Speakers take several frames at once, but the canceller wants them as evenly as the
        // microphone's: it takes a burst for a jump in time and begins to learn anew.
        let backlog = self.played.slots() > BACKLOG;
        for _ in 0..=usize::from(backlog) {
            if let Ok(played) = self.played.pop() {
                cleaner.played(&played);
            }
        }
        cleaner.heard(frame);
    }
}

/// Anywhere in the lower half, so that SRTP's rollover counter is not put to the test at once
/// (RFC 3711 section 3.3.1).
pub(crate) fn first_sequence() -> u16 {
    let mut bytes = [0; 2];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u16::from_ne_bytes(bytes) & 0x7fff,
        Err(_) => 0,
    }
}
