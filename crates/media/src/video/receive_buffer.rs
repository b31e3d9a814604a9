//! Puts received packets together to pictures (sans-IO).
//!
//! Pictures come out in order and only when everything they build on came out before. A gap is
//! waited for as long as sending again may fill it; then the buffer gives up, asks for a key frame
//! and goes on with that. A lost picture is thus never seen as damage.

#[cfg(test)]
mod tests;

use super::{payload, picture};
use crate::rtp::{RtpPacket, Unwrapper};
use bytes::{Bytes, BytesMut};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// A gap is waited for at least and at most so long.
const SHORTEST_WAIT: Duration = Duration::from_millis(60);
const LONGEST_WAIT: Duration = Duration::from_millis(250);
/// Asking again for a key frame that does not come.
const ASK_AGAIN: Duration = Duration::from_millis(400);
/// Packets kept at most: some seconds of 720p.
const CAPACITY: usize = 2_048;
/// A jump of sequence numbers that means another stream.
const JUMP: i64 = 10_000;

/// What the buffer gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A whole picture, decodable after those before.
    Picture {
        /// The VP8 frame.
        data: Bytes,
        /// Needs none before it.
        key: bool,
        /// Ticks of 90 kHz, unwrapped.
        ticks: i64,
    },
    /// Ask the other side for a key frame.
    AskKeyFrame,
}

struct Part {
    timestamp: u32,
    marker: bool,
    begins: bool,
    /// Of a key frame's first packet.
    key: bool,
    /// Empty for padding.
    data: Bytes,
}

/// The buffer.
#[derive(Default)]
pub struct ReceiveBuffer {
    ssrc: Option<u32>,
    sequence: Unwrapper,
    timestamp: Unwrapper,
    parts: BTreeMap<i64, Part>,
    /// Where the next picture begins; none while waiting for a key frame.
    next: Option<i64>,
    blocked: Option<Instant>,
    asked: Option<Instant>,
    wanted: bool,
    gaps: u64,
}

impl ReceiveBuffer {
    /// An empty one, waiting for a key frame.
    pub fn new() -> Self {
        Self::default()
    }

    /// A packet came.
    pub fn insert(&mut self, packet: RtpPacket) {
        if self.ssrc != Some(packet.ssrc) {
            self.restart(packet.ssrc);
        }
        let mut sequence = self.sequence.sequence(packet.sequence);
        let newest = self.parts.last_key_value().map(|(newest, _)| *newest);
        if newest
            .or(self.next)
            .is_some_and(|known| (sequence - known).abs() > JUMP)
        {
            self.restart(packet.ssrc);
            sequence = self.sequence.sequence(packet.sequence);
        }
        if self.next.is_some_and(|next| sequence < next) {
            return;
        }
        let described = payload::describe(&packet.payload);
        let data = described.map_or_else(Bytes::new, |descriptor| {
            packet.payload.slice(descriptor.length..)
        });
        let begins = described.is_some_and(|descriptor| descriptor.begins);
        let part = Part {
            timestamp: packet.timestamp,
            marker: packet.marker,
            begins,
            key: begins && picture::is_key(&data),
            data,
        };
        self.parts.insert(sequence, part);
        if self.parts.len() > CAPACITY {
            self.parts.pop_first();
        }
    }

    /// What there is to do at `now`; call again until it is none. `round_trip` and `jitter` say how
    /// long sending again may take.
    pub fn poll(
        &mut self,
        now: Instant,
        round_trip: Duration,
        jitter: Duration,
    ) -> Option<Received> {
        if self.wanted {
            self.wanted = false;
            return self.ask(now);
        }
        self.skip_padding();
        let Some(next) = self.next else {
            return self.begin(now);
        };
        if let Some(end) = self.end_of_picture(next) {
            self.blocked = None;
            return self.take(next, end);
        }
        if !self.is_blocked(next) {
            self.blocked = None;
            return None;
        }
        // What comes after a whole key frame needs nothing before it.
        if let Some((begin, end)) = self.key_frame() {
            self.gaps += 1;
            self.blocked = None;
            return self.take(begin, end);
        }
        let since = *self.blocked.get_or_insert(now);
        let patience = (2 * round_trip + jitter).clamp(SHORTEST_WAIT, LONGEST_WAIT);
        if now.saturating_duration_since(since) < patience {
            return None;
        }
        self.gaps += 1;
        self.blocked = None;
        self.next = None;
        self.ask(now)
    }

