//! The sockets that systemd hands over (`LISTEN_FDS`, sd_listen_fds(3)).

use crate::app::Inherited;
use std::{
    net::TcpListener,
    os::fd::{FromRawFd, OwnedFd, RawFd},
};

/// Those that were handed to this process; none without systemd.
///
/// # Errors
/// What systemd said is no list of sockets.
pub(super) fn sockets() -> Result<Inherited, String> {
    let handed = sd_notify::listen_fds_with_names(false).map_err(|e| format!("the sockets of systemd: {e}"))?;
    Ok(Inherited::new(handed.map(|(fd, name)| (name, own(fd))).collect()))
}

fn own(fd: RawFd) -> TcpListener {
    #[expect(unsafe_code, reason = "the protocol of systemd hands over numbers; there is no safe way to take them")]
    // SAFETY: sd_listen_fds(3) gives these descriptors to this process alone (it checks LISTEN_PID), they are open (it
    // has just set a flag on each), and this is called once, before anything else could have taken them.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    fd.into()
}
