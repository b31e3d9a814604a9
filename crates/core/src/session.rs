//! A signed-in person's session: one task that owns the feed's machine, the outbox's machine and
//! the markers, and carries out what they decide. It lives from the sign-in (or the start of the
//! app) to the sign-out, through any number of connections.
//!
//! Everything that takes time (an answer of the server, a write to disk) is a future in one set;
//! its result comes back as an [`Outcome`], so that the task itself never waits and a ring is never
//! behind a message.

mod bulk;
mod context;
mod feed;
mod marks;
mod opening;
mod own_status;
mod sending;
mod typing;

pub(crate) use context::{Context, Mail, OpenAccount};
pub(crate) use opening::{Parts, Running, start};

use crate::{
    account::{Over, Tokens},
    calls::{CallInput, Calls},
    connection::{self, Beside, TokenInUse, Told},
    events::Changes,
    notices,
    outbox::{Action, Outbox},
    secrets::Secret,
    sync::Sync,
    wire::WireFailure,
};
use bulk::{Bulks, Tried};
use feed::Fed;
use futures_util::{
    StreamExt as _,
    future::{BoxFuture, FutureExt as _},
    stream::FuturesUnordered,
};
use im_contract::CoreEvent;
use im_protocol::{
    ConversationId, ErrorCode, Notice, WireError,
    bulk::Bulk,
    call::CallChanged,
    conversation::{TypingStarted, TypingStopped},
    handshake::{ConnectionClosing, Ready, SessionEnded, SessionRenew},
    moderation::ModerationChanged,
    people::{Me, Presence, Status},
    sessions::SessionChanged,
    sync::Facts,
    webrtc,
};
use im_socketio::{Client, Event, Events, Incoming, State};
use marks::Marks;
use own_status::{OwnStatus, Reply as OwnStatusReply, Stood};
use sending::Sent;
use std::time::Duration;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until, timeout},
};
use typing::Typing;

/// How long saying goodbye to the server may take.
const GOODBYE: Duration = Duration::from_secs(2);
/// A server that refused for good is asked again after this: it may have been updated.
const REFUSED_AGAIN: Duration = Duration::from_secs(300);

/// Why a session has ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionEnd {
    /// It was asked to.
    Stopped,
    /// The server refused: sign in again.
    Refused,
    /// The person signed this device out from another one.
    SignedOut,
    /// The person's account was deleted.
    Deleted,
    /// The cache was found to be broken.
    Corrupt,
}

impl From<Over> for SessionEnd {
    fn from(over: Over) -> Self {
        match over {
            Over::Refused => Self::Refused,
            Over::SignedOut => Self::SignedOut,
            Over::Deleted => Self::Deleted,
        }
    }
}

/// What came of something that took time.
enum Outcome {
    /// Of the feed.
    Fed(Fed),
    /// Of sending and of markers.
    Sent(Sent),
    /// Of the own status.
    Status(Stood),
    /// Of what goes to a whole course.
    Bulk(Tried),
    /// Of something that nobody waits for.
    Nothing,
}

/// The server has said that it closes.
struct Closing {
    /// When it is worth coming back, where the server said so.
    again: Option<Duration>,
}

struct Session {
    context: Context,
    calls: Calls,
    mailbox: mpsc::Receiver<Mail>,
    client: Client,
    incoming: Events,
    tokens: Tokens,
    sync: Sync,
    outbox: Outbox,
    marks: Marks,
    typing: Typing,
    own_status: OwnStatus,
    bulks: Bulks,
    /// Who waits for the server's word on a choice of status.
    choosing: Vec<(u64, OwnStatusReply)>,
    /// The newest access token.
    access: watch::Receiver<Option<Secret>>,
    /// The one that the server knows of this connection.
    in_use: TokenInUse,
    /// Whether the token is newer than the one that this connection knows.
    renew: bool,
    /// Why the server said that it closes, until the next connection.
    closing: Option<Closing>,
    changes: Changes,
    pending: FuturesUnordered<BoxFuture<'static, Outcome>>,
    /// Counts connections: answers on a former one are not for the present one.
    connection: u64,
    /// Whether the server has said its first words on this connection.
    ready: bool,
    refused_until: Option<Duration>,
    /// When the outbox, which could not be read, is read again.
    read_again: Option<Duration>,
    line: watch::Sender<Told>,
    me: watch::Sender<Me>,
    begun: Instant,
}

