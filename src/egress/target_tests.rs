//! What is a URL of ours, and what only looks like one.

use super::*;

#[test]
fn plain_addresses_are_taken_apart() {
    let rows = [
        ("https://shop.example/hook", true, "shop.example", 443, "/hook"),
        ("https://SHOP.example.:8443", true, "shop.example", 8443, "/"),
        ("http://127.0.0.1:5678/a?b=c", false, "127.0.0.1", 5678, "/a?b=c"),
        ("https://[2001:db8::1]/x", true, "[2001:db8::1]", 443, "/x"),
        ("https://xn--mgbh0fb.example/", true, "xn--mgbh0fb.example", 443, "/"),
    ];
    for (url, tls, host, port, path) in rows {
        let target = Target::parse(url).unwrap_or_else(|e| panic!("{url}: {e}"));
        assert_eq!((target.tls, target.host.to_string().as_str(), target.port), (tls, host, port), "{url}");
        assert_eq!(target.path.as_str(), path, "{url}");
    }
}

#[test]
fn other_spellings_are_refused() {
    for url in [
        "",
        "shop.example",
        "ftp://shop.example/",
        "https://",
        "https:///x",
        "https://user:pw@shop.example/",
        "https://user@shop.example/",
        "https://shop.example:0/",
        "https://shop.example:99999/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://1.2.3.4.5/",
        "https://[fe80::1%25eth0]/",
        "https://[::1/",
        "https://shop example/",
        "https://shop.example/\r\nX: y",
        "https://مثال.example/",
        "https://shop.example/#part",
    ] {
        assert!(Target::parse(url).is_err(), "{url:?}");
    }
}
