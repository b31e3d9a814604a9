//! The tokio driver: does what the machine says, and tells it what happened.

use crate::{
    auth::{Auth, AuthError, OnRefusal},
    client::{Call, Ends, Link, Mail, Wishes},
    error::EmitError,
    event::{Ack, AckReply, Event, Incoming},
    line::{Line, News},
    machine::{Await, Config, Emit, Input, Machine, NoAck, Output},
    options::{Endpoint, Limits, Options},
    packet::Args,
    state::{DisconnectReason, State},
    tls::Trust,
};
use serde_json::Value;
use std::{
    collections::HashMap,
    future::{Future, pending},
    pin::Pin,
    sync::Arc,
    time::Instant,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::yield_now,
    time::{self, sleep_until},
};

/// After so many frames or emits in a row the others get their turn, the consumer among them: on a
/// single thread it could otherwise never be fast enough.
const BURST: u32 = 64;

/// What the machine asked for and what takes its time; there is one such thing at a time.
type Errand = Pin<Box<dyn Future<Output = Done> + Send>>;

enum Done {
    Auth(Result<Value, AuthError>),
    Decision(OnRefusal),
    Opened(Result<Box<Line>, DisconnectReason>),
}

/// The connection: a task to be spawned. Made by [`connect`](crate::connect).
#[must_use = "nothing happens until it runs"]
pub struct Connection<A> {
    auth: Arc<A>,
    endpoint: Endpoint,
    trust: Trust,
    limits: Limits,
    ends: Ends,
    machine: Machine,
    line: Option<Line>,
    errand: Option<Errand>,
    /// Callers that wait for an acknowledgement, by its id.
    pending: HashMap<u64, oneshot::Sender<Result<AckReply, EmitError>>>,
    next_id: u64,
    /// Counts connections.
    connection: u64,
    /// Whether the owner was told of the present connection.
    announced: bool,
    /// The queue of events is full: the notice, if there is one, goes in once there is room, and
    /// until then nothing new begins.
    no_room: bool,
    notice: Option<Incoming>,
    wishes_seen: Wishes,
    closed: bool,
}

impl<A: Auth> Connection<A> {
    pub(crate) fn new(
        options: Options,
        endpoint: Endpoint,
        trust: Trust,
        auth: Arc<A>,
        ends: Ends,
    ) -> Self {
        let machine = Machine::new(Config {
            namespace: options.namespace,
            max_attachments: options.limits.max_attachments,
            timing: options.timing,
            seed: rand::random(),
        });
        Self {
            auth,
            endpoint,
            trust,
            limits: options.limits,
            ends,
            machine,
            line: None,
            errand: None,
            pending: HashMap::new(),
            next_id: 0,
            connection: 0,
            announced: false,
            no_room: false,
            notice: None,
            wishes_seen: Wishes::default(),
            closed: false,
        }
    }

    /// Connects and stays connected until the client is closed, its last clone is gone, or
    /// [`AuthError::SignedOut`] is answered. Dropping the future ends the connection without a
    /// goodbye.
    pub async fn run(mut self) {
        self.tell(Input::Start);
        let mut burst = 0;
        while !self.closed {
            if burst >= BURST {
                burst = 0;
                yield_now().await;
            }
            let congested = self.line.as_mut().is_some_and(Line::is_congested);
            let wake = self.machine.poll_timeout().map(time::Instant::from_std);
            tokio::select! {
                changed = self.ends.wishes.changed() => self.on_wishes(changed.is_ok()),
                mail = self.ends.mail.recv(), if !congested => {
                    burst += 1;
                    self.on_mail(mail);
                }
                news = next_news(&mut self.line) => {
                    burst += 1;
                    self.on_news(news);
                }
                done = next_done(&mut self.errand) => self.on_done(done),
                () = room_in(&self.ends.events), if self.no_room => self.on_room(),
                () = wake_at(wake) => self.tell(Input::Tick),
            }
        }
        if let Some(line) = self.line.take() {
            line.finish().await;
        }
        self.ends.state.send_replace(State::Closed);
    }

    /// Tells the machine and does what it then wants.
    fn tell(&mut self, input: Input<'_>) {
        let now = time::Instant::now().into_std();
        self.machine.handle(input, now);
        while let Some(output) = self.machine.poll_output() {
            self.act(output, now);
        }
    }

    fn act(&mut self, output: Output, now: Instant) {
        match output {
            Output::FetchAuth => {
                let auth = Arc::clone(&self.auth);
                self.errand = Some(Box::pin(async move { Done::Auth(auth.auth().await) }));
            }
            Output::AskOwner(refusal) => {
                let auth = Arc::clone(&self.auth);
                self.errand = Some(Box::pin(async move {
                    Done::Decision(auth.refused(&refusal).await)
                }));
            }
            Output::OpenTransport => {
                let opening = Line::open(
                    self.endpoint.clone(),
                    self.trust.clone(),
                    self.limits.max_incoming,
                );
                self.errand = Some(Box::pin(async move {
                    Done::Opened(opening.await.map(Box::new))
                }));
            }
            Output::Send(frame) => {
                if let Some(line) = &mut self.line {
                    line.push(frame);
                }
            }
            Output::DropTransport => {
                self.errand = None;
                self.line = None;
            }
            // The line is finished when the loop has ended, which it does with State::Closed.
            Output::FinishTransport => self.errand = None,
            Output::Connected { sid, max_payload } => {
                self.connection += 1;
                self.ends.link.send_replace(Some(Link {
                    connection: self.connection,
                    max_payload,
                }));
                self.announced = self.deliver(Incoming::Connected { sid }).is_ok();
                if !self.announced {
                    self.no_room = true;
                    self.machine.handle(Input::Hold(true), now);
                    self.machine.handle(Input::ConsumerTooSlow, now);
                }
            }
            Output::Event { name, args, ack } => {
                let ack = ack.map(|id| Ack {
                    id,
                    connection: self.connection,
                    link: self.ends.link.subscribe(),
                    mail: self.ends.answers.clone(),
                });
                let event = Incoming::Event(Event { name, args, ack });
                if self.deliver(event).is_err() {
                    self.machine.handle(Input::ConsumerTooSlow, now);
                }
            }
            Output::Disconnected(reason) => self.on_disconnected(reason, now),
            Output::Acked { id, result } => {
                if let Some(reply) = self.pending.remove(&id) {
                    // The caller may have gone; then nobody wants to know.
                    let _ = reply.send(answer(result));
                }
            }
            Output::State(State::Closed) => self.closed = true,
            Output::State(state) => {
                self.ends.state.send_replace(state);
            }
            Output::Latency(round_trip) => {
                self.ends.latency.send_replace(Some(round_trip));
            }
        }
    }