impl Session {
    async fn run(mut self, mut stop: oneshot::Receiver<()>) -> SessionEnd {
        let mut state = self.client.state();
        let mut latency = self.client.latency();
        let mut over = self.tokens.over();
        let mut corrupt = self.context.store.cache.corrupt();
        let end = loop {
            self.drain();
            self.tell(&state.borrow().clone(), *latency.borrow());
            let wake = self.due().map(|due| self.begun + due);
            tokio::select! {
                biased;
                _ = &mut stop => break SessionEnd::Stopped,
                over = ended(&mut over) => break over.into(),
                () = turned(&mut corrupt) => break SessionEnd::Corrupt,
                incoming = self.incoming.recv() => match incoming {
                    Some(incoming) => self.incoming(incoming).await,
                    // The socket closes by itself where there is no credential anymore. Else
                    // its task has failed, of which the server knows nothing.
                    None => break over.borrow().map_or(SessionEnd::Stopped, SessionEnd::from),
                },
                Some(mail) = self.mailbox.recv() => self.mail(mail).await,
                Some(outcome) = self.pending.next() => self.outcome(outcome).await,
                Ok(()) = state.changed() => self.state(&state.borrow_and_update().clone()),
                Ok(()) = latency.changed() => {}
                Ok(()) = self.access.changed() => {
                    self.renew_connection();
                }
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {
                    self.on_time();
                }
            }
        };
        self.close().await;
        end
    }

