//! Makes what was in the cache before there was a search findable, in the background.

use crate::{
    events::EventHub,
    store::{Database, StoreError, search},
};
use im_contract::CoreEvent;

/// Messages in one transaction: what is written meanwhile waits for one of these at most.
const BATCH: u32 = 250;

/// The task. It ends by itself once everything is indexed, or when the account's files are closed;
/// after a kill the next start goes on where it was.
pub(super) struct Indexing {
    pub(super) cache: Database,
    pub(super) events: EventHub,
}

impl Indexing {
    pub(super) async fn run(self) {
        let mut begun = false;
        loop {
            match self.cache.write(|tx| search::index_batch(tx, BATCH)).await {
                Ok(true) => begun = true,
                Ok(false) => break,
                Err(StoreError::Closed) => return,
                Err(error) => {
                    tracing::warn!(%error, "older messages could not be indexed: again at the next start");
                    return;
                }
            }
            // Whoever else writes has their turn.
            tokio::task::yield_now().await;
        }
        if begun {
            self.events.tell(CoreEvent::Indexed);
        }
    }
}
