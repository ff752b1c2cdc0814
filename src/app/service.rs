//! The table as one service for a listener. Each request gets its id; its target is judged before anything else sees it;
//! then the one filter makes an [`Incoming`] of it, the router finds its line, [`super::access`] judges who asks. Each
//! answer carries the id, and what every answer must say.

use super::{access, routes::ROUTER};
use crate::{
    dialects::AppState,
    gateway::Gateway,
    model::{clock::Time, code::Code, random::base62},
    portal,
    web::{
        Incoming, Listener, RequestId, RequestTarget, incoming, problem,
        server::{BoundedBody, SharedBody},
        zipped,
    },
};
use ::http::{HeaderValue, Request, StatusCode, Version, header};
use futures_util::FutureExt;
use std::{
    convert::Infallible,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};
use tower::Service;
use warp::{Filter, Reply, filters::BoxedFilter, reply::Response};

/// For how long browsers are to come with TLS alone. Of this name only: others below it are none of our business.
const ONE_YEAR: &str = "max-age=31536000";
/// Strangers may be able to make a library fail again and again: it is told of this often, not each time.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// What is answered while another machine may serve: how this one is.
const OF_THE_MACHINE: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// The service of one listener.
pub fn gateway_service(
    state: &Arc<AppState>,
    listener: Listener,
) -> impl Service<Request<BoundedBody>, Response = Response, Error = Infallible, Future: Send + 'static>
+ Clone
+ Send
+ Sync
+ 'static {
    let told_at = Arc::new(AtomicI64::new(i64::MIN));
    GatewayService { inner: warp::service(filter(state)), state: state.clone(), listener, told_at }
}

/// Every request, as one filter that always answers.
fn filter(state: &Arc<AppState>) -> BoxedFilter<(Response,)> {
    let state = state.clone();
    incoming::any()
        .then(move |incoming: Incoming| {
            let state = state.clone();
            async move { dispatch(&state, incoming).await }
        })
        .boxed()
}

/// The answer of the line that a request is for. A handler that panics is an error of ours: it is told of each time.
async fn dispatch(state: &Arc<AppState>, incoming: Incoming) -> Response {
    if let Some(why) = state.fence.why_closed()
        && !OF_THE_MACHINE.contains(&incoming.path.as_str())
    {
        return problem::another_machine(&why);
    }
    let request_id = incoming.request_id.clone();
    let found = ROUTER.find(incoming.listener, &incoming.method, &incoming.path, &incoming.headers);
    let Some((route, segments)) = found else { return unmatched(state, incoming).await };
    let answer = access::answer(state, route, Incoming { segments, ..incoming });
    AssertUnwindSafe(answer).catch_unwind().await.unwrap_or_else(|_| {
        // The panic's text is on stderr by the panic hook; the caller gets nothing of it.
        tracing::error!(request_id, "a handler panicked");
        problem::code(Code::InternalError)
    })
}

/// 404, or 405 where the path is served with other methods.
async fn unmatched(state: &AppState, incoming: Incoming) -> Response {
    let allowed = ROUTER.allowed(incoming.listener, &incoming.path);
    let is_api = incoming.path.starts_with("/api/") || incoming.path.starts_with("/integrations/");
    if is_api || incoming.listener == Listener::Metrics || !incoming.wants_html() {
        problem::unmatched(&allowed)
    } else {
        portal::unmatched(state, incoming, &allowed).await
    }
}

#[derive(Clone)]
struct GatewayService<S> {
    inner: S,
    state: Arc<AppState>,
    listener: Listener,
    /// When it was last told that something below the handlers panicked; in milliseconds.
    told_at: Arc<AtomicI64>,
}

impl<S> Service<Request<BoundedBody>> for GatewayService<S>
where
    S: Service<Request<SharedBody>, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<BoundedBody>) -> Self::Future {
        let mut service = self.clone();
        Box::pin(async move { Ok(service.answer(request).await) })
    }
}

impl<S> GatewayService<S>
where
    S: Service<Request<SharedBody>, Response = Response, Error = Infallible>,
{
    async fn answer(&mut self, request: Request<BoundedBody>) -> Response {
        let (state, begun) = (self.state.clone(), self.state.clock.now());
        let id = format!("req_{}", base62(&*state.random, 20));
        let is_h1 = request.version() < Version::HTTP_2;
        // Who waits for a word before the body is not sent it for a body that nobody reads.
        let is_sent = !request.headers().contains_key(header::EXPECT);
        let target = RequestTarget::of(&request);
        let (mut head, body) = request.into_parts();
        let takes_gzip = zipped::is_taken(&head.headers);
        let (body, leftover) = SharedBody::new(body);
        let mut response = match target {
            Ok(target) => {
                head.extensions.insert(RequestId(id.clone()));
                head.extensions.insert(self.listener);
                head.extensions.insert(target);
                // Nothing below needs it any more.
                head.uri = ::http::Uri::default();
                self.judged(Request::from_parts(head, body), begun).await
            }
            Err(bad) => bad.answer(),
        };
        if is_h1 && response.status() != StatusCode::SWITCHING_PROTOCOLS && !leftover.drain(is_sent).await {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if takes_gzip {
            response = zipped::zipped(response, &*state.random).await;
        }
        state.metrics.answered(response.status().as_u16(), state.clock.now().since(begun));
        finish(&mut response, &id);
        if self.listener == Listener::Public && is_trusted(&state) {
            response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(ONE_YEAR));
        }
        response
    }

    /// What panics here is no handler: the request is none that anything could have been done with.
    async fn judged(&mut self, request: Request<SharedBody>, now: Time) -> Response {
        let inner = &mut self.inner;
        let answer = AssertUnwindSafe(async move { inner.call(request).await }).catch_unwind().await;
        match answer {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => {
                let told_at = self.told_at.load(Relaxed);
                let is_due = told_at == i64::MIN || now.since(Time::from_millis(told_at)) >= TOLD_EVERY;
                if is_due && self.told_at.compare_exchange(told_at, now.millis(), Relaxed, Relaxed).is_ok() {
                    tracing::error!("requests that could not be read are answered 400; this is told once a minute");
                }
                StatusCode::BAD_REQUEST.into_response()
            }
        }
    }
}

/// What every answer says. What says nothing of how long it may be kept is somebody's own, and is kept by nobody.
fn finish(response: &mut Response, id: &str) {
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert("x-request-id", value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// Only where a browser that trusts us today will find us trusted again.
fn is_trusted(gateway: &Gateway) -> bool {
    gateway.keeper.get().is_some_and(|keeper| keeper.certificate().is_trusted())
}
