//! A server's address as people type it, and the rule that words travel encrypted: plain `http`
//! and `ws` are for this computer only.

use std::{fmt, net::IpAddr};
use url::{Host, Url};

/// The text is not an address that this app connects to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the address of a server: https outside this computer, a host, a port, maybe a path")]
pub struct BadAddress;

/// A server's address: `https://host[:port][/path]`, or `http` on this computer.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerAddress(Url);

impl ServerAddress {
    /// Reads what a person typed or a file says. Without a scheme, `https` is meant, and `http`
    /// for this computer; `wss` and `ws` count as `https` and `http`.
    ///
    /// # Errors
    /// Where it is none, holds a password, a query or a fragment, or would send words in the clear
    /// over a network.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        let text = text.trim();
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            None => (None, text),
        };
        let secure = match scheme.as_deref() {
            Some("https" | "wss") => Some(true),
            Some("http" | "ws") => Some(false),
            Some(_) => return Err(BadAddress),
            None => None,
        };
        let mut url: Url = format!("https://{rest}").parse().map_err(|_| BadAddress)?;
        let here = url.host().is_some_and(is_this_computer);
        let plain = !secure.unwrap_or(!here);
        if plain && !here {
            return Err(BadAddress);
        }
        if plain {
            // Read anew, so that a port 443 that was typed is not taken for the usual one.
            url = format!("http://{rest}").parse().map_err(|_| BadAddress)?;
        }
        let odd = !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some()
            || url.port() == Some(0)
            || url.host_str().is_none_or(str::is_empty);
        if odd {
            return Err(BadAddress);
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }

    /// The address of a REST route, `/v1/…`.
    pub(crate) fn route(&self, path: &str) -> String {
        format!("{self}{path}")
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Addresses stay out of logs.
        f.write_str("ServerAddress")
    }
}

fn is_this_computer(host: Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            name.eq_ignore_ascii_case("localhost")
                || name.to_ascii_lowercase().ends_with(".localhost")
        }
        Host::Ipv4(address) => IpAddr::V4(address).is_loopback(),
        Host::Ipv6(address) => IpAddr::V6(address).is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_becomes_one_form() {
        for (typed, address) in [
            ("https://mentor.example.org", "https://mentor.example.org"),
            (
                "  HTTPS://Mentor.Example.org/  ",
                "https://mentor.example.org",
            ),
            ("mentor.example.org", "https://mentor.example.org"),
            (
                "wss://mentor.example.org:8443",
                "https://mentor.example.org:8443",
            ),
            ("https://example.org/mentor/", "https://example.org/mentor"),
            ("http://localhost:4000", "http://localhost:4000"),
            ("ws://127.0.0.1:4000", "http://127.0.0.1:4000"),
            ("http://127.8.9.10:4000", "http://127.8.9.10:4000"),
            ("localhost:4000", "http://localhost:4000"),
            ("http://[::1]:4000", "http://[::1]:4000"),
            ("https://localhost:4000", "https://localhost:4000"),
            ("http://mentor.localhost", "http://mentor.localhost"),
            ("http://localhost:443", "http://localhost:443"),
        ] {
            assert_eq!(
                ServerAddress::parse(typed).map(|address| address.to_string()),
                Ok(address.to_owned()),
                "{typed}"
            );
        }
    }

    #[test]
    fn words_do_not_travel_in_the_clear() {
        for typed in [
            "http://mentor.example.org",
            "ws://mentor.example.org",
            "http://192.168.1.10:4000",
            "http://localhost.example.org",
            "http://127.0.0.1.example.org",
            "http://[fe80::1]:4000",
        ] {
            assert_eq!(ServerAddress::parse(typed), Err(BadAddress), "{typed}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for typed in [
            "",
            "   ",
            "https://",
            "ftp://example.org",
            "file:///etc/passwd",
            "https://maya:secret@example.org",
            "https://example.org/?token=1",
            "https://example.org/#x",
            "https://exa mple.org",
            "https://example.org:0",
            "https://example.org:99999",
        ] {
            assert_eq!(ServerAddress::parse(typed), Err(BadAddress), "{typed}");
        }
    }

    #[test]
    fn a_route_keeps_the_path_in_front() {
        let address = ServerAddress::parse("https://example.org/mentor/").unwrap();
        assert_eq!(
            address.route("/v1/version"),
            "https://example.org/mentor/v1/version"
        );
    }
}
