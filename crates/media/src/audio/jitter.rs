//! The buffer that evens out when sound packets come (sans-IO).
//!
//! How late packets are is measured against the fastest of the last seconds; the buffer holds
//! back as much as nearly all of them need, within [`MIN_DELAY`] and [`MAX_DELAY`], and one packet
//! more while some are lost, so that the next one is there when it is needed. A lost packet
//! is recovered from the one after it (Opus in-band FEC, RFC 6716 section 2.1.7) or concealed. When
//! the buffer holds more or less than it should, because the network changed or the two devices'
//! clocks differ, it asks for a little faster or slower playing.

#[cfg(test)]
mod tests;

use crate::rtp::{RtpPacket, Unwrapper};
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Never hold back less.
pub const MIN_DELAY: Duration = Duration::from_millis(20);
/// Never hold back more.
pub const MAX_DELAY: Duration = Duration::from_millis(200);
/// Before anything is known.
const FIRST_DELAY: Duration = Duration::from_millis(40);
/// Added to what packets need, since playing does not wake up to the millisecond either.
const MARGIN: Duration = Duration::from_millis(10);
/// Share of packets that must come in time.
const IN_TIME: f64 = 0.97;
/// What a packet's weight in the histogram falls to with each newer one: half in 7 s.
const FORGET: f64 = 0.998;
/// Width of the histogram's bins, milliseconds.
const BIN_MS: usize = 10;
const BINS: usize = 21;
/// The fastest packet is looked for in the last one to two of these.
const WINDOW: Duration = Duration::from_secs(5);
/// Share of lost packets from which on one packet more is held back, and how many packets are
/// looked back on.
const LOSSY: f64 = 0.01;
const LOOKED_BACK: f64 = 200.0;
/// Ask for another speed only beyond these.
const TOO_MUCH_MS: f64 = 15.0;
const TOO_LITTLE_MS: f64 = 8.0;
/// So much too much is dropped at once.
const FAR_TOO_MUCH_MS: f64 = 160.0;
/// Concealed so long in a row, the stream has stopped: buffer anew when it comes back.
const STOPPED: u32 = 10;
/// A jump of sequence numbers that means another stream.
const JUMP: i64 = 500;
/// Packets kept at most: 4 s.
const CAPACITY: usize = 200;
/// Ticks of 48 kHz in a millisecond.
const TICKS: f64 = 48.0;

/// What to play next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Playout {
    /// Nothing yet: silence, and do not count it.
    Waiting,
    /// Decode this.
    Packet(Bytes),
    /// The packet is lost: decode its copy out of the one after it.
    Recover(Bytes),
    /// The packet is lost or late: make up something like what came before.
    Conceal,
}

/// How fast to play it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speed {
    /// As it is.
    Normal,
    /// Leave a little out.
    Faster,
    /// Repeat a little.
    Slower,
}

/// Counters since the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JitterStats {
    /// Packets that came.
    pub received: u64,
    /// Packets that never came, or too late.
    pub lost: u64,
    /// Packets that came after their time.
    pub late: u64,
    /// Lost packets recovered from the next one.
    pub recovered: u64,
    /// Frames made up.
    pub concealed: u64,
    /// Packets thrown away since far too many were waiting.
    pub dropped: u64,
}

struct Held {
    ticks: i64,
    payload: Bytes,
}

/// The buffer.
pub struct JitterBuffer {
    epoch: Instant,
    ssrc: Option<u32>,
    sequence: Unwrapper,
    timestamp: Unwrapper,
    held: BTreeMap<i64, Held>,
    next: Option<i64>,
    begins: Option<Instant>,
    /// Ticks of one packet.
    duration: i64,
    in_a_row: u32,
    /// Concealed without giving a packet up: when the stream skips these, they are paid already.
    ahead: i64,
    lateness: Lateness,
    loss: f64,
    delay_ms: f64,
    stats: JitterStats,
}

impl JitterBuffer {
    /// An empty one; times are counted from `now`.
    pub fn new(now: Instant) -> Self {
        Self {
            epoch: now,
            ssrc: None,
            sequence: Unwrapper::default(),
            timestamp: Unwrapper::default(),
            held: BTreeMap::new(),
            next: None,
            begins: None,
            duration: 960,
            in_a_row: 0,
            ahead: 0,
            lateness: Lateness::default(),
            loss: 0.0,
            delay_ms: 0.0,
            stats: JitterStats::default(),
        }
    }