    /// Makes the buffer ask for a key frame, as when the page wants one.
    pub fn want_key_frame(&mut self) {
        self.wanted = true;
    }

    /// How often something stayed lost.
    pub fn gaps(&self) -> u64 {
        self.gaps
    }

    fn restart(&mut self, ssrc: u32) {
        let (asked, gaps) = (self.asked, self.gaps);
        *self = Self {
            ssrc: Some(ssrc),
            asked,
            gaps,
            ..Self::default()
        };
    }

    /// Waiting for a key frame.
    fn begin(&mut self, now: Instant) -> Option<Received> {
        if let Some((begin, end)) = self.key_frame() {
            return self.take(begin, end);
        }
        // While a key frame is on its way there is nothing to ask for.
        let coming = self.parts.values().any(|part| part.key);
        let since = *self.blocked.get_or_insert(now);
        let patience = if coming { LONGEST_WAIT } else { Duration::ZERO };
        if self.parts.is_empty() || now.saturating_duration_since(since) < patience {
            return None;
        }
        self.ask(now)
    }

    fn ask(&mut self, now: Instant) -> Option<Received> {
        let lately = self
            .asked
            .is_some_and(|asked| now.saturating_duration_since(asked) < ASK_AGAIN);
        if lately {
            return None;
        }
        self.asked = Some(now);
        self.blocked = None;
        Some(Received::AskKeyFrame)
    }

    /// Padding between pictures carries nothing but takes numbers.
    fn skip_padding(&mut self) {
        while let Some(next) = self.next
            && self
                .parts
                .get(&next)
                .is_some_and(|part| part.data.is_empty())
        {
            self.parts.remove(&next);
            self.next = Some(next + 1);
        }
    }

    /// The last packet of the picture that begins at `begin`, if all of it is there.
    fn end_of_picture(&self, begin: i64) -> Option<i64> {
        let first = self.parts.get(&begin).filter(|part| part.begins)?;
        for (expected, (sequence, part)) in (begin..).zip(self.parts.range(begin..)) {
            if *sequence != expected || part.timestamp != first.timestamp {
                return None;
            }
            if part.marker {
                return Some(*sequence);
            }
        }
        None
    }

    /// Whether the picture that begins at `next` cannot be completed by what comes in order.
    fn is_blocked(&self, next: i64) -> bool {
        let Some((first, part)) = self.parts.range(next..).next() else {
            return false;
        };
        if *first != next || !part.begins {
            return true;
        }
        for (expected, (sequence, other)) in (next..).zip(self.parts.range(next..)) {
            if *sequence != expected || other.timestamp != part.timestamp {
                return true;
            }
        }
        false
    }

    /// The newest whole key frame.
    fn key_frame(&self) -> Option<(i64, i64)> {
        self.parts
            .iter()
            .rev()
            .filter(|(_, part)| part.key)
            .find_map(|(begin, _)| Some((*begin, self.end_of_picture(*begin)?)))
    }

    fn take(&mut self, begin: i64, end: i64) -> Option<Received> {
        let later = self.parts.split_off(&(end + 1));
        let parts = std::mem::replace(&mut self.parts, later);
        self.next = Some(end + 1);
        let mut parts = parts.range(begin..).map(|(_, part)| part);
        let first = parts.next()?;
        let ticks = self.timestamp.timestamp(first.timestamp);
        let mut data = BytesMut::from(&*first.data);
        parts.for_each(|part| data.extend_from_slice(&part.data));
        Some(Received::Picture {
            key: first.key,
            data: data.freeze(),
            ticks,
        })
    }
}
