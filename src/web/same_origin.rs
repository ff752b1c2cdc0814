//! Whether a request comes from one of our own pages. Cookies go with a foreign page's requests, too: what changes
//! something, and what listens, is asked this first.

use super::Incoming;
use crate::gateway::Gateway;
use ::http::HeaderMap;

/// Where a request comes from, as the browser says; a page cannot make it say anything else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// One of our own pages.
    Own,
    /// Somewhere else, or what cannot be read.
    Foreign,
    /// Nothing says it: a program, or a browser from before 2020.
    Unsaid,
}

impl Origin {
    /// By `Sec-Fetch-Site` where it is there, else by `Origin`, else by `Referer`. Ours are the address that the request
    /// was sent to, with its scheme, and the configured one: a proxy may have put another host in its place.
    pub fn of(incoming: &Incoming, gateway: &Gateway) -> Self {
        let scheme = if incoming.is_https(gateway) { "https" } else { "http" };
        Self::read(&incoming.headers, &[&format!("{scheme}://{}", incoming.host), &gateway.public_url])
    }

    fn read(headers: &HeaderMap, own: &[&str]) -> Self {
        let told = |is_own: bool| if is_own { Self::Own } else { Self::Foreign };
        if let Some(site) = once(headers, "sec-fetch-site") {
            return told(site == Some("same-origin"));
        }
        let Some(origin) = once(headers, "origin").or_else(|| once(headers, "referer")) else { return Self::Unsaid };
        let origin = origin.and_then(normal);
        told(origin.is_some() && own.iter().any(|own| normal(own) == origin))
    }
}

/// A request that no form of another site can make without one of the headers that give it away, in no browser of the
/// last ten years: it is a program's, which has its cookie from a login of its own.
pub fn is_program(incoming: &Incoming) -> bool {
    const FORMS: [&str; 3] = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];
    let essence = |text: &str| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match once(&incoming.headers, "content-type") {
        None => true,
        Some(kind) => kind.is_some_and(|kind| !FORMS.contains(&essence(kind).as_str())),
    }
}

/// A header that is there; none inside where it is there twice, or is no text.
fn once<'a>(headers: &'a HeaderMap, name: &str) -> Option<Option<&'a str>> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?;
    Some(if all.next().is_some() { None } else { first.to_str().ok() })
}

/// Scheme, host and port of an address, with the port that its scheme has by itself left out.
fn normal(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let (scheme, host) = (scheme.to_ascii_lowercase(), rest.split('/').next()?.to_ascii_lowercase());
    let own_port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let host = host.strip_suffix(own_port).unwrap_or(&host);
    (!host.is_empty()).then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::http::{HeaderName, HeaderValue};

    #[test]
    fn pages_of_ours_are_told_from_all_others() {
        use Origin::{Foreign, Own, Unsaid};
        let rows: &[(&[(&str, &str)], Origin)] = &[
            (&[], Unsaid),
            (&[("sec-fetch-site", "same-origin")], Own),
            (&[("sec-fetch-site", "same-site")], Foreign),
            (&[("sec-fetch-site", "cross-site")], Foreign),
            (&[("sec-fetch-site", "none")], Foreign),
            (&[("sec-fetch-site", "")], Foreign),
            (&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")], Foreign),
            (&[("sec-fetch-site", "cross-site"), ("origin", "http://shop.lan:8080")], Foreign),
            (&[("origin", "http://shop.lan:8080")], Own),
            (&[("origin", "HTTP://Shop.LAN:8080")], Own),
            (&[("origin", "https://shop.lan:8080")], Foreign),
            (&[("origin", "http://shop.lan")], Foreign),
            (&[("origin", "http://shop.lan:8081")], Foreign),
            (&[("origin", "http://shop.lan:8080.evil.example")], Foreign),
            (&[("origin", "http://evil.example/http://shop.lan:8080")], Foreign),
            (&[("origin", "https://wa.example.com")], Own),
            (&[("origin", "https://wa.example.com:443")], Own),
            (&[("origin", "http://wa.example.com")], Foreign),
            (&[("origin", "null")], Foreign),
            (&[("origin", "")], Foreign),
            (&[("origin", "://")], Foreign),
            (&[("origin", "http://shop.lan:8080"), ("origin", "http://shop.lan:8080")], Foreign),
            (&[("origin", "https://evil.example"), ("referer", "http://shop.lan:8080/x")], Foreign),
            (&[("referer", "http://shop.lan:8080/overview?x=1")], Own),
            (&[("referer", "http://user@shop.lan:8080/")], Foreign),
            (&[("referer", "https://evil.example/")], Foreign),
        ];
        for (headers, expected) in rows {
            let mut map = HeaderMap::new();
            for (name, value) in *headers {
                let name: HeaderName = name.parse().expect("a name");
                map.append(name, HeaderValue::from_static(value));
            }
            let found = Origin::read(&map, &["http://shop.lan:8080", "https://wa.example.com"]);
            assert_eq!(found, *expected, "{headers:?}");
        }
    }
}
