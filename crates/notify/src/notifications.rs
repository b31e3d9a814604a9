//! The desktop's notifications: one task owns all that are shown, one small task a notification
//! waits for what the person does with it.

use crate::deliver;
use im_core::notify::{Notification, NotificationAction, NotificationId, Notifier};
use std::collections::HashMap;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
};

/// Requests that may wait for the task; more than a person could ever see.
const REQUESTS: usize = 64;

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

enum Request {
    Show(Notification),
    Withdraw(NotificationId),
}

/// The notifications of the desktop, as the core uses them.
#[derive(Debug, Clone)]
pub struct Notifications {
    requests: mpsc::Sender<Request>,
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
        let (requests, incoming) = mpsc::channel(REQUESTS);
        let (tell, availability) = watch::channel(Availability::Unknown);
        let task = NotificationsTask {
            app: app.into(),
            requests: incoming,
            actions,
            availability: tell,
            shown: HashMap::new(),
            waiting: JoinSet::new(),
            generation: 0,
        };
        (
            Self {
                requests,
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

    fn request(&self, request: Request) {
        if self.requests.try_send(request).is_err() {
            // Full or stopped: the person sees the ring's window and the unread count all the same.
            tracing::warn!("a notification was left out: the queue is full");
        }
    }
}

impl Notifier for Notifications {
    fn show(&self, notification: Notification) {
        self.request(Request::Show(notification));
    }

    fn withdraw(&self, id: NotificationId) {
        self.request(Request::Withdraw(id));
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
    requests: mpsc::Receiver<Request>,
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
                request = self.requests.recv() => match request {
                    Some(Request::Show(notification)) => self.show(notification),
                    Some(Request::Withdraw(id)) => drop(self.shown.remove(&id)),
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
