//! Keeps the tray up to date, beside the desk: what it shows is read from the store, and the menu is
//! written on the main thread. No ring ever waits for that.

use super::{Known, Tray};
use im_contract::{Commands, args::Nothing, views::Account};
use im_core::Core;
use im_protocol::people::Role;
use std::time::Duration;
use tauri::Wry;
use tokio::{sync::watch, time::sleep};

/// How often the tray is brought up to date at most, however much happens.
const EVERY: Duration = Duration::from_millis(250);

/// Tells the keeper that the tray is old.
pub(crate) struct TrayBell(watch::Sender<bool>);

impl TrayBell {
    /// Something that the tray shows may have changed.
    pub(crate) fn ring(&self) {
        self.0.send_modify(|_| {});
    }

    /// Whether there is a connection. Others see nobody where there is none, and so does the tray.
    pub(crate) fn connected(&self, connected: bool) {
        self.0.send_if_modified(|known| {
            let changed = *known != connected;
            *known = connected;
            changed
        });
    }
}

/// See the module.
pub(crate) struct TrayKeeper {
    core: Core,
    tray: Tray<Wry>,
    connected: watch::Receiver<bool>,
}

impl TrayKeeper {
    /// A keeper to be run as a task, and its bell. It ends when the bell is gone.
    pub(crate) fn new(core: Core, tray: Tray<Wry>) -> (Self, TrayBell) {
        let (bell, connected) = watch::channel(false);
        let keeper = Self {
            core,
            tray,
            connected,
        };
        (keeper, TrayBell(bell))
    }

    /// Runs until the desk is gone.
    pub(crate) async fn run(mut self) {
        loop {
            let connected = *self.connected.borrow_and_update();
            let known = known(&self.core, connected).await;
            if let Err(error) = self.tray.show(&known) {
                tracing::warn!(%error, "the tray could not be brought up to date");
            }
            if self.connected.changed().await.is_err() {
                return;
            }
            sleep(EVERY).await;
        }
    }
}

/// What the tray shows. Where nobody is signed in, nothing is known.
async fn known(core: &Core, connected: bool) -> Known {
    let account = core.account_get(Nothing {}).await;
    let Ok(Account::SignedIn { me, .. }) = account else {
        return Known::default();
    };
    let conversations = core
        .conversations_list(Nothing {})
        .await
        .unwrap_or_default();
    let status = core.status_get(Nothing {}).await.ok().flatten();
    Known {
        status: status.as_ref().map(|status| status.availability),
        pending: status.is_some_and(|status| status.pending),
        connected,
        may_set_status: me.role == Role::Mentor,
        unread: conversations
            .iter()
            .map(|conversation| conversation.unread)
            .sum(),
    }
}
