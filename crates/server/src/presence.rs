//! Who is there: a lease per device, and telling those who may know.
//!
//! A device holds its lease while it has a connection (whose heartbeat notices a pulled cable
//! within seven seconds). When the connection breaks, the lease runs on for
//! [`limits::PRESENCE_LEASE_MS`], so that a change of network or a restart of the app does not
//! flicker; when the device says goodbye it ends at once. A person is online while any lease is
//! live.

mod leases;

use crate::{app::App, store};
use im_protocol::{DeviceId, PersonId, limits, people::Presence as Notice};
use leases::Leases;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// The leases of this node's devices.
#[derive(Default)]
pub(crate) struct Presence {
    leases: Mutex<Leases>,
    changed: Notify,
}

impl Presence {
    fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A device has a connection more.
    pub(crate) fn came(&self, person: PersonId, device: DeviceId) {
        self.leases().came(person, device);
        self.changed.notify_one();
    }

    /// A device has a connection less, `now` by [`crate::clock::Clock::steady`].
    pub(crate) fn left(&self, person: PersonId, device: DeviceId, now: i64, for_good: bool) {
        let runs_on = if for_good {
            0
        } else {
            limits::PRESENCE_LEASE_MS
        };
        self.leases().left(person, device, now + runs_on);
        self.changed.notify_one();
    }

    /// Whether any lease of a person is live.
    pub(crate) fn is_online(&self, person: PersonId) -> bool {
        self.leases().is_online(person)
    }
}

/// Tells of changes, and ends leases that ran out.
pub(crate) struct PresenceTask {
    app: Arc<App>,
}

impl PresenceTask {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self { app }
    }

    /// Runs until the server stops.
    pub(crate) async fn run(self) {
        let stop = self.app.stop.clone();
        stop.run_until_cancelled(async {
            loop {
                let presence = &self.app.presence;
                let changes = presence.leases().changes(self.app.clock.steady());
                for (person, online) in changes {
                    self.tell(person, online).await;
                }
                // Leases run out by the server's clock, which may be moved: look once a second.
                let next = Duration::from_secs(1);
                tokio::time::timeout(next, presence.changed.notified())
                    .await
                    .ok();
            }
        })
        .await;
    }

    async fn tell(&self, person: PersonId, online: bool) {
        let audience = async {
            let mut reader = self.app.store.read().await?;
            store::person::reachable_by(&mut reader, person).await
        };
        match audience.await {
            Ok(tied) => {
                let mut people: Vec<_> = tied.iter().map(|other| other.id).collect();
                people.push(person);
                self.app
                    .hub
                    .tell_people(&people, &Notice { person, online });
            }
            Err(error) => {
                tracing::error!(error = %error, "presence is not told yet");
                self.app.presence.leases().untold(person);
            }
        }
    }
}
