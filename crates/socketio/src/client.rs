//! The handle of a connection, for those who emit and listen.

use crate::{
    auth::Auth,
    driver::Connection,
    error::{EmitError, OptionsError},
    event::{AckReply, Incoming},
    options::{Endpoint, Options},
    packet,
    state::State,
    tls::Trust,
};
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, timeout_at},
};

/// Makes a client of the server that `options` name. Nothing happens until the [`Connection`] runs:
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use im_socketio::{Incoming, Options, connect};
/// use serde_json::json;
/// use std::time::Duration;
///
/// let (client, mut events, connection) =
///     connect(Options::new("https://example.org"), || async { Ok(json!({ "token": "t" })) })?;
/// tokio::spawn(connection.run());
/// while let Some(incoming) = events.recv().await {
///     match incoming {
///         Incoming::Connected { .. } => {
///             let head: u64 = client
///                 .emit_with_ack("sync", &json!({ "cursor": 0 }), Duration::from_secs(5))
///                 .await?;
///         }
///         Incoming::Event(event) => println!("{}", event.name),
///         Incoming::Disconnected { .. } => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// What is wrong with the options.
pub fn connect<A: Auth>(
    options: Options,
    auth: A,
) -> Result<(Client, Events, Connection<A>), OptionsError> {
    options.check()?;
    let endpoint = Endpoint::parse(&options.url)?;
    let trust = Trust::new(&options.extra_roots_pem)?;
    let (mail_tx, mail) = mpsc::channel(options.limits.emit_queue);
    let (events_tx, events) = mpsc::channel(options.limits.event_queue);
    let (wishes_tx, wishes) = watch::channel(Wishes::default());
    let (state_tx, state) = watch::channel(State::Connecting { attempt: 1 });
    let (link_tx, link) = watch::channel(None);
    let (latency_tx, latency) = watch::channel(None);
    let client = Client {
        mail: mail_tx.clone(),
        wishes: Arc::new(wishes_tx),
        state,
        link,
        latency,
        max_attachments: options.limits.max_attachments,
        overhead: options.namespace.len() + 24,
    };
    let ends = Ends {
        mail,
        // Weak, or the connection would keep itself alive after the last client.
        answers: mail_tx.downgrade(),
        events: events_tx,
        wishes,
        state: state_tx,
        link: link_tx,
        latency: latency_tx,
    };
    let connection = Connection::new(options, endpoint, trust, Arc::new(auth), ends);
    Ok((client, Events { events }, connection))
}

/// Emits to the server. Cheap to clone; when the last clone is gone, the connection closes.
#[derive(Debug, Clone)]
pub struct Client {
    mail: mpsc::Sender<Mail>,
    wishes: Arc<watch::Sender<Wishes>>,
    state: watch::Receiver<State>,
    link: watch::Receiver<Option<Link>>,
    latency: watch::Receiver<Option<Duration>>,
    max_attachments: usize,
    /// Bytes of a frame beside the payload, at most: type, count, namespace and id.
    overhead: usize,
}

impl Client {
    /// Sends an event with one argument and does not wait for an answer. Waits for room while the
    /// line is congested; emits of one task keep their order. What was taken here and not yet
    /// written when the connection drops is lost: where that matters, use
    /// [`Client::emit_with_ack`].
    ///
    /// # Errors
    /// Only errors of which [`EmitError::may_have_arrived`] is false.
    pub async fn emit<P>(&self, event: &str, payload: &P) -> Result<(), EmitError>
    where
        P: Serialize + ?Sized,
    {
        self.emit_binary(event, payload, Vec::new()).await
    }

    /// Like [`Client::emit`], with binary attachments for which the payload holds an
    /// [`Attachment`](crate::Attachment) each.
    ///
    /// # Errors
    /// As [`Client::emit`].
    pub async fn emit_binary<P>(
        &self,
        event: &str,
        payload: &P,
        attachments: Vec<Bytes>,
    ) -> Result<(), EmitError>
    where
        P: Serialize + ?Sized,
    {
        let outgoing = Outgoing::new(event, payload, attachments)?;
        let connection = self.admit(&outgoing)?;
        let call = Call::Emit { outgoing };
        self.mail
            .send(Mail { connection, call })
            .await
            .map_err(|_| EmitError::NotConnected)
    }

    /// Sends an event with one argument and waits for the server's answer, of which the first
    /// argument is given back. The time begins now, before the event is written.
    ///
    /// # Errors
    /// At once if there is no connection or the payload does not do; when the connection drops; when
    /// the time is over; when the answer has another shape than `R`.
    pub async fn emit_with_ack<R: DeserializeOwned>(
        &self,
        event: &str,
        payload: &(impl Serialize + ?Sized),
        timeout: Duration,
    ) -> Result<R, EmitError> {
        let reply = self
            .emit_binary_with_ack(event, payload, Vec::new(), timeout)
            .await?;
        reply.payload().map_err(EmitError::Decode)
    }

