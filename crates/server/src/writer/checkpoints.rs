//! Copying the write-ahead log into the file, beside the writer.
//!
//! SQLite does it within a commit, for whoever happens to make it: tens of milliseconds in which
//! all others wait. Done here, commits go on meanwhile. What is left for a commit to do, once the
//! log is long (see `crate::store`), is the little that was written since.

use crate::store::Store;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Between two looks.
const EVERY: Duration = Duration::from_millis(250);

/// The task that does it. Dropping its future ends it.
pub(super) struct Checkpoints {
    store: Store,
    written: Arc<AtomicBool>,
}

impl Checkpoints {
    /// The task, and what to set after each commit.
    pub(super) fn new(store: Store) -> (Self, Arc<AtomicBool>) {
        let written = Arc::<AtomicBool>::default();
        let task = Self {
            store,
            written: written.clone(),
        };
        (task, written)
    }

    /// Runs for ever.
    pub(super) async fn run(self) {
        let mut conn = None;
        loop {
            tokio::time::sleep(EVERY).await;
            if !self.written.swap(false, Ordering::Relaxed) {
                continue;
            }
            if conn.is_none() {
                conn = self.store.writing().await.ok();
            }
            let Some(open) = conn.as_mut() else { continue };
            let copied = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(open);
            if let Err(error) = copied.await {
                // A commit does it, then.
                tracing::warn!(error = %error, "the write-ahead log was not copied");
                conn = None;
            }
        }
    }
}
