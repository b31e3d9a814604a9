//! One request at a time for each file. A newer one ends an older one, which notes what it has
//! got so far first: who comes back after a broken connection does not wait until that is noticed.

use im_protocol::FileId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::OwnedMutexGuard;
use tokio_util::sync::CancellationToken;

/// Who has which file in hand.
#[derive(Clone, Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<FileId, Entry>>>);

struct Entry {
    lock: Arc<tokio::sync::Mutex<()>>,
    /// Ends who has, or waits for, the turn now.
    over: CancellationToken,
}

/// A file in hand, until it is dropped.
pub(super) struct Turn {
    turns: Turns,
    id: FileId,
    over: CancellationToken,
    held: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Takes a file in hand. Whoever has it is told to end, and waited for.
    pub(super) async fn take(&self, id: FileId) -> Turn {
        let over = CancellationToken::new();
        let lock = {
            let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let entry = entries.entry(id).or_insert_with(|| Entry {
                lock: Arc::default(),
                over: over.clone(),
            });
            if !entry.over.is_cancelled() && Arc::strong_count(&entry.lock) > 1 {
                entry.over.cancel();
            }
            entry.over = over.clone();
            entry.lock.clone()
        };
        // Made first: where this is dropped while it waits, nothing of it stays.
        let mut turn = Turn {
            turns: self.clone(),
            id,
            over,
            held: None,
        };
        turn.held = Some(lock.lock_owned().await);
        turn
    }
}

impl Turn {
    /// A newer request has come.
    pub(super) async fn over(&self) {
        self.over.cancelled().await;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.held = None;
        let mut entries = self.turns.0.lock().unwrap_or_else(PoisonError::into_inner);
        let unused = |entry: &Entry| Arc::strong_count(&entry.lock) == 1;
        if entries.get(&self.id).is_some_and(unused) {
            entries.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_newer_request_ends_the_older_one_and_waits_for_it() {
        let turns = Turns::default();
        let (id, other) = (FileId::new(), FileId::new());
        let first = turns.take(id).await;
        let elsewhere = turns.take(other).await;
        let taking = tokio::spawn({
            let turns = turns.clone();
            async move { turns.take(id).await }
        });
        first.over().await;
        assert!(
            !taking.is_finished(),
            "the first one still notes what it has"
        );
        assert!(!elsewhere.over.is_cancelled());
        drop(first);
        let second = taking.await.unwrap();
        assert!(!second.over.is_cancelled());
        drop((second, elsewhere));
        assert!(
            turns.0.lock().unwrap().is_empty(),
            "nothing is kept of files at rest"
        );
    }
}