    fn on_disconnected(&mut self, reason: DisconnectReason, now: Instant) {
        tracing::info!(%reason, "disconnected");
        self.ends.link.send_replace(None);
        self.ends.latency.send_replace(None);
        if !self.announced {
            return;
        }
        self.announced = false;
        if let Err(notice) = self.deliver(Incoming::Disconnected { reason }) {
            self.notice = Some(notice);
            self.no_room = true;
            self.machine.handle(Input::Hold(true), now);
        }
    }

    /// Gives it back if there is no room. Where nobody listens any more there is nothing to lose.
    fn deliver(&mut self, incoming: Incoming) -> Result<(), Incoming> {
        match self.ends.events.try_send(incoming) {
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Full(incoming)) => Err(incoming),
        }
    }

    fn on_room(&mut self) {
        if let Some(notice) = self.notice.take()
            && let Err(notice) = self.deliver(notice)
        {
            self.notice = Some(notice);
            return;
        }
        self.no_room = false;
        self.tell(Input::Hold(false));
    }

    fn on_wishes(&mut self, anybody_there: bool) {
        let wishes = *self.ends.wishes.borrow_and_update();
        let seen = std::mem::replace(&mut self.wishes_seen, wishes);
        if wishes.close || !anybody_there {
            self.tell(Input::Close);
            return;
        }
        if wishes.hurried != seen.hurried {
            self.tell(Input::Hurried(wishes.hurried));
        }
        if wishes.reconnects != seen.reconnects {
            self.tell(Input::ReconnectSoon);
        }
    }

    fn on_mail(&mut self, mail: Option<Mail>) {
        let Some(Mail { connection, call }) = mail else {
            self.tell(Input::Close);
            return;
        };
        let stale = connection != self.connection || self.ends.link.borrow().is_none();
        match call {
            Call::Request { reply, .. } if stale => {
                // The caller may have gone; then nobody wants to know.
                let _ = reply.send(Err(EmitError::NotConnected));
            }
            _ if stale => tracing::debug!("an emit came after its connection and was dropped"),
            // Nobody waits any more, and nothing was sent: it need not be.
            Call::Request { reply, .. } if reply.is_closed() => {}
            Call::Request {
                outgoing,
                deadline,
                reply,
            } => {
                let id = self.next_id;
                self.next_id += 1;
                self.pending.insert(id, reply);
                let deadline = deadline.into_std();
                self.tell(Input::Emit(Emit {
                    json: outgoing.json,
                    attachments: outgoing.attachments,
                    ack: Some(Await { id, deadline }),
                }));
            }
            Call::Emit { outgoing } => self.tell(Input::Emit(Emit {
                json: outgoing.json,
                attachments: outgoing.attachments,
                ack: None,
            })),
            Call::Reply { id, json } => self.tell(Input::Reply { id, json }),
        }
    }

    fn on_news(&mut self, news: News) {
        match news {
            News::Text(text) => self.tell(Input::Text(&text)),
            News::Binary(data) => self.tell(Input::Binary(data)),
            News::Pong(payload) => self.tell(Input::Pong(&payload)),
            // The loop asks the line itself.
            News::Relieved => {}
            News::Gone(reason) => self.tell(Input::TransportGone(reason)),
        }
    }

    fn on_done(&mut self, done: Done) {
        self.errand = None;
        match done {
            Done::Auth(auth) => self.tell(Input::Auth(auth)),
            Done::Decision(decision) => self.tell(Input::Decision(decision)),
            Done::Opened(Ok(line)) => {
                self.line = Some(*line);
                self.tell(Input::Opened);
            }
            Done::Opened(Err(reason)) => self.tell(Input::TransportGone(reason)),
        }
    }
}

async fn next_news(line: &mut Option<Line>) -> News {
    match line {
        Some(line) => line.next().await,
        None => pending().await,
    }
}

async fn next_done(errand: &mut Option<Errand>) -> Done {
    match errand {
        Some(errand) => errand.await,
        None => pending().await,
    }
}

/// Waits until an event finds room; the connection alone sends, so nobody else takes it.
async fn room_in(events: &mpsc::Sender<Incoming>) {
    // An error means that nobody listens any more, and then there is always room.
    let _ = events.reserve().await;
}

async fn wake_at(wake: Option<time::Instant>) {
    match wake {
        Some(wake) => sleep_until(wake).await,
        None => pending().await,
    }
}

fn answer(result: Result<Args, NoAck>) -> Result<AckReply, EmitError> {
    match result {
        Ok(args) => Ok(AckReply { args }),
        Err(NoAck::NotConnected) => Err(EmitError::NotConnected),
        Err(NoAck::Disconnected) => Err(EmitError::Disconnected),
        Err(NoAck::Timeout) => Err(EmitError::Timeout),
    }
}
