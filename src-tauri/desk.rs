//! The core's events on their way to the desktop: page, ring, tray and windows.

use crate::{rings::Rings, start, tray::TrayBell};
use im_contract::{
    Commands, CoreEvent,
    args::Nothing,
    views::{Account, CallPhase, CallProgress, Connection, ConnectionState, RingEnd, Settings},
};
use im_core::{Core, Events};
use im_protocol::CallId;
use tauri::{AppHandle, Emitter};

/// The channel on which the page listens.
const EVENT: &str = "core-event";

/// Owns what is shown outside the page.
pub(crate) struct Desk {
    app: AppHandle,
    core: Core,
    events: Events,
    rings: Rings,
    tray: Option<TrayBell>,
    settings: Settings,
    /// The call whose window has been brought to the person.
    brought: Option<CallId>,
}

impl Desk {
    /// Listens from now on.
    pub(crate) fn new(app: AppHandle, core: Core, tray: Option<TrayBell>) -> Self {
        Self {
            events: core.events(),
            rings: Rings::new(app.clone(), core.clone()),
            app,
            core,
            tray,
            settings: Settings::default(),
            brought: None,
        }
    }

    /// Runs until the core has stopped.
    pub(crate) async fn run(mut self) {
        self.read_again().await;
        while let Some(event) = self.events.recv().await {
            self.handle(event).await;
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

    fn line(&self, line: &Connection) {
        if let Some(tray) = &self.tray {
            tray.connected(line.state == ConnectionState::Online);
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

    fn tray_is_old(&self) {
        if let Some(tray) = &self.tray {
            tray.ring();
        }
    }
}