    /// A packet came, at [`RtpPacket::at`].
    pub fn insert(&mut self, packet: RtpPacket) {
        if self.ssrc != Some(packet.ssrc) {
            self.restart();
            self.ssrc = Some(packet.ssrc);
        }
        let mut sequence = self.sequence.sequence(packet.sequence);
        if self.next.is_some_and(|next| (sequence - next).abs() > JUMP) {
            self.restart();
            self.ssrc = Some(packet.ssrc);
            sequence = self.sequence.sequence(packet.sequence);
        }
        let ticks = self.timestamp.timestamp(packet.timestamp);
        self.stats.received += 1;
        self.lateness
            .saw(self.relative_ms(packet.at, ticks), packet.at);
        if self.next.is_some_and(|next| sequence < next) {
            self.stats.late += 1;
            return;
        }
        if let Some((before, held)) = self.held.last_key_value()
            && *before + 1 == sequence
            && (120..=5_760).contains(&(ticks - held.ticks))
        {
            self.duration = ticks - held.ticks;
        }
        if self.begins.is_none() {
            self.begins = Some(packet.at + self.target());
        }
        let payload = packet.payload;
        self.held.insert(sequence, Held { ticks, payload });
        if self.held.len() > CAPACITY {
            self.held.pop_first();
            self.stats.dropped += 1;
        }
    }

    /// What to play at `now`, for the time of one packet.
    pub fn pull(&mut self, now: Instant) -> (Playout, Speed) {
        if self.begins.is_none_or(|begins| now < begins) {
            return (Playout::Waiting, Speed::Normal);
        }
        let first = self.held.first_key_value().map(|(sequence, _)| *sequence);
        let next = match (self.next, first) {
            (Some(next), _) => next,
            (None, Some(first)) => first,
            (None, None) => return (Playout::Waiting, Speed::Normal),
        };
        self.next = Some(next);
        let Some(first) = first else {
            return (self.nothing_there(), Speed::Normal);
        };
        let next = self.skip_paid(next, first);
        if first > next {
            return (self.lost(next), Speed::Normal);
        }
        self.in_a_row = 0;
        self.ahead = 0;
        self.resolved(0.0);
        let Some(held) = self.held.remove(&next) else {
            return (Playout::Waiting, Speed::Normal);
        };
        self.next = Some(next + 1);
        let delay = self.relative_ms(now, held.ticks) - self.lateness.fastest();
        self.delay_ms += (delay - self.delay_ms) / 8.0;
        let excess = self.delay_ms - self.target().as_secs_f64() * 1e3;
        if excess > FAR_TOO_MUCH_MS && self.held.contains_key(&(next + 1)) {
            self.delay_ms -= self.duration as f64 / TICKS;
            self.stats.dropped += 1;
            return self.pull(now);
        }
        let speed = if excess > TOO_MUCH_MS {
            Speed::Faster
        } else if excess < -TOO_LITTLE_MS {
            Speed::Slower
        } else {
            Speed::Normal
        };
        (Playout::Packet(held.payload), speed)
    }

    /// Samples in one packet of the stream, as its timestamps say.
    pub fn packet_samples(&self) -> usize {
        usize::try_from(self.duration).unwrap_or(super::PACKET)
    }

    /// How long packets are held back for now.
    pub fn target(&self) -> Duration {
        let one_more = if self.loss > LOSSY {
            Duration::from_secs_f64(self.duration as f64 / TICKS / 1e3)
        } else {
            Duration::ZERO
        };
        (self.lateness.needed() + one_more).min(MAX_DELAY)
    }

    /// How long they really were of late, in milliseconds over the fastest.
    pub fn delay_ms(&self) -> f64 {
        self.delay_ms
    }

    /// Spread of the packets' lateness as RFC 3550 appendix A.8 measures it, in milliseconds.
    pub fn jitter_ms(&self) -> f64 {
        self.lateness.jitter_ms
    }

    /// Counters.
    pub fn stats(&self) -> JitterStats {
        self.stats
    }

