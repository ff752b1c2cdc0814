//! A request's body with a deadline for the whole of it and a hard limit of bytes. Nothing is paid for them by a body
//! that is there at once: the timer is made when one has to wait.

use super::Limits;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{LengthLimitError, Limited};
use hyper::body::Incoming;
use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::time::Sleep;

/// See the file's description.
pub struct BoundedBody {
    inner: Limited<Incoming>,
    limits: Arc<Limits>,
    deadline: Option<Pin<Box<Sleep>>>,
}

/// Why a body ended early.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It did not arrive in time.
    #[error("the body did not arrive in time")]
    TimedOut,
    /// It is larger than anything here takes.
    #[error("the body is too large")]
    TooLarge,
    /// The connection broke.
    #[error("the body broke off: {0}")]
    Broken(Box<dyn std::error::Error + Send + Sync>),
}

impl BoundedBody {
    pub(super) fn new(body: Incoming, limits: &Arc<Limits>) -> Self {
        Self { inner: Limited::new(body, limits.body_bytes), limits: limits.clone(), deadline: None }
    }
}

impl Body for BoundedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) {
            return Poll::Ready(frame.map(|f| {
                f.map_err(|e| if e.is::<LengthLimitError>() { BodyError::TooLarge } else { BodyError::Broken(e) })
            }));
        }
        let deadline = this.deadline.get_or_insert_with(|| Box::pin(super::conn::timer(this.limits.body)));
        match deadline.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Some(Err(BodyError::TimedOut))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
