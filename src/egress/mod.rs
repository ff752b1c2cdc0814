//! The only place that builds a client for HTTP: every call out of the gateway goes through [`Egress::send`].
//!
//! - The socket address is judged just before it is connected to (`permit.rs`), for every request, whatever the name was
//!   resolved to a moment ago. Where one name has permitted and forbidden addresses, only the former are used.
//! - No redirect is followed, no proxy variable read, no cookie kept, nothing decompressed.
//! - Bounded: the whole request in time, the answer's head and body in size. A receiver that answers without end, or
//!   one byte a second, costs its bounds and no more.
//! - A failure says whether the request may have arrived ([`EgressError::leaves_no_doubt`]). Nothing is sent twice but
//!   a request of which no byte was handed to a connection that had been hung up.
//!
//! It sees the shared words of [`crate::model`] and nothing else: what is sent, why, and whether to try again is its
//! callers' business.

pub mod address;
mod error;
mod line;
#[cfg(feature = "brokers")]
mod named;
mod permit;
mod pool;
mod resolve;
mod target;

pub use error::EgressError;
pub use line::{Io, within};
pub use resolve::{Resolve, SystemResolver};

use crate::model::{
    clock::{Clock, Sleep},
    egress::{EgressEntry, Use},
    ids::AccountId,
    why::why,
};
use arc_swap::ArcSwap;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::Full;
use line::Connection;
use pool::{Pool, PoolKey};
use rustls::{ClientConfig, RootCertStore, pki_types::CertificateDer};
use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};
use target::{Host, Target};

/// How long a name server has, and then a connection with its TLS, within the whole.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How many addresses of one name are tried.
const MAX_ADDRESSES: usize = 8;
/// How long a connection that was just answered on may take to be free again.
const FREE_WITHIN: Duration = Duration::from_millis(50);

/// The way out. Clones share the list, the connections and the trust.
#[derive(Clone)]
pub struct Egress {
    shared: Arc<EgressInner>,
    /// Whose calls these are; none: the gateway's own.
    account: Option<AccountId>,
}

struct EgressInner {
    allow: ArcSwap<Vec<EgressEntry>>,
    resolver: Arc<dyn Resolve>,
    clock: Arc<dyn Clock>,
    #[cfg_attr(not(feature = "brokers"), expect(dead_code, reason = "whose clients make their TLS themselves"))]
    trusted: Arc<RootCertStore>,
    tls: Arc<ClientConfig>,
    pool: Pool,
}

pub struct Outbound<'a> {
    /// Any but `CONNECT`.
    pub method: Method,
    /// Where to, in full.
    pub url: &'a str,
    /// What to say besides; `Host`, `Accept-Encoding` and what frames the body are written here and not taken from it.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The bytes, sent as they are.
    pub body: Bytes,
    /// What for: an entry of the list is for some uses only.
    pub of: Use,
}

/// What one request may cost.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How long all of it may take, from the name to the last byte of the answer.
    pub timeout: Duration,
    /// How much of the answer's body is read.
    pub max_answer_bytes: usize,
}

/// An answer, whatever its status.
pub struct EgressResponse {
    /// As it came; a redirect is an answer like any other.
    pub status: StatusCode,
    /// As they came.
    pub headers: HeaderMap,
    /// The body, or its beginning.
    pub body: Bytes,
    /// Whether there was more of the body than may be read.
    pub truncated: bool,
}

/// Without the texts, which may be somebody's message or secret.
impl fmt::Debug for EgressResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, body, truncated, .. } = self;
        write!(f, "{status}, {} bytes{}", body.len(), if *truncated { " and more" } else { "" })
    }
}

impl Egress {
    /// A way out with this list, which trusts the authorities that browsers trust.
    pub fn new(allow: Vec<EgressEntry>, resolver: Arc<dyn Resolve>, clock: Arc<dyn Clock>) -> Self {
        Self::with_roots(allow, resolver, clock, Vec::new()).expect("the built-in authorities are good")
    }

    /// The same for this machine: its hosts file and its name servers.
    pub fn system(allow: Vec<EgressEntry>, clock: Arc<dyn Clock>) -> Self {
        Self::new(allow, Arc::new(SystemResolver::new(clock.clone())), clock)
    }

