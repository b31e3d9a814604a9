//! What the machine does with the owner's wishes and answers.

use super::{Emit, Frame, Machine, NoAck, Output, Phase};
use crate::{
    auth::{AuthError, OnRefusal},
    backoff, packet,
    state::{DisconnectReason, State},
};
use rand::RngExt;
use serde_json::Value;
use std::time::{Duration, Instant};

/// A connect under way for longer than this is begun anew by
/// [`Input::ReconnectSoon`](super::Input::ReconnectSoon).
const FRESH: Duration = Duration::from_secs(1);

impl Machine {
    pub(super) fn on_auth(&mut self, answer: Result<Value, AuthError>, now: Instant) {
        if !matches!(self.phase, Phase::Fetching { .. }) {
            return;
        }
        match answer {
            Ok(auth) => {
                self.phase = Phase::Opening { since: now, auth };
                self.outputs.push_back(Output::OpenTransport);
            }
            Err(AuthError::Unavailable) => self.lose(DisconnectReason::NoCredential, now),
            Err(AuthError::SignedOut) => self.close(now),
        }
    }

    pub(super) fn on_decision(&mut self, decision: OnRefusal, now: Instant) {
        if !matches!(self.phase, Phase::Asking { .. }) {
            return;
        }
        self.refusals = self.refusals.saturating_add(1);
        match decision {
            OnRefusal::Stop => self.phase = Phase::Refused,
            OnRefusal::Retry if self.refusals == 1 => self.begin(now),
            OnRefusal::Retry => self.wait(DisconnectReason::Refused, now),
        }
    }

    pub(super) fn on_emit(&mut self, emit: Emit, now: Instant) {
        if !self.is_connected() {
            if let Some(ack) = emit.ack {
                self.settle(ack.id, NoAck::NotConnected);
            }
            return;
        }
        if let Some(ack) = emit.ack {
            if ack.deadline <= now {
                self.settle(ack.id, NoAck::Timeout);
                return;
            }
            self.acks.insert(ack.id, ack.deadline);
        }
        let id = emit.ack.map(|ack| ack.id);
        let count = emit.attachments.len();
        let text = packet::event_text(&self.config.namespace, id, count, &emit.json);
        self.send_text(&text);
        for attachment in emit.attachments {
            self.outputs
                .push_back(Output::Send(Frame::Binary(attachment)));
        }
    }

    pub(super) fn on_reconnect_soon(&mut self, now: Instant) {
        match &mut self.phase {
            Phase::Waiting { .. } => self.shorten_wait(now),
            Phase::Refused => self.begin(now),
            Phase::Fetching { since }
            | Phase::Opening { since, .. }
            | Phase::Greeting { since, .. }
            | Phase::Joining { since, .. } => {
                if now >= *since + FRESH {
                    self.failures = 0;
                    self.lose(DisconnectReason::Restarted, now);
                }
            }
            Phase::Connected { probe, .. } => {
                if let Some(payload) = probe.demand(now, self.config.timing.probe) {
                    self.outputs.push_back(Output::Send(Frame::Ping(payload)));
                }
            }
            Phase::Idle | Phase::Asking { .. } | Phase::Closed => {}
        }
    }

    pub(super) fn shorten_wait(&mut self, now: Instant) {
        let chance = self.jitter.random();
        let Phase::Waiting { until, reason } = &mut self.phase else {
            return;
        };
        self.failures = 0;
        let soon = now + backoff::delay(1, backoff::HURRIED_CAP, chance);
        if soon < *until {
            *until = soon;
            let retry_in = soon.saturating_duration_since(now);
            let reason = reason.clone();
            self.outputs
                .push_back(Output::State(State::Waiting { retry_in, reason }));
        }
    }
}
