//! How to connect, and the bounds of a connection.

use crate::error::OptionsError;
use std::time::Duration;
use tokio_tungstenite::tungstenite::http::Uri;

/// Where and how to connect.
#[derive(Debug, Clone)]
pub struct Options {
    /// `https://host[:port][/prefix]` (or `wss`, `http`, `ws`). `/socket.io/` is put behind it.
    pub url: String,
    /// The Socket.IO namespace, `/` by default.
    pub namespace: String,
    /// Root certificates in PEM that are trusted beside the system's, for an own authority.
    pub extra_roots_pem: Vec<Vec<u8>>,
    /// Bounds of what is held in memory.
    pub limits: Limits,
    /// How long things may take.
    pub timing: Timing,
}

impl Options {
    /// Options with defaults for the server at `url`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            namespace: "/".to_owned(),
            extra_roots_pem: Vec::new(),
            limits: Limits::default(),
            timing: Timing::default(),
        }
    }
}

/// Bounds of what is held in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one incoming message or attachment. A larger one closes the connection with
    /// [`DisconnectReason::TooLarge`](crate::DisconnectReason::TooLarge). Default 1 MiB.
    pub max_incoming: usize,
    /// Attachments of one packet. Default 10, as Node's server has it.
    pub max_attachments: usize,
    /// Events that wait for the owner. One more closes the connection with
    /// [`DisconnectReason::ConsumerTooSlow`](crate::DisconnectReason::ConsumerTooSlow). Default 1024.
    pub event_queue: usize,
    /// Emits that wait for the connection task; a further emit waits. Default 256.
    pub emit_queue: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_incoming: 1024 * 1024,
            max_attachments: 10,
            event_queue: 1024,
            emit_queue: 256,
        }
    }
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From opening the transport to the server's answer to CONNECT. Default 10 s.
    pub connect: Duration,
    /// For [`Auth::auth`](crate::Auth::auth) and [`Auth::refused`](crate::Auth::refused). Default 30 s.
    pub auth: Duration,
    /// Between two measurements of the round trip. Default 15 s.
    pub measure_every: Duration,
    /// For the answer to the probe of a connection that may be dead
    /// ([`Client::reconnect_soon`](crate::Client::reconnect_soon)). Default 2 s.
    pub probe: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            auth: Duration::from_secs(30),
            measure_every: Duration::from_secs(15),
            probe: Duration::from_secs(2),
        }
    }
}

/// The server's address, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// The WebSocket address with the Engine.IO query.
    pub(crate) uri: Uri,
    /// Host without the brackets of IPv6, for the resolver.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: bool,
}

impl Endpoint {
    /// # Errors
    /// [`OptionsError::Url`].
    pub(crate) fn parse(url: &str) -> Result<Self, OptionsError> {
        let given: Uri = url.trim().parse().map_err(|_| OptionsError::Url)?;
        let tls = match given.scheme_str() {
            Some("wss" | "https") => true,
            Some("ws" | "http") => false,
            _ => return Err(OptionsError::Url),
        };
        let authority = given.authority().ok_or(OptionsError::Url)?;
        // A name or password here would end in logs and headers; credentials go through `Auth`.
        if authority.as_str().contains('@') || given.query().is_some() {
            return Err(OptionsError::Url);
        }
        let bracketed = authority.host();
        let host = bracketed.trim_start_matches('[').trim_end_matches(']');
        // Not `port_u16`, which has no port where there is a wrong one.
        let port = match authority.as_str().strip_prefix(bracketed) {
            Some("") if tls => 443,
            Some("") => 80,
            rest => rest
                .and_then(|rest| rest.strip_prefix(':'))
                .and_then(|port| port.parse().ok())
                .filter(|port| *port != 0)
                .ok_or(OptionsError::Url)?,
        };
        if host.is_empty() {
            return Err(OptionsError::Url);
        }
        let prefix = given.path().trim_end_matches('/');
        let scheme = if tls { "wss" } else { "ws" };
        let uri = format!("{scheme}://{authority}{prefix}/socket.io/?EIO=4&transport=websocket")
            .parse()
            .map_err(|_| OptionsError::Url)?;
        Ok(Self {
            uri,
            host: host.to_owned(),
            port,
            tls,
        })
    }
}

impl Options {
    /// # Errors
    /// What is wrong with the namespace, the limits or the times.
    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        let namespace_ok = self.namespace.starts_with('/')
            && !self
                .namespace
                .contains(|c: char| c == ',' || c == '?' || c.is_control());
        if !namespace_ok {
            return Err(OptionsError::Namespace);
        }
        let limits = [
            self.limits.max_incoming,
            self.limits.event_queue,
            self.limits.emit_queue,
        ];
        let times = [
            self.timing.connect,
            self.timing.auth,
            self.timing.measure_every,
            self.timing.probe,
        ];
        // The upper bound keeps every time computed from these within what the clock can count.
        let too_long = |time: &Duration| *time > Duration::from_secs(24 * 60 * 60);
        if limits.contains(&0) || times.iter().any(|time| time.is_zero() || too_long(time)) {
            return Err(OptionsError::Limit);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        let plain = Endpoint::parse("http://localhost:4000").unwrap();
        assert_eq!(
            plain.uri.to_string(),
            "ws://localhost:4000/socket.io/?EIO=4&transport=websocket"
        );
        assert_eq!(
            (plain.host.as_str(), plain.port, plain.tls),
            ("localhost", 4000, false)
        );

        let prefixed = Endpoint::parse("https://example.org/mentor/").unwrap();
        assert_eq!(
            prefixed.uri.to_string(),
            "wss://example.org/mentor/socket.io/?EIO=4&transport=websocket"
        );
        assert_eq!((prefixed.port, prefixed.tls), (443, true));

        let six = Endpoint::parse("ws://[::1]:81/").unwrap();
        assert_eq!((six.host.as_str(), six.port), ("::1", 81));
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        for url in [
            "",
            "example.org",
            "ftp://example.org",
            "https://",
            "https://maya:secret@example.org",
            "https://example.org:0",
            "https://example.org:99999",
            "https://example.org/?token=1",
            "https://exa mple.org",
        ] {
            assert_eq!(
                Endpoint::parse(url).unwrap_err(),
                OptionsError::Url,
                "{url}"
            );
        }
    }

    #[test]
    fn namespaces_and_limits_are_checked() {
        let mut options = Options::new("http://localhost");
        assert_eq!(options.check(), Ok(()));
        for namespace in ["", "admin", "/a,b", "/a?b", "/a\n"] {
            options.namespace = namespace.to_owned();
            assert_eq!(
                options.check(),
                Err(OptionsError::Namespace),
                "{namespace:?}"
            );
        }
        options.namespace = "/mentor".to_owned();
        options.limits.event_queue = 0;
        assert_eq!(options.check(), Err(OptionsError::Limit));
    }
}
