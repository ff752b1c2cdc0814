//! The routes as one service for a listener: each request gets its id, each answer carries it.

use super::routes::routes;
use crate::{
    gateway::Gateway,
    model::{code::Code, random::base62},
    web::{Listener, RequestId, problem},
};
use ::http::{HeaderValue, Request, header::STRICT_TRANSPORT_SECURITY};
use futures_util::FutureExt;
use std::{
    convert::Infallible,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tower::Service;
use warp::reply::Response;

/// For how long browsers are to come with TLS alone. Of this name only: others below it are none of our business.
const ONE_YEAR: &str = "max-age=31536000";

/// The service of one listener.
pub fn gateway_service<B>(
    gateway: &Arc<Gateway>,
    listener: Listener,
) -> impl Service<Request<B>, Response = Response, Error = Infallible, Future: Send + 'static> + Clone + Send + Sync + 'static
where
    B: http_body::Body + Send + Sync + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    GatewayService { inner: warp::service(routes(gateway)), gateway: gateway.clone(), listener }
}

#[derive(Clone)]
struct GatewayService<S> {
    inner: S,
    gateway: Arc<Gateway>,
    listener: Listener,
}

impl<S, B> Service<Request<B>> for GatewayService<S>
where
    S: Service<Request<B>, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let id = format!("req_{}", base62(&*self.gateway.random, 20));
        // It is plain HTTP, and perhaps open to another machine: no keys, no sessions, no messages there.
        if self.listener == Listener::Metrics && request.uri().path() != "/metrics" {
            return Box::pin(std::future::ready(Ok(with_id(problem::code(Code::NotFound), &id))));
        }
        request.extensions_mut().insert(RequestId(id.clone()));
        request.extensions_mut().insert(self.listener);
        // Only where a browser that trusts us today will find us trusted again.
        let is_trusted = || self.gateway.keeper.get().is_some_and(|keeper| keeper.certificate().is_trusted());
        let only_tls = self.listener == Listener::Public && is_trusted();
        let (metrics, clock) = (self.gateway.metrics.clone(), self.gateway.clock.clone());
        let begun = clock.now();
        let answer = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        Box::pin(async move {
            let mut response = match answer.await {
                Ok(Ok(response)) => response,
                // The panic's text is on stderr by the panic hook; the caller gets nothing of it.
                Ok(Err(_)) | Err(_) => {
                    tracing::error!(request_id = id, "a handler panicked");
                    problem::code(Code::InternalError)
                }
            };
            metrics.answered(response.status().as_u16(), clock.now().since(begun));
            if only_tls {
                response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(ONE_YEAR));
            }
            Ok(with_id(response, &id))
        })
    }
}

fn with_id(mut response: Response, id: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}
