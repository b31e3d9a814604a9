//! What decides: a sans-IO machine. [`Machine::handle`] takes what happened and the time;
//! [`Machine::poll_output`] gives what is to be done, until it gives nothing; then
//! [`Machine::poll_timeout`] says when to come back with [`Input::Tick`].
//!
//! ```text
//! Start ─▶ Fetching ─▶ Opening ─▶ Greeting ─▶ Joining ─▶ Connected
//!             ▲           │          │           │  │         │
//!             │           ▼          ▼           ▼  │         ▼
//!             └──────── Waiting ◀───────────────────┼─────────┘
//!             └──────── Asking / Refused ◀──────────┘  (CONNECT_ERROR)
//! ```
//!
//! Inputs by source: the owner starts, closes, hurries, emits, answers what it was asked; the driver
//! tells of the transport, its frames and the time.

mod acks;
mod inbound;
mod owner;
mod probe;
mod signal;

pub use signal::{Await, Emit, Frame, Input, NoAck, Output};

use crate::{
    backoff, engine,
    options::Timing,
    packet::{self, Decoder},
    state::{DisconnectReason, Refusal, State},
};
use acks::Acks;
use probe::Probe;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::Value;
use std::{
    collections::VecDeque,
    mem,
    time::{Duration, Instant},
};

/// A connection that held so long has earned a short first wait after its loss. One that breaks
/// sooner goes on with the backoff, so that a server that accepts and drops is not stormed.
const STABLE_AFTER: Duration = Duration::from_secs(10);

/// What a machine needs to know from the start.
#[derive(Debug, Clone)]
pub struct Config {
    /// The Socket.IO namespace.
    pub namespace: String,
    /// Attachments that one incoming packet may have.
    pub max_attachments: usize,
    /// How long things may take.
    pub timing: Timing,
    /// Where the jitter of the backoff begins.
    pub seed: u64,
}

/// The machine. See the module.
#[derive(Debug)]
pub struct Machine {
    config: Config,
    jitter: StdRng,
    phase: Phase,
    decoder: Decoder,
    acks: Acks,
    outputs: VecDeque<Output>,
    /// Connects begun since the last one that succeeded.
    attempt: u32,
    /// Waits in a row, for the backoff.
    failures: u32,
    /// Refusals in a row.
    refusals: u32,
    hurried: bool,
    held: bool,
}

#[derive(Debug)]
enum Phase {
    Idle,
    Fetching {
        since: Instant,
    },
    Opening {
        since: Instant,
        auth: Value,
    },
    Greeting {
        since: Instant,
        auth: Value,
    },
    Joining {
        since: Instant,
        heartbeat: Heartbeat,
        max_payload: Option<usize>,
    },
    Connected {
        since: Instant,
        heartbeat: Heartbeat,
        probe: Probe,
    },
    Waiting {
        until: Instant,
        reason: DisconnectReason,
    },
    Asking {
        since: Instant,
    },
    Refused,
    Closed,
}

/// Every frame is a sign of life; too long without one is death.
#[derive(Debug, Clone, Copy)]
struct Heartbeat {
    silence: Duration,
    dead_at: Instant,
}

