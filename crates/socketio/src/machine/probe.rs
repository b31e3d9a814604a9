//! Measures the round trip with WebSocket pings of our own, since the pings of Engine.IO come from
//! the server. The same ping finds out whether a connection that may be dead still lives.

use std::time::{Duration, Instant};

/// The pings of one connection.
#[derive(Debug)]
pub(super) struct Probe {
    every: Duration,
    due_at: Instant,
    sent: Option<Sent>,
    count: u64,
}

#[derive(Debug)]
struct Sent {
    nonce: u64,
    at: Instant,
    /// Without the pong by then the connection counts as dead. None for a mere measurement, whose
    /// pong a server may leave out.
    answer_by: Option<Instant>,
}

impl Probe {
    /// The first measurement is due at once.
    pub(super) fn new(every: Duration, now: Instant) -> Self {
        Self {
            every,
            due_at: now,
            sent: None,
            count: 0,
        }
    }

    /// The payload of the ping to send, if one is due.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<[u8; 8]> {
        let urgent = self.sent.as_ref().is_some_and(|s| s.answer_by.is_some());
        if now < self.due_at || urgent {
            return None;
        }
        Some(self.send(now, None))
    }

    /// The payload of a ping that must be answered within `within`. Nothing if such a one is out.
    pub(super) fn demand(&mut self, now: Instant, within: Duration) -> Option<[u8; 8]> {
        let urgent = self.sent.as_ref().is_some_and(|s| s.answer_by.is_some());
        (!urgent).then(|| self.send(now, Some(now + within)))
    }

    fn send(&mut self, now: Instant, answer_by: Option<Instant>) -> [u8; 8] {
        self.count = self.count.wrapping_add(1);
        self.due_at = now + self.every;
        self.sent = Some(Sent {
            nonce: self.count,
            at: now,
            answer_by,
        });
        self.count.to_be_bytes()
    }

    /// The round trip, if `payload` is that of the last ping.
    pub(super) fn answered(&mut self, payload: &[u8], now: Instant) -> Option<Duration> {
        let sent = self
            .sent
            .take_if(|sent| sent.nonce.to_be_bytes() == payload)?;
        Some(now.saturating_duration_since(sent.at))
    }

    /// Whether a demanded answer did not come.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        self.answer_by().is_some_and(|by| by <= now)
    }

    pub(super) fn next_deadline(&self) -> Instant {
        self.answer_by().unwrap_or(self.due_at)
    }

    fn answer_by(&self) -> Option<Instant> {
        self.sent.as_ref()?.answer_by
    }
}
