//! An answer that is written piece by piece for as long as somebody reads it.

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream::BoxStream};
use std::{
    convert::Infallible,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll},
};
use warp::{Reply, reply::Response};

/// The answer with these pieces as its body. Who does not take them for as long as a listener bears is cut.
pub fn streamed(pieces: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    warp::reply::stream(Pieces(Mutex::new(pieces.boxed()))).into_response()
}

/// The lock is never contended: an answer wants to be shared between threads, and is read by one.
struct Pieces(Mutex<BoxStream<'static, Bytes>>);

impl Stream for Pieces {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let pieces = self.get_mut().0.get_mut().unwrap_or_else(PoisonError::into_inner);
        pieces.as_mut().poll_next(cx).map(|piece| piece.map(Ok))
    }
}
