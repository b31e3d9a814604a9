//! What comes from the socket: connections that begin and end, and the server's events.

use super::{Closing, Session};
use crate::{calls::CallInput, store::meta};
use im_contract::CoreEvent;
use im_protocol::{
    ErrorCode, Notice, WireError,
    bulk::Bulk,
    call::CallChanged,
    conversation::{TypingStarted, TypingStopped},
    handshake::{ConnectionClosing, Ready, SessionEnded},
    moderation::ModerationChanged,
    people::{Me, Presence, Status},
    sessions::SessionChanged,
    sync::Facts,
    webrtc,
};
use im_socketio::{Event, Incoming};
use std::time::Duration;

impl Session {
    pub(super) async fn incoming(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Connected { .. } => {
                self.connection += 1;
                self.ready = false;
            }
            Incoming::Disconnected { reason } => {
                tracing::info!(%reason, "disconnected");
                self.ready = false;
                self.sync.disconnected();
                self.outbox.disconnected();
                self.downloads.disconnected();
                self.marks.disconnected();
                self.typing.disconnected();
                self.show_typing();
                self.own_status.disconnected();
                self.bulks.disconnected();
                self.status_waits();
                self.context.live.disconnected();
                self.changes.people();
                self.changes.conversations();
                self.calls.tell(CallInput::Disconnected).await;
            }
            Incoming::Event(event) => self.event(&event).await,
        }
    }

    async fn event(&mut self, event: &Event) {
        match event.name.as_str() {
            Ready::EVENT => {
                if let Some(ready) = read::<Ready>(event) {
                    self.ready(ready).await;
                }
            }
            Facts::EVENT => {
                if let Some(facts) = read::<Facts>(event) {
                    let actions = self.sync.facts(facts);
                    self.feed(actions);
                }
            }
            Presence::EVENT => {
                if let Some(presence) = read::<Presence>(event) {
                    self.context.live.presence(presence);
                    self.changes.people();
                    self.changes.conversations();
                }
            }
            Status::EVENT => {
                if let Some(status) = read::<Status>(event) {
                    self.context.live.status(&status);
                    self.changes.people();
                }
            }
            Me::EVENT => {
                if let Some(me) = read::<Me>(event) {
                    self.know_me(me);
                }
            }
            TypingStarted::EVENT => {
                if let Some(told) = read::<TypingStarted>(event) {
                    let now = self.now();
                    self.typing.started(now, told.conversation);
                    self.show_typing();
                }
            }
            TypingStopped::EVENT => {
                if let Some(told) = read::<TypingStopped>(event) {
                    self.typing.stopped(told.conversation);
                    self.show_typing();
                }
            }
            ConnectionClosing::EVENT => {
                if let Some(closing) = read::<ConnectionClosing>(event) {
                    self.closes(&closing.error);
                }
            }
            SessionEnded::EVENT => {
                if let Some(ended) = read::<SessionEnded>(event) {
                    match ended.error.code {
                        ErrorCode::SessionRevoked | ErrorCode::AccountDeleted => {
                            self.tokens.end(&ended.error);
                        }
                        ErrorCode::TokenExpired => self.tokens.expired(),
                        _ => {}
                    }
                }
            }
            // The list is the server's: who shows it reads it again.
            SessionChanged::EVENT => self.context.events.tell(CoreEvent::Devices),
            Bulk::EVENT => self.context.events.tell(CoreEvent::Bulk),
            ModerationChanged::EVENT => self.context.events.tell(CoreEvent::Moderation),
            CallChanged::EVENT => {
                self.pass_on(event, |told: CallChanged| CallInput::Changed(told.call))
                    .await;
            }
            <webrtc::Offer as Notice>::EVENT => self.pass_on(event, CallInput::Offer).await,
            <webrtc::Answer as Notice>::EVENT => self.pass_on(event, CallInput::Answer).await,
            <webrtc::Candidate as Notice>::EVENT => {
                self.pass_on(event, CallInput::Candidate).await;
            }
            <webrtc::Renegotiate as Notice>::EVENT => {
                self.pass_on(event, CallInput::Renegotiate).await;
            }
            webrtc::Left::EVENT => self.pass_on(event, CallInput::Left).await,
            name => tracing::debug!(name, "an event that this version does not know"),
        }
    }

    /// Shows where the other writes, and tells of it where that is news.
    pub(super) fn show_typing(&mut self) {
        if self.context.live.set_typing(self.typing.places()) {
            self.changes.conversations();
        }
    }

    async fn pass_on<N: Notice>(&mut self, event: &Event, input: impl FnOnce(N) -> CallInput) {
        if let Some(told) = read::<N>(event) {
            self.calls.tell(input(told)).await;
        }
    }

    /// The server's first words: what rings comes first.
    async fn ready(&mut self, ready: Ready) {
        tracing::info!(protocol = ready.protocol, "connected");
        self.context.live.ready(&ready);
        self.know_me(ready.me);
        self.know_limit(ready.file_bytes).await;
        self.calls.tell(CallInput::Ready(ready.calls)).await;
        self.ready = true;
        let actions = self.sync.connected();
        self.feed(actions);
        self.outbox.connected();
        self.downloads.connected();
        self.marks.connected();
        self.own_status.connected();
        self.bulks.connected();
        self.closing = None;
        if std::mem::take(&mut self.renew) {
            self.renew_connection();
        }
        self.changes.people();
        self.changes.conversations();
        // What happened to the other devices meanwhile was not told here.
        self.context.events.tell(CoreEvent::Devices);
    }

    /// How large files may be, as the server tells; remembered for when it is away.
    async fn know_limit(&mut self, bytes: u64) {
        if !self.context.files.set_limit(bytes) {
            return;
        }
        let cache = &self.context.store.cache;
        let kept = cache.write(move |tx| meta::set_file_bytes(tx, bytes)).await;
        if let Err(error) = kept {
            tracing::warn!(%error, "how large files may be could not be kept");
        }
    }

    /// Who the person is, as the server tells.
    pub(super) fn know_me(&self, me: Me) {
        self.me.send_if_modified(|known| {
            let changed = *known != me;
            *known = me;
            changed
        });
    }

    /// The server closes for a reason of its own; the session is as good as before.
    fn closes(&mut self, why: &WireError) {
        tracing::info!(code = %why.code, "the server closes the connection");
        let again = why.retry_after_ms.map(Duration::from_millis);
        self.closing = Some(Closing {
            again: again.map(|wait| self.now() + wait),
        });
    }
}

/// The payload, where it has the shape of the protocol. Its content stays out of the log.
fn read<N: Notice>(event: &Event) -> Option<N> {
    match event.payload() {
        Ok(told) => Some(told),
        Err(_) => {
            tracing::warn!(event = N::EVENT, "an event of another shape than expected");
            None
        }
    }
}
