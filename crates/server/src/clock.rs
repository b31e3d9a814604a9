//! The server's clock, which tests can move.

use im_protocol::UnixMs;
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Tells the time that is stored and compared. Clones share one offset.
#[derive(Debug, Clone)]
pub struct Clock {
    made: Instant,
    offset_ms: Arc<AtomicI64>,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            made: Instant::now(),
            offset_ms: Arc::default(),
        }
    }
}

impl Clock {
    /// Milliseconds since 1970, UTC.
    #[must_use]
    pub fn now(&self) -> UnixMs {
        let system = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| {
                i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
            });
        system.saturating_add(self.offset_ms.load(Ordering::Relaxed))
    }

    /// Milliseconds since this clock was made, whatever happens to the system's time of day: for
    /// what is measured and not kept.
    #[must_use]
    pub fn steady(&self) -> i64 {
        let since = i64::try_from(self.made.elapsed().as_millis()).unwrap_or(i64::MAX);
        since.saturating_add(self.offset_ms.load(Ordering::Relaxed))
    }

    /// Moves this clock forward; what is due by then happens within about a second.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.offset_ms.fetch_add(by, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_move_together() {
        let clock = Clock::default();
        let before = clock.now();
        let other = clock.clone();
        other.advance(Duration::from_secs(3600));
        assert!(clock.now() >= before + 3_600_000);
        assert!(clock.steady() >= 3_600_000);
    }
}
