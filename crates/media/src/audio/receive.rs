//! From packets to the speaker: a thread of its own.

use super::{
    FRAME, Frame, SILENCE,
    codec::Decoder,
    device::Read,
    jitter::{JitterBuffer, JitterStats, Playout, Speed},
    level::{Level, Meter},
    output::{AudioOutput, Sink},
    reopening::Reopening,
    stretch,
};
use crate::{
    notice::{Noticed, Notices, Once},
    pace::{Stop, Worker},
    rtp::RtpPacket,
};
use im_call::media::DeviceNotice;
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::Instant,
};

/// What has been heard so far; written by the thread, read by statistics.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    received: AtomicU64,
    lost: AtomicU64,
    recovered: AtomicU64,
    concealed: AtomicU64,
    delay_us: AtomicU64,
    jitter_us: AtomicU64,
    /// The other side's first packet went to the speaker, with silence in it or not.
    pub(crate) first: Once,
}

impl Heard {
    /// The buffer's counters.
    pub(crate) fn stats(&self) -> JitterStats {
        JitterStats {
            received: self.received.load(Relaxed),
            lost: self.lost.load(Relaxed),
            recovered: self.recovered.load(Relaxed),
            concealed: self.concealed.load(Relaxed),
            ..JitterStats::default()
        }
    }

    /// How long packets are held back, and how unevenly they come; milliseconds.
    pub(crate) fn delay_and_jitter_ms(&self) -> (f64, f64) {
        let ms = |us: &AtomicU64| us.load(Relaxed) as f64 / 1e3;
        (ms(&self.delay_us), ms(&self.jitter_us))
    }

    fn keep(&self, buffer: &JitterBuffer) {
        let stats = buffer.stats();
        self.received.store(stats.received, Relaxed);
        self.lost.store(stats.lost, Relaxed);
        self.recovered.store(stats.recovered, Relaxed);
        self.concealed.store(stats.concealed, Relaxed);
        let us = |ms: f64| (ms.max(0.0) * 1e3) as u64;
        self.delay_us.store(us(buffer.delay_ms()), Relaxed);
        self.jitter_us.store(us(buffer.jitter_ms()), Relaxed);
    }
}

/// What the thread works with.
pub(crate) struct AudioReceive {
    /// Where sound goes.
    pub(crate) output: AudioOutput,
    /// Packets from the network.
    pub(crate) packets: mpsc::Receiver<RtpPacket>,
    /// How loud the other side is.
    pub(crate) level: Arc<Level>,
    /// What the speaker is given, for the echo canceller.
    pub(crate) played: rtrb::Producer<Frame>,
    /// Counters.
    pub(crate) heard: Arc<Heard>,
    /// Where trouble is told.
    pub(crate) notices: Notices,
}

impl AudioReceive {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where the system gives none.
    pub(crate) fn start(self) -> std::io::Result<Worker> {
        Worker::spawn("im-audio-receive", move |stop| self.run(&stop))
    }

    fn run(mut self, stop: &Stop) {
        let Ok(decoder) = Decoder::new() else {
            tracing::error!("no sound decoder");
            self.notices.tell(DeviceNotice::NoSpeaker);
            return;
        };
        let mut reopening = None;
        let mut sink = Sink::open(&self.output, &thread::current()).unwrap_or_else(|reason| {
            reopening = self.lose(&reason);
            Sink::nowhere()
        });
        let mut player = Playing::new(decoder);
        let mut meter = Meter::default();
        loop {
            if let Some(opened) = reopening.as_ref().and_then(Reopening::opened) {
                tracing::info!("there is a speaker again");
                self.notices
                    .say(Noticed::DeviceBack(DeviceNotice::NoSpeaker));
                reopening = None;
                sink = opened;
            }
            match sink.wait(stop) {
                Read::Frame => {}
                Read::Stopped => return,
                Read::Lost => {
                    reopening = self.lose("it is gone");
                    sink = Sink::nowhere();
                    continue;
                }
            }
            while let Ok(packet) = self.packets.try_recv() {
                player.buffer.insert(packet);
            }
            let mut frame = SILENCE;
            let sound = player.next(&mut frame);
            meter.hear(&frame, &self.level);
            self.heard.keep(&player.buffer);
            // Full where nobody cleans: the newest is then not needed either.
            let _ = self.played.push(frame);
            if !sink.write(&frame) {
                tracing::warn!("the sound output takes no more");
                sink = Sink::nowhere();
            }
            if sound {
                self.heard.first.happened(&self.notices);
            }
        }
    }

    /// There is no output, until it can be opened again.
    fn lose(&self, reason: &str) -> Option<Reopening<Sink>> {
        tracing::warn!(reason, "no speaker");
        self.notices.tell(DeviceNotice::NoSpeaker);
        let output = self.output.clone();
        Reopening::start(move |writer| Sink::open(&output, writer).ok())
    }
}

/// The buffer and the decoder behind it.
struct Playing {
    buffer: JitterBuffer,
    decoder: Decoder,
    ready: VecDeque<f32>,
    scratch: Vec<f32>,
}

impl Playing {
    fn new(decoder: Decoder) -> Self {
        Self {
            buffer: JitterBuffer::new(Instant::now()),
            decoder,
            ready: VecDeque::new(),
            scratch: Vec::new(),
        }
    }

    /// The next 10 ms, and whether any of it was sent by the other side.
    fn next(&mut self, frame: &mut Frame) -> bool {
        let mut sound = false;
        while self.ready.len() < FRAME {
            let (playout, speed) = self.buffer.pull(Instant::now());
            let samples = self.buffer.packet_samples();
            let decoded = match &playout {
                Playout::Waiting => {
                    self.ready.extend(SILENCE);
                    continue;
                }
                Playout::Packet(packet) => {
                    sound = true;
                    self.decoder.decode(packet)
                }
                Playout::Recover(next) => self.decoder.recover(next, samples),
                Playout::Conceal => self.decoder.conceal(samples),
            };
            self.scratch.clear();
            match decoded {
                Ok(pcm) => self.scratch.extend_from_slice(pcm),
                Err(error) => {
                    tracing::debug!(%error, "a sound packet was unusable");
                    self.scratch.resize(samples, 0.0);
                }
            }
            match speed {
                Speed::Normal => 0,
                Speed::Faster => stretch::faster(&mut self.scratch),
                Speed::Slower => stretch::slower(&mut self.scratch),
            };
            self.ready.extend(&self.scratch);
        }
        for (sample, ready) in frame.iter_mut().zip(self.ready.drain(..FRAME)) {
            *sample = ready;
        }
        sound
    }
}
