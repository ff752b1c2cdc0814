//! What is permitted before a connection is made, and what entries open.

use super::*;
use crate::model::clock::SystemClock;

fn with(allow: &[&str]) -> Egress {
    let allow = allow.iter().map(|entry| entry.parse().expect("an entry")).collect();
    Egress::system(allow, Arc::new(SystemClock))
}

#[test]
fn a_url_is_judged_when_it_is_typed_in() {
    let none = with(&[]);
    for good in ["https://example.com/", "https://8.8.8.8:8443/", "https://[2606:4700::1111]/", "https://n8n.lan:5678/"]
    {
        assert_eq!(none.check_url(good, Use::Webhooks), Ok(()), "{good}");
    }
    for (url, entry) in [
        ("http://example.com/", Some("example.com:80")),
        ("http://8.8.8.8/", Some("8.8.8.8:80")),
        ("http://n8n.lan:5678/", Some("n8n.lan:5678")),
        ("https://127.0.0.1:5678/", Some("127.0.0.1:5678")),
        ("http://localhost:5678/", Some("127.0.0.1:5678")),
        ("https://a.localhost./", Some("127.0.0.1:443")),
        ("https://[::1]/", Some("[::1]:443")),
        ("https://[::ffff:10.0.0.1]/", Some("10.0.0.1:443")),
        ("https://[64:ff9b::a00:1]/", Some("[64:ff9b::a00:1]:443")),
        ("https://192.168.1.1/", Some("192.168.1.1:443")),
        ("https://169.254.169.254/", None),
        ("https://[fe80::1]/", None),
        ("https://[fd00:ec2::254]/", None),
        ("https://0.0.0.0/", None),
        ("https://[::]/", None),
        ("https://224.0.0.1/", None),
    ] {
        let Err(EgressError::Forbidden { entry: got, .. }) = none.check_url(url, Use::Webhooks) else {
            panic!("{url}")
        };
        assert_eq!(got.map(|e| e.to_string()).as_deref(), entry, "{url}");
        // What the error proposes is what helps.
        if let Some(entry) = entry {
            assert_eq!(with(&[entry]).check_url(url, Use::Webhooks), Ok(()), "{url} with {entry}");
        }
    }
    let error = none.check_url("http://127.0.0.1:5678/", Use::Webhooks).expect_err("not listed").to_string();
    assert_eq!(error, "127.0.0.1 is a loopback address; add 127.0.0.1:5678 to egress.allow");
}

#[test]
fn an_entry_opens_its_own_port_and_never_a_metadata_address() {
    let listed = with(&["127.0.0.1:5678", "192.168.10.0/24:443", "n8n.lan:80", "[fd00::/8]:443"]);
    for good in [
        "http://127.0.0.1:5678/",
        "http://localhost:5678/",
        "https://192.168.10.255/",
        "http://n8n.lan/",
        "https://[fd12::1]/",
    ] {
        assert_eq!(listed.check_url(good, Use::Webhooks), Ok(()), "{good}");
    }
    for bad in [
        "http://127.0.0.1:5679/",
        "http://127.0.0.2:5678/",
        "https://192.168.11.0/",
        "http://n8n.lan:81/",
        "http://x.n8n.lan:82/",
        "https://[fd00:ec2::254]/",
    ] {
        assert!(matches!(listed.check_url(bad, Use::Webhooks), Err(EgressError::Forbidden { .. })), "{bad}");
    }
    let all = with(&["0.0.0.0/0:80", "[::/0]:80"]);
    for never in
        ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "0.0.0.0", "100.100.100.200"]
    {
        let error = all.check_url(&format!("http://{never}/"), Use::Webhooks).expect_err(never);
        assert!(matches!(error, EgressError::Forbidden { entry: None, .. }), "{never}: {error}");
    }
    all.set_allow(Vec::new());
    assert!(all.check_url("http://10.0.0.1/", Use::Webhooks).is_err(), "the list is replaced at once");
}

#[test]
fn an_entry_for_an_account_opens_nothing_to_others() {
    let listed = with(&["127.0.0.1:5678 webhooks accounts=3,7", "127.0.0.1:80"]);
    let of = |account| listed.of_account(AccountId(account));
    let (named, open) = ("http://127.0.0.1:5678/", "http://127.0.0.1/");
    for (egress, goes) in [(of(3), true), (of(7), true), (of(4), false), (listed.clone(), false)] {
        assert_eq!(egress.check_url(named, Use::Webhooks).is_ok(), goes);
        assert!(egress.check_url(named, Use::Connectors).is_err(), "another use");
        assert_eq!(egress.check_url(open, Use::Webhooks), Ok(()), "an entry for everybody");
    }
}

#[test]
fn doubt_begins_with_the_first_byte() {
    let of = |sent| [EgressError::TimedOut { sent, status: None }, EgressError::Broken { sent, status: None }];
    assert!(of(false).iter().all(EgressError::leaves_no_doubt));
    assert!(!of(true).iter().any(EgressError::leaves_no_doubt));
    for kind in [EgressError::Dns, EgressError::Connect, EgressError::Tls] {
        assert!(kind(String::new()).leaves_no_doubt());
    }
    assert!(EgressError::BadUrl(crate::model::why::why!("url_host", "x")).leaves_no_doubt());
}

#[tokio::test]
async fn the_machines_own_names_need_no_name_server() {
    let resolver = SystemResolver::new(Arc::new(SystemClock));
    for name in ["localhost", "a.localhost"] {
        assert_eq!(resolver.resolve(name).await, Ok(permit::LOOPBACK.to_vec()), "{name}");
    }
}
