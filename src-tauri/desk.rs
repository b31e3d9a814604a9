//! The core's events on their way to the desktop: page, ring, tray and windows.

use crate::{
    rings::Rings,
    start,
    tray::{Known, Tray},
};
use im_contract::{
    Commands, CoreEvent,
    commands::Nothing,
    views::{Account, CallPhase, CallProgress, Connection, ConnectionState, RingEnd, Settings},
};
use im_core::{Core, Events};
use im_protocol::{CallId, people::Role};
use std::time::Duration;
use tauri::{AppHandle, Emitter, Wry};
use tokio::time::{Instant, sleep_until};

/// The channel on which the page listens.
const EVENT: &str = "core-event";
/// How often the tray is brought up to date at most, however much happens.
const TRAY_EVERY: Duration = Duration::from_millis(250);

/// Owns what is shown outside the page.
pub(crate) struct Desk {
    app: AppHandle,
    core: Core,
    events: Events,
    rings: Rings,
    tray: Option<Tray<Wry>>,
    settings: Settings,
    /// When to bring the tray up to date.
    tray_due: Option<Instant>,
    /// The call whose window has been brought to the person.
    brought: Option<CallId>,
    /// Whether there is a connection.
    connected: bool,
}

impl Desk {
    /// Listens from now on.
    pub(crate) fn new(app: AppHandle, core: Core, tray: Option<Tray<Wry>>) -> Self {
        Self {
            events: core.events(),
            rings: Rings::new(app.clone(), core.clone()),
            app,
            core,
            tray,
            settings: Settings::default(),
            tray_due: Some(Instant::now()),
            brought: None,
            connected: false,
        }
    }

    /// Runs until the core has stopped.
    pub(crate) async fn run(mut self) {
        self.read_again().await;
        loop {
            let due = self.tray_due;
            tokio::select! {
                event = self.events.recv() => match event {
                    Some(event) => self.handle(event).await,
                    None => break,
                },
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.tray_due = None;
                    self.show_tray().await;
                }
            }
        }
        self.rings.clear();
    }

    async fn handle(&mut self, event: CoreEvent) {
        match &event {
            CoreEvent::Ring(ring) => self.rings.show(ring, self.settings.theme),
            CoreEvent::RingEnded { call, end } => {
                self.rings.end(*call, *end);
                // Accepted here, the call brings the window up.
                if *end != RingEnd::AnsweredHere {
                    self.tidy();
                }
            }
            CoreEvent::Call(Some(call)) if call.phase != CallPhase::Over => self.bring(call),
            CoreEvent::Call(_) => self.tidy(),
            CoreEvent::ShowConversation { .. } => start::show(&self.app),
            CoreEvent::Settings(settings) => self.settings = *settings,
            CoreEvent::Account(account) => {
                if !matches!(account, Account::SignedIn { .. }) {
                    self.rings.clear();
                    self.tidy();
                }
                self.tray_is_old();
            }
            CoreEvent::Connection(connection) => self.line(connection),
            CoreEvent::Conversations | CoreEvent::People => self.tray_is_old(),
            CoreEvent::Overflow => self.read_again().await,
            _ => {}
        }
        // Without a page there is nobody to tell, and it reads everything when it comes.
        if let Err(error) = self.app.emit(EVENT, &event) {
            tracing::warn!(%error, "the page could not be told");
        }
    }

    /// Others see nobody where there is no connection, and so does the tray.
    fn line(&mut self, line: &Connection) {
        let connected = line.state == ConnectionState::Online;
        if self.connected != connected {
            self.connected = connected;
            self.tray_is_old();
        }
    }

    /// A call that goes on needs its window: also where it was accepted in the ring's window or on
    /// a notification, while there was no page.
    fn bring(&mut self, call: &CallProgress) {
        let goes_on = matches!(
            call.phase,
            CallPhase::Connecting | CallPhase::Connected | CallPhase::Reconnecting
        );
        if goes_on && self.brought != Some(call.call) {
            self.brought = Some(call.call);
            start::show(&self.app);
        }
    }

    /// Without a ring nobody waits for a window that is not on screen.
    fn tidy(&self) {
        if self.rings.is_quiet() {
            start::discard_prepared(&self.app);
        }
    }

    /// Everything that is shown here, from the core: at the start, and where events were left out.
    async fn read_again(&mut self) {
        if let Ok(settings) = self.core.settings_get(Nothing {}).await {
            self.settings = settings;
        }
        self.rings.clear();
        for ring in self.core.calls_rings(Nothing {}).await.unwrap_or_default() {
            self.rings.show(&ring, self.settings.theme);
        }
        if let Ok(Some(call)) = self.core.calls_current(Nothing {}).await {
            self.bring(&call);
        }
        if let Ok(line) = self.core.connection_get(Nothing {}).await {
            self.line(&line);
        }
        self.tidy();
        self.tray_is_old();
    }

    fn tray_is_old(&mut self) {
        self.tray_due
            .get_or_insert_with(|| Instant::now() + TRAY_EVERY);
    }

    async fn show_tray(&mut self) {
        let known = self.known().await;
        if let Some(tray) = &mut self.tray
            && let Err(error) = tray.show(&known)
        {
            tracing::warn!(%error, "the tray could not be brought up to date");
        }
    }

    /// What the tray shows. Where nobody is signed in, nothing is known.
    async fn known(&self) -> Known {
        let account = self.core.account_get(Nothing {}).await;
        let Ok(Account::SignedIn { me, .. }) = account else {
            return Known::default();
        };
        let conversations = self
            .core
            .conversations_list(Nothing {})
            .await
            .unwrap_or_default();
        let status = self.core.status_get(Nothing {}).await.ok().flatten();
        Known {
            status: status.as_ref().map(|status| status.availability),
            pending: status.is_some_and(|status| status.pending),
            connected: self.connected,
            may_set_status: me.role == Role::Mentor,
            unread: conversations
                .iter()
                .map(|conversation| conversation.unread)
                .sum(),
        }
    }
}
