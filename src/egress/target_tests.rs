//! What is a URL of ours, and what only looks like one.

use super::*;

#[test]
fn a_url_is_taken_apart() {
    for (url, tls, host, port, path, authority) in [
        ("https://example.com", true, "example.com", 443, "/", "example.com"),
        ("HTTPS://Example.COM./a/b?c=d", true, "example.com", 443, "/a/b?c=d", "example.com"),
        ("https://example.com?x=@1", true, "example.com", 443, "/?x=@1", "example.com"),
        ("http://n8n.lan:5678/webhook/a%20b", false, "n8n.lan", 5678, "/webhook/a%20b", "n8n.lan:5678"),
        ("http://127.0.0.1:80/", false, "127.0.0.1", 80, "/", "127.0.0.1"),
        ("https://[2606:4700::1111]:8443/", true, "[2606:4700::1111]", 8443, "/", "[2606:4700::1111]:8443"),
        ("https://[::ffff:8.8.8.8]/", true, "8.8.8.8", 443, "/", "8.8.8.8"),
        ("https://xn--mgbh0fb.example/", true, "xn--mgbh0fb.example", 443, "/", "xn--mgbh0fb.example"),
        ("https://my_host.example/../x", true, "my_host.example", 443, "/../x", "my_host.example"),
    ] {
        let target = Target::parse(url).unwrap_or_else(|e| panic!("{url}: {e}"));
        let got = (target.tls, target.host.to_string(), target.port, target.path.as_str(), target.authority());
        assert_eq!(got, (tls, host.to_owned(), port, path, authority.to_owned()), "{url}");
    }
}

#[test]
fn unusual_spellings_of_an_address_are_refused_with_the_plain_one() {
    for (host, plain) in [
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0X7F.1", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("0177.0x0.0.01", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("127.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("0251.0376.0251.0376", "169.254.169.254"),
        ("169.16689662", "169.254.169.254"),
        ("0xa9fea9fe", "169.254.169.254"),
        ("010.0.0.1", "8.0.0.1"),
        ("0x08.8.8.8", "8.8.8.8"),
        ("0", "0.0.0.0"),
        ("0x", "0.0.0.0"),
    ] {
        let error = Target::parse(&format!("https://{host}/")).expect_err(host).to_string();
        assert!(error.ends_with(&format!("write {plain}")), "{host}: {error}");
    }
}

#[test]
fn what_is_not_plainly_a_url_is_refused() {
    for url in [
        "",
        "example.com",
        "//example.com/",
        "https:/example.com",
        "https:example.com",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "javascript://x/",
        "https://",
        "https:///",
        "https://?",
        "https://:443/",
        "https://user@example.com/",
        "https://user:pw@example.com/",
        "https://@example.com/",
        "https://127.0.0.1:80@example.com/",
        "https://example.com:0/",
        "https://example.com:/",
        "https://example.com:65536/",
        "https://example.com:+80/",
        "https://example.com:8a/",
        "https://example.com:1:2/",
        "https://example.com/#x",
        "https://example.com#@x/",
        "https://example.com\\@x/",
        "https:\\\\example.com/",
        "https://exa mple.com/",
        " https://example.com/",
        "https://example.com/\r\nHost: x",
        "https://example.com/\0",
        "https://example..com/",
        "https://example.com../",
        "https://.example.com/",
        "https://./",
        "https://-a.com/",
        "https://a.1/",
        "https://256.1.1.1/",
        "https://1.2.3.4.5/",
        "https://4294967296/",
        "https://127.0.0.08/",
        "https://0x7g.1/",
        "https://1.2.3.0xfff/",
        "https://%31%32%37.0.0.1/",
        "https://exam%70le.com/",
        "https://[::1/",
        "https://[::1]x/",
        "https://[::1]x:80/",
        "https://[fe80::1%25eth0]/",
        "https://[fe80::1%eth0]/",
        "https://[127.0.0.1]/",
        "https://::1/",
        "https://[]/",
        "https://[v1.x]/",
        "https://\u{ff11}\u{ff12}7.0.0.1/",
        "https://\u{2460}27.0.0.1/",
        "https://b\u{fc}cher.example/",
        "https://127\u{3002}0.0.1/",
        "https://a,b/",
        "https://localhost\u{200b}/",
    ] {
        assert!(matches!(Target::parse(url), Err(EgressError::BadUrl(_))), "{url:?}");
    }
    assert!(Target::parse(&format!("https://example.com/{}", "a".repeat(MAX_URL))).is_err(), "too long");
}
