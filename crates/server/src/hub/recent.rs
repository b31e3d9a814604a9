//! The last facts of a person's feed, in memory.

use serde_json::value::RawValue;
use std::{collections::VecDeque, sync::Arc};

/// Facts kept for a person, at most.
const KEPT: usize = 128;

/// Facts whose numbers follow each other.
#[derive(Default)]
pub(super) struct Recent {
    /// The number of the first.
    first: u64,
    items: VecDeque<Arc<RawValue>>,
}

impl Recent {
    /// Adds facts from number `first` on. What does not follow on what is here replaces it: between
    /// the two are facts of other kinds.
    pub(super) fn add(&mut self, first: u64, items: Vec<Arc<RawValue>>) {
        if self.first + self.items.len() as u64 != first {
            self.first = first;
            self.items.clear();
        }
        self.items.extend(items);
        while self.items.len() > KEPT {
            self.items.pop_front();
            self.first += 1;
        }
    }

    /// Forgets everything. What is here is as it stood when it was written: once something has become
    /// of it, it is no longer what is to be told.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// The facts right after a number; none where the next one is not here.
    pub(super) fn after(&self, n: u64, limit: usize) -> Option<Vec<Arc<RawValue>>> {
        let skip = usize::try_from((n + 1).checked_sub(self.first)?).ok()?;
        let items: Vec<_> = self.items.iter().skip(skip).take(limit).cloned().collect();
        (!items.is_empty()).then_some(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(numbers: std::ops::Range<u64>) -> Vec<Arc<RawValue>> {
        let raw = |n| Arc::from(serde_json::value::to_raw_value(&n).unwrap());
        numbers.map(raw).collect()
    }

    fn numbers(found: Option<Vec<Arc<RawValue>>>) -> Option<Vec<String>> {
        found.map(|found| found.iter().map(|raw| raw.get().to_owned()).collect())
    }

    #[test]
    fn what_follows_is_found_and_what_does_not_is_not() {
        let mut recent = Recent::default();
        assert!(recent.after(0, 10).is_none());
        recent.add(5, facts(5..8));
        recent.add(8, facts(8..9));
        assert!(recent.after(3, 10).is_none(), "4 is not here");
        let found = numbers(recent.after(4, 2));
        assert_eq!(found, Some(vec!["5".into(), "6".into()]));
        assert_eq!(numbers(recent.after(7, 9)), Some(vec!["8".into()]));
        assert!(recent.after(8, 10).is_none(), "9 is not here yet");
        recent.forget();
        assert!(recent.after(7, 9).is_none());
        recent.add(8, facts(8..9));
        // 9 was a fact of another kind.
        recent.add(10, facts(10..11));
        assert!(recent.after(8, 10).is_none());
        assert_eq!(numbers(recent.after(9, 9)), Some(vec!["10".into()]));
    }

    #[test]
    fn only_so_many_are_kept() {
        let mut recent = Recent::default();
        recent.add(1, facts(1..1_001));
        assert!(recent.after(0, 10).is_none());
        let kept = recent.after(1_000 - KEPT as u64, 2_000).unwrap();
        assert_eq!(kept.len(), KEPT);
    }
}