    /// The same, trusting `roots` as well.
    ///
    /// # Errors
    /// One of `roots` is no certificate of an authority.
    pub fn with_roots(
        allow: Vec<EgressEntry>,
        resolver: Arc<dyn Resolve>,
        clock: Arc<dyn Clock>,
        roots: Vec<CertificateDer<'static>>,
    ) -> Result<Self, rustls::Error> {
        let mut trusted: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        for root in roots {
            trusted.add(root)?;
        }
        let trusted = Arc::new(trusted);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(trusted.clone())
            .with_no_client_auth();
        let (allow, tls) = (ArcSwap::from_pointee(allow), Arc::new(tls));
        let shared = Arc::new(EgressInner { allow, resolver, clock, trusted, tls, pool: Pool::default() });
        Ok(Self { shared, account: None })
    }

    /// The same way for the calls of an account: entries may be for some accounts only.
    pub fn of_account(&self, account: AccountId) -> Self {
        Self { account: Some(account), ..self.clone() }
    }

    /// Replaces the list, from the next request on.
    pub fn set_allow(&self, allow: Vec<EgressEntry>) {
        self.shared.allow.store(Arc::new(allow));
    }

    /// What is wrong with `url` as far as its form shows it, for the moment when somebody types it in. The address is
    /// judged again at each request.
    ///
    /// # Errors
    /// [`EgressError::BadUrl`] and [`EgressError::Forbidden`].
    pub fn check_url(&self, url: &str, of: Use) -> Result<(), EgressError> {
        let target = Target::parse(url)?;
        permit::form(&self.entries(of, target.port), &target)
    }

    /// The entries for a use of this account's, with this port: no other counts.
    fn entries(&self, of: Use, port: u16) -> Vec<EgressEntry> {
        let all = self.shared.allow.load();
        all.iter().filter(|entry| entry.port == port && entry.is_for(of, self.account)).cloned().collect()
    }

    /// Sends `request` once and reads the answer.
    ///
    /// # Errors
    /// There is no whole answer; the kinds tell why.
    pub async fn send(&self, request: Outbound<'_>, bounds: Bounds) -> Result<EgressResponse, EgressError> {
        let (target, of) = (Target::parse(request.url)?, request.of);
        let request = written(&target, request)?;
        let clock = &self.shared.clock;
        let mut alarm = clock.sleep_until(clock.now().plus(bounds.timeout));
        let late = EgressError::TimedOut { sent: false, status: None };
        let addrs = within(&mut alarm, self.addresses(&target, of)).await.ok_or(late.clone())??;
        while let Some((line, place)) = self.waiting(&target, &addrs).await {
            match self.exchange((line, place), request.clone(), &mut alarm, bounds).await {
                // Hung up while it waited: as good as never sent.
                Err(EgressError::Broken { sent: false, .. }) => {}
                done => return done,
            }
        }
        let tls = target.tls.then_some((&self.shared.tls, &target.host));
        // Apart from the rest of a call, of which it is the greater part, and which most do without.
        let opened = Box::pin(line::open(&**clock, CONNECT_WITHIN.min(bounds.timeout), &addrs, tls));
        let (line, addr) = within(&mut alarm, opened).await.ok_or(late)??;
        let place = PoolKey::new(target.tls, target.host, addr);
        self.exchange((line, place), request, &mut alarm, bounds).await
    }

    /// Connects to the host of `url`, with TLS where it says `https`, for whoever speaks something else than HTTP over
    /// it; returns the connection and where it leads. Path and query count for nothing. The address is judged as for a
    /// request.
    ///
    /// # Errors
    /// No connection came about; no byte of the caller's has left.
    pub async fn dial(&self, url: &str, of: Use) -> Result<(Box<dyn Io>, SocketAddr), EgressError> {
        let target = Target::parse(url)?;
        let addrs = self.addresses(&target, of).await?;
        let tls = target.tls.then_some((&self.shared.tls, &target.host));
        line::dial(&*self.shared.clock, CONNECT_WITHIN, &addrs, tls).await
    }

