//! The time-outs of sockets: the one place where the server asks the machine's own timer. Sockets live in real time,
//! whatever the gateway's clock says; nothing else of the gateway may be timed here.

#![expect(clippy::disallowed_methods, reason = "socket time-outs are the kernel's business, not the gateway's clock's")]

use std::{future::Future, pin::Pin, time::Duration};
use tokio::time::{Instant, Sleep};

pub(super) fn now() -> Instant {
    Instant::now()
}

pub(super) fn after(d: Duration) -> Sleep {
    tokio::time::sleep(d)
}

/// Sets a timer anew.
pub(super) fn again(timer: Pin<&mut Sleep>, d: Duration) {
    timer.reset(Instant::now() + d);
}

/// The future's value, if it ends within `d`.
pub(super) async fn within<T>(d: Duration, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(d, future).await.ok()
}
