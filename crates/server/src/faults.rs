//! Faults built in on purpose, so that tests can show that they notice. Compiled only with the
//! feature `faults`; chosen by the environment when the process starts.
//!
//! - `IM_FAULT_DROP_WAKEUPS=n`: every n-th wake-up is dropped. Nothing may be lost by it.
//! - `SOAK_BREAK=skip_feed`: one feed row in 200 is not appended. Something is lost by it.
//! - `SOAK_BREAK=swap_order`: two messages sent together swap their places.

use std::{
    env,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

static DROP_WAKEUPS: LazyLock<Option<u64>> = LazyLock::new(|| {
    let text = env::var("IM_FAULT_DROP_WAKEUPS").ok()?;
    text.parse().ok().filter(|every| *every > 0)
});
static BREAK: LazyLock<String> = LazyLock::new(|| env::var("SOAK_BREAK").unwrap_or_default());
static WAKEUPS: AtomicU64 = AtomicU64::new(0);
static ROWS: AtomicU64 = AtomicU64::new(0);

/// Says loudly which faults are on.
pub(crate) fn warn() {
    if let Some(every) = *DROP_WAKEUPS {
        tracing::warn!(every, "built to fail: wake-ups are dropped");
    }
    if !BREAK.is_empty() {
        tracing::warn!(fault = %*BREAK, "built to fail");
    }
}

/// Whether something is to be broken: then everything goes by the database, where it is broken.
pub(crate) fn is_broken() -> bool {
    !BREAK.is_empty()
}

/// Whether this wake-up is to be dropped.
pub(crate) fn drop_wakeup() -> bool {
    DROP_WAKEUPS.is_some_and(|every| WAKEUPS.fetch_add(1, Ordering::Relaxed) % every == every - 1)
}

/// Whether this feed row is to be left out.
pub(crate) fn skip_feed() -> bool {
    *BREAK == "skip_feed" && ROWS.fetch_add(1, Ordering::Relaxed) % 200 == 199
}

/// Whether messages sent together are to swap places.
pub(crate) fn swap_order() -> bool {
    *BREAK == "swap_order"
}