    /// The addresses that may be called for `url` at this moment, judged as for a request: one at least, for a client that
    /// connects by itself.
    ///
    /// # Errors
    /// None may be called.
    pub async fn judged(&self, url: &str, of: Use) -> Result<Vec<SocketAddr>, EgressError> {
        self.addresses(&Target::parse(url)?, of).await
    }

    /// TLS for such a client: whoever it connects to, the certificate has to name the host of `url`.
    ///
    /// # Errors
    /// A host that no certificate can name.
    #[cfg(feature = "brokers")]
    pub fn tls_for(&self, url: &str) -> Result<ClientConfig, EgressError> {
        named::config(&self.shared.trusted, &Target::parse(url)?.host)
    }

    /// The addresses that may be called, as they are at this moment; IPv4 first, which more small networks route.
    async fn addresses(&self, target: &Target, of: Use) -> Result<Vec<SocketAddr>, EgressError> {
        let ips = match &target.host {
            Host::Ip(ip) => vec![*ip],
            Host::Name(name) if permit::is_loopback_name(name) => permit::LOOPBACK.to_vec(),
            Host::Name(name) => {
                let clock = &self.shared.clock;
                let mut alarm = clock.sleep_until(clock.now().plus(CONNECT_WITHIN));
                let found = within(&mut alarm, self.shared.resolver.resolve(name)).await;
                found.unwrap_or_else(|| Err("no answer in time".to_owned())).map_err(EgressError::Dns)?
            }
        };
        let mut good = permit::permitted(&self.entries(of, target.port), target, &ips)?;
        good.sort_by_key(SocketAddr::is_ipv6);
        good.truncate(MAX_ADDRESSES);
        Ok(good)
    }

    /// A waiting connection to one of the permitted addresses.
    async fn waiting(&self, target: &Target, addrs: &[SocketAddr]) -> Option<(Connection, PoolKey)> {
        let clock = &self.shared.clock;
        for addr in addrs {
            let place = PoolKey::new(target.tls, target.host.clone(), *addr);
            while let Some(mut line) = self.shared.pool.take(&place, clock.now()) {
                match line.is_ready().now_or_never() {
                    Some(true) => return Some((line, place)),
                    Some(false) => continue,
                    None => {}
                }
                let mut soon = clock.sleep_until(clock.now().plus(FREE_WITHIN));
                if within(&mut soon, line.is_ready()).await == Some(true) {
                    return Some((line, place));
                }
            }
        }
        None
    }

    async fn exchange(
        &self,
        (mut line, place): (Connection, PoolKey),
        request: Request<Full<Bytes>>,
        alarm: &mut Sleep<'_>,
        bounds: Bounds,
    ) -> Result<EgressResponse, EgressError> {
        let (inbound, again) = line.exchange(request, alarm, bounds).await?;
        if again {
            self.shared.pool.put(place, line, self.shared.clock.now());
        }
        Ok(inbound)
    }
}

/// Written by us or by the connection alone: what names the host, frames the body or changes the connection.
const OURS: [HeaderName; 10] = [
    header::HOST,
    header::ACCEPT_ENCODING,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::EXPECT,
    header::PROXY_AUTHORIZATION,
];

/// The request as it goes over the connection.
fn written(target: &Target, request: Outbound<'_>) -> Result<Request<Full<Bytes>>, EgressError> {
    if request.method == Method::CONNECT {
        return Err(EgressError::BadUrl(why!("url_host", "nothing is called with CONNECT")));
    }
    let host =
        HeaderValue::from_str(&target.authority()).map_err(|e| EgressError::BadUrl(why!("url_host", "{e}", e = e)))?;
    let mut out = Request::new(Full::new(request.body));
    *out.method_mut() = request.method;
    *out.uri_mut() = Uri::from(target.path.clone());
    let headers = out.headers_mut();
    // Those that are written here, and what frames the body.
    headers.reserve(request.headers.len() + 4);
    headers.insert(header::HOST, host);
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    for (name, value) in request.headers {
        if !OURS.contains(&name) && name != "keep-alive" && name != "proxy-connection" {
            headers.append(name, value);
        }
    }
    if !headers.contains_key(header::USER_AGENT) {
        headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("wa-gateway/", env!("CARGO_PKG_VERSION"))));
    }
    Ok(out)
}

#[cfg(test)]
mod tests;
