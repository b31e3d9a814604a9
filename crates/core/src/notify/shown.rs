//! What is on the screen right now, so that it can all be taken off.

use super::{Notification, NotificationId, Notifier};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

/// A notifier that knows what it shows. Nothing of an account is to stay on the screen when it is
/// wiped from the device.
pub(crate) struct Shown {
    notifier: Arc<dyn Notifier>,
    ids: Mutex<HashSet<NotificationId>>,
}

impl Shown {
    pub(crate) fn new(notifier: Arc<dyn Notifier>) -> Self {
        Self {
            notifier,
            ids: Mutex::default(),
        }
    }

    /// Takes everything off.
    pub(crate) fn clear(&self) {
        let ids = std::mem::take(&mut *self.ids.lock().unwrap_or_else(PoisonError::into_inner));
        for id in ids {
            self.notifier.withdraw(id);
        }
    }
}

impl Notifier for Shown {
    fn show(&self, notification: Notification) {
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        ids.insert(notification.id);
        drop(ids);
        self.notifier.show(notification);
    }

    fn withdraw(&self, id: NotificationId) {
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        ids.remove(&id);
        drop(ids);
        self.notifier.withdraw(id);
    }
}
