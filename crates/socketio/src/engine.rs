//! Packets of Engine.IO protocol 4 as they look on a WebSocket: one digit, then the payload. A binary
//! frame is a message by itself and has no digit.
//!
//! <https://socket.io/docs/v4/engine-io-protocol/>

use crate::packet::DecodeError;
use serde::Deserialize;
use std::time::Duration;

/// Longer heartbeats than this are taken for this, so that no time computed from them overflows.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// One text frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnginePacket<'a> {
    /// The server's greeting, the first packet of a connection.
    Open(Handshake),
    /// The other side is about to close.
    Close,
    /// The server's heartbeat, to be answered with a pong of the same payload.
    Ping(&'a str),
    /// The answer to a ping.
    Pong(&'a str),
    /// A packet of the layer above.
    Message(&'a str),
    /// Part of changing the transport; means nothing on a WebSocket.
    Upgrade,
    /// Nothing.
    Noop,
}

/// What a server says in its greeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// The server's name for this transport.
    pub sid: String,
    /// Time between two pings of the server.
    pub ping_interval: Duration,
    /// How much later than that a ping may come before the connection counts as dead.
    pub ping_timeout: Duration,
    /// Bytes that the server takes in one frame, if it says so.
    pub max_payload: Option<usize>,
}

impl Handshake {
    /// After so long without any sign of the server the connection is dead.
    #[must_use]
    pub fn silence(&self) -> Duration {
        self.ping_interval + self.ping_timeout
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireHandshake {
    sid: String,
    ping_interval: u64,
    ping_timeout: u64,
    #[serde(default)]
    max_payload: Option<usize>,
}

impl<'a> EnginePacket<'a> {
    /// Reads a text frame.
    ///
    /// # Errors
    /// [`DecodeError::Empty`], [`DecodeError::UnknownType`] or [`DecodeError::Handshake`].
    pub fn decode(text: &'a str) -> Result<Self, DecodeError> {
        let mut chars = text.chars();
        let kind = chars.next().ok_or(DecodeError::Empty)?;
        let rest = chars.as_str();
        match kind {
            '0' => decode_handshake(rest).map(Self::Open),
            '1' => Ok(Self::Close),
            '2' => Ok(Self::Ping(rest)),
            '3' => Ok(Self::Pong(rest)),
            '4' => Ok(Self::Message(rest)),
            '5' => Ok(Self::Upgrade),
            '6' => Ok(Self::Noop),
            _ => Err(DecodeError::UnknownType),
        }
    }
}

fn decode_handshake(json: &str) -> Result<Handshake, DecodeError> {
    let wire: WireHandshake = serde_json::from_str(json).map_err(|_| DecodeError::Handshake)?;
    if wire.ping_interval == 0 || wire.ping_timeout == 0 {
        return Err(DecodeError::Handshake);
    }
    Ok(Handshake {
        sid: wire.sid,
        ping_interval: Duration::from_millis(wire.ping_interval).min(LONGEST),
        ping_timeout: Duration::from_millis(wire.ping_timeout).min(LONGEST),
        // Some servers say 0 for "no limit".
        max_payload: wire.max_payload.filter(|limit| *limit > 0),
    })
}

/// The answer to a ping with `payload`.
#[must_use]
pub fn pong(payload: &str) -> String {
    format!("3{payload}")
}

/// The frame that carries a text packet of the layer above.
#[must_use]
pub fn message(packet: &str) -> String {
    format!("4{packet}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greeting_is_read() {
        let packet = EnginePacket::decode(
            r#"0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#,
        );
        let Ok(EnginePacket::Open(handshake)) = packet else {
            panic!("not a greeting: {packet:?}");
        };
        assert_eq!(handshake.sid, "lv_VI97HAXpY6yYWAAAC");
        assert_eq!(handshake.silence(), Duration::from_secs(45));
        assert_eq!(handshake.max_payload, Some(1_000_000));
    }

    #[test]
    fn a_greeting_that_makes_no_sense_is_refused() {
        for text in [
            "0",
            "0{}",
            "0[]",
            r#"0{"sid":1,"pingInterval":1,"pingTimeout":1}"#,
            r#"0{"sid":"a","pingInterval":0,"pingTimeout":1}"#,
            r#"0{"sid":"a","pingInterval":1}"#,
            r#"0{"sid":"a","pingInterval":-1,"pingTimeout":1}"#,
        ] {
            assert_eq!(
                EnginePacket::decode(text),
                Err(DecodeError::Handshake),
                "{text}"
            );
        }
    }

    #[test]
    fn absurd_times_are_cut() {
        let text = format!(
            r#"0{{"sid":"a","pingInterval":{0},"pingTimeout":{0}}}"#,
            u64::MAX
        );
        let Ok(EnginePacket::Open(handshake)) = EnginePacket::decode(&text) else {
            panic!("not a greeting");
        };
        assert_eq!(handshake.silence(), Duration::from_secs(2 * 60 * 60));
    }

    #[test]
    fn the_other_packets_are_read() {
        assert_eq!(EnginePacket::decode("1"), Ok(EnginePacket::Close));
        assert_eq!(EnginePacket::decode("2"), Ok(EnginePacket::Ping("")));
        assert_eq!(
            EnginePacket::decode("2probe"),
            Ok(EnginePacket::Ping("probe"))
        );
        assert_eq!(
            EnginePacket::decode("3probe"),
            Ok(EnginePacket::Pong("probe"))
        );
        assert_eq!(
            EnginePacket::decode("42[\"a\"]"),
            Ok(EnginePacket::Message("2[\"a\"]"))
        );
        assert_eq!(EnginePacket::decode("5"), Ok(EnginePacket::Upgrade));
        assert_eq!(EnginePacket::decode("6"), Ok(EnginePacket::Noop));
        assert_eq!(EnginePacket::decode(""), Err(DecodeError::Empty));
        assert_eq!(EnginePacket::decode("7"), Err(DecodeError::UnknownType));
        assert_eq!(EnginePacket::decode("é"), Err(DecodeError::UnknownType));
    }

    #[test]
    fn what_is_sent_has_its_digit() {
        assert_eq!(pong("x"), "3x");
        assert_eq!(message("0"), "40");
    }
}
