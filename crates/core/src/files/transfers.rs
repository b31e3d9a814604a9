//! What is on its way now: how far it is, as the page sees it, told five times a second at most.

use super::downloads::Standing;
use crate::events::EventHub;
use im_contract::{CoreEvent, files::FileProgress};
use im_protocol::FileId;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How often the page hears how far files are.
const TELL: Duration = Duration::from_millis(200);

/// See the module.
pub(crate) struct Transfers {
    events: EventHub,
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    done: HashMap<FileId, u64>,
    untold: BTreeMap<FileId, u64>,
    told: Option<Instant>,
    standings: HashMap<FileId, Standing>,
}

impl Transfers {
    pub(crate) fn new(events: EventHub) -> Self {
        Self {
            events,
            now: Mutex::default(),
        }
    }

    /// So many bytes of a file are over. What is left untold is told with what comes next; at the
    /// end its messages are read again anyway.
    pub(crate) fn set_done(&self, id: FileId, done: u64) {
        let mut now = self.lock();
        now.done.insert(id, done);
        now.untold.insert(id, done);
        if now.told.is_some_and(|told| told.elapsed() < TELL) {
            return;
        }
        now.told = Some(Instant::now());
        let untold = std::mem::take(&mut now.untold);
        drop(now);
        let files = untold.into_iter();
        let files = files.map(|(id, done)| FileProgress { id, done }).collect();
        self.events.tell(CoreEvent::Files(files));
    }

    /// It is over, or nobody wants it anymore.
    pub(crate) fn forget(&self, id: FileId) {
        let mut now = self.lock();
        now.done.remove(&id);
        now.untold.remove(&id);
    }

    /// How far a file is.
    pub(crate) fn done(&self, id: FileId) -> u64 {
        self.lock().done.get(&id).copied().unwrap_or(0)
    }

    /// What is being fetched, and why it is not.
    pub(crate) fn set_standings(&self, standings: HashMap<FileId, Standing>) {
        self.lock().standings = standings;
    }

    /// Where a file that is being fetched stands.
    pub(super) fn standing(&self, id: FileId) -> Option<Standing> {
        self.lock().standings.get(&id).cloned()
    }

    // A panic while the lock was held leaves the maps whole: each write is a single step.
    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn progress_is_told_five_times_a_second_at_most_and_nothing_is_left_out() {
        let events = EventHub::new();
        let mut told = events.listen();
        let transfers = Transfers::new(events);
        let (one, two) = (FileId::new(), FileId::new());
        for step in 0..100 {
            transfers.set_done(one, step);
            if step == 50 {
                transfers.set_done(two, 7);
            }
            tokio::time::advance(Duration::from_millis(10)).await;
        }
        let mut heard = Vec::new();
        transfers.forget(one);
        drop(transfers);
        while let Some(CoreEvent::Files(files)) = told.recv().await {
            heard.push(files);
        }
        assert_eq!(heard.len(), 5);
        assert!(heard.concat().contains(&FileProgress { id: two, done: 7 }));
    }
}
