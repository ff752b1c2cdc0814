//! Whose request it is. Behind a proxy of ours, the client is the right-most address of `X-Forwarded-For` that is no
//! proxy of ours, and the scheme is the right-most of `X-Forwarded-Proto`; from anybody else those headers are just
//! claims.

use ::http::HeaderMap;
use ipnet::IpNet;
use std::net::IpAddr;

/// The address of who really asks.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut nearest = peer.to_canonical();
    if !is_trusted(nearest, trusted) {
        return nearest;
    }
    for hop in from_the_right(headers, "x-forwarded-for") {
        // What cannot be read ends the chain: nothing left of it can be believed.
        let Some(address) = hop.and_then(parse) else { break };
        nearest = address;
        if !is_trusted(address, trusted) {
            break;
        }
    }
    nearest
}

/// Whether who really asks came over TLS; `tls` is what the peer's connection is.
pub fn is_https(peer: IpAddr, tls: bool, headers: &HeaderMap, trusted: &[IpNet]) -> bool {
    if !is_trusted(peer.to_canonical(), trusted) {
        return tls;
    }
    match from_the_right(headers, "x-forwarded-proto").next().flatten() {
        Some(scheme) => scheme.eq_ignore_ascii_case("https"),
        None => tls,
    }
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(&address))
}

/// The members of a list header, the last of the last line first; none stands for a line that is no text.
fn from_the_right<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = Option<&'a str>> {
    let lines: Vec<_> = headers.get_all(name).iter().collect();
    lines.into_iter().rev().flat_map(|line| {
        let text = line.to_str().ok();
        text.map(|text| text.rsplit(',').map(str::trim))
            .into_iter()
            .flatten()
            .map(Some)
            .chain(text.is_none().then_some(None))
    })
}

/// An address, perhaps in brackets, perhaps with a port.
fn parse(text: &str) -> Option<IpAddr> {
    let is_port = |text: &str| text.parse::<u16>().is_ok() && text.bytes().all(|b| b.is_ascii_digit());
    let address: Option<IpAddr> = if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        let fits = after.is_empty() || after.strip_prefix(':').is_some_and(is_port);
        host.parse::<std::net::Ipv6Addr>().ok().filter(|_| fits).map(IpAddr::V6)
    } else if let Ok(address) = text.parse() {
        Some(address)
    } else {
        let (host, port) = text.rsplit_once(':')?;
        host.parse::<std::net::Ipv4Addr>().ok().filter(|_| is_port(port)).map(IpAddr::V4)
    };
    // An IPv4 address that is written as IPv6 is the IPv4 address.
    address.map(|a| a.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::http::HeaderValue;

    fn proxies() -> Vec<IpNet> {
        ["10.0.0.0/8", "fd00::/8"].iter().map(|n| n.parse().expect("a net")).collect()
    }

    fn headers(name: &'static str, lines: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, HeaderValue::from_bytes(line).expect("a value"));
        }
        headers
    }

    #[test]
    fn only_our_proxies_are_believed() {
        let rows: &[(&str, &[&[u8]], &str)] = &[
            // Nobody of ours: whatever it says.
            ("192.0.2.7", &[b"198.51.100.1"], "192.0.2.7"),
            ("192.0.2.7", &[b"10.0.0.1"], "192.0.2.7"),
            ("2001:db8::7", &[b"198.51.100.1"], "2001:db8::7"),
            ("::ffff:192.0.2.7", &[], "192.0.2.7"),
            // One of ours.
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[b""], "10.0.0.1"),
            ("10.0.0.1", &[b"198.51.100.1"], "198.51.100.1"),
            ("fd00::1", &[b" 198.51.100.1 "], "198.51.100.1"),
            ("::ffff:10.0.0.1", &[b"198.51.100.1"], "198.51.100.1"),
            // The client wrote the left part itself.
            ("10.0.0.1", &[b"1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &[b"1.1.1.1", b"198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &[b"10.0.0.7, 198.51.100.1"], "198.51.100.1"),
            // Several proxies of ours.
            ("10.0.0.1", &[b"1.1.1.1, 198.51.100.1, 10.2.3.4"], "198.51.100.1"),
            ("10.0.0.1", &[b"1.1.1.1", b"198.51.100.1, 10.0.0.9"], "198.51.100.1"),
            ("10.0.0.1", &[b"198.51.100.1, ::ffff:10.0.0.9"], "198.51.100.1"),
            ("10.0.0.1", &[b"10.0.0.2, 10.0.0.3"], "10.0.0.2"),
            // Spellings.
            ("10.0.0.1", &[b"2001:db8::1"], "2001:db8::1"),
            ("10.0.0.1", &[b"[2001:db8::1]"], "2001:db8::1"),
            ("10.0.0.1", &[b"[2001:db8::1]:443"], "2001:db8::1"),
            ("10.0.0.1", &[b"::ffff:198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &[b"198.51.100.1:5000"], "198.51.100.1"),
            // Garbage ends the chain.
            ("10.0.0.1", &[b"1.1.1.1, garbage, 10.0.0.9"], "10.0.0.9"),
            ("10.0.0.1", &[b"1.1.1.1, , 10.0.0.9"], "10.0.0.9"),
            ("10.0.0.1", &[b"1.1.1.1", b"\xff", b"10.0.0.9"], "10.0.0.9"),
            ("10.0.0.1", &[b"198.51.100.1:99999"], "10.0.0.1"),
            ("10.0.0.1", &[b"198.51.100.1:+80"], "10.0.0.1"),
            ("10.0.0.1", &[b"[2001:db8::1]x"], "10.0.0.1"),
            ("10.0.0.1", &[b"[198.51.100.1]"], "10.0.0.1"),
            ("10.0.0.1", &[b"198.51.100.01"], "10.0.0.1"),
            ("10.0.0.1", &[b"unknown"], "10.0.0.1"),
        ];
        for (peer, lines, expected) in rows {
            let headers = headers("x-forwarded-for", lines);
            let found = client_address(peer.parse().expect("an address"), &headers, &proxies());
            assert_eq!(found, expected.parse::<IpAddr>().expect("an address"), "{peer} {headers:?}");
        }
    }

    #[test]
    fn the_scheme_is_believed_from_our_proxies_alone() {
        let rows: &[(&str, bool, &[&[u8]], bool)] = &[
            ("192.0.2.7", false, &[b"https"], false),
            ("192.0.2.7", true, &[b"http"], true),
            ("10.0.0.1", false, &[b"https"], true),
            ("::ffff:10.0.0.1", false, &[b"HTTPS"], true),
            ("10.0.0.1", true, &[b"http"], false),
            ("10.0.0.1", false, &[b"https, http"], false),
            ("10.0.0.1", false, &[b"http", b"https"], true),
            ("10.0.0.1", false, &[b"gopher"], false),
            ("10.0.0.1", true, &[], true),
            ("10.0.0.1", false, &[], false),
        ];
        for (peer, tls, lines, expected) in rows {
            let headers = headers("x-forwarded-proto", lines);
            let found = is_https(peer.parse().expect("an address"), *tls, &headers, &proxies());
            assert_eq!(found, *expected, "{peer} {tls} {headers:?}");
        }
    }
}
