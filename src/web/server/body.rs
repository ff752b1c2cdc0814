//! Bodies, both ways.
//!
//! A request's body ends in time, and is bounded in bytes whatever its route says. Nothing is paid for that by a body
//! that is there at once: the timer is made when one has to wait.
//!
//! An answer's body says that the request is under way until its last byte is handed over.

use super::{ServerLimits, table::ConnectionSlot, timer};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::{
    error::Error,
    future::Future,
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep};

/// A request's body, with a deadline that grows with what has come.
pub struct BoundedBody {
    inner: Incoming,
    limits: Arc<ServerLimits>,
    slot: Arc<ConnectionSlot>,
    came: u64,
    ended: bool,
    waits: bool,
    patience: Option<Patience>,
}

/// Why a body ended early. warp wraps it: [`BodyError::of`] finds it again.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It did not arrive in time.
    #[error("the body did not arrive in time")]
    TimedOut,
    /// It is larger than anything here takes.
    #[error("the body is too large")]
    TooLarge,
    /// The connection broke, or what came is no HTTP.
    #[error("the body broke off: {0}")]
    Broken(hyper::Error),
}

impl BodyError {
    /// The body's error behind another, if it is one.
    pub fn of<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            next = error.source();
        }
        None
    }
}

/// Made when a body is waited for, for the first time.
struct Patience {
    started: Instant,
    /// Something came since the timer was set.
    came: bool,
    timer: Pin<Box<Sleep>>,
}

impl BoundedBody {
    pub(super) fn new(body: Incoming, limits: &Arc<ServerLimits>, slot: &Arc<ConnectionSlot>) -> Self {
        let (limits, slot) = (limits.clone(), slot.clone());
        Self { inner: body, limits, slot, came: 0, ended: false, waits: false, patience: None }
    }

    /// Whether there is no more of it to come.
    pub(super) fn is_over(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn took(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, BodyError> {
        if let Some(patience) = &mut self.patience {
            patience.came = true;
        }
        self.came += frame.data_ref().map_or(0, |data| data.len() as u64);
        if self.came > self.limits.body_bytes as u64 { Err(BodyError::TooLarge) } else { Ok(frame) }
    }

    /// Whether it was waited for long enough.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let limits = &self.limits;
        let patience = self.patience.get_or_insert_with(|| {
            let timer = Box::pin(timer::after(limits.body));
            Patience { started: timer::now(), came: false, timer }
        });
        if std::mem::take(&mut patience.came) {
            let earned = Duration::from_secs(self.came / limits.body_rate.max(1));
            let end = patience.started + limits.body.saturating_add(earned).min(limits.body_longest);
            patience.timer.as_mut().reset(end.min(timer::now() + limits.body));
        }
        patience.timer.as_mut().poll(cx).is_ready()
    }

    fn set_waits(&mut self, waits: bool) {
        if waits == self.waits {
            return;
        }
        self.waits = waits;
        if waits {
            self.slot.slot_state.waiting.fetch_add(1, Relaxed);
        } else {
            self.slot.slot_state.waiting.fetch_sub(1, Relaxed);
        }
    }
}

impl Body for BoundedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_frame(cx);
        this.set_waits(polled.is_pending());
        Poll::Ready(match polled {
            Poll::Ready(Some(Ok(frame))) => Some(this.took(frame)),
            Poll::Ready(Some(Err(e))) => Some(Err(BodyError::Broken(e))),
            Poll::Ready(None) => {
                this.ended = true;
                None
            }
            Poll::Pending if this.is_late(cx) => Some(Err(BodyError::TimedOut)),
            Poll::Pending => return Poll::Pending,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for BoundedBody {
    fn drop(&mut self) {
        self.set_waits(false);
        if !self.is_over() {
            self.slot.unread.store(true, Relaxed);
        }
    }
}

/// A request under way.
pub(super) struct Busy(Arc<ConnectionSlot>);

impl Busy {
    pub(super) fn new(slot: &Arc<ConnectionSlot>) -> Self {
        slot.requests.fetch_add(1, Relaxed);
        slot.slot_state.busy.fetch_add(1, Relaxed);
        Self(slot.clone())
    }

    /// On which connection.
    pub(super) fn slot(&self) -> &ConnectionSlot {
        &self.0
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        // What was read until now belonged to this request.
        self.0.reads.store(0, Relaxed);
        self.0.slot_state.busy.fetch_sub(1, Relaxed);
    }
}

pin_project_lite::pin_project! {
    /// An answer's body.
    pub(super) struct AnswerBody<B> {
        #[pin]
        inner: B,
        // Held until the answer is handed over, or given up.
        busy: Option<Busy>,
    }
}

impl<B> AnswerBody<B> {
    pub(super) fn new(inner: B, busy: Option<Busy>) -> Self {
        Self { inner, busy }
    }
}

impl<B: Body> Body for AnswerBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().inner.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