    /// Like [`Client::emit_with_ack`], with binary attachments both ways.
    ///
    /// # Errors
    /// As [`Client::emit_with_ack`], except for the shape of the answer.
    pub async fn emit_binary_with_ack<P>(
        &self,
        event: &str,
        payload: &P,
        attachments: Vec<Bytes>,
        timeout: Duration,
    ) -> Result<AckReply, EmitError>
    where
        P: Serialize + ?Sized,
    {
        let now = Instant::now();
        // A timeout beyond what the clock can count is a day.
        let deadline = now
            .checked_add(timeout)
            .unwrap_or(now + Duration::from_secs(24 * 60 * 60));
        let outgoing = Outgoing::new(event, payload, attachments)?;
        let connection = self.admit(&outgoing)?;
        let (reply, answer) = oneshot::channel();
        let call = Call::Request {
            outgoing,
            deadline,
            reply,
        };
        let exchange = async {
            self.mail
                .send(Mail { connection, call })
                .await
                .map_err(|_| EmitError::NotConnected)?;
            answer.await.unwrap_or(Err(EmitError::Disconnected))
        };
        // The machine has the same deadline, but it cannot keep it while the line is congested and
        // the mail waits unread.
        timeout_at(deadline, exchange)
            .await
            .unwrap_or(Err(EmitError::Timeout))
    }

    /// The state of the connection, to be watched.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// The last measured round trip to the server on the present connection, to be watched.
    #[must_use]
    pub fn latency(&self) -> watch::Receiver<Option<Duration>> {
        self.latency.clone()
    }

    /// For a change of the network, a wake-up from sleep or a new credential: while waiting or
    /// refused, connect after at most one second; while connected, probe the line and reconnect if
    /// it does not answer within [`Timing::probe`](crate::Timing::probe).
    pub fn reconnect_soon(&self) {
        self.wishes
            .send_modify(|wishes| wishes.reconnects = wishes.reconnects.wrapping_add(1));
    }

    /// While set, no wait between two connects is longer than one second: for the time of a call.
    pub fn set_hurried(&self, hurried: bool) {
        self.wishes.send_if_modified(|wishes| {
            let changed = wishes.hurried != hurried;
            wishes.hurried = hurried;
            changed
        });
    }

    /// Ends the connection for good: says goodbye to the server, fails what is pending, and returns
    /// once the state is [`State::Closed`]. Returns at once if the [`Connection`] has ended or was
    /// dropped.
    pub async fn close(&self) {
        self.wishes.send_modify(|wishes| wishes.close = true);
        let mut state = self.state.clone();
        // An error means that the connection task is gone, which is as closed as can be.
        let _ = state.wait_for(|state| *state == State::Closed).await;
    }

    /// The number of the present connection, if it takes this event.
    fn admit(&self, outgoing: &Outgoing) -> Result<u64, EmitError> {
        let link = self.link.borrow().ok_or(EmitError::NotConnected)?;
        if outgoing.attachments.len() > self.max_attachments {
            return Err(EmitError::TooManyAttachments);
        }
        let size = outgoing.largest_frame(self.overhead);
        match link.max_payload {
            Some(limit) if size > limit => Err(EmitError::TooLarge { size, limit }),
            _ => Ok(link.connection),
        }
    }
}

/// What the server sends, in order. Dropped, all later events are discarded.
#[derive(Debug)]
pub struct Events {
    events: mpsc::Receiver<Incoming>,
}

impl Events {
    /// The next thing that happened; nothing after the connection has closed for good.
    pub async fn recv(&mut self) -> Option<Incoming> {
        self.events.recv().await
    }

    /// What is there already, if anything.
    pub fn try_recv(&mut self) -> Option<Incoming> {
        self.events.try_recv().ok()
    }
}

/// The connection task's ends of the channels.
#[derive(Debug)]
pub(crate) struct Ends {
    pub(crate) mail: mpsc::Receiver<Mail>,
    pub(crate) answers: mpsc::WeakSender<Mail>,
    pub(crate) events: mpsc::Sender<Incoming>,
    pub(crate) wishes: watch::Receiver<Wishes>,
    pub(crate) state: watch::Sender<State>,
    pub(crate) link: watch::Sender<Option<Link>>,
    pub(crate) latency: watch::Sender<Option<Duration>>,
}

/// The present connection, as far as emitting needs to know it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    /// Counts connections, so that mail meant for one is never sent on the next.
    pub(crate) connection: u64,
    pub(crate) max_payload: Option<usize>,
}

/// What clients want of the connection as such; not queued, since only the last word counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wishes {
    pub(crate) close: bool,
    pub(crate) hurried: bool,
    pub(crate) reconnects: u64,
}

/// Something to send on the connection with this number.
#[derive(Debug)]
pub(crate) struct Mail {
    pub(crate) connection: u64,
    pub(crate) call: Call,
}

/// What to send.
#[derive(Debug)]
pub(crate) enum Call {
    Emit {
        outgoing: Outgoing,
    },
    Request {
        outgoing: Outgoing,
        deadline: Instant,
        reply: oneshot::Sender<Result<AckReply, EmitError>>,
    },
    Reply {
        id: u64,
        json: String,
    },
}

/// An event on its way out, written by the caller so that the connection task need not.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// The array of name and argument.
    pub(crate) json: String,
    pub(crate) attachments: Vec<Bytes>,
}

impl Outgoing {
    fn new<P: Serialize + ?Sized>(
        event: &str,
        payload: &P,
        attachments: Vec<Bytes>,
    ) -> Result<Self, EmitError> {
        if packet::is_reserved(event) {
            return Err(EmitError::ReservedEvent);
        }
        let json = serde_json::to_string(&(event, payload)).map_err(EmitError::Encode)?;
        Ok(Self { json, attachments })
    }

    fn largest_frame(&self, overhead: usize) -> usize {
        self.attachments
            .iter()
            .map(Bytes::len)
            .fold(self.json.len() + overhead, usize::max)
    }
}

#[cfg(test)]
mod tests;
