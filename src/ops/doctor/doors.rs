//! The addresses to listen on. A running gateway must answer on them; where none runs they must be free, or be held by
//! systemd for it.

use super::{Finding, fail, ok, systemd::Units, warn};
use std::{
    io::ErrorKind,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

/// To this machine itself.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

pub(super) fn finding(key: &'static str, address: SocketAddr, running: bool, units: Option<&Units>) -> Finding {
    if running {
        return match TcpStream::connect_timeout(&reachable(address), CONNECT_WITHIN) {
            Ok(_) => ok(key, format!("{address} takes connections")),
            Err(e) => warn(
                key,
                format!("a gateway runs, but nobody answers on {address} ({e}): was it started with other settings?"),
            ),
        };
    }
    if units.is_some_and(|units| units.holds(address.port())) {
        return ok(key, format!("{address} is held by wa-gateway.socket, for the gateway"));
    }
    match TcpListener::bind(address) {
        Ok(_) => ok(key, format!("{address} is free")),
        Err(e) if e.kind() == ErrorKind::PermissionDenied => fail(
            key,
            format!(
                "{address} is a port that only root may open: systemctl enable --now wa-gateway.socket opens it for the \
                 gateway, or choose a port above 1023"
            ),
        ),
        Err(e) if e.kind() == ErrorKind::AddrInUse => fail(
            key,
            format!("{address} is taken by another program (ss -ltnp shows which): end it, or choose another address"),
        ),
        Err(e) => fail(key, format!("cannot listen on {address}: {e}; choose another address")),
    }
}

/// Where one connects to, to reach who listens on all addresses.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::{super::CheckStatus, *};

    #[test]
    fn a_port_is_free_taken_held_or_answered_on() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = taken.local_addr().expect("an address");
        let status = |running, units: Option<&Units>| finding("listen.local", address, running, units).status;
        assert_eq!(status(true, None), CheckStatus::Ok);
        assert_eq!(status(false, None), CheckStatus::Fail);
        assert_eq!(status(false, Some(&Units::holding(address.port()))), CheckStatus::Ok);
        assert_eq!(status(false, Some(&Units::holding(1))), CheckStatus::Fail);
        drop(taken);
        assert_eq!(status(false, None), CheckStatus::Ok);
        assert_eq!(status(true, None), CheckStatus::Warn);
    }
}
