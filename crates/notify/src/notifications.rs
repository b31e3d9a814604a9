//! The desktop's notifications: one task owns all that are shown, one small task a notification
//! waits for what the person does with it.

use crate::deliver;
use im_core::notify::{Notification, NotificationAction, NotificationId, Notifier};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
};

/// Notifications that may wait to be shown; more than a person could ever see.
const WAITING: usize = 64;

/// Whether the desktop shows notifications, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// None was shown yet.
    Unknown,
    /// The last one was taken by the desktop.
    Shown,
    /// Nobody answers for notifications: the ring's window is the only way.
    Missing,
}

/// What is wanted of each notification and not done yet, oldest first. Of one notification only the
/// last wish is kept, so a withdrawal is never lost, however long the task is held up.
#[derive(Debug, Default)]
struct Wishes(Mutex<Vec<(NotificationId, Option<Notification>)>>);

impl Wishes {
    /// Wants it to be shown, or not to be there.
    fn want(&self, id: NotificationId, mut wanted: Option<Notification>) {
        let mut wishes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = wishes.len();
        wishes.retain(|(known, _)| *known != id);
        if wanted.is_some() && wishes.len() >= WAITING {
            // The person sees the ring's window and the unread count all the same.
            tracing::warn!("a notification was left out: too many wait");
            if wishes.len() == known {
                return;
            }
            wanted = None;
        }
        wishes.push((id, wanted));
    }

    fn take(&self) -> Vec<(NotificationId, Option<Notification>)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The notifications of the desktop, as the core uses them.
#[derive(Debug, Clone)]
pub struct Notifications {
    wishes: Arc<Wishes>,
    /// Wakes the task. Full means that it is awake.
    bell: mpsc::Sender<()>,
    availability: watch::Receiver<Availability>,
}

impl Notifications {
    /// Notifications in the name of `app`, which is also the icon's name, and the task to run.
    /// What a person does goes into `actions`.
    #[must_use]
    pub fn new(
        app: impl Into<String>,
        actions: mpsc::Sender<NotificationAction>,
    ) -> (Self, NotificationsTask) {
        let (bell, woken) = mpsc::channel(1);
        let wishes = Arc::<Wishes>::default();
        let (tell, availability) = watch::channel(Availability::Unknown);
        let task = NotificationsTask {
            app: app.into(),
            wishes: Arc::clone(&wishes),
            woken,
            actions,
            availability: tell,
            shown: HashMap::new(),
            waiting: JoinSet::new(),
            generation: 0,
        };
        (
            Self {
                wishes,
                bell,
                availability,
            },
            task,
        )
    }

    /// Whether the desktop shows them.
    #[must_use]
    pub fn availability(&self) -> watch::Receiver<Availability> {
        self.availability.clone()
    }

    fn want(&self, id: NotificationId, wanted: Option<Notification>) {
        self.wishes.want(id, wanted);
        // Full: the task is about to look. Closed: it has ended, and took all of them away.
        let _ = self.bell.try_send(());
    }
}

impl Notifier for Notifications {
    fn show(&self, notification: Notification) {
        self.want(notification.id, Some(notification));
    }

    fn withdraw(&self, id: NotificationId) {
        self.want(id, None);
    }
}

/// A notification on screen. Dropping it takes the notification away.
struct Shown {
    generation: u64,
    /// Dropped to withdraw.
    _keep: oneshot::Sender<()>,
}

/// Owns all notifications on screen.
pub struct NotificationsTask {
    app: String,
    wishes: Arc<Wishes>,
    woken: mpsc::Receiver<()>,
    actions: mpsc::Sender<NotificationAction>,
    availability: watch::Sender<Availability>,
    shown: HashMap<NotificationId, Shown>,
    waiting: JoinSet<(NotificationId, u64)>,
    generation: u64,
}

impl NotificationsTask {
    /// Runs until the last [`Notifications`] is dropped, then takes away what is still shown.
    pub async fn run(mut self) {
        loop {
            tokio::select! {
                woken = self.woken.recv() => match woken {
                    Some(()) => self.grant(),
                    None => break,
                },
                Some(done) = self.waiting.join_next(), if !self.waiting.is_empty() => {
                    if let Ok((id, generation)) = done {
                        self.finished(id, generation);
                    }
                }
            }
        }
        self.shown.clear();
        while self.waiting.join_next().await.is_some() {}
    }

    fn grant(&mut self) {
        for (id, wanted) in self.wishes.take() {
            match wanted {
                Some(notification) => self.show(notification),
                None => drop(self.shown.remove(&id)),
            }
        }
    }

    fn show(&mut self, notification: Notification) {
        self.generation += 1;
        let (id, generation) = (notification.id, self.generation);
        let (keep, withdrawn) = oneshot::channel();
        // The one of the same id goes as its `Shown` is dropped.
        self.shown.insert(
            id,
            Shown {
                generation,
                _keep: keep,
            },
        );
        let app = self.app.clone();
        let availability = self.availability.clone();
        let actions = self.actions.clone();
        self.waiting.spawn(async move {
            deliver::show(&app, notification, &availability, withdrawn, &actions).await;
            (id, generation)
        });
    }

    fn finished(&mut self, id: NotificationId, generation: u64) {
        let current = self.shown.get(&id);
        if current.is_some_and(|shown| shown.generation == generation) {
            self.shown.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use im_core::notify::{self, Urgency};
    use im_protocol::CallId;

    fn ring(call: CallId) -> Notification {
        Notification {
            id: NotificationId::Ring(call),
            title: "Sam is calling".into(),
            body: String::new(),
            buttons: Vec::new(),
            urgency: Urgency::Critical,
        }
    }

    #[test]
    fn while_the_task_is_held_up_shows_are_limited_and_no_withdrawal_is_lost() {
        let (sender, _actions) = notify::actions();
        let (notifications, task) = Notifications::new("InstantMentor", sender);
        let (first, second) = (CallId::new(), CallId::new());
        // This one is on screen when the desktop begins to hang.
        notifications.show(ring(first));
        assert_eq!(task.wishes.take().len(), 1);
        notifications.show(ring(second));
        for _ in 0..10 * WAITING {
            notifications.show(ring(CallId::new()));
        }
        notifications.withdraw(NotificationId::Ring(first));
        notifications.withdraw(NotificationId::Ring(second));
        let left = task.wishes.take();
        let shows = left.iter().filter(|(_, wanted)| wanted.is_some()).count();
        assert!(shows <= WAITING, "{shows} are shown");
        for call in [first, second] {
            let wish = left
                .iter()
                .filter(|(id, _)| *id == NotificationId::Ring(call));
            let wishes: Vec<bool> = wish.map(|(_, wanted)| wanted.is_some()).collect();
            assert_eq!(wishes, [false], "it is withdrawn");
        }
    }

    #[test]
    fn what_is_shown_again_after_it_was_withdrawn_is_shown() {
        let wishes = Wishes::default();
        let call = CallId::new();
        wishes.want(NotificationId::Ring(call), Some(ring(call)));
        wishes.want(NotificationId::Ring(call), None);
        wishes.want(NotificationId::Ring(call), Some(ring(call)));
        assert_eq!(
            wishes.take(),
            [(NotificationId::Ring(call), Some(ring(call)))]
        );
    }
}