    /// Time since the session began: the machines' clock.
    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    fn due(&self) -> Option<Duration> {
        [
            self.sync.due(),
            self.outbox.due(),
            self.marks.due(),
            self.typing.due(),
            self.own_status.due(),
            self.bulks.due(),
            self.closing.as_ref().and_then(|closing| closing.again),
            self.changes.due(),
            self.refused_until,
            self.read_again,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn on_time(&mut self) {
        let now = self.now();
        let actions = self.sync.tick(now);
        self.feed(actions);
        for conversation in self.typing.tick(now) {
            self.is_typing(conversation, false);
        }
        if self.refused_until.is_some_and(|until| until <= now) {
            self.refused_until = Some(now + REFUSED_AGAIN);
            self.client.reconnect_soon();
        }
        if self.read_again.is_some_and(|at| at <= now) {
            self.read_again = None;
            self.take_written();
        }
        if let Some(closing) = &mut self.closing
            && closing.again.is_some_and(|again| again <= now)
        {
            closing.again = None;
            self.client.reconnect_soon();
        }
    }

    /// Starts what the machines want to be done now.
    fn drain(&mut self) {
        let now = self.now();
        let actions = self.outbox.poll(now);
        if !actions.is_empty() {
            self.context.live.set_sending(self.outbox.sending());
            for action in &actions {
                if let Action::Send { conversation, .. } = action {
                    self.changes.messages(*conversation);
                }
            }
        }
        self.send(actions);
        for (conversation, seq) in self.marks.poll(now) {
            self.mark(conversation, seq);
        }
        if let Some(chosen) = self.own_status.poll(now) {
            self.send_status(chosen);
        }
        if self.bulks.poll(now) {
            self.send_bulk();
        }
    }

    /// Tells the UI what has changed since it was told last.
    fn tell(&mut self, state: &State, latency: Option<Duration>) {
        for event in self.changes.take(self.now()) {
            self.context.events.tell(event);
        }
        let line = connection::line(
            state,
            Beside {
                ready: self.ready,
                waiting: self.outbox.waiting() + self.bulks.waiting(),
                catching_up: self.ready && self.sync.is_catching_up(),
                restarts: self.closing.is_some(),
                latency,
            },
        );
        let changed = self.line.send_if_modified(|known| {
            let changed = known.line != line;
            if changed {
                *known = Told::now(line.clone());
            }
            changed
        });
        if changed {
            self.context.events.tell(CoreEvent::Connection(line));
        }
    }

    fn state(&mut self, state: &State) {
        self.refused_until = match state {
            State::Refused { .. } => Some(self.now() + REFUSED_AGAIN),
            _ => None,
        };
    }

    async fn incoming(&mut self, incoming: Incoming) {
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
                self.marks.disconnected();
                self.typing.disconnected();
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
                    self.is_typing(told.conversation, true);
                }
            }
            TypingStopped::EVENT => {
                if let Some(told) = read::<TypingStopped>(event)
                    && self.typing.stopped(told.conversation)
                {
                    self.is_typing(told.conversation, false);
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

    fn is_typing(&mut self, conversation: ConversationId, on: bool) {
        if self.context.live.set_typing(conversation, on) {
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
        self.calls.tell(CallInput::Ready(ready.calls)).await;
        self.ready = true;
        let actions = self.sync.connected();
        self.feed(actions);
        self.outbox.connected();
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

    /// Who the person is, as the server tells.
    fn know_me(&self, me: Me) {
        self.me.send_if_modified(|known| {
            let changed = *known != me;
            *known = me;
            changed
        });
    }

    async fn mail(&mut self, mail: Mail) {
        match mail {
            Mail::Me(me) => self.know_me(me),
            Mail::Wrote => self.take_written(),
            Mail::Retry(id, reply) => self.retry(id, reply),
            Mail::Discard(id, reply) => self.discard(id, reply),
            Mail::Read(conversation, seq) => {
                self.marks.read(conversation, seq);
                self.changes.messages(conversation);
                let context = self.context.clone();
                self.begin(async move {
                    notices::read(&context, conversation).await;
                    Outcome::Nothing
                });
            }
            Mail::Fetched(conversation) => {
                if let Some(conversation) = conversation {
                    self.changes.messages(conversation);
                }
                self.changes.conversations();
                self.changes.people();
            }
            Mail::Drafted => self.changes.conversations(),
            Mail::Announced(waiting) => {
                self.bulks.wrote(waiting);
                self.context.events.tell(CoreEvent::Bulk);
            }
            Mail::Status(status, reply) => self.choose(status, reply),
            Mail::Reconnect => {
                self.tokens.try_again();
                self.client.reconnect_soon();
            }
            Mail::Looks => {
                let looks_at = *self.context.visible.borrow();
                if let Some(conversation) = looks_at {
                    notices::looked_at(&self.context, conversation);
                }
            }
            Mail::Acted(action) => {
                if !notices::acted(&self.context, action) {
                    self.calls.tell(CallInput::Acted(action)).await;
                }
            }
        }
    }

    async fn outcome(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Fed(fed) => self.fed(fed).await,
            Outcome::Sent(sent) => self.sent(sent),
            Outcome::Status(stood) => self.stood(stood),
            Outcome::Bulk(tried) => self.bulks.tried(self.now(), tried),
            Outcome::Nothing => {}
        }
    }

    /// Begins something that takes time.
    fn begin(&self, future: impl Future<Output = Outcome> + Send + 'static) {
        self.pending.push(future.boxed());
    }

    /// The server closes for a reason of its own; the session is as good as before.
    fn closes(&mut self, why: &WireError) {
        tracing::info!(code = %why.code, "the server closes the connection");
        let again = why.retry_after_ms.map(Duration::from_millis);
        self.closing = Some(Closing {
            again: again.map(|wait| self.now() + wait),
        });
    }

    /// Tells the server of a newer access token, so that the connection outlives the one it began
    /// with. While there is none, the next one is told.
    fn renew_connection(&mut self) {
        if !self.ready {
            self.renew = true;
            return;
        }
        let Some(token) = self.access.borrow().clone() else {
            return;
        };
        if self.in_use.is(&token) {
            return;
        }
        let in_use = self.in_use.clone();
        let (wire, tokens) = (self.context.wire.clone(), self.tokens.clone());
        self.begin(async move {
            let renewal = SessionRenew {
                token: token.expose().to_owned(),
            };
            match wire.request(&renewal).await {
                Ok(_) => {
                    tracing::debug!("the connection goes on with a new token");
                    in_use.set(token);
                }
                Err(WireFailure::Refused(error)) => {
                    tracing::info!(code = %error.code, "the server refused to renew the connection");
                    match error.code {
                        ErrorCode::SessionRevoked | ErrorCode::AccountDeleted => tokens.end(&error),
                        ErrorCode::TokenExpired | ErrorCode::Unauthorized => tokens.refused(token),
                        // The server closes when the token is over, and the next one has another.
                        _ => {}
                    }
                }
                // The next connection begins with the new token.
                Err(WireFailure::NotConnected | WireFailure::Lost) => {}
            }
            Outcome::Nothing
        });
    }

    async fn close(mut self) {
        self.status_waits();
        self.mailbox.close();
        // A call is hung up while there is a connection to say so.
        self.calls.close().await;
        // What is being stored is finished by the store's own threads before they close.
        if timeout(GOODBYE, self.client.close()).await.is_err() {
            tracing::info!("the socket did not close in time");
        }
        self.context.store.close().await;
    }
}

/// Waits until it is true, for ever where it never will be.
async fn turned(flag: &mut watch::Receiver<bool>) {
    if flag.wait_for(|flag| *flag).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Waits until the session is over, for ever where it never will be.
async fn ended(over: &mut watch::Receiver<Option<Over>>) -> Over {
    if let Ok(over) = over.wait_for(Option::is_some).await
        && let Some(over) = *over
    {
        return over;
    }
    std::future::pending().await
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
