//! The time of day, for display and for what is written on this device. Timers never use it: they
//! are monotonic.

use im_protocol::UnixMs;
use std::{
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// Where the time of day comes from.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> UnixMs + Send + Sync>,
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::new(|| {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |time| UnixMs::try_from(time.as_millis()).unwrap_or(0))
        })
    }

    /// Another clock, milliseconds since 1970 UTC.
    #[must_use]
    pub fn new(now: impl Fn() -> UnixMs + Send + Sync + 'static) -> Self {
        Self { now: Arc::new(now) }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> UnixMs {
        (self.now)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
