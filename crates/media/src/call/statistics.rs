//! A call's counters, put together once a second.

use super::streams::Streams;
use crate::{
    audio::receive::Heard,
    transport::{Feedback, Flow},
    video::receive::Seen,
};
use im_call::media::MediaStats;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

/// Reads the threads' counters.
pub(super) struct Statistics {
    feedback: Arc<Feedback>,
    heard: Arc<Heard>,
    seen: Arc<Seen>,
    pictures_sent: Arc<AtomicU64>,
    before: Before,
}

struct Before {
    at: Instant,
    bytes_in: u64,
    bytes_out: u64,
    pictures: u64,
}

impl Statistics {
    pub(super) fn new(streams: &Streams) -> Self {
        Self {
            feedback: Arc::clone(&streams.feedback),
            heard: Arc::clone(&streams.heard),
            seen: Arc::clone(&streams.seen),
            pictures_sent: Arc::clone(&streams.pictures_sent),
            before: Before {
                at: Instant::now(),
                bytes_in: 0,
                bytes_out: 0,
                pictures: 0,
            },
        }
    }

    /// The counters now; rates are over the time since the last call.
    pub(super) fn now(&mut self) -> MediaStats {
        let feedback = &self.feedback;
        let bytes =
            |audio: &Flow, video: &Flow| audio.bytes.load(Relaxed) + video.bytes.load(Relaxed);
        let now = Before {
            at: Instant::now(),
            bytes_in: bytes(&feedback.audio_in, &feedback.video_in),
            bytes_out: bytes(&feedback.audio_out, &feedback.video_out),
            pictures: self.seen.pictures.load(Relaxed),
        };
        let seconds = now.at.duration_since(self.before.at).as_secs_f64();
        let rate = |now: u64, before: u64| (now - before) as f64 / seconds.max(0.001);
        let heard = self.heard.stats();
        let (delay_ms, jitter_ms) = self.heard.delay_and_jitter_ms();
        tracing::debug!(
            pictures_a_second = rate(now.pictures, self.before.pictures),
            sound_delay_ms = delay_ms,
            sound_jitter_ms = jitter_ms,
            sound_recovered = heard.recovered,
            picture_gaps = self.seen.gaps.load(Relaxed),
            key_frames_in = self.seen.key_frames.load(Relaxed),
            key_frames_asked_of_us = feedback.key_frames_asked.load(Relaxed),
            resent = feedback.resent.load(Relaxed),
            asked_again = feedback.asked_again.load(Relaxed),
            loss_there = feedback.remote_loss(),
            "media"
        );
        let stats = MediaStats {
            round_trip_ms: feedback.round_trip().map(|trip| trip.as_secs_f64() * 1e3),
            audio_packets_in: heard.received,
            audio_packets_lost: heard.lost,
            audio_concealed: heard.concealed,
            video_packets_in: feedback.video_in.packets.load(Relaxed),
            video_frames_in: now.pictures,
            video_frames_out: self.pictures_sent.load(Relaxed),
            bits_in: (rate(now.bytes_in, self.before.bytes_in) * 8.0) as u64,
            bits_out: (rate(now.bytes_out, self.before.bytes_out) * 8.0) as u64,
        };
        self.before = now;
        stats
    }
}
