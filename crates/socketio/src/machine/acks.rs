//! Acknowledgements that are awaited, by id and by deadline.

use std::{
    collections::{BTreeSet, HashMap},
    time::Instant,
};

/// Who waits, and until when.
#[derive(Debug, Default)]
pub(super) struct Acks {
    by_id: HashMap<u64, Instant>,
    by_deadline: BTreeSet<(Instant, u64)>,
}

impl Acks {
    pub(super) fn insert(&mut self, id: u64, deadline: Instant) {
        self.by_id.insert(id, deadline);
        self.by_deadline.insert((deadline, id));
    }

    /// Whether `id` was awaited; it no longer is.
    pub(super) fn take(&mut self, id: u64) -> bool {
        let Some(deadline) = self.by_id.remove(&id) else {
            return false;
        };
        self.by_deadline.remove(&(deadline, id));
        true
    }

    /// One whose time is over at `now`, earliest first.
    pub(super) fn take_expired(&mut self, now: Instant) -> Option<u64> {
        let (deadline, id) = *self.by_deadline.first()?;
        if deadline > now {
            return None;
        }
        self.take(id);
        Some(id)
    }

    /// All of them, oldest id first.
    pub(super) fn take_all(&mut self) -> Vec<u64> {
        self.by_deadline.clear();
        let mut ids: Vec<u64> = self.by_id.drain().map(|(id, _)| id).collect();
        ids.sort_unstable();
        ids
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.by_deadline.first().map(|(deadline, _)| *deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_earliest_deadline_comes_first_whatever_the_order_of_emits() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut acks = Acks::default();
        acks.insert(1, at(300));
        acks.insert(2, at(100));
        acks.insert(3, at(200));
        assert_eq!(acks.next_deadline(), Some(at(100)));
        assert_eq!(acks.take_expired(at(99)), None);
        assert_eq!(acks.take_expired(at(250)), Some(2));
        assert_eq!(acks.take_expired(at(250)), Some(3));
        assert_eq!(acks.take_expired(at(250)), None);
        assert!(!acks.take(2));
        assert!(acks.take(1));
        assert_eq!(acks.next_deadline(), None);
    }

    #[test]
    fn all_are_given_back_once() {
        let start = Instant::now();
        let mut acks = Acks::default();
        acks.insert(7, start);
        acks.insert(3, start);
        assert_eq!(acks.take_all(), [3, 7]);
        assert!(acks.take_all().is_empty());
        assert_eq!(acks.next_deadline(), None);
    }
}
