//! What waits in one conversation, and whose turn it is.

use super::Pause;
use im_protocol::{
    ConversationId, OperationId,
    limits::{PACKET_BYTES, SEND_ITEMS},
};
use std::collections::{BTreeMap, HashMap};

/// Bytes of messages in one request: half a packet leaves room for what is around them.
pub(super) const REQUEST_BYTES: usize = PACKET_BYTES / 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Waiting,
    Sending,
    Settling,
    Failed,
}

#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: OperationId,
    pub(super) bytes: usize,
    pub(super) stage: Stage,
    pub(super) alone: bool,
    pub(super) after: Option<OperationId>,
    /// Its files that the server does not have yet.
    pub(super) missing: usize,
    /// So often the server did not know its files anymore.
    pub(super) anew: u32,
    /// The person has thrown it away, and it is being deleted.
    pub(super) thrown: bool,
}

impl Item {
    /// Whether it waits for its files, or to be deleted: what follows need not.
    fn stands_aside(&self) -> bool {
        self.missing > 0 || self.thrown
    }
}

/// Where everything is that is unsent.
pub(super) type Places = HashMap<OperationId, (ConversationId, u64)>;

#[derive(Debug, Default)]
pub(super) struct Queue {
    /// By the order of writing.
    pub(super) items: BTreeMap<u64, Item>,
    /// The request under way, with what it asks about.
    pub(super) request: Option<(u64, Vec<OperationId>)>,
    pub(super) pause: Pause,
}

/// Whether something may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// It may.
    Its,
    /// What comes first is under way or waits itself: so does all that follows.
    Later,
    /// It waits for the person or for its files, or is under way: what follows need not.
    Others,
}

impl Queue {
    fn turn(&self, item: &Item, unsent: &Places) -> Turn {
        if item.stage != Stage::Waiting || item.stands_aside() {
            return Turn::Others;
        }
        let first = item.after.and_then(|after| unsent.get(&after));
        let Some(first) = first.and_then(|(_, n)| self.items.get(n)) else {
            return Turn::Its;
        };
        match first.stage {
            Stage::Failed => Turn::Others,
            Stage::Waiting if first.stands_aside() => Turn::Others,
            Stage::Waiting | Stage::Sending | Stage::Settling => Turn::Later,
        }
    }

    /// Moves the next messages, or the next change of one, to sending.
    pub(super) fn next_request(&mut self, unsent: &Places) -> Vec<OperationId> {
        let (mut places, mut bytes) = (Vec::new(), 0);
        for (n, item) in &self.items {
            match self.turn(item, unsent) {
                Turn::Its => {}
                Turn::Later => break,
                Turn::Others => continue,
            }
            if item.alone {
                if places.is_empty() {
                    places.push(*n);
                }
                break;
            }
            bytes += item.bytes;
            let full = places.len() == SEND_ITEMS || bytes > REQUEST_BYTES;
            if full && !places.is_empty() {
                break;
            }
            places.push(*n);
        }
        let mut ids = Vec::with_capacity(places.len());
        for n in places {
            if let Some(item) = self.items.get_mut(&n) {
                item.stage = Stage::Sending;
                ids.push(item.id);
            }
        }
        ids
    }

    pub(super) fn has_waiting(&self, unsent: &Places) -> bool {
        let mut items = self.items.values();
        items.any(|item| self.turn(item, unsent) == Turn::Its)
    }
}
