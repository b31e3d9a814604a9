//! A place for one thing: the newest wins.

use crate::pace::Stop;
use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

/// Between a thread that makes things and a slower one that uses them.
#[derive(Debug)]
pub(crate) struct Slot<T>(Arc<Inner<T>>);

#[derive(Debug)]
struct Inner<T> {
    thing: Mutex<Option<T>>,
    filled: Condvar,
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Slot<T> {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            thing: Mutex::new(None),
            filled: Condvar::new(),
        }))
    }

    /// Puts a thing there in place of any that was not taken.
    pub(crate) fn put(&self, thing: T) {
        *self.0.thing.lock().unwrap_or_else(PoisonError::into_inner) = Some(thing);
        self.0.filled.notify_one();
    }

    /// Waits for the newest; none when it is time to end.
    pub(crate) fn take(&self, stop: &Stop) -> Option<T> {
        let mut thing = self.0.thing.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if stop.is_set() {
                return None;
            }
            if let Some(thing) = thing.take() {
                return Some(thing);
            }
            let waited = self.0.filled.wait_timeout(thing, Duration::from_millis(20));
            thing = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Whether there is nothing to take.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        let thing = self.0.thing.lock();
        thing.unwrap_or_else(PoisonError::into_inner).is_none()
    }
}
