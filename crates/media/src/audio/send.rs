//! From the microphone to packets: a thread of its own.

use super::{
    FRAME, Frame, PACKET, SILENCE,
    codec::Encoder,
    device::Read,
    input::{AudioInput, Source},
    level::{Level, Meter},
    process::Cleaner,
    reopening::Reopening,
};
use crate::{
    notice::{Noticed, Notices},
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
    thread,
    time::Instant,
};
use tokio::sync::mpsc;

/// Frames that a speaker takes ahead at most before the echo canceller has to leave one out.
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
        let mut reopening = None;
        let mut source = Source::open(&self.input, &thread::current()).unwrap_or_else(|reason| {
            reopening = self.lose(&reason);
            Source::silence()
        });
        let mut cleaner = self.cleaner(&source);
        let mut meter = Meter::default();
        let mut packet = [0.0; PACKET];
        let mut filled = 0;
        let mut sequence = first_sequence();
        let mut timestamp = 0u32;
        let mut marker = true;
        loop {
            if let Some(opened) = reopening.as_ref().and_then(Reopening::opened) {
                tracing::info!("there is a microphone again");
                self.notices
                    .say(Noticed::DeviceBack(DeviceNotice::NoMicrophone));
                reopening = None;
                source = opened;
                cleaner = self.cleaner(&source);
            }
            let mut frame = SILENCE;
            match source.read(&mut frame, stop) {
                Read::Frame => {}
                Read::Stopped => return,
                Read::Lost => {
                    reopening = self.lose("it is gone");
                    source = Source::silence();
                    cleaner = None;
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

    /// There is no input, until it can be opened again.
    fn lose(&self, reason: &str) -> Option<Reopening<Source>> {
        tracing::warn!(reason, "no microphone");
        self.notices.tell(DeviceNotice::NoMicrophone);
        let input = self.input.clone();
        Reopening::start(move |reader| Source::open(&input, reader).ok())
    }

    fn cleaner(&mut self, source: &Source) -> Option<Cleaner> {
        // The speaker was open first: an echo must not come before what it is the echo of.
        while self.played.pop().is_ok() {}
        source.hears_the_room().then(Cleaner::new)
    }

    fn clean(&mut self, cleaner: &mut Option<Cleaner>, frame: &mut Frame) {
        let Some(cleaner) = cleaner else {
            // Nobody needs them, but the ring must not stay full.
            while self.played.pop().is_ok() {}
            return;
        };
        // Speakers take several frames at once, but the canceller wants them as evenly as the
        // microphone's: more than one at once is a jump in time, which it has to learn anew.
        if self.played.slots() > BACKLOG {
            let _ = self.played.pop();
        }
        let played = self.played.pop().unwrap_or(SILENCE);
        cleaner.clean(&played, frame);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::wav::Recording;
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test]
    async fn what_could_not_be_opened_is_sent_once_it_can_be_and_the_notice_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("voice.wav");
        let (notices, mut noticed) = Notices::channel();
        let (packets, mut sent) = mpsc::channel(50);
        let level = Arc::new(Level::default());
        let sam = AudioSend {
            input: AudioInput::File {
                path: path.clone(),
                again: true,
            },
            on: Arc::new(AtomicBool::new(true)),
            level: Arc::clone(&level),
            played: rtrb::RingBuffer::new(1).1,
            packets,
            notices,
        }
        .start()
        .unwrap();
        let missing = Noticed::Device(DeviceNotice::NoMicrophone);
        assert_eq!(noticed.recv().await, Some(missing));
        Recording::create(&path)
            .and_then(|mut voice| voice.write(&[0.5; FRAME]))
            .unwrap();
        let back = Noticed::DeviceBack(DeviceNotice::NoMicrophone);
        let next = timeout(Duration::from_secs(10), noticed.recv()).await;
        assert_eq!(next, Ok(Some(back)));
        timeout(Duration::from_secs(10), async {
            while level.get() < 0.1 {
                sent.recv().await.unwrap();
            }
        })
        .await
        .unwrap();
        drop(sam);
    }
}
