//! The threads of a call and what runs between them.

use crate::{
    audio::{
        level::Level,
        receive::{AudioReceive, Heard},
        send::AudioSend,
    },
    engine::EngineConfig,
    notice::{Noticed, Notices},
    pace::Worker,
    page::Outlet,
    rtp::RtpPacket,
    transport::{Feedback, Inbound},
    video::{
        input::{Capture, VideoInput},
        picture::Picture,
        receive::{Seen, VideoReceive},
        send::VideoSend,
        slot::Slot,
    },
};
use im_call::media::Levels;
use im_protocol::call::MediaKinds;
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    mpsc as std_mpsc,
};
use tokio::sync::mpsc;

/// Sound packets that may wait: 1 s out, 5 s in.
const AUDIO_OUT: usize = 50;
const AUDIO_IN: usize = 256;
/// Picture packets that may wait: a key frame of 720p is about 100.
const VIDEO_OUT: usize = 512;
const VIDEO_IN: usize = 2_048;
/// Frames from the speaker's thread to the echo canceller.
const PLAYED: usize = 64;

/// The threads and switches of a call. Dropping it ends the threads and frees the devices.
pub(super) struct Streams {
    pub(super) feedback: Arc<Feedback>,
    pub(super) heard: Arc<Heard>,
    pub(super) seen: Arc<Seen>,
    pub(super) pictures_sent: Arc<AtomicU64>,
    pub(super) remote: Outlet,
    pub(super) own: Outlet,
    speaks: Arc<AtomicBool>,
    microphone: Arc<Level>,
    speaker: Arc<Level>,
    video_input: VideoInput,
    slot: Slot<Picture>,
    notices: Notices,
    capture: Option<Worker>,
    _threads: [Worker; 4],
}

/// What [`open`] gives beside the threads.
pub(super) struct Opened {
    pub(super) streams: Streams,
    pub(super) inbound: Inbound,
    pub(super) ask: mpsc::Receiver<()>,
    pub(super) notices: mpsc::Receiver<Noticed>,
    pub(super) audio: mpsc::Receiver<RtpPacket>,
    pub(super) video: mpsc::Receiver<RtpPacket>,
}

/// Starts the threads.
///
/// # Errors
/// Where the system gives none.
pub(super) fn open(config: EngineConfig, send: MediaKinds) -> std::io::Result<Opened> {
    let feedback = Arc::new(Feedback::default());
    let (heard, seen) = (Arc::new(Heard::default()), Arc::new(Seen::default()));
    let (microphone, speaker) = (Arc::new(Level::default()), Arc::new(Level::default()));
    let (remote, own) = (Outlet::default(), Outlet::default());
    let pictures_sent = Arc::new(AtomicU64::new(0));
    let speaks = Arc::new(AtomicBool::new(send.audio));
    let slot = Slot::new();
    let (notices, noticed) = Notices::channel();
    let (played, plays) = rtrb::RingBuffer::new(PLAYED);
    let (audio_packets, audio) = mpsc::channel(AUDIO_OUT);
    let (video_packets, video) = mpsc::channel(VIDEO_OUT);
    let (audio_inbound, audio_received) = std_mpsc::sync_channel(AUDIO_IN);
    let (video_inbound, video_received) = std_mpsc::sync_channel(VIDEO_IN);
    let (ask_sender, ask) = mpsc::channel(1);
    let threads = [
        AudioSend {
            input: config.audio_input,
            on: Arc::clone(&speaks),
            level: Arc::clone(&microphone),
            played: plays,
            packets: audio_packets,
            notices: notices.clone(),
        }
        .start()?,
        AudioReceive {
            output: config.audio_output,
            packets: audio_received,
            level: Arc::clone(&speaker),
            played,
            heard: Arc::clone(&heard),
            notices: notices.clone(),
        }
        .start()?,
        VideoSend {
            slot: slot.clone(),
            feedback: Arc::clone(&feedback),
            own: own.clone(),
            packets: video_packets,
            sent: Arc::clone(&pictures_sent),
        }
        .start()?,
        VideoReceive {
            packets: video_received,
            feedback: Arc::clone(&feedback),
            remote: remote.clone(),
            viewer: config.viewer,
            ask: ask_sender,
            seen: Arc::clone(&seen),
            notices: notices.clone(),
        }
        .start()?,
    ];
    let mut streams = Streams {
        feedback,
        heard,
        seen,
        pictures_sent,
        remote,
        own,
        speaks,
        microphone,
        speaker,
        video_input: config.video_input,
        slot,
        notices,
        capture: None,
        _threads: threads,
    };
    streams.camera(send.video);
    Ok(Opened {
        streams,
        inbound: Inbound {
            audio: audio_inbound,
            video: video_inbound,
        },
        ask,
        notices: noticed,
        audio,
        video,
    })
}

impl Streams {
    /// Sends sound, or silence. The device stays open, so that the level is still seen.
    pub(super) fn microphone(&self, on: bool) {
        self.speaks.store(on, Relaxed);
    }

    /// Opens or closes the camera.
    pub(super) fn camera(&mut self, on: bool) {
        if !on {
            if let Some(capture) = &self.capture {
                capture.end();
            }
        } else if self.capture.as_ref().is_none_or(Worker::ends) {
            let capture = Capture {
                input: self.video_input.clone(),
                slot: self.slot.clone(),
                notices: self.notices.clone(),
                before: self.capture.take(),
            };
            self.capture = capture
                .start()
                .inspect_err(|error| tracing::error!(%error, "no thread for the camera"))
                .ok();
        }
    }

    /// How loud both sides are.
    pub(super) fn levels(&self) -> Levels {
        Levels {
            microphone: self.microphone.get(),
            remote: self.speaker.get(),
        }
    }
}
