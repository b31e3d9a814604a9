//! The ways out of this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// The addresses to open a connection's sockets at: those that were asked for, or every way out
/// that there is now.
pub(super) fn addresses(asked: Option<&[SocketAddr]>) -> Vec<SocketAddr> {
    chosen(asked, has_way)
}

fn chosen(asked: Option<&[SocketAddr]>, has_way: impl Fn(IpAddr) -> bool) -> Vec<SocketAddr> {
    if let Some(asked) = asked {
        return asked.to_vec();
    }
    let any = |address: IpAddr| SocketAddr::new(address, 0);
    // From the documentation ranges (RFC 5737, RFC 3849): nothing is sent there, the system only
    // says whether it would know a way.
    let afar_v4 = Ipv4Addr::new(203, 0, 113, 1);
    let afar_v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    let mut addresses = vec![any(Ipv4Addr::UNSPECIFIED.into())];
    if has_way(afar_v6.into()) {
        addresses.push(any(Ipv6Addr::UNSPECIFIED.into()));
    }
    // Loopback only where there is no other.
    if !has_way(afar_v4.into()) {
        addresses.push(any(Ipv4Addr::LOCALHOST.into()));
    }
    addresses
}

fn has_way(to: IpAddr) -> bool {
    let any: IpAddr = match to {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    UdpSocket::bind((any, 0)).is_ok_and(|socket| socket.connect((to, 9)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EngineConfig;

    #[test]
    fn an_app_that_started_before_the_network_was_there_calls_over_it_all_the_same() {
        let at_login = EngineConfig::devices().bind;
        let without = chosen(at_login.as_deref(), |_| false);
        assert_eq!(
            without,
            ["0.0.0.0:0", "127.0.0.1:0"].map(|address| address.parse::<SocketAddr>().unwrap())
        );
        let later = chosen(at_login.as_deref(), |to| to.is_ipv6());
        assert!(later.contains(&"[::]:0".parse().unwrap()), "{later:?}");
        let at_home = chosen(at_login.as_deref(), |_| true);
        assert_eq!(
            at_home,
            ["0.0.0.0:0", "[::]:0"].map(|address| address.parse::<SocketAddr>().unwrap())
        );
    }

    #[test]
    fn what_is_asked_for_is_what_is_used() {
        let asked = ["127.0.0.1:0".parse().unwrap()];
        assert_eq!(chosen(Some(&asked), |_| true), asked);
    }
}
