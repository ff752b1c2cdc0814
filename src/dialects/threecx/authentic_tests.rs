//! Proving requests, without HTTP: tables of networks, timestamps and signatures.

use super::*;
use proptest::prelude::*;

fn within(networks: &[&str], address: &str) -> bool {
    let list: Vec<String> = networks.iter().map(ToString::to_string).collect();
    is_within(&masks(&list), address.parse().expect("an address"))
}

#[test]
fn networks_hold_what_they_say() {
    for (networks, address, expected) in [
        (&["192.0.2.0/24"][..], "192.0.2.0", true),
        (&["192.0.2.0/24"], "192.0.2.255", true),
        (&["192.0.2.0/24"], "192.0.3.0", false),
        (&["192.0.2.7/32"], "192.0.2.7", true),
        (&["192.0.2.7/32"], "192.0.2.6", false),
        (&["192.0.2.7/32"], "::ffff:192.0.2.7", true),
        (&["0.0.0.0/0"], "203.0.113.9", true),
        (&["0.0.0.0/0"], "2001:db8::1", false),
        (&["::/0"], "2001:db8::1", true),
        (&["2001:db8::/32"], "2001:db8:ffff::1", true),
        (&["2001:db8::/32"], "2001:db9::1", false),
        (&["2001:db8::1/128"], "2001:db8::1", true),
        (&["2001:db8::1/128"], "2001:db8::2", false),
        (&["10.0.0.0/8", "2001:db8::/32", "192.0.2.0/24"], "192.0.2.1", true),
        (&["10.0.0.0/8", "2001:db8::/32", "192.0.2.0/24"], "192.0.1.1", false),
        // Nobody, not even the address of nobody.
        (&[], "::", false),
        (&[], "::1", false),
        (&["10.0.0.0/8"], "::", false),
        (&["10.0.0.0/8"], "::1", false),
    ] {
        assert_eq!(within(networks, address), expected, "{networks:?} {address}");
    }
    let full: Vec<String> = (0..ALLOW_MAX).map(|n| format!("10.0.{n}.0/24")).collect();
    assert!(is_within(&masks(&full), "10.0.63.1".parse().expect("an address")), "the last of a full list counts");
}

#[test]
fn timestamps_are_seconds_or_rfc_3339() {
    let at = |text: &str| parse_timestamp(text).map(Time::millis);
    for (text, millis) in [
        ("1780000000", Some(1_780_000_000_000)),
        ("0", Some(0)),
        ("2026-05-28T20:26:40Z", Some(1_780_000_000_000)),
        ("2026-05-28T23:26:40+03:00", Some(1_780_000_000_000)),
        ("", None),
        ("-1", None),
        ("+1780000000", None),
        ("1780000000.5", None),
        (" 1780000000", None),
        ("0x6A1865C0", None),
        ("١٧٨٠٠٠٠٠٠٠", None),
        ("9999999999999", None),
        ("2026-05-28", None),
        ("yesterday", None),
    ] {
        assert_eq!(at(text), millis, "{text:?}");
    }
}

#[test]
fn signatures_are_sixty_four_digits_with_or_without_their_word() {
    let digits = "00ff".repeat(16);
    let raw: Vec<u8> = [0x00, 0xff].repeat(16);
    for text in [digits.clone(), format!("sha256={digits}"), digits.to_uppercase()] {
        let (good, found) = parse_signature(&text);
        assert!(good && found[..] == raw[..], "{text}");
    }
    for text in ["", "sha256=", &digits[1..], &format!("{digits}0"), &format!("sha1={digits}"), &"zz".repeat(32)] {
        assert!(!parse_signature(text).0, "{text}");
    }
    assert!(!parse_signature(&format!("SHA256={digits}")).0);
}

proptest! {
    #[test]
    fn any_text_is_a_timestamp_or_none(text in "\\PC{0,40}|[0-9]{0,20}|[0-9TZ:+.-]{0,40}") {
        if let Some(at) = parse_timestamp(&text) {
            // Far beyond what can be signed for, and still no overflow.
            let _ = (at.plus(SKEW), at <= Time::from_millis(0).plus(SKEW));
        }
    }

    #[test]
    fn any_text_is_a_signature_or_none(text in "\\PC{0,80}|(sha256=)?[0-9a-fA-F]{62,66}") {
        let (good, raw) = parse_signature(&text);
        let digits = text.strip_prefix("sha256=").unwrap_or(&text).to_lowercase();
        let written: String = raw.iter().map(|b| format!("{b:02x}")).collect();
        prop_assert!(!good || written == digits);
    }
}