impl Machine {
    /// A machine that waits for [`Input::Start`].
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            jitter: StdRng::seed_from_u64(config.seed),
            decoder: Decoder::new(config.max_attachments),
            config,
            phase: Phase::Idle,
            acks: Acks::default(),
            outputs: VecDeque::new(),
            attempt: 0,
            failures: 0,
            refusals: 0,
            hurried: false,
            held: false,
        }
    }

    /// Takes what happened at `now`. What does not fit the present phase (an answer to a question
    /// that is no longer open, a frame of a transport that was given up) is ignored.
    pub fn handle(&mut self, input: Input<'_>, now: Instant) {
        match input {
            Input::Start => {
                if matches!(self.phase, Phase::Idle) {
                    self.begin(now);
                }
            }
            Input::Auth(answer) => self.on_auth(answer, now),
            Input::Decision(decision) => self.on_decision(decision, now),
            Input::Emit(emit) => self.on_emit(emit, now),
            Input::Reply { id, json } => {
                if self.is_connected() {
                    let text = packet::ack_text(&self.config.namespace, id, 0, &json);
                    self.send_text(&text);
                }
            }
            Input::ReconnectSoon => self.on_reconnect_soon(now),
            Input::Hurried(hurried) => {
                self.hurried = hurried;
                if hurried {
                    self.shorten_wait(now);
                }
            }
            Input::Close => self.close(now),
            Input::Opened => self.on_opened(),
            Input::TransportGone(reason) => {
                if self.wants_transport() {
                    self.lose(reason, now);
                }
            }
            Input::Text(text) => self.on_text(text, now),
            Input::Binary(data) => self.on_binary(data, now),
            Input::Pong(payload) => self.on_pong(payload, now),
            Input::ConsumerTooSlow => {
                if self.is_connected() {
                    self.lose(DisconnectReason::ConsumerTooSlow, now);
                }
            }
            Input::Hold(held) => self.held = held,
            Input::Tick => {}
        }
        self.on_time(now);
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to come back with [`Input::Tick`] at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let timing = &self.config.timing;
        let phase = match &self.phase {
            Phase::Fetching { since } | Phase::Asking { since } => Some(*since + timing.auth),
            Phase::Opening { since, .. } | Phase::Greeting { since, .. } => {
                Some(*since + timing.connect)
            }
            Phase::Joining {
                since, heartbeat, ..
            } => Some(heartbeat.dead_at.min(*since + timing.connect)),
            Phase::Connected {
                heartbeat, probe, ..
            } => Some(heartbeat.dead_at.min(probe.next_deadline())),
            Phase::Waiting { until, .. } => (!self.held).then_some(*until),
            Phase::Idle | Phase::Refused | Phase::Closed => None,
        };
        phase.into_iter().chain(self.acks.next_deadline()).min()
    }

    fn is_connected(&self) -> bool {
        matches!(self.phase, Phase::Connected { .. })
    }

    fn wants_transport(&self) -> bool {
        matches!(
            self.phase,
            Phase::Opening { .. }
                | Phase::Greeting { .. }
                | Phase::Joining { .. }
                | Phase::Connected { .. }
        )
    }

    fn on_time(&mut self, now: Instant) {
        while let Some(id) = self.acks.take_expired(now) {
            self.settle(id, NoAck::Timeout);
        }
        let timing = self.config.timing;
        match &mut self.phase {
            Phase::Fetching { since } => {
                if now >= *since + timing.auth {
                    self.lose(DisconnectReason::NoCredential, now);
                }
            }
            Phase::Opening { since, .. } | Phase::Greeting { since, .. } => {
                if now >= *since + timing.connect {
                    self.lose(DisconnectReason::ConnectTimeout, now);
                }
            }
            Phase::Joining {
                since, heartbeat, ..
            } => {
                if now >= heartbeat.dead_at {
                    self.lose(DisconnectReason::PingTimeout, now);
                } else if now >= *since + timing.connect {
                    self.lose(DisconnectReason::ConnectTimeout, now);
                }
            }
            Phase::Connected {
                heartbeat, probe, ..
            } => {
                if now >= heartbeat.dead_at || probe.is_overdue(now) {
                    self.lose(DisconnectReason::PingTimeout, now);
                } else if let Some(payload) = probe.take_due(now) {
                    self.outputs.push_back(Output::Send(Frame::Ping(payload)));
                }
            }
            Phase::Waiting { until, .. } => {
                if !self.held && now >= *until {
                    self.begin(now);
                }
            }
            Phase::Asking { since } => {
                if now >= *since + timing.auth {
                    self.outputs.push_back(Output::DropTransport);
                    self.wait(DisconnectReason::Refused, now);
                }
            }
            Phase::Idle | Phase::Refused | Phase::Closed => {}
        }
    }

    fn begin(&mut self, now: Instant) {
        self.attempt = self.attempt.saturating_add(1);
        self.decoder = Decoder::new(self.config.max_attachments);
        self.phase = Phase::Fetching { since: now };
        let attempt = self.attempt;
        self.outputs
            .push_back(Output::State(State::Connecting { attempt }));
        self.outputs.push_back(Output::FetchAuth);
    }

    fn on_opened(&mut self) {
        self.phase = match mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Opening { since, auth } => Phase::Greeting { since, auth },
            other => other,
        };
    }

    fn on_refused(&mut self, refusal: Refusal, now: Instant) {
        self.phase = Phase::Asking { since: now };
        self.outputs.push_back(Output::DropTransport);
        self.outputs.push_back(Output::State(State::Refused {
            error: refusal.clone(),
        }));
        self.outputs.push_back(Output::AskOwner(refusal));
    }

    /// The connection, or the try to have one, is over; another will follow.
    fn lose(&mut self, reason: DisconnectReason, now: Instant) {
        self.outputs.push_back(Output::DropTransport);
        self.end_session(&reason, now);
        self.wait(reason, now);
    }

    fn wait(&mut self, reason: DisconnectReason, now: Instant) {
        let cap = if self.hurried {
            backoff::HURRIED_CAP
        } else {
            backoff::CAP
        };
        let retry_in = backoff::delay(self.failures, cap, self.jitter.random());
        self.failures = self.failures.saturating_add(1);
        self.phase = Phase::Waiting {
            until: now + retry_in,
            reason: reason.clone(),
        };
        self.outputs
            .push_back(Output::State(State::Waiting { retry_in, reason }));
    }

    /// Tells everybody who has part in the present connection, if there is one, that it is over.
    fn end_session(&mut self, reason: &DisconnectReason, now: Instant) {
        for id in self.acks.take_all() {
            self.settle(id, NoAck::Disconnected);
        }
        if let Phase::Connected { since, .. } = &self.phase {
            if now >= *since + STABLE_AFTER {
                self.failures = 0;
            }
            self.outputs.push_back(Output::Disconnected(reason.clone()));
        }
    }

    fn close(&mut self, now: Instant) {
        match &self.phase {
            Phase::Closed => return,
            Phase::Connected { .. } => {
                let goodbye = packet::Packet {
                    namespace: self.config.namespace.clone(),
                    body: packet::Body::Disconnect,
                };
                self.send_text(&goodbye.encode());
                self.outputs.push_back(Output::FinishTransport);
                self.end_session(&DisconnectReason::Closed, now);
            }
            _ => self.outputs.push_back(Output::DropTransport),
        }
        self.phase = Phase::Closed;
        self.outputs.push_back(Output::State(State::Closed));
    }

    fn settle(&mut self, id: u64, why: NoAck) {
        let result = Err(why);
        self.outputs.push_back(Output::Acked { id, result });
    }

    fn send_text(&mut self, packet: &str) {
        let text = engine::message(packet);
        self.outputs.push_back(Output::Send(Frame::Text(text)));
    }
}

#[cfg(test)]
mod tests;
