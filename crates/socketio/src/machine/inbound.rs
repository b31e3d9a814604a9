//! What the machine does with the server's frames.

use super::{Frame, Heartbeat, Machine, Output, Phase, probe::Probe};
use crate::{
    engine::{self, EnginePacket, Handshake},
    packet::{Body, DecodeError, Packet},
    state::{DisconnectReason, Refusal, State},
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};
use std::{mem, time::Instant};

/// The payload of the server's CONNECT.
#[derive(Deserialize)]
struct Welcome {
    sid: String,
}

impl Machine {
    pub(super) fn on_text(&mut self, text: &str, now: Instant) {
        if self.is_listening(now)
            && let Err(error) = self.on_engine(text, now)
        {
            self.lose(DisconnectReason::Protocol(error), now);
        }
    }

    pub(super) fn on_binary(&mut self, data: Bytes, now: Instant) {
        if !self.is_listening(now) {
            return;
        }
        let outcome = match self.decoder.binary(data) {
            Ok(Some(packet)) => self.on_packet(packet, now),
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            self.lose(DisconnectReason::Protocol(error), now);
        }
    }

    pub(super) fn on_pong(&mut self, payload: &[u8], now: Instant) {
        if !self.is_listening(now) {
            return;
        }
        if let Phase::Connected { probe, .. } = &mut self.phase
            && let Some(round_trip) = probe.answered(payload, now)
        {
            self.outputs.push_back(Output::Latency(round_trip));
        }
    }

    /// Whether frames mean anything now. If so, this one is a sign of life.
    fn is_listening(&mut self, now: Instant) -> bool {
        match &mut self.phase {
            Phase::Greeting { .. } => true,
            Phase::Joining { heartbeat, .. } | Phase::Connected { heartbeat, .. } => {
                heartbeat.dead_at = now + heartbeat.silence;
                true
            }
            _ => false,
        }
    }

    fn on_engine(&mut self, text: &str, now: Instant) -> Result<(), DecodeError> {
        match EnginePacket::decode(text)? {
            EnginePacket::Open(handshake) => self.on_greeting(&handshake, now),
            EnginePacket::Close => {
                self.lose(DisconnectReason::TransportClosed, now);
                Ok(())
            }
            EnginePacket::Ping(payload) => {
                let pong = Frame::Text(engine::pong(payload));
                self.outputs.push_back(Output::Send(pong));
                Ok(())
            }
            EnginePacket::Message(text) => match self.decoder.text(text)? {
                Some(packet) => self.on_packet(packet, now),
                None => Ok(()),
            },
            EnginePacket::Pong(_) | EnginePacket::Upgrade | EnginePacket::Noop => Ok(()),
        }
    }

    fn on_greeting(&mut self, handshake: &Handshake, now: Instant) -> Result<(), DecodeError> {
        let (since, auth) = match mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Greeting { since, auth } => (since, auth),
            other => {
                self.phase = other;
                return Err(DecodeError::Handshake);
            }
        };
        let silence = handshake.silence();
        self.phase = Phase::Joining {
            since,
            heartbeat: Heartbeat {
                silence,
                dead_at: now + silence,
            },
            max_payload: handshake.max_payload,
        };
        let connect = Packet {
            namespace: self.config.namespace.clone(),
            body: Body::Connect(object(&auth)),
        };
        self.send_text(&connect.encode());
        Ok(())
    }

    fn on_packet(&mut self, packet: Packet, now: Instant) -> Result<(), DecodeError> {
        if packet.namespace != self.config.namespace {
            tracing::debug!("a packet of a foreign namespace was ignored");
            return Ok(());
        }
        match (packet.body, &self.phase) {
            (Body::Connect(payload), Phase::Joining { .. }) => self.on_welcome(payload, now),
            (Body::ConnectError(payload), Phase::Joining { .. }) => {
                let payload: Value =
                    serde_json::from_str(payload.get()).map_err(|_| DecodeError::Payload)?;
                self.on_refused(Refusal::from_payload(payload), now);
                Ok(())
            }
            (Body::Disconnect, _) => {
                self.lose(DisconnectReason::ServerDisconnected, now);
                Ok(())
            }
            (Body::Event { id, name, args }, Phase::Connected { .. }) => {
                self.outputs.push_back(Output::Event {
                    name,
                    args,
                    ack: id,
                });
                Ok(())
            }
            (Body::Ack { id, args }, Phase::Connected { .. }) => {
                if self.acks.take(id) {
                    let result = Ok(args);
                    self.outputs.push_back(Output::Acked { id, result });
                } else {
                    tracing::debug!("an acknowledgement came too late");
                }
                Ok(())
            }
            _ => {
                tracing::debug!("a packet out of turn was ignored");
                Ok(())
            }
        }
    }

    fn on_welcome(
        &mut self,
        payload: Option<Box<RawValue>>,
        now: Instant,
    ) -> Result<(), DecodeError> {
        let payload = payload.ok_or(DecodeError::Payload)?;
        let welcome: Welcome =
            serde_json::from_str(payload.get()).map_err(|_| DecodeError::Payload)?;
        let Phase::Joining {
            heartbeat,
            max_payload,
            ..
        } = self.phase
        else {
            return Ok(());
        };
        self.phase = Phase::Connected {
            since: now,
            heartbeat,
            probe: Probe::new(self.config.timing.measure_every, now),
        };
        self.attempt = 0;
        self.refusals = 0;
        self.outputs.push_back(Output::Connected {
            sid: welcome.sid.clone(),
            max_payload,
        });
        self.outputs
            .push_back(Output::State(State::Connected { sid: welcome.sid }));
        Ok(())
    }
}

/// The payload of our CONNECT, which must be an object if there is any.
fn object(auth: &Value) -> Option<Box<RawValue>> {
    if !auth.is_object() {
        return None;
    }
    // A Value can always be written as JSON.
    to_raw_value(auth).ok()
}