    /// The buffer ran empty: the next packet may only be late, so it is not given up.
    fn nothing_there(&mut self) -> Playout {
        self.in_a_row += 1;
        self.ahead += 1;
        if self.in_a_row > STOPPED {
            let ssrc = self.ssrc;
            self.restart();
            self.ssrc = ssrc;
            return Playout::Waiting;
        }
        self.stats.concealed += 1;
        Playout::Conceal
    }

    /// Packets missing in front of what is there were concealed while the buffer was empty.
    fn skip_paid(&mut self, next: i64, first: i64) -> i64 {
        let paid = self.ahead.min(first - next).max(0);
        self.ahead -= paid;
        self.stats.lost += paid.unsigned_abs();
        (0..paid).for_each(|_| self.resolved(1.0));
        self.next = Some(next + paid);
        next + paid
    }

    /// There are later packets, so this one is lost or hopelessly late.
    fn lost(&mut self, next: i64) -> Playout {
        self.next = Some(next + 1);
        self.in_a_row += 1;
        self.stats.lost += 1;
        self.resolved(1.0);
        match self.held.get(&(next + 1)) {
            Some(after) => {
                self.stats.recovered += 1;
                Playout::Recover(after.payload.clone())
            }
            None => {
                self.stats.concealed += 1;
                Playout::Conceal
            }
        }
    }

    /// A packet was played, or is lost for good.
    fn resolved(&mut self, lost: f64) {
        self.loss += (lost - self.loss) / LOOKED_BACK;
    }

    fn restart(&mut self) {
        self.ssrc = None;
        self.sequence = Unwrapper::default();
        self.timestamp = Unwrapper::default();
        self.held.clear();
        self.next = None;
        self.begins = None;
        self.in_a_row = 0;
        self.ahead = 0;
        self.delay_ms = self.target().as_secs_f64() * 1e3;
        self.lateness.new_stream();
    }

    fn relative_ms(&self, at: Instant, ticks: i64) -> f64 {
        at.saturating_duration_since(self.epoch).as_secs_f64() * 1e3 - ticks as f64 / TICKS
    }
}

/// How late packets come, against the fastest of late.
struct Lateness {
    bins: [f64; BINS],
    total: f64,
    before: f64,
    current: f64,
    since: Option<Instant>,
    last: Option<f64>,
    jitter_ms: f64,
}

impl Default for Lateness {
    fn default() -> Self {
        Self {
            bins: [0.0; BINS],
            total: 0.0,
            before: f64::INFINITY,
            current: f64::INFINITY,
            since: None,
            last: None,
            jitter_ms: 0.0,
        }
    }
}

impl Lateness {
    fn saw(&mut self, relative: f64, at: Instant) {
        let since = *self.since.get_or_insert(at);
        if at.saturating_duration_since(since) > WINDOW {
            self.before = self.current;
            self.current = relative;
            self.since = Some(at);
        }
        self.current = self.current.min(relative);
        let late = (relative - self.fastest()).max(0.0);
        let bin = (late / BIN_MS as f64) as usize;
        self.total = self.total * FORGET + 1.0;
        for weight in &mut self.bins {
            *weight *= FORGET;
        }
        if let Some(weight) = self.bins.get_mut(bin.min(BINS - 1)) {
            *weight += 1.0;
        }
        if let Some(last) = self.last.replace(relative) {
            self.jitter_ms += ((relative - last).abs() - self.jitter_ms) / 16.0;
        }
    }

    fn fastest(&self) -> f64 {
        let fastest = self.before.min(self.current);
        if fastest.is_finite() { fastest } else { 0.0 }
    }

    fn needed(&self) -> Duration {
        // A handful of packets says little.
        if self.total < 10.0 {
            return FIRST_DELAY;
        }
        let mut sum = 0.0;
        let enough = self
            .bins
            .iter()
            .position(|weight| {
                sum += weight;
                sum >= IN_TIME * self.total
            })
            .unwrap_or(BINS - 1);
        let upper = Duration::from_millis(((enough + 1) * BIN_MS) as u64);
        (upper + MARGIN).clamp(MIN_DELAY, MAX_DELAY)
    }

    /// Another stream has another clock; how the network behaves is still known.
    fn new_stream(&mut self) {
        self.before = f64::INFINITY;
        self.current = f64::INFINITY;
        self.since = None;
        self.last = None;
    }
}
