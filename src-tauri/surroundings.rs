//! What the desktop around the app offers: somebody who shows the tray's icon
//! (`StatusNotifierItem`), somebody who shows notifications. Both live on the session's bus, and
//! come and go.

use gtk::{gio, glib, prelude::*};
use im_contract::views::{Desktop, Offer};
use im_core::Core;
use im_notify::Availability;
use std::sync::Arc;
use tokio::sync::watch;

/// Whoever knows the tray's icons, and whether somebody shows them.
const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const WATCHER_PATH: &str = "/StatusNotifierWatcher";
/// Desktop Notifications Specification 1.2.
const NOTIFICATIONS: &str = "org.freedesktop.Notifications";
/// How long an answer on the bus may take, in milliseconds.
const PATIENCE_MS: i32 = 2_000;

/// What is known of the desktop. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Surroundings {
    core: Core,
    known: Arc<watch::Sender<Desktop>>,
}

impl Surroundings {
    /// Watches from now on, and tells the core. `delivered` says what became of notifications. To
    /// be called on the main thread, whose loop brings the news.
    pub(crate) fn watch(core: Core, delivered: watch::Receiver<Availability>) -> Self {
        let surroundings = Self {
            core,
            known: Arc::new(watch::channel(Desktop::default()).0),
        };
        surroundings.watch_tray();
        surroundings.watch_notifications();
        tauri::async_runtime::spawn(surroundings.clone().follow(delivered));
        surroundings
    }

    /// What is known, from now on.
    pub(crate) fn known(&self) -> watch::Receiver<Desktop> {
        self.known.subscribe()
    }

    /// Whether the icon is not to be seen anywhere.
    pub(crate) fn has_no_tray(&self) -> bool {
        self.known.borrow().tray == Offer::Missing
    }

    fn tray(&self, offer: Offer) {
        self.change(|desktop| desktop.tray = offer);
    }

    fn notifications(&self, offer: Offer) {
        self.change(|desktop| desktop.notifications = offer);
    }

    fn change(&self, change: impl FnOnce(&mut Desktop)) {
        let changed = self.known.send_if_modified(|desktop| {
            let before = *desktop;
            change(desktop);
            *desktop != before
        });
        if changed {
            let desktop = *self.known.borrow();
            tracing::info!(tray = ?desktop.tray, notifications = ?desktop.notifications, "the desktop");
            self.core.set_desktop(desktop);
        }
    }

    fn watch_tray(&self) {
        let (here, gone) = (self.clone(), self.clone());
        gio::bus_watch_name(
            gio::BusType::Session,
            WATCHER,
            gio::BusNameWatcherFlags::NONE,
            move |bus, _, _| here.ask_for_host(&bus),
            move |_, _| gone.tray(Offer::Missing),
        );
        // A host (the panel) may come and go while the watcher stays.
        if let Ok(bus) = gio::bus_get_sync(gio::BusType::Session, gio::Cancellable::NONE) {
            let surroundings = self.clone();
            bus.signal_subscribe(
                Some(WATCHER),
                Some(WATCHER),
                None,
                Some(WATCHER_PATH),
                None,
                gio::DBusSignalFlags::NONE,
                move |bus, _, _, _, signal, _| {
                    if signal.starts_with("StatusNotifierHost") {
                        surroundings.ask_for_host(bus);
                    }
                },
            );
        }
    }

    fn ask_for_host(&self, bus: &gio::DBusConnection) {
        let surroundings = self.clone();
        bus.call(
            Some(WATCHER),
            WATCHER_PATH,
            "org.freedesktop.DBus.Properties",
            "Get",
            Some(&(WATCHER, "IsStatusNotifierHostRegistered").to_variant()),
            None,
            gio::DBusCallFlags::NO_AUTO_START,
            PATIENCE_MS,
            gio::Cancellable::NONE,
            move |answer| surroundings.tray(host(answer.ok().as_ref())),
        );
    }

    fn watch_notifications(&self) {
        let (here, gone) = (self.clone(), self.clone());
        gio::bus_watch_name(
            gio::BusType::Session,
            NOTIFICATIONS,
            gio::BusNameWatcherFlags::NONE,
            move |_, _, _| here.notifications(Offer::Here),
            move |bus, _| gone.ask_for_starters(&bus),
        );
    }

    /// Nobody is there for notifications now; the bus may know whom to start.
    fn ask_for_starters(&self, bus: &gio::DBusConnection) {
        let surroundings = self.clone();
        bus.call(
            Some("org.freedesktop.DBus"),
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus",
            "ListActivatableNames",
            None,
            None,
            gio::DBusCallFlags::NONE,
            PATIENCE_MS,
            gio::Cancellable::NONE,
            move |answer| surroundings.notifications(starters(answer.ok().as_ref())),
        );
    }

    /// What became of a notification counts more than who said that they would show it.
    async fn follow(self, mut delivered: watch::Receiver<Availability>) {
        while delivered.changed().await.is_ok() {
            match *delivered.borrow_and_update() {
                Availability::Unknown => {}
                Availability::Shown => self.notifications(Offer::Here),
                Availability::Missing => self.notifications(Offer::Missing),
            }
        }
    }
}

/// The answer `(v)` to whether a host is there. A watcher that does not say shows icons itself.
fn host(answer: Option<&glib::Variant>) -> Offer {
    let said = answer.and_then(|answer| answer.try_child_value(0));
    let said = said.and_then(|value| value.as_variant()?.get::<bool>());
    if said.unwrap_or(true) {
        Offer::Here
    } else {
        Offer::Missing
    }
}

/// The answer `(as)` with the names that the bus can start somebody for.
fn starters(answer: Option<&glib::Variant>) -> Offer {
    let names = answer.and_then(|answer| answer.try_child_value(0)?.get::<Vec<String>>());
    if names.is_some_and(|names| names.iter().any(|name| name == NOTIFICATIONS)) {
        Offer::Here
    } else {
        Offer::Missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watcher_without_a_panel_shows_nothing() {
        let said = |host: bool| (host.to_variant(),).to_variant();
        assert_eq!(host(Some(&said(false))), Offer::Missing);
        assert_eq!(host(Some(&said(true))), Offer::Here);
        assert_eq!(host(None), Offer::Here);
    }

    #[test]
    fn who_can_be_started_counts_as_there() {
        let names = |names: &[&str]| (names.to_vec(),).to_variant();
        assert_eq!(starters(Some(&names(&["a.b", NOTIFICATIONS]))), Offer::Here);
        assert_eq!(starters(Some(&names(&["a.b"]))), Offer::Missing);
        assert_eq!(starters(None), Offer::Missing);
    }
}
