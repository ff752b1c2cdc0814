//! The listeners' sockets: made here, or handed over by systemd, which keeps them open while the gateway restarts.
//!
//! An inherited socket belongs to a key of `[listen]` by its name (`FileDescriptorName=public`), else by its port. One
//! that belongs to none is closed: behind a socket that nobody serves, clients would wait for ever.

use super::StartError;
use std::{io, net::SocketAddr};
use tokio::net::TcpListener;

/// Sockets that were open before this process.
#[derive(Default, Debug)]
pub struct Inherited(Vec<(String, std::net::TcpListener)>);

impl Inherited {
    /// With their names, as `LISTEN_FDNAMES` gives them.
    pub const fn new(sockets: Vec<(String, std::net::TcpListener)>) -> Self {
        Self(sockets)
    }

    fn take(&mut self, key: &str, wanted: SocketAddr) -> Option<std::net::TcpListener> {
        let named = key.rsplit('.').next().unwrap_or(key);
        let by_name = self.0.iter().position(|(name, _)| name == named);
        let at = by_name.or_else(|| {
            self.0.iter().position(|(name, socket)| {
                let is_other = ["local", "public", "http", "metrics"].contains(&name.as_str());
                !is_other && socket.local_addr().is_ok_and(|a| serves(a, wanted))
            })
        });
        at.map(|at| self.0.swap_remove(at).1)
    }
}

/// A socket on all addresses serves for each of them.
fn serves(socket: SocketAddr, wanted: SocketAddr) -> bool {
    socket.port() == wanted.port() && (socket.ip().is_unspecified() || socket.ip() == wanted.ip())
}

/// The socket of one key; none when the key is off.
///
/// # Errors
/// The address is taken or not to be had.
pub(super) async fn open(
    inherited: &mut Inherited,
    address: Option<SocketAddr>,
    key: &'static str,
) -> Result<Option<TcpListener>, StartError> {
    let Some(address) = address else { return Ok(None) };
    let opened = match inherited.take(key, address) {
        Some(socket) => taken_over(socket),
        None => TcpListener::bind(address).await,
    };
    opened.map(Some).map_err(|problem| StartError::Listen { address, key, problem })
}

fn taken_over(socket: std::net::TcpListener) -> io::Result<TcpListener> {
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket)
}

/// Says which sockets nobody wanted, and closes them.
pub(super) fn close_rest(inherited: Inherited) {
    for (name, socket) in inherited.0 {
        let address = socket.local_addr().map_or_else(|_| "?".to_owned(), |a| a.to_string());
        tracing::warn!(name, address, "a socket of systemd's is closed: no key of [listen] has its name or its port");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(name: &str) -> (String, std::net::TcpListener, u16) {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a socket");
        let port = socket.local_addr().expect("an address").port();
        (name.to_owned(), socket, port)
    }

    #[test]
    fn a_socket_is_found_by_its_name_and_else_by_its_port() {
        let ((a, named, named_port), (b, other, other_port)) = (socket("public"), socket("wa-gateway.socket"));
        let mut inherited = Inherited::new(vec![(b, other), (a, named)]);
        let any = |port| SocketAddr::from(([127, 0, 0, 1], port));
        assert!(inherited.take("listen.local", any(named_port)).is_none(), "a name is for its key alone");
        assert!(inherited.take("listen.http", any(1)).is_none());
        let port = |s: Option<std::net::TcpListener>| s.expect("found").local_addr().expect("an address").port();
        assert_eq!(port(inherited.take("listen.public", any(1))), named_port);
        assert_eq!(port(inherited.take("listen.http", any(other_port))), other_port);
        assert!(inherited.take("listen.http", any(other_port)).is_none(), "each once");
        let wanted = SocketAddr::from(([0, 0, 0, 0], 443));
        assert!(serves("[::]:443".parse().expect("an address"), wanted));
        assert!(!serves("127.0.0.1:443".parse().expect("an address"), wanted), "one is not all");
    }
}
