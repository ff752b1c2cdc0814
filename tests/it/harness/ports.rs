//! Ports for programs that have to be told theirs before they listen.

use std::{
    net::{SocketAddr, TcpListener},
    sync::atomic::{AtomicU16, Ordering},
};

/// Below those that a system gives to whoever asks for any: between this look and the program's start, another test that
/// asks for any must not be given the same one.
const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

/// One where nobody listens, and that no other test of this run is given.
pub fn free() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Two runs at once begin at different places.
    let begin = u16::try_from(std::process::id() % u32::from(COUNT)).expect("it is below");
    loop {
        let at = (u32::from(begin) * 31 + u32::from(NEXT.fetch_add(1, Ordering::Relaxed))) % u32::from(COUNT);
        let address = SocketAddr::from(([127, 0, 0, 1], FIRST + u16::try_from(at).expect("it is below")));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
