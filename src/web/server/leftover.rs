//! What is left of a request's body when its answer is known already. HTTP/1 has one way only: what was not read stands
//! before the next request.

use super::{BoundedBody, timer};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

/// So much is read to keep a connection; in bytes.
const WORTH: u64 = 64 << 10;
/// For so long.
const PATIENCE: Duration = Duration::from_millis(200);

/// A request's body that its handler reads, while [`Leftover`] keeps an eye on it. The lock is never contended: who looks
/// at what is left does it when the handler is through.
pub struct SharedBody(Arc<Mutex<BoundedBody>>);

/// What the handler has left of it.
pub struct Leftover(Arc<Mutex<BoundedBody>>);

impl SharedBody {
    /// Shares a body.
    pub fn new(body: BoundedBody) -> (Self, Leftover) {
        let shared = Arc::new(Mutex::new(body));
        (Self(shared.clone()), Leftover(shared))
    }
}

impl Leftover {
    /// Reads the rest of a small body, so that the connection can be used again; says whether it can. `is_sent`: the
    /// client sends its body without being asked for it first.
    pub async fn drain(self, is_sent: bool) -> bool {
        if lock(&self.0).is_over() {
            return true;
        }
        if !is_sent || lock(&self.0).size_hint().upper().is_none_or(|left| left > WORTH) {
            return false;
        }
        let all = async { while let Some(Ok(_)) = poll_fn(|cx| Pin::new(&mut *lock(&self.0)).poll_frame(cx)).await {} };
        timer::within(PATIENCE, all).await.is_some() && lock(&self.0).is_over()
    }
}

fn lock(body: &Mutex<BoundedBody>) -> MutexGuard<'_, BoundedBody> {
    body.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Body for SharedBody {
    type Data = Bytes;
    type Error = <BoundedBody as Body>::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut *lock(&self.0)).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        lock(&self.0).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        lock(&self.0).size_hint()
    }
}
