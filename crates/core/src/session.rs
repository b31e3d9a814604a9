//! A signed-in person's session: one task that owns the feed's machine, the outbox's machine and
//! the markers, and carries out what they decide. It lives from the sign-in (or the start of the
//! app) to the sign-out, through any number of connections.
//!
//! Everything that takes time (an answer of the server, a write to disk) is a future in one set;
//! its result comes back as an [`Outcome`], so that a ring is never behind a message. The task itself
//! waits for one thing alone: room in the queue of the calls' task, which waits for nothing.

mod bulk;
mod context;
mod downloading;
mod feed;
mod gate;
mod incoming;
mod indexing;
mod marks;
mod opening;
mod own_status;
mod requests;
mod sending;
mod typing;
mod uploading;

pub(crate) use context::{Context, FileMail, Mail, OpenAccount};
pub(crate) use opening::{Parts, Running, start};

use crate::{
    account::{Over, Tokens},
    calls::{CallInput, Calls},
    connection::{self, Beside, TokenInUse, Told},
    events::Changes,
    files::Downloads,
    notices,
    outbox::{Action, Outbox},
    secrets::Secret,
    sync::Sync,
    wire::WireFailure,
};
use bulk::{Bulks, Tried};
use downloading::Fetched;
use feed::Fed;
use futures_util::{
    StreamExt as _,
    future::{AbortHandle, BoxFuture, FutureExt as _},
    stream::FuturesUnordered,
};
use im_contract::{CoreEvent, ErrorKind};
use im_protocol::{ErrorCode, FileId, handshake::SessionRenew, people::Me};
use im_socketio::{Client, Events, State};
use marks::Marks;
use own_status::{OwnStatus, Reply as OwnStatusReply, Stood};
use sending::Sent;
use std::{collections::HashMap, time::Duration};
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
    /// Of fetching a file.
    Fetched(Fetched),
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
    downloads: Downloads,
    /// Requests for files that are under way, to be cut off.
    uploading: HashMap<FileId, AbortHandle>,
    fetching: HashMap<FileId, AbortHandle>,
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
    /// Why what came last could not be kept, where it could not.
    unkept: Option<ErrorKind>,
    changes: Changes,
    pending: FuturesUnordered<BoxFuture<'static, Outcome>>,
    /// Counts connections: answers on a former one are not for the present one.
    connection: u64,
    /// Whether the server has said its first words on this connection.
    ready: bool,
    refused_until: Option<Duration>,
    /// Whether what was written is being read now.
    reading: bool,
    /// Whether something was written while it was read.
    written: bool,
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
            self.downloads.due(),
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
        self.typing.tick(now);
        self.show_typing();
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
        self.fetch_files();
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
                unkept: self.unkept,
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
            Mail::File(mail) => self.file_mail(mail),
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
            Outcome::Fetched(fetched) => self.fetched(fetched),
            Outcome::Status(stood) => self.stood(stood),
            Outcome::Bulk(tried) => self.bulks.tried(self.now(), tried),
            Outcome::Nothing => {}
        }
    }

    /// Begins something that takes time.
    fn begin(&self, future: impl Future<Output = Outcome> + Send + 'static) {
        self.pending.push(future.boxed());
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
