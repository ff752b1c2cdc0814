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

/// Whether the running gateway can be reached where it says that it listens.
pub(super) fn of_running(
    key: &'static str,
    configured: Option<SocketAddr>,
    real: Option<SocketAddr>,
) -> Option<Finding> {
    let Some(real) = real else {
        let wanted = configured?;
        return Some(ok(key, format!("the gateway that runs does not listen here; {}", next_start(Some(wanted)))));
    };
    Some(match TcpStream::connect_timeout(&reachable(real), CONNECT_WITHIN) {
        Ok(_) if configured.is_some_and(|wanted| is_as_wanted(real, wanted)) => {
            ok(key, format!("{real} takes connections"))
        }
        Ok(_) => ok(key, format!("{real} takes connections; {}", next_start(configured))),
        Err(e) => {
            warn(key, format!("a gateway runs, but nobody answers on {real} ({e}): restart it, and read its log"))
        }
    })
}

fn next_start(configured: Option<SocketAddr>) -> String {
    match configured {
        Some(address) => format!("the configuration says {address}, from the next start on"),
        None => "the configuration has none, from the next start on".to_owned(),
    }
}

/// Port 0 is any port.
fn is_as_wanted(real: SocketAddr, wanted: SocketAddr) -> bool {
    real == wanted || (wanted.port() == 0 && real.ip() == wanted.ip())
}

/// Whether a gateway could listen there.
pub(super) fn of_stopped(key: &'static str, address: SocketAddr, units: Option<&Units>) -> Finding {
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
    fn a_port_is_free_taken_or_held() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = taken.local_addr().expect("an address");
        let status = |units: Option<&Units>| of_stopped("listen.local", address, units).status;
        assert_eq!(status(None), CheckStatus::Fail);
        assert_eq!(status(Some(&Units::holding(address.port()))), CheckStatus::Ok);
        assert_eq!(status(Some(&Units::holding(1))), CheckStatus::Fail);
        drop(taken);
        assert_eq!(status(None), CheckStatus::Ok);
    }

    #[test]
    fn a_running_gateway_is_asked_where_it_says_that_it_listens() {
        let open = TcpListener::bind("127.0.0.1:0").expect("a port");
        let real = open.local_addr().expect("an address");
        let other: SocketAddr = "0.0.0.0:8443".parse().expect("an address");
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        let look = |configured, real| of_running("listen.local", configured, real).map(|f| (f.status, f.text));
        let well = format!("{real} takes connections");
        assert_eq!(look(Some(real), Some(real)), Some((CheckStatus::Ok, well.clone())));
        assert_eq!(look(Some(any), Some(real)), Some((CheckStatus::Ok, well.clone())));
        let (status, text) = look(Some(other), Some(real)).expect("a finding");
        assert!(status == CheckStatus::Ok && text.starts_with(&well) && text.contains("0.0.0.0:8443"), "{text}");
        let (status, text) = look(Some(other), None).expect("a finding");
        assert!(
            status == CheckStatus::Ok && text.contains("does not listen") && text.contains("0.0.0.0:8443"),
            "{text}"
        );
        assert_eq!(look(None, None), None);
        drop(open);
        let (status, text) = look(Some(real), Some(real)).expect("a finding");
        assert!(status == CheckStatus::Warn && text.contains("nobody answers"), "{text}");
    }
}
